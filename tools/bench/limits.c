// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: limits of the system. The workloads need more than the defaults. A limit that
 * cannot be raised makes a peer fail, and the table says so.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "limits.h"

static struct limit {
	const char *path;
	unsigned long value;
	char before[32];		/* or "": as it was */
	size_t length;
} limits[] = {
	{ .path = "/proc/sys/fs/mqueue/msg_max", .value = 10000 },
	{ .path = "/proc/sys/fs/mqueue/msgsize_max", .value = 1 << 20 },
	{ .path = "/proc/sys/fs/mqueue/queues_max", .value = 200000 },
	{ .path = "/proc/sys/fs/pipe-max-size", .value = 128 << 20 },
	{ .path = "/proc/sys/fs/file-max", .value = 1 << 20 },
	{ .path = "/proc/sys/kernel/msgmax", .value = 1 << 20 },
	{ .path = "/proc/sys/kernel/msgmnb", .value = 128 << 20 },
	{ .path = "/proc/sys/kernel/msgmni", .value = 32768 },
	{ .path = "/sys/module/mbox/parameters/user_mailboxes", .value = 200000 },
	{ .path = "/sys/module/mbox/parameters/user_bytes", .value = 1 << 30 },
};

#define LIMITS	(sizeof(limits) / sizeof(limits[0]))

static pid_t owner;			/* a worker inherits the handlers, and must not use them */

static void limit_write(const struct limit *limit, const char *text, size_t length)
{
	int fd = open(limit->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Nothing is lost if it fails: a peer that needs it reports its error. */
	if (write(fd, text, length) < 0)
		fprintf(stderr, "mboxbench: %s: cannot be set\n", limit->path);
	close(fd);
}

static void limit_raise(struct limit *limit)
{
	int fd = open(limit->path, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, limit->before, sizeof(limit->before) - 1);
	close(fd);
	if (n <= 0 || access(limit->path, W_OK) ||
	    strtoul(limit->before, NULL, 10) >= limit->value) {
		limit->before[0] = '\0';
		return;
	}
	limit->before[n] = '\0';
	limit->length = (size_t)n;
	n = snprintf(text, sizeof(text), "%lu\n", limit->value);
	limit_write(limit, text, (size_t)n);
}

/* Put the limits back. May run in a signal handler. */
void limits_restore(void)
{
	if (getpid() != owner)
		return;
	for (size_t i = 0; i < LIMITS; i++) {
		int fd;

		if (!limits[i].before[0])
			continue;
		fd = open(limits[i].path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0) {
			ssize_t n = write(fd, limits[i].before, limits[i].length);

			(void)n;
			close(fd);
		}
		limits[i].before[0] = '\0';
	}
}

static void on_end(int number)
{
	limits_restore();
	signal(number, SIG_DFL);
	raise(number);
}

static void rlimit_raise(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) || limit.rlim_cur >= value)
		return;
	limit.rlim_cur = value;
	if (limit.rlim_max < value) {
		limit.rlim_max = value;
		if (!setrlimit(resource, &limit))
			return;
		getrlimit(resource, &limit);
		limit.rlim_cur = limit.rlim_max;
	}
	setrlimit(resource, &limit);
}

void limits_raise(void)
{
	owner = getpid();
	rlimit_raise(RLIMIT_NOFILE, 250000);
	rlimit_raise(RLIMIT_MSGQUEUE, RLIM_INFINITY);
	atexit(limits_restore);
	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
	signal(SIGHUP, on_end);
	for (size_t i = 0; i < LIMITS; i++)
		limit_raise(&limits[i]);
}
