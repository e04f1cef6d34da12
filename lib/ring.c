// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rings: reserve, commit, peek and release, by the protocol of <linux/mbox_ring.h> */
#include <string.h>

#include "ring.h"

static size_t ring_record_size(size_t length)
{
	return (sizeof(struct mbox_ring_record) + length + MBOX_RING_ALIGN - 1) &
	       ~(size_t)(MBOX_RING_ALIGN - 1);
}

static unsigned char *ring_address(const struct mbox_ring *ring, uint64_t index)
{
	return ring->data + (size_t)(index & (ring->size - 1));
}

/* The index that the producer may not pass by more than the size. */
static const __u64 *ring_limit(const struct mbox_ring *ring)
{
	return ring->trim ? &ring->tail->freed : &ring->tail->index;
}

static int ring_wait(const struct mbox *mb, uint32_t side, uint32_t flags,
		     uint64_t seen, uint32_t clock, int64_t deadline)
{
	struct mbox_ioc_wait arg = {
		.flags = flags,
		.clock = clock,
		.deadline = deadline,
		.seen = seen,
		.side = side,
	};

	return mbox_ioctl(mb->fd, MBOX_IOC_WAIT, &arg);
}

/* Return the error of all calls of a side once the kernel has marked it as gone. */
static int ring_check_gone(const struct mbox *mb, uint32_t side,
			   const struct mbox_ring_control *own)
{
	if (!__atomic_load_n(&own->gone, __ATOMIC_RELAXED))
		return 0;
	return ring_wait(mb, side, MBOX_WAIT_WAKE, 0, MBOX_CLOCK_NONE, 0);
}

/*
 * The waker of MBOX_RING_SLEEP (<linux/mbox_ring.h>): publish the index before
 * reading waiting; model: selftests/model/ring.pml. The wake fails if the mailbox
 * is gone by now; the record is published all the same.
 */
static void ring_publish(const struct mbox *mb, uint32_t side,
			 struct mbox_ring_control *own, uint64_t index,
			 const struct mbox_ring_control *other)
{
	__atomic_store_n(&own->index, index, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&other->waiting, __ATOMIC_RELAXED))
		ring_wait(mb, side, MBOX_WAIT_WAKE, 0, MBOX_CLOCK_NONE, 0);
}

static void ring_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
}

/*
 * Wait until @index is not side->other any more. A call that must not block asks
 * the kernel too, once for each value of the index, since edge-triggered pollers
 * rely on it. It asks again when the other side is gone.
 */
static int ring_await(const struct mbox *mb, uint32_t which, struct ring_side *side,
		      const __u64 *index, const struct mbox_ring_control *peer,
		      uint32_t flags, int nonblock, uint32_t clock, int64_t deadline)
{
	const uint64_t seen = side->other;
	int ret;

	if (nonblock) {
		if (!(flags & MBOX_WAIT_TRIM) && side->missed == seen + 1 &&
		    !__atomic_load_n(&peer->gone, __ATOMIC_RELAXED))
			return -EAGAIN;
		clock = MBOX_CLOCK_MONOTONIC;
		deadline = 0;
	} else {
		for (unsigned int i = mb->ring->spins; i; i--) {
			if (__atomic_load_n(index, __ATOMIC_RELAXED) != seen)
				return 0;
			ring_relax();
		}
	}
	ret = ring_wait(mb, which, flags | MBOX_WAIT_MOVE, seen, clock, deadline);
	if (nonblock && ret == -ETIMEDOUT) {
		side->missed = seen + 1;
		return -EAGAIN;
	}
	return ret;
}

static int ring_check_deadline(uint32_t clock, int64_t deadline)
{
	if (clock == MBOX_CLOCK_NONE)
		return deadline ? -EINVAL : 0;
	return clock > MBOX_CLOCK_REALTIME || deadline < 0 ? -EINVAL : 0;
}

static int ring_check_side(const struct mbox *mb, uint32_t right)
{
	if (!mb)
		return -EINVAL;
	if (!mb->ring)
		return -EOPNOTSUPP;
	return mb->ring->rights & right ? 0 : -EBADF;
}

