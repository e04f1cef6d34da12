// SPDX-License-Identifier: GPL-2.0-only
/* A receive into a bad buffer fails, and the message stays in its place. */
#include "lib/child_call.h"
#include "lib/memory.h"

/* Two messages are queued; bad buffers are tried on the first. */
FIXTURE(buffer)
{
	int fd;
	uint32_t size;			/* of the first message */
	uint8_t *area;
	uint8_t *end;			/* where the mapping ends */
	size_t area_size;
	struct mbox_info before;
};

FIXTURE_VARIANT(buffer)
{
	uint32_t size;
};

FIXTURE_VARIANT_ADD(buffer, small) { .size = 100 };
FIXTURE_VARIANT_ADD(buffer, small_longest) { .size = MBOX_SMALL_SIZE };
FIXTURE_VARIANT_ADD(buffer, large_shortest) { .size = MBOX_SMALL_SIZE + 1 };
FIXTURE_VARIANT_ADD(buffer, two_pages) { .size = 5000 };
FIXTURE_VARIANT_ADD(buffer, many_pages) { .size = 30000 };

static int send_pattern(int fd, uint32_t size, uint32_t seed)
{
	uint8_t data[32768];

	pattern_fill(data, size, seed);
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, seed, data, size);
}

FIXTURE_SETUP(buffer)
{
	struct mbox_ioc_open arg = open_arg(NULL, 2);

	arg.msg_size = 32768;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->size = variant->size;
	self->area = area_new(_metadata, PROT_READ | PROT_WRITE, &self->area_size);
	self->end = self->area + self->area_size;
	ASSERT_EQ(0, send_pattern(self->fd, self->size, 1));
	ASSERT_EQ(0, send_pattern(self->fd, 10, 2));
	self->before = info_of(self->fd);
}

FIXTURE_TEARDOWN(buffer)
{
	close(self->fd);
}

/* The first message, whole, and then the second. */
static void expect_in_place(struct __test_metadata *_metadata, struct _test_data_buffer *self)
{
	struct mbox_header header;
	uint8_t data[32768];

	EXPECT_UNCHANGED(self->fd, &self->before);
	/* no room was made */
	EXPECT_EQ(-EAGAIN, send_pattern(self->fd, 1, 3));
	memset(data, POISON, sizeof(data));
	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	EXPECT_EQ(1, header.seq);
	EXPECT_EQ(self->size, header.length);
	EXPECT_EQ(self->size, pattern_match(data, self->size, 1));
	EXPECT_TRUE(untouched(data + self->size, sizeof(data) - self->size));
	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	EXPECT_EQ(2, header.seq);
	EXPECT_EQ(10, pattern_match(data, 10, 2));
	EXPECT_BALANCED(self->fd);
}

/* That the call fails so, by receive, by peek and by read(). */
static void expect_fault(struct __test_metadata *_metadata, struct _test_data_buffer *self,
			 const void *data, uint64_t size)
{
	struct mbox_header header;

	EXPECT_EQ(-EFAULT, recv_bytes(self->fd, 0, (void *)data, size, &header))
		TH_LOG("receive at %p", data);
	EXPECT_TRUE(untouched(&header, sizeof(header)))
		TH_LOG("header at %p", data);
	EXPECT_EQ(-EFAULT, recv_bytes(self->fd, MBOX_RECV_PEEK, (void *)data, size, &header))
		TH_LOG("peek at %p", data);
	EXPECT_EQ(-EFAULT, xread(self->fd, (void *)data, size))
		TH_LOG("read() at %p", data);
	EXPECT_UNCHANGED(self->fd, &self->before)
		TH_LOG("at %p", data);
}

TEST_F(buffer, no_address)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_addresses); i++)
		expect_fault(_metadata, self, (void *)(uintptr_t)no_addresses[i], self->size);
	expect_in_place(_metadata, self);
}

TEST_F(buffer, unmapped)
{
	expect_fault(_metadata, self, self->end, self->size);
	expect_fault(_metadata, self, self->area - self->size, self->size);
	expect_in_place(_metadata, self);
}

