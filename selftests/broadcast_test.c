// SPDX-License-Identifier: GPL-2.0-only
/* Broadcasting: each handle that is open for receiving receives each message once. */
#include "lib/broadcast.h"
#include "lib/passing.h"

#include <sys/resource.h>

FIXTURE(broadcast)
{
	struct cast cast;
};

FIXTURE_SETUP(broadcast)
{
	cast_new(_metadata, &self->cast, cast_arg(8, 0));
}

FIXTURE_TEARDOWN(broadcast)
{
	cast_end(&self->cast);
}

TEST_F(broadcast, each_once)
{
	struct cast *cast = &self->cast;

	EXPECT_EQ(HANDLES, put(cast->fd, 0, "text"));
	EXPECT_COUNTS(cast->fd, 1, 1, 0, 0, 0, 0);
	EXPECT_EQ(4, info_of(cast->fd).queued_bytes);
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_HANDLE(cast->in[i], 1, 0, 0);
		EXPECT_COUNTS(cast->fd, 1, 1, 0, 0, 0, 0);
		EXPECT_STREQ("text", take(cast->in[i]));
		EXPECT_HANDLE(cast->in[i], 0, 1, 0);
		EXPECT_STREQ("EAGAIN", take(cast->in[i]));
	}
	/* received with the last of them */
	EXPECT_COUNTS(cast->fd, 0, 1, 1, 0, 0, 0);
	EXPECT_EQ(0, info_of(cast->fd).queued_bytes);
	EXPECT_HANDLE(cast->fd, 0, 0, 0);
}

TEST_F(broadcast, headers)
{
	struct mbox_header header;
	char text[8];

	EXPECT_EQ(HANDLES, send_bytes(self->cast.fd, 0, 3, 77, "one", 3));
	EXPECT_EQ(HANDLES, send_bytes(self->cast.fd, 0, 3, 78, "", 0));
	for (int i = 0; i < HANDLES; i++) {
		for (int n = 0; n < 2; n++) {
			EXPECT_EQ(0, recv_bytes(self->cast.in[i], 0, text, sizeof(text), &header));
			EXPECT_EQ(n ? 0 : 3, header.length);
			EXPECT_EQ(n + 1, header.seq);
			EXPECT_EQ(3, header.prio);
			EXPECT_EQ(77 + n, header.type);
			EXPECT_EQ(getpid(), header.pid);
			EXPECT_EQ(getuid(), header.uid);
			EXPECT_EQ(getgid(), header.gid);
			EXPECT_EQ(0, header.type_hi);
			EXPECT_NE(0, header.time);
		}
	}
}

/* To nobody it is gone, and nothing is counted. */
TEST_F(broadcast, to_nobody)
{
	struct mbox_info before;

	for (int i = 0; i < HANDLES; i++)
		cast_leave(&self->cast, i);
	before = info_of(self->cast.fd);
	EXPECT_EQ(0, put(self->cast.fd, 0, "text"));
	EXPECT_EQ(0, send_bytes(self->cast.fd, 0, 0, 0, "text", 4));
	EXPECT_EQ(0, send_bytes(self->cast.fd, MBOX_SEND_SYNC, 0, 0, "text", 4));
	EXPECT_EQ(4, xwrite(self->cast.fd, "text", 4));
	EXPECT_UNCHANGED(self->cast.fd, &before);
	self->cast.in[0] = cast_join(_metadata, &self->cast);
	EXPECT_STREQ("EAGAIN", take(self->cast.in[0]));
}

TEST_F(broadcast, write_and_read)
{
	char text[8];

	EXPECT_EQ(4, xwrite(self->cast.fd, "text", 4));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(4, xread(self->cast.in[i], text, sizeof(text)));
		EXPECT_EQ(0, memcmp(text, "text", 4));
	}
	EXPECT_COUNTS(self->cast.fd, 0, 1, 1, 0, 0, 0);
}

/* A receiver that comes later has missed it. */
TEST_F(broadcast, later)
{
	int late;

	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "first"));
	late = cast_join(_metadata, &self->cast);
	EXPECT_EQ(HANDLES + 1, put(self->cast.fd, 0, "second"));
	EXPECT_STREQ("second", take(late));
	EXPECT_STREQ("EAGAIN", take(late));
	EXPECT_STREQ("first", take(self->cast.in[0]));
	EXPECT_STREQ("second", take(self->cast.in[0]));
	close(late);
}

