// SPDX-License-Identifier: GPL-2.0-only
/* The order of receipt: priority, then first in first out; and the header of each message. */
#include "lib/mbox_test.h"

FIXTURE(order)
{
	int fd;
};

FIXTURE_VARIANT(order)
{
	uint32_t capacity;
};

FIXTURE_VARIANT_ADD(order, bounded) { .capacity = 4096 };
FIXTURE_VARIANT_ADD(order, unbounded) { .capacity = MBOX_CAPACITY_UNBOUNDED };

FIXTURE_SETUP(order)
{
	self->fd = box_new(_metadata, variant->capacity);
}

FIXTURE_TEARDOWN(order)
{
	close(self->fd);
}

TEST_F(order, fifo)
{
	uint32_t i, got;

	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, send_bytes(self->fd, 0, 7, 0, &i, sizeof(i)));
	}
	EXPECT_EQ(1000, info_of(self->fd).queued);
	EXPECT_EQ(4000, info_of(self->fd).queued_bytes);
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, recv_bytes(self->fd, 0, &got, sizeof(got), NULL));
		ASSERT_EQ(i, got);
	}
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(order, priority)
{
	EXPECT_EQ(0, put(self->fd, 1, "low"));
	EXPECT_EQ(0, put(self->fd, 0, "lowest"));
	EXPECT_EQ(0, put(self->fd, MBOX_PRIO_MAX, "highest"));
	EXPECT_EQ(0, put(self->fd, MBOX_PRIO_MAX - 1, "high"));
	EXPECT_EQ(0, put(self->fd, 1, "low again"));
	EXPECT_EQ(0, put(self->fd, MBOX_PRIO_MAX, "highest again"));
	EXPECT_STREQ("highest", take(self->fd));
	EXPECT_STREQ("highest again", take(self->fd));
	EXPECT_STREQ("high", take(self->fd));
	EXPECT_STREQ("low", take(self->fd));
	EXPECT_STREQ("low again", take(self->fd));
	EXPECT_STREQ("lowest", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
}

/* 2000 messages of mixed priorities, received in part between: each is the first of those left. */
TEST_F(order, mixed)
{
	enum { N = 2000 };
	struct { uint32_t prio; bool here; } model[N] = { 0 };
	uint32_t random = 12345;
	uint32_t sent = 0, left = 0;

	while (sent < N || left) {
		random = random * 1103515245 + 12345;
		if (sent < N && (random >> 16) % 3) {
			/* few priorities with many messages each, and many with few */
			uint32_t prio = (random >> 20) & 1 ? (random >> 24) % 4 : (random >> 8) & 0x7fff;

			model[sent].prio = prio;
			model[sent].here = true;
			ASSERT_EQ(0, send_bytes(self->fd, 0, prio, sent, &sent, sizeof(sent)));
			sent++;
			left++;
		} else if (left) {
			struct mbox_header header;
			uint32_t first = N, got;

			for (uint32_t i = 0; i < sent; i++)
				if (model[i].here && (first == N || model[i].prio > model[first].prio))
					first = i;
			ASSERT_EQ(0, recv_bytes(self->fd, 0, &got, sizeof(got), &header));
			ASSERT_EQ(first, got);
			ASSERT_EQ(first, header.type);
			ASSERT_EQ(first + 1, header.seq);
			ASSERT_EQ(model[first].prio, header.prio);
			model[first].here = false;
			left--;
		}
	}
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_EQ(N, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(order, header)
{
	const int64_t before = now_on(CLOCK_REALTIME_COARSE);
	struct mbox_header header;
	char text[16];
	int64_t after;

	EXPECT_EQ(0, put(self->fd, 0, "skipped"));
	EXPECT_EQ(0, send_bytes(self->fd, 0, 3, 0xffffffff, "text", 4));
	after = now_on(CLOCK_REALTIME_COARSE);
	ASSERT_EQ(0, recv_bytes(self->fd, 0, text, sizeof(text), &header));
	EXPECT_EQ(4, header.length);
	EXPECT_EQ(2, header.seq);
	EXPECT_LE(before, (int64_t)header.time);
	EXPECT_GE(after, (int64_t)header.time);
	EXPECT_EQ(3, header.prio);
	EXPECT_EQ(0xffffffff, header.type);
	EXPECT_EQ((uint32_t)getpid(), header.pid);
	EXPECT_EQ(getuid(), header.uid);
	EXPECT_EQ(getgid(), header.gid);
	EXPECT_EQ(0, header.type_hi);
}

/* A receive writes its header and the payload, and nothing else. */
TEST_F(order, outputs)
{
	uint8_t data[64];
	struct mbox_ioc_recv arg = { .data = address_of(data), .size = sizeof(data) };
	struct mbox_ioc_recv was;

	memset(data, POISON, sizeof(data));
	memset(&arg.header, POISON, sizeof(arg.header));
	was = arg;
	ASSERT_EQ(0, put(self->fd, 0, "four"));
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	EXPECT_EQ(0, memcmp(&was, &arg, offsetof(struct mbox_ioc_recv, header)));
	EXPECT_EQ(0, memcmp(data, "four", 4));
	EXPECT_TRUE(untouched(data + 4, sizeof(data) - 4));

	/* one that gets nothing writes nothing */
	memset(data, POISON, sizeof(data));
	arg = was;
	arg.flags = was.flags = MBOX_RECV_NONBLOCK;
	EXPECT_EQ(-EAGAIN, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	EXPECT_EQ(0, memcmp(&was, &arg, sizeof(arg)));
	EXPECT_TRUE(untouched(data, sizeof(data)));
}

/* The sequence number is the mailbox's, for all senders and independent of receives. */
TEST_F(order, sequence)
{
	struct mbox_header header;

	for (uint64_t i = 1; i <= 100; i++) {
		ASSERT_EQ(0, put(self->fd, i % 3, ""));
		ASSERT_EQ(i, info_of(self->fd).sent);
		if (i % 2) {
			ASSERT_EQ(0, recv_bytes(self->fd, 0, NULL, 0, &header));
		}
	}
	/* refused sends take no number */
	EXPECT_EQ(-EMSGSIZE, send_bytes(self->fd, 0, 0, 0, "", info_of(self->fd).msg_size + 1));
	while (info_of(self->fd).queued) {
		ASSERT_EQ(0, recv_bytes(self->fd, 0, NULL, 0, &header));
	}
	ASSERT_EQ(0, put(self->fd, 0, ""));
	ASSERT_EQ(0, recv_bytes(self->fd, 0, NULL, 0, &header));
	EXPECT_EQ(101, header.seq);
}

MBOX_TEST_MAIN
