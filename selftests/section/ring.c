// SPDX-License-Identifier: GPL-2.0-only
/* Cases: rings. */
#include "section/section.h"

static int begin_ring(void)
{
	struct mbox_ioc_open arg = ring_arg(NULL, RIGHTS_BOTH, RING_SIZE);

	crowd_fd = open_call(MBOX_IOC_CREATE, &arg);
	return crowd_fd < 0 ? crowd_fd : crowd_block(limited_crowd(), job_ring);
}

/* they find that nothing moved, and wait again */
static int act_ring_wake(void)
{
	int64_t end = now() + LONG;
	int ret = ring_call(crowd_fd, MBOX_WAIT_WAKE, MBOX_RIGHT_SEND);

	while (!ret && blocked(crowd_fd) != pool.wanted) {
		if (now() > end)
			ret = -ETIME;
		nap();
	}
	return ret;
}

const struct section ring_sections[] = {
	{ "ring.wake", begin_ring, act_ring_wake },
	{ "ring.delete", begin_ring, act_delete },
	{}
};
