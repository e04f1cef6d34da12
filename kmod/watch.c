// SPDX-License-Identifier: GPL-2.0-only
/* Processes: found by number, and watched until they end. */
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "mbox.h"

/*
 * That a process ended is known from its struct pid: the queue that polling a
 * pidfd waits on is woken when the last thread of the group is gone, and now and
 * then before (a traced leader's end, an exec). Our entry there is called in
 * atomic context, so it only queues work, which looks and calls back.
 *
 * MBOX_WATCH: an end is told once, or never if the watch was cancelled before.
 *
 *	work					cancel
 *	if !xchg(over, true): ended(data)	return !xchg(over, true)
 *
 * References: one of who made the watch, dropped by mbox_watch_cancel(), and one
 * of each time the work is queued. The entry is off the queue before the first
 * goes, and its function does not run any more then.
 */
struct mbox_watch {
	wait_queue_entry_t entry;
	struct work_struct work;
	refcount_t refs;
	struct pid *pid;		/* constant, counted */
	atomic_t over;			/* see MBOX_WATCH */
	void (*ended)(void *data);	/* constant */
	void *data;			/* constant */
};

static struct workqueue_struct *watch_queue;

/**
 * mbox_process_get - find a process by its number
 * @nr:	process id in the caller's pid namespace
 *
 * Return: its struct pid, for put_pid(). ESRCH if there is none, or it is a thread.
 */
struct pid *mbox_process_get(u32 nr)
{
	struct pid *pid;

	if (!nr || nr > INT_MAX)
		return ERR_PTR(-ESRCH);
	pid = find_get_pid(nr);
	if (pid && pid_has_task(pid, PIDTYPE_TGID))
		return pid;
	put_pid(pid);
	return ERR_PTR(-ESRCH);
}

/* Whether all threads of a process are gone, reaped or not. */
bool mbox_process_ended(struct pid *pid)
{
	struct task_struct *task;
	bool ended;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_PID);
	ended = !task || (READ_ONCE(task->exit_state) && thread_group_empty(task));
	rcu_read_unlock();
	return ended;
}

/* The number of a process for the caller; 0 if it is not there, or not any more. */
u32 mbox_process_nr(struct pid *pid)
{
	/* A struct pid keeps its number, which another process may have by now. */
	return pid_has_task(pid, PIDTYPE_TGID) ? pid_vnr(pid) : 0;
}

/* The credentials of a process, counted; NULL if it is none, or a kernel thread. */
const struct cred *mbox_process_cred(struct pid *pid)
{
	const struct cred *cred = NULL;
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	if (task && !(task->flags & PF_KTHREAD))
		cred = get_task_cred(task);
	rcu_read_unlock();
	return cred;
}

static void watch_put(struct mbox_watch *watch)
{
	if (!refcount_dec_and_test(&watch->refs))
		return;
	put_pid(watch->pid);
	kfree(watch);
}

/* Whether it falls to the caller to tell the end, or to have it not told. */
static bool take(struct mbox_watch *watch)
{
	return !atomic_xchg(&watch->over, true);
}

/* Be woken no more. It may be asked for twice. */
static void unhook(struct mbox_watch *watch)
{
	wait_queue_head_t *queue = &watch->pid->wait_pidfd;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_del_init(&watch->entry.entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void watch_work(struct work_struct *work)
{
	struct mbox_watch *watch = container_of(work, struct mbox_watch, work);

	if (mbox_process_ended(watch->pid) && take(watch)) {
		/* What follows may let the module go, and with it the queue. */
		unhook(watch);
		watch->ended(watch->data);
	}
	watch_put(watch);
}

static int watch_wake(wait_queue_entry_t *entry, unsigned int mode, int flags,
		      void *key)
{
	struct mbox_watch *watch = container_of(entry, struct mbox_watch, entry);

	refcount_inc(&watch->refs);
	if (!queue_work(watch_queue, &watch->work))
		refcount_dec(&watch->refs);
	return 0;
}

/**
 * mbox_watch_new - ask to be told when a process ends
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
	struct mbox_watch *watch;

	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return ERR_PTR(-ENOMEM);
	init_waitqueue_func_entry(&watch->entry, watch_wake);
	INIT_WORK(&watch->work, watch_work);
	refcount_set(&watch->refs, 1);
	watch->pid = get_pid(pid);
	watch->ended = ended;
	watch->data = data;

	add_wait_queue(&pid->wait_pidfd, &watch->entry);
	/* If it ended before we were in the queue nobody tells us. */
	if (mbox_process_ended(pid) && take(watch)) {
		mbox_watch_cancel(watch);
		return ERR_PTR(-ESRCH);
	}
	return watch;
}

/**
 * mbox_watch_cancel - end a watch
 * @watch:	invalid from here on
 *
 * Return: true if the end was not told, and will not be; false if it was, or is
 * being told just now.
 */
bool mbox_watch_cancel(struct mbox_watch *watch)
{
	bool untold = take(watch);

	unhook(watch);
	watch_put(watch);
	return untold;
}

int __init mbox_watch_init(void)
{
	watch_queue = alloc_workqueue("mbox", WQ_UNBOUND, 0);
	return watch_queue ? 0 : -ENOMEM;
}

/* Nothing is watched any more; what was told last may be under way. */
void mbox_watch_exit(void)
{
	destroy_workqueue(watch_queue);
}
