// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps in parts: wherever a datagram ends, within a message or between two, the next one continues
 * with the rest. So datagrams of each size give the same dump.
 */
#include "lib/lease.h"
#include "lib/netlink.h"
#include "lib/peer.h"

#include <sched.h>

#define ROWS		96
#define ROOM_LEAST	4096		/* the kernel's own least is a little less */
#define ROOM_STEP	4		/* alignment of attributes */

FIXTURE(part)
{
	struct nl nl;
	int fd[ROWS];
	struct peer *peer[ROWS];
	uint64_t last;			/* number of the row before */
	uint64_t id[ROWS];		/* of the mailboxes; of the one, first */
	int rows;
	int wrong;
};

FIXTURE_VARIANT(part)
{
	uint8_t cmd;
	uint16_t number;		/* attribute by which rows are in order; 0: in none */
	size_t most;			/* more than a row takes */
};

FIXTURE_VARIANT_ADD(part, mailboxes) {
	.cmd = MBOX_CMD_MAILBOX_GET, .number = MBOX_A_MAILBOX_ID, .most = 640,
};
FIXTURE_VARIANT_ADD(part, handles) {
	.cmd = MBOX_CMD_HANDLE_GET, .number = MBOX_A_HANDLE_ID, .most = 160,
};
FIXTURE_VARIANT_ADD(part, waiters) {
	.cmd = MBOX_CMD_WAITER_GET, .number = MBOX_A_WAITER_ID, .most = 240,
};
FIXTURE_VARIANT_ADD(part, jobs) {
	.cmd = MBOX_CMD_JOB_GET, .number = MBOX_A_JOB_ID, .most = 240,
};
FIXTURE_VARIANT_ADD(part, links) {
	.cmd = MBOX_CMD_LINK_GET, .most = 160,
};

/* Mailboxes that are rings: they have the most to tell. */
static void make_mailboxes(struct __test_metadata *_metadata, struct _test_data_part *self)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);

	arg.ring = 4096;
	for (int i = 0; i < ROWS; i++) {
		self->fd[i] = open_call(MBOX_IOC_CREATE, &arg);
		ASSERT_LE(0, self->fd[i]);
		self->id[i] = info_of(self->fd[i]).id;
	}
}

static void make_handles(struct __test_metadata *_metadata, struct _test_data_part *self)
{
	char name[MBOX_NAME_SIZE];

	self->fd[0] = box_new_named(_metadata, 1, name);
	self->id[0] = info_of(self->fd[0]).id;
	for (int i = 1; i < ROWS; i++) {
		self->fd[i] = open_name(name, 0);
		ASSERT_LE(0, self->fd[i]);
	}
}

static void make_waiters(struct __test_metadata *_metadata, struct _test_data_part *self)
{
	self->fd[0] = box_new(_metadata, 1);
	self->id[0] = info_of(self->fd[0]).id;
	for (int i = 0; i < ROWS; i++) {
		self->peer[i] = peer_new(_metadata);
		self->peer[i]->fd[0] = self->fd[0];
		self->peer[i]->type = i;
		peer_start_recv(self->peer[i], 0, MBOX_RECV_BY_TYPE);
	}
	ASSERT_TRUE(await_blocked(self->fd[0], 0, ROWS));
}

/* Leases that end. */
static void make_jobs(struct __test_metadata *_metadata, struct _test_data_part *self)
{
	self->fd[0] = box_new(_metadata, ROWS);
	self->id[0] = info_of(self->fd[0]).id;
	for (int i = 0; i < ROWS; i++) {
		ASSERT_EQ(0, put(self->fd[0], 0, "text"));
		ASSERT_EQ(0, lease_for(self->fd[0], 3600 * NSEC_PER_SEC).error);
	}
}

static void make_links(struct __test_metadata *_metadata, struct _test_data_part *self)
{
	for (int i = 0; i < ROWS; i++) {
		self->peer[i] = peer_new(_metadata);
		self->fd[i] = link_to(self->peer[i]->pid, 1);
		ASSERT_LE(0, self->fd[i]);
	}
}

FIXTURE_SETUP(part)
{
	for (int i = 0; i < ROWS; i++)
		self->fd[i] = -1;
	switch (variant->cmd) {
	case MBOX_CMD_MAILBOX_GET:
		make_mailboxes(_metadata, self);
		break;
	case MBOX_CMD_HANDLE_GET:
		make_handles(_metadata, self);
		break;
	case MBOX_CMD_WAITER_GET:
		make_waiters(_metadata, self);
		break;
	case MBOX_CMD_JOB_GET:
		make_jobs(_metadata, self);
		break;
	case MBOX_CMD_LINK_GET:
		make_links(_metadata, self);
		break;
	}
}

