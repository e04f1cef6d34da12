// SPDX-License-Identifier: GPL-2.0-only
/* Mailboxes that a process owns: they end with it, and with nothing else; handing over; heirs. */
#include "mbox_child.h"

#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* A child that does as it is told, and is told by flags in memory that it shares. */
struct owner {
	char name[MBOX_NAME_SIZE];
	int (*task)(struct owner *owner);
	int stop;		/* to the child: go on */
	int ready;		/* from the child: it came to where it waits */
	int result;
	pid_t pid;
	bool reaped;
};

static void await_stop(struct owner *owner)
{
	set_flag(&owner->ready);
	while (!__atomic_load_n(&owner->stop, __ATOMIC_ACQUIRE))
		nap();
}

static int just_live(struct owner *owner)
{
	await_stop(owner);
	return 0;
}

static void owner_fork(struct __test_metadata *_metadata, struct owner *owner)
{
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		owner->result = owner->task(owner);
		set_flag(&owner->ready);
		_exit(0);
	}
	owner->pid = pid;
}

static struct owner *owner_start(struct __test_metadata *_metadata,
				 int (*task)(struct owner *owner))
{
	struct owner *owner = shared_alloc(sizeof(*owner));

	name_make(owner->name);
	owner->task = task;
	owner->result = -EINPROGRESS;
	owner_fork(_metadata, owner);
	ASSERT_TRUE(await_flag(&owner->ready));
	return owner;
}

static void owner_kill(struct __test_metadata *_metadata, struct owner *owner)
{
	if (!owner->reaped) {
		kill(owner->pid, SIGKILL);
		ASSERT_LE(0, reap(owner->pid));
	}
	owner->reaped = true;
}

/* Let it go on, to its end. */
static void owner_finish(struct __test_metadata *_metadata, struct owner *owner)
{
	set_flag(&owner->stop);
	ASSERT_EQ(0, reap(owner->pid));
	owner->reaped = true;
}

/* How a process ends and is reaped; its mailboxes end just then, but a moment may pass. */
static bool await_dead(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).state != MBOX_STATE_DEAD) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

static bool await_owner(int fd, pid_t owner)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).owner != owner) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

static int create_owned(const char *name)
{
	struct mbox_ioc_open arg = open_arg(name, 2);

	arg.lifetime = MBOX_LIFETIME_PROCESS;
	return open_call(MBOX_IOC_CREATE, &arg);
}

static int hand_over(int fd, uint32_t flags, uint32_t pid)
{
	struct mbox_ioc_handover arg = { .flags = flags, .pid = pid };

	return xioctl(fd, MBOX_IOC_HANDOVER, &arg);
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

/* What traces the owner: waits for its end, and looks after it when told. */
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

/* The end of one that is traced is told twice: to who traces it, and then to its parent. */
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

/* Who has waited for its end finds none of its mailboxes any more. */
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
static void *rest_of_owner(void *arg)
{
	struct owner *owner = arg;

	await_stop(owner);
	_exit(0);
}

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

/* Handing over. */

FIXTURE(handover) { struct owner *a, *b; char name[MBOX_NAME_SIZE]; int fd; };

FIXTURE_SETUP(handover)
{
	self->a = owner_start(_metadata, just_live);
	self->b = owner_start(_metadata, just_live);
	self->fd = box_new_named(_metadata, 2, self->name);
	ASSERT_EQ(0, put(self->fd, 0, "kept"));
}

FIXTURE_TEARDOWN(handover)
{
	owner_kill(_metadata, self->a);
	owner_kill(_metadata, self->b);
	close(self->fd);
}

TEST_F(handover, to_process_and_on)
{
	EXPECT_EQ(MBOX_LIFETIME_FD, info_of(self->fd).lifetime);
	EXPECT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	EXPECT_EQ(self->a->pid, info_of(self->fd).owner);
	EXPECT_EQ(MBOX_LIFETIME_PROCESS, info_of(self->fd).lifetime);
	/* we are root, and pass */
	EXPECT_EQ(0, hand_over(self->fd, 0, self->b->pid));
	owner_kill(_metadata, self->a);
	EXPECT_EQ(self->b->pid, info_of(self->fd).owner);
	EXPECT_STREQ("kept", take(self->fd));
	owner_kill(_metadata, self->b);
	EXPECT_TRUE(await_dead(self->fd));
	EXPECT_EQ(0, info_of(self->fd).dropped);
}

TEST_F(handover, to_system)
{
	EXPECT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	EXPECT_EQ(0, hand_over(self->fd, 0, 0));
	EXPECT_EQ(0, info_of(self->fd).owner);
	EXPECT_EQ(MBOX_LIFETIME_OS, info_of(self->fd).lifetime);
	owner_kill(_metadata, self->a);
	close(self->fd);
	self->fd = open_name(self->name, RIGHTS_BOTH);
	ASSERT_LE(0, self->fd);
	EXPECT_STREQ("kept", take(self->fd));
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_EMPTY));
}

