// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of the end of a process does not depend on objects of others. And the cost of members of
 * a mailbox for its readers. All in ratios of one boot.
 */
#include "lib/owner.h"
#include "lib/user.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define MAILBOXES	4000
#define MEMBERS		500
#define ROUNDS		40

/* Measured times are at least this, in nanoseconds: below, all is noise. */
#define FLOOR		20000
#define RATIO		2

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Each is the least of several measurements: more of them bring both closer to undisturbed ones. */
static bool is_cheap(int64_t base, int64_t cost)
{
	return cost < RATIO * (base > FLOOR ? base : FLOOR);
}

/* So that nothing runs between the end of a child and us; the workers of the module have to wait. */
static bool run_first(void)
{
	struct sched_param param = { .sched_priority = 10 };

	return !sched_setscheduler(0, SCHED_FIFO, &param);
}

/* From the signal to the end. */
static int64_t end_of(struct owner *owner)
{
	int64_t begin = now();

	kill(owner->pid, SIGKILL);
	while (waitpid(owner->pid, NULL, 0) < 0 && errno == EINTR)
		;
	owner->reaped = true;
	return now() - begin;
}

static bool await_no_heir(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).heir) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}

/* The heir of many mailboxes ends as fast as one of none; and all of them are told. */
TEST(end_of_an_heir)
{
	struct rlimit limit = { MAILBOXES + 64, MAILBOXES + 64 };
	int64_t none = INT64_MAX, all = INT64_MAX;
	int *fds = shared_alloc(MAILBOXES * sizeof(*fds));
	struct mbox_ioc_open arg;
	struct owner *owner;
	char name[MBOX_NAME_SIZE];

	if (geteuid() || setrlimit(RLIMIT_NOFILE, &limit))
		SKIP(return, "takes many descriptors");
	for (int i = 0; i < MAILBOXES; i++) {
		name_make(name);
		arg = open_arg(name, 1);
		arg.rights = 0;
		arg.lifetime = MBOX_LIFETIME_PROCESS;
		fds[i] = open_call(MBOX_IOC_CREATE, &arg);
		ASSERT_LE(0, fds[i]);
	}
	if (!run_first())
		SKIP(return, "takes a real-time priority");
	for (int round = 0; round < ROUNDS && (round < 3 || !is_cheap(none, all)); round++) {
		owner = owner_start(_metadata, just_live);
		none = least(none, end_of(owner));
		owner = owner_start(_metadata, just_live);
		for (int i = 0; i < MAILBOXES; i++)
			ASSERT_EQ(0, hand_over(fds[i], MBOX_HANDOVER_HEIR, owner->pid));
		all = least(all, end_of(owner));
		for (int i = 0; i < MAILBOXES; i++)
			ASSERT_TRUE(await_no_heir(fds[i]));
	}
	TH_LOG("end of a process: heir of none %lld ns, of %d %lld ns", (long long)none, MAILBOXES,
	       (long long)all);
	EXPECT_TRUE(is_cheap(none, all));
	for (int i = 0; i < MAILBOXES; i++)
		close(fds[i]);
}

/* An owner of many: each ends, whether its heir takes over or not. */
TEST(end_of_an_owner)
{
	enum { BOXES = 200 };
	struct owner *owner = owner_start(_metadata, just_live);
	struct owner *heir = owner_start(_metadata, just_live);
	int fds[BOXES], kept = 0;

	for (int i = 0; i < BOXES; i++) {
		fds[i] = box_new(_metadata, 1);
		ASSERT_EQ(0, put(fds[i], 0, "text"));
		ASSERT_EQ(0, hand_over(fds[i], 0, owner->pid));
		if (i % 3 == 0)
			ASSERT_EQ(0, hand_over(fds[i], MBOX_HANDOVER_HEIR, heir->pid));
	}
	owner_kill(_metadata, owner);
	for (int i = 0; i < BOXES; i++) {
		if (i % 3) {
			EXPECT_TRUE(await_dead(fds[i]));
			continue;
		}
		while (info_of(fds[i]).owner != heir->pid)
			nap();
		kept++;
	}
	/* and the notice of one process does not delay that of another */
	owner_kill(_metadata, heir);
	for (int i = 0; i < BOXES; i++) {
		EXPECT_TRUE(await_dead(fds[i]));
		close(fds[i]);
	}
	EXPECT_EQ((BOXES + 2) / 3, kept);
}

/* Many that end together, of many users: each mailbox ends. */
static uid_t first_user;

static int own_as_user(struct owner *owner)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1);
	uid_t uid = first_user + (owner->result & 7);

	arg.lifetime = MBOX_LIFETIME_PROCESS;
	if (!geteuid() && setresuid(uid, uid, uid))
		return -errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	name_copy(arg.name, owner->name);
	arg.mode = 0666;
	for (int i = 0; i < 4; i++) {
		arg.name[0] = 'a' + i;
		if (open_call(MBOX_IOC_CREATE, &arg) < 0)
			return -EPROTO;
	}
	await_stop(owner);
	return 0;
}

