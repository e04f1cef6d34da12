// SPDX-License-Identifier: GPL-2.0-only
/* Casting: deliver a message to all subscriptions, a few in each section. */
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "broadcast.h"
#include "event.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "track.h"
#include "wait.h"

/*
 * MBOX_CAST: there may be thousands of subscriptions, and each of them may have to
 * lose thousands of deliveries. So the lock is dropped now and then, and yet a
 * message is accepted for all of them at once.
 *
 * One message at a time is under way, that of cast->sender:
 *
 *	1) looking for room: cast->message is NULL. cast->next goes over the
 *	   subscriptions. If one has no room, the sender is refused: it fails,
 *	   or it is blocked.
 *	2) accepted: in the section in which the last subscription was looked at
 *	   the message gets its number, and cast->message is set.
 *	3) delivering: cast->next goes over the subscriptions once more.
 *
 * From 2) on a subscription that it has not come to yet has a delivery that is
 * due. Each user of the subscription makes the delivery first, or counts it, so that
 * it looks like one that is queued. A subscription that is closed gets it first.
 *
 * Room that was found in 1) stays: nothing else is delivered meanwhile. The one
 * exception is a receiver that waits, and is the room for the message. When it leaves
 * in 1), the sender is refused (mbox_cast_left()); in 3) it gets the message,
 * which was accepted before (mbox_subscription_settle()).
 *
 * No task waits for another to go on with this. Every sender that finds a message
 * under way goes on with it, and so does every section that may have made room:
 * mbox_mailbox_unlock() calls mbox_cast_run(). The sender itself does not return
 * before it is over, so cast->sender may be on its stack.
 *
 * With OVERFLOW there always is room, and 1) is left out. In 3) a subscription
 * loses its oldest after the delivery is made.
 *
 * The model selftests/model/cast.pml has the orders in which that may happen.
 */

/* The cost of a delivery, or of a loss, in MBOX_CAST_BUDGET. */
#define DELIVERY	16

/* For a new mailbox; or NULL. */
struct mbox_cast *mbox_cast_new(void)
{
	struct mbox_cast *cast = kzalloc(sizeof(*cast), GFP_KERNEL_ACCOUNT);

	if (cast)
		cast->subscriptions = RB_ROOT;
	return cast;
}

/* Whether a message is under way, or a sender is blocked that need not be. */
bool mbox_cast_is_busy(const struct mbox *mbox)
{
	lockdep_assert_held(&mbox->lock);
	return mbox->cast->sender || mbox->cast->look;
}

/* The sender is not under way any more, and not blocked. */
static void cast_end(struct mbox_waiter *sender, u8 stage, int error)
{
	sender->error = error;
	sender->stage = stage;
}

/* There is no room for the message of @sender, or it may not be sent any more. */
void mbox_cast_refuse(struct mbox *mbox, struct mbox_waiter *sender)
{
	lockdep_assert_held(&mbox->lock);
	/* It stays where it is, and others end it. */
	if (sender->stage == MBOX_CAST_BLOCKED)
		return;
	if (mbox->deaf) {
		cast_end(sender, MBOX_CAST_REFUSED, mbox_send_refusal(mbox));
	} else if (sender->handle->shut & MBOX_RIGHT_SEND) {
		cast_end(sender, MBOX_CAST_REFUSED, -ESHUTDOWN);
	} else if (sender->nonblock) {
		mbox->room.nospace = true;
		mbox_event_full(mbox);
		cast_end(sender, MBOX_CAST_REFUSED, -EAGAIN);
	} else {
		mbox->room.nospace = true;
		mbox_waiter_block_sender(mbox, sender);
		sender->stage = MBOX_CAST_BLOCKED;
	}
}

/* There is no room for the message of the sender, or for the probe. */
static void cast_refuse(struct mbox *mbox)
{
	struct mbox_cast *cast = mbox->cast;
	struct mbox_waiter *sender = cast->sender;

	cast->sender = NULL;
	cast->turn++;
	if (sender)
		mbox_cast_refuse(mbox, sender);
	else if (cast->probe == MBOX_PROBE_LONGEST)
		cast->look = true;	/* for a shorter one there may be */
	cast->probe = MBOX_PROBE_NONE;
}

