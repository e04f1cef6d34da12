// SPDX-License-Identifier: GPL-2.0-only
/* libmbox: handles, names, attributes, deletion; and shortages around a program that uses it. */
#include "lib/library.h"
#include "lib/user.h"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

static const struct mbox_recv_opts recv_nonblock = { .flags = MBOX_RECV_NONBLOCK };

TEST_F(lib, null_handle)
{
	struct mbox_deleted deleted;
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE };
	struct mbox_info info;
	void *data = self;

	EXPECT_RET(-EINVAL, mbox_fd(NULL));
	EXPECT_RET(-EINVAL, mbox_delete_handle(NULL, MBOX_DELETE_FORCE, &deleted));
	EXPECT_RET(-EINVAL, mbox_send(NULL, "x", 1, NULL));
	EXPECT_RET(-EINVAL, mbox_send_timeout(NULL, "x", 1, 0));
	EXPECT_RET(-EINVAL, mbox_send_string(NULL, "x"));
	EXPECT_RET(-EINVAL, mbox_recv(NULL, self->data, 1, NULL, &self->header));
	EXPECT_RET(-EINVAL, mbox_recv_timeout(NULL, self->data, 1, 0));
	EXPECT_RET(-EINVAL, mbox_recv_string(NULL, self->data, 1));
	EXPECT_RET(-EINVAL, mbox_recv_alloc(NULL, &data, NULL, &self->header));
	EXPECT_EQ(self, data);
	EXPECT_RET(-EINVAL, mbox_get(NULL, &info));
	EXPECT_RET(-EINVAL, mbox_set(NULL, &set));
	EXPECT_RET(-EINVAL, mbox_chmod(NULL, 0600));
	EXPECT_RET(-EINVAL, mbox_chown(NULL, 0, 0));
	EXPECT_RET(-EINVAL, mbox_chown(NULL, -1, -1));
	EXPECT_RET(-EINVAL, mbox_shutdown(NULL, RIGHTS_BOTH));
	errno = STAMP;
	mbox_close(NULL);
	EXPECT_EQ(STAMP, errno);
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lib, null_pointers)
{
	EXPECT_RET(-EFAULT, mbox_create(NULL, NULL, RIGHTS_BOTH, NULL));
	EXPECT_RET(-EFAULT, mbox_open(NULL, self->name, RIGHTS_BOTH));
	EXPECT_RET(-EFAULT, mbox_open_or_create(NULL, self->name, RIGHTS_BOTH, NULL));
	EXPECT_RET(-EFAULT, mbox_from_fd(NULL, mbox_fd(self->mb)));
	EXPECT_RET(-EFAULT, mbox_send(self->mb, NULL, 1, NULL));
	EXPECT_RET(-EFAULT, mbox_send_timeout(self->mb, NULL, 1, 0));
	EXPECT_RET(-EFAULT, mbox_send_string(self->mb, NULL));
	EXPECT_RET(-EFAULT, mbox_recv_string(self->mb, NULL, 1));
	EXPECT_RET(-EFAULT, mbox_recv_alloc(self->mb, NULL, &recv_nonblock, &self->header));
	EXPECT_RET(-EFAULT, mbox_deadline_after(0, MBOX_CLOCK_MONOTONIC, NULL));
	EXPECT_RET(-EFAULT, mbox_get(self->mb, NULL));
	EXPECT_RET(-EFAULT, mbox_set(self->mb, NULL));
	EXPECT_NOTHING_CHANGED();
	/* with a message that cannot be stored, which stays */
	ASSERT_EQ(0, mbox_send(self->mb, "x", 1, NULL));
	EXPECT_RET(-EFAULT, mbox_recv(self->mb, NULL, 1, NULL, &self->header));
	EXPECT_RET(-EFAULT, mbox_recv_timeout(self->mb, NULL, 1, 0));
	EXPECT_TRUE(untouched(&self->header, sizeof(self->header)));
	EXPECT_STREQ("x", take(mbox_fd(self->mb)));
}

