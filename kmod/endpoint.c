// SPDX-License-Identifier: GPL-2.0-only
/* Endpoints: processes that take part in direct communication, and their inboxes. */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "access.h"
#include "job.h"
#include "kind.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "registry.h"
#include "user.h"
#include "wait.h"

static struct rb_root endpoints = RB_ROOT;	/* mbox_links_lock: known ones, by pid */

/* Ends of endpoints. Not the watch's queue: they may be many, and have much to free. */
static struct workqueue_struct *endpoint_ends;
#define END_WORKERS	32

/* Links that are tidied in one section. */
#define TIDY_BATCH	64

static bool endpoint_listed_get(struct mbox_listed *entry,
				const struct mbox_registry *registry)
{
	struct mbox_endpoint *endpoint;

	endpoint = container_of(entry, struct mbox_endpoint, listing);
	if (endpoint->inbox->registry != registry)
		return false;
	refcount_inc(&endpoint->refs);
	return true;
}

static void endpoint_listed_put(struct mbox_listed *entry)
{
	mbox_endpoint_put(container_of(entry, struct mbox_endpoint, listing));
}

/* Known endpoints by the id of their inbox. */
struct mbox_list mbox_endpoint_list = {
	.tree = RB_ROOT,
	.changes = 1,
	.get = endpoint_listed_get,
	.put = endpoint_listed_put,
};

/* May sleep. The memory stays for walks along edges, see deadlock.c. */
void mbox_endpoint_put(struct mbox_endpoint *endpoint)
{
	if (!refcount_dec_and_test(&endpoint->refs))
		return;
	put_pid(endpoint->pid);
	/* An inbox that is not needed any more goes without having died. */
	mbox_due_stop(endpoint->inbox);
	mbox_mailbox_put(endpoint->inbox);
	kfree_rcu(endpoint, rcu);
}

/* Drop an endpoint that is not known, or no longer. May sleep. */
void mbox_endpoint_drop(struct mbox_endpoint *endpoint)
{
	mbox_user_remove_mailbox(endpoint->inbox->creator);
	if (mbox_watch_cancel(endpoint->watch))
		mbox_endpoint_put(endpoint);
	mbox_endpoint_put(endpoint);
	/* Our caller holds the module too, or is waited for when it goes. */
	module_put(THIS_MODULE);
}

/* Forget a known endpoint: its process ended, or nobody needs it. */
static void endpoint_forget(struct mbox_endpoint *endpoint, struct mbox_leaving *leaving)
{
	lockdep_assert_held(&mbox_links_lock);
	rb_erase(&endpoint->by_pid, &endpoints);
	mbox_links_remove(&mbox_endpoint_list, &endpoint->listing);
	endpoint->known = false;
	endpoint->leaving = leaving->endpoints;
	leaving->endpoints = endpoint;
}

/* Forget an endpoint that nobody needs any more. */
void mbox_endpoint_tidy(struct mbox_endpoint *endpoint, struct mbox_leaving *leaving)
{
	struct mbox *inbox = endpoint->inbox;
	bool needed;

	lockdep_assert_held(&mbox_links_lock);
	if (!endpoint->known || endpoint->openers || !RB_EMPTY_ROOT(&endpoint->lanes))
		return;
	spin_lock(&inbox->lock);
	needed = inbox->handles || inbox->room.held;
	spin_unlock(&inbox->lock);
	if (!needed)
		endpoint_forget(endpoint, leaving);
}

static void endpoint_end(struct work_struct *work)
{
	struct mbox_endpoint *endpoint = container_of(work, struct mbox_endpoint, end);
	struct mbox_deferred deferred;
	struct mbox_leaving leaving;

	/* First: where a receive gets EOWNERDEAD, so does a send. */
	mbox_mailbox_lock(endpoint->inbox, &deferred);
	mbox_mailbox_die(endpoint->inbox, -EOWNERDEAD, &deferred);
	mbox_mailbox_unlock(endpoint->inbox, &deferred);

	/* From here on no link with it begins: mbox_link_join(). */
	mbox_links_begin(&leaving);
	endpoint->ended = true;
	if (endpoint->known)
		endpoint_forget(endpoint, &leaving);
	mbox_links_end(&leaving);
	while (mbox_link_end_one(endpoint))
		cond_resched();
	mbox_endpoint_put(endpoint);
}

/* Called by the watch: the process is gone. It may not be known yet. */
static void endpoint_ended(void *data)
{
	struct mbox_endpoint *endpoint = data;

	queue_work(endpoint_ends, &endpoint->end);
}

static struct mbox_endpoint *endpoint_look_up(struct pid *pid,
					      struct rb_node **parent,
					      struct rb_node ***link)
{
	struct rb_node **p = &endpoints.rb_node;

	lockdep_assert_held(&mbox_links_lock);
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

/* Find the known endpoint of a process; or NULL. */
struct mbox_endpoint *mbox_endpoint_find(struct pid *pid)
{
	struct rb_node *parent, **link;

