// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody left: where no handle has the other right, and none can be opened, calls do not wait in
 * vain. They fail with EPIPE, and poll() reports that.
 */
#include "lib/child_call.h"

static int events_of(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}

/* Receives, in every way: those that would wait as well. */
static void expect_no_senders(struct __test_metadata *_metadata, int fd)
{
	char data[8];

	EXPECT_STREQ("EPIPE", take(fd));
	EXPECT_STREQ("EPIPE", peek(fd));
	EXPECT_EQ(-EPIPE, recv_bytes(fd, 0, data, sizeof(data), NULL));
	EXPECT_EQ(-EPIPE, xread(fd, data, sizeof(data)));
	EXPECT_EQ(POLLHUP, events_of(fd));
}

static void expect_no_receivers(struct __test_metadata *_metadata, int fd)
{
	/* no signal comes either: it would kill the test */
	EXPECT_EQ(-EPIPE, put(fd, 0, "text"));
	EXPECT_EQ(-EPIPE, send_bytes(fd, 0, 0, 0, "text", 4));
	EXPECT_EQ(-EPIPE, send_bytes(fd, MBOX_SEND_SYNC, 0, 0, "text", 4));
	EXPECT_EQ(-EPIPE, xwrite(fd, "text", 4));
	EXPECT_EQ(POLLERR, events_of(fd) & ~(POLLIN | POLLHUP));
}

/* An anonymous mailbox has the one handle that made it. */

FIXTURE(anonymous)
{
	struct mbox_ioc_open arg;
};

FIXTURE_VARIANT(anonymous)
{
	uint32_t capacity, policy, options, max_procs;
};

FIXTURE_VARIANT_ADD(anonymous, bounded) { .capacity = 2 };
FIXTURE_VARIANT_ADD(anonymous, zero) { .capacity = 0 };
FIXTURE_VARIANT_ADD(anonymous, broadcast) { .capacity = 2, .policy = MBOX_POLICY_BROADCAST };
FIXTURE_VARIANT_ADD(anonymous, exclusive) {
	.capacity = 2, .options = MBOX_OPTION_EXCLUSIVE, .max_procs = 4 };

FIXTURE_SETUP(anonymous)
{
	self->arg = open_arg(NULL, variant->capacity);
	self->arg.policy = variant->policy;
	self->arg.options = variant->options;
	self->arg.max_procs = variant->max_procs;
}

FIXTURE_TEARDOWN(anonymous)
{
}

TEST_F(anonymous, receiver)
{
	int fd;

	self->arg.rights = MBOX_RIGHT_RECV;
	fd = open_call(MBOX_IOC_CREATE, &self->arg);
	ASSERT_LE(0, fd);
	expect_no_senders(_metadata, fd);
	close(fd);
}

TEST_F(anonymous, sender)
{
	int fd;

	self->arg.rights = MBOX_RIGHT_SEND;
	fd = open_call(MBOX_IOC_CREATE, &self->arg);
	ASSERT_LE(0, fd);
	expect_no_receivers(_metadata, fd);
	EXPECT_EQ(0, info_of(fd).sent);
	close(fd);
}

/* One with both rights is its own counterpart: another thread, or a child, may have it. */
TEST_F(anonymous, both)
{
	struct call *call;
	int fd;

	fd = open_call(MBOX_IOC_CREATE, &self->arg);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_EQ(0, events_of(fd) & ~POLLOUT);
	call = recv_start(fd);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_LE(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", recv_end(call));
	close(fd);
}

/* One that had a name, and handles of all kinds. */

FIXTURE(unlinked)
{
	char name[MBOX_NAME_SIZE];
	int fd, in, out;
};

FIXTURE_VARIANT(unlinked)
{
	uint32_t capacity, policy, lifetime;
};

FIXTURE_VARIANT_ADD(unlinked, bounded) { .capacity = 2, .lifetime = MBOX_LIFETIME_FD };
FIXTURE_VARIANT_ADD(unlinked, zero) { .capacity = 0, .lifetime = MBOX_LIFETIME_PROCESS };
FIXTURE_VARIANT_ADD(unlinked, broadcast) {
	.capacity = 2, .policy = MBOX_POLICY_BROADCAST, .lifetime = MBOX_LIFETIME_FD };

FIXTURE_SETUP(unlinked)
{
	struct mbox_ioc_open arg;

	name_make(self->name);
	arg = open_arg(self->name, variant->capacity);
	arg.policy = variant->policy;
	arg.lifetime = variant->lifetime;
	arg.rights = 0;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	self->in = open_name(self->name, MBOX_RIGHT_RECV);
	self->out = open_name(self->name, MBOX_RIGHT_SEND);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->in);
	ASSERT_LE(0, self->out);
}

