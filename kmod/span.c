// SPDX-License-Identifier: GPL-2.0-only
/* Spans: memory of a process that is blocked, to which another copies. */
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "copy.h"
#include "mbox.h"
#include "path.h"
#include "span.h"

/*
 * The process that copies makes nobody wait, and gives up if anything stands in its way:
 *
 *	- pages of the blocked process are only taken if they are there and writable: a
 *	  fault in its memory might last for as long as it likes. They are pinned, a few at
 *	  a time, when the data are there. Its other threads may change the mapping before
 *	  and after that, as they may before and after a copy of its own;
 *	- its mmap_lock is only tried;
 *	- pages of the caller are faulted in before, and not under the lock.
 *
 * The caller copies each page under mbox->lock, and only as long as its claim holds. So
 * nobody writes to the buffer once the blocked process goes on, though it may contain
 * parts of data that it did not get.
 */

/**
 * mbox_span_pin - pin the pages of a span, without waiting for any
 * @span:	at and length are set: at most MBOX_SPAN_PAGES pages
 * @mm:		grabbed
 *
 * Return: whether all are pinned.
 */
bool mbox_span_pin(struct mbox_span *span, struct mm_struct *mm)
{
	unsigned long first = span->at & PAGE_MASK;
	long n, pinned = 0;

	n = (PAGE_ALIGN(span->at + span->length) - first) >> PAGE_SHIFT;
	if (!mmget_not_zero(mm))
		return false;
	if (mmap_read_trylock(mm)) {
		pinned = mbox_compat_pin(mm, first, n, span->pages);
		mmap_read_unlock(mm);
	}
	/* The process may have ended meanwhile: its memory is not for us to take apart. */
	mmput_async(mm);
	if (pinned == n) {
		span->nr_pages = n;
		return true;
	}
	if (pinned > 0)
		unpin_user_pages(span->pages, pinned);
	return false;
}

/* The pages have been written to. */
void mbox_span_unpin(struct mbox_span *span)
{
	unpin_user_pages_dirty_lock(span->pages, span->nr_pages, true);
}

/* A copy of @data to memory of another process. */
struct span_copy {
	struct mbox *mbox;
	const void __user *data;
	mbox_span_claim claim;
	void *arg;
};

/* Copy up to the end of a page, and no more than may be copied under the lock. */
static bool span_copy_page(const struct span_copy *copy, struct page *page,
			   unsigned int offset, size_t done, size_t length)
{
	struct mbox *mbox = copy->mbox;
	bool copied = false;
	void *to;

	spin_lock(&mbox->lock);
	if (likely(copy->claim(copy->arg))) {
		to = kmap_local_page(page);
		pagefault_disable();
		copied = mbox_copy_in(to + offset, copy->data + done, length);
		pagefault_enable();
		flush_dcache_page(page);
		kunmap_local(to);
	}
	spin_unlock(&mbox->lock);
	return copied;
}

/* Copy to a span, from @from of the data on. */
static bool span_copy_pages(const struct span_copy *copy, const struct mbox_span *span,
			    size_t from)
{
	unsigned int start = offset_in_page(span->at);
	size_t done, n;

	for (done = 0; done < span->length; done += n) {
		unsigned int offset = (start + done) & ~PAGE_MASK;
		struct page *page = span->pages[(start + done) >> PAGE_SHIFT];

		n = min3(span->length - done, PAGE_SIZE - offset,
			 (size_t)MBOX_PATH_SIZE);
		if (!span_copy_page(copy, page, offset, from + done, n))
			return false;
	}
	return true;
}

/**
 * mbox_span_copy - copy from the caller to a process that is blocked
 * @mbox:	not locked
 * @mm:		of that process: grabbed
 * @at:		address of its buffer, which it may access
 * @data:	of the caller
 * @length:	bytes of both
 * @claim:	says under the lock whether the process is still blocked, and the caller
 *		may write to its buffer
 * @arg:	of @claim
 *
 * Return: whether all was copied; else the data have to go another way.
 */
bool mbox_span_copy(struct mbox *mbox, struct mm_struct *mm, unsigned long at,
		    const void __user *data, size_t length, mbox_span_claim claim,
		    void *arg)
{
	struct span_copy copy = {
		.mbox = mbox, .data = data, .claim = claim, .arg = arg,
	};
	struct mbox_span span;
	size_t done;
	bool copied;

	for (done = 0; done < length; done += span.length) {
		span.at = at + done;
		span.length = min(length - done, MBOX_SPAN_PAGES * PAGE_SIZE -
						 offset_in_page(span.at));
		if (fatal_signal_pending(current) || !mbox_span_pin(&span, mm))
			return false;
		copied = span_copy_pages(&copy, &span, done);
		mbox_span_unpin(&span);
		if (!copied)
			return false;
		cond_resched();
	}
	return true;
}
