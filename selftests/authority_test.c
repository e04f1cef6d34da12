// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing, purging, handing over and deleting a mailbox take the right of both the opener of the
 * descriptor and the caller. And a mailbox may be given only to a user who cannot be mistaken for
 * another.
 */
#include "lib/netlink.h"
#include "lib/owner.h"
#include "lib/passing.h"
#include "lib/user.h"

#include <grp.h>
#include <sys/prctl.h>

FIXTURE(authority)
{
	char name[MBOX_NAME_SIZE];
	int fd;				/* root's, with both rights */
	int passed;			/* root's too: the descriptor that it passes on */
	uid_t stranger, other;
	struct mbox_info before;
	/* of the test in a child */
	int factory;
	int socks[2];
	struct nl nl;
};

/* The rights with which root opens the descriptor that it passes on. */
FIXTURE_VARIANT(authority) { uint32_t rights; };
FIXTURE_VARIANT_ADD(authority, none) { .rights = 0 };
FIXTURE_VARIANT_ADD(authority, send) { .rights = MBOX_RIGHT_SEND };
FIXTURE_VARIANT_ADD(authority, receive) { .rights = MBOX_RIGHT_RECV };
FIXTURE_VARIANT_ADD(authority, both) { .rights = RIGHTS_BOTH };

FIXTURE_SETUP(authority)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	self->stranger = spare_uid(0);
	self->other = spare_uid(1);
	self->fd = box_new_named(_metadata, 8, self->name);
	ASSERT_EQ(0, put(self->fd, 0, "kept"));
	self->passed = open_name(self->name, variant->rights);
	ASSERT_LE(0, self->passed);
	self->factory = factory_open();
	ASSERT_LE(0, self->factory);
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->socks));
	self->before = info_of(self->fd);
}

FIXTURE_TEARDOWN(authority)
{
	close(self->passed);
	close(self->fd);
	close(self->factory);
	close(self->nl.fd);
	close(self->socks[0]);
	close(self->socks[1]);
}

static int set_mode(int fd, uint32_t mode)
{
	struct mbox_ioc_set arg = { .mask = MBOX_SET_MODE, .mode = mode };

	return xioctl(fd, MBOX_IOC_SET, &arg);
}

static int set_uid(int fd, uid_t uid)
{
	struct mbox_ioc_set arg = { .mask = MBOX_SET_UID, .uid = uid };

	return xioctl(fd, MBOX_IOC_SET, &arg);
}

static int set_gid(int fd, gid_t gid)
{
	struct mbox_ioc_set arg = { .mask = MBOX_SET_GID, .gid = gid };

	return xioctl(fd, MBOX_IOC_SET, &arg);
}

static int delete_by(int factory, const char *name, uint32_t how)
{
	struct mbox_ioc_delete arg = { .how = how };

	name_copy(arg.name, name);
	return xioctl(factory, MBOX_IOC_DELETE, &arg);
}

/* Each call that changes a mailbox, on root's descriptors. */
static int refused_to_caller(struct _test_data_authority *self)
{
	CHECK(-EPERM, set_mode(self->passed, 0666));
	CHECK(-EPERM, set_uid(self->passed, self->stranger));
	CHECK(-EPERM, set_gid(self->passed, self->stranger));
	CHECK(-EPERM, hand_over(self->passed, 0, getpid()));
	CHECK(-EPERM, hand_over(self->passed, MBOX_HANDOVER_RECV, getpid()));
	CHECK(-EPERM, hand_over(self->passed, 0, 0));
	for (uint32_t how = MBOX_DELETE_EMPTY; how <= MBOX_DELETE_UNLINK; how++) {
		CHECK(-EPERM, delete_fd(self->passed, how));
		CHECK(-EPERM, delete_by(self->factory, self->name, how));
	}
	return 0;
}

static int change_as_stranger(void *arg)
{
	struct _test_data_authority *self = arg;

	close(self->fd);
	CHECK(0, become(self->stranger, self->stranger));
	/* he could not open it at all */
	CHECK(-EACCES, open_name(self->name, 0));
	return refused_to_caller(self);
}

