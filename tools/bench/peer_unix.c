// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: a pair of AF_UNIX sockets, SOCK_SEQPACKET or SOCK_DGRAM.
 *
 * A send blocks when the messages that are queued take as much memory as SO_SNDBUF
 * allows, so that is set to the memory of as many messages as the queue is to hold.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "peer.h"

#define BATCH_MAX	256

/* More than the kernel adds to a message of any size. */
#define OVERHEAD	(1 << 16)

static int sndbuf_set(int fd, size_t bytes)
{
	/* The kernel doubles it. */
	int value = (int)(bytes / 2 + 1);

	if (!setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof(value)))
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) ? -errno : 0;
}

/* Return the memory that a message of @size bytes takes. */
static long sndbuf_measure(const int fds[2], size_t size)
{
	char *data = calloc(1, size);
	int queued = -1;

	if (!data)
		return -ENOMEM;
	if (send(fds[1], data, size, MSG_DONTWAIT) != (ssize_t)size ||
	    ioctl(fds[1], SIOCOUTQ, &queued) ||
	    recv(fds[0], data, size, MSG_DONTWAIT) != (ssize_t)size)
		queued = -errno;
	free(data);
	return queued;
}

static int unix_open(struct channel *ch, int type)
{
	long each;
	int ret;

	if (socketpair(AF_UNIX, type, 0, ch->fds))
		return -errno;
	ret = sndbuf_set(ch->fds[1], 2 * ch->setup.size + OVERHEAD);
	if (ret)
		return ret;
	each = sndbuf_measure(ch->fds, ch->setup.size);
	if (each < 0)
		return (int)each;
	return sndbuf_set(ch->fds[1], (size_t)each * ch->setup.depth);
}

static int seqpacket_open(struct channel *ch)
{
	return unix_open(ch, SOCK_SEQPACKET);
}

static int dgram_open(struct channel *ch)
{
	return unix_open(ch, SOCK_DGRAM);
}

static int unix_send(struct channel *ch, const void *data, size_t size)
{
	return send(ch->fds[1], data, size, 0) < 0 ? -errno : 0;
}

static ssize_t unix_recv(struct channel *ch, void *data, size_t size)
{
	ssize_t n = recv(ch->fds[0], data, size, ch->nonblock ? MSG_DONTWAIT : 0);

	return n < 0 ? -errno : n;
}

struct batch {
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
};

static void batch_init(struct batch *batch, const char *data, size_t size, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		batch->parts[i].iov_base = (void *)(uintptr_t)(data + i * size);
		batch->parts[i].iov_len = size;
		memset(&batch->messages[i], 0, sizeof(batch->messages[i]));
		batch->messages[i].msg_hdr.msg_iov = &batch->parts[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static int unix_send_batch(struct channel *ch, const void *data, size_t size, unsigned int count)
{
	struct batch batch;
	unsigned int done = 0;

	batch_init(&batch, data, size, count);
	while (done < count) {
		int n = sendmmsg(ch->fds[1], batch.messages + done, count - done, 0);

		if (n < 0)
			return -errno;
		done += (unsigned int)n;
	}
	return 0;
}

static int unix_recv_batch(struct channel *ch, void *data, size_t size, unsigned int count)
{
	struct batch batch;
	int n;

	batch_init(&batch, data, size, count);
	n = recvmmsg(ch->fds[0], batch.messages, count, MSG_WAITFORONE, NULL);
	return n < 0 ? -errno : n;
}

/*
 * Datagram sockets with names. A name lasts as long as its socket is open, so
 * receivers[] keeps these.
 */
static int *receivers;
static unsigned int receivers_size;

static socklen_t many_address(struct sockaddr_un *address, unsigned int number)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	/* In the abstract name space, where no file is left behind. */
	peer_name(address->sun_path + 1, sizeof(address->sun_path) - 1, "", number);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   strlen(address->sun_path + 1));
}

static int many_make(unsigned int number)
{
	struct sockaddr_un address;
	socklen_t length = many_address(&address, number);
	int fd;

	if (number >= receivers_size) {
		unsigned int size = number < 1024 ? 1024 : 2 * number;
		int *more = realloc(receivers, size * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + receivers_size, -1, (size - receivers_size) * sizeof(*more));
		receivers = more;
		receivers_size = size;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, length)) {
		int error = -errno;

		close(fd);
		return error;
	}
	receivers[number] = fd;
	return 0;
}

static int many_open(struct channel *ch, unsigned int number)
{
	struct sockaddr_un address;
	socklen_t length = many_address(&address, number);

	ch->fds[0] = receivers[number];
	ch->fds[1] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ch->fds[1] < 0)
		return -errno;
	if (connect(ch->fds[1], (struct sockaddr *)&address, length)) {
		int error = -errno;

		close(ch->fds[1]);
		return error;
	}
	return 0;
}

static void many_shut(struct channel *ch)
{
	close(ch->fds[1]);
}

static void many_remove(unsigned int number)
{
	if (number < receivers_size && receivers[number] >= 0) {
		close(receivers[number]);
		receivers[number] = -1;
	}
}

static const struct peer_named many = {
	.make = many_make,
	.open = many_open,
	.shut = many_shut,
	.remove = many_remove,
};

#define UNIX_OPERATIONS \
	.close = fd_close, .send = unix_send, .recv = unix_recv, \
	.send_batch = unix_send_batch, .recv_batch = unix_recv_batch, .poll_fd = fd_receive_side

const struct peer peer_seqpacket = {
	.name = "seqpacket",
	.about = "AF_UNIX sockets, SOCK_SEQPACKET",
	.open = seqpacket_open,
	UNIX_OPERATIONS,
};

const struct peer peer_dgram = {
	.name = "dgram",
	.about = "AF_UNIX sockets, SOCK_DGRAM",
	.open = dgram_open,
	UNIX_OPERATIONS,
	.named = &many,
};
