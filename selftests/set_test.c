// SPDX-License-Identifier: GPL-2.0-only
/* Changing attributes: each alone, all or none, and the effects on messages and blocked calls. */
#include "lib/child_call.h"
#include "lib/module.h"

#include <sys/stat.h>

FIXTURE(set)
{
	int fd;
	struct mbox_info expected;
};

FIXTURE_SETUP(set)
{
	struct mbox_ioc_open arg = open_arg(NULL, 2);

	arg.msg_size = 1000;
	arg.bytes = 5000;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, put(self->fd, 0, "queued"));
	self->expected = info_of(self->fd);
}

FIXTURE_TEARDOWN(set)
{
	close(self->fd);
}

static int set(struct _test_data_set *self, struct mbox_ioc_set arg)
{
	return xioctl(self->fd, MBOX_IOC_SET, &arg);
}

#define SET(...) set(self, (struct mbox_ioc_set) { __VA_ARGS__ })

TEST_F(set, each_alone)
{
	umask(077);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_MODE, .mode = 0666));
	self->expected.mode = 0666;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_MODE, .mode = 0));
	self->expected.mode = 0;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_CAPACITY, .capacity = 17));
	self->expected.capacity = 17;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_CAPACITY, .capacity = MBOX_CAPACITY_UNBOUNDED));
	self->expected.capacity = MBOX_CAPACITY_UNBOUNDED;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_MSG_SIZE, .msg_size = 2000));
	self->expected.msg_size = 2000;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_BYTES, .bytes = 1ULL << 40));
	self->expected.bytes = 1ULL << 40;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_BYTES, .bytes = 0));
	self->expected.bytes = 0;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_STREQ("queued", take(self->fd));
}

TEST_F(set, owner_and_group)
{
	if (geteuid())
		SKIP(return, "only root may still change a mailbox that it gave away");
	EXPECT_EQ(0, SET(.mask = MBOX_SET_UID, .uid = 12345));
	self->expected.uid = 12345;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_GID, .gid = 54321));
	self->expected.gid = 54321;
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_UID | MBOX_SET_GID, .uid = 0, .gid = 0));
	self->expected.uid = self->expected.gid = 0;
	EXPECT_UNCHANGED(self->fd, &self->expected);
}

TEST_F(set, all_at_once)
{
	EXPECT_EQ(0, SET(.mask = 0x3f, .mode = 0606, .uid = geteuid(), .gid = getegid(),
			 .capacity = 100, .msg_size = 6000, .bytes = 6000));
	self->expected.mode = 0606;
	self->expected.capacity = 100;
	self->expected.msg_size = 6000;
	self->expected.bytes = 6000;
	EXPECT_UNCHANGED(self->fd, &self->expected);
}

/* One thing wrong, and nothing is done. */
TEST_F(set, all_or_none)
{
	const struct mbox_ioc_set good = {
		.mask = 0x3f, .mode = 0606, .uid = geteuid(), .gid = getegid(),
		.capacity = 100, .msg_size = 900, .bytes = 6000,
	};
	struct mbox_ioc_set bad[] = {
		good, good, good, good, good, good, good, good, good, good,
	};

	bad[0].mode = 01666;
	bad[1].uid = -1;
	bad[2].gid = -1;
	bad[3].capacity = MBOX_CAPACITY_MAX + 1;
	bad[4].msg_size = 0xffffffff;
	bad[5].bytes = 899;
	bad[6].mask |= 0x40;
	bad[7].pad = 1;
	bad[8].flags = 1;
	bad[9].mask = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, set(self, bad[i]))
			TH_LOG("case %zu", i);
		EXPECT_UNCHANGED(self->fd, &self->expected)
			TH_LOG("case %zu", i);
	}
	EXPECT_EQ(0, set(self, good));
}

/* Limits are checked against each other, also where only one is set. */
TEST_F(set, limits_together)
{
	EXPECT_EQ(-EINVAL, SET(.mask = MBOX_SET_BYTES, .bytes = 999));
	EXPECT_EQ(-EINVAL, SET(.mask = MBOX_SET_MSG_SIZE, .msg_size = 5001));
	EXPECT_EQ(-EINVAL, SET(.mask = MBOX_SET_MSG_SIZE | MBOX_SET_BYTES,
			       .msg_size = 6000, .bytes = 5999));
	EXPECT_UNCHANGED(self->fd, &self->expected);
	EXPECT_EQ(0, SET(.mask = MBOX_SET_BYTES, .bytes = 1000));
	EXPECT_EQ(0, SET(.mask = MBOX_SET_MSG_SIZE | MBOX_SET_BYTES,
			 .msg_size = 6000, .bytes = 6000));
	EXPECT_EQ(6000, info_of(self->fd).msg_size);
}

/* The mask may not be empty, with any other arguments. */
TEST_F(set, nothing)
{
	EXPECT_EQ(-EINVAL, SET(.mask = 0));
	EXPECT_UNCHANGED(self->fd, &self->expected);
}

TEST_F(set, msg_size_default)
{
	uint32_t limit = param_get("max_msg_size");

	if (limit < MBOX_MSG_SIZE_DEFAULT)
		SKIP(return, "max_msg_size is not known, or less than the default");
	EXPECT_EQ(-EINVAL, SET(.mask = MBOX_SET_MSG_SIZE, .msg_size = 0));
	EXPECT_EQ(0, SET(.mask = MBOX_SET_MSG_SIZE | MBOX_SET_BYTES, .bytes = 0));
	EXPECT_EQ(MBOX_MSG_SIZE_DEFAULT, info_of(self->fd).msg_size);
	EXPECT_EQ(-EINVAL, SET(.mask = MBOX_SET_MSG_SIZE, .msg_size = limit + 1));
	EXPECT_EQ(0, SET(.mask = MBOX_SET_MSG_SIZE, .msg_size = limit));
	EXPECT_EQ(limit, info_of(self->fd).msg_size);
}

