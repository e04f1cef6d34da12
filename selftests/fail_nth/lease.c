// SPDX-License-Identifier: GPL-2.0-only
/* Operations: leases and what ends them, posts, kicks, and mailboxes with a dead-letter mailbox. */
#include "fail_nth/fail_nth.h"

#define HOUR	(3600 * NSEC_PER_SEC)

/* Lease a message, of any length. Return its token. */
uint64_t lease_message(struct scene *s, int fd)
{
	static uint8_t data[LARGE];
	struct mbox_ioc_lease arg = { .recv = { .data = address_of(data), .size = sizeof(data) } };
	SCENE(s);

	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_LEASE, &arg));
	return arg.delivery.token;
}

/* The argument where the call gets it. */
static struct mbox_ioc_lease *lease_arg(struct scene *s)
{
	return s->lazy_args ? &s->lazy_args->lease : &s->args.lease;
}

static void prepare_lease(struct scene *s)
{
	s->args.lease.recv.data = address_of(s->data);
	s->args.lease.recv.size = s->op->length;
	s->args.lease.recv.flags = MBOX_RECV_NONBLOCK;
	s->args.lease.flags = s->op->flags;
	if (!s->op->how)
		return;
	s->args.lease.clock = MBOX_CLOCK_MONOTONIC;
	s->args.lease.time = HOUR;
}

/* The header may be written, though the lease was taken back: its results were not. */
static long call_lease(struct scene *s)
{
	long ret = make_ioctl(s, s->fd, MBOX_IOC_LEASE, &s->args.lease);

	if (ret == -EFAULT)
		lease_arg(s)->recv.header = s->given.lease.recv.header;
	return ret;
}

static void expect_leased(struct scene *s, uint32_t number)
{
	const struct mbox_ioc_lease *arg = &s->args.lease;
	struct mbox_ack_entry entry = { .token = arg->delivery.token };
	struct mbox_ioc_ack ack = { .count = 1, .entries = address_of(&entry) };
	SCENE(s);

	EXPECT_EQ(op->length, arg->recv.header.length);
	EXPECT_EQ(0, memcmp(message(number), s->data, op->length));
	/* one that was taken back does not count */
	EXPECT_EQ(1, arg->delivery.deliveries);
	EXPECT_EQ(1, info_of(s->observer).leased);
	EXPECT_EQ(1, xioctl(s->observer, MBOX_IOC_ACK, &ack));
	EXPECT_EQ(0, entry.result);
	EXPECT_EQ(0, info_of(s->observer).leased);
}

static void leased(struct scene *s, long ret)
{
	expect_leased(s, 1);
	expect_queued(s, 2, s->op->queued - 1);
}

/* With an acknowledgement first. */
static void prepare_lease_ack(struct scene *s)
{
	prepare_lease(s);
	s->args.lease.ack = lease_message(s, s->fd);
}

/*
 * A call that has acknowledged says so. Where its argument could not be written, the caller learns of
 * it from the next call.
 */
static long call_lease_ack(struct scene *s)
{
	struct mbox_ioc_lease *arg = lease_arg(s);
	long ret = call_lease(s);

	if (ret == -ESTALE) {
		arg->ack = 0;
		ret = call_lease(s);
	}
	if (ret < 0)
		s->given.lease.ack = arg->ack;
	return ret;
}

static void lease_ack_failed(struct scene *s)
{
	struct mbox_info info = info_of(s->observer);
	SCENE(s);

	EXPECT_EQ(info.received ? 0 : 1, info.leased);
	EXPECT_BALANCED(s->observer);
}

static void acked_and_leased(struct scene *s, long ret)
{
	expect_leased(s, 2);
	expect_queued(s, 3, s->op->queued - 2);
}

static void prepare_ack(struct scene *s)
{
	for (uint32_t i = 0; i < s->op->queued; i++)
		s->acks[i] = (struct mbox_ack_entry) { .token = lease_message(s, s->fd) };
	s->args.ack.entries = address_of(s->acks);
	s->args.ack.count = s->op->queued;
}

static long call_ack(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_ACK, &s->args.ack);
}

/* All of the one section were acknowledged, or none. */
static void ack_failed(struct scene *s)
{
	struct mbox_info info = info_of(s->observer);
	SCENE(s);

	EXPECT_TRUE(info.received == 0 || info.received == op->queued);
	EXPECT_EQ(op->queued, info.received + info.leased);
	EXPECT_BALANCED(s->observer);
}

static void acked(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_TRUE(ret == op->queued || ret == 0);
	for (uint32_t i = 0; i < op->queued; i++)
		EXPECT_EQ(ret ? 0 : -ESTALE, s->acks[i].result);
	EXPECT_EQ(op->queued, info_of(s->observer).received);
	expect_queued(s, 0, 0);
}

