/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiters: blocked calls, their deadlines, and the work that a section defers. */
#ifndef MBOX_WAIT_H
#define MBOX_WAIT_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/sched/task.h>
#include <linux/types.h>
#include <linux/mbox.h>

struct mbox;
struct mbox_cursor;
struct mbox_endpoint;
struct mbox_filter;
struct mbox_handle;
struct mbox_lane;
struct mbox_jobs;
struct mbox_member;
struct mbox_track;
struct mbox_message;
struct mbox_post;
struct mbox_recv_args;
struct pid;
struct task_struct;
struct user_namespace;

struct mbox_deadline {
	bool set;
	clockid_t clock;
	ktime_t expires;
};

/* How long receives through a handle poll before they sleep: see spin.c. */
struct mbox_spin {
	u32 budget;			/* ns */
	u16 rest;			/* waits that are not to poll */
	u16 failures: 12;		/* waits that rest after the next failure */
	u16 trial: 4;			/* waits to come, if a trial is under way */
};

/* A message concerns a receiver, which has to look for itself. */
#define MBOX_RETRY		1

/* The place of a sender in the order of a room. */
struct mbox_rank {
	struct rb_node node;		/* lock: room->senders */
	struct mbox_waiter *waiter;
};

/* How far a waiter is: see MBOX_WAKE in wait.c, and MBOX_SPIN in spin.c. */
enum mbox_waiter_phase {
	MBOX_WAITER_ASLEEP,		/* or about to be: it has to be woken */
	MBOX_WAITER_SPINS,		/* it polls */
	MBOX_WAITER_MISSED,		/* as ASLEEP, after it polled in vain */
	MBOX_WAITER_DONE,		/* it has its result */
};

/*
 * A call that is blocked; lives on its stack. See MBOX_WAKE in wait.c for how it
 * is completed.
 */
struct mbox_waiter {
	struct list_head node;		/* lock: side of a ring, rest; or empty */
	struct rb_node keyed;		/* lock: receivers->keyed; or clear */
	struct list_head all;		/* lock: mbox->waiters */
	struct hlist_node late;		/* lock: in the deferred of its waker */
	u64 number;			/* of the wait: constant; 0: a dump's marker */
	u64 since;			/* constant: jiffies */
	struct task_struct *task;	/* constant */
	struct mbox_handle *handle;	/* constant: the call is made through it */
	struct list_head call;		/* lock: handle->receives or ->sends */
	bool completed;			/* lock: has its result */
	bool spins;			/* constant: goes by spin.c */
	u32 phase;			/* enum mbox_waiter_phase; DONE is published
					 * with release: last write
					 */
	int error;			/* result, valid when completed; may be
					 * MBOX_RETRY for a receiver
					 */
	struct mbox_message *message;	/* sender: its message until accepted;
					 * receiver: delivered to it
					 */
	/* of one that spins, by local_clock() */
	u64 began;			/* of the caller; 0: not known */
	u64 came;			/* its result, if it was not polling */
	/* of a receiver */
	const struct mbox_filter *filter;
	size_t size;
	u32 how;			/* MBOX_RECV_*, of which PEEK counts */
	bool limited;			/* lock: counts as one of the rest */
	u64 turn;			/* receivers are in order of it: the number
					 * of the first wait of the call
					 */
	u64 fit;			/* messages shorter than this fit; peeks: 0 */
	u64 most_fit;			/* lock: the most below it in the tree */
	struct mbox_receivers *receivers; /* lock: among which it waits; or NULL */
	struct mbox_member *member;	/* that makes the call, or NULL; held by it */
	const bool *ended;		/* BY_START: set when the sender ended; or NULL */
	/* of a receiver that a sender may copy to: see transfer.c */
	struct mbox_recv_args *offer;	/* of the call; or NULL */
	struct user_namespace *user_ns;	/* of the caller */
	struct mbox_waiter **claim;	/* lock: the sender's pointer to the waiter, which
					 * is cleared when the wait ends; or NULL
					 */
	/* of a call on a link */
	struct mbox_lane *lane;		/* constant; else NULL */
	struct mbox_endpoint *waits;	/* lock: that has its edge, deadlock.c */
	/* of a sender; a receiver does not set them */
	struct mbox_rank ranks[2];	/* lock: of its room, and of the parent; clear */
	u32 order;			/* constant while it has these: higher is first */
	bool sync;			/* waits until it is received */
	struct mbox_post *post;		/* of the call, if it is more than a SEND; or NULL */
	struct pid *receiver;		/* its process, counted */
	/* of a sender that broadcasts: guarded by the lock */
	u8 stage;			/* enum mbox_cast_stage */
	bool nonblock;			/* constant */
	bool withdrawn;			/* it has to take back its deliveries */
	u64 until;			/* the last subscription that is meant */
	struct mbox_message *spares;	/* slots for deliveries */
	u32 nr_spares;
	u32 nr_charged;			/* to its user: spares, or for some */
	u32 delivered;			/* result: handles */
};

