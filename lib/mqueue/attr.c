// SPDX-License-Identifier: LGPL-2.1-or-later
/* mq_getattr(), mq_setattr() */
#include "mqueue.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Get the attributes of a queue. Returns whether it is one; else errno is EBADF. */
bool mqueue_get(mqd_t mqdes, struct mbox_info *info)
{
	info->flags = 0;
	if (!ioctl(mqdes, MBOX_IOC_GET, info))
		return true;
	errno = EBADF;
	return false;
}

/*
 * Returns whether the caller can read @size bytes, 8 or more; else errno is EFAULT. The
 * kernel's own calls fail so for a bad address, where a program would be killed here. A
 * thread mostly has its arguments in the same page, which is asked about once.
 */
bool mqueue_readable(const void *p, size_t size)
{
	static __thread uintptr_t known __attribute__((tls_model("initial-exec")));
	const char *first = p, *last = first + size - sizeof(uint64_t);
	uintptr_t page = (uintptr_t)first >> 12;
	int saved = errno;

	if (page == known && ((uintptr_t)first + size - 1) >> 12 == page)
		return true;
	/* The kernel reads the set before it finds that the first argument is wrong. */
	for (const char *at = first;; at = last) {
		if (syscall(SYS_rt_sigprocmask, -1, at, NULL, sizeof(uint64_t)) &&
		    errno == EFAULT)
			return false;
		if (at == last)
			break;
	}
	known = page;
	errno = saved;
	return true;
}

/*
 * Returns whether the caller can write @size bytes, 8 or more, that it is about to write in full:
 * they are overwritten. Else errno is EFAULT.
 */
bool mqueue_writable(void *p, size_t size)
{
	char *last = (char *)p + size - sizeof(uint64_t);
	int saved = errno;

	if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, p, sizeof(uint64_t)) ||
	    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, last, sizeof(uint64_t)))
		return false;
	errno = saved;
	return true;
}

static int attr_set_nonblock(mqd_t mqdes, bool nonblock)
{
	int flags = fcntl(mqdes, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(mqdes, F_SETFL, nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

EXPORT int mq_setattr(mqd_t mqdes, const struct mq_attr *restrict attr,
		       struct mq_attr *restrict old)
{
	struct mq_attr result = { .mq_flags = 0 };
	struct mbox_info info;
	long flags = 0;

	if (attr) {
		if (!mqueue_readable(attr, sizeof(*attr)))
			return -1;
		flags = attr->mq_flags;
		if (flags & ~(long)O_NONBLOCK)
			return mqueue_fail(EINVAL);
	}
	if (!mqueue_get(mqdes, &info))
		return -1;
	result.mq_flags = fcntl(mqdes, F_GETFL) & O_NONBLOCK;
	result.mq_maxmsg = (long)info.capacity;
	result.mq_msgsize = (long)info.msg_size;
	result.mq_curmsgs = (long)info.queued;
	if (attr && flags != result.mq_flags && attr_set_nonblock(mqdes, flags & O_NONBLOCK))
		return -1;
	/* Last: both may be the same. */
	if (old && !mqueue_writable(old, sizeof(*old)))
		return -1;
	if (old)
		*old = result;
	return 0;
}

EXPORT int mq_getattr(mqd_t mqdes, struct mq_attr *attr)
{
	return mq_setattr(mqdes, NULL, attr);
}
