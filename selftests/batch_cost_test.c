// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of a message in a batch, one way between two processes on one CPU, against that of single
 * calls in the same boot.
 *
 *	selftests/vm/run -i -f build/selftests/mbox/batch_cost_test -- batch_cost_test
 *
 * counts instructions, one as one nanosecond.
 */
#include "lib/child.h"

#include <sched.h>

#define SIZE		64
#define CAPACITY	1000
#define BATCH		32
#define MESSAGES	(BATCH * 400)
#define ROUNDS		5

/* Instructions of a message in a batch, sent and received, that this is to stay below. */
#define GOAL		350

/*
 * Single calls cost at least so many times as much. Where other CPUs run beside this one, other load
 * counts too: there a batch only has to be cheaper.
 */
#define RATIO		2

/* See cost.c. */
#define SETTLE		5	/* seconds */

static char data[BATCH][SIZE];

static int send_single(int fd)
{
	struct mbox_ioc_send send = { .data = address_of(data), .size = SIZE };

	for (int i = 0; i < MESSAGES; i++)
		CHECK(0, xioctl(fd, MBOX_IOC_SEND, &send));
	return 0;
}

static int recv_single(int fd)
{
	struct mbox_ioc_recv recv = { .data = address_of(data), .size = SIZE };

	for (int i = 0; i < MESSAGES; i++)
		CHECK(0, xioctl(fd, MBOX_IOC_RECV, &recv));
	return 0;
}

static int send_batches(int fd)
{
	struct mbox_send_entry entries[BATCH] = {};
	struct mbox_ioc_sendv sendv = {
		.entries = address_of(entries), .count = BATCH, .entry_size = sizeof(entries[0]),
	};

	for (int i = 0; i < BATCH; i++) {
		entries[i].data = address_of(data[i]);
		entries[i].size = SIZE;
	}
	for (int i = 0; i < MESSAGES; i += BATCH)
		CHECK(BATCH, xioctl(fd, MBOX_IOC_SENDV, &sendv));
	return 0;
}

static int recv_batches(int fd)
{
	struct mbox_recv_entry entries[BATCH] = {};
	struct mbox_ioc_recvv recvv = {
		.entries = address_of(entries), .count = BATCH, .entry_size = sizeof(entries[0]),
	};
	int got, ret;

	for (int i = 0; i < BATCH; i++) {
		entries[i].data = address_of(data[i]);
		entries[i].size = SIZE;
	}
	for (got = 0; got < MESSAGES; got += ret) {
		ret = xioctl(fd, MBOX_IOC_RECVV, &recvv);
		if (ret <= 0)
			return ret;
	}
	CHECK(MESSAGES, got);
	return 0;
}

/* Return the nanoseconds of a message, sent by a child and received here; or a negated errno. */
static int64_t one_way(int fd, int (*sender)(int fd), int (*receiver)(int fd))
{
	int64_t begin = now();
	int ret, status;
	pid_t pid;

	pid = fork_child();
	if (!pid)
		_exit(sender(fd) ? 1 : 0);
	ret = receiver(fd);
	if (ret)
		return ret;
	begin = now() - begin;
	CHECK(pid, waitpid(pid, &status, 0));
	CHECK(0, status);
	return begin / MESSAGES;
}

TEST(cost_of_a_batch)
{
	int64_t single = INT64_MAX, batch = INT64_MAX;
	cpu_set_t cpus;
	int fd;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	fd = box_new(_metadata, CAPACITY);
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		nanosleep(&(struct timespec) { .tv_sec = SETTLE }, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t one = one_way(fd, send_single, recv_single);
		int64_t many = one_way(fd, send_batches, recv_batches);

		ASSERT_LT(0, one);
		ASSERT_LT(0, many);
		single = one < single ? one : single;
		batch = many < batch ? many : batch;
	}
	TH_LOG("%d bytes one way, queue of %d: single %lld ns, in batches of %d %lld ns a message (goal: %d instructions)",
	       SIZE, CAPACITY, (long long)single, BATCH, (long long)batch, GOAL);
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1) {
		EXPECT_LE(batch * RATIO, single);
	} else {
		EXPECT_LT(batch, single);
	}
	close(fd);
}

MBOX_TEST_MAIN
