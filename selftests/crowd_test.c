// SPDX-License-Identifier: GPL-2.0-only
/* Many blocked calls: each gets its message or its error, in order, and all end. */
#include "lib/mbox_test.h"

#include <pthread.h>
#include <poll.h>
#include <sched.h>


#define CROWD		200	/* more than end or are told in one section of the lock */
#define LIMIT		512	/* MBOX_WAITERS_MAX */

struct call {
	pthread_t thread;
	int fd;
	struct mbox_ioc_recv recv;
	struct mbox_ioc_send send;
	bool sends;
	char data[64];
	int result;
	int done;
};

static void *make_call(void *data)
{
	struct call *call = data;

	call->recv.data = address_of(call->data);
	call->send.data = address_of(call->data);
	call->result = call->sends ? xioctl(call->fd, MBOX_IOC_SEND, &call->send) :
				     xioctl(call->fd, MBOX_IOC_RECV, &call->recv);
	__atomic_store_n(&call->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Begin a call, and see that it blocks as number @nr of its kind. */
static void begin(struct __test_metadata *_metadata, struct call *call, unsigned int nr)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	pthread_attr_t attr;
	struct mbox_info info;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	ASSERT_EQ(0, pthread_create(&call->thread, &attr, make_call, call));
	pthread_attr_destroy(&attr);
	for (;;) {
		info = info_of(call->fd);
		if ((call->sends ? info.senders : info.receivers) == nr)
			return;
		ASSERT_FALSE(__atomic_load_n(&call->done, __ATOMIC_ACQUIRE)) {
			TH_LOG("the call ended with %d", call->result);
		}
		ASSERT_GT(end, now());
		sched_yield();
	}
}

static bool ended(struct call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

static void join(struct __test_metadata *_metadata, struct call *call)
{
	ASSERT_EQ(0, pthread_join(call->thread, NULL));
}

static struct call *calls_new(struct __test_metadata *_metadata, unsigned int n, int fd)
{
	struct call *calls = calloc(n, sizeof(*calls));
	unsigned int i;

	ASSERT_NE(NULL, calls);
	for (i = 0; i < n; i++) {
		calls[i].fd = fd;
		calls[i].recv.size = sizeof(calls[i].data);
	}
	return calls;
}

static int box_of(struct __test_metadata *_metadata, uint32_t policy, uint32_t capacity)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);
	int fd;

	arg.policy = policy;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	return fd;
}

static int send_text(int fd, uint32_t prio, uint32_t type, const char *text)
{
	struct mbox_ioc_send send = {
		.flags = MBOX_SEND_NONBLOCK, .prio = prio, .type = type,
		.data = address_of(text), .size = strlen(text),
	};

	return xioctl(fd, MBOX_IOC_SEND, &send);
}

/* Of all waiting receivers that a message suits, the first in turn gets it, with any filters. */
FIXTURE(turns) { };
FIXTURE_VARIANT(turns) { uint32_t policy; };
FIXTURE_VARIANT_ADD(turns, fifo) { .policy = MBOX_POLICY_FIFO };
FIXTURE_VARIANT_ADD(turns, lifo) { .policy = MBOX_POLICY_LIFO };
FIXTURE_SETUP(turns) { }
FIXTURE_TEARDOWN(turns) { }

TEST_F(turns, across_keys)
{
	enum { ANY, BY_TYPE, BY_SENDER, BY_BOTH, BY_PRIO, SMALL, KINDS };
	unsigned int n = 5 * KINDS, i, left, sent;
	int fd = box_of(_metadata, variant->policy, 100);
	struct call *calls = calls_new(_metadata, n, fd);

	for (i = 0; i < n; i++) {
		struct mbox_ioc_recv *recv = &calls[i].recv;
		unsigned int kind = i * 5 % KINDS;

		if (kind == BY_TYPE || kind == BY_BOTH) {
			recv->flags |= MBOX_RECV_BY_TYPE;
			recv->type = 7;
		}
		if (kind == BY_SENDER || kind == BY_BOTH) {
			recv->flags |= MBOX_RECV_BY_SENDER;
			recv->pid = getpid();
		}
		if (kind == BY_PRIO)
			recv->min_prio = 3;
		if (kind == SMALL)
			recv->size = 4;
		begin(_metadata, &calls[i], i + 1);
	}
	/* It suits all: they are served in order. */
	for (sent = 0; sent < n / 2; sent++) {
		i = variant->policy == MBOX_POLICY_LIFO ? n - 1 - sent : sent;
		ASSERT_EQ(0, send_text(fd, 3, 7, "text"));
		join(_metadata, &calls[i]);
		EXPECT_EQ(0, calls[i].result);
		EXPECT_EQ(sent + 1, calls[i].recv.header.seq);
	}
	/* One that some do not want, or have no room for, passes them by. */
	left = n - sent;
	while (left) {
		struct call *next = NULL;
		unsigned int k;

		for (k = 0; k < n; k++) {
			i = variant->policy == MBOX_POLICY_LIFO ? n - 1 - k : k;
			if (!ended(&calls[i]) && calls[i].recv.size > 4 &&
			    !calls[i].recv.min_prio &&
			    !(calls[i].recv.flags & MBOX_RECV_BY_TYPE)) {
				next = &calls[i];
				break;
			}
		}
		if (!next)
			break;
		ASSERT_EQ(0, send_text(fd, 2, 8, "longer"));
		join(_metadata, next);
		EXPECT_EQ(0, next->result);
		left--;
	}
	EXPECT_EQ(left, info_of(fd).receivers);
	ASSERT_LT(0, left);
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	for (i = 0; i < n; i++) {
		if (!calls[i].recv.header.seq) {
			join(_metadata, &calls[i]);
			EXPECT_EQ(-EIDRM, calls[i].result);
		}
	}
	free(calls);
	close(fd);
}

