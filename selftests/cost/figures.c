// SPDX-License-Identifier: GPL-2.0-only
/* The figures that the tree has, "KERNEL ROW WAY COST" a line, and the test against them. */
#include "cost/cost.h"

#include <sys/utsname.h>

/* A cost may rise by so much, in percent. */
#define TOLERANCE	5

/* Return the name that the kernel has for the tests, as 6.12 or 6.12-rt. */
const char *kernel_name(char name[KERNEL_NAME_SIZE])
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &major, &minor) != 2)
		major = minor = 0;
	snprintf(name, KERNEL_NAME_SIZE, "%u.%u%s", major, minor,
		 strstr(uts.version, "PREEMPT_RT") ? "-rt" : "");
	return name;
}

/* Find the figures for this kernel. Return how many there are, or a negated errno. */
static int reference_read(const char *path, int64_t (*figures)[NR_WAYS])
{
	char line[256], name[ROW_NAME_SIZE], kernel[KERNEL_NAME_SIZE];
	char of[256], row_of[256], way_of[256];
	FILE *f = fopen(path, "re");
	long long figure;
	int found = 0;

	if (!f)
		return -errno;
	kernel_name(kernel);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%s %s %s %lld", of, row_of, way_of, &figure) != 4 ||
		    strcmp(of, kernel))
			continue;
		for (const struct row *row = rows; row->name; row++) {
			if (strcmp(row_of, row_name(row, name)) || way_number(way_of) < 0)
				continue;
			figures[row - rows][way_number(way_of)] = figure;
			found++;
		}
	}
	fclose(f);
	return found;
}

/* Add one result to @text. Return whether it is good. */
static bool figure_check(char *text, size_t size, const char *way, const struct cell *cell,
			 int64_t figure, int tolerance)
{
	size_t at = strlen(text);
	double cost = cell->least / 1000.0;

	if (cell->error) {
		snprintf(text + at, size - at, ", %s: %s", way, strerror(-cell->error));
		return false;
	}
	snprintf(text + at, size - at, ", %s %.0f of %lld", way, cost, (long long)figure);
	return cost * 100 <= figure * (100.0 + tolerance);
}

static bool row_check(const struct row *row, const int64_t figures[NR_WAYS], int rounds)
{
	char text[512] = "", name[ROW_NAME_SIZE];
	bool good = true;
	struct cell cell;

	for (int i = 0; i < NR_WAYS; i++) {
		if (!figures[i])
			continue;
		cell_measure(row, ways[i], rounds, &cell);
		good = figure_check(text, sizeof(text), ways[i]->name, &cell, figures[i],
				    row->tolerance ? row->tolerance : TOLERANCE) && good;
	}
	ksft_test_result(good, "%s: %s\n", row_name(row, name), text + 2);
	return good;
}

static bool row_checked(const struct row *row, const int64_t figures[NR_WAYS], char **patterns)
{
	int64_t any = 0;

	for (int i = 0; i < NR_WAYS; i++)
		any |= figures[i];
	return any && row_matches(row, patterns) && (!row->slow || *patterns);
}

/* Test that no cost rose by more than the tolerance. The result is the program's. */
int reference_check(const char *path, char **patterns, int rounds)
{
	size_t nr_rows = 0, planned = 0;
	int64_t (*figures)[NR_WAYS];
	int found, failed = 0;

	while (rows[nr_rows].name)
		nr_rows++;
	figures = calloc(nr_rows, sizeof(*figures));
	if (!figures)
		return KSFT_FAIL;
	found = reference_read(path, figures);
	if (found < 0)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(-found));
	if (!found)
		ksft_exit_skip("%s has no figures for this kernel\n", path);
	for (size_t i = 0; i < nr_rows; i++)
		planned += row_checked(&rows[i], figures[i], patterns);
	ksft_set_plan(planned);
	for (size_t i = 0; i < nr_rows; i++)
		if (row_checked(&rows[i], figures[i], patterns))
			failed += !row_check(&rows[i], figures[i], rounds);
	if (failed)
		ksft_print_msg("more than %d %% above the reference, or 25 %% where the scheduler "
			       "matters: make bench-insn UPDATE=1 accepts that\n", TOLERANCE);
	free(figures);
	ksft_finished();
}
