// SPDX-License-Identifier: GPL-2.0-only
/* Cases: many waiters that a message does not suit. */
#include "section/section.h"

#include <sched.h>

static int begin_by_type(uint32_t policy)
{
	bool limited = policy == MBOX_POLICY_RR || policy == MBOX_POLICY_PRIO;
	int ret = box_with(policy, 0, 64, 0);

	want_type(9);
	return ret ? ret : crowd_block(limited ? limited_crowd() : many[CROWD], job_recv);
}

int begin_by_type_fifo(void)
{
	return begin_by_type(MBOX_POLICY_FIFO);
}

static int begin_by_type_lifo(void)
{
	return begin_by_type(MBOX_POLICY_LIFO);
}

static int begin_by_type_rr(void)
{
	return begin_by_type(MBOX_POLICY_RR);
}

static int begin_by_type_prio(void)
{
	return begin_by_type(MBOX_POLICY_PRIO);
}

static int begin_by_sender(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.flags = MBOX_RECV_BY_SENDER;
	crowd_recv.pid = 1;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

static int begin_by_prio(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.min_prio = 5;
	return ret ? ret : crowd_block(limited_crowd(), job_recv);
}

static int begin_peek_by_type(void)
{
	int ret = box_plain(64);

	want_type(9);
	crowd_recv.flags |= MBOX_RECV_PEEK;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

/* these peek at the message, all of them, and end */
static int begin_peek(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.flags = MBOX_RECV_PEEK;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

/* these fail, all of them */
static int begin_too_small(void)
{
	int ret = box_plain(64);

	want_anything();
	crowd_recv.size = 0;
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

static int act_send(void)
{
	return fill(8, 0, 1);
}

int act_send_to_all(void)
{
	int ret = fill(1, 0, 1);

	return ret ? ret : pool_await();
}

/* beside messages that nobody wants, so that they are not delivered */
static int act_recv_other(void)
{
	char c;

	for (int i = 0; i < 8; i++) {
		struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_TYPE | MBOX_RECV_NONBLOCK,
					      .type = 9, .data = address_of(&c), .size = 1 };
		int ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);

		if (ret != -EAGAIN)
			return ret < 0 ? ret : -EPROTO;
	}
	return 0;
}

static int act_urgent_send(void)
{
	for (int i = 0; i < 8; i++) {
		struct mbox_ioc_send send = {
			.prio = i, .data = address_of("x"), .size = 1,
			.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + NSEC_PER_MSEC,
		};
		int ret = xioctl(crowd_fd, MBOX_IOC_SEND, &send);

		if (ret != -ETIMEDOUT)
			return ret < 0 ? ret : -EPROTO;
	}
	return 0;
}

/* The last of them retries, each time in vain, and waits in its old place. */
static int job_recv_last(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;
	struct sched_param param = {};
	int ret;

	if (nr == pool.wanted - 1) {
		while (blocked(crowd_fd) != pool.wanted - 1)
			nap();
		sched_setscheduler(0, SCHED_IDLE, &param);
		recv.flags |= MBOX_RECV_PEEK;
		recv.type = 7;
	}
	ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	if (nr == pool.wanted - 1)
		sched_setscheduler(0, SCHED_OTHER, &param);
	return ret;
}

static int begin_turns(void)
{
	int ret = box_plain(64);

	want_type(9);
	return ret ? ret : crowd_block(many[CROWD], job_recv_last);
}

static int act_look_again(void)
{
	for (int i = 0; i < 8; i++) {
		struct mbox_header header;
		char c;
		int ret = fill(1, 0, 7);

		if (!ret)
			ret = recv_bytes(crowd_fd, MBOX_RECV_NONBLOCK, &c, 1, &header);
		if (ret)
			return ret;
		while (blocked(crowd_fd) != pool.wanted)
			nap();
	}
	return 0;
}

const struct section waiter_sections[] = {
	{ "send.by_type", begin_by_type_fifo, act_send },
	{ "send.by_type_lifo", begin_by_type_lifo, act_send },
	{ "send.by_type_rr", begin_by_type_rr, act_send },
	{ "send.by_type_prio", begin_by_type_prio, act_send },
	{ "send.by_sender", begin_by_sender, act_send },
	{ "send.by_prio", begin_by_prio, act_send },
	{ "send.peek_by_type", begin_peek_by_type, act_send },
	{ "send.peek", begin_peek, act_send_to_all },
	{ "send.too_small", begin_too_small, act_send_to_all },
	{ "receive.search", begin_backlog, act_recv_other },
	{ "receive.other_type", begin_senders, act_recv_other },
	{ "block.priority", begin_senders, act_urgent_send },
	{ "block.turn", begin_turns, act_look_again },
	{}
};
