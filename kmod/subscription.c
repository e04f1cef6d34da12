// SPDX-License-Identifier: GPL-2.0-only
/* Subscriptions: the places of receiving handles in what is broadcast. */
#include <linux/sched.h>
#include <linux/slab.h>

#include "mbox.h"

/* Deliveries that are given up in one section under the lock. */
#define CLOSE_BATCH	64

/* For a handle that is not open yet. ENOMEM. */
struct mbox_subscription *mbox_subscription_new(void)
{
	struct mbox_subscription *sub;

	sub = kzalloc(sizeof(*sub), GFP_KERNEL_ACCOUNT);
	if (!sub)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&sub->node);
	mbox_queue_init(&sub->queue);
	INIT_LIST_HEAD(&sub->ages);
	mbox_receivers_init(&sub->receivers);
	return sub;
}

/* The handle is open: from here on messages are delivered to it. */
void mbox_subscription_begin(struct mbox *mbox, struct mbox_subscription *sub)
{
	spin_lock(&mbox->lock);
	/* Nothing is delivered, and purging is over or will not need it. */
	if (mbox->state != MBOX_STATE_DEAD) {
		sub->number = ++mbox->last_subscription;
		list_add_tail(&sub->node, &mbox->subscriptions);
		WRITE_ONCE(mbox->nr_subscriptions, mbox->nr_subscriptions + 1);
	}
	spin_unlock(&mbox->lock);
}

static void unlist(struct mbox *mbox, struct mbox_subscription *sub)
{
	lockdep_assert_held(&mbox->lock);
	if (list_empty(&sub->node))
		return;
	list_del_init(&sub->node);
	WRITE_ONCE(mbox->nr_subscriptions, mbox->nr_subscriptions - 1);
	if (mbox->narrow == sub)
		mbox->narrow = NULL;
}

/* Lose up to @n deliveries; how many there were. */
unsigned int mbox_subscription_lose(struct mbox *mbox,
				    struct mbox_subscription *sub,
				    unsigned int n,
				    struct mbox_deferred *deferred)
{
	struct mbox_message *message;
	unsigned int lost;

	lockdep_assert_held(&mbox->lock);
	for (lost = 0; lost < n; lost++) {
		message = list_first_entry_or_null(&sub->queue.messages,
						   struct mbox_message, node);
		if (!message)
			break;
		mbox_broadcast_lose(mbox, message, deferred);
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
		unlist(mbox, sub);
		n = mbox_subscription_lose(mbox, sub, CLOSE_BATCH, &deferred);
		mbox_broadcast_admit(mbox, &deferred);
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

/* The mailbox died: free up to @n deliveries; how many there were. */
unsigned int mbox_subscription_purge(struct mbox *mbox, unsigned int n,
				     struct mbox_deferred *deferred)
{
	struct mbox_subscription *sub;
	unsigned int purged = 0;

	lockdep_assert_held(&mbox->lock);
	while (!list_empty(&mbox->subscriptions)) {
		sub = list_first_entry(&mbox->subscriptions,
				       struct mbox_subscription, node);
		purged += mbox_subscription_lose(mbox, sub, n - purged,
						 deferred);
		if (purged == n)
			break;
		/* It is empty, and remains so. */
		unlist(mbox, sub);
	}
	return purged;
}
