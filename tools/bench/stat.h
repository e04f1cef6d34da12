/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures of several rounds, and the distribution of times. */
#ifndef BENCH_STAT_H
#define BENCH_STAT_H

#include <stddef.h>
#include <stdint.h>

/*
 * A histogram of nanoseconds. Each power of two has STEPS parts, so a percentile is at
 * most 3 % off.
 */
#define HIST_STEPS	32
#define HIST_POWERS	36

struct hist {
	uint64_t count;
	uint32_t at[HIST_POWERS * HIST_STEPS];
};

void hist_add(struct hist *hist, uint64_t ns);
void hist_merge(struct hist *to, const struct hist *from);
double hist_percentile(const struct hist *hist, double percent);

#define STAT_MAX	101

struct stat_values {
	double value[STAT_MAX];
	size_t count;
};

void stat_add(struct stat_values *stat, double value);
void stat_sort(struct stat_values *stat);
double stat_median(const struct stat_values *stat);
double stat_least(const struct stat_values *stat);
double stat_most(const struct stat_values *stat);

#endif /* BENCH_STAT_H */
