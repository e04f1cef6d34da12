// SPDX-License-Identifier: GPL-2.0-only
/* Cases: links whose peer ends. */
#include "section/section.h"

static int child_waits(void *unused)
{
	while (pause() < 0)
		;
	return 0;
}

static int link_begin(uint32_t capacity)
{
	struct mbox_ioc_link link = { .capacity = capacity };
	int ret = children_start(1, child_waits), factory;

	if (ret)
		return ret;
	link.pid = children[0];
	factory = factory_open();
	crowd_fd = xioctl(factory, MBOX_IOC_LINK, &link);
	close(factory);
	return crowd_fd < 0 ? crowd_fd : 0;
}

/* The counters of a link's handle are those of the caller's own inbox: it sees the crowd. */
static int begin_link_receivers(void)
{
	int ret = link_begin(8);

	want_anything();
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

static int begin_link_senders(void)
{
	int64_t end;
	int ret = link_begin(1);

	if (!ret)
		ret = fill(1, 0, 1);
	if (ret)
		return ret;
	give_type(1, 0);
	pool_order(many[CROWD], job_send);
	/* they wait in the inbox of the peer, whose counters the test cannot see */
	end = now() + NSEC_PER_SEC;
	while (now() < end)
		nap();
	return 0;
}

static int act_peer_ends(void)
{
	children_end();
	return pool_await();
}

const struct section link_sections[] = {
	{ "link.receivers", begin_link_receivers, act_peer_ends },
	{ "link.senders", begin_link_senders, act_peer_ends },
	{}
};
