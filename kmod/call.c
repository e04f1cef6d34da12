// SPDX-License-Identifier: GPL-2.0-only
/* Calls: requests whose acknowledgement carries data. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "copy.h"
#include "job.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "user.h"
#include "wait.h"

/*
 * The caller waits as a synchronous sender does, on its stack, until the lease of its
 * request is acknowledged: with the reply. So whatever ends the lease ends the call, or
 * gives the request to another server. The server copies a small reply to the stack of
 * the caller, a larger one to memory that the caller frees, and the caller copies that
 * to its buffer: neither has to wait for pages of the other.
 *
 * MBOX_WAKE orders the reply before the end of the wait.
 */

/**
 * mbox_call - send a request and wait for its reply
 * @handle:	open for sending
 * @args:	of the request, checked
 * @call:	zero but for retry and room
 * @reply:	buffer of call->room bytes
 *
 * Return: 0, call->length and call->server, which the caller puts; or an error as
 * MBOX_IOC_CALL.
 */
int mbox_call(struct mbox_handle *handle, struct mbox_send_args *args,
	      struct mbox_request *call, void __user *reply)
{
	struct mbox_post post = { .call = call, .deadline = &args->deadline };
	struct mbox_send_args room = { .length = call->room };
	struct mbox_user *user;
	int error;

	user = mbox_send_charge(handle, &room);
	mbox_share_free(room.share);
	if (IS_ERR(user))
		return PTR_ERR(user);
	args->sync = true;
	args->post = &post;
	error = mbox_send(handle, args);
	if (!error && copy_to_user(reply, call->large ?: call->small, call->length))
		error = -EFAULT;
	kvfree(call->large);
	mbox_user_uncharge(user, call->room);
	return error;
}

/* Give a reply of @size bytes to the caller, under the lock. See reply_try(). */
static int reply_give(struct mbox_handle *handle, struct mbox_job *job,
		      const void __user *data, u32 size, void **large,
		      struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = job->message->sender;
	struct mbox_request *call = sender ? mbox_post_calls(sender) : NULL;
	bool copied;

	if (!call && size)
		return -EINVAL;
	if (call && size > call->room)
		return -EMSGSIZE;
	if (size > MBOX_CALL_SMALL && !*large)
		return MBOX_RETRY;
	if (call && size && size <= MBOX_CALL_SMALL) {
		pagefault_disable();
		copied = mbox_copy_in(call->small, data, size);
		pagefault_enable();
		if (!copied)
			return MBOX_RETRY;
	}
	if (call) {
		call->large = *large;
		*large = NULL;
		call->length = size;
		call->server_start = mbox_process_start(current->group_leader);
	}
	mbox_lease_settle(handle, job, deferred);
	return 0;
}

/* Reply, in one section. MBOX_RETRY: the data have to be copied, or faulted in, first. */
static int reply_try(struct mbox_handle *handle, u64 token, const void __user *data,
		     u32 size, void **large)
{
	struct mbox_deferred deferred;
	struct mbox_job *job;
	int error;

	mbox_mailbox_lock(handle->mbox, &deferred);
	error = mbox_lease_lookup(handle, token, &job);
	if (!error)
		error = reply_give(handle, job, data, size, large, &deferred);
	mbox_mailbox_unlock(handle->mbox, &deferred);
	return error == -ECANCELED ? -ESTALE : error;
}

/**
 * mbox_call_reply - reply to a request
 * @handle:	open for receiving
 * @token:	of its lease
 * @data:	the reply
 * @size:	its bytes
 *
 * Return: 0 or an error as MBOX_IOC_REPLY.
 */
int mbox_call_reply(struct mbox_handle *handle, u64 token, const void __user *data,
		    u64 size)
{
	void *large = NULL;
	int error;

	if (size > U32_MAX)
		return -EMSGSIZE;
	while ((error = reply_try(handle, token, data, size, &large)) == MBOX_RETRY) {
		if (size <= MBOX_CALL_SMALL) {
			if (fault_in_readable(data, size))
				return -EFAULT;
			continue;
		}
		large = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!large)
			return -ENOMEM;
		if (copy_from_user(large, data, size)) {
			kvfree(large);
			return -EFAULT;
		}
	}
	kvfree(large);
	return error;
}
