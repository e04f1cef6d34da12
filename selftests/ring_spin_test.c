// SPDX-License-Identifier: GPL-2.0-only
/* Rings with libmbox: a side spins where that helps, and nowhere else. */
#include "lib/library.h"
#include "lib/ring.h"

#include <linux/futex.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define ROUNDS	1000
#define TRIES	5

/* A way there, and one back. */
FIXTURE(spin)
{
	char names[2][MBOX_NAME_SIZE];
	struct mbox *there, *back;
	struct mbox_ring_control *own;	/* the consumer's, of the way back */
	int64_t *time;			/* of the CPU, for the other process */
};

static bool rings_open(struct _test_data_spin *self)
{
	struct mbox_attr attr = test_attr();

	attr.capacity = 0;
	attr.ring = RING_SIZE;
	name_make(self->names[0]);
	name_make(self->names[1]);
	if (mbox_create(&self->there, self->names[0], MBOX_RIGHT_SEND, &attr) ||
	    mbox_create(&self->back, self->names[1], MBOX_RIGHT_RECV, &attr))
		return false;
	self->own = ring_map(mbox_fd(self->back), MBOX_RING_CONSUMER_OFFSET, page_size(),
			     PROT_READ);
	return (unsigned long)self->own < -4096UL;
}

static void rings_close(struct _test_data_spin *self)
{
	munmap(self->own, page_size());
	mbox_close(self->there);
	mbox_close(self->back);
}

FIXTURE_SETUP(spin)
{
	if (!run_on(1))
		SKIP(return, "there is only one CPU");
	self->time = shared_alloc(sizeof(*self->time));
	ASSERT_TRUE(rings_open(self));
}

FIXTURE_TEARDOWN(spin)
{
	if (self->there)
		rings_close(self);
}

static int64_t cpu_time(void)
{
	return now_on(CLOCK_PROCESS_CPUTIME_ID);
}

/* In a child, on @cpu: return each message, until one is empty. */
static int echo(struct _test_data_spin *self, int cpu)
{
	struct mbox *there, *back;
	int64_t began;
	char data[64];
	ssize_t n;

	if (!run_on(cpu) || mbox_open(&there, self->names[0], MBOX_RIGHT_RECV) ||
	    mbox_open(&back, self->names[1], MBOX_RIGHT_SEND))
		return 1;
	began = cpu_time();
	do {
		n = mbox_recv(there, data, sizeof(data), NULL, NULL);
		if (n < 0 || mbox_send(back, data, n, NULL))
			return 2;
	} while (n);
	*self->time = cpu_time() - began;
	return 0;
}

static pid_t echo_start(struct _test_data_spin *self, int cpu)
{
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(echo(self, cpu));
	return pid;
}

/* Return whether a message came back. */
static bool round_trip(struct _test_data_spin *self, size_t size)
{
	char data[64] = "";

	return mbox_send(self->there, data, size, NULL) == 0 &&
	       mbox_recv(self->back, data, sizeof(data), NULL, NULL) == (ssize_t)size;
}

static long futex_call(uint32_t *at, int op, uint32_t value)
{
	return syscall(SYS_futex, at, op, value, NULL, NULL, 0);
}

/* Wait for the turn with parity @mine, and give the next. */
static void futex_turns(uint32_t *turn, uint32_t mine)
{
	uint32_t seen;

	for (int i = 0; i < ROUNDS; i++) {
		while (((seen = __atomic_load_n(turn, __ATOMIC_SEQ_CST)) & 1) != mine)
			futex_call(turn, FUTEX_WAIT, seen);
		__atomic_store_n(turn, seen + 1, __ATOMIC_SEQ_CST);
		futex_call(turn, FUTEX_WAKE, 1);
	}
}

/* CPU time of both sides of as many round trips by the plain futex, on this CPU. */
static int64_t futex_time(int64_t *others)
{
	uint32_t *turn = shared_alloc(sizeof(*turn));
	int64_t began;
	pid_t pid;

	pid = fork_child();
	if (pid == 0) {
		began = cpu_time();
		futex_turns(turn, 1);
		*others = cpu_time() - began;
		_exit(0);
	}
	began = cpu_time();
	futex_turns(turn, 0);
	began = cpu_time() - began;
	return reap(pid) ? -1 : began + *others;
}

/* CPU time of both sides of as many round trips by the rings, on this CPU; -1: one failed. */
static int64_t ring_time(struct _test_data_spin *self)
{
	pid_t pid = echo_start(self, 1);
	int64_t began, time;
	bool good;

	/* the other may have been elsewhere until it was sent here */
	good = pid > 0 && round_trip(self, 1);
	began = cpu_time();
	for (int i = 0; good && i < ROUNDS; i++)
		good = round_trip(self, 64);
	time = cpu_time() - began;
	good = good && round_trip(self, 0) && !reap(pid);
	return good ? time + *self->time : -1;
}

/*
 * On one CPU, a side that spins keeps the other side from moving. The least of some times is that of a machine
 * which the host did not stop in between.
 */
TEST_F(spin, not_on_one_cpu)
{
	int64_t ring = INT64_MAX, futex = INT64_MAX, time;

	for (int i = 0; i < TRIES; i++) {
		if (i) {
			rings_close(self);
			ASSERT_TRUE(rings_open(self));
		}
		time = ring_time(self);
		ASSERT_LT(0, time);
		ring = MIN(ring, time);
		EXPECT_EQ(0, self->own->apart);
		time = futex_time(self->time);
		ASSERT_LT(0, time);
		futex = MIN(futex, time);
	}
	TH_LOG("CPU time of a round trip: ring %lld ns, futex %lld ns",
	       (long long)(ring / ROUNDS), (long long)(futex / ROUNDS));
	EXPECT_GT(3 * futex, ring);
}

static long sleeps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

/* On two CPUs, an answer that comes soon comes without a sleep, as long as both really run. */
TEST_F(spin, on_two_cpus)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	const int rounds = 50;
	long slept = rounds;
	pid_t pid;

	pid = echo_start(self, 0);
	ASSERT_LE(0, pid);
	while (slept > rounds / 2 && now() < end) {
		slept = sleeps();
		for (int i = 0; i < rounds; i++)
			ASSERT_TRUE(round_trip(self, 64));
		slept = sleeps() - slept;
	}
	TH_LOG("%ld sleeps in %d round trips", slept, rounds);
	EXPECT_GE(rounds / 2, slept);
	EXPECT_EQ(1, self->own->apart);
	ASSERT_TRUE(round_trip(self, 0));
	EXPECT_EQ(0, reap(pid));
}

/* A receiver that waits for long again and again uses next to no CPU time. */
TEST_F(spin, not_for_long)
{
	int64_t began, used;
	pid_t pid;

	pid = echo_start(self, 0);
	ASSERT_LE(0, pid);
	began = now();
	for (int i = 0; i < 100; i++) {
		ASSERT_TRUE(round_trip(self, 64));
		for (int j = 0; j < 5; j++)
			nap();
	}
	EXPECT_EQ(1, self->own->apart);
	ASSERT_TRUE(round_trip(self, 0));
	EXPECT_EQ(0, reap(pid));
	began = now() - began;
	used = *self->time;
	TH_LOG("%lld us of CPU time in %lld us", (long long)used / 1000, (long long)began / 1000);
	EXPECT_GT(began / 5, used);
}

MBOX_TEST_MAIN
