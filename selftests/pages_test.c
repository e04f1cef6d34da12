// SPDX-License-Identifier: GPL-2.0-only
/* The examples of the manual pages and of README.md, as printed there: they compile without a warning and do what the pages say. */
#include "lib/lease.h"
#include "lib/library.h"

#include <inttypes.h>
#include <mbox_monitor.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

/* The output of an example, which its printf() adds to. */
static char said[4096];

static __attribute__((format(printf, 1, 2))) int say(const char *format, ...)
{
	size_t used = strlen(said);
	va_list args;
	int ret;

	va_start(args, format);
	ret = vsnprintf(said + used, sizeof(said) - used, format, args);
	va_end(args);
	return ret;
}

#define printf(...) say(__VA_ARGS__)

/* A network namespace of its own, since the examples name their mailboxes; in it a mailbox called jobs. */
FIXTURE(page)
{
	struct mbox *mb;
	struct mbox_monitor *mon;
};

FIXTURE_SETUP(page)
{
	struct mbox_attr attr = test_attr();

	said[0] = '\0';
	umask(0);
	if (unshare(CLONE_NEWNET))
		SKIP(return, "no network namespace of its own: %s", strerror(errno));
	attr.capacity = 4;
	/* Before 6.6 only events that everybody may see reach the programs. */
	attr.mode = 0666;
	ASSERT_EQ(0, mbox_create(&self->mb, "jobs", RIGHTS_BOTH, &attr));
	ASSERT_EQ(0, mbox_monitor_open(&self->mon));
}

FIXTURE_TEARDOWN(page)
{
	mbox_monitor_close(self->mon);
	mbox_close(self->mb);
}

/* A thread of each test may wait in a receive; it ends with the message. */
static void *take_one(void *arg)
{
	char byte[64];

	return (void *)mbox_recv_timeout(arg, byte, sizeof(byte), INT64_C(60000000000));
}

static void wait_receivers(struct mbox *mb, unsigned int count)
{
	struct mbox_info info;

	while (!mbox_get(mb, &info) && info.receivers < count)
		usleep(1000);
}

static int do_create(void)
{
#include "pages/mbox_create.3.examples.h"
	mbox_close(mb);
	return ret;
}

TEST_F(page, create)
{
	struct mbox_info info;
	struct mbox *mb;

	ASSERT_EQ(0, mbox_delete("jobs", MBOX_DELETE_FORCE, NULL));
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, mbox_open(&mb, "jobs", RIGHTS_BOTH));
	ASSERT_EQ(0, mbox_get(mb, &info));
	EXPECT_EQ(0620, info.mode);
	EXPECT_EQ(16, info.capacity);
	EXPECT_EQ(1024, info.msg_size);
	mbox_close(mb);
	EXPECT_EQ(0, mbox_delete("jobs", MBOX_DELETE_EMPTY, NULL));
}

static int do_send(struct mbox *mb, long job)
{
	int ret;

#include "pages/mbox_send.3.examples.h"
	return ret;
}

TEST_F(page, send)
{
	char expected[64];
	pthread_t thread;

	EXPECT_EQ(-ETIMEDOUT, do_send(self->mb, 1));
	EXPECT_STREQ("", said);
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_one, self->mb));
	wait_receivers(self->mb, 1);
	EXPECT_EQ(getpid(), do_send(self->mb, 1));
	pthread_join(thread, NULL);
	snprintf(expected, sizeof(expected), "process %d has it\n", getpid());
	EXPECT_STREQ(expected, said);
}

static ssize_t do_recv(struct mbox *mb)
{
#include "pages/mbox_recv.3.examples.h"
	return n;
}

TEST_F(page, recv)
{
	char expected[64];

	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	ASSERT_EQ(0, mbox_send_string(self->mb, "two"));
	EXPECT_EQ(-EAGAIN, do_recv(self->mb));
	snprintf(expected, sizeof(expected), "%d: one\n%d: two\n", getpid(), getpid());
	EXPECT_STREQ(expected, said);
}

static void handle(const char *data, size_t length)
{
	say("<%.*s>", (int)length, data);
}

static int do_recvv(struct mbox *mb)
{
	int n;

#include "pages/mbox_sendv.3.examples.h"
	return n;
}

TEST_F(page, sendv)
{
	EXPECT_EQ(-ETIMEDOUT, do_recvv(self->mb));
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	ASSERT_EQ(0, mbox_send_string(self->mb, "two"));
	EXPECT_EQ(2, do_recvv(self->mb));
	EXPECT_STREQ("<one><two>", said);
}

