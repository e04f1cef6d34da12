/* SPDX-License-Identifier: GPL-2.0-only */
/* How the workers of stress_test send and receive. They say of each call whether it may have ended as it did. */
#ifndef STRESS_CALLS_H
#define STRESS_CALLS_H

#include "stress_handle.h"

/* The box that a handle sends to. */
static uint32_t handle_target(union handle handle)
{
	return handle.link && !handle.foreign ? handle.peer : handle.box;
}

/* How a call on a handle may fail, for what it is on: an error, or one that any may fail with. */
static int may_be(bool it_is, int error)
{
	return it_is ? error : EBADF;
}

static int maybe_users(union handle handle)
{
	return may_be(handle.foreign || handle.box == NO_BOX ||
		      ledger->boxes[handle.box].max_procs, EUSERS);
}

/* Whether a worker may shut it down: what others rely on goes on. */
static bool may_shut(union handle handle)
{
	return handle.box == NO_BOX || handle.link;
}

static int maybe_shut(union handle handle)
{
	return may_be(may_shut(handle), ESHUTDOWN);
}

static int maybe_owner(union handle handle)
{
	return may_be(handle.link || handle.inbox || handle.box == NO_BOX ||
		      ledger->boxes[handle.box].name == NAME_OWNED, EOWNERDEAD);
}

static int maybe_ring(union handle handle)
{
	return may_be(handle.box == NO_BOX || name_is_ring(ledger->boxes[handle.box].name), EOPNOTSUPP);
}

static int maybe_deadlock(union handle handle)
{
	return may_be(handle.link && process.single, EDEADLK);
}

/* Whether it is to wait for its peer until that does what it waits for, or a signal comes. */
static bool waits_for_peer(struct thread *t, union handle handle)
{
	return process.single && handle.link && !handle.foreign && !handle.nonblock && one_in(t, 2);
}

/* Sending. */

/* One message; in a flood they are small, and do not wait. */
static void send_one(struct thread *t, union handle handle, uint32_t size, bool flood)
{
	struct slot *slot = t->slot;
	struct mbox_ioc_send arg = {};
	uint32_t index = slot->next, number, flags, name;
	struct entry *entry = &t->entries[index];
	bool book, use_write, waits, broadcast;
	uint32_t box = handle_target(handle);
	long ret;

	if (index == ENTRIES)
		return;
	book = box != NO_BOX;
	name = book ? ledger->boxes[box].name : NAME_WILD;
	broadcast = name_is_broadcast(name);
	if (book && name_has_read(name) && size < sizeof(struct stamp))
		size = sizeof(struct stamp);
	use_write = name_has_read(name) && !flood && one_in(t, 3);

	number = number_of(t->index, index);
	if (flood) {
		arg.flags = MBOX_SEND_NONBLOCK;
		arg.prio = one_in(t, 4) ? below(t, 4) : 0;
		arg.type = one_in(t, 32) ? STREAM_TYPE : 0;
	} else if (!use_write) {
		set_deadline(t, &arg.clock, (int64_t *)&arg.deadline);
		arg.flags = one_in(t, 2) ? MBOX_SEND_NONBLOCK : one_in(t, 4) ? MBOX_SEND_SYNC : 0;
		if ((arg.flags & MBOX_SEND_SYNC) && book && ledger->boxes[box].no_sync)
			arg.flags = 0;
		if (waits_for_peer(t, handle)) {
			arg.flags = MBOX_SEND_SYNC;
			arg.clock = MBOX_CLOCK_NONE;
			arg.deadline = 0;
		}
		arg.prio = one_in(t, 3) ? below(t, 4) : one_in(t, 50) ? MBOX_PRIO_MAX : 0;
		arg.type = size < sizeof(struct stamp) ? TYPE_IS_NUMBER | number : below(t, 4);
	}
	payload_make(slot->out, size, arg.prio, number);
	arg.data = one_in(t, 200) ? 8 : kernel_view(t, slot->out);
	arg.size = size;
	waits = !(arg.flags & MBOX_SEND_NONBLOCK) && !handle.nonblock;

	if (book) {
		*entry = (struct entry) {
			.box = box, .size = size, .prio = arg.prio, .type = arg.type,
			.sender = getpid(),
		};
		mark(entry, OPEN);
		__atomic_store_n(&slot->sending, index + 1, __ATOMIC_RELEASE);
	}
	if (use_write) {
		ret = xwrite(handle.fd, (void *)(uintptr_t)arg.data, size);
		if (ret >= 0 && ret != size)
			fault(FAULT_CALL, "write of %u bytes returned %ld", size, ret);
		ret = ret < 0 ? ret : 0;
	} else {
		ret = xioctl(handle.fd, MBOX_IOC_SEND, &arg);
	}
	if (book) {
		flags = ret < 0 ? FAILED : SENT;
		if (ret > 0) {
			entry->told = ret;
			flags |= broadcast ? 0 : WAITED;
		}
		if (broadcast && (arg.flags & MBOX_SEND_SYNC))
			flags |= SYNC;
		if (waits && (ret == -ETIMEDOUT || ret == -EINTR || ret == -EDEADLK))
			flags |= WITHDRAWN;
		if (waits && (ret == -EIDRM || ret == -EOWNERDEAD))
			flags |= DIED;
		if ((mark(entry, flags) & RECEIVED) && ret < 0)
			fault(FAULT_LEDGER, "%08x: send failed with %s, but was received", number,
			      strerrorname_np(-ret));
		slot->next = index + 1;
		__atomic_store_n(&slot->sending, 0, __ATOMIC_RELEASE);
	}
	if (ret >= 0)
		count(broadcast ? &ledger->broadcasts : &ledger->sends);
	if (ret == -EDEADLK)
		count(&ledger->deadlocks);
	if (ret > 0 && !waits && book && !broadcast)
		fault(FAULT_CALL, "a send that does not wait returned %ld", ret);
	if ((arg.flags & MBOX_SEND_SYNC) && ret == 0 && book && !broadcast)
		fault(FAULT_CALL, "a synchronous send returned no process");
	if (handle.foreign && ret >= 0)
		fault(FAULT_CALL, "another process sent over a link");
	expect_errors("SEND", ret, EBADF, EDQUOT, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      waits ? EINTR : EAGAIN,
		      arg.clock ? ETIMEDOUT : EBADF,
		      handle.nonblock && (arg.flags & MBOX_SEND_SYNC) ? EINVAL : EBADF,
		      maybe_users(handle), maybe_owner(handle), maybe_ring(handle),
		      maybe_deadlock(handle), 0);
}

