// SPDX-License-Identifier: LGPL-2.1-or-later
/* Events: subscribing to the groups, and the next event */
#include <stdlib.h>
#include <sys/socket.h>

#include "monitor.h"

static int event_join(struct mbox_monitor *mon, const char *name)
{
	int group = monitor_channel_group(&mon->requests, name);

	return group < 0 ? group : monitor_channel_join(mon->events, group);
}

/* Join the private group first: if the kernel refuses it, nothing is subscribed. */
static int event_subscribe(struct mbox_monitor *mon, unsigned int flags)
{
	bool first = !mon->events;
	int ret = 0;

	if (first) {
		mon->events = calloc(1, sizeof(*mon->events));
		if (!mon->events)
			return -ENOMEM;
		ret = monitor_channel_connect(mon->events);
	}
	if (ret == 0 && (flags & MBOX_MONITOR_PRIVATE) && !mon->private) {
		ret = event_join(mon, MBOX_MCGRP_EVENTS_PRIVATE);
		mon->private = ret == 0;
	}
	if (ret == 0 && first)
		ret = event_join(mon, MBOX_MCGRP_EVENTS);
	if (ret < 0 && first) {
		monitor_channel_close(mon->events);
		free(mon->events);
		mon->events = NULL;
		mon->private = false;
	}
	return ret;
}

int mbox_monitor_subscribe(struct mbox_monitor *mon, unsigned int flags)
{
	int saved = errno, ret;

	if (!mon)
		return -EINVAL;
	if (mon->busy)
		return monitor_fail(mon, -EBUSY, NULL);
	if (flags & ~MBOX_MONITOR_PRIVATE)
		return monitor_fail(mon, -EINVAL, NULL);
	ret = event_subscribe(mon, flags);
	if (ret == -EPERM)
		monitor_fail(mon, ret, "the private events take CAP_NET_ADMIN");
	else if (ret < 0)
		monitor_fail(mon, ret, NULL);
	errno = saved;
	return ret;
}

int mbox_monitor_fd(const struct mbox_monitor *mon)
{
	return mon && mon->events ? monitor_channel_fd(mon->events) : -EINVAL;
}

static int event_next(struct mbox_monitor *mon, int64_t deadline, bool wait)
{
	int ret;

	for (;;) {
		const struct nlmsghdr *msg;

		while ((msg = monitor_channel_next(mon->events))) {
			ret = monitor_take_record(mon, msg, &monitor_event_shape, mon->record);
			if (ret)
				return ret < 0 ? ret : 0;
		}
		ret = monitor_channel_receive(mon->events, MSG_DONTWAIT);
		if (ret == -EAGAIN && wait)
			ret = monitor_channel_wait(mon->events, deadline);
		if (ret < 0)
			return ret;
	}
}

int mbox_monitor_next(struct mbox_monitor *mon, int64_t timeout_ns,
		      const struct mbox_monitor_event **eventp)
{
	int64_t deadline;
	struct mbox_monitor_event *event;
	int saved = errno, ret;

	if (!mon)
		return -EINVAL;
	if (!eventp)
		return monitor_fail(mon, -EFAULT, NULL);
	if (mon->busy)
		return monitor_fail(mon, -EBUSY, NULL);
	if (!mon->events)
		return monitor_fail(mon, -EINVAL, "no events are subscribed to");
	ret = mbox_deadline_after(timeout_ns, MBOX_CLOCK_MONOTONIC, &deadline);
	if (ret < 0)
		return monitor_fail(mon, ret, NULL);
	ret = event_next(mon, deadline, timeout_ns != 0);
	errno = saved;
	if (ret < 0)
		return monitor_fail(mon, ret, NULL);
	event = (struct mbox_monitor_event *)mon->record;
	if (!(event->known & MBOX_KNOWN(MBOX_A_NOTICE_COUNT)))
		event->count = 1;
	*eventp = event;
	return 0;
}
