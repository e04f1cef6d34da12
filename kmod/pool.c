// SPDX-License-Identifier: GPL-2.0-only
/* Memory of messages, and the free memory that a mailbox recycles. */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "batch.h"
#include "mbox.h"
#include "message.h"
#include "pool.h"
#include "user.h"

/* Messages that are freed before others may run. */
#define FREE_BATCH	64

static_assert(sizeof(struct mbox_message) + MBOX_SMALL_SIZE <= MBOX_SMALL_CHARGE);
static_assert(sizeof(struct mbox_message) <= MBOX_LARGE_CHARGE);

static struct kmem_cache *slot_cache;

int __init mbox_pool_init(void)
{
	slot_cache = kmem_cache_create_usercopy("mbox_slot", MBOX_SMALL_CHARGE,
						0, SLAB_HWCACHE_ALIGN,
						offsetof(struct mbox_message, data),
						MBOX_SMALL_SIZE, NULL);
	return slot_cache ? 0 : -ENOMEM;
}

void mbox_pool_exit(void)
{
	kmem_cache_destroy(slot_cache);
}

/* Return memory for a message of @length bytes, or NULL. May sleep. */
struct mbox_message *mbox_pool_alloc(u32 length)
{
	unsigned int class = mbox_pool_class(length);
	struct mbox_message *message;

	if (!class)
		message = kmem_cache_alloc(slot_cache, GFP_KERNEL_ACCOUNT);
	else
		message = kvmalloc(class < MBOX_POOL_CLASSES ?
				   mbox_pool_class_size(class) :
				   (u64)length + sizeof(*message),
				   GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (message)
		message->class = class;
	return message;
}

/* Push @n slots, at most MBOX_BATCH_SECTION, or none if there is no memory. May sleep. */
void mbox_pool_alloc_slots(struct mbox_message **stack, unsigned int n)
{
	void *slots[MBOX_BATCH_SECTION];
	struct mbox_message *slot;
	unsigned int i;

	/* All or none; not every kernel returns the number. */
	if (!kmem_cache_alloc_bulk(slot_cache, GFP_KERNEL_ACCOUNT, n, slots))
		return;
	for (i = 0; i < n; i++) {
		slot = slots[i];
		slot->class = 0;
		mbox_pool_push(stack, slot);
	}
}

/* Free the memory of a message, which holds nothing. May sleep. */
void mbox_pool_free(struct mbox_message *message)
{
	if (!message->class)
		kmem_cache_free(slot_cache, message);
	else
		kvfree(message);
}

/* The same of all on a stack. */
void mbox_pool_free_all(struct mbox_message *stack)
{
	struct mbox_message *message;
	unsigned int n = 0;

	while ((message = mbox_pool_pop(&stack))) {
		mbox_pool_free(message);
		if (!(++n % FREE_BATCH))
			cond_resched();
	}
}

/**
 * mbox_pool_add - have a mailbox recycle the memory of its messages
 * @mbox:	not locked
 *
 * A mailbox has no pool before its first message. Without memory for one it goes on
 * allocating each message.
 */
void mbox_pool_add(struct mbox *mbox)
{
	struct mbox_pool *pool;

	pool = kzalloc(sizeof(*pool), GFP_KERNEL_ACCOUNT);
	if (!pool)
		return;
	pool->max_units = MBOX_POOL_STEP;
	spin_lock(&mbox->lock);
	if (!mbox->pool && mbox->state != MBOX_STATE_DEAD) {
		WRITE_ONCE(mbox->pool, pool);
		pool = NULL;
	}
	spin_unlock(&mbox->lock);
	kfree(pool);
}

/* Return whether @units more may be kept, beyond those that each mailbox may keep. */
static bool pool_grow(struct mbox *mbox, u32 units)
{
	u32 more = max_t(u32, units, MBOX_POOL_STEP);
	struct mbox_pool *pool = mbox->pool;

	if (mbox->state == MBOX_STATE_DEAD ||
	    pool->max_units + more > MBOX_POOL_KEPT ||
	    !mbox_user_add_units(mbox->creator, more,
				 pool->max_units + more > MBOX_POOL_FAIR))
		return false;
	pool->max_units += more;
	return true;
}

/* The rest of mbox_pool_give(), where @message is more than may be kept. */
void __mbox_pool_give(struct mbox *mbox, struct mbox_message *message,
		      struct mbox_deferred *deferred)
{
	u32 units = mbox_pool_units(message->class);
	struct mbox_pool *pool = mbox->pool;

	lockdep_assert_held(&mbox->lock);
	if (pool && message->class < MBOX_POOL_CLASSES && pool_grow(mbox, units)) {
		pool->units += units;
		mbox_pool_push(&pool->free[message->class], message);
	} else {
		mbox_pool_push(&deferred->trash, message);
	}
}

/* The same of @n slots, which are linked as in a stack from @first to @last. */
void mbox_pool_give_run(struct mbox *mbox, struct mbox_message *first,
			struct mbox_message *last, u32 n,
			struct mbox_deferred *deferred)
{
	struct mbox_pool *pool = mbox->pool;
	struct mbox_message *next;

	lockdep_assert_held(&mbox->lock);
	if (likely(pool && pool->units + n <= pool->max_units)) {
		pool->units += n;
		last->next = pool->free[0];
		pool->free[0] = first;
		return;
	}
	for (; n; n--, first = next) {
		next = first->next;
		mbox_pool_give(mbox, first, deferred);
	}
}

/* Keep no memory any more. Return the pool, for mbox_pool_destroy(), or NULL. */
struct mbox_pool *mbox_pool_end(struct mbox *mbox)
{
	struct mbox_pool *pool = mbox->pool;

	if (pool)
		mbox_user_remove_units(mbox->creator,
				       pool->max_units - MBOX_POOL_STEP);
	WRITE_ONCE(mbox->pool, NULL);
	return pool;
}

/* May sleep. */
void mbox_pool_destroy(struct mbox_pool *pool)
{
	unsigned int class;

	if (!pool)
		return;
	for (class = 0; class < MBOX_POOL_CLASSES; class++)
		mbox_pool_free_all(pool->free[class]);
	kfree(pool);
}
