// SPDX-License-Identifier: GPL-2.0-only
/* Events: what happens to mailboxes, told to who listens. */
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/net.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "access.h"
#include "event.h"
#include "mbox.h"
#include "netlink_gen.h"
#include "registry.h"
#include "user.h"

/*
 * An event is noted in its mailbox under the mailbox' lock, and told by a worker.
 * A mailbox is in the list of the worker at most once, with a reference, so that
 * however fast things change, what is to be told takes no memory; what happens
 * again before it was told is counted. The worker tells of a mailbox only so
 * often: one that comes too soon waits in a list of its own, in the order in which
 * their times come. And it tells a namespace only so much: what is beyond that is
 * counted, too, and the count is told a while after the first (overrun).
 *
 * How much that is: so many events of the mailboxes of each user, as creator, and
 * so many more of whosever, so that a busy user does not hide what others do. Of the
 * users that are first in a window each has a share of his own; more than are counted
 * apart have only what is for all. And as telling takes time by the number of
 * listeners, which anybody may be, so much time: the worker serves all namespaces.
 *
 * Where nobody listens nothing is noted.
 */
#define MAILBOX_PERIOD	(HZ / 10)	/* between notices of one mailbox */
#define WINDOW		HZ		/* in which a namespace is told */
#define WINDOW_EVENTS	1000		/* so many, of all users, */
#define USER_EVENTS	100		/* and so many of each before */
#define WINDOW_TIME	(NSEC_PER_SEC / 4) /* of the worker; for all half of it */

static LLIST_HEAD(noted);		/* mailboxes */
static struct llist_node *postponed;	/* worker: mailboxes, by their time */
static struct llist_node **postponed_end = &postponed; /* worker */
static DEFINE_SPINLOCK(owing_lock);
static LIST_HEAD(owing);		/* owing_lock: registries, counted */
static DEFINE_MUTEX(telling);		/* held while one event is told */
static bool over;			/* telling: the family goes */
static struct workqueue_struct *queue;

static void tell(struct work_struct *work);
static DECLARE_DELAYED_WORK(teller, tell);

/* What is told, as it was when it was looked at. */
struct notice {
	u64 id;				/* 0: no mailbox */
	const char *name;
	struct mbox_registry *registry;
	u32 state;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u64 queued;
	kuid_t user;			/* whose share of events it takes */
};

/*
 * What was found of listeners as one event is told: whether it is hidden from these
 * credentials. Sockets that one process opened have the same, and there may be many.
 */
#define SEEN_BITS	4

struct seen {
	const struct notice *notice;
	struct {
		const struct cred *cred;
		bool hidden;
	} by[1 << SEEN_BITS];
};

/* The namespace is there: the caller sees to it that it is not going just now. */
static bool heard(const struct mbox_registry *registry)
{
	return genl_has_listeners(&mbox_nl_family, registry->net,
				  MBOX_NLGRP_EVENTS) ||
	       genl_has_listeners(&mbox_nl_family, registry->net,
				  MBOX_NLGRP_EVENTS_PRIVATE);
}

/*
 * A mailbox that lives and is listed has a namespace; one that is created is
 * listed under a lock that the end of the namespace takes, too.
 */
static bool note(struct mbox *mbox, enum mbox_event event)
{
	struct mbox_notices *notices = &mbox->notices;

	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD || !READ_ONCE(mbox->listed) ||
	    !heard(mbox->registry))
		return false;
	if (notices->counts[event] < U32_MAX)
		notices->counts[event]++;
	if (notices->noted)
		return true;
	notices->noted = true;
	notices->user = mbox->creator->uid;
	mbox_mailbox_mem_get(mbox);
	llist_add(&notices->node, &noted);
	mod_delayed_work(queue, &teller, 0);
	return true;
}

/* Called with the lock of its registry, too. */
void mbox_event_created(struct mbox *mbox)
{
	spin_lock(&mbox->lock);
	note(mbox, MBOX_EVENT_CREATED);
	spin_unlock(&mbox->lock);
}

