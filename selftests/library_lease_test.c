// SPDX-License-Identifier: GPL-2.0-only
/* libmbox: leases and posts. */
#include "lib/library_lease.h"

#include <limits.h>

static const struct mbox_send_opts send_nonblock = { .flags = MBOX_SEND_NONBLOCK };

static struct mbox_lease_opts lease_nonblock(void)
{
	return (struct mbox_lease_opts) { .recv = &recv_nonblock };
}

/* A delivery that no call has written to. */
static struct mbox_delivery delivery_poison(void)
{
	struct mbox_delivery delivery;

	memset(&delivery, POISON, sizeof(delivery));
	return delivery;
}

/* Lease a message that is there. Return its token, or 0. */
static uint64_t lease_token(struct mbox *mb)
{
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_delivery delivery;
	char text[64];

	return mbox_lease(mb, text, sizeof(text), &opts, NULL, &delivery) < 0 ? 0 : delivery.token;
}

TEST_F(lib, lease)
{
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_delivery delivery = delivery_poison();
	struct mbox_send_opts send = { .prio = 3, .type = 7 };

	EXPECT_RET(-EAGAIN, mbox_lease(self->mb, self->data, 100, &opts, &self->header, &delivery));
	EXPECT_POISON(delivery);
	EXPECT_NOTHING_CHANGED();
	ASSERT_EQ(0, mbox_send(self->mb, "text", 4, &send));
	EXPECT_RET(-EMSGSIZE, mbox_lease(self->mb, self->data, 3, &opts, &self->header, &delivery));
	EXPECT_EQ(4, self->header.length);
	EXPECT_POISON(delivery);
	EXPECT_RET(-EFAULT, mbox_lease(self->mb, NULL, 4, &opts, NULL, &delivery));
	EXPECT_RET(4, mbox_lease(self->mb, self->data, SIZE_MAX, &opts, &self->header, &delivery));
	EXPECT_EQ(0, memcmp("text", self->data, 4));
	EXPECT_TRUE(untouched(self->data + 4, 100));
	EXPECT_EQ(3, self->header.prio);
	EXPECT_EQ(7, self->header.type);
	EXPECT_EQ(getpid(), self->header.pid);
	EXPECT_NE(0, delivery.token);
	EXPECT_EQ(1, delivery.deliveries);
	EXPECT_EQ(0, delivery.flags);
	EXPECT_TRUE(counts(mbox_fd(self->mb), 1, 0, 0));
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(self->mb, self->data, 100, 0));
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
	EXPECT_RET(-ESTALE, mbox_ack(self->mb, delivery.token));
	EXPECT_RET(-ESTALE, mbox_ack(self->mb, 0));
	EXPECT_EQ(1, info_of(mbox_fd(self->mb)).received);
	/* without options and header */
	ASSERT_EQ(0, mbox_send(self->mb, NULL, 0, NULL));
	EXPECT_RET(0, mbox_lease(self->mb, NULL, 0, NULL, NULL, &delivery));
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
	EXPECT_BALANCED(mbox_fd(self->mb));
}

