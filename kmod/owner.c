// SPDX-License-Identifier: GPL-2.0-only
/* Owners and heirs of mailboxes: handing over, and their end. */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "access.h"
#include "mbox.h"
#include "process.h"
#include "track.h"
#include "wait.h"

/*
 * An owner or heir of a mailbox: mbox->owner or mbox->heir, or not yet or no longer
 * either. The function that takes it out of there drops it. If the process ended before
 * it came there, @ended is set.
 */
struct mbox_owner {
	struct mbox_tie tie;
	struct mbox_owner *heir;	/* mbox->lock: of the owner; or NULL */
	bool may_receive;		/* constant: without regard to the mode */
	bool ended;			/* mbox->lock */
};

static_assert(!offsetof(struct mbox_owner, tie));

/* Drop an owner or heir that is neither any more; or NULL. May sleep. */
static void owner_drop(struct mbox_owner *owner)
{
	if (owner)
		mbox_tie_drop(&owner->tie);
}

/* End an owner or heir whose process is gone. Return the one to be dropped, or NULL. */
static struct mbox_owner *owner_end(struct mbox *mbox, struct mbox_owner *owner,
				    struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	owner->ended = true;
	if (mbox->owner && mbox->owner->heir == owner) {
		mbox->owner->heir = NULL;
		return owner;
	}
	if (mbox->owner != owner)
		return NULL;
	if (!owner->heir || owner->heir->ended) {
		mbox_mailbox_die(mbox, -EOWNERDEAD, deferred);
		return NULL;
	}
	mbox->owner = owner->heir;
	owner->heir = NULL;
	return owner;
}

/* Called by the watch. */
static void owner_ended(void *data)
{
	struct mbox_owner *owner = data, *gone;
	struct mbox *mbox = owner->tie.mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	gone = owner_end(mbox, owner, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	owner_drop(gone);
	mbox_tie_put(&owner->tie);
}

/**
 * mbox_owner_check - see whether the owner has ended
 * @mbox:	the mailbox, to which the caller has a reference
 *
 * The watch fires later than wait() returns: a caller that saw the exit must not
 * find the dead mailbox under its name.
 */
void mbox_owner_check(struct mbox *mbox)
{
	struct mbox_owner *owner, *gone;
	struct mbox_deferred deferred;

	do {
		gone = NULL;
		mbox_mailbox_lock(mbox, &deferred);
		owner = mbox->owner;
		if (owner && !owner->ended && mbox_process_ended(owner->tie.pid))
			gone = owner_end(mbox, owner, &deferred);
		mbox_mailbox_unlock(mbox, &deferred);
		owner_drop(gone);
	} while (gone);
}

/* Make an owner or heir for @mbox. ESRCH if the process has ended, ENOMEM. */
static struct mbox_owner *owner_new(struct mbox *mbox, struct pid *pid,
				    bool may_receive)
{
	struct mbox_owner *owner;
	int error;

	owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner)
		return ERR_PTR(-ENOMEM);
	owner->may_receive = may_receive;
	error = mbox_tie_bind(&owner->tie, mbox, pid, owner_ended);
	return error ? ERR_PTR(error) : owner;
}

/**
 * mbox_owner_attach - make the caller's process the owner of a new mailbox
 * @mbox:	that nobody can reach yet
 *
 * Return: 0 or ENOMEM.
 */
int mbox_owner_attach(struct mbox *mbox)
{
	struct mbox_owner *owner;

	owner = owner_new(mbox, task_tgid(current), false);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	/* The caller is alive: it has not ended. */
	mbox->owner = owner;
	return 0;
}

/* Drop the owner and heir of a mailbox that died. */
void mbox_owner_detach(struct mbox *mbox)
{
	struct mbox_owner *owner, *heir = NULL;

	spin_lock(&mbox->lock);
	owner = mbox->owner;
	mbox->owner = NULL;
	if (owner)
		swap(owner->heir, heir);
	spin_unlock(&mbox->lock);
	owner_drop(owner);
	owner_drop(heir);
}