static void prepare_nack(struct scene *s)
{
	s->args.nack.token = lease_message(s, s->fd);
	s->args.nack.how = s->op->how;
}

static long call_nack(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_NACK, &s->args.nack);
}

static void nacked(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->how == MBOX_NACK_REJECT, info_of(s->observer).parked);
	if (op->how == MBOX_NACK_REJECT)
		expect_queued(s, 2, op->queued - 1);
	else
		expect_queued(s, 1, op->queued);
}

/* From a mailbox with a dead-letter mailbox, which is the scene's. */
static void prepare_bury(struct scene *s)
{
	struct mbox_ioc_open open = open_arg(NULL, 4);
	SCENE(s);

	open.dead_letter = info_of(s->fd).id;
	s->extra = xioctl(s->factory, MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, s->extra);
	ASSERT_EQ(0, send_bytes(s->extra, 0, 0, 0, message(1), op->length));
	s->args.nack.token = lease_message(s, s->extra);
	s->args.nack.how = MBOX_NACK_REJECT;
}

static long call_bury(struct scene *s)
{
	return make_ioctl(s, s->extra, MBOX_IOC_NACK, &s->args.nack);
}

static void buried(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(1, info_of(s->extra).dead);
	EXPECT_EQ(0, info_of(s->extra).queued);
	expect_queued(s, 1, 1);
}

/* Take a lease over that the process has through another handle. */
static void prepare_extend(struct scene *s)
{
	s->args.extend.token = lease_message(s, s->observer);
	s->args.extend.flags = s->op->flags;
	s->args.extend.clock = MBOX_CLOCK_BOOTTIME;
	s->args.extend.time = HOUR;
}

static long call_extend(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_EXTEND, &s->args.extend);
}

/* The lease ends with the handle that has it now. */
static void extended(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(1, info_of(s->observer).leased);
	expect_queued(s, 2, op->queued - 1);
	close(s->fd);
	s->fd = fcntl(s->observer, F_DUPFD_CLOEXEC, 0);
	EXPECT_EQ(0, info_of(s->observer).leased);
	expect_queued(s, 1, 1);
}

static void prepare_kick(struct scene *s)
{
	struct mbox_ioc_nack nack = { .how = MBOX_NACK_REJECT };
	SCENE(s);

	for (uint32_t i = 0; i < op->queued; i++) {
		nack.token = lease_message(s, s->fd);
		ASSERT_EQ(0, xioctl(s->fd, MBOX_IOC_NACK, &nack));
	}
	s->args.kick.most = op->queued;
	s->args.kick.kicked = 0;
}

static long call_kick(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_KICK, &s->args.kick);
}

/* Only its result may have failed. */
static void kick_failed(struct scene *s)
{
	struct mbox_info info = info_of(s->observer);
	SCENE(s);

	EXPECT_TRUE(info.parked == 0 || info.parked == op->queued);
	EXPECT_EQ(op->queued, info.queued);
}

static void kicked(struct scene *s, long ret)
{
	expect_queued(s, 1, s->op->queued);
}

static void prepare_post(struct scene *s)
{
	struct mbox_ioc_post *arg = &s->args.post;

	arg->send.size = s->op->length;
	arg->send.data = address_of(s->data + STEP);
	arg->flags = s->op->flags;
	if (arg->flags & MBOX_POST_MARK)
		arg->mark = 77;
	if (arg->flags & (MBOX_POST_NOT_BEFORE | MBOX_POST_EXPIRES))
		arg->clock = MBOX_CLOCK_MONOTONIC;
	if (arg->flags & MBOX_POST_NOT_BEFORE)
		arg->not_before = now() + HOUR;
	if (arg->flags & MBOX_POST_EXPIRES)
		arg->expires = now() + 2 * HOUR;
}

static long call_post(struct scene *s)
{
	return make_ioctl(s, s->fd, MBOX_IOC_POST, &s->args.post);
}

static void posted(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->flags & MBOX_POST_MARK ? 77 : 0, info_of(s->observer).mark);
	EXPECT_EQ(!!(op->flags & MBOX_POST_NOT_BEFORE), info_of(s->observer).delayed);
	if (!(op->flags & MBOX_POST_NOT_BEFORE))
		expect_queued(s, 1, 1);
}

static void post_acked(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(s->partner->pid, ret);
	EXPECT_EQ(0, call_end(s->partner));
	EXPECT_EQ(0, memcmp(message(1), s->partner->data, op->length));
	expect_queued(s, 0, 0);
}

static void prepare_create_dead(struct scene *s)
{
	s->args.open = open_arg(NULL, 4);
	s->args.open.max_deliveries = s->op->how;
	s->args.open.dead_letter = s->op->flags ? info_of(s->fd).id : 0;
}

