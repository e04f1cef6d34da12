// SPDX-License-Identifier: GPL-2.0-only
/* Batches: sending. */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "ioctl.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "pool.h"
#include "process.h"
#include "queue.h"
#include "user.h"
#include "wait.h"

/* A batch that is being sent. */
struct batch_send {
	struct mbox_handle *handle;
	struct mbox *mbox;		/* of args.room */
	struct mbox_user *user;		/* to be charged */
	struct mbox_batch *batch;
	struct mbox_send_args args;	/* of the message that comes next */
	struct mbox_message *spares;	/* free slots, */
	bool lacks_slots;		/* since the mailbox has too few */
	u32 n;				/* entries read, and valid */
	s64 cost;			/* of those in the section that are not sent */
	struct mbox_send_entry entries[MBOX_BATCH_SECTION];
};

/* Check an entry. 0 or an error. */
static int batch_send_check(const struct mbox_send_entry *entry)
{
	if (entry->flags || entry->prio > MBOX_PRIO_MAX)
		return -EINVAL;
	return entry->size > U32_MAX ? -EMSGSIZE : 0;
}

/* Copy up to @n entries. Return their number, or an error. */
static int batch_send_copy(struct batch_send *send, u32 n)
{
	const struct mbox_batch *batch = send->batch;
	const size_t size = sizeof(send->entries[0]);
	void __user *entries = mbox_batch_entry(batch);
	int error;

	if (likely(batch->entry_size == size)) {
		n -= DIV_ROUND_UP(copy_from_user(send->entries, entries,
						 n * size), size);
		/* Before a page without access arm64 counts fewer bytes than it could read. */
		if (likely(n))
			return n;
	}
	error = copy_struct_from_user(send->entries, size, entries,
				      batch->entry_size);
	return error ?: 1;
}

/*
 * Read up to @n entries of small messages; may sleep. Return how many there are up to the
 * first of another message, or that is not valid, or not readable.
 */
static u32 batch_send_read_small(struct batch_send *send, u32 n)
{
	const struct mbox_send_entry __user *from = mbox_batch_entry(send->batch);
	struct mbox_send_entry *entry = send->entries;
	u32 i;

	if (!MBOX_COPY_UNSAFE || send->batch->entry_size != sizeof(*from) ||
	    !user_read_access_begin(from, n * sizeof(*from)))
		return 0;
	for (i = 0; i < n; i++, entry++, from++) {
		if (unlikely(!mbox_unsafe_copy_in(entry, from, sizeof(*from)) ||
			     entry->flags ||
			     entry->prio > MBOX_PRIO_MAX ||
			     entry->size > MBOX_SMALL_SIZE))
			break;
	}
	user_read_access_end();
	return i;
}

/*
 * Read the entries of the next section, up to the first that is not valid. 0, or an
 * error if that is the next one.
 */
static int batch_send_read(struct batch_send *send, u32 n)
{
	int i, error = 0, copied;
	u64 work = 0;

	BUILD_BUG_ON(MBOX_BATCH_SECTION * MBOX_SMALL_SIZE > MBOX_BATCH_WORK);
	if (likely(batch_send_read_small(send, n) == n)) {
		send->n = n;
		send->cost = (s64)n * MBOX_SMALL_CHARGE;
		return 0;
	}
	copied = batch_send_copy(send, n);
	if (copied < 0)
		return copied;
	send->cost = 0;
	for (i = 0; i < copied && work < MBOX_BATCH_WORK; i++) {
		const struct mbox_send_entry *entry = &send->entries[i];

		error = batch_send_check(entry);
		if (unlikely(error))
			break;
		/* It goes alone, and is charged then. */
		if (unlikely(entry->size > MBOX_PATH_SIZE)) {
			i += !i;
			break;
		}
		work += entry->size;
		send->cost += mbox_user_cost(entry->size);
	}
	send->n = i;
	return i ? 0 : error;
}

/* Prepare the arguments for an entry. */
static __always_inline void batch_send_set(struct mbox_send_args *args,
					   const struct mbox_send_entry *entry)
{
	args->data = u64_to_user_ptr(entry->data);
	args->length = entry->size;
	args->prio = entry->prio;
	args->type = mbox_ioctl_type(entry->type, entry->type_hi);
}

