// SPDX-License-Identifier: LGPL-2.1-or-later
/* The process behind a pidfd: its number, and whether it lives */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* One field of a file in /proc while it is read. */
struct field {
	const char *key;	/* as it stands at the start of its line */
	size_t matched;		/* bytes of @key that this line began with */
	bool other;		/* this line is another's */
	bool found;
	bool minus;
	bool ended;		/* the number is complete */
	bool alone;		/* ... and the only one in its line */
	uint64_t value;
};

static void field_byte(struct field *f, char c)
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
 * Read a field of a file. A line before it may be of any length (that of the
 * groups is), so the file is not kept. Neither stdio nor an allocation: callers
 * may be signal handlers. Leaves errno to its caller.
 */
static int field_read(const char *path, struct field *f)
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
			field_byte(f, buf[i]);
	}
	close(fd);
	return ret;
}

static void fdinfo_path(char *path, int fd)
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
 * The number that /proc has for the process. /proc may be that of a pid
 * namespace that the caller's is inside of, where numbers are others: then it has
 * more than one number for the caller too.
 */
static int number_read(int pidfd, uint32_t *pid)
{
	struct field number = { .key = "Pid:\t" }, caller = { .key = "NSpid:\t" };
	char path[64];
	int ret;

	if (fcntl(pidfd, F_GETFD) < 0)
		return -errno;
	fdinfo_path(path, pidfd);
	ret = field_read(path, &number);
	if (!ret)
		ret = field_read("/proc/thread-self/status", &caller);
	if (ret)
		return ret == -ENOENT ? -ENOSYS : ret;
	if (!number.ended)
		return -EINVAL;
	if (!caller.alone)
		return -ENOSYS;
	/* -1: it has ended and was reaped. 0: it is not in this namespace. */
	if (number.minus || !number.value)
		return -ESRCH;
	*pid = (uint32_t)number.value;
	return 0;
}

int mbox_pidfd_number(int pidfd, uint32_t *pid)
{
	int saved = errno;
	int ret = number_read(pidfd, pid);

	errno = saved;
	return ret ? ret : mbox_pidfd_alive(pidfd);
}

int mbox_pidfd_alive(int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	int saved = errno;
	int ret;

	/* A signal may be pending even where nothing is waited for. */
	do
		ret = poll(&fd, 1, 0);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		ret = -errno;
	else if (ret)
		ret = fd.revents & POLLNVAL ? -EBADF : -ESRCH;
	errno = saved;
	return ret;
}
