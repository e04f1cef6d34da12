// SPDX-License-Identifier: GPL-2.0-only
/* poll() and epoll: they report the results that a call would have, and every change. */
#include "lib/child_call.h"

#include <sys/epoll.h>
#include <sys/select.h>

#define ALL	(POLLIN | POLLOUT | POLLPRI | POLLERR | POLLHUP)

static int events_of(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = ALL };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}

/* Two handles on one mailbox, one for each right. */
FIXTURE(poll)
{
	int fd, receiver, sender, neither;
};

FIXTURE_VARIANT(poll)
{
	uint32_t capacity;
};

FIXTURE_VARIANT_ADD(poll, bounded) { .capacity = 2 };
FIXTURE_VARIANT_ADD(poll, unbounded) { .capacity = MBOX_CAPACITY_UNBOUNDED };
FIXTURE_VARIANT_ADD(poll, zero) { .capacity = MBOX_CAPACITY_ZERO };

FIXTURE_SETUP(poll)
{
	char name[MBOX_NAME_SIZE];

	self->fd = box_new_named(_metadata, variant->capacity, name);
	self->receiver = open_name(name, MBOX_RIGHT_RECV);
	self->sender = open_name(name, MBOX_RIGHT_SEND);
	self->neither = open_name(name, 0);
	ASSERT_LE(0, self->receiver);
	ASSERT_LE(0, self->sender);
	ASSERT_LE(0, self->neither);
}

FIXTURE_TEARDOWN(poll)
{
	close(self->neither);
	close(self->sender);
	close(self->receiver);
	close(self->fd);
}

TEST_F(poll, messages)
{
	bool zero = variant->capacity == MBOX_CAPACITY_ZERO;

	EXPECT_EQ(0, events_of(self->receiver));
	EXPECT_EQ(zero ? 0 : POLLOUT, events_of(self->sender));
	EXPECT_EQ(zero ? 0 : POLLOUT, events_of(self->fd));
	EXPECT_EQ(0, events_of(self->neither));
	if (zero)
		return;
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	EXPECT_EQ(POLLIN, events_of(self->receiver));
	EXPECT_EQ(POLLOUT, events_of(self->sender));
	EXPECT_EQ(POLLIN | POLLOUT, events_of(self->fd));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	EXPECT_EQ(variant->capacity == 2 ? 0 : POLLOUT, events_of(self->sender));
	EXPECT_EQ(POLLIN, events_of(self->receiver));
	EXPECT_STREQ("one", take(self->fd));
	EXPECT_EQ(POLLOUT, events_of(self->sender));
	EXPECT_EQ(POLLIN, events_of(self->receiver));
	EXPECT_STREQ("two", take(self->fd));
	EXPECT_EQ(0, events_of(self->receiver));
	EXPECT_EQ(0, events_of(self->neither));
}

/* An empty message is there to be received, too. */
TEST_F(poll, empty_message)
{
	if (variant->capacity == MBOX_CAPACITY_ZERO)
		return;
	ASSERT_EQ(0, put(self->fd, 0, ""));
	EXPECT_EQ(POLLIN, events_of(self->receiver));
	EXPECT_STREQ("", take(self->fd));
	EXPECT_EQ(0, events_of(self->receiver));
}

/* A blocked receiver is room, at any capacity; a blocked sender is a message. */
TEST_F(poll, blocked_receiver)
{
	struct call *receiver = recv_start(self->fd);

	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(POLLOUT, events_of(self->sender));
	EXPECT_EQ(0, events_of(self->receiver));
	EXPECT_EQ(0, put(self->sender, 0, "text"));
	EXPECT_STREQ("text", recv_end(receiver));
	EXPECT_EQ(variant->capacity ? POLLOUT : 0, events_of(self->sender));
}

/* A peek takes nothing: it is no room for a sender. */
TEST_F(poll, blocked_peeker)
{
	struct call *peeker = call_new(self->fd, CALL_RECV);

	peeker->recv.flags = MBOX_RECV_PEEK;
	call_start(peeker);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(variant->capacity ? POLLOUT : 0, events_of(self->sender));
	EXPECT_EQ(variant->capacity ? 0 : -EAGAIN, put(self->sender, 0, "text"));
	if (variant->capacity) {
		EXPECT_STREQ("text", recv_end(peeker));
		EXPECT_EQ(POLLIN, events_of(self->receiver));
	}
}

TEST_F(poll, blocked_sender)
{
	struct call *sender;

	while (put(self->fd, 0, "fill") == 0 && variant->capacity != MBOX_CAPACITY_UNBOUNDED)
		;
	sender = send_start_flags(self->fd, MBOX_SEND_SYNC, 0, "text");
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_EQ(POLLIN, events_of(self->receiver));
	if (variant->capacity != MBOX_CAPACITY_UNBOUNDED) {
		EXPECT_EQ(0, events_of(self->sender));
	}
	kill(sender->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sender));
	/* its message is not there any more */
	while (variant->capacity && !strcmp("fill", take(self->fd)))
		;
	EXPECT_EQ(0, events_of(self->receiver));
}

