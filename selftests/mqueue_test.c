// SPDX-License-Identifier: GPL-2.0-only
/* Queues of mq_overview(7): names, creating and opening, rights, attributes, unlinking. */
#include "lib/mqueue.h"
#include "lib/user.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define USER	1000

FIXTURE(queue)
{
	char name[MQUEUE_NAME];
	int mqdes;
};

FIXTURE_SETUP(queue)
{
	umask(022);
	mqueue_name(self->name);
	self->mqdes = mqueue_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600, 4, 32);
	ASSERT_LE(0, self->mqdes);
}

FIXTURE_TEARDOWN(queue)
{
	close(self->mqdes);
	mq_unlink(self->name);
}

static int open_errno(const char *name)
{
	int mqdes = mqueue_open(name, O_CREAT | O_RDWR, 0600, 0, 0);

	if (mqdes >= 0)
		close(mqdes);
	return mqdes < 0 ? mqdes : 0;
}

/* Try a name with each call that takes one. */
static void expect_name(struct __test_metadata *_metadata, const char *name, int error)
{
	EXPECT_EQ(error, open_errno(name)) TH_LOG("open '%.20s'", name);
	EXPECT_EQ(error, mqueue_unlink(name)) TH_LOG("unlink '%.20s'", name);
}

TEST(names)
{
	static const char *const valid[] = { "/mq...", "/mq \n\t", "/mq\xff\x80", "/.mq", "/mq\\", "/-mq" };
	char name[5001];

	for (int i = 0; i < ARRAY_SIZE(valid); i++)
		expect_name(_metadata, valid[i], 0);
	expect_name(_metadata, "", -EINVAL);
	expect_name(_metadata, "name", -EINVAL);
	expect_name(_metadata, "/", -ENOENT);
	expect_name(_metadata, "/.", -EACCES);
	expect_name(_metadata, "/..", -EACCES);
	expect_name(_metadata, "//name", -EACCES);
	expect_name(_metadata, "/a/b", -EACCES);
	expect_name(_metadata, "/name/", -EACCES);
	memset(name, 'n', sizeof(name));
	name[0] = '/';
	name[256] = '\0';
	expect_name(_metadata, name, 0);
	name[256] = 'n';
	name[257] = '\0';
	expect_name(_metadata, name, -ENAMETOOLONG);
	name[100] = '/';
	expect_name(_metadata, name, -EACCES);
	name[257] = 'n';
	name[5000] = '\0';
	expect_name(_metadata, name, -ENAMETOOLONG);
}

TEST_F(queue, exists)
{
	char other[MQUEUE_NAME];
	int fd;

	mqueue_name(other);
	EXPECT_EQ(-ENOENT, mqueue_open(other, O_RDWR, 0, 0, 0));
	EXPECT_EQ(-EEXIST, mqueue_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600, 0, 0));
	/* attributes count for nothing where the queue is there */
	EXPECT_EQ(-EEXIST, mqueue_open(self->name, O_CREAT | O_EXCL | O_RDWR, 0600, -1, 0));
	fd = mqueue_open(self->name, O_CREAT | O_RDWR, 0666, -1, -1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, mqueue_attr(fd).mq_maxmsg);
	EXPECT_EQ(32, mqueue_attr(fd).mq_msgsize);
	close(fd);
	/* O_EXCL alone */
	fd = mqueue_open(self->name, O_EXCL | O_RDWR, 0, 0, 0);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-EINVAL, mqueue_open(self->name, O_ACCMODE, 0, 0, 0));
}

TEST_F(queue, descriptor)
{
	struct rlimit limit;
	int low = open("/dev/null", O_RDONLY), fd;
	struct stat stat;

	/* the lowest number that is free, as of each open file */
	ASSERT_LE(0, low);
	close(low);
	fd = mqueue_open(self->name, O_RDONLY, 0, 0, 0);
	EXPECT_EQ(low, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(0, fstat(fd, &stat));
	EXPECT_EQ(0, mq_close(fd));
	EXPECT_EQ(-1, mq_close(fd));
	EXPECT_EQ(EBADF, errno);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &limit);
	EXPECT_EQ(-EMFILE, mqueue_open(self->name, O_RDONLY, 0, 0, 0));
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void expect_no_queue(struct __test_metadata *_metadata, int fd)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct mq_attr attr = { .mq_flags = 0 };
	char data[8192];

	EXPECT_EQ(-EBADF, mqueue_send(fd, "text", 0));
	EXPECT_EQ(-EBADF, mqueue_timedsend(fd, "text", mqueue_after(0)));
	EXPECT_EQ(-EBADF, mqueue_timedreceive(fd, mqueue_after(0)));
	EXPECT_EQ(-1, mq_receive(fd, data, sizeof(data), NULL));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, mq_getattr(fd, &attr));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, mq_setattr(fd, &attr, NULL));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, mq_notify(fd, &none));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, mq_notify(fd, NULL));
	EXPECT_EQ(EBADF, errno);
}

