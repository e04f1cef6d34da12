// SPDX-License-Identifier: GPL-2.0-only
/* The ways through mbox: the ioctls, write() and read(), the library without options. */
#include "cost/cost.h"

#define MSG_SIZE_USUAL	8192

static int box_open(struct channel *ch)
{
	struct mbox_ioc_open arg = open_arg(NULL, ch->depth);

	if (ch->named) {
		name_make(ch->name);
		name_copy(arg.name, ch->name);
		/* it ends with us */
		arg.lifetime = MBOX_LIFETIME_PROCESS;
	}
	if (ch->size > MSG_SIZE_USUAL)
		arg.msg_size = ch->size;
	ch->fds[0] = open_call(MBOX_IOC_CREATE, &arg);
	ch->fds[1] = ch->fds[0];
	return ch->fds[0] < 0 ? ch->fds[0] : 0;
}

static void box_leave(struct channel *ch)
{
	close(ch->fds[0]);
	ch->fds[0] = ch->fds[1] = -1;
}

static int ioctl_reopen(struct channel *ch)
{
	static int factory = -1;
	struct mbox_ioc_open arg = { .rights = RIGHTS_BOTH };
	int fd;

	if (factory < 0)
		factory = factory_open();
	name_copy(arg.name, ch->name);
	fd = xioctl(factory, MBOX_IOC_OPEN, &arg);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int ioctl_send_prio(struct channel *ch, unsigned int prio)
{
	struct mbox_ioc_send send = {
		.prio = prio, .data = address_of(outgoing->data), .size = ch->size,
	};

	return ioctl(ch->fds[1], MBOX_IOC_SEND, &send) ? -errno : 0;
}

static int ioctl_send(struct channel *ch)
{
	return ioctl_send_prio(ch, 0);
}

static int ioctl_recv(struct channel *ch)
{
	struct mbox_ioc_recv recv = { .data = address_of(incoming->data), .size = ch->size };

	if (ioctl(ch->fds[0], MBOX_IOC_RECV, &recv))
		return -errno;
	return recv.header.length == ch->size ? 0 : -EPROTO;
}

const struct way way_ioctl = {
	.name = "ioctl", .ours = true, .open = box_open, .send = ioctl_send, .recv = ioctl_recv,
	.send_prio = ioctl_send_prio, .recv_prio = ioctl_recv, .reopen = ioctl_reopen, .leave = box_leave,
};

static int write_send(struct channel *ch)
{
	return channel_error(write(ch->fds[1], outgoing->data, ch->size), ch->size);
}

static int read_recv(struct channel *ch)
{
	return channel_error(read(ch->fds[0], incoming->data, ch->size), ch->size);
}

const struct way way_write = {
	.name = "write", .ours = true, .open = box_open, .send = write_send, .recv = read_recv,
};

static int library_open(struct channel *ch)
{
	int ret = box_open(ch);

	if (!ret)
		ret = mbox_from_fd(&ch->mbs[0], ch->fds[0]);
	ch->mbs[1] = ch->mbs[0];
	return ret;
}

static int library_send(struct channel *ch)
{
	return mbox_send(ch->mbs[1], outgoing->data, ch->size, NULL);
}

static int library_send_prio(struct channel *ch, unsigned int prio)
{
	struct mbox_send_opts opts = { .prio = prio };

	return mbox_send(ch->mbs[1], outgoing->data, ch->size, &opts);
}

static int library_recv(struct channel *ch)
{
	ssize_t ret = mbox_recv(ch->mbs[0], incoming->data, ch->size, NULL, NULL);

	if (ret < 0)
		return ret;
	return ret == ch->size ? 0 : -EPROTO;
}

static int library_send_batch(struct channel *ch, unsigned int count)
{
	struct mbox_send_entry entries[BATCH_MOST];
	int ret;

	for (unsigned int i = 0; i < count; i++)
		entries[i] = (struct mbox_send_entry) {
			.data = address_of(outgoing->data), .size = ch->size,
		};
	ret = mbox_sendv(ch->mbs[1], entries, count, NULL);
	if (ret < 0)
		return ret;
	return ret == count ? 0 : -EPROTO;
}

static int library_recv_batch(struct channel *ch, unsigned int count)
{
	struct mbox_recv_entry entries[BATCH_MOST];
	int ret;

	for (unsigned int i = 0; i < count; i++) {
		entries[i].flags = 0;
		entries[i].pad = 0;
		entries[i].data = address_of(incoming->data);
		entries[i].size = ch->size;
	}
	ret = mbox_recvv(ch->mbs[0], entries, count, count, NULL);
	if (ret < 0)
		return ret;
	return ret == count && entries[0].header.length == ch->size ? 0 : -EPROTO;
}

static int library_reopen(struct channel *ch)
{
	struct mbox *mb;
	int ret = mbox_open(&mb, ch->name, RIGHTS_BOTH);

	if (!ret)
		mbox_close(mb);
	return ret;
}

static void library_close(struct channel *ch)
{
	mbox_close(ch->mbs[0]);
	if (ch->mbs[1] != ch->mbs[0])
		mbox_close(ch->mbs[1]);
	ch->fds[0] = ch->fds[1] = -1;
}

const struct way way_library = {
	.name = "library", .ours = true, .open = library_open, .close = library_close,
	.send = library_send, .recv = library_recv,
	.send_batch = library_send_batch, .recv_batch = library_recv_batch,
	.send_prio = library_send_prio, .recv_prio = library_recv, .reopen = library_reopen,
};

/* A ring for @depth messages. Each side has a handle, since two processes may use it. */
static int ring_open(struct channel *ch)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	uint64_t need = ch->depth * (uint64_t)(ch->size + 16);
	int ret;

	name_make(ch->name);
	attr.lifetime = MBOX_LIFETIME_FD;
	attr.capacity = 0;
	for (attr.ring = 4096; attr.ring < need; attr.ring *= 2)
		;
	ret = mbox_create(&ch->mbs[0], ch->name, MBOX_RIGHT_RECV, &attr);
	return ret ? ret : mbox_open(&ch->mbs[1], ch->name, MBOX_RIGHT_SEND);
}

const struct way way_ring = {
	.name = "ring", .ours = true, .open = ring_open, .close = library_close,
	.send = library_send, .recv = library_recv,
};