TEST_F(poll, dead)
{
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(POLLHUP, events_of(self->receiver));
	EXPECT_EQ(POLLHUP | POLLERR, events_of(self->sender));
	EXPECT_EQ(POLLHUP | POLLERR, events_of(self->fd));
	EXPECT_EQ(POLLHUP, events_of(self->neither));
}

TEST_F(poll, draining)
{
	if (variant->capacity == MBOX_CAPACITY_ZERO)
		return;
	ASSERT_EQ(0, put(self->fd, 0, "last"));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(POLLIN, events_of(self->receiver));
	EXPECT_EQ(POLLERR, events_of(self->sender));
	EXPECT_EQ(POLLIN | POLLERR, events_of(self->fd));
	EXPECT_EQ(0, events_of(self->neither));
	EXPECT_STREQ("last", take(self->receiver));
	EXPECT_EQ(POLLHUP, events_of(self->receiver));
	EXPECT_EQ(POLLHUP | POLLERR, events_of(self->sender));
}

TEST_F(poll, unlinked)
{
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	EXPECT_EQ(variant->capacity ? POLLOUT : 0, events_of(self->sender));
	EXPECT_EQ(0, events_of(self->receiver));
}

TEST_F(poll, select)
{
	struct timeval none = { 0 };
	fd_set in, out;

	if (variant->capacity == MBOX_CAPACITY_ZERO)
		return;
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(self->receiver, &in);
	FD_SET(self->sender, &out);
	EXPECT_EQ(2, select(self->neither + 1, &in, &out, NULL, &none));
	EXPECT_TRUE(FD_ISSET(self->receiver, &in));
	EXPECT_TRUE(FD_ISSET(self->sender, &out));
}

/* A poll that waits is woken by its event. */
FIXTURE(wake)
{
	int fd;
};

FIXTURE_SETUP(wake)
{
	self->fd = box_new(_metadata, 1);
}

FIXTURE_TEARDOWN(wake)
{
	close(self->fd);
}

static struct call *poll_start(struct __test_metadata *_metadata, int fd, short events)
{
	struct call *call = call_new(fd, CALL_POLL);

	call->events = events;
	call_start(call);
	ASSERT_TRUE(await_flag(&call->ready));
	ASSERT_TRUE(await_sleeping(call->pid));
	return call;
}

TEST_F(wake, message)
{
	struct call *call = poll_start(_metadata, self->fd, POLLIN);

	ASSERT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLIN, call->events);
}

TEST_F(wake, several)
{
	struct call *calls[4];

	for (int i = 0; i < 4; i++)
		calls[i] = poll_start(_metadata, self->fd, POLLIN);
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(1, call_end(calls[i]));
		EXPECT_EQ(POLLIN, calls[i]->events);
	}
	/* none of them took it */
	EXPECT_STREQ("text", take(self->fd));
}

TEST_F(wake, room)
{
	struct call *call;

	ASSERT_EQ(0, put(self->fd, 0, "full"));
	call = poll_start(_metadata, self->fd, POLLOUT);
	EXPECT_STREQ("full", take(self->fd));
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLOUT, call->events);
}

TEST_F(wake, capacity_raised)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = 2 };
	struct call *call;

	ASSERT_EQ(0, put(self->fd, 0, "full"));
	call = poll_start(_metadata, self->fd, POLLOUT);
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(1, call_end(call));
}

TEST_F(wake, receiver_comes)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *call = poll_start(_metadata, fd, POLLOUT), *receiver = recv_start(fd);

	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLOUT, call->events);
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", recv_end(receiver));
	close(fd);
}

TEST_F(wake, sender_comes)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *call = poll_start(_metadata, fd, POLLIN), *sender = send_start(fd, 0, "text");

	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLIN, call->events);
	EXPECT_STREQ("text", take(fd));
	EXPECT_EQ(getpid(), call_end(sender));
	close(fd);
}

/* A synchronous sender that gives up leaves room. */
TEST_F(wake, withdrawal)
{
	struct call *sender = send_start_flags(self->fd, MBOX_SEND_SYNC, 0, "text"), *call;

	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	call = poll_start(_metadata, self->fd, POLLOUT);
	kill(sender->pid, SIGKILL);
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLOUT, call->events);
	call_end(sender);
}

TEST_F(wake, deletion)
{
	struct call *in = poll_start(_metadata, self->fd, POLLIN), *none;

	none = poll_start(_metadata, self->fd, 0);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_EMPTY));
	EXPECT_EQ(1, call_end(in));
	EXPECT_EQ(POLLHUP | POLLERR, in->events);
	EXPECT_EQ(1, call_end(none));
	EXPECT_EQ(POLLHUP | POLLERR, none->events);
}

