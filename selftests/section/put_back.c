// SPDX-License-Identifier: GPL-2.0-only
/* Cases: messages that are put back into a long queue, because the receiver's buffer is invalid. */
#include "section/section.h"

#include <sched.h>

/* A message is put back behind many others: the receiver's buffer is invalid. */
static int job_recv_nowhere(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;
	struct sched_param param = {};
	int ret;

	/* the sender that wakes it goes on, and sends one more */
	sched_setscheduler(0, SCHED_IDLE, &param);
	ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	sched_setscheduler(0, SCHED_OTHER, &param);
	return ret;
}

static int begin_nowhere(void)
{
	int ret;

	want_type(7);
	crowd_recv.data = 4096;
	ret = crowd_block(1, job_recv_nowhere);
	return ret ? ret : fill(many[BACKLOG], 0, 1);
}

static int begin_put_back(void)
{
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	return ret ? ret : begin_nowhere();
}

static int begin_put_back_broadcast(void)
{
	int ret = box_with(MBOX_POLICY_BROADCAST, 0, MBOX_CAPACITY_UNBOUNDED, 0);

	return ret ? ret : begin_nowhere();
}

static int act_put_back(void)
{
	int ret = fill(1, 0, 7);

	if (!ret)
		ret = fill(1, 0, 1);
	if (!ret)
		ret = pool_await();
	return ret ? ret : pool.results[0] == -EFAULT ? 0 : -EPROTO;
}

const struct section put_back_sections[] = {
	{ "put_back.queue", begin_put_back, act_put_back },
	{ "put_back.broadcast", begin_put_back_broadcast, act_put_back },
	{}
};
