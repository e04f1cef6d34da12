// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl show */
#include <stdio.h>
#include "mboxctl.h"

static const char *state_name(unsigned int state)
{
	switch (state) {
	case MBOX_STATE_LIVE:
		return "live";
	case MBOX_STATE_UNLINKED:
		return "unlinked";
	case MBOX_STATE_DRAINING:
		return "draining";
	case MBOX_STATE_DEAD:
		return "dead";
	}
	return "unknown";
}

static const char *lifetime_name(unsigned int lifetime)
{
	switch (lifetime) {
	case MBOX_LIFETIME_OS:
		return "os";
	case MBOX_LIFETIME_PROCESS:
		return "process";
	case MBOX_LIFETIME_FD:
		return "fd";
	}
	return "unknown";
}

static const char *kind_name(unsigned int kind)
{
	switch (kind) {
	case MBOX_KIND_MAILBOX:
		return "mailbox";
	case MBOX_KIND_RING:
		return "ring";
	case MBOX_KIND_INBOX:
		return "inbox";
	case MBOX_KIND_LINK:
		return "link";
	}
	return "unknown";
}

static const char *policy_name(unsigned int policy)
{
	switch (policy) {
	case MBOX_POLICY_FIFO:
		return "fifo";
	case MBOX_POLICY_LIFO:
		return "lifo";
	case MBOX_POLICY_RR:
		return "rr";
	case MBOX_POLICY_PRIO:
		return "prio";
	case MBOX_POLICY_BROADCAST:
		return "broadcast";
	}
	return "unknown";
}

/* Attributes are named as the words of create are. */
void print_info(const struct mbox_info *info)
{
	bool owned = info->lifetime == MBOX_LIFETIME_PROCESS;
	bool broadcast = info->policy == MBOX_POLICY_BROADCAST;
	bool ring = info->kind == MBOX_KIND_RING;
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", info->mode & 07777);
	out_begin(OUT_FIELDS);
	out_string("name", info->name);
	out_number("id", info->id);
	out_string("kind", kind_name(info->kind));
	out_string("state", state_name(info->state));
	out_number("uid", info->uid);
	out_number("gid", info->gid);
	out_string("mode", mode);
	out_string("lifetime", lifetime_name(info->lifetime));
	out_detail("owner", info->owner, owned);
	out_detail("heir", info->heir, info->heir);
	out_string("policy", policy_name(info->policy));
	out_detail("maxprocs", info->max_procs, info->max_procs);
	out_detail("procs", info->procs, info->max_procs);
	out_flag("exclusive", info->options & MBOX_OPTION_EXCLUSIVE);
	out_flag("overflow", info->options & MBOX_OPTION_OVERFLOW);
	out_detail("ring", info->ring, ring);
	out_flag("grow", info->options & MBOX_OPTION_GROW);
	out_limit("capacity", info->capacity,
		  info->capacity != MBOX_CAPACITY_UNBOUNDED, "unbounded");
	out_limit("bytes", info->bytes, info->bytes, "unbounded");
	out_number("msgsize", info->msg_size);
	out_time("created", info->created);
	out_number("handles", info->handles);
	out_number("senders", info->senders);
	out_number("receivers", info->receivers);
	out_number("queued", info->queued);
	out_number("queued_bytes", info->queued_bytes);
	out_number("sent", info->sent);
	out_number("received", info->received);
	out_number("withdrawn", info->withdrawn);
	out_number("dropped", info->dropped);
	out_detail("lost", info->lost, broadcast);
	out_close();
}

static int run(struct command *cmd)
{
	struct mbox_info info;
	struct mbox *mb;
	int error;

	error = mbox_open(&mb, cmd->name, 0);
	if (error)
		return refuse_errno(cmd, error);
	error = mbox_get(mb, &info);
	mbox_close(mb);
	if (error)
		return refuse_errno(cmd, error);
	/* This command's own handle is none of the mailbox's users. */
	if (info.handles)
		info.handles--;
	print_info(&info);
	return STATUS_DONE;
}

const struct verb show_verb = {
	.name = "show",
	.synopsis = "NAME",
	.summary = "print the attributes and counters of a mailbox",
	.notes = "senders and receivers are calls that are blocked now; handles does not\n"
		 "count the one that this command looks through. What a mailbox does not have\n"
		 "(an owner, a limit of processes, a ring) is left out; with -j it is null.",
	.run = run,
};
