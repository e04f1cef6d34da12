/* SPDX-License-Identifier: GPL-2.0-only */
/* The output: one set of print calls for the table and for JSON, each of which may be left out. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

void report_open(FILE *text, FILE *json);
int report_flush(void);

/* Fields: a line for each in text; all of them together are an object. */
void report_field_text(const char *key, const char *value);
void report_field_number(const char *key, double value);
void report_fields_end(void);

/*
 * Cells of a row of the table, in the order of the columns. Some of them are in JSON
 * only.
 */
void report_head(void);
void report_text(const char *key, const char *value);
void report_number(const char *key, double value, int decimals);
void report_none(const char *key);
void report_row_end(void);
void report_gap(void);

#endif /* BENCH_REPORT_H */
