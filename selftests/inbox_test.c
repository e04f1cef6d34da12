// SPDX-License-Identifier: GPL-2.0-only
/* Inboxes: receiving from anyone, the right to send, and the end or change of a process. */
#include "lib/peer.h"

#include <sched.h>

/* A peer that has linked to the test, in its slot 0. */
static struct peer *linked(struct __test_metadata *_metadata, uint32_t capacity)
{
	struct peer *peer = peer_new(_metadata);

	ASSERT_EQ(0, peer_link(peer, 0, getpid(), capacity));
	return peer;
}

static int inbox_new(struct __test_metadata *_metadata)
{
	int fd = inbox_open();

	ASSERT_LE(0, fd);
	return fd;
}

static int link_new(struct __test_metadata *_metadata, struct peer *peer, uint32_t capacity)
{
	int fd = link_to(peer->pid, capacity);

	ASSERT_LE(0, fd);
	return fd;
}

/* The next message in an inbox, and its sender. */
static const char *take_from(int fd, uint32_t *pid)
{
	static char text[PEER_TEXT];
	struct mbox_header header;
	int ret = recv_bytes(fd, MBOX_RECV_NONBLOCK, text, sizeof(text) - 1, &header);

	if (ret)
		return strerrorname_np(-ret);
	text[header.length] = '\0';
	*pid = header.pid;
	return text;
}

TEST(from_anyone_in_order)
{
	struct peer *a = linked(_metadata, 8), *b = linked(_metadata, 8);
	int inbox = inbox_new(_metadata), fd = link_new(_metadata, a, 1);
	uint32_t pid = 0;

	EXPECT_EQ(0, peer_send(a, 0, 0, "a1"));
	EXPECT_EQ(0, peer_send(b, 0, 0, "b1"));
	EXPECT_EQ(0, peer_send(a, 0, 0, "a2"));
	b->prio = 1;
	EXPECT_EQ(0, peer_send(b, 0, 0, "b2"));
	EXPECT_EQ(4, info_of(inbox).queued);
	EXPECT_EQ(4, info_of(inbox).handle_queued);
	EXPECT_EQ(2, info_of(fd).handle_queued);
	EXPECT_STREQ("b2", take_from(inbox, &pid));
	EXPECT_EQ(b->pid, pid);
	/* the one before it in the inbox is not its */
	EXPECT_STREQ("a1", take_from(fd, &pid));
	EXPECT_EQ(a->pid, pid);
	EXPECT_STREQ("b1", take_from(inbox, &pid));
	EXPECT_EQ(b->pid, pid);
	EXPECT_STREQ("a2", take_from(inbox, &pid));
	EXPECT_EQ(a->pid, pid);
	EXPECT_STREQ("EAGAIN", take(inbox));
	/* an answer */
	EXPECT_EQ(0, put(fd, 0, "to a"));
	EXPECT_STREQ("to a", peer_take(a, 0));
	EXPECT_STREQ("EAGAIN", peer_take(b, 0));
	EXPECT_BALANCED(inbox);
	peer_kill(a);
	peer_kill(b);
	close(inbox);
	close(fd);
}

/* A receive from one peer does not get the message of another; a receive from anyone does. */
TEST(waiting_receivers)
{
	struct peer *a = linked(_metadata, 1), *b = linked(_metadata, 1), *target = peer_new(_metadata);
	int inbox;

	ASSERT_EQ(0, peer_link(target, 0, a->pid, 1));
	target->slot = 1;
	ASSERT_EQ(0, peer_do(target, do_inbox));
	ASSERT_EQ(0, peer_link(a, 1, target->pid, 1));
	ASSERT_EQ(0, peer_link(b, 1, target->pid, 1));
	peer_start_recv(target, 0, 0);
	ASSERT_TRUE(peer_blocked(target));
	ASSERT_EQ(0, peer_send(b, 1, MBOX_SEND_NONBLOCK, "b"));
	ASSERT_TRUE(peer_blocked(target));
	ASSERT_EQ(0, peer_send(a, 1, MBOX_SEND_NONBLOCK, "a"));
	EXPECT_STREQ("a", peer_end_recv(target));
	EXPECT_STREQ("b", peer_take(target, 1));
	peer_start_recv(target, 1, 0);
	ASSERT_TRUE(peer_blocked(target));
	ASSERT_EQ(0, peer_send(b, 1, MBOX_SEND_NONBLOCK, "b"));
	EXPECT_STREQ("b", peer_end_recv(target));
	/* one link's blocked senders do not hold up those of another */
	inbox = inbox_new(_metadata);
	ASSERT_EQ(0, peer_send(a, 0, 0, "a1"));
	peer_start_send(a, 0, 0, "a2");
	ASSERT_TRUE(peer_blocked(a));
	EXPECT_EQ(0, peer_send(b, 0, 0, "b1"));
	EXPECT_STREQ("a1", take(inbox));
	EXPECT_EQ(0, peer_end(a));
	EXPECT_STREQ("b1", take(inbox));
	EXPECT_STREQ("a2", take(inbox));
	peer_kill(a);
	peer_kill(b);
	peer_kill(target);
	close(inbox);
}

