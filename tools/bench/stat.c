// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: medians and percentiles. */
#include <stdlib.h>
#include "stat.h"

/* Times below HIST_STEPS have a part each; above, the first bits below the highest choose it. */
static size_t hist_index(uint64_t ns)
{
	unsigned int power = 0;
	size_t index;

	while (ns >> power >= 2 * HIST_STEPS)
		power++;
	index = power * HIST_STEPS + (size_t)(ns >> power);
	return index < HIST_POWERS * HIST_STEPS ? index : HIST_POWERS * HIST_STEPS - 1;
}

/* Return the middle of the part @index. */
static double hist_value(size_t index)
{
	size_t power = index < 2 * HIST_STEPS ? 0 : index / HIST_STEPS - 1;
	size_t step = index - power * HIST_STEPS;

	return ((double)step + (power ? 0.5 : 0)) * (double)((uint64_t)1 << power);
}

void hist_add(struct hist *hist, uint64_t ns)
{
	hist->count++;
	hist->at[hist_index(ns)]++;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	if (!from->count)
		return;
	to->count += from->count;
	for (size_t i = 0; i < HIST_POWERS * HIST_STEPS; i++)
		to->at[i] += from->at[i];
}

double hist_percentile(const struct hist *hist, double percent)
{
	double rank = percent / 100 * (double)hist->count;
	uint64_t seen = 0;

	for (size_t i = 0; i < HIST_POWERS * HIST_STEPS; i++) {
		seen += hist->at[i];
		if (seen && (double)seen >= rank)
			return hist_value(i);
	}
	return 0;
}

void stat_add(struct stat_values *stat, double value)
{
	if (stat->count < STAT_MAX)
		stat->value[stat->count++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sort the values: the functions below need it, and at least one value. */
void stat_sort(struct stat_values *stat)
{
	qsort(stat->value, stat->count, sizeof(stat->value[0]), compare);
}

double stat_median(const struct stat_values *stat)
{
	size_t half = stat->count / 2;

	return stat->count % 2 ? stat->value[half] : (stat->value[half - 1] + stat->value[half]) / 2;
}

double stat_least(const struct stat_values *stat)
{
	return stat->value[0];
}

double stat_most(const struct stat_values *stat)
{
	return stat->value[stat->count - 1];
}
