// SPDX-License-Identifier: GPL-2.0-only
/* A large payload is on its way to a receiver that waits, while others interfere at any moment. */
#include "lib/transfer.h"

#include <sys/time.h>

/* Messages are words that are all equal. */
#define WORDS		(256 * 1024 / 8)
#define SENDERS		4
#define ROUNDS		200
#define LONGEST		(15 * NSEC_PER_SEC)

/* Threads send without end, each its own number and a count that grows. */
struct race {
	int fd;
	int stop;
	unsigned int small_every;	/* one of so many messages is small; 0: none */
	void *buffer;			/* of the receiver */
	pthread_t senders[SENDERS];
	int nr_senders, begun;
	int error;
};

static void *race_send(void *data)
{
	struct race *race = data;
	int nr = __atomic_fetch_add(&race->begun, 1, __ATOMIC_RELAXED);
	uint64_t *words = calloc(WORDS, sizeof(*words));
	size_t size;
	int ret;

	if (!words) {
		race->error = -ENOMEM;
		return NULL;
	}
	for (uint64_t n = 1; !__atomic_load_n(&race->stop, __ATOMIC_RELAXED); n++) {
		size = race->small_every && n % race->small_every == 0 ? 64 : WORDS * 8;
		for (size_t i = 0; i < size / 8; i++)
			words[i] = n << 8 | nr;
		ret = send_bytes(race->fd, MBOX_SEND_NONBLOCK, 0, 0, words, size);
		if (ret == -EAGAIN) {
			n--;
			sched_yield();
		} else if (ret < 0) {
			if (ret != -EIDRM)
				race->error = ret;
			break;
		}
	}
	free(words);
	return NULL;
}

static void race_begin(struct __test_metadata *_metadata, struct race *race)
{
	for (int i = 0; i < race->nr_senders; i++)
		ASSERT_EQ(0, pthread_create(&race->senders[i], NULL, race_send, race));
}

static void race_end(struct __test_metadata *_metadata, struct race *race)
{
	__atomic_store_n(&race->stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < race->nr_senders; i++)
		pthread_join(race->senders[i], NULL);
	EXPECT_EQ(0, race->error);
}

/* Check a message of @length bytes: whole, and the next of its sender. Return 0 or -EBADMSG. */
static int race_check(const uint64_t *words, size_t length, uint64_t last[SENDERS], bool all)
{
	uint64_t n = words[0] >> 8, nr = words[0] & 0xff;

	CHECK(0, length % 8);
	for (size_t i = 1; i < length / 8; i++)
		CHECK(words[0], words[i]);
	CHECK(true, nr < SENDERS);
	CHECK(true, all ? n == last[nr] + 1 : n > last[nr]);
	last[nr] = n;
	return 0;
}

FIXTURE(race)
{
	struct scene scene;
};

FIXTURE_VARIANT(race)
{
	int nr_senders;
	unsigned int small_every;
};

FIXTURE_VARIANT_ADD(race, one_sender)
{
	.nr_senders = 1,
};

FIXTURE_VARIANT_ADD(race, many_senders)
{
	.nr_senders = 3, .small_every = 3,
};

FIXTURE_SETUP(race)
{
	scene_begin(_metadata, &self->scene);
}

FIXTURE_TEARDOWN(race)
{
	scene_end(_metadata, &self->scene);
}

static void on_signal(int signal)
{
}

/* Deadlines pass and signals come at any moment: each message is received once, whole, in order. */
TEST_F(race, interrupted)
{
	struct race race = {
		.fd = self->scene.fd, .nr_senders = variant->nr_senders, .small_every = variant->small_every,
	};
	const struct itimerval often = { { 0, 1700 }, { 0, 1700 } }, never = {};
	struct sigaction action = { .sa_handler = on_signal };
	unsigned int got = 0, late = 0, interrupted = 0;
	int64_t end = now() + LONGEST;
	uint64_t last[SENDERS] = {};
	int ret;

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	race_begin(_metadata, &race);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; got < ROUNDS && now() < end; i++) {
		self->scene.arg.clock = MBOX_CLOCK_MONOTONIC;
		self->scene.arg.deadline = now() + (i % 50) * 40000;
		ret = xioctl(self->scene.fd, MBOX_IOC_RECV, &self->scene.arg);
		if (ret == -ETIMEDOUT) {
			late++;
		} else if (ret == -EINTR) {
			interrupted++;
		} else {
			ASSERT_EQ(0, ret);
			got++;
			ASSERT_EQ(0, race_check((void *)self->scene.in, self->scene.arg.header.length, last, true));
		}
	}
	setitimer(ITIMER_REAL, &never, NULL);
	race_end(_metadata, &race);
	TH_LOG("%u received, %u timed out, %u interrupted", got, late, interrupted);
	EXPECT_LT(0, got);
}