TEST_F(buffer, read_only)
{
	ASSERT_EQ(0, mprotect(self->area, self->area_size, PROT_READ));
	expect_fault(_metadata, self, self->area, self->size);
	for (size_t i = 0; i < self->area_size; i++) {
		ASSERT_EQ(POISON, self->area[i]);
	}
	expect_in_place(_metadata, self);
}

TEST_F(buffer, no_access)
{
	ASSERT_EQ(0, mprotect(self->area, self->area_size, PROT_NONE));
	expect_fault(_metadata, self, self->area, self->size);
	expect_in_place(_metadata, self);
}

/* All but some bytes at the end, or at the start, are there. */
TEST_F(buffer, partly_mapped)
{
	const uint32_t missing[] = { 1, 2, 7, 8, 9, self->size / 2, self->size - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		expect_fault(_metadata, self, self->end - self->size + missing[i], self->size);
		expect_fault(_metadata, self, self->area - missing[i], self->size);
	}
	expect_in_place(_metadata, self);
}

TEST_F(buffer, partly_read_only)
{
	long page = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, mprotect(self->end - page, page, PROT_READ));
	expect_fault(_metadata, self, self->end - page - self->size + 1, self->size);
	expect_fault(_metadata, self, self->end - page - 1, self->size);
	expect_in_place(_metadata, self);
}

/* To the last byte of a mapping it fits. */
TEST_F(buffer, up_to_the_end)
{
	struct mbox_header header;

	ASSERT_EQ(0, recv_bytes(self->fd, 0, self->end - self->size, self->size, &header));
	EXPECT_EQ(self->size, pattern_match(self->end - self->size, self->size, 1));
	EXPECT_TRUE(untouched(self->area, self->area_size - self->size));
}

/* Memory that is not written need not exist. */
TEST_F(buffer, more_room_than_mapped)
{
	struct mbox_header header;

	ASSERT_EQ(0, recv_bytes(self->fd, 0, self->end - self->size, UINT64_MAX, &header));
	EXPECT_EQ(self->size, header.length);
	EXPECT_EQ(self->size, pattern_match(self->end - self->size, self->size, 1));
}

TEST_F(buffer, too_small)
{
	const uint32_t rooms[] = { 0, 1, self->size / 2, self->size - 1 };
	struct mbox_header header;

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++) {
		EXPECT_EQ(-EMSGSIZE, recv_bytes(self->fd, 0, self->area, rooms[i], &header));
		EXPECT_EQ(self->size, header.length);
		EXPECT_EQ(1, header.seq);
		EXPECT_EQ(1, header.type);
		EXPECT_EQ((uint32_t)getpid(), header.pid);
		EXPECT_EQ(0, header.type_hi);
		EXPECT_EQ(-EMSGSIZE, recv_bytes(self->fd, MBOX_RECV_PEEK, self->area, rooms[i],
						&header));
		EXPECT_EQ(self->size, header.length);
		EXPECT_EQ(-EMSGSIZE, xread(self->fd, self->area, rooms[i]));
		EXPECT_UNCHANGED(self->fd, &self->before);
	}
	/* so one can ask for the length, without any buffer */
	EXPECT_EQ(-EMSGSIZE, recv_bytes(self->fd, 0, NULL, 0, &header));
	EXPECT_EQ(self->size, header.length);
	EXPECT_EQ(-EMSGSIZE, recv_bytes(self->fd, 0, self->end, self->size - 1, &header));
	EXPECT_TRUE(untouched(self->area, self->area_size));
	expect_in_place(_metadata, self);
}

/* The argument cannot be written, only the buffer. */
TEST_F(buffer, header_read_only)
{
	struct mbox_ioc_recv arg = { .data = address_of(self->area), .size = self->size };
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *there = self->end - page;

	memcpy(there, &arg, sizeof(arg));
	ASSERT_EQ(0, mprotect(there, page, PROT_READ));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, MBOX_IOC_RECV, there));
	ASSERT_EQ(0, mprotect(there, page, PROT_READ | PROT_WRITE));
	arg.size = 0;
	memcpy(there, &arg, sizeof(arg));
	ASSERT_EQ(0, mprotect(there, page, PROT_READ));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, MBOX_IOC_RECV, there));
	expect_in_place(_metadata, self);
}

