// SPDX-License-Identifier: GPL-2.0-only
/* Queues of mq_overview(7): messages, their order, waiting, deadlines, signals, threads. */
#include "lib/mqueue.h"
#include "lib/passing.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

FIXTURE(message)
{
	int mqdes;
};

FIXTURE_SETUP(message)
{
	self->mqdes = mqueue_new(O_RDWR, 4, 32);
	ASSERT_LE(0, self->mqdes);
}

FIXTURE_TEARDOWN(message)
{
	close(self->mqdes);
}

static void fill(struct __test_metadata *_metadata, int mqdes)
{
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, mqueue_send(mqdes, "full", 0));
	}
}

TEST_F(message, in_order)
{
	static const struct { unsigned int prio; const char *text; } of[] = {
		{ 32767, "first" }, { 5, "second" }, { 5, "third" }, { 0, "last" },
	};
	const char *text;

	EXPECT_EQ(0, mqueue_send(self->mqdes, "last", 0));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "second", 5));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "first", 32767));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "third", 5));
	EXPECT_EQ(4, mqueue_attr(self->mqdes).mq_curmsgs);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(of[i].prio, mqueue_receive(self->mqdes, &text));
		EXPECT_STREQ(of[i].text, text);
		EXPECT_EQ(3 - i, mqueue_attr(self->mqdes).mq_curmsgs);
	}
	EXPECT_EQ(-EINVAL, mqueue_send(self->mqdes, "text", 32768));
	EXPECT_EQ(-EINVAL, mqueue_send(self->mqdes, "text", ~0U));
	EXPECT_EQ(0, mqueue_attr(self->mqdes).mq_curmsgs);
}

TEST_F(message, sizes)
{
	char data[64] = "";

	/* none, the longest, and one more */
	EXPECT_EQ(0, mq_send(self->mqdes, data, 0, 3));
	EXPECT_EQ(0, mq_send(self->mqdes, NULL, 0, 2));
	EXPECT_EQ(0, mq_send(self->mqdes, data, 32, 1));
	EXPECT_EQ(-1, mq_send(self->mqdes, data, 33, 0));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(-1, mq_send(self->mqdes, data, (size_t)-1, 0));
	EXPECT_EQ(EMSGSIZE, errno);
	/* a buffer that is too small, of an empty queue too */
	EXPECT_EQ(-1, mq_receive(self->mqdes, data, 31, NULL));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(-1, mq_receive(self->mqdes, data, 0, NULL));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(3, mqueue_attr(self->mqdes).mq_curmsgs);
	EXPECT_EQ(0, mq_receive(self->mqdes, data, 32, NULL));
	EXPECT_EQ(0, mq_receive(self->mqdes, data, 64, NULL));
	EXPECT_EQ(32, mq_receive(self->mqdes, data, 64, NULL));
	EXPECT_EQ(-1, mq_receive(self->mqdes, data, 31, NULL));
	EXPECT_EQ(EMSGSIZE, errno);
}

TEST(long_ones)
{
	const size_t size = 1 << 18;
	int fd = mqueue_new(O_RDWR, 2, size);
	char *sent = malloc(size), *got = malloc(size);

	ASSERT_LE(0, fd);
	for (size_t i = 0; i < size; i++)
		sent[i] = i * 7 + (i >> 8);
	for (size_t n = 1; n <= size; n *= 8) {
		memset(got, 0, size);
		EXPECT_EQ(0, mq_send(fd, sent, n, 0));
		EXPECT_EQ(n, mq_receive(fd, got, size, NULL));
		EXPECT_EQ(0, memcmp(sent, got, n));
	}
	free(sent);
	free(got);
	close(fd);
}

TEST_F(message, ready)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	fd_set set;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->mqdes, &event));
	EXPECT_EQ(POLLOUT, poll_for(self->mqdes, POLLIN | POLLOUT));
	EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	fill(_metadata, self->mqdes);
	EXPECT_EQ(POLLIN, poll_for(self->mqdes, POLLIN | POLLOUT));
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, 0));
	FD_ZERO(&set);
	FD_SET(self->mqdes, &set);
	EXPECT_EQ(1, select(self->mqdes + 1, &set, NULL, NULL, &(struct timeval) { .tv_sec = 0 }));
	EXPECT_STREQ("full", mqueue_take(self->mqdes));
	EXPECT_EQ(POLLIN | POLLOUT, poll_for(self->mqdes, POLLIN | POLLOUT));
	close(epoll);
}

