// SPDX-License-Identifier: GPL-2.0-only
/* Broadcasting with limits: slow receivers hold senders back or lose messages; waiting, and its end. */
#include "lib/broadcast.h"

FIXTURE(room)
{
	struct cast cast;
	int *in;
	int fd;
};

FIXTURE_SETUP(room)
{
	cast_new(_metadata, &self->cast, cast_arg(2, 0));
	self->in = self->cast.in;
	self->fd = self->cast.fd;
}

FIXTURE_TEARDOWN(room)
{
	cast_end(&self->cast);
}

/* Fill in[0], and leave the others empty. */
static void fill_first(struct __test_metadata *_metadata, struct _test_data_room *self)
{
	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	for (int i = 1; i < HANDLES; i++) {
		ASSERT_STREQ("a", take(self->in[i]));
		ASSERT_STREQ("b", take(self->in[i]));
	}
}

/* The slowest decides. */
TEST_F(room, full)
{
	struct mbox_info before;

	fill_first(_metadata, self);
	before = info_of(self->fd);
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, "c"));
	EXPECT_EQ(-EAGAIN, put(self->fd, 5, "c"));
	EXPECT_UNCHANGED(self->fd, &before);
	for (int i = 1; i < HANDLES; i++)
		EXPECT_STREQ("EAGAIN", take(self->in[i]));
	EXPECT_STREQ("a", take(self->in[0]));
	EXPECT_EQ(HANDLES, put(self->fd, 0, "c"));
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, "d"));
}

TEST_F(room, blocked)
{
	struct call *call;

	fill_first(_metadata, self);
	call = cast_send(_metadata, &self->cast, 0, 0, "c");
	/* nobody can have it before all can */
	EXPECT_STREQ("EAGAIN", take(self->in[1]));
	EXPECT_STREQ("EAGAIN", peek(self->in[1]));
	EXPECT_EQ(2, info_of(self->fd).sent);
	EXPECT_STREQ("a", take(self->in[0]));
	EXPECT_EQ(HANDLES, call_end(call));
	EXPECT_STREQ("b", take(self->in[0]));
	for (int i = 0; i < HANDLES; i++)
		EXPECT_STREQ("c", take(self->in[i]));
	EXPECT_COUNTS(self->fd, 0, 3, 3, 0, 0, 0);
}

/* They keep their turn: by priority, then by arrival; and nobody overtakes them. */
TEST_F(room, turns)
{
	struct call *calls[3];

	fill_first(_metadata, self);
	calls[0] = cast_send(_metadata, &self->cast, 0, 0, "low");
	calls[1] = cast_send(_metadata, &self->cast, 0, 1, "high");
	calls[2] = cast_send(_metadata, &self->cast, 0, 1, "late");
	EXPECT_STREQ("a", take(self->in[0]));
	EXPECT_EQ(HANDLES, call_end(calls[1]));
	EXPECT_EQ(2, info_of(self->fd).senders);
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, "x"));
	EXPECT_STREQ("high", take(self->in[0]));
	EXPECT_EQ(HANDLES, call_end(calls[2]));
	EXPECT_STREQ("late", take(self->in[0]));
	/* the others are full now, of the two */
	EXPECT_EQ(1, info_of(self->fd).senders);
	EXPECT_STREQ("high", take(self->in[1]));
	EXPECT_EQ(1, info_of(self->fd).senders);
	EXPECT_STREQ("high", take(self->in[2]));
	EXPECT_EQ(HANDLES, call_end(calls[0]));
	EXPECT_STREQ("b", take(self->in[0]));
	EXPECT_STREQ("low", take(self->in[0]));
	EXPECT_STREQ("late", take(self->in[1]));
	EXPECT_STREQ("low", take(self->in[1]));
	EXPECT_BALANCED(self->fd);
}

/* Opened while a send is blocked: it was sent before. */
TEST_F(room, opened_meanwhile)
{
	struct call *call;
	int late;

	fill_first(_metadata, self);
	call = cast_send(_metadata, &self->cast, 0, 0, "c");
	late = cast_join(_metadata, &self->cast);
	EXPECT_STREQ("a", take(self->in[0]));
	EXPECT_EQ(HANDLES, call_end(call));
	EXPECT_STREQ("EAGAIN", take(late));
	EXPECT_STREQ("c", take(self->in[1]));
	EXPECT_STREQ("b", take(self->in[0]));
	EXPECT_EQ(HANDLES + 1, put(self->fd, 0, "d"));
	EXPECT_STREQ("d", take(late));
	close(late);
}

