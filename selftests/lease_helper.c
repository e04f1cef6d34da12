// SPDX-License-Identifier: GPL-2.0-only
/*
 * lease_helper NAME lease [MILLISECONDS]: lease the next message of a mailbox, for this time or
 * without an end; print its token, and wait for a signal.
 * lease_helper NAME call: send a request, and wait for its reply.
 */
#include <fcntl.h>
#include <linux/mbox.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_box(const char *name)
{
	struct mbox_ioc_open arg = { .rights = MBOX_RIGHT_RECV | MBOX_RIGHT_SEND };
	int factory = open("/dev/mbox", O_RDWR | O_CLOEXEC);

	if (strlen(name) >= sizeof(arg.name))
		return -1;
	memcpy(arg.name, name, strlen(name));
	return factory < 0 ? -1 : ioctl(factory, MBOX_IOC_OPEN, &arg);
}

static int lease(int fd, uint64_t milliseconds)
{
	static char data[4096];
	struct mbox_ioc_lease arg = {
		.recv.data = (uintptr_t)data, .recv.size = sizeof(data),
		.clock = milliseconds ? MBOX_CLOCK_MONOTONIC : MBOX_CLOCK_NONE,
		.time = milliseconds * 1000000,
	};

	if (ioctl(fd, MBOX_IOC_LEASE, &arg))
		return -1;
	printf("%llu\n", (unsigned long long)arg.delivery.token);
	fflush(stdout);
	pause();
	return 0;
}

static int call(int fd)
{
	struct mbox_ioc_call arg = { .send.data = (uintptr_t)"request", .send.size = 7 };

	return ioctl(fd, MBOX_IOC_CALL, &arg);
}

int main(int argc, char **argv)
{
	int fd, ret;

	if (argc < 3)
		return 1;
	fd = open_box(argv[1]);
	if (!strcmp(argv[2], "call"))
		ret = call(fd);
	else
		ret = lease(fd, argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
	if (ret)
		perror("lease_helper");
	return ret ? 2 : 0;
}
