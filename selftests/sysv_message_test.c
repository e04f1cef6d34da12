// SPDX-License-Identifier: GPL-2.0-only
/*
 * System V message queues: msgsnd(), msgrcv(), and the processes that call them.
 *
 * This runs on the kernel's own queues, and by sysv_preload_test.sh on those of libmbox-sysv.so.
 */
#include "lib/sysv.h"

#include <limits.h>
#include <pthread.h>

FIXTURE(sysv)
{
	int id;
};

FIXTURE_SETUP(sysv)
{
	self->id = get(IPC_PRIVATE, 0600);
	ASSERT_LE(0, self->id)
		TH_LOG("msgget: %s", strerror(-self->id));
}

FIXTURE_TEARDOWN(sysv)
{
	msgctl(self->id, IPC_RMID, NULL);
}

static int set_bytes(int id, unsigned long bytes)
{
	struct msqid_ds ds = stat_of(id);

	ds.msg_qbytes = bytes;
	return control(id, IPC_SET, &ds);
}

TEST_F(sysv, in_order)
{
	struct text text;

	EXPECT_STREQ("ENOMSG", take_text(self->id, 0, 0));
	ASSERT_EQ(0, send_text(self->id, 3, "first"));
	ASSERT_EQ(0, send_text(self->id, 1, "second"));
	ASSERT_EQ(0, send_text(self->id, 2, ""));
	EXPECT_EQ(3, stat_of(self->id).msg_qnum);
	EXPECT_EQ(11, stat_of(self->id).__msg_cbytes);
	EXPECT_EQ(5, recv_text(self->id, &text, 64, 0, 0));
	EXPECT_STREQ("first", text.data);
	EXPECT_EQ(3, text.type);
	EXPECT_EQ(6, recv_text(self->id, &text, 64, 0, 0));
	EXPECT_EQ(1, text.type);
	EXPECT_EQ(0, recv_text(self->id, &text, 0, 0, 0));
	EXPECT_EQ(2, text.type);
	EXPECT_STREQ("ENOMSG", take_text(self->id, 0, 0));
	EXPECT_EQ(0, stat_of(self->id).msg_qnum);
}

TEST_F(sysv, by_type)
{
	static const long types[] = { 5, 3, 3, 9, 4 };
	char name[2] = "a";

	for (int i = 0; i < 5; i++, name[0]++)
		ASSERT_EQ(0, send_text(self->id, types[i], name));
	EXPECT_STREQ("ENOMSG", take_text(self->id, 6, 0));
	EXPECT_STREQ("ENOMSG", take_text(self->id, -2, 0));
	EXPECT_STREQ("b", take_text(self->id, -4, 0));
	EXPECT_STREQ("d", take_text(self->id, 9, 0));
	EXPECT_STREQ("c", take_text(self->id, 5, MSG_EXCEPT));
	EXPECT_STREQ("e", take_text(self->id, LONG_MIN, 0));
	/* MSG_EXCEPT counts with a type only. */
	EXPECT_STREQ("a", take_text(self->id, -5, MSG_EXCEPT));
	EXPECT_STREQ("ENOMSG", take_text(self->id, 0, MSG_EXCEPT));
}

TEST_F(sysv, large_types)
{
	static const long types[] = { LONG_MAX, 1L << 40, UINT32_MAX, (1L << 32) + 1, 1 };
	struct text text;

	for (int i = 0; i < 5; i++)
		ASSERT_EQ(0, send_text(self->id, types[i], "x"));
	EXPECT_STREQ("ENOMSG", take_text(self->id, 1L << 41, 0));
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(1, recv_text(self->id, &text, 1, types[i], IPC_NOWAIT));
		EXPECT_EQ(types[i], text.type);
	}
	ASSERT_EQ(0, send_text(self->id, LONG_MAX, "x"));
	ASSERT_EQ(0, send_text(self->id, 1L << 40, "x"));
	EXPECT_EQ(1, recv_text(self->id, &text, 1, LONG_MIN, IPC_NOWAIT));
	EXPECT_EQ(1L << 40, text.type);
	EXPECT_EQ(1, recv_text(self->id, &text, 1, -LONG_MAX, IPC_NOWAIT));
	EXPECT_EQ(LONG_MAX, text.type);
}

