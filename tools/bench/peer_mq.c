// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: POSIX message queues. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>
#include "peer.h"

static int queue_make(char *name, unsigned int depth, size_t size)
{
	struct mq_attr attr = { .mq_maxmsg = (long)depth, .mq_msgsize = (long)size };

	return mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
}

static int queue_open(struct channel *ch)
{
	static unsigned int number;

	peer_name(ch->name, sizeof(ch->name), "/", number++);
	ch->id = queue_make(ch->name, ch->setup.depth, ch->setup.size);
	return ch->id < 0 ? -errno : 0;
}

static void queue_close(struct channel *ch)
{
	if (ch->id < 0)
		return;
	mq_close(ch->id);
	mq_unlink(ch->name);
}

/* Each worker opens the queue by its name, as it does with a mailbox. */
static int queue_join(struct channel *ch, unsigned int sides, unsigned int number)
{
	int flags = sides == SIDE_RECV ? O_RDONLY : sides == SIDE_SEND ? O_WRONLY : O_RDWR;

	(void)number;
	ch->fds[0] = mq_open(ch->name, flags);
	ch->fds[1] = ch->fds[0];
	return ch->fds[0] < 0 ? -errno : 0;
}

static void queue_leave(struct channel *ch)
{
	mq_close(ch->fds[0]);
}

static int queue_send_prio(struct channel *ch, const void *data, size_t size, unsigned int prio)
{
	return mq_send(ch->fds[1], data, size, prio) ? -errno : 0;
}

static int queue_send(struct channel *ch, const void *data, size_t size)
{
	return queue_send_prio(ch, data, size, 0);
}

static ssize_t queue_recv(struct channel *ch, void *data, size_t size)
{
	ssize_t n = mq_receive(ch->fds[0], data, size, NULL);

	return n < 0 ? -errno : n;
}

static int queue_nonblock(struct channel *ch)
{
	const struct mq_attr attr = { .mq_flags = O_NONBLOCK };

	return mq_setattr(ch->fds[0], &attr, NULL) ? -errno : 0;
}

/* A queue reserves nothing for its messages, so these do not count in its memory. */
#define MANY_DEPTH	10
#define MANY_SIZE	64

static int many_make(unsigned int number)
{
	char name[48];
	int mq;

	peer_name(name, sizeof(name), "/many.", number);
	mq = queue_make(name, MANY_DEPTH, MANY_SIZE);
	if (mq < 0)
		return -errno;
	mq_close(mq);
	return 0;
}

static int many_open(struct channel *ch, unsigned int number)
{
	peer_name(ch->name, sizeof(ch->name), "/many.", number);
	return queue_join(ch, SIDE_RECV | SIDE_SEND, 0);
}

static void many_remove(unsigned int number)
{
	char name[48];

	peer_name(name, sizeof(name), "/many.", number);
	mq_unlink(name);
}

static const struct peer_named many = {
	.make = many_make,
	.open = many_open,
	.shut = queue_leave,
	.remove = many_remove,
};

const struct peer peer_mq = {
	.name = "mq",
	.about = "POSIX message queue",
	.open = queue_open,
	.close = queue_close,
	.join = queue_join,
	.leave = queue_leave,
	.send = queue_send,
	.recv = queue_recv,
	.nonblock = queue_nonblock,
	.send_prio = queue_send_prio,
	.recv_prio = queue_recv,
	.poll_fd = fd_receive_side,
	.named = &many,
};
