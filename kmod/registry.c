// SPDX-License-Identifier: GPL-2.0-only
/* The mailboxes of each network namespace, and their names. */
#include <linux/module.h>
#include <linux/rhashtable.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "access.h"
#include "event.h"
#include "label.h"
#include "mbox.h"
#include "process.h"
#include "registry.h"
#include "trace.h"
#include "user.h"
#include "wait.h"

static unsigned int registry_net_id;

struct registry_net {
	struct mbox_registry *registry;
};

static const struct rhashtable_params name_params = {
	.key_len = MBOX_NAME_SIZE,
	.key_offset = offsetof(struct mbox, name),
	.head_offset = offsetof(struct mbox, hash),
	.automatic_shrinking = true,
};

/* Get the registry of a network namespace. */
struct mbox_registry *mbox_registry_get(struct net *net)
{
	struct registry_net *rn = net_generic(net, registry_net_id);

	refcount_inc(&rn->registry->refs);
	return rn->registry;
}

/* May sleep. */
void mbox_registry_put(struct mbox_registry *registry)
{
	if (!refcount_dec_and_test(&registry->refs))
		return;
	rhashtable_destroy(&registry->names);
	rhashtable_destroy(&registry->labels);
	xa_destroy(&registry->mailboxes);
	put_user_ns(registry->user_ns);
	kfree(registry);
}

/**
 * mbox_registry_find - look a mailbox up
 * @registry:	where
 * @name:	MBOX_NAME_SIZE bytes, padded with NULs
 *
 * Return: the mailbox, with a reference of the caller's, or NULL. It may be
 * about to lose its name.
 */
struct mbox *mbox_registry_find(struct mbox_registry *registry,
				const char *name)
{
	struct mbox *mbox;

	rcu_read_lock();
	mbox = mbox_registry_found(rhashtable_lookup(&registry->names, name, name_params));
	rcu_read_unlock();
	return mbox;
}

/**
 * mbox_registry_next - go through all mailboxes, in the order of their ids
 * @registry:	where
 * @id:		the least id wanted; set to that of the mailbox returned
 *
 * Return: the mailbox, with a reference of the caller's, or NULL. It may be about
 * to be unlisted.
 */
struct mbox *mbox_registry_next(struct mbox_registry *registry,
				unsigned long *id)
{
	struct mbox *mbox;

	rcu_read_lock();
	mbox = xa_find(&registry->mailboxes, id, ULONG_MAX, XA_PRESENT);
	while (mbox && !refcount_inc_not_zero(&mbox->refs))
		mbox = xa_find_after(&registry->mailboxes, id, ULONG_MAX,
				     XA_PRESENT);
	rcu_read_unlock();
	return mbox;
}

/* Return the mailbox of that id, with a reference of the caller's, or NULL. */
struct mbox *mbox_registry_find_id(struct mbox_registry *registry, u64 id)
{
	struct mbox *mbox = NULL;

	rcu_read_lock();
	if (id <= ULONG_MAX)
		mbox = mbox_registry_found(xa_load(&registry->mailboxes, id));
	rcu_read_unlock();
	return mbox;
}

/*
 * Return the newest mailbox of a space whose id has these low 31 bits, with a reference of
 * the caller's, or NULL.
 */
struct mbox *mbox_registry_find_low(struct mbox_registry *registry, u64 id, u32 space)
{
	const u64 step = MBOX_LOW_ID_MASK + 1;
	u64 last = mbox_mailbox_last_id();
	struct mbox *mbox;

	id &= MBOX_LOW_ID_MASK;
	if (id > last)
		return NULL;
	id += (last - id) & ~(step - 1);
	/*
	 * Bound: one more for each 2^31 mailboxes that were ever made, and for each whose id
	 * a privileged process chose.
	 */
	for (;; id -= step) {
		mbox = mbox_registry_find_id(registry, id);
		if (mbox && mbox->space == space)
			return mbox;
		if (mbox)
			mbox_mailbox_put(mbox);
		if (id < step)
			return NULL;
	}
}

/**
 * mbox_registry_next_open - find the next mailbox that can be opened by its id
 * @factory:	whose opener may open it without rights, unless @space is MBOX_SPACE_MQ
 * @space:	MBOX_SPACE_*, of that space; or MBOX_SPACE_NONE
 * @id:		set to the next above it
 *
 * Return: 0, ENOENT, or EINTR if the caller is being killed.
 */
