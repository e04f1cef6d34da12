// SPDX-License-Identifier: GPL-2.0-only
/* The dump of messages that are leased, delayed or parked. */
#include <linux/jiffies.h>
#include <linux/pid_namespace.h>
#include <linux/rbtree.h>
#include <linux/sched.h>

#include "job.h"
#include "mbox.h"
#include "message.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "process.h"
#include "wait.h"

/* Return the first job whose message comes after @number, or NULL. */
static struct mbox_job *dump_job_after(const struct mbox_jobs *jobs, u64 number)
{
	struct rb_node *node = jobs->by_seq.rb_node;
	struct mbox_job *after = NULL;

	while (node) {
		struct mbox_job *job = rb_entry(node, struct mbox_job, node);

		if (job->seq > number) {
			after = job;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return after;
}

/* Whether a job has a row: its message is there, and no receive finds it. */
static bool dump_job_hidden(const struct mbox_job *job)
{
	return job->state != MBOX_JOB_QUEUED && job->state != MBOX_JOB_REVOKED;
}

static u32 dump_job_state(const struct mbox_job *job)
{
	switch (job->state) {
	case MBOX_JOB_LEASED:
		return MBOX_HIDDEN_LEASED;
	case MBOX_JOB_DELAYED:
		return MBOX_HIDDEN_DELAYED;
	default:
		return MBOX_HIDDEN_PARKED;
	}
}

/* Put the lease of a job, which is LEASED: its holder, and since when. */
static bool dump_job_put_lease(struct sk_buff *skb, const struct mbox_job *job)
{
	const struct mbox_worker *worker = job->worker;

	return (!worker->tie.pid ||
		!nla_put_u32(skb, MBOX_A_JOB_HOLDER,
			     mbox_process_nr(worker->tie.pid))) &&
	       (!worker->handle || mbox_dump_u64(skb, MBOX_A_JOB_HANDLE,
						 worker->handle->number,
						 MBOX_A_JOB_PAD)) &&
	       mbox_dump_u64(skb, MBOX_A_JOB_HELD,
			     jiffies64_to_nsecs(get_jiffies_64() - job->since),
			     MBOX_A_JOB_PAD);
}

/* Put the time that is left of a lease or a delay, if it has an end. */
static bool dump_job_put_left(struct sk_buff *skb, const struct mbox_job *job)
{
	const struct mbox_deadline *end;

	if (job->state == MBOX_JOB_LEASED)
		end = &job->end;
	else if (job->state == MBOX_JOB_DELAYED)
		end = &job->not_before;
	else
		return true;
	return !end->set || mbox_dump_u64(skb, MBOX_A_JOB_LEFT,
					  max(mbox_deadline_left(end), 0LL),
					  MBOX_A_JOB_PAD);
}

/* Put the process that waits for a reply, if one does. */
static bool dump_job_put_caller(struct sk_buff *skb, const struct mbox_job *job)
{
	const struct mbox_waiter *sender = job->message->sender;

	return !sender || !mbox_post_calls(sender) ||
	       !nla_put_u32(skb, MBOX_A_JOB_CALLER,
			    task_tgid_nr_ns(sender->task,
					    task_active_pid_ns(current)));
}

/* Put why a message is parked. */
static bool dump_job_put_reason(struct sk_buff *skb, const struct mbox_job *job)
{
	if (dump_job_state(job) != MBOX_HIDDEN_PARKED)
		return true;
	return !nla_put_u32(skb, MBOX_A_JOB_REASON, job->reason) &&
	       (job->reason != MBOX_REASON_REJECTED ||
		!nla_put_u32(skb, MBOX_A_JOB_CODE, job->code));
}

static bool dump_job_put(struct sk_buff *skb, const struct mbox *mbox,
			 const struct mbox_job *job, struct pid *inbox)
{
	const struct mbox_message *message = job->message;

	return mbox_dump_u64(skb, MBOX_A_JOB_ID, job->seq, MBOX_A_JOB_PAD) &&
	       mbox_dump_put_mailbox(skb, mbox, MBOX_A_JOB_MAILBOX, MBOX_A_JOB_NAME,
				     MBOX_A_JOB_PAD) &&
	       (!inbox || !nla_put_u32(skb, MBOX_A_JOB_INBOX,
				       mbox_process_nr(inbox))) &&
	       !nla_put_u32(skb, MBOX_A_JOB_HIDDEN, dump_job_state(job)) &&
	       (!job->leases || mbox_dump_u64(skb, MBOX_A_JOB_TOKEN,
					      mbox_job_token(job),
					      MBOX_A_JOB_PAD)) &&
	       !nla_put_u32(skb, MBOX_A_JOB_DELIVERIES, job->deliveries) &&
	       mbox_dump_u64(skb, MBOX_A_JOB_SIZE, message->length, MBOX_A_JOB_PAD) &&
	       !nla_put_u32(skb, MBOX_A_JOB_PRIO, message->prio) &&
	       mbox_dump_u64(skb, MBOX_A_JOB_TYPE, message->type,
			     MBOX_A_JOB_PAD) &&
	       (job->state != MBOX_JOB_LEASED || dump_job_put_lease(skb, job)) &&
	       dump_job_put_left(skb, job) && dump_job_put_caller(skb, job) &&
	       dump_job_put_reason(skb, job);
}

/* Add the row of a job. */
static int dump_job_fill(struct mbox_dump *dump, const struct mbox *mbox,
			 const struct mbox_job *job, struct pid *inbox)
{
	void *header = mbox_dump_row_begin(dump, MBOX_CMD_JOB_GET);

	return mbox_dump_row_end(dump, header, header &&
				 dump_job_put(dump->skb, mbox, job, inbox));
}

/* Add some rows, under the lock. Set @more if there are jobs left to look at. */
static int dump_job_fill_some(struct mbox_dump *dump, const struct mbox *mbox,
			      struct pid *inbox, bool *more)
{
	unsigned int looked = 0, rows = 0;
	struct mbox_job *job;
	struct rb_node *next;
	int error = 0;

	lockdep_assert_held(&mbox->lock);
	job = dump_job_after(mbox->waits->jobs, dump->progress->number);
	/* Bound: MBOX_DUMP_WALK looked at, MBOX_DUMP_ROWS added. */
	while (job && looked++ < MBOX_DUMP_WALK && rows < MBOX_DUMP_ROWS) {
		if (dump_job_hidden(job)) {
			error = dump_job_fill(dump, mbox, job, inbox);
			if (error)
				break;
			rows++;
		}
		dump->progress->number = job->seq;
		next = rb_next(&job->node);
		job = rb_entry_safe(next, struct mbox_job, node);
	}
	*more = job;
	return error;
}

static int dump_job_fill_all(struct mbox_dump *dump, struct mbox *mbox,
			     struct pid *inbox)
{
	bool more;
	int error;

	if (!mbox_jobs_of(mbox))
		return 0;
	do {
		spin_lock(&mbox->lock);
		error = dump_job_fill_some(dump, mbox, inbox, &more);
		spin_unlock(&mbox->lock);
		cond_resched();
	} while (more && !error);
	return error;
}

int mbox_nl_job_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return mbox_dump_all(skb, cb, MBOX_A_JOB_MAILBOX, MBOX_A_JOB_NAME,
			     dump_job_fill_all);
}
