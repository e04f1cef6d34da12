// SPDX-License-Identifier: GPL-2.0-only
/* Waiters: calls that block, how they are completed and woken. */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "broadcast.h"
#include "event.h"
#include "job.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "queue.h"
#include "trace.h"
#include "track.h"
#include "wait.h"

/*
 * MBOX_WAKE: a waiter lives on the stack of the task (B) that waits. The task (A)
 * that completes it does so under mbox->lock, but wakes B after dropping the lock.
 * B looks at waiter->phase without the lock, so it may leave at any time after DONE
 * is set, woken or not.
 *
 *	A					B
 *	write error, message, receiver		set_current_state(INTERRUPTIBLE)
 *	get_task_struct(B)			if acquire(phase) is DONE: leave
 *	release(phase = DONE)			schedule()
 *	unlock					...
 *	wake_up_process(B), put_task_struct(B)
 *
 * 1) The release pairs with the acquire: B sees the results, and A has its
 *    reference before B can return and exit, so the wake-up has a task to wake.
 *    A touches the waiter no more after the release.
 * 2) B writes its state before it reads the phase (a full barrier in
 *    set_current_state), A writes DONE before it reads B's state (a full
 *    barrier in wake_up_process): one of them sees the other's write, so the
 *    wake-up is not lost.
 * 3) B may be woken by A when it has long left, and sleeps elsewhere by then.
 *    Every sleep in the kernel has to allow for that, and ours does.
 *
 * ipc/mqueue.c has the same protocol with the same reasons under MQ_BARRIER. A
 * waiter that polls needs no wake-up: see MBOX_SPIN in spin.c. The model
 * selftests/model/waiter.pml covers all interleavings, and shows that each of these
 * orders is needed.
 */

/**
 * mbox_waits_attach - have a mailbox be ready for calls that block
 * @mbox:	the mailbox, not locked
 *
 * Return: 0 or ENOMEM. May sleep.
 */
int mbox_waits_attach(struct mbox *mbox)
{
	struct mbox_waits *waits;

	if (READ_ONCE(mbox->waits))
		return 0;
	waits = kzalloc(sizeof(*waits), GFP_KERNEL_ACCOUNT);
	if (!waits)
		return -ENOMEM;
	mbox_receivers_setup(&waits->receivers);
	INIT_LIST_HEAD(&waits->waiters);
	spin_lock(&mbox->lock);
	if (!mbox->waits) {
		WRITE_ONCE(mbox->waits, waits);
		waits = NULL;
	}
	spin_unlock(&mbox->lock);
	kfree(waits);
	return 0;
}

/* Set up a waiter that receives: by field, for this is on the way of many messages. */
void mbox_waiter_setup_receiver(struct mbox_waiter *waiter)
{
	RB_CLEAR_NODE(&waiter->keyed);
	waiter->task = current;
	waiter->completed = false;
	waiter->spins = false;
	waiter->phase = MBOX_WAITER_ASLEEP;
	waiter->error = 0;
	waiter->message = NULL;
	waiter->began = 0;
	waiter->came = 0;
	waiter->fit = 0;
	waiter->receivers = NULL;
	waiter->ended = NULL;
	waiter->offer = NULL;
	waiter->claim = NULL;
	waiter->waits = NULL;
}

/* Set up a waiter that sends, or waits on a ring. */
void mbox_waiter_setup(struct mbox_waiter *waiter)
{
	memset(waiter, 0, sizeof(*waiter));
	waiter->task = current;
	RB_CLEAR_NODE(&waiter->keyed);
	RB_CLEAR_NODE(&waiter->ranks[0].node);
}

