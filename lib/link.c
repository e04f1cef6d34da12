// SPDX-License-Identifier: LGPL-2.1-or-later
/* Direct communication: links to processes, the inbox */
#include "internal.h"

static int link_open(struct mbox **mbp, uint32_t pid, uint64_t start,
		     uint32_t capacity, uint32_t msg_size)
{
	struct mbox_ioc_link arg = {
		.pid = pid,
		.capacity = capacity,
		.msg_size = msg_size,
		.start = start,
	};

	if (!mbp)
		return -EFAULT;
	return mbox_handle_open(mbp, MBOX_IOC_LINK, &arg);
}

int mbox_link(struct mbox **mbp, pid_t pid, uint32_t capacity,
	      uint32_t msg_size)
{
	return link_open(mbp, (uint32_t)pid, 0, capacity, msg_size);
}

int mbox_link_sender(struct mbox **mbp, const struct mbox_header *hdr,
		     uint32_t capacity, uint32_t msg_size)
{
	int ret = mbox_sender_check(hdr);

	if (ret)
		return ret;
	return link_open(mbp, hdr->pid, hdr->start, capacity, msg_size);
}

int mbox_link_pidfd(struct mbox **mbp, int pidfd, uint32_t capacity,
		    uint32_t msg_size)
{
	struct mbox *mb;
	uint32_t pid;
	int ret;

	if (!mbp)
		return -EFAULT;
	ret = mbox_pidfd_number(pidfd, &pid);
	if (ret)
		return ret;
	ret = mbox_link(&mb, (pid_t)pid, capacity, msg_size);
	if (ret)
		return ret;
	/* The process still lives, so the number was its own during the call. */
	ret = mbox_pidfd_alive(pidfd);
	if (ret) {
		mbox_close(mb);
		return ret;
	}
	*mbp = mb;
	return 0;
}

int mbox_inbox(struct mbox **mbp)
{
	struct mbox_ioc_inbox arg = { .flags = 0 };

	if (!mbp)
		return -EFAULT;
	return mbox_handle_open(mbp, MBOX_IOC_INBOX, &arg);
}
