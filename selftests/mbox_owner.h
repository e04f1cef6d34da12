/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that own mailboxes: children that live on, and end, as the test tells them. */
#ifndef MBOX_OWNER_H
#define MBOX_OWNER_H

#include "mbox_child.h"

#include <pthread.h>

/* A child that does as it is told, and is told by flags in memory that it shares. */
struct owner {
	char name[MBOX_NAME_SIZE];
	int (*task)(struct owner *owner);
	int stop;		/* to the child: go on */
	int ready;		/* from the child: it came to where it waits */
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

static inline void owner_fork(struct __test_metadata *_metadata, struct owner *owner)
{
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		owner->result = owner->task(owner);
		set_flag(&owner->ready);
		_exit(0);
	}
	owner->pid = pid;
}

static inline struct owner *owner_start(struct __test_metadata *_metadata,
					int (*task)(struct owner *owner))
{
	struct owner *owner = shared_alloc(sizeof(*owner));

	name_make(owner->name);
	owner->task = task;
	owner->result = -EINPROGRESS;
	owner_fork(_metadata, owner);
	ASSERT_TRUE(await_flag(&owner->ready));
	return owner;
}

static inline void owner_kill(struct __test_metadata *_metadata, struct owner *owner)
{
	if (!owner->reaped) {
		kill(owner->pid, SIGKILL);
		ASSERT_LE(0, reap(owner->pid));
	}
	owner->reaped = true;
}

/* Let it go on, to its end. */
static inline void owner_finish(struct __test_metadata *_metadata, struct owner *owner)
{
	set_flag(&owner->stop);
	ASSERT_EQ(0, reap(owner->pid));
	owner->reaped = true;
}

/* How a process ends and is reaped; its mailboxes end just then, but a moment may pass. */
static inline bool await_dead(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).state != MBOX_STATE_DEAD) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

static inline int hand_over(int fd, uint32_t flags, uint32_t pid)
{
	struct mbox_ioc_handover arg = { .flags = flags, .pid = pid };

	return xioctl(fd, MBOX_IOC_HANDOVER, &arg);
}

/* In a thread. */
static inline void *rest_of_owner(void *arg)
{
	struct owner *owner = arg;

	await_stop(owner);
	_exit(0);
}

#endif
