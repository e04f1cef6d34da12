// SPDX-License-Identifier: GPL-2.0-only
/* mbox: loading and unloading. */
#include <linux/module.h>
#include <net/genetlink.h>

#include "event.h"
#include "job.h"
#include "link.h"
#include "mbox.h"
#include "pool.h"
#include "netlink.h"
#include "process.h"
#include "registry.h"
#include "ring.h"
#include "user.h"
#include "version.h"
#include "wait.h"

static int __init mbox_init(void)
{
	int error;

	mbox_spin_init();
	error = mbox_pool_init();
	if (error)
		return error;
	error = mbox_mailbox_init();
	if (error)
		goto err_message;
	error = mbox_user_init();
	if (error)
		goto err_mailbox;
	error = mbox_watch_init();
	if (error)
		goto err_user;
	error = mbox_due_init();
	if (error)
		goto err_watch;
	error = mbox_endpoint_init();
	if (error)
		goto err_due;
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
err_due:
	mbox_due_exit();
err_watch:
	mbox_watch_exit();
err_user:
	mbox_shortage_exit();
	mbox_user_exit();
err_mailbox:
	mbox_mailbox_exit();
err_message:
	mbox_pool_exit();
	return error;
}

static void __exit mbox_exit(void)
{
	mbox_cdev_exit();
	mbox_exclusive_stop();
	mbox_notice_stop();
	mbox_netlink_exit();
	mbox_registry_exit();
	mbox_due_exit();
	mbox_event_exit();
	/* Ends that are told queue work of endpoints. */
	mbox_watch_exit();
	mbox_endpoint_exit();
	mbox_ring_exit();
	mbox_param_exit();
	mbox_shortage_exit();
	mbox_user_exit();
	mbox_mailbox_exit();
	mbox_pool_exit();
}

module_init(mbox_init);
module_exit(mbox_exit);

MODULE_ALIAS_GENL_FAMILY(MBOX_FAMILY_NAME);
MODULE_DESCRIPTION("Mailboxes for interprocess communication");
MODULE_VERSION(MBOX_VERSION);
MODULE_LICENSE("GPL");
