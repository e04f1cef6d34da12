/* SPDX-License-Identifier: GPL-2.0-only */
/* Queues: accepted messages in order, searches of them, filters. */
#ifndef MBOX_QUEUE_H
#define MBOX_QUEUE_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct mbox;
struct mbox_deferred;
struct mbox_lane;
struct mbox_message;
struct mbox_receivers;
struct mbox_waiter;
struct pid_namespace;

/* Messages that a search looks at before it drops the lock. */
#define MBOX_FIND_BATCH		512

/* Searches of one queue that may pause at a time; and purges beside so many. */
#define MBOX_SEARCHES_MAX	128
#define MBOX_PURGES_MAX		8

/*
 * Accepted messages in the order in which they are received. The list is sorted. Some
 * messages are also nodes of the tree of steps, which is sorted likewise: the first of
 * each priority; of those that were appended, or inserted at the end of a priority, every
 * MBOX_STEP-th; and all that returned to their place; but never the first of all. So from one step
 * to the next there are few messages, and any place is found in a time by the logarithm
 * of their number. A short queue of one priority needs no tree.
 */
#define MBOX_STEP		64

struct mbox_queue {
	struct list_head messages;
	struct rb_root steps;
	struct hlist_head cursors;	/* searches that pause */
	u16 nr_cursors;			/* of searches and purges */
	u16 since_step;			/* messages appended since the last that is one */
	u32 nr_hidden;			/* held, but not to be found: IN_FLIGHT, or HIDDEN */
};

/*
 * Room for messages: how many may be held, how many are, and the senders that wait
 * for room. A mailbox has one, each lane, and each subscription. The limits of the
 * parent apply too: that is the room of the inbox to which a lane leads, or of the
 * mailbox of a subscription. A message of a lane counts in both; a delivery counts in
 * its subscription, and its message in the mailbox. Guarded by mbox->lock.
 */
struct mbox_room {
	u32 capacity;
	u32 msg_size;
	u32 held;			/* accepted, and neither received nor gone */
	union {
		struct {
			bool nospace;	/* a send was refused: tell pollers when there
					 * is room; of an inbox: by any lane
					 */
			bool tracks;	/* constant: see track.h */
		};
		u16 more;		/* any of these */
	};
	u64 max_bytes;			/* 0: no limit */
	u64 held_bytes;
	struct mbox_room *parent;	/* constant; or NULL */
	struct mbox_lane *lane;		/* constant: that has it; else NULL */
	struct rb_root_cached senders;	/* by priority, then arrival */
	struct mbox_queue *queue;	/* constant: of its messages */
};

/*
 * A search for a message that a filter passes, in a queue and then among the blocked
 * senders. A long search pauses now and then, so that a long queue does not keep
 * others from the lock. Meanwhile others move its cursor on if the message there goes,
 * and count the messages before it that pass. They offer it those that come, so it keeps
 * its place: senders that send and withdraw could send it back for ever. With AT the
 * search goes back itself where too many came.
 */
struct mbox_cursor {
	struct hlist_node node;		/* lock: queue->cursors */
	const struct mbox_filter *filter;
	struct mbox_message *next;	/* lock: where to go on, or NULL */
	bool senders;			/* lock: goes on among the senders */
	u32 prio;			/* lock: order of the last sender looked at, */
	u64 number;			/* and its number; 0: none yet */
	u64 lane;			/* lock: of a search of all lanes, inbox.c: number of
					 * that which it is in
					 */
	struct mbox_message *best;	/* lock: message found, or offered, so far; or NULL */
	bool lost;			/* lock: of all lanes: the best went since it began */
	u32 retries;			/* the times that it began anew */
	u32 passed;			/* lock: of one queue: messages before next that pass */
};

/* Messages that are linked or removed in one section under the lock, if nobody searches. */
#define MBOX_QUEUE_BATCH	64

/* Return how many of @queue these are: all searches that pause may have to count each. */
static inline unsigned int mbox_queue_batch(const struct mbox_queue *queue)
{
	return MBOX_QUEUE_BATCH / (1 + queue->nr_cursors / 8);
}

