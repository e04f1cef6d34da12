// SPDX-License-Identifier: GPL-2.0-only
/* Events of mailboxes: pending until the worker sends them, within limits. */
#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "event.h"
#include "mbox.h"
#include "registry.h"
#include "user.h"

/*
 * An event becomes pending in its mailbox, under the mailbox' lock; the worker sends it.
 * A mailbox is in the list of the worker at most once, so that its events take the same
 * memory, however fast things change: an event that happens again before it was sent
 * is counted.
 *
 * Where nobody listens no event becomes pending. Else sending is limited:
 *	- of one mailbox events are sent once a period. A mailbox that comes too early is
 *	  postponed, in the order in which the times come;
 *	- a namespace has a budget of events, and of the worker's time, see budget.c;
 *	- refused mailboxes are reported once a period.
 * Events beyond these limits, or without memory, are suppressed and counted; a while
 * after the first, the namespace is sent their number (overrun).
 */
#define MAILBOX_PERIOD	(HZ / 10)	/* between events of one mailbox */
#define OVERRUN_PERIOD	HZ		/* between reports of suppressed events */

static LLIST_HEAD(pending);		/* mailboxes */
static struct llist_node *postponed;	/* worker: mailboxes, by their time */
static struct llist_node **postponed_end = &postponed; /* worker */
static DEFINE_SPINLOCK(pending_lock);
static LIST_HEAD(pending_nets);		/* pending_lock: registries, counted */
static struct workqueue_struct *event_worker;

static void event_flush(struct work_struct *work);
static DECLARE_DELAYED_WORK(event_work, event_flush);

static struct mbox_registry *event_registry(struct mbox_event_net *net)
{
	return container_of(net, struct mbox_registry, events);
}

static struct mbox_pending *event_pending_of(struct llist_node *node)
{
	return container_of(node, struct mbox_pending, node);
}

/* Return the time at which the throttle opens; 0 if it is open. */
static u64 throttle_closed(const struct mbox_throttle *throttle)
{
	return time_before64(get_jiffies_64(), throttle->next) ?
	       throttle->next : 0;
}

static void throttle_close(struct mbox_throttle *throttle, u64 period)
{
	throttle->next = get_jiffies_64() + period;
}

/* Return the earlier of two times; 0 is none. */
static u64 event_earlier(u64 a, u64 b)
{
	return a && b ? min(a, b) : a + b;
}

/* Have the worker look at a namespace. */
static void event_queue_net(struct mbox_event_net *net)
{
	lockdep_assert_held(&pending_lock);
	if (!list_empty(&net->node))
		return;
	refcount_inc(&event_registry(net)->refs);
	list_add_tail(&net->node, &pending_nets);
}

/* There is no memory for an event: it counts as suppressed. */
static void event_lose(struct mbox_event_net *net)
{
	spin_lock(&pending_lock);
	net->unkept++;
	event_queue_net(net);
	spin_unlock(&pending_lock);
	mod_delayed_work(event_worker, &event_work, 0);
}

/*
 * Return the pending events of a mailbox, which stay; NULL: no memory. Most mailboxes
 * have none, for nobody listens.
 */
static struct mbox_pending *event_pending(struct mbox *mbox)
{
	lockdep_assert_held(&mbox->lock);
	if (!mbox->pending) {
		mbox->pending = kzalloc(sizeof(*mbox->pending),
					GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN);
		if (mbox->pending)
			mbox->pending->mbox = mbox;
	}
	return mbox->pending;
}

/*
 * Make an event pending. A mailbox that lives and is listed has a namespace; one that
 * is created is listed under a lock that the end of the namespace takes, too.
 */
