// SPDX-License-Identifier: GPL-2.0-only
/* The budget of a network namespace: how many events it is sent. */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/time64.h>
#include <linux/uidgid.h>

#include "event.h"

/*
 * A namespace is sent some events of the mailboxes of each user, their creator, and some
 * more of any user, so that a busy user does not hide the events of others. Each of the
 * first users in a window has a share; users beyond the table of shares have only the
 * common part. Sending takes time by the number of listeners, and any process may
 * listen: so much time of the worker, which serves all namespaces.
 */
#define WINDOW		HZ
#define COMMON_EVENTS	1000		/* so many, of all users, */
#define USER_EVENTS	100		/* and so many of each before */
#define WINDOW_TIME	(NSEC_PER_SEC / 4) /* of the worker; for all half of it */

/* Return the number of events sent of a user's share; NULL if he has none. */
static u32 *budget_share(struct mbox_event_budget *budget, kuid_t uid)
{
	unsigned int i;

	/* Bounded by the size of the table. */
	for (i = 0; i < budget->nr_shares; i++) {
		if (uid_eq(budget->shares[i].uid, uid))
			return &budget->shares[i].sent;
	}
	if (i == ARRAY_SIZE(budget->shares))
		return NULL;
	budget->nr_shares++;
	budget->shares[i].uid = uid;
	budget->shares[i].sent = 0;
	return &budget->shares[i].sent;
}

/* Take one event of @uid out of the budget; false if that is used up. */
bool mbox_budget_take(struct mbox_event_budget *budget, kuid_t uid)
{
	u64 now = get_jiffies_64();
	u32 *sent;

	if (time_after_eq64(now, budget->window_end)) {
		budget->window_end = now + WINDOW;
		budget->nr_shares = 0;
		budget->common = 0;
		budget->spent = 0;
	}
	sent = budget_share(budget, uid);
	if (sent && *sent < USER_EVENTS) {
		++*sent;
		return budget->spent < WINDOW_TIME;
	}
	if (budget->common == COMMON_EVENTS)
		return false;
	budget->common++;
	return budget->spent < WINDOW_TIME / 2;
}
