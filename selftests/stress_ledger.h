/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger of stress_test: what became of each message, in memory that outlives who is killed.
 *
 * A message carries a number that leads to its entry: the thread that sends it, how many it sent
 * before, and the round. A thread writes down what it is about to do before each call, and what came
 * of it after. It may be killed at any point between, so that one send and one receive of each thread
 * can stay open:
 *
 *	a send		UNKNOWN: was it accepted?
 *	a receive	MAYBE: the message is in the receiver's buffer, which is shared memory. It is
 *			written before the message is taken from its mailbox; whether it was taken
 *			shows when another receives it, or nobody does.
 *
 * All else is certain. At the end of a round, when nobody is left and what is queued was received,
 * the entries of each mailbox and its counters have to fit: see stress_judge.h.
 */
#ifndef STRESS_LEDGER_H
#define STRESS_LEDGER_H

#include "mbox_child.h"

#include <stdarg.h>

#define THREADS_MAX	48	/* of all processes together */
#define ENTRIES		16384	/* messages of a thread in a round */
#define BOXES_MAX	512	/* of a round: mailboxes, each of the names' again and again; inboxes */
#define NO_BOX		(BOXES_MAX - 1)	/* one that nobody keeps book of */

#define ROOM		(512 * 1024)	/* for the longest message */
#define STREAM_SIZE	(ROOM + 4096)

/*
 * The names, each with rules of its own. Where messages are moved with read(), which gives no header,
 * they have to be long enough to hold their number.
 */
enum box_name {
	NAME_PLAIN,		/* read() and write(); no message is dropped */
	NAME_WILD,		/* FORCE drops messages; any size */
	NAME_ZERO,		/* capacity zero, for ever */
	NAME_WILD_READ,		/* FORCE, read() and write() */
	NAME_STREAM,		/* received by one process that is never killed: in order */
	NAME_OWNED,		/* ends with whatever process owns it */
	NAME_BROADCAST,		/* the slowest handle holds the senders back */
	NAME_OVERFLOW,		/* ... or loses its oldest */
	NAME_RING,		/* see stress_ring.h */
	NAME_GROW,
	NAMES,
	NAME_INBOX = NAMES,	/* of a process: what came over its links. No name leads to it. */
};

static inline bool name_is_broadcast(unsigned int name)
{
	return name == NAME_BROADCAST || name == NAME_OVERFLOW;
}

static inline bool name_is_ring(unsigned int name)
{
	return name == NAME_RING || name == NAME_GROW;
}

static inline bool name_has_read(unsigned int name)
{
	return name != NAME_WILD && name != NAME_ZERO && !name_is_broadcast(name);
}

/* Some of these take few processes, or one receiving at a time. */
static inline bool name_has_limits(unsigned int name)
{
	return name == NAME_WILD || name == NAME_WILD_READ || name == NAME_OWNED;
}

static inline bool name_has_force(unsigned int name)
{
	return name == NAME_WILD || name == NAME_WILD_READ;
}

/* Of the stream, messages of this type are asked for while others wait. */
#define STREAM_TYPE	2

enum entry_flag {
	SENT		= 1 << 0,	/* the call succeeded */
	FAILED		= 1 << 1,	/* the call failed: nobody may receive it */
	UNKNOWN		= 1 << 2,	/* the sender was killed in the call */
	RECEIVED	= 1 << 3,
	MAYBE		= 1 << 4,	/* in the buffer of a killed receiver */
	WAITED		= 1 << 5,	/* SENT: the call told who received it */
	WITHDRAWN	= 1 << 6,	/* FAILED: may have been accepted meanwhile */
	DIED		= 1 << 7,	/* FAILED: likewise, and then it was dropped */
	OPEN		= 1 << 8,	/* the entry is in use */
	SYNC		= 1 << 9,	/* of a broadcast: told is who received it, not to whom it went */
};

struct entry {
	uint32_t flags;
	uint32_t box;
	uint32_t size;
	uint32_t prio;
	uint32_t type;
	int32_t sender;		/* pid */
	int32_t receiver;	/* pid, before RECEIVED is set */
	int32_t told;		/* pid of the receiver as the send returned it; handles, of a broadcast */
	uint32_t receipts;	/* of a broadcast, beside RECEIVED, */
	uint32_t maybe;		/* and beside MAYBE */
};

/* What a payload begins with, if it has so many bytes. */
struct stamp {
	uint32_t number;
	uint32_t check;
	uint32_t size;
	uint32_t prio;
};

/* The number of a message that has no room for a stamp is its type, with this bit set. */
#define TYPE_IS_NUMBER	0x80000000u

