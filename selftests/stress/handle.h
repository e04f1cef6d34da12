/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handles of a process of stress_test, which its threads share without locks: one thread may
 * close a handle on which another is blocked. No descriptor number is used twice, so a call never
 * reaches another mailbox than the ledger has for it: a new handle moves to a number of its own, and
 * a thread that comes too late gets EBADF.
 */
#ifndef STRESS_HANDLE_H
#define STRESS_HANDLE_H

#include "stress/ledger.h"

#define HANDLES		12	/* of a process */
#define FIRST_FD	400	/* the numbers that are used once */
#define SCRATCH_NAMES	4
#define FLOOD		600	/* messages */
#define SCRATCH_PREFIX	"scratch-"

/* Exit codes of a worker. */
#define EXIT_DONE	0
#define EXIT_RENEW	17	/* its descriptors are used up */

/* A handle in a word, so that it is read and replaced atomically. */
union handle {
	uint64_t word;
	struct {
		uint64_t fd : 16;	/* 0: none */
		uint64_t box : 10;	/* where it receives from, and sends to */
		uint64_t peer : 10;	/* of a link: the inbox that it sends to */
		uint64_t listener : 11;	/* of broadcasts */
		uint64_t rights : 2;
		uint64_t nonblock : 1;
		uint64_t link : 1;
		uint64_t inbox : 1;
		uint64_t foreign : 1;	/* it is on another's link or inbox */
	};
};

struct thread {
	struct slot *slot, *window;
	struct entry *entries;
	uint32_t index;			/* of its slot */
	uint64_t random;
	pthread_t pthread;
};

/* Set before the processes start. */
extern struct common {
	bool root;
	uint64_t seed;
	pid_t tag;			/* in the names */
	int slots_file;
	int pass[2];			/* sockets for handles */
	int kept[BOXES_MAX];		/* the supervisor's handles */
	unsigned int cpus;
} common;

extern struct process {
	uint64_t handles[HANDLES];
	uint32_t next_fd, last_fd;
	int factory, netns;
	uint32_t inbox_box;		/* the box of its inbox, or NO_BOX */
	int inbox;			/* a handle on it, as long as the process lives */
	uint64_t inbox_id;
	bool privileged, single;	/* one thread only */
	struct slot *windows;		/* a second mapping of the slots, whose pages come and go */
} process;

static inline uint64_t roll(struct thread *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random;
}

static inline uint32_t below(struct thread *t, uint32_t n)
{
	return (roll(t) >> 20) % n;
}

static inline bool one_in(struct thread *t, uint32_t n)
{
	return below(t, n) == 0;
}

/* An error that is possible only for some handles; otherwise one that is possible for all. */
static inline int may_be(bool it_is, int error)
{
	return it_is ? error : EBADF;
}

/* handle.c */
union handle handle_pick(struct thread *t);
void handle_put(struct thread *t, union handle handle);
uint32_t box_find(const struct mbox_info *info);
int handle_number(int fd);
uint32_t listener_new(void);
void handle_adopt(struct thread *t, int fd, bool opened);
void name_of(char name[MBOX_NAME_SIZE], bool scratch, uint32_t n);
void set_deadline(struct thread *t, uint32_t *clock, int64_t *deadline);
uint32_t random_size(struct thread *t);
uint64_t kernel_view(struct thread *t, void *memory);
union handle handle_for(struct thread *t, uint32_t right);

/* expect.c */
void expect_errors(const char *call, long ret, ...);
int maybe_users(union handle handle);
bool may_shut(union handle handle);
int maybe_shut(union handle handle);
int maybe_owner(union handle handle);
int maybe_ring(union handle handle);
int maybe_deadlock(union handle handle);
int maybe_busy(union handle handle);

#endif
