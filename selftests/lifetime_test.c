// SPDX-License-Identifier: GPL-2.0-only
/* The lifetime of a mailbox: until it is deleted, or until its last handle is closed, in any process. */
#include "lib/child.h"

#include <pthread.h>
#include <sys/prctl.h>

static int create(const char *name, uint32_t lifetime)
{
	struct mbox_ioc_open arg = open_arg(name, 8);

	arg.lifetime = lifetime;
	return open_call(MBOX_IOC_CREATE, &arg);
}

/* Is there a mailbox of this name? Not to be asked when it may have no handle, of lifetime FD. */
static bool exists(const char *name)
{
	int fd = open_name(name, 0);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

TEST(os)
{
	char name[MBOX_NAME_SIZE];
	uint64_t id;
	int fd;

	name_make(name);
	fd = create(name, MBOX_LIFETIME_OS);
	ASSERT_LE(0, fd);
	id = info_of(fd).id;
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(fd).lifetime);
	EXPECT_EQ(0, put(fd, 3, "kept"));
	close(fd);
	EXPECT_TRUE(exists(name));
	fd = open_name(name, RIGHTS_BOTH);
	ASSERT_LE(0, fd);
	EXPECT_EQ(id, info_of(fd).id);
	EXPECT_EQ(1, info_of(fd).handles);
	EXPECT_STREQ("kept", take(fd));
	EXPECT_EQ(1, info_of(fd).received);
	close(fd);
	EXPECT_EQ(0, delete_name(name, MBOX_DELETE_EMPTY));
	EXPECT_FALSE(exists(name));
}

static int create_and_die(void *arg)
{
	int fd = create(arg, MBOX_LIFETIME_OS);

	if (fd < 0 || put(fd, 0, "left"))
		return -EPROTO;
	kill(getpid(), SIGKILL);
	return 0;
}

/* It outlives its creator, also one that is killed. */
TEST(os_without_creator)
{
	char name[MBOX_NAME_SIZE];
	int fd;

	name_make(name);
	in_child(create_and_die, name);
	fd = open_name(name, RIGHTS_BOTH);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("left", take(fd));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_EMPTY));
	close(fd);
}

TEST(fd)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 8, name), other, copy;
	uint64_t id = info_of(fd).id;

	EXPECT_EQ(MBOX_LIFETIME_FD, info_of(fd).lifetime);
	ASSERT_EQ(0, put(fd, 0, "text"));
	other = open_name(name, 0);
	copy = dup(other);
	close(fd);
	EXPECT_EQ(1, info_of(other).handles);
	EXPECT_EQ(1, info_of(other).queued);
	close(other);
	EXPECT_TRUE(exists(name));
	close(copy);
	/* with all that was queued */
	EXPECT_FALSE(exists(name));
	fd = create(name, MBOX_LIFETIME_FD);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_NE(id, info_of(fd).id);
	close(fd);
}

TEST(unlinked)
{
	char name[MBOX_NAME_SIZE];
	int fd, other;

	name_make(name);
	fd = create(name, MBOX_LIFETIME_OS);
	ASSERT_LE(0, fd);
	other = open_name(name, RIGHTS_BOTH);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, delete_name(name, MBOX_DELETE_UNLINK));
	EXPECT_FALSE(exists(name));
	EXPECT_EQ(0, put(fd, 0, "text"));
	close(fd);
	EXPECT_EQ(MBOX_STATE_UNLINKED, info_of(other).state);
	EXPECT_EQ(1, info_of(other).handles);
	EXPECT_STREQ("text", take(other));
	close(other);
}

/*
 * Three processes hold one handle by inheritance, and let go of it in every order: by closing it,
 * by ending, or by being killed.
 */
enum way { CLOSE, EXIT, KILL };

struct family {
	int fd;
	int close[3], closed[3];	/* parent, child, grandchild */
	pid_t pids[3];
};

FIXTURE(order)
{
	char name[MBOX_NAME_SIZE];
	struct family *family;
	int probe;			/* keeps it from ending early by a probe of ours */
};

FIXTURE_VARIANT(order)
{
	int order[3];
	enum way way;
};

