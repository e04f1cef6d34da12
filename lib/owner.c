// SPDX-License-Identifier: LGPL-2.1-or-later
/* The owner of a mailbox: handing it over */
#include "internal.h"

static int owner_set(struct mbox *mb, uint32_t pid, uint64_t start,
		     unsigned int flags)
{
	struct mbox_ioc_handover arg = {
		.flags = flags,
		.pid = pid,
		.start = start,
	};

	if (!mb)
		return -EINVAL;
	return mbox_ioctl(mb->fd, MBOX_IOC_HANDOVER, &arg);
}

int mbox_handover(struct mbox *mb, pid_t pid, unsigned int flags)
{
	return owner_set(mb, (uint32_t)pid, 0, flags);
}

int mbox_handover_sender(struct mbox *mb, const struct mbox_header *hdr,
			 unsigned int flags)
{
	int ret = mbox_sender_check(hdr);

	if (ret)
		return ret;
	return owner_set(mb, hdr->pid, hdr->start, flags);
}

/*
 * Forget the heir: the process ended while it became the heir, so another process
 * with its number may be the heir now, and must not inherit.
 */
static void owner_forget_heir(struct mbox *mb, uint32_t pid)
{
	struct mbox_info info;

	if (!mbox_get(mb, &info) && info.heir == pid)
		mbox_handover(mb, 0, MBOX_HANDOVER_HEIR);
}

int mbox_handover_pidfd(struct mbox *mb, int pidfd, unsigned int flags)
{
	uint32_t pid;
	int ret;

	if (!mb)
		return -EINVAL;
	ret = mbox_pidfd_number(pidfd, &pid);
	if (ret)
		return ret;
	ret = mbox_handover(mb, (pid_t)pid, flags);
	if (ret)
		return ret;
	/* The process still lives, so the number was its own during the call. */
	ret = mbox_pidfd_alive(pidfd);
	if (ret && flags & MBOX_HANDOVER_HEIR)
		owner_forget_heir(mb, pid);
	return ret;
}