/* The peer never opened /dev/mbox; its messages are there when it does. */
TEST(peer_that_does_not_know)
{
	struct peer *peer = peer_new(_metadata);
	int fd = link_new(_metadata, peer, 2);

	EXPECT_EQ(0, put(fd, 0, "one"));
	EXPECT_EQ(0, put(fd, 0, "two"));
	EXPECT_EQ(-EAGAIN, put(fd, 0, "three"));
	peer->slot = 1;
	ASSERT_EQ(0, peer_do(peer, do_inbox));
	EXPECT_STREQ("one", peer_take(peer, 1));
	EXPECT_EQ(getpid(), peer->header.pid);
	/* also after the link's handles are closed */
	close(fd);
	EXPECT_STREQ("two", peer_take(peer, 1));
	EXPECT_STREQ("EAGAIN", peer_take(peer, 1));
	peer_kill(peer);
}

TEST(info)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_BYTES, .bytes = 1 << 20 };
	struct mbox_ioc_handover handover = { .pid = getppid() };
	int fd = inbox_new(_metadata), second;
	struct mbox_info info = info_of(fd);

	EXPECT_EQ(MBOX_KIND_INBOX, info.kind);
	EXPECT_EQ(MBOX_RIGHT_RECV, info.rights);
	EXPECT_EQ(MBOX_CAPACITY_UNBOUNDED, info.capacity);
	EXPECT_EQ(getpid(), info.owner);
	EXPECT_EQ(0, info.peer);
	EXPECT_EQ(geteuid(), info.uid);
	EXPECT_EQ(-EBADF, put(fd, 0, "text"));
	EXPECT_EQ(-EBADF, xwrite(fd, "text", 4));
	EXPECT_EQ(-EOPNOTSUPP, xioctl(fd, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_MODE | MBOX_SET_UID, .mode = 0600 };
	EXPECT_EQ(-EOPNOTSUPP, xioctl(fd, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_MODE, .mode = 0700 };
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(-EOPNOTSUPP, xioctl(fd, MBOX_IOC_HANDOVER, &handover));
	EXPECT_EQ(-EOPNOTSUPP, delete_fd(fd, MBOX_DELETE_EMPTY));
	EXPECT_EQ(0, poll_now(fd));
	EXPECT_UNCHANGED(fd, &info);
	set.mode = 0620;
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0620, info_of(fd).mode);
	/* each process has one */
	second = inbox_new(_metadata);
	EXPECT_EQ(info.id, info_of(second).id);
	EXPECT_EQ(2, info_of(fd).handles);
	close(second);
	close(fd);
}

static int use_inherited(void *arg)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0666 };
	int fd = *(int *)arg, own;
	char text[8];

	if (recv_bytes(fd, MBOX_RECV_NONBLOCK, text, sizeof(text), NULL) != -EUSERS ||
	    xread(fd, text, sizeof(text)) != -EUSERS ||
	    xioctl(fd, MBOX_IOC_SET, &set) != -EUSERS || poll_now(fd) != POLLIN)
		return -EBADMSG;
	/* a forked child has an inbox of its own */
	own = inbox_open();
	return own < 0 ? own : strcmp("EAGAIN", take(own)) || info_of(own).id == info_of(fd).id;
}

TEST(fork_has_its_own)
{
	struct peer *peer = linked(_metadata, 1);
	int fd = inbox_new(_metadata);

	ASSERT_EQ(0, peer_send(peer, 0, 0, "parent's"));
	EXPECT_EQ(0, in_child(use_inherited, &fd));
	EXPECT_STREQ("parent's", take(fd));
	peer_kill(peer);
	close(fd);
}

/* The end of a peer. */

