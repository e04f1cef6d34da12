/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/mbox.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_MBOX_GEN_H
#define _LINUX_MBOX_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/mbox_netlink.h>
#include <compat.h>

int mbox_nl_mailbox_get_doit(struct sk_buff *skb, struct genl_info *info);
int mbox_nl_mailbox_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int mbox_nl_mailbox_set_doit(struct sk_buff *skb, struct genl_info *info);
int mbox_nl_mailbox_delete_doit(struct sk_buff *skb, struct genl_info *info);
int mbox_nl_mailbox_purge_doit(struct sk_buff *skb, struct genl_info *info);
int mbox_nl_handle_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mbox_nl_waiter_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mbox_nl_link_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mbox_nl_job_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int mbox_nl_user_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	MBOX_NLGRP_EVENTS,
	MBOX_NLGRP_EVENTS_PRIVATE,
};

extern struct genl_family mbox_nl_family;

#endif /* _LINUX_MBOX_GEN_H */
