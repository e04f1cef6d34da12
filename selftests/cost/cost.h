/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cost: the cost of a message, through mbox and through its peers, in one boot.
 *
 * A row of the table is a workload with its parameters (row.c), a column is a way to pass messages
 * (mbox.c, peer.c, futex.c). A process of its own measures each cell (cell.c): it opens channels,
 * runs the workload until all is warm, and then in rounds, of which the least counts.
 */
#ifndef COST_COST_H
#define COST_COST_H

#include "lib/child.h"

#include <mbox.h>

/*
 * For some seconds after boot the kernel has work of its own to do. Where it has one CPU, that
 * counts as ours.
 */
#define SETTLE		5	/* seconds */

struct channel {
	const struct way *way;
	size_t size;			/* bytes of a message */
	unsigned int depth;		/* messages that it takes, where the way has such a limit */
	int fds[2];			/* to receive from and to send to, or -1 */
	key_t key;			/* of System V, likewise the next two */
	int id;
	int flags;			/* for a receive */
	struct mbox *mbs[2];		/* likewise, through the library */
	struct futex_ring *futex;
	uint64_t token;			/* of the lease to acknowledge, or 0 */
	bool named;			/* by this name, or by the key */
	char name[MBOX_NAME_SIZE];
};

/* All return 0 or a negated errno. A function that is missing is not for this way. */
struct way {
	const char *name;
	bool ours;
	int (*open)(struct channel *ch);
	int (*send)(struct channel *ch);
	int (*recv)(struct channel *ch);
	void (*close)(struct channel *ch);
	/* @count messages in one call, up to BATCH_MOST */
	int (*send_batch)(struct channel *ch, unsigned int count);
	int (*recv_batch)(struct channel *ch, unsigned int count);
	/* by priority, 0 to PRIORITIES - 1, the highest first */
	int (*send_prio)(struct channel *ch, unsigned int prio);
	int (*recv_prio)(struct channel *ch);
	/* open once more by its name or key, and close that */
	int (*reopen)(struct channel *ch);
	/* close the handle; the queue stays until close() */
	void (*leave)(struct channel *ch);
};

enum way_nr {
	IOCTL, WRITE, LIBRARY, PIPE, SYSV, MQ, SEQPACKET, DGRAM, RING, FUTEX, LEASE, NR_WAYS
};

#define PRIORITIES	32
#define BATCH_MOST	32

struct row {
	const char *name;		/* its full name has the size too */
	const struct workload *workload;
	size_t size;			/* of a message */
	unsigned int depth;		/* of the queue, or the workload's own number */
	unsigned int ways;		/* bits of enum way_nr */
	/* of the design, for the cheapest way of mbox and for the ioctls, or 0 */
	int64_t goal, ioctl_goal;
	bool slow;			/* not checked by the test */
	int tolerance;			/* in per cent, where it is not that of all rows */
};

#define ROW_NAME_SIZE	40

/* A running workload, in the process of its cell. */
struct bench {
	const struct row *row;
	const struct way *way;
	struct channel channel, back;	/* the second one where messages go both ways */
	struct channel *many;
	unsigned int nr_many, next;
	pid_t partner;			/* the other process, or 0 */
	unsigned int *sent;		/* by the partner, where it sends without end */
	int epoll;
};

struct workload {
	const char *about;
	const char *unit;		/* of which the cost is printed */
	int (*begin)(struct bench *bench);
	int (*run)(struct bench *bench, unsigned int times);
	/* in place of run: thousandths of a figure that is no count of instructions */
	int64_t (*figure)(struct bench *bench);
	bool whole;			/* run a multiple of the row's depth */
};

struct cell {
	int error;
	int64_t least;			/* of a thousand units: nanoseconds or bytes */
	bool switched;			/* the next two are known */
	double voluntary, involuntary;	/* context switches per unit */
};

/* way.c */
extern const struct way *const ways[NR_WAYS];
extern struct payload { long type; char data[]; } *outgoing, *incoming;
int payload_prepare(size_t size);
int way_number(const char *name);
int channel_open(struct channel *ch, const struct bench *bench, unsigned int depth);
int channel_open_named(struct channel *ch, const struct bench *bench, unsigned int depth);
void channel_close(struct channel *ch);
int channel_error(ssize_t ret, size_t expected);

/* mbox.c, peer.c, futex.c */
extern const struct way way_ioctl, way_write, way_library, way_ring, way_futex, way_lease;
extern const struct way way_pipe, way_sysv, way_mq, way_seqpacket, way_dgram;

/* row.c */
extern const struct row rows[];
const char *row_name(const struct row *row, char name[ROW_NAME_SIZE]);
bool row_matches(const struct row *row, char **patterns);
bool row_has(const struct row *row, int way);

/* cell.c */
void unit_done(void);
void cell_measure(const struct row *row, const struct way *way, int rounds, struct cell *cell);
int cell_repeat(const struct row *row, const struct way *way);
int partner_start(struct bench *bench, int (*loop)(struct bench *bench));

/* reference.c */
#define KERNEL_NAME_SIZE	32
const char *kernel_name(char name[KERNEL_NAME_SIZE]);
int reference_check(const char *path, char **patterns, int rounds);

/* table.c */
void table_print(const struct row *first, const struct row *end, char **patterns,
		 struct cell (*cells)[NR_WAYS]);
void figures_print(char **patterns, struct cell (*cells)[NR_WAYS]);

/* pair.c, batch.c, stream.c, ping.c, job.c, crowd.c, prio.c, many.c */
extern const struct workload pair, empty, batch, stream, ping, epoll_ping, call, crowd, prio;
extern const struct workload many_open, many_send, memory;

#endif
