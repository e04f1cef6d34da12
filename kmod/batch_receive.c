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

/* Return whether messages are taken from the queue, and that is all: a run. */
static bool batch_receive_may_run(const struct mbox_handle *handle,
				  const struct mbox_recv_args *args)
{
	const struct mbox *mbox = handle->mbox;

	return MBOX_COPY_UNSAFE && !handle->endpoint && !handle->sub && !args->member &&
	       !args->filter.flags && mbox->state == MBOX_STATE_LIVE &&
	       mbox_waiter_no_senders(mbox) && !mbox->room.more &&
	       hlist_empty(&mbox->queue.cursors) && !trace_mbox_receive_enabled();
}

/* A run: messages at the front of the queue, all as the first of them. */
struct batch_receive_run {
	struct mbox_message *first;
	struct mbox_message *last;
	u32 n;
	u64 bytes;			/* of payload */
	struct mbox_header header;	/* of the first */
};

/* Return whether @message can be received in a run that begins with @first. */
static __always_inline bool
batch_receive_suits(const struct mbox_message *message,
		    const struct mbox_message *first)
{
	return message->state == MBOX_MESSAGE_QUEUED && message->refs == 1 &&
	       !message->flags && !message->sender &&
	       message->length <= MBOX_SMALL_SIZE &&
	       /* the same user has the same uid */
	       message->pid == first->pid && message->user == first->user &&
	       gid_eq(message->gid, first->gid) && message->prio == first->prio;
}

/* Copy the header of @message out: much of it is that of the first, @header. */
static __always_inline bool
batch_receive_put_header(struct mbox_header __user *to,
			 const struct mbox_header *header,
			 const struct mbox_message *message)
{
	unsafe_put_user(message->length, &to->length, fault);
	unsafe_put_user(message->seq, &to->seq, fault);
	unsafe_put_user(message->time, &to->time, fault);
	unsafe_put_user(header->prio, &to->prio, fault);
	unsafe_put_user((u32)message->type, &to->type, fault);
	unsafe_put_user(header->pid, &to->pid, fault);
	unsafe_put_user(header->uid, &to->uid, fault);
	unsafe_put_user(header->gid, &to->gid, fault);
	unsafe_put_user((u32)(message->type >> 32), &to->type_hi, fault);
	unsafe_put_user(header->start, &to->start, fault);
	return true;
fault:
	return false;
}

/*
 * Copy a run of up to @most small messages out, as long as that needs no sleep. In
 * between user memory is accessible, so nothing is called.
 */
static __always_inline void batch_receive_copy(const struct mbox_batch *batch,
					       const struct mbox_queue *queue,
					       u32 most,
					       struct batch_receive_run *run)
{
	struct mbox_recv_entry __user *entry = mbox_batch_entry(batch);
	const struct mbox_message *first = run->first;
	struct mbox_message *message = run->first;
	u64 bytes = 0;
	u32 n;

	if (!user_access_begin(entry, most * sizeof(*entry)))
		return;
	for (n = 0; n < most; n++, entry++) {
		u64 flags, data, size;

		if (unlikely(&message->node == &queue->messages ||
			     !batch_receive_suits(message, first)))
			break;
		/* and pad */
		unsafe_get_user(flags, (const u64 __user *)entry, fault);
		unsafe_get_user(data, &entry->data, fault);
		unsafe_get_user(size, &entry->size, fault);
		if (unlikely(flags || message->length > size ||
			     !access_ok(u64_to_user_ptr(data), message->length)))
			break;
		barrier_nospec();
		if (unlikely(!mbox_unsafe_copy_out(u64_to_user_ptr(data),
						   message->data,
						   message->length) ||
			     !batch_receive_put_header(&entry->header,
						       &run->header, message)))
			break;
		bytes += message->length;
		run->last = message;
		message = list_next_entry(message, node);
	}
fault:
	user_access_end();
	run->n = n;
	run->bytes = bytes;
}

/* Take a run that was copied off the queue, and give back all that it holds. */
static void batch_receive_commit(struct mbox *mbox,
				 const struct batch_receive_run *run,
				 struct mbox_deferred *deferred)
{
	struct mbox_user *user = run->first->user;
	struct pid *pid = run->first->pid;

	lockdep_assert_held(&mbox->lock);
	mbox_queue_remove_run(&mbox->queue, run->last);
	mbox->received += run->n;
	mbox_path_release(mbox, &mbox->room, run->n, run->bytes);
	if (run->n > 1)
		WARN_ON_ONCE(refcount_sub_and_test(run->n - 1, &pid->count));
	put_pid(pid);
	mbox_user_unpin(user, run->n * MBOX_SMALL_CHARGE);
	mbox_pool_give_run(mbox, run->first, run->last, run->n, deferred);
}

/* Receive messages as a run, up to @end, if there is one. */
static void batch_receive_run(struct mbox_handle *handle,
			      struct mbox_batch *batch,
			      const struct mbox_recv_args *args, u32 end,
			      u32 *work, struct mbox_deferred *deferred)
{
	struct mbox_queue *queue = &handle->mbox->queue;
	struct batch_receive_run run __uninitialized;

	run.first = list_first_entry_or_null(&queue->messages,
					     struct mbox_message, node);
	if (unlikely(!run.first || run.first->length > MBOX_SMALL_SIZE ||
		     run.first->prio < args->filter.min_prio ||
		     fatal_signal_pending(current)))
		return;
	run.n = 0;
	mbox_path_header(run.first, &run.header);
	pagefault_disable();
	batch_receive_copy(batch, queue, end - batch->done, &run);
	pagefault_enable();
	if (unlikely(!run.n))
		return;
	batch_receive_commit(handle->mbox, &run, deferred);
	handle->received += run.n;
	batch->done += run.n;
	*work += run.bytes;
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
			batch_receive_run(handle, batch, args, end, &work,
					  &deferred);
		if (batch->done == end || work >= MBOX_BATCH_WORK)
			break;
		step = batch_receive_read(batch, args);
		if (step)
			break;
		step = mbox_receive_first(handle, args, &deferred);
		if (step)
			break;
		batch->done++;
		work += args->length +
			mbox_batch_cursors(handle->mbox, handle->queue) * 128;
	} while (batch->done < end && work < MBOX_BATCH_WORK &&
		 !mbox_deferred_full(&deferred));
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