TEST(other_files)
{
	int pipes[2], dir = open("/", O_RDONLY), null = open("/dev/null", O_RDWR);

	ASSERT_EQ(0, pipe(pipes));
	expect_no_queue(_metadata, -1);
	expect_no_queue(_metadata, 1000);
	expect_no_queue(_metadata, dir);
	expect_no_queue(_metadata, null);
	expect_no_queue(_metadata, pipes[0]);
	expect_no_queue(_metadata, pipes[1]);
	/* a wrong argument comes first */
	EXPECT_EQ(-EINVAL, mqueue_send(-1, "text", 32768));
	EXPECT_EQ(-EINVAL, mqueue_timedreceive(-1, (struct timespec) { .tv_nsec = -1 }));
	EXPECT_EQ(-EINVAL, mqueue_setflags(-1, 1));
	close(pipes[0]);
	close(pipes[1]);
	close(dir);
	close(null);
}

TEST_F(queue, direction)
{
	int reader = mqueue_open(self->name, O_RDONLY, 0, 0, 0);
	int writer = mqueue_open(self->name, O_WRONLY, 0, 0, 0);
	const char *text;

	EXPECT_EQ(-EBADF, mqueue_send(reader, "text", 0));
	EXPECT_EQ(-EBADF, mqueue_timedsend(reader, "text", mqueue_after(0)));
	EXPECT_EQ(0, mqueue_send(writer, "text", 0));
	EXPECT_EQ(-EBADF, mqueue_receive(writer, &text));
	EXPECT_EQ(-EBADF, mqueue_timedreceive(writer, mqueue_after(0)));
	EXPECT_STREQ("text", mqueue_take(reader));
	EXPECT_EQ(0, mqueue_setflags(reader, O_NONBLOCK));
	EXPECT_EQ(0, mqueue_setflags(writer, O_NONBLOCK));
	close(reader);
	close(writer);
}

TEST(defaults)
{
	long maxmsg = 10, msgsize = 8192;
	FILE *f = fopen("/proc/sys/fs/mqueue/msg_default", "r");
	int fd = mqueue_new(O_RDWR, 0, 0);
	struct mq_attr attr;

	if (f) {
		ASSERT_EQ(1, fscanf(f, "%ld", &maxmsg));
		fclose(f);
	}
	ASSERT_LE(0, fd);
	attr = mqueue_attr(fd);
	EXPECT_EQ(0, attr.mq_flags);
	EXPECT_EQ(maxmsg, attr.mq_maxmsg);
	EXPECT_EQ(msgsize, attr.mq_msgsize);
	EXPECT_EQ(0, attr.mq_curmsgs);
	close(fd);
}

TEST(attributes)
{
	struct rlimit limit = { .rlim_cur = 819200, .rlim_max = 819200 };
	static const struct { long maxmsg, msgsize; int error; } of[] = {
		{ 1, 1, 0 }, { 20, 16384, 0 }, { 0, 10, -EINVAL }, { 10, 0, -EINVAL }, { -1, 10, -EINVAL },
		{ 10, -1, -EINVAL }, { 65537, 1, -EINVAL }, { 1, (16 << 20) + 1, -EINVAL },
		{ 100, 8192, -EMFILE }, { 1, 1 << 20, -EMFILE },
	};

	setrlimit(RLIMIT_MSGQUEUE, &limit);
	for (int i = 0; i < ARRAY_SIZE(of); i++) {
		int fd = mqueue_new(O_RDWR | O_NONBLOCK, of[i].maxmsg, of[i].msgsize);

		EXPECT_EQ(of[i].error, fd < 0 ? fd : 0) TH_LOG("%ld %ld", of[i].maxmsg, of[i].msgsize);
		if (fd < 0)
			continue;
		EXPECT_EQ(of[i].maxmsg, mqueue_attr(fd).mq_maxmsg);
		EXPECT_EQ(of[i].msgsize, mqueue_attr(fd).mq_msgsize);
		EXPECT_EQ(O_NONBLOCK, mqueue_attr(fd).mq_flags);
		close(fd);
	}
}

static int write_limit(const char *name, const char *value)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	ret = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int as_user(void *arg)
{
	CHECK(0, become(USER, USER));
	CHECK(-EINVAL, mqueue_new(O_RDWR, 11, 8192));
	CHECK(-EINVAL, mqueue_new(O_RDWR, 10, 8193));
	CHECK(1, mqueue_new(O_RDWR, 10, 8192) >= 0);
	return 0;
}

static int as_user_without_room(void *arg)
{
	CHECK(0, become(USER, USER));
	CHECK(-ENOSPC, mqueue_new(O_RDWR, 1, 1));
	return 0;
}

