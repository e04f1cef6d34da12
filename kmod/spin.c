// SPDX-License-Identifier: GPL-2.0-only
/* Spinning: a receiver, or a caller, polls for a short time before it sleeps. */
#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/time64.h>
#ifdef CONFIG_X86
#include <asm/cpufeature.h>
#endif

#include "mbox.h"
#include "wait.h"

/*
 * Putting a task to sleep and waking it on another CPU costs many times a message. A
 * receiver that expects its message soon polls for it, on a CPU that would be idle: the
 * waiter is listed and completed as any other, but its sender need not wake it. So does a
 * caller that waits for its reply; read message as reply then.
 *
 * The handle learns from its waits how long a receive polls: its budget. A message is
 * near if it comes within the limit (parameter spin_us).
 *
 *	near, but after the budget	the budget grows, from SPIN_FIRST to the limit
 *	near, while it polled		the budget was right
 *	not near, though it polled	the budget is 0, and for some waits stays so
 *	within SPIN_REACH limits	a trial, if it did not poll: see below
 *	later				the budget is 0: a mailbox that is idle, or slow,
 *					costs no CPU time
 *
 * A message may be late because its sender had to be woken for the one before, as both
 * sides of a dialogue are if both sleep. A trial polls for as long as that takes, during
 * a few waits. If one of them is near then, both sides are awake, and stay so.
 *
 * Polling in vain makes the waits after it rest. There are more of them after each
 * failure, up to SPIN_REST_MAX, and less after each success: where the host runs the CPU
 * of the sender only when that of the receiver is idle, polling always fails.
 *
 * MBOX_SPIN: the sender (A) must know whether the receiver (B) polls, and B must not go
 * to sleep when A believes so. Both decide by one word, waiter->phase:
 *
 *	A, under mbox->lock			B
 *	write error, message			ASLEEP -> SPINS, or leave if DONE
 *	if SPINS -> DONE: no wake-up		until acquire(phase) is DONE: poll
 *	else: as in MBOX_WAKE			SPINS -> MISSED, or leave if DONE
 *						as in MBOX_WAKE
 *
 * Each arrow is a cmpxchg. If that of A succeeds, that of B fails, and B finds DONE. If A
 * comes before B polls, or after it, A wakes B; a wake-up too many does no harm. A touches
 * B neither after its arrow nor, as MBOX_WAKE has it, after the release. The model
 * selftests/model/waiter.pml covers both protocols.
 */

/* The first budget; each of the next is twice as long. */
#define SPIN_FIRST	(4 * NSEC_PER_USEC)

/* A trial: of that many limits, during that many waits. */
#define SPIN_REACH	8
#define SPIN_TRIAL	6

/* Waits that rest: none after the first failure, this after the second; doubled. */
#define SPIN_REST	16
#define SPIN_REST_MAX	1024

/* Default limits, in microseconds: a guest may take a CPU that another one needs. */
#define SPIN_LIMIT		50
#define SPIN_LIMIT_GUEST	20

static bool spin_in_guest(void)
{
#ifdef CONFIG_X86
	return boot_cpu_has(X86_FEATURE_HYPERVISOR);
#else
	return false;
#endif
}

/* Set the default of the parameter, unless it was given. */
void mbox_spin_init(void)
{
	if (mbox_spin_us == MBOX_SPIN_DEFAULT)
		mbox_spin_us = spin_in_guest() ? SPIN_LIMIT_GUEST : SPIN_LIMIT;
}

static u64 spin_limit(void)
{
	return (u64)READ_ONCE(mbox_spin_us) * NSEC_PER_USEC;
}

/* Return whether the CPU has nothing else to do, and the caller no reason to return. */
static bool spin_allowed(void)
{
	return single_task_running() && !need_resched() &&
	       !signal_pending(current);
}

/* Polling failed: let waits rest. */
static void spin_fail(struct mbox_spin *spin)
{
	spin->budget = 0;
	spin->trial = 0;
	spin->rest = spin->failures;
	spin->failures = clamp(2 * spin->failures, SPIN_REST, SPIN_REST_MAX);
}

