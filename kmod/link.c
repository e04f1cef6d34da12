// SPDX-License-Identifier: GPL-2.0-only
/* Processes that take part in direct communication, and the links between them. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "queue.h"
#include "registry.h"
#include "user.h"
#include "wait.h"

/*
 * links_lock guards all endpoints and links, of all users. A section under it takes
 * as many steps as the trees are deep, or as one of the constants below says. It
 * neither allocates nor frees nor sleeps: endpoints and links are made before it is
 * taken, and those that go are collected in a struct leaving.
 */
static DEFINE_SPINLOCK(links_lock);
static struct rb_root endpoints = RB_ROOT;	/* links_lock: known ones, by pid */
static struct rb_root numbered = RB_ROOT;	/* links_lock: the same, by inbox->id */
static struct rb_root links = RB_ROOT;		/* links_lock: listed ones, by number */
static u64 last_link;				/* links_lock: number */
static u32 link_changes = 1;	/* links_lock: links that came or went; never 0 */
static u32 endpoint_changes = 1;	/* links_lock: endpoints likewise */

/* Ends of endpoints. Not the watch's queue: they may be many, and have much to free. */
static struct workqueue_struct *end_queue;
#define END_WORKERS	32

/* Links or endpoints that are looked at in one section. */
#define VISIT_BATCH	64

/* What a section under links_lock leaves to be done after it. */
struct leaving {
	struct mbox_link *links;	/* unlisted, linked through leaving */
	struct mbox_endpoint *endpoints;	/* forgotten, likewise */
};

static void count_change(u32 *changes)
{
	lockdep_assert_held(&links_lock);
	WRITE_ONCE(*changes, *changes + 1 ?: 1);
}

void mbox_link_get(struct mbox_link *link)
{
	refcount_inc(&link->refs);
}

/* Also under a lock. */
void mbox_link_put(struct mbox_link *link)
{
	if (refcount_dec_and_test(&link->refs))
		kfree(link);
}

/* The other direction. */
struct mbox_lane *mbox_lane_back(struct mbox_lane *lane)
{
	struct mbox_link *link = lane->link;

	return lane == &link->lanes[0] ? &link->lanes[1] : &link->lanes[0];
}

/* May sleep. The memory stays for those who walk along edges, see deadlock.c. */
void mbox_endpoint_put(struct mbox_endpoint *endpoint)
{
	if (!refcount_dec_and_test(&endpoint->refs))
		return;
	put_pid(endpoint->pid);
	mbox_mailbox_put(endpoint->inbox);
	kfree_rcu(endpoint, rcu);
}

/* Drop a endpoint that is not known (any more). May sleep. */
static void endpoint_drop(struct mbox_endpoint *endpoint)
{
	mbox_user_remove_mailbox(endpoint->inbox->creator);
	if (mbox_watch_cancel(endpoint->watch))
		mbox_endpoint_put(endpoint);
	mbox_endpoint_put(endpoint);
	/* Our caller holds the module too, or is waited for when it goes. */
	module_put(THIS_MODULE);
}

static void links_begin(struct leaving *leaving)
{
	leaving->links = NULL;
	leaving->endpoints = NULL;
	spin_lock(&links_lock);
	__release(&links_lock);
}

/* End a section under links_lock, and do what it left. May sleep. */
static void links_end(struct leaving *leaving)
{
	struct mbox_endpoint *endpoint;
	struct mbox_link *link;

	__acquire(&links_lock);
	spin_unlock(&links_lock);
	while ((link = leaving->links)) {
		leaving->links = link->leaving;
		mbox_endpoint_put(link->lanes[0].to);
		mbox_endpoint_put(link->lanes[1].to);
		mbox_link_put(link);
	}
	while ((endpoint = leaving->endpoints)) {
		leaving->endpoints = endpoint->leaving;
		endpoint_drop(endpoint);
	}
}