/* What a thread is at. Others write to it only when it is dead. */
struct slot {
	uint32_t next;		/* entry of the next message */
	uint32_t sending;	/* entry + 1 */
	uint32_t receiving;	/* RECEIVING_* */
	uint32_t forcing;	/* name + 1 of the mailbox that it deletes with FORCE */
	pid_t pid, tid;
	bool single;		/* its process has no other thread */
	struct mbox_ioc_recv recv;
	uint8_t in[ROOM] __attribute__((aligned(4096)));
	uint8_t out[STREAM_SIZE] __attribute__((aligned(4096)));
} __attribute__((aligned(4096)));

#define RECEIVING_RECV	1	/* the header tells */
#define RECEIVING_READ	2	/* the stamp tells */

/* What two sides of a ring did, see stress_ring.h. */
struct ring_book {
	struct ring_mark {
		uint64_t index, seq;
	} marks[2][2];			/* of each side, the last and the one before */
};

struct box {
	uint64_t id;			/* written last */
	uint32_t name;
	bool max_procs, exclusive;	/* it has such a limit */
	bool no_sync;			/* nobody sends to it synchronously */
	struct ring_book ring;
	/* of an inbox, see stress_party.h */
	pid_t pid;			/* of whose it is; 0: not yet */
	bool quiet;			/* its process makes no calls any more */
	bool final;			/* it has received all that there was, and then saw: */
	struct mbox_info info;
};

/* A handle that is open to receive what is broadcast. Which number it has the kernel does not know. */
#define LISTENERS_MAX	1024
#define LISTENER_SEQS	65536		/* what comes later is not looked at */

struct listener {
	uint64_t received;
	uint32_t seen[LISTENER_SEQS / 32];
};

/* What may be wrong. */
enum fault { FAULT_CALL, FAULT_LEDGER, FAULT_COUNTERS, FAULT_LEFT, FAULTS };

#define WORDS_MAX	24
#define WORDS_SIZE	240

struct ledger {
	uint32_t round;
	uint32_t stop;
	bool restarts;			/* signals may have calls restarted */
	uint32_t nr_boxes;
	uint32_t faults[FAULTS];
	uint32_t nr_words;
	char words[WORDS_MAX][WORDS_SIZE];
	uint64_t forced[NAMES];		/* messages that FORCE said it dropped */
	uint32_t force_unknown[NAMES];	/* deletions whose process was killed in it */
	struct box boxes[BOXES_MAX];
	uint32_t nr_listeners;
	struct listener listeners[LISTENERS_MAX];	/* 0 is nobody */
	uint64_t sends, receives, calls, kills, signals, deletions, namespaces;
	uint64_t handovers, owners_ended, links, deadlocks, broadcasts, records, sides;
	struct entry entries[THREADS_MAX][ENTRIES];
	uint8_t stream[STREAM_SIZE];
};

static struct ledger *ledger;
static struct slot *slots;	/* THREADS_MAX */

__attribute__((format(printf, 2, 3)))
static void fault(enum fault kind, const char *format, ...)
{
	uint32_t n = __atomic_fetch_add(&ledger->nr_words, 1, __ATOMIC_RELAXED);
	va_list args;

	__atomic_fetch_add(&ledger->faults[kind], 1, __ATOMIC_RELAXED);
	if (n >= WORDS_MAX)
		return;
	va_start(args, format);
	vsnprintf(ledger->words[n], WORDS_SIZE, format, args);
	va_end(args);
}

static inline void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline uint32_t mark(struct entry *entry, uint32_t flags)
{
	return __atomic_fetch_or(&entry->flags, flags, __ATOMIC_ACQ_REL);
}

/* Numbers. */

static inline uint32_t number_of(uint32_t thread, uint32_t index)
{
	return (ledger->round & 0x7ff) << 20 | thread << 14 | index;
}

static inline struct entry *entry_of(uint32_t number)
{
	uint32_t thread = number >> 14 & 0x3f;
	struct entry *entry;

	if (number >> 20 != (ledger->round & 0x7ff) || thread >= THREADS_MAX)
		return NULL;
	entry = &ledger->entries[thread][number & (ENTRIES - 1)];
	return __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & OPEN ? entry : NULL;
}

/* Payloads: the stamp, and a part of the stream that depends on the number. */

static inline const uint8_t *noise_of(uint32_t number)
{
	return ledger->stream + (number * 0x9e3779b1u >> 20);
}

static inline void payload_make(uint8_t *data, uint32_t size, uint32_t prio, uint32_t number)
{
	struct stamp stamp = { number, ~number, size, prio };

	memcpy(data, noise_of(number), size);
	if (size >= sizeof(stamp))
		memcpy(data, &stamp, sizeof(stamp));
}