TEST_F(lib, lease_refused)
{
	const struct mbox_recv_opts peek = { .flags = MBOX_RECV_NONBLOCK | MBOX_RECV_PEEK };
	const struct mbox_lease_opts bad[] = {
		{ .recv = &recv_nonblock, .flags = 2 },
		{ .recv = &recv_nonblock, .time = 1 },
		{ .recv = &recv_nonblock, .clock = MBOX_CLOCK_MONOTONIC },
		{ .recv = &recv_nonblock, .clock = MBOX_CLOCK_REALTIME, .time = 1 },
		{ .recv = &recv_nonblock, .clock = 4, .time = 1 },
		{ .recv = &peek },
	};
	struct mbox_delivery delivery = delivery_poison();
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_ack_entry entry;
	struct mbox_info info;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mbox_lease_opts copy = bad[i];

		EXPECT_RET(-EINVAL, mbox_lease(self->mb, self->data, 1, &copy, &self->header,
					       &delivery));
		EXPECT_EQ(0, memcmp(&copy, &bad[i], sizeof(copy)));
		EXPECT_RET(-EINVAL, mbox_reply_recv(self->mb, NULL, 0, self->data, 1, &copy,
						    &self->header, &delivery));
		if (i < ARRAY_SIZE(bad) - 1)
			EXPECT_RET(-EINVAL, mbox_extend(self->mb, 1, &copy));
	}
	EXPECT_RET(-EFAULT, mbox_lease(self->mb, self->data, 1, &opts, &self->header, NULL));
	EXPECT_RET(-EFAULT, mbox_reply_recv(self->mb, NULL, 0, self->data, 1, &opts, &self->header,
					    NULL));
	EXPECT_RET(-EINVAL, mbox_lease(NULL, self->data, 1, &opts, &self->header, &delivery));
	EXPECT_RET(-EINVAL, mbox_reply_recv(NULL, NULL, 0, self->data, 1, &opts, &self->header,
					    &delivery));
	mbox_ack_entry_set(&entry, 1);
	EXPECT_RET(-EINVAL, mbox_ack(NULL, 1));
	EXPECT_RET(-EINVAL, mbox_ackv(NULL, &entry, 1));
	EXPECT_RET(-EINVAL, mbox_ackv(self->mb, &entry, 0));
	EXPECT_RET(-EINVAL, mbox_ackv(self->mb, &entry, MBOX_BATCH_MAX + 1));
	EXPECT_RET(-EFAULT, mbox_ackv(self->mb, NULL, 1));
	EXPECT_RET(-EINVAL, mbox_nack(NULL, 1, MBOX_NACK_RELEASE, 0, 0));
	EXPECT_RET(-EINVAL, mbox_nack(self->mb, 1, MBOX_NACK_REJECT + 1, 0, 0));
	EXPECT_RET(-EINVAL, mbox_nack(self->mb, 1, MBOX_NACK_RELEASE, 1, 0));
	EXPECT_RET(-EINVAL, mbox_nack(self->mb, 1, MBOX_NACK_RETRY, 0, 1));
	EXPECT_RET(-EINVAL, mbox_extend(NULL, 1, NULL));
	EXPECT_RET(-EINVAL, mbox_kick(NULL, 1));
	EXPECT_RET(-EINVAL, mbox_kick(self->mb, 0));
	EXPECT_RET(-EINVAL, mbox_reply(NULL, 1, NULL, 0));
	EXPECT_RET(-EINVAL, mbox_reply(self->mb, 0, NULL, 0));
	for (int token = 1; token < 4; token++) {
		EXPECT_RET(-ESTALE, mbox_ack(self->mb, token));
		EXPECT_RET(-ESTALE, mbox_nack(self->mb, token, MBOX_NACK_RELEASE, 0, 0));
		EXPECT_RET(-ESTALE, mbox_extend(self->mb, token, NULL));
		EXPECT_RET(-ESTALE, mbox_reply(self->mb, token, NULL, 0));
	}
	EXPECT_POISON(delivery);
	/* a handle that may only send */
	ASSERT_EQ(0, mbox_open(&self->other, self->name, MBOX_RIGHT_SEND));
	EXPECT_RET(-EBADF, mbox_lease(self->other, self->data, 1, &opts, &self->header, &delivery));
	EXPECT_RET(-EBADF, mbox_ack(self->other, 1));
	EXPECT_RET(-EBADF, mbox_nack(self->other, 1, MBOX_NACK_RELEASE, 0, 0));
	EXPECT_RET(-EBADF, mbox_extend(self->other, 1, NULL));
	EXPECT_RET(-EBADF, mbox_reply(self->other, 1, NULL, 0));
	EXPECT_RET(-EBADF, mbox_reply_recv(self->other, NULL, 0, self->data, 1, &opts,
					   &self->header, &delivery));
	mbox_close(self->other);
	self->other = NOT_WRITTEN;
	EXPECT_POISON(delivery);
	EXPECT_NOTHING_CHANGED();
	EXPECT_RET(0, mbox_get(self->mb, &info));
}

