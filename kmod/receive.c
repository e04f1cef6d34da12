// SPDX-License-Identifier: GPL-2.0-only
/* Receiving: choose a message, copy it to the receiver, commit. */
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "broadcast.h"
#include "copy.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "queue.h"
#include "trace.h"
#include "wait.h"

/*
 * A message is received in three steps: it is chosen, copied to the receiver,
 * and committed. Only the commit takes it from its mailbox; whatever fails
 * before leaves it there. A small message goes through all three in one section
 * under the lock, with page faults disabled. A large one, one that was handed
 * over, and one whose copying has to wait for a page, is IN_FLIGHT meanwhile:
 * invisible to others, but held, and put back in its place if the copying
 * fails or the receiver is being killed. The model selftests/model/receipt.pml
 * has what may happen to it meanwhile.
 */

/* What was faulted in for a receive, in bytes of payload; or not even the header. */
#define NO_PREFAULT	(-1LL)

static int put_header(const struct mbox_header *header,
		      const struct mbox_recv_args *args)
{
	if (args->header && copy_to_user(args->header, header, args->header_size))
		return -EFAULT;
	return 0;
}

static const void *payload(const struct mbox_handle *handle,
			   const struct mbox_message *message)
{
	return likely(!handle->sub) ? message->data :
				      mbox_broadcast_proper(message)->data;
}

/* The header last: it is written only with what it belongs to. */
static int copy_out(const struct mbox_handle *handle,
		    const struct mbox_message *message,
		    const struct mbox_header *header,
		    const struct mbox_recv_args *args)
{
	if (copy_to_user(args->data, payload(handle, message), message->length))
		return -EFAULT;
	return put_header(header, args);
}

/* Of a caller that knows all of the header, a constant size: that is cheaper. */
static __always_inline bool copy_header_atomic(const struct mbox_header *header,
					       const struct mbox_recv_args *args)
{
	if (likely(args->header_size == sizeof(*header)))
		return mbox_copy_out(args->header, header, sizeof(*header));
	return access_ok(args->header, args->header_size) &&
	       !__copy_to_user_inatomic(args->header, header, args->header_size);
}

/* The same of a small message under a lock: false if it would have to sleep. */
static bool copy_out_atomic(const struct mbox_handle *handle,
			    const struct mbox_message *message, u64 seq,
			    const struct mbox_recv_args *args)
{
	struct mbox_header header;
	bool copied = true;

	if (args->header) {
		mbox_message_header(message, &header);
		header.seq = seq;
	}
	pagefault_disable();
	if (message->length)
		copied = mbox_copy_out(args->data, payload(handle, message),
				       message->length);
	if (copied && args->header)
		copied = copy_header_atomic(&header, args);
	pagefault_enable();
	return copied;
}

/* Make sure that a header and @length bytes can be written. 0 or EFAULT. */
static int prefault(const struct mbox_recv_args *args, u32 length)
{
	if (args->header &&
	    fault_in_safe_writeable((char __user *)args->header,
				    args->header_size))
		return -EFAULT;
	if (length && (!access_ok(args->data, length) ||
		       fault_in_safe_writeable(args->data, length)))
		return -EFAULT;
	return 0;
}

/* Take @message off the queue, or from its blocked sender; it is on no list then. */
static __always_inline void detach(struct mbox_handle *handle,
				   struct mbox_message *message,
				   const struct mbox_recv_args *args,
				   struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;

	if (unlikely(args->member))
		mbox_member_serve(mbox, args->member);
	if (message->state == MBOX_MESSAGE_PENDING)
		mbox_waiter_accepted(mbox, message, deferred);
	else if (unlikely(handle->sub))
		mbox_broadcast_remove(handle->sub, message);
	else
		mbox_queue_remove(mbox_queue_of(mbox, message), message);
}

