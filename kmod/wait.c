// SPDX-License-Identifier: GPL-2.0-only
/* Waiters: calls that block, how they are completed and woken. */
#include <linux/hrtimer.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>

#include "mbox.h"
#include "trace.h"

/*
 * MBOX_WAKE: a waiter lives on the stack of the task that waits. Who completes
 * it (A) does so under mbox->lock, but wakes the task after dropping it; the
 * task (B) looks at waiter->done without the lock, so it may leave at any time
 * after done is set, whether it was woken or not.
 *
 *	A					B
 *	write error, message, receiver		set_current_state(INTERRUPTIBLE)
 *	get_task_struct(B)			if acquire(done): leave
 *	release(done)				schedule()
 *	unlock					...
 *	wake_up_process(B), put_task_struct(B)
 *
 * 1) The release pairs with the acquire: B sees the results, and A has its
 *    reference before B can return and exit, so the wake-up has a task to wake.
 *    A touches the waiter no more after the release.
 * 2) B writes its state before it reads done (a full barrier in
 *    set_current_state), A writes done before it reads B's state (a full
 *    barrier in wake_up_process): one of them sees the other's write, so the
 *    wake-up is not lost.
 * 3) B may be woken by A when it has long left, and sleeps elsewhere by then.
 *    Every sleep in the kernel has to allow for that, and ours does.
 *
 * ipc/mqueue.c has the same protocol with the same reasons under MQ_BARRIER. The
 * model selftests/model/waiter.pml covers all interleavings, and shows that each
 * of these orders is needed.
 */

void mbox_waiter_init(struct mbox_waiter *waiter)
{
	memset(waiter, 0, sizeof(*waiter));
	waiter->task = current;
	INIT_LIST_HEAD(&waiter->lane_node);
}

/* The call blocks, once it has unlocked; it is in the list of those like it. */
static void begin(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	waiter->number = ++mbox->nr_blocked;
	waiter->since = ktime_get_coarse_ns();
	list_add_tail(&waiter->all, &mbox->waiters);
	if (waiter->filter)
		mbox->nr_receivers++;
	else
		mbox->nr_senders++;
	trace_mbox_block(mbox, waiter);
}

/*
 * Called when nothing that the receiver's filter passes is there. One that
 * waited before has a @turn, and keeps it: it goes to where it was.
 */
void mbox_waiter_block_receiver(struct mbox *mbox, struct list_head *receivers,
				struct mbox_waiter *waiter, u64 *turn,
				struct mbox_deferred *deferred)
{
	struct list_head *before = receivers;
	struct mbox_waiter *other;

	lockdep_assert_held(&mbox->lock);
	if (*turn) {
		list_for_each_entry(other, receivers, node) {
			if (other->turn > *turn) {
				before = &other->node;
				break;
			}
		}
	} else {
		*turn = ++mbox->turns;
	}
	waiter->turn = *turn;
	list_add_tail(&waiter->node, before);
	begin(mbox, waiter);
	/* Where there is no room, a receiver makes the mailbox writable. */
	if (!waiter->peek)
		deferred->events |= EPOLLOUT | EPOLLWRNORM;
}

/* The same order, among those who wait for room in one lane. */
static void block_in_lane(struct mbox_lane *lane, struct mbox_waiter *waiter)
{
	struct mbox_waiter *other;

	list_for_each_entry_reverse(other, &lane->senders, lane_node) {
		if (other->message->prio >= waiter->message->prio)
			break;
	}
	list_add(&waiter->lane_node, &other->lane_node);
}

/* Called when there is no room for waiter->message, and nobody to take it. */
void mbox_waiter_block_sender(struct mbox *mbox, struct mbox_waiter *waiter)
{
	struct mbox_waiter *other;

	lockdep_assert_held(&mbox->lock);
	waiter->message->state = MBOX_MESSAGE_PENDING;
	waiter->message->sender = waiter;
	mbox_event_full(mbox);
	list_for_each_entry_reverse(other, &mbox->senders, node) {
		if (other->message->prio >= waiter->message->prio)
			break;
	}
	list_add(&waiter->node, &other->node);
	begin(mbox, waiter);
	if (unlikely(waiter->lane))
		block_in_lane(waiter->lane, waiter);
}

