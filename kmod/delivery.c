// SPDX-License-Identifier: GPL-2.0-only
/* Deliveries: the part of each subscription in a message that is broadcast. */
#include "broadcast.h"
#include "event.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "trace.h"
#include "track.h"
#include "user.h"
#include "wait.h"

/*
 * The message proper, with the payload and the identity of its sender, is in no
 * queue. Each subscription gets a delivery of it: a message without payload,
 * which is queued, found, taken and put back as others are. A message is held, and
 * counts as queued, until the last of its deliveries is settled: received,
 * lost or withdrawn.
 *
 * References to the message proper: one that goes when it is settled, and one of
 * each delivery, as long as a receiver copies from it.
 *
 * A message goes to the subscriptions that were there when it was sent, even if its
 * sender is blocked and they have become more since: so a sender that waits has all
 * the deliveries that it will need, and can be admitted under the lock.
 *
 * Work that takes time by the number of handles, or of deliveries, is done a few at
 * a time: delivering in cast.c; withdrawing and purging in broadcast.c.
 */

/* A delivery has this in place of a payload. */
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

static struct mbox_message *delivery_message(struct delivery *delivery)
{
	return (void *)delivery - offsetof(struct mbox_message, data);
}

/* The message proper that @message is a delivery of. */
const struct mbox_message *mbox_delivery_proper(const struct mbox_message *message)
{
	return ((const struct delivery *)message->data)->message;
}

/*
 * All deliveries of the message proper are settled: end it. Its sender gets @error
 * if it was never received.
 */
static void delivery_finish(struct mbox *mbox, struct mbox_message *message, int error,
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
			mbox->cast->partly--;
		} else if (message->state == MBOX_MESSAGE_GONE) {
			mbox->waits->withdrawn++;
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
 * Settle a delivery that is on no list: it is received, or never will be. Then the
 * sender gets @error if its message is never received.
 */
static void delivery_settle(struct mbox *mbox, struct mbox_message *message,
			    bool received, int error, struct mbox_deferred *deferred)
{
	struct delivery *delivery = delivery_of(message);
	struct mbox_message *proper = delivery->message;

	list_del(&delivery->sibling);
	delivery->sub->room.held--;
	delivery->sub->room.held_bytes -= message->length;
	if (received && !proper->receipts++)
		mbox->cast->partly++;
	if (!--proper->left)
		delivery_finish(mbox, proper, error, deferred);
}

/* All deliveries of the message proper are made: drop the count of the sender. */
void mbox_delivery_all_made(struct mbox *mbox, struct mbox_message *proper,
			    struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (!--proper->left)
		delivery_finish(mbox, proper, 0, deferred);
}

/*
 * Whether a delivery came too late to be received: its message was withdrawn, or the
 * mailbox died, and it was not taken back yet.
 */
static bool delivery_is_late(const struct mbox *mbox, struct mbox_message *message)
{
	return mbox->state == MBOX_STATE_DEAD ||
	       delivery_of(message)->message->state == MBOX_MESSAGE_GONE;
}

/* As mbox_message_put(), of a delivery. */
void mbox_delivery_put(struct mbox *mbox, struct mbox_message *message,
		       struct mbox_deferred *deferred)
{
	struct mbox_message *proper = delivery_of(message)->message;

	lockdep_assert_held(&mbox->lock);
	if (message->refs > 1) {
		message->refs--;
		return;
	}
	/* Its memory is a slot, however long the message proper. */
	message->length = 0;
	message->room = &mbox->room;	/* the subscription may be gone soon */
	mbox_message_put(mbox, message, deferred);
	mbox_message_put(mbox, proper, deferred);
}

static bool delivery_is_older(struct rb_node *a, const struct rb_node *b)
{
	struct delivery *one = rb_entry(a, struct delivery, age);
	struct delivery *other = rb_entry(b, struct delivery, age);

	return delivery_message(one)->seq < delivery_message(other)->seq;
}

/* The oldest delivery that is queued, or NULL. With OVERFLOW only. */
struct mbox_message *mbox_delivery_oldest(struct mbox_subscription *sub)
{
	struct rb_node *node = rb_first_cached(&sub->ages);

	return node ? delivery_message(rb_entry(node, struct delivery, age)) : NULL;
}

static void delivery_age_remove(struct mbox_subscription *sub,
				struct mbox_message *message)
{
	struct delivery *delivery = delivery_of(message);

	if (RB_EMPTY_NODE(&delivery->age))
		return;
	rb_erase_cached(&delivery->age, &sub->ages);
	RB_CLEAR_NODE(&delivery->age);
}

static void delivery_age_add(struct mbox *mbox, struct mbox_subscription *sub,
			     struct mbox_message *message)
{
	if (mbox->options & MBOX_OPTION_OVERFLOW)
		rb_add_cached(&delivery_of(message)->age, &sub->ages, delivery_is_older);
}

/* Take a delivery that is queued off its queue. */
void mbox_delivery_remove(struct mbox_subscription *sub,
			  struct mbox_message *message)
{
	mbox_queue_remove(&sub->queue, message);
	delivery_age_remove(sub, message);
}

/* A receiver is copying a delivery, which stays in its queue. */
void mbox_delivery_begin_flight(struct mbox_subscription *sub,
				struct mbox_message *message)
{
	mbox_queue_begin_flight(&sub->queue, message);
	delivery_age_remove(sub, message);
}

/* Have the receiver that is copying a delivery fail, and free it. */
void mbox_delivery_give_up(struct mbox *mbox, struct mbox_message *message,
			   struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	mbox_queue_end_flight(&delivery_of(message)->sub->queue, message);
	message->state = MBOX_MESSAGE_GONE;
	delivery_settle(mbox, message, false, 0, deferred);
}

/* Queue an accepted delivery, and give it to a receiver if any waits. */
void mbox_delivery_place(struct mbox *mbox, struct mbox_message *message,
			 struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;
	struct mbox_waiter *receiver = mbox_waiter_receiver_for(mbox, message);

	lockdep_assert_held(&mbox->lock);
	mbox_queue_insert(&sub->queue, message);
	if (receiver) {
		mbox_queue_begin_flight(&sub->queue, message);
		mbox_waiter_deliver(mbox, receiver, message, deferred);
	} else {
		delivery_age_add(mbox, sub, message);
		mbox_waiter_tell(mbox, message, deferred);
	}
}

/* A receiver failed to copy a delivery: give it to another, or queue it. */
void mbox_delivery_put_back(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;
	struct mbox_waiter *receiver;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(delivery_is_late(mbox, message))) {
		mbox_delivery_give_up(mbox, message, deferred);
		mbox_delivery_put(mbox, message, deferred);
		mbox_cast_admit(mbox, deferred);
		return;
	}
	/* Other receivers that wait may be the room for a message that is under way. */
	mbox_subscription_settle(mbox, sub, deferred);
	receiver = mbox_waiter_receiver_for(mbox, message);
	if (receiver) {
		mbox_waiter_deliver(mbox, receiver, message, deferred);
	} else {
		mbox_queue_put_back(&sub->queue, message);
		delivery_age_add(mbox, sub, message);
		mbox_waiter_tell(mbox, message, deferred);
	}
	mbox_cast_left(mbox, sub);
}

