// SPDX-License-Identifier: GPL-2.0-only
/* The crowds: threads that are blocked in calls. */
#include "section/section.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

struct pool pool;

int crowd_fd;
struct mbox_ioc_recv crowd_recv;
struct mbox_ioc_send crowd_send;
char crowd_data[4096];
int *handles;
int nr_handles;

static void *work(void *number)
{
	int nr = (intptr_t)number;
	uint32_t seen = 0;

	for (;;) {
		uint32_t order;

		while ((order = __atomic_load_n(&pool.order, __ATOMIC_ACQUIRE)) == seen)
			syscall(SYS_futex, &pool.order, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
		seen = order;
		if (!pool.job)
			return NULL;
		if (nr >= pool.wanted)
			continue;
		pool.results[nr] = pool.job(nr);
		__atomic_sub_fetch(&pool.left, 1, __ATOMIC_RELEASE);
	}
}

int pool_grow(int size)
{
	pthread_attr_t attr;
	int error = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32768);
	pthread_attr_setguardsize(&attr, 0);
	while (pool.size < size && !error) {
		error = pthread_create(&pool.threads[pool.size], &attr, work,
				       (void *)(intptr_t)pool.size);
		if (!error)
			pool.size++;
	}
	pthread_attr_destroy(&attr);
	return -error;
}

void pool_order(int wanted, int (*job)(int nr))
{
	pool.wanted = wanted;
	pool.left = wanted;
	pool.job = job;
	__atomic_add_fetch(&pool.order, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &pool.order, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/*
 * Schedule the acting thread; as a real-time one it must not be busy for long, or the kernel stops
 * them all.
 */
void main_schedule(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	sched_setscheduler(0, policy, &param);
}

/* Wait until all have come back from their calls. */
int pool_await(void)
{
	int64_t end = now() + LONG;

	while (__atomic_load_n(&pool.left, __ATOMIC_ACQUIRE)) {
		if (now() > end)
			return -ETIME;
		nap();
	}
	return 0;
}

int blocked(int fd)
{
	struct mbox_info info = info_of(fd);

	return info.senders + info.receivers;
}

/* Let @n threads do a job in which they block on crowd_fd. */
int crowd_block(int n, int (*job)(int nr))
{
	int64_t end = now() + LONG;

	pool_order(n, job);
	while (blocked(crowd_fd) != n) {
		if (now() > end)
			return -ETIME;
		nap();
	}
	return 0;
}

/* Return the size of a crowd of which each waiter is visited: no more may wait. */
int limited_crowd(void)
{
	return many[CROWD] < MBOX_WAITERS_MAX ? many[CROWD] : MBOX_WAITERS_MAX;
}

int job_recv(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;

	return xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
}

/* each through a handle of its own */
int job_recv_own(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;

	return xioctl(handles[nr], MBOX_IOC_RECV, &recv);
}

int job_send(int nr)
{
	return xioctl(crowd_fd, MBOX_IOC_SEND, &crowd_send);
}

int job_ring(int nr)
{
	return ring_move(crowd_fd, MBOX_RIGHT_RECV, 0);
}

int job_poll(int nr)
{
	struct pollfd pollfd = { .fd = crowd_fd, .events = POLLIN };

	return poll(&pollfd, 1, -1);
}
