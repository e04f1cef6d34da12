// SPDX-License-Identifier: GPL-2.0-only
/* Machines whose nanoseconds are instructions: selftests/vm/run -i. */
#include "count.h"
#include "mbox_test.h"

static bool one_instruction_takes_a_nanosecond(void)
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

/* Return whether there is one CPU, where a nanosecond is an instruction, of each kind. */
bool counts_instructions(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) == 1 && one_instruction_takes_a_nanosecond();
}
