// SPDX-License-Identifier: GPL-2.0-only
/* Room: none, so many messages, so many bytes, any; and the order in which senders get in. */
#include "lib/child_call.h"

static int box_of(struct __test_metadata *_metadata, uint32_t capacity, uint32_t msg_size,
		  uint64_t bytes)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);
	int fd;

	arg.msg_size = msg_size;
	arg.bytes = bytes;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	return fd;
}

static int put_size(int fd, uint32_t prio, uint32_t size)
{
	static const char zeros[65536];

	return send_bytes(fd, MBOX_SEND_NONBLOCK, prio, 0, zeros, size);
}

static struct call *send_size_start(int fd, uint32_t prio, uint32_t size)
{
	struct call *call = call_new(fd, CALL_SEND);

	call->send.prio = prio;
	call->send.size = size;
	call_start(call);
	return call;
}

/* Take one message: its length, or an error. */
static int64_t take_size(int fd)
{
	struct mbox_header header;
	static char data[65536];
	int ret = recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header);

	return ret < 0 ? ret : (int64_t)header.length;
}

TEST(messages)
{
	int fd = box_new(_metadata, 3);
	struct mbox_info before;

	EXPECT_EQ(0, put(fd, 0, "one"));
	EXPECT_EQ(0, put(fd, 0, "two"));
	EXPECT_EQ(0, put(fd, 0, "three"));
	before = info_of(fd);
	EXPECT_EQ(-EAGAIN, put(fd, 0, "four"));
	/* priority makes no room, nor does being empty */
	EXPECT_EQ(-EAGAIN, put(fd, MBOX_PRIO_MAX, ""));
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_STREQ("one", take(fd));
	EXPECT_EQ(0, put(fd, 0, "four"));
	EXPECT_EQ(-EAGAIN, put(fd, 0, "five"));
	EXPECT_STREQ("two", take(fd));
	EXPECT_STREQ("three", take(fd));
	EXPECT_STREQ("four", take(fd));
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_BALANCED(fd);
	close(fd);
}

TEST(bytes)
{
	int fd = box_of(_metadata, 100, 500, 1000);
	struct mbox_info before;

	EXPECT_EQ(0, put_size(fd, 0, 500));
	EXPECT_EQ(0, put_size(fd, 0, 499));
	EXPECT_EQ(0, put_size(fd, 0, 1));
	before = info_of(fd);
	EXPECT_EQ(1000, before.queued_bytes);
	EXPECT_EQ(-EAGAIN, put_size(fd, 0, 1));
	EXPECT_UNCHANGED(fd, &before);
	/* no byte more is queued by a message without any */
	EXPECT_EQ(0, put_size(fd, 0, 0));
	EXPECT_EQ(500, take_size(fd));
	EXPECT_EQ(-EMSGSIZE, put_size(fd, 0, 501));
	EXPECT_EQ(0, put_size(fd, 0, 500));
	EXPECT_EQ(-EAGAIN, put_size(fd, 0, 1));
	EXPECT_EQ(1000, info_of(fd).queued_bytes);
	close(fd);
}

TEST(messages_and_bytes)
{
	int fd = box_of(_metadata, 2, 500, 600);

	EXPECT_EQ(0, put_size(fd, 0, 10));
	EXPECT_EQ(0, put_size(fd, 0, 10));
	EXPECT_EQ(-EAGAIN, put_size(fd, 0, 10));
	EXPECT_EQ(10, take_size(fd));
	EXPECT_EQ(0, put_size(fd, 0, 500));
	EXPECT_EQ(10, take_size(fd));
	EXPECT_EQ(-EAGAIN, put_size(fd, 0, 101));
	EXPECT_EQ(0, put_size(fd, 0, 100));
	close(fd);
}

TEST(unbounded)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);

	for (uint32_t i = 0; i < 5000; i++) {
		ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, i, &i, sizeof(i)));
	}
	EXPECT_EQ(5000, info_of(fd).queued);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t got = 0;

		ASSERT_EQ(0, recv_bytes(fd, MBOX_RECV_NONBLOCK, &got, sizeof(got), NULL));
		ASSERT_EQ(i, got);
	}
	EXPECT_BALANCED(fd);
	close(fd);
}

TEST(unbounded_but_bytes)
{
	int fd = box_of(_metadata, MBOX_CAPACITY_UNBOUNDED, 100, 1000);

	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(0, put_size(fd, 0, 100));
	}
	EXPECT_EQ(-EAGAIN, put_size(fd, 0, 1));
	close(fd);
}

