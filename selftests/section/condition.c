// SPDX-License-Identifier: GPL-2.0-only
/* The conditions under which a nanosecond is an instruction. */
#include "lib/count.h"
#include "section/section.h"

static bool preempt_is_full(void)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return strstr(line, "preempt=full");
}

const char *reason_to_skip(void)
{
	if (!counts_instructions())
		return "no single CPU here that counts instructions as nanoseconds: run -i";
	if (!preempt_is_full())
		return "the kernel is not fully preemptible: run -a preempt=full";
	return NULL;
}