/* Take @message, which stays in the queue, to copy it without the lock. */
static void take(struct mbox_handle *handle, struct mbox_message *message,
		 const struct mbox_recv_args *args,
		 struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;

	if (unlikely(args->member))
		mbox_member_serve(mbox, args->member);
	if (unlikely(handle->sub)) {
		mbox_broadcast_begin_flight(handle->sub, message);
		return;
	}
	if (message->state == MBOX_MESSAGE_PENDING) {
		mbox_waiter_accepted(mbox, message, deferred);
		mbox_queue_insert(mbox_queue_of(mbox, message), message);
	}
	mbox_queue_begin_flight(mbox_queue_of(mbox, message), message);
}

/* A message that is IN_FLIGHT is so no more, and on no list. */
static void untake(struct mbox_handle *handle, struct mbox_message *message)
{
	mbox_queue_end_flight(unlikely(handle->sub) ? handle->queue :
				mbox_queue_of(handle->mbox, message), message);
}

/* Drop a reference to a message that is on no list. */
static void put(struct mbox_handle *handle, struct mbox_message *message,
		struct mbox_deferred *deferred)
{
	if (handle->sub)
		mbox_broadcast_put(handle->mbox, message, deferred);
	else
		mbox_message_put(handle->mbox, message, deferred);
}

/* The commit: the message, which is on no list, is received. Not of a delivery. */
static void commit(struct mbox_handle *handle, struct mbox_message *message,
		   struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;
	struct mbox_lane *lane = message->lane;
	struct mbox *mbox = handle->mbox;

	handle->received++;
	trace_mbox_receive(mbox, message);
	mbox->received++;
	mbox_queue_release(mbox, message);
	if (sender) {
		message->sender = NULL;
		sender->receiver = get_pid(task_tgid(current));
		mbox_waiter_complete(mbox, sender, 0, deferred);
	}
	/* First, for the message may be the last that holds the lane. */
	mbox_send_admit(mbox, lane, deferred);
	mbox_message_put(mbox, message, deferred);
}

/*
 * The same of a delivery. If it came too late, being withdrawn or dropped meanwhile:
 * MBOX_RETRY, or what the mailbox died of.
 */
static noinline int commit_delivery(struct mbox_handle *handle,
				    struct mbox_message *message,
				    struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;

	if (mbox_broadcast_received(mbox, message, deferred)) {
		handle->received++;
		return 0;
	}
	return mbox->state == MBOX_STATE_DEAD ? mbox->death : MBOX_RETRY;
}

/* Copy a message that is IN_FLIGHT, and commit or put it back. */
static int finish_flight(struct mbox_handle *handle,
			 struct mbox_message *message,
			struct mbox_recv_args *args)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	struct mbox_header header;
	int error;

	mbox_message_header(message, &header);
	error = copy_out(handle, message, &header, args);
	mbox_mailbox_lock(mbox, &deferred);
	if (message->state == MBOX_MESSAGE_IN_FLIGHT &&
	    mbox->state == MBOX_STATE_DEAD) {
		if (unlikely(handle->sub)) {
			mbox_broadcast_give_up(mbox, message, &deferred);
		} else {
			/* Its sender waits still: end that before the message is freed. */
			if (message->sender)
				mbox_waiter_end(mbox, message->sender,
						mbox->death, &deferred);
			untake(handle, message);
			message->state = MBOX_MESSAGE_GONE;
		}
	}
	if (message->state == MBOX_MESSAGE_GONE) {
		put(handle, message, &deferred);
		error = mbox->state == MBOX_STATE_DEAD ? mbox->death :
							 MBOX_RETRY;
		goto out;
	}
	/* Who is being killed never sees it: let another have it. */
	if (!error && fatal_signal_pending(current))
		error = -EINTR;
	if (!error) {
		args->length = message->length;
		untake(handle, message);
		if (unlikely(handle->sub))
			error = commit_delivery(handle, message, &deferred);
		else
			commit(handle, message, &deferred);
	} else if (unlikely(handle->sub)) {
		mbox_broadcast_put_back(mbox, message, &deferred);
	} else {
		mbox_send_put_back(mbox, message, &deferred);
	}
