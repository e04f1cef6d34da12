/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Child processes: calls that block, other users, passed handles.
 *
 * A test never guesses how long something takes. Whether a call is blocked the mailbox itself
 * tells (the counters senders and receivers); what a child did is written to memory that it shares
 * with the test; and a child that does not end is killed after PATIENCE and reported as -ETIME.
 * Children die with their parent.
 */
#ifndef MBOX_CHILD_H
#define MBOX_CHILD_H

#include "mbox_test.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Memory that children share; lives as long as the process. */
static inline void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	return p;
}

/* fork(), but the child dies with its parent. Also to be called after a change of credentials. */
static inline void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* it may have died before; 0 is one outside the child's pid namespace */
	if (getppid() != parent && getppid() != 0)
		_exit(127);
}

static inline pid_t fork_child(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0)
		die_with(parent);
	return pid;
}

/* Wait for it: its wait status, or -ETIME after killing it. */
static inline int reap(pid_t pid)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	int status;

	for (;;) {
		pid_t ret = waitpid(pid, &status, WNOHANG);

		if (ret == pid)
			return status;
		if (ret < 0)
			return -errno;
		if (now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -ETIME;
		}
		nap();
	}
}

/* Wait until a flag that a child sets is set. */
static inline bool await_flag(const int *flag)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

static inline void set_flag(int *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

/* Wait until exactly so many calls are blocked on the mailbox. */
static inline bool await_blocked(int fd, uint32_t senders, uint32_t receivers)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct mbox_info info;

	while (info_get(fd, &info) == 0) {
		if (info.senders == senders && info.receivers == receivers)
			return true;
		if (now() > end) {
			fprintf(stderr, "# blocked: %u senders, %u receivers\n",
				info.senders, info.receivers);
			break;
		}
		nap();
	}
	return false;
}

/* The letter that /proc has for what a process does; 0 if it is not there. */
static inline char process_state(pid_t pid)
{
	char path[64], line[256] = "";
	char *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	end = strrchr(line, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

/* Wait until a child sleeps: for calls that the mailbox does not count, such as poll(). */
static inline bool await_sleeping(pid_t pid)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (process_state(pid) != 'S') {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

/*
 * A call in a child. What it is given and what came of it is shared: set the fields, start it, wait
 * until it is blocked, do what the test is about, end it.
 */
enum call_kind { CALL_SEND, CALL_RECV, CALL_WRITE, CALL_READ, CALL_POLL };

#define CALL_ROOM	16384

struct call {
	int fd;
	enum call_kind kind;
	struct mbox_ioc_send send;
	struct mbox_ioc_recv recv;
	size_t size;			/* for read() and write() */
	short events;			/* for poll(), and what it found */
	void (*prepare)(struct call *call); /* in the child, before */
	int64_t began, ended;		/* CLOCK_MONOTONIC */
	long ret;			/* result, or a negated errno */
	int ready, done;
	int signals;			/* for handlers to count in */
	pid_t pid;
	uint8_t data[CALL_ROOM];
};

static inline struct call *call_new(int fd, enum call_kind kind)
{
	struct call *call = shared_alloc(sizeof(*call));

	memset(call->data, POISON, sizeof(call->data));
	memset(&call->recv.header, POISON, sizeof(call->recv.header));
	call->fd = fd;
	call->kind = kind;
	call->ret = -EINPROGRESS;
	call->send.data = call->recv.data = address_of(call->data);
	call->recv.size = call->size = sizeof(call->data);
	return call;
}

static inline long call_make(struct call *call)
{
	struct pollfd pollfd = { .fd = call->fd, .events = call->events };
	int ret;

	switch (call->kind) {
	case CALL_SEND:
		return xioctl(call->fd, MBOX_IOC_SEND, &call->send);
	case CALL_RECV:
		return xioctl(call->fd, MBOX_IOC_RECV, &call->recv);
	case CALL_WRITE:
		return xwrite(call->fd, call->data, call->size);
	case CALL_READ:
		return xread(call->fd, call->data, call->size);
	case CALL_POLL:
		ret = poll(&pollfd, 1, -1);
		call->events = pollfd.revents;
		return ret < 0 ? -errno : ret;
	}
	return -EINVAL;
}

static inline void call_start(struct call *call)
{
	call->pid = fork_child();
	if (call->pid < 0) {
		perror("fork");
		abort();
	}
	if (call->pid)
		return;
	call->pid = getpid();
	if (call->prepare)
		call->prepare(call);
	call->began = now();
	set_flag(&call->ready);
	call->ret = call_make(call);
	call->ended = now();
	set_flag(&call->done);
	_exit(0);
}

/* Its result; -ETIME if it never came, -ECHILD if the child was killed in it. */
static inline long call_end(struct call *call)
{
	int status = reap(call->pid);

	if (status < 0)
		return status;
	return call->done ? call->ret : -ECHILD;
}

static inline struct call *send_start_flags(int fd, uint32_t flags, uint32_t prio, const char *text)
{
	struct call *call = call_new(fd, CALL_SEND);

	call->send.flags = flags;
	call->send.prio = prio;
	call->send.size = strlen(text);
	memcpy(call->data, text, call->send.size);
	call_start(call);
	return call;
}

static inline struct call *send_start(int fd, uint32_t prio, const char *text)
{
	return send_start_flags(fd, 0, prio, text);
}

static inline struct call *recv_start(int fd)
{
	struct call *call = call_new(fd, CALL_RECV);

	call_start(call);
	return call;
}

/* What a receive in a child got, as a string, or its error. */
static inline const char *recv_end(struct call *call)
{
	long ret = call_end(call);

	if (ret < 0)
		return strerrorname_np(-ret);
	if (call->recv.header.length >= sizeof(call->data))
		return "(header.length is wrong)";
	call->data[call->recv.header.length] = '\0';
	return (const char *)call->data;
}

/* Other users. */

/* Become an ordinary user, for good. */
static inline int become(uid_t uid, gid_t gid)
{
	pid_t parent = getppid();

	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	/* a change of credentials forgets both of these */
	prctl(PR_SET_DUMPABLE, 1);
	die_with(parent);
	return 0;
}

/*
 * Run a function in a child, which may become what it likes, and return its result; an error of
 * the machinery looks like no errno that mbox has.
 */
static inline int in_child(int (*fn)(void *), void *arg)
{
	int *result = shared_alloc(sizeof(*result));
	int status, ret;
	pid_t pid;

	*result = -ENOEXEC;
	pid = fork_child();
	if (pid < 0)
		return -ENOEXEC;
	if (pid == 0) {
		*result = fn(arg);
		_exit(0);
	}
	status = reap(pid);
	ret = status < 0 ? status : *result;
	munmap(result, sizeof(*result));
	return ret;
}

/* A user (and group) id that no one else is likely to use, so that his quota is ours. */
static inline uid_t spare_uid(unsigned int n)
{
	return 100000 + (getpid() % 100000) * 16 + n;
}

/* Pass a descriptor over a UNIX socket. */
static inline int fd_pass(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -errno;
}

static inline int fd_take(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -EPROTO;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

#endif
