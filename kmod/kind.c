// SPDX-License-Identifier: GPL-2.0-only
/* The four kinds of mailboxes: mailbox, broadcast, ring, inbox. */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "broadcast.h"
#include "kind.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "poll.h"
#include "ring.h"
#include "wait.h"

#define LIMITS	(MBOX_SET_CAPACITY | MBOX_SET_MSG_SIZE | MBOX_SET_BYTES)

/* Operations that a kind does not need. */

static int kind_no_attach(struct mbox *mbox, struct file *factory,
			  const struct mbox_attr *attr)
{
	return 0;
}

static void kind_no_detach(struct mbox *mbox)
{
}

static int kind_no_open(struct mbox_handle *handle)
{
	return 0;
}

static void kind_no_handle(struct mbox_handle *handle)
{
}

static void kind_no_rights(struct mbox_handle *handle, u32 rights)
{
}

static void kind_no_die(struct mbox *mbox, struct mbox_deferred *deferred)
{
}

/* Mailboxes with one queue; most operations are those of other kinds, too. */

static int kind_queue_check(struct mbox_attr *attr)
{
	return mbox_attr_check_queue(attr, MBOX_OPTION_EXCLUSIVE |
				     MBOX_OPTION_TRACK, true);
}

static int kind_queue_set(struct mbox_handle *handle, struct file *file,
			  const struct mbox_ioc_set *arg)
{
	return mbox_mailbox_set(handle->mbox, file, arg);
}

static void kind_queue_info(struct mbox *mbox, const struct mbox_handle *handle,
			    struct mbox_info *info, struct mbox_stats *stats)
{
	if (handle)
		info->handle_queued = info->queued - info->leased -
				      info->delayed - info->parked;
}

static unsigned int kind_queue_hang_up(struct mbox *mbox, unsigned int n,
				       struct mbox_deferred *deferred)
{
	/* All are of one kind: each of the other kind would have a handle. */
	return mbox_waiter_end_some(mbox, n, -EPIPE, deferred);
}

static u64 kind_queue_queued(const struct mbox *mbox)
{
	return mbox->room.held;
}

static struct mbox_message *kind_queue_first(const struct mbox *mbox)
{
	if (list_empty(&mbox->queue.messages))
		return NULL;
	return list_first_entry(&mbox->queue.messages, struct mbox_message,
				node);
}

static const struct mbox_kind kind_queue = {
	.number = MBOX_KIND_MAILBOX,
	.limits = LIMITS,
	.max_receivers = U32_MAX,
	.rendezvous = true,
	.drained = true,
	.check = kind_queue_check,
	.attach = kind_no_attach,
	.detach = kind_no_detach,
	.open = kind_no_open,
	.begin = kind_no_handle,
	.shut = mbox_handle_end_calls,
	.renounced = kind_no_rights,
	.leave = kind_no_handle,
	.release = kind_no_handle,
	.poll = mbox_poll_queue,
	.set = kind_queue_set,
	.purge = mbox_mailbox_purge_queue,
	.info = kind_queue_info,
	.admit = mbox_send_admit,
	.hang_up = kind_queue_hang_up,
	.queued = kind_queue_queued,
	.first = kind_queue_first,
	.die = kind_no_die,
};

/* Broadcast: each handle that receives has a subscription. */

static int kind_broadcast_check(struct mbox_attr *attr)
{
	return mbox_attr_check_queue(attr, MBOX_OPTION_OVERFLOW |
				     MBOX_OPTION_TRACK, false);
}

static int kind_broadcast_attach(struct mbox *mbox, struct file *factory,
				 const struct mbox_attr *attr)
{
	mbox->cast = mbox_cast_new();
	return mbox->cast ? mbox_waits_attach(mbox) : -ENOMEM;
}

static void kind_broadcast_detach(struct mbox *mbox)
{
	kfree(mbox->cast);
}

static int kind_broadcast_open(struct mbox_handle *handle)
{
	struct mbox_subscription *sub;

	if (!(handle->rights & MBOX_RIGHT_RECV))
		return 0;
	sub = mbox_subscription_new(handle->mbox);
	if (IS_ERR(sub))
		return PTR_ERR(sub);
	handle->sub = sub;
	handle->queue = &sub->queue;
	return 0;
}

static void kind_broadcast_begin(struct mbox_handle *handle)
{
	if (handle->sub)
		mbox_subscription_begin(handle->mbox, handle->sub);
}

static void kind_broadcast_renounced(struct mbox_handle *handle, u32 rights)
{
	if (handle->sub && (rights & MBOX_RIGHT_RECV))
		mbox_subscription_end(handle->mbox, handle->sub);
}

static void kind_broadcast_release(struct mbox_handle *handle)
{
	kfree(handle->sub);
}

static void kind_broadcast_info(struct mbox *mbox,
				const struct mbox_handle *handle,
				struct mbox_info *info, struct mbox_stats *stats)
{
	if (!handle || !handle->sub)
		return;
	info->handle_lost = handle->sub->lost;
	info->handle_queued = mbox_subscription_held(mbox, handle->sub);
}

static void kind_broadcast_admit(struct mbox *mbox, struct mbox_room *room,
				 struct mbox_deferred *deferred)
{
	mbox_cast_admit(mbox, deferred);
}

