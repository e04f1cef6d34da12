// SPDX-License-Identifier: GPL-2.0-only
/* Leases, posts and calls, when senders, workers or the mailbox end, or messages are purged. */
#include <signal.h>
#include <sched.h>
#include "lib/interrupt.h"
#include "lib/lease.h"
#include "lib/netlink.h"
#include "lib/peer.h"

#define MS	1000000ULL
#define BATCHES	300		/* messages: more than the kernel sees to in one go, several times */

FIXTURE(end)
{
	char name[MBOX_NAME_SIZE];
	int fd;
};

FIXTURE_SETUP(end)
{
	self->fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, self->name);
}

FIXTURE_TEARDOWN(end)
{
	close(self->fd);
}

/* Make @receiver the only handle of a mailbox that nobody else can open. */
static int leave_receiver(struct _test_data_end *self)
{
	int receiver = open_name(self->name, MBOX_RIGHT_RECV);

	delete_fd(self->fd, MBOX_DELETE_UNLINK);
	close(self->fd);
	self->fd = -1;
	return receiver;
}

/* After the last sender has left, a receive waits for messages that may return, and for no more. */
TEST_F(end, last_sender_left)
{
	struct leased first, second;
	struct call *call;
	int receiver;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	receiver = leave_receiver(self);
	ASSERT_LE(0, receiver);
	first = lease(receiver);
	second = lease(receiver);
	ASSERT_EQ(0, second.error);
	call = recv_start(receiver);
	ASSERT_TRUE(await_blocked(receiver, 0, 1));
	EXPECT_EQ(0, ack(receiver, first.delivery.token));
	EXPECT_EQ(0, poll_now(receiver) & POLLHUP);
	EXPECT_EQ(1, info_of(receiver).receivers);
	EXPECT_EQ(0, ack(receiver, second.delivery.token));
	EXPECT_STREQ("EPIPE", recv_end(call));
	EXPECT_EQ(POLLHUP, poll_now(receiver) & POLLHUP);
	close(receiver);
}

/* The same for a message that is rejected, and so parked. */
TEST_F(end, last_message_parked)
{
	struct leased one;
	struct call *call;
	int receiver;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	receiver = leave_receiver(self);
	ASSERT_LE(0, receiver);
	one = lease(receiver);
	call = recv_start(receiver);
	ASSERT_TRUE(await_blocked(receiver, 0, 1));
	EXPECT_EQ(0, nack(receiver, one.delivery.token, MBOX_NACK_REJECT, 0, 0));
	EXPECT_STREQ("EPIPE", recv_end(call));
	EXPECT_TRUE(counts(receiver, 0, 0, 1));
	close(receiver);
}

/* Delayed messages are purged, many of them, but no leased one. */
TEST_F(end, purge_delayed)
{
	struct mbox_ioc_post arg = {
		.flags = MBOX_POST_NOT_BEFORE, .clock = MBOX_CLOCK_MONOTONIC,
		.not_before = now() + 3600 * NSEC_PER_SEC,
	};
	struct leased one;

	ASSERT_EQ(0, put(self->fd, 0, "kept"));
	one = lease(self->fd);
	ASSERT_EQ(0, one.error);
	for (int i = 0; i < BATCHES; i++)
		ASSERT_EQ(0, post(self->fd, arg, "late"));
	ASSERT_TRUE(counts(self->fd, 1, BATCHES, 0));
	EXPECT_EQ(0, nl_purge(self->name));
	EXPECT_TRUE(counts(self->fd, 1, 0, 0));
	EXPECT_EQ(BATCHES, info_of(self->fd).dropped);
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
}

/* A sender or caller in a child: blocked until its message is acknowledged. */
static pid_t post_start(int fd, bool *failed)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_ACKED };
	pid_t pid = fork_child();

	if (pid == 0) {
		*failed = post(fd, arg, "acked") == -ECANCELED;
		_exit(0);
	}
	return pid;
}

/* A sender that waits for the acknowledgement of a message that is delayed anew learns of its purge. */
TEST_F(end, purge_acked)
{
	bool *failed = shared_alloc(sizeof(*failed));
	pid_t pid = post_start(self->fd, failed);
	struct leased one;

	ASSERT_LE(0, pid);
	one = lease_arg(self->fd, (struct mbox_ioc_lease) {});
	ASSERT_EQ(0, one.error);
	EXPECT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_RETRY, 3600 * 1000 * MS, 0));
	EXPECT_TRUE(counts(self->fd, 0, 1, 0));
	EXPECT_EQ(0, nl_purge(self->name));
	EXPECT_EQ(0, reap(pid));
	EXPECT_TRUE(*failed);
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token));
}