/* It lost its name, but is not dead yet. */
void mbox_event_deleted(struct mbox *mbox)
{
	note(mbox, MBOX_EVENT_DELETED);
}

/* It is about to die, and @dropped messages with it. */
void mbox_event_died(struct mbox *mbox, int death, u64 dropped)
{
	if (note(mbox, death == -EOWNERDEAD ? MBOX_EVENT_OWNER_DIED :
					      MBOX_EVENT_DELETED))
		mbox->notices.dropped_at_end = dropped;
}

/* A send finds no room. Where the capacity is zero there is none to be found. */
void mbox_event_full(struct mbox *mbox)
{
	if (mbox->full || mbox->room.capacity == MBOX_CAPACITY_ZERO || mbox->inbox)
		return;
	mbox->full = true;
	note(mbox, MBOX_EVENT_FULL);
}

/* One that was full is not. */
void mbox_event_room(struct mbox *mbox)
{
	mbox->full = false;
	note(mbox, MBOX_EVENT_ROOM);
}

/* @n messages or deliveries are lost. */
void mbox_event_dropped(struct mbox *mbox, u64 n)
{
	if (n && note(mbox, MBOX_EVENT_DROPPED))
		mbox->notices.dropped += n;
}

/* The quota of the caller refused a message. */
void mbox_event_quota(struct mbox *mbox)
{
	spin_lock(&mbox->lock);
	mbox->refused++;
	note(mbox, MBOX_EVENT_QUOTA);
	spin_unlock(&mbox->lock);
}

/* Have the worker come back to @registry. */
static void owe(struct mbox_registry *registry)
{
	lockdep_assert_held(&owing_lock);
	if (!list_empty(&registry->owing))
		return;
	refcount_inc(&registry->refs);
	list_add_tail(&registry->owing, &owing);
}

/* The quota of @uid refused a mailbox. The registry's lock is not held. */
void mbox_event_refused(struct mbox_registry *registry, kuid_t uid)
{
	spin_lock(&registry->lock);
	if (!registry->dead && heard(registry)) {
		spin_lock(&owing_lock);
		/* Of one user only is told whose it was: he alone may know. */
		if (!uid_eq(registry->refused_uid, uid)) {
			registry->refused_others += registry->refused;
			registry->refused = 0;
		}
		registry->refused++;
		registry->refused_uid = uid;
		owe(registry);
		spin_unlock(&owing_lock);
		mod_delayed_work(queue, &teller, 0);
	}
	spin_unlock(&registry->lock);
}

/*
 * Whether the opener of a listener's socket is not to know: of no mailbox all may.
 * No socket is closed while one event is told, so credentials stay.
 */
static int hide(struct sock *sk, struct sk_buff *skb, void *data)
{
	struct socket *socket = READ_ONCE(sk->sk_socket);
	struct file *file = socket ? READ_ONCE(socket->file) : NULL;
	struct seen *seen = data;
	const struct notice *notice = seen->notice;
	const struct cred *cred;
	unsigned int i;

	if (!file)
		return true;
	cred = file->f_cred;
	i = hash_ptr(cred, SEEN_BITS);
	if (seen->by[i].cred != cred) {
		seen->by[i].cred = cred;
		seen->by[i].hidden = !mbox_access_sees(file, notice->registry,
						     notice->uid, notice->gid,
						     notice->mode);
	}
	return seen->by[i].hidden;
}

static int fill(struct sk_buff *skb, const struct notice *notice,
		enum mbox_event event, u64 count, u64 dropped)
{
	struct user_namespace *user_ns = notice->registry->user_ns;
	void *header;

