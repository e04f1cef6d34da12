// SPDX-License-Identifier: GPL-2.0-only
/* Users and their quotas of mailboxes and of bytes. */
#include <linux/bits.h>
#include <linux/capability.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "mbox.h"

/*
 * One counter holds both references (handles, mailboxes) and charged bytes, so
 * that sending a message costs a single atomic addition, and a user with
 * nothing charged is one with the counter at zero:
 *
 *	bits 0 to 38	bytes
 *	bits 39 to 62	references
 *
 * Neither may overflow: bytes stay below BYTES_MAX, half the field, plus what
 * calls under way add before they find that it is too much, and references
 * below REFS_MAX likewise.
 *
 * A user whose counter is zero is dead: nobody can take a reference any more. The
 * task that brought the counter to zero removes the user from the table. A task
 * that wants a reference meanwhile puts a new user in the place of the dead one.
 */
#define REF		((s64)BIT_ULL(39))
#define BYTES_MAX	((s64)BIT_ULL(38))
#define REFS_MAX	((s64)BIT_ULL(23))

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
	return atomic64_add_unless(&user->pins, REF, 0);
}

static void unpin(struct mbox_user *user, s64 pins)
{
	if (!atomic64_sub_and_test(pins, &user->pins))
		return;
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
 * mbox_user_get - find a user, or make him known
 * @uid: whose
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
		atomic64_set(&fresh->pins, REF);
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
	if (atomic64_read(&user->pins) / REF > REFS_MAX) {
		unpin(user, REF);
		return ERR_PTR(-ENFILE);
	}
	return user;
}

void mbox_user_put(struct mbox_user *user)
{
	unpin(user, REF);
}

static s64 cost(u32 length)
{
	return length <= MBOX_SMALL_SIZE ? MBOX_SMALL_CHARGE :
					   (s64)length + MBOX_LARGE_CHARGE;
}

static __always_inline int charge(struct mbox_user *user, s64 more,
				  bool unlimited)
{
	s64 bytes = atomic64_add_return(more, &user->pins) & (REF - 1);

	if (likely(bytes <= READ_ONCE(mbox_user_bytes) && bytes <= BYTES_MAX))
		return 0;
	if (bytes <= BYTES_MAX && unlimited && capable(CAP_SYS_RESOURCE))
		return 0;
	unpin(user, more);
	return -EDQUOT;
}

/**
 * mbox_user_charge - charge a message to its sender
 * @user:	the sender, to whom the caller holds a reference
 * @length:	bytes of its payload
 * @unlimited:	whether the sender may pass the quota by CAP_SYS_RESOURCE
 *
 * Return: 0, or EDQUOT and nothing is charged.
 */
int mbox_user_charge(struct mbox_user *user, u32 length, bool unlimited)
{
	return charge(user, cost(length), unlimited);
}

/* The same of @n deliveries of a message, each as a small one. */
int mbox_user_charge_slots(struct mbox_user *user, u32 n, bool unlimited)
{
	return charge(user, (s64)n * MBOX_SMALL_CHARGE, unlimited);
}

void mbox_user_uncharge_slots(struct mbox_user *user, u32 n)
{
	unpin(user, (s64)n * MBOX_SMALL_CHARGE);
}

void mbox_user_uncharge(struct mbox_user *user, u32 length)
{
	unpin(user, cost(length));
}

/* Whether quotas may be passed: both have to have it, so that neither lends it. */
static bool passes_quotas(struct file *factory)
{
	return file_ns_capable(factory, &init_user_ns, CAP_SYS_RESOURCE) &&
	       capable(CAP_SYS_RESOURCE);
}

/**
 * mbox_user_charge_ring - charge a ring to its creator
 * @user:	the creator, to whom the caller holds a reference
 * @factory:	by whose opener's, and the caller's, credentials the quota may be passed
 * @size:	bytes of the ring
 *
 * Not added first and looked at then: rings are too large for what a few calls
 * under way would add.
 *
 * Return: 0, or EDQUOT and nothing is charged.
 */
int mbox_user_charge_ring(struct mbox_user *user, struct file *factory,
			  u64 size)
{
	s64 pins = atomic64_read(&user->pins);
	s64 bytes;

	do {
		bytes = (pins & (REF - 1)) + size;
		if (bytes > BYTES_MAX)
			return -EDQUOT;
		if (bytes > READ_ONCE(mbox_user_bytes) &&
		    !passes_quotas(factory))
			return -EDQUOT;
	} while (!atomic64_try_cmpxchg(&user->pins, &pins, pins + size));
	return 0;
}

void mbox_user_uncharge_ring(struct mbox_user *user, u64 size)
{
	unpin(user, size);
}

/* Count a mailbox that @user creates. EDQUOT: he has as many as he may. */
int mbox_user_add_mailbox(struct mbox_user *user, struct file *factory)
{
	if (atomic_inc_return(&user->mailboxes) <= READ_ONCE(mbox_user_mailboxes) ||
	    passes_quotas(factory))
		return 0;
	atomic_dec(&user->mailboxes);
	return -EDQUOT;
}

void mbox_user_remove_mailbox(struct mbox_user *user)
{
	atomic_dec(&user->mailboxes);
}
