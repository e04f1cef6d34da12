// SPDX-License-Identifier: LGPL-2.1-or-later
/* Requests and replies */
#include "internal.h"

ssize_t mbox_call(struct mbox *mb, const void *data, size_t size, void *reply, size_t room,
		  const struct mbox_call_opts *opts, struct mbox_called *called)
{
	struct mbox_ioc_call arg = {
		.reply = mbox_address(reply),
		.room = room,
	};
	int ret;

	if (!mb)
		return -EINVAL;
	mbox_send_set(&arg.send, data, size, opts ? opts->send : NULL);
	arg.type_hi = opts && opts->send ? opts->send->type_hi : 0;
	if (opts)
		arg.flags = opts->flags;
	ret = mbox_ioctl(mb->fd, MBOX_IOC_CALL, &arg);
	if (called && (ret == 0 || ret == -EREMOTEIO)) {
		called->pid = arg.pid;
		called->code = arg.code;
		called->start = arg.start;
	}
	return ret < 0 ? ret : (ssize_t)arg.length;
}

ssize_t mbox_call_timeout(struct mbox *mb, const void *data, size_t size, void *reply,
			  size_t room, int64_t timeout_ns)
{
	struct mbox_send_opts send = { .flags = 0 };
	const struct mbox_call_opts opts = { .send = &send };
	int ret;

	/* A deadline also if it is 0: MBOX_SEND_NONBLOCK would wait for the reply. */
	if (timeout_ns != MBOX_NO_TIMEOUT) {
		send.clock = MBOX_CLOCK_MONOTONIC;
		ret = mbox_deadline_after(timeout_ns, send.clock, &send.deadline);
		if (ret)
			return ret;
	}
	return mbox_call(mb, data, size, reply, room, &opts, NULL);
}

int mbox_reply(struct mbox *mb, uint64_t token, const void *data, size_t size)
{
	struct mbox_ioc_reply arg = {
		.token = token,
		.data = mbox_address(data),
		.size = size,
	};

	if (!mb)
		return -EINVAL;
	return mbox_ioctl(mb->fd, MBOX_IOC_REPLY, &arg);
}

ssize_t mbox_reply_recv(struct mbox *mb, const void *data, size_t data_size, void *buf,
			size_t size, struct mbox_lease_opts *opts,
			struct mbox_header *hdr, struct mbox_delivery *delivery)
{
	struct mbox_ioc_lease lease = { .flags = 0 };
	struct mbox_ioc_reply arg = {
		.lease_size = sizeof(lease), .lease = mbox_address(&lease),
	};
	int ret;

	if (!mb)
		return -EINVAL;
	if (!delivery)
		return -EFAULT;
	mbox_lease_set(&lease, buf, size, opts);
	if (opts && opts->ack) {
		arg.token = opts->ack;
		arg.data = mbox_address(data);
		arg.size = data_size;
	}
	ret = mbox_ioctl(mb->fd, MBOX_IOC_REPLY, &arg);
	if (opts && opts->ack && (!arg.token || ret == -ESTALE))
		opts->ack = 0;
	return mbox_lease_result(&lease, ret, hdr, delivery);
}