TEST_F(authority, does_not_go_with_a_descriptor)
{
	EXPECT_EQ(0, in_child(change_as_stranger, self));
	EXPECT_UNCHANGED(self->fd, &self->before);
}

/* An open descriptor grants no more than a passed one. */
static int change_after_dropping(void *arg)
{
	struct _test_data_authority *self = arg;

	if (setgroups(0, NULL) || setresgid(self->stranger, self->stranger, self->stranger) ||
	    setresuid(self->stranger, self->stranger, 0))
		return -errno;
	if (refused_to_caller(self))
		return -EBADMSG;
	/* one that only put its privileges aside has them again */
	CHECK(0, seteuid(0));
	CHECK(0, set_mode(self->passed, 0640));
	return 0;
}

TEST_F(authority, is_dropped_with_privileges)
{
	EXPECT_EQ(0, in_child(change_after_dropping, self));
	self->before.mode = 0640;
	EXPECT_UNCHANGED(self->fd, &self->before);
}

/* The other way round: a stranger that may send opens it, and root makes the calls. */
static int pass_to_root(void *arg)
{
	struct _test_data_authority *self = arg;
	int fd, factory;

	CHECK(0, become(self->stranger, self->stranger));
	fd = open_name(self->name, MBOX_RIGHT_SEND);
	CHECK(true, fd >= 0);
	factory = factory_open();
	CHECK(true, factory >= 0);
	CHECK(0, fd_pass(self->socks[1], fd));
	CHECK(0, fd_pass(self->socks[1], factory));
	return 0;
}

TEST_F(authority, is_not_lent_to_a_stranger)
{
	ASSERT_EQ(0, set_mode(self->fd, 0602));
	ASSERT_EQ(0, in_child(pass_to_root, self));
	close(self->passed);
	close(self->factory);
	self->passed = fd_take(self->socks[0]);
	self->factory = fd_take(self->socks[0]);
	self->before = info_of(self->fd);
	EXPECT_EQ(0, refused_to_caller(self));
	EXPECT_UNCHANGED(self->fd, &self->before);
}

/* Over netlink: by the socket that root opened. */

static int ask(struct _test_data_authority *self, uint8_t cmd, uint16_t attr, uint32_t value)
{
	struct nl_request request;

	nl_begin(&request, self->nl.family, cmd, 0);
	nl_put_string(&request, MBOX_A_MAILBOX_NAME, self->name);
	if (attr)
		nl_put_u32(&request, attr, value);
	return nl_talk(&self->nl, &request, NULL, NULL);
}

static int change_over_netlink(void *arg)
{
	struct _test_data_authority *self = arg;

	CHECK(0, become(self->stranger, self->stranger));
	CHECK(-EPERM, ask(self, MBOX_CMD_MAILBOX_SET, MBOX_A_MAILBOX_MODE, 0666));
	CHECK(-EPERM, ask(self, MBOX_CMD_MAILBOX_SET, MBOX_A_MAILBOX_UID, self->stranger));
	CHECK(-EPERM, ask(self, MBOX_CMD_MAILBOX_PURGE, 0, 0));
	CHECK(-EPERM, ask(self, MBOX_CMD_MAILBOX_DELETE, MBOX_A_MAILBOX_HOW, MBOX_DELETE_FORCE));
	/* but it shows the state that its opener may see */
	CHECK(0, ask(self, MBOX_CMD_MAILBOX_GET, 0, 0));
	return 0;
}

TEST_F(authority, does_not_stay_with_a_socket)
{
	EXPECT_EQ(0, in_child(change_over_netlink, self));
	EXPECT_UNCHANGED(self->fd, &self->before);
	EXPECT_EQ(0, ask(self, MBOX_CMD_MAILBOX_SET, MBOX_A_MAILBOX_MODE, 0606));
	EXPECT_EQ(0, ask(self, MBOX_CMD_MAILBOX_PURGE, 0, 0));
	EXPECT_EQ(0606, info_of(self->fd).mode);
	EXPECT_EQ(1, info_of(self->fd).dropped);
}

