/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of the generic netlink family. */
#ifndef MBOX_NETLINK_H
#define MBOX_NETLINK_H

#include <linux/types.h>
#include <net/netlink.h>

struct file;
struct mbox;
struct mbox_endpoint;
struct mbox_registry;
struct mbox_dump;
struct netlink_callback;
struct netlink_ext_ack;
struct pid;
struct sk_buff;

/* Rows that are added, and objects that are looked at, in one section under a lock. */
#define MBOX_DUMP_ROWS		32
#define MBOX_DUMP_WALK		512

/*
 * A dump is answered a part at a time; between the parts there is no lock. It goes
 * on by numbers that grow and are not used again: the ids of mailboxes, those of
 * handles, and those of waits and messages in their mailbox; links have numbers of
 * their own, and inboxes those of mailboxes. So an object that exists all the time has
 * one row, even if others come and go. If mailboxes, links or inboxes of a dump come or
 * go, its parts say so (NLM_F_DUMP_INTR).
 */
struct mbox_dump_progress {
	unsigned long id;		/* of the mailbox to go on with */
	u64 number;			/* of its last object that is done */
	u64 next;			/* of the link, or inbox, to go on with */
	u64 inbox;			/* id of the inbox whose rows are dumped */
	bool done;			/* with mailboxes */
	bool begun;			/* the filter is in id, if there is one */
	bool one;			/* it is of one mailbox only */
};

/*
 * Add the rows of one mailbox that come after the number in dump->progress; @inbox: the
 * process whose inbox it is, or NULL. 0, or EMSGSIZE where the part is full.
 */
typedef int (*mbox_dump_fill)(struct mbox_dump *dump, struct mbox *mbox,
			      struct pid *inbox);

/* One part of a dump. */
struct mbox_dump {
	struct sk_buff *skb;
	struct netlink_callback *cb;
	struct mbox_dump_progress *progress;
	struct mbox_registry *registry;
	struct file *file;		/* of the socket */
	u32 changes;			/* of the registry, at the beginning */
	mbox_dump_fill fill;
};

/* netlink.c */
int mbox_netlink_init(void);
void mbox_netlink_exit(void);
struct file *mbox_netlink_file(const struct sk_buff *skb);
struct mbox *mbox_netlink_find(struct mbox_registry *registry,
			       struct file *file, const struct nlattr *id,
			       const struct nlattr *name,
			       struct netlink_ext_ack *extack);

/* dump.c */
void *mbox_dump_row_begin(struct mbox_dump *dump, u8 cmd);
int mbox_dump_row_end(struct mbox_dump *dump, void *header, bool complete);
bool mbox_dump_put_mailbox(struct sk_buff *skb, const struct mbox *mbox, int id,
			   int name, int pad);
int mbox_dump_all(struct sk_buff *skb, struct netlink_callback *cb, int id, int name,
		  mbox_dump_fill fill);

/* dump_mailbox.c */
int mbox_dump_mailbox(struct sk_buff *skb, struct mbox *mbox,
		      const struct mbox_endpoint *endpoint);

/* Put an attribute of 64 bits; false if there is no room. */
static inline bool mbox_dump_u64(struct sk_buff *skb, int attr, u64 value, int pad)
{
	return !nla_put_u64_64bit(skb, attr, value, pad);
}

#endif /* MBOX_NETLINK_H */
