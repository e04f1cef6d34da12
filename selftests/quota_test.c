// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas: so many mailboxes and so many bytes for each user, and all of it back when it is gone.
 *
 * Sets the module parameters, and sets them back. Meanwhile other users have less, too; tests that
 * run beside this one as root do not notice.
 */
#include "lib/child_call.h"
#include "lib/module.h"
#include "lib/user.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>

#define MAILBOXES	3
#define BYTES		16384

struct saved {
	uint64_t mailboxes, bytes, msg_size;
};

/* A user without privileges and without charges. */
FIXTURE(quota)
{
	struct saved saved;
	uid_t uid;
	/* for the tests below, in children */
	char name[MBOX_NAME_SIZE];
	int fd;
};

FIXTURE_SETUP(quota)
{
	if (geteuid())
		SKIP(return, "only root can set module parameters");
	self->saved.mailboxes = param_get("user_mailboxes");
	self->saved.bytes = param_get("user_bytes");
	self->saved.msg_size = param_get("max_msg_size");
	if (!self->saved.bytes)
		SKIP(return, "the module parameters cannot be read");
	if (param_set("user_mailboxes", MAILBOXES) || param_set("user_bytes", BYTES))
		SKIP(return, "the module parameters cannot be written");
	self->uid = spare_uid(0);
	name_make(self->name);
}

/* In the parent: parameters are set back also after a test that failed or hung. */
FIXTURE_TEARDOWN_PARENT(quota)
{
	if (!self->saved.bytes)
		return;
	param_set("user_mailboxes", self->saved.mailboxes);
	param_set("user_bytes", self->saved.bytes);
	param_set("max_msg_size", self->saved.msg_size);
}

static int box(const char *name, uint32_t capacity)
{
	struct mbox_ioc_open arg = open_arg(name, capacity);

	return open_call(MBOX_IOC_CREATE, &arg);
}

/* The payload of a message that is charged @bytes, a power of two. */
#define CHARGED(bytes)	((bytes) - MBOX_LARGE_CHARGE)

static int send_size(int fd, uint32_t flags, uint32_t size)
{
	static const char zeros[65536];

	return send_bytes(fd, flags, 0, 0, zeros, size);
}

static int recv_any(int fd)
{
	static char data[65536];

	return recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL);
}

/*
 * The tests run as the user, in a child. The state of a quota shows only in the calls that it refuses.
 */

static int mailboxes(void *arg)
{
	struct _test_data_quota *self = arg;
	struct mbox_ioc_open open;
	int fds[MAILBOXES];

	CHECK(0, become(self->uid, self->uid));
	for (int i = 0; i < MAILBOXES; i++) {
		fds[i] = box(i ? NULL : self->name, 1);
		CHECK(true, fds[i] >= 0);
	}
	/* named or not, by each call */
	name_make(self->name);
	open = open_arg(self->name, 1);
	CHECK(-EDQUOT, open_call(MBOX_IOC_CREATE, &open));
	CHECK(-EDQUOT, box(NULL, 1));
	open.flags = MBOX_OPEN_CREATE;
	CHECK(-EDQUOT, open_call(MBOX_IOC_OPEN, &open));
	CHECK(-ENOENT, open_name(self->name, 0));
	/* to open one takes none */
	name_copy(open.name, info_of(fds[0]).name);
	CHECK(true, open_call(MBOX_IOC_OPEN, &open) >= 0);
	/* one that is gone is free, though handles are left */
	CHECK(0, delete_fd(fds[1], MBOX_DELETE_FORCE));
	fds[1] = box(NULL, 1);
	CHECK(true, fds[1] >= 0);
	CHECK(-EDQUOT, box(NULL, 1));
	/* and one without name is not, as long as they are */
	CHECK(0, delete_fd(fds[1], MBOX_DELETE_UNLINK));
	CHECK(-EDQUOT, box(NULL, 1));
	close(fds[1]);
	/* also one that would have stayed, had it not lost its name */
	open = open_arg(self->name, 1);
	open.lifetime = MBOX_LIFETIME_OS;
	fds[1] = open_call(MBOX_IOC_CREATE, &open);
	CHECK(true, fds[1] >= 0);
	CHECK(0, put(fds[1], 0, "text"));
	CHECK(0, delete_name(self->name, MBOX_DELETE_UNLINK));
	CHECK(-EDQUOT, box(NULL, 1));
	close(fds[1]);
	CHECK(true, box(NULL, 1) >= 0);
	CHECK(-EDQUOT, box(NULL, 1));
	return 0;
}

