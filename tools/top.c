// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl top
 *
 * On a terminal, draw the screen anew each time; else print one table after the other.
 * The screen is the terminal's second one, if it has one, so that the first comes back
 * in the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "mboxctl.h"

enum { INTERVAL = BOX_FILTERS, COUNT, ROWS, SORT };

#define SECOND	UINT64_C(1000000000)

enum sort { SORT_RATE, SORT_DEPTH, SORT_BLOCKED };

static const struct choice sorts[] = {
	[SORT_RATE] = { .name = "rate" },
	[SORT_DEPTH] = { .name = "depth" },
	[SORT_BLOCKED] = { .name = "blocked" },
};

static const struct word words[] = {
	BOX_FILTER_WORDS,
	[INTERVAL] = { .name = "interval", .arg = "SECONDS", .parse = parse_seconds,
		       .min = SECOND / 100, .max = 86400 * SECOND,
		       .form = "a number of seconds from 0.01 to 86400", .hints = "0.5 1 2 5 10",
		       .help = "time between two tables, by default 2" },
	[COUNT] = { .name = "count", .arg = "N", .parse = parse_number, .min = 1,
		    .max = UINT64_MAX, .form = "a number from 1", .hints = "1 10 100",
		    .help = "end after N tables" },
	[ROWS] = { .name = "rows", .arg = "N", .parse = parse_number, .min = 1,
		   .max = UINT32_MAX, .form = "a number from 1",
		   .help = "lines of a table; by default those of the terminal, else all" },
	[SORT] = { .name = "sort", .parse = parse_choice, .choices = sorts, .max = SORT_BLOCKED,
		   .help = "busiest first by this; by default rate" },
	{ 0 },
};

static const struct column timestamp = { .name = "time", .width = 30, .left = true };
static const struct column id = { .name = "id", .width = 6 };
static const struct column user = { .name = "user", .width = 8, .left = true };
static const struct column sent = { .name = "sent_rate", .width = 10, .head = "sent/s" };
static const struct column received = { .name = "received_rate", .width = 10, .head = "received/s" };
static const struct column bytes = { .name = "bytes_rate", .width = 12, .head = "bytes/s" };
static const struct column queued = { .name = "queued", .width = 8 };
static const struct column capacity = { .name = "capacity", .width = 9 };
static const struct column senders = { .name = "senders", .width = 7 };
static const struct column receivers = { .name = "receivers", .width = 9 };
static const struct column name = { .name = "name", .width = 16, .left = true };

/* JSON has the time in each object, text above each table. */
static const struct column *const columns[] = {
	&timestamp, &id, &user, &sent, &received, &bytes, &queued, &capacity, &senders, &receivers,
	&name,
};

struct row {
	const struct mbox_monitor_mailbox *box;
	uint64_t sent, received, bytes;	/* per second, in tenths */
};

struct top {
	const struct command *cmd;
	struct boxes now, before;
	uint64_t then;			/* when before was taken; 0 if never */
	uint64_t then_real;		/* the same, on the clock of creations */
	struct row *rows;
	size_t count;			/* of @rows: mailboxes that pass the filters */
	bool terminal;
	struct termios saved;
	bool keys;			/* standard input has keys */
};

static enum sort sort_by;

static uint64_t sort_number(const struct row *row)
{
	switch (sort_by) {
	case SORT_DEPTH:
		return row->box->queued;
	case SORT_BLOCKED:
		return (uint64_t)row->box->senders + row->box->receivers;
	case SORT_RATE:
		break;
	}
	return row->sent + row->received;
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint64_t first = sort_number(x), second = sort_number(y);

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
static void make_rows(struct top *top, uint64_t nanoseconds)
{
	static const struct mbox_monitor_mailbox none;
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
		if (!box_wanted(top->cmd, now))
			continue;
		top->rows[top->count++] = (struct row) {
			.box = now,
			.sent = rate_of(now->sent, before->sent, nanoseconds),
			.received = rate_of(now->received, before->received, nanoseconds),
			.bytes = rate_of(now->sent_bytes, before->sent_bytes, nanoseconds),
		};
	}
	if (top->count)
		qsort(top->rows, top->count, sizeof(*top->rows), compare);
}

