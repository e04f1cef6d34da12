// SPDX-License-Identifier: GPL-2.0-only
/* Mailboxes by their ids: opened, also those that have no name, and walked through. */
#include "lib/child.h"
#include "lib/user.h"

#include <sys/stat.h>

#define LOW_BITS	0x7fffffffULL

static int open_id(uint64_t id, uint32_t space, uint32_t rights)
{
	struct mbox_ioc_open arg = {
		.flags = MBOX_OPEN_BY_ID, .rights = rights, .space = space, .id = id,
	};

	return open_call(MBOX_IOC_OPEN, &arg);
}

/* Make a mailbox without a name. */
static int nameless(uint32_t flags, uint32_t space, uint32_t lifetime)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);

	arg.flags = flags;
	arg.space = space;
	arg.lifetime = lifetime;
	return open_call(MBOX_IOC_CREATE, &arg);
}

/* Return the next id above @id, 0 at the end, or a negated errno. */
static int64_t next_id(uint32_t space, uint64_t id)
{
	struct mbox_ioc_next arg = { .space = space, .id = id };
	int factory = factory_open();
	int ret = xioctl(factory, MBOX_IOC_NEXT, &arg);

	close(factory);
	return ret == -ENOENT ? 0 : ret ?: (int64_t)arg.id;
}

FIXTURE(id)
{
	char name[MBOX_NAME_SIZE];
	int fd;
	uint64_t id;
};

FIXTURE_SETUP(id)
{
	self->fd = box_new_named(_metadata, 4, self->name);
	self->id = info_of(self->fd).id;
	umask(0);
}

FIXTURE_TEARDOWN(id)
{
	close(self->fd);
}

TEST_F(id, opens_a_mailbox_with_a_name)
{
	int fd = open_id(self->id, MBOX_SPACE_NONE, RIGHTS_BOTH);

	ASSERT_LE(0, fd);
	EXPECT_EQ(self->id, info_of(fd).id);
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", take(self->fd));
	close(fd);
	EXPECT_EQ(-ENOENT, open_id(self->id + 1000000, MBOX_SPACE_NONE, RIGHTS_BOTH));
	EXPECT_EQ(-ENOENT, open_id(0, MBOX_SPACE_NONE, RIGHTS_BOTH));
	EXPECT_EQ(-ENOENT, open_id(UINT64_MAX, MBOX_SPACE_NONE, RIGHTS_BOTH));
	/* it is of no front end */
	EXPECT_EQ(-ENOENT, open_id(self->id, MBOX_SPACE_MQ, RIGHTS_BOTH));
}

TEST_F(id, not_of_one_that_lost_its_name)
{
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	EXPECT_EQ(-ENOENT, open_id(self->id, MBOX_SPACE_NONE, RIGHTS_BOTH));
}

TEST_F(id, not_of_an_anonymous_one)
{
	int fd = nameless(0, MBOX_SPACE_NONE, MBOX_LIFETIME_FD);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, open_id(info_of(fd).id, MBOX_SPACE_NONE, RIGHTS_BOTH));
	close(fd);
	EXPECT_EQ(-EINVAL, nameless(0, MBOX_SPACE_SYSV, MBOX_LIFETIME_OS));
}

TEST_F(id, of_one_that_lasts)
{
	int fd = nameless(MBOX_OPEN_BY_ID, MBOX_SPACE_SYSV, MBOX_LIFETIME_OS);
	uint64_t id;

	ASSERT_LE(0, fd);
	id = info_of(fd).id;
	EXPECT_EQ(0, put(fd, 0, "kept"));
	close(fd);
	fd = open_id(id, MBOX_SPACE_SYSV, RIGHTS_BOTH);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("", info_of(fd).name);
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(fd).lifetime);
	EXPECT_STREQ("kept", take(fd));
	/* a sender may come */
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_UNLINK));
	EXPECT_EQ(-ENOENT, open_id(id, MBOX_SPACE_SYSV, RIGHTS_BOTH));
	EXPECT_EQ(MBOX_STATE_UNLINKED, info_of(fd).state);
	close(fd);
	EXPECT_EQ(-ENOENT, open_id(id, MBOX_SPACE_NONE, 0));
}

