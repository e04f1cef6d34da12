// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints: the fields of each, and that filters by them work, as the recipes in mbox(4) need. */
#include "lib/child_call.h"

#include <sys/stat.h>

#define EVENTS	"/sys/kernel/tracing/events/mbox"

FIXTURE(trace)
{
	char dir[128];			/* of an instance of this test's own */
	char text[65536];
	char name[MBOX_NAME_SIZE];
	uint64_t id;
	int fd;
};

/* Write to a file of the instance: 0 or an errno. */
static int control(struct _test_data_trace *self, const char *file, const char *text)
{
	char path[256];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", self->dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = xwrite(fd, text, strlen(text));
	close(fd);
	return ret < 0 ? ret : 0;
}

static int load(struct _test_data_trace *self, const char *path)
{
	size_t n = 0;
	ssize_t ret;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while ((ret = read(fd, self->text + n, sizeof(self->text) - 1 - n)) > 0)
		n += ret;
	self->text[n] = '\0';
	close(fd);
	return ret < 0 ? -errno : 0;
}

static int load_trace(struct _test_data_trace *self)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/trace", self->dir);
	return load(self, path);
}

FIXTURE_SETUP(trace)
{
	if (geteuid())
		SKIP(return, "only root may trace");
	if (access(EVENTS, F_OK))
		SKIP(return, "no tracefs with events of mbox");
	snprintf(self->dir, sizeof(self->dir), "/sys/kernel/tracing/instances/mbox-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0700));
	ASSERT_EQ(0, control(self, "events/mbox/enable", "1"));
	self->fd = box_new_named(_metadata, 1, self->name);
	self->id = info_of(self->fd).id;
}

FIXTURE_TEARDOWN(trace)
{
	close(self->fd);
	control(self, "events/mbox/enable", "0");
	rmdir(self->dir);
}

/* How many lines of the trace have both texts. */
static int lines(struct _test_data_trace *self, const char *event, const char *rest)
{
	char *text = strdup(self->text), *saved = NULL;
	int n = 0;

	for (char *line = strtok_r(text, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved))
		n += strstr(line, event) && strstr(line, rest);
	free(text);
	return n;
}

#define EXPECT_LINES(n, event, ...) do { \
	char expected[256]; \
	snprintf(expected, sizeof(expected), __VA_ARGS__); \
	EXPECT_EQ(n, lines(self, event ": ", expected)) \
		TH_LOG("%s: %s, in:\n%s", event, expected, self->text); \
} while (0)

TEST_F(trace, follows_a_mailbox_and_its_messages)
{
	unsigned long long id = self->id;

	ASSERT_EQ(0, send_bytes(self->fd, 0, 3, 77, "hello", 5));
	EXPECT_STREQ("hello", take(self->fd));
	ASSERT_EQ(0, put(self->fd, 0, "dropped"));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	ASSERT_EQ(0, load_trace(self));
	EXPECT_LINES(1, "mbox_create", "id=%llu name=%s capacity=1 msg_size=%u policy=0", id,
		     self->name, MBOX_MSG_SIZE_DEFAULT);
	EXPECT_LINES(1, "mbox_send", "id=%llu seq=1 length=5 prio=3 type=77 queued=1", id);
	EXPECT_LINES(1, "mbox_receive", "id=%llu seq=1 length=5 prio=3 type=77 queued=1", id);
	EXPECT_LINES(1, "mbox_delete", "id=%llu name=%s dropped=1 error=-%d", id, self->name, EIDRM);
}

TEST_F(trace, blocked_calls)
{
	unsigned long long id = self->id;
	struct call *call = recv_start(self->fd);

	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, put(self->fd, 0, "hello"));
	EXPECT_STREQ("hello", recv_end(call));
	ASSERT_EQ(0, put(self->fd, 0, "first"));
	call = send_start(self->fd, 0, "second");
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_STREQ("first", take(self->fd));
	EXPECT_EQ(0, call_end(call));
	ASSERT_EQ(0, load_trace(self));
	EXPECT_LINES(1, "mbox_block", "id=%llu wait=1 call=receive", id);
	EXPECT_LINES(1, "mbox_wake", "id=%llu wait=1 pid=", id);
	EXPECT_LINES(1, "mbox_block", "id=%llu wait=2 call=send", id);
	EXPECT_LINES(1, "mbox_wake", "id=%llu wait=2 pid=%d error=0", id, call->pid);
}

TEST_F(trace, dropped_messages)
{
	struct call *call = send_start_flags(self->fd, MBOX_SEND_SYNC, 0, "withdrawn");

	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	kill(call->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(call));
	ASSERT_EQ(0, load_trace(self));
	EXPECT_LINES(1, "mbox_drop", "id=%llu seq=1 length=9", (unsigned long long)self->id);
}

TEST_F(trace, takes_the_filters_of_the_recipes)
{
	struct { const char *event, *fields[4]; } recipes[] = {
		{ "mbox_send", { "id" } }, { "mbox_receive", { "id" } },
		{ "mbox_block", { "id", "wait" } }, { "mbox_wake", { "id", "wait" } },
		{ "mbox_drop", { "id" } }, { "mbox_create", { "id", "name" } },
		{ "mbox_delete", { "id", "name" } },
	};
	char path[256], field[64], filter[64];

	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
		snprintf(path, sizeof(path), EVENTS "/%s/format", recipes[i].event);
		ASSERT_EQ(0, load(self, path));
		for (int j = 0; recipes[i].fields[j]; j++) {
			snprintf(field, sizeof(field), " %s", recipes[i].fields[j]);
			EXPECT_NE(NULL, strstr(self->text, field));
		}
	}
	snprintf(filter, sizeof(filter), "id == %llu", (unsigned long long)self->id + 1);
	ASSERT_EQ(0, control(self, "events/mbox/mbox_send/filter", filter));
	ASSERT_EQ(0, put(self->fd, 0, "unseen"));
	EXPECT_STREQ("unseen", take(self->fd));
	ASSERT_EQ(0, load_trace(self));
	EXPECT_LINES(0, "mbox_send", "id=");
	EXPECT_LINES(1, "mbox_receive", "id=");
}

MBOX_TEST_MAIN
