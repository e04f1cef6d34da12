// SPDX-License-Identifier: GPL-2.0-only
/* Transfers: a large payload is copied once, from its sender straight to its receiver. */
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "mbox.h"
#include "message.h"
#include "path.h"
#include "pool.h"
#include "queue.h"
#include "span.h"
#include "trace.h"
#include "track.h"
#include "wait.h"

/*
 * A receiver that waits with a large buffer offers it. The sender of a large message
 * claims such a receiver and copies page by page into its buffer. When all is there it
 * accepts the message, writes its header and completes the receiver, in one section.
 * Both ends see a message that was accepted and received at that moment.
 *
 * Until then nothing has happened to the mailbox: the receiver waits in its turn like any
 * other. Another message, a signal, its deadline or the end of the mailbox ends its wait
 * at once; the sender copies only as long as its claim holds. Two senders never copy into
 * one buffer, for only one has the claim; the message of the other goes the usual way, and
 * first.
 *
 * If anything stands in the way, the sender drops its claim and the message goes the
 * usual way. Thus a transfer makes nobody wait, and never fails; see span.c.
 *
 * All that both sides share is guarded by mbox->lock, and the receiver sees the payload by
 * the order of MBOX_WAKE. The model selftests/model/transfer.pml covers claims.
 */

struct transfer {
	struct mbox *mbox;
	struct mbox_message *message;	/* new, and its sender's; without its payload */
	struct mbox_waiter *receiver;	/* lock: NULL when its wait has ended */
	struct mm_struct *mm;		/* of the receiver: grabbed */
	unsigned long data;		/* where it wants the payload, */
	unsigned long header;		/* and the header, or 0 */
};

/**
 * mbox_transfer_offer - let a sender copy into the buffer of a receiver
 * @mbox:	locked
 * @waiter:	of the caller, which is about to block
 * @args:	of the receive
 */
void mbox_transfer_offer(const struct mbox *mbox, struct mbox_waiter *waiter,
			 struct mbox_recv_args *args)
{
	if (!mbox->plain || (args->how & MBOX_RECV_PEEK) || !current->mm)
		return;
	if (!access_ok(args->data, args->size) ||
	    (args->header && !access_ok(args->header, sizeof(*args->header))))
		return;
	waiter->offer = args;
	waiter->user_ns = current_user_ns();
}

/* Claim the receiver that is next for the message. Return whether there is one. */
static bool transfer_begin(struct transfer *transfer)
{
	struct mbox *mbox = transfer->mbox;
	struct mbox_waiter *receiver;

	spin_lock(&mbox->lock);
	receiver = mbox->deaf ? NULL :
		   mbox_waiter_receiver_for(mbox, transfer->message);
	if (!receiver || !receiver->offer || receiver->claim) {
		spin_unlock(&mbox->lock);
		return false;
	}
	receiver->claim = &transfer->receiver;
	transfer->receiver = receiver;
	transfer->data = (unsigned long)receiver->offer->data;
	transfer->header = (unsigned long)receiver->offer->header;
	/* It is blocked, so it keeps its memory: until we unlock. */
	transfer->mm = receiver->task->mm;
	mmgrab(transfer->mm);
	spin_unlock(&mbox->lock);
	return true;
}

/* Drop the claim. */
static void transfer_end(struct transfer *transfer)
{
	struct mbox *mbox = transfer->mbox;

	spin_lock(&mbox->lock);
	if (transfer->receiver)
		transfer->receiver->claim = NULL;
	spin_unlock(&mbox->lock);
}

static bool transfer_holds_claim(void *arg)
{
	const struct transfer *transfer = arg;

	return transfer->receiver;
}

/* Write the header into @span, for the receiver. */
static void transfer_put_header(const struct transfer *transfer,
				const struct mbox_span *span)
{
	const struct mbox_waiter *receiver = transfer->receiver;
	unsigned int offset = offset_in_page(span->at);
	struct mbox_header header;
	size_t n;

	mbox_path_header_in(transfer->message, &header,
			    task_active_pid_ns(receiver->task),
			    receiver->user_ns);
	n = min(sizeof(header), PAGE_SIZE - offset);
	memcpy_to_page(span->pages[0], offset, (char *)&header, n);
	if (n < sizeof(header))
		memcpy_to_page(span->pages[1], 0, (char *)&header + n,
			       sizeof(header) - n);
}

