// SPDX-License-Identifier: GPL-2.0-only
/* Searches for a message that a filter passes, which pause now and then. */
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "link.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "wait.h"

/*
 * A search whose best went begins anew if others before it pass. After RETRIES it goes on
 * first; a search for the lowest type takes the best message that it has seen. Else
 * processes that send and withdraw, or receive, could keep it searching for ever.
 */
#define RETRIES		64

/* Begin at the front of @queue, maybe anew. */
static void cursor_begin(struct mbox_cursor *cursor, struct mbox_queue *queue)
{
	cursor->best = NULL;
	cursor->passed = 0;
	cursor->next = list_first_entry_or_null(&queue->messages,
						struct mbox_message, node);
}

/* Start a search at the front of @queue. */
void mbox_cursor_setup(struct mbox_cursor *cursor, struct mbox_queue *queue,
		       const struct mbox_filter *filter)
{
	cursor->filter = filter;
	cursor->senders = false;
	cursor->number = 0;
	cursor->lane = 0;
	cursor->lost = false;
	cursor->retries = 0;
	cursor_begin(cursor, queue);
}

/* The lock is about to be dropped: from here on others move @cursor. */
void mbox_cursor_pause(struct mbox_cursor *cursor, struct mbox_queue *queue)
{
	queue->nr_cursors++;
	hlist_add_head(&cursor->node, &queue->cursors);
}

void mbox_cursor_resume(struct mbox_cursor *cursor, struct mbox_queue *queue)
{
	queue->nr_cursors--;
	hlist_del(&cursor->node);
}

/*
 * Search on for the first message of the lowest type up to that of the filter, in all of
 * the queue. As mbox_cursor_next().
 */
static struct mbox_message *cursor_next_lowest(struct mbox_cursor *cursor,
					       struct mbox_queue *queue)
{
	const struct mbox_filter *filter = cursor->filter;
	struct mbox_message *message = cursor->next;
	unsigned int n;

	for (n = 0; message && n < MBOX_FIND_BATCH; n++) {
		if (message->state == MBOX_MESSAGE_QUEUED &&
		    mbox_filter_pass(filter, message)) {
			cursor->passed++;
			if (!cursor->best ||
			    mbox_filter_prefers(filter, message, cursor->best))
				cursor->best = message;
		}
		if (message->prio < filter->min_prio)
			message = NULL;
		else
			message = mbox_queue_next(queue, message);
	}
	cursor->next = message;
	return message && cursor->retries < RETRIES ? NULL : cursor->best;
}

/*
 * Search on for the message that filter->index others which pass come before: as
 * mbox_cursor_next(). Where more came before it during a pause, go back.
 */
static struct mbox_message *cursor_next_at(struct mbox_cursor *cursor,
					   struct mbox_queue *queue)
{
	const struct mbox_filter *filter = cursor->filter;
	struct mbox_message *message = cursor->next;
	unsigned int n;
	bool back;

	for (n = 0; n < MBOX_FIND_BATCH; n++) {
		back = cursor->passed > filter->index;
		if (unlikely(back))
			message = message ? list_prev_entry(message, node) :
				  list_last_entry(&queue->messages,
						  struct mbox_message, node);
		if (!message || (!back && message->prio < filter->min_prio))
			break;
		if (message->state != MBOX_MESSAGE_QUEUED ||
		    !mbox_filter_pass(filter, message)) {
			if (!back)
				message = mbox_queue_next(queue, message);
			continue;
		}
		if (unlikely(back)) {
			cursor->passed--;
			continue;
		}
		if (cursor->passed == filter->index)
			return message;
		cursor->passed++;
		message = mbox_queue_next(queue, message);
	}
	cursor->next = n == MBOX_FIND_BATCH ? message : NULL;
	return NULL;
}

/* Search on for the first message that passes. As mbox_cursor_next(). */
static struct mbox_message *cursor_next_first(struct mbox_cursor *cursor,
					      struct mbox_queue *queue)
{
	struct mbox_message *message = cursor->next;
	unsigned int n;

	/* It came meanwhile, and comes before all that are still to be looked at. */
	if (unlikely(cursor->best))
		return cursor->best;
	for (n = 0; message && n < MBOX_FIND_BATCH; n++) {
		if (message->state == MBOX_MESSAGE_QUEUED &&
		    mbox_filter_pass(cursor->filter, message))
			return message;
		if (message->prio < cursor->filter->min_prio)
			message = NULL;
		else
			message = mbox_queue_next(queue, message);
	}
	cursor->next = message;
	return NULL;
}

/**
 * mbox_cursor_next - search on among the messages of a queue
 * @cursor:	not paused
 * @queue:	the queue
 *
 * Return: the message that is looked for, mostly the first that passes, or NULL: then
 * cursor->next is where to go on, after a pause, or NULL too if there is none.
 */
