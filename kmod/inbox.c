// SPDX-License-Identifier: GPL-2.0-only
/* Inboxes: the lanes that lead to one, in order, and searches of all of them. */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rbtree.h>

#include "link.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"

/*
 * Each lane has a queue of its own: messages of one process do not stand in the way
 * of a receive from another. Two trees of the inbox have the lanes from which a
 * message can be received: one by the first such message, so that the first of all
 * is the one for a receive through the inbox; and one by number, for searches.
 *
 * A receive through an inbox that asks for a type or a sender searches lane after
 * lane for the message that comes first, and remembers the best so far. It looks at
 * no more than the first message of a lane if that comes after the best, or is of
 * another sender. It pauses as every search does, see struct mbox_cursor; senders
 * offer it their messages meanwhile, in the lanes that it has searched. If the best
 * goes meanwhile, all lanes are searched again. A process that sends and withdraws
 * could bring that about for ever: so after RETRIES the first that is found is taken.
 */
#define RETRIES		16

static struct mbox_lane *lane_ranked(struct rb_node *node)
{
	return rb_entry(node, struct mbox_lane, ranked);
}

static struct mbox_lane *lane_numbered(struct rb_node *node)
{
	return rb_entry(node, struct mbox_lane, numbered);
}

static bool lane_rank_less(struct rb_node *a, const struct rb_node *b)
{
	return mbox_message_before(lane_ranked(a)->first,
				   rb_entry(b, struct mbox_lane, ranked)->first);
}

static bool lane_number_less(struct rb_node *a, const struct rb_node *b)
{
	return lane_numbered(a)->link->listing.number <
	       rb_entry(b, struct mbox_lane, numbered)->link->listing.number;
}

/* @first is now the first message of a lane, or NULL. */
static void lane_rank(struct mbox_lane *lane, struct mbox_message *first)
{
	struct mbox *inbox = lane->inbox;

	if (lane->first)
		rb_erase_cached(&lane->ranked, &inbox->inbox->lanes);
	if (lane->first && !first)
		rb_erase(&lane->numbered, &inbox->inbox->numbered);
	if (!lane->first && first)
		rb_add(&lane->numbered, &inbox->inbox->numbered, lane_number_less);
	lane->first = first;
	if (first)
		rb_add_cached(&lane->ranked, &inbox->inbox->lanes, lane_rank_less);
}

/* Offer @message to the searches that are past its place. */
static void lane_offer(struct mbox_lane *lane, struct mbox_message *message)
{
	u64 number = lane->link->listing.number;
	struct mbox_cursor *cursor;

	/* Bound: MBOX_SEARCHES_MAX, and purges. */
	hlist_for_each_entry(cursor, &lane->inbox->queue.cursors, node) {
		if (number > cursor->lane ||
		    (number == cursor->lane && cursor->next &&
		     !mbox_message_before(message, cursor->next)))
			continue;
		if (mbox_filter_pass(cursor->filter, message) &&
		    (!cursor->best ||
		     mbox_message_before(message, cursor->best)))
			cursor->best = message;
	}
}

/* Enter a message that can be received: it was queued, or put back. */
void mbox_inbox_add(struct mbox_lane *lane, struct mbox_message *message)
{
	lockdep_assert_held(&lane->inbox->lock);
	lane->queued++;
	if (!lane->first || mbox_message_before(message, lane->first))
		lane_rank(lane, message);
	lane_offer(lane, message);
}

/* Remove a message that goes, or is being copied. It is in the queue still. */
void mbox_inbox_remove(struct mbox_lane *lane, struct mbox_message *message)
{
	struct mbox_message *next = message;
	struct mbox_cursor *cursor;

	lockdep_assert_held(&lane->inbox->lock);
	lane->queued--;
	/* Bound: threads that search the inbox at the same time. */
	hlist_for_each_entry(cursor, &lane->inbox->queue.cursors, node) {
		if (cursor->best == message) {
			cursor->best = NULL;
			cursor->lost = true;
		}
	}
	if (lane->first != message)
		return;
	/* Bound: receives of a thread each of the inbox' process, which copy. */
	do {
		next = mbox_queue_next(&lane->queue, next);
	} while (next && next->state != MBOX_MESSAGE_QUEUED);
	lane_rank(lane, next);
}

