// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl kick */
#include <limits.h>
#include "leasing.h"

enum { COUNT };

static const struct word words[] = {
	[COUNT] = { .name = "count", .arg = "N", .parse = parse_number, .min = 1,
		    .max = UINT32_MAX, .form = "1 to 4294967295", .hints = "1 10 100",
		    .help = "at most N messages (default all)" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

static int run(struct command *cmd)
{
	unsigned int most = cmd->v[COUNT].given ? (unsigned int)cmd->v[COUNT].num : UINT_MAX;
	struct mbox *mb;
	int ret;

	ret = open_box(cmd, &mb, 0);
	if (ret)
		return ret;
	ret = mbox_kick(mb, most);
	mbox_close(mb);
	if (ret < 0)
		return refuse_leasing(cmd, ret);
	out_begin(OUT_FIELDS);
	out_number("kicked", (unsigned int)ret);
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