static void do_notify(struct mbox *jobs)
{
#include "pages/mbox_notify.3.examples.h"
}

/* A child sends to the empty mailbox. */
TEST_F(page, notify)
{
	char expected[64];
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (!pid) {
		await_sleeping(getppid());
		_exit(mbox_send_string(self->mb, "job") != 0);
	}
	do_notify(self->mb);
	EXPECT_EQ(0, reap(pid));
	snprintf(expected, sizeof(expected), "process %d has sent\n", pid);
	EXPECT_STREQ(expected, said);
}

static void do_mode(struct mbox *alarms, int loop)
{
#include "pages/mbox_mode.3.examples.h"
}

/* Only urgent messages wake the loop, and are received through the handle. */
TEST_F(page, mode)
{
	int loop = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	char text[16];

	do_mode(self->mb, loop);
	ASSERT_EQ(0, mbox_send_string(self->mb, "later"));
	EXPECT_EQ(0, epoll_wait(loop, &event, 1, 0));
	ASSERT_EQ(0, mbox_send(self->mb, "now", 3, &(struct mbox_send_opts) { .prio = 10 }));
	EXPECT_EQ(1, epoll_wait(loop, &event, 1, 0));
	EXPECT_EQ(self->mb, event.data.ptr);
	EXPECT_EQ(3, mbox_recv_string(self->mb, text, sizeof(text)));
	EXPECT_STREQ("now", text);
	close(loop);
}

static ssize_t do_deadline(struct mbox *mb)
{
	char buf[16];
	ssize_t n;

#include "pages/mbox_deadline_after.3.examples.h"
	return n;
}

TEST_F(page, deadline_after)
{
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	EXPECT_EQ(3, do_deadline(self->mb));
}

static ssize_t do_from_fd(struct mbox *mb)
{
	char buf[16];
	ssize_t n = -1;

#include "pages/mbox_from_fd.3.examples.h"
	return n;
}

TEST_F(page, from_fd)
{
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	EXPECT_EQ(3, do_from_fd(self->mb));
}

static int do_get(struct mbox *mb)
{
	int ret;

#include "pages/mbox_get.3.examples.h"
	return ret;
}

TEST_F(page, get)
{
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	EXPECT_EQ(0, do_get(self->mb));
	EXPECT_STREQ("jobs: 1 of 4\n", said);
}

static int do_set(struct mbox *mb)
{
	int ret;

#include "pages/mbox_set.3.examples.h"
	return ret;
}

TEST_F(page, set)
{
	struct mbox_info info;

	EXPECT_EQ(0, do_set(self->mb));
	ASSERT_EQ(0, mbox_get(self->mb, &info));
	EXPECT_EQ(256, info.capacity);
	EXPECT_EQ(65536, info.msg_size);
}

static int do_delete(void)
{
	int ret;

#include "pages/mbox_delete.3.examples.h"
	return ret;
}

TEST_F(page, delete)
{
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	EXPECT_EQ(0, do_delete());
	EXPECT_STREQ("1 jobs are still to be done\n", said);
	EXPECT_EQ(-EIDRM, mbox_send_string(self->mb, "two"));
}

static int do_handover(pid_t child, int worker)
{
	struct mbox *mb;
	int ret;

#include "pages/mbox_handover.3.examples.h"
	if (ret == 0) {
		struct mbox_info info;

		ret = mbox_get(mb, &info);
		if (ret == 0 && (info.owner != (__u32)getpid() || info.heir != (__u32)child))
			ret = -ESRCH;
	}
	mbox_close(mb);
	return ret;
}

TEST_F(page, handover)
{
	pid_t child;
	int pidfd;

	ASSERT_EQ(0, mbox_delete("jobs", MBOX_DELETE_FORCE, NULL));
	child = fork_child();
	ASSERT_LE(0, child);
	if (child == 0)
		for (;;)
			pause();
	pidfd = syscall(SYS_pidfd_open, child, 0);
	EXPECT_EQ(0, do_handover(child, pidfd));
	kill(child, SIGKILL);
	reap(child);
	close(pidfd);
}

static void do_link(void)
{
#include "pages/mbox_link.3.examples.h"
}

