// SPDX-License-Identifier: GPL-2.0-only
/* Signals while a call is blocked: it was not carried out, or it goes on; nothing is lost or done twice. */
#include "lib/child_call.h"

#include <sched.h>

FIXTURE(signal)
{
	int fd;
	struct call *call;
	struct mbox_info before;	/* before the call */
};

FIXTURE_VARIANT(signal)
{
	enum call_kind kind;
	uint32_t capacity;
	uint32_t flags;
	int filled;			/* messages queued first */
	int accepted;			/* messages that the blocked call leaves queued */
};

FIXTURE_VARIANT_ADD(signal, receive) { .kind = CALL_RECV, .capacity = 1 };
FIXTURE_VARIANT_ADD(signal, peek) { .kind = CALL_RECV, .capacity = 1, .flags = MBOX_RECV_PEEK };
FIXTURE_VARIANT_ADD(signal, read) { .kind = CALL_READ, .capacity = 1 };
FIXTURE_VARIANT_ADD(signal, receive_zero) { .kind = CALL_RECV, .capacity = 0 };
FIXTURE_VARIANT_ADD(signal, send) { .kind = CALL_SEND, .capacity = 1, .filled = 1 };
FIXTURE_VARIANT_ADD(signal, write) { .kind = CALL_WRITE, .capacity = 1, .filled = 1 };
FIXTURE_VARIANT_ADD(signal, rendezvous) { .kind = CALL_SEND, .capacity = 0 };
FIXTURE_VARIANT_ADD(signal, sync) {
	.kind = CALL_SEND, .capacity = 1, .flags = MBOX_SEND_SYNC, .accepted = 1 };
FIXTURE_VARIANT_ADD(signal, sync_full) {
	.kind = CALL_SEND, .capacity = 1, .flags = MBOX_SEND_SYNC, .filled = 1 };

FIXTURE_SETUP(signal)
{
	struct call *call;

	self->fd = box_new(_metadata, variant->capacity);
	for (int i = 0; i < variant->filled; i++) {
		ASSERT_EQ(0, put(self->fd, 0, "filled"));
	}
	self->before = info_of(self->fd);
	self->call = call = call_new(self->fd, variant->kind);
	call->recv.flags = call->send.flags = variant->flags;
	call->send.size = 4;
	call->size = 4;
	memcpy(call->data, "text", 4);
}

FIXTURE_TEARDOWN(signal)
{
	close(self->fd);
}

static bool receives(const struct _fixture_variant_signal *variant)
{
	return variant->kind == CALL_RECV || variant->kind == CALL_READ;
}

static void await_call(struct __test_metadata *_metadata, struct _test_data_signal *self,
		       const struct _fixture_variant_signal *variant)
{
	ASSERT_TRUE(await_blocked(self->fd, !receives(variant), receives(variant)));
}

