// SPDX-License-Identifier: LGPL-2.1-or-later
/* The factory: each call by name opens /dev/mbox, makes one call and closes it */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

int mbox_name_copy(char to[MBOX_NAME_SIZE], const char *name)
{
	size_t length;

	if (!name)
		return -EINVAL;
	length = strnlen(name, MBOX_NAME_SIZE);
	if (!length || length == MBOX_NAME_SIZE)
		return -EINVAL;
	memset(to, 0, MBOX_NAME_SIZE);
	memcpy(to, name, length);
	return 0;
}

int mbox_factory_ioctl(unsigned long request, void *arg)
{
	int cancel = mbox_cancel_disable();
	int saved = errno;
	int fd, ret;

	fd = open("/dev/mbox", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		/* ENOENT means a mailbox, never the device. ENXIO: the device
		 * node outlived its module. */
		if (ret == -ENOENT || ret == -ENXIO)
			ret = -ENODEV;
	} else {
		ret = mbox_ioctl(fd, request, arg);
		close(fd);
	}
	errno = saved;
	mbox_cancel_restore(cancel);
	return ret;
}
