// SPDX-License-Identifier: GPL-2.0-only
/* Edges of epoll: a caller that was refused gets one when there is room, once; no other caller gets any. */
#include "lib/child_call.h"
#include "lib/poll.h"

#include <sys/epoll.h>
#include <sys/prctl.h>

static const char zeros[POLL_SIZE];

TEST(never_full)
{
	int fd = box_new(_metadata, 1000), epoll = watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
	int edges = 0;

	EXPECT_EQ(EPOLLOUT, next_event(epoll, 0));
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, put(fd, 0, "text"));
		ASSERT_EQ(EPOLLIN | EPOLLOUT, next_event(epoll, 0));
		ASSERT_STREQ("text", take(fd));
		edges += next_event(epoll, 0) != 0;
	}
	EXPECT_EQ(0, edges);
	/* a blocking receive is no news either */
	for (int i = 0; i < 3; i++) {
		struct call *call = recv_start(fd);

		ASSERT_TRUE(await_blocked(fd, 0, 1));
		EXPECT_EQ(0, next_event(epoll, 0));
		ASSERT_EQ(0, put(fd, 0, "text"));
		EXPECT_STREQ("text", recv_end(call));
		EXPECT_EQ(0, next_event(epoll, 0));
	}
	close(epoll);
	close(fd);
}

FIXTURE(edge)
{
	int fd, in, epoll;
};

FIXTURE_VARIANT(edge)
{
	uint32_t policy;
	uint64_t bytes;
};

FIXTURE_VARIANT_ADD(edge, messages) { .policy = MBOX_POLICY_FIFO };
FIXTURE_VARIANT_ADD(edge, bytes) { .bytes = POLL_SIZE };
FIXTURE_VARIANT_ADD(edge, broadcast) { .policy = MBOX_POLICY_BROADCAST };
FIXTURE_VARIANT_ADD(edge, broadcast_bytes) { .policy = MBOX_POLICY_BROADCAST, .bytes = POLL_SIZE };

FIXTURE_SETUP(edge)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];

	name_make(name);
	arg = open_arg(name, variant->bytes ? 99 : 3);
	arg.msg_size = POLL_SIZE;
	arg.bytes = variant->bytes;
	arg.policy = variant->policy;
	arg.rights = MBOX_RIGHT_SEND;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	self->in = open_name(name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->in);
	self->epoll = watch(self->fd, EPOLLOUT | EPOLLET);
	ASSERT_LE(0, self->epoll);
	EXPECT_EQ(EPOLLOUT, next_event(self->epoll, 0));
}

FIXTURE_TEARDOWN(edge)
{
	close(self->epoll);
	close(self->in);
	close(self->fd);
}

/* As sockets and pipes do: send until it would block, then wait for the edge. */
TEST_F(edge, after_refusal)
{
	for (int round = 0; round < 10; round++) {
		int sent = 0;

		while (send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, 0, zeros, 30) >= 0)
			sent++;
		EXPECT_EQ(3, sent);
		EXPECT_EQ(0, next_event(self->epoll, 0));
		ASSERT_EQ(0, recv_any(self->in));
		if (variant->bytes) {
			/* not for the largest yet */
			EXPECT_EQ(0, next_event(self->epoll, 0));
			ASSERT_EQ(0, recv_any(self->in));
			EXPECT_EQ(0, next_event(self->epoll, 0));
			ASSERT_EQ(0, recv_any(self->in));
		}
		EXPECT_EQ(EPOLLOUT, next_event(self->epoll, 0));
		while (recv_any(self->in) == 0)
			;
		EXPECT_EQ(0, next_event(self->epoll, 0));
	}
}

/* A blocked sender was refused, too: when it goes on, and there is more room, that is news. */
TEST_F(edge, after_blocking)
{
	struct call *call = call_new(self->fd, CALL_SEND);

	while (send_bytes(self->fd, MBOX_SEND_NONBLOCK, 5, 0, zeros, 20) >= 0 &&
	       info_of(self->fd).queued < 3)
		;
	call->send.size = POLL_SIZE;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	while (recv_any(self->in) == 0)
		;
	EXPECT_LE(0, call_end(call));
	EXPECT_EQ(EPOLLOUT, next_event(self->epoll, 0));
	EXPECT_EQ(0, next_event(self->epoll, 0));
}

/* An exclusive receive ends. */
TEST(exclusive_ends)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	struct call *holder;
	int fd, level, edge;

	arg.options = MBOX_OPTION_EXCLUSIVE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	holder = call_new(fd, CALL_RECV);
	holder->recv.flags = MBOX_RECV_BY_TYPE;
	holder->recv.type = 7;
	call_start(holder);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	level = watch(fd, EPOLLIN);
	edge = watch(fd, EPOLLIN | EPOLLET);
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(0, next_event(level, 0));
	EXPECT_EQ(0, next_event(edge, 0));
	EXPECT_STREQ("EBUSY", take(fd));
	ASSERT_EQ(0, send_bytes(fd, 0, 0, 7, "", 0));
	EXPECT_EQ(0, call_end(holder));
	EXPECT_EQ(EPOLLIN, next_event(level, PATIENCE * 1000));
	EXPECT_EQ(EPOLLIN, next_event(edge, PATIENCE * 1000));
	EXPECT_EQ(0, next_event(edge, 0));
	EXPECT_STREQ("text", take(fd));
	close(fd);
}

/* A place gets free. */
struct places {
	int fd, ready, done, result;
};

static int wait_for_place(const struct places *places, int *ready)
{
	int level = watch(places->fd, EPOLLIN), edge = watch(places->fd, EPOLLIN | EPOLLET);

	CHECK(0, next_event(level, 0));
	CHECK(0, next_event(edge, 0));
	set_flag(ready);
	CHECK(EPOLLIN, next_event(level, PATIENCE * 1000));
	CHECK(EPOLLIN, next_event(edge, 0));
	CHECK(0, recv_any(places->fd));
	CHECK(0, next_event(edge, 0));
	return 0;
}

TEST(place_gets_free)
{
	struct places *places = shared_alloc(sizeof(*places));
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	pid_t holder = fork_child();

	ASSERT_LE(0, holder);
	if (holder == 0) {
		arg.max_procs = 1;
		places->fd = open_call(MBOX_IOC_CREATE, &arg);
		if (places->fd < 0 || put(places->fd, 0, "text"))
			_exit(1);
		/* its child inherits the handle, but not the place */
		if (fork_child() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			signal(SIGTERM, SIG_IGN);
			places->result = wait_for_place(places, &places->ready);
			set_flag(&places->done);
			_exit(0);
		}
		_exit(await_flag(&places->ready) ? 0 : 1);
	}
	EXPECT_EQ(0, reap(holder));
	EXPECT_TRUE(await_flag(&places->done));
	EXPECT_EQ(0, places->result);
}

MBOX_TEST_MAIN
