// SPDX-License-Identifier: GPL-2.0-only
/* Dead letters: messages that were given out too often, rejected, or expired. */
#include "lib/broadcast.h"
#include "lib/lease.h"

#define MS 1000000ULL

FIXTURE(dead)
{
	int fd, letters;
};

/* A mailbox with @max deliveries and the dead-letter mailbox @letters, or none. */
static int box_with(uint32_t max, int letters)
{
	struct mbox_ioc_open arg = open_arg("", 8);

	arg.lifetime = MBOX_LIFETIME_FD;
	arg.max_deliveries = max;
	arg.dead_letter = letters < 0 ? 0 : info_of(letters).id;
	return open_call(MBOX_IOC_CREATE, &arg);
}

FIXTURE_SETUP(dead)
{
	self->letters = box_new(_metadata, 2);
	self->fd = box_with(2, self->letters);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(dead)
{
	close(self->fd);
	close(self->letters);
}

TEST_F(dead, deliveries)
{
	struct leased one;

	EXPECT_EQ(2, info_of(self->fd).max_deliveries);
	EXPECT_EQ(info_of(self->letters).id, info_of(self->fd).dead_letter);
	ASSERT_EQ(0, put(self->fd, 3, "one"));
	for (int i = 0; i < 2; i++) {
		one = lease(self->fd);
		ASSERT_EQ(0, one.error);
		EXPECT_EQ(i + 1, one.delivery.deliveries);
		EXPECT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_RETRY, 0, 0));
	}
	EXPECT_EQ(-EAGAIN, lease(self->fd).error);
	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(1, info_of(self->fd).dead);
	EXPECT_EQ(1, info_of(self->fd).dropped);
	one = lease(self->letters);
	ASSERT_EQ(0, one.error);
	EXPECT_STREQ("one", one.text);
	EXPECT_EQ(3, one.header.prio);
	EXPECT_EQ(getpid(), one.header.pid);
	EXPECT_EQ(MBOX_REASON_DELIVERIES, one.delivery.reason);
	EXPECT_EQ(info_of(self->fd).id, one.delivery.origin);
	EXPECT_EQ(1, one.delivery.origin_seq);
	EXPECT_EQ(0, ack(self->letters, one.delivery.token));
	EXPECT_TRUE(counts(self->letters, 0, 0, 0));
}

TEST_F(dead, rejected)
{
	struct leased one;
	struct call *call;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	call = recv_start(self->letters);
	one = lease(self->fd);
	EXPECT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_REJECT, 0, 42));
	EXPECT_STREQ("one", recv_end(call));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	EXPECT_EQ(0, nack(self->fd, lease(self->fd).delivery.token, MBOX_NACK_REJECT, 0, 42));
	one = lease(self->letters);
	EXPECT_EQ(MBOX_REASON_REJECTED, one.delivery.reason);
	EXPECT_EQ(42, one.delivery.code);
	EXPECT_EQ(0, ack(self->letters, one.delivery.token));
}

TEST_F(dead, expired)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_BOOTTIME };
	struct leased one;

	arg.expires = now_on(CLOCK_BOOTTIME) + 10 * MS;
	ASSERT_EQ(0, post(self->fd, arg, "old"));
	EXPECT_EQ(POLLIN, poll_wait(self->letters, POLLIN));
	one = lease(self->letters);
	EXPECT_STREQ("old", one.text);
	EXPECT_EQ(MBOX_REASON_EXPIRED, one.delivery.reason);
	EXPECT_EQ(0, info_of(self->fd).queued);
}

/* Where there is no room, messages are parked, and none is lost. */
TEST_F(dead, full)
{
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, put(self->fd, 0, "one"));
		EXPECT_EQ(0, nack(self->fd, lease(self->fd).delivery.token, MBOX_NACK_REJECT, 0, 0));
	}
	EXPECT_EQ(2, info_of(self->letters).queued);
	EXPECT_TRUE(counts(self->fd, 0, 0, 2));
	EXPECT_EQ(2, kick(self->fd, 100));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(0, delete_fd(self->letters, MBOX_DELETE_FORCE));
	EXPECT_EQ(0, nack(self->fd, lease(self->fd).delivery.token, MBOX_NACK_REJECT, 0, 0));
	EXPECT_TRUE(counts(self->fd, 0, 0, 1));
	EXPECT_STREQ("one", take(self->fd));
}

TEST_F(dead, create)
{
	struct mbox_ioc_open arg = open_arg("", 8);

	EXPECT_EQ(-ELOOP, box_with(0, self->fd));
	arg.lifetime = MBOX_LIFETIME_FD;
	arg.dead_letter = UINT64_MAX;
	EXPECT_EQ(-ENOENT, open_call(MBOX_IOC_CREATE, &arg));
	arg.dead_letter = 0;
	arg.pad2 = 1;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
	arg.pad2 = 0;
	arg.policy = MBOX_POLICY_BROADCAST;
	arg.max_deliveries = 1;
	EXPECT_EQ(-EOPNOTSUPP, open_call(MBOX_IOC_CREATE, &arg));
}

/* A mailbox that cannot hold dead letters is refused, and is as before. */
TEST_F(dead, create_with_broadcast)
{
	struct mbox_info before;
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(2, 0));
	before = info_of(cast.fd);
	EXPECT_EQ(-EOPNOTSUPP, box_with(0, cast.fd));
	EXPECT_UNCHANGED(cast.fd, &before);
	cast_end(&cast);
}

/* Messages that a peek is copying, which takes some time for large ones, move once that is done. */
TEST(peeked)
{
	enum { LARGE = 4 << 20, ROUNDS = 20 };
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	struct mbox_ioc_lease cut = { .recv.flags = MBOX_RECV_NONBLOCK | MBOX_RECV_TRUNC };
	int letters, fd, *stop = shared_alloc(sizeof(*stop));
	char *data = calloc(1, LARGE);
	pid_t peeker;

	ASSERT_NE(NULL, data);
	arg.msg_size = LARGE;
	letters = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, letters);
	arg.dead_letter = info_of(letters).id;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	peeker = fork_child();
	ASSERT_LE(0, peeker);
	if (peeker == 0) {
		while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
			int ret = recv_bytes(fd, MBOX_RECV_PEEK | MBOX_RECV_NONBLOCK, data, LARGE, NULL);

			if (ret && ret != -EAGAIN)
				_exit(1);
		}
		_exit(0);
	}
	for (int round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, send_bytes(fd, 0, 0, 0, data, LARGE));
		/* the peek has begun, most likely */
		nap();
		ASSERT_EQ(0, xioctl(fd, MBOX_IOC_LEASE, &cut));
		ASSERT_EQ(0, nack(fd, cut.delivery.token, MBOX_NACK_REJECT, 0, 7));
		ASSERT_EQ(POLLIN, poll_wait(letters, POLLIN));
		ASSERT_EQ(0, xioctl(letters, MBOX_IOC_LEASE, &cut));
		EXPECT_EQ(LARGE, cut.recv.header.length);
		EXPECT_EQ(7, cut.delivery.code);
		EXPECT_EQ(0, info_of(fd).queued);
		ASSERT_EQ(0, ack(letters, cut.delivery.token));
	}
	set_flag(stop);
	EXPECT_EQ(0, reap(peeker));
	EXPECT_EQ(ROUNDS, info_of(fd).dead);
	close(fd);
	close(letters);
	free(data);
}

TEST_HARNESS_MAIN