TEST_F(sysv, too_long)
{
	struct text text;

	ASSERT_EQ(0, send_text(self->id, 1, "longer"));
	EXPECT_EQ(-E2BIG, recv_text(self->id, &text, 5, 0, 0));
	EXPECT_EQ(-E2BIG, recv_text(self->id, &text, 0, 1, IPC_NOWAIT));
	EXPECT_EQ(1, stat_of(self->id).msg_qnum);
	EXPECT_EQ(4, recv_text(self->id, &text, 4, 0, MSG_NOERROR));
	EXPECT_STREQ("long", text.data);
	EXPECT_EQ(0, stat_of(self->id).msg_qnum);
	EXPECT_EQ(0, stat_of(self->id).__msg_cbytes);
	ASSERT_EQ(0, send_text(self->id, 1, "longer"));
	EXPECT_EQ(0, recv_text(self->id, &text, 0, 0, MSG_NOERROR));
	EXPECT_EQ(1, text.type);
}

TEST_F(sysv, copies)
{
	struct text text;
	int ret;

	ASSERT_EQ(0, send_text(self->id, 3, "zero"));
	ASSERT_EQ(0, send_text(self->id, 1, "one"));
	ret = recv_text(self->id, &text, 64, 0, MSG_COPY | IPC_NOWAIT);
	if (ret == -ENOSYS)
		SKIP(return, "CONFIG_CHECKPOINT_RESTORE is off");
	EXPECT_EQ(4, ret);
	EXPECT_EQ(3, text.type);
	EXPECT_STREQ("one", take_text(self->id, 1, MSG_COPY));
	EXPECT_STREQ("ENOMSG", take_text(self->id, 2, MSG_COPY));
	EXPECT_STREQ("ENOMSG", take_text(self->id, -1, MSG_COPY));
	EXPECT_EQ(-EINVAL, recv_text(self->id, &text, 64, 0, MSG_COPY));
	EXPECT_STREQ("EINVAL", take_text(self->id, 0, MSG_COPY | MSG_EXCEPT));
	EXPECT_EQ(-E2BIG, recv_text(self->id, &text, 3, 0, MSG_COPY | IPC_NOWAIT));
	/* A copy is never cut. */
	EXPECT_EQ(-EINVAL, recv_text(self->id, &text, 3, 0, MSG_COPY | IPC_NOWAIT | MSG_NOERROR));
	EXPECT_EQ(2, stat_of(self->id).msg_qnum);
	EXPECT_EQ(0, stat_of(self->id).msg_lrpid);
	EXPECT_STREQ("zero", take_text(self->id, 0, 0));
	EXPECT_STREQ("one", take_text(self->id, 0, 0));
}