TEST_F(quota, mailboxes)
{
	EXPECT_EQ(0, in_child(mailboxes, self));
	/* all of them ended with that process */
	EXPECT_EQ(0, in_child(mailboxes, self));
}

static int one_mailbox(void *arg)
{
	struct _test_data_quota *self = arg;
	int fd;

	CHECK(0, become(self->uid, self->uid));
	fd = box(NULL, 1);
	return fd < 0 ? fd : 0;
}

static int three_given_away(void *arg)
{
	struct _test_data_quota *self = arg;
	struct mbox_ioc_set set = { .mask = MBOX_SET_UID, .uid = spare_uid(9) };

	/* the real uid is charged; the saved one may not give the mailbox away */
	CHECK(0, setresuid(self->uid, self->uid, 0));
	for (int i = 0; i < MAILBOXES; i++) {
		int fd;

		name_make(self->name);
		fd = box(self->name, 1);
		CHECK(true, fd >= 0);
		CHECK(-EPERM, xioctl(fd, MBOX_IOC_SET, &set));
		CHECK(0, seteuid(0));
		fd = open_name(self->name, 0);
		CHECK(true, fd >= 0);
		CHECK(0, xioctl(fd, MBOX_IOC_SET, &set));
		CHECK(0, seteuid(self->uid));
	}
	CHECK(-EDQUOT, box(NULL, 1));
	return 0;
}

TEST_F(quota, mailboxes_given_away)
{
	EXPECT_EQ(0, in_child(three_given_away, self));
}

static int hold_all(void *arg)
{
	struct _test_data_quota *self = arg;

	CHECK(0, become(self->uid, self->uid));
	for (int i = 0; i < MAILBOXES; i++)
		CHECK(true, box(NULL, 1) >= 0);
	CHECK(-EDQUOT, box(NULL, 1));
	return 0;
}

/* The quota of one user is not another's. */
TEST_F(quota, users_apart)
{
	EXPECT_EQ(0, in_child(hold_all, self));
	self->uid++;
	EXPECT_EQ(0, in_child(one_mailbox, self));
}

/* To the byte: small messages cost the same, large ones a power of two. */
static int bytes(void *arg)
{
	struct _test_data_quota *self = arg;
	const int small = BYTES / MBOX_SMALL_CHARGE;
	int fd;

	CHECK(0, become(self->uid, self->uid));
	fd = box(NULL, MBOX_CAPACITY_UNBOUNDED);
	CHECK(true, fd >= 0);
	for (int i = 0; i < small; i++)
		CHECK(0, send_size(fd, 0, i * MBOX_SMALL_SIZE / small));
	CHECK(-EDQUOT, send_size(fd, 0, 0));
	CHECK(-EDQUOT, send_size(fd, MBOX_SEND_NONBLOCK, 1));
	CHECK(-EDQUOT, send_size(fd, MBOX_SEND_SYNC, 1));
	CHECK(-EDQUOT, xwrite(fd, "x", 1));
	CHECK(small, info_of(fd).queued);
	CHECK(0, recv_any(fd));
	CHECK(0, send_size(fd, 0, MBOX_SMALL_SIZE));
	CHECK(-EDQUOT, send_size(fd, 0, 0));
	for (int i = 0; i < small; i++)
		CHECK(0, recv_any(fd));

	CHECK(0, send_size(fd, 0, CHARGED(BYTES / 4) + 1));
	CHECK(-EDQUOT, send_size(fd, 0, CHARGED(BYTES / 2) + 1));
	CHECK(0, send_size(fd, 0, CHARGED(BYTES / 2)));
	CHECK(-EDQUOT, send_size(fd, 0, 0));
	CHECK(0, recv_any(fd));
	CHECK(0, send_size(fd, 0, CHARGED(BYTES / 4)));
	CHECK(0, send_size(fd, 0, CHARGED(BYTES / 4)));
	CHECK(-EDQUOT, send_size(fd, 0, 0));
	return 0;
}

TEST_F(quota, bytes)
{
	EXPECT_EQ(0, in_child(bytes, self));
	/* the queue went with the mailbox */
	EXPECT_EQ(0, in_child(bytes, self));
}

