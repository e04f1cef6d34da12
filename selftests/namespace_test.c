// SPDX-License-Identifier: GPL-2.0-only
/* Namespaces: the names that a process sees, and its ids as others see them. */
#include "lib/child_call.h"
#include "lib/passing.h"
#include "lib/user.h"

#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x00000080
#endif

#define OVERFLOW_ID	65534

/* Results of children that are no errno. */
#define NO_NAMESPACE	1

/* A child and its parent, and their shared state. */
struct pair {
	char name[MBOX_NAME_SIZE];
	char other[MBOX_NAME_SIZE];
	int fd;				/* of the parent's, inherited */
	int zero;			/* of capacity zero, likewise */
	int socks[2];
	uid_t uid;
	pid_t pid;
	uint64_t seen;
	struct mbox_header header;
	struct mbox_info info;
	int ready, go;
};

static struct pair *pair_new(struct __test_metadata *_metadata)
{
	struct pair *pair = shared_alloc(sizeof(*pair));

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair->socks));
	pair->fd = box_new_named(_metadata, 8, pair->name);
	pair->zero = box_new(_metadata, MBOX_CAPACITY_ZERO);
	name_make(pair->other);
	pair->uid = spare_uid(0);
	return pair;
}

#define SKIP_WITHOUT(ret, what) do { \
	if ((ret) == NO_NAMESPACE) \
		SKIP(return, "no new " what " namespace can be made here"); \
} while (0)

static int other_net(void *arg)
{
	struct mbox_ioc_open open;
	struct pair *pair = arg;
	int before = factory_open(), fd;

	if (unshare(CLONE_NEWNET))
		return NO_NAMESPACE;
	/* a new factory has other names, the handle still works, and so does the old factory */
	if (open_name(pair->name, 0) != -ENOENT ||
	    delete_name(pair->name, MBOX_DELETE_FORCE) != -ENOENT)
		return -EBADMSG;
	open = open_arg(pair->name, 8);
	fd = open_call(MBOX_IOC_CREATE, &open);
	if (fd < 0)
		return fd;
	if (info_of(fd).id == info_of(pair->fd).id || put(fd, 0, "inside"))
		return -EBADMSG;
	if (strcmp("outside", take(pair->fd)))
		return -EBADMSG;
	open = (struct mbox_ioc_open) { .rights = MBOX_RIGHT_SEND };
	name_copy(open.name, pair->name);
	fd = xioctl(before, MBOX_IOC_OPEN, &open);
	if (fd < 0)
		return fd;
	return put(fd, 0, "by the old factory");
}

TEST(names_are_the_network_namespaces)
{
	struct pair *pair = pair_new(_metadata);
	int ret;

	ASSERT_EQ(0, put(pair->fd, 0, "outside"));
	ret = in_child(other_net, pair);
	SKIP_WITHOUT(ret, "network");
	EXPECT_EQ(0, ret);
	EXPECT_STREQ("by the old factory", take(pair->fd));
	EXPECT_STREQ("EAGAIN", take(pair->fd));
}

/* A namespace with mailboxes in it, whose handles have left it. */
static int leave_namespace(void *arg)
{
	struct pair *pair = arg;
	struct mbox_ioc_open open = open_arg(pair->other, 1);
	int fd, other;

	if (unshare(CLONE_NEWNET))
		return NO_NAMESPACE;
	open.lifetime = MBOX_LIFETIME_OS;
	fd = open_call(MBOX_IOC_CREATE, &open);
	open = open_arg(NULL, 1);
	other = open_call(MBOX_IOC_CREATE, &open);
	if (fd < 0 || other < 0 || put(fd, 0, "full"))
		return -EBADMSG;
	if (fd_pass(pair->socks[1], fd) || fd_pass(pair->socks[1], other) ||
	    fd_pass(pair->socks[1], factory_open()))
		return -EPROTO;
	set_flag(&pair->ready);
	return await_flag(&pair->go) ? 0 : -ETIME;
}