/* The buffer is unmapped, moved and discarded while messages are on their way. */
static void *mapping_change(void *data)
{
	struct race *race = data;
	uint8_t *in = race->buffer;
	pid_t pid;

	for (unsigned int i = 0; !__atomic_load_n(&race->stop, __ATOMIC_RELAXED); i++) {
		switch (i % 4) {
		case 0:
			madvise(in, MSG_SIZE / 2, MADV_DONTNEED);
			break;
		case 1:
			(void)mmap(in, MSG_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
			break;
		case 2:
			mprotect(in, MSG_SIZE, PROT_READ);
			sched_yield();
			mprotect(in, MSG_SIZE, PROT_READ | PROT_WRITE);
			break;
		case 3:
			pid = fork_child();
			if (pid == 0)
				_exit(0);
			if (pid > 0)
				reap(pid);
			break;
		}
	}
	return NULL;
}

TEST_F(race, mapping_changes)
{
	struct race race = {
		.fd = self->scene.fd, .nr_senders = variant->nr_senders, .small_every = variant->small_every,
	};
	int64_t end = now() + LONGEST;
	unsigned int got = 0, faults = 0;
	pthread_t thread;
	int ret;

	race.buffer = self->scene.in;
	race_begin(_metadata, &race);
	ASSERT_EQ(0, pthread_create(&thread, NULL, mapping_change, &race));
	for (int i = 0; got < ROUNDS && now() < end; i++) {
		ret = xioctl(self->scene.fd, MBOX_IOC_RECV, &self->scene.arg);
		if (ret == -EFAULT) {
			faults++;
			continue;
		}
		ASSERT_EQ(0, ret);
		got++;
	}
	race_end(_metadata, &race);
	pthread_join(thread, NULL);
	TH_LOG("%u received, %u faults", got, faults);
	EXPECT_LT(0, got);
}

/* Receivers are killed at any moment: each message is received by one of them at most, and in order. */
TEST_F(race, receiver_killed)
{
	struct race race = {
		.fd = self->scene.fd, .nr_senders = variant->nr_senders, .small_every = variant->small_every,
	};
	uint64_t (*last)[SENDERS] = shared_alloc(sizeof(*last));
	int *failed = shared_alloc(sizeof(*failed));
	int64_t end = now() + LONGEST;
	unsigned int i;
	pid_t pid;

	race_begin(_metadata, &race);
	for (i = 0; i < ROUNDS && now() < end; i++) {
		pid = fork_child();
		if (pid == 0) {
			memset(self->scene.in, POISON, MSG_SIZE);
			while (!recv_bytes(self->scene.fd, 0, self->scene.in, MSG_SIZE, &self->scene.arg.header))
				if (race_check((void *)self->scene.in, self->scene.arg.header.length, *last, false))
					set_flag(failed);
			_exit(0);
		}
		ASSERT_LT(0, pid);
		nanosleep(&(struct timespec) { .tv_nsec = 3000000 + i * 10000 }, NULL);
		kill(pid, SIGKILL);
		reap(pid);
		ASSERT_EQ(0, *failed);
	}
	race_end(_metadata, &race);
	TH_LOG("%u killed, %llu received", i, (unsigned long long)info_of(self->scene.fd).received);
}

/* The sender is killed at any moment: its messages are whole, or not there. */
TEST_F(race, sender_killed)
{
	struct race race = { .fd = self->scene.fd };
	int64_t end = now() + LONGEST;
	unsigned int i, got = 0;
	uint64_t last[SENDERS];
	pid_t pid;
	int ret;

	for (i = 0; i < ROUNDS && now() < end; i++) {
		pid = fork_child();
		if (pid == 0) {
			race_send(&race);
			_exit(0);
		}
		ASSERT_LT(0, pid);
		memset(last, 0, sizeof(last));
		for (int j = 0; j < 4; j++) {
			if (j == 2)
				kill(pid, SIGKILL);
			self->scene.arg.clock = MBOX_CLOCK_MONOTONIC;
			self->scene.arg.deadline = now() + (j < 2 ? NSEC_PER_SEC : NSEC_PER_MSEC);
			ret = xioctl(self->scene.fd, MBOX_IOC_RECV, &self->scene.arg);
			if (ret == -ETIMEDOUT)
				continue;
			ASSERT_EQ(0, ret);
			ASSERT_EQ(0, race_check((void *)self->scene.in, self->scene.arg.header.length, last, true));
			got++;
		}
		kill(pid, SIGKILL);
		reap(pid);
		while (!recv_bytes(self->scene.fd, MBOX_RECV_NONBLOCK, self->scene.in, MSG_SIZE,
				   &self->scene.arg.header))
			ASSERT_EQ(0, race_check((void *)self->scene.in, self->scene.arg.header.length, last, true));
	}
	TH_LOG("%u killed, %u received", i, got);
}

/* The mailbox is deleted, or the receiving handle shut down, at any moment. */
TEST_F(race, mailbox_deleted)
{
	int64_t end = now() + LONGEST;
	unsigned int i, got = 0;

	for (i = 0; i < ROUNDS && now() < end; i++) {
		struct race race = { .nr_senders = variant->nr_senders };

		race.fd = box_large(4);
		ASSERT_LE(0, race.fd);
		self->scene.receive.fd = race.fd;
		ASSERT_TRUE(receive_start(&self->scene.receive));
		race_begin(_metadata, &race);
		if (i % 2)
			sched_yield();
		nanosleep(&(struct timespec) { .tv_nsec = i * 5000 }, NULL);
		ASSERT_EQ(0, delete_fd(race.fd, MBOX_DELETE_FORCE));
		race_end(_metadata, &race);
		if (receive_end(&self->scene.receive)) {
			ASSERT_EQ(-EIDRM, self->scene.receive.result);
		} else {
			uint64_t last[SENDERS] = {};

			got++;
			ASSERT_EQ(0, race_check((void *)self->scene.in, self->scene.arg.header.length, last, true));
		}
		EXPECT_BALANCED(race.fd);
		close(race.fd);
	}
	TH_LOG("%u deleted, %u received", i, got);
}

MBOX_TEST_MAIN
