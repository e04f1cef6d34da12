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
 * One counter holds both references (handles, mailboxes) and charged bytes, so
 * that sending a message costs a single atomic addition, and a user with
 * nothing charged is one with the counter at zero:
 *
 *	bits 0 to 38	bytes
 *	bits 39 to 62	references
 *	bit 63		the user is short of quota, see shortage.c
 *
 * Neither may overflow: bytes stay below MBOX_USER_BYTES_MAX, half the field, but for
 * small sends under way, which add before they find that it is too much; references
 * stay below MBOX_USER_REFS_MAX likewise.
 *
 * A user whose counter is zero is dead: nobody can take a reference any more. The
 * task that brought the counter to zero removes the user from the table. A task
 * that wants a reference meanwhile puts a new user in the place of the dead one.
 */
#define MBOX_USER_REF	((s64)BIT_ULL(39))
#define MBOX_USER_BYTES_MAX	((s64)BIT_ULL(38))
#define MBOX_USER_REFS_MAX	((s64)BIT_ULL(23))
#define MBOX_USER_SHORT	S64_MIN

/*
 * A user (real uid) and his charges. Found by uid; lives as long as anything is
 * charged.
 */
struct mbox_user {
	struct rhash_head node;		/* of the table in user.c */
	kuid_t uid;			/* constant */
	atomic64_t pins;		/* references and bytes, see above */
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
s64 mbox_user_left(const struct mbox_user *user);
bool mbox_user_add_units(struct mbox_user *user, int n, bool leaves);
void mbox_user_remove_units(struct mbox_user *user, int n);
struct mbox_user *mbox_user_get(kuid_t uid);
void mbox_user_put(struct mbox_user *user);
void mbox_user_usage(kuid_t uid, u32 *mailboxes, u64 *bytes);
void mbox_user_ref(struct mbox_user *user);
int __mbox_user_charged_small(struct mbox_user *user, s64 bytes, bool unlimited);
void __mbox_user_unpinned(struct mbox_user *user, s64 pins, s64 left);
int mbox_user_charge_bytes(struct mbox_user *user, s64 bytes, bool unlimited);
bool mbox_user_passes_quotas(struct file *factory);
int mbox_user_charge_ring(struct mbox_user *user, u64 bytes, bool unlimited);
int mbox_user_add_mailbox(struct mbox_user *user, struct file *factory);
void mbox_user_remove_mailbox(struct mbox_user *user);
u64 mbox_user_need(u32 length, u32 slots);
bool mbox_user_has_room(const struct mbox_user *user, u64 need, bool unlimited);
bool mbox_user_tight(const struct mbox_user *user, u64 need, bool unlimited);
bool mbox_user_idle(const struct mbox_user *user);
void mbox_user_begin_short(struct mbox_user *user);
void mbox_user_end_short(struct mbox_user *user);

static inline s64 mbox_user_bytes_in(s64 pins)
{
	return pins & (MBOX_USER_REF - 1);
}

/* The bytes that a user may have without privilege. */
static inline s64 mbox_user_quota(void)
{
	return min_t(u64, READ_ONCE(mbox_user_bytes), MBOX_USER_BYTES_MAX);
}

/**
 * mbox_user_cost - compute the cost of a message
 * @length:	bytes of its payload
 *
 * The memory that mbox_pool_alloc() takes: kvmalloc() rounds up to a power of two
 * where it finds that in one piece, and to pages where it does not.
 *
 * Return: bytes of the quota.
 */
static __always_inline s64 mbox_user_cost(u32 length)
{
	u64 size = (u64)length + MBOX_LARGE_CHARGE;

	if (length <= MBOX_SMALL_SIZE)
		return MBOX_SMALL_CHARGE;
	return size <= MBOX_LARGE_ROUND ? roundup_pow_of_two(size) :
					   PAGE_ALIGN(size);
}

/**
 * mbox_user_charge - charge a message to its sender
 * @user:	the sender, to whom the caller holds a reference
 * @length:	bytes of its payload
 * @unlimited:	whether the sender may pass the quota by CAP_SYS_RESOURCE
 *
 * Small messages are added first and checked then, which costs least; the excess of
 * those under way is little. Larger ones are not added even for a moment if they do
 * not fit.
 *
 * Return: 0, or MBOX_USER_TIGHT if more than half of the quota is used, of which
 * then each mailbox may take a share only; or EDQUOT and nothing is charged.
 */
static __always_inline int mbox_user_charge(struct mbox_user *user, u32 length,
					    bool unlimited)
{
	s64 bytes, pins, cost;

	if (length > MBOX_SMALL_SIZE) {
		pins = atomic64_read(&user->pins);
		cost = mbox_user_cost(length);
		if (likely(mbox_user_bytes_in(pins) + cost <= mbox_user_quota() >> 1) &&
		    likely(atomic64_try_cmpxchg(&user->pins, &pins, pins + cost)))
			return 0;
		return mbox_user_charge_bytes(user, cost, unlimited);
	}
	bytes = atomic64_add_return(MBOX_SMALL_CHARGE, &user->pins);
	bytes = mbox_user_bytes_in(bytes);
	if (likely(bytes <= mbox_user_quota() >> 1))
		return 0;
	return __mbox_user_charged_small(user, bytes, unlimited);
}

/* Take bytes, or references, off again. */
static __always_inline void mbox_user_unpin(struct mbox_user *user, s64 pins)
{
	s64 had = atomic64_fetch_sub(pins, &user->pins);

	if (unlikely(had <= pins))
		__mbox_user_unpinned(user, pins, had - pins);
}

static __always_inline void mbox_user_uncharge(struct mbox_user *user, u32 length)
{
	mbox_user_unpin(user, mbox_user_cost(length));
}

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
bool mbox_shortage_none_of(struct mbox_handle *handle, struct mbox_user *user,
			   u64 need, bool unlimited);
void mbox_shortage_forget(struct mbox_handle *handle);

#endif /* MBOX_USER_H */
