/* SPDX-License-Identifier: GPL-2.0-only */
/* Polling of handles. */
#ifndef MBOX_POLL_H
#define MBOX_POLL_H

#include <linux/poll.h>
#include <linux/types.h>

struct file;
struct mbox_handle;

/* poll.c */
__poll_t mbox_poll_shut(const struct mbox_handle *handle);
__poll_t mbox_poll_queue(struct mbox_handle *handle, struct file *file,
			 struct poll_table_struct *wait);
__poll_t mbox_poll_inbox(struct mbox_handle *handle, struct file *file,
			 struct poll_table_struct *wait);
__poll_t mbox_poll_broadcast(struct mbox_handle *handle, struct file *file,
			     struct poll_table_struct *wait);

#endif /* MBOX_POLL_H */
