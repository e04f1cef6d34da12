/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that mbox builds for: 6.1 and later. */
#ifndef MBOX_COMPAT_H
#define MBOX_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "mbox needs Linux 6.1 or later"
#endif

#endif /* MBOX_COMPAT_H */
