// SPDX-License-Identifier: GPL-2.0-only
/*
 * All calls at once, from many processes and threads, on few mailboxes: with deadlines, signals,
 * kills, closed and passed handles, deletions, changing limits, pages that go, namespaces that come
 * and go; mailboxes that belong to who is killed, broadcasts, links between the workers, and rings; and
 * somebody who looks at all of it over netlink. Each
 * message is accounted for (stress_ledger.h), and nothing may be left in the end.
 *
 * It goes in rounds of a few seconds. In each the supervisor makes the mailboxes and keeps a handle
 * on each; starts workers (stress_worker.h); torments and kills them; stops them; receives what is
 * left, and has the ledger judge.
 *
 *	stress_test [-s SECONDS] [-p PROCESSES] [-t THREADS] [-r SEED] [-v]
 *
 * Without -s it is MBOX_STRESS_SECONDS in the environment, else as long as suits a suite of tests. A
 * seed brings the same calls again, but not the same course of events.
 */
#include "stress_boxes.h"
#include "stress_spectator.h"

#include <sys/syscall.h>

#define SECONDS			10
#define ROUND_SECONDS		3
#define PROCESSES		6
#define THREADS			3
#define QUOTA_BYTES		(1UL << 20)	/* of who is not root, meanwhile */
#define QUOTA_MAILBOXES		24

static struct {
	unsigned int seconds, processes, threads, verbose;
	pid_t pids[THREADS_MAX];
	uid_t uids[2];
	struct thread dice;		/* for its random numbers only */
	long pins;			/* of the module, before all */
	uint64_t bytes, mailboxes;	/* the quotas, likewise */
	bool busy;			/* a worker still makes calls */
	volatile sig_atomic_t quit;
} super;

static long module_pins(void)
{
	FILE *f = fopen("/sys/module/mbox/refcnt", "re");
	long pins = -1;

	if (f) {
		if (fscanf(f, "%ld", &pins) != 1)
			pins = -1;
		fclose(f);
	}
	return pins;
}

/* Workers. */

static void worker_start(unsigned int i)
{
	static unsigned int incarnation;
	uint64_t seed = common.seed + ++incarnation * 1000003ULL;
	uid_t uid = common.root && i % 3 == 2 ? super.uids[i / 3 % 2] : 0;
	uint32_t party = box_make_inbox();
	pid_t pid = fork_child();

	/* some are of one thread: only these can be found to be in a deadlock */
	if (pid == 0)
		work(i * super.threads, i % 2 ? 1 : super.threads, party, uid, seed);
	if (pid < 0)
		fault(FAULT_CALL, "fork: %s", strerrorname_np(errno));
	super.pids[i] = pid;
}

/* Settle what the dead were at. Whether somebody is left. */
static bool workers_bury(bool restart)
{
	bool left = false;

	for (unsigned int i = 0; i < super.processes; i++) {
		int status;

		if (super.pids[i] <= 0)
			continue;
		if (waitpid(super.pids[i], &status, WNOHANG) != super.pids[i]) {
			left = true;
			super.busy |= !party_quiet(super.pids[i]);
			continue;
		}
		owner_ended(super.pids[i]);
		super.pids[i] = 0;
		for (unsigned int t = 0; t < super.threads; t++)
			ledger_bury(i * super.threads + t);
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			fault(FAULT_CALL, "a worker died of signal %d", WTERMSIG(status));
		if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_DONE &&
		    WEXITSTATUS(status) != EXIT_RENEW)
			fault(FAULT_CALL, "a worker exited with %d", WEXITSTATUS(status));
		if (restart)
			worker_start(i);
	}
	return left;
}

static void thread_signal(unsigned int thread, int signal)
{
	pid_t pid = super.pids[thread / super.threads], tid = slots[thread].tid;

	/* not yet reaped, so the number is still that of ours, or of nobody */
	if (pid > 0 && tid)
		syscall(SYS_tgkill, pid, tid, signal);
	count(&ledger->signals);
}

/* One of the things that happen to workers and mailboxes. */
static void torment(void)
{
	struct thread *dice = &super.dice;
	unsigned int thread = below(dice, super.processes * super.threads);

	switch (below(dice, 64)) {
	case 0 ... 15:
		thread_signal(thread, ledger->restarts && one_in(dice, 2) ? SIGUSR2 : SIGUSR1);
		break;
	case 16:
		if (one_in(dice, 4) && super.pids[thread / super.threads] > 0) {
			kill(super.pids[thread / super.threads], SIGKILL);
			count(&ledger->kills);
		}
		break;
	case 17 ... 20:
		box_renew(dice, below(dice, NAMES));
		break;
	case 21:
		owner_appoint(dice, common.kept[books.newest[NAME_OWNED]]);
		break;
	case 22 ... 23:
		if (slots[thread].tid) {
			cpu_set_t set;

			CPU_ZERO(&set);
			CPU_SET(below(dice, common.cpus), &set);
			sched_setaffinity(slots[thread].tid, sizeof(set), &set);
		}
		break;
	default:
		break;
	}
}

