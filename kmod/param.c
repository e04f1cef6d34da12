// SPDX-License-Identifier: GPL-2.0-only
/* Module parameters. */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/time64.h>

#include "mbox.h"
#include "user.h"

unsigned int mbox_max_msg_size = SZ_16M;
unsigned int mbox_user_mailboxes = 4096;
unsigned long mbox_user_bytes = SZ_64M;
unsigned int mbox_spin_us = MBOX_SPIN_DEFAULT;

static int param_max_msg_size(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, SZ_1G);
}

static const struct kernel_param_ops max_msg_size_ops = {
	.set = param_max_msg_size,
	.get = param_get_uint,
};

/* One that polls longer would waste more than it gains. */
static int param_spin_us(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, USEC_PER_MSEC);
}

static const struct kernel_param_ops spin_us_ops = {
	.set = param_spin_us,
	.get = param_get_uint,
};

/*
 * Return whether the module works: parameters can be set before its init, and after its
 * exit. See mbox_param_exit().
 */
static bool param_is_live(void)
{
#ifdef MODULE
	return READ_ONCE(THIS_MODULE->state) == MODULE_STATE_LIVE;
#else
	return system_state >= SYSTEM_RUNNING;
#endif
}

static int param_user_bytes(const char *val, const struct kernel_param *kp)
{
	int error = param_set_ulong(val, kp);

	if (!error && param_is_live())
		mbox_shortage_eased();
	return error;
}

static const struct kernel_param_ops user_bytes_ops = {
	.set = param_user_bytes,
	.get = param_get_ulong,
};

module_param_cb(max_msg_size, &max_msg_size_ops, &mbox_max_msg_size, 0644);
MODULE_PARM_DESC(max_msg_size, "highest msg_size of a mailbox, bytes (default 16 MiB, at most 1 GiB)");
module_param_named(user_mailboxes, mbox_user_mailboxes, uint, 0644);
MODULE_PARM_DESC(user_mailboxes, "mailboxes a user may have (default 4096)");
module_param_cb(user_bytes, &user_bytes_ops, &mbox_user_bytes, 0644);
MODULE_PARM_DESC(user_bytes, "bytes a user may have queued (default 64 MiB)");
module_param_cb(spin_us, &spin_us_ops, &mbox_spin_us, 0644);
MODULE_PARM_DESC(spin_us, "microseconds that a receive polls before it sleeps, at most (default 50, in a guest 20; 0: none)");

/* Wait for setters that saw the module live. From the next on none does. */
void mbox_param_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	kernel_param_unlock(THIS_MODULE);
}
