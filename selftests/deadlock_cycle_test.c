// SPDX-License-Identifier: GPL-2.0-only
/* EDEADLK: up to which length a cycle is found, and that a longer one is no call's burden. */
#include "lib/peer.h"

#define MOST	((int)MBOX_CYCLE_MAX)

/* A row of processes: each has a link to the next in slot 0, and the last to the first. */
static void row_make(struct __test_metadata *_metadata, struct peer **peers, int n)
{
	for (int i = 0; i < n; i++)
		peers[i] = peer_new(_metadata);
	for (int i = 0; i < n; i++)
		ASSERT_EQ(0, peer_link(peers[i], 0, peers[(i + 1) % n]->pid, 1));
}

/* All but the last wait for the next. */
static void row_wait(struct __test_metadata *_metadata, struct peer **peers, int n)
{
	for (int i = 0; i < n - 1; i++) {
		peer_start_recv(peers[i], 0, 0);
		ASSERT_TRUE(peer_blocked(peers[i]));
	}
}

static void row_end(struct peer **peers, int n)
{
	for (int i = 0; i < n; i++)
		peer_kill(peers[i]);
}

TEST(longest)
{
	struct peer *peers[MOST];

	row_make(_metadata, peers, MOST);
	row_wait(_metadata, peers, MOST);
	peer_start_recv(peers[MOST - 1], 0, 0);
	EXPECT_EQ(-EDEADLK, peer_end(peers[MOST - 1]));
	row_end(peers, MOST);
}

TEST(too_long)
{
	struct peer *peers[MOST + 1];

	row_make(_metadata, peers, MOST + 1);
	row_wait(_metadata, peers, MOST + 1);
	peer_start_recv(peers[MOST], 0, 0);
	EXPECT_TRUE(peer_blocked(peers[MOST]));
	row_end(peers, MOST + 1);
}

/* Many that close the same cycle at once: one is refused, and only one. */
#define ROUNDS	50
#define CYCLE	4

static int do_wait_together(struct peer *peer)
{
	while (now() < peer->deadline)
		;
	peer->deadline = 0;
	return do_recv(peer);
}

TEST(together)
{
	struct peer *peers[CYCLE];

	row_make(_metadata, peers, CYCLE);
	for (int i = 0; i < CYCLE; i++)
		ASSERT_EQ(0, peer_link(peers[i], 1, peers[(i + CYCLE - 1) % CYCLE]->pid, 1));
	for (int round = 0; round < ROUNDS; round++) {
		int64_t start = now() + 20 * NSEC_PER_MSEC;
		int refused = 0, first = -1;

		for (int i = 0; i < CYCLE; i++) {
			peers[i]->slot = 0;
			peers[i]->flags = 0;
			peers[i]->deadline = start;
			peer_start(peers[i], do_wait_together);
		}
		for (int i = 0; i < CYCLE; i++) {
			if (peer_blocked(peers[i]))
				continue;
			EXPECT_EQ(-EDEADLK, peer_end(peers[i]));
			first = i;
			refused++;
		}
		ASSERT_EQ(1, refused);
		/* the refused process breaks it: the message goes round */
		for (int i = 0; i < CYCLE - 1; i++) {
			int from = (first + CYCLE - i) % CYCLE;

			EXPECT_EQ(0, peer_send(peers[from], 1, 0, "go on"));
			EXPECT_STREQ("go on", peer_end_recv(peers[(from + CYCLE - 1) % CYCLE]));
		}
	}
	row_end(peers, CYCLE);
}

MBOX_TEST_MAIN
