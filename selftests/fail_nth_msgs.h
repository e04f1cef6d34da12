/* SPDX-License-Identifier: GPL-2.0-only */
/* More operations of fail_nth_test: those on a handle. */
#ifndef FAIL_NTH_MSGS_H
#define FAIL_NTH_MSGS_H

#include "fail_nth_ops.h"

/* Sending: message number queued + 1, which is what data has from there on. */

#define SEND_ERRORS	{ ENOMEM, EFAULT }

static uint8_t *to_send(struct scene *s)
{
	return s->data + (s->op->queued + 1) * STEP;
}

static void prepare_send(struct scene *s)
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

static long call_send(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_SEND, &s->args.send);
}

static long call_write(struct scene *s)
{
	return xwrite(s->fd, to_send(s), s->op->length);
}

static void sent(struct scene *s, long ret)
{
	expect_queued(s, 1, s->op->queued + 1);
}

static void written(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, ret);
	sent(s, ret);
}

#define SEND(variant, before, make, after, ...) \
	FIXTURE_VARIANT_ADD(op, variant) { \
		.capacity = 4, .errors = SEND_ERRORS, .prepare = before, \
		.call = make, .done = after, __VA_ARGS__ \
	}

SEND(send_empty, prepare_send, call_send, sent, .length = 0);
SEND(send_small, prepare_send, call_send, sent, .length = SMALL);
SEND(send_small_lazy, prepare_send, call_send, sent, .length = SMALL, .lazy = true);
SEND(send_slot, prepare_send_slot, call_send, sent, .length = SMALL);
SEND(send_slot_lazy, prepare_send_slot, call_send, sent, .length = SMALL, .lazy = true);
SEND(send_behind, prepare_send, call_send, sent, .length = SMALL, .queued = 2);
SEND(send_large, prepare_send, call_send, sent, .length = LARGE);
SEND(send_large_lazy, prepare_send, call_send, sent, .length = LARGE, .lazy = true);
SEND(send_huge, prepare_send, call_send, sent, .length = HUGE);
/* On a handle that another user opened: it is the sender who is charged. */
SEND(send_others, prepare_send, call_send, sent, .length = SMALL, .bare = true);
SEND(send_others_large, prepare_send, call_send, sent, .length = LARGE, .bare = true);
SEND(write_small, prepare_send, call_write, written, .length = SMALL);
SEND(write_large, prepare_send, call_write, written, .length = LARGE);

/* Half of the quota is used elsewhere: of the rest it has to be counted what the mailbox takes. */
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

SEND(send_share, prepare_send_share, call_send, sent, .length = SMALL, .bare = true);
SEND(send_share_large, prepare_send_share, call_send, sent, .length = LARGE, .bare = true);

/* A message for each segment: those before the one that fails are sent, and the call says so. */
static void prepare_segments(struct scene *s)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = SEGMENTS };
	SCENE(s);

	ASSERT_EQ(0, xioctl(s->fd, MBOX_IOC_SET, &set));
	for (int i = 0; i < SEGMENTS; i++) {
		s->segments[i].iov_base = s->data + (i + 1) * STEP;
		s->segments[i].iov_len = op->length;
	}
}

static long call_writev(struct scene *s)
{
	ssize_t ret = writev(s->fd, s->segments, SEGMENTS);

	return ret < 0 ? -errno : ret;
}

static void segments_written(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0, ret % op->length);
	expect_queued(s, 1, ret / op->length);
}

SEND(writev_small, prepare_segments, call_writev, segments_written, .length = SMALL);
SEND(writev_large, prepare_segments, call_writev, segments_written, .length = LARGE);

/* Sends that meet others: a receiver that waits, or comes. */

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

SEND(send_handed_small, prepare_send, call_send, handed_over, .length = SMALL, .partner = RECEIVES);
SEND(send_handed_large, prepare_send, call_send, handed_over, .length = LARGE, .partner = RECEIVES);
SEND(send_blocked_small, prepare_send, call_send, got_room, .length = SMALL, .queued = 4,
     .partner = WILL_RECEIVE);
SEND(send_blocked_large, prepare_send, call_send, got_room, .length = LARGE, .queued = 4,
     .partner = WILL_RECEIVE);
SEND(send_sync_small, prepare_send, call_send, got_receipt, .length = SMALL,
     .flags = MBOX_SEND_SYNC, .partner = WILL_RECEIVE);
SEND(send_sync_large, prepare_send, call_send, got_receipt, .length = LARGE,
     .flags = MBOX_SEND_SYNC, .partner = WILL_RECEIVE);

/* Receiving: message number 1, into what has other bytes. */

