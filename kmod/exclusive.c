// SPDX-License-Identifier: GPL-2.0-only
/* EXCLUSIVE mailboxes: one process receives at a time, and keeps that over a pause. */
#include <linux/cgroup.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "mbox.h"
#include "process.h"

/* Wake pollers that were turned away, by EBUSY or EUSERS: they ask again. */
void mbox_exclusive_wake(struct mbox *mbox)
{
	bool told;

	spin_lock(&mbox->lock);
	told = mbox->turned_away;
	mbox->turned_away = false;
	spin_unlock(&mbox->lock);
	if (told)
		wake_up_interruptible_poll(&mbox->poll,
					   EPOLLIN | EPOLLRDNORM |
					   EPOLLOUT | EPOLLWRNORM);
}

/*
 * Mailboxes whose pollers are turned away because a thread is paused, counted.
 * Nothing says when such a thread will not receive any more, so pollers are woken
 * every RETRY_PERIOD to ask again.
 */
#define RETRY_PERIOD		(HZ / 10)

static DEFINE_SPINLOCK(paused_lock);
static LIST_HEAD(paused);		/* paused_lock: struct mbox_procs */

static void exclusive_wake_paused(struct work_struct *work)
{
	struct mbox_procs *procs;
	LIST_HEAD(mailboxes);

	spin_lock(&paused_lock);
	list_splice_init(&paused, &mailboxes);
	spin_unlock(&paused_lock);
	do {
		spin_lock(&paused_lock);
		procs = list_first_entry_or_null(&mailboxes, struct mbox_procs,
						 paused);
		if (procs)
			list_del_init(&procs->paused);
		spin_unlock(&paused_lock);
		if (procs) {
			mbox_exclusive_wake(procs->mbox);
			mbox_mailbox_put(procs->mbox);
		}
		cond_resched();
	} while (procs);
}

static DECLARE_DELAYED_WORK(exclusive_work, exclusive_wake_paused);

/* The caller has a reference to @mbox, which is locked. */
static void exclusive_wake_later(struct mbox *mbox)
{
	spin_lock(&paused_lock);
	if (list_empty(&mbox->procs->paused)) {
		mbox_mailbox_get(mbox);
		list_add_tail(&mbox->procs->paused, &paused);
	}
	spin_unlock(&paused_lock);
	schedule_delayed_work(&exclusive_work, RETRY_PERIOD);
}

/* No handle is open any more. */
void mbox_exclusive_stop(void)
{
	cancel_delayed_work_sync(&exclusive_work);
	exclusive_wake_paused(NULL);
}

/*
 * MBOX_PAUSE: a thread that is stopped, traced or frozen leaves its receive with
 * ERESTARTSYS or ERESTARTNOHAND, and makes it again when it goes on, without having been
 * back in its program. Its process keeps an exclusive mailbox over that. No other process
 * can see whether a thread is about to make its call again; so it counts as about to as
 * long as it is paused, and has done little else since: not slept, and not run for more
 * than PAUSE_RUN. A thread that handles the signal, and does not come back,
 * gives the mailbox up by running or sleeping.
 */
#define PAUSE_RUN	(50 * NSEC_PER_MSEC)

static bool exclusive_is_restarting(const struct mbox *mbox, struct task_struct *task)
{
	unsigned int state = READ_ONCE(task->__state);

	if (READ_ONCE(task->flags) & PF_EXITING)
		return false;
	if (task_is_stopped(task) || task_is_traced(task) ||
	    cgroup_task_frozen(task) || (state & TASK_FROZEN))
		return true;
	return state != TASK_INTERRUPTIBLE &&
	       READ_ONCE(task->se.sum_exec_runtime) <= mbox->procs->restart_until;
}

/*
 * Return the process for which a paused receive keeps the mailbox, or NULL. Not
 * counted.
 */
static struct pid *exclusive_kept_for(const struct mbox *mbox)
{
	struct task_struct *task;
	struct pid *pid = NULL;

