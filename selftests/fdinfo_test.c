// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/fdinfo tells the mailbox behind a handle, also of another process. */
#include "lib/child_call.h"

/* The value of a line "KEY:\tVALUE"; "(none)" if there is no such line. */
static const char *fdinfo(pid_t pid, int fd, const char *key)
{
	static char value[256];
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	f = fopen(path, "re");
	if (!f)
		return strerrorname_np(errno);
	strcpy(value, "(none)");
	while (fgets(line, sizeof(line), f)) {
		size_t length = strlen(key);

		if (strncmp(line, key, length) || strncmp(line + length, ":\t", 2))
			continue;
		line[strcspn(line, "\n")] = '\0';
		strcpy(value, line + length + 2);
	}
	fclose(f);
	return value;
}

static const char *own(int fd, const char *key)
{
	return fdinfo(getpid(), fd, key);
}

static const char *number(uint64_t n)
{
	static char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return text;
}

TEST(named)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 8, name);
	int receiver = open_name(name, MBOX_RIGHT_RECV);
	int sender = open_name(name, MBOX_RIGHT_SEND);
	int neither = open_name(name, 0);

	EXPECT_STREQ(name, own(fd, "mbox-name"));
	EXPECT_STREQ(number(info_of(fd).id), own(fd, "mbox-id"));
	EXPECT_STREQ(number(info_of(fd).id), own(neither, "mbox-id"));
	EXPECT_STREQ("rw", own(fd, "mbox-rights"));
	EXPECT_STREQ("r-", own(receiver, "mbox-rights"));
	EXPECT_STREQ("-w", own(sender, "mbox-rights"));
	EXPECT_STREQ("--", own(neither, "mbox-rights"));
	EXPECT_STREQ("live", own(fd, "mbox-state"));
	EXPECT_STREQ("0", own(fd, "mbox-queued"));
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, put(fd, 0, "two"));
	EXPECT_STREQ("2", own(receiver, "mbox-queued"));
	close(receiver);
	close(sender);
	close(neither);
	close(fd);
}

/* A label may have any byte: those that cannot be printed are escaped. */
TEST(labelled)
{
	static const char label[] = "a\t\001b";
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	int fd;

	arg.space = MBOX_SPACE_MQ;
	arg.label = address_of(label);
	arg.label_size = strlen(label);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_STREQ(number(MBOX_SPACE_MQ), own(fd, "mbox-space"));
	EXPECT_STREQ("a\\t\\001b", own(fd, "mbox-label"));
	close(fd);
	fd = box_new(_metadata, 1);
	EXPECT_STREQ("(none)", own(fd, "mbox-space"));
	EXPECT_STREQ("(none)", own(fd, "mbox-label"));
	close(fd);
}

TEST(anonymous)
{
	int fd = box_new(_metadata, 8);

	EXPECT_STREQ("", own(fd, "mbox-name"));
	EXPECT_STREQ(number(info_of(fd).id), own(fd, "mbox-id"));
	close(fd);
}

TEST(states)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 8, name);

	ASSERT_EQ(0, put(fd, 0, "text"));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_UNLINK));
	EXPECT_STREQ("unlinked", own(fd, "mbox-state"));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	EXPECT_STREQ("draining", own(fd, "mbox-state"));
	EXPECT_STREQ("text", take(fd));
	EXPECT_STREQ("dead", own(fd, "mbox-state"));
	EXPECT_STREQ("0", own(fd, "mbox-queued"));
	/* it shows the last state */
	EXPECT_STREQ(name, own(fd, "mbox-name"));
	close(fd);
}

TEST(of_another_process)
{
	int fd = box_new(_metadata, 8);
	struct call *call = recv_start(fd);

	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_STREQ(number(info_of(fd).id), fdinfo(call->pid, fd, "mbox-id"));
	EXPECT_STREQ("rw", fdinfo(call->pid, fd, "mbox-rights"));
	kill(call->pid, SIGKILL);
	call_end(call);
	close(fd);
}

/* The target of the link in /proc/PID/fd. */
TEST(proc_link)
{
	char path[64], target[64] = "";
	int fd = box_new(_metadata, 8);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT_LT(0, readlink(path, target, sizeof(target) - 1));
	EXPECT_STREQ("anon_inode:[mbox]", target);
	/* it is no way to another handle */
	EXPECT_EQ(-1, open(path, O_RDWR));
	close(fd);
}

MBOX_TEST_MAIN
