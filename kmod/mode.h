/* SPDX-License-Identifier: GPL-2.0-only */
/* Modes of handles: the filter by which one receives, and headers of messages read. */
#ifndef MBOX_MODE_H
#define MBOX_MODE_H

#include <linux/compiler.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/mbox.h>

#include "mbox.h"
#include "queue.h"

struct mbox_recv_args;
struct mbox_tie;

/*
 * The mode of a handle. It does not change: MBOX_IOC_MODE puts another one in its place.
 * The handle holds it, and so does each receive that goes by it, for that has the filter.
 */
struct mbox_mode {
	refcount_t refs;
	u32 flags;			/* MBOX_MODE_*, MBOX_RECV_BY_* */
	struct mbox_filter filter;	/* its pid_ns is counted; no lane */
	struct mbox_tie *sender;	/* BY_START: watched; NULL: it had ended */
};

/* mbox_mode_poll(): the handle has no filter. No poll of a filter finds room. */
#define MBOX_POLL_ANY	EPOLLOUT

/* mode.c */
int mbox_mode_set(struct mbox_handle *handle, u32 flags,
		  const struct mbox_filter *filter);
void mbox_mode_put(struct mbox_mode *mode);
void mbox_mode_enter(struct mbox_handle *handle, struct mbox_recv_args *args);
int mbox_mode_frame(struct mbox_recv_args *args);
__poll_t __mbox_mode_poll(struct mbox_handle *handle, __poll_t wanted);

/*
 * Return MBOX_POLL_ANY, or of the filter of @handle the events EPOLLIN and EPOLLHUP. May
 * sleep.
 */
static inline __poll_t mbox_mode_poll(struct mbox_handle *handle, __poll_t wanted)
{
	return likely(!READ_ONCE(handle->mode)) ? MBOX_POLL_ANY :
						  __mbox_mode_poll(handle, wanted);
}

#endif /* MBOX_MODE_H */
