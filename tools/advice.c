// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: errors of the kernel in words, with advice where it is known. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mboxctl.h"

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

	if (!cmd->name || cmd->id || cmd->verb->first == FIRST_PID ||
	    mbox_open(&mb, cmd->name, 0))
		return false;
	known = !mbox_get(mb, info);
	mbox_close(mb);
	return known;
}


/* Report that only the owner may do it. @info may be NULL. */
static int refuse_others(const struct command *cmd, int error, const struct mbox_info *info)
{
	char hint[160];

	if (cmd->verb == &chown_verb && info && info->uid == geteuid())
		return refuse(cmd, error, "root may give it to any user, and you to a group that you are in",
			      "permission denied: you may not give the mailbox away like that");
	if (cmd->verb == &handover_verb && info && info->lifetime == MBOX_LIFETIME_PROCESS)
		snprintf(hint, sizeof(hint), "it belongs to process %u, which alone may hand it over",
			 info->owner);
	else if (info)
		snprintf(hint, sizeof(hint), "it is of uid %u, gid %u, mode %04o; you are uid %u, gid %u",
			 info->uid, info->gid, info->mode, geteuid(), getegid());
	else
		snprintf(hint, sizeof(hint), "ask its owner, or root, to do it");
	return refuse(cmd, error, hint, "permission denied: only the owner of the mailbox may do this");
}

/* Report EACCES or EPERM, of the device or of the mailbox. */
static int refuse_permission(const struct command *cmd, int error)
{
	struct mbox_info info;
	char hint[160];
	struct stat st;
	bool known;

	if (faccessat(AT_FDCWD, "/dev/mbox", R_OK | W_OK, AT_EACCESS) &&
	    !stat("/dev/mbox", &st))
		return refuse(cmd, error, "try: chmod 0666 /dev/mbox (as root), as mailboxes have their own modes",
			      "no permission to open /dev/mbox: uid %u, gid %u, mode %04o",
			      st.st_uid, st.st_gid, st.st_mode & 07777);
	if (cmd->verb->first == FIRST_PID)
		return refuse(cmd, error, "that takes the right to send it a signal, or the mode of its inbox",
			      "permission denied: you may not address this process");
	known = look(cmd, &info);
	if (cmd->verb->owner)
		return refuse_others(cmd, error, known ? &info : NULL);
	if (known)
		snprintf(hint, sizeof(hint), "it is of uid %u, gid %u, mode %04o; you are uid %u, gid %u",
			 info.uid, info.gid, info.mode, geteuid(), getegid());
	return refuse(cmd, error, known ? hint : "ask its owner for: mboxctl chmod NAME OCTAL",
		      "permission denied: the mode of the mailbox does not grant the right");
}

/* Whether the largest message of the mailbox fits into @left bytes, however they are counted. */
static bool largest_fits(const struct command *cmd, struct mbox_monitor *mon, uint64_t left)
{
	const struct mbox_monitor_mailbox *box;

	return cmd->name && cmd->verb->first == FIRST_NAME &&
	       !mbox_monitor_get(mon, cmd->id ? NULL : cmd->name, cmd->id, &box) &&
	       2 * (box->msg_size + MBOX_LARGE_CHARGE) <= left;
}

/* Report EDQUOT: say which quota it is, if the kernel tells. */
static int refuse_quota(const struct command *cmd, int error)
{
	static const char hint[] = "mboxctl quota shows what holds it; its limits are user_mailboxes and user_bytes in /sys/module/mbox/parameters";
	char used[HUMAN_SIZE], limit[HUMAN_SIZE];
	const struct mbox_monitor_user *user;
	struct mbox_monitor *mon;
	int status;

	if (mbox_monitor_open(&mon))
		return refuse(cmd, error, hint, "%s", mbox_strerror(error));
	if (mbox_monitor_user(mon, (uid_t)-1, &user)) {
		status = refuse(cmd, error, hint, "%s", mbox_strerror(error));
	} else if (cmd->verb == &create_verb && user->mailboxes >= user->max_mailboxes) {
		status = refuse(cmd, error, hint, "your quota of mailboxes is used up: %u of %u",
				user->mailboxes, user->max_mailboxes);
	} else {
		uint64_t left = user->max_bytes > user->bytes ? user->max_bytes - user->bytes : 0;

		format_size(used, user->bytes);
		format_size(limit, user->max_bytes);
		if (cmd->verb != &create_verb && largest_fits(cmd, mon, left))
			status = refuse(cmd, error, hint,
					"the mailbox holds all of your quota of bytes that one mailbox of another user may take; of the whole quota, %s of %s are used",
					used, limit);
		else
			status = refuse(cmd, error, hint,
					"your quota of bytes has no room for this: %s of %s used",
					used, limit);
	}
	mbox_monitor_close(mon);
	return status;
}

