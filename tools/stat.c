// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl stat */
#include <errno.h>
#include <string.h>
#include "mboxctl.h"

enum { INTERVAL, COUNT, NOHEADER };

#define SECOND	UINT64_C(1000000000)

static const struct word words[] = {
	[INTERVAL] = { .name = "interval", .arg = "TIME", .parse = parse_seconds,
		       .min = SECOND / 100, .max = 86400 * SECOND,
		       .form = "a time from 10ms to 24h", .hints = "500ms 1s 2s 5s 10s",
		       .help = "go on, with a line after each such interval" },
	[COUNT] = { .name = "count", .arg = "N", .parse = parse_number, .min = 1,
		    .max = UINT64_MAX, .form = "a number from 1", .hints = "1 10 100",
		    .help = "end after N lines" },
	[NOHEADER] = { .name = "noheader", .help = "no lines of names" },
	{ 0 },
};

static const struct column senders = { .name = "senders", .width = 7 };
static const struct column receivers = { .name = "receivers", .width = 9 };
static const struct column queued = { .name = "queued", .width = 8 };
static const struct column queued_bytes = { .name = "queued_bytes", .width = 12 };
static const struct column sent = { .name = "sent_rate", .width = 10, .head = "sent/s" };
static const struct column sent_bytes = { .name = "bytes_rate", .width = 12, .head = "bytes/s" };
static const struct column received = { .name = "received_rate", .width = 10, .head = "received/s" };
static const struct column dropped = { .name = "dropped_rate", .width = 9, .head = "dropped/s" };
static const struct column refused = { .name = "refused_rate", .width = 9, .head = "refused/s" };
static const struct column blocked = { .name = "blocked_rate", .width = 9, .head = "blocked/s" };
static const struct column woken = { .name = "woken_rate", .width = 9, .head = "woken/s" };
static const struct column hits = { .name = "spin_hits_rate", .width = 6, .head = "hits/s" };
static const struct column misses = { .name = "spin_misses_rate", .width = 8, .head = "misses/s" };
static const struct column leased = { .name = "leased", .width = 8 };
static const struct column redelivered = { .name = "redelivered_rate", .width = 13, .head = "redelivered/s" };

static const struct column *const columns[] = {
	&senders, &receivers, &queued, &queued_bytes, &sent, &sent_bytes, &received, &dropped,
	&refused, &blocked, &woken, &hits, &misses, &leased, &redelivered,
};

/* Lines between two headers: a terminal shows at least as many. */
#define HEADER_EVERY	20

/* Return the rate of a counter over so many nanoseconds: tenths of one per second. */
uint64_t rate_of(uint64_t now, uint64_t before, uint64_t nanoseconds)
{
	double rate;

	if (now <= before || !nanoseconds)
		return 0;
	rate = (double)(now - before) * 10e9 / (double)nanoseconds;
	return rate < 1e18 ? (uint64_t)(rate + 0.5) : (uint64_t)1e18;
}

/* A ring does not know its messages: its sides do without the kernel. */
static void cell_known(uint64_t rate, bool known)
{
	if (known)
		cell_rate(rate);
	else
		cell_none("-");
}

static int print(const struct mbox_monitor_mailbox *now,
		 const struct mbox_monitor_mailbox *before, uint64_t nanoseconds)
{
	bool ring = now->kind == MBOX_KIND_RING;
	int error;

	cell_number(now->senders);
	cell_number(now->receivers);
	if (ring)
		cell_none("-");
	else
		cell_number(now->queued);
	cell_size(now->queued_bytes);
	cell_known(rate_of(now->sent, before->sent, nanoseconds), !ring);
	cell_rate(rate_of(now->sent_bytes, before->sent_bytes, nanoseconds));
	cell_known(rate_of(now->received, before->received, nanoseconds), !ring);
	cell_known(rate_of(now->dropped, before->dropped, nanoseconds), !ring);
	cell_known(rate_of(now->refused, before->refused, nanoseconds), !ring);
	cell_rate(rate_of(now->blocked, before->blocked, nanoseconds));
	cell_rate(rate_of(now->woken, before->woken, nanoseconds));
	cell_known(rate_of(now->spin_hits, before->spin_hits, nanoseconds), !ring);
	cell_known(rate_of(now->spin_misses, before->spin_misses, nanoseconds), !ring);
	cell_number(now->leased);
	cell_rate(rate_of(now->redelivered, before->redelivered, nanoseconds));
	error = table_row();
	return error ? error : table_flush();
}

/* Return the age of the mailbox: its counters began at its creation. */
static uint64_t age(const struct mbox_monitor_mailbox *box)
{
	uint64_t now = realtime();

	return now > box->created ? now - box->created : 0;
}

/* Follow the mailbox that has the name at first: another one has other counters. */
static int stat(struct command *cmd, struct mbox_monitor *mon)
{
	uint64_t interval = cmd->v[INTERVAL].given ? cmd->v[INTERVAL].num : SECOND;
	uint64_t limit = cmd->v[COUNT].given ? cmd->v[COUNT].num :
			 cmd->v[INTERVAL].given ? UINT64_MAX : 1;
	struct mbox_monitor_mailbox before = { 0 };
	const struct mbox_monitor_mailbox *now;
	uint64_t start = monotonic(), then = 0;
	int error = 0, ret;

	ret = mbox_monitor_get(mon, cmd->id ? NULL : cmd->name, cmd->id, &now);
	for (uint64_t line = 0; ; line++) {
		uint64_t at = monotonic();
		enum wake wake;

		if (ret == -ENOENT && line)
			return refuse(cmd, -EIDRM, NULL, "%s", mbox_strerror(-EIDRM));
		if (ret < 0)
			return refuse_monitor(cmd, mon, ret);
		if (!cmd->v[NOHEADER].given && line % HEADER_EVERY == 0)
			error = table_head();
		if (!error)
			error = print(now, &before, line ? at - then : age(now));
		if (error || line + 1 == limit)
			return done_writing(cmd, error);
		before = *now;
		then = at;
		do
			wake = loop_wait(-1, start + (line + 1) * interval);
		while (wake == WAKE_AGAIN);
		if (wake == WAKE_END)
			return STATUS_DONE;
		ret = mbox_monitor_get(mon, NULL, before.id, &now);
	}
}

static int run(struct command *cmd)
{
	table_init(cmd, columns, ARRAY_SIZE(columns), true);
	return loop_run(cmd, stat);
}

const struct verb stat_verb = {
	.name = "stat",
	.operands = "NAME",
	.summary = "print the traffic of a mailbox, as vmstat does a machine's",
	.notes = "The first line has the rates since the mailbox was created, each of the others those\n"
		 "since the line before. Without words there is this one line; with count but without\n"
		 "interval, one each second. Ends with the mailbox, which is an error.",
	.words = words,
	.run = run,
};
