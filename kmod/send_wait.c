// SPDX-License-Identifier: GPL-2.0-only
/* Sending: wait for room and receipt, and take messages back. */
#include <linux/pid.h>
#include <linux/sched.h>

#include "broadcast.h"
#include "event.h"
#include "job.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "queue.h"
#include "trace.h"
#include "wait.h"

/* The sender of @message is not blocked any more: take the message back. */
static void send_take_back(struct mbox *mbox, struct mbox_message *message,
			   struct mbox_deferred *deferred)
{
	message->sender = NULL;
	if (message->state != MBOX_MESSAGE_PENDING) {
		mbox_room_release(mbox, message);
		mbox->waits->withdrawn++;
		trace_mbox_drop(mbox, message);
	}
	if (message->state == MBOX_MESSAGE_HIDDEN)
		mbox_job_revoke(mbox, message);
	if (message->state == MBOX_MESSAGE_IN_FLIGHT) {
		/* Its receiver is copying, and finds it withdrawn then. */
		mbox_queue_end_flight(message->room->queue, message);
		message->state = MBOX_MESSAGE_GONE;
	} else {
		if (message->state == MBOX_MESSAGE_QUEUED)
			mbox_queue_remove(message->room->queue, message);
		message->state = MBOX_MESSAGE_GONE;
		mbox_message_put(mbox, message, deferred);
	}
}

/* A sender whose sleep ended with @error takes its message back. */
static int send_give_up(struct mbox *mbox, struct mbox_waiter *waiter,
			int error, struct mbox_deferred *deferred)
{
	struct mbox_room *room = waiter->message->room;

	/* A receiver has begun with it: do not make the call again. */
	if (error == -ERESTARTSYS &&
	    waiter->message->state == MBOX_MESSAGE_HIDDEN &&
	    mbox_job_of(mbox, waiter->message)->state == MBOX_JOB_LEASED)
		error = -EINTR;
	mbox_waiter_cancel(mbox, waiter);
	send_take_back(mbox, waiter->message, deferred);
	mbox_send_admit(mbox, room, deferred);
	return error;
}

/* The message of a blocked send was dropped when its mailbox died. */
static void send_end_dead(struct mbox *mbox, struct mbox_waiter *waiter,
			  struct mbox_deferred *deferred)
{
	struct mbox_message *message = waiter->message;
	int error = mbox->death;

	/* A call that its server has not replied to. */
	if (message->state == MBOX_MESSAGE_HIDDEN && mbox_post_calls(waiter))
		error = -EOWNERDEAD;
	message->sender = NULL;
	if (mbox->policy == MBOX_POLICY_BROADCAST) {
		waiter->delivered = message->receipts;
		error = message->receipts ? 0 : error;
	}
	mbox_waiter_complete(mbox, waiter, error, deferred);
}

/*
 * End a blocked send with @error, and take its message back. When the caller has
 * ended all that it wants to end, it has to admit others.
 */
void mbox_send_end(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		   struct mbox_deferred *deferred)
{
	struct mbox_message *message = waiter->message;

	lockdep_assert_held(&mbox->lock);
	if (message->state != MBOX_MESSAGE_PENDING) {
		if (mbox->state == MBOX_STATE_DEAD) {
			send_end_dead(mbox, waiter, deferred);
			return;
		}
		if (mbox->policy == MBOX_POLICY_BROADCAST) {
			mbox_broadcast_end(mbox, waiter, error, deferred);
			return;
		}
	}
	mbox_waiter_complete(mbox, waiter, mbox->state == MBOX_STATE_DEAD ?
			     mbox->death : error, deferred);
	send_take_back(mbox, message, deferred);
}

#define SEND_BLOCKED	1

static void send_accept(struct mbox *mbox, struct mbox_waiter *waiter)
{
	mbox_room_accept(mbox, waiter->message);
	if (unlikely(waiter->post))
		mbox_post_accepted(mbox, waiter->post);
}

/* Place the message, or begin to wait for room, for its receipt, or for both. */
static int send_block(struct mbox *mbox, struct mbox_waiter *waiter,
		      const struct mbox_send_args *args,
		      struct mbox_deferred *deferred)
{
	struct mbox_message *message = waiter->message;
	struct mbox_room *room = args->room;
	struct mbox_lane *lane = room->lane;
	struct mbox_waiter *receiver;
	bool placed, wanted = false;
	int error;

