// SPDX-License-Identifier: GPL-2.0-only
/* Direct communication between two processes: send(P) and receive(Q), over the one link there is. */
#include "lib/passing.h"
#include "lib/peer.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* The test's end of a link in fd, the peer's in its slot 0; either may have been first. */
FIXTURE(link)
{
	struct peer *peer;
	int fd;
};

FIXTURE_VARIANT(link)
{
	uint32_t capacity;
	bool peer_first;
};

FIXTURE_VARIANT_ADD(link, zero) { .capacity = MBOX_CAPACITY_ZERO };
FIXTURE_VARIANT_ADD(link, bounded) { .capacity = 2 };
FIXTURE_VARIANT_ADD(link, bounded_peer_first) { .capacity = 2, .peer_first = true };
FIXTURE_VARIANT_ADD(link, unbounded) { .capacity = MBOX_CAPACITY_UNBOUNDED };

FIXTURE_SETUP(link)
{
	self->peer = peer_new(_metadata);
	/* the longest for which the peer has a buffer */
	self->peer->msg_size = PEER_TEXT - 1;
	if (variant->peer_first)
		ASSERT_EQ(0, peer_link(self->peer, 0, getpid(), variant->capacity));
	/* the limits that the peer set when it made the link stay */
	self->fd = link_sized(self->peer->pid, variant->peer_first ? 7 : variant->capacity,
			      PEER_TEXT - 1);
	ASSERT_LE(0, self->fd);
	if (!variant->peer_first)
		ASSERT_EQ(0, peer_link(self->peer, 0, getpid(), 7));
}

FIXTURE_TEARDOWN(link)
{
	peer_kill(self->peer);
	close(self->fd);
}

static bool keeps(const struct _fixture_variant_link *variant)
{
	return variant->capacity != MBOX_CAPACITY_ZERO;
}

/* Its handle on the link, to the test; by a socket of which both have an end. */
static int socks[2];

static int do_pass(struct peer *peer)
{
	return fd_pass(socks[1], peer->fd[0]);
}

/* Only the process that made it may use it, but all that have it see its end. */
TEST_F(link, handle_of_one_that_ended)
{
	struct peer *peer;
	int fd;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, socks));
	peer = peer_new(_metadata);
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), variant->capacity));
	ASSERT_EQ(0, peer_do(peer, do_pass));
	fd = fd_take(socks[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, poll_now(fd) & (POLLERR | POLLHUP | POLLIN));
	peer_kill(peer);
	ASSERT_TRUE(await_peer_dead(fd));
	EXPECT_EQ(POLLERR | POLLHUP, poll_now(fd) & (POLLERR | POLLHUP | POLLIN));
	close(fd);
	close(socks[0]);
	close(socks[1]);
}

