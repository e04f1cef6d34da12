/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Child processes, and waiting for them.
 *
 * A test never guesses how long something takes. The mailbox itself tells whether a call is blocked
 * (the counters senders and receivers); a child writes its results to memory that it shares with the
 * test; a child that does not end is killed after PATIENCE and reported as -ETIME. Children die with
 * their parent.
 */
#ifndef LIB_CHILD_H
#define LIB_CHILD_H

#include "mbox_test.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

void *shared_alloc(size_t size);
void die_with(pid_t parent);
pid_t fork_child(void);
pid_t fork_child_as(pid_t number);
int reap(pid_t pid);
bool await_flag(const int *flag);

static inline void set_flag(int *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

bool await_blocked(int fd, uint32_t senders, uint32_t receivers);

#define PROCESS_STAT	1024

const char *process_stat(pid_t pid, char line[PROCESS_STAT]);
char process_state(pid_t pid);
bool await_sleeping(pid_t pid);

int in_child(int (*fn)(void *), void *arg);
bool run_on(int cpu);

/* In children, which have no EXPECT(): print the failed check and return -EBADMSG. */
#define CHECK(expected, seen) do { \
	long long expected_ = (expected), seen_ = (seen); \
	if (expected_ != seen_) { \
		fprintf(stderr, "# %s:%d: expected %s (%lld), got %s (%lld)\n", __FILE__, \
			__LINE__, #expected, expected_, #seen, seen_); \
		return -EBADMSG; \
	} \
} while (0)

#endif