/* All of the quota is free, to the byte. */
static int expect_all_free(int fd)
{
	CHECK(0, send_size(fd, 0, CHARGED(BYTES / 2)));
	CHECK(0, send_size(fd, 0, CHARGED(BYTES / 2)));
	CHECK(-EDQUOT, send_size(fd, 0, 0));
	CHECK(0, recv_any(fd));
	CHECK(0, recv_any(fd));
	return 0;
}

/* A send that fails has cost nothing. */
static int failures(void *arg)
{
	struct _test_data_quota *self = arg;
	struct mbox_ioc_send late = { .flags = MBOX_SEND_SYNC, .clock = MBOX_CLOCK_MONOTONIC };
	int fd, full;

	CHECK(0, become(self->uid, self->uid));
	fd = box(NULL, MBOX_CAPACITY_UNBOUNDED);
	full = box(NULL, MBOX_CAPACITY_ZERO);
	for (int i = 0; i < 100; i++) {
		CHECK(-EAGAIN, send_size(full, MBOX_SEND_NONBLOCK, 100));
		CHECK(-EAGAIN, send_size(full, MBOX_SEND_NONBLOCK, 5000));
		CHECK(-EFAULT, send_bytes(fd, 0, 0, 0, NULL, 100));
		CHECK(-EFAULT, send_bytes(fd, 0, 0, 0, NULL, 5000));
		CHECK(-EMSGSIZE, send_size(fd, 0, 8193));
		CHECK(-EINVAL, send_bytes(fd, 0, MBOX_PRIO_MAX + 1, 0, NULL, 0));
		/* withdrawn */
		CHECK(-ETIMEDOUT, xioctl(fd, MBOX_IOC_SEND, &late));
		CHECK(-EDQUOT, send_size(fd, 0, 8192) ?: send_size(fd, 0, 8192));
		CHECK(0, recv_any(fd));
	}
	return expect_all_free(fd);
}

TEST_F(quota, failures_are_free)
{
	EXPECT_EQ(0, in_child(failures, self));
}

static int deletions(void *arg)
{
	struct _test_data_quota *self = arg;

	CHECK(0, become(self->uid, self->uid));
	for (int i = 0; i < 20; i++) {
		int fd = box(NULL, MBOX_CAPACITY_UNBOUNDED);

		CHECK(true, fd >= 0);
		CHECK(0, send_size(fd, 0, CHARGED(8192)));
		CHECK(0, send_size(fd, 0, 1));
		if (i % 3 == 0)
			CHECK(0, delete_fd(fd, MBOX_DELETE_FORCE));
		if (i % 3 == 1) {
			CHECK(0, delete_fd(fd, MBOX_DELETE_DRAIN));
			CHECK(0, recv_any(fd));
			CHECK(0, recv_any(fd));
		}
		close(fd);
	}
	return expect_all_free(box(NULL, MBOX_CAPACITY_UNBOUNDED));
}

TEST_F(quota, deletion_frees)
{
	EXPECT_EQ(0, in_child(deletions, self));
}

/* A waiting message is charged like a queued one. */
static int blocked(void *arg)
{
	struct _test_data_quota *self = arg;
	struct call *call;
	int fd, other;

	CHECK(0, become(self->uid, self->uid));
	fd = box(NULL, MBOX_CAPACITY_ZERO);
	other = box(NULL, MBOX_CAPACITY_UNBOUNDED);
	for (int i = 0; i < 2; i++) {
		call = call_new(fd, CALL_SEND);
		call->send.size = 6000;
		call_start(call);
		CHECK(true, await_blocked(fd, 1, 0));
		CHECK(-EDQUOT, send_size(other, 0, CHARGED(BYTES / 2) + 1));
		CHECK(0, send_size(other, 0, 10));
		if (i == 0) {
			CHECK(0, recv_any(fd));
			CHECK(getpid(), call_end(call));
		} else {
			kill(call->pid, SIGKILL);
			CHECK(-ECHILD, call_end(call));
		}
		CHECK(0, recv_any(other));
		CHECK(0, expect_all_free(other));
	}
	return 0;
}

TEST_F(quota, blocked_sends)
{
	EXPECT_EQ(0, in_child(blocked, self));
}

/* The sender pays, in whosever mailbox it is, until it is received. */
static int send_to_root(void *arg)
{
	struct _test_data_quota *self = arg;
	int fd;

	CHECK(0, become(self->uid, self->uid));
	fd = open_name(self->name, MBOX_RIGHT_SEND);
	CHECK(true, fd >= 0);
	return send_size(fd, 0, 6000);
}

