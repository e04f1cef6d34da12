// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rings: the two sides of <linux/mbox_ring.h> */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/mbox_ring.h>

#include "internal.h"

/* A consumer of a growing ring gives back so much at a time, or a quarter. */
#define TRIM_BYTES	65536

/* Looks at the other side's index before sleeping, where it can run meanwhile. */
#define SPINS		2000

/*
 * What one side knows. Its own index is here and in its control page; from there
 * only others read it, who may not write there: so it is what we left it at. All
 * else that lies in the mappings is the other side's, and is read once, and
 * checked before it is used.
 */
struct side {
	_Alignas(64) uint64_t index;	/* ours: head or tail */
	uint64_t other;			/* the other side's, as last seen */
	uint64_t missed;		/* 1 more than the other's when last asked */
	uint64_t freed;			/* consumer that trims: given back to here */
	size_t room;			/* producer: payload that is reserved */
	uint32_t type;			/* producer: its type */
	uint32_t used;			/* consumer: bytes of the record at index */
	int reserved;			/* producer; consumer: has a record */
};

struct mbox_ring {
	struct side producer, consumer;
	struct mbox_ring_control *head, *tail;	/* the control pages */
	unsigned char *data;		/* twice, back to back */
	uint64_t size;
	size_t page;
	uint32_t rights;
	uint32_t msg_size;
	unsigned int spins;
	uint64_t trim;			/* how much at a time; 0: does not grow */
};

static size_t record_size(size_t length)
{
	return (sizeof(struct mbox_ring_record) + length + MBOX_RING_ALIGN - 1) &
	       ~(size_t)(MBOX_RING_ALIGN - 1);
}

static unsigned char *place(const struct mbox_ring *ring, uint64_t index)
{
	return ring->data + (size_t)(index & (ring->size - 1));
}

/* The index that the producer may not pass by more than the size. */
static const __u64 *limit_of(const struct mbox_ring *ring)
{
	return ring->trim ? &ring->tail->freed : &ring->tail->index;
}

