// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOCB_CMD_POLL, which allows a file one wait queue only: on a handle on a link, which waits for two
 * inboxes, as on every other kind.
 */
#include "lib/peer.h"

#include <linux/aio_abi.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

static aio_context_t aio_open(void)
{
	aio_context_t aio = 0;

	return syscall(SYS_io_setup, 8, &aio) ? 0 : aio;
}

static int aio_poll(aio_context_t aio, int fd, int events)
{
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = fd, .aio_buf = events,
	};
	struct iocb *iocbs[] = { &iocb };

	return syscall(SYS_io_submit, aio, 1, iocbs) == 1 ? 0 : -errno;
}

/*
 * The events that a poll told of, or an error: ETIME if it did not end. It tells of more than was asked
 * for where that comes with it.
 */
static int aio_end(aio_context_t aio, int64_t ns)
{
	struct timespec timeout = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
	struct io_event event;
	int ret = syscall(SYS_io_getevents, aio, 1, 1, &event, &timeout);

	return ret < 0 ? -errno : ret == 0 ? -ETIME :
	       (int)event.res & ~(POLLRDNORM | POLLWRNORM);
}

#define AT_ONCE		0
#define IN_THE_END	(PATIENCE * NSEC_PER_SEC)

FIXTURE(aio)
{
	aio_context_t aio;
	struct peer *peer;
	int fd;				/* our end of the link */
};

FIXTURE_SETUP(aio)
{
	self->aio = aio_open();
	if (!self->aio)
		SKIP(return, "there is no asynchronous I/O here");
	self->peer = peer_new(_metadata);
	self->fd = link_to(self->peer->pid, 1);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, peer_link(self->peer, 0, getpid(), 1));
}

FIXTURE_TEARDOWN(aio)
{
	if (!self->aio)
		return;
	peer_kill(self->peer);
	close(self->fd);
	syscall(SYS_io_destroy, self->aio);
}

TEST_F(aio, ready_at_once)
{
	ASSERT_EQ(0, aio_poll(self->aio, self->fd, POLLIN | POLLOUT));
	EXPECT_EQ(POLLOUT, aio_end(self->aio, IN_THE_END));
}

TEST_F(aio, message)
{
	ASSERT_EQ(0, aio_poll(self->aio, self->fd, POLLIN));
	EXPECT_EQ(-ETIME, aio_end(self->aio, AT_ONCE));
	EXPECT_EQ(0, peer_send(self->peer, 0, 0, "text"));
	EXPECT_EQ(POLLIN, aio_end(self->aio, IN_THE_END));
	EXPECT_STREQ("text", take(self->fd));
}

/* A message over another link, or its end, does not concern this one. */
TEST_F(aio, another_link)
{
	struct peer *other = peer_new(_metadata);

	ASSERT_EQ(0, peer_link(other, 0, getpid(), 1));
	ASSERT_EQ(0, aio_poll(self->aio, self->fd, POLLIN));
	EXPECT_EQ(0, peer_send(other, 0, 0, "other"));
	peer_kill(other);
	while (link_to(other->pid, 1) != -ESRCH)
		nap();
	EXPECT_EQ(-ETIME, aio_end(self->aio, AT_ONCE));
	EXPECT_EQ(0, peer_send(self->peer, 0, 0, "text"));
	EXPECT_EQ(POLLIN, aio_end(self->aio, IN_THE_END));
}

/* That happens in the other inbox. */
TEST_F(aio, room)
{
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	ASSERT_EQ(0, aio_poll(self->aio, self->fd, POLLOUT));
	EXPECT_EQ(-ETIME, aio_end(self->aio, AT_ONCE));
	EXPECT_STREQ("text", peer_take(self->peer, 0));
	EXPECT_EQ(POLLOUT, aio_end(self->aio, IN_THE_END));
}

TEST_F(aio, end_of_peer)
{
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	ASSERT_EQ(0, aio_poll(self->aio, self->fd, POLLIN));
	peer_kill(self->peer);
	EXPECT_EQ(POLLERR, aio_end(self->aio, IN_THE_END) & POLLERR);
}

/* It is closed while somebody polls: nobody waits in it any more. */
TEST_F(aio, closed)
{
	ASSERT_EQ(0, aio_poll(self->aio, self->fd, POLLIN));
	close(self->fd);
	EXPECT_EQ(0, syscall(SYS_io_destroy, self->aio));
	self->aio = aio_open();
	EXPECT_EQ(0, peer_send(self->peer, 0, 0, "text"));
	self->fd = link_to(self->peer->pid, 1);
	EXPECT_STREQ("text", take(self->fd));
}

/* Pollers of several kinds, and of two handles on one link, are all told. */
TEST_F(aio, several)
{
	int other = link_to(self->peer->pid, 1), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	ASSERT_LE(0, other);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(0, aio_poll(self->aio, self->fd, POLLIN));
	ASSERT_EQ(0, aio_poll(self->aio, other, POLLIN));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	EXPECT_EQ(0, peer_send(self->peer, 0, 0, "text"));
	EXPECT_EQ(POLLIN, aio_end(self->aio, IN_THE_END));
	EXPECT_EQ(POLLIN, aio_end(self->aio, IN_THE_END));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	EXPECT_STREQ("text", take(self->fd));
	close(epoll);
	close(other);
}

TEST_F(aio, inbox)
{
	int fd = inbox_open();

	ASSERT_EQ(0, aio_poll(self->aio, fd, POLLIN));
	EXPECT_EQ(-ETIME, aio_end(self->aio, AT_ONCE));
	EXPECT_EQ(0, peer_send(self->peer, 0, 0, "text"));
	EXPECT_EQ(POLLIN, aio_end(self->aio, IN_THE_END));
	close(fd);
}

TEST_F(aio, mailbox)
{
	int fd = box_new(_metadata, 1);

	ASSERT_EQ(0, aio_poll(self->aio, fd, POLLIN));
	EXPECT_EQ(-ETIME, aio_end(self->aio, AT_ONCE));
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(POLLIN, aio_end(self->aio, IN_THE_END));
	close(fd);
}

/* A ring is writable while there is room: nothing has to happen. */
TEST_F(aio, ring)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	int fd;

	arg.ring = 65536;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, aio_poll(self->aio, fd, POLLIN));
	EXPECT_EQ(-ETIME, aio_end(self->aio, AT_ONCE));
	close(fd);
}

MBOX_TEST_MAIN
