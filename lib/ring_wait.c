// SPDX-License-Identifier: LGPL-2.1-or-later
/* Waiting for the other side of a ring: spinning, and calling the kernel */
#include "ring.h"

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

/*
 * Wait until the awaited index is not side->other any more. A call that must not block
 * asks the kernel too, once for each value of the index, since edge-triggered pollers
 * rely on it. It asks again when the other side is gone.
 */
int mbox_ring_await(const struct mbox *mb, struct ring_side *side, uint32_t flags,
		    int nonblock, uint32_t clock, int64_t deadline)
{
	const uint64_t seen = side->other;
	int ret;

	if (nonblock) {
		if (!(flags & MBOX_WAIT_TRIM) && side->missed == seen + 1 &&
		    !__atomic_load_n(&side->peer->gone, __ATOMIC_RELAXED))
			return -EAGAIN;
		clock = MBOX_CLOCK_MONOTONIC;
		deadline = 0;
	} else {
		for (unsigned int i = mb->ring->spins; i; i--) {
			if (__atomic_load_n(side->awaited, __ATOMIC_RELAXED) != seen)
				return 0;
			ring_relax();
		}
	}
	ret = mbox_ring_wait(mb, side, flags | MBOX_WAIT_MOVE, seen, clock, deadline);
	if (nonblock && ret == -ETIMEDOUT) {
		side->missed = seen + 1;
		return -EAGAIN;
	}
	return ret;
}
