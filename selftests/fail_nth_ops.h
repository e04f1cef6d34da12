/* SPDX-License-Identifier: GPL-2.0-only */
/* The operations of fail_nth_test: what there is before a call, the call, and what it should come to. */
#ifndef FAIL_NTH_OPS_H
#define FAIL_NTH_OPS_H

#include "fail_nth.h"
#include "mbox_child.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#define SMALL		100
#define LARGE		4000
#define HUGE		(5U << 20)	/* more than kmalloc() has */
#define SEGMENTS	10		/* more than the kernel keeps on its stack */
#define POLLS		200		/* likewise */

/* Message number N is what stands from N * STEP on in a stream of bytes. */
#define STEP		8
#define STREAM_SIZE	(HUGE + 4096)
#define PARTNERS	50		/* the number of the partner's message */

enum partner {
	ALONE,
	RECEIVES,		/* is blocked in a receive before the call */
	SENDS,			/* is blocked in a send before the call */
	WILL_RECEIVE,		/* receives once a send is blocked */
	WILL_SEND,		/* sends once a receive is blocked */
};

struct scene;

FIXTURE(op) {
	struct scene *scene;
};

FIXTURE_VARIANT(op) {
	uint32_t capacity;	/* of the mailbox */
	uint32_t policy;
	uint32_t max_procs;
	uint32_t queued;	/* messages in it, from number 1 on */
	uint32_t length;	/* bytes of each, and of what is sent and received */
	bool bare;		/* no mailbox of the caller's, but one of root's */
	bool lazy;		/* the payload's memory is not there yet */
	bool lazy_args;		/* nor is the argument's */
	uint32_t grown;		/* bytes by which the argument is that of a later version */
	bool no_pages;		/* but objects only fail */
	bool as_root;
	bool in_child;		/* what the call does cannot be undone in a process */
	enum partner partner;
	int result;		/* an error, if that is what it has to end with */
	int errors[5];		/* with which it may fail */
	bool any_error;
	void (*prepare)(struct scene *s);
	void (*enter)(struct scene *s);	/* in the child, before the call */
	void (*leave)(struct scene *s, long ret); /* in the child, after it */
	long (*call)(struct scene *s);
	void (*failed)(struct scene *s); /* NULL: all is to be as before */
	void (*done)(struct scene *s, long ret);
	/* where operations share functions */
	unsigned long cmd;
	uint32_t flags;
	uint32_t how;
};

/* What calls are given, and have to leave as it was when they fail. */
struct args {
	struct mbox_ioc_open open;
	struct mbox_ioc_delete delete;
	struct mbox_ioc_send send;
	struct mbox_ioc_recv recv;
	struct mbox_ioc_set set;
	struct mbox_info info;
	struct mbox_ioc_handover handover;
	struct mbox_ioc_link link;
	struct mbox_ioc_inbox inbox;
	struct mbox_ioc_wait wait;
};

struct scene {
	struct __test_metadata *_metadata;
	const FIXTURE_VARIANT(op) *op;
	int factory;		/* the caller's */
	int others;		/* a mailbox of root's */
	char others_name[MBOX_NAME_SIZE];
	int quotas[2];		/* the parameters */
	int stream;		/* a file with the stream in it */
	int lazy_file;		/* one for lazy_args */

	int fd;			/* on which the call is made */
	int observer;		/* another handle on that mailbox */
	char name[MBOX_NAME_SIZE];
	struct args args;
	struct args *lazy_args;	/* where the call gets them, if not there */
	uint8_t *data;
	struct call *partner;
	int extra;
	char path[64];
	struct iovec segments[SEGMENTS];
	struct pollfd polls[POLLS];

	/* as it was before the call */
	struct args given;
	struct mbox_info info;
	uint64_t fds;
	long pins;

	bool survived;		/* something failed in it, and the call did not */
};

#define SCENE(s) \
	struct __test_metadata *_metadata __attribute__((unused)) = (s)->_metadata; \
	const FIXTURE_VARIANT(op) *op __attribute__((unused)) = (s)->op

static uint8_t stream[STREAM_SIZE];

/* What pins the module: its mailboxes and open files. */
static long module_pins(void)
{
	FILE *f = fopen("/sys/module/mbox/refcnt", "re");
	long pins = -1;

	if (f) {
		if (fscanf(f, "%ld", &pins) != 1)
			pins = -1;
		fclose(f);
	}
	return pins;
}

