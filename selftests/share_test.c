// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: a receiver that does not receive cannot use up all that its sender has. A user that sends
 * to many always has something left for the others.
 *
 * Sets a module parameter, and sets it back.
 */
#include "lib/lease.h"
#include "lib/module.h"
#include "lib/user.h"

#include <sys/stat.h>

#define BYTES	(1U << 20)
#define UNIT	(BYTES / 64)			/* the charge of a message */
#define SIZE	(UNIT - MBOX_LARGE_CHARGE)	/* of its payload */
#define BOXES	5

FIXTURE(share)
{
	uint64_t bytes;
	uid_t service, other;
	char names[BOXES][MBOX_NAME_SIZE];
	int fds[BOXES];			/* root's, of mailboxes of root's */
};

FIXTURE_VARIANT(share)
{
	uint32_t policy;
};

FIXTURE_VARIANT_ADD(share, fifo) { .policy = MBOX_POLICY_FIFO };
FIXTURE_VARIANT_ADD(share, priority) { .policy = MBOX_POLICY_PRIO };

FIXTURE_SETUP(share)
{
	struct mbox_ioc_open arg;

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	self->bytes = param_get("user_bytes");
	if (!self->bytes || param_set("user_bytes", BYTES))
		SKIP(return, "the module parameters cannot be written");
	self->service = spare_uid(0);
	self->other = spare_uid(1);
	umask(0);
	for (int i = 0; i < BOXES; i++) {
		name_make(self->names[i]);
		arg = open_arg(self->names[i], MBOX_CAPACITY_UNBOUNDED);
		arg.mode = 0622;
		arg.msg_size = BYTES / 2;
		arg.policy = variant->policy;
		self->fds[i] = open_call(MBOX_IOC_CREATE, &arg);
		ASSERT_LE(0, self->fds[i]);
	}
}

/* The mailboxes end with the process of the test. */
FIXTURE_TEARDOWN_PARENT(share)
{
	if (self->bytes)
		param_set("user_bytes", self->bytes);
}

struct filling {
	const char *name;
	uid_t uid;
	uint32_t size, max;
};

/* Send until it is refused, or @max times: how often. */
static int fill_as_user(void *arg)
{
	static uint8_t data[BYTES];
	struct filling *filling = arg;
	int fd, ret = 0, n = 0;

	if (become(filling->uid, filling->uid))
		return -EPROTO;
	fd = open_name(filling->name, MBOX_RIGHT_SEND);
	if (fd < 0)
		return fd;
	for (; n < filling->max; n++) {
		ret = send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, filling->size);
		if (ret)
			break;
	}
	return ret && ret != -EDQUOT ? ret : n;
}

static int fill(struct _test_data_share *self, int box, uid_t uid, uint32_t size, uint32_t max)
{
	struct filling filling = { self->names[box], uid, size, max };

	return in_child(fill_as_user, &filling);
}

static int drain(int fd)
{
	static uint8_t data[BYTES];
	int n = 0;

	while (!recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL))
		n++;
	return n;
}

/* Three quarters, and half of the rest for each that comes after it. */
TEST_F(share, something_is_always_left)
{
	EXPECT_EQ(48, fill(self, 0, self->service, SIZE, 1000));
	EXPECT_EQ(8, fill(self, 1, self->service, SIZE, 1000));
	EXPECT_EQ(4, fill(self, 2, self->service, SIZE, 1000));
	EXPECT_EQ(2, fill(self, 3, self->service, SIZE, 1000));
	EXPECT_EQ(1, fill(self, 4, self->service, SIZE, 1000));
	EXPECT_EQ(0, fill(self, 0, self->service, 1, 1));
	/* a received message leaves its room to it and to others */
	EXPECT_EQ(48, drain(self->fds[0]));
	EXPECT_EQ(16, fill(self, 0, self->service, SIZE, 16));
	EXPECT_EQ(1, fill(self, 1, self->service, SIZE, 1));
	for (int i = 0; i < BOXES; i++)
		drain(self->fds[i]);
	EXPECT_EQ(48, fill(self, 0, self->service, SIZE, 1000));
	EXPECT_EQ(48, info_of(self->fds[0]).queued);
	EXPECT_BALANCED(self->fds[0]);
}

