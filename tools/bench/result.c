// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: the figures of the peers in a row. */
#include <stdio.h>
#include <string.h>
#include <mbox.h>
#include "report.h"
#include "result.h"

/* Begin a row. */
void result_init(struct result *result, const struct row *row)
{
	const struct peer *peer = result->peer;
	const char *why = row_refusal(row, peer);

	memset(result, 0, sizeof(*result));
	result->peer = peer;
	if (why) {
		result->dead = true;
		snprintf(result->why, sizeof(result->why), "%s", why);
	}
}

/* Make a trial, if the peer can do that. Return false if it fails. */
bool result_trial(struct result *result, const struct row *row, uint64_t duration, bool warm_up)
{
	const struct trial trial = {
		.row = row, .peer = result->peer, .full = warm_up,
		.duration = warm_up ? duration / 4 + 1 : duration,
	};
	static struct hist ignored;
	struct sample sample = {
		.value = { -1, -1, -1 }, .cpu = -1, .switches = -1,
		.hist = warm_up ? &ignored : &result->hist,
	};
	int ret;

	if (result->dead)
		return true;
	ret = row->workload->run(&trial, &sample);
	if (ret) {
		result->dead = true;
		snprintf(result->why, sizeof(result->why), "%s",
			 sample.why[0] ? sample.why :
			 result->peer->ours ? mbox_strerror(ret) : strerror(-ret));
		return false;
	}
	if (warm_up)
		return true;
	for (size_t i = 0; i < METRICS_MAX; i++)
		if (sample.value[i] >= 0)
			stat_add(&result->values[i], sample.value[i]);
	if (sample.cpu >= 0)
		stat_add(&result->cpu, sample.cpu);
	if (sample.switches >= 0)
		stat_add(&result->switches, sample.switches);
	return true;
}

static void result_stat(const char *key, struct stat_values *stat, int decimals)
{
	if (!stat->count) {
		report_none(key);
		return;
	}
	stat_sort(stat);
	report_number(key, stat_median(stat), decimals);
}

static void result_percentile(const char *key, const struct result *result, double percent)
{
	if (result->dead || !result->hist.count)
		report_none(key);
	else
		report_number(key, hist_percentile(&result->hist, percent), 0);
}

/* Print one peer's line of a row, and an object. @best is the least median of the peers, or 0. */
static void result_print(struct result *result, const struct row *row, size_t which, double best)
{
	const struct metric *metric = &row->workload->metrics[which];
	struct stat_values *values = &result->values[which];
	bool known = !result->dead && values->count;
	char name[64];

	snprintf(name, sizeof(name), "%s%s", row->name, metric->name);
	report_text("row", name);
	report_text("workload", row->workload->name);
	report_text("peer", result->peer->name);
	report_number("ours", result->peer->ours, 0);
	report_text("class", result->peer->ring ? "ring" : "calls");
	report_number("cpus", row->cpus, 0);
	report_number("size", (double)row->setup.size, 0);
	report_number("depth", row->setup.depth, 0);
	report_number("senders", row->setup.senders, 0);
	report_number("receivers", row->setup.receivers, 0);
	report_number("batch", row->batch, 0);
	report_number("boxes", row->boxes, 0);
	report_number("rounds", (double)values->count, 0);
	if (known) {
		stat_sort(values);
		report_number("median", stat_median(values), 1);
		report_number("least", stat_least(values), 1);
		report_number("most", stat_most(values), 1);
	} else {
		report_none("median");
		report_none("least");
		report_none("most");
	}
	report_text("unit", metric->unit);
	if (known && best > 0)
		report_number("ratio", stat_median(values) / best, 2);
	else
		report_none("ratio");
	/* A workload of several figures has one distribution, that of the last. */
	if (row->workload->latency && (which + 1 == METRICS_MAX ||
				       !row->workload->metrics[which + 1].unit)) {
		result_percentile("p50", result, 50);
		result_percentile("p99", result, 99);
		result_percentile("p999", result, 99.9);
	} else {
		report_none("p50");
		report_none("p99");
		report_none("p999");
	}
	result_stat("cpu", &result->cpu, 1);
	result_stat("switches", &result->switches, 3);
	report_text("note", result->dead ? result->why :
			    known ? "" : "too small to be measured");
	report_row_end();
}

/*
 * Return the least median of the peers that are not mbox, or 0 if there is none. Peers
 * without system calls are rivals of each other, and so are those with.
 */
static double best_of(struct result *results, size_t count, size_t which, bool ring)
{
	double best = 0;

	for (size_t i = 0; i < count; i++) {
		struct stat_values *values = &results[i].values[which];

		if (results[i].dead || results[i].peer->ours || results[i].peer->ring != ring ||
		    !values->count)
			continue;
		stat_sort(values);
		if (!best || stat_median(values) < best)
			best = stat_median(values);
	}
	return best;
}

void results_print(struct result *results, size_t count, const struct row *row)
{
	for (size_t which = 0; which < METRICS_MAX && row->workload->metrics[which].unit; which++) {
		double calls = best_of(results, count, which, false);
		double ring = best_of(results, count, which, true);

		for (size_t i = 0; i < count; i++)
			result_print(&results[i], row, which,
				     results[i].peer->ring && ring > 0 ? ring : calls);
		report_gap();
	}
}
