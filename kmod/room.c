// SPDX-License-Identifier: GPL-2.0-only
/* Room for messages, and the senders that wait for it, in order. */
#include <linux/rbtree.h>
#include <linux/string.h>

#include "broadcast.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "queue.h"
#include "wait.h"

/*
 * Senders are in order of the priority of their message, then of arrival. To a queue of
 * mq_overview(7) that of the thread counts, as it was when it began to wait; to one of
 * sysvipc(7) the length: a message that fits does not wait for a longer one.
 */
static u32 room_order(const struct mbox *mbox, const struct mbox_waiter *waiter)
{
	if (mbox_mailbox_sysv(mbox))
		return U32_MAX - waiter->message->length;
	return mbox->space == MBOX_SPACE_MQ ? MAX_PRIO - waiter->task->prio :
					      waiter->message->prio;
}

static bool room_before(u32 order, u64 number, const struct mbox_waiter *other)
{
	return order != other->order ? order > other->order :
				       number < other->number;
}

/* Move the searches back that are past the place of @waiter, and want its message. */
static void room_move_cursors(struct mbox_queue *queue,
			      const struct mbox_waiter *waiter)
{
	const struct mbox_message *message = waiter->message;
	struct mbox_cursor *cursor;

	/* Bound: MBOX_SEARCHES_MAX, and purges. */
	hlist_for_each_entry(cursor, &queue->cursors, node) {
		if (cursor->number && cursor->prio < waiter->order &&
		    mbox_filter_pass(cursor->filter, message)) {
			cursor->prio = waiter->order;
			cursor->number = waiter->number - 1;
		}
	}
}

static struct mbox_waiter *room_sender(struct rb_node *node)
{
	return node ? rb_entry(node, struct mbox_rank, node)->waiter : NULL;
}

static bool room_less(struct rb_node *a, const struct rb_node *b)
{
	const struct mbox_waiter *waiter = room_sender(a);

	return room_before(waiter->order, waiter->number,
			   rb_entry(b, struct mbox_rank, node)->waiter);
}

/* A sender begins to wait for room: in that of its message, and in the parent. */
void mbox_room_add_sender(struct mbox *mbox, struct mbox_waiter *waiter)
{
	struct mbox_room *room = waiter->message->room;
	struct mbox_rank *rank = waiter->ranks;

	lockdep_assert_held(&mbox->lock);
	waiter->order = room_order(mbox, waiter);
	for (; room; room = room->parent, rank++) {
		rank->waiter = waiter;
		rb_add_cached(&rank->node, &room->senders, room_less);
		room_move_cursors(room->queue, waiter);
	}
}

/* A sender does not wait for room any more. */
void mbox_room_remove_sender(struct mbox *mbox, struct mbox_waiter *waiter)
{
	struct mbox_room *room = waiter->message->room;
	struct mbox_rank *rank = waiter->ranks;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(mbox->cast))
		mbox_cast_forget(mbox, waiter);
	for (; room; room = room->parent, rank++) {
		rb_erase_cached(&rank->node, &room->senders);
		RB_CLEAR_NODE(&rank->node);
	}
}

/* The first sender that waits for room, or NULL. */
struct mbox_waiter *mbox_room_first_sender(const struct mbox_room *room)
{
	return room_sender(rb_first_cached(&room->senders));
}

/* The sender after @waiter, or NULL. */
struct mbox_waiter *mbox_room_next_sender(const struct mbox_room *room,
					  const struct mbox_waiter *waiter)
{
	unsigned int rank = room != waiter->message->room;

	return room_sender(rb_next(&waiter->ranks[rank].node));
}

/* The first sender after the place @order and the number @number; or NULL. */
struct mbox_waiter *mbox_room_sender_after(const struct mbox_room *room,
					   u32 order, u64 number)
{
	struct rb_node *node = room->senders.rb_root.rb_node;
	struct mbox_waiter *found = NULL;

	/* Bound: the depth of the tree. */
	while (node) {
		struct mbox_waiter *waiter = room_sender(node);

		if (room_before(order, number, waiter)) {
			found = waiter;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

void mbox_room_setup(struct mbox_room *room, struct mbox_room *parent,
		     struct mbox_queue *queue)
{
	memset(room, 0, sizeof(*room));
	room->parent = parent;
	room->queue = queue;
	room->capacity = MBOX_CAPACITY_UNBOUNDED;
	room->senders = RB_ROOT_CACHED;
}

/* Whether @message, which fits, goes before those of the senders that wait: there are some. */
bool mbox_room_overtakes(const struct mbox_room *room,
			 const struct mbox_message *message)
{
	const struct mbox_waiter *first = mbox_room_first_sender(room);

	return message->prio > first->message->prio ||
	       mbox_mailbox_sysv(first->handle->mbox);
}

/* A send was refused: have pollers told when there is room. */
void mbox_room_refuse(struct mbox_room *room)
{
	for (; room; room = room->parent)
		room->nospace = true;
}

/* Count @message as accepted: from here on it is not lost. */
void mbox_room_accept(struct mbox *mbox, struct mbox_message *message)
{
	mbox_path_accept(mbox, message);
}

/* Give back the room of a message that was received, withdrawn or dropped. */
void mbox_room_release(struct mbox *mbox, const struct mbox_message *message)
{
	mbox_path_release(mbox, message->room, 1, message->length);
}
