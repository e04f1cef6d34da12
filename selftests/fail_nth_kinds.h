/* SPDX-License-Identifier: GPL-2.0-only */
/* More operations of fail_nth_test: who takes part, broadcasting, rings, links. */
#ifndef FAIL_NTH_KINDS_H
#define FAIL_NTH_KINDS_H

#include "fail_nth_args.h"

#include <linux/mbox_ring.h>

/* A further process takes its place; when it ends, it leaves. Nothing is there that it could fail to copy. */

FIXTURE_VARIANT_ADD(op, open_member) {
	.in_child = true, .capacity = 4, .max_procs = 2, .errors = OPEN_ERRORS,
	.prepare = prepare_open, .call = call_open, .cmd = MBOX_IOC_OPEN,
};

FIXTURE_VARIANT_ADD(op, send_member) {
	.in_child = true, .capacity = 4, .max_procs = 2, .errors = SEND_ERRORS,
	.prepare = prepare_send, .call = call_send, .done = sent,
};

static void member_received(struct scene *s, long ret)
{
	expect_queued(s, 2, 0);
}

FIXTURE_VARIANT_ADD(op, recv_member) {
	.in_child = true, .capacity = 4, .policy = MBOX_POLICY_RR, .queued = 1, .length = SMALL,
	.errors = RECV_ERRORS, .prepare = prepare_recv, .call = call_recv, .done = member_received,
};

/* Each of both handles has all of the messages. */

#define BROADCAST(variant, before, make, after, ...) \
	FIXTURE_VARIANT_ADD(op, broadcast_##variant) { \
		.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .errors = SEND_ERRORS, \
		.prepare = before, .call = make, .done = after, __VA_ARGS__ \
	}

BROADCAST(send_small, prepare_send, call_send, sent, .length = SMALL);
BROADCAST(send_small_lazy, prepare_send, call_send, sent, .length = SMALL, .lazy = true);
BROADCAST(send_behind, prepare_send, call_send, sent, .length = SMALL, .queued = 2);
BROADCAST(send_large, prepare_send, call_send, sent, .length = LARGE);
BROADCAST(send_large_lazy, prepare_send, call_send, sent, .length = LARGE, .lazy = true);
BROADCAST(send_huge, prepare_send, call_send, sent, .length = HUGE);
BROADCAST(write_large, prepare_send, call_write, written, .length = LARGE);

static void delivery_received(struct scene *s, long ret)
{
	SCENE(s);

	expect_received(s, 1);
	EXPECT_EQ(1, info_of(s->fd).handle_received);
	EXPECT_EQ(op->queued - 1, info_of(s->fd).handle_queued);
	expect_queued(s, 1, op->queued);
}

BROADCAST(recv_small, prepare_recv, call_recv, delivery_received, .length = SMALL, .queued = 2);
BROADCAST(recv_small_lazy, prepare_recv, call_recv, delivery_received, .length = SMALL, .queued = 2,
	  .lazy = true);
BROADCAST(recv_large, prepare_recv, call_recv, delivery_received, .length = LARGE, .queued = 2);
BROADCAST(recv_large_lazy, prepare_recv, call_recv, delivery_received, .length = LARGE, .queued = 2,
	  .lazy = true);
BROADCAST(peek_large, prepare_recv, call_recv, peeked, .length = LARGE, .queued = 2,
	  .flags = MBOX_RECV_PEEK);

FIXTURE_VARIANT_ADD(op, open_broadcast) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .errors = OPEN_ERRORS,
	.prepare = prepare_open, .call = call_open, .cmd = MBOX_IOC_OPEN, .done = opened_same,
};

/* Rings. */

#define RING	65536U

static void ring_arg(struct mbox_ioc_open *open, const char *name, uint32_t rights)
{
	*open = open_arg(name, 0);
	open->rights = rights;
	open->ring = RING;
	open->options = MBOX_OPTION_GROW;
}

static void prepare_create_ring(struct scene *s)
{
	name_make(s->name);
	ring_arg(&s->args.open, s->name, RIGHTS_BOTH);
}

static void created_ring(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(MBOX_KIND_RING, info_of(ret).kind);
	close(ret);
	not_created(s);
}

FIXTURE_VARIANT_ADD(op, create_ring) {
	.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_create_ring,
	.call = call_open, .cmd = MBOX_IOC_CREATE, .failed = not_created, .done = created_ring,
};

/* One that the consumer has already. */
static void prepare_open_ring(struct scene *s)
{
	SCENE(s);

	prepare_create_ring(s);
	s->args.open.rights = MBOX_RIGHT_RECV;
	s->extra = open_call(MBOX_IOC_CREATE, &s->args.open);
	ASSERT_LE(0, s->extra);
	memset(&s->args.open, 0, sizeof(s->args.open));
	s->args.open.rights = MBOX_RIGHT_SEND;
	name_copy(s->args.open.name, s->name);
}

static void side_free(struct scene *s)
{
	SCENE(s);

	EXPECT_EQ(1, info_of(s->extra).handles);
}

FIXTURE_VARIANT_ADD(op, open_ring) {
	.bare = true, .errors = OPEN_ERRORS, .prepare = prepare_open_ring,
	.call = call_open, .cmd = MBOX_IOC_OPEN, .failed = side_free, .done = opened,
};

static void *mapped;

static void prepare_ring(struct scene *s)
{
	SCENE(s);

	prepare_create_ring(s);
	s->extra = open_call(MBOX_IOC_CREATE, &s->args.open);
	ASSERT_LE(0, s->extra);
}

