/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workloads. Each plans rows of the table, such as "oneway" with a size, a depth and a
 * number of CPUs, and runs one trial of a row with one peer.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "peer.h"
#include "team.h"

#define METRICS_MAX	3

struct row {
	const struct workload *workload;
	char name[40];
	struct setup setup;
	unsigned int cpus;
	unsigned int batch;		/* messages per call; 0: the calls for one */
	unsigned int boxes;		/* for "many" */
	bool poll;			/* wait with epoll_wait() */
	bool lockstep;			/* a sender waits until its message was received */
	bool spin;			/* the receiver polls all the time */
	bool cold;			/* no round to warm up */
	unsigned int rounds_max;	/* 0: no such limit */
};

struct trial {
	const struct row *row;
	const struct peer *peer;
	uint64_t duration;		/* nanoseconds */
	bool full;			/* verify each byte */
};

struct sample {
	double value[METRICS_MAX];	/* negative: none */
	double cpu;			/* nanoseconds of processor time per message; or negative */
	double switches;		/* context switches per message */
	struct hist *hist;		/* latencies are added to it */
	char why[96];			/* why it failed */
};

struct metric {
	const char *name;		/* ends the name of the row; or "" */
	const char *unit;
};

struct plan {
	struct row *rows;
	size_t count, room;
	bool quick;
};

struct workload {
	const char *name;
	const char *about;
	struct metric metrics[METRICS_MAX];	/* those with a unit */
	bool latency;				/* has percentiles */
	void (*plan)(struct plan *plan);
	/* Return why @peer cannot do it, or NULL. May be NULL. */
	const char *(*refuse)(const struct row *row, const struct peer *peer);
	/* Return 0 or -errno; then @sample->why may say more. */
	int (*run)(const struct trial *trial, struct sample *sample);
};

#define WORKLOADS(X) \
	X(pair) X(oneway) X(pingpong) X(epoll) X(fan) X(crowd) X(many) X(batch) X(prio) \
	X(idle) X(trickle) X(spin)

#define WORKLOAD_DECLARE(name)	extern const struct workload workload_##name;
WORKLOADS(WORKLOAD_DECLARE)
#undef WORKLOAD_DECLARE

extern const struct workload *const workloads[];
extern const size_t workloads_count;

const struct workload *workload_find(const char *name, size_t length);
struct row *plan_add(struct plan *plan, const struct workload *workload, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t plan_sizes(const struct plan *plan, const size_t **sizes);
void size_text(char text[static 16], size_t size);
const char *row_refusal(const struct row *row, const struct peer *peer);
int sample_team(struct sample *sample, const struct team *team, int error);
int sample_channel(struct sample *sample, const struct trial *trial, struct team *team,
		   struct job *jobs);

#endif /* BENCH_WORKLOAD_H */
