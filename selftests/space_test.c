// SPDX-License-Identifier: GPL-2.0-only
/* Mailboxes of MBOX_SPACE_SYSV: the rules of sysvipc(7), where those of names differ. */
#include "lib/child_call.h"
#include "lib/user.h"

#include <sys/stat.h>

#define OTHER	65533

static struct mbox_ioc_open space_arg(uint32_t space)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);

	arg.flags = MBOX_OPEN_BY_ID;
	arg.space = space;
	arg.mode = 0600;
	return arg;
}

static int space_open(uint32_t space, uint64_t id, uint32_t rights)
{
	struct mbox_ioc_open arg = {
		.flags = MBOX_OPEN_BY_ID, .rights = rights, .space = space, .id = id,
	};

	return open_call(MBOX_IOC_OPEN, &arg);
}

FIXTURE(space)
{
	int fd;
	uint64_t id;
};

FIXTURE_VARIANT(space)
{
	uint32_t space;
	bool sysv;
};

FIXTURE_VARIANT_ADD(space, sysv) { .space = MBOX_SPACE_SYSV, .sysv = true };
FIXTURE_VARIANT_ADD(space, none) { .space = MBOX_SPACE_NONE };

FIXTURE_SETUP(space)
{
	struct mbox_ioc_open arg = space_arg(variant->space);

	arg.lifetime = MBOX_LIFETIME_FD;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->id = info_of(self->fd).id;
}

FIXTURE_TEARDOWN(space)
{
	close(self->fd);
}

TEST_F(space, mode)
{
	struct mbox_ioc_open arg = space_arg(variant->space);
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0777 };
	mode_t saved = umask(077);
	int fd;

	arg.lifetime = MBOX_LIFETIME_FD;
	arg.mode = 0664;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	EXPECT_EQ(variant->sysv ? 0664 : 0600, info_of(fd).mode);
	EXPECT_EQ(variant->sysv ? 0 : -EINVAL, xioctl(fd, MBOX_IOC_SET, &set));
	set.mode = 01000;
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_SET, &set));
	close(fd);
	arg.mode = 0751;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	umask(saved);
	if (!variant->sysv) {
		EXPECT_EQ(-EINVAL, fd);
		return;
	}
	EXPECT_EQ(0751, info_of(fd).mode);
	close(fd);
}

TEST_F(space, fewer_bytes_than_a_message)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_BYTES, .bytes = 10 };
	int expected = variant->sysv ? 0 : -EINVAL;
	char data[11] = "";

	EXPECT_EQ(expected, xioctl(self->fd, MBOX_IOC_SET, &set));
	if (expected)
		return;
	EXPECT_EQ(0, poll_for(self->fd, POLLOUT));
	EXPECT_EQ(-EAGAIN, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, 0, data, 11));
	EXPECT_EQ(0, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, 0, data, 10));
}

struct attempt {
	uint32_t space;
	uint64_t id;
};

static int looks(void *arg)
{
	const struct attempt *attempt = arg;
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0666 };
	int fd;

	CHECK(0, become(OTHER, OTHER));
	CHECK(-EACCES, space_open(attempt->space, attempt->id, MBOX_RIGHT_RECV));
	CHECK(-EACCES, space_open(attempt->space, attempt->id, MBOX_RIGHT_SEND));
	fd = space_open(attempt->space, attempt->id, 0);
	if (fd < 0)
		return fd;
	CHECK(0600, info_of(fd).mode);
	CHECK(-EPERM, xioctl(fd, MBOX_IOC_SET, &set));
	CHECK(-EPERM, delete_fd(fd, MBOX_DELETE_FORCE));
	return 0;
}

TEST_F(space, opened_without_rights)
{
	struct attempt attempt = { variant->space, self->id };

	if (geteuid())
		SKIP(return, "not root");
	EXPECT_EQ(variant->sysv ? 0 : -EACCES, in_child(looks, &attempt));
}

static int gives(void *arg)
{
	struct mbox_ioc_open open = space_arg(*(uint32_t *)arg);
	struct mbox_ioc_set set = {
		.mask = MBOX_SET_UID | MBOX_SET_GID, .uid = OTHER + 1, .gid = OTHER + 1,
	};
	int fd, ret;

	CHECK(0, become(OTHER, OTHER));
	open.lifetime = MBOX_LIFETIME_FD;
	fd = open_call(MBOX_IOC_CREATE, &open);
	CHECK(true, fd >= 0);
	ret = xioctl(fd, MBOX_IOC_SET, &set);
	if (!ret) {
		CHECK(OTHER + 1, info_of(fd).uid);
		CHECK(OTHER + 1, info_of(fd).gid);
	}
	return ret;
}

