// SPDX-License-Identifier: GPL-2.0-only
/*
 * System V message queues by other ways than the functions of the C library: syscall(), the files of
 * /proc; and errno after a success.
 *
 * This runs on the kernel's own queues, and by sysv_preload_test.sh on those of libmbox-sysv.so.
 */
#include "lib/sysv.h"

#include <fcntl.h>
#include <sys/syscall.h>

#define PROC	"/proc/sysvipc/msg"
#define NEXT_ID	"/proc/sys/kernel/msg_next_id"

FIXTURE(sysv)
{
	key_t key;
	int id;
};

FIXTURE_SETUP(sysv)
{
	self->key = (key_t)(now() | 1);
	self->id = get(self->key, IPC_CREAT | IPC_EXCL | 0640);
	ASSERT_LE(0, self->id);
}

FIXTURE_TEARDOWN(sysv)
{
	msgctl(self->id, IPC_RMID, NULL);
}

TEST_F(sysv, by_syscall)
{
	struct text text = { .type = 3, .data = "raw" };
	struct msqid_ds ds;

	EXPECT_EQ(self->id, syscall(SYS_msgget, self->key, 0600));
	EXPECT_EQ(-1, syscall(SYS_msgget, self->key, IPC_CREAT | IPC_EXCL | 0600));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(0, syscall(SYS_msgsnd, self->id, &text, 3L, IPC_NOWAIT));
	EXPECT_EQ(0, syscall(SYS_msgctl, self->id, IPC_STAT, &ds));
	EXPECT_EQ(1, ds.msg_qnum);
	EXPECT_EQ(getpid(), ds.msg_lspid);
	EXPECT_STREQ("raw", take_text(self->id, 3, 0));
	EXPECT_EQ(0, send_text(self->id, 5, "other"));
	EXPECT_EQ(-1, syscall(SYS_msgrcv, self->id, &text, 64L, 4L, IPC_NOWAIT));
	EXPECT_EQ(ENOMSG, errno);
	EXPECT_EQ(5, syscall(SYS_msgrcv, self->id, &text, 64L, -9L, IPC_NOWAIT));
	EXPECT_EQ(5, text.type);
	EXPECT_EQ(0, syscall(SYS_msgctl, self->id, IPC_RMID, NULL));
	EXPECT_EQ(-1, syscall(SYS_msgsnd, self->id, &text, 3L, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(getpid(), syscall(SYS_getpid));
}

static int changes_user(void *arg)
{
	int id = *(int *)arg;

	CHECK(0, send_text(id, 1, "root"));
	CHECK(0, syscall(SYS_setgroups, 0L, NULL));
	CHECK(0, syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY));
	CHECK(0, syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY));
	CHECK(-EACCES, send_text(id, 1, "nobody"));
	CHECK(0, strcmp("EACCES", take_text(id, 0, 0)));
	return 0;
}

TEST_F(sysv, user_by_syscall)
{
	if (geteuid())
		SKIP(return, "not root");
	EXPECT_EQ(0, in_child(changes_user, &self->id));
}

TEST_F(sysv, errno_after_success)
{
	struct text text = { .type = 1 };
	struct msqid_ds ds;
	int id;

	errno = 0;
	id = msgget(self->key + 2, IPC_CREAT | 0600);
	EXPECT_LE(0, id);
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, msgsnd(id, &text, 1, 0));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(1, msgrcv(id, &text, 1, 0, 0));
	EXPECT_EQ(0, errno);
	EXPECT_EQ(0, msgctl(id, IPC_STAT, &ds));
	EXPECT_EQ(0, msgctl(id, IPC_SET, &ds));
	EXPECT_LE(0, msgctl(0, MSG_INFO, (struct msqid_ds *)&(struct msginfo) { .msgmax = 0 }));
	EXPECT_EQ(0, msgctl(id, IPC_RMID, NULL));
	EXPECT_EQ(0, errno);
}

/* The line of a queue. */
struct line {
	int key, id, mode, lspid, lrpid, uid, gid, cuid, cgid;
	long bytes, messages;
	long long stime, rtime, ctime;
};

/* Read the file to its end. Return the number of lines after the first, *@line is that of @id. */
static int read_lines(FILE *file, int id, struct line *line)
{
	char text[512];
	struct line l;
	int n = 0;

	memset(line, 0, sizeof(*line));
	if (!file || !fgets(text, sizeof(text), file) || !strstr(text, "msqid perms"))
		return -1;
	for (; fgets(text, sizeof(text), file); n++) {
		if (sscanf(text, "%d %d %o %ld %ld %d %d %d %d %d %d %lld %lld %lld", &l.key, &l.id,
			   (unsigned int *)&l.mode, &l.bytes, &l.messages, &l.lspid, &l.lrpid, &l.uid,
			   &l.gid, &l.cuid, &l.cgid, &l.stime, &l.rtime, &l.ctime) != 14)
			return -1;
		if (l.id == id)
			*line = l;
	}
	return n;
}

