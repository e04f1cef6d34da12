/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls in the middle of another call: a thread of real-time priority sleeps for a given time, and
 * then runs instead of the test, on its CPU. If the test is in a call that drops its lock now and
 * then, the thread runs where that happens, however fast the machine is.
 */
#ifndef LIB_INTERRUPT_H
#define LIB_INTERRUPT_H

#include "child.h"

#include <pthread.h>
#include <semaphore.h>

struct interrupt {
	int (*call)(void *arg);
	void *arg;
	int64_t delay;			/* from interrupt_start() to the call */
	sem_t go;
	pthread_t thread;
	int result;			/* of the call, once it is ended */
};

bool interrupt_prepare(void);
bool interrupt_become(bool interrupts);
int interrupt_delete(void *arg);
int interrupt_start(struct interrupt *interrupt);
void interrupt_end(struct interrupt *interrupt);

/* The delay in round @round of @rounds, of which more are early: that of the last is @took. */
static inline int64_t interrupt_delay(int64_t took, int round, int rounds)
{
	return took * round / rounds * round / rounds;
}

#endif
