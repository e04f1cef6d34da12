// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl links */
#include "mboxctl.h"

enum { PID, NOHEADER };

static const struct word words[] = {
	[PID] = { .name = "pid", .arg = "PID", .parse = parse_process,
		  .form = "the id of a process", .hints = "PID",
		  .help = "links of this process" },
	[NOHEADER] = { .name = "noheader", .help = "no line of names above" },
	{ 0 },
};

static const struct column one = { .name = "one", .width = 7 };
static const struct column one_command = { .name = "one_command", .width = 15, .left = true };
static const struct column other = { .name = "other", .width = 7 };
static const struct column other_command = { .name = "other_command", .width = 15, .left = true };
static const struct column capacity = { .name = "capacity", .width = 9 };
static const struct column msgsize = { .name = "msgsize", .width = 8 };
static const struct column handles = { .name = "handles", .width = 7 };
static const struct column queued = { .name = "queued", .width = 8 };
static const struct column queued_back = { .name = "queued_back", .width = 11 };

static const struct column *const columns[] = {
	&one, &one_command, &other, &other_command, &capacity, &msgsize, &handles, &queued,
	&queued_back,
};

static void cell_process(uint32_t pid)
{
	const char *name = process_name(pid);

	cell_number(pid);
	if (name)
		cell_text(name);
	else
		cell_none("-");
}

static int print(const struct mbox_monitor_link *link, void *arg)
{
	int *error = arg;

	cell_process(link->one);
	cell_process(link->other);
	if (link->capacity == MBOX_CAPACITY_UNBOUNDED)
		cell_none("unbounded");
	else
		cell_number(link->capacity);
	cell_number(link->msg_size);
	cell_number(link->handles);
	cell_number(link->queued);
	cell_number(link->queued_back);
	*error = table_row();
	return *error;
}

static int run(struct command *cmd)
{
	struct mbox_monitor *mon;
	int error = 0, ret;

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	table_init(cmd->json, columns, ARRAY_SIZE(columns));
	if (!cmd->v[NOHEADER].given)
		error = table_head();
	ret = mbox_monitor_each_link(mon, (pid_t)cmd->v[PID].num, print, &error);
	if (!error)
		error = table_flush();
	if (error)
		ret = done_writing(cmd, error);
	else
		ret = ret < 0 ? refuse_monitor(cmd, mon, ret) : STATUS_DONE;
	mbox_monitor_close(mon);
	return ret;
}

const struct verb links_verb = {
	.name = "links",
	.operands = "",
	.summary = "list the links between processes, and the messages in flight",
	.notes = "queued is in flight from the first process to the second, queued_back the other way.\n"
		 "The caller sees the links of its processes; root sees all.",
	.words = words,
	.first = FIRST_NONE,
	.run = run,
};
