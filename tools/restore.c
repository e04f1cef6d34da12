// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl restore: make the mailboxes that files define, each line being the words of create */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mboxctl.h"

#define PLACES		"/etc/mbox.d/*.conf"
#define LINE_WORDS	(WORDS_MAX + 4)

/* Make the mailbox of a line, unless it is there already. Return an exit status. */
static int restore_line(const struct command *cmd, const char *path, unsigned long number, char *line)
{
	struct command create = {
		.verb = &create_verb, .verbose = cmd->verbose, .json = cmd->json,
		.file = path, .line = number,
	};
	static char ifmissing[] = "ifmissing";
	char *argv[LINE_WORDS], *save = NULL;
	bool given = false;
	int argc = 0;

	for (char *word = strtok_r(line, " \t\r\n", &save); word;
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		/* The rest is a comment. */
		if (*word == '#')
			break;
		if (argc == LINE_WORDS - 1)
			return usage(&create, "too many words");
		given |= !strcmp(word, ifmissing);
		argv[argc++] = word;
	}
	if (!argc)
		return STATUS_DONE;
	if (!given)
		argv[argc++] = ifmissing;
	if (!parse_words(&create, argc, argv))
		return STATUS_USAGE;
	if (create.help || create.version)
		return usage(&create, "a line has the words of create only");
	return create.verb->run(&create);
}

/* Do all lines, also after one that fails. Return the status of the last that failed. */
static int restore_file(const struct command *cmd, const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	unsigned long number = 0;
	int status = STATUS_DONE;
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return refuse(cmd, 0, NULL, "%s: %s", path, strerror(errno));
	while (getline(&line, &size, f) >= 0) {
		int ret = restore_line(cmd, path, ++number, line);

		if (ret)
			status = ret;
	}
	if (ferror(f))
		status = refuse(cmd, 0, NULL, "%s: %s", path, strerror(errno));
	free(line);
	if (f != stdin)
		fclose(f);
	return status;
}

static int restore_all(const struct command *cmd)
{
	int status = STATUS_DONE;
	glob_t found;

	if (glob(PLACES, 0, NULL, &found))
		return STATUS_DONE;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int ret = restore_file(cmd, found.gl_pathv[i]);

		if (ret)
			status = ret;
	}
	globfree(&found);
	return status;
}

static int run(struct command *cmd)
{
	int status;

	if (!cmd->name)
		return restore_all(cmd);
	status = restore_file(cmd, cmd->name);
	for (int i = 0; i < cmd->nmore; i++) {
		int ret = restore_file(cmd, cmd->more[i]);

		if (ret)
			status = ret;
	}
	return status;
}

const struct verb restore_verb = {
	.name = "restore",
	.operands = "[FILE...]",
	.summary = "make the mailboxes that files define, unless they exist",
	.notes = "Without FILE, those in /etc/mbox.d/*.conf; - is standard input. Each line is a NAME and\n"
		 "words of create; # begins a comment. A mailbox that exists is left as it is, and is an\n"
		 "error if an attribute that the line gives differs. Errors do not end it.",
	.first = FIRST_FILES,
	.more_names = true,
	.run = run,
};
