/* SPDX-License-Identifier: GPL-2.0-only */
/* Jobs: messages that are leased, delayed, expire, are parked or answered. */
#ifndef MBOX_JOB_H
#define MBOX_JOB_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/mbox.h>

#include "mbox.h"
#include "process.h"
#include "wait.h"

struct file;
struct mbox;
struct mbox_attr;
struct mbox_request;
struct mbox_handle;
struct mbox_job;
struct mbox_message;
struct mbox_recv_args;
struct mbox_send_args;
struct mbox_worker;
struct mm_struct;
struct pid;

/*
 * A message has a job from its first lease, or its acceptance if it has a time, until
 * it is gone. In all states but QUEUED the message is HIDDEN: held, and in no queue.
 */
enum mbox_job_state {
	MBOX_JOB_QUEUED,		/* in the queue, or in flight from it */
	MBOX_JOB_LEASED,
	MBOX_JOB_DELAYED,		/* until not_before */
	MBOX_JOB_DYING,			/* about to go to the dead-letter mailbox */
	MBOX_JOB_PARKED,
	MBOX_JOB_REVOKED,		/* its sender has withdrawn the message, which is
					 * gone; its holder does not know yet
					 */
};

/* Why a message returns. */
enum mbox_job_how {
	MBOX_JOB_ENDED,			/* the holder or the time of the lease ended */
	MBOX_JOB_RETRIED,		/* the holder wants another try */
	MBOX_JOB_RELEASED,		/* the holder did not begin: it does not count */
	MBOX_JOB_DUE,			/* it was delayed, or expires; it was not leased */
};

/* Guarded by the lock of its mailbox. */
struct mbox_job {
	struct rb_node node;		/* jobs->by_seq */
	u64 seq;			/* of the message */
	struct mbox_message *message;	/* NULL: REVOKED */
	struct mbox_worker *worker;	/* LEASED, REVOKED: the holder; else NULL */
	struct list_head list;		/* of the worker, or of the state */
	struct rb_node due;		/* jobs->due; or clear */
	u64 when;			/* its place there: ns of CLOCK_BOOTTIME */
	u64 since;			/* jiffies: when the holder got the lease */
	struct mbox_deadline end;	/* of the lease */
	struct mbox_deadline warning;	/* before that; not set once it was given */
	struct mbox_deadline not_before;
	struct mbox_deadline expires;
	u64 origin;			/* of a dead letter: id of its mailbox, */
	u64 origin_seq;			/* its number, */
	u32 origin_deliveries;		/* and its deliveries there */
	u32 deliveries;
	u32 reason;			/* MBOX_REASON_*: of a dead letter, or to be */
	u32 code;
	u16 leases;			/* ever, modulo; 0: no token was given yet */
	u8 state;			/* enum mbox_job_state */
	bool warned;			/* counts in nr_warned of its holder */
};

/* Jobs of which the memory is kept for others. */
#define MBOX_JOBS_KEPT		64

/* The jobs of a mailbox; guarded by its lock. */
struct mbox_jobs {
	struct mbox *mbox;		/* constant */
	struct rb_root by_seq;
	struct rb_root_cached due;	/* by when */
	u64 armed;			/* when the timer fires; U64_MAX: never */
	bool stopped;			/* the mailbox is dead: do not arm it */
	struct hrtimer timer;
	struct work_struct work;	/* see due.c */
	struct list_head delayed;
	struct list_head dying;
	struct list_head parked;
	u32 nr_leased;
	u32 nr_delayed;
	u32 nr_parked;			/* and dying */
	u32 nr_spare;
	struct mbox_job *spare;		/* a stack, through list.next */
	u64 redelivered;
	u64 dead;
	u32 max_deliveries;		/* constant; 0: any number */
	struct mbox *dead_letter;	/* constant, counted; or NULL */
};

/*
 * The holder of leases: a process, or without one an open file. It is in the tree of
 * its handle until one of the two ends; see worker.c.
 */
struct mbox_worker {
	struct mbox_tie tie;		/* first; the tree has its user's reference */
	struct rb_node node;		/* handle->workers */
	struct mbox_handle *handle;	/* lock: NULL once it has ended */
	struct list_head jobs;		/* lock: LEASED */
	struct list_head revoked;	/* lock: REVOKED, oldest first */
	u32 nr_revoked;			/* lock */
	u32 nr_warned;			/* lock: of the jobs, those warned */
};

/* Withdrawn messages that a worker is still to be told of. */
#define MBOX_REVOKED_MAX	64

/* A receive with a lease. */
struct mbox_lease {
	struct mbox_worker *worker;	/* of the caller */
	struct mbox_job *spare;		/* memory for a job; taken by the lease */
	u32 clock;			/* MBOX_CLOCK_* of time */
	bool file;			/* the lease is the open file's */
	u64 time;			/* ns until its end; 0: none */
	/* As they follow one another in struct mbox_ioc_lease: */
	u64 ack;			/* token to acknowledge first; 0 once it was */
	struct mbox_delivery delivery;	/* out */
};