	if (unlikely(mbox->deaf))
		return mbox_send_refusal(mbox);
	if (unlikely(waiter->handle->shut & MBOX_RIGHT_SEND))
		return -ESHUTDOWN;
	waiter->sync = (waiter->post ? mbox_post_waits(waiter->post) ||
				       waiter->post->sync :
				       args->how & MBOX_SEND_SYNC) ||
		       (!args->nonblock &&
			mbox_room_capacity(room) == MBOX_CAPACITY_ZERO);
	if (unlikely(mbox_post_timed(waiter->post)))
		return mbox_post_timed_send(mbox, waiter, deferred);
	receiver = mbox_waiter_receiver_for(mbox, message);
	placed = receiver || mbox_path_may_queue(args->room, message);
	if (!placed && unlikely(args->nonblock)) {
		mbox_room_refuse(room);
		mbox_event_full(mbox);
		return -EAGAIN;
	}
	if (placed && !waiter->sync) {
		send_accept(mbox, waiter);
		mbox_send_deliver(mbox, message, receiver, deferred);
		return 0;
	}
	if (unlikely(lane)) {
		/* A receiver that the message wakes does not wait for us any more. */
		wanted = mbox_receivers_any(&mbox->waits->receivers, message);
		error = wanted ? 0 : mbox_deadlock_enter(waiter, lane->from,
							 lane->to,
							 &args->deadline);
		if (error)
			return error;
	}
	if (placed) {
		send_accept(mbox, waiter);
		mbox_waiter_block_sync(mbox, waiter);
		mbox_send_deliver(mbox, message, receiver, deferred);
	} else {
		mbox_room_refuse(room);
		mbox_waiter_block_sender(mbox, waiter);
		mbox_waiter_tell(mbox, message, deferred);
	}
	/* It has not come to wait for us again: that takes the lock. */
	if (wanted)
		mbox_deadlock_enter(waiter, lane->from, lane->to,
				    &args->deadline);
	return SEND_BLOCKED;
}

/* Return whether to let a receiver run first, for there may be room then. */
static bool send_yields(struct mbox_handle *handle, const struct mbox_send_args *args)
{
	return handle->plain && !(args->how & MBOX_SEND_SYNC) &&
	       mbox_room_capacity(args->room) != MBOX_CAPACITY_ZERO &&
	       mbox_yield_wanted(handle);
}

/* A caller waits for a reply: let a server on this CPU give it, before it sleeps. */
static void send_let_serve(struct mbox_handle *handle, const struct mbox_waiter *waiter)
{
	u16 before;

	if (!handle->plain || !mbox_yield_wanted(handle))
		return;
	before = mbox_yield(handle);
	/* see MBOX_WAKE */
	if (smp_load_acquire(&waiter->phase) != MBOX_WAITER_DONE)
		mbox_yield_failed(handle, before);
}

/**
 * mbox_send_wait - send a message that probably has to wait
 * @handle:	through which it is sent
 * @mbox:	of args->room, not locked
 * @message:	of the caller, new; not the caller's any more
 * @args:	of the send; its share is taken
 *
 * Return: 0, the number of the process that received it, or an error.
 */
int mbox_send_wait(struct mbox_handle *handle, struct mbox *mbox,
		   struct mbox_message *message,
		   const struct mbox_send_args *args)
{
	bool yields = send_yields(handle, args);
	struct mbox_deferred deferred;
	struct mbox_waiter waiter;
	u16 before = 0;
	int error;

	if (yields)
		before = mbox_yield(handle);
	error = mbox_waits_attach(mbox);
	mbox_waiter_setup(&waiter);
	waiter.handle = handle;
	waiter.message = message;
	waiter.lane = args->room->lane;
	waiter.post = args->how & MBOX_SEND_SYNC ? args->post : NULL;
	mbox_mailbox_lock(mbox, &deferred);
	if (!error)
		error = send_block(mbox, &waiter, args, &deferred);
	if (error < 0)
		mbox_message_put(mbox, message, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (error != SEND_BLOCKED)
		return error;
	if (yields)
		mbox_yield_failed(handle, before);
	else if (mbox_post_calls(&waiter))
		send_let_serve(handle, &waiter);
	error = mbox_waiter_wait(mbox, &waiter, &args->deadline, send_give_up);
	if (error)
		return mbox_waiter_restart(error, args->how & MBOX_SEND_NORESTART);
	if (!waiter.receiver)
		return 0;
	if (mbox_post_calls(&waiter)) {
		waiter.post->call->server = waiter.receiver;
		return 0;
	}
	error = pid_vnr(waiter.receiver);
	put_pid(waiter.receiver);
	return error;
}
