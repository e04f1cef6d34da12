/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * jobs_test: its ledger, and its processes.
 *
 *	main.c		the tests; starts, kills and reaps the processes, and empties the mailboxes
 *	ledger.c	the fate of each message, and the comparison at the end
 *	send.c		senders: sends, posts and calls
 *	work.c		workers: leases, and all that ends one
 *
 * A message carries the number of its entry. A process writes down its intention before a call that
 * may end a message, and the result after it. If it is killed in between, the end is a MAYBE of the
 * entry: it took place if and only if there is no other.
 */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include "lib/child.h"
#include "lib/lease.h"

#define SENDERS		5		/* the last two make calls */
#define CALLERS		2
#define WORKERS		4
#define PROCESSES	(SENDERS + WORKERS)
#define ENTRIES		4096		/* messages of a sender in a round */
#define LONGEST		8192U		/* bytes of a message, and of a reply */
#define BATCH		8		/* messages that one call may end */

enum box { BOX_JOBS, BOX_CALLS, BOX_LETTERS, BOXES };

/* How a message ends for its receiver. */
enum end { END_TAKEN, END_ACKED, END_REPLIED, END_REJECTED, ENDS };

enum entry_flag {
	OPEN = 1 << 0,
	SENT = 1 << 1,		/* the call succeeded */
	FAILED = 1 << 2,	/* it failed: nobody may have received the message */
	UNKNOWN = 1 << 3,	/* the sender was killed in the call, or cannot know */
	WAITED = 1 << 4,	/* SENT: it waited for an acknowledgement, and was told whose */
	RETRY = 1 << 5,		/* a call that goes to another server */
	MOVED = 1 << 6,		/* it went to the dead-letter mailbox */
	MARKED = 1 << 7,
	WITHDRAWS = 1 << 8,	/* its sender may take it back from a holder */
};

struct entry {
	uint32_t flags;
	uint32_t box;		/* to which it was sent */
	uint32_t size;
	uint32_t ends[ENDS], maybe[ENDS];
	uint32_t end_box;	/* where it ended */
	int32_t end_pid;
	uint32_t reply_size;	/* before the reply, with @end_pid */
	uint32_t meddled;	/* calls with its tokens by others than their holders */
	uint32_t leases;
	int32_t told;		/* pid of the receiver, as the sender was told */
	int32_t error;		/* of a call that failed */
	uint64_t token[2];	/* the last of its mailbox, and of the dead-letter mailbox */
	int64_t not_before;	/* on CLOCK_MONOTONIC */
	int64_t expires;
};

/* A payload, and a reply, begins with this. */
struct stamp {
	uint32_t number;
	uint32_t check;
	uint32_t size;
	uint32_t pid;		/* of the process that made it */
};

/* The next step of a process, which it notes before it takes it. */
struct slot {
	pid_t pid;		/* 0: it has ended */
	uint32_t next;		/* entry of a sender's next message */
	uint32_t sending;	/* entry + 1 */
	uint32_t nr_ending;
	uint32_t ending[BATCH];	/* numbers, */
	uint32_t how;		/* and by which end; END_TAKEN: see @in */
	uint32_t box;
	uint8_t in[BATCH][LONGEST];
};

struct ledger {
	uint64_t seed;
	uint32_t round;
	uint32_t stop;		/* senders are to end */
	uint32_t faults;
	uint32_t nr_words;
	char words[16][256];
	char names[BOXES][MBOX_NAME_SIZE];
	int fds[BOXES];
	uint64_t ids[BOXES];
	uint32_t most;		/* max_deliveries of BOX_JOBS */
	bool purges, dies, kills;
	uint64_t counts[ENDS], sends, refused, leases, stale, calls, kicked, meddled, kill_count[2];
	struct slot slots[PROCESSES];
	struct entry entries[SENDERS][ENTRIES];
	uint8_t noise[LONGEST + 4096];
};

extern struct ledger *ledger;

/* Random numbers of a process. */
struct rng {
	uint64_t state;
};

static inline uint32_t below(struct rng *rng, uint32_t n)
{
	rng->state ^= rng->state << 13;
	rng->state ^= rng->state >> 7;
	rng->state ^= rng->state << 17;
	return (rng->state >> 20) % n;
}

static inline bool one_in(struct rng *rng, uint32_t n)
{
	return below(rng, n) == 0;
}

static inline void count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* ledger.c */
void ledger_new(uint64_t seed);
void ledger_clear(void);
void ledger_print(void);
__attribute__((format(printf, 1, 2)))
void fault(const char *format, ...);
struct entry *entry_of(uint32_t number);
void payload_make(uint8_t *data, uint32_t size, uint32_t number);
bool payload_right(const uint8_t *data, uint32_t size, uint32_t number);
struct entry *message_of(uint32_t box, const uint8_t *data, uint64_t length, uint32_t *number);
void entry_ended(uint32_t number, uint32_t box, enum end end);
void slot_reap(struct slot *slot);
void ledger_check(const struct mbox_info info[BOXES]);
uint32_t random_size(struct rng *rng);
void expect_error(const char *call, long ret, ...);

/* send.c */
void sender_run(uint32_t sender);

/* work.c */
void worker_run(uint32_t process);

#endif
