// SPDX-License-Identifier: GPL-2.0-only
/* Watches: callbacks when a process ends. */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "process.h"

/*
 * The end of a process is known from its struct pid: the queue that polling a
 * pidfd waits on is woken when the last thread of the group is gone, and now and
 * then before (a traced leader's end, an exec). The kernel walks that queue with
 * tasklist_lock held and interrupts off. So a process has one entry there, of its
 * struct watched, however many watches it has: the entry only queues the
 * process for a worker, which looks, and calls back for one watch after the other.
 *
 * MBOX_WATCH: an end is reported once, or never if the watch was cancelled before.
 * The watch is in process->watches until worker or canceller takes it out, under
 * the lock.
 *
 *	worker					cancel
 *	if it is listed: unlist, ended(data)	unlist; return whether it was listed
 *
 * The worker copies what it needs, so cancel frees the watch at once.
 *
 * A process is used by its watches. The last one to go unhooks the entry, so that
 * it does not run any more, and takes the process out of the table. The memory is
 * held by these users together, and by the queue of a worker.
 */
struct watched {
	struct rhash_head node;
	struct pid *pid;		/* constant, counted: the key */
	refcount_t users;		/* watches; 0: not to be found any more */
	refcount_t refs;
	spinlock_t lock;		/* guards watches */
	struct list_head watches;	/* lock: those not called back */
	wait_queue_entry_t entry;	/* hooked into pid->wait_pidfd */
	struct watch_queue *queue;	/* constant */
	struct list_head woken;		/* queue->lock: or empty */
	struct rcu_head rcu;
};

struct mbox_watch {
	struct list_head node;		/* process->lock: or empty */
	struct watched *process;	/* constant */
	void (*ended)(void *data);	/* constant */
	void *data;			/* constant */
};

/*
 * Processes that were woken, for one worker. The processes of a user (real uid)
 * share QUEUES_PER_USER of the queues, and take turns there after WATCH_BATCH
 * callbacks: many processes of one user that end together hold up each other, but
 * only by chance those of another user.
 */
struct watch_queue {
	spinlock_t lock;		/* guards woken, interrupts off */
	struct list_head woken;		/* lock: struct watched */
	struct work_struct work;
};

#define QUEUES_BITS	8
#define QUEUES_PER_USER	4
#define WATCH_BATCH	16

static struct watch_queue watch_queues[1 << QUEUES_BITS];
static atomic64_t watch_ends;
static struct workqueue_struct *watch_workers;

/* A process without users is about to go: never find it. */
static int watched_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct watched *process = obj;
	struct pid *const *pid = arg->key;

	return process->pid != *pid || !refcount_read(&process->users);
}

static const struct rhashtable_params watched_params = {
	.key_len = sizeof(struct pid *),
	.key_offset = offsetof(struct watched, pid),
	.head_offset = offsetof(struct watched, node),
	.obj_cmpfn = watched_differs,
	.automatic_shrinking = true,
};

static struct rhashtable watched_processes;

static void watched_put(struct watched *process)
{
	if (!refcount_dec_and_test(&process->refs))
		return;
	put_pid(process->pid);
	kfree_rcu(process, rcu);
}