/*
 * A handle to send or receive with. A process of one thread is in links often: those of others wait for
 * it there, and it for them.
 */
static union handle handle_for(struct thread *t, uint32_t right)
{
	union handle handle;

	for (int i = 0; process.single && i < HANDLES && one_in(t, 2); i++) {
		handle.word = __atomic_load_n(&process.handles[i], __ATOMIC_ACQUIRE);
		if (handle.link && !handle.foreign)
			return handle;
	}
	return handle_with(t, right);
}

static void do_send(struct thread *t)
{
	union handle handle = handle_for(t, MBOX_RIGHT_SEND);

	if (handle.fd)
		send_one(t, handle, random_size(t), false);
}

/* So many that who looks for one of a type has to search far. */
static void do_flood(struct thread *t)
{
	union handle handle;

	for (int i = 0; i < HANDLES; i++) {
		handle.word = __atomic_load_n(&process.handles[i], __ATOMIC_ACQUIRE);
		if (!handle.fd || !(handle.rights & MBOX_RIGHT_SEND) || handle.box == NO_BOX ||
		    ledger->boxes[handle.box].name != NAME_STREAM)
			continue;
		for (int n = 0; n < FLOOD; n++)
			send_one(t, handle, sizeof(struct stamp) + below(t, 32), true);
		return;
	}
}

/* Receiving. */

static int maybe_busy(union handle handle)
{
	return may_be(handle.box == NO_BOX || ledger->boxes[handle.box].exclusive, EBUSY);
}

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

static void do_read(struct thread *t, union handle handle)
{
	struct slot *slot = t->slot;
	size_t size = one_in(t, 8) ? below(t, 1000) : ROOM;
	long ret;

	memset(slot->in, 0, sizeof(struct stamp));
	__atomic_store_n(&slot->receiving, RECEIVING_READ, __ATOMIC_RELEASE);
	ret = xread(handle.fd, (void *)(uintptr_t)kernel_view(t, slot->in), size);
	if (ret >= 0)
		received(t, handle, NULL, ret, true);
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	if (ret == -EDEADLK)
		count(&ledger->deadlocks);
	expect_errors("read", ret, EBADF, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      handle.nonblock ? EAGAIN : EINTR, maybe_users(handle), maybe_owner(handle),
		      maybe_ring(handle), maybe_deadlock(handle), maybe_busy(handle), 0);
}

/* Of a stream the supervisor alone receives, and of a broadcast who is known to listen. */
static bool handle_receives(union handle handle)
{
	uint32_t name;

	if (handle.box == NO_BOX)
		return true;
	name = ledger->boxes[handle.box].name;
	return name != NAME_STREAM && (!name_is_broadcast(name) || handle.listener);
}

static void do_recv(struct thread *t)
{
	union handle handle = handle_for(t, MBOX_RIGHT_RECV);
	struct slot *slot = t->slot;
	struct mbox_ioc_recv *arg = &slot->recv;
	bool took, waits;
	long ret;

	if (!handle.fd || !handle_receives(handle))
		return;
	if ((handle.box == NO_BOX || name_has_read(ledger->boxes[handle.box].name)) && one_in(t, 3)) {
		do_read(t, handle);
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

#endif
