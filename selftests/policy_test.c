// SPDX-License-Identifier: GPL-2.0-only
/* Which of several waiting receivers is given a message, and that all can see it. */
#include "lib/child_call.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#define RECEIVERS	4
#define MESSAGES	10000

static int box_of(struct __test_metadata *_metadata, uint32_t policy, char name[MBOX_NAME_SIZE])
{
	struct mbox_ioc_open arg;
	int fd;

	name_make(name);
	arg = open_arg(name, 8);
	arg.policy = policy;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(policy, info_of(fd).policy);
	return fd;
}

/* A receive in a child, on a handle that nobody else uses, blocked by the time this returns. */
static struct call *wait_on(struct __test_metadata *_metadata, int fd, const char *name,
			    void (*prepare)(struct call *call))
{
	uint32_t receivers = info_of(fd).receivers;
	struct call *call = call_new(open_name(name, MBOX_RIGHT_RECV), CALL_RECV);

	ASSERT_LE(0, call->fd);
	call->prepare = prepare;
	call_start(call);
	ASSERT_TRUE(await_blocked(fd, 0, receivers + 1));
	return call;
}

static int send_sync(int fd, uint32_t type, const char *text)
{
	return send_bytes(fd, MBOX_SEND_SYNC, 0, type, text, strlen(text));
}

/* The receiver's text, and that its handle counted it. */
#define EXPECT_RECEIVED(text, call) do { \
	EXPECT_STREQ(text, recv_end(call)); \
	EXPECT_EQ(1, info_of((call)->fd).handle_received); \
	close((call)->fd); \
} while (0)

/* By arrival: each message to the one that @order says. */
static void by_arrival(struct __test_metadata *_metadata, uint32_t policy, const int *order)
{
	struct call *calls[RECEIVERS];
	char name[MBOX_NAME_SIZE];
	int fd = box_of(_metadata, policy, name);

	for (int i = 0; i < RECEIVERS; i++)
		calls[i] = wait_on(_metadata, fd, name, NULL);
	for (int i = 0; i < RECEIVERS; i++) {
		char text[] = { '0' + i, '\0' };

		EXPECT_EQ(calls[order[i]]->pid, send_sync(fd, 0, text));
		EXPECT_RECEIVED(text, calls[order[i]]);
	}
	EXPECT_EQ(0, info_of(fd).handle_received);
	EXPECT_EQ(RECEIVERS, info_of(fd).received);
	EXPECT_BALANCED(fd);
	close(fd);
}

TEST(fifo)
{
	by_arrival(_metadata, MBOX_POLICY_FIFO, (int[]) { 0, 1, 2, 3 });
}

TEST(lifo)
{
	by_arrival(_metadata, MBOX_POLICY_LIFO, (int[]) { 3, 2, 1, 0 });
}

/* Nobody was served yet: the first that came. */
TEST(rr_before_any)
{
	by_arrival(_metadata, MBOX_POLICY_RR, (int[]) { 0, 1, 2, 3 });
}

TEST(prio_of_equals)
{
	by_arrival(_metadata, MBOX_POLICY_PRIO, (int[]) { 0, 1, 2, 3 });
}

FIXTURE(policy)
{
	char name[MBOX_NAME_SIZE];
	int fd;
};

FIXTURE_VARIANT(policy)
{
	uint32_t policy;
};

FIXTURE_VARIANT_ADD(policy, fifo) { .policy = MBOX_POLICY_FIFO };
FIXTURE_VARIANT_ADD(policy, lifo) { .policy = MBOX_POLICY_LIFO };
FIXTURE_VARIANT_ADD(policy, rr) { .policy = MBOX_POLICY_RR };
FIXTURE_VARIANT_ADD(policy, prio) { .policy = MBOX_POLICY_PRIO };

FIXTURE_SETUP(policy)
{
	self->fd = box_of(_metadata, variant->policy, self->name);
}

FIXTURE_TEARDOWN(policy)
{
	close(self->fd);
}

