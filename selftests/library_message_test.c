// SPDX-License-Identifier: GPL-2.0-only
/* libmbox: sending and receiving, with and without time limits, signals and other threads. */
#include "lib/library.h"

#include <pthread.h>
#include <sys/resource.h>

static const struct mbox_send_opts send_nonblock = { .flags = MBOX_SEND_NONBLOCK };
static const struct mbox_recv_opts recv_nonblock = { .flags = MBOX_RECV_NONBLOCK };

/* All that options and header carry. */
TEST_F(lib, send_and_recv)
{
	struct mbox_send_opts send = { .prio = 3, .type = 0xfedcba98 };
	struct mbox_recv_opts recv = { .flags = MBOX_RECV_NONBLOCK };
	struct mbox_header *header = &self->header;

	EXPECT_RET(0, mbox_send(self->mb, "low", 3, NULL));
	EXPECT_RET(0, mbox_send(self->mb, "high\0!", 6, &send));
	EXPECT_RET(0, mbox_send(self->mb, NULL, 0, &send_nonblock));
	recv.flags |= MBOX_RECV_BY_SENDER | MBOX_RECV_PEEK;
	recv.pid = getpid();
	EXPECT_RET(6, mbox_recv(self->mb, self->data, 100, &recv, header));
	EXPECT_EQ(0, memcmp("high\0!", self->data, 6));
	EXPECT_TRUE(untouched(self->data + 6, sizeof(self->data) - 6));
	EXPECT_EQ(6, header->length);
	EXPECT_EQ(2, header->seq);
	EXPECT_EQ(3, header->prio);
	EXPECT_EQ(0xfedcba98, header->type);
	EXPECT_EQ((uint32_t)getpid(), header->pid);
	recv = (struct mbox_recv_opts) { .flags = MBOX_RECV_NONBLOCK, .min_prio = 4 };
	EXPECT_RET(-EAGAIN, mbox_recv(self->mb, self->data, 100, &recv, NULL));
	recv = (struct mbox_recv_opts) { .flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_TYPE };
	EXPECT_RET(3, mbox_recv(self->mb, self->data, 3, &recv, NULL));
	/* room without end is no error */
	EXPECT_RET(6, mbox_recv(self->mb, self->data, SIZE_MAX, NULL, header));
	EXPECT_RET(0, mbox_recv(self->mb, NULL, 0, NULL, header));
	EXPECT_EQ(3, header->seq);
	EXPECT_BALANCED(mbox_fd(self->mb));
}

