// SPDX-License-Identifier: GPL-2.0-only
/* Action of a worker: deleting. */
#include "stress/stress.h"

/* Return whether that many may have been dropped. @known: it is the mailbox @name of the ledger. */
static bool dropped_right(const struct mbox_ioc_delete *arg, bool known, uint32_t name)
{
	if (arg->how != MBOX_DELETE_FORCE)
		return !known || !arg->dropped;
	if (arg->dropped == arg->queued)
		return true;
	/* A broadcast that somebody has received is not dropped. */
	return arg->dropped < arg->queued && (!known || name_is_broadcast(name));
}

void act_delete(struct thread *t)
{
	union handle handle = handle_pick(t);
	bool by_name = one_in(t, 2);
	struct mbox_ioc_delete arg = { .how = below(t, 4) };
	uint32_t name = below(t, NAMES);
	bool known = true;
	int fd = process.factory;
	long ret;

	if (by_name) {
		name_of(arg.name, false, name);
	} else {
		if (!handle.fd)
			return;
		fd = handle.fd;
		known = handle.box != NO_BOX && !handle.link && !handle.inbox;
		name = known ? ledger->boxes[handle.box].name : 0;
	}
	if (known && arg.how == MBOX_DELETE_FORCE && !name_has_force(name))
		arg.how = MBOX_DELETE_UNLINK;
	if (known && arg.how == MBOX_DELETE_FORCE)
		__atomic_store_n(&t->slot->forcing, name + 1, __ATOMIC_RELEASE);
	ret = xioctl(fd, MBOX_IOC_DELETE, &arg);
	if (ret == 0) {
		count(&ledger->deletions);
		if (!dropped_right(&arg, known, name))
			fault(FAULT_CALL, "DELETE %u dropped %llu of %llu", arg.how,
			      (long long)arg.dropped, (long long)arg.queued);
		if (known && arg.how == MBOX_DELETE_FORCE)
			__atomic_fetch_add(&ledger->forced[name], arg.dropped, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&t->slot->forcing, 0, __ATOMIC_RELEASE);
	if (by_name)
		expect_errors("DELETE", ret, ENOTEMPTY, ENOENT,
			      process.privileged ? ENOENT : EPERM,
			      may_be(name_is_ring(name), EOPNOTSUPP), 0);
	else
		expect_errors("DELETE", ret, ENOTEMPTY, EIDRM, EBADF, EPERM, maybe_owner(handle),
			      may_be(handle.link || handle.inbox, EOPNOTSUPP), maybe_ring(handle), 0);
}
