/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys: the flags of a receive, and the values that they ask for. See receivers.c. */
#ifndef MBOX_KEY_H
#define MBOX_KEY_H

#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/mbox.h>

#include "queue.h"
#include "wait.h"

/* The messages that a receive asks for, by their flags, lane, type and sender. */
struct mbox_key {
	u32 flags;
	struct mbox_lane *lane;
	u64 type;
	u32 pid;
	struct pid_namespace *pid_ns;
	u64 start;
};

static inline struct mbox_waiter *mbox_key_waiter(struct rb_node *node)
{
	return rb_entry(node, struct mbox_waiter, keyed);
}

/* The flags in the key of a waiter. */
static inline u32 mbox_key_flags(const struct mbox_waiter *waiter)
{
	return waiter->filter->flags | (waiter->how & MBOX_RECV_PEEK);
}

static inline int mbox_key_order(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

/* Compare @key with that of a waiter: less than 0, 0 or more. */
static inline int mbox_key_compare(const struct mbox_key *key,
				   const struct mbox_waiter *waiter)
{
	const struct mbox_filter *filter = waiter->filter;
	int order;

	order = mbox_key_order(key->flags, mbox_key_flags(waiter));
	if (order || !key->flags)
		return order;
	if (key->flags & MBOX_FILTER_LANE)
		order = mbox_key_order((uintptr_t)key->lane, (uintptr_t)filter->lane);
	if (!order && (key->flags & MBOX_RECV_BY_TYPE))
		order = mbox_key_order(key->type, filter->type);
	if (!order && (key->flags & MBOX_RECV_BY_SENDER))
		order = mbox_key_order(key->pid, filter->pid) ?:
			mbox_key_order((uintptr_t)key->pid_ns,
				       (uintptr_t)filter->pid_ns);
	if (!order && (key->flags & MBOX_RECV_BY_START))
		order = mbox_key_order(key->start, filter->start);
	return order;
}

/* The key of a receive with @flags that takes the message in @tell. */
static inline void mbox_key_set(struct mbox_key *key, u32 flags,
				const struct mbox_tell *tell, unsigned int level)
{
	key->flags = flags;
	key->type = tell->type;
	key->lane = tell->lane;
	key->start = tell->start;
	if (flags & MBOX_RECV_BY_SENDER) {
		key->pid = tell->pid->numbers[level].nr;
		key->pid_ns = tell->pid->numbers[level].ns;
	}
}

/* Keys for one value of flags: one for each namespace in which a sender is. */
static inline unsigned int mbox_key_levels(u32 flags, const struct pid *pid)
{
	if (!(flags & MBOX_RECV_BY_SENDER))
		return 1;
	return pid ? pid->level + 1 : 0;
}

/* key.c */
struct mbox_waiter *mbox_key_lower_bound(struct mbox_receivers *receivers,
					 const struct mbox_key *key, u64 turn);
struct mbox_waiter *mbox_key_first_fit(struct mbox_receivers *receivers,
				       const struct mbox_key *key, u64 length,
				       bool last);
bool mbox_key_next_flags(struct mbox_receivers *receivers, u32 *flags);

#endif /* MBOX_KEY_H */
