/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of the generic netlink family. */
#ifndef MBOX_NETLINK_H
#define MBOX_NETLINK_H

#include <linux/types.h>
#include <net/netlink.h>

struct file;
struct mbox;
struct mbox_registry;
struct netlink_ext_ack;
struct sk_buff;

/* netlink.c */
int mbox_netlink_init(void);
void mbox_netlink_exit(void);
struct file *mbox_netlink_file(const struct sk_buff *skb);
struct mbox *mbox_netlink_find(struct mbox_registry *registry,
			       struct file *file, const struct nlattr *id,
			       const struct nlattr *name,
			       struct netlink_ext_ack *extack);

/* dump_mailbox.c */
int mbox_dump_mailbox(struct sk_buff *skb, struct mbox *mbox);

/* Put an attribute of 64 bits; false if there is no room. */
static inline bool mbox_dump_u64(struct sk_buff *skb, int attr, u64 value, int pad)
{
	return !nla_put_u64_64bit(skb, attr, value, pad);
}

#endif /* MBOX_NETLINK_H */