/* The policy chooses among those that the message suits, and no others. */
TEST_F(policy, suits)
{
	struct call *calls[4];

	for (int i = 0; i < 4; i++) {
		calls[i] = call_new(open_name(self->name, MBOX_RIGHT_RECV), CALL_RECV);
		ASSERT_LE(0, calls[i]->fd);
	}
	calls[0]->recv.flags = MBOX_RECV_BY_TYPE;
	calls[0]->recv.type = 7;
	calls[1]->recv.min_prio = 1;
	calls[2]->recv.flags = MBOX_RECV_BY_TYPE;
	calls[2]->recv.type = 8;
	calls[3]->recv.size = 2;
	for (int i = 0; i < 4; i++) {
		call_start(calls[i]);
		ASSERT_TRUE(await_blocked(self->fd, 0, i + 1));
	}
	EXPECT_EQ(calls[2]->pid, send_sync(self->fd, 8, "eight"));
	EXPECT_RECEIVED("eight", calls[2]);
	EXPECT_EQ(calls[0]->pid, send_sync(self->fd, 7, "seven"));
	EXPECT_RECEIVED("seven", calls[0]);
	EXPECT_EQ(calls[3]->pid, send_sync(self->fd, 0, "no"));
	EXPECT_RECEIVED("no", calls[3]);
	EXPECT_EQ(1, info_of(self->fd).receivers);
	EXPECT_EQ(0, put(self->fd, 1, "urgent"));
	EXPECT_RECEIVED("urgent", calls[1]);
	EXPECT_BALANCED(self->fd);
}

/* A receiver that is killed is chosen no more. */
TEST_F(policy, killed)
{
	struct call *calls[3];

	for (int i = 0; i < 3; i++)
		calls[i] = wait_on(_metadata, self->fd, self->name, NULL);
	for (int i = 0; i < 3; i += 2) {
		kill(calls[i]->pid, SIGKILL);
		EXPECT_EQ(-ECHILD, call_end(calls[i]));
		close(calls[i]->fd);
	}
	EXPECT_EQ(1, info_of(self->fd).receivers);
	EXPECT_EQ(calls[1]->pid, send_sync(self->fd, 0, "text"));
	EXPECT_RECEIVED("text", calls[1]);
}

