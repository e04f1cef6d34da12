// SPDX-License-Identifier: GPL-2.0-only
/* Mailboxes that a process owns: they end with it, and with nothing else. */
#include "lib/child_call.h"
#include "lib/owner.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

static int create_owned(const char *name)
{
	struct mbox_ioc_open arg = open_arg(name, 2);

	arg.lifetime = MBOX_LIFETIME_PROCESS;
	return open_call(MBOX_IOC_CREATE, &arg);
}

static int own(struct owner *owner)
{
	int fd = create_owned(owner->name);

	if (fd < 0)
		return fd;
	await_stop(owner);
	return 0;
}

FIXTURE(owned) { struct owner *owner; int fd; };

FIXTURE_SETUP(owned)
{
	self->owner = owner_start(_metadata, own);
	self->fd = open_name(self->owner->name, RIGHTS_BOTH);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(owned)
{
	owner_kill(_metadata, self->owner);
	close(self->fd);
}

TEST_F(owned, says_so)
{
	EXPECT_EQ(self->owner->pid, info_of(self->fd).owner);
	EXPECT_EQ(0, info_of(self->fd).heir);
	EXPECT_EQ(MBOX_LIFETIME_PROCESS, info_of(self->fd).lifetime);
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", take(self->fd));
}

/* All that it can do after its owner is gone. */
static void expect_orphaned(struct __test_metadata *_metadata, int fd, const char *name)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0600 };
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	EXPECT_EQ(-EOWNERDEAD, put(fd, 0, "text"));
	EXPECT_STREQ("EOWNERDEAD", take(fd));
	EXPECT_EQ(-EOWNERDEAD, send_bytes(fd, MBOX_SEND_SYNC, 0, 0, "text", 4));
	EXPECT_EQ(-EOWNERDEAD, xwrite(fd, "text", 4));
	EXPECT_EQ(-EOWNERDEAD, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(-EOWNERDEAD, delete_fd(fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(-EOWNERDEAD, hand_over(fd, 0, getpid()));
	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLHUP | POLLERR, pollfd.revents);
	EXPECT_EQ(0, info_of(fd).owner);
	EXPECT_EQ(-ENOENT, open_name(name, RIGHTS_BOTH));
	EXPECT_EQ(-ENOENT, delete_name(name, MBOX_DELETE_FORCE));
	EXPECT_BALANCED(fd);
}

TEST_F(owned, killed)
{
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	owner_kill(_metadata, self->owner);
	ASSERT_TRUE(await_dead(self->fd));
	EXPECT_EQ(1, info_of(self->fd).dropped);
	expect_orphaned(_metadata, self->fd, self->owner->name);
}

TEST_F(owned, exits)
{
	owner_finish(_metadata, self->owner);
	ASSERT_TRUE(await_dead(self->fd));
	expect_orphaned(_metadata, self->fd, self->owner->name);
}

/* A tracer of the owner: waits for its end, and reaps it when told. */
struct tracer {
	pid_t owner;
	int attached, look;
};

static int trace(struct tracer *tracer)
{
	siginfo_t info;

	if (ptrace(PTRACE_SEIZE, tracer->owner, 0, 0))
		return errno;
	set_flag(&tracer->attached);
	if (waitid(P_PID, tracer->owner, &info, WEXITED | WNOWAIT))
		return errno;
	if (!await_flag(&tracer->look))
		return ETIME;
	return waitpid(tracer->owner, NULL, 0) == tracer->owner ? 0 : errno;
}

/* The end of a traced process is reported twice: to its tracer, and then to its parent. */
TEST_F(owned, traced)
{
	struct tracer *tracer = shared_alloc(sizeof(*tracer));
	pid_t pid;

	tracer->owner = self->owner->pid;
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0)
		_exit(trace(tracer));
	ASSERT_TRUE(await_flag(&tracer->attached));
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	kill(self->owner->pid, SIGKILL);
	ASSERT_TRUE(await_dead(self->fd));
	EXPECT_EQ('Z', process_state(self->owner->pid));
	set_flag(&tracer->look);
	EXPECT_EQ(0, reap(pid));
	owner_kill(_metadata, self->owner);
	EXPECT_EQ(1, info_of(self->fd).dropped);
	expect_orphaned(_metadata, self->fd, self->owner->name);
}

/* A process that has waited for its end finds none of its mailboxes any more. */
TEST(name_is_free_once_reaped)
{
	struct mbox_ioc_open arg;

	for (int i = 0; i < 50; i++) {
		struct owner *owner = owner_start(_metadata, own);
		int fd;

		owner_kill(_metadata, owner);
		arg = open_arg(owner->name, 1);
		arg.flags = i % 2 ? MBOX_OPEN_CREATE : 0;
		fd = open_call(i % 2 ? MBOX_IOC_OPEN : MBOX_IOC_CREATE, &arg);
		ASSERT_LE(0, fd);
		EXPECT_EQ(MBOX_LIFETIME_FD, info_of(fd).lifetime);
		EXPECT_EQ(0, put(fd, 0, "text"));
		EXPECT_STREQ("text", take(fd));
		close(fd);
	}
}

/* It has ended when it is a zombie, not when somebody looks after it. */
TEST_F(owned, not_reaped)
{
	kill(self->owner->pid, SIGKILL);
	ASSERT_TRUE(await_dead(self->fd));
	EXPECT_EQ('Z', process_state(self->owner->pid));
}