out:
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/* Copy a message that stays where it is; the mailbox is locked, and unlocked. */
static int peek(struct mbox_handle *handle, struct mbox_message *message,
		struct mbox_recv_args *args, struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_header header;
	int error;

	message->refs++;
	mbox_message_header(message, &header);
	mbox_mailbox_unlock(mbox, deferred);

	error = copy_out(handle, message, &header, args);
	args->length = header.length;
	mbox_mailbox_lock(mbox, deferred);
	put(handle, message, deferred);
	mbox_mailbox_unlock(mbox, deferred);
	return error;
}

/*
 * The turn of a receive that ended for a signal, or for a pause that is like one, is
 * its thread's in the next that it makes through the handle: the same one, restarted.
 * One is remembered, the last. (That the thread is not counted does not matter: in
 * place of one that ended another would have the turn.)
 */
static void resume_turn(struct mbox_handle *handle, struct mbox_recv_args *args)
{
	if (likely(handle->paused != current))
		return;
	if (!args->turn)
		args->turn = handle->turn;
	handle->paused = NULL;
}

static void pause_turn(struct mbox_handle *handle,
		       const struct mbox_recv_args *args)
{
	handle->paused = current;
	handle->turn = args->turn;
}

/*
 * Nothing is there: unlock and wait. Apart from try_receive(), and not inlined, for a
 * receive that does not wait should not have to make room for a waiter.
 */
static noinline int wait_for_message(struct mbox_handle *handle,
				     struct mbox_recv_args *args,
				     struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_waiter waiter;
	int error;

	error = 0;
	if (handle->shut & MBOX_RIGHT_RECV)
		error = -ESHUTDOWN;
	else if (mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND))
		error = -EPIPE;
	if (unlikely(error)) {
		mbox_mailbox_unlock(mbox, deferred);
		return error;
	}
	mbox_waiter_init(&waiter);
	waiter.handle = handle;
	waiter.filter = &args->filter;
	waiter.size = args->size;
	waiter.peek = args->peek;
	waiter.member = args->member;
	if (unlikely(args->sender))
		waiter.ended = mbox_sender_ended(args->sender);
	waiter.lane = args->filter.lane;
	if (unlikely(waiter.lane && waiter.lane->ended)) {
		mbox_mailbox_unlock(mbox, deferred);
		return -EOWNERDEAD;
	}
	resume_turn(handle, args);
	error = mbox_waiter_block_receiver(mbox, unlikely(handle->sub) ?
					   &handle->sub->receivers :
					   &mbox->receivers, &waiter,
					   &args->turn, deferred);
	/* Only a call that does wait has an edge. */
	if (!error && unlikely(waiter.lane)) {
		error = mbox_deadlock_enter(&waiter, waiter.lane->to,
					    waiter.lane->from,
					    &args->deadline);
		if (error)
			mbox_waiter_cancel(mbox, &waiter);
	}
	if (error) {
		mbox_mailbox_unlock(mbox, deferred);
		return error;
	}
	/* It makes room for what it wants. */
	if (unlikely(handle->sub))
		mbox_cast_admit(mbox, deferred);
	mbox_mailbox_unlock(mbox, deferred);

	error = mbox_waiter_sleep(&waiter, &args->deadline);
	if (error) {
		mbox_mailbox_lock(mbox, deferred);
		if (handle->sub)
			mbox_cast_leave(mbox, handle->sub, deferred);
		if (mbox_waiter_ended(mbox, &waiter, deferred)) {
			error = 0;
		} else {
			mbox_waiter_cancel(mbox, &waiter);
			if (handle->sub)
				mbox_cast_left(mbox, handle->sub);
			if (error == -ERESTARTSYS)
				pause_turn(handle, args);
		}
		mbox_mailbox_unlock(mbox, deferred);
		if (error == MBOX_RETRY)
			args->ended = true;
		if (error)
			return error;
	}
	if (waiter.error)
		return waiter.error;
	return finish_flight(handle, waiter.message, args);
}

/* The buffer is too small: unlock, and say what it would have to be. */
static noinline int too_small(struct mbox *mbox, struct mbox_message *message,
			      struct mbox_recv_args *args,
			      struct mbox_deferred *deferred)
{
	struct mbox_header header;

