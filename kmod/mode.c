// SPDX-License-Identifier: GPL-2.0-only
/* Modes of handles: set, used by receives, asked by poll(). */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>

#include "broadcast.h"
#include "mbox.h"
#include "message.h"
#include "mode.h"
#include "process.h"
#include "queue.h"
#include "wait.h"

/* Drop a reference. May sleep. */
void mbox_mode_put(struct mbox_mode *mode)
{
	if (!refcount_dec_and_test(&mode->refs))
		return;
	if (mode->sender)
		mbox_tie_drop(mode->sender);
	put_pid_ns(mode->filter.pid_ns);
	kfree(mode);
}

/* From the watch: the sender of a filter is gone. Pollers look whether that is an end. */
static void mode_sender_ended(void *object)
{
	struct mbox_tie *tie = object;

	wake_up_interruptible_poll(&tie->mbox->poll, EPOLLIN | EPOLLRDNORM |
						     EPOLLHUP);
	mbox_tie_put(tie);
}

/* BY_START: have pollers woken when the process ends. 0 or ENOMEM. */
static int mode_watch_sender(struct mbox_mode *mode, struct mbox *mbox)
{
	const struct mbox_filter *filter = &mode->filter;
	struct mbox_tie *tie;
	struct pid *pid;
	int error;

	pid = mbox_process_find_in(filter->pid_ns, filter->pid, filter->start);
	if (IS_ERR(pid))
		return 0;
	tie = kzalloc(sizeof(*tie), GFP_KERNEL_ACCOUNT);
	error = tie ? mbox_tie_bind(tie, mbox, pid, mode_sender_ended) : -ENOMEM;
	if (!error)
		mode->sender = tie;
	put_pid(pid);
	return error == -ESRCH ? 0 : error;
}

static struct mbox_mode *mode_new(struct mbox *mbox, u32 flags,
				  const struct mbox_filter *filter)
{
	struct mbox_mode *mode;
	int error = 0;

	mode = kzalloc(sizeof(*mode), GFP_KERNEL_ACCOUNT);
	if (!mode)
		return ERR_PTR(-ENOMEM);
	refcount_set(&mode->refs, 1);
	mode->flags = flags;
	mode->filter = *filter;
	mode->filter.pid_ns = get_pid_ns(task_active_pid_ns(current));
	if (flags & MBOX_RECV_BY_START)
		error = mode_watch_sender(mode, mbox);
	if (error) {
		mbox_mode_put(mode);
		return ERR_PTR(error);
	}
	return mode;
}

static bool mode_takes_any(const struct mbox_filter *filter)
{
	return !(filter->flags & ~MBOX_RECV_AT) && !filter->min_prio;
}

/**
 * mbox_mode_set - set the mode of a handle
 * @handle:	open for receiving, and on no ring
 * @flags:	MBOX_MODE_*, MBOX_RECV_BY_*
 * @filter:	checked; without a lane
 *
 * Return: 0 or ENOMEM.
 */
int mbox_mode_set(struct mbox_handle *handle, u32 flags,
		  const struct mbox_filter *filter)
{
	struct mbox_mode *mode = NULL, *old;
	struct mbox *mbox = handle->mbox;

	if (flags || !mode_takes_any(filter)) {
		mode = mode_new(mbox, flags, filter);
		if (IS_ERR(mode))
			return PTR_ERR(mode);
	}
	spin_lock(&mbox->lock);
	old = handle->mode;
	WRITE_ONCE(handle->mode, mode);
	WRITE_ONCE(handle->plain, mbox->plain && !handle->shut && !mode);
	spin_unlock(&mbox->lock);
	if (old)
		mbox_mode_put(old);
	/* The new filter may pass a message that the old one did not. */
	wake_up_interruptible_poll(&mbox->poll, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	return 0;
}

static struct mbox_mode *mode_get(struct mbox_handle *handle)
{
	struct mbox_mode *mode;

	if (!READ_ONCE(handle->mode))
		return NULL;
	spin_lock(&handle->mbox->lock);
	mode = handle->mode;
	if (mode)
		refcount_inc(&mode->refs);
	spin_unlock(&handle->mbox->lock);
	return mode;
}

/* A receive begins: it goes by the filter of the handle, unless it has one of its own. */
void mbox_mode_enter(struct mbox_handle *handle, struct mbox_recv_args *args)
{
	const struct mbox_filter own = args->filter;
	struct mbox_mode *mode = mode_get(handle);

	args->mode = mode;
	if (!mode || !mode_takes_any(&own))
		return;
	args->filter = mode->filter;
	args->filter.flags |= own.flags;
	args->filter.index = own.index;
}

/* Have a read(), which asks for no header, begin with one. 0 or EINVAL. */
int mbox_mode_frame(struct mbox_recv_args *args)
{
	args->framed = args->mode && (args->mode->flags & MBOX_MODE_HEADER) &&
		       !args->header;
	if (!args->framed)
		return 0;
	if (args->size < sizeof(*args->header))
		return -EINVAL;
	args->header = args->data;
	args->size -= sizeof(*args->header);
	if (!args->scattered)
		args->data += sizeof(*args->header);
	return 0;
}

/* Search for a message that a filter of @handle passes. */
static bool mode_search(struct mbox_handle *handle, struct mbox_filter *filter)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_message *message = NULL;
	struct mbox_deferred deferred;

	if (filter->flags & MBOX_RECV_MAX_TYPE)
		filter->flags |= MBOX_FILTER_ANY;
	filter->lane = handle->in;
	if (handle->in)
		filter->flags |= MBOX_FILTER_LANE;
	if (handle->sub)
		mbox_subscription_catch_up(mbox, handle->sub);
	mbox_mailbox_lock(mbox, &deferred);
	if (mbox->state != MBOX_STATE_DEAD)
		message = mbox_cursor_search(mbox, handle->queue, filter,
					     &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	return !IS_ERR_OR_NULL(message);
}

/*
 * Ask for the filter of a handle that has a mode. Like a receive, first learn of the end
 * of the sender, then look for its messages: see sender.c.
 */
__poll_t __mbox_mode_poll(struct mbox_handle *handle, __poll_t wanted)
{
	struct mbox_mode *mode = mode_get(handle);
	__poll_t found = MBOX_POLL_ANY;
	struct mbox_filter filter;
	bool ended;

	if (!mode)
		return found;
	if (!mode_takes_any(&mode->filter)) {
		ended = (mode->flags & MBOX_RECV_BY_START) &&
			(!mode->sender || mbox_process_ended(mode->sender->pid));
		filter = mode->filter;
		found = 0;
		if ((ended || (wanted & (EPOLLIN | EPOLLRDNORM))) &&
		    mode_search(handle, &filter))
			found = EPOLLIN;
		else if (ended)
			found = EPOLLHUP;
	}
	mbox_mode_put(mode);
	return found;
}
