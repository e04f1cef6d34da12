// SPDX-License-Identifier: LGPL-2.1-or-later
/* Addresses that are checked before they are used */
#include <linux/futex.h>
#include <time.h>

#include "sysv.h"

/*
 * The kernel reads and writes payloads itself, and returns EFAULT. Types and structures are
 * copied here; before, the kernel touches their pages in calls on a futex that nobody waits
 * for. A thread remembers the last pages that were good for the type of a message; if one
 * of them is unmapped, and used again without being mapped, there is a signal instead.
 */
__thread uintptr_t sysv_memory_known[2][8];

/* Have the kernel read an int, or add 0 to it. */
static bool memory_touch(uintptr_t address, bool write)
{
	static const struct timespec now = { .tv_sec = 0 };
	const int add_nothing = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
	int saved = errno;
	bool good;
	long ret;

	address &= ~(uintptr_t)3;
	ret = write ? syscall(SYS_futex, address, FUTEX_WAKE_OP_PRIVATE, 0, 0, address,
			      add_nothing) :
		      syscall(SYS_futex, address, FUTEX_WAIT_PRIVATE, 0, &now, NULL, 0);
	good = ret >= 0 || errno != EFAULT;
	errno = saved;
	return good;
}

/* Check that @size bytes can be read or written, and remember the first page. */
bool sysv_memory_probe(uintptr_t first, size_t size, bool write)
{
	uintptr_t page = first / 4096, last;

	if (__builtin_add_overflow(first, size - 1, &last))
		return false;
	last /= 4096;
	if (!memory_touch(first, write))
		return false;
	while (page++ < last) {
		if (!memory_touch(page * 4096, write))
			return false;
	}
	page = first / 4096 + 1;
	sysv_memory_known[write][page % 8] = page;
	return true;
}
