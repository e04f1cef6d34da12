// SPDX-License-Identifier: GPL-2.0-only
/* Cases: polling. */
#include "section/section.h"

static int begin_by_type_full(void)
{
	int ret = begin_by_type_fifo();

	return ret ? ret : fill(64, 0, 1);
}

static int act_poll(void)
{
	struct pollfd pollfd = { .fd = crowd_fd, .events = POLLIN | POLLOUT };

	for (int i = 0; i < 8; i++)
		if (poll(&pollfd, 1, 0) < 0)
			return -errno;
	return 0;
}

static int begin_pollers(void)
{
	int ret = box_plain(8);

	if (ret)
		return ret;
	pool_order(many[CROWD], job_poll);
	for (int i = 0; i < 500; i++)
		nap();
	return 0;
}

const struct section poll_sections[] = {
	{ "poll.by_type", begin_by_type_full, act_poll },
	{ "poll.broadcast", begin_subscribers, act_poll },
	{ "poll.wake", begin_pollers, act_send_to_all,
	  "the kernel wakes all pollers of a file at once, of a pipe as well" },
	{}
};
