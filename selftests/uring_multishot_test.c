// SPDX-License-Identifier: GPL-2.0-only
/* A multishot read of io_uring: one request, a completion and a buffer for each message. */
#include "lib/child.h"
#include "lib/mode.h"
#include "lib/uring.h"

#define BUFFERS		8
#define SIZE		128
#define GROUP		7
#define MULTISHOT	1000		/* the request */

/* A buffer, with a header or without. */
union buffer {
	char text[SIZE];
	struct {
		struct mbox_header header;
		char payload[];
	} framed;
};

FIXTURE(multishot)
{
	struct io_uring ring;
	int fd;
	union buffer *buffers;
};

FIXTURE_VARIANT(multishot)
{
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(multishot, plain) { .flags = 0 };
FIXTURE_VARIANT_ADD(multishot, sqpoll) { .flags = IORING_SETUP_SQPOLL };
FIXTURE_VARIANT_ADD(multishot, defer) {
	.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

/* Give the kernel a buffer, or all. */
static int provide(struct io_uring *ring, union buffer *buffer, int n, int first)
{
	struct io_uring_sqe *sqe = uring_get(ring, 1);

	io_uring_prep_provide_buffers(sqe, buffer, SIZE, n, GROUP, first);
	sqe->user_data = 1;
	io_uring_submit(ring);
	return uring_next(ring).res;
}

static void start(struct io_uring *ring, int fd)
{
	struct io_uring_sqe *sqe = uring_rw(ring, MULTISHOT, OP_READ_MULTISHOT, fd, NULL, 0);

	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	io_uring_submit(ring);
}

FIXTURE_SETUP(multishot)
{
	struct io_uring_probe *probe;
	bool known;

	URING_NEW(&self->ring, 32, variant->flags);
	probe = io_uring_get_probe_ring(&self->ring);
	ASSERT_NE(NULL, probe);
	known = probe->last_op >= OP_READ_MULTISHOT;
	io_uring_free_probe(probe);
	self->fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);
	self->buffers = shared_alloc(BUFFERS * sizeof(*self->buffers));
	ASSERT_LE(0, provide(&self->ring, self->buffers, BUFFERS, 0));
	start(&self->ring, self->fd);
	if (!known) {
		EXPECT_DONE(&self->ring, MULTISHOT, -EINVAL);
		SKIP(return, "io_uring has no multishot reads here");
	}
}

FIXTURE_TEARDOWN(multishot)
{
	io_uring_queue_exit(&self->ring);
	close(self->fd);
}

/* The next message has come: in a buffer, and with more to follow. */
#define EXPECT_SHOT(_res) ({ \
	struct done shot_ = EXPECT_DONE(&self->ring, MULTISHOT, _res); \
	EXPECT_TRUE(shot_.flags & IORING_CQE_F_MORE); \
	EXPECT_TRUE(shot_.flags & IORING_CQE_F_BUFFER); \
	&self->buffers[(shot_.flags >> IORING_CQE_BUFFER_SHIFT) % BUFFERS]; \
})

