/* SPDX-License-Identifier: GPL-2.0-only */
/* The module: its parameters and references. */
#ifndef LIB_MODULE_H
#define LIB_MODULE_H

#include <stdbool.h>
#include <stdint.h>

uint64_t param_get(const char *name);
int param_set(const char *name, uint64_t value);
long module_pins(void);
bool await_module_pins(long expected);

#endif
