// SPDX-License-Identifier: GPL-2.0-only
/* How mailboxes end, and how messages that nobody received do. */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "broadcast.h"
#include "event.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "queue.h"
#include "registry.h"
#include "ring.h"
#include "trace.h"
#include "wait.h"

#define PURGE_BATCH	64

/* Take what the sender of @message has not accepted from it, with @error. */
static void end_pending(struct mbox *mbox, struct mbox_waiter *waiter,
			int error, struct mbox_deferred *deferred)
{
	struct mbox_message *message = waiter->message;

	message->sender = NULL;
	message->state = MBOX_MESSAGE_GONE;
	mbox_waiter_complete(mbox, waiter, error, deferred);
	mbox_message_put(mbox, message, deferred);
}

/* End a wait on a mailbox that is dead. */
void mbox_mailbox_end_wait(struct mbox *mbox, struct mbox_waiter *waiter,
			   struct mbox_deferred *deferred)
{
	struct mbox_message *message = waiter->filter ? NULL : waiter->message;
	int error = mbox->death;

	lockdep_assert_held(&mbox->lock);
	if (message && message->state == MBOX_MESSAGE_PENDING) {
		end_pending(mbox, waiter, error, deferred);
		return;
	}
	if (message) {
		message->sender = NULL;
		if (mbox->policy == MBOX_POLICY_BROADCAST) {
			waiter->delivered = message->receipts;
			error = message->receipts ? 0 : error;
		}
	}
	mbox_waiter_complete(mbox, waiter, error, deferred);
}

/* End up to @n calls that are blocked; how many there were. */
static unsigned int end_waits(struct mbox *mbox, unsigned int n,
			      struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter;
	unsigned int ended;

	for (ended = 0; ended < n; ended++) {
		waiter = mbox_waiter_first(mbox);
		if (!waiter)
			break;
		mbox_mailbox_end_wait(mbox, waiter, deferred);
	}
	return ended;
}

/* The first message that a mailbox has; of an inbox, that is not being copied. */
static struct mbox_message *first_message(struct mbox *mbox)
{
	return mbox->inbox ? mbox_inbox_first(mbox) :
	       list_first_entry_or_null(&mbox->queue.messages,
					struct mbox_message, node);
}

/* Take up to @n messages from the queue; how many there were. */
static unsigned int clear_queue(struct mbox *mbox, unsigned int n,
				struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	unsigned int cleared;

	for (cleared = 0; cleared < n; cleared++) {
		message = first_message(mbox);
		if (!message)
			break;
		if (message->state == MBOX_MESSAGE_IN_FLIGHT) {
			/* Its receiver frees it. */
			mbox_queue_end_flight(&mbox->queue, message);
			message->state = MBOX_MESSAGE_GONE;
			continue;
		}
		mbox_queue_remove(mbox_queue_of(mbox, message), message);
		message->state = MBOX_MESSAGE_GONE;
		mbox_message_put(mbox, message, deferred);
	}
	return cleared;
}

/* Do what may be done without the lock of what a section under it deferred. */
static void run_deferred(struct mbox *mbox, struct mbox_deferred *deferred)
{
	unsigned int i;

	for (i = 0; i < deferred->nr_tasks; i++) {
		wake_up_process(deferred->tasks[i]);
		put_task_struct(deferred->tasks[i]);
	}
	if (unlikely(!hlist_empty(&deferred->late)))
		mbox_waiter_wake_late(mbox, deferred);
	if (deferred->events)
		wake_up_interruptible_poll(&mbox->poll, deferred->events);
	mbox_message_free_all(deferred->trash);
}

/*
 * End the calls that are blocked on a mailbox that died, and free what it has: a few
 * at a time.
 */
static void clear(struct mbox *mbox)
{
	struct mbox_deferred deferred;
	struct mbox_message *slots;
	unsigned int n;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		slots = mbox_slot_end(mbox);
		n = end_waits(mbox, PURGE_BATCH, &deferred);
		if (n < PURGE_BATCH)
			n += mbox_subscription_clear(mbox, PURGE_BATCH - n,
						     &deferred);
		if (n < PURGE_BATCH)
			n += clear_queue(mbox, PURGE_BATCH - n, &deferred);
		__acquire(&mbox->lock);
		spin_unlock(&mbox->lock);
		run_deferred(mbox, &deferred);
		mbox_slot_free_all(slots);
		cond_resched();
	} while (n == PURGE_BATCH);
}

/* Do the next piece of work that was too much for one section. */
static void go_on(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_tell tell = deferred->tell;
	bool telling = deferred->telling, admit = deferred->admit;

	mbox_mailbox_lock(mbox, deferred);
	if (telling) {
		deferred->tell = tell;
		mbox_receivers_tell_on(mbox, deferred);
	}
	if (admit)
		mbox_send_admit(mbox, NULL, deferred);
	__acquire(&mbox->lock);
	spin_unlock(&mbox->lock);
}

