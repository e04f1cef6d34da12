/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * section_test: the cases, and the crowds that they are about.
 *
 * A case makes something first (begin_*) and then acts (act_*); both return 0 or a negated errno.
 * main.c clears away the rest. The cases are in tables, one in each file that is named after their
 * subject.
 */
#ifndef SECTION_SECTION_H
#define SECTION_SECTION_H

#include "lib/netlink.h"
#include "lib/ring.h"

/* How many, at 100 %. */
enum many {
	CROWD,			/* calls that are blocked at a time */
	BACKLOG,		/* messages in a queue */
	DELIVERIES,		/* of short messages, in place of one long one */
	HANDLES,		/* on one mailbox */
	SUBSCRIBERS,		/* of one mailbox that broadcasts */
	MEMBERS,		/* processes that take part in one mailbox */
	LINKS,
	NR_MANY
};

extern int many[NR_MANY];

/* The longest wait in a case, in nanoseconds. */
#define LONG		(20 * NSEC_PER_SEC)

/* A pool of threads, of which the crowds are made: creating them takes long. */
extern struct pool {
	pthread_t *threads;
	int size;			/* how many there are */
	int wanted;			/* how many of them work */
	uint32_t order;			/* futex: another number is an order */
	int left;			/* have not done it */
	bool urgent;			/* they do not yield to the thread that wakes them */
	int (*job)(int nr);
	int *results;
} pool;

extern int crowd_fd;			/* the mailbox of the jobs */
extern struct mbox_ioc_recv crowd_recv;	/* their arguments */
extern struct mbox_ioc_send crowd_send;
extern char crowd_data[4096];
extern int *handles;			/* one for each of them, or all that there are */
extern int nr_handles;

extern pid_t *children;
extern int left_to_begin;

extern struct nl nl;

/* A case: a preparation, and the act during which the processor may be kept. */
struct section {
	const char *name;
	int (*begin)(void);
	int (*act)(void);
	const char *excuse;		/* why it may be longer, or NULL */
};

/* Each ends with a case without a name. */
extern const struct section broadcast_sections[];
extern const struct section put_back_sections[];
extern const struct section end_sections[];
extern const struct section waiter_sections[];
extern const struct section search_sections[];
extern const struct section poll_sections[];
extern const struct section member_sections[];
extern const struct section dump_sections[];
extern const struct section ring_sections[];
extern const struct section link_sections[];

/* sampler.c */
int sampler_start(void);
void window_open(void);
int64_t window_close(void);

/* crowd.c */
int pool_grow(int size);
void pool_order(int wanted, int (*job)(int nr));
void main_schedule(int policy, int priority);
int pool_await(void);
int blocked(int fd);
int crowd_block(int n, int (*job)(int nr));
int limited_crowd(void);
int job_recv(int nr);
int job_recv_own(int nr);
int job_send(int nr);
int job_ring(int nr);
int job_poll(int nr);

/* box.c */
int box_with(uint32_t policy, uint32_t options, uint32_t capacity, uint64_t bytes);
int box_plain(uint32_t capacity);
int box_handles(int n, uint32_t rights);
void handles_close(void);
int fill(int n, uint32_t flags, uint32_t type);
void want_anything(void);
void want_type(uint32_t type);
void give_type(uint32_t type, uint32_t flags);

/* child.c */
int children_start(int n, int (*body)(void *));
void children_end(void);
int children_begin(int n, int (*body)(void *));

/* condition.c */
const char *reason_to_skip(void);

/* broadcast.c */
int begin_subscribers(void);

/* end.c */
int act_delete(void);
int begin_receivers(void);
int begin_senders(void);
int begin_backlog(void);
int act_purge(void);

/* waiter.c */
int begin_by_type_fifo(void);
int act_send_to_all(void);

#endif
