/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking, committing and withdrawing: kmod/receive.c against kmod/send.c.
 *
 * A synchronous sender whose deadline may pass, two receivers that copy a
 * message without the lock and may fail at that or be killed, and a deletion
 * that may come at any time. Every step under mbox->lock is atomic here, for the
 * lock makes it so; the model checks all orders of the steps.
 *
 *	BLIND_COMMIT	a receiver commits without looking whether the message
 *			was withdrawn or dropped meanwhile: has to fail
 *	EAGER_FREE	a withdrawal frees a message that is being copied: has to
 *			fail
 *
 * Properties:
 *	- the send succeeds if and only if somebody received the message;
 *	- it is received at most once;
 *	- sent = received + withdrawn + dropped + held, always;
 *	- the message is freed once, and never while somebody copies it;
 *	- nobody is left waiting.
 */
#define NEW	0
#define QUEUED	1
#define TAKEN	2
#define GONE	3

#define WAITING	0
#define OK	1
#define TIMEOUT	2
#define IDRM	3
#define FAILED	4

byte state = NEW;
bool dead;
byte frees;
byte copying;
bool waiting;		/* message->sender is set */
byte sender = WAITING;	/* result of the send */
byte sent, received, withdrawn, dropped, held;

#define BALANCED (sent == received + withdrawn + dropped + held)

inline free_message()
{
	assert(copying == 0);
	frees++;
	assert(frees == 1)
}

proctype send()
{
	atomic {
		if
		:: dead -> sender = IDRM; free_message()
		:: else ->
			state = QUEUED; sent++; held++; waiting = true
		fi
	}
	if
	:: sender == WAITING ->
		if
		:: atomic { sender != WAITING }		/* completed */
		:: atomic {				/* gives up */
			sender == WAITING ->
			sender = TIMEOUT;
			waiting = false;
			held--; withdrawn++;
			if
			:: state == TAKEN ->
				state = GONE;
#ifdef EAGER_FREE
				free_message()
#endif
			:: else -> state = GONE; free_message()
			fi
		   }
		fi
	:: else
	fi
}

proctype receive()
{
	bool failed;
	byte tries = 0;

	do
	:: atomic {
		state == QUEUED && !dead ->
		state = TAKEN;
		copying++
	   }
		if	/* copies; a bad address or a kill makes it fail */
		:: failed = false
		:: tries < 1 -> failed = true; tries++
		fi;
		atomic {
			copying--;
			if
#ifndef BLIND_COMMIT
			:: state == GONE ->
#ifndef EAGER_FREE
				free_message();
#endif
				goto out
#endif
			:: failed && state == TAKEN -> state = QUEUED
#ifdef BLIND_COMMIT
			:: failed && state == GONE -> free_message(); goto out
			:: !failed ->
#else
			:: !failed && state == TAKEN ->
#endif
				received++; held--;
				if
				:: waiting ->
					waiting = false;
					sender = OK
				:: else
				fi;
				state = GONE;
				free_message();
				goto out
			fi
		}
	:: atomic { dead || (state == GONE) -> goto out }
	od;
out:
	skip
}

proctype delete()
{
	atomic {
		dead = true;
		dropped = dropped + held;
		held = 0;
		if
		:: waiting -> waiting = false; sender = IDRM
		:: else
		fi;
		if
		:: state == TAKEN -> state = GONE
		:: state == QUEUED -> state = GONE; free_message()
		:: else
		fi
	}
}

active proctype watch()
{
end:	atomic { !BALANCED -> assert(false) }
}

init {
	atomic {
		run send();
		run receive();
		run receive();
		if
		:: run delete()
		:: skip
		fi
	}
	(_nr_pr == 2);
	assert(BALANCED && held == 0);
	assert(received <= 1);
	assert((sender == OK) == (received == 1));
	assert(sender != WAITING);
	assert(frees == 1)
}
