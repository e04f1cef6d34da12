// SPDX-License-Identifier: GPL-2.0-only
/* Operations: the mode of a handle, reads by it, and notices. */
#include "fail_nth/fail_nth.h"
#include "lib/mode.h"

static void prepare_type(struct scene *s)
{
	s->args.mode = (struct mbox_ioc_mode) {
		.flags = MBOX_RECV_BY_TYPE | MBOX_MODE_HEADER, .header_size = HEADER_SIZE,
		.type = 1,
	};
}

/* A process that lives: its end is watched. */
static void prepare_start(struct scene *s)
{
	struct mbox_header header;
	char text[8];
	SCENE(s);

	ASSERT_EQ(0, put(s->observer, 0, "mine"));
	ASSERT_EQ(0, recv_bytes(s->observer, MBOX_RECV_NONBLOCK, text, sizeof(text), &header));
	s->args.mode = (struct mbox_ioc_mode) {
		.flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START, .pid = header.pid,
		.start = header.start,
	};
}

static long call_mode(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_MODE, &s->args.mode);
}

static void has_mode(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(s->args.mode.flags, info_of(s->fd).handle_mode);
	EXPECT_UNCHANGED(s->observer, &s->info);
}

static void has_no_mode(struct scene *s)
{
	SCENE(s);

	EXPECT_EQ(0, info_of(s->fd).handle_mode);
	EXPECT_UNCHANGED(s->observer, &s->info);
}

static void prepare_header(struct scene *s)
{
	SCENE(s);

	ASSERT_EQ(0, mode_header(s->fd));
}

static long call_read(struct scene *s)
{
	return xread(s->fd, s->data, HEADER_SIZE + s->op->length);
}

static void was_framed(struct scene *s, long ret)
{
	const struct mbox_header *header = (void *)s->data;
	SCENE(s);

	EXPECT_EQ(HEADER_SIZE + op->length, ret);
	EXPECT_EQ(op->length, header->length);
	EXPECT_EQ(1, header->seq);
	EXPECT_EQ(0, memcmp(message(1), s->data + HEADER_SIZE, op->length));
	expect_queued(s, 2, op->queued - 1);
}

/* The sender that a read() waits for, by the filter of the handle, is watched for the call too. */
static void prepare_ended(struct scene *s)
{
	struct mbox_ioc_mode mode = {
		.flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START, .pid = getpid(), .start = 1,
	};
	SCENE(s);

	ASSERT_EQ(0, mode_set(s->fd, mode));
}

static void nothing_came(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_UNCHANGED(s->observer, &s->info);
}

#define MODE(variant, before, ...) \
	{ \
		.name = "mode_" #variant, .capacity = 4, .errors = { ENOMEM, EFAULT }, \
		.prepare = before, .call = call_mode, .done = has_mode, .failed = has_no_mode, \
		__VA_ARGS__ \
	}

#define READ(variant, before, after, ...) \
	{ \
		.name = "mode_read_" #variant, .capacity = 4, .errors = RECV_ERRORS, \
		.prepare = before, .call = call_read, .done = after, __VA_ARGS__ \
	}

static void prepare_arm(struct scene *s)
{
	s->args.notify.how = MBOX_NOTIFY_ARM;
	s->args.notify.cookie = 7;
}

static long call_notify(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_NOTIFY, &s->args.notify);
}

static void is_armed(struct scene *s, long ret)
{
	struct mbox_ioc_notify notify = { .how = MBOX_NOTIFY_ARM };
	SCENE(s);

	EXPECT_EQ(-EBUSY, xioctl(s->observer, MBOX_IOC_NOTIFY, &notify));
	EXPECT_UNCHANGED(s->observer, &s->info);
}

static void is_not_armed(struct scene *s)
{
	struct mbox_ioc_notify notify = { .how = MBOX_NOTIFY_ARM };
	SCENE(s);

	EXPECT_EQ(0, xioctl(s->observer, MBOX_IOC_NOTIFY, &notify));
	notify.how = MBOX_NOTIFY_DISARM;
	EXPECT_EQ(0, xioctl(s->observer, MBOX_IOC_NOTIFY, &notify));
	EXPECT_UNCHANGED(s->observer, &s->info);
}

static void prepare_fired(struct scene *s)
{
	struct mbox_ioc_notify notify = { .how = MBOX_NOTIFY_ARM, .cookie = 7 };
	SCENE(s);

	ASSERT_EQ(0, xioctl(s->fd, MBOX_IOC_NOTIFY, &notify));
	ASSERT_EQ(0, put(s->observer, 0, "fires"));
	s->info = info_of(s->observer);
	s->args.notify.how = MBOX_NOTIFY_TAKE;
}

static long call_take(struct scene *s)
{
	const struct mbox_ioc_notify *notify = &s->args.notify;

	return call_notify(s) ?: notify->cookie != 7 || notify->pid != getpid();
}

static void was_taken(struct scene *s, long ret)
{
	struct mbox_ioc_notify notify = { .how = MBOX_NOTIFY_TAKE };
	SCENE(s);

	EXPECT_EQ(-EAGAIN, xioctl(s->fd, MBOX_IOC_NOTIFY, &notify));
	EXPECT_UNCHANGED(s->observer, &s->info);
}

static void was_not_taken(struct scene *s)
{
	SCENE(s);

	EXPECT_EQ(POLLPRI, poll_for(s->fd, POLLPRI));
	EXPECT_UNCHANGED(s->observer, &s->info);
}

const struct op mode_ops[] = {
	MODE(type, prepare_type),
	MODE(start, prepare_start),
	READ(small, prepare_header, was_framed, .length = SMALL, .queued = 3),
	READ(small_lazy, prepare_header, was_framed, .length = SMALL, .queued = 3, .lazy = true),
	READ(large, prepare_header, was_framed, .length = LARGE, .queued = 3),
	READ(large_lazy, prepare_header, was_framed, .length = LARGE, .queued = 3, .lazy = true),
	READ(huge, prepare_header, was_framed, .length = HUGE, .queued = 1),
	READ(ended, prepare_ended, nothing_came, .length = SMALL, .result = -EOWNERDEAD),

	LAZY(mode, .capacity = 4, .errors = { ENOMEM, EFAULT }, .prepare = prepare_type,
	     .call = call_mode, .done = has_mode, .failed = has_no_mode),

	{
		.name = "notify_arm", .capacity = 4, .errors = { ENOMEM, EFAULT },
		.prepare = prepare_arm, .call = call_notify, .done = is_armed, .failed = is_not_armed,
	},

	{
		.name = "notify_take", .capacity = 4, .errors = { EFAULT }, .prepare = prepare_fired,
		.call = call_take, .done = was_taken, .failed = was_not_taken,
	},

	LAZY(notify, .capacity = 4, .errors = { ENOMEM, EFAULT }, .prepare = prepare_arm,
	     .call = call_notify, .done = is_armed, .failed = is_not_armed),

	{}
};