FIXTURE_TEARDOWN(part)
{
	for (int i = 0; i < ROWS; i++) {
		if (self->peer[i])
			peer_kill(self->peer[i]);
		if (self->fd[i] >= 0)
			close(self->fd[i]);
	}
}

/* Each row once. */
static void row(const struct nl_reply *reply, void *data)
{
	struct _test_data_part *self = data;
	uint64_t number;

	switch (reply->cmd) {
	case MBOX_CMD_MAILBOX_GET:
		number = nl_u64(reply, MBOX_A_MAILBOX_ID);
		for (int i = 0; i < ROWS; i++)
			self->rows += number == self->id[i];
		break;
	case MBOX_CMD_HANDLE_GET:
		number = nl_u64(reply, MBOX_A_HANDLE_ID);
		self->rows++;
		break;
	case MBOX_CMD_WAITER_GET:
		number = nl_u64(reply, MBOX_A_WAITER_ID);
		self->rows++;
		break;
	case MBOX_CMD_JOB_GET:
		number = nl_u64(reply, MBOX_A_JOB_ID);
		self->rows++;
		break;
	default:
		number = self->last + 1;
		self->rows++;
	}
	self->wrong += number <= self->last;
	self->last = number;
}

/* The rows that are asked for, where others may have some, too. */
static void restrict_to_ours(struct nl_request *request, const struct _test_data_part *self)
{
	if (request->genl.cmd == MBOX_CMD_HANDLE_GET)
		nl_put_u64(request, MBOX_A_HANDLE_MAILBOX, self->id[0]);
	if (request->genl.cmd == MBOX_CMD_WAITER_GET)
		nl_put_u64(request, MBOX_A_WAITER_MAILBOX, self->id[0]);
	if (request->genl.cmd == MBOX_CMD_JOB_GET)
		nl_put_u64(request, MBOX_A_JOB_MAILBOX, self->id[0]);
	if (request->genl.cmd == MBOX_CMD_LINK_GET)
		nl_put_u32(request, MBOX_A_LINK_ONE, getpid());
}

TEST_F(part, of_any_size)
{
	struct nl_request request;

	for (size_t room = ROOM_LEAST; room < ROOM_LEAST + variant->most; room += ROOM_STEP) {
		ASSERT_EQ(0, nl_open_room(&self->nl, room));
		self->last = 0;
		self->rows = 0;
		nl_begin(&request, self->nl.family, variant->cmd, NLM_F_DUMP);
		restrict_to_ours(&request, self);
		ASSERT_EQ(0, nl_talk(&self->nl, &request, row, self));
		EXPECT_LT(2, self->nl.parts);
		EXPECT_EQ(ROWS, self->rows) TH_LOG("in datagrams of %zu", room);
		EXPECT_EQ(0, self->wrong);
		close(self->nl.fd);
	}
}

static void count_row(const struct nl_reply *reply, void *data)
{
	++*(int *)data;
}

/* In a child: a link within a namespace of its own, for as long as the test likes. */
static void link_elsewhere(void)
{
	pid_t peer;

	if (unshare(CLONE_NEWNET))
		_exit(1);
	peer = fork_child();
	if (peer == 0)
		for (;;)
			pause();
	if (link_to(peer, 1) < 0)
		_exit(1);
	raise(SIGSTOP);
}

/* A link is told of in the namespace of either side (link_netns_test), and in no other. */
TEST(links_of_another_namespace)
{
	struct nl_request request;
	struct nl nl;
	int rows = 0, status;
	pid_t pid;

	if (geteuid())
		SKIP(return, "only root can make network namespaces");
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0)
		link_elsewhere();
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, nl_open(&nl));
	nl_begin(&request, nl.family, MBOX_CMD_LINK_GET, NLM_F_DUMP);
	nl_put_u32(&request, MBOX_A_LINK_ONE, pid);
	EXPECT_EQ(0, nl_talk(&nl, &request, count_row, &rows));
	EXPECT_EQ(0, rows);
	close(nl.fd);
	kill(pid, SIGKILL);
	reap(pid);
}

MBOX_TEST_MAIN
