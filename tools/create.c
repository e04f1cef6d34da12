// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl create */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "mboxctl.h"

static bool parse_power(const struct word *word, const char *text, uint64_t *num)
{
	return parse_size(word, text, num) && !(*num & (*num - 1));
}

enum { CAPACITY, BYTES, MSGSIZE, MODE, LIFETIME, OWNER, POLICY, MAXPROCS, EXCLUSIVE, OVERFLOW,
       TRACK, RING, GROW, USER, GROUP, IFMISSING, DELIVERIES, DEAD };

static const struct word words[] = {
	[CAPACITY] = { .name = "capacity", .arg = "zero|N|unbounded", .parse = parse_capacity,
		       .max = MBOX_CAPACITY_MAX, .form = "zero, 1 to 1048576, or unbounded",
		       .hints = "zero 1 16 64 256 1024 unbounded",
		       .help = "messages it keeps (default 64); zero: sends wait for receives" },
	[BYTES] = { .name = "bytes", .arg = "N", .parse = parse_size, .min = 1, .max = UINT64_MAX,
		    .form = SIZE_FORM, .hints = "4K 8K 64K 256K 1M",
		    .help = "most bytes of payload it keeps (default any): 4096, 64k, 64KiB, 1G" },
	[MSGSIZE] = { .name = "msgsize", .arg = "N", .parse = parse_size, .min = 1,
		      .max = UINT32_MAX,
		      .form = SIZE_FORM ", below 4G", .hints = "4K 8K 64K 256K 1M",
		      .help = "longest message in bytes (default 8K)" },
	[MODE] = { .name = "mode", .arg = "OCTAL", .parse = parse_octal, .max = 0666,
		   .form = "octal, out of 0666: r is to receive, w to send, x is not used",
		   .hints = MODE_HINTS,
		   .help = "who may receive (r) and send (w), as of a file (default 0600)" },
	/* A mailbox that ends with its last handle would end with this command. */
	[LIFETIME] = { .name = "lifetime", .parse = parse_choice, .choices = lifetimes,
		       .max = MBOX_LIFETIME_PROCESS,
		       .form = "os, or process with owner=PID: any other would end with this command",
		       .help = "os: it lasts until it is deleted (default); process: it ends with its owner" },
	[OWNER] = { .name = "owner", .arg = "PID[:START]", .parse = parse_sender, .min = 1,
		    .max = INT32_MAX, .form = "the id of a process, or that and a start time",
		    .hints = "PID",
		    .help = "the process that owns it: it may receive, and the mailbox ends with it" },
	[POLICY] = { .name = "policy", .parse = parse_choice, .choices = policies,
		     .max = MBOX_POLICY_MAX,
		     .help = "which of several waiting receivers gets a message (default fifo)" },
	[MAXPROCS] = { .name = "maxprocs", .arg = "N", .parse = parse_number, .min = 1,
		       .max = MBOX_PROCS_MAX, .form = "1 to 4096", .hints = "1 2 4 8",
		       .help = "processes that may take part (default any)" },
	[EXCLUSIVE] = { .name = "exclusive", .help = "one process at a time may be in a receive" },
	[OVERFLOW] = { .name = "overflow",
		       .help = "with broadcast: slow receivers lose the oldest, and sends go on" },
	[TRACK] = { .name = "track", .help = "show tells its last sender and receiver, and when" },
	[RING] = { .name = "ring", .arg = "BYTES", .parse = parse_power, .min = MBOX_RING_MIN,
		   .max = MBOX_RING_MAX,
		   .form = "a power of two of bytes from 4K to 1G",
		   .hints = "4K 64K 1M 16M",
		   .help = "a ring in shared memory, between one sender and one receiver" },
	[GROW] = { .name = "grow", .help = "with ring: it takes memory only while it is used" },
	[USER] = { .name = "user", .arg = "USER", .parse = parse_user, .max = UINT32_MAX - 1,
		   .form = "the name or number of a user", .hints = "USER",
		   .help = "the user that owns it (default you; another takes root)" },
	[GROUP] = { .name = "group", .arg = "GROUP", .parse = parse_group, .max = UINT32_MAX - 1,
		    .form = "the name or number of a group",
		    .help = "its group (default yours)" },
	[IFMISSING] = { .name = "ifmissing",
			.help = "no error if it exists and has the attributes that are given" },
	[DELIVERIES] = { .name = "deliveries", .arg = "N", .parse = parse_number, .min = 1,
			 .max = UINT32_MAX, .form = "1 to 4294967295", .hints = "1 3 5 10",
			 .help = "times that a message is tried under a lease (default any)" },
	[DEAD] = { .name = "dead", .arg = "NAME", .parse = parse_text,
		   .form = "the name of a mailbox", .hints = "NAME",
		   .help = "the mailbox for messages that failed: its dead letters" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

/* Explain combinations that the kernel would refuse with EINVAL. */
static bool check_words(const struct command *cmd)
{
	static const int not_ring[] = { CAPACITY, BYTES, POLICY, MAXPROCS, EXCLUSIVE, TRACK,
					DELIVERIES, DEAD };
	const struct value *v = cmd->v;
	bool broadcast = v[POLICY].given && v[POLICY].num == MBOX_POLICY_BROADCAST;
	bool process = v[LIFETIME].given && v[LIFETIME].num == MBOX_LIFETIME_PROCESS;
	const char *wrong = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(not_ring); i++)
		if (!exclusive(cmd, RING, (size_t)not_ring[i]))
			return false;
	if (process && !v[OWNER].given)
		wrong = "lifetime=process needs owner=PID: else the mailbox would end with this command";
	else if (v[LIFETIME].given && !process && v[OWNER].given)
		wrong = "lifetime=os has no owner: owner=PID implies lifetime=process";
	else if (broadcast && v[EXCLUSIVE].given)
		wrong = "exclusive and policy=broadcast exclude each other: all receive";
	else if (broadcast && v[CAPACITY].given && v[CAPACITY].num == MBOX_CAPACITY_ZERO)
		wrong = "policy=broadcast needs room for messages: capacity must not be zero";
	else if (v[OVERFLOW].given && !broadcast)
		wrong = "overflow needs policy=broadcast";
	else if (broadcast && (v[DELIVERIES].given || v[DEAD].given))
		wrong = "deliveries and dead are about leases, and policy=broadcast has none";
	else if (v[GROW].given && !v[RING].given)
		wrong = "grow needs ring=BYTES";
	if (wrong)
		usage(cmd, "%s", wrong);
	return !wrong;
}

/* Pass the mailbox on to its owner; until then it belongs to this process and ends with it. */
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
	return refuse(cmd, error, NULL, "owner=%d: %s; no mailbox was made", pid, mbox_strerror(error));
}

