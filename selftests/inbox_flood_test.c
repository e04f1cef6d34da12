// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that strangers queue in an inbox cost nobody else, and its process bounds them: receives
 * over other links, and of one sender through the inbox, take as long as before; MBOX_SET_CAPACITY
 * counts for all links. And the order in which an inbox gives the messages of many links, by any
 * filter.
 */
#include "lib/peer.h"
#include "lib/user.h"

#define FLOOD		120000
#define TIMES		301

FIXTURE(flood)
{
	struct peer *friend, *stranger;
	int link, inbox;		/* with the friend, and our own */
};

static int do_become(struct peer *peer)
{
	return become(peer->flag, peer->flag);
}

static int inbox_set(int fd, uint32_t mask, uint32_t mode, uint32_t capacity)
{
	struct mbox_ioc_set set = { .mask = mask, .mode = mode, .capacity = capacity };

	return xioctl(fd, MBOX_IOC_SET, &set);
}

FIXTURE_SETUP(flood)
{
	if (geteuid())
		SKIP(return, "only root can be other users");
	self->inbox = inbox_open();
	ASSERT_LE(0, self->inbox);
	ASSERT_EQ(0, inbox_set(self->inbox, MBOX_SET_MODE, 0666, 0));
	self->friend = peer_new(_metadata);
	self->link = link_to(self->friend->pid, 16);
	ASSERT_LE(0, self->link);
	ASSERT_EQ(0, peer_link(self->friend, 0, getpid(), 16));
	self->stranger = peer_new(_metadata);
	self->stranger->flag = spare_uid(0);
	ASSERT_EQ(0, peer_do(self->stranger, do_become));
	ASSERT_EQ(0, peer_link(self->stranger, 0, getpid(), MBOX_CAPACITY_UNBOUNDED));
}

FIXTURE_TEARDOWN(flood)
{
	if (!self->friend)
		return;
	peer_kill(self->friend);
	peer_kill(self->stranger);
}

/* In the stranger: as many as he is asked for, or as his quota lets him. */
static int do_flood(struct peer *peer)
{
	for (int i = 0; i < FLOOD; i++) {
		int ret = send_bytes(peer->fd[0], MBOX_SEND_NONBLOCK, 0, 1, "x", 1);

		if (ret)
			return ret;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return *(const int64_t *)a < *(const int64_t *)b ? -1 : 1;
}

enum way { BY_LINK, BY_SENDER, WAYS };

/* The median time of a receive of one message, which the friend has sent. */
static int64_t cost(struct __test_metadata *_metadata, struct _test_data_flood *self, enum way way)
{
	int64_t times[TIMES];

	for (int i = 0; i < TIMES; i++) {
		struct mbox_ioc_recv recv = { .flags = MBOX_RECV_NONBLOCK };

		EXPECT_EQ(0, peer_send(self->friend, 0, 0, ""));
		if (way == BY_SENDER) {
			recv.flags |= MBOX_RECV_BY_SENDER;
			recv.pid = self->friend->pid;
		}
		times[i] = now();
		EXPECT_EQ(0, xioctl(way == BY_LINK ? self->link : self->inbox, MBOX_IOC_RECV,
				    &recv));
		times[i] = now() - times[i];
		EXPECT_EQ(self->friend->pid, recv.header.pid);
	}
	qsort(times, TIMES, sizeof(*times), compare);
	return times[TIMES / 2];
}

TEST_F(flood, costs_nobody_else)
{
	int64_t before[WAYS], after[WAYS];

	for (enum way way = 0; way < WAYS; way++)
		before[way] = cost(_metadata, self, way);
	ASSERT_EQ(0, peer_do(self->stranger, do_flood));
	ASSERT_EQ(FLOOD, info_of(self->inbox).queued);
	for (enum way way = 0; way < WAYS; way++) {
		after[way] = cost(_metadata, self, way);
		TH_LOG("%s: %lld ns before, %lld ns after", way == BY_LINK ? "link" : "sender",
		       (long long)before[way], (long long)after[way]);
		EXPECT_GT(4 * before[way], after[way]);
	}
	EXPECT_EQ(self->stranger->pid, ({
		struct mbox_header header;

		EXPECT_EQ(0, recv_bytes(self->inbox, 0, (char [1]) { 0 }, 1, &header));
		header.pid;
	}));
}

TEST_F(flood, bounded)
{
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 2));
	EXPECT_EQ(2, info_of(self->inbox).capacity);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(0, peer_send(self->stranger, 0, MBOX_SEND_NONBLOCK, "two"));
		EXPECT_EQ(0, peer_send(self->friend, 0, MBOX_SEND_NONBLOCK, "two"));
	}
	EXPECT_EQ(-EAGAIN, peer_send(self->stranger, 0, MBOX_SEND_NONBLOCK, "more"));
	EXPECT_EQ(-EAGAIN, peer_send(self->friend, 0, MBOX_SEND_NONBLOCK, "more"));
	/* the other direction is the other's business */
	for (int i = 0; i < 16; i++)
		EXPECT_EQ(0, put(self->link, 0, "text"));
	EXPECT_STREQ("EAGAIN", (put(self->link, 0, "text") == -EAGAIN ? "EAGAIN" : ""));
	/* and a link may want less */
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 100));
	for (int i = 2; i < 16; i++)
		EXPECT_EQ(0, peer_send(self->friend, 0, MBOX_SEND_NONBLOCK, "sixteen"));
	EXPECT_EQ(-EAGAIN, peer_send(self->friend, 0, MBOX_SEND_NONBLOCK, "more"));
}

