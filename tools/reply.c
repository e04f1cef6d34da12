// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl reply */
#include <errno.h>
#include <stdlib.h>
#include "leasing.h"

/* Longest reply that is read from standard input. */
#define REPLY_MAX	(256ULL << 20)

static int refuse_reply(const struct command *cmd, int error, uint64_t token)
{
	switch (-error) {
	case EINVAL:
		return refuse(cmd, error, "acknowledge it: mboxctl ack NAME TOKEN",
			      "the message is no call, and takes no reply");
	case EMSGSIZE:
		return refuse(cmd, error, "room= of mboxctl call makes room for more",
			      "the reply is longer than the caller takes");
	}
	return refuse_token(cmd, error, token);
}

static int run(struct command *cmd)
{
	struct text text;
	struct mbox *mb;
	uint64_t token;
	int error, status;

	if (take_token(cmd, cmd->operand, &token))
		return STATUS_USAGE;
	error = open_box(cmd, &mb, MBOX_RIGHT_RECV);
	if (error)
		return error;
	status = text_get(cmd, REPLY_MAX, &text);
	if (!status) {
		error = mbox_reply(mb, token, text.data, text.size);
		free(text.data);
		if (error)
			status = refuse_reply(cmd, error, token);
	}
	mbox_close(mb);
	return status;
}

const struct verb reply_verb = {
	.name = "reply",
	.operands = "NAME TOKEN",
	.summary = "reply to a call that was received with a lease",
	.notes = "recv NAME lease prints the TOKEN. TEXT is the reply, its words joined by one space;\n"
		 "without TEXT it is standard input.",
	.operand = "TOKEN",
	.operand_hints = "",
	.text = true,
	.run = run,
};
