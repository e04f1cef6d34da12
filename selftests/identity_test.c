// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process is its number and its start time. Here numbers are given a second time for real: a child
 * takes the number of one that has ended.
 */
#include "lib/child_call.h"
#include "lib/library.h"
#include "lib/passing.h"
#include "lib/peer.h"

#include <pthread.h>
#include <sys/syscall.h>

/* A child that sends something, and then sends and ends, or goes on, as it is told. */
struct talker {
	int fd;
	pid_t pid;
	int sent, go, exit;
	const char *last;
	struct mbox_header header;	/* of its first message */
};

static void talk(struct talker *talker, const char *text)
{
	if (put(talker->fd, 0, text) < 0)
		_exit(1);
	set_flag(&talker->sent);
	if (!await_flag(&talker->go))
		_exit(2);
	if (talker->last && put(talker->fd, 0, talker->last) < 0)
		_exit(3);
	_exit(0);
}

/* Start one that sends @text, under the number of one that ended if it is not 0. */
#define TALKER(var, number, text) do { \
	pid_t pid_; \
	(var) = shared_alloc(sizeof(struct talker)); \
	(var)->fd = self->fd; \
	pid_ = fork_child_as(number); \
	if (pid_ == 0) \
		talk(var, text); \
	(var)->pid = pid_; \
	if ((number) && (var)->pid == -EPERM) \
		SKIP(return, "numbers of processes cannot be chosen here"); \
	ASSERT_LT(0, (var)->pid); \
	ASSERT_TRUE(await_flag(&(var)->sent)); \
} while (0)

FIXTURE(identity)
{
	int fd;
};

FIXTURE_SETUP(identity)
{
	self->fd = box_new(_metadata, 16);
}

FIXTURE_TEARDOWN(identity)
{
	close(self->fd);
}

/* Receive, without waiting, a message of @from: by its number alone, or by its identity. */
static const char *take_from(int fd, uint32_t flags, const struct mbox_header *from)
{
	static char text[TEXT_SIZE];
	struct mbox_ioc_recv arg = {
		.flags = flags | MBOX_RECV_BY_SENDER,
		.pid = from->pid,
		.data = address_of(text),
		.size = sizeof(text) - 1,
		.header.start = from->start,
	};
	int ret = xioctl(fd, MBOX_IOC_RECV, &arg);

	if (ret < 0)
		return strerrorname_np(-ret);
	text[arg.header.length] = '\0';
	return text;
}

#define BY_IDENTITY	(MBOX_RECV_NONBLOCK | MBOX_RECV_BY_START)

static struct mbox_header peek_header(int fd)
{
	struct mbox_header header;
	char text[TEXT_SIZE];

	recv_bytes(fd, MBOX_RECV_PEEK | MBOX_RECV_NONBLOCK, text, sizeof(text), &header);
	return header;
}

/* The same of the last message of a talker, which is taken. */
static struct mbox_header take_header(int fd)
{
	struct mbox_header header;
	char text[TEXT_SIZE];

	recv_bytes(fd, MBOX_RECV_NONBLOCK, text, sizeof(text), &header);
	return header;
}

static void talker_end(struct talker *talker)
{
	set_flag(&talker->go);
	reap(talker->pid);
}

/* Field 22 of /proc/PID/stat: the start in clock ticks. */
static uint64_t start_ticks(pid_t pid)
{
	char line[PROCESS_STAT];
	const char *at = process_stat(pid, line);

	for (int field = 3; at && field < 22; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at, NULL, 10) : 0;
}

static void *put_by_thread(void *arg)
{
	put(*(int *)arg, 0, "a thread's");
	return NULL;
}

/* It is that of the process, whichever thread sends, as /proc has it. */
TEST_F(identity, start_time)
{
	struct mbox_header mine, threads, child;
	struct talker *talker;
	pthread_t thread;

	ASSERT_EQ(0, put(self->fd, 0, "mine"));
	mine = take_header(self->fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, put_by_thread, &self->fd));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	threads = take_header(self->fd);
	EXPECT_EQ(mine.start, threads.start);
	EXPECT_EQ(start_ticks(getpid()), mine.start / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)));
	TALKER(talker, 0, "a child's");
	child = take_header(self->fd);
	EXPECT_LT(mine.start, child.start);
	EXPECT_EQ(start_ticks(talker->pid), child.start / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)));
	talker_end(talker);
}