TEST_F(multishot, messages)
{
	char text[16];

	EXPECT_PENDING(&self->ring);
	for (int i = 0; i < 50; i++) {
		union buffer *buffer;

		snprintf(text, sizeof(text), "message %02d", i);
		ASSERT_EQ(0, put(self->fd, 0, text));
		buffer = EXPECT_SHOT(10);
		ASSERT_EQ(0, memcmp(buffer->text, text, 10));
		ASSERT_LE(0, provide(&self->ring, buffer, 1, buffer - self->buffers));
	}
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

/* All that is there is received, without a request for each. */
TEST_F(multishot, many_at_once)
{
	for (int i = 0; i < BUFFERS; i++)
		ASSERT_EQ(0, put(self->fd, 0, (char []) { 'a' + i, 0 }));
	for (int i = 0; i < BUFFERS; i++)
		ASSERT_EQ('a' + i, EXPECT_SHOT(1)->text[0]);
	EXPECT_PENDING(&self->ring);
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_NO_WORKER();
}

/* It ends when there is no buffer left; the message stays. */
TEST_F(multishot, no_buffer)
{
	struct done done;

	for (int i = 0; i <= BUFFERS; i++)
		ASSERT_EQ(0, put(self->fd, 0, (char []) { 'a' + i, 0 }));
	for (int i = 0; i < BUFFERS; i++)
		ASSERT_EQ('a' + i, EXPECT_SHOT(1)->text[0]);
	done = EXPECT_DONE(&self->ring, MULTISHOT, -ENOBUFS);
	EXPECT_FALSE(done.flags & IORING_CQE_F_MORE);
	EXPECT_EQ(1, info_of(self->fd).queued);
	ASSERT_LE(0, provide(&self->ring, self->buffers, BUFFERS, 0));
	start(&self->ring, self->fd);
	EXPECT_EQ('a' + BUFFERS, EXPECT_SHOT(1)->text[0]);
	EXPECT_BALANCED(self->fd);
}

/* Nor does one that is too long. */
TEST_F(multishot, too_long)
{
	static const char text[SIZE + 1] = "long";
	struct done done;

	ASSERT_EQ(SIZE + 1, xwrite(self->fd, text, SIZE + 1));
	done = EXPECT_DONE(&self->ring, MULTISHOT, -EMSGSIZE);
	EXPECT_FALSE(done.flags & IORING_CQE_F_MORE);
	EXPECT_EQ(1, info_of(self->fd).queued);
}

/* An empty message looks like an end. */
TEST_F(multishot, empty_ends)
{
	struct done done;

	ASSERT_EQ(0, put(self->fd, 0, ""));
	done = EXPECT_DONE(&self->ring, MULTISHOT, 0);
	EXPECT_FALSE(done.flags & IORING_CQE_F_MORE);
	EXPECT_EQ(0, info_of(self->fd).queued);
}

/* With a header it does not, and type and sender come with each. */
TEST_F(multishot, header)
{
	ASSERT_EQ(0, mode_header(self->fd));
	EXPECT_PENDING(&self->ring);
	for (int i = 0; i < 50; i++) {
		union buffer *buffer;

		ASSERT_EQ(0, send_bytes(self->fd, 0, i % 3, i, "text", i % 2 ? 4 : 0));
		buffer = EXPECT_SHOT(HEADER_SIZE + (i % 2 ? 4 : 0));
		ASSERT_EQ(i, buffer->framed.header.type);
		ASSERT_EQ(i % 3, buffer->framed.header.prio);
		ASSERT_EQ(i + 1, buffer->framed.header.seq);
		ASSERT_EQ((uint32_t)getpid(), buffer->framed.header.pid);
		ASSERT_EQ(i % 2 ? 4 : 0, buffer->framed.header.length);
		ASSERT_EQ(0, memcmp(buffer->framed.payload, "text", i % 2 ? 4 : 0));
		ASSERT_LE(0, provide(&self->ring, buffer, 1, buffer - self->buffers));
	}
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

TEST_F(multishot, filter)
{
	ASSERT_EQ(0, mode_type(self->fd, 2));
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(0, send_bytes(self->fd, 0, 0, i % 2 ? 1 : 2, "text", 4));
	for (int i = 0; i < 5; i++)
		EXPECT_SHOT(4);
	EXPECT_PENDING(&self->ring);
	EXPECT_EQ(5, info_of(self->fd).queued);
	EXPECT_NO_WORKER();
}

TEST_F(multishot, cancel)
{
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, put(self->fd, 0, "a"));
	EXPECT_SHOT(1);
	sqe = uring_get(&self->ring, 2);
	io_uring_prep_cancel64(sqe, MULTISHOT, 0);
	sqe->user_data = 2;
	io_uring_submit(&self->ring);
	for (int i = 0; i < 2; i++) {
		struct done done = uring_next(&self->ring);

		EXPECT_EQ(done.id == 2 ? 0 : -ECANCELED, done.res);
		EXPECT_FALSE(done.flags & IORING_CQE_F_MORE);
	}
	ASSERT_EQ(0, put(self->fd, 0, "kept"));
	EXPECT_STREQ("kept", take(self->fd));
}

MBOX_TEST_MAIN