/* A receiver that waits for it has room for it, full or not. */
TEST_F(room, waiting_receiver_is_room)
{
	struct call *receiver, *sender;

	fill_first(_metadata, self);
	receiver = cast_recv(_metadata, self->in[0], MBOX_RECV_BY_TYPE, 7);
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, "no"));
	EXPECT_EQ(HANDLES, put_type(self->fd, 7, "seven"));
	EXPECT_STREQ("seven", recv_end(receiver));

	/* and the other way round: it comes to a sender that is blocked */
	sender = call_new(self->fd, CALL_SEND);
	sender->send.type = 8;
	sender->send.size = 0;
	call_start(sender);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	receiver = call_new(self->in[0], CALL_RECV);
	receiver->recv.flags = MBOX_RECV_BY_TYPE;
	receiver->recv.type = 8;
	call_start(receiver);
	EXPECT_STREQ("", recv_end(receiver));
	EXPECT_EQ(HANDLES, call_end(sender));
	EXPECT_HANDLE(self->in[0], 2, 2, 0);
	EXPECT_BALANCED(self->fd);
}

TEST(bytes)
{
	struct mbox_ioc_open arg = cast_arg(MBOX_CAPACITY_UNBOUNDED, 0);
	struct cast cast;

	arg.msg_size = 8;
	arg.bytes = 10;
	cast_new(_metadata, &cast, arg);
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "12345678"));
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "12"));
	EXPECT_EQ(HANDLES, put(cast.fd, 0, ""));
	EXPECT_EQ(-EAGAIN, put(cast.fd, 0, "1"));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(-EAGAIN, put(cast.fd, 0, "1"));
		EXPECT_STREQ("12345678", take(cast.in[i]));
	}
	EXPECT_EQ(-EMSGSIZE, put(cast.fd, 0, "87654321x"));
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "87654321"));
	EXPECT_EQ(-EAGAIN, put(cast.fd, 0, "1"));
	cast_end(&cast);
}

TEST_F(room, deadline)
{
	struct mbox_ioc_send arg = { .clock = MBOX_CLOCK_MONOTONIC };
	struct mbox_info before;

	fill_first(_metadata, self);
	before = info_of(self->fd);
	arg.deadline = now() + 20 * NSEC_PER_MSEC;
	EXPECT_EQ(-ETIMEDOUT, xioctl(self->fd, MBOX_IOC_SEND, &arg));
	EXPECT_UNCHANGED(self->fd, &before);
}

/* A sender that gives up lets the next one in, if that needs less. */
TEST_F(room, killed)
{
	struct call *calls[2];

	fill_first(_metadata, self);
	for (int i = 0; i < 2; i++)
		calls[i] = cast_send(_metadata, &self->cast, i ? MBOX_SEND_SYNC : 0, 0, "c");
	for (int i = 0; i < 2; i++) {
		kill(calls[i]->pid, SIGKILL);
		EXPECT_EQ(-ECHILD, call_end(calls[i]));
		EXPECT_EQ(1 - i, info_of(self->fd).senders);
	}
	EXPECT_COUNTS(self->fd, 2, 2, 0, 0, 0, 0);
	EXPECT_STREQ("EAGAIN", take(self->in[1]));
}

/* Synchronous: until all have received it. */

TEST_F(room, sync)
{
	struct call *call = cast_send(_metadata, &self->cast, MBOX_SEND_SYNC, 0, "text");

	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(0, call->done);
		EXPECT_EQ(1, info_of(self->fd).senders);
		EXPECT_STREQ("text", peek(self->in[i]));
		EXPECT_STREQ("text", take(self->in[i]));
	}
	EXPECT_EQ(HANDLES, call_end(call));
	EXPECT_COUNTS(self->fd, 0, 1, 1, 0, 0, 0);
}

/* First for room, then for receipts. */
TEST_F(room, sync_blocked)
{
	struct call *call;

	fill_first(_metadata, self);
	call = cast_send(_metadata, &self->cast, MBOX_SEND_SYNC, 0, "text");
	EXPECT_EQ(2, info_of(self->fd).sent);
	EXPECT_STREQ("a", take(self->in[0]));
	EXPECT_EQ(3, info_of(self->fd).sent);
	EXPECT_EQ(0, call->done);
	EXPECT_STREQ("text", take(self->in[1]));
	EXPECT_STREQ("text", take(self->in[2]));
	EXPECT_STREQ("b", take(self->in[0]));
	EXPECT_EQ(1, info_of(self->fd).senders);
	EXPECT_STREQ("text", take(self->in[0]));
	EXPECT_EQ(HANDLES, call_end(call));
}

static int sync_until(int fd, int64_t deadline)
{
	struct mbox_ioc_send arg = {
		.flags = MBOX_SEND_SYNC,
		.clock = MBOX_CLOCK_MONOTONIC,
		.deadline = deadline,
		.data = address_of("text"),
		.size = 4,
	};

	return xioctl(fd, MBOX_IOC_SEND, &arg);
}

