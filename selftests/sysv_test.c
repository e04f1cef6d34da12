// SPDX-License-Identifier: GPL-2.0-only
/*
 * System V message queues: keys, ids, rights, msgctl().
 *
 * This runs on the kernel's own queues, and by sysv_preload_test.sh on those of libmbox-sysv.so.
 */
#include "lib/sysv.h"

#include <grp.h>
#include <limits.h>
#include <sys/stat.h>

FIXTURE(sysv)
{
	key_t key;
	int id;
};

FIXTURE_SETUP(sysv)
{
	self->key = (key_t)(now() | 1);
	self->id = get(self->key, IPC_CREAT | IPC_EXCL | 0600);
	ASSERT_LE(0, self->id)
		TH_LOG("msgget: %s", strerror(-self->id));
}

FIXTURE_TEARDOWN(sysv)
{
	msgctl(self->id, IPC_RMID, NULL);
}

TEST_F(sysv, one_queue_for_each_key)
{
	key_t other = self->key ^ 0x40000000;
	int id;

	EXPECT_EQ(-ENOENT, get(other, 0600));
	EXPECT_EQ(-ENOENT, get(other, IPC_EXCL | 0600));
	id = get(other, IPC_CREAT | 0600);
	ASSERT_LE(0, id);
	EXPECT_NE(self->id, id);
	EXPECT_EQ(id, get(other, 0600));
	EXPECT_EQ(id, get(other, IPC_CREAT | 0600));
	EXPECT_EQ(id, get(other, IPC_EXCL));
	EXPECT_EQ(-EEXIST, get(other, IPC_CREAT | IPC_EXCL | 0600));
	EXPECT_EQ(other, stat_of(id).msg_perm.__key);
	EXPECT_EQ(self->key, stat_of(self->id).msg_perm.__key);
	EXPECT_EQ(0, control(id, IPC_RMID, NULL));
	EXPECT_EQ(-ENOENT, get(other, 0));
	EXPECT_EQ(-EINVAL, control(id, IPC_RMID, NULL));
}

/* A new queue under the key of one that was removed is another one. */
TEST_F(sysv, id_is_not_used_again)
{
	int old = self->id;

	ASSERT_EQ(0, send_text(old, 1, "lost"));
	ASSERT_EQ(0, control(old, IPC_RMID, NULL));
	self->id = get(self->key, IPC_CREAT | 0600);
	ASSERT_LE(0, self->id);
	EXPECT_NE(old, self->id);
	EXPECT_EQ(-EINVAL, send_text(old, 1, "late"));
	EXPECT_STREQ("EINVAL", take_text(old, 0, 0));
	EXPECT_STREQ("ENOMSG", take_text(self->id, 0, 0));
}

TEST_F(sysv, private_queues)
{
	int first = get(IPC_PRIVATE, 0600), second = get(IPC_PRIVATE, IPC_CREAT | IPC_EXCL | 0600);

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	EXPECT_NE(first, second);
	EXPECT_EQ(IPC_PRIVATE, stat_of(first).msg_perm.__key);
	EXPECT_EQ(0, send_text(first, 1, "x"));
	EXPECT_STREQ("ENOMSG", take_text(second, 0, 0));
	EXPECT_STREQ("x", take_text(first, 0, 0));
	EXPECT_EQ(0, control(first, IPC_RMID, NULL));
	EXPECT_EQ(0, control(second, IPC_RMID, NULL));
}

TEST_F(sysv, new_queue)
{
	struct msqid_ds ds = stat_of(self->id);

	EXPECT_EQ(geteuid(), ds.msg_perm.uid);
	EXPECT_EQ(getegid(), ds.msg_perm.gid);
	EXPECT_EQ(geteuid(), ds.msg_perm.cuid);
	EXPECT_EQ(getegid(), ds.msg_perm.cgid);
	EXPECT_EQ(0600, ds.msg_perm.mode);
	EXPECT_EQ(0, ds.msg_qnum);
	EXPECT_EQ(0, ds.__msg_cbytes);
	EXPECT_EQ(0, ds.msg_lspid);
	EXPECT_EQ(0, ds.msg_lrpid);
	EXPECT_EQ(0, ds.msg_stime);
	EXPECT_EQ(0, ds.msg_rtime);
	EXPECT_GE(1, time(NULL) - ds.msg_ctime);
	EXPECT_LE(0, time(NULL) - ds.msg_ctime);
}

