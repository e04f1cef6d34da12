/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside libmbox
 *
 * factory.c	/dev/mbox: opened for each call by name, and closed after it
 * handle.c	struct mbox: made from a name or a descriptor, closed
 * deletion.c	deleting a mailbox, by name or by handle
 * message.c	sending and receiving
 * batch.c	the same, many messages in one call
 * lease.c	leases: receive a message for a time, acknowledge it, give it back
 * post.c	sending with a mark or with a time
 * call.c	requests and replies
 * ring.c	sending and receiving through shared memory
 * ring_map.c	mapping a ring
 * ring_wait.c	waiting for the other side of a ring
 * mode.c	the mode of a handle: its filter, headers; notices
 * attr.c	attributes: get, set
 * owner.c	the owner of a mailbox: handing it over
 * link.c	direct communication: links to processes, the inbox
 * pidfd.c	the process of a pidfd: its number, and whether it lives
 * deadline.c	relative times
 * error.c	errors in words
 * version.c	the version, and the calls that the module knows
 *
 * A handle is a descriptor in an allocation, and never changes, but by mbox_mode():
 * threads can share it without a lock. (A ring has state: each side belongs to one thread.) The
 * library does not keep the factory open between calls: the kernel takes
 * credentials and network namespace from its opener, and a program may change
 * either.
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

#include <stdbool.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "mbox.h"

_Static_assert(sizeof(struct mbox_header) == 56, "mbox_recv, mbox_recv_alloc, mbox_ring_peek");
_Static_assert(sizeof(struct mbox_send_entry) == 32, "mbox_sendv");
_Static_assert(sizeof(struct mbox_recv_entry) == 80, "mbox_recvv");
_Static_assert(sizeof(struct mbox_delivery) == 64, "mbox_lease, mbox_reply_recv");
_Static_assert(sizeof(struct mbox_ack_entry) == 16, "mbox_ackv");
_Static_assert(sizeof(struct mbox_notified) == 16, "mbox_notify");
_Static_assert(sizeof(struct mbox_info) == 632, "mbox_get");
_Static_assert(sizeof(struct mbox_ioc_set) == 40, "mbox_set");

struct mbox_ring;

struct mbox {
	int fd;
	struct mbox_ring *ring;		/* the mappings, or NULL if it is no ring */
	bool counts;			/* a send returns a number: not by write() */
	bool queue;			/* of mq_overview(7): neither by write() nor by read() */
	size_t read_limit;		/* only smaller buffers go by read(); 0: its result
					 * has a header. Read and written whole
					 */
};

/* The kernel cuts longer transfers of read() and write() short. */
#define MESSAGE_RW_MAX	0x7ffff000

/* Note whether read() on the handle yields headers. */
static inline void mbox_handle_framed(struct mbox *mb, bool framed)
{
	__atomic_store_n(&mb->read_limit, framed || mb->queue ? 0 : (size_t)MESSAGE_RW_MAX + 1,
			 __ATOMIC_RELAXED);
}

/* Call ioctl(). Returns a negated errno on failure, and leaves errno unchanged. */
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

/*
 * No function is a cancellation point: a thread that is cancelled in open(), close(),
 * read() or poll() would leave a descriptor or memory behind. Functions that call one
 * of these put it between these two.
 */
static inline int mbox_cancel_disable(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static inline void mbox_cancel_restore(int state)
{
	pthread_setcancelstate(state, NULL);
}

/* Fill in a send. */
static inline void mbox_send_set(struct mbox_ioc_send *arg, const void *data, size_t size,
				 const struct mbox_send_opts *opts)
{
	arg->data = mbox_address(data);
	arg->size = size;
	if (!opts)
		return;
	arg->flags = opts->flags;
	arg->prio = opts->prio;
	arg->type = opts->type;
	arg->clock = opts->clock;
	arg->deadline = opts->deadline;
}

/* Fill in a receive. */
static inline void mbox_recv_set(struct mbox_ioc_recv *arg, void *buf, size_t size,
				 const struct mbox_recv_opts *opts)
{
	arg->data = mbox_address(buf);
	/* A length beyond SSIZE_MAX cannot be returned. */
	arg->size = size > SIZE_MAX / 2 ? SIZE_MAX / 2 : size;
	if (!opts)
		return;
	arg->flags = opts->flags;
	arg->clock = opts->clock;
	arg->deadline = opts->deadline;
	arg->type = opts->type;
	arg->type_hi = opts->type_hi;
	arg->pid = opts->pid;
	arg->min_prio = opts->min_prio;
	/* A caller that does not set the flag may not have the field. */
	if (opts->flags & MBOX_RECV_BY_START)
		arg->header.start = opts->start;
	if (opts->flags & MBOX_RECV_AT)
		arg->header.seq = opts->index;
}

#pragma GCC visibility push(hidden)

/* Copy a name into an argument. Returns -EINVAL if it is empty or too long: to the
 * kernel, an empty name means no name. */
int mbox_name_copy(char to[MBOX_NAME_SIZE], const char *name);

/* Make one call on /dev/mbox. */
int mbox_factory_ioctl(unsigned long request, void *arg);

/* Make a call on /dev/mbox that returns a descriptor, and make a handle of that. */
int mbox_handle_open(struct mbox **mbp, unsigned long request, void *arg);

/*
 * The kernel takes process numbers, and a number may belong to another process by
 * then. So callers get the number, make the call, and check that the process still
 * lives: then the number was its own all the time. Both return -ESRCH if the
 * process has ended.
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

/* Set clock, deadline and non-blocking flag for a relative timeout. */
int mbox_timeout_apply(int64_t timeout_ns, uint32_t nonblock, uint32_t *flags,
		       uint32_t *clock, int64_t *deadline);

/* Map the ring of descriptor @fd, whose attributes are @info; NULL if it is no ring. */
int mbox_ring_map(struct mbox_ring **ringp, int fd,
		  const struct mbox_info *info);
void mbox_ring_unmap(struct mbox_ring *ring);
int mbox_ring_send(struct mbox *mb, const void *data, size_t size,
		   const struct mbox_send_opts *opts);
ssize_t mbox_ring_recv(struct mbox *mb, void *buf, size_t size,
		       const struct mbox_recv_opts *opts,
		       struct mbox_header *hdr);

/* Fill in a receive with a lease. */
void mbox_lease_set(struct mbox_ioc_lease *arg, void *buf, size_t size,
		    const struct mbox_lease_opts *opts);

/*
 * Give the caller the results of a receive with a lease, of which the call returned
 * @ret. Returns the result of the function.
 */
ssize_t mbox_lease_result(const struct mbox_ioc_lease *arg, int ret,
			  struct mbox_header *hdr, struct mbox_delivery *delivery);

#pragma GCC visibility pop

#endif /* LIBMBOX_INTERNAL_H */
