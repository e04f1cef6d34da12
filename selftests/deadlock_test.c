// SPDX-License-Identifier: GPL-2.0-only
/* EDEADLK: the call that would close a cycle of processes that wait for one another, and no other. */
#include "lib/peer.h"

#include <pthread.h>
#include <sched.h>

/* A way to wait for a peer. */
enum wait { WAIT_SYNC, WAIT_ZERO, WAIT_FULL, WAIT_RECV, WAIT_PEEK, WAIT_TYPE, WAITS };

static const char *const names[] = {
	"sync send", "zero-capacity send", "send to a full link", "receive", "peek",
	"receive of another type",
};

/*
 * A ring of processes, each linked to the next in its slot 0 and to the one before in slot 1. Each
 * link has its own capacity: that which the wait of the process before it wants.
 */
#define RING_MAX	4

struct ring {
	struct peer *peers[RING_MAX];
	int n;
};

static uint32_t capacity_for(enum wait wait)
{
	return wait == WAIT_ZERO ? 0 : wait == WAIT_FULL ? 1 : 8;
}

static bool is_send(enum wait wait)
{
	return wait <= WAIT_FULL;
}

static void ring_make(struct __test_metadata *_metadata, struct ring *ring, int n,
		      const enum wait *waits)
{
	ring->n = n;
	for (int i = 0; i < n; i++)
		ring->peers[i] = peer_new(_metadata);
	for (int i = 0; i < n; i++) {
		struct peer *next = ring->peers[(i + 1) % n];

		ASSERT_EQ(0, peer_link(ring->peers[i], 0, next->pid, capacity_for(waits[i])));
		ASSERT_EQ(0, peer_link(next, 1, ring->peers[i]->pid, 0));
	}
	/* With two there is one link, of the first's capacity. */
	for (int i = 0; i < n; i++) {
		if (waits[i] == WAIT_FULL)
			while (!peer_send(ring->peers[i], 0, MBOX_SEND_NONBLOCK, "fill"))
				;
	}
}

static void ring_end(struct ring *ring)
{
	for (int i = 0; i < ring->n; i++)
		peer_kill(ring->peers[i]);
}

static void wait_start(struct peer *peer, enum wait wait)
{
	peer->type = 0;
	if (is_send(wait)) {
		peer_start_send(peer, 0, wait == WAIT_SYNC ? MBOX_SEND_SYNC : 0, "wait");
		return;
	}
	if (wait == WAIT_TYPE)
		peer->type = 77;
	peer_start_recv(peer, 0, wait == WAIT_PEEK ? MBOX_RECV_PEEK :
				 wait == WAIT_TYPE ? MBOX_RECV_BY_TYPE : 0);
}

/* Whether a process that waits like that for the next one goes on when that waits for it. */
static bool ends(enum wait wait, enum wait next)
{
	/* a receive from anyone finds the message that the other sends, or has sent before */
	return (is_send(wait) && (next == WAIT_RECV || next == WAIT_PEEK)) ||
	       (is_send(next) && (wait == WAIT_RECV || wait == WAIT_PEEK));
}

/* Every mix of two: one link between them. */
TEST(two)
{
	for (int i = 0; i < WAITS * WAITS; i++) {
		enum wait waits[2] = { i / WAITS, i % WAITS };
		struct mbox_info before, after;
		struct ring ring;

		/* the link has the capacity that the first wants; or both are the same */
		if (ends(waits[0], waits[1]) ||
		    (is_send(waits[1]) && waits[1] != WAIT_SYNC && waits[1] != waits[0]))
			continue;
		ring_make(_metadata, &ring, 2, waits);
		wait_start(ring.peers[0], waits[0]);
		ASSERT_TRUE(peer_blocked(ring.peers[0]));
		before = peer_info(ring.peers[1], 0);
		wait_start(ring.peers[1], waits[1]);
		EXPECT_EQ(-EDEADLK, peer_end(ring.peers[1])) {
			TH_LOG("%s, then %s", names[waits[0]], names[waits[1]]);
		}
		/* nothing has changed, and the other goes on waiting */
		after = peer_info(ring.peers[1], 0);
		EXPECT_EQ(before.queued, after.queued);
		EXPECT_EQ(before.receivers, after.receivers);
		EXPECT_EQ(before.senders, after.senders);
		EXPECT_TRUE(peer_blocked(ring.peers[0]));
		EXPECT_EQ(-EDEADLK, (wait_start(ring.peers[1], waits[1]), peer_end(ring.peers[1])));
		peer_kill(ring.peers[1]);
		EXPECT_EQ(-EOWNERDEAD, peer_end(ring.peers[0]));
		ring_end(&ring);
	}
}