/* Take memory for the next message, if it is no large one; or NULL. */
static __always_inline struct mbox_message *batch_send_take(struct batch_send *send)
{
	u32 length = send->args.length;
	struct mbox_message *memory;

	if (unlikely(length > MBOX_PATH_SIZE))
		return NULL;
	memory = mbox_pool_take(send->mbox, length);
	return unlikely(!memory && length <= MBOX_SMALL_SIZE) ?
	       mbox_pool_pop(&send->spares) : memory;
}

/* There is no memory for the next message: the step. */
static int batch_send_lacks(struct batch_send *send)
{
	if (send->args.length > MBOX_SMALL_SIZE || send->lacks_slots)
		return MBOX_BATCH_ONE;
	send->lacks_slots = true;
	return 0;
}

/* The message that comes next is sent, or not its charge any more. */
static __always_inline void batch_send_spent(struct batch_send *send)
{
	send->cost -= mbox_user_cost(send->args.length);
}

/* Return whether messages go into the queue, and to nobody: a run. */
static bool batch_send_may_run(const struct batch_send *send)
{
	const struct mbox_room *room = send->args.room;
	const struct mbox *mbox = send->mbox;

	return MBOX_COPY_UNSAFE && !mbox->deaf && !mbox->nr_receivers &&
	       !room->parent && RB_EMPTY_ROOT(&room->senders.rb_root) &&
	       hlist_empty(&room->queue->cursors) &&
	       (send->args.nonblock || room->capacity != MBOX_CAPACITY_ZERO) &&
	       !trace_mbox_send_enabled();
}

/* A run: slots that are taken from a stack, filled and linked to each other. */
struct batch_send_run {
	struct mbox_message **slots;
	struct mbox_message *last;
	u32 most;			/* messages */
	u32 n;
	u64 bytes;			/* of payload */
	u32 prio;			/* of all */
};

/* Fill in @message, one of a run, for an entry. */
static __always_inline void batch_send_fill_in(const struct batch_send *send,
					       const struct mbox_send_entry *entry,
					       const struct mbox_path_sender *from,
					       struct mbox_message *message, u64 seq)
{
	const struct mbox_send_args args = {
		.room = send->args.room,
		.length = entry->size,
		.prio = entry->prio,
		.type = mbox_ioctl_type(entry->type, entry->type_hi),
	};

	mbox_path_fill_in(message, send->user, &args, from);
	message->seq = seq;
	message->state = MBOX_MESSAGE_QUEUED;
	RB_CLEAR_NODE(&message->step);
}

/*
 * Fill a run with small messages, from @entry on, as long as their slots and the limit
 * of @run last, and their payloads can be read without sleeping. In between user memory
 * is accessible, so nothing is called.
 */
static noinline void batch_send_fill(const struct batch_send *send,
				     const struct mbox_send_entry *entry,
				     const struct mbox_path_sender *from,
				     struct batch_send_run *run)
{
	u32 size = min(send->args.room->msg_size, MBOX_SMALL_SIZE);
	struct mbox_message *message = *run->slots, *last = NULL;
	u64 bytes = 0, seq = send->mbox->sent;
	u32 n;

	if (!user_read_access_begin(u64_to_user_ptr(entry->data), entry->size))
		return;
	for (n = 0; n < run->most && message; n++, entry++) {
		const void __user *data = u64_to_user_ptr(entry->data);
		u64 length = entry->size;

		if (unlikely(length > size || entry->prio != run->prio ||
			     !access_ok(data, length)))
			break;
		barrier_nospec();
		if (unlikely(!mbox_unsafe_copy_in(message->data, data, length)))
			break;
		batch_send_fill_in(send, entry, from, message, ++seq);
		if (likely(last))
			message->node.prev = &last->node;
		bytes += length;
		last = message;
		message = message->next;
	}
	user_read_access_end();
	run->n = n;
	run->bytes = bytes;
	run->last = last;
}