TEST(ends_of_many)
{
	enum { OWNERS = 48 };
	struct owner *owners[OWNERS];
	char name[MBOX_NAME_SIZE];

	first_user = spare_uid(0);
	for (int i = 0; i < OWNERS; i++) {
		owners[i] = shared_alloc(sizeof(*owners[i]));
		name_make(owners[i]->name);
		owners[i]->task = own_as_user;
		owners[i]->result = i;
		owner_fork(_metadata, owners[i]);
		ASSERT_TRUE(await_flag(&owners[i]->ready));
		ASSERT_LE(0, owners[i]->result);
	}
	for (int i = 0; i < OWNERS; i++)
		kill(owners[i]->pid, SIGKILL);
	for (int i = 0; i < OWNERS; i++) {
		reap(owners[i]->pid);
		memcpy(name, owners[i]->name, sizeof(name));
		for (int n = 0; n < 4; n++) {
			name[0] = 'a' + n;
			EXPECT_EQ(-ENOENT, open_name(name, 0));
		}
	}
}

/* Members: processes that wait, each of which sent once. */

struct members {
	int fd;
	int joined;
	int failed;
	pid_t pids[MEMBERS];
};

static struct members *members_start(struct __test_metadata *_metadata, uint32_t max_procs, int n)
{
	struct members *members = shared_alloc(sizeof(*members));
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);

	arg.max_procs = max_procs;
	members->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, members->fd);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork_child();

		ASSERT_LE(0, pid);
		if (pid == 0) {
			if (put(members->fd, 0, ""))
				set_flag(&members->failed);
			__atomic_fetch_add(&members->joined, 1, __ATOMIC_ACQ_REL);
			for (;;)
				pause();
		}
		members->pids[i] = pid;
	}
	while (__atomic_load_n(&members->joined, __ATOMIC_ACQUIRE) < n)
		nap();
	EXPECT_EQ(0, members->failed);
	EXPECT_EQ(n + 1, info_of(members->fd).procs);
	return members;
}

static void members_end(struct members *members, int n)
{
	for (int i = 0; i < n; i++)
		kill(members->pids[i], SIGKILL);
	for (int i = 0; i < n; i++)
		reap(members->pids[i]);
}

static int64_t cost_of_get(int fd)
{
	int64_t cost = INT64_MAX;

	for (int i = 0; i < 200; i++) {
		int64_t begin = now();

		info_of(fd);
		cost = least(cost, now() - begin);
	}
	return cost;
}

/* GET costs the same for any number of members. */
TEST(get_with_members)
{
	struct members *few = members_start(_metadata, MEMBERS + 1, 1);
	struct members *many = members_start(_metadata, MEMBERS + 1, MEMBERS);
	int64_t one = cost_of_get(few->fd), all = cost_of_get(many->fd), swept = INT64_MAX;

	TH_LOG("GET: 1 member %lld ns, %d members %lld ns", (long long)one, MEMBERS, (long long)all);
	EXPECT_GT(2 * one, all);
	/* an ended process does not count, as soon as that is known */
	for (int i = 0; i < MEMBERS; i += MEMBERS / 5) {
		struct mbox_info info;
		int64_t begin;

		kill(many->pids[i], SIGKILL);
		reap(many->pids[i]);
		begin = now();
		ASSERT_EQ(0, info_get(many->fd, &info));
		swept = least(swept, now() - begin);
		EXPECT_EQ(MEMBERS - i / (MEMBERS / 5), info.procs);
	}
	TH_LOG("GET after the end of a member: %lld ns", (long long)swept);
	members_end(few, 1);
	members_end(many, MEMBERS);
	EXPECT_EQ(1, info_of(few->fd).procs);
	EXPECT_EQ(1, info_of(many->fd).procs);
	close(few->fd);
	close(many->fd);
}

struct refusal {
	struct members *members;
	int64_t cost;
};

static int be_refused(void *arg)
{
	struct refusal *refusal = arg;

	refusal->cost = INT64_MAX;
	for (int i = 0; i < 200; i++) {
		int64_t begin = now();

		if (put(refusal->members->fd, 0, "") != -EUSERS)
			return -EPROTO;
		refusal->cost = least(refusal->cost, now() - begin);
	}
	return 0;
}

/* So does being refused a place. */
TEST(no_place)
{
	struct refusal *few = shared_alloc(sizeof(*few)), *many = shared_alloc(sizeof(*many));

	few->members = members_start(_metadata, 2, 1);
	many->members = members_start(_metadata, MEMBERS + 1, MEMBERS);
	EXPECT_EQ(0, in_child(be_refused, few));
	EXPECT_EQ(0, in_child(be_refused, many));
	TH_LOG("refused: 2 places %lld ns, %d places %lld ns", (long long)few->cost, MEMBERS + 1,
	       (long long)many->cost);
	EXPECT_GT(2 * few->cost, many->cost);
	/* a place that is free is found, whichever it is */
	for (int i = 0; i < MEMBERS; i += MEMBERS / 5) {
		kill(many->members->pids[i], SIGKILL);
		reap(many->members->pids[i]);
		EXPECT_NE(0, in_child(be_refused, many));
	}
	members_end(few->members, 1);
	members_end(many->members, MEMBERS);
	close(few->members->fd);
	close(many->members->fd);
}

MBOX_TEST_MAIN