static void created_dead(struct scene *s, long ret)
{
	SCENE(s);

	ASSERT_LE(0, ret);
	EXPECT_EQ(op->how, info_of(ret).max_deliveries);
	EXPECT_EQ(op->flags ? s->info.id : 0, info_of(ret).dead_letter);
	close(ret);
	EXPECT_UNCHANGED(s->observer, &s->info);
}

#define LEASE(variant, ...) \
	{ \
		.name = #variant, .capacity = 4, .errors = { ENOMEM, EFAULT }, __VA_ARGS__ \
	}

#define LEASED		.prepare = prepare_lease, .call = call_lease, .done = leased, .queued = 2
#define NACKED		.prepare = prepare_nack, .call = call_nack, .done = nacked, .queued = 2
#define EXTENDED	.prepare = prepare_extend, .call = call_extend, .done = extended, .queued = 2
#define POSTED		.prepare = prepare_post, .call = call_post, .done = posted
#define ACKED \
	.prepare = prepare_ack, .call = call_ack, .failed = ack_failed, .done = acked, .queued = 3
#define KICKED \
	.prepare = prepare_kick, .call = call_kick, .failed = kick_failed, .done = kicked, .queued = 2
#define CREATED \
	.prepare = prepare_create_dead, .call = call_open, .done = created_dead, .cmd = MBOX_IOC_CREATE

const struct op lease_ops[] = {
	LEASE(lease_small, LEASED, .length = SMALL),
	LEASE(lease_small_lazy, LEASED, .length = SMALL, .lazy = true),
	LEASE(lease_large, LEASED, .length = LARGE),
	LEASE(lease_timed, LEASED, .length = SMALL, .how = 1),
	LEASE(lease_handle, LEASED, .length = SMALL, .flags = MBOX_LEASE_HANDLE),
	LEASE(lease_ack, .length = SMALL, .queued = 3, .prepare = prepare_lease_ack,
	      .call = call_lease_ack, .failed = lease_ack_failed, .done = acked_and_leased),

	LEASE(ack, ACKED, .length = SMALL),
	LEASE(nack_release, NACKED, .length = SMALL, .how = MBOX_NACK_RELEASE),
	LEASE(nack_retry, NACKED, .length = SMALL, .how = MBOX_NACK_RETRY),
	LEASE(nack_reject, NACKED, .length = SMALL, .how = MBOX_NACK_REJECT),
	LEASE(nack_dead, .length = SMALL, .prepare = prepare_bury, .call = call_bury, .done = buried),
	LEASE(extend, EXTENDED, .length = SMALL),
	LEASE(extend_handle, EXTENDED, .length = SMALL, .flags = MBOX_LEASE_HANDLE),
	LEASE(kick, KICKED, .length = SMALL),

	LEASE(post_plain, POSTED, .length = SMALL),
	LEASE(post_mark, POSTED, .length = SMALL, .flags = MBOX_POST_MARK),
	LEASE(post_large, POSTED, .length = LARGE, .flags = MBOX_POST_MARK),
	LEASE(post_delayed, POSTED, .length = SMALL, .flags = MBOX_POST_NOT_BEFORE),
	LEASE(post_expires, POSTED, .length = SMALL, .flags = MBOX_POST_EXPIRES | MBOX_POST_MARK),
	LEASE(post_times, POSTED, .length = LARGE, .flags = MBOX_POST_EXPIRES | MBOX_POST_NOT_BEFORE),
	LEASE(post_acked, .length = SMALL, .flags = MBOX_POST_ACKED, .partner = WILL_RECEIVE,
	      .prepare = prepare_post, .call = call_post, .done = post_acked),

	{
		.name = "create_deliveries",
		.capacity = 4, .errors = OPEN_ERRORS, CREATED, .how = 3,
	},

	{
		.name = "create_dead_letter",
		.capacity = 4, .errors = OPEN_ERRORS, CREATED, .flags = 1,
	},

	LAZY(lease, .capacity = 4, .length = SMALL, .errors = { ENOMEM, EFAULT }, LEASED),
	LAZY(ack, .capacity = 4, .length = SMALL, .errors = { ENOMEM, EFAULT }, ACKED),
	LAZY(nack, .capacity = 4, .length = SMALL, .errors = { ENOMEM, EFAULT }, NACKED),
	LAZY(extend, .capacity = 4, .length = SMALL, .errors = { ENOMEM, EFAULT }, EXTENDED),
	LAZY(kick, .capacity = 4, .length = SMALL, .errors = { ENOMEM, EFAULT }, KICKED),
	LAZY(post, .capacity = 4, .length = SMALL, .errors = SEND_ERRORS, POSTED, .flags = MBOX_POST_MARK),

	{}
};