	header = genlmsg_put(skb, 0, 0, &mbox_nl_family, 0, MBOX_CMD_EVENT);
	if (!header ||
	    nla_put_u32(skb, MBOX_A_NOTICE_EVENT, event) ||
	    nla_put_u64_64bit(skb, MBOX_A_NOTICE_TIME, ktime_get_real_ns(),
			      MBOX_A_NOTICE_PAD))
		return -EMSGSIZE;
	if (notice->id &&
	    (nla_put_u64_64bit(skb, MBOX_A_NOTICE_ID, notice->id,
			       MBOX_A_NOTICE_PAD) ||
	     nla_put_u32(skb, MBOX_A_NOTICE_STATE, notice->state) ||
	     nla_put_u64_64bit(skb, MBOX_A_NOTICE_QUEUED, notice->queued,
			       MBOX_A_NOTICE_PAD)))
		return -EMSGSIZE;
	if (notice->id && notice->name[0] &&
	    nla_put_string(skb, MBOX_A_NOTICE_NAME, notice->name))
		return -EMSGSIZE;
	if (event != MBOX_EVENT_OVERRUN &&
	    nla_put_u32(skb, MBOX_A_NOTICE_UID,
			from_kuid_munged(user_ns, notice->uid)))
		return -EMSGSIZE;
	if (dropped && nla_put_u64_64bit(skb, MBOX_A_NOTICE_DROPPED, dropped,
					 MBOX_A_NOTICE_PAD))
		return -EMSGSIZE;
	if (count > 1 && nla_put_u64_64bit(skb, MBOX_A_NOTICE_COUNT, count,
					   MBOX_A_NOTICE_PAD))
		return -EMSGSIZE;
	genlmsg_end(skb, header);
	return 0;
}

/* How many events of the user's own share are told in this window. NULL: he has none. */
static u32 *user_told(struct mbox_registry *registry, kuid_t uid)
{
	unsigned int i;

	/* Bounded by the size of the table. */
	for (i = 0; i < registry->nr_shares; i++) {
		if (uid_eq(registry->shares[i].uid, uid))
			return &registry->shares[i].told;
	}
	if (i == ARRAY_SIZE(registry->shares))
		return NULL;
	registry->nr_shares++;
	registry->shares[i].uid = uid;
	registry->shares[i].told = 0;
	return &registry->shares[i].told;
}

/* Whether the namespace may be told one more of @uid; if not it is counted. */
static bool may_tell(struct mbox_registry *registry, kuid_t uid)
{
	u64 now = get_jiffies_64();
	u32 *told;

	if (time_after_eq64(now, registry->window_end)) {
		registry->window_end = now + WINDOW;
		registry->nr_shares = 0;
		registry->told = 0;
		registry->spent = 0;
	}
	told = user_told(registry, uid);
	if (told && *told < USER_EVENTS) {
		++*told;
		return registry->spent < WINDOW_TIME;
	}
	if (registry->told == WINDOW_EVENTS)
		return false;
	registry->told++;
	return registry->spent < WINDOW_TIME / 2;
}

/* Count @n events that are not told, and tell of that some time after the first. */
static void leave_out(struct mbox_registry *registry, u64 n)
{
	if (!n)
		return;
	if (!registry->left_out)
		registry->overrun_due = get_jiffies_64() + WINDOW;
	registry->left_out += n;
	spin_lock(&owing_lock);
	owe(registry);
	spin_unlock(&owing_lock);
}

/* Whether there is a namespace to be told, and a family; where not there never will. */
static bool can_tell(const struct mbox_registry *registry)
{
	return READ_ONCE(registry->net) && !READ_ONCE(over);
}

/* Tell one event. The end of a namespace, or of the family, waits for no more. */
static int send(struct notice *notice, enum mbox_event event, u64 count,
		u64 dropped)
{
	struct mbox_registry *registry = notice->registry;
	struct seen seen = { .notice = notice };
	bool everybody = notice->mode & 06;
	u64 begin = ktime_get_ns();
	struct sk_buff *skb;

	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	if (WARN_ON_ONCE(fill(skb, notice, event, count, dropped))) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	mutex_lock(&telling);
	if (can_tell(registry))
		mbox_compat_multicast(&mbox_nl_family, registry->net, skb,
				      MBOX_NLGRP_EVENTS,
				      MBOX_NLGRP_EVENTS_PRIVATE,
				      everybody, hide, &seen);
	else
		nlmsg_free(skb);
	mutex_unlock(&telling);
	registry->spent += ktime_get_ns() - begin;
	cond_resched();
	return 0;
}

