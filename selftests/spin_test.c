// SPDX-License-Identifier: GPL-2.0-only
/*
 * A receive polls for a short time before it sleeps: where that helps, and no longer. The counters
 * of the mailbox and the CPU time of the receiver tell, so that a loaded machine does not matter.
 */
#include "lib/child.h"
#include "lib/module.h"

#include <sched.h>
#include <sys/time.h>

#define ROUNDS		2000
#define LIMIT		1000	/* us, the most: the other CPU may be slow to run */

/* A dialogue: the test asks, a child answers each question with the same number. */
FIXTURE(spin)
{
	int ask, answer;
	uint64_t limit;
	cpu_set_t cpus;
	pid_t child;
};

FIXTURE_SETUP(spin)
{
	self->limit = param_get("spin_us");
	if (sched_getaffinity(0, sizeof(self->cpus), &self->cpus))
		SKIP(return, "sched_getaffinity: %s", strerror(errno));
	if (param_set("spin_us", LIMIT))
		SKIP(return, "the module parameter spin_us cannot be set");
	self->ask = box_new(_metadata, 4);
	self->answer = box_new(_metadata, 4);
}

FIXTURE_TEARDOWN(spin)
{
	if (self->ask > 0) {
		param_set("spin_us", self->limit);
		close(self->ask);
		close(self->answer);
	}
}

/* Stay on one CPU of those that the test has: the first, or the last. False if it has only one. */
static bool stay(const cpu_set_t *cpus, bool last)
{
	cpu_set_t one;
	int cpu = -1;

	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, cpus) && (cpu < 0 || last))
			cpu = i;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return !sched_setaffinity(0, sizeof(one), &one) && CPU_COUNT(cpus) > 1;
}

/* The part of the child: answer until 0 comes. Signals and deadlines do not matter. */
static int echo(int ask, int answer, int64_t within)
{
	uint32_t number = 0, expected = 1;

	for (;;) {
		struct mbox_ioc_recv arg = { .data = address_of(&number), .size = sizeof(number) };
		int ret;

		if (within) {
			arg.clock = MBOX_CLOCK_MONOTONIC;
			arg.deadline = now() + within;
		}
		ret = xioctl(ask, MBOX_IOC_RECV, &arg);
		if (ret == -ETIMEDOUT || ret == -EINTR)
			continue;
		CHECK(0, ret);
		if (!number)
			return 0;
		CHECK(expected++, number);
		CHECK(sizeof(number), xwrite(answer, &number, sizeof(number)));
	}
}

static void nothing(int sig)
{
}

static void start(FIXTURE_DATA(spin) *self, bool share, int64_t within, int usec)
{
	stay(&self->cpus, false);
	self->child = fork_child();
	if (self->child)
		return;
	stay(&self->cpus, !share);
	if (usec) {
		struct itimerval timer = { { 0, usec }, { 0, usec } };

		sigaction(SIGALRM, &(struct sigaction) { .sa_handler = nothing }, NULL);
		setitimer(ITIMER_REAL, &timer, NULL);
	}
	_exit(echo(self->ask, self->answer, within) ? 1 : 0);
}

/* Ask so many times, from @first on. Return the number of the last question answered. */
static uint32_t ask(FIXTURE_DATA(spin) *self, uint32_t first, uint32_t rounds)
{
	for (uint32_t number = first; number < first + rounds; number++) {
		uint32_t answered = 0;

		if (xwrite(self->ask, &number, sizeof(number)) != sizeof(number) ||
		    xread(self->answer, &answered, sizeof(answered)) != sizeof(answered) ||
		    answered != number)
			return number - 1;
	}
	return first + rounds - 1;
}

static int stop(FIXTURE_DATA(spin) *self)
{
	uint32_t end = 0;

	if (xwrite(self->ask, &end, sizeof(end)) != sizeof(end))
		return -EPIPE;
	return reap(self->child);
}

static uint64_t hits(FIXTURE_DATA(spin) *self)
{
	return info_of(self->ask).spin_hits + info_of(self->answer).spin_hits;
}

static uint64_t polls(FIXTURE_DATA(spin) *self)
{
	return hits(self) + info_of(self->ask).spin_misses + info_of(self->answer).spin_misses;
}

/* Ask until a poll succeeds, for PATIENCE at most: the CPUs may be busy for long. */
static uint32_t ask_until_hit(FIXTURE_DATA(spin) *self)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	uint32_t asked = 0;

	do {
		if (ask(self, asked + 1, ROUNDS) != asked + ROUNDS)
			return 0;
		asked += ROUNDS;
	} while (!hits(self) && now() < end);
	return asked;
}

