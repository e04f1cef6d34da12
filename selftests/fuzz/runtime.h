/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where programs run: lanes, memory, descriptors, system calls. A part of mbox_fuzz and of every
 * reproducer.
 *
 * Lanes are processes that share memory and descriptors (so that each is a sender of its own, has
 * credentials of its own, and can be killed) and make system calls without the C library, whose
 * errno and locks they would share too.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/mbox.h>

#include "place.h"

#ifndef __x86_64__
#error "the lanes make system calls for x86-64"
#endif

#define PAGE		4096UL
#define NSEC_PER_SEC	1000000000LL

static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "a" (nr), "D" (a), "S" (b), "d" (c), "r" (r10), "r" (r8), "r" (r9)
		     : "rcx", "r11", "memory");
	return ret;
}

#define SYS_PICK(_1, _2, _3, _4, _5, _6, _7, n, ...) n
#define SYS0(nr)			sys6(nr, 0, 0, 0, 0, 0, 0)
#define SYS1(nr, a)			sys6(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(nr, a, b)			sys6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(nr, a, b, c)		sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(nr, a, b, c, d)		sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS5(nr, a, b, c, d, e)		sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), \
					     (long)(e), 0)
#define SYS6(nr, a, b, c, d, e, f)	sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), \
					     (long)(e), (long)(f))
#define sys(...)	SYS_PICK(__VA_ARGS__, SYS6, SYS5, SYS4, SYS3, SYS2, SYS1, SYS0)(__VA_ARGS__)

/* An ioctl as a 32-bit program makes it. */
static inline long ioctl32(long fd, long cmd, long arg)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (54), "b" (fd), "c" ((uint32_t)cmd), "d" ((uint32_t)arg)
		     : "r8", "r9", "r10", "r11", "memory");
	return (int)ret;
}

/* Descriptors. Those that a program opens lie above FD_FIRST, so that one call closes all of them. */

#define FD_FIRST	48

extern volatile int slots[SLOTS];
extern int own_netns;

static inline int slot_fd(uint64_t slot)
{
	return slots[slot % SLOTS];
}

long slot_keep(uint64_t slot, long fd);

/*
 * Memory. Each lane has an area for argument structures and one for payloads, and sees each in four
 * views. Data written to rw is seen in ro and lazy too. Each view ends where nothing is mapped.
 * They lie where 32 bits reach.
 */

enum area { AREA_ARG, AREA_DATA };

#define ARG_SIZE	(8 * PAGE)
#define DATA_SIZE	(2UL << 20)
#define VIEW_STRIDE	(4UL << 20)
#define MEMORY_BASE	0x10000000UL

extern bool memory_changed;

static inline uint8_t *area_view(int lane, enum area area, enum view view)
{
	return (uint8_t *)(MEMORY_BASE + ((lane * 2 + area) * 4 + view) * VIEW_STRIDE);
}

void memory_map_view(int lane, enum area area, enum view view, int flags);
size_t place_offset(size_t size, uint64_t at, size_t length);
uint64_t data_at(int lane, uint64_t at, uint64_t length);
uint64_t arg_at(int lane, uint64_t at, uint64_t size);
uint8_t *arg_bytes(int lane, uint64_t at, size_t size, size_t *writable);
uint64_t arg_put(int lane, uint64_t at, const void *arg, size_t own, size_t size, int fill);

/* The number of an ioctl, if its argument were of another size, with some bits flipped. */
static inline uint32_t ioctl_number(uint32_t cmd, uint32_t size, uint32_t flip)
{
	return ((cmd & ~IOCSIZE_MASK) | (size << IOCSIZE_SHIFT & IOCSIZE_MASK)) ^ flip;
}

int64_t deadline(uint64_t when, uint64_t clock);

/* Lanes. */

#define RING		64	/* calls that wait for a lane; more than a program has */

typedef void (*lane_fn)(int lane, const void *arg);

struct lane {
	int pid;			/* zeroed by the kernel when it is gone */
	uint32_t posted;		/* calls given to it */
	uint32_t begun;
	uint32_t done;
	bool changed_ids;
	struct {
		lane_fn fn;
		const void *arg;
	} ring[RING];
};

extern struct lane lanes[LANES];
extern void (*lane_hook)(int lane);	/* called by each new lane */
extern void (*stuck_hook)(int lane);	/* a signal does not end its call */

void here(lane_fn fn, const void *arg);
void post(int i, lane_fn fn, const void *arg);
uint32_t pid_of(uint64_t who);
void start_keep(uint64_t start);
uint64_t start_of(uint64_t which);
void token_keep(uint64_t token);
uint64_t token_of(uint64_t which);
uint64_t box_of(uint64_t which);
void settle(int i);
void drain(void);
void lane_signal(int i, int signal);
void lanes_start(void);
void lanes_reset(void);
void lanes_end(void);

struct limit {
	const char *name;
	unsigned long value;
};

#define NR_LIMITS	3
extern const struct limit low_limits[NR_LIMITS];
unsigned long limit_set(const char *name, unsigned long value);

/* netlink.c */
long do_nl_socket(int lane, const uint64_t *v);
long do_nl_request(int lane, const uint64_t *v);
long do_nl_receive(int lane, const uint64_t *v);

/* job.c */
long do_ack(int lane, const uint64_t *v);
long do_lease(int lane, const uint64_t *v);
long do_reply(int lane, const uint64_t *v);
void inbox_empty(int lane, int fd);

/* helpers.c */
long do_open(int lane, const uint64_t *v);
long do_close(int lane, const uint64_t *v);
long do_readv(int lane, const uint64_t *v);
long do_writev(int lane, const uint64_t *v);
long do_send_batch(int lane, const uint64_t *v);
long do_recv_batch(int lane, const uint64_t *v);
long do_poll(int lane, const uint64_t *v);
long do_epoll_ctl(int lane, const uint64_t *v);
long do_epoll_wait(int lane, const uint64_t *v);
long do_socketpair(int lane, const uint64_t *v);
long do_send_fd(int lane, const uint64_t *v);
long do_recv_fd(int lane, const uint64_t *v);
long do_fdinfo(int lane, const uint64_t *v);
long do_fcntl(int lane, const uint64_t *v);
long do_misc(int lane, const uint64_t *v);
long do_mmap(int lane, const uint64_t *v);
long do_memory(int lane, const uint64_t *v);
long do_ids(int lane, const uint64_t *v);
long do_signal(int lane, const uint64_t *v);
long do_netns(int lane, const uint64_t *v);
long do_nap(int lane, const uint64_t *v);
void ids_restore(void);
void inboxes_empty(void);
void name_delete(const char *name);

#endif /* RUNTIME_H */
