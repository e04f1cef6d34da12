// SPDX-License-Identifier: GPL-2.0-only
/* Broadcasting: a message is delivered to each handle open for receiving. */
#include <linux/poll.h>
#include <linux/sched.h>

#include "broadcast.h"
#include "event.h"
#include "mbox.h"
#include "message.h"
#include "pool.h"
#include "queue.h"
#include "trace.h"
#include "user.h"
#include "wait.h"

/* Deliveries that are settled in one section under the lock. */
#define BROADCAST_BATCH	32

/**
 * mbox_broadcast_purge - drop the deliveries that are queued
 * @mbox:	the mailbox
 * @purged:	zero; set to the number of deliveries dropped
 *
 * A few at a time, and of each subscription not more than it has when its turn comes:
 * a process that keeps sending does not keep the caller here.
 *
 * Return: 0, or the cause of the mailbox' death if no delivery was dropped before.
 */
int mbox_broadcast_purge(struct mbox *mbox, u64 *purged)
{
	struct mbox_subscription *sub = NULL;
	struct mbox_deferred deferred;
	u64 number = 0, left = 0;
	unsigned int n;
	u64 dropped;

	mbox_mailbox_lock(mbox, &deferred);
	/* A message that is being delivered is queued with some of them already. */
	mbox_cast_finish(mbox, &deferred);
	for (;;) {
		if (mbox->state == MBOX_STATE_DEAD) {
			int death = mbox->death;

			mbox_mailbox_unlock(mbox, &deferred);
			/* Its end dropped the rest. */
			return *purged ? 0 : death;
		}
		dropped = mbox->dropped;
		sub = mbox_subscription_from(mbox, number);
		for (n = 0; sub && n < BROADCAST_BATCH; n++) {
			/* A new one, or the one in which the last section ended. */
			if (sub->number != number || !left)
				left = sub->room.held;
			number = sub->number;
			if (left && mbox_subscription_lose(mbox, sub, 1,
							   -ECANCELED,
							   &deferred)) {
				left--;
				++*purged;
			} else {
				left = 0;
			}
			if (!left) {
				number++;
				sub = mbox_subscription_next(sub);
			}
		}
		mbox->purged += mbox->dropped - dropped;
		mbox_cast_admit(mbox, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		if (!sub)
			return 0;
		cond_resched();
		mbox_mailbox_lock(mbox, &deferred);
	}
}

/* Take back the deliveries of a message that is withdrawn; the caller counts in refs. */
static void broadcast_take_back(struct mbox *mbox, struct mbox_message *proper)
{
	struct mbox_deferred deferred;
	bool more;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		more = mbox_delivery_take_back(mbox, proper, BROADCAST_BATCH,
					       &deferred);
		mbox_cast_admit(mbox, &deferred);
		if (!more)
			mbox_message_put(mbox, proper, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (more);
}

/*
 * Withdraw an accepted message: from here on it is not received any more. The sender
 * takes its deliveries back. 0 if any of them was received, else @error.
 */
static int broadcast_withdraw(struct mbox_waiter *sender, int error)
{
	struct mbox_message *proper = sender->message;

	proper->sender = NULL;
	proper->state = MBOX_MESSAGE_GONE;
	proper->refs++;
	sender->withdrawn = true;
	sender->delivered = proper->receipts;
	return proper->receipts ? 0 : error;
}

/*
 * A sender whose sleep ended with @error gives up. A signal does not withdraw a
 * message that any handle received: the others are to have it too. 0 if any handle
 * received it, else @error.
 */
static int broadcast_give_up(struct mbox *mbox, struct mbox_waiter *sender,
			     int error, struct mbox_deferred *deferred)
{
	struct mbox_message *proper = sender->message;

	mbox_waiter_cancel(mbox, sender);
	if (proper->state == MBOX_MESSAGE_PENDING) {
		proper->sender = NULL;
		mbox_message_put(mbox, proper, deferred);
		mbox_cast_admit(mbox, deferred);
		return error;
	}
	if (error == -ERESTARTSYS && proper->receipts) {
		proper->sender = NULL;
		sender->delivered = proper->receipts;
		return 0;
	}
	return broadcast_withdraw(sender, error);
}

/*
 * As mbox_send_end(), of a message that was accepted. The lock may be dropped, and the
 * sender still be blocked then: in its list, unless completed. The caller has to retry.
 */
void mbox_broadcast_end(struct mbox *mbox, struct mbox_waiter *waiter,
			int error, struct mbox_deferred *deferred)
	__must_hold(&mbox->lock)
{
	lockdep_assert_held(&mbox->lock);
	if (mbox->cast->sender == waiter && mbox->cast->message) {
		mbox_cast_finish(mbox, deferred);
	} else {
		error = broadcast_withdraw(waiter, error);
		mbox_waiter_complete(mbox, waiter, error, deferred);
	}
}

/* Charge @user for as many slots as there are subscriptions. EDQUOT, ENOMEM. */
static int broadcast_charge_spares(struct mbox_handle *handle,
				   struct mbox_user *user,
				   struct mbox_waiter *sender,
				   struct mbox_send_args *args)
{
	u32 wanted = mbox_mailbox_subscriptions(handle->mbox);
	int error;

	if (wanted <= sender->nr_charged)
		return 0;
	error = mbox_user_charge_bytes(user, (s64)(wanted - sender->nr_charged) *
				       MBOX_SMALL_CHARGE, handle->unlimited);
	if (error < 0)
		return error;
	sender->nr_charged = wanted;
	if (error == MBOX_USER_TIGHT && !args->share)
		args->share = mbox_share_new();
	return error == MBOX_USER_TIGHT && !args->share ? -ENOMEM : 0;
}

/* Under the lock: take free slots of @mbox, some of those that are charged. */
static void broadcast_take_spares(struct mbox *mbox, struct mbox_waiter *sender)
{
	struct mbox_message *slot;
	unsigned int n;

	for (n = 0; n < MBOX_END_BATCH; n++) {
		slot = sender->nr_spares < sender->nr_charged ?
		       mbox_pool_take(mbox, 0) : NULL;
		if (!slot)
			break;
		mbox_pool_push(&sender->spares, slot);
		sender->nr_spares++;
	}
}

/* Allocate the other slots that are charged. ENOMEM. */
static int broadcast_make_spares(struct mbox_waiter *sender)
{
	struct mbox_message *slot;

	while (sender->nr_spares < sender->nr_charged) {
		slot = mbox_pool_alloc(0);
		if (!slot)
			return -ENOMEM;
		mbox_pool_push(&sender->spares, slot);
		sender->nr_spares++;
		cond_resched();
	}
	return 0;
}

/* Under the lock: begin to deliver, or to wait behind others that wait. */
static void broadcast_place(struct mbox *mbox, struct mbox_waiter *sender,
			    struct mbox_send_args *args,
			    struct mbox_deferred *deferred)
{
	struct mbox_waiter *first = mbox_room_first_sender(&mbox->room);
	int error = 0;

	sender->until = mbox->cast->last_subscription;
	if (mbox->deaf)
		error = mbox_send_refusal(mbox);
	else if (sender->handle->shut & MBOX_RIGHT_SEND)
		error = -ESHUTDOWN;
	else if (sender->message->length > mbox->room.msg_size)
		error = -EMSGSIZE;
	else if (args->share)
		error = mbox_share_take(mbox, sender->message,
					(s64)sender->nr_charged *
					MBOX_SMALL_CHARGE, &args->share);
	if (error) {
		sender->stage = MBOX_CAST_REFUSED;
		sender->error = error;
	} else if (first && sender->message->prio <= first->message->prio) {
		mbox_cast_refuse(mbox, sender);
	} else {
		mbox_cast_begin(mbox, sender, deferred);
	}
}

/* Under the lock: go on with the message. Return the stage of its sender. */
static u8 broadcast_step(struct mbox *mbox, struct mbox_waiter *sender,
			 struct mbox_deferred *deferred)
{
	bool more = mbox_cast_step(mbox, deferred);
	u8 stage = sender->stage;

	if (stage == MBOX_CAST_REFUSED)
		mbox_message_put(mbox, sender->message, deferred);
	deferred->admit = more && stage != MBOX_CAST_NEW;
	return stage;
}

/*
 * Place the message, with a spare for each subscription and no other message under
 * way: go on with one that is. Return the stage of its sender. EDQUOT, ENOMEM.
 */
static int broadcast_begin(struct mbox_handle *handle, struct mbox_user *user,
			   struct mbox_waiter *sender,
			   struct mbox_send_args *args)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	int stage = 0;
	bool idle;
	int error;

	do {
		error = broadcast_charge_spares(handle, user, sender, args);
		if (error)
			return error;
		mbox_mailbox_lock(mbox, &deferred);
		broadcast_take_spares(mbox, sender);
		idle = sender->nr_spares >= mbox->cast->nr_subscriptions;
		if (idle && mbox_cast_is_busy(mbox)) {
			mbox_cast_step(mbox, &deferred);
			idle = !mbox_cast_is_busy(mbox);
		}
		if (idle) {
			broadcast_place(mbox, sender, args, &deferred);
			stage = broadcast_step(mbox, sender, &deferred);
		}
		mbox_mailbox_unlock(mbox, &deferred);
		error = idle ? 0 : broadcast_make_spares(sender);
		if (error)
			return error;
	} while (!idle);
	return stage;
}

static int broadcast_wait(struct mbox *mbox, struct mbox_waiter *sender,
			  const struct mbox_deadline *deadline)
{
	int error;

	/*
	 * A sender that is under way is in no list, where a shutdown of its handle would
	 * find it. The shutdown sets this before it looks at the lists.
	 */
	if (unlikely(READ_ONCE(sender->handle->shut) & MBOX_RIGHT_SEND))
		error = mbox_waiter_stop(mbox, sender, -ESHUTDOWN,
					 broadcast_give_up);
	else
		error = mbox_waiter_wait(mbox, sender, deadline,
					 broadcast_give_up);
	if (unlikely(sender->withdrawn))
		broadcast_take_back(mbox, sender->message);
	return error;
}

/* Send the message of @sender, which has its memory. */
static int broadcast_message(struct mbox_handle *handle, struct mbox_user *user,
			     struct mbox_waiter *sender,
			     struct mbox_send_args *args)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	int stage;

	stage = mbox_message_fill(sender->message, args);
	if (!stage)
		stage = broadcast_begin(handle, user, sender, args);
	if (stage < 0) {
		mbox_message_free(sender->message);
		return stage;
	}
	while (stage == MBOX_CAST_NEW) {
		cond_resched();
		mbox_mailbox_lock(mbox, &deferred);
		stage = broadcast_step(mbox, sender, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
	}
	if (stage != MBOX_CAST_BLOCKED)
		return sender->error;
	return mbox_waiter_restart(broadcast_wait(mbox, sender, &args->deadline),
				   args->how & MBOX_SEND_NORESTART);
}

/*
 * Hang up if nobody is left to send: the last sender was shut down, or closed, while
 * its message was being delivered, for which receivers had to wait.
 */
static noinline void broadcast_hang_up(struct mbox *mbox)
{
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	mbox_mailbox_recheck(mbox, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_mailbox_hang_up(mbox);
}

/**
 * mbox_broadcast_send - send a message to all subscriptions
 * @handle:	open for sending, on a mailbox that broadcasts
 * @args:	checked
 *
 * Return: as MBOX_IOC_SEND, ERESTARTSYS where a signal came first.
 */
int mbox_broadcast_send(struct mbox_handle *handle,
			struct mbox_send_args *args)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_waiter sender;
	struct mbox_user *user;
	int error;

	/* Checked again under the lock; here so that nothing large is made. */
	if (READ_ONCE(mbox->deaf))
		return mbox_send_refusal(mbox);
	if (args->length > READ_ONCE(mbox->room.msg_size))
		return -EMSGSIZE;

	user = mbox_send_charge(handle, args);
	if (IS_ERR(user))
		return PTR_ERR(user);
	mbox_waiter_setup(&sender);
	sender.handle = handle;
	sender.sync = args->how & MBOX_SEND_SYNC;
	sender.nonblock = args->nonblock;
	if (!READ_ONCE(mbox->pool))
		mbox_pool_add(mbox);
	sender.message = mbox_pool_alloc(args->length);
	if (!sender.message) {
		mbox_user_uncharge(user, args->length);
		mbox_share_free(args->share);
		return -ENOMEM;
	}
	mbox_message_set(sender.message, user, args);
	error = broadcast_message(handle, user, &sender, args);
	if (error == -EDQUOT) {
		mbox_event_quota(mbox);
		mbox_send_short(handle);
	}
	/* The charge that is left holds the user. */
	mbox_share_free(args->share);
	mbox_pool_free_all(sender.spares);
	if (sender.nr_charged)
		mbox_user_unpin(user, (s64)sender.nr_charged * MBOX_SMALL_CHARGE);
	if (unlikely(READ_ONCE(handle->shut) & MBOX_RIGHT_SEND))
		broadcast_hang_up(mbox);
	return error ?: sender.delivered;
}