/* A known endpoint is known no more: its process ended, or nobody needs it. */
static void endpoint_forget(struct mbox_endpoint *endpoint, struct leaving *leaving)
{
	lockdep_assert_held(&links_lock);
	rb_erase(&endpoint->by_pid, &endpoints);
	rb_erase(&endpoint->by_number, &numbered);
	endpoint->known = false;
	count_change(&endpoint_changes);
	endpoint->leaving = leaving->endpoints;
	leaving->endpoints = endpoint;
}

/* Forget a endpoint that nobody needs any more. */
static void endpoint_tidy(struct mbox_endpoint *endpoint, struct leaving *leaving)
{
	struct mbox *inbox = endpoint->inbox;
	bool needed;

	lockdep_assert_held(&links_lock);
	if (!endpoint->known || endpoint->openers || !RB_EMPTY_ROOT(&endpoint->lanes))
		return;
	spin_lock(&inbox->lock);
	needed = inbox->handles || inbox->room.held;
	spin_unlock(&inbox->lock);
	if (!needed)
		endpoint_forget(endpoint, leaving);
}

static void link_unlist(struct mbox_link *link, struct leaving *leaving)
{
	struct mbox_endpoint *one = link->lanes[0].to, *other = link->lanes[1].to;

	lockdep_assert_held(&links_lock);
	rb_erase(&link->node, &links);
	rb_erase(&link->lanes[0].node, &one->lanes);
	rb_erase(&link->lanes[1].node, &other->lanes);
	/* Before the inboxes are looked at, see mbox_link_leave(). */
	WRITE_ONCE(link->listed, false);
	count_change(&link_changes);
	endpoint_tidy(one, leaving);
	endpoint_tidy(other, leaving);
	link->leaving = leaving->links;
	leaving->links = link;
}

/*
 * End a link that nobody has a handle on, and that has no messages. Without a handle
 * nothing is sent, so what the lanes hold can only become less.
 */
static void link_tidy(struct mbox_link *link, struct leaving *leaving)
{
	lockdep_assert_held(&links_lock);
	if (link->listed && !atomic_read(&link->handles) &&
	    !READ_ONCE(link->lanes[0].room.held) && !READ_ONCE(link->lanes[1].room.held))
		link_unlist(link, leaving);
}

/*
 * Nothing will come by @lane any more: fail all receivers that wait for it, a few
 * at a time. New ones do not begin to wait.
 */
static void lane_end(struct mbox_lane *lane)
{
	struct mbox *inbox = lane->to->inbox;
	struct mbox_deferred deferred;
	struct mbox_waiter *waiter;
	unsigned int n;

	do {
		mbox_mailbox_lock(inbox, &deferred);
		/* From here on no receive begins to wait for it. */
		lane->ended = true;
		for (n = 0; n < MBOX_END_BATCH; n++) {
			waiter = mbox_receivers_of_lane(&inbox->receivers, lane);
			if (!waiter)
				break;
			mbox_waiter_complete(inbox, waiter, -EOWNERDEAD,
					     &deferred);
		}
		deferred.events |= EPOLLHUP | EPOLLERR;
		mbox_mailbox_unlock(inbox, &deferred);
		cond_resched();
	} while (n == MBOX_END_BATCH);
}

/* Unlist a link of a endpoint that ended; true if there was one. */
static bool endpoint_end_link(struct mbox_endpoint *endpoint)
{
	struct mbox_lane *lane = NULL;
	struct leaving leaving;
	struct rb_node *node;

	links_begin(&leaving);
	node = rb_first(&endpoint->lanes);
	if (node) {
		lane = rb_entry(node, struct mbox_lane, node);
		mbox_link_get(lane->link);
		/* For the time after leaving has dropped its references. */
		refcount_inc(&lane->from->refs);
		link_unlist(lane->link, &leaving);
	}
	links_end(&leaving);
	if (!lane)
		return false;
	lane_end(mbox_lane_back(lane));
	mbox_endpoint_put(lane->from);
	mbox_link_put(lane->link);
	return true;
}

