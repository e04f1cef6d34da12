// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations of one more process, which becomes a member of the mailbox and leaves when it ends. There is
 * nothing to copy that could fail.
 */
#include "fail_nth/fail_nth.h"

static void member_received(struct scene *s, long ret)
{
	expect_queued(s, 2, 0);
}

const struct op member_ops[] = {
	{
		.name = "open_member",
		.in_child = true, .capacity = 4, .max_procs = 2, .errors = OPEN_ERRORS,
		.prepare = prepare_open, .call = call_open, .cmd = MBOX_IOC_OPEN,
	},

	{
		.name = "send_member",
		.in_child = true, .capacity = 4, .max_procs = 2, .errors = SEND_ERRORS,
		.prepare = prepare_send, .call = call_send, .done = sent,
	},

	{
		.name = "recv_member",
		.in_child = true, .capacity = 4, .policy = MBOX_POLICY_RR, .queued = 1, .length = SMALL,
		.errors = RECV_ERRORS, .prepare = prepare_recv, .call = call_recv, .done = member_received,
	},

	{}
};