/* Called when waiter->message is accepted, and its sender awaits its receipt. */
void mbox_waiter_block_sync(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	waiter->message->sender = waiter;
	list_add_tail(&waiter->node, &mbox->syncs);
	begin(mbox, waiter);
}

/* Called when a side of a ring waits, among others of its @waiters. */
void mbox_waiter_block_side(struct mbox *mbox, struct list_head *waiters,
			    struct mbox_waiter *waiter)
{
	list_add_tail(&waiter->node, waiters);
	begin(mbox, waiter);
}

/**
 * mbox_waiter_sleep - sleep until completed
 * @waiter:	in a list of its mailbox, or completed since
 * @deadline:	when to give up
 *
 * Return: 0 if the waiter is completed; ETIMEDOUT, or ERESTARTSYS if a signal
 * is pending: then the caller has to look again, under the lock, whether it
 * was completed after all.
 */
int mbox_waiter_sleep(struct mbox_waiter *waiter,
		      const struct mbox_deadline *deadline)
{
	ktime_t expires = deadline->expires;
	int error = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (smp_load_acquire(&waiter->done)) /* see MBOX_WAKE */
			break;
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

/* Take a waiter that is not completed off its list. */
void mbox_waiter_cancel(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	list_del(&waiter->node);
	list_del(&waiter->all);
	if (unlikely(waiter->lane)) {
		list_del_init(&waiter->lane_node);
		mbox_deadlock_leave(waiter);
	}
	if (waiter->filter)
		mbox->nr_receivers--;
	else
		mbox->nr_senders--;
}

/* End a wait with @error. The waiter must not be touched afterwards. */
void mbox_waiter_complete(struct mbox *mbox, struct mbox_waiter *waiter,
			  int error, struct mbox_deferred *deferred)
{
	struct task_struct *task = waiter->task;

	mbox_waiter_cancel(mbox, waiter);
	mbox->nr_woken++;
	trace_mbox_wake(mbox, waiter, error);
	waiter->error = error;
	get_task_struct(task);
	smp_store_release(&waiter->done, true); /* see MBOX_WAKE */

	if (deferred->nr_tasks < MBOX_DEFERRED_WAKES) {
		deferred->tasks[deferred->nr_tasks++] = task;
	} else {
		wake_up_process(task);
		put_task_struct(task);
	}
}

/* Whether @receiver, which waits, wants @message and has the room for it. */
bool mbox_waiter_suits(const struct mbox_waiter *receiver,
		       const struct mbox_message *message)
{
	return !receiver->peek && message->length <= receiver->room &&
	       mbox_filter_pass(receiver->filter, message);
}

/*
 * The receiver that is given @message: of those that it suits the one that came
 * first, or whom another policy says. NULL if there is none.
 */
struct mbox_waiter *
mbox_waiter_receiver_for(struct mbox *mbox, const struct mbox_message *message)
{
	struct mbox_waiter *waiter;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(mbox->policy != MBOX_POLICY_FIFO))
		return mbox_policy_receiver_for(mbox, message);
	list_for_each_entry(waiter, &mbox->receivers, node) {
		if (mbox_waiter_suits(waiter, message))
			return waiter;
	}
	return NULL;
}

/* Whether @message would end somebody's wait, be it only to look at it. */
bool mbox_waiter_wants(struct mbox *mbox, const struct mbox_message *message)
{
	struct mbox_waiter *waiter;

	lockdep_assert_held(&mbox->lock);
	list_for_each_entry(waiter, &mbox->receivers, node) {
		if (mbox_filter_pass(waiter->filter, message))
			return true;
	}
	return false;
}

/* Of those who wait for room, in @lane if there is one, the next; or NULL. */
struct mbox_waiter *mbox_waiter_first_sender(struct mbox *mbox,
					     struct mbox_lane *lane)
{
	if (unlikely(lane))
		return list_first_entry_or_null(&lane->senders,
						struct mbox_waiter, lane_node);
	return list_first_entry_or_null(&mbox->senders, struct mbox_waiter,
					node);
}

