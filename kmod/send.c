// SPDX-License-Identifier: GPL-2.0-only
/* Sending: charge for a message, fill it, and place it; admit blocked senders. */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/threads.h>

#include "broadcast.h"
#include "event.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "notify.h"
#include "path.h"
#include "pool.h"
#include "process.h"
#include "queue.h"
#include "span.h"
#include "track.h"
#include "user.h"
#include "wait.h"

/* A quota refused the message, or allows it on account of a share only. */
static noinline int send_charge_share(struct mbox_user *user,
				      struct mbox_send_args *args, int result)
{
	if (result < 0)
		return result;
	args->share = mbox_share_new();
	if (args->share)
		return 0;
	mbox_user_uncharge(user, args->length);
	return -ENOMEM;
}

static __always_inline int send_charge(struct mbox_handle *handle,
				       struct mbox_user *user,
				       struct mbox_send_args *args)
{
	int result = mbox_user_charge(user, args->length, handle->unlimited);

	return likely(!result) ? 0 : send_charge_share(user, args, result);
}

/* Charge the caller: mostly, but not always, the opener of the handle. */
static __always_inline struct mbox_user *
send_charge_caller(struct mbox_handle *handle, struct mbox_send_args *args)
{
	struct mbox_user *user = handle->user;
	int error;

	if (likely(uid_eq(user->uid, current_uid()))) {
		error = send_charge(handle, user, args);
		return error ? ERR_PTR(error) : user;
	}
	user = mbox_user_get(current_uid());
	if (IS_ERR(user))
		return user;
	error = send_charge(handle, user, args);
	mbox_user_put(user); /* the charge holds it */
	return error ? ERR_PTR(error) : user;
}

/*
 * Sending goes in sections, each of which ends in the function that began it. The fast
 * path fills recycled memory and places the message in one section, send_recycled().
 * The parts of a section decide on a step.
 */
enum send_step {
	/* 0, or the number of the process that received it: done; less than 0: an error */
	SEND_MAKE = PID_MAX_LIMIT + 1, /* the message has to be made, or filled, without the lock */
	SEND_WAIT,	/* it has to wait, or its sender for its receipt */
};

/*
 * A new message was queued: tell receivers that look at it, and the process of a notice;
 * and note it.
 */
static noinline void send_tell(struct mbox *mbox, struct mbox_message *message,
			       struct mbox_deferred *deferred)
{
	mbox_track_send(mbox, message);
	if (likely(mbox->nr_receivers == MBOX_TRACKS))
		return;
	mbox_receivers_tell(mbox, mbox_receivers_of(mbox, message), message,
			    deferred);
	mbox_notify_fire(mbox, message, deferred);
}

/*
 * Place @message: give it to a receiver, or queue it. SEND_WAIT if neither is
 * possible, or is not all that the call has to do; nothing is changed then.
 */
static __always_inline int send_place(struct mbox *mbox,
				      struct mbox_message *message,
				      struct mbox_send_args *args,
				      struct mbox_deferred *deferred)
{
	struct mbox_room *room = args->room;
	struct mbox_waiter *receiver;
	int error;

	if (unlikely(mbox->deaf))
		return mbox_send_refusal(mbox);
	if (unlikely(message->length > room->msg_size))
		return -EMSGSIZE;
	if (unlikely(args->share)) {
		error = mbox_share_take(mbox, message, 0, &args->share);
		if (error)
			return error;
	}
	if (unlikely(args->how & MBOX_SEND_SYNC))
		return SEND_WAIT;
	if (unlikely(!args->nonblock &&
		     mbox_room_capacity(room) == MBOX_CAPACITY_ZERO))
		return SEND_WAIT;
	receiver = mbox_waiter_receiver_for(mbox, message);
	if (unlikely(receiver)) {
		mbox_path_accept(mbox, message);
		mbox_path_insert(room->queue, message);
		mbox_queue_begin_flight(room->queue, message);
		mbox_waiter_deliver(mbox, receiver, message, deferred);
		return 0;
	}
	if (unlikely(!mbox_path_may_queue(room, message))) {
		if (!args->nonblock)
			return SEND_WAIT;
		mbox_room_refuse(room);
		mbox_event_full(mbox);
		return -EAGAIN;
	}
	mbox_path_accept(mbox, message);
	mbox_path_insert(room->queue, message);
	if (unlikely(mbox->nr_receivers))
		send_tell(mbox, message, deferred);
	deferred->events |= EPOLLIN | EPOLLRDNORM;
	return 0;
}

/*
 * Fill the memory of a message, and place it. SEND_MAKE if its data have to be faulted
 * in, or are too long for a section.
 */
static __always_inline int send_fill(struct mbox *mbox, struct mbox_user *user,
				     struct mbox_send_args *args,
				     struct mbox_message *message,
				     struct mbox_deferred *deferred)
{
	mbox_path_set(message, user, args);
	if (unlikely(args->length > MBOX_PATH_SIZE ||
		     !mbox_path_fill(message, args->data)))
		return SEND_MAKE;
	return send_place(mbox, message, args, deferred);
}

