// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each message ends once, and each call is answered once or fails once, whichever process is killed:
 * senders, callers, workers and servers, at random, while leases end by time, by their holders, and
 * by processes that have only heard of a token; while messages are delayed, expire, die, are parked
 * and kicked; and, in tests of their own, while mailboxes are purged, or deleted in the middle.
 *
 *	MBOX_JOBS_SECONDS	of each test
 *	MBOX_JOBS_SEED		of all random choices
 */
#include "jobs/jobs.h"
#include "lib/module.h"
#include "lib/netlink.h"
#include "lib/user.h"

#define SECONDS		3
#define ROUND_MSECS	700
#define QUOTA		(96 * 1024)

static uint64_t setting(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : fallback;
}

FIXTURE(jobs)
{
	struct rng rng;
	struct nl nl;
	long pins;
	uint64_t quota;
	uid_t uid;
};

FIXTURE_VARIANT(jobs)
{
	uint32_t capacity, letters, most;
	bool purges, dies, quota;
};

FIXTURE_VARIANT_ADD(jobs, bounded) { .capacity = 16, .letters = 4, .most = 3 };
FIXTURE_VARIANT_ADD(jobs, zero) { .capacity = MBOX_CAPACITY_ZERO, .letters = 4, .most = 3 };
FIXTURE_VARIANT_ADD(jobs, unbounded) { .capacity = MBOX_CAPACITY_UNBOUNDED, .letters = 64 };
FIXTURE_VARIANT_ADD(jobs, quota) {
	.capacity = MBOX_CAPACITY_UNBOUNDED, .letters = 256, .most = 2, .quota = true,
};
FIXTURE_VARIANT_ADD(jobs, purged) { .capacity = 16, .letters = 4, .most = 3, .purges = true };
FIXTURE_VARIANT_ADD(jobs, deleted) { .capacity = 16, .letters = 4, .most = 3, .dies = true };

static void on_signal(int signal)
{
}

FIXTURE_SETUP(jobs)
{
	struct sigaction action = { .sa_handler = on_signal };

	/* The senders inherit them. */
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &action, NULL);
	if (variant->quota && geteuid())
		SKIP(return, "needs another user");
	ledger_new(setting("MBOX_JOBS_SEED", now_on(CLOCK_REALTIME) / NSEC_PER_MSEC));
	ksft_print_msg("MBOX_JOBS_SEED=%llu\n", (unsigned long long)ledger->seed);
	ledger->purges = variant->purges;
	ledger->dies = variant->dies;
	ledger->most = variant->most;
	self->rng.state = ledger->seed * 0x9e3779b97f4a7c15ULL | 1;
	self->pins = module_pins();
	self->quota = param_get("user_bytes");
	self->uid = variant->quota ? spare_uid(0) : 0;
	if (variant->quota)
		ASSERT_EQ(0, param_set("user_bytes", QUOTA));
	if (variant->purges)
		ASSERT_EQ(0, nl_open(&self->nl));
}

FIXTURE_TEARDOWN(jobs)
{
	if (variant->quota)
		param_set("user_bytes", self->quota);
}

static int jobs_box(enum box box, uint32_t capacity, uint32_t most)
{
	struct mbox_ioc_open arg;
	int fd;

	name_make(ledger->names[box]);
	arg = open_arg(ledger->names[box], capacity);
	arg.mode = 0666;
	arg.max_deliveries = most;
	arg.dead_letter = box == BOX_JOBS ? ledger->ids[BOX_LETTERS] : 0;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ledger->fds[box] = fd;
	ledger->ids[box] = fd < 0 ? 0 : info_of(fd).id;
	return fd;
}

static void process_start(uint32_t process, uid_t uid)
{
	pid_t pid = fork_child();

	if (pid < 0) {
		perror("fork");
		abort();
	}
	ledger->slots[process].pid = pid ?: getpid();
	if (pid)
		return;
	if (process >= SENDERS)
		worker_run(process);
	if (uid && become(uid, uid))
		_exit(1);
	sender_run(process);
}

/* Return whether the process has ended by itself, or does now. */
static bool process_ended(uint32_t process)
{
	struct slot *slot = &ledger->slots[process];
	int status;

	if (!slot->pid)
		return true;
	if (waitpid(slot->pid, &status, WNOHANG) == 0)
		return false;
	if (status && status != SIGKILL)
		fault("process %u ended with %x", process, status);
	slot_reap(slot);
	return true;
}

static void process_kill(uint32_t process)
{
	struct slot *slot = &ledger->slots[process];

	if (process_ended(process))
		return;
	kill(slot->pid, SIGKILL);
	if (reap(slot->pid) < 0)
		fault("process %u does not die", process);
	slot_reap(slot);
	count(&ledger->kill_count[process >= SENDERS]);
}

static void purge(struct nl *nl, uint64_t id)
{
	struct nl_request request;
	int ret;

	nl_begin(&request, nl->family, MBOX_CMD_MAILBOX_PURGE, 0);
	nl_put_u64(&request, MBOX_A_MAILBOX_ID, id);
	ret = nl_talk(nl, &request, NULL, NULL);
	if (ret < 0)
		fault("purge: %s", strerrorname_np(-ret));
}

