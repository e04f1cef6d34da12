// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broadcasting to many handles, while the sender, a receiver or the mailbox ends: in the middle of
 * looking for room, and of delivering. Each has a result, and the counters agree.
 */
#include "lib/crowd.h"
#include "lib/interrupt.h"
#include "lib/netlink.h"

#define CAPACITY	4

enum end { NEVER, SHUT, FORCE, DRAIN };

/* In an interrupt. */
struct ender {
	enum end end;
	int fd;
};

static int ender_end(void *data)
{
	struct mbox_ioc_shutdown shutdown = { .how = MBOX_RIGHT_SEND };
	struct ender *ender = data;

	switch (ender->end) {
	case SHUT:
		return xioctl(ender->fd, MBOX_IOC_SHUTDOWN, &shutdown);
	case FORCE:
		return delete_fd(ender->fd, MBOX_DELETE_FORCE);
	case DRAIN:
		return delete_fd(ender->fd, MBOX_DELETE_DRAIN);
	case NEVER:
		break;
	}
	return 0;
}

/* A thread, or an interrupt, that sends one message. */
struct sender {
	pthread_t thread;
	int fd;
	uint32_t flags;
	int64_t wait;		/* for room; 0: without end */
	int result;
};

static int sender_send(void *data)
{
	struct sender *sender = data;
	struct mbox_ioc_send arg = {
		.flags = sender->flags, .data = address_of("text"), .size = 4,
	};

	if (sender->wait) {
		arg.clock = MBOX_CLOCK_MONOTONIC;
		arg.deadline = now() + sender->wait;
	}
	sender->result = xioctl(sender->fd, MBOX_IOC_SEND, &arg);
	return 0;
}

static void *sender_run(void *data)
{
	sender_send(data);
	return NULL;
}

static void fill(struct __test_metadata *_metadata, struct crowd *crowd)
{
	for (int n = 0; n < CAPACITY; n++)
		ASSERT_EQ(MANY, put(crowd->fd, 0, "text"));
}

static int set_capacity(int fd, uint32_t capacity)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = capacity };

	return xioctl(fd, MBOX_IOC_SET, &set);
}

FIXTURE(cast_end)
{
	struct crowd crowd;
};

FIXTURE_VARIANT(cast_end)
{
	enum end end;
	uint32_t flags;		/* of the send */
	bool blocked;		/* for room, before */
	int error;		/* of a send that comes too late */
};

FIXTURE_VARIANT_ADD(cast_end, shut) { .end = SHUT, .blocked = true, .error = -ESHUTDOWN };
FIXTURE_VARIANT_ADD(cast_end, shut_sync) {
	.end = SHUT, .blocked = true, .flags = MBOX_SEND_SYNC, .error = -ESHUTDOWN };
FIXTURE_VARIANT_ADD(cast_end, force) { .end = FORCE, .blocked = true, .error = -EIDRM };
FIXTURE_VARIANT_ADD(cast_end, force_sync) {
	.end = FORCE, .blocked = true, .flags = MBOX_SEND_SYNC, .error = -EIDRM };
FIXTURE_VARIANT_ADD(cast_end, drain) { .end = DRAIN, .blocked = true, .error = -EIDRM };
FIXTURE_VARIANT_ADD(cast_end, force_new) { .end = FORCE, .error = -EIDRM };
FIXTURE_VARIANT_ADD(cast_end, force_new_sync) {
	.end = FORCE, .flags = MBOX_SEND_SYNC, .error = -EIDRM };
FIXTURE_VARIANT_ADD(cast_end, drain_new) { .end = DRAIN, .error = -EIDRM };

FIXTURE_SETUP(cast_end)
{
}

FIXTURE_TEARDOWN(cast_end)
{
}

/* Let the blocked sender in, or send: return how long it took. */
static int64_t send_under_way(int fd, struct sender *sender, bool blocked)
{
	int64_t began = now();

	if (blocked)
		set_capacity(fd, CAPACITY + 1);
	else
		sender_send(sender);
	return now() - began;
}