TEST_F(share, small_messages_too)
{
	int n = fill(self, 0, self->service, 1, 100000);

	EXPECT_GE(BYTES / MBOX_SMALL_CHARGE * 3 / 4 + 1, n);
	EXPECT_LE(BYTES / MBOX_SMALL_CHARGE * 3 / 4 - 1, n);
	EXPECT_EQ(10, fill(self, 1, self->service, 1, 10));
	EXPECT_EQ(n, drain(self->fds[0]));
	EXPECT_EQ(n, fill(self, 0, self->service, 1, n) + 10);
}

/* The first half is for any use. */
TEST_F(share, nothing_is_counted_below_the_half)
{
	EXPECT_EQ(32, fill(self, 0, self->service, SIZE, 32));
	for (int i = 1; i < BOXES; i++)
		EXPECT_EQ(1, fill(self, i, self->service, SIZE, 1));
}

/* Messages of others in a mailbox do not count against a user. */
TEST_F(share, of_each_user_apart)
{
	EXPECT_EQ(48, fill(self, 0, self->other, SIZE, 1000));
	EXPECT_EQ(40, fill(self, 1, self->service, SIZE, 40));
	EXPECT_EQ(12, fill(self, 0, self->service, SIZE, 1000));
	EXPECT_EQ(0, fill(self, 0, self->other, 1, 1));
	EXPECT_EQ(60, drain(self->fds[0]));
	EXPECT_EQ(48, fill(self, 0, self->other, SIZE, 1000));
}

/* In a mailbox of his own a user may have all that he has. */
static int fill_own(void *arg)
{
	struct _test_data_share *self = arg;
	struct mbox_ioc_open open = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	static uint8_t data[BYTES];
	int fd, n = 0;

	if (become(self->service, self->service))
		return -EPROTO;
	open.msg_size = BYTES;
	fd = open_call(MBOX_IOC_CREATE, &open);
	while (fd >= 0 && !send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, SIZE))
		n++;
	return fd < 0 ? fd : n;
}

TEST_F(share, of_his_own_mailbox)
{
	EXPECT_EQ(64, in_child(fill_own, self));
}

/* A blocked send is counted, and not any more when it ends. */
static int block_as_service(void *arg)
{
	struct _test_data_share *self = arg;
	static uint8_t data[BYTES];
	struct mbox_ioc_send send = {
		.data = address_of(data), .size = SIZE, .clock = MBOX_CLOCK_MONOTONIC,
	};
	int fd, ret;

	if (become(self->service, self->service))
		return -EPROTO;
	fd = open_name(self->names[1], MBOX_RIGHT_SEND);
	for (int i = 0; i < 20; i++) {
		send.deadline = now() + 2 * NSEC_PER_MSEC;
		ret = xioctl(fd, MBOX_IOC_SEND, &send);
		if (ret != -ETIMEDOUT)
			return ret ?: -EPROTO;
	}
	return 0;
}

TEST_F(share, of_sends_that_are_withdrawn)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = MBOX_CAPACITY_ZERO };

	EXPECT_EQ(40, fill(self, 0, self->service, SIZE, 40));
	ASSERT_EQ(0, xioctl(self->fds[1], MBOX_IOC_SET, &set));
	EXPECT_EQ(0, in_child(block_as_service, self));
	set.capacity = MBOX_CAPACITY_UNBOUNDED;
	ASSERT_EQ(0, xioctl(self->fds[1], MBOX_IOC_SET, &set));
	EXPECT_EQ(12, fill(self, 1, self->service, SIZE, 1000));
}

/* A user that may exceed the quota may exceed the share, too. */
TEST_F(share, of_privileged_user)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	static uint8_t data[BYTES];
	int fd, n;

	arg.msg_size = BYTES;
	ASSERT_EQ(0, setresuid(self->other, -1, -1));
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_EQ(0, setresuid(0, -1, -1));
	ASSERT_LE(0, fd);
	for (n = 0; n < 80; n++)
		ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, SIZE));
	EXPECT_EQ(80, drain(fd));
	close(fd);
}

