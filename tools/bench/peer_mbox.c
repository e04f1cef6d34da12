// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: mbox in the ways that a program may use it: by libmbox, by read and write, as a ring. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <mbox.h>
#include "peer.h"

/* Bytes of the header of a record in a ring, and its alignment. */
#define RECORD	8

static int box_open_attr(struct channel *ch, const struct mbox_attr *attr)
{
	static unsigned int number;
	struct mbox *mb;
	int ret;

	peer_name(ch->name, sizeof(ch->name), "", number++);
	ret = mbox_create(&mb, ch->name, 0, attr);
	if (ret)
		return ret;
	ch->handles[0] = mb;
	return 0;
}

static int box_open(struct channel *ch)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;

	attr.lifetime = MBOX_LIFETIME_FD;
	attr.capacity = ch->setup.depth;
	attr.msg_size = (uint32_t)ch->setup.size;
	return box_open_attr(ch, &attr);
}

static void box_close(struct channel *ch)
{
	mbox_close(ch->handles[0]);
}

/* Each worker opens the mailbox by its name, as programs do that do not know each other. */
static int box_join(struct channel *ch, unsigned int sides, unsigned int number)
{
	unsigned int rights = (sides & SIDE_RECV ? MBOX_RIGHT_RECV : 0) |
			      (sides & SIDE_SEND ? MBOX_RIGHT_SEND : 0);
	struct mbox *mb;
	int ret = mbox_open(&mb, ch->name, rights);

	(void)number;
	if (ret)
		return ret;
	ch->handles[0] = mb;
	ch->handles[1] = mb;
	ch->fds[0] = mbox_fd(mb);
	ch->fds[1] = ch->fds[0];
	return 0;
}

static void box_leave(struct channel *ch)
{
	mbox_close(ch->handles[0]);
}

static int box_fd(const struct channel *ch)
{
	return mbox_fd(ch->handles[0]);
}

static int plain_send(struct channel *ch, const void *data, size_t size)
{
	return mbox_send(ch->handles[1], data, size, NULL);
}

static ssize_t plain_recv(struct channel *ch, void *data, size_t size)
{
	const struct mbox_recv_opts opts = { .flags = MBOX_RECV_NONBLOCK };

	return mbox_recv(ch->handles[0], data, size, ch->nonblock ? &opts : NULL, NULL);
}

static int prio_send(struct channel *ch, const void *data, size_t size, unsigned int prio)
{
	const struct mbox_send_opts opts = { .prio = prio };

	return mbox_send(ch->handles[1], data, size, &opts);
}

static int header_send(struct channel *ch, const void *data, size_t size)
{
	const struct mbox_send_opts opts = { .type = 1 };

	return mbox_send(ch->handles[1], data, size, &opts);
}

static ssize_t header_recv(struct channel *ch, void *data, size_t size)
{
	const struct mbox_recv_opts opts = { .flags = ch->nonblock ? MBOX_RECV_NONBLOCK : 0 };
	struct mbox_header header;
	ssize_t n = mbox_recv(ch->handles[0], data, size, &opts, &header);

	return n < 0 || header.length == (uint64_t)n ? n : -EBADMSG;
}

static int rw_send(struct channel *ch, const void *data, size_t size)
{
	return write(ch->fds[1], data, size) == (ssize_t)size ? 0 : -errno;
}

static ssize_t rw_recv(struct channel *ch, void *data, size_t size)
{
	ssize_t n = read(ch->fds[0], data, size);

	return n < 0 ? -errno : n;
}

/* A library without batches has no MBOX_BATCH_MAX; the table then says so. */
#ifdef MBOX_BATCH_MAX
#define BATCH_MAX	256

