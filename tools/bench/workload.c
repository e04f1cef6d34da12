// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: the table of workloads, and the plan of a run. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "workload.h"

#define WORKLOAD_ENTRY(name)	&workload_##name,
const struct workload *const workloads[] = { WORKLOADS(WORKLOAD_ENTRY) };
#undef WORKLOAD_ENTRY
const size_t workloads_count = ARRAY_SIZE(workloads);

const struct workload *workload_find(const char *name, size_t length)
{
	for (size_t i = 0; i < workloads_count; i++)
		if (strlen(workloads[i]->name) == length &&
		    !strncmp(workloads[i]->name, name, length))
			return workloads[i];
	return NULL;
}

/* Add a row for one sender, one receiver, small messages, one CPU; the caller changes that. */
struct row *plan_add(struct plan *plan, const struct workload *workload, const char *format, ...)
{
	struct row *row;
	va_list args;

	if (plan->count == plan->room) {
		size_t room = plan->room ? 2 * plan->room : 64;
		struct row *more = realloc(plan->rows, room * sizeof(*more));

		if (!more) {
			perror("mboxbench");
			exit(2);
		}
		plan->rows = more;
		plan->room = room;
	}
	row = &plan->rows[plan->count++];
	memset(row, 0, sizeof(*row));
	row->workload = workload;
	row->cpus = 1;
	row->setup = (struct setup) { .size = PAYLOAD_MIN, .depth = 10, .senders = 1, .receivers = 1 };
	va_start(args, format);
	vsnprintf(row->name, sizeof(row->name), format, args);
	va_end(args);
	return row;
}

/* Return the number of sizes of a message that workloads of several sizes use. */
size_t plan_sizes(const struct plan *plan, const size_t **sizes)
{
	static const size_t all[] = { 64, 256, 1024, 4096, 65536, 1048576 };
	static const size_t quick[] = { 64, 4096 };

	*sizes = plan->quick ? quick : all;
	return plan->quick ? ARRAY_SIZE(quick) : ARRAY_SIZE(all);
}

/* Write a size with a unit, all of which are powers of two. */
void size_text(char text[static 16], size_t size)
{
	if (size >= 1 << 20)
		snprintf(text, 16, "%zuM", size >> 20);
	else if (size >= 1 << 10)
		snprintf(text, 16, "%zuK", size >> 10);
	else
		snprintf(text, 16, "%zu", size);
}

/* Return why @peer has no figure in @row, or NULL. */
const char *row_refusal(const struct row *row, const struct peer *peer)
{
	const char *why = NULL;

	if (peer->absent)
		return peer->absent;
	if (row->cpus > cpus_count())
		return "needs two CPUs";
	if (row->workload->refuse)
		why = row->workload->refuse(row, peer);
	return why ? why : peer_refusal(peer, &row->setup);
}

/* Finish a trial: put the first error of the team into @sample. Return @error. */
int sample_team(struct sample *sample, const struct team *team, int error)
{
	const struct worker *failed = team_failed(team);

	if (!error)
		return 0;
	if (failed)
		snprintf(sample->why, sizeof(sample->why), "%s: %s", failed->where,
			 strerror(-failed->error));
	else
		snprintf(sample->why, sizeof(sample->why), "%s", strerror(-error));
	return error;
}

/* Run a team of processes with these jobs over one channel of the peer, as sample_team(). */
int sample_channel(struct sample *sample, const struct trial *trial, struct team *team,
		   struct job *jobs)
{
	struct channel ch;
	int ret = peer_open(&ch, trial->peer, &trial->row->setup);

	for (unsigned int i = 0; i < team->count; i++)
		jobs[i].channel = &ch;
	if (!ret)
		ret = sample_team(sample, team, team_run(team, jobs, false));
	peer_close(&ch);
	return ret;
}
