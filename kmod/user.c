// SPDX-License-Identifier: GPL-2.0-only
/* Users and their quotas of mailboxes and of bytes. */
#include <linux/bits.h>
#include <linux/capability.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "mbox.h"
#include "user.h"

/* Changed under the locks of its buckets, read under RCU. */
static struct rhashtable users;

static const struct rhashtable_params user_params = {
	.key_len = sizeof(kuid_t),
	.key_offset = offsetof(struct mbox_user, uid),
	.head_offset = offsetof(struct mbox_user, node),
	.automatic_shrinking = true,
};

int __init mbox_user_init(void)
{
	return rhashtable_init(&users, &user_params);
}

/* Nothing is charged any more, and nobody has a reference. */
void mbox_user_exit(void)
{
	rhashtable_destroy(&users);
}

static bool user_ref(struct mbox_user *user)
{
	return atomic64_add_unless(&user->pins, MBOX_USER_REF, 0);
}

/*
 * The rest of taking @pins off. He may be gone by now, unless nothing is @left, and that is
 * for the caller to see to; so nothing else of him is looked at.
 */
void __mbox_user_unpinned(struct mbox_user *user, s64 pins, s64 left)
{
	/* MBOX_USER_SHORT is set; references make no room. */
	if (left) {
		if (mbox_user_bytes_in(pins))
			mbox_shortage_eased();
		return;
	}
	/* It is not there if another user took its place. */
	rhashtable_remove_fast(&users, &user->node, user_params);
	kfree_rcu(user, rcu);
}

/* The user of @uid, with a reference of the caller's, or NULL. */
static struct mbox_user *user_find(kuid_t uid)
{
	struct mbox_user *user;

	rcu_read_lock();
	user = rhashtable_lookup(&users, &uid, user_params);
	if (user && !user_ref(user))
		user = NULL;
	rcu_read_unlock();
	return user;
}

/* Enter @fresh, or find the user that is there. EAGAIN: try again; ENOMEM. */
static struct mbox_user *user_enter(struct mbox_user *fresh)
{
	struct mbox_user *user;
	int error;

	rcu_read_lock();
	user = rhashtable_lookup_get_insert_fast(&users, &fresh->node,
						 user_params);
	if (!user) {
		user = fresh;
	} else if (!IS_ERR(user) && !user_ref(user)) {
		/* ENOENT: the dead one was removed since it was found. */
		error = rhashtable_replace_fast(&users, &user->node,
						&fresh->node, user_params);
		user = error ? ERR_PTR(-EAGAIN) : fresh;
	}
	rcu_read_unlock();
	return user;
}

/**
 * mbox_user_get - find a user, or add him
 * @uid:	of the user
 *
 * Return: the user, to be given back with mbox_user_put(). ENFILE if more
 * handles refer to him than can be counted, ENOMEM.
 */
struct mbox_user *mbox_user_get(kuid_t uid)
{
	struct mbox_user *user, *fresh;

	user = user_find(uid);
	if (!user) {
		fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
		fresh->uid = uid;
		atomic64_set(&fresh->pins, MBOX_USER_REF);
		do {
			user = user_enter(fresh);
			/* A worker resizes the table, which has to run. */
			if (user == ERR_PTR(-EBUSY))
				schedule_timeout_uninterruptible(1);
		} while (user == ERR_PTR(-EAGAIN) || user == ERR_PTR(-EBUSY));
		if (user != fresh)
			kfree(fresh);
		if (IS_ERR(user))
			return user;
	}
	if ((atomic64_read(&user->pins) & ~MBOX_USER_SHORT) / MBOX_USER_REF > MBOX_USER_REFS_MAX) {
		mbox_user_unpin(user, MBOX_USER_REF);
		return ERR_PTR(-ENFILE);
	}
	return user;
}

/* Tell how many mailboxes and bytes a user has. */
void mbox_user_usage(kuid_t uid, u32 *mailboxes, u64 *bytes)
{
	struct mbox_user *user = user_find(uid);

	*mailboxes = 0;
	*bytes = 0;
	if (!user)
		return;
	*mailboxes = atomic_read(&user->mailboxes);
	*bytes = mbox_user_bytes_in(atomic64_read(&user->pins));
	mbox_user_put(user);
}

void mbox_user_put(struct mbox_user *user)
{
	mbox_user_unpin(user, MBOX_USER_REF);
}

/* Add a reference to a user to whom there is one. */
void mbox_user_ref(struct mbox_user *user)
{
	atomic64_add(MBOX_USER_REF, &user->pins);
}

/* Return the rest of a user's quota; negative if he has passed it. */
s64 mbox_user_left(const struct mbox_user *user)
{
	return mbox_user_quota() - mbox_user_bytes_in(atomic64_read(&user->pins));
}

/*
 * Charge @more bytes, up to @limit. Bytes that do not fit are not added even for a
 * moment: they would be in the way of others' that do.
 */
static int user_charge_up_to(struct mbox_user *user, s64 more, s64 limit)
{
	s64 pins = atomic64_read(&user->pins);

	do {
		if (mbox_user_bytes_in(pins) + more > limit)
			return -EDQUOT;
	} while (!atomic64_try_cmpxchg(&user->pins, &pins, pins + more));
	return 0;
}

