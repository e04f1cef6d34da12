// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl: tables, a line for each row, or with -j an object
 *
 * Rows are written while they come, many at a time. The first of them decide how wide
 * each column is: a wider cell moves the rest of its line. In a window, columns that do
 * not fit are left out, from the right, unless -w is given.
 */
#include <ctype.h>
#include <string.h>
#include "mboxctl.h"

/* Rows are written when they reach ENOUGH. The longest row is far shorter than ROW_MAX. */
#define ENOUGH		(1 << 16)
#define ROW_MAX		(1 << 13)
#define COLUMNS_MAX	64
#define CELLS_MAX	(ENOUGH / 2)

/* A cell of text, which ends where the next one begins. */
struct cell {
	uint32_t start;
	uint8_t style;
};

static struct {
	bool json;
	const struct column *const *columns;
	size_t count;
	size_t next;			/* column of the next cell */
	enum style style;		/* of the next cell */
	bool fixed;			/* columns are as wide as they say, or as their heads */
	bool laid_out;
	bool colours;
	unsigned int window;		/* columns of the window, or 0 */
	size_t shown;			/* of @columns */
	size_t width[COLUMNS_MAX];
	size_t cells;			/* in @cell, whose text is in @text */
	struct cell cell[CELLS_MAX + COLUMNS_MAX];
	size_t length;			/* of @text */
	char text[ENOUGH + ROW_MAX];
	size_t ready;			/* bytes of @line, which are still to be written */
	char line[ENOUGH + ROW_MAX];
} table;

/* @fixed: rows are written one by one, so that none can decide on the width. */
void table_init(const struct command *cmd, const struct column *const *columns, size_t count,
		bool fixed)
{
	unsigned int rows;

	table.json = cmd->json;
	table.columns = columns;
	table.count = count < COLUMNS_MAX ? count : COLUMNS_MAX;
	table.fixed = fixed;
	table.laid_out = false;
	table.next = table.cells = table.length = table.ready = 0;
	table.style = STYLE_NONE;
	memset(table.width, 0, sizeof(table.width));
	table.colours = !cmd->json && human_colours();
	human_window(&table.window, &rows);
	if (cmd->wide || cmd->json)
		table.window = 0;
}

/* Lay the next rows out anew; columns do not become narrower, so that they stay in place. */
void table_again(void)
{
	unsigned int rows;

	if (table.window)
		human_window(&table.window, &rows);
	table.laid_out = false;
}

/*
 * The columns of a table are few and their cells short, so that no buffer ever fills up.
 * A list prints a million cells, most of them shorter than a call, so copy in line.
 */
static inline void put(const char *text, size_t length)
{
	char *to = table.text + table.length;

	if (length > sizeof(table.text) - table.length)
		return;
	for (size_t i = 0; i < length; i++)
		to[i] = text[i];
	table.length += length;
}

static inline void emit(const char *text, size_t length)
{
	char *to = table.line + table.ready;

	for (size_t i = 0; i < length; i++)
		to[i] = text[i];
	table.ready += length;
}

static inline void emit_spaces(size_t count)
{
	char *to = table.line + table.ready;

	for (size_t i = 0; i < count; i++)
		to[i] = ' ';
	table.ready += count;
}

static void put_key(void)
{
	const char *name = table.columns[table.next]->name;

	put(table.next ? ",\"" : "{\"", 2);
	put(name, strlen(name));
	put("\":", 2);
	table.next++;
}

static void put_string(const char *text)
{
	put("\"", 1);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			put("\\", 1);
		put(text, 1);
	}
	put("\"", 1);
}

static void add_cell(const char *text, size_t length)
{
	struct cell *cell = &table.cell[table.cells++];

	cell->start = (uint32_t)table.length;
	cell->style = (uint8_t)table.style;
	table.style = STYLE_NONE;
	put(text, length);
	table.next++;
}

/* The next cell has this style, where there are colours. */
void cell_style(enum style style)
{
	table.style = style;
}

/* Print a word, without spaces and control characters. */
void cell_text(const char *text)
{
	if (!table.json) {
		add_cell(text, strlen(text));
		return;
	}
	put_key();
	put_string(text);
}

static size_t format_number(char text[static 20], uint64_t num)
{
	char digits[20];
	size_t length = 0;

	do {
		digits[sizeof(digits) - ++length] = (char)('0' + num % 10);
		num /= 10;
	} while (num);
	memcpy(text, digits + sizeof(digits) - length, length);
	return length;
}

void cell_number(uint64_t num)
{
	char text[20];
	size_t length = format_number(text, num);

	if (!table.json) {
		add_cell(text, length);
		return;
	}
	put_key();
	put(text, length);
}