/* A wait ended after that many ns: learn from it. See the top of this file. */
static void spin_learn(struct mbox_handle *handle, u64 waited, bool hit)
{
	/* Threads that share the handle may lose what another learns. */
	struct mbox_spin spin = READ_ONCE(handle->spin);
	u64 limit = spin_limit();

	if (waited > SPIN_REACH * limit) {
		spin.budget = 0;
		spin.trial = 0;
	} else if (hit && waited <= limit) {
		spin.budget = min(spin.budget, limit);
		spin.trial = 0;
		spin.failures /= 2;
	} else if (spin.trial) {
		if (!--spin.trial)
			spin_fail(&spin);
	} else if (spin.budget && waited > limit) {
		spin_fail(&spin);
	} else if (spin.rest) {
		spin.rest--;
	} else if (waited > limit) {
		spin.budget = SPIN_REACH * limit;
		spin.trial = SPIN_TRIAL;
	} else {
		spin.budget = min(max(2 * spin.budget, SPIN_FIRST), limit);
	}
	WRITE_ONCE(handle->spin, spin);
}

/* Return the ns since the wait of @waiter began. Clocks of two CPUs may differ. */
static u64 spin_elapsed(const struct mbox_waiter *waiter, u64 now)
{
	return max((s64)(now - waiter->began), 0LL);
}

/**
 * mbox_spin_poll - poll until completed, but not for long
 * @waiter:	of the caller, with @spins; in a list of its mailbox, or completed since
 * @deadline:	when to give up
 *
 * Return: true if the waiter is completed, false if the caller has to sleep.
 */
bool mbox_spin_poll(struct mbox_waiter *waiter,
		    const struct mbox_deadline *deadline)
{
	u64 budget = READ_ONCE(waiter->handle->spin).budget;
	u64 waited = 0;

	/* Beside other load the time says nothing. */
	if (!spin_allowed())
		return false;
	waiter->began = local_clock();
	if (!budget)
		return false;
	budget = min(budget, SPIN_REACH * spin_limit());
	if (deadline->set)
		budget = clamp_t(s64, mbox_deadline_left(deadline), 0, budget);
	if (cmpxchg(&waiter->phase, MBOX_WAITER_ASLEEP, MBOX_WAITER_SPINS) ==
	    MBOX_WAITER_ASLEEP) {
		/* see MBOX_SPIN */
		while (smp_load_acquire(&waiter->phase) != MBOX_WAITER_DONE &&
		       waited < budget && spin_allowed()) {
			cpu_relax();
			waited = spin_elapsed(waiter, local_clock());
		}
		cmpxchg(&waiter->phase, MBOX_WAITER_SPINS, MBOX_WAITER_MISSED);
	}
	/* See MBOX_SPIN and MBOX_WAKE; a cmpxchg that fails has no order. */
	if (smp_load_acquire(&waiter->phase) != MBOX_WAITER_DONE)
		return false;
	spin_learn(waiter->handle, waited, true);
	return true;
}

/* Learn from a wait that ended with @error in a sleep. */
void mbox_spin_slept(const struct mbox_waiter *waiter, int error)
{
	if (waiter->began)
		spin_learn(waiter->handle,
			   spin_elapsed(waiter, error ? local_clock() :
							waiter->came), false);
}

/*
 * Count a wait that polled in vain, when it ends: under the lock, and before that is
 * published.
 */
void mbox_spin_count(struct mbox *mbox, const struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	if (READ_ONCE(waiter->phase) == MBOX_WAITER_MISSED)
		mbox->waits->spin_misses++;
}

/*
 * Complete a waiter that spins, and has its result: return true if it polls, so that
 * nobody has to wake it, and it must not be touched any more.
 */
bool mbox_spin_complete(struct mbox *mbox, struct mbox_waiter *waiter)
{
	lockdep_assert_held(&mbox->lock);
	/* The release is that of MBOX_WAKE. */
	if (READ_ONCE(waiter->phase) == MBOX_WAITER_SPINS &&
	    cmpxchg_release(&waiter->phase, MBOX_WAITER_SPINS,
			    MBOX_WAITER_DONE) == MBOX_WAITER_SPINS) {
		mbox->waits->spin_hits++;
		return true;
	}
	mbox_spin_count(mbox, waiter);
	waiter->came = local_clock();
	return false;
}
