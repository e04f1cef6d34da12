// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: words that a mistyped one may have meant, and names that a prefix stands for */
#include <stdio.h>
#include <string.h>
#include "mboxctl.h"

#define GUESS_MAX	24	/* longest word that is compared */

/*
 * Return the distance of two words: letters to insert, remove, replace, or to swap with
 * their neighbour.
 */
static unsigned int distance(const char *a, size_t m, const char *b, size_t n)
{
	unsigned int rows[3][GUESS_MAX + 1];

	for (size_t j = 0; j <= n; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= m; i++) {
		unsigned int *row = rows[i % 3];
		const unsigned int *before = rows[(i - 1) % 3], *third = rows[(i + 1) % 3];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned int best = before[j - 1] + (a[i - 1] != b[j - 1]);

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    third[j - 2] + 1 < best)
				best = third[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[m % 3][n];
}

void guess_begin(struct guess *guess, const char *text, size_t length)
{
	*guess = (struct guess) { .text = text, .length = length };
	/* A word of two letters is near too many others. */
	guess->nearest = length < 3 ? 1 : length < 5 ? 2 : 3;
}

/* Compare with one more word. guess->word is the nearest so far, if one is near. */
void guess_try(struct guess *guess, const char *word)
{
	size_t length = strlen(word);
	unsigned int d;

	if (guess->length > GUESS_MAX || length > GUESS_MAX)
		return;
	d = distance(guess->text, guess->length, word, length);
	if (d < guess->nearest) {
		guess->nearest = d;
		guess->word = word;
	}
}

/* Call @fn for each name that the verb has. */
static void each_name(const struct verb *verb,
		      void (*fn)(const struct verb *verb, const char *name, size_t length, void *arg),
		      void *arg)
{
	const char *alias = verb->aliases;

	fn(verb, verb->name, strlen(verb->name), arg);
	while (alias && *alias) {
		size_t length = strcspn(alias, " ");

		fn(verb, alias, length, arg);
		alias += length + (alias[length] == ' ');
	}
}

struct search {
	const char *text;
	size_t length;
	const struct verb *exact, *first;
	bool several;
	char *names;			/* that @text begins, for an error */
	size_t size;
};

static void match(const struct verb *verb, const char *name, size_t length, void *arg)
{
	struct search *search = arg;
	size_t used = strlen(search->names);

	if (strncmp(name, search->text, search->length))
		return;
	if (length == search->length)
		search->exact = verb;
	if (search->first == verb)
		return;
	search->several |= search->first != NULL;
	search->first = verb;
	if (used + length + 3 < search->size)
		snprintf(search->names + used, search->size - used, "%s%.*s", used ? ", " : "",
			 (int)length, name);
}

static void near(const struct verb *verb, const char *name, size_t length, void *arg)
{
	unsigned int nearest = ((struct guess *)arg)->nearest;
	char word[GUESS_MAX + 1];

	if (length > GUESS_MAX)
		return;
	snprintf(word, sizeof(word), "%.*s", (int)length, name);
	guess_try(arg, word);
	/* An alias stands for its verb. */
	if (((struct guess *)arg)->nearest != nearest)
		((struct guess *)arg)->word = verb->name;
}

/*
 * Find a verb in a table that ends with NULL: by name, by alias, or by the beginning of
 * one that no other verb's name has. Else report an error and return NULL.
 */
const struct verb *find_verb(const struct command *cmd, const struct verb *const *table,
			     const char *name)
{
	char names[120] = "";
	struct search search = {
		.text = name, .length = strlen(name), .names = names, .size = sizeof(names),
	};
	struct guess guess;

	guess_begin(&guess, name, search.length);
	for (; *table; table++) {
		each_name(*table, match, &search);
		each_name(*table, near, &guess);
	}
	if (search.exact)
		return search.exact;
	if (search.first && !search.several && search.length)
		return search.first;
	if (search.several && search.length)
		usage(cmd, "%s: may be any of %s", name, names);
	else if (guess.word)
		usage(cmd, "%s: unknown verb; did you mean %s?", name, guess.word);
	else
		usage(cmd, "%s: unknown verb", name);
	return NULL;
}
