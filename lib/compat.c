// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Functions as they were before a structure that they take has grown: for programs that were linked with the
 * shared library then. The static library does not have them.
 */
#include <string.h>

#include "internal.h"

/* struct mbox_info ended before creator. */
#define INFO_SIZE_1_0	256

_Static_assert(offsetof(struct mbox_info, creator) == INFO_SIZE_1_0, "mbox_get");

int mbox_get_1_0(struct mbox *mb, void *info);

__asm__(".symver mbox_get_1_0, mbox_get@LIBMBOX_1.0");

int mbox_get_1_0(struct mbox *mb, void *info)
{
	struct mbox_info arg;
	int ret;

	if (!info)
		return mbox_get(mb, NULL);
	ret = mbox_get(mb, &arg);
	if (ret == 0)
		memcpy(info, &arg, INFO_SIZE_1_0);
	return ret;
}