/* There is room in all subscriptions. */
static void cast_accept(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;
	struct mbox_waiter *sender = cast->sender;
	struct mbox_message *proper = sender->message;

	sender->delivered = cast->found;
	if (!cast->found) {
		/* All of them are closed: nobody is to have it. */
		cast->sender = NULL;
		cast->turn++;
		proper->sender = NULL;
		if (sender->stage == MBOX_CAST_BLOCKED)
			mbox_waiter_complete(mbox, sender, 0, deferred);
		else
			cast_end(sender, MBOX_CAST_ENDED, 0);
		mbox_message_put(mbox, proper, deferred);
		mbox_cast_admit(mbox, deferred);
		return;
	}
	mbox_room_accept(mbox, proper);
	mbox_track_send(mbox, proper);
	proper->sender = NULL;
	proper->state = MBOX_MESSAGE_QUEUED;
	INIT_LIST_HEAD(&proper->deliveries);
	proper->left = 1;
	proper->receipts = 0;
	cast->next = 0;
	WRITE_ONCE(cast->message, proper); /* see mbox_subscription_catch_up() */
	if (sender->stage == MBOX_CAST_BLOCKED)
		mbox_waiter_await_receipt(mbox, sender);
}

/* The message has come to all subscriptions. */
static void cast_end_delivery(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;
	struct mbox_waiter *sender = cast->sender;
	struct mbox_message *proper = cast->message;

	cast->sender = NULL;
	WRITE_ONCE(cast->message, NULL);
	cast->turn++;
	if (sender->sync && sender->stage == MBOX_CAST_BLOCKED) {
		proper->sender = sender;
	} else if (sender->sync) {
		mbox_waiter_block_sync(mbox, sender);
		sender->stage = MBOX_CAST_BLOCKED;
	} else if (sender->stage == MBOX_CAST_BLOCKED) {
		mbox_waiter_complete(mbox, sender, 0, deferred);
	} else {
		cast_end(sender, MBOX_CAST_ENDED, 0);
	}
	mbox_delivery_all_made(mbox, proper, deferred);
	mbox_cast_admit(mbox, deferred);
}

/* There is room for the message of the sender, or for the probe. */
static void cast_found_room(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;

	if (cast->sender) {
		cast_accept(mbox, deferred);
		return;
	}
	if (cast->probe == MBOX_PROBE_LONGEST) {
		mbox->room.nospace = false;
		deferred->events |= EPOLLOUT | EPOLLWRNORM;
	}
	if (mbox->full)
		mbox_event_room(mbox);
	cast->probe = MBOX_PROBE_NONE;
	cast->turn++;
}

/* Look for room. Return the rest of @budget. */
static int cast_look(struct mbox *mbox, int budget, struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;
	const struct mbox_message probe = {
		.room = &mbox->room,
		.length = cast->probe == MBOX_PROBE_LONGEST ? mbox->room.msg_size : 1,
	};
	const struct mbox_message *message = cast->sender ?
					     cast->sender->message : &probe;
	struct mbox_subscription *sub;

	if (mbox->deaf || (cast->sender &&
			   (cast->sender->handle->shut & MBOX_RIGHT_SEND))) {
		cast_refuse(mbox);
		return budget;
	}
	sub = mbox_subscription_from(mbox, cast->next);
	/* Bound: @budget. */
	while (sub && sub->number <= cast->until) {
		cast->next = sub->number;
		if (budget <= 0)
			return 0;
		if (!mbox_subscription_can_take(mbox, sub, message)) {
			cast->fullest = sub;
			cast_refuse(mbox);
			return budget;
		}
		budget -= mbox_subscription_cost(sub);
		cast->next++;
		cast->found++;
		sub = mbox_subscription_next(sub);
	}
	cast_found_room(mbox, deferred);
	return budget;
}

/* Deliver the message that is accepted. Return the rest of @budget. */
static int cast_deliver(struct mbox *mbox, int budget,
			struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;
	struct mbox_subscription *sub;
	u64 woken;

	sub = mbox_subscription_from(mbox, cast->next);
	/* Bound: @budget. */
	for (; sub && sub->number <= cast->until; budget--) {
		cast->next = sub->number;
		if (mbox_subscription_is_due(mbox, sub)) {
			woken = mbox->waits->nr_woken;
			mbox_subscription_deliver_due(mbox, sub, deferred);
			budget -= DELIVERY * (1 + mbox->waits->nr_woken - woken);
		}
		/* Bound: @budget. */
		while (budget > 0 && mbox_subscription_trim(mbox, sub, deferred))
			budget -= DELIVERY;
		if (budget <= 0)
			return 0;
		sub = mbox_subscription_next(sub);
	}
	cast_end_delivery(mbox, deferred);
	return budget;
}

