/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside libmbox
 *
 * factory.c	/dev/mbox: opened, asked once and closed by each call by name
 * handle.c	struct mbox: made from a name or a descriptor, closed
 * deletion.c	the end of a mailbox, by name or by handle
 * message.c	sending and receiving
 * ring.c	the same through shared memory
 * attr.c	attributes: get, set
 * owner.c	whose a mailbox is: handing over
 * link.c	direct communication: links to processes, the inbox
 * pidfd.c	the process behind a pidfd: its number, and whether it lives
 * deadline.c	relative times
 * error.c	errors in words
 *
 * A handle is a descriptor in an allocation, and nothing in it ever changes (but
 * in a ring, whose sides are one thread's each): that is why threads can share it
 * without a lock. The factory is not kept open
 * between calls, since the kernel takes credentials and network namespace from
 * whoever opened it: a program that changes either gets what it is now.
 *
 * A compiled program keeps working when <linux/mbox.h> grows. The structures that
 * it passes by address are therefore part of the library's ABI, with the size that
 * they have in the node of libmbox.map that lists the function. When a structure
 * grows, each function that takes it needs a new version in a new node, and its old
 * version stays in the old node. The assertions below notice. Options may grow at
 * the end without a new version, if a flag tells that the caller knows the field.
 */
#ifndef LIBMBOX_INTERNAL_H
#define LIBMBOX_INTERNAL_H

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "mbox.h"

_Static_assert(sizeof(struct mbox_header) == 56, "mbox_recv, mbox_recv_alloc, mbox_ring_peek");
_Static_assert(sizeof(struct mbox_info) == 264, "mbox_get");
_Static_assert(sizeof(struct mbox_ioc_set) == 40, "mbox_set");

struct mbox_ring;

struct mbox {
	int fd;
	struct mbox_ring *ring;		/* mapped, if it is one; or NULL */
};

/* ioctl() with the library's way to fail: a negated errno, errno as it was. */
static inline int mbox_ioctl(int fd, unsigned long request, void *arg)
{
	int saved = errno;
	int ret = ioctl(fd, request, arg);

	if (ret < 0) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

static inline uint64_t mbox_address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

#pragma GCC visibility push(hidden)

/* Copies a name into an argument's, or -EINVAL where that would cut it or
 * where it is empty: to the kernel, an empty name is the lack of one. */
int mbox_name_copy(char to[MBOX_NAME_SIZE], const char *name);

/* One call on /dev/mbox. */
int mbox_factory_ioctl(unsigned long request, void *arg);

/* A call on /dev/mbox that returns a descriptor, which becomes a handle. */
int mbox_handle_open(struct mbox **mbp, unsigned long request, void *arg);

/*
 * The kernel takes process numbers, and a number may be another process' by the
 * time that it does: so callers ask for the number, make the call, and ask
 * whether the process lives. If it does, the number was its own all the time.
 * Both return -ESRCH if it has ended.
 */
int mbox_pidfd_number(int pidfd, uint32_t *pid);
int mbox_pidfd_alive(int pidfd);

/*
 * Check that a header identifies its sender. Returns 0; -ESRCH if the sender is in
 * another pid namespace, or the header came from a ring; -EINVAL if the header has
 * no start time: a number alone may be another process's by now. Only the first
 * process of a namespace keeps its number for ever.
 */
static inline int mbox_sender_check(const struct mbox_header *hdr)
{
	if (!hdr)
		return -EFAULT;
	if (!hdr->pid)
		return -ESRCH;
	return hdr->start || hdr->pid == 1 ? 0 : -EINVAL;
}

/* The clock, deadline and non-blocking flag of a relative timeout. */
int mbox_timeout_apply(int64_t timeout_ns, uint32_t nonblock, uint32_t *flags,
		       uint32_t *clock, int64_t *deadline);

/* The mappings of a ring on whose descriptor @info was got; NULL if it is none. */
int mbox_ring_open(struct mbox_ring **ringp, int fd,
		   const struct mbox_info *info);
void mbox_ring_unmap(struct mbox_ring *ring);
int mbox_ring_send(struct mbox *mb, const void *data, size_t size,
		   const struct mbox_send_opts *opts);
ssize_t mbox_ring_recv(struct mbox *mb, void *buf, size_t size,
		       const struct mbox_recv_opts *opts,
		       struct mbox_header *hdr);

#pragma GCC visibility pop

#endif /* LIBMBOX_INTERNAL_H */
