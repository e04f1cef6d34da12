// SPDX-License-Identifier: GPL-2.0-only
/* How many processes may take part in a mailbox, and how many may be in receive at a time. */
#include "lib/child.h"
#include "lib/passing.h"

#include <pthread.h>

static int box_with(struct __test_metadata *_metadata, uint32_t max_procs, uint32_t options,
		    char name[MBOX_NAME_SIZE])
{
	struct mbox_ioc_open arg;
	int fd;

	name_make(name);
	arg = open_arg(name, 8);
	arg.max_procs = max_procs;
	arg.options = options;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(max_procs, info_of(fd).max_procs);
	EXPECT_EQ(options, info_of(fd).options);
	EXPECT_EQ(max_procs ? 1 : 0, info_of(fd).procs);
	return fd;
}

/*
 * A process that does one thing at a time as told, and reports the result. It is not this one, and
 * it was forked with all of this one's handles.
 */
enum order { ORDER_NONE, ORDER_OPEN, ORDER_CLOSE, ORDER_PUT, ORDER_TAKE, ORDER_READ, ORDER_WRITE,
	     ORDER_POLL, ORDER_GET, ORDER_FORK, ORDER_EXIT };

struct worker {
	pid_t pid;
	enum order order;
	int fd;				/* CLOSE and calls: the handle; OPEN: the new handle */
	int result;
	char name[MBOX_NAME_SIZE];
};

static int worker_do(struct worker *worker)
{
	struct pollfd pollfd = { .fd = worker->fd, .events = POLLIN | POLLOUT };
	char text[64];
	pid_t child;

	switch (worker->order) {
	case ORDER_OPEN:
		worker->fd = open_name(worker->name, RIGHTS_BOTH);
		return worker->fd < 0 ? worker->fd : 0;
	case ORDER_CLOSE:
		return close(worker->fd);
	case ORDER_PUT:
		return put(worker->fd, 0, "text");
	case ORDER_TAKE:
		return recv_bytes(worker->fd, MBOX_RECV_NONBLOCK, text, sizeof(text), NULL);
	case ORDER_READ:
		return xread(worker->fd, text, sizeof(text));
	case ORDER_WRITE:
		return xwrite(worker->fd, "text", 4);
	case ORDER_POLL:
		return poll(&pollfd, 1, 0) < 0 ? -errno : 0;
	case ORDER_GET:
		return info_get(worker->fd, &(struct mbox_info) {});
	case ORDER_FORK:	/* the result of the child's own send, while this one lives */
		child = fork_child();
		if (child == 0)
			_exit(-put(worker->fd, 0, "text"));
		return -WEXITSTATUS(reap(child));
	default:
		_exit(0);
	}
}

static struct worker *worker_start(struct __test_metadata *_metadata)
{
	struct worker *worker = shared_alloc(sizeof(*worker));
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		for (;;) {
			while (!__atomic_load_n(&worker->order, __ATOMIC_ACQUIRE))
				nap();
			worker->result = worker_do(worker);
			__atomic_store_n(&worker->order, ORDER_NONE, __ATOMIC_RELEASE);
		}
	}
	worker->pid = pid;
	return worker;
}

static int tell(struct worker *worker, enum order order)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	__atomic_store_n(&worker->order, order, __ATOMIC_RELEASE);
	while (__atomic_load_n(&worker->order, __ATOMIC_ACQUIRE)) {
		if (now() > end)
			return -ETIME;
		nap();
	}
	return worker->result;
}

static int tell_fd(struct worker *worker, enum order order, int fd)
{
	worker->fd = fd;
	return tell(worker, order);
}

static int tell_open(struct worker *worker, const char *name)
{
	name_copy(worker->name, name);
	return tell(worker, ORDER_OPEN);
}

static void worker_exit(struct worker *worker)
{
	__atomic_store_n(&worker->order, ORDER_EXIT, __ATOMIC_RELEASE);
	reap(worker->pid);
}

static void worker_kill(struct worker *worker)
{
	kill(worker->pid, SIGKILL);
	reap(worker->pid);
}

FIXTURE(members)
{
	struct worker *workers[4];	/* inherited nothing */
	struct worker *heirs[4];	/* inherited fd */
	char name[MBOX_NAME_SIZE];
	int fd;
};

/* This process, which creates the mailbox, is one of them. */
FIXTURE_VARIANT(members)
{
	uint32_t max_procs;
};