/* The umask does not count, and bits that mean nothing stay. */
TEST_F(sysv, mode)
{
	mode_t saved = umask(077);
	int id = get(IPC_PRIVATE, 0751);

	umask(saved);
	ASSERT_LE(0, id);
	EXPECT_EQ(0751, stat_of(id).msg_perm.mode);
	EXPECT_EQ(0, control(id, IPC_RMID, NULL));
}

static int become(uid_t user)
{
	return setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user) ?
	       -ENOEXEC : 0;
}

struct ask {
	key_t key;
	int id;
	int flags;
};

static int as_nobody_get(void *arg)
{
	const struct ask *ask = arg;
	int ret = become(NOBODY);

	return ret ? ret : get(ask->key, ask->flags) == ask->id ? 0 : -errno;
}

#define NOBODY_GETS(flags) \
	in_child(as_nobody_get, &(struct ask) { self->key, self->id, flags })

static int set_mode(int id, unsigned int mode)
{
	struct msqid_ds ds = stat_of(id);

	ds.msg_perm.mode = mode;
	return control(id, IPC_SET, &ds);
}

/* msgget() checks the rights in msgflg, in whichever place, and none if there are none. */
TEST_F(sysv, rights_asked_for)
{
	if (geteuid())
		SKIP(return, "not root");
	EXPECT_EQ(0, NOBODY_GETS(0));
	EXPECT_EQ(-EACCES, NOBODY_GETS(0400));
	EXPECT_EQ(-EACCES, NOBODY_GETS(04));
	EXPECT_EQ(-EACCES, NOBODY_GETS(IPC_CREAT | 0200));
	EXPECT_EQ(-EEXIST, NOBODY_GETS(IPC_CREAT | IPC_EXCL | 0600));
	ASSERT_EQ(0, set_mode(self->id, 0604));
	EXPECT_EQ(0, NOBODY_GETS(0400));
	EXPECT_EQ(0, NOBODY_GETS(0444));
	EXPECT_EQ(-EACCES, NOBODY_GETS(0600));
	EXPECT_EQ(-EACCES, NOBODY_GETS(02));
	ASSERT_EQ(0, set_mode(self->id, 0666));
	EXPECT_EQ(0, NOBODY_GETS(0666));
	EXPECT_EQ(-EACCES, NOBODY_GETS(0777));
	ASSERT_EQ(0, set_mode(self->id, 0607));
	EXPECT_EQ(0, NOBODY_GETS(0777));
}

static int as_nobody(void *arg)
{
	int id = *(int *)arg, ret = become(NOBODY);
	struct msqid_ds ds = { .msg_qbytes = 1 };
	struct text text = { .type = 1 };

	CHECK(0, ret);
	CHECK(-EACCES, send_text(id, 1, "x"));
	CHECK(-EACCES, recv_text(id, &text, 1, 0, IPC_NOWAIT));
	CHECK(-EACCES, control(id, IPC_STAT, &ds));
	CHECK(-EPERM, control(id, IPC_SET, &ds));
	CHECK(-EPERM, control(id, IPC_RMID, NULL));
	return 0;
}

TEST_F(sysv, no_rights)
{
	if (geteuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, send_text(self->id, 1, "mine"));
	EXPECT_EQ(0, in_child(as_nobody, &self->id));
	EXPECT_STREQ("mine", take_text(self->id, 0, 0));
}

static int reads_only(void *arg)
{
	int id = *(int *)arg, ret = become(NOBODY);
	struct msqid_ds ds;

	CHECK(0, ret);
	CHECK(-EACCES, send_text(id, 1, "x"));
	CHECK(0, strcmp("read", take_text(id, 0, 0)));
	CHECK(0, control(id, IPC_STAT, &ds));
	CHECK(-EPERM, control(id, IPC_RMID, NULL));
	return 0;
}

static int writes_only(void *arg)
{
	int id = *(int *)arg, ret = become(NOBODY);
	struct msqid_ds ds;
	struct text text;

	CHECK(0, ret);
	CHECK(0, send_text(id, 1, "written"));
	CHECK(-EACCES, recv_text(id, &text, 64, 0, IPC_NOWAIT));
	CHECK(-EACCES, control(id, IPC_STAT, &ds));
	return 0;
}

