// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl chown */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include "mboxctl.h"

/* For the calls, the highest number means "leave it". */
static const struct word id = { .max = UINT32_MAX - 1 };

static bool find_user(const char *text, uid_t *uid)
{
	const struct passwd *user;
	uint64_t num;

	if (parse_number(&id, text, &num)) {
		*uid = (uid_t)num;
		return true;
	}
	user = getpwnam(text);
	if (user)
		*uid = user->pw_uid;
	return user;
}

static bool find_group(const char *text, gid_t *gid)
{
	const struct group *group;
	uint64_t num;

	if (parse_number(&id, text, &num)) {
		*gid = (gid_t)num;
		return true;
	}
	group = getgrnam(text);
	if (group)
		*gid = group->gr_gid;
	return group;
}

static int run(struct command *cmd)
{
	char *user = cmd->operand, *group;
	struct mbox_ioc_set set = { .mask = 0 };
	uid_t uid;
	gid_t gid;

	group = strchr(user, ':');
	if (group)
		*group++ = '\0';
	if (*user || !group) {
		if (!find_user(user, &uid))
			return usage(cmd, "%s: neither a user nor a user id", user);
		set.mask |= MBOX_SET_UID;
		set.uid = uid;
	}
	if (group) {
		if (!find_group(group, &gid))
			return usage(cmd, "%s: neither a group nor a group id", group);
		set.mask |= MBOX_SET_GID;
		set.gid = gid;
	}
	return set_box(cmd, &set);
}

const struct verb chown_verb = {
	.name = "chown",
	.operands = "NAME UID[:GID]",
	.summary = "change the owner and group of a mailbox",
	.notes = "UID and GID are numbers or names; :GID alone changes the group only. Another owner,\n"
		 "and a group that you are not in, need CAP_IPC_OWNER, as root has.",
	.owner = true,
	.operand = "UID[:GID]",
	.operand_hints = "USER",
	.run = run,
};
