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
	queue->steps = RB_ROOT;
	INIT_HLIST_HEAD(&queue->cursors);
	queue->nr_cursors = 0;
	queue->since_step = 0;
	queue->nr_hidden = 0;
}

static bool queue_is_step(const struct mbox_message *message)
{
	return !RB_EMPTY_NODE(&message->step);
}

/* The message after @message, or NULL. */
struct mbox_message *mbox_queue_next(struct mbox_queue *queue,
				     struct mbox_message *message)
{
	return list_is_last(&message->node, &queue->messages) ?
	       NULL : list_next_entry(message, node);
}

/* Whether @a is received before @b. */
bool mbox_message_before(const struct mbox_message *a,
			 const struct mbox_message *b)
{
	return a->prio != b->prio ? a->prio > b->prio : a->seq < b->seq;
}

static struct mbox_message *queue_step(struct rb_node *node)
{
	return node ? rb_entry(node, struct mbox_message, step) : NULL;
}

static bool queue_step_less(struct rb_node *a, const struct rb_node *b)
{
	return mbox_message_before(queue_step(a),
				   rb_entry(b, struct mbox_message, step));
}

static void queue_add_step(struct mbox_queue *queue, struct mbox_message *message)
{
	rb_add(&message->step, &queue->steps, queue_step_less);
}

static void queue_remove_step(struct mbox_queue *queue, struct mbox_message *message)
{
	rb_erase(&message->step, &queue->steps);
	RB_CLEAR_NODE(&message->step);
}