TEST_F(sysv, one_right)
{
	if (geteuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, set_mode(self->id, 0604));
	ASSERT_EQ(0, send_text(self->id, 1, "read"));
	EXPECT_EQ(0, in_child(reads_only, &self->id));
	ASSERT_EQ(0, set_mode(self->id, 0602));
	EXPECT_EQ(0, in_child(writes_only, &self->id));
	EXPECT_STREQ("written", take_text(self->id, 0, 0));
}

/* Each call goes by the user of its moment. */
static int changes_user(void *arg)
{
	int id = *(int *)arg;

	CHECK(0, send_text(id, 1, "root"));
	CHECK(0, setgroups(0, NULL));
	CHECK(0, setegid(NOBODY));
	CHECK(0, seteuid(NOBODY));
	CHECK(-EACCES, send_text(id, 1, "nobody"));
	CHECK(0, strcmp("EACCES", take_text(id, 0, 0)));
	CHECK(0, seteuid(0));
	CHECK(0, strcmp("root", take_text(id, 0, 0)));
	return 0;
}

TEST_F(sysv, user_of_the_moment)
{
	if (geteuid())
		SKIP(return, "not root");
	EXPECT_EQ(0, in_child(changes_user, &self->id));
}

struct turns {
	int id;
	int used;
	int changed;
};

static int loses_rights(void *arg)
{
	struct turns *turns = arg;

	CHECK(0, become(NOBODY));
	CHECK(0, send_text(turns->id, 1, "may"));
	set_flag(&turns->used);
	CHECK(true, await_flag(&turns->changed));
	CHECK(-EACCES, send_text(turns->id, 1, "may not"));
	CHECK(0, strcmp("EACCES", take_text(turns->id, 0, 0)));
	return 0;
}

/* Each call goes by the mode of its moment. */
TEST_F(sysv, mode_of_the_moment)
{
	struct turns *turns = shared_alloc(sizeof(*turns));
	pid_t pid;

	if (geteuid())
		SKIP(return, "not root");
	ASSERT_EQ(0, set_mode(self->id, 0666));
	turns->id = self->id;
	pid = fork_child();
	if (!pid)
		_exit(loses_rights(turns) ? 1 : 0);
	ASSERT_TRUE(await_flag(&turns->used));
	ASSERT_EQ(0, set_mode(self->id, 0600));
	set_flag(&turns->changed);
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("may", take_text(self->id, 0, 0));
	EXPECT_STREQ("ENOMSG", take_text(self->id, 0, 0));
}

/* The creator keeps his rights when he gives a queue away. */
static int gives_away(void *arg)
{
	struct msqid_ds ds;
	int id;

	CHECK(0, become(NOBODY));
	id = get(IPC_PRIVATE, 0600);
	CHECK(true, id >= 0);
	ds = stat_of(id);
	ds.msg_perm.uid = SOMEBODY;
	ds.msg_perm.gid = SOMEBODY;
	CHECK(0, control(id, IPC_SET, &ds));
	ds = stat_of(id);
	CHECK(SOMEBODY, ds.msg_perm.uid);
	CHECK(SOMEBODY, ds.msg_perm.gid);
	CHECK(NOBODY, ds.msg_perm.cuid);
	CHECK(NOBODY, ds.msg_perm.cgid);
	CHECK(0, send_text(id, 1, "x"));
	ds.msg_perm.mode = 0400;
	CHECK(0, control(id, IPC_SET, &ds));
	CHECK(-EACCES, send_text(id, 1, "x"));
	CHECK(0, strcmp("x", take_text(id, 0, 0)));
	CHECK(0, control(id, IPC_RMID, NULL));
	return 0;
}

TEST_F(sysv, creator_keeps_rights)
{
	if (geteuid())
		SKIP(return, "not root");
	EXPECT_EQ(0, in_child(gives_away, NULL));
}

TEST_F(sysv, set)
{
	struct msqid_ds ds = stat_of(self->id);

	sleep(1);
	ds.msg_perm.mode = 07640;
	ds.msg_qbytes = 1000;
	ds.msg_qnum = 7;
	ASSERT_EQ(0, control(self->id, IPC_SET, &ds));
	ds = stat_of(self->id);
	EXPECT_EQ(0640, ds.msg_perm.mode);
	EXPECT_EQ(1000, ds.msg_qbytes);
	EXPECT_EQ(0, ds.msg_qnum);
	EXPECT_GE(1, time(NULL) - ds.msg_ctime);
	EXPECT_EQ(-EFAULT, control(self->id, IPC_SET, (void *)-1));
	ds.msg_perm.uid = -1;
	EXPECT_EQ(-EINVAL, control(self->id, IPC_SET, &ds));
	ds.msg_qbytes = 0;
	ds.msg_perm.uid = geteuid();
	ASSERT_EQ(0, control(self->id, IPC_SET, &ds));
	EXPECT_EQ(0, stat_of(self->id).msg_qbytes);
}

