// SPDX-License-Identifier: GPL-2.0-only
/* Operations: receiving message number 1, into a buffer with other contents. */
#include "fail_nth/fail_nth.h"

void prepare_recv(struct scene *s)
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

/* The last of three; a header with other contents names no position. */
static void prepare_peek_at(struct scene *s)
{
	prepare_recv(s);
	s->args.recv.header.seq = 2;
}

/* Into half of the buffer that the message needs. */
static void prepare_recv_cut(struct scene *s)
{
	prepare_recv(s);
	s->args.recv.size /= 2;
}

/* All messages have type 0: the search sees each of them. */
static void prepare_recv_lowest(struct scene *s)
{
	prepare_recv(s);
	s->args.recv.type_hi = 1;
}

long call_recv(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_RECV, &s->args.recv);
}

/* From this very process, which sends nothing more: the receive watches for the end of its sender. */
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

void expect_received(struct scene *s, uint32_t number)
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

void peeked(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, 1);
	EXPECT_UNCHANGED(s->observer, &s->info);
	expect_queued(s, 1, op->queued);
}

static void peeked_at(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, 3);
	EXPECT_UNCHANGED(s->observer, &s->info);
	expect_queued(s, 1, op->queued);
}

static void was_cut(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, s->args.recv.header.length);
	EXPECT_EQ(0, memcmp(message(1), s->data, op->length / 2));
	EXPECT_EQ(1, info_of(s->observer).received);
	expect_queued(s, 2, op->queued - 1);
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
	{ \
		.name = #variant, \
		.capacity = 4, .errors = RECV_ERRORS, .prepare = before, \
		.call = make, .done = after, __VA_ARGS__ \
	}

static void prepare_segments_queued(struct scene *s)
{
	SCENE(s);

	prepare_segments(s);
	for (int i = 0; i < SEGMENTS; i++) {
		ASSERT_EQ(0, send_bytes(s->fd, 0, 0, 0, message(i + 1), op->length));
		s->segments[i].iov_base = s->data + i * op->length;
	}
}

static void prepare_pieces_queued(struct scene *s)
{
	prepare_segments_queued(s);
	pieces_set(s, s->data);
}

static long call_readv(struct scene *s)
{
	ssize_t ret = readv(s->fd, s->segments, SEGMENTS);

	return ret < 0 ? -errno : ret;
}

static void pieces_read(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, ret);
	EXPECT_EQ(0, memcmp(message(1), s->data, op->length));
	expect_queued(s, 2, SEGMENTS - 1);
}

/* The same in a batch. */
static void prepare_batch_queued(struct scene *s)
{
	SCENE(s);

	prepare_segments_queued(s);
	for (int i = 0; i < SEGMENTS; i++) {
		s->in[i].data = address_of(s->segments[i].iov_base);
		s->in[i].size = op->length;
	}
	s->args.recvv.entries = address_of(s->in);
	s->args.recvv.entry_size = sizeof(s->in[0]);
	s->args.recvv.count = SEGMENTS;
}

static long call_recvv(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_RECVV, &s->args.recvv);
}

static void batch_received(struct scene *s, long ret)
{
	SCENE(s);

	for (long i = 0; i < ret; i++) {
		EXPECT_EQ(op->length, s->in[i].header.length);
		EXPECT_EQ(0, memcmp(message(i + 1), s->segments[i].iov_base, op->length));
	}
	expect_queued(s, ret + 1, SEGMENTS - ret);
}

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

/* A message that the receiver was given stays, also when in the end it could not be received. */
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
	{ \
		.name = #variant, \
		.errors = RECV_ERRORS, .prepare = prepare_recv, .call = call_recv, \
		.failed = after_failure, .done = after, __VA_ARGS__ \
	}

