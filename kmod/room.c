// SPDX-License-Identifier: GPL-2.0-only
/* Room for messages, and the senders that wait for it, in order. */
#include <linux/rbtree.h>

#include "broadcast.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "trace.h"
#include "wait.h"

/* Senders are in order of the priority of their message, then of arrival. */
static bool room_before(u32 prio, u64 number, const struct mbox_waiter *other)
{
	return prio != other->message->prio ? prio > other->message->prio :
					      number < other->number;
}

#define SENDER(node)		rb_entry(node, struct mbox_waiter, ranked)
#define LANE_SENDER(node)	rb_entry(node, struct mbox_waiter, lane_ranked)

static bool room_less(struct rb_node *a, const struct rb_node *b)
{
	return room_before(SENDER(a)->message->prio, SENDER(a)->number,
			   SENDER(b));
}

static bool room_lane_less(struct rb_node *a, const struct rb_node *b)
{
	return room_before(LANE_SENDER(a)->message->prio,
			   LANE_SENDER(a)->number, LANE_SENDER(b));
}

/* Move the searches back that are past the place of @waiter, and want its message. */
static void room_move_cursors(struct mbox_queue *queue,
			      const struct mbox_waiter *waiter)
{
	const struct mbox_message *message = waiter->message;
	struct mbox_cursor *cursor;

	/* Bound: MBOX_SEARCHES_MAX. */
	list_for_each_entry(cursor, &queue->cursors, node) {
		if (cursor->number && cursor->prio < message->prio &&
		    mbox_filter_pass(cursor->filter, message)) {
			cursor->prio = message->prio;
			cursor->number = waiter->number - 1;
		}
	}
}

/* A sender begins to wait for room. */
void mbox_room_add_sender(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	rb_add_cached(&waiter->ranked, &mbox->senders, room_less);
	room_move_cursors(&mbox->queue, waiter);
	if (unlikely(waiter->lane)) {
		rb_add_cached(&waiter->lane_ranked, &waiter->lane->senders,
			      room_lane_less);
		room_move_cursors(&waiter->lane->queue, waiter);
	}
}

/* A sender does not wait for room any more. */
void mbox_room_remove_sender(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	if (unlikely(mbox->cast))
		mbox_cast_forget(mbox, waiter);
	rb_erase_cached(&waiter->ranked, &mbox->senders);
	RB_CLEAR_NODE(&waiter->ranked);
	if (unlikely(waiter->lane)) {
		rb_erase_cached(&waiter->lane_ranked, &waiter->lane->senders);
		RB_CLEAR_NODE(&waiter->lane_ranked);
	}
}

/* The sender of @node in a tree of senders: of @lane, or of the mailbox. */
static struct mbox_waiter *room_sender_of(struct rb_node *node,
					  const struct mbox_lane *lane)
{
	if (!node)
		return NULL;
	return unlikely(lane) ? LANE_SENDER(node) : SENDER(node);
}

/* The first sender that waits for room, in @lane if there is one; or NULL. */
struct mbox_waiter *mbox_room_first_sender(struct mbox *mbox,
					   struct mbox_lane *lane)
{
	return room_sender_of(rb_first_cached(unlikely(lane) ? &lane->senders :
							  &mbox->senders),
			      lane);
}

/* The sender after @waiter, or NULL. */
struct mbox_waiter *mbox_room_next_sender(const struct mbox_waiter *waiter,
					  struct mbox_lane *lane)
{
	return room_sender_of(rb_next(unlikely(lane) ? &waiter->lane_ranked :
						  &waiter->ranked), lane);
}

/* The first sender after the priority @prio and the number @number; or NULL. */
struct mbox_waiter *mbox_room_sender_after(struct mbox *mbox,
					   struct mbox_lane *lane, u32 prio,
					   u64 number)
{
	struct rb_node *node = unlikely(lane) ? lane->senders.rb_root.rb_node :
						mbox->senders.rb_root.rb_node;
	struct mbox_waiter *found = NULL;

	/* Bound: the depth of the tree. */
	while (node) {
		struct mbox_waiter *waiter = room_sender_of(node, lane);

		if (room_before(prio, number, waiter)) {
			found = waiter;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/* Whether a message of @length bytes that comes by @lane, if any, may be queued. */
bool mbox_room_has(const struct mbox *mbox, const struct mbox_lane *lane,
		   u32 length)
{
	lockdep_assert_held(&mbox->lock);
	if (unlikely(lane))
		return mbox_lane_has_room(lane);
	if (mbox->capacity != MBOX_CAPACITY_UNBOUNDED &&
	    mbox->held >= mbox->capacity)
		return false;
	return !mbox->max_bytes || mbox->held_bytes + length <= mbox->max_bytes;
}

/* Count @message as accepted: from here on it is not lost. */
void mbox_room_accept(struct mbox *mbox, struct mbox_message *message)
{
	lockdep_assert_held(&mbox->lock);
	message->seq = ++mbox->sent;
	mbox->sent_bytes += message->length;
	mbox->held++;
	mbox->held_bytes += message->length;
	if (mbox->held > mbox->peak)
		mbox->peak = mbox->held;
	if (mbox->held_bytes > mbox->peak_bytes)
		mbox->peak_bytes = mbox->held_bytes;
	trace_mbox_send(mbox, message);
	if (unlikely(message->lane))
		message->lane->held++;
}

/* Give back the room of a message that was received, withdrawn or dropped. */
void mbox_room_release(struct mbox *mbox, const struct mbox_message *message)
{
	lockdep_assert_held(&mbox->lock);
	mbox->held--;
	mbox->held_bytes -= message->length;
	if (unlikely(message->lane))
		message->lane->held--;
}
