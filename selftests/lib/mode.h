/* SPDX-License-Identifier: GPL-2.0-only */
/* Modes of handles. */
#ifndef LIB_MODE_H
#define LIB_MODE_H

#include "call.h"

#define HEADER_SIZE	sizeof(struct mbox_header)

static inline int mode_set(int fd, struct mbox_ioc_mode arg)
{
	return xioctl(fd, MBOX_IOC_MODE, &arg);
}

static inline int mode_header(int fd)
{
	return mode_set(fd, (struct mbox_ioc_mode) {
		.flags = MBOX_MODE_HEADER, .header_size = HEADER_SIZE,
	});
}

static inline int mode_type(int fd, uint32_t type)
{
	return mode_set(fd, (struct mbox_ioc_mode) {
		.flags = MBOX_RECV_BY_TYPE, .type = type,
	});
}

#endif
