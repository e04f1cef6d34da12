// SPDX-License-Identifier: GPL-2.0-only
/* Receiving: choose a message, copy it to the receiver, commit. */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "broadcast.h"
#include "job.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "mode.h"
#include "path.h"
#include "process.h"
#include "queue.h"
#include "track.h"
#include "wait.h"

/*
 * A message is received in three steps: it is chosen, copied to the receiver,
 * and committed. Only the commit takes it from its mailbox; a failure before
 * leaves it there. A small message goes through all three in one section
 * under the lock, with page faults disabled. A large one, one that was delivered
 * to a waiter, and one whose copying has to wait for a page, is IN_FLIGHT meanwhile:
 * invisible to others, but held, and put back in its place if the copying
 * fails or the receiver is being killed. The model selftests/model/receipt.pml
 * covers all that may happen to it meanwhile.
 *
 * The sender of a large message may do all of it for a receiver that waits: transfer.c.
 *
 * The fast path, here, takes a small message from the front of the queue. All else is
 * for mbox_receive_look(), in the same section; mbox_receive_go_on() does the steps that
 * have to follow without the lock.
 */

/* Take @message off the queue, or from its blocked sender; it is on no list then. */
static __always_inline void receive_detach(struct mbox_handle *handle,
					   struct mbox_message *message,
					   const struct mbox_recv_args *args,
					   struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;

	if (unlikely(args->member))
		mbox_member_serve(mbox, args->member);
	if (message->state == MBOX_MESSAGE_PENDING)
		mbox_waiter_accepted(mbox, message, deferred);
	else if (unlikely(handle->sub))
		mbox_delivery_remove(handle->sub, message);
	else
		mbox_path_remove(message->room->queue, message);
}

/*
 * Commit a delivery. If it came too late, because its message was withdrawn or
 * dropped meanwhile: MBOX_RETRY, or the cause of the mailbox' death.
 */
static noinline int receive_commit_delivery(struct mbox_handle *handle,
					    struct mbox_message *message,
					    struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;

	if (mbox_delivery_received(mbox, message, deferred)) {
		handle->received++;
		return 0;
	}
	return mbox->state == MBOX_STATE_DEAD ? mbox->death : MBOX_RETRY;
}

/* Commit: @message, which is on no list, is received. 0, or as of a delivery. */
static __always_inline int receive_commit(struct mbox_handle *handle,
					  struct mbox_message *message,
					  struct mbox_recv_args *args,
					  struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;
	struct mbox_room *room = message->room;
	struct mbox *mbox = handle->mbox;

	if (unlikely(handle->sub))
		return receive_commit_delivery(handle, message, deferred);
	if (unlikely(args->lease)) {
		mbox_lease_begin(handle, message, args->lease, deferred);
		return 0;
	}
	handle->received++;
	trace_mbox_receive(mbox, message);
	mbox->received++;
	mbox_path_release(mbox, room, 1, message->length);
	if (unlikely(sender)) {
		/* A call, whose server cannot reply. */
		mbox_post_end(mbox, message, mbox_post_calls(sender) ? -EPROTO : 0,
			      deferred);
	}
	/* First, for the message may be the last that holds the lane. */
	if (unlikely(!mbox_waiter_no_senders(mbox) || mbox->room.more ||
		     mbox->state != MBOX_STATE_LIVE)) {
		mbox_track_receive(mbox);
		if (!mbox_waiter_no_senders(mbox) || mbox->room.nospace ||
		    mbox->state != MBOX_STATE_LIVE)
			mbox_send_admit(mbox, room, deferred);
	}
	mbox_path_put(mbox, message, deferred);
	return 0;
}

/*
 * Receive @length bytes of a small message, or peek at it, within the section.
 * MBOX_RECEIVE_SLOW if the buffer has to be faulted in.
 */
static __always_inline int receive_small(struct mbox_handle *handle,
					 struct mbox_message *message, u32 length,
					 u64 seq, struct mbox_recv_args *args,
					 struct mbox_deferred *deferred)
{
	if (!mbox_path_copy_out(handle, message, length, seq, args))
		return MBOX_RECEIVE_SLOW;
	args->length = message->length;
	if (args->how & MBOX_RECV_PEEK)
		return 0;
	receive_detach(handle, message, args, deferred);
	return receive_commit(handle, message, args, deferred);
}

