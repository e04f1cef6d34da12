// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl link, mboxctl inbox: send and receive between processes */
#include "mboxctl.h"

static int run(struct command *cmd)
{
	return cmd->sub->run(cmd);
}

static const struct verb *const link_subs[] = { &send_verb, &recv_verb, NULL };
static const struct verb *const inbox_subs[] = { &recv_verb, NULL };

const struct verb link_verb = {
	.name = "link",
	.operands = "PID[:START] send|recv [WORDS]",
	.summary = "send to one process, or receive from it",
	.notes = "WORDS are those of send and recv: see their help. Messages that it sends stay in\n"
		 "the inbox of PID when this command ends. It receives messages that PID sends to\n"
		 "this very command; -v prints its process id. PID:START, of a header, is that very\n"
		 "process, and never another one that got its number later.",
	.first = FIRST_PID,
	.subs = link_subs,
	.run = run,
};

const struct verb inbox_verb = {
	.name = "inbox",
	.operands = "recv [WORDS]",
	.summary = "receive from every process that links to this one",
	.notes = "WORDS are those of recv: see its help. It receives messages that were sent to this\n"
		 "very command (mboxctl link PID send); -v prints its process id.",
	.first = FIRST_NONE,
	.subs = inbox_subs,
	.run = run,
};
