/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tokens against redelivery: kmod/lease.c, job.c, worker.c against kmod/receive.c and send_wait.c.
 *
 * One message, whose sender waits for the acknowledgement and may give up. Two
 * workers lease it, a second time too, and acknowledge, extend, give back, or end
 * without a word; a timer ends leases; a receiver takes the message without a lease,
 * under the lock or with a copy in between that may fail; and a peek copies it
 * meanwhile. Every step under mbox->lock is atomic here, for the lock makes it so.
 *
 *	NO_NUMBER	a token does not say which lease of its message it is of: has
 *			to fail
 *	BLIND_FLIGHT	a token is valid although another receiver copies the message,
 *			or the sender withdrew it from that: has to fail
 *	LATE_JOB	the job of a message that left the queue lasts until the peek
 *			has ended: has to fail
 *	NO_RETURN	the lease of a worker that ends does not: has to fail
 *	NO_REVOKE	a withdrawal does not tell the job: has to fail
 *
 * Properties:
 *	- the message is received or acknowledged at most once, else it is withdrawn or
 *	  still there, in its place;
 *	- a token is valid until the message was given to somebody else, and no longer;
 *	- the send succeeds if and only if somebody received or acknowledged;
 *	- sent = received + withdrawn + held, always;
 *	- the message is removed from its place once, and freed once, with its last
 *	  reference;
 *	- no lease is left without a holder.
 */
#define QUEUED	1
#define FLIGHT	2
#define LEASED	3
#define GONE	4

#define NONE	0	/* of jobs */
#define JOB	1
#define REVOKED	2

#define WAITING	0
#define OK	1
#define TIMEOUT	2

byte state = QUEUED;
bool linked = true;	/* the message is in the queue */
byte job = NONE;
byte leases;		/* given: the last has this number */
byte holder;		/* 0: none */
byte last;		/* to which the message was given last */
byte refs = 1;
bool freed;
bool waits = true;	/* message->sender is set */
byte sender = WAITING;
byte received, withdrawn, held = 1;

#define BALANCED (received + withdrawn + held == 1)

inline unlink()
{
	assert(linked);
	linked = false
}

/* Drop a reference of a message that has left its place. */
inline put()
{
	refs--;
	if
	:: refs == 0 ->
		assert(!freed && !linked);
		freed = true;
		job = (job == REVOKED -> REVOKED : NONE)
	:: else
#ifndef LATE_JOB
		-> job = (job == REVOKED -> REVOKED : NONE)
#endif
	fi
}

/* The message is received; it is on no list. */
inline commit(id)
{
	last = id;
	received++;
	held--;
	if
	:: waits -> waits = false; sender = OK
	:: else
	fi
}

/* Whether the token is that of the last lease, and the message is where it says. */
#ifdef NO_NUMBER
#define NUMBER(t) true
#else
#define NUMBER(t) (t == leases)
#endif
#ifdef BLIND_FLIGHT
#define PLACED true
#else
#define PLACED (state == QUEUED || state == LEASED)
#endif
#define VALID(t) (job == JOB && NUMBER(t) && PLACED)

/* Take the message off its list, as mbox_job_take(). */
inline take()
{
	if
	:: state == LEASED -> holder = 0
	:: else -> unlink()
	fi
}

/* End a lease: the message returns to its place. */
inline return_lease()
{
	state = QUEUED;
	linked = true;
	holder = 0
}

proctype worker(byte id)
{
	byte token = 0;
	byte n = 0;

	do
	:: atomic {
		n < 2 && state == QUEUED && linked ->
		unlink();
		job = JOB;
		leases++;
		token = leases;
		last = id;
		holder = id;
		state = LEASED;
		n++
	   }
	:: atomic {				/* acknowledges */
		token ->
		if
		:: VALID(token) ->
			assert(last == id);
			take();
			job = NONE;
			state = GONE;
			commit(id);
			put()
		:: else ->
			/* it was told, or has become stale: never for nothing */
			assert(job == REVOKED || last != id || received || withdrawn ||
			       state == FLIGHT);
			if
			:: job == REVOKED && NUMBER(token) -> job = NONE
			:: else
			fi
		fi;
		token = 0
	   }
	:: atomic {				/* extends */
		token ->
		if
		:: VALID(token) ->
			assert(last == id);
			take();
			state = LEASED;
			holder = id
		:: else -> token = 0
		fi
	   }
	:: atomic {				/* gives it back */
		token ->
		if
		:: VALID(token) && state == LEASED -> return_lease()
		:: else
		fi;
		token = 0
	   }
	:: break				/* ends */
	od;
	atomic {
#ifndef NO_RETURN
		if
		:: holder == id && state == LEASED -> return_lease()
		:: else
		fi;
#endif
		skip
	}
}

proctype timer()
{
	byte n = 0;

	do
	:: atomic { n < 2 && state == LEASED -> return_lease(); n++ }
	:: break
	od
}

#define RECEIVER 9

proctype receive()
{
	bool failed;

	if
	:: atomic {				/* under the lock: the state stays */
		state == QUEUED && linked ->
		unlink();
		commit(RECEIVER);
		put()
	   }
	:: atomic {
		state == QUEUED && linked ->
		state = FLIGHT
	   }
		if
		:: failed = false
		:: failed = true
		fi;
		atomic {
			if
			:: state == GONE -> put()	/* withdrawn */
			:: state == FLIGHT && failed -> state = QUEUED
			:: state == FLIGHT && !failed ->
				unlink();
				commit(RECEIVER);
				put()
			:: else -> assert(false)
			fi
		}
	:: true					/* it does not come */
	fi
}

proctype peek()
{
	if
	:: atomic { state == QUEUED && linked -> refs++ }
		atomic {
			if
			:: refs > 1 -> refs--
			:: else -> put()
			fi
		}
	:: true
	fi
}

proctype give_up()
{
	if
	:: atomic {
		waits ->
		waits = false;
		sender = TIMEOUT;
		held--;
		withdrawn++;
		if
		:: state == FLIGHT -> unlink(); state = GONE
		:: state == LEASED ->
			holder = 0;
#ifndef NO_REVOKE
			job = REVOKED;
			state = GONE;
#endif
			put()
		:: state == QUEUED -> unlink(); state = GONE; put()
		fi
	   }
	:: atomic { sender == OK }
	:: true					/* it waits on */
	fi
}

active proctype watch()
{
end:	atomic { !BALANCED -> assert(false) }
}

init {
	atomic {
		run worker(1);
		run worker(2);
		run timer();
		run receive();
		run peek();
		run give_up()
	}
	(_nr_pr == 2);
	assert(BALANCED);
	assert((sender == OK) == (received == 1));
	assert(state != LEASED);
	assert(held == linked);
	assert(freed == !held);
	assert(!held || refs == 1)
}
