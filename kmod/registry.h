/* SPDX-License-Identifier: GPL-2.0-only */
/* Registries: the names and the mailboxes of a network namespace. */
#ifndef MBOX_REGISTRY_H
#define MBOX_REGISTRY_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>

struct file;
struct mbox;
struct net;
struct user_namespace;

/* Users of whose mailboxes a namespace is told so much, whatever others do. */
#define MBOX_EVENT_SHARES	32

/*
 * The mailboxes of a network namespace. It outlives the namespace as long as a
 * factory or a mailbox refers to it, but is dead (and empty) by then.
 */
struct mbox_registry {
	refcount_t refs;
	spinlock_t lock;		/* names and the list, see LOCKS */
	bool dead;			/* lock: the namespace is gone */
	struct net *net;		/* while it is there, see event.c */
	u32 changes;			/* lock: mailboxes that came or went */
	struct xarray mailboxes;	/* all listed, by id; as names is */
	struct rhashtable names;	/* changed under lock, read under RCU */
	struct user_namespace *user_ns;	/* constant: owner of the namespace */
	/* of event.c: */
	struct list_head owing;		/* owing_lock: or empty */
	u32 refused;			/* owing_lock: by a quota, not told yet */
	kuid_t refused_uid;		/* owing_lock */
	u32 refused_others;		/* owing_lock: before, of other users */
	/* of its worker; times in 64-bit jiffies: */
	u64 window_end;
	u32 told;			/* in this window, of what is for all users */
	u64 spent;			/* nanoseconds, likewise */
	unsigned int nr_shares;		/* users told of, likewise */
	struct {
		kuid_t uid;
		u32 told;		/* of his share */
	} shares[MBOX_EVENT_SHARES];
	u64 refused_due;		/* when more may be told of refusals */
	u64 left_out;			/* events not told */
	u64 overrun_due;		/* when that is told */
};

/* registry.c */
int mbox_registry_init(void);
void mbox_registry_exit(void);
struct mbox_registry *mbox_registry_get(struct net *net);
void mbox_registry_put(struct mbox_registry *registry);
struct mbox *mbox_registry_find(struct mbox_registry *registry,
				const char *name);
struct mbox *mbox_registry_next(struct mbox_registry *registry,
				unsigned long *id);
int mbox_registry_add(struct mbox *mbox, struct file *factory);
void mbox_registry_unname(struct mbox *mbox);
void mbox_registry_remove(struct mbox *mbox);

#endif /* MBOX_REGISTRY_H */