static void endpoint_end(struct work_struct *work)
{
	struct mbox_endpoint *endpoint = container_of(work, struct mbox_endpoint, end);
	struct mbox_deferred deferred;
	struct leaving leaving;

	/* First: where a receive gets EOWNERDEAD, so does a send. */
	mbox_mailbox_lock(endpoint->inbox, &deferred);
	mbox_mailbox_die(endpoint->inbox, -EOWNERDEAD, &deferred);
	mbox_mailbox_unlock(endpoint->inbox, &deferred);

	/* From here on no link with it begins: mbox_link_join(). */
	links_begin(&leaving);
	endpoint->ended = true;
	if (endpoint->known)
		endpoint_forget(endpoint, &leaving);
	links_end(&leaving);
	while (endpoint_end_link(endpoint))
		cond_resched();
	mbox_endpoint_put(endpoint);
}

/* From the watch: the process is gone. It may not be known yet. */
static void endpoint_ended(void *data)
{
	struct mbox_endpoint *endpoint = data;

	queue_work(end_queue, &endpoint->end);
}

static struct mbox_endpoint *endpoint_find(struct pid *pid, struct rb_node **parent,
					   struct rb_node ***link)
{
	struct rb_node **p = &endpoints.rb_node;

	lockdep_assert_held(&links_lock);
	*parent = NULL;
	while (*p) {
		struct mbox_endpoint *endpoint;

		endpoint = rb_entry(*p, struct mbox_endpoint, by_pid);
		if (endpoint->pid == pid)
			return endpoint;
		*parent = *p;
		p = pid < endpoint->pid ? &(*p)->rb_left : &(*p)->rb_right;
	}
	*link = p;
	return NULL;
}

/* The endpoint that a process is, or NULL. */
static struct mbox_endpoint *endpoint_of(struct pid *pid)
{
	struct rb_node *parent, **link;

	return endpoint_find(pid, &parent, &link);
}

/*
 * The registry of the network namespace that a process is in, counted. ESRCH if it
 * has none any more. The leader may have ended before other threads.
 */
static struct mbox_registry *registry_of(struct pid *pid)
{
	struct task_struct *task, *thread;
	struct mbox_registry *registry;
	struct net *net = NULL;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	if (task) {
		for_each_thread(task, thread) {
			task_lock(thread);
			if (thread->nsproxy)
				net = get_net(thread->nsproxy->net_ns);
			task_unlock(thread);
			if (net)
				break;
		}
	}
	rcu_read_unlock();
	if (!net)
		return ERR_PTR(-ESRCH);
	registry = mbox_registry_get(net);
	put_net(net);
	return registry;
}

/* The inbox of a process, which is charged to the factory's opener. */
static struct mbox *inbox_new(struct pid *pid, struct file *factory)
{
	static const char no_name[MBOX_NAME_SIZE];
	static const struct mbox_attr attr = {
		.lifetime = MBOX_LIFETIME_PROCESS,
		.capacity = MBOX_CAPACITY_UNBOUNDED,
	};
	struct mbox_registry *registry = registry_of(pid);
	struct mbox *inbox;
	int error;

	if (IS_ERR(registry))
		return ERR_CAST(registry);
	inbox = mbox_mailbox_new(registry, no_name, &attr, factory->f_cred, 0);
	mbox_registry_put(registry);
	if (IS_ERR(inbox))
		return inbox;
	inbox->inbox = true;
	inbox->reachable = true;
	inbox->deaf = false;
	inbox->plain = false;
	inbox->handles = 0;
	error = mbox_user_add_mailbox(inbox->creator, factory);
	if (error) {
		mbox_mailbox_put(inbox);
		return ERR_PTR(error);
	}
	return inbox;
}

