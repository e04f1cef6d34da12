// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/mbox.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/mbox_netlink.h>
#include <compat.h>

/* MBOX_CMD_MAILBOX_GET - do */
static const struct nla_policy mbox_mailbox_get_do_nl_policy[MBOX_A_MAILBOX_NAME + 1] = {
	[MBOX_A_MAILBOX_ID] = { .type = NLA_U64, },
	[MBOX_A_MAILBOX_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* MBOX_CMD_MAILBOX_GET - dump */
static const struct nla_policy mbox_mailbox_get_dump_nl_policy[MBOX_A_MAILBOX_KIND + 1] = {
	[MBOX_A_MAILBOX_ID] = { .type = NLA_U64, },
	[MBOX_A_MAILBOX_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[MBOX_A_MAILBOX_KIND] = { .type = NLA_U32, },
};

/* MBOX_CMD_MAILBOX_SET - do */
static const struct nla_policy mbox_mailbox_set_nl_policy[MBOX_A_MAILBOX_BYTES + 1] = {
	[MBOX_A_MAILBOX_ID] = { .type = NLA_U64, },
	[MBOX_A_MAILBOX_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[MBOX_A_MAILBOX_UID] = { .type = NLA_U32, },
	[MBOX_A_MAILBOX_GID] = { .type = NLA_U32, },
	[MBOX_A_MAILBOX_MODE] = { .type = NLA_U32, },
	[MBOX_A_MAILBOX_CAPACITY] = { .type = NLA_U32, },
	[MBOX_A_MAILBOX_MSG_SIZE] = { .type = NLA_U32, },
	[MBOX_A_MAILBOX_BYTES] = { .type = NLA_U64, },
};

/* MBOX_CMD_MAILBOX_DELETE - do */
static const struct nla_policy mbox_mailbox_delete_nl_policy[MBOX_A_MAILBOX_HOW + 1] = {
	[MBOX_A_MAILBOX_ID] = { .type = NLA_U64, },
	[MBOX_A_MAILBOX_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[MBOX_A_MAILBOX_HOW] = NLA_POLICY_MAX(NLA_U32, 3),
};

/* MBOX_CMD_MAILBOX_PURGE - do */
static const struct nla_policy mbox_mailbox_purge_nl_policy[MBOX_A_MAILBOX_NAME + 1] = {
	[MBOX_A_MAILBOX_ID] = { .type = NLA_U64, },
	[MBOX_A_MAILBOX_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* MBOX_CMD_HANDLE_GET - dump */
static const struct nla_policy mbox_handle_get_nl_policy[MBOX_A_HANDLE_NAME + 1] = {
	[MBOX_A_HANDLE_MAILBOX] = { .type = NLA_U64, },
	[MBOX_A_HANDLE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* MBOX_CMD_WAITER_GET - dump */
static const struct nla_policy mbox_waiter_get_nl_policy[MBOX_A_WAITER_NAME + 1] = {
	[MBOX_A_WAITER_MAILBOX] = { .type = NLA_U64, },
	[MBOX_A_WAITER_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* MBOX_CMD_LINK_GET - dump */
static const struct nla_policy mbox_link_get_nl_policy[MBOX_A_LINK_ONE + 1] = {
	[MBOX_A_LINK_ONE] = { .type = NLA_U32, },
};

/* MBOX_CMD_JOB_GET - dump */
static const struct nla_policy mbox_job_get_nl_policy[MBOX_A_JOB_NAME + 1] = {
	[MBOX_A_JOB_MAILBOX] = { .type = NLA_U64, },
	[MBOX_A_JOB_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* MBOX_CMD_USER_GET - do */
static const struct nla_policy mbox_user_get_nl_policy[MBOX_A_USER_UID + 1] = {
	[MBOX_A_USER_UID] = { .type = NLA_U32, },
};

/* Ops table for mbox */
static const struct genl_split_ops mbox_nl_ops[] = {
	{
		.cmd		= MBOX_CMD_MAILBOX_GET,
		.doit		= mbox_nl_mailbox_get_doit,
		.policy		= mbox_mailbox_get_do_nl_policy,
		.maxattr	= MBOX_A_MAILBOX_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= MBOX_CMD_MAILBOX_GET,
		.dumpit		= mbox_nl_mailbox_get_dumpit,
		.policy		= mbox_mailbox_get_dump_nl_policy,
		.maxattr	= MBOX_A_MAILBOX_KIND,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MBOX_CMD_MAILBOX_SET,
		.doit		= mbox_nl_mailbox_set_doit,
		.policy		= mbox_mailbox_set_nl_policy,
		.maxattr	= MBOX_A_MAILBOX_BYTES,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= MBOX_CMD_MAILBOX_DELETE,
		.doit		= mbox_nl_mailbox_delete_doit,
		.policy		= mbox_mailbox_delete_nl_policy,
		.maxattr	= MBOX_A_MAILBOX_HOW,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= MBOX_CMD_MAILBOX_PURGE,
		.doit		= mbox_nl_mailbox_purge_doit,
		.policy		= mbox_mailbox_purge_nl_policy,
		.maxattr	= MBOX_A_MAILBOX_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= MBOX_CMD_HANDLE_GET,
		.dumpit		= mbox_nl_handle_get_dumpit,
		.policy		= mbox_handle_get_nl_policy,
		.maxattr	= MBOX_A_HANDLE_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MBOX_CMD_WAITER_GET,
		.dumpit		= mbox_nl_waiter_get_dumpit,
		.policy		= mbox_waiter_get_nl_policy,
		.maxattr	= MBOX_A_WAITER_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MBOX_CMD_LINK_GET,
		.dumpit		= mbox_nl_link_get_dumpit,
		.policy		= mbox_link_get_nl_policy,
		.maxattr	= MBOX_A_LINK_ONE,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MBOX_CMD_JOB_GET,
		.dumpit		= mbox_nl_job_get_dumpit,
		.policy		= mbox_job_get_nl_policy,
		.maxattr	= MBOX_A_JOB_NAME,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= MBOX_CMD_USER_GET,
		.doit		= mbox_nl_user_get_doit,
		.policy		= mbox_user_get_nl_policy,
		.maxattr	= MBOX_A_USER_UID,
		.flags		= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group mbox_nl_mcgrps[] = {
	[MBOX_NLGRP_EVENTS] = { "events", },
	[MBOX_NLGRP_EVENTS_PRIVATE] = { "events-private", },
};

struct genl_family mbox_nl_family __ro_after_init = {
	.name		= MBOX_FAMILY_NAME,
	.version	= MBOX_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= mbox_nl_ops,
	.n_split_ops	= ARRAY_SIZE(mbox_nl_ops),
	.mcgrps		= mbox_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(mbox_nl_mcgrps),
};