static int as_user_with_room(void *arg)
{
	CHECK(0, become(USER, USER));
	CHECK(1, mqueue_new(O_RDWR, 1, 1) >= 0);
	return 0;
}

TEST(limits)
{
	int fd;

	if (write_limit("msg_max", "10"))
		SKIP(return, "no limits in /proc/sys/fs/mqueue");
	EXPECT_EQ(0, in_child(as_user, NULL));
	ASSERT_EQ(0, write_limit("queues_max", "0"));
	EXPECT_EQ(0, in_child(as_user_without_room, NULL));
	/* each queue counts, also one that the user may not open */
	ASSERT_EQ(0, write_limit("queues_max", "1"));
	EXPECT_EQ(0, in_child(as_user_with_room, NULL));
	fd = mqueue_open("/mqueue-test.limits", O_CREAT | O_RDWR, 0, 1, 1);
	EXPECT_EQ(0, in_child(as_user_without_room, NULL));
	close(fd);
	mq_unlink("/mqueue-test.limits");
	EXPECT_EQ(0, write_limit("queues_max", "256"));
}

/* Try each way to open, as another user. The bits say which goes. */
static int ways(void *arg)
{
	int ways = 0;

	CHECK(0, become(USER, USER));
	for (int way = O_RDONLY; way <= O_RDWR; way++) {
		int fd = mqueue_open(arg, way, 0, 0, 0);

		if (fd >= 0)
			ways |= 1 << way;
		else
			CHECK(-EACCES, fd);
	}
	CHECK(-EACCES, mqueue_unlink(arg));
	return ways;
}

TEST(modes)
{
	static const struct { mode_t mode, mask; int ways; } of[] = {
		{ 0600, 022, 0 }, { 0644, 022, 1 }, { 0622, 0, 2 }, { 0666, 0, 7 }, { 0666, 022, 1 },
		{ 0777, 066, 0 }, { 0060, 0, 0 }, { 06, 0, 7 },
	};
	char name[MQUEUE_NAME];

	for (int i = 0; i < ARRAY_SIZE(of); i++) {
		int fd;

		mqueue_name(name);
		umask(of[i].mask);
		/* its maker may use it under any mode */
		fd = mqueue_open(name, O_CREAT | O_EXCL | O_RDWR, of[i].mode, 0, 0);
		ASSERT_LE(0, fd);
		EXPECT_EQ(of[i].ways, in_child(ways, name)) TH_LOG("mode %o", of[i].mode);
		EXPECT_EQ(0, mqueue_send(fd, "text", 0));
		close(fd);
		EXPECT_EQ(0, mqueue_unlink(name));
	}
}

static int owns(void *arg)
{
	int fd;

	CHECK(0, become(USER, USER));
	fd = mqueue_open(arg, O_CREAT | O_EXCL | O_RDWR, 0, 0, 0);
	CHECK(1, fd >= 0);
	/* its mode counts for its owner too */
	CHECK(-EACCES, mqueue_open(arg, O_RDONLY, 0, 0, 0));
	CHECK(-EACCES, mqueue_open(arg, O_CREAT | O_WRONLY, 0, 0, 0));
	CHECK(0, mqueue_unlink(arg));
	return 0;
}

TEST(owner)
{
	char name[MQUEUE_NAME];

	mqueue_name(name);
	EXPECT_EQ(0, in_child(owns, name));
	EXPECT_EQ(-ENOENT, mqueue_unlink(name));
}

static int set_blocking(void *arg)
{
	CHECK(O_NONBLOCK, mqueue_attr(*(int *)arg).mq_flags);
	CHECK(0, mqueue_setflags(*(int *)arg, 0));
	return 0;
}