/* Both may, each for another reason: root opened it, and it is the caller's. */
static int change_ones_own(void *arg)
{
	struct _test_data_authority *self = arg;

	CHECK(0, become(self->stranger, self->stranger));
	CHECK(0, set_mode(self->passed, 0604));
	CHECK(0, hand_over(self->passed, 0, getpid()));
	CHECK(0, hand_over(self->passed, 0, 0));
	CHECK(0, delete_by(self->factory, self->name, MBOX_DELETE_UNLINK));
	return 0;
}

TEST_F(authority, takes_two_that_may)
{
	ASSERT_EQ(0, set_uid(self->fd, self->stranger));
	EXPECT_EQ(0, in_child(change_ones_own, self));
	EXPECT_EQ(0604, info_of(self->fd).mode);
	EXPECT_EQ(MBOX_STATE_UNLINKED, info_of(self->fd).state);
}

/* The process that owns it hands it over, by a handle of its own or of the uid, not of a stranger. */
static int own_and_hand_over(void *arg)
{
	struct _test_data_authority *self = arg;
	int fd;

	CHECK(0, become(self->other, self->other));
	CHECK(0, fd_pass(self->socks[1], self->passed));
	while (info_of(self->fd).owner != getpid())
		nap();
	fd = fd_take(self->socks[1]);
	CHECK(-EPERM, hand_over(fd, 0, 0));
	close(fd);
	/* that it owns it does not make the mailbox its user's */
	CHECK(-EPERM, set_mode(self->passed, 0666));
	CHECK(-EPERM, delete_fd(self->passed, MBOX_DELETE_FORCE));
	CHECK(0, hand_over(self->passed, MBOX_HANDOVER_HEIR, getpid()));
	fd = open_name(self->name, MBOX_RIGHT_SEND);
	CHECK(true, fd >= 0);
	CHECK(0, hand_over(fd, 0, 0));
	CHECK(-EPERM, hand_over(fd, 0, getpid()));
	return 0;
}

static int open_as_third(void *arg)
{
	struct _test_data_authority *self = arg;

	CHECK(0, become(self->stranger, self->stranger));
	return fd_pass(self->socks[0], open_name(self->name, MBOX_RIGHT_SEND));
}

TEST_F(authority, of_the_process_that_owns_it)
{
	int *result = shared_alloc(sizeof(*result));
	int passed;
	pid_t pid;

	ASSERT_EQ(0, set_mode(self->fd, 0602));
	*result = -EINPROGRESS;
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		*result = own_and_hand_over(self);
		_exit(0);
	}
	/* it has become another user */
	passed = fd_take(self->socks[0]);
	ASSERT_LE(0, passed);
	close(passed);
	ASSERT_EQ(0, in_child(open_as_third, self));
	ASSERT_EQ(0, hand_over(self->fd, 0, pid));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, *result);
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(self->fd).lifetime);
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
}

/*
 * A factory is a capability: it opens and creates as its opener. The new mailbox is not the
 * caller's to change.
 */
static int use_factory(void *arg)
{
	struct _test_data_authority *self = arg;
	struct mbox_ioc_open open = { .rights = RIGHTS_BOTH };
	struct mbox_ioc_wait wait = { .flags = MBOX_WAIT_GROW, .side = MBOX_RIGHT_SEND };
	int fd;

	close(self->fd);
	CHECK(0, become(self->stranger, self->stranger));
	name_copy(open.name, self->name);
	fd = xioctl(self->factory, MBOX_IOC_OPEN, &open);
	CHECK(true, fd >= 0);
	CHECK(0, strcmp("kept", take(fd)));
	CHECK(0, put(fd, 0, "kept"));
	CHECK(-EPERM, set_mode(fd, 0666));
	CHECK(-EPERM, hand_over(fd, 0, getpid()));
	CHECK(-EPERM, delete_fd(fd, MBOX_DELETE_FORCE));
	close(fd);
	/* and it does not lend the privilege to pass quotas */
	open = open_arg(NULL, 0);
	open.ring = MBOX_RING_MAX / 8;
	CHECK(-EDQUOT, xioctl(self->factory, MBOX_IOC_CREATE, &open));
	open.options = MBOX_OPTION_GROW;
	fd = xioctl(self->factory, MBOX_IOC_CREATE, &open);
	CHECK(true, fd >= 0);
	wait.seen = MBOX_RING_MAX / 8;
	CHECK(-EDQUOT, xioctl(fd, MBOX_IOC_WAIT, &wait));
	close(fd);
	open = open_arg(NULL, 1);
	fd = xioctl(self->factory, MBOX_IOC_CREATE, &open);
	CHECK(true, fd >= 0);
	CHECK(0, info_of(fd).uid);
	CHECK(-EPERM, set_mode(fd, 0666));
	CHECK(-EPERM, delete_fd(fd, MBOX_DELETE_FORCE));
	return 0;
}

