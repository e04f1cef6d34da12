// SPDX-License-Identifier: GPL-2.0-only
/* Queues: accepted messages in order, and the filters of receives. */
#include <linux/pid_namespace.h>

#include "link.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"

void mbox_queue_setup(struct mbox_queue *queue)
{
	INIT_LIST_HEAD(&queue->messages);
	queue->levels = RB_ROOT;
	INIT_HLIST_HEAD(&queue->cursors);
	queue->nr_cursors = 0;
	queue->nr_in_flight = 0;
}

/* The message after @message, or NULL. */
struct mbox_message *mbox_queue_next(struct mbox_queue *queue,
				     struct mbox_message *message)
{
	return list_is_last(&message->node, &queue->messages) ?
	       NULL : list_next_entry(message, node);
}

static bool queue_is_level(const struct mbox_message *message)
{
	return !RB_EMPTY_NODE(&message->level);
}

/*
 * Find the first message of priority @prio, which is less than that of the first of
 * all. If there is none: return where its node has to be linked, and in @next the
 * first message of the level below.
 */
static struct mbox_message *queue_find_level(struct mbox_queue *queue, u32 prio,
					     struct rb_node **parent,
					     struct rb_node ***link,
					     struct mbox_message **next)
{
	struct rb_node **p = &queue->levels.rb_node;

	*parent = NULL;
	*next = NULL;
	while (*p) {
		struct mbox_message *head;

		head = rb_entry(*p, struct mbox_message, level);
		if (head->prio == prio)
			return head;
		*parent = *p;
		if (head->prio < prio) {
			*next = head;
			p = &(*p)->rb_left;
		} else {
			p = &(*p)->rb_right;
		}
	}
	*link = p;
	return NULL;
}

/* Whether @a is received before @b. */
bool mbox_message_before(const struct mbox_message *a,
			 const struct mbox_message *b)
{
	return a->prio != b->prio ? a->prio > b->prio : a->seq < b->seq;
}

static struct mbox_message *queue_of_level(struct rb_node *node)
{
	return node ? rb_entry(node, struct mbox_message, level) : NULL;
}

static bool queue_level_less(struct rb_node *a, const struct rb_node *b)
{
	return queue_of_level(a)->prio >
	       rb_entry(b, struct mbox_message, level)->prio;
}

/* Put @message at the end of the list of @queue, or before @next. */
static void queue_link_before(struct mbox_queue *queue, struct mbox_message *message,
			      struct mbox_message *next)
{
	list_add_tail(&message->node, next ? &next->node : &queue->messages);
}

/* A search that pauses is to find @message, if it is the first that passes. */
static noinline void queue_move_cursors(struct mbox_queue *queue,
					struct mbox_message *message)
{
	struct mbox_cursor *cursor;

	/* Bound: MBOX_SEARCHES_MAX. */
	hlist_for_each_entry(cursor, &queue->cursors, node) {
		if (!(cursor->next && mbox_message_before(cursor->next, message)) &&
		    mbox_filter_pass(cursor->filter, message))
			cursor->next = message;
	}
}

/**
 * mbox_queue_insert - put an accepted message where it belongs
 * @queue:	the queue
 * @message:	a message that has its sequence number
 *
 * It goes before all messages of less priority, and among those of the same
 * at the end: their sequence numbers are smaller.
 */
void mbox_queue_insert(struct mbox_queue *queue, struct mbox_message *message)
{
	struct mbox_message *first, *last, *head, *next;
	struct rb_node *parent, **link;

	if (unlikely(!hlist_empty(&queue->cursors)))
		queue_move_cursors(queue, message);
	message->state = MBOX_MESSAGE_QUEUED;
	if (unlikely(message->room->lane))
		mbox_inbox_add(message->room->lane, message);
	RB_CLEAR_NODE(&message->level);

	if (list_empty(&queue->messages)) {
		list_add(&message->node, &queue->messages);
		return;
	}
	last = list_last_entry(&queue->messages, struct mbox_message, node);
	if (last->prio == message->prio && last->seq < message->seq) {
		list_add_tail(&message->node, &queue->messages);
		return;
	}
	first = list_first_entry(&queue->messages, struct mbox_message, node);
	if (first->prio < message->prio) {
		rb_add(&first->level, &queue->levels, queue_level_less);
		list_add(&message->node, &queue->messages);
		return;
	}
	/* Of its level all that are there have smaller sequence numbers. */
	if (first->prio == message->prio) {
		next = queue_of_level(rb_first(&queue->levels));
		queue_link_before(queue, message, next);
		return;
	}
	head = queue_find_level(queue, message->prio, &parent, &link, &next);
	if (!head) {
		rb_link_node(&message->level, parent, link);
		rb_insert_color(&message->level, &queue->levels);
		queue_link_before(queue, message, next);
		return;
	}
	queue_link_before(queue, message, queue_of_level(rb_next(&head->level)));
}

