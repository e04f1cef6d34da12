// SPDX-License-Identifier: GPL-2.0-only
/*
 * A receive that has far to search, while the queue changes under it: the search lets others in now
 * and then, and must find the first message all the same.
 */
#include "lib/netlink.h"
#include "lib/peer.h"

#include <sched.h>
#include <sys/resource.h>

#define DEPTH	8192		/* messages of another type; many times the number that is searched at once */
#define PAIRS	300

enum { FILLER = 1, WANTED = 2 };

/* A mailbox with as many messages of no interest as a search takes long to pass by. */
static int deep_box(struct __test_metadata *_metadata)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);

	for (int i = 0; i < DEPTH; i++) {
		ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 1, FILLER, "filler", 6));
	}
	return fd;
}

static int recv_wanted(int fd, uint32_t flags, struct mbox_header *header)
{
	char data[16];
	struct mbox_ioc_recv arg = {
		.flags = flags | MBOX_RECV_BY_TYPE, .type = WANTED,
		.data = address_of(data), .size = sizeof(data),
	};
	int ret = xioctl(fd, MBOX_IOC_RECV, &arg);

	*header = arg.header;
	return ret;
}

/*
 * The sender sends one to the front of the queue and then one to its end. Whenever the receiver looks,
 * that at the end must not come before that at the front, which was accepted earlier and is of higher
 * priority.
 */
