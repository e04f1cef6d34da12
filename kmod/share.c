// SPDX-License-Identifier: GPL-2.0-only
/* Shares: limits of the part of a user's quota that one mailbox may take. */
#include <linux/rbtree.h>
#include <linux/slab.h>

#include "mbox.h"
#include "message.h"
#include "user.h"

/*
 * A sender pays until the receiver receives. A receiver that does not receive must
 * not use up the whole quota of its sender, and so keep the sender from others. So
 * the messages of a user in one mailbox are bounded:
 *
 *	The first half of the quota may be used anywhere. Of the second half a mailbox
 *	of another user may take no more than is left of the quota.
 *
 * One mailbox takes at most three quarters then, a second one half of the rest, and
 * so on: something is always left. Only messages that were charged to the second
 * half are counted for a mailbox, so that nothing is looked at as long as there is
 * plenty. They are counted for each user apart: the messages of others do not count
 * against him.
 *
 * In mailboxes that the sender created nothing is counted, for he can bound these
 * himself. An inbox is counted: it was charged to the user who first linked to it.
 */

/*
 * The bytes in a mailbox that a user was charged in the second half of his quota.
 * Exists while there are any, and the user as long: the messages hold him.
 */
struct mbox_share {
	struct rb_node node;		/* lock: mbox->shares */
	struct mbox_user *user;		/* constant */
	s64 bytes;			/* lock */
};

/* For a message that may need one. NULL: no memory. */
struct mbox_share *mbox_share_new(void)
{
	return kmalloc(sizeof(struct mbox_share), GFP_KERNEL_ACCOUNT);
}

void mbox_share_free(struct mbox_share *share)
{
	kfree(share);
}

/* The share of @user, or NULL, and where it would have to be linked. */
static struct mbox_share *share_find(struct mbox *mbox,
				     const struct mbox_user *user,
				     struct rb_node **parent,
				     struct rb_node ***link)
{
	struct rb_node **p = &mbox->shares.rb_node;

	lockdep_assert_held(&mbox->lock);
	*parent = NULL;
	while (*p) {
		struct mbox_share *share = rb_entry(*p, struct mbox_share, node);

		if (share->user == user)
			return share;
		*parent = *p;
		p = user < share->user ? &(*p)->rb_left : &(*p)->rb_right;
	}
	*link = p;
	return NULL;
}

/**
 * mbox_share_take - count a message in the share of its sender
 * @mbox:	its mailbox, locked
 * @message:	charged, and not accepted yet
 * @more:	bytes that are charged for it beside its own
 * @fresh:	a share of the caller's, which is taken, or freed: set to NULL
 *
 * Return: 0; EDQUOT: the mailbox has taken its share.
 */
int mbox_share_take(struct mbox *mbox, struct mbox_message *message, s64 more,
		    struct mbox_share **fresh)
{
	s64 bytes = mbox_user_cost(message->length);
	struct mbox_user *user = message->user;
	struct mbox_share *share, *spare = *fresh;
	struct rb_node *parent, **link;
	int error = 0;

	lockdep_assert_held(&mbox->lock);
	*fresh = NULL;
	if (mbox->creator == user && !mbox->inbox)
		goto out;
	share = share_find(mbox, user, &parent, &link);
	if ((share ? share->bytes : 0) + bytes + more > mbox_user_left(user)) {
		error = -EDQUOT;
		goto out;
	}
	if (!share) {
		share = spare;
		spare = NULL;
		share->user = user;
		share->bytes = 0;
		rb_link_node(&share->node, parent, link);
		rb_insert_color(&share->node, &mbox->shares);
	}
	share->bytes += bytes;
	message->flags |= MBOX_MESSAGE_SHARED;
out:
	kfree(spare);
	return error;
}

/*
 * Whether mbox_share_take() would count a message of @user for which @need bytes in
 * all are charged, in the second half of the quota.
 */
bool mbox_share_has_room(struct mbox *mbox, const struct mbox_user *user,
			 s64 need)
{
	struct rb_node *parent, **link;
	struct mbox_share *share;

	lockdep_assert_held(&mbox->lock);
	if (mbox->creator == user && !mbox->inbox)
		return true;
	share = share_find(mbox, user, &parent, &link);
	return (share ? share->bytes : 0) + need <=
	       mbox_user_left(user) - need;
}

/* Count a delivery where the message is counted that it is one of. */
void mbox_share_add(struct mbox *mbox, struct mbox_message *message)
{
	struct rb_node *parent, **link;
	struct mbox_share *share;

	share = share_find(mbox, message->user, &parent, &link);
	share->bytes += MBOX_SMALL_CHARGE;
	message->flags |= MBOX_MESSAGE_SHARED;
}

/* A message that is counted goes; it is still charged. */
void mbox_share_drop(struct mbox *mbox, struct mbox_message *message)
{
	struct rb_node *parent, **link;
	struct mbox_share *share;

	share = share_find(mbox, message->user, &parent, &link);
	share->bytes -= mbox_user_cost(message->length);
	message->flags &= ~MBOX_MESSAGE_SHARED;
	if (!share->bytes) {
		rb_erase(&share->node, &mbox->shares);
		kfree(share);
	}
}