static const void *message(uint32_t number)
{
	return stream + number * STEP;
}

/* Take what is queued: messages from @first on, @count of them, and nothing else. */
static void expect_queued(struct scene *s, uint32_t first, uint32_t count)
{
	static uint8_t data[HUGE];
	struct mbox_header header;
	SCENE(s);

	for (uint32_t i = 0; i < count; i++) {
		ASSERT_EQ(0, recv_bytes(s->observer, MBOX_RECV_NONBLOCK, data, sizeof(data),
					&header));
		EXPECT_EQ(op->length, header.length);
		EXPECT_EQ(0, memcmp(message(first + i), data, header.length));
	}
	EXPECT_EQ(-EAGAIN, recv_bytes(s->observer, MBOX_RECV_NONBLOCK, data, 0, NULL));
	EXPECT_BALANCED(s->observer);
}

static void partner_waits_for_sender(struct call *call)
{
	if (!await_blocked(call->fd, 1, 0))
		_exit(1);
}

static void partner_waits_for_receiver(struct call *call)
{
	if (!await_blocked(call->fd, 0, 1))
		_exit(1);
}

/* Make an ioctl; @arg is one of s->args. */
static long make_ioctl(struct scene *s, int fd, unsigned long cmd, void *arg)
{
	if (!s->lazy_args)
		return xioctl(fd, cmd, arg);
	cmd = _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), _IOC_SIZE(cmd) + s->op->grown);
	return xioctl(fd, cmd, (uint8_t *)s->lazy_args + ((uint8_t *)arg - (uint8_t *)&s->args));
}

/* Opening. */

#define OPEN_ERRORS	{ ENOMEM, EFAULT, ENFILE, EMFILE }

static long call_factory(struct scene *s)
{
	return factory_open();
}

static void opened(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	close(ret);
}

FIXTURE_VARIANT_ADD(op, factory) {
	.bare = true, .errors = OPEN_ERRORS, .call = call_factory, .done = opened,
};

static void prepare_create(struct scene *s)
{
	s->args.open = open_arg(NULL, 4);
	s->args.open.flags = s->op->flags;
	if (!s->name[0])
		return;
	/* a name that nobody has yet */
	name_make(s->name);
	name_copy(s->args.open.name, s->name);
}

static void prepare_create_anonymous(struct scene *s)
{
	s->name[0] = '\0';
	prepare_create(s);
}

static long call_open(struct scene *s)
{
	return make_ioctl(s, s->factory, s->op->cmd, &s->args.open);
}

static void not_created(struct scene *s)
{
	SCENE(s);

	if (s->name[0])
		EXPECT_EQ(-ENOENT, open_name(s->name, 0));
}

static void created(struct scene *s, long ret)
{
	char text[] = "text";
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(0, put(ret, 0, text));
	EXPECT_STREQ(text, take(ret));
	EXPECT_EQ(1, info_of(ret).handles);
	close(ret);
	not_created(s);
}

FIXTURE_VARIANT_ADD(op, create_named) {
	.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
	.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created,
};

FIXTURE_VARIANT_ADD(op, create_anonymous) {
	.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_anonymous,
	.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created,
};

FIXTURE_VARIANT_ADD(op, open_or_create) {
	.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
	.call = call_open, .cmd = MBOX_IOC_OPEN, .flags = MBOX_OPEN_CREATE,
	.failed = not_created, .done = created,
};

/* The table of descriptors has to grow, and a process cannot make it smaller again. */
static void fill_fd_table(struct scene *s)
{
	int fd;

	do
		fd = fcntl(0, F_DUPFD, 0);
	while (fd >= 0 && fd < 63);
}

FIXTURE_VARIANT_ADD(op, create_crowded) {
	.bare = true, .in_child = true, .errors = OPEN_ERRORS, .prepare = prepare_create,
	.enter = fill_fd_table, .call = call_open, .cmd = MBOX_IOC_CREATE,
	.failed = not_created,
};

static void prepare_open(struct scene *s)
{
	s->args.open.rights = RIGHTS_BOTH;
	if (s->op->flags & MBOX_OPEN_CREATE)
		s->args.open = open_arg(NULL, 1);
	s->args.open.flags = s->op->flags;
	name_copy(s->args.open.name, s->name);
}

static void opened_same(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(s->info.id, info_of(ret).id);
	EXPECT_EQ(s->info.handles + 1, info_of(ret).handles);
	close(ret);
	EXPECT_UNCHANGED(s->observer, &s->info);
}

