// SPDX-License-Identifier: GPL-2.0-only
/* Mailboxes that are handed over: to a process, to the system, and to an heir. */
#include "lib/module.h"
#include "lib/owner.h"
#include "lib/user.h"

static bool await_owner(int fd, pid_t owner)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).owner != owner) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

FIXTURE(handover) { struct owner *a, *b; char name[MBOX_NAME_SIZE]; int fd; };

FIXTURE_SETUP(handover)
{
	self->a = owner_start(_metadata, just_live);
	self->b = owner_start(_metadata, just_live);
	self->fd = box_new_named(_metadata, 2, self->name);
	ASSERT_EQ(0, put(self->fd, 0, "kept"));
}

FIXTURE_TEARDOWN(handover)
{
	owner_kill(_metadata, self->a);
	owner_kill(_metadata, self->b);
	close(self->fd);
}

TEST_F(handover, to_process_and_on)
{
	EXPECT_EQ(MBOX_LIFETIME_FD, info_of(self->fd).lifetime);
	EXPECT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	EXPECT_EQ(self->a->pid, info_of(self->fd).owner);
	EXPECT_EQ(MBOX_LIFETIME_PROCESS, info_of(self->fd).lifetime);
	/* we are root, and pass */
	EXPECT_EQ(0, hand_over(self->fd, 0, self->b->pid));
	owner_kill(_metadata, self->a);
	EXPECT_EQ(self->b->pid, info_of(self->fd).owner);
	EXPECT_STREQ("kept", take(self->fd));
	owner_kill(_metadata, self->b);
	EXPECT_TRUE(await_dead(self->fd));
	EXPECT_EQ(0, info_of(self->fd).dropped);
}

TEST_F(handover, to_system)
{
	EXPECT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	EXPECT_EQ(0, hand_over(self->fd, 0, 0));
	EXPECT_EQ(0, info_of(self->fd).owner);
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(self->fd).lifetime);
	owner_kill(_metadata, self->a);
	close(self->fd);
	self->fd = open_name(self->name, RIGHTS_BOTH);
	ASSERT_LE(0, self->fd);
	EXPECT_STREQ("kept", take(self->fd));
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_EMPTY));
}

TEST_F(handover, lasts_without_handles)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	close(self->fd);
	self->fd = open_name(self->name, RIGHTS_BOTH);
	ASSERT_LE(0, self->fd);
	EXPECT_STREQ("kept", take(self->fd));
}

static int thread_and_live(struct owner *owner)
{
	pthread_t thread;

	/* the thread's id stays: it stops where we do */
	if (pthread_create(&thread, NULL, rest_of_owner, owner))
		return -EPROTO;
	for (;;)
		pause();
}

/* One that is a thread of another process: the largest number in its directory. */
static pid_t other_thread(pid_t pid)
{
	for (pid_t tid = pid + 1; tid < pid + 64; tid++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (!access(path, F_OK))
			return tid;
	}
	return -1;
}

TEST_F(handover, refused)
{
	struct owner *threaded = owner_start(_metadata, thread_and_live);
	struct owner *zombie = owner_start(_metadata, just_live);
	struct mbox_info before = info_of(self->fd);
	pid_t tid = other_thread(threaded->pid);

	ASSERT_LT(0, tid);
	EXPECT_EQ(-EINVAL, hand_over(self->fd, 1 << 2, self->a->pid));
	EXPECT_EQ(-EINVAL, hand_over(self->fd, MBOX_HANDOVER_RECV, 0));
	EXPECT_EQ(-EINVAL, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->a->pid));
	EXPECT_EQ(-EINVAL, hand_over(self->fd, MBOX_HANDOVER_HEIR, 0));
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, tid));
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, 0x7fffffff));
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, 0xffffffff));
	set_flag(&zombie->stop);
	while (process_state(zombie->pid) != 'Z')
		nap();
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, zombie->pid));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, MBOX_IOC_HANDOVER, NULL));
	EXPECT_UNCHANGED(self->fd, &before);
	owner_kill(_metadata, threaded);
	reap(zombie->pid);
}

/* Its owner may live on, but nobody could ever open it. Seen by its charge. */
TEST(anonymous_ends_with_its_last_handle)
{
	uint64_t most = param_get("user_mailboxes");
	struct mbox_ioc_open arg = open_arg(NULL, 1);
	int fd;

	ASSERT_LT(0, most);
	ASSERT_GT(100000, most);
	ASSERT_EQ(0, become(spare_uid(2), spare_uid(2)));
	arg.lifetime = MBOX_LIFETIME_PROCESS;
	for (uint64_t i = 0; i < most + 10; i++) {
		fd = open_call(MBOX_IOC_CREATE, &arg);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, put(fd, 0, "text"));
		close(fd);
	}
}

TEST(anonymous_not_to_system)
{
	int fd = box_new(_metadata, 1);
	struct mbox_info before = info_of(fd);

	EXPECT_EQ(-EINVAL, hand_over(fd, 0, 0));
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_EQ(0, hand_over(fd, 0, getpid()));
	EXPECT_EQ(-EINVAL, hand_over(fd, 0, 0));
	EXPECT_EQ(getpid(), info_of(fd).owner);
	close(fd);
}

/* An owner of the mailbox by uid, which is not the process that owns it. */
static uid_t user;

