// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pause is not a signal: a call whose thread is stopped, traced or frozen for a while goes on as if
 * it had not been. It is restarted, but keeps its turn and its mailbox.
 */
#include "lib/broadcast.h"
#include "lib/cgroup.h"

#include <sys/ptrace.h>

static bool await_state(pid_t pid, const char *states)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	char state;

	do {
		state = process_state(pid);
		if (state && strchr(states, state))
			return true;
		nap();
	} while (now() < end);
	return false;
}

enum pause { PAUSE_STOP, PAUSE_ATTACH, PAUSE_SEIZE, PAUSE_SYSCALL, PAUSE_FREEZE };

/* A pause of a process, until pause_end(). */
struct pause_state {
	enum pause how;
	pid_t pid;
	struct cgroup group;
};

static int freeze(struct pause_state *state)
{
	int ret = state->group.path[0] ? 0 : cgroup_new(&state->group, NULL);

	if (!ret)
		ret = cgroup_move(&state->group, state->pid);
	return ret ? ret : cgroup_write(&state->group, "cgroup.freeze", "1");
}

static bool await_frozen(struct pause_state *state)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	char path[256], text[128];

	snprintf(path, sizeof(path), "%s/cgroup.events", state->group.path);
	while (now() < end) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof(text) - 1);

		close(fd);
		text[n > 0 ? n : 0] = '\0';
		if (strstr(text, "frozen 1"))
			return true;
		nap();
	}
	return false;
}

/* 0, or -EOPNOTSUPP where it cannot be paused in that way. */
static int pause_begin(struct pause_state *state, enum pause how, pid_t pid)
{
	int status;

	state->how = how;
	state->pid = pid;
	switch (how) {
	case PAUSE_STOP:
		kill(pid, SIGSTOP);
		return await_state(pid, "T") ? 0 : -ETIME;
	case PAUSE_ATTACH:
		if (ptrace(PTRACE_ATTACH, pid, NULL, NULL))
			return -EOPNOTSUPP;
		break;
	case PAUSE_SEIZE:
	case PAUSE_SYSCALL:
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) ||
		    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL))
			return -EOPNOTSUPP;
		break;
	case PAUSE_FREEZE:
		if (freeze(state))
			return -EOPNOTSUPP;
		return await_frozen(state) ? 0 : -ETIME;
	}
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -ECHILD;
	if (how != PAUSE_SYSCALL)
		return 0;
	/* as strace does: at the entry of the call, when that is made again */
	if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, &status, __WALL) != pid ||
	    !WIFSTOPPED(status))
		return -ECHILD;
	return 0;
}

static void pause_end(struct pause_state *state)
{
	switch (state->how) {
	case PAUSE_STOP:
		kill(state->pid, SIGCONT);
		break;
	case PAUSE_ATTACH:
	case PAUSE_SEIZE:
	case PAUSE_SYSCALL:
		ptrace(PTRACE_DETACH, state->pid, NULL, NULL);
		break;
	case PAUSE_FREEZE:
		cgroup_write(&state->group, "cgroup.freeze", "0");
		break;
	}
}

static void pause_clean(struct pause_state *state)
{
	if (state->how == PAUSE_FREEZE)
		cgroup_free(&state->group);
}

FIXTURE(pause)
{
	int fd;
};

FIXTURE_VARIANT(pause)
{
	enum pause how;
};

FIXTURE_VARIANT_ADD(pause, stopped) { .how = PAUSE_STOP };
FIXTURE_VARIANT_ADD(pause, attached) { .how = PAUSE_ATTACH };
FIXTURE_VARIANT_ADD(pause, seized) { .how = PAUSE_SEIZE };
FIXTURE_VARIANT_ADD(pause, traced) { .how = PAUSE_SYSCALL };
FIXTURE_VARIANT_ADD(pause, frozen) { .how = PAUSE_FREEZE };

FIXTURE_SETUP(pause)
{
}

FIXTURE_TEARDOWN(pause)
{
}

#define PAUSE(state, pid) do { \
	int paused = pause_begin(state, variant->how, pid); \
	if (paused == -EOPNOTSUPP) \
		SKIP(return, "cannot pause a process in that way here"); \
	ASSERT_EQ(0, paused); \
} while (0)

static int exclusive_box(struct __test_metadata *_metadata)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	int fd;

	arg.options = MBOX_OPTION_EXCLUSIVE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	return fd;
}

/* The mailbox is kept for the process that is paused in a receive, and is its own when it goes on. */
TEST_F(pause, exclusive)
{
	int fd = exclusive_box(_metadata);
	struct call *call = call_new(fd, CALL_READ);
	struct pause_state state = {};

	call_start(call);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	for (int round = 0; round < 5; round++) {
		PAUSE(&state, call->pid);
		for (int i = 0; i < 20; i++)
			ASSERT_STREQ("EBUSY", take(fd));
		pause_end(&state);
		do {
			ASSERT_STREQ("EBUSY", take(fd));
		} while (!info_of(fd).receivers);
	}
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(4, call_end(call));
	pause_clean(&state);
	/* and no longer than that */
	EXPECT_STREQ("EAGAIN", take(fd));
	close(fd);
}

static bool is_readable(int fd, int timeout)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, timeout) == 1 && pollfd.revents & POLLIN;
}

