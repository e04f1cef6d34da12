// SPDX-License-Identifier: GPL-2.0-only
/* Payloads of every size arrive as they were sent, and those that are too long do not leave. */
#include "lib/child_call.h"

/* Around the sizes of slots and of pages, and the longest. */
#define MSG_SIZE	(1024 * 1024)

static const uint32_t sizes[] = {
	0, 1, 2, 7, 8, 9, 63, 64, 65, MBOX_SMALL_SIZE - 1, MBOX_SMALL_SIZE, MBOX_SMALL_SIZE + 1,
	1000, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537, 500001, MSG_SIZE - 1, MSG_SIZE,
};

FIXTURE(payload)
{
	int fd;
	uint8_t *out;
	uint8_t *in;
};

FIXTURE_SETUP(payload)
{
	struct mbox_ioc_open arg = open_arg(NULL, 64);

	arg.msg_size = MSG_SIZE;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->out = shared_alloc(MSG_SIZE);
	self->in = shared_alloc(MSG_SIZE + 4096);
}

FIXTURE_TEARDOWN(payload)
{
	close(self->fd);
}

TEST_F(payload, one_by_one)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct mbox_header header;

		pattern_fill(self->out, sizes[i], i);
		memset(self->in, POISON, sizes[i] + 64);
		ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->out, sizes[i]));
		ASSERT_EQ(sizes[i], info_of(self->fd).queued_bytes);
		ASSERT_EQ(0, recv_bytes(self->fd, 0, self->in, MSG_SIZE + 4096, &header));
		ASSERT_EQ(sizes[i], header.length);
		ASSERT_EQ(sizes[i], pattern_match(self->in, sizes[i], i));
		/* and not a byte more */
		ASSERT_TRUE(untouched(self->in + sizes[i], 64));
	}
	EXPECT_BALANCED(self->fd);
}

TEST_F(payload, queued_together)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		pattern_fill(self->out, sizes[i], i);
		ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->out, sizes[i]));
		bytes += sizes[i];
	}
	/* the sender's copy is his again */
	memset(self->out, 0, MSG_SIZE);
	EXPECT_EQ(bytes, info_of(self->fd).queued_bytes);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct mbox_header header;

		/* into a buffer that it fills */
		ASSERT_EQ(0, recv_bytes(self->fd, 0, self->in, sizes[i], &header));
		ASSERT_EQ(sizes[i], header.length);
		ASSERT_EQ(sizes[i], pattern_match(self->in, sizes[i], i));
	}
	EXPECT_EQ(0, info_of(self->fd).queued_bytes);
}

TEST_F(payload, handed_over)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct call *call = call_new(self->fd, CALL_RECV);

		memset(self->in, POISON, sizes[i] + 64);
		call->recv.data = address_of(self->in);
		call->recv.size = MSG_SIZE;
		pattern_fill(self->out, sizes[i], i);
		call_start(call);
		ASSERT_TRUE(await_blocked(self->fd, 0, 1));
		ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->out, sizes[i]));
		ASSERT_EQ(0, call_end(call));
		ASSERT_EQ(sizes[i], call->recv.header.length);
		ASSERT_EQ(sizes[i], pattern_match(self->in, sizes[i], i));
		ASSERT_TRUE(untouched(self->in + sizes[i], 64));
	}
	EXPECT_BALANCED(self->fd);
}

TEST_F(payload, unaligned)
{
	for (size_t shift = 0; shift < 16; shift++) {
		for (size_t size = 0; size < 300; size += 37) {
			pattern_fill(self->out + shift, size, shift);
			memset(self->in, POISON, 512);
			ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->out + shift, size));
			ASSERT_EQ(0, recv_bytes(self->fd, 0, self->in + 17 - shift, size, NULL));
			ASSERT_EQ(size, pattern_match(self->in + 17 - shift, size, shift));
			ASSERT_TRUE(untouched(self->in, 17 - shift));
			ASSERT_TRUE(untouched(self->in + 17 - shift + size, 64));
		}
	}
}

