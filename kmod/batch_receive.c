// SPDX-License-Identifier: GPL-2.0-only
/* Batches: receiving. */
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "broadcast.h"
#include "copy.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "pool.h"
#include "queue.h"
#include "user.h"
#include "wait.h"

/* The part of an entry that is read. */
struct batch_buffer {
	u32 flags;
	u32 pad;
	u64 data;
	u64 size;
};

static_assert(MBOX_BATCH_ONE == MBOX_RECEIVE_SLOW);
static_assert(sizeof(struct batch_buffer) ==
	      offsetof(struct mbox_recv_entry, header));

/* Take over an entry. 0 or an error. */
static __always_inline int batch_receive_set(const struct batch_buffer *buffer,
					     void __user *entry,
					     struct mbox_recv_args *args)
{
	if (unlikely(buffer->flags || buffer->pad))
		return -EINVAL;
	args->data = u64_to_user_ptr(buffer->data);
	args->size = min_t(u64, buffer->size, SIZE_MAX);
	args->header = entry + offsetof(struct mbox_recv_entry, header);
	return 0;
}

/*
 * Read the next entry under the lock. 0, MBOX_BATCH_ONE if that would have to sleep, or
 * an error.
 */
static __always_inline int batch_receive_read(const struct mbox_batch *batch,
					      struct mbox_recv_args *args)
{
	void __user *entry = mbox_batch_entry(batch);
	struct batch_buffer buffer __uninitialized;
	bool copied;

	pagefault_disable();
	copied = mbox_copy_in(&buffer, entry, sizeof(buffer));
	pagefault_enable();
	return likely(copied) ? batch_receive_set(&buffer, entry, args) :
				MBOX_BATCH_ONE;
}

/* The senders and users of messages that were received, still to be uncounted. */
struct batch_debt {
	struct pid *pid;
	u32 nr_pids;
	struct mbox_user *user;
	s64 bytes;
};

/* Only compared. */
struct batch_sender {
	const struct pid *pid;
	kuid_t uid;
	kgid_t gid;
};

static void batch_receive_settle(struct batch_debt *debt)
{
	if (debt->nr_pids > 1)
		WARN_ON_ONCE(refcount_sub_and_test(debt->nr_pids - 1,
						   &debt->pid->count));
	if (debt->nr_pids)
		put_pid(debt->pid);
	if (debt->bytes)
		mbox_user_uncharge_bytes(debt->user, debt->bytes);
	debt->nr_pids = 0;
	debt->bytes = 0;
}

/* See mbox_path_put(): add up the counts that consecutive messages share. */
static __always_inline void batch_receive_put(struct mbox *mbox,
					      struct mbox_message *message,
					      struct batch_debt *debt,
					      struct mbox_deferred *deferred)
{
	if (unlikely(--message->refs))
		return;
	if (unlikely(message->shared))
		mbox_share_drop(mbox, message);
	if (unlikely(message->pid != debt->pid || message->user != debt->user)) {
		batch_receive_settle(debt);
		debt->pid = message->pid;
		debt->user = message->user;
	}
	debt->nr_pids++;
	debt->bytes += likely(message->length <= MBOX_SMALL_SIZE) ?
		       MBOX_SMALL_CHARGE : mbox_user_cost(message->length);
	mbox_pool_give(mbox, message, deferred);
}

/* Fill in a header. The last one, @header, mostly has the same sender, of @last. */
static __always_inline void batch_receive_header(const struct mbox_message *message,
						 struct batch_sender *last,
						 struct mbox_header *header)
{
	if (unlikely(message->pid != last->pid ||
		     !uid_eq(message->uid, last->uid) ||
		     !gid_eq(message->gid, last->gid))) {
		last->pid = message->pid;
		last->uid = message->uid;
		last->gid = message->gid;
		mbox_path_header(message, header);
		return;
	}
	header->length = message->length;
	header->seq = message->seq;
	header->time = message->time;
	header->prio = message->prio;
	header->type = message->type;
}

/* Return whether messages are taken from the queue, and that is all: a run. */
static bool batch_receive_may_run(const struct mbox_handle *handle,
				  const struct mbox_recv_args *args)
{
	const struct mbox *mbox = handle->mbox;

	return !handle->endpoint && !handle->sub && !args->member &&
	       !args->filter.flags && mbox->state == MBOX_STATE_LIVE &&
	       mbox_waiter_no_senders(mbox) && !mbox->room.nospace &&
	       hlist_empty(&mbox->queue.cursors);
}

