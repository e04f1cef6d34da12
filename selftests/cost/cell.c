// SPDX-License-Identifier: GPL-2.0-only
/* A cell of the table: one workload by one way, in a process of its own. */
#include "cost/cost.h"

#include <sys/resource.h>

/*
 * A round takes about so many nanoseconds. One process alone meets no timer in some of its rounds; a
 * round of two lasts for many turns of the scheduler.
 */
#define ROUND		(2 * NSEC_PER_MSEC)
#define ROUND_OF_TWO	(24 * NSEC_PER_MSEC)
#define WARM_UP		2	/* rounds */
/* All rounds of a cell take about so long at most, but for two of them. */
#define ROUNDS_MOST	(500 * NSEC_PER_MSEC)

struct switches {
	long voluntary, involuntary;
};

/* The profiler counts how often a workload passes here. */
__attribute__((noinline)) void unit_done(void)
{
	asm volatile("" : : : "memory");
}

/* Start the other process of a workload; it runs until it is killed. */
int partner_start(struct bench *bench, int (*loop)(struct bench *bench))
{
	pid_t pid = fork_child();

	if (pid == 0) {
		int ret = loop(bench);

		fprintf(stderr, "%s: %s\n", bench->way->name, strerror(-ret));
		_exit(1);
	}
	bench->partner = pid;
	return pid < 0 ? -errno : 0;
}

static long status_value(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

/* Add the context switches of a process so far. */
static void switches_add(struct switches *switches, pid_t pid)
{
	char path[64], text[4096];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	switches->voluntary += status_value(text, "\nvoluntary_ctxt_switches:");
	switches->involuntary += status_value(text, "\nnonvoluntary_ctxt_switches:");
}

static struct switches switches_now(const struct bench *bench)
{
	struct switches switches = {};

	switches_add(&switches, getpid());
	switches_add(&switches, bench->partner);
	return switches;
}

static unsigned int cell_step(const struct bench *bench)
{
	return bench->row->workload->whole ? bench->row->depth : 1;
}

/* Return how often to run for a round. */
static unsigned int cell_times(const struct bench *bench, int64_t cost)
{
	unsigned int step = cell_step(bench);
	int64_t times = (bench->partner ? ROUND_OF_TWO : ROUND) / (cost + 1);

	if (times < 4)
		times = 4;
	return (times + step - 1) / step * step;
}

static int cell_begin(struct bench *bench)
{
	int ret = payload_prepare(bench->row->size);

	return ret ? ret : bench->row->workload->begin(bench);
}

static void cell_end(struct bench *bench)
{
	if (bench->partner > 0) {
		kill(bench->partner, SIGKILL);
		reap(bench->partner);
	}
	if (bench->channel.way)
		channel_close(&bench->channel);
	if (bench->back.way)
		channel_close(&bench->back);
	for (unsigned int i = 0; i < bench->nr_many; i++)
		channel_close(&bench->many[i]);
}

/* Run the workload until all is warm. Return the nanoseconds of a unit, or a negated errno. */
static int64_t cell_warm_up(struct bench *bench)
{
	const struct workload *workload = bench->row->workload;
	unsigned int times = cell_step(bench) * (workload->whole ? 1 : 4);
	int64_t began, cost = 0;
	int ret;

	for (int i = 0; i < WARM_UP + 1 && cost * times < ROUNDS_MOST; i++) {
		began = now();
		ret = workload->run(bench, times);
		if (ret)
			return ret;
		cost = (now() - began) / times;
		times = cell_times(bench, cost);
	}
	return cost;
}

/*
 * Measure one round: return the nanoseconds of a thousand units, or a negated errno. A queue may be full
 * at the start and empty at the end: count a message half when sent, half when received.
 */
static int64_t cell_round(struct bench *bench, unsigned int times)
{
	unsigned int sent = bench->sent ? __atomic_load_n(bench->sent, __ATOMIC_RELAXED) : 0;
	int64_t began = now(), time;
	int ret = bench->row->workload->run(bench, times);

	if (ret)
		return ret;
	time = now() - began;
	if (!bench->sent)
		return time * 1000 / times;
	sent = __atomic_load_n(bench->sent, __ATOMIC_RELAXED) - sent;
	return time * 2000 / ((int64_t)times + sent);
}

static void cell_run(struct bench *bench, int rounds, struct cell *cell)
{
	struct switches before, after;
	unsigned int times;
	int64_t cost = cell_warm_up(bench);

	if (cost < 0) {
		cell->error = cost;
		return;
	}
	times = cell_times(bench, cost);
	if (rounds > 2 && rounds * times * cost > ROUNDS_MOST)
		rounds = ROUNDS_MOST / (times * cost) > 2 ? ROUNDS_MOST / (times * cost) : 2;
	before = switches_now(bench);
	for (int i = 0; i < rounds; i++) {
		cost = cell_round(bench, times);
		if (cost < 0) {
			cell->error = cost;
			return;
		}
		if (cost < cell->least)
			cell->least = cost;
	}
	after = switches_now(bench);
	cell->switched = bench->partner > 0;
	cell->voluntary = (double)(after.voluntary - before.voluntary) / times / rounds;
	cell->involuntary = (double)(after.involuntary - before.involuntary) / times / rounds;
}

static void cell_figure(struct bench *bench, struct cell *cell)
{
	int64_t ret = bench->row->workload->figure(bench);

	if (ret < 0)
		cell->error = ret;
	else
		cell->least = ret;
}

/* Let the reader of our output take it in, and the kernel free the objects of the last cell. */
static void cell_rest(const struct row *row)
{
	sleep(1 + row->depth / 10000);
}

void cell_measure(const struct row *row, const struct way *way, int rounds, struct cell *cell)
{
	struct cell *result = shared_alloc(sizeof(*result));
	struct bench bench = { .row = row, .way = way };
	pid_t pid;

	*result = (struct cell) { .least = INT64_MAX };
	cell_rest(row);
	pid = fork_child();
	if (pid == 0) {
		result->error = cell_begin(&bench);
		if (!result->error && row->workload->figure)
			cell_figure(&bench, result);
		else if (!result->error)
			cell_run(&bench, rounds, result);
		cell_end(&bench);
		_exit(0);
	}
	if (pid < 0)
		result->error = -errno;
	else if (reap(pid) && !result->error)
		result->error = -ECHILD;
	*cell = *result;
	munmap(result, sizeof(*result));
	cell_rest(row);
}

/* Run a workload without end, for a profiler. */
int cell_repeat(const struct row *row, const struct way *way)
{
	struct bench bench = { .row = row, .way = way };
	int64_t ret = row->workload->run ? cell_begin(&bench) : -EOPNOTSUPP;

	if (!ret)
		ret = cell_warm_up(&bench);
	if (ret >= 0) {
		printf("ready %p\n", (void *)unit_done);
		fflush(stdout);
	}
	while (ret >= 0)
		ret = row->workload->run(&bench, cell_times(&bench, 0));
	return ret;
}
