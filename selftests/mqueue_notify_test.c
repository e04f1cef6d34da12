// SPDX-License-Identifier: GPL-2.0-only
/* Queues of mq_overview(7): mq_notify(). */
#include "lib/mqueue.h"

#include <pthread.h>

#define SIGNAL	SIGRTMIN

static siginfo_t told;
static int times;

static void handle(int signal, siginfo_t *info, void *context)
{
	told = *info;
	__atomic_fetch_add(&times, 1, __ATOMIC_RELEASE);
}

static int notify(int mqdes, int how, int signal)
{
	struct sigevent event = {
		.sigev_notify = how, .sigev_signo = signal, .sigev_value.sival_int = 4711,
	};

	return mq_notify(mqdes, &event) ? -errno : 0;
}

static int notify_end(int mqdes)
{
	return mq_notify(mqdes, NULL) ? -errno : 0;
}

/* Wait for the signal that came from another process. */
static bool await_times(int n)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (__atomic_load_n(&times, __ATOMIC_ACQUIRE) < n && now() < end)
		nap();
	return times == n;
}

FIXTURE(notify)
{
	char name[MQUEUE_NAME];
	int mqdes;
};

FIXTURE_SETUP(notify)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };

	mqueue_name(self->name);
	self->mqdes = mqueue_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600, 4, 32);
	ASSERT_LE(0, self->mqdes);
	times = 0;
	sigaction(SIGNAL, &action, NULL);
}

FIXTURE_TEARDOWN(notify)
{
	close(self->mqdes);
	mq_unlink(self->name);
}

/* A send of the process itself: its signal was sent before that returns. */
TEST_F(notify, by_a_signal)
{
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "first", 0));
	ASSERT_EQ(1, times);
	EXPECT_EQ(SIGNAL, told.si_signo);
	EXPECT_EQ(SI_MESGQ, told.si_code);
	EXPECT_EQ(4711, told.si_value.sival_int);
	EXPECT_EQ(getpid(), told.si_pid);
	EXPECT_EQ(getuid(), told.si_uid);
	/* once */
	EXPECT_STREQ("first", mqueue_take(self->mqdes));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "second", 0));
	EXPECT_EQ(1, times);
	/* and again, when it is registered again */
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "third", 9));
	EXPECT_EQ(1, times);
	EXPECT_STREQ("third", mqueue_take(self->mqdes));
	EXPECT_STREQ("second", mqueue_take(self->mqdes));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "fourth", 0));
	EXPECT_EQ(2, times);
}

TEST_F(notify, of_another_process)
{
	pid_t pid;

	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* a child has no registration: it can neither get one nor end that */
		if (notify(self->mqdes, SIGEV_SIGNAL, SIGNAL) != -EBUSY ||
		    notify_end(self->mqdes) || close(dup(self->mqdes)))
			_exit(1);
		_exit(setuid(1000) || mqueue_send(self->mqdes, "text", 0) || times);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_TRUE(await_times(1));
	EXPECT_EQ(pid, told.si_pid);
	EXPECT_EQ(1000, told.si_uid);
}

TEST_F(notify, arguments)
{
	EXPECT_EQ(-EINVAL, notify(self->mqdes, 99, SIGNAL));
	EXPECT_EQ(-EINVAL, notify(self->mqdes, SIGEV_SIGNAL, 65));
	EXPECT_EQ(-EINVAL, notify(self->mqdes, SIGEV_SIGNAL, -1));
	EXPECT_EQ(0, notify_end(self->mqdes));
	/* signal 0 is left to the kernel; none of these is registered */
	EXPECT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
}

TEST_F(notify, one_at_a_time)
{
	int other = mqueue_open(self->name, O_RDWR, 0, 0, 0);

	for (int how = 0; how < 2; how++) {
		ASSERT_EQ(0, notify(self->mqdes, how ? SIGEV_NONE : SIGEV_SIGNAL, SIGNAL));
		EXPECT_EQ(-EBUSY, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
		EXPECT_EQ(-EBUSY, notify(other, SIGEV_NONE, 0));
		/* through any descriptor of the queue */
		EXPECT_EQ(0, notify_end(other));
		EXPECT_EQ(0, notify(other, SIGEV_NONE, 0));
		EXPECT_EQ(0, notify_end(other));
		EXPECT_EQ(0, notify_end(other));
	}
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
	EXPECT_EQ(0, times);
	close(other);
}

TEST_F(notify, none)
{
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_NONE, 0));
	EXPECT_EQ(-EBUSY, notify(self->mqdes, SIGEV_NONE, 0));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
	EXPECT_EQ(0, notify(self->mqdes, SIGEV_NONE, 0));
}

