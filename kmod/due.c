// SPDX-License-Identifier: GPL-2.0-only
/* Jobs that are due at a time: one timer for each mailbox. */
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "event.h"
#include "job.h"
#include "mbox.h"
#include "message.h"
#include "queue.h"
#include "wait.h"

/*
 * A job has one time at most at which something happens to it: the end of its lease, or
 * the warning before; the end of its delay; its expiry. The tree has them in the order of
 * CLOCK_BOOTTIME, and the timer fires at the first. CLOCK_MONOTONIC stands still in
 * suspend, so a time on it may come later than its place in the tree says, but never
 * earlier: then the job gets another place.
 *
 * mbox->lock is not taken in interrupts: the timer queues work, which holds the mailbox.
 * A mailbox stops its timer before it goes, while somebody else holds it.
 */
/* Nanoseconds until a job that cannot be done with now is looked at again. */
#define DUE_AGAIN	(10 * NSEC_PER_MSEC)

static struct workqueue_struct *due_workers;

static bool due_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct mbox_job, due)->when <
	       rb_entry(b, struct mbox_job, due)->when;
}

static u64 due_on_boottime(const struct mbox_deadline *time)
{
	u64 when = time->expires;

	if (time->clock == CLOCK_MONOTONIC)
		when = ktime_mono_to_any(time->expires, TK_OFFS_BOOT);
	return min_t(u64, when, KTIME_MAX);
}

/* The time at which something happens to a job, or NULL. */
static const struct mbox_deadline *due_time(const struct mbox_job *job)
{
	switch (job->state) {
	case MBOX_JOB_LEASED:
		if (job->warning.set)
			return &job->warning;
		return job->end.set ? &job->end : NULL;
	case MBOX_JOB_DELAYED:
		return &job->not_before;
	case MBOX_JOB_QUEUED:
		return job->expires.set ? &job->expires : NULL;
	default:
		return NULL;
	}
}

static void due_arm(struct mbox_jobs *jobs, u64 when)
{
	if (when >= jobs->armed || jobs->stopped)
		return;
	jobs->armed = when;
	hrtimer_start(&jobs->timer, when, HRTIMER_MODE_ABS_SOFT);
}

/* The rest of mbox_due_clear(). */
void __mbox_due_clear(struct mbox_jobs *jobs, struct mbox_job *job)
{
	lockdep_assert_held(&jobs->mbox->lock);
	rb_erase_cached(&job->due, &jobs->due);
	RB_CLEAR_NODE(&job->due);
}

/* The rest of mbox_due_set(). */
void __mbox_due_set(struct mbox_jobs *jobs, struct mbox_job *job)
{
	const struct mbox_deadline *time = due_time(job);

	mbox_due_clear(jobs, job);
	if (!time)
		return;
	job->when = due_on_boottime(time);
	rb_add_cached(&job->due, &jobs->due, due_less);
	due_arm(jobs, job->when);
}

/* Have the work run again in a while. */
void mbox_due_again(struct mbox_jobs *jobs)
{
	lockdep_assert_held(&jobs->mbox->lock);
	due_arm(jobs, ktime_get_boottime_ns() + DUE_AGAIN);
}

/* A job has come to its time: end its lease or its delay, warn, or let it expire. */
static void due_happen(struct mbox *mbox, struct mbox_job *job,
		       struct mbox_deferred *deferred)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;

	if (mbox_deadline_left(due_time(job)) > 0) {
		mbox_due_set(jobs, job);
		return;
	}
	if (job->state == MBOX_JOB_QUEUED &&
	    job->message->state == MBOX_MESSAGE_GONE) {
		mbox_due_clear(jobs, job); /* its receiver ends it */
	} else if (job->state == MBOX_JOB_QUEUED &&
		   job->message->state != MBOX_MESSAGE_QUEUED) {
		/* It is being copied; if that fails, it expires a little later. */
		mbox_due_clear(jobs, job);
		job->when = ktime_get_boottime_ns() + DUE_AGAIN;
		rb_add_cached(&job->due, &jobs->due, due_less);
	} else if (job->state == MBOX_JOB_LEASED && job->warning.set) {
		job->warning.set = false;
		mbox_worker_warn(job, true);
		mbox_event_lease(mbox, mbox_job_token(job));
		deferred->events |= EPOLLPRI;
		mbox_due_set(jobs, job);
	} else {
		mbox_job_return(mbox, job, job->state == MBOX_JOB_LEASED ?
				MBOX_JOB_ENDED : MBOX_JOB_DUE, deferred);
	}
}

/* See to a few of the jobs that are due. Return whether there are more. */
static bool due_run_some(struct mbox *mbox)
{
	struct mbox_jobs *jobs = mbox->waits->jobs;
	struct mbox_deferred deferred;
	struct rb_node *node;
	unsigned int n = 0;
	bool more = false;

	mbox_mailbox_lock(mbox, &deferred);
	jobs->armed = U64_MAX;
	deferred.dying = !list_empty(&jobs->dying);
	while (mbox->state != MBOX_STATE_DEAD && !jobs->stopped &&
	       (node = rb_first_cached(&jobs->due))) {
		struct mbox_job *job = rb_entry(node, struct mbox_job, due);

		if (job->when > ktime_get_boottime_ns()) {
			due_arm(jobs, job->when);
			break;
		}
		more = n++ >= mbox_queue_batch(&mbox->queue) || mbox_deferred_full(&deferred);
		if (more)
			break;
		due_happen(mbox, job, &deferred);
	}
	mbox_mailbox_unlock(mbox, &deferred);
	return more;
}

static void due_run(struct work_struct *work)
{
	struct mbox_jobs *jobs = container_of(work, struct mbox_jobs, work);
	struct mbox *mbox = jobs->mbox;

	while (due_run_some(mbox))
		cond_resched();
	mbox_mailbox_put(mbox);
}

/* Somebody holds the mailbox, at least until mbox_due_stop(). */
static enum hrtimer_restart due_fire(struct hrtimer *timer)
{
	struct mbox_jobs *jobs = container_of(timer, struct mbox_jobs, timer);

	refcount_inc(&jobs->mbox->refs);
	if (!queue_work(due_workers, &jobs->work))
		refcount_dec(&jobs->mbox->refs);
	return HRTIMER_NORESTART;
}

void mbox_due_setup(struct mbox_jobs *jobs)
{
	jobs->due = RB_ROOT_CACHED;
	jobs->armed = U64_MAX;
	INIT_WORK(&jobs->work, due_run);
	mbox_compat_hrtimer(&jobs->timer, due_fire, CLOCK_BOOTTIME,
			    HRTIMER_MODE_ABS_SOFT);
}

/* @mbox has died, or is about to go: its timer fires no more. The caller holds it. */
void mbox_due_stop(struct mbox *mbox)
{
	struct mbox_jobs *jobs;

	spin_lock(&mbox->lock);
	jobs = mbox_jobs_of(mbox);
	if (jobs)
		jobs->stopped = true;
	spin_unlock(&mbox->lock);
	if (jobs)
		hrtimer_cancel(&jobs->timer);
}

int __init mbox_due_init(void)
{
	due_workers = alloc_workqueue("mbox_due", WQ_UNBOUND, 0);
	return due_workers ? 0 : -ENOMEM;
}

void mbox_due_exit(void)
{
	destroy_workqueue(due_workers);
}