/* The call blocks, once it has unlocked: list it. */
static __always_inline void waiter_begin(struct mbox *mbox, struct mbox_waiter *waiter)
{
	struct mbox_waits *waits = mbox->waits;

	lockdep_assert_held(&mbox->lock);
	waiter->number = ++waits->nr_blocked;
	waiter->since = get_jiffies_64();
	list_add_tail(&waiter->all, &waits->waiters);
	if (waiter->filter)
		mbox->nr_receivers++;
	else
		mbox->waits->nr_senders++;
	list_add_tail(&waiter->call, waiter->filter ? &waiter->handle->receives :
						      &waiter->handle->sends);
	trace_mbox_block(mbox, waiter);
}

/*
 * Begin to wait for a message: none that the filter passes is there. A receive that
 * waited before has a @turn, and keeps it. EUSERS: too many wait.
 */
int mbox_waiter_block_receiver(struct mbox *mbox,
			       struct mbox_receivers *receivers,
			       struct mbox_waiter *waiter, u64 *turn,
			       struct mbox_deferred *deferred)
{
	int error;

	lockdep_assert_held(&mbox->lock);
	if (!*turn)
		*turn = mbox->waits->nr_blocked + 1;
	waiter->turn = *turn;
	if (!(waiter->how & MBOX_RECV_PEEK))
		waiter->fit = min_t(u64, waiter->size, U32_MAX) + 1;
	error = mbox_receivers_add(mbox, receivers, waiter);
	if (error)
		return error;
	waiter_begin(mbox, waiter);
	/* The others are served first, or polled for already. */
	if (num_online_cpus() > 1)
		waiter->spins = mbox_waiter_nr_receivers(mbox) == 1 &&
				!waiter->ended &&
				READ_ONCE(mbox_spin_us);
	/* Where there is no room, a receiver makes the mailbox writable. */
	if (unlikely(mbox->room.nospace) && !(waiter->how & MBOX_RECV_PEEK)) {
		/* Listeners, and pollers of other lanes, are still to be told. */
		mbox->room.nospace = mbox->full || mbox->inbox;
		deferred->events |= EPOLLOUT | EPOLLWRNORM;
	}
	return 0;
}

/* Begin to wait for room: neither that nor a receiver is there for the message. */
void mbox_waiter_block_sender(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	waiter->message->state = MBOX_MESSAGE_PENDING;
	waiter->message->sender = waiter;
	mbox_event_full(mbox);
	waiter_begin(mbox, waiter);
	mbox_room_add_sender(mbox, waiter);
}

/* The message of a blocked sender was accepted: wait on for its receipt. */
void mbox_waiter_await_receipt(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	mbox_room_remove_sender(mbox, waiter);
	INIT_LIST_HEAD(&waiter->node);
}

/* Begin to wait for the receipt of waiter->message, which is accepted. */
void mbox_waiter_block_sync(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	waiter->message->sender = waiter;
	INIT_LIST_HEAD(&waiter->node);
	waiter_begin(mbox, waiter);
	/* A reply mostly comes soon; one caller at a time polls for it. */
	if (num_online_cpus() > 1)
		waiter->spins = mbox_post_calls(waiter) &&
				mbox->waits->nr_senders == 1 &&
				READ_ONCE(mbox_spin_us);
}

/* Begin to wait on a side of a ring, among its other @waiters. */
void mbox_waiter_block_side(struct mbox *mbox, struct list_head *waiters,
			    struct mbox_waiter *waiter)
{
	list_add_tail(&waiter->node, waiters);
	waiter_begin(mbox, waiter);
}

/**
 * waiter_sleep - sleep until completed
 * @waiter:	in a list of its mailbox, or completed since
 * @deadline:	when to give up
 *
 * Return: 0 if the waiter is completed; ETIMEDOUT, ERESTARTSYS if a signal is pending,
 * or MBOX_RETRY if the sender that it waits for has ended: then the caller has to
 * look again, under the lock, whether it was completed after all.
 */
