// SPDX-License-Identifier: GPL-2.0-only
/* Operations: sending message number queued + 1, which is at its offset in the stream. */
#include "fail_nth/fail_nth.h"
#include "lib/module.h"

static uint8_t *to_send(struct scene *s)
{
	return s->data + (s->op->queued + 1) * STEP;
}

void prepare_send(struct scene *s)
{
	s->args.send.flags = s->op->flags;
	s->args.send.size = s->op->length;
	s->args.send.data = address_of(to_send(s));
}

/* The mailbox has a slot to spare. */
static void prepare_send_slot(struct scene *s)
{
	SCENE(s);

	ASSERT_EQ(0, put(s->observer, 0, "leaves its slot"));
	EXPECT_STREQ("leaves its slot", take(s->observer));
	prepare_send(s);
}

long call_send(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_SEND, &s->args.send);
}

long call_write(struct scene *s)
{
	return xwrite(s->fd, to_send(s), s->op->length);
}

void sent(struct scene *s, long ret)
{
	expect_queued(s, 1, s->op->queued + 1);
}

void written(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, ret);
	sent(s, ret);
}

#define SEND(variant, before, make, after, ...) \
	{ \
		.name = #variant, \
		.capacity = 4, .errors = SEND_ERRORS, .prepare = before, \
		.call = make, .done = after, __VA_ARGS__ \
	}

/* Half of the quota is used elsewhere: for the rest, the share of the mailbox has to be counted. */
#define BALLAST		(4U << 20)	/* charged for each of the messages that use it */

static void prepare_send_share(struct scene *s)
{
	struct mbox_ioc_open open = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	SCENE(s);

	open.msg_size = BALLAST;
	s->extra = xioctl(s->factory, MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, s->extra);
	for (uint64_t n = param_get("user_bytes") / 2 / BALLAST; n; n--)
		ASSERT_EQ(0, send_bytes(s->extra, 0, 0, 0, stream, BALLAST - MBOX_LARGE_CHARGE));
	prepare_send(s);
}

/* Cut a message at @data into pieces. */
void pieces_set(struct scene *s, void *data)
{
	uint32_t length = s->op->length, part = length / SEGMENTS;

	for (int i = 0; i < SEGMENTS; i++) {
		s->segments[i].iov_base = data + i * part;
		s->segments[i].iov_len = i < SEGMENTS - 1 ? part : length - i * part;
	}
}

/*
 * A message for each segment: those before the one that fails are sent, and the call returns their
 * number.
 */
void prepare_segments(struct scene *s)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = SEGMENTS };
	SCENE(s);

	/* one of root's has that capacity */
	if (!op->bare)
		ASSERT_EQ(0, xioctl(s->fd, MBOX_IOC_SET, &set));
	for (int i = 0; i < SEGMENTS; i++) {
		s->segments[i].iov_base = s->data + (i + 1) * STEP;
		s->segments[i].iov_len = op->length;
	}
}

/* One message, in pieces. */
static void prepare_pieces(struct scene *s)
{
	SCENE(s);

	prepare_segments(s);
	pieces_set(s, s->data + STEP);
}

static long call_writev(struct scene *s)
{
	ssize_t ret = writev(s->fd, s->segments, SEGMENTS);

	return ret < 0 ? -errno : ret;
}

static void pieces_written(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, ret);
	expect_queued(s, 1, 1);
}

/* The same in a batch. */
static void prepare_batch(struct scene *s)
{
	SCENE(s);

	prepare_segments(s);
	for (int i = 0; i < SEGMENTS; i++) {
		s->out[i].data = address_of(s->segments[i].iov_base);
		s->out[i].size = op->length;
	}
	s->args.sendv.entries = address_of(s->out);
	s->args.sendv.entry_size = sizeof(s->out[0]);
	s->args.sendv.count = SEGMENTS;
}

static long call_sendv(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_SENDV, &s->args.sendv);
}

static void batch_sent(struct scene *s, long ret)
{
	expect_queued(s, 1, ret);
}

