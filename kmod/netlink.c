// SPDX-License-Identifier: GPL-2.0-only
/* The generic netlink family: its requests, but dumps. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "access.h"
#include "link.h"
#include "mbox.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "process.h"
#include "registry.h"

/* Return the file of the socket of a request: its opener's rights count. */
struct file *mbox_netlink_file(const struct sk_buff *skb)
{
	/* It is in the hands of a call on it, so it is open. */
	return NETLINK_CB(skb).sk->sk_socket->file;
}

static struct mbox *netlink_find_name(struct mbox_registry *registry,
				      const struct nlattr *attr)
{
	char name[MBOX_NAME_SIZE] = {};

	/* The policy has seen to it that it fits. */
	nla_strscpy(name, attr, sizeof(name));
	return mbox_registry_find(registry, name);
}

/**
 * mbox_netlink_find - the mailbox that a request names
 * @registry:	where to look
 * @file:	of the socket
 * @id:		attribute with its id, or NULL
 * @name:	attribute with its name, or NULL
 * @extack:	gets the reason of an error
 *
 * Return: the mailbox, counted. EINVAL if neither or both are given, ENOENT also if
 * @file's opener does not see it.
 */
struct mbox *mbox_netlink_find(struct mbox_registry *registry,
			       struct file *file, const struct nlattr *id,
			       const struct nlattr *name,
			       struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = id ?: name;
	struct mbox *mbox;

	if (id && name) {
		NL_SET_ERR_MSG_ATTR(extack, name,
				    "either id or name, not both");
		return ERR_PTR(-EINVAL);
	}
	if (!attr) {
		NL_SET_ERR_MSG(extack, "id or name is missing");
		return ERR_PTR(-EINVAL);
	}
	mbox = id ? mbox_registry_find_id(registry, nla_get_u64(id)) :
		    netlink_find_name(registry, name);
	if (mbox)
		mbox_owner_check(mbox);
	if (mbox && (READ_ONCE(mbox->state) == MBOX_STATE_DEAD ||
		     !mbox_access_sees_mailbox(mbox, file))) {
		mbox_mailbox_put(mbox);
		mbox = NULL;
	}
	if (!mbox) {
		if (id)
			NL_SET_ERR_MSG_ATTR(extack, id,
					    "there is no mailbox of that id");
		else
			NL_SET_ERR_MSG_ATTR(extack, name,
					    "there is no mailbox of that name");
		return ERR_PTR(-ENOENT);
	}
	return mbox;
}

/* The same of a request that is about one. */
static struct mbox *netlink_find(struct sk_buff *skb, struct genl_info *info)
{
	struct mbox_registry *registry = mbox_registry_get(genl_info_net(info));
	struct mbox *mbox;

	mbox = mbox_netlink_find(registry, mbox_netlink_file(skb),
				 info->attrs[MBOX_A_MAILBOX_ID],
				 info->attrs[MBOX_A_MAILBOX_NAME],
				 info->extack);
	/* The mailbox holds it. */
	mbox_registry_put(registry);
	return mbox;
}

/*
 * Call @act, and send the reply that it writes, of up to @size bytes. Allocate the
 * reply first: once @act has changed anything, nothing may fail.
 */
static int netlink_answer(struct sk_buff *skb, struct genl_info *info, size_t size,
			  int (*act)(struct sk_buff *skb, struct genl_info *info,
				     struct sk_buff *reply))
{
	struct sk_buff *reply = genlmsg_new(size, GFP_KERNEL);
	int error = -ENOMEM;
	void *header;

	if (!reply)
		return error;
	header = genlmsg_put_reply(reply, info, &mbox_nl_family, 0,
				   info->genlhdr->cmd);
	if (header)
		error = act(skb, info, reply);
	if (error) {
		nlmsg_free(reply);
		return error;
	}
	genlmsg_end(reply, header);
	/* Where there is no room for it, there is none for an error either. */
	genlmsg_reply(reply, info);
	return 0;
}

