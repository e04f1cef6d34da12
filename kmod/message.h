/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages, their memory, and their way in and out of a mailbox. */
#ifndef MBOX_MESSAGE_H
#define MBOX_MESSAGE_H

#include <linux/limits.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/mbox.h>

#include "queue.h"
#include "wait.h"

struct iov_iter;
struct mbox;
struct mbox_deferred;
struct mbox_handle;
struct mbox_lease;
struct mbox_member;
struct mbox_mode;
struct mbox_sender;
struct mbox_share;
struct mbox_post;
struct mbox_user;
struct mbox_waiter;
struct pid;

enum mbox_message_state {
	MBOX_MESSAGE_NEW,	/* its sender's alone */
	MBOX_MESSAGE_PENDING,	/* of a blocked sender, not accepted yet */
	MBOX_MESSAGE_QUEUED,	/* accepted */
	MBOX_MESSAGE_IN_FLIGHT,	/* accepted, a receiver is copying it */
	MBOX_MESSAGE_HIDDEN,	/* accepted, in no queue: its job says why */
	MBOX_MESSAGE_GONE,	/* withdrawn or dropped while a receiver copied */
};

/* struct mbox_message, flags */
#define MBOX_MESSAGE_SHARED	BIT(0)	/* counted in a share, see share.c */
#define MBOX_MESSAGE_JOB	BIT(1)	/* it has a job, see job.h */

/*
 * A message, with its payload. pool.h says where its memory comes from.
 *
 * From the time it is visible to others (PENDING, or accepted) all of it but
 * the payload is guarded by mbox->lock. The payload is constant from then on;
 * it may be read without the lock by a receiver that took the message, or by
 * one that peeks and counted itself in refs.
 */
struct mbox_message {
	union {
		struct list_head node;	/* of its queue */
		struct mbox_message *next; /* of a stack of memory, see pool.h */
	};
	union {
		struct rb_node step;	/* in queue->steps: see queue.h */
		struct {		/* of one that is broadcast: */
			struct list_head deliveries; /* not settled */
			u32 left;	/* of these, and one while they are made */
			u32 receipts;
		};
	};
	u64 seq;			/* 0 until accepted */
	u64 time;			/* nanoseconds, CLOCK_REALTIME_COARSE */
	struct pid *pid;		/* thread group of the sender, counted */
	u64 start;			/* of that process: mbox_process_start() */
	struct mbox_user *user;		/* charged for it */
	struct mbox_waiter *sender;	/* waits for its receipt, or NULL */
	struct mbox_room *room;		/* in which it counts; a lane's link counted */
	u64 type;
	u32 length;
	u32 prio;
	kuid_t uid;
	kgid_t gid;
	u32 refs;			/* owner and peekers; freed with the last */
	u8 state;			/* enum mbox_message_state */
	u8 class;			/* constant: of its memory, see pool.h */
	u8 flags;			/* MBOX_MESSAGE_SHARED, _JOB */
	u8 run;				/* inserted since the step before it: see queue.c */
	u8 data[] __aligned(8);
};

/*
 * In place of the address of a payload that lies in several pieces: no copy takes it, so
 * the fast paths leave the message to a slow one, which looks at the iterator.
 */
#define MBOX_DATA_SCATTERED	((void __user *)-1L)

/* Arguments of a call, copied and checked. */
struct mbox_send_args {
	const void __user *data;
	u32 length;
	u32 prio;
	u64 type;
	bool nonblock;
	bool scattered;			/* data is MBOX_DATA_SCATTERED: the payload is in
					 * iter, which is not advanced
					 */
	u32 how;			/* MBOX_SEND_SYNC, _NORESTART */
	struct mbox_post *post;		/* with SYNC: more than a SEND; or NULL */
	struct mbox_deadline deadline;
	const struct iov_iter *iter;
	struct mbox_room *room;		/* out: of the mailbox, or of a lane */
	struct mbox_share *share;	/* for the message, if it needs one; or NULL */
};

struct mbox_recv_args {
	void __user *data;
	size_t size;
	struct mbox_header __user *header;	/* or NULL */
	bool nonblock;
	u32 how;			/* MBOX_RECV_PEEK, _TRUNC, _NORESTART */
	bool scattered;			/* as of a send; header, if any, comes first */
	bool ended;			/* BY_START: the sender has, see sender.c */
	struct mbox_filter filter;
	struct mbox_deadline deadline;
	const struct iov_iter *iter;
	u64 turn;			/* kept by a retry; 0: has none yet */
	struct mbox_member *member;	/* that makes the call; NULL: not kept */
	struct mbox_sender *sender;	/* BY_START: watched; or NULL */
	struct mbox_lease *lease;	/* to be leased, not taken; or NULL */
	struct mbox_mode *mode;		/* of a handle that is not plain: counted; or NULL */
	bool framed;			/* likewise: a header goes before the payload */
	u32 length;			/* out: of the message received */
};

/* Send as write() does, and set nothing that only the caller knows. */
static __always_inline void mbox_send_args_setup(struct mbox_send_args *args)
{
	args->prio = 0;
	args->type = 0;
	args->how = 0;
	args->scattered = false;
	args->deadline.set = false;
	args->share = NULL;
}

