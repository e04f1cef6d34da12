/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MBOX_WAKE in kmod/wait.c: completing and waking a waiter; and MBOX_SPIN in
 * kmod/spin.c: a waiter that polls before it sleeps needs no wake-up.
 *
 * A task waits with a waiter on its stack; its deadline may pass and a signal
 * may come at any time. Two others may complete it: a sender that hands a
 * message over, and a deletion. All interleavings are covered. The parts of the
 * memory model that the protocol relies on are explicit: where the code has a
 * barrier, the order is fixed; compiled with one of the macros below, the two
 * accesses that this barrier orders happen in either order.
 *
 *	NO_RELEASE	done may be seen before the result
 *	NO_STATE_MB	the waiter may read the phase before it writes its state
 *	NO_WAKE_MB	the waker may read the state before it writes DONE
 *	LATE_GET	the reference to the task is taken after done is set
 *	LATE_STAYS	a waiter that leaves stays in the list of those woken late
 *	SPIN_NO_RELEASE	DONE may be seen before the result by a waiter that polls
 *	SPIN_BEGIN_SPLIT	a waiter begins to poll by a read and a write of the phase
 *	SPIN_END_SPLIT	it ends so
 *	SPIN_DONE_SPLIT	the waker of one that polls writes DONE so
 *	SPIN_NO_LOOK	a waiter that ended its polling sleeps without another look
 *
 * A waker that has completed more waiters than it wakes at once drops the lock and
 * takes it again for the others (late): these may take themselves off its list.
 *
 * Each of these has to fail, and the model without them to pass: see run.
 *
 * Properties:
 *	- the waiter is not touched after its task has left (assert alive);
 *	- the result is read only after it was written (assert result);
 *	- the task is there when it is woken (assert exists);
 *	- a completed waiter does not sleep for ever (no invalid end state);
 *	- the waiter is completed at most once, and one that gives up was not.
 */
#define NONE	0
#define MESSAGE	1
#define DELETED	2

/* waiter->phase */
#define ASLEEP	0
#define SPINS	1
#define MISSED	2
#define DONE	3

bool lock;
bool listed = true;	/* on a list of the mailbox; lock */
byte result = NONE;	/* waiter->error and message */
bool completed;		/* waiter->completed; lock */
bool late;		/* on the list of its waker; lock */
byte phase = ASLEEP;	/* waiter->phase */
bool alive = true;	/* the waiter's stack frame */
bool sleeping;		/* task state is TASK_INTERRUPTIBLE */
byte refs = 1;		/* of the task; its own until it exits */
bool exists = true;	/* the task_struct */
bool signal;
byte outcome = NONE;
bool gave_up;
byte completions;

inline acquire() { atomic { !lock -> lock = true } }
inline release() { lock = false }

inline put_task()
{
	atomic {
		refs--;
		if
		:: refs == 0 -> exists = false
		:: else
		fi
	}
}

inline get_task()
{
	atomic { assert(exists); refs++ }
}

/* wake_up_process(): a task that is not asleep is left alone. */
inline wake()
{
	atomic { assert(exists); sleeping = false }
}

inline publish(what)
{
#ifdef NO_RELEASE
	if
	:: assert(alive); result = what; assert(alive); phase = DONE
	:: assert(alive); phase = DONE; result = what
	fi
#else
	assert(alive); result = what;
	assert(alive); phase = DONE
#endif
}

inline take(handed)
{
	atomic {
		assert(alive);
		handed = (phase == SPINS);
		if
		:: handed -> phase = DONE
		:: else
		fi
	}
}

/* mbox_spin_complete(): a waiter that polls is completed without a wake-up. */
inline hand_over(what, handed)
{
	assert(alive);
	if
	:: phase != SPINS
	:: phase == SPINS ->
#if defined(SPIN_DONE_SPLIT)
		result = what;
		assert(alive); phase = DONE; handed = true
#elif defined(SPIN_NO_RELEASE)
		if
		:: result = what; take(handed)
		:: take(handed); result = what
		fi
#else
		result = what;
		take(handed)
#endif
	fi
}

/* The waiter's cmpxchg: the phase becomes another, unless it was changed. */
inline change(old, new)
{
	atomic {
		if
		:: phase == old -> phase = new
		:: else
		fi
	}
}

inline change_split(old, new)
{
	if
	:: phase == old -> phase = new
	:: phase != old
	fi
}

/* mbox_spin_poll(): it may end at any time, with the budget, a signal, or other load. */
inline poll()
{
#ifdef SPIN_BEGIN_SPLIT
	change_split(ASLEEP, SPINS);
#else
	change(ASLEEP, SPINS);
#endif
	do
	:: phase == DONE -> break
	:: true -> break
	od;
#ifdef SPIN_END_SPLIT
	change_split(SPINS, MISSED)
#else
	change(SPINS, MISSED)
#endif
}

/* mbox_waiter_publish(), under the lock, then the steps after it. */
inline publish_and_wake(what, asleep)
{
#ifndef LATE_GET
	get_task();
#endif
#ifdef NO_WAKE_MB
	if
	:: asleep = sleeping
	:: skip
	fi;
#endif
	publish(what);
#ifdef LATE_GET
	get_task();
#endif
	release();
	if
	:: asleep -> wake()
	:: else
	fi;
	put_task()
}

/*
 * mbox_waiter_complete(), and the later part in mbox_mailbox_unlock(); or deferred_wake_late(),
 * which writes done in a section of its own.
 */
proctype completer(byte what)
{
	bool asleep = true, handed;

	acquire();
	if
	:: !listed -> release()
	:: else ->
		assert(alive);
		listed = false;
		completions++;
		completed = true;
		hand_over(what, handed);
		if
		:: handed -> release()
		:: !handed -> publish_and_wake(what, asleep)
		:: !handed ->
			result = what;
			late = true;
			release();
			acquire();
			if
			:: !late -> release()
			:: else ->
				late = false;
				publish_and_wake(what, asleep)
			fi
		fi
	fi
}

/* The signal, or the timer of the deadline: sets the reason, then wakes. */
proctype interrupt()
{
	signal = true;
	atomic {
		if
		:: exists -> sleeping = false
		:: else
		fi
	}
}

proctype waiter()
{
	bool seen, polled;

	if
	:: poll(); polled = true
	:: true
	fi;
	do
	:: true ->
#ifdef NO_STATE_MB
		if
		:: seen = (phase == DONE); sleeping = true
		:: sleeping = true; seen = (phase == DONE)
		fi;
#else
		sleeping = true;
		seen = (phase == DONE);
#endif
#ifdef SPIN_NO_LOOK
		if
		:: polled -> seen = false; polled = false
		:: else
		fi;
#endif
		if
		:: seen -> break
		:: !seen && signal -> gave_up = true; break
		:: !seen && !signal ->
			!sleeping	/* schedule() */
		fi
	od;
	sleeping = false;

	if
	:: gave_up ->
		acquire();
		if
		:: completed ->
			gave_up = false;
#ifndef LATE_STAYS
			late = false
#endif
		:: else -> assert(listed); listed = false
		fi;
		release()
	:: else
	fi;
	if
	:: gave_up -> assert(completions == 0)
	:: else ->
		assert(result != NONE);
		outcome = result
	fi;
	alive = false;
	put_task();
}

init {
	atomic {
		run waiter();
		run completer(MESSAGE);
		run completer(DELETED);
		if
		:: run interrupt()
		:: skip
		fi
	}
	(_nr_pr == 1);
	assert(completions <= 1);
	assert(refs == 0 && !listed && !lock);
	assert(gave_up || outcome != NONE)
}
