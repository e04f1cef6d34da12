// SPDX-License-Identifier: GPL-2.0-only
/* Rings by their ABI. */
#include "ring.h"

struct mbox_ioc_open ring_arg(const char *name, uint32_t rights, uint64_t size)
{
	struct mbox_ioc_open arg = open_arg(name, 0);

	arg.rights = rights;
	arg.ring = size;
	return arg;
}

/* A ring, and a handle with these rights. */
int ring_new(struct __test_metadata *_metadata, const char *name, uint32_t rights, uint64_t size,
	     uint32_t options)
{
	struct mbox_ioc_open arg = ring_arg(name, rights, size);
	int fd;

	arg.options = options;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd) TH_LOG("ring of %llu: %d", (unsigned long long)size, fd);
	return fd;
}

/* The caller must name the side that waits: with both rights either is possible. */
int ring_wait_until(int fd, uint32_t flags, uint32_t side, uint64_t seen, int64_t deadline)
{
	struct mbox_ioc_wait arg = {
		.flags = flags, .side = side, .seen = seen,
		.clock = deadline < 0 ? MBOX_CLOCK_NONE : MBOX_CLOCK_MONOTONIC,
		.deadline = deadline < 0 ? 0 : deadline,
	};

	return xioctl(fd, MBOX_IOC_WAIT, &arg);
}

int ring_area_make(struct ring_area *area, const char *name)
{
	struct mbox_ioc_open open = ring_arg(name, RIGHTS_BOTH, RING_AREA);

	open.options = MBOX_OPTION_GROW;
	area->fd = open_call(MBOX_IOC_CREATE, &open);
	if (area->fd < 0)
		return area->fd;
	area->data = ring_map(area->fd, MBOX_RING_DATA_OFFSET, RING_AREA, PROT_READ | PROT_WRITE);
	area->head = ring_map(area->fd, MBOX_RING_PRODUCER_OFFSET, page_size(), PROT_READ | PROT_WRITE);
	area->tail = ring_map(area->fd, MBOX_RING_CONSUMER_OFFSET, page_size(), PROT_READ | PROT_WRITE);
	return (unsigned long)area->data >= -4096UL || (unsigned long)area->head >= -4096UL ||
	       (unsigned long)area->tail >= -4096UL ? -ENOMEM : 0;
}

int ring_touch(volatile uint8_t *at, bool writes)
{
	pid_t pid = fork_child();
	int status;

	if (pid == 0) {
		if (writes)
			*at = 1;
		else
			(void)*at;
		_exit(0);
	}
	status = reap(pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

struct ring_waiter *ring_wait_start(int fd, uint32_t side, uint64_t seen)
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

int ring_wait_end(struct ring_waiter *w)
{
	int status = reap(w->pid);

	if (status < 0)
		return status;
	return w->done ? w->ret : -ECHILD;
}
