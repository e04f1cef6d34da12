// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sending with a mark or with a time */
#include "internal.h"

int mbox_post(struct mbox *mb, const void *data, size_t size,
	      const struct mbox_post_opts *opts)
{
	struct mbox_ioc_post arg = { .flags = 0 };

	if (!mb)
		return -EINVAL;
	mbox_send_set(&arg.send, data, size, opts ? opts->send : NULL);
	arg.type_hi = opts && opts->send ? opts->send->type_hi : 0;
	if (opts) {
		arg.flags = opts->flags;
		arg.clock = opts->clock;
		arg.mark = opts->mark;
		arg.not_before = opts->not_before;
		arg.expires = opts->expires;
	}
	return mbox_ioctl(mb->fd, MBOX_IOC_POST, &arg);
}
