// SPDX-License-Identifier: GPL-2.0-only
/* Tell systemd how we are: a datagram to the socket that it names. No library is needed for that. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "notify.h"

void notify_send(const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (!length || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	/* A name outside of the file system begins with a NUL, written as @. */
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

unsigned int notify_watchdog(void)
{
	const char *microseconds = getenv("WATCHDOG_USEC");

	/* Twice in the time that systemd allows. */
	return microseconds ? (unsigned int)(strtoul(microseconds, NULL, 10) / 2000) : 0;
}