/* The errors of arguments, and which of two comes first. */
TEST_F(sysv, bad_arguments)
{
	struct text text = { .type = 1 };
	char *bad = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT_EQ(-EINVAL, send_text(-1, 1, "x"));
	EXPECT_EQ(-EINVAL, send_text(0x7ffffff0, 1, "x"));
	EXPECT_EQ(-EINVAL, send_text(self->id, 0, "x"));
	EXPECT_EQ(-EINVAL, send_text(self->id, -1, "x"));
	EXPECT_EQ(-EINVAL, send_text(self->id, LONG_MIN, "x"));
	EXPECT_EQ(-1, msgsnd(self->id, &text, (size_t)-1, IPC_NOWAIT));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, msgsnd(-1, bad, 1, IPC_NOWAIT));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, msgsnd(self->id, NULL, 0, IPC_NOWAIT));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, msgsnd(self->id, (void *)-1, 0, IPC_NOWAIT));
	EXPECT_EQ(EFAULT, errno);
	/* Only the text is bad. */
	EXPECT_EQ(0, mprotect(bad, 4096, PROT_READ | PROT_WRITE));
	EXPECT_EQ(bad + 4096 - sizeof(long), memcpy(bad + 4096 - sizeof(long), &text, sizeof(long)));
	munmap(bad + 4096, 4096);
	EXPECT_EQ(-1, msgsnd(self->id, bad + 4096 - sizeof(long), 1, IPC_NOWAIT));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, stat_of(self->id).msg_qnum);
	EXPECT_EQ(0, msgsnd(self->id, bad + 4096 - sizeof(long), 0, IPC_NOWAIT));
	EXPECT_STREQ("", take_text(self->id, 0, 0));

	EXPECT_STREQ("EINVAL", take_text(-1, 0, 0));
	EXPECT_STREQ("EINVAL", take_text(0x7ffffff0, 0, 0));
	EXPECT_EQ(-EINVAL, recv_text(self->id, &text, (size_t)-1, 0, IPC_NOWAIT));
	EXPECT_EQ(-1, msgrcv(self->id, NULL, 1, 0, IPC_NOWAIT));
	EXPECT_EQ(ENOMSG, errno);
	ASSERT_EQ(0, send_text(self->id, 1, "x"));
	EXPECT_EQ(-1, msgrcv(self->id, NULL, 0, 0, IPC_NOWAIT));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(-1, msgrcv(self->id, NULL, 1, 0, IPC_NOWAIT));
	EXPECT_EQ(EFAULT, errno);
}

/* Bytes and messages both count against msg_qbytes. */
TEST_F(sysv, full)
{
	ASSERT_EQ(0, set_bytes(self->id, 10));
	EXPECT_EQ(0, send_zeros(self->id, 1, 6, IPC_NOWAIT));
	EXPECT_EQ(-EAGAIN, send_zeros(self->id, 1, 5, IPC_NOWAIT));
	EXPECT_EQ(-EAGAIN, send_zeros(self->id, 1, 11, IPC_NOWAIT));
	EXPECT_EQ(0, send_zeros(self->id, 1, 4, IPC_NOWAIT));
	EXPECT_EQ(-EAGAIN, send_zeros(self->id, 1, 1, IPC_NOWAIT));
	for (int n = 2; n < 10; n++)
		EXPECT_EQ(0, send_zeros(self->id, 1, 0, IPC_NOWAIT));
	EXPECT_EQ(-EAGAIN, send_zeros(self->id, 1, 0, IPC_NOWAIT));
	EXPECT_EQ(10, stat_of(self->id).msg_qnum);
	/* Less than is queued. */
	ASSERT_EQ(0, set_bytes(self->id, 4));
	EXPECT_EQ(10, stat_of(self->id).__msg_cbytes);
	EXPECT_EQ(-EAGAIN, send_zeros(self->id, 1, 0, IPC_NOWAIT));
	for (int n = 0; n < 10; n++)
		EXPECT_STRNE("ENOMSG", take_text(self->id, 0, 0));
	EXPECT_EQ(-EAGAIN, send_zeros(self->id, 1, 5, IPC_NOWAIT));
	EXPECT_EQ(0, send_zeros(self->id, 1, 4, IPC_NOWAIT));
}

struct call {
	int id;
	long type;		/* of a receive */
	size_t size;
	int flags;
	int result;
	struct text text;
};

/* Start a call that blocks. */
static pid_t start(struct call *call, bool send)
{
	pid_t pid = fork_child();

	if (pid)
		return pid;
	call->result = send ? send_zeros(call->id, 1, call->size, call->flags) :
			      recv_text(call->id, &call->text, call->size, call->type, call->flags);
	_exit(0);
}

