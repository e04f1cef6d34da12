// SPDX-License-Identifier: GPL-2.0-only
/* Processes that take part in a mailbox: how many may, and who is in receive. */
#include <linux/cgroup.h>
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mbox.h"
#include "process.h"

/* Members that are looked at for an end before the lock is given up. */
#define MEMBER_BATCH	128

/*
 * Members are kept where their number is limited (max_procs), or where it matters
 * who was served when (RR): of the latter only those that receive. A process
 * becomes one when it opens a handle, or makes its first call through one that
 * it was given. It stays one until it ends, or, if it opened any handle, until
 * all of these are closed and it is in no call.
 *
 * References, beside those of the tie: one of each handle that it opened and each call
 * that it is in. The function that takes a member out of mbox->members drops the tie.
 */
struct mbox_member {
	struct mbox_tie tie;
	struct rb_node node;		/* mbox->lock; clear: takes no part */
	struct list_head gone;		/* of who took it out of the tree */
	u32 handles;			/* mbox->lock: opened by it, not closed */
	u32 calls;			/* mbox->lock: under way */
	bool opened;			/* mbox->lock: it did open a handle */
	u64 served;			/* mbox->lock: when last; 0: never */
};

/* Tell pollers that were turned away, by EBUSY or EUSERS, to ask again. */
static void tell_turned_away(struct mbox *mbox)
{
	bool told;

	spin_lock(&mbox->lock);
	told = mbox->turned_away;
	mbox->turned_away = false;
	spin_unlock(&mbox->lock);
	if (told)
		wake_up_interruptible_poll(&mbox->poll,
					   EPOLLIN | EPOLLRDNORM |
					   EPOLLOUT | EPOLLWRNORM);
}

/*
 * Mailboxes whose pollers are turned away because a thread is paused, counted. Nobody
 * tells when such a thread is not about to receive any more, so pollers are told to
 * ask again every RETELL.
 */
#define RETELL		(HZ / 10)

static DEFINE_SPINLOCK(paused_lock);
static LIST_HEAD(paused);		/* paused_lock: mbox->paused */

static void retell(struct work_struct *work)
{
	struct mbox *mbox;
	LIST_HEAD(mailboxes);

	spin_lock(&paused_lock);
	list_splice_init(&paused, &mailboxes);
	spin_unlock(&paused_lock);
	do {
		spin_lock(&paused_lock);
		mbox = list_first_entry_or_null(&mailboxes, struct mbox,
						paused);
		if (mbox)
			list_del_init(&mbox->paused);
		spin_unlock(&paused_lock);
		if (mbox) {
			tell_turned_away(mbox);
			mbox_mailbox_put(mbox);
		}
		cond_resched();
	} while (mbox);
}

static DECLARE_DELAYED_WORK(retell_work, retell);

/* The caller has a reference to @mbox, which is locked. */
static void retell_later(struct mbox *mbox)
{
	spin_lock(&paused_lock);
	if (list_empty(&mbox->paused)) {
		mbox_mailbox_get(mbox);
		list_add_tail(&mbox->paused, &paused);
	}
	spin_unlock(&paused_lock);
	schedule_delayed_work(&retell_work, RETELL);
}

/* No handle is open any more. */
void mbox_member_stop(void)
{
	cancel_delayed_work_sync(&retell_work);
	retell(NULL);
}

/* One that is not in the tree (any more); or NULL. May sleep. */
static void member_drop(struct mbox_member *member)
{
	if (!member)
		return;
	tell_turned_away(member->tie.mbox);
	mbox_tie_drop(&member->tie);
}

/* The caller has to drop it, without the lock. */
static void take_out(struct mbox *mbox, struct mbox_member *member)
{
	lockdep_assert_held(&mbox->lock);
	rb_erase(&member->node, &mbox->members);
	RB_CLEAR_NODE(&member->node);
	mbox->nr_members--;
}

/* Take it out if it takes no part any more: who is to be dropped, or NULL. */
static struct mbox_member *take_out_idle(struct mbox *mbox,
					 struct mbox_member *member)
{
	if (!member->opened || member->handles || member->calls ||
	    RB_EMPTY_NODE(&member->node))
		return NULL;
	take_out(mbox, member);
	return member;
}

/* From the watch: the process is gone. */
static void member_ended(void *data)
{
	struct mbox_member *member = data, *gone = NULL;
	struct mbox *mbox = member->tie.mbox;

	spin_lock(&mbox->lock);
	if (!RB_EMPTY_NODE(&member->node)) {
		take_out(mbox, member);
		gone = member;
	}
	spin_unlock(&mbox->lock);
	member_drop(gone);
	mbox_tie_put(&member->tie);
}

/* A member for @mbox that is not in its tree yet. ENOMEM. */
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

/* The member that process @pid is; or NULL, and where @link would put it. */
static struct mbox_member *find(struct mbox *mbox, struct pid *pid,
				struct rb_node **parent, struct rb_node ***link)
{
	struct rb_node **p = &mbox->members.rb_node;

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
static struct pid *sweep_some(struct mbox *mbox, struct pid *after,
			      struct list_head *gone)
{
	struct rb_node *node = mbox->members.rb_node, *next = NULL;
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
			take_out(mbox, member);
			list_add(&member->gone, gone);
		}
	}
	return next ? after : NULL;
}