/* A handle with both rights receives its own messages. */
TEST_F(broadcast, both_rights)
{
	int both = open_name(self->cast.name, RIGHTS_BOTH);

	ASSERT_LE(0, both);
	EXPECT_EQ(HANDLES + 1, put(both, 0, "text"));
	EXPECT_STREQ("text", take(both));
	close(both);
}

static int take_in_child(void *arg)
{
	return recv_bytes(*(int *)arg, MBOX_RECV_NONBLOCK, &(char[8]) {}, 8, NULL);
}

/* One open file is one handle, in any process and under any number. */
TEST_F(broadcast, one_handle)
{
	int copy = dup(self->cast.in[0]), passed, socks[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	ASSERT_EQ(0, fd_pass(socks[0], copy));
	passed = fd_take(socks[1]);
	ASSERT_LE(0, passed);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "text"));
	EXPECT_EQ(0, in_child(take_in_child, &self->cast.in[0]));
	EXPECT_STREQ("text", take(copy));
	EXPECT_STREQ("text", take(passed));
	EXPECT_STREQ("EAGAIN", take(self->cast.in[0]));
	EXPECT_EQ(-EAGAIN, in_child(take_in_child, &passed));
	EXPECT_HANDLE(passed, 0, 3, 0);
	close(copy);
	close(passed);
	EXPECT_EQ(3, info_of(self->cast.in[1]).handle_queued);
}

/* Each in its own way: order, filters and peeking are the handle's. */

TEST_F(broadcast, priorities)
{
	for (int i = 0; i < 4; i++) {
		char text[] = { 'a' + i, '\0' };

		EXPECT_EQ(HANDLES, put(self->cast.fd, i % 2, text));
	}
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_STREQ("b", take(self->cast.in[i]));
		EXPECT_STREQ("d", take(self->cast.in[i]));
		EXPECT_STREQ("a", take(self->cast.in[i]));
		EXPECT_STREQ("c", take(self->cast.in[i]));
	}
	EXPECT_COUNTS(self->cast.fd, 0, 4, 4, 0, 0, 0);
}

TEST_F(broadcast, filters)
{
	struct mbox_ioc_recv by_sender = {
		.flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_SENDER,
		.pid = getpid(),
	};
	int *in = self->cast.in;

	EXPECT_EQ(HANDLES, put_type(self->cast.fd, 1, "one"));
	EXPECT_EQ(HANDLES, put_type(self->cast.fd, 2, "two"));
	EXPECT_EQ(HANDLES, put_type(self->cast.fd, 1, ""));
	EXPECT_STREQ("two", take_type(in[0], 2));
	EXPECT_STREQ("EAGAIN", take_type(in[0], 2));
	EXPECT_STREQ("one", take(in[1]));
	EXPECT_STREQ("two", take_type(in[1], 2));
	EXPECT_EQ(2, info_of(in[0]).handle_queued);
	EXPECT_EQ(1, info_of(in[1]).handle_queued);
	EXPECT_EQ(3, info_of(in[2]).handle_queued);
	EXPECT_EQ(0, xioctl(in[1], MBOX_IOC_RECV, &by_sender));
	by_sender.pid = getppid();
	EXPECT_EQ(-EAGAIN, xioctl(in[2], MBOX_IOC_RECV, &by_sender));
	EXPECT_STREQ("one", take(in[0]));
}

TEST_F(broadcast, peek)
{
	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "text"));
	EXPECT_STREQ("text", peek(self->cast.in[0]));
	EXPECT_STREQ("text", peek(self->cast.in[0]));
	EXPECT_STREQ("text", take(self->cast.in[1]));
	EXPECT_STREQ("EAGAIN", peek(self->cast.in[1]));
	EXPECT_HANDLE(self->cast.in[0], 1, 0, 0);
	EXPECT_STREQ("text", take(self->cast.in[0]));
}

/* A message that one handle cannot receive stays in its place, and does not concern the others. */
TEST_F(broadcast, failures)
{
	struct mbox_header header;
	char byte = POISON;

	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "text"));
	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "next"));
	EXPECT_EQ(-EMSGSIZE, recv_bytes(self->cast.in[0], 0, &byte, 1, &header));
	EXPECT_EQ(4, header.length);
	EXPECT_EQ((char)POISON, byte);
	EXPECT_EQ(-EFAULT, recv_bytes(self->cast.in[0], 0, (void *)8, 16, NULL));
	EXPECT_HANDLE(self->cast.in[0], 2, 0, 0);
	EXPECT_STREQ("text", take(self->cast.in[1]));
	EXPECT_STREQ("text", take(self->cast.in[0]));
	EXPECT_STREQ("next", take(self->cast.in[0]));
	EXPECT_BALANCED(self->cast.fd);
}

