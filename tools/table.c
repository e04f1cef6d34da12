// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxctl: tables, a line for each row, or with -j an object
 *
 * Rows are written while they come, many at a time. So the width of a column is fixed:
 * a wider cell moves the rest of its line.
 */
#include <ctype.h>
#include <string.h>
#include "mboxctl.h"

/* Rows are written when they reach ENOUGH. The longest row is far shorter than ROW_MAX. */
#define ENOUGH		(1 << 16)
#define ROW_MAX		(1 << 13)

static struct {
	bool json;
	const struct column *const *columns;
	size_t count;
	size_t next;			/* column of the next cell */
	size_t length;			/* of @text, which is still to be written */
	char text[ENOUGH + ROW_MAX];
} table;

void table_init(bool json, const struct column *const *columns, size_t count)
{
	table.json = json;
	table.columns = columns;
	table.count = count;
	table.next = 0;
	table.length = 0;
}

/*
 * The columns of a table are few and their cells short, so @text never fills up. A list
 * prints a million cells, most of them shorter than a call, so copy in line.
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

static inline void put_spaces(size_t count)
{
	char *to = table.text + table.length;

	if (count > sizeof(table.text) - table.length)
		return;
	for (size_t i = 0; i < count; i++)
		to[i] = ' ';
	table.length += count;
}

static void put_padded(const char *text, size_t length)
{
	const struct column *column = table.columns[table.next];
	size_t pad = length < column->width ? column->width - length : 0;

	if (table.next)
		put("  ", 2);
	if (pad && !column->left)
		put_spaces(pad);
	put(text, length);
	/* No spaces at the end of a line. */
	if (pad && column->left && table.next + 1 < table.count)
		put_spaces(pad);
	table.next++;
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

/* Print a word, without spaces and control characters. */
void cell_text(const char *text)
{
	if (!table.json) {
		put_padded(text, strlen(text));
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
		put_padded(text, length);
		return;
	}
	put_key();
	put(text, length);
}

/* Print a number of tenths. */
void cell_tenths(uint64_t num)
{
	char text[22];
	size_t length = format_number(text, num / 10);

	text[length++] = '.';
	text[length++] = (char)('0' + num % 10);
	if (!table.json) {
		put_padded(text, length);
		return;
	}
	put_key();
	put(text, length);
}

/* Print a cell without a value: null in JSON. */
void cell_none(const char *word)
{
	if (!table.json) {
		put_padded(word, strlen(word));
		return;
	}
	put_key();
	put("null", 4);
}

void cell_flag(bool set)
{
	if (!table.json) {
		put_padded(set ? "yes" : "-", set ? 3 : 1);
		return;
	}
	put_key();
	put(set ? "true" : "false", set ? 4 : 5);
}

/* Write the table, after other output. Return 0 or -errno. */
int table_flush(void)
{
	int error = out_flush();

	if (!error)
		error = out_write(table.text, table.length);
	table.length = 0;
	return error;
}

/* End a row, and write the table if it is long enough. Return 0 or -errno. */
int table_row(void)
{
	put(table.json ? "}\n" : "\n", table.json ? 2 : 1);
	table.next = 0;
	return table.length < ENOUGH ? 0 : table_flush();
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
		put_padded(head, length);
	}
	return table_row();
}
