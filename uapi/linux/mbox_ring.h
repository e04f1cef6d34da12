/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Linux mailboxes in shared memory: the layout of a ring, and its protocol
 *
 * A ring is a mailbox (see <linux/mbox.h>) that was created with ring size, for one
 * producer and one consumer. They exchange records through memory that both map, and
 * call the kernel only to sleep and to wake a sleeping side. libmbox does all of this;
 * this header is for programs that do without it.
 *
 * SIDES
 *
 * A handle with the right to send is the producer's, one with the right to
 * receive the consumer's; a handle may be both. While a side is held, opening
 * another handle for it fails with EBUSY. The process that opened the handle holds
 * the side until that process ends or the handle is closed for good (by all processes
 * that inherited it or were given it; a mapping of a control page keeps it open too).
 * Then the side is free: the next process to open it goes on at the current indices.
 * Until then calls of the other side that are blocked, or would block, fail with
 * EOWNERDEAD, and its poll() reports EPOLLHUP. Published records remain. A side that
 * nobody has held yet has not ended: the other side waits for it. When the process
 * that opened a handle has ended, the handle loses its side: every WAIT and mmap() on
 * it fails with EOWNERDEAD.
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
 * The first two hold a struct mbox_ring_control each. A handle may map for writing
 * only the parts that its side writes, and has to map the rest without PROT_WRITE. Map
 * the data twice, back to back: then no record is ever in two pieces.
 *
 * mmap() fails with EINVAL if offset or length are others, or the mapping is
 * private; with EPERM if it asks to write the other side's part, or to execute; with
 * EACCES if the handle has no right; with ENODEV if it is no ring; with EIDRM or
 * EOWNERDEAD if the mailbox is gone. Mappings stay when the mailbox goes, and when a
 * side passes to another process: a former producer can write the data as long as it
 * keeps its mapping. The creator stays charged for the ring until its data is mapped no
 * more, and up to about a second longer.
 *
 * The descriptor of a ring is open for reading and writing (mmap() needs that), with
 * any rights of the handle.
 *
 * RECORDS
 *
 * Indices count bytes since the ring was made; they never wrap in practice, and
 * index modulo size is the position in the data. A record is a struct
 * mbox_ring_record, the payload, and padding to a multiple of
 * MBOX_RING_ALIGN bytes. With header it takes at most half of the ring: msg_size, as
 * reported by MBOX_IOC_GET, is at most ring / 2 - sizeof(struct mbox_ring_record).
 * If the ring is made with msg_size 0, msg_size is the least of that, of
 * MBOX_MSG_SIZE_DEFAULT, and of the module parameter max_msg_size.
 *
 * The producer's index, head, is the position of the next record; the consumer's,
 * tail, is that of the first record that was not received. Neither side may trust
 * values that the other side writes: head - tail is more than the size, or a record
 * longer than the published data, only if the other side is broken. Read each value
 * once, check it, and use the checked copy.
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
 * A record is published once head has moved past it: a producer that ends before
 * has published nothing. Since the index of the other side only grows, a side may
 * keep a copy, and read it again only when the copy does not suffice.
 *
 * SLEEPING
 *
 * MBOX_RING_SLEEP: a side that finds nothing to do sleeps in the kernel, by
 * MBOX_IOC_WAIT with MBOX_WAIT_MOVE or in poll(); the kernel sets waiting in the
 * control page of the side that sleeps. The other side reads it each time it has
 * published, and if it is set wakes by MBOX_IOC_WAIT with MBOX_WAIT_WAKE; the
 * kernel clears it then. Sleeper (the kernel) and waker (the publishing side):
 *
 *	waiting = 1				release(index)
 *	full barrier				full barrier
 *	read index: moved? do not sleep		read waiting: set? wake
 *
 * Without either of the barriers both could read the old value, and the sleeper
 * would miss the record that the waker has published. (On x86 the barrier of the
 * waker costs more than all of the rest: it cannot be left out.) The model
 * selftests/model/ring.pml has all interleavings of this.
 *
 * With epoll's edge triggering: a WAIT that fails with EAGAIN or ETIMEDOUT leaves
 * waiting set while the mailbox is being polled. So a side that found nothing makes a
 * WAIT that does not block before it goes back to epoll_wait().
 *
 * The kernel sets gone. If it is not 0, calls of the side that owns the page fail for
 * good: the mailbox is gone, or the side is not held any more. A WAIT tells which. A
 * side that reads gone learns of the end without sleeping.
 *
 * SPINNING
 *
 * A side may read the index of the other for a while before it sleeps. While both
 * share a CPU that only keeps the other from running. So the kernel notes the CPU of
 * each WAIT, also of one that only wakes, and says in the control page of each side
 * whether these CPUs differ: apart. It is 0 until both sides have called WAIT, and it
 * may be out of date, since a side moves to another CPU at any time: limit the spin.
 *
 * GROWING
 *
 * With MBOX_OPTION_GROW, of at least two pages, memory comes as it is written
 * and goes as it is consumed: only the addresses are reserved. There the limit of the
 * producer is not tail but freed, in the consumer's control page, written by the
 * kernel. By MBOX_IOC_WAIT with MBOX_WAIT_TRIM the consumer asks the kernel to give
 * back the pages below tail; the kernel does, then sets freed to the beginning of the
 * page that tail is in, and wakes the producer if it waits. (The producer may write as
 * soon as its limit moves, so the pages have to be given back before.) A consumer has
 * to trim before tail - freed exceeds the size of the ring less the longest record;
 * libmbox does it every 64 KiB or quarter of the ring, and before it sleeps. The
 * producer's MBOX_WAIT_MOVE waits for a change of the limit, and its seen is the
 * limit: tail, or here freed.
 *
 * Before it writes, the producer asks for memory by MBOX_IOC_WAIT with MBOX_WAIT_GROW,
 * up to the end of the record or further: of whole pages, for which the creator is
 * charged until they are given back; EDQUOT if the quota does not have them. Access to
 * any other page raises SIGBUS. So a consumer that does not trust its producer asks by
 * MBOX_WAIT_GROW, too, whether there is memory up to head, before it reads there:
 * EINVAL if there is none. libmbox asks for 64 KiB or a quarter of the ring at a time,
 * for single pages near the end of the quota. poll() says EPOLLOUT only if the quota
 * has room for the longest record. The limit is for each ring, not for each process:
 * a former consumer that keeps its mapping of the control page can mislead the TRIM of
 * the next one, which then reads memory that is gone, and gets SIGBUS. A mapping of the
 * data of a ring that grows cannot have huge pages (after MADV_HUGEPAGE access to pages
 * that are not mapped yet raises SIGBUS) and holds the module.
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
 * @apart:	not 0: the sides last called WAIT on different CPUs, see SPINNING;
 *		written by the kernel
 * @pad1:	0
 * @freed:	consumer, GROW: the limit of the producer; written by the kernel,
 *		with release
 * @pad2:	0
 * @pad3:	0
 *
 * The rest of the page is zero. Fields that different sides write, or that are read
 * at different times, are in separate cache lines.
 */
struct mbox_ring_control {
	__aligned_u64	index;
	__aligned_u64	pad0[7];
	__u32	waiting;
	__u32	gone;
	__u32	apart;
	__u32	pad1;
	__aligned_u64	pad2[6];
	__aligned_u64	freed;
	__aligned_u64	pad3[7];
};

/**
 * struct mbox_ring_record - the header of a record
 * @length:	bytes of payload, which follow
 * @type:	type of the message, any number
 */
struct mbox_ring_record {
	__u32	length;
	__u32	type;
};

#endif /* _UAPI_LINUX_MBOX_RING_H */
