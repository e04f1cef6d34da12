/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of messages, and the free memory that a mailbox recycles. */
#ifndef MBOX_POOL_H
#define MBOX_POOL_H

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/nospec.h>
#include <linux/types.h>
#include <linux/mbox.h>

#include "mbox.h"
#include "message.h"

/*
 * Memory for a message has one of some sizes, its class: class 0 is a slot, which
 * holds MBOX_SMALL_SIZE bytes of payload; class n > 0 has 256 << n bytes in all, up to
 * MBOX_LARGE_ROUND. Those are the sizes that the ABI promises to charge. Larger messages
 * have no class, and are not recycled.
 */
#define MBOX_POOL_CLASSES	15

/*
 * The pool of a mailbox: free memory by class, in stacks, so that the memory that was
 * used last is used next. The pool counts its memory in units of a slot. Nobody pays for
 * that memory, so it is little: each pool may keep MBOX_POOL_STEP units, and more, up to
 * MBOX_POOL_KEPT, as long as the mailboxes of its creator together do not keep too much.
 * Beyond MBOX_POOL_FAIR units they have to leave room for others: see user.c. By default
 * that suffices for one message of 2 MiB, header included.
 */
#define MBOX_POOL_STEP		4
#define MBOX_POOL_FAIR		32
#define MBOX_POOL_KEPT		8192

/* Guarded by mbox->lock. */
struct mbox_pool {
	struct mbox_message *free[MBOX_POOL_CLASSES];
	u32 units;			/* kept */
	u32 max_units;			/* that may be kept */
};

static_assert(256 << (MBOX_POOL_CLASSES - 1) == MBOX_LARGE_ROUND);

static inline unsigned int mbox_pool_class(u32 length)
{
	if (length <= MBOX_SMALL_SIZE)
		return 0;
	if (length > MBOX_LARGE_ROUND - MBOX_LARGE_CHARGE)
		return MBOX_POOL_CLASSES;
	return fls(length + MBOX_LARGE_CHARGE - 1) - 8;
}

static inline size_t mbox_pool_class_size(unsigned int class)
{
	return class ? 256 << class : MBOX_SMALL_CHARGE;
}

static inline u32 mbox_pool_units(unsigned int class)
{
	return class ? DIV_ROUND_UP(256U << class, MBOX_SMALL_CHARGE) : 1;
}

/* A stack of memory, linked through node.next. */
static inline void mbox_pool_push(struct mbox_message **stack,
				  struct mbox_message *message)
{
	message->next = *stack;
	*stack = message;
}

static inline struct mbox_message *mbox_pool_pop(struct mbox_message **stack)
{
	struct mbox_message *message = *stack;

	if (message)
		*stack = message->next;
	return message;
}

/* pool.c */
int mbox_pool_init(void);
void mbox_pool_exit(void);
struct mbox_message *mbox_pool_alloc(u32 length);
void mbox_pool_alloc_slots(struct mbox_message **stack, unsigned int n);
void mbox_pool_free(struct mbox_message *message);
void mbox_pool_free_all(struct mbox_message *stack);
void mbox_pool_add(struct mbox *mbox);
void __mbox_pool_give(struct mbox *mbox, struct mbox_message *message,
		      struct mbox_deferred *deferred);
void mbox_pool_give_run(struct mbox *mbox, struct mbox_message *first,
			struct mbox_message *last, u32 n,
			struct mbox_deferred *deferred);
struct mbox_pool *mbox_pool_end(struct mbox *mbox);
void mbox_pool_destroy(struct mbox_pool *pool);

/* Return free memory of @mbox for a message of @length bytes, or NULL. */
static __always_inline struct mbox_message *mbox_pool_take(struct mbox *mbox,
							   u32 length)
{
	unsigned int class = mbox_pool_class(length);
	struct mbox_pool *pool = mbox->pool;
	struct mbox_message *message;

	lockdep_assert_held(&mbox->lock);
	if (unlikely(!pool || class >= MBOX_POOL_CLASSES))
		return NULL;
	/* The length is the caller's. */
	if (length > MBOX_SMALL_SIZE)
		class = array_index_nospec(class, MBOX_POOL_CLASSES);
	message = mbox_pool_pop(&pool->free[class]);
	if (likely(message))
		pool->units -= mbox_pool_units(class);
	return message;
}

/* Keep the memory of a message, which holds nothing, or leave it to be freed. */
static __always_inline void mbox_pool_give(struct mbox *mbox,
					   struct mbox_message *message,
					   struct mbox_deferred *deferred)
{
	unsigned int class = message->class;
	struct mbox_pool *pool = mbox->pool;
	u32 units = mbox_pool_units(class);

	lockdep_assert_held(&mbox->lock);
	if (likely(pool && class < MBOX_POOL_CLASSES &&
		   pool->units + units <= pool->max_units)) {
		pool->units += units;
		mbox_pool_push(&pool->free[class], message);
	} else {
		__mbox_pool_give(mbox, message, deferred);
	}
}

#endif /* MBOX_POOL_H */
