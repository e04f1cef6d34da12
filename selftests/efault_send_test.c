// SPDX-License-Identifier: GPL-2.0-only
/* A send from bad memory sends nothing; from any good memory it sends its contents. */
#include "lib/child_call.h"
#include "lib/memory.h"

FIXTURE(source)
{
	int fd;
	uint8_t *area;
	uint8_t *end;			/* where the mapping ends */
	size_t area_size;
	struct mbox_info before;
};

FIXTURE_VARIANT(source)
{
	uint32_t size;
};

FIXTURE_VARIANT_ADD(source, small) { .size = 100 };
FIXTURE_VARIANT_ADD(source, small_longest) { .size = MBOX_SMALL_SIZE };
FIXTURE_VARIANT_ADD(source, large_shortest) { .size = MBOX_SMALL_SIZE + 1 };
FIXTURE_VARIANT_ADD(source, two_pages) { .size = 5000 };
FIXTURE_VARIANT_ADD(source, many_pages) { .size = 30000 };

FIXTURE_SETUP(source)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);

	arg.msg_size = 32768;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->area = area_new(_metadata, PROT_READ | PROT_WRITE, &self->area_size);
	self->end = self->area + self->area_size;
	ASSERT_EQ(0, put(self->fd, 0, "before"));
	self->before = info_of(self->fd);
}

FIXTURE_TEARDOWN(source)
{
	close(self->fd);
}

static void expect_fault(struct __test_metadata *_metadata, struct _test_data_source *self,
			 const void *data, uint32_t size)
{
	EXPECT_EQ(-EFAULT, send_bytes(self->fd, 0, 0, 0, data, size))
		TH_LOG("send from %p", data);
	EXPECT_EQ(-EFAULT, send_bytes(self->fd, MBOX_SEND_SYNC, 5, 0, data, size))
		TH_LOG("synchronous send from %p", data);
	EXPECT_EQ(-EFAULT, xwrite(self->fd, data, size))
		TH_LOG("write() from %p", data);
	EXPECT_UNCHANGED(self->fd, &self->before)
		TH_LOG("from %p", data);
}

/* The next message gets the number of the send that failed. */
static void expect_nothing_sent(struct __test_metadata *_metadata, struct _test_data_source *self)
{
	struct mbox_header header;
	char text[16];

	EXPECT_STREQ("before", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "after"));
	EXPECT_EQ(0, recv_bytes(self->fd, 0, text, sizeof(text), &header));
	EXPECT_EQ(2, header.seq);
	EXPECT_BALANCED(self->fd);
}

TEST_F(source, no_address)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_addresses); i++)
		expect_fault(_metadata, self, (void *)(uintptr_t)no_addresses[i], variant->size);
	expect_nothing_sent(_metadata, self);
}

TEST_F(source, unmapped)
{
	expect_fault(_metadata, self, self->end, variant->size);
	expect_fault(_metadata, self, self->area - variant->size, variant->size);
	expect_nothing_sent(_metadata, self);
}

TEST_F(source, no_access)
{
	ASSERT_EQ(0, mprotect(self->area, self->area_size, PROT_NONE));
	expect_fault(_metadata, self, self->area, variant->size);
	expect_nothing_sent(_metadata, self);
}

TEST_F(source, partly_mapped)
{
	const uint32_t missing[] = { 1, 2, 7, 8, 9, variant->size / 2, variant->size - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		expect_fault(_metadata, self, self->end - variant->size + missing[i], variant->size);
		expect_fault(_metadata, self, self->area - missing[i], variant->size);
	}
	expect_nothing_sent(_metadata, self);
}

TEST_F(source, partly_accessible)
{
	long page = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, mprotect(self->end - page, page, PROT_NONE));
	expect_fault(_metadata, self, self->end - page - 1, variant->size);
	expect_fault(_metadata, self, self->end - page - variant->size + 1, variant->size);
	expect_nothing_sent(_metadata, self);
}

/* The receiver that waits goes on waiting, and gets the next message. */
TEST_F(source, receiver_waits)
{
	struct call *receiver;

	EXPECT_STREQ("before", take(self->fd));
	receiver = recv_start(self->fd);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	self->before = info_of(self->fd);
	expect_fault(_metadata, self, self->end - 1, variant->size);
	EXPECT_EQ(0, receiver->done);
	EXPECT_EQ(0, put(self->fd, 0, "good"));
	EXPECT_STREQ("good", recv_end(receiver));
}

static void expect_sent(struct __test_metadata *_metadata, struct _test_data_source *self,
			uint32_t size, uint32_t seed)
{
	struct mbox_header header;
	uint8_t data[32768];

	EXPECT_STREQ("before", take(self->fd));
	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	EXPECT_EQ(size, header.length);
	EXPECT_EQ(size, pattern_match(data, size, seed));
	EXPECT_BALANCED(self->fd);
}

TEST_F(source, read_only)
{
	pattern_fill(self->area, variant->size, 1);
	ASSERT_EQ(0, mprotect(self->area, self->area_size, PROT_READ));
	EXPECT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->area, variant->size));
	expect_sent(_metadata, self, variant->size, 1);
}

TEST_F(source, up_to_the_end)
{
	pattern_fill(self->end - variant->size, variant->size, 1);
	EXPECT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->end - variant->size, variant->size));
	expect_sent(_metadata, self, variant->size, 1);
}

TEST_F(source, across_pages)
{
	pattern_fill(self->area + 4096 - 50, variant->size, 1);
	EXPECT_EQ(0, send_bytes(self->fd, 0, 0, 0, self->area + 4096 - 50, variant->size));
	expect_sent(_metadata, self, variant->size, 1);
}

/* Memory that was never written reads as zeros. */
TEST_F(source, lazy)
{
	uint8_t data[32768];

	EXPECT_STREQ("before", take(self->fd));
	for (int kind = 0; kind < LAZY_KINDS; kind++) {
		uint8_t *lazy = lazy_new(_metadata, kind, 65536);
		struct mbox_header header;

		ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, lazy + 4096 - 50, variant->size));
		memset(data, POISON, sizeof(data));
		ASSERT_EQ(0, recv_bytes(self->fd, 0, data, sizeof(data), &header));
		ASSERT_EQ(variant->size, header.length);
		for (uint32_t i = 0; i < variant->size; i++) {
			ASSERT_EQ(0, data[i]);
		}
		ASSERT_EQ(0, munmap(lazy, 65536));
	}
}

/* The argument itself lies where the kernel finds it only by a fault. */
TEST_F(source, lazy_argument)
{
	for (int kind = 0; kind < LAZY_KINDS; kind++) {
		struct mbox_ioc_send *arg = (void *)lazy_new(_metadata, kind, 65536);

		/* all zero: an empty message */
		ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SEND, (char *)arg + 4096 - 24));
		ASSERT_EQ(0, munmap(arg, 65536));
	}
	EXPECT_EQ(1 + LAZY_KINDS, info_of(self->fd).queued);
	EXPECT_EQ(6, info_of(self->fd).queued_bytes);
}

MBOX_TEST_MAIN
