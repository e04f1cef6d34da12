// SPDX-License-Identifier: GPL-2.0-only
/* Handles and factories that change hands: they give their rights, and no authority. */
#include "lib/child_call.h"
#include "lib/passing.h"
#include "lib/user.h"

#include <grp.h>

FIXTURE(passing)
{
	int socks[2];
	int fd;				/* the owner's: this process' */
	char name[MBOX_NAME_SIZE];
	uid_t stranger;
};

FIXTURE_SETUP(passing)
{
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->socks));
	self->fd = box_new_named(_metadata, 8, self->name);
	self->stranger = spare_uid(0);
}

FIXTURE_TEARDOWN(passing)
{
	close(self->fd);
	close(self->socks[0]);
	close(self->socks[1]);
}

/* The actions of a sandboxed process with its one handle. */
static int use_receiver(void *arg)
{
	struct _test_data_passing *self = arg;
	int ret, fd;

	/* nothing is inherited */
	close(self->fd);
	fd = fd_take(self->socks[1]);
	if (fd < 0)
		return fd;
	ret = geteuid() ? 0 : become(self->stranger, self->stranger);
	if (ret)
		return ret;
	if (info_of(fd).rights != MBOX_RIGHT_RECV || strcmp(take(fd), "text") ||
	    put(fd, 0, "text") != -EBADF)
		return -EBADMSG;
	return 0;
}

TEST_F(passing, handle)
{
	int fd = open_name(self->name, MBOX_RIGHT_RECV);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	ASSERT_EQ(0, fd_pass(self->socks[0], fd));
	/* it is the same handle, however many hold it */
	EXPECT_EQ(2, info_of(self->fd).handles);
	close(fd);
	EXPECT_EQ(2, info_of(self->fd).handles);
	EXPECT_EQ(0, in_child(use_receiver, self));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_EQ(1, info_of(self->fd).handles);
}

/* A handle on its way keeps a mailbox that lives as long as its handles. */
TEST_F(passing, on_its_way)
{
	uint64_t id = info_of(self->fd).id;

	ASSERT_EQ(0, put(self->fd, 0, "text"));
	ASSERT_EQ(0, fd_pass(self->socks[0], self->fd));
	close(self->fd);
	self->fd = fd_take(self->socks[1]);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(id, info_of(self->fd).id);
	EXPECT_STREQ("text", take(self->fd));
	/* and one that nobody takes does not, once the socket is gone */
	ASSERT_EQ(0, fd_pass(self->socks[0], self->fd));
	close(self->fd);
	self->fd = -1;
	close(self->socks[0]);
	close(self->socks[1]);
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
}

static int change_with_handle(void *arg)
{
	struct _test_data_passing *self = arg;
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0640 };
	int ret = become(self->stranger, self->stranger);

	if (ret)
		return ret;
	/* a right that he could not get himself */
	if (open_name(self->name, MBOX_RIGHT_SEND) != -EACCES ||
	    delete_name(self->name, MBOX_DELETE_FORCE) != -EPERM)
		return -EBADMSG;
	if (xioctl(self->fd, MBOX_IOC_SET, &set) != -EPERM ||
	    delete_fd(self->fd, MBOX_DELETE_UNLINK) != -EPERM)
		return -EBADMSG;
	return put(self->fd, 0, "text");
}

/* A process with the owner's handle has its rights, and is not the owner; see authority_test. */
TEST_F(passing, owners_handle)
{
	struct mbox_info before = info_of(self->fd);

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(change_with_handle, self));
	EXPECT_STREQ("text", take(self->fd));
	EXPECT_EQ(before.mode, info_of(self->fd).mode);
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(self->fd).state);
}

