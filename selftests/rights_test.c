// SPDX-License-Identifier: GPL-2.0-only
/* Rights to open, change and delete a mailbox: owner, group, mode, capability. */
#include "lib/child.h"
#include "lib/user.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum who { OWNER, OWNER_IN_GROUP, GROUP, MEMBER, OTHER, CAPABLE, ROOT, ROOT_WITHOUT };

FIXTURE(rights)
{
	int fd;				/* root's, which is not its owner any more */
	char name[MBOX_NAME_SIZE];
	uid_t owner, stranger;
	gid_t group, strangers;
};

FIXTURE_VARIANT(rights)
{
	enum who who;
	int shift;			/* of his bits in the mode; -1: passes it */
	bool owns;
};

FIXTURE_VARIANT_ADD(rights, owner) { .who = OWNER, .shift = 6, .owns = true };
FIXTURE_VARIANT_ADD(rights, owner_in_group) { .who = OWNER_IN_GROUP, .shift = 6, .owns = true };
FIXTURE_VARIANT_ADD(rights, group) { .who = GROUP, .shift = 3 };
FIXTURE_VARIANT_ADD(rights, member_of_group) { .who = MEMBER, .shift = 3 };
FIXTURE_VARIANT_ADD(rights, other) { .who = OTHER, .shift = 0 };
FIXTURE_VARIANT_ADD(rights, other_with_cap_ipc_owner) { .who = CAPABLE, .shift = -1, .owns = true };
FIXTURE_VARIANT_ADD(rights, root) { .who = ROOT, .shift = -1, .owns = true };
FIXTURE_VARIANT_ADD(rights, root_without_cap_ipc_owner) { .who = ROOT_WITHOUT, .shift = 0 };

FIXTURE_SETUP(rights)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_UID | MBOX_SET_GID };

	if (geteuid())
		SKIP(return, "only root can become all these users");
	self->owner = set.uid = spare_uid(0);
	self->stranger = spare_uid(1);
	self->group = set.gid = spare_uid(2);
	self->strangers = spare_uid(3);
	self->fd = box_new_named(_metadata, 8, self->name);
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
}

FIXTURE_TEARDOWN(rights)
{
	close(self->fd);
}