/* Without attributes a mailbox has the defaults, and the lifetime that its name allows. */
TEST_F(lib, create_with_defaults)
{
	char name[MBOX_NAME_SIZE];
	struct mbox_info info;

	umask(0);
	name_make(name);
	ASSERT_EQ(0, mbox_create(&self->other, name, MBOX_RIGHT_SEND, NULL));
	info = info_of(mbox_fd(self->other));
	EXPECT_RET(0, mbox_delete(name, MBOX_DELETE_EMPTY, NULL));
	EXPECT_EQ(MBOX_LIFETIME_OS, info.lifetime);
	EXPECT_EQ(MBOX_RIGHT_SEND, info.rights);
	EXPECT_EQ(0600, info.mode);
	EXPECT_EQ(64, info.capacity);
	EXPECT_EQ(MBOX_MSG_SIZE_DEFAULT, info.msg_size);
	EXPECT_EQ(0, info.bytes);
	mbox_close(self->other);
	EXPECT_RET(0, mbox_create(&self->other, NULL, RIGHTS_BOTH, NULL));
	info = info_of(mbox_fd(self->other));
	EXPECT_EQ(MBOX_LIFETIME_FD, info.lifetime);
	EXPECT_EQ(64, info.capacity);
	EXPECT_STREQ("", info.name);
	mbox_close(self->other);
}

TEST_F(lib, create_with_attributes)
{
	struct mbox_attr attr = {
		.mode = 0640, .lifetime = MBOX_LIFETIME_FD, .capacity = 7, .msg_size = 100,
		.bytes = 300,
	};
	struct mbox_info info;

	EXPECT_RET(0, mbox_create(&self->other, NULL, 0, &attr));
	info = info_of(mbox_fd(self->other));
	EXPECT_EQ(0, info.rights);
	EXPECT_EQ(0640, info.mode);
	EXPECT_EQ(7, info.capacity);
	EXPECT_EQ(100, info.msg_size);
	EXPECT_EQ(300, info.bytes);
	EXPECT_EQ(FD_CLOEXEC, fcntl(mbox_fd(self->other), F_GETFD));
	EXPECT_EQ(0, fcntl(mbox_fd(self->other), F_GETFL) & O_NONBLOCK);
	mbox_close(self->other);
}

static const struct mbox_attr bad_attrs[] = {
	{ .mode = 01600, .lifetime = MBOX_LIFETIME_FD, .capacity = 1 },
	{ .mode = 0700, .lifetime = MBOX_LIFETIME_FD, .capacity = 1 },
	{ .mode = 0600, .lifetime = 3, .capacity = 1 },
	{ .mode = 0600, .lifetime = MBOX_LIFETIME_FD, .capacity = MBOX_CAPACITY_MAX + 1 },
	{ .mode = 0600, .lifetime = MBOX_LIFETIME_FD, .capacity = 1, .msg_size = UINT32_MAX },
	{ .mode = 0600, .lifetime = MBOX_LIFETIME_FD, .capacity = 1, .msg_size = 10, .bytes = 9 },
};

TEST_F(lib, create_refused)
{
	struct mbox_attr attr = test_attr();
	char name[MBOX_NAME_SIZE];

	name_make(name);
	EXPECT_RET(-EEXIST, mbox_create(&self->other, self->name, RIGHTS_BOTH, &attr));
	EXPECT_RET(-EINVAL, mbox_create(&self->other, name, 4, &attr));
	for (size_t i = 0; i < ARRAY_SIZE(bad_attrs); i++) {
		EXPECT_RET(-EINVAL, mbox_create(&self->other, name, 0, &bad_attrs[i]));
		EXPECT_RET(-EINVAL, mbox_open_or_create(&self->other, name, 0, &bad_attrs[i]));
	}
	attr.lifetime = MBOX_LIFETIME_OS;
	EXPECT_RET(-EINVAL, mbox_create(&self->other, NULL, 0, &attr));
	EXPECT_RET(-ENOENT, mbox_open(&self->other, name, 0));
	EXPECT_NOTHING_CHANGED();
}

