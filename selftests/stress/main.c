// SPDX-License-Identifier: GPL-2.0-only
/*
 * All calls at once, from many processes and threads, on few mailboxes: with deadlines, signals,
 * kills, closed and passed handles, deletions, changing limits, pages that go away, namespaces that
 * come and go; owners that are killed, broadcasts, links between the workers, and rings; and an
 * observer that reads all of it over netlink. Each message is accounted for (ledger.h), and nothing
 * may be left in the end.
 *
 * It runs in rounds of a few seconds; see round.c.
 *
 *	stress_test [-s SECONDS] [-p PROCESSES] [-t THREADS] [-r SEED] [-v]
 *
 * The default of -s is MBOX_STRESS_SECONDS in the environment, else a time that suits a test suite.
 * The same seed makes the same calls again, but not in the same interleaving.
 */
#include "lib/module.h"
#include "lib/user.h"
#include "stress/stress.h"

#include <sys/resource.h>

#define SECONDS			10
#define PROCESSES		6
#define THREADS			3

struct supervisor supervisor;

static void on_quit(int signal)
{
	supervisor.quit = 1;
}

/* Parse a plain number from the command line or the environment. */
static uint64_t number_from(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "stress_test: '%s' is not a number\n", text);
		exit(KSFT_FAIL);
	}
	return value;
}

static void options(int argc, char **argv)
{
	const char *seconds = getenv("MBOX_STRESS_SECONDS");
	int option;

	supervisor.seconds = seconds ? number_from(seconds) : SECONDS;
	supervisor.processes = PROCESSES;
	supervisor.threads = THREADS;
	common.seed = now_on(CLOCK_REALTIME) / NSEC_PER_MSEC;
	while ((option = getopt(argc, argv, "s:p:t:r:v")) != -1) {
		switch (option) {
		case 's':
			supervisor.seconds = number_from(optarg);
			break;
		case 'p':
			supervisor.processes = number_from(optarg);
			break;
		case 't':
			supervisor.threads = number_from(optarg);
			break;
		case 'r':
			common.seed = number_from(optarg);
			break;
		case 'v':
			supervisor.verbose = 1;
			break;
		default:
			fprintf(stderr, "usage: stress_test [-s SECONDS] [-p PROCESSES] [-t THREADS] [-r SEED] [-v]\n");
			exit(KSFT_FAIL);
		}
	}
	/* one slot is the supervisor's */
	if (!supervisor.processes || !supervisor.threads || supervisor.processes * supervisor.threads >= THREADS_MAX) {
		fprintf(stderr, "stress_test: 1 to %d threads in all\n", THREADS_MAX - 1);
		exit(KSFT_FAIL);
	}
}

static void prepare(void)
{
	struct rlimit limit;

	common.slots_file = ledger_new(common.seed);
	if (common.slots_file < 0)
		ksft_exit_fail_msg("no memory for the slots: %s\n", strerror(-common.slots_file));
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);

	common.root = geteuid() == 0;
	common.tag = getpid();
	common.cpus = sysconf(_SC_NPROCESSORS_ONLN);
	supervisor.rng.random = common.seed * 0x9e3779b97f4a7c15ULL | 1;
	supervisor.pins = module_pins();
	for (int i = 0; i < 2; i++)
		supervisor.uids[i] = spare_uid(i);
	supervisor.bytes = param_get("user_bytes");
	supervisor.mailboxes = param_get("user_mailboxes");
	signal(SIGINT, on_quit);
	signal(SIGTERM, on_quit);
}

int main(int argc, char **argv)
{
	static const char *const promises[FAULTS] = {
		[FAULT_CALL] = "every call ended as it may",
		[FAULT_LEDGER] = "each message went where it should, once",
		[FAULT_COUNTERS] = "the counters tell the same as the ledger",
		[FAULT_LEFT] = "nothing is left behind",
	};
	int fd = factory_open();
	int64_t end;

	ksft_print_header();
	if (fd < 0)
		ksft_exit_skip("/dev/mbox: %s (is the module loaded?)\n", strerror(-fd));
	close(fd);
	options(argc, argv);
	prepare();
	ksft_set_plan(FAULTS);
	ksft_print_msg("%u seconds, %u processes of %u threads, seed %llu\n", supervisor.seconds,
		       supervisor.processes, supervisor.threads, (unsigned long long)common.seed);

	end = now() + supervisor.seconds * NSEC_PER_SEC;
	if (common.root) {
		param_set("user_bytes", QUOTA_BYTES);
		param_set("user_mailboxes", QUOTA_MAILBOXES);
	}
	do {
		round_run();
		expect_nothing_left();
		ledger_print();
		if (supervisor.verbose)
			ksft_print_msg("round %u: %u mailboxes, stream up to %llu deep, %llu sends, %llu receives so far\n",
				       ledger->round, ledger->nr_boxes, (long long)current.deepest,
				       (long long)ledger->sends, (long long)ledger->receives);
	} while (now() < end && !supervisor.quit);
	if (common.root) {
		param_set("user_bytes", supervisor.bytes);
		param_set("user_mailboxes", supervisor.mailboxes);
	}

	ksft_print_msg("%llu messages broadcast, %llu links, %llu deadlocks, %llu handovers, %llu mailboxes ended with their owner, %llu records through %llu sides of rings\n",
		       (long long)ledger->broadcasts, (long long)ledger->links,
		       (long long)ledger->deadlocks, (long long)ledger->handovers,
		       (long long)ledger->owners_ended, (long long)ledger->records,
		       (long long)ledger->sides);
	ksft_print_msg("%llu leases, %llu calls of servers\n", (long long)ledger->leases,
		       (long long)ledger->requests);
	ksft_print_msg("%u rounds: %llu calls, %llu sends, %llu receives, %llu signals, %llu kills, %llu deletions, %llu namespaces\n",
		       ledger->round, (long long)ledger->calls, (long long)ledger->sends,
		       (long long)ledger->receives, (long long)ledger->signals,
		       (long long)ledger->kills, (long long)ledger->deletions,
		       (long long)ledger->namespaces);
	for (int i = 0; i < FAULTS; i++)
		ksft_test_result(!ledger->faults[i], "%s\n", promises[i]);
	ksft_finished();
}
