// SPDX-License-Identifier: GPL-2.0-only
/* Workers: holders of leases, and the return of messages when they end. */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "job.h"
#include "mbox.h"
#include "process.h"
#include "wait.h"

/*
 * A worker is made at the first lease of a process through a handle. It ends with the
 * process or with the handle: that of the two which takes it out of the tree of the
 * handle, under the lock, returns its messages. A call that leases runs in the process
 * and through the handle: its worker cannot end meanwhile.
 */

static struct mbox_worker *worker_entry(struct rb_node *node)
{
	return node ? rb_entry(node, struct mbox_worker, node) : NULL;
}

static bool worker_less(struct rb_node *a, const struct rb_node *b)
{
	return worker_entry(a)->tie.pid < rb_entry(b, struct mbox_worker, node)->tie.pid;
}

/* The holder of a withdrawn message is told of it, or ends. */
void mbox_worker_told(struct mbox *mbox, struct mbox_job *job)
{
	list_del(&job->list);
	job->worker->nr_revoked--;
	mbox_job_drop(mbox, job);
}

/* A lease ends soon, or does not any more: count it for poll(). */
void mbox_worker_warn(struct mbox_job *job, bool warned)
{
	int n = warned ? 1 : -1;

	job->warned = warned;
	job->worker->nr_warned += n;
	if (job->worker->handle)
		job->worker->handle->nr_urgent += n;
}

/* Return some messages of a worker that has ended; and whether there are more. */
static bool worker_return_some(struct mbox_worker *worker,
			       struct mbox_deferred *deferred)
{
	struct mbox *mbox = worker->tie.mbox;
	struct mbox_job *job;
	unsigned int n;

	for (n = 0; n < MBOX_END_BATCH && !mbox_deferred_full(deferred); n++) {
		job = list_first_entry_or_null(&worker->jobs, struct mbox_job, list);
		if (job && mbox->state == MBOX_STATE_DEAD)
			mbox_job_discard(mbox, job, deferred);
		else if (job)
			mbox_job_return(mbox, job, MBOX_JOB_ENDED, deferred);
		if (job)
			continue;
		job = list_first_entry_or_null(&worker->revoked, struct mbox_job,
					       list);
		if (!job)
			return false;
		mbox_worker_told(mbox, job);
	}
	return true;
}

/* Return all messages of a worker that is in no tree any more. */
static void worker_return(struct mbox_worker *worker)
{
	struct mbox_deferred deferred;
	bool more;

	do {
		mbox_mailbox_lock(worker->tie.mbox, &deferred);
		more = worker_return_some(worker, &deferred);
		mbox_mailbox_unlock(worker->tie.mbox, &deferred);
		cond_resched();
	} while (more);
}

/*
 * Under the lock: take a worker out of its tree, so that it cannot lease any more. Its
 * leases keep it until they have returned.
 */
static void worker_unlist(struct mbox_worker *worker)
{
	rb_erase(&worker->node, &worker->handle->workers);
	worker->handle->nr_urgent -= worker->nr_warned;
	worker->handle = NULL;
}

/* The process of a worker has ended. The reference of its watch is the caller's. */
static void worker_ended(void *data)
{
	struct mbox_worker *worker = data;
	bool listed;

	spin_lock(&worker->tie.mbox->lock);
	listed = worker->handle;
	if (listed)
		worker_unlist(worker);
	spin_unlock(&worker->tie.mbox->lock);
	if (listed) {
		worker_return(worker);
		mbox_tie_drop(&worker->tie);
	}
	mbox_tie_put(&worker->tie);
}

/* A handle is closed: end its workers. May sleep. */
void mbox_worker_leave(struct mbox_handle *handle)
{
	struct mbox_worker *worker;

	for (;;) {
		spin_lock(&handle->mbox->lock);
		worker = worker_entry(rb_first(&handle->workers));
		if (worker)
			worker_unlist(worker);
		spin_unlock(&handle->mbox->lock);
		if (!worker)
			return;
		worker_return(worker);
		mbox_tie_drop(&worker->tie);
	}
}

/* Make a worker that is in no tree yet; NULL: no memory. */
static struct mbox_worker *worker_new(struct mbox_handle *handle, struct pid *pid)
{
	struct mbox_worker *worker;

	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		return NULL;
	INIT_LIST_HEAD(&worker->jobs);
	INIT_LIST_HEAD(&worker->revoked);
	/* Its process does not end before the caller, which is of it, returns. */
	return mbox_tie_bind(&worker->tie, handle->mbox, pid, worker_ended) ? NULL : worker;
}

/**
 * mbox_worker_get - find or make the worker of the caller
 * @handle:	through which it leases
 * @file:	whether the lease is the open file's
 *
 * Return: the worker, which stays until the call returns; NULL: no memory.
 */
struct mbox_worker *mbox_worker_get(struct mbox_handle *handle, bool file)
{
	struct pid *pid = file ? NULL : task_tgid(current);
	struct mbox_worker *worker, *other;

	spin_lock(&handle->mbox->lock);
	worker = mbox_worker_find(handle, pid);
	spin_unlock(&handle->mbox->lock);
	if (worker)
		return worker;
	worker = worker_new(handle, pid);
	if (!worker)
		return NULL;
	spin_lock(&handle->mbox->lock);
	other = mbox_worker_find(handle, pid);
	if (!other) {
		worker->handle = handle;
		rb_add(&worker->node, &handle->workers, worker_less);
	}
	spin_unlock(&handle->mbox->lock);
	if (!other)
		return worker;
	mbox_tie_drop(&worker->tie);
	return other;
}
