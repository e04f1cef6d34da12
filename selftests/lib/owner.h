/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that own mailboxes: children that live on, and end, as the test tells them. */
#ifndef LIB_OWNER_H
#define LIB_OWNER_H

#include "child.h"

#include <pthread.h>

/* A child that follows flags in memory that it shares with the test. */
struct owner {
	char name[MBOX_NAME_SIZE];
	int (*task)(struct owner *owner);
	int stop;		/* to the child: go on */
	int ready;		/* from the child: it waits */
	int result;
	pid_t pid;
	bool reaped;
};

static inline void await_stop(struct owner *owner)
{
	set_flag(&owner->ready);
	while (!__atomic_load_n(&owner->stop, __ATOMIC_ACQUIRE))
		nap();
}

static inline int just_live(struct owner *owner)
{
	await_stop(owner);
	return 0;
}

void owner_fork(struct __test_metadata *_metadata, struct owner *owner);
struct owner *owner_start(struct __test_metadata *_metadata, int (*task)(struct owner *owner));
void owner_kill(struct __test_metadata *_metadata, struct owner *owner);

/* Let the owner end, and reap it. */
static inline void owner_finish(struct __test_metadata *_metadata, struct owner *owner)
{
	set_flag(&owner->stop);
	ASSERT_EQ(0, reap(owner->pid));
	owner->reaped = true;
}

bool await_dead(int fd);

static inline int hand_over(int fd, uint32_t flags, uint32_t pid)
{
	struct mbox_ioc_handover arg = { .flags = flags, .pid = pid };

	return xioctl(fd, MBOX_IOC_HANDOVER, &arg);
}

void *rest_of_owner(void *arg);

#endif