/* Prepare a run of messages like @entry. Return whether there may be one. */
static bool batch_send_run_setup(const struct batch_send *send,
				 const struct mbox_send_entry *entry,
				 struct mbox_message **slots,
				 struct batch_send_run *run)
{
	const struct mbox_room *room = send->args.room;
	struct list_head *messages = &room->queue->messages;
	u32 capacity = READ_ONCE(room->capacity);
	u64 max_bytes = READ_ONCE(room->max_bytes);

	if (unlikely(entry->size > MBOX_SMALL_SIZE || !*slots ||
		     room->held >= capacity))
		return false;
	if (!list_empty(messages) &&
	    list_last_entry(messages, struct mbox_message, node)->prio != entry->prio)
		return false;
	run->slots = slots;
	run->n = 0;
	run->most = capacity - room->held;
	if (unlikely(max_bytes)) {
		if (room->held_bytes >= max_bytes)
			return false;
		/* The room is enough for them, however long they are. */
		run->most = min_t(u64, run->most, (max_bytes - room->held_bytes) /
						  MBOX_SMALL_SIZE);
	}
	run->prio = entry->prio;
	return true;
}

/* Send messages from number @i on as a run. Return the number of that which ends it. */
static u32 batch_send_run(struct batch_send *send, u32 i,
			  const struct mbox_path_sender *from,
			  struct mbox_deferred *deferred)
{
	const struct mbox_send_entry *entry = &send->entries[i];
	struct mbox *mbox = send->mbox;
	struct mbox_pool *pool = mbox->pool;
	bool pooled = pool && pool->free[0];
	struct batch_send_run run __uninitialized;
	struct mbox_message *first;

	if (!batch_send_run_setup(send, entry, pooled ? &pool->free[0] : &send->spares,
				  &run))
		return i;
	run.most = min(run.most, send->n - i);
	pagefault_disable();
	batch_send_fill(send, entry, from, &run);
	pagefault_enable();
	if (unlikely(!run.n))
		return i;
	first = *run.slots;
	*run.slots = run.last->next;
	if (likely(pooled))
		pool->units -= run.n;
	mbox_path_count(mbox, send->args.room, run.n, run.bytes);
	mbox_queue_append_run(send->args.room->queue, first, run.last);
	refcount_add(run.n, &from->pid->count);
	send->cost -= run.n * MBOX_SMALL_CHARGE;
	deferred->events |= EPOLLIN | EPOLLRDNORM;
	return i + run.n;
}

/*
 * Send messages in one section, charged already. 0: there may be more; or
 * MBOX_BATCH_ONE; or an error. Not inline, so that its part of the stack is free when a
 * single message is sent, which may sleep.
 */
static noinline int batch_send_section(struct batch_send *send)
{
	const struct mbox_path_sender from = mbox_path_caller();
	struct mbox_send_args *args = &send->args;
	struct mbox *mbox = send->mbox;
	struct mbox_deferred deferred __uninitialized;
	struct mbox_message *memory;
	u32 i = 0, work = 0;
	int step = 0;

	mbox_mailbox_lock(mbox, &deferred);
	do {
		if (likely(batch_send_may_run(send)))
			i = batch_send_run(send, i, &from, &deferred);
		if (likely(i == send->n))
			break;
		/* Mostly to a receiver that waits. */
		batch_send_set(args, &send->entries[i]);
		memory = batch_send_take(send);
		if (!memory) {
			step = batch_send_lacks(send);
			break;
		}
		step = mbox_send_section(mbox, send->user, args, memory,
					 &deferred);
		batch_send_spent(send);
		if (step) {
			step = step < 0 ? step : MBOX_BATCH_ONE;
			break;
		}
		i++;
		/* Receivers that it had to ask, and searches that it moved. */
		work += min(mbox_waiter_nr_receivers(mbox), MBOX_WAITERS_MAX) * 32 +
			mbox_batch_cursors(mbox, args->room->queue) * 128;
	} while (i < send->n && work < MBOX_BATCH_WORK &&
		 !mbox_deferred_full(&deferred));
	mbox_mailbox_unlock(mbox, &deferred);
	send->batch->done += i;
	/* The entry that comes next. */
	if (unlikely(step == MBOX_BATCH_ONE))
		send->entries[0] = send->entries[i];
	return step;
}

