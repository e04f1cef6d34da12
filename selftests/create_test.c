// SPDX-License-Identifier: GPL-2.0-only
/* Creating and opening mailboxes: attributes, defaults, limits, flags, and races between creators. */
#include "lib/child.h"
#include "lib/module.h"

#include <sys/resource.h>
#include <sys/stat.h>

FIXTURE(create)
{
	int factory;
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
};

FIXTURE_SETUP(create)
{
	self->factory = factory_open();
	ASSERT_LE(0, self->factory);
	name_make(self->name);
	self->arg = open_arg(self->name, 8);
	umask(0);
}

FIXTURE_TEARDOWN(create)
{
	close(self->factory);
}

static int create(struct _test_data_create *self)
{
	return xioctl(self->factory, MBOX_IOC_CREATE, &self->arg);
}

static int open_with(struct _test_data_create *self, uint32_t flags)
{
	self->arg.flags = flags;
	return xioctl(self->factory, MBOX_IOC_OPEN, &self->arg);
}

TEST_F(create, attributes)
{
	const int64_t before = now_on(CLOCK_REALTIME);
	struct mbox_info info;
	char zeros[MBOX_NAME_SIZE] = "";
	int fd;

	self->arg.mode = 0624;
	self->arg.capacity = 17;
	self->arg.msg_size = 1000;
	self->arg.bytes = 5000;
	self->arg.rights = MBOX_RIGHT_SEND;
	fd = create(self);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, info_get(fd, &info));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(MBOX_STATE_LIVE, info.state);
	EXPECT_EQ(0, memcmp(self->arg.name, info.name, MBOX_NAME_SIZE));
	EXPECT_EQ(geteuid(), info.uid);
	EXPECT_EQ(getegid(), info.gid);
	EXPECT_EQ(0624, info.mode);
	EXPECT_EQ(MBOX_LIFETIME_FD, info.lifetime);
	EXPECT_EQ(17, info.capacity);
	EXPECT_EQ(1000, info.msg_size);
	EXPECT_EQ(5000, info.bytes);
	EXPECT_EQ(MBOX_RIGHT_SEND, info.rights);
	EXPECT_EQ(1, info.handles);
	EXPECT_EQ(0, memcmp(&info.senders, zeros, 8));
	EXPECT_EQ(0, memcmp(&info.queued, zeros, 48));
	EXPECT_LE(before, (int64_t)info.created);
	EXPECT_GE(now_on(CLOCK_REALTIME), (int64_t)info.created);
	close(fd);
}

TEST_F(create, default_msg_size)
{
	uint64_t limit = param_get("max_msg_size");
	int fd = create(self);

	ASSERT_LE(0, fd);
	if (limit && limit < MBOX_MSG_SIZE_DEFAULT) {
		EXPECT_EQ(limit, info_of(fd).msg_size);
	} else {
		EXPECT_EQ(MBOX_MSG_SIZE_DEFAULT, info_of(fd).msg_size);
	}
	EXPECT_EQ(0, info_of(fd).bytes);
	close(fd);
}

TEST_F(create, ids_differ)
{
	uint64_t ids[4];

	for (int i = 0; i < 4; i++) {
		int fd = box_new(_metadata, 1);

		ids[i] = info_of(fd).id;
		close(fd);
		for (int j = 0; j < i; j++) {
			EXPECT_NE(ids[i], ids[j]);
		}
	}
}

TEST_F(create, msg_size_limit)
{
	uint64_t limit = param_get("max_msg_size");
	int fd;

	if (!limit)
		SKIP(return, "the module parameter max_msg_size cannot be read");
	self->arg.msg_size = limit + 1;
	EXPECT_EQ(-EINVAL, create(self));
	self->arg.msg_size = 0x80000000;
	EXPECT_EQ(-EINVAL, create(self));
	self->arg.msg_size = 0xffffffff;
	EXPECT_EQ(-EINVAL, create(self));
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
	self->arg.msg_size = limit;
	fd = create(self);
	ASSERT_LE(0, fd);
	EXPECT_EQ(limit, info_of(fd).msg_size);
	close(fd);
	self->arg.msg_size = 1;
	fd = create(self);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, info_of(fd).msg_size);
	close(fd);
}

