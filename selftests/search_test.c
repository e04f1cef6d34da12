// SPDX-License-Identifier: GPL-2.0-only
/*
 * A receive that has far to search, while the queue changes under it: the search lets others in now
 * and then, and must find the first message all the same.
 */
#include "lib/interrupt.h"
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

/*
 * In a peer: withdraw what the search has found while it pauses, by interrupting it. Each message is
 * withdrawn after @deadline nanoseconds; its priority is 0 or @prio.
 */
static int do_interrupt(struct peer *peer)
{
	int ret = interrupt_become(true) ? 0 : -EPERM;

	for (uint32_t n = 0; !ret && !__atomic_load_n(&peer->flag, __ATOMIC_ACQUIRE); n++) {
		struct mbox_ioc_send arg = {
			.flags = MBOX_SEND_SYNC, .type = WANTED, .prio = n % 2 ? peer->prio : 0,
			.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + peer->deadline,
			.data = address_of("wanted"), .size = 6,
		};

		ret = xioctl(peer->fd[0], MBOX_IOC_SEND, &arg);
		if (ret == -ETIMEDOUT || ret == peer->other)
			ret = 0;
	}
	interrupt_become(false);
	return ret;
}

/*
 * The same in each pass of a search, a few times: it takes one after so many passes. Messages also come
 * to the link that is being searched, before and after the place of the search.
 */
TEST(found_is_withdrawn_each_time)
{
	enum { SEARCHES = 10 };
	struct peer *fickle, *deep;
	struct mbox_header header;
	int64_t began, took;
	int inbox, found = 0;

	ASSERT_TRUE(interrupt_prepare());
	fickle = sender_new(_metadata);
	deep = sender_new(_metadata);
	inbox = inbox_open();
	ASSERT_LE(0, inbox);
	ASSERT_EQ(0, peer_do(deep, do_fill));
	began = now();
	ASSERT_EQ(-EAGAIN, recv_wanted(inbox, MBOX_RECV_NONBLOCK, &header));
	took = now() - began;

	fickle->deadline = took / 3;
	peer_start(fickle, do_interrupt);
	for (int n = 0; n < SEARCHES; n++)
		found += !recv_wanted(inbox, MBOX_RECV_NONBLOCK, &header);
	deep->deadline = took / 5;
	deep->prio = 2;
	peer_start(deep, do_interrupt);
	for (int n = 0; n < SEARCHES; n++)
		found += !recv_wanted(inbox, MBOX_RECV_NONBLOCK, &header);
	set_flag(&fickle->flag);
	set_flag(&deep->flag);
	EXPECT_EQ(0, peer_end(fickle));
	EXPECT_EQ(0, peer_end(deep));
	EXPECT_NE(0, found);
	EXPECT_EQ(DEPTH, info_of(inbox).queued);
	EXPECT_EQ(found, info_of(inbox).received);
	EXPECT_BALANCED(inbox);
	TH_LOG("found in %d of %d searches, %llu withdrawn", found, 2 * SEARCHES,
	       (unsigned long long)info_of(inbox).withdrawn);
	peer_kill(fickle);
	peer_kill(deep);
}

static int purge_all(void *arg)
{
	return nl_purge_id(*(uint64_t *)arg);
}

/* The message at which a search goes on is purged. */
TEST(purged_while_searched)
{
	struct peer *deep;
	struct mbox_header header;
	struct interrupt interrupt = { .call = purge_all };
	uint64_t id;
	int inbox;

	ASSERT_TRUE(interrupt_prepare());
	deep = sender_new(_metadata);
	inbox = inbox_open();
	ASSERT_LE(0, inbox);
	id = info_of(inbox).id;
	interrupt.arg = &id;
	for (int n = 0; n < 2; n++) {
		int64_t began;

		ASSERT_EQ(0, peer_do(deep, do_fill));
		if (n)
			ASSERT_EQ(0, interrupt_start(&interrupt));
		began = now();
		ASSERT_EQ(-EAGAIN, recv_wanted(inbox, MBOX_RECV_NONBLOCK, &header));
		interrupt.delay = (now() - began) / 2;
		if (n)
			interrupt_end(&interrupt);
		EXPECT_EQ(DEPTH, n ? interrupt.result : nl_purge_id(id));
		EXPECT_EQ(0, info_of(inbox).queued);
	}
	peer_kill(deep);
}

