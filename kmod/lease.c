// SPDX-License-Identifier: GPL-2.0-only
/* Leases: messages that are received for a time, and what becomes of them. */
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "access.h"
#include "job.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "process.h"
#include "queue.h"
#include "trace.h"
#include "track.h"
#include "wait.h"

/* Set the end of a lease, and the warning before it. */
static void lease_set_end(struct mbox_job *job, u32 clock, u64 time)
{
	clockid_t id = clock == MBOX_CLOCK_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_BOOTTIME;

	job->end.set = false;
	job->warning.set = false;
	if (likely(clock == MBOX_CLOCK_NONE))
		return;
	mbox_deadline_set_after(&job->end, id, time);
	mbox_deadline_set_after(&job->warning, id, time - time / 4);
}

static void lease_tell(const struct mbox_job *job, struct mbox_delivery *delivery)
{
	const struct mbox_waiter *sender = job->message->sender;
	const struct mbox_post *post = sender ? sender->post : NULL;

	delivery->token = mbox_job_token(job);
	delivery->flags = job->leases > 1 || job->deliveries > 1 ?
			  MBOX_DELIVERY_AGAIN : 0;
	delivery->deliveries = job->deliveries;
	delivery->reason = job->reason;
	delivery->code = job->code;
	delivery->origin = job->origin;
	delivery->origin_seq = job->origin_seq;
	delivery->origin_deliveries = job->origin_deliveries;
	delivery->pad = 0;
	delivery->room = 0;
	delivery->left = -1;
	if (!post || !post->call)
		return;
	delivery->flags |= MBOX_DELIVERY_CALL;
	delivery->room = post->call->room;
	if (post->deadline->set)
		delivery->left = max(mbox_deadline_left(post->deadline), 0LL);
}

/**
 * mbox_lease_begin - commit a receive with a lease
 * @handle:	through which it is received
 * @message:	accepted, on no list
 * @lease:	of the call; its spare is taken
 * @deferred:	of the section
 */
void mbox_lease_begin(struct mbox_handle *handle, struct mbox_message *message,
		      struct mbox_lease *lease, struct mbox_deferred *deferred)
{
	struct mbox_waiter *sender = message->sender;
	struct mbox *mbox = handle->mbox;
	struct mbox_job *job;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(message->flags & MBOX_MESSAGE_JOB)) {
		job = mbox_job_of(mbox, message);
	} else {
		job = lease->spare;
		lease->spare = NULL;
		mbox_job_setup(job);
		mbox_job_add(mbox, message, job);
	}
	if (!++job->leases)
		job->leases = 1;
	job->deliveries++;
	job->worker = lease->worker;
	job->since = get_jiffies_64();
	lease_set_end(job, lease->clock, lease->time);
	mbox_job_hide(mbox, job, MBOX_JOB_LEASED, &lease->worker->jobs);
	lease_tell(job, &lease->delivery);
	if (unlikely(sender && !mbox_post_waits(sender->post)))
		mbox_post_end(mbox, message, 0, deferred);
}

/* Commit the receipt of a message that has a job. */
void mbox_lease_settle(struct mbox_handle *handle, struct mbox_job *job,
		       struct mbox_deferred *deferred)
{
	struct mbox_message *message = job->message;
	struct mbox_room *room = message->room;
	struct mbox *mbox = handle->mbox;

	lockdep_assert_held(&mbox->lock);
	mbox_job_take(mbox, job);
	mbox_job_drop(mbox, job);
	handle->received++;
	trace_mbox_receive(mbox, message);
	mbox->received++;
	mbox_path_release(mbox, room, 1, message->length);
	if (unlikely(message->sender))
		mbox_post_end(mbox, message, 0, deferred);
	/* First, for the message may be the last that holds the lane. */
	if (unlikely(!mbox_waiter_no_senders(mbox) || mbox->room.more ||
		     mbox->state != MBOX_STATE_LIVE)) {
		mbox_track_receive(mbox);
		mbox_send_admit(mbox, room, deferred);
	}
	mbox_path_put(mbox, message, deferred);
	mbox_job_gone(mbox, deferred);
}

/*
 * Find the job of a valid token: the message was not given to anybody else. 0, ECANCELED,
 * ESTALE, or what the mailbox died of. The model selftests/model/lease.pml covers tokens
 * against all that may happen to the message.
 */
