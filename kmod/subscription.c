// SPDX-License-Identifier: GPL-2.0-only
/* Subscriptions: handles that receive from a broadcast, their deliveries and room. */
#include <linux/sched.h>
#include <linux/slab.h>

#include "broadcast.h"
#include "mbox.h"
#include "message.h"
#include "pool.h"
#include "queue.h"
#include "wait.h"

/* Deliveries that are given up in one section under the lock. */
#define CLOSE_BATCH	64

/* For a handle that is not open yet. ENOMEM. */
struct mbox_subscription *mbox_subscription_new(struct mbox *mbox)
{
	struct mbox_subscription *sub;

	sub = kzalloc(sizeof(*sub), GFP_KERNEL_ACCOUNT);
	if (!sub)
		return ERR_PTR(-ENOMEM);
	RB_CLEAR_NODE(&sub->node);
	mbox_queue_setup(&sub->queue);
	sub->ages = RB_ROOT_CACHED;
	mbox_receivers_setup(&sub->receivers);
	mbox_room_setup(&sub->room, &mbox->room, &sub->queue);
	return sub;
}

/* The handle is open: from here on messages are delivered to it. */
void mbox_subscription_begin(struct mbox *mbox, struct mbox_subscription *sub)
{
	struct mbox_cast *cast = mbox->cast;
	struct rb_node **link, *parent = NULL;

	spin_lock(&mbox->lock);
	/* Nothing is delivered, and clearing is over or will not need it. */
	if (mbox->state != MBOX_STATE_DEAD) {
		sub->number = ++cast->last_subscription;
		/* Bound: the depth of the tree. */
		for (link = &cast->subscriptions.rb_node; *link;
		     link = &parent->rb_right)
			parent = *link;
		rb_link_node(&sub->node, parent, link);
		rb_insert_color(&sub->node, &cast->subscriptions);
		WRITE_ONCE(cast->nr_subscriptions, cast->nr_subscriptions + 1);
	}
	spin_unlock(&mbox->lock);
}

static struct mbox_subscription *subscription_of(struct rb_node *node)
{
	return node ? rb_entry(node, struct mbox_subscription, node) : NULL;
}

