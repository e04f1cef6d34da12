// SPDX-License-Identifier: GPL-2.0-only
/* Users: however many there are, each is found as fast, and nobody is lost as he comes and goes. */
#include "lib/netlink.h"
#include "lib/user.h"

#include <sys/resource.h>

#define USERS		20000
#define FIRST_UID	1000000
#define SENDS		200
#define ROUNDS		25

/* Sends by another user than the opener of the handle: the least time of a round, or an error. */
static int64_t time_of_sends(int fd)
{
	int64_t least = INT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t begin = now(), time;

		for (int i = 0; i < SENDS; i++) {
			uint8_t byte;
			int ret = send_bytes(fd, 0, 0, 0, "x", 1) ?: recv_bytes(fd, 0, &byte, 1, NULL);

			if (ret)
				return ret;
		}
		time = now() - begin;
		if (time < least)
			least = time;
	}
	return least;
}

TEST(many_users_do_not_slow_each_other)
{
	struct rlimit files = { .rlim_cur = USERS + 100, .rlim_max = USERS + 100 };
	char name[MBOX_NAME_SIZE];
	int64_t before, after;
	int fd, n;

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	if (setrlimit(RLIMIT_NOFILE, &files))
		SKIP(return, "not so many files");
	fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, name);
	/* he is known, and stays so */
	ASSERT_EQ(0, setresuid(FIRST_UID - 1, -1, -1));
	ASSERT_LE(0, open_name(name, 0));
	before = time_of_sends(fd);
	ASSERT_LT(0, before);
	for (n = 0; n < USERS; n++) {
		ASSERT_EQ(0, setresuid(FIRST_UID + n, -1, -1));
		if (open_name(name, 0) < 0)
			break;
	}
	ASSERT_EQ(USERS, n);
	ASSERT_EQ(0, setresuid(FIRST_UID - 1, -1, -1));
	after = time_of_sends(fd);
	ASSERT_LT(0, after);
	/* a table of 256 lists makes it twice as long and more */
	TH_LOG("%lld ns with few users, %lld ns with %d", (long long)before / SENDS,
	       (long long)after / SENDS, USERS);
	EXPECT_GT(before * 3 / 2, after);
}

/* Several processes of each user come and go at once: charges never go to another user. */
#define TASKS	6
#define TURNS	3000

static int come_and_go(const char *name, unsigned int seed)
{
	for (int i = 0; i < TURNS; i++) {
		int fd;

		if (setresuid(FIRST_UID + (rand_r(&seed) & 3), 0, 0))
			return -EPROTO;
		fd = open_name(name, RIGHTS_BOTH);
		if (fd < 0)
			return fd;
		if (i % 3 == 0 && setresuid(FIRST_UID + (rand_r(&seed) & 3), 0, 0))
			return -EPROTO;
		if (send_bytes(fd, 0, 0, 0, "x", 1) || strcmp("x", take(fd)))
			return -EIO;
		close(fd);
	}
	return 0;
}

TEST(users_come_and_go)
{
	char name[MBOX_NAME_SIZE];
	pid_t pids[TASKS];
	int fd;

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, name);
	for (int i = 0; i < TASKS; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			_exit(-come_and_go(name, i));
	}
	for (int i = 0; i < TASKS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_EQ(TASKS * TURNS, info_of(fd).received);
	close(fd);
}

/* Asking for a user who cannot be. */
TEST(no_such_user)
{
	struct nl_request request;
	struct nl nl;

	ASSERT_EQ(0, nl_open(&nl));
	nl_begin(&request, nl.family, MBOX_CMD_USER_GET, 0);
	nl_put_u32(&request, MBOX_A_USER_UID, -1);
	EXPECT_EQ(-EINVAL, nl_talk(&nl, &request, NULL, NULL));
	EXPECT_STREQ("uid: not in the user namespace", nl.said);
	EXPECT_EQ(MBOX_A_USER_UID, nl.blamed);
	nl_begin(&request, nl.family, MBOX_CMD_USER_GET, 0);
	nl_put_u32(&request, MBOX_A_USER_UID, geteuid());
	EXPECT_EQ(0, nl_talk(&nl, &request, NULL, NULL));
	close(nl.fd);
}

MBOX_TEST_MAIN
