/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * More operations of fail_nth_test: requests over netlink.
 *
 * The reply to a request that was carried out may get lost, as on any socket: who asked for a change is then told
 * that there was no memory, and has to look. So what changes is all there or not at all after a failure, but not
 * always as it was.
 */
#ifndef FAIL_NTH_NETLINK_H
#define FAIL_NTH_NETLINK_H

#include "fail_nth_ops.h"
#include "mbox_netlink.h"

#define NL_ERRORS	{ ENOMEM, ENOBUFS, EFAULT, ENFILE }

static struct nl netlink;	/* for the family, which is found beforehand */
static int netlink_rows;

static void prepare_netlink(struct scene *s)
{
	SCENE(s);

	ASSERT_EQ(0, nl_open(&netlink));
	close(netlink.fd);
}

static void count_row(const struct nl_reply *reply, void *data)
{
	netlink_rows++;
}

/* The whole of it, with a socket of its own: what is left in that of a reply that got lost is nobody's. */
static long call_netlink(struct scene *s)
{
	const FIXTURE_VARIANT(op) *op = s->op;
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
	else if (op->cmd != MBOX_CMD_LINK_GET)
		nl_put_string(&request, MBOX_A_MAILBOX_NAME, s->name);
	if (op->cmd == MBOX_CMD_MAILBOX_SET)
		nl_put_u32(&request, MBOX_A_MAILBOX_CAPACITY, 77);
	ret = nl_talk(&netlink, &request, count_row, NULL);
	close(netlink.fd);
	/* It was done the time before. */
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

FIXTURE_VARIANT_ADD(op, netlink_get) {
	.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_MAILBOX_GET,
	.done = told_one,
};

FIXTURE_VARIANT_ADD(op, netlink_dump) {
	.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_MAILBOX_GET,
	.flags = NLM_F_DUMP, .done = told_one,
};

static void told_two(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(2, netlink_rows);
}

FIXTURE_VARIANT_ADD(op, netlink_handles) {
	.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_HANDLE_GET,
	.flags = NLM_F_DUMP, .done = told_two,
};

FIXTURE_VARIANT_ADD(op, netlink_waiters) {
	.partner = RECEIVES, .errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink,
	.cmd = MBOX_CMD_WAITER_GET, .flags = NLM_F_DUMP, .done = told_one,
};

FIXTURE_VARIANT_ADD(op, netlink_links) {
	.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink, .cmd = MBOX_CMD_LINK_GET,
	.flags = NLM_F_DUMP,
};

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

FIXTURE_VARIANT_ADD(op, netlink_set) {
	.capacity = 3, .errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink,
	.cmd = MBOX_CMD_MAILBOX_SET, .failed = set_or_not, .done = is_set,
};

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

FIXTURE_VARIANT_ADD(op, netlink_purge) {
	.capacity = 3, .queued = 2, .length = SMALL, .errors = NL_ERRORS, .prepare = prepare_netlink,
	.call = call_netlink, .cmd = MBOX_CMD_MAILBOX_PURGE, .failed = purged_or_not, .done = is_purged,
};

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

FIXTURE_VARIANT_ADD(op, netlink_delete) {
	.errors = NL_ERRORS, .prepare = prepare_netlink, .call = call_netlink,
	.cmd = MBOX_CMD_MAILBOX_DELETE, .failed = deleted_or_not, .done = is_deleted,
};

#endif
