// SPDX-License-Identifier: LGPL-2.1-or-later
/* The version of the library, and the calls that the running module knows */
#include "internal.h"

#define VERSION_TEXT(number)		#number
#define VERSION_JOIN(major, minor, patch) \
	VERSION_TEXT(major) "." VERSION_TEXT(minor) "." VERSION_TEXT(patch)

/* The makefile has it from kmod/version.h, as have all other parts. */
_Static_assert(__builtin_strcmp(MBOX_VERSION, LIBMBOX_VERSION) == 0,
	       "mbox.h and kmod/version.h say different versions");
_Static_assert(__builtin_strcmp(MBOX_VERSION, VERSION_JOIN(MBOX_VERSION_MAJOR,
							   MBOX_VERSION_MINOR,
							   MBOX_VERSION_PATCH)) == 0,
	       "the numbers in mbox.h are not those of MBOX_VERSION");

const char *mbox_version(void)
{
	return MBOX_VERSION;
}

/*
 * The number of a call holds the size of its argument, and no call has an argument of
 * size 0: the kernel refuses that with EINVAL if it knows the call, else with ENOTTY.
 */
int mbox_has_call(const struct mbox *mb, unsigned long request)
{
	unsigned long probe = request & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT);
	int ret;

	if (_IOC_TYPE(request) != MBOX_IOC_TYPE || probe == request)
		return -EINVAL;
	ret = mb ? mbox_ioctl(mb->fd, probe, NULL) : mbox_factory_ioctl(probe, NULL);
	if (ret == -ENOTTY)
		return 0;
	return ret == -EINVAL ? 1 : ret;
}
