// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls for the mode of a handle and for notices, and the copying of their arguments. */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "ioctl.h"
#include "link.h"
#include "mbox.h"
#include "mode.h"
#include "notify.h"
#include "queue.h"

#define MODE_FLAGS (MBOX_MODE_HEADER | MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER | \
		    MBOX_RECV_BY_START | MBOX_RECV_NOT_TYPE | MBOX_RECV_MAX_TYPE)

/* Check the size of headers that the caller knows. 0 or an error. */
static int mode_check_header(const struct mbox_ioc_mode *arg)
{
	const u32 size = sizeof(struct mbox_header);

	if (!(arg->flags & MBOX_MODE_HEADER))
		return arg->header_size ? -EINVAL : 0;
	if (arg->header_size > size)
		return -E2BIG;
	return arg->header_size < size ? -EINVAL : 0;
}

long mbox_ioctl_mode(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	struct mbox_filter filter = {};
	struct mbox_ioc_mode arg;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	if (!(handle->rights & MBOX_RIGHT_RECV))
		return -EBADF;
	if (handle->mbox->ring)
		return -EOPNOTSUPP;
	if ((arg.flags & ~MODE_FLAGS) ||
	    (arg.start && !(arg.flags & MBOX_RECV_BY_START)) ||
	    mbox_ioctl_set_filter(&filter, arg.flags,
				  mbox_ioctl_type(arg.type, arg.type_hi), arg.pid,
				  arg.start, arg.min_prio))
		return -EINVAL;
	error = mode_check_header(&arg);
	if (error)
		return error;
	/* All messages of a link are of one process. */
	if (handle->in && (arg.flags & MBOX_RECV_BY_SENDER))
		return -EOPNOTSUPP;
	if (handle->endpoint && (arg.flags & MBOX_RECV_MAX_TYPE))
		return -EOPNOTSUPP;
	if (READ_ONCE(handle->shut) & MBOX_RIGHT_RECV)
		return -ESHUTDOWN;
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	return mbox_mode_set(handle, arg.flags, &filter);
}

/* Take a notice. If its results cannot be written, nothing was taken. */
static long notify_take(struct mbox_handle *handle, struct mbox_ioc_notify *arg,
			void __user *uarg)
{
	struct mbox_notify *notify = mbox_notify_take(handle);
	long error;

	if (IS_ERR(notify))
		return PTR_ERR(notify);
	error = notify->state == MBOX_NOTIFY_FIRED ? 0 : -ECANCELED;
	arg->cookie = notify->cookie;
	if (!error) {
		arg->pid = pid_vnr(notify->sender);
		arg->uid = from_kuid_munged(current_user_ns(), notify->uid);
	}
	if (copy_to_user(uarg, arg, sizeof(*arg))) {
		mbox_notify_put_back(handle, notify);
		return -EFAULT;
	}
	mbox_notify_free(notify);
	return error;
}

long mbox_ioctl_notify(struct file *file, void __user *uarg, size_t usize)
{
	struct mbox_handle *handle = file->private_data;
	const struct mbox *mbox = handle->mbox;
	struct mbox_ioc_notify arg;
	int error;

	error = mbox_ioctl_copy(&arg, sizeof(arg), uarg, usize);
	if (error)
		return error;
	if (arg.flags || arg.how > MBOX_NOTIFY_TAKE ||
	    (arg.cookie && arg.how != MBOX_NOTIFY_ARM))
		return -EINVAL;
	if (mbox->ring || mbox->cast || handle->endpoint)
		return -EOPNOTSUPP;
	/* Before anything is done: the results can be written. */
	arg.pid = 0;
	arg.uid = 0;
	if (copy_to_user(uarg, &arg, sizeof(arg)))
		return -EFAULT;
	switch (arg.how) {
	case MBOX_NOTIFY_ARM:
		return mbox_notify_arm(handle, arg.cookie);
	case MBOX_NOTIFY_DISARM:
		mbox_notify_disarm(handle);
		return 0;
	}
	return notify_take(handle, &arg, uarg);
}