/* Guess how many messages a section can send: all that others do not prevent. */
static u32 batch_send_guess(const struct batch_send *send)
{
	const struct mbox_room *room = send->args.room;
	u32 capacity = mbox_room_capacity(room);
	u64 held = READ_ONCE(room->held);
	u32 n;

	n = min_t(u32, send->batch->count - send->batch->done,
		  MBOX_BATCH_SECTION);
	if (capacity == MBOX_CAPACITY_UNBOUNDED)
		return n;
	if (held >= capacity)
		return mbox_waiter_nr_receivers(send->mbox) ? 1 : 0;
	return min_t(u64, n, capacity - held);
}

/* Charge for a section, make slots for it, and make it. As batch_send_section(). */
static int batch_send_charged(struct batch_send *send)
{
	struct mbox *mbox = send->mbox;
	s64 cost = send->cost;
	int result, step;

	if (unlikely(READ_ONCE(mbox->deaf)))
		return MBOX_BATCH_ONE;
	result = mbox_user_charge_bytes(send->user, cost,
					send->handle->unlimited);
	if (unlikely(result)) {
		/* Where the quota is short, each message has to ask for itself. */
		if (result > 0)
			mbox_user_unpin(send->user, cost);
		return MBOX_BATCH_ONE;
	}
	if (!READ_ONCE(mbox->pool))
		mbox_pool_add(mbox);
	if (unlikely(send->lacks_slots && !send->spares))
		mbox_pool_alloc_slots(&send->spares, send->n);
	step = batch_send_section(send);
	if (unlikely(send->cost))
		mbox_user_unpin(send->user, send->cost);
	return step;
}

/* Send the messages of a batch that has entered. */
static int batch_send_all(struct batch_send *send)
{
	bool sections = send->mbox->policy != MBOX_POLICY_BROADCAST;
	struct mbox_batch *batch = send->batch;
	int step = 0;

	while (step >= 0 && batch->done < batch->count) {
		u32 n = sections ? batch_send_guess(send) : 0;

		step = batch_send_read(send, n ?: 1);
		if (unlikely(step))
			break;
		step = n ? batch_send_charged(send) : MBOX_BATCH_ONE;
		if (unlikely(step == MBOX_BATCH_ONE)) {
			batch_send_set(&send->args, &send->entries[0]);
			send->args.share = NULL;
			step = mbox_send_one(send->handle, send->mbox,
					     &send->args);
			batch->done += step >= 0;
		}
		if (READ_ONCE(send->handle->shut) & MBOX_RIGHT_SEND)
			step = -ESHUTDOWN;
		if (fatal_signal_pending(current))
			step = -EINTR;
		cond_resched();
	}
	if (send->spares)
		mbox_pool_free_all(send->spares);
	return step;
}

/**
 * mbox_batch_send - send messages, until one fails
 * @handle:	open for sending
 * @batch:	checked
 *
 * Return: as MBOX_IOC_SENDV, ERESTARTSYS where a signal came first.
 */
int mbox_batch_send(struct mbox_handle *handle, struct mbox_batch *batch)
{
	bool own = uid_eq(handle->user->uid, current_uid());
	struct mbox_member *member = NULL;
	struct batch_send send __uninitialized;
	int error = 0;

	send.handle = handle;
	send.mbox = handle->mbox;
	send.user = handle->user;
	send.batch = batch;
	send.spares = NULL;
	send.lacks_slots = false;
	send.args.nonblock = batch->nonblock;
	send.args.how = batch->how;
	send.args.scattered = false;
	send.args.share = NULL;
	send.args.deadline = batch->deadline;
	send.args.room = &handle->mbox->room;
	if (unlikely(!READ_ONCE(handle->plain)))
		error = mbox_send_enter(handle, &send.args, &send.mbox,
					&member);
	if (error)
		return error;
	if (unlikely(!own))
		send.user = mbox_user_get(current_uid());
	error = IS_ERR(send.user) ? PTR_ERR(send.user) : batch_send_all(&send);
	if (unlikely(!own && !IS_ERR(send.user)))
		mbox_user_put(send.user);
	error = mbox_batch_result(batch, error);
	if (unlikely(member))
		mbox_member_leave(send.mbox, MBOX_RIGHT_SEND, member, error);
	return error;
}
