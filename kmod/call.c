// SPDX-License-Identifier: GPL-2.0-only
/* Calls: requests that are acknowledged with data. */
#include <linux/err.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "copy.h"
#include "job.h"
#include "mbox.h"
#include "message.h"
#include "pool.h"
#include "span.h"
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
 * A reply that is larger still goes straight to the buffer of the caller, if its pages are
 * there, as long as the server has the lease: see span.c. Else the server has to find
 * memory for it.
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
 * @request:	zero but for retry, and for buffer and its room, which the caller may access
 *
 * Return: 0, request->length and request->server, which the caller puts; or an error as
 * MBOX_IOC_CALL.
 */
int mbox_call(struct mbox_handle *handle, struct mbox_send_args *args,
	      struct mbox_request *request)
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
	if (request->room > MBOX_CALL_SMALL && request->room < MBOX_SPAN_SIZE) {
		request->memory = call_memory(handle->mbox, request->room);
		if (!request->memory)
			goto out;
	}
	args->how |= MBOX_SEND_SYNC;
	args->post = &post;
	error = mbox_send(handle, args);
	if (!error && !request->written) {
		if (request->length > MBOX_CALL_SMALL)
			data = request->memory->data;
		if (copy_to_user((void __user *)request->buffer, data, request->length))
			error = -EFAULT;
	}
	if (request->memory)
		call_memory_give(handle->mbox, request->memory);
out:
	mbox_user_uncharge(user, request->room);
	return error;
}

/* A reply on its way. */
struct reply {
	struct mbox_handle *handle;
	u64 token;
	const void __user *data;
	u32 size;
	/* of a larger one */
	struct mbox_message *memory;	/* for the data; or NULL */
	struct mm_struct *mm;		/* of the caller, grabbed, once writing to it was tried */
	unsigned long buffer;		/* there */
	bool written;			/* the data are there */
	bool copied;			/* the data are in memory */
	const void *small;		/* those of a small one; NULL: not copied yet */
};

/* The steps of a reply beside 0 and errors: without the lock. */
enum reply_step {
	REPLY_COPY_SMALL = 1,		/* the data */
	REPLY_WRITE,			/* them to the buffer of the caller */
	REPLY_COPY,			/* them to memory */
};

/* Choose the next step of a larger reply. */
static int reply_begin(struct mbox_request *request, struct reply *reply)
{
	if (reply->size >= MBOX_SPAN_SIZE && !reply->mm) {
		/* The caller is in the kernel, so it keeps its memory: until we unlock. */
		reply->mm = request->mm;
		mmgrab(reply->mm);
		reply->buffer = request->buffer;
		return REPLY_WRITE;
	}
	reply->memory = request->memory;
	request->memory = NULL;
	return REPLY_COPY;
}

/* Give a reply to the caller, which waits. 0 or a step. */
static int reply_give(struct mbox_request *request, struct reply *reply)
{
	bool copied;

	if (unlikely(reply->small)) {
		memcpy(request->small, reply->small, reply->size);
	} else if (reply->size <= MBOX_CALL_SMALL) {
		pagefault_disable();
		copied = mbox_copy_in(request->small, reply->data, reply->size);
		pagefault_enable();
		if (!copied)
			return REPLY_COPY_SMALL;
	} else if (reply->written) {
		request->written = true;
	} else if (reply->copied) {
		/* Another server may have left its memory. */
		swap(request->memory, reply->memory);
	} else {
		return reply_begin(request, reply);
	}
	request->length = reply->size;
	return 0;
}

/* Find the request, and its job. 0 or an error. */
static int reply_find(const struct reply *reply, struct mbox_job **job,
		      struct mbox_request **request)
{
	int error = mbox_lease_lookup(reply->handle, reply->token, job);

	if (likely(!error))
		*request = mbox_job_request(*job);
	return error;
}

/* Reply, in one section. 0, a step, or an error. */
static int reply_try(struct reply *reply)
{
	struct mbox_deferred deferred __uninitialized;
	struct mbox *mbox = reply->handle->mbox;
	struct mbox_request *request;
	struct mbox_job *job;
	int step;

	mbox_mailbox_lock(mbox, &deferred);
	step = reply_find(reply, &job, &request);
	if (unlikely(step))
		goto out;
	if (likely(request))
		step = reply->size > request->room ? -EMSGSIZE :
		       reply_give(request, reply);
	else if (reply->size)
		step = -EINVAL;
	if (likely(!step))
		mbox_lease_settle(reply->handle, job, &deferred);
out:
	mbox_mailbox_unlock(mbox, &deferred);
	return unlikely(step == -ECANCELED) ? -ESTALE : step;
}

/* The caller still waits for the reply of this server. */
static bool reply_holds_lease(void *arg)
{
	struct mbox_request *request;
	struct mbox_job *job;

	return !reply_find(arg, &job, &request) && request;
}

/* Write the data to the buffer of the caller, if that can be. 0 or an error. */
static int reply_write(struct reply *reply)
{
	if (fault_in_readable(reply->data, reply->size))
		return -EFAULT;
	reply->written = mbox_span_copy(reply->handle->mbox, reply->mm, reply->buffer,
					reply->data, reply->size, reply_holds_lease,
					reply);
	return 0;
}

/* Copy the data to memory. 0 or an error. */
static int reply_copy(struct reply *reply)
{
	/* There is none for the largest; or another server has it, which lost the lease. */
	if (!reply->memory)
		reply->memory = mbox_pool_alloc(reply->size);
	if (!reply->memory)
		return -ENOMEM;
	if (copy_from_user(reply->memory->data, reply->data, reply->size))
		return -EFAULT;
	reply->copied = true;
	return 0;
}

/*
 * Give a small reply whose data could not be copied under the lock. To fault them in, and
 * try again, might go on for ever: with tags of memory (arm64) a copy can also stop where
 * the page is there. 0 or an error.
 */
static noinline int reply_small(struct reply *reply)
{
	u8 small[MBOX_CALL_SMALL];

	if (copy_from_user(small, reply->data, reply->size))
		return -EFAULT;
	reply->small = small;
	return reply_try(reply);
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
	struct reply reply = {
		.handle = handle, .token = token, .data = data, .size = size,
	};
	int step;

	if (size > U32_MAX)
		return -EMSGSIZE;
	do {
		step = reply_try(&reply);
		if (unlikely(step == REPLY_COPY_SMALL))
			step = reply_small(&reply);
		else if (step == REPLY_WRITE)
			step = reply_write(&reply) ?: step;
		else if (step == REPLY_COPY)
			step = reply_copy(&reply) ?: step;
	} while (unlikely(step > 0));
	if (reply.mm)
		mmdrop(reply.mm);
	if (reply.memory)
		mbox_pool_free(reply.memory);
	return step;
}
