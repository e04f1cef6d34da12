// SPDX-License-Identifier: GPL-2.0-only
/* Jobs: their memory, their states, and how a message returns to its place. */
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "access.h"
#include "event.h"
#include "job.h"
#include "kind.h"
#include "mbox.h"
#include "message.h"
#include "path.h"
#include "queue.h"
#include "registry.h"
#include "trace.h"
#include "wait.h"

static struct mbox_job *job_entry(struct rb_node *node)
{
	return node ? rb_entry(node, struct mbox_job, node) : NULL;
}

static bool job_less(struct rb_node *a, const struct rb_node *b)
{
	return job_entry(a)->seq < rb_entry(b, struct mbox_job, node)->seq;
}

/**
 * mbox_job_attach - have a mailbox be ready for jobs
 * @mbox:	the mailbox, not locked
 *
 * Return: 0 or ENOMEM. May sleep.
 */
int mbox_job_attach(struct mbox *mbox)
{
	struct mbox_jobs *jobs;

	if (mbox_waits_attach(mbox))
		return -ENOMEM;
	if (READ_ONCE(mbox->waits->jobs))
		return 0;
	jobs = kzalloc(sizeof(*jobs), GFP_KERNEL_ACCOUNT);
	if (!jobs)
		return -ENOMEM;
	jobs->mbox = mbox;
	jobs->by_seq = RB_ROOT;
	INIT_LIST_HEAD(&jobs->delayed);
	INIT_LIST_HEAD(&jobs->dying);
	INIT_LIST_HEAD(&jobs->parked);
	mbox_due_setup(jobs);
	spin_lock(&mbox->lock);
	jobs->stopped = mbox->state == MBOX_STATE_DEAD;
	if (!mbox->waits->jobs) {
		WRITE_ONCE(mbox->waits->jobs, jobs);
		jobs = NULL;
	}
	spin_unlock(&mbox->lock);
	kfree(jobs);
	return 0;
}

/* Find the dead-letter mailbox of a new one, with a reference of the caller's. */
static struct mbox *job_find_dead_letter(struct file *factory, u64 id)
{
	struct mbox *dead;
	int error = 0;

	dead = mbox_registry_find_id(factory->private_data, id);
	if (!dead)
		return ERR_PTR(-ENOENT);
	error = mbox_access_open(dead, factory, MBOX_RIGHT_SEND);
	if (!error && (dead->ring || dead->cast || dead->inbox))
		error = -EOPNOTSUPP;
	if (!error)
		error = mbox_job_attach(dead);
	if (!error && mbox_jobs_of(dead)->dead_letter)
		error = -ELOOP;
	if (error) {
		mbox_mailbox_put(dead);
		return ERR_PTR(error);
	}
	return dead;
}

/* Take over the attributes of a new mailbox that jobs go by. */
int mbox_job_attach_attr(struct mbox *mbox, struct file *factory,
			 const struct mbox_attr *attr)
{
	struct mbox *dead = NULL;

	if (!attr->max_deliveries && !attr->dead_letter)
		return 0;
	if (mbox->ring || mbox->cast)
		return -EOPNOTSUPP;
	if (mbox_job_attach(mbox))
		return -ENOMEM;
	if (attr->dead_letter) {
		dead = job_find_dead_letter(factory, attr->dead_letter);
		if (IS_ERR(dead))
			return PTR_ERR(dead);
	}
	mbox->waits->jobs->max_deliveries = attr->max_deliveries;
	mbox->waits->jobs->dead_letter = dead;
	return 0;
}

/* Memory for a job; kept memory has been one, see mbox_job_setup(). */
struct mbox_job *mbox_job_new(void)
{
	return kmalloc(sizeof(struct mbox_job), GFP_KERNEL_ACCOUNT);
}

/* The last reference to a mailbox goes: it sends no more dead letters. May sleep. */
void mbox_job_leave(struct mbox *mbox)
{
	const struct mbox_jobs *jobs = mbox_jobs_of(mbox);

	if (jobs && jobs->dead_letter)
		mbox_mailbox_put(jobs->dead_letter);
}

/* The mailbox is gone: no job is left, and no timer runs. May sleep. */
void mbox_job_detach(struct mbox *mbox)
{
	struct mbox_jobs *jobs = mbox_jobs_of(mbox);
	struct mbox_job *job;

	if (!jobs)
		return;
	while ((job = mbox_job_pop(jobs)))
		kfree(job);
	kfree(jobs);
}

