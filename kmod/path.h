/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hot path: the parts of a message's way in and out that send.c and receive.c have
 * inlined. Callers that are in no hurry find the same as functions, in the files of
 * these nouns.
 */
#ifndef MBOX_PATH_H
#define MBOX_PATH_H

#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "broadcast.h"
#include "copy.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "pool.h"
#include "process.h"
#include "queue.h"
#include "trace.h"
#include "user.h"

/*
 * The longest payload that is copied under mbox->lock, with page faults disabled:
 * a page.
 */
#define MBOX_PATH_SIZE		4096

/* The caller, as the sender of messages. */
struct mbox_path_sender {
	struct pid *pid;
	u64 start;
	u64 time;
	kuid_t uid;
	kgid_t gid;
};

static __always_inline struct mbox_path_sender mbox_path_caller(void)
{
	const struct task_struct *leader = current->group_leader;
	const struct cred *cred = current_cred();

	return (struct mbox_path_sender) {
		.pid = leader->thread_pid,
		.start = mbox_process_start(leader),
		.time = ktime_get_coarse_real_ns(),
		.uid = cred->uid,
		.gid = cred->gid,
	};
}

/* See mbox_message_set(); the caller counts the process and the link. */
static __always_inline void mbox_path_fill_in(struct mbox_message *message,
					      struct mbox_user *user,
					      const struct mbox_send_args *args,
					      const struct mbox_path_sender *from)
{
	message->seq = 0;
	message->time = from->time;
	message->pid = from->pid;
	message->start = from->start;
	message->user = user;
	message->sender = NULL;
	message->room = args->room;
	message->length = args->length;
	message->prio = args->prio;
	message->type = args->type;
	message->uid = from->uid;
	message->gid = from->gid;
	message->refs = 1;
	message->state = MBOX_MESSAGE_NEW;
	message->flags = 0;
	message->run = 0;
}

/* See mbox_message_set(). */
static __always_inline void mbox_path_set(struct mbox_message *message,
					  struct mbox_user *user,
					  const struct mbox_send_args *args)
{
	const struct mbox_path_sender from = mbox_path_caller();

	mbox_path_fill_in(message, user, args, &from);
	refcount_inc(&from.pid->count);	/* as task_tgid(): the caller has one */
	if (unlikely(message->room->lane))
		mbox_link_get(message->room->lane->link);
}

/* Copy a payload in under the lock; false if that would have to sleep. */
static __always_inline bool mbox_path_fill(struct mbox_message *message,
					   const void __user *data)
{
	bool copied;

	pagefault_disable();
	copied = mbox_copy_in(message->data, data, message->length);
	pagefault_enable();
	return copied;
}

/* Fill in the header of @message, as a process in these namespaces sees it. */
static __always_inline void mbox_path_header_in(const struct mbox_message *message,
						struct mbox_header *header,
						struct pid_namespace *pid_ns,
						struct user_namespace *user_ns)
{
	header->length = message->length;
	header->seq = message->seq;
	header->time = message->time;
	header->prio = message->prio;
	header->type = message->type;
	header->type_hi = message->type >> 32;
	header->pid = pid_nr_ns(message->pid, pid_ns);
	if (likely(user_ns == &init_user_ns)) {
		header->uid = __kuid_val(message->uid);
		header->gid = __kgid_val(message->gid);
	} else {
		header->uid = from_kuid_munged(user_ns, message->uid);
		header->gid = from_kgid_munged(user_ns, message->gid);
	}
	header->start = message->start;
}

/* See mbox_message_header(). */
static __always_inline void mbox_path_header(const struct mbox_message *message,
					     struct mbox_header *header)
{
	mbox_path_header_in(message, header, task_active_pid_ns(current),
			    current_user_ns());
}

/* Copy a message to its receiver under the lock; false if that would have to sleep. */
static __always_inline bool
mbox_path_copy_out(const struct mbox_handle *handle,
		   const struct mbox_message *message, u32 length, u64 seq,
		   const struct mbox_recv_args *args)
{
	struct mbox_header header __uninitialized;
	bool copied;

	if (args->header) {
		mbox_path_header(message, &header);
		header.seq = seq;
	}
	pagefault_disable();
	copied = mbox_copy_out(args->data, mbox_delivery_payload(handle, message),
			       length);
	if (copied && args->header)
		copied = mbox_copy_out(args->header, &header, sizeof(header));
	pagefault_enable();
	return copied;
}

