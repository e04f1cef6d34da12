// SPDX-License-Identifier: GPL-2.0-only
/* Workload: messages to so many receivers that are blocked on one queue. */
#include "cost/cost.h"

#include <pthread.h>
#include <sched.h>

#define STACK_SIZE	32768

static unsigned int received;		/* by all receivers so far */

static void *crowd_receive(void *bench_arg)
{
	struct bench *bench = bench_arg;

	while (!bench->way->recv(&bench->channel))
		__atomic_add_fetch(&received, 1, __ATOMIC_RELAXED);
	return NULL;
}

/*
 * The receivers have a real-time priority: each message runs one of them at once, until it blocks
 * again.
 */
static int crowd_begin(struct bench *bench)
{
	struct sched_param param = { .sched_priority = 1 };
	pthread_attr_t attr;
	pthread_t thread;
	/* a pipe takes no more than one long message */
	int ret = channel_open(&bench->channel, bench, bench->row->size < 65536 ? 10 : 1);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setguardsize(&attr, 0);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	for (unsigned int i = 0; i < bench->row->depth && !ret; i++)
		ret = -pthread_create(&thread, &attr, crowd_receive, bench);
	pthread_attr_destroy(&attr);
	/* until they are blocked */
	for (int i = 0; i < 20; i++)
		nap();
	return ret;
}

static int crowd_run(struct bench *bench, unsigned int times)
{
	unsigned int end = __atomic_load_n(&received, __ATOMIC_RELAXED) + times;
	int ret = 0;

	while (times-- && !ret) {
		ret = bench->way->send(&bench->channel);
		unit_done();
	}
	while (!ret && __atomic_load_n(&received, __ATOMIC_RELAXED) != end)
		sched_yield();
	return ret;
}

const struct workload crowd = {
	"a message to one of so many blocked receivers, which is blocked again", "message",
	crowd_begin, crowd_run,
};