static void fill_attr(const struct command *cmd, struct mbox_attr *attr)
{
	const struct value *v = cmd->v;

	if (v[CAPACITY].given)
		attr->capacity = (uint32_t)v[CAPACITY].num;
	if (v[MODE].given)
		attr->mode = (uint32_t)v[MODE].num;
	if (v[OWNER].given)
		attr->lifetime = MBOX_LIFETIME_PROCESS;
	if (v[RING].given)
		attr->capacity = 0;
	attr->bytes = v[BYTES].num;
	attr->msg_size = (uint32_t)v[MSGSIZE].num;
	attr->policy = (uint32_t)v[POLICY].num;
	attr->max_procs = (uint32_t)v[MAXPROCS].num;
	attr->max_deliveries = (uint32_t)v[DELIVERIES].num;
	attr->ring = v[RING].num;
	if (v[EXCLUSIVE].given)
		attr->options |= MBOX_OPTION_EXCLUSIVE;
	if (v[OVERFLOW].given)
		attr->options |= MBOX_OPTION_OVERFLOW;
	if (v[GROW].given)
		attr->options |= MBOX_OPTION_GROW;
	if (v[TRACK].given)
		attr->options |= MBOX_OPTION_TRACK;
}

/* Give the new mailbox, which nobody else may use yet, to its user and group, with its mode. */
static int give_to_user(const struct command *cmd, struct mbox *mb, uint32_t mode)
{
	const struct value *v = cmd->v;
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = mode };
	int error;

	if (v[USER].given) {
		set.mask |= MBOX_SET_UID;
		set.uid = (uint32_t)v[USER].num;
	}
	if (v[GROUP].given) {
		set.mask |= MBOX_SET_GID;
		set.gid = (uint32_t)v[GROUP].num;
	}
	error = mbox_set(mb, &set);
	if (!error)
		return STATUS_DONE;
	mbox_delete_handle(mb, MBOX_DELETE_FORCE, NULL);
	return refuse(cmd, error, "another user takes root, and a group one that you are in",
		      "the mailbox cannot be given to that user or group; no mailbox was made");
}