#define RECV_ERRORS	{ ENOMEM, EFAULT }

static void prepare_recv(struct scene *s)
{
	s->args.recv.flags = s->op->flags;
	s->args.recv.data = address_of(s->data);
	s->args.recv.size = s->op->length;
	memset(&s->args.recv.header, POISON, sizeof(s->args.recv.header));
}

static void prepare_recv_too_small(struct scene *s)
{
	prepare_recv(s);
	s->args.recv.size--;
}

static long call_recv(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_RECV, &s->args.recv);
}

/* From this very process, which sends nothing more: that it does not end is to be watched. */
static void prepare_recv_identity(struct scene *s)
{
	struct mbox_header header;
	char text[8];
	SCENE(s);

	prepare_recv(s);
	ASSERT_EQ(0, put(s->observer, 0, "mine"));
	ASSERT_EQ(0, recv_bytes(s->observer, MBOX_RECV_NONBLOCK, text, sizeof(text), &header));
	s->args.recv.flags |= MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START;
	s->args.recv.pid = header.pid;
	s->args.recv.header.start = header.start;
	s->args.recv.clock = MBOX_CLOCK_MONOTONIC;
	s->args.recv.deadline = now() + 5 * NSEC_PER_MSEC;
}

static void nothing_came(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_UNCHANGED(s->observer, &s->info);
}

static long call_read(struct scene *s)
{
	return xread(s->fd, s->data, s->op->length);
}

static void expect_received(struct scene *s, uint32_t number)
{
	SCENE(s);

	EXPECT_EQ(op->length, s->args.recv.header.length);
	EXPECT_EQ(0, memcmp(message(number), s->data, op->length));
}

static void received(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, 1);
	EXPECT_EQ(1, s->args.recv.header.seq);
	EXPECT_EQ(1, info_of(s->observer).received);
	expect_queued(s, 2, op->queued - 1);
}

static void peeked(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, 1);
	EXPECT_UNCHANGED(s->observer, &s->info);
	expect_queued(s, 1, op->queued);
}

static void too_small(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, s->args.recv.header.length);
	EXPECT_UNCHANGED(s->observer, &s->info);
	expect_queued(s, 1, op->queued);
}

static void was_read(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, ret);
	EXPECT_EQ(0, memcmp(message(1), s->data, op->length));
	expect_queued(s, 2, op->queued - 1);
}

#define RECV(variant, before, make, after, ...) \
	FIXTURE_VARIANT_ADD(op, variant) { \
		.capacity = 4, .errors = RECV_ERRORS, .prepare = before, \
		.call = make, .done = after, __VA_ARGS__ \
	}

RECV(recv_small, prepare_recv, call_recv, received, .length = SMALL, .queued = 3);
RECV(recv_small_lazy, prepare_recv, call_recv, received, .length = SMALL, .queued = 3,
     .lazy = true);
RECV(recv_large, prepare_recv, call_recv, received, .length = LARGE, .queued = 3);
RECV(recv_large_lazy, prepare_recv, call_recv, received, .length = LARGE, .queued = 3,
     .lazy = true);
RECV(recv_huge, prepare_recv, call_recv, received, .length = HUGE, .queued = 1);
RECV(peek_small, prepare_recv, call_recv, peeked, .length = SMALL, .queued = 3,
     .flags = MBOX_RECV_PEEK);
RECV(peek_small_lazy, prepare_recv, call_recv, peeked, .length = SMALL, .queued = 3,
     .flags = MBOX_RECV_PEEK, .lazy = true);
RECV(peek_large, prepare_recv, call_recv, peeked, .length = LARGE, .queued = 3,
     .flags = MBOX_RECV_PEEK);
RECV(recv_too_small, prepare_recv_too_small, call_recv, too_small, .length = LARGE, .queued = 2,
     .result = -EMSGSIZE);
RECV(recv_identity, prepare_recv_identity, call_recv, nothing_came, .result = -ETIMEDOUT);
RECV(read_small, NULL, call_read, was_read, .length = SMALL, .queued = 3);
RECV(read_large, NULL, call_read, was_read, .length = LARGE, .queued = 3);

static void prepare_segments_queued(struct scene *s)
{
	SCENE(s);

	prepare_segments(s);
	for (int i = 0; i < SEGMENTS; i++) {
		ASSERT_EQ(0, send_bytes(s->fd, 0, 0, 0, message(i + 1), op->length));
		s->segments[i].iov_base = s->data + i * op->length;
	}
}

static long call_readv(struct scene *s)
{
	ssize_t ret = readv(s->fd, s->segments, SEGMENTS);

	return ret < 0 ? -errno : ret;
}