/* Return whether this is another network namespace than that of process 1, if that can be seen. */
static bool other_namespace(void)
{
	struct stat ours, first;

	return !stat("/proc/self/ns/net", &ours) && !stat("/proc/1/ns/net", &first) &&
	       (ours.st_ino != first.st_ino || ours.st_dev != first.st_dev);
}

static const char *hint_absent(const struct command *cmd)
{
	if (other_namespace())
		return "this network namespace is not that of process 1, and each has its own mailboxes";
	if (!cmd->id && (cmd->verb == &send_verb || cmd->verb == &recv_verb))
		return "to make one: mboxctl create NAME";
	return NULL;
}

/* Report an error that any verb may meet. @error is negative. */
int refuse_errno(const struct command *cmd, int error)
{
	const char *hint = NULL;

	switch (-error) {
	case ENODEV:
		return refuse_missing(cmd);
	case EACCES:
	case EPERM:
		return refuse_permission(cmd, error);
	case ENOENT:
		return refuse(cmd, error, hint_absent(cmd), "%s", cmd->id ?
			      "no mailbox with that id" : mbox_strerror(error));
	case EUSERS:
		hint = "see maxprocs and procs: mboxctl show NAME";
		break;
	case EBUSY:
		hint = "wait until the other process closes it or ends";
		break;
	case EDEADLK:
		hint = "say nonblock or timeout=TIME, or receive first";
		break;
	case ESRCH:
		hint = cmd->start ? "the process that started then has ended" :
		       "it must be a process of this pid namespace, not a thread";
		break;
	case EOPNOTSUPP:
		hint = "see kind: mboxctl show NAME; a ring has no priorities, filters or sync";
		break;
	case EDQUOT:
		return refuse_quota(cmd, error);
	}
	return refuse(cmd, error, hint, "%s", mbox_strerror(error));
}

/* Report a value beyond a limit that only the kernel knows. */
int refuse_limits(const struct command *cmd, uint64_t msg_size, uint64_t bytes)
{
	unsigned long long limit;

	if (parameter("max_msg_size", &limit) && msg_size > limit)
		return refuse(cmd, -EINVAL, "as root: echo BYTES >/sys/module/mbox/parameters/max_msg_size",
			      "msgsize=%llu is more than the module allows: %llu",
			      (unsigned long long)msg_size, limit);
	if (!msg_size)
		msg_size = MBOX_MSG_SIZE_DEFAULT;
	if (bytes && bytes < msg_size)
		return refuse(cmd, -EINVAL, "give a larger bytes= or a smaller msgsize=",
			      "bytes=%llu does not hold one message of msgsize=%llu",
			      (unsigned long long)bytes, (unsigned long long)msg_size);
	return refuse_errno(cmd, -EINVAL);
}

/*
 * Report an error of the monitor: its message says more than the number. For the monitor
 * an invisible mailbox does not exist; by its name the device tells the two apart.
 */
int refuse_monitor(const struct command *cmd, const struct mbox_monitor *mon, int error)
{
	struct mbox *mb;

	switch (-error) {
	case ENODEV:
		if (!access("/dev/mbox", F_OK))
			return refuse(cmd, error, NULL, "the mbox module that is loaded has no netlink family");
		return refuse_errno(cmd, error);
	case ENOENT:
		if (cmd->name && !cmd->id && cmd->verb->first != FIRST_PID) {
			int opened = mbox_open(&mb, cmd->name, 0);

			if (!opened)
				mbox_close(mb);
			if (opened == -EACCES)
				error = opened;
		}
		return refuse_errno(cmd, error);
	case EPERM:
	case EACCES:
	case EOPNOTSUPP:
		return refuse_errno(cmd, error);
	default:
		return refuse(cmd, error, NULL, "%s",
			      mon ? mbox_monitor_message(mon) : mbox_strerror(error));
	}
}
