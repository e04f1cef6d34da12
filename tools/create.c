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

/* A mailbox that ends with its last handle would end with this tool. */
static bool parse_lifetime(const struct word *word, const char *text, uint64_t *num)
{
	(void)word;
	*num = !strcmp(text, "process") ? MBOX_LIFETIME_PROCESS : MBOX_LIFETIME_OS;
	return *num == MBOX_LIFETIME_PROCESS || !strcmp(text, "os");
}

static bool parse_policy(const struct word *word, const char *text, uint64_t *num)
{
	static const char *const names[] = {
		[MBOX_POLICY_FIFO] = "fifo", [MBOX_POLICY_LIFO] = "lifo",
		[MBOX_POLICY_RR] = "rr", [MBOX_POLICY_PRIO] = "prio",
		[MBOX_POLICY_BROADCAST] = "broadcast",
	};

	(void)word;
	for (*num = 0; *num < ARRAY_SIZE(names); ++*num)
		if (!strcmp(text, names[*num]))
			return true;
	return false;
}

static bool parse_power(const struct word *word, const char *text, uint64_t *num)
{
	return parse_size(word, text, num) && !(*num & (*num - 1));
}

enum { CAPACITY, BYTES, MSGSIZE, MODE, LIFETIME, OWNER, POLICY, MAXPROCS, EXCLUSIVE, OVERFLOW,
       RING, GROW };

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
	[LIFETIME] = { "lifetime", "os|process", parse_lifetime, 0, 0,
		       "os, or process with owner=PID: any other would end with this command",
		       "os: until it is deleted (default); process: it ends with its owner" },
	[OWNER] = { "owner", "PID[:START]", parse_sender, 1, INT32_MAX,
		    "the id of a process, or that and a start time",
		    "the process that owns it, may receive, and that it ends with" },
	[POLICY] = { "policy", "fifo|lifo|rr|prio|broadcast", parse_policy, 0, 0,
		     "fifo, lifo, rr, prio or broadcast",
		     "which of several waiting receivers gets a message (default fifo)" },
	[MAXPROCS] = { "maxprocs", "N", parse_number, 1, MBOX_PROCS_MAX, "1 to 4096",
		       "processes that may take part (default any)" },
	[EXCLUSIVE] = { .name = "exclusive", .help = "one process at a time may be in a receive" },
	[OVERFLOW] = { .name = "overflow",
		       .help = "with broadcast: who is slow loses the oldest, and sends go on" },
	[RING] = { "ring", "BYTES", parse_power, MBOX_RING_MIN, MBOX_RING_MAX,
		   "a power of two from 4096 to 1024M bytes, with K or M if you like",
		   "a ring in shared memory, between one sender and one receiver" },
	[GROW] = { .name = "grow", .help = "with ring: it takes memory only while it is used" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

/* What the kernel would refuse with EINVAL, said in words. */
static bool check_words(const struct command *cmd)
{
	static const int not_ring[] = { CAPACITY, BYTES, POLICY, MAXPROCS, EXCLUSIVE };
	const struct value *v = cmd->v;
	bool broadcast = v[POLICY].given && v[POLICY].num == MBOX_POLICY_BROADCAST;
	bool process = v[LIFETIME].given && v[LIFETIME].num == MBOX_LIFETIME_PROCESS;
	const char *wrong = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(not_ring); i++)
		if (!exclusive(cmd, RING, (size_t)not_ring[i]))
			return false;
	if (process && !v[OWNER].given)
		wrong = "lifetime=process wants owner=PID: else it would end with this command";
	else if (v[LIFETIME].given && !process && v[OWNER].given)
		wrong = "lifetime=os has no owner: with owner=PID it is lifetime=process";
	else if (broadcast && v[EXCLUSIVE].given)
		wrong = "exclusive and policy=broadcast exclude each other: all receive";
	else if (broadcast && v[CAPACITY].given && v[CAPACITY].num == MBOX_CAPACITY_ZERO)
		wrong = "policy=broadcast wants room for messages: capacity is not zero";
	else if (v[OVERFLOW].given && !broadcast)
		wrong = "overflow goes with policy=broadcast";
	else if (v[GROW].given && !v[RING].given)
		wrong = "grow goes with ring=BYTES";
	if (wrong)
		usage(cmd, "%s", wrong);
	return !wrong;
}