TEST_F(link, there)
{
	struct mbox_header header;
	char text[PEER_TEXT];

	peer_start_recv(self->peer, 0, 0);
	ASSERT_TRUE(peer_blocked(self->peer));
	ASSERT_LE(0, send_bytes(self->fd, 0, 7, 9, "there", 5));
	EXPECT_STREQ("there", peer_end_recv(self->peer));
	EXPECT_EQ(getpid(), self->peer->header.pid);
	EXPECT_EQ(7, self->peer->header.prio);
	EXPECT_EQ(9, self->peer->header.type);
	peer_start_send(self->peer, 0, 0, "back");
	EXPECT_EQ(0, recv_bytes(self->fd, 0, text, sizeof(text), &header));
	EXPECT_EQ(4, header.length);
	EXPECT_EQ(self->peer->pid, header.pid);
	EXPECT_EQ(keeps(variant) ? 0 : getpid(), peer_end(self->peer));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(link, info)
{
	struct mbox_info info = info_of(self->fd), other = peer_info(self->peer, 0);

	EXPECT_EQ(MBOX_KIND_LINK, info.kind);
	EXPECT_EQ(MBOX_STATE_LIVE, info.state);
	EXPECT_EQ(self->peer->pid, info.peer);
	EXPECT_EQ(getpid(), info.owner);
	EXPECT_EQ(variant->capacity, info.capacity);
	EXPECT_EQ(PEER_TEXT - 1, info.msg_size);
	EXPECT_EQ(RIGHTS_BOTH, info.rights);
	EXPECT_EQ(MBOX_LIFETIME_PROCESS, info.lifetime);
	EXPECT_EQ(1, info.handles);
	EXPECT_EQ(MBOX_KIND_LINK, other.kind);
	EXPECT_EQ(getpid(), other.peer);
	EXPECT_EQ(self->peer->pid, other.owner);
	EXPECT_EQ(variant->capacity, other.capacity);
	EXPECT_NE(info.id, other.id);
}

/* Each direction has the room, and the link is one, however many handles there are on it. */
TEST_F(link, room)
{
	int second = link_to(self->peer->pid, 0);

	ASSERT_LE(0, second);
	if (variant->capacity == 2) {
		EXPECT_EQ(0, put(self->fd, 0, "one"));
		EXPECT_EQ(0, put(second, 0, "two"));
		EXPECT_EQ(-EAGAIN, put(self->fd, 0, "three"));
		EXPECT_EQ(-EAGAIN, put(second, MBOX_PRIO_MAX, "three"));
		EXPECT_EQ(0, peer_send(self->peer, 0, MBOX_SEND_NONBLOCK, "1"));
		EXPECT_EQ(0, peer_send(self->peer, 0, MBOX_SEND_NONBLOCK, "2"));
		EXPECT_EQ(-EAGAIN, peer_send(self->peer, 0, MBOX_SEND_NONBLOCK, "3"));
		EXPECT_EQ(2, info_of(self->fd).handle_queued);
		EXPECT_STREQ("1", take(second));
		EXPECT_EQ(1, info_of(self->fd).handle_queued);
		EXPECT_EQ(0, peer_send(self->peer, 0, MBOX_SEND_NONBLOCK, "3"));
		EXPECT_STREQ("2", take(self->fd));
		EXPECT_STREQ("3", take(self->fd));
		EXPECT_STREQ("one", peer_take(self->peer, 0));
		EXPECT_STREQ("two", peer_take(self->peer, 0));
	} else if (keeps(variant)) {
		for (int i = 0; i < 1000; i++)
			ASSERT_EQ(0, put(self->fd, 0, "many"));
		EXPECT_EQ(1000, peer_info(self->peer, 0).handle_queued);
	} else {
		EXPECT_EQ(-EAGAIN, put(self->fd, 0, "none"));
		peer_start_recv(self->peer, 0, 0);
		ASSERT_TRUE(peer_blocked(self->peer));
		EXPECT_EQ(0, put(self->fd, 0, "met"));
		EXPECT_STREQ("met", peer_end_recv(self->peer));
	}
	EXPECT_STREQ("EAGAIN", take(second));
	close(second);
}

TEST_F(link, blocked_send_gets_in)
{
	if (variant->capacity == MBOX_CAPACITY_UNBOUNDED)
		SKIP(return, "there is always room");
	while (!peer_send(self->peer, 0, MBOX_SEND_NONBLOCK, "fill"))
		;
	peer_start_send(self->peer, 0, 0, "last");
	ASSERT_TRUE(peer_blocked(self->peer));
	EXPECT_EQ(1, info_of(self->fd).senders);
	if (keeps(variant)) {
		EXPECT_STREQ("fill", take(self->fd));
		EXPECT_EQ(0, peer_end(self->peer));
		EXPECT_STREQ("fill", take(self->fd));
		EXPECT_STREQ("last", take(self->fd));
	} else {
		/* the probe for room */
		EXPECT_STREQ("last", take(self->fd));
		EXPECT_EQ(getpid(), peer_end(self->peer));
	}
	EXPECT_EQ(0, info_of(self->fd).senders);
}

TEST_F(link, synchronous)
{
	peer_start_send(self->peer, 0, MBOX_SEND_SYNC, "sync");
	ASSERT_TRUE(peer_blocked(self->peer));
	EXPECT_EQ(keeps(variant), info_of(self->fd).queued);
	EXPECT_STREQ("sync", take(self->fd));
	EXPECT_EQ(getpid(), peer_end(self->peer));
	/* and withdrawn */
	self->peer->deadline = now() + 10 * NSEC_PER_MSEC;
	EXPECT_EQ(-ETIMEDOUT, peer_send(self->peer, 0, MBOX_SEND_SYNC, "late"));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(keeps(variant), info_of(self->fd).withdrawn);
	EXPECT_BALANCED(self->fd);
}

TEST_F(link, deadlines)
{
	struct mbox_ioc_recv recv = {
		.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + 20 * NSEC_PER_MSEC,
	};

	EXPECT_EQ(-ETIMEDOUT, xioctl(self->fd, MBOX_IOC_RECV, &recv));
	EXPECT_LE(recv.deadline, now());
	EXPECT_EQ(0, info_of(self->fd).receivers);
}

TEST_F(link, killed_sender_leaves_nothing)
{
	peer_start_send(self->peer, 0, MBOX_SEND_SYNC, "withdrawn");
	ASSERT_TRUE(peer_blocked(self->peer));
	peer_kill(self->peer);
	ASSERT_TRUE(await_peer_dead(self->fd));
	EXPECT_STREQ("EOWNERDEAD", take(self->fd));
	EXPECT_EQ(keeps(variant), info_of(self->fd).withdrawn);
	EXPECT_BALANCED(self->fd);
}

/* Handles serve the process that made them. */
static int use_inherited(void *arg)
{
	int fd = *(int *)arg;
	struct mbox_info info;
	char text[8];

	if (put(fd, 0, "text") != -EUSERS || xwrite(fd, "text", 4) != -EUSERS ||
	    send_bytes(fd, MBOX_SEND_SYNC, 0, 0, "text", 4) != -EUSERS ||
	    xread(fd, text, sizeof(text)) != -EUSERS ||
	    recv_bytes(fd, MBOX_RECV_NONBLOCK, text, sizeof(text), NULL) != -EUSERS ||
	    recv_bytes(fd, MBOX_RECV_PEEK, text, sizeof(text), NULL) != -EUSERS)
		return -EBADMSG;
	return info_get(fd, &info) || poll_now(fd) < 0 ? -EBADE : 0;
}

TEST_F(link, third_process)
{
	struct mbox_info before = info_of(self->fd);

	EXPECT_EQ(0, in_child(use_inherited, &self->fd));
	EXPECT_UNCHANGED(self->fd, &before);
	peer_start_recv(self->peer, 0, 0);
	ASSERT_TRUE(peer_blocked(self->peer));
	EXPECT_LE(0, send_bytes(self->fd, 0, 0, 0, "mine", 4));
	EXPECT_STREQ("mine", peer_end_recv(self->peer));
}

TEST_F(link, not_for_links)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0600 };
	struct mbox_ioc_handover handover = { .pid = self->peer->pid };
	struct mbox_info before = info_of(self->fd);

	EXPECT_EQ(-EOPNOTSUPP, xioctl(self->fd, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_CAPACITY, .capacity = 1 };
	EXPECT_EQ(-EOPNOTSUPP, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(-EOPNOTSUPP, xioctl(self->fd, MBOX_IOC_HANDOVER, &handover));
	EXPECT_EQ(-EOPNOTSUPP, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_UNCHANGED(self->fd, &before);
}

/* poll() is about the one link, though the inbox holds others' messages too. */
TEST_F(link, polled)
{
	struct peer *other = peer_new(_metadata);
	int room = keeps(variant) ? POLLOUT : 0;
	int fd = link_to(other->pid, 1);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, peer_link(other, 0, getpid(), 1));
	EXPECT_EQ(room, poll_now(self->fd));
	EXPECT_EQ(POLLOUT, poll_now(fd));
	ASSERT_EQ(0, peer_send(other, 0, MBOX_SEND_NONBLOCK, "other's"));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(fd));
	EXPECT_EQ(room, poll_now(self->fd));
	peer_start_send(self->peer, 0, MBOX_SEND_SYNC, "sync");
	ASSERT_TRUE(peer_blocked(self->peer));
	EXPECT_EQ(room | POLLIN, poll_now(self->fd));
	EXPECT_STREQ("sync", take(self->fd));
	EXPECT_EQ(getpid(), peer_end(self->peer));
	EXPECT_EQ(room, poll_now(self->fd));
	/* a receiver is room, but not for others */
	peer_start_recv(self->peer, 0, 0);
	ASSERT_TRUE(peer_blocked(self->peer));
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", peer_end_recv(self->peer));
	EXPECT_EQ(0, put(fd, 0, "full"));
	EXPECT_EQ(POLLIN, poll_now(fd));
	EXPECT_EQ(room, poll_now(self->fd));
	peer_kill(self->peer);
	ASSERT_TRUE(await_peer_dead(self->fd));
	EXPECT_EQ(POLLERR | POLLHUP, poll_now(self->fd));
	EXPECT_EQ(POLLIN, poll_now(fd));
	peer_kill(other);
	ASSERT_TRUE(await_peer_dead(fd));
	EXPECT_EQ(POLLIN | POLLERR, poll_now(fd));
	EXPECT_STREQ("other's", take(fd));
	EXPECT_EQ(POLLERR | POLLHUP, poll_now(fd));
	close(fd);
}

