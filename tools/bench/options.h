/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of a call, and the lists of rows and peers among them. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "workload.h"

#ifndef MBOXBENCH_VERSION
#define MBOXBENCH_VERSION	"?"
#endif

struct options {
	const char *rows;		/* patterns, or NULL */
	const char *peers;		/* names, or NULL */
	const char *output;		/* a file for JSON, or NULL */
	unsigned long rounds, duration_ms, settle;
	bool json, quick, list;
};

extern struct options options;

void options_parse(int argc, char **argv);
void options_check(const struct plan *plan);
void options_list(const struct plan *plan);
bool options_want_row(const struct row *row);
bool options_want_peer(const struct peer *peer);

#endif /* BENCH_OPTIONS_H */
