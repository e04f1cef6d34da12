// SPDX-License-Identifier: GPL-2.0-only
/* Notices: a process is told once that a message came to an empty mailbox, as by mq_notify(3). */
#include "lib/child_call.h"
#include "lib/passing.h"
#include "lib/user.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

#define COOKIE	0x123456789abcdef0ULL

static int notify(int fd, uint32_t how, uint64_t cookie)
{
	struct mbox_ioc_notify arg = { .how = how, .cookie = cookie };

	return xioctl(fd, MBOX_IOC_NOTIFY, &arg);
}

static int arm(int fd)
{
	return notify(fd, MBOX_NOTIFY_ARM, COOKIE);
}

static int disarm(int fd)
{
	return notify(fd, MBOX_NOTIFY_DISARM, 0);
}

/* Take a notice. Return 0, or the error; where there is one, its cookie has to be right. */
static int taken(int fd, struct mbox_ioc_notify *notice)
{
	struct mbox_ioc_notify arg = { .how = MBOX_NOTIFY_TAKE };
	int ret = xioctl(fd, MBOX_IOC_NOTIFY, &arg);

	if (notice)
		*notice = arg;
	if (!ret || ret == -ECANCELED)
		return arg.cookie == COOKIE ? ret : -EBADMSG;
	return ret;
}

static short urgent(int fd)
{
	return poll_for(fd, POLLPRI);
}

FIXTURE(notify)
{
	char name[MBOX_NAME_SIZE];
	int fd;
};

FIXTURE_SETUP(notify)
{
	self->fd = box_new_named(_metadata, 2, self->name);
}

FIXTURE_TEARDOWN(notify)
{
	close(self->fd);
}

TEST_F(notify, fires_once)
{
	struct mbox_ioc_notify notice;

	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(-EAGAIN, taken(self->fd, NULL));
	EXPECT_EQ(0, urgent(self->fd));
	EXPECT_EQ(0, put(self->fd, 3, "first"));
	EXPECT_EQ(POLLPRI, urgent(self->fd));
	ASSERT_EQ(0, taken(self->fd, &notice));
	EXPECT_EQ(getpid(), notice.pid);
	EXPECT_EQ(getuid(), notice.uid);
	EXPECT_EQ(0, urgent(self->fd));
	EXPECT_EQ(-EAGAIN, taken(self->fd, NULL));
	/* it is over: another message is not told of */
	EXPECT_STREQ("first", take(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "second"));
	EXPECT_EQ(0, urgent(self->fd));
}

TEST_F(notify, by_each_call)
{
	char data[] = "data", large[70000] = "";
	struct mbox_send_entry entries[2] = {
		{ .data = address_of(data), .size = 4 }, { .data = address_of(data), .size = 4 },
	};
	struct mbox_ioc_sendv sendv = {
		.entries = address_of(entries), .count = 2, .entry_size = sizeof(entries[0]),
	};
	struct mbox_ioc_post post = {
		.send = { .data = address_of(data), .size = 4 },
		.flags = MBOX_POST_MARK, .mark = 3,
	};
	struct mbox_ioc_open arg = open_arg(NULL, 2);
	int fd;

	arg.msg_size = sizeof(large);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(0, arm(fd));
		EXPECT_LE(0, i == 0 ? xwrite(fd, data, 4) :
			     i == 1 ? xioctl(fd, MBOX_IOC_SENDV, &sendv) :
			     i == 2 ? xioctl(fd, MBOX_IOC_POST, &post) :
			     xwrite(fd, large, sizeof(large)));
		EXPECT_EQ(0, taken(fd, NULL)) TH_LOG("call %d", i);
		while (info_of(fd).queued)
			EXPECT_LT(0, xread(fd, large, sizeof(large)));
	}
	close(fd);
}

TEST_F(notify, not_of_a_second_message)
{
	EXPECT_EQ(0, put(self->fd, 0, "first"));
	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "second"));
	EXPECT_EQ(0, urgent(self->fd));
	EXPECT_STREQ("first", take(self->fd));
	EXPECT_STREQ("second", take(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "third"));
	EXPECT_EQ(0, taken(self->fd, NULL));
}

/* A blocked receive takes the message: the registration stays. */
TEST_F(notify, not_with_a_receiver)
{
	char text[8];
	pid_t pid;

	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, info_of(self->fd).receivers);
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(xread(self->fd, text, sizeof(text)) != 3);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, put(self->fd, 0, "one"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, urgent(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "two"));
	EXPECT_EQ(0, taken(self->fd, NULL));
}