/* The header lies across two pages, of which the second is read-only. */
TEST_F(buffer, header_partly_read_only)
{
	struct mbox_ioc_recv arg = { .data = address_of(self->area), .size = self->size };
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *there = self->end - page - offsetof(struct mbox_ioc_recv, header) - 16;

	memcpy(there, &arg, sizeof(arg));
	ASSERT_EQ(0, mprotect(self->end - page, page, PROT_READ));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, MBOX_IOC_RECV, there));
	expect_in_place(_metadata, self);
}

TEST_F(buffer, lazy)
{
	for (int kind = 0; kind < LAZY_KINDS; kind++) {
		uint8_t *lazy = lazy_new(_metadata, kind, 65536);
		struct mbox_header header;

		/* across the edge of a page */
		ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_PEEK, lazy + 4096 - 50, self->size,
					&header));
		ASSERT_EQ(self->size, pattern_match(lazy + 4096 - 50, self->size, 1));
		ASSERT_EQ(0, munmap(lazy, 65536));
		lazy = lazy_new(_metadata, kind, 65536);
		ASSERT_EQ(0, recv_bytes(self->fd, 0, lazy + 4096 - 50, self->size, &header));
		ASSERT_EQ(self->size, pattern_match(lazy + 4096 - 50, self->size, 1));
		ASSERT_EQ(0, munmap(lazy, 65536));
		/* for the next round, in the same order */
		ASSERT_EQ(0, recv_bytes(self->fd, 0, self->area, 10, &header));
		ASSERT_EQ(0, send_pattern(self->fd, self->size, 1));
		ASSERT_EQ(0, send_pattern(self->fd, 10, 2));
	}
}

/* Pages that a fork left to be copied: the child's are its own. */
TEST_F(buffer, copied_on_write)
{
	struct call *call = call_new(self->fd, CALL_RECV);

	call->recv.data = address_of(self->area);
	call->recv.size = self->area_size;
	call_start(call);
	ASSERT_EQ(0, call_end(call));
	EXPECT_EQ(self->size, call->recv.header.length);
	EXPECT_TRUE(untouched(self->area, self->area_size));
}

/* A receive that was waiting when the message came finds out only then. */
FIXTURE(waiting)
{
	int fd;
	uint8_t *read_only;
};

FIXTURE_VARIANT(waiting)
{
	uint32_t capacity;
	uint32_t size;
};

FIXTURE_VARIANT_ADD(waiting, small) { .capacity = 2, .size = 100 };
FIXTURE_VARIANT_ADD(waiting, large) { .capacity = 2, .size = 5000 };
FIXTURE_VARIANT_ADD(waiting, zero_small) { .capacity = 0, .size = 100 };
FIXTURE_VARIANT_ADD(waiting, zero_large) { .capacity = 0, .size = 5000 };

FIXTURE_SETUP(waiting)
{
	size_t size;

	self->fd = box_new(_metadata, variant->capacity);
	self->read_only = area_new(_metadata, PROT_READ, &size);
}

FIXTURE_TEARDOWN(waiting)
{
	close(self->fd);
}

/* With @bad: the buffer of the first receiver cannot be written; else it is too small. */
static struct call *bad_receiver(struct __test_metadata *_metadata, struct _test_data_waiting *self,
				 const struct _fixture_variant_waiting *variant, bool read_only)
{
	struct call *call = call_new(self->fd, CALL_RECV);

	if (read_only)
		call->recv.data = address_of(self->read_only);
	else
		call->recv.size = variant->size - 1;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	return call;
}

/* An accepted message is kept for the next receive. */
static void expect_kept(struct __test_metadata *_metadata, struct _test_data_waiting *self,
			const struct _fixture_variant_waiting *variant)
{
	struct mbox_info info = info_of(self->fd);
	struct mbox_header header;
	uint8_t data[8192];

	EXPECT_EQ(1, info.queued);
	EXPECT_EQ(0, info.received);
	EXPECT_EQ(0, info.receivers);
	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	EXPECT_EQ(1, header.seq);
	EXPECT_EQ(variant->size, pattern_match(data, variant->size, 1));
	EXPECT_BALANCED(self->fd);
}

