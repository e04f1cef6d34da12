// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: messages that are leased, delayed or parked, and their counters */
#include "mboxctl.h"

/* Print the counters of a mailbox that leases have to do with. */
void print_job_info(const struct mbox_info *info)
{
	out_number("leased", info->leased);
	out_number("delayed", info->delayed);
	out_number("parked", info->parked);
	out_number("redelivered", info->redelivered);
	out_number("dead", info->dead);
	out_detail("maxdeliveries", info->max_deliveries, info->max_deliveries);
	out_detail("deadletter", info->dead_letter, info->dead_letter);
	out_detail("mark", info->mark, info->mark);
}

static bool known(const struct mbox_monitor_job *job, unsigned int attr)
{
	return job->known & MBOX_KNOWN(attr);
}

/* Print a time, and its distance from now, if it is known. */
static void print_instant(const char *key, const char *distance_key, uint64_t time,
			  uint64_t distance, bool is_known)
{
	char text[TIME_SIZE];

	if (is_known) {
		format_time(text, time);
		out_string(key, text);
	} else {
		out_detail(key, 0, false);
	}
	out_detail(distance_key, distance / 1000000, is_known);
}

static int print_job(const struct mbox_monitor_job *job, void *arg)
{
	uint64_t now = realtime();

	(void)arg;
	out_item("job");
	out_string("state", hidden_name(job->hidden));
	out_detail("token", job->token, known(job, MBOX_A_JOB_TOKEN));
	out_number("seq", job->id);
	out_number("deliveries", job->deliveries);
	if (known(job, MBOX_A_JOB_HOLDER)) {
		print_process("pid", job->holder);
	} else {
		out_detail("pid", 0, false);
		out_detail("command", 0, false);
	}
	print_instant("since", "held_ms", now - job->held, job->held,
		      known(job, MBOX_A_JOB_HELD));
	print_instant("until", "left_ms", now + job->left, job->left,
		      known(job, MBOX_A_JOB_LEFT));
	out_number("size", job->size);
	out_number("prio", job->prio);
	out_number("type", job->type);
	out_detail("caller", job->caller, known(job, MBOX_A_JOB_CALLER));
	if (known(job, MBOX_A_JOB_REASON))
		out_string("reason", reason_name(job->reason));
	else
		out_detail("reason", 0, false);
	out_detail("code", job->code, known(job, MBOX_A_JOB_CODE));
	out_item_end();
	return 0;
}

/* Print the messages of a mailbox that are leased, delayed or parked. Return 0 or -errno. */
int print_jobs(struct mbox_monitor *mon, uint64_t id)
{
	int ret;

	out_list("job");
	ret = mbox_monitor_each_job(mon, NULL, id, print_job, NULL);
	out_list_end();
	return ret < 0 ? ret : 0;
}