/* Others that poll are told when it is not kept any more. */
TEST_F(pause, exclusive_polled)
{
	int fd = exclusive_box(_metadata);
	struct call *call = recv_start(fd), *poller = call_new(fd, CALL_POLL);
	struct pause_state state = {};

	ASSERT_TRUE(await_blocked(fd, 0, 1));
	PAUSE(&state, call->pid);
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_FALSE(is_readable(fd, 0));
	poller->events = POLLIN;
	call_start(poller);
	ASSERT_TRUE(await_flag(&poller->ready));
	ASSERT_TRUE(await_sleeping(poller->pid));
	EXPECT_FALSE(is_readable(fd, 300));
	EXPECT_EQ(0, poller->done);
	kill(call->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(call));
	pause_clean(&state);
	EXPECT_EQ(1, call_end(poller));
	EXPECT_STREQ("text", take(fd));
	close(fd);
}

TEST_F(pause, exclusive_killed)
{
	int fd = exclusive_box(_metadata);
	struct call *call = recv_start(fd);
	struct pause_state state = {};

	ASSERT_TRUE(await_blocked(fd, 0, 1));
	PAUSE(&state, call->pid);
	EXPECT_STREQ("EBUSY", take(fd));
	kill(call->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(call));
	pause_clean(&state);
	EXPECT_STREQ("EAGAIN", take(fd));
	close(fd);
}

/* It keeps its turn among those that wait. */
TEST_F(pause, turn)
{
	int fd = box_new(_metadata, 8);
	struct call *first = recv_start(fd), *second;
	struct pause_state state = {};

	ASSERT_TRUE(await_blocked(fd, 0, 1));
	second = recv_start(fd);
	ASSERT_TRUE(await_blocked(fd, 0, 2));
	PAUSE(&state, first->pid);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	pause_end(&state);
	ASSERT_TRUE(await_blocked(fd, 0, 2));
	ASSERT_EQ(0, put(fd, 0, "one"));
	EXPECT_STREQ("one", recv_end(first));
	ASSERT_EQ(0, put(fd, 0, "two"));
	EXPECT_STREQ("two", recv_end(second));
	pause_clean(&state);
	close(fd);
}

/* A broadcast that some have received is not taken back from the others. */
TEST_F(pause, sync)
{
	struct pause_state state = {};
	struct call *call;
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(4, 0));
	call = cast_send(_metadata, &cast, MBOX_SEND_SYNC, 0, "text");
	EXPECT_STREQ("text", take(cast.in[1]));
	PAUSE(&state, call->pid);
	for (int i = 0; i < HANDLES; i++)
		EXPECT_STREQ(i == 1 ? "EAGAIN" : "text", take(cast.in[i]));
	pause_end(&state);
	/* of those that had it when it was paused, or went on */
	EXPECT_LE(1, call_end(call));
	pause_clean(&state);
	EXPECT_COUNTS(cast.fd, 0, 1, 1, 0, 0, 0);
	cast_end(&cast);
}

/* Received by nobody yet it is withdrawn and sent again. */
TEST_F(pause, sync_unreceived)
{
	struct pause_state state = {};
	struct call *call;
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(4, 0));
	call = cast_send(_metadata, &cast, MBOX_SEND_SYNC, 0, "text");
	PAUSE(&state, call->pid);
	pause_end(&state);
	ASSERT_TRUE(await_blocked(cast.fd, 1, 0));
	for (int i = 0; i < HANDLES; i++) {
		int64_t end = now() + PATIENCE * NSEC_PER_SEC;
		const char *text;

		do
			text = take(cast.in[i]);
		while (!strcmp(text, "EAGAIN") && now() < end);
		EXPECT_STREQ("text", text);
	}
	EXPECT_EQ(HANDLES, call_end(call));
	pause_clean(&state);
	EXPECT_EQ(1, info_of(cast.fd).received);
	EXPECT_BALANCED(cast.fd);
	cast_end(&cast);
}

/* A thread that handles a signal, and does something else then, has given the mailbox up. */

static void nothing(int sig)
{
}

static void handle(struct call *call)
{
	sigaction(SIGUSR1, &(struct sigaction) { .sa_handler = nothing }, NULL);
}

static void await_free(struct __test_metadata *_metadata, int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	const char *text;

	do
		text = take(fd);
	while (!strcmp(text, "EBUSY") && now() < end);
	EXPECT_STREQ("EAGAIN", text);
}

/* A signal ends the receive of a process that then sleeps or runs: the mailbox is free. */
static void expect_free(struct __test_metadata *_metadata, bool runs)
{
	int fd = exclusive_box(_metadata), *done = shared_alloc(sizeof(*done));
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		char byte;

		handle(NULL);
		*done = xread(fd, &byte, 1);
		for (;;) {
			if (!runs)
				pause();
			__asm__ volatile("" : : : "memory");
		}
	}
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	kill(pid, SIGUSR1);
	ASSERT_TRUE(await_flag(done));
	await_free(_metadata, fd);
	if (!runs)
		EXPECT_EQ(-EINTR, *done);
	kill(pid, SIGKILL);
	reap(pid);
	close(fd);
}

TEST(sleeps_elsewhere)
{
	expect_free(_metadata, false);
}

TEST(runs_on)
{
	expect_free(_metadata, true);
}

MBOX_TEST_MAIN
