// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl watch */
#include <errno.h>
#include <string.h>
#include "mboxctl.h"

enum { COUNT, TIMEOUT };

static const struct word words[] = {
	[COUNT] = { .name = "count", .arg = "N", .parse = parse_number, .min = 1,
		    .max = UINT64_MAX, .form = "a number from 1", .hints = "1 10 100",
		    .help = "end after N events" },
	[TIMEOUT] = { .name = "timeout", .arg = "TIME", .parse = parse_seconds,
		      .max = INT64_MAX, .form = TIMEOUT_FORM,
		      .hints = "1s 5s 10s 1m",
		      .help = "end after this time; with count, fail if fewer events came" },
	{ 0 },
};

static bool known(const struct mbox_monitor_event *event, unsigned int attr)
{
	return event->known & MBOX_KNOWN(attr);
}

static void print_event(const struct mbox_monitor_event *event)
{
	bool box = known(event, MBOX_A_NOTICE_ID);

	out_begin(OUT_LINE);
	out_time("time", event->time);
	out_string("event", event_name(event->event));
	if (*event->name)
		out_string("name", event->name);
	out_detail("id", event->id, box);
	if (known(event, MBOX_A_NOTICE_STATE))
		out_string("state", state_name(event->state));
	out_detail("uid", event->uid, known(event, MBOX_A_NOTICE_UID));
	out_detail("queued", event->queued, known(event, MBOX_A_NOTICE_QUEUED));
	out_detail("dropped", event->dropped, known(event, MBOX_A_NOTICE_DROPPED));
	if (known(event, MBOX_A_NOTICE_TOKEN))
		out_number("token", event->token);
	out_number("count", event->count);
	out_close();
}

/* Events came faster than they were printed, and the kernel dropped some. */
static void print_lost(void)
{
	out_begin(OUT_LINE);
	out_time("time", realtime());
	out_string("event", "lost");
	out_close();
}

/* An event about no mailbox may be about this one. */
static bool wanted(const struct command *cmd, const struct mbox_monitor_event *event)
{
	if (cmd->id)
		return event->event == MBOX_EVENT_OVERRUN || event->id == cmd->id;
	return !cmd->name || event->event == MBOX_EVENT_OVERRUN || !strcmp(cmd->name, event->name);
}

/* Print the events that have come. Return the error of writing; @ret is that of the monitor. */
static int print_events(struct command *cmd, struct mbox_monitor *mon, uint64_t *count,
			uint64_t limit, int *ret)
{
	const struct mbox_monitor_event *event;
	int error = 0;

	while (!error && *count < limit) {
		*ret = mbox_monitor_next(mon, 0, &event);
		if (*ret == -ENOBUFS) {
			print_lost();
		} else if (*ret < 0) {
			break;
		} else if (wanted(cmd, event)) {
			print_event(event);
			++*count;
		} else {
			continue;
		}
		error = out_flush();
	}
	if (*ret == -EAGAIN || *ret == -ENOBUFS)
		*ret = 0;
	return error;
}

static int watch(struct command *cmd, struct mbox_monitor *mon)
{
	uint64_t limit = cmd->v[COUNT].given ? cmd->v[COUNT].num : UINT64_MAX;
	uint64_t deadline = UINT64_MAX, count = 0;
	enum wake wake = WAKE_AGAIN;
	int error, ret;

	if (cmd->v[TIMEOUT].given)
		deadline = monotonic() + cmd->v[TIMEOUT].num;
	/* Old kernels have a group of its own for events that not all users may see. */
	ret = mbox_monitor_subscribe(mon, MBOX_MONITOR_PRIVATE);
	if (ret == -EPERM)
		ret = mbox_monitor_subscribe(mon, 0);
	if (ret < 0)
		return refuse_monitor(cmd, mon, ret);
	if (cmd->verbose) {
		out_begin(OUT_LINE);
		out_string("event", "watching");
		out_close();
		error = out_flush();
		if (error)
			return done_writing(cmd, error);
	}
	for (;;) {
		error = print_events(cmd, mon, &count, limit, &ret);
		if (error)
			return done_writing(cmd, error);
		if (ret < 0)
			return refuse_monitor(cmd, mon, ret);
		if (count == limit || wake == WAKE_END)
			break;
		if (wake == WAKE_TIME)
			break;
		wake = loop_wait(mbox_monitor_fd(mon), deadline);
	}
	if (cmd->v[COUNT].given && count < limit)
		return refuse(cmd, wake == WAKE_TIME ? -ETIMEDOUT : 0, NULL, "%s after %llu of %llu events",
			      wake == WAKE_TIME ? "the time was up" : "ended",
			      (unsigned long long)count, (unsigned long long)limit);
	return STATUS_DONE;
}

static int run(struct command *cmd)
{
	return loop_run(cmd, watch);
}

const struct verb watch_verb = {
	.name = "watch",
	.operands = "[NAME]",
	.summary = "print events of mailboxes as they happen",
	.notes = "One line for each event: created, deleted, owner-died, full, room, dropped (by a\n"
		 "purge; or deliveries of a broadcast), quota (a user's quota refused something),\n"
		 "lease-ending (count leases end soon; token is that of the first),\n"
		 "overrun (the kernel suppressed count events), lost (they came too fast for this\n"
		 "command). With NAME, events of mailboxes of this name, also of later ones. -v\n"
		 "prints a line once it has begun to watch.",
	.words = words,
	.first = FIRST_MAYBE,
	.run = run,
};
