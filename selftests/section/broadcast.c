// SPDX-License-Identifier: GPL-2.0-only
/* Cases: deliveries. */
#include "section/section.h"

static int begin_overflow(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, MBOX_OPTION_OVERFLOW, MBOX_CAPACITY_UNBOUNDED,
			   many[DELIVERIES]);

	return ret ? ret : fill(many[DELIVERIES], 0, 1);
}

static int act_long_message(void)
{
	static char data[1000000];
	int ret = send_bytes(crowd_fd, MBOX_SEND_NONBLOCK, 0, 1, data, many[DELIVERIES]);

	return ret == 1 ? 0 : ret < 0 ? ret : -EPROTO;
}

int begin_subscribers(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, 0, 8, 0);

	return ret ? ret : box_handles(many[SUBSCRIBERS], MBOX_RIGHT_RECV);
}

static int begin_broadcast_blocked(void)
{
	int ret = begin_subscribers();

	want_anything();
	return ret ? ret : crowd_block(many[SUBSCRIBERS], job_recv_own);
}

static int act_broadcast(void)
{
	int ret = send_bytes(crowd_fd, MBOX_SEND_NONBLOCK, 0, 1, "x", 1);

	if (ret >= 0 && ret != nr_handles)
		ret = -EPROTO;
	return ret < 0 ? ret : pool_await();
}

static int act_broadcast_withdrawn(void)
{
	struct mbox_ioc_send send = {
		.flags = MBOX_SEND_SYNC, .data = address_of("x"), .size = 1,
		.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + 20 * NSEC_PER_MSEC,
	};
	int ret = xioctl(crowd_fd, MBOX_IOC_SEND, &send);

	return ret == -ETIMEDOUT ? 0 : ret < 0 ? ret : -EPROTO;
}

static int begin_broadcast_queued(void)
{
	int ret = begin_subscribers();

	return ret ? ret : fill(8, 0, 1);
}

/* one more sender waits for room with all of them */
static int begin_broadcast_full(void)
{
	int ret = begin_broadcast_queued();

	give_type(1, 0);
	return ret ? ret : crowd_block(1, job_send);
}

static int act_broadcast_received(void)
{
	char c;
	int ret = 0;

	for (int i = nr_handles - 1; i >= 0 && !ret; i--)
		ret = recv_bytes(handles[i], MBOX_RECV_NONBLOCK, &c, 1, NULL);
	return ret ? ret : pool_await();
}

/* One handle with a long backlog, which is closed. */
static int begin_backlog_of_handle(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, 0, MBOX_CAPACITY_UNBOUNDED, 0);

	return ret ? ret : fill(many[DELIVERIES], 0, 1);
}

static int act_close(void)
{
	close(crowd_fd);
	crowd_fd = -1;
	return 0;
}

const struct section broadcast_sections[] = {
	{ "broadcast.overflow", begin_overflow, act_long_message },
	{ "broadcast.send", begin_subscribers, act_broadcast },
	{ "broadcast.send_to_blocked", begin_broadcast_blocked, act_broadcast },
	{ "broadcast.withdrawn", begin_subscribers, act_broadcast_withdrawn },
	{ "broadcast.received", begin_broadcast_full, act_broadcast_received },
	{ "broadcast.delete", begin_broadcast_queued, act_delete },
	{ "broadcast.delete_blocked", begin_broadcast_blocked, act_delete },
	{ "broadcast.purge", begin_broadcast_queued, act_purge },
	{ "broadcast.close", begin_backlog_of_handle, act_close },
	{}
};
