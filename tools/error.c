// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: errors in words, with advice where it is known. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mboxctl.h"

__attribute__((format(printf, 2, 0)))
static void complain(const struct command *cmd, const char *why, va_list args)
{
	/* Pending output precedes the error. */
	fflush(stdout);
	fputs("mboxctl: ", stderr);
	if (cmd->verb)
		fprintf(stderr, "%s%s%s: ", cmd->verb->name, cmd->name ? " " : "",
			cmd->name ? cmd->name : "");
	if (cmd->line)
		fprintf(stderr, "line %llu: ", cmd->line);
	vfprintf(stderr, why, args);
	putc('\n', stderr);
}

/* Report a wrong command line. */
int usage(const struct command *cmd, const char *why, ...)
{
	va_list args;

	va_start(args, why);
	complain(cmd, why, args);
	va_end(args);
	fprintf(stderr, "  try: mboxctl %s%s\n", cmd->verb ? cmd->verb->name : "",
		cmd->verb ? " --help" : "help");
	return STATUS_USAGE;
}

/* Print the advice @hint; NAME in it stands for the name in the command. */
static void advise(const struct command *cmd, const char *hint)
{
	const char *name = cmd->name ? strstr(hint, "NAME") : NULL;

	if (name)
		fprintf(stderr, "  %.*s%s%s\n", (int)(name - hint), hint, cmd->name,
			name + strlen("NAME"));
	else
		fprintf(stderr, "  %s\n", hint);
}

/* Report an error of the kernel. @hint may be NULL. */
int refuse(const struct command *cmd, const char *hint, const char *why, ...)
{
	va_list args;

	va_start(args, why);
	complain(cmd, why, args);
	va_end(args);
	if (hint)
		advise(cmd, hint);
	return STATUS_REFUSED;
}

/* Read a parameter of the module, if it is there and readable. */
static bool parameter(const char *name, unsigned long long *value)
{
	char path[80];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/sys/module/mbox/parameters/%s", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fscanf(f, "%llu", value);
	fclose(f);
	return n == 1;
}

/* Get the attributes of the mailbox: users without any right on it may not. */
static bool look(const struct command *cmd, struct mbox_info *info)
{
	struct mbox *mb;
	bool known;

	if (!cmd->name || cmd->verb->first == FIRST_PID || mbox_open(&mb, cmd->name, 0))
		return false;
	known = !mbox_get(mb, info);
	mbox_close(mb);
	return known;
}

/* Report EACCES or EPERM, of the device or of the mailbox. */
static int refuse_permission(const struct command *cmd, int error)
{
	struct mbox_info info;
	char hint[160];
	struct stat st;

	if (faccessat(AT_FDCWD, "/dev/mbox", R_OK | W_OK, AT_EACCESS) &&
	    !stat("/dev/mbox", &st))
		return refuse(cmd, "try: chmod 0666 /dev/mbox (as root), as mailboxes have their own modes",
			      "no permission to open /dev/mbox: uid %u, gid %u, mode %04o",
			      st.st_uid, st.st_gid, st.st_mode & 07777);
	if (cmd->verb->first == FIRST_PID)
		return refuse(cmd, "that takes the right to send it a signal, or the mode of its inbox",
			      "you may not address this process");
	if (!look(cmd, &info))
		return refuse(cmd, "ask its owner for: mboxctl chmod NAME OCTAL", "%s",
			      mbox_strerror(error));
	if (cmd->verb == &handover_verb && info.lifetime == MBOX_LIFETIME_PROCESS) {
		snprintf(hint, sizeof(hint), "it belongs to process %u, which alone may hand it over",
			 info.owner);
		return refuse(cmd, hint, "%s", mbox_strerror(error));
	}
	if (cmd->verb == &chown_verb && info.uid == geteuid())
		return refuse(cmd, "root may give it to any user, and you to a group that you are in",
			      "you may not give the mailbox away like that");
	snprintf(hint, sizeof(hint), "it is of uid %u, gid %u, mode %04o; you are uid %u, gid %u",
		 info.uid, info.gid, info.mode, geteuid(), getegid());
	return refuse(cmd, hint, "%s", mbox_strerror(error));
}

/* Report an error that any verb may meet. @error is negative. */
int refuse_errno(const struct command *cmd, int error)
{
	const char *hint = NULL;

	switch (-error) {
	case ENODEV:
		if (!access("/sys/module/mbox", F_OK))
			return refuse(cmd, "try: mdev or udevadm trigger, or check that /dev is a devtmpfs",
				      "the mbox module is loaded, but there is no /dev/mbox");
		return refuse(cmd, "try: modprobe mbox (as root; built but not installed: insmod mbox.ko)",
			      "the mbox module is not loaded");
	case EACCES:
	case EPERM:
		return refuse_permission(cmd, error);
	case ENOENT:
		if (cmd->verb == &send_verb || cmd->verb == &recv_verb)
			hint = "to make one: mboxctl create NAME";
		break;
	case EUSERS:
		hint = "see maxprocs and procs: mboxctl show NAME";
		break;
	case EBUSY:
		hint = "wait until the other process closes it or ends";
		break;
	case EDEADLK:
		hint = "say nonblock or timeout=SECONDS, or receive first";
		break;
	case ESRCH:
		hint = cmd->start ? "the process that started then has ended" :
		       "it must be a process of this pid namespace, not a thread";
		break;
	case EOPNOTSUPP:
		hint = "see kind: mboxctl show NAME; a ring has no priorities, filters or sync";
		break;
	case EDQUOT:
		hint = "see user_mailboxes and user_bytes in /sys/module/mbox/parameters";
		break;
	}
	return refuse(cmd, hint, "%s", mbox_strerror(error));
}

/* Report a value beyond a limit that only the kernel knows. */
int refuse_limits(const struct command *cmd, uint64_t msg_size, uint64_t bytes)
{
	unsigned long long limit;

	if (parameter("max_msg_size", &limit) && msg_size > limit)
		return refuse(cmd, "as root: echo BYTES >/sys/module/mbox/parameters/max_msg_size",
			      "msgsize=%llu is more than the module allows: %llu",
			      (unsigned long long)msg_size, limit);
	if (!msg_size)
		msg_size = MBOX_MSG_SIZE_DEFAULT;
	if (bytes && bytes < msg_size)
		return refuse(cmd, "give a larger bytes= or a smaller msgsize=",
			      "bytes=%llu does not hold one message of msgsize=%llu",
			      (unsigned long long)bytes, (unsigned long long)msg_size);
	return refuse_errno(cmd, -EINVAL);
}

/* Report that standard output could not be written. */
int refuse_output(const struct command *cmd, int error)
{
	return refuse(cmd, NULL, "standard output: %s", strerror(-error));
}

/* Report an error of the monitor: its message says more than the number. */
int refuse_monitor(const struct command *cmd, const struct mbox_monitor *mon, int error)
{
	switch (-error) {
	case ENODEV:
		if (!access("/dev/mbox", F_OK))
			return refuse(cmd, NULL, "the mbox module that is loaded has no netlink family");
		return refuse_errno(cmd, error);
	case EPERM:
	case EACCES:
	case ENOENT:
	case EOPNOTSUPP:
		return refuse_errno(cmd, error);
	default:
		return refuse(cmd, NULL, "%s", mon ? mbox_monitor_message(mon) : mbox_strerror(error));
	}
}

/*
 * End a verb that prints a lot, or for long. EPIPE is no error: the reader may have
 * read enough.
 */
int done_writing(const struct command *cmd, int error)
{
	return error && error != -EPIPE ? refuse_output(cmd, error) : STATUS_DONE;
}