/* How long it takes to make the memory of a message, for which there is no room. */
static int64_t time_before(int fd)
{
	int64_t began;

	do
		began = now();
	while (put(fd, 0, "text") == MANY);
	return now() - began;
}

TEST_F(cast_end, under_way)
{
	enum { ROUNDS = 24 };
	int64_t before = 0, took = 0;
	int sent = 0;

	ASSERT_TRUE(interrupt_prepare());
	for (int round = 0; round < ROUNDS; round++) {
		/* the first round is not interrupted */
		struct sender sender = { .flags = round ? variant->flags : 0 };
		struct ender ender = { .end = round ? variant->end : NEVER };
		struct interrupt interrupt = {
			.call = ender_end, .arg = &ender,
			.delay = before + interrupt_delay(took, round, ROUNDS),
		};
		int64_t time;

		crowd_new(_metadata, &self->crowd, CAPACITY, 0);
		sender.fd = open_name(self->crowd.name, MBOX_RIGHT_SEND);
		ASSERT_LE(0, sender.fd);
		ender.fd = variant->end == SHUT ? sender.fd : self->crowd.fd;
		if (variant->blocked) {
			fill(_metadata, &self->crowd);
			ASSERT_EQ(0, pthread_create(&sender.thread, NULL, sender_run, &sender));
			ASSERT_TRUE(await_blocked(self->crowd.fd, 1, 0));
		}
		ASSERT_EQ(0, interrupt_start(&interrupt));
		time = send_under_way(self->crowd.fd, &sender, variant->blocked);
		interrupt_end(&interrupt);
		ASSERT_EQ(0, interrupt.result);
		if (variant->blocked) {
			ASSERT_EQ(0, pthread_join(sender.thread, NULL));
		} else if (!round) {
			before = time_before(self->crowd.fd);
		}
		if (!round)
			took = time > before ? time - before : time;
		if (sender.result != MANY || sender.flags) {
			ASSERT_EQ(variant->error, sender.result) {
				TH_LOG("round %d", round);
			}
		}
		sent += sender.result == MANY;
		EXPECT_EQ(0, info_of(self->crowd.fd).senders);
		EXPECT_BALANCED(self->crowd.fd);
		if (ender.end == FORCE) {
			EXPECT_EQ(0, info_of(self->crowd.fd).queued);
			EXPECT_STREQ("EIDRM", take(self->crowd.in[MANY - 1]));
		}
		/* it came to all or to none */
		if (ender.end == DRAIN && info_of(self->crowd.fd).queued) {
			uint64_t queued = info_of(self->crowd.fd).queued;

			for (int i = 0; i < MANY; i++)
				ASSERT_EQ(queued, info_of(self->crowd.in[i]).handle_queued);
		}
		close(sender.fd);
		crowd_end(&self->crowd);
	}
	TH_LOG("sent in %d of %d rounds", sent, ROUNDS);
}

/* A sender gives up while room is looked for, for it, or its message is delivered. */
TEST(gives_up_under_way)
{
	enum { ROUNDS = 60 };
	struct crowd crowd = {};
	int64_t took = 0, began;
	int sent = 0;

	ASSERT_TRUE(interrupt_prepare());
	crowd_new(_metadata, &crowd, CAPACITY, 0);
	fill(_metadata, &crowd);
	for (int round = 0; round < ROUNDS; round++) {
		struct sender sender = {
			.fd = crowd.fd,
			.wait = round ? 1 + interrupt_delay(took, round, ROUNDS) : NSEC_PER_SEC,
		};
		struct interrupt interrupt = { .call = sender_send, .arg = &sender };

		ASSERT_EQ(0, interrupt_start(&interrupt));
		began = now();
		ASSERT_EQ(0, set_capacity(crowd.fd, CAPACITY + sent + 1));
		if (!round)
			took = now() - began;
		interrupt_end(&interrupt);
		if (sender.result != -ETIMEDOUT)
			ASSERT_EQ(MANY, sender.result);
		sent += sender.result == MANY;
		ASSERT_EQ(0, set_capacity(crowd.fd, CAPACITY + sent));
	}
	TH_LOG("sent in %d of %d rounds", sent, ROUNDS);
	EXPECT_EQ(CAPACITY + sent, info_of(crowd.fd).queued);
	EXPECT_EQ(0, info_of(crowd.fd).senders);
	for (int i = 0; i < MANY; i += 37)
		EXPECT_EQ(CAPACITY + sent, info_of(crowd.in[i]).handle_queued);
	EXPECT_BALANCED(crowd.fd);
	crowd_end(&crowd);
}