/* Blocked sends get in by priority, then by the time that they came; each as soon as it can. */
TEST(order_of_admission)
{
	static const struct { uint32_t prio; const char *text; } sends[] = {
		{ 0, "a" }, { 5, "b" }, { 0, "c" }, { 5, "d" }, { MBOX_PRIO_MAX, "e" },
	};
	static const char *const order[] = { "first", "e", "b", "d", "a", "c" };
	struct call *calls[ARRAY_SIZE(sends)];
	int fd = box_new(_metadata, 1);

	ASSERT_EQ(0, put(fd, 0, "first"));
	for (size_t i = 0; i < ARRAY_SIZE(sends); i++) {
		calls[i] = send_start(fd, sends[i].prio, sends[i].text);
		ASSERT_TRUE(await_blocked(fd, i + 1, 0));
	}
	EXPECT_EQ(1, info_of(fd).sent);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		struct mbox_header header;
		char text[8] = "";

		EXPECT_EQ(i + 1, info_of(fd).sent);
		EXPECT_EQ(ARRAY_SIZE(sends) - i, info_of(fd).senders);
		ASSERT_EQ(0, recv_bytes(fd, MBOX_RECV_NONBLOCK, text, sizeof(text), &header));
		EXPECT_STREQ(order[i], text);
		EXPECT_EQ(i + 1, header.seq);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sends); i++) {
		EXPECT_EQ(0, call_end(calls[i]));
	}
	EXPECT_BALANCED(fd);
	close(fd);
}

/* The room that a receive makes is the blocked sender's, before anybody else sees it. */
TEST(no_barging)
{
	int fd = box_new(_metadata, 1);
	struct call *sender;

	ASSERT_EQ(0, put(fd, 0, "first"));
	sender = send_start(fd, 0, "second");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("first", take(fd));
	EXPECT_EQ(-EAGAIN, put(fd, MBOX_PRIO_MAX, "barging"));
	EXPECT_EQ(0, info_of(fd).senders);
	EXPECT_EQ(1, info_of(fd).queued);
	EXPECT_EQ(0, call_end(sender));
	EXPECT_STREQ("second", take(fd));
	close(fd);
}

/* A small message may not slip past a large one that waits for room. */
TEST(no_barging_by_size)
{
	int fd = box_of(_metadata, 100, 500, 1000);
	struct call *large, *small;
	struct mbox_info before;

	ASSERT_EQ(0, put_size(fd, 3, 300));
	ASSERT_EQ(0, put_size(fd, 3, 301));
	large = send_size_start(fd, 3, 400);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	before = info_of(fd);
	EXPECT_EQ(-EAGAIN, put_size(fd, 3, 10));
	EXPECT_EQ(-EAGAIN, put_size(fd, 0, 10));
	EXPECT_UNCHANGED(fd, &before);
	small = send_size_start(fd, 3, 11);
	ASSERT_TRUE(await_blocked(fd, 2, 0));
	/* one of higher priority goes first, as it would if it waited */
	EXPECT_EQ(0, put_size(fd, 4, 12));
	EXPECT_EQ(12, take_size(fd));
	EXPECT_EQ(2, info_of(fd).senders);
	EXPECT_EQ(300, take_size(fd));
	EXPECT_EQ(0, call_end(large));
	EXPECT_EQ(0, call_end(small));
	EXPECT_EQ(301, take_size(fd));
	EXPECT_EQ(400, take_size(fd));
	EXPECT_EQ(11, take_size(fd));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* Once the large one gives up, those behind it need not wait any longer. */
TEST(first_in_line_gives_up)
{
	int fd = box_of(_metadata, 100, 500, 1000);
	struct call *large, *small;

	ASSERT_EQ(0, put_size(fd, 0, 500));
	ASSERT_EQ(0, put_size(fd, 0, 200));
	large = send_size_start(fd, 0, 400);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	small = send_size_start(fd, 0, 300);
	ASSERT_TRUE(await_blocked(fd, 2, 0));
	kill(large->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(large));
	EXPECT_EQ(0, call_end(small));
	EXPECT_EQ(3, info_of(fd).queued);
	EXPECT_EQ(0, info_of(fd).withdrawn);
	EXPECT_BALANCED(fd);
	close(fd);
}

/* One large receipt lets in as many as there is room for. */
TEST(several_admitted)
{
	int fd = box_of(_metadata, 4, 500, 500);
	struct call *calls[5];

	ASSERT_EQ(0, put_size(fd, 0, 500));
	for (int i = 0; i < 5; i++) {
		calls[i] = send_size_start(fd, 0, 100);
		ASSERT_TRUE(await_blocked(fd, i + 1, 0));
	}
	EXPECT_EQ(500, take_size(fd));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, call_end(calls[i]));
	}
	EXPECT_EQ(1, info_of(fd).senders);
	EXPECT_EQ(4, info_of(fd).queued);
	EXPECT_EQ(100, take_size(fd));
	EXPECT_EQ(0, call_end(calls[4]));
	close(fd);
}

