// SPDX-License-Identifier: GPL-2.0-only
/* Operations on mailboxes that a process owns, and handing over. */
#include "fail_nth/fail_nth.h"

static void prepare_create_owned(struct scene *s)
{
	prepare_create(s);
	s->args.open.lifetime = MBOX_LIFETIME_PROCESS;
}

static void created_owned(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(getpid(), info_of(ret).owner);
	EXPECT_EQ(0, delete_fd(ret, MBOX_DELETE_EMPTY));
	close(ret);
	not_created(s);
}

/* A failure because of the name comes after the owner was made. */
static void prepare_create_owned_taken(struct scene *s)
{
	s->args.open = open_arg(s->name, 1);
	s->args.open.lifetime = MBOX_LIFETIME_PROCESS;
}

/* Return another process of this user, as an owner has to be; it has none of our descriptors. */
static pid_t another(void)
{
	static pid_t pid;
	int *ready;

	if (pid)
		return pid;
	ready = shared_alloc(sizeof(*ready));
	pid = fork_child();
	if (pid == 0) {
		close_range(0, ~0U, 0);
		set_flag(ready);
		for (;;)
			pause();
	}
	await_flag(ready);
	return pid;
}

static void prepare_handover(struct scene *s)
{
	s->args.handover.flags = s->op->flags;
	s->args.handover.pid = another();
}

/* It has an owner already; and an heir, which is replaced. */
static void prepare_heir(struct scene *s)
{
	struct mbox_ioc_handover owner = { .pid = getpid() };
	struct mbox_ioc_handover heir = { .flags = MBOX_HANDOVER_HEIR, .pid = getpid() };
	SCENE(s);

	ASSERT_EQ(0, xioctl(s->observer, MBOX_IOC_HANDOVER, &owner));
	ASSERT_EQ(0, xioctl(s->observer, MBOX_IOC_HANDOVER, &heir));
	prepare_handover(s);
}

static long call_handover(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_HANDOVER, &s->args.handover);
}

/* The mailbox does not end with its handles any more. */
static void owner_changed(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(another(), op->flags & MBOX_HANDOVER_HEIR ? info_of(s->observer).heir :
							      info_of(s->observer).owner);
	EXPECT_EQ(MBOX_LIFETIME_PROCESS, info_of(s->observer).lifetime);
	EXPECT_EQ(0, delete_fd(s->observer, MBOX_DELETE_EMPTY));
}

const struct op owner_ops[] = {
	{
		.name = "create_owned",
		.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_owned,
		.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created_owned,
	},

	{
		.name = "create_owned_taken",
		.errors = OPEN_ERRORS, .prepare = prepare_create_owned_taken, .result = -EEXIST,
		.call = call_open, .cmd = MBOX_IOC_CREATE,
	},

	{
		.name = "handover",
		.errors = { ENOMEM, EFAULT }, .prepare = prepare_handover, .call = call_handover,
		.done = owner_changed,
	},

	/* Operations that would have to be undone by hand after a failure use a mailbox of their own. */
	{
		.name = "handover_heir",
		.errors = { ENOMEM, EFAULT }, .prepare = prepare_heir, .call = call_handover,
		.done = owner_changed, .flags = MBOX_HANDOVER_HEIR | MBOX_HANDOVER_RECV,
	},

	{
		.name = "handover_on",
		.errors = { ENOMEM, EFAULT }, .prepare = prepare_heir, .call = call_handover,
		.done = owner_changed,
	},

	LAZY(handover, .errors = { ENOMEM, EFAULT }, .prepare = prepare_handover,
	     .call = call_handover, .done = owner_changed),

	{}
};