static int netlink_get(struct sk_buff *skb, struct genl_info *info, struct sk_buff *reply)
{
	struct mbox *mbox = netlink_find(skb, info);
	int error;

	if (IS_ERR(mbox))
		return PTR_ERR(mbox);
	error = mbox_dump_mailbox(reply, mbox, NULL);
	mbox_mailbox_put(mbox);
	return error;
}

int mbox_nl_mailbox_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return netlink_answer(skb, info, NLMSG_GOODSIZE, netlink_get);
}

/* Translate the attributes to be set into the form of the ABI. */
static int netlink_parse_set(struct genl_info *info, struct mbox_ioc_set *set)
{
	static const struct {
		u16 attr;
		u32 mask;
	} fields[] = {
		{ MBOX_A_MAILBOX_MODE, MBOX_SET_MODE },
		{ MBOX_A_MAILBOX_UID, MBOX_SET_UID },
		{ MBOX_A_MAILBOX_GID, MBOX_SET_GID },
		{ MBOX_A_MAILBOX_CAPACITY, MBOX_SET_CAPACITY },
		{ MBOX_A_MAILBOX_MSG_SIZE, MBOX_SET_MSG_SIZE },
		{ MBOX_A_MAILBOX_BYTES, MBOX_SET_BYTES },
	};
	u32 *const u32s[] = {
		&set->mode, &set->uid, &set->gid, &set->capacity,
		&set->msg_size,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct nlattr *attr = info->attrs[fields[i].attr];

		if (!attr)
			continue;
		set->mask |= fields[i].mask;
		if (i < ARRAY_SIZE(u32s))
			*u32s[i] = nla_get_u32(attr);
		else
			set->bytes = nla_get_u64(attr);
	}
	if (set->mask)
		return 0;
	NL_SET_ERR_MSG(info->extack, "nothing is to be set");
	return -EINVAL;
}

static void netlink_blame_attr(struct genl_info *info, unsigned int attr,
			       const char *why)
{
	info->extack->bad_attr = info->attrs[attr];
	info->extack->_msg = why;
}

/* Report which of the attributes could not be set. */
static void netlink_blame(struct genl_info *info, const struct mbox *mbox,
			  const struct mbox_ioc_set *set)
{
	u32 longest = set->mask & MBOX_SET_MSG_SIZE ?
		      set->msg_size : READ_ONCE(mbox->room.msg_size);

	if (set->mode & ~0666)
		netlink_blame_attr(info, MBOX_A_MAILBOX_MODE,
				   "mode: only the bits of 0666");
	else if ((set->mask & MBOX_SET_UID) &&
		 !uid_valid(make_kuid(current_user_ns(), set->uid)))
		netlink_blame_attr(info, MBOX_A_MAILBOX_UID,
				   "uid: not in the user namespace");
	else if ((set->mask & MBOX_SET_GID) &&
		 !gid_valid(make_kgid(current_user_ns(), set->gid)))
		netlink_blame_attr(info, MBOX_A_MAILBOX_GID,
				   "gid: not in the user namespace");
	else if (set->msg_size > READ_ONCE(mbox_max_msg_size))
		netlink_blame_attr(info, MBOX_A_MAILBOX_MSG_SIZE,
				   "msg-size: more than the parameter max_msg_size");
	else if (set->bytes && set->bytes < longest)
		netlink_blame_attr(info, MBOX_A_MAILBOX_BYTES,
				   "bytes: less than the longest message");
	else if (set->mask & MBOX_SET_CAPACITY)
		netlink_blame_attr(info, MBOX_A_MAILBOX_CAPACITY,
				   "capacity: out of range");
	else
		netlink_blame_attr(info, MBOX_A_MAILBOX_MSG_SIZE,
				   "msg-size: more than bytes");
}