/* The mailbox dies while it is searched: on a busy machine not in the first round. */
TEST(dies_while_searched)
{
	enum { ROUNDS = 5 };
	struct mbox_header header;
	int ret = -EAGAIN, fd;

	ASSERT_TRUE(interrupt_prepare());
	for (int round = 0; ret == -EAGAIN && round < ROUNDS; round++) {
		struct interrupt interrupt = { .call = interrupt_delete, .arg = &fd };
		int64_t began;

		fd = deep_box(_metadata);
		began = now();
		ASSERT_EQ(-EAGAIN, recv_wanted(fd, MBOX_RECV_NONBLOCK, &header));
		interrupt.delay = (now() - began) / 2;
		ASSERT_EQ(0, interrupt_start(&interrupt));
		ret = recv_wanted(fd, MBOX_RECV_NONBLOCK, &header);
		interrupt_end(&interrupt);
		EXPECT_EQ(0, interrupt.result);
		EXPECT_EQ(DEPTH, info_of(fd).dropped);
		close(fd);
	}
	if (ret != -EAGAIN)
		EXPECT_EQ(-EIDRM, ret);
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

/* More searches at the same time than are let pause beside each other. */
FIXTURE(crowd)
{
	char name[MBOX_NAME_SIZE];
	int fd, *stop;
	pid_t pids[160];
};

FIXTURE_SETUP(crowd)
{
	const int nr = sizeof(self->pids) / sizeof(self->pids[0]);
	int *begun = shared_alloc(sizeof(*begun));

	self->stop = shared_alloc(sizeof(*self->stop));
	self->fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, self->name);
	for (int i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 1, FILLER, "filler", 6));
	for (int i = 0; i < nr; i++) {
		self->pids[i] = fork_child();
		ASSERT_LE(0, self->pids[i]);
		if (!self->pids[i]) {
			struct mbox_header header;
			int ret;

			__atomic_add_fetch(begun, 1, __ATOMIC_RELEASE);
			do
				ret = recv_wanted(self->fd, MBOX_RECV_NONBLOCK, &header);
			while (ret == -EAGAIN && !__atomic_load_n(self->stop, __ATOMIC_ACQUIRE));
			_exit(ret != -EAGAIN && ret != -EIDRM);
		}
	}
	while (__atomic_load_n(begun, __ATOMIC_ACQUIRE) < nr)
		nap();
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->fd);
}

/* Let them stop. */
static void crowd_stop(struct __test_metadata *_metadata, struct _test_data_crowd *self)
{
	set_flag(self->stop);
	for (int i = 0; i < sizeof(self->pids) / sizeof(self->pids[0]); i++)
		EXPECT_EQ(0, reap(self->pids[i]));
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_EQ(DEPTH, info_of(self->fd).dropped);
}

TEST_F_TIMEOUT(crowd, purged, 120)
{
	EXPECT_EQ(0, nl_purge(self->name));
	crowd_stop(_metadata, self);
}

/* The mailbox dies while the purge waits for its turn among the searches. */
TEST_F_TIMEOUT(crowd, dies_before_purge, 120)
{
	pid_t purge = fork_child();

	ASSERT_LE(0, purge);
	if (!purge) {
		int ret = nl_purge(self->name);

		/* 0 if it had its turn before */
		_exit(ret && ret != -EIDRM);
	}
	/* a purge that waits for its turn may only be killed */
	while (!strchr("DZ", process_state(purge)))
		sched_yield();
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(0, reap(purge));
	crowd_stop(_metadata, self);
}

MBOX_TEST_MAIN
