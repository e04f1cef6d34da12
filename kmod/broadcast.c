// SPDX-License-Identifier: GPL-2.0-only
/* Broadcasting: a message is delivered to each handle open for receiving. */
#include <linux/poll.h>
#include <linux/sched.h>

#include "broadcast.h"
#include "event.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "trace.h"
#include "user.h"
#include "wait.h"

/*
 * The message proper, with the payload and what is to be known of its sender, is
 * in no queue. Each subscription gets a delivery of it: a message without payload,
 * that is queued, found, taken and put back as others are. A message is held
 * (queued, as one is told) until the last of its deliveries is settled: received,
 * lost or withdrawn.
 *
 * References to the message proper: one that goes when it is settled, and one of
 * each delivery, as long as somebody copies from it.
 *
 * A message goes to those who had subscribed when it was sent, also if its sender
 * is blocked and they have become more since: so a sender that waits has all the
 * deliveries that it will need, and can be admitted under the lock.
 *
 * Whatever takes time by the number of handles, or of deliveries, is done a few at a
 * time: delivering in cast.c; withdrawing, purging and dying here.
 */

/* Deliveries that are settled in one section under the lock. */
#define BATCH	32

/* What a delivery has in place of a payload. */
struct delivery {
	struct mbox_message *message;	/* constant: the message proper, counted */
	struct mbox_subscription *sub;	/* constant */
	struct list_head sibling;	/* lock: message->deliveries, unless settled */
	struct rb_node age;		/* lock: OVERFLOW: sub->ages, if queued */
};

static_assert(sizeof(struct delivery) <= MBOX_SMALL_SIZE);

static struct delivery *delivery_of(struct mbox_message *message)
{
	return (struct delivery *)message->data;
}

static struct mbox_message *message_of(struct delivery *delivery)
{
	return (void *)delivery - offsetof(struct mbox_message, data);
}

/* The message proper that @message is a delivery of. */
const struct mbox_message *mbox_broadcast_proper(const struct mbox_message *message)
{
	return ((const struct delivery *)message->data)->message;
}

/*
 * The message proper has no delivery any more that is not settled. Its sender gets
 * @error if nobody received it.
 */
static void finish(struct mbox *mbox, struct mbox_message *message, int error,
		   struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;

	/* If it is dead that was counted then. */
	if (mbox->state == MBOX_STATE_DEAD) {
		error = mbox->death;
	} else {
		mbox_room_release(mbox, message);
		if (message->receipts) {
			mbox->received++;
			mbox->partly--;
		} else if (message->state == MBOX_MESSAGE_GONE) {
			mbox->withdrawn++;
		} else {
			mbox->dropped++;
		}
	}
	if (sender) {
		message->sender = NULL;
		sender->delivered = message->receipts;
		mbox_waiter_complete(mbox, sender, message->receipts ? 0 : error,
				     deferred);
	}
	mbox_message_put(mbox, message, deferred);
}

/*
 * A delivery that is on no list is received, or never will be: then @error is what
 * a sender gets if nobody receives its message.
 */
static void settle(struct mbox *mbox, struct mbox_message *message,
		   bool received, int error, struct mbox_deferred *deferred)
{
	struct delivery *delivery = delivery_of(message);
	struct mbox_message *proper = delivery->message;

	list_del(&delivery->sibling);
	delivery->sub->held--;
	delivery->sub->held_bytes -= message->length;
	if (received && !proper->receipts++)
		mbox->partly++;
	if (!--proper->left)
		finish(mbox, proper, error, deferred);
}

/* All deliveries of the message proper are made. */
void mbox_broadcast_delivered(struct mbox *mbox, struct mbox_message *proper,
			      struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (!--proper->left)
		finish(mbox, proper, 0, deferred);
}

/*
 * Whether a delivery came too late to be received: its message was withdrawn, or the
 * mailbox died, and it was not taken back yet.
 */