static unsigned long limit(const char *name)
{
	unsigned long value = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%lu", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

static bool set_limit(const char *name, unsigned long value)
{
	char path[64];
	FILE *f;
	bool done;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	f = fopen(path, "we");
	if (!f)
		return false;
	done = fprintf(f, "%lu\n", value) > 0;
	return !fclose(f) && done;
}

static int raises(void *arg)
{
	struct msqid_ds ds = stat_of(*(int *)arg);

	CHECK(0, become(NOBODY));
	ds.msg_qbytes = limit("msgmnb") + 1;
	CHECK(-EPERM, control(*(int *)arg, IPC_SET, &ds));
	ds.msg_qbytes = limit("msgmnb");
	CHECK(0, control(*(int *)arg, IPC_SET, &ds));
	return 0;
}

TEST_F(sysv, limit_of_bytes)
{
	struct msqid_ds ds = stat_of(self->id);

	EXPECT_EQ(limit("msgmnb"), ds.msg_qbytes);
	if (geteuid())
		SKIP(return, "not root");
	ds.msg_qbytes++;
	EXPECT_EQ(0, control(self->id, IPC_SET, &ds));
	EXPECT_EQ(limit("msgmnb") + 1, stat_of(self->id).msg_qbytes);
	ds.msg_perm.uid = NOBODY;
	ds.msg_perm.mode = 0666;
	EXPECT_EQ(0, control(self->id, IPC_SET, &ds));
	EXPECT_EQ(0, in_child(raises, &self->id));
}

TEST_F(sysv, limit_of_queues)
{
	unsigned long saved = limit("msgmni");
	struct msginfo info;
	int first, second, used;

	if (geteuid())
		SKIP(return, "not root");
	ASSERT_LE(0, control(0, MSG_INFO, (void *)&info));
	used = info.msgpool;
	ASSERT_TRUE(set_limit("msgmni", used + 2));
	first = get(IPC_PRIVATE, 0600);
	second = get(self->key + 2, IPC_CREAT | 0600);
	EXPECT_EQ(-ENOSPC, get(IPC_PRIVATE, 0600));
	EXPECT_EQ(-ENOSPC, get(self->key + 4, IPC_CREAT | IPC_EXCL | 0600));
	EXPECT_EQ(-ENOENT, get(self->key + 4, 0));
	EXPECT_EQ(-EEXIST, get(self->key, IPC_CREAT | IPC_EXCL | 0600));
	EXPECT_EQ(self->id, get(self->key, IPC_CREAT | 0600));
	EXPECT_TRUE(set_limit("msgmni", saved));
	EXPECT_EQ(0, control(first, IPC_RMID, NULL));
	EXPECT_EQ(0, control(second, IPC_RMID, NULL));
}

TEST_F(sysv, limit_of_a_message)
{
	unsigned long saved = limit("msgmax");
	struct msqid_ds ds = stat_of(self->id);

	EXPECT_EQ(0, send_zeros(self->id, 1, saved, IPC_NOWAIT));
	EXPECT_EQ(-EINVAL, send_zeros(self->id, 1, saved + 1, IPC_NOWAIT));
	if (geteuid())
		SKIP(return, "not root");
	ds.msg_qbytes = 4 * saved;
	ASSERT_EQ(0, control(self->id, IPC_SET, &ds));
	ASSERT_TRUE(set_limit("msgmax", saved + 1));
	EXPECT_EQ(0, send_zeros(self->id, 1, saved + 1, IPC_NOWAIT));
	EXPECT_TRUE(set_limit("msgmax", saved));
	EXPECT_EQ(2 * saved + 1, stat_of(self->id).__msg_cbytes);
}

TEST_F(sysv, information)
{
	struct msginfo info, before, after;
	int last;

	last = control(0, IPC_INFO, (void *)&info);
	ASSERT_LE(0, last);
	EXPECT_EQ(limit("msgmax"), info.msgmax);
	EXPECT_EQ(limit("msgmnb"), info.msgmnb);
	EXPECT_EQ(limit("msgmni"), info.msgmni);
	EXPECT_EQ(512000, info.msgpool);
	EXPECT_EQ(16384, info.msgmap);
	EXPECT_EQ(16384, info.msgtql);
	EXPECT_EQ(16, info.msgssz);
	EXPECT_EQ(0xffff, info.msgseg);

	ASSERT_LE(0, control(0, MSG_INFO, (void *)&before));
	ASSERT_EQ(0, send_text(self->id, 1, "four"));
	ASSERT_LE(0, control(0, MSG_INFO, (void *)&after));
	EXPECT_EQ(before.msgpool, after.msgpool);
	EXPECT_EQ(before.msgmap + 1, after.msgmap);
	EXPECT_EQ(before.msgtql + 4, after.msgtql);
	EXPECT_EQ(limit("msgmni"), after.msgmni);
	EXPECT_EQ(-EFAULT, control(0, IPC_INFO, (void *)-1));
	EXPECT_EQ(-EINVAL, control(-1, IPC_INFO, (void *)&info));
}

/* Look for a queue by all indexes. Return its index, or -1. */
static int index_of(int id, int command, struct msqid_ds *ds)
{
	struct msginfo info;
	int last = control(0, MSG_INFO, (void *)&info), index, found = -1;

	for (index = 0; index <= last; index++) {
		int ret = control(index, command, ds);

		if (ret == id && found < 0) {
			found = index;
			last = index - 1;
		}
	}
	return found;
}

static int sees_any(void *arg)
{
	int id = *(int *)arg;
	struct msqid_ds ds;
	int index;

	CHECK(0, become(NOBODY));
	CHECK(-1, index_of(id, MSG_STAT, &ds));
	index = index_of(id, MSG_STAT_ANY, &ds);
	CHECK(true, index >= 0);
	CHECK(0600, ds.msg_perm.mode);
	CHECK(-EACCES, control(index, MSG_STAT, &ds));
	return 0;
}

TEST_F(sysv, by_index)
{
	int more[3], index, n;
	struct msqid_ds ds;

	for (n = 0; n < 3; n++)
		more[n] = get(IPC_PRIVATE, 0600);
	ASSERT_EQ(0, send_text(self->id, 1, "four"));
	index = index_of(self->id, MSG_STAT, &ds);
	ASSERT_LE(0, index);
	EXPECT_EQ(self->key, ds.msg_perm.__key);
	EXPECT_EQ(4, ds.__msg_cbytes);
	EXPECT_EQ(self->id, control(index, MSG_STAT, &ds));
	EXPECT_EQ(-EFAULT, control(index, MSG_STAT, (void *)-1));
	for (n = 0; n < 3; n++)
		EXPECT_LE(0, index_of(more[n], MSG_STAT, &ds));
	EXPECT_EQ(0, control(more[1], IPC_RMID, NULL));
	EXPECT_EQ(-1, index_of(more[1], MSG_STAT, &ds));
	EXPECT_LE(0, index_of(more[2], MSG_STAT, &ds));
	EXPECT_EQ(-EINVAL, control(0x7fffff, MSG_STAT, &ds));
	EXPECT_EQ(-EINVAL, control(-1, MSG_STAT, &ds));
	if (!geteuid())
		EXPECT_EQ(0, in_child(sees_any, &self->id));
	control(more[0], IPC_RMID, NULL);
	control(more[2], IPC_RMID, NULL);
}

TEST_F(sysv, bad_calls)
{
	struct msqid_ds ds = stat_of(self->id);

	EXPECT_EQ(-EINVAL, control(-1, IPC_STAT, &ds));
	EXPECT_EQ(-EINVAL, control(-1, IPC_RMID, NULL));
	EXPECT_EQ(-EINVAL, control(self->id, -1, &ds));
	EXPECT_EQ(-EINVAL, control(self->id, 4711, &ds));
	EXPECT_EQ(-EINVAL, control(0x7ffffff0, IPC_STAT, &ds));
	EXPECT_EQ(-EINVAL, control(0x7ffffff0, IPC_SET, &ds));
	EXPECT_EQ(-EFAULT, control(0x7ffffff0, IPC_SET, (void *)-1));
	EXPECT_EQ(-EFAULT, control(self->id, IPC_STAT, (void *)-1));
	EXPECT_EQ(-EFAULT, control(self->id, IPC_STAT, NULL));
}

TEST_HARNESS_MAIN