FIXTURE_TEARDOWN(unlinked)
{
	close(self->out);
	close(self->in);
	close(self->fd);
}

static void close_one(int *fd)
{
	close(*fd);
	*fd = -1;
}

/* As long as it has its name, somebody may come. */
TEST_F(unlinked, last_sender_leaves)
{
	close_one(&self->out);
	EXPECT_STREQ("EAGAIN", take(self->in));
	EXPECT_EQ(0, events_of(self->in));
	self->out = open_name(self->name, MBOX_RIGHT_SEND);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	EXPECT_STREQ("EAGAIN", take(self->in));
	EXPECT_EQ(0, events_of(self->in));
	close_one(&self->out);
	expect_no_senders(_metadata, self->in);
	EXPECT_EQ(-ENOENT, open_name(self->name, MBOX_RIGHT_SEND));
}

/* In a child that has closed the test's handles of @other. */
static int other_end;

static void close_other_end(struct call *call)
{
	close(other_end);
}

static struct call *start_without(struct __test_metadata *_metadata, int fd, enum call_kind kind,
				  uint32_t flags, int other)
{
	struct call *call = call_new(fd, kind);

	other_end = other;
	call->prepare = close_other_end;
	call->send.size = 4;
	call->send.flags = flags;
	call->events = POLLIN;
	call_start(call);
	return call;
}

TEST_F(unlinked, blocked_receivers)
{
	struct call *calls[3], *poller;

	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	for (int i = 0; i < 3; i++)
		calls[i] = start_without(_metadata, self->in, CALL_RECV, 0, self->out);
	poller = start_without(_metadata, self->in, CALL_POLL, 0, self->out);
	ASSERT_TRUE(await_blocked(self->fd, 0, 3));
	ASSERT_TRUE(await_flag(&poller->ready));
	ASSERT_TRUE(await_sleeping(poller->pid));
	close_one(&self->out);
	for (int i = 0; i < 3; i++) {
		EXPECT_STREQ("EPIPE", recv_end(calls[i]));
		EXPECT_TRUE(untouched(&calls[i]->recv.header, sizeof(struct mbox_header)));
	}
	EXPECT_EQ(1, call_end(poller));
	EXPECT_EQ(POLLHUP, poller->events);
	expect_no_senders(_metadata, self->in);
	EXPECT_EQ(0, info_of(self->fd).receivers);
}

/* The queue can be received; then it is over. */
TEST_F(unlinked, rest)
{
	if (!variant->capacity)
		return;
	ASSERT_LE(0, put(self->out, 0, "one"));
	ASSERT_LE(0, put(self->out, 0, "two"));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	close_one(&self->out);
	EXPECT_EQ(POLLIN | POLLHUP, events_of(self->in));
	EXPECT_STREQ("one", take(self->in));
	EXPECT_EQ(POLLIN | POLLHUP, events_of(self->in));
	EXPECT_STREQ("two", take(self->in));
	expect_no_senders(_metadata, self->in);
	EXPECT_BALANCED(self->fd);
}

/* The name is the last way to it: the deletion ends the waits. */
TEST_F(unlinked, by_name)
{
	struct call *call;

	close_one(&self->out);
	call = recv_start(self->in);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, delete_name(self->name, MBOX_DELETE_UNLINK));
	EXPECT_STREQ("EPIPE", recv_end(call));
	expect_no_senders(_metadata, self->in);
}