/**
 * mbox_member_sweep - take out members whose process has ended
 * @mbox:	without its lock
 *
 * The watch does that too, but maybe later than wait() tells of an end. Who knows of
 * it from there is to find the place free. Does nothing as long as no process that
 * anything watches has ended since the last time.
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
		after = mbox->members_swept == ends ?
			NULL : sweep_some(mbox, after, &gone);
		if (!after)
			mbox->members_swept = ends;
		spin_unlock(&mbox->lock);
		/* Bound: those of one sweep; no lock is held. */
		list_for_each_entry_safe(member, next, &gone, gone)
			member_drop(member);
		INIT_LIST_HEAD(&gone);
		cond_resched();
	} while (after);
}

/*
 * Under the lock: the member that @pid is, or becomes, for which there has to be
 * a @fresh one. NULL without; EUSERS, or what the mailbox died of.
 */
static struct mbox_member *find_or_join(struct mbox *mbox, struct pid *pid,
					struct mbox_member **fresh)
{
	struct rb_node *parent, **link;
	struct mbox_member *member;

	if (mbox->state == MBOX_STATE_DEAD)
		return ERR_PTR(mbox->death);
	member = find(mbox, pid, &parent, &link);
	if (member)
		return member;
	if (mbox->max_procs && mbox->nr_members >= mbox->max_procs) {
		mbox->turned_away = true;
		return ERR_PTR(-EUSERS);
	}
	member = *fresh;
	if (!member)
		return NULL;
	*fresh = NULL;
	rb_link_node(&member->node, parent, link);
	rb_insert_color(&member->node, &mbox->members);
	mbox->nr_members++;
	return member;
}

/* The caller's process takes part, in a call or as who opened a handle. */
static struct mbox_member *join(struct mbox *mbox, bool opens)
{
	struct mbox_member *member, *fresh = NULL;
	struct pid *pid = task_tgid(current);
	bool swept = false;

	for (;;) {
		spin_lock(&mbox->lock);
		member = find_or_join(mbox, pid, &fresh);
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
		/* The caller is alive, so its end is not told before we are done. */
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
	member = join(mbox, true);
	/* On a dead mailbox there can be handles, but nobody takes part. */
	return member == ERR_PTR(-EIDRM) || member == ERR_PTR(-EOWNERDEAD) ?
	       NULL : member;
}

/* A handle is closed that @member opened; or NULL. */
void mbox_member_close(struct mbox_member *member)
{
	struct mbox_member *gone;
	struct mbox *mbox;

	if (!member)
		return;
	mbox = member->tie.mbox;
	spin_lock(&mbox->lock);
	member->handles--;
	gone = take_out_idle(mbox, member);
	spin_unlock(&mbox->lock);
	member_drop(gone);
	mbox_tie_put(&member->tie);
}

/*
 * MBOX_PAUSE: a thread that is stopped, traced or frozen leaves its receive with
 * ERESTARTSYS, and makes it again when it goes on, without having been back in its
 * program. Its process is to keep an exclusive mailbox over that. Whether a thread
 * is about to make its call again nobody else can see; so it is taken to be as long
 * as it is paused, and has not done much else since: not slept, and not run for more
 * than PAUSE_RUN. A thread that handles the signal, and does not come back, gives it
 * up by that.
 */
#define PAUSE_RUN	(50 * NSEC_PER_MSEC)

static bool is_restarting(const struct mbox *mbox, struct task_struct *task)
{
	unsigned int state = READ_ONCE(task->__state);

	if (READ_ONCE(task->flags) & PF_EXITING)
		return false;
	if (task_is_stopped(task) || task_is_traced(task) ||
	    cgroup_task_frozen(task) || (state & TASK_FROZEN))
		return true;
	return state != TASK_INTERRUPTIBLE &&
	       READ_ONCE(task->se.sum_exec_runtime) <= mbox->restart_until;
}

/* The process that a paused receive keeps the mailbox for, or NULL. Not counted. */
static struct pid *kept_for(const struct mbox *mbox)
{
	struct task_struct *task;
	struct pid *pid = NULL;

