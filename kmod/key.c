// SPDX-License-Identifier: GPL-2.0-only
/* Searching the tree of waiting receivers by their keys. See receivers.c. */
#include <linux/rbtree.h>

#include "key.h"

/* The first waiter whose key is @key or more, with a turn after @turn; or NULL. */
struct mbox_waiter *mbox_key_lower_bound(struct mbox_receivers *receivers,
					 const struct mbox_key *key, u64 turn)
{
	struct rb_node *node = receivers->keyed.rb_root.rb_node;
	struct mbox_waiter *found = NULL;

	/* Bound: the depth of the tree. */
	while (node) {
		struct mbox_waiter *waiter = mbox_key_waiter(node);
		int order = mbox_key_compare(key, waiter);

		if (order < 0 || (!order && turn < waiter->turn)) {
			found = waiter;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/* The last waiter whose key is @key or less; or NULL. */
static struct mbox_waiter *key_upper_bound(struct mbox_receivers *receivers,
					   const struct mbox_key *key)
{
	struct rb_node *node = receivers->keyed.rb_root.rb_node;
	struct mbox_waiter *found = NULL;

	/* Bound: the depth of the tree. */
	while (node) {
		struct mbox_waiter *waiter = mbox_key_waiter(node);

		if (mbox_key_compare(key, waiter) >= 0) {
			found = waiter;
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	return found;
}

static struct rb_node *key_child(struct rb_node *node, bool left)
{
	return left ? node->rb_left : node->rb_right;
}

static bool key_fits(struct rb_node *node, u64 length)
{
	return node && mbox_key_waiter(node)->most_fit > length;
}

/* The first waiter below @node, or the @last, that @length fits: there is one. */
static struct rb_node *key_first_fit_below(struct rb_node *node, u64 length, bool last)
{
	/* Bound: the depth of the tree. */
	while (key_fits(key_child(node, !last), length) ||
	       mbox_key_waiter(node)->fit <= length) {
		if (key_fits(key_child(node, !last), length))
			node = key_child(node, !last);
		else
			node = key_child(node, last);
	}
	return node;
}

/* The first waiter of @key, or the @last, that @length fits; or NULL. */
struct mbox_waiter *mbox_key_first_fit(struct mbox_receivers *receivers,
				       const struct mbox_key *key, u64 length,
				       bool last)
{
	struct mbox_waiter *waiter = last ? key_upper_bound(receivers, key) :
					    mbox_key_lower_bound(receivers, key, 0);
	struct rb_node *node = waiter ? &waiter->keyed : NULL, *from;

	/* Bound: twice the depth of the tree. */
	while (node) {
		waiter = mbox_key_waiter(node);
		if (mbox_key_compare(key, waiter))
			return NULL;
		if (waiter->fit > length)
			return waiter;
		if (key_fits(key_child(node, last), length)) {
			node = key_first_fit_below(key_child(node, last), length, last);
			continue;
		}
		do {
			from = node;
			node = rb_parent(from);
		} while (node && from == key_child(node, last));
	}
	return NULL;
}

/* The least flags of a key that are in use, from @flags on; false: there are none. */
bool mbox_key_next_flags(struct mbox_receivers *receivers, u32 *flags)
{
	struct rb_node *node = receivers->keyed.rb_root.rb_node;
	bool found = false;
	u32 least = *flags;

	/* Bound: the depth of the tree. */
	while (node) {
		u32 its = mbox_key_flags(mbox_key_waiter(node));

		if (its >= least) {
			*flags = its;
			found = true;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}