TEST_F(create, capacity_limit)
{
	static const uint32_t good[] = {
		MBOX_CAPACITY_ZERO, 1, MBOX_CAPACITY_MAX, MBOX_CAPACITY_UNBOUNDED,
	};

	/* capacities that are too large are with the unknown values of the ABI's test */
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int fd;

		self->arg.capacity = good[i];
		fd = create(self);
		ASSERT_LE(0, fd);
		EXPECT_EQ(good[i], info_of(fd).capacity);
		close(fd);
	}
}

TEST_F(create, bytes_limit)
{
	static const struct { uint32_t msg_size; uint64_t bytes; int ret; } cases[] = {
		{ 1000, 999, -EINVAL },
		{ 1000, 1, -EINVAL },
		{ 1000, 1000, 0 },
		{ 1000, UINT64_MAX, 0 },
		{ 0, MBOX_MSG_SIZE_DEFAULT - 1, -EINVAL },
		{ 0, MBOX_MSG_SIZE_DEFAULT, 0 },
	};

	if (param_get("max_msg_size") < MBOX_MSG_SIZE_DEFAULT)
		SKIP(return, "max_msg_size is not known, or less than the default");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd;

		self->arg.msg_size = cases[i].msg_size;
		self->arg.bytes = cases[i].bytes;
		fd = create(self);
		EXPECT_EQ(cases[i].ret, fd < 0 ? fd : 0)
			TH_LOG("msg_size %u, bytes %llu", cases[i].msg_size,
			       (unsigned long long)cases[i].bytes);
		if (fd >= 0) {
			EXPECT_EQ(cases[i].bytes, info_of(fd).bytes);
			close(fd);
		} else {
			EXPECT_EQ(-ENOENT, open_name(self->name, 0));
		}
	}
}

TEST_F(create, umask)
{
	int fd;

	self->arg.mode = 0666;
	umask(027);
	fd = create(self);
	umask(0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0640, info_of(fd).mode);
	close(fd);
}

TEST_F(create, umask_of_open)
{
	int fd;

	self->arg.mode = 0666;
	umask(0244);
	fd = open_with(self, MBOX_OPEN_CREATE);
	umask(0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0422, info_of(fd).mode);
	close(fd);
}

/* The creator gets the rights that it asks for, independent of the mode. */
TEST_F(create, mode_zero)
{
	int fd;

	self->arg.mode = 0;
	fd = create(self);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", take(fd));
	close(fd);
}

TEST_F(create, anonymous)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1);
	char zeros[MBOX_NAME_SIZE] = "";
	struct mbox_info info;
	int one, two;

	one = xioctl(self->factory, MBOX_IOC_CREATE, &arg);
	two = xioctl(self->factory, MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	info = info_of(one);
	EXPECT_EQ(0, memcmp(info.name, zeros, sizeof(zeros)));
	EXPECT_NE(info.id, info_of(two).id);
	/* they are two */
	EXPECT_EQ(0, put(one, 0, "one"));
	EXPECT_STREQ("EAGAIN", take(two));
	EXPECT_STREQ("one", take(one));
	close(one);
	close(two);
	/* nobody could ever delete it */
	arg.lifetime = MBOX_LIFETIME_OS;
	EXPECT_EQ(-EINVAL, xioctl(self->factory, MBOX_IOC_CREATE, &arg));
}

TEST_F(create, name_taken)
{
	struct mbox_info before;
	int fd = create(self);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 0, "text"));
	before = info_of(fd);
	self->arg.capacity = 3;
	EXPECT_EQ(-EEXIST, create(self));
	EXPECT_EQ(-EEXIST, open_with(self, MBOX_OPEN_CREATE | MBOX_OPEN_EXCL));
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
	/* and free again with the mailbox */
	self->arg.flags = 0;
	fd = create(self);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, info_of(fd).queued);
	close(fd);
}

