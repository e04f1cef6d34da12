// SPDX-License-Identifier: GPL-2.0-only
/* mbox_fuzz: options, the loop, the end. See fuzz.h. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

#define REPORT_EVERY	5	/* seconds */
#define CHECK_EVERY	256	/* programs */
#define FRESH_MAX	4096

static struct {
	uint64_t seconds;
	uint64_t calls;
	uint64_t seed;
	bool one_lane;
	const char *input;	/* programs to begin with */
	const char *emit;
	const char *output;	/* of an earlier run, to find programs of it */
	uint64_t number;	/* of the first of these */
	uint64_t count;		/* how many of these */
	const char *run;	/* programs to run … */
	uint64_t times;		/* … so many times each */
	const char *cover;
} opt = { .count = 1, .times = 1 };

static struct program *inputs;
static unsigned int nr_inputs;
static uint64_t programs;
static double begun;

static void usage(FILE *out)
{
	fprintf(out,
"usage: mbox_fuzz [-t SECONDS] [-n CALLS] [-s SEED] [-i FILE] [-1]\n"
"                                  fuzz; beginning with the programs in FILE; -1: one lane only\n"
"       mbox_fuzz -c 'PROGRAM'     print it as a C program\n"
"       mbox_fuzz -x FILE [-R N] [-t SECONDS]\n"
"                                  run the programs in FILE, each N times and for so long, announcing each in the log\n"
"       mbox_fuzz -m FILE          print few programs of FILE that cover as much as all\n"
"       mbox_fuzz -r OUTPUT -p N [-k COUNT] [-i FILE]\n"
"                                  print program N (and those after it) of the run that printed OUTPUT\n"
"FILE may be -, for standard input. Exit status: 0, 1 if something is wrong with mbox, 2 if with the usage.\n");
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Program number @n: one of those to begin with, or a new one. */
static void program_get(struct program *prog, uint64_t n)
{
	struct rng rng;

	if (n < nr_inputs) {
		*prog = inputs[n];
		return;
	}
	rng_seed(&rng, opt.seed, n);
	program_make(prog, &rng, opt.one_lane);
}

static void report(const char *what)
{
	double seconds = now() - begun;

	printf("fuzz: %s%.0f s, %" PRIu64 " calls (%.0f/s), %" PRIu64 " programs, corpus %u, %u PCs\n", what, seconds,
	       calls_made, calls_made / (seconds > 0 ? seconds : 1), programs, corpus_size, pcs_covered);
	fflush(stdout);
}

/* A fault, and the programs that may have caused it. */
static int wrong(const char *what)
{
	uint64_t from = programs > CHECK_EVERY ? programs - CHECK_EVERY : 0;

	report("");
	printf("fuzz: WRONG in one of the programs %" PRIu64 " to %" PRIu64 ": %s\n", from, programs, what);
	fflush(stdout);
	return 1;
}

static int fuzz(bool guided)
{
	static uint32_t fresh[FRESH_MAX];
	double last = begun;
	struct program prog;
	char text[MAX_TEXT];
	const char *what;
	unsigned int n;

	for (programs = 0; ; programs++) {
		if (programs >= nr_inputs && opt.calls && calls_made >= opt.calls)
			break;
		if (programs % 16 == 0) {
			double t = now();

			if (opt.seconds && t - begun >= opt.seconds)
				break;
			if (t - last >= REPORT_EVERY) {
				report("");
				last = t;
			}
		}
		program_get(&prog, programs);
		exec_name(programs);
		exec_program(&prog);
		n = kcov_end(fresh, FRESH_MAX);
		if (n) {
			kcov_keep();
			/* The initial corpus was minimized when it was written. */
			if (programs >= nr_inputs)
				corpus_triage(&prog, fresh, n);
			corpus_add(&prog);
			program_print(&prog, text);
			printf("+ %" PRIu64 " %s\n", programs, text);
			fflush(stdout);
		}
		if (programs % CHECK_EVERY == 0) {
			what = exec_check();
			if (what)
				return wrong(what);
		}
	}
	what = exec_end();
	if (what)
		return wrong(what);
	report(guided ? "done: " : "done, without guidance: ");
	return 0;
}

/* Run given programs; a report after an announcement in the log is of that program. */
static int run(FILE *log)
{
	char text[MAX_TEXT];
	const char *what;
	uint64_t times;
	double from;

	for (programs = 0; programs < nr_inputs; programs++) {
		program_print(&inputs[programs], text);
		if (log) {
			/* A record of the log is shorter than many a program. */
			fprintf(log, "mbox_fuzz: program %" PRIu64 ": %.200s\n", programs, text);
			fflush(log);
		}
		exec_name(programs);
		from = now();
		for (times = 0; times < opt.times || now() - from < opt.seconds; times++)
			exec_program(&inputs[programs]);
		what = exec_check();
		if (what) {
			printf("fuzz: WRONG in program %" PRIu64 ": %s\n%s\n", programs, what, text);
			return 1;
		}
	}
	what = exec_end();
	if (what)
		return wrong(what);
	report("done: ");
	return 0;
}

/* Go through the output of an earlier run, and print some of its programs again. */
static int find(void)
{
	FILE *file = fopen(opt.output, "re");
	struct program *grown = NULL;
	uint64_t *when = NULL, n;
	unsigned int nr = 0, lanes = LANES, known = 0, i;
	char *line = NULL, text[MAX_TEXT];
	size_t size = 0;

	if (!file) {
		perror(opt.output);
		return 2;
	}
	while (getline(&line, &size, file) > 0) {
		int at = 0;

		if (sscanf(line, "fuzz: seed %" SCNu64 ", %u lanes, %u programs to begin with", &n, &lanes, &i) == 3) {
			opt.seed = n;
			opt.one_lane = lanes == 1;
			if (i != nr_inputs) {
				fprintf(stderr, "it began with %u programs; -i FILE has %u\n", i, nr_inputs);
				exit(2);
			}
		}
		if (sscanf(line, "+ %" SCNu64 " %n", &n, &at) != 1 || !at)
			continue;
		grown = reallocarray(grown, nr + 1, sizeof(*grown));
		when = reallocarray(when, nr + 1, sizeof(*when));
		if (!grown || !when)
			abort();
		if (!program_parse(&grown[nr], line + at, text, sizeof(text))) {
			fprintf(stderr, "%s: %s\n", opt.output, text);
			exit(2);
		}
		when[nr++] = n;
	}
	for (n = opt.number; n < opt.number + opt.count; n++) {
		struct program prog;

		while (known < nr && when[known] < n)
			corpus_add(&grown[known++]);
		program_get(&prog, n);
		program_print(&prog, text);
		puts(text);
	}
	free(grown);
	free(when);
	free(line);
	fclose(file);
	return 0;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "'%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "t:n:s:i:1c:x:R:m:r:p:k:h")) >= 0) {
		switch (c) {
		case 't':
			opt.seconds = number(optarg);
			break;
		case 'n':
			opt.calls = number(optarg);
			break;
		case 's':
			opt.seed = number(optarg);
			break;
		case 'i':
			opt.input = optarg;
			break;
		case '1':
			opt.one_lane = true;
			break;
		case 'c':
			opt.emit = optarg;
			break;
		case 'x':
			opt.run = opt.input = optarg;
			break;
		case 'R':
			opt.times = number(optarg);
			break;
		case 'm':
			opt.cover = opt.input = optarg;
			break;
		case 'r':
			opt.output = optarg;
			break;
		case 'p':
			opt.number = number(optarg);
			break;
		case 'k':
			opt.count = number(optarg);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct program prog;
	char error[256];
	bool guided;
	int status;
	FILE *log;

	options(argc, argv);
	if (opt.emit) {
		if (!program_parse(&prog, opt.emit, error, sizeof(error))) {
			fprintf(stderr, "mbox_fuzz: %s\n", error);
			return 2;
		}
		emit_c(&prog, stdout);
		return 0;
	}
	if (opt.input)
		nr_inputs = corpus_load(opt.input, &inputs);
	if (opt.output)
		return find();

	/* Files that stay open have to be opened before the programs begin. */
	log = opt.run ? fopen("/dev/kmsg", "we") : NULL;
	guided = kcov_setup();
	if (!guided)
		fprintf(stderr, "mbox_fuzz: no KCOV in this kernel: only results of calls guide\n");
	exec_start();
	begun = now();
	if (opt.run) {
		status = run(log);
	} else if (opt.cover) {
		corpus_cover(inputs, nr_inputs);
		status = exec_end() ? 1 : 0;
	} else {
		printf("fuzz: seed %" PRIu64 ", %u lanes, %u programs to begin with\n", opt.seed,
		       opt.one_lane ? 1 : LANES, nr_inputs);
		status = fuzz(guided);
	}
	if (log)
		fclose(log);
	return status;
}
