// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl delete */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mboxctl.h"

enum { DRAIN = BOX_FILTERS, FORCE, UNLINK, ALL, YES };

static const struct word words[] = {
	BOX_FILTER_WORDS,
	[DRAIN] = { .name = "drain",
		    .help = "sends fail from now on; the mailbox goes when it is empty" },
	[FORCE] = { .name = "force", .help = "the mailbox goes now, and the messages in it are dropped" },
	[UNLINK] = { .name = "unlink",
		     .help = "the name goes now, the mailbox with its last handle" },
	[ALL] = { .name = "--all", .help = "all mailboxes that have a name and pass the filters above" },
	[YES] = { .name = "--yes", .help = "do not ask" },
	{ 0 },
};

static int refuse_deletion(const struct command *cmd, int error,
			   unsigned long long queued)
{
	if (error == -ENOTEMPTY)
		return refuse(cmd, error, "drain: let receivers take them; force: drop them; unlink: only the name goes",
			      "not empty: %llu message%s queued",
			      queued, queued == 1 ? " is" : "s are");
	return refuse_errno(cmd, error);
}

static int delete_by_id(const struct command *cmd, unsigned int how, struct mbox_deleted *deleted)
{
	const struct mbox_monitor_mailbox *box;
	struct mbox_monitor *mon;
	int ret;

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = mbox_monitor_delete(mon, NULL, cmd->id, how, deleted);
	if (ret == -ENOTEMPTY && !mbox_monitor_get(mon, NULL, cmd->id, &box))
		ret = refuse_deletion(cmd, ret, box->queued);
	else if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	mbox_monitor_close(mon);
	return ret;
}

/* Delete the mailbox, and count it in @sum. Return an exit status. */
static int delete_one(const struct command *cmd, unsigned int how, struct mbox_deleted *sum)
{
	struct mbox_deleted deleted = { 0 };
	int status;

	if (cmd->id) {
		status = delete_by_id(cmd, how, &deleted);
	} else {
		status = mbox_delete(cmd->name, how, &deleted);
		if (status)
			status = refuse_deletion(cmd, status, deleted.queued);
	}
	if (!status) {
		sum->queued += deleted.queued;
		sum->dropped += deleted.dropped;
	}
	return status;
}

/* Delete the mailboxes that are named. If one fails, go on; the status is that of the last such. */
static int delete_named(struct command *cmd, unsigned int how)
{
	struct mbox_deleted sum = { 0 };
	int status;

	status = delete_one(cmd, how, &sum);
	for (int i = 0; i < cmd->nmore; i++) {
		int ret;

		/* It was valid before. */
		take_name(cmd, cmd->more[i]);
		ret = delete_one(cmd, how, &sum);
		if (ret)
			status = ret;
	}
	if (cmd->verbose && (!status || cmd->nmore)) {
		out_begin(OUT_FIELDS);
		out_number("queued", sum.queued);
		out_number("dropped", sum.dropped);
		out_close();
	}
	return status;
}

/*
 * Keep the live mailboxes with a name: mailboxes without a name concern only the
 * processes that have them open, and deleted ones go without help.
 */
static void leave_named(struct boxes *boxes)
{
	size_t kept = 0;

	for (size_t i = 0; i < boxes->count; i++)
		if (*boxes->all[i].name && boxes->all[i].state == MBOX_STATE_LIVE)
			boxes->all[kept++] = boxes->all[i];
	boxes->count = kept;
}

/* Ask on the terminal; any answer but yes is no. */
static bool confirmed(size_t count)
{
	char answer[16] = "";

	fprintf(stderr, "delete %zu mailbox%s? [y/N] ", count, count == 1 ? "" : "es");
	if (!fgets(answer, sizeof(answer), stdin))
		putc('\n', stderr);
	return !strcmp(answer, "y\n") || !strcmp(answer, "Y\n") || !strcmp(answer, "yes\n");
}

/* Delete by id: another mailbox that got the name meanwhile was not confirmed. */
static int delete_each(const struct command *cmd, struct mbox_monitor *mon,
		       const struct boxes *boxes, unsigned int how)
{
	unsigned long long deleted = 0, failed = 0, dropped = 0;
	int status = STATUS_DONE;

	for (size_t i = 0; i < boxes->count; i++) {
		const struct mbox_monitor_mailbox *box = &boxes->all[i];
		struct mbox_deleted res = { 0 };
		struct command one = *cmd;
		int error;

		error = mbox_monitor_delete(mon, NULL, box->id, how, &res);
		/* Another process deleted it meanwhile, which is as good. */
		if (error == -ENOENT || error == -EIDRM)
			continue;
		if (error) {
			one.name = box->name;
			status = refuse_deletion(&one, error, box->queued);
			failed++;
			continue;
		}
		deleted++;
		dropped += res.dropped;
	}
	if (cmd->verbose) {
		out_begin(OUT_FIELDS);
		out_number("deleted", deleted);
		out_number("failed", failed);
		out_number("dropped", dropped);
		out_close();
	}
	return status;
}

static int delete_all(const struct command *cmd, unsigned int how)
{
	struct boxes boxes = { .cmd = cmd };
	struct mbox_monitor *mon;
	int ret;

	if (!cmd->v[YES].given && !isatty(STDIN_FILENO))
		return usage(cmd, "there is no terminal to ask on; --yes deletes without asking");
	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = boxes_get(&boxes, mon);
	leave_named(&boxes);
	if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	else if (boxes.count && !cmd->v[YES].given && !confirmed(boxes.count))
		ret = refuse(cmd, 0, NULL, "nothing was deleted");
	else
		ret = delete_each(cmd, mon, &boxes, how);
	free(boxes.all);
	mbox_monitor_close(mon);
	return ret;
}

static int run(struct command *cmd)
{
	unsigned int how = MBOX_DELETE_EMPTY;

	if (!exclusive(cmd, DRAIN, FORCE) || !exclusive(cmd, DRAIN, UNLINK) ||
	    !exclusive(cmd, FORCE, UNLINK))
		return STATUS_USAGE;
	if (cmd->name && cmd->v[ALL].given)
		return usage(cmd, "a name and --all exclude each other");
	if (!cmd->v[ALL].given && (box_filtered(cmd) || cmd->v[YES].given))
		return usage(cmd, "filters and --yes need --all");
	if (!cmd->name && !cmd->v[ALL].given)
		return usage(cmd, "the name of a mailbox is missing");
	if (cmd->v[DRAIN].given)
		how = MBOX_DELETE_DRAIN;
	if (cmd->v[FORCE].given)
		how = MBOX_DELETE_FORCE;
	if (cmd->v[UNLINK].given)
		how = MBOX_DELETE_UNLINK;
	return cmd->v[ALL].given ? delete_all(cmd, how) : delete_named(cmd, how);
}

const struct verb delete_verb = {
	.name = "delete",
	.aliases = "rm",
	.operands = "NAME...|--all",
	.synopsis = "[drain|force|unlink] [--yes] " BOX_FILTER_SYNOPSIS,
	.summary = "delete mailboxes, if no messages are in them",
	.notes = "--all asks first, on a terminal; elsewhere it needs --yes. It tries each mailbox that\n"
		 "has a name and that the caller has a right on, and goes on if one fails. The words\n"
		 "from name= to waiters are filters, as for list.",
	.words = words,
	.first = FIRST_MAYBE,
	.more_names = true,
	.owner = true,
	.run = run,
};