	return endpoint_look_up(pid, &parent, &link);
}

/*
 * Get the registry of the network namespace of a process. ESRCH if it has none any
 * more. The leader may have ended before other threads.
 */
static struct mbox_registry *endpoint_registry(struct pid *pid)
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

/* Make the inbox of a process, and charge it to the factory's opener. */
static struct mbox *endpoint_inbox(struct pid *pid, struct file *factory)
{
	static const char no_name[MBOX_NAME_SIZE];
	static const struct mbox_attr attr = {
		.lifetime = MBOX_LIFETIME_PROCESS,
		.capacity = MBOX_CAPACITY_UNBOUNDED,
	};
	struct mbox_registry *registry = endpoint_registry(pid);
	struct mbox *inbox;
	int error;

	if (IS_ERR(registry))
		return ERR_CAST(registry);
	inbox = mbox_mailbox_new(registry, no_name, &attr, factory, 0);
	mbox_registry_put(registry);
	if (IS_ERR(inbox))
		return inbox;
	inbox->kind = &mbox_kind_inbox;
	inbox->inbox = kzalloc(sizeof(*inbox->inbox), GFP_KERNEL_ACCOUNT);
	if (!inbox->inbox || mbox_waits_attach(inbox)) {
		mbox_mailbox_put(inbox);
		return ERR_PTR(-ENOMEM);
	}
	inbox->inbox->lanes = RB_ROOT_CACHED;
	inbox->inbox->numbered = RB_ROOT;
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

/*
 * Make an endpoint that is not known yet. References: of the caller, and of the
 * watch.
 */
static struct mbox_endpoint *endpoint_new(struct pid *pid, struct file *factory)
{
	struct mbox_endpoint *endpoint;
	struct mbox_watch *watch;
	struct mbox *inbox;

	endpoint = kzalloc(sizeof(*endpoint), GFP_KERNEL_ACCOUNT);
	if (!endpoint)
		return ERR_PTR(-ENOMEM);
	inbox = endpoint_inbox(pid, factory);
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

/* Make an endpoint known, with the caller's reference. */
static void endpoint_enter(struct mbox_endpoint *endpoint, struct rb_node *parent,
			   struct rb_node **link)
{
	lockdep_assert_held(&mbox_links_lock);
	rb_link_node(&endpoint->by_pid, parent, link);
	rb_insert_color(&endpoint->by_pid, &endpoints);
	mbox_links_add(&mbox_endpoint_list, &endpoint->listing,
		       endpoint->inbox->id);
	endpoint->known = true;
}

/**
 * mbox_endpoint_get - get the endpoint of a process, or make it
 * @pid:	the process
 * @factory:	its opener pays for a new one
 *
 * Return: the endpoint, with a reference of the caller's; it stays known, as long as
 * its process is there, until mbox_endpoint_unhold(). Or EDQUOT, ENFILE, ENOMEM,
 * ESRCH.
 */
struct mbox_endpoint *mbox_endpoint_get(struct pid *pid, struct file *factory)
{
	struct mbox_endpoint *endpoint, *fresh = NULL;
	struct rb_node *parent, **link;
	struct mbox_leaving leaving;