TEST_F(unlinked, last_receiver_leaves)
{
	struct call *blocked[2], *sync = NULL, *poller;
	int queued = 0;

	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	if (variant->capacity) {
		sync = start_without(_metadata, self->out, CALL_SEND, MBOX_SEND_SYNC, self->in);
		ASSERT_TRUE(await_blocked(self->fd, 1, 0));
		queued = 1;
		while (put(self->out, 0, "full") >= 0)
			queued++;
	}
	for (int i = 0; i < 2; i++)
		blocked[i] = start_without(_metadata, self->out, CALL_SEND, 0, self->in);
	ASSERT_TRUE(await_blocked(self->fd, 2 + !!sync, 0));
	poller = start_without(_metadata, self->out, CALL_POLL, 0, self->in);
	ASSERT_TRUE(await_flag(&poller->ready));
	ASSERT_TRUE(await_sleeping(poller->pid));
	EXPECT_EQ(queued, info_of(self->fd).queued);
	close_one(&self->in);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EPIPE, call_end(blocked[i]));
	}
	if (sync) {
		EXPECT_EQ(-EPIPE, call_end(sync));
		EXPECT_EQ(1, info_of(self->fd).withdrawn);
		if (variant->policy != MBOX_POLICY_BROADCAST) {
			EXPECT_EQ(queued - 1, info_of(self->fd).queued);
		}
	}
	EXPECT_EQ(1, call_end(poller));
	EXPECT_EQ(POLLERR, poller->events);
	expect_no_receivers(_metadata, self->out);
	EXPECT_EQ(0, info_of(self->fd).senders);
	EXPECT_BALANCED(self->fd);
}

/* Many wait: all end. */
TEST_F(unlinked, many)
{
	enum { N = 150 };
	struct call *calls[N];

	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	for (int i = 0; i < N; i++)
		calls[i] = start_without(_metadata, self->in, CALL_RECV, 0, self->out);
	ASSERT_TRUE(await_blocked(self->fd, 0, N));
	close_one(&self->out);
	for (int i = 0; i < N; i++) {
		EXPECT_EQ(-EPIPE, call_end(calls[i]));
		munmap(calls[i], sizeof(*calls[i]));
	}
	EXPECT_EQ(0, info_of(self->fd).receivers);
}

/* A name that can be opened keeps everything alive, without any handle. */
TEST(named)
{
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
	int in, out;

	name_make(name);
	arg = open_arg(name, 2);
	arg.rights = MBOX_RIGHT_RECV;
	in = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, in);
	EXPECT_STREQ("EAGAIN", take(in));
	EXPECT_EQ(0, events_of(in));
	out = open_name(name, MBOX_RIGHT_SEND);
	close(in);
	EXPECT_EQ(0, put(out, 0, "text"));
	EXPECT_EQ(POLLOUT, events_of(out));
	in = open_name(name, MBOX_RIGHT_RECV);
	EXPECT_STREQ("text", take(in));
	close(in);
	close(out);
}

/* A ring: its side is the handle's, and so is the end of it. */
TEST(ring)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	struct mbox_ioc_wait wait = { .flags = MBOX_WAIT_MOVE };
	int fd;

	arg.ring = 65536;
	arg.rights = MBOX_RIGHT_RECV;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPIPE, xioctl(fd, MBOX_IOC_WAIT, &wait));
	EXPECT_EQ(POLLHUP, events_of(fd));
	close(fd);
	arg.rights = MBOX_RIGHT_SEND;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPIPE, xioctl(fd, MBOX_IOC_WAIT, &wait));
	EXPECT_EQ(POLLERR, events_of(fd) & ~POLLOUT);
	close(fd);
	arg.rights = RIGHTS_BOTH;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(POLLOUT, events_of(fd));
	close(fd);
}

static int wait_for_record(void *arg)
{
	struct mbox_ioc_wait wait = { .flags = MBOX_WAIT_MOVE };

	return xioctl(*(int *)arg, MBOX_IOC_WAIT, &wait);
}

/* Nobody ever had the other side of it, and with the name nobody will. */
TEST(ring_loses_its_name)
{
	int *result = shared_alloc(sizeof(*result));
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
	pid_t pid;
	int fd;

	name_make(name);
	arg = open_arg(name, 0);
	arg.ring = 65536;
	arg.rights = MBOX_RIGHT_RECV;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	pid = fork_child();
	if (pid == 0) {
		*result = wait_for_record(&fd);
		_exit(0);
	}
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_UNLINK));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EPIPE, *result);
	close(fd);
}

MBOX_TEST_MAIN