/* They did not stop though they were told to, and woken: say what they wait in. */
static void workers_lost(void)
{
	char path[128], text[WORDS_SIZE];

	for (unsigned int t = 0; t < super.processes * super.threads; t++) {
		pid_t pid = super.pids[t / super.threads];
		size_t n = 0;
		FILE *f;

		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stack", pid, slots[t].tid);
		f = fopen(path, "re");
		if (f) {
			n = fread(text, 1, 200, f);
			fclose(f);
		}
		text[n] = '\0';
		fault(FAULT_LEFT, "thread %u does not stop: %s", t, text);
		kill(pid, SIGKILL);
	}
}

static void workers_stop(void)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	__atomic_store_n(&ledger->stop, 1, __ATOMIC_RELEASE);
	for (;;) {
		super.busy = false;
		if (!workers_bury(false))
			break;
		if (!super.busy)
			__atomic_store_n(&ledger->stop, STOP_QUIET, __ATOMIC_RELEASE);
		if (end && now() > end) {
			workers_lost();
			end = 0;
		}
		/* again and again, for one that comes before a call has no effect on it */
		for (unsigned int t = 0; t < super.processes * super.threads; t++)
			thread_signal(t, SIGUSR1);
		stream_drain();
		nap();
	}
}

/* Rounds. */

static void round_begin(void)
{
	ledger->round++;
	ledger->stop = 0;
	ledger->restarts = ledger->round % 2;
	ledger->nr_boxes = 0;
	memset(ledger->forced, 0, sizeof(ledger->forced));
	memset(ledger->force_unknown, 0, sizeof(ledger->force_unknown));
	ledger->nr_listeners = 0;
	memset(ledger->listeners, 0, sizeof(ledger->listeners));
	memset(common.kept, -1, sizeof(common.kept));
	for (unsigned int t = 0; t < THREADS_MAX; t++) {
		for (uint32_t i = 0; i < slots[t].next; i++)
			ledger->entries[t][i].flags = 0;
		slots[t].next = 0;
	}
	books.stream.box = NO_BOX;
	books.broadcast.box = NO_BOX;
	books.deepest = 0;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, common.pass) < 0)
		fault(FAULT_CALL, "socketpair: %s", strerrorname_np(errno));
	for (uint32_t name = 0; name < NAMES; name++)
		box_make(&super.dice, name);
}

static void round_end(void)
{
	uint64_t dropped[NAMES] = {};
	int factory = factory_open();
	char name[MBOX_NAME_SIZE];

	close(common.pass[0]);
	close(common.pass[1]);
	for (uint32_t box = 0; box < ledger->nr_boxes; box++) {
		struct mbox_info info = box_close(&super.dice, box, factory);

		if (ledger->boxes[box].name < NAMES)
			dropped[ledger->boxes[box].name] += info.dropped;
	}
	close(factory);
	/* who owned it, or listened, ended */
	dropped[NAME_OWNED] = 0;
	dropped[NAME_BROADCAST] = 0;
	dropped[NAME_OVERFLOW] = 0;
	for (uint32_t i = 0; i < NAMES; i++)
		if (dropped[i] < ledger->forced[i] ||
		    (dropped[i] > ledger->forced[i] && !ledger->force_unknown[i]))
			fault(FAULT_COUNTERS, "name %u: %llu messages are dropped, FORCE said %llu", i,
			      (long long)dropped[i], (long long)ledger->forced[i]);
	for (uint32_t i = 0; i < SCRATCH_NAMES; i++) {
		name_of(name, true, i);
		delete_name(name, MBOX_DELETE_FORCE);
	}
}

static void round_run(void)
{
	int64_t end = now() + ROUND_SECONDS * NSEC_PER_SEC;

	round_begin();
	spectator_start();
	for (unsigned int i = 0; i < super.processes; i++)
		worker_start(i);
	while (now() < end && !super.quit) {
		torment();
		stream_drain();
		workers_bury(true);
		nanosleep(&(struct timespec) { .tv_nsec = 200000 }, NULL);
	}
	workers_stop();
	spectator_end();
	round_end();
}

/* A user has all of his quotas again: just so much fits, to the byte. */
static int use_quota(void *uid)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	uint8_t *data = calloc(1, QUOTA_BYTES);
	int fd = -EPROTO, ret;

	if (become(*(uid_t *)uid, *(uid_t *)uid))
		return -EPROTO;
	arg.msg_size = QUOTA_BYTES;
	for (int i = 0; i < QUOTA_MAILBOXES; i++) {
		fd = open_call(MBOX_IOC_CREATE, &arg);
		if (fd < 0)
			return fd;
	}
	if (open_call(MBOX_IOC_CREATE, &arg) != -EDQUOT)
		return -ERANGE;
	ret = send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, QUOTA_BYTES - MBOX_LARGE_CHARGE);
	if (ret < 0)
		return ret;
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, 0) == -EDQUOT ? 0 : -ERANGE;
}