/* Slots are used again: their old contents are not seen. */
TEST_F(payload, no_rest_of_earlier_messages)
{
	for (int i = 0; i < 100; i++) {
		memset(self->out, 0xff, MBOX_SMALL_SIZE);
		ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->out, MBOX_SMALL_SIZE));
		ASSERT_EQ(0, recv_bytes(self->fd, 0, self->in, MSG_SIZE, NULL));
		memset(self->in, POISON, 512);
		ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, "abc", 3));
		ASSERT_EQ(0, recv_bytes(self->fd, 0, self->in, MSG_SIZE, NULL));
		ASSERT_EQ(0, memcmp(self->in, "abc", 3));
		ASSERT_TRUE(untouched(self->in + 3, 509));
	}
}

/* An empty message needs no memory on either side. */
TEST_F(payload, nothing)
{
	struct mbox_header header;

	EXPECT_EQ(0, send_bytes(self->fd, 0, 0, 0, NULL, 0));
	EXPECT_EQ(0, send_bytes(self->fd, 0, 0, 0, (void *)8, 0));
	EXPECT_EQ(2, info_of(self->fd).queued);
	EXPECT_EQ(0, recv_bytes(self->fd, 0, NULL, 0, &header));
	EXPECT_EQ(0, header.length);
	EXPECT_EQ(0, recv_bytes(self->fd, 0, (void *)8, 100, &header));
	EXPECT_EQ(0, header.length);
	EXPECT_BALANCED(self->fd);
}

FIXTURE(toobig)
{
	int fd;
	struct mbox_info before;
};

FIXTURE_VARIANT(toobig)
{
	uint64_t size;
};

FIXTURE_VARIANT_ADD(toobig, maximum_and_1) { .size = MSG_SIZE + 1 };
FIXTURE_VARIANT_ADD(toobig, power_31) { .size = 1ULL << 31 };
FIXTURE_VARIANT_ADD(toobig, power_32) { .size = 1ULL << 32 };
FIXTURE_VARIANT_ADD(toobig, power_32_and_1) { .size = (1ULL << 32) + 1 };
FIXTURE_VARIANT_ADD(toobig, power_63) { .size = 1ULL << 63 };
FIXTURE_VARIANT_ADD(toobig, power_63_less_1) { .size = (1ULL << 63) - 1 };
FIXTURE_VARIANT_ADD(toobig, all_ones) { .size = UINT64_MAX };

FIXTURE_SETUP(toobig)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);

	arg.msg_size = MSG_SIZE;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, put(self->fd, 0, "queued"));
	self->before = info_of(self->fd);
}

FIXTURE_TEARDOWN(toobig)
{
	close(self->fd);
}

TEST_F(toobig, send)
{
	char byte = 0;

	EXPECT_EQ(-EMSGSIZE, send_bytes(self->fd, 0, 0, 0, &byte, variant->size));
	EXPECT_EQ(-EMSGSIZE, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, 0, &byte, variant->size));
	/* the size is looked at before the address */
	EXPECT_EQ(-EMSGSIZE, send_bytes(self->fd, 0, 0, 0, NULL, variant->size));
	EXPECT_UNCHANGED(self->fd, &self->before);
	EXPECT_STREQ("queued", take(self->fd));
}

/* The buffer may be larger: only the message is written. */
TEST_F(toobig, receive)
{
	struct mbox_header header;
	uint8_t data[16];

	memset(data, POISON, sizeof(data));
	EXPECT_EQ(0, recv_bytes(self->fd, 0, data, variant->size, &header));
	EXPECT_EQ(6, header.length);
	EXPECT_EQ(0, memcmp(data, "queued", 6));
	EXPECT_TRUE(untouched(data + 6, sizeof(data) - 6));
}

MBOX_TEST_MAIN
