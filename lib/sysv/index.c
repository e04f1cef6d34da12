// SPDX-License-Identifier: LGPL-2.1-or-later
/* The queues by index, for msgctl(); how many there are */
#include "sysv.h"

/*
 * The index of a queue is its place in the order of ids. A program asks for one index after
 * the other: a thread goes on after the last queue that it found, and misses none if
 * another one goes meanwhile.
 */
static __thread struct {
	int index;
	uint64_t id;
} index_last = { .index = -1 };

/*
 * How many queues may be created before the next count: as they were last counted, with this
 * limit.
 */
static _Atomic int index_spare;
static _Atomic int index_most;

/* Find the next queue after @id. */
int sysv_index_next(int factory, uint64_t *id)
{
	struct mbox_ioc_next arg = { .space = MBOX_SPACE_SYSV, .id = *id };
	int ret = sysv_ioctl(factory, MBOX_IOC_NEXT, &arg);

	if (!ret)
		*id = arg.id;
	return ret;
}

/* Return the id of the queue of an index, or -EINVAL. */
int sysv_index_id(int index)
{
	int factory = sysv_open_factory(), at = -1, ret = 0;
	uint64_t id = 0;

	if (factory < 0)
		return factory;
	if (index && index == index_last.index + 1) {
		at = index_last.index;
		id = index_last.id;
	}
	while (!ret && at < index) {
		ret = sysv_index_next(factory, &id);
		at++;
	}
	sysv_close(factory);
	if (ret)
		return -EINVAL;
	index_last.index = index;
	index_last.id = id;
	return (int)(id & SYSV_ID_MASK);
}

/*
 * Check that msgmni allows one more queue. To count them takes time by their number, so half
 * of those that are left may be created before the next count.
 */
bool sysv_index_room(int factory)
{
	int most = (int)sysv_limit_msgmni(), count = 0;
	uint64_t id = 0;

	if (atomic_exchange(&index_most, most) == most && atomic_fetch_sub(&index_spare, 1) > 0)
		return true;
	while (count < most && !sysv_index_next(factory, &id))
		count++;
	atomic_store(&index_spare, (most - count) / 2);
	return count < most;
}