static bool is_late(const struct mbox *mbox, struct mbox_message *message)
{
	return mbox->state == MBOX_STATE_DEAD ||
	       delivery_of(message)->message->state == MBOX_MESSAGE_GONE;
}

/* As mbox_message_put(), of a delivery. */
void mbox_broadcast_put(struct mbox *mbox, struct mbox_message *message,
			struct mbox_deferred *deferred)
{
	struct mbox_message *proper = delivery_of(message)->message;

	lockdep_assert_held(&mbox->lock);
	if (message->refs > 1) {
		message->refs--;
		return;
	}
	/* Its memory is a slot, however long what it delivered. */
	message->length = 0;
	mbox_message_put(mbox, message, deferred);
	mbox_message_put(mbox, proper, deferred);
}

static bool is_older(struct rb_node *a, const struct rb_node *b)
{
	struct delivery *one = rb_entry(a, struct delivery, age);
	struct delivery *other = rb_entry(b, struct delivery, age);

	return message_of(one)->seq < message_of(other)->seq;
}

/* The oldest delivery that is queued, or NULL. With OVERFLOW only. */
struct mbox_message *mbox_broadcast_oldest(struct mbox_subscription *sub)
{
	struct rb_node *node = rb_first_cached(&sub->ages);

	return node ? message_of(rb_entry(node, struct delivery, age)) : NULL;
}

static void age_remove(struct mbox_subscription *sub,
		       struct mbox_message *message)
{
	struct delivery *delivery = delivery_of(message);

	if (RB_EMPTY_NODE(&delivery->age))
		return;
	rb_erase_cached(&delivery->age, &sub->ages);
	RB_CLEAR_NODE(&delivery->age);
}

static void age_add(struct mbox *mbox, struct mbox_subscription *sub,
		    struct mbox_message *message)
{
	if (mbox->options & MBOX_OPTION_OVERFLOW)
		rb_add_cached(&delivery_of(message)->age, &sub->ages, is_older);
}

/* Take a delivery that is queued off its queue. */
void mbox_broadcast_remove(struct mbox_subscription *sub,
			   struct mbox_message *message)
{
	mbox_queue_remove(&sub->queue, message);
	age_remove(sub, message);
}

/* A receiver is copying a delivery, which stays in its queue. */
void mbox_broadcast_begin_flight(struct mbox_subscription *sub,
				 struct mbox_message *message)
{
	mbox_queue_begin_flight(&sub->queue, message);
	age_remove(sub, message);
}

/* The receiver that is copying a delivery will not receive it, and frees it. */
void mbox_broadcast_give_up(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	mbox_queue_end_flight(&delivery_of(message)->sub->queue, message);
	message->state = MBOX_MESSAGE_GONE;
	settle(mbox, message, false, 0, deferred);
}

/* The receiver of a subscription that is given @message, or NULL. */
static struct mbox_waiter *receiver_for(struct mbox *mbox,
					struct mbox_subscription *sub,
					const struct mbox_message *message)
{
	if (likely(!mbox->nr_receivers))
		return NULL;
	return mbox_receivers_choose(mbox, &sub->receivers, message);
}

/* Queue an accepted delivery, which is on no list, and give it to a receiver if any waits. */
void mbox_broadcast_deliver(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;
	struct mbox_waiter *receiver = receiver_for(mbox, sub, message);

	lockdep_assert_held(&mbox->lock);
	mbox_queue_insert(&sub->queue, message);
	if (receiver) {
		mbox_queue_begin_flight(&sub->queue, message);
		mbox_waiter_deliver(mbox, receiver, message, deferred);
	} else {
		age_add(mbox, sub, message);
		mbox_waiter_tell(mbox, &sub->receivers, message, deferred);
	}
}

