/* SPDX-License-Identifier: GPL-2.0-only */
/* Events: notifications about mailboxes, for listeners. */
#ifndef MBOX_EVENT_H
#define MBOX_EVENT_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/mbox_netlink.h>

struct mbox;
struct mbox_registry;

/* The earliest time at which more may be sent, in 64-bit jiffies. */
struct mbox_throttle {
	u64 next;
};

/* Events of a mailbox that are not sent yet; guarded by its lock. See event.c. */
struct mbox_pending {
	struct llist_node node;
	struct mbox *mbox;		/* constant: that has them */
	bool queued;			/* in a list of the worker */
	struct mbox_throttle throttle;
	u32 counts[MBOX_EVENT_LEASE_ENDING + 1]; /* by enum mbox_event */
	u64 dropped;
	u64 dropped_at_end;
	u64 token;			/* of the first lease that ends soon */
	kuid_t user;			/* of its creator */
};

/* Users that have a share of a namespace's events of their own. */
#define MBOX_EVENT_SHARES	32

/* Events that a namespace may still be sent in a window; the worker's alone. */
struct mbox_event_budget {
	u64 window_end;			/* 64-bit jiffies */
	u64 spent;			/* nanoseconds of the worker */
	u32 common;			/* events sent that count for all users */
	unsigned int nr_shares;		/* users with events sent */
	struct {
		kuid_t uid;
		u32 sent;		/* of his share */
	} shares[MBOX_EVENT_SHARES];
};

/* Events of a network namespace that are not sent yet, and the limits of sending. */
struct mbox_event_net {
	struct list_head node;		/* pending_lock: or empty */
	u32 refused;			/* pending_lock: mailboxes, by a quota */
	kuid_t refused_uid;		/* pending_lock: of the user of that quota */
	u32 refused_others;		/* pending_lock: before, of other users */
	/* of the worker: */
	u64 unkept;			/* pending_lock: events for which memory lacked */
	struct mbox_event_budget budget;
	struct mbox_throttle refusals;
	u64 suppressed;			/* events that were not sent */
	struct mbox_throttle overrun;	/* of reporting their number */
};

/* The state of a mailbox, or a namespace, that one event is about. */
struct mbox_notice {
	u64 id;				/* 0: no mailbox */
	const char *name;
	struct mbox_registry *registry;
	u32 state;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u64 queued;
	u64 token;			/* of a lease that ends soon */
	kuid_t user;			/* it counts for his share of events */
};

/* event.c */
int mbox_event_init(void);
void mbox_event_exit(void);
void mbox_event_created(struct mbox *mbox);
void mbox_event_deleted(struct mbox *mbox);
void mbox_event_died(struct mbox *mbox, int death, u64 dropped);
void mbox_event_full(struct mbox *mbox);
void mbox_event_room(struct mbox *mbox);
void mbox_event_dropped(struct mbox *mbox, u64 n);
void mbox_event_quota(struct mbox *mbox);
void mbox_event_lease(struct mbox *mbox, u64 token);
void mbox_event_refused(struct mbox_registry *registry, kuid_t uid);

/* budget.c */
bool mbox_budget_take(struct mbox_event_budget *budget, kuid_t uid);

/* notice.c */
bool mbox_notice_heard(const struct mbox_registry *registry);
bool mbox_notice_possible(const struct mbox_registry *registry);
bool mbox_notice_stopped(void);
int mbox_notice_send(const struct mbox_notice *notice, enum mbox_event event,
		     u64 count, u64 dropped);
void mbox_notice_end(struct mbox_registry *registry);
void mbox_notice_stop(void);

#endif /* MBOX_EVENT_H */
