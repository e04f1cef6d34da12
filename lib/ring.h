/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mapped ring: ring_map.c makes it, ring.c uses it. */
#ifndef LIBMBOX_RING_H
#define LIBMBOX_RING_H

#include <linux/mbox_ring.h>

#include "internal.h"

/*
 * The state of one side. Its index is here and in its control page, which only
 * this side may write: the copy here is always right. The other side may write
 * everything else in the mappings: read it once, and check it before use.
 */
struct ring_side {
	_Alignas(64) uint64_t index;	/* ours: head or tail */
	uint64_t other;			/* the other side's, as last read */
	uint64_t missed;		/* other + 1 when the kernel was last asked */
	uint64_t freed;			/* consumer, GROW: given back up to here */
	size_t size;			/* producer: bytes of payload reserved */
	uint32_t type;			/* producer: type of the message */
	uint32_t used;			/* consumer: bytes of the record at index */
	int reserved;			/* producer; consumer: has a record */
};

struct mbox_ring {
	struct ring_side producer, consumer;
	struct mbox_ring_control *head, *tail;	/* the control pages */
	unsigned char *data;		/* twice, back to back */
	uint64_t size;
	size_t page;
	uint32_t rights;
	uint32_t msg_size;
	unsigned int spins;
	uint64_t trim;			/* bytes given back at a time; 0: does not grow */
};

#endif /* LIBMBOX_RING_H */
