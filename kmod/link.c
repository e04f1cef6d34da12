// SPDX-License-Identifier: GPL-2.0-only
/* Links and their lanes, from first use to end. */
#include <linux/err.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "link.h"
#include "mbox.h"
#include "queue.h"
#include "wait.h"

static bool link_listed_get(struct mbox_listed *entry,
			    const struct mbox_registry *registry)
{
	struct mbox_link *link = container_of(entry, struct mbox_link, listing);

	if (link->lanes[0].to->inbox->registry != registry &&
	    link->lanes[1].to->inbox->registry != registry)
		return false;
	mbox_link_get(link);
	refcount_inc(&link->lanes[0].to->refs);
	refcount_inc(&link->lanes[1].to->refs);
	return true;
}

static void link_listed_put(struct mbox_listed *entry)
{
	struct mbox_link *link = container_of(entry, struct mbox_link, listing);

	mbox_endpoint_put(link->lanes[0].to);
	mbox_endpoint_put(link->lanes[1].to);
	mbox_link_put(link);
}

/* Links by number: those of a namespace to which either process belonged at first. */
struct mbox_list mbox_link_list = {
	.tree = RB_ROOT,
	.changes = 1,
	.get = link_listed_get,
	.put = link_listed_put,
};

void mbox_link_get(struct mbox_link *link)
{
	refcount_inc(&link->refs);
}

/* Also under a lock. */
void mbox_link_put(struct mbox_link *link)
{
	if (refcount_dec_and_test(&link->refs))
		kfree(link);
}

/* Return the other direction. */
struct mbox_lane *mbox_lane_back(struct mbox_lane *lane)
{
	struct mbox_link *link = lane->link;

	return lane == &link->lanes[0] ? &link->lanes[1] : &link->lanes[0];
}

static void link_unlist(struct mbox_link *link, struct mbox_leaving *leaving)
{
	struct mbox_endpoint *one = link->lanes[0].to, *other = link->lanes[1].to;

	lockdep_assert_held(&mbox_links_lock);
	mbox_links_remove(&mbox_link_list, &link->listing);
	rb_erase(&link->lanes[0].node, &one->lanes);
	rb_erase(&link->lanes[1].node, &other->lanes);
	/* Before the inboxes are looked at, see mbox_link_leave(). */
	WRITE_ONCE(link->listed, false);
	mbox_endpoint_tidy(one, leaving);
	mbox_endpoint_tidy(other, leaving);
	link->leaving = leaving->links;
	leaving->links = link;
}

/*
 * End a link without handles and messages. Without a handle nothing is sent, so the
 * messages in its lanes can only become fewer.
 */
void mbox_link_tidy(struct mbox_link *link, struct mbox_leaving *leaving)
{
	lockdep_assert_held(&mbox_links_lock);
	if (link->listed && !atomic_read(&link->handles) &&
	    !READ_ONCE(link->lanes[0].room.held) && !READ_ONCE(link->lanes[1].room.held))
		link_unlist(link, leaving);
}

/*
 * Close @lane: fail all receivers that wait for it, a few at a time. New ones do
 * not begin to wait.
 */
static void lane_end(struct mbox_lane *lane)
{
	struct mbox *inbox = lane->to->inbox;
	struct mbox_deferred deferred;
	struct mbox_waiter *waiter;
	unsigned int n;

	do {
		mbox_mailbox_lock(inbox, &deferred);
		/* No receive begins to wait for it from now on. */
		lane->ended = true;
		for (n = 0; n < MBOX_END_BATCH; n++) {
			waiter = mbox_receivers_of_lane(&inbox->waits->receivers, lane);
			if (!waiter)
				break;
			mbox_waiter_complete(inbox, waiter, -EOWNERDEAD,
					     &deferred);
		}
		deferred.events |= EPOLLHUP | EPOLLERR;
		mbox_mailbox_unlock(inbox, &deferred);
		cond_resched();
	} while (n == MBOX_END_BATCH);
}