/* A endpoint that is not known yet. References: one of the caller's, and of the watch. */
static struct mbox_endpoint *endpoint_new(struct pid *pid, struct file *factory)
{
	struct mbox_endpoint *endpoint;
	struct mbox_watch *watch;
	struct mbox *inbox;

	endpoint = kzalloc(sizeof(*endpoint), GFP_KERNEL_ACCOUNT);
	if (!endpoint)
		return ERR_PTR(-ENOMEM);
	inbox = inbox_new(pid, factory);
	if (IS_ERR(inbox)) {
		kfree(endpoint);
		return ERR_CAST(inbox);
	}
	refcount_set(&endpoint->refs, 2);
	endpoint->pid = get_pid(pid);
	endpoint->inbox = inbox;
	endpoint->lanes = RB_ROOT;
	INIT_WORK(&endpoint->end, endpoint_end);
	watch = mbox_watch_new(pid, endpoint_ended, endpoint);
	if (IS_ERR(watch)) {
		mbox_user_remove_mailbox(inbox->creator);
		mbox_endpoint_put(endpoint);
		mbox_endpoint_put(endpoint);
		return ERR_CAST(watch);
	}
	endpoint->watch = watch;
	__module_get(THIS_MODULE);
	return endpoint;
}

/* Make a endpoint known, with the caller's reference. */
static void endpoint_enter(struct mbox_endpoint *endpoint, struct rb_node *parent,
			   struct rb_node **link)
{
	struct rb_node **p = &numbered.rb_node, *above = NULL;

	lockdep_assert_held(&links_lock);
	rb_link_node(&endpoint->by_pid, parent, link);
	rb_insert_color(&endpoint->by_pid, &endpoints);
	while (*p) {
		struct mbox_endpoint *other;

		above = *p;
		other = rb_entry(above, struct mbox_endpoint, by_number);
		p = endpoint->inbox->id < other->inbox->id ? &above->rb_left :
							  &above->rb_right;
	}
	rb_link_node(&endpoint->by_number, above, p);
	rb_insert_color(&endpoint->by_number, &numbered);
	endpoint->known = true;
	count_change(&endpoint_changes);
}

/**
 * mbox_endpoint_get - the endpoint that a process is, made if need be
 * @pid:	the process
 * @factory:	whose opener pays for a new one
 *
 * Return: the endpoint, with a reference of the caller's; it stays known, as long as
 * its process is there, until mbox_endpoint_unhold(). Or EDQUOT, ENFILE, ENOMEM,
 * ESRCH.
 */
struct mbox_endpoint *mbox_endpoint_get(struct pid *pid, struct file *factory)
{
	struct mbox_endpoint *endpoint, *fresh = NULL;
	struct rb_node *parent, **link;
	struct leaving leaving;

	for (;;) {
		links_begin(&leaving);
		endpoint = endpoint_find(pid, &parent, &link);
		if (!endpoint && fresh) {
			if (fresh->ended) {
				endpoint = ERR_PTR(-ESRCH);
			} else {
				endpoint_enter(fresh, parent, link);
				endpoint = fresh;
				fresh = NULL;
			}
		}
		if (!IS_ERR_OR_NULL(endpoint)) {
			refcount_inc(&endpoint->refs);
			endpoint->openers++;
		}
		links_end(&leaving);
		if (endpoint)
			break;
		fresh = endpoint_new(pid, factory);
		if (IS_ERR(fresh))
			return fresh;
	}
	if (fresh)
		endpoint_drop(fresh);
	return endpoint;
}

/* It need not stay known for the caller; whose reference stays. */
void mbox_endpoint_unhold(struct mbox_endpoint *endpoint)
{
	struct leaving leaving;

	links_begin(&leaving);
	endpoint->openers--;
	endpoint_tidy(endpoint, &leaving);
	links_end(&leaving);
}

