/* SPDX-License-Identifier: GPL-2.0-only */
/* Access: decides which process may do which operation on a mailbox or a process. */
#ifndef MBOX_ACCESS_H
#define MBOX_ACCESS_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct file;
struct mbox;
struct mbox_endpoint;
struct mbox_registry;
struct pid;

/* A call that changes an owner: the file that it goes by, and its privileges. */
struct mbox_access_asker {
	struct file *file;		/* a handle on the mailbox */
	bool opener_privileged;
	bool caller_privileged;
};

/* access.c */
int mbox_access_open(struct mbox *mbox, struct file *file, u32 rights);
bool mbox_access_sees(const struct file *file, struct mbox_registry *registry,
		      kuid_t uid, kgid_t gid, umode_t mode);
bool mbox_access_sees_mailbox(struct mbox *mbox, struct file *file);
bool mbox_access_sees_user(const struct file *file, kuid_t uid);
bool mbox_access_sees_endpoint(const struct mbox_endpoint *endpoint,
			       const struct file *file);
bool mbox_access_chooses_id(struct file *factory);
bool mbox_access_owns(struct mbox *mbox, struct file *file);
bool mbox_access_owns_endpoint(const struct mbox_endpoint *endpoint,
			       struct file *file);
bool mbox_access_gives_away(struct mbox *mbox, struct file *file);
void mbox_access_ask(struct mbox_access_asker *asker, const struct mbox *mbox,
		     struct file *file);
bool mbox_access_hands_over(const struct mbox *mbox,
			    const struct mbox_access_asker *asker);
int mbox_access_signal(struct pid *pid);
int mbox_access_link(struct file *factory, struct pid *pid);

#endif /* MBOX_ACCESS_H */
