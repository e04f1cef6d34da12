// SPDX-License-Identifier: GPL-2.0-only
/* The results: as tables, and as lines for programs. */
#include "cost/cost.h"

#define NAME_WIDTH	16
#define WIDTH		10

static double cell_cost(const struct cell *cell)
{
	return cell->least / 1000.0;
}

static bool cell_known(const struct cell *cell)
{
	return !cell->error && cell->least && cell->least != INT64_MAX;
}

/* Return the cheapest of our ways, or of the others; NULL if there is none. */
static const struct cell *cells_best(const struct cell cells[NR_WAYS], bool ours)
{
	const struct cell *best = NULL;

	for (int i = 0; i < NR_WAYS; i++)
		if (ways[i]->ours == ours && cell_known(&cells[i]) &&
		    (!best || cells[i].least < best->least))
			best = &cells[i];
	return best;
}

static void cell_print(const struct cell *cell)
{
	if (cell_known(cell))
		printf("%*.0f", WIDTH, cell_cost(cell));
	else
		printf("%*s", WIDTH, "-");
}

static void switches_print(const struct row *row, const struct cell cells[NR_WAYS])
{
	bool any = false;
	char text[32];

	for (int i = 0; i < NR_WAYS; i++)
		any = any || (cell_known(&cells[i]) && cells[i].switched);
	if (!any)
		return;
	printf("%-*s", NAME_WIDTH, "  switches");
	for (int i = 0; i < NR_WAYS; i++) {
		if (!row_has(row, i))
			continue;
		snprintf(text, sizeof(text), "%.2f+%.2f", cells[i].voluntary, cells[i].involuntary);
		printf("%*s", WIDTH, cell_known(&cells[i]) ? text : "-");
	}
	printf("\n");
}

static void row_print(const struct row *row, const struct cell cells[NR_WAYS])
{
	const struct cell *ours = cells_best(cells, true), *peer = cells_best(cells, false);
	char name[ROW_NAME_SIZE];

	printf("%-*s", NAME_WIDTH, row_name(row, name));
	for (int i = 0; i < NR_WAYS; i++)
		if (row_has(row, i))
			cell_print(&cells[i]);
	if (ours && peer)
		printf("%7.2f", (double)ours->least / peer->least);
	else
		printf("%7s", "");
	if (row->goal)
		printf("%8lld", (long long)row->goal);
	if (row->ioctl_goal)
		printf(", ioctl %lld", (long long)row->ioctl_goal);
	printf("\n");
	switches_print(row, cells);
}

/* Print the rows from @first to before @end, which have the same ways. */
void table_print(const struct row *first, const struct row *end, char **patterns,
		 struct cell (*cells)[NR_WAYS])
{
	printf("\n%-*s", NAME_WIDTH, "");
	for (int i = 0; i < NR_WAYS; i++)
		if (row_has(first, i))
			printf("%*s", WIDTH, ways[i]->name);
	printf("%7s%8s\n", "x peer", "goal");
	for (const struct row *row = first; row < end; row++)
		if (row_matches(row, patterns))
			row_print(row, cells[row - rows]);
}

/*
 * Print one line for each figure of ours, as figures.c reads it, with the word "varies" where the row has a tolerance of
 * its own.
 */
void figures_print(char **patterns, struct cell (*cells)[NR_WAYS])
{
	char name[ROW_NAME_SIZE], kernel[KERNEL_NAME_SIZE];

	kernel_name(kernel);
	for (const struct row *row = rows; row->name; row++)
		for (int i = 0; i < NR_WAYS; i++)
			if (row_matches(row, patterns) && ways[i]->ours &&
			    cell_known(&cells[row - rows][i]))
				printf("%s %s %s %.0f%s\n", kernel, row_name(row, name),
				       ways[i]->name, cell_cost(&cells[row - rows][i]),
				       row->tolerance ? " varies" : "");
}