/* The call is over, and has left nothing: but if its message was accepted, it is now withdrawn. */
static void expect_undone(struct __test_metadata *_metadata, struct _test_data_signal *self,
			  const struct _fixture_variant_signal *variant, int times)
{
	self->before.sent += times * variant->accepted;
	self->before.withdrawn += times * variant->accepted;
	EXPECT_UNCHANGED(self->fd, &self->before);
	EXPECT_STREQ(variant->filled ? "filled" : "EAGAIN", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
}

/* Let the call succeed, and check that it did so once. */
static void complete(struct __test_metadata *_metadata, struct _test_data_signal *self,
		     const struct _fixture_variant_signal *variant)
{
	struct call *call = self->call;

	if (receives(variant)) {
		ASSERT_EQ(0, put(self->fd, 0, "came"));
		EXPECT_EQ(variant->kind == CALL_READ ? 4 : 0, call_end(call));
		EXPECT_EQ(0, memcmp(call->data, "came", 4));
		if (variant->flags & MBOX_RECV_PEEK) {
			EXPECT_STREQ("came", take(self->fd));
		}
	} else {
		bool sync = !variant->capacity || (variant->flags & MBOX_SEND_SYNC);

		if (variant->filled) {
			EXPECT_STREQ("filled", take(self->fd));
		}
		EXPECT_STREQ("text", take(self->fd));
		EXPECT_EQ(variant->kind == CALL_WRITE ? 4 : sync ? getpid() : 0, call_end(call));
	}
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(0, info_of(self->fd).senders);
	EXPECT_EQ(0, info_of(self->fd).receivers);
	EXPECT_BALANCED(self->fd);
}

static struct call *handled;

static void count(int sig)
{
	__atomic_fetch_add(&handled->signals, 1, __ATOMIC_RELEASE);
}

static void handle_without_restart(struct call *call)
{
	handled = call;
	sigaction(SIGUSR1, &(struct sigaction) { .sa_handler = count }, NULL);
}

static void handle_with_restart(struct call *call)
{
	handled = call;
	sigaction(SIGUSR1, &(struct sigaction) { .sa_handler = count, .sa_flags = SA_RESTART },
		  NULL);
}

static void ignore(struct call *call)
{
	signal(SIGUSR1, SIG_IGN);
}

TEST_F(signal, interrupts)
{
	self->call->prepare = handle_without_restart;
	call_start(self->call);
	await_call(_metadata, self, variant);
	EXPECT_EQ(variant->accepted, info_of(self->fd).sent - self->before.sent);
	kill(self->call->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, call_end(self->call));
	EXPECT_EQ(1, self->call->signals);
	EXPECT_TRUE(untouched(&self->call->recv.header, sizeof(struct mbox_header)));
	expect_undone(_metadata, self, variant, 1);
}

TEST_F(signal, restarts)
{
	enum { TIMES = 5 };

	self->call->prepare = handle_with_restart;
	call_start(self->call);
	for (int i = 1; i <= TIMES; i++) {
		await_call(_metadata, self, variant);
		EXPECT_EQ(0, self->call->done);
		kill(self->call->pid, SIGUSR1);
		/* the handler has run: the blocked call is the next one */
		while (__atomic_load_n(&self->call->signals, __ATOMIC_ACQUIRE) < i)
			nap();
	}
	await_call(_metadata, self, variant);
	EXPECT_EQ(TIMES * variant->accepted, info_of(self->fd).withdrawn);
	complete(_metadata, self, variant);
}

/* It is the same deadline, however often the call is restarted. */
TEST_F(signal, restarts_until_the_deadline)
{
	int64_t deadline = now() + 300 * NSEC_PER_MSEC;

	if (variant->kind == CALL_READ || variant->kind == CALL_WRITE)
		return; /* these have none */
	self->call->recv.clock = self->call->send.clock = MBOX_CLOCK_MONOTONIC;
	self->call->recv.deadline = self->call->send.deadline = deadline;
	self->call->prepare = handle_with_restart;
	call_start(self->call);
	ASSERT_TRUE(await_flag(&self->call->ready));
	while (!__atomic_load_n(&self->call->done, __ATOMIC_ACQUIRE)) {
		kill(self->call->pid, SIGUSR1);
		nap();
	}
	EXPECT_EQ(-ETIMEDOUT, call_end(self->call));
	EXPECT_LE(deadline, self->call->ended);
	EXPECT_EQ(self->before.queued, info_of(self->fd).queued);
	EXPECT_EQ(self->before.sent, info_of(self->fd).sent - info_of(self->fd).withdrawn);
	EXPECT_BALANCED(self->fd);
}

TEST_F(signal, ignored)
{
	self->call->prepare = ignore;
	call_start(self->call);
	await_call(_metadata, self, variant);
	for (int i = 0; i < 5; i++)
		kill(self->call->pid, SIGUSR1);
	kill(self->call->pid, SIGCHLD);
	EXPECT_EQ(0, self->call->done);
	await_call(_metadata, self, variant);
	EXPECT_EQ(0, info_of(self->fd).withdrawn);
	complete(_metadata, self, variant);
}

/* Stopped and continued, it is where it was. */
TEST_F(signal, stopped)
{
	int status;

	call_start(self->call);
	await_call(_metadata, self, variant);
	kill(self->call->pid, SIGSTOP);
	ASSERT_EQ(self->call->pid, waitpid(self->call->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	kill(self->call->pid, SIGCONT);
	ASSERT_EQ(self->call->pid, waitpid(self->call->pid, &status, WCONTINUED));
	await_call(_metadata, self, variant);
	complete(_metadata, self, variant);
}

TEST_F(signal, killed)
{
	call_start(self->call);
	await_call(_metadata, self, variant);
	kill(self->call->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->call));
	expect_undone(_metadata, self, variant, 1);
	EXPECT_EQ(0, info_of(self->fd).senders);
	EXPECT_EQ(0, info_of(self->fd).receivers);
	EXPECT_EQ(1, info_of(self->fd).handles);
}

/* A signal that was pending before is no different. */
static void pending(struct call *call)
{
	sigset_t set;

	handle_without_restart(call);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
}

/* Blocked signals wait, too. */
TEST_F(signal, blocked_by_mask)
{
	self->call->prepare = pending;
	call_start(self->call);
	await_call(_metadata, self, variant);
	kill(self->call->pid, SIGUSR1);
	await_call(_metadata, self, variant);
	EXPECT_EQ(0, self->call->done);
	complete(_metadata, self, variant);
}

/*
 * Signals all the time, on both sides: each side's calls are done once or not at all, and they know
 * which.
 */
static volatile int interrupts;

static void nothing(int sig)
{
	interrupts++;
}

static void hail(pid_t one, pid_t two)
{
	for (;;) {
		kill(one, SIGUSR1);
		kill(two, SIGUSR1);
		sched_yield();
	}
}

FIXTURE(hail)
{
	int fd;
};

FIXTURE_VARIANT(hail)
{
	uint32_t capacity;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(hail, zero) { .capacity = 0 };
FIXTURE_VARIANT_ADD(hail, one) { .capacity = 1 };
FIXTURE_VARIANT_ADD(hail, sync) { .capacity = 4, .flags = MBOX_SEND_SYNC };

FIXTURE_SETUP(hail)
{
	self->fd = box_new(_metadata, variant->capacity);
}

FIXTURE_TEARDOWN(hail)
{
	close(self->fd);
}

TEST_F(hail, exactly_once)
{
	enum { N = 1000 };
	struct sigaction action = { .sa_handler = nothing };
	struct tally { uint32_t sent, interrupted; } *tally = shared_alloc(sizeof(*tally));
	uint32_t expected = 0, interrupted = 0;
	pid_t sender, hailer;

	sigaction(SIGUSR1, &action, NULL);
	sender = fork_child();
	ASSERT_LE(0, sender);
	if (sender == 0) {
		while (tally->sent < N) {
			uint32_t i = tally->sent;
			int ret = send_bytes(self->fd, variant->flags, 0, 0, &i, sizeof(i));

			if (ret >= 0)
				tally->sent++;
			else if (ret == -EINTR)
				tally->interrupted++;
			else
				_exit(1);
		}
		_exit(0);
	}
	hailer = fork_child();
	ASSERT_LE(0, hailer);
	if (hailer == 0)
		hail(sender, getppid());
	while (expected < N) {
		uint32_t got;
		int ret = recv_bytes(self->fd, 0, &got, sizeof(got), NULL);

		if (ret == -EINTR) {
			interrupted++;
			continue;
		}
		ASSERT_EQ(0, ret);
		ASSERT_EQ(expected, got);
		expected++;
	}
	/* ends the hail, too, before its targets are gone */
	kill(hailer, SIGKILL);
	reap(hailer);
	EXPECT_EQ(0, reap(sender));
	TH_LOG("%u sends and %u receives interrupted", tally->interrupted, interrupted);
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(N, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

MBOX_TEST_MAIN