TEST_F(page, link)
{
	struct mbox *link = NULL;
	char text[64];
	pid_t server;
	int ret;

	server = fork_child();
	ASSERT_LE(0, server);
	if (server == 0) {
		do_link();
		_exit(1);
	}
	do
		ret = mbox_link(&link, server, 64, 0);
	while (ret == -ESRCH);
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, mbox_send_string(link, "hello"));
	EXPECT_EQ(5, mbox_recv_string(link, text, sizeof(text)));
	EXPECT_STREQ("hello", text);
	kill(server, SIGKILL);
	reap(server);
	mbox_close(link);
}

static void do_shutdown(struct mbox *jobs, pthread_t worker)
{
#include "pages/mbox_shutdown.3.examples.h"
}

TEST_F(page, shutdown)
{
	pthread_t worker;

	ASSERT_EQ(0, pthread_create(&worker, NULL, take_one, self->mb));
	wait_receivers(self->mb, 1);
	do_shutdown(self->mb, worker);
	self->mb = NULL;
}

#define FRAME_MAX	1000

static size_t render(void *to, size_t most)
{
	memset(to, 'f', most);
	return most / 2;
}

static void show(const void *frame, size_t size)
{
	say("%zu bytes of %.1s", size, (const char *)frame);
}

static int do_reserve(struct mbox **made)
{
	struct mbox *mb;
	int ret;

#include "pages/mbox_ring_reserve.3.examples.h"
	*made = mb;
	return ret;
}

static ssize_t do_peek(struct mbox *consumer)
{
#include "pages/mbox_ring_reserve.3.examples2.h"
	return n;
}

TEST_F(page, ring_reserve)
{
	struct mbox *mb, *consumer;

	ASSERT_EQ(0, do_reserve(&mb));
	ASSERT_EQ(0, mbox_open(&consumer, "frames", MBOX_RIGHT_RECV));
	EXPECT_EQ(FRAME_MAX / 2, do_peek(consumer));
	EXPECT_STREQ("500 bytes of f", said);
	mbox_close(consumer);
	mbox_close(mb);
	EXPECT_EQ(0, mbox_delete("frames", MBOX_DELETE_EMPTY, NULL));
}

/* Its output goes to standard error; that there is no such mailbox is no failure of the page. */
static int do_strerror(void)
{
#include "pages/mbox_strerror.3.examples.h"
	mbox_close(ret < 0 ? NULL : mb);
	return ret;
}

TEST_F(page, strerror)
{
	EXPECT_EQ(0, do_strerror());
	ASSERT_EQ(0, mbox_delete("jobs", MBOX_DELETE_FORCE, NULL));
	EXPECT_EQ(-ENOENT, do_strerror());
}

static int do_version(struct mbox *mb, const struct mbox_send_entry *entries, int count)
{
	int ret = -1;

#include "pages/mbox_version.3.examples.h"
	return ret;
}

TEST_F(page, version)
{
	struct mbox_send_entry entries[2];

	mbox_send_entry_set(&entries[0], "a", 1);
	mbox_send_entry_set(&entries[1], "b", 1);
	EXPECT_EQ(2, do_version(self->mb, entries, 2));
}

#define main libmbox_main
#include "pages/libmbox.7.examples.h"
#undef main

/* With arguments it sends, without it receives, until nothing comes for five seconds. */
TEST_F(page, libmbox)
{
	char *words[] = { "hello", "one", "two", NULL }, expected[64];

	EXPECT_EQ(EXIT_SUCCESS, libmbox_main(3, words));
	EXPECT_STREQ("", said);
	EXPECT_EQ(EXIT_SUCCESS, libmbox_main(1, words));
	snprintf(expected, sizeof(expected), "%d: one\n%d: two\n", getpid(), getpid());
	EXPECT_STREQ(expected, said);
	EXPECT_EQ(0, mbox_delete("hello", MBOX_DELETE_EMPTY, NULL));
}

/* The monitor */

static int do_monitor_open(void)
{
#include "pages/mbox_monitor_open.3.examples.h"
	return ret;
}

TEST_F(page, monitor_open)
{
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	EXPECT_EQ(0, do_monitor_open());
	EXPECT_EQ(-EAGAIN, mbox_recv_timeout(self->mb, said, sizeof(said), 0));
	ASSERT_EQ(0, mbox_delete("jobs", MBOX_DELETE_FORCE, NULL));
	EXPECT_EQ(-ENOENT, do_monitor_open());
}

static int do_monitor_get(struct mbox_monitor *mon)
{
	int ret;

#include "pages/mbox_monitor_get.3.examples.h"
	return ret;
}

