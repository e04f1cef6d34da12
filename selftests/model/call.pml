/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reply against the end of the call: kmod/call.c, job.c, worker.c against send_wait.c and MBOX_WAKE.
 *
 * A caller waits with a frame on its stack, and may give up at any time. A small reply is
 * copied to the frame under the lock; for a large one a server takes the memory that the
 * caller has ready, copies without the lock, and gives it back with the reply. Two
 * servers lease the request, reply, reject it, or end; a lease may end by its time, and
 * the mailbox be deleted. Every step under mbox->lock is atomic here. The caller looks
 * for the end of its wait without the lock; then its frame is gone.
 *
 *	LATE_COPY	a server copies its reply after the lock, in which it found the
 *			request: has to fail
 *	EARLY_END	the wait is ended before the reply is in the frame: has to fail
 *	NO_REVOKE	a caller that gives up leaves its frame in the request: has to
 *			fail
 *	NO_DEATH	the end of a server does not end the call: has to fail
 *	KEEP		a server does not take the memory that it copies to: has to fail
 *	LEAK		a server whose call has ended does not free the memory that it
 *			took: has to fail
 *	NO_RETRY	a call that is to go to the next server stays with the one that
 *			has ended: has to fail
 *
 * Properties:
 *	- the call ends once, and nobody is left waiting while a server is there;
 *	- it succeeds if and only if one server's reply did, with that reply;
 *	- it is rejected if and only if one server's rejection succeeded;
 *	- it fails for the death of a server only if that had the request, and the caller
 *	  does not want another server;
 *	- nobody writes to the frame of a caller that has left, or to memory that was freed;
 *	- all memory is freed, once.
 */
#define QUEUED	1
#define LEASED	2
#define GONE	3

#define WAITING		0
#define OK		1
#define REJECTED	2
#define DEAD		3
#define TIMEOUT		4
#define IDRM		5

bool retry;
byte state = QUEUED;
byte holder;
byte leases;
bool caller = true;	/* message->sender is set */
byte result = WAITING;	/* written under the lock, */
bool done;		/* and published after it: the phase */
bool left;		/* the frame is gone */
byte reply;		/* in the frame: the server that wrote it */
byte memory = 1;	/* in the frame: memory for a large reply, or 0 */
bool live[4];		/* the memory: 1 the caller's, 2 and 3 of the servers */
byte text[4];		/* in the memory: the server that copied to it */
bool large;		/* the reply is in memory */
byte got;		/* as the caller read it */
byte replies, rejections, deaths;
byte servers = 2;	/* that have not ended */
bool deleted;

inline end_call(how)
{
	assert(caller && !left);
	caller = false;
	result = how;
	state = GONE;
	holder = 0
}

inline write_reply(id)
{
	assert(!left);
	reply = id
}

inline free(m)
{
	assert(live[m]);
	live[m] = false
}

proctype call()
{
	if
	:: done					/* without the lock */
	:: atomic {				/* gives up, under the lock */
		true ->
		if
		:: result == WAITING ->
#ifndef NO_REVOKE
			caller = false;
			state = GONE;
			holder = 0;
#endif
			result = TIMEOUT
		:: else				/* it was completed meanwhile */
		fi
	   }
	:: atomic {				/* waits for a server to come */
		result == WAITING && servers == 0 ->
		assert(state == QUEUED && caller);
		caller = false;
		state = GONE;
		result = TIMEOUT
	   }
	fi;
	atomic {
		got = (large -> text[memory] : reply);
		left = true;
		if
		:: memory -> free(memory)
		:: else
		fi
	}
}

proctype server(byte id)
{
	byte token = 0, mine = 0;
	bool found = false;

	do
	:: atomic {
		!token && state == QUEUED && !deleted ->
		state = LEASED;
		holder = id;
		leases++;
		token = leases
	   }
	:: token ->
#ifdef LATE_COPY
		atomic { found = (state == LEASED && token == leases) };
		if
		:: found ->
			write_reply(id);
			atomic {
				if
				:: state == LEASED && token == leases ->
					replies++; end_call(OK); done = true
				:: else
				fi
			}
		:: else
		fi;
#else
#ifdef EARLY_END
		atomic {
			if
			:: state == LEASED && token == leases ->
				replies++; end_call(OK); done = true; found = true
			:: else
			fi
		};
		if
		:: found -> write_reply(id)
		:: else
		fi;
#else
		atomic {			/* replies */
			if
			:: state == LEASED && token == leases ->
				write_reply(id); replies++; end_call(OK)
			:: else
			fi
		};
		done = (result != WAITING && result != TIMEOUT);
#endif
#endif
		token = 0
	:: token ->				/* replies with much */
		atomic {
			found = (state == LEASED && token == leases);
			if
			:: found ->
				mine = memory;
#ifndef KEEP
				memory = 0;
#endif
				if
				:: mine == 0 -> mine = id + 1; live[mine] = true
				:: else
				fi
			:: else
			fi
		};
		if
		:: found ->
			assert(live[mine]);	/* copies */
			text[mine] = id;
			atomic {
				if
				:: state == LEASED && token == leases ->
					memory = mine;
					mine = 0;
					large = true;
					replies++; end_call(OK)
				:: else
				fi
			};
			done = (result != WAITING && result != TIMEOUT);
			if
#ifndef LEAK
			:: mine -> free(mine); mine = 0
#endif
			:: else -> mine = 0
			fi
		:: else
		fi;
		token = 0
	:: token ->
		atomic {			/* rejects */
			if
			:: state == LEASED && token == leases ->
				rejections++; end_call(REJECTED)
			:: else
			fi
		};
		done = (result != WAITING && result != TIMEOUT);
		token = 0
	:: break				/* ends */
	:: atomic { state == GONE || deleted -> break }
	od;
	atomic {
		servers--;
		if
		:: state == LEASED && holder == id ->
			deaths++;
			if
#ifndef NO_RETRY
			:: retry -> state = QUEUED; holder = 0
#else
			:: retry
#endif
#ifndef NO_DEATH
			:: !retry -> end_call(DEAD)
#else
			:: !retry
#endif
			fi
		:: else
		fi
	};
	done = (result != WAITING && result != TIMEOUT)
}

/* The time of a lease is over, once: as the end of its server. */
proctype timer()
{
	if
	:: atomic {
		state == LEASED ->
		deaths++;
		if
		:: retry -> state = QUEUED; holder = 0
		:: else -> end_call(DEAD)
		fi
	   }
		done = (result != WAITING && result != TIMEOUT)
	:: true
	fi
}

proctype delete()
{
	atomic {
		deleted = true;
		if
		:: caller -> end_call((state == LEASED -> DEAD : IDRM))
		:: else
		fi
	};
	done = (result != WAITING && result != TIMEOUT)
}

init {
	atomic {
		live[1] = true;
		if
		:: retry = true
		:: retry = false
		fi;
		run call();
		run server(1);
		run server(2);
		run timer();
		if
		:: run delete()
		:: skip
		fi
	}
	(_nr_pr == 1);
	assert(left && !caller);
	assert((result == OK) == (replies == 1) && replies <= 1);
	assert((result == REJECTED) == (rejections == 1) && rejections <= 1);
	assert(result != OK || (got && (large -> got == text[memory] : got == reply)));
	assert(!live[1] && !live[2] && !live[3]);
	assert(result != DEAD || deleted || (deaths && !retry))
}