/* Large ones go through an allocation of their own, that all copy from. */
TEST_F(broadcast, large)
{
	enum { SIZE = 8192 };
	static uint8_t out[SIZE], in[SIZE];
	struct mbox_header header;

	for (int n = 0; n < 3; n++) {
		pattern_fill(out, SIZE - n, n);
		EXPECT_EQ(HANDLES, send_bytes(self->cast.fd, 0, 0, 0, out, SIZE - n));
	}
	EXPECT_EQ(3 * SIZE - 3, info_of(self->cast.fd).queued_bytes);
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(0, recv_bytes(self->cast.in[i], MBOX_RECV_PEEK, in, SIZE, &header));
		EXPECT_EQ(SIZE, pattern_match(in, header.length, 0));
		for (int n = 0; n < 3; n++) {
			memset(in, POISON, SIZE);
			EXPECT_EQ(0, recv_bytes(self->cast.in[i], 0, in, SIZE, &header));
			EXPECT_EQ(SIZE - n, header.length);
			EXPECT_EQ(SIZE - n, pattern_match(in, header.length, n));
		}
	}
	EXPECT_COUNTS(self->cast.fd, 0, 3, 3, 0, 0, 0);
	EXPECT_EQ(-EMSGSIZE, send_bytes(self->cast.fd, 0, 0, 0, out, SIZE + 1));
	EXPECT_EQ(-EFAULT, send_bytes(self->cast.fd, 0, 0, 0, (void *)8, 100));
	EXPECT_COUNTS(self->cast.fd, 0, 3, 3, 0, 0, 0);
}

/* Those that wait. */

TEST_F(broadcast, waiting)
{
	struct call *calls[HANDLES];

	for (int i = 0; i < HANDLES; i++)
		calls[i] = cast_recv(_metadata, self->cast.in[i], 0, 0);
	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "text"));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_STREQ("text", recv_end(calls[i]));
		EXPECT_HANDLE(self->cast.in[i], 0, 1, 0);
	}
	EXPECT_COUNTS(self->cast.fd, 0, 1, 1, 0, 0, 0);
}

/* Several that wait on one handle are served in order of arrival, one message each. */
TEST_F(broadcast, waiting_on_one_handle)
{
	struct call *first = cast_recv(_metadata, self->cast.in[0], 0, 0);
	struct call *seven = cast_recv(_metadata, self->cast.in[0], MBOX_RECV_BY_TYPE, 7);
	struct call *last = cast_recv(_metadata, self->cast.in[0], 0, 0);
	struct call *peeking = cast_recv(_metadata, self->cast.in[1], MBOX_RECV_PEEK, 0);

	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "one"));
	EXPECT_STREQ("one", recv_end(first));
	EXPECT_STREQ("one", recv_end(peeking));
	EXPECT_EQ(2, info_of(self->cast.fd).receivers);
	EXPECT_EQ(HANDLES, put_type(self->cast.fd, 7, "seven"));
	EXPECT_STREQ("seven", recv_end(seven));
	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "three"));
	EXPECT_STREQ("three", recv_end(last));
	EXPECT_HANDLE(self->cast.in[0], 0, 3, 0);
	EXPECT_HANDLE(self->cast.in[1], 3, 0, 0);
}

/* Told by a message that it has no room for. */
TEST_F(broadcast, waiting_with_too_little_room)
{
	struct call *call = call_new(self->cast.in[0], CALL_RECV);

	call->recv.size = 2;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->cast.fd, 0, 1));
	EXPECT_EQ(HANDLES, put(self->cast.fd, 0, "text"));
	EXPECT_STREQ("EMSGSIZE", recv_end(call));
	EXPECT_EQ(4, call->recv.header.length);
	EXPECT_STREQ("text", take(self->cast.in[0]));
}