/* The first subscription whose number is @number or more; or NULL. */
struct mbox_subscription *mbox_subscription_from(const struct mbox *mbox,
						 u64 number)
{
	struct rb_node *node = mbox->cast->subscriptions.rb_node;
	struct rb_node *found = NULL;

	lockdep_assert_held(&mbox->lock);
	/* Bound: the depth of the tree. */
	while (node) {
		if (subscription_of(node)->number >= number) {
			found = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return subscription_of(found);
}

struct mbox_subscription *
mbox_subscription_next(const struct mbox_subscription *sub)
{
	return subscription_of(rb_next(&sub->node));
}

/* Whether the message that is under way is accepted, and has not come to @sub. */
bool mbox_subscription_is_due(const struct mbox *mbox,
			      const struct mbox_subscription *sub)
{
	const struct mbox_cast *cast = mbox->cast;

	lockdep_assert_held(&mbox->lock);
	return cast->message && sub->number <= cast->until &&
	       sub->seen < cast->message->seq && !RB_EMPTY_NODE(&sub->node);
}

/* Make the delivery that is due to @sub. */
void mbox_subscription_deliver_due(struct mbox *mbox, struct mbox_subscription *sub,
				   struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = mbox->cast->sender;
	struct mbox_message *proper = mbox->cast->message;
	struct mbox_message *message;

	sub->seen = proper->seq;
	message = mbox_pool_pop(&sender->spares);
	sender->nr_spares--;
	sender->nr_charged--;
	mbox_delivery_place(mbox, mbox_delivery_new(mbox, message, proper,
						    sub), deferred);
	/* One that was given to a receiver takes no room in the queue. */
	sub->over = (mbox->options & MBOX_OPTION_OVERFLOW) &&
		    message->state == MBOX_MESSAGE_QUEUED;
}

/**
 * mbox_subscription_catch_up - make a delivery that is due before a receiver looks
 * @mbox:	not locked
 * @sub:	the receiver's
 *
 * Without the lock it is seen by a receiver that knows of the message from another
 * one: that found it under the lock, where it was set before.
 */
void mbox_subscription_catch_up(struct mbox *mbox, struct mbox_subscription *sub)
{
	struct mbox_deferred deferred;

	if (!READ_ONCE(mbox->cast->message))
		return;
	mbox_mailbox_lock(mbox, &deferred);
	if (mbox_subscription_is_due(mbox, sub))
		mbox_subscription_deliver_due(mbox, sub, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
}

/* A subscription that holds nothing has room for any message. */
static bool subscription_has_room(const struct mbox *mbox,
				  const struct mbox_subscription *sub, u32 length)
{
	u64 held = sub->room.held, bytes = sub->room.held_bytes;

	if (unlikely(mbox_subscription_is_due(mbox, sub))) {
		held++;
		bytes += mbox->cast->message->length;
	}
	if (!held)
		return true;
	return mbox_room_allows(&sub->room, held + 1, bytes + length);
}

/* Whether @sub has room for @message, or a receiver that waits for it. */
bool mbox_subscription_can_take(struct mbox *mbox, struct mbox_subscription *sub,
				const struct mbox_message *message)
{
	return subscription_has_room(mbox, sub, message->length) ||
	       (mbox->nr_receivers &&
		mbox_receivers_choose(mbox, &sub->receivers, message));
}

/* The cost of mbox_subscription_can_take(), which may have to look at receivers. */
int mbox_subscription_cost(const struct mbox_subscription *sub)
{
	return 1 + sub->receivers.nr_rest / 4;
}

/*
 * Whether it is known that not all up to @until can take @message: as long as the
 * one that could not last still cannot, no other is looked at.
 */
bool mbox_subscription_any_full(struct mbox *mbox, const struct mbox_message *message,
				u64 until)
{
	struct mbox_subscription *sub = mbox->cast->fullest;

	return sub && sub->number <= until && !mbox_subscription_can_take(mbox, sub, message);
}

/* Give up the lock, and take it again. */
static void subscription_let_others(struct mbox *mbox)
	__must_hold(&mbox->lock)
{
	spin_unlock(&mbox->lock);
	spin_lock(&mbox->lock);
}

/**
 * mbox_subscription_room_in_all - whether a send of a message would not have to wait
 * @mbox:	locked; the lock is dropped now and then
 * @message:	the message
 */
bool mbox_subscription_room_in_all(struct mbox *mbox, const struct mbox_message *message)
{
	struct mbox_waiter *first = mbox_room_first_sender(&mbox->room);
	struct mbox_cast *cast = mbox->cast;
	struct mbox_subscription *sub;
	int budget = MBOX_CAST_BUDGET;
	u64 number;

	lockdep_assert_held(&mbox->lock);
	if (first && message->prio <= first->message->prio)
		return false;
	if (mbox->options & MBOX_OPTION_OVERFLOW)
		return true;
	if (mbox_subscription_any_full(mbox, message, cast->last_subscription))
		return false;
	sub = mbox_subscription_from(mbox, 0);
	/* Bound: MBOX_CAST_BUDGET in one section. */
	while (sub) {
		if (!mbox_subscription_can_take(mbox, sub, message)) {
			cast->fullest = sub;
			return false;
		}
		number = sub->number + 1;
		budget -= mbox_subscription_cost(sub);
		if (budget > 0) {
			sub = mbox_subscription_next(sub);
		} else {
			subscription_let_others(mbox);
			sub = mbox_subscription_from(mbox, number);
			budget = MBOX_CAST_BUDGET;
		}
	}
	return true;
}

/* The number of messages that @sub holds, for its handle. */
u64 mbox_subscription_held(const struct mbox *mbox,
			   const struct mbox_subscription *sub)
{
	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD)
		return 0;
	return sub->room.held + mbox_subscription_is_due(mbox, sub);
}

/*
 * Lose up to @n deliveries, for @error, and return their number. Those that are being
 * copied stay.
 */
unsigned int mbox_subscription_lose(struct mbox *mbox,
				    struct mbox_subscription *sub,
				    unsigned int n, int error,
				    struct mbox_deferred *deferred)
{
	struct mbox_message *message, *next;
	unsigned int lost = 0;

	lockdep_assert_held(&mbox->lock);
	/* Bound: @n, and threads that are copying from it. */
	list_for_each_entry_safe(message, next, &sub->queue.messages, node) {
		if (lost == n)
			break;
		if (message->state == MBOX_MESSAGE_IN_FLIGHT)
			continue;
		mbox_delivery_lose(mbox, message, error, deferred);
		lost++;
	}
	return lost;
}

/*
 * With OVERFLOW: lose the oldest delivery before the message that is under way. False
 * if none has to go, or can: deliveries that are being copied stay.
 */
bool mbox_subscription_trim(struct mbox *mbox, struct mbox_subscription *sub,
			    struct mbox_deferred *deferred)
{
	struct mbox_message *oldest = mbox_delivery_oldest(sub);

	sub->over = sub->over && oldest &&
		    oldest->seq < mbox->cast->message->seq &&
		    !mbox_room_allows(&sub->room, sub->room.held,
				      sub->room.held_bytes);
	if (sub->over)
		mbox_delivery_lose(mbox, oldest, 0, deferred);
	return sub->over;
}

/* A receiver of @sub is about to wait no more: deliver first, for it may get that. */
void mbox_subscription_settle(struct mbox *mbox, struct mbox_subscription *sub,
			      struct mbox_deferred *deferred)
{
	if (mbox_subscription_is_due(mbox, sub))
		mbox_subscription_deliver_due(mbox, sub, deferred);
}

/* Take @sub out of the mailbox, once the delivery that is due was made. */
void mbox_subscription_unlist(struct mbox *mbox, struct mbox_subscription *sub,
			      struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;

	lockdep_assert_held(&mbox->lock);
	if (RB_EMPTY_NODE(&sub->node))
		return;
	if (mbox_subscription_is_due(mbox, sub))
		mbox_subscription_deliver_due(mbox, sub, deferred);
	else if (!cast->message && sub->number < cast->next)
		cast->found--;
	rb_erase(&sub->node, &cast->subscriptions);
	RB_CLEAR_NODE(&sub->node);
	WRITE_ONCE(cast->nr_subscriptions, cast->nr_subscriptions - 1);
	if (cast->fullest == sub)
		cast->fullest = NULL;
}

/*
 * The handle is being closed, or receives no more: lose its deliveries, a few at a
 * time. Also for a subscription that was never begun.
 */
void mbox_subscription_end(struct mbox *mbox, struct mbox_subscription *sub)
{
	struct mbox_deferred deferred;
	unsigned int n;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		mbox_subscription_unlist(mbox, sub, &deferred);
		n = mbox_subscription_lose(mbox, sub, CLOSE_BATCH, 0, &deferred);
		mbox_cast_admit(mbox, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (n == CLOSE_BATCH);
}

/*
 * The mailbox died: free up to @n deliveries. Return their number; a subscription
 * counts as one of these.
 */
unsigned int mbox_subscription_clear(struct mbox *mbox, unsigned int n,
				     struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub;
	struct mbox_message *message;
	unsigned int cleared;

	lockdep_assert_held(&mbox->lock);
	if (!mbox->cast)
		return 0;
	for (cleared = 0; cleared < n; cleared++) {
		sub = mbox_subscription_from(mbox, 0);
		if (!sub)
			break;
		message = list_first_entry_or_null(&sub->queue.messages,
						   struct mbox_message, node);
		/* One that is empty remains so. */
		if (!message)
			mbox_subscription_unlist(mbox, sub, deferred);
		else if (message->state == MBOX_MESSAGE_IN_FLIGHT)
			mbox_delivery_give_up(mbox, message, deferred);
		else
			mbox_delivery_lose(mbox, message, 0, deferred);
	}
	return cleared;
}