int mbox_lease_lookup(struct mbox_handle *handle, u64 token, struct mbox_job **job)
{
	struct mbox *mbox = handle->mbox;

	if (unlikely(mbox->state == MBOX_STATE_DEAD))
		return mbox->death;
	*job = mbox_job_find(mbox, token);
	if (unlikely(!*job))
		return -ESTALE;
	if (unlikely((*job)->state == MBOX_JOB_REVOKED)) {
		mbox_worker_told(mbox, *job);
		return -ECANCELED;
	}
	/* A receiver is copying it, or it is gone but for a peek. */
	if (unlikely((*job)->state == MBOX_JOB_QUEUED &&
		     (*job)->message->state != MBOX_MESSAGE_QUEUED))
		return -ESTALE;
	return 0;
}

static int lease_ack(struct mbox_handle *handle, u64 token,
		     struct mbox_deferred *deferred)
{
	struct mbox_job *job;
	int error;

	error = mbox_lease_lookup(handle, token, &job);
	if (likely(!error))
		mbox_lease_settle(handle, job, deferred);
	return error;
}

/*
 * Acknowledge, and lease the first message if that is all there is to do, in one
 * section. 0, an error, or MBOX_RECEIVE_SLOW.
 */
static int lease_first(struct mbox_handle *handle, struct mbox_recv_args *args,
		       struct mbox_lease *lease)
{
	struct mbox_deferred deferred __uninitialized;
	struct mbox *mbox = handle->mbox;
	int step = 0;