TEST_F(create, open)
{
	int fd, other;

	EXPECT_EQ(-ENOENT, open_name(self->name, RIGHTS_BOTH));
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
	fd = create(self);
	ASSERT_LE(0, fd);
	other = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, other);
	EXPECT_EQ(info_of(fd).id, info_of(other).id);
	EXPECT_EQ(MBOX_RIGHT_RECV, info_of(other).rights);
	EXPECT_EQ(RIGHTS_BOTH, info_of(fd).rights);
	EXPECT_EQ(2, info_of(fd).handles);
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", take(other));
	close(fd);
	EXPECT_EQ(1, info_of(other).handles);
	close(other);
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
}

TEST_F(create, open_or_create)
{
	struct mbox_info before;
	int fd, other;

	self->arg.capacity = 5;
	fd = open_with(self, MBOX_OPEN_CREATE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, info_of(fd).capacity);
	before = info_of(fd);
	/* where it exists its attributes stay */
	self->arg.capacity = 6;
	self->arg.mode = 0644;
	self->arg.lifetime = MBOX_LIFETIME_OS;
	other = open_with(self, MBOX_OPEN_CREATE);
	ASSERT_LE(0, other);
	before.handles++;
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_EQ(before.id, info_of(other).id);
	close(other);
	close(fd);
	/* EXCL, where it is missing */
	self->arg.lifetime = MBOX_LIFETIME_FD;
	fd = open_with(self, MBOX_OPEN_CREATE | MBOX_OPEN_EXCL);
	EXPECT_LE(0, fd);
	close(fd);
}

/* The fields for a new mailbox are checked even if no mailbox is created. */
TEST_F(create, open_or_create_with_bad_fields)
{
	const struct mbox_ioc_open good = self->arg;
	struct mbox_ioc_open bad[5] = { good, good, good, good, good };
	int fd = create(self);
	struct mbox_info before;

	ASSERT_LE(0, fd);
	before = info_of(fd);
	bad[0].mode = 0777;
	bad[1].lifetime = MBOX_LIFETIME_FD + 1;
	bad[2].capacity = MBOX_CAPACITY_MAX + 1;
	bad[3].msg_size = 0xffffffff;
	bad[4].msg_size = 2;
	bad[4].bytes = 1;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		self->arg = bad[i];
		EXPECT_EQ(-EINVAL, open_with(self, MBOX_OPEN_CREATE))
			TH_LOG("case %zu", i);
		EXPECT_UNCHANGED(fd, &before);
	}
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		self->arg = bad[i];
		EXPECT_EQ(-EINVAL, open_with(self, MBOX_OPEN_CREATE))
			TH_LOG("case %zu", i);
		EXPECT_EQ(-ENOENT, open_name(self->name, 0));
	}
}

/* EXCL modifies CREATE; alone it has no effect. */
TEST_F(create, exclusive_without_create)
{
	struct mbox_ioc_open arg = { .flags = MBOX_OPEN_EXCL, .rights = MBOX_RIGHT_RECV };

	name_copy(arg.name, self->name);
	EXPECT_EQ(-EINVAL, xioctl(self->factory, MBOX_IOC_OPEN, &arg));
}

TEST_F(create, open_without_name)
{
	struct mbox_ioc_open arg = { .rights = RIGHTS_BOTH };

	EXPECT_EQ(-EINVAL, xioctl(self->factory, MBOX_IOC_OPEN, &arg));
	arg = open_arg(NULL, 8);
	arg.flags = MBOX_OPEN_CREATE;
	EXPECT_EQ(-EINVAL, xioctl(self->factory, MBOX_IOC_OPEN, &arg));
}