/* Only of an empty queue. */
TEST_F(notify, not_of_a_second_message)
{
	EXPECT_EQ(0, mqueue_send(self->mqdes, "first", 0));
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "second", 0));
	EXPECT_EQ(0, times);
	EXPECT_EQ(-EBUSY, notify(self->mqdes, SIGEV_NONE, 0));
}

TEST_F(notify, not_with_a_receiver)
{
	pid_t pid = fork_child();
	const char *text;

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(mqueue_receive(self->mqdes, &text) != 3);
	ASSERT_TRUE(await_sleeping(pid));
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 3));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, times);
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 3));
	EXPECT_EQ(1, times);
}

/* The next file that the program opens has the number that it would have without. */
TEST_F(notify, takes_no_low_number)
{
	int low = dup(0), fd;

	close(low);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
		fd = dup(0);
		EXPECT_EQ(low, fd);
		close(fd);
		EXPECT_EQ(0, notify_end(self->mqdes));
		mq_unlink(self->name);
	}
}

/* Its process closes a descriptor of the queue, any of them. */
TEST_F(notify, ends_with_close)
{
	int other = mqueue_open(self->name, O_RDWR, 0, 0, 0);

	for (int i = 0; i < 4; i++) {
		int fd = i & 1 ? dup(self->mqdes) : mqueue_open(self->name, O_RDWR, 0, 0, 0);

		ASSERT_EQ(0, notify(i & 2 ? fd : self->mqdes, SIGEV_SIGNAL, SIGNAL));
		mq_close(fd);
		EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
		EXPECT_EQ(0, times);
		EXPECT_STREQ("text", mqueue_take(self->mqdes));
		EXPECT_EQ(0, notify(other, SIGEV_NONE, 0));
		EXPECT_EQ(0, notify_end(other));
	}
	close(other);
}

static int register_and_end(void *arg)
{
	CHECK(0, notify(*(int *)arg, SIGEV_SIGNAL, SIGNAL));
	return 0;
}

static int register_and_exec(void *arg)
{
	CHECK(0, notify(*(int *)arg, SIGEV_SIGNAL, SIGNAL));
	execl("/bin/true", "true", NULL);
	return execlp("true", "true", NULL);
}

static int register_and_die(void *arg)
{
	CHECK(0, notify(*(int *)arg, SIGEV_SIGNAL, SIGNAL));
	return raise(SIGKILL);
}

TEST_F(notify, ends_with_its_process)
{
	EXPECT_EQ(0, in_child(register_and_end, &self->mqdes));
	EXPECT_EQ(0, notify(self->mqdes, SIGEV_NONE, 0));
	EXPECT_EQ(0, notify_end(self->mqdes));
	/* the function does not return */
	EXPECT_EQ(-ENOEXEC, in_child(register_and_exec, &self->mqdes));
	EXPECT_EQ(0, notify(self->mqdes, SIGEV_NONE, 0));
	EXPECT_EQ(0, notify_end(self->mqdes));
	in_child(register_and_die, &self->mqdes);
	EXPECT_EQ(0, notify(self->mqdes, SIGEV_NONE, 0));
}

static int again;

static void handle_again(int signal, siginfo_t *info, void *context)
{
	handle(signal, info, context);
	if (notify(again, SIGEV_SIGNAL, SIGNAL))
		abort();
}

/* The usual handler registers anew. */
TEST_F(notify, in_a_handler)
{
	struct sigaction action = { .sa_sigaction = handle_again, .sa_flags = SA_SIGINFO };

	again = self->mqdes;
	sigaction(SIGNAL, &action, NULL);
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	for (int i = 1; i <= 200; i++) {
		EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
		ASSERT_EQ(i, times);
		EXPECT_STREQ("text", mqueue_take(self->mqdes));
	}
}

/* The same, while another process sends. */
TEST_F(notify, in_a_handler_at_any_time)
{
	struct sigaction action = { .sa_sigaction = handle_again, .sa_flags = SA_SIGINFO | SA_RESTART };
	int n = 0;
	pid_t pid;

	again = self->mqdes;
	sigaction(SIGNAL, &action, NULL);
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (int i = 0; i < 2000; i++)
			if (mqueue_send(self->mqdes, "text", 0))
				_exit(1);
		_exit(0);
	}
	for (; n < 2000; n++) {
		pid_t other = n % 100 ? 0 : fork_child();

		if (!other && n % 100 == 0)
			_exit(0);
		ASSERT_STREQ("text", mqueue_take(self->mqdes));
		if (other) {
			EXPECT_EQ(0, reap(other));
		}
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, notify_end(self->mqdes));
}

