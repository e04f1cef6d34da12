/* SPDX-License-Identifier: GPL-2.0-only */
/* Spans: memory of a process that is blocked, to which another copies. */
#ifndef MBOX_SPAN_H
#define MBOX_SPAN_H

#include <linux/types.h>

struct mbox;
struct mm_struct;
struct page;

/*
 * Payloads from this size on go straight to a process that waits with a buffer. To find
 * a page takes about as long as to copy it in the caches.
 */
#define MBOX_SPAN_SIZE		65536

/* Pages that are pinned at a time. */
#define MBOX_SPAN_PAGES		32

/* Part of a page or more. */
struct mbox_span {
	unsigned long at;
	size_t length;
	unsigned int nr_pages;
	struct page *pages[MBOX_SPAN_PAGES];	/* pinned */
};

/* What a copy may rely on, in its @arg; called with the lock of the mailbox. */
typedef bool (*mbox_span_claim)(void *arg);

bool mbox_span_pin(struct mbox_span *span, struct mm_struct *mm);
void mbox_span_unpin(struct mbox_span *span);
bool mbox_span_copy(struct mbox *mbox, struct mm_struct *mm, unsigned long at,
		    const void __user *data, size_t length, mbox_span_claim claim,
		    void *arg);

#endif /* MBOX_SPAN_H */
