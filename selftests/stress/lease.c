// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actions of a worker: receiving with a lease, and what ends one. The message is received when it is
 * acknowledged; a worker that is killed before has not received it.
 */
#include "lib/lease.h"
#include "stress/stress.h"

/* Wait until no message of the mailbox is leased or delayed: its workers have ended. */
void leases_settle(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct mbox_info info = info_of(fd);

	while ((info.leased || info.delayed) && info.state != MBOX_STATE_DEAD) {
		if (now() > end) {
			fault(FAULT_LEFT, "mailbox %s: %u messages are leased, %u delayed", info.name,
			      info.leased, info.delayed);
			return;
		}
		nap();
		info = info_of(fd);
	}
}

/* Acknowledge, or reply; the entry is as of a receive. */
static long lease_finish(struct thread *t, union handle handle, bool call)
{
	struct slot *slot = t->slot;
	const struct mbox_delivery *delivery = &slot->lease.delivery;
	struct mbox_ioc_reply reply = {
		.token = delivery->token, .data = kernel_view(t, slot->in),
		.size = call ? below(t, delivery->room + 1) : 0,
	};
	const struct entry *entry;
	long ret;

	__atomic_store_n(&slot->receiving, RECEIVING_RECV, __ATOMIC_RELEASE);
	if (call || one_in(t, 4)) {
		ret = xioctl(handle.fd, MBOX_IOC_REPLY, &reply);
		/* The reply could not be read, and the lease goes on. */
		if (ret == -EFAULT && reply.size) {
			reply.data = address_of(slot->in);
			ret = xioctl(handle.fd, MBOX_IOC_REPLY, &reply);
		}
	} else {
		ret = ack(handle.fd, delivery->token);
	}
	if (ret == 0 && handle.box != NO_BOX) {
		entry = ledger_got(handle.box, 0, &slot->recv.header, slot->in,
				   slot->recv.header.length, true);
		if (entry && handle.link && entry->sender != ledger->boxes[handle.peer].pid)
			fault(FAULT_LEDGER, "from the link to %d came a message of %d",
			      ledger->boxes[handle.peer].pid, entry->sender);
	}
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	return ret;
}

/* Do one thing with the lease; messages of links must not stay with their process. */
static void lease_end(struct thread *t, union handle handle)
{
	const struct mbox_ioc_lease *lease = &t->slot->lease;
	bool private = handle.link || handle.inbox;
	uint64_t token = lease->delivery.token;
	long ret = 0;

	switch (below(t, 16)) {
	case 0:
		ret = nack(handle.fd, token, MBOX_NACK_RELEASE, 0, 0);
		break;
	case 1:
		ret = nack(handle.fd, token, MBOX_NACK_RETRY, below(t, 2000000), 0);
		break;
	case 2:
		ret = private ? 0 : nack(handle.fd, token, MBOX_NACK_REJECT, 0, 1);
		if (!private)
			break;
		/* fall through */
	case 3:
		/* it ends by itself, or with the process */
		if (lease->clock && !private)
			break;
		/* fall through */
	case 4:
		ret = extend(handle.fd, token, one_in(t, 2) ? 1 + below(t, 3000000) : 0);
		if (ret == 0)
			ret = lease_finish(t, handle, lease->delivery.flags & MBOX_DELIVERY_CALL);
		break;
	default:
		ret = lease_finish(t, handle, lease->delivery.flags & MBOX_DELIVERY_CALL);
		break;
	}
	expect_errors("the end of a lease", ret, EBADF, ESTALE, ECANCELED, EIDRM, maybe_owner(handle),
		      maybe_users(handle), 0);
}

void act_lease(struct thread *t)
{
	union handle handle = handle_for(t, MBOX_RIGHT_RECV);
	struct slot *slot = t->slot;
	struct mbox_ioc_lease *arg = &slot->lease;
	struct entry *entry;
	bool waits;
	long ret;

	if (!handle.fd || handle.listener || !handle_receives(handle))
		return;
	memset(arg, 0, sizeof(*arg));
	set_deadline(t, &arg->recv.clock, (int64_t *)&arg->recv.deadline);
	if (one_in(t, 2))
		arg->recv.flags |= MBOX_RECV_NONBLOCK;
	if (one_in(t, 16))
		arg->recv.min_prio = below(t, 4);
	if (one_in(t, 2)) {
		arg->clock = MBOX_CLOCK_MONOTONIC;
		arg->time = 1 + below(t, 3000000);
	}
	arg->recv.size = one_in(t, 8) ? below(t, 1000) : ROOM;
	arg->recv.data = one_in(t, 100) ? 8 : kernel_view(t, slot->in);
	arg->recv.header.length = ROOM + 1;
	memset(slot->in, 0, sizeof(struct stamp));
	waits = !(arg->recv.flags & MBOX_RECV_NONBLOCK) && !handle.nonblock;

	__atomic_store_n(&slot->receiving, RECEIVING_LEASE, __ATOMIC_RELEASE);
	ret = xioctl(handle.fd, MBOX_IOC_LEASE, arg);
	slot->recv = arg->recv;
	if (ret == 0 && handle.box != NO_BOX) {
		entry = ledger_got(handle.box, 0, &arg->recv.header, slot->in,
				   arg->recv.header.length, false);
		if (entry)
			mark(entry, LEASED);
	}
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	if (ret == -EDEADLK)
		count(&ledger->deadlocks);
	expect_errors("LEASE", ret, EBADF, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      waits ? EINTR : EAGAIN, arg->recv.clock ? ETIMEDOUT : EBADF, maybe_users(handle),
		      maybe_owner(handle), maybe_ring(handle), maybe_deadlock(handle),
		      maybe_busy(handle), 0);
	if (ret)
		return;
	if (handle.foreign)
		fault(FAULT_CALL, "another process leased over a link");
	count(&ledger->leases);
	lease_end(t, handle);
}
