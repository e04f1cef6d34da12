// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl run: an unchanged program of another interface, on mailboxes */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mboxctl.h"

/* The exit status of a shell for a command that is not there, or that cannot be run. */
#define NOT_FOUND	127
#define NOT_RUN		126

#define PATH_SIZE	4096

enum { MQ, SYSV };

static const struct word words[] = {
	[MQ] = { .name = "mq", .help = "serve mq_open(3) and its relatives: POSIX message queues" },
	[SYSV] = { .name = "sysv", .help = "serve msgget(2) and its relatives: System V message queues" },
	{ 0 },
};

_Static_assert(ARRAY_SIZE(words) <= WORDS_MAX, "room for the values");

static const char *const libraries[] = {
	[MQ] = "libmbox-mqueue.so",
	[SYSV] = "libmbox-sysv.so",
};

/* Write the path of a library: as it is built or installed beside this program, or is installed. */
static bool find_library(char path[PATH_SIZE], const char *name)
{
	static const char *const places[] = { "lib", "lib/mbox" };
	char self[PATH_SIZE / 2];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	/* Without the last two: the name, and its directory. */
	for (int up = 0; length > 0 && up < 2; up++) {
		while (length > 0 && self[length - 1] != '/')
			length--;
		if (length > 0)
			length--;
	}
	for (size_t i = 0; length >= 0 && i < ARRAY_SIZE(places); i++) {
		snprintf(path, PATH_SIZE, "%.*s/%s/%s", (int)length, self, places[i], name);
		if (!access(path, R_OK))
			return true;
	}
	snprintf(path, PATH_SIZE, LIBDIR "/mbox/%s", name);
	return !access(path, R_OK);
}

/* Put a library before the others of LD_PRELOAD. Return an exit status. */
static int preload(const struct command *cmd, const char *name)
{
	const char *others = getenv("LD_PRELOAD");
	char path[PATH_SIZE], *all;
	int ret;

	if (!find_library(path, name))
		return refuse(cmd, -ENOENT, "the Debian package libmbox-frontends has it, and make install",
			      "%s is not installed", name);
	/* Both end a name in the list. */
	if (strpbrk(path, ": "))
		return refuse(cmd, -EINVAL, NULL, "%s: LD_PRELOAD takes no such path", path);
	if (!others || !*others)
		ret = setenv("LD_PRELOAD", path, 1);
	else if (asprintf(&all, "%s:%s", path, others) < 0)
		ret = -1;
	else
		ret = setenv("LD_PRELOAD", all, 1);
	return ret ? refuse(cmd, -ENOMEM, NULL, "no memory") : 0;
}

static int run(struct command *cmd)
{
	int status = 0;

	if (!cmd->v[MQ].given && !cmd->v[SYSV].given)
		return usage(cmd, "mq or sysv is missing");
	if (!cmd->text)
		return usage(cmd, "COMMAND is missing; it comes after --");
	for (size_t i = 0; !status && i < ARRAY_SIZE(libraries); i++) {
		if (cmd->v[i].given)
			status = preload(cmd, libraries[i]);
	}
	if (status)
		return status;
	execvp(cmd->text[0], cmd->text);
	status = errno == ENOENT ? NOT_FOUND : NOT_RUN;
	refuse(cmd, -errno, NULL, "%s: %s", cmd->text[0], strerror(errno));
	return status;
}

const struct verb run_verb = {
	.name = "run",
	.operands = "",
	.synopsis = "mq|sysv... -- COMMAND...",
	.summary = "run an unchanged program with its message queues on mailboxes",
	.notes = "It does not meet programs that run without; see mbox_mqueue(7) and mbox_sysv(7). Programs\n"
		 "that are linked statically, or that make system calls themselves, are not served.",
	.words = words,
	.first = FIRST_NONE,
	.command = true,
	.run = run,
};