/*
 * Receives that wait for messages of one queue. A message finds those that it suits
 * by their filters, so that others do not make its way longer: see receivers.c.
 */
struct mbox_receivers {
	struct rb_root_cached keyed;	/* by key, then turn */
	u32 nr_filtered;		/* of these, those that do not take any message */
	struct list_head rest;		/* by turn: they have to be looked at */
	u32 nr_rest;			/* of these; up to MBOX_WAITERS_MAX */
};

/*
 * The blocked calls of a mailbox, and the counters that only they change. Allocated
 * before the first call that may block, or with the mailbox, see mbox_waits_attach();
 * guarded by mbox->lock.
 */
struct mbox_waits {
	struct mbox_receivers receivers; /* of its own queue, or of all lanes */
	struct list_head waiters;	/* all, by number, and markers of dumps */
	u64 nr_blocked;			/* waits ever, also the last's number */
	u64 nr_woken;			/* of these, completed */
	u64 spin_hits;			/* ended while they polled */
	u64 spin_misses;		/* polled in vain, and have ended */
	u64 withdrawn;			/* messages, by blocked senders */
	u32 nr_senders;			/* that are blocked */
	struct mbox_jobs *jobs;		/* see job.h; NULL: none ever was */
	u64 mark;			/* of the last message that had one */
	struct mbox_handle *notify;	/* whose notice is armed; or NULL */
	struct mbox_track *track;	/* constant: with TRACK; else NULL */
};

/*
 * A message that was queued, or is pending, and the receivers that are still to be
 * told of it: they did not fit into one section.
 */
struct mbox_tell {
	u64 type;
	struct pid *pid;		/* counted */
	u64 start;			/* of that process */
	struct mbox_lane *lane;		/* only compared */
	u64 limit;			/* the last wait that is to be told */
	u32 flags;			/* where to go on: the key, */
	unsigned int level;		/* level of pid, */
	u64 turn;			/* and after this turn */
};

/*
 * The work that a section under mbox->lock leaves to be done after it. Waiters beyond
 * the first few are completed, but woken later, in sections of their own.
 */
#define MBOX_DEFERRED_WAKES	4

struct mbox_deferred {
	u32 nr_tasks;
	__poll_t events;		/* to be told to pollers */
	union {
		struct {
			bool died;	/* the mailbox did: unlist it */
			bool admit;	/* there may be room for more senders; with
					 * BROADCAST: there is more to deliver
					 */
			bool dying;	/* messages are for the dead-letter mailbox */
			bool hang_up;	/* maybe no sender is left */
		};
		u32 more;		/* any of these */
	};
	bool telling;			/* more are to be told: see tell */
	struct hlist_head late;		/* lock: waiters that are not done */
	struct mbox_message *trash;	/* a stack of memory to be freed */
	struct task_struct *tasks[MBOX_DEFERRED_WAKES]; /* counted */
	struct mbox_tell tell;
};

/* Take back, under the lock, a wait that ended with @error. Return its result. */
typedef int (*mbox_waiter_give_up_t)(struct mbox *mbox,
				     struct mbox_waiter *waiter, int error,
				     struct mbox_deferred *deferred);

/* Blocked calls, or messages, that end in one section under the lock. */
#define MBOX_END_BATCH		64

/* wait.c */
int mbox_waits_attach(struct mbox *mbox);
void mbox_waiter_setup_receiver(struct mbox_waiter *waiter);
void mbox_waiter_setup(struct mbox_waiter *waiter);
int mbox_waiter_block_receiver(struct mbox *mbox,
			       struct mbox_receivers *receivers,
			       struct mbox_waiter *waiter, u64 *turn,
			       struct mbox_deferred *deferred);