TEST_F(spin, dialogue_of_two_cpus_polls)
{
	uint32_t asked;

	if (CPU_COUNT(&self->cpus) < 2)
		SKIP(return, "there is one CPU");
	start(self, false, 0, 0);
	asked = ask_until_hit(self);
	EXPECT_LT(0, asked);
	EXPECT_EQ(0, stop(self));
	EXPECT_LT(0, hits(self));
	/* each wait polls once at most */
	EXPECT_GE(2 * asked + 1, polls(self));
	EXPECT_BALANCED(self->ask);
	EXPECT_BALANCED(self->answer);
}

TEST_F(spin, signals_and_deadlines_lose_nothing)
{
	uint32_t asked;

	if (CPU_COUNT(&self->cpus) < 2)
		SKIP(return, "there is one CPU");
	start(self, false, 200000, 300);
	asked = ask_until_hit(self);
	EXPECT_LT(0, asked);
	EXPECT_EQ(asked + ROUNDS, ask(self, asked + 1, ROUNDS));
	EXPECT_EQ(0, stop(self));
	EXPECT_EQ(asked + ROUNDS + 1, info_of(self->ask).received);
	EXPECT_EQ(asked + ROUNDS, info_of(self->answer).received);
	EXPECT_EQ(0, info_of(self->ask).queued);
}

/* One waits while the other has to run. A timer of the kernel may let a few polls begin. */
TEST_F(spin, dialogue_of_one_cpu_does_not_poll)
{
	start(self, true, 0, 0);
	EXPECT_EQ(ROUNDS, ask(self, 1, ROUNDS));
	EXPECT_EQ(0, stop(self));
	EXPECT_GE(ROUNDS / 20, polls(self));
}

TEST_F(spin, limit_of_0_turns_it_off)
{
	ASSERT_EQ(0, param_set("spin_us", 0));
	start(self, false, 0, 0);
	EXPECT_EQ(ROUNDS, ask(self, 1, ROUNDS));
	EXPECT_EQ(0, stop(self));
	EXPECT_EQ(0, polls(self));
	EXPECT_EQ(-EINVAL, param_set("spin_us", LIMIT + 1));
}

/* Messages that come every 10 ms are not worth polling for: 8 limits are less. */
TEST_F(spin, slow_mailbox_does_not_poll)
{
	const uint32_t rounds = 100;

	ASSERT_EQ(0, param_set("spin_us", 50));
	start(self, false, 0, 0);
	for (uint32_t i = 1; i <= rounds; i++) {
		nanosleep(&(struct timespec) { .tv_nsec = 10 * NSEC_PER_MSEC }, NULL);
		ASSERT_EQ(i, ask(self, i, 1));
	}
	EXPECT_EQ(0, stop(self));
	EXPECT_GE(rounds / 10, info_of(self->ask).spin_hits + info_of(self->ask).spin_misses);
}

/* CPU time of a child that reads from @fd, ns, during a second in which nothing comes. */
static int64_t idle_cost(int fd, int wake)
{
	int64_t *cost = shared_alloc(sizeof(*cost));
	pid_t child = fork_child();
	char byte;

	if (!child) {
		int64_t began = now_on(CLOCK_PROCESS_CPUTIME_ID);

		if (xread(fd, &byte, 1) == 1)
			*cost = now_on(CLOCK_PROCESS_CPUTIME_ID) - began;
		_exit(0);
	}
	if (!await_sleeping(child))
		return -ETIME;
	nanosleep(&(struct timespec) { .tv_sec = 1 }, NULL);
	if (xwrite(wake, "", 1) != 1 || reap(child))
		return -EPIPE;
	return *cost;
}

/* Also with a handle that has learned to poll. */
TEST_F(spin, idle_mailbox_costs_no_more_than_a_pipe)
{
	int64_t of_pipe, of_mailbox;
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	start(self, false, 0, 0);
	EXPECT_EQ(ROUNDS, ask(self, 1, ROUNDS));
	EXPECT_EQ(0, stop(self));
	of_pipe = idle_cost(fds[0], fds[1]);
	of_mailbox = idle_cost(self->answer, self->answer);
	EXPECT_LT(0, of_pipe);
	EXPECT_LT(0, of_mailbox);
	/* the longest poll of all, and as much again */
	EXPECT_GT(of_pipe + 2 * 8 * LIMIT * 1000, of_mailbox)
		TH_LOG("%lld ns of CPU time, a pipe %lld", (long long)of_mailbox, (long long)of_pipe);
	close(fds[0]);
	close(fds[1]);
}

MBOX_TEST_MAIN
