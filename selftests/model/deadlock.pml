/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MBOX_DEADLOCK in kmod/deadlock.c: processes that wait for one another over links.
 *
 * Processes with one thread each, which send synchronously to and receive from one another as they
 * like, so many calls each, and then end. Work under the lock of an inbox happens in
 * several steps, as other inboxes have other locks; and so do the walks along the edges: one without
 * a lock, and two that make sure, under waits_lock. With one of the macros below the model is
 * wrong, and has to fail:
 *
 *	LATE_EDGE	a call walks before it sets its edge
 *	ONE_WALK	a cycle found without the lock is believed
 *	UNLOCKED_WALK	two callers make sure at the same time
 *	EARLY_EDGE	a send looks for a cycle before it gives its message to a
 *			receiver that waits for it
 *	LATE_CLEAR	the edge of a completed waiter goes when it runs, not before
 *	NO_EDGE_OF_RECEIVERS	only sends have edges
 *
 * Properties:
 *	- nobody waits for ever: the last call of a cycle is refused (no invalid end state);
 *	- none is refused but in a cycle, which is there when its edge goes (assert in the cycle);
 *	- none is refused that is not the last of a cycle: where the caller that is refused stops
 *	  for good, none of the others in the cycle ever goes on (assert not doomed);
 *	- a send that found a waiting receiver is never refused (assert not refused).
 *
 * The bound on the steps of a walk is not in the model: with three processes none is that long.
 */
#define N	3
#define NONE	N
#define CALLS	2

#define AT(from, to)	((from) * N + (to))

bool lock[N];		/* of the inbox of each */
byte edge[N] = NONE;	/* waits_for */
byte nr[N];		/* wait_nr */
bool waits_lock;
bool queued[N * N];	/* a message, whose sender waits */
bool taken[N * N];	/* the same, given to a receiver */
bool waits[N * N];	/* AT(from, receiver): a blocked receiver */
bool done[N];		/* the waiter of each is completed */
bool ended[N];
bool doomed[N];		/* in a cycle that is not to be broken */
bool stopped;		/* somebody that was refused stays where it is */

inline acquire(i) { atomic { !lock[i] -> lock[i] = true } }
inline release(i) { lock[i] = false }

/* Walk for the second time: whether all is as it was. */
inline walk_again()
{
	k = 0;
	p = other;
	do
	:: k < steps && p != NONE && p != self ->
		q = edge[p];
		if
		:: nr[p] == numbers[k] -> k++; p = q
		:: else -> p = NONE
		fi
	:: else -> break
	od;
	refused = (k == steps && p == self)
}

/* Under waits_lock: walk for the first time, with the numbers, then again. */
inline make_sure()
{
	steps = 0;
	p = other;
	do
	:: p != NONE && p != self && steps < N - 1 ->
		numbers[steps] = nr[p];
		p = edge[p];
		steps++
	:: else -> break
	od;
	if
	:: p == self -> walk_again()
	:: else -> refused = false
	fi
}

/* If refused, stop the world around the cycle, which has to be there, or go on. */
inline refuse()
{
	atomic {
		p = other;
		do
		:: p != self -> assert(p != NONE); p = edge[p]
		:: else -> break
		od;
		edge[self] = NONE;
		if
		:: p = other;
		   do
		   :: p != self -> doomed[p] = true; p = edge[p]
		   :: else -> break
		   od;
		   stopped = true;
		   stays = true
		:: skip
		fi
	}
}

/* Set the edge, and look for a cycle. */
inline enter()
{
	nr[self]++;
#ifndef LATE_EDGE
	edge[self] = other;
#endif
	steps = 0;
	p = other;
	do
	:: p != NONE && p != self && steps < N - 1 -> p = edge[p]; steps++
	:: else -> break
	od;
	refused = (p == self);
#ifdef LATE_EDGE
	edge[self] = other;
#endif
	if
	:: refused ->
#ifndef UNLOCKED_WALK
		atomic { !waits_lock -> waits_lock = true };
#endif
#ifndef ONE_WALK
		make_sure();
#endif
		if
		:: refused -> refuse()
		:: else
		fi;
#ifndef UNLOCKED_WALK
		waits_lock = false;
#endif
		numbers[0] = 0;
		numbers[1] = 0
	:: else
	fi;
	/* Clear variables that are not needed any more: they would only make more states. */
	p = 0;
	q = 0;
	k = 0;
	steps = 0
}

inline complete(who)
{
	atomic {
		assert(!doomed[who]);
#ifndef LATE_CLEAR
		edge[who] = NONE;
#endif
		done[who] = true
	}
}

/* Until completed, or until the other has ended; the lock of inbox @i is not held. */
inline sleep(i)
{
	if
	:: done[self]
	:: ended[other] ->
		acquire(i);
		if
		:: !done[self] ->
			queued[AT(self, other)] = false;
			waits[AT(other, self)] = false
		:: else
		fi;
		edge[self] = NONE;
		release(i)
	:: stopped -> stays = true
	fi;
#ifdef LATE_CLEAR
	edge[self] = NONE
#endif
}

inline send()
{
	acquire(other);
	if
	:: ended[other]
	:: !ended[other] && waits[AT(self, other)] ->
#ifdef EARLY_EDGE
		enter();
		assert(!refused);
#endif
		waits[AT(self, other)] = false;
		taken[AT(self, other)] = true;
		complete(other);
#ifndef EARLY_EDGE
		enter();
		assert(!refused);
#endif
		blocks = true
	:: else ->
		enter();
		if
		:: !refused -> queued[AT(self, other)] = true; blocks = true
		:: else
		fi
	fi;
	release(other);
	if
	:: blocks -> sleep(other)
	:: else
	fi
}

inline receive()
{
	acquire(self);
	if
	:: queued[AT(other, self)] ->
		queued[AT(other, self)] = false;
		complete(other)
	:: !queued[AT(other, self)] && ended[other]
	:: else ->
#ifndef NO_EDGE_OF_RECEIVERS
		enter();
#endif
		if
		:: !refused -> waits[AT(other, self)] = true; blocks = true
		:: else
		fi
	fi;
	release(self);
	if
	:: blocks -> sleep(self)
	:: else
	fi;
	if
	:: blocks && done[self] ->
		/* the message that was delivered is committed */
		acquire(self);
		assert(taken[AT(other, self)]);
		taken[AT(other, self)] = false;
		complete(other);
		release(self)
	:: else
	fi
}

active [N] proctype process()
{
	byte self = _pid, other, p, q, k, steps, calls;
	byte numbers[N];
	bool refused, blocks, stays;

	do
	:: calls < CALLS && !stays ->
		calls++;
		refused = false;
		blocks = false;
		done[self] = false;
		if
		:: other = (self + 1) % N
		:: other = (self + 2) % N
		fi;
		if
		:: send()
		:: receive()
		fi
	:: else -> break
	od;
	if
	:: !stays -> ended[self] = true
	:: else
	fi
}
