// SPDX-License-Identifier: GPL-2.0-only
/*
 * System V message queues: each message is received once, whichever process is killed.
 *
 * Senders and receivers share some queues, by type and by all the ways to choose one, and are
 * killed and started anew all the time. This runs on the kernel's own queues, and by
 * sysv_preload_test.sh on those of libmbox-sysv.so.
 *
 *	MBOX_SYSV_SECONDS	how long (4)
 *	MBOX_SYSV_SEED		of all random choices
 */
#include "lib/sysv.h"

#define QUEUES		2
#define SENDERS		4
#define RECEIVERS	4
#define TYPES		3
#define MESSAGES	(1 << 20)

/* The facts about a message. */
enum { TRIED = 1, SENT = 2 };

struct ledger {
	uint32_t next;			/* number of the next message */
	uint32_t stop;
	uint64_t took;			/* receives that returned */
	uint8_t state[MESSAGES];
	uint8_t received[MESSAGES];
};

struct message {
	long type;
	uint32_t number;
	uint32_t sender;
	uint32_t check;
	char more[200];
};

static int queues[QUEUES];
static struct ledger *ledger;

static uint64_t setting(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : fallback;
}

static uint32_t check_of(const struct message *message)
{
	return message->number * 2654435761u ^ message->sender ^ (uint32_t)message->type;
}

static bool stopped(void)
{
	return __atomic_load_n(&ledger->stop, __ATOMIC_RELAXED);
}

static void sender_run(unsigned int seed)
{
	while (!stopped()) {
		size_t more = rand_r(&seed) % sizeof(((struct message *)0)->more);
		struct message message = { .type = 1 + rand_r(&seed) % TYPES };
		int id = queues[rand_r(&seed) % QUEUES];

		message.number = __atomic_fetch_add(&ledger->next, 1, __ATOMIC_RELAXED);
		if (message.number >= MESSAGES)
			return;
		message.sender = getpid();
		message.check = check_of(&message);
		__atomic_store_n(&ledger->state[message.number], TRIED, __ATOMIC_RELAXED);
		while (msgsnd(id, &message, offsetof(struct message, more) - sizeof(long) + more,
			      rand_r(&seed) % 4 ? 0 : IPC_NOWAIT)) {
			if (errno != EAGAIN)
				_exit(errno);
		}
		__atomic_store_n(&ledger->state[message.number], SENT, __ATOMIC_RELAXED);
	}
}

static bool receiver_take(int id, long type, int flags)
{
	struct message message;
	ssize_t ret;

	ret = msgrcv(id, &message, sizeof(message) - sizeof(long), type, flags);
	if (ret < 0)
		return false;
	if (message.number >= MESSAGES || message.check != check_of(&message))
		_exit(EBADMSG);
	if ((type > 0 && (message.type == type) == !!(flags & MSG_EXCEPT)) ||
	    (type < 0 && message.type > -type))
		_exit(EBADMSG);
	__atomic_fetch_add(&ledger->received[message.number], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&ledger->took, 1, __ATOMIC_RELAXED);
	return true;
}

static void receiver_run(unsigned int seed)
{
	while (!stopped()) {
		long type = rand_r(&seed) % (2 * TYPES + 1) - TYPES;
		int flags = rand_r(&seed) % 4 ? 0 : IPC_NOWAIT;

		if (type > 0 && !(rand_r(&seed) % 3))
			flags |= MSG_EXCEPT;
		if (!receiver_take(queues[rand_r(&seed) % QUEUES], type, flags) &&
		    errno != ENOMSG)
			_exit(errno);
	}
}

static pid_t start(int number, unsigned int seed)
{
	pid_t pid = fork_child();

	if (pid)
		return pid;
	if (number < SENDERS)
		sender_run(seed);
	else
		receiver_run(seed);
	_exit(0);
}

TEST(each_message_once)
{
	int64_t end = now() + setting("MBOX_SYSV_SECONDS", 4) * NSEC_PER_SEC;
	unsigned int seed = setting("MBOX_SYSV_SEED", now());
	uint32_t lost = 0, twice = 0, killed = 0, receivers_killed = 0, invented = 0;
	pid_t pids[SENDERS + RECEIVERS];
	uint64_t messages;
	int n, status;

	TH_LOG("MBOX_SYSV_SEED=%u", seed);
	ledger = shared_alloc(sizeof(*ledger));
	for (n = 0; n < QUEUES; n++) {
		queues[n] = get(IPC_PRIVATE, 0600);
		ASSERT_LE(0, queues[n]);
	}
	for (n = 0; n < SENDERS + RECEIVERS; n++)
		pids[n] = start(n, rand_r(&seed));
	while (now() < end) {
		usleep(rand_r(&seed) % 20000);
		n = rand_r(&seed) % (SENDERS + RECEIVERS);
		kill(pids[n], SIGKILL);
		status = reap(pids[n]);
		ASSERT_TRUE(WIFSIGNALED(status))
			TH_LOG("process %d: %s", n, strerror(WEXITSTATUS(status)));
		killed++;
		receivers_killed += n >= SENDERS;
		pids[n] = start(n, rand_r(&seed));
	}
	__atomic_store_n(&ledger->stop, 1, __ATOMIC_RELAXED);
	for (n = 0; n < SENDERS + RECEIVERS; n++) {
		kill(pids[n], SIGKILL);
		status = reap(pids[n]);
		ASSERT_TRUE(WIFSIGNALED(status) || !WEXITSTATUS(status))
			TH_LOG("process %d: %s", n, strerror(WEXITSTATUS(status)));
		receivers_killed += n >= SENDERS;
	}
	for (n = 0; n < QUEUES; n++) {
		struct msqid_ds ds = stat_of(queues[n]);

		while (receiver_take(queues[n], 0, IPC_NOWAIT))
			ds.msg_qnum--;
		EXPECT_EQ(ENOMSG, errno);
		EXPECT_EQ(0, ds.msg_qnum);
		ds = stat_of(queues[n]);
		EXPECT_EQ(0, ds.msg_qnum);
		EXPECT_EQ(0, ds.__msg_cbytes);
		EXPECT_EQ(0, control(queues[n], IPC_RMID, NULL));
	}
	messages = ledger->next < MESSAGES ? ledger->next : MESSAGES;
	for (uint32_t i = 0; i < messages; i++) {
		lost += ledger->state[i] == SENT && !ledger->received[i];
		twice += ledger->received[i] > 1;
		invented += ledger->received[i] && !ledger->state[i];
	}
	TH_LOG("%llu messages, %u processes killed, %u messages taken by them",
	       (unsigned long long)messages, killed, lost);
	EXPECT_LT(100, ledger->took);
	EXPECT_EQ(0, twice);
	EXPECT_EQ(0, invented);
	/* A receiver may die between its receive and its note. */
	EXPECT_GE(receivers_killed, lost);
}

TEST_HARNESS_MAIN