/* Whether it is not known that there is no room for a message of @length. */
static bool cast_may_have_room(struct mbox *mbox, u32 length)
{
	const struct mbox_message probe = {
		.room = &mbox->room, .length = length,
	};

	return !mbox_subscription_any_full(mbox, &probe, mbox->cast->last_subscription);
}

/* The next probe, where no sender waits for room. */
static u8 cast_probe_next(struct mbox *mbox)
{
	if (mbox->room.nospace && cast_may_have_room(mbox, mbox->room.msg_size))
		return MBOX_PROBE_LONGEST;
	return mbox->full && cast_may_have_room(mbox, 1) ? MBOX_PROBE_SHORTEST :
						      MBOX_PROBE_NONE;
}

/* Whether there may be room for the first sender, or for a probe. */
static bool cast_may_look(struct mbox *mbox)
{
	struct mbox_waiter *first = mbox_room_first_sender(&mbox->room);

	if (mbox->deaf)
		return false;
	return first ? !mbox_subscription_any_full(mbox, first->message, first->until) :
		       cast_probe_next(mbox) != MBOX_PROBE_NONE;
}

/* Room may have been made: begin to look for it. False if nobody needs it. */
static bool cast_begin_look(struct mbox *mbox)
{
	struct mbox_cast *cast = mbox->cast;

	cast->look = false;
	if (!cast_may_look(mbox))
		return false;
	cast->sender = mbox_room_first_sender(&mbox->room);
	cast->probe = cast->sender ? MBOX_PROBE_NONE : cast_probe_next(mbox);
	cast->until = cast->sender ? cast->sender->until :
				     cast->last_subscription;
	cast->next = 0;
	cast->found = 0;
	return true;
}

/**
 * mbox_cast_begin - the message of a sender is under way
 * @mbox:	locked; not busy, or mbox_cast_step() has to be called first
 * @sender:	new, with its message and spares for all subscriptions; no other is
 *		to be served before it
 * @deferred:	takes the message if there is no subscription
 */
void mbox_cast_begin(struct mbox *mbox, struct mbox_waiter *sender,
		     struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;

	lockdep_assert_held(&mbox->lock);
	if (cast->probe) {
		cast->probe = MBOX_PROBE_NONE;
		cast->look = true;
	}
	cast->sender = sender;
	cast->until = sender->until;
	cast->next = 0;
	cast->found = 0;
	if (mbox->options & MBOX_OPTION_OVERFLOW) {
		cast->found = cast->nr_subscriptions;
		cast_accept(mbox, deferred);
	}
}

/**
 * mbox_cast_step - go on with the message, or the look, that is under way
 * @mbox:	locked
 * @deferred:	takes work that must not be done under the lock
 *
 * Return: whether there is more to do, in another section.
 */
bool mbox_cast_step(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;
	int budget = MBOX_CAST_BUDGET;

	lockdep_assert_held(&mbox->lock);
	/* Bound: MBOX_CAST_BUDGET. */
	while (budget > 0) {
		if (cast->message)
			budget = cast_deliver(mbox, budget, deferred);
		else if (cast->sender || cast->probe)
			budget = cast_look(mbox, budget, deferred);
		else if (!cast->look || !cast_begin_look(mbox))
			return false;
		budget--;
	}
	return true;
}

/* Whether another task goes on with the message that is under way. */
static bool cast_has_other(const struct mbox *mbox)
{
	const struct mbox_cast *cast = mbox->cast;

	return cast->runners > 1 ||
	       (cast->sender && cast->sender->stage == MBOX_CAST_NEW);
}

/*
 * Go on until nothing is under way: a section that ends asks for it. If others go on
 * too, stop after the present message: they may keep each other busy for ever, but
 * not a third task.
 */