/*
 * Do what a section under the lock deferred: mbox_mailbox_unlock(). Work that would
 * have made the section too long is done in sections of its own.
 */
void mbox_mailbox_run(struct mbox *mbox, struct mbox_deferred *deferred)
{
	bool died = deferred->died;
	bool more;

	for (;;) {
		run_deferred(mbox, deferred);
		if (unlikely(deferred->admit && mbox->cast)) {
			deferred->admit = false;
			mbox_cast_run(mbox);
		}
		more = deferred->admit || deferred->telling;
		if (likely(!more))
			break;
		go_on(mbox, deferred);
		died |= deferred->died;
		cond_resched();
	}
	if (unlikely(died)) {
		clear(mbox);
		mbox_owner_detach(mbox);
		mbox_member_detach(mbox);
		mbox_registry_remove(mbox);
	}
}

/**
 * mbox_mailbox_die - end a mailbox
 * @mbox:	locked; the caller or its file has a reference
 * @death:	what calls on it get from now on: EIDRM or EOWNERDEAD
 * @deferred:	takes the rest, which has to be done without the lock
 *
 * What is queued counts as dropped. Every blocked call is ended, once the lock is
 * dropped; messages that a receiver is copying are gone too, so that what their
 * sender is told and what the receiver gets agree.
 */
void mbox_mailbox_die(struct mbox *mbox, int death,
		      struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD)
		return;
	mbox_event_died(mbox, death, mbox->held - mbox->partly);
	trace_mbox_delete(mbox, death);
	WRITE_ONCE(mbox->death, death);
	smp_store_release(&mbox->state, MBOX_STATE_DEAD); /* see mbox_mailbox_gone() */
	WRITE_ONCE(mbox->deaf, true);
	mbox->reachable = false;
	mbox->received += mbox->partly;
	mbox->dropped += mbox->held - mbox->partly;
	mbox->held = 0;
	mbox->held_bytes = 0;
	mbox->partly = 0;

	if (mbox->cast)
		mbox_cast_die(mbox, deferred);
	if (mbox->ring)
		mbox_ring_die(mbox);
	deferred->events |= EPOLLHUP | EPOLLERR;
	deferred->died = true;
}

static int delete_locked(struct mbox *mbox, struct mbox_ioc_delete *arg,
			 struct mbox_deferred *deferred)
{
	u64 queued = mbox->ring ? mbox_ring_queued(mbox) : mbox->held;
	bool dies = !queued;

	if (mbox->state == MBOX_STATE_DEAD)
		return mbox->death;
	if (arg->name[0] && !mbox->reachable)
		return -ENOENT;
	arg->queued = queued;
	switch (arg->how) {
	case MBOX_DELETE_EMPTY:
		if (queued)
			return -ENOTEMPTY;
		break;
	case MBOX_DELETE_FORCE:
		dies = true;
		break;
	case MBOX_DELETE_DRAIN:
		if (queued && mbox->ring)
			return -EOPNOTSUPP;
		if (queued && mbox_mailbox_nobody(mbox, MBOX_RIGHT_RECV))
			return -ENOTEMPTY;
		break;
	case MBOX_DELETE_UNLINK:
		/* While it drains: what nobody can receive any more goes too. */
		dies = !mbox->handles || (mbox->state == MBOX_STATE_DRAINING &&
					  !mbox->recv_handles);
		break;
	}

	if (dies) {
		arg->dropped = queued - mbox->partly;
		mbox_mailbox_die(mbox, -EIDRM, deferred);
	} else if (arg->how == MBOX_DELETE_DRAIN) {
		WRITE_ONCE(mbox->state, MBOX_STATE_DRAINING);
		mbox_event_deleted(mbox);
		deferred->events |= EPOLLERR;
	} else {
		mbox->reachable = false;
		if (mbox->state == MBOX_STATE_LIVE) {
			WRITE_ONCE(mbox->state, MBOX_STATE_UNLINKED);
			mbox_event_deleted(mbox);
		}
	}
	mbox_mailbox_recheck(mbox, deferred);
	return 0;
}

/* The mailbox takes no more: end the sends whose message is not accepted. */
static void end_senders(struct mbox *mbox)
{
	struct mbox_deferred deferred;
	struct mbox_waiter *waiter;
	unsigned int n;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		for (n = 0; n < MBOX_END_BATCH; n++) {
			waiter = mbox_waiter_first_sender(mbox, NULL);
			if (!waiter)
				break;
			end_pending(mbox, waiter, mbox_mailbox_gone(mbox),
				    &deferred);
		}
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (n == MBOX_END_BATCH);
}

