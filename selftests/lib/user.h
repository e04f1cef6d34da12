/* SPDX-License-Identifier: GPL-2.0-only */
/* Other users. */
#ifndef LIB_USER_H
#define LIB_USER_H

#include <sys/types.h>
#include <unistd.h>

int become(uid_t uid, gid_t gid);

/* A user (and group) id that no one else is likely to use, so that his quota is ours. */
static inline uid_t spare_uid(unsigned int n)
{
	return 100000 + (getpid() % 100000) * 16 + n;
}

#endif