/* The same for the slow path. */
int mbox_receive_small(struct mbox_handle *handle, struct mbox_message *message,
		       u64 seq, struct mbox_recv_args *args,
		       struct mbox_deferred *deferred)
{
	return receive_small(handle, message,
			     mbox_recv_args_length(args, message->length), seq,
			     args, deferred);
}

int mbox_receive_commit(struct mbox_handle *handle,
			struct mbox_message *message,
			struct mbox_recv_args *args,
			struct mbox_deferred *deferred)
{
	return receive_commit(handle, message, args, deferred);
}

/*
 * Receive a message of up to a page that was delivered to the caller, which waited.
 * MBOX_RECEIVE_SLOW if it has to be copied without the lock.
 */
int mbox_receive_delivered(struct mbox_handle *handle, struct mbox_message *message,
			   struct mbox_recv_args *args)
{
	struct mbox_deferred deferred __uninitialized;
	struct mbox *mbox = handle->mbox;
	int error = MBOX_RECEIVE_SLOW;

	if (unlikely(message->length > MBOX_PATH_SIZE))
		return MBOX_RECEIVE_SLOW;
	mbox_mailbox_lock(mbox, &deferred);
	if (unlikely(message->state != MBOX_MESSAGE_IN_FLIGHT ||
		     mbox->state == MBOX_STATE_DEAD)) {
		error = mbox_receive_check_flight(handle, message, &deferred);
	} else if (likely(!fatal_signal_pending(current)) &&
		   likely(mbox_path_copy_out(handle, message,
					     mbox_recv_args_length(args, message->length),
					     message->seq, args))) {
		args->length = message->length;
		mbox_path_end_flight(message->room->queue, message);
		error = receive_commit(handle, message, args, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/*
 * Receive the first message, if it is no large one, and the filter passes it. Else
 * MBOX_RECEIVE_SLOW.
 */
static __always_inline int receive_first(struct mbox_handle *handle,
					 struct mbox_recv_args *args,
					 struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_message *first;

	if (likely(!handle->endpoint))
		first = list_first_entry_or_null(&handle->queue->messages,
						 struct mbox_message, node);
	else
		first = args->filter.lane ? args->filter.lane->first :
					    mbox_inbox_first(mbox);
	if (unlikely(!first || mbox->state == MBOX_STATE_DEAD ||
		     first->state != MBOX_MESSAGE_QUEUED))
		return MBOX_RECEIVE_SLOW;
	if (unlikely(args->filter.flags || args->filter.min_prio) &&
	    ((args->filter.flags & (MBOX_RECV_MAX_TYPE | MBOX_RECV_AT)) ||
	     !mbox_filter_pass(&args->filter, first)))
		return MBOX_RECEIVE_SLOW;
	if (unlikely(first->length > MBOX_PATH_SIZE || first->length > args->size ||
		     fatal_signal_pending(current)))
		return MBOX_RECEIVE_SLOW;
	return receive_small(handle, first, first->length, first->seq, args,
			     deferred);
}

/* Look for a message, in one section. Return 0, an error, or the next step. */
static __always_inline int receive_look(struct mbox_handle *handle,
					struct mbox_recv_args *args,
					struct mbox_receive_slow *slow)
{
	struct mbox_deferred deferred __uninitialized;
	int step;

	mbox_mailbox_lock(handle->mbox, &deferred);
	step = receive_first(handle, args, &deferred);
	if (unlikely(step == MBOX_RECEIVE_SLOW))
		step = mbox_receive_look(handle, args, slow, &deferred);
	mbox_mailbox_unlock(handle->mbox, &deferred);
	return step;
}

/* Receive the first message in a section of the caller's, or MBOX_RECEIVE_SLOW. */
int mbox_receive_first(struct mbox_handle *handle, struct mbox_recv_args *args,
		       struct mbox_deferred *deferred)
{
	return receive_first(handle, args, deferred);
}

/* Receive a message, once the call has entered. */
static __always_inline int receive_one(struct mbox_handle *handle,
				       struct mbox_recv_args *args)
{
	struct mbox_receive_slow slow __uninitialized;
	int error;

	slow.prefaulted = -1;
	slow.yielded = false;
	/* It looks at signals where it is about to sleep, and only there. */
	do {
		error = receive_look(handle, args, &slow);
		if (unlikely(error > 0))
			error = mbox_receive_go_on(handle, args, &slow, error);
	} while (unlikely(error == MBOX_RETRY));
	return error;
}

/* Receive a message that belongs to no section of a batch. */
int mbox_receive_one(struct mbox_handle *handle, struct mbox_recv_args *args)
{
	return receive_one(handle, args);
}

/* Check that the queue of @handle has the order that a filter asks for. 0 or an error. */
static int receive_check_order(const struct mbox_handle *handle, u32 flags)
{
	if (handle->endpoint && (flags & MBOX_RECV_MAX_TYPE))
		return -EOPNOTSUPP;
	if (!(flags & MBOX_RECV_AT))
		return 0;
	/* The mode of the handle may have the other. */
	if (flags & MBOX_RECV_MAX_TYPE)
		return -EINVAL;
	/* The messages of an inbox are in the queues of its lanes. */
	return handle->endpoint && !handle->in ? -EOPNOTSUPP : 0;
}

/* Slow path: the call counts for a member, or comes by a lane. */
noinline int mbox_receive_enter(struct mbox_handle *handle,
				struct mbox_recv_args *args)
{
	int error;

	if (handle->mbox->ring)
		return -EOPNOTSUPP;
	if (READ_ONCE(handle->shut) & MBOX_RIGHT_RECV)
		return -ESHUTDOWN;
	if (handle->sub)
		mbox_subscription_catch_up(handle->mbox, handle->sub);
	if (!handle->endpoint) {
		error = mbox_member_enter(handle->mbox, MBOX_RIGHT_RECV,
					  &args->member);
		if (error)
			return error;
	}
	/* A link or an inbox serves its process only. */
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	mbox_mode_enter(handle, args);
	error = receive_check_order(handle, args->filter.flags);
	if (error) {
		mbox_receive_leave(handle, args, error);
		return error;
	}
	args->filter.lane = handle->in;
	if (handle->in)
		args->filter.flags |= MBOX_FILTER_LANE;
	return 0;
}

noinline void mbox_receive_leave(struct mbox_handle *handle,
				 const struct mbox_recv_args *args, int result)
{
	if (!handle->endpoint)
		mbox_member_leave(handle->mbox, MBOX_RIGHT_RECV, args->member,
				  result);
	if (args->mode)
		mbox_mode_put(args->mode);
}

/* Slow path: enter, and have a header come before the payload where the mode says so. */
static noinline int receive_begin(struct mbox_handle *handle,
				  struct mbox_recv_args *args)
{
	int error;

	error = mbox_receive_enter(handle, args);
	if (error)
		return error;
	error = mbox_mode_frame(args);
	if (error)
		mbox_receive_leave(handle, args, error);
	return error;
}

static noinline void receive_end(struct mbox_handle *handle,
				 struct mbox_recv_args *args, int result)
{
	if (args->framed && !result)
		args->length += sizeof(struct mbox_header);
	/* The filter of a read() comes from the mode, and so does its sender. */
	if (args->sender)
		mbox_sender_forget(args->sender);
	args->sender = NULL;
	mbox_receive_leave(handle, args, result);
}

/**
 * mbox_receive - receive a message
 * @handle:	open for receiving
 * @args:	checked; zero in all that the caller cannot ask for
 *
 * Return: 0 and args->length, or an error as MBOX_IOC_RECV; ERESTARTSYS where a
 * signal came first.
 */
int mbox_receive(struct mbox_handle *handle, struct mbox_recv_args *args)
{
	/* Once, for it changes when the handle is shut down. */
	bool plain = READ_ONCE(handle->plain);
	int error;

	if (unlikely(!plain)) {
		error = receive_begin(handle, args);
		if (error)
			return error;
	}
	error = receive_one(handle, args);
	if (unlikely(!plain))
		receive_end(handle, args, error);
	return error;
}
