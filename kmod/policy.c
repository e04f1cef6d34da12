// SPDX-License-Identifier: GPL-2.0-only
/* Policies: which of several waiting receivers is given a message. */
#include <linux/sched.h>

#include "mbox.h"

/*
 * Receivers wait in order of arrival. Who came first is found by wait.c itself;
 * the other policies look at all that the message suits, or from the back.
 */

/* Who came last: its caches are warm. */
static struct mbox_waiter *last_come(struct mbox *mbox,
				     const struct mbox_message *message)
{
	struct mbox_waiter *waiter;

	list_for_each_entry_reverse(waiter, &mbox->receivers, node) {
		if (mbox_waiter_suits(waiter, message))
			return waiter;
	}
	return NULL;
}

/*
 * Who has the highest priority, as the scheduler sees it now: with what it has
 * inherited, and real-time before the others, for which it is the nice value.
 */
static struct mbox_waiter *most_urgent(struct mbox *mbox,
				       const struct mbox_message *message)
{
	struct mbox_waiter *waiter, *best = NULL;
	int prio, best_prio = 0;

	list_for_each_entry(waiter, &mbox->receivers, node) {
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

/* Whose process was served least recently, and of that who came first. */
static struct mbox_waiter *least_served(struct mbox *mbox,
					const struct mbox_message *message)
{
	struct mbox_waiter *waiter, *best = NULL;

	list_for_each_entry(waiter, &mbox->receivers, node) {
		if (!mbox_waiter_suits(waiter, message))
			continue;
		if (!best || mbox_member_served_before(waiter->member,
						       best->member))
			best = waiter;
	}
	return best;
}

/**
 * mbox_policy_receiver_for - choose the receiver of a message
 * @mbox:	locked; of another policy than FIFO, and BROADCAST, which does not
 *		choose
 * @message:	the message
 *
 * Return: the receiver, or NULL if it suits none of those that wait.
 */
struct mbox_waiter *
mbox_policy_receiver_for(struct mbox *mbox, const struct mbox_message *message)
{
	lockdep_assert_held(&mbox->lock);
	switch (mbox->policy) {
	case MBOX_POLICY_LIFO:
		return last_come(mbox, message);
	case MBOX_POLICY_RR:
		return least_served(mbox, message);
	case MBOX_POLICY_PRIO:
		return most_urgent(mbox, message);
	}
	return NULL;
}
