// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links of one user do not delay another user: neither those of processes that get no CPU time, nor
 * those of many processes that end at once. The test compares times with and without them in the
 * same boot.
 */
#include "lib/cgroup.h"
#include "lib/child_call.h"
#include "lib/passing.h"
#include "lib/peer.h"
#include "lib/user.h"

#define PAIRS		6		/* of attackers */
#define ALONE		(2 * NSEC_PER_SEC)
#define BESIDE		(10 * NSEC_PER_SEC)
#define CROWD		700
#define LINKS		20		/* of each of them */
#define OWNERS		10
#define EACH		(30 * NSEC_PER_MSEC)

/* A cgroup whose processes get as little CPU time as possible. */
static int cgroup_make(struct cgroup *group)
{
	int ret = cgroup_new(group, "+cpu");

	return ret ? ret : cgroup_write(group, "cpu.max", "1000 1000000");
}

static void __attribute__((noreturn)) link_and_close(pid_t peer)
{
	for (;;)
		close(link_to(peer, 1));
}

/*
 * In a child: a process that links to another, which does nothing, once the pipe @go is closed. It is put
 * into its cgroup when all else is done, for there it does not come to much.
 */
static pid_t attacker_start(const struct cgroup *group, uid_t user, int go[2])
{
	int *ready = shared_alloc(sizeof(*ready));
	char byte;
	pid_t pid = fork_child();

	if (pid == 0) {
		pid_t peer;

		close(go[1]);
		if (become(user, user))
			_exit(1);
		peer = fork_child();
		if (peer == 0)
			for (;;)
				pause();
		set_flag(ready);
		if (xread(go[0], &byte, 1))
			_exit(1);
		link_and_close(peer);
	}
	if (pid > 0 && !await_flag(ready))
		return -1;
	if (pid > 0 && cgroup_move(group, pid)) {
		kill(pid, SIGKILL);
		reap(pid);
		return -1;
	}
	return pid;
}

/* In a child: how many times another user links in a while, and the longest that one took. */
struct victim {
	uid_t user;
	int64_t time;
	int64_t count, longest;
};

static int link_for_a_while(void *arg)
{
	struct victim *victim = arg;
	int64_t end, before, after;
	pid_t peer;

	if (become(victim->user, victim->user))
		return -errno;
	peer = fork_child();
	if (peer == 0)
		for (;;)
			pause();
	end = now() + victim->time;
	for (before = now(); before < end; before = after) {
		int fd = link_to(peer, 1);

		if (fd < 0)
			return fd;
		close(fd);
		after = now();
		if (after - before > victim->longest)
			victim->longest = after - before;
		victim->count++;
	}
	kill(peer, SIGKILL);
	return 0;
}

TEST(throttled)
{
	struct victim *alone = shared_alloc(sizeof(*alone));
	struct victim *beside = shared_alloc(sizeof(*beside));
	int go[2];
	pid_t attackers[PAIRS];
	struct cgroup group = { 0 };
	int ret;

	if (geteuid())
		SKIP(return, "only root can be other users and make cgroups");
	ret = cgroup_make(&group);
	if (ret) {
		cgroup_free(&group);
		SKIP(return, "no cgroup with a limit of CPU time can be made here: %s",
		     strerrorname_np(-ret));
	}
	*alone = *beside = (struct victim) { .user = spare_uid(0), .time = ALONE };
	beside->time = BESIDE;
	ASSERT_EQ(0, pipe(go));
	for (int i = 0; i < PAIRS; i++) {
		attackers[i] = attacker_start(&group, spare_uid(1), go);
		EXPECT_LT(0, attackers[i]);
	}
	EXPECT_EQ(0, in_child(link_for_a_while, alone));
	close(go[1]);
	EXPECT_EQ(0, in_child(link_for_a_while, beside));
	TH_LOG("alone %lld in %lld ms, longest %lld us; beside %lld in %lld ms, longest %lld us",
	       (long long)alone->count, (long long)(alone->time / NSEC_PER_MSEC),
	       (long long)alone->longest / 1000, (long long)beside->count,
	       (long long)(beside->time / NSEC_PER_MSEC), (long long)beside->longest / 1000);
	/* The attackers use a thousandth of a CPU, and are given it once in a second. */
	EXPECT_GT(NSEC_PER_SEC / 2 + 10 * alone->longest, beside->longest);
	/* to end takes time, too */
	EXPECT_EQ(0, cgroup_write(&group, "cpu.max", "max 1000000"));
	for (int i = 0; i < PAIRS; i++) {
		kill(attackers[i], SIGKILL);
		reap(attackers[i]);
	}
	cgroup_free(&group);
}

