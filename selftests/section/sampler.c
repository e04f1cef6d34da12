// SPDX-License-Identifier: GPL-2.0-only
/* The sampler: a real-time thread that wakes often and notes by how much it is late. */
#include "section/section.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#define PERIOD		20000	/* of the sampler, nanoseconds */

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

void window_open(void)
{
	/* let the effects of printing and freeing come to rest */
	for (int i = 0; i < 10; i++)
		nap();
	sampler.on = true;
	sem_post(&sampler.begin);
}

/* Return by how much the sampler was late at most. */
int64_t window_close(void)
{
	sampler.on = false;
	sem_wait(&sampler.ended);
	return sampler.latest;
}

/* Start the sampler, a real-time thread. */
int sampler_start(void)
{
	struct sched_param param = { .sched_priority = 50 };
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	sem_init(&sampler.begin, 0, 0);
	sem_init(&sampler.ended, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	ret = pthread_create(&thread, &attr, sample, NULL);
	pthread_attr_destroy(&attr);
	return -ret;
}
