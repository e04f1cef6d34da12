// SPDX-License-Identifier: GPL-2.0-only
/* Peers: children that link to one another and to the test. */
#include "peer.h"

int link_sized(pid_t pid, uint32_t capacity, uint32_t msg_size)
{
	struct mbox_ioc_link arg = { .pid = pid, .capacity = capacity, .msg_size = msg_size };
	int factory = factory_open(), ret;

	if (factory < 0)
		return factory;
	ret = xioctl(factory, MBOX_IOC_LINK, &arg);
	close(factory);
	return ret;
}

int inbox_open(void)
{
	struct mbox_ioc_inbox arg = { 0 };
	int factory = factory_open(), ret;

	if (factory < 0)
		return factory;
	ret = xioctl(factory, MBOX_IOC_INBOX, &arg);
	close(factory);
	return ret;
}

int do_send(struct peer *peer)
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

int do_recv(struct peer *peer)
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

int do_poll(struct peer *peer)
{
	struct pollfd pollfd = { .fd = peer->fd[peer->slot], .events = peer->events };
	int ret = poll(&pollfd, 1, -1);

	return ret < 0 ? -errno : pollfd.revents;
}

void peer_run(struct peer *peer)
{
	for (int n = 1; ; n++) {
		while (__atomic_load_n(&peer->go, __ATOMIC_ACQUIRE) < n)
			nap();
		__atomic_store_n(&peer->began, n, __ATOMIC_RELEASE);
		peer->result = peer->fn(peer);
		__atomic_store_n(&peer->done, n, __ATOMIC_RELEASE);
	}
}

struct peer *peer_new(struct __test_metadata *_metadata)
{
	struct peer *peer = shared_alloc(sizeof(*peer));
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (pid == 0)
		peer_run(peer);
	peer->pid = pid;
	return peer;
}

/* Return the result: -ETIME if it does not end, -ECHILD if the peer did. */
int peer_end(struct peer *peer)
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

/* Wait until the peer is blocked in its task. */
bool peer_blocked(struct peer *peer)
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

void peer_kill(struct peer *peer)
{
	if (!peer->ended) {
		kill(peer->pid, SIGKILL);
		reap(peer->pid);
	}
	peer->ended = 1;
}

int peer_link(struct peer *peer, int slot, pid_t other, uint32_t capacity)
{
	peer->slot = slot;
	peer->other = other;
	peer->capacity = capacity;
	return peer_do(peer, do_link);
}

void peer_start_send(struct peer *peer, int slot, uint32_t flags, const char *text)
{
	peer->slot = slot;
	peer->flags = flags;
	snprintf(peer->text, PEER_TEXT, "%s", text);
	peer_start(peer, do_send);
}

/* Wait until the end of a peer is known on a link: it takes effect some time after the reaping. */
bool await_peer_dead(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (!(poll_now(fd) & POLLERR)) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}