TEST_F(space, given_away)
{
	uint32_t space = variant->space;

	if (geteuid())
		SKIP(return, "not root");
	EXPECT_EQ(variant->sysv ? 0 : -EPERM, in_child(gives, &space));
}

/* A new mode applies to all open handles, and to calls that wait. */
TEST_F(space, mode_takes_rights)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0600 };
	int fd = space_open(variant->space, self->id, RIGHTS_BOTH), status;
	char data[8];
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0, put(fd, 0, "the same mode"));
	EXPECT_STREQ("the same mode", take(self->fd));
	pid = fork_child();
	if (!pid)
		_exit(-recv_bytes(fd, 0, data, sizeof(data), NULL));
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	set.mode = 0666;
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	if (!variant->sysv)
		ASSERT_EQ(0, put(fd, 0, "x"));
	status = reap(pid);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(variant->sysv ? ESHUTDOWN : 0, WEXITSTATUS(status));
	EXPECT_EQ(variant->sysv ? -ESHUTDOWN : 0, put(fd, 0, "x"));
	EXPECT_EQ(variant->sysv ? 0 : RIGHTS_BOTH, info_of(fd).rights);
	EXPECT_EQ(variant->sysv ? -ESHUTDOWN : 0, put(self->fd, 0, "x"));
	close(fd);
	fd = space_open(variant->space, self->id, RIGHTS_BOTH);
	EXPECT_EQ(0, put(fd, 0, "x"));
	EXPECT_STREQ("x", take(fd));
	close(fd);
}

/* More calls than a section of the kernel ends. */
TEST_F(space, mode_ends_many_calls)
{
	enum { MANY = 150 };
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0666 };
	pid_t pids[MANY];
	char data[8];
	int n, status;

	if (!variant->sysv)
		SKIP(return, "calls go on");
	for (n = 0; n < MANY; n++) {
		pids[n] = fork_child();
		if (!pids[n])
			_exit(-recv_bytes(self->fd, 0, data, sizeof(data), NULL));
	}
	ASSERT_TRUE(await_blocked(self->fd, 0, MANY));
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	for (n = 0; n < MANY; n++) {
		status = reap(pids[n]);
		ASSERT_TRUE(WIFEXITED(status));
		EXPECT_EQ(ESHUTDOWN, WEXITSTATUS(status));
	}
	EXPECT_EQ(0, info_of(self->fd).receivers);
}

/* A call that waits learns that the mailbox was deleted, a later one that there is none. */
TEST_F(space, deleted)
{
	int late = variant->sysv ? -EINVAL : -EIDRM;
	struct mbox_header header;
	char data[8];
	int status;
	pid_t pid = fork_child();

	if (!pid)
		_exit(-recv_bytes(self->fd, 0, data, sizeof(data), NULL));
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	status = reap(pid);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EIDRM, WEXITSTATUS(status));
	EXPECT_EQ(late, put(self->fd, 0, "x"));
	EXPECT_EQ(late, send_bytes(self->fd, 0, 0, 0, data, sizeof(data)));
	EXPECT_EQ(late, recv_bytes(self->fd, 0, data, sizeof(data), &header));
	EXPECT_EQ(late, recv_bytes(self->fd, MBOX_RECV_BY_TYPE, data, sizeof(data), &header));
	EXPECT_EQ(-EIDRM, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(-ENOENT, space_open(variant->space, self->id, 0));
}

/* The same if it was just told to look at a message, which is gone when it does. */
TEST_F(space, deleted_while_told)
{
	struct sched_param param = { .sched_priority = 1 };
	int status;
	char data;
	pid_t pid;

	ASSERT_TRUE(run_on(0));
	pid = fork_child();
	if (!pid)
		_exit(-recv_bytes(self->fd, 0, &data, sizeof(data), NULL));
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	/* until we are through, it does not run */
	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		kill(pid, SIGKILL);
		reap(pid);
		SKIP(return, "cannot get a real-time priority: %s", strerror(errno));
	}
	EXPECT_EQ(0, put(self->fd, 0, "long"));
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	param.sched_priority = 0;
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &param));
	status = reap(pid);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EIDRM, WEXITSTATUS(status));
}

TEST_HARNESS_MAIN
