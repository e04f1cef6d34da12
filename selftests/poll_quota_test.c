// SPDX-License-Identifier: GPL-2.0-only
/* poll() agrees with a send that the quota of its caller refuses, and reports when there is quota again. */
#include "lib/child.h"
#include "lib/peer.h"
#include "lib/poll.h"
#include "lib/user.h"

#include <sys/epoll.h>

#define MIB	(1024U * 1024)

/* Use up the quota of the caller; leave less than the largest message of the tests takes. */
static int use_up(void)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	char *data = calloc(1, 8 * MIB);
	int fd, ret = 0;

	arg.msg_size = 8 * MIB;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	for (uint32_t size = 8 * MIB; fd >= 0 && size; size /= 2) {
		do {
			ret = send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, size);
		} while (!ret);
	}
	free(data);
	return fd < 0 ? fd : ret == -EDQUOT ? fd : ret;
}

static int box_sized(uint32_t policy)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1000);

	arg.msg_size = POLL_SIZE;
	arg.policy = policy;
	return open_call(MBOX_IOC_CREATE, &arg);
}

struct user {
	uid_t uid;
	uint32_t policy;
	int fd;				/* of another user */
	/* of two users */
	int used, level, ready;
};

static int recv_large(int fd)
{
	char *data = malloc(8 * MIB);
	int ret = recv_bytes(fd, MBOX_RECV_NONBLOCK, data, 8 * MIB, NULL);

	free(data);
	return ret;
}

static int quota_of_user(void *arg)
{
	struct user *user = arg;
	int used, fd, result, level, edge;

	CHECK(0, become(user->uid, user->uid));
	fd = box_sized(user->policy);
	CHECK(true, fd >= 0);
	edge = watch(fd, EPOLLOUT | EPOLLET);
	CHECK(EPOLLOUT, next_event(edge, 0));
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(fd, EPOLLOUT);
	CHECK(true, level >= 0);
	CHECK(0, poll_compare(fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 0));
	CHECK(0, next_event(level, 100));
	CHECK(0, next_event(edge, 0));
	/* somebody receives: there is room again, and all that were refused are told */
	CHECK(0, recv_large(used));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(EPOLLOUT, next_event(edge, PATIENCE * 1000));
	CHECK(0, next_event(edge, 50));
	CHECK(0, poll_compare(fd, true, &result));
	CHECK(true, result >= 0);
	/* nobody is short of anything now: nobody is told */
	CHECK(0, recv_large(used));
	CHECK(0, next_event(edge, 50));
	return 0;
}

TEST(quota)
{
	struct user user = { .uid = spare_uid(0) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(quota_of_user, &user));
}

/* Deliveries are charged, too. */
TEST(quota_of_broadcast)
{
	struct user user = { .uid = spare_uid(1), .policy = MBOX_POLICY_BROADCAST };

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(quota_of_user, &user));
}

/* Through a handle of another user it is still the caller's quota that counts. */
static int quota_of_caller(void *arg)
{
	struct user *user = arg;
	int used, result, level;

	CHECK(0, become(user->uid, user->uid));
	CHECK(0, poll_compare(user->fd, true, &result));
	CHECK(0, result);
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(user->fd, EPOLLOUT);
	CHECK(0, poll_compare(user->fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 0));
	CHECK(0, recv_large(used));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, poll_compare(user->fd, true, &result));
	CHECK(0, result);
	/* a handle that is short when it is closed, and its user's messages after it */
	for (int i = 0; i < 3; i++) {
		int other = box_sized(0);

		close(used);
		used = use_up();
		CHECK(0, poll_now(other));
		close(other);
	}
	CHECK(0, poll_now(user->fd) & POLLOUT);
	close(used);
	return 0;
}

TEST(quota_of_another)
{
	struct user user = { .uid = spare_uid(2) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	user.fd = box_sized(0);
	ASSERT_LE(0, user.fd);
	EXPECT_EQ(0, in_child(quota_of_caller, &user));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(user.fd));
	close(user.fd);
}

