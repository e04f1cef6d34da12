// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: shared memory and two eventfds, which count the messages and the free
 * places. A receiver takes one of the former and gives one of the latter.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "shared.h"

/* [0] counts messages, so that it can be polled; [1] free places. */
static int event_open(struct channel *ch)
{
	int ret = shared_new(ch);

	if (ret)
		return ret;
	ch->fds[0] = eventfd(0, EFD_SEMAPHORE);
	ch->fds[1] = eventfd(ch->setup.depth, EFD_SEMAPHORE);
	return ch->fds[0] < 0 || ch->fds[1] < 0 ? -errno : 0;
}

static void event_close(struct channel *ch)
{
	fd_close(ch);
	map_free(ch);
}

static int event_take(int fd)
{
	uint64_t one;

	return read(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static int event_give(int fd)
{
	const uint64_t one = 1;

	return write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static int event_send(struct channel *ch, const void *data, size_t size)
{
	struct shared *shared = ch->map;
	struct shared_side *tail = &shared->tail;
	uint32_t index;
	int ret = event_take(ch->fds[1]);

	if (ret)
		return ret;
	shared_lock(tail);
	index = atomic_load_explicit(&tail->index, memory_order_relaxed);
	memcpy(shared_place(shared, index), data, size);
	atomic_store_explicit(&tail->index, index + 1, memory_order_relaxed);
	/* Within the lock: else the message before it may not be there when this one is announced. */
	ret = event_give(ch->fds[0]);
	shared_unlock(tail);
	return ret;
}

static ssize_t event_recv(struct channel *ch, void *data, size_t size)
{
	struct shared *shared = ch->map;
	struct shared_side *head = &shared->head;
	uint32_t index;
	int ret = event_take(ch->fds[0]);

	if (ret)
		return ret;
	shared_lock(head);
	index = atomic_load_explicit(&head->index, memory_order_relaxed);
	memcpy(data, shared_place(shared, index), size);
	atomic_store_explicit(&head->index, index + 1, memory_order_relaxed);
	ret = event_give(ch->fds[1]);
	shared_unlock(head);
	return ret ? ret : (ssize_t)size;
}

const struct peer peer_eventfd = {
	.name = "eventfd",
	.about = "shared memory, with an eventfd for each side to wait on",
	.open = event_open,
	.close = event_close,
	.send = event_send,
	.recv = event_recv,
	.nonblock = fd_nonblock,
	.poll_fd = fd_receive_side,
};
