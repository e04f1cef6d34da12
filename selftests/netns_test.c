// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of mailboxes with their network namespace, and the rights in another's; namespace_test
 * has the rest about namespaces. The kernel takes a namespace without processes down some time
 * later: the test waits for the effects.
 */
#include "lib/child_call.h"
#include "lib/module.h"
#include "lib/passing.h"
#include "lib/user.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>

/* Results of children that are no errno. */
#define NO_NAMESPACE	1

#define SKIP_WITHOUT(ret, what) do { \
	if ((ret) == NO_NAMESPACE) \
		SKIP(return, "no new " what " namespace can be made here"); \
} while (0)

/* In children: return the line of the failed check, a result that no call has. */
#define REQUIRE(condition) do { \
	if (!(condition)) \
		return 10000 + __LINE__; \
} while (0)

/*
 * A namespace with mailboxes, made by a child that passes their handles and, if asked, a descriptor
 * of the namespace, and leaves.
 */
enum { BOUNDED, ZERO, DRAINING, UNLINKED, BOXES };

FIXTURE(net)
{
	char name[MBOX_NAME_SIZE];
	uid_t user;			/* owner of the namespaces; 0: no user namespace */
	int socks[2];
	int fd[BOXES];
	int ns;
};

FIXTURE_SETUP(net)
{
	if (geteuid())
		SKIP(return, "only root can make and enter network namespaces");
	name_make(self->name);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, self->socks));
}

FIXTURE_TEARDOWN(net)
{
}

static int populate(void *arg)
{
	struct _test_data_net *self = arg;
	struct mbox_ioc_open new = open_arg(self->name, 2);

	if (self->user && become(self->user, self->user))
		return NO_NAMESPACE;
	if (unshare(CLONE_NEWNET | (self->user ? CLONE_NEWUSER : 0)))
		return NO_NAMESPACE;
	new.lifetime = MBOX_LIFETIME_OS;
	new.mode = 0;
	self->fd[BOUNDED] = open_call(MBOX_IOC_CREATE, &new);
	new = open_arg(NULL, MBOX_CAPACITY_ZERO);
	self->fd[ZERO] = open_call(MBOX_IOC_CREATE, &new);
	new = open_arg(NULL, 2);
	self->fd[DRAINING] = open_call(MBOX_IOC_CREATE, &new);
	self->fd[UNLINKED] = open_call(MBOX_IOC_CREATE, &new);
	for (int i = 0; i < BOXES; i++) {
		if (i != ZERO)
			REQUIRE(put(self->fd[i], 0, "kept") == 0);
		REQUIRE(fd_pass(self->socks[1], self->fd[i]) == 0);
	}
	REQUIRE(delete_fd(self->fd[DRAINING], MBOX_DELETE_DRAIN) == 0);
	REQUIRE(delete_fd(self->fd[UNLINKED], MBOX_DELETE_UNLINK) == 0);
	REQUIRE(fd_pass(self->socks[1], open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) == 0);
	return 0;
}

static int populated(struct __test_metadata *_metadata, struct _test_data_net *self)
{
	int ret = in_child(populate, self);

	if (ret)
		return ret;
	for (int i = 0; i < BOXES; i++) {
		self->fd[i] = fd_take(self->socks[0]);
		ASSERT_LE(0, self->fd[i]);
	}
	self->ns = fd_take(self->socks[0]);
	ASSERT_LE(0, self->ns);
	return 0;
}

static int find_kept(void *arg)
{
	struct _test_data_net *self = arg;
	int fd;

	REQUIRE(setns(self->ns, CLONE_NEWNET) == 0);
	fd = open_name(self->name, RIGHTS_BOTH);
	REQUIRE(fd >= 0);
	REQUIRE(info_of(fd).id == info_of(self->fd[BOUNDED]).id);
	REQUIRE(strcmp("kept", take(fd)) == 0);
	REQUIRE(put(fd, 0, "kept") == 0);
	return 0;
}

/* Nobody is in it, but it is there; and so are its mailboxes. */
TEST_F(net, kept_by_descriptor)
{
	int ret = populated(_metadata, self);

	SKIP_WITHOUT(ret, "network");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
	/* it is not late: each process that enters finds them, any number of times */
	EXPECT_EQ(0, in_child(find_kept, self));
	EXPECT_EQ(0, in_child(find_kept, self));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(self->fd[BOUNDED]).state);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd[DRAINING]).state);
	EXPECT_EQ(MBOX_STATE_UNLINKED, info_of(self->fd[UNLINKED]).state);
}

