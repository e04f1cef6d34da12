/* SPDX-License-Identifier: GPL-2.0-only */
/* Kinds of mailboxes: the operations in which they differ, but for messages. */
#ifndef MBOX_KIND_H
#define MBOX_KIND_H

#include <linux/poll.h>
#include <linux/types.h>

struct file;
struct mbox;
struct mbox_attr;
struct mbox_deferred;
struct mbox_handle;
struct mbox_info;
struct mbox_ioc_set;
struct mbox_message;
struct mbox_room;
struct mbox_stats;

/*
 * Every kind has every operation. Sending and receiving, which many programs do all the
 * time, call the files of the kinds directly.
 */
struct mbox_kind {
	u32 number;			/* MBOX_KIND_* of a mailbox, or of a handle */
	u32 limits;			/* MBOX_SET_* that may be set of limits */
	u32 max_receivers;		/* handles with the right to receive */
	bool rendezvous;		/* capacity may be zero */
	bool mapped;			/* a handle with any right may be mapped to write */
	bool drained;			/* DELETE_DRAIN: messages stay to be received */
	bool fixed;			/* nobody deletes it, or hands it over */
	bool subscribed;		/* messages are for handles, and go with them */

	/* Check attributes of a new mailbox, and put in defaults. */
	int (*check)(struct mbox_attr *attr);
	/* Attach the parts that other kinds do not have, and free them. */
	int (*attach)(struct mbox *mbox, struct file *factory,
		      const struct mbox_attr *attr);
	void (*detach)(struct mbox *mbox);

	/* A handle is opened; then it is listed; then it may be used. */
	int (*open)(struct mbox_handle *handle);
	void (*begin)(struct mbox_handle *handle);
	/* It is shut down in these directions, before and after it gives up rights. */
	void (*shut)(struct mbox_handle *handle, u32 rights);
	void (*renounced)(struct mbox_handle *handle, u32 rights);
	/* It is closed, before and after it gives up all rights. */
	void (*leave)(struct mbox_handle *handle);
	void (*release)(struct mbox_handle *handle);

	__poll_t (*poll)(struct mbox_handle *handle, struct file *file,
			 struct poll_table_struct *wait);
	int (*set)(struct mbox_handle *handle, struct file *file,
		   const struct mbox_ioc_set *arg);
	int (*purge)(struct mbox *mbox, u64 *purged);

	/* Under mbox->lock. @handle, or NULL, and @stats, or NULL, of GET and netlink. */
	void (*info)(struct mbox *mbox, const struct mbox_handle *handle,
		     struct mbox_info *info, struct mbox_stats *stats);
	/* Let in senders for which there may be room now. */
	void (*admit)(struct mbox *mbox, struct mbox_room *room,
		      struct mbox_deferred *deferred);
	/* End up to @n calls that nobody is left to serve; return how many there were. */
	unsigned int (*hang_up)(struct mbox *mbox, unsigned int n,
				struct mbox_deferred *deferred);
	u64 (*queued)(const struct mbox *mbox);
	struct mbox_message *(*first)(const struct mbox *mbox);
	void (*die)(struct mbox *mbox, struct mbox_deferred *deferred);
};

/* kind.c */
extern const struct mbox_kind mbox_kind_inbox;
const struct mbox_kind *mbox_kind_of(const struct mbox_attr *attr);

#endif /* MBOX_KIND_H */
