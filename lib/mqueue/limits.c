// SPDX-License-Identifier: LGPL-2.1-or-later
/* Attributes of a new queue, and the limits of the system */
#include "mqueue.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Beyond these nobody may go: HARD_MSGMAX, HARD_MSGSIZEMAX of the kernel. */
#define HARD_MAXMSG	65536
#define HARD_MSGSIZE	(16 * 1024 * 1024)

/* The charge of the kernel's queues beside the payload, on 64 bits: per message, per priority. */
#define CHARGE_MESSAGE	48
#define CHARGE_PRIO	48
#define PRIORITIES	32768

/* A limit of /proc/sys/fs/mqueue, or @value where the kernel has no queues of its own. */
static long limit_of(const char *name, long value)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/sys/fs/mqueue/%s", name);
	return frontend_read(path, text, sizeof(text)) ? atol(text) : value;
}

/*
 * Returns whether the caller has CAP_SYS_RESOURCE in the first user namespace, whose ids
 * are mapped to themselves.
 */
static bool limit_exempt(void)
{
	unsigned long inside, outside, count;
	char text[64];

	if (!frontend_capable(CAP_SYS_RESOURCE))
		return false;
	if (!frontend_read("/proc/self/uid_map", text, sizeof(text)))
		return true;
	return sscanf(text, "%lu %lu %lu", &inside, &outside, &count) == 3 && !inside &&
	       !outside && count == UINT32_MAX;
}

static long lesser(long a, long b)
{
	return a < b ? a : b;
}

/*
 * Set the attributes of a new queue: @attr, or the defaults if it is NULL. Returns 0, or
 * the error that the kernel's queues have for them.
 */
int mqueue_limits_apply(const struct mq_attr *attr, struct mbox_ioc_open *arg)
{
	long max = limit_of("msg_max", 10), size_max = limit_of("msgsize_max", 8192);
	struct rlimit rlimit;
	uint64_t charge;
	long maxmsg, msgsize;

	if (attr) {
		maxmsg = attr->mq_maxmsg;
		msgsize = attr->mq_msgsize;
	} else {
		maxmsg = lesser(max, limit_of("msg_default", 10));
		msgsize = lesser(size_max, limit_of("msgsize_default", 8192));
	}
	if (maxmsg <= 0 || msgsize <= 0)
		return EINVAL;
	if (limit_exempt()) {
		max = HARD_MAXMSG;
		size_max = HARD_MSGSIZE;
	}
	if (maxmsg > max || msgsize > size_max)
		return EINVAL;
	charge = (uint64_t)maxmsg * ((uint64_t)msgsize + CHARGE_MESSAGE) +
		 (uint64_t)lesser(maxmsg, PRIORITIES) * CHARGE_PRIO;
	if (!getrlimit(RLIMIT_MSGQUEUE, &rlimit) && charge > rlimit.rlim_cur)
		return EMFILE;
	arg->capacity = (uint32_t)maxmsg;
	arg->msg_size = (uint32_t)msgsize;
	arg->policy = MBOX_POLICY_PRIO;
	arg->lifetime = MBOX_LIFETIME_OS;
	return 0;
}

/* Returns whether there are as many queues as there may be. */
bool mqueue_limits_full(int factory)
{
	struct mbox_ioc_next next = { .space = MBOX_SPACE_MQ };
	long left = limit_of("queues_max", 256);

	if (limit_exempt())
		return false;
	while (left > 0 && !ioctl(factory, MBOX_IOC_NEXT, &next))
		left--;
	return left <= 0;
}
