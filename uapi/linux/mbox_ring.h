/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Linux mailboxes in shared memory: the layout of a ring, and its protocol
 *
 * A ring is a mailbox (see <linux/mbox.h>) that was created with ring size, and
 * with it one producer's and one consumer's. They exchange records through
 * memory that both map, and call the kernel to sleep, and to wake a side that
 * sleeps. libmbox does all of this; what stands here is for who does without.
 *
 * SIDES
 *
 * A handle with the right to send is the producer's, one with the right to
 * receive the consumer's; a handle may be both. While a side is held, opening
 * another handle for it fails with EBUSY. It is held by the process that opened
 * the handle, until that process ends or the handle is closed for good (by all who
 * inherited it, or were given it; a mapping of a control page keeps it open too).
 * Then the side is free for the next to open it, who goes on where the indices
 * are; and meanwhile the other side is told: calls that are blocked, or would
 * block, fail with EOWNERDEAD, and poll() reports EPOLLHUP. What was published
 * remains. A side that nobody has held yet is not one that has ended: the other
 * waits for it. To a handle whose side is not its own any more, since the process
 * that opened it has ended, every WAIT and mmap() fails with EOWNERDEAD.
 *
 * MAPPINGS
 *
 * With mmap() on the handle, MAP_SHARED, each whole:
 *
 *	offset				length			written by
 *	MBOX_RING_PRODUCER_OFFSET	page size		producer, kernel
 *	MBOX_RING_CONSUMER_OFFSET	page size		consumer, kernel
 *	MBOX_RING_DATA_OFFSET		bytes of the ring	producer
 *
 * The first two hold a struct mbox_ring_control each. A handle may write what
 * its side writes, and has to map the rest without PROT_WRITE. The data is best
 * mapped twice, back to back: then no record is ever in two pieces.
 *
 * mmap() fails with EINVAL where offset or length are others, or the mapping is
 * private; with EPERM where it asks to write what is the other side's, or to
 * execute; with EACCES if the handle has no right; with ENODEV if it is no ring;
 * with EIDRM or EOWNERDEAD if the mailbox is gone. Mappings stay when it goes, and
 * when a side passes to another: who was the producer of a ring can write its
 * data as long as it keeps it mapped.
 *
 * The descriptor of a ring is open for reading and writing (as mmap() wants it),
 * whatever the rights of the handle are.
 *
 * RECORDS
 *
 * Indices count bytes since the ring was made; they never wrap in practice, and
 * index modulo size is the place in the data. A record is a struct
 * mbox_ring_record, the payload, and padding to a multiple of
 * MBOX_RING_ALIGN bytes. With header it takes at most half of the ring: msg_size,
 * which MBOX_IOC_GET tells, is at most ring / 2 - sizeof(struct mbox_ring_record).
 * Where the ring is made with msg_size 0, it is the least of that, of
 * MBOX_MSG_SIZE_DEFAULT, and of the module parameter max_msg_size.
 *
 * The producer's index, head, is where the next record will begin; the
 * consumer's, tail, is that of the first that was not received. Each has the
 * right to believe nothing of what the other side writes: head - tail is more
 * than the size, or a record is longer than what is published, only where the
 * other side is broken. Whatever it finds it reads once, checks, and uses
 * what it checked.
 *
 * PUBLISHING
 *
 *	producer				consumer
 *	t = acquire(tail)			h = acquire(head)
 *	if head + record - t > size: wait	if h == tail: wait
 *	write the record at head		read the record at tail
 *	release(head = head + record)		release(tail = tail + record)
 *	wake					wake
 *
 * A record is there once head has moved past it: a producer that ends before
 * has published nothing. Since the index of the other side only grows, it may be
 * kept, and read again only when it does not suffice.
 *
 * SLEEPING
 *
 * MBOX_RING_SLEEP: who finds nothing to do sleeps in the kernel, by MBOX_IOC_WAIT
 * with MBOX_WAIT_MOVE or in poll(); the kernel sets waiting in the control page of
 * the side that sleeps. The other side looks at it after each time that it
 * published, and if it is set wakes by MBOX_IOC_WAIT with MBOX_WAIT_WAKE; the
 * kernel clears it then. Sleeper (the kernel) and waker (whoever published):
 *
 *	waiting = 1				release(index)
 *	full barrier				full barrier
 *	read index: moved? do not sleep		read waiting: set? wake
 *
 * Without either of the barriers both could read what was there before, and the
 * one would sleep on what the other has published. (On x86 the barrier of the
 * waker costs more than all of the rest: it cannot be left out.) The model
 * selftests/model/ring.pml has all interleavings of this.
 *
 * With epoll's edge triggering: a WAIT that fails with EAGAIN or ETIMEDOUT leaves
 * waiting set where the mailbox is being polled. So who found nothing, and is going
 * back to epoll_wait(), makes one that does not block first.
 *
 * gone is set by the kernel, and is not 0 where calls of the side whose page it is
 * in fail for good: because the mailbox is gone, or the side is not held any more.
 * A WAIT tells which. Who looks at it learns of the end without sleeping.
 *
 * GROWING
 *
 * With MBOX_OPTION_GROW, of at least two pages, memory comes as it is written
 * and goes as it is consumed: the size is reserved as addresses only. There the
 * limit of the producer is not tail but freed, in the consumer's control page,
 * which the kernel writes: by MBOX_IOC_WAIT with MBOX_WAIT_TRIM the consumer asks
 * it to give back the pages below tail; the kernel does, then sets freed to the
 * beginning of the page that tail is in, and wakes the producer if it waits. (The
 * space is the producer's from the time that its limit moves, so it has to be
 * given back before.) A consumer has to trim before tail - freed exceeds what
 * is left beside the longest record; libmbox does it every 64 KiB or quarter of
 * the ring, and before it sleeps. What MBOX_WAIT_MOVE of the producer waits for,
 * and what seen is, is the limit: tail, or here freed.
 */
#ifndef _UAPI_LINUX_MBOX_RING_H
#define _UAPI_LINUX_MBOX_RING_H

#include <linux/types.h>

/* Offsets for mmap(), in bytes; the same for every page size up to 64 KiB. */
#define MBOX_RING_PRODUCER_OFFSET	0x0
#define MBOX_RING_CONSUMER_OFFSET	0x10000
#define MBOX_RING_DATA_OFFSET		0x100000

/* Records begin and end at multiples of it. */
#define MBOX_RING_ALIGN			8

/**
 * struct mbox_ring_control - the control page of one side of a ring
 * @index:	head of the producer, tail of the consumer; written by that side,
 *		with release, a multiple of MBOX_RING_ALIGN
 * @pad0:	0
 * @waiting:	not 0: the side sleeps, or is polled; written by the kernel
 * @gone:	not 0: calls of the side fail for good; written by the kernel
 * @pad1:	0
 * @freed:	consumer, GROW: the limit of the producer; written by the kernel,
 *		with release
 * @pad2:	0
 *
 * The rest of the page is zero. What different parties write, or read at
 * different times, is in cache lines of its own.
 */
struct mbox_ring_control {
	__aligned_u64	index;
	__aligned_u64	pad0[7];
	__u32	waiting;
	__u32	gone;
	__aligned_u64	pad1[7];
	__aligned_u64	freed;
	__aligned_u64	pad2[7];
};

/**
 * struct mbox_ring_record - what a record begins with
 * @length:	bytes of payload, which follow
 * @type:	type of the message, any number
 */
struct mbox_ring_record {
	__u32	length;
	__u32	type;
};

#endif /* _UAPI_LINUX_MBOX_RING_H */
