// SPDX-License-Identifier: GPL-2.0-only
/* Operations on a mailbox that broadcasts: both handles get all messages. */
#include "fail_nth/fail_nth.h"

#define BROADCAST(variant, before, make, after, ...) \
	{ \
		.name = "broadcast_" #variant, \
		.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .errors = SEND_ERRORS, \
		.prepare = before, .call = make, .done = after, __VA_ARGS__ \
	}

static void delivery_received(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, 1);
	EXPECT_EQ(1, info_of(s->fd).handle_received);
	EXPECT_EQ(op->queued - 1, info_of(s->fd).handle_queued);
	expect_queued(s, 1, op->queued);
}

const struct op broadcast_ops[] = {
	BROADCAST(send_small, prepare_send, call_send, sent, .length = SMALL),
	BROADCAST(send_small_lazy, prepare_send, call_send, sent, .length = SMALL, .lazy = true),
	BROADCAST(send_behind, prepare_send, call_send, sent, .length = SMALL, .queued = 2),
	BROADCAST(send_large, prepare_send, call_send, sent, .length = LARGE),
	BROADCAST(send_large_lazy, prepare_send, call_send, sent, .length = LARGE, .lazy = true),
	BROADCAST(send_huge, prepare_send, call_send, sent, .length = HUGE),
	BROADCAST(write_large, prepare_send, call_write, written, .length = LARGE),

	BROADCAST(recv_small, prepare_recv, call_recv, delivery_received, .length = SMALL, .queued = 2),
	BROADCAST(recv_small_lazy, prepare_recv, call_recv, delivery_received, .length = SMALL, .queued = 2,
		  .lazy = true),
	BROADCAST(recv_large, prepare_recv, call_recv, delivery_received, .length = LARGE, .queued = 2),
	BROADCAST(recv_large_lazy, prepare_recv, call_recv, delivery_received, .length = LARGE, .queued = 2,
		  .lazy = true),
	BROADCAST(peek_large, prepare_recv, call_recv, peeked, .length = LARGE, .queued = 2,
		  .flags = MBOX_RECV_PEEK),

	{
		.name = "open_broadcast",
		.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .errors = OPEN_ERRORS,
		.prepare = prepare_open, .call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same,
	},

	{}
};