TEST(first_is_first)
{
	int fd = deep_box(_metadata);
	struct mbox_header header;
	pid_t sender = fork_child();

	ASSERT_LE(0, sender);
	if (sender == 0) {
		for (uint32_t i = 0; i < PAIRS; i++) {
			if (send_bytes(fd, 0, 2, WANTED, &i, sizeof(i)) ||
			    send_bytes(fd, 0, 0, WANTED, &i, sizeof(i)))
				_exit(1);
			while (info_of(fd).queued > DEPTH)
				sched_yield();
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < 2 * PAIRS; i++) {
		int64_t end = now() + PATIENCE * NSEC_PER_SEC;
		int ret;

		do
			ret = recv_wanted(fd, MBOX_RECV_NONBLOCK, &header);
		while (ret == -EAGAIN && now() < end);
		ASSERT_EQ(0, ret);
		ASSERT_EQ(i % 2 ? 0 : 2, header.prio) {
			TH_LOG("in pair %u", i / 2);
		}
	}
	EXPECT_EQ(0, reap(sender));
	EXPECT_EQ(DEPTH, info_of(fd).queued);
	EXPECT_BALANCED(fd);
	close(fd);
}

/* In a peer: as many messages of no interest. */
static int do_fill(struct peer *peer)
{
	for (int i = 0; i < DEPTH; i++) {
		int ret = send_bytes(peer->fd[0], MBOX_SEND_NONBLOCK, 1, FILLER, "filler", 6);

		if (ret)
			return ret;
	}
	return 0;
}

/* In a peer: send, and withdraw some time later, until it is told to stop. */
static int do_withdraw(struct peer *peer)
{
	uint32_t random = 1;

	while (!__atomic_load_n(&peer->flag, __ATOMIC_ACQUIRE)) {
		struct mbox_ioc_send arg = {
			.flags = MBOX_SEND_SYNC, .type = WANTED, .prio = random >> 20 & 1,
			.clock = MBOX_CLOCK_MONOTONIC,
			.data = address_of("wanted"), .size = 6,
		};
		int ret;

		random = random * 1103515245 + 12345;
		arg.deadline = now() + (random >> 16) % 500000;
		ret = xioctl(peer->fd[0], MBOX_IOC_SEND, &arg);
		if (ret != -ETIMEDOUT && ret != peer->other)
			return ret ?: -EPROTO;
	}
	return 0;
}

/* In a peer: the pairs, as above. */
static int do_pairs(struct peer *peer)
{
	for (uint32_t i = 0; i < PAIRS; i++) {
		int ret = send_bytes(peer->fd[0], 0, 2, WANTED, &i, sizeof(i)) ?:
			  send_bytes(peer->fd[0], 0, 0, WANTED, &i, sizeof(i));

		if (ret)
			return ret;
		while (__atomic_load_n(&peer->flag, __ATOMIC_ACQUIRE) <= i)
			sched_yield();
	}
	return 0;
}

static struct peer *sender_new(struct __test_metadata *_metadata)
{
	struct peer *peer = peer_new(_metadata);

	ASSERT_EQ(0, peer_link(peer, 0, getpid(), MBOX_CAPACITY_UNBOUNDED));
	return peer;
}

/* The same in an inbox, in which the messages are in several queues. */
TEST(first_of_many_links_is_first)
{
	struct peer *first = sender_new(_metadata), *deep = sender_new(_metadata);
	struct mbox_header header;
	int inbox = inbox_open();

	ASSERT_LE(0, inbox);
	ASSERT_EQ(0, peer_do(deep, do_fill));
	first->flag = 0;
	peer_start(first, do_pairs);
	for (uint32_t i = 0; i < 2 * PAIRS; i++) {
		int64_t end = now() + PATIENCE * NSEC_PER_SEC;
		int ret;

		do
			ret = recv_wanted(inbox, MBOX_RECV_NONBLOCK, &header);
		while (ret == -EAGAIN && now() < end);
		ASSERT_EQ(0, ret);
		ASSERT_EQ(i % 2 ? 0 : 2, header.prio) {
			TH_LOG("in pair %u", i / 2);
		}
		ASSERT_EQ(first->pid, header.pid);
		__atomic_store_n(&first->flag, (i + 1) / 2, __ATOMIC_RELEASE);
	}
	EXPECT_EQ(0, peer_end(first));
	EXPECT_EQ(DEPTH, info_of(inbox).queued);
	peer_kill(first);
	peer_kill(deep);
}

/*
 * What a search in an inbox has found is withdrawn again and again, while it searches the other
 * links: it ends all the same, and the sender learns which of its messages were received.
 */
TEST(found_is_withdrawn)
{
	struct peer *fickle = sender_new(_metadata), *deep = sender_new(_metadata);
	struct peer *last = sender_new(_metadata);
	int64_t end = now() + 3 * NSEC_PER_SEC;
	uint64_t received = 0, others = 0;
	struct mbox_header header;
	int inbox = inbox_open();

	ASSERT_LE(0, inbox);
	ASSERT_EQ(0, peer_do(deep, do_fill));
	fickle->other = last->other = getpid();
	peer_start(fickle, do_withdraw);
	peer_start(last, do_withdraw);
	while (now() < end) {
		int ret = recv_wanted(inbox, MBOX_RECV_NONBLOCK, &header);

		if (ret) {
			ASSERT_EQ(-EAGAIN, ret);
			continue;
		}
		if (header.pid == fickle->pid)
			received++;
		else
			others++;
	}
	set_flag(&fickle->flag);
	set_flag(&last->flag);
	EXPECT_EQ(0, peer_end(fickle));
	EXPECT_EQ(0, peer_end(last));
	EXPECT_EQ(DEPTH, info_of(inbox).queued);
	EXPECT_BALANCED(inbox);
	TH_LOG("%llu and %llu received, %llu withdrawn", (unsigned long long)received,
	       (unsigned long long)others, (unsigned long long)info_of(inbox).withdrawn);
	peer_kill(fickle);
	peer_kill(deep);
	peer_kill(last);
}

static int64_t usec(struct timeval time)
{
	return time.tv_sec * 1000000LL + time.tv_usec;
}

/* Receive the lowest type of all, in a child on the first CPU. Return the time that it ran there in us. */
static int64_t search_time(int fd)
{
	struct mbox_ioc_recv arg = {
		.flags = MBOX_RECV_MAX_TYPE | MBOX_RECV_NONBLOCK, .type = UINT32_MAX,
	};
	struct rusage usage;
	pid_t pid = fork_child();
	int status;

	if (!pid)
		_exit(!run_on(0) || xioctl(fd, MBOX_IOC_RECV, &arg));
	for (int64_t end = now() + PATIENCE * NSEC_PER_SEC; now() < end; nap()) {
		if (wait4(pid, &status, WNOHANG, &usage) == pid)
			return status ? -1 : usec(usage.ru_utime) + usec(usage.ru_stime);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

/* Send messages ahead of all others, and have them go: withdraw them, or receive them. */
static void distract(int fd, bool withdraw)
{
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_NONBLOCK };
	struct mbox_ioc_send send = {
		.flags = withdraw ? MBOX_SEND_SYNC : MBOX_SEND_NONBLOCK, .prio = 2, .type = WANTED,
		.clock = withdraw ? MBOX_CLOCK_MONOTONIC : MBOX_CLOCK_NONE,
	};

	if (!run_on(0))
		_exit(1);
	for (;;) {
		if (withdraw)
			send.deadline = now() + 50000;
		xioctl(fd, MBOX_IOC_SEND, &send);
		if (!withdraw)
			xioctl(fd, MBOX_IOC_RECV, &recv);
	}
}

/*
 * A search for the lowest type has to look at all messages. Others run whenever it lets them, and use the
 * front of the queue. It does not begin anew each time, and ends.
 */
static void search_beside(struct __test_metadata *_metadata, bool withdraw)
{
	enum { OTHERS = 3, MANY = 100000 };
	int fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);
	int64_t alone, beside;
	pid_t pids[OTHERS];

	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 1, WANTED + 1, "", 0));
	alone = INT64_MAX;
	for (int i = 0; i < 3; i++) {
		beside = search_time(fd);
		ASSERT_LT(0, beside);
		alone = beside < alone ? beside : alone;
	}
	for (int i = 0; i < OTHERS; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			distract(fd, withdraw);
	}
	beside = search_time(fd);
	for (int i = 0; i < OTHERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	TH_LOG("alone %lld us, beside others %lld us", (long long)alone, (long long)beside);
	EXPECT_LT(0, beside);
	/* at the front again each time: 40 times as long and more */
	EXPECT_GT(15 * alone, beside);
	close(fd);
}