const struct op recv_ops[] = {
	RECV(recv_small, prepare_recv, call_recv, received, .length = SMALL, .queued = 3),
	RECV(recv_small_lazy, prepare_recv, call_recv, received, .length = SMALL, .queued = 3,
	     .lazy = true),
	RECV(recv_large, prepare_recv, call_recv, received, .length = LARGE, .queued = 3),
	RECV(recv_large_lazy, prepare_recv, call_recv, received, .length = LARGE, .queued = 3,
	     .lazy = true),
	RECV(recv_huge, prepare_recv, call_recv, received, .length = HUGE, .queued = 1),
	RECV(peek_small, prepare_recv, call_recv, peeked, .length = SMALL, .queued = 3,
	     .flags = MBOX_RECV_PEEK),
	RECV(peek_small_lazy, prepare_recv, call_recv, peeked, .length = SMALL, .queued = 3,
	     .flags = MBOX_RECV_PEEK, .lazy = true),
	RECV(peek_large, prepare_recv, call_recv, peeked, .length = LARGE, .queued = 3,
	     .flags = MBOX_RECV_PEEK),
	RECV(peek_at_small, prepare_peek_at, call_recv, peeked_at, .length = SMALL, .queued = 3,
	     .flags = MBOX_RECV_PEEK | MBOX_RECV_AT),
	RECV(peek_at_large, prepare_peek_at, call_recv, peeked_at, .length = LARGE, .queued = 3,
	     .flags = MBOX_RECV_PEEK | MBOX_RECV_AT),
	RECV(recv_too_small, prepare_recv_too_small, call_recv, too_small, .length = LARGE, .queued = 2,
	     .result = -EMSGSIZE),
	RECV(recv_cut_small, prepare_recv_cut, call_recv, was_cut, .length = SMALL, .queued = 3,
	     .flags = MBOX_RECV_TRUNC),
	RECV(recv_cut_large, prepare_recv_cut, call_recv, was_cut, .length = LARGE, .queued = 3,
	     .flags = MBOX_RECV_TRUNC | MBOX_RECV_NORESTART),
	RECV(recv_lowest_large, prepare_recv_lowest, call_recv, received, .length = LARGE, .queued = 3,
	     .flags = MBOX_RECV_MAX_TYPE),
	RECV(recv_not_type, prepare_recv_lowest, call_recv, received, .length = SMALL, .queued = 3,
	     .flags = MBOX_RECV_NOT_TYPE),
	RECV(recv_identity, prepare_recv_identity, call_recv, nothing_came, .result = -ETIMEDOUT),
	RECV(read_small, NULL, call_read, was_read, .length = SMALL, .queued = 3),
	RECV(read_large, NULL, call_read, was_read, .length = LARGE, .queued = 3),

	RECV(readv_small, prepare_pieces_queued, call_readv, pieces_read, .length = SMALL),
	RECV(readv_large, prepare_pieces_queued, call_readv, pieces_read, .length = LARGE),

	RECV(recvv_small, prepare_batch_queued, call_recvv, batch_received, .length = SMALL),
	RECV(recvv_small_lazy, prepare_batch_queued, call_recvv, batch_received, .length = SMALL,
	     .lazy = true),
	RECV(recvv_large, prepare_batch_queued, call_recvv, batch_received, .length = LARGE),

	MEET(recv_pending_small, received_from_partner, NULL, .length = SMALL, .partner = SENDS),
	MEET(recv_pending_large, received_from_partner, came_and_stayed, .length = LARGE, .partner = SENDS),
	MEET(peek_pending_small, peeked_from_partner, NULL, .length = SMALL, .partner = SENDS,
	     .flags = MBOX_RECV_PEEK),
	MEET(peek_pending_large, peeked_from_partner, NULL, .length = LARGE, .partner = SENDS,
	     .flags = MBOX_RECV_PEEK),
	MEET(recv_blocked_small, received_from_partner, came_and_stayed, .capacity = 4, .length = SMALL,
	     .partner = WILL_SEND),
	MEET(recv_blocked_large, received_from_partner, came_and_stayed, .capacity = 4, .length = LARGE,
	     .partner = WILL_SEND),
	MEET(peek_blocked_large, peeked_from_partner, came_and_stayed, .capacity = 4, .length = LARGE,
	     .flags = MBOX_RECV_PEEK, .partner = WILL_SEND),

	LAZY(recv, .capacity = 4, .queued = 3, .length = SMALL, .errors = RECV_ERRORS, .prepare = prepare_recv,
	     .call = call_recv, .done = received),

	LAZY(recv_large, .capacity = 4, .queued = 3, .length = LARGE, .errors = RECV_ERRORS, .prepare = prepare_recv,
	     .call = call_recv, .done = received),

	LAZY(recv_too_small, .capacity = 4, .queued = 2, .length = LARGE, .errors = RECV_ERRORS, .result = -EMSGSIZE,
	     .prepare = prepare_recv_too_small, .call = call_recv, .done = too_small),

	{}
};
