// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl create */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "mboxctl.h"

static bool parse_capacity(const struct word *word, const char *text, uint64_t *num)
{
	if (!strcmp(text, "zero"))
		*num = MBOX_CAPACITY_ZERO;
	else if (!strcmp(text, "unbounded"))
		*num = MBOX_CAPACITY_UNBOUNDED;
	else
		return parse_number(word, text, num);
	return true;
}

/* A mailbox that ends with a process or a handle would end with this tool. */
static bool parse_lifetime(const struct word *word, const char *text, uint64_t *num)
{
	(void)word;
	*num = MBOX_LIFETIME_OS;
	return !strcmp(text, "os");
}

enum { CAPACITY, BYTES, MSGSIZE, MODE, LIFETIME };

static const struct word words[] = {
	[CAPACITY] = { "capacity", "zero|N|unbounded", parse_capacity, 0, MBOX_CAPACITY_MAX,
		       "zero, 1 to 1048576, or unbounded",
		       "messages it keeps (default 64); zero: sends wait for receives" },
	[BYTES] = { "bytes", "N", parse_size, 1, UINT64_MAX,
		    "a number of bytes, with K (1024) or M (1024 K) if you like",
		    "most bytes of payload it keeps (default any); may end in K, M" },
	[MSGSIZE] = { "msgsize", "N", parse_size, 1, UINT32_MAX,
		      "1 to 4294967295 bytes, with K (1024) or M (1024 K) if you like",
		      "longest message in bytes (default 8K); may end in K or M" },
	[MODE] = { "mode", "OCTAL", parse_octal, 0, 0666,
		   "octal, out of 0666: r is to receive, w to send, x is not used",
		   "who may receive (r) and send (w), as of a file (default 0600)" },
	[LIFETIME] = { "lifetime", "os", parse_lifetime, 0, 0,
		       "os: any other kind would end with this command",
		       "until it is deleted; the only one that outlives this command" },
	{ 0 },
};

static int run(struct command *cmd)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct mbox_info info;
	struct mbox *mb;
	int error;

	if (cmd->v[CAPACITY].given)
		attr.capacity = (uint32_t)cmd->v[CAPACITY].num;
	if (cmd->v[MODE].given)
		attr.mode = (uint32_t)cmd->v[MODE].num;
	attr.bytes = cmd->v[BYTES].num;
	attr.msg_size = (uint32_t)cmd->v[MSGSIZE].num;

	/* The mode that was asked for, neither more nor less. */
	umask(0);
	error = mbox_create(&mb, cmd->name, 0, &attr);
	if (error == -EINVAL)
		return refuse_limits(cmd, attr.msg_size, attr.bytes);
	if (error == -EEXIST)
		return refuse(cmd, "to look at it: mboxctl show NAME", "%s",
			      mbox_strerror(error));
	if (error)
		return refuse_errno(cmd, error);
	if (cmd->verbose && !mbox_get(mb, &info))
		print_info(&info);
	mbox_close(mb);
	return STATUS_DONE;
}

const struct verb create_verb = {
	.name = "create",
	.synopsis = "NAME [capacity=zero|N|unbounded] [bytes=N] [msgsize=N] [mode=OCTAL] [lifetime=os]",
	.summary = "make a mailbox",
	.words = words,
	.run = run,
};