/* A receiver that is killed when it has been given one: it received it, or it is there. */
TEST_F(broadcast, killed)
{
	for (int round = 0; round < 150; round++) {
		struct call *call = cast_recv(_metadata, self->cast.in[0], 0, 0);

		if (round % 2)
			kill(call->pid, SIGKILL);
		EXPECT_EQ(HANDLES, put(self->cast.fd, round % 3, "text"));
		kill(call->pid, SIGKILL);
		call_end(call);
		EXPECT_EQ(round + 1, info_of(self->cast.in[0]).handle_received +
				     info_of(self->cast.in[0]).handle_queued);
		if (info_of(self->cast.in[0]).handle_queued)
			EXPECT_STREQ("text", take(self->cast.in[0]));
		EXPECT_STREQ("text", take(self->cast.in[1]));
		EXPECT_STREQ("text", take(self->cast.in[2]));
	}
	EXPECT_COUNTS(self->cast.fd, 0, 150, 150, 0, 0, 0);
}

/* Many handles. */
TEST_F(broadcast, many)
{
	enum { MANY = 1000 };
	struct rlimit limit = { MANY + 100, MANY + 100 };
	static int fds[MANY];

	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP(return, "may not have that many files open");
	for (int i = 0; i < MANY; i++)
		fds[i] = cast_join(_metadata, &self->cast);
	for (int n = 0; n < 8; n++)
		ASSERT_EQ(HANDLES + MANY, put(self->cast.fd, n, "text"));
	EXPECT_EQ(-EAGAIN, put(self->cast.fd, 0, "text"));
	for (int i = 0; i < MANY; i += 2)
		for (int n = 0; n < 8; n++)
			EXPECT_STREQ("text", take(fds[i]));
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	EXPECT_EQ(8 * MANY / 2, info_of(self->cast.fd).lost);
	EXPECT_COUNTS(self->cast.fd, 8, 8, 0, 0, 0, 8 * MANY / 2);
}

/* Senders and receivers that all go at once: each receives all, those of each sender in order. */
TEST_F(broadcast, concurrent)
{
	enum { SENDERS = 2, EACH = 400 };
	pid_t receivers[HANDLES], senders[SENDERS];

	for (int i = 0; i < HANDLES; i++) {
		receivers[i] = fork_child();
		ASSERT_LE(0, receivers[i]);
		if (receivers[i] == 0) {
			uint32_t next[SENDERS] = {}, n;
			struct mbox_header header;

			for (int got = 0; got < SENDERS * EACH; got++) {
				if (recv_bytes(self->cast.in[i], 0, &n, sizeof(n), &header))
					_exit(1);
				if (n != next[header.type] || header.length != sizeof(n))
					_exit(2);
				next[header.type]++;
			}
			_exit(0);
		}
	}
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = fork_child();
		ASSERT_LE(0, senders[i]);
		if (senders[i] == 0) {
			for (uint32_t n = 0; n < EACH; n++)
				if (send_bytes(self->cast.fd, n % 5 ? 0 : MBOX_SEND_SYNC, 0, i, &n,
					       sizeof(n)) != HANDLES)
					_exit(1);
			_exit(0);
		}
	}
	for (int i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, reap(senders[i]));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(0, reap(receivers[i]));
		EXPECT_HANDLE(self->cast.in[i], 0, SENDERS * EACH, 0);
	}
	EXPECT_COUNTS(self->cast.fd, 0, SENDERS * EACH, SENDERS * EACH, 0, 0, 0);
}

/* Each handle costs every sender: there is a limit. */
TEST(receivers)
{
	struct rlimit limit = { MBOX_RECEIVERS_MAX + 100, MBOX_RECEIVERS_MAX + 100 };
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
	int fd, last = -1;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	name_make(name);
	arg = open_arg(name, 1);
	arg.policy = MBOX_POLICY_BROADCAST;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	for (uint32_t i = 1; i < MBOX_RECEIVERS_MAX; i++) {
		last = open_name(name, MBOX_RIGHT_RECV);
		ASSERT_LE(0, last);
	}
	EXPECT_EQ(-EUSERS, open_name(name, MBOX_RIGHT_RECV));
	EXPECT_EQ(MBOX_RECEIVERS_MAX, info_of(fd).handles);
	EXPECT_EQ(MBOX_RECEIVERS_MAX, put(fd, 0, "text"));
	EXPECT_STREQ("text", take(last));
	close(last);
	last = open_name(name, MBOX_RIGHT_SEND);
	EXPECT_LE(0, last);
	EXPECT_LE(0, open_name(name, MBOX_RIGHT_RECV));
}

MBOX_TEST_MAIN