/* Return the job of @message, which has one. */
struct mbox_job *mbox_job_of(struct mbox *mbox, const struct mbox_message *message)
{
	lockdep_assert_held(&mbox->lock);
	return mbox_job_by_seq(mbox->waits->jobs, message->seq);
}

/* Give an accepted message a job, in memory of the caller's: all but its times. */
void mbox_job_add(struct mbox *mbox, struct mbox_message *message,
		  struct mbox_job *job)
{
	lockdep_assert_held(&mbox->lock);
	message->flags |= MBOX_MESSAGE_JOB;
	job->message = message;
	job->seq = message->seq;
	job->state = MBOX_JOB_QUEUED;
	job->leases = 0;
	job->worker = NULL;
	RB_CLEAR_NODE(&job->due);
	rb_add(&job->node, &mbox->waits->jobs->by_seq, job_less);
}

/* Separate a job, whose token is not valid any more, from @mbox. */
void mbox_job_remove(struct mbox *mbox, struct mbox_job *job)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;

	lockdep_assert_held(&mbox->lock);
	mbox_due_clear(jobs, job);
	rb_erase(&job->node, &jobs->by_seq);
	if (job->message)
		job->message->flags &= ~MBOX_MESSAGE_JOB;
}

/* The same of one that ends. Its message is on no list. */
void mbox_job_drop(struct mbox *mbox, struct mbox_job *job)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;

	mbox_job_remove(mbox, job);
	if (jobs->nr_spare == MBOX_JOBS_KEPT) {
		kfree(job);
		return;
	}
	job->list.next = (struct list_head *)jobs->spare;
	jobs->spare = job;
	jobs->nr_spare++;
}

static u32 *job_counter(struct mbox_jobs *jobs, enum mbox_job_state state)
{
	switch (state) {
	case MBOX_JOB_LEASED:
		return &jobs->nr_leased;
	case MBOX_JOB_DELAYED:
		return &jobs->nr_delayed;
	default:
		return &jobs->nr_parked;
	}
}

/* Hide a message that is on no list: its job is in @state then, and in @list. */
void mbox_job_hide(struct mbox *mbox, struct mbox_job *job,
		   enum mbox_job_state state, struct list_head *list)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;

	lockdep_assert_held(&mbox->lock);
	job->message->state = MBOX_MESSAGE_HIDDEN;
	job->message->room->queue->nr_hidden++;
	job->state = state;
	list_add_tail(&job->list, list);
	(*job_counter(jobs, state))++;
	mbox_due_set(jobs, job);
}

/* Take a message, queued or hidden, off its list. */
void mbox_job_take(struct mbox *mbox, struct mbox_job *job)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;
	struct mbox_message *message = job->message;

	lockdep_assert_held(&mbox->lock);
	mbox_due_clear(jobs, job);
	if (job->state == MBOX_JOB_QUEUED) {
		mbox_queue_remove(message->room->queue, message);
		return;
	}
	list_del(&job->list);
	message->room->queue->nr_hidden--;
	(*job_counter(jobs, job->state))--;
	if (unlikely(job->warned))
		mbox_worker_warn(job, false);
	job->worker = NULL;
}

/* Put a message that is on no list to its place, or give it to a receiver. */
void mbox_job_requeue(struct mbox *mbox, struct mbox_job *job,
		      struct mbox_deferred *deferred)
{
	struct mbox_message *message = job->message;
	struct mbox_waiter *receiver;

	lockdep_assert_held(&mbox->lock);
	job->state = MBOX_JOB_QUEUED;
	receiver = mbox_waiter_receiver_for(mbox, message);
	mbox_queue_return(message->room->queue, message);
	mbox_due_set(mbox->waits->jobs, job);
	if (receiver) {
		mbox_queue_begin_flight(message->room->queue, message);
		mbox_waiter_deliver(mbox, receiver, message, deferred);
		return;
	}
	mbox_waiter_tell(mbox, message, deferred);
}