TEST_F(queue, nonblock)
{
	int other = mqueue_open(self->name, O_RDWR, 0, 0, 0), copy = dup(self->mqdes);
	struct mq_attr attr = { .mq_flags = O_NONBLOCK, .mq_maxmsg = 99, .mq_msgsize = 99 }, old;
	const char *text;

	EXPECT_EQ(0, mq_setattr(self->mqdes, &attr, &old));
	EXPECT_EQ(0, old.mq_flags);
	EXPECT_EQ(4, old.mq_maxmsg);
	EXPECT_EQ(32, old.mq_msgsize);
	/* nothing else is set, and of this open file alone */
	EXPECT_EQ(4, mqueue_attr(self->mqdes).mq_maxmsg);
	EXPECT_EQ(32, mqueue_attr(self->mqdes).mq_msgsize);
	EXPECT_EQ(O_NONBLOCK, mqueue_attr(copy).mq_flags);
	EXPECT_EQ(0, mqueue_attr(other).mq_flags);
	EXPECT_EQ(-EAGAIN, mqueue_receive(copy, &text));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, mqueue_send(copy, "text", 0));
	}
	EXPECT_EQ(-EAGAIN, mqueue_send(copy, "text", 0));
	EXPECT_EQ(-EAGAIN, mqueue_timedsend(copy, "text", mqueue_after(NSEC_PER_SEC)));
	EXPECT_EQ(4, mqueue_attr(other).mq_curmsgs);
	/* a child shares it */
	EXPECT_EQ(0, in_child(set_blocking, &self->mqdes));
	EXPECT_EQ(0, mqueue_attr(self->mqdes).mq_flags);
	EXPECT_EQ(-EINVAL, mqueue_setflags(self->mqdes, O_NONBLOCK | O_APPEND));
	EXPECT_EQ(-EINVAL, mqueue_setflags(self->mqdes, 1));
	EXPECT_EQ(0, mqueue_attr(self->mqdes).mq_flags);
	/* fcntl() is another way to it */
	EXPECT_EQ(0, fcntl(self->mqdes, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(O_NONBLOCK, mqueue_attr(copy).mq_flags);
	close(other);
	close(copy);
}

TEST_F(queue, unlinked)
{
	int other;

	EXPECT_EQ(0, mqueue_send(self->mqdes, "old", 0));
	EXPECT_EQ(0, mqueue_unlink(self->name));
	EXPECT_EQ(-ENOENT, mqueue_unlink(self->name));
	EXPECT_EQ(-ENOENT, mqueue_open(self->name, O_RDWR, 0, 0, 0));
	/* the name is free, and the queue is there as long as it is open */
	other = mqueue_open(self->name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, 1, 8);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, mqueue_attr(other).mq_curmsgs);
	EXPECT_STREQ("EAGAIN", mqueue_take(other));
	EXPECT_EQ(1, mqueue_attr(self->mqdes).mq_curmsgs);
	EXPECT_EQ(0, mqueue_send(self->mqdes, "more", 1));
	EXPECT_STREQ("more", mqueue_take(self->mqdes));
	EXPECT_STREQ("old", mqueue_take(self->mqdes));
	close(other);
}

/* With a reader or a writer alone it is as with both. */
TEST(unlinked_one_way)
{
	int fd = mqueue_new(O_WRONLY, 2, 8);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, mqueue_send(fd, "text", 0));
	EXPECT_EQ(POLLOUT, poll_for(fd, POLLOUT));
	EXPECT_EQ(0, mqueue_send(fd, "text", 0));
	EXPECT_EQ(-ETIMEDOUT, mqueue_timedsend(fd, "text", mqueue_after(0)));
	close(fd);
	fd = mqueue_new(O_RDONLY, 2, 8);
	EXPECT_EQ(-ETIMEDOUT, mqueue_timedreceive(fd, mqueue_after(0)));
	EXPECT_EQ(0, poll_for(fd, POLLIN));
	close(fd);
}

TEST_F(queue, lasts)
{
	EXPECT_EQ(0, mqueue_send(self->mqdes, "kept", 7));
	close(self->mqdes);
	self->mqdes = mqueue_open(self->name, O_RDWR, 0, 0, 0);
	ASSERT_LE(0, self->mqdes);
	EXPECT_EQ(1, mqueue_attr(self->mqdes).mq_curmsgs);
	EXPECT_STREQ("kept", mqueue_take(self->mqdes));
}

/* read() tells about the queue, and takes nothing. */
TEST_F(queue, read)
{
	char line[128] = "";

	EXPECT_EQ(0, mqueue_send(self->mqdes, "12345", 0));
	EXPECT_LT(40, read(self->mqdes, line, sizeof(line)));
	EXPECT_EQ(0, strncmp(line, "QSIZE:5 ", 8)) TH_LOG("%s", line);
	EXPECT_NE(NULL, strstr(line, " NOTIFY_PID:0 "));
	EXPECT_EQ(0, read(self->mqdes, line, sizeof(line)));
	EXPECT_EQ(0, lseek(self->mqdes, 0, SEEK_SET));
	EXPECT_EQ(5, read(self->mqdes, line, 5));
	EXPECT_EQ(-1, write(self->mqdes, "text", 4));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, mqueue_attr(self->mqdes).mq_curmsgs);
}

/* Addresses that are not there. */
TEST_F(queue, addresses)
{
	void *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char data[32];

	ASSERT_NE(MAP_FAILED, bad);
	EXPECT_EQ(-1, mq_open(self->name, O_CREAT | O_RDWR, 0600, bad));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, mq_send(self->mqdes, bad, 1, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, mq_timedsend(self->mqdes, "text", 4, 0, bad));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, mq_timedreceive(self->mqdes, data, sizeof(data), NULL, bad));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, mqueue_attr(self->mqdes).mq_curmsgs);
	munmap(bad, 4096);
}

MQUEUE_TEST_MAIN
