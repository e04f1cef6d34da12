// SPDX-License-Identifier: GPL-2.0-only
/* Policies: which of several waiting receivers is given a message. */
#include <linux/sched.h>

#include "mbox.h"
#include "message.h"
#include "process.h"
#include "wait.h"

/*
 * Receivers wait in order of their turns. These functions walk a list of at most
 * MBOX_WAITERS_MAX; those that need not be looked at are in a tree, see receivers.c.
 */

/* The receiver with the first turn. Bound: MBOX_WAITERS_MAX. */
static struct mbox_waiter *policy_first(const struct list_head *receivers,
					const struct mbox_message *message)
{
	struct mbox_waiter *waiter;

	list_for_each_entry(waiter, receivers, node) {
		if (mbox_waiter_suits(waiter, message))
			return waiter;
	}
	return NULL;
}

/* The receiver with the last turn: its caches are warm. Bound: MBOX_WAITERS_MAX. */
static struct mbox_waiter *policy_last(const struct list_head *receivers,
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
 * The receiver with the highest priority, as the scheduler sees it now: with what it
 * has inherited, and real-time before the others, for which it is the nice value.
 * Bound: MBOX_WAITERS_MAX.
 */
static struct mbox_waiter *
policy_most_urgent(const struct list_head *receivers,
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
 * A receiver of the process that was served least recently, and of these the one
 * with the first turn. Bound: MBOX_WAITERS_MAX.
 */
static struct mbox_waiter *
policy_least_served(const struct list_head *receivers,
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

/**
 * mbox_policy_choose - choose the receiver of a message from a list
 * @mbox:	locked
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
	switch (mbox->policy) {
	case MBOX_POLICY_LIFO:
		return policy_last(receivers, message);
	case MBOX_POLICY_RR:
		return policy_least_served(receivers, message);
	case MBOX_POLICY_PRIO:
		return policy_most_urgent(receivers, message);
	}
	return policy_first(receivers, message);
}
