// SPDX-License-Identifier: GPL-2.0-only
/* Deadlines: from their form in the ABI to a time on a clock of the host. */
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>

#include "wait.h"

/* Convert a time of the caller's time namespace to one of the host. */
static ktime_t deadline_of_host(clockid_t clock, s64 ns)
{
	struct timespec64 offset = {};
	s64 shift, host;

	if (clock == CLOCK_MONOTONIC)
		timens_add_monotonic(&offset);
	else if (clock == CLOCK_BOOTTIME)
		timens_add_boottime(&offset);
	shift = timespec64_to_ns(&offset);
	if (check_sub_overflow(ns, shift, &host))
		return KTIME_MAX;
	return max(host, 0LL);
}

/* The rest of mbox_deadline_set(). */
int __mbox_deadline_set(struct mbox_deadline *deadline, u32 clock, s64 ns)
{
	static const clockid_t clocks[] = {
		[MBOX_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
		[MBOX_CLOCK_BOOTTIME] = CLOCK_BOOTTIME,
		[MBOX_CLOCK_REALTIME] = CLOCK_REALTIME,
	};

	deadline->set = true;
	if (clock == MBOX_CLOCK_NONE || clock >= ARRAY_SIZE(clocks) || ns < 0)
		return -EINVAL;
	deadline->clock = clocks[array_index_nospec(clock, ARRAY_SIZE(clocks))];
	deadline->expires = deadline_of_host(deadline->clock, ns);
	return 0;
}

static ktime_t deadline_now(clockid_t clock)
{
	if (clock == CLOCK_MONOTONIC)
		return ktime_get();
	return clock == CLOCK_BOOTTIME ? ktime_get_boottime() : ktime_get_real();
}

/* Return how long it is until a deadline, which is set. */
ktime_t mbox_deadline_left(const struct mbox_deadline *deadline)
{
	return ktime_sub(deadline->expires, deadline_now(deadline->clock));
}

/* Set a deadline to @ns nanoseconds from now. */
void mbox_deadline_set_after(struct mbox_deadline *deadline, clockid_t clock, u64 ns)
{
	deadline->set = true;
	deadline->clock = clock;
	deadline->expires = ktime_add_safe(deadline_now(clock),
					   min_t(u64, ns, KTIME_MAX));
}
