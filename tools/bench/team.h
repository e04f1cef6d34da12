/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A team: the workers of one trial, processes or threads, each on a CPU of its own
 * choosing. All join their channels, then start at once.
 */
#ifndef BENCH_TEAM_H
#define BENCH_TEAM_H

#include <stdatomic.h>
#include "payload.h"
#include "peer.h"
#include "stat.h"

/* In shared memory: the findings of a worker. */
struct worker {
	_Alignas(64) _Atomic uint64_t count;	/* messages sent or received */
	uint64_t sum;			/* of payload_sum() over them */
	uint64_t began, ended;		/* nanoseconds */
	uint64_t cpu;			/* nanoseconds of processor time */
	uint64_t switches;		/* of context */
	int error;
	const char *where;		/* the step that failed */
	struct hist hist;
};

struct team;

struct job {
	/* Return 0 or a negated errno. @data has @buffer bytes. */
	int (*work)(struct team *team, struct worker *me, const struct job *job, void *data);
	size_t buffer;
	unsigned int cpu;		/* as a number of the CPUs that we may use */
	unsigned int number;		/* among the workers of this kind */
	unsigned int sides;		/* that it joins @channel on */
	struct channel *channel;
	struct channel *back;		/* for answers: the other sides of it; or NULL */
	const void *context;		/* of the workload */
};

/* In shared memory. */
struct team {
	_Atomic uint32_t ready, go, done;	/* futexes */
	_Atomic uint32_t arrived;	/* receivers that are about to block; a futex */
	_Atomic uint32_t senders;	/* that still send */
	_Atomic uint64_t sent;		/* by senders that are done */
	_Atomic uint32_t taken;		/* messages received, where senders wait for that; a futex */
	uint64_t duration;		/* nanoseconds that senders send for */
	bool full;			/* verify each byte */
	size_t mapped;
	unsigned int count;
	struct worker workers[];
};

struct team *team_new(unsigned int count, uint64_t duration, bool full);
void team_free(struct team *team);
int team_run(struct team *team, const struct job *jobs, bool threads);
const struct worker *team_failed(const struct team *team);
void team_clock_start(struct worker *me);
void team_clock_stop(struct worker *me);
int team_fail(struct worker *me, const char *where, int error);

unsigned int cpus_count(void);
int cpus_pin(unsigned int number);
uint64_t now_ns(void);
void futex_wait(_Atomic uint32_t *word, uint32_t seen);
void futex_wake_all(_Atomic uint32_t *word);

#endif /* BENCH_TEAM_H */