static struct call *call_new(int id, long type, size_t size)
{
	struct call *call = shared_alloc(sizeof(*call));

	*call = (struct call) { .id = id, .type = type, .size = size, .result = -ENODATA };
	return call;
}

TEST_F(sysv, receive_blocks)
{
	struct call *call = call_new(self->id, 0, 64);
	pid_t pid = start(call, false);

	ASSERT_TRUE(await_sleeping(pid));
	ASSERT_EQ(0, send_text(self->id, 7, "late"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(4, call->result);
	EXPECT_EQ(7, call->text.type);
	EXPECT_STREQ("late", call->text.data);
	EXPECT_EQ(0, stat_of(self->id).msg_qnum);
}

TEST_F(sysv, receive_waits_for_its_type)
{
	struct call *low = call_new(self->id, -3, 64), *other = call_new(self->id, 9, 64);
	pid_t first, second;

	other->flags = MSG_EXCEPT;
	ASSERT_EQ(0, send_text(self->id, 9, "not for these"));
	first = start(low, false);
	ASSERT_TRUE(await_sleeping(first));
	second = start(other, false);
	ASSERT_TRUE(await_sleeping(second));
	ASSERT_EQ(0, send_text(self->id, 4, "except"));
	EXPECT_EQ(0, reap(second));
	EXPECT_STREQ("except", other->text.data);
	ASSERT_EQ(0, send_text(self->id, 9, "nor this"));
	ASSERT_EQ(0, send_text(self->id, 2, "low"));
	EXPECT_EQ(0, reap(first));
	EXPECT_STREQ("low", low->text.data);
	EXPECT_EQ(2, stat_of(self->id).msg_qnum);
}

/* A blocked receive fails if its message is too long; the message stays for others. */
TEST_F(sysv, receive_blocks_and_is_too_small)
{
	struct call *call = call_new(self->id, 0, 3);
	pid_t pid = start(call, false);

	ASSERT_TRUE(await_sleeping(pid));
	ASSERT_EQ(0, send_text(self->id, 1, "four"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(-E2BIG, call->result);
	EXPECT_STREQ("four", take_text(self->id, 0, 0));
}

TEST_F(sysv, send_blocks)
{
	struct call *call = call_new(self->id, 0, 8);
	pid_t pid;

	ASSERT_EQ(0, set_bytes(self->id, 10));
	ASSERT_EQ(0, send_zeros(self->id, 1, 2, 0));
	ASSERT_EQ(0, send_zeros(self->id, 1, 5, 0));
	pid = start(call, true);
	ASSERT_TRUE(await_sleeping(pid));
	EXPECT_STRNE("ENOMSG", take_text(self->id, 0, 0));
	EXPECT_EQ(1, stat_of(self->id).msg_qnum);
	EXPECT_STRNE("ENOMSG", take_text(self->id, 0, 0));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, call->result);
	EXPECT_EQ(8, stat_of(self->id).__msg_cbytes);
}

/* A message that fits does not wait for a longer one. */
TEST_F(sysv, send_passes_a_longer_one)
{
	struct call *longer = call_new(self->id, 0, 8), *same = call_new(self->id, 0, 8);
	struct call *shorter = call_new(self->id, 0, 5);
	pid_t first, second, third;
	struct text text;

	ASSERT_EQ(0, set_bytes(self->id, 10));
	ASSERT_EQ(0, send_zeros(self->id, 1, 3, 0));
	ASSERT_EQ(0, send_zeros(self->id, 1, 3, 0));
	first = start(longer, true);
	ASSERT_TRUE(await_sleeping(first));
	second = start(same, true);
	ASSERT_TRUE(await_sleeping(second));
	third = start(shorter, true);
	ASSERT_TRUE(await_sleeping(third));
	EXPECT_EQ(-EAGAIN, send_zeros(self->id, 1, 5, IPC_NOWAIT));
	EXPECT_EQ(0, send_zeros(self->id, 1, 2, IPC_NOWAIT));
	EXPECT_EQ(0, send_zeros(self->id, 1, 0, 0));
	EXPECT_STRNE("ENOMSG", take_text(self->id, 0, 0));
	EXPECT_EQ(0, reap(third));
	EXPECT_EQ(0, shorter->result);
	EXPECT_EQ(10, stat_of(self->id).__msg_cbytes);
	for (int n = 0; n < 4; n++)
		EXPECT_STRNE("ENOMSG", take_text(self->id, 0, 0));
	EXPECT_EQ(8, recv_text(self->id, &text, 8, 0, 0));
	EXPECT_EQ(8, recv_text(self->id, &text, 8, 0, 0));
	EXPECT_EQ(0, reap(first));
	EXPECT_EQ(0, reap(second));
	EXPECT_EQ(0, longer->result);
	EXPECT_EQ(0, same->result);
	EXPECT_EQ(0, stat_of(self->id).msg_qnum);
}

/* One that is longer than msg_qbytes waits for more. */
TEST_F(sysv, send_waits_for_a_higher_limit)
{
	struct call *call = call_new(self->id, 0, 20);
	pid_t pid;

	ASSERT_EQ(0, set_bytes(self->id, 10));
	pid = start(call, true);
	ASSERT_TRUE(await_sleeping(pid));
	ASSERT_EQ(0, set_bytes(self->id, 15));
	EXPECT_EQ(0, stat_of(self->id).msg_qnum);
	ASSERT_EQ(0, set_bytes(self->id, 20));
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, call->result);
}

TEST_F(sysv, removal_ends_calls)
{
	struct call *send = call_new(self->id, 0, 8), *recv = call_new(self->id, 2, 64);
	pid_t sender, receiver;

	ASSERT_EQ(0, set_bytes(self->id, 10));
	ASSERT_EQ(0, send_zeros(self->id, 1, 5, 0));
	sender = start(send, true);
	receiver = start(recv, false);
	ASSERT_TRUE(await_sleeping(sender));
	ASSERT_TRUE(await_sleeping(receiver));
	ASSERT_EQ(0, control(self->id, IPC_RMID, NULL));
	EXPECT_EQ(0, reap(sender));
	EXPECT_EQ(0, reap(receiver));
	EXPECT_EQ(-EIDRM, send->result);
	EXPECT_EQ(-EIDRM, recv->result);
	EXPECT_EQ(-EINVAL, send_text(self->id, 1, "x"));
	EXPECT_STREQ("EINVAL", take_text(self->id, 0, 0));
}

static int removes(void *arg)
{
	return control(*(int *)arg, IPC_RMID, NULL);
}

/* A queue that another process removed is gone for one that has used it, too. */
TEST_F(sysv, removed_by_another)
{
	struct msqid_ds ds;

	ASSERT_EQ(0, send_text(self->id, 1, "x"));
	ASSERT_EQ(0, in_child(removes, &self->id));
	EXPECT_EQ(-EINVAL, send_text(self->id, 1, "x"));
	EXPECT_STREQ("EINVAL", take_text(self->id, 0, 0));
	EXPECT_EQ(-EINVAL, control(self->id, IPC_STAT, &ds));
	EXPECT_EQ(-EINVAL, control(self->id, IPC_RMID, NULL));
	self->id = get(IPC_PRIVATE, 0600);
	ASSERT_EQ(0, send_text(self->id, 1, "x"));
	ASSERT_EQ(0, in_child(removes, &self->id));
	EXPECT_STREQ("EINVAL", take_text(self->id, 0, 0));
}

static void handler(int signal)
{
}

static void start_interrupted(struct call *call, bool send, pid_t *pid)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	sigaction(SIGUSR1, &action, &old);
	*pid = start(call, send);
	sigaction(SIGUSR1, &old, NULL);
}

/* A handler ends a call, also with SA_RESTART; being stopped does not. */
TEST_F(sysv, interrupted)
{
	struct call *send = call_new(self->id, 0, 8), *recv = call_new(self->id, 2, 64);
	pid_t sender, receiver;

	ASSERT_EQ(0, set_bytes(self->id, 10));
	ASSERT_EQ(0, send_zeros(self->id, 1, 5, 0));
	start_interrupted(send, true, &sender);
	start_interrupted(recv, false, &receiver);
	ASSERT_TRUE(await_sleeping(sender));
	ASSERT_TRUE(await_sleeping(receiver));
	kill(receiver, SIGSTOP);
	while (process_state(receiver) != 'T')
		nap();
	kill(receiver, SIGCONT);
	ASSERT_TRUE(await_sleeping(receiver));
	EXPECT_EQ(-ENODATA, recv->result);
	kill(sender, SIGUSR1);
	kill(receiver, SIGUSR1);
	EXPECT_EQ(0, reap(sender));
	EXPECT_EQ(0, reap(receiver));
	EXPECT_EQ(-EINTR, send->result);
	EXPECT_EQ(-EINTR, recv->result);
	EXPECT_EQ(1, stat_of(self->id).msg_qnum);
}

static int last_calls(void *arg)
{
	int id = *(int *)arg;

	CHECK(0, strcmp("x", take_text(id, 0, 0)));
	CHECK(getpid(), stat_of(id).msg_lrpid);
	CHECK(getppid(), stat_of(id).msg_lspid);
	CHECK(0, send_text(id, 1, "y"));
	CHECK(getpid(), stat_of(id).msg_lspid);
	return 0;
}

TEST_F(sysv, last_calls)
{
	time_t before = time(NULL);
	struct msqid_ds ds;

	ASSERT_EQ(0, send_text(self->id, 1, "x"));
	ds = stat_of(self->id);
	EXPECT_EQ(getpid(), ds.msg_lspid);
	EXPECT_EQ(0, ds.msg_lrpid);
	EXPECT_LE(before, ds.msg_stime + 1);
	EXPECT_GE(time(NULL), ds.msg_stime);
	EXPECT_EQ(0, ds.msg_rtime);
	EXPECT_EQ(0, in_child(last_calls, &self->id));
	EXPECT_NE(getpid(), stat_of(self->id).msg_lspid);
	EXPECT_STREQ("y", take_text(self->id, 0, 0));
	ds = stat_of(self->id);
	EXPECT_EQ(getpid(), ds.msg_lrpid);
	EXPECT_LE(before, ds.msg_rtime + 1);
	EXPECT_GE(time(NULL), ds.msg_rtime);
}

/* An id is all that a process needs, whatever became of its descriptors. */
static int closes_all(void *arg)
{
	int id = *(int *)arg, pipes[2], fd;
	char byte;

	CHECK(0, send_text(id, 1, "before"));
	close_range(3, ~0U, 0);
	CHECK(0, strcmp("before", take_text(id, 0, 0)));
	/* Files of the program take the numbers of all that are open. */
	CHECK(0, pipe2(pipes, O_NONBLOCK));
	for (fd = 5; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			CHECK(fd, dup2(pipes[1], fd));
	}
	CHECK(0, send_text(id, 1, "after"));
	CHECK(0, strcmp("after", take_text(id, 0, 0)));
	CHECK(-1, read(pipes[0], &byte, 1));
	CHECK(0, control(id, IPC_STAT, &(struct msqid_ds) { .msg_qnum = 0 }));
	for (fd = 5; fd < 1024; fd++)
		close(fd);
	CHECK(0, send_text(id, 1, "at last"));
	return 0;
}

TEST_F(sysv, descriptors_closed)
{
	EXPECT_EQ(0, in_child(closes_all, &self->id));
	EXPECT_STREQ("at last", take_text(self->id, 0, 0));
}

static __attribute__((constructor)) void answer(void)
{
	const char *id = getenv("SYSV_TEST_ID");

	if (!id)
		return;
	if (strcmp("question", take_text(atoi(id), 0, 0)))
		_exit(1);
	_exit(send_text(atoi(id), 2, "answer") ? 1 : 0);
}

static int runs(void *arg)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", *(int *)arg);
	setenv("SYSV_TEST_ID", id, 1);
	execl("/proc/self/exe", "answer", NULL);
	return -errno;
}

