// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: a pipe. All messages have one size, so it needs no frames. Up to PIPE_BUF
 * bytes a message is whole; a longer one is only if no other process reads or writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <stdio.h>
#include <unistd.h>
#include "peer.h"

/* Names of FIFOs: in a file system that is memory. */
#define FIFO_DIRECTORY	"/dev/shm/"

static const char *pipe_refuse(const struct setup *setup)
{
	return setup->size > PIPE_BUF && (setup->senders > 1 || setup->receivers > 1) ?
	       "not atomic beyond PIPE_BUF" : NULL;
}

static int pipe_open(struct channel *ch)
{
	size_t need = ch->setup.size * ch->setup.depth;

	if (pipe(ch->fds))
		return -errno;
	/* The kernel rounds it up to pages. */
	if (fcntl(ch->fds[1], F_SETPIPE_SZ, need) < 0) {
		int error = -errno;

		fd_close(ch);
		return error;
	}
	return 0;
}

static int pipe_send(struct channel *ch, const void *data, size_t size)
{
	const char *from = data;

	while (size) {
		ssize_t n = write(ch->fds[1], from, size);

		if (n < 0)
			return -errno;
		from += n;
		size -= (size_t)n;
	}
	return 0;
}

static ssize_t pipe_recv(struct channel *ch, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(ch->fds[0], (char *)data + done, size - done);

		if (n == 0)
			return -EPIPE;
		if (n < 0 && !(errno == EAGAIN && done))
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static int pipe_send_batch(struct channel *ch, const void *data, size_t size, unsigned int count)
{
	return pipe_send(ch, data, size * count);
}

static int pipe_recv_batch(struct channel *ch, void *data, size_t size, unsigned int count)
{
	ssize_t n = read(ch->fds[0], data, size * count);
	size_t part;

	if (n <= 0)
		return n ? -errno : -EPIPE;
	part = (size_t)n % size;
	if (part) {
		ssize_t rest = pipe_recv(ch, (char *)data + n, size - part);

		if (rest < 0)
			return (int)rest;
		n += rest;
	}
	return (int)((size_t)n / size);
}

static int fifo_make(unsigned int number)
{
	char name[64];

	peer_name(name, sizeof(name), FIFO_DIRECTORY, number);
	return mkfifo(name, 0600) ? -errno : 0;
}

static int fifo_open(struct channel *ch, unsigned int number)
{
	char name[64];

	peer_name(name, sizeof(name), FIFO_DIRECTORY, number);
	ch->fds[0] = open(name, O_RDWR | O_CLOEXEC);
	ch->fds[1] = ch->fds[0];
	return ch->fds[0] < 0 ? -errno : 0;
}

static void fifo_remove(unsigned int number)
{
	char name[64];

	peer_name(name, sizeof(name), FIFO_DIRECTORY, number);
	unlink(name);
}

static const struct peer_named many = {
	.make = fifo_make,
	.open = fifo_open,
	.shut = fd_close,
	.remove = fifo_remove,
};

const struct peer peer_pipe = {
	.name = "pipe",
	.about = "pipe; a FIFO where names are needed",
	.refuse = pipe_refuse,
	.open = pipe_open,
	.close = fd_close,
	.send = pipe_send,
	.recv = pipe_recv,
	.nonblock = fd_nonblock,
	.send_batch = pipe_send_batch,
	.recv_batch = pipe_recv_batch,
	.poll_fd = fd_receive_side,
	.named = &many,
};
