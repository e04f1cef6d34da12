// SPDX-License-Identifier: GPL-2.0-only
/* poll() of handles on mailboxes, broadcasts and inboxes. */
#include <linux/poll.h>
#include <linux/sched.h>

#include "broadcast.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "mode.h"
#include "poll.h"
#include "process.h"
#include "queue.h"
#include "user.h"
#include "wait.h"

/* In which the kinds differ; constants for the compiler. */
struct poll_ops {
	/* Return whether a receive through @handle would find anything. */
	bool (*readable)(const struct mbox_handle *handle);
	/* Return whether there would be room for @probe. */
	bool (*writable)(struct mbox *mbox, const struct mbox_message *probe);
};

/* Under the lock: return the events of the directions that are shut down. */
__poll_t mbox_poll_shut(const struct mbox_handle *handle)
{
	__poll_t events = 0;

	/* As of a socket: a receive does not block, nor does a send. */
	if (handle->shut & MBOX_RIGHT_RECV)
		events |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLHUP;
	if (handle->shut & MBOX_RIGHT_SEND)
		events |= EPOLLERR;
	return events;
}

/*
 * Under the lock, of a handle that may receive from a mailbox that is not dead. @found
 * has the events of its filter, or is MBOX_POLL_ANY.
 */
static __always_inline __poll_t poll_receive(const struct mbox_handle *handle,
					     __poll_t wanted, __poll_t found,
					     const struct poll_ops *ops)
{
	struct mbox *mbox = handle->mbox;
	__poll_t events = 0;

	if (unlikely(found != MBOX_POLL_ANY))
		events = found & EPOLLHUP;
	if ((wanted & (EPOLLIN | EPOLLRDNORM)) &&
	    (likely(found == MBOX_POLL_ANY) ? ops->readable(handle) :
					      !!(found & EPOLLIN)) &&
	    (!mbox->procs || mbox_member_admits(mbox, MBOX_RIGHT_RECV)))
		events |= EPOLLIN | EPOLLRDNORM;
	if (mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND))
		events |= EPOLLHUP;
	return events;
}

/* The same of a handle that may send; the quota is checked later. */
static __always_inline __poll_t poll_send(const struct mbox_handle *handle,
					  __poll_t wanted,
					  const struct poll_ops *ops)
{
	struct mbox *mbox = handle->mbox;
	/* The longest message that the caller may send, with the least priority. */
	struct mbox_message probe = {
		.pid = task_tgid(current), .length = mbox->room.msg_size,
		.room = &mbox->room,
		.start = mbox_process_start(current->group_leader),
	};

	if (mbox->deaf)
		return EPOLLERR;
	if (!(wanted & (EPOLLOUT | EPOLLWRNORM)))
		return 0;
	if (!ops->writable(mbox, &probe)) {
		mbox->room.nospace = true;
		return 0;
	}
	return !mbox->procs || mbox_member_admits(mbox, MBOX_RIGHT_SEND) ?
	       EPOLLOUT | EPOLLWRNORM : 0;
}

/* poll() of a handle. May sleep. */
static __always_inline __poll_t poll_handle(struct mbox_handle *handle,
					    struct file *file,
					    struct poll_table_struct *wait,
					    const struct poll_ops *ops)
{
	struct mbox *mbox = handle->mbox;
	/* A caller that does not ask for an event need not pay for it. */
	__poll_t wanted = poll_requested_events(wait);
	__poll_t events, found;
	u32 rights, length, slots;

	poll_wait(file, &mbox->poll, wait);
	found = mbox_mode_poll(handle, wanted);
	spin_lock(&mbox->lock);
	events = mbox_poll_shut(handle);
	rights = handle->rights & ~handle->shut;
	if (mbox->state == MBOX_STATE_DEAD)
		events |= EPOLLHUP;
	else if (rights & MBOX_RIGHT_RECV)
		events |= poll_receive(handle, wanted, found, ops);
	if (unlikely(handle->nr_urgent))
		events |= EPOLLPRI;
	if (rights & MBOX_RIGHT_SEND)
		events |= poll_send(handle, wanted, ops);
	length = mbox->room.msg_size;
	slots = mbox_mailbox_subscriptions(mbox);
	spin_unlock(&mbox->lock);
	if ((events & EPOLLOUT) && !mbox_shortage_none(handle, length, slots))
		events &= ~(EPOLLOUT | EPOLLWRNORM);
	return events;
}

static bool poll_queue_readable(const struct mbox_handle *handle)
{
	const struct mbox *mbox = handle->mbox;

	return mbox->room.held > mbox->queue.nr_hidden ||
	       !RB_EMPTY_ROOT(&mbox->room.senders.rb_root);
}

static bool poll_queue_writable(struct mbox *mbox,
				const struct mbox_message *probe)
{
	return (RB_EMPTY_ROOT(&mbox->room.senders.rb_root) &&
		mbox_room_has(&mbox->room, probe->length)) ||
	       mbox_waiter_receiver_for(mbox, probe);
}

__poll_t mbox_poll_queue(struct mbox_handle *handle, struct file *file,
			 struct poll_table_struct *wait)
{
	static const struct poll_ops ops = {
		.readable = poll_queue_readable,
		.writable = poll_queue_writable,
	};

	return poll_handle(handle, file, wait, &ops);
}

static bool poll_inbox_readable(const struct mbox_handle *handle)
{
	const struct mbox *mbox = handle->mbox;

	return mbox_inbox_first(mbox) || !RB_EMPTY_ROOT(&mbox->room.senders.rb_root);
}

__poll_t mbox_poll_inbox(struct mbox_handle *handle, struct file *file,
			 struct poll_table_struct *wait)
{
	/* A handle on an inbox has no right to send. */
	static const struct poll_ops ops = {
		.readable = poll_inbox_readable,
		.writable = poll_queue_writable,
	};

	return poll_handle(handle, file, wait, &ops);
}

static bool poll_broadcast_readable(const struct mbox_handle *handle)
{
	return handle->sub->room.held > handle->queue->nr_hidden ||
	       mbox_subscription_is_due(handle->mbox, handle->sub);
}

__poll_t mbox_poll_broadcast(struct mbox_handle *handle, struct file *file,
			     struct poll_table_struct *wait)
{
	static const struct poll_ops ops = {
		.readable = poll_broadcast_readable,
		.writable = mbox_subscription_room_in_all,
	};

	return poll_handle(handle, file, wait, &ops);
}
