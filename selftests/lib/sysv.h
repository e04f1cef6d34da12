/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System V message queues, of the kernel or of libmbox-sysv.so: tests expect the same of both.
 *
 * Calls return 0 or more, or a negated errno.
 */
#ifndef LIB_SYSV_H
#define LIB_SYSV_H

#include "child.h"

#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY	13
#endif

/* A user without privileges, and another. */
#define NOBODY		65534
#define SOMEBODY	65533

struct text {
	long type;
	char data[64];
};

static inline int get(key_t key, int flags)
{
	int id = msgget(key, flags);

	return id < 0 ? -errno : id;
}

static inline int control(int id, int command, void *buf)
{
	int ret = msgctl(id, command, buf);

	return ret < 0 ? -errno : ret;
}

static inline struct msqid_ds stat_of(int id)
{
	struct msqid_ds ds;

	memset(&ds, 0xff, sizeof(ds));
	if (msgctl(id, IPC_STAT, &ds))
		memset(&ds, 0xff, sizeof(ds));
	return ds;
}

/* Send @size bytes of 0. */
static inline int send_zeros(int id, long type, size_t size, int flags)
{
	long *buf = calloc(1, sizeof(long) + size);
	int ret;

	if (!buf)
		return -ENOMEM;
	*buf = type;
	ret = msgsnd(id, buf, size, flags) ? -errno : 0;
	free(buf);
	return ret;
}

static inline int send_text(int id, long type, const char *s)
{
	struct text text = { .type = type };

	strcpy(text.data, s);
	return msgsnd(id, &text, strlen(s), IPC_NOWAIT) ? -errno : 0;
}

/* Receive at most @size bytes into @text, with a NUL. */
static inline int recv_text(int id, struct text *text, size_t size, long type, int flags)
{
	ssize_t ret;

	memset(text, 0, sizeof(*text));
	ret = msgrcv(id, text, size, type, flags);
	return ret < 0 ? -errno : (int)ret;
}

/* Receive without waiting. Return the text, or the name of the error. */
static inline const char *take_text(int id, long type, int flags)
{
	static struct text text;
	int ret = recv_text(id, &text, sizeof(text.data) - 1, type, flags | IPC_NOWAIT);

	return ret >= 0 ? text.data : strerrorname_np(-ret);
}

#endif