/* The first lane that leads to a endpoint from one whose address is above @from. */
static struct rb_node *lane_after(const struct mbox_endpoint *to,
				  const struct mbox_endpoint *from)
{
	struct rb_node *node = to->lanes.rb_node, *after = NULL;

	lockdep_assert_held(&links_lock);
	while (node) {
		if (rb_entry(node, struct mbox_lane, node)->from > from) {
			after = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return after;
}

/* MBOX_SET_MODE: the mode says from now on who may send to the inbox. */
void mbox_endpoint_set_mode(struct mbox_endpoint *endpoint, umode_t mode)
{
	struct mbox *inbox = endpoint->inbox;

	spin_lock(&links_lock);
	endpoint->has_mode = true;
	spin_lock(&inbox->lock);
	inbox->mode = mode;
	spin_unlock(&inbox->lock);
	spin_unlock(&links_lock);
}

/*
 * MBOX_SET_CAPACITY: no lane that leads to the inbox has room for more from now on.
 * Where there is more room than before, let blocked senders in.
 */
void mbox_endpoint_set_capacity(struct mbox_endpoint *endpoint, u32 capacity)
{
	struct mbox_endpoint *from = NULL;	/* only compared: it may be gone */
	struct mbox *inbox = endpoint->inbox;
	struct mbox_deferred deferred;
	struct mbox_lane *lane;
	struct rb_node *node;
	bool more;

	spin_lock(&inbox->lock);
	WRITE_ONCE(inbox->room.capacity, capacity);
	spin_unlock(&inbox->lock);
	for (;;) {
		spin_lock(&links_lock);
		node = lane_after(endpoint, from);
		lane = node ? rb_entry(node, struct mbox_lane, node) : NULL;
		if (lane) {
			from = lane->from;
			mbox_link_get(lane->link);
		}
		spin_unlock(&links_lock);
		if (!lane)
			break;
		do {
			mbox_mailbox_lock(inbox, &deferred);
			mbox_send_admit(inbox, &lane->room, &deferred);
			more = deferred.admit;
			deferred.admit = false;
			mbox_mailbox_unlock(inbox, &deferred);
			cond_resched();
		} while (more);
		mbox_link_put(lane->link);
	}
}

/* The mode that a process gave its inbox; false if it gave none. */
bool mbox_endpoint_mode(struct pid *pid, umode_t *mode)
{
	struct mbox_endpoint *endpoint;
	bool has_mode = false;

	spin_lock(&links_lock);
	endpoint = endpoint_of(pid);
	if (endpoint && endpoint->has_mode) {
		has_mode = true;
		spin_lock(&endpoint->inbox->lock);
		*mode = endpoint->inbox->mode;
		spin_unlock(&endpoint->inbox->lock);
	}
	spin_unlock(&links_lock);
	return has_mode;
}

/* The lane between two endpoints, or NULL and where its node has to be linked. */
static struct mbox_lane *lane_find(struct mbox_endpoint *from,
				   struct mbox_endpoint *to,
				   struct rb_node **parent,
				   struct rb_node ***link)
{
	struct rb_node **p = &to->lanes.rb_node;

	lockdep_assert_held(&links_lock);
	*parent = NULL;
	while (*p) {
		struct mbox_lane *lane;

		lane = rb_entry(*p, struct mbox_lane, node);
		if (lane->from == from)
			return lane;
		*parent = *p;
		p = from < lane->from ? &(*p)->rb_left : &(*p)->rb_right;
	}
	*link = p;
	return NULL;
}

/*
 * Whether a process has a handle on its link to another, or had one: then that
 * may answer it. A link that nobody uses any more counts no longer.
 */
bool mbox_link_invited(struct pid *self, struct pid *peer)
{
	struct mbox_endpoint *from, *to;
	struct rb_node *parent, **link;
	struct mbox_lane *out = NULL;
	struct leaving leaving;
	bool invited;

	links_begin(&leaving);
	from = endpoint_of(self);
	to = endpoint_of(peer);
	if (from && to) {
		out = lane_find(from, to, &parent, &link);
		if (out)
			link_tidy(out->link, &leaving);
	}
	invited = out && out->link->listed && out->opened;
	links_end(&leaving);
	return invited;
}

static void lane_init(struct mbox_lane *lane, struct mbox_link *link,
		      struct mbox_endpoint *from, struct mbox_endpoint *to,
		      u32 capacity, u32 msg_size)
{
	lane->link = link;
	lane->from = from;
	lane->to = to;
	lane->inbox = to->inbox;
	mbox_queue_init(&lane->queue);
	mbox_room_init(&lane->room, &lane->inbox->room, &lane->queue,
		       &lane->inbox->receivers);
	lane->room.lane = lane;
	lane->room.capacity = capacity;
	lane->room.msg_size = msg_size;
}

/* A link that is not listed yet; its lanes[0] leads from @self. Or NULL. */
static struct mbox_link *link_new(struct mbox_endpoint *self,
				  struct mbox_endpoint *peer, u32 capacity,
				  u32 msg_size)
{
	struct mbox_link *link;

	link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	if (!link)
		return NULL;
	refcount_set(&link->refs, 1);
	lane_init(&link->lanes[0], link, self, peer, capacity, msg_size);
	lane_init(&link->lanes[1], link, peer, self, capacity, msg_size);
	return link;
}

static void lane_enter(struct mbox_lane *lane)
{
	struct mbox_endpoint *to = lane->to;
	struct rb_node *parent, **link;

	lane_find(lane->from, to, &parent, &link);
	rb_link_node(&lane->node, parent, link);
	rb_insert_color(&lane->node, &to->lanes);
	refcount_inc(&to->refs);
	spin_lock(&to->inbox->lock);
	if (to->inbox->room.msg_size < lane->room.msg_size)
		WRITE_ONCE(to->inbox->room.msg_size, lane->room.msg_size);
	spin_unlock(&to->inbox->lock);
}

/* List a link, with the caller's reference. */
static void link_enter(struct mbox_link *link)
{
	struct rb_node **p = &links.rb_node, *parent = NULL;

	lockdep_assert_held(&links_lock);
	link->number = ++last_link;
	/* It has the greatest number. */
	while (*p) {
		parent = *p;
		p = &parent->rb_right;
	}
	rb_link_node(&link->node, parent, p);
	rb_insert_color(&link->node, &links);
	lane_enter(&link->lanes[0]);
	lane_enter(&link->lanes[1]);
	link->listed = true;
	count_change(&link_changes);
}

/**
 * mbox_link_join - begin to use the link between two endpoints
 * @self:	one, whose process is there
 * @peer:	the other; the caller holds both
 * @capacity:	of the link, if it is new
 * @msg_size:	likewise
 *
 * Return: the lane from @self to @peer, whose link has one more handle, and a
 * reference of the caller's, until mbox_link_leave(). ESRCH if @peer has ended,
 * ENOMEM.
 */
struct mbox_lane *mbox_link_join(struct mbox_endpoint *self,
				 struct mbox_endpoint *peer, u32 capacity,
				 u32 msg_size)
{
	struct rb_node *parent, **place;
	struct mbox_link *fresh = NULL;
	struct leaving leaving;
	struct mbox_lane *out;

	for (;;) {
		links_begin(&leaving);
		out = lane_find(self, peer, &parent, &place);
		/* What an unused link still was, it is not for a new opener. */
		if (out) {
			link_tidy(out->link, &leaving);
			if (!out->link->listed)
				out = NULL;
		}
		if (peer->ended || self->ended) {
			out = ERR_PTR(-ESRCH);
		} else if (!out && fresh) {
			link_enter(fresh);
			out = &fresh->lanes[0];
			fresh = NULL;
		}
		if (!IS_ERR_OR_NULL(out)) {
			atomic_inc(&out->link->handles);
			mbox_link_get(out->link);
		}
		links_end(&leaving);
		if (out)
			break;
		fresh = link_new(self, peer, capacity, msg_size);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
	}
	kfree(fresh);
	return out;
}

/* The process that @in leads to has a handle on its link: the other may answer. */
void mbox_link_invite(struct mbox_lane *in)
{
	spin_lock(&links_lock);
	in->opened = true;
	spin_unlock(&links_lock);
}

/**
 * mbox_link_leave - a handle on a link is closed
 * @in:		the lane that leads to the handle's process
 *
 * It has been taken off its inbox before. Global only where the link is not used
 * any more, or where it is not listed: then the endpoint may not be needed, and either
 * we see that, or link_unlist() does not see our handle on the inbox.
 */
void mbox_link_leave(struct mbox_lane *in)
{
	struct mbox_link *link = in->link;
	int handles = atomic_read(&link->handles);
	struct leaving leaving;
	bool last;

	do {
		last = handles == 1;
	} while (!last && !atomic_try_cmpxchg(&link->handles, &handles,
					      handles - 1));
	if (!last && READ_ONCE(link->listed))
		return;
	links_begin(&leaving);
	/* It goes to 0 under the lock only. */
	if (last)
		atomic_dec(&link->handles);
	link_tidy(link, &leaving);
	endpoint_tidy(in->to, &leaving);
	links_end(&leaving);
}

/* A handle on the inbox of @endpoint was closed: what it had received is gone. */
void mbox_endpoint_leave(struct mbox_endpoint *endpoint)
{
	struct mbox_endpoint *from = NULL;	/* only compared: it may be gone */
	struct leaving leaving;
	struct rb_node *node;
	unsigned int n;

	do {
		links_begin(&leaving);
		node = lane_after(endpoint, from);
		for (n = 0; node && n < VISIT_BATCH; n++) {
			struct mbox_lane *lane;

			lane = rb_entry(node, struct mbox_lane, node);
			node = rb_next(node);
			from = lane->from;
			link_tidy(lane->link, &leaving);
		}
		endpoint_tidy(endpoint, &leaving);
		links_end(&leaving);
		cond_resched();
	} while (n == VISIT_BATCH);
}

/* Another number whenever a endpoint came or went meanwhile. */
u32 mbox_endpoints_changes(void)
{
	return READ_ONCE(endpoint_changes);
}

/* Whether @file's opener may know of a process' direct communication. */
bool mbox_endpoint_seen(const struct mbox_endpoint *endpoint, const struct file *file)
{
	const struct cred *cred = mbox_process_cred(endpoint->pid);
	bool seen = false;

	if (cred) {
		seen = uid_eq(cred->euid, file->f_cred->euid) ||
		       uid_eq(cred->uid, file->f_cred->euid);
		put_cred(cred);
	}
	/* The caller counts if he is of the same user: the opener reads it too. */
	return seen ||
	       (endpoint->pid == task_tgid(current) &&
		uid_eq(current_euid(), file->f_cred->euid)) ||
	       file_ns_capable(file, endpoint->inbox->registry->user_ns,
			       CAP_IPC_OWNER);
}

/* Of a tree, the first link whose number is @number or more. */
static struct rb_node *link_from(u64 number)
{
	struct rb_node *node = links.rb_node, *from = NULL;

	lockdep_assert_held(&links_lock);
	while (node) {
		if (rb_entry(node, struct mbox_link, node)->number >= number) {
			from = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return from;
}

/* The same of endpoints. */
static struct rb_node *endpoint_from(u64 number)
{
	struct rb_node *node = numbered.rb_node, *from = NULL;

	lockdep_assert_held(&links_lock);
	while (node) {
		if (rb_entry(node, struct mbox_endpoint, by_number)->inbox->id >=
		    number) {
			from = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return from;
}

/*
 * The first link of a registry from number *@next on, which is set to its own, or to
 * where to go on. NULL if there is none, and then *@more says whether there are
 * others to look at. With references of the caller's to link and endpoints.
 */
static struct mbox_link *link_next(struct mbox_registry *registry, u64 *next,
				   bool *more)
{
	struct mbox_link *link = NULL;
	struct rb_node *node;
	unsigned int n;

	spin_lock(&links_lock);
	node = link_from(*next);
	for (n = 0; node && n < VISIT_BATCH; n++) {
		link = rb_entry(node, struct mbox_link, node);
		*next = link->number;
		if (link->lanes[0].to->inbox->registry == registry ||
		    link->lanes[1].to->inbox->registry == registry) {
			mbox_link_get(link);
			refcount_inc(&link->lanes[0].to->refs);
			refcount_inc(&link->lanes[1].to->refs);
			break;
		}
		link = NULL;
		++*next;
		node = rb_next(node);
	}
	*more = node;
	spin_unlock(&links_lock);
	return link;
}

static struct mbox_endpoint *endpoint_next(struct mbox_registry *registry, u64 *next,
					   bool *more)
{
	struct mbox_endpoint *endpoint = NULL;
	struct rb_node *node;
	unsigned int n;

	spin_lock(&links_lock);
	node = endpoint_from(*next);
	for (n = 0; node && n < VISIT_BATCH; n++) {
		endpoint = rb_entry(node, struct mbox_endpoint, by_number);
		*next = endpoint->inbox->id;
		if (endpoint->inbox->registry == registry) {
			refcount_inc(&endpoint->refs);
			break;
		}
		endpoint = NULL;
		++*next;
		node = rb_next(node);
	}
	*more = node;
	spin_unlock(&links_lock);
	return endpoint;
}

/**
 * mbox_links_visit - go through the links of a network namespace
 * @registry:	whose: one of the two processes was in it when it was first linked
 * @next:	the least number wanted; set to that of the link for which @visit
 *		failed. Numbers grow: what is there all the time is visited once.
 * @seq:	added to it is a number that changes when links come or go; never 0
 *		then
 * @visit:	called with no lock held; an error ends the visit
 * @data:	for @visit
 *
 * Return: 0, or what @visit failed with.
 */
int mbox_links_visit(struct mbox_registry *registry, u64 *next,
		     unsigned int *seq,
		     int (*visit)(struct mbox_link *link, void *data),
		     void *data)
{
	struct mbox_link *link;
	int error = 0;
	bool more;

	*seq = *seq + READ_ONCE(link_changes) ?: 1;
	do {
		link = link_next(registry, next, &more);
		if (link) {
			error = visit(link, data);
			mbox_endpoint_put(link->lanes[0].to);
			mbox_endpoint_put(link->lanes[1].to);
			mbox_link_put(link);
			if (error)
				return error;
			++*next;
		}
		cond_resched();
	} while (more);
	return 0;
}

/* The same of the processes that take part, by the ids of their inboxes. */
int mbox_endpoints_visit(struct mbox_registry *registry, u64 *next,
			 unsigned int *seq,
		       int (*visit)(struct mbox_endpoint *endpoint, void *data),
		       void *data)
{
	struct mbox_endpoint *endpoint;
	int error = 0;
	bool more;

	*seq = *seq + READ_ONCE(endpoint_changes) ?: 1;
	do {
		endpoint = endpoint_next(registry, next, &more);
		if (endpoint) {
			error = visit(endpoint, data);
			mbox_endpoint_put(endpoint);
			if (error)
				return error;
			++*next;
		}
		cond_resched();
	} while (more);
	return 0;
}

int __init mbox_endpoint_init(void)
{
	end_queue = alloc_workqueue("mbox_endpoint", WQ_UNBOUND | WQ_MEM_RECLAIM,
				    END_WORKERS);
	return end_queue ? 0 : -ENOMEM;
}

/* No process is watched any more; the last ends may be under way. */
void mbox_endpoint_exit(void)
{
	destroy_workqueue(end_queue);
}
