/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside libmbox-mqueue: the calls of mq_overview(7), on mailboxes
 *
 * open.c	mq_open(), mq_close(), mq_unlink(): names and rights
 * limits.c	attributes of a new queue, and the limits of the system
 * attr.c	mq_getattr(), mq_setattr()
 * message.c	mq_send(), mq_receive() and their relatives
 * notify.c	mq_notify()
 * syscall.c	the same calls of a program that makes them by syscall()
 *
 * A queue is a mailbox of the space MBOX_SPACE_MQ, of lifetime OS, with the policy PRIO. A
 * descriptor of a queue, mqd_t, is that of a handle. There is no table of them: programs
 * close, copy and pass them on as they like, so each call asks the kernel anew. Only a
 * registration of mq_notify() is remembered, see notify.c.
 *
 * Where POSIX and Linux differ, or POSIX says nothing, these calls follow the kernel's
 * ipc/mqueue.c and glibc. Errors of mailboxes that mq_overview(7) does not know get the
 * nearest that it knows.
 */
#ifndef LIBMBOX_MQUEUE_H
#define LIBMBOX_MQUEUE_H

/*
 * Definitions of the functions of <mqueue.h> cannot have its checks of mq_open(), nor
 * another symbol for mq_timedsend() on 32 bits; and they do take NULL.
 */
#undef _FORTIFY_SOURCE
#undef _TIME_BITS
#include <sys/cdefs.h>
#undef __nonnull
#define __nonnull(params)

#include <errno.h>
#include <mqueue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <linux/mbox.h>

#include "../frontend.h"

/* Set errno. Returns -1. */
static inline int mqueue_fail(int error)
{
	errno = error;
	return -1;
}

static inline uint64_t mqueue_address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* open.c */
mqd_t mqueue_open_label(const char *label, int oflag, mode_t mode, const struct mq_attr *attr);
int mqueue_open_unlink(const char *label);

/* limits.c */
int mqueue_limits_apply(const struct mq_attr *attr, struct mbox_ioc_open *arg);
bool mqueue_limits_full(int factory);

/* attr.c */
bool mqueue_get(mqd_t mqdes, struct mbox_info *info);
bool mqueue_readable(const void *p, size_t size);
bool mqueue_writable(void *p, size_t size);

/* notify.c */
extern atomic_uint mqueue_signals;
void mqueue_notify_settle(void);

#endif /* LIBMBOX_MQUEUE_H */