TEST_F(sysv, another_program)
{
	pid_t pid;

	ASSERT_EQ(0, send_text(self->id, 1, "question"));
	pid = fork_child();
	if (!pid)
		_exit(runs(&self->id) != 0);
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("answer", take_text(self->id, 0, 0));
}

/* More queues than a process keeps descriptors for. */
TEST_F(sysv, many_queues)
{
	enum { MANY = 600 };
	int ids[MANY], n;

	for (n = 0; n < MANY; n++) {
		ids[n] = get(IPC_PRIVATE, 0600);
		ASSERT_LE(0, ids[n]);
	}
	for (n = 0; n < 3 * MANY; n++)
		ASSERT_EQ(0, send_text(ids[n % MANY], 1 + n, "x"));
	for (n = 0; n < 3 * MANY; n++)
		ASSERT_STREQ("x", take_text(ids[n % MANY], 1 + n, 0));
	for (n = 0; n < MANY; n++)
		ASSERT_EQ(0, control(ids[n], IPC_RMID, NULL));
}

enum { ROUNDS = 2000 };

static void *echo(void *arg)
{
	const int *ids = arg;
	struct text text;
	long failed = 0;

	for (int n = 0; n < ROUNDS; n++) {
		failed |= recv_text(ids[0], &text, 64, 0, 0) != 1;
		failed |= msgsnd(ids[1], &text, 1, 0) != 0;
	}
	return (void *)failed;
}

