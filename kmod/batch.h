/* SPDX-License-Identifier: GPL-2.0-only */
/* Batches: several messages in one call, with few sections under the lock. */
#ifndef MBOX_BATCH_H
#define MBOX_BATCH_H

#include <linux/types.h>

#include "mbox.h"
#include "queue.h"
#include "wait.h"

struct mbox_handle;
struct mbox_recv_args;

/*
 * A batch takes its messages through sections, each of which sends or receives some of
 * them: it locks once, charges once and wakes once. Most messages of a section go in
 * runs: they only pass through the queue, as no receiver or sender waits, and nothing is
 * searched for. A run makes some checks once that single calls make for each message. A
 * message that a section cannot handle ends it. That message goes by the ordinary path,
 * which may sleep, and the next section begins after it. So each message has the
 * promises of a single call, and others come to the lock between two sections.
 */
struct mbox_batch {
	void __user *entries;
	u32 entry_size;			/* checked */
	u32 count;			/* of entries */
	u32 min;			/* receive: wait until so many are done */
	bool nonblock;
	u32 how;			/* of a send: MBOX_SEND_NORESTART */
	struct mbox_deadline deadline;	/* of a send */
	u32 done;
};

/*
 * The most of one section: messages, and work, counted in bytes that could be copied
 * meanwhile; the last message may pass that.
 */
#define MBOX_BATCH_SECTION	32
#define MBOX_BATCH_WORK		16384

/* The next message is not for a section. */
#define MBOX_BATCH_ONE		(MBOX_RETRY + 1)

/* Return the address of the next entry. */
static inline void __user *mbox_batch_entry(const struct mbox_batch *batch)
{
	return batch->entries + (size_t)batch->done * batch->entry_size;
}

/* Return the result of a call that ended with @error, or with 0. */
static inline int mbox_batch_result(const struct mbox_batch *batch, int error)
{
	return batch->done ? batch->done : error;
}

/*
 * Return how many searches a message of @queue may have to move: of a lane also those of
 * its inbox.
 */
static inline u32 mbox_batch_cursors(const struct mbox *mbox,
				     const struct mbox_queue *queue)
{
	u32 n = mbox->queue.nr_cursors;

	return queue == &mbox->queue ? n : n + queue->nr_cursors;
}

/* batch_send.c */
int mbox_batch_send(struct mbox_handle *handle, struct mbox_batch *batch);

/* batch_receive.c */
int mbox_batch_receive(struct mbox_handle *handle, struct mbox_batch *batch,
		       struct mbox_recv_args *args);

#endif /* MBOX_BATCH_H */
