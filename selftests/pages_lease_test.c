// SPDX-License-Identifier: GPL-2.0-only
/* The examples of the manual pages on leases, posts and calls, as pages_test. */
#include "lib/library.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>

/* The output of an example, which its printf() adds to, in any process. A line "fail" fails. */
struct output {
	char text[4096];
};

static struct output *said;

static __attribute__((format(printf, 1, 2))) int say(const char *format, ...)
{
	size_t used = strlen(said->text);
	va_list args;
	int ret;

	va_start(args, format);
	ret = vsnprintf(said->text + used, sizeof(said->text) - used, format, args);
	va_end(args);
	return strcmp(said->text + used, "fail\n") == 0 ? -1 : ret;
}

#define printf(...) say(__VA_ARGS__)

#define main lease_main
#define fail lease_fail
#include "pages/mbox_lease.3.examples.h"
#undef main
#undef fail

#define main ack_main
#define fail ack_fail
#include "pages/mbox_ack.3.examples.h"
#undef main
#undef fail

#define main post_main
#define fail post_fail
#include "pages/mbox_post.3.examples.h"
#undef main
#undef fail

#define main call_main
#define fail call_fail
#include "pages/mbox_call.3.examples.h"
#undef main
#undef fail

#define main reply_main
#define fail reply_fail
#include "pages/mbox_reply.3.examples.h"
#undef main
#undef fail

#undef printf

/* A network namespace of its own, since the examples name their mailboxes. */
FIXTURE(page)
{
	struct mbox *mb;
};

FIXTURE_SETUP(page)
{
	said = shared_alloc(sizeof(*said));
	if (unshare(CLONE_NEWNET))
		SKIP(return, "no network namespace of its own: %s", strerror(errno));
}

FIXTURE_TEARDOWN(page)
{
	mbox_close(self->mb);
}

static void box_make(struct __test_metadata *_metadata, struct mbox **mb, const char *name)
{
	struct mbox_attr attr = test_attr();

	ASSERT_EQ(0, mbox_create(mb, name, RIGHTS_BOTH, &attr));
}

/* Run an example in a child, with a file as its input or output, that has @text at first. */
static pid_t run_with(int (*example)(void), int descriptor, const char *text)
{
	pid_t pid = fork_child();
	int fd;

	if (pid)
		return pid;
	fd = memfd_create("file", 0);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    lseek(fd, 0, SEEK_SET) || dup2(fd, descriptor) != descriptor)
		_exit(99);
	_exit(example());
}

static pid_t run(int (*example)(void))
{
	return run_with(example, STDOUT_FILENO, "");
}

/* The example runs for ever: wait until so many messages were received, and kill it. */
static void kill_after(struct mbox *mb, pid_t pid, uint64_t received)
{
	while (info_of(mbox_fd(mb)).received < received)
		nap();
	kill(pid, SIGKILL);
	reap(pid);
}

TEST_F(page, lease)
{
	pid_t pid;

	box_make(_metadata, &self->mb, "jobs");
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	ASSERT_EQ(0, mbox_send_string(self->mb, "fail"));
	ASSERT_EQ(0, mbox_send_string(self->mb, "two"));
	pid = run(lease_main);
	kill_after(self->mb, pid, 2);
	EXPECT_STREQ("one\nfail\ntwo\n", said->text);
	EXPECT_EQ(1, info_of(mbox_fd(self->mb)).delayed);
	EXPECT_EQ(0, info_of(mbox_fd(self->mb)).leased);
}

TEST_F(page, ack)
{
	pid_t pid;

	box_make(_metadata, &self->mb, "log");
	ASSERT_EQ(0, mbox_send_string(self->mb, "one"));
	ASSERT_EQ(0, mbox_send_string(self->mb, "two"));
	pid = run(ack_main);
	while (info_of(mbox_fd(self->mb)).received < 2)
		nap();
	ASSERT_EQ(0, mbox_send_string(self->mb, "three"));
	kill_after(self->mb, pid, 3);
	EXPECT_STREQ("one\ntwo\nthree\n", said->text);
	EXPECT_EQ(0, info_of(mbox_fd(self->mb)).queued);
}

static int do_nack(struct mbox **jobsp, struct mbox **failedp)
{
#include "pages/mbox_nack.3.examples.h"
	if (ret)
		return ret;
	*jobsp = jobs;
	*failedp = failed;
	return 0;
}

TEST_F(page, nack)
{
	struct mbox *failed;
	struct mbox_info info;

	ASSERT_EQ(0, do_nack(&self->mb, &failed));
	info = info_of(mbox_fd(self->mb));
	EXPECT_STREQ("jobs", info.name);
	EXPECT_EQ(3, info.max_deliveries);
	EXPECT_EQ(info_of(mbox_fd(failed)).id, info.dead_letter);
	EXPECT_STREQ("failed-jobs", info_of(mbox_fd(failed)).name);
	EXPECT_EQ(0, mbox_delete_handle(self->mb, MBOX_DELETE_EMPTY, NULL));
	EXPECT_EQ(0, mbox_delete_handle(failed, MBOX_DELETE_EMPTY, NULL));
	mbox_close(failed);
}

TEST_F(page, post)
{
	char line[8];

	box_make(_metadata, &self->mb, "lines");
	EXPECT_EQ(EXIT_SUCCESS, reap(run_with(post_main, STDIN_FILENO, "one\ntwo\n")));
	EXPECT_EQ(EXIT_SUCCESS, reap(run_with(post_main, STDIN_FILENO, "one\ntwo\nthree\n")));
	EXPECT_EQ(3, info_of(mbox_fd(self->mb)).mark);
	EXPECT_EQ(3, info_of(mbox_fd(self->mb)).queued);
	EXPECT_EQ(3, mbox_recv_string(self->mb, line, sizeof(line)));
	EXPECT_STREQ("one", line);
	EXPECT_EQ(3, mbox_recv_string(self->mb, line, sizeof(line)));
	EXPECT_STREQ("two", line);
	EXPECT_EQ(5, mbox_recv_string(self->mb, line, sizeof(line)));
	EXPECT_STREQ("three", line);
}

TEST_F(page, call)
{
	char *words[] = { "call", "hello", "world", NULL };
	char expected[64], long_word[300];
	pid_t server;

	box_make(_metadata, &self->mb, "upper");
	/* a message that is no request, which the server gets first */
	ASSERT_EQ(0, mbox_send_string(self->mb, "nobody waits"));
	for (int i = 0; i < 2; i++) {
		server = run(reply_main);
		said->text[0] = '\0';
		EXPECT_EQ(EXIT_SUCCESS, call_main(3, words));
		snprintf(expected, sizeof(expected), "%d: HELLO\n%d: WORLD\n", server, server);
		EXPECT_STREQ(expected, said->text);
		if (i)
			break;
		kill(server, SIGKILL);
		reap(server);
	}
	/* more than the client has room for */
	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	words[1] = long_word;
	said->text[0] = '\0';
	EXPECT_EQ(EXIT_FAILURE, call_main(2, words));
	EXPECT_STREQ("", said->text);
	kill(server, SIGKILL);
	reap(server);
	EXPECT_BALANCED(mbox_fd(self->mb));
}

MBOX_TEST_MAIN
