/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers: children that link to one another and to the test, and do one thing at a time as told.
 *
 * Handles on links serve the process that made them alone, so a peer makes its own, and keeps them
 * under the numbers of its slots. What it does is a function that it runs in itself, on memory that
 * it shares with the test. It is blocked in a call if it began one and sleeps: it does not otherwise.
 */
#ifndef MBOX_PEER_H
#define MBOX_PEER_H

#include "mbox_child.h"

#define PEER_SLOTS	4
#define PEER_TEXT	256

struct peer;
typedef int (*peer_fn)(struct peer *peer);

struct peer {
	pid_t pid;
	peer_fn fn;
	int go, began, done;		/* counters: of things to do, begun, and done */
	int ended;			/* the test has reaped it */
	int result;
	int fd[PEER_SLOTS];
	/* what to do it with */
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

static inline int link_sized(pid_t pid, uint32_t capacity, uint32_t msg_size)
{
	struct mbox_ioc_link arg = { .pid = pid, .capacity = capacity, .msg_size = msg_size };
	int factory = factory_open(), ret;

	if (factory < 0)
		return factory;
	ret = xioctl(factory, MBOX_IOC_LINK, &arg);
	close(factory);
	return ret;
}

static inline int link_to(pid_t pid, uint32_t capacity)
{
	return link_sized(pid, capacity, 0);
}

static inline int inbox_open(void)
{
	struct mbox_ioc_inbox arg = { 0 };
	int factory = factory_open(), ret;

	if (factory < 0)
		return factory;
	ret = xioctl(factory, MBOX_IOC_INBOX, &arg);
	close(factory);
	return ret;
}

static inline int poll_now(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}

/* What a peer does. */

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

static inline int do_send(struct peer *peer)
{
	struct mbox_ioc_send arg = {
		.flags = peer->flags, .prio = peer->prio, .type = peer->type,
		.data = address_of(peer->text), .size = strlen(peer->text),
	};

	if (peer->deadline) {
		arg.clock = MBOX_CLOCK_MONOTONIC;
		arg.deadline = peer->deadline;
	}
	return xioctl(peer->fd[peer->slot], MBOX_IOC_SEND, &arg);
}

static inline int do_recv(struct peer *peer)
{
	struct mbox_ioc_recv arg = {
		.flags = peer->flags, .type = peer->type,
		.data = address_of(peer->text), .size = PEER_TEXT - 1,
	};
	int ret;

	if (peer->deadline) {
		arg.clock = MBOX_CLOCK_MONOTONIC;
		arg.deadline = peer->deadline;
	}
	ret = xioctl(peer->fd[peer->slot], MBOX_IOC_RECV, &arg);
	peer->header = arg.header;
	snprintf(peer->text + (ret ? 0 : arg.header.length), ret ? PEER_TEXT : 1, "%s",
		 ret ? strerrorname_np(-ret) : "");
	return ret;
}

static inline int do_info(struct peer *peer)
{
	return info_get(peer->fd[peer->slot], &peer->info);
}

static inline int do_poll(struct peer *peer)
{
	struct pollfd pollfd = { .fd = peer->fd[peer->slot], .events = peer->events };
	int ret = poll(&pollfd, 1, -1);

	return ret < 0 ? -errno : pollfd.revents;
}

static inline int do_exit(struct peer *peer)
{
	_exit(0);
}

/* Peers. */

static inline void peer_run(struct peer *peer)
{
	for (int n = 1; ; n++) {
		while (__atomic_load_n(&peer->go, __ATOMIC_ACQUIRE) < n)
			nap();
		__atomic_store_n(&peer->began, n, __ATOMIC_RELEASE);
		peer->result = peer->fn(peer);
		__atomic_store_n(&peer->done, n, __ATOMIC_RELEASE);
	}
}

static inline struct peer *peer_new(struct __test_metadata *_metadata)
{
	struct peer *peer = shared_alloc(sizeof(*peer));
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (pid == 0)
		peer_run(peer);
	peer->pid = pid;
	return peer;
}

/* Begin something; one thing at a time. */
static inline void peer_start(struct peer *peer, peer_fn fn)
{
	peer->fn = fn;
	peer->result = -EINPROGRESS;
	__atomic_add_fetch(&peer->go, 1, __ATOMIC_RELEASE);
}

/* What came of it: -ETIME if it does not end, -ECHILD if the peer did. */
static inline int peer_end(struct peer *peer)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (__atomic_load_n(&peer->done, __ATOMIC_ACQUIRE) != peer->go) {
		if (process_state(peer->pid) == 'Z' || !process_state(peer->pid))
			return -ECHILD;
		if (now() > end)
			return -ETIME;
		nap();
	}
	return peer->result;
}

static inline int peer_do(struct peer *peer, peer_fn fn)
{
	peer_start(peer, fn);
	return peer_end(peer);
}

/* Wait until what it began is blocked. */
static inline bool peer_blocked(struct peer *peer)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	for (;;) {
		if (__atomic_load_n(&peer->done, __ATOMIC_ACQUIRE) == peer->go)
			return false;
		if (__atomic_load_n(&peer->began, __ATOMIC_ACQUIRE) == peer->go &&
		    process_state(peer->pid) == 'S' &&
		    __atomic_load_n(&peer->done, __ATOMIC_ACQUIRE) != peer->go)
			return true;
		if (now() > end)
			return false;
		nap();
	}
}

static inline void peer_kill(struct peer *peer)
{
	if (!peer->ended) {
		kill(peer->pid, SIGKILL);
		reap(peer->pid);
	}
	peer->ended = 1;
}

/* In words of one line. */

static inline int peer_link(struct peer *peer, int slot, pid_t other, uint32_t capacity)
{
	peer->slot = slot;
	peer->other = other;
	peer->capacity = capacity;
	return peer_do(peer, do_link);
}

static inline void peer_start_send(struct peer *peer, int slot, uint32_t flags, const char *text)
{
	peer->slot = slot;
	peer->flags = flags;
	snprintf(peer->text, PEER_TEXT, "%s", text);
	peer_start(peer, do_send);
}

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

/* The text that it received, or the name of the error. */
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

/* Its end is known some time after it: until then its links are as they were. */
static inline bool await_peer_dead(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (!(poll_now(fd) & POLLERR)) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

#endif
