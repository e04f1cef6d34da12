// SPDX-License-Identifier: GPL-2.0-only
/* Sleeping on rings: waiting for the other side, waking it, polling. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched.h>

#include <linux/mbox_ring.h>

#include "mbox.h"
#include "poll.h"
#include "queue.h"
#include "ring.h"
#include "user.h"
#include "wait.h"

/*
 * MBOX_RING_SLEEP: a sleeper does not miss an index that moves meanwhile.
 *
 *	sleeper, under mbox->lock		waker, without
 *	write waiting = 1			write index
 *	smp_mb()				full barrier
 *	read index; if it moved: leave		read waiting; if set: WAKE,
 *	go into the list of waiters		  which takes mbox->lock
 *
 * One of them sees the other's write. If it is the waker, it finds the sleeper in
 * the list, since setting waiting and going there is one section of the lock; from
 * there on MBOX_WAKE (wait.c) takes over. Pollers are in mbox->poll before they
 * look, so they are found likewise. The model selftests/model/ring.pml covers all
 * interleavings.
 */

/* The filter of a consumer that waits, which counts as a receiver. */
static const struct mbox_filter ring_wait_any;

/* The events that tell pollers that side @nr is ready. */
static __poll_t ring_wait_events(int nr)
{
	return nr == MBOX_RING_CONSUMER ? EPOLLIN | EPOLLRDNORM :
					  EPOLLOUT | EPOLLWRNORM;
}

/*
 * Complete all waiters of a side with @error; with 0 they check again. Bound:
 * MBOX_WAITERS_MAX.
 */
void mbox_ring_wait_end(struct mbox *mbox, struct mbox_ring_side *side, int error,
			struct mbox_deferred *deferred)
{
	struct mbox_waiter *waiter, *next;

	lockdep_assert_held(&mbox->lock);
	list_for_each_entry_safe(waiter, next, &side->waiters, node)
		mbox_waiter_complete(mbox, waiter, error, deferred);
	side->nr_waiters = 0;
}

/* Wake a side, even if waiting is clear: that side may have written it. */
void mbox_ring_wait_wake(struct mbox *mbox, int nr, struct mbox_deferred *deferred)
{
	struct mbox_ring_side *side = &mbox->ring->sides[nr];

	lockdep_assert_held(&mbox->lock);
	WRITE_ONCE(side->control->waiting, 0);
	side->polled = false;
	mbox_ring_wait_end(mbox, side, 0, deferred);
	deferred->events |= ring_wait_events(nr);
}

/**
 * mbox_ring_wait_place - note where a side is, and tell both whether they are apart
 * @ring:	its mailbox is locked
 * @nr:		the side
 * @cpu:	of its thread, plus 1; 0: not known
 *
 * The sides spin while they are apart. Neither can pretend that to the other: each
 * may write its own control page only.
 */
void mbox_ring_wait_place(struct mbox_ring *ring, int nr, u32 cpu)
{
	struct mbox_ring_side *side = &ring->sides[nr], *other = &ring->sides[!nr];
	u32 apart = cpu && other->cpu && cpu != other->cpu;

	if (side->cpu == cpu)
		return;
	side->cpu = cpu;
	WRITE_ONCE(side->control->apart, apart);
	WRITE_ONCE(other->control->apart, apart);
}

/* Return the index that side @nr waits for: the other side moves it. */
static u64 ring_wait_target(const struct mbox_ring *ring, int nr)
{
	if (nr == MBOX_RING_PRODUCER && ring->grow)
		return ring->freed;
	return mbox_ring_index(ring, !nr);
}

/* Ask the other side to wake this one from now on: see MBOX_RING_SLEEP. */
static void ring_wait_arm(struct mbox_ring_side *side)
{
	WRITE_ONCE(side->control->waiting, 1);
	smp_mb();	/* see MBOX_RING_SLEEP */
}

static void ring_wait_disarm(struct mbox_ring_side *side)
{
	if (list_empty(&side->waiters) && !side->polled)
		WRITE_ONCE(side->control->waiting, 0);
}

