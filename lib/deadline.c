// SPDX-License-Identifier: LGPL-2.1-or-later
/* Relative times */
#include <time.h>

#include "internal.h"

#define NSEC_PER_SEC	INT64_C(1000000000)

int mbox_deadline_after(int64_t timeout_ns, uint32_t clock, int64_t *deadline)
{
	int64_t now = INT64_MAX;
	int saved = errno;
	struct timespec ts;
	clockid_t id;
	int ret;

	switch (clock) {
	case MBOX_CLOCK_MONOTONIC:
		id = CLOCK_MONOTONIC;
		break;
	case MBOX_CLOCK_BOOTTIME:
		id = CLOCK_BOOTTIME;
		break;
	case MBOX_CLOCK_REALTIME:
		id = CLOCK_REALTIME;
		break;
	default:
		return -EINVAL;
	}
	if (timeout_ns < 0 && timeout_ns != MBOX_NO_TIMEOUT)
		return -EINVAL;
	if (!deadline)
		return -EFAULT;
	if (timeout_ns == MBOX_NO_TIMEOUT) {
		*deadline = INT64_MAX;
		return 0;
	}
	if (clock_gettime(id, &ts)) {
		ret = -errno;
		errno = saved;
		return ret;
	}
	if (ts.tv_sec < INT64_MAX / NSEC_PER_SEC)
		now = ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	*deadline = timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
	return 0;
}

int mbox_timeout_apply(int64_t timeout_ns, uint32_t nonblock, uint32_t *flags,
		       uint32_t *clock, int64_t *deadline)
{
	if (timeout_ns == MBOX_NO_TIMEOUT)
		return 0;
	if (timeout_ns == 0) {
		*flags |= nonblock;
		return 0;
	}
	*clock = MBOX_CLOCK_MONOTONIC;
	return mbox_deadline_after(timeout_ns, *clock, deadline);
}