/* The mailbox dies while it is purged. */
TEST(dies_while_purged)
{
	enum { ROUNDS = 5 };
	int64_t took = 0, began;

	ASSERT_TRUE(interrupt_prepare());
	for (int round = 0; round < ROUNDS; round++) {
		struct crowd crowd = {};
		struct ender ender = { .end = round ? FORCE : NEVER };
		struct interrupt interrupt = {
			.call = ender_end, .arg = &ender, .delay = took * round / ROUNDS,
		};
		int ret;

		crowd_new(_metadata, &crowd, CAPACITY, 0);
		fill(_metadata, &crowd);
		ender.fd = crowd.fd;
		ASSERT_EQ(0, interrupt_start(&interrupt));
		began = now();
		ret = nl_purge(crowd.name);
		if (!round)
			took = now() - began;
		interrupt_end(&interrupt);
		ASSERT_EQ(0, interrupt.result);
		/* 0 if it dropped any before */
		ASSERT_TRUE(!ret || (round && (ret == -EIDRM || ret == -ENOENT)));
		EXPECT_EQ(0, info_of(crowd.fd).queued);
		EXPECT_BALANCED(crowd.fd);
		crowd_end(&crowd);
	}
}

/* An interrupt that receives, for a time. */
struct receiver {
	int fd;
	int64_t wait;
};

static int receiver_receive(void *data)
{
	struct receiver *receiver = data;
	char text[8];
	struct mbox_ioc_recv arg = {
		.flags = MBOX_RECV_BY_TYPE, .type = 9,
		.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + receiver->wait,
		.data = address_of(text), .size = sizeof(text),
	};

	return xioctl(receiver->fd, MBOX_IOC_RECV, &arg);
}

/* A receiver that was the room for a message stops waiting, before there is room everywhere. */
TEST(receiver_leaves_under_way)
{
	enum { ROUNDS = 40 };
	struct crowd crowd = {};
	int64_t before, took = 0, began;

	ASSERT_TRUE(interrupt_prepare());
	crowd_new(_metadata, &crowd, CAPACITY, 0);
	fill(_metadata, &crowd);
	/* all have room again but the first, and the last */
	for (int i = 1; i < MANY - 1; i++)
		ASSERT_STREQ("text", take(crowd.in[i]));
	before = time_before(crowd.fd);
	for (int round = 0; round < ROUNDS; round++) {
		struct receiver receiver = {
			.fd = crowd.in[0],
			.wait = round ? before + 2 * took * round / ROUNDS : NSEC_PER_SEC,
		};
		struct interrupt interrupt = { .call = receiver_receive, .arg = &receiver };

		ASSERT_EQ(0, interrupt_start(&interrupt));
		began = now();
		ASSERT_EQ(-EAGAIN, put_type(crowd.fd, 9, "nine"));
		if (!round)
			took = now() - began - before;
		interrupt_end(&interrupt);
		ASSERT_EQ(-ETIMEDOUT, interrupt.result);
	}
	EXPECT_COUNTS(crowd.fd, CAPACITY, CAPACITY, 0, 0, 0, 0);
	crowd_end(&crowd);
}

MBOX_TEST_MAIN
