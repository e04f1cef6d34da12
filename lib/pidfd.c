// SPDX-License-Identifier: LGPL-2.1-or-later
/* The process of a pidfd: its number, and whether it lives */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* One field of a file in /proc while it is read. */
struct field {
	const char *key;	/* at the start of its line */
	size_t matched;		/* bytes of @key that this line began with */
	bool other;		/* this line has another key */
	bool found;
	bool minus;
	bool ended;		/* the number is complete */
	bool alone;		/* it is the only number in its line */
	uint64_t value;
};

static void pidfd_field_byte(struct field *f, char c)
{
	if (f->found) {
		if (c >= '0' && c <= '9' && f->value <= UINT32_MAX) {
			f->value = f->value * 10 + (uint64_t)(c - '0');
		} else if (c == '-') {
			f->minus = true;
		} else {
			f->ended = true;
			f->alone = c == '\n';
		}
	} else if (c == '\n') {
		f->matched = 0;
		f->other = false;
	} else if (f->other || c != f->key[f->matched]) {
		f->other = true;
	} else if (!f->key[++f->matched]) {
		f->found = true;
	}
}

/*
 * Read a field of a file byte by byte: lines before it may have any length (as that
 * of the groups). Uses neither stdio nor an allocation, since callers may be signal
 * handlers. Changes errno.
 */
static int pidfd_field_read(const char *path, struct field *f)
{
	char buf[256];
	ssize_t n = 1;
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (n && !f->ended) {
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ret = -errno;
			break;
		}
		for (ssize_t i = 0; i < n && !f->ended; i++)
			pidfd_field_byte(f, buf[i]);
	}
	close(fd);
	return ret;
}

static void pidfd_path(char *path, int fd)
{
	char digits[3 * sizeof(fd)], *to = stpcpy(path, "/proc/thread-self/fdinfo/");
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	while (n)
		*to++ = digits[--n];
	*to = '\0';
}

/*
 * Read the number of the process in /proc. /proc may belong to an outer pid
 * namespace with other numbers: then it shows more than one number for the caller.
 */
static int pidfd_read_number(int pidfd, uint32_t *pid)
{
	struct field number = { .key = "Pid:\t" }, caller = { .key = "NSpid:\t" };
	char path[64];
	int ret;

	if (fcntl(pidfd, F_GETFD) < 0)
		return -errno;
	pidfd_path(path, pidfd);
	ret = pidfd_field_read(path, &number);
	if (!ret)
		ret = pidfd_field_read("/proc/thread-self/status", &caller);
	if (ret)
		return ret == -ENOENT ? -ENOSYS : ret;
	if (!number.ended)
		return -EINVAL;
	if (!caller.alone)
		return -ENOSYS;
	/* -1: the process ended and was reaped. 0: it is not in this namespace. */
	if (number.minus || !number.value)
		return -ESRCH;
	*pid = (uint32_t)number.value;
	return 0;
}

int mbox_pidfd_number(int pidfd, uint32_t *pid)
{
	int cancel = mbox_cancel_disable();
	int saved = errno;
	int ret = pidfd_read_number(pidfd, pid);

	errno = saved;
	mbox_cancel_restore(cancel);
	return ret ? ret : mbox_pidfd_alive(pidfd);
}

int mbox_pidfd_alive(int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	int cancel = mbox_cancel_disable();
	int saved = errno;
	int ret;

	/* A pending signal interrupts poll() even with timeout 0. */
	do
		ret = poll(&fd, 1, 0);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		ret = -errno;
	else if (ret)
		ret = fd.revents & POLLNVAL ? -EBADF : -ESRCH;
	errno = saved;
	mbox_cancel_restore(cancel);
	return ret;
}