TEST_F(share, of_a_quota_that_is_lowered)
{
	EXPECT_EQ(20, fill(self, 0, self->service, SIZE, 20));
	ASSERT_EQ(0, param_set("user_bytes", BYTES / 4));
	EXPECT_EQ(0, fill(self, 1, self->service, 1, 1));
	EXPECT_EQ(20, drain(self->fds[0]));
	EXPECT_EQ(12, fill(self, 0, self->service, SIZE, 1000));
}

/* A dead letter counts in the mailbox to which it moves; where that has its share, it is parked. */
TEST_F(share, of_dead_letters)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	struct filling filling;
	char name[MBOX_NAME_SIZE];
	struct leased one;
	int fd;

	name_make(name);
	name_copy(arg.name, name);
	arg.mode = 0622;
	arg.msg_size = BYTES / 2;
	arg.dead_letter = info_of(self->fds[0]).id;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(48, fill(self, 0, self->service, SIZE, 1000));
	filling = (struct filling) { name, self->service, 1, 2 };
	EXPECT_EQ(2, in_child(fill_as_user, &filling));
	one = lease(fd);
	ASSERT_EQ(0, one.error);
	EXPECT_EQ(0, nack(fd, one.delivery.token, MBOX_NACK_REJECT, 0, 0));
	EXPECT_TRUE(counts(fd, 0, 0, 1));
	EXPECT_EQ(48, drain(self->fds[0]));
	one = lease(fd);
	ASSERT_EQ(0, one.error);
	EXPECT_EQ(0, nack(fd, one.delivery.token, MBOX_NACK_REJECT, 0, 0));
	EXPECT_TRUE(counts(fd, 0, 0, 1));
	EXPECT_EQ(1, kick(fd, 10));
	one = lease(fd);
	EXPECT_EQ(0, nack(fd, one.delivery.token, MBOX_NACK_REJECT, 0, 0));
	EXPECT_TRUE(counts(fd, 0, 0, 0));
	EXPECT_EQ(2, drain(self->fds[0]));
	EXPECT_EQ(48, fill(self, 0, self->service, SIZE, 1000));
	close(fd);
}

/* Deliveries of broadcasts. */
FIXTURE(cast)
{
	uint64_t bytes;
	uid_t uid;
	char names[2][MBOX_NAME_SIZE];
	int fds[2];
};

FIXTURE_SETUP(cast)
{
	struct mbox_ioc_open arg;

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	self->bytes = param_get("user_bytes");
	if (!self->bytes || param_set("user_bytes", 64 * 2 * MBOX_SMALL_CHARGE))
		SKIP(return, "the module parameters cannot be written");
	self->uid = spare_uid(0);
	umask(0);
	for (int i = 0; i < 2; i++) {
		name_make(self->names[i]);
		arg = open_arg(self->names[i], MBOX_CAPACITY_UNBOUNDED);
		arg.mode = 0622;
		arg.policy = MBOX_POLICY_BROADCAST;
		self->fds[i] = open_call(MBOX_IOC_CREATE, &arg);
		ASSERT_LE(0, self->fds[i]);
	}
}

FIXTURE_TEARDOWN_PARENT(cast)
{
	if (self->bytes)
		param_set("user_bytes", self->bytes);
}

static int cast_as_user(void *arg)
{
	struct filling *filling = arg;
	int fd, n = 0;

	if (become(filling->uid, filling->uid))
		return -EPROTO;
	fd = open_name(filling->name, MBOX_RIGHT_SEND);
	while (put(fd, 0, "news") == 1)
		n++;
	return n;
}

static int cast(struct _test_data_cast *self, int box)
{
	struct filling filling = { .name = self->names[box], .uid = self->uid };

	return in_child(cast_as_user, &filling);
}

TEST_F(cast, deliveries_are_counted)
{
	int n;

	/* each is a message and a delivery */
	EXPECT_EQ(48, cast(self, 0));
	EXPECT_EQ(8, cast(self, 1));
	for (n = 0; !strcmp("news", take(self->fds[0])); n++)
		;
	EXPECT_EQ(48, n);
	for (n = 0; !strcmp("news", take(self->fds[1])); n++)
		;
	EXPECT_EQ(8, n);
	EXPECT_EQ(48, cast(self, 0));
	close(self->fds[0]);
	EXPECT_EQ(48, cast(self, 1));
}

MBOX_TEST_MAIN