/* Unhook a process, so that it is not woken any more. Safe to call twice. */
static void watched_unhook(struct watched *process)
{
	wait_queue_head_t *queue = &process->pid->wait_pidfd;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_del_init(&process->entry.entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Drop a user. The last one unhooks the process. */
static void watched_unuse(struct watched *process)
{
	if (!refcount_dec_and_test(&process->users))
		return;
	watched_unhook(process);
	rhashtable_remove_fast(&watched_processes, &process->node,
			       watched_params);
	watched_put(process);
}

/* Queue a process for its worker, last. */
static void watched_queue(struct watched *process)
{
	struct watch_queue *queue = process->queue;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (list_empty(&process->woken)) {
		refcount_inc(&process->refs);
		list_add_tail(&process->woken, &queue->woken);
	}
	queue_work(watch_workers, &queue->work);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static int watched_wake(wait_queue_entry_t *entry, unsigned int mode, int flags,
			void *key)
{
	/* Ordered after the state that mbox_process_ended() reads. */
	atomic64_inc_return(&watch_ends);
	watched_queue(container_of(entry, struct watched, entry));
	return 0;
}

/* Call back for up to WATCH_BATCH watches. Return whether there may be more. */
static bool watched_report(struct watched *process)
{
	unsigned int n;

	for (n = 0; n < WATCH_BATCH; n++) {
		void (*ended)(void *data);
		struct mbox_watch *watch;
		void *data;

		spin_lock(&process->lock);
		watch = list_first_entry_or_null(&process->watches,
						 struct mbox_watch, node);
		if (watch) {
			list_del_init(&watch->node);
			ended = watch->ended;
			data = watch->data;
		}
		spin_unlock(&process->lock);
		if (!watch)
			return false;
		ended(data);
		cond_resched();
	}
	return true;
}

static struct watched *watch_queue_pop(struct watch_queue *queue)
{
	struct watched *process;

	spin_lock_irq(&queue->lock);
	process = list_first_entry_or_null(&queue->woken, struct watched,
					   woken);
	if (process)
		list_del_init(&process->woken);
	/* One process at a time: others of the workqueue have their turn. */
	if (!list_empty(&queue->woken))
		queue_work(watch_workers, &queue->work);
	spin_unlock_irq(&queue->lock);
	return process;
}

static void watch_queue_work(struct work_struct *work)
{
	struct watched *process;

	process = watch_queue_pop(container_of(work, struct watch_queue, work));
	if (!process)
		return;
	if (mbox_process_ended(process->pid)) {
		/* The callbacks may let the module go, and with it the entry. */
		watched_unhook(process);
		if (watched_report(process))
			watched_queue(process);
	}
	watched_put(process);
}

static struct watch_queue *watch_queue_of(struct pid *pid)
{
	const struct cred *cred = mbox_process_cred(pid);
	u32 nr = 0;

	if (cred) {
		nr = hash_32(__kuid_val(cred->uid), QUEUES_BITS);
		put_cred(cred);
	}
	nr += hash_ptr(pid, 32) % QUEUES_PER_USER;
	return &watch_queues[nr % ARRAY_SIZE(watch_queues)];
}

/*
 * Make a process with one user, which others do not find yet. It is hooked: it may
 * be woken.
 */
static struct watched *watched_new(struct pid *pid)
{
	struct watched *process;

	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process)
		return NULL;
	process->pid = get_pid(pid);
	refcount_set(&process->users, 1);
	refcount_set(&process->refs, 1);
	spin_lock_init(&process->lock);
	INIT_LIST_HEAD(&process->watches);
	INIT_LIST_HEAD(&process->woken);
	process->queue = watch_queue_of(pid);
	init_waitqueue_func_entry(&process->entry, watched_wake);
	add_wait_queue(&pid->wait_pidfd, &process->entry);
	return process;
}

/* Find a process that is watched already, and add a user; or NULL. */
static struct watched *watched_find(struct pid *pid)
{
	struct watched *process;

	rcu_read_lock();
	process = rhashtable_lookup(&watched_processes, &pid, watched_params);
	if (process && !refcount_inc_not_zero(&process->users))
		process = NULL;
	rcu_read_unlock();
	return process;
}

/*
 * Enter @fresh into the table, or find the one that is there by now, with one more
 * user. ENOMEM. One that lost its last user meanwhile differs from the next look on.
 */
static struct watched *watched_enter(struct watched *fresh)
{
	struct watched *process;

	for (;;) {
		rcu_read_lock();
		process = rhashtable_lookup_get_insert_fast(&watched_processes,
							    &fresh->node,
							    watched_params);
		if (!IS_ERR_OR_NULL(process) &&
		    !refcount_inc_not_zero(&process->users))
			process = ERR_PTR(-EAGAIN);
		rcu_read_unlock();
		if (!process)
			return fresh;
		if (!IS_ERR(process))
			return process;
		if (process == ERR_PTR(-EBUSY))
			/* A worker resizes the table, and has to run. */
			schedule_timeout_uninterruptible(1);
		else if (process != ERR_PTR(-EAGAIN))
			return ERR_PTR(-ENOMEM);
	}
}

/* The process of @pid with one more user, for watched_unuse(). ENOMEM. */
static struct watched *watched_use(struct pid *pid)
{
	struct watched *process, *fresh;

	process = watched_find(pid);
	if (process)
		return process;
	/* It is hooked before others find it: they are told of the end. */
	fresh = watched_new(pid);
	if (!fresh)
		return ERR_PTR(-ENOMEM);
	process = watched_enter(fresh);
	if (process != fresh) {
		watched_unhook(fresh);
		watched_put(fresh);
	}
	return process;
}

/* Claim the one right to report the exit, or to suppress it. */
static bool watch_take(struct mbox_watch *watch)
{
	struct watched *process = watch->process;
	bool untold;

	spin_lock(&process->lock);
	untold = !list_empty(&watch->node);
	list_del_init(&watch->node);
	spin_unlock(&process->lock);
	return untold;
}

static void watch_free(struct mbox_watch *watch)
{
	watched_unuse(watch->process);
	kfree(watch);
}

/**
 * mbox_watch_new - have a function called when a process ends
 * @pid:	the process
 * @ended:	called once, by a worker, with no lock held; maybe before this
 *		function returns
 * @data:	for @ended
 *
 * Return: the watch, to be cancelled whether @ended was called or not; ESRCH if
 * the process has ended already, ENOMEM, and @ended is not called.
 */
struct mbox_watch *mbox_watch_new(struct pid *pid, void (*ended)(void *data),
				  void *data)
{
	struct watched *process;
	struct mbox_watch *watch;

	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return ERR_PTR(-ENOMEM);
	process = watched_use(pid);
	if (IS_ERR(process)) {
		kfree(watch);
		return ERR_CAST(process);
	}
	watch->process = process;
	watch->ended = ended;
	watch->data = data;
	spin_lock(&process->lock);
	list_add_tail(&watch->node, &process->watches);
	spin_unlock(&process->lock);
	/* The worker may have been here before. */
	if (mbox_process_ended(pid) && watch_take(watch)) {
		watch_free(watch);
		return ERR_PTR(-ESRCH);
	}
	return watch;
}

/**
 * mbox_watch_cancel - end a watch
 * @watch:	invalid from here on
 *
 * Also under a spinlock, with interrupts on.
 *
 * Return: true if the callback was not called, and will not be; false if it was, or
 * runs just now.
 */
bool mbox_watch_cancel(struct mbox_watch *watch)
{
	bool untold = watch_take(watch);

	watch_free(watch);
	return untold;
}

/*
 * Return how often a watched process was seen to end, or maybe to. It is counted
 * before wait() or a pidfd tells of that end.
 */
u64 mbox_watch_ends(void)
{
	/* Ordered before the caller looks at processes. */
	return atomic64_read_acquire(&watch_ends);
}

int __init mbox_watch_init(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(watch_queues); i++) {
		spin_lock_init(&watch_queues[i].lock);
		INIT_LIST_HEAD(&watch_queues[i].woken);
		INIT_WORK(&watch_queues[i].work, watch_queue_work);
	}
	error = rhashtable_init(&watched_processes, &watched_params);
	if (error)
		return error;
	/* Each queue may have its worker. Mailboxes that end free memory. */
	watch_workers = alloc_workqueue("mbox", WQ_UNBOUND | WQ_MEM_RECLAIM,
					ARRAY_SIZE(watch_queues));
	if (watch_workers)
		return 0;
	rhashtable_destroy(&watched_processes);
	return -ENOMEM;
}

/* No process is watched any more; the last callbacks may be under way. */
void mbox_watch_exit(void)
{
	destroy_workqueue(watch_workers);
	rhashtable_destroy(&watched_processes);
}
