// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every message that was accepted is accounted for, whoever is killed: senders and receivers of one
 * mailbox, SIGKILL at random, and books on what became of each message. See mbox_ledger.h.
 *
 *	MBOX_LEDGER_MESSAGES	how many (of the first test; the others take an eighth)
 *	MBOX_LEDGER_SEED	of all that is random but time
 */
#include "mbox_ledger.h"

#include <poll.h>
#include <sched.h>

#define MESSAGES_DEFAULT	250000
#define MESSAGES_MAX		(1 << 28)
#define KILL_GAP_USEC		3000	/* at most, between two kills */
#define KILL_ROUNDS		100

static uint64_t setting(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : fallback;
}

/* Senders. */

/* write() waits likewise, but has no way to say it. */
static bool is_told_receiver(const struct books *books, uint32_t id)
{
	return waits_for_receipt(books, id) && manner_of(books, id) != BY_WRITE;
}

static int send_message(struct books *books, uint32_t id, const void *data, uint32_t size)
{
	struct mbox_ioc_send arg = { .type = id, .data = address_of(data), .size = size };
	ssize_t ret;

	switch (manner_of(books, id)) {
	case BY_WRITE:
		ret = xwrite(books->fd, data, size);
		return ret == size ? 0 : ret < 0 ? ret : -EPROTO;
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
	return xioctl(books->fd, MBOX_IOC_SEND, &arg);
}

/* Each attempt is told from the others: what failed must not be received. */
static int send_until_sent(struct books *books, uint32_t id)
{
	struct pollfd pollfd = { .fd = books->fd, .events = POLLOUT };
	uint8_t data[LONGEST];
	int ret;

	for (;;) {
		books->entry[id].attempt++;
		ret = send_message(books, id, data, content_write(books, data, id));
		if (ret == -ETIMEDOUT)
			__atomic_fetch_add(&books->timeouts, 1, __ATOMIC_RELAXED);
		else if (ret == -EAGAIN)
			poll(&pollfd, 1, -1);
		else
			return ret;
	}
}

static void sender_run(struct books *books, struct worker *worker)
{
	uint32_t first = (worker - books->workers) * books->share;

	while (worker->next < books->share) {
		uint32_t id = first + worker->next;
		struct entry *entry = &books->entry[id];
		int ret;

		entry->sender = worker->life;
		set_phase(worker, IN_CALL);
		ret = send_until_sent(books, id);
		/* who waits for the receipt is told by whom, others nothing */
		if (ret < 0 || !!ret != is_told_receiver(books, id)) {
			trouble(books, id, "send returned %d", ret);
			_exit(1);
		}
		entry->receipt = ret;
		__atomic_store_n(&entry->fate, SENT, __ATOMIC_SEQ_CST);
		set_phase(worker, IDLE);
		worker->next++;
	}
	_exit(0);
}

/* A sender was killed: whoever takes its place goes on after the message that it was at. */
static void sender_settle(struct books *books, struct worker *worker)
{
	uint32_t first = (worker - books->workers) * books->share;
	struct entry *entry = &books->entry[first + worker->next];

	if (worker->next == books->share)
		return;
	if (entry->fate != SENT) {
		if (worker->phase != IN_CALL)
			return;
		entry->fate = MAYBE;
	}
	worker->next++;
}

/* Receivers. */

static void receiver_take(struct books *books, struct worker *worker)
{
	const struct mbox_header *header = &worker->recv.header;
	struct content content;
	uint32_t id = content_read(books, worker->data, &content);
	struct entry *entry;
	uint32_t other;

	if (id == NO_ID) {
		trouble(books, NO_ID, "message %llu of %llu bytes is not what was sent (id %u?)",
			(unsigned long long)header->seq, (unsigned long long)header->length,
			content.id);
		return;
	}
	entry = &books->entry[id];
	if (header->length != content.size || header->pid != content.pid || header->prio ||
	    header->type != (manner_of(books, id) == BY_WRITE ? 0 : id) || !header->seq)
		trouble(books, id, "header: length %llu seq %llu pid %u prio %u type %u",
			(unsigned long long)header->length, (unsigned long long)header->seq,
			header->pid, header->prio, header->type);
	if (header->seq < worker->last_seq)
		entry->late = 1;
	else
		worker->last_seq = header->seq;
	other = __atomic_exchange_n(&entry->receiver, worker->life, __ATOMIC_SEQ_CST);
	if (other)
		trouble(books, id, "received again, by life %u", worker->life);
	entry->seq = header->seq;
	entry->received_attempt = content.attempt;
}

static void receiver_run(struct books *books, struct worker *worker)
{
	struct pollfd pollfd = { .fd = books->fd, .events = POLLIN };
	uint64_t random = dice(books, worker->life, 4);
	int ret;

	for (;;) {
		/* What is left from before must not pass for what is received now. */
		memset(worker->data, 0, sizeof(struct content));
		memset(&worker->recv, 0, sizeof(worker->recv));
		worker->recv.data = address_of(worker->data);
		worker->recv.size = sizeof(worker->data);
		random = mix(random + 1);
		switch (random % 8) {
		case 0:
			worker->recv.flags = MBOX_RECV_NONBLOCK;
			break;
		case 1:
			worker->recv.clock = MBOX_CLOCK_MONOTONIC;
			worker->recv.deadline = now() + NSEC_PER_MSEC;
			break;
		}
		set_phase(worker, IN_CALL);
		ret = xioctl(books->fd, MBOX_IOC_RECV, &worker->recv);
		if (ret == 0)
			receiver_take(books, worker);
		set_phase(worker, IDLE);
		if (ret == -EAGAIN)
			poll(&pollfd, 1, -1);
		else if (ret && ret != -ETIMEDOUT)
			break;
	}
	if (ret != -EIDRM)
		trouble(books, NO_ID, "receive returned %d", ret);
	_exit(0);
}

/* A receiver was killed, maybe with a message that it could not enter any more. */
static void receiver_settle(struct books *books, struct worker *worker)
{
	struct content content;
	uint32_t id;

	if (worker->phase != IN_CALL)
		return;
	id = content_read(books, worker->data, &content);
	if (id == NO_ID)
		return;
	if (books->entry[id].receiver == worker->life) {
		books->entry[id].seq = worker->recv.header.seq;
		books->entry[id].received_attempt = content.attempt;
	} else {
		books->found[books->founds++] = (struct found) {
			.seq = worker->recv.header.seq, .id = id, .life = worker->life,
			.attempt = content.attempt,
		};
	}
}

/* The one who starts them, kills them and starts them again. */

static void start(struct books *books, uint32_t i)
{
	struct worker *worker = &books->workers[i];
	uint32_t n = ++books->lives;
	pid_t pid;

	worker->life = n;
	worker->phase = IDLE;
	pid = fork_child();
	if (pid < 0) {
		perror("fork");
		abort();
	}
	if (pid == 0) {
		if (is_sender(i))
			sender_run(books, worker);
		receiver_run(books, worker);
	}
	books->life[n] = (struct life) { .worker = i, .pid = pid, .killed = -1 };
}

static struct life *life_of(struct books *books, uint32_t i)
{
	return &books->life[books->workers[i].life];
}

static void bury(struct books *books, uint32_t i, int status)
{
	struct worker *worker = &books->workers[i];
	struct life *life = life_of(books, i);

	if (status == SIGKILL) {
		life->killed = worker->phase;
		if (is_sender(i))
			sender_settle(books, worker);
		else
			receiver_settle(books, worker);
	} else if (status) {
		trouble(books, NO_ID, "%s %d ended with status 0x%x",
			is_sender(i) ? "sender" : "receiver", life->pid, status);
	}
	worker->life = 0;
}

/* Has it ended by itself? */
static bool ended(struct books *books, uint32_t i)
{
	int status;

	if (!books->workers[i].life)
		return true;
	if (waitpid(life_of(books, i)->pid, &status, WNOHANG) == 0)
		return false;
	bury(books, i, status);
	return true;
}

/* Are all messages received? Is nothing moving any more? */
static bool at_end(struct books *books, struct mbox_info *last, int64_t *since)
{
	struct mbox_info info = info_of(books->fd);
	bool done = !info.queued;

	for (uint32_t i = 0; i < SENDERS; i++)
		if (!ended(books, i))
			done = false;
	for (uint32_t i = SENDERS; i < WORKERS; i++) {
		if (ended(books, i)) {
			trouble(books, NO_ID, "a receiver left too early");
			return true;
		}
	}
	if (info.sent != last->sent || info.received != last->received) {
		*last = info;
		*since = now();
	} else if (now() - *since > PATIENCE * NSEC_PER_SEC) {
		trouble(books, NO_ID, "stuck: %llu queued, %u senders, %u receivers blocked",
			(unsigned long long)info.queued, info.senders, info.receivers);
		return true;
	}
	return done;
}

static void run(struct books *books)
{
	uint64_t random = dice(books, 0, 5);
	struct mbox_info last = { 0 };
	int64_t since = now();

	for (uint32_t i = 0; i < WORKERS; i++)
		start(books, i);
	while (!at_end(books, &last, &since)) {
		uint32_t victim;

		random = mix(random + 1);
		usleep((random >> 32) % KILL_GAP_USEC);
		victim = random % WORKERS;
		if (books->lives == LIVES_MAX - 1 || ended(books, victim))
			continue;
		kill(life_of(books, victim)->pid, SIGKILL);
		bury(books, victim, reap(life_of(books, victim)->pid));
		start(books, victim);
	}
	/* A clean end: what was received before it is entered. */
	if (!books->troubles && delete_fd(books->fd, MBOX_DELETE_EMPTY))
		trouble(books, NO_ID, "the mailbox is not empty");
	delete_fd(books->fd, MBOX_DELETE_FORCE);
	for (uint32_t i = 0; i < WORKERS; i++)
		if (books->workers[i].life)
			bury(books, i, reap(life_of(books, i)->pid));
}

FIXTURE(ledger)
{
	struct books *books;
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
	struct mbox_ioc_open arg = open_arg(NULL, variant->capacity);
	uint32_t share;

	ASSERT_LT(0, messages);
	ASSERT_GE(MESSAGES_MAX, messages);
	share = (messages / variant->part + SENDERS - 1) / SENDERS ?: 1;
	self->books = shared_alloc(sizeof(*self->books) +
				   SENDERS * share * sizeof(struct entry));
	self->books->share = share;
	self->books->total = SENDERS * share;
	self->books->capacity = variant->capacity;
	self->books->seed = setting("MBOX_LEDGER_SEED", now_on(CLOCK_REALTIME));
	arg.bytes = variant->bytes;
	self->books->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->books->fd);
}

FIXTURE_TEARDOWN(ledger)
{
	close(self->books->fd);
}

/* It ends by itself where nothing moves any more; the limit is for the million. */
TEST_F_TIMEOUT(ledger, account_for_all, 24 * 3600)
{
	struct books *books = self->books;
	int64_t began = now();
	struct sums sums = { 0 };
	struct mbox_info info;

	ksft_print_msg("MBOX_LEDGER_SEED=%llu, %u messages\n", (unsigned long long)books->seed,
		       books->total);
	run(books);
	ASSERT_EQ(0, info_get(books->fd, &info));
	audit(books, &info, &sums);
	report(books, &info, &sums, (now() - began) / NSEC_PER_MSEC);
	EXPECT_EQ(0, books->troubles);
}

/* Who is killed before a message is sent does not receive it, however far it was in its call. */
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

	/* no page of it is missing: a fault, too, ends the call of who is killed */
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
