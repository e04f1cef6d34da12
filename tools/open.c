// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: open or change the mailbox of a command, by name or by id */
#include <errno.h>
#include "mboxctl.h"

/* Open the mailbox with the id of the command. Return an exit status. */
static int open_by_id(const struct command *cmd, struct mbox **mbp, unsigned int rights)
{
	const struct mbox_monitor_mailbox *box;
	struct mbox_monitor *mon;
	int ret;

	ret = mbox_open_id(mbp, MBOX_SPACE_NONE, cmd->id, rights, 0);
	if (ret != -ENOENT)
		return ret ? refuse_errno(cmd, ret) : STATUS_DONE;
	/* Is there one that only its handles reach? */
	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = mbox_monitor_get(mon, NULL, cmd->id, &box);
	if (ret < 0)
		ret = refuse_monitor(cmd, mon, ret);
	else
		ret = refuse(cmd, -ENOENT,
			     "show, stat, set, chmod, chown, purge and delete take its id",
			     "this mailbox has no name by which it can be opened");
	mbox_monitor_close(mon);
	return ret;
}

/* Open the mailbox, link or inbox that a verb works on. Return an exit status. */
int open_box(const struct command *cmd, struct mbox **mbp, unsigned int rights)
{
	static const struct mbox_attr attr = MBOX_ATTR_INIT;
	const struct mbox_header who = { .pid = (uint32_t)cmd->pid, .start = cmd->start };
	int error;

	if (cmd->verb->first == FIRST_PID && cmd->start)
		error = mbox_link_sender(mbp, &who, attr.capacity, attr.msg_size);
	else if (cmd->verb->first == FIRST_PID)
		error = mbox_link(mbp, cmd->pid, attr.capacity, attr.msg_size);
	else if (cmd->verb->first == FIRST_NONE)
		error = mbox_inbox(mbp);
	else if (cmd->id)
		return open_by_id(cmd, mbp, rights);
	else
		error = mbox_open(mbp, cmd->name, rights);
	return error ? refuse_errno(cmd, error) : STATUS_DONE;
}

static int set_by_id(const struct command *cmd, const struct mbox_ioc_set *set)
{
	struct mbox_monitor *mon;
	int ret;

	ret = mbox_monitor_open(&mon);
	if (ret < 0)
		return refuse_monitor(cmd, NULL, ret);
	ret = mbox_monitor_set(mon, NULL, cmd->id, set);
	ret = ret < 0 ? refuse_monitor(cmd, mon, ret) : STATUS_DONE;
	mbox_monitor_close(mon);
	return ret;
}

/* Change attributes of the mailbox of the command. Return an exit status. */
int set_box(const struct command *cmd, const struct mbox_ioc_set *set)
{
	struct mbox *mb;
	int error, status;

	if (cmd->id)
		return set_by_id(cmd, set);
	status = open_box(cmd, &mb, 0);
	if (status)
		return status;
	error = mbox_set(mb, set);
	mbox_close(mb);
	if (error == -EINVAL)
		return refuse_limits(cmd, set->msg_size, set->bytes);
	return error ? refuse_errno(cmd, error) : STATUS_DONE;
}