TEST_F(authority, factory_opens_as_its_opener)
{
	EXPECT_EQ(0, in_child(use_factory, self));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(self->fd).state);
	EXPECT_EQ(0600, info_of(self->fd).mode);
}

/* Giving away. */

FIXTURE(forgery)
{
	char name[MBOX_NAME_SIZE];
	uid_t uid, other;
	gid_t group, strangers;
	struct owner *roots;		/* a process of root's */
};

FIXTURE_SETUP(forgery)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	self->uid = spare_uid(0);
	self->other = spare_uid(1);
	self->group = spare_uid(2);
	self->strangers = spare_uid(3);
	name_make(self->name);
	self->roots = owner_start(_metadata, just_live);
}

FIXTURE_TEARDOWN(forgery)
{
	owner_kill(_metadata, self->roots);
}

/* An ordinary user in two groups, with a mailbox of its own; or an error. */
static int forge_begin(struct _test_data_forgery *self)
{
	struct mbox_ioc_open open = open_arg(self->name, 4);

	if (setgroups(1, &self->group) || setresgid(self->uid, self->uid, self->uid) ||
	    setresuid(self->uid, self->uid, self->uid))
		return -errno;
	return open_call(MBOX_IOC_CREATE, &open);
}

static int forge_uid_and_gid(void *arg)
{
	struct _test_data_forgery *self = arg;
	struct mbox_ioc_set set = {
		.mask = MBOX_SET_UID | MBOX_SET_GID | MBOX_SET_MODE, .mode = 0622,
	};
	int fd = forge_begin(self);
	struct mbox_info before = info_of(fd);

	CHECK(true, fd >= 0);
	CHECK(-EPERM, xioctl(fd, MBOX_IOC_SET, &set));
	CHECK(-EPERM, set_uid(fd, 0));
	CHECK(-EPERM, set_uid(fd, self->other));
	CHECK(-EPERM, set_gid(fd, 0));
	CHECK(-EPERM, set_gid(fd, self->strangers));
	CHECK(0, strcmp("", info_diff(fd, &before)));
	/* not another's, and one's own groups */
	CHECK(0, set_uid(fd, self->uid));
	CHECK(0, set_gid(fd, self->group));
	CHECK(self->group, info_of(fd).gid);
	CHECK(0, set_gid(fd, self->uid));
	set.mask = MBOX_SET_GID | MBOX_SET_MODE;
	set.gid = self->group;
	CHECK(0, xioctl(fd, MBOX_IOC_SET, &set));
	CHECK(0622, info_of(fd).mode);
	return 0;
}

TEST_F(forgery, uid_and_gid)
{
	EXPECT_EQ(0, in_child(forge_uid_and_gid, self));
}

static int forge_uid_over_netlink(void *arg)
{
	struct _test_data_forgery *self = arg;
	struct nl_request request;
	struct mbox_info before;
	int fd = forge_begin(self);
	struct nl nl;

	CHECK(true, fd >= 0);
	before = info_of(fd);
	CHECK(0, nl_open(&nl));
	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_SET, 0);
	nl_put_string(&request, MBOX_A_MAILBOX_NAME, self->name);
	nl_put_u32(&request, MBOX_A_MAILBOX_UID, 0);
	CHECK(-EPERM, nl_talk(&nl, &request, NULL, NULL));
	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_SET, 0);
	nl_put_string(&request, MBOX_A_MAILBOX_NAME, self->name);
	nl_put_u32(&request, MBOX_A_MAILBOX_GID, self->strangers);
	CHECK(-EPERM, nl_talk(&nl, &request, NULL, NULL));
	CHECK(0, strcmp("", info_diff(fd, &before)));
	return 0;
}