/* A message of a lane leaves its queue: searches go on behind it. */
void mbox_inbox_skip(struct mbox_lane *lane, struct mbox_message *message,
		     struct mbox_message *next)
{
	struct mbox_cursor *cursor;

	/* Bound: threads that search the inbox at the same time. */
	hlist_for_each_entry(cursor, &lane->inbox->queue.cursors, node) {
		if (cursor->next == message)
			cursor->next = next;
	}
}

/* The message for a receive from any sender, or NULL. */
struct mbox_message *mbox_inbox_first(const struct mbox *inbox)
{
	struct rb_node *node = rb_first_cached(&inbox->inbox->lanes);

	lockdep_assert_held(&inbox->lock);
	return node ? lane_ranked(node)->first : NULL;
}

/* The first lane with messages after @number, also of a link that ended; or NULL. */
struct mbox_lane *mbox_inbox_lane_after(const struct mbox *inbox, u64 number)
{
	struct rb_node *node = inbox->inbox->numbered.rb_node;
	struct mbox_lane *found = NULL;

	/* Bound: the depth of the tree. */
	while (node) {
		struct mbox_lane *lane = lane_numbered(node);

		if (lane->link->listing.number > number) {
			found = lane;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/* Whether no message in a lane passes, or comes before the best. */
static bool lane_hopeless(const struct mbox_lane *lane,
			  const struct mbox_cursor *cursor)
{
	const struct mbox_filter *filter = cursor->filter;

	if (cursor->best && mbox_message_before(cursor->best, lane->first))
		return true;
	/* All messages of a lane are of one process. */
	return (filter->flags & MBOX_RECV_BY_SENDER) &&
	       pid_nr_ns(lane->first->pid, filter->pid_ns) != filter->pid;
}

/* Search on where @cursor is in a lane, looking at up to @n messages. */
static unsigned int inbox_search_lane(struct mbox_cursor *cursor, unsigned int n)
{
	struct mbox_queue *queue = cursor->next->room->queue;
	struct mbox_message *message = cursor->next;

	for (; message && n; n--) {
		if (message->prio < cursor->filter->min_prio ||
		    (cursor->best &&
		     mbox_message_before(cursor->best, message))) {
			message = NULL;
		} else if (message->state == MBOX_MESSAGE_QUEUED &&
			   mbox_filter_pass(cursor->filter, message)) {
			cursor->best = message;
			message = NULL;
		} else {
			message = mbox_queue_next(queue, message);
		}
	}
	cursor->next = message;
	return n;
}

/* All lanes were searched: whether to search them once more. */
static bool inbox_search_again(struct mbox_cursor *cursor)
{
	if (!cursor->lost)
		return false;
	cursor->lost = false;
	if (cursor->best && cursor->retries == RETRIES)
		return false;
	if (cursor->retries < RETRIES)
		cursor->retries++;
	cursor->lane = 0;
	return true;
}

/**
 * mbox_inbox_find - search on for a message in all lanes
 * @inbox:	locked
 * @cursor:	in none of its lists
 * @more:	set to whether to go on, after a pause
 *
 * Return: the first message that passes, or NULL.
 */
struct mbox_message *mbox_inbox_find(struct mbox *inbox,
				     struct mbox_cursor *cursor, bool *more)
{
	unsigned int n = MBOX_FIND_BATCH;
	struct mbox_lane *lane;

	lockdep_assert_held(&inbox->lock);
	*more = false;
	if (!cursor->filter->flags) {
		struct mbox_message *first = mbox_inbox_first(inbox);

		return first && mbox_filter_pass(cursor->filter, first) ?
		       first : NULL;
	}
	for (;;) {
		if (cursor->best && cursor->retries == RETRIES)
			return cursor->best;
		if (cursor->next)
			n = inbox_search_lane(cursor, n);
		if (!n) {
			*more = true;
			return NULL;
		}
		lane = mbox_inbox_lane_after(inbox, cursor->lane);
		if (lane) {
			n--;
			cursor->lane = lane->link->listing.number;
			if (!lane_hopeless(lane, cursor))
				cursor->next = lane->first;
		} else if (!inbox_search_again(cursor)) {
			/* From here on each message that comes is offered. */
			cursor->lane = U64_MAX;
			return cursor->best;
		}
	}
}
