// SPDX-License-Identifier: LGPL-2.1-or-later
/* mq_open(), mq_close(), mq_unlink() */
#include "mqueue.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Write one line to standard error. */
static void open_complain(const char *line)
{
	ssize_t ignored = write(STDERR_FILENO, line, strlen(line));

	(void)ignored;
}

/* Standard error says once why no call works. */
static int open_no_device(void)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&told))
		open_complain("libmbox-mqueue: there is no /dev/mbox: the module mbox is not loaded\n");
	return mqueue_fail(ENOSYS);
}

/*
 * Open the factory. Not at the lowest number that is free: that is for the queue, as if
 * nothing else had been opened.
 */
static int open_factory(void)
{
	int low = open("/dev/mbox", O_RDWR | O_CLOEXEC), high;

	if (low < 0)
		return errno == ENOENT || errno == ENXIO || errno == ENODEV ? open_no_device() :
									    -1;
	high = fcntl(low, F_DUPFD_CLOEXEC, low + 1);
	close(low);
	return high;
}

/* Close without a change of errno. Returns @result. */
static int open_close(int fd, int result)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return result;
}

/* Set the label of a queue. Returns 0 or the error of a wrong name. */
static int open_name(struct mbox_ioc_open *arg, const char *label)
{
	size_t size = strnlen(label, PATH_MAX);

	if (!size)
		return ENOENT;
	if (size == PATH_MAX)
		return ENAMETOOLONG;
	if (!strcmp(label, ".") || !strcmp(label, "..") || memchr(label, '/', size))
		return EACCES;
	if (size > MBOX_LABEL_MAX)
		return ENAMETOOLONG;
	arg->space = MBOX_SPACE_MQ;
	arg->label = mqueue_address(label);
	arg->label_size = (uint32_t)size;
	return 0;
}

/* Open the queue; make it where @arg says so. Returns the descriptor, or -1. */
static int open_call(int factory, unsigned long request, const struct mbox_ioc_open *arg)
{
	int fd = ioctl(factory, request, arg);

	if (fd >= 0)
		return fd;
	if (errno == EDQUOT)
		errno = ENOSPC;
	else if (errno == EIDRM)
		errno = ENOENT;
	return -1;
}

/* The queue is not there, or must not be: make it. */
static int open_new(int factory, struct mbox_ioc_open *arg, bool exclusive, mode_t mode,
		    const struct mq_attr *attr)
{
	struct mbox_ioc_open old = *arg;
	int error = mqueue_limits_apply(attr, arg), fd;

	if (!error && mqueue_limits_full(factory))
		error = ENOSPC;
	if (error && exclusive) {
		/* That it is there counts for more. */
		old.rights = 0;
		fd = ioctl(factory, MBOX_IOC_OPEN, &old);
		if (fd >= 0 || errno == EACCES)
			error = EEXIST;
		if (fd >= 0)
			close(fd);
	}
	if (error)
		return mqueue_fail(error);
	arg->mode = mode & 0666;
	if (exclusive)
		return open_call(factory, MBOX_IOC_CREATE, arg);
	arg->flags |= MBOX_OPEN_CREATE;
	return open_call(factory, MBOX_IOC_OPEN, arg);
}

static mqd_t open_queue(const char *label, int oflag, mode_t mode, const struct mq_attr *attr)
{
	static const uint32_t rights[] = {
		[O_RDONLY] = MBOX_RIGHT_RECV,
		[O_WRONLY] = MBOX_RIGHT_SEND,
		[O_RDWR] = MBOX_RIGHT_RECV | MBOX_RIGHT_SEND,
		[O_ACCMODE] = 0, /* invalid */
	};
	const bool exclusive = (oflag & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	struct mbox_ioc_open arg = {
		.flags = oflag & O_NONBLOCK ? MBOX_OPEN_NONBLOCK : 0,
		.rights = rights[oflag & O_ACCMODE],
	};
	int error, factory, fd = -1;

	if (attr && !mqueue_readable(attr, sizeof(*attr)))
		return -1;
	error = open_name(&arg, label);
	if (!error && !arg.rights)
		error = EINVAL;
	if (error)
		return mqueue_fail(error);
	factory = open_factory();
	if (factory < 0)
		return -1;
	if (!exclusive)
		fd = open_call(factory, MBOX_IOC_OPEN, &arg);
	if (exclusive || (fd < 0 && errno == ENOENT && (oflag & O_CREAT)))
		fd = open_new(factory, &arg, exclusive, mode, attr);
	return open_close(factory, fd);
}

/* mq_open() as the kernel has it: without the slash before the name. */
mqd_t mqueue_open_label(const char *label, int oflag, mode_t mode, const struct mq_attr *attr)
{
	int cancel, saved = errno;
	mqd_t mqdes;

	/* Not a cancellation point: the descriptors would stay open. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	mqdes = open_queue(label, oflag, mode, attr);
	pthread_setcancelstate(cancel, NULL);
	/* A call that succeeds leaves errno alone. */
	if (mqdes >= 0)
		errno = saved;
	return mqdes;
}

EXPORT mqd_t mq_open(const char *name, int oflag, ...)
{
	struct mq_attr *attr = NULL;
	mode_t mode = 0;

	if (oflag & O_CREAT) {
		va_list args;

		va_start(args, oflag);
		mode = va_arg(args, mode_t);
		attr = va_arg(args, struct mq_attr *);
		va_end(args);
	}
	if (name[0] != '/')
		return mqueue_fail(EINVAL);
	return mqueue_open_label(name + 1, oflag, mode, attr);
}

/* mq_open() with two arguments, in a program that was compiled with _FORTIFY_SOURCE. */
EXPORT mqd_t __mq_open_2(const char *name, int oflag);

EXPORT mqd_t __mq_open_2(const char *name, int oflag)
{
	if (oflag & O_CREAT) {
		open_complain("*** invalid mq_open call: O_CREAT without mode and attr ***: terminated\n");
		abort();
	}
	return mq_open(name, oflag);
}

EXPORT int mq_close(mqd_t mqdes)
{
	return close(mqdes);
}

static int open_unlink(const char *label)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_UNLINK };
	struct mbox_ioc_open arg = { .flags = 0 };
	int error = open_name(&arg, label);
	int factory, fd, ret;

	if (error)
		return mqueue_fail(error);
	factory = open_factory();
	if (factory < 0)
		return -1;
	fd = open_close(factory, open_call(factory, MBOX_IOC_OPEN, &arg));
	if (fd < 0)
		return mqueue_fail(errno == EACCES ? EPERM : errno);
	ret = ioctl(fd, MBOX_IOC_DELETE, &delete);
	if (ret && errno == EIDRM)
		errno = ENOENT;
	return open_close(fd, ret);
}

/* mq_unlink() as the kernel has it. */
int mqueue_open_unlink(const char *label)
{
	int cancel, ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	ret = open_unlink(label);
	pthread_setcancelstate(cancel, NULL);
	return ret;
}

EXPORT int mq_unlink(const char *name)
{
	if (name[0] != '/')
		return mqueue_fail(EINVAL);
	if (!mqueue_open_unlink(name + 1))
		return 0;
	/* As the C library. */
	return mqueue_fail(errno == EPERM ? EACCES : errno);
}