TEST_F(handover, lasts_without_handles)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	close(self->fd);
	self->fd = open_name(self->name, RIGHTS_BOTH);
	ASSERT_LE(0, self->fd);
	EXPECT_STREQ("kept", take(self->fd));
}

static int thread_and_live(struct owner *owner)
{
	pthread_t thread;

	/* the thread's id stays: it stops where we do */
	if (pthread_create(&thread, NULL, rest_of_owner, owner))
		return -EPROTO;
	for (;;)
		pause();
}

/* One that is a thread of another process: the largest number in its directory. */
static pid_t other_thread(pid_t pid)
{
	for (pid_t tid = pid + 1; tid < pid + 64; tid++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (!access(path, F_OK))
			return tid;
	}
	return -1;
}

TEST_F(handover, refused)
{
	struct owner *threaded = owner_start(_metadata, thread_and_live);
	struct owner *zombie = owner_start(_metadata, just_live);
	struct mbox_info before = info_of(self->fd);
	pid_t tid = other_thread(threaded->pid);

	ASSERT_LT(0, tid);
	EXPECT_EQ(-EINVAL, hand_over(self->fd, 1 << 2, self->a->pid));
	EXPECT_EQ(-EINVAL, hand_over(self->fd, MBOX_HANDOVER_RECV, 0));
	EXPECT_EQ(-EINVAL, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->a->pid));
	EXPECT_EQ(-EINVAL, hand_over(self->fd, MBOX_HANDOVER_HEIR, 0));
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, tid));
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, 0x7fffffff));
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, 0xffffffff));
	set_flag(&zombie->stop);
	while (process_state(zombie->pid) != 'Z')
		nap();
	EXPECT_EQ(-ESRCH, hand_over(self->fd, 0, zombie->pid));
	EXPECT_EQ(-EFAULT, xioctl(self->fd, MBOX_IOC_HANDOVER, NULL));
	EXPECT_UNCHANGED(self->fd, &before);
	owner_kill(_metadata, threaded);
	reap(zombie->pid);
}

/* Its owner may live on: who could ever open it? Seen by what it is charged for. */
TEST(anonymous_ends_with_its_last_handle)
{
	uint64_t most = param_get("user_mailboxes");
	struct mbox_ioc_open arg = open_arg(NULL, 1);
	int fd;

	ASSERT_LT(0, most);
	ASSERT_GT(100000, most);
	ASSERT_EQ(0, become(spare_uid(2), spare_uid(2)));
	arg.lifetime = MBOX_LIFETIME_PROCESS;
	for (uint64_t i = 0; i < most + 10; i++) {
		fd = open_call(MBOX_IOC_CREATE, &arg);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, put(fd, 0, "text"));
		close(fd);
	}
}

TEST(anonymous_not_to_system)
{
	int fd = box_new(_metadata, 1);
	struct mbox_info before = info_of(fd);

	EXPECT_EQ(-EINVAL, hand_over(fd, 0, 0));
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_EQ(0, hand_over(fd, 0, getpid()));
	EXPECT_EQ(-EINVAL, hand_over(fd, 0, 0));
	EXPECT_EQ(getpid(), info_of(fd).owner);
	close(fd);
}

/* An owner of the mailbox by uid, who is not the process that owns it. */
static int hand_over_as_user(void *arg)
{
	const struct owner *owner = arg;
	struct mbox_ioc_open open;
	int fd, ret;

	ret = become(spare_uid(0), spare_uid(0));
	if (ret)
		return ret;
	open = open_arg(owner->name, 2);
	fd = open_call(MBOX_IOC_CREATE, &open);
	if (fd < 0)
		return -EPROTO;
	/* while it is of no process, whose it is may */
	if (hand_over(fd, 0, getpid()) || hand_over(fd, 0, owner->pid))
		return -EPROTO;
	return hand_over(fd, 0, getpid());
}

TEST(by_the_owner_only)
{
	struct owner *owner = owner_start(_metadata, just_live);

	EXPECT_EQ(-EPERM, in_child(hand_over_as_user, owner));
	EXPECT_EQ(0, delete_name(owner->name, MBOX_DELETE_EMPTY));
	owner_kill(_metadata, owner);
}

