// SPDX-License-Identifier: GPL-2.0-only
/* MBOX_IOC_SHUTDOWN: a handle gives up rights, and ends the calls that are blocked through it. */
#include "lib/child_call.h"
#include "lib/peer.h"

static int shutdown_of(int fd, uint32_t how)
{
	struct mbox_ioc_shutdown arg = { .how = how };

	return xioctl(fd, MBOX_IOC_SHUTDOWN, &arg);
}

static int events_of(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}

#define SHUT_RECV	(POLLIN | POLLHUP | POLLRDHUP)

FIXTURE(shutdown)
{
	char name[MBOX_NAME_SIZE];
	int fd, in, out, other;
};

FIXTURE_VARIANT(shutdown)
{
	uint32_t capacity, policy, options, max_procs;
};

FIXTURE_VARIANT_ADD(shutdown, bounded) { .capacity = 2 };
FIXTURE_VARIANT_ADD(shutdown, zero) { .capacity = 0 };
FIXTURE_VARIANT_ADD(shutdown, rr) { .capacity = 2, .policy = MBOX_POLICY_RR };
FIXTURE_VARIANT_ADD(shutdown, broadcast) { .capacity = 2, .policy = MBOX_POLICY_BROADCAST };
FIXTURE_VARIANT_ADD(shutdown, exclusive) {
	.capacity = 2, .options = MBOX_OPTION_EXCLUSIVE, .max_procs = 8 };

FIXTURE_SETUP(shutdown)
{
	struct mbox_ioc_open arg;

	name_make(self->name);
	arg = open_arg(self->name, variant->capacity);
	arg.policy = variant->policy;
	arg.options = variant->options;
	arg.max_procs = variant->max_procs;
	arg.rights = 0;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	self->in = open_name(self->name, MBOX_RIGHT_RECV);
	self->out = open_name(self->name, MBOX_RIGHT_SEND);
	self->other = open_name(self->name, RIGHTS_BOTH);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(shutdown)
{
	close(self->other);
	close(self->out);
	close(self->in);
	close(self->fd);
}

TEST_F(shutdown, receives)
{
	struct call *call, *other = NULL, *poller;

	call = recv_start(self->in);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	if (!variant->options) {
		other = recv_start(self->other);
		ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	}
	poller = call_new(self->in, CALL_POLL);
	poller->events = POLLRDHUP;
	call_start(poller);
	ASSERT_TRUE(await_sleeping(poller->pid));
	EXPECT_EQ(0, shutdown_of(self->in, MBOX_RIGHT_RECV));
	EXPECT_STREQ("ESHUTDOWN", recv_end(call));
	EXPECT_TRUE(untouched(&call->recv.header, sizeof(call->recv.header)));
	EXPECT_EQ(1, call_end(poller));
	EXPECT_EQ(POLLRDHUP | POLLHUP, poller->events);
	EXPECT_STREQ("ESHUTDOWN", take(self->in));
	EXPECT_STREQ("ESHUTDOWN", peek(self->in));
	EXPECT_EQ(-ESHUTDOWN, xread(self->in, NULL, 0));
	EXPECT_EQ(SHUT_RECV, events_of(self->in));
	EXPECT_EQ(0, info_of(self->in).rights);
	/* the other handle is not concerned */
	if (other) {
		EXPECT_EQ(0, other->done);
		EXPECT_LE(0, put(self->out, 0, "text"));
		EXPECT_STREQ("text", recv_end(other));
	}
	EXPECT_EQ(0, events_of(self->other) & ~POLLOUT);
	EXPECT_EQ(0, shutdown_of(self->in, MBOX_RIGHT_RECV));
	EXPECT_BALANCED(self->fd);
}

TEST_F(shutdown, sends)
{
	struct call *sync, *blocked = NULL, *other = NULL;
	int n = 0;

	sync = send_start_flags(self->out, MBOX_SEND_SYNC, 0, "sync");
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	if (variant->capacity) {
		while (put(self->other, 0, "full") >= 0)
			n++;
		ASSERT_EQ(1, n);
	}
	blocked = send_start(self->out, 0, "blocked");
	ASSERT_TRUE(await_blocked(self->fd, 2, 0));
	other = send_start(self->other, 0, "other");
	ASSERT_TRUE(await_blocked(self->fd, 3, 0));
	EXPECT_EQ(0, shutdown_of(self->out, MBOX_RIGHT_SEND));
	EXPECT_EQ(-ESHUTDOWN, call_end(sync));
	EXPECT_EQ(-ESHUTDOWN, call_end(blocked));
	EXPECT_EQ(-ESHUTDOWN, put(self->out, 0, "text"));
	EXPECT_EQ(-ESHUTDOWN, send_bytes(self->out, 0, 0, 0, "text", 4));
	EXPECT_EQ(-ESHUTDOWN, xwrite(self->out, "text", 4));
	EXPECT_EQ(POLLERR, events_of(self->out));
	EXPECT_EQ(0, info_of(self->out).rights);
	/* the withdrawn message made room for the other */
	if (variant->capacity) {
		EXPECT_STREQ("full", take(self->in));
	}
	EXPECT_STREQ("other", take(self->in));
	EXPECT_LE(0, call_end(other));
	EXPECT_STREQ("EAGAIN", take(self->in));
	EXPECT_EQ(variant->capacity ? 1 : 0, info_of(self->fd).withdrawn);
	EXPECT_BALANCED(self->fd);
}

/* One of two rights. */
TEST_F(shutdown, half)
{
	EXPECT_EQ(0, shutdown_of(self->other, MBOX_RIGHT_SEND));
	EXPECT_EQ(-ESHUTDOWN, put(self->other, 0, "text"));
	EXPECT_EQ(MBOX_RIGHT_RECV, info_of(self->other).rights);
	EXPECT_EQ(POLLERR, events_of(self->other));
	if (variant->capacity) {
		EXPECT_LE(0, put(self->out, 0, "text"));
		EXPECT_EQ(POLLIN | POLLERR, events_of(self->other));
		EXPECT_STREQ("text", take(self->other));
	}
	EXPECT_EQ(0, shutdown_of(self->other, RIGHTS_BOTH));
	EXPECT_STREQ("ESHUTDOWN", take(self->other));
	EXPECT_EQ(SHUT_RECV | POLLERR, events_of(self->other));
	EXPECT_EQ(0, info_of(self->other).rights);
}

/* It counts as closed: a call that waits for the last of its kind waits no more. */
TEST_F(shutdown, last)
{
	struct call *call;

	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	EXPECT_EQ(0, shutdown_of(self->other, MBOX_RIGHT_SEND));
	call = recv_start(self->in);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, shutdown_of(self->out, MBOX_RIGHT_SEND));
	EXPECT_STREQ("EPIPE", recv_end(call));
	EXPECT_EQ(POLLHUP, events_of(self->in));
	EXPECT_EQ(0, shutdown_of(self->in, MBOX_RIGHT_RECV));
	EXPECT_EQ(0, shutdown_of(self->other, MBOX_RIGHT_RECV));
}

