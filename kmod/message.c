// SPDX-License-Identifier: GPL-2.0-only
/* Messages: their sender, their payload, their references. */
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "job.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "pool.h"
#include "user.h"

/**
 * mbox_message_set - make a message the caller's, and new
 * @message:	memory for args->length bytes of payload
 * @user:	the user charged for it; the charge goes over to the message
 * @args:	of the send
 */
void mbox_message_set(struct mbox_message *message, struct mbox_user *user,
		      const struct mbox_send_args *args)
{
	mbox_path_set(message, user, args);
}

/* Copy the payload in; may sleep. 0 or EFAULT. */
int mbox_message_fill(struct mbox_message *message,
		      const struct mbox_send_args *args)
{
	size_t length = message->length;

	if (unlikely(args->scattered)) {
		struct iov_iter from = *args->iter;

		return copy_from_iter(message->data, length, &from) == length ?
		       0 : -EFAULT;
	}
	return copy_from_user(message->data, args->data, length) ? -EFAULT : 0;
}

/* Free a message that only the caller knows, without the lock. */
void mbox_message_free(struct mbox_message *message)
{
	put_pid(message->pid);
	mbox_user_uncharge(message->user, message->length);
	if (message->room->lane)
		mbox_link_put(message->room->lane->link);
	mbox_pool_free(message);
}

/* Drop the job and the share of a message; it is the last reference. */
void mbox_message_unflag(struct mbox *mbox, struct mbox_message *message)
{
	if (message->flags & MBOX_MESSAGE_JOB)
		mbox_job_drop(mbox, mbox_job_of(mbox, message));
	if (message->flags & MBOX_MESSAGE_SHARED)
		mbox_share_drop(mbox, message);
}

/**
 * mbox_message_put - drop one reference to a message
 * @mbox:	its mailbox, locked
 * @message:	on no list
 * @deferred:	takes memory that must not be freed under a lock
 *
 * The charge goes with the last reference, so that a peek that is under way holds it.
 * It goes at once, for the caller may wake tasks that wait for it.
 */
void mbox_message_put(struct mbox *mbox, struct mbox_message *message,
		      struct mbox_deferred *deferred)
{
	mbox_path_put(mbox, message, deferred);
}

/* Fill in the header of @message, as the caller sees it. */
void mbox_message_header(const struct mbox_message *message,
			 struct mbox_header *header)
{
	mbox_path_header(message, header);
}
