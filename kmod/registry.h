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

#include "event.h"
#include "mbox.h"

struct file;
struct net;
struct user_namespace;

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
	struct rhashtable labels;	/* likewise, see label.c */
	struct user_namespace *user_ns;	/* constant: owner of the namespace */
	struct mbox_event_net events;
};

/* registry.c */
int mbox_registry_init(void);
void mbox_registry_exit(void);
/*
 * Take a reference to a mailbox that was found under RCU, or NULL. Return it, or NULL if
 * its last reference has gone.
 */
static inline struct mbox *mbox_registry_found(struct mbox *mbox)
{
	return mbox && refcount_inc_not_zero(&mbox->refs) ? mbox : NULL;
}

struct mbox_registry *mbox_registry_get(struct net *net);
void mbox_registry_put(struct mbox_registry *registry);
struct mbox *mbox_registry_find(struct mbox_registry *registry,
				const char *name);
struct mbox *mbox_registry_find_id(struct mbox_registry *registry, u64 id);
/* The low bits of an id, which are all that sysvipc(7) has room for. */
#define MBOX_LOW_ID_MASK	(BIT_ULL(31) - 1)

struct mbox *mbox_registry_find_low(struct mbox_registry *registry, u64 id, u32 space);
int mbox_registry_next_open(struct file *factory, u32 space, u64 *id);
struct mbox *mbox_registry_next(struct mbox_registry *registry,
				unsigned long *id);
int mbox_registry_add(struct mbox *mbox, struct file *factory);
void mbox_registry_unname(struct mbox *mbox);
void mbox_registry_remove(struct mbox *mbox);

#endif /* MBOX_REGISTRY_H */