/* A name is refused, not cut; and an empty one is not taken for none. */
TEST_F(lib, bad_names)
{
	char longest[MBOX_NAME_SIZE + 1], *end = longest + MBOX_NAME_SIZE - 1;
	const char *const names[] = { "", ".a", "a/b", "a b", "\xc3\xa4", longest };
	struct mbox_deleted deleted = { 5, 6 };
	struct mbox_attr attr = test_attr();

	memset(longest, 'x', MBOX_NAME_SIZE);
	longest[MBOX_NAME_SIZE] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_RET(-EINVAL, mbox_create(&self->other, names[i], RIGHTS_BOTH, &attr));
		EXPECT_RET(-EINVAL, mbox_open(&self->other, names[i], RIGHTS_BOTH));
		EXPECT_RET(-EINVAL, mbox_open_or_create(&self->other, names[i], 0, &attr));
		EXPECT_RET(-EINVAL, mbox_delete(names[i], MBOX_DELETE_FORCE, &deleted));
	}
	EXPECT_RET(-EINVAL, mbox_open(&self->other, NULL, RIGHTS_BOTH));
	EXPECT_RET(-EINVAL, mbox_open_or_create(&self->other, NULL, RIGHTS_BOTH, &attr));
	EXPECT_RET(-EINVAL, mbox_delete(NULL, MBOX_DELETE_FORCE, &deleted));
	EXPECT_EQ(5, deleted.queued);
	EXPECT_EQ(6, deleted.dropped);
	EXPECT_NOTHING_CHANGED();
	/* of 63 bytes it is good; with our own in it, for nobody else's to be in the way */
	memcpy(longest, self->name, strlen(self->name));
	*end = '\0';
	EXPECT_RET(0, mbox_create(&self->other, longest, RIGHTS_BOTH, &attr));
	EXPECT_STREQ(longest, info_of(mbox_fd(self->other)).name);
	mbox_close(self->other);
}

TEST_F(lib, open)
{
	char name[MBOX_NAME_SIZE];

	name_make(name);
	EXPECT_RET(-ENOENT, mbox_open(&self->other, name, RIGHTS_BOTH));
	EXPECT_RET(-EINVAL, mbox_open(&self->other, self->name, 4));
	EXPECT_NOTHING_CHANGED();
	for (uint32_t rights = 0; rights <= RIGHTS_BOTH; rights++) {
		EXPECT_RET(0, mbox_open(&self->other, self->name, rights));
		EXPECT_EQ(rights, info_of(mbox_fd(self->other)).rights);
		EXPECT_EQ(self->before.id, info_of(mbox_fd(self->other)).id);
		EXPECT_EQ(2, info_of(mbox_fd(self->other)).handles);
		mbox_close(self->other);
	}
	self->other = NOT_WRITTEN;
	EXPECT_NOTHING_CHANGED();
}

TEST_F(lib, open_or_create)
{
	struct mbox_attr attr = test_attr();
	char name[MBOX_NAME_SIZE];

	attr.capacity = 77;
	EXPECT_RET(0, mbox_open_or_create(&self->other, self->name, MBOX_RIGHT_RECV, &attr));
	EXPECT_EQ(self->before.id, info_of(mbox_fd(self->other)).id);
	EXPECT_EQ(4, info_of(mbox_fd(self->other)).capacity);
	EXPECT_EQ(MBOX_RIGHT_RECV, info_of(mbox_fd(self->other)).rights);
	mbox_close(self->other);
	name_make(name);
	EXPECT_RET(0, mbox_open_or_create(&self->other, name, MBOX_RIGHT_RECV, &attr));
	EXPECT_EQ(77, info_of(mbox_fd(self->other)).capacity);
	EXPECT_EQ(MBOX_RIGHT_RECV, info_of(mbox_fd(self->other)).rights);
	mbox_close(self->other);
	EXPECT_RET(0, mbox_open_or_create(&self->other, name, 0, NULL));
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(mbox_fd(self->other)).lifetime);
	EXPECT_RET(0, mbox_delete_handle(self->other, MBOX_DELETE_EMPTY, NULL));
	mbox_close(self->other);
}

