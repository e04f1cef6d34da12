// SPDX-License-Identifier: LGPL-2.1-or-later
/* Waiting for the other side of a ring: spinning, and calling the kernel */
#include <time.h>

#include "ring.h"

/*
 * Spinning costs less than sleeping if the other side moves its index within about
 * the time that the kernel takes to wake a thread. It is lost if the other side needs
 * this CPU, so a side spins only while the kernel says that they are apart. It may be
 * lost for other reasons (the other side has nothing to do, or does not run): after n
 * lost spins in a row 2^n - 1 waits do without, so that at most one of 64 waits loses
 * its spin.
 */
#define SPIN_NS		50000
#define SPINS_LOST	6

/* Reads of the index between two reads of the clock. */
#define SPIN_READS	32

int mbox_ring_wait(const struct mbox *mb, const struct ring_side *side, uint32_t flags,
		   uint64_t seen, uint32_t clock, int64_t deadline)
{
	struct mbox_ioc_wait arg = {
		.flags = flags,
		.clock = clock,
		.deadline = deadline,
		.seen = seen,
		.side = side->right,
	};

	return mbox_ioctl(mb->fd, MBOX_IOC_WAIT, &arg);
}

/* Ask for several pages at once; if they are refused, for those that are needed. */
int mbox_ring_grow(const struct mbox *mb, struct ring_side *side, uint64_t end)
{
	const uint64_t steps[] = { mb->ring->trim, mb->ring->page };
	int ret = -EINVAL;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		uint64_t most = (end + steps[i] - 1) & ~(steps[i] - 1);

		/* Indices do not wrap, if they are right. */
		if (end < side->index || most < end)
			return -EBADMSG;
		ret = mbox_ring_wait(mb, side, MBOX_WAIT_GROW, most, MBOX_CLOCK_NONE, 0);
		if (ret == 0)
			side->granted = most;
		/* EINVAL: so much is beyond the limit of the side. */
		if (ret != -EDQUOT && ret != -EINVAL)
			return ret;
	}
	return ret == -EINVAL ? -EBADMSG : ret;
}

static inline void ring_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#else
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
}

static int64_t ring_clock(void)
{
	struct timespec ts = { .tv_sec = 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Return 1 if the index moves soon; 0 if the side has to sleep. */
static int ring_spin(struct ring_side *side, uint64_t seen)
{
	int64_t now = 0, end = 0;

	if (!__atomic_load_n(&side->own->apart, __ATOMIC_RELAXED))
		return 0;
	if (side->spins_skipped) {
		side->spins_skipped--;
		return 0;
	}
	do {
		for (int i = 0; i < SPIN_READS; i++) {
			if (__atomic_load_n(side->awaited, __ATOMIC_RELAXED) != seen) {
				side->spins_lost = 0;
				return 1;
			}
			ring_relax();
		}
		now = ring_clock();
		if (!end)
			end = now + SPIN_NS;
	} while (now < end && __atomic_load_n(&side->own->apart, __ATOMIC_RELAXED));
	if (side->spins_lost < SPINS_LOST)
		side->spins_lost++;
	side->spins_skipped = (1U << side->spins_lost) - 1;
	return 0;
}

/*
 * Wait until the awaited index is not @seen any more. A call that must not block
 * asks the kernel too, once for each value of the index, since edge-triggered pollers
 * rely on it. It asks again when the other side is gone.
 */
int mbox_ring_await(const struct mbox *mb, struct ring_side *side, uint32_t flags,
		    uint64_t seen, int nonblock, uint32_t clock, int64_t deadline)
{
	int ret;

	if (nonblock) {
		if (!(flags & MBOX_WAIT_TRIM) && side->missed == seen + 1 &&
		    !__atomic_load_n(&side->peer->gone, __ATOMIC_RELAXED))
			return -EAGAIN;
		clock = MBOX_CLOCK_MONOTONIC;
		deadline = 0;
	} else if (ring_spin(side, seen)) {
		return 0;
	}
	ret = mbox_ring_wait(mb, side, flags | MBOX_WAIT_MOVE, seen, clock, deadline);
	if (nonblock && ret == -ETIMEDOUT) {
		side->missed = seen + 1;
		return -EAGAIN;
	}
	return ret;
}