/* Replies up to this size go through the stack of the caller. */
#define MBOX_CALL_SMALL		256

/* A call that waits for its reply, on the stack of its caller. */
struct mbox_request {
	bool retry;
	u32 room;
	u32 length;			/* lock: of the reply */
	u32 code;			/* lock: of a rejection */
	bool written;			/* lock: the reply is in the buffer */
	struct mm_struct *mm;		/* of the caller: as long as it waits */
	unsigned long buffer;		/* there, for the reply */
	struct mbox_message *memory;	/* lock: for a larger reply; or NULL */
	struct pid *server;		/* of the reply, counted; or NULL */
	u64 server_start;
	u8 small[MBOX_CALL_SMALL];
};

/* What a send asks for beyond MBOX_IOC_SEND. */
struct mbox_post {
	bool marked;
	bool sync;			/* wait for the receipt */
	bool acked;			/* wait until it is acknowledged */
	u64 mark;
	struct mbox_deadline not_before;
	struct mbox_deadline expires;
	struct mbox_job *job;		/* memory, if it has a time */
	struct mbox_request *call;		/* or NULL */
	const struct mbox_deadline *deadline; /* of the call */
};

/* Whether the sender waits for more than the receipt. */
static inline bool mbox_post_waits(const struct mbox_post *post)
{
	return post && (post->acked || post->call);
}

static inline bool mbox_post_timed(const struct mbox_post *post)
{
	return post && post->job;
}

/* The call that a blocked sender makes, or NULL. */
static inline struct mbox_request *mbox_post_calls(const struct mbox_waiter *sender)
{
	return sender->post ? sender->post->call : NULL;
}

/* The jobs of a mailbox, or NULL. They stay as long as its memory. */
static inline struct mbox_jobs *mbox_jobs_of(const struct mbox *mbox)
{
	const struct mbox_waits *waits = READ_ONCE(mbox->waits);

	return waits ? READ_ONCE(waits->jobs) : NULL;
}

/* The message of a post is accepted, in this section. */
static inline void mbox_post_accepted(struct mbox *mbox, const struct mbox_post *post)
{
	lockdep_assert_held(&mbox->lock);
	if (post->marked)
		mbox->waits->mark = post->mark;
}

/* The number of a lease is in the low bits of its token, that of its message above. */
#define MBOX_TOKEN_BITS	16

static inline u64 mbox_job_token(const struct mbox_job *job)
{
	return job->seq << MBOX_TOKEN_BITS | job->leases;
}

