// SPDX-License-Identifier: GPL-2.0-only
/* Calls that may not block, by their flag or by the handle's, do not; and lose nothing. */
#include "lib/child_call.h"

FIXTURE(nonblock)
{
	int fd;
	char name[MBOX_NAME_SIZE];
	uint32_t send_flags;
	uint32_t recv_flags;
};

FIXTURE_VARIANT(nonblock)
{
	bool by_handle;
	uint32_t capacity;
};

FIXTURE_VARIANT_ADD(nonblock, flag) { .capacity = 1 };
FIXTURE_VARIANT_ADD(nonblock, handle) { .by_handle = true, .capacity = 1 };
FIXTURE_VARIANT_ADD(nonblock, flag_zero) { .capacity = 0 };
FIXTURE_VARIANT_ADD(nonblock, handle_zero) { .by_handle = true, .capacity = 0 };

FIXTURE_SETUP(nonblock)
{
	struct mbox_ioc_open arg;

	name_make(self->name);
	arg = open_arg(self->name, variant->capacity);
	if (variant->by_handle) {
		arg.flags = MBOX_OPEN_NONBLOCK;
	} else {
		self->send_flags = MBOX_SEND_NONBLOCK;
		self->recv_flags = MBOX_RECV_NONBLOCK;
	}
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(nonblock)
{
	close(self->fd);
}

static int send_text(struct _test_data_nonblock *self, const char *text)
{
	return send_bytes(self->fd, self->send_flags, 0, 0, text, strlen(text));
}

TEST_F(nonblock, empty)
{
	struct mbox_info before = info_of(self->fd);
	struct mbox_header header;
	uint8_t data[16];

	memset(data, POISON, sizeof(data));
	EXPECT_EQ(-EAGAIN, recv_bytes(self->fd, self->recv_flags, data, sizeof(data), &header));
	EXPECT_TRUE(untouched(data, sizeof(data)));
	EXPECT_TRUE(untouched(&header, sizeof(header)));
	EXPECT_EQ(-EAGAIN, recv_bytes(self->fd, self->recv_flags | MBOX_RECV_PEEK, data,
				      sizeof(data), &header));
	/* that there is nothing is found before the address is looked at */
	EXPECT_EQ(-EAGAIN, recv_bytes(self->fd, self->recv_flags, NULL, 16, &header));
	EXPECT_UNCHANGED(self->fd, &before);
}

TEST_F(nonblock, full)
{
	struct mbox_info before;

	if (variant->capacity) {
		ASSERT_EQ(0, send_text(self, "first"));
	}
	before = info_of(self->fd);
	EXPECT_EQ(-EAGAIN, send_text(self, "second"));
	EXPECT_EQ(-EAGAIN, send_text(self, ""));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_STREQ(variant->capacity ? "first" : "EAGAIN", take(self->fd));
}

/* Nothing is waited for where somebody waits already. */
TEST_F(nonblock, meets_receiver)
{
	int blocking = open_name(self->name, MBOX_RIGHT_RECV);
	struct call *receiver;

	ASSERT_LE(0, blocking);
	receiver = recv_start(blocking);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, send_text(self, "text"));
	EXPECT_STREQ("text", recv_end(receiver));
	EXPECT_BALANCED(self->fd);
	close(blocking);
}

/* The flag of the handle is shared by all processes that have it; that of a call is the call's. */
TEST(scope)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 1, name);
	int other = open_name(name, RIGHTS_BOTH), copy = dup(fd);
	struct call *receiver;

	ASSERT_LE(0, other);
	ASSERT_LE(0, copy);
	ASSERT_EQ(0, fcntl(copy, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, recv_bytes(fd, 0, NULL, 0, NULL));
	receiver = recv_start(other);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", recv_end(receiver));
	ASSERT_EQ(0, fcntl(copy, F_SETFL, 0));
	EXPECT_EQ(-EAGAIN, recv_bytes(fd, MBOX_RECV_NONBLOCK, NULL, 0, NULL));
	receiver = recv_start(fd);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_EQ(0, put(other, 0, "text"));
	EXPECT_STREQ("text", recv_end(receiver));
	close(copy);
	close(other);
	close(fd);
}

/* A call that is blocked already goes on, when the flag is set later. */
TEST(set_while_blocked)
{
	int fd = box_new(_metadata, 1);
	struct call *receiver = recv_start(fd);

	ASSERT_TRUE(await_blocked(fd, 0, 1));
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(1, info_of(fd).receivers);
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", recv_end(receiver));
	close(fd);
}

MBOX_TEST_MAIN