/*
 * The payload is there: accept the message for its receiver, and commit. Return false if
 * the receiver is not next any more.
 */
static bool transfer_commit(struct transfer *transfer, const struct mbox_span *span,
			    struct pid **process)
{
	struct mbox_message *message = transfer->message;
	struct mbox *mbox = transfer->mbox;
	struct mbox_deferred deferred;
	struct mbox_waiter *receiver;
	bool committed = false;

	mbox_mailbox_lock(mbox, &deferred);
	receiver = transfer->receiver;
	/* A process that is being killed never sees it: let another have it. */
	if (receiver && !mbox->deaf && message->length <= mbox->room.msg_size &&
	    receiver == mbox_waiter_receiver_for(mbox, message) &&
	    !fatal_signal_pending(receiver->task)) {
		mbox_path_accept(mbox, message);
		if (transfer->header)
			transfer_put_header(transfer, span);
		receiver->offer->length = message->length;
		receiver->handle->received++;
		trace_mbox_receive(mbox, message);
		mbox->received++;
		mbox_path_release(mbox, message->room, 1, message->length);
		*process = get_pid(task_tgid(receiver->task));
		mbox_track_transfer(mbox, message, *process);
		mbox_waiter_complete(mbox, receiver, 0, &deferred);
		mbox_path_put(mbox, message, &deferred);
		committed = true;
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return committed;
}

static bool transfer_run(struct transfer *transfer, const void __user *data,
			 struct pid **process)
{
	struct mbox_span span = { .at = transfer->header };
	bool committed;

	if (!mbox_span_copy(transfer->mbox, transfer->mm, transfer->data, data,
			    transfer->message->length, transfer_holds_claim, transfer))
		return false;
	if (transfer->header) {
		span.length = sizeof(struct mbox_header);
		if (!mbox_span_pin(&span, transfer->mm))
			return false;
	}
	committed = transfer_commit(transfer, &span, process);
	if (transfer->header)
		mbox_span_unpin(&span);
	return committed;
}

/* Return whether the send returns the number of the process that received. */
static bool transfer_is_sync(const struct mbox_send_args *args)
{
	return (args->how & MBOX_SEND_SYNC) ||
	       (!args->nonblock &&
		mbox_room_capacity(args->room) == MBOX_CAPACITY_ZERO);
}

/**
 * mbox_transfer_send - send a large message to a receiver that waits
 * @mbox:	args->room is its room
 * @user:	the user charged for it
 * @args:	of the send
 * @memory:	for the message, already set; or NULL
 *
 * Return: MBOX_TRANSFER_NONE if the message has to go the usual way, and nothing is
 * changed; else the result of the send, and @memory and the charge are not the caller's
 * any more.
 */
int mbox_transfer_send(struct mbox *mbox, struct mbox_user *user,
		       const struct mbox_send_args *args,
		       struct mbox_message *memory)
{
	struct transfer transfer = { .mbox = mbox, .message = memory };
	struct pid *process = NULL;
	bool committed;
	int result;

	if (!mbox->plain || !mbox_waiter_nr_receivers(mbox) || args->share ||
	    ((args->how & MBOX_SEND_SYNC) && args->post) ||
	    fault_in_readable(args->data, args->length))
		return MBOX_TRANSFER_NONE;
	if (!memory) {
		transfer.message = mbox_pool_alloc(0);
		if (!transfer.message)
			return MBOX_TRANSFER_NONE;
		mbox_message_set(transfer.message, user, args);
	}
	committed = transfer_begin(&transfer);
	if (committed) {
		committed = transfer_run(&transfer, args->data, &process);
		if (!committed)
			transfer_end(&transfer);
		mmdrop(transfer.mm);
	}
	if (!committed) {
		if (!memory) {
			put_pid(transfer.message->pid);
			mbox_pool_free(transfer.message);
		}
		return MBOX_TRANSFER_NONE;
	}
	result = transfer_is_sync(args) ? pid_vnr(process) : 0;
	put_pid(process);
	return result;
}
