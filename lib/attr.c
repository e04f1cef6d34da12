// SPDX-License-Identifier: LGPL-2.1-or-later
/* Attributes: get, set */
#include "internal.h"

int mbox_get(struct mbox *mb, struct mbox_info *info)
{
	/* The caller's memory may hold anything, and stays unchanged on error. */
	struct mbox_info arg = { .flags = 0 };
	int ret;

	if (!mb)
		return -EINVAL;
	if (!info)
		return -EFAULT;
	ret = mbox_ioctl(mb->fd, MBOX_IOC_GET, &arg);
	if (ret == 0)
		*info = arg;
	return ret;
}

int mbox_set(struct mbox *mb, const struct mbox_ioc_set *set)
{
	struct mbox_ioc_set arg;

	if (!mb)
		return -EINVAL;
	if (!set)
		return -EFAULT;
	arg = *set;
	return mbox_ioctl(mb->fd, MBOX_IOC_SET, &arg);
}

int mbox_chmod(struct mbox *mb, unsigned int mode)
{
	struct mbox_ioc_set arg = {
		.mask = MBOX_SET_MODE,
		.mode = mode,
	};

	return mbox_set(mb, &arg);
}

int mbox_chown(struct mbox *mb, uid_t uid, gid_t gid)
{
	struct mbox_ioc_set arg = { .mask = 0 };

	if (!mb)
		return -EINVAL;
	if (uid != (uid_t)-1) {
		arg.mask |= MBOX_SET_UID;
		arg.uid = uid;
	}
	if (gid != (gid_t)-1) {
		arg.mask |= MBOX_SET_GID;
		arg.gid = gid;
	}
	/* As chown(2): leaving both is no error. The kernel needs at least one field. */
	return arg.mask ? mbox_set(mb, &arg) : 0;
}