/* Another user has the right that the mode gives to others: to send. */
static int as_stranger(void *arg)
{
	const char *name = arg;
	struct mbox_deleted deleted = { 5, 6 };
	struct mbox *mb = NOT_WRITTEN;
	uid_t uid = spare_uid(0);

	CHECK_RET(0, become(uid, uid));
	CHECK_RET(-EACCES, mbox_open(&mb, name, MBOX_RIGHT_RECV));
	CHECK_RET(-EACCES, mbox_open_or_create(&mb, name, RIGHTS_BOTH, NULL));
	CHECK_RET(-EPERM, mbox_delete(name, MBOX_DELETE_FORCE, &deleted));
	CHECK_RET(NOT_WRITTEN, mb);
	CHECK_RET(0, mbox_open(&mb, name, MBOX_RIGHT_SEND));
	CHECK_RET(-EPERM, mbox_delete_handle(mb, MBOX_DELETE_FORCE, &deleted));
	CHECK_RET(5, deleted.queued);
	CHECK_RET(-EPERM, mbox_chmod(mb, 0666));
	CHECK_RET(-EPERM, mbox_chown(mb, uid, -1));
	CHECK_RET(-EPERM, mbox_chown(mb, -1, uid));
	/* nothing to change asks nobody */
	CHECK_RET(0, mbox_chown(mb, -1, -1));
	CHECK_RET(0, mbox_send_string(mb, "mine"));
	mbox_close(mb);
	return 0;
}

TEST_F(lib, stranger)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(as_stranger, self->name));
	EXPECT_STREQ("mine", take(mbox_fd(self->mb)));
	EXPECT_EQ(0622, info_of(mbox_fd(self->mb)).mode);
}

/* A handle made from a descriptor owns it; from anything else there is none, and it stays open. */
TEST_F(lib, from_fd)
{
	const struct { int fd, expected; } bad[] = {
		{ -1, -EBADF },
		{ open("/", O_RDONLY | O_CLOEXEC), -ENOTTY },
		{ open("/dev/null", O_RDWR | O_CLOEXEC), -ENOTTY },
		{ open("/proc/self/stat", O_RDONLY | O_CLOEXEC), -ENOTTY },
		{ socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), -ENOTTY },
		{ memfd_create("file", MFD_CLOEXEC), -ENOTTY },
		{ factory_open(), -ENOTTY },
	};
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_RET(bad[i].expected, mbox_from_fd(&self->other, bad[i].fd));
		if (bad[i].fd >= 0)
			EXPECT_EQ(0, close(bad[i].fd));
	}
	EXPECT_NOTHING_CHANGED();
	fd = dup(mbox_fd(self->mb));
	EXPECT_RET(0, mbox_from_fd(&self->other, fd));
	EXPECT_RET(fd, mbox_fd(self->other));
	/* as dup() left it */
	EXPECT_EQ(0, fcntl(fd, F_GETFD));
	EXPECT_RET(0, mbox_send_string(self->other, "text"));
	errno = STAMP;
	mbox_close(self->other);
	EXPECT_EQ(STAMP, errno);
	EXPECT_EQ(-1, fcntl(fd, F_GETFD));
	EXPECT_STREQ("text", take(mbox_fd(self->mb)));
	/* also from one of a mailbox that is gone */
	EXPECT_RET(0, mbox_delete_handle(self->mb, MBOX_DELETE_FORCE, NULL));
	fd = dup(mbox_fd(self->mb));
	EXPECT_RET(0, mbox_from_fd(&self->other, fd));
	mbox_close(self->other);
}

