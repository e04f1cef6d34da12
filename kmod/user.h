/* SPDX-License-Identifier: GPL-2.0-only */
/* Users: their quotas, a mailbox's share of one, handles short of it. */
#ifndef MBOX_USER_H
#define MBOX_USER_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct file;
struct mbox;
struct mbox_handle;
struct mbox_message;
struct mbox_share;
struct mbox_user;

/*
 * A user (real uid) and his charges. Found by uid; lives as long as anything is
 * charged.
 */
struct mbox_user {
	struct rhash_head node;		/* of the table in user.c */
	kuid_t uid;			/* constant */
	atomic64_t pins;		/* references and bytes, see user.c */
	atomic_t mailboxes;
	atomic_t units;			/* that his mailboxes may keep, see pool.h */
	struct rcu_head rcu;
	struct list_head short_node;	/* shortage_lock: users that are short */
	struct list_head short_handles;	/* shortage_lock: to be told of room */
	u64 short_need;			/* shortage_lock: the least they need */
};

/* A charge succeeded, in the upper half of the quota: see share.c. */
#define MBOX_USER_TIGHT		1

/* user.c */
int mbox_user_init(void);
void mbox_user_exit(void);
s64 mbox_user_cost(u32 length);
s64 mbox_user_left(const struct mbox_user *user);
bool mbox_user_add_units(struct mbox_user *user, int n, bool half);
void mbox_user_remove_units(struct mbox_user *user, int n);
struct mbox_user *mbox_user_get(kuid_t uid);
void mbox_user_put(struct mbox_user *user);
void mbox_user_ref(struct mbox_user *user);
int mbox_user_charge(struct mbox_user *user, u32 length, bool unlimited);
void mbox_user_uncharge(struct mbox_user *user, u32 length);
int mbox_user_charge_slots(struct mbox_user *user, u32 n, bool unlimited);
void mbox_user_uncharge_slots(struct mbox_user *user, u32 n);
int mbox_user_charge_ring(struct mbox_user *user, struct file *factory,
			  u64 size);
void mbox_user_uncharge_ring(struct mbox_user *user, u64 size);
int mbox_user_add_mailbox(struct mbox_user *user, struct file *factory);
void mbox_user_remove_mailbox(struct mbox_user *user);
u64 mbox_user_need(u32 length, u32 slots);
bool mbox_user_has_room(const struct mbox_user *user, u64 need, bool unlimited);
bool mbox_user_tight(const struct mbox_user *user, u64 need, bool unlimited);
bool mbox_user_idle(const struct mbox_user *user);
void mbox_user_begin_short(struct mbox_user *user);
void mbox_user_end_short(struct mbox_user *user);

/* share.c */
struct mbox_share *mbox_share_new(void);
void mbox_share_free(struct mbox_share *share);
int mbox_share_take(struct mbox *mbox, struct mbox_message *message, s64 more,
		    struct mbox_share **fresh);
bool mbox_share_has_room(struct mbox *mbox, const struct mbox_user *user,
			 s64 need);
void mbox_share_add(struct mbox *mbox, struct mbox_message *message);
void mbox_share_drop(struct mbox *mbox, struct mbox_message *message);

/* shortage.c */
void mbox_shortage_exit(void);
void mbox_shortage_eased(void);
bool mbox_shortage_none(struct mbox_handle *handle, u32 length, u32 slots);
void mbox_shortage_forget(struct mbox_handle *handle);

#endif /* MBOX_USER_H */