/* One that only looks at it, or wants another, does not. */
TEST_F(notify, with_a_receiver_that_does_not_take_it)
{
	struct mbox_ioc_recv by_type = { .flags = MBOX_RECV_BY_TYPE, .type = 9 };
	pid_t pid;

	ASSERT_EQ(0, arm(self->fd));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(xioctl(self->fd, MBOX_IOC_RECV, &by_type) != 0);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, put(self->fd, 0, "one"));
	EXPECT_EQ(0, taken(self->fd, NULL));
	EXPECT_EQ(0, send_bytes(self->fd, 0, 0, 9, NULL, 0));
	EXPECT_EQ(0, reap(pid));
}

/* The message of a blocked sender comes to a mailbox that was full. */
TEST_F(notify, not_of_a_blocked_sender)
{
	int fd = box_new(_metadata, 1);
	pid_t pid;

	EXPECT_EQ(0, put(fd, 0, "full"));
	ASSERT_EQ(0, arm(fd));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(xwrite(fd, "more", 4) != 4);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("full", take(fd));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, urgent(fd));
	EXPECT_STREQ("more", take(fd));
	EXPECT_EQ(0, put(fd, 0, "fires"));
	EXPECT_EQ(0, taken(fd, NULL));
	close(fd);
}

static int send_as_nobody(void *arg)
{
	CHECK(0, setresuid(65534, 65534, 65534));
	CHECK(0, put(*(int *)arg, 0, "text"));
	return 0;
}

TEST_F(notify, tells_the_sender)
{
	struct mbox_ioc_notify notice;

	if (getuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, in_child(send_as_nobody, &self->fd));
	ASSERT_EQ(0, taken(self->fd, &notice));
	EXPECT_NE(getpid(), notice.pid);
	EXPECT_EQ(65534, notice.uid);
}

static int arm_is_busy(void *arg)
{
	CHECK(-EBUSY, arm(*(int *)arg));
	/* it is not this process' to give up */
	CHECK(0, disarm(*(int *)arg));
	CHECK(-EBUSY, arm(*(int *)arg));
	return 0;
}

TEST_F(notify, one_at_a_time)
{
	int other = open_name(self->name, RIGHTS_BOTH);

	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(-EBUSY, arm(self->fd));
	EXPECT_EQ(-EBUSY, arm(other));
	EXPECT_EQ(0, in_child(arm_is_busy, &self->fd));
	EXPECT_EQ(0, disarm(self->fd));
	EXPECT_EQ(-EAGAIN, taken(self->fd, NULL));
	EXPECT_EQ(0, arm(other));
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_EQ(-EAGAIN, taken(self->fd, NULL));
	EXPECT_EQ(0, taken(other, NULL));
	close(other);
}

/* Through another handle: the one that waits for the notice learns it. */
TEST_F(notify, given_up_elsewhere)
{
	int other = open_name(self->name, 0);

	ASSERT_EQ(0, arm(other));
	EXPECT_EQ(0, disarm(self->fd));
	EXPECT_EQ(POLLPRI, urgent(other));
	EXPECT_EQ(-ECANCELED, taken(other, NULL));
	EXPECT_EQ(-EAGAIN, taken(other, NULL));
	EXPECT_EQ(0, disarm(self->fd));
	close(other);
}

TEST_F(notify, given_up_by_a_close)
{
	int other = open_name(self->name, 0), third = open_name(self->name, MBOX_RIGHT_SEND);

	ASSERT_EQ(0, arm(other));
	/* one without rights does not count */
	close(open_name(self->name, 0));
	EXPECT_EQ(0, urgent(other));
	close(third);
	EXPECT_EQ(-ECANCELED, taken(other, NULL));
	/* its own, also a copy of it */
	ASSERT_EQ(0, arm(other));
	close(dup(other));
	EXPECT_EQ(-ECANCELED, taken(other, NULL));
	ASSERT_EQ(0, arm(other));
	close(other);
	EXPECT_EQ(0, arm(self->fd));
}

static int close_only(void *arg)
{
	close(*(int *)arg);
	return 0;
}

