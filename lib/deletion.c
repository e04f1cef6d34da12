// SPDX-License-Identifier: LGPL-2.1-or-later
/* Deleting a mailbox, by name or by handle */
#include "internal.h"

static int deletion_report(int ret, const struct mbox_ioc_delete *arg,
			   struct mbox_deleted *res)
{
	if (res && (ret == 0 || ret == -ENOTEMPTY)) {
		res->queued = arg->queued;
		res->dropped = arg->dropped;
	}
	return ret;
}

int mbox_delete(const char *name, unsigned int how, struct mbox_deleted *res)
{
	struct mbox_ioc_delete arg = { .how = how };
	int ret;

	ret = mbox_name_copy(arg.name, name);
	if (ret)
		return ret;
	ret = mbox_factory_ioctl(MBOX_IOC_DELETE, &arg);
	return deletion_report(ret, &arg, res);
}

int mbox_delete_handle(struct mbox *mb, unsigned int how,
		       struct mbox_deleted *res)
{
	struct mbox_ioc_delete arg = { .how = how };
	int ret;

	if (!mb)
		return -EINVAL;
	ret = mbox_ioctl(mb->fd, MBOX_IOC_DELETE, &arg);
	return deletion_report(ret, &arg, res);
}
