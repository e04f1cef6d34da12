// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of a message, through mbox and through its peers. Not a test; prints tables.
 *
 *	selftests/vm/run -i -f build/selftests/mbox/cost -- cost [OPTION]… [ROW]…
 *
 * counts instructions, one as one nanosecond; without -i these are nanoseconds of an emulation.
 * "make bench-insn" calls it.
 */
#include "cost/cost.h"

#include "lib/count.h"

#include <sched.h>
#include <sys/resource.h>

static const char usage[] =
	"usage: cost [OPTION]… [ROW]…\n"
	"\n"
	"Prints the cost of a message: without -i of the virtual machine in nanoseconds, with it in\n"
	"instructions. ROW is a name or a pattern, as pair-64, pair or 'stream*'.\n"
	"\n"
	"  -w WAY[,WAY]…  only these columns\n"
	"  -r ROUNDS      the least of so many rounds counts (default 7)\n"
	"  -p             plain: a line \"KERNEL ROW WAY COST\" for each figure of mbox, and no peers\n"
	"  -t FILE        test that no cost is above those in FILE, which are such lines\n"
	"  -e             run ROW by WAY without end, for a profiler\n"
	"  -l             list the rows and the ways\n";

static struct {
	int rounds;
	unsigned int ways;
	bool plain, endless, list;
	const char *reference;
} options = { .rounds = 7, .ways = ~0U };

static bool options_read(int argc, char **argv)
{
	char *name;
	int c, nr;

	while ((c = getopt(argc, argv, "w:r:pt:el")) >= 0) {
		switch (c) {
		case 'w':
			options.ways = 0;
			for (name = strtok(optarg, ","); name; name = strtok(NULL, ",")) {
				nr = way_number(name);
				if (nr < 0)
					return false;
				options.ways |= 1U << nr;
			}
			break;
		case 'r':
			options.rounds = atoi(optarg);
			break;
		case 'p':
			options.plain = true;
			break;
		case 't':
			options.reference = optarg;
			break;
		case 'e':
			options.endless = true;
			break;
		case 'l':
			options.list = true;
			break;
		default:
			return false;
		}
	}
	return options.rounds > 0;
}

static void rows_list(char **patterns)
{
	char name[ROW_NAME_SIZE];

	for (const struct row *row = rows; row->name; row++) {
		if (!row_matches(row, patterns))
			continue;
		printf("%-18s %s (per %s)\n%18s ", row_name(row, name), row->workload->about,
		       row->workload->unit, "");
		for (int i = 0; i < NR_WAYS; i++)
			if (row_has(row, i))
				printf(" %s", ways[i]->name);
		printf("\n");
	}
}

/* Write to a file of /proc/sys, which is our namespace's. */
static void limit_set(const char *name, const char *value)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "cost: %s: %s\n", name, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Raise the limits of the peers, which are of the namespace and end with us. */
static void limits_raise(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	const struct rlimit files = { 1000000, 1000000 };

	if (setrlimit(RLIMIT_MSGQUEUE, &none) || setrlimit(RLIMIT_NOFILE, &files) ||
	    unshare(CLONE_NEWIPC)) {
		fprintf(stderr, "cost: limits: %s\n", strerror(errno));
		return;
	}
	limit_set("/proc/sys/kernel/msgmax", "16777216");
	limit_set("/proc/sys/kernel/msgmnb", "67108864");
	limit_set("/proc/sys/kernel/msgmni", "32768");
	limit_set("/proc/sys/fs/mqueue/msg_max", "65536");
	limit_set("/proc/sys/fs/mqueue/msgsize_max", "16777216");
	limit_set("/proc/sys/fs/mqueue/queues_max", "200000");
}

/* Both processes of a workload share a CPU, as where there is one. */
static void cpu_pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static bool way_selected(const struct row *row, int nr)
{
	return row_has(row, nr) && options.ways & 1U << nr && (ways[nr]->ours || !options.plain);
}

static void rows_measure(char **patterns, struct cell (*cells)[NR_WAYS])
{
	char name[ROW_NAME_SIZE];

	for (const struct row *row = rows; row->name; row++) {
		for (int i = 0; i < NR_WAYS; i++) {
			struct cell *cell = &cells[row - rows][i];

			cell->error = -ENODATA;
			if (!row_matches(row, patterns) || !way_selected(row, i))
				continue;
			cell_measure(row, ways[i], options.rounds, cell);
			if (cell->error)
				fprintf(stderr, "cost: %s by %s: %s\n", row_name(row, name),
					ways[i]->name, strerror(-cell->error));
		}
	}
}

static void tables_print(char **patterns, struct cell (*cells)[NR_WAYS])
{
	const struct row *first, *end;
	bool any;

	for (first = rows; first->name; first = end) {
		any = false;
		for (end = first; end->name && end->ways == first->ways; end++)
			any = any || row_matches(end, patterns);
		if (any)
			table_print(first, end, patterns, cells);
	}
}

static int endless(char **patterns)
{
	int ret = -EINVAL;

	for (const struct row *row = rows; row->name && ret == -EINVAL; row++)
		for (int i = 0; i < NR_WAYS && ret == -EINVAL; i++)
			if (row_matches(row, patterns) && way_selected(row, i))
				ret = cell_repeat(row, ways[i]);
	fprintf(stderr, "cost: %s\n", strerror(-ret));
	return 1;
}

static void prepare(void)
{
	limits_raise();
	cpu_pin();
	nanosleep(&(struct timespec) { .tv_sec = SETTLE }, NULL);
}

static int test(char **patterns)
{
	int factory = factory_open();

	ksft_print_header();
	if (factory < 0)
		ksft_exit_skip("/dev/mbox: %s (is the module loaded?)\n", strerror(-factory));
	close(factory);
	if (!counts_instructions())
		ksft_exit_skip("no single CPU here that counts instructions as nanoseconds: run -i\n");
	prepare();
	return reference_check(options.reference, patterns, options.rounds);
}

int main(int argc, char **argv)
{
	struct cell (*cells)[NR_WAYS];
	size_t nr_rows = 0;
	int factory;

	if (!options_read(argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (options.list) {
		rows_list(argv + optind);
		return 0;
	}
	if (options.reference)
		return test(argv + optind);
	factory = factory_open();
	if (factory < 0) {
		printf("mbox: %s (is the module loaded?)\n", strerror(-factory));
		return KSFT_SKIP;
	}
	close(factory);
	prepare();
	if (options.endless)
		return endless(argv + optind);
	while (rows[nr_rows].name)
		nr_rows++;
	cells = calloc(nr_rows, sizeof(*cells));
	if (!cells)
		return 1;
	rows_measure(argv + optind, cells);
	if (options.plain)
		figures_print(argv + optind, cells);
	else
		tables_print(argv + optind, cells);
	free(cells);
	return 0;
}
