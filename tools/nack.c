// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl nack */
#include "leasing.h"

enum { RETRY, RELEASE, REJECT, DELAY, CODE };

static const struct word words[] = {
	[RETRY] = { .name = "retry", .help = "it failed: it may be received again (default)" },
	[RELEASE] = { .name = "release", .help = "it was not tried: do not count this delivery" },
	[REJECT] = { .name = "reject",
		     .help = "never again: to the dead letters, or to be parked" },
	[DELAY] = { .name = "delay", .arg = "TIME", .parse = parse_seconds, .max = INT64_MAX,
		    .form = TIMEOUT_FORM, .hints = "0.1 1 5 10 60",
		    .help = "with retry: nobody receives it before" },
	[CODE] = { .name = "code", .arg = "N", .parse = parse_number, .max = UINT32_MAX,
		   .form = "0 to 4294967295",
		   .help = "with reject: a number for the caller, or in the dead letter" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

static int run(struct command *cmd)
{
	const struct value *v = cmd->v;
	unsigned int how = v[RELEASE].given ? MBOX_NACK_RELEASE :
			   v[REJECT].given ? MBOX_NACK_REJECT : MBOX_NACK_RETRY;
	struct mbox *mb;
	uint64_t token;
	int error;

	if (take_token(cmd, cmd->operand, &token))
		return STATUS_USAGE;
	if (!exclusive(cmd, RETRY, RELEASE) || !exclusive(cmd, RETRY, REJECT) ||
	    !exclusive(cmd, RELEASE, REJECT))
		return STATUS_USAGE;
	if (v[DELAY].given && how != MBOX_NACK_RETRY)
		return usage(cmd, "delay goes with retry");
	if (v[CODE].given && how != MBOX_NACK_REJECT)
		return usage(cmd, "code goes with reject");
	error = open_box(cmd, &mb, MBOX_RIGHT_RECV);
	if (error)
		return error;
	error = mbox_nack(mb, token, how, v[DELAY].num, (uint32_t)v[CODE].num);
	mbox_close(mb);
	return error ? refuse_token(cmd, error, token) : STATUS_DONE;
}

const struct verb nack_verb = {
	.name = "nack",
	.operands = "NAME TOKEN",
	.synopsis = "[retry|release|reject] [delay=TIME] [code=N]",
	.summary = "give back a message that was received with a lease",
	.notes = "The message returns to its place in the mailbox. A call that is rejected fails.",
	.operand = "TOKEN",
	.operand_hints = "",
	.words = words,
	.run = run,
};
