// SPDX-License-Identifier: GPL-2.0-only
/* Draining: no more sends, the name can be opened to receive, and it is gone when it is empty. */
#include "lib/child.h"
#include "lib/user.h"

FIXTURE(drain)
{
	char name[MBOX_NAME_SIZE];
	int fd;
};

FIXTURE_VARIANT(drain)
{
	uint32_t lifetime;
};

FIXTURE_VARIANT_ADD(drain, os) { .lifetime = MBOX_LIFETIME_OS };
FIXTURE_VARIANT_ADD(drain, process) { .lifetime = MBOX_LIFETIME_PROCESS };

FIXTURE_SETUP(drain)
{
	struct mbox_ioc_open arg;

	name_make(self->name);
	arg = open_arg(self->name, 8);
	arg.lifetime = variant->lifetime;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
}

FIXTURE_TEARDOWN(drain)
{
	close(self->fd);
	delete_name(self->name, MBOX_DELETE_FORCE);
}

static int create(const char *name, uint32_t rights)
{
	struct mbox_ioc_open arg = open_arg(name, 8);

	arg.rights = rights;
	return open_call(MBOX_IOC_CREATE, &arg);
}

static int open_or_create(const char *name, uint32_t rights)
{
	struct mbox_ioc_open arg = open_arg(name, 8);

	arg.rights = rights;
	arg.flags = MBOX_OPEN_CREATE;
	return open_call(MBOX_IOC_OPEN, &arg);
}

/* Nobody has a handle: each new opener gets the queue, the first and the last. */
TEST_F(drain, without_handles)
{
	int in;

	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_DRAIN));
	EXPECT_EQ(-EIDRM, open_name(self->name, MBOX_RIGHT_SEND));
	EXPECT_EQ(-EIDRM, open_name(self->name, RIGHTS_BOTH));
	in = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, in);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(in).state);
	EXPECT_STREQ("one", take(in));
	/* the last receiver leaves, the queue stays */
	close(in);
	in = open_name(self->name, 0);
	EXPECT_EQ(1, info_of(in).queued);
	EXPECT_EQ(0, info_of(in).dropped);
	close(in);
	in = open_name(self->name, MBOX_RIGHT_RECV);
	EXPECT_STREQ("two", take(in));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(in).state);
	EXPECT_STREQ("EIDRM", take(in));
	EXPECT_EQ(-ENOENT, open_name(self->name, MBOX_RIGHT_RECV));
	EXPECT_EQ(-ENOENT, delete_name(self->name, MBOX_DELETE_FORCE));
	EXPECT_EQ(2, info_of(in).received);
	EXPECT_BALANCED(in);
	close(in);
}

/* By its name it can be deleted, in every other way too. */
TEST_F(drain, deleted_again)
{
	int look = open_name(self->name, 0);

	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_DRAIN));
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_DRAIN));
	EXPECT_EQ(-ENOTEMPTY, delete_name(self->name, MBOX_DELETE_EMPTY));
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(look).state);
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_FORCE));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(look).state);
	EXPECT_EQ(2, info_of(look).dropped);
	close(look);
}

/* Without its name, nobody would ever receive it. */
TEST_F(drain, unlinked)
{
	int look = open_name(self->name, 0), in = open_name(self->name, MBOX_RIGHT_RECV);

	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_DRAIN));
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_UNLINK));
	EXPECT_EQ(-ENOENT, open_name(self->name, MBOX_RIGHT_RECV));
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(look).state);
	close(self->fd);
	self->fd = -1;
	EXPECT_STREQ("one", take(in));
	close(in);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(look).state);
	EXPECT_EQ(1, info_of(look).dropped);
	close(look);
}

TEST_F(drain, unlinked_at_once)
{
	int look = open_name(self->name, 0);

	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_DRAIN));
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_UNLINK));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(look).state);
	EXPECT_EQ(2, info_of(look).dropped);
	close(look);
}