/* Return the job of the message with that number, or NULL. */
static inline struct mbox_job *mbox_job_by_seq(const struct mbox_jobs *jobs, u64 seq)
{
	struct rb_node *node = jobs->by_seq.rb_node;

	/* Bound: the depth of the tree. */
	while (node) {
		struct mbox_job *job = rb_entry(node, struct mbox_job, node);

		if (job->seq == seq)
			return job;
		node = seq < job->seq ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/* Return the job whose last token is @token, or NULL. */
static inline struct mbox_job *mbox_job_find(const struct mbox *mbox, u64 token)
{
	const struct mbox_jobs *jobs = mbox_jobs_of(mbox);
	struct mbox_job *job;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(!jobs))
		return NULL;
	job = mbox_job_by_seq(jobs, token >> MBOX_TOKEN_BITS);
	return job && job->leases && mbox_job_token(job) == token ? job : NULL;
}

/* Set up the part of a job that outlives a move to another mailbox. */
static inline void mbox_job_setup(struct mbox_job *job)
{
	job->end.set = false;
	job->warning.set = false;
	job->not_before.set = false;
	job->expires.set = false;
	job->origin = 0;
	job->origin_seq = 0;
	job->origin_deliveries = 0;
	job->deliveries = 0;
	job->reason = MBOX_REASON_NONE;
	job->code = 0;
	job->warned = false;
}

/* Return free memory of a job, or NULL. */
static inline struct mbox_job *mbox_job_pop(struct mbox_jobs *jobs)
{
	struct mbox_job *job = jobs->spare;

	if (likely(job)) {
		jobs->spare = (struct mbox_job *)job->list.next;
		jobs->nr_spare--;
	}
	return job;
}

/* Return the worker for @pid, or for the file if that is NULL; or NULL. */
static inline struct mbox_worker *mbox_worker_find(const struct mbox_handle *handle,
						   const struct pid *pid)
{
	struct rb_node *node = handle->workers.rb_node;

	lockdep_assert_held(&handle->mbox->lock);
	/* Bound: the depth of the tree. */
	while (node) {
		struct mbox_worker *worker = rb_entry(node, struct mbox_worker, node);

		if (likely(worker->tie.pid == pid))
			return worker;
		node = pid < worker->tie.pid ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/* Under the lock: whether messages that are hidden will return, or may. */
static inline bool mbox_job_pending(const struct mbox *mbox)
{
	const struct mbox_jobs *jobs = mbox_jobs_of(mbox);

	return jobs && (jobs->nr_leased || jobs->nr_delayed);
}

/* job.c */
int mbox_job_attach(struct mbox *mbox);
int mbox_job_attach_attr(struct mbox *mbox, struct file *factory,
			 const struct mbox_attr *attr);
void mbox_job_leave(struct mbox *mbox);
void mbox_job_detach(struct mbox *mbox);
struct mbox_job *mbox_job_new(void);
struct mbox_job *mbox_job_of(struct mbox *mbox, const struct mbox_message *message);
void mbox_job_add(struct mbox *mbox, struct mbox_message *message,
		  struct mbox_job *job);
void mbox_job_drop(struct mbox *mbox, struct mbox_job *job);
void mbox_job_hide(struct mbox *mbox, struct mbox_job *job,
		   enum mbox_job_state state, struct list_head *list);
void mbox_job_take(struct mbox *mbox, struct mbox_job *job);
void mbox_job_requeue(struct mbox *mbox, struct mbox_job *job,
		      struct mbox_deferred *deferred);
void mbox_job_place(struct mbox *mbox, struct mbox_job *job,
		    struct mbox_deferred *deferred);
struct mbox_request *mbox_job_request(const struct mbox_job *job);
void mbox_job_return(struct mbox *mbox, struct mbox_job *job,
		     enum mbox_job_how how, struct mbox_deferred *deferred);
void mbox_job_end(struct mbox *mbox, struct mbox_job *job, u32 reason, u32 code,
		  struct mbox_deferred *deferred);
void mbox_job_revoke(struct mbox *mbox, struct mbox_message *message);
void mbox_job_gone(struct mbox *mbox, struct mbox_deferred *deferred);
void mbox_job_remove(struct mbox *mbox, struct mbox_job *job);
void mbox_job_discard(struct mbox *mbox, struct mbox_job *job,
		      struct mbox_deferred *deferred);
unsigned int mbox_job_clear(struct mbox *mbox, unsigned int n,
			    struct mbox_deferred *deferred);
void mbox_job_purge(struct mbox *mbox, u64 limit, u64 *purged,
		    struct mbox_deferred *deferred);
void mbox_job_info(const struct mbox *mbox, struct mbox_info *info);

/* due.c */
int mbox_due_init(void);
void mbox_due_exit(void);
void mbox_due_setup(struct mbox_jobs *jobs);
void __mbox_due_set(struct mbox_jobs *jobs, struct mbox_job *job);
void __mbox_due_clear(struct mbox_jobs *jobs, struct mbox_job *job);
void mbox_due_again(struct mbox_jobs *jobs);
void mbox_due_stop(struct mbox *mbox);

static inline void mbox_due_clear(struct mbox_jobs *jobs, struct mbox_job *job)
{
	if (unlikely(!RB_EMPTY_NODE(&job->due)))
		__mbox_due_clear(jobs, job);
}

/* The state or the times of a job have changed. */
static inline void mbox_due_set(struct mbox_jobs *jobs, struct mbox_job *job)
{
	if (unlikely(job->state != MBOX_JOB_LEASED || job->end.set ||
		     !RB_EMPTY_NODE(&job->due)))
		__mbox_due_set(jobs, job);
}

/* dead.c */
void mbox_dead_run(struct mbox *mbox);

/* worker.c */
struct mbox_worker *mbox_worker_get(struct mbox_handle *handle, bool file);
void mbox_worker_leave(struct mbox_handle *handle);
void mbox_worker_warn(struct mbox_job *job, bool warned);
void mbox_worker_told(struct mbox *mbox, struct mbox_job *job);

/* lease.c */
void mbox_lease_begin(struct mbox_handle *handle, struct mbox_message *message,
		      struct mbox_lease *lease, struct mbox_deferred *deferred);
int mbox_lease_receive(struct mbox_handle *handle, struct mbox_recv_args *args,
		       struct mbox_lease *lease);
int mbox_lease_ack(struct mbox_handle *handle, struct mbox_ack_entry *entries,
		   unsigned int n);
int mbox_lease_nack(struct mbox_handle *handle, const struct mbox_ioc_nack *arg);
int mbox_lease_extend(struct mbox_handle *handle, const struct mbox_ioc_extend *arg);
int mbox_lease_kick(struct mbox_handle *handle, struct file *file, u64 most,
		    u64 *kicked);
int mbox_lease_lookup(struct mbox_handle *handle, u64 token, struct mbox_job **job);
void mbox_lease_settle(struct mbox_handle *handle, struct mbox_job *job,
		       struct mbox_deferred *deferred);

/* post.c */
void mbox_post_end(struct mbox *mbox, struct mbox_message *message, int error,
		   struct mbox_deferred *deferred);
int mbox_post_timed_send(struct mbox *mbox, struct mbox_waiter *waiter,
			 struct mbox_deferred *deferred);

/* call.c */
int mbox_call(struct mbox_handle *handle, struct mbox_send_args *args,
	      struct mbox_request *request);
int mbox_call_reply(struct mbox_handle *handle, u64 token, const void __user *data,
		    u64 size);

#endif /* MBOX_JOB_H */
