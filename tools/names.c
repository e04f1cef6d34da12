// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: names for numbers of the kernel, users, groups and processes */
#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include "mboxctl.h"

const struct choice states[] = {
	[MBOX_STATE_LIVE] = { .name = "live" },
	[MBOX_STATE_UNLINKED] = { .name = "unlinked" },
	[MBOX_STATE_DRAINING] = { .name = "draining" },
	[MBOX_STATE_DEAD] = { .name = "dead" },
};

const struct choice lifetimes[] = {
	[MBOX_LIFETIME_OS] = { .name = "os" },
	[MBOX_LIFETIME_PROCESS] = { .name = "process" },
	[MBOX_LIFETIME_FD] = { .name = "fd" },
};

const struct choice kinds[] = {
	[MBOX_KIND_MAILBOX] = { .name = "mailbox" },
	[MBOX_KIND_RING] = { .name = "ring" },
	[MBOX_KIND_INBOX] = { .name = "inbox" },
	[MBOX_KIND_LINK] = { .name = "link" },
};

const struct choice policies[] = {
	[MBOX_POLICY_FIFO] = { "fifo", "the receiver that has waited longest" },
	[MBOX_POLICY_LIFO] = { "lifo", "the receiver that has waited shortest" },
	[MBOX_POLICY_RR] = { "rr", "the process that was served least recently" },
	[MBOX_POLICY_PRIO] = { "prio", "the process of the highest scheduling priority" },
	[MBOX_POLICY_BROADCAST] = { "broadcast", "every receiver gets a copy" },
};

_Static_assert(ARRAY_SIZE(policies) == MBOX_POLICY_MAX + 1, "each policy has a name");

static const struct choice calls[] = {
	[MBOX_CALL_RECEIVE] = { .name = "receive" },
	[MBOX_CALL_SEND] = { .name = "send" },
	[MBOX_CALL_RECEIPT] = { .name = "receipt" },
	[MBOX_CALL_CONSUME] = { .name = "consume" },
	[MBOX_CALL_PRODUCE] = { .name = "produce" },
	[MBOX_CALL_ACK] = { .name = "ack" },
	[MBOX_CALL_REPLY] = { .name = "reply" },
};

static const struct choice events[] = {
	[MBOX_EVENT_CREATED] = { .name = "created" },
	[MBOX_EVENT_DELETED] = { .name = "deleted" },
	[MBOX_EVENT_OWNER_DIED] = { .name = "owner-died" },
	[MBOX_EVENT_FULL] = { .name = "full" },
	[MBOX_EVENT_ROOM] = { .name = "room" },
	[MBOX_EVENT_DROPPED] = { .name = "dropped" },
	[MBOX_EVENT_QUOTA] = { .name = "quota" },
	[MBOX_EVENT_OVERRUN] = { .name = "overrun" },
	[MBOX_EVENT_LEASE_ENDING] = { .name = "lease-ending" },
};

static const struct choice hiddens[] = {
	[MBOX_HIDDEN_LEASED] = { .name = "leased" },
	[MBOX_HIDDEN_DELAYED] = { .name = "delayed" },
	[MBOX_HIDDEN_PARKED] = { .name = "parked" },
};

static const struct choice reasons[] = {
	[MBOX_REASON_NONE] = { .name = "none" },
	[MBOX_REASON_DELIVERIES] = { .name = "deliveries" },
	[MBOX_REASON_REJECTED] = { .name = "rejected" },
	[MBOX_REASON_EXPIRED] = { .name = "expired" },
};

/* A newer kernel may have more of them. */
#define NAME_OF(table, num)	((num) < ARRAY_SIZE(table) ? (table)[num].name : "unknown")

const char *state_name(unsigned int state)
{
	return NAME_OF(states, state);
}

const char *lifetime_name(unsigned int lifetime)
{
	return NAME_OF(lifetimes, lifetime);
}

const char *kind_name(unsigned int kind)
{
	return NAME_OF(kinds, kind);
}