/* The messages that a receiver asks for; constant while it waits. */
struct mbox_filter {
	u32 flags;			/* MBOX_RECV_BY_*, _AT, FILTER_LANE */
	u32 pid;
	u64 type;
	u32 min_prio;
	u32 index;			/* with AT: how many that pass come before it */
	struct pid_namespace *pid_ns;	/* in which pid is meant */
	u64 start;			/* with BY_START: of process pid */
	struct mbox_lane *lane;		/* only messages of it; or NULL */
};

/* Beside MBOX_RECV_BY_*: there is a lane; with MAX_TYPE, any message that passes will do. */
#define MBOX_FILTER_LANE	BIT(31)
#define MBOX_FILTER_ANY		BIT(30)

/* queue.c */
bool mbox_message_before(const struct mbox_message *a,
			 const struct mbox_message *b);
bool mbox_filter_prefers(const struct mbox_filter *filter,
			 const struct mbox_message *message,
			 const struct mbox_message *other);
struct mbox_message *mbox_queue_next(struct mbox_queue *queue,
				     struct mbox_message *message);
void mbox_queue_setup(struct mbox_queue *queue);
void mbox_queue_insert(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_return(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_remove(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_append_run(struct mbox_queue *queue, struct mbox_message *first,
			   struct mbox_message *last);
void mbox_queue_remove_run(struct mbox_queue *queue, struct mbox_message *last);
void mbox_queue_begin_flight(struct mbox_queue *queue, struct mbox_message *message);
void mbox_queue_put_back(struct mbox_queue *queue,
			 struct mbox_message *message);
void mbox_queue_end_flight(struct mbox_queue *queue,
			   struct mbox_message *message);
bool mbox_filter_pass(const struct mbox_filter *filter,
		      const struct mbox_message *message);

/* cursor.c */
void mbox_cursor_setup(struct mbox_cursor *cursor, struct mbox_queue *queue,
		       const struct mbox_filter *filter);
void mbox_cursor_pause(struct mbox_cursor *cursor, struct mbox_queue *queue);
void mbox_cursor_resume(struct mbox_cursor *cursor, struct mbox_queue *queue);
struct mbox_message *mbox_cursor_next(struct mbox_cursor *cursor,
				      struct mbox_queue *queue);
struct mbox_message *mbox_cursor_search(struct mbox *mbox,
					struct mbox_queue *queue,
					const struct mbox_filter *filter,
					struct mbox_deferred *deferred);

/* room.c */
void mbox_room_setup(struct mbox_room *room, struct mbox_room *parent,
		     struct mbox_queue *queue);
bool mbox_room_overtakes(const struct mbox_room *room,
			 const struct mbox_message *message);
void mbox_room_refuse(struct mbox_room *room);
void mbox_room_accept(struct mbox *mbox, struct mbox_message *message);
void mbox_room_release(struct mbox *mbox, const struct mbox_message *message);
void mbox_room_add_sender(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_room_remove_sender(struct mbox *mbox, struct mbox_waiter *waiter);
struct mbox_waiter *mbox_room_first_sender(const struct mbox_room *room);
struct mbox_waiter *mbox_room_next_sender(const struct mbox_room *room,
					  const struct mbox_waiter *waiter);
struct mbox_waiter *mbox_room_sender_after(const struct mbox_room *room,
					   u32 order, u64 number);

/* The capacity with that of the parent. May be asked for without the lock. */
static inline u32 mbox_room_capacity(const struct mbox_room *room)
{
	u32 capacity = READ_ONCE(room->capacity);

	/* A parent has none. */
	if (unlikely(room->parent))
		capacity = min(capacity, READ_ONCE(room->parent->capacity));
	return capacity;
}

/* Whether the limits allow to hold @held messages with @bytes in all. */
static __always_inline bool mbox_room_allows(const struct mbox_room *room, u64 held,
					     u64 bytes)
{
	do {
		u64 max_bytes = READ_ONCE(room->max_bytes);

		/* Also if it is unbounded: held counts no more. */
		if (held > READ_ONCE(room->capacity) ||
		    (unlikely(max_bytes) && bytes > max_bytes))
			return false;
		room = room->parent;
	} while (unlikely(room));
	return true;
}

/* Whether one more message of @length bytes may be held. */
static __always_inline bool mbox_room_has(const struct mbox_room *room, u32 length)
{
	return mbox_room_allows(room, (u64)READ_ONCE(room->held) + 1,
				READ_ONCE(room->held_bytes) + length);
}

#endif /* MBOX_QUEUE_H */