TEST_F(message, deadlines)
{
	static const struct timespec invalid[] = {
		{ .tv_sec = -1 }, { .tv_nsec = -1 }, { .tv_nsec = 1000000000 },
	}, past = { .tv_sec = 1 };
	int64_t begin;

	/* a call that need not wait succeeds, at any time */
	EXPECT_EQ(0, mqueue_timedsend(self->mqdes, "text", past));
	EXPECT_EQ(4, mqueue_timedreceive(self->mqdes, past));
	EXPECT_EQ(0, mqueue_timedsend(self->mqdes, "text", (struct timespec) { .tv_sec = 0 }));
	EXPECT_EQ(4, mqueue_timedreceive(self->mqdes, (struct timespec) { .tv_sec = INT64_MAX }));
	EXPECT_EQ(0, mq_timedsend(self->mqdes, "text", 4, 0, NULL));
	for (int i = 0; i < ARRAY_SIZE(invalid); i++) {
		/* Linux looks at it first */
		EXPECT_EQ(-EINVAL, mqueue_timedreceive(self->mqdes, invalid[i])) TH_LOG("%d", i);
		EXPECT_EQ(-EINVAL, mqueue_timedsend(self->mqdes, "text", invalid[i])) TH_LOG("%d", i);
	}
	EXPECT_EQ(1, mqueue_attr(self->mqdes).mq_curmsgs);
	EXPECT_EQ(4, mqueue_timedreceive(self->mqdes, past));

	EXPECT_EQ(-ETIMEDOUT, mqueue_timedreceive(self->mqdes, past));
	begin = now_on(CLOCK_REALTIME);
	EXPECT_EQ(-ETIMEDOUT, mqueue_timedreceive(self->mqdes, mqueue_after(30 * NSEC_PER_MSEC)));
	EXPECT_LE(begin + 30 * NSEC_PER_MSEC, now_on(CLOCK_REALTIME));
	fill(_metadata, self->mqdes);
	EXPECT_EQ(-ETIMEDOUT, mqueue_timedsend(self->mqdes, "text", past));
	begin = now_on(CLOCK_REALTIME);
	EXPECT_EQ(-ETIMEDOUT, mqueue_timedsend(self->mqdes, "text", mqueue_after(30 * NSEC_PER_MSEC)));
	EXPECT_LE(begin + 30 * NSEC_PER_MSEC, now_on(CLOCK_REALTIME));
	EXPECT_EQ(4, mqueue_attr(self->mqdes).mq_curmsgs);
}

static void handle(int signal)
{
}

/* A blocked call of a child, with a deadline or without. It has to return @expected. */
static int blocked_call(int mqdes, bool sends, bool timed, int flags, int expected)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags };
	struct timespec at = mqueue_after(PATIENCE * NSEC_PER_SEC);
	const char *text;
	int ret;

	sigaction(SIGUSR1, &action, NULL);
	if (sends)
		ret = timed ? mqueue_timedsend(mqdes, "sent", at) : mqueue_send(mqdes, "sent", 0);
	else
		ret = timed ? mqueue_timedreceive(mqdes, at) : mqueue_receive(mqdes, &text);
	CHECK(expected, ret);
	return 0;
}

static pid_t fork_blocked(int mqdes, bool sends, bool timed, int flags, int expected)
{
	pid_t pid = fork_child();

	if (!pid)
		_exit(blocked_call(mqdes, sends, timed, flags, expected) != 0);
	return pid > 0 && await_sleeping(pid) ? pid : -1;
}

TEST_F(message, interrupted)
{
	for (int i = 0; i < 8; i++) {
		const bool sends = i & 1, timed = i & 2;
		const int flags = i & 4 ? SA_RESTART : 0;
		int expected = flags ? sends || !timed ? 0 : 4 : -EINTR;
		const char *text;
		pid_t pid;

		if (sends)
			fill(_metadata, self->mqdes);
		pid = fork_blocked(self->mqdes, sends, timed, flags, expected);
		ASSERT_LT(0, pid);
		kill(pid, SIGUSR1);
		if (flags) {
			/* it goes on: let it end */
			usleep(20000);
			ASSERT_TRUE(await_sleeping(pid));
			EXPECT_STREQ(sends ? "full" : "OK", sends ? mqueue_take(self->mqdes) :
				     mqueue_send(self->mqdes, "sent", 0) ? "error" : "OK");
		}
		EXPECT_EQ(0, reap(pid)) TH_LOG("call %d", i);
		while (mqueue_attr(self->mqdes).mq_curmsgs)
			mqueue_receive(self->mqdes, &text);
	}
}

