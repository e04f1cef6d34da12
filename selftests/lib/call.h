/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls on mailboxes, with results of 0 or more or a negated errno. */
#ifndef LIB_CALL_H
#define LIB_CALL_H

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/mbox.h>

#define RIGHTS_BOTH	(MBOX_RIGHT_RECV | MBOX_RIGHT_SEND)

static inline int xioctl(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline ssize_t xread(int fd, void *data, size_t size)
{
	ssize_t ret = read(fd, data, size);

	return ret < 0 ? -errno : ret;
}

static inline ssize_t xwrite(int fd, const void *data, size_t size)
{
	ssize_t ret = write(fd, data, size);

	return ret < 0 ? -errno : ret;
}

static inline int factory_open(void)
{
	int fd = open("/dev/mbox", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void name_make(char name[MBOX_NAME_SIZE]);

/* Copy a name into a field, of which the rest is NULs. */
static inline void name_copy(char field[MBOX_NAME_SIZE], const char *name)
{
	memcpy(field, name, strnlen(name, MBOX_NAME_SIZE - 1));
}

struct mbox_ioc_open open_arg(const char *name, uint32_t capacity);
int open_call(unsigned long cmd, const struct mbox_ioc_open *arg);
int open_name(const char *name, uint32_t rights);
int delete_name(const char *name, uint32_t how);

static inline int delete_fd(int fd, uint32_t how)
{
	struct mbox_ioc_delete arg = { .how = how };

	return xioctl(fd, MBOX_IOC_DELETE, &arg);
}

int box_new(struct __test_metadata *_metadata, uint32_t capacity);
int box_new_named(struct __test_metadata *_metadata, uint32_t capacity, char name[MBOX_NAME_SIZE]);
int send_bytes(int fd, uint32_t flags, uint32_t prio, uint32_t type, const void *data,
	       uint64_t size);
int recv_bytes(int fd, uint32_t flags, void *data, uint64_t size, struct mbox_header *header);

/* Messages that are short strings, sent and received without waiting. */

static inline int put(int fd, uint32_t prio, const char *text)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, prio, 0, text, strlen(text));
}

#define TEXT_SIZE	256

const char *take_arg(int fd, struct mbox_ioc_recv arg);

static inline const char *take_flags(int fd, uint32_t flags)
{
	return take_arg(fd, (struct mbox_ioc_recv) { .flags = flags });
}

static inline const char *take(int fd)
{
	return take_flags(fd, 0);
}

static inline const char *peek(int fd)
{
	return take_flags(fd, MBOX_RECV_PEEK);
}

short poll_for(int fd, short events);

static inline short poll_now(int fd)
{
	return poll_for(fd, POLLIN | POLLOUT);
}

#endif
