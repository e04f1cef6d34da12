// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: manage Linux mailboxes from the shell. Verbs, options and help. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mboxctl.h"

static const struct verb *const verbs[] = {
	&create_verb, &delete_verb, &send_verb, &recv_verb,
	&list_verb, &show_verb, &watch_verb, &top_verb, &stat_verb, &links_verb,
	&purge_verb, &chmod_verb, &chown_verb, &handover_verb,
	&link_verb, &inbox_verb, &tour_verb, &help_verb,
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static void list_verbs(FILE *to)
{
	fputs("usage: mboxctl [OPTIONS] VERB [NAME] [key=value|flag...]\n\nverbs:\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(to, "  %-8s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\noptions:\n"
	      "  -j, --json     print JSON\n"
	      "  -v, --verbose  print what was done, where this is silent by default\n"
	      "  -h, --help     print this; after a verb, the verb's own help\n"
	      "  --version      print the version\n"
	      "  --             ends the options; in send, TEXT follows\n"
	      "\n"
	      "exit status: 0 done, 1 usage, 2 the kernel said no\n", to);
}

/* Broken between the words of the synopsis where a line is full. */
static void print_usage(const struct verb *verb)
{
	int column = printf("usage: mboxctl [OPTIONS] %s", verb->name);

	for (const char *s = verb->synopsis; *s; s += strspn(s, " ")) {
		int length = (int)strcspn(s, " ");

		if (column + length + 1 > 79)
			column = printf("\n      ") - 1;
		column += printf(" %.*s", length, s);
		s += length;
	}
	putchar('\n');
}

static void describe_verb(const struct verb *verb)
{
	print_usage(verb);
	printf("\n%s\n", verb->summary);
	if (verb->subs || (verb->words && verb->words->name))
		putchar('\n');
	for (const struct verb *const *sub = verb->subs; sub && *sub; sub++)
		printf("  %-16s %s\n", (*sub)->name, (*sub)->summary);
	for (const struct word *w = verb->words; w && w->name; w++) {
		char form[40];

		snprintf(form, sizeof(form), "%s%s%s", w->name,
			 w->arg ? "=" : "", w->arg ? w->arg : "");
		if (strlen(form) > 16)
			printf("  %s\n  %-16s %s\n", form, "", w->help);
		else
			printf("  %-16s %s\n", form, w->help);
	}
	if (verb->notes)
		printf("\n%s\n", verb->notes);
	if (verb->more)
		verb->more();
}

int print_help(const char *verb_name)
{
	const struct verb *verb = verb_name ? find_verb(verb_name) : NULL;

	if (verb_name && !verb) {
		fprintf(stderr, "mboxctl: help: there is no verb %s\n"
			"  try: mboxctl help\n", verb_name);
		return STATUS_USAGE;
	}
	if (verb)
		describe_verb(verb);
	else
		list_verbs(stdout);
	return STATUS_DONE;
}

static int run_help(struct command *cmd)
{
	return print_help(cmd->name);
}

const struct verb help_verb = {
	.name = "help",
	.synopsis = "[VERB]",
	.summary = "explain mboxctl or one of its verbs",
	.run = run_help,
};

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
 * Without this, a mailbox that is opened while standard output is closed would
 * become standard output, and what is received would be sent to it again. The
 * file is opened for the wrong direction, so that using it still fails.
 */
static void keep_standard_files(void)
{
	static const int direction[] = { O_WRONLY, O_RDONLY, O_RDWR };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", direction[fd]) != fd)
			exit(STATUS_REFUSED);
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
	cmd->verb = find_verb(argv[pos]);
	if (!cmd->verb) {
		fprintf(stderr, "mboxctl: %s: there is no such verb\n"
			"  try: mboxctl help\n", argv[pos]);
		return STATUS_USAGE;
	}
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
	/* A reader that went away is to be an error with a text, not a death. */
	signal(SIGPIPE, SIG_IGN);

	status = run(&cmd, argc, argv);
	error = out_flush();
	if (error && status == STATUS_DONE)
		status = refuse_output(&cmd, error);
	return status;
}