struct mbox_message *mbox_cursor_next(struct mbox_cursor *cursor,
				      struct mbox_queue *queue)
{
	const u32 flags = cursor->filter->flags;
	struct mbox_message *message;

	if (unlikely(flags & MBOX_RECV_AT))
		return cursor_next_at(cursor, queue);
	if (unlikely(cursor->passed && !cursor->best) && cursor->retries < RETRIES) {
		cursor->retries++;
		cursor_begin(cursor, queue);
	}
	message = unlikely(flags & MBOX_RECV_MAX_TYPE) && !(flags & MBOX_FILTER_ANY) ?
		  cursor_next_lowest(cursor, queue) :
		  cursor_next_first(cursor, queue);
	/* All were looked at, and yet some pass that came or went meanwhile. */
	if (unlikely(!message && !cursor->next && cursor->passed))
		cursor_begin(cursor, queue);
	return message;
}

/*
 * Search on among the messages of blocked senders, after the queue. A message that is
 * broadcast is not for one receiver to accept, nor is one of a mailbox that drains; AT
 * counts in the queue alone.
 *
 * Returns the first message that passes, or NULL: then cursor->senders says whether
 * to go on, after a pause.
 */
static struct mbox_message *cursor_next_pending(struct mbox_cursor *cursor,
						struct mbox *mbox)
{
	struct mbox_lane *lane = cursor->filter->lane;
	struct mbox_room *room = lane ? &lane->room : &mbox->room;
	struct mbox_waiter *waiter;
	unsigned int n;

	lockdep_assert_held(&mbox->lock);
	cursor->senders = false;
	if (likely(mbox_waiter_no_senders(mbox)) ||
	    unlikely(mbox->policy == MBOX_POLICY_BROADCAST) ||
	    unlikely(mbox->state >= MBOX_STATE_DRAINING) ||
	    unlikely(cursor->filter->flags & MBOX_RECV_AT))
		return NULL;
	waiter = cursor->number ?
		 mbox_room_sender_after(room, cursor->prio, cursor->number) :
		 mbox_room_first_sender(room);
	for (n = 0; waiter && n < MBOX_FIND_BATCH; n++) {
		if (mbox_filter_pass(cursor->filter, waiter->message))
			return waiter->message;
		if (waiter->message->prio < cursor->filter->min_prio &&
		    mbox->space == MBOX_SPACE_NONE)
			return NULL;
		cursor->prio = waiter->order;
		cursor->number = waiter->number;
		waiter = mbox_room_next_sender(room, waiter);
	}
	cursor->senders = waiter;
	return NULL;
}

/* Search on, in one section. NULL: @more says whether to go on, after a pause. */
static struct mbox_message *cursor_step(struct mbox_cursor *cursor,
					struct mbox *mbox,
					struct mbox_queue *queue, bool *more)
{
	struct mbox_message *message;

	if (unlikely(queue == &mbox->queue && mbox->inbox)) {
		message = mbox_inbox_find(mbox, cursor, more);
	} else {
		message = mbox_cursor_next(cursor, queue);
		*more = cursor->next;
	}
	if (message || *more)
		return message;
	message = cursor_next_pending(cursor, mbox);
	*more = cursor->senders;
	return message;
}

/**
 * mbox_cursor_search - search a whole queue, then the blocked senders
 * @mbox:	locked; the lock is dropped now and then
 * @queue:	the queue
 * @filter:	of the receive
 * @deferred:	of the section
 *
 * Signals that do not kill the caller do not end a search: it would begin at the front
 * again, and with many of them never end.
 *
 * All that comes and goes has to look at the searches that pause. So they are few,
 * and one beyond them waits for its turn, and begins anew then.
 *
 * Return: the first message that passes, or NULL; an error if the mailbox died or
 * the caller is killed meanwhile.
 */
struct mbox_message *mbox_cursor_search(struct mbox *mbox,
					struct mbox_queue *queue,
					const struct mbox_filter *filter,
					struct mbox_deferred *deferred)
	__must_hold(&mbox->lock)
{
	struct mbox_message *message;
	struct mbox_cursor cursor;
	bool more, paused;

	mbox_cursor_setup(&cursor, queue, filter);
	for (;;) {
		message = cursor_step(&cursor, mbox, queue, &more);
		if (message || !more)
			return message;
		paused = queue->nr_cursors < MBOX_SEARCHES_MAX;
		if (paused)
			mbox_cursor_pause(&cursor, queue);
		mbox_mailbox_unlock(mbox, deferred);
		if (paused)
			cond_resched();
		else
			schedule_timeout_killable(1);
		mbox_mailbox_lock(mbox, deferred);
		if (paused)
			mbox_cursor_resume(&cursor, queue);
		else
			mbox_cursor_setup(&cursor, queue, filter);
		if (mbox->state == MBOX_STATE_DEAD)
			return ERR_PTR(mbox->death);
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
}