static int use_roots_factory(void *arg)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };
	struct _test_data_passing *self = arg;
	struct mbox_ioc_open open = { .rights = RIGHTS_BOTH };
	int factory = factory_open(), ret, fd;
	struct mbox_info info;

	ret = become(self->stranger, self->stranger);
	if (ret)
		return ret;
	name_copy(open.name, self->name);
	fd = xioctl(factory, MBOX_IOC_OPEN, &open);
	if (fd < 0)
		return fd;
	close(fd);
	/* to delete takes the caller too */
	name_copy(delete.name, self->name);
	if (xioctl(factory, MBOX_IOC_DELETE, &delete) != -EPERM)
		return -EBADMSG;
	/* a new mailbox is the factory opener's */
	open = open_arg(NULL, 1);
	fd = xioctl(factory, MBOX_IOC_CREATE, &open);
	if (fd < 0)
		return fd;
	info = info_of(fd);
	return info.uid == 0 && info.gid == 0 ? 0 : -EBADMSG;
}

TEST_F(passing, factory_to_stranger)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(use_roots_factory, self));
}

static int pass_own_factory(void *arg)
{
	struct _test_data_passing *self = arg;
	int ret = become(self->stranger, self->stranger + 1);

	return ret ?: fd_pass(self->socks[1], factory_open());
}

TEST_F(passing, factory_of_stranger)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };
	struct mbox_ioc_open open = { .rights = MBOX_RIGHT_SEND };
	int factory, fd;

	if (geteuid())
		SKIP(return, "only root can become another user");
	ASSERT_EQ(0, in_child(pass_own_factory, self));
	factory = fd_take(self->socks[0]);
	ASSERT_LE(0, factory);
	/* through it, root gets the stranger's rights */
	name_copy(open.name, self->name);
	name_copy(delete.name, self->name);
	EXPECT_EQ(-EACCES, xioctl(factory, MBOX_IOC_OPEN, &open));
	EXPECT_EQ(-EPERM, xioctl(factory, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(self->fd).state);
	open = open_arg(NULL, 1);
	fd = xioctl(factory, MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->stranger, info_of(fd).uid);
	EXPECT_EQ(self->stranger + 1, info_of(fd).gid);
	close(fd);
	close(factory);
}

/* A mailbox is its creator's by the effective ids; a message is its sender's by the real ones. */
static int with_other_effective_id(void *arg)
{
	struct _test_data_passing *self = arg;
	struct mbox_info info;
	struct mbox_ioc_open open = open_arg(NULL, 1);
	struct mbox_header header;
	int fd;

	if (setgroups(0, NULL) || setresgid(7, self->stranger, 8) ||
	    setresuid(9, self->stranger, 10))
		return -errno;
	fd = open_call(MBOX_IOC_CREATE, &open);
	if (fd < 0)
		return fd;
	info = info_of(fd);
	if (info.uid != self->stranger || info.gid != self->stranger)
		return -EBADMSG;
	if (put(fd, 0, "") || recv_bytes(fd, 0, NULL, 0, &header))
		return -EPROTO;
	return header.uid == 9 && header.gid == 7 ? 0 : -EBADMSG;
}

TEST_F(passing, real_and_effective_ids)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(with_other_effective_id, self));
}

/* The header names the sender as it is when it sends, not as it was when it opened the handle. */
static int send_as_stranger(void *arg)
{
	struct _test_data_passing *self = arg;
	int ret = become(self->stranger, self->stranger + 1);

	return ret ?: put(self->fd, 0, "text");
}

TEST_F(passing, header_names_sender)
{
	struct mbox_header header;
	char text[8];

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(send_as_stranger, self));
	ASSERT_EQ(0, recv_bytes(self->fd, 0, text, sizeof(text), &header));
	EXPECT_EQ(self->stranger, header.uid);
	EXPECT_EQ(self->stranger + 1, header.gid);
	EXPECT_NE((uint32_t)getpid(), header.pid);
	EXPECT_NE(0, header.pid);
}

/* Two processes that wait by the same open file are two. */
TEST_F(passing, same_handle_blocked_twice)
{
	struct call *one = recv_start(self->fd), *two;

	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	two = recv_start(self->fd);
	ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	EXPECT_EQ(1, info_of(self->fd).receivers);
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	/* the receiver that waited longer comes first */
	EXPECT_STREQ("one", recv_end(one));
	EXPECT_STREQ("two", recv_end(two));
}

MBOX_TEST_MAIN
