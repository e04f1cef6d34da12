// SPDX-License-Identifier: GPL-2.0-only
/* mbox: loading and unloading, and the module parameters. */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <net/genetlink.h>

#include "event.h"
#include "link.h"
#include "mbox.h"
#include "message.h"
#include "netlink.h"
#include "process.h"
#include "registry.h"
#include "user.h"
#include "version.h"

unsigned int mbox_max_msg_size = SZ_16M;
unsigned int mbox_user_mailboxes = 4096;
unsigned long mbox_user_bytes = SZ_64M;

static int main_set_max_msg_size(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, SZ_1G);
}

static const struct kernel_param_ops max_msg_size_ops = {
	.set = main_set_max_msg_size,
	.get = param_get_uint,
};

static int main_set_user_bytes(const char *val, const struct kernel_param *kp)
{
	int error = param_set_ulong(val, kp);

	mbox_shortage_eased();
	return error;
}

static const struct kernel_param_ops user_bytes_ops = {
	.set = main_set_user_bytes,
	.get = param_get_ulong,
};

module_param_cb(max_msg_size, &max_msg_size_ops, &mbox_max_msg_size, 0644);
MODULE_PARM_DESC(max_msg_size, "highest msg_size of a mailbox, bytes (default 16 MiB, at most 1 GiB)");
module_param_named(user_mailboxes, mbox_user_mailboxes, uint, 0644);
MODULE_PARM_DESC(user_mailboxes, "mailboxes a user may have (default 4096)");
module_param_cb(user_bytes, &user_bytes_ops, &mbox_user_bytes, 0644);
MODULE_PARM_DESC(user_bytes, "bytes a user may have queued (default 64 MiB)");

static int __init mbox_init(void)
{
	int error;

	error = mbox_message_init();
	if (error)
		return error;
	error = mbox_user_init();
	if (error)
		goto err_message;
	error = mbox_watch_init();
	if (error)
		goto err_user;
	error = mbox_endpoint_init();
	if (error)
		goto err_watch;
	error = mbox_event_init();
	if (error)
		goto err_endpoint;
	error = mbox_registry_init();
	if (error)
		goto err_event;
	error = mbox_netlink_init();
	if (error)
		goto err_registry;
	error = mbox_cdev_init();
	if (error)
		goto err_netlink;
	return 0;

err_netlink:
	mbox_notice_stop();
	mbox_netlink_exit();
err_registry:
	mbox_registry_exit();
err_event:
	mbox_event_exit();
err_endpoint:
	mbox_endpoint_exit();
err_watch:
	mbox_watch_exit();
err_user:
	mbox_shortage_exit();
	mbox_user_exit();
err_message:
	mbox_message_exit();
	return error;
}

static void __exit mbox_exit(void)
{
	mbox_cdev_exit();
	mbox_member_stop();
	mbox_notice_stop();
	mbox_netlink_exit();
	mbox_registry_exit();
	mbox_event_exit();
	/* Ends that are told queue work of endpoints. */
	mbox_watch_exit();
	mbox_endpoint_exit();
	mbox_shortage_exit();
	mbox_user_exit();
	mbox_message_exit();
}

module_init(mbox_init);
module_exit(mbox_exit);

MODULE_ALIAS_GENL_FAMILY(MBOX_FAMILY_NAME);
MODULE_DESCRIPTION("Mailboxes for interprocess communication");
MODULE_VERSION(MBOX_VERSION);
MODULE_LICENSE("GPL");
