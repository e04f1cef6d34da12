// SPDX-License-Identifier: GPL-2.0-only
/* Letting the other side run before a call sleeps, where both share a CPU. */
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "mbox.h"
#include "wait.h"

/*
 * A sender that finds its queue full, and shares its CPU with the receiver, was mostly
 * woken by that receiver, and preempted it. If it sleeps, the receiver takes one
 * message, lets it in again, and is preempted again: two switches of context for each
 * message, a convoy. So is it with a receiver at an empty queue. A caller that gives
 * the CPU away instead, once, lets the other side fill or drain the queue; and no side
 * has to be put to sleep and woken.
 *
 * Beside other load that is wrong: it would run, for a whole slice. So a handle learns:
 * if the call has to sleep after all, or the CPU was away for long, it does not try
 * again for some of the next waits, up to YIELD_REST_MAX of them. The numbers are only
 * hints, and are read and written without a lock.
 */
#define YIELD_LONG		(500 * NSEC_PER_USEC)
#define YIELD_REST_MIN		16
#define YIELD_REST_MAX		1024

/* The last yield through @handle was in vain; the rest before it was @before. */
void mbox_yield_failed(struct mbox_handle *handle, u16 before)
{
	u16 rest = clamp(before * 2, YIELD_REST_MIN, YIELD_REST_MAX);

	WRITE_ONCE(handle->yield_rest, rest);
	WRITE_ONCE(handle->yield_left, rest);
}

/* Return whether a call through @handle that is about to sleep has to yield first. */
bool mbox_yield_wanted(struct mbox_handle *handle)
{
	u16 left = READ_ONCE(handle->yield_left);

	if (left) {
		WRITE_ONCE(handle->yield_left, left - 1);
		return false;
	}
	/* A real-time task would give more than its slice away. */
	return !single_task_running() && current->prio >= MAX_RT_PRIO &&
	       !signal_pending(current);
}

/**
 * mbox_yield - let others on this CPU run
 * @handle:	through which the call is made; no lock is held
 *
 * Return: for mbox_yield_failed(), if the call sleeps after all.
 */
u16 mbox_yield(struct mbox_handle *handle)
{
	u16 before = READ_ONCE(handle->yield_rest);
	u64 began = local_clock();

	if (before)
		WRITE_ONCE(handle->yield_rest, 0);
	yield();
	if ((s64)(local_clock() - began) > YIELD_LONG)
		mbox_yield_failed(handle, before);
	return before;
}