TEST_F(forgery, over_netlink)
{
	EXPECT_EQ(0, in_child(forge_uid_over_netlink, self));
}

/* A process of root's, or one that is not asked, is made neither owner nor heir. */
static int forge_process(void *arg)
{
	struct _test_data_forgery *self = arg;
	int fd = forge_begin(self);
	struct mbox_info before;

	CHECK(true, fd >= 0);
	before = info_of(fd);
	CHECK(-EPERM, hand_over(fd, 0, 1));
	CHECK(-EPERM, hand_over(fd, 0, self->roots->pid));
	CHECK(-EPERM, hand_over(fd, MBOX_HANDOVER_RECV, self->roots->pid));
	CHECK(0, strcmp("", info_diff(fd, &before)));
	CHECK(0, hand_over(fd, 0, getpid()));
	before = info_of(fd);
	CHECK(-EPERM, hand_over(fd, MBOX_HANDOVER_HEIR, self->roots->pid));
	CHECK(-EPERM, hand_over(fd, MBOX_HANDOVER_HEIR, 1));
	CHECK(-EPERM, hand_over(fd, 0, self->roots->pid));
	CHECK(0, strcmp("", info_diff(fd, &before)));
	CHECK(0, hand_over(fd, MBOX_HANDOVER_HEIR, getpid()));
	return 0;
}

TEST_F(forgery, process)
{
	EXPECT_EQ(0, in_child(forge_process, self));
}

/* The rule of kill(2): its real or saved uid is one's real or effective one. */
struct target {
	uid_t real, effective, saved;
	int expected;
	struct _test_data_forgery *self;
};

/* The case at hand, for the processes that are forked for it. */
static const struct target *target;

static int be_target(struct owner *owner)
{
	if (setresuid(target->real, target->effective, target->saved))
		return -errno;
	/* a change of credentials forgets this */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	await_stop(owner);
	return 0;
}

static int hand_to_target(void *arg)
{
	struct owner *owner = arg;
	int fd = forge_begin(target->self), ret;

	CHECK(true, fd >= 0);
	ret = hand_over(fd, 0, owner->pid);
	/* it agrees with kill() */
	CHECK(kill(owner->pid, 0) ? -errno : 0, ret);
	return ret;
}

TEST_F(forgery, as_kill)
{
	const struct target targets[] = {
		{ self->uid, self->other, self->other, 0, self },
		{ self->other, self->other, self->uid, 0, self },
		{ self->other, self->uid, self->other, -EPERM, self },
		{ 0, self->uid, 0, -EPERM, self },
		{ self->uid, self->uid, self->uid, 0, self },
		{ self->other, self->other, self->other, -EPERM, self },
	};

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct owner *owner = shared_alloc(sizeof(*owner));

		target = &targets[i];
		name_make(self->name);
		owner->task = be_target;
		owner_fork(_metadata, owner);
		ASSERT_TRUE(await_flag(&owner->ready));
		EXPECT_EQ(target->expected, in_child(hand_to_target, owner))
			TH_LOG("case %zu", i);
		owner_kill(_metadata, owner);
	}
}

/* A kernel thread is none that can be asked, or that ends. */
TEST(kernel_thread)
{
	int fd = box_new(_metadata, 1);
	struct mbox_info before = info_of(fd);
	char link[8];

	if (readlink("/proc/2/exe", link, sizeof(link)) >= 0 || errno != ENOENT ||
	    access("/proc/2", F_OK))
		SKIP(return, "process 2 is no kernel thread here");
	EXPECT_EQ(-ESRCH, hand_over(fd, 0, 2));
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
}

MBOX_TEST_MAIN
