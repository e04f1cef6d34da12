/* SPDX-License-Identifier: GPL-2.0-only */
/* The benchmarks of other engines: arguments, received messages, and the line of results. */
#ifndef BRIDGE_BENCH_H
#define BRIDGE_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* Messages under way, as many as mboxbridge has. */
#define WINDOW	256

struct bench {
	const char *server;
	uint64_t count;		/* of messages in a row */
	int size;
	int pings;		/* messages one after the other, for their time */
	int64_t *times;		/* of the pings, in nanoseconds */
};

bool bench_init(struct bench *bench, int argc, char **argv);
void bench_got(void);
void bench_wait(uint64_t count);
void bench_report(const struct bench *bench, int64_t took);

#endif
