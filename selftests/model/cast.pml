/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delivering a broadcast in several sections: MBOX_CAST in kmod/cast.c.
 *
 * A mailbox of capacity 1 with subscriptions 0 and 1. One sender sends and does not
 * block; a runner helps whenever a message is under way; a receiver takes from one
 * subscription and then looks at the other; a waiting receiver of subscription 0,
 * which is full at first, is the room there and may leave at any time; and
 * subscription 1 may be closed at any time. Steps under the lock are atomic.
 *
 *	EARLY		the message is accepted with the first subscription that has
 *			room, not the last: has to fail
 *	LATE		a receiver does not look for a due message: has to fail
 *	FORGET		a receiver that leaves is not noticed, though it was the room:
 *			has to fail
 *	LEAVE		one that leaves does not take the due message first: has to fail
 *	CLOSE		a subscription that is closed does not get its due message
 *			first: has to fail
 *
 * Properties:
 *	- a message that was found in one subscription is there in the other, unless
 *	  that was closed, or somebody else took it;
 *	- no subscription holds more than it has room for;
 *	- a send that says that it went to n subscriptions was delivered to n, one
 *	  that fails to none;
 *	- the sender ends, independent of the task that did the work.
 */
#define NONE	0
#define LOOK	1
#define DELIVER	2

byte phase = NONE;	/* of the message of the sender */
byte next;		/* subscription to go on at */
byte found;
byte made;		/* deliveries */
byte result;		/* 0: under way, 1: refused, 2: ended */
byte delivered;
bool seen[2];		/* has its delivery */
bool listed[2] = true;
byte held[2];
bool old;		/* subscription 0 is full of this */
bool waits;		/* a receiver, of subscription 0 */
bool got[2];		/* the new message, by anybody */

#define CAN_TAKE(i)	(held[i] == 0 || (i == 0 && waits))
#define DUE(i)		(phase == DELIVER && listed[i] && !seen[i])

inline refuse()
{
	phase = NONE;
	result = 1
}

inline deliver_due(i)
{
	seen[i] = true;
	made++;
	if
	:: i == 0 && waits -> waits = false; got[0] = true
	:: else -> held[i]++
	fi;
	assert(held[i] <= 1)
}

/* One section of the work: a single subscription. */
inline step()
{
	if
	:: phase == LOOK && next < 2 && !listed[next] -> next++
	:: phase == LOOK && next < 2 && listed[next] ->
		if
		:: CAN_TAKE(next) ->
			found++;
			next++
#ifdef EARLY
			; phase = DELIVER; delivered = 2; next = 0
#endif
		:: else -> refuse()
		fi
	:: phase == LOOK && next == 2 -> phase = DELIVER; delivered = found; next = 0
	:: phase == DELIVER && next < 2 ->
		if
		:: DUE(next) -> deliver_due(next)
		:: else
		fi;
		next++
	:: phase == DELIVER && next == 2 -> phase = NONE; result = 2
	:: else
	fi
}

proctype sender()
{
	atomic { phase = LOOK; next = 0; found = 0 }
	do
	:: atomic { result == 0 -> step() }
	:: atomic { result != 0 -> break }
	od;
	atomic {
		assert(phase == NONE);
		assert(result == 2 || made == 0);
		assert(result == 1 || made == delivered)
	}
}

proctype runner()
{
	do
	:: atomic { phase != NONE -> step() }
	:: atomic { result != 0 -> break }
	od
}

/* Takes the new message from subscription 1, and then looks at 0. */
proctype receiver()
{
	bool took;

	atomic {
		if
#ifndef LATE
		:: DUE(1) -> deliver_due(1)
#endif
		:: else
		fi;
		if
		:: held[1] -> held[1]--; got[1] = true; took = true
		:: else
		fi
	}
	atomic {
		if
		:: took ->
			if
#ifndef LATE
			:: DUE(0) -> deliver_due(0)
#endif
			:: else
			fi;
			assert(seen[0] && (got[0] || held[0]))
		:: else
		fi
	}
}

/* The receiver of subscription 0 comes and leaves. */
proctype waiter()
{
	if
	:: atomic { waits = true }
	:: skip
	fi;
	if
	:: atomic {
		if
#ifndef LEAVE
		:: DUE(0) -> deliver_due(0)
#endif
		:: else
		fi;
		waits = false;
		if
#ifndef FORGET
		:: phase == LOOK && next > 0 && !CAN_TAKE(0) -> refuse()
#endif
		:: else
		fi
	   }
	:: skip
	fi
}

proctype closer()
{
	if
	:: atomic {
		if
#ifndef CLOSE
		:: DUE(1) -> deliver_due(1)
#endif
		:: phase == LOOK && next > 1 -> found--
		:: else
		fi;
		listed[1] = false
	   }
	:: skip
	fi
}

init {
	atomic {
		if
		:: old = true; held[0] = 1
		:: skip
		fi;
		run sender();
		run runner();
		run receiver();
		run waiter();
		run closer()
	}
}