static int print_row(const struct row *row, const char *time)
{
	const struct mbox_monitor_mailbox *box = row->box;

	if (time)
		cell_text(time);
	cell_number(box->id);
	cell_text(user_name(box->uid));
	cell_tenths(row->sent);
	cell_tenths(row->received);
	cell_tenths(row->bytes);
	cell_number(box->queued);
	if (box->capacity == MBOX_CAPACITY_UNBOUNDED)
		cell_none("unbounded");
	else
		cell_number(box->capacity);
	cell_number(box->senders);
	cell_number(box->receivers);
	if (*box->name)
		cell_text(box->name);
	else
		cell_none("-");
	return table_row();
}

static void print_line(const char *text)
{
	out_raw(text, strlen(text));
}

/* Return the number of rows that fit the terminal. Lines are cut, so each takes one. */
static size_t window_rows(const struct top *top)
{
	struct winsize size;
	size_t above = 3;

	if (!top->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		return SIZE_MAX;
	return size.ws_row > above ? size.ws_row - above : 0;
}

static int draw(const struct top *top)
{
	size_t rows = window_rows(top), blocked = 0;
	char line[160], time_text[TIME_SIZE];
	uint64_t messages = 0;
	int error = 0;

	format_time(time_text, realtime());
	if (top->cmd->v[ROWS].given && top->cmd->v[ROWS].num < rows)
		rows = top->cmd->v[ROWS].num;
	for (size_t i = 0; i < top->count; i++) {
		messages += top->rows[i].box->queued;
		blocked += top->rows[i].box->senders + top->rows[i].box->receivers;
	}
	if (!top->cmd->json) {
		/* Do not wrap lines; begin at the top left. */
		if (top->terminal)
			print_line("\033[?7l\033[H\033[J");
		snprintf(line, sizeof(line), "%s  mailboxes=%zu messages=%llu blocked=%zu sort=%s%s\n",
			 time_text, top->count, (unsigned long long)messages, blocked,
			 sorts[sort_by].name, top->terminal ? "  (q ends)" : "");
		print_line(line);
		error = out_flush();
		if (!error)
			error = table_head();
	}
	for (size_t i = 0; i < top->count && i < rows && !error; i++)
		error = print_row(&top->rows[i], top->cmd->json ? time_text : NULL);
	if (!error)
		error = table_flush();
	if (!top->cmd->json && !top->terminal)
		print_line("\n");
	return error ? error : out_flush();
}

/* Set the terminal up: keys come at once and unseen, and the cursor is hidden. */
static void screen_begin(struct top *top)
{
	struct termios keys;

	top->terminal = !top->cmd->json && isatty(STDOUT_FILENO);
	if (!top->terminal)
		return;
	if (isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &top->saved)) {
		keys = top->saved;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		top->keys = !tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	print_line("\033[?1049h\033[?25l");
}

static void screen_end(struct top *top)
{
	if (!top->terminal)
		return;
	print_line("\033[?7h\033[?25h\033[?1049l");
	out_flush();
	if (top->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &top->saved);
}

/* Wait for the time of the next table. Return false at the end. */
static bool wait_for(struct top *top, uint64_t deadline, int *error)
{
	for (;;) {
		char key;

		switch (loop_wait(top->keys ? STDIN_FILENO : -1, deadline)) {
		case WAKE_TIME:
			return true;
		case WAKE_END:
			return false;
		case WAKE_READY:
			if (read(STDIN_FILENO, &key, 1) != 1)
				top->keys = false;
			else if (key == 'q' || key == 'Q')
				return false;
			break;
		case WAKE_AGAIN:
			if (top->terminal && top->rows)
				*error = draw(top);
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
	make_rows(top, top->then ? *at - top->then : 0);
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
			*error = draw(top);
		if (*error || table == limit)
			return 0;
		next += interval;
		if (!wait_for(top, next, error))
			return 0;
	}
}

static int show_tables(struct command *cmd, struct mbox_monitor *mon)
{
	struct top top = { .cmd = cmd };
	int error = 0, ret;

	sort_by = cmd->v[SORT].given ? (enum sort)cmd->v[SORT].num : SORT_RATE;
	if (cmd->json)
		table_init(true, columns, ARRAY_SIZE(columns));
	else
		table_init(false, columns + 1, ARRAY_SIZE(columns) - 1);
	screen_begin(&top);
	ret = loop(&top, mon, &error);
	screen_end(&top);
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
	.synopsis = "[interval=SECONDS] [count=N] [rows=N] [sort=rate|depth|blocked] "
		    BOX_FILTER_SYNOPSIS,
	.summary = "show the busiest mailboxes, again and again",
	.notes = "On a terminal the table fills the window; q ends. Else one table comes after the\n"
		 "other, each with the rates since the one before.",
	.words = words,
	.first = FIRST_NONE,
	.run = run,
};
