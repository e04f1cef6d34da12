// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: manage Linux mailboxes from the shell. The table of verbs, and main. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "mboxctl.h"

#define VERB(name)	&name##_verb,
const struct verb *const verbs[] = {
	VERBS(VERB)
	NULL
};
#undef VERB

static int print_version(const struct command *cmd)
{
	if (!cmd->json) {
		printf("mboxctl %s (mbox ABI %d)\n", MBOXCTL_VERSION, MBOX_ABI_VERSION);
		return STATUS_DONE;
	}
	out_begin(OUT_FIELDS);
	out_string("version", MBOXCTL_VERSION);
	out_number("abi", MBOX_ABI_VERSION);
	out_close();
	return STATUS_DONE;
}

/*
 * Occupy closed standard files. Else a mailbox could be opened as standard output, and
 * each message received from it would be sent to it again. /dev/null is opened for the
 * wrong direction, so that the file is still unusable.
 */
static void keep_standard_files(void)
{
	static const int direction[] = { O_WRONLY, O_RDONLY, O_RDWR };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", direction[fd]) != fd)
			exit(STATUS_ERROR);
}

static int run(struct command *cmd, int argc, char **argv)
{
	int pos = 1;

	if (!parse_options(cmd, argc, argv, &pos))
		return STATUS_USAGE;
	out_init(cmd->json);
	if (cmd->version)
		return print_version(cmd);
	if (cmd->help)
		return print_help(NULL);
	if (pos >= argc) {
		list_verbs(stderr);
		return STATUS_USAGE;
	}
	cmd->verb = find_verb(cmd, verbs, argv[pos]);
	if (!cmd->verb)
		return STATUS_USAGE;
	if (!parse_words(cmd, argc - pos - 1, argv + pos + 1))
		return STATUS_USAGE;
	out_init(cmd->json);
	if (cmd->version)
		return print_version(cmd);
	if (cmd->help)
		return print_help(cmd->verb->name);
	return cmd->verb->run(cmd);
}

int main(int argc, char **argv)
{
	struct command cmd = { 0 };
	int status, error;

	keep_standard_files();
	/* Writing to a pipe without a reader must be an error with a text, not a death. */
	signal(SIGPIPE, SIG_IGN);

	status = run(&cmd, argc, argv);
	error = out_flush();
	if (error && status == STATUS_DONE)
		status = refuse_output(&cmd, error);
	return status;
}
