/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kmod/transfer.c: the senders of large messages copy straight into the buffer of a
 * receiver that waits, page by page, and each page under the lock.
 *
 * A receiver waits; its deadline may pass at any time. Two senders of large messages may
 * claim it; each may fail in the middle, and sends its message the usual way then. A third
 * message always goes the usual way. All interleavings are covered, and with each of these
 * macros the model has to fail, see run:
 *
 *	NO_LOOK		a sender copies a page without looking whether its claim holds
 *	NO_LOCK		it looks, but copies after it has dropped the lock
 *	NO_CLAIM	a sender claims a receiver that another has claimed
 *	NO_CLEAR	the end of a wait leaves the sender its claim
 *	NO_DROP		a sender that fails leaves its claim behind
 *	NO_NEXT		a sender commits though its claim does not hold any more
 *
 * Properties:
 *	- nobody writes to the buffer, or touches the waiter, once the receiver has
 *	  returned (assert alive); nobody touches a transfer whose sender has (assert there);
 *	- a message that is received is whole (assert page);
 *	- each message is received once, or is queued (assert accepted).
 */
#define SENDERS	4	/* 1 and 2: of large messages, 3: of a small one */
#define PAGES	2

bool lock;
bool waiting = true;	/* the receiver is listed; lock */
bool done;		/* waiter->phase is DONE */
bool direct;		/* its sender did it all */
byte result;		/* the message that it was given */
byte claim;		/* waiter->claim: of a sender, or 0; lock */
bool alive = true;	/* the waiter, and the buffer as the kernel's to write */
byte page[PAGES];	/* of the buffer: the message that is there */
bool there[SENDERS] = true;	/* the stack frame of a sender */
bool receiver[SENDERS];	/* transfer->receiver is set; lock */
byte accepted, received, queued, ended;

inline acquire() { atomic { !lock -> lock = true } }
inline release() { lock = false }

/* mbox_waiter_cancel() */
inline end_wait()
{
	assert(alive && waiting);
	waiting = false;
	if
	:: claim ->
		assert(there[claim]);
#ifndef NO_CLEAR
		receiver[claim] = false
#endif
	:: else
	fi
}

inline complete(message)
{
	result = message;
	end_wait();
	done = true
}

inline end()
{
	atomic {
		ended++;
		if
		:: ended == SENDERS -> assert(accepted == received + queued)
		:: else
		fi
	}
}

inline copy(message, i)
{
	acquire();
#if defined(NO_LOOK)
	assert(alive); page[i] = message;
	release()
#elif defined(NO_LOCK)
	holds = receiver[message];
	release();
	if
	:: holds -> assert(alive); page[i] = message
	:: else
	fi
#else
	if
	:: receiver[message] -> assert(alive); page[i] = message
	:: else -> holds = false
	fi;
	release()
#endif
}

inline send_usual(message)
{
	acquire();
	accepted++;
	if
	:: waiting -> complete(message)
	:: else -> queued++
	fi;
	release()
}

proctype large(byte me)
{
	bool holds, committed;

	acquire();
	if
#ifdef NO_CLAIM
	:: waiting ->
#else
	:: waiting && !claim ->
#endif
		claim = me; receiver[me] = true; holds = true
	:: else
	fi;
	release();
	if
	:: holds -> copy(me, 0)
	:: true -> holds = false	/* a page is not there, or none was claimed */
	fi;
	if
	:: holds -> copy(me, 1)
	:: true -> holds = false
	fi;
	acquire();
	if
#ifdef NO_NEXT
	:: holds ->
#else
	:: holds && receiver[me] ->
#endif
		accepted++; received++;
		direct = true;
		complete(me);
		committed = true
	:: else ->
		if
		:: receiver[me] ->
			assert(alive);
#ifndef NO_DROP
			claim = 0
#endif
		:: else
		fi
	fi;
	release();
	if
	:: committed
	:: else ->
		there[me] = false;
		send_usual(me)
	fi;
	there[me] = false;
	end()
}

proctype small()
{
	send_usual(3);
	end()
}

proctype receive()
{
	bool gave_up;

	if
	:: done
	:: true ->
		acquire();
		if
		:: done
		:: else -> end_wait(); gave_up = true
		fi;
		release()
	fi;
	if
	:: gave_up
	:: else ->
		if
		:: direct
		:: else -> page[0] = result; page[1] = result; received++
		fi;
		assert(page[0] == result && page[1] == result)
	fi;
	alive = false;
	end()
}

init
{
	atomic {
		run large(1);
		run large(2);
		run small();
		run receive()
	}
}
