// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings, by their protocol. A thread takes a side for a while, and is killed in it or leaves it to
 * another. The records are numbered from 1 on, across all producers, and each consumer must find them
 * in order with none missing.
 *
 * A thread may be killed before or after it moves its side's index. So it first writes down the new
 * index and the number of the last record; the next thread on that side finds out which of the last
 * two marks the index is at.
 */
#include "stress/stress.h"

#include <linux/mbox_ring.h>

#define RING_TRIM	4096U		/* GROW: give back so much at a time */

struct ring {
	int fd;
	uint32_t box;
	bool consumer, grow;
	struct mbox_ring_control *head, *tail;	/* control pages of producer and consumer */
	uint8_t *data;
	uint64_t index, seq;			/* of our side */
	uint64_t trimmed;
	uint64_t granted;			/* GROW: there is memory up to here */
};

/* The payload of a record begins with this. */
struct ring_stamp {
	uint64_t seq;
	uint32_t length;
};

static struct mbox_ring_control *ring_own(struct ring *ring)
{
	return ring->consumer ? ring->tail : ring->head;
}

/* Continue at the index of our side. */
static void ring_resume(struct ring *ring)
{
	struct ring_mark *marks = ledger->boxes[ring->box].ring.marks[ring->consumer];

	ring->index = __atomic_load_n(&ring_own(ring)->index, __ATOMIC_ACQUIRE);
	for (int i = 0; i < 2; i++) {
		if (__atomic_load_n(&marks[i].index, __ATOMIC_ACQUIRE) == ring->index) {
			ring->seq = marks[i].seq;
			return;
		}
	}
	fault(FAULT_LEDGER, "box %u: the index of side %d is %llu, moved were %llu and %llu", ring->box,
	      ring->consumer, (long long)ring->index, (long long)marks[0].index,
	      (long long)marks[1].index);
}

/* Publish, or give back, one record of @length. */
static void ring_move(struct ring *ring, uint64_t length)
{
	uint64_t index = ring->index + length, seq = ring->seq + 1;
	struct ring_mark *mark = &ledger->boxes[ring->box].ring.marks[ring->consumer][seq % 2];
	struct mbox_ring_control *other = ring->consumer ? ring->head : ring->tail;

	/* not an index that it could be at */
	__atomic_store_n(&mark->index, ~0ULL, __ATOMIC_RELEASE);
	__atomic_store_n(&mark->seq, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&mark->index, index, __ATOMIC_RELEASE);
	__atomic_store_n(&ring_own(ring)->index, index, __ATOMIC_RELEASE);
	ring->index = index;
	ring->seq = seq;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* MBOX_RING_SLEEP */
	if (__atomic_load_n(&other->waiting, __ATOMIC_RELAXED)) {
		struct mbox_ioc_wait arg = { .flags = MBOX_WAIT_WAKE };

		expect_errors("WAIT", xioctl(ring->fd, MBOX_IOC_WAIT, &arg), EIDRM, 0);
	}
	count(&ledger->records);
}

static uint64_t ring_trim(struct ring *ring)
{
	struct mbox_ioc_wait arg = { .flags = MBOX_WAIT_TRIM };

	if (!ring->grow || !ring->consumer || ring->index / 4096 == ring->trimmed / 4096)
		return 0;
	ring->trimmed = ring->index;
	return xioctl(ring->fd, MBOX_IOC_WAIT, &arg);
}

/*
 * Have memory up to @end: the producer asks for it, the consumer asks whether it is there. Return
 * whether to go on.
 */
static bool ring_grow(struct ring *ring, uint64_t end)
{
	struct mbox_ioc_wait arg = { .flags = MBOX_WAIT_GROW, .seen = (end + 4095) & -4096ULL };
	long ret;

	if (!ring->grow || end <= ring->granted)
		return true;
	ret = xioctl(ring->fd, MBOX_IOC_WAIT, &arg);
	if (ring->consumer)
		expect_errors("WAIT", ret, EIDRM, 0);
	else
		expect_errors("WAIT", ret, EIDRM, EDQUOT, 0);
	if (ret == 0)
		ring->granted = arg.seen;
	return ret == 0;
}