/* Messages, room and the end wake epoll. */
TEST_F(link, watched)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int ms = PATIENCE * 1000;

	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->fd, &event));
	while (epoll_wait(epoll, &event, 1, 0) > 0)
		;
	peer_start_send(self->peer, 0, 0, "text");
	ASSERT_EQ(1, epoll_wait(epoll, &event, 1, ms));
	EXPECT_TRUE(event.events & EPOLLIN);
	EXPECT_STREQ("text", take(self->fd));
	EXPECT_LE(0, peer_end(self->peer));
	while (variant->capacity == 2 && !put(self->fd, 0, "fill"))
		;
	while (epoll_wait(epoll, &event, 1, 0) > 0)
		;
	/* either makes room or is a receiver, or both; where there always was room, that is no news */
	peer_start_recv(self->peer, 0, 0);
	if (variant->capacity == MBOX_CAPACITY_UNBOUNDED) {
		ASSERT_TRUE(peer_blocked(self->peer));
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
	} else {
		ASSERT_EQ(1, epoll_wait(epoll, &event, 1, ms));
		EXPECT_TRUE(event.events & EPOLLOUT);
	}
	peer_kill(self->peer);
	do {
		ASSERT_EQ(1, epoll_wait(epoll, &event, 1, ms));
	} while (!(event.events & EPOLLHUP));
	EXPECT_TRUE(event.events & EPOLLERR);
	close(epoll);
}