	mbox_message_header(message, &header);
	mbox_mailbox_unlock(mbox, deferred);
	return put_header(&header, args) ?: -EMSGSIZE;
}

/*
 * Search the whole queue. The lock is given up now and then; the result is an
 * error if the mailbox died or the caller is killed meanwhile. Other signals do not
 * end it: it would begin at the front again, and with many of them never end.
 *
 * All that comes and goes has to look at the searches that pause. So they are few,
 * and one beyond them waits for its turn, and begins anew then.
 */
static noinline struct mbox_message *search(struct mbox_handle *handle,
					    const struct mbox_recv_args *args,
					    struct mbox_deferred *deferred)
{
	struct mbox_queue *queue = handle->queue;
	struct mbox *mbox = handle->mbox;
	const struct mbox_filter *filter = &args->filter;
	struct mbox_message *message;
	struct mbox_cursor cursor;
	bool more, paused;

	mbox_cursor_init(&cursor, queue, filter);
	for (;;) {
		if (unlikely(queue == &mbox->queue && mbox->inbox)) {
			message = mbox_inbox_find(mbox, &cursor, &more);
		} else {
			message = mbox_queue_find(queue, &cursor);
			more = cursor.next;
		}
		if (!message && !more)
			message = mbox_waiter_find_pending(mbox, &cursor);
		if (message || !(more || cursor.senders))
			return message;
		paused = queue->nr_cursors < MBOX_SEARCHES_MAX;
		if (paused) {
			queue->nr_cursors++;
			list_add(&cursor.node, &queue->cursors);
		}
		mbox_mailbox_unlock(mbox, deferred);
		if (paused)
			cond_resched();
		else
			schedule_timeout_killable(1);
		mbox_mailbox_lock(mbox, deferred);
		if (paused) {
			queue->nr_cursors--;
			list_del(&cursor.node);
		} else {
			mbox_cursor_init(&cursor, queue, filter);
		}
		if (mbox->state == MBOX_STATE_DEAD)
			return ERR_PTR(mbox->death);
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
}

/* The first message, queued or pending, that the filter passes, or NULL. */
static struct mbox_message *find(struct mbox_handle *handle,
				 const struct mbox_recv_args *args,
				 struct mbox_deferred *deferred)
{
	struct mbox *mbox = handle->mbox;
	const struct mbox_filter *filter = &args->filter;
	struct mbox_message *first;

	if (unlikely(mbox->state == MBOX_STATE_DEAD))
		return ERR_PTR(mbox->death);
	first = list_first_entry_or_null(&handle->queue->messages,
					 struct mbox_message, node);
	if (unlikely(handle->endpoint))
		first = filter->lane ? filter->lane->first :
				       mbox_inbox_first(mbox);
	if (!first) {
		if (RB_EMPTY_ROOT(&mbox->senders.rb_root))
			return NULL;
	} else if (likely(first->state == MBOX_MESSAGE_QUEUED &&
			  mbox_filter_pass(filter, first))) {
		return first;
	} else if (unlikely(filter->lane) && !filter->lane->queued &&
		   RB_EMPTY_ROOT(&filter->lane->senders.rb_root)) {
		return NULL;
	}
	return search(handle, args, deferred);
}

/*
 * Nothing of the sender that BY_START names is there, and the sender has ended, or is
 * not watched yet: unlock, and see whether something still can come.
 */
static noinline int look_for_sender(struct mbox *mbox,
				    struct mbox_recv_args *args,
				    struct mbox_deferred *deferred)
{
	struct mbox_lane *lane = args->filter.lane;
	int error = 0;

	if (args->ended || (lane && lane->ended))
		error = -EOWNERDEAD;
	else if (mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND))
		error = -EPIPE;
	mbox_mailbox_unlock(mbox, deferred);
	return error ?: mbox_sender_check(args);
}

