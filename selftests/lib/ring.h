/* SPDX-License-Identifier: GPL-2.0-only */
/* Rings by their ABI: making, mapping, waiting. */
#ifndef LIB_RING_H
#define LIB_RING_H

#include "child.h"

#include <linux/mbox_ring.h>

#define RING_SIZE	65536U

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

struct mbox_ioc_open ring_arg(const char *name, uint32_t rights, uint64_t size);
int ring_new(struct __test_metadata *_metadata, const char *name, uint32_t rights, uint64_t size,
	     uint32_t options);

/* The mapping, or a negated errno. */
static inline void *ring_map(int fd, uint64_t offset, size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? (void *)(intptr_t)-errno : p;
}

#define EXPECT_MAPPED(p)	EXPECT_GT(-4096UL, (unsigned long)(p))

int ring_wait_until(int fd, uint32_t flags, uint32_t side, uint64_t seen, int64_t deadline);

static inline int ring_move(int fd, uint32_t side, uint64_t seen)
{
	return ring_wait_until(fd, MBOX_WAIT_MOVE, side, seen, -1);
}

static inline int ring_call(int fd, uint32_t flags, uint32_t side)
{
	return ring_wait_until(fd, flags, side, 0, -1);
}

/* Have memory up to an index: ask for it, or, as the consumer, ask whether it is there. */
static inline int ring_grow(int fd, uint32_t side, uint64_t to)
{
	return ring_wait_until(fd, MBOX_WAIT_GROW, side, to, -1);
}

/* A ring that grows, with both of its sides and its memory mapped. */
struct ring_area {
	int fd;
	uint8_t *data;
	struct mbox_ring_control *head, *tail;
};

#define RING_AREA	(64 * 4096U)

/* 0, or a negated errno. */
int ring_area_make(struct ring_area *area, const char *name);

/* Touch memory in a process of its own: 0, or the signal that ends it. */
int ring_touch(volatile uint8_t *at, bool writes);

/* A WAIT in a child that inherits the handle, as await_blocked() sees it. */
struct ring_waiter {
	int ret, done;
	pid_t pid;
};

struct ring_waiter *ring_wait_start(int fd, uint32_t side, uint64_t seen);
int ring_wait_end(struct ring_waiter *w);

#endif