TEST(lowest_beside_traffic)
{
	search_beside(_metadata, false);
}

TEST(lowest_beside_withdrawals)
{
	search_beside(_metadata, true);
}

/* Senders that are blocked in another thread each are searched, too: the most urgent first. */
TEST(urgent_sender_is_found)
{
	enum { SENDERS = 600, URGENT = 200 };
	int fd = box_new(_metadata, 1), found = 0;
	struct mbox_header header;
	pid_t pids[SENDERS], urgent;

	ASSERT_EQ(0, put(fd, 9, "full"));
	for (int i = 0; i < SENDERS; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			_exit(send_bytes(fd, 0, 1, FILLER, "filler", 6) != -EIDRM);
	}
	ASSERT_TRUE(await_blocked(fd, SENDERS, 0));
	urgent = fork_child();
	ASSERT_LE(0, urgent);
	if (!urgent) {
		for (uint32_t i = 0; i < URGENT; i++)
			if (send_bytes(fd, 0, 2, WANTED, &i, sizeof(i)))
				_exit(1);
		_exit(0);
	}
	while (found < URGENT) {
		int ret = recv_wanted(fd, MBOX_RECV_NONBLOCK, &header);

		ASSERT_TRUE(!ret || ret == -EAGAIN);
		found += !ret;
	}
	EXPECT_EQ(0, reap(urgent));
	EXPECT_EQ(SENDERS, info_of(fd).senders);
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	for (int i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	close(fd);
}

/* More searches at the same time than are let pause beside each other, and a purge beside them. */
TEST(crowd_of_searches)
{
	enum { SEARCHERS = 160 };
	char name[MBOX_NAME_SIZE];
	int *stop = shared_alloc(sizeof(*stop)), *begun = shared_alloc(sizeof(*begun)), fd;
	struct nl_request request;
	pid_t pids[SEARCHERS];
	struct nl nl;

	ASSERT_EQ(0, nl_open(&nl));
	fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, name);
	for (int i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 1, FILLER, "filler", 6));
	for (int i = 0; i < SEARCHERS; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (!pids[i]) {
			struct mbox_header header;

			__atomic_add_fetch(begun, 1, __ATOMIC_RELEASE);
			do {
				if (recv_wanted(fd, MBOX_RECV_NONBLOCK, &header) != -EAGAIN)
					_exit(1);
			} while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE));
			_exit(0);
		}
	}
	while (__atomic_load_n(begun, __ATOMIC_ACQUIRE) < SEARCHERS)
		nap();
	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_PURGE, 0);
	nl_put_string(&request, MBOX_A_MAILBOX_NAME, name);
	EXPECT_EQ(0, nl_talk(&nl, &request, NULL, NULL));
	set_flag(stop);
	for (int i = 0; i < SEARCHERS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_EQ(DEPTH, info_of(fd).dropped);
	close(nl.fd);
	close(fd);
}

MBOX_TEST_MAIN
