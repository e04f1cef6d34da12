// SPDX-License-Identifier: GPL-2.0-only
/* Waiting receivers: found by their filters, told of messages, chosen from. */
#include <linux/err.h>
#include <linux/pid_namespace.h>
#include <linux/rbtree_augmented.h>
#include <linux/sched.h>

#include "broadcast.h"
#include "key.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "wait.h"

/*
 * A receive asks for messages by flags, and by a type, a sender or a lane where the
 * flags say so: its key. A message matches one key for each value of the flags, or
 * one for each pid namespace where they name a sender. So receivers are in a tree by
 * their keys, and need not be looked at one after the other; those of one
 * key are in the order of their turns. Each node knows the most that fits any buffer
 * below it, so that the first or the last receiver of a key with a buffer that is
 * large enough is found in a time by the logarithm of their number. A peek has the flag
 * MBOX_RECV_PEEK in its key, and no message fits it.
 *
 * Mostly all of them ask for any message: then the first is the first of the tree.
 *
 * The rest cannot be found by a key: they ask for a least priority, for several types,
 * for senders that are not in their namespace, or the policy goes by something that
 * changes while they wait (RR, PRIO). They are in a list, which is walked: so no more
 * than MBOX_WAITERS_MAX of them may wait. Of a subscription no more than that may
 * wait at all: it may go when the lock is dropped, so all of them are told at once.
 */

static u64 waiter_fit(const struct mbox_waiter *waiter)
{
	return waiter->fit;
}

RB_DECLARE_CALLBACKS_MAX(static, fit_callbacks, struct mbox_waiter, keyed,
			 u64, most_fit, waiter_fit)

static void tell_set(struct mbox_tell *tell, const struct mbox_message *message)
{
	tell->type = message->type;
	tell->pid = message->pid;
	tell->start = message->start;
	tell->lane = message->room->lane;
}

void mbox_receivers_setup(struct mbox_receivers *receivers)
{
	receivers->keyed = RB_ROOT_CACHED;
	receivers->nr_filtered = 0;
	INIT_LIST_HEAD(&receivers->rest);
	receivers->nr_rest = 0;
}

static bool receivers_empty(const struct mbox_receivers *receivers)
{
	return RB_EMPTY_ROOT(&receivers->keyed.rb_root) && list_empty(&receivers->rest);
}

/* Whether a receive can be found by its key. */
static bool waiter_has_key(const struct mbox *mbox, const struct mbox_waiter *waiter)
{
	const struct mbox_filter *filter = waiter->filter;

	if (filter->min_prio || mbox->policy == MBOX_POLICY_RR ||
	    mbox->policy == MBOX_POLICY_PRIO)
		return false;
	return likely(!filter->flags) ||
	       (!(filter->flags & (MBOX_RECV_NOT_TYPE | MBOX_RECV_MAX_TYPE)) &&
		(!(filter->flags & MBOX_RECV_BY_SENDER) || filter->pid));
}

/* The tree has others: find the place of @waiter. */
static noinline void receivers_add_between(struct mbox_receivers *receivers,
					   struct mbox_waiter *waiter)
{
	struct rb_node **link = &receivers->keyed.rb_root.rb_node, *parent = NULL;
	const struct mbox_filter *filter = waiter->filter;
	const struct mbox_key key = {
		.flags = mbox_key_flags(waiter), .type = filter->type,
		.pid = filter->pid, .pid_ns = filter->pid_ns,
		.lane = filter->lane, .start = filter->start,
	};
	bool first = true;
	int order;

	/* Bound: the depth of the tree. */
	while (*link) {
		struct mbox_waiter *other = mbox_key_waiter(*link);

		parent = *link;
		order = mbox_key_compare(&key, other) ?:
			mbox_key_order(waiter->turn, other->turn);
		if (other->most_fit < waiter->fit)
			other->most_fit = waiter->fit;
		link = order < 0 ? &parent->rb_left : &parent->rb_right;
		first &= order < 0;
	}
	rb_link_node(&waiter->keyed, parent, link);
	rb_insert_augmented_cached(&waiter->keyed, &receivers->keyed, first,
				   &fit_callbacks);
}

static void receivers_add_keyed(struct mbox_receivers *receivers,
				struct mbox_waiter *waiter)
{
	struct rb_root_cached *keyed = &receivers->keyed;

	if (mbox_key_flags(waiter))
		receivers->nr_filtered++;
	waiter->most_fit = waiter->fit;
	if (!RB_EMPTY_ROOT(&keyed->rb_root)) {
		receivers_add_between(receivers, waiter);
		return;
	}
	rb_link_node(&waiter->keyed, NULL, &keyed->rb_root.rb_node);
	rb_insert_augmented_cached(&waiter->keyed, keyed, true, &fit_callbacks);
}

