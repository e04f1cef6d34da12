// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: ZeroMQ, PUSH and PULL over ipc://. Each sender has a name of its own, which
 * all receivers connect to. Half of the queue is at the sender, half at the receiver.
 */
#include "peer.h"

#ifndef BENCH_ZMQ
const struct peer peer_zmq = {
	.name = "zmq",
	.about = "ZeroMQ, PUSH and PULL over ipc://",
	.absent = "not built: no libzmq",
};
#else
#include <errno.h>
#include <stdio.h>
#include <zmq.h>

/* A receiver looks this often whether all senders are done. */
#define RECV_TIMEOUT_MS	20

/* A channel that is closed waits for at most this long for messages to leave. */
#define LINGER_MS	5000

static const char *socket_refuse(const struct setup *setup)
{
	return setup->receivers > 64 ? "takes two threads for each receiver" : NULL;
}

/* Sockets belong to one process and are made by its workers; agree on a name. */
static int socket_open(struct channel *ch)
{
	static unsigned int number;

	peer_name(ch->name, sizeof(ch->name), "ipc://@", number++);
	return 0;
}

static void socket_close(struct channel *ch)
{
	(void)ch;
}

static void socket_end(struct channel *ch, int which)
{
	if (ch->handles[which])
		zmq_close(ch->handles[which]);
	ch->handles[which] = NULL;
}

static void socket_leave(struct channel *ch)
{
	socket_end(ch, 0);
	socket_end(ch, 1);
	if (ch->map)
		zmq_ctx_term(ch->map);
	ch->map = NULL;
}

static void *socket_new(struct channel *ch, int type, int mark_option)
{
	int mark = (int)(ch->setup.depth + 1) / 2, linger = LINGER_MS, interval = 1;
	void *socket = zmq_socket(ch->map, type);

	if (!socket)
		return NULL;
	zmq_setsockopt(socket, mark_option, &mark, sizeof(mark));
	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &interval, sizeof(interval));
	return socket;
}

static int socket_join_recv(struct channel *ch)
{
	int timeout = RECV_TIMEOUT_MS;
	char name[64];

	ch->handles[0] = socket_new(ch, ZMQ_PULL, ZMQ_RCVHWM);
	if (!ch->handles[0])
		return -errno;
	zmq_setsockopt(ch->handles[0], ZMQ_RCVTIMEO, &timeout, sizeof(timeout));
	for (unsigned int i = 0; i < ch->setup.senders; i++) {
		snprintf(name, sizeof(name), "%s.%u", ch->name, i);
		if (zmq_connect(ch->handles[0], name))
			return -errno;
	}
	return 0;
}

static int socket_join_send(struct channel *ch, unsigned int number)
{
	char name[64];

	ch->handles[1] = socket_new(ch, ZMQ_PUSH, ZMQ_SNDHWM);
	if (!ch->handles[1])
		return -errno;
	snprintf(name, sizeof(name), "%s.%u", ch->name, number);
	return zmq_bind(ch->handles[1], name) ? -errno : 0;
}

static int socket_join(struct channel *ch, unsigned int sides, unsigned int number)
{
	int ret = 0;

	ch->map = zmq_ctx_new();
	if (!ch->map)
		return -errno;
	if (sides & SIDE_SEND)
		ret = socket_join_send(ch, number);
	if (!ret && sides & SIDE_RECV)
		ret = socket_join_recv(ch);
	if (ret)
		socket_leave(ch);
	return ret;
}

static int socket_send(struct channel *ch, const void *data, size_t size)
{
	return zmq_send(ch->handles[1], data, size, 0) < 0 ? -errno : 0;
}

static ssize_t socket_recv(struct channel *ch, void *data, size_t size)
{
	int n = zmq_recv(ch->handles[0], data, size, ch->nonblock ? ZMQ_DONTWAIT : 0);

	return n < 0 ? -errno : n;
}

static int socket_fd(const struct channel *ch)
{
	int fd = -1;
	size_t size = sizeof(fd);

	return zmq_getsockopt(ch->handles[0], ZMQ_FD, &fd, &size) ? -errno : fd;
}

/* The descriptor tells of changes only: the socket has to be asked. */
static bool socket_ready(const struct channel *ch)
{
	int events = 0;
	size_t size = sizeof(events);

	return !zmq_getsockopt(ch->handles[0], ZMQ_EVENTS, &events, &size) && events & ZMQ_POLLIN;
}

const struct peer peer_zmq = {
	.name = "zmq",
	.about = "ZeroMQ, PUSH and PULL over ipc://",
	.spreads = true,
	.settle_ms = 20,
	.refuse = socket_refuse,
	.open = socket_open,
	.close = socket_close,
	.join = socket_join,
	.leave = socket_leave,
	.send = socket_send,
	.recv = socket_recv,
	.poll_fd = socket_fd,
	.ready = socket_ready,
};
#endif
