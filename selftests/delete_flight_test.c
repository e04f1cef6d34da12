// SPDX-License-Identifier: GPL-2.0-only
/* A mailbox dies while a receiver copies a message: it and the synchronous sender get the same answer. */
#include "lib/mbox_test.h"

#include <pthread.h>
#include <sched.h>

/* A mailbox ends its calls in sections of 64: the sender is in the last of several. */
#define CROWD	200
#define SIZE	(4U << 20)
#define ROUNDS	16

struct call {
	pthread_t thread;
	int fd;
	struct mbox_ioc_recv recv;
	struct mbox_ioc_send send;
	bool sends;
	int result;
};

static void *make_call(void *data)
{
	struct call *call = data;

	call->result = call->sends ? xioctl(call->fd, MBOX_IOC_SEND, &call->send) :
				     xioctl(call->fd, MBOX_IOC_RECV, &call->recv);
	return NULL;
}

static void begin(struct __test_metadata *_metadata, struct call *call)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	ASSERT_EQ(0, pthread_create(&call->thread, &attr, make_call, call));
	pthread_attr_destroy(&attr);
}

static void await(struct __test_metadata *_metadata, int fd, uint32_t senders, uint32_t receivers)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct mbox_info info;

	for (;;) {
		info = info_of(fd);
		if (info.senders == senders && info.receivers == receivers)
			return;
		ASSERT_GT(end, now());
		sched_yield();
	}
}

FIXTURE(flight)
{
	struct call crowd[CROWD], sender, receiver;
	char *from, *to;
	int fd;
};

FIXTURE_SETUP(flight)
{
	self->from = calloc(1, SIZE);
	self->to = calloc(1, SIZE);
	ASSERT_NE(NULL, self->from);
	ASSERT_NE(NULL, self->to);
}

FIXTURE_TEARDOWN(flight)
{
	free(self->from);
	free(self->to);
}

/* A new mailbox with the crowd, and behind it the sender, blocked. */
static void prepare(struct __test_metadata *_metadata, struct _test_data_flight *self)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1);

	arg.msg_size = SIZE;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	for (int i = 0; i < CROWD; i++) {
		self->crowd[i] = (struct call) {
			.fd = self->fd, .recv = { .flags = MBOX_RECV_BY_TYPE, .type = 2 },
		};
		begin(_metadata, &self->crowd[i]);
	}
	await(_metadata, self->fd, 0, CROWD);
	self->sender = (struct call) {
		.fd = self->fd, .sends = true,
		.send = { .flags = MBOX_SEND_SYNC, .type = 1, .data = address_of(self->from), .size = SIZE },
	};
	begin(_metadata, &self->sender);
	await(_metadata, self->fd, 1, CROWD);
	self->receiver = (struct call) {
		.fd = self->fd, .recv = { .data = address_of(self->to), .size = SIZE },
	};
}

/* Receive, and delete the mailbox @delay nanoseconds later. How long the receive took. */
static int64_t receive_and_delete(struct __test_metadata *_metadata, struct _test_data_flight *self, int64_t delay)
{
	int64_t start = now(), end;

	begin(_metadata, &self->receiver);
	if (delay < 0) {
		ASSERT_EQ(0, pthread_join(self->receiver.thread, NULL));
		end = now();
	} else {
		while (now() < start + delay)
			continue;
	}
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	if (delay >= 0) {
		ASSERT_EQ(0, pthread_join(self->receiver.thread, NULL));
		end = now();
	}
	ASSERT_EQ(0, pthread_join(self->sender.thread, NULL));
	for (int i = 0; i < CROWD; i++) {
		ASSERT_EQ(0, pthread_join(self->crowd[i].thread, NULL));
		EXPECT_EQ(-EIDRM, self->crowd[i].result);
	}
	close(self->fd);
	return end - start;
}

TEST_F(flight, both_are_told_the_same)
{
	int64_t time;
	int received = 0;

	prepare(_metadata, self);
	time = receive_and_delete(_metadata, self, -1);
	EXPECT_EQ(0, self->receiver.result);
	/* A synchronous send returns the process that received it. */
	EXPECT_EQ(getpid(), self->sender.result);
	for (int i = 0; i < ROUNDS; i++) {
		prepare(_metadata, self);
		receive_and_delete(_metadata, self, time * i / ROUNDS);
		if (self->receiver.result) {
			EXPECT_EQ(-EIDRM, self->receiver.result);
			EXPECT_EQ(-EIDRM, self->sender.result);
		} else {
			EXPECT_EQ(getpid(), self->sender.result);
			received++;
		}
	}
	TH_LOG("received in %d of %d rounds", received, ROUNDS);
}

MBOX_TEST_MAIN