int mbox_nl_mailbox_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mbox_ioc_set set = {};
	struct mbox *mbox;
	int error;

	mbox = netlink_find(skb, info);
	if (IS_ERR(mbox))
		return PTR_ERR(mbox);
	error = netlink_parse_set(info, &set);
	if (!error) {
		error = mbox_mailbox_set(mbox, mbox_netlink_file(skb), &set);
		if (error == -EINVAL)
			netlink_blame(info, mbox, &set);
		else if (error == -EOPNOTSUPP)
			NL_SET_ERR_MSG(info->extack,
				       "the limits of a ring cannot be changed");
	}
	mbox_mailbox_put(mbox);
	return error;
}

static int netlink_delete(struct sk_buff *skb, struct genl_info *info,
			  struct sk_buff *reply)
{
	const struct nlattr *how = info->attrs[MBOX_A_MAILBOX_HOW];
	struct mbox_ioc_delete arg = {
		.how = how ? nla_get_u32(how) : MBOX_DELETE_EMPTY,
	};
	struct mbox *mbox = netlink_find(skb, info);
	int error;

	if (IS_ERR(mbox))
		return PTR_ERR(mbox);
	error = mbox_mailbox_delete(mbox, mbox_netlink_file(skb), &arg);
	mbox_mailbox_put(mbox);
	if (error == -ENOTEMPTY)
		NL_SET_ERR_MSG(info->extack, "messages are queued");
	if (error)
		return error;
	/* There is room. */
	nla_put_u64_64bit(reply, MBOX_A_MAILBOX_QUEUED, arg.queued,
			  MBOX_A_MAILBOX_PAD);
	nla_put_u64_64bit(reply, MBOX_A_MAILBOX_DROPPED, arg.dropped,
			  MBOX_A_MAILBOX_PAD);
	return 0;
}

int mbox_nl_mailbox_delete_doit(struct sk_buff *skb, struct genl_info *info)
{
	return netlink_answer(skb, info, 2 * nla_total_size_64bit(sizeof(u64)), netlink_delete);
}

/* Purge the inbox with the id of the request. */
static int netlink_purge_inbox(struct sk_buff *skb, struct genl_info *info, u64 *purged)
{
	const struct nlattr *id = info->attrs[MBOX_A_MAILBOX_ID];
	struct mbox_registry *registry;
	int error;

	if (!id)
		return -ENOENT;
	registry = mbox_registry_get(genl_info_net(info));
	error = mbox_endpoint_purge(registry, nla_get_u64(id), mbox_netlink_file(skb),
				    purged);
	mbox_registry_put(registry);
	if (error != -ENOENT)
		info->extack->_msg = NULL;
	return error;
}

static int netlink_purge(struct sk_buff *skb, struct genl_info *info,
			 struct sk_buff *reply)
{
	struct mbox *mbox = netlink_find(skb, info);
	u64 purged;
	int error;

	if (IS_ERR(mbox)) {
		error = PTR_ERR(mbox);
		if (error == -ENOENT)
			error = netlink_purge_inbox(skb, info, &purged);
	} else {
		error = mbox_mailbox_purge(mbox, mbox_netlink_file(skb), &purged);
		mbox_mailbox_put(mbox);
	}
	if (error == -EOPNOTSUPP)
		NL_SET_ERR_MSG(info->extack, "a ring cannot be purged");
	if (error)
		return error;
	nla_put_u64_64bit(reply, MBOX_A_MAILBOX_PURGED, purged,
			  MBOX_A_MAILBOX_PAD);
	return 0;
}

int mbox_nl_mailbox_purge_doit(struct sk_buff *skb, struct genl_info *info)
{
	return netlink_answer(skb, info, nla_total_size_64bit(sizeof(u64)), netlink_purge);
}

int __init mbox_netlink_init(void)
{
	mbox_compat_family(&mbox_nl_family, MBOX_NLGRP_EVENTS_PRIVATE);
	return genl_register_family(&mbox_nl_family);
}

void mbox_netlink_exit(void)
{
	genl_unregister_family(&mbox_nl_family);
}