/* Have this capability alone, or all but this. */
static int set_capability(int cap, bool only)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	if (only) {
		memset(data, 0, sizeof(data));
		data[cap / 32].effective = data[cap / 32].permitted = 1U << cap % 32;
	} else {
		data[cap / 32].effective &= ~(1U << cap % 32);
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int become_who(struct _test_data_rights *self, enum who who)
{
	int ret;

	switch (who) {
	case OWNER:
		return become(self->owner, self->strangers);
	case OWNER_IN_GROUP:
		return become(self->owner, self->group);
	case GROUP:
		return become(self->stranger, self->group);
	case MEMBER:
		ret = setgroups(1, &self->group) ? -errno : 0;
		if (ret)
			return ret;
		if (setresgid(self->strangers, self->strangers, self->strangers) ||
		    setresuid(self->stranger, self->stranger, self->stranger))
			return -errno;
		return 0;
	case OTHER:
		return become(self->stranger, self->strangers);
	case CAPABLE:
		prctl(PR_SET_KEEPCAPS, 1);
		ret = become(self->stranger, self->strangers);
		return ret ?: set_capability(CAP_IPC_OWNER, true);
	case ROOT:
		return 0;
	case ROOT_WITHOUT:
		return set_capability(CAP_IPC_OWNER, false);
	}
	return -EINVAL;
}

/* The results of a child, one for each mode (of 64) and combination of rights (of 4). */
struct results {
	struct _test_data_rights *self;
	const struct _fixture_variant_rights *variant;
	uint32_t mode;
	int opened[64][4];
	int set, deleted;
};

/* The nth mode, of all combinations of r and w. */
static uint32_t nth_mode(int n)
{
	return ((n >> 4) & 3) << 7 | ((n >> 2) & 3) << 4 | (n & 3) << 1;
}

/* A process of root that sets the mode on request, as long as the test lives. */
struct setter {
	uint32_t wanted;		/* the number of a mode, and 1 */
	uint32_t done;
};

static struct setter *setter_start(int fd)
{
	struct setter *setter = shared_alloc(sizeof(*setter));
	pid_t pid = fork_child();

	if (pid)
		return pid < 0 ? NULL : setter;
	for (;;) {
		struct mbox_ioc_set set = { .mask = MBOX_SET_MODE };
		uint32_t wanted = __atomic_load_n(&setter->wanted, __ATOMIC_ACQUIRE);

		if (wanted == setter->done) {
			nap();
			continue;
		}
		set.mode = nth_mode(wanted - 1);
		if (xioctl(fd, MBOX_IOC_SET, &set))
			_exit(1);
		__atomic_store_n(&setter->done, wanted, __ATOMIC_RELEASE);
	}
}

static int open_all(void *arg)
{
	struct results *results = arg;
	struct _test_data_rights *self = results->self;
	struct setter *setter = setter_start(self->fd);
	int ret = become_who(self, results->variant->who);

	if (!setter)
		return -EPROTO;
	if (ret)
		return ret;
	for (int n = 0; n < 64; n++) {
		/* the handle that root opened is of no use to others for that */
		__atomic_store_n(&setter->wanted, n + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(&setter->done, __ATOMIC_ACQUIRE) != n + 1)
			nap();
		for (uint32_t rights = 0; rights < 4; rights++) {
			int fd = open_name(self->name, rights);

			results->opened[n][rights] = fd < 0 ? fd : 0;
			if (fd >= 0 && info_of(fd).rights != rights)
				results->opened[n][rights] = -EBADMSG;
			close(fd);
		}
	}
	return 0;
}

TEST_F(rights, open)
{
	struct results *results = shared_alloc(sizeof(*results));
	bool owner = variant->shift == 6;

	results->self = self;
	results->variant = variant;
	ASSERT_EQ(0, in_child(open_all, results));
	for (int n = 0; n < 64; n++) {
		/* as of a file: the bits of one class count, even if another's grant more */
		uint32_t bits = variant->shift < 0 ? 6 : nth_mode(n) >> variant->shift & 6;

		for (uint32_t rights = 0; rights < 4; rights++) {
			bool granted = rights ? (!(rights & MBOX_RIGHT_RECV) || (bits & 4)) &&
						(!(rights & MBOX_RIGHT_SEND) || (bits & 2)) :
						owner || bits;

			EXPECT_EQ(granted ? 0 : -EACCES, results->opened[n][rights])
				TH_LOG("mode %04o, rights %u", nth_mode(n), rights);
		}
	}
}

static int change_and_delete(void *arg)
{
	struct results *results = arg;
	struct _test_data_rights *self = results->self;
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE | MBOX_SET_CAPACITY, .mode = 0642,
				    .capacity = 5 };
	int ret = become_who(self, results->variant->who), fd;

	if (ret)
		return ret;
	fd = open_name(self->name, 0);
	if (fd < 0)
		return fd;
	results->set = xioctl(fd, MBOX_IOC_SET, &set);
	results->deleted = delete_fd(fd, MBOX_DELETE_UNLINK);
	if (results->deleted != delete_name(self->name, MBOX_DELETE_FORCE) &&
	    results->deleted)
		return -EBADMSG;
	return 0;
}

TEST_F(rights, change_and_delete)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0666 };
	struct results *results = shared_alloc(sizeof(*results));
	struct mbox_info before;

	results->self = self;
	results->variant = variant;
	/* all may open it; that does not make it theirs */
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	before = info_of(self->fd);
	ASSERT_EQ(0, in_child(change_and_delete, results));
	if (variant->owns) {
		EXPECT_EQ(0, results->set);
		EXPECT_EQ(0, results->deleted);
		EXPECT_EQ(0642, info_of(self->fd).mode);
		EXPECT_EQ(5, info_of(self->fd).capacity);
		EXPECT_EQ(MBOX_STATE_UNLINKED, info_of(self->fd).state);
	} else {
		EXPECT_EQ(-EPERM, results->set);
		EXPECT_EQ(-EPERM, results->deleted);
		EXPECT_UNCHANGED(self->fd, &before);
	}
	EXPECT_STREQ("text", take(self->fd));
}