/* A blocked process must not keep the namespace by a descriptor that it inherited. */
static int ns_inherited;

static void leave_ns(struct call *call)
{
	close(ns_inherited);
}

static struct call *start(struct __test_metadata *_metadata, int fd, enum call_kind kind,
			  uint32_t flags)
{
	struct mbox_info before = info_of(fd);
	struct call *call = call_new(fd, kind);
	bool sends = kind == CALL_SEND || kind == CALL_WRITE;

	call->send.flags = flags;
	call->send.size = call->size = 10;
	call->recv.min_prio = 1;	/* nothing that is queued */
	call->events = POLLPRI;		/* nothing at all */
	call->prepare = leave_ns;
	call_start(call);
	if (kind == CALL_POLL) {
		ASSERT_TRUE(await_sleeping(call->pid));
	} else {
		ASSERT_TRUE(await_blocked(fd, before.senders + sends, before.receivers + !sends));
	}
	return call;
}

/* Every blocked call ends with the namespace, in each state of the mailbox. */
TEST_F(net, ends_blocked_calls)
{
	struct call *calls[9], *polls[BOXES];
	struct mbox_info info;
	int ret = populated(_metadata, self), n = 0;

	SKIP_WITHOUT(ret, "network");
	ASSERT_EQ(0, ret);
	ns_inherited = self->ns;
	/* its message is accepted, and then nobody else's is */
	calls[n++] = start(_metadata, self->fd[BOUNDED], CALL_SEND, MBOX_SEND_SYNC);
	EXPECT_EQ(2, info_of(self->fd[BOUNDED]).queued);
	calls[n++] = start(_metadata, self->fd[BOUNDED], CALL_SEND, MBOX_SEND_SYNC);
	calls[n++] = start(_metadata, self->fd[BOUNDED], CALL_SEND, 0);
	calls[n++] = start(_metadata, self->fd[BOUNDED], CALL_WRITE, 0);
	calls[n++] = start(_metadata, self->fd[BOUNDED], CALL_RECV, 0);
	calls[n++] = start(_metadata, self->fd[ZERO], CALL_RECV, 0);
	calls[n++] = start(_metadata, self->fd[ZERO], CALL_SEND, 0);
	calls[n++] = start(_metadata, self->fd[DRAINING], CALL_RECV, 0);
	calls[n++] = start(_metadata, self->fd[UNLINKED], CALL_RECV, 0);
	/* where sends can only fail, since it was deleted, poll() does not block */
	for (int i = 0; i < BOXES; i++)
		if (i != DRAINING)
			polls[i] = start(_metadata, self->fd[i], CALL_POLL, 0);
	for (int i = 0; i < n; i++)
		EXPECT_EQ(0, calls[i]->done);
	close(self->ns);
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(-EIDRM, call_end(calls[i]))
			TH_LOG("call %d", i);
	}
	for (int i = 0; i < BOXES; i++) {
		if (i != DRAINING) {
			EXPECT_EQ(1, call_end(polls[i]));
			EXPECT_EQ(POLLHUP, polls[i]->events & POLLHUP);
		}
		info = info_of(self->fd[i]);
		EXPECT_EQ(MBOX_STATE_DEAD, info.state);
		EXPECT_EQ(0, info.senders);
		EXPECT_EQ(0, info.receivers);
		EXPECT_EQ(info.sent, info.dropped);
		EXPECT_EQ(i == BOUNDED ? 2 : i == ZERO ? 0 : 1, info.dropped);
		EXPECT_EQ(-EIDRM, put(self->fd[i], 0, "text"));
		EXPECT_STREQ("EIDRM", take(self->fd[i]));
		EXPECT_EQ(-EIDRM, delete_fd(self->fd[i], MBOX_DELETE_FORCE));
		EXPECT_BALANCED(self->fd[i]);
	}
}