/* A receiver could not have a delivery that it took: others may. */
void mbox_broadcast_put_back(struct mbox *mbox, struct mbox_message *message,
			     struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;
	struct mbox_waiter *receiver;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(is_late(mbox, message))) {
		mbox_broadcast_give_up(mbox, message, deferred);
		mbox_broadcast_put(mbox, message, deferred);
		mbox_cast_admit(mbox, deferred);
		return;
	}
	/* Others that wait may be what is room for a message that is under way. */
	mbox_cast_leave(mbox, sub, deferred);
	receiver = receiver_for(mbox, sub, message);
	if (receiver) {
		mbox_waiter_deliver(mbox, receiver, message, deferred);
	} else {
		mbox_queue_put_back(&sub->queue, message);
		age_add(mbox, sub, message);
		mbox_waiter_tell(mbox, &sub->receivers, message, deferred);
	}
	mbox_cast_left(mbox, sub);
}

/*
 * A delivery that is queued is lost: it is not received, though its handle could have.
 * @error: what its sender gets if all are.
 */
void mbox_broadcast_lose(struct mbox *mbox, struct mbox_message *message,
			 int error, struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;

	lockdep_assert_held(&mbox->lock);
	mbox_broadcast_remove(sub, message);
	message->state = MBOX_MESSAGE_GONE;
	if (!is_late(mbox, message)) {
		sub->lost++;
		mbox->lost++;
		mbox_event_dropped(mbox, 1);
		trace_mbox_drop(mbox, message);
	}
	settle(mbox, message, false, error, deferred);
	mbox_broadcast_put(mbox, message, deferred);
}

/* A delivery of @proper to @sub, in the memory of a slot that was charged for. */
struct mbox_message *mbox_broadcast_new(struct mbox *mbox,
					struct mbox_message *message,
					struct mbox_message *proper,
					struct mbox_subscription *sub)
{
	struct delivery *delivery = delivery_of(message);

	message->seq = proper->seq;
	message->time = proper->time;
	message->pid = get_pid(proper->pid);
	message->start = proper->start;
	message->user = proper->user;
	message->sender = NULL;
	message->lane = NULL;
	message->length = proper->length;
	message->prio = proper->prio;
	message->type = proper->type;
	message->uid = proper->uid;
	message->gid = proper->gid;
	message->refs = 1;
	message->state = MBOX_MESSAGE_NEW;
	message->shared = false;
	if (unlikely(proper->shared))
		mbox_share_add(mbox, message);
	delivery->message = proper;
	delivery->sub = sub;
	RB_CLEAR_NODE(&delivery->age);
	list_add_tail(&delivery->sibling, &proper->deliveries);
	proper->refs++;
	proper->left++;
	sub->held++;
	sub->held_bytes += proper->length;
	return message;
}

/*
 * The commit of a receive: a delivery, which is on no list, is received. False if it
 * came too late for that.
 */
bool mbox_broadcast_received(struct mbox *mbox, struct mbox_message *message,
			     struct mbox_deferred *deferred)
{
	bool received = !is_late(mbox, message);

	lockdep_assert_held(&mbox->lock);
	if (received)
		trace_mbox_receive(mbox, message);
	settle(mbox, message, received, 0, deferred);
	mbox_broadcast_put(mbox, message, deferred);
	mbox_cast_admit(mbox, deferred);
	return received;
}

/**
 * mbox_broadcast_purge - drop what is queued
 * @mbox:	the mailbox
 * @purged:	zero; set to the number of deliveries dropped
 *
 * A few at a time, and of each subscription not more than it has when its turn comes:
 * who keeps sending does not keep the caller here.
 *
 * Return: 0, or what the mailbox died of before anything was dropped.
 */