static int ring_check_send_opts(const struct mbox_send_opts *opts)
{
	if ((opts->flags & ~(MBOX_SEND_NONBLOCK | MBOX_SEND_SYNC)) ||
	    opts->prio > MBOX_PRIO_MAX ||
	    ring_check_deadline(opts->clock, opts->deadline))
		return -EINVAL;
	return opts->prio || (opts->flags & MBOX_SEND_SYNC) ? -EOPNOTSUPP : 0;
}

int mbox_ring_reserve(struct mbox *mb, size_t size, void **datap,
		      const struct mbox_send_opts *opts)
{
	static const struct mbox_send_opts defaults;
	struct mbox_ring *ring;
	struct ring_side *side;
	uint64_t limit;
	size_t need;
	int ret;

	ret = ring_check_side(mb, MBOX_RIGHT_SEND);
	if (ret)
		return ret;
	if (!datap)
		return -EFAULT;
	if (!opts)
		opts = &defaults;
	ret = ring_check_send_opts(opts);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->producer;
	if (size > ring->msg_size)
		return -EMSGSIZE;
	ret = ring_check_gone(mb, MBOX_RIGHT_SEND, ring->head);
	if (ret)
		return ret;
	need = ring_record_size(size);
	while (side->index + need - side->other > ring->size) {
		limit = __atomic_load_n(ring_limit(ring), __ATOMIC_ACQUIRE);
		if (side->index - limit > ring->size ||
		    (side->index | limit) % MBOX_RING_ALIGN)
			return -EBADMSG;
		if (limit != side->other) {
			side->other = limit;
			continue;
		}
		ret = ring_await(mb, MBOX_RIGHT_SEND, side, ring_limit(ring), ring->tail,
				 0, opts->flags & MBOX_SEND_NONBLOCK, opts->clock,
				 opts->deadline);
		if (ret)
			return ret;
	}
	side->reserved = 1;
	side->size = size;
	side->type = opts->type;
	*datap = ring_address(ring, side->index) + sizeof(struct mbox_ring_record);
	return 0;
}

int mbox_ring_commit(struct mbox *mb, size_t size)
{
	struct mbox_ring_record record = { .length = (uint32_t)size };
	struct mbox_ring *ring;
	struct ring_side *side;
	int ret;

	ret = ring_check_side(mb, MBOX_RIGHT_SEND);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->producer;
	if (!side->reserved || size > side->size)
		return -EINVAL;
	record.type = side->type;
	memcpy(ring_address(ring, side->index), &record, sizeof(record));
	side->reserved = 0;
	side->index += ring_record_size(size);
	ring_publish(mb, MBOX_RIGHT_SEND, ring->head, side->index, ring->tail);
	return 0;
}

int mbox_ring_send(struct mbox *mb, const void *data, size_t size,
		   const struct mbox_send_opts *opts)
{
	void *to;
	int ret;

	if (size && !data)
		return -EFAULT;
	ret = mbox_ring_reserve(mb, size, &to, opts);
	if (ret)
		return ret;
	if (size)
		memcpy(to, data, size);
	return mbox_ring_commit(mb, size);
}

static int ring_check_recv_opts(const struct mbox_recv_opts *opts)
{
	const uint32_t filters = MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER |
				 MBOX_RECV_BY_START;

	if ((opts->flags & ~(MBOX_RECV_NONBLOCK | MBOX_RECV_PEEK | filters)) ||
	    opts->min_prio > MBOX_PRIO_MAX ||
	    (opts->type && !(opts->flags & MBOX_RECV_BY_TYPE)) ||
	    (opts->pid && !(opts->flags & MBOX_RECV_BY_SENDER)) ||
	    ring_check_deadline(opts->clock, opts->deadline))
		return -EINVAL;
	return opts->min_prio || (opts->flags & filters) ? -EOPNOTSUPP : 0;
}

/* Return whether the consumer can give back a page. */
static int ring_has_page(const struct mbox_ring *ring)
{
	return ring->trim && ring->consumer.index - ring->consumer.freed >= ring->page;
}

static void ring_set_freed(struct mbox_ring *ring)
{
	ring->consumer.freed = ring->consumer.index & ~(uint64_t)(ring->page - 1);
}

