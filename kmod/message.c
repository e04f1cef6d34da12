// SPDX-License-Identifier: GPL-2.0-only
/* Messages: slots, large payloads, and copying the payload in. */
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "copy.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "process.h"
#include "user.h"
#include "wait.h"

/*
 * A slot has the size that the ABI promises to charge for it. The mailbox keeps
 * some free slots, under its lock, so that a stream of small messages allocates
 * nothing. Free slots are linked through node.next, as trash is.
 */
#define SLOT_SIZE	(sizeof(struct mbox_message) + MBOX_SMALL_SIZE)

/* Messages that are freed before others may run. */
#define FREE_BATCH	64

static_assert(SLOT_SIZE <= MBOX_SMALL_CHARGE);
static_assert(sizeof(struct mbox_message) <= MBOX_LARGE_CHARGE);

static struct kmem_cache *slot_cache;

int __init mbox_message_init(void)
{
	slot_cache = kmem_cache_create_usercopy("mbox_slot", MBOX_SMALL_CHARGE,
						0, SLAB_HWCACHE_ALIGN,
						offsetof(struct mbox_message, data),
						MBOX_SMALL_SIZE, NULL);
	return slot_cache ? 0 : -ENOMEM;
}

void mbox_message_exit(void)
{
	kmem_cache_destroy(slot_cache);
}

/* A stack of free memory, or of messages to be freed. */
void mbox_slot_push(struct mbox_message **stack, struct mbox_message *message)
{
	message->node.next = *stack ? &(*stack)->node : NULL;
	*stack = message;
}

struct mbox_message *mbox_slot_pop(struct mbox_message **stack)
{
	struct mbox_message *message = *stack;

	if (message)
		*stack = message->node.next ?
			 list_entry(message->node.next, struct mbox_message,
				    node) : NULL;
	return message;
}

