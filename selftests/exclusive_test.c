// SPDX-License-Identifier: GPL-2.0-only
/* With MBOX_OPTION_EXCLUSIVE one process at a time is in a receive. */
#include "lib/child_call.h"

#include <pthread.h>

FIXTURE(exclusive)
{
	int fd;
};

FIXTURE_VARIANT(exclusive)
{
	uint32_t policy;
	uint32_t capacity;
	uint32_t max_procs;
};

FIXTURE_VARIANT_ADD(exclusive, fifo) { .capacity = 8 };
FIXTURE_VARIANT_ADD(exclusive, zero) { .capacity = 0 };
FIXTURE_VARIANT_ADD(exclusive, rr) { .capacity = 8, .policy = MBOX_POLICY_RR };
FIXTURE_VARIANT_ADD(exclusive, limited) { .capacity = 8, .max_procs = 8 };

FIXTURE_SETUP(exclusive)
{
	struct mbox_ioc_open arg = open_arg(NULL, variant->capacity);

	arg.policy = variant->policy;
	arg.max_procs = variant->max_procs;
	arg.options = MBOX_OPTION_EXCLUSIVE;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(MBOX_OPTION_EXCLUSIVE, info_of(self->fd).options);
}

FIXTURE_TEARDOWN(exclusive)
{
	close(self->fd);
}

static struct call *start(struct __test_metadata *_metadata, int fd)
{
	struct call *call = recv_start(fd);

	ASSERT_TRUE(await_blocked(fd, 0, 1));
	return call;
}

/* Every way to receive; none of them changes anything. */
static void expect_busy(struct __test_metadata *_metadata, int fd)
{
	struct mbox_info before = info_of(fd);
	char text[8];

	EXPECT_STREQ("EBUSY", take(fd));
	EXPECT_STREQ("EBUSY", peek(fd));
	EXPECT_EQ(-EBUSY, recv_bytes(fd, 0, text, sizeof(text), NULL));
	EXPECT_EQ(-EBUSY, recv_bytes(fd, MBOX_RECV_PEEK, text, sizeof(text), NULL));
	EXPECT_EQ(-EBUSY, xread(fd, text, sizeof(text)));
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_EQ(before.procs, info_of(fd).procs);
}

TEST_F(exclusive, busy)
{
	struct call *call = start(_metadata, self->fd);

	expect_busy(_metadata, self->fd);
	/* sending is no business of it */
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", recv_end(call));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

/* Messages that the other does not want are not for the second receiver either. */
TEST_F(exclusive, busy_with_messages)
{
	struct call *call = call_new(self->fd, CALL_RECV);

	if (!variant->capacity)
		SKIP(return, "keeps no messages");
	call->recv.min_prio = 5;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	expect_busy(_metadata, self->fd);
	EXPECT_EQ(0, put(self->fd, 5, "urgent"));
	EXPECT_STREQ("urgent", recv_end(call));
	EXPECT_STREQ("text", take(self->fd));
}

TEST_F(exclusive, free_after_death)
{
	struct call *call = start(_metadata, self->fd);

	expect_busy(_metadata, self->fd);
	kill(call->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(call));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(0, info_of(self->fd).receivers);
}

TEST_F(exclusive, free_after_deadline)
{
	struct call *call = call_new(self->fd, CALL_RECV);

	call->recv.clock = MBOX_CLOCK_MONOTONIC;
	call->recv.deadline = now() + 20 * NSEC_PER_MSEC;
	call_start(call);
	EXPECT_STREQ("ETIMEDOUT", recv_end(call));
	EXPECT_STREQ("EAGAIN", take(self->fd));
}

static void on_signal(int sig)
{
}

static void handle_signal(struct call *call)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
}

TEST_F(exclusive, free_after_signal)
{
	struct call *call = call_new(self->fd, CALL_RECV);

	call->prepare = handle_signal;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	kill(call->pid, SIGUSR1);
	EXPECT_STREQ("EINTR", recv_end(call));
	EXPECT_STREQ("EAGAIN", take(self->fd));
}

