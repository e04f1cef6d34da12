// SPDX-License-Identifier: GPL-2.0-only
/* How mailboxes end, and how messages that nobody received do. */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "mbox.h"
#include "trace.h"

#define PURGE_BATCH	64

/* Free what a mailbox that died has, its messages a few at a time. */
static void clear(struct mbox *mbox)
{
	struct mbox_message *message, *slots;
	struct mbox_deferred deferred;
	unsigned int n;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		slots = mbox->slots;
		mbox->slots = NULL;
		/* As many as it may keep: what comes from now on is trash. */
		mbox->nr_slots = MBOX_SLOTS_KEPT;
		n = mbox_subscription_purge(mbox, PURGE_BATCH, &deferred);
		for (; n < PURGE_BATCH; n++) {
			message = list_first_entry_or_null(&mbox->queue.messages,
							   struct mbox_message,
							   node);
			if (!message)
				break;
			mbox_queue_remove(&mbox->queue, message);
			message->state = MBOX_MESSAGE_GONE;
			mbox_message_discharge(message);
			mbox_message_put(mbox, message, &deferred);
		}
		mbox_mailbox_unlock(mbox, &deferred);
		mbox_slot_free_all(slots);
		cond_resched();
	} while (n == PURGE_BATCH);
}

/* Do what a section under the lock deferred: mbox_mailbox_unlock(). */
void mbox_mailbox_run(struct mbox *mbox, struct mbox_deferred *deferred)
{
	unsigned int i;

	for (i = 0; i < deferred->nr_tasks; i++) {
		wake_up_process(deferred->tasks[i]);
		put_task_struct(deferred->tasks[i]);
	}
	if (deferred->events)
		wake_up_interruptible_poll(&mbox->poll, deferred->events);
	mbox_message_free_all(deferred->trash);
	if (unlikely(deferred->died)) {
		clear(mbox);
		mbox_owner_exit(mbox);
		mbox_member_exit(mbox);
		mbox_registry_remove(mbox);
	}
}

/* End all blocked sends whose message is not accepted, with @error. */
static void end_pending(struct mbox *mbox, int error,
			struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, &mbox->senders, node) {
		struct mbox_message *message = waiter->message;

		message->sender = NULL;
		message->state = MBOX_MESSAGE_GONE;
		mbox_message_discharge(message);
		mbox_waiter_complete(mbox, waiter, error, deferred);
		mbox_message_put(mbox, message, deferred);
	}
}

/**
 * mbox_mailbox_die - end a mailbox
 * @mbox:	locked; the caller or its file has a reference
 * @death:	what calls on it get from now on: EIDRM or EOWNERDEAD
 * @deferred:	takes the rest, which has to be done without the lock
 *
 * What is queued counts as dropped. Every blocked call is ended; messages that
 * a receiver is copying are gone too, so that what their sender is told and
 * what the receiver gets agree.
 */
void mbox_mailbox_die(struct mbox *mbox, int death,
		      struct mbox_deferred *deferred)
{
	struct mbox_message *message, *next_message;
	struct mbox_waiter *waiter, *next;

	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD)
		return;
	mbox_event_died(mbox, death, mbox->held - mbox->partly);
	trace_mbox_delete(mbox, death);
	WRITE_ONCE(mbox->death, death);
	smp_store_release(&mbox->state, MBOX_STATE_DEAD); /* see mbox_mailbox_gone() */
	mbox->received += mbox->partly;
	mbox->dropped += mbox->held - mbox->partly;
	mbox->held = 0;
	mbox->held_bytes = 0;
	mbox->partly = 0;

	end_pending(mbox, death, deferred);
	if (mbox->policy == MBOX_POLICY_BROADCAST)
		mbox_broadcast_die(mbox, deferred);
	list_for_each_entry_safe(waiter, next, &mbox->syncs, node) {
		waiter->message->sender = NULL;
		mbox_waiter_complete(mbox, waiter, death, deferred);
	}
	list_for_each_entry_safe(waiter, next, &mbox->receivers, node)
		mbox_waiter_complete(mbox, waiter, death, deferred);
	if (mbox->ring)
		mbox_ring_die(mbox, deferred);
	list_for_each_entry_safe(message, next_message, &mbox->taken, node) {
		list_del(&message->node);
		message->state = MBOX_MESSAGE_GONE;
		mbox_message_discharge(message);
	}
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
	if (arg->name[0] && mbox->state != MBOX_STATE_LIVE)
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
		if (queued && !mbox->recv_handles)
			return -ENOTEMPTY;
		break;
	case MBOX_DELETE_UNLINK:
		dies = !mbox->handles;
		break;
	}

	if (dies) {
		arg->dropped = queued - mbox->partly;
		mbox_mailbox_die(mbox, -EIDRM, deferred);
	} else if (arg->how == MBOX_DELETE_DRAIN) {
		WRITE_ONCE(mbox->state, MBOX_STATE_DRAINING);
		mbox_event_deleted(mbox);
		end_pending(mbox, -EIDRM, deferred);
		deferred->events |= EPOLLERR;
	} else if (mbox->state == MBOX_STATE_LIVE) {
		WRITE_ONCE(mbox->state, MBOX_STATE_UNLINKED);
		mbox_event_deleted(mbox);
	}
	return 0;
}

