/* SPDX-License-Identifier: GPL-2.0-only */
/* Rings: shared memory, its two sides, sleeping and waking. */
#ifndef MBOX_RING_H
#define MBOX_RING_H

#include <linux/poll.h>
#include <linux/types.h>

#include "wait.h"

struct file;
struct mbox;
struct mbox_attr;
struct mbox_deferred;
struct mbox_handle;
struct mbox_ring_holder;
struct vm_area_struct;

struct mbox_ring_wait {
	u32 flags;			/* MBOX_WAIT_* */
	u32 side;			/* MBOX_RIGHT_RECV or MBOX_RIGHT_SEND */
	u64 seen;
	bool nonblock;
	struct mbox_deadline deadline;
};

/* ring.c */
int mbox_ring_check(struct mbox_attr *attr);
int mbox_ring_attach(struct mbox *mbox, struct file *factory, u64 size);
void mbox_ring_free(struct mbox *mbox);
void mbox_ring_die(struct mbox *mbox);
struct mbox_ring_holder *mbox_ring_hold(struct mbox *mbox, u32 rights);
void mbox_ring_leave(struct mbox_ring_holder *holder);
void mbox_ring_shut(struct mbox_handle *handle, u32 rights);
void mbox_ring_hang_up(struct mbox *mbox, struct mbox_deferred *deferred);
int mbox_ring_wait(struct mbox_handle *handle,
		   const struct mbox_ring_wait *args);
__poll_t mbox_ring_poll(struct mbox_handle *handle);
u64 mbox_ring_queued(const struct mbox *mbox);
void mbox_ring_info(const struct mbox *mbox, struct mbox_info *info);
u32 mbox_ring_side_nr(const struct mbox *mbox, u32 right);
int mbox_ring_mmap(struct mbox_handle *handle, struct vm_area_struct *vma);

#endif /* MBOX_RING_H */