static int waiter_sleep(struct mbox_waiter *waiter,
			const struct mbox_deadline *deadline)
{
	ktime_t expires = deadline->expires;
	int error = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		/* see MBOX_WAKE */
		if (smp_load_acquire(&waiter->phase) == MBOX_WAITER_DONE)
			break;
		if (unlikely(waiter->ended) && READ_ONCE(*waiter->ended)) {
			error = MBOX_RETRY; /* see sender.c */
			break;
		}
		if (signal_pending(current)) {
			error = -ERESTARTSYS;
			break;
		}
		if (!deadline->set) {
			schedule();
		} else if (!schedule_hrtimeout_range_clock(&expires,
							   current->timer_slack_ns,
							   HRTIMER_MODE_ABS,
							   deadline->clock)) {
			error = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return error;
}

/**
 * waiter_ended - see, after a sleep that failed, how the wait ended
 * @mbox:	locked
 * @waiter:	of the caller
 * @deferred:	of the section
 *
 * Return: true if the waiter is completed, and has its result; false if the caller
 * has to cancel it.
 */
static bool waiter_ended(struct mbox *mbox, struct mbox_waiter *waiter,
			 struct mbox_deferred *deferred)
{
	if (!waiter->completed && mbox->state == MBOX_STATE_DEAD)
		mbox_waiter_end(mbox, waiter, mbox->death, deferred);
	if (!waiter->completed)
		return false;
	/* Its waker has not come to it: it will not. */
	if (waiter->phase != MBOX_WAITER_DONE)
		hlist_del(&waiter->late);
	return true;
}

/**
 * mbox_waiter_stop - end a wait that is not completed
 * @mbox:	not locked
 * @waiter:	of the caller
 * @error:	why the caller does not go on waiting
 * @give_up:	takes the wait back, under the lock, and returns its result
 *
 * Return: the result of the wait, if it was completed after all, or of @give_up.
 */
int mbox_waiter_stop(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		     mbox_waiter_give_up_t give_up)
{
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	if (unlikely(mbox->cast))
		mbox_cast_settle(mbox, waiter, &deferred);
	if (waiter_ended(mbox, waiter, &deferred)) {
		error = waiter->error;
	} else {
		mbox_spin_count(mbox, waiter);
		error = give_up(mbox, waiter, error, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/* Wait until completed: poll, where that may pay, then sleep. As waiter_sleep(). */
static int waiter_rest(struct mbox_waiter *waiter,
		       const struct mbox_deadline *deadline)
{
	int error;

	if (likely(!waiter->spins))
		return waiter_sleep(waiter, deadline);
	if (mbox_spin_poll(waiter, deadline))
		return 0;
	error = waiter_sleep(waiter, deadline);
	mbox_spin_slept(waiter, error);
	return error;
}

/**
 * mbox_waiter_wait - wait until completed, or take the wait back
 * @mbox:	not locked
 * @waiter:	of the caller, blocked
 * @deadline:	when to give up
 * @give_up:	as of mbox_waiter_stop()
 *
 * Return: the result of the wait, or of @give_up.
 */
int mbox_waiter_wait(struct mbox *mbox, struct mbox_waiter *waiter,
		     const struct mbox_deadline *deadline,
		     mbox_waiter_give_up_t give_up)
{
	int error = waiter_rest(waiter, deadline);

	return error ? mbox_waiter_stop(mbox, waiter, error, give_up) :
		       waiter->error;
}

/* Take a waiter that is not completed off its list. */
void mbox_waiter_cancel(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	if (waiter->receivers)
		mbox_receivers_remove(waiter);
	else if (!RB_EMPTY_NODE(&waiter->ranks[0].node))
		mbox_room_remove_sender(mbox, waiter);
	else
		list_del(&waiter->node);
	list_del(&waiter->all);
	list_del(&waiter->call);
	if (unlikely(waiter->claim))
		*waiter->claim = NULL;
	if (unlikely(waiter->lane))
		mbox_deadlock_leave(waiter);
	if (waiter->filter)
		mbox->nr_receivers--;
	else
		mbox->waits->nr_senders--;
}

/* The call that is blocked for longest, or NULL: the markers of dumps are none. */
struct mbox_waiter *mbox_waiter_first(const struct mbox *mbox)
{
	struct mbox_waiter *waiter;

	lockdep_assert_held(&mbox->lock);
	if (!mbox->waits)
		return NULL;
	/* Bound: dumps under way, of a thread each. */
	list_for_each_entry(waiter, &mbox->waits->waiters, all) {
		if (waiter->number)
			return waiter;
	}
	return NULL;
}

/* End a wait with @error. The waiter must not be touched afterwards. */
void mbox_waiter_complete(struct mbox *mbox, struct mbox_waiter *waiter,
			  int error, struct mbox_deferred *deferred)
{
	mbox_waiter_cancel(mbox, waiter);
	mbox->waits->nr_woken++;
	trace_mbox_wake(mbox, waiter, error);
	waiter->error = error;
	waiter->completed = true;
	if (unlikely(waiter->spins) && mbox_spin_complete(mbox, waiter))
		return;
	if (likely(deferred->nr_tasks < MBOX_DEFERRED_WAKES))
		deferred->tasks[deferred->nr_tasks++] = mbox_waiter_publish(waiter);
	else
		hlist_add_head(&waiter->late, &deferred->late);
}

/* End a blocked call with @error; a send takes its message back. */
void mbox_waiter_end(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		     struct mbox_deferred *deferred)
{
	/* A side of a ring has no message. */
	if (waiter->filter || !waiter->message)
		mbox_waiter_complete(mbox, waiter, error, deferred);
	else
		mbox_send_end(mbox, waiter, error, deferred);
}

/* End up to @n blocked calls with @error. Return their number. */
unsigned int mbox_waiter_end_some(struct mbox *mbox, unsigned int n, int error,
				  struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter;
	unsigned int ended;

	lockdep_assert_held(&mbox->lock);
	for (ended = 0; ended < n; ended++) {
		waiter = mbox_waiter_first(mbox);
		if (!waiter)
			break;
		mbox_waiter_end(mbox, waiter, error, deferred);
	}
	return ended;
}

/* Whether @receiver, which waits, asks for @message and has a buffer for it. */
bool mbox_waiter_suits(const struct mbox_waiter *receiver,
		       const struct mbox_message *message)
{
	return !(receiver->how & MBOX_RECV_PEEK) && message->length <= receiver->size &&
	       mbox_filter_pass(receiver->filter, message);
}

/* Give an accepted message to @receiver, which waits. */
void mbox_waiter_deliver(struct mbox *mbox, struct mbox_waiter *receiver,
			 struct mbox_message *message,
			   struct mbox_deferred *deferred)
{
	receiver->message = message;
	if (unlikely(receiver->member))
		mbox_member_serve(mbox, receiver->member);
	mbox_track_send(mbox, message);
	mbox_waiter_complete(mbox, receiver, 0, deferred);
}

/*
 * Tell the receivers of @message, which was queued, or is pending: those that peek, and
 * those with a buffer that is too small, have to look at it.
 */
void mbox_waiter_tell(struct mbox *mbox, const struct mbox_message *message,
		      struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (unlikely(mbox->nr_receivers))
		mbox_receivers_tell(mbox, mbox_receivers_of(mbox, message),
				    message,
				    deferred);
	deferred->events |= EPOLLIN | EPOLLRDNORM;
}

/*
 * Accept a pending message: its sender goes on, unless it waits for the receipt
 * too. The caller puts the message into its queue, or commits it.
 */
void mbox_waiter_accepted(struct mbox *mbox, struct mbox_message *message,
			  struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;

	mbox_room_accept(mbox, message);
	mbox_track_send(mbox, message);
	if (unlikely(sender->post))
		mbox_post_accepted(mbox, sender->post);
	if (sender->sync) {
		mbox_waiter_await_receipt(mbox, sender);
	} else {
		message->sender = NULL;
		mbox_waiter_complete(mbox, sender, 0, deferred);
	}
}
