// SPDX-License-Identifier: LGPL-2.1-or-later
/* Calls of sysvipc(7) that a program makes by syscall() */
#include <stdarg.h>

#include "sysv.h"

/* On 32 bits, structures have other forms here: those calls go to the kernel. */
#if __SIZEOF_LONG__ == 8

static long syscall_call(long number, const long arg[6])
{
	int id = (int)arg[0];

	switch (number) {
	case SYS_msgget:
		return msgget((key_t)arg[0], (int)arg[1]);
	case SYS_msgsnd:
		return msgsnd(id, (const void *)arg[1], (size_t)arg[2], (int)arg[3]);
	case SYS_msgrcv:
		return msgrcv(id, (void *)arg[1], (size_t)arg[2], arg[3], (int)arg[4]);
	default:
		return msgctl(id, (int)arg[1], (struct msqid_ds *)arg[2]);
	}
}

EXPORT long syscall(long number, ...)
{
	va_list list;
	long ret;

	va_start(list, number);
	const long arg[6] = FRONTEND_ARGUMENTS(list);
	va_end(list);
	switch (number) {
	case SYS_msgget:
	case SYS_msgsnd:
	case SYS_msgrcv:
	case SYS_msgctl:
		return frontend_serve(syscall_call, number, arg);
	case SYS_setuid:
	case SYS_setreuid:
	case SYS_setresuid:
	case SYS_setgid:
	case SYS_setregid:
	case SYS_setresgid:
	case SYS_setgroups:
		/* As in identity.c; the user of this thread alone changes. */
		ret = frontend_syscall(number, arg);
		sysv_handle_flush();
		return ret;
	default:
		return frontend_syscall(number, arg);
	}
}

#endif
