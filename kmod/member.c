// SPDX-License-Identifier: GPL-2.0-only
/* Members: processes that take part in a mailbox. */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mbox.h"
#include "process.h"

/* Members that one section checks for their end. */
#define MEMBER_BATCH	128

/*
 * Members are kept where their number is limited (max_procs), or where the order in
 * which they were served matters (RR): there only receivers. A process becomes one
 * when it opens a handle, or makes its first call through one that it was given. It
 * stays one until it ends, or, if it opened any handle, until all of these are
 * closed and it is in no call.
 *
 * References, beside those of the tie: one of each handle that it opened and each call
 * that it is in. The function that takes a member out of mbox->members drops the tie.
 */
struct mbox_member {
	struct mbox_tie tie;
	struct rb_node node;		/* mbox->lock; clear: takes no part */
	struct list_head gone;		/* of the function that took it out of the tree */
	u32 handles;			/* mbox->lock: opened by it, not closed */
	u32 calls;			/* mbox->lock: under way */
	bool opened;			/* mbox->lock: it did open a handle */
	u64 served;			/* mbox->lock: when last; 0: never */
};

static_assert(!offsetof(struct mbox_member, tie));

/* Drop a member that is not in the tree, or no longer; or NULL. May sleep. */
static void member_drop(struct mbox_member *member)
{
	if (!member)
		return;
	mbox_exclusive_wake(member->tie.mbox);
	mbox_tie_drop(&member->tie);
}

/* Take a member out of the tree. The caller drops it, without the lock. */
static void member_remove(struct mbox *mbox, struct mbox_member *member)
{
	lockdep_assert_held(&mbox->lock);
	rb_erase(&member->node, &mbox->procs->members);
	RB_CLEAR_NODE(&member->node);
	mbox->procs->nr_members--;
}

/* Take a member out if it takes no part any more. Return it, to be dropped, or NULL. */
static struct mbox_member *member_remove_idle(struct mbox *mbox,
					      struct mbox_member *member)
{
	if (!member->opened || member->handles || member->calls ||
	    RB_EMPTY_NODE(&member->node))
		return NULL;
	member_remove(mbox, member);
	return member;
}

/* Called by the watch: the process is gone. */
static void member_ended(void *data)
{
	struct mbox_member *member = data, *gone = NULL;
	struct mbox *mbox = member->tie.mbox;

	spin_lock(&mbox->lock);
	if (!RB_EMPTY_NODE(&member->node)) {
		member_remove(mbox, member);
		gone = member;
	}
	spin_unlock(&mbox->lock);
	member_drop(gone);
	mbox_tie_put(&member->tie);
}

/* Make a member that is not in the tree yet. ENOMEM. */
static struct mbox_member *member_new(struct mbox *mbox, struct pid *pid)
{
	struct mbox_member *member;
	int error;

	member = kzalloc(sizeof(*member), GFP_KERNEL_ACCOUNT);
	if (!member)
		return ERR_PTR(-ENOMEM);
	RB_CLEAR_NODE(&member->node);
	error = mbox_tie_bind(&member->tie, mbox, pid, member_ended);
	return error ? ERR_PTR(error) : member;
}

/* Find the member of process @pid; or NULL, and the place where it would be linked. */
static struct mbox_member *member_find(struct mbox *mbox, struct pid *pid,
				       struct rb_node **parent, struct rb_node ***link)
{
	struct rb_node **p = &mbox->procs->members.rb_node;

	lockdep_assert_held(&mbox->lock);
	*parent = NULL;
	while (*p) {
		struct mbox_member *member;

		member = rb_entry(*p, struct mbox_member, node);
		if (member->tie.pid == pid)
			return member;
		*parent = *p;
		p = pid < member->tie.pid ? &(*p)->rb_left : &(*p)->rb_right;
	}
	*link = p;
	return NULL;
}

/*
 * Under the lock: look at up to MEMBER_BATCH members whose key is more than @after, in
 * order of the tree, and take out those whose process ended; @gone takes them. The
 * key to go on after, or NULL at the end.
 */
static struct pid *member_sweep_some(struct mbox *mbox, struct pid *after,
				     struct list_head *gone)
{
	struct rb_node *node = mbox->procs->members.rb_node, *next = NULL;
	struct mbox_member *member;
	unsigned int n;

