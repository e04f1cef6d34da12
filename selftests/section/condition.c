// SPDX-License-Identifier: GPL-2.0-only
/* The conditions under which a nanosecond is an instruction. */
#include "section/section.h"

/* Return whether a nanosecond is an instruction, of each kind. */
static bool counts_instructions(void)
{
#if defined(__x86_64__) || defined(__i386__)
	for (int tries = 0; tries < 3; tries++) {
		unsigned long n = 500000, product = 1;
		int64_t first, second, began = now();

		/* two instructions a turn, then three, of which one is slow elsewhere */
		asm volatile("1: dec %0; jnz 1b" : "+r"(n));
		first = now() - began;
		n = 500000;
		began = now();
		asm volatile("1: imul %1, %1; dec %0; jnz 1b" : "+r"(n), "+r"(product));
		second = now() - began;
		if (first >= 1000000 && first < 1050000 && second >= 1500000 && second < 1560000)
			return true;
	}
#endif
	return false;
}

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
	if (sysconf(_SC_NPROCESSORS_ONLN) != 1 || !counts_instructions())
		return "no single CPU here that counts instructions as nanoseconds: run -i";
	if (!preempt_is_full())
		return "the kernel is not fully preemptible: run -a preempt=full";
	return NULL;
}