void mbox_cast_run(struct mbox *mbox)
{
	struct mbox_cast *cast = mbox->cast;
	struct mbox_deferred deferred;
	bool more;
	u32 turn;

	mbox_mailbox_lock(mbox, &deferred);
	cast->runners++;
	turn = cast->turn;
	for (;;) {
		more = mbox_cast_step(mbox, &deferred) &&
		       (cast->turn == turn || !cast_has_other(mbox));
		deferred.admit = false;
		if (!more)
			cast->runners--;
		mbox_mailbox_unlock(mbox, &deferred);
		cond_resched();
		if (!more)
			return;
		mbox_mailbox_lock(mbox, &deferred);
	}
}

/*
 * Under the lock, which is dropped now and then: go on until the message that is being
 * delivered now has come to all subscriptions.
 */
void mbox_cast_finish(struct mbox *mbox, struct mbox_deferred *deferred)
	__must_hold(&mbox->lock)
{
	struct mbox_cast *cast = mbox->cast;
	u32 turn = cast->turn;

	lockdep_assert_held(&mbox->lock);
	while (cast->message && cast->turn == turn) {
		mbox_cast_step(mbox, deferred);
		deferred->admit = false;
		mbox_mailbox_unlock(mbox, deferred);
		cond_resched();
		mbox_mailbox_lock(mbox, deferred);
	}
	deferred->admit |= mbox_cast_is_busy(mbox);
}

/**
 * mbox_cast_admit - room may have been made: let in the senders that wait for it
 * @mbox:	locked
 * @deferred:	takes the rest, which is done without the lock
 */
void mbox_cast_admit(struct mbox *mbox, struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (cast_may_look(mbox)) {
		mbox->cast->look = true;
		deferred->admit = true;
	}
	if (mbox->state == MBOX_STATE_DRAINING && !mbox->room.held)
		mbox_mailbox_die(mbox, -EIDRM, deferred);
}

/* The wait of a call is about to be ended: do first all that may complete it. */
void mbox_cast_settle(struct mbox *mbox, struct mbox_waiter *waiter,
		      struct mbox_deferred *deferred)
	__must_hold(&mbox->lock)
{
	struct mbox_cast *cast = mbox->cast;

	if (waiter->filter)
		mbox_subscription_settle(mbox, waiter->handle->sub, deferred);
	/* A message that is being delivered is not withdrawn before it has come to all. */
	else if (!waiter->completed && cast->sender == waiter && cast->message)
		mbox_cast_finish(mbox, deferred);
}

/* It waits no more: it may have been the room that was found. */
void mbox_cast_left(struct mbox *mbox, struct mbox_subscription *sub)
{
	struct mbox_cast *cast = mbox->cast;

	lockdep_assert_held(&mbox->lock);
	/* One that is not listed any more was not counted as room. */
	if (!cast->sender || cast->message || RB_EMPTY_NODE(&sub->node) ||
	    sub->number >= cast->next ||
	    mbox_subscription_can_take(mbox, sub, cast->sender->message))
		return;
	cast->fullest = sub;
	cast_refuse(mbox);
}

/* A sender is not among the blocked any more: no room is looked for, for it. */
void mbox_cast_forget(struct mbox *mbox, const struct mbox_waiter *sender)
{
	struct mbox_cast *cast = mbox->cast;

	lockdep_assert_held(&mbox->lock);
	if (cast->sender != sender || cast->message)
		return;
	cast->sender = NULL;
	cast->turn++;
}

/* The mailbox died: drop the message that is being delivered. */
void mbox_cast_die(struct mbox *mbox, struct mbox_deferred *deferred)
{
	struct mbox_cast *cast = mbox->cast;
	struct mbox_waiter *sender = cast->sender;
	struct mbox_message *proper = cast->message;
	int error = 0;

	lockdep_assert_held(&mbox->lock);
	if (!proper)
		return;
	cast->sender = NULL;
	WRITE_ONCE(cast->message, NULL);
	cast->turn++;
	if (sender->sync) {
		sender->delivered = proper->receipts;
		if (!proper->receipts)
			error = mbox->death;
	}
	if (sender->stage == MBOX_CAST_BLOCKED)
		mbox_waiter_complete(mbox, sender, error, deferred);
	else
		cast_end(sender, MBOX_CAST_ENDED, error);
	mbox_delivery_all_made(mbox, proper, deferred);
}
