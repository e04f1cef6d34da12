/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the front ends, lib/mqueue and lib/sysv: what both need of the system
 *
 * All in this file leave errno alone, but for the result of a call.
 */
#ifndef LIBMBOX_FRONTEND_H
#define LIBMBOX_FRONTEND_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT	__attribute__((visibility("default")))

/*
 * Make a call on a queue that is a cancellation point, as in the C library: a blocked thread
 * ends at once. A process with one thread has none that could be cancelled.
 */
static inline int frontend_ioctl(int fd, unsigned long request, void *arg)
{
	int type, ret;

	if (__builtin_expect(__libc_single_threaded, 1))
		return ioctl(fd, request, arg);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	ret = ioctl(fd, request, arg);
	pthread_setcanceltype(type, NULL);
	return ret;
}

/*
 * Read a short file into @text, with a NUL. Not by open(), which is a cancellation point.
 * Returns whether there was anything.
 */
static inline bool frontend_read(const char *path, char *text, size_t size)
{
	int saved = errno;
	long length = -1;
	int fd;

	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = syscall(SYS_read, fd, text, size - 1);
		syscall(SYS_close, fd);
	}
	errno = saved;
	text[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Returns whether the caller has a capability. */
static inline bool frontend_capable(unsigned int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };
	int saved = errno;
	long ret = syscall(SYS_capget, &header, data);

	errno = saved;
	return !ret && (data[cap / 32].effective & 1U << cap % 32);
}

/*
 * The six arguments that a system call can have. A caller of syscall() that gave fewer does not
 * notice that others are read.
 */
#define FRONTEND_ARGUMENTS(list)						\
	{ va_arg(list, long), va_arg(list, long), va_arg(list, long),		\
	  va_arg(list, long), va_arg(list, long), va_arg(list, long) }

/* Have the next library, mostly the C library, make a system call. */
static inline long frontend_syscall(long number, const long arg[6])
{
	static long (*_Atomic next)(long number, ...);

	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* Serve a call that a program makes by syscall(), which is not a cancellation point. */
static inline long frontend_serve(long (*call)(long number, const long arg[6]), long number,
				  const long arg[6])
{
	int cancel;
	long ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	ret = call(number, arg);
	pthread_setcancelstate(cancel, NULL);
	return ret;
}

#endif /* LIBMBOX_FRONTEND_H */