/* With a mode of 0 the owner can still look, change and delete; not send and receive. */
static int owner_with_mode_zero(void *arg)
{
	struct results *results = arg;
	struct _test_data_rights *self = results->self;
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0 };
	int ret = become_who(self, OWNER), fd;

	if (ret)
		return ret;
	if (xioctl(self->fd, MBOX_IOC_SET, &set) ||
	    open_name(self->name, MBOX_RIGHT_RECV) != -EACCES ||
	    open_name(self->name, MBOX_RIGHT_SEND) != -EACCES)
		return -EBADMSG;
	fd = open_name(self->name, 0);
	if (fd < 0)
		return fd;
	set.mode = 0400;
	if (info_of(fd).mode != 0 || xioctl(fd, MBOX_IOC_SET, &set))
		return -EBADMSG;
	close(fd);
	fd = open_name(self->name, MBOX_RIGHT_RECV);
	if (fd < 0)
		return fd;
	/* rights are those of when it was opened */
	set.mode = 0;
	if (xioctl(fd, MBOX_IOC_SET, &set) || put(self->fd, 0, "text") ||
	    strcmp("text", take(fd)))
		return -EBADMSG;
	close(fd);
	return delete_name(self->name, MBOX_DELETE_EMPTY);
}

TEST_F(rights, mode_zero)
{
	struct results *results = shared_alloc(sizeof(*results));

	if (variant->who != OWNER)
		return;
	results->self = self;
	EXPECT_EQ(0, in_child(owner_with_mode_zero, results));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
}

/* OPEN with CREATE asks for rights where the mailbox exists, as OPEN does. */
static int open_or_create(void *arg)
{
	struct results *results = arg;
	struct _test_data_rights *self = results->self;
	struct mbox_ioc_open open = open_arg(self->name, 8);
	int ret = become_who(self, results->variant->who), fd;

	open.flags = MBOX_OPEN_CREATE;
	if (ret)
		return ret;
	fd = open_call(MBOX_IOC_OPEN, &open);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

TEST_F(rights, open_or_create)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0 };
	struct results *results = shared_alloc(sizeof(*results));

	results->self = self;
	results->variant = variant;
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(variant->shift < 0 ? 0 : -EACCES, in_child(open_or_create, results));
	set.mode = 0666;
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0, in_child(open_or_create, results));
	EXPECT_EQ(self->owner, info_of(self->fd).uid);
}

/* Given away, which takes the capability, it is another's. */
static int give_away(void *arg)
{
	struct results *results = arg;
	struct _test_data_rights *self = results->self;
	struct mbox_ioc_set set = { .mask = MBOX_SET_UID, .uid = self->stranger };
	int fd, roots;

	roots = open_name(self->name, 0);
	if (seteuid(self->owner))
		return -errno;
	fd = open_name(self->name, 0);
	if (fd < 0 || roots < 0)
		return -EPROTO;
	if (xioctl(fd, MBOX_IOC_SET, &set) != -EPERM ||
	    xioctl(roots, MBOX_IOC_SET, &set) != -EPERM)
		return -EBADMSG;
	/* root may: but not by a handle that another opened */
	if (seteuid(0))
		return -errno;
	if (xioctl(fd, MBOX_IOC_SET, &set) != -EPERM ||
	    xioctl(roots, MBOX_IOC_SET, &set))
		return -EBADMSG;
	/* by a handle whose opener was the owner, but is not any more */
	if (seteuid(self->owner))
		return -errno;
	set.uid = self->owner;
	return xioctl(fd, MBOX_IOC_SET, &set);
}

static int take_over(void *arg)
{
	struct results *results = arg;
	int ret = become_who(results->self, OTHER);

	return ret ?: delete_name(results->self->name, MBOX_DELETE_EMPTY);
}

TEST_F(rights, given_away)
{
	struct results *results = shared_alloc(sizeof(*results));

	if (variant->who != OWNER)
		return;
	results->self = self;
	EXPECT_EQ(-EPERM, in_child(give_away, results));
	EXPECT_EQ(self->stranger, info_of(self->fd).uid);
	EXPECT_EQ(0, in_child(take_over, results));
}

MBOX_TEST_MAIN