static int batch_send(struct channel *ch, const void *data, size_t size, unsigned int count)
{
	struct mbox_send_entry entries[BATCH_MAX];
	unsigned int done = 0;

	for (unsigned int i = 0; i < count; i++)
		mbox_send_entry_set(&entries[i], (const char *)data + i * size, size);
	while (done < count) {
		int n = mbox_sendv(ch->handles[1], entries + done, count - done, NULL);

		if (n < 0)
			return n;
		done += (unsigned int)n;
	}
	return 0;
}

static int batch_recv(struct channel *ch, void *data, size_t size, unsigned int count)
{
	struct mbox_recv_entry entries[BATCH_MAX];

	for (unsigned int i = 0; i < count; i++)
		mbox_recv_entry_set(&entries[i], (char *)data + i * size, size);
	return mbox_recvv(ch->handles[0], entries, count, 1, NULL);
}

#define BATCH_OPERATIONS	.send_batch = batch_send, .recv_batch = batch_recv,
#else
#define BATCH_OPERATIONS
#endif

static const char *ring_refuse(const struct setup *setup)
{
	return setup->senders > 1 || setup->receivers > 1 ? "one sender, one receiver" : NULL;
}

static int ring_open(struct channel *ch)
{
	uint64_t record = (ch->setup.size + RECORD + RECORD - 1) & ~(uint64_t)(RECORD - 1);
	/* A message takes at most half of a ring. */
	uint64_t need = record * (ch->setup.depth > 2 ? ch->setup.depth : 2);
	struct mbox_attr attr = MBOX_ATTR_INIT;

	attr.lifetime = MBOX_LIFETIME_FD;
	attr.capacity = 0;
	attr.msg_size = (uint32_t)ch->setup.size;
	attr.ring = 4096;
	while (attr.ring < need)
		attr.ring *= 2;
	return box_open_attr(ch, &attr);
}

static void many_name(char name[static 48], unsigned int number)
{
	peer_name(name, 48, "many.", number);
}

static int many_make(unsigned int number)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	char name[48];
	struct mbox *mb;
	int ret;

	many_name(name, number);
	ret = mbox_create(&mb, name, 0, &attr);
	if (!ret)
		mbox_close(mb);
	return ret;
}

static int many_open(struct channel *ch, unsigned int number)
{
	many_name(ch->name, number);
	return box_join(ch, SIDE_RECV | SIDE_SEND, 0);
}

static void many_remove(unsigned int number)
{
	char name[48];

	many_name(name, number);
	mbox_delete(name, MBOX_DELETE_FORCE, NULL);
}

static const struct peer_named many = {
	.make = many_make,
	.open = many_open,
	.shut = box_leave,
	.remove = many_remove,
};

#define BOX_OPERATIONS \
	.ours = true, .open = box_open, .close = box_close, .join = box_join, \
	.leave = box_leave, .poll_fd = box_fd

const struct peer peer_mbox = {
	.name = "mbox",
	.about = "mbox_send() and mbox_recv() without options",
	BOX_OPERATIONS,
	.send = plain_send,
	.recv = plain_recv,
	.send_prio = prio_send,
	.recv_prio = plain_recv,
	BATCH_OPERATIONS
	.named = &many,
};

const struct peer peer_mbox_header = {
	.name = "mbox-header",
	.about = "mbox_send() and mbox_recv() with options and header",
	BOX_OPERATIONS,
	.send = header_send,
	.recv = header_recv,
	.send_prio = prio_send,
	.recv_prio = header_recv,
};

const struct peer peer_mbox_rw = {
	.name = "mbox-rw",
	.about = "write() and read() on a mailbox",
	BOX_OPERATIONS,
	.send = rw_send,
	.recv = rw_recv,
	.nonblock = fd_nonblock,
};

const struct peer peer_mbox_ring = {
	.name = "mbox-ring",
	.about = "mbox_send() and mbox_recv() on a ring",
	.ours = true,
	.ring = true,
	.refuse = ring_refuse,
	.open = ring_open,
	.close = box_close,
	.join = box_join,
	.leave = box_leave,
	.send = plain_send,
	.recv = plain_recv,
	.poll_fd = box_fd,
};