TEST_F(page, monitor_get)
{
	char byte[8];

	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	EXPECT_EQ(3, mbox_recv_timeout(self->mb, byte, sizeof(byte), 0));
	EXPECT_EQ(0, do_monitor_get(self->mon));
	EXPECT_STREQ("jobs: up to 3 queued\n", said);
}

static int do_monitor_user(struct mbox_monitor *mon)
{
	int ret;

#include "pages/mbox_monitor_user.3.examples.h"
	return ret;
}

TEST_F(page, monitor_user)
{
	unsigned long more = 0;

	EXPECT_EQ(0, do_monitor_user(self->mon));
	EXPECT_EQ(1, sscanf(said, "%lu more\n", &more));
	EXPECT_LT(0, more);
}

static int do_monitor_set(struct mbox_monitor *mon)
{
	int ret;

#include "pages/mbox_monitor_set.3.examples.h"
	return ret;
}

TEST_F(page, monitor_set)
{
	struct mbox_info info;

	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	EXPECT_EQ(0, do_monitor_set(self->mon));
	EXPECT_STREQ("1 messages were dropped\n", said);
	ASSERT_EQ(0, mbox_get(self->mb, &info));
	EXPECT_EQ(1024, info.capacity);
}

#include "pages/mbox_monitor_each_mailbox.3.examples.h"

static int do_each(struct mbox_monitor *mon)
{
	int ret;

#include "pages/mbox_monitor_each_mailbox.3.examples2.h"
	return ret;
}

TEST_F(page, monitor_each_mailbox)
{
	EXPECT_EQ(0, do_each(self->mon));
	EXPECT_STREQ("jobs: 0 queued\n", said);
}

#include "pages/mbox_monitor_each_mailbox.3.examples3.h"

static int do_each_job(struct mbox_monitor *mon)
{
	int ret;

#include "pages/mbox_monitor_each_mailbox.3.examples4.h"
	return ret;
}

TEST_F(page, monitor_each_job)
{
	char text[100];

	ASSERT_EQ(0, mbox_send_string(self->mb, "text"));
	ASSERT_EQ(0, lease(mbox_fd(self->mb)).error);
	snprintf(text, sizeof(text), "process %d: message 1 for 0 s, delivery 1\n", getpid());
	EXPECT_EQ(0, do_each_job(self->mon));
	EXPECT_STREQ(text, said);
}

static int do_monitor_next(struct mbox_monitor *mon)
{
	int ret;

#include "pages/mbox_monitor_next.3.examples.h"
	return ret;
}

/* Make a mailbox again and again: the other thread may not have subscribed yet. */
static void *create_some(void *arg)
{
	struct mbox *mb;

	while (!*(_Atomic bool *)arg)
		if (mbox_create(&mb, "new", MBOX_RIGHT_SEND, &(struct mbox_attr) {
				.lifetime = MBOX_LIFETIME_FD, .capacity = 1, .mode = 0666 }) == 0) {
			mbox_close(mb);
			usleep(1000);
		}
	return NULL;
}

TEST_F(page, monitor_next)
{
	_Atomic bool stop = false;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, create_some, &stop));
	EXPECT_EQ(0, do_monitor_next(self->mon));
	stop = true;
	pthread_join(thread, NULL);
	EXPECT_STREQ("new\n", said);
}

/* It prints for ever: the first line ends it. */
static __attribute__((format(printf, 1, 2))) int say_last(const char *format, ...)
{
	char line[64];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	_exit(strcmp(line, "jobs\n") ? 1 : 0);
}

#undef printf
#define printf(...) say_last(__VA_ARGS__)
#define main monitor_main
#include "pages/libmbox-monitor.7.examples.h"
#undef main
#undef printf

TEST_F(page, libmbox_monitor)
{
	pid_t child = fork_child();
	char byte[8];
	int status;

	ASSERT_LE(0, child);
	if (child == 0)
		_exit(monitor_main());
	/* until it has subscribed, and sees the mailbox fill up */
	while (waitpid(child, &status, WNOHANG) == 0) {
		while (mbox_send_timeout(self->mb, "x", 1, 0) == 0)
			;
		while (mbox_recv_timeout(self->mb, byte, sizeof(byte), 0) > 0)
			;
		usleep(1000);
	}
	EXPECT_EQ(0, status);
}

#define printf(...) say(__VA_ARGS__)
#define main readme_main
#include "pages/README.md.c.h"
#undef main

TEST_F(page, readme)
{
	EXPECT_EQ(0, readme_main());
	EXPECT_STRNE("", said);
}

MBOX_TEST_MAIN