/* Namespaces go in the background; all else is gone when its last handle is. */
static void expect_nothing_left(void)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (module_pins() > super.pins && now() < end)
		nap();
	if (module_pins() > super.pins)
		fault(FAULT_LEFT, "the module has %ld references, %ld at first", module_pins(),
		      super.pins);
	for (int i = 0; common.root && i < 2; i++) {
		int ret = in_child(use_quota, &super.uids[i]);

		if (ret < 0)
			fault(FAULT_LEFT, "the quotas of user %u: %s", super.uids[i],
			      strerrorname_np(-ret));
	}
}

/* The whole. */

static void on_quit(int signal)
{
	super.quit = 1;
}

/* A plain number from the command line or the environment. */
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

	super.seconds = seconds ? number_from(seconds) : SECONDS;
	super.processes = PROCESSES;
	super.threads = THREADS;
	common.seed = now_on(CLOCK_REALTIME) / NSEC_PER_MSEC;
	while ((option = getopt(argc, argv, "s:p:t:r:v")) != -1) {
		switch (option) {
		case 's':
			super.seconds = number_from(optarg);
			break;
		case 'p':
			super.processes = number_from(optarg);
			break;
		case 't':
			super.threads = number_from(optarg);
			break;
		case 'r':
			common.seed = number_from(optarg);
			break;
		case 'v':
			super.verbose = 1;
			break;
		default:
			fprintf(stderr, "usage: stress_test [-s SECONDS] [-p PROCESSES] [-t THREADS] [-r SEED] [-v]\n");
			exit(KSFT_FAIL);
		}
	}
	/* one slot is the supervisor's */
	if (!super.processes || !super.threads || super.processes * super.threads >= THREADS_MAX) {
		fprintf(stderr, "stress_test: 1 to %d threads in all\n", THREADS_MAX - 1);
		exit(KSFT_FAIL);
	}
}

static void prepare(void)
{
	struct rlimit limit;
	int ret;

	ledger = shared_alloc(sizeof(*ledger));
	pattern_fill(ledger->stream, sizeof(ledger->stream), common.seed);
	common.slots_file = memfd_create("slots", MFD_CLOEXEC);
	ret = ftruncate(common.slots_file, THREADS_MAX * sizeof(struct slot));
	slots = mmap(NULL, THREADS_MAX * sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED,
		     common.slots_file, 0);
	if (ret < 0 || slots == MAP_FAILED)
		ksft_exit_fail_msg("no memory for the slots: %s\n", strerror(errno));
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);

	common.root = geteuid() == 0;
	common.tag = getpid();
	common.cpus = sysconf(_SC_NPROCESSORS_ONLN);
	super.dice.random = common.seed * 0x9e3779b97f4a7c15ULL | 1;
	super.pins = module_pins();
	for (int i = 0; i < 2; i++)
		super.uids[i] = spare_uid(i);
	super.bytes = param_get("user_bytes");
	super.mailboxes = param_get("user_mailboxes");
	signal(SIGINT, on_quit);
	signal(SIGTERM, on_quit);
}

static void print_words(void)
{
	static uint32_t printed;

	for (; printed < ledger->nr_words && printed < WORDS_MAX; printed++)
		ksft_print_msg("%s\n", ledger->words[printed]);
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
	ksft_print_msg("%u seconds, %u processes of %u threads, seed %llu\n", super.seconds,
		       super.processes, super.threads, (unsigned long long)common.seed);

	end = now() + super.seconds * NSEC_PER_SEC;
	if (common.root) {
		param_set("user_bytes", QUOTA_BYTES);
		param_set("user_mailboxes", QUOTA_MAILBOXES);
	}
	do {
		round_run();
		expect_nothing_left();
		print_words();
		if (super.verbose)
			ksft_print_msg("round %u: %u mailboxes, stream up to %llu deep, %llu sends, %llu receives so far\n",
				       ledger->round, ledger->nr_boxes, (long long)books.deepest,
				       (long long)ledger->sends, (long long)ledger->receives);
	} while (now() < end && !super.quit);
	if (common.root) {
		param_set("user_bytes", super.bytes);
		param_set("user_mailboxes", super.mailboxes);
	}

	ksft_print_msg("%llu messages broadcast, %llu links, %llu deadlocks, %llu handovers, %llu mailboxes ended with their owner, %llu records through %llu sides of rings\n",
		       (long long)ledger->broadcasts, (long long)ledger->links,
		       (long long)ledger->deadlocks, (long long)ledger->handovers,
		       (long long)ledger->owners_ended, (long long)ledger->records,
		       (long long)ledger->sides);
	ksft_print_msg("%u rounds: %llu calls, %llu sends, %llu receives, %llu signals, %llu kills, %llu deletions, %llu namespaces\n",
		       ledger->round, (long long)ledger->calls, (long long)ledger->sends,
		       (long long)ledger->receives, (long long)ledger->signals,
		       (long long)ledger->kills, (long long)ledger->deletions,
		       (long long)ledger->namespaces);
	for (int i = 0; i < FAULTS; i++)
		ksft_test_result(!ledger->faults[i], "%s\n", promises[i]);
	ksft_finished();
}
