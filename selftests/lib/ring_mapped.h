/* SPDX-License-Identifier: GPL-2.0-only */
/* A ring with both sides, mapped: the fixture of the tests of rings. */
#ifndef LIB_RING_MAPPED_H
#define LIB_RING_MAPPED_H

#include "ring.h"

FIXTURE(ring)
{
	char name[MBOX_NAME_SIZE];
	size_t page;
	int in, out;		/* the producer's handle, the consumer's */
	struct mbox_ring_control *head, *tail;
	uint8_t *data;
};

FIXTURE_SETUP(ring)
{
	self->page = page_size();
	name_make(self->name);
	self->in = ring_new(_metadata, self->name, MBOX_RIGHT_SEND, RING_SIZE, 0);
	self->out = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, self->out);
	self->head = ring_map(self->in, MBOX_RING_PRODUCER_OFFSET, self->page,
			      PROT_READ | PROT_WRITE);
	self->tail = ring_map(self->out, MBOX_RING_CONSUMER_OFFSET, self->page,
			      PROT_READ | PROT_WRITE);
	self->data = ring_map(self->in, MBOX_RING_DATA_OFFSET, RING_SIZE, PROT_READ | PROT_WRITE);
	ASSERT_GT(-4096UL, (unsigned long)self->head);
	ASSERT_GT(-4096UL, (unsigned long)self->tail);
	ASSERT_GT(-4096UL, (unsigned long)self->data);
}

FIXTURE_TEARDOWN(ring)
{
	close(self->in);
	close(self->out);
}

/* Move the index of a side: publish, or give back. */
static inline void move(struct mbox_ring_control *control, uint64_t by)
{
	__atomic_store_n(&control->index, control->index + by, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