/**
 * mbox_queue_append_run - put accepted messages at the end
 * @queue:	no search pauses in it
 * @first:	they are linked from this one on, both ways,
 * @last:	to this one; their priority is that of the last of @queue, if there is one
 *
 * They are QUEUED, in order, in no level, and of no lane.
 */
void mbox_queue_append_run(struct mbox_queue *queue, struct mbox_message *first,
			   struct mbox_message *last)
{
	LIST_HEAD(run);

	run.next = &first->node;
	run.prev = &last->node;
	list_splice_tail(&run, &queue->messages);
}

/* The first of all is in no level of the tree. */
static void queue_leave_level(struct mbox_queue *queue, struct mbox_message *first)
{
	rb_erase(&first->level, &queue->levels);
	RB_CLEAR_NODE(&first->level);
}

/*
 * Remove the messages up to @last, which have one priority and no lane, while no search
 * pauses. They stay linked from the first to @last.
 */
void mbox_queue_remove_run(struct mbox_queue *queue, struct mbox_message *last)
{
	struct mbox_message *next = mbox_queue_next(queue, last);
	LIST_HEAD(run);

	if (next && queue_is_level(next))
		queue_leave_level(queue, next);
	list_cut_position(&run, &queue->messages, &last->node);
}

static __always_inline void queue_unlink(struct mbox_queue *queue,
					 struct mbox_message *message)
{
	struct mbox_message *next = mbox_queue_next(queue, message);
	struct mbox_cursor *cursor;

	if (unlikely(message->room->lane))
		mbox_inbox_skip(message->room->lane, message, next);
	/* Bound: threads that search at the same time, three instructions each. */
	hlist_for_each_entry(cursor, &queue->cursors, node) {
		if (cursor->next == message)
			cursor->next = next;
	}
	if (queue_is_level(message)) {
		if (next && next->prio == message->prio)
			rb_replace_node(&message->level, &next->level,
					&queue->levels);
		else
			rb_erase(&message->level, &queue->levels);
	} else if (next && queue_is_level(next) &&
		   message->node.prev == &queue->messages) {
		queue_leave_level(queue, next);
	}
	list_del(&message->node);
}

void mbox_queue_remove(struct mbox_queue *queue, struct mbox_message *message)
{
	if (unlikely(message->room->lane))
		mbox_inbox_remove(message->room->lane, message);
	queue_unlink(queue, message);
}

/* A receiver is copying @message, which stays where it is, and is found no more. */
void mbox_queue_begin_flight(struct mbox_queue *queue, struct mbox_message *message)
{
	message->state = MBOX_MESSAGE_IN_FLIGHT;
	queue->nr_in_flight++;
	if (unlikely(message->room->lane))
		mbox_inbox_remove(message->room->lane, message);
}

/* The receiver has failed: @message is found again. */
void mbox_queue_put_back(struct mbox_queue *queue, struct mbox_message *message)
{
	message->state = MBOX_MESSAGE_QUEUED;
	queue->nr_in_flight--;
	if (unlikely(message->room->lane))
		mbox_inbox_add(message->room->lane, message);
	queue_move_cursors(queue, message);
}

/* Remove a message that is IN_FLIGHT. */
void mbox_queue_end_flight(struct mbox_queue *queue,
			   struct mbox_message *message)
{
	queue->nr_in_flight--;
	queue_unlink(queue, message);
}

/* Whether @filter passes @message. */
bool mbox_filter_pass(const struct mbox_filter *filter,
		      const struct mbox_message *message)
{
	if (message->prio < filter->min_prio)
		return false;
	if (likely(!filter->flags))
		return true;
	if ((filter->flags & MBOX_FILTER_LANE) && message->room->lane != filter->lane)
		return false;
	if ((filter->flags & MBOX_RECV_BY_TYPE) && message->type != filter->type)
		return false;
	/* By number, for the sender may be gone; a struct pid keeps its own. */
	if ((filter->flags & MBOX_RECV_BY_SENDER) &&
	    pid_nr_ns(message->pid, filter->pid_ns) != filter->pid)
		return false;
	/* Another process may have had the number before, or since. */
	return !(filter->flags & MBOX_RECV_BY_START) ||
	       message->start == filter->start;
}
