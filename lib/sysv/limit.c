// SPDX-License-Identifier: LGPL-2.1-or-later
/* The limits of queues, and the id of the next: those of the kernel's own */
#include <stdlib.h>

#include "sysv.h"

/* The longest message, as it was last read; 0: never. */
_Atomic unsigned int sysv_limit_size;

/* Read a limit, or return that of a kernel which was not told otherwise. */
static unsigned int limit_read(const char *path, unsigned int value)
{
	char text[16];

	return frontend_read(path, text, sizeof(text)) ? (unsigned int)strtoul(text, NULL, 10) : value;
}

unsigned int sysv_limit_msgmax(void)
{
	unsigned int value = limit_read("/proc/sys/kernel/msgmax", 8192);

	atomic_store_explicit(&sysv_limit_size, value, memory_order_relaxed);
	return value;
}

unsigned int sysv_limit_msgmnb(void)
{
	return limit_read("/proc/sys/kernel/msgmnb", 16384);
}

unsigned int sysv_limit_msgmni(void)
{
	return limit_read("/proc/sys/kernel/msgmni", 32000);
}

/*
 * Return the id that the next queue is to have, or -1. It is asked for once: a queue of the
 * kernel takes it, and is removed.
 */
long sysv_limit_next_id(void)
{
	const long new[6] = { IPC_PRIVATE, 0600 };
	long id = -1, number, saved = errno;
	char text[16];

	if (frontend_read("/proc/sys/kernel/msg_next_id", text, sizeof(text)))
		id = strtol(text, NULL, 10);
	if (id < 0)
		return -1;
	number = frontend_syscall(SYS_msgget, new);
	if (number >= 0)
		frontend_syscall(SYS_msgctl, (const long [6]) { number, IPC_RMID });
	errno = (int)saved;
	return id;
}