/* Return the first of the words that are given and differ from the mailbox that exists, or NULL. */
static const char *difference(const struct command *cmd, const struct mbox_info *info,
			      uint64_t dead)
{
	const struct value *v = cmd->v;
	const struct {
		size_t word;
		bool same;
	} checks[] = {
		{ RING, v[RING].num == info->ring },
		{ CAPACITY, v[CAPACITY].num == info->capacity },
		{ BYTES, v[BYTES].num == info->bytes },
		{ MSGSIZE, v[MSGSIZE].num == info->msg_size },
		{ MODE, v[MODE].num == info->mode },
		{ LIFETIME, v[LIFETIME].num == info->lifetime },
		{ OWNER, v[OWNER].num == info->owner },
		{ POLICY, v[POLICY].num == info->policy },
		{ MAXPROCS, v[MAXPROCS].num == info->max_procs },
		{ EXCLUSIVE, info->options & MBOX_OPTION_EXCLUSIVE },
		{ OVERFLOW, info->options & MBOX_OPTION_OVERFLOW },
		{ GROW, info->options & MBOX_OPTION_GROW },
		{ TRACK, info->options & MBOX_OPTION_TRACK },
		{ USER, v[USER].num == info->uid },
		{ GROUP, v[GROUP].num == info->gid },
		{ DELIVERIES, v[DELIVERIES].num == info->max_deliveries },
		{ DEAD, dead == info->dead_letter },
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (v[checks[i].word].given && !checks[i].same)
			return words[checks[i].word].name;
	return NULL;
}

/* A mailbox of that name exists: compare it. Return an exit status, or -ENOENT if it is gone. */
static int accept_existing(const struct command *cmd, uint64_t dead)
{
	struct mbox_info info;
	const char *differs;
	struct mbox *mb;
	int error;

	error = mbox_open(&mb, cmd->name, 0);
	if (!error) {
		error = mbox_get(mb, &info);
		mbox_close(mb);
	}
	if (error == -ENOENT || error == -EIDRM)
		return -ENOENT;
	if (error)
		return refuse_errno(cmd, error);
	differs = difference(cmd, &info, dead);
	if (differs)
		return refuse(cmd, -EEXIST, "compare: mboxctl show NAME; change: mboxctl set NAME",
			      "a mailbox of that name exists, and its %s differs", differs);
	if (cmd->verbose)
		print_info(&info);
	return STATUS_DONE;
}

static int refuse_create(const struct command *cmd, int error, const struct mbox_attr *attr)
{
	switch (-error) {
	case EINVAL:
		if (!attr->ring)
			return refuse_limits(cmd, attr->msg_size, attr->bytes);
		return refuse(cmd, error, "a larger ring= or a smaller msgsize=; with grow, two pages at least",
			      "ring=%llu is too small: a message takes at most half of it",
			      (unsigned long long)attr->ring);
	case EEXIST:
		return refuse(cmd, error, "to look at it: mboxctl show NAME; with ifmissing this is no error",
			      "%s", mbox_strerror(error));
	}
	return refuse_errno(cmd, error);
}

/* Find the id of the dead-letter mailbox. Return an exit status. */
static int find_dead(const struct command *cmd, uint64_t *id)
{
	const char *name = cmd->v[DEAD].text;
	struct mbox_info info;
	struct mbox *mb;
	int error;

	*id = 0;
	if (!cmd->v[DEAD].given)
		return STATUS_DONE;
	error = mbox_open(&mb, name, 0);
	if (!error) {
		error = mbox_get(mb, &info);
		mbox_close(mb);
		*id = info.id;
	}
	return error ? refuse(cmd, error, NULL, "dead=%s: %s", name, mbox_strerror(error)) : STATUS_DONE;
}

/* Explain errors that may be about the dead-letter mailbox. */
static int refuse_dead(const struct command *cmd, int error)
{
	const char *name = cmd->v[DEAD].text;

	switch (-error) {
	case ELOOP:
		return refuse(cmd, error, NULL, "dead=%s: it has a dead-letter mailbox itself", name);
	case EACCES:
		return refuse(cmd, error, NULL, "dead=%s: you may not send to it", name);
	case EOPNOTSUPP:
		return refuse(cmd, error, NULL, "dead=%s: a ring or a broadcast takes no dead letters", name);
	}
	return refuse_errno(cmd, error);
}

static int run(struct command *cmd)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	const struct value *v = cmd->v;
	bool give = v[USER].given || v[GROUP].given;
	int error, status = STATUS_DONE;
	struct mbox_info info;
	struct mbox *mb;
	uint32_t mode;

	if (!check_words(cmd))
		return STATUS_USAGE;
	status = find_dead(cmd, &attr.dead_letter);
	if (status)
		return status;
	fill_attr(cmd, &attr);
	mode = attr.mode;
	if (give)
		attr.mode = 0;

	/* The mode is exactly the one that was asked for. */
	umask(0);
	do {
		error = mbox_create(&mb, cmd->name, 0, &attr);
		if (error == -EEXIST && v[IFMISSING].given) {
			status = accept_existing(cmd, attr.dead_letter);
			if (status >= 0)
				return status;
		}
	} while (status < 0 && error == -EEXIST);
	if (error && attr.dead_letter && error != -EEXIST && error != -EINVAL)
		return refuse_dead(cmd, error);
	if (error)
		return refuse_create(cmd, error, &attr);
	status = give ? give_to_user(cmd, mb, mode) : STATUS_DONE;
	if (!status && v[OWNER].given)
		status = give_away(cmd, mb);
	if (!status && cmd->verbose && !mbox_get(mb, &info))
		print_info(&info);
	mbox_close(mb);
	return status;
}

const struct verb create_verb = {
	.name = "create",
	.operands = "NAME",
	.summary = "make a mailbox",
	.first = FIRST_NEW,
	.words = words,
	.run = run,
};
