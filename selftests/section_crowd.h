/* SPDX-License-Identifier: GPL-2.0-only */
/* Of section_test: the sampler, the crowds that are blocked, and the mailbox that they are blocked on. */
#ifndef SECTION_CROWD_H
#define SECTION_CROWD_H

#include "mbox_netlink.h"
#include "mbox_ring.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>

#define PERIOD		20000	/* of the sampler, nanoseconds */

/* How many, at 100 %. */
enum many {
	CROWD,			/* calls that are blocked at a time */
	BACKLOG,		/* messages in a queue */
	DELIVERIES,		/* of short messages, in place of one long one */
	HANDLES,		/* on one mailbox */
	SUBSCRIBERS,		/* of one mailbox that broadcasts */
	MEMBERS,		/* processes that take part in one mailbox */
	LINKS,
	NR_MANY
};

static int many[NR_MANY] = {
	[CROWD] = 8000, [BACKLOG] = 170000, [DELIVERIES] = 80000, [HANDLES] = 100000,
	[SUBSCRIBERS] = MBOX_RECEIVERS_MAX, [MEMBERS] = MBOX_PROCS_MAX - 96, [LINKS] = 4000,
};

/* Nothing is awaited for longer, in a case: nanoseconds. */
#define LONG		(20 * NSEC_PER_SEC)

/* The sampler. */

static struct {
	sem_t begin, ended;
	volatile bool on, quit;
	int64_t latest;			/* nanoseconds */
} sampler;

static void *sample(void *unused)
{
	for (;;) {
		int64_t next, late, latest = 0;

		sem_wait(&sampler.begin);
		if (sampler.quit)
			return NULL;
		next = now();
		while (sampler.on) {
			struct timespec at;

			next += PERIOD;
			if (next < now())
				next = now() + PERIOD;
			at.tv_sec = next / NSEC_PER_SEC;
			at.tv_nsec = next % NSEC_PER_SEC;
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
			late = now() - next;
			if (late > latest)
				latest = late;
		}
		sampler.latest = latest;
		sem_post(&sampler.ended);
	}
}

static void window_open(void)
{
	/* what was printed or freed last has come to rest */
	for (int i = 0; i < 10; i++)
		nap();
	sampler.on = true;
	sem_post(&sampler.begin);
}

/* How late the sampler was at most. */
static int64_t window_close(void)
{
	sampler.on = false;
	sem_wait(&sampler.ended);
	return sampler.latest;
}

/* A pool of threads, of which the crowds are made: it costs much to make them. */

static struct {
	pthread_t *threads;
	int size;			/* how many there are */
	int wanted;			/* how many of them work */
	uint32_t order;			/* futex: another number is an order */
	int left;			/* who have not done it */
	bool urgent;			/* they do not give way to who wakes them */
	int (*job)(int nr);
	int *results;
} pool;

static int crowd_fd;			/* what the jobs are about */
static struct mbox_ioc_recv crowd_recv;	/* what they ask for */
static struct mbox_ioc_send crowd_send;
static char crowd_data[4096];
static int *handles;			/* one for each of them, or all that there are */
static int nr_handles;

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

static int pool_grow(int size)
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

static void pool_order(int wanted, int (*job)(int nr))
{
	pool.wanted = wanted;
	pool.left = wanted;
	pool.job = job;
	__atomic_add_fetch(&pool.order, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &pool.order, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* The thread that acts; as a real-time one it must not be busy for long, or the kernel stops them all. */
static void main_schedule(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	sched_setscheduler(0, policy, &param);
}

/* All have come back from their calls. */
static int pool_await(void)
{
	int64_t end = now() + LONG;

	while (__atomic_load_n(&pool.left, __ATOMIC_ACQUIRE)) {
		if (now() > end)
			return -ETIME;
		nap();
	}
	return 0;
}

static int blocked(int fd)
{
	struct mbox_info info = info_of(fd);

	return info.senders + info.receivers;
}

/* Have @n threads do a job in which they block on crowd_fd. */
static int crowd_block(int n, int (*job)(int nr))
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

/* Where each of them has to be looked at, no more may wait. */
static int limited_crowd(void)
{
	return many[CROWD] < MBOX_WAITERS_MAX ? many[CROWD] : MBOX_WAITERS_MAX;
}

static int job_recv(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;

	return xioctl(crowd_fd, MBOX_IOC_RECV, &recv);
}

/* each through a handle of its own */
static int job_recv_own(int nr)
{
	struct mbox_ioc_recv recv = crowd_recv;

	return xioctl(handles[nr], MBOX_IOC_RECV, &recv);
}

static int job_send(int nr)
{
	return xioctl(crowd_fd, MBOX_IOC_SEND, &crowd_send);
}

static int job_ring(int nr)
{
	return ring_move(crowd_fd, MBOX_RIGHT_RECV, 0);
}

static int job_poll(int nr)
{
	struct pollfd pollfd = { .fd = crowd_fd, .events = POLLIN };

	return poll(&pollfd, 1, -1);
}

/* Mailboxes. */

static int box_with(uint32_t policy, uint32_t options, uint32_t capacity, uint64_t bytes)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];

	name_make(name);
	arg = open_arg(name, capacity);
	arg.policy = policy;
	arg.options = options;
	arg.bytes = bytes;
	arg.msg_size = bytes ? bytes : 1;
	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	return crowd_fd < 0 ? crowd_fd : 0;
}

static int box_plain(uint32_t capacity)
{
	return box_with(MBOX_POLICY_FIFO, 0, capacity, 0);
}

/* More handles on it; @n with it. */
static int box_handles(int n, uint32_t rights)
{
	struct mbox_ioc_open arg = { .rights = rights };
	struct mbox_info info = info_of(crowd_fd);
	int factory = factory_open();

	if (factory < 0)
		return factory;
	memcpy(arg.name, info.name, sizeof(arg.name));
	handles[0] = crowd_fd;
	for (nr_handles = 1; nr_handles < n; nr_handles++) {
		handles[nr_handles] = xioctl(factory, MBOX_IOC_OPEN, &arg);
		if (handles[nr_handles] < 0)
			break;
	}
	close(factory);
	return nr_handles == n ? 0 : handles[nr_handles];
}

static void handles_close(void)
{
	for (int i = 1; i < nr_handles; i++)
		close(handles[i]);
	nr_handles = 0;
}

/* Queue @n messages of one byte. */
static int fill(int n, uint32_t flags, uint32_t type)
{
	int ret = 0;

	for (int i = 0; i < n && ret >= 0; i++)
		ret = send_bytes(crowd_fd, flags | MBOX_SEND_NONBLOCK, 0, type, "x", 1);
	return ret < 0 ? ret : 0;
}

static void want_anything(void)
{
	crowd_recv = (struct mbox_ioc_recv) { .data = address_of(crowd_data),
					      .size = sizeof(crowd_data) };
}

static void want_type(uint32_t type)
{
	want_anything();
	crowd_recv.flags = MBOX_RECV_BY_TYPE;
	crowd_recv.type = type;
}

static void give_type(uint32_t type, uint32_t flags)
{
	crowd_send = (struct mbox_ioc_send) { .flags = flags, .type = type,
					      .data = address_of(crowd_data), .size = 1 };
}

#endif