/* Where nobody waits there is nothing to choose: any receiver takes the first message. */
TEST_F(policy, queued)
{
	ASSERT_EQ(0, put(self->fd, 0, "a"));
	ASSERT_EQ(0, put(self->fd, 2, "b"));
	ASSERT_EQ(0, put(self->fd, 0, "c"));
	EXPECT_EQ(3, info_of(self->fd).handle_queued);
	EXPECT_STREQ("b", peek(self->fd));
	EXPECT_EQ(0, info_of(self->fd).handle_received);
	EXPECT_STREQ("b", take(self->fd));
	EXPECT_STREQ("a", take(self->fd));
	EXPECT_STREQ("c", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(3, info_of(self->fd).handle_received);
	EXPECT_EQ(0, info_of(self->fd).handle_queued);
}

/* All waiters get an error when the mailbox goes, with each policy. */
TEST_F(policy, deleted)
{
	struct call *calls[2];

	for (int i = 0; i < 2; i++)
		calls[i] = wait_on(_metadata, self->fd, self->name, NULL);
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	for (int i = 0; i < 2; i++) {
		EXPECT_STREQ("EIDRM", recv_end(calls[i]));
		EXPECT_EQ(0, info_of(calls[i]->fd).handle_received);
		close(calls[i]->fd);
	}
}

/* Scheduling priority. */

static void real_time(struct call *call, int prio)
{
	struct sched_param param = { .sched_priority = prio };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		_exit(1);
}

static void real_time_5(struct call *call)
{
	real_time(call, 5);
}

static void real_time_7(struct call *call)
{
	real_time(call, 7);
}

static void real_time_9(struct call *call)
{
	real_time(call, 9);
}

static void nice_10(struct call *call)
{
	if (setpriority(PRIO_PROCESS, 0, 10))
		_exit(1);
}

static bool may_be_real_time(void)
{
	struct sched_param param = { .sched_priority = 1 }, normal = {};

	return sched_setscheduler(0, SCHED_FIFO, &param) == 0 &&
	       sched_setscheduler(0, SCHED_OTHER, &normal) == 0;
}

/* On one CPU, and before all that has less than @prio. */
static bool run_alone(int prio)
{
	struct sched_param param = { .sched_priority = prio };
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET(cpu < 0 ? 0 : cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 &&
	       sched_setscheduler(0, SCHED_FIFO, &param) == 0;
}

/*
 * A message comes that suits nobody, so that all have to look at it: their buffers are too small,
 * or they only peek. It is gone before they can. They wait again, each in its old place, in any
 * order of coming back.
 */
TEST_F(policy, looks_again)
{
	static void (*const prepare[])(struct call *call) = { real_time_5, real_time_7, real_time_9 };
	bool backwards = variant->policy == MBOX_POLICY_LIFO || variant->policy == MBOX_POLICY_PRIO;
	struct call *calls[3], *peeker;

	if (!run_alone(20))
		SKIP(return, "needs the right to use SCHED_FIFO");
	for (int i = 0; i < 3; i++) {
		calls[i] = call_new(open_name(self->name, MBOX_RIGHT_RECV), CALL_RECV);
		ASSERT_LE(0, calls[i]->fd);
		calls[i]->recv.size = 2;
		calls[i]->prepare = prepare[i];
		call_start(calls[i]);
		ASSERT_TRUE(await_blocked(self->fd, 0, i + 1));
	}
	peeker = call_new(self->fd, CALL_RECV);
	peeker->recv.flags = MBOX_RECV_PEEK;
	peeker->prepare = real_time_5;
	call_start(peeker);
	ASSERT_TRUE(await_blocked(self->fd, 0, 4));

	ASSERT_EQ(0, put(self->fd, 0, "long"));
	EXPECT_EQ(0, info_of(self->fd).receivers);
	EXPECT_STREQ("long", take(self->fd));
	ASSERT_TRUE(await_blocked(self->fd, 0, 4));
	for (int i = 0; i < 3; i++) {
		struct call *next = calls[backwards ? 2 - i : i];

		EXPECT_EQ(next->pid, send_sync(self->fd, 0, "a"));
		EXPECT_RECEIVED("a", next);
	}
	EXPECT_EQ(0, put(self->fd, 0, "seen"));
	EXPECT_STREQ("seen", recv_end(peeker));
	EXPECT_STREQ("seen", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST(prio)
{
	/* in the order of arrival, and its turn */
	void (*const prepare[])(struct call *call) = {
		nice_10, NULL, real_time_5, real_time_9, NULL, real_time_5, real_time_9, nice_10,
	};
	const int order[] = { 3, 6, 2, 5, 1, 4, 0, 7 };
	struct call *calls[ARRAY_SIZE(prepare)];
	char name[MBOX_NAME_SIZE];
	int fd;

	if (!may_be_real_time())
		SKIP(return, "needs the right to use SCHED_FIFO");
	fd = box_of(_metadata, MBOX_POLICY_PRIO, name);
	for (int i = 0; i < ARRAY_SIZE(prepare); i++)
		calls[i] = wait_on(_metadata, fd, name, prepare[i]);
	for (int i = 0; i < ARRAY_SIZE(prepare); i++) {
		EXPECT_EQ(calls[order[i]]->pid, send_sync(fd, 0, "text"));
		EXPECT_RECEIVED("text", calls[order[i]]);
	}
	EXPECT_BALANCED(fd);
	close(fd);
}

/* It is the priority at the time that counts, not that of the time of arrival. */
TEST(prio_changes)
{
	struct sched_param param = { .sched_priority = 5 };
	char name[MBOX_NAME_SIZE];
	struct call *calls[3];
	int fd;

	if (!may_be_real_time())
		SKIP(return, "needs the right to use SCHED_FIFO");
	fd = box_of(_metadata, MBOX_POLICY_PRIO, name);
	for (int i = 0; i < 3; i++)
		calls[i] = wait_on(_metadata, fd, name, NULL);
	ASSERT_EQ(0, sched_setscheduler(calls[2]->pid, SCHED_FIFO, &param));
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, calls[0]->pid, 5));
	EXPECT_EQ(calls[2]->pid, send_sync(fd, 0, "text"));
	EXPECT_EQ(calls[1]->pid, send_sync(fd, 0, "text"));
	EXPECT_EQ(calls[0]->pid, send_sync(fd, 0, "text"));
	for (int i = 0; i < 3; i++)
		EXPECT_RECEIVED("text", calls[i]);
	close(fd);
}

/* Turns. */

/* Processes that do nothing but receive, through a handle of their own each. */
struct crowd {
	int fds[RECEIVERS];
	pid_t pids[RECEIVERS];
};

static void crowd_start(struct __test_metadata *_metadata, struct crowd *crowd, const char *name)
{
	for (int i = 0; i < RECEIVERS; i++) {
		crowd->fds[i] = open_name(name, MBOX_RIGHT_RECV);
		ASSERT_LE(0, crowd->fds[i]);
		crowd->pids[i] = fork_child();
		ASSERT_LE(0, crowd->pids[i]);
		if (crowd->pids[i] == 0) {
			char text[8];

			while (recv_bytes(crowd->fds[i], 0, text, sizeof(text), NULL) == 0)
				;
			_exit(0);
		}
	}
}

/* Wait until all of them wait, without a nap: this is done for each message. */
static bool crowd_waits(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).receivers != RECEIVERS) {
		if (now() > end)
			return false;
		sched_yield();
	}
	return true;
}

