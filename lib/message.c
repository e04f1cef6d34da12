// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sending and receiving */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

/* First size of the buffer of mbox_recv_alloc(), in bytes with the NUL. */
#define ALLOC_START	4096

/*
 * Without options the cheaper calls do: LSMs look at each ioctl(), and the argument of
 * a receive is long. Not by the functions of these names, which are cancellation
 * points: a thread that is cancelled in read() can lose a message.
 */
static int message_write(int fd, const void *data, size_t size)
{
	int saved = errno;
	int ret = 0;

	if (syscall(SYS_write, fd, data, size) < 0) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

static ssize_t message_read(int fd, void *buf, size_t size)
{
	int saved = errno;
	ssize_t ret = syscall(SYS_read, fd, buf, size);

	if (ret < 0) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

/* Send a message whose type has more than 32 bits: a post has room for it. */
static __attribute__((noinline)) int message_post(const struct mbox *mb, const void *data,
						  size_t size,
						  const struct mbox_send_opts *opts)
{
	struct mbox_ioc_post arg = { .type_hi = opts->type_hi };

	mbox_send_set(&arg.send, data, size, opts);
	return mbox_ioctl(mb->fd, MBOX_IOC_POST, &arg);
}

int mbox_send(struct mbox *mb, const void *data, size_t size,
	      const struct mbox_send_opts *opts)
{
	struct mbox_ioc_send arg;

	if (!mb)
		return -EINVAL;
	if (mb->ring)
		return mbox_ring_send(mb, data, size, opts);
	if (!opts && !mb->counts && size <= MESSAGE_RW_MAX)
		return message_write(mb->fd, data, size);
	if (opts && opts->type_hi)
		return message_post(mb, data, size, opts);
	arg = (struct mbox_ioc_send) { .flags = 0 };
	mbox_send_set(&arg, data, size, opts);
	return mbox_ioctl(mb->fd, MBOX_IOC_SEND, &arg);
}

int mbox_send_timeout(struct mbox *mb, const void *data, size_t size,
		      int64_t timeout_ns)
{
	struct mbox_send_opts opts = { .flags = 0 };
	int ret;

	ret = mbox_timeout_apply(timeout_ns, MBOX_SEND_NONBLOCK, &opts.flags,
				 &opts.clock, &opts.deadline);
	if (ret)
		return ret;
	return mbox_send(mb, data, size, &opts);
}

int mbox_send_string(struct mbox *mb, const char *s)
{
	if (!s)
		return mb ? -EFAULT : -EINVAL;
	return mbox_send(mb, s, strlen(s), NULL);
}

/* Receive from a mailbox that is no ring. Apart, so that rings do not pay for it. */
static __attribute__((noinline)) ssize_t
message_recv(const struct mbox *mb, void *buf, size_t size,
	     const struct mbox_recv_opts *opts, struct mbox_header *hdr)
{
	struct mbox_ioc_recv arg = { .flags = 0 };
	int ret;

	mbox_recv_set(&arg, buf, size, opts);
	ret = mbox_ioctl(mb->fd, MBOX_IOC_RECV, &arg);
	if (hdr && (ret == 0 || ret == -EMSGSIZE))
		*hdr = arg.header;
	return ret < 0 ? ret : (ssize_t)arg.header.length;
}

ssize_t mbox_recv(struct mbox *mb, void *buf, size_t size,
		  const struct mbox_recv_opts *opts, struct mbox_header *hdr)
{
	if (!mb)
		return -EINVAL;
	if (mb->ring)
		return mbox_ring_recv(mb, buf, size, opts, hdr);
	if (!opts && !hdr &&
	    size < __atomic_load_n(&mb->read_limit, __ATOMIC_RELAXED))
		return message_read(mb->fd, buf, size);
	return message_recv(mb, buf, size, opts, hdr);
}

ssize_t mbox_recv_timeout(struct mbox *mb, void *buf, size_t size,
			  int64_t timeout_ns)
{
	struct mbox_recv_opts opts = { .flags = 0 };
	int ret;

	ret = mbox_timeout_apply(timeout_ns, MBOX_RECV_NONBLOCK, &opts.flags,
				 &opts.clock, &opts.deadline);
	if (ret)
		return ret;
	return mbox_recv(mb, buf, size, &opts, NULL);
}

ssize_t mbox_recv_string(struct mbox *mb, char *buf, size_t size)
{
	ssize_t length;

	/* Else an empty message would be received although its NUL does not fit. */
	if (!size)
		return -EINVAL;
	if (!buf)
		return mb ? -EFAULT : -EINVAL;
	length = mbox_recv(mb, buf, size - 1, NULL, NULL);
	if (length >= 0)
		buf[length] = '\0';
	return length;
}

/*
 * Allocate the buffer before the receive: failing afterwards would lose the
 * message. A message that is too long stays queued, so the retry usually finds it;
 * if another receiver was faster, it may find a longer one, or nothing. Since the
 * buffer only grows, the mailbox's msg_size bounds the retries.
 */
ssize_t mbox_recv_alloc(struct mbox *mb, void **datap,
			const struct mbox_recv_opts *opts,
			struct mbox_header *hdr)
{
	struct mbox_header header = { .length = 0 };
	size_t size = ALLOC_START;
	int saved = errno;
	ssize_t length;
	char *buf, *cut;

	/* The buffer fits the message, so none is cut. */
	if (!mb || (opts && (opts->flags & MBOX_RECV_TRUNC)))
		return -EINVAL;
	if (!datap)
		return -EFAULT;
	for (;;) {
		buf = malloc(size);
		if (!buf) {
			length = -ENOMEM;
			break;
		}
		length = mbox_recv(mb, buf, size - 1, opts, &header);
		if (length != -EMSGSIZE)
			break;
		free(buf);
		buf = NULL;
		if (header.length >= SIZE_MAX / 2) {
			length = -ENOMEM;
			break;
		}
		size = (size_t)header.length + 1;
	}
	if (length < 0) {
		free(buf);
		errno = saved;
		return length;
	}
	buf[length] = '\0';
	/* A caller may keep many messages: shrink the buffer to fit. */
	cut = realloc(buf, (size_t)length + 1);
	*datap = cut ? cut : buf;
	if (hdr)
		*hdr = header;
	errno = saved;
	return length;
}