static int hand_over_as_user(void *arg)
{
	const struct owner *owner = arg;
	struct mbox_ioc_open open;
	int fd, ret;

	ret = become(user, user);
	if (ret)
		return ret;
	open = open_arg(owner->name, 2);
	fd = open_call(MBOX_IOC_CREATE, &open);
	if (fd < 0)
		return -EPROTO;
	/* while it is of no process, its owner by uid may */
	if (hand_over(fd, 0, getpid()) || hand_over(fd, 0, owner->pid))
		return -EPROTO;
	return hand_over(fd, 0, getpid());
}

static int live_as_user(struct owner *owner)
{
	if (become(user, user))
		return -EPROTO;
	await_stop(owner);
	return 0;
}

TEST(by_the_owner_only)
{
	struct owner *owner;

	user = spare_uid(0);
	owner = owner_start(_metadata, live_as_user);

	EXPECT_EQ(-EPERM, in_child(hand_over_as_user, owner));
	EXPECT_EQ(0, delete_name(owner->name, MBOX_DELETE_EMPTY));
	owner_kill(_metadata, owner);
}

/* The right to receive. */
static int open_as_user(struct owner *owner)
{
	int fd;

	if (become(spare_uid(1), spare_uid(1)))
		return -EPROTO;
	fd = open_name(owner->name, MBOX_RIGHT_RECV);
	if (fd != -EACCES)
		return -EPROTO;
	await_stop(owner);
	fd = open_name(owner->name, MBOX_RIGHT_RECV);
	if (fd < 0)
		return fd;
	if (open_name(owner->name, RIGHTS_BOTH) != -EACCES)
		return -EPROTO;
	return strcmp(take(fd), "text") ? -EPROTO : 1;
}

FIXTURE(receive_right) {};
FIXTURE_SETUP(receive_right) {}
FIXTURE_TEARDOWN(receive_right) {}

FIXTURE_VARIANT(receive_right) { uint32_t flags; int expected; };
FIXTURE_VARIANT_ADD(receive_right, with) { .flags = MBOX_HANDOVER_RECV, .expected = 1 };
FIXTURE_VARIANT_ADD(receive_right, without) { .flags = 0, .expected = -EACCES };

/* Also after the ownership has come to it by inheritance. */
TEST_F(receive_right, goes_with_ownership)
{
	for (int inherited = 0; inherited < 2; inherited++) {
		struct owner *owner = shared_alloc(sizeof(*owner)), *first;
		int fd = box_new_named(_metadata, 2, owner->name);

		ASSERT_EQ(0, put(fd, 0, "text"));
		owner->task = open_as_user;
		owner_fork(_metadata, owner);
		ASSERT_TRUE(await_flag(&owner->ready));
		if (inherited) {
			first = owner_start(_metadata, just_live);
			ASSERT_EQ(0, hand_over(fd, 0, first->pid));
			ASSERT_EQ(0, hand_over(fd, variant->flags | MBOX_HANDOVER_HEIR, owner->pid));
			owner_kill(_metadata, first);
			ASSERT_TRUE(await_owner(fd, owner->pid));
		} else {
			ASSERT_EQ(0, hand_over(fd, variant->flags, owner->pid));
		}
		owner_finish(_metadata, owner);
		EXPECT_EQ(variant->expected, owner->result);
		close(fd);
	}
}

/* Heirs. */

TEST_F(handover, heir_inherits)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	EXPECT_EQ(self->a->pid, info_of(self->fd).owner);
	EXPECT_EQ(self->b->pid, info_of(self->fd).heir);
	owner_kill(_metadata, self->a);
	ASSERT_TRUE(await_owner(self->fd, self->b->pid));
	EXPECT_EQ(0, info_of(self->fd).heir);
	EXPECT_STREQ("kept", take(self->fd));
	owner_kill(_metadata, self->b);
	EXPECT_TRUE(await_dead(self->fd));
}

TEST_F(handover, heir_dies_first)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	owner_kill(_metadata, self->b);
	while (info_of(self->fd).heir)
		nap();
	EXPECT_EQ(self->a->pid, info_of(self->fd).owner);
	owner_kill(_metadata, self->a);
	EXPECT_TRUE(await_dead(self->fd));
}

TEST_F(handover, heir_taken_back)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, 0));
	EXPECT_EQ(0, info_of(self->fd).heir);
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	/* another owner has no heir yet */
	ASSERT_EQ(0, hand_over(self->fd, 0, getpid()));
	EXPECT_EQ(0, info_of(self->fd).heir);
	owner_kill(_metadata, self->b);
	EXPECT_STREQ("kept", take(self->fd));
}

/* Owner and heir end together: whichever is noticed first, the mailbox goes. */
TEST_F(handover, both_die)
{
	for (int i = 0; i < 20; i++) {
		struct owner *a = owner_start(_metadata, just_live);
		struct owner *b = owner_start(_metadata, just_live);
		int fd = box_new(_metadata, 1);

		ASSERT_EQ(0, hand_over(fd, 0, a->pid));
		ASSERT_EQ(0, hand_over(fd, MBOX_HANDOVER_HEIR, b->pid));
		kill(i % 2 ? a->pid : b->pid, SIGKILL);
		kill(i % 2 ? b->pid : a->pid, SIGKILL);
		EXPECT_TRUE(await_dead(fd));
		close(fd);
		ASSERT_LE(0, reap(a->pid));
		ASSERT_LE(0, reap(b->pid));
	}
}

MBOX_TEST_MAIN