TEST_F(owned, wakes_all)
{
	struct call *first, *second, *receiver, *poller;
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 1, name);

	ASSERT_EQ(0, hand_over(fd, 0, self->owner->pid));
	receiver = recv_start(fd);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	poller = call_new(fd, CALL_POLL);
	poller->events = POLLIN;
	call_start(poller);
	ASSERT_TRUE(await_flag(&poller->ready) && await_sleeping(poller->pid));
	owner_kill(_metadata, self->owner);
	EXPECT_STREQ("EOWNERDEAD", recv_end(receiver));
	EXPECT_EQ(1, call_end(poller));
	EXPECT_TRUE(poller->events & POLLHUP);
	close(fd);

	self->owner = owner_start(_metadata, just_live);
	fd = box_new_named(_metadata, 1, name);
	ASSERT_EQ(0, hand_over(fd, 0, self->owner->pid));
	first = send_start_flags(fd, MBOX_SEND_SYNC, 0, "first");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	second = send_start(fd, 0, "second");
	ASSERT_TRUE(await_blocked(fd, 2, 0));
	owner_kill(_metadata, self->owner);
	EXPECT_EQ(-EOWNERDEAD, call_end(first));
	EXPECT_EQ(-EOWNERDEAD, call_end(second));
	EXPECT_EQ(1, info_of(fd).dropped);
	EXPECT_BALANCED(fd);
	close(fd);
}

/* A child that the owner forked has the handle, and is not the owner. */
static int own_and_fork(struct owner *owner)
{
	int fd = create_owned(owner->name);
	pid_t child;

	if (fd < 0)
		return fd;
	child = fork();
	if (child == 0) {
		/* outlives its parent, until the handle is of no use */
		prctl(PR_SET_PDEATHSIG, 0);
		owner->result = await_dead(fd) ? put(fd, 0, "text") : -ETIME;
		set_flag(&owner->stop);
		_exit(0);
	}
	set_flag(&owner->ready);
	for (;;)
		pause();
}

TEST(forked_child_holds_a_handle)
{
	struct owner *owner = owner_start(_metadata, own_and_fork);

	owner_kill(_metadata, owner);
	ASSERT_TRUE(await_flag(&owner->stop));
	EXPECT_EQ(-EOWNERDEAD, owner->result);
}

/* Neither exec nor the end of a thread, be it the first one, is the end of a process. */
static int own_and_end_thread(struct owner *owner)
{
	int fd = create_owned(owner->name);
	pthread_t thread;

	if (fd < 0 || pthread_create(&thread, NULL, rest_of_owner, owner))
		return -EPROTO;
	/* not pthread_exit(), which wants a library that need not be there */
	syscall(SYS_exit, 0);
	return -EPROTO;
}

TEST(first_thread_ends)
{
	struct owner *owner = owner_start(_metadata, own_and_end_thread);
	int fd = open_name(owner->name, RIGHTS_BOTH);

	ASSERT_LE(0, fd);
	/* the first thread is a zombie, its process is not */
	while (process_state(owner->pid) != 'Z')
		nap();
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(owner->pid, info_of(fd).owner);
	EXPECT_EQ(0, hand_over(fd, MBOX_HANDOVER_HEIR, owner->pid));
	owner_finish(_metadata, owner);
	EXPECT_TRUE(await_dead(fd));
	close(fd);
}

static void *create_in_thread(void *arg)
{
	struct owner *owner = arg;

	owner->result = create_owned(owner->name);
	return NULL;
}

static int own_from_thread(struct owner *owner)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, create_in_thread, owner) || pthread_join(thread, NULL))
		return -EPROTO;
	await_stop(owner);
	return 0;
}

TEST(creating_thread_ends)
{
	struct owner *owner = owner_start(_metadata, own_from_thread);
	int fd = open_name(owner->name, RIGHTS_BOTH);

	ASSERT_LE(0, fd);
	EXPECT_EQ(owner->pid, info_of(fd).owner);
	EXPECT_EQ(0, put(fd, 0, "text"));
	owner_kill(_metadata, owner);
	EXPECT_TRUE(await_dead(fd));
	close(fd);
}

/* exec from another thread than the first takes over the number, and ends the others. */
static void *exec_in_thread(void *arg)
{
	struct owner *owner = arg;

	await_stop(owner);
	execl("/bin/sh", "sh", "-c", "kill -STOP $$; exit 0", (char *)NULL);
	_exit(1);
}

static int own_and_exec(struct owner *owner)
{
	int fd = create_owned(owner->name);
	pthread_t thread;

	if (fd < 0 || pthread_create(&thread, NULL, exec_in_thread, owner))
		return -EPROTO;
	for (;;)
		pause();
}

TEST(exec)
{
	struct owner *owner = owner_start(_metadata, own_and_exec);
	int fd = open_name(owner->name, RIGHTS_BOTH), status;

	ASSERT_LE(0, fd);
	set_flag(&owner->stop);
	ASSERT_EQ(owner->pid, waitpid(owner->pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	/* its handle was closed */
	EXPECT_EQ(1, info_of(fd).handles);
	EXPECT_EQ(owner->pid, info_of(fd).owner);
	EXPECT_EQ(0, put(fd, 0, "text"));
	EXPECT_STREQ("text", take(fd));
	kill(owner->pid, SIGKILL);
	ASSERT_LE(0, reap(owner->pid));
	EXPECT_TRUE(await_dead(fd));
	close(fd);
}

MBOX_TEST_MAIN
