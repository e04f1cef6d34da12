// SPDX-License-Identifier: GPL-2.0-only
/* Failures on demand. */
#include "fail_nth/inject.h"

#include <sys/rseq.h>

#define DEBUGFS		"/sys/kernel/debug/"

bool write_string(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/*
 * Let everything fail that can: allocations that may sleep too, and single pages. Return NULL, or
 * the reason why this kernel cannot. The settings stay: without a count, and with a probability of
 * 0, nothing fails.
 */
const char *fail_setup(void)
{
	static const struct { const char *path, *value; bool needed; } knobs[] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N", true },
		{ DEBUGFS "failslab/cache-filter", "N", true },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N", true },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N", true },
		{ DEBUGFS "fail_page_alloc/min-order", "0", true },
		{ DEBUGFS "fail_usercopy/probability", "0", true },
		/* or each failure would leave a stack trace in the log, which would pass for a report */
		{ DEBUGFS "failslab/verbose", "0", true },
		{ DEBUGFS "fail_page_alloc/verbose", "0", true },
		{ DEBUGFS "fail_usercopy/verbose", "0", true },
	};

	if (geteuid())
		return "only root may set up failures";
	if (access("/proc/thread-self/fail-nth", R_OK | W_OK))
		return "the kernel has no fault injection (CONFIG_FAULT_INJECTION)";
	for (size_t i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (!write_string(knobs[i].path, knobs[i].value))
			return "debugfs lacks failslab, fail_page_alloc or fail_usercopy";
	}
	return NULL;
}

/*
 * Choose whether pages fail, too. The number of allocated pages depends on the caches of the
 * allocators: without pages, the N-th chance is the same each time, and none is skipped.
 */
bool fail_pages_allow(bool allow)
{
	return write_string(DEBUGFS "fail_page_alloc/min-order", allow ? "0" : "11");
}

/*
 * Make present the page that the kernel writes to whenever it lets the thread run again. After a
 * fork that page has to be copied first: if that copy failed, the kernel would end the process.
 */
static void fail_touch(void)
{
	struct rseq *rseq = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);

	if (__rseq_size)
		*(volatile __u64 *)&rseq->rseq_cs = 0;
}

/* Let the @nth chance to fail from now on fail; none with 0. */
bool fail_arm(int fd, unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (nth)
		fail_touch();
	return pwrite(fd, text, length, 0) == length;
}

/* End the count. Return whether something failed; -EPROTO if the count cannot be read. */
int fail_disarm(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int failed;

	if (n > 0)
		failed = strcmp(text, "0\n") == 0;
	else if (n < 0 && errno == EFAULT)
		failed = 0;	/* that was the failure: nothing had failed before */
	else
		return -EPROTO;
	/* If the count was at two, this write fails, and the next does not. */
	if (!fail_arm(fd, 0) && !fail_arm(fd, 0))
		return -EPROTO;
	return failed;
}

static bool fail_knob(const char *what, const char *knob, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", what, knob);
	return write_string(path, value);
}

/*
 * Let @what ("failslab", "fail_page_alloc") fail each time in tasks that are marked: some code
 * retries after one failure. The descriptor is for marking the calling thread.
 */
int fail_marked_open(const char *what)
{
	if (!fail_knob(what, "task-filter", "Y") || !fail_knob(what, "times", "-1") ||
	    !fail_knob(what, "probability", "100"))
		return -EPROTO;
	return open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
}

bool fail_mark(int fd, bool mark)
{
	fail_touch();
	return pwrite(fd, mark ? "1" : "0", 1, 0) == 1;
}

void fail_marked_close(int fd, const char *what)
{
	close(fd);
	fail_knob(what, "probability", "0");
	fail_knob(what, "task-filter", "N");
}

/* Marked tasks get no object of the kernel's cache @name. */
static bool fail_cache(const char *name, bool fail)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/failslab", name);
	return write_string(path, fail ? "1" : "0") &&
	       fail_knob("failslab", "cache-filter", fail ? "Y" : "N");
}

int fail_objects_open(const char *name)
{
	return fail_cache(name, true) ? fail_marked_open("failslab") : -EPROTO;
}

void fail_objects_close(int fd, const char *name)
{
	fail_marked_close(fd, "failslab");
	fail_cache(name, false);
}
