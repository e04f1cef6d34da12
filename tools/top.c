// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl top: samples of all mailboxes, and the rows of the table that follow from two */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "top.h"

enum { INTERVAL = BOX_FILTERS, COUNT, ROWS, SORT };

#define SECOND	UINT64_C(1000000000)

const struct choice top_sorts[] = {
	[SORT_RATE] = { .name = "rate" },
	[SORT_DEPTH] = { .name = "depth" },
	[SORT_BLOCKED] = { .name = "blocked" },
	[SORT_NAME] = { .name = "name" },
};

static const struct word words[] = {
	BOX_FILTER_WORDS,
	[INTERVAL] = { .name = "interval", .arg = "TIME", .parse = parse_seconds,
		       .min = SECOND / 100, .max = 86400 * SECOND,
		       .form = "a time from 10ms to 24h", .hints = "500ms 1s 2s 5s 10s",
		       .help = "time between two tables, by default 2" },
	[COUNT] = { .name = "count", .arg = "N", .parse = parse_number, .min = 1,
		    .max = UINT64_MAX, .form = "a number from 1", .hints = "1 10 100",
		    .help = "end after N tables" },
	[ROWS] = { .name = "rows", .arg = "N", .parse = parse_number, .min = 1,
		   .max = UINT32_MAX, .form = "a number from 1",
		   .help = "lines of a table; by default those of the terminal, else all" },
	[SORT] = { .name = "sort", .parse = parse_choice, .choices = top_sorts, .max = SORT_NAME,
		   .help = "the first rows: busiest (default), fullest, most blocked, or by name" },
	{ 0 },
};

static enum sort sort_by;

static uint64_t sort_number(const struct row *row)
{
	switch (sort_by) {
	case SORT_DEPTH:
		return row->box->queued;
	case SORT_BLOCKED:
		return (uint64_t)row->box->senders + row->box->receivers;
	case SORT_NAME:
		return 0;
	case SORT_RATE:
		break;
	}
	/* Of a ring only the bytes are known. */
	return row->box->kind == MBOX_KIND_RING ? row->bytes / 1000 : row->sent + row->received;
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint64_t first = sort_number(x), second = sort_number(y);

	if (sort_by == SORT_NAME && strcmp(x->box->name, y->box->name))
		return strcmp(x->box->name, y->box->name);
	if (first != second)
		return first > second ? -1 : 1;
	if (x->box->queued != y->box->queued)
		return x->box->queued > y->box->queued ? -1 : 1;
	return x->box->id < y->box->id ? -1 : x->box->id > y->box->id;
}

/*
 * Make the rows from two tables, each of all mailboxes in the order of ids. A mailbox that
 * was created after the first table has a rate from its creation on. One that the first
 * table missed has no rate yet.
 */
void top_rows(struct top *top)
{
	static const struct mbox_monitor_mailbox none;
	uint64_t nanoseconds = top->elapsed;
	size_t b = 0;

	top->count = 0;
	for (size_t i = 0; i < top->now.count; i++) {
		const struct mbox_monitor_mailbox *now = &top->now.all[i], *before;

		while (b < top->before.count && top->before.all[b].id < now->id)
			b++;
		if (b < top->before.count && top->before.all[b].id == now->id)
			before = &top->before.all[b];
		else
			before = now->created >= top->then_real ? &none : now;
		if (!box_wanted(top->cmd, now) || !top_fits(top, now))
			continue;
		top->rows[top->count++] = (struct row) {
			.box = now,
			.sent = rate_of(now->sent, before->sent, nanoseconds),
			.received = rate_of(now->received, before->received, nanoseconds),
			.bytes = rate_of(now->sent_bytes, before->sent_bytes, nanoseconds),
		};
	}
	sort_by = top->sort;
	if (top->count)
		qsort(top->rows, top->count, sizeof(*top->rows), compare);
}

/* Take the key that was pressed. Return false if it ends the command. */
static bool take_key(struct top *top, int *error)
{
	char key;

	if (read(STDIN_FILENO, &key, 1) != 1) {
		top->keys = false;
		return true;
	}
	switch (top_key(top, key)) {
	case KEY_END:
		return false;
	case KEY_DRAW:
		top_rows(top);
		*error = top_draw(top);
		return !*error;
	case KEY_NOTHING:
		break;
	}
	return true;
}

/* Wait for the time of the next table. Return false at the end. */
static bool wait_for(struct top *top, uint64_t deadline, int *error)
{
	for (;;) {
		bool paused = top->paused;

		switch (loop_wait(top->keys ? STDIN_FILENO : -1, paused ? UINT64_MAX : deadline)) {
		case WAKE_TIME:
			return true;
		case WAKE_END:
			return false;
		case WAKE_READY:
			if (!take_key(top, error))
				return false;
			if (paused && !top->paused)
				return true;
			break;
		case WAKE_AGAIN:
			if (top->terminal && top->rows)
				*error = top_draw(top);
			if (*error)
				return false;
			break;
		}
	}
}

static int take(struct top *top, struct mbox_monitor *mon, uint64_t *at)
{
	struct boxes old = top->before;
	struct row *rows;
	int ret;

	top->before = top->now;
	top->now = old;
	ret = boxes_get(&top->now, mon);
	if (ret < 0)
		return ret;
	*at = monotonic();
	rows = realloc(top->rows, (top->now.count + 1) * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	top->rows = rows;
	top->elapsed = top->then ? *at - top->then : 0;
	top_rows(top);
	return 0;
}

/* A rate takes two samples, so the first table comes after a moment. */
static int loop(struct top *top, struct mbox_monitor *mon, int *error)
{
	uint64_t interval = top->cmd->v[INTERVAL].given ? top->cmd->v[INTERVAL].num : 2 * SECOND;
	uint64_t limit = top->cmd->v[COUNT].given ? top->cmd->v[COUNT].num : UINT64_MAX;
	uint64_t next = monotonic(), at;

	for (uint64_t table = 0; ; table++) {
		int ret = take(top, mon, &at);

		if (ret < 0)
			return ret;
		top->then = at;
		top->then_real = realtime();
		if (table || top->terminal)
			*error = top_draw(top);
		if (*error || table == limit)
			return 0;
		next += interval;
		/* After a pause. */
		if (next < monotonic())
			next = monotonic() + interval;
		if (!wait_for(top, next, error))
			return 0;
	}
}

static int show_tables(struct command *cmd, struct mbox_monitor *mon)
{
	struct top top = {
		.cmd = cmd,
		.sort = cmd->v[SORT].given ? (enum sort)cmd->v[SORT].num : SORT_RATE,
		.most = cmd->v[ROWS].given ? cmd->v[ROWS].num : UINT64_MAX,
	};
	int error = 0, ret;

	top_table(cmd);
	top_screen_begin(&top);
	ret = loop(&top, mon, &error);
	top_screen_end(&top);
	if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	else
		ret = done_writing(cmd, error);
	free(top.now.all);
	free(top.before.all);
	free(top.rows);
	return ret;
}

static int run(struct command *cmd)
{
	return loop_run(cmd, show_tables);
}

const struct verb top_verb = {
	.name = "top",
	.operands = "",
	.synopsis = "[interval=TIME] [count=N] [rows=N] [sort=rate|depth|blocked|name] "
		    BOX_FILTER_SYNOPSIS,
	.summary = "live view of the busiest mailboxes",
	.notes = "On a terminal the table fills the window; h shows the keys, q ends. Else one table\n"
		 "comes after the other, each with the rates since the one before.",
	.words = words,
	.first = FIRST_NONE,
	.run = run,
};
