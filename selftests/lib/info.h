/* SPDX-License-Identifier: GPL-2.0-only */
/* States of mailboxes: getting and comparing them. */
#ifndef LIB_INFO_H
#define LIB_INFO_H

#include "call.h"
#include "payload.h"

static inline int info_get(int fd, struct mbox_info *info)
{
	memset(info, POISON, sizeof(*info));
	info->flags = 0;
	return xioctl(fd, MBOX_IOC_GET, info);
}

struct mbox_info info_of(int fd);

const char *info_diff(int fd, const struct mbox_info *before);

#define EXPECT_UNCHANGED(fd, before)	EXPECT_STREQ("", info_diff(fd, before))

/* sent = received + withdrawn + dropped + queued */
#define EXPECT_BALANCED(fd) do { \
	struct mbox_info balance = info_of(fd); \
	EXPECT_EQ(balance.sent, balance.received + balance.withdrawn + \
				balance.dropped + balance.queued); \
} while (0)

#endif
