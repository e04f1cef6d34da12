// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations: requests over netlink.
 *
 * The reply to a request that was carried out may get lost, as on any socket. A caller that asked for
 * a change then gets an error, and has to find out. So after a failure a change is there as a whole
 * or not at all, but the state is not always as before.
 */
#include "fail_nth/fail_nth.h"
#include "lib/lease.h"
#include "lib/module.h"
#include "lib/netlink.h"

#define NL_ERRORS	{ ENOMEM, ENOBUFS, EFAULT, ENFILE }

static struct nl netlink;	/* for the family, which is found beforehand */
static int netlink_rows;

static void prepare_netlink(struct scene *s)
{
	SCENE(s);

	ASSERT_EQ(0, nl_open(&netlink));
	close(netlink.fd);
}

static void prepare_jobs(struct scene *s)
{
	SCENE(s);

	prepare_netlink(s);
	ASSERT_EQ(0, lease(s->observer).error);
}

static void count_row(const struct nl_reply *reply, void *data)
{
	netlink_rows++;
}

/* The whole of it, with a socket of its own: a reply that got lost may be left in an old one. */
static long call_netlink(struct scene *s)
{
	const struct op *op = s->op;
	struct nl_request request;
	int ret;

	netlink_rows = 0;
	netlink.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (netlink.fd < 0)
		return -errno;
	nl_begin(&request, netlink.family, op->cmd, op->flags);
	if (op->cmd == MBOX_CMD_HANDLE_GET)
		nl_put_string(&request, MBOX_A_HANDLE_NAME, s->name);
	else if (op->cmd == MBOX_CMD_WAITER_GET)
		nl_put_string(&request, MBOX_A_WAITER_NAME, s->name);
	else if (op->cmd == MBOX_CMD_JOB_GET)
		nl_put_string(&request, MBOX_A_JOB_NAME, s->name);
	else if (op->cmd != MBOX_CMD_LINK_GET && op->cmd != MBOX_CMD_USER_GET)
		nl_put_string(&request, MBOX_A_MAILBOX_NAME, s->name);
	if (op->cmd == MBOX_CMD_MAILBOX_SET)
		nl_put_u32(&request, MBOX_A_MAILBOX_CAPACITY, 77);
	ret = nl_talk(&netlink, &request, count_row, NULL);
	close(netlink.fd);
	/* It was done by the call that failed. */
	if (op->cmd == MBOX_CMD_MAILBOX_DELETE && ret == -ENOENT &&
	    info_of(s->observer).state == MBOX_STATE_DEAD)
		return 0;
	return ret;
}

static void told_one(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(1, netlink_rows);
	EXPECT_UNCHANGED(s->observer, &s->info);
}

static void told_two(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(2, netlink_rows);
}

static void set_or_not(struct scene *s)
{
	struct mbox_info info = info_of(s->observer);
	SCENE(s);

	if (info.capacity == 77)
		s->info.capacity = 77;
	EXPECT_UNCHANGED(s->observer, &s->info);
}

static void is_set(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(77, info_of(s->observer).capacity);
}

static void purged_or_not(struct scene *s)
{
	SCENE(s);

	if (info_of(s->observer).queued) {
		EXPECT_UNCHANGED(s->observer, &s->info);
		return;
	}
	EXPECT_EQ(2, info_of(s->observer).dropped);
	EXPECT_BALANCED(s->observer);
}

static void is_purged(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0, info_of(s->observer).queued);
	EXPECT_EQ(2, info_of(s->observer).dropped);
}

static void deleted_or_not(struct scene *s)
{
	SCENE(s);

	if (info_of(s->observer).state != MBOX_STATE_DEAD)
		EXPECT_UNCHANGED(s->observer, &s->info);
	/* A mailbox that is gone does not pin the module. */
	s->pins = module_pins();
}

static void is_deleted(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(MBOX_STATE_DEAD, info_of(s->observer).state);
}

/* Somebody listens: a mailbox gets memory for its events with the first of them. */
static void prepare_listener(struct scene *s)
{
	SCENE(s);

	ASSERT_EQ(0, nl_open(&netlink));
	ASSERT_EQ(0, nl_listen(&netlink));
	s->extra = netlink.fd;
}

static long call_full(struct scene *s)
{
	return send_bytes(s->fd, MBOX_SEND_NONBLOCK, 0, 0, message(2), s->op->length);
}

/* An event without memory is not lost without a trace. */
static void told_event(struct scene *s, long ret)
{
	struct nl_reply reply;
	SCENE(s);

	EXPECT_TRUE(nl_hear(&netlink, &reply, PATIENCE * 1000));
	EXPECT_EQ(1, info_of(s->observer).queued);
}

const struct op netlink_ops[] = {
	{
		.name = "netlink_event",
		.capacity = 1, .queued = 1, .length = SMALL, .result = -EAGAIN, .errors = NL_ERRORS,
		.prepare = prepare_listener, .call = call_full, .done = told_event,
	},

	{
		.name = "netlink_get",
		.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_MAILBOX_GET,
		.done = told_one,
	},

	{
		.name = "netlink_dump",
		.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_MAILBOX_GET,
		.flags = NLM_F_DUMP, .done = told_one,
	},

	{
		.name = "netlink_handles",
		.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_HANDLE_GET,
		.flags = NLM_F_DUMP, .done = told_two,
	},

	{
		.name = "netlink_waiters",
		.partner = RECEIVES, .errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink,
		.cmd = MBOX_CMD_WAITER_GET, .flags = NLM_F_DUMP, .done = told_one,
	},

	{
		.name = "netlink_jobs",
		.capacity = 3, .queued = 2, .length = SMALL, .errors = NL_ERRORS, .prepare = prepare_jobs,
		.call = call_netlink, .cmd = MBOX_CMD_JOB_GET, .flags = NLM_F_DUMP, .done = told_one,
	},

	{
		.name = "netlink_links",
		.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_LINK_GET,
		.flags = NLM_F_DUMP,
	},

	{
		.name = "netlink_user",
		.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_USER_GET,
		.done = told_one,
	},

	{
		.name = "netlink_set",
		.capacity = 3, .errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink,
		.cmd = MBOX_CMD_MAILBOX_SET, .failed = set_or_not, .done = is_set,
	},

	{
		.name = "netlink_purge",
		.capacity = 3, .queued = 2, .length = SMALL, .errors = NL_ERRORS, .prepare = prepare_netlink,
		.call = call_netlink, .cmd = MBOX_CMD_MAILBOX_PURGE, .failed = purged_or_not, .done = is_purged,
	},

	{
		.name = "netlink_delete",
		.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink,
		.cmd = MBOX_CMD_MAILBOX_DELETE, .failed = deleted_or_not, .done = is_deleted,
	},

	{}
};