TEST_F(wake, draining)
{
	struct call *call;

	ASSERT_EQ(0, put(self->fd, 0, "full"));
	call = poll_start(_metadata, self->fd, POLLOUT);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLERR, call->events);
}

TEST_F(wake, drained)
{
	struct call *call;

	ASSERT_EQ(0, put(self->fd, 0, "full"));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	/* POLLERR is there from the start */
	EXPECT_EQ(POLLIN | POLLERR, events_of(self->fd));
	EXPECT_STREQ("full", take(self->fd));
	call = call_new(self->fd, CALL_POLL);
	call_start(call);
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLERR | POLLHUP, call->events);
}

/* There is room, but a larger message waits for more of it: a send would wait behind. */
TEST(room_for_less)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	struct call *sender;
	int fd;

	arg.msg_size = 100;
	arg.bytes = 100;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(POLLOUT, events_of(fd));
	ASSERT_EQ(0, put(fd, 0, "queued"));
	/* for less, but not for the longest */
	EXPECT_EQ(POLLIN, events_of(fd));
	sender = call_new(fd, CALL_SEND);
	sender->send.size = 100;
	call_start(sender);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(POLLIN, events_of(fd));
	EXPECT_EQ(-EAGAIN, put(fd, 0, "x"));
	kill(sender->pid, SIGKILL);
	call_end(sender);
	EXPECT_EQ(POLLIN, events_of(fd));
	EXPECT_EQ(0, put(fd, 0, "x"));
	close(fd);
}

/* epoll: level and edge. */
FIXTURE(epoll)
{
	int fd;
	int epoll;
};

FIXTURE_VARIANT(epoll)
{
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(epoll, level) { .flags = 0 };
FIXTURE_VARIANT_ADD(epoll, edge) { .flags = EPOLLET };

FIXTURE_SETUP(epoll)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | variant->flags };

	self->fd = box_new(_metadata, 2);
	self->epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->epoll);
	ASSERT_EQ(0, epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->fd, &event));
}

FIXTURE_TEARDOWN(epoll)
{
	close(self->epoll);
	close(self->fd);
}

static int next_event(int epoll)
{
	struct epoll_event event = { 0 };
	int ret = epoll_wait(epoll, &event, 1, 0);

	return ret < 0 ? -errno : ret ? (int)event.events : 0;
}

TEST_F(epoll, transitions)
{
	bool edge = variant->flags & EPOLLET;

	EXPECT_EQ(EPOLLOUT, next_event(self->epoll));
	/* level reports states, edge changes */
	EXPECT_EQ(edge ? 0 : EPOLLOUT, next_event(self->epoll));
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, next_event(self->epoll));
	EXPECT_EQ(edge ? 0 : EPOLLIN | EPOLLOUT, next_event(self->epoll));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	EXPECT_EQ(EPOLLIN, next_event(self->epoll));
	EXPECT_EQ(edge ? 0 : EPOLLIN, next_event(self->epoll));
	EXPECT_STREQ("one", take(self->fd));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, next_event(self->epoll));
	EXPECT_STREQ("two", take(self->fd));
	/* nobody was refused in between */
	EXPECT_EQ(edge ? 0 : EPOLLOUT, next_event(self->epoll));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(EPOLLERR | EPOLLHUP, next_event(self->epoll) & (EPOLLERR | EPOLLHUP));
	EXPECT_EQ(edge ? 0 : EPOLLERR | EPOLLHUP, next_event(self->epoll));
}

/* Messages that come while some are queued are news: an edge may not be missed. */
TEST_F(epoll, every_message)
{
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, put(self->fd, 0, "one"));
		ASSERT_EQ(EPOLLIN, next_event(self->epoll) & EPOLLIN);
		ASSERT_EQ(0, put(self->fd, 0, "two"));
		ASSERT_EQ(EPOLLIN, next_event(self->epoll));
		ASSERT_STREQ("one", take(self->fd));
		ASSERT_STREQ("two", take(self->fd));
		ASSERT_EQ(EPOLLOUT, next_event(self->epoll));
	}
}

/* A process that drains at each edge, as such programs do, sees every message. */
TEST_F(epoll, drained_at_each_event)
{
	enum { N = 2000 };
	uint32_t seen = 0;
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (child == 0) {
		for (uint32_t i = 0; i < N; i++)
			if (send_bytes(self->fd, 0, 0, 0, &i, sizeof(i)))
				_exit(1);
		_exit(0);
	}
	while (seen < N) {
		struct epoll_event event;
		uint32_t got;

		ASSERT_EQ(1, epoll_wait(self->epoll, &event, 1, PATIENCE * 1000));
		while (recv_bytes(self->fd, MBOX_RECV_NONBLOCK, &got, sizeof(got), NULL) == 0) {
			ASSERT_EQ(seen, got);
			seen++;
		}
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_BALANCED(self->fd);
}

/* A handle that is closed while it is watched is watched no more. */
TEST_F(epoll, closed)
{
	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, next_event(self->epoll));
}

MBOX_TEST_MAIN
