// SPDX-License-Identifier: LGPL-2.1-or-later
/* Leases: receive a message for a time, acknowledge it, give it back */
#include <limits.h>

#include "internal.h"

void mbox_lease_set(struct mbox_ioc_lease *arg, void *buf, size_t size,
		    const struct mbox_lease_opts *opts)
{
	mbox_recv_set(&arg->recv, buf, size, opts ? opts->recv : NULL);
	if (!opts)
		return;
	arg->flags = opts->flags;
	arg->clock = opts->clock;
	arg->time = opts->time;
}

ssize_t mbox_lease_result(const struct mbox_ioc_lease *arg, int ret,
			  struct mbox_header *hdr, struct mbox_delivery *delivery)
{
	if (hdr && (ret == 0 || ret == -EMSGSIZE))
		*hdr = arg->recv.header;
	if (ret < 0)
		return ret;
	*delivery = arg->delivery;
	return (ssize_t)arg->recv.header.length;
}

ssize_t mbox_lease(struct mbox *mb, void *buf, size_t size, struct mbox_lease_opts *opts,
		   struct mbox_header *hdr, struct mbox_delivery *delivery)
{
	struct mbox_ioc_lease arg = { .flags = 0 };
	int ret;

	if (!mb)
		return -EINVAL;
	if (!delivery)
		return -EFAULT;
	mbox_lease_set(&arg, buf, size, opts);
	if (opts)
		arg.ack = opts->ack;
	ret = mbox_ioctl(mb->fd, MBOX_IOC_LEASE, &arg);
	/* Only a caller that acknowledges needs options of its own: others share them. */
	if (opts && opts->ack && (!arg.ack || ret == -ESTALE || ret == -ECANCELED))
		opts->ack = 0;
	return mbox_lease_result(&arg, ret, hdr, delivery);
}

int mbox_ack(struct mbox *mb, uint64_t token)
{
	struct mbox_ack_entry entry = { .token = token };
	int ret = mbox_ackv(mb, &entry, 1);

	return ret < 0 ? ret : entry.result;
}

int mbox_ackv(struct mbox *mb, struct mbox_ack_entry *entries, unsigned int count)
{
	struct mbox_ioc_ack arg = {
		.count = count,
		.entries = mbox_address(entries),
	};

	if (!mb)
		return -EINVAL;
	return mbox_ioctl(mb->fd, MBOX_IOC_ACK, &arg);
}

int mbox_nack(struct mbox *mb, uint64_t token, unsigned int how, uint64_t delay_ns,
	      uint32_t code)
{
	struct mbox_ioc_nack arg = {
		.how = how,
		.token = token,
		.delay = delay_ns,
		.code = code,
	};

	if (!mb)
		return -EINVAL;
	return mbox_ioctl(mb->fd, MBOX_IOC_NACK, &arg);
}

int mbox_extend(struct mbox *mb, uint64_t token, const struct mbox_lease_opts *opts)
{
	struct mbox_ioc_extend arg = { .token = token };

	if (!mb)
		return -EINVAL;
	if (opts) {
		arg.flags = opts->flags;
		arg.clock = opts->clock;
		arg.time = opts->time;
	}
	return mbox_ioctl(mb->fd, MBOX_IOC_EXTEND, &arg);
}

int mbox_kick(struct mbox *mb, unsigned int most)
{
	struct mbox_ioc_kick arg = {
		.most = most < INT_MAX ? most : INT_MAX,
	};
	int ret;

	if (!mb)
		return -EINVAL;
	ret = mbox_ioctl(mb->fd, MBOX_IOC_KICK, &arg);
	return ret < 0 ? ret : (int)arg.kicked;
}