static void tell_or_leave_out(struct notice *notice, enum mbox_event event,
			      u64 count, u64 dropped)
{
	if (!may_tell(notice->registry, notice->user) ||
	    send(notice, event, count, dropped))
		leave_out(notice->registry, 1);
}

/*
 * Tell what was noted of a mailbox. What comes last is how it is: so is full after
 * room if it is full.
 */
static void tell_mailbox(struct mbox *mbox)
{
	static const enum mbox_event orders[][MBOX_EVENT_QUOTA + 1] = {
		{ MBOX_EVENT_CREATED, MBOX_EVENT_FULL, MBOX_EVENT_ROOM,
		  MBOX_EVENT_DROPPED, MBOX_EVENT_QUOTA, MBOX_EVENT_DELETED,
		  MBOX_EVENT_OWNER_DIED },
		{ MBOX_EVENT_CREATED, MBOX_EVENT_ROOM, MBOX_EVENT_FULL,
		  MBOX_EVENT_DROPPED, MBOX_EVENT_QUOTA, MBOX_EVENT_DELETED,
		  MBOX_EVENT_OWNER_DIED },
	};
	struct mbox_notices *notices = &mbox->notices, taken;
	struct notice notice = { .id = mbox->id, .name = mbox->name };
	const enum mbox_event *order;
	unsigned int i;

	spin_lock(&mbox->lock);
	taken = *notices;
	memset(notices, 0, sizeof(*notices));
	notices->due = get_jiffies_64() + MAILBOX_PERIOD;
	notice.registry = mbox->registry;
	notice.state = mbox->state;
	notice.uid = mbox->uid;
	notice.gid = mbox->gid;
	notice.mode = mbox->mode;
	notice.queued = mbox->room.held;
	notice.user = taken.user;
	order = orders[mbox->full];
	spin_unlock(&mbox->lock);

	for (i = 0; i < ARRAY_SIZE(orders[0]); i++) {
		enum mbox_event event = order[i];
		u64 dropped = 0;

		if (!taken.counts[event])
			continue;
		if (event == MBOX_EVENT_DROPPED)
			dropped = taken.dropped;
		else if (event == MBOX_EVENT_DELETED ||
			 event == MBOX_EVENT_OWNER_DIED)
			dropped = taken.dropped_at_end;
		if (can_tell(mbox->registry))
			tell_or_leave_out(&notice, event, taken.counts[event],
					  dropped);
	}
	mbox_mailbox_mem_put(mbox);
}

/* Tell of the mailboxes whose time has come; when that of the next does, or 0. */
static u64 tell_postponed(void)
{
	while (postponed) {
		struct mbox *mbox = container_of(postponed, struct mbox,
						 notices.node);

		if (!READ_ONCE(over) && time_before64(get_jiffies_64(), mbox->notices.due))
			return mbox->notices.due;
		postponed = postponed->next;
		if (!postponed)
			postponed_end = &postponed;
		tell_mailbox(mbox);
		cond_resched();
	}
	return 0;
}

/* One was noted: tell of it, or later if that is too soon. */
static void tell_noted(struct mbox *mbox)
{
	struct mbox_notices *notices = &mbox->notices;
	u64 now = get_jiffies_64();

	/* Nobody else writes due. A whole period, for the others' that wait. */
	if (time_after_eq64(now, notices->due) ||
	    READ_ONCE(mbox->state) == MBOX_STATE_DEAD) {
		tell_mailbox(mbox);
		return;
	}
	notices->due = now + MAILBOX_PERIOD;
	notices->node.next = NULL;
	*postponed_end = &notices->node;
	postponed_end = &notices->node.next;
}

/* The sooner of two times, of which 0 is none. */
static u64 sooner(u64 a, u64 b)
{
	return a && b ? min(a, b) : a + b;
}

