/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mapped ring: ring_map.c makes it, ring.c uses it, ring_wait.c waits. */
#ifndef LIBMBOX_RING_H
#define LIBMBOX_RING_H

#include <linux/mbox_ring.h>

#include "internal.h"

#define ring_likely(x)		__builtin_expect(!!(x), 1)
#define ring_unlikely(x)	__builtin_expect(!!(x), 0)

/*
 * The short path of sending and receiving calls no function that returns to it: it
 * neither saves registers nor looks for the best way to copy.
 */
#define RING_INLINE		inline __attribute__((always_inline))
#define RING_APART		__attribute__((noinline))

/* Most bytes of payload on the short path. */
#define RING_SHORT		128

/*
 * The state of one side. Its index is here and in its control page, which only
 * this side may write: the copy here is always right. The other side may write
 * everything else in the mappings: read it once, and check it before use. A send or
 * receive that neither waits nor wakes needs the first cache line only.
 */
struct ring_side {
	_Alignas(64) uint64_t index;	/* ours: head or tail */
	uint64_t limit;			/* how far this side may go, as last read: the
					 * producer to the end of room, the consumer to head
					 */
	struct mbox_ring_control *own;	/* constant: our control page */
	const struct mbox_ring_control *peer;	/* constant: that of the other side */
	const __u64 *end;		/* constant: consumer: head, where to read it; GROW:
					 * known
					 */
	unsigned char *data;		/* constant: twice, back to back */
	uint64_t size;			/* constant: of the data, in bytes */
	uint32_t short_size;		/* constant: most bytes of payload on the short
					 * path; 0: none, since the handle lacks the
					 * right, or a consumer has to give memory back
					 */
	int reserved;			/* producer; consumer: has a record */

	uint32_t right;			/* constant: MBOX_RIGHT_* */
	uint32_t type;			/* producer: type of the message */
	size_t payload;			/* producer: bytes of it reserved */
	const __u64 *awaited;		/* constant: the index that we wait for */
	uint64_t granted;		/* GROW: there is memory up to here */
	__u64 known;			/* consumer, GROW: head, of memory that is there */
	uint64_t missed;		/* seen + 1 when the kernel was last asked */
	uint64_t freed;			/* consumer, GROW: given back up to here */
	uint32_t used;			/* consumer: bytes of the record at index */
	unsigned int spins_lost;	/* in a row, at most SPINS_LOST */
	unsigned int spins_skipped;	/* waits that will not spin */
};

struct mbox_ring {
	struct ring_side producer, consumer;
	struct mbox_ring_control *head, *tail;	/* the control pages */
	unsigned char *data;		/* twice, back to back */
	uint64_t size;
	size_t page;
	uint32_t rights;
	uint32_t msg_size;
	uint64_t trim;			/* bytes asked for, or given back, at a time; 0: does
					 * not grow
					 */
};

#pragma GCC visibility push(hidden)

/* Call MBOX_IOC_WAIT for a side. */
int mbox_ring_wait(const struct mbox *mb, const struct ring_side *side, uint32_t flags,
		   uint64_t seen, uint32_t clock, int64_t deadline);

/* Have memory of a growing ring up to @end; a consumer finds out whether there is any. */
int mbox_ring_grow(const struct mbox *mb, struct ring_side *side, uint64_t end);

/* Wait until the awaited index is no longer @seen. */
int mbox_ring_await(const struct mbox *mb, struct ring_side *side, uint32_t flags,
		    uint64_t seen, int nonblock, uint32_t clock, int64_t deadline);

#pragma GCC visibility pop

#endif /* LIBMBOX_RING_H */
