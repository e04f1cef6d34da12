/* SPDX-License-Identifier: GPL-2.0-only */
/* The last operations of fail_nth_test: what every file has, and network namespaces. */
#ifndef FAIL_NTH_FILE_H
#define FAIL_NTH_FILE_H

#include "fail_nth_ops.h"

static void prepare_poll(struct scene *s)
{
	SCENE(s);

	for (int i = 0; i < POLLS; i++) {
		s->polls[i] = (struct pollfd) { .fd = s->fd, .events = POLLIN | POLLOUT };
	}
}

static long call_poll(struct scene *s)
{
	int ret = poll(s->polls, s->op->how, 0);

	return ret < 0 ? -errno : ret;
}

static void polled(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->how, ret);
	for (uint32_t i = 0; i < op->how; i++)
		EXPECT_EQ(POLLOUT, s->polls[i].revents);
	EXPECT_UNCHANGED(s->observer, &s->info);
}

FIXTURE_VARIANT_ADD(op, poll) {
	.capacity = 4, .errors = { ENOMEM, EFAULT }, .how = 1,
	.prepare = prepare_poll, .call = call_poll, .done = polled,
};

FIXTURE_VARIANT_ADD(op, poll_many) {
	.capacity = 4, .errors = { ENOMEM, EFAULT }, .how = POLLS,
	.prepare = prepare_poll, .call = call_poll, .done = polled,
};

static void prepare_epoll(struct scene *s)
{
	SCENE(s);

	s->extra = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, s->extra);
}

static long call_epoll(struct scene *s)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.u32 = 7 };

	return epoll_ctl(s->extra, EPOLL_CTL_ADD, s->fd, &event) < 0 ? -errno : 0;
}

static void is_watched(struct scene *s, long ret)
{
	struct epoll_event event = {};
	SCENE(s);

	EXPECT_EQ(1, epoll_wait(s->extra, &event, 1, 0));
	EXPECT_EQ(EPOLLOUT, event.events);
	EXPECT_EQ(0, put(s->observer, 0, "wakes"));
	EXPECT_EQ(1, epoll_wait(s->extra, &event, 1, 0));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, event.events);
	EXPECT_EQ(7, event.data.u32);
	EXPECT_STREQ("wakes", take(s->observer));
}

FIXTURE_VARIANT_ADD(op, epoll_add) {
	.capacity = 4, .errors = { ENOMEM, EFAULT },
	.prepare = prepare_epoll, .call = call_epoll, .done = is_watched,
};

static void prepare_fdinfo(struct scene *s)
{
	snprintf(s->path, sizeof(s->path), "/proc/self/fdinfo/%d", s->fd);
}

static long call_fdinfo(struct scene *s)
{
	static char text[4096];
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = xread(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return n;
	text[n] = '\0';
	return !!strstr(text, "\nmbox-queued:\t2\n");
}

static void fdinfo_read(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(1, ret);
	expect_queued(s, 1, 2);
}

FIXTURE_VARIANT_ADD(op, fdinfo) {
	.capacity = 4, .queued = 2, .length = SMALL, .errors = { ENOMEM, EFAULT, ENFILE },
	.prepare = prepare_fdinfo, .call = call_fdinfo, .done = fdinfo_read,
};

/* The module's part of a network namespace is made among all the others', which have their errors. */
static long call_netns(struct scene *s)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

FIXTURE_VARIANT_ADD(op, netns) {
	.capacity = 4, .as_root = true, .in_child = true, .any_error = true,
	.call = call_netns,
};

/* Among so many that may fail the module's would seldom have its turn. */
FIXTURE_VARIANT_ADD(op, netns_objects) {
	.capacity = 4, .as_root = true, .in_child = true, .any_error = true, .no_pages = true,
	.call = call_netns,
};

/*
 * More names than their table has room for, which a worker of the kernel would enlarge in time: the
 * creation does it then. It comes to that only while the worker has no processor to run on, as under
 * a real-time process; and each time with a new namespace, for it has a new table.
 */
#define TABLE_ROOM	64	/* at first, see rhashtable_init() */

static void name_number(char name[MBOX_NAME_SIZE], unsigned int n)
{
	memset(name, 0, MBOX_NAME_SIZE);
	snprintf(name, MBOX_NAME_SIZE, "crowd-%u", n);
}

static void enter_crowd(struct scene *s)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t set;
	int fd;
	SCENE(s);

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	s->factory = factory_open();
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	s->args.open = open_arg(NULL, 1);
	for (unsigned int n = 0; n <= TABLE_ROOM; n++) {
		name_number(s->args.open.name, n);
		fd = xioctl(s->factory, MBOX_IOC_CREATE, &s->args.open);
		ASSERT_LE(0, fd);
	}
	name_number(s->args.open.name, TABLE_ROOM + 1);
}

static void leave_crowd(struct scene *s, long ret)
{
	struct sched_param param = {};
	char name[MBOX_NAME_SIZE];
	int fd;
	SCENE(s);

	if (ret < 0) {
		name_number(name, TABLE_ROOM + 1);
		EXPECT_EQ(-ENOENT, open_name(name, 0));
		EXPECT_LE(0, call_open(s));
	}
	sched_setscheduler(0, SCHED_OTHER, &param);
	for (unsigned int n = 0; n <= TABLE_ROOM + 1; n++) {
		name_number(name, n);
		fd = open_name(name, RIGHTS_BOTH);
		EXPECT_LE(0, fd);
		close(fd);
	}
}

FIXTURE_VARIANT_ADD(op, create_rehash) {
	.capacity = 4, .as_root = true, .in_child = true, .errors = OPEN_ERRORS,
	.enter = enter_crowd, .call = call_open, .cmd = MBOX_IOC_CREATE, .leave = leave_crowd,
};

/* The first mailbox of a namespace needs memory for where it is listed, which the next have, too. */
static void enter_empty(struct scene *s)
{
	SCENE(s);

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	s->factory = factory_open();
	s->args.open = open_arg(NULL, 1);
	name_number(s->args.open.name, 0);
}

static void leave_empty(struct scene *s, long ret)
{
	SCENE(s);

	if (ret < 0) {
		EXPECT_EQ(-ENOENT, open_name(s->args.open.name, 0));
		ret = call_open(s);
	}
	EXPECT_LE(0, ret);
	close(ret);
	EXPECT_EQ(-ENOENT, open_name(s->args.open.name, 0));
}

FIXTURE_VARIANT_ADD(op, create_first) {
	.capacity = 4, .as_root = true, .in_child = true, .errors = OPEN_ERRORS,
	.enter = enter_empty, .call = call_open, .cmd = MBOX_IOC_CREATE, .leave = leave_empty,
};

#endif
