// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broadcasting to many handles, while the sender, a receiver or the mailbox ends: in the middle of
 * looking for room, and of delivering. Each has a result, and the counters agree.
 */
#include "lib/crowd.h"

#include <pthread.h>
#include <sched.h>

#define CAPACITY	4

enum end { NEVER, SHUT, FORCE, DRAIN };

/* A thread that ends something some time after it is let go. */
struct ender {
	pthread_t thread;
	enum end end;
	int fd;
	int64_t delay;
	int go;
};

static void *ender_run(void *data)
{
	struct mbox_ioc_shutdown shutdown = { .how = MBOX_RIGHT_SEND };
	struct ender *ender = data;
	int64_t end;

	while (!__atomic_load_n(&ender->go, __ATOMIC_ACQUIRE))
		sched_yield();
	for (end = now() + ender->delay; now() < end; )
		continue;
	switch (ender->end) {
	case SHUT:
		return (void *)(long)xioctl(ender->fd, MBOX_IOC_SHUTDOWN, &shutdown);
	case FORCE:
		return (void *)(long)delete_fd(ender->fd, MBOX_DELETE_FORCE);
	case DRAIN:
		return (void *)(long)delete_fd(ender->fd, MBOX_DELETE_DRAIN);
	case NEVER:
		break;
	}
	return NULL;
}

static void ender_start(struct __test_metadata *_metadata, struct ender *ender)
{
	ASSERT_EQ(0, pthread_create(&ender->thread, NULL, ender_run, ender));
}

static void ender_end(struct __test_metadata *_metadata, struct ender *ender)
{
	void *result;

	ASSERT_EQ(0, pthread_join(ender->thread, &result));
	ASSERT_EQ(NULL, result);
}

/* A thread that sends one message. */
struct sender {
	pthread_t thread;
	int fd;
	uint32_t flags;
	int64_t wait;		/* for room; 0: without end */
	int *go;		/* set when it begins to send without waiting for room; or NULL */
	int result;
};

static void *sender_run(void *data)
{
	struct sender *sender = data;
	struct mbox_ioc_send arg = {
		.flags = sender->flags, .data = address_of("text"), .size = 4,
	};

	if (sender->wait) {
		arg.clock = MBOX_CLOCK_MONOTONIC;
		arg.deadline = now() + sender->wait;
	}
	if (sender->go)
		set_flag(sender->go);
	sender->result = xioctl(sender->fd, MBOX_IOC_SEND, &arg);
	return NULL;
}

static void sender_start(struct __test_metadata *_metadata, struct sender *sender)
{
	ASSERT_EQ(0, pthread_create(&sender->thread, NULL, sender_run, sender));
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

/* How long it takes to look for room, and to deliver. */
static int64_t time_of_one(struct __test_metadata *_metadata, struct crowd *crowd)
{
	int64_t began = now();

	ASSERT_EQ(MANY, put(crowd->fd, 0, "text"));
	return now() - began;
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

TEST_F(cast_end, under_way)
{
	enum { ROUNDS = 12 };
	int64_t took = 0;
	int sent = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct ender ender = { .end = variant->end };
		struct sender sender = { .flags = variant->flags };

		crowd_new(_metadata, &self->crowd, CAPACITY, 0);
		sender.fd = open_name(self->crowd.name, MBOX_RIGHT_SEND);
		ASSERT_LE(0, sender.fd);
		ender.fd = variant->end == SHUT ? sender.fd : self->crowd.fd;
		if (!round)
			took = time_of_one(_metadata, &self->crowd);
		/* looking takes less time than delivering */
		ender.delay = took * round * round / (ROUNDS * ROUNDS);
		ender_start(_metadata, &ender);
		if (variant->blocked) {
			while (put(self->crowd.fd, 0, "text") == MANY)
				continue;
			sender_start(_metadata, &sender);
			ASSERT_TRUE(await_blocked(self->crowd.fd, 1, 0));
			set_flag(&ender.go);
			set_capacity(self->crowd.fd, CAPACITY + 1);
		} else {
			sender.go = &ender.go;
			sender_start(_metadata, &sender);
		}
		ender_end(_metadata, &ender);
		ASSERT_EQ(0, pthread_join(sender.thread, NULL));
		if (sender.result != MANY || variant->flags) {
			ASSERT_EQ(variant->error, sender.result) {
				TH_LOG("round %d", round);
			}
		}
		sent += sender.result == MANY;
		EXPECT_EQ(0, info_of(self->crowd.fd).senders);
		EXPECT_BALANCED(self->crowd.fd);
		if (variant->end == FORCE) {
			EXPECT_EQ(0, info_of(self->crowd.fd).queued);
			EXPECT_STREQ("EIDRM", take(self->crowd.in[MANY - 1]));
		}
		/* it came to all or to none */
		if (variant->end == DRAIN && info_of(self->crowd.fd).queued) {
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
	enum { ROUNDS = 120 };
	struct crowd crowd = {};
	int64_t took;
	int sent = 0;

	crowd_new(_metadata, &crowd, CAPACITY, 0);
	took = time_of_one(_metadata, &crowd);
	for (int n = 1; n < CAPACITY; n++)
		ASSERT_EQ(MANY, put(crowd.fd, 0, "text"));
	for (int round = 0; round < ROUNDS; round++) {
		struct sender sender = {
			.fd = crowd.fd, .wait = 2 * NSEC_PER_MSEC + took * (round % 12) / 12,
		};

		sender_start(_metadata, &sender);
		for (int64_t end = now() + 2 * NSEC_PER_MSEC; now() < end; )
			continue;
		ASSERT_EQ(0, set_capacity(crowd.fd, CAPACITY + sent + 1));
		ASSERT_EQ(0, pthread_join(sender.thread, NULL));
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

/* A receiver that was the room for a message stops waiting, before there is room everywhere. */
TEST(receiver_leaves_under_way)
{
	enum { SENDS = 400 };
	int *stop = shared_alloc(sizeof(*stop));
	struct crowd crowd = {};
	pid_t receiver;

	crowd_new(_metadata, &crowd, CAPACITY, 0);
	fill(_metadata, &crowd);
	/* all have room again but the first, and the last */
	for (int i = 1; i < MANY - 1; i++)
		ASSERT_STREQ("text", take(crowd.in[i]));
	receiver = fork_child();
	ASSERT_LE(0, receiver);
	if (receiver == 0) {
		char data[8];

		while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE)) {
			struct mbox_ioc_recv arg = {
				.flags = MBOX_RECV_BY_TYPE, .type = 9,
				.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + 20000,
				.data = address_of(data), .size = sizeof(data),
			};

			if (xioctl(crowd.in[0], MBOX_IOC_RECV, &arg) != -ETIMEDOUT)
				_exit(1);
		}
		_exit(0);
	}
	for (int n = 0; n < SENDS; n++)
		ASSERT_EQ(-EAGAIN, put_type(crowd.fd, 9, "nine"));
	set_flag(stop);
	EXPECT_EQ(0, reap(receiver));
	EXPECT_COUNTS(crowd.fd, CAPACITY, CAPACITY, 0, 0, 0, 0);
	crowd_end(&crowd);
}

MBOX_TEST_MAIN
