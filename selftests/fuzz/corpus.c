// SPDX-License-Identifier: GPL-2.0-only
/* The programs that covered something new, made short. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define CORPUS_MAX	4096
#define TRIES		3	/* runs in which a program with lanes has to show its new features once */
#define FEATURES_MAX	4096

static struct program *corpus[CORPUS_MAX];

unsigned int corpus_size;

const struct program *corpus_get(unsigned int i)
{
	return corpus[i];
}

/* A program too many replaces the eldest. */
void corpus_add(const struct program *prog)
{
	static unsigned int oldest;
	struct program **place;

	if (corpus_size < CORPUS_MAX)
		place = &corpus[corpus_size++];
	else
		place = &corpus[oldest++ % CORPUS_MAX];
	if (!*place)
		*place = malloc(sizeof(**place));
	if (!*place)
		abort();
	**place = *prog;
}

static bool has_lanes(const struct program *prog)
{
	unsigned int i;

	for (i = 0; i < prog->n; i++) {
		if (prog->calls[i].lane)
			return true;
	}
	return false;
}

/* Does @prog still cover these? */
static bool covers(const struct program *prog, const uint32_t *features, unsigned int n)
{
	unsigned int tries = has_lanes(prog) ? TRIES : 1;

	while (tries--) {
		exec_program(prog);
		kcov_end(NULL, 0);
		if (kcov_had(features, n))
			return true;
	}
	return false;
}

/* Those of the features that come again. */
static unsigned int stable(const struct program *prog, uint32_t *features, unsigned int n)
{
	bool again[FEATURES_MAX] = { false };
	unsigned int tries = TRIES, kept = 0, i;

	while (tries--) {
		exec_program(prog);
		kcov_end(NULL, 0);
		for (i = 0; i < n; i++)
			again[i] |= kcov_had(&features[i], 1);
	}
	for (i = 0; i < n; i++) {
		if (again[i])
			features[kept++] = features[i];
	}
	return kept;
}

static void drop_calls(struct program *prog, const uint32_t *features, unsigned int n)
{
	struct program shorter;
	unsigned int i;

	for (i = prog->n; i-- > 0 && prog->n > 1; ) {
		shorter = *prog;
		shorter.n--;
		memmove(&shorter.calls[i], &shorter.calls[i + 1], (shorter.n - i) * sizeof(shorter.calls[0]));
		if (covers(&shorter, features, n))
			*prog = shorter;
	}
}

static void simplify_call(struct program *prog, unsigned int at, const uint32_t *features, unsigned int n)
{
	struct call *call = &prog->calls[at];
	const struct op *op = &ops[call->op];
	unsigned int i;

	for (i = 0; i < op->nr_fields + 3; i++) {
		struct call before = *call;

		if (i == op->nr_fields) {
			call->times = 1;
		} else if (i == op->nr_fields + 1) {
			call->compat = false;
		} else if (i == op->nr_fields + 2) {
			call->lane = 0;
			call->settle = false;
		} else {
			call->arg[i] = op->fields[i].dflt;
		}
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): padding that differs costs an attempt */
		if (memcmp(&before, call, sizeof(before)) && !covers(prog, features, n))
			*call = before;
	}
}

/**
 * corpus_triage - make a program that covered something new short
 * @prog:	the program, changed in place
 * @fresh:	features that it covered and none before it
 * @n:		how many these are
 */
void corpus_triage(struct program *prog, const uint32_t *fresh, unsigned int n)
{
	uint32_t features[FEATURES_MAX];
	unsigned int i;

	if (n > FEATURES_MAX)
		n = FEATURES_MAX;
	memcpy(features, fresh, n * sizeof(features[0]));
	n = stable(prog, features, n);
	/* New features that came from a race, and do not come again, cannot be minimized. */
	if (!n)
		return;
	drop_calls(prog, features, n);
	for (i = 0; i < prog->n; i++)
		simplify_call(prog, i, features, n);
}

/* Read programs, one on each line; lines that begin with # are for people. Ends us if one is wrong. */
unsigned int corpus_load(const char *path, struct program **progs)
{
	unsigned int n = 0, line = 0;
	char *text = NULL, error[256];
	size_t size = 0;
	FILE *file;

	file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!file) {
		perror(path);
		exit(2);
	}
	*progs = NULL;
	while (getline(&text, &size, file) > 0) {
		line++;
		if (n % 64 == 0) {
			*progs = realloc(*progs, (n + 64) * sizeof(**progs));
			if (!*progs)
				abort();
		}
		if (!program_parse(&(*progs)[n], text, error, sizeof(error))) {
			fprintf(stderr, "%s:%u: %s\n", path, line, error);
			exit(2);
		}
		n += (*progs)[n].n > 0;
	}
	free(text);
	fclose(file);
	return n;
}

/* Print a small set of programs that together cover as much as all do. */
void corpus_cover(struct program *progs, unsigned int n)
{
	uint8_t *left = calloc(FEATURES, 1);
	uint32_t (*had)[FEATURES_MAX] = calloc(n, sizeof(*had));
	unsigned int *count = calloc(n, sizeof(*count));
	unsigned int i, j, tries;
	char text[MAX_TEXT];

	if (!left || !had || !count)
		abort();
	for (i = 0; i < n; i++) {
		for (tries = 0; tries < TRIES; tries++) {
			exec_name(i);
			exec_program(&progs[i]);
			kcov_end(NULL, 0);
			count[i] += kcov_all(had[i] + count[i], FEATURES_MAX - count[i]);
		}
		for (j = 0; j < count[i]; j++)
			left[had[i][j]] = 1;
	}
	for (;;) {
		unsigned int best = 0, most = 0;

		for (i = 0; i < n; i++) {
			unsigned int gain = 0;
			uint32_t last = FEATURES;

			for (j = 0; j < count[i]; j++) {
				/* Later runs repeat the features of the first: counted once. */
				gain += left[had[i][j]] && had[i][j] != last;
				last = had[i][j];
			}
			if (gain > most) {
				most = gain;
				best = i;
			}
		}
		if (!most)
			break;
		for (j = 0; j < count[best]; j++)
			left[had[best][j]] = 0;
		program_print(&progs[best], text);
		printf("= %s\n", text);
	}
	free(left);
	free(had);
	free(count);
}
