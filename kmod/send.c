// SPDX-License-Identifier: GPL-2.0-only
/* Sending: accept a message, hand it over, or wait for room and receipt. */
#include <linux/poll.h>
#include <linux/sched.h>

#include "broadcast.h"
#include "event.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "queue.h"
#include "trace.h"
#include "user.h"
#include "wait.h"

/* The message was refused by a quota, or can only be charged to a share of it. */
static noinline int charge_share(struct mbox_user *user,
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

static __always_inline int charge(struct mbox_handle *handle,
				  struct mbox_user *user,
				  struct mbox_send_args *args)
{
	int result = mbox_user_charge(user, args->length, handle->unlimited);

	return likely(!result) ? 0 : charge_share(user, args, result);
}

/* Charge the caller, who is mostly but not always the opener of the handle. */
static __always_inline struct mbox_user *
charge_sender(struct mbox_handle *handle, struct mbox_send_args *args)
{
	struct mbox_user *user = handle->user;
	int error;

	if (likely(uid_eq(user->uid, current_uid()))) {
		error = charge(handle, user, args);
		return error ? ERR_PTR(error) : user;
	}
	user = mbox_user_get(current_uid());
	if (IS_ERR(user))
		return user;
	error = charge(handle, user, args);
	mbox_user_put(user); /* what was charged holds him */
	return error ? ERR_PTR(error) : user;
}

/*
 * Make the message and lock the mailbox. A small one is copied into a free slot
 * under the lock; if there is none, or the source has to be faulted in, it is
 * done without, as for a large one. Returns an error with the lock not held.
 */
static struct mbox_message *lock_with_message(struct mbox *mbox,
					      struct mbox_user *user,
					      const struct mbox_send_args *args,
					      struct mbox_deferred *deferred)
{
	struct mbox_message *message = NULL;

	if (args->length <= MBOX_SMALL_SIZE) {
		mbox_mailbox_lock(mbox, deferred);
		message = mbox_slot_take(mbox);
		if (likely(message)) {
			mbox_message_set(message, user, args);
			if (likely(mbox_message_fill_atomic(message, args->data)))
				return message;
		}
		mbox_mailbox_unlock(mbox, deferred);
	}
	if (!message) {
		message = mbox_message_new(args->length);
		if (!message) {
			mbox_user_uncharge(user, args->length);
			return ERR_PTR(-ENOMEM);
		}
		mbox_message_set(message, user, args);
	}
	if (mbox_message_fill(message, args->data)) {
		mbox_message_free(message);
		return ERR_PTR(-EFAULT);
	}
	mbox_mailbox_lock(mbox, deferred);
	return message;
}

/* The capacity that counts for a message, and its limit. */
static u32 capacity_of(const struct mbox *mbox, const struct mbox_lane *lane)
{
	return unlikely(lane) ? mbox_lane_capacity(lane) : mbox->capacity;
}

static u32 msg_size_of(const struct mbox *mbox, const struct mbox_lane *lane)
{
	return unlikely(lane) ? lane->msg_size : READ_ONCE(mbox->msg_size);
}

/* Whether @message may be queued now, and is not to wait behind another. */
static bool may_queue(struct mbox *mbox, const struct mbox_message *message)
{
	struct mbox_waiter *first;

	if (!mbox_queue_has_room(mbox, message->lane, message->length))
		return false;
	if (mbox_waiter_no_senders(mbox))
		return true;
	first = mbox_waiter_first_sender(mbox, message->lane);
	return !first || message->prio > first->message->prio;
}

/* There was no room: pollers are to be told when there is. */
static void note_refusal(struct mbox *mbox, struct mbox_lane *lane)
{
	mbox->nospace = true;
	if (lane)
		lane->nospace = true;
}

#define HAS_TO_WAIT	1

/*
 * Find a place for @message: a receiver, or the queue. HAS_TO_WAIT if there is
 * none, or that is not all that the call has to do; nothing is changed then.
 */
static int place(struct mbox *mbox, struct mbox_message *message,
		 struct mbox_send_args *args,
		 struct mbox_deferred *deferred)
{
	struct mbox_waiter *receiver;
	int error;

	if (unlikely(mbox->deaf))
		return mbox_send_refusal(mbox);
	if (unlikely(message->length > msg_size_of(mbox, args->lane)))
		return -EMSGSIZE;
	if (unlikely(args->share)) {
		error = mbox_share_take(mbox, message, 0, &args->share);
		if (error)
			return error;
	}
	if (args->sync)
		return HAS_TO_WAIT;
	if (capacity_of(mbox, args->lane) == MBOX_CAPACITY_ZERO &&
	    !args->nonblock)
		return HAS_TO_WAIT;
	receiver = mbox_waiter_receiver_for(mbox, message);
	if (!receiver && !may_queue(mbox, message)) {
		if (!args->nonblock)
			return HAS_TO_WAIT;
		note_refusal(mbox, args->lane);
		mbox_event_full(mbox);
		return -EAGAIN;
	}
	mbox_queue_accept(mbox, message);
	mbox_send_deliver(mbox, message, receiver, deferred);
	return 0;
}

/* Take back the message of a sender that is not blocked any more. */
static void take_back(struct mbox *mbox, struct mbox_message *message,
		      struct mbox_deferred *deferred)
{
	message->sender = NULL;
	if (message->state != MBOX_MESSAGE_PENDING) {
		mbox_queue_release(mbox, message);
		mbox->withdrawn++;
		trace_mbox_drop(mbox, message);
	}
	if (message->state == MBOX_MESSAGE_IN_FLIGHT) {
		/* Its receiver is copying, and will find that it came too late. */
		mbox_queue_end_flight(mbox_queue_of(mbox, message), message);
		message->state = MBOX_MESSAGE_GONE;
	} else {
		if (message->state == MBOX_MESSAGE_QUEUED)
			mbox_queue_remove(mbox_queue_of(mbox, message), message);
		message->state = MBOX_MESSAGE_GONE;
		mbox_message_put(mbox, message, deferred);
	}
}

/* A sender gives up. */
static void withdraw(struct mbox *mbox, struct mbox_waiter *waiter,
		     struct mbox_deferred *deferred)
{
	mbox_waiter_cancel(mbox, waiter);
	take_back(mbox, waiter->message, deferred);
	mbox_send_admit(mbox, waiter->lane, deferred);
}

/* The message of a blocked send was dropped when its mailbox died. */
static void send_end_dead(struct mbox *mbox, struct mbox_waiter *waiter,
			  struct mbox_deferred *deferred)
{
	struct mbox_message *message = waiter->message;
	int error = mbox->death;

	message->sender = NULL;
	if (mbox->policy == MBOX_POLICY_BROADCAST) {
		waiter->delivered = message->receipts;
		error = message->receipts ? 0 : error;
	}
	mbox_waiter_complete(mbox, waiter, error, deferred);
}

/*
 * End a blocked send with @error; its message is taken back. The caller has to
 * admit others when it has ended all that it wants to end.
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
	take_back(mbox, message, deferred);
}

/*
 * Send a message that has to wait for room, for its receipt, or for both, and
 * unlock the mailbox. Apart from mbox_send(), and not inlined, for a send that
 * does not wait should not have to make room for a waiter on its stack.
 */
static noinline int send_and_wait(struct mbox_handle *handle, struct mbox *mbox,
				  struct mbox_message *message,
				  const struct mbox_send_args *args,
				  struct mbox_deferred *deferred)
{
	struct mbox_lane *lane = args->lane;
	struct mbox_waiter *receiver;
	struct mbox_waiter waiter;
	bool wanted = false;
	int error;

	if (unlikely(handle->shut & MBOX_RIGHT_SEND)) {
		mbox_message_put(mbox, message, deferred);
		mbox_mailbox_unlock(mbox, deferred);
		return -ESHUTDOWN;
	}
	mbox_waiter_init(&waiter);
	waiter.handle = handle;
	waiter.message = message;
	waiter.lane = lane;
	waiter.sync = args->sync ||
		      capacity_of(mbox, lane) == MBOX_CAPACITY_ZERO;
	if (unlikely(lane)) {
		/* Whom the message wakes does not wait for us any more. */
		wanted = mbox_receivers_any(&mbox->receivers, message);
		error = wanted ? 0 : mbox_deadlock_enter(&waiter, lane->from,
							 lane->to,
							 &args->deadline);
		if (error) {
			mbox_message_put(mbox, message, deferred);
			mbox_mailbox_unlock(mbox, deferred);
			return error;
		}
	}
	receiver = mbox_waiter_receiver_for(mbox, message);
	if (receiver || may_queue(mbox, message)) {
		mbox_queue_accept(mbox, message);
		mbox_waiter_block_sync(mbox, &waiter);
		mbox_send_deliver(mbox, message, receiver, deferred);
	} else {
		note_refusal(mbox, lane);
		mbox_waiter_block_sender(mbox, &waiter);
		mbox_waiter_tell(mbox, &mbox->receivers, message, deferred);
	}
	/* It has not come to wait for us again: that takes the lock. */
	if (wanted)
		mbox_deadlock_enter(&waiter, lane->from, lane->to,
				    &args->deadline);
	mbox_mailbox_unlock(mbox, deferred);

	error = mbox_waiter_sleep(&waiter, &args->deadline);
	if (error) {
		mbox_mailbox_lock(mbox, deferred);
		if (mbox_waiter_ended(mbox, &waiter, deferred))
			error = 0;
		else
			withdraw(mbox, &waiter, deferred);
		mbox_mailbox_unlock(mbox, deferred);
		if (error)
			return error;
	}
	if (waiter.error || !waiter.receiver)
		return waiter.error;
	error = pid_vnr(waiter.receiver);
	put_pid(waiter.receiver);
	return error;
}

/* A quota refused a send through @handle: its pollers are told when it has room. */
void mbox_send_short(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	u32 length = handle->out ? handle->out->msg_size :
				   READ_ONCE(mbox->msg_size);

	/* One that comes to poll later asks itself. */
	if (waitqueue_active(&mbox->poll) &&
	    mbox_shortage_none(handle, length,
			       mbox_mailbox_subscriptions(mbox)))
		wake_up_interruptible_poll(&mbox->poll,
					   EPOLLOUT | EPOLLWRNORM);
}

/* It could not be charged for. */
static noinline int refused(struct mbox_handle *handle, struct mbox *mbox,
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
	struct mbox_user *user = charge_sender(handle, args);

	return IS_ERR(user) ?
	       ERR_PTR(refused(handle, handle->mbox, PTR_ERR(user))) : user;
}

static __always_inline int send(struct mbox_handle *handle, struct mbox *mbox,
				struct mbox_send_args *args)
{
	struct mbox_deferred deferred;
	struct mbox_message *message;
	struct mbox_user *user;
	int result;

	/* Checked again under the lock; here so that nothing large is made. */
	if (unlikely(READ_ONCE(mbox->deaf)))
		return mbox_send_refusal(mbox);
	if (args->length > msg_size_of(mbox, args->lane))
		return -EMSGSIZE;

	user = charge_sender(handle, args);
	if (IS_ERR(user))
		return refused(handle, mbox, PTR_ERR(user));
	message = lock_with_message(mbox, user, args, &deferred);
	if (IS_ERR(message)) {
		mbox_share_free(args->share);
		return PTR_ERR(message);
	}
	result = place(mbox, message, args, &deferred);
	if (result == HAS_TO_WAIT)
		return send_and_wait(handle, mbox, message, args, &deferred);
	if (unlikely(result)) {
		mbox_message_put(mbox, message, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		mbox_share_free(args->share);
		return refused(handle, mbox, result);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return 0;
}

/* What a send gets that cannot be received: @mbox is deaf. */
int mbox_send_refusal(const struct mbox *mbox)
{
	/* What it died of is written before the state is. */
	return smp_load_acquire(&mbox->state) >= MBOX_STATE_DRAINING ?
	       mbox_mailbox_gone(mbox) : -EPIPE;
}

/* Where it matters which process sends: to which mailbox, and as whom. */
static noinline int begin(struct mbox_handle *handle,
			  struct mbox_send_args *args, struct mbox **mbox,
			  struct mbox_member **member)
{
	if (READ_ONCE(handle->shut) & MBOX_RIGHT_SEND)
		return -ESHUTDOWN;
	if (!handle->endpoint)
		return mbox_member_enter(*mbox, MBOX_RIGHT_SEND, member);
	/* A link serves its process only. */
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	args->lane = handle->out;
	*mbox = args->lane->to->inbox;
	return 0;
}

/**
 * mbox_send - send a message
 * @handle:	open for sending
 * @args:	checked, with lane and share NULL
 *
 * Return: as MBOX_IOC_SEND, ERESTARTSYS where a signal came first.
 */
int mbox_send(struct mbox_handle *handle, struct mbox_send_args *args)
{
	struct mbox_member *member = NULL;
	struct mbox *mbox = handle->mbox;
	int result;

	if (unlikely(!READ_ONCE(handle->plain))) {
		result = begin(handle, args, &mbox, &member);
		if (result)
			return result;
		if (mbox->policy == MBOX_POLICY_BROADCAST) {
			result = mbox_broadcast_send(handle, args);
			goto out;
		}
	}
	result = send(handle, mbox, args);
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
	mbox_queue_insert(mbox_queue_of(mbox, message), message);
	if (receiver) {
		mbox_queue_begin_flight(mbox_queue_of(mbox, message), message);
		mbox_waiter_deliver(mbox, receiver, message, deferred);
	} else {
		mbox_waiter_tell(mbox, &mbox->receivers, message, deferred);
	}
}

/* A receiver that took @message has failed: give it to another, or leave it queued. */
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
	mbox_queue_put_back(mbox_queue_of(mbox, message), message);
	mbox_waiter_tell(mbox, &mbox->receivers, message, deferred);
}

/* Somebody was refused for want of room: tell if there is some now. */
static noinline void tell_room(struct mbox *mbox, struct mbox_lane *lane,
			       struct mbox_deferred *deferred)
{
	bool *nospace = lane ? &lane->nospace : &mbox->nospace;

	if (mbox->full && mbox_queue_has_room(mbox, NULL, 1))
		mbox_event_room(mbox);
	if (*nospace && mbox_queue_has_room(mbox, lane, mbox->msg_size)) {
		*nospace = false;
		deferred->events |= EPOLLOUT | EPOLLWRNORM;
	}
}

/**
 * mbox_send_admit - room was made: let in those who wait for it
 * @mbox:	locked
 * @lane:	the lane of an inbox that has room; else NULL
 * @deferred:	takes who is to be woken; says whether there may be room for more
 *
 * A few of them: mbox_deferred_run() calls again for the others.
 */
void mbox_send_admit(struct mbox *mbox, struct mbox_lane *lane,
		     struct mbox_deferred *deferred)
{
	struct mbox_waiter *first;
	unsigned int n = 0;

	lockdep_assert_held(&mbox->lock);
	while (!mbox_waiter_no_senders(mbox) && !mbox->deaf &&
	       (first = mbox_waiter_first_sender(mbox, lane))) {
		struct mbox_message *message = first->message;

		if (!mbox_queue_has_room(mbox, lane, message->length))
			return;
		if (n++ == MBOX_END_BATCH) {
			deferred->admit = true;
			return;
		}
		mbox_waiter_accepted(mbox, message, deferred);
		mbox_queue_insert(mbox_queue_of(mbox, message), message);
	}
	if (unlikely(mbox->nospace))
		tell_room(mbox, lane, deferred);
	if (mbox->state == MBOX_STATE_DRAINING && !mbox->held)
		mbox_mailbox_die(mbox, -EIDRM, deferred);
}
