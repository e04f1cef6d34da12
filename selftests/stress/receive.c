// SPDX-License-Identifier: GPL-2.0-only
/* Actions of a worker: receiving. */
#include "stress/stress.h"

#include <sys/uio.h>

static void received(struct thread *t, union handle handle, const struct mbox_header *header,
		     uint64_t length, bool took)
{
	const struct entry *entry;

	if (handle.foreign)
		fault(FAULT_CALL, "another process received over a link");
	if (handle.box == NO_BOX)
		return;
	entry = ledger_got(handle.box, handle.listener, header, t->slot->in, length, took);
	if (entry && handle.link && entry->sender != ledger->boxes[handle.peer].pid)
		fault(FAULT_LEDGER, "from the link to %d came a message of %d",
		      ledger->boxes[handle.peer].pid, entry->sender);
}

static void act_read(struct thread *t, union handle handle)
{
	struct slot *slot = t->slot;
	size_t size = one_in(t, 8) ? below(t, 1000) : ROOM;
	long ret;

	memset(slot->in, 0, sizeof(struct stamp));
	__atomic_store_n(&slot->receiving, RECEIVING_READ, __ATOMIC_RELEASE);
	if (one_in(t, 2)) {
		ret = xread(handle.fd, (void *)(uintptr_t)kernel_view(t, slot->in), size);
	} else {
		size_t half = below(t, size + 1);
		struct iovec pieces[] = { { slot->in, half }, { slot->in + half, size - half } };

		/* with nothing in any piece it does not reach the mailbox */
		ret = size ? readv(handle.fd, pieces, 2) : -EMSGSIZE;
		ret = ret == -1 ? -errno : ret;
	}
	if (ret >= 0)
		received(t, handle, NULL, ret, true);
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	if (ret == -EDEADLK)
		count(&ledger->deadlocks);
	expect_errors("read", ret, EBADF, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      handle.nonblock ? EAGAIN : EINTR, maybe_users(handle), maybe_owner(handle),
		      maybe_ring(handle), maybe_deadlock(handle), maybe_busy(handle), 0);
}

/* Only the supervisor receives a stream, and only known listeners receive broadcasts. */
bool handle_receives(union handle handle)
{
	uint32_t name;

	if (handle.box == NO_BOX)
		return true;
	name = ledger->boxes[handle.box].name;
	return name != NAME_STREAM && (!name_is_broadcast(name) || handle.listener);
}

void act_recv(struct thread *t)
{
	union handle handle = handle_for(t, MBOX_RIGHT_RECV);
	struct slot *slot = t->slot;
	struct mbox_ioc_recv *arg = &slot->recv;
	bool took, waits;
	long ret;

	if (!handle.fd || !handle_receives(handle))
		return;
	if ((handle.box == NO_BOX || name_has_read(ledger->boxes[handle.box].name)) && one_in(t, 3)) {
		act_read(t, handle);
		return;
	}
	memset(arg, 0, sizeof(*arg));
	set_deadline(t, &arg->clock, (int64_t *)&arg->deadline);
	if (one_in(t, 2))
		arg->flags |= MBOX_RECV_NONBLOCK;
	if (one_in(t, 8))
		arg->flags |= MBOX_RECV_PEEK;
	if (one_in(t, 8)) {
		arg->flags |= MBOX_RECV_BY_TYPE;
		arg->type = below(t, 4);
	}
	if (one_in(t, 16)) {
		arg->flags |= MBOX_RECV_BY_SENDER;
		arg->pid = slots[below(t, THREADS_MAX)].pid;
	}
	if (one_in(t, 16))
		arg->min_prio = below(t, 4);
	if (waits_for_peer(t, handle)) {
		arg->flags &= ~MBOX_RECV_NONBLOCK;
		arg->clock = MBOX_CLOCK_NONE;
		arg->deadline = 0;
	}
	arg->size = one_in(t, 8) ? below(t, 1000) : ROOM;
	arg->data = one_in(t, 100) ? 8 : kernel_view(t, slot->in);
	arg->header.length = ROOM + 1;
	/* EMSGSIZE writes a header, and leaves the payload of the call before. */
	memset(slot->in, 0, sizeof(struct stamp));
	took = !(arg->flags & MBOX_RECV_PEEK);
	waits = !(arg->flags & MBOX_RECV_NONBLOCK) && !handle.nonblock;

	if (took)
		__atomic_store_n(&slot->receiving, RECEIVING_RECV, __ATOMIC_RELEASE);
	ret = xioctl(handle.fd, MBOX_IOC_RECV,
		     (void *)(uintptr_t)(arg->data == 8 ? address_of(arg) : kernel_view(t, arg)));
	if (ret == 0) {
		if (arg->data == 8 && arg->header.length)
			fault(FAULT_CALL, "RECV into no memory succeeded");
		received(t, handle, &arg->header, arg->header.length, took);
		if ((arg->flags & MBOX_RECV_BY_TYPE) && arg->header.type != arg->type)
			fault(FAULT_CALL, "RECV by type %u got %u", arg->type, arg->header.type);
		if ((arg->flags & MBOX_RECV_BY_SENDER) && arg->header.pid != arg->pid)
			fault(FAULT_CALL, "RECV by pid %u got %u", arg->pid, arg->header.pid);
		if (arg->header.prio < arg->min_prio)
			fault(FAULT_CALL, "RECV of priority %u and more got %u", arg->min_prio,
			      arg->header.prio);
	}
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	if (ret == -EDEADLK)
		count(&ledger->deadlocks);
	expect_errors("RECV", ret, EBADF, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      waits ? EINTR : EAGAIN,
		      arg->clock ? ETIMEDOUT : EBADF, maybe_users(handle), maybe_owner(handle),
		      maybe_ring(handle), maybe_deadlock(handle), maybe_busy(handle), 0);
}
