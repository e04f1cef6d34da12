// SPDX-License-Identifier: GPL-2.0-only
/* A ring in shared memory with a futex for each side, as its users write one. */
#include "cost/cost.h"

#include <linux/futex.h>
#include <sys/syscall.h>

/* One index of messages, and whether the other side sleeps until it moves. */
struct futex_side {
	uint32_t index;
	uint32_t waited_for;
} __attribute__((aligned(64)));

struct futex_slot {
	uint32_t length;
	char data[];
};

struct futex_ring {
	struct futex_side head, tail;
	uint32_t slots;			/* a power of two */
	char data[] __attribute__((aligned(64)));
};

static int futex_open(struct channel *ch)
{
	uint32_t slots = 1;

	while (slots < ch->depth)
		slots *= 2;
	ch->futex = shared_alloc(sizeof(*ch->futex) + slots * (sizeof(struct futex_slot) + ch->size));
	if (!ch->futex)
		return -ENOMEM;
	ch->futex->slots = slots;
	return 0;
}

static void futex_publish(struct futex_side *side)
{
	__atomic_store_n(&side->index, side->index + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&side->waited_for, __ATOMIC_RELAXED)) {
		__atomic_store_n(&side->waited_for, 0, __ATOMIC_RELAXED);
		syscall(SYS_futex, &side->index, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

/* Wait until the index of the other side is not @seen. */
static void futex_await(struct futex_side *side, uint32_t seen)
{
	while (__atomic_load_n(&side->index, __ATOMIC_ACQUIRE) == seen) {
		__atomic_store_n(&side->waited_for, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &side->index, FUTEX_WAIT, seen, NULL, NULL, 0);
	}
}

static struct futex_slot *futex_slot(const struct channel *ch, uint32_t index)
{
	size_t size = sizeof(struct futex_slot) + ch->size;

	return (struct futex_slot *)(ch->futex->data + (index & (ch->futex->slots - 1)) * size);
}

static int futex_send(struct channel *ch)
{
	struct futex_ring *ring = ch->futex;
	uint32_t index = ring->head.index;
	struct futex_slot *slot = futex_slot(ch, index);

	futex_await(&ring->tail, index - ring->slots);
	slot->length = ch->size;
	memcpy(slot->data, outgoing->data, ch->size);
	futex_publish(&ring->head);
	return 0;
}

static int futex_recv(struct channel *ch)
{
	struct futex_ring *ring = ch->futex;
	uint32_t index = ring->tail.index, length;
	struct futex_slot *slot = futex_slot(ch, index);

	futex_await(&ring->head, index);
	length = slot->length;
	if (length > ch->size)
		return -EMSGSIZE;
	memcpy(incoming->data, slot->data, length);
	futex_publish(&ring->tail);
	return 0;
}

const struct way way_futex = {
	.name = "futex", .open = futex_open, .send = futex_send, .recv = futex_recv,
};