/* Tell of mailboxes that were refused, if it is not too soon: when it will not be, or 0. */
static u64 tell_refused(struct mbox_registry *registry)
{
	struct notice notice = { .registry = registry, .gid = INVALID_GID };
	u64 now = get_jiffies_64();
	u64 refused, others;

	if (time_before64(now, registry->refused_due))
		return registry->refused ? registry->refused_due : 0;
	spin_lock(&owing_lock);
	refused = registry->refused;
	others = registry->refused_others;
	registry->refused = 0;
	registry->refused_others = 0;
	notice.uid = registry->refused_uid;
	spin_unlock(&owing_lock);
	if (refused) {
		registry->refused_due = now + MAILBOX_PERIOD;
		if (!may_tell(registry, notice.uid) ||
		    send(&notice, MBOX_EVENT_QUOTA, refused, 0))
			others += refused;
	}
	leave_out(registry, others);
	return 0;
}

/* Tell how many events were not, if it is time: when it will be, or 0. */
static u64 tell_overrun(struct mbox_registry *registry)
{
	/* Everybody may know. */
	struct notice notice = {
		.registry = registry, .uid = INVALID_UID, .gid = INVALID_GID,
		.mode = 0666,
	};

	if (!registry->left_out)
		return 0;
	if (time_before64(get_jiffies_64(), registry->overrun_due))
		return registry->overrun_due;
	if (send(&notice, MBOX_EVENT_OVERRUN, registry->left_out, 0))
		registry->overrun_due = get_jiffies_64() + WINDOW;
	else
		registry->left_out = 0;
	return registry->left_out ? registry->overrun_due : 0;
}

/* Tell the namespaces what they are owed: when to come back, or 0. */
static u64 tell_registries(void)
{
	struct mbox_registry *registry;
	u64 back = 0, time;
	LIST_HEAD(list);

	spin_lock(&owing_lock);
	list_splice_init(&owing, &list);
	/* Bound: one registry for each time that the lock is held. */
	while ((registry = list_first_entry_or_null(&list, struct mbox_registry,
						    owing))) {
		list_del_init(&registry->owing);
		spin_unlock(&owing_lock);
		time = 0;
		if (can_tell(registry)) {
			time = tell_refused(registry);
			time = sooner(time, tell_overrun(registry));
		}
		spin_lock(&owing_lock);
		if (time)
			owe(registry);
		spin_unlock(&owing_lock);
		mbox_registry_put(registry);
		back = sooner(back, time);
		spin_lock(&owing_lock);
	}
	spin_unlock(&owing_lock);
	return back;
}

/* The worker. */
static void tell(struct work_struct *work)
{
	struct llist_node *node, *next;
	u64 back, now;

	node = llist_reverse_order(llist_del_all(&noted));
	for (; node; node = next) {
		next = node->next;
		tell_noted(container_of(node, struct mbox, notices.node));
		cond_resched();
	}
	back = tell_postponed();
	back = sooner(back, tell_registries());
	now = get_jiffies_64();
	/* Unless there is something to be told at once by now. */
	if (back && !READ_ONCE(over))
		queue_delayed_work(queue, &teller, back > now ? back - now : 1);
}

/* A namespace goes, and all its mailboxes are dead: nobody is told any more. */
void mbox_event_end(struct mbox_registry *registry)
{
	mutex_lock(&telling);
	WRITE_ONCE(registry->net, NULL);
	mutex_unlock(&telling);
}

int __init mbox_event_init(void)
{
	queue = alloc_ordered_workqueue("mbox_event", WQ_MEM_RECLAIM);
	return queue ? 0 : -ENOMEM;
}

/* The family is about to go. */
void mbox_event_stop(void)
{
	mutex_lock(&telling);
	WRITE_ONCE(over, true);
	mutex_unlock(&telling);
}

/* Nothing happens any more, but what did before may hold mailboxes and registries. */
void mbox_event_exit(void)
{
	/* Once from the beginning, which postpones nothing now that it is over. */
	mod_delayed_work(queue, &teller, 0);
	flush_delayed_work(&teller);
	destroy_workqueue(queue);
}
