// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl ack */
#include <stdlib.h>
#include "leasing.h"

/* Take over TOKEN, and those that follow. Return their array, of @count, or NULL. */
static struct mbox_ack_entry *take_tokens(const struct command *cmd, size_t *count)
{
	struct mbox_ack_entry *entries;
	uint64_t token;

	*count = 0;
	entries = calloc((size_t)cmd->ntext + 1, sizeof(*entries));
	for (int i = -1; entries && i < cmd->ntext; i++) {
		const char *text = i < 0 ? cmd->operand : cmd->text[i];

		if (take_token(cmd, text, &token)) {
			free(entries);
			return NULL;
		}
		mbox_ack_entry_set(&entries[(*count)++], token);
	}
	return entries;
}

/* Acknowledge as many as one call takes; report those that fail. Return an exit status. */
static int ack_some(const struct command *cmd, struct mbox *mb, struct mbox_ack_entry *entries,
		    size_t count, uint64_t *acked)
{
	int status = STATUS_DONE;
	int ret = mbox_ackv(mb, entries, (unsigned int)count);

	if (ret < 0)
		return refuse_leasing(cmd, ret);
	*acked += (uint64_t)ret;
	for (size_t i = 0; i < count; i++)
		if (entries[i].result)
			status = refuse_token(cmd, entries[i].result, entries[i].token);
	return status;
}

static int run(struct command *cmd)
{
	struct mbox_ack_entry *entries;
	int status = STATUS_DONE, ret;
	uint64_t acked = 0;
	struct mbox *mb;
	size_t count;

	entries = take_tokens(cmd, &count);
	if (!entries)
		return STATUS_USAGE;
	ret = open_box(cmd, &mb, MBOX_RIGHT_RECV);
	if (ret) {
		free(entries);
		return ret;
	}
	for (size_t i = 0; i < count; i += MBOX_BATCH_MAX) {
		ret = ack_some(cmd, mb, entries + i,
			       count - i < MBOX_BATCH_MAX ? count - i : MBOX_BATCH_MAX, &acked);
		if (ret)
			status = ret;
	}
	mbox_close(mb);
	free(entries);
	if (cmd->verbose) {
		out_begin(OUT_FIELDS);
		out_number("acked", acked);
		out_close();
	}
	return status;
}

const struct verb ack_verb = {
	.name = "ack",
	.operands = "NAME TOKEN...",
	.synopsis = "",
	.summary = "acknowledge messages that were received with a lease",
	.notes = "recv NAME lease prints the TOKEN. An acknowledged message is gone. Any process that\n"
		 "may receive from the mailbox may acknowledge. A call gets an empty reply.",
	.operand = "TOKEN",
	.operand_hints = "",
	.text = true,
	.run = run,
};
