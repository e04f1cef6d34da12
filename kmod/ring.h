/* SPDX-License-Identifier: GPL-2.0-only */
/* Rings: shared memory, its two sides, sleeping and waking. */
#ifndef MBOX_RING_H
#define MBOX_RING_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <linux/mbox.h>
#include <linux/mbox_ring.h>

#include "wait.h"

struct file;
struct page;
struct mbox;
struct mbox_attr;
struct mbox_deferred;
struct mbox_handle;
struct mbox_info;
struct mbox_ring_holder;
struct mbox_stats;
struct mbox_user;
struct vm_area_struct;

enum { MBOX_RING_PRODUCER, MBOX_RING_CONSUMER, MBOX_RING_SIDES };

/* One side of a ring. Both sides map its control page. */
struct mbox_ring_side {
	struct page *page;			/* constant */
	struct mbox_ring_control *control;	/* constant: at page */
	struct mbox_ring_holder *holder;	/* mbox->lock; NULL: free */
	bool left;			/* mbox->lock: was held, and is free */
	bool polled;			/* mbox->lock: waiting is for pollers too */
	struct list_head waiters;	/* mbox->lock */
	u32 nr_waiters;			/* mbox->lock; up to MBOX_WAITERS_MAX */
	u32 cpu;			/* mbox->lock: of its last WAIT, plus 1; or 0 */
};

struct mbox_ring {
	u64 size;			/* constant */
	bool grow;			/* constant */
	u32 longest;			/* constant: bytes of the longest record */
	bool unlimited;			/* constant: may pass the quota */
	struct file *data;		/* constant, counted */
	struct file *data_rw;		/* constant, counted: the same to be mapped */
	struct file *data_ro;		/* constant, counted: to be mapped for reading */
	const struct vm_operations_struct *memory_ops;	/* GROW: of data; set by mmap() */
	struct mutex trim_lock;
	u64 freed;			/* changed under trim_lock and mbox->lock */
	u64 floor;			/* likewise; see MBOX_RING_WINDOW */
	u64 granted;			/* changed under mbox->lock; size, if it does not grow */
	struct mbox_user *user;		/* constant, counted: charged from freed to granted */
	struct list_head lingering;	/* ring_lingering_lock: without a mailbox */
	struct mbox_ring_side sides[MBOX_RING_SIDES];
};

struct mbox_ring_wait {
	u32 flags;			/* MBOX_WAIT_* */
	u32 side;			/* MBOX_RIGHT_RECV or MBOX_RIGHT_SEND */
	u64 seen;
	bool nonblock;
	struct mbox_deadline deadline;
};

/* ring.c */
void mbox_ring_exit(void);
int mbox_ring_check(struct mbox_attr *attr);
int mbox_ring_attach(struct mbox *mbox, struct file *factory, u64 size);
void mbox_ring_detach(struct mbox *mbox);
void mbox_ring_die(struct mbox *mbox, struct mbox_deferred *deferred);
struct mbox_ring_holder *mbox_ring_hold(struct mbox *mbox, u32 rights);
void mbox_ring_leave(struct mbox_ring_holder *holder);
void mbox_ring_shut(struct mbox_handle *handle, u32 rights);
void mbox_ring_hang_up(struct mbox *mbox, struct mbox_deferred *deferred);
int mbox_ring_check_hold(const struct mbox_handle *handle);
u64 mbox_ring_queued(const struct mbox *mbox);
void mbox_ring_info(const struct mbox *mbox, struct mbox_info *info,
		    struct mbox_stats *stats);
int mbox_ring_mmap(struct mbox_handle *handle, struct vm_area_struct *vma);

/* ring_memory.c */
int mbox_ring_memory_new(struct mbox_ring *ring);
void mbox_ring_memory_free(struct mbox_ring *ring);
int mbox_ring_memory_map(struct mbox_ring *ring, struct vm_area_struct *vma,
			 struct file *file);
int mbox_ring_memory_grow(struct mbox_handle *handle, int nr, u64 index);
int mbox_ring_memory_trim(struct mbox *mbox);
u64 mbox_ring_memory_charged(const struct mbox_ring *ring);
u64 mbox_ring_memory_need(const struct mbox_ring *ring);

/* ring_wait.c */
void mbox_ring_wait_place(struct mbox_ring *ring, int nr, u32 cpu);
void mbox_ring_wait_end(struct mbox *mbox, struct mbox_ring_side *side, int error,
			struct mbox_deferred *deferred);
void mbox_ring_wait_wake(struct mbox *mbox, int nr, struct mbox_deferred *deferred);
void mbox_ring_wait_short(struct mbox_handle *handle);
int mbox_ring_wait(struct mbox_handle *handle,
		   const struct mbox_ring_wait *args);
__poll_t mbox_ring_wait_poll(struct mbox_handle *handle, struct file *file,
			     struct poll_table_struct *wait);

/* The right of a handle that has side @nr. */
static inline u32 mbox_ring_right(int nr)
{
	return nr == MBOX_RING_CONSUMER ? MBOX_RIGHT_RECV : MBOX_RIGHT_SEND;
}

/* Read the index that side @nr moves. */
static inline u64 mbox_ring_index(const struct mbox_ring *ring, int nr)
{
	return READ_ONCE(ring->sides[nr].control->index);
}

#endif /* MBOX_RING_H */