/* Sleep until the other side's index is not @seen. Return whether to go on. */
static bool ring_sleep(struct thread *t, struct ring *ring, uint64_t seen)
{
	struct mbox_ioc_wait arg = {
		.flags = MBOX_WAIT_MOVE, .seen = seen, .clock = MBOX_CLOCK_MONOTONIC,
		.deadline = now() + below(t, 4 * NSEC_PER_MSEC),
	};
	long ret = ring_trim(ring);

	expect_errors("WAIT", ret, EIDRM, 0);
	if (ret < 0)
		return false;
	if (one_in(t, 4)) {
		struct pollfd poll_arg = {
			.fd = ring->fd, .events = ring->consumer ? POLLIN : POLLOUT,
		};

		if (poll(&poll_arg, 1, below(t, 4)) < 0)
			expect_errors("poll", -errno, EINTR, 0);
		return !(poll_arg.revents & POLLHUP);
	}
	ret = xioctl(ring->fd, MBOX_IOC_WAIT, &arg);
	expect_errors("WAIT", ret, EINTR, ETIMEDOUT, EOWNERDEAD, EIDRM, EPIPE, 0);
	return ret == 0 || ret == -ETIMEDOUT;
}

static uint64_t ring_record_size(uint32_t length)
{
	return (sizeof(struct mbox_ring_record) + length + MBOX_RING_ALIGN - 1) & -MBOX_RING_ALIGN;
}

/* The data is mapped twice, back to back. */
static uint8_t *ring_at(struct ring *ring, uint64_t index)
{
	return ring->data + index % RING_BYTES;
}

/* Produce one record, if there is room. Return whether to go on. */
static bool ring_produce(struct thread *t, struct ring *ring)
{
	uint64_t *limit = ring->grow ? (uint64_t *)&ring->tail->freed : (uint64_t *)&ring->tail->index;
	struct ring_stamp stamp = { .seq = ring->seq + 1 };
	struct mbox_ring_record record = { .type = stamp.seq };
	uint64_t seen = __atomic_load_n(limit, __ATOMIC_ACQUIRE);

	stamp.length = sizeof(stamp) + below(t, one_in(t, 4) ? RING_RECORD - sizeof(stamp) : 64);
	record.length = stamp.length;
	if (ring->index + ring_record_size(record.length) - seen > RING_BYTES)
		return ring_sleep(t, ring, seen);
	if (!ring_grow(ring, ring->index + ring_record_size(record.length)))
		return false;
	memcpy(ring_at(ring, ring->index), &record, sizeof(record));
	memcpy(ring_at(ring, ring->index + sizeof(record)), noise_of(stamp.seq), stamp.length);
	memcpy(ring_at(ring, ring->index + sizeof(record)), &stamp, sizeof(stamp));
	ring_move(ring, ring_record_size(record.length));
	return true;
}

/* Consume one record, if there is one. Return whether to go on; if there is none, @waits. */
static bool ring_consume(struct thread *t, struct ring *ring, bool waits)
{
	uint64_t seen = __atomic_load_n(&ring->head->index, __ATOMIC_ACQUIRE);
	struct mbox_ring_record record;
	struct ring_stamp stamp;
	const uint8_t *payload;

	if (seen == ring->index)
		return waits && ring_sleep(t, ring, seen);
	if (!ring_grow(ring, seen))
		return false;
	memcpy(&record, ring_at(ring, ring->index), sizeof(record));
	payload = ring_at(ring, ring->index + sizeof(record));
	memcpy(&stamp, payload, sizeof(stamp));
	if (record.length < sizeof(stamp) || record.length > RING_RECORD ||
	    ring_record_size(record.length) > seen - ring->index) {
		fault(FAULT_LEDGER, "box %u: a record of %u bytes, of %llu published", ring->box,
		      record.length, (long long)(seen - ring->index));
		return false;
	}
	if (stamp.seq != ring->seq + 1 || record.type != (uint32_t)stamp.seq ||
	    stamp.length != record.length ||
	    memcmp(payload + sizeof(stamp), noise_of(stamp.seq) + sizeof(stamp),
		   record.length - sizeof(stamp)))
		fault(FAULT_LEDGER, "box %u: record %llu of %u bytes after %llu, or not as it was sent",
		      ring->box, (long long)stamp.seq, record.length, (long long)ring->seq);
	ring_move(ring, ring_record_size(record.length));
	if (ring->index - ring->trimmed >= RING_TRIM)
		expect_errors("WAIT", ring_trim(ring), EIDRM, 0);
	return true;
}