TEST_F(lib, delete)
{
	struct mbox_deleted deleted = { 5, 6 };

	EXPECT_RET(-EINVAL, mbox_delete(self->name, MBOX_DELETE_UNLINK + 1, &deleted));
	EXPECT_RET(-EINVAL, mbox_delete_handle(self->mb, MBOX_DELETE_UNLINK + 1, &deleted));
	EXPECT_NOTHING_CHANGED();
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	ASSERT_EQ(0, mbox_send_string(self->mb, "two"));
	EXPECT_EQ(5, deleted.queued);
	EXPECT_RET(-ENOTEMPTY, mbox_delete(self->name, MBOX_DELETE_EMPTY, NULL));
	EXPECT_RET(-ENOTEMPTY, mbox_delete_handle(self->mb, MBOX_DELETE_EMPTY, &deleted));
	EXPECT_EQ(2, deleted.queued);
	EXPECT_EQ(0, deleted.dropped);
	deleted = (struct mbox_deleted) { 5, 6 };
	EXPECT_RET(0, mbox_delete(self->name, MBOX_DELETE_DRAIN, &deleted));
	EXPECT_EQ(2, deleted.queued);
	EXPECT_EQ(0, deleted.dropped);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(mbox_fd(self->mb)).state);
	EXPECT_STREQ("one", take(mbox_fd(self->mb)));
	/* it keeps its name until it is empty, or is deleted */
	EXPECT_RET(0, mbox_delete(self->name, MBOX_DELETE_FORCE, &deleted));
	EXPECT_EQ(1, deleted.queued);
	EXPECT_EQ(1, deleted.dropped);
	deleted = (struct mbox_deleted) { 5, 6 };
	EXPECT_RET(-ENOENT, mbox_delete(self->name, MBOX_DELETE_FORCE, &deleted));
	EXPECT_RET(-EIDRM, mbox_delete_handle(self->mb, MBOX_DELETE_FORCE, &deleted));
	EXPECT_EQ(5, deleted.queued);
	EXPECT_EQ(6, deleted.dropped);
}

TEST_F(lib, get)
{
	struct mbox_info info;

	memset(&info, POISON, sizeof(info));
	EXPECT_RET(0, mbox_get(self->mb, &info));
	EXPECT_EQ(0, memcmp(&self->before, &info, sizeof(info)));
	ASSERT_EQ(0, mbox_delete(self->name, MBOX_DELETE_FORCE, NULL));
	EXPECT_RET(0, mbox_get(self->mb, &info));
	EXPECT_EQ(MBOX_STATE_DEAD, info.state);
	EXPECT_STREQ(self->name, info.name);
}

TEST_F(lib, set)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY | MBOX_SET_BYTES };
	int fd = mbox_fd(self->mb);

	set.capacity = 9;
	set.bytes = 10000;
	EXPECT_RET(0, mbox_set(self->mb, &set));
	EXPECT_EQ(9, info_of(fd).capacity);
	EXPECT_EQ(10000, info_of(fd).bytes);
	EXPECT_RET(0, mbox_chmod(self->mb, 0642));
	EXPECT_EQ(0642, info_of(fd).mode);
	if (geteuid() == 0) {
		EXPECT_RET(0, mbox_chown(self->mb, 5, 6));
		EXPECT_EQ(5, info_of(fd).uid);
		EXPECT_EQ(6, info_of(fd).gid);
		EXPECT_RET(0, mbox_chown(self->mb, -1, 7));
		EXPECT_EQ(5, info_of(fd).uid);
		EXPECT_EQ(7, info_of(fd).gid);
		EXPECT_RET(0, mbox_chown(self->mb, 8, -1));
		EXPECT_EQ(8, info_of(fd).uid);
		EXPECT_EQ(7, info_of(fd).gid);
	}
	self->before = info_of(fd);
	EXPECT_RET(0, mbox_chown(self->mb, -1, -1));
	EXPECT_RET(-EINVAL, mbox_chmod(self->mb, 0700));
	set.mask = 0;
	EXPECT_RET(-EINVAL, mbox_set(self->mb, &set));
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_BYTES, .bytes = 1 };
	EXPECT_RET(-EINVAL, mbox_set(self->mb, &set));
	set = (struct mbox_ioc_set) { .flags = 1, .mask = MBOX_SET_CAPACITY, .capacity = 1 };
	EXPECT_RET(-EINVAL, mbox_set(self->mb, &set));
	EXPECT_NOTHING_CHANGED();
	ASSERT_EQ(0, mbox_delete_handle(self->mb, MBOX_DELETE_FORCE, NULL));
	EXPECT_RET(-EIDRM, mbox_chmod(self->mb, 0600));
}