static void partner_received(struct scene *s, uint32_t number)
{
	SCENE(s);

	EXPECT_EQ(0, call_end(s->partner));
	EXPECT_EQ(op->length, s->partner->recv.header.length);
	EXPECT_EQ(0, memcmp(message(number), s->partner->data, op->length));
}

static void handed_over(struct scene *s, long ret)
{
	partner_received(s, 1);
	expect_queued(s, 0, 0);
}

static void got_room(struct scene *s, long ret)
{
	partner_received(s, 1);
	expect_queued(s, 2, s->op->queued);
}

static void got_receipt(struct scene *s, long ret)
{
	SCENE(s);

	partner_received(s, 1);
	EXPECT_EQ(s->partner->pid, ret);
	expect_queued(s, 0, 0);
}

const struct op send_ops[] = {
	SEND(send_empty, prepare_send, call_send, sent, .length = 0),
	SEND(send_small, prepare_send, call_send, sent, .length = SMALL),
	SEND(send_small_lazy, prepare_send, call_send, sent, .length = SMALL, .lazy = true),
	SEND(send_slot, prepare_send_slot, call_send, sent, .length = SMALL),
	SEND(send_slot_lazy, prepare_send_slot, call_send, sent, .length = SMALL, .lazy = true),
	SEND(send_behind, prepare_send, call_send, sent, .length = SMALL, .queued = 2),
	SEND(send_large, prepare_send, call_send, sent, .length = LARGE),
	SEND(send_large_lazy, prepare_send, call_send, sent, .length = LARGE, .lazy = true),
	SEND(send_huge, prepare_send, call_send, sent, .length = HUGE),
	/* On a handle that another user opened: the sender is charged. */
	SEND(send_others, prepare_send, call_send, sent, .length = SMALL, .bare = true),
	SEND(send_others_large, prepare_send, call_send, sent, .length = LARGE, .bare = true),
	SEND(write_small, prepare_send, call_write, written, .length = SMALL),
	SEND(write_large, prepare_send, call_write, written, .length = LARGE),

	SEND(send_share, prepare_send_share, call_send, sent, .length = SMALL, .bare = true),
	SEND(send_share_large, prepare_send_share, call_send, sent, .length = LARGE, .bare = true),

	SEND(writev_small, prepare_pieces, call_writev, pieces_written, .length = SMALL),
	SEND(writev_large, prepare_pieces, call_writev, pieces_written, .length = LARGE),

	SEND(sendv_small, prepare_batch, call_sendv, batch_sent, .length = SMALL),
	SEND(sendv_small_lazy, prepare_batch, call_sendv, batch_sent, .length = SMALL, .lazy = true),
	SEND(sendv_large, prepare_batch, call_sendv, batch_sent, .length = LARGE),
	SEND(sendv_others, prepare_batch, call_sendv, batch_sent, .length = SMALL, .bare = true),

	SEND(send_handed_small, prepare_send, call_send, handed_over, .length = SMALL, .partner = RECEIVES),
	SEND(send_handed_large, prepare_send, call_send, handed_over, .length = LARGE, .partner = RECEIVES),
	SEND(send_blocked_small, prepare_send, call_send, got_room, .length = SMALL, .queued = 4,
	     .partner = WILL_RECEIVE),
	SEND(send_blocked_large, prepare_send, call_send, got_room, .length = LARGE, .queued = 4,
	     .partner = WILL_RECEIVE),
	SEND(send_sync_small, prepare_send, call_send, got_receipt, .length = SMALL,
	     .flags = MBOX_SEND_SYNC, .partner = WILL_RECEIVE),
	SEND(send_sync_large, prepare_send, call_send, got_receipt, .length = LARGE,
	     .flags = MBOX_SEND_SYNC, .partner = WILL_RECEIVE),

	LAZY(send, .capacity = 4, .length = SMALL, .errors = SEND_ERRORS, .prepare = prepare_send,
	     .call = call_send, .done = sent),

	{}
};
