// SPDX-License-Identifier: GPL-2.0-only
/*
 * An inbox belongs to the network namespace of its process, even if a process elsewhere linked
 * first. Its links and its waiters are listed there.
 */
#include "lib/netlink.h"
#include "lib/peer.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

static void count_row(const struct nl_reply *reply, void *data)
{
	++*(int *)data;
}

/* How many links of a process the caller's namespace tells of; or an error. */
static int links_of(pid_t pid)
{
	struct nl_request request;
	int rows = 0, ret;
	struct nl nl;

	ret = nl_open(&nl);
	if (ret)
		return ret;
	nl_begin(&request, nl.family, MBOX_CMD_LINK_GET, NLM_F_DUMP);
	nl_put_u32(&request, MBOX_A_LINK_ONE, pid);
	ret = nl_talk(&nl, &request, count_row, &rows);
	close(nl.fd);
	return ret ? ret : rows;
}

/* And how many blocked calls on its inbox. */
struct waits {
	uint32_t pid;
	int rows;
};

static void count_waiter(const struct nl_reply *reply, void *data)
{
	struct waits *waits = data;

	waits->rows += nl_u32(reply, MBOX_A_WAITER_INBOX) == waits->pid;
}

static int waiters_of(pid_t pid)
{
	struct waits waits = { .pid = pid };
	struct nl_request request;
	struct nl nl;
	int ret;

	ret = nl_open(&nl);
	if (ret)
		return ret;
	nl_begin(&request, nl.family, MBOX_CMD_WAITER_GET, NLM_F_DUMP);
	ret = nl_talk(&nl, &request, count_waiter, &waits);
	close(nl.fd);
	return ret ? ret : waits.rows;
}

FIXTURE(link)
{
	struct peer *here;		/* in our namespace */
	struct peer *there, *other;	/* in another */
};

static int do_unshare(struct peer *peer)
{
	return unshare(CLONE_NEWNET) ? -errno : 0;
}

/* The same namespace as that of peer->other. */
static int do_join(struct peer *peer)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", peer->other);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;
}

static int do_links_of(struct peer *peer)
{
	return links_of(peer->other);
}

static int do_waiters_of(struct peer *peer)
{
	return waiters_of(peer->other);
}

FIXTURE_SETUP(link)
{
	if (geteuid())
		SKIP(return, "only root can make network namespaces");
	self->here = peer_new(_metadata);
	self->there = peer_new(_metadata);
	self->other = peer_new(_metadata);
	if (peer_do(self->there, do_unshare))
		SKIP(return, "no new network namespace can be made here");
	self->other->other = self->there->pid;
	ASSERT_EQ(0, peer_do(self->other, do_join));
}

FIXTURE_TEARDOWN(link)
{
	if (!self->here)
		return;
	peer_kill(self->here);
	peer_kill(self->there);
	peer_kill(self->other);
}

static int asked_there(struct peer *peer, peer_fn fn, pid_t pid)
{
	peer->other = pid;
	return peer_do(peer, fn);
}

/* The first process to link is in another namespace: each is listed in its own, and so in both. */
TEST_F(link, from_there)
{
	ASSERT_EQ(0, peer_link(self->there, 0, self->here->pid, 1));
	EXPECT_EQ(1, links_of(self->there->pid));
	EXPECT_EQ(1, links_of(self->here->pid));
	EXPECT_EQ(1, asked_there(self->other, do_links_of, self->here->pid));
}

TEST_F(link, from_here)
{
	ASSERT_EQ(0, peer_link(self->here, 0, self->there->pid, 1));
	EXPECT_EQ(1, links_of(self->there->pid));
	EXPECT_EQ(1, asked_there(self->other, do_links_of, self->here->pid));
}

TEST_F(link, nobody_here)
{
	ASSERT_EQ(0, peer_link(self->there, 0, self->other->pid, 1));
	EXPECT_EQ(0, links_of(self->there->pid));
	EXPECT_EQ(1, asked_there(self->other, do_links_of, self->there->pid));
}

/* A process that is blocked on an inbox is listed in its own namespace. */
TEST_F(link, waiters)
{
	ASSERT_EQ(0, peer_link(self->there, 0, self->here->pid, 1));
	ASSERT_EQ(0, peer_link(self->here, 0, self->there->pid, 1));
	peer_start_recv(self->here, 0, 0);
	ASSERT_TRUE(peer_blocked(self->here));
	EXPECT_EQ(1, waiters_of(self->here->pid));
	EXPECT_EQ(0, asked_there(self->other, do_waiters_of, self->here->pid));
	peer_start_recv(self->there, 0, 0);
	/* a cycle would be refused */
	EXPECT_EQ(-EDEADLK, peer_end(self->there));
}

static void *linger(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int do_leave_thread(struct peer *peer)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, linger, NULL))
		return -errno;
	/* The rest of the process goes on; its leader does not. */
	__atomic_store_n(&peer->flag, 1, __ATOMIC_RELEASE);
	syscall(SYS_exit, 0);
	return 0;
}

/* The first thread of a process is gone, and has no namespace any more; the process has. */
TEST_F(link, without_leader)
{
	peer_start(self->here, do_leave_thread);
	ASSERT_TRUE(await_flag(&self->here->flag));
	while (process_state(self->here->pid) != 'Z')
		nap();
	ASSERT_EQ(0, peer_link(self->there, 0, self->here->pid, 1));
	EXPECT_EQ(1, links_of(self->there->pid));
	EXPECT_EQ(1, asked_there(self->other, do_links_of, self->there->pid));
}

MBOX_TEST_MAIN