static int map(int fd, void *at, uint64_t offset, size_t size, int writable,
	       void **out)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *p = mmap(at, size, prot, MAP_SHARED | (at ? MAP_FIXED : 0), fd,
		       (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

/*
 * Addresses for both copies, and the copies in their place. Where a MAP_FIXED
 * fails (the mailbox is gone by now, say), its place may be left without any
 * mapping, and be another thread's at once: it is ours to unmap no more.
 */
static int map_data(struct mbox_ring *ring, int fd)
{
	int writable = !!(ring->rights & MBOX_RIGHT_SEND);
	size_t size = (size_t)ring->size;
	unsigned char *both;
	void *p = NULL;
	int ret;

	if (ring->size > SIZE_MAX / 4)
		return -ENOMEM;
	p = mmap(NULL, size * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	both = p;
	ret = map(fd, both, MBOX_RING_DATA_OFFSET, size, writable, &p);
	if (ret) {
		munmap(both + size, size);
		return ret;
	}
	ret = map(fd, both + size, MBOX_RING_DATA_OFFSET, size, writable, &p);
	if (ret) {
		munmap(both, size);
		return ret;
	}
	ring->data = both;
	return 0;
}

void mbox_ring_unmap(struct mbox_ring *ring)
{
	if (!ring)
		return;
	if (ring->data)
		munmap(ring->data, (size_t)ring->size * 2);
	if (ring->head)
		munmap(ring->head, ring->page);
	if (ring->tail)
		munmap(ring->tail, ring->page);
	free(ring);
}

static int ring_map(struct mbox_ring *ring, int fd)
{
	void *p = NULL;
	int ret;

	ret = map(fd, NULL, MBOX_RING_PRODUCER_OFFSET, ring->page,
		  !!(ring->rights & MBOX_RIGHT_SEND), &p);
	if (ret)
		return ret;
	ring->head = p;
	ret = map(fd, NULL, MBOX_RING_CONSUMER_OFFSET, ring->page,
		  !!(ring->rights & MBOX_RIGHT_RECV), &p);
	if (ret)
		return ret;
	ring->tail = p;
	ret = map_data(ring, fd);
	if (ret)
		return ret;
	/* Whoever had the side before us left it here. What is known of the
	 * other is that there is nothing, so that it is looked at first. */
	ring->producer.index = __atomic_load_n(&ring->head->index, __ATOMIC_RELAXED);
	ring->producer.other = ring->producer.index - ring->size;
	ring->consumer.index = __atomic_load_n(&ring->tail->index, __ATOMIC_RELAXED);
	ring->consumer.other = ring->consumer.index;
	ring->consumer.freed = __atomic_load_n(&ring->tail->freed, __ATOMIC_RELAXED);
	return 0;
}

int mbox_ring_open(struct mbox_ring **ringp, int fd, const struct mbox_info *info)
{
	struct mbox_ring *ring = NULL;
	int saved = errno;
	int ret = -ENOMEM;

	*ringp = NULL;
	if (info->kind != MBOX_KIND_RING || !info->rights)
		return 0;
	if (posix_memalign((void **)&ring, 64, sizeof(*ring)) == 0) {
		memset(ring, 0, sizeof(*ring));
		ring->size = info->ring;
		ring->page = (size_t)sysconf(_SC_PAGESIZE);
		ring->rights = info->rights;
		ring->msg_size = info->msg_size;
		ring->spins = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? SPINS : 0;
		if (info->options & MBOX_OPTION_GROW) {
			ring->trim = ring->size / 4 < TRIM_BYTES ?
				     ring->size / 4 : TRIM_BYTES;
			if (ring->trim < ring->page)
				ring->trim = ring->page;
		}
		ret = ring_map(ring, fd);
		if (ret) {
			mbox_ring_unmap(ring);
			ring = NULL;
		}
	}
	errno = saved;
	*ringp = ring;
	return ret;
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

/* What calls of a side fail with, if the kernel says that they do. */
static int check_gone(const struct mbox *mb, uint32_t side,
		      const struct mbox_ring_control *own)
{
	if (!__atomic_load_n(&own->gone, __ATOMIC_RELAXED))
		return 0;
	return ring_wait(mb, side, MBOX_WAIT_WAKE, 0, MBOX_CLOCK_NONE, 0);
}

/*
 * The waker of MBOX_RING_SLEEP (<linux/mbox_ring.h>): the index is published
 * before waiting is read; selftests/model/ring.pml. That the call fails where
 * the mailbox is gone meanwhile changes nothing for what was published.
 */
static void publish(const struct mbox *mb, uint32_t side,
		    struct mbox_ring_control *own, uint64_t index,
		    const struct mbox_ring_control *other)
{
	__atomic_store_n(&own->index, index, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&other->waiting, __ATOMIC_RELAXED))
		ring_wait(mb, side, MBOX_WAIT_WAKE, 0, MBOX_CLOCK_NONE, 0);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
#endif
}

/*
 * Wait until @index is not side->other any more. What may not block asks the
 * kernel too, once for each time that it finds nothing: who polls with edges
 * relies on it. It asks again where the other side has ended.
 */
static int await(const struct mbox *mb, uint32_t which, struct side *side,
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
			relax();
		}
	}
	ret = ring_wait(mb, which, flags | MBOX_WAIT_MOVE, seen, clock, deadline);
	if (nonblock && ret == -ETIMEDOUT) {
		side->missed = seen + 1;
		return -EAGAIN;
	}
	return ret;
}

static int check_deadline(uint32_t clock, int64_t deadline)
{
	if (clock == MBOX_CLOCK_NONE)
		return deadline ? -EINVAL : 0;
	return clock > MBOX_CLOCK_REALTIME || deadline < 0 ? -EINVAL : 0;
}

static int check_side(const struct mbox *mb, uint32_t right)
{
	if (!mb)
		return -EINVAL;
	if (!mb->ring)
		return -EOPNOTSUPP;
	return mb->ring->rights & right ? 0 : -EBADF;
}

static int check_send_opts(const struct mbox_send_opts *opts)
{
	if ((opts->flags & ~(MBOX_SEND_NONBLOCK | MBOX_SEND_SYNC)) ||
	    opts->prio > MBOX_PRIO_MAX ||
	    check_deadline(opts->clock, opts->deadline))
		return -EINVAL;
	return opts->prio || (opts->flags & MBOX_SEND_SYNC) ? -EOPNOTSUPP : 0;
}

int mbox_ring_reserve(struct mbox *mb, size_t size, void **datap,
		      const struct mbox_send_opts *opts)
{
	static const struct mbox_send_opts defaults;
	struct mbox_ring *ring;
	struct side *side;
	uint64_t limit;
	size_t need;
	int ret;

	ret = check_side(mb, MBOX_RIGHT_SEND);
	if (ret)
		return ret;
	if (!datap)
		return -EFAULT;
	if (!opts)
		opts = &defaults;
	ret = check_send_opts(opts);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->producer;
	if (size > ring->msg_size)
		return -EMSGSIZE;
	ret = check_gone(mb, MBOX_RIGHT_SEND, ring->head);
	if (ret)
		return ret;
	need = record_size(size);
	while (side->index + need - side->other > ring->size) {
		limit = __atomic_load_n(limit_of(ring), __ATOMIC_ACQUIRE);
		if (side->index - limit > ring->size ||
		    (side->index | limit) % MBOX_RING_ALIGN)
			return -EBADMSG;
		if (limit != side->other) {
			side->other = limit;
			continue;
		}
		ret = await(mb, MBOX_RIGHT_SEND, side, limit_of(ring), ring->tail,
			    0, opts->flags & MBOX_SEND_NONBLOCK, opts->clock,
			    opts->deadline);
		if (ret)
			return ret;
	}
	side->reserved = 1;
	side->room = size;
	side->type = opts->type;
	*datap = place(ring, side->index) + sizeof(struct mbox_ring_record);
	return 0;
}

int mbox_ring_commit(struct mbox *mb, size_t size)
{
	struct mbox_ring_record record = { .length = (uint32_t)size };
	struct mbox_ring *ring;
	struct side *side;
	int ret;

	ret = check_side(mb, MBOX_RIGHT_SEND);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->producer;
	if (!side->reserved || size > side->room)
		return -EINVAL;
	record.type = side->type;
	memcpy(place(ring, side->index), &record, sizeof(record));
	side->reserved = 0;
	side->index += record_size(size);
	publish(mb, MBOX_RIGHT_SEND, ring->head, side->index, ring->tail);
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

static int check_recv_opts(const struct mbox_recv_opts *opts)
{
	const uint32_t filters = MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER |
				 MBOX_RECV_BY_START;

	if ((opts->flags & ~(MBOX_RECV_NONBLOCK | MBOX_RECV_PEEK | filters)) ||
	    opts->min_prio > MBOX_PRIO_MAX ||
	    (opts->type && !(opts->flags & MBOX_RECV_BY_TYPE)) ||
	    (opts->pid && !(opts->flags & MBOX_RECV_BY_SENDER)) ||
	    check_deadline(opts->clock, opts->deadline))
		return -EINVAL;
	return opts->min_prio || (opts->flags & filters) ? -EOPNOTSUPP : 0;
}

/* Whether there is a page that the consumer is done with. */
static int has_page(const struct mbox_ring *ring)
{
	return ring->trim && ring->consumer.index - ring->consumer.freed >= ring->page;
}

static void trimmed(struct mbox_ring *ring)
{
	ring->consumer.freed = ring->consumer.index & ~(uint64_t)(ring->page - 1);
}

/* Sleep until something is published, having given back what can be. */
static int await_record(struct mbox *mb, const struct mbox_recv_opts *opts)
{
	struct mbox_ring *ring = mb->ring;
	uint32_t flags = has_page(ring) ? MBOX_WAIT_TRIM : 0;
	int ret;

	ret = await(mb, MBOX_RIGHT_RECV, &ring->consumer, &ring->head->index,
		    ring->head, flags, opts->flags & MBOX_RECV_NONBLOCK,
		    opts->clock, opts->deadline);
	if (!flags)
		return ret;
	/* The arguments are right: then it is the indices that are not. */
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
	struct side *side;
	uint32_t length, type;
	const uint32_t *record;
	uint64_t there;
	int ret;

	ret = check_side(mb, MBOX_RIGHT_RECV);
	if (ret)
		return ret;
	if (!datap)
		return -EFAULT;
	if (!opts)
		opts = &defaults;
	ret = check_recv_opts(opts);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->consumer;
	ret = check_gone(mb, MBOX_RIGHT_RECV, ring->tail);
	if (ret)
		return ret;
	while (side->other == side->index) {
		side->other = __atomic_load_n(&ring->head->index, __ATOMIC_ACQUIRE);
		there = side->other - side->index;
		if (there > ring->size || (there | side->index) % MBOX_RING_ALIGN) {
			/* To be found wrong again, not to be taken for good. */
			side->other = side->index;
			return -EBADMSG;
		}
		if (there)
			break;
		ret = await_record(mb, opts);
		if (ret)
			return ret;
	}
	/* Read once: what is checked is what is used. */
	record = (const uint32_t *)(const void *)place(ring, side->index);
	length = __atomic_load_n(&record[0], __ATOMIC_RELAXED);
	type = __atomic_load_n(&record[1], __ATOMIC_RELAXED);
	if (length > ring->msg_size ||
	    record_size(length) > side->other - side->index)
		return -EBADMSG;
	side->reserved = 1;
	side->used = (uint32_t)record_size(length);
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
	struct side *side;
	int ret;

	ret = check_side(mb, MBOX_RIGHT_RECV);
	if (ret)
		return ret;
	ring = mb->ring;
	side = &ring->consumer;
	if (!side->reserved)
		return -EINVAL;
	side->reserved = 0;
	side->index += side->used;
	if (!ring->trim) {
		publish(mb, MBOX_RIGHT_RECV, ring->tail, side->index, ring->head);
		return 0;
	}
	/* Here the producer waits for what the kernel says when it trims. */
	__atomic_store_n(&ring->tail->index, side->index, __ATOMIC_RELEASE);
	if (side->index - side->freed >= ring->trim &&
	    ring_wait(mb, MBOX_RIGHT_RECV, MBOX_WAIT_TRIM, 0, MBOX_CLOCK_NONE, 0) == 0)
		trimmed(ring);
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