/* A message that was hidden does not return: receivers may wait in vain from now on. */
void mbox_job_gone(struct mbox *mbox, struct mbox_deferred *deferred)
{
	if (likely(mbox->send_handles) || !mbox_mailbox_nobody(mbox, MBOX_RIGHT_SEND))
		return;
	deferred->events |= EPOLLHUP | EPOLLERR;
	deferred->hang_up = true;
}

/* The call that waits for the reply to a message, or NULL. */
struct mbox_request *mbox_job_request(const struct mbox_job *job)
{
	const struct mbox_waiter *sender = job->message->sender;

	return sender ? mbox_post_calls(sender) : NULL;
}

/* The call that made a request, which is on no list, fails with @error. */
static void job_fail_call(struct mbox *mbox, struct mbox_job *job, int error,
			  struct mbox_deferred *deferred)
{
	struct mbox_message *message = job->message;
	struct mbox_room *room = message->room;

	mbox_job_drop(mbox, job);
	mbox_room_release(mbox, message);
	mbox->waits->withdrawn++;
	trace_mbox_drop(mbox, message);
	mbox_post_end(mbox, message, error, deferred);
	message->state = MBOX_MESSAGE_GONE;
	/* First, for the message may be the last that holds the lane. */
	mbox_send_admit(mbox, room, deferred);
	mbox_message_put(mbox, message, deferred);
	mbox_job_gone(mbox, deferred);
}

/* Receive a message, which is on no list, no more, for @reason. */
void mbox_job_end(struct mbox *mbox, struct mbox_job *job, u32 reason, u32 code,
		  struct mbox_deferred *deferred)
{
	struct mbox_request *call = mbox_job_request(job);
	struct mbox_jobs *jobs = mbox->waits->jobs;

	if (call) {
		call->code = code;
		job_fail_call(mbox, job, reason == MBOX_REASON_REJECTED ?
					 -EREMOTEIO : -EOWNERDEAD, deferred);
		return;
	}
	job->reason = reason;
	job->code = code;
	if (jobs->dead_letter) {
		mbox_job_hide(mbox, job, MBOX_JOB_DYING, &jobs->dying);
		deferred->dying = true;
	} else {
		mbox_job_hide(mbox, job, MBOX_JOB_PARKED, &jobs->parked);
	}
	mbox_job_gone(mbox, deferred);
}

/* Put a message that is on no list where its times say. */
void mbox_job_place(struct mbox *mbox, struct mbox_job *job,
		    struct mbox_deferred *deferred)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;

	if (job->expires.set && mbox_deadline_left(&job->expires) <= 0)
		mbox_job_end(mbox, job, MBOX_REASON_EXPIRED, 0, deferred);
	else if (job->not_before.set && mbox_deadline_left(&job->not_before) > 0)
		mbox_job_hide(mbox, job, MBOX_JOB_DELAYED, &jobs->delayed);
	else
		mbox_job_requeue(mbox, job, deferred);
}

/**
 * mbox_job_return - end a lease: the message returns
 * @mbox:	locked
 * @job:	LEASED, or DELAYED, or in the queue
 * @how:	why
 * @deferred:	of the section
 */
void mbox_job_return(struct mbox *mbox, struct mbox_job *job,
		     enum mbox_job_how how, struct mbox_deferred *deferred)
{
	const struct mbox_request *call = mbox_job_request(job);
	struct mbox_jobs *jobs = mbox->waits->jobs;

	lockdep_assert_held(&mbox->lock);
	if (job->state == MBOX_JOB_LEASED)
		jobs->redelivered++;
	mbox_job_take(mbox, job);
	if (how == MBOX_JOB_ENDED && call && !call->retry) {
		job_fail_call(mbox, job, -EOWNERDEAD, deferred);
		return;
	}
	if (how == MBOX_JOB_RELEASED && job->deliveries)
		job->deliveries--;
	else if (how != MBOX_JOB_DUE && jobs->max_deliveries &&
		 job->deliveries >= jobs->max_deliveries)
		return mbox_job_end(mbox, job, MBOX_REASON_DELIVERIES, 0, deferred);
	mbox_job_place(mbox, job, deferred);
}

/*
 * The sender withdraws a message, which is hidden. The holder of its lease will be told,
 * unless that has too many others to be told of.
 */