	lockdep_assert_held(&mbox->lock);
	while (node) {
		member = rb_entry(node, struct mbox_member, node);
		if (member->tie.pid > after) {
			next = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	for (n = 0; next && n < MEMBER_BATCH; n++) {
		member = rb_entry(next, struct mbox_member, node);
		next = rb_next(next);
		after = member->tie.pid;
		if (mbox_process_ended(member->tie.pid)) {
			member_remove(mbox, member);
			list_add(&member->gone, gone);
		}
	}
	return next ? after : NULL;
}

/**
 * mbox_member_sweep - take out members whose process has ended
 * @mbox:	without its lock
 *
 * A caller may know of an exit by wait() before the watch fires, and must find the
 * place free. Does nothing as long as no watched process has ended since the last
 * time.
 */
void mbox_member_sweep(struct mbox *mbox)
{
	struct mbox_member *member, *next;
	struct pid *after = NULL;
	LIST_HEAD(gone);
	u64 ends;

	/* Read before the members are looked at: later ends are for the next time. */
	ends = mbox_watch_ends();
	do {
		spin_lock(&mbox->lock);
		after = mbox->procs->swept == ends ?
			NULL : member_sweep_some(mbox, after, &gone);
		if (!after)
			mbox->procs->swept = ends;
		spin_unlock(&mbox->lock);
		/* Bound: those of one sweep; no lock is held. */
		list_for_each_entry_safe(member, next, &gone, gone)
			member_drop(member);
		INIT_LIST_HEAD(&gone);
		cond_resched();
	} while (after);
}

/*
 * Under the lock: find the member of @pid, or make @fresh it. NULL if a @fresh one
 * is needed; EUSERS, or the error of a mailbox that died.
 */
static struct mbox_member *member_find_or_add(struct mbox *mbox, struct pid *pid,
					      struct mbox_member **fresh)
{
	struct rb_node *parent, **link;
	struct mbox_member *member;

	if (mbox->state == MBOX_STATE_DEAD)
		return ERR_PTR(mbox->death);
	member = member_find(mbox, pid, &parent, &link);
	if (member)
		return member;
	if (mbox->max_procs && mbox->procs->nr_members >= mbox->max_procs) {
		mbox->turned_away = true;
		return ERR_PTR(-EUSERS);
	}
	member = *fresh;
	if (!member)
		return NULL;
	*fresh = NULL;
	rb_link_node(&member->node, parent, link);
	rb_insert_color(&member->node, &mbox->procs->members);
	mbox->procs->nr_members++;
	return member;
}

/* Have the caller's process take part: in a call, or as the opener of a handle. */
static struct mbox_member *member_join(struct mbox *mbox, bool opens)
{
	struct mbox_member *member, *fresh = NULL;
	struct pid *pid = task_tgid(current);
	bool swept = false;

	for (;;) {
		spin_lock(&mbox->lock);
		member = member_find_or_add(mbox, pid, &fresh);
		if (!IS_ERR_OR_NULL(member)) {
			refcount_inc(&member->tie.refs);
			if (opens) {
				member->opened = true;
				member->handles++;
			} else {
				member->calls++;
			}
		}
		spin_unlock(&mbox->lock);
		if (member == ERR_PTR(-EUSERS) && !swept) {
			swept = true;
			mbox_member_sweep(mbox);
			continue;
		}
		if (member)
			break;
		/*
		 * The caller is alive, so the watch does not fire before we are
		 * done.
		 */
		fresh = member_new(mbox, pid);
		if (IS_ERR(fresh))
			return fresh;
	}
	member_drop(fresh);
	return member;
}

/**
 * mbox_member_open - the caller opens a handle
 * @mbox:	the mailbox
 *
 * Return: the member, for mbox_member_close(), or NULL where none are kept. EUSERS,
 * ENOMEM.
 */
struct mbox_member *mbox_member_open(struct mbox *mbox)
{
	struct mbox_member *member;

	if (!mbox->max_procs)
		return NULL;
	member = member_join(mbox, true);
	/* A dead mailbox may have handles, but no members. */
	return member == ERR_PTR(-EIDRM) || member == ERR_PTR(-EOWNERDEAD) ?
	       NULL : member;
}

/* Close a handle that @member opened; or NULL. */
void mbox_member_close(struct mbox_member *member)
{
	struct mbox_member *gone;
	struct mbox *mbox;

	if (!member)
		return;
	mbox = member->tie.mbox;
	spin_lock(&mbox->lock);
	member->handles--;
	gone = member_remove_idle(mbox, member);
	spin_unlock(&mbox->lock);
	member_drop(gone);
	mbox_tie_put(&member->tie);
}

/**
 * mbox_member_enter - begin a call that sends or receives
 * @mbox:	one that is not mbox->plain
 * @right:	MBOX_RIGHT_RECV or MBOX_RIGHT_SEND, by the call
 * @member:	set to the caller's member, or NULL where none is kept
 *
 * Return: 0, and mbox_member_leave() has to follow; EUSERS, EBUSY, ENOMEM, or the
 * error of a mailbox that died.
 */
int mbox_member_enter(struct mbox *mbox, u32 right, struct mbox_member **member)
{
	struct mbox_member *joined;
	int error;

	*member = NULL;
	if (mbox_exclusive_applies(mbox, right)) {
		error = mbox_exclusive_begin(mbox);
		if (error)
			return error;
	}
	if (!mbox->max_procs &&
	    !(mbox->policy == MBOX_POLICY_RR && right == MBOX_RIGHT_RECV))
		return 0;
	joined = member_join(mbox, false);
	if (IS_ERR(joined)) {
		if (mbox_exclusive_applies(mbox, right))
			mbox_exclusive_end(mbox, 0);
		return PTR_ERR(joined);
	}
	*member = joined;
	return 0;
}

/* End that call, which returns @result. */
void mbox_member_leave(struct mbox *mbox, u32 right, struct mbox_member *member,
		       int result)
{
	struct mbox_member *gone;

	if (mbox_exclusive_applies(mbox, right))
		mbox_exclusive_end(mbox, result);
	if (!member)
		return;
	spin_lock(&mbox->lock);
	member->calls--;
	gone = member_remove_idle(mbox, member);
	spin_unlock(&mbox->lock);
	member_drop(gone);
	mbox_tie_put(&member->tie);
}

/*
 * Under the lock: check whether other processes in the mailbox keep the caller out.
 * If they do, its pollers are woken when one of them leaves.
 */
bool mbox_member_admits(struct mbox *mbox, u32 right)
{
	struct pid *pid = task_tgid(current);
	struct rb_node *parent, **link;

	if (mbox_exclusive_admits(mbox, right) &&
	    (!mbox->max_procs || mbox->procs->nr_members < mbox->max_procs ||
	     member_find(mbox, pid, &parent, &link)))
		return true;
	mbox_exclusive_refuse(mbox);
	return false;
}

/* Prepare a new mailbox for the processes that will take part. 0 or ENOMEM. */
int mbox_member_attach(struct mbox *mbox)
{
	struct mbox_procs *procs;

	if (!mbox->max_procs && mbox->policy != MBOX_POLICY_RR &&
	    !(mbox->options & MBOX_OPTION_EXCLUSIVE))
		return 0;
	procs = kzalloc(sizeof(*procs), GFP_KERNEL_ACCOUNT);
	if (!procs)
		return -ENOMEM;
	procs->mbox = mbox;
	procs->members = RB_ROOT;
	INIT_LIST_HEAD(&procs->paused);
	mbox->procs = procs;
	return 0;
}

/* Drop all members of a mailbox that died. */
void mbox_member_detach(struct mbox *mbox)
{
	struct mbox_member *member;
	struct rb_node *node;

	if (!mbox->procs)
		return;
	mbox_exclusive_detach(mbox);
	do {
		member = NULL;
		spin_lock(&mbox->lock);
		node = rb_first(&mbox->procs->members);
		if (node) {
			member = rb_entry(node, struct mbox_member, node);
			member_remove(mbox, member);
		}
		spin_unlock(&mbox->lock);
		member_drop(member);
		cond_resched();
	} while (member);
}

/* Note that @member is given a message, or takes one. */
void mbox_member_serve(struct mbox *mbox, struct mbox_member *member)
{
	lockdep_assert_held(&mbox->lock);
	member->served = ++mbox->procs->served;
}

/* Return whether @a was served less recently than @b. */
bool mbox_member_served_before(const struct mbox_member *a,
			       const struct mbox_member *b)
{
	return a->served < b->served;
}