TEST_F(waiting, read_only)
{
	struct call *bad = bad_receiver(_metadata, self, variant, true);

	/* a receiver that wants it is waiting: it is accepted, at any capacity */
	ASSERT_EQ(0, send_pattern(self->fd, variant->size, 1));
	EXPECT_EQ(-EFAULT, call_end(bad));
	EXPECT_TRUE(untouched(&bad->recv.header, sizeof(bad->recv.header)));
	expect_kept(_metadata, self, variant);
}

TEST_F(waiting, too_small)
{
	struct call *bad = bad_receiver(_metadata, self, variant, false);
	struct call *sender;

	if (variant->capacity) {
		ASSERT_EQ(0, send_pattern(self->fd, variant->size, 1));
		EXPECT_EQ(-EMSGSIZE, call_end(bad));
		EXPECT_EQ(variant->size, bad->recv.header.length);
		EXPECT_EQ(1, bad->recv.header.seq);
		expect_kept(_metadata, self, variant);
		return;
	}
	/* for a rendezvous there is no receiver that could take it */
	EXPECT_EQ(-EAGAIN, send_pattern(self->fd, variant->size, 1));
	EXPECT_EQ(1, info_of(self->fd).receivers);
	EXPECT_EQ(0, bad->done);
	/* but the message of a blocked sender is seen, and the sender goes on waiting */
	sender = call_new(self->fd, CALL_SEND);
	sender->send.size = variant->size;
	call_start(sender);
	EXPECT_EQ(-EMSGSIZE, call_end(bad));
	EXPECT_EQ(variant->size, bad->recv.header.length);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_EQ(0, sender->done);
}

/* Another receiver that waits behind it gets the message. */
TEST_F(waiting, read_only_before_another)
{
	struct call *bad = bad_receiver(_metadata, self, variant, true);
	struct call *good = recv_start(self->fd);

	ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	ASSERT_EQ(0, send_pattern(self->fd, variant->size, 1));
	EXPECT_EQ(-EFAULT, call_end(bad));
	EXPECT_EQ(0, call_end(good));
	EXPECT_EQ(variant->size, good->recv.header.length);
	EXPECT_EQ(variant->size, pattern_match(good->data, variant->size, 1));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

/*
 * Here the first one need not see the message at all, which another took at once: it may go on
 * waiting, and then gets the next one that fits.
 */
TEST_F(waiting, too_small_before_another)
{
	struct call *bad = bad_receiver(_metadata, self, variant, false);
	struct call *good = recv_start(self->fd);
	long ret;

	ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	ASSERT_EQ(0, send_pattern(self->fd, variant->size, 1));
	EXPECT_EQ(0, call_end(good));
	EXPECT_EQ(variant->size, good->recv.header.length);
	EXPECT_EQ(variant->size, pattern_match(good->data, variant->size, 1));
	if (info_of(self->fd).receivers) {
		ASSERT_EQ(0, send_pattern(self->fd, 10, 2));
	}
	ret = call_end(bad);
	if (ret) {
		EXPECT_EQ(-EMSGSIZE, ret);
		EXPECT_EQ(variant->size, bad->recv.header.length);
		EXPECT_EQ(1, info_of(self->fd).received);
	} else {
		EXPECT_EQ(2, bad->recv.header.seq);
		EXPECT_EQ(10, pattern_match(bad->data, 10, 2));
		EXPECT_EQ(2, info_of(self->fd).received);
	}
	EXPECT_BALANCED(self->fd);
}

/* A synchronous sender has not been received by it. */
TEST_F(waiting, sync_sender_waits_on)
{
	struct call *bad = bad_receiver(_metadata, self, variant, true);
	struct call *sender = call_new(self->fd, CALL_SEND);
	struct call *good;

	pattern_fill(sender->data, variant->size, 1);
	sender->send.size = variant->size;
	sender->send.flags = MBOX_SEND_SYNC;
	call_start(sender);
	EXPECT_EQ(-EFAULT, call_end(bad));
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_EQ(0, sender->done);
	good = recv_start(self->fd);
	EXPECT_EQ(0, call_end(good));
	EXPECT_EQ(variant->size, pattern_match(good->data, variant->size, 1));
	EXPECT_EQ(good->pid, call_end(sender));
	EXPECT_BALANCED(self->fd);
}

MBOX_TEST_MAIN
