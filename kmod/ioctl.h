/* SPDX-License-Identifier: GPL-2.0-only */
/* Ioctls: tables, and the copying of arguments. */
#ifndef MBOX_IOCTL_H
#define MBOX_IOCTL_H

#include <linux/errno.h>
#include <linux/ioctl.h>
#include <linux/nospec.h>
#include <linux/uaccess.h>
#include <linux/mbox.h>

#include "copy.h"

struct file;
struct mbox;
struct mbox_filter;
struct mbox_recv_args;
struct mbox_send_args;

/*
 * A call: @min_size is that of the first version of its structure. The call
 * itself copies its argument, with mbox_ioctl_copy(): where the compiler knows the
 * size, copying costs a fraction.
 */
struct mbox_ioctl {
	unsigned int cmd;
	size_t min_size;
	long (*call)(struct file *file, void __user *uarg, size_t usize);
};

#define MBOX_IOCTL(_name, _type, _last, _call)				\
	[_IOC_NR(MBOX_IOC_##_name)] = {				\
		.cmd = MBOX_IOC_##_name,			\
		.min_size = offsetofend(struct _type, _last),	\
		.call = _call,					\
	}

/* A type in the two halves of the ABI. */
static __always_inline u64 mbox_ioctl_type(u32 low, u32 high)
{
	return (u64)high << 32 | low;
}

/* Copy an argument. The caller may know more of the structure than we do, or less. */
static __always_inline int mbox_ioctl_copy(void *arg, size_t size,
					   const void __user *uarg, size_t usize)
{
	if (likely(usize == size))
		return mbox_copy_in(arg, uarg, size) ? 0 : -EFAULT;
	return copy_struct_from_user(arg, size, uarg, usize);
}

/* Find the call in a table by its number, and make it. */
static __always_inline long
mbox_ioctl_dispatch(const struct mbox_ioctl *iocs, size_t nr_iocs,
		    struct file *file, unsigned int cmd, unsigned long uarg)
{
	unsigned int nr = _IOC_NR(cmd);
	size_t usize = _IOC_SIZE(cmd);
	const struct mbox_ioctl *ioc;

	if (nr >= nr_iocs)
		return -ENOTTY;
	ioc = &iocs[array_index_nospec(nr, nr_iocs)];
	if (!ioc->call || ((cmd ^ ioc->cmd) & ~IOCSIZE_MASK))
		return -ENOTTY;
	if (usize < ioc->min_size)
		return -EINVAL;
	return ioc->call(file, (void __user *)uarg, usize);
}

/* ioctl.c */
long mbox_ioctl_handle(struct file *file, unsigned int cmd, unsigned long arg);
int mbox_ioctl_get_delete(struct mbox_ioc_delete *arg, void __user *uarg,
			  size_t usize);
long mbox_ioctl_delete(struct mbox *mbox, struct file *file,
		       struct mbox_ioc_delete *arg, void __user *uarg,
		       size_t usize);
int mbox_ioctl_set_send(struct file *file, const struct mbox_ioc_send *send,
			struct mbox_send_args *args);
int mbox_ioctl_set_recv(struct file *file, const struct mbox_ioc_recv *recv,
			struct mbox_ioc_recv __user *urecv,
			struct mbox_recv_args *args);

int mbox_ioctl_set_filter(struct mbox_filter *filter, u32 flags, u64 type, u32 pid,
			  u64 start, u32 min_prio);

/* ioctl_mode.c */
long mbox_ioctl_mode(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_notify(struct file *file, void __user *uarg, size_t usize);

/* ioctl_job.c */
long mbox_ioctl_lease(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_ack(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_nack(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_extend(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_post(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_call(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_reply(struct file *file, void __user *uarg, size_t usize);
long mbox_ioctl_kick(struct file *file, void __user *uarg, size_t usize);

#endif /* MBOX_IOCTL_H */