TEST(peer_ends)
{
	struct peer *peer = linked(_metadata, MBOX_CAPACITY_UNBOUNDED), *waiter = peer_new(_metadata);
	int fd = link_new(_metadata, peer, 0), inbox = inbox_new(_metadata);
	uint32_t pid;

	ASSERT_EQ(0, put(fd, 0, "lost"));
	ASSERT_EQ(0, peer_send(peer, 0, 0, "one"));
	ASSERT_EQ(0, peer_send(peer, 0, 0, "two"));
	/* others wait for it: to receive, in an inbox too, and for receipt */
	ASSERT_EQ(0, peer_link(waiter, 0, peer->pid, 0));
	peer_start_recv(waiter, 0, 0);
	ASSERT_TRUE(peer_blocked(waiter));
	peer_kill(peer);
	EXPECT_STREQ("EOWNERDEAD", peer_end_recv(waiter));
	EXPECT_EQ(-EOWNERDEAD, peer_send(waiter, 0, 0, "text"));
	ASSERT_TRUE(await_peer_dead(fd));
	EXPECT_EQ(POLLIN | POLLERR, poll_now(fd));
	EXPECT_EQ(-EOWNERDEAD, put(fd, 0, "text"));
	EXPECT_EQ(-EOWNERDEAD, send_bytes(fd, MBOX_SEND_SYNC, 0, 0, "text", 4));
	EXPECT_EQ(2, info_of(fd).handle_queued);
	/* it has no number any more */
	EXPECT_EQ(0, info_of(fd).peer);
	EXPECT_STREQ("one", take(fd));
	EXPECT_STREQ("two", take_from(inbox, &pid));
	EXPECT_STREQ("EOWNERDEAD", take(fd));
	EXPECT_EQ(-EOWNERDEAD, recv_bytes(fd, 0, NULL, 0, NULL));
	EXPECT_EQ(POLLERR | POLLHUP, poll_now(fd));
	/* the inbox goes on */
	EXPECT_STREQ("EAGAIN", take(inbox));
	EXPECT_EQ(0, poll_now(inbox));
	ASSERT_EQ(0, peer_link(waiter, 0, getpid(), 1));
	ASSERT_EQ(0, peer_send(waiter, 0, 0, "alive"));
	EXPECT_STREQ("alive", take(inbox));
	EXPECT_BALANCED(inbox);
	peer_kill(waiter);
	close(fd);
	close(inbox);
}

static int do_poll_in(struct peer *peer)
{
	peer->events = POLLIN;
	return do_poll(peer);
}

TEST(end_wakes)
{
	struct peer *peer = peer_new(_metadata), *sender, *receiver, *poller, *any;
	peer_fn fns[] = { do_send, do_send, do_recv, do_poll_in, do_recv };
	struct peer *waiters[5];

	for (int i = 0; i < 5; i++) {
		waiters[i] = peer_new(_metadata);
		ASSERT_EQ(0, peer_link(waiters[i], 0, peer->pid, i == 1));
		if (i == 4)
			ASSERT_EQ(0, peer_do(waiters[i], do_inbox));
		waiters[i]->flags = i == 1 ? MBOX_SEND_SYNC : 0;
		strcpy(waiters[i]->text, "text");
		peer_start(waiters[i], fns[i]);
		ASSERT_TRUE(peer_blocked(waiters[i]));
	}
	sender = waiters[0];
	receiver = waiters[2];
	poller = waiters[3];
	any = waiters[4];
	peer_kill(peer);
	EXPECT_EQ(-EOWNERDEAD, peer_end(sender));
	EXPECT_EQ(-EOWNERDEAD, peer_end(waiters[1]));
	EXPECT_EQ(-EOWNERDEAD, peer_end(receiver));
	EXPECT_EQ(POLLERR | POLLHUP, peer_end(poller));
	/* somebody else may still send to it */
	EXPECT_TRUE(peer_blocked(any));
	ASSERT_EQ(0, peer_link(sender, 1, any->pid, 1));
	ASSERT_EQ(0, peer_send(sender, 1, 0, "came"));
	EXPECT_STREQ("came", peer_end_recv(any));
	for (int i = 0; i < 5; i++)
		peer_kill(waiters[i]);
}

static int do_exec(struct peer *peer)
{
	execl("/bin/sh", "sh", "-c", "kill -STOP $$; exit 0", (char *)NULL);
	return -errno;
}