/* Receive messages as a run, up to @end. As batch_receive_section(). */
static int batch_receive_run(struct mbox_handle *handle,
			     struct mbox_batch *batch,
			     struct mbox_recv_args *args, u32 end, u32 *work,
			     struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_queue *queue = &mbox->queue;
	struct batch_debt debt = {};
	struct batch_sender last = {};
	struct mbox_header header __uninitialized;
	u32 begin = batch->done;
	int step = 0;

	while (batch->done < end && *work < MBOX_BATCH_WORK) {
		struct mbox_message *message;
		bool copied;

		message = list_first_entry_or_null(&queue->messages,
						   struct mbox_message, node);
		if (unlikely(!message || message->state != MBOX_MESSAGE_QUEUED ||
			     message->sender || message->prio < args->filter.min_prio ||
			     message->length > MBOX_PATH_SIZE ||
			     fatal_signal_pending(current)))
			break;
		step = batch_receive_read(batch, args);
		if (unlikely(step || message->length > args->size))
			break;
		batch_receive_header(message, &last, &header);
		pagefault_disable();
		copied = mbox_copy_out(args->data, message->data,
				       message->length) &&
			 mbox_copy_out(args->header, &header, sizeof(header));
		pagefault_enable();
		if (unlikely(!copied)) {
			step = MBOX_BATCH_ONE;
			break;
		}
		*work += message->length;
		mbox_path_remove(queue, message);
		trace_mbox_receive(mbox, message);
		mbox_path_release(mbox, message);
		batch_receive_put(mbox, message, &debt, deferred);
		batch->done++;
	}
	handle->received += batch->done - begin;
	mbox->received += batch->done - begin;
	batch_receive_settle(&debt);
	return step;
}

/*
 * Receive messages from the front of the queue, in one section. 0: there may be more;
 * or MBOX_BATCH_ONE; or an error.
 */
static int batch_receive_section(struct mbox_handle *handle,
				 struct mbox_batch *batch,
				 struct mbox_recv_args *args)
{
	u32 end = min_t(u32, batch->count, batch->done + MBOX_BATCH_SECTION);
	struct mbox_deferred deferred __uninitialized;
	u32 work = 0;
	int step = 0;

	mbox_mailbox_lock(handle->mbox, &deferred);
	do {
		if (likely(batch_receive_may_run(handle, args)))
			step = batch_receive_run(handle, batch, args, end,
						 &work, &deferred);
		if (step || batch->done == end || work >= MBOX_BATCH_WORK)
			break;
		step = batch_receive_read(batch, args);
		if (step)
			break;
		step = mbox_receive_first(handle, args, &deferred);
		if (step)
			break;
		batch->done++;
		work += args->length + handle->queue->nr_cursors * 128;
	} while (batch->done < end && work < MBOX_BATCH_WORK &&
		 !mbox_batch_full(&deferred));
	mbox_mailbox_unlock(handle->mbox, &deferred);
	/* A delivery that came too late is found no more. */
	return step == MBOX_RETRY ? 0 : step;
}

/* Receive the next message by the ordinary path: search, wait, copy without the lock. */
static int batch_receive_one(struct mbox_handle *handle,
			     struct mbox_batch *batch,
			     struct mbox_recv_args *args)
{
	const size_t size = sizeof(struct mbox_recv_entry);
	void __user *entry = mbox_batch_entry(batch);
	struct batch_buffer buffer __uninitialized;
	int error;

	if (batch->entry_size > size) {
		error = check_zeroed_user(entry + size, batch->entry_size - size);
		if (error <= 0)
			return error ?: -E2BIG;
	}
	if (copy_from_user(&buffer, entry, sizeof(buffer)))
		return -EFAULT;
	error = batch_receive_set(&buffer, entry, args);
	if (error)
		return error;
	args->nonblock = batch->nonblock || batch->done >= batch->min;
	args->turn = 0;
	error = mbox_receive_one(handle, args);
	if (!error)
		batch->done++;
	return error;
}

/* Receive the messages of a batch that has entered. */
static int batch_receive_all(struct mbox_handle *handle,
			     struct mbox_batch *batch,
			     struct mbox_recv_args *args)
{
	bool sections = batch->entry_size == sizeof(struct mbox_recv_entry);
	int step = 0;

	while (step >= 0 && batch->done < batch->count) {
		if (unlikely(handle->sub))
			mbox_subscription_catch_up(handle->mbox, handle->sub);
		step = sections ? batch_receive_section(handle, batch, args) :
				  MBOX_BATCH_ONE;
		if (step == MBOX_BATCH_ONE)
			step = batch_receive_one(handle, batch, args);
		if (READ_ONCE(handle->shut) & MBOX_RIGHT_RECV)
			step = -ESHUTDOWN;
		cond_resched();
	}
	return step;
}

/**
 * mbox_batch_receive - receive messages, until one fails
 * @handle:	open for receiving
 * @batch:	checked
 * @args:	with the filter and the deadline; else zero
 *
 * Return: as MBOX_IOC_RECVV, ERESTARTSYS where a signal came first.
 */
int mbox_batch_receive(struct mbox_handle *handle, struct mbox_batch *batch,
		       struct mbox_recv_args *args)
{
	bool plain = READ_ONCE(handle->plain);
	int error;

	if (unlikely(!plain)) {
		error = mbox_receive_enter(handle, args);
		if (error)
			return error;
	}
	error = batch_receive_all(handle, batch, args);
	if (unlikely(args->sender))
		mbox_sender_forget(args->sender);
	error = mbox_batch_result(batch, error);
	if (unlikely(!plain))
		mbox_receive_leave(handle, args, error);
	return error;
}
