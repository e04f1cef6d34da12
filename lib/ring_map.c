// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mapping a ring: the two control pages, and the data twice, back to back */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

/*
 * Most bytes that the producer of a growing ring asks for, or the consumer gives back, at
 * a time; at most a quarter.
 */
#define TRIM_BYTES	65536

static int ring_map_part(int fd, void *at, uint64_t offset, size_t size,
			 int writable, void **out)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *p = mmap(at, size, prot, MAP_SHARED | (at ? MAP_FIXED : 0), fd,
		       (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

/*
 * Reserve addresses for both copies, then map the copies there. A MAP_FIXED that
 * fails (because the mailbox is gone, say) may leave its addresses unmapped, and
 * another thread may get them at once: do not unmap them again.
 */
static int ring_map_data(struct mbox_ring *ring, int fd)
{
	int writable = !!(ring->rights & MBOX_RIGHT_SEND);
	size_t size = (size_t)ring->size;
	unsigned char *both;
	void *p = NULL;
	int ret;

	if (ring->size > SIZE_MAX / 4)
		return -ENOMEM;
	p = mmap(NULL, size * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	both = p;
	ret = ring_map_part(fd, both, MBOX_RING_DATA_OFFSET, size, writable, &p);
	if (ret) {
		munmap(both + size, size);
		return ret;
	}
	ret = ring_map_part(fd, both + size, MBOX_RING_DATA_OFFSET, size, writable, &p);
	if (ret) {
		munmap(both, size);
		return ret;
	}
	ring->data = both;
	return 0;
}

void mbox_ring_unmap(struct mbox_ring *ring)
{
	if (!ring)
		return;
	if (ring->data)
		munmap(ring->data, (size_t)ring->size * 2);
	if (ring->head)
		munmap(ring->head, ring->page);
	if (ring->tail)
		munmap(ring->tail, ring->page);
	free(ring);
}

/* Go on at the index that the previous holder of the side left. */
static void ring_map_side(struct mbox_ring *ring, struct ring_side *side, uint32_t right)
{
	int produces = right == MBOX_RIGHT_SEND;

	side->right = right;
	side->own = produces ? ring->head : ring->tail;
	side->peer = produces ? ring->tail : ring->head;
	side->awaited = produces && ring->trim ? &ring->tail->freed : &side->peer->index;
	side->data = ring->data;
	side->size = ring->size;
	if ((ring->rights & right) && (produces || !ring->trim))
		side->short_size = ring->msg_size < RING_SHORT ? ring->msg_size : RING_SHORT;
	side->index = __atomic_load_n(&side->own->index, __ATOMIC_RELAXED);
	side->freed = __atomic_load_n(&side->own->freed, __ATOMIC_RELAXED);
	/* Assume no room and no records, so that the first call reads the other index. */
	side->limit = side->index;
	/* Nor memory: what a former process wrote here is not to be trusted. */
	side->granted = side->index;
	side->known = side->index;
	side->end = ring->trim ? &side->known : &side->peer->index;
}

static int ring_map_all(struct mbox_ring *ring, int fd)
{
	void *p = NULL;
	int ret;

	ret = ring_map_part(fd, NULL, MBOX_RING_PRODUCER_OFFSET, ring->page,
			    !!(ring->rights & MBOX_RIGHT_SEND), &p);
	if (ret)
		return ret;
	ring->head = p;
	ret = ring_map_part(fd, NULL, MBOX_RING_CONSUMER_OFFSET, ring->page,
			    !!(ring->rights & MBOX_RIGHT_RECV), &p);
	if (ret)
		return ret;
	ring->tail = p;
	ret = ring_map_data(ring, fd);
	if (ret)
		return ret;
	ring_map_side(ring, &ring->producer, MBOX_RIGHT_SEND);
	ring_map_side(ring, &ring->consumer, MBOX_RIGHT_RECV);
	return 0;
}

int mbox_ring_map(struct mbox_ring **ringp, int fd, const struct mbox_info *info)
{
	struct mbox_ring *ring = NULL;
	int saved = errno;
	int ret = -ENOMEM;

	*ringp = NULL;
	if (info->kind != MBOX_KIND_RING || !info->rights)
		return 0;
	if (posix_memalign((void **)&ring, 64, sizeof(*ring)) == 0) {
		memset(ring, 0, sizeof(*ring));
		ring->size = info->ring;
		ring->page = (size_t)sysconf(_SC_PAGESIZE);
		ring->rights = info->rights;
		ring->msg_size = info->msg_size;
		if (info->options & MBOX_OPTION_GROW) {
			ring->trim = ring->size / 4 < TRIM_BYTES ?
				     ring->size / 4 : TRIM_BYTES;
			if (ring->trim < ring->page)
				ring->trim = ring->page;
		}
		ret = ring_map_all(ring, fd);
		if (ret) {
			mbox_ring_unmap(ring);
			ring = NULL;
		}
	}
	errno = saved;
	*ringp = ring;
	return ret;
}
