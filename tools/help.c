// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl help: describe verbs and their words, for people and for completion */
#include <stdio.h>
#include <string.h>
#include "mboxctl.h"

#define LINE_WIDTH	79
#define FORM_SIZE	80

enum { WORDS };

static const struct word words[] = {
	[WORDS] = { .name = "--words", .help = "print the words that may be typed, for completion" },
	{ 0 },
};

void list_verbs(FILE *to)
{
	fputs("usage: mboxctl [OPTIONS] VERB [NAME] [key=value|flag...]\n\nverbs:\n", to);
	for (const struct verb *const *verb = verbs; *verb; verb++)
		fprintf(to, "  %-8s %s\n", (*verb)->name, (*verb)->summary);
	fputs("\noptions:\n"
	      "  -j, --json     print JSON\n"
	      "  -v, --verbose  print the result of verbs that are silent by default\n"
	      "  -w, --wide     print all columns, also those that do not fit the window\n"
	      "  -h, --help     print this; after a verb, the verb's own help\n"
	      "  --version      print the version\n"
	      "  --             ends the options; TEXT or COMMAND follows\n"
	      "\n"
	      "verbs and key= may be abbreviated. Exit status: 0 done, 1 usage, 2 error, 3 would\n"
	      "block or time was up, 4 no such mailbox or it is gone, 5 not permitted.\n", to);
}

/* Write a word as it is typed: flag, key=ARG or key=one|other. */
static void format_word(char *text, size_t size, const struct word *word)
{
	size_t length;

	length = (size_t)snprintf(text, size, "%s%s%s", word->name, word->parse ? "=" : "",
				  word->arg ? word->arg : "");
	for (uint64_t i = 0; word->choices && i <= word->max && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? "|" : "",
					   word->choices[i].name);
}

/* Print the items of a synopsis, and break a full line between two of them. */
static void print_items(int *column, const char *items)
{
	for (; *items; items += strspn(items, " ")) {
		int length = (int)strcspn(items, " ");

		if (*column + length + 1 > LINE_WIDTH)
			*column = printf("\n      ") - 1;
		*column += printf(" %.*s", length, items);
		items += length;
	}
}

static void print_usage(const struct verb *verb)
{
	int column = printf("usage: mboxctl [OPTIONS] %s", verb->name);

	print_items(&column, verb->operands);
	if (verb->synopsis)
		print_items(&column, verb->synopsis);
	for (const struct word *w = verb->words; !verb->synopsis && w && w->name; w++) {
		char form[FORM_SIZE], item[FORM_SIZE + 2];

		format_word(form, sizeof(form), w);
		snprintf(item, sizeof(item), "[%s]", form);
		print_items(&column, item);
	}
	if (verb->text && !verb->synopsis)
		print_items(&column, "[TEXT...]");
	putchar('\n');
}

/* Print the values of a word that have a help of their own. */
static void describe_choices(const struct word *word)
{
	printf("\n%s is one of\n", word->name);
	for (uint64_t i = 0; i <= word->max; i++)
		printf("    %-14s %s\n", word->choices[i].name, word->choices[i].help);
}

static void describe_verb(const struct verb *verb)
{
	print_usage(verb);
	printf("\n%s\n", verb->summary);
	if (verb->aliases)
		printf("also called: %s\n", verb->aliases);
	if (verb->subs || (verb->words && verb->words->name))
		putchar('\n');
	for (const struct verb *const *sub = verb->subs; sub && *sub; sub++)
		printf("  %-16s %s\n", (*sub)->name, (*sub)->summary);
	for (const struct word *w = verb->words; w && w->name; w++) {
		char form[FORM_SIZE];

		format_word(form, sizeof(form), w);
		if (strlen(form) > 16)
			printf("  %s\n  %-16s %s\n", form, "", w->help);
		else
			printf("  %-16s %s\n", form, w->help);
	}
	for (const struct word *w = verb->words; w && w->name; w++)
		if (w->choices && w->choices->help)
			describe_choices(w);
	if (verb->notes)
		printf("\n%s\n", verb->notes);
	if (verb->more)
		verb->more();
}

/* For completion: each line is a kind, and the words that may be typed there. */

static void print_first(const struct verb *verb)
{
	switch (verb->first) {
	case FIRST_NAME:
		puts("first NAME");
		break;
	case FIRST_NEW:
		puts("first");
		break;
	case FIRST_MAYBE:
		puts("maybe NAME");
		break;
	case FIRST_PID:
		puts("first PID");
		break;
	case FIRST_VERB:
		fputs("maybe", stdout);
		for (const struct verb *const *other = verbs; *other; other++)
			printf(" %s", (*other)->name);
		putchar('\n');
		break;
	case FIRST_USER:
		puts("maybe USER");
		break;
	case FIRST_FILES:
		puts("maybe FILE");
		break;
	case FIRST_NONE:
		break;
	}
}

static void print_values(const struct word *word)
{
	printf("word %s%s", word->name, word->parse ? "=" : "");
	for (uint64_t i = 0; word->choices && i <= word->max; i++)
		printf(" %s", word->choices[i].name);
	if (word->hints)
		printf(" %s", word->hints);
	if (word->print_hints)
		word->print_hints();
	putchar('\n');
}

static void print_options(void)
{
	static const char *const options[] = {
		"-j", "--json", "-v", "--verbose", "-w", "--wide", "-h", "--help", "--version", "--",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		printf("option %s\n", options[i]);
}

static void print_words(const struct verb *verb)
{
	print_first(verb);
	if (verb->more_names)
		printf("more %s\n", verb->first == FIRST_FILES ? "FILE" : "NAME");
	print_options();
	if (verb->operand)
		printf("operand %s\n", verb->operand_hints);
	for (const struct verb *const *sub = verb->subs; sub && *sub; sub++)
		printf("verb %s\n", (*sub)->name);
	for (const struct word *w = verb->words; w && w->name; w++)
		print_values(w);
}

static void print_verbs(void)
{
	for (const struct verb *const *verb = verbs; *verb; verb++)
		printf("verb %s\n", (*verb)->name);
	print_options();
}

static int explain(const char *verb_name, bool as_words)
{
	static const struct command none;
	const struct verb *verb = NULL;

	if (verb_name) {
		verb = find_verb(&none, verbs, verb_name);
		if (!verb)
			return STATUS_USAGE;
	}
	if (as_words)
		verb ? print_words(verb) : print_verbs();
	else
		verb ? describe_verb(verb) : list_verbs(stdout);
	return STATUS_DONE;
}

int print_help(const char *verb_name)
{
	return explain(verb_name, false);
}

static int run(struct command *cmd)
{
	return explain(cmd->name, cmd->v[WORDS].given);
}

const struct verb help_verb = {
	.name = "help",
	.operands = "[VERB]",
	.summary = "explain mboxctl or one of its verbs",
	.words = words,
	.first = FIRST_VERB,
	.run = run,
};
