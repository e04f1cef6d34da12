/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger of stress_test and ledger_test: the fate of each message, in memory that outlives the
 * processes that are killed.
 *
 * A message carries a number that leads to its entry: the round, the thread that sends it, and how
 * many messages that thread sent before. A thread writes down its intention before each call, and the
 * result after it. A kill in between leaves at most one send and one receive of the thread open:
 *
 *	a send		UNKNOWN: it may have been accepted.
 *	a receive	MAYBE: the message is in the receiver's buffer, which is shared memory. The
 *			kernel writes the buffer before it takes the message from the mailbox. The
 *			message was taken if and only if nobody else receives it.
 *
 * All else is certain. At the end of a round, when no worker is left and the supervisor has received
 * the messages that were queued, check.c compares the entries of each mailbox with its counters.
 */
#ifndef STRESS_LEDGER_H
#define STRESS_LEDGER_H

#include "lib/child.h"

#define THREADS_MAX	48	/* of all processes together */
#define ENTRIES		16384	/* messages of a thread in a round */
#define BOXES_MAX	512	/* of a round: mailboxes, each of the names' again and again; inboxes */
#define NO_BOX		(BOXES_MAX - 1)	/* a mailbox without a box */

#define ROOM		(512 * 1024)	/* for the longest message */
#define STREAM_SIZE	(ROOM + 4096)

/*
 * The names, each with rules of its own. read() gives no header, so messages must be long enough to
 * hold their number where it is used.
 */
enum box_name {
	NAME_PLAIN,		/* read() and write(); no message is dropped */
	NAME_WILD,		/* FORCE drops messages; any size */
	NAME_ZERO,		/* capacity zero, for ever */
	NAME_WILD_READ,		/* FORCE, read() and write() */
	NAME_STREAM,		/* received by one process that is never killed: in order */
	NAME_OWNED,		/* ends with the process that owns it */
	NAME_BROADCAST,		/* the slowest handle holds the senders back */
	NAME_OVERFLOW,		/* ... or loses its oldest */
	NAME_RING,		/* see ring.c */
	NAME_GROW,
	NAMES,
	NAME_INBOX = NAMES,	/* inbox of a process: messages over its links. No name leads to it. */
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

/* Receives by this type search the stream, past other messages. */
#define STREAM_TYPE	2

enum entry_flag {
	SENT		= 1 << 0,	/* the call succeeded */
	FAILED		= 1 << 1,	/* the call failed: nobody may receive it */
	UNKNOWN		= 1 << 2,	/* the sender was killed in the call */
	RECEIVED	= 1 << 3,
	MAYBE		= 1 << 4,	/* in the buffer of a killed receiver */
	WAITED		= 1 << 5,	/* SENT: the call returned the receiver */
	WITHDRAWN	= 1 << 6,	/* FAILED: may have been accepted meanwhile */
	DIED		= 1 << 7,	/* FAILED: likewise, and then it was dropped */
	OPEN		= 1 << 8,	/* the entry is in use */
	SYNC		= 1 << 9,	/* of a broadcast: told counts receivers, not deliveries */
	LEASED		= 1 << 10,	/* it was leased: its holder need not receive it */
};

struct entry {
	uint64_t seq;		/* the kernel's number, from a header; 0: not known */
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
	int32_t holder;		/* MAYBE: pid of the last such receiver */
};

/* A payload begins with this, if it has so many bytes. */
struct stamp {
	uint32_t number;
	uint32_t check;
	uint32_t size;
	uint32_t prio;
};

/* The number of a message that has no room for a stamp is its type, with this bit set. */
#define TYPE_IS_NUMBER	0x80000000u

/* Messages of a batch, and room for each. */
#define BATCH		8
#define BATCH_ROOM	(ROOM / BATCH)

/* The state of a thread. Others write to it only when it is dead. */
struct slot {
	uint32_t next;		/* entry of the next message */
	uint32_t sending;	/* entry + 1, */
	uint32_t nr_sending;	/* and more from there on, of a batch; 0 is as 1 */
	uint32_t receiving;	/* RECEIVING_* */
	uint32_t forcing;	/* name + 1 of the mailbox that it deletes with FORCE */
	pid_t pid, tid;
	bool single;		/* its process has no other thread */
	struct mbox_ioc_recv recv;
	struct mbox_ioc_lease lease;
	struct mbox_recv_entry recvv[BATCH];
	uint32_t nr_recvv;
	uint8_t in[ROOM] __attribute__((aligned(4096)));
	uint8_t out[STREAM_SIZE] __attribute__((aligned(4096)));
} __attribute__((aligned(4096)));

#define RECEIVING_RECV	1	/* the header tells */
#define RECEIVING_READ	2	/* the stamp tells */
#define RECEIVING_BATCH	3	/* each header tells */
#define RECEIVING_LEASE	4	/* it has not received */

/* The positions of the two sides of a ring, see ring.c. */
struct ring_marks {
	struct ring_mark {
		uint64_t index, seq;
	} marks[2][2];			/* of each side, the last and the one before */
};

struct box {
	uint64_t id;			/* written last */
	uint32_t name;
	bool max_procs, exclusive;	/* it has such a limit */
	bool no_sync;			/* nobody sends to it synchronously */
	struct ring_marks ring;
	/* of an inbox, see link.c */
	pid_t pid;			/* its process; 0: not yet */
	bool quiet;			/* its process makes no calls any more */
	bool final;			/* it has received all, and then had this state: */
	struct mbox_info info;
};

/* A handle that is open to receive broadcasts. Its number is the ledger's, not the kernel's. */
#define LISTENERS_MAX	1024
#define LISTENER_SEQS	65536		/* later ones are not checked */

struct listener {
	uint64_t received;
	uint32_t seen[LISTENER_SEQS / 32];
};

/* Kinds of faults. */
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
	uint32_t force_unknown[NAMES];	/* deletions during which the process was killed */
	struct box boxes[BOXES_MAX];
	uint32_t nr_listeners;
	struct listener listeners[LISTENERS_MAX];	/* 0 is nobody */
	uint64_t sends, receives, calls, kills, signals, deletions, namespaces;
	uint64_t handovers, owners_ended, links, deadlocks, broadcasts, records, sides;
	uint64_t leases, requests;
	struct entry entries[THREADS_MAX][ENTRIES];
	uint8_t stream[STREAM_SIZE];
};

extern struct ledger *ledger;
extern struct slot *slots;	/* THREADS_MAX */

static inline void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline uint32_t mark(struct entry *entry, uint32_t flags)
{
	return __atomic_fetch_or(&entry->flags, flags, __ATOMIC_ACQ_REL);
}

/* ledger.c */
int ledger_new(uint64_t seed);
void ledger_clear(void);
void ledger_print(void);
__attribute__((format(printf, 2, 3)))
void fault(enum fault kind, const char *format, ...);
uint32_t number_of(uint32_t thread, uint32_t index);
const uint8_t *noise_of(uint32_t number);
void payload_make(uint8_t *data, uint32_t size, uint32_t prio, uint32_t number);
struct entry *ledger_got(uint32_t box, uint32_t listener, const struct mbox_header *header,
			 const uint8_t *data, uint64_t length, bool took);
void ledger_reap(uint32_t thread);

/* check.c */
void ledger_check(uint32_t box, const struct mbox_info *info);
void broadcast_check(uint32_t box, bool listens, const struct mbox_info *info);

#endif