/* One call for each message: it acknowledges the one before, once, with any end. */
TEST_F(lib, lease_stream)
{
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_delivery delivery;
	uint64_t first = 0;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, mbox_send(self->mb, &"0123"[i], 1, NULL));
	for (int i = 0; i < 4; i++) {
		EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, &opts, NULL, &delivery));
		EXPECT_EQ('0' + i, self->data[0]);
		EXPECT_EQ(0, opts.ack);
		opts.ack = delivery.token;
		if (i == 0)
			first = delivery.token;
	}
	EXPECT_RET(-EAGAIN, mbox_lease(self->mb, self->data, 1, &opts, NULL, &delivery));
	EXPECT_EQ(0, opts.ack);
	EXPECT_EQ(4, info_of(mbox_fd(self->mb)).received);
	/* a call that fails before keeps it */
	ASSERT_EQ(0, mbox_send(self->mb, "4567", 4, NULL));
	ASSERT_EQ(0, mbox_send(self->mb, "89", 2, NULL));
	EXPECT_RET(4, mbox_lease(self->mb, self->data, 4, &opts, NULL, &delivery));
	opts.ack = delivery.token;
	opts.time = 1;
	EXPECT_RET(-EINVAL, mbox_lease(self->mb, self->data, 4, &opts, NULL, &delivery));
	EXPECT_EQ(delivery.token, opts.ack);
	opts.time = 0;
	EXPECT_RET(-EMSGSIZE, mbox_lease(self->mb, self->data, 1, &opts, &self->header, &delivery));
	EXPECT_EQ(2, self->header.length);
	EXPECT_EQ(0, opts.ack);
	EXPECT_TRUE(counts(mbox_fd(self->mb), 0, 0, 0));
	/* a token that is not valid: nothing is received, and the next call goes on */
	opts.ack = first;
	EXPECT_RET(-ESTALE, mbox_lease(self->mb, self->data, 4, &opts, NULL, &delivery));
	EXPECT_EQ(0, opts.ack);
	EXPECT_TRUE(counts(mbox_fd(self->mb), 0, 0, 0));
	EXPECT_RET(2, mbox_lease(self->mb, self->data, 4, &opts, NULL, &delivery));
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
	EXPECT_BALANCED(mbox_fd(self->mb));
}

/* Threads share options without a token: they are not written to. */
TEST_F(lib, lease_options_shared)
{
	static const struct mbox_lease_opts opts = { .recv = &recv_nonblock };
	struct mbox_delivery delivery;

	ASSERT_EQ(0, mbox_send(self->mb, "a", 1, NULL));
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, (struct mbox_lease_opts *)&opts, NULL,
				 &delivery));
	EXPECT_RET(-EAGAIN, mbox_lease(self->mb, self->data, 1, (struct mbox_lease_opts *)&opts,
				       NULL, &delivery));
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
}

TEST_F(lib, lease_filters)
{
	struct mbox_recv_opts recv = { .flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_TYPE, .type = 2 };
	struct mbox_lease_opts opts = { .recv = &recv };
	struct mbox_send_opts send = { .type = 1 };
	struct mbox_delivery delivery;
	int64_t began;

	ASSERT_EQ(0, mbox_send(self->mb, "one", 3, &send));
	EXPECT_RET(-EAGAIN, mbox_lease(self->mb, self->data, 9, &opts, NULL, &delivery));
	send.type = 2;
	ASSERT_EQ(0, mbox_send(self->mb, "two", 3, &send));
	EXPECT_RET(3, mbox_lease(self->mb, self->data, 9, &opts, &self->header, &delivery));
	EXPECT_EQ(0, memcmp("two", self->data, 3));
	recv.flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START;
	recv.type = 0;
	recv.pid = self->header.pid;
	recv.start = self->header.start;
	opts.ack = delivery.token;
	EXPECT_RET(3, mbox_lease(self->mb, self->data, 9, &opts, NULL, &delivery));
	EXPECT_EQ(0, memcmp("one", self->data, 3));
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
	recv.flags = 0;
	recv.pid = 0;
	recv.clock = MBOX_CLOCK_MONOTONIC;
	began = now();
	recv.deadline = began + 30 * MS;
	EXPECT_RET(-ETIMEDOUT, mbox_lease(self->mb, self->data, 9, &opts, NULL, &delivery));
	EXPECT_LE(began + 30 * MS, now());
}

