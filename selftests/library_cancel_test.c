// SPDX-License-Identifier: GPL-2.0-only
/* libmbox and pthread_cancel(): no function is a cancellation point, and no message is lost. */
#include "lib/library.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

static int nr_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

struct pending {
	const char *name;
	int made;		/* calls that returned with a cancellation pending */
};

/* Make each call that opens or closes a file, with a cancellation pending. */
static void *call_all(void *arg)
{
	struct mbox_attr attr = test_attr();
	struct pending *p = arg;
	struct mbox_info info;
	struct mbox *mb, *other;
	char byte;

	pthread_cancel(pthread_self());
	if (mbox_create(&mb, p->name, RIGHTS_BOTH, &attr) == 0)
		p->made++;
	if (mbox_open(&other, p->name, RIGHTS_BOTH) == 0)
		p->made++;
	mbox_close(other);
	if (mbox_open(&other, "cancel.none", RIGHTS_BOTH) == -ENOENT)
		p->made++;
	if (mbox_open_or_create(&other, p->name, RIGHTS_BOTH, &attr) == 0)
		p->made++;
	mbox_close(other);
	if (mbox_has_call(NULL, MBOX_IOC_OPEN) == 1)
		p->made++;
	if (mbox_send(mb, "a", 1, NULL) == 0)
		p->made++;
	if (mbox_send_timeout(mb, "b", 1, 0) == 0)
		p->made++;
	if (mbox_recv(mb, &byte, 1, NULL, NULL) == 1)
		p->made++;
	if (mbox_recv_timeout(mb, &byte, 1, 0) == 1)
		p->made++;
	if (mbox_recv_timeout(mb, &byte, 1, 1000000) == -ETIMEDOUT)
		p->made++;
	if (mbox_get(mb, &info) == 0)
		p->made++;
	mbox_close(mb);
	if (mbox_inbox(&mb) == 0)
		p->made++;
	mbox_close(mb);
	if (mbox_link_pidfd(&mb, -1, 1, 0) == -EBADF)
		p->made++;
	pthread_testcancel();
	p->made = -1;
	return NULL;
}

TEST(no_cancellation_point)
{
	struct pending p = { .made = 0 };
	char name[MBOX_NAME_SIZE];
	pthread_t thread;
	void *end;
	int before;

	name_make(name);
	p.name = name;
	before = nr_descriptors();
	ASSERT_EQ(0, pthread_create(&thread, NULL, call_all, &p));
	ASSERT_EQ(0, pthread_join(thread, &end));
	EXPECT_EQ(PTHREAD_CANCELED, end);
	EXPECT_EQ(13, p.made);
	EXPECT_EQ(before, nr_descriptors());
}

/* The process of a pidfd is found and linked to, though the thread is cancelled. */
static void *call_pidfd(void *arg)
{
	struct mbox *mb;
	int pidfd = *(int *)arg;

	pthread_cancel(pthread_self());
	if (mbox_link_pidfd(&mb, pidfd, 1, 0) == 0) {
		mbox_close(mb);
		*(int *)arg = -1;
	}
	pthread_testcancel();
	return NULL;
}

TEST(pidfd)
{
	pid_t pid = fork_child();
	int pidfd, arg, before;
	pthread_t thread;
	void *end;

	ASSERT_LE(0, pid);
	if (pid == 0)
		for (;;)
			pause();
	pidfd = arg = syscall(SYS_pidfd_open, pid, 0);
	ASSERT_LE(0, pidfd);
	before = nr_descriptors();
	ASSERT_EQ(0, pthread_create(&thread, NULL, call_pidfd, &arg));
	ASSERT_EQ(0, pthread_join(thread, &end));
	EXPECT_EQ(PTHREAD_CANCELED, end);
	EXPECT_EQ(-1, arg);
	EXPECT_EQ(before, nr_descriptors());
	close(pidfd);
	kill(pid, SIGKILL);
	reap(pid);
}

/* The way that libmbox(7) shows: poll() is where a thread is cancelled. */
static atomic_long handled;
static atomic_bool stopped;

static void handle(const char *buf, size_t n)
{
	(void)buf;
	atomic_fetch_add(&handled, (long)n);
}

static void *receiver(void *arg)
{
	struct mbox *mb = arg;
	char buf[64];
	ssize_t n;

#include "pages/libmbox.7.cancellation.h"
	return NULL;
}

static void *sender(void *arg)
{
	long sent = 0;

	while (!atomic_load(&stopped))
		sent += mbox_send_timeout(arg, "x", 1, 1000000) == 0;
	return (void *)sent;
}

TEST_F(lib, lose_nothing)
{
	const int rounds = 2000;
	pthread_t from, to;
	void *sent, *end;
	long left = 0;
	char byte;

	ASSERT_EQ(0, pthread_create(&from, NULL, sender, self->mb));
	for (int i = 0; i < rounds; i++) {
		ASSERT_EQ(0, pthread_create(&to, NULL, receiver, self->mb));
		for (int spins = i % 50 * 20; spins; spins--)
			sched_yield();
		ASSERT_EQ(0, pthread_cancel(to));
		ASSERT_EQ(0, pthread_join(to, &end));
		ASSERT_EQ(PTHREAD_CANCELED, end);
	}
	atomic_store(&stopped, true);
	ASSERT_EQ(0, pthread_join(from, &sent));
	while (mbox_recv_timeout(self->mb, &byte, 1, 0) == 1)
		left++;
	EXPECT_EQ((long)sent, atomic_load(&handled) + left);
	EXPECT_LT(0, atomic_load(&handled));
	TH_LOG("%ld messages, %ld left", (long)sent, left);
}

MBOX_TEST_MAIN