/* A full mailbox acts like one of capacity zero: a filtered receive gets its message from the sender. */
TEST(filter_finds_blocked_sender)
{
	int fd = box_new(_metadata, 1);
	struct mbox_ioc_recv recv = {
		.flags = MBOX_RECV_BY_TYPE | MBOX_RECV_NONBLOCK, .type = 2,
	};
	struct call *sender = call_new(fd, CALL_SEND);
	char text[16] = "";

	ASSERT_EQ(0, send_bytes(fd, 0, 0, 1, "queued", 6));
	sender->send.type = 2;
	sender->send.size = 4;
	memcpy(sender->data, "from", 4);
	call_start(sender);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	recv.data = address_of(text);
	recv.size = sizeof(text);
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_RECV, &recv));
	EXPECT_STREQ("from", text);
	EXPECT_EQ(2, recv.header.seq);
	EXPECT_EQ((uint32_t)sender->pid, recv.header.pid);
	EXPECT_EQ(0, call_end(sender));
	EXPECT_EQ(1, info_of(fd).queued);
	EXPECT_EQ(2, info_of(fd).sent);
	EXPECT_EQ(1, info_of(fd).received);
	EXPECT_STREQ("queued", take(fd));
	close(fd);
}

/* And the other way round: a send succeeds if a receiver waits for it. */
TEST(full_with_waiting_receiver)
{
	struct call *receiver;
	int fd = box_new(_metadata, 1);

	ASSERT_EQ(0, send_bytes(fd, 0, 0, 1, "queued", 6));
	receiver = call_new(fd, CALL_RECV);
	receiver->recv.flags = MBOX_RECV_BY_TYPE;
	receiver->recv.type = 2;
	call_start(receiver);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_EQ(-EAGAIN, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 1, "no room", 7));
	EXPECT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 2, "wanted", 6));
	EXPECT_STREQ("wanted", recv_end(receiver));
	EXPECT_STREQ("queued", take(fd));
	EXPECT_BALANCED(fd);
	close(fd);
}

TEST(zero_without_receiver)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct mbox_info before = info_of(fd);

	EXPECT_EQ(-EAGAIN, put(fd, 0, "nobody"));
	EXPECT_EQ(-EAGAIN, put(fd, MBOX_PRIO_MAX, ""));
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
}

TEST(zero_with_waiting_receiver)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *receiver = recv_start(fd);

	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_EQ(0, put(fd, 0, "met"));
	/* one receiver takes one message */
	EXPECT_EQ(-EAGAIN, put(fd, 0, "missed"));
	EXPECT_STREQ("met", recv_end(receiver));
	EXPECT_EQ(1, receiver->recv.header.seq);
	receiver = recv_start(fd);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	/* a send that may block waits for the receipt, and returns the receiver's pid */
	EXPECT_EQ(receiver->pid, send_bytes(fd, 0, 0, 0, "again", 5));
	EXPECT_STREQ("again", recv_end(receiver));
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_EQ(2, info_of(fd).received);
	EXPECT_BALANCED(fd);
	close(fd);
}

TEST(zero_with_waiting_senders)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *low = send_start(fd, 0, "low"), *high, *later;

	ASSERT_TRUE(await_blocked(fd, 1, 0));
	high = send_start(fd, 1, "high");
	ASSERT_TRUE(await_blocked(fd, 2, 0));
	later = send_start(fd, 0, "later");
	ASSERT_TRUE(await_blocked(fd, 3, 0));
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_EQ(0, info_of(fd).sent);
	EXPECT_STREQ("high", take(fd));
	EXPECT_EQ(getpid(), call_end(high));
	EXPECT_EQ(2, info_of(fd).senders);
	EXPECT_STREQ("low", take(fd));
	EXPECT_EQ(getpid(), call_end(low));
	EXPECT_STREQ("later", take(fd));
	EXPECT_EQ(getpid(), call_end(later));
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_EQ(3, info_of(fd).sent);
	EXPECT_BALANCED(fd);
	close(fd);
}

/* Two processes, each waiting for the other in turn. */
TEST(zero_back_and_forth)
{
	enum { ROUNDS = 500 };
	int there = box_new(_metadata, MBOX_CAPACITY_ZERO);
	int back = box_new(_metadata, MBOX_CAPACITY_ZERO);
	uint32_t i, got;
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (child == 0) {
		for (i = 0; i < ROUNDS; i++) {
			if (recv_bytes(there, 0, &got, sizeof(got), NULL) < 0)
				_exit(1);
			got = got * 3 + 1;
			if (send_bytes(back, 0, 0, 0, &got, sizeof(got)) != getppid())
				_exit(2);
		}
		_exit(0);
	}
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(child, send_bytes(there, 0, 0, 0, &i, sizeof(i)));
		ASSERT_EQ(0, recv_bytes(back, 0, &got, sizeof(got), NULL));
		ASSERT_EQ(i * 3 + 1, got);
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(ROUNDS, info_of(back).received);
	close(there);
	close(back);
}

MBOX_TEST_MAIN