TEST(namespace_goes)
{
	struct pair *pair = pair_new(_metadata);
	struct mbox_ioc_open open;
	struct call *sender, *receiver, *poller;
	int named, anonymous, factory;
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (child == 0)
		_exit(leave_namespace(pair) == NO_NAMESPACE);
	while (!__atomic_load_n(&pair->ready, __ATOMIC_ACQUIRE)) {
		if (process_state(child) == 'Z')
			SKIP(return, "no new network namespace can be made here");
		nap();
	}
	named = fd_take(pair->socks[0]);
	anonymous = fd_take(pair->socks[0]);
	factory = fd_take(pair->socks[0]);
	ASSERT_LE(0, named);
	ASSERT_LE(0, anonymous);
	ASSERT_LE(0, factory);
	/* from outside it can be used, and is not seen */
	EXPECT_EQ(-ENOENT, open_name(pair->other, 0));
	EXPECT_STREQ("full", peek(named));
	sender = send_start(named, 0, "blocked");
	receiver = recv_start(anonymous);
	poller = call_new(anonymous, CALL_POLL);
	poller->events = POLLIN;
	call_start(poller);
	ASSERT_TRUE(await_blocked(named, 1, 0));
	ASSERT_TRUE(await_blocked(anonymous, 0, 1));
	set_flag(&pair->go);
	EXPECT_EQ(0, reap(child));
	/* it is gone some time after its last process */
	EXPECT_EQ(-EIDRM, call_end(sender));
	EXPECT_EQ(-EIDRM, call_end(receiver));
	EXPECT_EQ(1, call_end(poller));
	EXPECT_EQ(POLLHUP, poller->events & POLLHUP);
	EXPECT_STREQ("EIDRM", take(named));
	EXPECT_EQ(-EIDRM, put(anonymous, 0, "text"));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(named).state);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(anonymous).state);
	EXPECT_EQ(1, info_of(named).dropped);
	EXPECT_BALANCED(named);
	EXPECT_BALANCED(anonymous);
	/* a factory of it makes no more */
	open = open_arg(pair->other, 1);
	EXPECT_EQ(-EIDRM, xioctl(factory, MBOX_IOC_CREATE, &open));
	open = open_arg(NULL, 1);
	EXPECT_EQ(-EIDRM, xioctl(factory, MBOX_IOC_CREATE, &open));
	open = (struct mbox_ioc_open) { .rights = MBOX_RIGHT_RECV };
	name_copy(open.name, pair->other);
	EXPECT_EQ(-ENOENT, xioctl(factory, MBOX_IOC_OPEN, &open));
	close(named);
	close(anonymous);
	close(factory);
}

/* Each side sees process ids of its own namespace: another number, or none. */
static int in_pid_namespace(void *arg)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_SENDER | MBOX_RECV_NONBLOCK };
	struct pair *pair = arg;
	char text[16];

	/* its first process */
	if (getpid() != 1)
		return -EBADMSG;
	/* the parent is not here, by number nor by another's */
	recv.data = address_of(text);
	recv.size = sizeof(text);
	recv.pid = 1;
	if (xioctl(pair->fd, MBOX_IOC_RECV, &recv) != -EAGAIN)
		return -EBADMSG;
	recv.pid = pair->pid;
	if (xioctl(pair->fd, MBOX_IOC_RECV, &recv) != -EAGAIN)
		return -EBADMSG;
	recv.pid = 0;
	if (xioctl(pair->fd, MBOX_IOC_RECV, &recv))
		return -EBADMSG;
	pair->header = recv.header;
	/* the receiver that waits for it is outside, too */
	set_flag(&pair->ready);
	return send_bytes(pair->zero, 0, 0, 0, "inside", 6);
}

static int new_pid_namespace(void *arg)
{
	if (unshare(CLONE_NEWPID))
		return NO_NAMESPACE;
	return in_child(in_pid_namespace, arg);
}

TEST(process_ids)
{
	struct pair *pair = pair_new(_metadata);
	struct mbox_header header;
	char text[16];
	pid_t child;
	int *ret = shared_alloc(sizeof(*ret));

	pair->pid = getpid();
	ASSERT_EQ(0, put(pair->fd, 0, "outside"));
	child = fork_child();
	ASSERT_LE(0, child);
	if (child == 0) {
		*ret = new_pid_namespace(pair);
		_exit(0);
	}
	while (!__atomic_load_n(&pair->ready, __ATOMIC_ACQUIRE)) {
		if (process_state(child) == 'Z')
			break;
		nap();
	}
	if (pair->ready) {
		ASSERT_EQ(0, recv_bytes(pair->zero, 0, text, sizeof(text), &header));
		/* seen from here it has a number, and not that one */
		EXPECT_NE(0, header.pid);
		EXPECT_NE(1, header.pid);
		EXPECT_NE((uint32_t)child, header.pid);
	}
	EXPECT_EQ(0, reap(child));
	SKIP_WITHOUT(*ret, "process id");
	/* the receiver's id, as that sender's namespace sees it */
	EXPECT_EQ(0, *ret);
	EXPECT_EQ(0, pair->header.pid);
	EXPECT_EQ(7, pair->header.length);
}