/* A program that reads /proc finds its queues. */
TEST_F(sysv, proc_file)
{
	FILE *file;
	struct msginfo info;
	struct line line;
	char byte;
	int fd, low;

	if (access(PROC, R_OK))
		SKIP(return, "no " PROC);
	ASSERT_EQ(0, send_text(self->id, 1, "four"));
	ASSERT_EQ(0, send_text(self->id, 1, "three"));
	EXPECT_STREQ("four", take_text(self->id, 0, 0));
	ASSERT_LE(0, control(0, MSG_INFO, &info));
	file = fopen(PROC, "re");
	EXPECT_EQ(info.msgpool, read_lines(file, self->id, &line));
	fclose(file);
	EXPECT_EQ(self->key, line.key);
	EXPECT_EQ(self->id, line.id);
	EXPECT_EQ(0640, line.mode);
	EXPECT_EQ(5, line.bytes);
	EXPECT_EQ(1, line.messages);
	EXPECT_EQ(getpid(), line.lspid);
	EXPECT_EQ(getpid(), line.lrpid);
	EXPECT_EQ(geteuid(), line.uid);
	EXPECT_EQ(getegid(), line.cgid);
	EXPECT_EQ(stat_of(self->id).msg_stime, line.stime);
	EXPECT_EQ(stat_of(self->id).msg_ctime, line.ctime);

	/* by open(), at the lowest number */
	low = dup(0);
	close(low);
	for (int way = 0; way < 2; way++) {
		fd = way ? openat(AT_FDCWD, PROC, O_RDONLY | O_CLOEXEC) : open(PROC, O_RDONLY);
		EXPECT_EQ(low, fd);
		EXPECT_EQ(way ? FD_CLOEXEC : 0, fcntl(fd, F_GETFD));
		EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
		EXPECT_EQ(-1, write(fd, "x", 1));
		file = fdopen(fd, "r");
		EXPECT_EQ(info.msgpool, read_lines(file, self->id, &line));
		EXPECT_EQ(5, line.bytes);
		fclose(file);
	}

	/* other files are as ever */
	file = fopen("/proc/self/comm", "r");
	EXPECT_EQ(1, fread(&byte, 1, 1, file));
	fclose(file);
	EXPECT_EQ(NULL, fopen("/proc/sysvipc/none", "r"));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, open((const char *)-1, O_RDONLY));
	EXPECT_EQ(EFAULT, errno);
}

static int set_next_id(int id)
{
	char text[16];
	int fd = open(NEXT_ID, O_WRONLY | O_CLOEXEC), length, ret;

	if (fd < 0)
		return -errno;
	length = snprintf(text, sizeof(text), "%d", id);
	ret = write(fd, text, length) == length ? 0 : -errno;
	close(fd);
	return ret;
}

/* The id of the next queue may be chosen, if no queue has it. */
TEST_F(sysv, next_id)
{
	int id = get(IPC_PRIVATE, 0600), other;

	ASSERT_LE(0, id);
	ASSERT_EQ(0, control(id, IPC_RMID, NULL));
	if (geteuid() || set_next_id(id))
		SKIP(return, "no " NEXT_ID ", or not root");
	/* that of a queue that is gone, and only once */
	EXPECT_EQ(id, get(self->key + 2, IPC_CREAT | 0600));
	other = get(IPC_PRIVATE, 0600);
	EXPECT_NE(id, other);
	EXPECT_EQ(0, send_text(id, 1, "x"));
	EXPECT_STREQ("ENOMSG", take_text(other, 0, 0));
	EXPECT_STREQ("x", take_text(id, 0, 0));
	EXPECT_EQ(0, control(other, IPC_RMID, NULL));
	/* that of a queue that is there */
	ASSERT_EQ(0, set_next_id(id));
	other = get(IPC_PRIVATE, 0600);
	EXPECT_LE(0, other);
	EXPECT_NE(id, other);
	EXPECT_EQ(0, control(other, IPC_RMID, NULL));
	EXPECT_EQ(0, control(id, IPC_RMID, NULL));
	/* one that no queue has had */
	ASSERT_EQ(0, set_next_id(1234567));
	id = get(IPC_PRIVATE, 0600);
	EXPECT_EQ(1234567, id);
	EXPECT_EQ(0, stat_of(id).msg_qnum);
	EXPECT_EQ(0, control(id, IPC_RMID, NULL));
	/* to open a queue takes nothing */
	ASSERT_EQ(0, set_next_id(7654321));
	EXPECT_EQ(self->id, get(self->key, IPC_CREAT | 0600));
	EXPECT_EQ(7654321, id = get(IPC_PRIVATE, 0600));
	EXPECT_EQ(0, control(id, IPC_RMID, NULL));
}

TEST_HARNESS_MAIN
