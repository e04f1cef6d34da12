/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every test program includes this: the harness, the calls, payloads, and the states of mailboxes.
 *
 * Results are 0 or more, or a negated errno, so that one EXPECT_EQ() checks both. Mailboxes are
 * anonymous or have a random name, and end with their last handle: a test that is killed leaves
 * nothing behind, and any number of tests can run at the same time.
 */
#ifndef LIB_MBOX_TEST_H
#define LIB_MBOX_TEST_H

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/mbox.h>

/*
 * No test takes long by itself, but an emulated machine with other load may be slow. A test gives up
 * after PATIENCE and prints the reason; the harness would end it later, without one.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	150
#define PATIENCE		60	/* seconds */

#define NSEC_PER_SEC		1000000000LL
#define NSEC_PER_MSEC		1000000LL

static inline int64_t now_on(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline int64_t now(void)
{
	return now_on(CLOCK_MONOTONIC);
}

static inline void nap(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = NSEC_PER_MSEC }, NULL);
}

static inline uint64_t address_of(const void *p)
{
	return (uintptr_t)p;
}

#include "call.h"
#include "info.h"
#include "payload.h"

/* Skip the program as a whole where the module is not loaded. */
#define MBOX_TEST_MAIN \
	int main(int argc, char **argv) \
	{ \
		int factory = factory_open(); \
		if (factory < 0) { \
			ksft_print_header(); \
			ksft_exit_skip("/dev/mbox: %s (is the module loaded?)\n", \
				       strerror(-factory)); \
		} \
		close(factory); \
		return test_harness_run(argc, argv); \
	}

#endif
