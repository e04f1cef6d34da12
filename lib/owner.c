// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whose a mailbox is: handing over */
#include "internal.h"

static int hand_over(struct mbox *mb, uint32_t pid, uint64_t start,
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
	return hand_over(mb, (uint32_t)pid, 0, flags);
}

int mbox_handover_sender(struct mbox *mb, const struct mbox_header *hdr,
			 unsigned int flags)
{
	int ret = mbox_sender_check(hdr);

	if (ret)
		return ret;
	return hand_over(mb, hdr->pid, hdr->start, flags);
}

/*
 * The process ended while it became the heir, so that the heir may be another
 * one that was given its number. It must not inherit.
 */
static void heir_forget(struct mbox *mb, uint32_t pid)
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
	/* If it lives now it lived then, and the number was its own. */
	ret = mbox_pidfd_alive(pidfd);
	if (ret && flags & MBOX_HANDOVER_HEIR)
		heir_forget(mb, pid);
	return ret;
}
