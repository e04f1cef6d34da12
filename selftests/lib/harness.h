/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest_harness.h, for programs of several files.
 *
 * The harness defines two functions and two variables in each file that includes it, and is made for
 * programs of one file. Here the functions are static, and the linker keeps one of each variable.
 * Only the file with main() may define tests.
 */
#ifndef LIB_HARNESS_H
#define LIB_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

struct __fixture_metadata;
struct __fixture_variant_metadata;
struct __test_metadata;

static void __attribute__((unused)) __wait_for_test(struct __test_metadata *t);
static void __attribute__((unused)) __run_test(struct __fixture_metadata *f,
					       struct __fixture_variant_metadata *variant,
					       struct __test_metadata *t);
#pragma weak _fixture_global
#pragma weak __active_test

#include "kselftest_harness.h"

#endif