static bool event_add(struct mbox *mbox, enum mbox_event event)
{
	struct mbox_pending *events;

	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD || !READ_ONCE(mbox->listed) ||
	    !mbox_notice_heard(mbox->registry))
		return false;
	events = event_pending(mbox);
	if (!events) {
		event_lose(&mbox->registry->events);
		return false;
	}
	if (events->counts[event] < U32_MAX)
		events->counts[event]++;
	if (events->queued)
		return true;
	events->queued = true;
	events->user = mbox->creator->uid;
	mbox_mailbox_mem_get(mbox);
	llist_add(&events->node, &pending);
	mod_delayed_work(event_worker, &event_work, 0);
	return true;
}

/* A mailbox was created. The caller has the lock of its registry, too. */
void mbox_event_created(struct mbox *mbox)
{
	spin_lock(&mbox->lock);
	event_add(mbox, MBOX_EVENT_CREATED);
	spin_unlock(&mbox->lock);
}

/* It lost its name, but is not dead yet. */
void mbox_event_deleted(struct mbox *mbox)
{
	event_add(mbox, MBOX_EVENT_DELETED);
}

/* It is about to die, and @dropped messages with it. */
void mbox_event_died(struct mbox *mbox, int death, u64 dropped)
{
	if (event_add(mbox, death == -EOWNERDEAD ? MBOX_EVENT_OWNER_DIED :
						   MBOX_EVENT_DELETED))
		mbox->pending->dropped_at_end = dropped;
}

/* A send finds no room. A mailbox of capacity zero is never full. */
void mbox_event_full(struct mbox *mbox)
{
	if (mbox->full || mbox->room.capacity == MBOX_CAPACITY_ZERO || mbox->inbox)
		return;
	mbox->full = true;
	event_add(mbox, MBOX_EVENT_FULL);
}

/* A mailbox that was full is not any more. */
void mbox_event_room(struct mbox *mbox)
{
	mbox->full = false;
	event_add(mbox, MBOX_EVENT_ROOM);
}

/* @n messages or deliveries are lost. */
void mbox_event_dropped(struct mbox *mbox, u64 n)
{
	if (n && event_add(mbox, MBOX_EVENT_DROPPED))
		mbox->pending->dropped += n;
}

/* The quota of the caller refused a message. */
void mbox_event_quota(struct mbox *mbox)
{
	spin_lock(&mbox->lock);
	mbox->refused++;
	event_add(mbox, MBOX_EVENT_QUOTA);
	spin_unlock(&mbox->lock);
}

/* The lease with @token ends soon. */
void mbox_event_lease(struct mbox *mbox, u64 token)
{
	if (event_add(mbox, MBOX_EVENT_LEASE_ENDING) &&
	    mbox->pending->counts[MBOX_EVENT_LEASE_ENDING] == 1)
		mbox->pending->token = token;
}

/* The quota of @uid refused a mailbox. The registry's lock is not held. */
void mbox_event_refused(struct mbox_registry *registry, kuid_t uid)
{
	struct mbox_event_net *net = &registry->events;

	spin_lock(&registry->lock);
	if (!registry->dead && mbox_notice_heard(registry)) {
		spin_lock(&pending_lock);
		/* An event has one uid: only that user may see it. */
		if (!uid_eq(net->refused_uid, uid)) {
			net->refused_others += net->refused;
			net->refused = 0;
		}
		net->refused++;
		net->refused_uid = uid;
		event_queue_net(net);
		spin_unlock(&pending_lock);
		mod_delayed_work(event_worker, &event_work, 0);
	}
	spin_unlock(&registry->lock);
}

/* Count @n events that are not sent; report them some time after the first. */
static void event_suppress(struct mbox_event_net *net, u64 n)
{
	if (!n)
		return;
	if (!net->suppressed)
		throttle_close(&net->overrun, OVERRUN_PERIOD);
	net->suppressed += n;
	spin_lock(&pending_lock);
	event_queue_net(net);
	spin_unlock(&pending_lock);
}

static int event_send(const struct mbox_notice *notice, enum mbox_event event,
		      u64 count, u64 dropped)
{
	u64 begin = ktime_get_ns();
	int error;

	error = mbox_notice_send(notice, event, count, dropped);
	notice->registry->events.budget.spent += ktime_get_ns() - begin;
	cond_resched();
	return error;
}

