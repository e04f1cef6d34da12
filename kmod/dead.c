// SPDX-License-Identifier: GPL-2.0-only
/* Dead letters: messages that move to the dead-letter mailbox. */
#include <linux/sched.h>
#include <linux/string.h>

#include "event.h"
#include "job.h"
#include "kind.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "queue.h"
#include "trace.h"
#include "user.h"
#include "wait.h"

/*
 * A message that is not to be received again is DYING first, in its mailbox. Then it
 * moves, in one section under the locks of both mailboxes: so it is in one of them
 * whenever anybody looks. A dead-letter mailbox has none itself, so the locks have an
 * order, and no message goes round. Where it cannot move it is parked.
 */

/* Count the message in @dead's share of its sender, if it counts in one of @mbox. */
static bool dead_share(struct mbox *mbox, struct mbox *dead,
		       struct mbox_message *message, struct mbox_share **share)
{
	u8 counted;

	if (!(message->flags & MBOX_MESSAGE_SHARED))
		return true;
	message->flags &= ~MBOX_MESSAGE_SHARED;
	if (mbox_share_take(dead, message, 0, share)) {
		message->flags |= MBOX_MESSAGE_SHARED;
		return false;
	}
	counted = message->flags & MBOX_MESSAGE_SHARED;
	mbox_share_drop(mbox, message);
	message->flags |= counted;
	return true;
}

static void dead_move(struct mbox *mbox, struct mbox *dead, struct mbox_job *job,
		      struct mbox_deferred *deferred,
		      struct mbox_deferred *dead_deferred)
{
	struct mbox_message *message = job->message;

	mbox_job_take(mbox, job);
	mbox_job_remove(mbox, job);
	mbox_room_release(mbox, message);
	mbox->dropped++;
	mbox->waits->jobs->dead++;
	trace_mbox_drop(mbox, message);
	mbox_event_dropped(mbox, 1);
	if (message->sender)
		mbox_post_end(mbox, message, -ECANCELED, deferred);
	mbox->kind->admit(mbox, &mbox->room, deferred);

	job->origin = mbox->id;
	job->origin_seq = message->seq;
	job->origin_deliveries = job->deliveries;
	job->deliveries = 0;
	job->leases = 0;
	job->end.set = false;
	job->warning.set = false;
	job->not_before.set = false;
	job->expires.set = false;
	message->room = &dead->room;
	mbox_room_accept(dead, message);
	mbox_job_add(dead, message, job);
	mbox_send_deliver(dead, message, mbox_waiter_receiver_for(dead, message),
			  dead_deferred);
}

/* Move a message under both locks. Return false if it has to stay. */
static bool dead_try(struct mbox *mbox, struct mbox_job *job,
		     struct mbox_share **share, struct mbox_deferred *deferred,
		     struct mbox_deferred *dead_deferred)
{
	struct mbox *dead = mbox->waits->jobs->dead_letter;
	struct mbox_message *message = job->message;
	bool moves;

	spin_lock_nested(&dead->lock, SINGLE_DEPTH_NESTING);
	moves = !dead->deaf && message->length <= dead->room.msg_size &&
		mbox_path_may_queue(&dead->room, message) &&
		dead_share(mbox, dead, message, share);
	if (moves)
		dead_move(mbox, dead, job, deferred, dead_deferred);
	spin_unlock(&dead->lock);
	return moves;
}

static void dead_park(struct mbox *mbox, struct mbox_job *job)
{
	mbox_job_take(mbox, job);
	mbox_job_hide(mbox, job, MBOX_JOB_PARKED, &mbox->waits->jobs->parked);
}

/*
 * Return a message that is dying, or NULL. A peek that copies one goes by the lock of its
 * mailbox: such a message moves later.
 */
static struct mbox_job *dead_first(struct mbox_jobs *jobs)
{
	struct mbox_job *job;
	unsigned int n = 0;

	/* Bound: MBOX_END_BATCH. */
	list_for_each_entry(job, &jobs->dying, list) {
		if (job->message->refs == 1)
			return job;
		if (++n == MBOX_END_BATCH)
			break;
	}
	if (n)
		mbox_due_again(jobs);
	return NULL;
}

/* Move or park the first message that is dying. Return whether there was one. */
static bool dead_run_one(struct mbox *mbox, struct mbox_share **share)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;
	struct mbox_deferred deferred, dead_deferred;
	struct mbox_job *job;

	mbox_deferred_setup(&dead_deferred);
	mbox_mailbox_lock(mbox, &deferred);
	job = mbox->state == MBOX_STATE_DEAD ? NULL : dead_first(jobs);
	if (job && (((job->message->flags & MBOX_MESSAGE_SHARED) && !*share) ||
		    !dead_try(mbox, job, share, &deferred, &dead_deferred)))
		dead_park(mbox, job);
	mbox_mailbox_unlock(mbox, &deferred);
	mbox_deferred_run(jobs->dead_letter, &dead_deferred);
	return job;
}

/* Move all messages of @mbox that are dying; not locked. May sleep. */
void mbox_dead_run(struct mbox *mbox)
{
	struct mbox_share *share = NULL;

	do {
		if (!share)
			share = mbox_share_new();
		cond_resched();
	} while (dead_run_one(mbox, &share));
	mbox_share_free(share);
}