/* The right to receive. */
static int open_as_user(struct owner *owner)
{
	int fd;

	if (become(spare_uid(1), spare_uid(1)))
		return -EPROTO;
	fd = open_name(owner->name, MBOX_RIGHT_RECV);
	if (fd != -EACCES)
		return -EPROTO;
	await_stop(owner);
	fd = open_name(owner->name, MBOX_RIGHT_RECV);
	if (fd < 0)
		return fd;
	if (open_name(owner->name, RIGHTS_BOTH) != -EACCES)
		return -EPROTO;
	return strcmp(take(fd), "text") ? -EPROTO : 1;
}

FIXTURE(receive_right) {};
FIXTURE_SETUP(receive_right) {}
FIXTURE_TEARDOWN(receive_right) {}

FIXTURE_VARIANT(receive_right) { uint32_t flags; int expected; };
FIXTURE_VARIANT_ADD(receive_right, with) { .flags = MBOX_HANDOVER_RECV, .expected = 1 };
FIXTURE_VARIANT_ADD(receive_right, without) { .flags = 0, .expected = -EACCES };

/* Also after the ownership has come to it by inheritance. */
TEST_F(receive_right, goes_with_ownership)
{
	for (int inherited = 0; inherited < 2; inherited++) {
		struct owner *owner = shared_alloc(sizeof(*owner)), *first;
		int fd = box_new_named(_metadata, 2, owner->name);

		ASSERT_EQ(0, put(fd, 0, "text"));
		owner->task = open_as_user;
		owner_fork(_metadata, owner);
		ASSERT_TRUE(await_flag(&owner->ready));
		if (inherited) {
			first = owner_start(_metadata, just_live);
			ASSERT_EQ(0, hand_over(fd, 0, first->pid));
			ASSERT_EQ(0, hand_over(fd, variant->flags | MBOX_HANDOVER_HEIR, owner->pid));
			owner_kill(_metadata, first);
			ASSERT_TRUE(await_owner(fd, owner->pid));
		} else {
			ASSERT_EQ(0, hand_over(fd, variant->flags, owner->pid));
		}
		owner_finish(_metadata, owner);
		EXPECT_EQ(variant->expected, owner->result);
		close(fd);
	}
}

/* Heirs. */

TEST_F(handover, heir_inherits)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	EXPECT_EQ(self->a->pid, info_of(self->fd).owner);
	EXPECT_EQ(self->b->pid, info_of(self->fd).heir);
	owner_kill(_metadata, self->a);
	ASSERT_TRUE(await_owner(self->fd, self->b->pid));
	EXPECT_EQ(0, info_of(self->fd).heir);
	EXPECT_STREQ("kept", take(self->fd));
	owner_kill(_metadata, self->b);
	EXPECT_TRUE(await_dead(self->fd));
}

TEST_F(handover, heir_dies_first)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	owner_kill(_metadata, self->b);
	while (info_of(self->fd).heir)
		nap();
	EXPECT_EQ(self->a->pid, info_of(self->fd).owner);
	owner_kill(_metadata, self->a);
	EXPECT_TRUE(await_dead(self->fd));
}

TEST_F(handover, heir_taken_back)
{
	ASSERT_EQ(0, hand_over(self->fd, 0, self->a->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, 0));
	EXPECT_EQ(0, info_of(self->fd).heir);
	ASSERT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, self->b->pid));
	/* another owner has no heir yet */
	ASSERT_EQ(0, hand_over(self->fd, 0, getpid()));
	EXPECT_EQ(0, info_of(self->fd).heir);
	owner_kill(_metadata, self->b);
	EXPECT_STREQ("kept", take(self->fd));
}

/* Owner and heir end together: whichever is noticed first, the mailbox goes. */
TEST_F(handover, both_die)
{
	for (int i = 0; i < 20; i++) {
		struct owner *a = owner_start(_metadata, just_live);
		struct owner *b = owner_start(_metadata, just_live);
		int fd = box_new(_metadata, 1);

		ASSERT_EQ(0, hand_over(fd, 0, a->pid));
		ASSERT_EQ(0, hand_over(fd, MBOX_HANDOVER_HEIR, b->pid));
		kill(i % 2 ? a->pid : b->pid, SIGKILL);
		kill(i % 2 ? b->pid : a->pid, SIGKILL);
		EXPECT_TRUE(await_dead(fd));
		close(fd);
		ASSERT_LE(0, reap(a->pid));
		ASSERT_LE(0, reap(b->pid));
	}
}

MBOX_TEST_MAIN