/* In a child: many processes of another user, which end with it, linked to it or not. */
struct crowd {
	uid_t user;
	bool linked;
	int ready;		/* processes */
	int forked[2];		/* a pipe that is closed when all are */
	pid_t pids[CROWD];
};

static int crowd_member(struct crowd *crowd, int me)
{
	char byte;

	/* until all are there; asking all the time would keep them from it */
	close(crowd->forked[1]);
	if (xread(crowd->forked[0], &byte, 1))
		return 1;
	for (int i = 1; crowd->linked && i <= LINKS; i++)
		if (link_to(crowd->pids[(me + i) % CROWD], 1) < 0)
			return 1;
	__atomic_add_fetch(&crowd->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static int crowd_run(struct crowd *crowd)
{
	if (become(crowd->user, crowd->user) || setpgid(0, 0) || pipe(crowd->forked))
		return -errno;
	for (int i = 0; i < CROWD; i++) {
		pid_t pid = fork_child();

		if (pid < 0)
			return -errno;
		if (pid == 0)
			_exit(crowd_member(crowd, i));
		crowd->pids[i] = pid;
	}
	close(crowd->forked[1]);
	for (;;)
		pause();
}

/* In a child: the owner of a mailbox whose handle it passes. */
static void __attribute__((noreturn)) own(uid_t user, int sock)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1);

	arg.lifetime = MBOX_LIFETIME_PROCESS;
	if (become(user, user) || fd_pass(sock, open_call(MBOX_IOC_CREATE, &arg)))
		_exit(1);
	for (;;)
		pause();
}

struct owned {
	pid_t owner;
	int fd;
	int64_t ended;
	struct call *receiver;
};

static void owned_make(struct __test_metadata *_metadata, struct owned *owned)
{
	int socks[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks));
	owned->owner = fork_child();
	if (owned->owner == 0)
		own(spare_uid(0), socks[1]);
	owned->fd = fd_take(socks[0]);
	ASSERT_LE(0, owned->fd);
	owned->receiver = recv_start(owned->fd);
	ASSERT_TRUE(await_blocked(owned->fd, 0, 1));
	close(socks[0]);
	close(socks[1]);
}

/*
 * How long after its owner a blocked receive ends, while a crowd ends: the longest of several. The
 * owners end one after the other.
 */
static int64_t time_beside(struct __test_metadata *_metadata, bool linked)
{
	struct crowd *crowd = shared_alloc(sizeof(*crowd));
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct owned owned[OWNERS];
	int64_t longest = 0;
	pid_t pid;

	crowd->user = spare_uid(1);
	crowd->linked = linked;
	pid = fork_child();
	if (pid == 0)
		_exit(crowd_run(crowd) ? 1 : 0);
	for (int i = 0; i < OWNERS; i++)
		owned_make(_metadata, &owned[i]);
	while (__atomic_load_n(&crowd->ready, __ATOMIC_ACQUIRE) < CROWD && now() < end)
		nap();
	EXPECT_EQ(CROWD, crowd->ready);
	kill(-pid, SIGKILL);
	for (int i = 0; i < OWNERS; i++) {
		int64_t next = now() + EACH;

		kill(owned[i].owner, SIGKILL);
		reap(owned[i].owner);
		owned[i].ended = now();
		while (now() < next)
			nap();
	}
	for (int i = 0; i < OWNERS; i++) {
		int64_t time;

		EXPECT_EQ(-EOWNERDEAD, call_end(owned[i].receiver));
		time = owned[i].receiver->ended - owned[i].ended;
		longest = time > longest ? time : longest;
		close(owned[i].fd);
	}
	reap(pid);
	/* They are nobody's children: wait until they are gone. */
	while (kill(-pid, 0) == 0 && now() < end)
		nap();
	return longest;
}

TEST(ends_of_many)
{
	int64_t plain, linked;

	if (geteuid())
		SKIP(return, "only root can be other users");
	plain = time_beside(_metadata, false);
	linked = time_beside(_metadata, true);
	TH_LOG("beside others that end %lld us after the owner, beside linked ones %lld us",
	       (long long)plain / 1000, (long long)linked / 1000);
	EXPECT_GT(4 * plain + NSEC_PER_SEC / 4, linked);
}

MBOX_TEST_MAIN