/* An end of stream: its only handle gives up the right to send, and its messages still come. */
TEST_F(shutdown, end_of_stream)
{
	struct mbox_ioc_open arg = open_arg(NULL, variant->capacity);
	int fd;

	if (!variant->capacity)
		return;
	arg.policy = variant->policy;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, put(fd, 0, "one"));
	ASSERT_LE(0, put(fd, 0, "two"));
	EXPECT_EQ(0, shutdown_of(fd, MBOX_RIGHT_SEND));
	EXPECT_EQ(POLLIN | POLLHUP | POLLERR, events_of(fd));
	EXPECT_STREQ("one", take(fd));
	EXPECT_STREQ("two", take(fd));
	EXPECT_STREQ("EPIPE", take(fd));
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_SHUTDOWN, &(struct mbox_ioc_shutdown) { .how = 3 }));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_EMPTY));
	/* also on one that is dead */
	EXPECT_EQ(0, shutdown_of(fd, RIGHTS_BOTH));
	EXPECT_STREQ("ESHUTDOWN", take(fd));
	close(fd);
}

/* A subscriber that leaves holds nobody up. */
TEST(broadcast_makes_room)
{
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
	struct call *call;
	int fd, slow;

	name_make(name);
	arg = open_arg(name, 1);
	arg.policy = MBOX_POLICY_BROADCAST;
	arg.rights = MBOX_RIGHT_SEND;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	slow = open_name(name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, slow);
	EXPECT_EQ(1, put(fd, 0, "one"));
	EXPECT_EQ(-EAGAIN, put(fd, 0, "two"));
	call = send_start(fd, 0, "three");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(0, shutdown_of(slow, MBOX_RIGHT_RECV));
	EXPECT_LE(0, call_end(call));
	EXPECT_EQ(0, put(fd, 0, "four"));
	EXPECT_EQ(1, info_of(slow).handle_lost);
	EXPECT_STREQ("ESHUTDOWN", take(slow));
	EXPECT_BALANCED(fd);
	close(slow);
	close(fd);
}

/* Many calls, and as many through another handle that go on. */
TEST(many)
{
	enum { N = 140 };
	struct call *calls[N], *others[4];
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 2, name), other = open_name(name, MBOX_RIGHT_RECV);

	for (int i = 0; i < N; i++) {
		if (i % 40 == 0)
			others[i / 40] = recv_start(other);
		calls[i] = recv_start(fd);
	}
	ASSERT_TRUE(await_blocked(fd, 0, N + 4));
	EXPECT_EQ(0, shutdown_of(fd, MBOX_RIGHT_RECV));
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(-ESHUTDOWN, call_end(calls[i]));
		munmap(calls[i], sizeof(*calls[i]));
	}
	EXPECT_EQ(4, info_of(fd).receivers);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, put(fd, 0, "text"));
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_STREQ("text", recv_end(others[i]));
	}
	close(other);
	close(fd);
}

