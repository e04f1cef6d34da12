/* SPDX-License-Identifier: GPL-2.0-only */
/* The last sender and receiver of a mailbox, and when. */
#ifndef MBOX_TRACK_H
#define MBOX_TRACK_H

#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "mbox.h"

struct file;
struct mbox_info;
struct mbox_message;

/*
 * The part that only a mailbox with MBOX_OPTION_TRACK has, from its creation on. Times are
 * nanoseconds of CLOCK_REALTIME_COARSE, as of messages. Guarded by mbox->lock.
 *
 * Other mailboxes pay nothing for it where no call is blocked. A send asks whether
 * nr_receivers is 0 anyway, which MBOX_TRACKS prevents, and a receive whether room.more
 * is. A delivery to a waiting receiver asks.
 */
struct mbox_track {
	struct pid *sender;		/* counted; NULL: nobody has sent */
	struct pid *receiver;		/* likewise */
	u64 seq;			/* of the last message that was accepted */
	u64 sent;			/* times; 0: never */
	u64 received;
	u64 changed;
	kuid_t cuid;			/* constant: effective ids of the creator */
	kgid_t cgid;
};

/* track.c */
int mbox_track_attach(struct mbox *mbox, const struct file *factory);
void mbox_track_detach(struct mbox *mbox);
void __mbox_track_send(struct mbox *mbox, const struct mbox_message *message);
void __mbox_track_receive(struct mbox *mbox, struct pid *pid);
void mbox_track_change(struct mbox *mbox);
void mbox_track_info(const struct mbox *mbox, struct mbox_info *info);

/* Return who created @mbox, if that gives the rights of its owner: msgctl(2). Else NULL. */
static inline const struct mbox_track *mbox_track_creator(const struct mbox *mbox)
{
	return mbox_mailbox_sysv(mbox) && mbox->room.tracks ? mbox->waits->track : NULL;
}

/* Note that @message was accepted; or, as it is delivered, that it was before. */
static inline void mbox_track_send(struct mbox *mbox, const struct mbox_message *message)
{
	if (unlikely(mbox->room.tracks))
		__mbox_track_send(mbox, message);
}

/* Note that the caller has received a message. */
static inline void mbox_track_receive(struct mbox *mbox)
{
	if (unlikely(mbox->room.tracks))
		__mbox_track_receive(mbox, task_tgid(current));
}

/* Note that the caller has sent @message to process @pid, which has received it. */
static inline void mbox_track_transfer(struct mbox *mbox,
				       const struct mbox_message *message,
				       struct pid *pid)
{
	mbox_track_send(mbox, message);
	if (unlikely(mbox->room.tracks))
		__mbox_track_receive(mbox, pid);
}

#endif /* MBOX_TRACK_H */