	lockdep_assert_held(&mbox->lock);
	if (likely(!mbox->restarting))
		return NULL;
	rcu_read_lock();
	task = pid_task(mbox->restarting, PIDTYPE_PID);
	if (task && is_restarting(mbox, task))
		pid = task_tgid(task);
	rcu_read_unlock();
	return pid;
}

/*
 * Under the lock: whether the caller's process may receive from a mailbox that is
 * EXCLUSIVE: no other is in a receive, or is paused in one.
 */
static bool may_be_alone(struct mbox *mbox)
{
	struct pid *pid = mbox->nr_receiving ? mbox->receiving : kept_for(mbox);

	return !pid || pid == task_tgid(current);
}

/* With EXCLUSIVE: the caller's process begins a receive. EBUSY: another is in one. */
static int begin_alone(struct mbox *mbox)
{
	struct pid *dropped = NULL;
	int error = 0;

	spin_lock(&mbox->lock);
	if (mbox->state == MBOX_STATE_DEAD) {
		error = mbox->death;
	} else if (!may_be_alone(mbox)) {
		mbox->turned_away = true;
		error = -EBUSY;
	} else {
		/* Another thread of the same process may yet come back. */
		if (mbox->restarting == task_pid(current) || !kept_for(mbox))
			swap(dropped, mbox->restarting);
		mbox->receiving = task_tgid(current);
		mbox->nr_receiving++;
	}
	spin_unlock(&mbox->lock);
	put_pid(dropped);
	return error;
}

/* The receive ends with @result. */
static void end_alone(struct mbox *mbox, int result)
{
	struct pid *dropped = NULL;
	bool told;

	spin_lock(&mbox->lock);
	if (!--mbox->nr_receiving)
		mbox->receiving = NULL;
	/* A worker of io_uring does not restart calls. */
	if (result == -ERESTARTSYS && mbox->state != MBOX_STATE_DEAD &&
	    !(current->flags & (PF_KTHREAD | PF_IO_WORKER))) {
		dropped = mbox->restarting;
		mbox->restarting = get_pid(task_pid(current));
		mbox->restart_until = READ_ONCE(current->se.sum_exec_runtime) +
				      PAUSE_RUN;
	}
	told = !mbox->nr_receiving && mbox->turned_away;
	spin_unlock(&mbox->lock);
	put_pid(dropped);
	if (told)
		tell_turned_away(mbox);
}

static bool is_alone(const struct mbox *mbox, u32 right)
{
	return right == MBOX_RIGHT_RECV &&
	       (mbox->options & MBOX_OPTION_EXCLUSIVE);
}

/**
 * mbox_member_enter - a call begins that is about messages
 * @mbox:	one that is not mbox->plain
 * @right:	MBOX_RIGHT_RECV or MBOX_RIGHT_SEND: what the call does
 * @member:	set to who the caller is, or NULL where that is not kept
 *
 * Return: 0, and mbox_member_leave() has to follow; EUSERS, EBUSY, ENOMEM, or what
 * the mailbox died of.
 */
int mbox_member_enter(struct mbox *mbox, u32 right, struct mbox_member **member)
{
	struct mbox_member *joined;
	int error;

	*member = NULL;
	if (is_alone(mbox, right)) {
		error = begin_alone(mbox);
		if (error)
			return error;
	}
	if (!mbox->max_procs &&
	    !(mbox->policy == MBOX_POLICY_RR && right == MBOX_RIGHT_RECV))
		return 0;
	joined = join(mbox, false);
	if (IS_ERR(joined)) {
		if (is_alone(mbox, right))
			end_alone(mbox, 0);
		return PTR_ERR(joined);
	}
	*member = joined;
	return 0;
}

/* That call ends with @result. */
void mbox_member_leave(struct mbox *mbox, u32 right, struct mbox_member *member,
		       int result)
{
	struct mbox_member *gone;

	if (is_alone(mbox, right))
		end_alone(mbox, result);
	if (!member)
		return;
	spin_lock(&mbox->lock);
	member->calls--;
	gone = take_out_idle(mbox, member);
	spin_unlock(&mbox->lock);
	member_drop(gone);
	mbox_tie_put(&member->tie);
}

/*
 * Under the lock: whether the caller may enter, as far as others in the mailbox do
 * not keep it out. Where they do, its pollers are told when one of them leaves.
 */
bool mbox_member_admits(struct mbox *mbox, u32 right)
{
	struct pid *pid = task_tgid(current);
	struct rb_node *parent, **link;

	if ((!is_alone(mbox, right) || may_be_alone(mbox)) &&
	    (!mbox->max_procs || mbox->nr_members < mbox->max_procs ||
	     find(mbox, pid, &parent, &link)))
		return true;
	mbox->turned_away = true;
	if (unlikely(mbox->restarting))
		retell_later(mbox);
	return false;
}

/* A mailbox died: nobody takes part any more. */
void mbox_member_detach(struct mbox *mbox)
{
	struct pid *restarting = NULL;
	struct mbox_member *member;
	struct rb_node *node;

	spin_lock(&mbox->lock);
	swap(restarting, mbox->restarting);
	spin_unlock(&mbox->lock);
	put_pid(restarting);
	do {
		member = NULL;
		spin_lock(&mbox->lock);
		node = rb_first(&mbox->members);
		if (node) {
			member = rb_entry(node, struct mbox_member, node);
			take_out(mbox, member);
		}
		spin_unlock(&mbox->lock);
		member_drop(member);
		cond_resched();
	} while (member);
}

/* @member is given a message, or takes one. */
void mbox_member_serve(struct mbox *mbox, struct mbox_member *member)
{
	lockdep_assert_held(&mbox->lock);
	member->served = ++mbox->served;
}

/* Whether @a was served less recently than @b. */
bool mbox_member_served_before(const struct mbox_member *a,
			       const struct mbox_member *b)
{
	return a->served < b->served;
}
