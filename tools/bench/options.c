// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: options. A wrong one ends the program with status 1. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"

struct options options;

static const struct option long_options[] = {
	{ "workloads", required_argument, NULL, 'w' },
	{ "peers", required_argument, NULL, 'p' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "duration", required_argument, NULL, 'd' },
	{ "settle", required_argument, NULL, 's' },
	{ "output", required_argument, NULL, 'o' },
	{ "json", no_argument, NULL, 'j' },
	{ "quick", no_argument, NULL, 'q' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *to)
{
	fputs("usage: mboxbench [OPTION]...\n"
	      "\n"
	      "Measures mbox beside the other ways to pass messages. Lower is better. The ratio is to\n"
	      "the best peer other than mbox, among those that make calls or among rings.\n"
	      "\n"
	      "  -w, --workloads LIST   workloads, or patterns of rows, as pair or 'oneway/1cpu/*'\n"
	      "  -p, --peers LIST       peers, as mbox,pipe\n"
	      "  -r, --rounds N         rounds that count (5; with -q 2)\n"
	      "  -d, --duration MS      milliseconds of each trial (60; with -q 20)\n"
	      "  -s, --settle SECONDS   wait before the first trial (5)\n"
	      "  -q, --quick            fewer rows, shorter\n"
	      "  -j, --json             print JSON, an object for each row and peer\n"
	      "  -o, --output FILE      write that to FILE, beside the table\n"
	      "  -l, --list             list workloads and peers, and the rows that would be run\n"
	      "  -h, --help             print this\n"
	      "  -V, --version          print the version\n", to);
}

static void fail_usage(const char *what, const char *why)
{
	fprintf(stderr, "mboxbench: %s: %s\n", what, why);
	exit(1);
}

static unsigned long parse_number(const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max) {
		fprintf(stderr, "mboxbench: %s: has to be a number from %lu to %lu\n", text, min,
			max);
		exit(1);
	}
	return value;
}

void options_parse(int argc, char **argv)
{
	int option;

	options.settle = 5;
	while ((option = getopt_long(argc, argv, "w:p:r:d:s:o:jqlhV", long_options, NULL)) >= 0) {
		switch (option) {
		case 'w':
			options.rows = optarg;
			break;
		case 'p':
			options.peers = optarg;
			break;
		case 'r':
			options.rounds = parse_number(optarg, 1, STAT_MAX);
			break;
		case 'd':
			options.duration_ms = parse_number(optarg, 1, 100000);
			break;
		case 's':
			options.settle = parse_number(optarg, 0, 1000);
			break;
		case 'o':
			options.output = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'q':
			options.quick = true;
			break;
		case 'l':
			options.list = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		case 'V':
			puts("mboxbench " MBOXBENCH_VERSION);
			exit(0);
		default:
			exit(1);
		}
	}
	if (optind < argc)
		fail_usage(argv[optind], "unknown argument");
	if (!options.rounds)
		options.rounds = options.quick ? 2 : 5;
	if (!options.duration_ms)
		options.duration_ms = options.quick ? 20 : 60;
}

/* Take the next word of a list that commas separate. Return its length, 0 at the end. */
static size_t list_next(const char **list, const char **word)
{
	size_t length;

	while (**list == ',')
		(*list)++;
	*word = *list;
	length = strcspn(*list, ",");
	*list += length;
	return length;
}

/* Does a word of the list name the workload of the row, or fit the row's name? */
static bool row_fits(const struct row *row, const char *list)
{
	const char *word;
	size_t length;

	if (!list)
		return true;
	while ((length = list_next(&list, &word))) {
		char *pattern = strndup(word, length);
		bool fits = pattern && (!strcmp(pattern, row->workload->name) ||
					!fnmatch(pattern, row->name, 0));

		free(pattern);
		if (fits)
			return true;
	}
	return false;
}

bool options_want_row(const struct row *row)
{
	return row_fits(row, options.rows);
}

bool options_want_peer(const struct peer *peer)
{
	const char *list = options.peers, *word;
	size_t length;

	if (!list)
		return true;
	while ((length = list_next(&list, &word)))
		if (peer_find(word, length) == peer)
			return true;
	return false;
}

/* End the program if a word of a list is wrong. */
void options_check(const struct plan *plan)
{
	const char *list = options.peers, *word;
	size_t length;

	while (list && (length = list_next(&list, &word)))
		if (!peer_find(word, length))
			fail_usage(strndup(word, length), "no peer is called that; see mboxbench -l");
	list = options.rows;
	while (list && (length = list_next(&list, &word))) {
		char *pattern = strndup(word, length);
		bool fits = workload_find(word, length);

		for (size_t i = 0; i < plan->count && pattern; i++)
			fits |= row_fits(&plan->rows[i], pattern);
		if (!fits)
			fail_usage(pattern, "no row fits; see mboxbench -l");
		free(pattern);
	}
}

void options_list(const struct plan *plan)
{
	puts("peers:");
	for (size_t i = 0; i < peers_count; i++)
		printf("  %-12s %s%s%s%s\n", peers[i]->name, peers[i]->about,
		       peers[i]->absent ? " (" : "", peers[i]->absent ? peers[i]->absent : "",
		       peers[i]->absent ? ")" : "");
	puts("workloads:");
	for (size_t i = 0; i < workloads_count; i++)
		printf("  %-12s %s\n", workloads[i]->name, workloads[i]->about);
	puts("rows:");
	for (size_t i = 0; i < plan->count; i++)
		if (options_want_row(&plan->rows[i]))
			printf("  %s\n", plan->rows[i].name);
}
