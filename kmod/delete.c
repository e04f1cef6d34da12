// SPDX-License-Identifier: GPL-2.0-only
/* Tearing mailboxes down: delete, drain, purge. */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "access.h"
#include "broadcast.h"
#include "event.h"
#include "job.h"
#include "kind.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "pool.h"
#include "process.h"
#include "queue.h"
#include "registry.h"
#include "trace.h"
#include "wait.h"

/* Take up to @n messages from the queue. Return their number. */
static unsigned int delete_clear_queue(struct mbox *mbox, unsigned int n,
				       struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	unsigned int cleared;

	for (cleared = 0; cleared < n; cleared++) {
		message = mbox->kind->first(mbox);
		if (!message)
			break;
		if (message->state == MBOX_MESSAGE_IN_FLIGHT) {
			/* Its receiver frees it. */
			mbox_queue_end_flight(&mbox->queue, message);
			message->state = MBOX_MESSAGE_GONE;
			continue;
		}
		/* Searches end with the mailbox: they need not count it. */
		message->state = MBOX_MESSAGE_GONE;
		mbox_queue_remove(message->room->queue, message);
		mbox_message_put(mbox, message, deferred);
	}
	return cleared;
}

/* Free all that a mailbox that died still has, and end its calls: a few at a time. */
static void delete_clear(struct mbox *mbox)
{
	struct mbox_deferred deferred;
	struct mbox_pool *pool;
	unsigned int n;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		pool = mbox_pool_end(mbox);
		n = mbox_waiter_end_some(mbox, MBOX_END_BATCH, mbox->death,
					 &deferred);
		if (n < MBOX_END_BATCH)
			n += mbox_subscription_clear(mbox, MBOX_END_BATCH - n,
						     &deferred);
		if (n < MBOX_END_BATCH)
			n += delete_clear_queue(mbox, MBOX_END_BATCH - n, &deferred);
		if (n < MBOX_END_BATCH)
			n += mbox_job_clear(mbox, MBOX_END_BATCH - n, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		mbox_pool_destroy(pool);
		cond_resched();
	} while (n == MBOX_END_BATCH);
}

/* After mbox_mailbox_die(), without the lock: free and unlist @mbox. */
void mbox_mailbox_bury(struct mbox *mbox)
{
	mbox_due_stop(mbox);
	delete_clear(mbox);
	mbox_owner_detach(mbox);
	mbox_member_detach(mbox);
	mbox_registry_remove(mbox);
}

/**
 * mbox_mailbox_die - end a mailbox
 * @mbox:	locked; the caller or its file has a reference
 * @death:	the error of calls on it from now on: EIDRM or EOWNERDEAD
 * @deferred:	takes the rest, which has to be done without the lock
 *
 * Queued messages count as dropped. Every blocked call is ended, once the lock is
 * dropped. Messages that a receiver is copying are gone too, so that sender and
 * receiver get results that agree.
 */
void mbox_mailbox_die(struct mbox *mbox, int death,
		      struct mbox_deferred *deferred)
{
	u32 partly;

	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD)
		return;
	partly = mbox_mailbox_partly(mbox);
	mbox_event_died(mbox, death, mbox->room.held - partly);
	trace_mbox_delete(mbox, death);
	WRITE_ONCE(mbox->death, death);
	smp_store_release(&mbox->state, MBOX_STATE_DEAD); /* see mbox_mailbox_gone() */
	WRITE_ONCE(mbox->deaf, true);
	mbox->reachable = false;
	mbox->received += partly;
	mbox->dropped += mbox->room.held - partly;
	mbox->room.held = 0;
	mbox->room.held_bytes = 0;
	if (mbox->cast)
		mbox->cast->partly = 0;

	mbox->kind->die(mbox, deferred);
	deferred->events |= EPOLLHUP | EPOLLERR;
	deferred->died = true;
}

static int delete_begin(struct mbox *mbox, struct mbox_ioc_delete *arg,
			struct mbox_deferred *deferred)
{
	u64 queued = mbox->kind->queued(mbox);
	bool dies = !queued;

