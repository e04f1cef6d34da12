// SPDX-License-Identifier: GPL-2.0-only
/* Calls: requests that are acknowledged with data. */
#include <linux/err.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "copy.h"
#include "job.h"
#include "mbox.h"
#include "message.h"
#include "pool.h"
#include "user.h"
#include "wait.h"

/*
 * The caller waits as a synchronous sender does, on its stack, until the lease of its
 * request is acknowledged: with the reply. So whatever ends the lease ends the call, or
 * gives the request to another server. The server copies a small reply to the stack of
 * the caller, under the lock. For a larger one the caller has memory ready, for which it
 * pays: the server takes that, copies without the lock, and gives it back with the reply;
 * if the call has ended meanwhile, the server frees it. The caller copies the reply to its
 * buffer: neither has to wait for pages of the other.
 *
 * MBOX_WAKE orders the reply before the end of the wait. The model
 * selftests/model/call.pml has the orders of reply, end and withdrawal.
 */

/* Get memory for a reply, of those that the mailbox recycles if there is some. */
static struct mbox_message *call_memory(struct mbox *mbox, u32 room)
{
	struct mbox_message *memory;

	spin_lock(&mbox->lock);
	memory = mbox_pool_take(mbox, room);
	spin_unlock(&mbox->lock);
	return memory ?: mbox_pool_alloc(room);
}

static void call_memory_give(struct mbox *mbox, struct mbox_message *memory)
{
	struct mbox_deferred deferred;

	mbox_mailbox_lock(mbox, &deferred);
	mbox_pool_give(mbox, memory, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
}

/**
 * mbox_call - send a request and wait for its reply
 * @handle:	open for sending
 * @args:	of the request, checked
 * @request:	zero but for retry and room
 * @reply:	buffer of request->room bytes
 *
 * Return: 0, request->length and request->server, which the caller puts; or an error as
 * MBOX_IOC_CALL.
 */
int mbox_call(struct mbox_handle *handle, struct mbox_send_args *args,
	      struct mbox_request *request, void __user *reply)
{
	struct mbox_post post = { .call = request, .deadline = &args->deadline };
	struct mbox_send_args room = { .length = request->room };
	const void *data = request->small;
	struct mbox_user *user;
	int error;

	user = mbox_send_charge(handle, &room);
	mbox_share_free(room.share);
	if (IS_ERR(user))
		return PTR_ERR(user);
	error = -ENOMEM;
	if (request->room > MBOX_CALL_SMALL) {
		request->memory = call_memory(handle->mbox, request->room);
		if (!request->memory)
			goto out;
	}
	args->how |= MBOX_SEND_SYNC;
	args->post = &post;
	error = mbox_send(handle, args);
	if (request->length > MBOX_CALL_SMALL)
		data = request->memory->data;
	if (!error && copy_to_user(reply, data, request->length))
		error = -EFAULT;
	if (request->memory)
		call_memory_give(handle->mbox, request->memory);
out:
	mbox_user_uncharge(user, request->room);
	return error;
}

/* A larger reply, on its way. */
struct reply {
	struct mbox_message *memory;	/* for the data; or NULL */
	u32 room;			/* of the request */
	bool copied;			/* the data are there */
};

/* The steps of a reply beside 0 and errors: without the lock. */
enum reply_step {
	REPLY_FAULT_IN = 1,		/* the data */
	REPLY_COPY,			/* them to memory */
};

/* Give a reply of @size bytes to the caller, which waits. 0 or a step. */
static int reply_give(struct mbox_request *request, const void __user *data, u32 size,
		      struct reply *reply)
{
	bool copied;

	if (size <= MBOX_CALL_SMALL) {
		pagefault_disable();
		copied = mbox_copy_in(request->small, data, size);
		pagefault_enable();
		if (!copied)
			return REPLY_FAULT_IN;
	} else if (reply->copied) {
		/* Another server may have left its memory. */
		swap(request->memory, reply->memory);
	} else {
		reply->memory = request->memory;
		reply->room = request->room;
		request->memory = NULL;
		return REPLY_COPY;
	}
	request->length = size;
	return 0;
}

/* Reply, in one section. 0, a step, or an error. */
static int reply_try(struct mbox_handle *handle, u64 token, const void __user *data,
		     u32 size, struct reply *reply)
{
	struct mbox_deferred deferred __uninitialized;
	struct mbox_request *request;
	struct mbox_job *job;
	int step;

	mbox_mailbox_lock(handle->mbox, &deferred);
	step = mbox_lease_lookup(handle, token, &job);
	if (unlikely(step))
		goto out;
	request = mbox_job_request(job);
	if (likely(request))
		step = size > request->room ? -EMSGSIZE :
		       reply_give(request, data, size, reply);
	else if (size)
		step = -EINVAL;
	if (likely(!step))
		mbox_lease_settle(handle, job, &deferred);
out:
	mbox_mailbox_unlock(handle->mbox, &deferred);
	return unlikely(step == -ECANCELED) ? -ESTALE : step;
}

/* Copy the data of a larger reply. 0 or an error. */
static int reply_copy(struct reply *reply, const void __user *data, u32 size)
{
	/* Another server has it, which is not the holder any more. */
	if (!reply->memory)
		reply->memory = mbox_pool_alloc(reply->room);
	if (!reply->memory)
		return -ENOMEM;
	if (copy_from_user(reply->memory->data, data, size))
		return -EFAULT;
	reply->copied = true;
	return 0;
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
	struct reply reply = {};
	int step;

	if (size > U32_MAX)
		return -EMSGSIZE;
	do {
		step = reply_try(handle, token, data, size, &reply);
		if (unlikely(step == REPLY_FAULT_IN) && fault_in_readable(data, size))
			step = -EFAULT;
		else if (step == REPLY_COPY)
			step = reply_copy(&reply, data, size) ?: step;
	} while (unlikely(step > 0));
	if (reply.memory)
		mbox_pool_free(reply.memory);
	return step;
}
