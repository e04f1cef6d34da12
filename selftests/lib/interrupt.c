// SPDX-License-Identifier: GPL-2.0-only
/* Calls in the middle of another call. */
#include "interrupt.h"

#include <time.h>

/* Keep the caller, and the threads and children that it makes later, on one CPU. */
bool interrupt_prepare(void)
{
	return run_on(0);
}

/* Give the calling thread the priority of an interrupt, or take it away again. */
bool interrupt_become(bool interrupts)
{
	struct sched_param param = { .sched_priority = interrupts };

	return sched_setscheduler(0, interrupts ? SCHED_FIFO : SCHED_OTHER, &param) == 0;
}

/* A call: delete the mailbox of the handle that @arg points to, whatever it has. */
int interrupt_delete(void *arg)
{
	return delete_fd(*(int *)arg, MBOX_DELETE_FORCE);
}

static void *interrupt_run(void *data)
{
	struct interrupt *interrupt = data;
	struct timespec delay = {
		.tv_sec = interrupt->delay / NSEC_PER_SEC,
		.tv_nsec = interrupt->delay % NSEC_PER_SEC,
	};

	sem_wait(&interrupt->go);
	if (interrupt->delay)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL);
	interrupt->result = interrupt->call(interrupt->arg);
	return NULL;
}

/*
 * Make the call after the delay. If that is 0, this returns when the call has ended, or sleeps. The
 * thread sleeps before its delay begins, so that the time of its creation does not count. 0 or an error.
 */
int interrupt_start(struct interrupt *interrupt)
{
	struct sched_param param = { .sched_priority = 1 };
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	sem_init(&interrupt->go, 0, 0);
	error = pthread_create(&interrupt->thread, &attr, interrupt_run, interrupt);
	pthread_attr_destroy(&attr);
	if (!error)
		sem_post(&interrupt->go);
	return -error;
}

/* Wait for the end of the call. */
void interrupt_end(struct interrupt *interrupt)
{
	pthread_join(interrupt->thread, NULL);
	sem_destroy(&interrupt->go);
}
