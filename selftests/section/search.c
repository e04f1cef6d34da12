// SPDX-License-Identifier: GPL-2.0-only
/* Cases: many searches of a long queue, each of which pauses now and then, so that all of them have begun. */
#include "section/section.h"

#include <sched.h>
#include <sys/syscall.h>

struct slice {				/* struct sched_attr, its first version */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static void slice_set(uint64_t nanoseconds)
{
	struct slice slice = { .size = sizeof(slice), .runtime = nanoseconds };

	/* before 6.12 it is ignored, and fewer have begun */
	syscall(SYS_sched_setattr, 0, &slice, 0);
}

static int job_search(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;
	int ret;

	slice_set(100000);
	ret = xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
	slice_set(0);
	return ret;
}

#define SEARCHES	128	/* MBOX_SEARCHES_MAX */

static int begin_with(uint32_t by)
{
	int64_t end;
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	/* many turns each */
	if (!ret)
		ret = fill(many[BACKLOG], 0, 1);
	if (ret)
		return ret;
	want_type(9);
	crowd_recv.flags = by | MBOX_RECV_NONBLOCK;
	/* not in turn with all of them */
	main_schedule(SCHED_FIFO, 1);
	/* more than this do not pause at a time */
	pool_order(SEARCHES, job_search);
	for (end = now() + 60 * NSEC_PER_MSEC; now() < end; )
		nap();
	return pool.left ? 0 : -EPROTO;
}

static int begin_searches(void)
{
	return begin_with(MBOX_RECV_BY_TYPE);
}

/* All messages pass, so each search counts all. */
static int begin_lowest(void)
{
	return begin_with(MBOX_RECV_MAX_TYPE);
}

static int act_send_searched(void)
{
	int ret = fill(8, 0, 1);

	main_schedule(SCHED_OTHER, 0);
	return ret ? ret : pool_await();
}

static int act_delete_searched(void)
{
	int ret = delete_fd(crowd_fd, MBOX_DELETE_FORCE);

	main_schedule(SCHED_OTHER, 0);
	return ret ? ret : pool_await();
}

static int act_purge_searched(void)
{
	int ret = act_purge();

	main_schedule(SCHED_OTHER, 0);
	return ret;
}

const struct section search_sections[] = {
	{ "send.searches", begin_searches, act_send_searched },
	{ "delete.searches", begin_searches, act_delete_searched },
	{ "delete.lowest", begin_lowest, act_delete_searched },
	{ "purge.lowest", begin_lowest, act_purge_searched },
	{}
};
