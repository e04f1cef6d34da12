// SPDX-License-Identifier: GPL-2.0-only
/* Deadlines: absolute, on a named clock; never too early, and no error when they are past. */
#include "lib/child_call.h"

/* A call that has to wait: a receive from an empty mailbox, a send to a full one, a rendezvous. */
enum kind { RECEIVE, PEEK, SEND, MEET };

FIXTURE(deadline)
{
	int fd;
	uint8_t data[64];
	struct mbox_info before;
};

FIXTURE_VARIANT(deadline)
{
	enum kind kind;
	uint32_t clock;
	clockid_t id;
};

#define VARIANTS(name_, clock_, id_) \
	FIXTURE_VARIANT_ADD(deadline, receive_##name_) \
		{ .kind = RECEIVE, .clock = (clock_), .id = (id_) }; \
	FIXTURE_VARIANT_ADD(deadline, peek_##name_) \
		{ .kind = PEEK, .clock = (clock_), .id = (id_) }; \
	FIXTURE_VARIANT_ADD(deadline, send_##name_) \
		{ .kind = SEND, .clock = (clock_), .id = (id_) }; \
	FIXTURE_VARIANT_ADD(deadline, rendezvous_##name_) \
		{ .kind = MEET, .clock = (clock_), .id = (id_) }

VARIANTS(monotonic, MBOX_CLOCK_MONOTONIC, CLOCK_MONOTONIC);
VARIANTS(boottime, MBOX_CLOCK_BOOTTIME, CLOCK_BOOTTIME);
VARIANTS(realtime, MBOX_CLOCK_REALTIME, CLOCK_REALTIME);

FIXTURE_SETUP(deadline)
{
	self->fd = box_new(_metadata, variant->kind == MEET ? MBOX_CAPACITY_ZERO : 1);
	if (variant->kind == SEND) {
		ASSERT_EQ(0, put(self->fd, 0, "full"));
	}
	memset(self->data, POISON, sizeof(self->data));
	self->before = info_of(self->fd);
}

FIXTURE_TEARDOWN(deadline)
{
	close(self->fd);
}

static struct call *call_make_ready(int fd, const struct _fixture_variant_deadline *variant,
				    int64_t deadline)
{
	bool receives = variant->kind == RECEIVE || variant->kind == PEEK;
	struct call *call = call_new(fd, receives ? CALL_RECV : CALL_SEND);

	if (variant->kind == PEEK)
		call->recv.flags = MBOX_RECV_PEEK;
	call->recv.clock = call->send.clock = variant->clock;
	call->recv.deadline = call->send.deadline = deadline;
	call->send.size = 4;
	memcpy(call->data, "text", 4);
	return call;
}

static long try_until(struct _test_data_deadline *self,
		      const struct _fixture_variant_deadline *variant, int64_t deadline)
{
	return call_make(call_make_ready(self->fd, variant, deadline));
}

TEST_F(deadline, passes)
{
	static const int64_t waits[] = { 1, 1000, 1000000, 30 * NSEC_PER_MSEC };

	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		int64_t deadline = now_on(variant->id) + waits[i];

		EXPECT_EQ(-ETIMEDOUT, try_until(self, variant, deadline));
		EXPECT_LE(deadline, now_on(variant->id));
		EXPECT_UNCHANGED(self->fd, &self->before);
	}
}

TEST_F(deadline, past)
{
	const int64_t past[] = { 0, 1, now_on(variant->id) - 1, now_on(variant->id) / 2 };

	for (size_t i = 0; i < ARRAY_SIZE(past); i++) {
		EXPECT_EQ(-ETIMEDOUT, try_until(self, variant, past[i]));
		EXPECT_UNCHANGED(self->fd, &self->before);
	}
}

/* A call that need not wait succeeds, even after its deadline. */
TEST_F(deadline, past_without_waiting)
{
	struct call *call = call_make_ready(self->fd, variant, 0), *other;

	switch (variant->kind) {
	case RECEIVE:
	case PEEK:
		ASSERT_EQ(0, put(self->fd, 0, "text"));
		EXPECT_EQ(0, call_make(call));
		EXPECT_EQ(4, call->recv.header.length);
		break;
	case SEND:
		EXPECT_STREQ("full", take(self->fd));
		EXPECT_EQ(0, call_make(call));
		EXPECT_STREQ("text", take(self->fd));
		break;
	case MEET:
		/* to have been received takes the other side's time */
		other = recv_start(self->fd);
		ASSERT_TRUE(await_blocked(self->fd, 0, 1));
		call->send.flags = MBOX_SEND_NONBLOCK;
		EXPECT_EQ(0, call_make(call));
		EXPECT_STREQ("text", recv_end(other));
		break;
	}
	EXPECT_BALANCED(self->fd);
}

/* Bad deadlines are bad also where there is nothing to wait for. */
TEST_F(deadline, negative)
{
	static const int64_t bad[] = { -1 /* also U64_MAX */, -NSEC_PER_SEC, INT64_MIN, INT64_MIN + 1 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, try_until(self, variant, bad[i]));
		EXPECT_UNCHANGED(self->fd, &self->before);
	}
	if (variant->kind != SEND) {
		return;
	}
	EXPECT_STREQ("full", take(self->fd));
	EXPECT_EQ(-EINVAL, try_until(self, variant, -1));
	EXPECT_EQ(0, info_of(self->fd).queued);
}

/* The latest there is does not overflow into the past. */
TEST_F(deadline, far)
{
	const int64_t far[] = {
		INT64_MAX, INT64_MAX - 1, INT64_MAX / 2,
		now_on(variant->id) + 1000000 * NSEC_PER_SEC,
	};

	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		struct call *call = call_make_ready(self->fd, variant, far[i]);
		bool receives = call->kind == CALL_RECV;

		call_start(call);
		ASSERT_TRUE(await_blocked(self->fd, !receives, receives));
		EXPECT_EQ(0, call->done);
		/* and it ends when its message comes */
		if (receives) {
			EXPECT_EQ(0, put(self->fd, 0, "text"));
			EXPECT_EQ(0, call_end(call));
			EXPECT_EQ(4, call->recv.header.length);
			if (variant->kind == PEEK) {
				EXPECT_STREQ("text", take(self->fd));
			}
		} else {
			EXPECT_STREQ(variant->kind == SEND ? "full" : "text", take(self->fd));
			EXPECT_EQ(variant->kind == SEND ? 0 : getpid(), call_end(call));
			if (variant->kind == SEND) {
				EXPECT_STREQ("text", take(self->fd));
				EXPECT_EQ(0, put(self->fd, 0, "full"));
			}
		}
		EXPECT_BALANCED(self->fd);
	}
}

TEST_F(deadline, nonblocking)
{
	struct call *call = call_make_ready(self->fd, variant,
					    now_on(variant->id) + 1000 * NSEC_PER_SEC);

	call->recv.flags |= MBOX_RECV_NONBLOCK;
	call->send.flags |= MBOX_SEND_NONBLOCK;
	EXPECT_EQ(-EAGAIN, call_make(call));
	EXPECT_UNCHANGED(self->fd, &self->before);
}

TEST_F(deadline, of_no_clock)
{
	struct call *call = call_make_ready(self->fd, variant, now_on(variant->id));

	call->send.clock = call->recv.clock = MBOX_CLOCK_NONE;
	EXPECT_EQ(-EINVAL, call_make(call));
	call->send.clock = call->recv.clock = MBOX_CLOCK_REALTIME + 1;
	EXPECT_EQ(-EINVAL, call_make(call));
	call->send.clock = call->recv.clock = 0xffffffff;
	EXPECT_EQ(-EINVAL, call_make(call));
	EXPECT_UNCHANGED(self->fd, &self->before);
}

/* A receive that is not for it does not end, nor prolong, the wait. */
TEST(wrong_message)
{
	int fd = box_new(_metadata, 8);
	struct call *call = call_new(fd, CALL_RECV);
	int64_t deadline = now() + 200 * NSEC_PER_MSEC;

	call->recv.flags = MBOX_RECV_BY_TYPE;
	call->recv.type = 1;
	call->recv.clock = MBOX_CLOCK_MONOTONIC;
	call->recv.deadline = deadline;
	call_start(call);
	ASSERT_EQ(0, put(fd, 0, "other"));
	ASSERT_EQ(0, put(fd, 0, "other"));
	EXPECT_EQ(-ETIMEDOUT, call_end(call));
	EXPECT_LE(deadline, call->ended);
	EXPECT_EQ(2, info_of(fd).queued);
	close(fd);
}

MBOX_TEST_MAIN