/* Memory for a message of @length bytes, or NULL. May sleep. */
struct mbox_message *mbox_message_new(u32 length)
{
	if (length <= MBOX_SMALL_SIZE)
		return kmem_cache_alloc(slot_cache, GFP_KERNEL_ACCOUNT);
	return kvmalloc(sizeof(struct mbox_message) + length,
			GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

/* A free slot of @mbox, or NULL. */
struct mbox_message *mbox_slot_take(struct mbox *mbox)
{
	struct mbox_message *slot;

	lockdep_assert_held(&mbox->lock);
	slot = mbox_slot_pop(&mbox->slots);
	if (slot)
		mbox->nr_slots--;
	return slot;
}

/* May sleep. */
void mbox_slot_free_all(struct mbox_message *slots)
{
	struct mbox_message *slot;
	unsigned int n = 0;

	while ((slot = mbox_slot_pop(&slots))) {
		kmem_cache_free(slot_cache, slot);
		if (!(++n % FREE_BATCH))
			cond_resched();
	}
}

/**
 * mbox_message_set - make a message the caller's, and new
 * @message:	memory for args->length bytes of payload
 * @user:	the user charged for it; the charge goes over to the message
 * @args:	of the send
 */
void mbox_message_set(struct mbox_message *message, struct mbox_user *user,
		      const struct mbox_send_args *args)
{
	const struct task_struct *leader = current->group_leader;
	const struct cred *cred = current_cred();
	struct pid *pid = leader->thread_pid;

	message->seq = 0;
	message->pid = pid;
	message->start = mbox_process_start(leader);
	message->user = user;
	message->sender = NULL;
	message->room = args->room;
	message->length = args->length;
	message->prio = args->prio;
	message->type = args->type;
	message->uid = cred->uid;
	message->gid = cred->gid;
	message->refs = 1;
	message->state = MBOX_MESSAGE_NEW;
	message->shared = false;
	/* Calls last: little has to be kept in registers across them. */
	refcount_inc(&pid->count);	/* as task_tgid(): the caller has one */
	if (unlikely(message->room->lane))
		mbox_link_get(message->room->lane->link);
	message->time = ktime_get_coarse_real_ns();
}

/* Copy the payload in; may sleep. 0 or EFAULT. */
int mbox_message_fill(struct mbox_message *message, const void __user *data)
{
	if (copy_from_user(message->data, data, message->length))
		return -EFAULT;
	return 0;
}

/* Copy a small payload in under a lock; false if that would have to sleep. */
bool mbox_message_fill_atomic(struct mbox_message *message,
			      const void __user *data)
{
	bool copied;

	if (!message->length)
		return true;
	pagefault_disable();
	copied = mbox_copy_in(message->data, data, message->length);
	pagefault_enable();
	return copied;
}

/* Drop the references of a message. Its sender pays until here: until its memory goes. */
static void message_unset(struct mbox_message *message)
{
	put_pid(message->pid);
	if (likely(message->user))
		mbox_user_uncharge(message->user, message->length);
	if (unlikely(message->room->lane))
		mbox_link_put(message->room->lane->link);
}

/* Free a message that only the caller knows, without the lock. */
void mbox_message_free(struct mbox_message *message)
{
	message_unset(message);
	if (message->length <= MBOX_SMALL_SIZE)
		kmem_cache_free(slot_cache, message);
	else
		kvfree(message);
}

/* May sleep. */
void mbox_message_free_all(struct mbox_message *trash)
{
	struct mbox_message *message;
	unsigned int n = 0;

	while ((message = mbox_slot_pop(&trash))) {
		mbox_message_free(message);
		if (!(++n % FREE_BATCH))
			cond_resched();
	}
}

/* Whether one more free slot may be kept, beyond those that each mailbox may keep. */
static noinline bool slot_grow(struct mbox *mbox)
{
	if (mbox->max_slots >= MBOX_SLOTS_KEPT ||
	    mbox->state == MBOX_STATE_DEAD ||
	    !mbox_user_add_slots(mbox->creator, MBOX_SLOTS_STEP))
		return false;
	mbox->max_slots += MBOX_SLOTS_STEP;
	return true;
}

/* Keep no free slots any more. Return those that were kept, to be freed. */
struct mbox_message *mbox_slot_end(struct mbox *mbox)
{
	struct mbox_message *slots = mbox->slots;

	if (mbox->max_slots)
		mbox_user_remove_slots(mbox->creator,
				       mbox->max_slots - MBOX_SLOTS_STEP);
	mbox->max_slots = 0;
	mbox->nr_slots = 0;
	mbox->slots = NULL;
	return slots;
}

/**
 * mbox_message_put - drop one reference to a message
 * @mbox:	its mailbox, locked
 * @message:	on no list
 * @deferred:	takes memory that must not be freed under a lock
 *
 * The charge goes with the last reference, so that a peek that is under way holds it.
 * It goes at once, for the caller may wake tasks that wait for it.
 */
void mbox_message_put(struct mbox *mbox, struct mbox_message *message,
		      struct mbox_deferred *deferred)
{
	lockdep_assert_held(&mbox->lock);
	if (--message->refs)
		return;
	if (unlikely(message->shared))
		mbox_share_drop(mbox, message);
	if (message->length <= MBOX_SMALL_SIZE &&
	    (mbox->nr_slots < mbox->max_slots || slot_grow(mbox))) {
		message_unset(message);
		mbox_slot_push(&mbox->slots, message);
		mbox->nr_slots++;
	} else {
		mbox_user_uncharge(message->user, message->length);
		message->user = NULL;
		mbox_slot_push(&deferred->trash, message);
	}
}

/* Fill in the header of @message, as the caller sees it. */
void mbox_message_header(const struct mbox_message *message,
			 struct mbox_header *header)
{
	const struct cred *cred = current_cred();

	header->length = message->length;
	header->seq = message->seq;
	header->time = message->time;
	header->prio = message->prio;
	header->type = message->type;
	header->pid = pid_nr_ns(message->pid, task_active_pid_ns(current));
	header->uid = from_kuid_munged(cred->user_ns, message->uid);
	header->gid = from_kgid_munged(cred->user_ns, message->gid);
	header->flags = 0;
	header->start = message->start;
}