int mbox_registry_next_open(struct file *factory, u32 space, u64 *id)
{
	struct mbox_registry *registry = factory->private_data;
	unsigned long next = *id;
	struct mbox *mbox;
	bool found;

	while (next++ < ULONG_MAX) {
		mbox = mbox_registry_next(registry, &next);
		if (!mbox)
			return -ENOENT;
		mbox_owner_check(mbox);
		found = (space == MBOX_SPACE_NONE || mbox->space == space) &&
			READ_ONCE(mbox->reachable) &&
			(space == MBOX_SPACE_MQ ||
			 !mbox_access_open(mbox, factory, 0));
		mbox_mailbox_put(mbox);
		if (found) {
			*id = next;
			return 0;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return -ENOENT;
}

/* Note that mailboxes came or went: a dump may have missed some. */
static void registry_count_change(struct mbox_registry *registry)
{
	lockdep_assert_held(&registry->lock);
	WRITE_ONCE(registry->changes, registry->changes + 1 ?: 1);
}

static void registry_drop_name(struct mbox *mbox)
{
	lockdep_assert_held(&mbox->registry->lock);
	if (!mbox->named)
		return;
	mbox->named = false;
	if (mbox_mailbox_label(mbox))
		mbox_label_remove(mbox->registry, mbox_mailbox_label(mbox));
	else
		rhashtable_remove_fast(&mbox->registry->names, &mbox->hash,
				       name_params);
}

/*
 * Take the name from a mailbox for another one. EEXIST if the mailbox keeps it:
 * unless it drains, and a handle is left to receive its messages.
 */
static int registry_take_name(struct mbox *mbox)
{
	int error = 0;

	lockdep_assert_held(&mbox->registry->lock);
	spin_lock(&mbox->lock);
	if (mbox->reachable && !(mbox->state == MBOX_STATE_DRAINING &&
				 mbox->recv_handles))
		error = -EEXIST;
	else
		mbox->reachable = false;
	spin_unlock(&mbox->lock);
	if (!error)
		registry_drop_name(mbox);
	return error;
}

/*
 * Enter a name, or a label. EEXIST if another mailbox has it, and is to keep it; EBUSY if
 * the table is being resized by a worker, which has to run.
 */
static int registry_enter_name(struct mbox *mbox)
{
	struct mbox_label *label = mbox_mailbox_label(mbox);
	struct mbox_registry *registry = mbox->registry;
	struct mbox *other;
	int error;

	lockdep_assert_held(&registry->lock);
	if (!mbox_mailbox_has_name(mbox))
		return 0;
	/* Under the lock the reference that the registry has is enough. */
	other = label ? mbox_label_holder(registry, label) :
			rhashtable_lookup_fast(&registry->names, mbox->name,
					       name_params);
	if (other) {
		error = registry_take_name(other);
		if (error)
			return error;
	}
	error = label ? mbox_label_enter(registry, label) :
			rhashtable_insert_fast(&registry->names, &mbox->hash,
					       name_params);
	mbox->named = !error;
	return error;
}

/* Enter a mailbox, under the lock: mbox_registry_add(). EBUSY: to be retried. */
static int registry_enter(struct mbox *mbox)
{
	struct mbox_registry *registry = mbox->registry;
	int error = -EIDRM;

	spin_lock(&registry->lock);
	if (registry->dead)
		goto out;
	error = registry_enter_name(mbox);
	if (error)
		goto out;
	/* Its place is there: this allocates nothing. */
	xa_store(&registry->mailboxes, mbox->id, mbox, 0);
	mbox->listed = true;
	registry_count_change(registry);
	mbox_mailbox_get(mbox);
	__module_get(THIS_MODULE);
	mbox_event_created(mbox);
	trace_mbox_create(mbox);
out:
	spin_unlock(&registry->lock);
	return error;
}

/**
 * mbox_registry_add - list a mailbox, under its name if it has one
 * @mbox:	new
 * @factory:	its opener's and the caller's credentials may allow passing the quota
 *
 * Allocates before it takes the lock: a caller that gets no CPU time, or has to
 * reclaim memory, delays nobody else.
 *
 * Return: 0, EEXIST, EDQUOT, ENOMEM, EINTR (the caller is being killed), or EIDRM if
 * the namespace is gone.
 */
int mbox_registry_add(struct mbox *mbox, struct file *factory)
{
	struct mbox_registry *registry = mbox->registry;
	int error;

	error = mbox_user_add_mailbox(mbox->creator, factory);
	if (error)
		return READ_ONCE(registry->dead) ? -EIDRM : error;
	error = xa_reserve(&registry->mailboxes, mbox->id, GFP_KERNEL_ACCOUNT);
	if (error)
		goto err_user;
	while ((error = registry_enter(mbox)) == -EBUSY) {
		schedule_timeout_killable(1);
		if (fatal_signal_pending(current)) {
			error = -EINTR;
			break;
		}
	}
	if (error)
		goto err_release;
	return 0;

err_release:
	xa_release(&registry->mailboxes, mbox->id);
err_user:
	mbox_user_remove_mailbox(mbox->creator);
	return error;
}

/* Take the name of a mailbox that was deleted, but may live on. */
void mbox_registry_unname(struct mbox *mbox)
{
	spin_lock(&mbox->registry->lock);
	registry_drop_name(mbox);
	spin_unlock(&mbox->registry->lock);
}

/* Forget a mailbox that died, if it is listed. The caller has a reference. */
void mbox_registry_remove(struct mbox *mbox)
{
	bool listed;

	spin_lock(&mbox->registry->lock);
	listed = mbox->listed;
	if (listed) {
		mbox->listed = false;
		xa_erase(&mbox->registry->mailboxes, mbox->id);
		registry_count_change(mbox->registry);
	}
	registry_drop_name(mbox);
	spin_unlock(&mbox->registry->lock);
	if (!listed)
		return;
	mbox_user_remove_mailbox(mbox->creator);
	mbox_mailbox_put(mbox);
	/*
	 * Our caller holds the module too: a file, or its pernet operations; or, of
	 * a request over netlink, its family waits for us before it goes.
	 */
	module_put(THIS_MODULE);
}

static int __net_init registry_net_init(struct net *net)
{
	struct registry_net *rn = net_generic(net, registry_net_id);
	struct mbox_registry *registry;
	int error;

	registry = kzalloc(sizeof(*registry), GFP_KERNEL);
	if (!registry)
		return -ENOMEM;
	error = rhashtable_init(&registry->names, &name_params);
	if (error)
		goto err_free;
	error = mbox_label_init(registry);
	if (error)
		goto err_names;
	refcount_set(&registry->refs, 1);
	registry->net = net;
	INIT_LIST_HEAD(&registry->events.node);
	spin_lock_init(&registry->lock);
	registry->changes = 1;
	xa_init(&registry->mailboxes);
	registry->user_ns = get_user_ns(net->user_ns);
	rn->registry = registry;
	return 0;

err_names:
	rhashtable_destroy(&registry->names);
err_free:
	kfree(registry);
	return error;
}

/* The namespace goes: its mailboxes die, and no more can be made in it. */
static void __net_exit registry_net_exit(struct net *net)
{
	struct registry_net *rn = net_generic(net, registry_net_id);
	struct mbox_registry *registry = rn->registry;
	struct mbox_deferred deferred;
	unsigned long id = 0;
	struct mbox *mbox;

	spin_lock(&registry->lock);
	registry->dead = true;
	spin_unlock(&registry->lock);
	while ((mbox = mbox_registry_next(registry, &id))) {
		mbox_mailbox_lock(mbox, &deferred);
		mbox_mailbox_die(mbox, -EIDRM, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		/* Another task that ended it may not have removed it yet. */
		mbox_registry_remove(mbox);
		mbox_mailbox_put(mbox);
	}
	/*
	 * No name comes or goes any more. Where the last reference goes later, maybe
	 * in a worker that frees memory, rhashtable_destroy() has no other to wait for.
	 */
	cancel_work_sync(&registry->names.run_work);
	cancel_work_sync(&registry->labels.run_work);
	mbox_notice_end(registry);
	mbox_registry_put(registry);
}

static struct pernet_operations registry_net_ops = {
	.init = registry_net_init,
	.exit = registry_net_exit,
	.id = &registry_net_id,
	.size = sizeof(struct registry_net),
};

int __init mbox_registry_init(void)
{
	return register_pernet_subsys(&registry_net_ops);
}

void mbox_registry_exit(void)
{
	unregister_pernet_subsys(&registry_net_ops);
}
