/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of the generic netlink family: netlink.c and dump.c. */
#ifndef MBOX_NETLINK_H
#define MBOX_NETLINK_H

struct file;
struct mbox;
struct mbox_registry;
struct netlink_ext_ack;
struct nlattr;
struct sk_buff;

/* netlink.c */
int mbox_netlink_init(void);
void mbox_netlink_exit(void);
struct file *mbox_netlink_file(const struct sk_buff *skb);
struct mbox *mbox_netlink_find(struct mbox_registry *registry,
			       struct file *file, const struct nlattr *id,
			       const struct nlattr *name,
			       struct netlink_ext_ack *extack);

/* dump.c */
int mbox_dump_mailbox(struct sk_buff *skb, struct mbox *mbox);

#endif /* MBOX_NETLINK_H */
