// SPDX-License-Identifier: GPL-2.0-only
/* Policies: which of several waiting receivers is given a message. */
#include <linux/sched.h>

#include "mbox.h"
#include "message.h"
#include "process.h"
#include "wait.h"

/*
 * Receivers wait in order of their turns. These functions walk a list of at most
 * MBOX_WAITERS_MAX; receivers that need not be walked are in a tree, see receivers.c.
 * Each is named after its policy.
 */

/* Choose the receiver with the first turn. Bound: MBOX_WAITERS_MAX. */
static struct mbox_waiter *policy_fifo(const struct list_head *receivers,
				       const struct mbox_message *message)
{
	struct mbox_waiter *waiter;

	list_for_each_entry(waiter, receivers, node) {
		if (mbox_waiter_suits(waiter, message))
			return waiter;
	}
	return NULL;
}

/* Choose the one with the last turn: its caches are warm. Bound: MBOX_WAITERS_MAX. */
static struct mbox_waiter *policy_lifo(const struct list_head *receivers,
				       const struct mbox_message *message)
{
	struct mbox_waiter *waiter;

	list_for_each_entry_reverse(waiter, receivers, node) {
		if (mbox_waiter_suits(waiter, message))
			return waiter;
	}
	return NULL;
}

/*
 * Choose the receiver with the highest priority, as the scheduler sees it now: with
 * the priority that it has inherited, and real-time before the nice values.
 * Bound: MBOX_WAITERS_MAX.
 */
static struct mbox_waiter *policy_prio(const struct list_head *receivers,
				       const struct mbox_message *message)
{
	struct mbox_waiter *waiter, *best = NULL;
	int prio, best_prio = 0;

	list_for_each_entry(waiter, receivers, node) {
		if (!mbox_waiter_suits(waiter, message))
			continue;
		/* The less the number, the higher. */
		prio = READ_ONCE(waiter->task->prio);
		if (!best || prio < best_prio) {
			best = waiter;
			best_prio = prio;
		}
	}
	return best;
}

/*
 * Choose a receiver of the process that was served least recently, and of these the
 * one with the first turn. Bound: MBOX_WAITERS_MAX.
 */
static struct mbox_waiter *policy_rr(const struct list_head *receivers,
				     const struct mbox_message *message)
{
	struct mbox_waiter *waiter, *best = NULL;

	list_for_each_entry(waiter, receivers, node) {
		if (!mbox_waiter_suits(waiter, message))
			continue;
		if (!best || mbox_member_served_before(waiter->member,
						       best->member))
			best = waiter;
	}
	return best;
}

static struct mbox_waiter *
(*const policies[])(const struct list_head *receivers,
		    const struct mbox_message *message) = {
	[MBOX_POLICY_FIFO] = policy_fifo,
	[MBOX_POLICY_LIFO] = policy_lifo,
	[MBOX_POLICY_RR] = policy_rr,
	[MBOX_POLICY_PRIO] = policy_prio,
	[MBOX_POLICY_BROADCAST] = policy_fifo,	/* among those of one handle */
};

static_assert(ARRAY_SIZE(policies) == MBOX_POLICY_MAX + 1);

/**
 * mbox_policy_choose - choose the receiver of a message from a list
 * @mbox:	locked; its policy is at most MBOX_POLICY_MAX
 * @receivers:	by turn
 * @message:	the message
 *
 * Return: the receiver, or NULL if the message suits none of them.
 */
struct mbox_waiter *mbox_policy_choose(const struct mbox *mbox,
				       const struct list_head *receivers,
				       const struct mbox_message *message)
{
	lockdep_assert_held(&mbox->lock);
	return policies[mbox->policy](receivers, message);
}
