// SPDX-License-Identifier: GPL-2.0-only
/* Processes that own mailboxes. */
#include "owner.h"

void owner_fork(struct __test_metadata *_metadata, struct owner *owner)
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

struct owner *owner_start(struct __test_metadata *_metadata, int (*task)(struct owner *owner))
{
	struct owner *owner = shared_alloc(sizeof(*owner));

	name_make(owner->name);
	owner->task = task;
	owner->result = -EINPROGRESS;
	owner_fork(_metadata, owner);
	ASSERT_TRUE(await_flag(&owner->ready));
	return owner;
}

void owner_kill(struct __test_metadata *_metadata, struct owner *owner)
{
	if (!owner->reaped) {
		kill(owner->pid, SIGKILL);
		ASSERT_LE(0, reap(owner->pid));
	}
	owner->reaped = true;
}

/* Wait until a mailbox is dead: it ends a moment after its owner may have been reaped. */
bool await_dead(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).state != MBOX_STATE_DEAD) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

/* The body of a thread that ends the owner when the test says so. */
void *rest_of_owner(void *arg)
{
	struct owner *owner = arg;

	await_stop(owner);
	_exit(0);
}