FIXTURE_VARIANT_ADD(op, open) {
	.errors = OPEN_ERRORS, .prepare = prepare_open,
	.call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same,
};

/* By a user of whom the module does not know yet. */
FIXTURE_VARIANT_ADD(op, open_others) {
	.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_open,
	.call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same,
};

FIXTURE_VARIANT_ADD(op, open_not_create) {
	.errors = OPEN_ERRORS, .prepare = prepare_open,
	.call = call_open, .cmd = MBOX_IOC_OPEN, .flags = MBOX_OPEN_CREATE, .done = opened_same,
};

FIXTURE_VARIANT_ADD(op, create_taken) {
	.errors = { ENOMEM, EFAULT, ENFILE, EMFILE }, .prepare = prepare_open, .result = -EEXIST,
	.call = call_open, .cmd = MBOX_IOC_OPEN, .flags = MBOX_OPEN_CREATE | MBOX_OPEN_EXCL,
};

/* Deleting, by name or on a handle. */

static void prepare_delete(struct scene *s)
{
	memset(&s->args.delete, POISON, sizeof(s->args.delete));
	s->args.delete.flags = 0;
	s->args.delete.how = s->op->how;
	memset(s->args.delete.name, 0, MBOX_NAME_SIZE);
}

static void prepare_delete_named(struct scene *s)
{
	prepare_delete(s);
	name_copy(s->args.delete.name, s->name);
}

static long call_delete(struct scene *s)
{
	int fd = s->args.delete.name[0] ? s->factory : s->fd;

	return make_ioctl(s, fd, MBOX_IOC_DELETE, &s->args.delete);
}

static void deleted(struct scene *s, long ret)
{
	static const uint32_t states[] = {
		[MBOX_DELETE_EMPTY] = MBOX_STATE_DEAD,
		[MBOX_DELETE_DRAIN] = MBOX_STATE_DRAINING,
		[MBOX_DELETE_FORCE] = MBOX_STATE_DEAD,
		[MBOX_DELETE_UNLINK] = MBOX_STATE_UNLINKED,
	};
	uint32_t dropped;
	SCENE(s);

	dropped = op->how == MBOX_DELETE_FORCE ? op->queued : 0;
	if (s->survived) {
		/* what was done is done, even if the results could not be written any more */
		EXPECT_EQ(0, memcmp(&s->given.delete, &s->args.delete, sizeof(s->args.delete)));
	} else {
		EXPECT_EQ(op->queued, s->args.delete.queued);
		EXPECT_EQ(dropped, s->args.delete.dropped);
	}
	if (ret == -ENOTEMPTY) {
		EXPECT_UNCHANGED(s->observer, &s->info);
		return;
	}
	EXPECT_EQ(states[op->how], info_of(s->observer).state);
	EXPECT_EQ(dropped, info_of(s->observer).dropped);
	EXPECT_BALANCED(s->observer);
	/* one that drains keeps its name, to be received from */
	EXPECT_EQ(op->how == MBOX_DELETE_DRAIN ? -EIDRM : -ENOENT,
		  open_name(s->name, MBOX_RIGHT_SEND));
}

#define DELETE(variant, kind, messages) \
	FIXTURE_VARIANT_ADD(op, delete_##variant) { \
		.capacity = 4, .queued = messages, .length = LARGE, .errors = { EFAULT }, \
		.prepare = prepare_delete, .call = call_delete, .done = deleted, .how = kind, \
	}; \
	FIXTURE_VARIANT_ADD(op, delete_named_##variant) { \
		.capacity = 4, .queued = messages, .length = LARGE, .errors = { EFAULT }, \
		.prepare = prepare_delete_named, .call = call_delete, .done = deleted, .how = kind, \
	}

DELETE(empty, MBOX_DELETE_EMPTY, 0);
DELETE(drain, MBOX_DELETE_DRAIN, 2);
DELETE(force, MBOX_DELETE_FORCE, 2);
DELETE(unlink, MBOX_DELETE_UNLINK, 2);

FIXTURE_VARIANT_ADD(op, delete_not_empty) {
	.capacity = 4, .queued = 2, .length = SMALL, .errors = { EFAULT }, .result = -ENOTEMPTY,
	.prepare = prepare_delete, .call = call_delete, .done = deleted, .how = MBOX_DELETE_EMPTY,
};

#include "fail_nth_msgs.h"

#endif
