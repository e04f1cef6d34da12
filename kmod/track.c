// SPDX-License-Identifier: GPL-2.0-only
/* The last sender and receiver of a mailbox, and when. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>

#include "mbox.h"
#include "message.h"
#include "track.h"
#include "wait.h"

/* Prepare a new mailbox that tracks. 0 or ENOMEM. */
int mbox_track_attach(struct mbox *mbox, const struct file *factory)
{
	const struct cred *cred = factory->f_cred;
	struct mbox_track *track;

	if (!(mbox->options & MBOX_OPTION_TRACK))
		return 0;
	if (mbox_waits_attach(mbox))
		return -ENOMEM;
	track = kzalloc(sizeof(*track), GFP_KERNEL_ACCOUNT);
	if (!track)
		return -ENOMEM;
	track->cuid = cred->euid;
	track->cgid = cred->egid;
	track->changed = ktime_get_coarse_real_ns();
	mbox->waits->track = track;
	mbox->room.tracks = true;
	mbox->nr_receivers |= MBOX_TRACKS;
	return 0;
}

/* The memory of the mailbox goes. */
void mbox_track_detach(struct mbox *mbox)
{
	struct mbox_track *track = mbox->waits ? mbox->waits->track : NULL;

	if (!track)
		return;
	put_pid(track->sender);
	put_pid(track->receiver);
	kfree(track);
}

/* Make @pid the last process. */
static void track_process(struct pid **last, struct pid *pid)
{
	if (*last == pid)
		return;
	put_pid(*last);
	*last = get_pid(pid);
}

/* See mbox_track_send(). A message that returns to its place is no new one. */
void __mbox_track_send(struct mbox *mbox, const struct mbox_message *message)
{
	struct mbox_track *track = mbox->waits->track;

	lockdep_assert_held(&mbox->lock);
	if (message->seq <= track->seq)
		return;
	track->seq = message->seq;
	track->sent = ktime_get_coarse_real_ns();
	track_process(&track->sender, message->pid);
}

/* See mbox_track_receive(). */
void __mbox_track_receive(struct mbox *mbox, struct pid *pid)
{
	struct mbox_track *track = mbox->waits->track;

	lockdep_assert_held(&mbox->lock);
	track->received = ktime_get_coarse_real_ns();
	track_process(&track->receiver, pid);
}

/* Note that an attribute or the owner was changed. */
void mbox_track_change(struct mbox *mbox)
{
	lockdep_assert_held(&mbox->lock);
	if (mbox->room.tracks)
		mbox->waits->track->changed = ktime_get_coarse_real_ns();
}

/* Fill in the part of @info, as the caller sees it. */
void mbox_track_info(const struct mbox *mbox, struct mbox_info *info)
{
	const struct mbox_track *track;

	lockdep_assert_held(&mbox->lock);
	if (!mbox->room.tracks)
		return;
	track = mbox->waits->track;
	/* Also of a process that has ended: a struct pid keeps its number. */
	info->last_sender = pid_vnr(track->sender);
	info->last_receiver = pid_vnr(track->receiver);
	info->last_sent = track->sent;
	info->last_received = track->received;
	info->changed = track->changed;
	info->cuid = from_kuid_munged(current_user_ns(), track->cuid);
	info->cgid = from_kgid_munged(current_user_ns(), track->cgid);
}
