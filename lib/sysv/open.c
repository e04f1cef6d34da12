// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mailboxes as queues: opened, looked at */
#include <fcntl.h>

#include "sysv.h"

/*
 * Open a factory: it has the credentials and the network namespace of this moment. Not by
 * open(), which is a cancellation point.
 */
int sysv_open_factory(void)
{
	bool again = false;
	int fd;

	for (;;) {
		fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/mbox", O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != EMFILE || again)
			break;
		/* The handles take descriptors that the program did not open. */
		sysv_handle_flush();
		again = true;
	}
	/* No such device: as a kernel without queues. */
	return errno == ENOENT || errno == ENXIO ? -ENOSYS : -errno;
}

/* Make a call that returns a handle. */
int sysv_open_on(int factory, struct mbox_ioc_open *arg, unsigned long request)
{
	int fd = ioctl(factory, request, arg);

	if (fd < 0 && errno == EMFILE) {
		sysv_handle_flush();
		fd = ioctl(factory, request, arg);
	}
	return fd < 0 ? -errno : fd;
}

/* Open the queue of an id. Returns a handle, -EINVAL if there is none, -EACCES, … */
int sysv_open_id(int id, unsigned int rights)
{
	struct mbox_ioc_open arg = {
		.flags = MBOX_OPEN_BY_ID,
		.rights = rights,
		.space = MBOX_SPACE_SYSV,
		.id = (uint32_t)id,
	};
	int factory, fd;

	if (id < 0)
		return -EINVAL;
	factory = sysv_open_factory();
	if (factory < 0)
		return factory;
	fd = sysv_open_on(factory, &arg, MBOX_IOC_OPEN);
	sysv_close(factory);
	return fd == -ENOENT || fd == -EIDRM ? -EINVAL : fd;
}

int sysv_open_info(int fd, struct mbox_info *info)
{
	info->flags = 0;
	return sysv_ioctl(fd, MBOX_IOC_GET, info);
}

/* The id of a queue. */
int sysv_open_number(const struct mbox_info *info)
{
	return (int)(info->id & SYSV_ID_MASK);
}

/*
 * msg_qbytes as the limits of a mailbox: both of bytes and of messages, since empty messages
 * count, too. 0, which stops all sends, is bytes 1, which stops those of more than a byte.
 */
unsigned int sysv_open_capacity(unsigned int qbytes)
{
	if (!qbytes)
		return 2;
	return qbytes > MBOX_CAPACITY_MAX ? MBOX_CAPACITY_UNBOUNDED : qbytes;
}

unsigned int sysv_open_bytes(unsigned int qbytes)
{
	return qbytes ? qbytes : 1;
}

unsigned int sysv_open_qbytes(const struct mbox_info *info)
{
	return info->bytes == 1 && info->capacity == 2 ? 0 : (unsigned int)info->bytes;
}
