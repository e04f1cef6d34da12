// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every message that was accepted is accounted for, whichever process is killed: senders and receivers
 * of one mailbox, SIGKILL at random, and the ledger of stress_test (stress/ledger.h). The mailbox
 * is FIFO, so here each receiver gets ascending numbers too.
 *
 *	MBOX_LEDGER_MESSAGES	how many (of the first test; the others take an eighth)
 *	MBOX_LEDGER_SEED	of all random choices
 */
#include "stress/ledger.h"

#include <poll.h>
#include <sched.h>

#define MESSAGES_DEFAULT	250000
#define MESSAGES_MAX		(1 << 28)
#define KILL_GAP_USEC		3000	/* at most, between two kills */
#define KILL_ROUNDS		100

#define SENDERS		4
#define RECEIVERS	4
#define WORKERS		(SENDERS + RECEIVERS)
#define LONGEST		MBOX_MSG_SIZE_DEFAULT

/* The calls by which a message is sent. */
enum manner { BY_SEND, BY_WRITE, BY_SYNC, BY_NONBLOCK, BY_DEADLINE, MANNERS };

/* Of a test, in shared memory; slot i of the ledger is worker i's. */
struct run {
	uint64_t seed, random;
	uint64_t messages;		/* to send in all */
	uint32_t capacity;
	int fd;				/* of the mailbox of this round */
	uint64_t sent;			/* messages, in all rounds */
	uint32_t share;			/* of each sender in this round */
	uint32_t accepted[SENDERS];	/* of it, by the sender or perhaps */
	uint64_t latest[RECEIVERS];	/* number that the receiver got */
	uint32_t late;			/* messages after one with a higher number */
	uint32_t kills[2][2];		/* of senders and receivers, between calls and in one */
	pid_t pids[WORKERS];		/* 0: it has ended */
};

