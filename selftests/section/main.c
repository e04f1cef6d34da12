// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the module keeps the processor from others: no section with preemption off may be longer
 * than LIMIT instructions, for any user behaviour.
 *
 *	selftests/vm/run -i -m 2048 -a preempt=full -f build/selftests/mbox/section_test -- section_test [CASE…]
 *
 * There one nanosecond is one instruction, on one CPU. A real-time thread (the sampler) wakes every
 * 20 us and notes by how much it is late, while one act of a case runs: it is late by the longest
 * time without preemption, less at most the 20 us, and by the time of its own wake-up. The latter
 * is measured while nothing runs, and taken off. An interrupt, or the kernel's own work, may get in
 * the way, so each act runs up to ROUNDS times, and the best time counts.
 *
 * MBOX_SECTION_SCALE=PERCENT makes the crowds and the backlogs smaller (or larger).
 */
#include "section/section.h"

#include <sched.h>
#include <sys/resource.h>

#define LIMIT		100000	/* instructions */
#define ROUNDS		3
#define SETTLE		5	/* seconds, see cost/cost.h */

int many[NR_MANY] = {
	[CROWD] = 8000, [BACKLOG] = 170000, [DELIVERIES] = 80000, [HANDLES] = 100000,
	[SUBSCRIBERS] = MBOX_RECEIVERS_MAX, [MEMBERS] = MBOX_PROCS_MAX - 96, [LINKS] = 4000,
};

static const struct section *const tables[] = {
	broadcast_sections, put_back_sections, end_sections, waiter_sections, search_sections,
	poll_sections, member_sections, dump_sections, ring_sections, link_sections,
};

static int none(void)
{
	return 0;
}

/* for comparison: nothing of the module's */
static int act_nothing(void)
{
	int64_t end = now() + 20 * NSEC_PER_MSEC;

	while (now() < end)
		;
	return 0;
}

/* Restore the initial state: end all waits, close all files. */
static int clean_up(void)
{
	int ret = 0;

	if (crowd_fd >= 0)
		delete_fd(crowd_fd, MBOX_DELETE_FORCE);
	main_schedule(SCHED_OTHER, 0);
	children_end();
	if (pool.left)
		ret = pool_await();
	handles_close();
	if (crowd_fd >= 0)
		close(crowd_fd);
	crowd_fd = -1;
	/* of children that shared our descriptors */
	close_range(nl.fd + 1, ~0U, 0);
	return ret;
}

/* Measure a case in one round. Return instructions, or a negated errno. */
static int64_t section_try(const struct section *section)
{
	int64_t late = 0;
	int ret;

	crowd_fd = -1;
	ret = section->begin();
	if (!ret) {
		window_open();
		ret = section->act();
		late = window_close();
	}
	if (clean_up() && !ret)
		ret = -ETIME;
	return ret ? ret : late;
}

static void section_run(const struct section *section, int64_t baseline)
{
	int64_t best = INT64_MAX, late;

	for (int round = 0; round < ROUNDS && best > LIMIT; round++) {
		late = section_try(section);
		if (late < 0) {
			ksft_test_result_fail("%s: %s\n", section->name, strerror(-late));
			return;
		}
		late = late > baseline ? late - baseline : 0;
		if (late < best)
			best = late;
	}
	if (best > LIMIT && section->excuse)
		ksft_test_result_xfail("%s %lld: %s\n", section->name, (long long)best,
				       section->excuse);
	else
		ksft_test_result(best <= LIMIT, "%s %lld\n", section->name, (long long)best);
}

static bool selected(const struct section *section, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], section->name, strlen(argv[i])))
			return true;
	return argc == 1;
}

static int prepare(void)
{
	struct rlimit files = { .rlim_cur = many[HANDLES] + 1000, .rlim_max = many[HANDLES] + 1000 };
	int ret;

	if (setrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	handles = calloc(many[HANDLES], sizeof(*handles));
	children = calloc(MBOX_PROCS_MAX + many[LINKS], sizeof(*children));
	pool.threads = calloc(many[CROWD], sizeof(*pool.threads));
	pool.results = calloc(many[CROWD], sizeof(*pool.results));
	if (!handles || !children || !pool.threads || !pool.results)
		return -ENOMEM;
	ret = nl_open(&nl);
	if (ret)
		return ret;
	/* make all memory present, so that nothing faults */
	if (mlockall(MCL_CURRENT))
		return -errno;
	ret = sampler_start();
	if (ret)
		return ret;
	return pool_grow(many[CROWD]);
}

int main(int argc, char **argv)
{
	static const struct section nothing = { "nothing", none, act_nothing };
	const char *scale = getenv("MBOX_SECTION_SCALE"), *reason = reason_to_skip();
	int factory = factory_open(), ret, n = 0;
	int64_t baseline = INT64_MAX;
	const struct section *section;

	ksft_print_header();
	if (factory < 0)
		ksft_exit_skip("/dev/mbox: %s (is the module loaded?)\n", strerror(-factory));
	close(factory);
	if (reason)
		ksft_exit_skip("%s\n", reason);
	for (int i = 0; scale && i < NR_MANY; i++) {
		many[i] = (long)many[i] * atoi(scale) / 100;
		if (many[i] < 2)
			many[i] = 2;
	}
	if (many[SUBSCRIBERS] > MBOX_RECEIVERS_MAX)
		many[SUBSCRIBERS] = MBOX_RECEIVERS_MAX;
	if (many[MEMBERS] > MBOX_PROCS_MAX - 1)
		many[MEMBERS] = MBOX_PROCS_MAX - 1;
	ret = prepare();
	if (ret)
		ksft_exit_fail_msg("%d threads: %s\n", pool.size, strerror(-ret));
	sleep(SETTLE);

	for (int i = 0; i < ROUNDS; i++) {
		int64_t late = section_try(&nothing);

		if (late >= 0 && late < baseline)
			baseline = late;
	}
	ksft_print_msg("the longest section with preemption off, in instructions; at most %d\n", LIMIT);
	ksft_print_msg("a wake-up takes %lld, which are taken off\n", (long long)baseline);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (section = tables[i]; section->name; section++)
			n += selected(section, argc, argv);
	ksft_set_plan(n);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (section = tables[i]; section->name; section++)
			if (selected(section, argc, argv))
				section_run(section, baseline);
	ksft_finished();
}
