/* SPDX-License-Identifier: GPL-2.0-only */
/* Events: notifications about mailboxes, for listeners. */
#ifndef MBOX_EVENT_H
#define MBOX_EVENT_H

#include <linux/llist.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/mbox_netlink.h>

struct mbox;
struct mbox_registry;

/* What is to be told of a mailbox; guarded by its lock. See event.c. */
struct mbox_notices {
	struct llist_node node;
	bool noted;			/* in a list of the worker */
	u64 due;			/* when more may be told, in 64-bit jiffies */
	u32 counts[MBOX_EVENT_OVERRUN];	/* since; by enum mbox_event */
	u64 dropped;
	u64 dropped_at_end;
	kuid_t user;			/* who created it */
};

/* event.c */
int mbox_event_init(void);
void mbox_event_stop(void);
void mbox_event_exit(void);
void mbox_event_end(struct mbox_registry *registry);
void mbox_event_created(struct mbox *mbox);
void mbox_event_deleted(struct mbox *mbox);
void mbox_event_died(struct mbox *mbox, int death, u64 dropped);
void mbox_event_full(struct mbox *mbox);
void mbox_event_room(struct mbox *mbox);
void mbox_event_dropped(struct mbox *mbox, u64 n);
void mbox_event_quota(struct mbox *mbox);
void mbox_event_refused(struct mbox_registry *registry, kuid_t uid);

#endif /* MBOX_EVENT_H */