int mbox_broadcast_purge(struct mbox *mbox, u64 *purged)
{
	struct mbox_subscription *sub = NULL;
	struct mbox_deferred deferred;
	u64 number = 0, left = 0;
	unsigned int n;
	u64 dropped;

	mbox_mailbox_lock(mbox, &deferred);
	/* What is being delivered is queued with those who have it already. */
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
		for (n = 0; sub && n < BATCH; n++) {
			/* A new one, or the one in which the last section ended. */
			if (sub->number != number || !left)
				left = sub->held;
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

/* Take back up to BATCH deliveries of @proper. */
static void broadcast_take_back_some(struct mbox *mbox, struct mbox_message *proper,
			   struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	struct delivery *delivery;
	unsigned int n;

	/* Bound: BATCH. */
	for (n = 0; n < BATCH && !list_empty(&proper->deliveries); n++) {
		delivery = list_first_entry(&proper->deliveries,
					    struct delivery, sibling);
		message = message_of(delivery);
		if (message->state == MBOX_MESSAGE_IN_FLIGHT) {
			mbox_broadcast_give_up(mbox, message, deferred);
			continue;
		}
		mbox_broadcast_remove(delivery->sub, message);
		message->state = MBOX_MESSAGE_GONE;
		settle(mbox, message, false, 0, deferred);
		mbox_broadcast_put(mbox, message, deferred);
	}
}

/* Take back the deliveries of a message that is withdrawn; the caller counts in refs. */
static void broadcast_take_back(struct mbox *mbox, struct mbox_message *proper)
{
	struct mbox_deferred deferred;
	bool more;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		broadcast_take_back_some(mbox, proper, &deferred);
		mbox_cast_admit(mbox, &deferred);
		more = !list_empty(&proper->deliveries);
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
	error = mbox_user_charge_slots(user, wanted - sender->nr_charged,
				       handle->unlimited);
	if (error < 0)
		return error;
	sender->nr_charged = wanted;
	if (error == MBOX_USER_TIGHT && !args->share)
		args->share = mbox_share_new();
	return error == MBOX_USER_TIGHT && !args->share ? -ENOMEM : 0;
}

/* Under the lock: take free slots of @mbox, of those that are charged. */
static void broadcast_take_spares(struct mbox *mbox, struct mbox_waiter *sender)
{
	struct mbox_message *slot;

	/* Bound: MBOX_SLOTS_KEPT. */
	while (sender->nr_spares < sender->nr_charged) {
		slot = mbox_slot_take(mbox);
		if (!slot)
			break;
		mbox_slot_push(&sender->spares, slot);
		sender->nr_spares++;
	}
}

/* Allocate the other slots that are charged. ENOMEM. */
static int broadcast_make_spares(struct mbox_waiter *sender)
{
	struct mbox_message *slot;

	while (sender->nr_spares < sender->nr_charged) {
		slot = mbox_message_new(0);
		if (!slot)
			return -ENOMEM;
		mbox_slot_push(&sender->spares, slot);
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
	struct mbox_waiter *first = mbox_room_first_sender(mbox, NULL);
	int error = 0;

	sender->until = mbox->cast->last_subscription;
	if (mbox->deaf)
		error = mbox_send_refusal(mbox);
	else if (sender->handle->shut & MBOX_RIGHT_SEND)
		error = -ESHUTDOWN;
	else if (sender->message->length > mbox->msg_size)
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
	 * As long as it was under way it was in no list, where a shutdown of the handle
	 * would have found it; that looks at the lists after it has set this.
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

	stage = mbox_message_fill(sender->message, args->data);
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
	return stage == MBOX_CAST_BLOCKED ?
	       broadcast_wait(mbox, sender, &args->deadline) : sender->error;
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
	if (args->length > READ_ONCE(mbox->msg_size))
		return -EMSGSIZE;

	user = mbox_send_charge(handle, args);
	if (IS_ERR(user))
		return PTR_ERR(user);
	mbox_waiter_init(&sender);
	sender.handle = handle;
	sender.sync = args->sync;
	sender.nonblock = args->nonblock;
	sender.message = mbox_message_new(args->length);
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
	mbox_slot_free_all(sender.spares);
	if (sender.nr_charged)
		mbox_user_uncharge_slots(user, sender.nr_charged);
	return error ?: sender.delivered;
}