/* Every mix of three, each with the next. */
TEST(three)
{
	for (int i = 0; i < WAITS * WAITS * WAITS; i++) {
		enum wait waits[3] = { i % WAITS, i / WAITS % WAITS, i / WAITS / WAITS };
		struct ring ring;

		/* peeks are receives: not all of them again */
		if (waits[0] == WAIT_PEEK || waits[1] == WAIT_PEEK)
			continue;
		ring_make(_metadata, &ring, 3, waits);
		for (int j = 0; j < 2; j++) {
			wait_start(ring.peers[j], waits[j]);
			ASSERT_TRUE(peer_blocked(ring.peers[j]));
		}
		wait_start(ring.peers[2], waits[2]);
		EXPECT_EQ(-EDEADLK, peer_end(ring.peers[2])) {
			TH_LOG("%s, %s, then %s", names[waits[0]], names[waits[1]],
			       names[waits[2]]);
		}
		EXPECT_TRUE(peer_blocked(ring.peers[0]));
		EXPECT_TRUE(peer_blocked(ring.peers[1]));
		ring_end(&ring);
	}
}

/* A rendezvous, in either order, is no cycle; nor is waiting for a message that is there already. */
TEST(meeting)
{
	const enum wait waits[2] = { WAIT_SYNC, WAIT_RECV };
	struct ring ring;

	ring_make(_metadata, &ring, 2, waits);
	for (int i = 0; i < 2; i++) {
		struct peer *a = ring.peers[i], *b = ring.peers[!i];

		wait_start(a, WAIT_RECV);
		ASSERT_TRUE(peer_blocked(a));
		EXPECT_EQ(a->pid, peer_send(b, 0, MBOX_SEND_SYNC, "met"));
		EXPECT_STREQ("met", peer_end_recv(a));
		wait_start(a, WAIT_SYNC);
		ASSERT_TRUE(peer_blocked(a));
		wait_start(b, WAIT_RECV);
		EXPECT_STREQ("wait", peer_end_recv(b));
		EXPECT_EQ(b->pid, peer_end(a));
		/* a process that peeks is woken, and may receive then */
		wait_start(a, WAIT_PEEK);
		ASSERT_TRUE(peer_blocked(a));
		wait_start(b, WAIT_SYNC);
		EXPECT_STREQ("wait", peer_end_recv(a));
		EXPECT_TRUE(peer_blocked(b));
		EXPECT_EQ(-EDEADLK, peer_send(a, 0, MBOX_SEND_SYNC, "no"));
		EXPECT_STREQ("wait", peer_take(a, 0));
		EXPECT_EQ(a->pid, peer_end(b));
	}
	ring_end(&ring);
}

/* A buffer that is too small: its receiver is woken, and told. */
static int do_recv_small(struct peer *peer)
{
	return recv_bytes(peer->fd[0], 0, peer->text, 1, &peer->header);
}

TEST(too_small)
{
	const enum wait waits[2] = { WAIT_SYNC, WAIT_SYNC };
	struct ring ring;

	ring_make(_metadata, &ring, 2, waits);
	peer_start(ring.peers[0], do_recv_small);
	ASSERT_TRUE(peer_blocked(ring.peers[0]));
	wait_start(ring.peers[1], WAIT_SYNC);
	EXPECT_EQ(-EMSGSIZE, peer_end(ring.peers[0]));
	EXPECT_TRUE(peer_blocked(ring.peers[1]));
	EXPECT_STREQ("wait", peer_take(ring.peers[0], 0));
	EXPECT_EQ(ring.peers[0]->pid, peer_end(ring.peers[1]));
	ring_end(&ring);
}

/* With a deadline, a wait ends: neither the one that would close a cycle counts, nor one in it. */
TEST(deadlines)
{
	for (enum wait wait = 0; wait < WAITS; wait++) {
		enum wait waits[2] = { wait, WAIT_TYPE };
		struct ring ring;

		ring_make(_metadata, &ring, 2, waits);
		wait_start(ring.peers[0], wait);
		ASSERT_TRUE(peer_blocked(ring.peers[0]));
		ring.peers[1]->deadline = now() + 20 * NSEC_PER_MSEC;
		wait_start(ring.peers[1], WAIT_TYPE);
		EXPECT_EQ(-ETIMEDOUT, peer_end(ring.peers[1]));
		EXPECT_TRUE(peer_blocked(ring.peers[0]));
		ring_end(&ring);

		ring_make(_metadata, &ring, 2, waits);
		ring.peers[0]->deadline = now() + PATIENCE * NSEC_PER_SEC;
		wait_start(ring.peers[0], wait);
		ASSERT_TRUE(peer_blocked(ring.peers[0]));
		wait_start(ring.peers[1], WAIT_TYPE);
		EXPECT_TRUE(peer_blocked(ring.peers[1]));
		ring_end(&ring);
	}
}

/* An edge goes with its call: cancelled, or completed. */
TEST(given_up)
{
	const enum wait waits[2] = { WAIT_RECV, WAIT_RECV };
	struct ring ring;

	ring_make(_metadata, &ring, 2, waits);
	for (int i = 0; i < 20; i++) {
		wait_start(ring.peers[0], WAIT_RECV);
		ASSERT_TRUE(peer_blocked(ring.peers[0]));
		wait_start(ring.peers[1], WAIT_RECV);
		EXPECT_EQ(-EDEADLK, peer_end(ring.peers[1]));
		EXPECT_EQ(0, peer_send(ring.peers[1], 0, 0, "done"));
		/* now it may, whether the other ran already or not */
		wait_start(ring.peers[1], WAIT_RECV);
		EXPECT_STREQ("done", peer_end_recv(ring.peers[0]));
		ASSERT_TRUE(peer_blocked(ring.peers[1]));
		EXPECT_EQ(0, peer_send(ring.peers[0], 0, 0, "over"));
		EXPECT_STREQ("over", peer_end_recv(ring.peers[1]));
	}
	ring_end(&ring);
}