static int do_poll_out(struct peer *peer)
{
	return poll_now(peer->fd[0]) & POLLOUT;
}

TEST_F(flood, raised_and_lowered)
{
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 1));
	EXPECT_EQ(0, peer_send(self->stranger, 0, 0, "one"));
	EXPECT_EQ(0, peer_do(self->stranger, do_poll_out));
	peer_start_send(self->stranger, 0, 0, "two");
	ASSERT_TRUE(peer_blocked(self->stranger));
	EXPECT_EQ(0, peer_send(self->friend, 0, 0, "other"));
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 3));
	EXPECT_EQ(0, peer_end(self->stranger));
	EXPECT_EQ(POLLOUT, peer_do(self->stranger, do_poll_out));
	/* queued messages stay */
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 1));
	EXPECT_EQ(3, info_of(self->inbox).queued);
	EXPECT_EQ(-EAGAIN, peer_send(self->stranger, 0, MBOX_SEND_NONBLOCK, "more"));
	EXPECT_STREQ("one", take(self->inbox));
	EXPECT_STREQ("other", take(self->inbox));
	EXPECT_STREQ("two", take(self->inbox));
	/* a rendezvous */
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 0));
	peer_start_send(self->stranger, 0, 0, "met");
	ASSERT_TRUE(peer_blocked(self->stranger));
	EXPECT_STREQ("met", take(self->inbox));
	EXPECT_EQ(getpid(), peer_end(self->stranger));
}

/* Pollers of a link are told of room by any receiver. */
static int do_await_room(struct peer *peer)
{
	struct pollfd pollfd = { .fd = peer->fd[0], .events = POLLOUT };

	return poll(&pollfd, 1, -1) == 1 ? pollfd.revents : -errno;
}

TEST_F(flood, told_of_room)
{
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 1));
	EXPECT_EQ(0, peer_send(self->stranger, 0, 0, "one"));
	peer_start(self->stranger, do_await_room);
	ASSERT_TRUE(peer_blocked(self->stranger));
	EXPECT_EQ(0, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, 2));
	EXPECT_EQ(POLLOUT, peer_end(self->stranger));
}