/* A new one takes the name if somebody has a handle to receive the rest. */
TEST_F(drain, name_is_taken)
{
	int in = open_name(self->name, MBOX_RIGHT_RECV), fd;

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	fd = create(self->name, RIGHTS_BOTH);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_NE(info_of(in).id, info_of(fd).id);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(in).state);
	EXPECT_STREQ("one", take(in));
	EXPECT_STREQ("two", take(in));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(in).state);
	/* which does not take the name along */
	EXPECT_EQ(0, put(fd, 0, "new"));
	close(in);
	in = open_name(self->name, MBOX_RIGHT_RECV);
	EXPECT_STREQ("new", take(in));
	close(in);
	close(fd);
}

/* Otherwise it keeps it until all is received: a creation does not lose accepted messages. */
TEST_F(drain, name_is_kept)
{
	int fd;

	close(self->fd);
	self->fd = -1;
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_DRAIN));
	EXPECT_EQ(-EEXIST, create(self->name, RIGHTS_BOTH));
	EXPECT_EQ(-EIDRM, open_or_create(self->name, MBOX_RIGHT_SEND));
	EXPECT_EQ(-EIDRM, open_or_create(self->name, RIGHTS_BOTH));
	fd = open_or_create(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("one", take(fd));
	EXPECT_STREQ("two", take(fd));
	close(fd);
	fd = create(self->name, RIGHTS_BOTH);
	EXPECT_LE(0, fd);
	close(fd);
}

/* Opening for sending makes a new one, if there is none to send to, and it may have the name. */
TEST_F(drain, open_or_create)
{
	int in = open_name(self->name, MBOX_RIGHT_RECV), fd;

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	fd = open_or_create(self->name, MBOX_RIGHT_SEND);
	ASSERT_LE(0, fd);
	EXPECT_NE(info_of(in).id, info_of(fd).id);
	EXPECT_EQ(0, put(fd, 0, "new"));
	EXPECT_STREQ("one", take(in));
	close(fd);
	close(in);
}

/* Rights are those of the mailbox, also while it drains. */
static int open_as_other(void *arg)
{
	int ret = become(spare_uid(0), spare_uid(0));

	return ret ? ret : open_name(arg, MBOX_RIGHT_RECV);
}

TEST_F(drain, permissions)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(-EACCES, in_child(open_as_other, self->name));
}

/* An anonymous one: a process without a handle never can get one. */
TEST(anonymous)
{
	int fd = box_new(_metadata, 8);
	struct mbox_ioc_shutdown arg = { .how = MBOX_RIGHT_RECV };

	ASSERT_EQ(0, put(fd, 0, "text"));
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SHUTDOWN, &arg));
	EXPECT_EQ(-ENOTEMPTY, delete_fd(fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(fd).state);
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	close(fd);
}

/* Lifetime FD: it ends with its last handle, as always, even with messages in it. */
TEST(last_handle)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 8, name);

	ASSERT_EQ(0, put(fd, 0, "text"));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	close(fd);
	EXPECT_EQ(-ENOENT, open_name(name, MBOX_RIGHT_RECV));
}

/* Receivers of all kinds come and go while it drains: each message is received once. */
TEST(many_receivers)
{
	enum { N = 400, CHILDREN = 4 };
	char name[MBOX_NAME_SIZE];
	int *received = shared_alloc(sizeof(*received));
	struct mbox_ioc_open arg;
	pid_t pids[CHILDREN];
	int fd;

	name_make(name);
	arg = open_arg(name, N);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	for (int i = 0; i < N; i++) {
		ASSERT_EQ(0, put(fd, 0, "text"));
	}
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork_child();
		if (pids[i])
			continue;
		for (int in; (in = open_name(name, MBOX_RIGHT_RECV)) >= 0; close(in)) {
			for (int j = 0; j < 5; j++)
				if (!strcmp(take(in), "text"))
					__atomic_add_fetch(received, 1, __ATOMIC_RELAXED);
		}
		_exit(0);
	}
	for (int i = 0; i < CHILDREN; i++) {
		EXPECT_EQ(0, reap(pids[i]));
	}
	EXPECT_EQ(N, *received);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(fd).state);
	EXPECT_EQ(0, info_of(fd).dropped);
	close(fd);
}

MBOX_TEST_MAIN
