// SPDX-License-Identifier: GPL-2.0-only
/* The rights to address a process, the user whose quota its inbox is charged to, and the end of both. */
#include "lib/module.h"
#include "lib/peer.h"
#include "lib/user.h"

#include <sys/syscall.h>

/*
 * A peer of another user, in its slot 1 the inbox if it opened it; and the actions of users that
 * want to link to it. All of them are made by root, which has all rights.
 */
FIXTURE(rights)
{
	struct peer *peer;
	uid_t uid;
};

static int do_become(struct peer *peer)
{
	return become(peer->capacity, peer->capacity);
}

static int do_set_mode(struct peer *peer)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = peer->flags };

	return xioctl(peer->fd[1], MBOX_IOC_SET, &set);
}

static struct peer *peer_of(struct __test_metadata *_metadata, uid_t uid)
{
	struct peer *peer = peer_new(_metadata);

	peer->capacity = uid;
	ASSERT_EQ(0, peer_do(peer, do_become));
	return peer;
}

FIXTURE_SETUP(rights)
{
	if (geteuid())
		SKIP(return, "only root can become somebody else");
	self->uid = spare_uid(0);
	self->peer = peer_of(_metadata, self->uid);
}

FIXTURE_TEARDOWN(rights)
{
	peer_kill(self->peer);
}

static void set_mode(struct __test_metadata *_metadata, struct peer *peer, uint32_t mode)
{
	if (peer->fd[1] <= 0) {
		peer->slot = 1;
		ASSERT_EQ(0, peer_do(peer, do_inbox));
	}
	peer->flags = mode;
	ASSERT_EQ(0, peer_do(peer, do_set_mode));
}

/* The result for a user that asks for a link. */
static int link_as(struct __test_metadata *_metadata, uid_t uid, pid_t pid)
{
	struct peer *peer = peer_of(_metadata, uid);
	int ret = peer_link(peer, 0, pid, 1);

	peer_kill(peer);
	return ret;
}

TEST_F(rights, signals)
{
	EXPECT_EQ(0, link_as(_metadata, self->uid, self->peer->pid));
	EXPECT_EQ(-EPERM, link_as(_metadata, self->uid + 1, self->peer->pid));
	/* root may */
	EXPECT_LE(0, close(link_to(self->peer->pid, 1)));
	/* and not be addressed */
	EXPECT_EQ(-EPERM, peer_link(self->peer, 0, getpid(), 1));
	EXPECT_EQ(-EPERM, peer_link(self->peer, 0, 1, 1));
	/* also where there is an inbox without a mode */
	self->peer->slot = 1;
	ASSERT_EQ(0, peer_do(self->peer, do_inbox));
	EXPECT_EQ(-EPERM, link_as(_metadata, self->uid + 1, self->peer->pid));
	EXPECT_EQ(1, peer_info(self->peer, 1).handles);
}

TEST_F(rights, modes)
{
	uid_t other = self->uid + 1;

	set_mode(_metadata, self->peer, 0002);
	EXPECT_EQ(0, link_as(_metadata, other, self->peer->pid));
	/* the owner's bits are for its user, as of any mailbox */
	EXPECT_EQ(-EPERM, link_as(_metadata, self->uid, self->peer->pid));
	set_mode(_metadata, self->peer, 0200);
	EXPECT_EQ(0, link_as(_metadata, self->uid, self->peer->pid));
	EXPECT_EQ(-EPERM, link_as(_metadata, other, self->peer->pid));
	/* the right to receive is none to send */
	set_mode(_metadata, self->peer, 0444);
	EXPECT_EQ(-EPERM, link_as(_metadata, self->uid, self->peer->pid));
	EXPECT_EQ(-EPERM, link_as(_metadata, other, self->peer->pid));
	/* CAP_IPC_OWNER passes */
	EXPECT_LE(0, close(link_to(self->peer->pid, 1)));
	/* with the inbox the mode goes */
	self->peer->slot = 1;
	ASSERT_EQ(0, peer_do(self->peer, do_close));
	EXPECT_EQ(0, link_as(_metadata, self->uid, self->peer->pid));
}

/* Checked when a link is opened, and never later; and the addressed process may answer. */
TEST_F(rights, never_later)
{
	struct peer *other = peer_of(_metadata, self->uid + 1);

	EXPECT_EQ(-EPERM, peer_link(self->peer, 0, other->pid, 2));
	set_mode(_metadata, self->peer, 0666);
	ASSERT_EQ(0, peer_link(other, 0, self->peer->pid, 2));
	set_mode(_metadata, self->peer, 0);
	EXPECT_EQ(0, peer_send(other, 0, MBOX_SEND_NONBLOCK, "still"));
	EXPECT_EQ(-EPERM, peer_link(other, 1, self->peer->pid, 2));
	EXPECT_EQ(0, peer_link(self->peer, 0, other->pid, 2));
	EXPECT_STREQ("still", peer_take(self->peer, 0));
	EXPECT_EQ(0, peer_send(self->peer, 0, MBOX_SEND_NONBLOCK, "answer"));
	EXPECT_STREQ("answer", peer_take(other, 0));
	/* now they have addressed each other */
	EXPECT_EQ(0, peer_link(other, 1, self->peer->pid, 2));
	peer_kill(other);
}