/* Accepted messages stay when a limit falls below them. */
TEST_F(set, limits_fall)
{
	static char data[1000];
	struct mbox_header header;

	ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, data, 1000));
	ASSERT_EQ(0, SET(.mask = MBOX_SET_CAPACITY | MBOX_SET_MSG_SIZE | MBOX_SET_BYTES,
			 .capacity = 1, .msg_size = 10, .bytes = 10));
	EXPECT_EQ(2, info_of(self->fd).queued);
	EXPECT_EQ(-EMSGSIZE, send_bytes(self->fd, 0, 0, 0, data, 11));
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, ""));
	EXPECT_STREQ("queued", take(self->fd));
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, ""));
	EXPECT_EQ(0, recv_bytes(self->fd, 0, data, sizeof(data), &header));
	EXPECT_EQ(1000, header.length);
	EXPECT_EQ(0, put(self->fd, 0, "ten bytes."));
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, ""));
	EXPECT_BALANCED(self->fd);
}

TEST_F(set, capacity_rises)
{
	struct call *calls[4];

	ASSERT_EQ(0, put(self->fd, 0, "full"));
	for (int i = 0; i < 4; i++) {
		calls[i] = send_start(self->fd, 0, "blocked");
		ASSERT_TRUE(await_blocked(self->fd, i + 1, 0));
	}
	ASSERT_EQ(0, SET(.mask = MBOX_SET_CAPACITY, .capacity = 4));
	EXPECT_EQ(2, info_of(self->fd).senders);
	EXPECT_EQ(4, info_of(self->fd).queued);
	EXPECT_EQ(0, call_end(calls[0]));
	EXPECT_EQ(0, call_end(calls[1]));
	ASSERT_EQ(0, SET(.mask = MBOX_SET_CAPACITY, .capacity = MBOX_CAPACITY_UNBOUNDED));
	EXPECT_EQ(0, call_end(calls[2]));
	EXPECT_EQ(0, call_end(calls[3]));
	EXPECT_EQ(6, info_of(self->fd).queued);
	EXPECT_BALANCED(self->fd);
}

TEST_F(set, bytes_rise)
{
	static char data[1000];
	struct call *call;

	ASSERT_EQ(0, SET(.mask = MBOX_SET_BYTES | MBOX_SET_CAPACITY, .bytes = 1000,
			 .capacity = 10));
	call = call_new(self->fd, CALL_SEND);
	call->send.size = 1000;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	ASSERT_EQ(0, SET(.mask = MBOX_SET_BYTES, .bytes = 1005));
	EXPECT_EQ(1, info_of(self->fd).senders);
	ASSERT_EQ(0, SET(.mask = MBOX_SET_BYTES, .bytes = 1006));
	EXPECT_EQ(0, call_end(call));
	EXPECT_STREQ("queued", take(self->fd));
	EXPECT_EQ(0, recv_bytes(self->fd, 0, data, sizeof(data), NULL));
}

/* To zero: queued messages stay, new ones are a rendezvous. */
TEST_F(set, capacity_to_zero)
{
	struct call *sender;

	ASSERT_EQ(0, SET(.mask = MBOX_SET_CAPACITY, .capacity = MBOX_CAPACITY_ZERO));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, "more"));
	sender = send_start(self->fd, 0, "rendezvous");
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_STREQ("queued", take(self->fd));
	EXPECT_EQ(1, info_of(self->fd).senders);
	EXPECT_STREQ("rendezvous", take(self->fd));
	EXPECT_EQ(getpid(), call_end(sender));
	EXPECT_BALANCED(self->fd);
}

/* From zero: a sender that waits for room has it, and one that waits for a receipt waits on. */
TEST_F(set, capacity_from_zero)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct mbox_ioc_set arg = { .mask = MBOX_SET_CAPACITY, .capacity = 8 };
	struct call *sender = send_start(fd, 0, "first");

	ASSERT_TRUE(await_blocked(fd, 1, 0));
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &arg));
	/* it was sent to meet a receiver, and does */
	EXPECT_EQ(1, info_of(fd).queued);
	EXPECT_EQ(1, info_of(fd).senders);
	EXPECT_EQ(0, put(fd, 0, "second"));
	EXPECT_STREQ("first", take(fd));
	EXPECT_EQ(getpid(), call_end(sender));
	EXPECT_STREQ("second", take(fd));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* A send that waits with a message that is too long by now was right when it was made. */
TEST_F(set, msg_size_falls_below_a_blocked_send)
{
	struct call *call = call_new(self->fd, CALL_SEND);
	char data[1000];

	ASSERT_EQ(0, put(self->fd, 0, "full"));
	call->send.size = 1000;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	ASSERT_EQ(0, SET(.mask = MBOX_SET_MSG_SIZE, .msg_size = 10));
	EXPECT_EQ(1, info_of(self->fd).senders);
	EXPECT_STREQ("queued", take(self->fd));
	EXPECT_EQ(0, call_end(call));
	EXPECT_STREQ("full", take(self->fd));
	EXPECT_EQ(0, recv_bytes(self->fd, 0, data, sizeof(data), NULL));
	EXPECT_BALANCED(self->fd);
}

MBOX_TEST_MAIN