/* Do one random thing to the processes, or to the mailboxes. */
static void disturb(struct __test_metadata *_metadata, FIXTURE_DATA(jobs) *self)
{
	struct rng *rng = &self->rng;
	uint32_t process = below(rng, PROCESSES);

	usleep(below(rng, 2000));
	if (one_in(rng, 3)) {
		process_kill(process);
		process_start(process, self->uid);
	} else if (process < SENDERS && !process_ended(process)) {
		kill(ledger->slots[process].pid, one_in(rng, 2) ? SIGUSR1 : SIGUSR2);
	}
	if (ledger->purges && one_in(rng, 16))
		purge(&self->nl, ledger->ids[below(rng, BOXES)]);
}

/* Have the senders end by themselves, where signals help; then kill the workers. */
static void processes_stop(void)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	uint32_t left;

	__atomic_store_n(&ledger->stop, 1, __ATOMIC_RELEASE);
	do {
		left = 0;
		for (uint32_t i = 0; i < SENDERS; i++) {
			if (process_ended(i))
				continue;
			left++;
			kill(ledger->slots[i].pid, SIGUSR1);
		}
		if (now() > end) {
			fault("%u senders do not end", left);
			break;
		}
		nap();
	} while (left);
	for (uint32_t i = 0; i < PROCESSES; i++)
		process_kill(i);
}

/* Receive all that is left: nobody else is there. */
static void boxes_empty(void)
{
	static uint8_t data[LONGEST];
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct mbox_ioc_recv arg = {
		.flags = MBOX_RECV_NONBLOCK, .data = address_of(data), .size = LONGEST,
	};
	uint32_t number, left;

	do {
		left = 0;
		for (uint32_t box = 0; box < BOXES; box++) {
			kick(ledger->fds[box], 1000);
			while (xioctl(ledger->fds[box], MBOX_IOC_RECV, &arg) == 0)
				if (message_of(box, data, arg.header.length, &number))
					entry_ended(number, box, END_TAKEN);
			left += info_of(ledger->fds[box]).queued;
		}
		if (now() > end) {
			fault("%u messages cannot be received", left);
			break;
		}
		nap();
	} while (left);
}

static void round_run(struct __test_metadata *_metadata, FIXTURE_DATA(jobs) *self)
{
	int64_t end = now() + ROUND_MSECS * NSEC_PER_MSEC;
	struct mbox_info info[BOXES];

	for (uint32_t i = 0; i < PROCESSES; i++)
		process_start(i, self->uid);
	while (now() < end && !ledger->faults)
		disturb(_metadata, self);
	for (uint32_t i = 0; ledger->dies && i < BOXES; i++)
		delete_fd(ledger->fds[i], MBOX_DELETE_FORCE);
	processes_stop();
	if (!ledger->dies)
		boxes_empty();
	for (uint32_t i = 0; i < BOXES; i++)
		info[i] = info_of(ledger->fds[i]);
	ledger_check(info);
}

/* The number of a message that has the last mark, and was accepted. */
static void mark_check(void)
{
	uint64_t mark = info_of(ledger->fds[BOX_JOBS]).mark;
	const struct entry *entry = mark ? entry_of(mark) : NULL;

	if (mark && (!entry || !(entry->flags & MARKED) ||
		     ((entry->flags & FAILED) && entry->error == -EAGAIN)))
		fault("the mark %llx is of no message", (long long)mark);
}

TEST_F_TIMEOUT(jobs, account_for_all, 24 * 3600)
{
	int64_t end = now() + setting("MBOX_JOBS_SECONDS", SECONDS) * NSEC_PER_SEC;

	do {
		ledger_clear();
		ASSERT_LE(0, jobs_box(BOX_LETTERS, variant->letters, 0));
		ASSERT_LE(0, jobs_box(BOX_JOBS, variant->capacity, variant->most));
		ASSERT_LE(0, jobs_box(BOX_CALLS, variant->capacity, 0));
		round_run(_metadata, self);
		mark_check();
		for (uint32_t i = 0; i < BOXES; i++)
			close(ledger->fds[i]);
	} while (now() < end && !ledger->faults);
	ksft_print_msg("%u rounds: %llu sends (%llu refused), %llu calls; %llu leases; %llu taken, %llu acknowledged, %llu replied, %llu rejected; %llu stale, %llu meddled, %llu kicked; kills %llu+%llu\n",
		       ledger->round, (long long)ledger->sends, (long long)ledger->refused,
		       (long long)ledger->calls, (long long)ledger->leases,
		       (long long)ledger->counts[END_TAKEN], (long long)ledger->counts[END_ACKED],
		       (long long)ledger->counts[END_REPLIED], (long long)ledger->counts[END_REJECTED],
		       (long long)ledger->stale, (long long)ledger->meddled,
		       (long long)ledger->kicked, (long long)ledger->kill_count[0],
		       (long long)ledger->kill_count[1]);
	ledger_print();
	EXPECT_EQ(0, ledger->faults);
	EXPECT_TRUE(await_module_pins(self->pins));
}

MBOX_TEST_MAIN