static uint64_t setting(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : fallback;
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static bool is_sender(uint32_t worker)
{
	return worker < SENDERS;
}

/* Senders. */

/* Most are small, many are near the limit between small and large, a few are as long as possible. */
static uint32_t random_size(uint64_t random)
{
	const uint32_t least = sizeof(struct stamp);
	uint32_t span;

	switch (random % 16) {
	case 0:
		return MBOX_SMALL_SIZE + (random >> 32) % 2;
	case 1:
		span = LONGEST - least;
		break;
	case 2 ... 4:
		span = 2000 - least;
		break;
	default:
		span = MBOX_SMALL_SIZE - least;
	}
	return least + (random >> 32) % (span + 1);
}

/* Return whether the kernel tells the sender of the message its receiver. */
static bool is_told_receiver(const struct run *run, enum manner manner)
{
	return manner == BY_SYNC || (run->capacity == MBOX_CAPACITY_ZERO &&
				     (manner == BY_SEND || manner == BY_DEADLINE));
}

static long send_call(const struct run *run, enum manner manner, const struct entry *entry,
		      const void *data)
{
	struct mbox_ioc_send arg = {
		.type = entry->type, .data = address_of(data), .size = entry->size,
	};
	ssize_t ret;

	switch (manner) {
	case BY_WRITE:
		ret = xwrite(run->fd, data, entry->size);
		return ret == entry->size ? 0 : ret < 0 ? ret : -EPROTO;
	case BY_SYNC:
		arg.flags = MBOX_SEND_SYNC;
		break;
	case BY_NONBLOCK:
		arg.flags = MBOX_SEND_NONBLOCK;
		break;
	case BY_DEADLINE:
		arg.clock = MBOX_CLOCK_MONOTONIC;
		arg.deadline = now() + NSEC_PER_MSEC;
		break;
	default:
		break;
	}
	return xioctl(run->fd, MBOX_IOC_SEND, &arg);
}

/* Send one message, with an entry of its own. Return false if it was not accepted. */
static bool send_one(struct run *run, uint32_t worker, enum manner manner, uint32_t size)
{
	struct slot *slot = &slots[worker];
	struct entry *entry = &ledger->entries[worker][slot->next];
	uint32_t number = number_of(worker, slot->next), flags;
	long ret;

	*entry = (struct entry) {
		.size = size, .type = manner == BY_WRITE ? 0 : number, .sender = getpid(),
	};
	payload_make(slot->out, size, 0, number);
	mark(entry, OPEN);
	__atomic_store_n(&slot->sending, slot->next + 1, __ATOMIC_RELEASE);
	ret = send_call(run, manner, entry, slot->out);
	entry->told = ret > 0 ? ret : 0;
	flags = ret < 0 ? FAILED : ret > 0 ? SENT | WAITED : SENT;
	if (ret == -ETIMEDOUT)
		flags |= WITHDRAWN;
	if ((mark(entry, flags) & RECEIVED) && ret < 0)
		fault(FAULT_LEDGER, "%08x: send failed with %s, but was received", number,
		      strerrorname_np(-ret));
	if (ret >= 0)
		run->accepted[worker]++;
	slot->next++;
	__atomic_store_n(&slot->sending, 0, __ATOMIC_RELEASE);
	if (ret >= 0 ? !!ret != is_told_receiver(run, manner) :
		       !(ret == -EAGAIN && manner == BY_NONBLOCK) &&
		       !(ret == -ETIMEDOUT && manner == BY_DEADLINE)) {
		fault(FAULT_CALL, "%08x: send returned %ld", number, ret);
		_exit(1);
	}
	return ret >= 0;
}

static void sender_run(struct run *run, uint32_t worker)
{
	struct pollfd pollfd = { .fd = run->fd, .events = POLLOUT };
	struct slot *slot = &slots[worker];

	while (run->accepted[worker] < run->share && slot->next < ENTRIES) {
		uint64_t random = mix(run->seed + number_of(worker, slot->next));
		uint32_t manner = random >> 8 & 15, size = random_size(random);

		if (manner >= MANNERS)
			manner = BY_SEND;
		if (!send_one(run, worker, manner, size) && manner == BY_NONBLOCK)
			poll(&pollfd, 1, -1);
	}
	_exit(0);
}

/* Receivers. */

static void receiver_run(struct run *run, uint32_t worker)
{
	struct pollfd pollfd = { .fd = run->fd, .events = POLLIN };
	uint64_t *latest = &run->latest[worker - SENDERS];
	uint64_t random = mix(run->seed + getpid());
	struct slot *slot = &slots[worker];
	struct mbox_ioc_recv *arg = &slot->recv;
	int ret;

	for (;;) {
		random = mix(random + 1);
		memset(arg, 0, sizeof(*arg));
		memset(slot->in, 0, sizeof(struct stamp));
		arg->data = address_of(slot->in);
		arg->size = LONGEST;
		arg->header.length = ROOM + 1;	/* not written yet */
		if (random % 8 == 0)
			arg->flags = MBOX_RECV_NONBLOCK;
		if (random % 8 == 1) {
			arg->clock = MBOX_CLOCK_MONOTONIC;
			arg->deadline = now() + NSEC_PER_MSEC;
		}
		__atomic_store_n(&slot->receiving, RECEIVING_RECV, __ATOMIC_RELEASE);
		ret = xioctl(run->fd, MBOX_IOC_RECV, arg);
		if (ret == 0) {
			ledger_got(0, 0, &arg->header, slot->in, arg->header.length, true);
			if (arg->header.seq < *latest)
				__atomic_fetch_add(&run->late, 1, __ATOMIC_RELAXED);
			else
				*latest = arg->header.seq;
		}
		__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
		if (ret == -EAGAIN)
			poll(&pollfd, 1, -1);
		else if (ret && ret != -ETIMEDOUT)
			break;
	}
	if (ret != -EIDRM)
		fault(FAULT_CALL, "receive returned %d", ret);
	_exit(0);
}

/* The test itself, which starts, kills and restarts them. */

static void worker_start(struct run *run, uint32_t worker)
{
	pid_t pid = fork_child();

	if (pid < 0) {
		perror("fork");
		abort();
	}
	if (pid == 0) {
		slots[worker].pid = getpid();
		if (is_sender(worker))
			sender_run(run, worker);
		receiver_run(run, worker);
	}
	slots[worker].pid = pid;
	run->pids[worker] = pid;
}

/* The worker has ended: settle the calls that it was in. */
static void worker_reaped(struct run *run, uint32_t worker, int status)
{
	struct slot *slot = &slots[worker];

	if (status == SIGKILL) {
		run->kills[!is_sender(worker)][slot->sending || slot->receiving]++;
		/* it may have been accepted, and counts as that */
		if (slot->sending &&
		    !(ledger->entries[worker][slot->sending - 1].flags & (SENT | FAILED)))
			run->accepted[worker]++;
		ledger_reap(worker);
	} else if (status) {
		fault(FAULT_CALL, "%s %d ended with status 0x%x",
		      is_sender(worker) ? "sender" : "receiver", run->pids[worker], status);
	}
	run->pids[worker] = 0;
}

/* Return whether the worker has ended by itself. */
static bool worker_ended(struct run *run, uint32_t worker)
{
	int status;

	if (!run->pids[worker])
		return true;
	if (waitpid(run->pids[worker], &status, WNOHANG) == 0)
		return false;
	worker_reaped(run, worker, status);
	return true;
}

/* Return whether all messages are received, or nothing moves any more. */
static bool round_ended(struct run *run, struct mbox_info *last, int64_t *since)
{
	struct mbox_info info = info_of(run->fd);
	bool done = !info.queued;

	for (uint32_t i = 0; i < SENDERS; i++)
		if (!worker_ended(run, i))
			done = false;
	for (uint32_t i = SENDERS; i < WORKERS; i++) {
		if (worker_ended(run, i)) {
			fault(FAULT_CALL, "a receiver ended too early");
			return true;
		}
	}
	if (info.sent != last->sent || info.received != last->received) {
		*last = info;
		*since = now();
	} else if (now() - *since > PATIENCE * NSEC_PER_SEC) {
		fault(FAULT_LEFT, "stuck: %llu queued, %u senders, %u receivers blocked",
		      (unsigned long long)info.queued, info.senders, info.receivers);
		return true;
	}
	return done;
}

static bool has_faults(void)
{
	for (int i = 0; i < FAULTS; i++)
		if (ledger->faults[i])
			return true;
	return false;
}

/* Send as many messages as the ledger has entries for, over a new mailbox. */
static void round_run(struct run *run)
{
	struct mbox_info info = { 0 };
	int64_t since = now();

	ledger_clear();
	ledger->boxes[0] = (struct box) { .name = NAME_PLAIN };
	ledger->nr_boxes = 1;
	run->share = (run->messages - run->sent + SENDERS - 1) / SENDERS;
	memset(run->accepted, 0, sizeof(run->accepted));
	memset(run->latest, 0, sizeof(run->latest));
	for (uint32_t i = 0; i < WORKERS; i++)
		worker_start(run, i);
	while (!round_ended(run, &info, &since)) {
		uint32_t victim;

		run->random = mix(run->random + 1);
		usleep((run->random >> 32) % KILL_GAP_USEC);
		victim = run->random % WORKERS;
		if (worker_ended(run, victim))
			continue;
		kill(run->pids[victim], SIGKILL);
		worker_reaped(run, victim, reap(run->pids[victim]));
		worker_start(run, victim);
	}
	/* A clean end: the receivers note the last messages before it. */
	if (!has_faults() && delete_fd(run->fd, MBOX_DELETE_EMPTY))
		fault(FAULT_LEFT, "the mailbox is not empty");
	delete_fd(run->fd, MBOX_DELETE_FORCE);
	for (uint32_t i = 0; i < WORKERS; i++)
		if (run->pids[i])
			worker_reaped(run, i, reap(run->pids[i]));
	for (uint32_t i = 0; i < SENDERS; i++)
		run->sent += run->accepted[i];
	info = info_of(run->fd);
	ledger_check(0, &info);
}

FIXTURE(ledger)
{
	struct run *run;
	struct mbox_ioc_open open;
};

FIXTURE_VARIANT(ledger)
{
	uint32_t capacity;
	uint64_t bytes;
	uint32_t part;
};

FIXTURE_VARIANT_ADD(ledger, bounded) { .capacity = 16, .part = 1 };
FIXTURE_VARIANT_ADD(ledger, zero) { .capacity = MBOX_CAPACITY_ZERO, .part = 8 };
FIXTURE_VARIANT_ADD(ledger, bytes) {
	.capacity = MBOX_CAPACITY_UNBOUNDED, .bytes = 65536, .part = 8,
};

FIXTURE_SETUP(ledger)
{
	uint64_t messages = setting("MBOX_LEDGER_MESSAGES", MESSAGES_DEFAULT);

	ASSERT_LT(0, messages);
	ASSERT_GE(MESSAGES_MAX, messages);
	self->open = open_arg(NULL, variant->capacity);
	self->open.bytes = variant->bytes;
	self->run = shared_alloc(sizeof(*self->run));
	self->run->messages = messages / variant->part ?: 1;
	self->run->capacity = variant->capacity;
	self->run->seed = setting("MBOX_LEDGER_SEED", now_on(CLOCK_REALTIME));
	self->run->random = mix(self->run->seed);
	ASSERT_LE(0, ledger_new(self->run->seed));
}

FIXTURE_TEARDOWN(ledger)
{
}

/* It ends by itself where nothing moves any more; the timeout allows for millions of messages. */
TEST_F_TIMEOUT(ledger, account_for_all, 24 * 3600)
{
	struct run *run = self->run;
	int64_t began = now(), msecs;

	ksft_print_msg("MBOX_LEDGER_SEED=%llu, %llu messages\n", (unsigned long long)run->seed,
		       (unsigned long long)run->messages);
	while (run->sent < run->messages && !has_faults()) {
		run->fd = open_call(MBOX_IOC_CREATE, &self->open);
		ASSERT_LE(0, run->fd);
		round_run(run);
		close(run->fd);
	}
	msecs = (now() - began) / NSEC_PER_MSEC;
	ksft_print_msg("%llu sent and received in %lld.%03lld s, in %u rounds; %u senders killed (%u in a call), "
		       "%u receivers (%u); %u late\n", (unsigned long long)run->sent,
		       (long long)msecs / 1000, (long long)msecs % 1000, ledger->round,
		       run->kills[0][0] + run->kills[0][1], run->kills[0][1],
		       run->kills[1][0] + run->kills[1][1], run->kills[1][1], run->late);
	ledger_print();
	EXPECT_FALSE(has_faults());
	/* The queue is in order; only a message that a kill put back comes late. */
	EXPECT_GE(run->kills[1][1], run->late);
}

/* A receiver that is killed before a message is sent does not receive it, however far its call got. */
FIXTURE(killed)
{
	int fd;
};

FIXTURE_VARIANT(killed)
{
	uint32_t size;
	bool spins;			/* receives without blocking, again and again */
};

FIXTURE_VARIANT_ADD(killed, blocked_small) { .size = 64 };
FIXTURE_VARIANT_ADD(killed, blocked_large) { .size = 3000 };
FIXTURE_VARIANT_ADD(killed, spinning_small) { .size = 64, .spins = true };
FIXTURE_VARIANT_ADD(killed, spinning_large) { .size = 3000, .spins = true };

FIXTURE_SETUP(killed)
{
	self->fd = box_new(_metadata, 4);
}

FIXTURE_TEARDOWN(killed)
{
	close(self->fd);
}

/* On the CPU that the test is on: so it is interrupted anywhere in its call, if the kernel can. */
static void receive_for_ever(int fd, bool spins, int *ready)
{
	uint8_t data[4096];

	/* no page of it is missing: a fault, too, ends the call of a killed process */
	memset(data, 1, sizeof(data));
	set_flag(ready);
	for (;;)
		recv_bytes(fd, spins ? MBOX_RECV_NONBLOCK : 0, data, sizeof(data), NULL);
}

TEST_F(killed, takes_nothing)
{
	int *ready = shared_alloc(sizeof(*ready));
	uint8_t data[4096] = { 0 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	for (int round = 1; round <= KILL_ROUNDS; round++) {
		pid_t pid;

		*ready = 0;
		pid = fork_child();
		if (pid == 0)
			receive_for_ever(self->fd, variant->spins, ready);
		ASSERT_LT(0, pid);
		ASSERT_TRUE(await_flag(ready));
		if (!variant->spins) {
			ASSERT_TRUE(await_blocked(self->fd, 0, 1));
		}
		nap();
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(0, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, 0, data, variant->size));
		ASSERT_EQ(SIGKILL, reap(pid));
		ASSERT_EQ(1, info_of(self->fd).queued)
			TH_LOG("in round %d", round);
		ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL));
	}
	EXPECT_EQ(KILL_ROUNDS, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

MBOX_TEST_MAIN
