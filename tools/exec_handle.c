// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl exec: a command with a handle as its standard input or output */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "mboxctl.h"

/* What a shell says of a command that is not there, or that cannot be run. */
#define NOT_FOUND	127
#define NOT_RUN		126

static const struct {
	const char *name;
	unsigned int rights;
	int fd;
} ways[] = {
	{ "recv", MBOX_RIGHT_RECV, STDIN_FILENO },
	{ "send", MBOX_RIGHT_SEND, STDOUT_FILENO },
};

static int run(struct command *cmd)
{
	unsigned int way = 0;
	struct mbox *mb;
	int status;

	while (way < 2 && strcmp(cmd->operand, ways[way].name) != 0)
		way++;
	if (way == 2)
		return usage(cmd, "'%s' is neither recv nor send", cmd->operand);
	if (!cmd->text)
		return usage(cmd, "COMMAND is missing; it comes after --");
	status = open_box(cmd, &mb, ways[way].rights);
	if (status)
		return status;
	if (dup2(mbox_fd(mb), ways[way].fd) >= 0)
		execvp(cmd->text[0], cmd->text);
	status = errno == ENOENT ? NOT_FOUND : NOT_RUN;
	refuse(cmd, -errno, NULL, "%s: %s", cmd->text[0], strerror(errno));
	mbox_close(mb);
	return status;
}

const struct verb exec_verb = {
	.name = "exec",
	.operands = "NAME recv|send",
	.synopsis = "-- COMMAND...",
	.summary = "run a command whose standard input or output is a handle",
	.notes = "With recv, each read() of COMMAND from its standard input receives a message; with\n"
		 "send, each write() to its standard output sends one. recv exec runs a command for each\n"
		 "message instead.",
	.operand = "recv|send",
	.operand_hints = "recv send",
	.command = true,
	.run = run,
};