/* A quota refused a send through @handle: have pollers told when it allows one. */
void mbox_send_short(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	u32 length = handle->out ? handle->out->room.msg_size :
				   READ_ONCE(mbox->room.msg_size);

	/* A poller that comes later asks itself. */
	if (waitqueue_active(&mbox->poll) &&
	    mbox_shortage_none(handle, length,
			       mbox_mailbox_subscriptions(mbox)))
		wake_up_interruptible_poll(&mbox->poll,
					   EPOLLOUT | EPOLLWRNORM);
}

/* Report a refusal by a quota. */
static noinline int send_refused(struct mbox_handle *handle, struct mbox *mbox,
				 int error)
{
	if (error == -EDQUOT) {
		mbox_event_quota(mbox);
		mbox_send_short(handle);
	}
	return error;
}

/* Charge for a message of broadcast.c, without its deliveries. */
struct mbox_user *mbox_send_charge(struct mbox_handle *handle,
				   struct mbox_send_args *args)
{
	struct mbox_user *user = send_charge_caller(handle, args);

	return IS_ERR(user) ?
	       ERR_PTR(send_refused(handle, handle->mbox, PTR_ERR(user))) : user;
}

/*
 * Fill recycled memory and place it, in one section. SEND_MAKE if there is none, or
 * the data have to be faulted in: then *@made is the memory, which is the caller's.
 */
static __always_inline int send_recycled(struct mbox *mbox, struct mbox_user *user,
					 struct mbox_send_args *args,
					 struct mbox_message **made)
{
	struct mbox_deferred deferred __uninitialized;
	struct mbox_message *message;
	int step = SEND_MAKE;