void mbox_job_revoke(struct mbox *mbox, struct mbox_message *message)
{
	struct mbox_job *job = mbox_job_of(mbox, message);
	struct mbox_worker *worker = job->worker;

	mbox_job_take(mbox, job);
	if (!worker) {
		mbox_job_drop(mbox, job);
		return;
	}
	message->flags &= ~MBOX_MESSAGE_JOB;
	job->message = NULL;
	job->state = MBOX_JOB_REVOKED;
	job->worker = worker;
	list_add_tail(&job->list, &worker->revoked);
	if (worker->nr_revoked++ == MBOX_REVOKED_MAX)
		mbox_worker_told(mbox, list_first_entry(&worker->revoked,
							struct mbox_job, list));
}

/* Free a message that is hidden, and counts no more. */
void mbox_job_discard(struct mbox *mbox, struct mbox_job *job,
		      struct mbox_deferred *deferred)
{
	struct mbox_message *message = job->message;

	if (message->sender)
		mbox_waiter_end(mbox, message->sender, mbox->death, deferred);
	mbox_job_take(mbox, job);
	mbox_job_drop(mbox, job);
	message->state = MBOX_MESSAGE_GONE;
	mbox_message_put(mbox, message, deferred);
}

/* The mailbox died, and its queue is empty: end up to @n jobs. Return their number. */
unsigned int mbox_job_clear(struct mbox *mbox, unsigned int n,
			    struct mbox_deferred *deferred)
{
	struct mbox_jobs *jobs = mbox_jobs_of(mbox);
	unsigned int cleared;

	lockdep_assert_held(&mbox->lock);
	for (cleared = 0; jobs && cleared < n; cleared++) {
		struct mbox_job *job = job_entry(rb_first(&jobs->by_seq));

		if (!job)
			break;
		if (job->state == MBOX_JOB_REVOKED)
			mbox_worker_told(mbox, job);
		else if (job->state == MBOX_JOB_QUEUED)
			mbox_job_drop(mbox, job); /* its receiver frees the message */
		else
			mbox_job_discard(mbox, job, deferred);
	}
	return cleared;
}

/* The first message that is hidden, but not leased; or NULL. */
static struct mbox_job *job_first_idle(struct mbox_jobs *jobs)
{
	return list_first_entry_or_null(&jobs->delayed, struct mbox_job, list) ?:
	       list_first_entry_or_null(&jobs->parked, struct mbox_job, list) ?:
	       list_first_entry_or_null(&jobs->dying, struct mbox_job, list);
}

/* Purge messages that are delayed or parked, until *@purged is @limit. */
void mbox_job_purge(struct mbox *mbox, u64 limit, u64 *purged,
		    struct mbox_deferred *deferred)
	__must_hold(&mbox->lock)
{
	struct mbox_jobs *jobs = mbox_jobs_of(mbox);
	struct mbox_job *job;
	unsigned int n = 0;

	while (jobs && mbox->state != MBOX_STATE_DEAD && *purged < limit &&
	       (job = job_first_idle(jobs))) {
		struct mbox_message *message = job->message;

		mbox_room_release(mbox, message);
		trace_mbox_drop(mbox, message);
		if (message->sender)
			mbox_post_end(mbox, message, -ECANCELED, deferred);
		mbox_job_discard(mbox, job, deferred);
		mbox->dropped++;
		mbox->purged++;
		(*purged)++;
		mbox_event_dropped(mbox, 1);
		mbox->kind->admit(mbox, &mbox->room, deferred);
		mbox_job_gone(mbox, deferred);
		if (++n % MBOX_END_BATCH)
			continue;
		mbox_mailbox_unlock(mbox, deferred);
		cond_resched();
		mbox_mailbox_lock(mbox, deferred);
	}
}

/* Fill in the counters of jobs, under the lock. */
void mbox_job_info(const struct mbox *mbox, struct mbox_info *info)
{
	const struct mbox_jobs *jobs = mbox_jobs_of(mbox);

	if (mbox->waits)
		info->mark = mbox->waits->mark;
	if (!jobs)
		return;
	info->leased = jobs->nr_leased;
	info->delayed = jobs->nr_delayed;
	info->parked = jobs->nr_parked;
	info->max_deliveries = jobs->max_deliveries;
	info->redelivered = jobs->redelivered;
	info->dead = jobs->dead;
	info->dead_letter = jobs->dead_letter ? jobs->dead_letter->id : 0;
}