/* Give back consumed pages, then sleep until the producer publishes. */
static int ring_await_record(struct mbox *mb, const struct mbox_recv_opts *opts)
{
	struct mbox_ring *ring = mb->ring;
	uint32_t flags = ring_has_page(ring) ? MBOX_WAIT_TRIM : 0;
	int ret;

	ret = ring_await(mb, MBOX_RIGHT_RECV, &ring->consumer, &ring->head->index,
			 ring->head, flags, opts->flags & MBOX_RECV_NONBLOCK,
			 opts->clock, opts->deadline);
	if (!flags)
		return ret;
	/* The arguments are valid, so the indices are not. */
	if (ret == -EINVAL)
		return -EBADMSG;
	ring->consumer.freed = __atomic_load_n(&ring->tail->freed, __ATOMIC_RELAXED);
	return ret;
}

ssize_t mbox_ring_peek(struct mbox *mb, const void **datap,
		       const struct mbox_recv_opts *opts,
		       struct mbox_header *hdr)
{
	static const struct mbox_recv_opts defaults;
	struct mbox_ring *ring;
	struct ring_side *side;
	uint32_t length, type;
	const uint32_t *record;
	uint64_t there;
	int ret;

	ret = ring_check_side(mb, MBOX_RIGHT_RECV);
	if (ret)
		return ret;
	if (!datap)
		return -EFAULT;
	if (!opts)
		opts = &defaults;
	ret = ring_check_recv_opts(opts);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->consumer;
	ret = ring_check_gone(mb, MBOX_RIGHT_RECV, ring->tail);
	if (ret)
		return ret;
	while (side->other == side->index) {
		side->other = __atomic_load_n(&ring->head->index, __ATOMIC_ACQUIRE);
		there = side->other - side->index;
		if (there > ring->size || (there | side->index) % MBOX_RING_ALIGN) {
			/* The next call must find it wrong again. */
			side->other = side->index;
			return -EBADMSG;
		}
		if (there)
			break;
		ret = ring_await_record(mb, opts);
		if (ret)
			return ret;
	}
	/* Read once: the checked values are the ones used below. */
	record = (const uint32_t *)(const void *)ring_address(ring, side->index);
	length = __atomic_load_n(&record[0], __ATOMIC_RELAXED);
	type = __atomic_load_n(&record[1], __ATOMIC_RELAXED);
	if (length > ring->msg_size ||
	    ring_record_size(length) > side->other - side->index)
		return -EBADMSG;
	side->reserved = 1;
	side->used = (uint32_t)ring_record_size(length);
	if (hdr) {
		memset(hdr, 0, sizeof(*hdr));
		hdr->length = length;
		hdr->type = type;
	}
	*datap = record + 2;
	return length;
}

int mbox_ring_release(struct mbox *mb)
{
	struct mbox_ring *ring;
	struct ring_side *side;
	int ret;

	ret = ring_check_side(mb, MBOX_RIGHT_RECV);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->consumer;
	if (!side->reserved)
		return -EINVAL;
	side->reserved = 0;
	side->index += side->used;
	if (!ring->trim) {
		ring_publish(mb, MBOX_RIGHT_RECV, ring->tail, side->index, ring->head);
		return 0;
	}
	/* A producer of a growing ring waits for freed, which TRIM sets. */
	__atomic_store_n(&ring->tail->index, side->index, __ATOMIC_RELEASE);
	if (side->index - side->freed >= ring->trim &&
	    ring_wait(mb, MBOX_RIGHT_RECV, MBOX_WAIT_TRIM, 0, MBOX_CLOCK_NONE, 0) == 0)
		ring_set_freed(ring);
	return 0;
}

ssize_t mbox_ring_recv(struct mbox *mb, void *buf, size_t size,
		       const struct mbox_recv_opts *opts,
		       struct mbox_header *hdr)
{
	const void *from;
	ssize_t length;

	if (size && !buf)
		return -EFAULT;
	length = mbox_ring_peek(mb, &from, opts, hdr);
	if (length < 0)
		return length;
	if ((size_t)length > size)
		return -EMSGSIZE;
	if (length)
		memcpy(buf, from, (size_t)length);
	if (!opts || !(opts->flags & MBOX_RECV_PEEK))
		mbox_ring_release(mb);
	return length;
}