void mbox_waiter_block_sender(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_block_sync(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_await_receipt(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_block_side(struct mbox *mbox, struct list_head *waiters,
			    struct mbox_waiter *waiter);
int mbox_waiter_stop(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		     mbox_waiter_give_up_t give_up);
int mbox_waiter_wait(struct mbox *mbox, struct mbox_waiter *waiter,
		     const struct mbox_deadline *deadline,
		     mbox_waiter_give_up_t give_up);
struct mbox_waiter *mbox_waiter_first(const struct mbox *mbox);
void mbox_waiter_cancel(struct mbox *mbox, struct mbox_waiter *waiter);
void mbox_waiter_complete(struct mbox *mbox, struct mbox_waiter *waiter,
			  int error, struct mbox_deferred *deferred);
void mbox_waiter_end(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		     struct mbox_deferred *deferred);
unsigned int mbox_waiter_end_some(struct mbox *mbox, unsigned int n, int error,
				  struct mbox_deferred *deferred);
bool mbox_waiter_suits(const struct mbox_waiter *receiver,
		       const struct mbox_message *message);
void mbox_waiter_deliver(struct mbox *mbox, struct mbox_waiter *receiver,
			 struct mbox_message *message,
			   struct mbox_deferred *deferred);
void mbox_waiter_tell(struct mbox *mbox, const struct mbox_message *message,
		      struct mbox_deferred *deferred);
void mbox_waiter_accepted(struct mbox *mbox, struct mbox_message *message,
			  struct mbox_deferred *deferred);

/* Let the task of a completed waiter go on; the caller wakes it and drops it. */
static inline struct task_struct *mbox_waiter_publish(struct mbox_waiter *waiter)
{
	struct task_struct *task = get_task_struct(waiter->task);

	/* see MBOX_WAKE */
	smp_store_release(&waiter->phase, MBOX_WAITER_DONE);
	return task;
}

/*
 * Return the error of a call that waited. If it asked for that, it is not made again after
 * a handler has run.
 */
static inline int mbox_waiter_restart(int error, bool norestart)
{
	return error == -ERESTARTSYS && norestart ? -ERESTARTNOHAND : error;
}

/* deferred.c */
void mbox_deferred_run(struct mbox *mbox, struct mbox_deferred *deferred);

/* A section under the lock begins: it has deferred nothing yet. */
static inline void mbox_deferred_setup(struct mbox_deferred *deferred)
{
	deferred->nr_tasks = 0;
	deferred->events = 0;
	deferred->more = 0;
	deferred->telling = false;
	INIT_HLIST_HEAD(&deferred->late);
	deferred->trash = NULL;
}

/* Return whether a section has to end: long work, or enough tasks to wake, follow it. */
static inline bool mbox_deferred_full(const struct mbox_deferred *deferred)
{
	return deferred->nr_tasks == MBOX_DEFERRED_WAKES || deferred->admit ||
	       deferred->telling || deferred->died;
}

/* deadline.c */
int __mbox_deadline_set(struct mbox_deadline *deadline, u32 clock, s64 ns);

/* Set a deadline from its form in the ABI. 0 or EINVAL. */
static inline int mbox_deadline_set(struct mbox_deadline *deadline, u32 clock,
				    s64 ns)
{
	deadline->set = false;
	if (clock == MBOX_CLOCK_NONE && !ns)
		return 0;
	return __mbox_deadline_set(deadline, clock, ns);
}

ktime_t mbox_deadline_left(const struct mbox_deadline *deadline);
void mbox_deadline_set_after(struct mbox_deadline *deadline, clockid_t clock, u64 ns);

/* spin.c */
void mbox_spin_init(void);
bool mbox_spin_poll(struct mbox_waiter *waiter,
		    const struct mbox_deadline *deadline);
void mbox_spin_slept(const struct mbox_waiter *waiter, int error);
void mbox_spin_count(struct mbox *mbox, const struct mbox_waiter *waiter);
bool mbox_spin_complete(struct mbox *mbox, struct mbox_waiter *waiter);

/* yield.c */
bool mbox_yield_wanted(struct mbox_handle *handle);
u16 mbox_yield(struct mbox_handle *handle);
void mbox_yield_failed(struct mbox_handle *handle, u16 before);

/* receivers.c */
void mbox_receivers_setup(struct mbox_receivers *receivers);
struct mbox_receivers *mbox_receivers_of(const struct mbox *mbox,
					 const struct mbox_message *message);
int mbox_receivers_add(const struct mbox *mbox,
		       struct mbox_receivers *receivers,
		       struct mbox_waiter *waiter);
void mbox_receivers_remove(struct mbox_waiter *waiter);
struct mbox_waiter *mbox_receivers_choose(const struct mbox *mbox,
					  struct mbox_receivers *receivers,
					  const struct mbox_message *message);
struct mbox_waiter *mbox_receivers_of_lane(struct mbox_receivers *receivers,
					   struct mbox_lane *lane);
bool mbox_receivers_any(struct mbox_receivers *receivers,
			const struct mbox_message *message);
void mbox_receivers_tell(struct mbox *mbox, struct mbox_receivers *receivers,
			 const struct mbox_message *message,
			 struct mbox_deferred *deferred);
void mbox_receivers_tell_on(struct mbox *mbox, struct mbox_deferred *deferred);

/* policy.c */
struct mbox_waiter *mbox_policy_choose(const struct mbox *mbox,
				       const struct list_head *receivers,
				       const struct mbox_message *message);

#endif /* MBOX_WAIT_H */