/* The processes to which a peer links besides the test. */
#define IDLE	64
static pid_t idle[IDLE];

/* Each second one, from its slot on. */
static int do_link_idle(struct peer *peer)
{
	for (int i = peer->slot; i < IDLE; i += 2) {
		int fd = link_to(idle[i], 1);

		if (fd < 0)
			return fd;
	}
	return 0;
}

/* A process ends for sends and receives at once: as soon as one says so, so does the other. */
TEST(ends_all_at_once)
{
	struct peer *peer;
	int fd, events;

	for (int i = 0; i < IDLE; i++) {
		idle[i] = fork_child();
		ASSERT_LE(0, idle[i]);
		while (!idle[i])
			pause();
	}
	for (int round = 0; round < 60; round++) {
		peer = peer_new(_metadata);
		/* some before the test's, some after it */
		ASSERT_EQ(0, peer_do(peer, do_link_idle));
		fd = link_to(peer->pid, 2);
		ASSERT_LE(0, fd);
		peer->slot = 1;
		ASSERT_EQ(0, peer_do(peer, do_link_idle));
		kill(peer->pid, SIGKILL);
		if (round % 2) {
			do {
				events = poll_now(fd);
			} while (!(events & POLLERR));
			EXPECT_EQ(POLLERR | POLLHUP, events);
		} else {
			while (strcmp("EOWNERDEAD", take(fd)))
				;
			EXPECT_EQ(-EOWNERDEAD, put(fd, 0, "text"));
		}
		peer_kill(peer);
		close(fd);
	}
}