/* Unlist and close one link of an endpoint that ended. False if there is none left. */
bool mbox_link_end_one(struct mbox_endpoint *endpoint)
{
	struct mbox_lane *lane = NULL;
	struct mbox_leaving leaving;
	struct rb_node *node;

	mbox_links_begin(&leaving);
	node = rb_first(&endpoint->lanes);
	if (node) {
		lane = rb_entry(node, struct mbox_lane, node);
		mbox_link_get(lane->link);
		/* mbox_links_end() drops those of the link. */
		refcount_inc(&lane->from->refs);
		link_unlist(lane->link, &leaving);
	}
	mbox_links_end(&leaving);
	if (!lane)
		return false;
	lane_end(mbox_lane_back(lane));
	mbox_endpoint_put(lane->from);
	mbox_link_put(lane->link);
	return true;
}

/* Return the first lane to an endpoint from one whose address is above @from; or NULL. */
struct mbox_lane *mbox_lane_after(const struct mbox_endpoint *to,
				  const struct mbox_endpoint *from)
{
	struct rb_node *node = to->lanes.rb_node, *after = NULL;

	lockdep_assert_held(&mbox_links_lock);
	while (node) {
		if (rb_entry(node, struct mbox_lane, node)->from > from) {
			after = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return after ? rb_entry(after, struct mbox_lane, node) : NULL;
}

/*
 * Find the lane between two endpoints; or NULL, and the place where it would be
 * linked.
 */
static struct mbox_lane *lane_find(struct mbox_endpoint *from,
				   struct mbox_endpoint *to,
				   struct rb_node **parent,
				   struct rb_node ***link)
{
	struct rb_node **p = &to->lanes.rb_node;

	lockdep_assert_held(&mbox_links_lock);
	*parent = NULL;
	while (*p) {
		struct mbox_lane *lane;

		lane = rb_entry(*p, struct mbox_lane, node);
		if (lane->from == from)
			return lane;
		*parent = *p;
		p = from < lane->from ? &(*p)->rb_left : &(*p)->rb_right;
	}
	*link = p;
	return NULL;
}

/*
 * Return whether a process has, or had, a handle on its link to another: then the
 * other may answer. A link that is not used any more does not count.
 */
bool mbox_link_invited(struct pid *self, struct pid *peer)
{
	struct mbox_endpoint *from, *to;
	struct rb_node *parent, **link;
	struct mbox_lane *out = NULL;
	struct mbox_leaving leaving;
	bool invited;

	mbox_links_begin(&leaving);
	from = mbox_endpoint_find(self);
	to = mbox_endpoint_find(peer);
	if (from && to) {
		out = lane_find(from, to, &parent, &link);
		if (out)
			mbox_link_tidy(out->link, &leaving);
	}
	invited = out && out->link->listed && out->opened;
	mbox_links_end(&leaving);
	return invited;
}

static void lane_init(struct mbox_lane *lane, struct mbox_link *link,
		      struct mbox_endpoint *from, struct mbox_endpoint *to,
		      u32 capacity, u32 msg_size)
{
	lane->link = link;
	lane->from = from;
	lane->to = to;
	lane->inbox = to->inbox;
	mbox_queue_setup(&lane->queue);
	mbox_room_setup(&lane->room, &lane->inbox->room, &lane->queue);
	lane->room.lane = lane;
	lane->room.capacity = capacity;
	lane->room.msg_size = msg_size;
}

/* Make a link that is not listed yet, with lanes[0] from @self; or NULL. */
static struct mbox_link *link_new(struct mbox_endpoint *self,
				  struct mbox_endpoint *peer, u32 capacity,
				  u32 msg_size)
{
	struct mbox_link *link;

	link = kzalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
	if (!link)
		return NULL;
	refcount_set(&link->refs, 1);
	lane_init(&link->lanes[0], link, self, peer, capacity, msg_size);
	lane_init(&link->lanes[1], link, peer, self, capacity, msg_size);
	return link;
}

static void lane_enter(struct mbox_lane *lane)
{
	struct mbox_endpoint *to = lane->to;
	struct rb_node *parent, **link;

	lane_find(lane->from, to, &parent, &link);
	rb_link_node(&lane->node, parent, link);
	rb_insert_color(&lane->node, &to->lanes);
	refcount_inc(&to->refs);
	spin_lock(&to->inbox->lock);
	if (to->inbox->room.msg_size < lane->room.msg_size)
		WRITE_ONCE(to->inbox->room.msg_size, lane->room.msg_size);
	spin_unlock(&to->inbox->lock);
}

/* List a link, with the caller's reference. */
static void link_enter(struct mbox_link *link)
{
	static u64 last_number;		/* mbox_links_lock */

	mbox_links_add(&mbox_link_list, &link->listing, ++last_number);
	lane_enter(&link->lanes[0]);
	lane_enter(&link->lanes[1]);
	link->listed = true;
}

/**
 * mbox_link_join - begin to use the link between two endpoints
 * @self:	one, whose process is there
 * @peer:	the other; the caller holds both
 * @capacity:	of the link, if it is new
 * @msg_size:	likewise
 *
 * Return: the lane from @self to @peer, whose link has one more handle, and a
 * reference of the caller's, until mbox_link_leave(). ESRCH if @peer has ended,
 * ENOMEM.
 */
struct mbox_lane *mbox_link_join(struct mbox_endpoint *self,
				 struct mbox_endpoint *peer, u32 capacity,
				 u32 msg_size)
{
	struct rb_node *parent, **where;
	struct mbox_link *fresh = NULL;
	struct mbox_leaving leaving;
	struct mbox_lane *out;

	for (;;) {
		mbox_links_begin(&leaving);
		out = lane_find(self, peer, &parent, &where);
		/*
		 * Drop an unused link first, so that a new opener does not inherit
		 * its limits.
		 */
		if (out) {
			mbox_link_tidy(out->link, &leaving);
			if (!out->link->listed)
				out = NULL;
		}
		if (peer->ended || self->ended) {
			out = ERR_PTR(-ESRCH);
		} else if (!out && fresh) {
			link_enter(fresh);
			out = &fresh->lanes[0];
			fresh = NULL;
		}
		if (!IS_ERR_OR_NULL(out)) {
			atomic_inc(&out->link->handles);
			mbox_link_get(out->link);
		}
		mbox_links_end(&leaving);
		if (out)
			break;
		fresh = link_new(self, peer, capacity, msg_size);
		if (!fresh)
			return ERR_PTR(-ENOMEM);
	}
	kfree(fresh);
	return out;
}

/* Note that the process that @in leads to has a handle: the other may answer. */
void mbox_link_invite(struct mbox_lane *in)
{
	spin_lock(&mbox_links_lock);
	in->opened = true;
	spin_unlock(&mbox_links_lock);
}

/**
 * mbox_link_leave - a handle on a link is closed
 * @in:		the lane that leads to the handle's process
 *
 * It has been taken off its inbox before. The global lock is needed only if the
 * link is not used any more, or not listed: then the endpoint may not be needed,
 * and either we see that, or link_unlist() does not see our handle on the inbox.
 */
void mbox_link_leave(struct mbox_lane *in)
{
	struct mbox_link *link = in->link;
	int handles = atomic_read(&link->handles);
	struct mbox_leaving leaving;
	bool last;

	do {
		last = handles == 1;
	} while (!last && !atomic_try_cmpxchg(&link->handles, &handles,
					      handles - 1));
	if (!last && READ_ONCE(link->listed))
		return;
	mbox_links_begin(&leaving);
	/* It goes to 0 under the lock only. */
	if (last)
		atomic_dec(&link->handles);
	mbox_link_tidy(link, &leaving);
	mbox_endpoint_tidy(in->to, &leaving);
	mbox_links_end(&leaving);
}
