// SPDX-License-Identifier: LGPL-2.1-or-later
/* The limits of queues: those of the kernel's own */
#include <stdlib.h>

#include "../frontend.h"
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
