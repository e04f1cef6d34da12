/* SPDX-License-Identifier: GPL-2.0-only */
/* Rings by their ABI: making, mapping, waiting. */
#ifndef MBOX_RING_TEST_H
#define MBOX_RING_TEST_H

#include "mbox_child.h"

#include <linux/mbox_ring.h>

#define RING_SIZE	65536U

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static inline struct mbox_ioc_open ring_arg(const char *name, uint32_t rights, uint64_t size)
{
	struct mbox_ioc_open arg = open_arg(name, 0);

	arg.rights = rights;
	arg.ring = size;
	return arg;
}

/* A ring, and a handle with these rights. */
static inline int ring_new(struct __test_metadata *_metadata, const char *name, uint32_t rights,
			   uint64_t size, uint32_t options)
{
	struct mbox_ioc_open arg = ring_arg(name, rights, size);
	int fd;

	arg.options = options;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd) TH_LOG("ring of %llu: %d", (unsigned long long)size, fd);
	return fd;
}

/* The mapping, or a negated errno. */
static inline void *ring_map(int fd, uint64_t offset, size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? (void *)(intptr_t)-errno : p;
}

#define EXPECT_MAPPED(p)	EXPECT_GT(-4096UL, (unsigned long)(p))

/* What a side has to wait for has to be known by the caller: both rights name the side. */
static inline int ring_wait_until(int fd, uint32_t flags, uint32_t side, uint64_t seen,
				  int64_t deadline)
{
	struct mbox_ioc_wait arg = {
		.flags = flags, .side = side, .seen = seen,
		.clock = deadline < 0 ? MBOX_CLOCK_NONE : MBOX_CLOCK_MONOTONIC,
		.deadline = deadline < 0 ? 0 : deadline,
	};

	return xioctl(fd, MBOX_IOC_WAIT, &arg);
}

static inline int ring_move(int fd, uint32_t side, uint64_t seen)
{
	return ring_wait_until(fd, MBOX_WAIT_MOVE, side, seen, -1);
}

static inline int ring_call(int fd, uint32_t flags, uint32_t side)
{
	return ring_wait_until(fd, flags, side, 0, -1);
}

/* A WAIT in a child that inherits the handle, as await_blocked() sees it. */
struct ring_waiter {
	int ret, done;
	pid_t pid;
};

static inline struct ring_waiter *ring_wait_start(int fd, uint32_t side, uint64_t seen)
{
	struct ring_waiter *w = shared_alloc(sizeof(*w));
	pid_t pid = fork_child();

	if (pid < 0) {
		perror("fork");
		abort();
	}
	if (pid == 0) {
		w->ret = ring_move(fd, side, seen);
		set_flag(&w->done);
		_exit(0);
	}
	w->pid = pid;
	return w;
}

static inline int ring_wait_end(struct ring_waiter *w)
{
	int status = reap(w->pid);

	if (status < 0)
		return status;
	return w->done ? w->ret : -ECHILD;
}

static inline short poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

#endif