/* Of numbers of 31 bits, the others are ignored in a space. */
TEST_F(id, low_bits)
{
	int fd = nameless(MBOX_OPEN_BY_ID, MBOX_SPACE_SYSV, MBOX_LIFETIME_FD), other;
	uint64_t id = info_of(fd).id;

	ASSERT_LE(0, fd);
	for (uint64_t high = 0; high < 3; high++) {
		other = open_id((id & LOW_BITS) + (high << 31), MBOX_SPACE_SYSV, RIGHTS_BOTH);
		ASSERT_LE(0, other);
		EXPECT_EQ(id, info_of(other).id);
		close(other);
	}
	EXPECT_EQ(-ENOENT, open_id(id + (1ULL << 31), MBOX_SPACE_NONE, RIGHTS_BOTH));
	EXPECT_EQ(-ENOENT, open_id(id, MBOX_SPACE_MQ, RIGHTS_BOTH));
	EXPECT_EQ(-ENOENT, open_id(LOW_BITS, MBOX_SPACE_SYSV, RIGHTS_BOTH));
	close(fd);
}

struct asked {
	uint64_t id;
	uint32_t rights;
	int expected;
};

static int open_as_nobody(void *arg)
{
	const struct asked *asked = arg;
	int fd;

	CHECK(0, setresgid(65534, 65534, 65534));
	CHECK(0, setresuid(65534, 65534, 65534));
	fd = open_id(asked->id, MBOX_SPACE_NONE, asked->rights);
	CHECK(asked->expected, fd < 0 ? fd : 0);
	CHECK(!asked->expected, next_id(MBOX_SPACE_NONE, asked->id - 1) == (int64_t)asked->id);
	return 0;
}

TEST_F(id, rights)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0602 };
	struct asked asked = { .id = self->id, .rights = MBOX_RIGHT_SEND };

	if (getuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0, in_child(open_as_nobody, &asked));
	set.mode = 0600;
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	asked.expected = -EACCES;
	EXPECT_EQ(0, in_child(open_as_nobody, &asked));
	asked.rights = 0;
	EXPECT_EQ(0, in_child(open_as_nobody, &asked));
}

static int create_and_end(void *arg)
{
	int fd = nameless(MBOX_OPEN_BY_ID, MBOX_SPACE_SYSV, MBOX_LIFETIME_PROCESS);

	CHECK(1, fd >= 0);
	*(uint64_t *)arg = info_of(fd).id;
	return 0;
}

TEST_F(id, of_a_dead_owner)
{
	uint64_t *id = shared_alloc(sizeof(*id));

	EXPECT_EQ(0, in_child(create_and_end, id));
	EXPECT_EQ(-ENOENT, open_id(*id, MBOX_SPACE_SYSV, RIGHTS_BOTH));
}

TEST_F(id, handed_to_the_system)
{
	struct mbox_ioc_handover handover = {};
	int fd = nameless(MBOX_OPEN_BY_ID, MBOX_SPACE_NONE, MBOX_LIFETIME_PROCESS);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_HANDOVER, &handover));
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(fd).lifetime);
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	close(fd);
}