TEST_F(lib, send_refused)
{
	struct mbox_send_opts bad[] = {
		{ .flags = 8 },
		{ .flags = MBOX_SEND_SYNC | MBOX_SEND_NONBLOCK },
		{ .prio = MBOX_PRIO_MAX + 1 },
		{ .deadline = 1 },
		{ .clock = 4 },
		{ .clock = MBOX_CLOCK_MONOTONIC, .deadline = -1 },
	};
	struct mbox_send_opts past = { .clock = MBOX_CLOCK_MONOTONIC, .deadline = 1 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_RET(-EINVAL, mbox_send(self->mb, "x", 1, &bad[i]));
	EXPECT_RET(-EMSGSIZE, mbox_send(self->mb, self->data, MBOX_MSG_SIZE_DEFAULT + 1, NULL));
	EXPECT_RET(-EMSGSIZE, mbox_send(self->mb, self->data, SIZE_MAX, NULL));
	EXPECT_RET(-EINVAL, mbox_send_timeout(self->mb, "x", 1, -2));
	EXPECT_RET(-EINVAL, mbox_send_timeout(self->mb, "x", 1, INT64_MIN));
	ASSERT_EQ(0, mbox_open(&self->other, self->name, MBOX_RIGHT_RECV));
	EXPECT_RET(-EBADF, mbox_send(self->other, "x", 1, NULL));
	mbox_close(self->other);
	self->other = NOT_WRITTEN;
	EXPECT_NOTHING_CHANGED();
	for (int i = 0; i < 4; i++)
		EXPECT_RET(0, mbox_send(self->mb, "x", 1, &past));
	EXPECT_RET(-ETIMEDOUT, mbox_send(self->mb, "x", 1, &past));
	EXPECT_RET(-EAGAIN, mbox_send(self->mb, "x", 1, &send_nonblock));
	EXPECT_RET(-EAGAIN, mbox_send_timeout(self->mb, "x", 1, 0));
	EXPECT_EQ(4, info_of(mbox_fd(self->mb)).sent);
}

TEST_F(lib, wide_types)
{
	const struct mbox_send_opts send = { .type = 7, .type_hi = 1U << 30 };
	struct mbox_recv_opts recv = {
		.flags = MBOX_RECV_BY_TYPE | MBOX_RECV_NONBLOCK, .type = 7,
	};
	struct mbox_header header;
	char text[4];
	void *data;

	ASSERT_EQ(0, mbox_send(self->mb, "wide", 4, &send));
	EXPECT_RET(-EAGAIN, mbox_recv(self->mb, text, 4, &recv, NULL));
	recv.type_hi = 1U << 30;
	recv.flags |= MBOX_RECV_PEEK;
	EXPECT_RET(4, mbox_recv(self->mb, text, 4, &recv, &header));
	EXPECT_EQ(7, header.type);
	EXPECT_EQ(1U << 30, header.type_hi);
	recv.flags = MBOX_RECV_TRUNC | MBOX_RECV_MAX_TYPE;
	EXPECT_RET(-EINVAL, mbox_recv_alloc(self->mb, &data, &recv, NULL));
	/* The rest of the message is lost, but not its length. */
	EXPECT_RET(4, mbox_recv(self->mb, text, 2, &recv, NULL));
	EXPECT_EQ(0, memcmp("wi", text, 2));
	EXPECT_EQ(0, info_of(mbox_fd(self->mb)).queued);
}

TEST_F(lib, recv_refused)
{
	struct mbox_recv_opts bad[] = {
		{ .flags = 16 },
		{ .flags = MBOX_RECV_AT },
		{ .type = 1 },
		{ .pid = 1 },
		{ .min_prio = MBOX_PRIO_MAX + 1 },
		{ .deadline = 1 },
		{ .clock = 4 },
		{ .clock = MBOX_CLOCK_MONOTONIC, .deadline = -1 },
	};
	struct mbox_recv_opts past = { .clock = MBOX_CLOCK_MONOTONIC, .deadline = 1 };
	void *data = self;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_RET(-EINVAL, mbox_recv(self->mb, self->data, 1, &bad[i], &self->header));
		EXPECT_RET(-EINVAL, mbox_recv_alloc(self->mb, &data, &bad[i], &self->header));
	}
	EXPECT_RET(-ETIMEDOUT, mbox_recv(self->mb, self->data, 1, &past, &self->header));
	EXPECT_RET(-EAGAIN, mbox_recv(self->mb, self->data, 1, &recv_nonblock, &self->header));
	EXPECT_RET(-EAGAIN, mbox_recv_alloc(self->mb, &data, &recv_nonblock, &self->header));
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(self->mb, self->data, 1, 0));
	EXPECT_RET(-EINVAL, mbox_recv_timeout(self->mb, self->data, 1, -2));
	EXPECT_RET(-EINVAL, mbox_recv_timeout(self->mb, self->data, 1, INT64_MIN));
	ASSERT_EQ(0, mbox_open(&self->other, self->name, MBOX_RIGHT_SEND));
	EXPECT_RET(-EBADF, mbox_recv(self->other, self->data, 1, NULL, &self->header));
	EXPECT_RET(-EBADF, mbox_recv_alloc(self->other, &data, NULL, &self->header));
	mbox_close(self->other);
	self->other = NOT_WRITTEN;
	EXPECT_EQ(self, data);
	EXPECT_NOTHING_CHANGED();
	/* too small: the header tells the size that it takes */
	ASSERT_EQ(0, mbox_send_string(self->mb, "text"));
	EXPECT_RET(-EMSGSIZE, mbox_recv(self->mb, self->data, 3, NULL, &self->header));
	EXPECT_EQ(4, self->header.length);
	EXPECT_RET(-EMSGSIZE, mbox_recv_timeout(self->mb, self->data, 3, 0));
	EXPECT_RET(-EMSGSIZE, mbox_recv_string(self->mb, self->data, 4));
	EXPECT_TRUE(untouched(self->data, sizeof(self->data)));
	EXPECT_EQ(1, info_of(mbox_fd(self->mb)).queued);
}