TEST_F(create, no_rights)
{
	struct mbox_info before;
	int fd;

	self->arg.rights = 0;
	fd = create(self);
	ASSERT_LE(0, fd);
	before = info_of(fd);
	EXPECT_EQ(0, before.rights);
	EXPECT_EQ(-EBADF, put(fd, 0, "text"));
	EXPECT_STREQ("EBADF", take(fd));
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
}

TEST_F(create, file_flags)
{
	int fd = create(self), other;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	other = xioctl(self->factory, MBOX_IOC_OPEN, &(struct mbox_ioc_open) {
		.flags = MBOX_OPEN_NONBLOCK, .rights = MBOX_RIGHT_RECV,
		.name = "does-not-exist-anywhere" });
	EXPECT_EQ(-ENOENT, other);
	close(fd);

	self->arg.flags = MBOX_OPEN_NONBLOCK;
	fd = create(self);
	ASSERT_LE(0, fd);
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(-EAGAIN, recv_bytes(fd, 0, NULL, 0, NULL));
	other = open_with(self, MBOX_OPEN_CREATE | MBOX_OPEN_NONBLOCK);
	ASSERT_LE(0, other);
	EXPECT_EQ(O_NONBLOCK, fcntl(other, F_GETFL) & O_NONBLOCK);
	/* it is the handle's, not the mailbox's */
	close(fd);
	fd = open_with(self, MBOX_OPEN_CREATE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(other);
	close(fd);
}

TEST_F(create, no_descriptor_left)
{
	struct mbox_ioc_link link = { .pid = getppid(), .capacity = 1 };
	struct mbox_ioc_inbox inbox = { 0 };
	struct rlimit limit, none;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	/* one more would be the one above the factory */
	none.rlim_cur = self->factory + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, create(self));
	EXPECT_EQ(-EMFILE, open_with(self, MBOX_OPEN_CREATE));
	EXPECT_EQ(-EMFILE, xioctl(self->factory, MBOX_IOC_LINK, &link));
	EXPECT_EQ(-EMFILE, xioctl(self->factory, MBOX_IOC_INBOX, &inbox));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
}

struct race {
	int start;
	struct mbox_ioc_open arg;
	int ret[8];
	uint64_t id[8];
	int opened[8];
	int finish;
};

/* Eight processes at once; each keeps its handle until all have theirs. */
static void race_run(struct __test_metadata *_metadata, struct race *race)
{
	pid_t pids[8];

	for (int i = 0; i < 8; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i] == 0) {
			int factory = factory_open();

			await_flag(&race->start);
			race->ret[i] = xioctl(factory, MBOX_IOC_OPEN, &race->arg);
			if (race->ret[i] >= 0)
				race->id[i] = info_of(race->ret[i]).id;
			set_flag(&race->opened[i]);
			await_flag(&race->finish);
			_exit(0);
		}
	}
	set_flag(&race->start);
	for (int i = 0; i < 8; i++) {
		ASSERT_TRUE(await_flag(&race->opened[i]));
	}
	set_flag(&race->finish);
	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(0, reap(pids[i]));
	}
}

TEST_F(create, race_for_one)
{
	struct race *race = shared_alloc(sizeof(*race));
	int won = 0;

	race->arg = self->arg;
	race->arg.flags = MBOX_OPEN_CREATE | MBOX_OPEN_EXCL;
	race_run(_metadata, race);
	for (int i = 0; i < 8; i++) {
		won += race->ret[i] >= 0;
		if (race->ret[i] < 0) {
			EXPECT_EQ(-EEXIST, race->ret[i]);
		}
	}
	EXPECT_EQ(1, won);
}

TEST_F(create, race_for_all)
{
	struct race *race = shared_alloc(sizeof(*race));

	race->arg = self->arg;
	race->arg.flags = MBOX_OPEN_CREATE;
	race_run(_metadata, race);
	for (int i = 0; i < 8; i++) {
		EXPECT_LE(0, race->ret[i]);
		EXPECT_EQ(race->id[0], race->id[i]);
	}
}

MBOX_TEST_MAIN
