// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl delete */
#include <errno.h>
#include "mboxctl.h"

enum { DRAIN, FORCE, UNLINK };

static const struct word words[] = {
	[DRAIN] = { .name = "drain",
		    .help = "sends fail from now on; it goes when it is empty" },
	[FORCE] = { .name = "force", .help = "it goes now, and the messages in it are dropped" },
	[UNLINK] = { .name = "unlink",
		     .help = "the name goes, the mailbox when nobody has it open any more" },
	{ 0 },
};

static int run(struct command *cmd)
{
	struct mbox_deleted deleted = { 0 };
	unsigned int how = MBOX_DELETE_EMPTY;
	unsigned long long queued;
	int error;

	if (!exclusive(cmd, DRAIN, FORCE) || !exclusive(cmd, DRAIN, UNLINK) ||
	    !exclusive(cmd, FORCE, UNLINK))
		return STATUS_USAGE;
	if (cmd->v[DRAIN].given)
		how = MBOX_DELETE_DRAIN;
	if (cmd->v[FORCE].given)
		how = MBOX_DELETE_FORCE;
	if (cmd->v[UNLINK].given)
		how = MBOX_DELETE_UNLINK;

	error = mbox_delete(cmd->name, how, &deleted);
	queued = deleted.queued;
	if (error == -ENOTEMPTY && how == MBOX_DELETE_DRAIN)
		return refuse(cmd, "receive them first (mboxctl recv NAME count=all), or drop them with force",
			      "%llu message%s queued, and nobody has it open to receive",
			      queued, queued == 1 ? " is" : "s are");
	if (error == -ENOTEMPTY)
		return refuse(cmd, "drain: let receivers take them; force: drop them; unlink: only the name goes",
			      "not empty: %llu message%s queued",
			      queued, queued == 1 ? " is" : "s are");
	if (error)
		return refuse_errno(cmd, error);
	if (cmd->verbose) {
		out_begin(OUT_FIELDS);
		out_number("queued", deleted.queued);
		out_number("dropped", deleted.dropped);
		out_close();
	}
	return STATUS_DONE;
}

const struct verb delete_verb = {
	.name = "delete",
	.synopsis = "NAME [drain|force|unlink]",
	.summary = "delete a mailbox, if no messages are in it",
	.words = words,
	.run = run,
};