/* One try; MBOX_RETRY if things changed, or @prefaulted did. */
static __always_inline int try_receive(struct mbox_handle *handle,
				       struct mbox_recv_args *args,
				       s64 *prefaulted)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	struct mbox_message *message;
	u32 length;
	int error;
	u64 seq;

	mbox_mailbox_lock(mbox, &deferred);
	message = find(handle, args, &deferred);
	/* Who is being killed would not see what it receives. */
	if (unlikely(fatal_signal_pending(current)))
		message = ERR_PTR(-EINTR);
	if (IS_ERR(message)) {
		mbox_mailbox_unlock(mbox, &deferred);
		return PTR_ERR(message);
	}
	if (!message) {
		if (unlikely(args->filter.flags & MBOX_RECV_BY_START) &&
		    (args->ended || !args->sender))
			return look_for_sender(mbox, args, &deferred);
		if (!args->nonblock)
			return wait_for_message(handle, args, &deferred);
		if (args->filter.lane && args->filter.lane->ended)
			error = -EOWNERDEAD;
		else
			error = mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND) ?
				-EPIPE : -EAGAIN;
		mbox_mailbox_unlock(mbox, &deferred);
		return error;
	}

	length = message->length;
	if (unlikely(length > args->size))
		return too_small(mbox, message, args, &deferred);

	/* What a blocked sender's message will be when it is received now. */
	seq = message->seq;
	if (!seq && !args->peek)
		seq = mbox->sent + 1;
	if (length <= MBOX_SMALL_SIZE && copy_out_atomic(handle, message, seq, args)) {
		args->length = length;
		if (!args->peek) {
			detach(handle, message, args, &deferred);
			if (unlikely(handle->sub)) {
				error = commit_delivery(handle, message,
							&deferred);
				mbox_mailbox_unlock(mbox, &deferred);
				return error;
			}
			commit(handle, message, &deferred);
		}
		mbox_mailbox_unlock(mbox, &deferred);
		return 0;
	}

	/* With the buffer faulted in, it is unlikely to have to be put back. */
	if (*prefaulted < length) {
		mbox_mailbox_unlock(mbox, &deferred);
		*prefaulted = length;
		return prefault(args, length) ?: MBOX_RETRY;
	}

	if (args->peek)
		return peek(handle, message, args, &deferred);
	take(handle, message, args, &deferred);
	mbox_mailbox_unlock(mbox, &deferred);
	return finish_flight(handle, message, args);
}

/* Where it matters which process receives. */
static noinline int begin(struct mbox_handle *handle,
			  struct mbox_recv_args *args)
{
	if (READ_ONCE(handle->shut) & MBOX_RIGHT_RECV)
		return -ESHUTDOWN;
	if (handle->sub)
		mbox_cast_catch_up(handle->mbox, handle->sub);
	if (!handle->endpoint)
		return mbox_member_enter(handle->mbox, MBOX_RIGHT_RECV,
					 &args->member);
	/* A link or an inbox serves its process only. */
	if (mbox_handle_foreign(handle))
		return -EUSERS;
	args->filter.lane = handle->in;
	if (handle->in)
		args->filter.flags |= MBOX_FILTER_LANE;
	return 0;
}

static noinline void end(struct mbox_handle *handle,
			 const struct mbox_recv_args *args, int result)
{
	if (!handle->endpoint)
		mbox_member_leave(handle->mbox, MBOX_RIGHT_RECV, args->member,
				  result);
}

/**
 * mbox_receive - receive a message
 * @handle:	open for receiving
 * @args:	checked; zero in what the caller has no say in
 *
 * Return: 0 and args->length, or an error as MBOX_IOC_RECV; ERESTARTSYS where a
 * signal came first.
 */
int mbox_receive(struct mbox_handle *handle, struct mbox_recv_args *args)
{
	/* Once, for it changes when the handle is shut down. */
	bool plain = READ_ONCE(handle->plain);
	s64 prefaulted = NO_PREFAULT;
	int error;

	if (unlikely(!plain)) {
		error = begin(handle, args);
		if (error)
			return error;
	}
	/* It looks at signals where it is about to sleep, and only there. */
	do
		error = try_receive(handle, args, &prefaulted);
	while (unlikely(error == MBOX_RETRY));
	if (unlikely(!plain))
		end(handle, args, error);
	return error;
}