/* Ask for any message, and set nothing that only the caller knows. */
static __always_inline void mbox_recv_args_setup(struct mbox_recv_args *args)
{
	args->header = NULL;
	args->how = 0;
	args->scattered = false;
	args->ended = false;
	args->filter.flags = 0;
	args->filter.min_prio = 0;
	args->filter.lane = NULL;
	args->deadline.set = false;
	args->turn = 0;
	args->member = NULL;
	args->sender = NULL;
	args->lease = NULL;
}

/* Return how many bytes of a message of @length a receive copies. */
static inline u32 mbox_recv_args_length(const struct mbox_recv_args *args, u32 length)
{
	return unlikely(args->how & MBOX_RECV_TRUNC) ?
	       min_t(size_t, length, args->size) : length;
}

/* A receive off the fast path, from one of its steps to the next. */
struct mbox_receive_slow {
	s64 prefaulted;			/* bytes of the buffer that are faulted in; less
					 * than 0: not even the header
					 */
	struct mbox_message *message;	/* that was found */
	struct mbox_header header;	/* of it */
	bool yielded;			/* once: it sleeps now if there is no message */
	u16 yield;			/* then: as mbox_yield() returned */
	struct mbox_waiter waiter;
};

/* A step of a receive, beside 0, MBOX_RETRY and errors: not for the fast path. */
#define MBOX_RECEIVE_SLOW	(MBOX_RETRY + 1)

/* message.c */
void mbox_message_set(struct mbox_message *message, struct mbox_user *user,
		      const struct mbox_send_args *args);
int mbox_message_fill(struct mbox_message *message,
		      const struct mbox_send_args *args);
void mbox_message_put(struct mbox *mbox, struct mbox_message *message,
		      struct mbox_deferred *deferred);
void mbox_message_unflag(struct mbox *mbox, struct mbox_message *message);
void mbox_message_free(struct mbox_message *message);
void mbox_message_header(const struct mbox_message *message,
			 struct mbox_header *header);

/* send.c */
int mbox_send(struct mbox_handle *handle, struct mbox_send_args *args);
int mbox_send_enter(struct mbox_handle *handle, struct mbox_send_args *args,
		    struct mbox **mbox, struct mbox_member **member);
int mbox_send_one(struct mbox_handle *handle, struct mbox *mbox,
		  struct mbox_send_args *args);
int mbox_send_section(struct mbox *mbox, struct mbox_user *user,
		      struct mbox_send_args *args, struct mbox_message *memory,
		      struct mbox_deferred *deferred);
struct mbox_user *mbox_send_charge(struct mbox_handle *handle,
				   struct mbox_send_args *args);
void mbox_send_short(struct mbox_handle *handle);
void mbox_send_deliver(struct mbox *mbox, struct mbox_message *message,
		       struct mbox_waiter *receiver,
		       struct mbox_deferred *deferred);
void mbox_send_put_back(struct mbox *mbox, struct mbox_message *message,
			struct mbox_deferred *deferred);
void mbox_send_admit(struct mbox *mbox, struct mbox_room *room,
		     struct mbox_deferred *deferred);
int mbox_send_refusal(const struct mbox *mbox);

/* send_wait.c */
int mbox_send_wait(struct mbox_handle *handle, struct mbox *mbox,
		   struct mbox_message *message,
		   const struct mbox_send_args *args);
void mbox_send_end(struct mbox *mbox, struct mbox_waiter *waiter, int error,
		   struct mbox_deferred *deferred);

/* transfer.c: the message has to go the usual way. */
#define MBOX_TRANSFER_NONE	INT_MAX

void mbox_transfer_offer(const struct mbox *mbox, struct mbox_waiter *waiter,
			 struct mbox_recv_args *args);
int mbox_transfer_send(struct mbox *mbox, struct mbox_user *user,
		       const struct mbox_send_args *args,
		       struct mbox_message *memory);

/* receive_slow.c */
int mbox_receive_look(struct mbox_handle *handle, struct mbox_recv_args *args,
		      struct mbox_receive_slow *slow,
		      struct mbox_deferred *deferred);
int mbox_receive_go_on(struct mbox_handle *handle, struct mbox_recv_args *args,
		       struct mbox_receive_slow *slow, int step);

int mbox_receive_check_flight(struct mbox_handle *handle,
			      struct mbox_message *message,
			      struct mbox_deferred *deferred);

/* receive.c */
int mbox_receive_delivered(struct mbox_handle *handle, struct mbox_message *message,
			   struct mbox_recv_args *args);
int mbox_receive_small(struct mbox_handle *handle, struct mbox_message *message,
		       u64 seq, struct mbox_recv_args *args,
		       struct mbox_deferred *deferred);
int mbox_receive_commit(struct mbox_handle *handle,
			struct mbox_message *message,
			struct mbox_recv_args *args,
			struct mbox_deferred *deferred);
int mbox_receive(struct mbox_handle *handle, struct mbox_recv_args *args);
int mbox_receive_enter(struct mbox_handle *handle, struct mbox_recv_args *args);
void mbox_receive_leave(struct mbox_handle *handle,
			const struct mbox_recv_args *args, int result);
int mbox_receive_one(struct mbox_handle *handle, struct mbox_recv_args *args);
int mbox_receive_first(struct mbox_handle *handle, struct mbox_recv_args *args,
		       struct mbox_deferred *deferred);

/* sender.c */
int mbox_sender_check(struct mbox_recv_args *args);
void mbox_sender_look(struct mbox_recv_args *args);
const bool *mbox_sender_ended(struct mbox_sender *sender);
void mbox_sender_forget(struct mbox_sender *sender);

#endif /* MBOX_MESSAGE_H */
