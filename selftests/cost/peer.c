// SPDX-License-Identifier: GPL-2.0-only
/* The ways of the kernel that a program would take without mbox. */
#include "cost/cost.h"

#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#define PIPE_USUAL	65536
#define PIPE_MOST	1048576

static int pipe_open(struct channel *ch)
{
	size_t need = ch->depth * ch->size;

	if (pipe(ch->fds))
		return -errno;
	if (need > PIPE_MOST)
		need = PIPE_MOST;
	if (ch->size > PIPE_MOST)
		return -EMSGSIZE;
	if (need > PIPE_USUAL && fcntl(ch->fds[1], F_SETPIPE_SZ, (int)need) < 0)
		return -errno;
	return 0;
}

static int pipe_send(struct channel *ch)
{
	return channel_error(write(ch->fds[1], outgoing->data, ch->size), ch->size);
}

/* A long message may come in parts. */
static int pipe_recv(struct channel *ch)
{
	size_t got = 0;
	ssize_t ret;

	do {
		ret = read(ch->fds[0], incoming->data + got, ch->size - got);
		if (ret <= 0)
			return ret ? -errno : -EPIPE;
		got += ret;
	} while (got < ch->size);
	return 0;
}

const struct way way_pipe = {
	.name = "pipe", .open = pipe_open, .send = pipe_send, .recv = pipe_recv,
};

/* It takes as many bytes as the messages have. */
static int sysv_open(struct channel *ch)
{
	static key_t last_key = 0x6d626f78;
	struct msqid_ds ds;

	ch->key = ch->named ? last_key++ : IPC_PRIVATE;
	ch->id = msgget(ch->key, IPC_CREAT | IPC_EXCL | 0600);
	if (ch->id < 0 || msgctl(ch->id, IPC_STAT, &ds))
		return -errno;
	ds.msg_qbytes = ch->depth * ch->size;
	return msgctl(ch->id, IPC_SET, &ds) ? -errno : 0;
}

static void sysv_close(struct channel *ch)
{
	if (ch->id >= 0)
		msgctl(ch->id, IPC_RMID, NULL);
}

static int sysv_send(struct channel *ch)
{
	return msgsnd(ch->id, outgoing, ch->size, 0) ? -errno : 0;
}

static int sysv_recv(struct channel *ch)
{
	return channel_error(msgrcv(ch->id, incoming, ch->size, 0, ch->flags), ch->size);
}

/* The lowest type goes first. */
static int sysv_send_prio(struct channel *ch, unsigned int prio)
{
	outgoing->type = PRIORITIES - prio;
	return sysv_send(ch);
}

static int sysv_recv_prio(struct channel *ch)
{
	return channel_error(msgrcv(ch->id, incoming, ch->size, -PRIORITIES, 0), ch->size);
}

static int sysv_reopen(struct channel *ch)
{
	return msgget(ch->key, 0) == ch->id ? 0 : -EPROTO;
}

const struct way way_sysv = {
	.name = "SysV", .open = sysv_open, .close = sysv_close, .send = sysv_send, .recv = sysv_recv,
	.send_prio = sysv_send_prio, .recv_prio = sysv_recv_prio, .reopen = sysv_reopen,
};

/* A name begins with a slash. */
static void mq_name(const struct channel *ch, char name[MBOX_NAME_SIZE + 1])
{
	snprintf(name, MBOX_NAME_SIZE + 1, "/%s", ch->name);
}

static int mq_channel_open(struct channel *ch)
{
	struct mq_attr attr = { .mq_maxmsg = ch->depth, .mq_msgsize = ch->size ? ch->size : 1 };
	char name[MBOX_NAME_SIZE + 1];

	name_make(ch->name);
	mq_name(ch, name);
	ch->fds[0] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (ch->fds[0] < 0)
		return -errno;
	ch->fds[1] = ch->fds[0];
	if (!ch->named)
		mq_unlink(name);
	return 0;
}

static int mq_reopen(struct channel *ch)
{
	char name[MBOX_NAME_SIZE + 1];
	mqd_t mq;

	mq_name(ch, name);
	mq = mq_open(name, O_RDWR);
	if (mq < 0)
		return -errno;
	mq_close(mq);
	return 0;
}

static void mq_leave(struct channel *ch)
{
	close(ch->fds[0]);
	ch->fds[0] = ch->fds[1] = -1;
}

static void mq_channel_close(struct channel *ch)
{
	char name[MBOX_NAME_SIZE + 1];

	mq_name(ch, name);
	if (ch->named)
		mq_unlink(name);
}

static int mq_send_prio(struct channel *ch, unsigned int prio)
{
	return mq_send(ch->fds[1], outgoing->data, ch->size, prio) ? -errno : 0;
}

static int mq_send_plain(struct channel *ch)
{
	return mq_send_prio(ch, 0);
}

static int mq_recv(struct channel *ch)
{
	return channel_error(mq_receive(ch->fds[0], incoming->data, ch->size, NULL), ch->size);
}

const struct way way_mq = {
	.name = "mq", .open = mq_channel_open, .close = mq_channel_close,
	.send = mq_send_plain, .recv = mq_recv, .send_prio = mq_send_prio, .recv_prio = mq_recv,
	.reopen = mq_reopen, .leave = mq_leave,
};

static int socket_open(struct channel *ch, int type)
{
	int need = ch->size * (ch->size >= 4096 ? ch->depth : 1) * 2;

	if (socketpair(AF_UNIX, type, 0, ch->fds))
		return -errno;
	/* the buffer counts the memory of a message, which is more than its bytes */
	if (need > 100000 &&
	    setsockopt(ch->fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &need, sizeof(need)))
		return -errno;
	return 0;
}

static int seqpacket_open(struct channel *ch)
{
	return socket_open(ch, SOCK_SEQPACKET);
}

static int dgram_open(struct channel *ch)
{
	return socket_open(ch, SOCK_DGRAM);
}

static int socket_send(struct channel *ch)
{
	return channel_error(send(ch->fds[1], outgoing->data, ch->size, 0), ch->size);
}

static int socket_recv(struct channel *ch)
{
	return channel_error(recv(ch->fds[0], incoming->data, ch->size, 0), ch->size);
}

const struct way way_seqpacket = {
	.name = "SEQPACKET", .open = seqpacket_open, .send = socket_send, .recv = socket_recv,
};

const struct way way_dgram = {
	.name = "DGRAM", .open = dgram_open, .send = socket_send, .recv = socket_recv,
};