TEST_F(lib, lease_time)
{
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_delivery delivery;
	int fd = mbox_fd(self->mb);

	opts.clock = MBOX_CLOCK_MONOTONIC;
	opts.time = 10 * MS;
	ASSERT_EQ(0, mbox_send(self->mb, "a", 1, NULL));
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, &opts, NULL, &delivery));
	EXPECT_EQ(POLLIN, poll_wait(fd, POLLIN));
	EXPECT_TRUE(counts(fd, 0, 0, 0));
	/* Nobody has received it: the lease can be renewed, without an end. */
	EXPECT_RET(0, mbox_extend(self->mb, delivery.token, NULL));
	EXPECT_TRUE(counts(fd, 1, 0, 0));
	EXPECT_RET(0, mbox_extend(self->mb, delivery.token, &opts));
	EXPECT_EQ(POLLIN, poll_wait(fd, POLLIN));
	EXPECT_RET(1, mbox_recv_timeout(self->mb, self->data, 1, 0));
	EXPECT_RET(-ESTALE, mbox_ack(self->mb, delivery.token));
	EXPECT_RET(-ESTALE, mbox_extend(self->mb, delivery.token, &opts));
}

TEST_F(lib, ackv)
{
	struct mbox_ack_entry entries[4];

	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, mbox_send(self->mb, "a", 1, NULL));
	for (int i = 0; i < 3; i++)
		mbox_ack_entry_set(&entries[i], lease_token(self->mb));
	mbox_ack_entry_set(&entries[3], entries[0].token);
	EXPECT_RET(3, mbox_ackv(self->mb, entries, 4));
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(i < 3 ? 0 : -ESTALE, entries[i].result);
	EXPECT_RET(0, mbox_ackv(self->mb, entries, 2));
	EXPECT_EQ(3, info_of(mbox_fd(self->mb)).received);
	EXPECT_BALANCED(mbox_fd(self->mb));
}

TEST_F(lib, nack)
{
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_delivery delivery;
	int fd = mbox_fd(self->mb);

	ASSERT_EQ(0, mbox_send(self->mb, "a", 1, NULL));
	EXPECT_RET(0, mbox_nack(self->mb, lease_token(self->mb), MBOX_NACK_RELEASE, 0, 0));
	EXPECT_RET(0, mbox_nack(self->mb, lease_token(self->mb), MBOX_NACK_RETRY, 0, 0));
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, &opts, NULL, &delivery));
	EXPECT_EQ(2, delivery.deliveries);
	EXPECT_EQ(MBOX_DELIVERY_AGAIN, delivery.flags);
	EXPECT_RET(0, mbox_nack(self->mb, delivery.token, MBOX_NACK_RETRY, 20 * MS, 0));
	EXPECT_TRUE(counts(fd, 0, 1, 0));
	EXPECT_EQ(POLLIN, poll_wait(fd, POLLIN));
	/* rejected, without a dead-letter mailbox */
	EXPECT_RET(0, mbox_nack(self->mb, lease_token(self->mb), MBOX_NACK_REJECT, 0, 5));
	EXPECT_TRUE(counts(fd, 0, 0, 1));
	EXPECT_RET(1, mbox_kick(self->mb, UINT_MAX));
	EXPECT_RET(0, mbox_kick(self->mb, 1));
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, &opts, NULL, &delivery));
	EXPECT_EQ(1, delivery.deliveries);
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
}

TEST_F(lib, dead_letter)
{
	struct mbox_attr attr = test_attr();
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_delivery delivery;
	struct mbox *mb = NOT_WRITTEN;
	struct mbox_info info;

	attr.max_deliveries = 1;
	attr.dead_letter = UINT64_MAX;
	EXPECT_RET(-ENOENT, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	attr.dead_letter = self->before.id;
	EXPECT_EQ(NOT_WRITTEN, mb);
	ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	EXPECT_RET(0, mbox_get(mb, &info));
	EXPECT_EQ(1, info.max_deliveries);
	EXPECT_EQ(self->before.id, info.dead_letter);
	attr.dead_letter = info.id;
	self->other = NOT_WRITTEN;
	EXPECT_RET(-ELOOP, mbox_create(&self->other, NULL, RIGHTS_BOTH, &attr));
	EXPECT_EQ(NOT_WRITTEN, self->other);
	attr.dead_letter = self->before.id;
	attr.policy = MBOX_POLICY_BROADCAST;
	EXPECT_RET(-EOPNOTSUPP, mbox_create(&self->other, NULL, RIGHTS_BOTH, &attr));
	EXPECT_EQ(NOT_WRITTEN, self->other);

	ASSERT_EQ(0, mbox_send(mb, "a", 1, NULL));
	EXPECT_RET(0, mbox_nack(mb, lease_token(mb), MBOX_NACK_RETRY, 0, 0));
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, &opts, NULL, &delivery));
	EXPECT_EQ(MBOX_REASON_DELIVERIES, delivery.reason);
	EXPECT_EQ(info.id, delivery.origin);
	EXPECT_EQ(1, delivery.origin_seq);
	ASSERT_EQ(0, mbox_send(mb, "b", 1, NULL));
	EXPECT_RET(0, mbox_nack(mb, lease_token(mb), MBOX_NACK_REJECT, 0, 42));
	opts.ack = delivery.token;
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, &opts, NULL, &delivery));
	EXPECT_EQ(MBOX_REASON_REJECTED, delivery.reason);
	EXPECT_EQ(42, delivery.code);
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
	mbox_close(mb);
}

