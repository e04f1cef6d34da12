/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers: children that link to one another and to the test, and do one thing at a time as told.
 *
 * A handle on a link serves only the process that made it, so a peer makes its own handles, and
 * keeps them under the numbers of its slots. A task is a function that the peer runs in itself, on
 * memory that it shares with the test. A peer that has begun a task and sleeps is blocked in a
 * call: it does not sleep otherwise.
 */
#ifndef LIB_PEER_H
#define LIB_PEER_H

#include "child.h"

#define PEER_SLOTS	4
#define PEER_TEXT	256

struct peer;
typedef int (*peer_fn)(struct peer *peer);

struct peer {
	pid_t pid;
	peer_fn fn;
	int go, began, done;		/* counters of tasks: to do, begun, and done */
	int ended;			/* the test has reaped it */
	int result;
	int fd[PEER_SLOTS];
	/* arguments and results */
	int slot;
	pid_t other;
	uint32_t capacity, msg_size, flags, prio, type;
	int64_t deadline;		/* on CLOCK_MONOTONIC, or 0 */
	char text[PEER_TEXT];
	struct mbox_header header;
	struct mbox_info info;
	int events;
	int flag;			/* of the test's own */
};

/* The calls, with a new factory. */

int link_sized(pid_t pid, uint32_t capacity, uint32_t msg_size);

static inline int link_to(pid_t pid, uint32_t capacity)
{
	return link_sized(pid, capacity, 0);
}

int inbox_open(void);

/* Tasks. */

static inline int do_nothing(struct peer *peer)
{
	return 0;
}

static inline int do_link(struct peer *peer)
{
	peer->fd[peer->slot] = link_sized(peer->other, peer->capacity, peer->msg_size);
	return peer->fd[peer->slot] < 0 ? peer->fd[peer->slot] : 0;
}

static inline int do_inbox(struct peer *peer)
{
	peer->fd[peer->slot] = inbox_open();
	return peer->fd[peer->slot] < 0 ? peer->fd[peer->slot] : 0;
}

static inline int do_close(struct peer *peer)
{
	return close(peer->fd[peer->slot]) ? -errno : 0;
}

int do_send(struct peer *peer);
int do_recv(struct peer *peer);

static inline int do_info(struct peer *peer)
{
	return info_get(peer->fd[peer->slot], &peer->info);
}

int do_poll(struct peer *peer);

static inline int do_exit(struct peer *peer)
{
	_exit(0);
}

/* Peers. */

void peer_run(struct peer *peer);
struct peer *peer_new(struct __test_metadata *_metadata);

/* Let the peer begin a task; one at a time. */
static inline void peer_start(struct peer *peer, peer_fn fn)
{
	peer->fn = fn;
	peer->result = -EINPROGRESS;
	__atomic_add_fetch(&peer->go, 1, __ATOMIC_RELEASE);
}

int peer_end(struct peer *peer);

static inline int peer_do(struct peer *peer, peer_fn fn)
{
	peer_start(peer, fn);
	return peer_end(peer);
}

bool peer_blocked(struct peer *peer);
void peer_kill(struct peer *peer);

/* Whole tasks in one call. */

int peer_link(struct peer *peer, int slot, pid_t other, uint32_t capacity);
void peer_start_send(struct peer *peer, int slot, uint32_t flags, const char *text);

static inline int peer_send(struct peer *peer, int slot, uint32_t flags, const char *text)
{
	peer_start_send(peer, slot, flags, text);
	return peer_end(peer);
}

static inline void peer_start_recv(struct peer *peer, int slot, uint32_t flags)
{
	peer->slot = slot;
	peer->flags = flags;
	peer_start(peer, do_recv);
}

/* Return the text that the peer received, or the name of its error. */
static inline const char *peer_end_recv(struct peer *peer)
{
	int ret = peer_end(peer);

	return ret && ret != peer->result ? strerrorname_np(-ret) : peer->text;
}

static inline const char *peer_take(struct peer *peer, int slot)
{
	peer_start_recv(peer, slot, MBOX_RECV_NONBLOCK);
	return peer_end_recv(peer);
}

static inline struct mbox_info peer_info(struct peer *peer, int slot)
{
	peer->slot = slot;
	peer_do(peer, do_info);
	return peer->info;
}

bool await_peer_dead(int fd);

#endif