/* Order, sizes, peeking: as of any mailbox. */
TEST(priorities_and_peeks)
{
	struct peer *peer = peer_new(_metadata);
	int fd = link_to(peer->pid, 8);
	struct mbox_header header;
	char text[4];

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), 0));
	peer->prio = 1;
	ASSERT_EQ(0, peer_send(peer, 0, 0, "one"));
	peer->prio = 5;
	peer->type = 3;
	ASSERT_EQ(0, peer_send(peer, 0, 0, "fifth"));
	EXPECT_STREQ("fifth", peek(fd));
	EXPECT_EQ(-EMSGSIZE, recv_bytes(fd, 0, text, sizeof(text), &header));
	EXPECT_EQ(5, header.length);
	EXPECT_EQ(-EMSGSIZE, xread(fd, text, sizeof(text)));
	EXPECT_EQ(-EFAULT, recv_bytes(fd, 0, NULL, 100, &header));
	EXPECT_STREQ("fifth", take(fd));
	EXPECT_STREQ("one", take(fd));
	EXPECT_STREQ("EAGAIN", peek(fd));
	/* a peek that waits, and one whose message comes from a blocked sender */
	peer->type = 0;
	peer_start_recv(peer, 0, MBOX_RECV_PEEK);
	ASSERT_TRUE(peer_blocked(peer));
	EXPECT_EQ(0, put(fd, 0, "look"));
	EXPECT_STREQ("look", peer_end_recv(peer));
	EXPECT_STREQ("look", peer_take(peer, 0));
	peer_kill(peer);
	close(fd);
}

TEST(message_sizes)
{
	struct peer *peer = peer_new(_metadata);
	int fd = link_sized(peer->pid, 1, 3);

	ASSERT_LE(0, fd);
	EXPECT_EQ(3, info_of(fd).msg_size);
	EXPECT_EQ(-EMSGSIZE, put(fd, 0, "four"));
	EXPECT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), 1));
	EXPECT_EQ(-EMSGSIZE, peer_send(peer, 0, 0, "four"));
	EXPECT_STREQ("one", peer_take(peer, 0));
	EXPECT_EQ(3, peer_info(peer, 0).msg_size);
	peer_kill(peer);
	close(fd);
}

static int sleep_thread(void *arg)
{
	while (pause())
		;
	return 0;
}

static int do_thread(struct peer *peer)
{
	static char stack[16384] __attribute__((aligned(16)));

	return clone(sleep_thread, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES |
		     CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL);
}

