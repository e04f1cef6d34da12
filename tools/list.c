// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl list */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mboxctl.h"

enum { COLUMNS = BOX_FILTERS, SORT, NOHEADER };

#define DEFAULT_COLUMNS	"name,queued,capacity,fill,queued_bytes,waiters,handles,kind,state,user,mode,id"

#define INBOX_COLUMNS	"owner,command,queued,queued_bytes,waiters,handles,user,id"

static const struct word words[] = {
	BOX_FILTER_WORDS,
	[COLUMNS] = { .name = "columns", .arg = "COLUMN[,COLUMN...]|all", .parse = parse_columns,
		      .form = "names of columns with commas between them, or all",
		      .print_hints = box_print_column_names,
		      .help = "columns to print" },
	[SORT] = { .name = "sort", .arg = "[-]COLUMN", .parse = parse_sort,
		   .form = "the name of a column, with - before it for the highest first",
		   .print_hints = box_print_column_names,
		   .help = "in this order; by default in the order of creation" },
	[NOHEADER] = { .name = "noheader", .help = "no line of names above" },
	{ 0 },
};

struct list {
	const struct command *cmd;
	const struct column *columns[BOX_COLUMNS_MAX];
	size_t count;
	int error;			/* of writing */
};

/* Print each mailbox when it comes, so that memory does not grow with their number. */
static int print(const struct mbox_monitor_mailbox *box, void *arg)
{
	struct list *list = arg;

	if (box_wanted(list->cmd, box))
		list->error = box_row(box, list->columns, list->count);
	return list->error;
}

static const struct column *sort_column;
static bool sort_down;

static int compare(const void *a, const void *b)
{
	const struct mbox_monitor_mailbox *x = a, *y = b;
	int order = box_compare(x, y, sort_column);

	if (order)
		return sort_down ? -order : order;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int print_sorted(struct list *list, struct mbox_monitor *mon, const char *by)
{
	struct boxes boxes = { .cmd = list->cmd };
	int ret = boxes_get(&boxes, mon);

	sort_down = *by == '-';
	sort_column = box_column_named(by + sort_down, strlen(by + sort_down));
	if (ret == 0 && boxes.count)
		qsort(boxes.all, boxes.count, sizeof(*boxes.all), compare);
	for (size_t i = 0; i < boxes.count && ret == 0; i++)
		ret = list->error = box_row(&boxes.all[i], list->columns, list->count);
	free(boxes.all);
	return ret;
}

static int run(struct command *cmd)
{
	struct list list = { .cmd = cmd };
	struct mbox_monitor *mon;
	bool inboxes = cmd->v[BOX_KIND].given && cmd->v[BOX_KIND].num == MBOX_KIND_INBOX;
	const char *columns = cmd->json ? "all" : inboxes ? INBOX_COLUMNS : DEFAULT_COLUMNS;
	int ret;

	if (cmd->v[COLUMNS].given)
		columns = cmd->v[COLUMNS].text;
	list.count = box_columns_of(columns, list.columns);
	table_init(cmd, list.columns, list.count, false);

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	if (!cmd->v[NOHEADER].given)
		list.error = table_head();
	if (cmd->v[SORT].given)
		ret = print_sorted(&list, mon, cmd->v[SORT].text);
	else
		ret = each_box(cmd, mon, print, &list);
	if (!list.error)
		list.error = table_flush();
	if (list.error)
		ret = done_writing(cmd, list.error);
	else if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	else
		ret = STATUS_DONE;
	mbox_monitor_close(mon);
	return ret;
}

static void print_columns(void)
{
	puts("\n  COLUMN is one of");
	box_print_columns();
}

const struct verb list_verb = {
	.name = "list",
	.aliases = "ls",
	.operands = "",
	.synopsis = "[columns=COLUMN[,COLUMN...]|all] [sort=[-]COLUMN] " BOX_FILTER_SYNOPSIS
		    " [noheader]",
	.summary = "list mailboxes, one in each line",
	.notes = "kind=inbox lists inboxes of processes, with messages of links that have ended, too.\n"
		 "The caller sees the mailboxes that it has a right on; root sees all. Filters may be\n"
		 "combined. With -j all columns are printed, unless columns= names some.",
	.more = print_columns,
	.words = words,
	.first = FIRST_NONE,
	.run = run,
};
