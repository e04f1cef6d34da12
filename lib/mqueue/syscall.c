// SPDX-License-Identifier: LGPL-2.1-or-later
/* Calls of mq_overview(7) that a program makes by syscall() */
#include "mqueue.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>

/* On 32 bits, times and attributes have other forms here: those calls go to the kernel. */
#if __SIZEOF_LONG__ == 8

/* Returns whether the caller can read the name; else errno is EFAULT. */
static bool syscall_name(const char *label)
{
	const long arg[6] = { AT_FDCWD, (long)label, F_OK };
	int saved = errno;

	if (frontend_syscall(SYS_faccessat, arg) && errno == EFAULT)
		return false;
	errno = saved;
	return true;
}

static long syscall_open(const long arg[6])
{
	const char *label = (const char *)arg[0];

	if (!syscall_name(label))
		return -1;
	return mqueue_open_label(label, (int)arg[1], (mode_t)arg[2],
				 (const struct mq_attr *)arg[3]);
}

static long syscall_unlink(const long arg[6])
{
	const char *label = (const char *)arg[0];

	return syscall_name(label) ? mqueue_open_unlink(label) : -1;
}

/* With SIGEV_THREAD the C library talks to the kernel, which does not know the queue. */
static long syscall_notify(const long arg[6])
{
	const struct sigevent *event = (const struct sigevent *)arg[1];

	if (event && mqueue_readable(event, sizeof(*event)) &&
	    event->sigev_notify == SIGEV_THREAD)
		return frontend_syscall(SYS_mq_notify, arg);
	return mq_notify((mqd_t)arg[0], event);
}

static long syscall_call(long number, const long arg[6])
{
	mqd_t mqdes = (mqd_t)arg[0];

	switch (number) {
	case SYS_mq_open:
		return syscall_open(arg);
	case SYS_mq_unlink:
		return syscall_unlink(arg);
	case SYS_mq_timedsend:
		return mq_timedsend(mqdes, (const char *)arg[1], (size_t)arg[2],
				    (unsigned int)arg[3], (const struct timespec *)arg[4]);
	case SYS_mq_timedreceive:
		return mq_timedreceive(mqdes, (char *)arg[1], (size_t)arg[2],
				       (unsigned int *)arg[3], (const struct timespec *)arg[4]);
	case SYS_mq_notify:
		return syscall_notify(arg);
	default:
		return mq_setattr(mqdes, (const struct mq_attr *)arg[1], (struct mq_attr *)arg[2]);
	}
}

EXPORT long syscall(long number, ...)
{
	va_list list;

	va_start(list, number);
	const long arg[6] = FRONTEND_ARGUMENTS(list);
	va_end(list);
	switch (number) {
	case SYS_mq_open:
	case SYS_mq_unlink:
	case SYS_mq_timedsend:
	case SYS_mq_timedreceive:
	case SYS_mq_notify:
	case SYS_mq_getsetattr:
		return frontend_serve(syscall_call, number, arg);
	default:
		return frontend_syscall(number, arg);
	}
}

#endif
