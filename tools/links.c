// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl links: links, and messages that ended links left in inboxes */
#include <errno.h>
#include <stdlib.h>
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

/* Messages that a link has on their way to a process. */
struct towards {
	uint32_t pid;
	uint64_t queued;
};

struct links {
	uint32_t pid;			/* of this process only; or 0 */
	struct towards *towards;
	size_t count, room;
	int error;			/* of writing */
};

static int note(struct links *links, uint32_t pid, uint64_t messages)
{
	if (!messages)
		return 0;
	if (links->count == links->room) {
		size_t room = links->room ? 2 * links->room : 64;
		void *towards = realloc(links->towards, room * sizeof(*links->towards));

		if (!towards)
			return -ENOMEM;
		links->towards = towards;
		links->room = room;
	}
	links->towards[links->count++] = (struct towards) { pid, messages };
	return 0;
}

static int print(const struct mbox_monitor_link *link, void *arg)
{
	struct links *links = arg;

	cell_process(link->one);
	cell_process(link->other);
	if (link->capacity == MBOX_CAPACITY_UNBOUNDED)
		cell_none("unbounded");
	else
		cell_number(link->capacity);
	cell_size(link->msg_size);
	cell_number(link->handles);
	cell_number(link->queued);
	cell_number(link->queued_back);
	links->error = table_row();
	if (links->error)
		return links->error;
	return note(links, link->other, link->queued) ?: note(links, link->one, link->queued_back);
}

static int compare(const void *a, const void *b)
{
	const struct towards *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* Return the messages that links have on their way to the process. */
static uint64_t linked(const struct links *links, uint32_t pid)
{
	const struct towards key = { .pid = pid }, *found;
	const struct towards *end = links->towards + links->count;
	uint64_t sum = 0;

	if (!links->count)
		return 0;
	found = bsearch(&key, links->towards, links->count, sizeof(key), compare);
	if (!found)
		return 0;
	while (found > links->towards && found[-1].pid == pid)
		found--;
	for (; found < end && found->pid == pid; found++)
		sum += found->queued;
	return sum;
}

/* Print the messages in an inbox that come by no link any more: their senders have ended. */
static int print_left(const struct mbox_monitor_mailbox *box, void *arg)
{
	struct links *links = arg;
	uint64_t by_links = linked(links, box->owner);

	if (box->queued <= by_links || (links->pid && links->pid != box->owner))
		return 0;
	cell_none("-");
	cell_none("-");
	cell_process(box->owner);
	cell_none("-");
	cell_none("-");
	cell_none("-");
	cell_number(box->queued - by_links);
	cell_number(0);
	links->error = table_row();
	return links->error;
}

static int run(struct command *cmd)
{
	struct links links = { .pid = (uint32_t)cmd->v[PID].num };
	struct mbox_monitor *mon;
	int ret;

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	table_init(cmd, columns, ARRAY_SIZE(columns), false);
	if (!cmd->v[NOHEADER].given)
		links.error = table_head();
	ret = mbox_monitor_each_link(mon, (pid_t)links.pid, print, &links);
	if (ret >= 0) {
		if (links.count)
			qsort(links.towards, links.count, sizeof(*links.towards), compare);
		ret = mbox_monitor_each_inbox(mon, print_left, &links);
	}
	if (!links.error)
		links.error = table_flush();
	if (links.error)
		ret = done_writing(cmd, links.error);
	else
		ret = ret < 0 ? refuse_monitor(cmd, mon, ret) : STATUS_DONE;
	free(links.towards);
	mbox_monitor_close(mon);
	return ret;
}

const struct verb links_verb = {
	.name = "links",
	.operands = "",
	.summary = "list the links between processes, and the messages in flight",
	.notes = "queued is in flight from the first process to the second, queued_back the other way.\n"
		 "Messages of processes that have ended come last, in the inbox of the other: one is -.\n"
		 "The caller sees the links of its processes; root sees all.",
	.words = words,
	.first = FIRST_NONE,
	.run = run,
};