static void crowd_end(struct __test_metadata *_metadata, struct crowd *crowd, int fd)
{
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	for (int i = 0; i < RECEIVERS; i++) {
		EXPECT_EQ(0, reap(crowd->pids[i]));
		close(crowd->fds[i]);
	}
}

TEST(rr_is_fair)
{
	uint64_t least = UINT64_MAX, most = 0, sum = 0;
	char name[MBOX_NAME_SIZE];
	struct crowd crowd;
	int fd;

	fd = box_of(_metadata, MBOX_POLICY_RR, name);
	crowd_start(_metadata, &crowd, name);
	for (int i = 0; i < MESSAGES; i++) {
		ASSERT_TRUE(crowd_waits(fd));
		ASSERT_EQ(0, put(fd, 0, "text"));
	}
	ASSERT_TRUE(crowd_waits(fd));
	for (int i = 0; i < RECEIVERS; i++) {
		uint64_t received = info_of(crowd.fds[i]).handle_received;

		least = received < least ? received : least;
		most = received > most ? received : most;
		sum += received;
	}
	TH_LOG("from %llu to %llu messages each", (unsigned long long)least,
	       (unsigned long long)most);
	EXPECT_EQ(MESSAGES, sum);
	EXPECT_GE(1, most - least);
	EXPECT_EQ(MESSAGES, info_of(fd).received);
	crowd_end(_metadata, &crowd, fd);
	close(fd);
}

/* Round and round in the same order, and each send returns the right receiver. */
TEST(rr_in_turn)
{
	char name[MBOX_NAME_SIZE];
	int pids[RECEIVERS];
	struct crowd crowd;
	int fd;

	fd = box_of(_metadata, MBOX_POLICY_RR, name);
	crowd_start(_metadata, &crowd, name);
	for (int i = 0; i < 5 * RECEIVERS; i++) {
		int pid;

		ASSERT_TRUE(crowd_waits(fd));
		pid = send_sync(fd, 0, "text");
		ASSERT_LT(0, pid);
		if (i < RECEIVERS)
			pids[i] = pid;
		EXPECT_EQ(pids[i % RECEIVERS], pid);
	}
	for (int i = 1; i < RECEIVERS; i++)
		EXPECT_NE(pids[0], pids[i]);
	crowd_end(_metadata, &crowd, fd);
	close(fd);
}

/* LIFO serves the last arrival again and again, and the others starve. */
TEST(lifo_is_not_fair)
{
	char name[MBOX_NAME_SIZE];
	struct crowd crowd;
	int fd, first;

	fd = box_of(_metadata, MBOX_POLICY_LIFO, name);
	crowd_start(_metadata, &crowd, name);
	ASSERT_TRUE(crowd_waits(fd));
	first = send_sync(fd, 0, "text");
	for (int i = 0; i < 100; i++) {
		ASSERT_TRUE(crowd_waits(fd));
		EXPECT_EQ(first, send_sync(fd, 0, "text"));
	}
	crowd_end(_metadata, &crowd, fd);
	close(fd);
}

/* A message that a process took without having to wait counts too. */
TEST(rr_counts_queued)
{
	char name[MBOX_NAME_SIZE];
	struct call *other;
	pid_t served;
	int fd;

	fd = box_of(_metadata, MBOX_POLICY_RR, name);
	ASSERT_EQ(0, put(fd, 0, "queued"));
	served = fork_child();
	ASSERT_LE(0, served);
	if (served == 0) {
		char text[8];

		_exit(recv_bytes(fd, 0, text, sizeof(text), NULL) ||
		      recv_bytes(fd, 0, text, sizeof(text), NULL));
	}
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_EQ(1, info_of(fd).received);
	/* it came first, but has been served */
	other = wait_on(_metadata, fd, name, NULL);
	EXPECT_EQ(other->pid, send_sync(fd, 0, "text"));
	EXPECT_RECEIVED("text", other);
	EXPECT_EQ(served, send_sync(fd, 0, "text"));
	EXPECT_EQ(0, reap(served));
	close(fd);
}

