// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: numbers of the kernel into words, and back */
#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include "mboxctl.h"

static const char *const states[] = {
	[MBOX_STATE_LIVE] = "live",
	[MBOX_STATE_UNLINKED] = "unlinked",
	[MBOX_STATE_DRAINING] = "draining",
	[MBOX_STATE_DEAD] = "dead",
};

static const char *const lifetimes[] = {
	[MBOX_LIFETIME_OS] = "os",
	[MBOX_LIFETIME_PROCESS] = "process",
	[MBOX_LIFETIME_FD] = "fd",
};

static const char *const kinds[] = {
	[MBOX_KIND_MAILBOX] = "mailbox",
	[MBOX_KIND_RING] = "ring",
	[MBOX_KIND_INBOX] = "inbox",
	[MBOX_KIND_LINK] = "link",
};

static const char *const policies[] = {
	[MBOX_POLICY_FIFO] = "fifo",
	[MBOX_POLICY_LIFO] = "lifo",
	[MBOX_POLICY_RR] = "rr",
	[MBOX_POLICY_PRIO] = "prio",
	[MBOX_POLICY_BROADCAST] = "broadcast",
};

static const char *const calls[] = {
	[MBOX_CALL_RECEIVE] = "receive",
	[MBOX_CALL_SEND] = "send",
	[MBOX_CALL_RECEIPT] = "receipt",
	[MBOX_CALL_CONSUME] = "consume",
	[MBOX_CALL_PRODUCE] = "produce",
};

static const char *const events[] = {
	[MBOX_EVENT_CREATED] = "created",
	[MBOX_EVENT_DELETED] = "deleted",
	[MBOX_EVENT_OWNER_DIED] = "owner-died",
	[MBOX_EVENT_FULL] = "full",
	[MBOX_EVENT_ROOM] = "room",
	[MBOX_EVENT_DROPPED] = "dropped",
	[MBOX_EVENT_QUOTA] = "quota",
	[MBOX_EVENT_OVERRUN] = "overrun",
};

/* A newer kernel may have more of them. */
#define NAME_OF(names, num)	((num) < ARRAY_SIZE(names) ? (names)[num] : "unknown")

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

/* Looking one up may take a file or a server: the last ones are kept. */
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

/* The name of a user, or the number where there is none. */
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
 * The name of a process, which it chooses itself: one word, without what a
 * terminal might take for a command. NULL if it is not there.
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

static bool parse_name(const char *const *names, size_t count, const char *text,
		       uint64_t *num)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], text))
			continue;
		*num = i;
		return true;
	}
	return false;
}

bool parse_state(const struct word *word, const char *text, uint64_t *num)
{
	(void)word;
	return parse_name(states, MBOX_STATE_DEAD, text, num);
}

bool parse_kind(const struct word *word, const char *text, uint64_t *num)
{
	(void)word;
	return parse_name(kinds, MBOX_KIND_RING + 1, text, num);
}

/* A name, or the number of one that has none. */
bool parse_user(const struct word *word, const char *text, uint64_t *num)
{
	const struct passwd *passwd = getpwnam(text);

	if (!passwd)
		return parse_number(word, text, num);
	*num = passwd->pw_uid;
	return true;
}
