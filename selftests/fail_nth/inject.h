/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures on demand: the kernel fails the N-th chance to fail in a task, be it an allocation of
 * memory or a copy from or to user space (Documentation/fault-injection/fault-injection.rst).
 *
 * The count includes everything that the kernel does for the task from the write to its fail-nth on,
 * also the copy of the read that asks for the count.
 *
 * Copies under a lock, with page faults disabled, do not count: the kernel injects no failures into
 * __copy_*_user_inatomic(). Tests reach the code behind such a failure with memory that is not
 * present yet.
 */
#ifndef FAIL_NTH_INJECT_H
#define FAIL_NTH_INJECT_H

#include "lib/mbox_test.h"

bool write_string(const char *path, const char *text);
const char *fail_setup(void);
bool fail_pages_allow(bool allow);

/* The count of the calling thread. */
static inline int fail_open(void)
{
	return open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

bool fail_arm(int fd, unsigned int nth);
int fail_disarm(int fd);
int fail_marked_open(const char *what);
bool fail_mark(int fd, bool mark);
void fail_marked_close(int fd, const char *what);

/*
 * Marked tasks get no page at all. A marked task must not need a page that it did not touch before,
 * not even on its stack: it would retry for ever.
 */
static inline int fail_pages_open(void)
{
	return fail_marked_open("fail_page_alloc");
}

static inline void fail_pages_close(int fd)
{
	fail_marked_close(fd, "fail_page_alloc");
}

int fail_objects_open(const char *name);
void fail_objects_close(int fd, const char *name);

#endif
