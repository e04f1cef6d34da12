// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sending and receiving in batches */
#include <string.h>

#include "internal.h"

/* Send the batch through a ring, one by one: none of them is a call of the kernel. */
static int batch_send_ring(struct mbox *mb, const struct mbox_send_entry *entries,
			   unsigned int count, const struct mbox_send_opts *opts)
{
	struct mbox_send_opts one = { .flags = 0 };
	unsigned int done;

	if (opts)
		one = *opts;
	for (done = 0; done < count; done++) {
		const struct mbox_send_entry *entry = &entries[done];
		int ret;

		one.prio = entry->prio;
		one.type = entry->type;
		ret = entry->flags || entry->type_hi ? -EINVAL :
		      entry->size > SIZE_MAX ? -EMSGSIZE :
		      mbox_ring_send(mb, (const void *)(uintptr_t)entry->data,
				     (size_t)entry->size, &one);
		if (ret < 0)
			return done ? (int)done : ret;
	}
	return (int)done;
}

int mbox_sendv(struct mbox *mb, const struct mbox_send_entry *entries,
	       unsigned int count, const struct mbox_send_opts *opts)
{
	struct mbox_ioc_sendv arg = {
		.entries = mbox_address(entries),
		.count = count,
		.entry_size = sizeof(*entries),
	};

	if (!mb)
		return -EINVAL;
	if (opts) {
		/* Each entry has its own. */
		if (opts->prio || opts->type || opts->type_hi)
			return -EINVAL;
		arg.flags = opts->flags;
		arg.clock = opts->clock;
		arg.deadline = opts->deadline;
	}
	if (!mb->ring)
		return mbox_ioctl(mb->fd, MBOX_IOC_SENDV, &arg);
	if (!count || count > MBOX_BATCH_MAX)
		return -EINVAL;
	return batch_send_ring(mb, entries, count, opts);
}

static int batch_recv_ring(struct mbox *mb, struct mbox_recv_entry *entries,
			   unsigned int count, unsigned int min,
			   struct mbox_recv_opts *one)
{
	unsigned int done;

	for (done = 0; done < count; done++) {
		struct mbox_recv_entry *entry = &entries[done];
		uint64_t size = entry->size < SIZE_MAX / 2 ? entry->size : SIZE_MAX / 2;
		ssize_t ret;

		if (done && done >= min)
			one->flags |= MBOX_RECV_NONBLOCK;
		ret = entry->flags || entry->pad ? -EINVAL :
		      mbox_ring_recv(mb, (void *)(uintptr_t)entry->data, (size_t)size,
				     one, &entry->header);
		if (ret < 0)
			return done ? (int)done : (int)ret;
	}
	return (int)done;
}

int mbox_recvv(struct mbox *mb, struct mbox_recv_entry *entries,
	       unsigned int count, unsigned int min,
	       const struct mbox_recv_opts *opts)
{
	struct mbox_recv_opts all = { .flags = 0 };
	struct mbox_ioc_recvv arg;

	if (!mb)
		return -EINVAL;
	/* A caller that does not set the flag may not have the last field. */
	if (opts)
		memcpy(&all, opts, opts->flags & MBOX_RECV_BY_START ?
		       sizeof(all) : offsetof(struct mbox_recv_opts, start));
	arg = (struct mbox_ioc_recvv) {
		.flags = all.flags,
		.entries = mbox_address(entries),
		.count = count,
		.entry_size = sizeof(*entries),
		.min = min,
		.clock = all.clock,
		.deadline = all.deadline,
		.type = all.type,
		.type_hi = all.type_hi,
		.pid = all.pid,
		.start = all.start,
		.min_prio = all.min_prio,
	};
	if (!mb->ring)
		return mbox_ioctl(mb->fd, MBOX_IOC_RECVV, &arg);
	if (!count || count > MBOX_BATCH_MAX || min > count ||
	    (all.flags & MBOX_RECV_PEEK))
		return -EINVAL;
	return batch_recv_ring(mb, entries, count, min, &all);
}