/* Relative times end, not early; and a handle that does not block ends at once. */
TEST_F(lib, timeouts)
{
	const int64_t time = 30 * NSEC_PER_MSEC;
	int64_t began = now();

	EXPECT_RET(-ETIMEDOUT, mbox_recv_timeout(self->mb, self->data, 1, time));
	EXPECT_LE(began + time, now());
	for (int i = 0; i < 4; i++)
		EXPECT_RET(0, mbox_send_timeout(self->mb, "x", 1, i & 1 ? INT64_MAX : 0));
	began = now();
	EXPECT_RET(-ETIMEDOUT, mbox_send_timeout(self->mb, "x", 1, time));
	EXPECT_LE(began + time, now());
	EXPECT_RET(1, mbox_recv_timeout(self->mb, self->data, 1, MBOX_NO_TIMEOUT));
	EXPECT_RET(0, mbox_send_timeout(self->mb, "x", 1, MBOX_NO_TIMEOUT));
	ASSERT_EQ(0, fcntl(mbox_fd(self->mb), F_SETFL, O_NONBLOCK));
	EXPECT_RET(-EAGAIN, mbox_send_timeout(self->mb, "x", 1, MBOX_NO_TIMEOUT));
	EXPECT_RET(-EAGAIN, mbox_send_timeout(self->mb, "x", 1, INT64_MAX));
	for (int i = 0; i < 4; i++)
		EXPECT_RET(1, mbox_recv_timeout(self->mb, self->data, 1, INT64_MAX));
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(self->mb, self->data, 1, MBOX_NO_TIMEOUT));
	EXPECT_RET(-EAGAIN, mbox_recv_string(self->mb, self->data, 1));
}

TEST_F(lib, strings)
{
	EXPECT_RET(0, mbox_send_string(self->mb, "text"));
	EXPECT_RET(4, mbox_recv_string(self->mb, self->data, 5));
	EXPECT_STREQ("text", self->data);
	EXPECT_TRUE(untouched(self->data + 5, 100));
	EXPECT_RET(0, mbox_send_string(self->mb, ""));
	/* no room for the NUL: the message is not taken for it */
	EXPECT_RET(-EINVAL, mbox_recv_string(self->mb, self->data, 0));
	EXPECT_RET(0, mbox_recv_string(self->mb, self->data, 1));
	EXPECT_STREQ("", self->data);
	EXPECT_RET(0, mbox_send(self->mb, "a\0b", 3, NULL));
	EXPECT_RET(3, mbox_recv_string(self->mb, self->data, 100));
	EXPECT_EQ(0, memcmp("a\0b", self->data, 4));
}

/* A buffer of the right size, for any message. */
TEST_F(lib, recv_alloc)
{
	static const uint32_t sizes[] = { 0, 1, 256, 257, 4094, 4095, 4096, 4097, 8192 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *data = NULL;

		pattern_fill(self->data, sizes[i], i);
		EXPECT_RET(0, mbox_send(self->mb, self->data, sizes[i], NULL));
		EXPECT_RET(sizes[i], mbox_recv_alloc(self->mb, (void **)&data, NULL,
						     i & 1 ? NULL : &self->header));
		ASSERT_NE(NULL, data);
		EXPECT_EQ(sizes[i], pattern_match(data, sizes[i], i));
		EXPECT_EQ(0, data[sizes[i]]);
		if (!(i & 1))
			EXPECT_EQ(sizes[i], self->header.length);
		free(data);
	}
}

#define BIG	(4 << 20)

/* A message for which there is no memory stays queued. */
static int receive_without_memory(void *arg)
{
	struct rlimit limit = { 0 };
	struct mbox *mb = arg;
	unsigned long pages;
	void *data = mb;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%lu", &pages) != 1)
		return -ENOEXEC;
	fclose(f);
	limit.rlim_cur = limit.rlim_max = pages * sysconf(_SC_PAGESIZE) + BIG / 2;
	if (setrlimit(RLIMIT_AS, &limit))
		return -errno;
	CHECK_RET(-ENOMEM, mbox_recv_alloc(mb, &data, NULL, NULL));
	CHECK_RET((void *)mb, data);
	return 0;
}

TEST(recv_alloc_without_memory)
{
	struct mbox_attr attr = test_attr();
	void *data = calloc(1, BIG);
	struct mbox *mb;

	attr.msg_size = BIG;
	ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	ASSERT_EQ(0, mbox_send(mb, data, BIG, NULL));
	free(data);
	EXPECT_EQ(0, in_child(receive_without_memory, mb));
	EXPECT_EQ(1, info_of(mbox_fd(mb)).queued);
	EXPECT_RET(BIG, mbox_recv_alloc(mb, &data, NULL, NULL));
	free(data);
	mbox_close(mb);
}

