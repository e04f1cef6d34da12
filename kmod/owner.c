// SPDX-License-Identifier: GPL-2.0-only
/* Processes that own mailboxes, or inherit them: handing over, and their end. */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "mbox.h"

/*
 * An owner or heir of a mailbox. It is mbox->owner or mbox->heir, or neither any
 * more (or not yet); who takes it out of there drops it. Whether it ended before
 * it came there is known by @ended.
 *
 * References: one of the mailbox, one of the watch.
 */
struct mbox_owner {
	refcount_t refs;
	struct mbox *mbox;		/* constant, counted */
	struct pid *pid;		/* constant, counted */
	bool may_receive;		/* constant: whatever the mode says */
	bool ended;			/* mbox->lock */
	struct mbox_watch *watch;	/* constant */
};

static void owner_put(struct mbox_owner *owner)
{
	if (!refcount_dec_and_test(&owner->refs))
		return;
	put_pid(owner->pid);
	mbox_mailbox_unref(owner->mbox);
	kfree(owner);
}

/* One that is neither owner nor heir; or NULL. May sleep. */
static void owner_drop(struct mbox_owner *owner)
{
	if (!owner)
		return;
	if (mbox_watch_cancel(owner->watch))
		owner_put(owner);
	owner_put(owner);
}

/* From the watch: the process is gone. */
static void owner_ended(void *data)
{
	struct mbox_owner *owner = data, *gone = NULL;
	struct mbox *mbox = owner->mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	owner->ended = true;
	if (mbox->heir == owner) {
		mbox->heir = NULL;
		gone = owner;
	} else if (mbox->owner == owner) {
		if (mbox->heir && !mbox->heir->ended) {
			mbox->owner = mbox->heir;
			mbox->heir = NULL;
			gone = owner;
		} else {
			mbox_mailbox_die(mbox, -EOWNERDEAD, &deferred);
		}
	}
	mbox_mailbox_unlock(mbox, &deferred);
	owner_drop(gone);
	owner_put(owner);
}

/* An owner or heir for @mbox. ESRCH if the process has ended, ENOMEM. */
static struct mbox_owner *owner_new(struct mbox *mbox, struct pid *pid,
				    bool may_receive)
{
	struct mbox_owner *owner;
	struct mbox_watch *watch;

	owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner)
		return ERR_PTR(-ENOMEM);
	refcount_set(&owner->refs, 2);
	mbox_mailbox_ref(mbox);
	owner->mbox = mbox;
	owner->pid = get_pid(pid);
	owner->may_receive = may_receive;
	watch = mbox_watch_new(pid, owner_ended, owner);
	if (IS_ERR(watch)) {
		owner_put(owner);
		owner_put(owner);
		return ERR_CAST(watch);
	}
	owner->watch = watch;
	return owner;
}

/**
 * mbox_owner_init - make the caller's process the owner of a new mailbox
 * @mbox:	that nobody can reach yet
 *
 * Return: 0 or ENOMEM.
 */
int mbox_owner_init(struct mbox *mbox)
{
	struct mbox_owner *owner;

	owner = owner_new(mbox, task_tgid(current), false);
	if (IS_ERR(owner))
		return PTR_ERR(owner);
	/* The caller is alive: it has not ended. */
	mbox->owner = owner;
	return 0;
}

/* A mailbox died: it is nobody's any more. */
void mbox_owner_exit(struct mbox *mbox)
{
	struct mbox_owner *owner, *heir;

	spin_lock(&mbox->lock);
	owner = mbox->owner;
	heir = mbox->heir;
	mbox->owner = NULL;
	mbox->heir = NULL;
	spin_unlock(&mbox->lock);
	owner_drop(owner);
	owner_drop(heir);
}

/* The process id of an owner, heir or nobody for the caller. */
u32 mbox_owner_nr(const struct mbox_owner *owner)
{
	return owner ? pid_vnr(owner->pid) : 0;
}

/* Whether the caller owns @mbox, and so may receive. */
bool mbox_owner_may_receive(const struct mbox *mbox)
{
	const struct mbox_owner *owner = mbox->owner;

	lockdep_assert_held(&mbox->lock);
	return owner && owner->may_receive && owner->pid == task_tgid(current);
}

/* Whether the caller may hand @mbox over, if a process owns it. */
static bool may_hand_over(struct mbox *mbox, struct file *file)
{
	bool process, owner;

	spin_lock(&mbox->lock);
	process = mbox->owner;
	owner = process && mbox->owner->pid == task_tgid(current);
	spin_unlock(&mbox->lock);
	if (!process)
		return mbox_mailbox_owned(mbox, file);
	return owner || mbox_mailbox_privileged(mbox, file);
}

/* Under the lock: put @next where it belongs, and in @next what was there. */
static int hand_over(struct mbox *mbox, u32 flags, struct mbox_owner **next,
		     struct mbox_owner **heir)
{
	if (mbox->state == MBOX_STATE_DEAD)
		return mbox->death;
	if (*next && (*next)->ended)
		return -ESRCH;
	if (flags & MBOX_HANDOVER_HEIR) {
		if (!mbox->owner)
			return -EINVAL;
		swap(mbox->heir, *next);
		return 0;
	}
	mbox->lifetime = *next ? MBOX_LIFETIME_PROCESS : MBOX_LIFETIME_OS;
	swap(mbox->owner, *next);
	*heir = mbox->heir;
	mbox->heir = NULL;
	return 0;
}

/**
 * mbox_owner_hand_over - make another process, or the system, owner or heir
 * @mbox:	the mailbox
 * @file:	by whose opener's credentials it is decided whether that may be
 * @arg:	with checked flags
 *
 * Return: as MBOX_IOC_HANDOVER.
 */
int mbox_owner_hand_over(struct mbox *mbox, struct file *file,
			 const struct mbox_ioc_handover *arg)
{
	struct mbox_owner *next = NULL, *heir = NULL;
	struct mbox_deferred deferred;
	struct pid *pid;
	int error;

	if (!arg->pid && !(arg->flags & MBOX_HANDOVER_HEIR) && !mbox->name[0])
		return -EINVAL;
	if (!may_hand_over(mbox, file))
		return -EPERM;
	if (arg->pid) {
		pid = mbox_process_get(arg->pid);
		if (IS_ERR(pid))
			return PTR_ERR(pid);
		next = owner_new(mbox, pid, arg->flags & MBOX_HANDOVER_RECV);
		put_pid(pid);
		if (IS_ERR(next))
			return PTR_ERR(next);
	}
	mbox_mailbox_lock(mbox, &deferred);
	error = hand_over(mbox, arg->flags, &next, &heir);
	mbox_mailbox_unlock(mbox, &deferred);
	owner_drop(next);
	owner_drop(heir);
	return error;
}