/**
 * mbox_mailbox_delete - delete a mailbox
 * @mbox:	the mailbox
 * @file:	by whose opener's credentials it is decided whether that may be
 * @arg:	checked; its results are filled in
 *
 * Return: as MBOX_IOC_DELETE.
 */
int mbox_mailbox_delete(struct mbox *mbox, struct file *file,
			struct mbox_ioc_delete *arg)
{
	struct mbox_deferred deferred;
	int error;

	if (!mbox_mailbox_owned(mbox, file))
		return -EPERM;
	mbox_mailbox_lock(mbox, &deferred);
	error = delete_locked(mbox, arg, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (!error)
		mbox_registry_unname(mbox);
	return error;
}

/* Drop up to @n messages that are queued; how many there were. */
static unsigned int drop(struct mbox *mbox, unsigned int n,
			 struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	unsigned int dropped;

	lockdep_assert_held(&mbox->lock);
	for (dropped = 0; dropped < n; dropped++) {
		struct mbox_waiter *sender;

		message = list_first_entry_or_null(&mbox->queue.messages,
						   struct mbox_message, node);
		if (!message)
			break;
		sender = message->sender;
		mbox_queue_remove(&mbox->queue, message);
		mbox_queue_release(mbox, message);
		message->sender = NULL;
		message->state = MBOX_MESSAGE_GONE;
		trace_mbox_drop(mbox, message);
		mbox_message_discharge(message);
		if (sender)
			mbox_waiter_complete(mbox, sender, -ECANCELED,
					     deferred);
		mbox_message_put(mbox, message, deferred);
	}
	mbox->dropped += dropped;
	mbox->purged += dropped;
	return dropped;
}

/* The same of deliveries; of these messages some are received, by others. */
static unsigned int drop_deliveries(struct mbox *mbox, unsigned int n,
				    struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub;
	u64 before = mbox->dropped;
	unsigned int dropped = 0;

	list_for_each_entry(sub, &mbox->subscriptions, node) {
		dropped += mbox_subscription_lose(mbox, sub, n - dropped,
						  deferred);
		if (dropped == n)
			break;
	}
	mbox->purged += mbox->dropped - before;
	return dropped;
}

/**
 * mbox_mailbox_purge - drop what is queued
 * @mbox:	the mailbox
 * @file:	by whose opener's credentials it is decided whether that may be
 * @purged:	set to the number of messages, with BROADCAST deliveries, dropped
 *
 * A few at a time, and not more than were queued at the beginning: who keeps
 * sending does not keep the caller here.
 *
 * Return: 0, EOPNOTSUPP (a ring), EPERM, or what the mailbox died of.
 */
int mbox_mailbox_purge(struct mbox *mbox, struct file *file, u64 *purged)
{
	bool broadcast = mbox->policy == MBOX_POLICY_BROADCAST;
	struct mbox_deferred deferred;
	u64 limit = U64_MAX;
	unsigned int n;

	*purged = 0;
	if (!mbox_mailbox_owned(mbox, file))
		return -EPERM;
	if (mbox->ring)
		return -EOPNOTSUPP;
	do {
		mbox_mailbox_lock(mbox, &deferred);
		if (mbox->state == MBOX_STATE_DEAD) {
			int death = mbox->death;

			mbox_mailbox_unlock(mbox, &deferred);
			/* Its end dropped the rest. */
			return *purged ? 0 : death;
		}
		if (limit == U64_MAX)
			limit = broadcast ? mbox->held * mbox->nr_subscriptions :
					    mbox->held;
		n = min_t(u64, limit - *purged, PURGE_BATCH);
		n = broadcast ? drop_deliveries(mbox, n, &deferred) :
				drop(mbox, n, &deferred);
		*purged += n;
		if (broadcast) {
			mbox_broadcast_admit(mbox, &deferred);
		} else {
			mbox_event_dropped(mbox, n);
			mbox_send_admit(mbox, NULL, &deferred);
		}
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (n && *purged < limit);
	return 0;
}
