// SPDX-License-Identifier: GPL-2.0-only
/* io_uring: reads and writes that pend without a worker thread, and how they end. */
#include "lib/broadcast.h"
#include "lib/mode.h"
#include "lib/peer.h"
#include "lib/uring.h"

#include <sys/uio.h>

#define MSG_SIZE	32768
#define CAPACITY	2

FIXTURE(uring)
{
	struct io_uring ring;
	int fd;
	char name[MBOX_NAME_SIZE];
	char *in, *out;
};

FIXTURE_VARIANT(uring)
{
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(uring, plain) { .flags = 0 };
/* a thread of the kernel submits */
FIXTURE_VARIANT_ADD(uring, sqpoll) { .flags = IORING_SETUP_SQPOLL };
/* completions are made when they are waited for */
FIXTURE_VARIANT_ADD(uring, defer) {
	.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

FIXTURE_SETUP(uring)
{
	struct mbox_ioc_open arg;

	URING_NEW(&self->ring, 32, variant->flags);
	name_make(self->name);
	arg = open_arg(self->name, CAPACITY);
	arg.msg_size = MSG_SIZE;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->in = shared_alloc(MSG_SIZE);
	self->out = shared_alloc(MSG_SIZE);
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	close(self->fd);
}

TEST_F(uring, read_pends)
{
	uring_read(&self->ring, 1, self->fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	/* it is no call that is blocked */
	EXPECT_EQ(0, info_of(self->fd).receivers);
	EXPECT_EQ(5, xwrite(self->fd, "hello", 5));
	EXPECT_DONE(&self->ring, 1, 5);
	EXPECT_EQ(0, memcmp(self->in, "hello", 5));
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

TEST_F(uring, at_once)
{
	uring_write(&self->ring, 1, self->fd, "hello", 5);
	EXPECT_DONE(&self->ring, 1, 5);
	EXPECT_EQ(1, info_of(self->fd).queued);
	uring_read(&self->ring, 2, self->fd, self->in, 64);
	EXPECT_DONE(&self->ring, 2, 5);
	EXPECT_EQ(0, memcmp(self->in, "hello", 5));
	EXPECT_NO_WORKER();
}

TEST_F(uring, write_pends)
{
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	uring_write(&self->ring, 1, self->fd, "three", 5);
	EXPECT_PENDING(&self->ring);
	EXPECT_EQ(0, info_of(self->fd).senders);
	EXPECT_STREQ("one", take(self->fd));
	EXPECT_DONE(&self->ring, 1, 5);
	EXPECT_STREQ("two", take(self->fd));
	EXPECT_STREQ("three", take(self->fd));
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

/* O_NONBLOCK is no reason to fail: nobody waits in the call. */
TEST_F(uring, nonblock)
{
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	uring_read(&self->ring, 1, self->fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	EXPECT_EQ(5, xwrite(self->fd, "hello", 5));
	EXPECT_DONE(&self->ring, 1, 5);
	EXPECT_NO_WORKER();
}

TEST_F(uring, nowait)
{
	struct io_uring_sqe *sqe = uring_rw(&self->ring, 1, IORING_OP_READ, self->fd, self->in, 64);

	sqe->rw_flags = 8;		/* RWF_NOWAIT */
	io_uring_submit(&self->ring);
	EXPECT_DONE(&self->ring, 1, -EAGAIN);
}

TEST_F(uring, empty_message)
{
	uring_write(&self->ring, 1, self->fd, NULL, 0);
	EXPECT_DONE(&self->ring, 1, 0);
	EXPECT_EQ(1, info_of(self->fd).queued);
	uring_read(&self->ring, 2, self->fd, self->in, 64);
	EXPECT_DONE(&self->ring, 2, 0);
	EXPECT_EQ(0, info_of(self->fd).queued);
}

TEST_F(uring, every_size)
{
	static const unsigned int sizes[] = { 1, 256, 257, 4096, 5000, MSG_SIZE };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int size = sizes[i];

		pattern_fill(self->out, size, i);
		uring_read(&self->ring, 1, self->fd, self->in, MSG_SIZE);
		EXPECT_PENDING(&self->ring);
		ASSERT_EQ(size, xwrite(self->fd, self->out, size));
		EXPECT_DONE(&self->ring, 1, size);
		EXPECT_EQ(size, pattern_match(self->in, size, i));
		uring_write(&self->ring, 2, self->fd, self->out, size);
		EXPECT_DONE(&self->ring, 2, size);
		ASSERT_EQ(size, xread(self->fd, self->in, MSG_SIZE));
		EXPECT_EQ(size, pattern_match(self->in, size, i));
	}
	EXPECT_NO_WORKER();
}

TEST_F(uring, vectors)
{
	struct iovec out[] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 } };
	struct iovec in[] = { { self->in, 1 }, { self->in + 1, 100 } };

	uring_rw(&self->ring, 1, IORING_OP_WRITEV, self->fd, out, 3);
	io_uring_submit(&self->ring);
	EXPECT_DONE(&self->ring, 1, 5);
	EXPECT_EQ(1, info_of(self->fd).queued);
	for (int i = 0; i < 2; i++) {
		memset(self->in, 0, 5);
		uring_rw(&self->ring, 2, IORING_OP_READV, self->fd, in, 2);
		io_uring_submit(&self->ring);
		/* the second one pends */
		if (i) {
			EXPECT_PENDING(&self->ring);
			ASSERT_EQ(5, xwrite(self->fd, "abcde", 5));
		}
		EXPECT_DONE(&self->ring, 2, 5);
		EXPECT_EQ(0, memcmp(self->in, "abcde", 5));
	}
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

/* Buffers whose pages were registered. */
TEST_F(uring, fixed)
{
	struct iovec buffers[] = { { self->in, MSG_SIZE }, { self->out, MSG_SIZE } };
	static const unsigned int sizes[] = { 0, 10, 300, 5000, MSG_SIZE - 100 };
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, buffers, 2));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int size = sizes[i];

		pattern_fill(self->out + 100, size, i);
		sqe = uring_rw(&self->ring, 1, IORING_OP_WRITE_FIXED, self->fd, self->out + 100,
			       size);
		sqe->buf_index = 1;
		io_uring_submit(&self->ring);
		EXPECT_DONE(&self->ring, 1, size);
		memset(self->in, POISON, MSG_SIZE);
		for (int pends = 0; pends < 2; pends++) {
			uring_rw(&self->ring, 2, IORING_OP_READ_FIXED, self->fd,
				 self->in + 50, MSG_SIZE - 50);
			io_uring_submit(&self->ring);
			if (pends) {
				EXPECT_PENDING(&self->ring);
				ASSERT_EQ(size, xwrite(self->fd, self->out + 100, size));
			}
			EXPECT_DONE(&self->ring, 2, size);
			EXPECT_EQ(size, pattern_match(self->in + 50, size, i));
			EXPECT_TRUE(untouched(self->in, 50));
			EXPECT_TRUE(untouched(self->in + 50 + size, MSG_SIZE - 50 - size));
		}
	}
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

static void cancel(struct io_uring *ring, uint64_t id, uint64_t of)
{
	struct io_uring_sqe *sqe = uring_get(ring, id);

	io_uring_prep_cancel64(sqe, of, 0);
	sqe->user_data = id;
	io_uring_submit(ring);
}

/* The two completions of a request and its cancellation come in any order. */
#define EXPECT_CANCELLED(ring, request, canceller) do { \
	for (int i_ = 0; i_ < 2; i_++) { \
		struct done end_ = uring_next(ring); \
		EXPECT_EQ(end_.id == (request) ? -ECANCELED : 0, end_.res); \
		EXPECT_TRUE(end_.id == (request) || end_.id == (canceller)); \
	} \
} while (0)

TEST_F(uring, cancel)
{
	uring_read(&self->ring, 1, self->fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	cancel(&self->ring, 2, 1);
	EXPECT_CANCELLED(&self->ring, 1, 2);
	/* it takes no message any more */
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	uring_write(&self->ring, 3, self->fd, "three", 5);
	EXPECT_PENDING(&self->ring);
	cancel(&self->ring, 4, 3);
	EXPECT_CANCELLED(&self->ring, 3, 4);
	EXPECT_STREQ("one", take(self->fd));
	EXPECT_STREQ("two", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

TEST_F(uring, link_timeout)
{
	struct __kernel_timespec ts = { .tv_nsec = 20 * NSEC_PER_MSEC };
	struct io_uring_sqe *sqe;

	sqe = uring_rw(&self->ring, 1, IORING_OP_READ, self->fd, self->in, 64);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = uring_get(&self->ring, 2);
	io_uring_prep_link_timeout(sqe, &ts, 0);
	sqe->user_data = 2;
	io_uring_submit(&self->ring);
	for (int i = 0; i < 2; i++) {
		struct done done = uring_next(&self->ring);

		EXPECT_EQ(done.id == 1 ? -ECANCELED : -ETIME, done.res);
	}
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", take(self->fd));
	EXPECT_NO_WORKER();
}

/* Many wait for the same messages: each is received once. */
TEST_F(uring, several)
{
	uint64_t seen = 0;

	for (int i = 0; i < 20; i++)
		uring_read(&self->ring, i + 1, self->fd, self->in + 64 * i, 64);
	EXPECT_PENDING(&self->ring);
	for (int i = 0; i < 20; i++) {
		struct done done;

		ASSERT_EQ(1, xwrite(self->fd, (char []) { 'a' + i }, 1));
		done = uring_next(&self->ring);
		ASSERT_EQ(1, done.res);
		ASSERT_EQ('a' + i, self->in[64 * (done.id - 1)]);
		seen |= 1ULL << (done.id - 1);
	}
	EXPECT_EQ((1ULL << 20) - 1, seen);
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_NO_WORKER();
	EXPECT_BALANCED(self->fd);
}

/* Asked to block, a worker blocks in the call. */
TEST_F(uring, worker)
{
	struct io_uring_sqe *sqe;

	sqe = uring_rw(&self->ring, 1, IORING_OP_READ, self->fd, self->in, 64);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_submit(&self->ring);
	/* or polls, where the kernel has it do that first */
	ASSERT_EQ(-ETIME, uring_wait(&self->ring, 20).res);
	ASSERT_EQ(5, xwrite(self->fd, "hello", 5));
	EXPECT_DONE(&self->ring, 1, 5);
	sqe = uring_rw(&self->ring, 2, IORING_OP_READ, self->fd, self->in, 64);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_submit(&self->ring);
	ASSERT_EQ(-ETIME, uring_wait(&self->ring, 20).res);
	cancel(&self->ring, 3, 2);
	for (int i = 0; i < 2; i++) {
		struct done done = uring_next(&self->ring);

		/* the cancellation of one that runs says so */
		if (done.id == 2) {
			EXPECT_TRUE(done.res == -ECANCELED || done.res == -EINTR);
		} else {
			EXPECT_TRUE(done.res == 0 || done.res == -EALREADY);
		}
	}
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(uring, fails)
{
	int sender = open_name(self->name, MBOX_RIGHT_SEND);
	int receiver = open_name(self->name, MBOX_RIGHT_RECV);
	struct mbox_info before;

	uring_read(&self->ring, 1, sender, self->in, 64);
	EXPECT_DONE(&self->ring, 1, -EBADF);
	uring_write(&self->ring, 2, receiver, "text", 4);
	EXPECT_DONE(&self->ring, 2, -EBADF);
	ASSERT_EQ(0, put(self->fd, 0, "a longer text"));
	before = info_of(self->fd);
	uring_read(&self->ring, 3, self->fd, self->in, 3);
	EXPECT_DONE(&self->ring, 3, -EMSGSIZE);
	uring_read(&self->ring, 4, self->fd, (void *)8, 64);
	EXPECT_DONE(&self->ring, 4, -EFAULT);
	uring_write(&self->ring, 5, self->fd, (void *)8, 64);
	EXPECT_DONE(&self->ring, 5, -EFAULT);
	uring_write(&self->ring, 6, self->fd, self->in, MSG_SIZE + 1);
	EXPECT_DONE(&self->ring, 6, -EMSGSIZE);
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_STREQ("a longer text", take(self->fd));
	close(sender);
	close(receiver);
}

/* A ring in shared memory has no messages for calls: they do not pend for ever. */
TEST_F(uring, ring)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	int fd;

	arg.ring = 65536;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	uring_read(&self->ring, 1, fd, self->in, 64);
	EXPECT_DONE(&self->ring, 1, -EINVAL);
	uring_write(&self->ring, 2, fd, "text", 4);
	EXPECT_DONE(&self->ring, 2, -EINVAL);
	close(fd);
}

TEST_F(uring, deleted)
{
	uring_read(&self->ring, 1, self->fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_DONE(&self->ring, 1, -EIDRM);
}

/* Nobody is left to send. */
TEST_F(uring, nobody_left)
{
	struct mbox_ioc_shutdown shut = { .how = MBOX_RIGHT_SEND };
	int fd = box_new(_metadata, 1);

	uring_read(&self->ring, 1, fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SHUTDOWN, &shut));
	EXPECT_DONE(&self->ring, 1, -EPIPE);
	close(fd);
}

TEST_F(uring, filter)
{
	ASSERT_EQ(0, mode_type(self->fd, 2));
	uring_read(&self->ring, 1, self->fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	ASSERT_EQ(0, put_type(self->fd, 1, "other"));
	EXPECT_PENDING(&self->ring);
	ASSERT_EQ(0, put_type(self->fd, 2, "wanted"));
	EXPECT_DONE(&self->ring, 1, 6);
	EXPECT_EQ(0, memcmp(self->in, "wanted", 6));
	EXPECT_STREQ("other", take_type(self->fd, 1));
	EXPECT_NO_WORKER();
}

TEST_F(uring, broadcast)
{
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(1, 0));
	for (int i = 0; i < HANDLES; i++)
		uring_read(&self->ring, i + 1, cast.in[i], self->in + 64 * i, 64);
	EXPECT_PENDING(&self->ring);
	uring_write(&self->ring, 9, cast.fd, "text", 4);
	for (int i = 0; i < HANDLES + 1; i++)
		EXPECT_EQ(4, uring_next(&self->ring).res);
	for (int i = 0; i < HANDLES; i++)
		EXPECT_EQ(0, memcmp(self->in + 64 * i, "text", 4));
	/* two: the second one waits for the slowest handle */
	uring_write(&self->ring, 1, cast.fd, "one", 3);
	EXPECT_DONE(&self->ring, 1, 3);
	uring_write(&self->ring, 2, cast.fd, "two", 3);
	EXPECT_PENDING(&self->ring);
	for (int i = 0; i < HANDLES; i++)
		EXPECT_STREQ("one", take(cast.in[i]));
	EXPECT_DONE(&self->ring, 2, 3);
	EXPECT_NO_WORKER();
	cast_end(&cast);
}

TEST_F(uring, links)
{
	struct peer *peer = peer_new(_metadata);
	int fd = link_to(peer->pid, 1), inbox = inbox_open();

	ASSERT_LE(0, fd);
	ASSERT_LE(0, inbox);
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), 1));
	uring_read(&self->ring, 1, fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	ASSERT_EQ(0, peer_send(peer, 0, 0, "text"));
	EXPECT_DONE(&self->ring, 1, 4);
	uring_read(&self->ring, 2, inbox, self->in, 64);
	EXPECT_PENDING(&self->ring);
	ASSERT_EQ(0, peer_send(peer, 0, 0, "text"));
	EXPECT_DONE(&self->ring, 2, 4);
	uring_write(&self->ring, 3, fd, "one", 3);
	EXPECT_DONE(&self->ring, 3, 3);
	uring_write(&self->ring, 4, fd, "two", 3);
	EXPECT_PENDING(&self->ring);
	EXPECT_STREQ("one", peer_take(peer, 0));
	EXPECT_DONE(&self->ring, 4, 3);
	uring_read(&self->ring, 5, fd, self->in, 64);
	EXPECT_PENDING(&self->ring);
	peer_kill(peer);
	EXPECT_DONE(&self->ring, 5, -EOWNERDEAD);
	EXPECT_NO_WORKER();
	close(fd);
	close(inbox);
}

MBOX_TEST_MAIN
