// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of mq_overview(7) by syscall(), on descriptors of mq_open() and the other way round; results
 * that a program rarely looks at: errno after a success, addresses of results.
 */
#include "lib/mqueue.h"
#include "lib/user.h"

#include <sys/stat.h>
#include <sys/syscall.h>

static long raw(long number, long a, const void *b, long c, long d, const void *e)
{
	long ret = syscall(number, a, b, c, d, e);

	return ret < 0 ? -errno : ret;
}

static long raw_open(const char *name, int flags, const struct mq_attr *attr)
{
	long ret = syscall(SYS_mq_open, name, flags, 0600, attr);

	return ret < 0 ? -errno : ret;
}

static long raw_unlink(const char *name)
{
	return syscall(SYS_mq_unlink, name) ? -errno : 0;
}

FIXTURE(raw)
{
	char name[MQUEUE_NAME];
	int mqdes;
	void *bad;
};

FIXTURE_SETUP(raw)
{
	mqueue_name(self->name);
	self->mqdes = mqueue_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600, 2, 32);
	ASSERT_LE(0, self->mqdes);
	self->bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->bad);
}

FIXTURE_TEARDOWN(raw)
{
	close(self->mqdes);
	mq_unlink(self->name);
	munmap(self->bad, 4096);
}

/* The kernel has the name without its slash. */
TEST_F(raw, names)
{
	struct mq_attr attr = { .mq_maxmsg = 3, .mq_msgsize = 9 };
	char name[300];
	int fd = raw_open(self->name + 1, O_RDWR, NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(32, mqueue_attr(fd).mq_msgsize);
	close(fd);
	EXPECT_EQ(-EACCES, raw_open(self->name, O_RDWR, NULL));
	EXPECT_EQ(-EEXIST, raw_open(self->name + 1, O_RDWR | O_CREAT | O_EXCL, NULL));
	EXPECT_EQ(-ENOENT, raw_open("", O_RDWR, NULL));
	EXPECT_EQ(-EFAULT, raw_open(self->bad, O_RDWR, NULL));
	EXPECT_EQ(-EFAULT, raw_open(self->name + 1, O_RDWR | O_CREAT, self->bad));
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, raw_open(name, O_RDWR, NULL));
	EXPECT_EQ(-ENAMETOOLONG, raw_unlink(name));
	EXPECT_EQ(-EFAULT, raw_unlink(self->bad));
	EXPECT_EQ(-EACCES, raw_unlink(self->name));
	EXPECT_EQ(0, raw_unlink(self->name + 1));
	EXPECT_EQ(-ENOENT, raw_unlink(self->name + 1));
	fd = raw_open(self->name + 1, O_RDWR | O_CREAT, &attr);
	ASSERT_LE(0, fd);
	EXPECT_EQ(9, mqueue_attr(fd).mq_msgsize);
	close(fd);
	fd = mqueue_open(self->name, O_RDONLY, 0, 0, 0);
	EXPECT_EQ(3, mqueue_attr(fd).mq_maxmsg);
	close(fd);
}

static int unlinks(void *arg)
{
	CHECK(0, become(1000, 1000));
	CHECK(-EPERM, raw_unlink((const char *)arg + 1));
	CHECK(-EACCES, mqueue_unlink(arg));
	return 0;
}

/* The function has another error than the call of the kernel. */
TEST_F(raw, unlink_of_another_user)
{
	char name[MQUEUE_NAME];
	int fd;

	EXPECT_EQ(0, in_child(unlinks, self->name));
	mqueue_name(name);
	umask(0);
	fd = mqueue_open(name, O_CREAT | O_RDWR, 0666, 1, 1);
	EXPECT_EQ(0, in_child(unlinks, name));
	close(fd);
	EXPECT_EQ(0, mqueue_unlink(name));
}

TEST_F(raw, messages)
{
	struct timespec past = { .tv_sec = 1 }, invalid = { .tv_nsec = -1 };
	unsigned int prio = 0;
	char data[32];

	EXPECT_EQ(0, raw(SYS_mq_timedsend, self->mqdes, "first", 5, 7, NULL));
	EXPECT_EQ(0, raw(SYS_mq_timedsend, self->mqdes, "second", 6, 3, &past));
	EXPECT_EQ(-ETIMEDOUT, raw(SYS_mq_timedsend, self->mqdes, "third", 5, 0, &past));
	EXPECT_EQ(-EINVAL, raw(SYS_mq_timedsend, self->mqdes, "third", 5, 0, &invalid));
	EXPECT_EQ(-EFAULT, raw(SYS_mq_timedsend, self->mqdes, "third", 5, 0, self->bad));
	EXPECT_EQ(-EMSGSIZE, raw(SYS_mq_timedsend, self->mqdes, data, 33, 0, NULL));
	EXPECT_EQ(-EBADF, raw(SYS_mq_timedsend, -1, "third", 5, 0, NULL));
	EXPECT_EQ(2, mqueue_attr(self->mqdes).mq_curmsgs);
	EXPECT_EQ(-EMSGSIZE, raw(SYS_mq_timedreceive, self->mqdes, data, 31, 0, NULL));
	EXPECT_EQ(5, raw(SYS_mq_timedreceive, self->mqdes, data, 32, (long)&prio, NULL));
	EXPECT_EQ(0, memcmp(data, "first", 5));
	EXPECT_EQ(7, prio);
	EXPECT_STREQ("second", mqueue_take(self->mqdes));
	EXPECT_EQ(-ETIMEDOUT, raw(SYS_mq_timedreceive, self->mqdes, data, 32, 0, &past));
	EXPECT_EQ(-EINVAL, raw(SYS_mq_timedreceive, self->mqdes, data, 32, 0, &invalid));
}

