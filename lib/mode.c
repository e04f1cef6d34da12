// SPDX-License-Identifier: LGPL-2.1-or-later
/* The mode of a handle: its filter, headers; notices */
#include "internal.h"

int mbox_mode(struct mbox *mb, unsigned int flags, const struct mbox_recv_opts *filter)
{
	struct mbox_ioc_mode arg = { .flags = flags };
	int ret;

	if (!mb || (flags & ~MBOX_MODE_HEADER))
		return -EINVAL;
	if (flags & MBOX_MODE_HEADER)
		arg.header_size = sizeof(struct mbox_header);
	if (filter) {
		/* A filter does not wait. The kernel checks the other flags. */
		if (filter->clock || filter->deadline || (filter->flags & MBOX_MODE_HEADER))
			return -EINVAL;
		arg.flags |= filter->flags;
		arg.type = filter->type;
		arg.type_hi = filter->type_hi;
		arg.pid = filter->pid;
		arg.min_prio = filter->min_prio;
		/* A caller that does not set the flag may not have the field. */
		if (filter->flags & MBOX_RECV_BY_START)
			arg.start = filter->start;
	}
	ret = mbox_ioctl(mb->fd, MBOX_IOC_MODE, &arg);
	if (!ret)
		mbox_handle_framed(mb, flags & MBOX_MODE_HEADER);
	return ret;
}

int mbox_notify(struct mbox *mb, unsigned int how, struct mbox_notified *notified)
{
	struct mbox_ioc_notify arg = { .how = how };
	int ret;

	if (!mb)
		return -EINVAL;
	if (!notified && how == MBOX_NOTIFY_TAKE)
		return -EFAULT;
	if (notified && how == MBOX_NOTIFY_ARM)
		arg.cookie = notified->cookie;
	ret = mbox_ioctl(mb->fd, MBOX_IOC_NOTIFY, &arg);
	if (how == MBOX_NOTIFY_TAKE && (!ret || ret == -ECANCELED)) {
		notified->cookie = arg.cookie;
		notified->pid = arg.pid;
		notified->uid = arg.uid;
	}
	return ret;
}