/* The last step before @message, or NULL */
static struct mbox_message *queue_step_before(const struct mbox_queue *queue,
					      const struct mbox_message *message)
{
	struct rb_node *node = queue->steps.rb_node;
	struct mbox_message *found = NULL;

	/* Bound: the depth of the tree. */
	while (node) {
		if (mbox_message_before(queue_step(node), message)) {
			found = queue_step(node);
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	return found;
}

/* The first message of a priority below @prio, which is a step; or NULL. */
static struct mbox_message *queue_below(const struct mbox_queue *queue, u32 prio)
{
	struct rb_node *node = queue->steps.rb_node;
	struct mbox_message *found = NULL;

	/* Bound: the depth of the tree. */
	while (node) {
		if (queue_step(node)->prio < prio) {
			found = queue_step(node);
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/* Put @message at the end of the list of @queue, or before @next. */
static void queue_link_before(struct mbox_queue *queue, struct mbox_message *message,
			      struct mbox_message *next)
{
	list_add_tail(&message->node, next ? &next->node : &queue->messages);
}

/* Whether a search by @filter that finds both returns @message. */
bool mbox_filter_prefers(const struct mbox_filter *filter,
			 const struct mbox_message *message,
			 const struct mbox_message *other)
{
	if ((filter->flags & MBOX_RECV_MAX_TYPE) && message->type != other->type)
		return message->type < other->type;
	return mbox_message_before(message, other);
}

/* Whether a search that pauses counts @message: it passes, and the search is past it. */
static bool queue_counts(const struct mbox_cursor *cursor,
			 const struct mbox_message *message)
{
	return !(cursor->next && !mbox_message_before(message, cursor->next)) &&
	       mbox_filter_pass(cursor->filter, message);
}

/* Offer @message, which is found from now on, to the searches that pause behind it. */
static noinline void queue_offer(struct mbox_queue *queue,
				 struct mbox_message *message)
{
	struct mbox_cursor *cursor;

	/* Bound: MBOX_SEARCHES_MAX, and purges. */
	hlist_for_each_entry(cursor, &queue->cursors, node) {
		if (!queue_counts(cursor, message))
			continue;
		cursor->passed++;
		if (!cursor->best ||
		    mbox_filter_prefers(cursor->filter, message, cursor->best))
			cursor->best = message;
	}
}

/* @message, which is QUEUED, is found no more. */
static void queue_lose(struct mbox_cursor *cursor, const struct mbox_message *message)
{
	/* Mostly it has found none. */
	if (likely(!cursor->passed) || !queue_counts(cursor, message))
		return;
	cursor->passed--;
	if (cursor->best == message)
		cursor->best = NULL;
}

/* @message is accepted, and about to be linked. */
static void queue_enter(struct mbox_queue *queue, struct mbox_message *message)
{
	if (unlikely(!hlist_empty(&queue->cursors)))
		queue_offer(queue, message);
	message->state = MBOX_MESSAGE_QUEUED;
	if (unlikely(message->room->lane))
		mbox_inbox_add(message->room->lane, message);
	RB_CLEAR_NODE(&message->step);
	message->run = 0;
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
	struct mbox_message *first, *last, *next, *prev;

	queue_enter(queue, message);
	if (list_empty(&queue->messages)) {
		list_add(&message->node, &queue->messages);
		return;
	}
	last = list_last_entry(&queue->messages, struct mbox_message, node);
	if (last->prio == message->prio && last->seq < message->seq) {
		list_add_tail(&message->node, &queue->messages);
		if (++queue->since_step >= MBOX_STEP) {
			queue_add_step(queue, message);
			queue->since_step = 0;
		}
		return;
	}
	first = list_first_entry(&queue->messages, struct mbox_message, node);
	if (first->prio < message->prio) {
		if (!queue_is_step(first))
			queue_add_step(queue, first);
		list_add(&message->node, &queue->messages);
		return;
	}
	next = queue_below(queue, message->prio);
	queue_link_before(queue, message, next);
	/* The first of its priority; or too many have come since the last step. */
	prev = list_prev_entry(message, node);
	message->run = queue_is_step(prev) ? 1 : prev->run + 1;
	if (prev->prio != message->prio || message->run == MBOX_STEP)
		queue_add_step(queue, message);
}

/**
 * mbox_queue_return - put a message that left the queue back to its place
 * @queue:	the queue
 * @message:	hidden until now; its job says so
 */
void mbox_queue_return(struct mbox_queue *queue, struct mbox_message *message)
{
	struct mbox_message *next, *first;

	queue_enter(queue, message);
	first = list_first_entry_or_null(&queue->messages, struct mbox_message, node);
	next = queue_step_before(queue, message) ?: first;
	/* Bound: 2 * MBOX_STEP, and MBOX_BATCH_SECTION after a batch. */
	while (next && mbox_message_before(next, message))
		next = mbox_queue_next(queue, next);
	queue_link_before(queue, message, next);
	/* The first of all is no step; the one that was becomes one. */
	if (message->node.prev != &queue->messages)
		queue_add_step(queue, message);
	else if (next)
		queue_add_step(queue, next);
}

/**
 * mbox_queue_append_run - put accepted messages at the end
 * @queue:	no search pauses in it
 * @first:	they are linked from this one on, both ways,
 * @last:	to this one; their numbers follow one another, and their priority is that of
 *		the last of @queue, if there is one
 *
 * They are QUEUED, in order, no steps, and of no lane.
 */
void mbox_queue_append_run(struct mbox_queue *queue, struct mbox_message *first,
			   struct mbox_message *last)
{
	LIST_HEAD(run);

	run.next = &first->node;
	run.prev = &last->node;
	list_splice_tail(&run, &queue->messages);
	queue->since_step += last->seq - first->seq + 1;
	if (queue->since_step >= MBOX_STEP &&
	    last->node.prev != &queue->messages) {
		queue_add_step(queue, last);
		queue->since_step = 0;
	}
}

/*
 * Remove the messages up to @last, which have one priority and no lane, while no search
 * pauses. They stay linked from the first to @last.
 */
void mbox_queue_remove_run(struct mbox_queue *queue, struct mbox_message *last)
{
	struct mbox_message *next = mbox_queue_next(queue, last), *step;
	LIST_HEAD(run);

	/* Bound: the messages of the run. */
	while ((step = queue_step(rb_first(&queue->steps))) &&
	       (!next || step == next || mbox_message_before(step, next)))
		queue_remove_step(queue, step);
	list_cut_position(&run, &queue->messages, &last->node);
}

static __always_inline void queue_unlink(struct mbox_queue *queue,
					 struct mbox_message *message)
{
	struct mbox_message *next = mbox_queue_next(queue, message);
	bool first = message->node.prev == &queue->messages;
	struct mbox_cursor *cursor;

	if (unlikely(message->room->lane))
		mbox_inbox_skip(message->room->lane, message, next);
	/* Bound: MBOX_SEARCHES_MAX, and purges; a few instructions each. */
	hlist_for_each_entry(cursor, &queue->cursors, node) {
		if (message->state == MBOX_MESSAGE_QUEUED)
			queue_lose(cursor, message);
		if (cursor->next == message)
			cursor->next = next;
	}
	if (queue_is_step(message)) {
		if (next && next->prio == message->prio && !queue_is_step(next))
			rb_replace_node(&message->step, &next->step,
					&queue->steps);
		else
			rb_erase(&message->step, &queue->steps);
	} else if (first && next && queue_is_step(next)) {
		queue_remove_step(queue, next);
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
	struct mbox_cursor *cursor;

	/* Bound: as of queue_unlink(). */
	hlist_for_each_entry(cursor, &queue->cursors, node)
		queue_lose(cursor, message);
	message->state = MBOX_MESSAGE_IN_FLIGHT;
	queue->nr_hidden++;
	if (unlikely(message->room->lane))
		mbox_inbox_remove(message->room->lane, message);
}

/* The receiver has failed: @message is found again. */
void mbox_queue_put_back(struct mbox_queue *queue, struct mbox_message *message)
{
	message->state = MBOX_MESSAGE_QUEUED;
	queue->nr_hidden--;
	if (unlikely(message->room->lane))
		mbox_inbox_add(message->room->lane, message);
	queue_offer(queue, message);
}

/* Remove a message that is IN_FLIGHT. */
void mbox_queue_end_flight(struct mbox_queue *queue,
			   struct mbox_message *message)
{
	queue->nr_hidden--;
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
	if ((filter->flags & MBOX_RECV_NOT_TYPE) && message->type == filter->type)
		return false;
	if ((filter->flags & MBOX_RECV_MAX_TYPE) && message->type > filter->type)
		return false;
	/* By number, for the sender may be gone; a struct pid keeps its own. */
	if ((filter->flags & MBOX_RECV_BY_SENDER) &&
	    pid_nr_ns(message->pid, filter->pid_ns) != filter->pid)
		return false;
	/* Another process may have had the number before, or since. */
	return !(filter->flags & MBOX_RECV_BY_START) ||
	       message->start == filter->start;
}
