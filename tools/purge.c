// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl purge */
#include "mboxctl.h"

static int run(struct command *cmd)
{
	struct mbox_monitor *mon;
	uint64_t purged;
	int ret;

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = mbox_monitor_purge(mon, cmd->id ? NULL : cmd->name, cmd->id, &purged);
	if (ret < 0) {
		ret = refuse_monitor(cmd, mon, ret);
	} else {
		out_begin(OUT_FIELDS);
		out_number("purged", purged);
		out_close();
	}
	mbox_monitor_close(mon);
	return ret;
}

const struct verb purge_verb = {
	.name = "purge",
	.operands = "NAME",
	.summary = "drop the messages in a mailbox, and print how many",
	.notes = "The mailbox stays. Messages of senders that wait for the receipt are dropped, too,\n"
		 "and these sends fail. A ring cannot be purged. id=N purges the inbox with this id\n"
		 "of list kind=inbox, of a process of the same user.",
	.owner = true,
	.run = run,
};