/*
 * Check the index that side @nr waits for; the caller has armed it. 0 if it moved,
 * EAGAIN if it may yet.
 */
static int ring_wait_check(const struct mbox_handle *handle, int nr, u64 seen)
{
	const struct mbox_ring *ring = handle->mbox->ring;
	int error = mbox_ring_check_hold(handle);

	if (handle->shut & mbox_ring_right(nr))
		return -ESHUTDOWN;
	if (error)
		return error;
	if (ring_wait_target(ring, nr) != seen)
		return 0;
	if (ring->sides[!nr].left)
		return -EOWNERDEAD;
	return mbox_mailbox_nobody(handle->mbox, mbox_ring_right(!nr)) ? -EPIPE :
								  -EAGAIN;
}

/* A side whose sleep ended with @error takes its wait back. */
static int ring_wait_give_up(struct mbox *mbox, struct mbox_waiter *waiter,
			     int error, struct mbox_deferred *deferred)
{
	int nr = waiter->filter ? MBOX_RING_CONSUMER : MBOX_RING_PRODUCER;

	mbox_waiter_cancel(mbox, waiter);
	mbox->ring->sides[nr].nr_waiters--;
	return error;
}

/* MBOX_WAIT_MOVE: sleep until the other side's index is no longer @seen. */
static int ring_wait_move(struct mbox_handle *handle, int nr,
			  const struct mbox_ring_wait *args)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_ring_side *side = &mbox->ring->sides[nr];
	int error = args->nonblock ? -EAGAIN : 0;
	struct mbox_deferred deferred;
	struct mbox_waiter waiter;
	int found;

	for (;;) {
		mbox_mailbox_lock(mbox, &deferred);
		ring_wait_arm(side);
		found = ring_wait_check(handle, nr, args->seen);
		if (!found || found == -EAGAIN)
			mbox_ring_wait_place(mbox->ring, nr, smp_processor_id() + 1);
		if (found == -EAGAIN && !error &&
		    side->nr_waiters >= MBOX_WAITERS_MAX)
			error = -EUSERS;
		if (found != -EAGAIN || error)
			break;
		mbox_waiter_setup(&waiter);
		waiter.handle = handle;
		waiter.filter = nr == MBOX_RING_CONSUMER ? &ring_wait_any : NULL;
		mbox_waiter_block_side(mbox, &side->waiters, &waiter);
		side->nr_waiters++;
		mbox_mailbox_unlock(mbox, &deferred);
		error = mbox_waiter_wait(mbox, &waiter, &args->deadline,
					 ring_wait_give_up);
	}
	/*
	 * An edge-triggered poller that saw nothing will not poll again: keep it
	 * armed.
	 */
	if (found == -EAGAIN && waitqueue_active(&mbox->poll))
		side->polled = true;
	ring_wait_disarm(side);
	mbox_mailbox_unlock(mbox, &deferred);
	return found == -EAGAIN ? error : found;
}

/**
 * mbox_ring_wait - wake the other side, give memory back, grow, wait for it
 * @handle:	of a ring
 * @args:	with checked flags and a side out of its rights
 *
 * Return: as MBOX_IOC_WAIT.
 */