	lease->spare = NULL;
	mbox_mailbox_lock(mbox, &deferred);
	if (lease->ack)
		step = lease_ack(handle, lease->ack, &deferred);
	if (likely(!step)) {
		lease->ack = 0;
		lease->spare = mbox_job_pop(mbox->waits->jobs);
		lease->worker = mbox_worker_find(handle, lease->file ? NULL :
							 task_tgid(current));
		step = MBOX_RECEIVE_SLOW;
		if (likely(lease->spare && lease->worker && handle->plain))
			step = mbox_receive_first(handle, args, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return step;
}

/* Lease a message that lease_first() could not. */
static noinline int lease_slow(struct mbox_handle *handle, struct mbox_recv_args *args,
			       struct mbox_lease *lease)
{
	if (!lease->worker)
		lease->worker = mbox_worker_get(handle, lease->file);
	if (!lease->spare)
		lease->spare = mbox_job_new();
	return lease->worker && lease->spare ? mbox_receive(handle, args) : -ENOMEM;
}

/**
 * mbox_lease_receive - acknowledge a message, and receive another with a lease
 * @handle:	open for receiving
 * @args:	as of mbox_receive()
 * @lease:	with its time, and the token to acknowledge
 *
 * Return: 0, or an error as MBOX_IOC_LEASE.
 */
int mbox_lease_receive(struct mbox_handle *handle, struct mbox_recv_args *args,
		       struct mbox_lease *lease)
{
	int step;

	if (unlikely(!mbox_jobs_of(handle->mbox)) && mbox_job_attach(handle->mbox))
		return -ENOMEM;
	args->lease = lease;
	step = lease_first(handle, args, lease);
	if (unlikely(step == MBOX_RECEIVE_SLOW))
		step = lease_slow(handle, args, lease);
	if (unlikely(lease->spare))
		kfree(lease->spare);
	return step;
}

/* Acknowledge leases; each entry gets its result. Return how many succeeded. */
int mbox_lease_ack(struct mbox_handle *handle, struct mbox_ack_entry *entries,
		   unsigned int n)
{
	struct mbox_deferred deferred;
	unsigned int i;
	int acked = 0;

	mbox_mailbox_lock(handle->mbox, &deferred);
	for (i = 0; i < n; i++) {
		entries[i].result = entries[i].pad ? -EINVAL :
				    lease_ack(handle, entries[i].token, &deferred);
		acked += !entries[i].result;
	}
	mbox_mailbox_unlock(handle->mbox, &deferred);
	return acked;
}

/**
 * mbox_lease_nack - give a message back
 * @handle:	open for receiving
 * @arg:	checked
 *
 * Return: as MBOX_IOC_NACK.
 */
int mbox_lease_nack(struct mbox_handle *handle, const struct mbox_ioc_nack *arg)
{
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	struct mbox_job *job;
	int error;

	mbox_mailbox_lock(mbox, &deferred);
	error = mbox_lease_lookup(handle, arg->token, &job);
	/* It has returned, or is parked: there is nothing to give back. */
	if (!error && job->state != MBOX_JOB_LEASED)
		error = -ESTALE;
	if (error)
		goto out;
	if (arg->how == MBOX_NACK_REJECT) {
		mbox_job_take(mbox, job);
		mbox_job_end(mbox, job, MBOX_REASON_REJECTED, arg->code, &deferred);
		goto out;
	}
	job->not_before.set = false;
	if (arg->delay)
		mbox_deadline_set_after(&job->not_before, CLOCK_MONOTONIC, arg->delay);
	mbox_job_return(mbox, job, arg->how == MBOX_NACK_RETRY ?
				   MBOX_JOB_RETRIED : MBOX_JOB_RELEASED,
			&deferred);
out:
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/**
 * mbox_lease_extend - give a lease another end, and the caller as its holder
 * @handle:	open for receiving
 * @arg:	checked
 *
 * Return: as MBOX_IOC_EXTEND.
 */
int mbox_lease_extend(struct mbox_handle *handle, const struct mbox_ioc_extend *arg)
{
	bool file = arg->flags & MBOX_LEASE_HANDLE;
	struct mbox *mbox = handle->mbox;
	struct mbox_deferred deferred;
	struct mbox_worker *worker;
	struct mbox_job *job;
	int error;

	worker = mbox_worker_get(handle, file);
	if (!worker)
		return -ENOMEM;
	mbox_mailbox_lock(mbox, &deferred);
	error = mbox_lease_lookup(handle, arg->token, &job);
	if (!error && job->state != MBOX_JOB_LEASED && job->state != MBOX_JOB_QUEUED)
		error = -ESTALE;
	if (!error) {
		if (job->worker != worker)
			job->since = get_jiffies_64();
		mbox_job_take(mbox, job);
		job->worker = worker;
		lease_set_end(job, arg->clock, arg->time);
		mbox_job_hide(mbox, job, MBOX_JOB_LEASED, &worker->jobs);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return error;
}

/* Bring up to @n parked messages back. Return their number. */
static unsigned int lease_kick_some(struct mbox *mbox, u64 n)
{
	struct mbox_deferred deferred;
	struct mbox_jobs *jobs;
	struct mbox_job *job;
	unsigned int done;

	mbox_mailbox_lock(mbox, &deferred);
	jobs = mbox->state == MBOX_STATE_DEAD ? NULL : mbox_jobs_of(mbox);
	for (done = 0; done < n && jobs; done++) {
		if (done >= mbox_queue_batch(&mbox->queue) || mbox_deferred_full(&deferred))
			break;
		job = list_first_entry_or_null(&jobs->parked, struct mbox_job, list);
		if (!job)
			break;
		mbox_job_take(mbox, job);
		job->deliveries = 0;
		/* Why it came, it keeps. */
		if (!job->origin) {
			job->reason = MBOX_REASON_NONE;
			job->code = 0;
		}
		job->expires.set = false;
		mbox_job_requeue(mbox, job, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return done;
}

/**
 * mbox_lease_kick - bring parked messages back
 * @handle:	on the mailbox
 * @file:	its file, by which the caller asks for it, see mbox_access_owns()
 * @most:	messages
 * @kicked:	set to their number
 *
 * Not more than were parked at the beginning: receivers may park them again.
 *
 * Return: as MBOX_IOC_KICK.
 */
int mbox_lease_kick(struct mbox_handle *handle, struct file *file, u64 most,
		    u64 *kicked)
{
	struct mbox *mbox = handle->mbox;
	const struct mbox_jobs *jobs;
	unsigned int n;

	*kicked = 0;
	if (!handle->endpoint && !mbox_access_owns(mbox, file))
		return -EPERM;
	if (mbox->ring || mbox->cast)
		return -EOPNOTSUPP;
	if (READ_ONCE(mbox->state) == MBOX_STATE_DEAD)
		return mbox_mailbox_gone(mbox);
	jobs = mbox_jobs_of(mbox);
	if (!jobs)
		return 0;
	most = min_t(u64, most, READ_ONCE(jobs->nr_parked));
	do {
		n = lease_kick_some(mbox, most - *kicked);
		*kicked += n;
		cond_resched();
	} while (n && *kicked < most);
	return 0;
}
