/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MBOX_RING_SLEEP in <linux/mbox_ring.h>, kmod/ring_wait.c and lib/ring.c: a ring, its
 * sides, and how they sleep and are woken.
 *
 * A producer sends more records than the ring holds, and a consumer receives
 * them. Each sleeps where it finds no room or no record. The ring grows, or does
 * not: then the producer's limit is freed, which is moved when the memory of
 * received records is given back. All interleavings are covered. The parts of the
 * memory model that the protocol relies on are explicit: where the code has a
 * barrier, the order is fixed; compiled with one of the macros below, the two
 * accesses that this barrier orders happen in either order.
 *
 *	NO_HEAD_RELEASE	head may be seen before the record that it publishes
 *	NO_TAIL_RELEASE	tail may be seen before the record was read
 *	NO_WAKER_MB	the waker may read waiting before it publishes its index
 *	NO_SLEEPER_MB	the sleeper may read the index before it sets waiting
 *	LATE_LIST	the sleeper sets waiting and goes into the list in two steps
 *	NO_LOOK	the sleeper does not look at the index again
 *	FREED_FIRST	freed moves before the memory is given back
 *
 * Each of these has to fail, and the model without them to pass: see run. How the
 * sleeper is completed and woken once it is found in the list is MBOX_WAKE, which
 * waiter.pml has.
 *
 * Properties:
 *	- each record is received as it was sent, whole and in order (assert record);
 *	- no record is overwritten before it was received (assert empty);
 *	- nobody sleeps for ever (no invalid end state).
 */
#define SIZE		2
#define RECORDS		4
#define PRODUCER	0
#define CONSUMER	1
#define EMPTY		0

bool lock;
bool grow;
byte head;
byte tail;
byte freed;
byte data[SIZE];
bool waiting[2];
bool listed[2];		/* lock */
bool completed[2];

inline acquire() { atomic { !lock -> lock = true } }
inline release() { lock = false }

/* Under the lock: mbox_ring_wait_wake() in kmod/ring_wait.c. */
inline wake(side)
{
	waiting[side] = false;
	if
	:: listed[side] -> listed[side] = false; completed[side] = true
	:: else
	fi
}

/* The index that a side waits for. */
inline look(side, into)
{
	atomic {
		if
		:: side == CONSUMER -> into = head
		:: side == PRODUCER && grow -> into = freed
		:: side == PRODUCER && !grow -> into = tail
		fi
	}
}

/* MBOX_WAIT_MOVE: until the index is not seen, or without reason. */
inline wait(side, seen)
{
	acquire();
#ifdef NO_SLEEPER_MB
	if
	:: waiting[side] = true; look(side, found)
	:: look(side, found); waiting[side] = true
	fi;
#else
	waiting[side] = true;
	look(side, found);
#endif
#ifdef NO_LOOK
	found = seen;
#endif
	if
	:: found != seen -> waiting[side] = false; release()
	:: else ->
#ifdef LATE_LIST
		release();
		acquire();
#endif
		completed[side] = false;
		listed[side] = true;
		release();
		completed[side]		/* sleep */
	fi
}

/* MBOX_WAIT_WAKE after an index was published. */
inline wake_if_waiting(side, seen_waiting)
{
	if
	:: seen_waiting -> acquire(); wake(side); release()
	:: else
	fi
}

proctype producer()
{
	byte n, limit, found;
	bool asleep;

	do
	:: n == RECORDS -> break
	:: else ->
		do
		:: look(PRODUCER, limit);
			if
			:: head - limit < SIZE -> break
			:: else -> wait(PRODUCER, limit)
			fi
		od;
		n++;
#if defined(NO_HEAD_RELEASE)
		if
		:: assert(data[head % SIZE] == EMPTY); data[head % SIZE] = n; head++
		:: head++; assert(data[(head - 1) % SIZE] == EMPTY); data[(head - 1) % SIZE] = n
		fi;
		asleep = waiting[CONSUMER];
#elif defined(NO_WAKER_MB)
		assert(data[head % SIZE] == EMPTY);
		data[head % SIZE] = n;
		if
		:: head++; asleep = waiting[CONSUMER]
		:: asleep = waiting[CONSUMER]; head++
		fi;
#else
		assert(data[head % SIZE] == EMPTY);
		data[head % SIZE] = n;
		head++;
		asleep = waiting[CONSUMER];
#endif
		wake_if_waiting(CONSUMER, asleep)
	od
}

/* Read the record at tail; a ring that does not grow is as good as empty then. */
inline receive(at)
{
	assert(data[(at) % SIZE] == n);
	if
	:: !grow -> data[(at) % SIZE] = EMPTY
	:: else
	fi
}

/* MBOX_WAIT_TRIM: mbox_ring_memory_trim() in kmod/ring_memory.c, a page being a record here. */
inline trim()
{
	do
	:: freed == tail -> break
	:: else ->
#ifdef FREED_FIRST
		acquire(); freed++; wake(PRODUCER); release();
		data[(freed - 1) % SIZE] = EMPTY
#else
		data[freed % SIZE] = EMPTY;
		acquire(); freed++; wake(PRODUCER); release()
#endif
	od
}

proctype consumer()
{
	byte n, found;
	bool asleep;

	do
	:: n == RECORDS -> break
	:: else ->
		do
		:: head != tail -> break
		:: head == tail -> wait(CONSUMER, tail)
		od;
		n++;
#ifdef NO_TAIL_RELEASE
		if
		:: receive(tail); tail++
		:: tail++; receive(tail - 1)
		fi;
		asleep = waiting[PRODUCER];
#else
		receive(tail);
#ifdef NO_WAKER_MB
		if
		:: tail++; asleep = waiting[PRODUCER]
		:: asleep = waiting[PRODUCER]; tail++
		fi;
#else
		tail++;
		asleep = waiting[PRODUCER];
#endif
#endif
		if
		:: grow -> trim()
		:: else -> wake_if_waiting(PRODUCER, asleep)
		fi
	od
}

init {
	atomic {
		if
		:: grow = true
		:: grow = false
		fi;
		run producer();
		run consumer()
	}
	(_nr_pr == 1);
	assert(head == RECORDS && tail == RECORDS && !lock)
}