TEST_F(lib, post)
{
	struct mbox_send_opts send = { .flags = MBOX_SEND_NONBLOCK, .prio = 9 };
	struct mbox_post_opts opts = { .send = &send, .flags = MBOX_POST_MARK, .mark = 77 };
	int fd = mbox_fd(self->mb);
	struct mbox_info info;

	EXPECT_RET(0, mbox_post(self->mb, "low", 3, NULL));
	EXPECT_RET(0, mbox_get(self->mb, &info));
	EXPECT_EQ(0, info.mark);
	EXPECT_RET(0, mbox_post(self->mb, "high", 4, &opts));
	EXPECT_RET(0, mbox_get(self->mb, &info));
	EXPECT_EQ(77, info.mark);
	EXPECT_RET(4, mbox_recv(self->mb, self->data, 9, &recv_nonblock, &self->header));
	EXPECT_EQ(9, self->header.prio);
	EXPECT_RET(3, mbox_recv(self->mb, self->data, 9, &recv_nonblock, NULL));

	opts = (struct mbox_post_opts) {
		.flags = MBOX_POST_NOT_BEFORE | MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_BOOTTIME,
		.expires = INT64_MAX,
	};
	EXPECT_RET(0, mbox_deadline_after(20 * MS, opts.clock, &opts.not_before));
	EXPECT_RET(0, mbox_post(self->mb, "late", 4, &opts));
	EXPECT_TRUE(counts(fd, 0, 1, 0));
	EXPECT_RET(4, mbox_recv(self->mb, self->data, 9, NULL, NULL));
	EXPECT_LE(opts.not_before, now_on(CLOCK_BOOTTIME));
	opts.flags = MBOX_POST_EXPIRES;
	opts.not_before = 0;
	opts.expires = 1;
	EXPECT_RET(0, mbox_post(self->mb, "old", 3, &opts));
	EXPECT_RET(-EAGAIN, mbox_recv(self->mb, self->data, 9, &recv_nonblock, NULL));
	EXPECT_TRUE(counts(fd, 0, 0, 1));
	EXPECT_BALANCED(fd);
}

TEST_F(lib, post_refused)
{
	const struct mbox_send_opts sync = { .flags = MBOX_SEND_SYNC };
	const struct mbox_post_opts bad[] = {
		{ .flags = 16 },
		{ .mark = 1 },
		{ .clock = MBOX_CLOCK_MONOTONIC },
		{ .not_before = 1 },
		{ .flags = MBOX_POST_EXPIRES, .expires = 1 },
		{ .flags = MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_REALTIME, .expires = 1 },
		{ .flags = MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_MONOTONIC, .expires = -1 },
		{ .flags = MBOX_POST_EXPIRES | MBOX_POST_ACKED, .clock = MBOX_CLOCK_MONOTONIC },
		{ .send = &sync, .flags = MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_MONOTONIC },
		{ .send = &send_nonblock, .flags = MBOX_POST_ACKED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_RET(-EINVAL, mbox_post(self->mb, "x", 1, &bad[i]));
	EXPECT_RET(-EINVAL, mbox_post(NULL, "x", 1, NULL));
	EXPECT_RET(-EFAULT, mbox_post(self->mb, NULL, 1, NULL));
	EXPECT_RET(-EMSGSIZE, mbox_post(self->mb, self->data, MBOX_MSG_SIZE_DEFAULT + 1, NULL));
	EXPECT_NOTHING_CHANGED();
}

/* A sender that waits for the acknowledgement, and one that gives up. */
static int post_acked(void *arg)
{
	struct mbox_send_opts send = { .clock = MBOX_CLOCK_MONOTONIC };
	struct mbox_post_opts opts = { .send = &send, .flags = MBOX_POST_ACKED };

	send.deadline = INT64_MAX;
	CHECK_RET(getppid(), mbox_post(arg, "one", 3, &opts));
	send.deadline = now() + 50 * MS;
	CHECK_RET(-ETIMEDOUT, mbox_post(arg, "two", 3, &opts));
	return 0;
}

TEST_F(lib, post_acked)
{
	struct mbox_lease_opts opts = { .flags = 0 };
	struct mbox_delivery delivery;
	pid_t pid = fork_child();

	if (!pid)
		_exit(post_acked(self->mb));
	EXPECT_RET(3, mbox_lease(self->mb, self->data, 9, NULL, NULL, &delivery));
	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 1, 0));
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
	EXPECT_RET(3, mbox_lease(self->mb, self->data, 9, NULL, NULL, &delivery));
	EXPECT_EQ(0, memcmp("two", self->data, 3));
	EXPECT_EQ(0, reap(pid));
	/* withdrawn: the token is of no use any more, and the next call receives */
	opts.ack = delivery.token;
	EXPECT_RET(-ECANCELED, mbox_lease(self->mb, self->data, 9, &opts, NULL, &delivery));
	EXPECT_EQ(0, opts.ack);
	EXPECT_RET(-ESTALE, mbox_ack(self->mb, delivery.token));
	EXPECT_BALANCED(mbox_fd(self->mb));
}