/* See mbox_message_put(). */
static __always_inline void mbox_path_put(struct mbox *mbox,
					  struct mbox_message *message,
					  struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (unlikely(--message->refs))
		return;
	if (unlikely(message->flags))
		mbox_message_unflag(mbox, message);
	put_pid(message->pid);
	mbox_user_uncharge(message->user, message->length);
	if (unlikely(message->room->lane))
		mbox_link_put(message->room->lane->link);
	mbox_pool_give(mbox, message, deferred);
}

/* Whether @message may be queued now, and need not wait behind another. */
static __always_inline bool mbox_path_may_queue(const struct mbox_room *room,
						const struct mbox_message *message)
{
	return mbox_room_has(room, message->length) &&
	       (likely(RB_EMPTY_ROOT(&room->senders.rb_root)) ||
		mbox_room_overtakes(room, message));
}

/* Count @n messages of @bytes in all as accepted. */
static __always_inline void mbox_path_count(struct mbox *mbox, struct mbox_room *room,
					    u32 n, u64 bytes)
{
	lockdep_assert_held(&mbox->lock);
	mbox->sent += n;
	mbox->sent_bytes += bytes;
	if (unlikely(room->parent)) {
		room->held += n;
		room->held_bytes += bytes;
		room = room->parent;
	}
	room->held += n;
	if (room->held > mbox->peak)
		mbox->peak = room->held;
	room->held_bytes += bytes;
	if (room->held_bytes > mbox->peak_bytes)
		mbox->peak_bytes = room->held_bytes;
}

/* See mbox_room_accept(). */
static __always_inline void mbox_path_accept(struct mbox *mbox,
					     struct mbox_message *message)
{
	mbox_path_count(mbox, message->room, 1, message->length);
	message->seq = mbox->sent;
	trace_mbox_send(mbox, message);
}

/* See mbox_room_release(), of @n messages of @bytes in all. */
static __always_inline void mbox_path_release(struct mbox *mbox, struct mbox_room *room,
					      u32 n, u64 bytes)
{
	lockdep_assert_held(&mbox->lock);
	room->held -= n;
	room->held_bytes -= bytes;
	if (unlikely(room->parent)) {
		room->parent->held -= n;
		room->parent->held_bytes -= bytes;
	}
}

/* See mbox_queue_insert(): mostly at the end. */
static __always_inline void mbox_path_insert(struct mbox_queue *queue,
					     struct mbox_message *message)
{
	const struct mbox_message *last;

	last = list_last_entry(&queue->messages, struct mbox_message, node);
	if (unlikely(message->room->lane || !hlist_empty(&queue->cursors)) ||
	    unlikely(!list_empty(&queue->messages) &&
		     (last->prio != message->prio || last->seq > message->seq ||
		      ++queue->since_step >= MBOX_STEP))) {
		mbox_queue_insert(queue, message);
		return;
	}
	message->state = MBOX_MESSAGE_QUEUED;
	RB_CLEAR_NODE(&message->step);
	list_add_tail(&message->node, &queue->messages);
}

/* See mbox_queue_remove(): mostly from the front, with one next that is no step. */
static __always_inline void mbox_path_remove(struct mbox_queue *queue,
					     struct mbox_message *message)
{
	const struct mbox_message *next = list_next_entry(message, node);

	if (unlikely(message->room->lane || !hlist_empty(&queue->cursors) ||
		     message->node.prev != &queue->messages) ||
	    unlikely(&next->node != &queue->messages &&
		     !RB_EMPTY_NODE(&next->step))) {
		mbox_queue_remove(queue, message);
		return;
	}
	/* It is the first: no need to check its neighbours again. */
	__list_del(&queue->messages, message->node.next);
}

/* See mbox_queue_end_flight(). */
static __always_inline void mbox_path_end_flight(struct mbox_queue *queue,
						 struct mbox_message *message)
{
	if (unlikely(message->room->lane)) {
		mbox_queue_end_flight(queue, message);
		return;
	}
	queue->nr_hidden--;
	mbox_path_remove(queue, message);
}

#endif /* MBOX_PATH_H */