TEST_F(notify, not_by_a_close_of_another_process)
{
	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, in_child(close_only, &self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_EQ(0, taken(self->fd, NULL));
}

static int arm_only(void *arg)
{
	CHECK(0, arm(*(int *)arg));
	return 0;
}

/* The handle lives on in the parent. */
TEST_F(notify, given_up_by_the_end_of_its_process)
{
	EXPECT_EQ(0, in_child(arm_only, &self->fd));
	EXPECT_EQ(-ECANCELED, taken(self->fd, NULL));
	EXPECT_EQ(0, arm(self->fd));
}

/* The same of a process that shares its descriptors, none of which its end closes. */
TEST_F(notify, given_up_by_the_end_of_a_sharer)
{
	int other = open_name(self->name, MBOX_RIGHT_RECV);
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	ASSERT_LE(0, pid);
	if (!pid)
		_exit(arm(self->fd) != 0);
	ASSERT_EQ(0, reap(pid));
	EXPECT_EQ(0, urgent(self->fd));
	EXPECT_EQ(0, arm(other));
	EXPECT_EQ(-ECANCELED, taken(self->fd, NULL));
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_EQ(0, taken(other, NULL));
	close(other);
}

/* A notice that was not taken is no registration. */
TEST_F(notify, fired_and_armed_again)
{
	int other = open_name(self->name, MBOX_RIGHT_RECV);

	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "one"));
	EXPECT_EQ(0, arm(other));
	EXPECT_EQ(0, disarm(other));
	EXPECT_EQ(POLLPRI, urgent(self->fd));
	EXPECT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, urgent(self->fd));
	EXPECT_EQ(-EAGAIN, taken(self->fd, NULL));
	close(other);
}

TEST_F(notify, wakes_an_epoll)
{
	struct epoll_event event = { .events = EPOLLPRI }, got;
	int loop = epoll_create1(0);
	pid_t pid;

	ASSERT_EQ(0, epoll_ctl(loop, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, epoll_wait(loop, &got, 1, 0));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid) {
		await_sleeping(getppid());
		_exit(put(self->fd, 0, "text") != 0);
	}
	EXPECT_EQ(1, epoll_wait(loop, &got, 1, PATIENCE * 1000));
	EXPECT_EQ(EPOLLPRI, got.events);
	EXPECT_EQ(0, reap(pid));
	close(loop);
}

TEST_F(notify, of_a_mailbox_that_is_gone)
{
	struct mbox_info info;

	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(-EIDRM, taken(self->fd, NULL));
	info = info_of(self->fd);
	EXPECT_EQ(0, info.receivers);
	EXPECT_EQ(0, disarm(self->fd));
	EXPECT_EQ(-EIDRM, arm(self->fd));
}

TEST_F(notify, invalid)
{
	struct mbox_ioc_notify good = { .how = MBOX_NOTIFY_ARM }, bad = good;
	struct mbox_ioc_open arg = open_arg(NULL, 2);
	int fd;

	bad.flags = 1;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_NOTIFY, &bad));
	bad = good;
	bad.how = MBOX_NOTIFY_TAKE + 1;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_NOTIFY, &bad));
	EXPECT_EQ(-EINVAL, notify(self->fd, MBOX_NOTIFY_TAKE, 1));
	EXPECT_EQ(-EINVAL, notify(self->fd, MBOX_NOTIFY_DISARM, 1));
	arg.policy = MBOX_POLICY_BROADCAST;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	EXPECT_EQ(-EOPNOTSUPP, arm(fd));
	close(fd);
	arg = open_arg(NULL, 0);
	arg.ring = 65536;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	EXPECT_EQ(-EOPNOTSUPP, arm(fd));
	close(fd);
}

/* The caller cannot be told: the notice is still there. */
TEST_F(notify, not_readable)
{
	ASSERT_EQ(0, arm(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, MBOX_IOC_NOTIFY, (void *)8));
	EXPECT_EQ(POLLPRI, urgent(self->fd));
	EXPECT_EQ(0, taken(self->fd, NULL));
}

/* Many arm, many send, many close: each that armed is told once, whatever happened. */
TEST_F(notify, races)
{
	enum { ROUNDS = 300 };
	int other = open_name(self->name, 0), told = 0;
	pid_t sender, closer;

	sender = fork_child();
	ASSERT_LE(0, sender);
	if (!sender) {
		for (int i = 0; i < ROUNDS * 20; i++) {
			put(self->fd, 0, "x");
			take(self->fd);
		}
		_exit(0);
	}
	closer = fork_child();
	ASSERT_LE(0, closer);
	if (!closer) {
		for (int i = 0; i < ROUNDS * 5; i++) {
			int fd = open_name(self->name, RIGHTS_BOTH);

			arm(fd);
			close(fd);
		}
		_exit(0);
	}
	for (int i = 0; i < ROUNDS; i++) {
		if (arm(other))
			continue;
		disarm(self->fd);
		EXPECT_EQ(POLLPRI, urgent(other));
		told += taken(other, NULL) != -EAGAIN;
		EXPECT_EQ(-EAGAIN, taken(other, NULL));
	}
	EXPECT_LT(0, told);
	EXPECT_EQ(0, reap(sender));
	EXPECT_EQ(0, reap(closer));
	EXPECT_EQ(0, arm(other));
	EXPECT_EQ(0, info_of(self->fd).receivers);
	close(other);
}

MBOX_TEST_MAIN