/*
 * Send the pending events of a mailbox. The last one says how the mailbox is: full comes
 * after room if it is full.
 */
static void event_flush_mailbox(struct mbox_pending *from)
{
	/* All but overrun, which is about no mailbox. */
	static const enum mbox_event orders[][MBOX_EVENT_LEASE_ENDING] = {
		{ MBOX_EVENT_CREATED, MBOX_EVENT_FULL, MBOX_EVENT_ROOM,
		  MBOX_EVENT_DROPPED, MBOX_EVENT_QUOTA, MBOX_EVENT_LEASE_ENDING,
		  MBOX_EVENT_DELETED, MBOX_EVENT_OWNER_DIED },
		{ MBOX_EVENT_CREATED, MBOX_EVENT_ROOM, MBOX_EVENT_FULL,
		  MBOX_EVENT_DROPPED, MBOX_EVENT_QUOTA, MBOX_EVENT_LEASE_ENDING,
		  MBOX_EVENT_DELETED, MBOX_EVENT_OWNER_DIED },
	};
	struct mbox *mbox = from->mbox;
	struct mbox_notice notice = { .id = mbox->id, .name = mbox->name };
	struct mbox_event_net *net = &mbox->registry->events;
	struct mbox_pending events;
	const enum mbox_event *order;
	unsigned int i;

	spin_lock(&mbox->lock);
	events = *from;
	memset(from, 0, sizeof(*from));
	from->mbox = mbox;
	throttle_close(&from->throttle, MAILBOX_PERIOD);
	notice.registry = mbox->registry;
	notice.state = mbox->state;
	notice.uid = mbox->uid;
	notice.gid = mbox->gid;
	notice.mode = mbox->mode;
	notice.queued = mbox->room.held;
	notice.token = events.token;
	notice.user = events.user;
	order = orders[mbox->full];
	spin_unlock(&mbox->lock);

	for (i = 0; i < ARRAY_SIZE(orders[0]); i++) {
		enum mbox_event event = order[i];
		u64 dropped = 0;

		if (!events.counts[event])
			continue;
		if (event == MBOX_EVENT_DROPPED)
			dropped = events.dropped;
		else if (event == MBOX_EVENT_DELETED ||
			 event == MBOX_EVENT_OWNER_DIED)
			dropped = events.dropped_at_end;
		if (mbox_notice_possible(mbox->registry) &&
		    (!mbox_budget_take(&net->budget, notice.user) ||
		     event_send(&notice, event, events.counts[event], dropped)))
			event_suppress(net, 1);
	}
	mbox_mailbox_mem_put(mbox);
}

/* Send the events of postponed mailboxes. Return the time of the next one, or 0. */
static u64 event_flush_postponed(void)
{
	while (postponed) {
		struct mbox_pending *events = event_pending_of(postponed);
		u64 time = throttle_closed(&events->throttle);

		if (time && !mbox_notice_stopped())
			return time;
		postponed = postponed->next;
		if (!postponed)
			postponed_end = &postponed;
		event_flush_mailbox(events);
		cond_resched();
	}
	return 0;
}

/* Send the events of a mailbox, or postpone it. */
static void event_flush_or_postpone(struct mbox_pending *events)
{
	if (!throttle_closed(&events->throttle) ||
	    READ_ONCE(events->mbox->state) == MBOX_STATE_DEAD) {
		event_flush_mailbox(events);
		return;
	}
	/*
	 * For a whole period: the list stays in the order of the times. The worker
	 * alone writes them.
	 */
	throttle_close(&events->throttle, MAILBOX_PERIOD);
	events->node.next = NULL;
	*postponed_end = &events->node;
	postponed_end = &events->node.next;
}

/*
 * Report refused mailboxes, and count events without memory. Return the time at which
 * to try again, or 0.
 */
