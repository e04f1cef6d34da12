// SPDX-License-Identifier: GPL-2.0-only
/* Shortage: handles that a quota refuses, whose pollers are told when it has room. */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "link.h"
#include "mbox.h"
#include "user.h"

/*
 * A handle is short if its caller's quota does not take the longest message that
 * its mailbox does, or the mailbox would take more than its share of it. poll()
 * does not say EPOLLOUT then, and notes the handle with the user, as a send does
 * that fails with EDQUOT while somebody polls. A user with such handles is marked
 * in the counter that each message is charged to, so that nothing else is looked at
 * where bytes are uncharged. An uncharge that finds the mark starts the worker,
 * which tells the pollers of the handles of all users that have room again. Pollers
 * look once more then, and may be noted anew.
 *
 * MBOX_SHORTAGE: a poller does not miss the room that is made meanwhile.
 *
 *	poller					uncharge
 *	mark the user, note the handle		subtract, which is a full
 *	smp_mb()				  barrier and returns the mark
 *	look at the counter again		if it is set: start the worker
 *
 * References: a user that is marked is listed, which counts one. A handle that is
 * noted is taken out before its file is released.
 */
static DEFINE_SPINLOCK(shortage_lock);
static LIST_HEAD(short_users);		/* shortage_lock: struct mbox_user */
static unsigned int nr_short_users;	/* shortage_lock */

static void shortage_list_user(struct mbox_user *user, u64 need)
{
	lockdep_assert_held(&shortage_lock);
	INIT_LIST_HEAD(&user->short_handles);
	user->short_need = need;
	list_add_tail(&user->short_node, &short_users);
	nr_short_users++;
	mbox_user_begin_short(user);
}

/* The caller has to put the user, without the lock. */
static void shortage_unlist_user(struct mbox_user *user)
{
	lockdep_assert_held(&shortage_lock);
	mbox_user_end_short(user);
	list_del(&user->short_node);
	/* As kzalloc() left it: not listed. */
	user->short_node.next = NULL;
	nr_short_users--;
}

/*
 * Note @handle with @user. False if it is noted with another user: it can be told
 * for one of them only.
 */
static bool shortage_note(struct mbox_handle *handle, struct mbox_user *user, u64 need)
{
	bool noted = true;

	spin_lock(&shortage_lock);
	if (handle->short_of && handle->short_of != user) {
		noted = false;
	} else {
		if (!user->short_node.next)
			shortage_list_user(user, need);
		user->short_need = min(user->short_need, need);
		handle->short_of = user;
		list_move_tail(&handle->short_node, &user->short_handles);
	}
	spin_unlock(&shortage_lock);
	return noted;
}

/* Take @handle out, if it is noted: before it goes, or when it is not short. */
void mbox_shortage_forget(struct mbox_handle *handle)
{
	struct mbox_user *user, *unlisted = NULL;

	/* Pairs with shortage_take_handle(), which is done with the handle then. */
	if (list_empty_careful(&handle->short_node))
		return;
	spin_lock(&shortage_lock);
	user = handle->short_of;
	handle->short_of = NULL;
	list_del_init(&handle->short_node);
	if (user && list_empty(&user->short_handles)) {
		shortage_unlist_user(user);
		unlisted = user;
	}
	spin_unlock(&shortage_lock);
	if (unlisted)
		mbox_user_put(unlisted);
}

/* The mailbox that @handle sends to: pollers of a link hear of events there, too. */
static struct mbox *shortage_target(const struct mbox_handle *handle)
{
	return handle->out ? handle->out->to->inbox : handle->mbox;
}

/* Whether the quota of @user, and the share that a mailbox may take, have room. */
static bool shortage_has_room(struct mbox_handle *handle, const struct mbox_user *user,
			      u64 need, bool unlimited)
{
	struct mbox *mbox = shortage_target(handle);
	bool room;

	if (!mbox_user_has_room(user, need, unlimited))
		return false;
	if (likely(!mbox_user_tight(user, need, unlimited)))
		return true;
	spin_lock(&mbox->lock);
	room = mbox_share_has_room(mbox, user, need);
	spin_unlock(&mbox->lock);
	return room;
}

/**
 * mbox_shortage_none_of - see whether the quota of a user has room
 * @handle:	whose pollers ask
 * @user:	to whom the caller holds a reference
 * @need:	bytes
 * @unlimited:	whether the caller may pass the quota by CAP_SYS_RESOURCE
 *
 * Return: true if it has. Else the pollers of @handle will be told when to ask
 * again.
 */