/* A process that changes its user is checked by its new one. */
TEST_F(rights, changes_user)
{
	struct peer *peer = peer_new(_metadata);

	EXPECT_EQ(-EPERM, link_as(_metadata, self->uid, peer->pid));
	peer->capacity = self->uid;
	ASSERT_EQ(0, peer_do(peer, do_become));
	EXPECT_EQ(0, link_as(_metadata, self->uid, peer->pid));
	peer_kill(peer);
}

/* Quotas: an inbox is charged to its creator until it is gone. */
FIXTURE(quota)
{
	struct peer *peer;
	uint64_t mailboxes;
};

FIXTURE_SETUP(quota)
{
	if (geteuid())
		SKIP(return, "only root can set module parameters");
	self->mailboxes = param_get("user_mailboxes");
	if (!self->mailboxes || param_set("user_mailboxes", 3))
		SKIP(return, "the module parameters cannot be written");
	self->peer = peer_of(_metadata, spare_uid(0));
}

FIXTURE_TEARDOWN_PARENT(quota)
{
	if (self->mailboxes)
		param_set("user_mailboxes", self->mailboxes);
}

TEST_F(quota, comes_back)
{
	struct peer *a = peer_of(_metadata, spare_uid(0)), *b = peer_of(_metadata, spare_uid(0));
	struct peer *c = peer_of(_metadata, spare_uid(0)), *peer = self->peer;

	/* its own, and those of two others */
	ASSERT_EQ(0, peer_link(peer, 0, a->pid, 1));
	ASSERT_EQ(0, peer_link(peer, 1, b->pid, 1));
	EXPECT_EQ(-EDQUOT, peer_link(peer, 2, c->pid, 1));
	/* an existing inbox costs nothing, and c, of the same user, can have none */
	EXPECT_EQ(0, peer_link(peer, 2, a->pid, 1));
	c->slot = 0;
	EXPECT_EQ(-EDQUOT, peer_do(c, do_inbox));
	/* a message keeps the inbox that it is in */
	ASSERT_EQ(0, peer_send(peer, 1, 0, "kept"));
	peer->slot = 1;
	ASSERT_EQ(0, peer_do(peer, do_close));
	EXPECT_EQ(-EDQUOT, peer_do(c, do_inbox));
	ASSERT_EQ(0, peer_link(b, 0, peer->pid, 1));
	EXPECT_STREQ("kept", peer_take(b, 0));
	ASSERT_EQ(0, peer_do(b, do_close));
	EXPECT_EQ(0, peer_do(c, do_inbox));
	/* and so does the end of either side, some time after it */
	ASSERT_EQ(0, peer_do(c, do_close));
	peer_kill(a);
	for (int64_t end = now() + PATIENCE * NSEC_PER_SEC; peer_link(peer, 1, b->pid, 1); nap())
		ASSERT_GT(end, now());
	peer_kill(peer);
	for (int i = 0; i < 3; i++) {
		struct peer *peers[3] = { c, b, c };
		int64_t end = now() + PATIENCE * NSEC_PER_SEC;

		peers[i]->slot = i;
		while (peer_do(peers[i], do_inbox)) {
			ASSERT_GT(end, now());
			nap();
		}
	}
	peer_kill(b);
	peer_kill(c);
}

/* A user has many long-lived processes to write to: nothing of it stays. */
TEST_F(quota, again_and_again)
{
	struct peer *other = peer_of(_metadata, spare_uid(0));

	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, peer_link(self->peer, 0, other->pid, 1));
		ASSERT_EQ(0, peer_send(self->peer, 0, 0, "text"));
		ASSERT_EQ(0, peer_link(other, 0, self->peer->pid, 1));
		EXPECT_STREQ("text", peer_take(other, 0));
		ASSERT_EQ(0, peer_do(other, do_close));
		ASSERT_EQ(0, peer_do(self->peer, do_close));
	}
	peer_kill(other);
	peer_kill(self->peer);
}

/* The module: pinned by an inbox with messages in it, and by nothing that has gone. */
TEST(module)
{
	struct peer *peer;
	long before = module_pins();
	int fd;

	if (geteuid() || before < 0)
		SKIP(return, "only root may ask for it, and of a module");
	if (before)
		SKIP(return, "somebody else uses the module");
	peer = peer_new(_metadata);
	fd = link_to(peer->pid, 1);
	ASSERT_LE(0, fd);
	/* two inboxes and a file */
	EXPECT_EQ(3, module_pins());
	ASSERT_EQ(0, put(fd, 0, "text"));
	close(fd);
	/* the message is in an inbox, and the link is there */
	EXPECT_EQ(2, module_pins());
	EXPECT_EQ(-EWOULDBLOCK, syscall(SYS_delete_module, "mbox", O_NONBLOCK) ? -errno : 0);
	peer_kill(peer);
	EXPECT_TRUE(await_module_pins(0));
}

MBOX_TEST_MAIN
