// SPDX-License-Identifier: GPL-2.0-only
/* Actions of a worker: opening, closing, shutting down and passing handles. */
#include "lib/passing.h"
#include "stress/stress.h"

void act_open(struct thread *t)
{
	struct mbox_ioc_open arg = { .rights = below(t, 4) };
	uint32_t name = below(t, NAMES);
	int fd;

	if (name == NAME_STREAM)
		arg.rights &= MBOX_RIGHT_SEND;
	/* its sides are for one thread each */
	if (name_is_ring(name))
		arg.rights = 0;
	if (one_in(t, 4))
		arg.flags = MBOX_OPEN_NONBLOCK;
	name_of(arg.name, false, name);
	fd = xioctl(process.factory, MBOX_IOC_OPEN, &arg);
	/* EIDRM: it drains */
	expect_errors("OPEN", fd, ENOENT, process.privileged ? ENOENT : EACCES,
		      may_be(arg.rights & MBOX_RIGHT_SEND, EIDRM),
		      may_be(name_has_limits(name), EUSERS), 0);
	if (fd >= 0)
		handle_adopt(t, fd, true);
}

void act_close(struct thread *t)
{
	handle_put(t, (union handle) {});
}

/* Only of handles on which nobody else relies. */
void act_shutdown(struct thread *t)
{
	struct mbox_ioc_shutdown arg = { .how = 1 + below(t, 3) };
	union handle handle = handle_pick(t);

	if (!handle.fd || !may_shut(handle))
		return;
	expect_errors("SHUTDOWN", xioctl(handle.fd, MBOX_IOC_SHUTDOWN, &arg), EBADF,
		      maybe_users(handle), 0);
}

/* Mailboxes that are not in the ledger: they come and go in all ways, quotas included. */
void act_scratch(struct thread *t)
{
	struct mbox_ioc_open arg = open_arg(NULL, below(t, 3));
	unsigned long cmd = one_in(t, 2) ? MBOX_IOC_CREATE : MBOX_IOC_OPEN;
	struct mbox_ioc_delete delete = { .how = below(t, 4) };
	char name[MBOX_NAME_SIZE];
	int fd;

	name_of(name, true, below(t, SCRATCH_NAMES));
	arg.mode = 0666;
	arg.msg_size = ROOM;
	if (cmd == MBOX_IOC_OPEN)
		arg.flags = MBOX_OPEN_CREATE | (one_in(t, 4) ? MBOX_OPEN_EXCL : 0);
	if (cmd == MBOX_IOC_OPEN || one_in(t, 2)) {
		memcpy(arg.name, name, MBOX_NAME_SIZE);
		arg.lifetime = below(t, MBOX_LIFETIME_FD + 1);
	}
	if (one_in(t, 8)) {
		arg.ring = 8192;
		arg.capacity = 0;
		arg.msg_size = 0;
		arg.options = one_in(t, 2) ? MBOX_OPTION_GROW : 0;
	} else if (arg.capacity && one_in(t, 3)) {
		arg.policy = MBOX_POLICY_BROADCAST;
		arg.options = one_in(t, 2) ? MBOX_OPTION_OVERFLOW : 0;
	} else {
		arg.policy = below(t, MBOX_POLICY_BROADCAST);
		arg.options = one_in(t, 3) ? MBOX_OPTION_EXCLUSIVE : 0;
		arg.max_procs = one_in(t, 3) ? 1 + below(t, 4) : 0;
	}
	fd = xioctl(process.factory, cmd, &arg);
	/* an existing mailbox may be a ring, or have its processes */
	expect_errors("CREATE", fd, EDQUOT, arg.name[0] ? EEXIST : EDQUOT,
		      process.privileged ? EDQUOT : EACCES, EINTR,
		      may_be(cmd == MBOX_IOC_OPEN, EUSERS), may_be(cmd == MBOX_IOC_OPEN, EBUSY),
		      may_be(cmd == MBOX_IOC_OPEN, EIDRM), 0);
	if (fd >= 0)
		handle_adopt(t, fd, true);
	if (one_in(t, 2)) {
		memcpy(delete.name, name, MBOX_NAME_SIZE);
		expect_errors("DELETE", xioctl(process.factory, MBOX_IOC_DELETE, &delete),
			      ENOENT, ENOTEMPTY, process.privileged ? ENOENT : EPERM, EOPNOTSUPP, 0);
	}
}

void act_pass(struct thread *t)
{
	union handle handle = handle_pick(t);
	int fd;

	/* a passed handle would not receive broadcasts, and hold back all others */
	if (handle.listener)
		return;
	if (handle.fd && one_in(t, 2)) {
		fd_pass(common.pass[0], handle.fd);
	} else {
		fd = fd_take(common.pass[1]);
		if (fd >= 0)
			handle_adopt(t, fd, false);
	}
}