/*
 * Lose a delivery that is queued: its handle does not receive it, though it could
 * have. Its sender gets @error if all are lost.
 */
void mbox_delivery_lose(struct mbox *mbox, struct mbox_message *message,
			int error, struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;

	lockdep_assert_held(&mbox->lock);
	mbox_delivery_remove(sub, message);
	message->state = MBOX_MESSAGE_GONE;
	if (!delivery_is_late(mbox, message)) {
		sub->lost++;
		mbox->cast->lost++;
		mbox_event_dropped(mbox, 1);
		trace_mbox_drop(mbox, message);
	}
	delivery_settle(mbox, message, false, error, deferred);
	mbox_delivery_put(mbox, message, deferred);
}

/* A delivery of @proper to @sub, in the memory of a slot that was charged for. */
struct mbox_message *mbox_delivery_new(struct mbox *mbox,
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
	message->room = &sub->room;
	message->length = proper->length;
	message->prio = proper->prio;
	message->type = proper->type;
	message->uid = proper->uid;
	message->gid = proper->gid;
	message->refs = 1;
	message->state = MBOX_MESSAGE_NEW;
	message->flags = 0;
	if (unlikely(proper->flags & MBOX_MESSAGE_SHARED))
		mbox_share_add(mbox, message);
	delivery->message = proper;
	delivery->sub = sub;
	RB_CLEAR_NODE(&delivery->age);
	list_add_tail(&delivery->sibling, &proper->deliveries);
	proper->refs++;
	proper->left++;
	sub->room.held++;
	sub->room.held_bytes += proper->length;
	return message;
}

/*
 * Commit the receive of a delivery, which is on no list. False if it came too late
 * for that.
 */
bool mbox_delivery_received(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred)
{
	bool received = !delivery_is_late(mbox, message);

	lockdep_assert_held(&mbox->lock);
	if (received) {
		trace_mbox_receive(mbox, message);
		mbox_track_receive(mbox);
	}
	delivery_settle(mbox, message, received, 0, deferred);
	mbox_delivery_put(mbox, message, deferred);
	mbox_cast_admit(mbox, deferred);
	return received;
}

/* Take back up to @n deliveries of @proper, which is withdrawn. False: none is left. */
bool mbox_delivery_take_back(struct mbox *mbox, struct mbox_message *proper,
			     unsigned int n, struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	struct delivery *delivery;

	lockdep_assert_held(&mbox->lock);
	/* Bound: @n. */
	for (; n && !list_empty(&proper->deliveries); n--) {
		delivery = list_first_entry(&proper->deliveries,
					    struct delivery, sibling);
		message = delivery_message(delivery);
		if (message->state == MBOX_MESSAGE_IN_FLIGHT) {
			mbox_delivery_give_up(mbox, message, deferred);
			continue;
		}
		mbox_delivery_remove(delivery->sub, message);
		message->state = MBOX_MESSAGE_GONE;
		delivery_settle(mbox, message, false, 0, deferred);
		mbox_delivery_put(mbox, message, deferred);
	}
	return !list_empty(&proper->deliveries);
}
