// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: System V message queues. */
#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>
#include "peer.h"

/* A message begins with its type, which the headroom of the buffer is for. */
static long *type_of(const void *data)
{
	return (long *)(void *)((char *)(uintptr_t)data - PEER_HEADROOM);
}

static int sysv_open(struct channel *ch)
{
	struct msqid_ds ds;

	ch->id = msgget(IPC_PRIVATE, 0600);
	if (ch->id < 0)
		return -errno;
	if (msgctl(ch->id, IPC_STAT, &ds))
		return -errno;
	ds.msg_qbytes = ch->setup.size * ch->setup.depth;
	return msgctl(ch->id, IPC_SET, &ds) ? -errno : 0;
}

static void sysv_close(struct channel *ch)
{
	if (ch->id >= 0)
		msgctl(ch->id, IPC_RMID, NULL);
}

static int sysv_send(struct channel *ch, const void *data, size_t size)
{
	*type_of(data) = 1;
	return msgsnd(ch->id, type_of(data), size, 0) ? -errno : 0;
}

static ssize_t sysv_recv(struct channel *ch, void *data, size_t size)
{
	ssize_t n = msgrcv(ch->id, type_of(data), size, 0, ch->nonblock ? IPC_NOWAIT : 0);

	if (n >= 0)
		return n;
	return errno == ENOMSG ? -EAGAIN : -errno;
}

/* The lowest type comes first if the receiver asks for types up to a number. */
static int sysv_send_prio(struct channel *ch, const void *data, size_t size, unsigned int prio)
{
	*type_of(data) = (long)(PEER_PRIOS - prio);
	return msgsnd(ch->id, type_of(data), size, 0) ? -errno : 0;
}

static ssize_t sysv_recv_prio(struct channel *ch, void *data, size_t size)
{
	ssize_t n = msgrcv(ch->id, type_of(data), size, -PEER_PRIOS, 0);

	return n < 0 ? -errno : n;
}

/* Keys of this process: its number in the upper half of those that remain. */
static key_t many_key(unsigned int number)
{
	return (key_t)(0x40000000 | ((unsigned int)getpid() % 64) << 20 | number);
}

static int many_make(unsigned int number)
{
	return msgget(many_key(number), IPC_CREAT | IPC_EXCL | 0600) < 0 ? -errno : 0;
}

static int many_open(struct channel *ch, unsigned int number)
{
	ch->id = msgget(many_key(number), 0);
	return ch->id < 0 ? -errno : 0;
}

static void many_shut(struct channel *ch)
{
	ch->id = -1;
}

static void many_remove(unsigned int number)
{
	int id = msgget(many_key(number), 0);

	if (id >= 0)
		msgctl(id, IPC_RMID, NULL);
}

static const struct peer_named many = {
	.max = 32768,
	.make = many_make,
	.open = many_open,
	.shut = many_shut,
	.remove = many_remove,
};

const struct peer peer_sysv = {
	.name = "sysv",
	.about = "System V message queue",
	.open = sysv_open,
	.close = sysv_close,
	.send = sysv_send,
	.recv = sysv_recv,
	.send_prio = sysv_send_prio,
	.recv_prio = sysv_recv_prio,
	.named = &many,
};