TEST_F(raw, attributes)
{
	struct mq_attr attr = { .mq_flags = O_NONBLOCK }, old = { .mq_flags = -1 };

	EXPECT_EQ(0, raw(SYS_mq_getsetattr, self->mqdes, &attr, (long)&old, 0, NULL));
	EXPECT_EQ(0, old.mq_flags);
	EXPECT_EQ(2, old.mq_maxmsg);
	EXPECT_EQ(O_NONBLOCK, mqueue_attr(self->mqdes).mq_flags);
	EXPECT_EQ(0, raw(SYS_mq_getsetattr, self->mqdes, NULL, (long)&old, 0, NULL));
	EXPECT_EQ(O_NONBLOCK, old.mq_flags);
	attr.mq_flags = 1;
	EXPECT_EQ(-EINVAL, raw(SYS_mq_getsetattr, self->mqdes, &attr, 0, 0, NULL));
	EXPECT_EQ(-EBADF, raw(SYS_mq_getsetattr, -1, NULL, (long)&old, 0, NULL));
	EXPECT_EQ(-EFAULT, raw(SYS_mq_getsetattr, self->mqdes, NULL, (long)self->bad, 0, NULL));
	EXPECT_EQ(-1, mq_getattr(self->mqdes, self->bad));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, mq_setattr(self->mqdes, self->bad, NULL));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(raw, notices)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };

	EXPECT_EQ(0, raw(SYS_mq_notify, self->mqdes, &none, 0, 0, NULL));
	EXPECT_EQ(-1, mq_notify(self->mqdes, &none));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, raw(SYS_mq_notify, self->mqdes, NULL, 0, 0, NULL));
	EXPECT_EQ(0, mq_notify(self->mqdes, &none));
	EXPECT_EQ(-EFAULT, raw(SYS_mq_notify, self->mqdes, self->bad, 0, 0, NULL));
	none.sigev_notify = 99;
	EXPECT_EQ(-EINVAL, raw(SYS_mq_notify, self->mqdes, &none, 0, 0, NULL));
}

/* Other calls are the kernel's, with all their arguments. */
TEST_F(raw, other_calls)
{
	void *at = (void *)syscall(SYS_mmap, NULL, 4096L, (long)PROT_READ,
				   (long)(MAP_PRIVATE | MAP_ANONYMOUS), -1L, 0L);

	EXPECT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, syscall(SYS_munmap, at, 4096L));
	EXPECT_EQ(getpid(), syscall(SYS_getpid));
	EXPECT_EQ(-1, syscall(SYS_close, -1));
	EXPECT_EQ(EBADF, errno);
}

/* A call that succeeds leaves errno alone. */
TEST_F(raw, errno_after_success)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCHLD };
	struct timespec past = { .tv_sec = 1 };
	struct mq_attr attr = { .mq_flags = 0 }, old;
	char name[MQUEUE_NAME], data[8192];
	mqd_t mqdes;

	mqueue_name(name);
	errno = 0;
	mqdes = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, mq_notify(mqdes, &event));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, mq_timedsend(mqdes, "text", 4, 0, &past));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(4, mq_timedreceive(mqdes, data, sizeof(data), NULL, &past));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, mq_notify(mqdes, &event));
	EXPECT_EQ(0, mq_notify(mqdes, NULL));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, mq_setattr(mqdes, &attr, &old));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, mq_unlink(name));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, mq_close(mqdes));
	EXPECT_EQ(0, errno);
}

/* A message for a bad address is not received: the call fails at once. */
TEST_F(raw, receive_to_a_bad_address)
{
	EXPECT_EQ(0, mqueue_send(self->mqdes, "text", 0));
	EXPECT_EQ(-1, mq_receive(self->mqdes, self->bad, 32, NULL));
	EXPECT_EQ(EFAULT, errno);
}

MQUEUE_TEST_MAIN