/* The holder of very many messages that were withdrawn is told of the last of them only. */
TEST_F(end, many_withdrawn)
{
	enum { SENDERS = 70, TOLD = 64 };
	bool *failed = shared_alloc(sizeof(*failed));
	struct leased leased[SENDERS];
	pid_t pids[SENDERS];
	int told = 0;

	for (int i = 0; i < SENDERS; i++) {
		pids[i] = post_start(self->fd, failed);
		ASSERT_LE(0, pids[i]);
		leased[i] = lease_arg(self->fd, (struct mbox_ioc_lease) {});
		ASSERT_EQ(0, leased[i].error);
	}
	EXPECT_TRUE(counts(self->fd, SENDERS, 0, 0));
	for (int i = 0; i < SENDERS; i++) {
		kill(pids[i], SIGKILL);
		reap(pids[i]);
	}
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	for (int i = 0; i < SENDERS; i++) {
		int ret = ack(self->fd, leased[i].delivery.token);

		EXPECT_EQ(i < SENDERS - TOLD ? -ESTALE : -ECANCELED, ret);
		told += ret == -ECANCELED;
	}
	EXPECT_EQ(TOLD, told);
}

/* The number of a lease starts again, and is none that means no lease. */
TEST_F(end, leased_very_often)
{
	enum { TIMES = 70000 };
	struct leased one;
	uint64_t last = 0;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	for (int i = 0; i < TIMES; i++) {
		one = lease(self->fd);
		ASSERT_EQ(0, one.error);
		ASSERT_NE(last, one.delivery.token);
		last = one.delivery.token;
		ASSERT_EQ(0, nack(self->fd, last, MBOX_NACK_RELEASE, 0, 0));
	}
	one = lease(self->fd);
	EXPECT_EQ(-ESTALE, ack(self->fd, last));
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
}

/* A mailbox that is deleted while the leases of a handle that is closed return. */
TEST(deleted_while_leases_return)
{
	enum { ROUNDS = 8, LEASES = 1000 };
	int64_t took = 0;

	ASSERT_TRUE(interrupt_prepare());
	for (int round = 0; round < ROUNDS; round++) {
		char name[MBOX_NAME_SIZE];
		int fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, name), worker;
		struct interrupt interrupt = {
			.call = interrupt_delete, .arg = &fd, .delay = 1 + took * round / ROUNDS,
		};
		struct mbox_info info;
		int64_t began;

		worker = open_name(name, MBOX_RIGHT_RECV);
		ASSERT_LE(0, worker);
		for (int i = 0; i < LEASES; i++) {
			ASSERT_EQ(0, put(fd, 0, "text"));
			ASSERT_EQ(0, lease(worker).error);
		}
		if (round)
			ASSERT_EQ(0, interrupt_start(&interrupt));
		began = now();
		close(worker);
		if (!round) {
			took = now() - began;
			EXPECT_TRUE(counts(fd, 0, 0, 0));
			EXPECT_EQ(LEASES, info_of(fd).queued);
			close(fd);
			continue;
		}
		interrupt_end(&interrupt);
		EXPECT_EQ(0, interrupt.result);
		info = info_of(fd);
		EXPECT_EQ(MBOX_STATE_DEAD, info.state);
		EXPECT_EQ(LEASES, info.dropped);
		EXPECT_TRUE(counts(fd, 0, 0, 0));
		close(fd);
	}
}

static int close_now(void *arg)
{
	return close(*(int *)arg);
}

static void *post_acked(void *data)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_ACKED };

	return (void *)(long)post(*(int *)data, arg, "acked");
}

/* The worker ends after the death of the mailbox, and before the senders of its messages know of that. */
TEST(worker_ends_before_senders)
{
	enum { ROUNDS = 5, SENDERS = 200 };
	int64_t took = 0;

	ASSERT_TRUE(interrupt_prepare());
	for (int round = 0; round < ROUNDS; round++) {
		char name[MBOX_NAME_SIZE];
		int fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, name), worker;
		struct interrupt interrupt = {
			.call = close_now, .arg = &worker,
			.delay = round ? 1 + took * (round - 1) / ROUNDS : NSEC_PER_SEC,
		};
		pthread_t senders[SENDERS];
		int64_t began;
		void *result;

		worker = open_name(name, MBOX_RIGHT_RECV);
		ASSERT_LE(0, worker);
		for (int i = 0; i < SENDERS; i++)
			ASSERT_EQ(0, pthread_create(&senders[i], NULL, post_acked, &fd));
		ASSERT_TRUE(await_blocked(fd, SENDERS, 0));
		for (int i = 0; i < SENDERS; i++)
			ASSERT_EQ(0, lease(worker).error);
		ASSERT_EQ(0, interrupt_start(&interrupt));
		began = now();
		ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
		if (!round)
			took = now() - began;
		interrupt_end(&interrupt);
		for (int i = 0; i < SENDERS; i++) {
			ASSERT_EQ(0, pthread_join(senders[i], &result));
			ASSERT_EQ(-EIDRM, (long)result);
		}
		EXPECT_TRUE(counts(fd, 0, 0, 0));
		EXPECT_EQ(SENDERS, info_of(fd).dropped);
		close(fd);
	}
}