/* A message is queued: all that peek see it, and all that have no room for it hear so. */
TEST(told)
{
	int fd = box_new(_metadata, 10);
	struct call *calls = calls_new(_metadata, 2 * CROWD, fd);
	unsigned int i;

	for (i = 0; i < 2 * CROWD; i++) {
		struct mbox_ioc_recv *recv = &calls[i].recv;

		if (i % 2)
			recv->flags |= MBOX_RECV_PEEK;
		else
			recv->size = 3;
		if (i % 4 >= 2) {
			recv->flags |= MBOX_RECV_BY_TYPE;
			recv->type = i % 8 >= 4 ? 7 : 8;
		}
		begin(_metadata, &calls[i], i + 1);
	}
	ASSERT_EQ(0, send_text(fd, 0, 7, "text"));
	for (i = 0; i < 2 * CROWD; i++) {
		struct mbox_ioc_recv *recv = &calls[i].recv;

		if (recv->type == 8)
			continue;
		join(_metadata, &calls[i]);
		EXPECT_EQ(i % 2 ? 0 : -EMSGSIZE, calls[i].result);
		EXPECT_EQ(4, recv->header.length);
		EXPECT_EQ(1, recv->header.seq);
	}
	EXPECT_EQ(CROWD / 2, info_of(fd).receivers);
	EXPECT_EQ(1, info_of(fd).queued);
	/* Those that asked for another type still wait. */
	ASSERT_EQ(0, send_text(fd, 0, 8, "text"));
	for (i = 0; i < 2 * CROWD; i++) {
		if (calls[i].recv.type != 8)
			continue;
		join(_metadata, &calls[i]);
		EXPECT_EQ(i % 2 ? 0 : -EMSGSIZE, calls[i].result);
		EXPECT_EQ(2, calls[i].recv.header.seq);
	}
	EXPECT_EQ(2, info_of(fd).queued);
	free(calls);
	close(fd);
}

/* A limit rises: all blocked senders that fit are let in, in their order. */
TEST(admitted)
{
	int fd = box_new(_metadata, 1);
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = 10 * CROWD };
	struct call *calls = calls_new(_metadata, CROWD, fd);
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_NONBLOCK };
	char data[64];
	unsigned int i;

	ASSERT_EQ(0, send_text(fd, 9, 0, "full"));
	for (i = 0; i < CROWD; i++) {
		calls[i].sends = true;
		calls[i].send.prio = i % 3;
		calls[i].send.type = i;
		calls[i].send.size = i % 64;
		begin(_metadata, &calls[i], i + 1);
	}
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0, info_of(fd).senders);
	EXPECT_EQ(CROWD + 1, info_of(fd).queued);
	for (i = 0; i < CROWD; i++) {
		join(_metadata, &calls[i]);
		EXPECT_EQ(0, calls[i].result);
	}
	recv.data = address_of(data);
	recv.size = sizeof(data);
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(9, recv.header.prio);
	for (i = 0; i < CROWD; i++) {
		unsigned int of_2 = CROWD / 3, of_1 = (CROWD + 1) / 3;
		unsigned int prio = i < of_2 ? 2 : i < of_2 + of_1 ? 1 : 0;
		unsigned int nr = prio == 2 ? i : prio == 1 ? i - of_2 : i - of_2 - of_1;

		ASSERT_EQ(0, xioctl(fd, MBOX_IOC_RECV, &recv));
		EXPECT_EQ(prio, recv.header.prio);
		EXPECT_EQ(3 * nr + prio, recv.header.type);
	}
	free(calls);
	close(fd);
}

