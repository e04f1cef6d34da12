// SPDX-License-Identifier: GPL-2.0-only
/* Subscriptions: the places of receiving handles in what is broadcast. */
#include <linux/sched.h>
#include <linux/slab.h>

#include "broadcast.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "wait.h"

/* Deliveries that are given up in one section under the lock. */
#define CLOSE_BATCH	64

/* For a handle that is not open yet. ENOMEM. */
struct mbox_subscription *mbox_subscription_new(void)
{
	struct mbox_subscription *sub;

	sub = kzalloc(sizeof(*sub), GFP_KERNEL_ACCOUNT);
	if (!sub)
		return ERR_PTR(-ENOMEM);
	RB_CLEAR_NODE(&sub->node);
	mbox_queue_init(&sub->queue);
	sub->ages = RB_ROOT_CACHED;
	mbox_receivers_init(&sub->receivers);
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

/* How many messages @sub holds, as its handle is told. */
u64 mbox_subscription_held(const struct mbox *mbox,
			   const struct mbox_subscription *sub)
{
	lockdep_assert_held(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD)
		return 0;
	return sub->held + mbox_cast_is_due(mbox, sub);
}

/*
 * Lose up to @n deliveries, for @error; how many there were. Those that are being
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
 * The handle is being closed, or receives no more. What it has not received is
 * lost, a few at a time. Also for one that was never begun.
 */
void mbox_subscription_end(struct mbox *mbox, struct mbox_subscription *sub)
{
	struct mbox_deferred deferred;
	unsigned int n;

	do {
		mbox_mailbox_lock(mbox, &deferred);
		mbox_cast_unlist(mbox, sub, &deferred);
		n = mbox_subscription_lose(mbox, sub, CLOSE_BATCH, 0, &deferred);
		mbox_cast_admit(mbox, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
	} while (n == CLOSE_BATCH);
}

/* The same of a handle that is being closed: nobody is in a call on it. */
void mbox_subscription_free(struct mbox *mbox, struct mbox_subscription *sub)
{
	mbox_subscription_end(mbox, sub);
	kfree(sub);
}

/*
 * The mailbox died: free up to @n deliveries. How many there were; a subscription
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
			mbox_cast_unlist(mbox, sub, deferred);
		else if (message->state == MBOX_MESSAGE_IN_FLIGHT)
			mbox_delivery_give_up(mbox, message, deferred);
		else
			mbox_delivery_lose(mbox, message, 0, deferred);
	}
	return cleared;
}