/* Give an accepted message that is on no list to @receiver. */
void mbox_waiter_hand_over(struct mbox *mbox, struct mbox_waiter *receiver,
			   struct mbox_message *message,
			   struct mbox_deferred *deferred)
{
	message->state = MBOX_MESSAGE_TAKEN;
	list_add_tail(&message->node, &mbox->taken);
	receiver->message = message;
	if (unlikely(receiver->member))
		mbox_member_serve(mbox, receiver->member);
	mbox_waiter_complete(mbox, receiver, 0, deferred);
}

/*
 * @message was queued, or is pending: of the @receivers that may look for it
 * those who peek, and those whose buffer is too small, have to do so. The others
 * did not want it.
 */
void mbox_waiter_tell(struct mbox *mbox, struct list_head *receivers,
		      const struct mbox_message *message,
		      struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter, *next;

	lockdep_assert_held(&mbox->lock);
	list_for_each_entry_safe(waiter, next, receivers, node) {
		if (mbox_filter_pass(waiter->filter, message))
			mbox_waiter_complete(mbox, waiter, MBOX_LOOK_AGAIN,
					     deferred);
	}
	deferred->events |= EPOLLIN | EPOLLRDNORM;
}

/*
 * The first pending message that @filter passes, or NULL: one that is broadcast is
 * not for one receiver to accept.
 */
struct mbox_message *
mbox_waiter_pending_for(struct mbox *mbox, const struct mbox_filter *filter)
{
	struct mbox_waiter *waiter;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(mbox->policy == MBOX_POLICY_BROADCAST))
		return NULL;
	if (unlikely(filter->lane)) {
		list_for_each_entry(waiter, &filter->lane->senders, lane_node) {
			if (mbox_filter_pass(filter, waiter->message))
				return waiter->message;
		}
		return NULL;
	}
	list_for_each_entry(waiter, &mbox->senders, node) {
		if (mbox_filter_pass(filter, waiter->message))
			return waiter->message;
	}
	return NULL;
}

/*
 * A pending message is accepted: its sender goes on, unless it waits for the
 * receipt too. The caller puts the message where it belongs.
 */
void mbox_waiter_accepted(struct mbox *mbox, struct mbox_message *message,
			  struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;

	mbox_queue_accept(mbox, message);
	if (sender->sync) {
		list_move_tail(&sender->node, &mbox->syncs);
		list_del_init(&sender->lane_node);
	} else {
		message->sender = NULL;
		mbox_waiter_complete(mbox, sender, 0, deferred);
	}
}

/* A time on a clock as the caller's time namespace sees it, as the host does. */
static ktime_t host_time(clockid_t clock, s64 ns)
{
	struct timespec64 offset = {};
	s64 shift, host;

	if (clock == CLOCK_MONOTONIC)
		timens_add_monotonic(&offset);
	else if (clock == CLOCK_BOOTTIME)
		timens_add_boottime(&offset);
	shift = timespec64_to_ns(&offset);
	if (check_sub_overflow(ns, shift, &host))
		return KTIME_MAX;
	return max(host, 0LL);
}

/* The rest of mbox_deadline_set(). */
int __mbox_deadline_set(struct mbox_deadline *deadline, u32 clock, s64 ns)
{
	static const clockid_t clocks[] = {
		[MBOX_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
		[MBOX_CLOCK_BOOTTIME] = CLOCK_BOOTTIME,
		[MBOX_CLOCK_REALTIME] = CLOCK_REALTIME,
	};

	deadline->set = true;
	if (clock == MBOX_CLOCK_NONE || clock >= ARRAY_SIZE(clocks) || ns < 0)
		return -EINVAL;
	deadline->clock = clocks[array_index_nospec(clock, ARRAY_SIZE(clocks))];
	deadline->expires = host_time(deadline->clock, ns);
	return 0;
}
