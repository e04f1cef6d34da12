// SPDX-License-Identifier: GPL-2.0-only
/* Receiving: search, wait, and copy without the lock. */
#include <linux/err.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "broadcast.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "process.h"
#include "queue.h"
#include "span.h"
#include "wait.h"

/*
 * Each section ends in the function that began it: the parts in between decide on a
 * step. See receive.c for the three steps of a message.
 */
enum receive_step {
	/* 0: done; MBOX_RETRY; less than 0: an error */
	RECEIVE_WAIT = MBOX_RECEIVE_SLOW + 1,	/* the waiter is blocked */
	RECEIVE_YIELD,		/* let a sender run first */
	RECEIVE_PREPARE,	/* it is the first call that blocks */
	RECEIVE_CHECK,		/* can the sender of BY_START send more? */
	RECEIVE_TOO_SMALL,	/* the buffer; the header says the length */
	RECEIVE_FAULT_IN,	/* the buffer, for the length in the header */
	RECEIVE_PEEK,		/* copy the message, which the caller has counted */
	RECEIVE_FLIGHT,		/* copy the message, which is IN_FLIGHT */
};

/* Copy @length bytes to a buffer in pieces, after @offset others. 0 or EFAULT. */
static int receive_scatter(const struct mbox_recv_args *args, size_t offset,
			   const void *from, size_t length)
{
	struct iov_iter to = *args->iter;

	iov_iter_advance(&to, offset);
	return copy_to_iter(from, length, &to) == length ? 0 : -EFAULT;
}

static int receive_put_header(const struct mbox_header *header,
			      const struct mbox_recv_args *args)
{
	if (!args->header)
		return 0;
	if (unlikely(args->scattered))
		return receive_scatter(args, 0, header, sizeof(*header));
	return copy_to_user(args->header, header, sizeof(*header)) ? -EFAULT : 0;
}

static int receive_put_payload(const void *payload, u32 length,
			       const struct mbox_recv_args *args)
{
	if (unlikely(args->scattered))
		return receive_scatter(args, args->header ?
				       sizeof(*args->header) : 0,
				       payload, length);
	return copy_to_user(args->data, payload, length) ? -EFAULT : 0;
}

/* The header last: it is written only with the payload that it describes. */
static int receive_copy_out(const struct mbox_handle *handle,
			    const struct mbox_message *message,
			    const struct mbox_header *header,
			    const struct mbox_recv_args *args)
{
	return receive_put_payload(mbox_delivery_payload(handle, message),
				   mbox_recv_args_length(args, message->length),
				   args) ?:
	       receive_put_header(header, args);
}

/* Make sure that a header and @length bytes can be written. 0 or EFAULT. */
static int receive_prefault(const struct mbox_recv_args *args, u32 length)
{
	size_t all;

	length = mbox_recv_args_length(args, length);
	all = (size_t)length + (args->header ? sizeof(*args->header) : 0);
	if (unlikely(args->scattered))
		return fault_in_iov_iter_writeable(args->iter, all) ?
		       -EFAULT : 0;
	if (args->header &&
	    fault_in_safe_writeable((char __user *)args->header,
				    sizeof(*args->header)))
		return -EFAULT;
	if (length && (!access_ok(args->data, length) ||
		       fault_in_safe_writeable(args->data, length)))
		return -EFAULT;
	return 0;
}

/* Begin to copy @message, which stays in its queue, without the lock. */
static void receive_begin_flight(struct mbox_handle *handle,
				 struct mbox_message *message,
				 const struct mbox_recv_args *args,
				 struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;

	if (unlikely(args->member))
		mbox_member_serve(mbox, args->member);
	if (unlikely(handle->sub)) {
		mbox_delivery_begin_flight(handle->sub, message);
		return;
	}
	if (message->state == MBOX_MESSAGE_PENDING) {
		mbox_waiter_accepted(mbox, message, deferred);
		mbox_queue_insert(message->room->queue, message);
	}
	mbox_queue_begin_flight(message->room->queue, message);
}

/* Drop a reference to a message that is on no list. */
static void receive_put(struct mbox_handle *handle,
			struct mbox_message *message,
			struct mbox_deferred *deferred)
{
	if (handle->sub)
		mbox_delivery_put(handle->mbox, message, deferred);
	else
		mbox_message_put(handle->mbox, message, deferred);
}