/* The signal is the process', not a thread's: it can be waited for. */
TEST_F(notify, waited_for)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
	EXPECT_EQ(SIGNAL, sigtimedwait(&set, &info, &(struct timespec) { .tv_sec = PATIENCE }));
	EXPECT_EQ(SI_MESGQ, info.si_code);
	EXPECT_EQ(4711, info.si_value.sival_int);
	EXPECT_EQ(0, times);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

TEST_F(notify, of_an_unlinked_queue)
{
	mq_unlink(self->name);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
		EXPECT_EQ(-EBUSY, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
		EXPECT_EQ(0, notify_end(self->mqdes));
		ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
		EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
		EXPECT_EQ(i + 1, times);
		EXPECT_STREQ("text", mqueue_take(self->mqdes));
	}
}

/*
 * A signal of a message that the process receives comes before it could interrupt the next receive:
 * the sender is another process, so nothing else waits for it.
 */
TEST_F(notify, does_not_interrupt)
{
	/* such a message comes to an empty queue in which nobody receives */
	const int messages = 3000, lone = 100;
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (!pid) {
		for (int i = 0; i < messages; i++) {
			while (i % lone == 0 && mqueue_attr(self->mqdes).mq_curmsgs)
				nap();
			if (mqueue_send(self->mqdes, "text", 0))
				_exit(1);
			if (i % 3 == 0)
				sched_yield();
		}
		_exit(0);
	}
	for (int i = 0; i < messages; i++) {
		notify(self->mqdes, SIGEV_SIGNAL, SIGNAL);
		while (i % lone == 0 && !mqueue_attr(self->mqdes).mq_curmsgs)
			nap();
		ASSERT_STREQ("text", mqueue_take(self->mqdes)) TH_LOG("message %d, %d signals", i, times);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_LE(messages / lone, times);
}

static struct {
	int called, value;
	size_t stack;
	sigset_t blocked;
} called;

static void function(union sigval value)
{
	pthread_attr_t attr;

	called.value = value.sival_int;
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &called.stack);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_BLOCK, NULL, &called.blocked);
	set_flag(&called.called);
}

TEST_F(notify, by_a_thread)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 12,
		.sigev_notify_function = function,
	};
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 20);
	for (int i = 0; i < 2; i++) {
		memset(&called, 0, sizeof(called));
		event.sigev_notify_attributes = i ? &attr : NULL;
		ASSERT_EQ(0, mq_notify(self->mqdes, &event));
		EXPECT_EQ(-EBUSY, notify(self->mqdes, SIGEV_NONE, 0));
		EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
		ASSERT_TRUE(await_flag(&called.called));
		EXPECT_EQ(12, called.value);
		EXPECT_FALSE(sigismember(&called.blocked, SIGTERM));
		if (i) {
			EXPECT_EQ(1 << 20, called.stack);
		}
		EXPECT_STREQ("text", mqueue_take(self->mqdes));
	}
	pthread_attr_destroy(&attr);
	/* given up, it is not called */
	memset(&called, 0, sizeof(called));
	ASSERT_EQ(0, mq_notify(self->mqdes, &event));
	EXPECT_EQ(0, notify_end(self->mqdes));
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
	usleep(20000);
	EXPECT_EQ(0, called.called);
}

/* Two processes that share an open file, and ask in turn. */
TEST_F(notify, shared)
{
	pid_t pid;

	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid) {
		while (notify(self->mqdes, SIGEV_SIGNAL, SIGNAL))
			;
		_exit(!await_times(1) || told.si_pid != getppid());
	}
	EXPECT_EQ(0, mqueue_send(self->mqdes, "first", 0));
	EXPECT_EQ(1, times);
	EXPECT_STREQ("first", mqueue_take(self->mqdes));
	while (!notify(self->mqdes, SIGEV_NONE, 0)) {
		notify_end(self->mqdes);
		nap();
	}
	EXPECT_EQ(0, mqueue_send(self->mqdes, "second", 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, times);
}

/* read() of a queue names the process that is registered. */
TEST_F(notify, named_by_read)
{
	char line[128] = "", word[32];

	ASSERT_EQ(0, notify(self->mqdes, SIGEV_SIGNAL, SIGNAL));
	EXPECT_LT(40, read(self->mqdes, line, sizeof(line) - 1));
	snprintf(word, sizeof(word), "NOTIFY_PID:%d ", getpid());
	EXPECT_NE(NULL, strstr(line, word)) TH_LOG("%s", line);
	ASSERT_EQ(0, notify_end(self->mqdes));
	EXPECT_EQ(0, lseek(self->mqdes, 0, SEEK_SET));
	EXPECT_LT(40, read(self->mqdes, line, sizeof(line) - 1));
	EXPECT_NE(NULL, strstr(line, "NOTIFY_PID:0 ")) TH_LOG("%s", line);
}

MQUEUE_TEST_MAIN
