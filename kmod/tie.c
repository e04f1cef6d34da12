// SPDX-License-Identifier: GPL-2.0-only
/* Ties: processes that have a part in a mailbox until they end. */
#include <linux/err.h>
#include <linux/pid.h>
#include <linux/slab.h>

#include "mbox.h"
#include "process.h"

/* Drop a reference; the last one frees the object. May sleep. */
void mbox_tie_put(struct mbox_tie *tie)
{
	if (!refcount_dec_and_test(&tie->refs))
		return;
	put_pid(tie->pid);
	mbox_mailbox_put(tie->mbox);
	kfree(tie);
}

/**
 * mbox_tie_bind - tie a process to a mailbox
 * @tie:	first in a zeroed object from kmalloc(), which is initialised otherwise
 * @mbox:	the mailbox
 * @pid:	the process; or NULL, for a part that no process has
 * @ended:	called with the object when the process has ended, maybe before this
 *		function returns; it has the watch's reference
 *
 * Return: 0, with two references, of the caller and of the watch, which is missing
 * without a process. On error, ESRCH (the
 * process has ended) or ENOMEM, the object is freed.
 */
int mbox_tie_bind(struct mbox_tie *tie, struct mbox *mbox, struct pid *pid,
		  void (*ended)(void *object))
{
	struct mbox_watch *watch;

	refcount_set(&tie->refs, pid ? 2 : 1);
	mbox_mailbox_get(mbox);
	tie->mbox = mbox;
	tie->pid = get_pid(pid);
	if (!pid)
		return 0;
	watch = mbox_watch_new(pid, ended, tie);
	if (IS_ERR(watch)) {
		mbox_tie_put(tie);
		mbox_tie_put(tie);
		return PTR_ERR(watch);
	}
	tie->watch = watch;
	return 0;
}

/* Cancel the watch, and drop both references that mbox_tie_bind() gave. May sleep. */
void mbox_tie_drop(struct mbox_tie *tie)
{
	if (tie->watch && mbox_watch_cancel(tie->watch))
		mbox_tie_put(tie);
	mbox_tie_put(tie);
}