/* exec keeps links and inbox, though not the handles. */
TEST(peer_execs)
{
	struct peer *peer = linked(_metadata, 4);
	int fd = link_new(_metadata, peer, 0), status;

	ASSERT_EQ(0, put(fd, 0, "kept"));
	ASSERT_EQ(0, peer_send(peer, 0, 0, "before"));
	peer_start(peer, do_exec);
	ASSERT_EQ(peer->pid, waitpid(peer->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(fd));
	EXPECT_EQ(0, put(fd, 0, "after"));
	EXPECT_STREQ("before", take(fd));
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_EQ(peer->pid, info_of(fd).peer);
	peer_kill(peer);
	ASSERT_TRUE(await_peer_dead(fd));
	EXPECT_STREQ("EOWNERDEAD", take(fd));
	close(fd);
}

/* A child that waits for signals; its number is @number if that is not 0. */
static pid_t fork_pausing(pid_t number)
{
	pid_t pid = fork_child_as(number);

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* A process that gets the number of one that has ended does not get its links. */
static int reuse_number(void *arg)
{
	int inbox = inbox_open(), old, new;
	pid_t pid = fork_pausing(0);

	old = link_to(pid, 4);
	if (old < 0 || put(old, 0, "to the first"))
		return -EBADMSG;
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid || !await_peer_dead(old))
		return -EBADE;
	if (fork_pausing(pid) != pid)
		return -ENODATA;
	/* the handle is the first one's, and a new link is to the second */
	if (put(old, 0, "text") != -EOWNERDEAD || strcmp("EOWNERDEAD", take(old)))
		return -EBADR;
	new = link_to(pid, 1);
	if (new < 0 || put(new, 0, "to the second") || put(new, 0, "text") != -EAGAIN)
		return -EBADSLT;
	if (put(old, 0, "text") != -EOWNERDEAD || info_of(new).peer != pid || info_of(old).peer)
		return -EBADFD;
	kill(pid, SIGKILL);
	return close(inbox);
}

static int reuse_in_namespace(void *arg)
{
	return unshare(CLONE_NEWPID) ? 1 : in_child(reuse_number, arg);
}

TEST(reused_number)
{
	int ret = in_child(reuse_in_namespace, NULL);

	if (ret == 1)
		SKIP(return, "no new process id namespace can be made here");
	if (ret == -ENODATA)
		SKIP(return, "this kernel does not let one choose process ids");
	EXPECT_EQ(0, ret);
}

/* A process of another pid namespace is addressed by its number here, and sees none of us. */
static int namespace_side(void *arg)
{
	struct mbox_header header;
	int *ready = arg, fd = inbox_open();
	char text[16];

	if (getpid() != 1 || fd < 0)
		return -EBADMSG;
	ready[1] = link_to(2, 1);
	set_flag(ready);
	if (recv_bytes(fd, 0, text, sizeof(text), &header) || header.length != 4)
		return -EBADE;
	return header.pid || ready[1] != -ESRCH ? -EBADR : 0;
}

static int new_namespace(void *arg)
{
	return unshare(CLONE_NEWPID) ? 1 : in_child(namespace_side, arg);
}

/* The only child of a process, or 0. */
static pid_t child_of(pid_t pid)
{
	char path[64];
	FILE *f;
	int child = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

TEST(pid_namespaces)
{
	int *ready = shared_alloc(2 * sizeof(*ready)), fd;
	pid_t child = fork_child(), inner;

	ASSERT_LE(0, child);
	if (child == 0)
		_exit(-new_namespace(ready));
	while (!__atomic_load_n(ready, __ATOMIC_ACQUIRE)) {
		if (process_state(child) == 'Z')
			SKIP(return, "no new process id namespace can be made here");
		nap();
	}
	inner = child_of(child);
	if (!inner)
		SKIP(kill(child, SIGKILL); return, "/proc does not list children here");
	fd = link_to(inner, 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(inner, info_of(fd).peer);
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(0, reap(child));
	close(fd);
}

/* The end of a process is told to a receive by a link that asks for some messages only. */
static int do_recv_urgent(struct peer *peer)
{
	struct mbox_ioc_recv arg = { .min_prio = 3, .data = address_of(peer->text), .size = PEER_TEXT };

	return xioctl(peer->fd[0], MBOX_IOC_RECV, &arg);
}

TEST(end_of_process_ends_filtered_receive)
{
	struct peer *receiver = peer_new(_metadata), *other = peer_new(_metadata);

	ASSERT_EQ(0, peer_link(receiver, 0, other->pid, 4));
	peer_start(receiver, do_recv_urgent);
	ASSERT_TRUE(peer_blocked(receiver));
	peer_kill(other);
	EXPECT_EQ(-EOWNERDEAD, peer_end(receiver));
	peer_kill(receiver);
}

MBOX_TEST_MAIN