TEST(refused)
{
	static const struct { uint32_t rights, how; int ret; } cases[] = {
		{ RIGHTS_BOTH, 0, -EINVAL },
		{ RIGHTS_BOTH, 4, -EINVAL },
		{ RIGHTS_BOTH, 7, -EINVAL },
		{ MBOX_RIGHT_RECV, MBOX_RIGHT_SEND, -EBADF },
		{ MBOX_RIGHT_RECV, RIGHTS_BOTH, -EBADF },
		{ MBOX_RIGHT_SEND, MBOX_RIGHT_RECV, -EBADF },
		{ 0, MBOX_RIGHT_RECV, -EBADF },
	};
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 2, name), factory = factory_open();
	struct mbox_ioc_shutdown arg = { .flags = 1, .how = MBOX_RIGHT_RECV };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int handle = open_name(name, cases[i].rights);

		EXPECT_EQ(cases[i].ret, shutdown_of(handle, cases[i].how));
		EXPECT_EQ(cases[i].rights, info_of(handle).rights);
		close(handle);
	}
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_SHUTDOWN, &arg));
	EXPECT_EQ(-ENOTTY, shutdown_of(factory, MBOX_RIGHT_RECV));
	EXPECT_EQ(RIGHTS_BOTH, info_of(fd).rights);
	EXPECT_EQ(POLLOUT, events_of(fd));
	close(factory);
	close(fd);
}

/* Links: each direction ends for this handle alone. */
static int shut_by_child(void *arg)
{
	return shutdown_of(*(int *)arg, MBOX_RIGHT_RECV);
}

TEST(links)
{
	struct peer *peer = peer_new(_metadata);
	int link, other;

	link = link_to(peer->pid, 1);
	ASSERT_LE(0, link);
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), 1));
	ASSERT_EQ(0, peer_link(peer, 1, getpid(), 1));
	EXPECT_EQ(-EUSERS, in_child(shut_by_child, &link));
	/* the peer is blocked through one of its handles; another thread would shut it down */
	peer_start_recv(peer, 0, 0);
	ASSERT_TRUE(peer_blocked(peer));
	EXPECT_EQ(0, put(link, 0, "text"));
	EXPECT_STREQ("text", peer_end_recv(peer));
	EXPECT_EQ(0, put(link, 0, "one"));
	EXPECT_EQ(-EAGAIN, put(link, 0, "two"));
	EXPECT_EQ(0, shutdown_of(link, RIGHTS_BOTH));
	EXPECT_STREQ("ESHUTDOWN", take(link));
	EXPECT_EQ(-ESHUTDOWN, put(link, 0, "two"));
	EXPECT_EQ(SHUT_RECV | POLLERR, events_of(link));
	other = link_to(peer->pid, 1);
	EXPECT_EQ(-EAGAIN, put(other, 0, "two"));
	EXPECT_EQ(0, peer_send(peer, 0, 0, "back"));
	EXPECT_STREQ("back", take(other));
	EXPECT_STREQ("one", peer_take(peer, 1));
	close(other);
	close(link);
	peer_kill(peer);
}

/* A ring: the side is free. */
TEST(rings)
{
	struct mbox_ioc_wait wait = { .flags = MBOX_WAIT_MOVE };
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
	int in, out, other;

	name_make(name);
	arg = open_arg(name, 0);
	arg.ring = 65536;
	arg.rights = MBOX_RIGHT_RECV;
	in = open_call(MBOX_IOC_CREATE, &arg);
	out = open_name(name, MBOX_RIGHT_SEND);
	ASSERT_LE(0, in);
	ASSERT_LE(0, out);
	EXPECT_EQ(-EBUSY, open_name(name, MBOX_RIGHT_SEND));
	EXPECT_EQ(0, shutdown_of(out, MBOX_RIGHT_SEND));
	EXPECT_EQ(-ESHUTDOWN, xioctl(out, MBOX_IOC_WAIT, &wait));
	EXPECT_EQ(POLLERR, events_of(out));
	EXPECT_EQ(-EOWNERDEAD, xioctl(in, MBOX_IOC_WAIT, &wait));
	other = open_name(name, MBOX_RIGHT_SEND);
	EXPECT_LE(0, other);
	/* the side is another's now: closing the first handle leaves it alone */
	close(out);
	EXPECT_EQ(-EBUSY, open_name(name, MBOX_RIGHT_SEND));
	close(other);
	close(in);
}

MBOX_TEST_MAIN