/* A receive finds the message of one of many blocked senders, behind others that it does not want. */
TEST(behind_senders)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *calls = calls_new(_metadata, 3 * CROWD, fd);
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_TYPE };
	char data[64];
	unsigned int i;

	for (i = 0; i < 3 * CROWD; i++) {
		calls[i].sends = true;
		calls[i].send.type = i;
		begin(_metadata, &calls[i], i + 1);
	}
	recv.data = address_of(data);
	recv.size = sizeof(data);
	for (i = 3 * CROWD; i-- > 3 * CROWD - 5; ) {
		recv.type = i;
		ASSERT_EQ(0, xioctl(fd, MBOX_IOC_RECV, &recv));
		EXPECT_EQ(i, recv.header.type);
		join(_metadata, &calls[i]);
		EXPECT_EQ(getpid(), calls[i].result);
	}
	recv.type = 9999;
	EXPECT_EQ(-EAGAIN, xioctl(fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(3 * CROWD - 5, info_of(fd).senders);
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	for (i = 0; i < 3 * CROWD - 5; i++) {
		join(_metadata, &calls[i]);
		EXPECT_EQ(-EIDRM, calls[i].result);
	}
	free(calls);
	close(fd);
}

/* The mailbox takes no more: all blocked senders get an error, and accepted messages stay. */
TEST(drained)
{
	int fd = box_new(_metadata, 1);
	struct call *calls = calls_new(_metadata, CROWD, fd);
	unsigned int i;

	ASSERT_EQ(0, send_text(fd, 0, 0, "kept"));
	for (i = 0; i < CROWD; i++) {
		calls[i].sends = true;
		begin(_metadata, &calls[i], i + 1);
	}
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	for (i = 0; i < CROWD; i++) {
		join(_metadata, &calls[i]);
		EXPECT_EQ(-EIDRM, calls[i].result);
	}
	EXPECT_EQ(0, info_of(fd).senders);
	EXPECT_EQ(1, info_of(fd).queued);
	free(calls);
	close(fd);
}

/* Receives that have to be looked at one by one are so many at most, and those beyond fail. */
FIXTURE(limit) { };
FIXTURE_VARIANT(limit) { uint32_t policy; uint32_t min_prio; };
FIXTURE_VARIANT_ADD(limit, min_prio) { .min_prio = 1 };
FIXTURE_VARIANT_ADD(limit, prio) { .policy = MBOX_POLICY_PRIO };
FIXTURE_VARIANT_ADD(limit, rr) { .policy = MBOX_POLICY_RR };
FIXTURE_VARIANT_ADD(limit, broadcast) { .policy = MBOX_POLICY_BROADCAST };
FIXTURE_SETUP(limit) { }
FIXTURE_TEARDOWN(limit) { }

TEST_F(limit, of_receives)
{
	int fd = box_of(_metadata, variant->policy, 10);
	struct call *calls = calls_new(_metadata, LIMIT + 1, fd);
	unsigned int i;

	for (i = 0; i <= LIMIT; i++)
		calls[i].recv.min_prio = variant->min_prio;
	for (i = 0; i < LIMIT; i++)
		begin(_metadata, &calls[i], i + 1);
	make_call(&calls[LIMIT]);
	EXPECT_EQ(-EUSERS, calls[LIMIT].result);
	EXPECT_EQ(LIMIT, info_of(fd).receivers);
	/* A place becomes free with a message. */
	ASSERT_LE(0, send_text(fd, 1, 0, "text"));
	while (info_of(fd).receivers == LIMIT)
		sched_yield();
	calls[LIMIT].done = 0;
	begin(_metadata, &calls[LIMIT], LIMIT);
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	for (i = 0; i <= LIMIT; i++) {
		join(_metadata, &calls[i]);
		EXPECT_TRUE(calls[i].result == -EIDRM || !calls[i].result);
	}
	free(calls);
	close(fd);
}

/* A crowd that gives up by itself while it is being told and ended: nobody is lost. */
TEST(leaves)
{
	unsigned int round, i;

	for (round = 0; round < 5; round++) {
		int fd = box_new(_metadata, 10);
		struct call *calls = calls_new(_metadata, CROWD, fd);
		int64_t deadline = now() + 300 * NSEC_PER_MSEC;

		for (i = 0; i < CROWD; i++) {
			calls[i].recv.flags = MBOX_RECV_PEEK;
			calls[i].recv.clock = MBOX_CLOCK_MONOTONIC;
			calls[i].recv.deadline = deadline + i * 10000;
			ASSERT_EQ(0, pthread_create(&calls[i].thread, NULL, make_call, &calls[i]));
		}
		while (now() < deadline + CROWD * 5000)
			;
		ASSERT_EQ(0, round % 2 ? send_text(fd, 0, 0, "text") :
					 delete_fd(fd, MBOX_DELETE_FORCE));
		for (i = 0; i < CROWD; i++) {
			join(_metadata, &calls[i]);
			EXPECT_TRUE(calls[i].result == -ETIMEDOUT ||
				    calls[i].result == (round % 2 ? 0 : -EIDRM));
		}
		EXPECT_EQ(0, info_of(fd).receivers);
		free(calls);
		close(fd);
	}
}

TEST_HARNESS_MAIN