/* Another thread may serve the first one. */
static void *send_later(void *arg)
{
	struct peer *peer = arg;

	while (!__atomic_load_n(&peer->flag, __ATOMIC_ACQUIRE))
		nap();
	put(peer->fd[0], 0, "by the thread");
	return NULL;
}

static int do_thread(struct peer *peer)
{
	pthread_t thread;

	return -pthread_create(&thread, NULL, send_later, peer);
}

TEST(second_thread)
{
	const enum wait waits[2] = { WAIT_RECV, WAIT_RECV };
	struct peer *a, *b;
	struct ring ring;

	ring_make(_metadata, &ring, 2, waits);
	a = ring.peers[0];
	b = ring.peers[1];
	ASSERT_EQ(0, peer_do(a, do_thread));
	wait_start(a, WAIT_RECV);
	ASSERT_TRUE(peer_blocked(a));
	wait_start(b, WAIT_RECV);
	ASSERT_TRUE(peer_blocked(b));
	set_flag(&a->flag);
	EXPECT_STREQ("by the thread", peer_end_recv(b));
	EXPECT_EQ(0, peer_send(b, 0, 0, "text"));
	EXPECT_STREQ("text", peer_end_recv(a));
	ring_end(&ring);
}

/* A receive from anyone waits for nobody in particular. */
TEST(inboxes)
{
	const enum wait waits[2] = { WAIT_RECV, WAIT_RECV };
	struct ring ring;

	ring_make(_metadata, &ring, 2, waits);
	for (int i = 0; i < 2; i++) {
		ring.peers[i]->slot = 2;
		ASSERT_EQ(0, peer_do(ring.peers[i], do_inbox));
		peer_start_recv(ring.peers[i], 2, 0);
		ASSERT_TRUE(peer_blocked(ring.peers[i]));
	}
	ring_end(&ring);
}

/*
 * Many processes that send, synchronously or to a link without room, to random peers and receive
 * from random peers: in the end one of them always gets EDEADLK, and does something else. Nobody
 * hangs: if all wait, the test does not end. Some use inboxes meanwhile, so that nobody waits for a
 * receive that nobody serves.
 */
#define CROWD	8
#define MEETINGS 400

struct crowd {
	pid_t pids[CROWD];
	int linked, failed, met[CROWD], refused[CROWD], done;
};

static int crowd_member(struct crowd *crowd, int me)
{
	unsigned int seed = me + 1;
	int fds[CROWD];

	while (!__atomic_load_n(&crowd->pids[CROWD - 1], __ATOMIC_ACQUIRE))
		nap();
	for (int i = 0; i < CROWD; i++) {
		fds[i] = i == me ? -1 : link_to(crowd->pids[i], (i + me) % 2);
		if (i != me && fds[i] < 0)
			return fds[i];
	}
	__atomic_add_fetch(&crowd->linked, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&crowd->linked, __ATOMIC_ACQUIRE) < CROWD)
		nap();
	while (crowd->met[me] < MEETINGS && !__atomic_load_n(&crowd->done, __ATOMIC_ACQUIRE)) {
		int other = rand_r(&seed) % CROWD, ret;
		char text[8];

		if (other == me)
			continue;
		switch (rand_r(&seed) % 3) {
		case 0:
			ret = send_bytes(fds[other], MBOX_SEND_SYNC, 0, 0, "sync", 4);
			break;
		case 1:
			ret = send_bytes(fds[other], 0, 0, 0, "send", 4);
			break;
		default:
			ret = recv_bytes(fds[other], 0, text, sizeof(text), NULL);
			break;
		}
		if (ret >= 0)
			crowd->met[me]++;
		else if (ret == -EDEADLK)
			crowd->refused[me]++;
		else if (ret == -EOWNERDEAD)
			break;
		else
			return ret;
	}
	/* the first process that ends ends all: those that wait for it are told, and so on */
	set_flag(&crowd->done);
	return 0;
}

TEST(crowd)
{
	struct crowd *crowd = shared_alloc(sizeof(*crowd));
	pid_t pids[CROWD];
	int refused = 0, met = 0;

	for (int i = 0; i < CROWD; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i] == 0)
			_exit(-crowd_member(crowd, i));
		__atomic_store_n(&crowd->pids[i], pids[i], __ATOMIC_RELEASE);
	}
	for (int i = 0; i < CROWD; i++) {
		int status = reap(pids[i]);

		EXPECT_EQ(0, status) {
			TH_LOG("%d: %s", i, status < 0 ? "hangs" :
			       strerrorname_np(WEXITSTATUS(status)));
		}
		refused += crowd->refused[i];
		met += crowd->met[i];
	}
	EXPECT_LT(0, refused);
	EXPECT_LE(MEETINGS, met);
}

MBOX_TEST_MAIN