/* Without the device, or without a module behind it, no error says that a mailbox is missing. */
static int without_device(void *arg)
{
	struct mbox_attr attr = test_attr();
	struct mbox *mb = NOT_WRITTEN;
	uid_t uid = spare_uid(0);
	struct statvfs fs;

	if (chroot(arg) || chdir("/"))
		return -errno;
	CHECK_RET(-ENODEV, mbox_create(&mb, "name", RIGHTS_BOTH, &attr));
	CHECK_RET(-ENODEV, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	CHECK_RET(-ENODEV, mbox_open(&mb, "name", RIGHTS_BOTH));
	CHECK_RET(-ENODEV, mbox_open_or_create(&mb, "name", RIGHTS_BOTH, &attr));
	CHECK_RET(-ENODEV, mbox_delete("name", MBOX_DELETE_FORCE, NULL));
	CHECK_RET(-EINVAL, mbox_open(&mb, "", RIGHTS_BOTH));
	/* no driver has that number */
	if (mkdir("/dev", 0755) || mknod("/dev/mbox", S_IFCHR | 0600, makedev(300, 1)) ||
	    statvfs("/", &fs))
		return -errno;
	if (!(fs.f_flag & ST_NODEV))
		CHECK_RET(-ENODEV, mbox_open(&mb, "name", RIGHTS_BOTH));
	CHECK_RET(0, become(uid, uid));
	CHECK_RET(-EACCES, mbox_open(&mb, "name", RIGHTS_BOTH));
	CHECK_RET(NOT_WRITTEN, mb);
	return 0;
}

TEST(no_device)
{
	char root[] = "/tmp/mbox-library-XXXXXX", path[64];

	if (geteuid())
		SKIP(return, "only root can change the root directory");
	ASSERT_NE(NULL, mkdtemp(root));
	EXPECT_EQ(0, chmod(root, 0755));
	EXPECT_EQ(0, in_child(without_device, root));
	snprintf(path, sizeof(path), "%s/dev/mbox", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/dev", root);
	rmdir(path);
	EXPECT_EQ(0, rmdir(root));
}

/* It takes two descriptors; with fewer nothing is created. */
static int with_few_descriptors(void *arg)
{
	struct rlimit limit = { 64, 64 };
	struct mbox_attr attr = test_attr();
	struct mbox *mb = NOT_WRITTEN;
	int last = -1, fd;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return -errno;
	while ((fd = dup(0)) >= 0)
		last = fd;
	for (int left = 0; left < 2; left++) {
		CHECK_RET(-EMFILE, mbox_create(&mb, arg, RIGHTS_BOTH, &attr));
		CHECK_RET(-EMFILE, mbox_open_or_create(&mb, arg, RIGHTS_BOTH, &attr));
		close(last--);
		CHECK_RET(-ENOENT, mbox_delete(arg, MBOX_DELETE_FORCE, NULL));
	}
	CHECK_RET(NOT_WRITTEN, mb);
	CHECK_RET(0, mbox_create(&mb, arg, RIGHTS_BOTH, &attr));
	mbox_close(mb);
	return 0;
}

TEST(few_descriptors)
{
	char name[MBOX_NAME_SIZE];

	name_make(name);
	EXPECT_EQ(0, in_child(with_few_descriptors, name));
}

MBOX_TEST_MAIN