TEST_F(flood, invalid)
{
	struct mbox_info before = info_of(self->inbox);

	EXPECT_EQ(-EINVAL, inbox_set(self->inbox, MBOX_SET_CAPACITY, 0, MBOX_CAPACITY_MAX + 1));
	EXPECT_EQ(-EINVAL, inbox_set(self->inbox, MBOX_SET_CAPACITY | MBOX_SET_MODE, 0777, 1));
	EXPECT_EQ(-EOPNOTSUPP, inbox_set(self->link, MBOX_SET_CAPACITY, 0, 1));
	EXPECT_EQ(before.capacity, info_of(self->inbox).capacity);
	EXPECT_EQ(before.mode, info_of(self->inbox).mode);
}

/* A model: all that is in the inbox, in the order in which it was sent. */
#define PEERS	5
#define STEPS	1500
#define TYPES	4
#define PRIOS	3

struct expected {
	int peer;
	uint32_t prio, type, text;
	int used;
};

static int find_expected(const struct expected *sent, int n, int peer, int type, uint32_t min_prio)
{
	int best = -1;

	for (int i = 0; i < n; i++) {
		if (!sent[i].used || (peer >= 0 && sent[i].peer != peer) ||
		    (type >= 0 && sent[i].type != (uint32_t)type) || sent[i].prio < min_prio)
			continue;
		if (best < 0 || sent[i].prio > sent[best].prio)
			best = i;
	}
	return best;
}

TEST(order)
{
	static struct expected sent[STEPS];
	int links[PEERS], inbox = inbox_open(), n = 0;
	struct peer *peers[PEERS];
	unsigned int seed = 1;

	ASSERT_LE(0, inbox);
	for (int i = 0; i < PEERS; i++) {
		peers[i] = peer_new(_metadata);
		ASSERT_EQ(0, peer_link(peers[i], 0, getpid(), MBOX_CAPACITY_UNBOUNDED));
		links[i] = link_to(peers[i]->pid, 0);
		ASSERT_LE(0, links[i]);
	}
	for (int step = 0; step < STEPS; step++) {
		int peer = rand_r(&seed) % PEERS;

		if (rand_r(&seed) % 5 < 3) {
			struct expected *new = &sent[n];

			*new = (struct expected) {
				.peer = peer, .prio = rand_r(&seed) % PRIOS,
				.type = rand_r(&seed) % TYPES, .text = n, .used = 1,
			};
			n++;
			peers[peer]->prio = new->prio;
			peers[peer]->type = new->type;
			ASSERT_EQ(0, peer_send(peers[peer], 0, 0, "text"));
			continue;
		}
		int by_link = rand_r(&seed) % 4 == 0, by_type = rand_r(&seed) % 2;
		int by_sender = !by_link && rand_r(&seed) % 3 == 0, peek = rand_r(&seed) % 4 == 0;
		struct mbox_ioc_recv recv = {
			.flags = MBOX_RECV_NONBLOCK | (by_type ? MBOX_RECV_BY_TYPE : 0) |
				 (by_sender ? MBOX_RECV_BY_SENDER : 0) |
				 (peek ? MBOX_RECV_PEEK : 0),
			.size = 16,
			.min_prio = rand_r(&seed) % 4 ? 0 : rand_r(&seed) % PRIOS,
		};
		char text[16];
		int i;

		recv.data = address_of(text);
		recv.type = by_type ? rand_r(&seed) % TYPES : 0;
		recv.pid = by_sender ? peers[peer]->pid : 0;
		i = find_expected(sent, n, by_link || by_sender ? peer : -1,
				  by_type ? (int)recv.type : -1, recv.min_prio);
		ASSERT_EQ(i < 0 ? -EAGAIN : 0,
			  xioctl(by_link ? links[peer] : inbox, MBOX_IOC_RECV, &recv));
		if (i < 0)
			continue;
		/* nothing else is in this inbox: its numbers are those of the sends */
		ASSERT_EQ(i + 1, recv.header.seq);
		ASSERT_EQ(peers[sent[i].peer]->pid, recv.header.pid);
		if (!peek)
			sent[i].used = 0;
	}
	for (int i = 0; i < PEERS; i++)
		peer_kill(peers[i]);
}

MBOX_TEST_MAIN