static inline bool payload_right(const uint8_t *data, uint32_t size, uint32_t number)
{
	uint32_t skip = size >= sizeof(struct stamp) ? sizeof(struct stamp) : 0;

	return memcmp(data + skip, noise_of(number) + skip, size - skip) == 0;
}

/* The entry of a message of which only this is known; NULL if there is none. @header may be, too. */
static struct entry *entry_find(const struct mbox_header *header, const uint8_t *data,
				uint64_t length, uint32_t *number)
{
	struct stamp stamp;

	if (length >= sizeof(stamp)) {
		memcpy(&stamp, data, sizeof(stamp));
		if (stamp.number != ~stamp.check)
			return NULL;
		*number = stamp.number;
	} else if (header && (header->type & TYPE_IS_NUMBER)) {
		*number = header->type & ~TYPE_IS_NUMBER;
	} else {
		return NULL;
	}
	return entry_of(*number);
}

/* Of what is broadcast each handle may receive each message once. */
static void listener_got(uint32_t number, uint64_t seq, uint32_t message)
{
	struct listener *listener = &ledger->listeners[number];
	uint32_t bit = 1U << seq % 32;

	count(&listener->received);
	if (seq < LISTENER_SEQS &&
	    (__atomic_fetch_or(&listener->seen[seq / 32], bit, __ATOMIC_RELAXED) & bit))
		fault(FAULT_LEDGER, "%08x, number %llu, was received twice through handle %u", message,
		      (long long)seq, number);
}

/*
 * Somebody got a message from @box. If he took it (and did not peek), nobody else may have, and its
 * sender must not have been told that it was not sent. @listener is whose it was, of a broadcast.
 */
static struct entry *ledger_got(uint32_t box, uint32_t listener, const struct mbox_header *header,
				const uint8_t *data, uint64_t length, bool took)
{
	struct entry *entry;
	uint32_t number, old;

	entry = entry_find(header, data, length, &number);
	if (!entry) {
		fault(FAULT_LEDGER, "box %u: a message of %llu bytes that nobody sent", box,
		      (unsigned long long)length);
		return NULL;
	}
	if (entry->box != box || entry->size != length)
		fault(FAULT_LEDGER, "%08x sent to box %u with %u bytes came from %u with %llu", number,
		      entry->box, entry->size, box, (unsigned long long)length);
	if (header && (header->prio != entry->prio || header->type != entry->type ||
		       header->pid != (uint32_t)entry->sender || header->length != length))
		fault(FAULT_LEDGER, "%08x: header has prio %u type %x pid %u, sent were %u %x %d",
		      number, header->prio, header->type, header->pid, entry->prio, entry->type,
		      entry->sender);
	if (!payload_right(data, length, number))
		fault(FAULT_LEDGER, "%08x: the payload of %llu bytes is not what was sent", number,
		      (unsigned long long)length);
	if (!took)
		return entry;
	entry->receiver = getpid();
	if (listener) {
		__atomic_fetch_add(&entry->receipts, 1, __ATOMIC_RELAXED);
		listener_got(listener, header->seq, number);
	}
	old = mark(entry, RECEIVED);
	if ((old & RECEIVED) && !listener)
		fault(FAULT_LEDGER, "%08x was received twice", number);
	if (old & FAILED)
		fault(FAULT_LEDGER, "%08x was received after its send had failed (%x)", number, old);
	count(&ledger->receives);
	return entry;
}

/* The thread is dead: settle what it was at. */
static void ledger_bury(uint32_t thread)
{
	struct slot *slot = &slots[thread];
	const struct mbox_header *header = NULL;
	struct entry *entry;
	struct stamp stamp;
	uint64_t length;
	uint32_t number;

	if (slot->sending) {
		entry = &ledger->entries[thread][slot->sending - 1];
		if (!(entry->flags & (SENT | FAILED)))
			mark(entry, UNKNOWN);
		slot->next = slot->sending;
		slot->sending = 0;
	}
	if (slot->receiving) {
		memcpy(&stamp, slot->in, sizeof(stamp));
		length = stamp.size;
		if (slot->receiving == RECEIVING_RECV) {
			header = &slot->recv.header;
			length = header->length;
		}
		entry = length <= ROOM ? entry_find(header, slot->in, length, &number) : NULL;
		if (entry) {
			mark(entry, MAYBE);
			entry->maybe++;
		}
		slot->receiving = 0;
	}
	if (slot->forcing) {
		ledger->force_unknown[slot->forcing - 1]++;
		slot->forcing = 0;
	}
	slot->tid = 0;
}

#endif