/* Threads share what a process knows of its queues; others come and go meanwhile. */
TEST_F(sysv, threads)
{
	int ids[3][2], n, other;
	pthread_t threads[3];
	struct text text;
	void *failed;

	for (n = 0; n < 3; n++) {
		ids[n][0] = get(IPC_PRIVATE, 0600);
		ids[n][1] = get(IPC_PRIVATE, 0600);
		ASSERT_EQ(0, pthread_create(&threads[n], NULL, echo, ids[n]));
	}
	for (int round = 0; round < ROUNDS; round++) {
		other = get(IPC_PRIVATE, 0600);
		for (n = 0; n < 3; n++)
			ASSERT_EQ(0, send_zeros(ids[n][0], 1 + round, 1, 0));
		ASSERT_EQ(0, send_text(other, 1, "x"));
		ASSERT_EQ(0, control(other, IPC_RMID, NULL));
		for (n = 0; n < 3; n++) {
			ASSERT_EQ(1, recv_text(ids[n][1], &text, 64, 0, 0));
			ASSERT_EQ(1 + round, text.type);
		}
	}
	for (n = 0; n < 3; n++) {
		ASSERT_EQ(0, pthread_join(threads[n], &failed));
		EXPECT_EQ(NULL, failed);
		EXPECT_EQ(0, control(ids[n][0], IPC_RMID, NULL));
		EXPECT_EQ(0, control(ids[n][1], IPC_RMID, NULL));
	}
}

static void *waits(void *arg)
{
	struct text text;

	recv_text(*(int *)arg, &text, 64, 0, 0);
	return NULL;
}

/* Both calls are cancellation points. */
TEST_F(sysv, cancelled)
{
	pthread_t thread;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, waits, &self->id));
	usleep(50000);
	ASSERT_EQ(0, pthread_cancel(thread));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(PTHREAD_CANCELED, result);
	ASSERT_EQ(0, send_text(self->id, 1, "x"));
	EXPECT_STREQ("x", take_text(self->id, 0, 0));
}

TEST_HARNESS_MAIN
