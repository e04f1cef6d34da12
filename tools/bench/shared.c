// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: a bounded buffer in shared memory. */
#include <errno.h>
#include "shared.h"

static int side_init(struct shared_side *side, bool many)
{
	pthread_mutexattr_t attr;
	int error;

	side->many = many;
	error = pthread_mutexattr_init(&attr);
	if (error)
		return -error;
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	error = pthread_mutex_init(&side->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -error;
}

int shared_new(struct channel *ch)
{
	/* Whole cache lines, so that two sides do not write to one. */
	size_t step = (ch->setup.size + 63) & ~(size_t)63;
	struct shared *shared;
	uint32_t depth = 2;
	int ret;

	/* A power of two: indices run over. */
	while (depth < ch->setup.depth)
		depth *= 2;
	ret = map_new(ch, sizeof(*shared) + depth * step);
	if (ret)
		return ret;
	shared = ch->map;
	shared->depth = depth;
	shared->size = ch->setup.size;
	shared->step = step;
	ret = side_init(&shared->head, ch->setup.receivers > 1);
	return ret ? ret : side_init(&shared->tail, ch->setup.senders > 1);
}

void shared_lock(struct shared_side *side)
{
	if (side->many)
		pthread_mutex_lock(&side->lock);
}

void shared_unlock(struct shared_side *side)
{
	if (side->many)
		pthread_mutex_unlock(&side->lock);
}
