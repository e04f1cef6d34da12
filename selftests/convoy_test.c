// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream from one process to another on one CPU: neither a full nor an empty queue makes them
 * take turns message by message, alone and beside a process that never sleeps. Context switches are
 * counted, beside those of a POSIX message queue of the same depth in the same boot.
 */
#include "lib/child.h"
#include "lib/count.h"

#include <mqueue.h>
#include <sched.h>
#include <sys/resource.h>

#define DEPTH		10
#define MESSAGES	20000
#define SIZE		64

enum way { BY_WRITE, BY_IOCTL, BY_MQ };

FIXTURE(convoy)
{
	cpu_set_t cpus;
	mqd_t mq;
	int fd;
	pid_t hog;
};

FIXTURE_VARIANT(convoy)
{
	enum way way;
	bool hog;
};

FIXTURE_VARIANT_ADD(convoy, write_alone) { .way = BY_WRITE };
FIXTURE_VARIANT_ADD(convoy, write_beside_a_hog) { .way = BY_WRITE, .hog = true };
FIXTURE_VARIANT_ADD(convoy, ioctl_alone) { .way = BY_IOCTL };
FIXTURE_VARIANT_ADD(convoy, ioctl_beside_a_hog) { .way = BY_IOCTL, .hog = true };

/* All that the test starts runs on the first of its CPUs. */
static bool stay(const cpu_set_t *cpus)
{
	cpu_set_t one;
	int cpu = 0;

	while (!CPU_ISSET(cpu, cpus))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return !sched_setaffinity(0, sizeof(one), &one);
}

FIXTURE_SETUP(convoy)
{
	struct mq_attr attr = { .mq_maxmsg = DEPTH, .mq_msgsize = SIZE };
	struct mbox_ioc_open arg = open_arg(NULL, SIZE);

	/* Elsewhere other work of the machine decides on the turns. */
	if (!counts_instructions())
		SKIP(return, "this machine does not count instructions");
	self->mq = mq_open("/mbox-convoy", O_RDWR | O_CREAT, 0600, &attr);
	if (self->mq < 0)
		SKIP(return, "mq_open: %s", strerror(errno));
	mq_unlink("/mbox-convoy");
	arg.capacity = DEPTH;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(self->cpus), &self->cpus));
	ASSERT_TRUE(stay(&self->cpus));
	if (!variant->hog)
		return;
	self->hog = fork_child();
	if (self->hog)
		return;
	for (;;)
		;
}

FIXTURE_TEARDOWN(convoy)
{
	if (self->hog > 0) {
		kill(self->hog, SIGKILL);
		waitpid(self->hog, NULL, 0);
	}
	if (self->fd <= 0)
		return;
	mq_close(self->mq);
	close(self->fd);
	sched_setaffinity(0, sizeof(self->cpus), &self->cpus);
}

static bool send_one(const FIXTURE_DATA(convoy) *self, enum way way, char *data)
{
	struct mbox_ioc_send arg = { .data = address_of(data), .size = SIZE };

	switch (way) {
	case BY_WRITE:
		return xwrite(self->fd, data, SIZE) == SIZE;
	case BY_IOCTL:
		return xioctl(self->fd, MBOX_IOC_SEND, &arg) == 0;
	case BY_MQ:
		return mq_send(self->mq, data, SIZE, 0) == 0;
	}
	return false;
}

static bool receive_one(const FIXTURE_DATA(convoy) *self, enum way way, char *data)
{
	struct mbox_ioc_recv arg = { .data = address_of(data), .size = SIZE };

	switch (way) {
	case BY_WRITE:
		return xread(self->fd, data, SIZE) == SIZE;
	case BY_IOCTL:
		return xioctl(self->fd, MBOX_IOC_RECV, &arg) == 0;
	case BY_MQ:
		return mq_receive(self->mq, data, SIZE, NULL) == SIZE;
	}
	return false;
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw + usage.ru_nivcsw;
}

/* Stream to a child, in order. Return the switches of the child, per 1000 messages; or -1. */
static long stream(const FIXTURE_DATA(convoy) *self, enum way way)
{
	char data[SIZE] = "";
	int report[2], status;
	long before, count = -1;
	uint32_t i, got;
	pid_t child;

	if (pipe(report))
		return -1;
	child = fork_child();
	if (!child) {
		before = switches();
		for (i = 0; i < MESSAGES; i++) {
			if (!receive_one(self, way, data))
				_exit(1);
			memcpy(&got, data, sizeof(got));
			if (got != i)
				_exit(2);
		}
		count = switches() - before;
		_exit(xwrite(report[1], &count, sizeof(count)) != sizeof(count));
	}
	close(report[1]);
	for (i = 0; i < MESSAGES; i++) {
		memcpy(data, &i, sizeof(i));
		if (!send_one(self, way, data))
			break;
	}
	if (xread(report[0], &count, sizeof(count)) != sizeof(count))
		count = -1;
	close(report[0]);
	waitpid(child, &status, 0);
	return i == MESSAGES && count >= 0 && !status ? count * 1000 / MESSAGES : -1;
}

TEST_F_TIMEOUT(convoy, no_turns_message_by_message, 120)
{
	long peer = stream(self, BY_MQ);
	long ours = stream(self, variant->way);

	TH_LOG("switches of the receiver per 1000 messages: %ld; by a POSIX queue %ld", ours, peer);
	ASSERT_LE(0, peer);
	ASSERT_LE(0, ours);
	/* Once a queue of messages would be 1000 / DEPTH; every message 1000. */
	EXPECT_GE(peer > 2000 / DEPTH ? peer : 2000 / DEPTH, ours);
}

TEST_HARNESS_MAIN
