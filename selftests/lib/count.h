/* SPDX-License-Identifier: GPL-2.0-only */
/* Machines whose nanoseconds are instructions: selftests/vm/run -i. */
#ifndef LIB_COUNT_H
#define LIB_COUNT_H

#include <stdbool.h>

bool counts_instructions(void);

#endif