/* The mailbox is this process' until it is the other's, and so goes with it. */
static int give_away(const struct command *cmd, struct mbox *mb)
{
	const struct mbox_header who = {
		.pid = (uint32_t)cmd->v[OWNER].num, .start = start_of(&cmd->v[OWNER]),
	};
	pid_t pid = (pid_t)who.pid;
	int error;

	error = who.start ? mbox_handover_sender(mb, &who, MBOX_HANDOVER_RECV) :
			    mbox_handover(mb, pid, MBOX_HANDOVER_RECV);
	if (!error)
		return STATUS_DONE;
	mbox_delete_handle(mb, MBOX_DELETE_FORCE, NULL);
	return refuse(cmd, NULL, "owner=%d: %s; no mailbox was made", pid, mbox_strerror(error));
}

static int run(struct command *cmd)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	const struct value *v = cmd->v;
	int error, status = STATUS_DONE;
	struct mbox_info info;
	struct mbox *mb;

	if (!check_words(cmd))
		return STATUS_USAGE;
	if (v[CAPACITY].given)
		attr.capacity = (uint32_t)v[CAPACITY].num;
	if (v[MODE].given)
		attr.mode = (uint32_t)v[MODE].num;
	if (v[OWNER].given)
		attr.lifetime = MBOX_LIFETIME_PROCESS;
	if (v[RING].given)
		attr.capacity = 0;
	attr.bytes = v[BYTES].num;
	attr.msg_size = (uint32_t)v[MSGSIZE].num;
	attr.policy = (uint32_t)v[POLICY].num;
	attr.max_procs = (uint32_t)v[MAXPROCS].num;
	attr.ring = v[RING].num;
	if (v[EXCLUSIVE].given)
		attr.options |= MBOX_OPTION_EXCLUSIVE;
	if (v[OVERFLOW].given)
		attr.options |= MBOX_OPTION_OVERFLOW;
	if (v[GROW].given)
		attr.options |= MBOX_OPTION_GROW;

	/* The mode that was asked for, neither more nor less. */
	umask(0);
	error = mbox_create(&mb, cmd->name, 0, &attr);
	if (error == -EINVAL && v[RING].given)
		return refuse(cmd, "a larger ring= or a smaller msgsize=; with grow, two pages at least",
			      "ring=%llu is too small: a message takes at most half of it",
			      (unsigned long long)attr.ring);
	if (error == -EINVAL)
		return refuse_limits(cmd, attr.msg_size, attr.bytes);
	if (error == -EEXIST)
		return refuse(cmd, "to look at it: mboxctl show NAME", "%s",
			      mbox_strerror(error));
	if (error)
		return refuse_errno(cmd, error);
	if (v[OWNER].given)
		status = give_away(cmd, mb);
	if (!status && cmd->verbose && !mbox_get(mb, &info))
		print_info(&info);
	mbox_close(mb);
	return status;
}

const struct verb create_verb = {
	.name = "create",
	.synopsis = "NAME [capacity=zero|N|unbounded] [bytes=N] [msgsize=N] [mode=OCTAL] [lifetime=os|process] [owner=PID[:START]] [policy=fifo|lifo|rr|prio|broadcast] [maxprocs=N] [exclusive] [overflow] [ring=BYTES] [grow]",
	.summary = "make a mailbox",
	.notes = "policy: fifo, who has waited longest; lifo, shortest; rr, the process served\n"
		 "least recently; prio, by scheduling priority; broadcast, everybody gets a copy.",
	.words = words,
	.run = run,
};