/* Leases and calls need one queue. */
TEST_F(lib, other_kinds)
{
	struct mbox_lease_opts opts = lease_nonblock();
	struct mbox_delivery delivery = delivery_poison();
	struct mbox_attr attrs[] = { test_attr(), test_attr() };
	struct mbox *mb;

	attrs[0].policy = MBOX_POLICY_BROADCAST;
	attrs[1].capacity = 0;
	attrs[1].ring = 65536;
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attrs[i]));
		EXPECT_RET(-EOPNOTSUPP, mbox_lease(mb, self->data, 1, &opts, NULL, &delivery));
		EXPECT_RET(-EOPNOTSUPP, mbox_ack(mb, 1));
		EXPECT_RET(-EOPNOTSUPP, mbox_nack(mb, 1, MBOX_NACK_RELEASE, 0, 0));
		EXPECT_RET(-EOPNOTSUPP, mbox_extend(mb, 1, NULL));
		EXPECT_RET(-EOPNOTSUPP, mbox_kick(mb, 1));
		EXPECT_RET(-EOPNOTSUPP, mbox_post(mb, "x", 1, NULL));
		EXPECT_RET(-EOPNOTSUPP, mbox_call(mb, "x", 1, NULL, 0, NULL, NULL));
		EXPECT_RET(-EOPNOTSUPP, mbox_reply(mb, 1, NULL, 0));
		EXPECT_RET(-EOPNOTSUPP, mbox_reply_recv(mb, NULL, 0, self->data, 1, &opts, NULL,
							&delivery));
		mbox_close(mb);
	}
	EXPECT_POISON(delivery);
}

/* A worker that ends loses nothing; with MBOX_LEASE_HANDLE the lease goes on. */
struct holder {
	struct mbox *mb;
	struct mbox_lease_opts opts;
};

static int lease_and_exit(void *arg)
{
	struct holder *holder = arg;
	struct mbox_delivery delivery;
	char byte;

	CHECK_RET(1, mbox_lease(holder->mb, &byte, 1, &holder->opts, NULL, &delivery));
	return 0;
}

TEST_F(lib, lease_holder)
{
	struct holder holder = { self->mb, lease_nonblock() };
	struct mbox_delivery delivery;
	int fd = mbox_fd(self->mb);

	ASSERT_EQ(0, mbox_send(self->mb, "a", 1, NULL));
	EXPECT_EQ(0, in_child(lease_and_exit, &holder));
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 1, NULL, NULL, &delivery));
	EXPECT_EQ(2, delivery.deliveries);
	EXPECT_RET(0, mbox_nack(self->mb, delivery.token, MBOX_NACK_RELEASE, 0, 0));
	holder.opts.flags = MBOX_LEASE_HANDLE;
	EXPECT_EQ(0, in_child(lease_and_exit, &holder));
	EXPECT_TRUE(counts(fd, 1, 0, 0));
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(self->mb, self->data, 1, 0));
}

MBOX_TEST_MAIN
