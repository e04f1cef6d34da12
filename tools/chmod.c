// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl chmod */
#include "mboxctl.h"

static int run(struct command *cmd)
{
	static const struct word mode = { .max = 0666 };
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE };
	uint64_t bits;

	if (!parse_octal(&mode, cmd->operand, &bits))
		return usage(cmd, "%s: has to be octal, out of 0666: r is to receive, w to send, x is not used",
			     cmd->operand);
	set.mode = (uint32_t)bits;
	return set_box(cmd, &set);
}

const struct verb chmod_verb = {
	.name = "chmod",
	.operands = "NAME OCTAL",
	.summary = "change who may receive from and send to a mailbox",
	.notes = "OCTAL is a mode as of a file: r is the right to receive, w to send. Handles\n"
		 "that are open keep the rights they have.",
	.owner = true,
	.operand = "OCTAL",
	.operand_hints = MODE_HINTS,
	.run = run,
};