TEST(bad_arguments)
{
	struct peer *peer = peer_new(_metadata);
	struct mbox_ioc_link arg = { .pid = peer->pid, .capacity = 1 };
	struct mbox_ioc_inbox inbox = { .flags = ~MBOX_OPEN_NONBLOCK };
	int factory = factory_open(), thread = peer_do(peer, do_thread);
	int fd = link_to(peer->pid, 1);

	ASSERT_LT(0, thread);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, link_to(getpid(), 1));
	EXPECT_EQ(-ESRCH, link_to(thread, 1));
	EXPECT_EQ(-ESRCH, link_to(0, 1));
	EXPECT_EQ(-ESRCH, link_to(-1, 1));
	EXPECT_EQ(-ESRCH, link_to(INT32_MAX, 1));
	EXPECT_EQ(-ESRCH, link_to(2, 1)); /* kthreadd */
	arg.flags = ~MBOX_OPEN_NONBLOCK;
	EXPECT_EQ(-EINVAL, xioctl(factory, MBOX_IOC_LINK, &arg));
	/* also where the link is there */
	EXPECT_EQ(-EINVAL, link_to(peer->pid, MBOX_CAPACITY_MAX + 1));
	EXPECT_EQ(-EINVAL, link_sized(peer->pid, 1, UINT32_MAX));
	EXPECT_EQ(-EFAULT, xioctl(factory, MBOX_IOC_LINK, NULL));
	EXPECT_EQ(-EFAULT, xioctl(factory, MBOX_IOC_INBOX, NULL));
	EXPECT_EQ(-EINVAL, xioctl(factory, MBOX_IOC_INBOX, &inbox));
	inbox = (struct mbox_ioc_inbox) { .pad = 1 };
	EXPECT_EQ(-EINVAL, xioctl(factory, MBOX_IOC_INBOX, &inbox));
	/* calls on a factory, not on handles */
	arg.flags = 0;
	EXPECT_EQ(-ENOTTY, xioctl(fd, MBOX_IOC_LINK, &arg));
	EXPECT_EQ(1, info_of(fd).handles);
	kill(peer->pid, SIGKILL);
	ASSERT_TRUE(await_peer_dead(fd));
	/* a zombie is no process any more; nor is it when it is gone */
	EXPECT_EQ(-ESRCH, link_to(peer->pid, 1));
	peer_kill(peer);
	EXPECT_EQ(-ESRCH, link_to(peer->pid, 1));
	close(fd);
	close(factory);
}

TEST(nonblocking_handle)
{
	struct peer *peer = peer_new(_metadata);
	struct mbox_ioc_link arg = { .flags = MBOX_OPEN_NONBLOCK, .pid = peer->pid, .capacity = 1 };
	int factory = factory_open();
	int fd = xioctl(factory, MBOX_IOC_LINK, &arg);
	char text[8];

	ASSERT_LE(0, fd);
	EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(-EAGAIN, xread(fd, text, sizeof(text)));
	EXPECT_EQ(1, xwrite(fd, "1", 1));
	EXPECT_EQ(-EAGAIN, xwrite(fd, "2", 1));
	peer_kill(peer);
	close(factory);
	close(fd);
}

/* Pairs whose sides ask at once have one link: each receives the messages of the other. */
#define PAIRS	16
#define ROUNDS	60

struct race {
	int arrived[2], failed;
	pid_t pid[2];
};

static int race_side(struct race *race, int side)
{
	char text[16], expected[16];

	__atomic_store_n(&race->pid[side], getpid(), __ATOMIC_RELEASE);
	while (!__atomic_load_n(&race->pid[!side], __ATOMIC_ACQUIRE))
		;
	for (int i = 1; i <= ROUNDS; i++) {
		int fd, size;

		__atomic_store_n(&race->arrived[side], i, __ATOMIC_RELEASE);
		while (__atomic_load_n(&race->arrived[!side], __ATOMIC_ACQUIRE) < i)
			sched_yield();
		fd = link_to(race->pid[!side], 1 + side);
		if (fd < 0)
			return fd;
		/* until the other has got its message, it is there */
		if (info_of(fd).peer != race->pid[!side] || info_of(fd).capacity - 1 > 1)
			return -EBADF;
		size = snprintf(text, sizeof(text), "%d", i);
		if (xwrite(fd, text, size) != size)
			return -EBADE;
		memcpy(expected, text, sizeof(text));
		if (xread(fd, text, sizeof(text)) != size || memcmp(text, expected, size))
			return -EBADMSG;
		close(fd);
	}
	return 0;
}

TEST(both_at_once)
{
	struct race *races = shared_alloc(PAIRS * sizeof(*races));
	pid_t pids[2 * PAIRS];

	for (int i = 0; i < 2 * PAIRS; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i] == 0)
			_exit(-race_side(&races[i / 2], i % 2));
	}
	for (int i = 0; i < 2 * PAIRS; i++) {
		int status = reap(pids[i]);

		EXPECT_EQ(0, status) {
			TH_LOG("side %d of pair %d: %s", i % 2, i / 2,
			       strerrorname_np(WEXITSTATUS(status)));
		}
	}
}

MBOX_TEST_MAIN