/*
 * Return MBOX_USER_TIGHT, as more than half of the quota is used, unless the caller
 * may pass it.
 */
static int user_tight(bool unlimited)
{
	return unlimited && capable(CAP_SYS_RESOURCE) ? 0 : MBOX_USER_TIGHT;
}

/* Return the charge for a message of @length bytes with @slots deliveries. */
u64 mbox_user_need(u32 length, u32 slots)
{
	return mbox_user_cost(length) + (u64)slots * MBOX_SMALL_CHARGE;
}

/* Return whether user_charge() would charge @need bytes to @user, the sender's user. */
bool mbox_user_has_room(const struct mbox_user *user, u64 need, bool unlimited)
{
	u64 bytes = mbox_user_bytes_in(atomic64_read(&user->pins)) + need;

	if (likely(bytes <= mbox_user_quota()))
		return true;
	return bytes <= MBOX_USER_BYTES_MAX && unlimited && capable(CAP_SYS_RESOURCE);
}

/* Return whether it would find then that more than half of the quota is used. */
bool mbox_user_tight(const struct mbox_user *user, u64 need, bool unlimited)
{
	return mbox_user_left(user) - (s64)need < mbox_user_quota() >> 1 &&
	       user_tight(unlimited);
}

/*
 * Return whether @user has nothing charged: then he has all the room that he may
 * get.
 */
bool mbox_user_idle(const struct mbox_user *user)
{
	return !mbox_user_bytes_in(atomic64_read(&user->pins));
}

/* Mark @user as short of quota, and count a reference for it. */
void mbox_user_begin_short(struct mbox_user *user)
{
	mbox_user_ref(user);
	atomic64_or(MBOX_USER_SHORT, &user->pins);
}

/* Take the mark away; the reference stays. */
void mbox_user_end_short(struct mbox_user *user)
{
	atomic64_andnot(MBOX_USER_SHORT, &user->pins);
}

/* As mbox_user_charge(), of any number of bytes. */
int mbox_user_charge_bytes(struct mbox_user *user, s64 more, bool unlimited)
{
	int error = user_charge_up_to(user, more, mbox_user_quota());

	if (error && unlimited && capable(CAP_SYS_RESOURCE))
		return user_charge_up_to(user, more, MBOX_USER_BYTES_MAX);
	if (error)
		return error;
	return mbox_user_left(user) < mbox_user_quota() >> 1 ? user_tight(unlimited) : 0;
}

/* A small one was added, and is not in the lower half of the quota. */
int __mbox_user_charged_small(struct mbox_user *user, s64 bytes, bool unlimited)
{
	if (bytes <= mbox_user_quota())
		return user_tight(unlimited);
	/* Maybe only because of others that do not fit either. */
	mbox_user_unpin(user, MBOX_SMALL_CHARGE);
	return mbox_user_charge_bytes(user, MBOX_SMALL_CHARGE, unlimited);
}

/*
 * Check whether quotas may be passed: both opener and caller need the capability,
 * so that neither lends it.
 */
bool mbox_user_passes_quotas(struct file *factory)
{
	return file_ns_capable(factory, &init_user_ns, CAP_SYS_RESOURCE) &&
	       capable(CAP_SYS_RESOURCE);
}

/**
 * mbox_user_charge_ring - charge memory of a ring to its creator
 * @user:	the creator, to whom the caller holds a reference
 * @bytes:	of memory
 * @unlimited:	whether the ring may pass the quota
 *
 * Return: 0, or EDQUOT and nothing is charged.
 */
int mbox_user_charge_ring(struct mbox_user *user, u64 bytes, bool unlimited)
{
	return user_charge_up_to(user, bytes, unlimited ? MBOX_USER_BYTES_MAX :
							  mbox_user_quota());
}

/* Count a mailbox that @user creates. EDQUOT: he has as many as he may. */
int mbox_user_add_mailbox(struct mbox_user *user, struct file *factory)
{
	int mailboxes = atomic_read(&user->mailboxes);

	do {
		if (mailboxes < READ_ONCE(mbox_user_mailboxes))
			continue;
		if (!mbox_user_passes_quotas(factory))
			return -EDQUOT;
	} while (!atomic_try_cmpxchg(&user->mailboxes, &mailboxes,
				     mailboxes + 1));
	return 0;
}

/*
 * Free memory in pools is not charged, for it is nobody's; so it is little. Return
 * whether @user's mailboxes may keep @n units more: together up to a 16th of the
 * quota; one that keeps many @leaves a quarter of that to others.
 */
bool mbox_user_add_units(struct mbox_user *user, int n, bool leaves)
{
	s64 most = mbox_user_quota() >> 4;
	s64 units = atomic_add_return(n, &user->units);

	if (leaves)
		most -= most >> 2;
	if (units * MBOX_SMALL_CHARGE <= most)
		return true;
	atomic_sub(n, &user->units);
	return false;
}

void mbox_user_remove_units(struct mbox_user *user, int n)
{
	atomic_sub(n, &user->units);
}

void mbox_user_remove_mailbox(struct mbox_user *user)
{
	atomic_dec(&user->mailboxes);
}