/**
 * mbox_mailbox_delete - delete a mailbox
 * @mbox:	the mailbox
 * @file:	by which the caller asks for it, see mbox_mailbox_owned()
 * @arg:	checked; its results are filled in
 *
 * Return: as MBOX_IOC_DELETE.
 */
int mbox_mailbox_delete(struct mbox *mbox, struct file *file,
			struct mbox_ioc_delete *arg)
{
	struct mbox_deferred deferred;
	bool unreachable;
	int error;

	if (!mbox_mailbox_owned(mbox, file))
		return -EPERM;
	mbox_mailbox_lock(mbox, &deferred);
	error = delete_locked(mbox, arg, &deferred);
	unreachable = !mbox->reachable;
	mbox_mailbox_unlock(mbox, &deferred);
	if (error)
		return error;
	if (arg->how == MBOX_DELETE_DRAIN)
		end_senders(mbox);
	if (unreachable)
		mbox_registry_unname(mbox);
	mbox_mailbox_hang_up(mbox);
	return 0;
}

/*
 * Drop up to @n messages that are queued, from where @cursor is; how many there were.
 * Those that are being copied stay.
 */
static unsigned int drop(struct mbox *mbox, struct mbox_cursor *cursor,
			 unsigned int n, struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	unsigned int dropped;

	lockdep_assert_held(&mbox->lock);
	for (dropped = 0; dropped < n; dropped++) {
		struct mbox_waiter *sender;

		message = mbox_queue_find(&mbox->queue, cursor);
		if (!message)
			break;
		/* Its removal moves the cursor on. */
		cursor->next = message;
		sender = message->sender;
		mbox_queue_remove(&mbox->queue, message);
		mbox_queue_release(mbox, message);
		message->sender = NULL;
		message->state = MBOX_MESSAGE_GONE;
		trace_mbox_drop(mbox, message);
		if (sender)
			mbox_waiter_complete(mbox, sender, -ECANCELED,
					     deferred);
		mbox_message_put(mbox, message, deferred);
	}
	mbox->dropped += dropped;
	mbox->purged += dropped;
	return dropped;
}

/**
 * mbox_mailbox_purge - drop what is queued
 * @mbox:	the mailbox
 * @file:	by which the caller asks for it, see mbox_mailbox_owned()
 * @purged:	set to the number of messages, with BROADCAST deliveries, dropped
 *
 * A few at a time, and not more than were queued at the beginning: who keeps
 * sending does not keep the caller here.
 *
 * Return: 0, EOPNOTSUPP (a ring), EPERM, or what the mailbox died of.
 */
int mbox_mailbox_purge(struct mbox *mbox, struct file *file, u64 *purged)
{
	/* All messages pass it. */
	static const struct mbox_filter any;
	struct mbox_deferred deferred;
	struct mbox_cursor cursor;
	u64 limit = U64_MAX;
	bool more = true;
	unsigned int n;
	int error = 0;

	*purged = 0;
	if (!mbox_mailbox_owned(mbox, file))
		return -EPERM;
	if (mbox->ring)
		return -EOPNOTSUPP;
	if (mbox->cast)
		return mbox_broadcast_purge(mbox, purged);
	mbox_mailbox_lock(mbox, &deferred);
	/* Others search, and are so many that one more has to wait for its turn. */
	while (mbox->queue.nr_cursors >= MBOX_SEARCHES_MAX) {
		mbox_mailbox_unlock(mbox, &deferred);
		schedule_timeout_killable(1);
		if (fatal_signal_pending(current))
			return -EINTR;
		mbox_mailbox_lock(mbox, &deferred);
	}
	mbox_cursor_init(&cursor, &mbox->queue, &any);
	mbox->queue.nr_cursors++;
	list_add(&cursor.node, &mbox->queue.cursors);
	for (;;) {
		if (mbox->state == MBOX_STATE_DEAD)
			break;
		if (limit == U64_MAX)
			limit = mbox->held;
		n = min_t(u64, limit - *purged, PURGE_BATCH);
		n = drop(mbox, &cursor, n, &deferred);
		*purged += n;
		mbox_event_dropped(mbox, n);
		mbox_send_admit(mbox, NULL, &deferred);
		more = (n || cursor.next) && *purged < limit;
		if (!more)
			break;
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
		mbox_mailbox_lock(mbox, &deferred);
	}
	list_del(&cursor.node);
	mbox->queue.nr_cursors--;
	/* The end of the mailbox dropped the rest. */
	if (mbox->state == MBOX_STATE_DEAD && more && !*purged)
		error = mbox->death;
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}
