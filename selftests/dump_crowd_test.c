// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps of more than is told, or looked at, before the lock is given up: while others dump the same
 * mailbox, and calls block and end, each of those that stay is told once, in order.
 */
#include "lib/netlink.h"

#include <pthread.h>

#define STAY		1200	/* threads: more than twice the number that a dump visits under the lock */
#define GUESTS		8	/* threads that come and go */
#define DUMPERS		3	/* processes */
#define DUMPS		20	/* of each */

/* A message of this type never comes, one of the other is there at once. */
#define TYPE_STAY	1
#define TYPE_GUEST	2

static int fd;
static bool quit;

static void *stay(void *unused)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_TYPE, .type = TYPE_STAY };

	return (void *)(intptr_t)xioctl(fd, MBOX_IOC_RECV, &recv);
}

/* In vain, for half a millisecond at a time. */
static void *come_and_go(void *unused)
{
	int ret = 0;

	while (!__atomic_load_n(&quit, __ATOMIC_RELAXED)) {
		struct mbox_ioc_recv recv = {
			.flags = MBOX_RECV_BY_TYPE, .type = TYPE_GUEST,
			.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + NSEC_PER_MSEC / 2,
		};

		ret = xioctl(fd, MBOX_IOC_RECV, &recv);
		if (ret != -ETIMEDOUT)
			break;
	}
	return (void *)(intptr_t)ret;
}

struct told {
	uint64_t last;
	int stay;
	bool wrong;			/* not in order, which is also: not once */
};

static void row(const struct nl_reply *reply, void *data)
{
	struct told *told = data;
	uint64_t number = nl_u64(reply, MBOX_A_WAITER_ID);

	told->wrong |= number <= told->last;
	told->last = number;
	told->stay += nl_u64(reply, MBOX_A_WAITER_TYPE) == TYPE_STAY;
}

/* A process that dumps: how many of its dumps were as they should be. */
static int dump_all(uint64_t id)
{
	int good = 0;
	struct nl nl;

	if (nl_open(&nl))
		return 0;
	for (int i = 0; i < DUMPS; i++) {
		struct told told = {};
		struct nl_request request;

		nl_begin(&request, nl.family, MBOX_CMD_WAITER_GET, NLM_F_DUMP);
		nl_put_u64(&request, MBOX_A_WAITER_MAILBOX, id);
		good += !nl_talk(&nl, &request, row, &told) && !told.wrong && told.stay == STAY;
	}
	close(nl.fd);
	return good;
}

static pthread_t start(struct __test_metadata *_metadata, void *(*body)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32768);
	ASSERT_EQ(0, pthread_create(&thread, &attr, body, NULL));
	pthread_attr_destroy(&attr);
	return thread;
}

static int end(pthread_t thread)
{
	void *ret;

	return pthread_join(thread, &ret) ? -ESRCH : (int)(intptr_t)ret;
}

TEST(waiters_that_stay_are_told_once)
{
	pthread_t stays[STAY], guests[GUESTS];
	pid_t dumpers[DUMPERS];
	int64_t late;

	fd = box_new(_metadata, 1);
	for (int i = 0; i < STAY; i++)
		stays[i] = start(_metadata, stay);
	for (late = now() + PATIENCE * NSEC_PER_SEC; info_of(fd).receivers < STAY; nap())
		ASSERT_GT(late, now());
	for (int i = 0; i < GUESTS; i++)
		guests[i] = start(_metadata, come_and_go);

	for (int i = 0; i < DUMPERS; i++) {
		dumpers[i] = fork_child();
		ASSERT_LE(0, dumpers[i]);
		if (!dumpers[i])
			_exit(dump_all(info_of(fd).id));
	}
	for (int i = 0; i < DUMPERS; i++) {
		int status = reap(dumpers[i]);

		EXPECT_TRUE(WIFEXITED(status));
		EXPECT_EQ(DUMPS, WEXITSTATUS(status));
	}

	__atomic_store_n(&quit, true, __ATOMIC_RELAXED);
	for (int i = 0; i < GUESTS; i++)
		EXPECT_EQ(-ETIMEDOUT, end(guests[i]));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	for (int i = 0; i < STAY; i++)
		EXPECT_EQ(-EIDRM, end(stays[i]));
}

MBOX_TEST_MAIN