static u64 event_flush_refused(struct mbox_event_net *net)
{
	struct mbox_notice notice = {
		.registry = event_registry(net), .gid = INVALID_GID,
	};
	u64 time = throttle_closed(&net->refusals);
	u64 refused, others, unkept;

	spin_lock(&pending_lock);
	unkept = net->unkept;
	net->unkept = 0;
	spin_unlock(&pending_lock);
	event_suppress(net, unkept);
	if (time)
		return net->refused ? time : 0;
	spin_lock(&pending_lock);
	refused = net->refused;
	others = net->refused_others;
	net->refused = 0;
	net->refused_others = 0;
	notice.uid = net->refused_uid;
	spin_unlock(&pending_lock);
	if (refused) {
		throttle_close(&net->refusals, MAILBOX_PERIOD);
		if (!mbox_budget_take(&net->budget, notice.uid) ||
		    event_send(&notice, MBOX_EVENT_QUOTA, refused, 0))
			others += refused;
	}
	event_suppress(net, others);
	return 0;
}

/* Report the number of suppressed events. Return the time at which to try again, or 0. */
static u64 event_flush_overrun(struct mbox_event_net *net)
{
	/* Visible to all. */
	struct mbox_notice notice = {
		.registry = event_registry(net), .uid = INVALID_UID,
		.gid = INVALID_GID, .mode = 0666,
	};
	u64 time = throttle_closed(&net->overrun);

	if (!net->suppressed)
		return 0;
	if (time)
		return time;
	if (event_send(&notice, MBOX_EVENT_OVERRUN, net->suppressed, 0)) {
		throttle_close(&net->overrun, OVERRUN_PERIOD);
		return net->overrun.next;
	}
	net->suppressed = 0;
	return 0;
}

/* Report to the namespaces that are pending. Return the time of the next try, or 0. */
static u64 event_flush_nets(void)
{
	struct mbox_event_net *net;
	u64 next = 0, time;
	LIST_HEAD(list);

	spin_lock(&pending_lock);
	list_splice_init(&pending_nets, &list);
	/* Bound: one namespace for each time that the lock is held. */
	while ((net = list_first_entry_or_null(&list, struct mbox_event_net,
					       node))) {
		list_del_init(&net->node);
		spin_unlock(&pending_lock);
		time = 0;
		if (mbox_notice_possible(event_registry(net))) {
			time = event_flush_refused(net);
			time = event_earlier(time, event_flush_overrun(net));
		}
		spin_lock(&pending_lock);
		if (time)
			event_queue_net(net);
		spin_unlock(&pending_lock);
		mbox_registry_put(event_registry(net));
		next = event_earlier(next, time);
		spin_lock(&pending_lock);
	}
	spin_unlock(&pending_lock);
	return next;
}

/* The worker. */
static void event_flush(struct work_struct *work)
{
	struct llist_node *node, *following;
	u64 next, now;

	node = llist_reverse_order(llist_del_all(&pending));
	for (; node; node = following) {
		following = node->next;
		event_flush_or_postpone(event_pending_of(node));
		cond_resched();
	}
	next = event_flush_postponed();
	next = event_earlier(next, event_flush_nets());
	now = get_jiffies_64();
	/* Unless events became pending meanwhile, which run the worker at once. */
	if (next && !mbox_notice_stopped())
		queue_delayed_work(event_worker, &event_work,
				   next > now ? next - now : 1);
}

int __init mbox_event_init(void)
{
	event_worker = alloc_ordered_workqueue("mbox_event", WQ_MEM_RECLAIM);
	return event_worker ? 0 : -ENOMEM;
}

/* Nothing happens any more, but pending events may hold mailboxes and registries. */
void mbox_event_exit(void)
{
	/* Once from the beginning: after mbox_notice_stop() nothing is postponed. */
	mod_delayed_work(event_worker, &event_work, 0);
	flush_delayed_work(&event_work);
	destroy_workqueue(event_worker);
}