/* In order of turns: mostly at the end. Bound: MBOX_WAITERS_MAX. */
static void receivers_add_rest(struct mbox_receivers *receivers,
			       struct mbox_waiter *waiter)
{
	struct mbox_waiter *other;

	list_for_each_entry_reverse(other, &receivers->rest, node) {
		if (other->turn < waiter->turn)
			break;
	}
	list_add(&waiter->node, &other->node);
}

/* The receivers that wait for messages of the queue of @message; some receiver does. */
struct mbox_receivers *mbox_receivers_of(const struct mbox *mbox,
					 const struct mbox_message *message)
{
	struct mbox_room *room = message->room;

	/* Of a broadcast each room but the mailbox' is that of a subscription. */
	if (unlikely(mbox->cast) && room->parent)
		return &container_of(room, struct mbox_subscription,
				     room)->receivers;
	return &mbox->waits->receivers;
}

/**
 * mbox_receivers_add - a receive begins to wait
 * @mbox:	locked
 * @receivers:	its own, or those of a subscription
 * @waiter:	has its filter, its turn, and its fit
 *
 * Return: 0, or EUSERS where too many wait that have to be looked at.
 */
int mbox_receivers_add(const struct mbox *mbox,
		       struct mbox_receivers *receivers,
		       struct mbox_waiter *waiter)
{
	bool keyed = waiter_has_key(mbox, waiter);

	lockdep_assert_held(&mbox->lock);
	waiter->limited = !keyed || receivers != &mbox->waits->receivers;
	if (waiter->limited) {
		if (receivers->nr_rest >= MBOX_WAITERS_MAX)
			return -EUSERS;
		receivers->nr_rest++;
	}
	waiter->receivers = receivers;
	if (keyed)
		receivers_add_keyed(receivers, waiter);
	else
		receivers_add_rest(receivers, waiter);
	return 0;
}

/* Its wait is over. */
void mbox_receivers_remove(struct mbox_waiter *waiter)
{
	struct mbox_receivers *receivers = waiter->receivers;

	if (RB_EMPTY_NODE(&waiter->keyed)) {
		list_del(&waiter->node);
	} else {
		rb_erase_augmented_cached(&waiter->keyed, &receivers->keyed,
					  &fit_callbacks);
		if (mbox_key_flags(waiter))
			receivers->nr_filtered--;
		RB_CLEAR_NODE(&waiter->keyed);
	}
	if (waiter->limited)
		receivers->nr_rest--;
	waiter->receivers = NULL;
}

static bool waiter_before(const struct mbox_waiter *a,
			  const struct mbox_waiter *b, bool last)
{
	return last ? a->turn > b->turn : a->turn < b->turn;
}

/* Choose among all receivers. */
static noinline struct mbox_waiter *
receivers_choose(const struct mbox *mbox, struct mbox_receivers *receivers,
		 const struct mbox_message *message)
{
	bool last = mbox->policy == MBOX_POLICY_LIFO;
	struct mbox_waiter *best, *waiter;
	struct mbox_tell tell;
	unsigned int level;
	struct mbox_key key;
	u32 flags = 0;

	best = list_empty(&receivers->rest) ? NULL :
		mbox_policy_choose(mbox, &receivers->rest, message);
	tell_set(&tell, message);
	/* Bound: the values that flags can have. */
	for (; mbox_key_next_flags(receivers, &flags); flags++) {
		/* Bound: MAX_PID_NS_LEVEL. */
		for (level = 0; level < mbox_key_levels(flags, message->pid); level++) {
			mbox_key_set(&key, flags, &tell, level);
			waiter = mbox_key_first_fit(receivers, &key,
						    message->length, last);
			if (waiter &&
			    (!best || waiter_before(waiter, best, last)))
				best = waiter;
		}
	}
	return best;
}

/**
 * mbox_receivers_choose - choose the receiver of a message
 * @mbox:	locked
 * @receivers:	its own, or those of a subscription
 * @message:	the message
 *
 * Return: of the receivers that it suits the one that came first, or the one that
 * the policy says; NULL if it suits none.
 */
struct mbox_waiter *mbox_receivers_choose(const struct mbox *mbox,
					  struct mbox_receivers *receivers,
					  const struct mbox_message *message)
{
	struct rb_node *first = rb_first_cached(&receivers->keyed);

	lockdep_assert_held(&mbox->lock);
	if (likely(first && !receivers->nr_filtered && !receivers->nr_rest &&
		   mbox_key_waiter(first)->fit > message->length) &&
	    mbox->policy != MBOX_POLICY_LIFO)
		return mbox_key_waiter(first);
	return receivers_choose(mbox, receivers, message);
}