int mbox_ring_wait(struct mbox_handle *handle, const struct mbox_ring_wait *args)
{
	int nr = args->side == MBOX_RIGHT_RECV ? MBOX_RING_CONSUMER : MBOX_RING_PRODUCER;
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	int error;

	/* ring_wait_move() checks as much, and is all of most waits. */
	if (args->flags == MBOX_WAIT_MOVE)
		return ring_wait_move(handle, nr, args);
	if ((args->flags & (MBOX_WAIT_TRIM | MBOX_WAIT_GROW)) && !mbox->ring->grow)
		return -EINVAL;
	if ((args->flags & MBOX_WAIT_TRIM) && nr != MBOX_RING_CONSUMER)
		return -EINVAL;
	mbox_mailbox_lock(mbox, &deferred);
	error = handle->shut & args->side ? -ESHUTDOWN : mbox_ring_check_hold(handle);
	if (!error)
		mbox_ring_wait_place(mbox->ring, nr, smp_processor_id() + 1);
	if (!error && (args->flags & MBOX_WAIT_WAKE))
		mbox_ring_wait_wake(mbox, !nr, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	if (!error && (args->flags & MBOX_WAIT_TRIM))
		error = mbox_ring_memory_trim(mbox);
	if (!error && (args->flags & MBOX_WAIT_GROW))
		error = mbox_ring_memory_grow(handle, nr, args->seen);
	if (!error && (args->flags & MBOX_WAIT_MOVE))
		error = ring_wait_move(handle, nr, args);
	return error;
}

/*
 * Return whether a side can go on: a record for the consumer, room for the longest
 * record for the producer.
 */
static bool ring_wait_ready(const struct mbox_ring *ring, int nr)
{
	u64 head = mbox_ring_index(ring, MBOX_RING_PRODUCER);
	u64 used;

	if (nr == MBOX_RING_CONSUMER)
		return head != mbox_ring_index(ring, MBOX_RING_CONSUMER);
	/* A send reports an impossible index. */
	used = head - ring_wait_target(ring, MBOX_RING_PRODUCER);
	return used > ring->size || ring->size - used >= ring->longest;
}

/* Return whether the quota lets the producer write the longest record. */
static bool ring_wait_quota(struct mbox_handle *handle, u64 need)
{
	const struct mbox_ring *ring = handle->mbox->ring;

	return !need || ring->unlimited ||
	       mbox_shortage_none_of(handle, ring->user, need, false);
}

/* The quota refused memory: have pollers of @handle told when it has some. */
void mbox_ring_wait_short(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	u64 need;

	/* A poller that comes later asks itself. */
	if (!waitqueue_active(&mbox->poll))
		return;
	spin_lock(&mbox->lock);
	need = mbox_ring_memory_need(mbox->ring);
	spin_unlock(&mbox->lock);
	if (ring_wait_quota(handle, need))
		wake_up_interruptible_poll(&mbox->poll, EPOLLOUT | EPOLLWRNORM);
}

static __poll_t ring_wait_poll_side(struct mbox *mbox, int nr)
{
	struct mbox_ring *ring = mbox->ring;
	struct mbox_ring_side *side = &ring->sides[nr];
	__poll_t events = ring->sides[!nr].left ? EPOLLHUP : 0;

	if (mbox_mailbox_nobody(mbox, mbox_ring_right(!nr)))
		events |= nr == MBOX_RING_CONSUMER ? EPOLLHUP : EPOLLERR;
	if (!ring_wait_ready(ring, nr)) {
		side->polled = true;
		ring_wait_arm(side);
		if (!ring_wait_ready(ring, nr))
			return events;
	}
	return events | ring_wait_events(nr);
}

/* poll() of a handle. */
__poll_t mbox_ring_wait_poll(struct mbox_handle *handle, struct file *file,
			     struct poll_table_struct *wait)
{
	struct mbox *mbox = handle->mbox;
	__poll_t events;
	u64 need = 0;
	u32 rights;
	int nr;

	poll_wait(file, &mbox->poll, wait);
	spin_lock(&mbox->lock);
	events = mbox_poll_shut(handle);
	rights = handle->rights & ~handle->shut;
	if (mbox_ring_check_hold(handle)) {
		events |= EPOLLHUP;
		if (rights & MBOX_RIGHT_SEND)
			events |= EPOLLERR;
	} else {
		for (nr = 0; nr < MBOX_RING_SIDES; nr++) {
			if (rights & mbox_ring_right(nr))
				events |= ring_wait_poll_side(mbox, nr);
		}
		need = mbox_ring_memory_need(mbox->ring);
	}
	spin_unlock(&mbox->lock);
	if ((events & EPOLLOUT) && !ring_wait_quota(handle, need))
		events &= ~(EPOLLOUT | EPOLLWRNORM);
	return events;
}
