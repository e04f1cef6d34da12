// SPDX-License-Identifier: GPL-2.0-only
/* Linux AIO: a read or a write is one message, made within io_submit(); splice() is refused. */
#include "lib/child_call.h"
#include "lib/mode.h"

#include <linux/aio_abi.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

FIXTURE(aio)
{
	aio_context_t aio;
	int fd;
};

FIXTURE_SETUP(aio)
{
	if (syscall(SYS_io_setup, 8, &self->aio))
		SKIP(return, "there is no asynchronous I/O here");
	self->fd = box_new(_metadata, 1);
}

FIXTURE_TEARDOWN(aio)
{
	syscall(SYS_io_destroy, self->aio);
	close(self->fd);
}

/* Submit a request, and return its result. */
static int64_t aio_do(aio_context_t aio, struct iocb iocb)
{
	struct iocb *iocbs[] = { &iocb };
	struct io_event event;

	if (syscall(SYS_io_submit, aio, 1, iocbs) != 1)
		return -errno;
	return syscall(SYS_io_getevents, aio, 1, 1, &event, NULL) == 1 ? event.res : -EBADMSG;
}

static int64_t aio_rw(aio_context_t aio, int op, int fd, const void *data, size_t size)
{
	return aio_do(aio, (struct iocb) {
		.aio_lio_opcode = op, .aio_fildes = fd, .aio_buf = address_of(data),
		.aio_nbytes = size,
	});
}

TEST_F(aio, message)
{
	char data[64];

	memset(data, POISON, sizeof(data));
	EXPECT_EQ(4, aio_rw(self->aio, IOCB_CMD_PWRITE, self->fd, "text", 4));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(4, aio_rw(self->aio, IOCB_CMD_PREAD, self->fd, data, sizeof(data)));
	EXPECT_EQ(0, memcmp(data, "text", 4));
	EXPECT_TRUE(untouched(data + 4, sizeof(data) - 4));
	/* an empty one too */
	EXPECT_EQ(0, aio_rw(self->aio, IOCB_CMD_PWRITE, self->fd, NULL, 0));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, aio_rw(self->aio, IOCB_CMD_PREAD, self->fd, data, sizeof(data)));
	EXPECT_BALANCED(self->fd);
}

TEST_F(aio, vectors)
{
	char data[8];
	struct iovec out[] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 } };
	struct iovec in[] = { { data, 1 }, { data + 1, 7 } };

	EXPECT_EQ(5, aio_rw(self->aio, IOCB_CMD_PWRITEV, self->fd, out, 3));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(5, aio_rw(self->aio, IOCB_CMD_PREADV, self->fd, in, 2));
	EXPECT_EQ(0, memcmp(data, "abcde", 5));
}

TEST_F(aio, header)
{
	struct {
		struct mbox_header header;
		char payload[16];
	} in;

	ASSERT_EQ(0, mode_header(self->fd));
	ASSERT_EQ(0, put(self->fd, 3, "text"));
	EXPECT_EQ(HEADER_SIZE + 4,
		  aio_rw(self->aio, IOCB_CMD_PREAD, self->fd, &in, sizeof(in)));
	EXPECT_EQ(3, in.header.prio);
	EXPECT_EQ(0, memcmp(in.payload, "text", 4));
}

TEST_F(aio, nonblock)
{
	char data[8];

	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, aio_rw(self->aio, IOCB_CMD_PREAD, self->fd, data, sizeof(data)));
	EXPECT_EQ(1, aio_rw(self->aio, IOCB_CMD_PWRITE, self->fd, "x", 1));
	EXPECT_EQ(-EAGAIN, aio_rw(self->aio, IOCB_CMD_PWRITE, self->fd, "y", 1));
	EXPECT_STREQ("x", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

/* The submission waits for the message. */
static int submit_read(void *arg)
{
	int fd = *(int *)arg;
	aio_context_t aio = 0;
	char data[8];

	if (syscall(SYS_io_setup, 1, &aio))
		return -errno;
	CHECK(4, aio_rw(aio, IOCB_CMD_PREAD, fd, data, sizeof(data)));
	CHECK(0, memcmp(data, "text", 4));
	return 0;
}

TEST_F(aio, blocks)
{
	pid_t pid = fork_child();

	if (!pid)
		_exit(submit_read(&self->fd) ? 1 : 0);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(aio, fails)
{
	struct mbox_info before;
	char data[8];

	ASSERT_EQ(0, put(self->fd, 0, "a longer text"));
	before = info_of(self->fd);
	EXPECT_EQ(-EMSGSIZE, aio_rw(self->aio, IOCB_CMD_PREAD, self->fd, data, 3));
	EXPECT_EQ(-EFAULT, aio_rw(self->aio, IOCB_CMD_PREAD, self->fd, (void *)8, 64));
	EXPECT_UNCHANGED(self->fd, &before);
	/* there is nothing to be written through */
	EXPECT_EQ(-EINVAL, aio_do(self->aio, (struct iocb) {
		.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = self->fd }));
	EXPECT_STREQ("a longer text", take(self->fd));
}

TEST_F(aio, ring)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	char data[8];
	int fd;

	arg.ring = 65536;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, aio_rw(self->aio, IOCB_CMD_PREAD, fd, data, sizeof(data)));
	EXPECT_EQ(-EOPNOTSUPP, aio_rw(self->aio, IOCB_CMD_PWRITE, fd, "x", 1));
	close(fd);
}

/* Pages do not move between pipes and mailboxes: a pipe has no messages. */
TEST(no_splice)
{
	int fd = box_new(_metadata, 4), pipes[2];
	struct mbox_info before;

	ASSERT_EQ(0, pipe2(pipes, O_NONBLOCK | O_CLOEXEC));
	ASSERT_EQ(4, xwrite(pipes[1], "text", 4));
	before = info_of(fd);
	EXPECT_EQ(-1, splice(pipes[0], NULL, fd, NULL, 4, SPLICE_F_NONBLOCK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_UNCHANGED(fd, &before);
	ASSERT_EQ(0, put(fd, 0, "text"));
	before = info_of(fd);
	EXPECT_EQ(-1, splice(fd, NULL, pipes[1], NULL, 4, SPLICE_F_NONBLOCK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(pipes[1], fd, NULL, 4));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_UNCHANGED(fd, &before);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

MBOX_TEST_MAIN