/* Receives that fail leave as well. */
TEST_F(exclusive, free_after_failure)
{
	struct call *call;
	char byte;

	EXPECT_STREQ("EAGAIN", take(self->fd));
	if (variant->capacity) {
		ASSERT_EQ(0, put(self->fd, 0, "text"));
		EXPECT_EQ(-EMSGSIZE, recv_bytes(self->fd, 0, &byte, 1, NULL));
		EXPECT_EQ(-EFAULT, recv_bytes(self->fd, 0, (void *)8, 16, NULL));
		EXPECT_STREQ("text", take(self->fd));
	}
	call = start(_metadata, self->fd);
	EXPECT_EQ(0, put(self->fd, 0, "next"));
	EXPECT_STREQ("next", recv_end(call));
}

static int receive_in_vain(void *arg)
{
	int *fd = arg;

	return strcmp("EUSERS", take(*fd)) ? -EIO : 0;
}

/* A process that may not take part has not begun. */
TEST(free_after_one_too_many)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	int fd;

	arg.max_procs = 1;
	arg.options = MBOX_OPTION_EXCLUSIVE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(0, in_child(receive_in_vain, &fd));
	EXPECT_EQ(1, info_of(fd).procs);
	EXPECT_STREQ("text", take(fd));
	close(fd);
}

struct receive {
	int fd;
	int ret;
	char text[8];
};

static void *receive(void *arg)
{
	struct receive *receive = arg;

	receive->ret = recv_bytes(receive->fd, 0, receive->text, sizeof(receive->text), NULL);
	return NULL;
}

/* Any number of threads of one process; the last to leave makes it free. */
TEST_F(exclusive, threads)
{
	struct receive receives[3];
	pthread_t threads[3];

	for (int i = 0; i < 3; i++) {
		receives[i] = (struct receive) { .fd = self->fd };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, receive, &receives[i]));
	}
	ASSERT_TRUE(await_blocked(self->fd, 0, 3));
	for (int i = 0; i < 3; i++) {
		struct call *other = recv_start(self->fd);

		EXPECT_STREQ("EBUSY", recv_end(other));
		EXPECT_EQ(0, put(self->fd, 0, "text"));
		ASSERT_TRUE(await_blocked(self->fd, 0, 2 - i));
	}
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, receives[i].ret);
	}
	start(_metadata, self->fd);
}

/* That it is gone is worth more than that somebody is in it. */
TEST_F(exclusive, deleted)
{
	struct call *call = start(_metadata, self->fd);

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_STREQ("EIDRM", take(self->fd));
	EXPECT_STREQ("EIDRM", recv_end(call));
}

/* Processes that all want to receive at once: never two of them are in, and nothing is lost. */
TEST_F(exclusive, contended)
{
	enum { MESSAGES = 400, PROCS = 4 };
	struct tally { int busy, got; } *tally = shared_alloc(sizeof(*tally));
	pid_t pids[PROCS];

	for (int i = 0; i < PROCS; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i] == 0) {
			char text[8];
			int ret;

			do {
				ret = recv_bytes(self->fd, 0, text, sizeof(text), NULL);
				if (ret == 0)
					__atomic_fetch_add(&tally->got, 1, __ATOMIC_RELAXED);
				else if (ret == -EBUSY)
					__atomic_fetch_add(&tally->busy, 1, __ATOMIC_RELAXED);
			} while (ret == 0 || ret == -EBUSY);
			_exit(ret == -EIDRM ? 0 : -ret);
		}
	}
	for (int i = 0; i < MESSAGES; i++) {
		EXPECT_GE(1, info_of(self->fd).receivers);
		ASSERT_LE(0, send_bytes(self->fd, MBOX_SEND_SYNC, 0, 0, "text", 4));
	}
	EXPECT_EQ(MESSAGES, info_of(self->fd).received);
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	for (int i = 0; i < PROCS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(MESSAGES, tally->got);
	TH_LOG("%d times busy", tally->busy);
}

MBOX_TEST_MAIN