TEST_F(room, sync_withdrawn)
{
	EXPECT_EQ(-ETIMEDOUT, sync_until(self->fd, now() + 20 * NSEC_PER_MSEC));
	EXPECT_EQ(-ETIMEDOUT, sync_until(self->fd, 0));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_STREQ("EAGAIN", take(self->in[i]));
		EXPECT_HANDLE(self->in[i], 0, 0, 0);
	}
	EXPECT_COUNTS(self->fd, 0, 2, 0, 2, 0, 0);
}

/* Withdrawn from the receivers that had not received it; it returns how many had. */
TEST_F(room, sync_withdrawn_in_part)
{
	struct call *receivers[2];

	for (int i = 0; i < 2; i++)
		receivers[i] = cast_recv(_metadata, self->in[i], 0, 0);
	EXPECT_EQ(2, sync_until(self->fd, now() + NSEC_PER_SEC));
	for (int i = 0; i < 2; i++)
		EXPECT_STREQ("text", recv_end(receivers[i]));
	EXPECT_STREQ("EAGAIN", take(self->in[2]));
	EXPECT_HANDLE(self->in[2], 0, 0, 0);
	EXPECT_COUNTS(self->fd, 0, 1, 1, 0, 0, 0);
}

static void on_signal(int sig)
{
}

static void handle_signal(struct call *call)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
}

TEST_F(room, sync_signal)
{
	for (int received = 0; received < HANDLES; received++) {
		struct call *call = call_new(self->fd, CALL_SEND);

		call->send.flags = MBOX_SEND_SYNC;
		call->send.size = 4;
		memcpy(call->data, "text", 4);
		call->prepare = handle_signal;
		call_start(call);
		ASSERT_TRUE(await_blocked(self->fd, 1, 0));
		for (int i = 0; i < received; i++)
			EXPECT_EQ(0, recv_bytes(self->in[i], 0, &(char[8]) {}, 8, NULL));
		kill(call->pid, SIGUSR1);
		EXPECT_EQ(received ?: -EINTR, call_end(call));
		/* a message that one received must reach the others too */
		for (int i = received; i < HANDLES; i++)
			EXPECT_STREQ(received ? "text" : "EAGAIN", take(self->in[i]));
	}
	EXPECT_COUNTS(self->fd, 0, 3, 2, 1, 0, 0);
}

/* The limit is less than the waiting message: an empty mailbox takes it all the same. */
TEST(bytes_below_a_blocked_message)
{
	struct mbox_ioc_open arg = cast_arg(MBOX_CAPACITY_UNBOUNDED, 0);
	struct mbox_ioc_set set = { .mask = MBOX_SET_BYTES | MBOX_SET_MSG_SIZE,
				    .bytes = 4, .msg_size = 4 };
	struct call *call;
	struct cast cast;

	arg.msg_size = 8;
	arg.bytes = 10;
	cast_new(_metadata, &cast, arg);
	ASSERT_EQ(HANDLES, put(cast.fd, 0, "12345678"));
	call = cast_send(_metadata, &cast, 0, 0, "87654321");
	ASSERT_EQ(0, xioctl(cast.fd, MBOX_IOC_SET, &set));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(1, info_of(cast.fd).senders);
		EXPECT_STREQ("12345678", take(cast.in[i]));
	}
	/* nobody waits for it, but it is there */
	for (int i = 0; i < HANDLES; i++)
		EXPECT_STREQ("87654321", take(cast.in[i]));
	EXPECT_EQ(HANDLES, call_end(call));
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "1234"));
	EXPECT_EQ(-EAGAIN, put(cast.fd, 0, "1"));
	cast_end(&cast);
}

/* A withdrawn message leaves its room to others. */
TEST_F(room, withdrawal_makes_room)
{
	struct call *sync[2], *call;

	for (int i = 0; i < 2; i++)
		sync[i] = cast_send(_metadata, &self->cast, MBOX_SEND_SYNC, 0, "sync");
	call = cast_send(_metadata, &self->cast, 0, 0, "text");
	kill(sync[0]->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sync[0]));
	EXPECT_EQ(HANDLES, call_end(call));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_STREQ("sync", take(self->in[i]));
		EXPECT_STREQ("text", take(self->in[i]));
	}
	EXPECT_EQ(HANDLES, call_end(sync[1]));
	EXPECT_COUNTS(self->fd, 0, 3, 2, 1, 0, 0);
}