#define ORDERS(way_) \
	FIXTURE_VARIANT_ADD(order, way_##_012) { .order = { 0, 1, 2 }, .way = way_ }; \
	FIXTURE_VARIANT_ADD(order, way_##_021) { .order = { 0, 2, 1 }, .way = way_ }; \
	FIXTURE_VARIANT_ADD(order, way_##_102) { .order = { 1, 0, 2 }, .way = way_ }; \
	FIXTURE_VARIANT_ADD(order, way_##_120) { .order = { 1, 2, 0 }, .way = way_ }; \
	FIXTURE_VARIANT_ADD(order, way_##_201) { .order = { 2, 0, 1 }, .way = way_ }; \
	FIXTURE_VARIANT_ADD(order, way_##_210) { .order = { 2, 1, 0 }, .way = way_ }

ORDERS(CLOSE);
ORDERS(EXIT);
ORDERS(KILL);

/* A member of the family: each is made by the one before, waits for the word, and lets go. */
static void member(struct family *family, enum way way)
{
	int number = 0;

	while (number < 2 && fork() == 0)
		number++;
	family->pids[number] = getpid();
	if (!await_flag(&family->close[number]))
		_exit(1);
	if (way == KILL)
		kill(getpid(), SIGKILL);
	if (way == EXIT)
		_exit(0);
	close(family->fd);
	set_flag(&family->closed[number]);
	for (;;)
		pause();
}

FIXTURE_SETUP(order)
{
	pid_t pid;

	/* grandchildren become ours when their parent ends: we reap them all */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	self->family = shared_alloc(sizeof(*self->family));
	self->family->fd = box_new_named(_metadata, 8, self->name);
	ASSERT_EQ(0, put(self->family->fd, 0, "kept"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (pid == 0)
		member(self->family, variant->way);
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(await_flag(&self->family->pids[i]));
	}
	close(self->family->fd);
}

FIXTURE_TEARDOWN(order)
{
	for (int i = 0; i < 3; i++)
		kill(self->family->pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

TEST_F(order, last_one_ends_it)
{
	for (int i = 0; i < 3; i++) {
		int number = variant->order[i];

		int fd = open_name(self->name, RIGHTS_BOTH);

		/* here, with its message, as long as one of the three has it */
		ASSERT_LE(0, fd);
		EXPECT_STREQ("kept", peek(fd));
		EXPECT_EQ(2, info_of(fd).handles);
		close(fd);
		set_flag(&self->family->close[number]);
		if (variant->way == CLOSE) {
			ASSERT_TRUE(await_flag(&self->family->closed[number]));
		} else {
			/* its parent may not care: then it is dead, but not gone */
			int64_t end = now() + PATIENCE * NSEC_PER_SEC;
			char state;

			do {
				state = process_state(self->family->pids[number]);
				ASSERT_GT(end, now());
				nap();
			} while (state && state != 'Z');
		}
	}
	EXPECT_FALSE(exists(self->name));
}

/* exec() closes handles. */
TEST(exec)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 8, name), pipes[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		dup2(pipes[1], 1);
		close(pipes[0]);
		/* tell that it is there, and stay */
		execl("/bin/sh", "sh", "-c", "echo; exec sleep 1000", NULL);
		_exit(1);
	}
	close(pipes[1]);
	ASSERT_EQ(1, read(pipes[0], &byte, 1));
	ASSERT_EQ('\n', byte);
	EXPECT_TRUE(exists(name));
	close(fd);
	EXPECT_FALSE(exists(name));
	kill(pid, SIGKILL);
	reap(pid);
	close(pipes[0]);
}

struct blocked {
	int fd;
	int ret;
	char text[8];
};

static void *receive(void *arg)
{
	struct blocked *blocked = arg;

	blocked->ret = recv_bytes(blocked->fd, 0, blocked->text, sizeof(blocked->text), NULL);
	return NULL;
}

/* A call that is blocked on a handle keeps it open, if another thread closes its descriptor. */
TEST(closed_while_blocked)
{
	char name[MBOX_NAME_SIZE];
	struct blocked blocked = { .fd = box_new_named(_metadata, 8, name), .ret = -1 };
	int other = open_name(name, MBOX_RIGHT_SEND);
	pthread_t thread;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive, &blocked));
	ASSERT_TRUE(await_blocked(other, 0, 1));
	close(blocked.fd);
	EXPECT_EQ(2, info_of(other).handles);
	EXPECT_EQ(0, put(other, 0, "text"));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, blocked.ret);
	EXPECT_EQ(0, memcmp(blocked.text, "text", 4));
	EXPECT_EQ(1, info_of(other).handles);
	close(other);
	EXPECT_FALSE(exists(name));
}

/* Many come and go at once under one name; in the end nothing is left of it. */
TEST(churn)
{
	char name[MBOX_NAME_SIZE];
	pid_t pids[4];

	name_make(name);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i])
			continue;
		for (int round = 0; round < 300; round++) {
			struct mbox_ioc_open arg = open_arg(name, 1);
			int fd;

			arg.flags = MBOX_OPEN_CREATE;
			fd = open_call(MBOX_IOC_OPEN, &arg);
			if (fd < 0)
				_exit(1);
			put(fd, 0, "text");
			if (round % 7 == i)
				delete_fd(fd, round % 4);
			take(fd);
			close(fd);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, reap(pids[i]));
	}
	EXPECT_FALSE(exists(name));
}

MBOX_TEST_MAIN
