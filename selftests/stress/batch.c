// SPDX-License-Identifier: GPL-2.0-only
/* Actions of a worker: sending and receiving in batches. */
#include "stress/stress.h"

/* Note the results of a batch of @n, of which @sent were sent; the next one failed. */
static void batch_sent(struct thread *t, uint32_t first, uint32_t n, long sent, bool waits)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t flags = i < sent ? SENT : FAILED;

		/* While it waited, it may have been accepted. */
		if (i == sent && waits)
			flags |= WITHDRAWN | DIED;
		if ((mark(&t->entries[first + i], flags) & RECEIVED) && i >= sent)
			fault(FAULT_LEDGER, "%08x: number %u of a batch, of which %ld were sent, was received",
			      number_of(t->index, first + i), i, sent);
	}
}

void act_send_batch(struct thread *t)
{
	union handle handle = handle_for(t, MBOX_RIGHT_SEND);
	uint32_t n = 1 + below(t, BATCH), box = handle_target(handle);
	struct mbox_send_entry entries[BATCH] = {};
	struct slot *slot = t->slot;
	uint32_t first = slot->next;
	struct mbox_ioc_sendv arg = {
		.entries = address_of(entries), .count = n, .entry_size = sizeof(entries[0]),
	};
	bool waits;
	long ret;

	/* The ledger needs the result of each send of a broadcast. */
	if (!handle.fd || box == NO_BOX || first + n > ENTRIES ||
	    name_is_broadcast(ledger->boxes[box].name))
		return;
	set_deadline(t, &arg.clock, (int64_t *)&arg.deadline);
	arg.flags = one_in(t, 2) ? MBOX_SEND_NONBLOCK : 0;
	waits = !arg.flags && !handle.nonblock;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = number_of(t->index, first + i), size = random_size(t) % BATCH_ROOM;
		uint8_t *data = slot->out + i * BATCH_ROOM;
		struct mbox_send_entry *entry = &entries[i];

		if (size < sizeof(struct stamp))
			size = sizeof(struct stamp);
		entry->prio = one_in(t, 3) ? below(t, 4) : 0;
		entry->type = below(t, 4);
		entry->size = size;
		payload_make(data, size, entry->prio, number);
		entry->data = one_in(t, 400) ? 8 : kernel_view(t, data);
		t->entries[first + i] = (struct entry) {
			.box = box, .size = size, .prio = entry->prio, .type = entry->type,
			.sender = getpid(),
		};
		mark(&t->entries[first + i], OPEN);
	}
	slot->nr_sending = n;
	__atomic_store_n(&slot->sending, first + 1, __ATOMIC_RELEASE);
	ret = xioctl(handle.fd, MBOX_IOC_SENDV, &arg);
	batch_sent(t, first, n, ret < 0 ? 0 : ret, waits);
	slot->next = first + n;
	__atomic_store_n(&slot->sending, 0, __ATOMIC_RELEASE);
	slot->nr_sending = 0;
	for (long i = 0; i < ret; i++)
		count(&ledger->sends);
	if (ret == -EDEADLK)
		count(&ledger->deadlocks);
	if (ret == 0 || ret > n || (ret >= 0 && handle.foreign))
		fault(FAULT_CALL, "SENDV of %u messages returned %ld", n, ret);
	expect_errors("SENDV", ret, EBADF, EDQUOT, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      waits ? EINTR : EAGAIN, arg.clock ? ETIMEDOUT : EBADF, maybe_users(handle),
		      maybe_owner(handle), maybe_ring(handle), maybe_deadlock(handle), 0);
}

/* Note a message that came in a batch. */
static void batch_got(union handle handle, const struct mbox_ioc_recvv *arg,
		      const struct mbox_header *header, const uint8_t *data)
{
	const struct entry *entry;

	if (handle.box == NO_BOX)
		return;
	entry = ledger_got(handle.box, 0, header, data, header->length, true);
	if (entry && handle.link && entry->sender != ledger->boxes[handle.peer].pid)
		fault(FAULT_LEDGER, "from the link to %d came a message of %d",
		      ledger->boxes[handle.peer].pid, entry->sender);
	if ((arg->flags & MBOX_RECV_BY_TYPE) && header->type != arg->type)
		fault(FAULT_CALL, "RECVV by type %u got %u", arg->type, header->type);
	if (header->prio < arg->min_prio)
		fault(FAULT_CALL, "RECVV of priority %u and more got %u", arg->min_prio, header->prio);
}

void act_recv_batch(struct thread *t)
{
	union handle handle = handle_for(t, MBOX_RIGHT_RECV);
	uint32_t n = 1 + below(t, BATCH);
	struct slot *slot = t->slot;
	struct mbox_ioc_recvv arg = {
		.entries = kernel_view(t, slot->recvv), .count = n,
		.entry_size = sizeof(slot->recvv[0]),
	};
	bool waits;
	long ret;

	/* A broadcast is received once by each handle, which the ledger notes one by one. */
	if (!handle.fd || handle.listener || !handle_receives(handle))
		return;
	set_deadline(t, &arg.clock, (int64_t *)&arg.deadline);
	arg.flags = one_in(t, 2) ? MBOX_RECV_NONBLOCK : 0;
	waits = !arg.flags && !handle.nonblock;
	/* Without a deadline, it would keep messages for long. */
	if (arg.clock || !waits)
		arg.min = below(t, n + 1);
	if (one_in(t, 8)) {
		arg.flags |= MBOX_RECV_BY_TYPE;
		arg.type = below(t, 4);
	}
	if (one_in(t, 16))
		arg.min_prio = below(t, 4);
	memset(slot->recvv, 0, sizeof(slot->recvv));
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *data = slot->in + i * BATCH_ROOM;

		memset(data, 0, sizeof(struct stamp));
		slot->recvv[i].data = one_in(t, 400) ? 8 : kernel_view(t, data);
		slot->recvv[i].size = one_in(t, 16) ? below(t, 1000) : BATCH_ROOM;
		slot->recvv[i].header.length = ROOM + 1;
	}
	slot->nr_recvv = n;
	__atomic_store_n(&slot->receiving, RECEIVING_BATCH, __ATOMIC_RELEASE);
	ret = xioctl(handle.fd, MBOX_IOC_RECVV, &arg);
	for (long i = 0; i < ret; i++)
		batch_got(handle, &arg, &slot->recvv[i].header, slot->in + i * BATCH_ROOM);
	__atomic_store_n(&slot->receiving, 0, __ATOMIC_RELEASE);
	if (ret == -EDEADLK)
		count(&ledger->deadlocks);
	if (ret == 0 || ret > n || (ret >= 0 && handle.foreign))
		fault(FAULT_CALL, "RECVV of %u messages returned %ld", n, ret);
	expect_errors("RECVV", ret, EBADF, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      waits ? EINTR : EAGAIN, arg.clock ? ETIMEDOUT : EBADF, maybe_users(handle),
		      maybe_owner(handle), maybe_ring(handle), maybe_deadlock(handle),
		      maybe_busy(handle), 0);
}
