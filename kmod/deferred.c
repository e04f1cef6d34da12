// SPDX-License-Identifier: GPL-2.0-only
/* The work that a section under a mailbox' lock leaves to be done after it. */
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "broadcast.h"
#include "job.h"
#include "kind.h"
#include "mbox.h"
#include "pool.h"
#include "wait.h"

/*
 * Wake the waiters that did not fit into deferred->tasks. They are on the stacks of
 * their tasks, which may leave by themselves meanwhile, under the lock.
 */
static void deferred_wake_late(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct task_struct *tasks[MBOX_DEFERRED_WAKES];
	unsigned int i, n;

	do {
		spin_lock(&mbox->lock);
		for (n = 0; n < ARRAY_SIZE(tasks); n++) {
			struct mbox_waiter *waiter;

			if (hlist_empty(&deferred->late))
				break;
			waiter = hlist_entry(deferred->late.first,
					     struct mbox_waiter, late);
			hlist_del(&waiter->late);
			tasks[n] = mbox_waiter_publish(waiter);
		}
		spin_unlock(&mbox->lock);
		for (i = 0; i < n; i++) {
			wake_up_process(tasks[i]);
			put_task_struct(tasks[i]);
		}
	} while (n == ARRAY_SIZE(tasks));
}

/* Wake tasks and pollers, and free messages: all without the lock. */
static void deferred_flush(struct mbox *mbox, struct mbox_deferred *deferred)
{
	unsigned int i;

	for (i = 0; i < deferred->nr_tasks; i++) {
		wake_up_process(deferred->tasks[i]);
		put_task_struct(deferred->tasks[i]);
	}
	if (unlikely(!hlist_empty(&deferred->late)))
		deferred_wake_late(mbox, deferred);
	if (deferred->events)
		wake_up_interruptible_poll(&mbox->poll, deferred->events);
	mbox_pool_free_all(deferred->trash);
}

/* Do the next piece of work that was too long for one section. */
static void deferred_continue(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_tell tell = deferred->tell;
	bool telling = deferred->telling, admit = deferred->admit;

	mbox_deferred_setup(deferred);
	spin_lock(&mbox->lock);
	if (telling) {
		deferred->tell = tell;
		mbox_receivers_tell_on(mbox, deferred);
	}
	if (admit)
		mbox->kind->admit(mbox, &mbox->room, deferred);
	spin_unlock(&mbox->lock);
}

/**
 * mbox_deferred_run - do the work that a section under the lock deferred
 * @mbox:	not locked any more
 * @deferred:	filled in by the section
 *
 * Work that would have made the section too long is done in sections of its own.
 */
void mbox_deferred_run(struct mbox *mbox, struct mbox_deferred *deferred)
{
	bool died = deferred->died;
	bool more;

	for (;;) {
		deferred_flush(mbox, deferred);
		if (unlikely(deferred->admit && mbox->cast)) {
			deferred->admit = false;
			mbox_cast_run(mbox);
		}
		if (unlikely(deferred->dying)) {
			deferred->dying = false;
			mbox_dead_run(mbox);
		}
		if (unlikely(deferred->hang_up)) {
			deferred->hang_up = false;
			mbox_mailbox_hang_up(mbox);
		}
		more = deferred->admit || deferred->telling;
		if (likely(!more))
			break;
		deferred_continue(mbox, deferred);
		died |= deferred->died;
		cond_resched();
	}
	if (unlikely(died))
		mbox_mailbox_bury(mbox);
}