static const struct mbox_kind kind_broadcast = {
	.number = MBOX_KIND_MAILBOX,
	.limits = LIMITS,
	/* Each costs every sender, in memory and in time. */
	.max_receivers = MBOX_RECEIVERS_MAX,
	.drained = true,
	.subscribed = true,
	.check = kind_broadcast_check,
	.attach = kind_broadcast_attach,
	.detach = kind_broadcast_detach,
	.open = kind_broadcast_open,
	.begin = kind_broadcast_begin,
	.shut = mbox_handle_end_calls,
	.renounced = kind_broadcast_renounced,
	.leave = kind_no_handle,
	.release = kind_broadcast_release,
	.poll = mbox_poll_broadcast,
	.set = kind_queue_set,
	.purge = mbox_broadcast_purge,
	.info = kind_broadcast_info,
	.admit = kind_broadcast_admit,
	.hang_up = kind_queue_hang_up,
	.queued = kind_queue_queued,
	.first = kind_queue_first,
	.die = mbox_cast_die,
};

/* Rings: a handle with rights holds sides. */

static int kind_ring_attach(struct mbox *mbox, struct file *factory,
			    const struct mbox_attr *attr)
{
	return mbox_waits_attach(mbox) ?:
	       mbox_ring_attach(mbox, factory, attr->ring);
}

static int kind_ring_open(struct mbox_handle *handle)
{
	struct mbox_ring_holder *holder;

	if (!handle->rights)
		return 0;
	holder = mbox_ring_hold(handle->mbox, handle->rights);
	if (IS_ERR(holder))
		return PTR_ERR(holder);
	handle->holder = holder;
	return 0;
}

static void kind_ring_leave(struct mbox_handle *handle)
{
	if (handle->holder)
		mbox_ring_leave(handle->holder);
}

static int kind_no_purge(struct mbox *mbox, u64 *purged)
{
	return -EOPNOTSUPP;
}

static void kind_ring_info(struct mbox *mbox, const struct mbox_handle *handle,
			   struct mbox_info *info, struct mbox_stats *stats)
{
	mbox_ring_info(mbox, info, stats);
	if (handle)
		info->handle_queued = info->queued;
}

static unsigned int kind_ring_hang_up(struct mbox *mbox, unsigned int n,
				      struct mbox_deferred *deferred)
{
	mbox_ring_hang_up(mbox, deferred);
	return 0;
}

static const struct mbox_kind kind_ring = {
	.number = MBOX_KIND_RING,
	.max_receivers = U32_MAX,
	.rendezvous = true,
	.mapped = true,
	.check = mbox_ring_check,
	.attach = kind_ring_attach,
	.detach = mbox_ring_detach,
	.open = kind_ring_open,
	.begin = kind_no_handle,
	.shut = mbox_ring_shut,
	.renounced = kind_no_rights,
	.leave = kind_ring_leave,
	.release = kind_no_handle,
	.poll = mbox_ring_wait_poll,
	.set = kind_queue_set,
	.purge = kind_no_purge,
	.info = kind_ring_info,
	.admit = mbox_send_admit,
	.hang_up = kind_ring_hang_up,
	.queued = mbox_ring_queued,
	.first = kind_queue_first,
	.die = mbox_ring_die,
};

/* Inboxes: handles are on the inbox, or on a link that leads to it. */

static void kind_inbox_info(struct mbox *mbox, const struct mbox_handle *handle,
			    struct mbox_info *info, struct mbox_stats *stats)
{
	if (handle)
		mbox_direct_info(handle, info);
}

static int kind_inbox_set(struct mbox_handle *handle, struct file *file,
			  const struct mbox_ioc_set *arg)
{
	return mbox_direct_set(handle, arg);
}

/* Each lane has room of its own: mbox_endpoint_purge() admits to all of them. */
static void kind_inbox_admit(struct mbox *mbox, struct mbox_room *room,
			     struct mbox_deferred *deferred)
{
	if (room->lane)
		mbox_send_admit(mbox, room, deferred);
}

const struct mbox_kind mbox_kind_inbox = {
	.number = MBOX_KIND_INBOX,
	.max_receivers = U32_MAX,
	.rendezvous = true,
	.fixed = true,
	.check = kind_queue_check,
	.attach = kind_no_attach,
	.detach = kind_no_detach,
	.open = kind_no_open,
	.begin = kind_no_handle,
	.shut = mbox_handle_end_calls,
	.renounced = kind_no_rights,
	.leave = kind_no_handle,
	.release = mbox_direct_release,
	.poll = mbox_direct_poll,
	.set = kind_inbox_set,
	.purge = kind_no_purge,
	.info = kind_inbox_info,
	.admit = kind_inbox_admit,
	.hang_up = kind_queue_hang_up,
	.queued = kind_queue_queued,
	.first = mbox_inbox_first,
	.die = kind_no_die,
};

/* Return the kind of a new mailbox with @attr, which need not be checked yet. */
const struct mbox_kind *mbox_kind_of(const struct mbox_attr *attr)
{
	if (attr->ring)
		return &kind_ring;
	return attr->policy == MBOX_POLICY_BROADCAST ? &kind_broadcast :
						       &kind_queue;
}