/* Whether @message would end the wait of any receiver, be it only to look at it. */
bool mbox_receivers_any(struct mbox_receivers *receivers,
			const struct mbox_message *message)
{
	struct mbox_waiter *waiter;
	struct mbox_tell tell;
	unsigned int level;
	struct mbox_key key;
	u32 flags = 0;

	/* Bound: MBOX_WAITERS_MAX. */
	list_for_each_entry(waiter, &receivers->rest, node) {
		if (mbox_filter_pass(waiter->filter, message))
			return true;
	}
	tell_set(&tell, message);
	/* Bound: as in mbox_receivers_choose(). */
	for (; mbox_key_next_flags(receivers, &flags); flags++) {
		for (level = 0; level < mbox_key_levels(flags, message->pid); level++) {
			mbox_key_set(&key, flags, &tell, level);
			waiter = mbox_key_lower_bound(receivers, &key, 0);
			if (waiter && !mbox_key_compare(&key, waiter))
				return true;
		}
	}
	return false;
}

/* Any receiver that waits for messages of @lane, or NULL. */
struct mbox_waiter *mbox_receivers_of_lane(struct mbox_receivers *receivers,
					   struct mbox_lane *lane)
{
	struct mbox_key key = { .flags = MBOX_FILTER_LANE, .lane = lane };
	struct mbox_waiter *waiter;

	/* Bound: MBOX_WAITERS_MAX. */
	list_for_each_entry(waiter, &receivers->rest, node) {
		if (waiter->lane == lane)
			return waiter;
	}
	/* Bound: the values that flags can have. */
	for (; mbox_key_next_flags(receivers, &key.flags); key.flags++) {
		waiter = mbox_key_lower_bound(receivers, &key, 0);
		if (waiter && waiter->lane == lane)
			return waiter;
	}
	return NULL;
}

/*
 * Tell up to @n receivers that have a key, from where @tell says on, and no wait that
 * began after it. Set @tell to where to go on; whether there is anything to go on
 * with.
 */
static bool receivers_tell_keyed(struct mbox *mbox, struct mbox_receivers *receivers,
				 struct mbox_tell *tell, unsigned int n,
				 struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter;
	struct mbox_key key;

	/* Bound: @n, the values of flags and the levels of namespaces. */
	for (; mbox_key_next_flags(receivers, &tell->flags); tell->flags++) {
		for (; tell->level < mbox_key_levels(tell->flags, tell->pid);
		     tell->level++) {
			mbox_key_set(&key, tell->flags, tell, tell->level);
			for (;; n--) {
				waiter = mbox_key_lower_bound(receivers, &key,
							      tell->turn);
				if (!waiter || mbox_key_compare(&key, waiter))
					break;
				if (!n)
					return true;
				tell->turn = waiter->turn;
				if (waiter->number <= tell->limit)
					mbox_waiter_complete(mbox, waiter,
							     MBOX_RETRY,
							     deferred);
			}
			tell->turn = 0;
		}
		tell->level = 0;
	}
	return false;
}

/**
 * mbox_receivers_tell - have the receivers look that a message concerns
 * @mbox:	locked
 * @receivers:	its own, or those of a subscription
 * @message:	queued or pending, and none of them was given it
 * @deferred:	takes the tasks to be woken, and the receivers still to be told
 *
 * Those are the receivers that peek, and those with a buffer that is too small.
 */
void mbox_receivers_tell(struct mbox *mbox, struct mbox_receivers *receivers,
			 const struct mbox_message *message,
			 struct mbox_deferred *deferred)
{
	bool own = receivers == &mbox->waits->receivers && !deferred->telling;
	struct mbox_tell *tell = &deferred->tell, here = {};
	struct mbox_waiter *waiter, *next;

	lockdep_assert_held(&mbox->lock);
	if (receivers_empty(receivers))
		return;
	/* Bound: MBOX_WAITERS_MAX. */
	list_for_each_entry_safe(waiter, next, &receivers->rest, node) {
		if (mbox_filter_pass(waiter->filter, message))
			mbox_waiter_complete(mbox, waiter, MBOX_RETRY,
					     deferred);
	}
	tell_set(&here, message);
	here.limit = mbox->waits->nr_blocked;
	if (!receivers_tell_keyed(mbox, receivers, &here,
				  own ? MBOX_END_BATCH : UINT_MAX, deferred))
		return;
	*tell = here;
	get_pid(tell->pid);
	deferred->telling = true;
}

/* Tell the next ones: mbox_deferred_run(). */
void mbox_receivers_tell_on(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_tell *tell = &deferred->tell;

	lockdep_assert_held(&mbox->lock);
	deferred->telling = receivers_tell_keyed(mbox, &mbox->waits->receivers, tell,
						 MBOX_END_BATCH, deferred);
	if (!deferred->telling)
		put_pid(tell->pid);
}