/* Check a message that was IN_FLIGHT: 0, or why it cannot be received. */
int mbox_receive_check_flight(struct mbox_handle *handle,
			      struct mbox_message *message,
			      struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;

	if (message->state == MBOX_MESSAGE_IN_FLIGHT) {
		if (mbox->state != MBOX_STATE_DEAD)
			return 0;
		if (unlikely(handle->sub)) {
			mbox_delivery_give_up(mbox, message, deferred);
		} else {
			/* Its sender waits still: end that before the message is freed. */
			if (message->sender)
				mbox_waiter_end(mbox, message->sender,
						mbox->death, deferred);
			mbox_queue_end_flight(message->room->queue, message);
			message->state = MBOX_MESSAGE_GONE;
		}
	}
	receive_put(handle, message, deferred);
	return mbox->state == MBOX_STATE_DEAD ? mbox->death : MBOX_RETRY;
}

/*
 * Copy a message that is IN_FLIGHT, and commit or put it back. RECEIVE_FAULT_IN: it
 * was put back, for the copying would have to wait for a page, and it may not @fault.
 */
static int receive_finish_flight(struct mbox_handle *handle,
				 struct mbox_message *message,
				 struct mbox_recv_args *args, bool fault)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	struct mbox_header header;
	int error, gone;

	mbox_message_header(message, &header);
	if (!fault)
		pagefault_disable();
	error = receive_copy_out(handle, message, &header, args);
	if (!fault) {
		pagefault_enable();
		error = error ? RECEIVE_FAULT_IN : 0;
	}
	mbox_mailbox_lock(mbox, &deferred);
	gone = mbox_receive_check_flight(handle, message, &deferred);
	/* A process that is being killed never sees it: let another have it. */
	if (!error && fatal_signal_pending(current))
		error = -EINTR;
	if (gone) {
		error = gone;
	} else if (!error) {
		args->length = message->length;
		mbox_queue_end_flight(message->room->queue, message);
		error = mbox_receive_commit(handle, message, args, &deferred);
	} else if (unlikely(handle->sub)) {
		mbox_delivery_put_back(mbox, message, &deferred);
	} else {
		mbox_send_put_back(mbox, message, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/* Copy a message that stays where it is, and that the caller has counted in refs. */
static int receive_finish_peek(struct mbox_handle *handle,
			       struct mbox_message *message,
			       const struct mbox_header *header,
			       struct mbox_recv_args *args)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	int error;

	error = receive_copy_out(handle, message, header, args);
	args->length = header->length;
	mbox_mailbox_lock(mbox, &deferred);
	receive_put(handle, message, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/*
 * A receive that ended for a signal, or for a pause that is like one, leaves its
 * turn to the next receive that its thread makes through the handle: the same one,
 * restarted. The handle remembers the last one only. The thread is not counted, so
 * in place of one that ended another may have the turn: that does no harm.
 */
static void receive_resume_turn(struct mbox_handle *handle,
				struct mbox_recv_args *args)
{
	if (likely(handle->paused != current))
		return;
	if (!args->turn)
		args->turn = handle->turn;
	handle->paused = NULL;
}

/* A receiver whose sleep ended with @error takes its wait back. */
static int receive_give_up(struct mbox *mbox, struct mbox_waiter *waiter,
			   int error, struct mbox_deferred *deferred)
{
	struct mbox_handle *handle = waiter->handle;

	mbox_waiter_cancel(mbox, waiter);
	if (handle->sub)
		mbox_cast_left(mbox, handle->sub);
	if (error == -ERESTARTSYS) {
		handle->paused = current;
		handle->turn = waiter->turn;
	}
	return error;
}

/* Why no message will come; 0: one may. */
static int receive_check_senders(const struct mbox *mbox,
				 const struct mbox_lane *lane)
{
	if (lane && lane->ended)
		return -EOWNERDEAD;
	return mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND) ? -EPIPE : 0;
}

/* Begin to wait for a message: RECEIVE_WAIT, or an error. */
static int receive_block(struct mbox_handle *handle,
			 struct mbox_recv_args *args,
			 struct mbox_waiter *waiter,
			 struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;
	int error;

	mbox_waiter_setup_receiver(waiter);
	waiter->handle = handle;
	waiter->filter = &args->filter;
	waiter->size = args->size;
	waiter->how = args->how;
	waiter->member = args->member;
	if (unlikely(args->sender))
		waiter->ended = mbox_sender_ended(args->sender);
	waiter->lane = args->filter.lane;
	if (unlikely(args->how & MBOX_RECV_TRUNC))
		waiter->size = SIZE_MAX;
	else if (args->size >= MBOX_SPAN_SIZE && !args->lease)
		mbox_transfer_offer(mbox, waiter, args);
	receive_resume_turn(handle, args);
	error = mbox_waiter_block_receiver(mbox, unlikely(handle->sub) ?
					   &handle->sub->receivers :
					   &mbox->waits->receivers, waiter,
					   &args->turn, deferred);
	/* Only a call that does wait has an edge. */
	if (!error && unlikely(waiter->lane)) {
		error = mbox_deadlock_enter(waiter, waiter->lane->to,
					    waiter->lane->from,
					    &args->deadline);
		if (error)
			mbox_waiter_cancel(mbox, waiter);
	}
	if (error)
		return error;
	/* It makes room for a message. */
	if (unlikely(handle->sub))
		mbox_cast_admit(mbox, deferred);
	return RECEIVE_WAIT;
}

/* No message is there: the next step, or an error. */
static int receive_none(struct mbox_handle *handle, struct mbox_recv_args *args,
			struct mbox_receive_slow *slow,
			struct mbox_deferred *deferred)
{
	struct mbox_lane *lane = args->filter.lane;
	struct mbox *mbox = handle->mbox;
	int error;

	if (unlikely(args->filter.flags & MBOX_RECV_BY_START)) {
		if (args->ended)
			return -EOWNERDEAD;
		if (!args->sender)
			return receive_check_senders(mbox, lane) ?:
			       RECEIVE_CHECK;
	}
	if (!args->nonblock && (handle->shut & MBOX_RIGHT_RECV))
		return -ESHUTDOWN;
	error = receive_check_senders(mbox, lane);
	if (error)
		return error;
	if (args->nonblock)
		return -EAGAIN;
	if (unlikely(!mbox->waits))
		return RECEIVE_PREPARE;
	if (slow->yielded)
		mbox_yield_failed(handle, slow->yield);
	else if (handle->plain && mbox_yield_wanted(handle))
		return RECEIVE_YIELD;
	return receive_block(handle, args, &slow->waiter, deferred);
}

/*
 * Return whether there is nothing to search. The messages of an inbox are in the
 * queues of its lanes.
 */
static bool receive_nothing(const struct mbox_handle *handle)
{
	const struct mbox *mbox = handle->mbox;

	return list_empty(&handle->queue->messages) &&
	       mbox_waiter_no_senders(mbox) && likely(!mbox->inbox);
}

/* The first message, queued or pending, that the filter passes, or NULL. */
static struct mbox_message *receive_find(struct mbox_handle *handle,
					 const struct mbox_recv_args *args,
					 struct mbox_deferred *deferred)
	__must_hold(&handle->mbox->lock)
{
	const struct mbox_filter *filter = &args->filter;
	struct mbox_message *message;

	/* One that has waited began before the end. */
	if (unlikely(handle->mbox->state == MBOX_STATE_DEAD))
		return ERR_PTR(args->turn ? handle->mbox->death :
					    mbox_mailbox_late(handle->mbox));
	message = receive_nothing(handle) ? NULL :
		  mbox_cursor_search(handle->mbox, handle->queue, filter,
				     deferred);
	/* A process that is being killed would not see the message. */
	return unlikely(fatal_signal_pending(current)) ? ERR_PTR(-EINTR) :
							 message;
}

/* The next step for the message that was found, or an error. */
static int receive_found(struct mbox_handle *handle,
			 struct mbox_message *message,
			 struct mbox_recv_args *args, s64 prefaulted,
			 struct mbox_header *header,
			 struct mbox_deferred *deferred)
{
	u64 seq = message->seq;
	int step;

	/* The number that a blocked sender's message gets when it is received now. */
	if (!seq && !(args->how & MBOX_RECV_PEEK))
		seq = handle->mbox->sent + 1;
	mbox_message_header(message, header);
	if (unlikely(message->length > args->size) && !(args->how & MBOX_RECV_TRUNC))
		return RECEIVE_TOO_SMALL;
	if (message->length <= MBOX_PATH_SIZE) {
		step = mbox_receive_small(handle, message, seq, args, deferred);
		if (step != MBOX_RECEIVE_SLOW)
			return step;
	}
	/*
	 * With the buffer faulted in, it is unlikely to have to be put back. A message
	 * that is not accepted could not be.
	 */
	if (prefaulted < message->length &&
	    ((args->how & MBOX_RECV_PEEK) || message->state == MBOX_MESSAGE_PENDING ||
	     message->length <= MBOX_PATH_SIZE))
		return RECEIVE_FAULT_IN;
	if (args->how & MBOX_RECV_PEEK) {
		message->refs++;
		return RECEIVE_PEEK;
	}
	receive_begin_flight(handle, message, args, deferred);
	return RECEIVE_FLIGHT;
}

/**
 * mbox_receive_look - find any message, or begin to wait for one
 * @handle:	open for receiving
 * @args:	of the receive
 * @slow:	its prefaulted is set
 * @deferred:	of the section
 *
 * Return: 0, MBOX_RETRY, an error, or the step that mbox_receive_go_on() has to do.
 */
int mbox_receive_look(struct mbox_handle *handle, struct mbox_recv_args *args,
		      struct mbox_receive_slow *slow,
		      struct mbox_deferred *deferred)
	__must_hold(&handle->mbox->lock)
{
	slow->message = receive_find(handle, args, deferred);
	if (IS_ERR(slow->message))
		return PTR_ERR(slow->message);
	if (slow->message)
		return receive_found(handle, slow->message, args,
				     slow->prefaulted, &slow->header, deferred);
	return receive_none(handle, args, slow, deferred);
}

/* Sleep until a message is delivered, and copy it. */
static int receive_wait(struct mbox_handle *handle, struct mbox_recv_args *args,
			struct mbox_waiter *waiter)
{
	struct mbox_message *message;
	int error;

	error = mbox_waiter_wait(handle->mbox, waiter, &args->deadline,
				 receive_give_up);
	if (unlikely(error)) {
		if (error == MBOX_RETRY)
			mbox_sender_look(args);
		return mbox_waiter_restart(error, args->how & MBOX_RECV_NORESTART);
	}
	message = waiter->message;
	if (unlikely(!message)) /* see transfer.c: its sender has done it all */
		return 0;
	error = mbox_receive_delivered(handle, message, args);
	return unlikely(error == MBOX_RECEIVE_SLOW) ?
	       receive_finish_flight(handle, message, args, true) : error;
}

/**
 * mbox_receive_go_on - do a step of a receive without the lock
 * @handle:	open for receiving
 * @args:	of the receive
 * @slow:	as mbox_receive_look() left it
 * @step:	which that returned; MBOX_RETRY is none
 *
 * Return: 0, MBOX_RETRY or an error.
 */
int mbox_receive_go_on(struct mbox_handle *handle, struct mbox_recv_args *args,
		       struct mbox_receive_slow *slow, int step)
{
	switch (step) {
	case RECEIVE_WAIT:
		return receive_wait(handle, args, &slow->waiter);
	case RECEIVE_YIELD:
		slow->yield = mbox_yield(handle);
		slow->yielded = true;
		return MBOX_RETRY;
	case RECEIVE_PREPARE:
		return mbox_waits_attach(handle->mbox) ?: MBOX_RETRY;
	case RECEIVE_CHECK:
		return mbox_sender_check(args);
	case RECEIVE_TOO_SMALL:
		return receive_put_header(&slow->header, args) ?: -EMSGSIZE;
	case RECEIVE_PEEK:
		return receive_finish_peek(handle, slow->message, &slow->header,
					   args);
	case RECEIVE_FLIGHT:
		step = receive_finish_flight(handle, slow->message, args,
					     slow->prefaulted >= slow->header.length);
		if (step != RECEIVE_FAULT_IN)
			return step;
		fallthrough;
	case RECEIVE_FAULT_IN:
		slow->prefaulted = slow->header.length;
		return receive_prefault(args, slow->header.length) ?: MBOX_RETRY;
	}
	return step;
}