	mbox_mailbox_lock(mbox, &deferred);
	message = mbox_pool_take(mbox, args->length);
	*made = message;
	if (likely(message)) {
		step = send_fill(mbox, user, args, message, &deferred);
		if (unlikely(step < 0))
			mbox_message_put(mbox, message, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return step;
}

/* Make a message, unless there is @memory for it, fill it, and place it. */
static noinline int send_made(struct mbox *mbox, struct mbox_user *user,
			      struct mbox_send_args *args,
			      struct mbox_message *memory,
			      struct mbox_message **made)
{
	struct mbox_message *message = memory;
	struct mbox_deferred deferred;
	int step;

	if (args->length >= MBOX_SPAN_SIZE) {
		step = mbox_transfer_send(mbox, user, args, memory);
		if (step != MBOX_TRANSFER_NONE)
			return step;
	}
	if (!message) {
		if (!READ_ONCE(mbox->pool))
			mbox_pool_add(mbox);
		message = mbox_pool_alloc(args->length);
		if (!message) {
			mbox_user_uncharge(user, args->length);
			return -ENOMEM;
		}
		mbox_message_set(message, user, args);
	}
	*made = message;
	if (mbox_message_fill(message, args)) {
		mbox_message_free(message);
		return -EFAULT;
	}
	mbox_mailbox_lock(mbox, &deferred);
	step = send_place(mbox, message, args, &deferred);
	if (step < 0)
		mbox_message_put(mbox, message, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	return step;
}

static __always_inline int send_charged(struct mbox_handle *handle,
					struct mbox *mbox,
					struct mbox_user *user,
					struct mbox_send_args *args)
{
	struct mbox_message *message;
	int step;

	step = send_recycled(mbox, user, args, &message);
	if (unlikely(step == SEND_MAKE))
		step = send_made(mbox, user, args, message, &message);
	if (unlikely(step == SEND_WAIT))
		step = mbox_send_wait(handle, mbox, message, args);
	if (unlikely(step < 0)) {
		mbox_share_free(args->share);
		return send_refused(handle, mbox, step);
	}
	return step;
}

static __always_inline int send_one(struct mbox_handle *handle, struct mbox *mbox,
				    struct mbox_send_args *args)
{
	struct mbox_user *user;

	/* Checked again under the lock; here so that nothing large is made. */
	if (unlikely(READ_ONCE(mbox->deaf)))
		return mbox_send_refusal(mbox);
	if (args->length > READ_ONCE(args->room->msg_size))
		return -EMSGSIZE;

	user = send_charge_caller(handle, args);
	if (IS_ERR(user))
		return send_refused(handle, mbox, PTR_ERR(user));
	return send_charged(handle, mbox, user, args);
}

/* Send a message that belongs to no section of a batch. */
int mbox_send_one(struct mbox_handle *handle, struct mbox *mbox,
		  struct mbox_send_args *args)
{
	if (mbox->policy == MBOX_POLICY_BROADCAST)
		return mbox_broadcast_send(handle, args);
	return send_one(handle, mbox, args);
}

/**
 * mbox_send_section - fill and place a message in a section of the caller's
 * @mbox:	of args->room, locked
 * @user:	charged for it; the charge is the message's, or is given back
 * @args:	of the send
 * @memory:	for it; not the caller's any more
 * @deferred:	of the section
 *
 * Return: 0, an error, or more than 0 if it has to be sent by mbox_send_one().
 */
int mbox_send_section(struct mbox *mbox, struct mbox_user *user,
		      struct mbox_send_args *args, struct mbox_message *memory,
		      struct mbox_deferred *deferred)
{
	int step = send_fill(mbox, user, args, memory, deferred);

	if (unlikely(step))
		mbox_message_put(mbox, memory, deferred);
	return step;
}

/* The error of a send to @mbox, which is deaf. */
int mbox_send_refusal(const struct mbox *mbox)
{
	/* The cause of death is written before the state. */
	return smp_load_acquire(&mbox->state) >= MBOX_STATE_DRAINING ?
	       mbox_mailbox_late(mbox) : -EPIPE;
}

/* Slow path: register the member, or redirect a link to its peer's inbox. */
noinline int mbox_send_enter(struct mbox_handle *handle,
			     struct mbox_send_args *args, struct mbox **mbox,
			     struct mbox_member **member)
{
	if (handle->mbox->ring)
		return -EOPNOTSUPP;
	if (READ_ONCE(handle->shut) & MBOX_RIGHT_SEND)
		return -ESHUTDOWN;
	if (!handle->endpoint)
		return mbox_member_enter(*mbox, MBOX_RIGHT_SEND, member);
	/* A link serves its process only. */
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	args->room = &handle->out->room;
	*mbox = handle->out->to->inbox;
	return 0;
}

/**
 * mbox_send - send a message
 * @handle:	open for sending
 * @args:	checked, with share NULL
 *
 * Return: as MBOX_IOC_SEND, ERESTARTSYS where a signal came first.
 */
int mbox_send(struct mbox_handle *handle, struct mbox_send_args *args)
{
	struct mbox_member *member = NULL;
	struct mbox *mbox = handle->mbox;
	int result;

	args->room = &mbox->room;
	if (unlikely(!READ_ONCE(handle->plain))) {
		result = mbox_send_enter(handle, args, &mbox, &member);
		if (result)
			return result;
		if (mbox->policy == MBOX_POLICY_BROADCAST) {
			result = mbox_broadcast_send(handle, args);
			goto out;
		}
	}
	result = send_one(handle, mbox, args);
out:
	if (unlikely(member))
		mbox_member_leave(mbox, MBOX_RIGHT_SEND, member, result);
	return result;
}

/* Give an accepted message to @receiver, or queue it if that is NULL. */
void mbox_send_deliver(struct mbox *mbox, struct mbox_message *message,
		       struct mbox_waiter *receiver,
		       struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	mbox_queue_insert(message->room->queue, message);
	if (receiver) {
		mbox_queue_begin_flight(message->room->queue, message);
		mbox_waiter_deliver(mbox, receiver, message, deferred);
	} else {
		if (unlikely(mbox->nr_receivers))
			send_tell(mbox, message, deferred);
		deferred->events |= EPOLLIN | EPOLLRDNORM;
	}
}

/* The receiver that was copying @message failed: give it to another, or queue it. */
void mbox_send_put_back(struct mbox *mbox, struct mbox_message *message,
			struct mbox_deferred *deferred)
{
	struct mbox_waiter *receiver;

	lockdep_assert_held(&mbox->lock);
	receiver = mbox_waiter_receiver_for(mbox, message);
	if (receiver) {
		mbox_waiter_deliver(mbox, receiver, message, deferred);
		return;
	}
	mbox_queue_put_back(message->room->queue, message);
	mbox_waiter_tell(mbox, message, deferred);
}

/* A send was refused for want of room: tell pollers and listeners if there is some. */
static noinline void send_tell_room(struct mbox *mbox, struct mbox_room *room,
				    struct mbox_deferred *deferred)
{
	if (mbox->full && mbox_room_has(&mbox->room, 1))
		mbox_event_room(mbox);
	if (room->nospace && mbox_room_has(room, room->msg_size)) {
		room->nospace = false;
		deferred->events |= EPOLLOUT | EPOLLWRNORM;
	}
}

/**
 * mbox_send_admit - room was made: let in the senders that wait for it
 * @mbox:	locked
 * @room:	the room that was made: of the mailbox, or of a lane
 * @deferred:	takes the tasks to be woken; says whether there may be room for more
 *
 * A few of them: mbox_deferred_run() calls again for the others.
 */
void mbox_send_admit(struct mbox *mbox, struct mbox_room *room,
		     struct mbox_deferred *deferred)
{
	struct mbox_waiter *first;
	unsigned int n = 0;

	lockdep_assert_held(&mbox->lock);
	while (!mbox_waiter_no_senders(mbox) && !mbox->deaf &&
	       (first = mbox_room_first_sender(room))) {
		struct mbox_message *message = first->message;

		if (!mbox_room_has(room, message->length))
			return;
		if (n++ == MBOX_END_BATCH) {
			deferred->admit = true;
			return;
		}
		mbox_waiter_accepted(mbox, message, deferred);
		mbox_queue_insert(message->room->queue, message);
	}
	if (unlikely(mbox->room.nospace))
		send_tell_room(mbox, room, deferred);
	if (mbox->state == MBOX_STATE_DRAINING && !mbox->room.held)
		mbox_mailbox_die(mbox, -EIDRM, deferred);
}