static int lease_one(void *data)
{
	struct leased one = lease(*(int *)data);

	return one.error ?: ack(*(int *)data, one.delivery.token);
}

static void *lease_run(void *data)
{
	return (void *)(long)lease_one(data);
}

/* Threads of a process that lease at the same time for the first time are the same worker. */
TEST_F(end, workers_at_once)
{
	enum { TURNS = 100, THREADS = 3 };

	for (int turn = 0; turn < TURNS; turn++) {
		int receiver = open_name(self->name, MBOX_RIGHT_RECV);
		pthread_t threads[THREADS];
		void *result;

		ASSERT_LE(0, receiver);
		for (int i = 0; i < THREADS; i++)
			ASSERT_EQ(0, put(self->fd, 0, "text"));
		for (int i = 0; i < THREADS; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, lease_run, &receiver));
		for (int i = 0; i < THREADS; i++) {
			ASSERT_EQ(0, pthread_join(threads[i], &result));
			ASSERT_EQ(NULL, result);
		}
		close(receiver);
		ASSERT_TRUE(counts(self->fd, 0, 0, 0));
	}
}

/* The same, where one begins in the middle of the other's lease. */
TEST_F(end, worker_in_between)
{
	enum { TURNS = 300 };
	int64_t took = 0;

	ASSERT_TRUE(interrupt_prepare());
	for (int turn = 0; turn < TURNS; turn++) {
		int receiver = open_name(self->name, MBOX_RIGHT_RECV);
		struct interrupt interrupt = {
			.call = lease_one, .arg = &receiver, .delay = 1 + took * turn / TURNS,
		};
		int64_t began;

		ASSERT_LE(0, receiver);
		for (int i = 0; i < 2; i++)
			ASSERT_EQ(0, put(self->fd, 0, "text"));
		ASSERT_EQ(0, interrupt_start(&interrupt));
		began = now();
		ASSERT_EQ(0, lease_one(&receiver));
		if (!took)
			took = now() - began;
		interrupt_end(&interrupt);
		ASSERT_EQ(0, interrupt.result);
		close(receiver);
		ASSERT_TRUE(counts(self->fd, 0, 0, 0));
	}
}

/* A lease of a message of one process, which ends. */
static int do_lease_from(struct peer *peer)
{
	return lease_arg(peer->slot, (struct mbox_ioc_lease) {
		.recv = { .flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START,
			  .pid = peer->other, .header.start = peer->deadline },
	}).error;
}

TEST_F(end, sender_of_lease)
{
	struct peer *worker = peer_new(_metadata), *sender = peer_new(_metadata);
	struct mbox_header header;

	sender->fd[0] = self->fd;
	ASSERT_EQ(0, peer_send(sender, 0, 0, "mine"));
	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, &(char[8]) {}, 8, &header));
	worker->slot = self->fd;
	worker->other = sender->pid;
	worker->deadline = header.start;
	/* one comes */
	peer_start(worker, do_lease_from);
	ASSERT_TRUE(peer_blocked(worker));
	EXPECT_EQ(0, peer_send(sender, 0, 0, "mine"));
	EXPECT_EQ(0, peer_end(worker));
	/* and none will any more */
	peer_start(worker, do_lease_from);
	ASSERT_TRUE(peer_blocked(worker));
	peer_kill(sender);
	EXPECT_EQ(-EOWNERDEAD, peer_end(worker));
	peer_kill(worker);
}

/* A lease by a link is warned of there, and ends. */
TEST(by_link)
{
	struct peer *peer = peer_new(_metadata);
	int link = link_to(peer->pid, 4);
	struct leased one;

	ASSERT_LE(0, link);
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), 4));
	ASSERT_EQ(0, peer_send(peer, 0, 0, "text"));
	EXPECT_EQ(0, poll_for(link, POLLPRI));
	one = lease_for(link, 2000 * MS);
	ASSERT_EQ(0, one.error);
	EXPECT_STREQ("text", one.text);
	EXPECT_EQ(POLLPRI, poll_wait(link, POLLPRI));
	EXPECT_EQ(0, extend(link, one.delivery.token, 0));
	EXPECT_EQ(0, poll_for(link, POLLPRI));
	EXPECT_EQ(0, ack(link, one.delivery.token));
	peer_kill(peer);
}

MBOX_TEST_MAIN