static const struct choice spaces[] = {
	[MBOX_SPACE_NONE] = { .name = "" },
	[MBOX_SPACE_MQ] = { .name = "mq" },
	[MBOX_SPACE_SYSV] = { .name = "sysv" },
};

_Static_assert(ARRAY_SIZE(spaces) == MBOX_SPACE_MAX + 1, "each space has a name");

/*
 * Write the name of a mailbox, or its label with its space before it. A label may have any
 * byte: those that a terminal or a shell takes for more than text are written as \xHH.
 * Return whether it has either.
 */
bool name_format(char to[LABEL_TEXT_SIZE], const char *name, uint32_t space, const char *label)
{
	if (space == MBOX_SPACE_NONE) {
		strcpy(to, name);
		return *name;
	}
	to = stpcpy(to, NAME_OF(spaces, space));
	/* Without a label the space is all that is known. */
	if (*label)
		to = stpcpy(to, space == MBOX_SPACE_MQ ? ":/" : ":");
	for (; *label; label++) {
		unsigned char c = (unsigned char)*label;

		if (isalnum(c) || strchr("._-+,:=@%", c))
			*to++ = *label;
		else
			to += sprintf(to, "\\x%02x", c);
	}
	*to = '\0';
	return true;
}

const char *policy_name(unsigned int policy)
{
	return NAME_OF(policies, policy);
}

const char *call_name(unsigned int call)
{
	return NAME_OF(calls, call);
}

const char *event_name(unsigned int event)
{
	return NAME_OF(events, event);
}

const char *hidden_name(unsigned int hidden)
{
	return NAME_OF(hiddens, hidden);
}

const char *reason_name(unsigned int reason)
{
	return NAME_OF(reasons, reason);
}

/* A lookup may take a file or a server, so cache the last ones. */
#define KEPT	64

struct kept {
	bool known;
	uint32_t id;
	char name[32];
};

static const char *keep(struct kept *kept, uint32_t id, const char *name)
{
	kept->known = true;
	kept->id = id;
	if (!name || strlen(name) >= sizeof(kept->name))
		snprintf(kept->name, sizeof(kept->name), "%u", id);
	else
		snprintf(kept->name, sizeof(kept->name), "%s", name);
	return kept->name;
}

/* Return the name of a user, or the number if there is no name. */
const char *user_name(uint32_t uid)
{
	static struct kept users[KEPT];
	struct kept *kept = &users[uid % KEPT];
	struct passwd *passwd;

	if (kept->known && kept->id == uid)
		return kept->name;
	passwd = getpwuid(uid);
	return keep(kept, uid, passwd ? passwd->pw_name : NULL);
}

const char *group_name(uint32_t gid)
{
	static struct kept groups[KEPT];
	struct kept *kept = &groups[gid % KEPT];
	struct group *group;

	if (kept->known && kept->id == gid)
		return kept->name;
	group = getgrgid(gid);
	return keep(kept, gid, group ? group->gr_name : NULL);
}

/*
 * Return the name of a process, or NULL if there is no such process. The process chose
 * it, so replace spaces and characters that a terminal might take for a command.
 */
const char *process_name(uint32_t pid)
{
	static char name[32];
	char path[40];
	size_t length;
	FILE *f;

	if (!pid)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	length = fread(name, 1, sizeof(name) - 1, f);
	fclose(f);
	if (length && name[length - 1] == '\n')
		length--;
	name[length] = '\0';
	for (char *c = name; *c; c++)
		if (!isascii(*c) || !isgraph(*c))
			*c = '?';
	return length ? name : NULL;
}

/* Parse the name or number of a user. */
bool parse_user(const struct word *word, const char *text, uint64_t *num)
{
	const struct passwd *passwd = getpwnam(text);

	if (!passwd)
		return parse_number(word, text, num);
	*num = passwd->pw_uid;
	return true;
}

/* Parse the name or number of a group. */
bool parse_group(const struct word *word, const char *text, uint64_t *num)
{
	const struct group *group = getgrnam(text);

	if (!group)
		return parse_number(word, text, num);
	*num = group->gr_gid;
	return true;
}