/* As many mailboxes as a user may have, none of which he deletes. */
static int use_up_quota(void *arg)
{
	struct _test_data_net *self = arg;
	uint64_t quota = param_get("user_mailboxes"), n;
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	char name[MBOX_NAME_SIZE];
	int ret = 0;

	REQUIRE(become(self->user, self->user) == 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return NO_NAMESPACE;
	for (n = 0; n < quota; n++) {
		struct mbox_ioc_open open;

		snprintf(name, sizeof(name), "number-%llu", (unsigned long long)n);
		open = open_arg(name, 1);
		open.lifetime = MBOX_LIFETIME_OS;
		/* those of before go when their namespace does */
		while ((ret = open_call(MBOX_IOC_CREATE, &open)) == -EDQUOT && now() < end)
			nap();
		REQUIRE(ret >= 0);
		close(ret);
	}
	/* that was all */
	REQUIRE(open_call(MBOX_IOC_CREATE, &(struct mbox_ioc_open) {
		.lifetime = MBOX_LIFETIME_FD }) == -EDQUOT);
	return 0;
}

TEST_F(net, gives_quota_back)
{
	int ret;

	if (!param_get("user_mailboxes") || param_get("user_mailboxes") > 10000)
		SKIP(return, "the quota of mailboxes cannot be read, or takes too long to use up");
	self->user = spare_uid(0);
	ret = in_child(use_up_quota, self);
	SKIP_WITHOUT(ret, "user");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, in_child(use_up_quota, self));
}

static int set_ipc_owner(bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	if (on)
		data[0].effective |= 1U << CAP_IPC_OWNER;
	else
		data[0].effective &= ~(1U << CAP_IPC_OWNER);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* CAP_IPC_OWNER of a namespace is that of those below it, too; being root is nothing. */
static int be_root_inside(void *arg)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0600 };
	struct _test_data_net *self = arg;
	int fd, weak;

	REQUIRE(setns(self->ns, CLONE_NEWNET) == 0);
	fd = open_name(self->name, RIGHTS_BOTH);
	REQUIRE(fd >= 0);
	REQUIRE(info_of(fd).uid == self->user);
	REQUIRE(strcmp("kept", take(fd)) == 0);
	REQUIRE(xioctl(fd, MBOX_IOC_SET, &set) == 0);
	set.mode = 0;
	REQUIRE(xioctl(fd, MBOX_IOC_SET, &set) == 0);

	REQUIRE(set_ipc_owner(false) == 0);
	REQUIRE(open_name(self->name, MBOX_RIGHT_RECV) == -EACCES);
	REQUIRE(open_name(self->name, MBOX_RIGHT_SEND) == -EACCES);
	/* without rights only the owner would be given one, where the mode grants nothing */
	REQUIRE(open_name(self->name, 0) == -EACCES);
	REQUIRE(delete_name(self->name, MBOX_DELETE_FORCE) == -EPERM);
	/*
	 * a handle that was opened before keeps its rights, but gives no privilege to a caller
	 * without
	 */
	REQUIRE(put(fd, 0, "kept") == 0);
	set.mode = 0044;
	REQUIRE(xioctl(fd, MBOX_IOC_SET, &set) == -EPERM);
	REQUIRE(delete_fd(fd, MBOX_DELETE_FORCE) == -EPERM);
	REQUIRE(set_ipc_owner(true) == 0);
	REQUIRE(xioctl(fd, MBOX_IOC_SET, &set) == 0);
	/* nor is it that of an opener that had none */
	REQUIRE(set_ipc_owner(false) == 0);
	weak = open_name(self->name, 0);
	REQUIRE(weak >= 0);
	REQUIRE(set_ipc_owner(true) == 0);
	REQUIRE(xioctl(weak, MBOX_IOC_SET, &set) == -EPERM);
	REQUIRE(delete_fd(weak, MBOX_DELETE_FORCE) == -EPERM);
	REQUIRE(info_of(fd).state == MBOX_STATE_LIVE);
	REQUIRE(delete_fd(fd, MBOX_DELETE_FORCE) == 0);
	return 0;
}

TEST_F(net, power_from_above)
{
	int ret;

	self->user = spare_uid(0);
	ret = populated(_metadata, self);
	SKIP_WITHOUT(ret, "user");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, in_child(be_root_inside, self));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd[BOUNDED]).state);
}

/* Process ids among namespaces that do not see each other, and one in the other. */
FIXTURE(pids)
{
	int fd, zero;
	int ready, go;			/* of the process that is two namespaces away */
	struct mbox_header inner;
	int result;
};

FIXTURE_SETUP(pids)
{
	self->fd = box_new(_metadata, 8);
	self->zero = box_new(_metadata, MBOX_CAPACITY_ZERO);
}

/* In the parent, so that the data is shared. */
FIXTURE_TEARDOWN_PARENT(pids)
{
	close(self->fd);
	close(self->zero);
}

/* Run it as the first process of a new pid namespace. */
static int in_pid_namespace(int (*fn)(void *), void *arg)
{
	pid_t pid;
	int status;

	if (unshare(CLONE_NEWPID))
		return NO_NAMESPACE;
	pid = fork_child();
	if (pid == 0)
		_exit(fn(arg) ? 1 : 0);
	status = reap(pid);
	return status ? 10000 : 0;
}