/*
 * Two users share a handle, and neither has quota: the handle waits for the quota of one of them, so
 * pollers are woken to find out by a send.
 */
static int second_of_handle(void *arg)
{
	struct user *user = arg;
	int used, level;

	CHECK(0, become(user->uid + 1, user->uid + 1));
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(user->fd, EPOLLOUT | EPOLLET);
	CHECK(EPOLLOUT, next_event(level, 0));
	CHECK(0, next_event(level, 50));
	CHECK(-EDQUOT, send_largest(user->fd));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	close(used);
	return 0;
}

static int first_of_handle(void *arg)
{
	struct user *user = arg;
	int used, level;

	CHECK(0, become(user->uid, user->uid));
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(user->fd, EPOLLOUT);
	CHECK(0, next_event(level, 0));
	user->used = used;
	user->level = level;
	return 0;
}

static int both_of_handle(void *arg)
{
	struct user *user = arg;
	pid_t pid;

	/* before the rights to become another user are given up */
	pid = fork_child();
	if (pid == 0) {
		while (!await_flag(&user->ready))
			;
		_exit(second_of_handle(user) != 0);
	}
	CHECK(0, first_of_handle(user));
	set_flag(&user->ready);
	CHECK(0, reap(pid));
	CHECK(0, next_event(user->level, 0));
	CHECK(0, recv_large(user->used));
	CHECK(EPOLLOUT, next_event(user->level, PATIENCE * 1000));
	return 0;
}

TEST(quota_of_two_users)
{
	struct user *user = shared_alloc(sizeof(*user));

	if (geteuid())
		SKIP(return, "only root can become another user");
	user->uid = spare_uid(6);
	user->fd = box_sized(0);
	ASSERT_LE(0, user->fd);
	EXPECT_EQ(0, in_child(both_of_handle, user));
	close(user->fd);
}

/* A mailbox of another user takes a share only, and leaves something for all others. */
static int quota_of_share(void *arg)
{
	struct user *user = arg;
	int used, own, spare, result, level;

	CHECK(0, become(user->uid, user->uid));
	own = box_sized(0);
	spare = box_sized(0);
	for (int i = 0; i < 3; i++)
		CHECK(0, put(spare, 0, "text"));
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(user->fd, EPOLLOUT);
	CHECK(0, next_event(level, 0));
	/* there is room for two, of which the mailbox may have one */
	CHECK(0, recv_any(spare));
	CHECK(0, recv_any(spare));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, poll_compare(user->fd, true, &result));
	CHECK(0, result);
	CHECK(0, poll_compare(user->fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 50));
	CHECK(POLLOUT, poll_now(own));
	/* its message is received: then it may have one again */
	CHECK(0, recv_any(user->fd));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, poll_compare(user->fd, true, &result));
	CHECK(0, result);
	CHECK(0, poll_compare(own, true, &result));
	CHECK(0, result);
	return 0;
}

TEST(quota_of_shares)
{
	struct user user = { .uid = spare_uid(4) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	user.fd = box_sized(0);
	ASSERT_LE(0, user.fd);
	EXPECT_EQ(0, in_child(quota_of_share, &user));
	close(user.fd);
}

/* A link: its messages are in the inbox of another. */
static int quota_of_link(void *arg)
{
	struct user *user = arg;
	int used, fd, result, level;
	pid_t pid;

	CHECK(0, become(user->uid, user->uid));
	pid = fork_child();
	if (!pid) {
		pause();
		_exit(0);
	}
	fd = link_sized(pid, 10, POLL_SIZE);
	CHECK(true, fd >= 0);
	level = watch(fd, EPOLLOUT);
	CHECK(EPOLLOUT, next_event(level, 0));
	used = use_up();
	CHECK(true, used >= 0);
	CHECK(0, poll_compare(fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 50));
	CHECK(0, recv_large(used));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, poll_compare(fd, true, &result));
	CHECK(0, result);
	kill(pid, SIGKILL);
	return 0;
}

TEST(quota_of_links)
{
	struct user user = { .uid = spare_uid(3) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(quota_of_link, &user));
}

MBOX_TEST_MAIN