TEST(deadline_after)
{
	static const struct { uint32_t clock; clockid_t id; } clocks[] = {
		{ MBOX_CLOCK_MONOTONIC, CLOCK_MONOTONIC },
		{ MBOX_CLOCK_BOOTTIME, CLOCK_BOOTTIME },
		{ MBOX_CLOCK_REALTIME, CLOCK_REALTIME },
	};
	int64_t deadline = 5, before;

	EXPECT_RET(-EINVAL, mbox_deadline_after(0, MBOX_CLOCK_NONE, &deadline));
	EXPECT_RET(-EINVAL, mbox_deadline_after(0, MBOX_CLOCK_REALTIME + 1, &deadline));
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		uint32_t clock = clocks[i].clock;

		EXPECT_RET(-EINVAL, mbox_deadline_after(-2, clock, &deadline));
		EXPECT_RET(-EINVAL, mbox_deadline_after(INT64_MIN, clock, &deadline));
	}
	EXPECT_EQ(5, deadline);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		before = now_on(clocks[i].id);
		EXPECT_RET(0, mbox_deadline_after(1000, clocks[i].clock, &deadline));
		EXPECT_LE(before + 1000, deadline);
		EXPECT_GE(now_on(clocks[i].id) + 1000, deadline);
		EXPECT_RET(0, mbox_deadline_after(MBOX_NO_TIMEOUT, clocks[i].clock, &deadline));
		EXPECT_EQ(INT64_MAX, deadline);
		deadline = 5;
		/* beyond the end of time */
		EXPECT_RET(0, mbox_deadline_after(INT64_MAX, clocks[i].clock, &deadline));
		EXPECT_EQ(INT64_MAX, deadline);
	}
}

/* Calls that block, in a child. */
struct blocked {
	struct mbox *mb;
	int sa_flags;
	int signals;
	bool sends;
	ssize_t ret;
	char data[8];
};

static struct blocked *blocked;

static void count_signal(int sig)
{
	blocked->signals++;
}

static pid_t block(struct mbox *mb, int sa_flags, bool sends)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = sa_flags };
	struct mbox_send_opts sync = { .flags = MBOX_SEND_SYNC };
	pid_t pid;

	blocked = shared_alloc(sizeof(*blocked));
	pid = fork_child();
	if (pid)
		return pid;
	sigaction(SIGUSR1, &action, NULL);
	if (sends)
		blocked->ret = mbox_send(mb, "text", 4, &sync);
	else
		blocked->ret = mbox_recv_string(mb, blocked->data, sizeof(blocked->data));
	_exit(0);
}

TEST_F(lib, interrupted)
{
	pid_t pid = block(self->mb, 0, false);

	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 0, 1));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EINTR, blocked->ret);
	pid = block(self->mb, 0, true);
	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 1, 0));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EINTR, blocked->ret);
	EXPECT_EQ(0, info_of(mbox_fd(self->mb)).queued);
}

TEST_F(lib, restarted)
{
	pid_t pid = block(self->mb, SA_RESTART, false);

	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 0, 1));
	kill(pid, SIGUSR1);
	ASSERT_TRUE(await_flag(&blocked->signals));
	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 0, 1));
	EXPECT_RET(0, mbox_send_string(self->mb, "text"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(4, blocked->ret);
	EXPECT_STREQ("text", blocked->data);
}

TEST_F(lib, receipt)
{
	pid_t pid = block(self->mb, 0, true);

	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 1, 0));
	EXPECT_RET(4, mbox_recv_string(self->mb, self->data, 5));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(getpid(), blocked->ret);
}

TEST_F(lib, deleted)
{
	void *data = self;
	pid_t pid = block(self->mb, 0, false);

	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 0, 1));
	EXPECT_RET(0, mbox_delete_handle(self->mb, MBOX_DELETE_FORCE, NULL));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-EIDRM, blocked->ret);
	EXPECT_RET(-EIDRM, mbox_send_string(self->mb, "text"));
	EXPECT_RET(-EIDRM, mbox_recv(self->mb, self->data, 1, NULL, &self->header));
	EXPECT_RET(-EIDRM, mbox_recv_alloc(self->mb, &data, NULL, &self->header));
	EXPECT_EQ(self, data);
	EXPECT_TRUE(untouched(&self->header, sizeof(self->header)));
}

/* Any number of threads use a handle; each call is one thread's. */
#define THREADS		4
#define EACH		200

static void *thread_main(void *arg)
{
	struct mbox *mb = arg;
	uintptr_t sum = 0;
	uint32_t n;

	for (uint32_t i = 1; i <= EACH; i++) {
		if (mbox_send(mb, &i, sizeof(i), NULL) < 0 ||
		    mbox_recv(mb, &n, sizeof(n), NULL, NULL) != sizeof(n))
			return NULL;
		sum += n;
	}
	return (void *)sum;
}

TEST_F(lib, threads)
{
	pthread_t threads[THREADS];
	uintptr_t sum = 0;
	void *part;

	for (int i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, thread_main, self->mb));
	}
	for (int i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &part));
		sum += (uintptr_t)part;
	}
	EXPECT_EQ(THREADS * EACH * (EACH + 1) / 2, sum);
	EXPECT_EQ(THREADS * EACH, info_of(mbox_fd(self->mb)).received);
	EXPECT_BALANCED(mbox_fd(self->mb));
}