static int receive_from_nowhere(void *arg)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_SENDER | MBOX_RECV_NONBLOCK };
	struct _test_data_pids *self = arg;

	/* the sender was 1 as well, elsewhere */
	REQUIRE(getpid() == 1);
	recv.pid = 1;
	REQUIRE(xioctl(self->fd, MBOX_IOC_RECV, &recv) == -EAGAIN);
	recv.pid = 0;
	REQUIRE(xioctl(self->fd, MBOX_IOC_RECV, &recv) == 0);
	REQUIRE(recv.header.pid == 0);
	/* with no filter, 0 stands for an unknown sender */
	REQUIRE(recv_bytes(self->zero, 0, NULL, 0, &recv.header) == 0);
	REQUIRE(recv.header.pid == 0);
	return 0;
}

static int send_to_nowhere(void *arg)
{
	struct _test_data_pids *self = arg;

	REQUIRE(getpid() == 1);
	REQUIRE(put(self->fd, 0, "") == 0);
	set_flag(&self->ready);
	REQUIRE(send_bytes(self->zero, 0, 0, 0, NULL, 0) == 0);
	return 0;
}

static int receiver_namespace(void *arg)
{
	return in_pid_namespace(receive_from_nowhere, arg);
}

TEST_F(pids, siblings)
{
	pid_t sender;
	int ret;

	sender = fork_child();
	ASSERT_LE(0, sender);
	if (sender == 0) {
		self->result = in_pid_namespace(send_to_nowhere, self);
		set_flag(&self->ready);
		_exit(0);
	}
	ASSERT_TRUE(await_flag(&self->ready));
	if (!self->result) {
		ret = in_child(receiver_namespace, self);
		EXPECT_EQ(0, ret);
		EXPECT_EQ(0, reap(sender));
	}
	SKIP_WITHOUT(self->result, "process id");
	EXPECT_EQ(0, self->result);
}

/* Two messages of one process: each receiver has its own number for it. */
static int send_twice(struct _test_data_pids *self)
{
	REQUIRE(put(self->fd, 0, "near") == 0);
	REQUIRE(put(self->fd, 0, "far") == 0);
	set_flag(&self->ready);
	return await_flag(&self->go) ? 0 : 1;
}

static int receive_near(void *arg)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_SENDER };
	struct _test_data_pids *self = arg;
	char text[8];
	pid_t child = fork_child();

	if (child == 0)
		_exit(send_twice(self));
	REQUIRE(await_flag(&self->ready));
	recv.data = address_of(text);
	recv.size = sizeof(text);
	recv.pid = getpid();
	recv.flags |= MBOX_RECV_NONBLOCK;
	REQUIRE(xioctl(self->fd, MBOX_IOC_RECV, &recv) == -EAGAIN);
	recv.pid = child;
	REQUIRE(xioctl(self->fd, MBOX_IOC_RECV, &recv) == 0);
	REQUIRE(recv.header.pid == (uint32_t)child);
	self->inner = recv.header;
	set_flag(&self->result);
	return reap(child);
}

/* The number of a process in the innermost of its namespaces, as /proc here has it. */
static unsigned int inner_pid(pid_t pid)
{
	unsigned int outer = 0, inner = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "NSpid: %u %u", &outer, &inner) > 0)
			break;
	if (f)
		fclose(f);
	return inner;
}

TEST_F(pids, one_in_the_other)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_SENDER | MBOX_RECV_NONBLOCK };
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	char text[8];
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (child == 0)
		_exit(in_pid_namespace(receive_near, self));
	while (!__atomic_load_n(&self->result, __ATOMIC_ACQUIRE)) {
		if (process_state(child) == 'Z')
			SKIP(return, "no new process id namespace can be made here");
		ASSERT_LT(now(), end);
		nap();
	}
	/* its number there is nobody's here, or another's */
	recv.pid = self->inner.pid;
	EXPECT_EQ(-EAGAIN, xioctl(self->fd, MBOX_IOC_RECV, &recv));
	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_PEEK, text, sizeof(text), &recv.header));
	EXPECT_NE(0, recv.header.pid);
	EXPECT_EQ(self->inner.pid, inner_pid(recv.header.pid));
	recv.pid = recv.header.pid;
	recv.data = address_of(text);
	recv.size = sizeof(text);
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(2, recv.header.seq);
	set_flag(&self->go);
	EXPECT_EQ(0, reap(child));
}

MBOX_TEST_MAIN