	if (mbox->state == MBOX_STATE_DEAD)
		return mbox->death;
	/* Of several that unlink a queue at once, one does. */
	if (!mbox->reachable &&
	    (arg->name[0] || (mbox->space == MBOX_SPACE_MQ &&
			      arg->how == MBOX_DELETE_UNLINK)))
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
		if (queued && !mbox->kind->drained)
			return -EOPNOTSUPP;
		if (queued && mbox_mailbox_nobody(mbox, MBOX_RIGHT_RECV))
			return -ENOTEMPTY;
		break;
	case MBOX_DELETE_UNLINK:
		/* While it drains, messages without a receiver go too. */
		dies = !mbox->handles || (mbox->state == MBOX_STATE_DRAINING &&
					  !mbox->recv_handles);
		break;
	}

	if (dies) {
		arg->dropped = queued - mbox_mailbox_partly(mbox);
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

/* The mailbox takes no more: end all sends that wait for room. */
static void delete_end_senders(struct mbox *mbox)
{
	struct mbox_deferred deferred;
	struct mbox_waiter *waiter;
	unsigned int n;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		for (n = 0; n < MBOX_END_BATCH; n++) {
			waiter = mbox_room_first_sender(&mbox->room);
			if (!waiter)
				break;
			mbox_send_end(mbox, waiter, mbox_mailbox_gone(mbox),
				      &deferred);
		}
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (n == MBOX_END_BATCH);
}

/**
 * mbox_mailbox_delete - delete a mailbox
 * @mbox:	the mailbox
 * @file:	by which the caller asks for it, see mbox_access_owns()
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

	if (!mbox_access_owns(mbox, file))
		return -EPERM;
	mbox_mailbox_lock(mbox, &deferred);
	error = delete_begin(mbox, arg, &deferred);
	unreachable = !mbox->reachable;
	mbox_mailbox_unlock(mbox, &deferred);
	if (error)
		return error;
	if (arg->how == MBOX_DELETE_DRAIN)
		delete_end_senders(mbox);
	if (unreachable)
		mbox_registry_unname(mbox);
	mbox_mailbox_hang_up(mbox);
	return 0;
}

/*
 * Drop up to @n messages that are queued, from where @cursor is, and return their
 * number. Those that are being copied stay.
 */
static unsigned int delete_drop(struct mbox *mbox, struct mbox_queue *queue,
				struct mbox_cursor *cursor, unsigned int n,
				struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	unsigned int dropped;

	lockdep_assert_held(&mbox->lock);
	for (dropped = 0; dropped < n; dropped++) {
		struct mbox_waiter *sender;

		message = mbox_cursor_next(cursor, queue);
		if (!message)
			break;
		/* Its removal moves the cursor on; one that was offered lies behind it. */
		if (message != cursor->best)
			cursor->next = message;
		sender = message->sender;
		mbox_queue_remove(queue, message);
		mbox_room_release(mbox, message);
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
 * mbox_mailbox_purge_room - drop the messages that are queued in a room
 * @mbox:	the mailbox
 * @room:	its room, or that of a lane of an inbox
 * @purged:	increased by the number of messages dropped
 *
 * Messages that are delayed, leased or parked stay: mbox_mailbox_purge_jobs().
 *
 * Return: 0, the error of the mailbox' end before anything was dropped, or EINTR.
 */
int mbox_mailbox_purge_room(struct mbox *mbox, struct mbox_room *room, u64 *purged)
{
	/* All messages pass it. */
	static const struct mbox_filter any;
	struct mbox_queue *queue = room->queue;
	struct mbox_deferred deferred;
	struct mbox_cursor cursor;
	u64 limit = U64_MAX, dropped = 0;
	bool more = true;
	unsigned int n;
	int error = 0;

	mbox_mailbox_lock(mbox, &deferred);
	/* Searches leave room for some purges, which would not find any beside a crowd. */
	while (queue->nr_cursors >= MBOX_SEARCHES_MAX + MBOX_PURGES_MAX) {
		mbox_mailbox_unlock(mbox, &deferred);
		schedule_timeout_killable(1);
		if (fatal_signal_pending(current))
			return -EINTR;
		mbox_mailbox_lock(mbox, &deferred);
	}
	mbox_cursor_setup(&cursor, queue, &any);
	mbox_cursor_pause(&cursor, queue);
	while (mbox->state != MBOX_STATE_DEAD) {
		if (limit == U64_MAX)
			limit = room->held;
		n = min_t(u64, limit - dropped, mbox_queue_batch(queue));
		n = delete_drop(mbox, queue, &cursor, n, &deferred);
		dropped += n;
		mbox_event_dropped(mbox, n);
		mbox->kind->admit(mbox, room, &deferred);
		more = (n || cursor.next) && dropped < limit;
		if (!more)
			break;
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
		mbox_mailbox_lock(mbox, &deferred);
	}
	mbox_cursor_resume(&cursor, queue);
	/* The end of the mailbox dropped the rest. */
	if (mbox->state == MBOX_STATE_DEAD && more && !dropped)
		error = mbox->death;
	mbox_mailbox_unlock(mbox, &deferred);
	*purged += dropped;
	return error;
}

/* Drop messages that are delayed or parked: as many as there are now, added to *@purged. */
void mbox_mailbox_purge_jobs(struct mbox *mbox, u64 *purged)
{
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	mbox_job_purge(mbox, *purged + mbox->room.held, purged, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
}

/* Drop the messages of a mailbox with one queue: mbox_mailbox_purge(). */
int mbox_mailbox_purge_queue(struct mbox *mbox, u64 *purged)
{
	int error = mbox_mailbox_purge_room(mbox, &mbox->room, purged);

	if (!error)
		mbox_mailbox_purge_jobs(mbox, purged);
	return error;
}

/**
 * mbox_mailbox_purge - drop the messages that are queued
 * @mbox:	the mailbox
 * @file:	by which the caller asks for it, see mbox_access_owns()
 * @purged:	set to the number of messages, with BROADCAST deliveries, dropped
 *
 * A few at a time, and not more than were queued at the beginning: senders do not
 * keep the caller here.
 *
 * Return: 0, EOPNOTSUPP (a ring), EPERM, or what the mailbox died of.
 */
int mbox_mailbox_purge(struct mbox *mbox, struct file *file, u64 *purged)
{
	*purged = 0;
	return mbox_access_owns(mbox, file) ? mbox->kind->purge(mbox, purged) :
					      -EPERM;
}
