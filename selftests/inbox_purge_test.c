// SPDX-License-Identifier: GPL-2.0-only
/* Purging an inbox, which has no name: its messages, its links, and the right to do so. */
#include "lib/netlink.h"
#include "lib/peer.h"
#include "lib/user.h"

#define NOBODY	65534

FIXTURE(inbox_purge)
{
	int inbox;
	uint64_t id;
	struct peer *a, *b;
};

FIXTURE_SETUP(inbox_purge)
{
	self->inbox = inbox_open();
	ASSERT_LE(0, self->inbox);
	self->id = info_of(self->inbox).id;
	self->a = peer_new(_metadata);
	self->b = peer_new(_metadata);
	ASSERT_EQ(0, peer_link(self->a, 0, getpid(), 2));
	ASSERT_EQ(0, peer_link(self->b, 0, getpid(), 8));
}

FIXTURE_TEARDOWN(inbox_purge)
{
	close(self->inbox);
}

TEST_F(inbox_purge, drops_the_messages_of_all_links)
{
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, peer_send(self->a, 0, 0, "a"));
	for (int i = 0; i < 8; i++)
		ASSERT_EQ(0, peer_send(self->b, 0, 0, "b"));
	EXPECT_EQ(10, nl_purge_id(self->id));
	EXPECT_EQ(0, info_of(self->inbox).queued);
	EXPECT_EQ(10, info_of(self->inbox).dropped);
	EXPECT_BALANCED(self->inbox);
	EXPECT_STREQ("EAGAIN", take(self->inbox));
	EXPECT_EQ(0, nl_purge_id(self->id));

	ASSERT_EQ(0, peer_send(self->a, 0, 0, "after"));
	EXPECT_STREQ("after", take(self->inbox));
}

/* One sender of each link waits. Both get in, each to the room of its own link. */
TEST_F(inbox_purge, admits_the_senders_of_each_link)
{
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, peer_send(self->a, 0, 0, "a"));
	for (int i = 0; i < 8; i++)
		ASSERT_EQ(0, peer_send(self->b, 0, 0, "b"));
	peer_start_send(self->a, 0, 0, "a blocked");
	ASSERT_TRUE(await_blocked(self->inbox, 1, 0));
	peer_start_send(self->b, 0, 0, "b blocked");
	ASSERT_TRUE(await_blocked(self->inbox, 2, 0));
	EXPECT_EQ(10, nl_purge_id(self->id));
	EXPECT_EQ(0, peer_end(self->a));
	EXPECT_EQ(0, peer_end(self->b));
	EXPECT_EQ(2, info_of(self->inbox).queued);
	EXPECT_EQ(0, peer_send(self->a, 0, MBOX_SEND_NONBLOCK, "a"));
	EXPECT_EQ(-EAGAIN, peer_send(self->a, 0, MBOX_SEND_NONBLOCK, "a"));
	EXPECT_BALANCED(self->inbox);
}

TEST_F(inbox_purge, tells_the_synchronous_sender)
{
	peer_start_send(self->a, 0, MBOX_SEND_SYNC, "a");
	ASSERT_TRUE(await_blocked(self->inbox, 1, 0));
	EXPECT_EQ(1, nl_purge_id(self->id));
	EXPECT_EQ(-ECANCELED, peer_end(self->a));
}

/* A message for a process that does not receive keeps the link, and with it the module. */
TEST_F(inbox_purge, lets_go_what_only_messages_kept)
{
	struct peer *to = peer_new(_metadata);
	uint64_t id;

	ASSERT_EQ(0, peer_link(self->a, 1, to->pid, 2));
	ASSERT_EQ(0, peer_send(self->a, 1, 0, "left"));
	self->a->slot = 1;
	ASSERT_EQ(0, peer_do(self->a, do_close));
	ASSERT_EQ(0, peer_do(to, do_inbox));
	id = peer_info(to, 0).id;
	ASSERT_EQ(0, peer_do(to, do_close));
	EXPECT_EQ(1, nl_purge_id(id));
	EXPECT_EQ(-ENOENT, nl_purge_id(id));
	peer_kill(to);
}

static int purge_as_nobody(void *arg)
{
	uint64_t id = *(uint64_t *)arg;

	CHECK(0, become(NOBODY, NOBODY));
	CHECK(-ENOENT, nl_purge_id(id));
	return 0;
}

TEST_F(inbox_purge, is_for_the_process_user)
{
	if (geteuid())
		SKIP(return, "takes root, to be another user");
	ASSERT_EQ(0, peer_send(self->a, 0, 0, "a"));
	EXPECT_EQ(0, in_child(purge_as_nobody, &self->id));
	EXPECT_STREQ("a", take(self->inbox));
	EXPECT_EQ(-ENOENT, nl_purge_id(UINT64_MAX));
}

TEST_HARNESS_MAIN