/* Each of the three; an error of any is that of the call, and then none is mapped. */
static long call_mmap(struct scene *s)
{
	static const struct { size_t size; off_t at; } parts[] = {
		{ 4096, MBOX_RING_PRODUCER_OFFSET }, { 4096, MBOX_RING_CONSUMER_OFFSET },
		{ RING, MBOX_RING_DATA_OFFSET },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		mapped = mmap(NULL, parts[i].size, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, parts[i].at);
		if (mapped == MAP_FAILED)
			return -errno;
		if (munmap(mapped, parts[i].size))
			return -errno;
	}
	return 0;
}

static void nothing_mapped(struct scene *s)
{
}

FIXTURE_VARIANT_ADD(op, mmap_ring) {
	.bare = true, .errors = { ENOMEM }, .prepare = prepare_ring,
	.call = call_mmap, .failed = nothing_mapped,
};

/* Some pages were consumed. */
static void prepare_trim(struct scene *s)
{
	struct mbox_ring_control *control;
	SCENE(s);

	prepare_ring(s);
	s->args.wait.flags = MBOX_WAIT_WAKE | MBOX_WAIT_TRIM;
	s->args.wait.side = MBOX_RIGHT_RECV;
	mapped = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, MBOX_RING_DATA_OFFSET);
	ASSERT_NE(MAP_FAILED, mapped);
	memset(mapped, 1, RING);
	munmap(mapped, RING);
	control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, MBOX_RING_PRODUCER_OFFSET);
	ASSERT_NE(MAP_FAILED, (void *)control);
	control->index = RING;
	munmap(control, 4096);
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->extra, MBOX_RING_CONSUMER_OFFSET);
	ASSERT_NE(MAP_FAILED, mapped);
	control = mapped;
	control->index = 3 * 4096 + 8;
}

static long call_wait(struct scene *s)
{
	return make_ioctl(s, s->extra, MBOX_IOC_WAIT, &s->args.wait);
}

static void not_trimmed(struct scene *s)
{
	const struct mbox_ring_control *control = mapped;
	SCENE(s);

	EXPECT_EQ(0, control->freed);
}

static void trimmed(struct scene *s, long ret)
{
	const struct mbox_ring_control *control = mapped;
	SCENE(s);

	EXPECT_EQ(3 * 4096, control->freed);
	munmap(mapped, 4096);
}

FIXTURE_VARIANT_ADD(op, trim_ring) {
	.bare = true, .errors = { ENOMEM, EFAULT }, .prepare = prepare_trim,
	.call = call_wait, .failed = not_trimmed, .done = trimmed,
};

/* Links, to the process that runs the tests. Neither it nor this one has an inbox before. */

static void prepare_link(struct scene *s)
{
	s->args.link.pid = getppid();
	s->args.link.capacity = 4;
}

static long call_link(struct scene *s)
{
	return make_ioctl(s, s->factory, MBOX_IOC_LINK, &s->args.link);
}

static void nothing_known(struct scene *s)
{
}

static void linked(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(getppid(), info_of(ret).peer);
	EXPECT_EQ(MBOX_KIND_LINK, info_of(ret).kind);
	close(ret);
	/* nobody needs it any more */
	EXPECT_EQ(s->pins, module_pins());
}

FIXTURE_VARIANT_ADD(op, link) {
	.bare = true, .as_root = true, .errors = OPEN_ERRORS, .prepare = prepare_link, .call = call_link,
	.failed = nothing_known, .done = linked,
};

static void prepare_link_again(struct scene *s)
{
	SCENE(s);

	prepare_link(s);
	s->extra = open_call(MBOX_IOC_LINK, (void *)&s->args.link);
	ASSERT_LE(0, s->extra);
}

FIXTURE_VARIANT_ADD(op, link_again) {
	.bare = true, .as_root = true, .errors = OPEN_ERRORS, .prepare = prepare_link_again, .call = call_link,
	.failed = nothing_known, .done = linked,
};

static long call_inbox(struct scene *s)
{
	return make_ioctl(s, s->factory, MBOX_IOC_INBOX, &s->args.inbox);
}

static void inbox_opened(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(MBOX_KIND_INBOX, info_of(ret).kind);
	close(ret);
	EXPECT_EQ(s->pins, module_pins());
}

FIXTURE_VARIANT_ADD(op, inbox) {
	.bare = true, .errors = OPEN_ERRORS, .call = call_inbox,
	.failed = nothing_known, .done = inbox_opened,
};

/* The table of descriptors has to grow. */
FIXTURE_VARIANT_ADD(op, link_crowded) {
	.bare = true, .as_root = true, .in_child = true, .errors = OPEN_ERRORS, .prepare = prepare_link,
	.enter = fill_fd_table, .call = call_link, .failed = nothing_known,
};

FIXTURE_VARIANT_ADD(op, inbox_crowded) {
	.bare = true, .in_child = true, .errors = OPEN_ERRORS,
	.enter = fill_fd_table, .call = call_inbox, .failed = nothing_known,
};

LAZY(link, .bare = true, .as_root = true, .errors = OPEN_ERRORS, .prepare = prepare_link,
     .call = call_link, .failed = nothing_known, .done = linked);
LAZY(inbox, .bare = true, .errors = OPEN_ERRORS,
     .call = call_inbox, .failed = nothing_known, .done = inbox_opened);
LAZY(trim_ring, .bare = true, .errors = { ENOMEM, EFAULT }, .prepare = prepare_trim,
     .call = call_wait, .failed = not_trimmed, .done = trimmed);

#endif
