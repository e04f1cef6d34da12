// SPDX-License-Identifier: GPL-2.0-only
/* The module: its parameters and references. */
#include "child.h"
#include "module.h"

/* Return a module parameter, or 0 where it cannot be read. */
uint64_t param_get(const char *name)
{
	unsigned long long value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/mbox/parameters/%s", name);
	f = fopen(path, "re");
	if (f) {
		if (fscanf(f, "%llu", &value) != 1)
			value = 0;
		fclose(f);
	}
	return value;
}

int param_set(const char *name, uint64_t value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/mbox/parameters/%s", name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fprintf(f, "%llu\n", (unsigned long long)value);
	return fclose(f) ? -errno : 0;
}

/* Return how many mailboxes and open files pin the module, or -1 where that cannot be read. */
long module_pins(void)
{
	FILE *f = fopen("/sys/module/mbox/refcnt", "re");
	long pins = -1;

	if (f) {
		if (fscanf(f, "%ld", &pins) != 1)
			pins = -1;
		fclose(f);
	}
	return pins;
}

bool await_module_pins(long expected)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (module_pins() != expected) {
		if (now() > end)
			return false;
		nap();
	}
	return true;
}