TEST_F(quota, sender_pays)
{
	struct mbox_ioc_open arg = open_arg(self->name, 8);
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0622 };
	int fd = open_call(MBOX_IOC_CREATE, &arg);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0, in_child(send_to_root, self));
	/* though the process is gone, its message is charged */
	EXPECT_EQ(-EDQUOT, in_child(send_to_root, self));
	EXPECT_EQ(1, info_of(fd).queued);
	EXPECT_EQ(0, recv_any(fd));
	EXPECT_EQ(0, in_child(send_to_root, self));
	EXPECT_EQ(1, info_of(fd).queued);
	close(fd);
}

/* Root passes: by CAP_SYS_RESOURCE, not by being root. */
static int drop_resource(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	data[0].effective &= ~(1U << CAP_SYS_RESOURCE);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int privileged(void *arg)
{
	int fd = box(NULL, MBOX_CAPACITY_UNBOUNDED);

	CHECK(true, fd >= 0);
	for (int i = 0; i < MAILBOXES; i++)
		CHECK(true, box(NULL, 1) >= 0);
	CHECK(0, send_size(fd, 0, 8192));
	CHECK(0, send_size(fd, 0, 8192));
	CHECK(0, drop_resource());
	CHECK(-EDQUOT, box(NULL, 1));
	CHECK(-EDQUOT, send_size(fd, 0, 8192));
	return 0;
}

TEST_F(quota, privilege)
{
	EXPECT_EQ(0, in_child(privileged, self));
}

/* A passed handle does not carry the privilege of its opener. */
static int unprivileged_handle(void *arg)
{
	struct _test_data_quota *self = arg;
	int fd;

	/* for the opening only: the real uid stays root's */
	if (setresuid(-1, self->uid, -1))
		return -errno;
	fd = box(NULL, MBOX_CAPACITY_UNBOUNDED);
	if (setresuid(-1, 0, -1))
		return -errno;
	CHECK(true, fd >= 0);
	CHECK(0, param_set("user_bytes", 1000));
	CHECK(-EDQUOT, send_size(fd, 0, 1001));
	return 0;
}

TEST_F(quota, handle_of_somebody_without_privilege)
{
	/* root's own mailboxes count here */
	ASSERT_EQ(0, param_set("user_mailboxes", 100000));
	EXPECT_EQ(0, in_child(unprivileged_handle, self));
}

/* Root in a user namespace of one's own is not root. */
#define NO_NAMESPACE	1

static int own_user_namespace(void *arg)
{
	struct _test_data_quota *self = arg;
	int fd;

	CHECK(0, become(self->uid, self->uid));
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return NO_NAMESPACE;
	for (int i = 0; i < MAILBOXES; i++)
		CHECK(true, (fd = box(NULL, MBOX_CAPACITY_UNBOUNDED)) >= 0);
	CHECK(-EDQUOT, box(NULL, 1));
	CHECK(0, send_size(fd, 0, 8192));
	CHECK(-EDQUOT, send_size(fd, 0, 8192));
	return 0;
}

TEST_F(quota, own_user_namespace)
{
	int ret = in_child(own_user_namespace, self);

	if (ret == NO_NAMESPACE)
		SKIP(return, "users may not make user namespaces here");
	EXPECT_EQ(0, ret);
}

/* The longest message that a mailbox can be made for. */
TEST_F(quota, max_msg_size)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1);
	int before, fd;

	arg.msg_size = 8000;
	before = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, param_set("max_msg_size", 4096));
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
	arg.msg_size = 4097;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
	arg.msg_size = 4096;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	EXPECT_LE(0, fd);
	close(fd);
	arg.msg_size = 0;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	EXPECT_LE(0, fd);
	EXPECT_EQ(4096, info_of(fd).msg_size);
	close(fd);
	/* an existing one keeps its limit */
	EXPECT_EQ(8000, info_of(before).msg_size);
	EXPECT_EQ(0, send_size(before, 0, 8000));
	EXPECT_EQ(0, recv_any(before));
	close(before);
}

/* No value of a parameter breaks the limits of the module. */
TEST_F(quota, bad_parameters)
{
	EXPECT_EQ(-EINVAL, param_set("max_msg_size", 0));
	EXPECT_EQ(-EINVAL, param_set("max_msg_size", 0xffffffff));
	EXPECT_EQ(self->saved.msg_size, param_get("max_msg_size"));
}

MBOX_TEST_MAIN
