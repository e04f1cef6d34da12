/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The version of all of mbox: module, library, tool and packages. The
 * makefiles read it from here; tools/debian/changelog has to follow.
 */
#ifndef _MBOX_VERSION_H
#define _MBOX_VERSION_H

#define MBOX_VERSION "1.0.0"

#endif