/* Map the ring. Return 0, or -1 if the mailbox is gone meanwhile. */
static int ring_map(struct ring *ring)
{
	int prot = ring->consumer ? PROT_READ : PROT_READ | PROT_WRITE;
	size_t page = sysconf(_SC_PAGESIZE);
	void *p;

	ring->head = mmap(NULL, page, prot, MAP_SHARED, ring->fd, MBOX_RING_PRODUCER_OFFSET);
	ring->tail = mmap(NULL, page, ring->consumer ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
			  ring->fd, MBOX_RING_CONSUMER_OFFSET);
	ring->data = mmap(NULL, 2 * RING_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 2; i++) {
		p = mmap(ring->data + i * RING_BYTES, RING_BYTES, prot, MAP_SHARED | MAP_FIXED, ring->fd,
			 MBOX_RING_DATA_OFFSET);
		if (p == MAP_FAILED) {
			expect_errors("mmap", -errno, EIDRM, 0);
			/* The place is empty, or another thread's by now. */
			munmap(ring->data + !i * RING_BYTES, RING_BYTES);
			ring->data = MAP_FAILED;
			return -1;
		}
	}
	return ring->head == MAP_FAILED || ring->tail == MAP_FAILED ? -1 : 0;
}

static void ring_unmap(struct ring *ring)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (ring->head != MAP_FAILED)
		munmap(ring->head, page);
	if (ring->tail != MAP_FAILED)
		munmap(ring->tail, page);
	if (ring->data != MAP_FAILED)
		munmap(ring->data, 2 * RING_BYTES);
}

/* Take a side of the ring of this name. Return 0, or a negated errno. */
static int ring_open(struct ring *ring, int factory, uint32_t name)
{
	struct mbox_ioc_open arg = {
		.rights = ring->consumer ? MBOX_RIGHT_RECV : MBOX_RIGHT_SEND,
	};
	struct mbox_info info;

	name_of(arg.name, false, name);
	ring->fd = xioctl(factory, MBOX_IOC_OPEN, &arg);
	if (ring->fd < 0)
		return ring->fd;
	expect_errors("GET", info_get(ring->fd, &info), 0);
	ring->box = box_find(&info);
	ring->grow = name == NAME_GROW;
	if (ring->box < NO_BOX && ring_map(ring) == 0) {
		ring_resume(ring);
		count(&ledger->sides);
		return 0;
	}
	if (ring->box < NO_BOX)
		ring_unmap(ring);
	close(ring->fd);
	return -EAGAIN;
}

static void ring_close(struct thread *t, struct ring *ring)
{
	/* the last of the two frees the side */
	if (one_in(t, 2)) {
		close(ring->fd);
		ring_unmap(ring);
	} else {
		ring_unmap(ring);
		close(ring->fd);
	}
}

void act_ring(struct thread *t)
{
	struct ring ring = { .consumer = one_in(t, 2) };
	int64_t end = now() + below(t, 30) * NSEC_PER_MSEC;
	uint32_t name = one_in(t, 2) ? NAME_RING : NAME_GROW;
	int ret = ring_open(&ring, process.factory, name);

	/* EAGAIN: it is gone, or just made and not in the ledger yet */
	expect_errors("OPEN", ret, ENOENT, EBUSY, EAGAIN, process.privileged ? ENOENT : EACCES, 0);
	if (ret < 0)
		return;
	while (now() < end && !__atomic_load_n(&ledger->stop, __ATOMIC_RELAXED))
		if (!(ring.consumer ? ring_consume(t, &ring, true) : ring_produce(t, &ring)))
			break;
	ring_close(t, &ring);
}

/* Nobody has a side any more: all published records are there, if the name is. */
void ring_check(struct thread *t, uint32_t box, int factory)
{
	struct ring ring = { .consumer = true };
	struct ring_mark *marks = ledger->boxes[box].ring.marks[0];
	int ret;

	if (info_of(common.kept[box]).state != MBOX_STATE_LIVE)
		return;
	ret = ring_open(&ring, factory, ledger->boxes[box].name);
	if (ret < 0 || ring.box != box) {
		fault(FAULT_CALL, "the ring of box %u cannot be opened: %d", box, ret);
		return;
	}
	while (ring_consume(t, &ring, false))
		;
	if (__atomic_load_n(&ring.head->index, __ATOMIC_ACQUIRE) != ring.index)
		fault(FAULT_LEDGER, "box %u: %llu was published, received until %llu", box,
		      (long long)ring.head->index, (long long)ring.index);
	for (int i = 0; i < 2; i++)
		if (marks[i].index == ring.index && marks[i].seq != ring.seq)
			fault(FAULT_LEDGER, "box %u: %llu records were published, %llu received", box,
			      (long long)marks[i].seq, (long long)ring.seq);
	ring_close(t, &ring);
}
