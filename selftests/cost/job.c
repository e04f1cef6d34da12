// SPDX-License-Identifier: GPL-2.0-only
/* Leases and calls: a way to receive, and a workload. */
#include "cost/cost.h"

static int lease_send(struct channel *ch)
{
	return way_ioctl.send(ch);
}

/* Receive with a lease, and acknowledge the message before. */
static int lease_recv(struct channel *ch)
{
	struct mbox_ioc_lease lease = {
		.recv.data = address_of(incoming->data), .recv.size = ch->size, .ack = ch->token,
	};

	if (ioctl(ch->fds[0], MBOX_IOC_LEASE, &lease))
		return -errno;
	ch->token = lease.delivery.token;
	return lease.recv.header.length == ch->size ? 0 : -EPROTO;
}

static int lease_open(struct channel *ch)
{
	ch->token = 0;
	return way_ioctl.open(ch);
}

const struct way way_lease = {
	.name = "lease", .ours = true, .open = lease_open, .send = lease_send, .recv = lease_recv,
};

static int call_answer(struct bench *bench)
{
	struct channel *ch = &bench->channel;
	struct mbox_ioc_lease lease = {
		.recv.data = address_of(incoming->data), .recv.size = ch->size,
	};
	struct mbox_ioc_reply reply = { .lease = address_of(&lease) };

	for (;;) {
		if (ioctl(ch->fds[0], MBOX_IOC_REPLY, &reply))
			return -errno;
		reply.token = lease.delivery.token;
		reply.data = address_of(outgoing->data);
		reply.size = ch->size;
	}
}

static int call_begin(struct bench *bench)
{
	int ret = channel_open(&bench->channel, bench, bench->row->depth);

	return ret ? ret : partner_start(bench, call_answer);
}

static int call_run(struct bench *bench, unsigned int times)
{
	struct channel *ch = &bench->channel;

	while (times--) {
		struct mbox_ioc_call call = {
			.send.data = address_of(outgoing->data), .send.size = ch->size,
			.reply = address_of(incoming->data), .room = ch->size,
		};

		if (ioctl(ch->fds[1], MBOX_IOC_CALL, &call))
			return -errno;
		if (call.length != ch->size)
			return -EPROTO;
		unit_done();
	}
	return 0;
}

const struct workload call = {
	"calls: request and reply of two processes", "round trip", call_begin, call_run,
};
