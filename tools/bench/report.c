// SPDX-License-Identifier: GPL-2.0-only
/* mboxbench: one set of print calls for the table and for JSON, a line for each row. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "report.h"

/* Columns in text. A key that is not among them is in JSON only. */
static const struct column {
	const char *key;
	const char *head;
	int width;			/* negative: the text of a cell is at the left */
} columns[] = {
	{ "row", "row", -21 },
	{ "peer", "peer", -11 },
	{ "median", "median", 10 },
	{ "least", "least", 10 },
	{ "most", "most", 10 },
	{ "unit", "unit", -4 },
	{ "ratio", "ratio", 6 },
	{ "p50", "50%", 8 },
	{ "p99", "99%", 8 },
	{ "p999", "99.9%", 8 },
	{ "note", "note", 0 },
};

#define COLUMNS	(sizeof(columns) / sizeof(columns[0]))

static struct {
	FILE *text, *json;		/* or NULL */
	bool open;			/* an object of JSON has begun */
	int blanks;			/* that come before the next cell, if there is one */
} report;

void report_open(FILE *text, FILE *json)
{
	report.text = text;
	report.json = json;
}

/* Return 0 or -errno. */
int report_flush(void)
{
	int error = 0;

	if (report.text && fflush(report.text))
		error = -errno;
	if (report.json && fflush(report.json))
		error = -errno;
	return error;
}

static const struct column *column_of(const char *key)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (!strcmp(columns[i].key, key))
			return &columns[i];
	return NULL;
}

static void cell(const struct column *column, const char *text)
{
	int width = column->width < 0 ? -column->width : column->width;
	int length = (int)strlen(text);

	if (column->width < 0 || !width) {
		if (length)
			fprintf(report.text, "%*s%s", report.blanks, "", text);
		else
			width += report.blanks;
		report.blanks = (width > length ? width - length : 0) + 1;
	} else {
		fprintf(report.text, "%*s%*s", report.blanks, "", width, text);
		report.blanks = 1;
	}
}

static void json_key(const char *key)
{
	fprintf(report.json, "%s\"%s\":", report.open ? "," : "{", key);
	report.open = true;
}

static void json_string(const char *text)
{
	putc('"', report.json);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', report.json);
		putc((unsigned char)*text < ' ' ? ' ' : *text, report.json);
	}
	putc('"', report.json);
}

static void json_end(void)
{
	if (report.json && report.open)
		fputs("}\n", report.json);
	report.open = false;
}

void report_field_text(const char *key, const char *value)
{
	if (report.text)
		fprintf(report.text, "%-12s%s\n", key, value);
	if (report.json) {
		json_key(key);
		json_string(value);
	}
}

void report_field_number(const char *key, double value)
{
	if (report.text)
		fprintf(report.text, "%-12s%.0f\n", key, value);
	if (report.json) {
		json_key(key);
		fprintf(report.json, "%.0f", value);
	}
}

void report_fields_end(void)
{
	json_end();
	report_gap();
}

/* Print the names of the columns in capitals; JSON has no head. */
void report_head(void)
{
	if (!report.text)
		return;
	for (size_t i = 0; i < COLUMNS; i++) {
		char head[16];
		size_t length = strlen(columns[i].head);

		for (size_t c = 0; c <= length; c++)
			head[c] = (char)toupper((unsigned char)columns[i].head[c]);
		cell(&columns[i], head);
	}
	putc('\n', report.text);
	report.blanks = 0;
}

void report_text(const char *key, const char *value)
{
	const struct column *column = column_of(key);

	if (report.text && column)
		cell(column, value);
	if (report.json) {
		json_key(key);
		json_string(value);
	}
}

void report_number(const char *key, double value, int decimals)
{
	const struct column *column = column_of(key);
	char text[32];

	snprintf(text, sizeof(text), "%.*f", decimals, value);
	if (report.text && column)
		cell(column, text);
	if (report.json) {
		json_key(key);
		fputs(text, report.json);
	}
}

/* A cell without a value: null in JSON. */
void report_none(const char *key)
{
	const struct column *column = column_of(key);

	if (report.text && column)
		cell(column, "-");
	if (report.json) {
		json_key(key);
		fputs("null", report.json);
	}
}

void report_row_end(void)
{
	if (report.text)
		putc('\n', report.text);
	report.blanks = 0;
	json_end();
}

/* Print an empty line; JSON has none. */
void report_gap(void)
{
	if (report.text)
		putc('\n', report.text);
}
