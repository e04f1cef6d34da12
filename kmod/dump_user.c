// SPDX-License-Identifier: GPL-2.0-only
/* The quotas of a user, in a reply of the netlink family. */
#include <linux/cred.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>

#include "access.h"
#include "mbox.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "user.h"

/* Put the quotas of a user and their use. 0 or EMSGSIZE. */
static int dump_user(struct sk_buff *skb, kuid_t uid)
{
	u32 mailboxes;
	u64 bytes;

	mbox_user_usage(uid, &mailboxes, &bytes);
	if (nla_put_u32(skb, MBOX_A_USER_UID, from_kuid_munged(current_user_ns(), uid)) ||
	    nla_put_u32(skb, MBOX_A_USER_MAILBOXES, mailboxes) ||
	    nla_put_u32(skb, MBOX_A_USER_MAX_MAILBOXES, READ_ONCE(mbox_user_mailboxes)) ||
	    !mbox_dump_u64(skb, MBOX_A_USER_BYTES, bytes, MBOX_A_USER_PAD) ||
	    !mbox_dump_u64(skb, MBOX_A_USER_MAX_BYTES, mbox_user_quota(), MBOX_A_USER_PAD))
		return -EMSGSIZE;
	return 0;
}

int mbox_nl_user_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[MBOX_A_USER_UID];
	kuid_t uid = current_uid();
	struct sk_buff *reply;
	int error = -EMSGSIZE;
	void *header;

	if (attr)
		uid = make_kuid(current_user_ns(), nla_get_u32(attr));
	if (!uid_valid(uid)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "uid: not in the user namespace");
		return -EINVAL;
	}
	if (!mbox_access_sees_user(mbox_netlink_file(skb), uid))
		return -EPERM;
	reply = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &mbox_nl_family, 0, info->genlhdr->cmd);
	if (header)
		error = dump_user(reply, uid);
	if (error) {
		nlmsg_free(reply);
		return error;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}
