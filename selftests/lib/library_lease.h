/* SPDX-License-Identifier: GPL-2.0-only */
/* Tests of the library's leases and calls. */
#ifndef LIB_LIBRARY_LEASE_H
#define LIB_LIBRARY_LEASE_H

#include "lib/library.h"
#include "lib/lease.h"

#define MS NSEC_PER_MSEC

/* An object that no call has written to. */
#define EXPECT_POISON(object) EXPECT_TRUE(untouched(&(object), sizeof(object)))

static const struct mbox_recv_opts recv_nonblock = { .flags = MBOX_RECV_NONBLOCK };

#endif /* LIB_LIBRARY_LEASE_H */