/* Deadlines that pass just when receivers come: both sides know the same. */
TEST_F(room, sync_races)
{
	enum { SENDS = 600 };
	struct tally { int stop; uint32_t got[2]; } *tally = shared_alloc(sizeof(*tally));
	uint32_t random = getpid(), sum = 0, none = 0;
	pid_t pids[2];

	cast_leave(&self->cast, 2);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i] == 0) {
			while (!__atomic_load_n(&tally->stop, __ATOMIC_ACQUIRE)) {
				struct mbox_ioc_recv arg = {
					.clock = MBOX_CLOCK_MONOTONIC,
					.deadline = now() + 30000,
					.data = address_of(&(char[8]) {}),
					.size = 8,
				};

				tally->got[i] += xioctl(self->in[i], MBOX_IOC_RECV, &arg) == 0;
			}
			_exit(0);
		}
	}
	for (int i = 0; i < SENDS; i++) {
		int ret;

		random = random * 1103515245 + 12345;
		ret = sync_until(self->fd, now() + (random >> 16) * 4);
		if (ret == -ETIMEDOUT)
			none++;
		else if (ret > 0)
			sum += ret;
		else
			ASSERT_EQ(-ETIMEDOUT, ret);
	}
	set_flag(&tally->stop);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, reap(pids[i]));
	TH_LOG("%u received, %u by nobody", sum, none);
	EXPECT_EQ(sum, tally->got[0] + tally->got[1]);
	EXPECT_COUNTS(self->fd, 0, SENDS, SENDS - none, none, 0, 0);
}

/* Overflow: the slow lose their oldest. */

TEST(overflow)
{
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(2, MBOX_OPTION_OVERFLOW));
	EXPECT_EQ(MBOX_OPTION_OVERFLOW, info_of(cast.fd).options);
	for (int n = 0; n < 6; n++) {
		char text[] = { 'a' + n, '\0' };

		/* the first has the highest priority, and goes first all the same */
		EXPECT_EQ(HANDLES, put(cast.fd, 6 - n, text));
		EXPECT_STREQ(text, take(cast.in[0]));
	}
	EXPECT_HANDLE(cast.in[0], 0, 6, 0);
	for (int i = 1; i < HANDLES; i++) {
		EXPECT_HANDLE(cast.in[i], 2, 0, 4);
		EXPECT_STREQ("e", take(cast.in[i]));
		EXPECT_STREQ("f", take(cast.in[i]));
		EXPECT_STREQ("EAGAIN", take(cast.in[i]));
	}
	EXPECT_COUNTS(cast.fd, 0, 6, 6, 0, 0, 4 * (HANDLES - 1));
	/* lost by all it was dropped */
	for (int n = 0; n < 5; n++)
		EXPECT_EQ(HANDLES, put(cast.fd, 0, "text"));
	EXPECT_COUNTS(cast.fd, 2, 11, 6, 0, 3, 4 * (HANDLES - 1) + 3 * HANDLES);
	cast_end(&cast);
}

TEST(overflow_of_bytes)
{
	struct mbox_ioc_open arg = cast_arg(MBOX_CAPACITY_UNBOUNDED, MBOX_OPTION_OVERFLOW);
	struct cast cast;

	arg.msg_size = 8;
	arg.bytes = 10;
	cast_new(_metadata, &cast, arg);
	for (int n = 0; n < 5; n++)
		EXPECT_EQ(HANDLES, put(cast.fd, 0, "12"));
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "12345678"));
	EXPECT_HANDLE(cast.in[0], 2, 0, 4);
	EXPECT_STREQ("12", take(cast.in[0]));
	EXPECT_STREQ("12345678", take(cast.in[0]));
	cast_end(&cast);
}

/* A synchronous send learns that it was lost. */
TEST(overflow_of_sync)
{
	struct call *call;
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(1, MBOX_OPTION_OVERFLOW));
	call = cast_send(_metadata, &cast, MBOX_SEND_SYNC, 0, "sync");
	EXPECT_STREQ("sync", take(cast.in[0]));
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "next"));
	EXPECT_EQ(1, call_end(call));
	EXPECT_COUNTS(cast.fd, 1, 2, 1, 0, 0, HANDLES - 1);
	cast_end(&cast);
}

/* A receiver that waits gets it, and loses nothing for it. */
TEST(overflow_with_receiver)
{
	struct call *call;
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(1, MBOX_OPTION_OVERFLOW));
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "old"));
	call = cast_recv(_metadata, cast.in[0], MBOX_RECV_BY_TYPE, 7);
	EXPECT_EQ(HANDLES, put_type(cast.fd, 7, "seven"));
	EXPECT_STREQ("seven", recv_end(call));
	EXPECT_HANDLE(cast.in[0], 1, 1, 0);
	EXPECT_HANDLE(cast.in[1], 1, 0, 1);
	EXPECT_STREQ("old", take(cast.in[0]));
	EXPECT_STREQ("seven", take(cast.in[1]));
	cast_end(&cast);
}

MBOX_TEST_MAIN