/* A filter by which the handle receives; headers, which only read() sees. */
TEST_F(lib, mode)
{
	struct mbox_recv_opts by_type = { .flags = MBOX_RECV_BY_TYPE, .type = 2 };
	struct mbox_recv_opts other = { .flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_TYPE, .type = 1 };
	struct mbox_recv_opts bad[] = {
		{ .flags = MBOX_RECV_NONBLOCK },
		{ .flags = MBOX_RECV_PEEK },
		{ .flags = MBOX_MODE_HEADER },
		{ .flags = MBOX_RECV_BY_START },
		{ .type = 1 },
		{ .clock = MBOX_CLOCK_MONOTONIC },
		{ .deadline = 1 },
		{ .min_prio = MBOX_PRIO_MAX + 1 },
	};
	struct mbox_send_opts send = { .flags = MBOX_SEND_NONBLOCK };
	struct mbox *copy;
	void *text;
	int fd = mbox_fd(self->mb);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_RET(-EINVAL, mbox_mode(self->mb, 0, &bad[i]));
	EXPECT_RET(-EINVAL, mbox_mode(self->mb, 1, NULL));
	EXPECT_RET(-EINVAL, mbox_mode(NULL, 0, NULL));
	EXPECT_NOTHING_CHANGED();
	for (send.type = 1; send.type <= 2; send.type++) {
		EXPECT_RET(0, mbox_send(self->mb, "text", 4, &send));
		EXPECT_RET(0, mbox_send(self->mb, "text", 4, &send));
	}
	EXPECT_RET(0, mbox_mode(self->mb, MBOX_MODE_HEADER, &by_type));
	EXPECT_RET(4, mbox_recv(self->mb, self->data, 100, NULL, NULL));
	EXPECT_EQ(0, memcmp("text", self->data, 4));
	EXPECT_TRUE(untouched(self->data + 4, sizeof(self->data) - 4));
	EXPECT_EQ(3, info_of(fd).queued);
	/* a handle of the same file */
	ASSERT_EQ(0, mbox_from_fd(&copy, dup(fd)));
	EXPECT_RET(4, mbox_recv_alloc(copy, &text, NULL, &self->header));
	EXPECT_EQ(2, self->header.type);
	free(text);
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(copy, self->data, 100, 0));
	EXPECT_RET(4, mbox_recv(copy, self->data, 100, &other, NULL));
	send.type = 2;
	EXPECT_RET(0, mbox_send(self->mb, "text", 4, &send));
	EXPECT_EQ(sizeof(struct mbox_header) + 4, xread(fd, self->data, 100));
	EXPECT_RET(0, mbox_mode(self->mb, 0, NULL));
	EXPECT_RET(4, mbox_recv(self->mb, self->data, 100, NULL, NULL));
	mbox_close(copy);
	EXPECT_BALANCED(fd);
}

TEST_F(lib, notify)
{
	struct mbox_notified notified = { .cookie = 5 };

	EXPECT_RET(-EINVAL, mbox_notify(NULL, MBOX_NOTIFY_ARM, &notified));
	EXPECT_RET(-EINVAL, mbox_notify(self->mb, 3, &notified));
	EXPECT_RET(-EFAULT, mbox_notify(self->mb, MBOX_NOTIFY_TAKE, NULL));
	EXPECT_RET(-EAGAIN, mbox_notify(self->mb, MBOX_NOTIFY_TAKE, &notified));
	EXPECT_RET(0, mbox_notify(self->mb, MBOX_NOTIFY_ARM, &notified));
	EXPECT_RET(-EBUSY, mbox_notify(self->mb, MBOX_NOTIFY_ARM, NULL));
	EXPECT_RET(0, mbox_send(self->mb, "text", 4, NULL));
	notified.cookie = 0;
	EXPECT_RET(0, mbox_notify(self->mb, MBOX_NOTIFY_TAKE, &notified));
	EXPECT_EQ(5, notified.cookie);
	EXPECT_EQ(getpid(), notified.pid);
	EXPECT_EQ(getuid(), notified.uid);
	EXPECT_RET(0, mbox_notify(self->mb, MBOX_NOTIFY_ARM, NULL));
	EXPECT_RET(0, mbox_notify(self->mb, MBOX_NOTIFY_DISARM, NULL));
	EXPECT_RET(-EAGAIN, mbox_notify(self->mb, MBOX_NOTIFY_TAKE, &notified));
}

MBOX_TEST_MAIN