static void segments_read(struct scene *s, long ret)
{
	SCENE(s);
	uint32_t n = ret / op->length;

	EXPECT_EQ(0, ret % op->length);
	for (uint32_t i = 0; i < n; i++)
		EXPECT_EQ(0, memcmp(message(i + 1), s->segments[i].iov_base, op->length));
	expect_queued(s, n + 1, SEGMENTS - n);
}

RECV(readv_small, prepare_segments_queued, call_readv, segments_read, .length = SMALL);
RECV(readv_large, prepare_segments_queued, call_readv, segments_read, .length = LARGE);

/* Receives that meet others: a sender that is blocked, or comes. */

static void received_from_partner(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, PARTNERS);
	EXPECT_EQ(1, s->args.recv.header.seq);
	EXPECT_EQ(s->partner->pid, s->args.recv.header.pid);
	EXPECT_LE(0, call_end(s->partner));
	expect_queued(s, 0, 0);
}

static void peeked_from_partner(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, PARTNERS);
	if (op->partner == SENDS) {
		EXPECT_EQ(0, s->args.recv.header.seq);
		EXPECT_UNCHANGED(s->observer, &s->info);
	}
	expect_queued(s, PARTNERS, 1);
	EXPECT_LE(0, call_end(s->partner));
}

/* What the receiver was given stays, also when in the end it could not be received. */
static void came_and_stayed(struct scene *s)
{
	struct mbox_info info = info_of(s->observer);
	SCENE(s);

	if (info.sent == s->info.sent) {
		EXPECT_UNCHANGED(s->observer, &s->info);
		return;
	}
	EXPECT_EQ(s->info.sent + 1, info.sent);
	EXPECT_EQ(1, info.queued);
	EXPECT_EQ(op->length, info.queued_bytes);
	EXPECT_EQ(0, info.received);
	EXPECT_EQ(0, info.receivers);
}

#define MEET(variant, after, after_failure, ...) \
	FIXTURE_VARIANT_ADD(op, variant) { \
		.errors = RECV_ERRORS, .prepare = prepare_recv, .call = call_recv, \
		.failed = after_failure, .done = after, __VA_ARGS__ \
	}

MEET(recv_pending_small, received_from_partner, NULL, .length = SMALL, .partner = SENDS);
MEET(recv_pending_large, received_from_partner, came_and_stayed, .length = LARGE, .partner = SENDS);
MEET(peek_pending_small, peeked_from_partner, NULL, .length = SMALL, .partner = SENDS,
     .flags = MBOX_RECV_PEEK);
MEET(peek_pending_large, peeked_from_partner, NULL, .length = LARGE, .partner = SENDS,
     .flags = MBOX_RECV_PEEK);
MEET(recv_blocked_small, received_from_partner, came_and_stayed, .capacity = 4, .length = SMALL,
     .partner = WILL_SEND);
MEET(recv_blocked_large, received_from_partner, came_and_stayed, .capacity = 4, .length = LARGE,
     .partner = WILL_SEND);
MEET(peek_blocked_large, peeked_from_partner, came_and_stayed, .capacity = 4, .length = LARGE,
     .flags = MBOX_RECV_PEEK, .partner = WILL_SEND);

/* Attributes. */

static long call_get(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_GET, &s->args.info);
}

static void got(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0, memcmp(&s->info, &s->args.info, sizeof(s->info)));
	expect_queued(s, 1, op->queued);
}

FIXTURE_VARIANT_ADD(op, get) {
	.capacity = 4, .queued = 2, .length = SMALL, .errors = { EFAULT },
	.call = call_get, .done = got,
};

static void prepare_set(struct scene *s)
{
	s->args.set.mask = MBOX_SET_MODE | MBOX_SET_CAPACITY | MBOX_SET_BYTES;
	s->args.set.mode = 0606;
	s->args.set.capacity = 3;
	s->args.set.bytes = 2 * HUGE;
}

static long call_set(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_SET, &s->args.set);
}

/* The partner got in. */
static void was_set(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0606, info_of(s->observer).mode);
	EXPECT_EQ(3, info_of(s->observer).capacity);
	EXPECT_EQ(2 * HUGE, info_of(s->observer).bytes);
	EXPECT_EQ(0, call_end(s->partner));
	EXPECT_EQ(2, info_of(s->observer).queued);
	EXPECT_STREQ("EMSGSIZE", take(s->observer));
}

FIXTURE_VARIANT_ADD(op, set) {
	.capacity = 1, .queued = 1, .length = LARGE, .errors = { EFAULT }, .partner = SENDS,
	.prepare = prepare_set, .call = call_set, .done = was_set,
};

#endif