/* Each side sees users of its own namespace. */
static int write_map(pid_t pid, const char *map, const char *text)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, map);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int in_user_namespace(struct pair *pair)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_UID | MBOX_SET_GID };
	struct mbox_ioc_open open = open_arg(pair->other, 8);
	char text[16];
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return NO_NAMESPACE;
	set_flag(&pair->ready);
	if (!await_flag(&pair->go))
		return -ETIME;
	/* the namespace's root, mapped to a user outside; 10 users are there */
	if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return -errno;
	/* a mailbox outside is a nobody's, and its sender was nobody */
	if (info_get(pair->fd, &pair->info) ||
	    recv_bytes(pair->fd, 0, text, sizeof(text), &pair->header) ||
	    put(pair->fd, 0, "inside"))
		return -EPROTO;
	/* by a handle from outside, with its opener's power; but in the caller's numbers */
	fd = open_call(MBOX_IOC_CREATE, &open);
	if (fd < 0)
		return fd;
	if (info_of(fd).uid != 0 || info_of(fd).gid != 0)
		return -EBADMSG;
	set.uid = 10;
	if (xioctl(fd, MBOX_IOC_SET, &set) != -EINVAL)
		return -EBADMSG;
	set.uid = 0;
	set.gid = 10;
	if (xioctl(fd, MBOX_IOC_SET, &set) != -EINVAL)
		return -EBADMSG;
	set.uid = 5;
	set.gid = 6;
	if (xioctl(fd, MBOX_IOC_SET, &set))
		return -EBADMSG;
	if (fd_pass(pair->socks[1], fd))
		return -EPROTO;
	/* root of the namespace that owns the network namespace may do all in it */
	set.mask = MBOX_SET_MODE;
	set.uid = set.gid = 0;
	fd = open_name(pair->other, RIGHTS_BOTH);
	if (fd < 0)
		return fd;
	if (info_of(fd).uid != 5 || info_of(fd).gid != 6 || xioctl(fd, MBOX_IOC_SET, &set))
		return -EBADMSG;
	return delete_name(pair->other, MBOX_DELETE_FORCE);
}

TEST(users)
{
	struct pair *pair = pair_new(_metadata);
	int *ret = shared_alloc(sizeof(*ret));
	struct mbox_header header;
	char map[64], text[16];
	pid_t child;
	int fd;

	if (geteuid())
		SKIP(return, "only root can map several users");
	ASSERT_EQ(0, put(pair->fd, 0, "outside"));
	child = fork_child();
	ASSERT_LE(0, child);
	if (child == 0) {
		*ret = in_user_namespace(pair);
		_exit(0);
	}
	while (!__atomic_load_n(&pair->ready, __ATOMIC_ACQUIRE)) {
		if (process_state(child) == 'Z')
			SKIP(return, "no new user namespace can be made here");
		nap();
	}
	snprintf(map, sizeof(map), "0 %u 10\n", pair->uid);
	ASSERT_EQ(0, write_map(child, "uid_map", map));
	ASSERT_EQ(0, write_map(child, "gid_map", map));
	set_flag(&pair->go);
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(0, *ret);
	EXPECT_EQ(OVERFLOW_ID, pair->info.uid);
	EXPECT_EQ(OVERFLOW_ID, pair->info.gid);
	EXPECT_EQ(OVERFLOW_ID, pair->header.uid);
	EXPECT_EQ(OVERFLOW_ID, pair->header.gid);
	/* the other way: its numbers, in ours */
	ASSERT_EQ(0, recv_bytes(pair->fd, 0, text, sizeof(text), &header));
	EXPECT_EQ(pair->uid, header.uid);
	EXPECT_EQ(pair->uid, header.gid);
	fd = fd_take(pair->socks[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(pair->uid + 5, info_of(fd).uid);
	EXPECT_EQ(pair->uid + 6, info_of(fd).gid);
	close(fd);
}

/* Root of a user namespace of its own has no power over mailboxes outside it. */
static int self_made_root(void *arg)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0666 };
	struct pair *pair = arg;
	int ret = geteuid() ? 0 : become(pair->uid, pair->uid), fd;

	if (ret)
		return ret;
	if (unshare(CLONE_NEWUSER))
		return NO_NAMESPACE;
	/* the right that the mode gives to others, and no more */
	if (open_name(pair->other, MBOX_RIGHT_SEND) < 0 ||
	    open_name(pair->other, MBOX_RIGHT_RECV) != -EACCES ||
	    open_name(pair->other, RIGHTS_BOTH) != -EACCES)
		return -EBADMSG;
	fd = open_name(pair->other, 0);
	if (fd < 0)
		return fd;
	if (xioctl(fd, MBOX_IOC_SET, &set) != -EPERM ||
	    delete_fd(fd, MBOX_DELETE_FORCE) != -EPERM ||
	    delete_name(pair->other, MBOX_DELETE_FORCE) != -EPERM)
		return -EBADMSG;
	/* in a network namespace of its own it is root; there are other mailboxes */
	if (unshare(CLONE_NEWNET))
		return NO_NAMESPACE;
	return open_name(pair->other, 0) == -ENOENT ? 0 : -EBADMSG;
}

