// SPDX-License-Identifier: GPL-2.0-only
/* Operations that every file has. */
#include "fail_nth/fail_nth.h"

#include <sys/epoll.h>

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

const struct op file_ops[] = {
	{
		.name = "poll",
		.capacity = 4, .errors = { ENOMEM, EFAULT }, .how = 1,
		.prepare = prepare_poll, .call = call_poll, .done = polled,
	},

	{
		.name = "poll_many",
		.capacity = 4, .errors = { ENOMEM, EFAULT }, .how = POLLS,
		.prepare = prepare_poll, .call = call_poll, .done = polled,
	},

	{
		.name = "epoll_add",
		.capacity = 4, .errors = { ENOMEM, EFAULT },
		.prepare = prepare_epoll, .call = call_epoll, .done = is_watched,
	},

	{
		.name = "fdinfo",
		.capacity = 4, .queued = 2, .length = SMALL, .errors = { ENOMEM, EFAULT, ENFILE },
		.prepare = prepare_fdinfo, .call = call_fdinfo, .done = fdinfo_read,
	},

	{}
};
