// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the module keeps the processor from everybody else: no section with preemption off may be
 * longer than LIMIT instructions, whatever users do.
 *
 *	selftests/vm/run -i -m 2048 -a preempt=full -f build/selftests/mbox/section_test -- section_test [CASE…]
 *
 * There one nanosecond is one instruction, on one CPU. A real-time thread (the sampler) wakes every
 * 20 us and notes by how much it is late, while one act of a case is done: it is late by the longest
 * time for which nobody could be preempted, less at most the 20 us, and by what its own wake-up takes.
 * The latter is measured while nothing is done, and taken off. An interrupt, or the kernel's own work, may get in the way, so
 * each act is done up to ROUNDS times, and the best time counts.
 *
 * MBOX_SECTION_SCALE=PERCENT makes the crowds and the backlogs smaller (or larger).
 */
#include "section_acts.h"

#include <sys/resource.h>

#define LIMIT		100000	/* instructions */
#define ROUNDS		3
#define SETTLE		5	/* seconds, see cost.c */

static struct section {
	const char *name;
	int (*begin)(void);
	int (*act)(void);
	const char *excuse;		/* why it may be longer, or NULL */
} sections[] = {
	{ "broadcast.overflow", begin_overflow, act_long_message },
	{ "broadcast.send", begin_subscribers, act_broadcast },
	{ "broadcast.send_to_blocked", begin_broadcast_blocked, act_broadcast },
	{ "broadcast.withdrawn", begin_subscribers, act_broadcast_withdrawn },
	{ "broadcast.received", begin_broadcast_full, act_broadcast_received },
	{ "broadcast.delete", begin_broadcast_queued, act_delete },
	{ "broadcast.delete_blocked", begin_broadcast_blocked, act_delete },
	{ "broadcast.purge", begin_broadcast_queued, act_purge },
	{ "broadcast.close", begin_backlog_of_handle, act_close },
	{ "put_back.queue", begin_put_back, act_put_back },
	{ "put_back.broadcast", begin_put_back_broadcast, act_put_back },
	{ "delete.receivers", begin_receivers, act_delete },
	{ "delete.senders", begin_senders, act_delete },
	{ "delete.synchronous", begin_syncs, act_delete },
	{ "delete.queue", begin_backlog, act_delete },
	{ "delete.drain", begin_senders, act_drain },
	{ "set.capacity", begin_senders, act_capacity },
	{ "purge.queue", begin_backlog, act_purge },
	{ "purge.synchronous", begin_syncs, act_purge },
	{ "send.by_type", begin_by_type_fifo, act_send },
	{ "send.by_type_lifo", begin_by_type_lifo, act_send },
	{ "send.by_type_rr", begin_by_type_rr, act_send },
	{ "send.by_type_prio", begin_by_type_prio, act_send },
	{ "send.by_sender", begin_by_sender, act_send },
	{ "send.by_prio", begin_by_prio, act_send },
	{ "send.peek_by_type", begin_peek_by_type, act_send },
	{ "send.peek", begin_peek, act_send_to_all },
	{ "send.too_small", begin_too_small, act_send_to_all },
	{ "send.searches", begin_searches, act_send_searched },
	{ "delete.searches", begin_searches, act_delete_searched },
	{ "poll.by_type", begin_by_type_full, act_poll },
	{ "poll.broadcast", begin_subscribers, act_poll },
	{ "receive.search", begin_backlog, act_recv_other },
	{ "receive.other_type", begin_senders, act_recv_other },
	{ "block.priority", begin_senders, act_urgent_send },
	{ "block.turn", begin_turns, act_look_again },
	{ "members.get", begin_members, act_get },
	{ "members.open", begin_members_full, act_open },
	{ "dump.handles", begin_handles, act_dump_handles },
	{ "dump.waiters", begin_receivers, act_dump_waiters },
	{ "dump.senders", begin_senders, act_dump_waiters },
	{ "dump.links", begin_links, act_dump_links },
	{ "ring.wake", begin_ring, act_ring_wake },
	{ "ring.delete", begin_ring, act_delete },
	{ "link.receivers", begin_link_receivers, act_peer_ends },
	{ "link.senders", begin_link_senders, act_peer_ends },
	{ "poll.wake", begin_pollers, act_send_to_all,
	  "the kernel wakes all pollers of a file at once, of a pipe as well" },
};

/* Back to where nothing is: what waits ends, what is open is closed. */
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
	/* of processes that shared ours */
	close_range(nl.fd + 1, ~0U, 0);
	return ret;
}

/* How long it is, in one round; or a negated errno. */
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

/* Where a nanosecond is an instruction, that is so of each kind of them. */
static bool counts_instructions(void)
{
#if defined(__x86_64__) || defined(__i386__)
	for (int tries = 0; tries < 3; tries++) {
		unsigned long n = 500000, product = 1;
		int64_t first, second, began = now();

		/* two instructions a turn, then three, of which one is slow elsewhere */
		asm volatile("1: dec %0; jnz 1b" : "+r"(n));
		first = now() - began;
		n = 500000;
		began = now();
		asm volatile("1: imul %1, %1; dec %0; jnz 1b" : "+r"(n), "+r"(product));
		second = now() - began;
		if (first >= 1000000 && first < 1050000 && second >= 1500000 && second < 1560000)
			return true;
	}
#endif
	return false;
}

static bool preempt_is_full(void)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return strstr(line, "preempt=full");
}

static const char *reason_to_skip(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) != 1 || !counts_instructions())
		return "no single CPU here that counts instructions as nanoseconds: run -i";
	if (!preempt_is_full())
		return "the kernel is not fully preemptible: run -a preempt=full";
	return NULL;
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
	struct sched_param param = { .sched_priority = 50 };
	pthread_attr_t attr;
	pthread_t thread;
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
	/* what it touches is there, so that it does not fault */
	if (mlockall(MCL_CURRENT))
		return -errno;
	sem_init(&sampler.begin, 0, 0);
	sem_init(&sampler.ended, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &param);
	ret = pthread_create(&thread, &attr, sample, NULL);
	pthread_attr_destroy(&attr);
	if (ret)
		return -ret;
	return pool_grow(many[CROWD]);
}

int main(int argc, char **argv)
{
	static struct section nothing = { "nothing", none, act_nothing };
	const char *scale = getenv("MBOX_SECTION_SCALE"), *reason = reason_to_skip();
	int factory = factory_open(), ret, n = 0;
	int64_t baseline = INT64_MAX;

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
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		n += selected(&sections[i], argc, argv);
	ksft_set_plan(n);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (selected(&sections[i], argc, argv))
			section_run(&sections[i], baseline);
	ksft_finished();
}