	lockdep_assert_held(&mbox->lock);
	if (likely(!mbox->procs->restarting))
		return NULL;
	rcu_read_lock();
	task = pid_task(mbox->procs->restarting, PIDTYPE_PID);
	if (task && exclusive_is_restarting(mbox, task))
		pid = task_tgid(task);
	rcu_read_unlock();
	return pid;
}

/*
 * Under the lock: check whether the caller's process may receive from an EXCLUSIVE
 * mailbox: no other is in a receive, or is paused in one.
 */
static bool exclusive_may_receive(struct mbox *mbox)
{
	const struct mbox_procs *procs = mbox->procs;
	struct pid *pid = procs->nr_receiving ? procs->receiving : exclusive_kept_for(mbox);

	return !pid || pid == task_tgid(current);
}

/* Begin a receive of the caller's process, with EXCLUSIVE. EBUSY: another is in one. */
int mbox_exclusive_begin(struct mbox *mbox)
{
	struct pid *dropped = NULL;
	int error = 0;

	spin_lock(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD) {
		error = mbox->death;
	} else if (!exclusive_may_receive(mbox)) {
		mbox->turned_away = true;
		error = -EBUSY;
	} else {
		/* Another thread of the same process may yet come back. */
		if (mbox->procs->restarting == task_pid(current) || !exclusive_kept_for(mbox))
			swap(dropped, mbox->procs->restarting);
		mbox->procs->receiving = task_tgid(current);
		mbox->procs->nr_receiving++;
	}
	spin_unlock(&mbox->lock);
	put_pid(dropped);
	return error;
}

/* End the receive, which returns @result. */
void mbox_exclusive_end(struct mbox *mbox, int result)
{
	struct mbox_procs *procs = mbox->procs;
	struct pid *dropped = NULL;
	bool told;

	spin_lock(&mbox->lock);
	if (!--procs->nr_receiving)
		procs->receiving = NULL;
	/* A worker of io_uring does not restart calls. */
	if ((result == -ERESTARTSYS || result == -ERESTARTNOHAND) &&
	    mbox->state != MBOX_STATE_DEAD &&
	    !(current->flags & (PF_KTHREAD | PF_IO_WORKER))) {
		dropped = procs->restarting;
		procs->restarting = get_pid(task_pid(current));
		procs->restart_until = READ_ONCE(current->se.sum_exec_runtime) +
				       PAUSE_RUN;
	}
	told = !procs->nr_receiving && mbox->turned_away;
	spin_unlock(&mbox->lock);
	put_pid(dropped);
	if (told)
		mbox_exclusive_wake(mbox);
}

/* Return whether EXCLUSIVE concerns a call that needs @right. */
bool mbox_exclusive_applies(const struct mbox *mbox, u32 right)
{
	return right == MBOX_RIGHT_RECV &&
	       (mbox->options & MBOX_OPTION_EXCLUSIVE);
}

/* Under the lock: check whether a receive of another process keeps the caller out. */
bool mbox_exclusive_admits(struct mbox *mbox, u32 right)
{
	return !mbox_exclusive_applies(mbox, right) ||
	       exclusive_may_receive(mbox);
}

/*
 * Note that the caller is kept out: its pollers are woken to ask again when a process
 * leaves, or, as nothing says when a pause ends, every RETRY_PERIOD.
 */
void mbox_exclusive_refuse(struct mbox *mbox)
{
	lockdep_assert_held(&mbox->lock);
	mbox->turned_away = true;
	if (unlikely(mbox->procs->restarting))
		exclusive_wake_later(mbox);
}

/* Forget a paused receive: the mailbox died. */
void mbox_exclusive_detach(struct mbox *mbox)
{
	struct pid *restarting = NULL;

	spin_lock(&mbox->lock);
	swap(restarting, mbox->procs->restarting);
	spin_unlock(&mbox->lock);
	put_pid(restarting);
}