/* Each of them once, in order, and none of another space. */
TEST_F(id, next)
{
	enum { N = 5 };
	int64_t id = self->id;
	int fds[N], other;

	for (int i = 0; i < N; i++) {
		fds[i] = nameless(MBOX_OPEN_BY_ID, MBOX_SPACE_SYSV, MBOX_LIFETIME_FD);
		ASSERT_LE(0, fds[i]);
		other = nameless(0, MBOX_SPACE_SYSV, MBOX_LIFETIME_FD);
		close(other);
		other = nameless(MBOX_OPEN_BY_ID, MBOX_SPACE_MQ, MBOX_LIFETIME_FD);
		EXPECT_EQ(info_of(other).id, next_id(MBOX_SPACE_MQ, info_of(fds[i]).id));
		close(other);
	}
	for (int i = 0; i < N; i++) {
		id = next_id(MBOX_SPACE_SYSV, id);
		EXPECT_EQ(info_of(fds[i]).id, id);
	}
	EXPECT_EQ(self->id, next_id(MBOX_SPACE_NONE, self->id - 1));
	EXPECT_EQ(0, next_id(MBOX_SPACE_NONE, UINT64_MAX));
	EXPECT_EQ(0, next_id(MBOX_SPACE_NONE, UINT64_MAX - 1));
	for (int i = 0; i < N; i++)
		close(fds[i]);
}

static int create_as(uint64_t id, uint32_t space)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);

	arg.flags = MBOX_OPEN_BY_ID;
	arg.space = space;
	arg.lifetime = MBOX_LIFETIME_FD;
	arg.id = id;
	return open_call(MBOX_IOC_CREATE, &arg);
}

static int as_user(void *arg)
{
	CHECK(0, become(1000, 1000));
	CHECK(-EPERM, create_as(*(uint64_t *)arg, MBOX_SPACE_SYSV));
	return 0;
}

/* The low bits of an id can be chosen in a space that has no more; the id stays a new one. */
TEST_F(id, chosen)
{
	const uint64_t low = self->id & LOW_BITS;
	int first = create_as(low, MBOX_SPACE_SYSV), second;
	uint64_t id, other;

	if (first == -EPERM)
		SKIP(return, "not privileged");
	ASSERT_LE(0, first);
	id = info_of(first).id;
	EXPECT_LT(self->id, id);
	EXPECT_EQ(low, id & LOW_BITS);
	EXPECT_EQ(0, in_child(as_user, &self->id));
	/* taken: another one */
	second = create_as(low | 1ULL << 60, MBOX_SPACE_SYSV);
	ASSERT_LE(0, second);
	other = info_of(second).id;
	EXPECT_LT(id, other);
	EXPECT_NE(low, other & LOW_BITS);
	close(second);
	close(first);
	first = create_as(id, MBOX_SPACE_SYSV);
	EXPECT_LT(other, info_of(first).id);
	EXPECT_EQ(low, info_of(first).id & LOW_BITS);
	second = open_id(low, MBOX_SPACE_SYSV, MBOX_RIGHT_RECV);
	EXPECT_EQ(info_of(first).id, info_of(second).id);
	close(second);
	close(first);
	/* of other spaces ids are opened whole */
	second = open_id(self->id, MBOX_SPACE_NONE, MBOX_RIGHT_RECV);
	EXPECT_EQ(self->id, info_of(second).id);
	close(second);
	EXPECT_EQ(-EINVAL, create_as(self->id, MBOX_SPACE_NONE));
}

TEST_F(id, invalid)
{
	struct mbox_ioc_open good = { .flags = MBOX_OPEN_BY_ID, .id = self->id }, bad[5];
	struct mbox_ioc_open new = open_arg(NULL, 4);
	struct mbox_ioc_next next = { .space = MBOX_SPACE_MAX + 1 };
	int factory = factory_open();

	for (int i = 0; i < 5; i++)
		bad[i] = good;
	bad[0].flags |= MBOX_OPEN_CREATE;
	strcpy(bad[1].name, self->name);
	bad[2].space = MBOX_SPACE_MQ;
	bad[2].label = address_of("label");
	bad[2].label_size = 5;
	bad[3].mode = 0600;
	bad[4].flags = 0;
	strcpy(bad[4].name, self->name);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_OPEN, &bad[i])) TH_LOG("field %d", i);
	}
	new.flags = MBOX_OPEN_BY_ID;
	new.id = self->id;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &new));
	new.id = 0;
	name_make(new.name);
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &new));
	EXPECT_EQ(-EINVAL, xioctl(factory, MBOX_IOC_NEXT, &next));
	close(factory);
}

MBOX_TEST_MAIN
