/* SPDX-License-Identifier: GPL-2.0-only */
/* Notices of a message that comes to an empty mailbox. */
#ifndef MBOX_NOTIFY_H
#define MBOX_NOTIFY_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "mbox.h"
#include "wait.h"

struct pid;

enum mbox_notify_state {
	MBOX_NOTIFY_ARMED,	/* it is that of its mailbox */
	MBOX_NOTIFY_FIRED,	/* a message came, and it was not taken */
	MBOX_NOTIFY_ENDED,	/* its process gave it up */
};

/*
 * A registration, of the handle through which it was armed, until it is taken. Guarded by
 * mbox->lock.
 *
 * While one is armed, mbox->nr_receivers has the bit MBOX_NOTIFIES. A send asks whether
 * that is 0 anyway, so the notice costs other mailboxes nothing.
 */
struct mbox_notify {
	u8 state;			/* enum mbox_notify_state */
	struct pid *pid;		/* constant: process that armed it, counted */
	u64 cookie;			/* constant: of its caller */
	struct pid *sender;		/* of the message, once it fired, counted */
	kuid_t uid;			/* likewise */
};

/* notify.c */
int mbox_notify_arm(struct mbox_handle *handle, u64 cookie);
pid_t mbox_notify_pid(struct mbox *mbox);
void mbox_notify_disarm(struct mbox_handle *handle);
struct mbox_notify *mbox_notify_take(struct mbox_handle *handle);
void mbox_notify_put_back(struct mbox_handle *handle, struct mbox_notify *notify);
void mbox_notify_free(struct mbox_notify *notify);
void mbox_notify_fire(struct mbox *mbox, const struct mbox_message *message,
		      struct mbox_deferred *deferred);
void mbox_notify_flush(struct mbox_handle *handle);
void mbox_notify_release(struct mbox_handle *handle);

/* Return whether a notice of @mbox is armed. May be asked without the lock. */
static inline bool mbox_notify_armed(const struct mbox *mbox)
{
	return READ_ONCE(mbox->nr_receivers) & MBOX_NOTIFIES;
}

#endif /* MBOX_NOTIFY_H */