static void *receive_once(void *arg)
{
	char text[8];

	recv_bytes(*(int *)arg, 0, text, sizeof(text), NULL);
	return NULL;
}

/* Turns are those of processes: one with many threads is served no more often. */
TEST(rr_serves_processes)
{
	char name[MBOX_NAME_SIZE];
	struct call *other;
	pid_t many;
	int fd;

	fd = box_of(_metadata, MBOX_POLICY_RR, name);
	many = fork_child();
	ASSERT_LE(0, many);
	if (many == 0) {
		pthread_t threads[3];

		for (int i = 0; i < 3; i++)
			if (pthread_create(&threads[i], NULL, receive_once, &fd))
				_exit(1);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		_exit(0);
	}
	ASSERT_TRUE(await_blocked(fd, 0, 3));
	other = wait_on(_metadata, fd, name, NULL);
	EXPECT_EQ(many, send_sync(fd, 0, "1"));
	/* two of its threads came before, but it has been served */
	EXPECT_EQ(other->pid, send_sync(fd, 0, "2"));
	EXPECT_RECEIVED("2", other);
	EXPECT_EQ(many, send_sync(fd, 0, "3"));
	EXPECT_EQ(many, send_sync(fd, 0, "4"));
	EXPECT_EQ(0, reap(many));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* Unknown values are refused, and combinations that do not go together. */

static int create_with(uint32_t policy, uint32_t max_procs, uint32_t options)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);

	arg.policy = policy;
	arg.max_procs = max_procs;
	arg.options = options;
	return open_call(MBOX_IOC_CREATE, &arg);
}

TEST(invalid)
{
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
	int fd;

	EXPECT_EQ(-EINVAL, create_with(MBOX_POLICY_BROADCAST + 1, 0, 0));
	EXPECT_EQ(-EINVAL, create_with(UINT32_MAX, 0, 0));
	EXPECT_EQ(-EINVAL, create_with(0, 0, 1U << 31));
	EXPECT_EQ(-EINVAL, create_with(0, 0, MBOX_OPTION_GROW));
	EXPECT_EQ(-EINVAL, create_with(0, 0, MBOX_OPTION_OVERFLOW));
	EXPECT_EQ(-EINVAL, create_with(MBOX_POLICY_LIFO, 0, MBOX_OPTION_OVERFLOW));
	EXPECT_EQ(-EINVAL, create_with(0, MBOX_PROCS_MAX + 1, 0));
	EXPECT_EQ(-EINVAL, create_with(0, UINT32_MAX, 0));
	fd = create_with(MBOX_POLICY_RR, MBOX_PROCS_MAX, MBOX_OPTION_EXCLUSIVE);
	EXPECT_LE(0, fd);
	EXPECT_EQ(MBOX_POLICY_RR, info_of(fd).policy);
	EXPECT_EQ(MBOX_PROCS_MAX, info_of(fd).max_procs);
	EXPECT_EQ(MBOX_OPTION_EXCLUSIVE, info_of(fd).options);
	close(fd);

	/* opening one that is there says nothing about these */
	fd = box_of(_metadata, MBOX_POLICY_LIFO, name);
	arg = (struct mbox_ioc_open) { .rights = RIGHTS_BOTH, .policy = MBOX_POLICY_LIFO };
	name_copy(arg.name, name);
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_OPEN, &arg));
	arg.policy = 0;
	arg.max_procs = 1;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_OPEN, &arg));
	arg.max_procs = 0;
	arg.options = MBOX_OPTION_EXCLUSIVE;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_OPEN, &arg));
	/* with CREATE it is an attribute of the new mailbox, and ignored */
	arg = open_arg(name, 8);
	arg.flags = MBOX_OPEN_CREATE;
	arg.policy = MBOX_POLICY_RR;
	EXPECT_EQ(1, info_of(fd).handles);
	close(open_call(MBOX_IOC_OPEN, &arg));
	EXPECT_EQ(MBOX_POLICY_LIFO, info_of(fd).policy);
	close(fd);
}

MBOX_TEST_MAIN
