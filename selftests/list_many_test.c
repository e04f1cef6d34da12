// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl list with a hundred thousand mailboxes: in time, and in the memory that ten take. */
#include "lib/library.h"
#include "lib/module.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MANY		100000
#define FEW		10
#define LIMIT		(2 * NSEC_PER_SEC)
#define TRIES		5
/* How fast the machine is: so many system calls take so long in the virtual machine of "make check", alone. */
#define CALLS		20000
#define CALLS_TIME	(27 * NSEC_PER_MSEC / 2)
#define CALLS_TIMES	10
#define MORE_KB		4096		/* of memory, that many may take beyond few */

struct run {
	int status;
	int64_t took;			/* nanoseconds */
	long peak;			/* KiB */
	long lines;
};

static bool there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Kernels that check themselves take their time for it. */
static bool kernel_is_slow(void)
{
	return there("/proc/lockdep") || there("/sys/kernel/debug/kmemleak") ||
	       there("/sys/kernel/debug/kcsan") || there("/sys/kernel/debug/kcov");
}

/* Run mboxctl list of our mailboxes, counting its output where @count is set. */
static struct run list(const char *filter, bool count)
{
	struct run run = { .status = -1 };
	int64_t start = now();
	struct rusage usage;
	char buffer[65536];
	int fds[2], status;
	ssize_t size;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return run;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(count ? fds[1] : null, 1);
		execlp("mboxctl", "mboxctl", "list", "noheader", filter, NULL);
		_exit(127);
	}
	close(fds[1]);
	while ((size = read(fds[0], buffer, sizeof(buffer))) > 0)
		for (ssize_t i = 0; i < size; i++)
			run.lines += buffer[i] == '\n';
	close(fds[0]);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return run;
	run.took = now() - start;
	run.peak = usage.ru_maxrss;
	run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return run;
}

static int64_t time_calls(void)
{
	int64_t start = now();

	for (int i = 0; i < CALLS * CALLS_TIMES; i++)
		syscall(SYS_getppid);
	return (now() - start) / CALLS_TIMES;
}

FIXTURE(many)
{
	char prefix[MBOX_NAME_SIZE];
	char filter[MBOX_NAME_SIZE + 16];
	uint64_t quota;
	int count;
};

static void name_of(FIXTURE_DATA(many) *self, int i, char name[MBOX_NAME_SIZE])
{
	snprintf(name, MBOX_NAME_SIZE, "%.40s-%d", self->prefix, i);
}

static int make(FIXTURE_DATA(many) *self, int count)
{
	char name[MBOX_NAME_SIZE];

	for (; self->count < count; self->count++) {
		struct mbox *mb;
		int ret;

		name_of(self, self->count, name);
		ret = mbox_create(&mb, name, 0, NULL);
		if (ret < 0)
			return ret;
		mbox_close(mb);
	}
	return 0;
}

FIXTURE_SETUP(many)
{
	if (geteuid())
		SKIP(return, "only root can raise the quota");
	if (system("mboxctl --version >/dev/null 2>&1"))
		SKIP(return, "no mboxctl on the PATH");
	self->quota = param_get("user_mailboxes");
	if (!self->quota || param_set("user_mailboxes", 2 * MANY))
		SKIP(return, "the module parameters cannot be written");
	name_make(self->prefix);
	snprintf(self->filter, sizeof(self->filter), "name=%.40s-*", self->prefix);
}

FIXTURE_TEARDOWN(many)
{
	char name[MBOX_NAME_SIZE];

	while (self->count > 0) {
		name_of(self, --self->count, name);
		EXPECT_EQ(0, mbox_delete(name, MBOX_DELETE_FORCE, NULL));
	}
	if (self->quota)
		param_set("user_mailboxes", self->quota);
}

TEST_F(many, lists_all_in_constant_memory)
{
	int count = kernel_is_slow() ? MANY / 20 : MANY;
	struct run few, many;

	ASSERT_EQ(0, make(self, FEW));
	few = list(self->filter, true);
	EXPECT_EQ(0, few.status);
	EXPECT_EQ(FEW, few.lines);
	ASSERT_EQ(0, make(self, count));
	many = list(self->filter, true);
	EXPECT_EQ(0, many.status);
	EXPECT_EQ(count, many.lines);
	TH_LOG("peak memory: %ld KiB with %d mailboxes, %ld KiB with %d", few.peak, FEW, many.peak, count);
	EXPECT_GE(few.peak + MORE_KB, many.peak);
}

/* On a shared machine less time passed for us: scale the limit. */
TEST_F(many, lists_all_in_time)
{
	int64_t best = INT64_MAX;

	if (kernel_is_slow())
		SKIP(return, "this kernel checks itself, and is not meant to be quick");
	ASSERT_EQ(0, make(self, MANY));
	for (int i = 0; i < TRIES && best >= LIMIT; i++) {
		int64_t before = time_calls(), speed, ours;
		/* a filter that all pass: the time of mboxctl list itself counts */
		struct run run = list("name=*", false);

		ASSERT_EQ(0, run.status);
		speed = (before + time_calls()) / 2;
		ours = speed > CALLS_TIME ? run.took * CALLS_TIME / speed : run.took;
		TH_LOG("%d mailboxes are listed in %lld ms, of which %lld were ours", MANY,
		       (long long)run.took / 1000000, (long long)ours / 1000000);
		if (ours < best)
			best = ours;
	}
	EXPECT_GT(LIMIT, best);
}

TEST_HARNESS_MAIN
