// SPDX-License-Identifier: GPL-2.0-only
/* Notices: a process is told once that a message came to an empty mailbox. */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "mbox.h"
#include "message.h"
#include "notify.h"
#include "process.h"
#include "wait.h"

void mbox_notify_free(struct mbox_notify *notify)
{
	if (!notify)
		return;
	put_pid(notify->pid);
	put_pid(notify->sender);
	kfree(notify);
}

/* Return the registration that is armed, or NULL. */
static struct mbox_notify *notify_armed(const struct mbox *mbox)
{
	lockdep_assert_held(&mbox->lock);
	return mbox_notify_armed(mbox) ? mbox->waits->notify->notify : NULL;
}

/* No registration is armed any more. */
static void notify_clear(struct mbox *mbox)
{
	mbox->waits->notify = NULL;
	WRITE_ONCE(mbox->nr_receivers, mbox->nr_receivers & ~MBOX_NOTIFIES);
}

/* The registration is armed no more; its handle has it still, and poll() says so. */
static void notify_end(struct mbox *mbox, u8 state, struct mbox_deferred *deferred)
{
	struct mbox_handle *handle = mbox->waits->notify;

	handle->notify->state = state;
	handle->nr_urgent++;
	notify_clear(mbox);
	deferred->events |= EPOLLPRI;
}

/* Take the registration of @handle from it. Return it, or NULL. */
static struct mbox_notify *notify_detach(struct mbox_handle *handle)
{
	struct mbox_notify *notify = handle->notify;
	struct mbox *mbox = handle->mbox;

	lockdep_assert_held(&mbox->lock);
	handle->notify = NULL;
	if (!notify)
		return NULL;
	if (notify->state == MBOX_NOTIFY_ARMED)
		notify_clear(mbox);
	else
		handle->nr_urgent--;
	return notify;
}

/**
 * mbox_notify_arm - register for the next message that comes to an empty mailbox
 * @handle:	through which the caller is told
 * @cookie:	any number, told too
 *
 * A registration whose process ended in another way than by closing its handles counts
 * for nothing.
 *
 * Return: 0, EBUSY, ENOMEM, or the error of a dead mailbox.
 */
int mbox_notify_arm(struct mbox_handle *handle, u64 cookie)
{
	struct mbox_notify *notify, *old = NULL;
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	int error;

	notify = kzalloc(sizeof(*notify), GFP_KERNEL_ACCOUNT);
	error = notify ? mbox_waits_attach(mbox) : -ENOMEM;
	if (error) {
		kfree(notify);
		return error;
	}
	notify->pid = get_pid(task_tgid(current));
	notify->cookie = cookie;

	mbox_mailbox_lock(mbox, &deferred);
	if (notify_armed(mbox) && mbox_process_ended(notify_armed(mbox)->pid))
		notify_end(mbox, MBOX_NOTIFY_ENDED, &deferred);
	if (mbox->state == MBOX_STATE_DEAD) {
		error = mbox->death;
	} else if (notify_armed(mbox)) {
		error = -EBUSY;
	} else {
		old = notify_detach(handle);
		handle->notify = notify;
		mbox->waits->notify = handle;
		WRITE_ONCE(mbox->nr_receivers,
			   mbox->nr_receivers | MBOX_NOTIFIES);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_notify_free(error ? notify : old);
	return error;
}

/* Return the number of the process that is registered, or 0. */
pid_t mbox_notify_pid(struct mbox *mbox)
{
	pid_t pid = 0;

	spin_lock(&mbox->lock);
	if (notify_armed(mbox))
		pid = pid_vnr(notify_armed(mbox)->pid);
	spin_unlock(&mbox->lock);
	return pid;
}

/* Give up the registration of the caller's process, if it is armed. */
void mbox_notify_disarm(struct mbox_handle *handle)
{
	struct mbox_notify *armed, *own = NULL;
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	armed = notify_armed(mbox);
	if (armed && armed->pid == task_tgid(current)) {
		/* The caller need not be told of its own doing. */
		if (armed == handle->notify)
			own = notify_detach(handle);
		else
			notify_end(mbox, MBOX_NOTIFY_ENDED, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_notify_free(own);
}

/**
 * mbox_notify_take - take the notice of a handle
 * @handle:	the handle
 *
 * Return: it, to be freed by the caller, or an error: EAGAIN if there is none yet.
 */
struct mbox_notify *mbox_notify_take(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_notify *notify;

	spin_lock(&mbox->lock);
	notify = handle->notify;
	if (notify && notify->state != MBOX_NOTIFY_ARMED)
		notify_detach(handle);
	else
		notify = ERR_PTR(mbox->state == MBOX_STATE_DEAD ? mbox->death :
								  -EAGAIN);
	spin_unlock(&mbox->lock);
	return notify;
}

/* A notice that was taken could not be told: put it back, unless there is a new one. */
void mbox_notify_put_back(struct mbox_handle *handle, struct mbox_notify *notify)
{
	struct mbox_deferred deferred;

	mbox_mailbox_lock(handle->mbox, &deferred);
	if (!handle->notify) {
		handle->notify = notify;
		handle->nr_urgent++;
		/* Pollers may have looked meanwhile. */
		deferred.events |= EPOLLPRI;
		notify = NULL;
	}
	mbox_mailbox_unlock(handle->mbox, &deferred);
	mbox_notify_free(notify);
}

/* A new message was queued, and no receiver was given it: tell, if it is alone. */
void mbox_notify_fire(struct mbox *mbox, const struct mbox_message *message,
		      struct mbox_deferred *deferred)
{
	struct mbox_notify *notify = notify_armed(mbox);

	if (!notify || mbox->room.held != 1)
		return;
	notify->sender = get_pid(message->pid);
	notify->uid = message->uid;
	notify_end(mbox, MBOX_NOTIFY_FIRED, deferred);
}

/*
 * The caller closes a descriptor of @handle: as mq_notify(3) says, its process has the
 * registration no more. A handle without rights takes no part, unless it is that handle.
 */
void mbox_notify_flush(struct mbox_handle *handle)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	struct mbox_notify *armed;

	mbox_mailbox_lock(mbox, &deferred);
	armed = notify_armed(mbox);
	if (armed && armed->pid == task_tgid(current) &&
	    (handle->rights || armed == handle->notify))
		notify_end(mbox, MBOX_NOTIFY_ENDED, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
}

/* The handle is closed, for all processes. */
void mbox_notify_release(struct mbox_handle *handle)
{
	struct mbox_notify *notify;

	spin_lock(&handle->mbox->lock);
	notify = notify_detach(handle);
	spin_unlock(&handle->mbox->lock);
	mbox_notify_free(notify);
}
