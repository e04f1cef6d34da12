// SPDX-License-Identifier: GPL-2.0-only
/* The ioctl for the mode of a handle, and the copying of its argument. */
#include <linux/errno.h>
#include <linux/fs.h>

#include "ioctl.h"
#include "link.h"
#include "mbox.h"
#include "mode.h"
#include "queue.h"

#define MODE_FLAGS (MBOX_MODE_HEADER | MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER | \
		    MBOX_RECV_BY_START)

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
	if ((arg.flags & ~MODE_FLAGS) || arg.pad ||
	    (arg.start && !(arg.flags & MBOX_RECV_BY_START)) ||
	    mbox_ioctl_set_filter(&filter, arg.flags, arg.type, arg.pid,
				  arg.start, arg.min_prio))
		return -EINVAL;
	error = mode_check_header(&arg);
	if (error)
		return error;
	/* All messages of a link are of one process. */
	if (handle->in && (arg.flags & MBOX_RECV_BY_SENDER))
		return -EOPNOTSUPP;
	if (READ_ONCE(handle->shut) & MBOX_RIGHT_RECV)
		return -ESHUTDOWN;
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	return mbox_mode_set(handle, arg.flags, &filter);
}
