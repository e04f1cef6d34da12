// SPDX-License-Identifier: GPL-2.0-only
/* Cases: dumps of long lists. */
#include "lib/lease.h"
#include "section/section.h"

static int link_factory;

static int child_links(void *unused)
{
	struct mbox_ioc_link link = { .pid = getpid(), .capacity = 1 };

	link.pid = getppid();
	ioctl(link_factory, MBOX_IOC_LINK, &link);
	__atomic_sub_fetch(&left_to_begin, 1, __ATOMIC_RELEASE);
	while (pause() < 0)
		;
	return 0;
}

static int dump(uint8_t cmd, int rows)
{
	struct nl_request request;
	int ret;

	nl_begin(&request, nl.family, cmd, NLM_F_DUMP);
	ret = nl_talk(&nl, &request, NULL, NULL);
	return ret ? ret : nl.messages == rows ? 0 : -EPROTO;
}

static int begin_handles(void)
{
	int ret = box_plain(8);

	return ret ? ret : box_handles(many[HANDLES], MBOX_RIGHT_SEND);
}

static int act_dump_handles(void)
{
	return dump(MBOX_CMD_HANDLE_GET, many[HANDLES]);
}

static int act_dump_waiters(void)
{
	return dump(MBOX_CMD_WAITER_GET, many[CROWD]);
}

static int act_dump_links(void)
{
	return dump(MBOX_CMD_LINK_GET, many[LINKS]);
}

/* Every second message is leased; the others have a job too, but no row. */
static int begin_jobs(void)
{
	struct mbox_ioc_post arg = {
		.flags = MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_MONOTONIC,
		.expires = now() + 3600 * NSEC_PER_SEC,
	};
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	for (int i = 0; i < many[BACKLOG] && !ret; i++) {
		arg.send.prio = i % 2;
		ret = post(crowd_fd, arg, "x");
		if (!ret && arg.send.prio)
			ret = lease(crowd_fd).error;
	}
	return ret;
}

static int act_dump_jobs(void)
{
	return dump(MBOX_CMD_JOB_GET, many[BACKLOG] / 2);
}

static int begin_links(void)
{
	link_factory = factory_open();
	crowd_fd = link_factory;
	return link_factory < 0 ? link_factory : children_begin(many[LINKS], child_links);
}

const struct section dump_sections[] = {
	{ "dump.handles", begin_handles, act_dump_handles },
	{ "dump.waiters", begin_receivers, act_dump_waiters },
	{ "dump.senders", begin_senders, act_dump_waiters },
	{ "dump.jobs", begin_jobs, act_dump_jobs },
	{ "dump.links", begin_links, act_dump_links },
	{}
};
