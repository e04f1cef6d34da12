/* SPDX-License-Identifier: GPL-2.0-only */
/* The figures of the peers in a row, from its trials to its lines in the output. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include "workload.h"

/* The figures of a peer in a row. */
struct result {
	const struct peer *peer;
	bool dead;			/* it cannot do the row, or it failed */
	char why[96];
	struct stat_values values[METRICS_MAX], cpu, switches;
	struct hist hist;
};

void result_init(struct result *result, const struct row *row);
bool result_trial(struct result *result, const struct row *row, uint64_t duration, bool warm_up);
void results_print(struct result *results, size_t count, const struct row *row);

#endif /* BENCH_RESULT_H */