/* A stopped call goes on, and the program does not notice. */
TEST_F(message, stopped)
{
	pid_t pid = fork_blocked(self->mqdes, false, true, 0, 4);

	ASSERT_LT(0, pid);
	kill(pid, SIGSTOP);
	EXPECT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	kill(pid, SIGCONT);
	ASSERT_TRUE(await_sleeping(pid));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
	EXPECT_EQ(0, reap(pid));
}

TEST_F(message, waits)
{
	pid_t pid = fork_blocked(self->mqdes, false, false, 0, 9);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 9));
	EXPECT_EQ(0, reap(pid));
	fill(_metadata, self->mqdes);
	pid = fork_blocked(self->mqdes, true, false, 0, 0);
	ASSERT_LT(0, pid);
	/* not counted before there is room */
	EXPECT_EQ(4, mqueue_attr(self->mqdes).mq_curmsgs);
	EXPECT_STREQ("full", mqueue_take(self->mqdes));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(4, mqueue_attr(self->mqdes).mq_curmsgs);
	for (int i = 0; i < 3; i++) {
		EXPECT_STREQ("full", mqueue_take(self->mqdes));
	}
	EXPECT_STREQ("sent", mqueue_take(self->mqdes));
}

/* Receivers get messages by their own priority, and among equals by the time they have waited. */
TEST_F(message, receivers_in_order)
{
	static const int prios[] = { 0, 10, 20, 10 }, turns[] = { 4, 2, 1, 3 };
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (!pids[i]) {
			struct sched_param param = { .sched_priority = prios[i] };

			if (sched_setscheduler(0, prios[i] ? SCHED_FIFO : SCHED_OTHER, &param))
				_exit(1);
			/* the turn is the priority of the message */
			_exit(blocked_call(self->mqdes, false, false, 0, turns[i]) != 0);
		}
		ASSERT_TRUE(await_sleeping(pids[i]));
		/* it sleeps in the call */
		usleep(10000);
		ASSERT_TRUE(await_sleeping(pids[i]));
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, mqueue_send(self->mqdes, "text", i + 1));
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, reap(pids[i])) TH_LOG("receiver %d", i);
	}
}

/* Among equal senders the one that has waited longest is first, at any priority of its message. */
TEST_F(message, senders_in_order)
{
	int one = mqueue_new(O_RDWR, 1, 8);
	pid_t pids[3];

	ASSERT_LE(0, one);
	EXPECT_EQ(0, mqueue_send(one, "0", 0));
	for (int i = 0; i < 3; i++) {
		const char text[] = { '1' + i, '\0' };

		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			_exit(mqueue_send(one, text, i) != 0);
		ASSERT_TRUE(await_sleeping(pids[i]));
		usleep(10000);
		ASSERT_TRUE(await_sleeping(pids[i]));
	}
	for (int i = 0; i < 4; i++) {
		const char text[] = { '0' + i, '\0' };

		EXPECT_STREQ(text, mqueue_take(one));
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, reap(pids[i]));
	}
	close(one);
}

struct thread {
	int mqdes, ret, tid;
	const char *text;
};

static void *receive_thread(void *arg)
{
	struct thread *thread = arg;

	thread->tid = (int)syscall(SYS_gettid);
	thread->ret = mqueue_receive(thread->mqdes, &thread->text);
	return NULL;
}

static bool begin(struct thread *thread, pthread_t *id)
{
	if (pthread_create(id, NULL, receive_thread, thread))
		return false;
	while (!__atomic_load_n(&thread->tid, __ATOMIC_ACQUIRE))
		nap();
	return await_sleeping(thread->tid);
}

/* Closing the descriptor does not end a call of another thread. */
TEST_F(message, closed_by_a_thread)
{
	struct thread thread = { .mqdes = dup(self->mqdes) };
	pthread_t id;

	ASSERT_TRUE(begin(&thread, &id));
	close(thread.mqdes);
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 7));
	pthread_join(id, NULL);
	EXPECT_EQ(7, thread.ret);
	EXPECT_STREQ("text", thread.text);
}

TEST_F(message, cancelled)
{
	struct thread thread = { .mqdes = self->mqdes };
	pthread_t id;
	void *result;

	ASSERT_TRUE(begin(&thread, &id));
	EXPECT_EQ(0, pthread_cancel(id));
	EXPECT_EQ(0, pthread_join(id, &result));
	EXPECT_EQ(PTHREAD_CANCELED, result);
	/* it waits no more */
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
	EXPECT_STREQ("text", mqueue_take(self->mqdes));
}