	for (;;) {
		mbox_links_begin(&leaving);
		endpoint = endpoint_look_up(pid, &parent, &link);
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
		mbox_links_end(&leaving);
		if (endpoint)
			break;
		fresh = endpoint_new(pid, factory);
		if (IS_ERR(fresh))
			return fresh;
	}
	if (fresh)
		mbox_endpoint_drop(fresh);
	return endpoint;
}

/*
 * End the time for which the endpoint stays known for the caller; the reference
 * stays.
 */
void mbox_endpoint_unhold(struct mbox_endpoint *endpoint)
{
	struct mbox_leaving leaving;

	mbox_links_begin(&leaving);
	endpoint->openers--;
	mbox_endpoint_tidy(endpoint, &leaving);
	mbox_links_end(&leaving);
}

/* MBOX_SET_MODE: let the mode decide which processes may send to the inbox. */
void mbox_endpoint_set_mode(struct mbox_endpoint *endpoint, umode_t mode)
{
	struct mbox *inbox = endpoint->inbox;

	spin_lock(&mbox_links_lock);
	endpoint->has_mode = true;
	spin_lock(&inbox->lock);
	inbox->mode = mode;
	spin_unlock(&inbox->lock);
	spin_unlock(&mbox_links_lock);
}

/* There is more room in each lane: admit senders that wait. */
static void endpoint_admit(struct mbox_endpoint *endpoint)
{
	struct mbox_endpoint *from = NULL;	/* only compared: it may be gone */
	struct mbox *inbox = endpoint->inbox;
	struct mbox_deferred deferred;
	struct mbox_lane *lane;
	bool more;

	for (;;) {
		spin_lock(&mbox_links_lock);
		lane = mbox_lane_after(endpoint, from);
		if (lane) {
			from = lane->from;
			mbox_link_get(lane->link);
		}
		spin_unlock(&mbox_links_lock);
		if (!lane)
			break;
		do {
			mbox_mailbox_lock(inbox, &deferred);
			inbox->kind->admit(inbox, &lane->room, &deferred);
			more = deferred.admit;
			deferred.admit = false;
			mbox_mailbox_unlock(inbox, &deferred);
			cond_resched();
		} while (more);
		mbox_link_put(lane->link);
	}
}

/* Drop the messages in an inbox, and add their number to *@purged. 0, EOWNERDEAD or EINTR. */
static int endpoint_purge(struct mbox_endpoint *endpoint, u64 *purged)
{
	struct mbox *inbox = endpoint->inbox;
	struct mbox_lane *lane;
	int error = 0;
	u64 after = 0;

	while (!error) {
		spin_lock(&inbox->lock);
		lane = mbox_inbox_lane_after(inbox, after);
		/* Its messages hold the link. */
		if (lane)
			mbox_link_get(lane->link);
		spin_unlock(&inbox->lock);
		if (!lane)
			break;
		after = lane->link->listing.number;
		error = mbox_mailbox_purge_room(inbox, &lane->room, purged);
		mbox_link_put(lane->link);
	}
	mbox_mailbox_purge_jobs(inbox, purged);
	endpoint_admit(endpoint);
	/* Some links were there for these messages only. */
	mbox_endpoint_leave(endpoint);
	return *purged ? 0 : error;
}

/*
 * MBOX_SET_CAPACITY: limit the messages in each lane to the inbox. Where there is
 * more room than before, let blocked senders in.
 */
void mbox_endpoint_set_capacity(struct mbox_endpoint *endpoint, u32 capacity)
{
	spin_lock(&endpoint->inbox->lock);
	WRITE_ONCE(endpoint->inbox->room.capacity, capacity);
	spin_unlock(&endpoint->inbox->lock);
	endpoint_admit(endpoint);
}

/**
 * mbox_endpoint_purge - drop the messages that are queued in an inbox
 * @registry:	of the network namespace
 * @id:		of the inbox
 * @file:	the netlink socket that asks
 * @purged:	set to the number of messages dropped
 *
 * Return: 0, ENOENT also if @file's opener does not see it, EPERM, EOWNERDEAD, EINTR
 */
int mbox_endpoint_purge(struct mbox_registry *registry, u64 id, struct file *file,
			u64 *purged)
{
	struct mbox_listed *entry = mbox_links_find(&mbox_endpoint_list, registry, id);
	struct mbox_endpoint *endpoint;
	int error = -ENOENT;

	if (!entry)
		return error;
	*purged = 0;
	endpoint = container_of(entry, struct mbox_endpoint, listing);
	if (mbox_access_owns_endpoint(endpoint, file))
		error = endpoint_purge(endpoint, purged);
	else if (mbox_access_sees_endpoint(endpoint, file))
		error = -EPERM;
	mbox_endpoint_put(endpoint);
	return error;
}

/* Return the mode that a process gave its inbox; false if it gave none. */
bool mbox_endpoint_mode(struct pid *pid, umode_t *mode)
{
	struct mbox_endpoint *endpoint;
	bool has_mode = false;

	spin_lock(&mbox_links_lock);
	endpoint = mbox_endpoint_find(pid);
	if (endpoint && endpoint->has_mode) {
		has_mode = true;
		spin_lock(&endpoint->inbox->lock);
		*mode = endpoint->inbox->mode;
		spin_unlock(&endpoint->inbox->lock);
	}
	spin_unlock(&mbox_links_lock);
	return has_mode;
}

/*
 * Tidy up after a handle on the inbox was closed: its messages are gone, and may
 * have been the last of their links.
 */
void mbox_endpoint_leave(struct mbox_endpoint *endpoint)
{
	struct mbox_endpoint *from = NULL;	/* only compared: it may be gone */
	struct mbox_leaving leaving;
	struct mbox_lane *lane;
	unsigned int n;

	do {
		mbox_links_begin(&leaving);
		for (n = 0; n < TIDY_BATCH; n++) {
			lane = mbox_lane_after(endpoint, from);
			if (!lane)
				break;
			from = lane->from;
			mbox_link_tidy(lane->link, &leaving);
		}
		mbox_endpoint_tidy(endpoint, &leaving);
		mbox_links_end(&leaving);
		cond_resched();
	} while (n == TIDY_BATCH);
}

int __init mbox_endpoint_init(void)
{
	endpoint_ends = alloc_workqueue("mbox_endpoint", WQ_UNBOUND | WQ_MEM_RECLAIM,
					END_WORKERS);
	return endpoint_ends ? 0 : -ENOMEM;
}

/* No process is watched any more; the last ends may be under way. */
void mbox_endpoint_exit(void)
{
	destroy_workqueue(endpoint_ends);
}