/* Return the process of an owner or heir; NULL without one. */
struct pid *mbox_owner_pid(const struct mbox_owner *owner)
{
	return owner ? owner->tie.pid : NULL;
}

/* Return the heir of an owner; NULL without one. */
const struct mbox_owner *mbox_owner_heir(const struct mbox_owner *owner)
{
	return owner ? owner->heir : NULL;
}

/* Return its number for the caller; 0 without one. */
u32 mbox_owner_nr(const struct mbox_owner *owner)
{
	return owner ? mbox_process_nr(owner->tie.pid) : 0;
}

/* Whether the caller owns @mbox, and so may receive. */
bool mbox_owner_may_receive(const struct mbox *mbox)
{
	const struct mbox_owner *owner = mbox->owner;

	lockdep_assert_held(&mbox->lock);
	return owner && owner->may_receive && owner->tie.pid == task_tgid(current);
}

/* Under the lock: exchange @next with the owner or heir; a new owner has no heir. */
static int owner_exchange(struct mbox *mbox, u32 flags, struct mbox_owner **next,
			  struct mbox_owner **heir)
{
	if (*next && (*next)->ended)
		return -ESRCH;
	if (flags & MBOX_HANDOVER_HEIR) {
		if (!mbox->owner)
			return -EINVAL;
		swap(mbox->owner->heir, *next);
		return 0;
	}
	mbox->lifetime = *next ? MBOX_LIFETIME_PROCESS : MBOX_LIFETIME_OS;
	swap(mbox->owner, *next);
	if (*next)
		swap((*next)->heir, *heir);
	return 0;
}

/* Make an owner or heir of a process that the caller may send a signal. */
static struct mbox_owner *owner_from(struct mbox *mbox,
				     const struct mbox_ioc_handover *arg)
{
	struct mbox_owner *owner;
	struct pid *pid;
	int error;

	pid = arg->start ? mbox_process_find(arg->pid, arg->start) :
			   mbox_process_get(arg->pid);
	if (IS_ERR(pid))
		return ERR_CAST(pid);
	error = mbox_access_signal(pid);
	owner = error ? ERR_PTR(error) :
			owner_new(mbox, pid, arg->flags & MBOX_HANDOVER_RECV);
	put_pid(pid);
	return owner;
}

/**
 * mbox_owner_hand_over - make another process, or the system, owner or heir
 * @mbox:	the mailbox
 * @file:	a handle on it, by which the caller asks
 * @arg:	with checked flags
 *
 * Return: as MBOX_IOC_HANDOVER.
 */
int mbox_owner_hand_over(struct mbox *mbox, struct file *file,
			 const struct mbox_ioc_handover *arg)
{
	struct mbox_owner *next = NULL, *heir = NULL;
	struct mbox_access_asker asker;
	struct mbox_deferred deferred;
	int error;

	if (!arg->pid && !(arg->flags & MBOX_HANDOVER_HEIR) &&
	    !mbox_mailbox_has_name(mbox) && !mbox->by_id)
		return -EINVAL;
	mbox_access_ask(&asker, mbox, file);
	spin_lock(&mbox->lock);
	error = mbox_access_hands_over(mbox, &asker) ? 0 : -EPERM;
	spin_unlock(&mbox->lock);
	if (error)
		return error;
	if (arg->pid) {
		next = owner_from(mbox, arg);
		if (IS_ERR(next))
			return PTR_ERR(next);
	}
	mbox_mailbox_lock(mbox, &deferred);
	/* Once more: another call may have handed it over meanwhile. */
	if (mbox->state == MBOX_STATE_DEAD)
		error = mbox->death;
	else if (!mbox_access_hands_over(mbox, &asker))
		error = -EPERM;
	else
		error = owner_exchange(mbox, arg->flags, &next, &heir);
	if (!error)
		mbox_track_change(mbox);
	mbox_mailbox_unlock(mbox, &deferred);
	owner_drop(next);
	owner_drop(heir);
	return error;
}
