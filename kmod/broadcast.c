// SPDX-License-Identifier: GPL-2.0-only
/* Broadcasting: a message is delivered to each handle open for receiving. */
#include <linux/poll.h>
#include <linux/sched.h>

#include "mbox.h"
#include "trace.h"

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
 * Sending and withdrawing take time by the number of handles, under the lock; and
 * so does receiving while a sender is blocked, but see has_room_everywhere().
 */

/* What a delivery has in place of a payload. */
struct delivery {
	struct mbox_message *message;	/* constant: the message proper, counted */
	struct mbox_subscription *sub;	/* constant */
	struct list_head sibling;	/* lock: message->deliveries, unless settled */
	struct list_head age;		/* lock: sub->ages, if queued */
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

/* The message proper has no delivery any more that is not settled. */
static void finish(struct mbox *mbox, struct mbox_message *message,
		   struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;

	/* If it is dead that was counted then. */
	if (mbox->state != MBOX_STATE_DEAD) {
		mbox_queue_release(mbox, message);
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
		mbox_waiter_complete(mbox, sender, 0, deferred);
	}
	mbox_message_put(mbox, message, deferred);
}

/* A delivery that is on no list is received, or never will be. */
static void settle(struct mbox *mbox, struct mbox_message *message,
		   bool received, struct mbox_deferred *deferred)
{
	struct delivery *delivery = delivery_of(message);
	struct mbox_message *proper = delivery->message;

	list_del(&delivery->sibling);
	if (mbox->state != MBOX_STATE_DEAD) {
		delivery->sub->held--;
		delivery->sub->held_bytes -= message->length;
		if (received && !proper->receipts++)
			mbox->partly++;
	}
	if (!--proper->left)
		finish(mbox, proper, deferred);
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

/* Take a delivery off its queue. */
void mbox_broadcast_take(struct mbox_subscription *sub,
			 struct mbox_message *message)
{
	mbox_queue_remove(&sub->queue, message);
	list_del(&delivery_of(message)->age);
}

static void enqueue(struct mbox_subscription *sub, struct mbox_message *message)
{
	struct delivery *delivery = delivery_of(message), *other;
	struct list_head *before = &sub->ages;

	mbox_queue_insert(&sub->queue, message);
	/* At the end, or near the front if it was taken and comes back. */
	other = list_empty(&sub->ages) ? NULL :
		list_last_entry(&sub->ages, struct delivery, age);
	if (other && message_of(other)->seq > message->seq) {
		list_for_each_entry(other, &sub->ages, age) {
			if (message_of(other)->seq > message->seq)
				break;
		}
		before = &other->age;
	}
	list_add_tail(&delivery->age, before);
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

/* Give an accepted delivery that is on no list to a receiver, or queue it. */
void mbox_broadcast_deliver(struct mbox *mbox, struct mbox_message *message,
			    struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;
	struct mbox_waiter *receiver = receiver_for(mbox, sub, message);

	lockdep_assert_held(&mbox->lock);
	if (receiver) {
		message->state = MBOX_MESSAGE_TAKEN;
		list_add_tail(&message->node, &mbox->taken);
		mbox_waiter_hand_over(mbox, receiver, message, deferred);
		return;
	}
	enqueue(sub, message);
	mbox_waiter_tell(mbox, &sub->receivers, message, deferred);
}

/* A delivery that is queued is lost: it is not received, though its handle could have. */
void mbox_broadcast_lose(struct mbox *mbox, struct mbox_message *message,
			 struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub = delivery_of(message)->sub;

	lockdep_assert_held(&mbox->lock);
	mbox_broadcast_take(sub, message);
	message->state = MBOX_MESSAGE_GONE;
	if (mbox->state != MBOX_STATE_DEAD) {
		sub->lost++;
		mbox->lost++;
		mbox_event_dropped(mbox, 1);
		trace_mbox_drop(mbox, message);
	}
	settle(mbox, message, false, deferred);
	mbox_broadcast_put(mbox, message, deferred);
}

static bool has_room(const struct mbox *mbox,
		     const struct mbox_subscription *sub, u32 length)
{
	if (mbox->capacity != MBOX_CAPACITY_UNBOUNDED &&
	    sub->held >= mbox->capacity)
		return false;
	return !mbox->max_bytes || sub->held_bytes + length <= mbox->max_bytes;
}

/* With OVERFLOW: the oldest go. Those that are being copied cannot, and stay. */
static void make_room(struct mbox *mbox, struct mbox_subscription *sub,
		      u32 length, struct mbox_deferred *deferred)
{
	while (!has_room(mbox, sub, length) && !list_empty(&sub->ages))
		mbox_broadcast_lose(mbox,
				    message_of(list_first_entry(&sub->ages,
								struct delivery,
								age)),
				    deferred);
}

/*
 * Whether all who had subscribed by @until have room for @message, or a receiver
 * that waits for it. The search starts at the one that had none last: as long as
 * it has none no other is looked at, and after it come those not known yet.
 */
static bool has_room_everywhere(struct mbox *mbox,
				const struct mbox_message *message, u64 until)
{
	struct mbox_subscription *sub = mbox->narrow;
	u32 n;

	if (mbox->options & MBOX_OPTION_OVERFLOW)
		return true;
	if (!sub)
		sub = list_first_entry(&mbox->subscriptions,
				       struct mbox_subscription, node);
	for (n = mbox->nr_subscriptions; n; n--) {
		if (sub->number <= until && !has_room(mbox, sub, message->length) &&
		    !receiver_for(mbox, sub, message)) {
			mbox->narrow = sub;
			return false;
		}
		sub = list_next_entry_circular(sub, &mbox->subscriptions, node);
	}
	return true;
}

/* Whether a send of @message would not have to wait. */
bool mbox_broadcast_has_room(struct mbox *mbox,
			     const struct mbox_message *message)
{
	struct mbox_waiter *first;

	lockdep_assert_held(&mbox->lock);
	first = mbox_waiter_first_sender(mbox, NULL);
	return (!first || message->prio > first->message->prio) &&
	       has_room_everywhere(mbox, message, mbox->last_subscription);
}

/* A delivery of @proper to @sub, in the memory of a slot that was charged for. */
static struct mbox_message *delivery_set(struct mbox *mbox,
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
	list_add_tail(&delivery->sibling, &proper->deliveries);
	proper->refs++;
	proper->left++;
	sub->held++;
	sub->held_bytes += proper->length;
	return message;
}

/*
 * There is room: deliver the message of @sender, which is on no list. Whether it has
 * to wait on, for the receipts.
 */
static bool accept(struct mbox *mbox, struct mbox_waiter *sender,
		   struct mbox_deferred *deferred)
{
	struct mbox_message *proper = sender->message;
	struct mbox_subscription *sub;
	struct mbox_message *slot;

	proper->sender = sender->sync ? sender : NULL;
	sub = list_first_entry_or_null(&mbox->subscriptions,
				       struct mbox_subscription, node);
	if (!sub || sub->number > sender->until) {
		proper->sender = NULL;
		mbox_message_put(mbox, proper, deferred);
		return false;
	}
	mbox_queue_accept(mbox, proper);
	proper->state = MBOX_MESSAGE_QUEUED;
	INIT_LIST_HEAD(&proper->deliveries);
	proper->left = 0;
	proper->receipts = 0;
	list_for_each_entry(sub, &mbox->subscriptions, node) {
		if (sub->number > sender->until)
			break;
		if ((mbox->options & MBOX_OPTION_OVERFLOW) &&
		    !receiver_for(mbox, sub, proper))
			make_room(mbox, sub, proper->length, deferred);
		slot = mbox_slot_pop(&sender->spares);
		sender->nr_spares--;
		sender->nr_charged--;
		mbox_broadcast_deliver(mbox,
				       delivery_set(mbox, slot, proper, sub),
				       deferred);
	}
	sender->delivered = proper->left;
	return sender->sync;
}

/**
 * mbox_broadcast_admit - room may have been made: let in those who wait for it
 * @mbox:	locked
 * @deferred:	takes who is to be woken
 */
void mbox_broadcast_admit(struct mbox *mbox, struct mbox_deferred *deferred)
{
	const struct mbox_message shortest = { .length = 1 };
	const struct mbox_message longest = { .length = mbox->msg_size };
	struct mbox_waiter *first;

	lockdep_assert_held(&mbox->lock);
	while (!mbox->deaf && (first = mbox_waiter_first_sender(mbox, NULL))) {
		if (!has_room_everywhere(mbox, first->message, first->until))
			return;
		if (accept(mbox, first, deferred))
			mbox_waiter_await_receipt(mbox, first);
		else
			mbox_waiter_complete(mbox, first, 0, deferred);
	}
	if (mbox->nospace &&
	    has_room_everywhere(mbox, &longest, mbox->last_subscription)) {
		mbox->nospace = false;
		deferred->events |= EPOLLOUT | EPOLLWRNORM;
	}
	if (mbox->full &&
	    has_room_everywhere(mbox, &shortest, mbox->last_subscription))
		mbox_event_room(mbox);
	if (mbox->state == MBOX_STATE_DRAINING && !mbox->held)
		mbox_mailbox_die(mbox, -EIDRM, deferred);
}

/* The commit of a receive: a delivery, which is on no list, is received. */
void mbox_broadcast_received(struct mbox *mbox, struct mbox_message *message,
			     struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	settle(mbox, message, true, deferred);
	mbox_broadcast_put(mbox, message, deferred);
	mbox_broadcast_admit(mbox, deferred);
}

/* Under the lock: what mbox_mailbox_die() does, of what only we know. */
void mbox_broadcast_die(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_message *message, *next_message;
	struct mbox_subscription *sub;

	list_for_each_entry(sub, &mbox->subscriptions, node) {
		sub->held = 0;
		sub->held_bytes = 0;
	}
	list_for_each_entry_safe(message, next_message, &mbox->taken, node) {
		list_del(&message->node);
		message->state = MBOX_MESSAGE_GONE;
		settle(mbox, message, false, deferred);
	}
}

/* Take back what was not received yet. 0 if anything was, else @error. */
static int take_back(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		     struct mbox_deferred *deferred)
{
	struct mbox_message *proper = waiter->message, *message;
	struct delivery *delivery, *next;

	proper->sender = NULL;
	if (proper->state == MBOX_MESSAGE_PENDING) {
		mbox_message_put(mbox, proper, deferred);
	} else {
		waiter->delivered = proper->receipts;
		proper->state = MBOX_MESSAGE_GONE;
		proper->refs++;
		list_for_each_entry_safe(delivery, next, &proper->deliveries,
					 sibling) {
			bool taken;

			message = message_of(delivery);
			/* Its receiver will find that it came too late. */
			taken = message->state == MBOX_MESSAGE_TAKEN;
			if (taken)
				list_del(&message->node);
			else
				mbox_broadcast_take(delivery->sub, message);
			message->state = MBOX_MESSAGE_GONE;
			settle(mbox, message, false, deferred);
			if (!taken)
				mbox_broadcast_put(mbox, message, deferred);
		}
		mbox_message_put(mbox, proper, deferred);
	}
	return waiter->delivered ? 0 : error;
}

/* A sender gives up. 0 if anything was received, else @error. */
static int withdraw(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		    struct mbox_deferred *deferred)
{
	mbox_waiter_cancel(mbox, waiter);
	error = take_back(mbox, waiter, error, deferred);
	mbox_broadcast_admit(mbox, deferred);
	return error;
}

/* As mbox_send_end(). */
void mbox_broadcast_end(struct mbox *mbox, struct mbox_waiter *waiter,
			int error, struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	error = take_back(mbox, waiter, error, deferred);
	mbox_waiter_complete(mbox, waiter, error, deferred);
}

/*
 * Lock the mailbox with as many slots at hand, charged to @user, as there are
 * subscriptions. EDQUOT, ENOMEM: then it is not locked.
 */
static int lock_with_spares(struct mbox_handle *handle, struct mbox_user *user,
			    struct mbox_waiter *sender,
			    struct mbox_send_args *args,
			    struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;
	u32 wanted = READ_ONCE(mbox->nr_subscriptions);
	struct mbox_message *slot;
	int error;

	for (;;) {
		if (wanted > sender->nr_charged) {
			error = mbox_user_charge_slots(user,
						       wanted - sender->nr_charged,
						       handle->unlimited);
			if (error < 0)
				return error;
			sender->nr_charged = wanted;
			if (error == MBOX_USER_TIGHT && !args->share)
				args->share = mbox_share_new();
			if (error == MBOX_USER_TIGHT && !args->share)
				return -ENOMEM;
		}
		mbox_mailbox_lock(mbox, deferred);
		while (sender->nr_spares < sender->nr_charged) {
			slot = mbox_slot_take(mbox);
			if (!slot)
				break;
			mbox_slot_push(&sender->spares, slot);
			sender->nr_spares++;
		}
		wanted = mbox->nr_subscriptions;
		if (sender->nr_spares >= wanted)
			return 0;
		mbox_mailbox_unlock(mbox, deferred);
		while (sender->nr_spares < sender->nr_charged) {
			slot = mbox_message_new(0);
			if (!slot)
				return -ENOMEM;
			mbox_slot_push(&sender->spares, slot);
			sender->nr_spares++;
			cond_resched();
		}
	}
}

/* Under the lock: deliver, or begin to wait, for which @waits is set. */
static int place(struct mbox *mbox, struct mbox_waiter *sender,
		 struct mbox_send_args *args, bool *waits,
		 struct mbox_deferred *deferred)
{
	int error = 0;

	sender->until = mbox->last_subscription;
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
		mbox_message_put(mbox, sender->message, deferred);
		return error;
	}
	if (mbox_broadcast_has_room(mbox, sender->message)) {
		*waits = accept(mbox, sender, deferred);
	} else if (args->nonblock) {
		mbox->nospace = true;
		mbox_event_full(mbox);
		error = -EAGAIN;
	} else {
		mbox->nospace = true;
		*waits = true;
	}

	if (error)
		mbox_message_put(mbox, sender->message, deferred);
	else if (*waits && sender->message->state == MBOX_MESSAGE_QUEUED)
		mbox_waiter_block_sync(mbox, sender);
	else if (*waits)
		mbox_waiter_block_sender(mbox, sender);
	return error;
}

static int send(struct mbox_handle *handle, struct mbox_user *user,
		struct mbox_waiter *sender, struct mbox_send_args *args)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	bool waits = false;
	int error;

	error = mbox_message_fill(sender->message, args->data);
	if (!error)
		error = lock_with_spares(handle, user, sender, args,
					 &deferred);
	if (error) {
		mbox_message_free(sender->message);
		return error;
	}
	error = place(mbox, sender, args, &waits, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (error || !waits)
		return error;

	error = mbox_waiter_sleep(sender, &args->deadline);
	if (error) {
		mbox_mailbox_lock(mbox, &deferred);
		if (mbox_waiter_ended(mbox, sender, &deferred))
			error = 0;
		else
			error = withdraw(mbox, sender, error, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
	}
	return error ?: sender->error;
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
	sender.message = mbox_message_new(args->length);
	if (!sender.message) {
		mbox_user_uncharge(user, args->length);
		mbox_share_free(args->share);
		return -ENOMEM;
	}
	mbox_message_set(sender.message, user, args);
	error = send(handle, user, &sender, args);
	if (error == -EDQUOT) {
		mbox_event_quota(mbox);
		mbox_send_short(handle);
	}
	/* What is still charged holds the user. */
	mbox_share_free(args->share);
	mbox_slot_free_all(sender.spares);
	if (sender.nr_charged)
		mbox_user_uncharge_slots(user, sender.nr_charged);
	return error ?: sender.delivered;
}
