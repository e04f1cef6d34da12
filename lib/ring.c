// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rings: reserve, commit, peek and release, by the protocol of <linux/mbox_ring.h> */
#include <string.h>

#include "ring.h"

static inline size_t ring_record_size(size_t length)
{
	return (sizeof(struct mbox_ring_record) + length + MBOX_RING_ALIGN - 1) &
	       ~(size_t)(MBOX_RING_ALIGN - 1);
}

static inline unsigned char *ring_record(const struct ring_side *side, uint64_t index)
{
	return side->data + (size_t)(index & (side->size - 1));
}

static inline unsigned char *ring_payload(unsigned char *record)
{
	return record + sizeof(struct mbox_ring_record);
}

static inline int ring_is_gone(const struct ring_side *side)
{
	return !!__atomic_load_n(&side->own->gone, __ATOMIC_RELAXED);
}

/* Return the error of all calls of a side once the kernel has marked it as gone. */
static int ring_check_gone(const struct mbox *mb, const struct ring_side *side)
{
	if (!ring_is_gone(side))
		return 0;
	return mbox_ring_wait(mb, side, MBOX_WAIT_WAKE, 0, MBOX_CLOCK_NONE, 0);
}

/*
 * The waker of MBOX_RING_SLEEP (<linux/mbox_ring.h>): publish the index before
 * reading waiting; model: selftests/model/ring.pml. Return whether to wake.
 */
