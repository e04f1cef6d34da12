// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: a ring in shared memory. A side that finds nothing sleeps on the index of
 * the other by futex(2); the other side wakes it only if it has said that it sleeps.
 */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "shared.h"

static void ring_sleep(_Atomic uint32_t *index, uint32_t seen)
{
	syscall(SYS_futex, index, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void ring_wake(_Atomic uint32_t *index)
{
	syscall(SYS_futex, index, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Wait, as @mine, until the other side moves on from @seen. */
static void ring_await(struct shared_side *mine, struct shared_side *other, uint32_t seen)
{
	atomic_store_explicit(&mine->waiting, 1, memory_order_relaxed);
	/* Pairs with that of ring_publish(). */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&other->index, memory_order_relaxed) == seen)
		ring_sleep(&other->index, seen);
	atomic_store_explicit(&mine->waiting, 0, memory_order_relaxed);
}

static void ring_publish(struct shared_side *mine, struct shared_side *other, uint32_t index)
{
	atomic_store_explicit(&mine->index, index, memory_order_release);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&other->waiting, memory_order_relaxed))
		ring_wake(&mine->index);
}

/* Return how many places are free, at least one. */
static uint32_t ring_room(struct shared *shared, uint32_t index)
{
	for (;;) {
		uint32_t head = atomic_load_explicit(&shared->head.index, memory_order_acquire);

		if (index - head < shared->depth)
			return shared->depth - (index - head);
		ring_await(&shared->tail, &shared->head, head);
	}
}

/* Return how many messages are there; 0 only if not waiting. */
static uint32_t ring_filled(struct shared *shared, uint32_t index, bool nonblock)
{
	for (;;) {
		uint32_t tail = atomic_load_explicit(&shared->tail.index, memory_order_acquire);

		if (tail != index || nonblock)
			return tail - index;
		ring_await(&shared->head, &shared->tail, tail);
	}
}

static int ring_send_batch(struct channel *ch, const void *data, size_t size, unsigned int count)
{
	struct shared *shared = ch->map;
	struct shared_side *tail = &shared->tail;
	const char *from = data;

	shared_lock(tail);
	while (count) {
		uint32_t index = atomic_load_explicit(&tail->index, memory_order_relaxed);
		uint32_t room = ring_room(shared, index);

		for (; room && count; room--, count--, from += size)
			memcpy(shared_place(shared, index++), from, size);
		ring_publish(tail, &shared->head, index);
	}
	shared_unlock(tail);
	return 0;
}

static int ring_recv_batch(struct channel *ch, void *data, size_t size, unsigned int count)
{
	struct shared *shared = ch->map;
	struct shared_side *head = &shared->head;
	char *to = data;
	uint32_t index, filled;
	unsigned int done = 0;

	shared_lock(head);
	index = atomic_load_explicit(&head->index, memory_order_relaxed);
	filled = ring_filled(shared, index, ch->nonblock);
	for (; done < count && done < filled; done++, to += size)
		memcpy(to, shared_place(shared, index++), size);
	if (done)
		ring_publish(head, &shared->tail, index);
	shared_unlock(head);
	return done ? (int)done : -EAGAIN;
}

static int ring_send(struct channel *ch, const void *data, size_t size)
{
	return ring_send_batch(ch, data, size, 1);
}

static ssize_t ring_recv(struct channel *ch, void *data, size_t size)
{
	int n = ring_recv_batch(ch, data, size, 1);

	return n < 0 ? n : (ssize_t)size;
}

const struct peer peer_futex = {
	.name = "futex",
	.about = "ring in shared memory, with futexes to sleep on",
	.ring = true,
	.open = shared_new,
	.close = map_free,
	.send = ring_send,
	.recv = ring_recv,
	.send_batch = ring_send_batch,
	.recv_batch = ring_recv_batch,
};
