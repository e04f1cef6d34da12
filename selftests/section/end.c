// SPDX-License-Identifier: GPL-2.0-only
/* Cases: deleting, purging and widening mailboxes with long queues and many waiters. */
#include "section/section.h"

int act_delete(void)
{
	int ret = delete_fd(crowd_fd, MBOX_DELETE_FORCE);

	return ret ? ret : pool_await();
}

int begin_receivers(void)
{
	int ret = box_plain(8);

	want_anything();
	return ret ? ret : crowd_block(many[CROWD], job_recv);
}

int begin_senders(void)
{
	int ret = box_plain(1);

	if (!ret)
		ret = fill(1, 0, 1);
	give_type(1, 0);
	return ret ? ret : crowd_block(many[CROWD], job_send);
}

static int begin_syncs(void)
{
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	give_type(1, MBOX_SEND_SYNC);
	return ret ? ret : crowd_block(many[CROWD], job_send);
}

int begin_backlog(void)
{
	int ret = box_plain(MBOX_CAPACITY_UNBOUNDED);

	return ret ? ret : fill(many[BACKLOG], 0, 1);
}

static int act_drain(void)
{
	char c;
	int ret = delete_fd(crowd_fd, MBOX_DELETE_DRAIN);

	if (!ret)
		ret = pool_await();
	return ret ? ret : recv_bytes(crowd_fd, MBOX_RECV_NONBLOCK, &c, 1, NULL);
}

static int act_capacity(void)
{
	struct mbox_ioc_set arg = { .mask = MBOX_SET_CAPACITY,
				    .capacity = MBOX_CAPACITY_UNBOUNDED };
	int ret = xioctl(crowd_fd, MBOX_IOC_SET, &arg);

	return ret ? ret : pool_await();
}

struct nl nl;

int act_purge(void)
{
	struct nl_request request;
	int ret;

	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_PURGE, 0);
	nl_put_u64(&request, MBOX_A_MAILBOX_ID, info_of(crowd_fd).id);
	ret = nl_talk(&nl, &request, NULL, NULL);
	return ret ? ret : pool_await();
}

const struct section end_sections[] = {
	{ "delete.receivers", begin_receivers, act_delete },
	{ "delete.senders", begin_senders, act_delete },
	{ "delete.synchronous", begin_syncs, act_delete },
	{ "delete.queue", begin_backlog, act_delete },
	{ "delete.drain", begin_senders, act_drain },
	{ "set.capacity", begin_senders, act_capacity },
	{ "purge.queue", begin_backlog, act_purge },
	{ "purge.synchronous", begin_syncs, act_purge },
	{}
};
