// SPDX-License-Identifier: GPL-2.0-only
/* Actions of a worker: waiting for events. */
#include "stress/stress.h"

#include <sys/epoll.h>

void act_poll(struct thread *t)
{
	struct pollfd polls[3];

	for (size_t i = 0; i < ARRAY_SIZE(polls); i++) {
		polls[i].fd = handle_pick(t).fd ?: -1;
		polls[i].events = POLLIN | (one_in(t, 2) ? POLLOUT : 0);
	}
	if (poll(polls, ARRAY_SIZE(polls), below(t, 4)) < 0)
		expect_errors("poll", -errno, EINTR, 0);
}

void act_epoll(struct thread *t)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < 4; i++) {
		union handle handle = handle_pick(t);

		event.events = EPOLLIN | (one_in(t, 2) ? EPOLLOUT : 0) | (one_in(t, 2) ? EPOLLET : 0);
		if (handle.fd && epoll_ctl(fd, EPOLL_CTL_ADD, handle.fd, &event) < 0)
			expect_errors("epoll_ctl", -errno, EBADF, EEXIST, 0);
	}
	if (epoll_wait(fd, &event, 1, below(t, 4)) < 0)
		expect_errors("epoll_wait", -errno, EINTR, 0);
	close(fd);
}