TEST(root_of_a_user_namespace)
{
	struct pair *pair = pair_new(_metadata);
	struct mbox_ioc_open open = open_arg(pair->other, 8);
	struct mbox_info before;
	int fd, ret;

	if (geteuid())
		SKIP(return, "only root can become another user");
	fd = open_call(MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &(struct mbox_ioc_set) {
		.mask = MBOX_SET_MODE, .mode = 0622 }));
	before = info_of(fd);
	ret = in_child(self_made_root, pair);
	SKIP_WITHOUT(ret, "user");
	EXPECT_EQ(0, ret);
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
}

/* Deadlines are on the clocks of the caller's time namespace, which may be anywhere. */
static int in_time_namespace(void *arg)
{
	static const struct { uint32_t clock; clockid_t id; } clocks[] = {
		{ MBOX_CLOCK_MONOTONIC, CLOCK_MONOTONIC },
		{ MBOX_CLOCK_BOOTTIME, CLOCK_BOOTTIME },
		{ MBOX_CLOCK_REALTIME, CLOCK_REALTIME },
	};
	struct pair *pair = arg;

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct mbox_ioc_recv recv = { .clock = clocks[i].clock };
		struct mbox_ioc_send send = { .flags = MBOX_SEND_SYNC, .clock = clocks[i].clock };

		recv.deadline = now_on(clocks[i].id) + 20 * NSEC_PER_MSEC;
		if (xioctl(pair->fd, MBOX_IOC_RECV, &recv) != -ETIMEDOUT ||
		    now_on(clocks[i].id) < recv.deadline)
			return -EBADMSG;
		send.deadline = now_on(clocks[i].id) + 20 * NSEC_PER_MSEC;
		if (xioctl(pair->fd, MBOX_IOC_SEND, &send) != -ETIMEDOUT ||
		    now_on(clocks[i].id) < send.deadline)
			return -EBADMSG;
		/* the latest there is does not pass the end, or turn into the past */
		recv.deadline = INT64_MAX;
		recv.flags = MBOX_RECV_NONBLOCK;
		if (xioctl(pair->fd, MBOX_IOC_RECV, &recv) != -EAGAIN)
			return -EBADMSG;
		recv.deadline = 0;
		recv.flags = 0;
		if (xioctl(pair->fd, MBOX_IOC_RECV, &recv) != -ETIMEDOUT)
			return -EBADMSG;
	}
	return 0;
}

static int new_time_namespace(const char *offsets, struct pair *pair)
{
	if (unshare(CLONE_NEWTIME) || write_map(getpid(), "timens_offsets", offsets))
		return NO_NAMESPACE;
	/* it is the children's */
	return in_child(in_time_namespace, pair);
}

static int clocks_ahead(void *arg)
{
	return new_time_namespace("monotonic 1000000 0\nboottime 2000000 0\n", arg);
}

static int clocks_behind(void *arg)
{
	/* not before the boot: that is refused */
	return new_time_namespace("monotonic -1 0\nboottime -1 500000000\n", arg);
}

TEST(clocks)
{
	struct pair *pair = pair_new(_metadata);
	int ret = in_child(clocks_ahead, pair);

	SKIP_WITHOUT(ret, "time");
	EXPECT_EQ(0, ret);
	EXPECT_EQ(0, in_child(clocks_behind, pair));
	EXPECT_BALANCED(pair->fd);
}

MBOX_TEST_MAIN