FIXTURE_VARIANT_ADD(members, one) { .max_procs = 1 };
FIXTURE_VARIANT_ADD(members, two) { .max_procs = 2 };
FIXTURE_VARIANT_ADD(members, three) { .max_procs = 3 };

FIXTURE_SETUP(members)
{
	for (int i = 0; i < 4; i++)
		self->workers[i] = worker_start(_metadata);
	self->fd = box_with(_metadata, variant->max_procs, 0, self->name);
	for (int i = 0; i < 4; i++)
		self->heirs[i] = worker_start(_metadata);
}

FIXTURE_TEARDOWN(members)
{
	for (int i = 0; i < 4; i++) {
		worker_kill(self->workers[i]);
		worker_kill(self->heirs[i]);
	}
	close(self->fd);
}

TEST_F(members, open)
{
	struct mbox_info before;
	int others = variant->max_procs - 1;

	for (int i = 0; i < others; i++) {
		EXPECT_EQ(0, tell_open(self->workers[i], self->name));
		EXPECT_EQ(i + 2, info_of(self->fd).procs);
	}
	before = info_of(self->fd);
	EXPECT_EQ(-EUSERS, tell_open(self->workers[others], self->name));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(variant->max_procs, info_of(self->fd).procs);
	/* a member may open again, and go on */
	close(open_name(self->name, RIGHTS_BOTH));
	EXPECT_EQ(variant->max_procs, info_of(self->fd).procs);
	EXPECT_EQ(0, put(self->fd, 0, "text"));
	EXPECT_STREQ("text", take(self->fd));
}

static int look_and_change(void *arg)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0640 };
	int fd = open_name(arg, 0);

	if (fd < 0)
		return fd;
	if (info_of(fd).procs != info_of(fd).max_procs)
		return -EPROTO;
	return xioctl(fd, MBOX_IOC_SET, &set);
}

/* A process that can neither send nor receive takes no place, and needs none. */
TEST_F(members, without_rights)
{
	for (int i = 0; i < variant->max_procs - 1; i++)
		ASSERT_EQ(0, tell_open(self->workers[i], self->name));
	EXPECT_EQ(0, in_child(look_and_change, self->name));
	EXPECT_EQ(0640, info_of(self->fd).mode);
	EXPECT_EQ(variant->max_procs, info_of(self->fd).procs);
}

/* With CREATE the mailbox is there, or not, by the time the place is taken. */
TEST_F(members, open_or_create)
{
	struct mbox_ioc_open arg = open_arg(self->name, 8);
	pid_t pid;

	arg.flags = MBOX_OPEN_CREATE;
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		int fd = open_call(MBOX_IOC_OPEN, &arg);

		_exit(fd < 0 ? -fd : 0);
	}
	EXPECT_EQ((variant->max_procs > 1 ? 0 : EUSERS) << 8, reap(pid));
	EXPECT_EQ(1, info_of(self->fd).procs);
}

/* A process that uses a handle that it did not open is one more member. */
TEST_F(members, inherited)
{
	static const enum order orders[] = { ORDER_PUT, ORDER_TAKE, ORDER_WRITE };
	static const int results[] = { 0, 0, 4 };
	int others = variant->max_procs - 1;
	struct mbox_info before;

	EXPECT_EQ(1, info_of(self->fd).procs);
	ASSERT_EQ(0, put(self->fd, 0, "text"));
	for (int i = 0; i < others; i++) {
		/* looking is not taking part */
		EXPECT_EQ(0, tell_fd(self->heirs[i], ORDER_GET, self->fd));
		EXPECT_EQ(0, tell_fd(self->heirs[i], ORDER_POLL, self->fd));
		EXPECT_EQ(i + 1, info_of(self->fd).procs);
		EXPECT_EQ(results[i], tell_fd(self->heirs[i], orders[i], self->fd));
		EXPECT_EQ(i + 2, info_of(self->fd).procs);
		EXPECT_EQ(results[i + 1], tell_fd(self->heirs[i], orders[i + 1], self->fd));
		EXPECT_EQ(i + 2, info_of(self->fd).procs);
	}
	while (strcmp("EAGAIN", take(self->fd)))
		;
	ASSERT_EQ(0, put(self->fd, 0, "mine"));
	before = info_of(self->fd);
	EXPECT_EQ(-EUSERS, tell_fd(self->heirs[others], ORDER_PUT, self->fd));
	EXPECT_EQ(-EUSERS, tell_fd(self->heirs[others], ORDER_TAKE, self->fd));
	EXPECT_EQ(-EUSERS, tell_fd(self->heirs[others], ORDER_READ, self->fd));
	EXPECT_EQ(-EUSERS, tell_fd(self->heirs[others], ORDER_WRITE, self->fd));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(variant->max_procs, info_of(self->fd).procs);
	EXPECT_STREQ("mine", take(self->fd));
}

