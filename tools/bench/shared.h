/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bounded buffer in shared memory: places for messages, and an index for each side.
 * Waiting is not its business: the peers "eventfd" and "futex" differ in that.
 */
#ifndef BENCH_SHARED_H
#define BENCH_SHARED_H

#include <pthread.h>
#include <stdatomic.h>
#include "peer.h"

/* One side. A lock keeps its processes apart, if there is more than one. */
struct shared_side {
	_Alignas(64) _Atomic uint32_t index;	/* messages that went through */
	_Atomic uint32_t waiting;		/* processes that sleep */
	bool many;
	pthread_mutex_t lock;
};

struct shared {
	struct shared_side head, tail;		/* receivers, senders */
	uint32_t depth;
	size_t size, step;
	_Alignas(64) unsigned char places[];
};

int shared_new(struct channel *ch);
void shared_lock(struct shared_side *side);
void shared_unlock(struct shared_side *side);

static inline unsigned char *shared_place(struct shared *shared, uint32_t index)
{
	return shared->places + shared->step * (index % shared->depth);
}

#endif /* BENCH_SHARED_H */
