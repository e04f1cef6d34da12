// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl handover */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "mboxctl.h"

enum { RECV, HEIR };

static const struct word words[] = {
	[RECV] = { .name = "recv",
		   .help = "the process may receive, even if the mode does not let it" },
	[HEIR] = { .name = "heir",
		   .help = "not now, but when the present owner ends; none: no heir" },
	{ 0 },
};

static int run(struct command *cmd)
{
	bool system = !strcmp(cmd->operand, "os"), nobody = !strcmp(cmd->operand, "none");
	unsigned int flags = 0;
	struct mbox_header who = { .pid = 0 };
	struct mbox *mb;
	pid_t pid = 0;
	int error, status;

	if (!system && !nobody && !parse_identity(cmd->operand, &pid, &cmd->start))
		return usage(cmd, "%s: has to be os, the id of a process, or none", cmd->operand);
	if (system && cmd->v[HEIR].given)
		return usage(cmd, "the operating system is no heir; to remove the heir: none heir");
	if (nobody && !cmd->v[HEIR].given)
		return usage(cmd, "none needs heir; to give the mailbox to the operating system: os");
	if (!pid && cmd->v[RECV].given)
		return usage(cmd, "recv needs a process, and %s is none", cmd->operand);
	if (cmd->v[RECV].given)
		flags |= MBOX_HANDOVER_RECV;
	if (cmd->v[HEIR].given)
		flags |= MBOX_HANDOVER_HEIR;

	status = open_box(cmd, &mb, 0);
	if (status)
		return status;
	who.pid = (uint32_t)pid;
	who.start = cmd->start;
	error = cmd->start ? mbox_handover_sender(mb, &who, flags) :
			     mbox_handover(mb, pid, flags);
	mbox_close(mb);
	if (error == -EPERM && pid && kill(pid, 0) && errno == EPERM)
		return refuse(cmd, error, "ask root to do it",
			      "you may not send process %d a signal, so you cannot give it a mailbox",
			      (int)pid);
	/* The arguments are valid, so the reason is an heir without an owner. */
	if (error == -EINVAL && cmd->v[HEIR].given)
		return refuse(cmd, error, "hand it to a process first: mboxctl handover NAME PID",
			      "no process owns the mailbox, so that nobody inherits it");
	return error ? refuse_errno(cmd, error) : STATUS_DONE;
}

const struct verb handover_verb = {
	.name = "handover",
	.operands = "NAME os|PID[:START]|none",
	.summary = "make a process or the system the owner of a mailbox",
	.notes = "A mailbox that a process owns ends with it; os: it lasts until it is deleted.\n"
		 "If a process owns it, only that process (or root) may hand it over, and only to a\n"
		 "process that it may send a signal. PID:START, of a header, is that very process.",
	.words = words,
	.owner = true,
	.operand = "os, PID or none",
	.operand_hints = "os none PID",
	.run = run,
};