/* Print bytes, with a unit for people. */
void cell_size(uint64_t bytes)
{
	char text[HUMAN_SIZE];

	if (!out_human()) {
		cell_number(bytes);
		return;
	}
	format_size(text, bytes);
	add_cell(text, strlen(text));
}

/* Print a rate, a number of tenths, with a unit for people. */
void cell_rate(uint64_t num)
{
	char text[HUMAN_SIZE];
	size_t length;

	if (out_human()) {
		format_rate(text, num);
		add_cell(text, strlen(text));
		return;
	}
	length = format_number(text, num / 10);
	text[length++] = '.';
	text[length++] = (char)('0' + num % 10);
	if (!table.json) {
		add_cell(text, length);
		return;
	}
	put_key();
	put(text, length);
}

/* Print a cell without a value: null in JSON. */
void cell_none(const char *word)
{
	if (!table.json) {
		add_cell(word, strlen(word));
		return;
	}
	put_key();
	put("null", 4);
}

void cell_flag(bool set)
{
	if (!table.json) {
		add_cell(set ? "yes" : "-", set ? 3 : 1);
		return;
	}
	put_key();
	put(set ? "true" : "false", set ? 4 : 5);
}

static size_t cell_length(size_t i)
{
	size_t end = i + 1 < table.cells ? table.cell[i + 1].start : table.length;

	return end - table.cell[i].start;
}

/* Widen the columns to their cells, and leave out those that do not fit the window. */
static void lay_out(void)
{
	size_t total = 0;

	for (size_t i = 0; i < table.count && table.fixed && !out_human(); i++)
		if (table.width[i] < table.columns[i]->width)
			table.width[i] = table.columns[i]->width;
	for (size_t i = 0; table.count && i < table.cells; i++)
		if (table.width[i % table.count] < cell_length(i))
			table.width[i % table.count] = cell_length(i);
	table.shown = table.count;
	for (size_t i = 0; i < table.count && table.window; i++) {
		total += table.width[i] + (i ? 2 : 0);
		if (total > table.window) {
			/* One at least, which is cut. */
			table.shown = i ? i : 1;
			break;
		}
	}
	table.laid_out = true;
}

static const char *const styles[] = {
	[STYLE_HEAD] = "\033[1m",
	[STYLE_WARN] = "\033[33m",
	[STYLE_BAD] = "\033[31m",
};

static void emit_cell(size_t i, size_t column)
{
	const struct cell *cell = &table.cell[i];
	const char *style = table.colours ? styles[cell->style] : NULL;
	size_t length = cell_length(i), pad;

	if (table.window && length > table.window)
		length = table.window;
	pad = length < table.width[column] ? table.width[column] - length : 0;
	if (column)
		emit("  ", 2);
	if (!table.columns[column]->left)
		emit_spaces(pad);
	if (style)
		emit(style, strlen(style));
	emit(table.text + cell->start, length);
	if (style)
		emit("\033[0m", 4);
	/* No spaces at the end of a line. */
	if (table.columns[column]->left && column + 1 < table.shown)
		emit_spaces(pad);
}

/* Write @line. Return 0 or -errno. */
static int write_lines(void)
{
	int error = out_write(table.line, table.ready);

	table.ready = 0;
	return error;
}

/* Write the table, after other output. Return 0 or -errno. */
int table_flush(void)
{
	int error = out_flush();

	if (table.json) {
		if (!error)
			error = out_write(table.text, table.length);
		table.length = 0;
		return error;
	}
	if (!table.count)
		return error;
	if (!table.laid_out)
		lay_out();
	for (size_t i = 0; i < table.cells && !error; i++) {
		size_t column = i % table.count;

		if (column < table.shown)
			emit_cell(i, column);
		if (column + 1 == table.count)
			emit("\n", 1);
		if (table.ready > ENOUGH)
			error = write_lines();
	}
	table.cells = table.length = 0;
	return error ? error : write_lines();
}

/* End a row, and write the table if it is long enough. Return 0 or -errno. */
int table_row(void)
{
	if (table.json)
		put("}\n", 2);
	table.next = 0;
	return table.length < ENOUGH && table.cells < CELLS_MAX ? 0 : table_flush();
}

/* Print the names of the columns in capitals; JSON has no head. */
int table_head(void)
{
	if (table.json)
		return 0;
	for (size_t i = 0; i < table.count; i++) {
		const struct column *column = table.columns[i];
		const char *name = column->head ? column->head : column->name;
		size_t length = strlen(name);
		char head[32];

		for (size_t c = 0; c < length; c++)
			head[c] = (char)toupper((unsigned char)name[c]);
		cell_style(STYLE_HEAD);
		add_cell(head, length);
	}
	return table_row();
}