TEST_F(members, passed)
{
	struct mbox_ioc_send arg = { .flags = MBOX_SEND_NONBLOCK };
	int socks[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		int fd;

		close(self->fd);
		fd = fd_take(socks[1]);
		_exit(fd < 0 ? 255 : -xioctl(fd, MBOX_IOC_SEND, &arg));
	}
	ASSERT_EQ(0, fd_pass(socks[0], self->fd));
	EXPECT_EQ((variant->max_procs > 1 ? 0 : EUSERS) << 8, reap(pid));
	EXPECT_EQ(variant->max_procs > 1, info_of(self->fd).sent);
	EXPECT_EQ(1, info_of(self->fd).procs);
}

/* Take all places, have one left in each way, and see that it is free again. */
#define FILL() do { \
	for (int i = 0; i < others; i++) \
		ASSERT_EQ(0, tell_open(self->workers[i], self->name)); \
	ASSERT_EQ(-EUSERS, tell_open(self->workers[others], self->name)); \
} while (0)

TEST_F(members, leaves_by_close)
{
	int others = variant->max_procs - 1;
	int again;

	if (!others)
		SKIP(return, "has no others");
	FILL();
	/* of two handles the last */
	again = self->workers[0]->fd;
	ASSERT_EQ(0, tell_open(self->workers[0], self->name));
	EXPECT_EQ(0, tell_fd(self->workers[0], ORDER_CLOSE, self->workers[0]->fd));
	EXPECT_EQ(-EUSERS, tell_open(self->workers[others], self->name));
	EXPECT_EQ(0, tell_fd(self->workers[0], ORDER_CLOSE, again));
	EXPECT_EQ(others, info_of(self->fd).procs);
	EXPECT_EQ(0, tell_open(self->workers[others], self->name));
	EXPECT_EQ(-EUSERS, tell_open(self->workers[0], self->name));
}

TEST_F(members, leaves_by_exit)
{
	int others = variant->max_procs - 1;

	if (!others)
		SKIP(return, "has no others");
	FILL();
	worker_exit(self->workers[0]);
	EXPECT_EQ(others, info_of(self->fd).procs);
	EXPECT_EQ(0, tell_open(self->workers[others], self->name));
	self->workers[0] = worker_start(_metadata);
}

TEST_F(members, leaves_by_kill)
{
	int others = variant->max_procs - 1;

	if (!others)
		SKIP(return, "has no others");
	for (int i = 0; i < others; i++)
		ASSERT_EQ(0, tell_fd(self->heirs[i], ORDER_PUT, self->fd));
	ASSERT_EQ(-EUSERS, tell_fd(self->heirs[others], ORDER_PUT, self->fd));
	worker_kill(self->heirs[0]);
	EXPECT_EQ(others, info_of(self->fd).procs);
	EXPECT_EQ(0, tell_fd(self->heirs[others], ORDER_PUT, self->fd));
	EXPECT_EQ(variant->max_procs, info_of(self->fd).procs);
	self->heirs[0] = worker_start(_metadata);
}

/* A process that opened nothing stays until it ends: closing inherited handles has no effect. */
TEST_F(members, inherited_stays)
{
	int others = variant->max_procs - 1;

	if (!others)
		SKIP(return, "has no others");
	for (int i = 0; i < others; i++) {
		ASSERT_EQ(0, tell_fd(self->heirs[i], ORDER_PUT, self->fd));
		ASSERT_EQ(0, tell_fd(self->heirs[i], ORDER_CLOSE, self->fd));
	}
	EXPECT_EQ(variant->max_procs, info_of(self->fd).procs);
	EXPECT_EQ(-EUSERS, tell_open(self->workers[0], self->name));
}

