// SPDX-License-Identifier: GPL-2.0-only
/* A mailbox that broadcasts to many handles. */
#include "crowd.h"

#include <sys/resource.h>

void crowd_new(struct __test_metadata *_metadata, struct crowd *crowd, uint32_t capacity,
	       uint32_t options)
{
	struct rlimit limit = { 2 * MANY + 100, 2 * MANY + 100 };
	struct mbox_ioc_open arg = cast_arg(capacity, options);

	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP(return, "may not have that many files open");
	name_make(crowd->name);
	name_copy(arg.name, crowd->name);
	crowd->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, crowd->fd);
	for (int i = 0; i < MANY; i++) {
		crowd->in[i] = open_name(crowd->name, MBOX_RIGHT_RECV);
		ASSERT_LE(0, crowd->in[i]);
	}
}

void crowd_end(struct crowd *crowd)
{
	for (int i = 0; i < MANY; i++)
		close(crowd->in[i]);
	close(crowd->fd);
}
