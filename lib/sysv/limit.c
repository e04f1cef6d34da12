// SPDX-License-Identifier: LGPL-2.1-or-later
/* The limits of queues, those of the kernel's own, and the capabilities to pass them */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>

#include "sysv.h"

/* The longest message, as it was last read; 0: never. */
_Atomic unsigned int sysv_limit_size;

/* Read a limit, or return that of a kernel which was not told otherwise. */
static unsigned int limit_read(const char *path, unsigned int value)
{
	int saved = errno;
	char text[16];
	long length;
	int fd;

	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = syscall(SYS_read, fd, text, sizeof(text) - 1);
		sysv_close(fd);
		if (length > 0) {
			text[length] = '\0';
			value = (unsigned int)strtoul(text, NULL, 10);
		}
	}
	errno = saved;
	return value;
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

/* Check for a capability of the caller. */
bool sysv_limit_capable(unsigned int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

	return !syscall(SYS_capget, &header, data) &&
	       (data[cap / 32].effective & 1U << cap % 32);
}
