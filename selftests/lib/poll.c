// SPDX-License-Identifier: GPL-2.0-only
/* poll() and epoll: their answers, compared with the calls. */
#include "mbox_test.h"
#include "poll.h"

#include <sys/epoll.h>

static const char zeros[POLL_SIZE];

int send_largest(int fd)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, zeros, POLL_SIZE);
}

int recv_any(int fd)
{
	static char data[POLL_SIZE];

	return recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL);
}

/* Return the events that poll() must report beside a result of the call, or -EBADMSG. */
static int events_expected(int result, bool sends)
{
	switch (result) {
	case -EBADF:			/* not a right of the handle */
	case -EAGAIN:
	case -EBUSY:
	case -EUSERS:
	case -EDQUOT:
		return 0;
	case -EIDRM:
	case -EOWNERDEAD:
	case -EPIPE:
		return sends ? POLLERR : POLLHUP;
	default:
		return result < 0 ? -EBADMSG : sends ? POLLOUT : POLLIN;
	}
}

/* Compare poll() with a send or a receive. Return 0 if they agree, else print why not. */
int poll_compare(int fd, bool sends, int *result)
{
	int mask = sends ? POLLOUT | POLLERR : POLLIN | POLLHUP;
	int events = poll_now(fd), wanted;

	*result = sends ? send_largest(fd) : recv_any(fd);
	wanted = events_expected(*result, sends);
	/* messages may be left where no more can come */
	if (wanted == POLLIN && (events & POLLIN))
		return 0;
	if (*result == -EBADF && !(events & (sends ? POLLOUT : POLLIN)))
		return 0;
	if (wanted >= 0 && (events & mask) == wanted)
		return 0;
	fprintf(stderr, "# %s: poll() says %#x, the call %s\n", sends ? "send" : "receive", events,
		*result < 0 ? strerrorname_np(-*result) : "goes through");
	return -EBADMSG;
}

/* Return the next event of a file that is watched alone, 0 if there is none in time. */
int next_event(int epoll, int timeout)
{
	struct epoll_event event = { 0 };
	int ret = epoll_wait(epoll, &event, 1, timeout);

	return ret < 0 ? -errno : ret ? (int)event.events : 0;
}

int watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	return epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : epoll;
}