/* Arguments that the call does not allow. */
TEST_F(identity, wrong_arguments)
{
	struct mbox_ioc_recv arg = {
		.flags = BY_IDENTITY | MBOX_RECV_BY_SENDER, .pid = getpid(),
	};
	struct mbox_info before;

	ASSERT_EQ(0, put(self->fd, 0, ""));
	arg.header.start = peek_header(self->fd).start;
	before = info_of(self->fd);
	arg.flags &= ~MBOX_RECV_BY_SENDER;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	arg.pid = 0;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	arg.flags |= MBOX_RECV_BY_SENDER;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	arg.pid = getpid();
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	EXPECT_EQ((uint32_t)getpid(), arg.header.pid);
}

/* start is not looked at without the flag: for most callers it is out only. */
TEST_F(identity, start_is_ignored_without_the_flag)
{
	struct mbox_header from = { .pid = getpid(), .start = 1 };

	ASSERT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("EOWNERDEAD", take_from(self->fd, BY_IDENTITY, &from));
	EXPECT_STREQ("text", take_from(self->fd, MBOX_RECV_NONBLOCK, &from));
}

/* The number of a process that ended is given to another: neither gets the other's message. */
TEST_F(identity, recycled_number)
{
	struct talker *first, *second;
	struct mbox_header one, two;

	TALKER(first, 0, "of the first");
	one = peek_header(self->fd);
	talker_end(first);
	TALKER(second, first->pid, "of the second");
	/* to look at it, behind the other's */
	ASSERT_EQ(0, put(self->fd, 0, ""));
	EXPECT_STREQ("of the first", take_from(self->fd, MBOX_RECV_NONBLOCK | MBOX_RECV_PEEK, &one));
	two = one;
	two.start = 0;
	EXPECT_STREQ("EOWNERDEAD", take_from(self->fd, BY_IDENTITY, &two));
	EXPECT_STREQ("of the first", take_from(self->fd, BY_IDENTITY | MBOX_RECV_PEEK, &one));
	EXPECT_STREQ("of the first", take_from(self->fd, BY_IDENTITY, &one));
	two = peek_header(self->fd);
	EXPECT_EQ(one.pid, two.pid);
	EXPECT_LT(one.start, two.start);
	EXPECT_STREQ("EOWNERDEAD", take_from(self->fd, BY_IDENTITY, &one));
	EXPECT_STREQ("EOWNERDEAD", take_from(self->fd, MBOX_RECV_BY_START, &one));
	EXPECT_STREQ("of the second", take_from(self->fd, BY_IDENTITY, &two));
	/* it lives */
	EXPECT_STREQ("EAGAIN", take_from(self->fd, BY_IDENTITY, &two));
	talker_end(second);
	EXPECT_STREQ("EOWNERDEAD", take_from(self->fd, BY_IDENTITY, &two));
	EXPECT_STREQ("EOWNERDEAD", take_from(self->fd, MBOX_RECV_BY_START, &two));
	EXPECT_STREQ("", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

static struct call *want_start(int fd, const struct mbox_header *from, uint32_t flags)
{
	struct call *call = call_new(fd, CALL_RECV);

	call->recv.flags = flags | MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START;
	call->recv.pid = from->pid;
	call->recv.header.start = from->start;
	call_start(call);
	return call;
}

/* A receive that is blocked ends with the process that it waits for, reaped or not. */
TEST_F(identity, blocked_receive_ends)
{
	struct mbox_header from;
	struct talker *talker;
	struct call *call, *peeker, *other;

	TALKER(talker, 0, "text");
	from = take_header(self->fd);
	call = want_start(self->fd, &from, 0);
	peeker = want_start(self->fd, &from, MBOX_RECV_PEEK);
	ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	other = call_new(self->fd, CALL_RECV);
	other->recv.flags = MBOX_RECV_BY_SENDER;
	other->recv.pid = from.pid;
	call_start(other);
	ASSERT_TRUE(await_blocked(self->fd, 0, 3));
	kill(talker->pid, SIGKILL);
	EXPECT_EQ(-EOWNERDEAD, call_end(call));
	EXPECT_EQ(-EOWNERDEAD, call_end(peeker));
	EXPECT_TRUE(untouched(&call->recv.header, offsetof(struct mbox_header, start)));
	/* the one that goes by the number waits for the next of it */
	EXPECT_TRUE(await_blocked(self->fd, 0, 1));
	kill(other->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(other));
	EXPECT_EQ(SIGKILL, reap(talker->pid));
	EXPECT_STREQ("EAGAIN", take(self->fd));
}

/* Another's message is not given to it, that of the process is. */
TEST_F(identity, blocked_receive_gets)
{
	struct mbox_header from;
	struct talker *talker;
	struct call *call;

	TALKER(talker, 0, "text");
	from = take_header(self->fd);
	call = want_start(self->fd, &from, 0);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, put(self->fd, 0, "mine"));
	EXPECT_EQ(1, info_of(self->fd).receivers);
	talker->last = "its last";
	talker_end(talker);
	EXPECT_STREQ("its last", recv_end(call));
	EXPECT_EQ(from.start, call->recv.header.start);
	EXPECT_STREQ("mine", take(self->fd));
}

/*
 * A message that a process sends right before its end is received, and then comes the error: each
 * time.
 */
TEST_F(identity, last_message)
{
	for (int i = 0; i < 60; i++) {
		struct mbox_header from;
		struct talker *talker;

		TALKER(talker, 0, "first");
		from = peek_header(self->fd);
		talker->last = "last";
		set_flag(&talker->go);
		ASSERT_STREQ("first", take_from(self->fd, MBOX_RECV_BY_START, &from));
		ASSERT_STREQ("last", take_from(self->fd, MBOX_RECV_BY_START, &from));
		ASSERT_STREQ("EOWNERDEAD", take_from(self->fd, MBOX_RECV_BY_START, &from));
		reap(talker->pid);
	}
	EXPECT_BALANCED(self->fd);
}

/* A deadline and a signal end it as they end others. */
TEST_F(identity, deadline)
{
	struct mbox_ioc_recv arg = {
		.flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START, .pid = getpid(),
		.clock = MBOX_CLOCK_MONOTONIC,
	};

	ASSERT_EQ(0, put(self->fd, 0, ""));
	arg.header.start = take_header(self->fd).start;
	arg.deadline = now() + 20 * NSEC_PER_MSEC;
	EXPECT_EQ(-ETIMEDOUT, xioctl(self->fd, MBOX_IOC_RECV, &arg));
}

/* Where nothing is kept, a receive by identity is room for that process, and no other. */
TEST_F(identity, room)
{
	struct mbox_header from;
	struct call *call;
	int zero = box_new(_metadata, MBOX_CAPACITY_ZERO);

	ASSERT_EQ(0, put(self->fd, 0, ""));
	from = take_header(self->fd);
	from.start++;
	EXPECT_STREQ("EOWNERDEAD", take_from(zero, MBOX_RECV_BY_START, &from));
	from.start--;
	call = want_start(zero, &from, 0);
	ASSERT_TRUE(await_blocked(zero, 0, 1));
	EXPECT_EQ(POLLOUT, poll_now(zero));
	EXPECT_EQ(0, put(zero, 0, "text"));
	EXPECT_STREQ("text", recv_end(call));
	close(zero);
}

/* Where nobody can send any more the error is the same as without a filter. */
TEST_F(identity, nobody_left)
{
	struct mbox_ioc_open open = open_arg(NULL, 4);
	struct mbox_header from;
	int fd;

	ASSERT_EQ(0, put(self->fd, 0, ""));
	from = take_header(self->fd);
	open.rights = MBOX_RIGHT_RECV;
	fd = open_call(MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("EPIPE", take(fd));
	EXPECT_STREQ("EPIPE", take_from(fd, BY_IDENTITY, &from));
	EXPECT_STREQ("EPIPE", take_from(fd, MBOX_RECV_BY_START, &from));
	close(fd);
}

/* Each delivery of a broadcast carries its sender. */
TEST_F(identity, broadcast)
{
	struct mbox_ioc_open open = open_arg(NULL, 4);
	struct mbox_header from;
	struct talker *talker;
	struct call *call;

	close(self->fd);
	open.policy = MBOX_POLICY_BROADCAST;
	self->fd = open_call(MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, self->fd);
	TALKER(talker, 0, "text");
	from = peek_header(self->fd);
	EXPECT_EQ(start_ticks(talker->pid), from.start / (NSEC_PER_SEC / sysconf(_SC_CLK_TCK)));
	EXPECT_STREQ("text", take_from(self->fd, BY_IDENTITY, &from));
	EXPECT_STREQ("EAGAIN", take_from(self->fd, BY_IDENTITY, &from));
	call = want_start(self->fd, &from, 0);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	talker_end(talker);
	EXPECT_EQ(-EOWNERDEAD, call_end(call));
}

static int link_identity(const struct mbox_header *to)
{
	struct mbox_ioc_link arg = { .pid = to->pid, .capacity = 4, .start = to->start };
	int factory = factory_open();
	int ret = xioctl(factory, MBOX_IOC_LINK, &arg);

	close(factory);
	return ret;
}

static int handover_identity(int fd, const struct mbox_header *to, uint32_t flags)
{
	struct mbox_ioc_handover arg = { .flags = flags, .pid = to->pid, .start = to->start };

	return xioctl(fd, MBOX_IOC_HANDOVER, &arg);
}

/* An answer to one that ended does not reach the one that has its number. */
TEST_F(identity, link)
{
	struct talker *first, *second;
	struct mbox_header one, two;
	struct mbox *mb = NOT_WRITTEN;
	int fd;

	TALKER(first, 0, "balance?");
	one = take_header(self->fd);
	fd = link_identity(&one);
	ASSERT_LE(0, fd);
	close(fd);
	talker_end(first);
	EXPECT_EQ(-ESRCH, link_identity(&one));
	TALKER(second, first->pid, "a stranger");
	two = take_header(self->fd);
	EXPECT_EQ(one.pid, two.pid);
	EXPECT_EQ(-ESRCH, link_identity(&one));
	EXPECT_RET(-ESRCH, mbox_link_sender(&mb, &one, 4, 0));
	EXPECT_EQ(NOT_WRITTEN, mb);
	fd = link_identity(&two);
	ASSERT_LE(0, fd);
	EXPECT_EQ(second->pid, info_of(fd).peer);
	/* one that is there is not joined either */
	EXPECT_EQ(-ESRCH, link_identity(&one));
	EXPECT_STREQ("EOWNERDEAD", take_from(fd, BY_IDENTITY, &one));
	EXPECT_STREQ("EAGAIN", take_from(fd, BY_IDENTITY, &two));
	close(fd);
	EXPECT_RET(0, mbox_link_sender(&mb, &two, 4, 0));
	EXPECT_EQ(second->pid, info_of(mbox_fd(mb)).peer);
	mbox_close(mb);
	/* 0 is whichever has the number */
	two.start = 0;
	fd = link_identity(&two);
	EXPECT_LE(0, fd);
	close(fd);
	talker_end(second);
}

/* Of a process that ended no number is told: another may have it. */
TEST_F(identity, numbers_of_the_dead)
{
	int socks[2], fd;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0)
		_exit(fd_pass(socks[1], link_to(getppid(), 4)) != 0);
	fd = fd_take(socks[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, info_of(fd).owner);
	EXPECT_EQ(getpid(), info_of(fd).peer);
	close(fd);
}

TEST_F(identity, handover)
{
	struct talker *first, *second;
	struct mbox_header one, two, system = { .start = 1 };
	struct mbox_info before;
	char name[MBOX_NAME_SIZE];
	struct mbox *mb;
	int fd = box_new_named(_metadata, 4, name), copy;

	TALKER(first, 0, "text");
	one = take_header(self->fd);
	talker_end(first);
	TALKER(second, first->pid, "text");
	two = take_header(self->fd);
	before = info_of(fd);
	EXPECT_EQ(-ESRCH, handover_identity(fd, &one, 0));
	EXPECT_EQ(-ESRCH, handover_identity(fd, &one, MBOX_HANDOVER_RECV));
	EXPECT_EQ(-EINVAL, handover_identity(fd, &system, 0));
	EXPECT_UNCHANGED(fd, &before);
	copy = dup(fd);
	ASSERT_LE(0, copy);
	ASSERT_EQ(0, mbox_from_fd(&mb, copy));
	EXPECT_RET(-ESRCH, mbox_handover_sender(mb, &one, 0));
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_EQ(0, handover_identity(fd, &two, 0));
	EXPECT_EQ(second->pid, info_of(fd).owner);
	EXPECT_RET(0, mbox_handover_sender(mb, &two, MBOX_HANDOVER_HEIR));
	EXPECT_EQ(second->pid, info_of(fd).heir);
	mbox_close(mb);
	talker_end(second);
	close(fd);
}

/* The library: options, and the headers that it does not take for a sender. */
TEST_F(identity, library)
{
	struct mbox_recv_opts opts = { .flags = BY_IDENTITY | MBOX_RECV_BY_SENDER };
	struct mbox_header from, header;
	struct mbox *mb, *link = NOT_WRITTEN;
	char text[16];

	ASSERT_EQ(0, mbox_from_fd(&mb, dup(self->fd)));
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	from = peek_header(self->fd);
	opts.pid = from.pid;
	opts.start = from.start - 1;
	EXPECT_RET(-EOWNERDEAD, mbox_recv(mb, text, sizeof(text), &opts, NULL));
	opts.start = from.start;
	EXPECT_RET(4, mbox_recv(mb, text, sizeof(text), &opts, &header));
	EXPECT_EQ(from.start, header.start);
	EXPECT_RET(-EAGAIN, mbox_recv(mb, text, sizeof(text), &opts, NULL));
	EXPECT_RET(-EFAULT, mbox_link_sender(&link, NULL, 4, 0));
	EXPECT_RET(-EFAULT, mbox_link_sender(NULL, &from, 4, 0));
	EXPECT_RET(-EINVAL, mbox_link_sender(&link, &from, 4, 0));
	from.pid = getppid();
	from.start = 0;
	EXPECT_RET(-EINVAL, mbox_link_sender(&link, &from, 4, 0));
	from.pid = 0;
	EXPECT_RET(-ESRCH, mbox_link_sender(&link, &from, 4, 0));
	EXPECT_EQ(NOT_WRITTEN, link);
	EXPECT_RET(-EFAULT, mbox_handover_sender(mb, NULL, 0));
	EXPECT_RET(-ESRCH, mbox_handover_sender(mb, &from, 0));
	from.pid = getpid();
	EXPECT_RET(-EINVAL, mbox_handover_sender(NULL, &header, 0));
	mbox_close(mb);
}

/* Field 22 of /proc is shifted by the time namespace of its reader, ours is not. */
static int in_time_namespace(void *arg)
{
	static const char offset[] = "boottime 1000 0\n";
	struct mbox_header *header = arg;
	int file, fd;
	ssize_t n;
	pid_t pid;

	if (unshare(0x00000080 /* CLONE_NEWTIME */))
		return 1;
	file = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return 1;
	n = write(file, offset, strlen(offset));
	close(file);
	if (n != (ssize_t)strlen(offset))
		return 1;
	fd = header->prio;
	pid = fork_child();
	if (pid == 0) {
		struct mbox_header again;

		/* the parent's message, seen from the other namespace */
		again = peek_header(fd);
		if (again.start != header->start || put(fd, 1, "from within"))
			_exit(1);
		if (strcmp("EAGAIN", take_from(fd, BY_IDENTITY, &(struct mbox_header) {
				.pid = again.pid, .start = again.start })) == 0)
			_exit(2);
		_exit(0);
	}
	return reap(pid) ? -EBADMSG : 0;
}

TEST_F(identity, time_namespace)
{
	struct mbox_header *header = shared_alloc(sizeof(*header)), inner;
	int ret;

	ASSERT_EQ(0, put(self->fd, 0, "text"));
	*header = peek_header(self->fd);
	header->prio = self->fd;
	ret = in_child(in_time_namespace, header);
	if (ret == 1)
		SKIP(return, "no new time namespace can be made here");
	ASSERT_EQ(0, ret);
	inner = peek_header(self->fd);
	EXPECT_LT(header->start, inner.start);
	EXPECT_LT(inner.start, header->start + PATIENCE * NSEC_PER_SEC);
}

MBOX_TEST_MAIN
