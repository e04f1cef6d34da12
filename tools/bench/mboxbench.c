// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: mbox beside the other ways to pass messages, in the same run.
 *
 *   mboxbench.c	rounds
 *   options.c		options
 *   workload.c		the table of workloads, the plan
 *     pair.c stream.c pingpong.c many.c prio.c idle.c
 *   peer.c		the table of peers
 *     peer_*.c		one file each; shared.c is memory that two of them share
 *   team.c		the processes of a trial
 *   payload.c		messages that are verified
 *   result.c		the figures of the peers in a row
 *   stat.c		medians and percentiles
 *   limits.c		limits of the system
 *   report.c		the table and JSON
 *
 * A row is a workload with its numbers. The peers take turns within each of its rounds,
 * so that a disturbance of some time affects all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "limits.h"
#include "options.h"
#include "report.h"
#include "result.h"

static int failures;

static void output_flush(void)
{
	int error = report_flush();

	if (!error)
		return;
	fprintf(stderr, "mboxbench: output: %s\n", strerror(-error));
	exit(2);
}

static void row_run(struct result *results, size_t count, const struct row *row)
{
	unsigned long rounds = options.rounds;

	if (row->rounds_max && row->rounds_max < rounds)
		rounds = row->rounds_max;
	for (size_t i = 0; i < count; i++)
		result_init(&results[i], row);
	/* The first round warms up, and does not count. */
	for (unsigned long round = row->cold; round <= rounds; round++) {
		for (size_t i = 0; i < count; i++) {
			/* Another one begins each time. */
			struct result *result = &results[(i + round) % count];

			failures += !result_trial(result, row, options.duration_ms * 1000000, !round);
		}
	}
	results_print(results, count, row);
	output_flush();
}

/* Return the model of the first CPU. */
static void machine_model(char *model, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(model, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (value && !strncmp(line, "model name", 10)) {
			value[strcspn(value, "\n")] = '\0';
			snprintf(model, size, "%s", value + 2);
			break;
		}
	}
	if (file)
		(void)fclose(file);
}

static void machine_print(void)
{
	struct utsname name;
	char model[128];

	machine_model(model, sizeof(model));
	report_field_text("mboxbench", MBOXBENCH_VERSION);
	if (!uname(&name))
		report_field_text("kernel", name.release);
	report_field_text("machine", model);
	report_field_number("cpus", cpus_count());
	report_field_number("rounds", (double)options.rounds);
	report_field_number("duration_ms", (double)options.duration_ms);
	report_fields_end();
}

int main(int argc, char **argv)
{
	struct plan plan = { .rows = NULL };
	struct result *results;
	FILE *json = NULL;
	size_t count = 0;

	options_parse(argc, argv);
	plan.quick = options.quick;
	for (size_t i = 0; i < workloads_count; i++)
		workloads[i]->plan(&plan);
	options_check(&plan);
	if (options.list) {
		options_list(&plan);
		return 0;
	}
	results = calloc(peers_count, sizeof(*results));
	if (!results) {
		perror("mboxbench");
		return 2;
	}
	for (size_t i = 0; i < peers_count; i++)
		if (options_want_peer(peers[i]))
			results[count++].peer = peers[i];
	if (options.json) {
		json = stdout;
	} else if (options.output) {
		json = fopen(options.output, "we");
		if (!json) {
			fprintf(stderr, "mboxbench: %s: %s\n", options.output, strerror(errno));
			exit(2);
		}
	}
	report_open(options.json ? NULL : stdout, json);
	limits_raise();
	machine_print();
	report_head();
	output_flush();
	sleep((unsigned int)options.settle);
	/* Workers choose another one; "many" has none. */
	if (cpus_pin(0))
		fputs("mboxbench: cannot choose a CPU\n", stderr);
	for (size_t i = 0; i < plan.count; i++)
		if (options_want_row(&plan.rows[i]))
			row_run(results, count, &plan.rows[i]);
	free(results);
	free(plan.rows);
	if (failures)
		fprintf(stderr, "mboxbench: %d of the trials failed; the notes say why\n", failures);
	return failures ? 2 : 0;
}