bool mbox_shortage_none_of(struct mbox_handle *handle, struct mbox_user *user,
			   u64 need, bool unlimited)
{
	bool room = shortage_has_room(handle, user, need, unlimited);

	/*
	 * Processes of two users share the handle, and neither has room: the
	 * second finds out by its send, for nothing would tell it otherwise.
	 */
	if (!room && !shortage_note(handle, user, need))
		room = true;
	if (!room) {
		smp_mb();	/* see MBOX_SHORTAGE */
		room = shortage_has_room(handle, user, need, unlimited);
		if (room)
			mbox_shortage_forget(handle);
	}
	return room;
}

/**
 * mbox_shortage_none - see whether the caller's quota takes a message
 * @handle:	that it would be sent through
 * @length:	bytes of its payload
 * @slots:	deliveries that are charged for beside it
 *
 * May sleep. Return: true if it does. Else the pollers of @handle will be told
 * when to ask again.
 */
bool mbox_shortage_none(struct mbox_handle *handle, u32 length, u32 slots)
{
	struct mbox_user *user = handle->user, *found = NULL;
	u64 need = mbox_user_need(length, slots);
	bool room;

	/* A worker that looks for the caller (aio) is taken for the opener. */
	if (unlikely(!uid_eq(user->uid, current_uid())) &&
	    !(current->flags & PF_KTHREAD)) {
		found = mbox_user_get(current_uid());
		/* A send would fail with that, and so be over. */
		if (IS_ERR(found))
			return true;
		user = found;
	}
	room = mbox_shortage_none_of(handle, user, need, handle->unlimited);
	if (found)
		mbox_user_put(found);
	return room;
}

/* Take the first handle off @handles: its mailbox, counted; or NULL. */
static struct mbox *shortage_take_handle(struct list_head *handles)
{
	struct mbox_handle *handle;
	struct mbox *mbox;

	lockdep_assert_held(&shortage_lock);
	handle = list_first_entry_or_null(handles, struct mbox_handle,
					  short_node);
	if (!handle)
		return NULL;
	mbox = shortage_target(handle);
	mbox_mailbox_get(mbox);
	/* Last: the handle may be freed then. */
	list_del_init_careful(&handle->short_node);
	return mbox;
}

/* Tell the pollers of @handles, which are in no user's list any more. */
static void shortage_wake(struct list_head *handles)
{
	struct mbox *mbox;

	for (;;) {
		spin_lock(&shortage_lock);
		mbox = shortage_take_handle(handles);
		spin_unlock(&shortage_lock);
		if (!mbox)
			return;
		wake_up_interruptible_poll(&mbox->poll, EPOLLOUT | EPOLLWRNORM);
		mbox_mailbox_put(mbox);
		cond_resched();
	}
}

/*
 * Take one handle at a time from @user to @handles, so that the lock is not held
 * for as long as he has handles; and in the end unlist him.
 */
static void shortage_ease_user(struct mbox_user *user, struct list_head *handles)
{
	struct mbox_handle *handle;
	bool unlisted = false;

	while (!unlisted) {
		spin_lock(&shortage_lock);
		/* Somebody else may have done it: closing the last handle. */
		if (!user->short_node.next) {
			spin_unlock(&shortage_lock);
			return;
		}
		handle = list_first_entry_or_null(&user->short_handles,
						  struct mbox_handle,
						  short_node);
		if (handle) {
			handle->short_of = NULL;
			list_move_tail(&handle->short_node, handles);
		}
		if (list_empty(&user->short_handles)) {
			shortage_unlist_user(user);
			unlisted = true;
		}
		spin_unlock(&shortage_lock);
	}
	mbox_user_put(user);
}

/* The worker: each user is looked at once, in a section of its own. */
static void shortage_ease(struct work_struct *work)
{
	struct mbox_user *user;
	LIST_HEAD(handles);
	unsigned int n;

	for (n = READ_ONCE(nr_short_users); n; n--) {
		spin_lock(&shortage_lock);
		user = list_first_entry_or_null(&short_users, struct mbox_user,
						short_node);
		if (user) {
			list_move_tail(&user->short_node, &short_users);
			if (mbox_user_has_room(user, user->short_need, false) ||
			    mbox_user_idle(user))
				mbox_user_ref(user);
			else
				user = NULL;
		}
		spin_unlock(&shortage_lock);
		if (user) {
			shortage_ease_user(user, &handles);
			mbox_user_put(user);
			shortage_wake(&handles);
		}
		cond_resched();
	}
}

static DECLARE_WORK(work, shortage_ease);

/* A user that is marked has less charged, or quotas are larger. Under any lock. */
void mbox_shortage_eased(void)
{
	schedule_work(&work);
}

/* No handle is open any more. */
void mbox_shortage_exit(void)
{
	cancel_work_sync(&work);
}