/* A handle that is open elsewhere keeps the place of its opener as long as that lives. */
TEST_F(members, open_elsewhere)
{
	int others = variant->max_procs - 1, socks[2], copy;
	pid_t opener;

	if (!others)
		SKIP(return, "has no others");
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	opener = fork_child();
	ASSERT_LE(0, opener);
	if (opener == 0) {
		int fd = open_name(self->name, RIGHTS_BOTH);

		fd_pass(socks[1], fd);
		close(fd);
		pause();
	}
	copy = fd_take(socks[0]);
	ASSERT_LE(0, copy);
	EXPECT_EQ(2, info_of(self->fd).procs);
	close(copy);
	/* the opener may be on its way into close() still: one of the two is the last */
	while (info_of(self->fd).procs == 2)
		nap();
	EXPECT_EQ(1, info_of(self->fd).procs);
	kill(opener, SIGKILL);
	reap(opener);
}

/* A child is a process of its own, also a worker's. */
TEST_F(members, forked)
{
	int others = variant->max_procs - 1;

	for (int i = 0; i < others; i++)
		ASSERT_EQ(0, tell_open(self->workers[i], self->name));
	for (int i = 0; i < others; i++)
		EXPECT_EQ(-EUSERS, tell(self->workers[i], ORDER_FORK));
	EXPECT_EQ(variant->max_procs, info_of(self->fd).procs);
	EXPECT_EQ(0, info_of(self->fd).sent);
}

static void *put_one(void *arg)
{
	return (void *)(intptr_t)put(*(int *)arg, 0, "text");
}

TEST_F(members, threads_are_one)
{
	pthread_t threads[5];
	void *result;

	for (int i = 0; i < 5; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, put_one, &self->fd));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(NULL, result);
	}
	EXPECT_EQ(1, info_of(self->fd).procs);
	EXPECT_EQ(5, info_of(self->fd).sent);
}

/* A mailbox that is gone has no places, and tells its end. */
TEST_F(members, dead)
{
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(0, info_of(self->fd).procs);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(-EIDRM, tell_fd(self->heirs[i], ORDER_PUT, self->fd));
		EXPECT_EQ(-EIDRM, tell_fd(self->heirs[i], ORDER_TAKE, self->fd));
	}
	EXPECT_EQ(-ENOENT, tell_open(self->workers[0], self->name));
	EXPECT_EQ(0, info_of(self->fd).procs);
}

/* Of many that want the last place one gets it. */
TEST(race_for_the_last_place)
{
	enum { RACERS = 8, ROUNDS = 40 };
	struct race { int go, won, lost, other, leave; } *race = shared_alloc(sizeof(*race));
	char name[MBOX_NAME_SIZE];
	pid_t pids[RACERS];
	int fd;

	fd = box_with(_metadata, 2, 0, name);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t end = now() + PATIENCE * NSEC_PER_SEC;

		memset(race, 0, sizeof(*race));
		for (int i = 0; i < RACERS; i++) {
			pids[i] = fork_child();
			ASSERT_LE(0, pids[i]);
			if (pids[i] == 0) {
				int ret;

				while (!__atomic_load_n(&race->go, __ATOMIC_ACQUIRE))
					;
				/* half of them by opening, half by sending */
				ret = i % 2 ? open_name(name, RIGHTS_BOTH) : put(fd, 0, "");
				__atomic_fetch_add(ret >= 0 ? &race->won :
						   ret == -EUSERS ? &race->lost : &race->other,
						   1, __ATOMIC_ACQ_REL);
				while (!__atomic_load_n(&race->leave, __ATOMIC_ACQUIRE))
					nap();
				_exit(0);
			}
		}
		set_flag(&race->go);
		while (__atomic_load_n(&race->won, __ATOMIC_ACQUIRE) +
		       __atomic_load_n(&race->lost, __ATOMIC_ACQUIRE) +
		       __atomic_load_n(&race->other, __ATOMIC_ACQUIRE) < RACERS) {
			ASSERT_LT(now(), end);
			nap();
		}
		EXPECT_EQ(1, race->won);
		EXPECT_EQ(RACERS - 1, race->lost);
		EXPECT_EQ(2, info_of(fd).procs);
		set_flag(&race->leave);
		for (int i = 0; i < RACERS; i++)
			EXPECT_EQ(0, reap(pids[i]));
		EXPECT_EQ(1, info_of(fd).procs);
		while (strcmp("EAGAIN", take(fd)))
			;
	}
	close(fd);
}

MBOX_TEST_MAIN