static inline int ring_publish(struct ring_side *side, uint64_t index)
{
	side->reserved = 0;
	side->index = index;
	__atomic_store_n(&side->own->index, index, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_unlikely(__atomic_load_n(&side->peer->waiting, __ATOMIC_RELAXED));
}

/*
 * Wake the other side and return @ret. The wake fails if the mailbox is gone by now;
 * the record is published all the same.
 */
static RING_APART ssize_t ring_wake(const struct mbox *mb, const struct ring_side *side,
				    ssize_t ret)
{
	mbox_ring_wait(mb, side, MBOX_WAIT_WAKE, 0, MBOX_CLOCK_NONE, 0);
	return ret;
}

/*
 * Copy 1 to RING_SHORT bytes, in pieces of one size, of which the last may overlap
 * the one before.
 */
static RING_INLINE void ring_copy(unsigned char *to, const unsigned char *from, size_t size)
{
	size_t last;

	if (size > 32) {
		last = size - 32;
		for (size_t i = 0; i < last; i += 32)
			memcpy(to + i, from + i, 32);
		memcpy(to + last, from + last, 32);
	} else if (size >= 16) {
		memcpy(to, from, 16);
		memcpy(to + size - 16, from + size - 16, 16);
	} else if (size >= 8) {
		memcpy(to, from, 8);
		memcpy(to + size - 8, from + size - 8, 8);
	} else {
		while (size--)
			to[size] = from[size];
	}
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
	return opts->prio || opts->type_hi || (opts->flags & MBOX_SEND_SYNC) ? -EOPNOTSUPP : 0;
}

/* Wait for room for @need bytes more, and have memory there. */
static int ring_make_room(const struct mbox *mb, struct ring_side *side, size_t need,
			  const struct mbox_send_opts *opts)
{
	uint64_t seen, room;
	int ret;

	while (need > side->limit - side->index) {
		seen = __atomic_load_n(side->awaited, __ATOMIC_ACQUIRE);
		if (side->index - seen > side->size ||
		    (side->index | seen) % MBOX_RING_ALIGN)
			return -EBADMSG;
		room = seen + side->size;
		if (need > room - side->index) {
			ret = mbox_ring_await(mb, side, 0, seen,
					      opts->flags & MBOX_SEND_NONBLOCK,
					      opts->clock, opts->deadline);
		} else if (!mb->ring->trim) {
			side->limit = room;
			continue;
		} else if (need > side->granted - side->index) {
			ret = mbox_ring_grow(mb, side, side->index + need);
		} else {
			side->limit = side->granted;
			continue;
		}
		if (ret)
			return ret;
	}
	return 0;
}

int mbox_ring_reserve(struct mbox *mb, size_t size, void **datap,
		      const struct mbox_send_opts *opts)
{
	static const struct mbox_send_opts defaults;
	struct ring_side *side;
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
	side = &mb->ring->producer;
	if (size > mb->ring->msg_size)
		return -EMSGSIZE;
	ret = ring_check_gone(mb, side);
	if (ret)
		return ret;
	ret = ring_make_room(mb, side, ring_record_size(size), opts);
	if (ret)
		return ret;
	side->reserved = 1;
	side->payload = size;
	side->type = opts->type;
	*datap = ring_payload(ring_record(side, side->index));
	return 0;
}

static inline void ring_write(unsigned char *to, size_t size, uint32_t type)
{
	const struct mbox_ring_record record = { .length = (uint32_t)size, .type = type };

	memcpy(to, &record, sizeof(record));
}

int mbox_ring_commit(struct mbox *mb, size_t size)
{
	struct ring_side *side;
	int ret;

	ret = ring_check_side(mb, MBOX_RIGHT_SEND);
	if (ret)
		return ret;
	side = &mb->ring->producer;
	if (!side->reserved || size > side->payload)
		return -EINVAL;
	ring_write(ring_record(side, side->index), size, side->type);
	if (ring_publish(side, side->index + ring_record_size(size)))
		ring_wake(mb, side, 0);
	return 0;
}

static RING_APART int ring_send_any(struct mbox *mb, const void *data, size_t size,
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

/* Return whether options only say the type, and that the send may not block. */
static inline int ring_is_plain_send(const struct mbox_send_opts *opts)
{
	return !((opts->flags & ~MBOX_SEND_NONBLOCK) | opts->prio | opts->clock |
		 opts->type_hi) &&
	       !opts->deadline;
}

/* The short path: a small message, and room for it. */
int mbox_ring_send(struct mbox *mb, const void *data, size_t size,
		   const struct mbox_send_opts *opts)
{
	struct ring_side *side = &mb->ring->producer;
	const uint64_t end = side->index + ring_record_size(size);
	unsigned char *record;

	if (ring_unlikely(size - 1 >= side->short_size || !data || ring_is_gone(side) ||
			  (int64_t)(end - side->limit) > 0 ||
			  (opts && !ring_is_plain_send(opts))))
		return ring_send_any(mb, data, size, opts);
	record = ring_record(side, side->index);
	ring_write(record, size, opts ? opts->type : 0);
	ring_copy(ring_payload(record), data, size);
	if (ring_publish(side, end))
		return (int)ring_wake(mb, side, 0);
	return 0;
}

static int ring_check_recv_opts(const struct mbox_recv_opts *opts)
{
	const uint32_t types = MBOX_RECV_BY_TYPE | MBOX_RECV_NOT_TYPE | MBOX_RECV_MAX_TYPE;
	const uint32_t others = types | MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START |
				MBOX_RECV_TRUNC | MBOX_RECV_AT;

	if ((opts->flags & ~(MBOX_RECV_NONBLOCK | MBOX_RECV_PEEK | others)) ||
	    opts->min_prio > MBOX_PRIO_MAX ||
	    ((opts->type || opts->type_hi) && !(opts->flags & types)) ||
	    (opts->pid && !(opts->flags & MBOX_RECV_BY_SENDER)) ||
	    ring_check_deadline(opts->clock, opts->deadline))
		return -EINVAL;
	return opts->min_prio || (opts->flags & others) ? -EOPNOTSUPP : 0;
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
	struct ring_side *side = &mb->ring->consumer;
	uint32_t flags = ring_has_page(mb->ring) ? MBOX_WAIT_TRIM : 0;
	int ret;

	ret = mbox_ring_await(mb, side, flags, side->limit, opts->flags & MBOX_RECV_NONBLOCK,
			      opts->clock, opts->deadline);
	if (!flags)
		return ret;
	/* The arguments are valid, so the indices are not. */
	if (ret == -EINVAL)
		return -EBADMSG;
	side->freed = __atomic_load_n(&side->own->freed, __ATOMIC_RELAXED);
	return ret;
}

/*
 * Read the producer's index, if the copy of it says that there is no record. Return 1
 * if there is one, 0 if not, -EBADMSG if the index is wrong: the next call must find
 * it wrong again.
 */
static inline int ring_look(struct ring_side *side)
{
	uint64_t head, there;

	if (side->limit != side->index)
		return 1;
	head = __atomic_load_n(side->end, __ATOMIC_ACQUIRE);
	there = head - side->index;
	if (there > side->size || (there | side->index) % MBOX_RING_ALIGN)
		return -EBADMSG;
	side->limit = head;
	return !!there;
}

/*
 * The same of a growing ring, once the known records are received: see whether there is
 * memory up to the index. Where there is none, a read of it would end the process.
 */
static int ring_look_further(const struct mbox *mb, struct ring_side *side)
{
	const uint64_t head = __atomic_load_n(side->awaited, __ATOMIC_ACQUIRE);
	const uint64_t there = head - side->index;
	int ret;

	if (there > side->size)
		return -EBADMSG;
	if (there > side->granted - side->index) {
		ret = mbox_ring_grow(mb, side, head);
		if (ret)
			return ret;
	}
	side->known = head;
	return ring_look(side);
}

/* Read the header of a record once: the caller checks and uses this copy. */
static inline struct mbox_ring_record ring_read(const unsigned char *from)
{
	const uint32_t *words = (const uint32_t *)(const void *)from;

	return (struct mbox_ring_record) {
		.length = __atomic_load_n(&words[0], __ATOMIC_RELAXED),
		.type = __atomic_load_n(&words[1], __ATOMIC_RELAXED),
	};
}

static inline void ring_set_header(struct mbox_header *hdr, struct mbox_ring_record record)
{
	*hdr = (struct mbox_header) { .length = record.length, .type = record.type };
}

ssize_t mbox_ring_peek(struct mbox *mb, const void **datap,
		       const struct mbox_recv_opts *opts,
		       struct mbox_header *hdr)
{
	static const struct mbox_recv_opts defaults;
	struct mbox_ring_record record;
	struct ring_side *side;
	unsigned char *at;
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
	side = &mb->ring->consumer;
	ret = ring_check_gone(mb, side);
	if (ret)
		return ret;
	for (;;) {
		ret = ring_look(side);
		if (!ret && mb->ring->trim)
			ret = ring_look_further(mb, side);
		if (ret)
			break;
		ret = ring_await_record(mb, opts);
		if (ret)
			return ret;
	}
	if (ret < 0)
		return ret;
	at = ring_record(side, side->index);
	record = ring_read(at);
	if (record.length > mb->ring->msg_size ||
	    ring_record_size(record.length) > side->limit - side->index)
		return -EBADMSG;
	side->reserved = 1;
	side->used = (uint32_t)ring_record_size(record.length);
	if (hdr)
		ring_set_header(hdr, record);
	*datap = ring_payload(at);
	return record.length;
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
	if (!ring->trim)
		return ring_publish(side, side->index + side->used) ?
		       (int)ring_wake(mb, side, 0) : 0;
	/* A producer of a growing ring waits for freed, which TRIM sets. */
	side->reserved = 0;
	side->index += side->used;
	__atomic_store_n(&side->own->index, side->index, __ATOMIC_RELEASE);
	if (side->index - side->freed >= ring->trim &&
	    mbox_ring_wait(mb, side, MBOX_WAIT_TRIM, 0, MBOX_CLOCK_NONE, 0) == 0)
		ring_set_freed(ring);
	return 0;
}

static RING_APART ssize_t ring_recv_any(struct mbox *mb, void *buf, size_t size,
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

/* Return whether options only say that the receive may not block. */
static inline int ring_is_plain_recv(const struct mbox_recv_opts *opts)
{
	return !((opts->flags & ~MBOX_RECV_NONBLOCK) | opts->type | opts->type_hi | opts->pid |
		 opts->min_prio | opts->clock) && !opts->deadline;
}

/* The short path: a small message is there, and fits. */
ssize_t mbox_ring_recv(struct mbox *mb, void *buf, size_t size,
		       const struct mbox_recv_opts *opts,
		       struct mbox_header *hdr)
{
	struct ring_side *side = &mb->ring->consumer;
	struct mbox_ring_record record;
	unsigned char *at;
	uint64_t end;

	if (ring_unlikely(!buf || ring_is_gone(side) ||
			  (opts && !ring_is_plain_recv(opts)) || ring_look(side) <= 0))
		return ring_recv_any(mb, buf, size, opts, hdr);
	at = ring_record(side, side->index);
	record = ring_read(at);
	end = side->index + ring_record_size(record.length);
	if (ring_unlikely(record.length - 1 >= side->short_size || record.length > size ||
			  ring_record_size(record.length) > side->limit - side->index))
		return ring_recv_any(mb, buf, size, opts, hdr);
	if (hdr)
		ring_set_header(hdr, record);
	ring_copy(buf, ring_payload(at), record.length);
	if (ring_publish(side, end))
		return ring_wake(mb, side, record.length);
	return record.length;
}
