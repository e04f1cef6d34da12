// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl kick */
#include "leasing.h"

enum { COUNT };

static const struct word words[] = {
	[COUNT] = { .name = "count", .arg = "N", .parse = parse_number, .min = 1,
		    .max = UINT64_MAX, .form = "a number from 1 on", .hints = "1 10 100",
		    .help = "at most N messages (default all)" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

static int run(struct command *cmd)
{
	uint64_t most = cmd->v[COUNT].given ? cmd->v[COUNT].num : UINT64_MAX;
	uint64_t kicked;
	struct mbox *mb;
	int error;

	error = open_box(cmd, &mb, 0);
	if (error)
		return refuse_errno(cmd, error);
	error = leasing_kick(mb, most, &kicked);
	mbox_close(mb);
	if (error)
		return refuse_leasing(cmd, error);
	out_begin(OUT_FIELDS);
	out_number("kicked", kicked);
	out_close();
	return STATUS_DONE;
}

const struct verb kick_verb = {
	.name = "kick",
	.operands = "NAME",
	.summary = "bring parked messages back, and print how many",
	.notes = "A message is parked when it failed too often, was rejected, or expired, and the\n"
		 "mailbox has no dead-letter mailbox with room. It returns to its place.",
	.words = words,
	.run = run,
};