static void *cancel_self(void *arg)
{
	const char *text;
	int *mqdes = arg;

	pthread_cancel(pthread_self());
	if (mqdes[1])
		mqueue_send(mqdes[0], "lost", 0);
	else
		mqueue_receive(mqdes[0], &text);
	return NULL;
}

/* A thread that was cancelled before is so in the call, though that need not wait. */
TEST_F(message, cancelled_before)
{
	for (int sends = 0; sends < 2; sends++) {
		int arg[2] = { self->mqdes, sends };
		pthread_t id;
		void *result;

		EXPECT_EQ(0, mqueue_send(self->mqdes, "kept", 0));
		ASSERT_EQ(0, pthread_create(&id, NULL, cancel_self, arg));
		EXPECT_EQ(0, pthread_join(id, &result));
		EXPECT_EQ(PTHREAD_CANCELED, result);
		EXPECT_EQ(1, mqueue_attr(self->mqdes).mq_curmsgs);
		EXPECT_STREQ("kept", mqueue_take(self->mqdes));
	}
}

static int passed_on(void *arg)
{
	int fd = fd_take(*(int *)arg);
	const char *text;

	CHECK(1, fd >= 0);
	CHECK(4, mqueue_attr(fd).mq_maxmsg);
	CHECK(3, mqueue_receive(fd, &text));
	CHECK(0, mqueue_send(fd, "back", 4));
	return 0;
}

/* A descriptor is good wherever it comes from. */
TEST_F(message, passed)
{
	int sockets[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "there", 3));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(self->mqdes);
		_exit(passed_on(&sockets[1]) != 0);
	}
	EXPECT_EQ(0, fd_pass(sockets[0], self->mqdes));
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("back", mqueue_take(self->mqdes));
	/* the number of a queue that was closed may be that of another one at once */
	for (int i = 0; i < 3; i++) {
		int small = mqueue_new(O_RDWR, 1, 4 + i);
		char data[8];

		EXPECT_EQ(0, mqueue_send(small, "abcd", 0));
		EXPECT_EQ(i ? -1 : 4, mq_receive(small, data, 4, NULL));
		close(small);
	}
	close(sockets[0]);
	close(sockets[1]);
}

/* Send numbers until killed, and say which were sent. */
static pid_t fork_sender(int mqdes, int slot, int *sent)
{
	pid_t pid = fork_child();
	int data[2] = { slot, 1 };

	if (pid)
		return pid;
	for (;; data[1]++) {
		if (mq_send(mqdes, (char *)data, sizeof(data), 0))
			_exit(1);
		__atomic_store_n(&sent[slot], data[1], __ATOMIC_RELEASE);
	}
}

/* Senders are killed at any time: each message sent is received once, in order, and no other. */
TEST_F(message, ledger)
{
	enum { SLOTS = 60, AT_ONCE = 3, EACH = 100 };
	int *sent = shared_alloc(SLOTS * sizeof(int)), seen[SLOTS] = { 0 }, data[8];
	pid_t pids[SLOTS];

	for (int slot = 0; slot < SLOTS + AT_ONCE; slot++) {
		if (slot < SLOTS) {
			pids[slot] = fork_sender(self->mqdes, slot, sent);
			ASSERT_LE(0, pids[slot]);
		}
		for (int n = 0; slot < SLOTS && n < EACH; n++) {
			ASSERT_EQ(8, mq_receive(self->mqdes, (char *)data, sizeof(data), NULL));
			ASSERT_EQ(++seen[data[0]], data[1]);
		}
		if (slot >= AT_ONCE) {
			kill(pids[slot - AT_ONCE], SIGKILL);
			EXPECT_EQ(SIGKILL, reap(pids[slot - AT_ONCE]));
		}
	}
	ASSERT_EQ(0, mqueue_setflags(self->mqdes, O_NONBLOCK));
	while (mq_receive(self->mqdes, (char *)data, sizeof(data), NULL) == 8)
		ASSERT_EQ(++seen[data[0]], data[1]);
	EXPECT_EQ(EAGAIN, errno);
	/* one may have been sent, and not been said */
	for (int slot = 0; slot < SLOTS; slot++) {
		EXPECT_LE((unsigned int)(seen[slot] - sent[slot]), 1) TH_LOG("%d: %d, %d", slot, seen[slot], sent[slot]);
	}
}

MQUEUE_TEST_MAIN
