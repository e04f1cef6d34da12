// SPDX-License-Identifier: GPL-2.0-only
/* Actions of a worker: sending. */
#include "stress/stress.h"

#include <sys/uio.h>

/* Return the box that a handle sends to. */
uint32_t handle_target(union handle handle)
{
	return handle.link && !handle.foreign ? handle.peer : handle.box;
}

/* Return whether the call is to wait for its peer, until that serves it or a signal comes. */
bool waits_for_peer(struct thread *t, union handle handle)
{
	return process.single && handle.link && !handle.foreign && !handle.nonblock && one_in(t, 2);
}

/* How a message is sent beside SEND and write(). */
enum manner { BY_SEND, BY_WRITE, BY_CALL, BY_POST };

/* Make a request of it, whose reply goes to no message. */
static long send_call(struct thread *t, union handle handle, const struct mbox_ioc_send *send, bool *waits)
{
	uint8_t data[300];
	struct mbox_ioc_call arg = {
		.send = *send, .flags = one_in(t, 2) ? MBOX_CALL_RETRY : 0,
		.reply = address_of(data), .room = below(t, sizeof(data)),
	};
	long ret;

	*waits = true;
	ret = xioctl(handle.fd, MBOX_IOC_CALL, &arg);
	count(&ledger->requests);
	if (ret == 0 && (!arg.pid || arg.length > arg.room))
		fault(FAULT_CALL, "process %u replied %llu bytes", arg.pid,
		      (unsigned long long)arg.length);
	/* a receiver took it without a lease */
	return ret == -EPROTO ? 0 : ret ? ret : arg.pid;
}

/* With a mark, and perhaps to be received later. */
static long send_post(struct thread *t, union handle handle, const struct mbox_ioc_send *send, bool *waits)
{
	struct mbox_ioc_post arg = { .send = *send };

	if (!handle.link) {
		arg.flags = MBOX_POST_MARK;
		arg.mark = roll(t);
	}
	if (!handle.link && !(send->flags & MBOX_SEND_SYNC) && one_in(t, 2)) {
		arg.flags |= MBOX_POST_NOT_BEFORE;
		arg.clock = MBOX_CLOCK_MONOTONIC;
		arg.not_before = now() + below(t, 2000000);
		*waits = false;
	}
	return xioctl(handle.fd, MBOX_IOC_POST, &arg);
}

/* Write a message, as a whole or in two pieces. */
static long send_write(struct thread *t, int fd, char *data, size_t size)
{
	size_t half = below(t, size + 1);
	struct iovec pieces[] = { { data, half }, { data + half, size - half } };
	ssize_t ret;

	if (!size || !one_in(t, 2))
		return xwrite(fd, data, size);
	ret = writev(fd, pieces, 2);
	return ret < 0 ? -errno : ret;
}

/* Send one message; in a flood they are small, and do not wait. */
static void send_one(struct thread *t, union handle handle, uint32_t size, bool flood)
{
	struct slot *slot = t->slot;
	struct mbox_ioc_send arg = {};
	uint32_t index = slot->next, number, flags, name;
	struct entry *entry = &t->entries[index];
	enum manner manner = BY_SEND;
	bool known, waits, broadcast;
	uint32_t box = handle_target(handle);
	long ret;

	if (index == ENTRIES)
		return;
	known = box != NO_BOX;
	name = known ? ledger->boxes[box].name : NAME_WILD;
	broadcast = name_is_broadcast(name);
	if (known && name_has_read(name) && size < sizeof(struct stamp))
		size = sizeof(struct stamp);
	if (!flood && name_has_read(name) && one_in(t, 3))
		manner = BY_WRITE;
	else if (!flood && !broadcast && !name_is_ring(name) && name != NAME_STREAM && one_in(t, 4))
		manner = one_in(t, 3) ? BY_CALL : BY_POST;

	number = number_of(t->index, index);
	if (flood) {
		arg.flags = MBOX_SEND_NONBLOCK;
		arg.prio = one_in(t, 4) ? below(t, 4) : 0;
		arg.type = one_in(t, 32) ? STREAM_TYPE : 0;
	} else if (manner != BY_WRITE) {
		set_deadline(t, &arg.clock, (int64_t *)&arg.deadline);
		arg.flags = one_in(t, 2) ? MBOX_SEND_NONBLOCK : one_in(t, 4) ? MBOX_SEND_SYNC : 0;
		if ((arg.flags & MBOX_SEND_SYNC) && known && ledger->boxes[box].no_sync)
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

	if (known) {
		*entry = (struct entry) {
			.box = box, .size = size, .prio = arg.prio, .type = arg.type,
			.sender = getpid(),
		};
		mark(entry, OPEN);
		__atomic_store_n(&slot->sending, index + 1, __ATOMIC_RELEASE);
	}
	if (manner == BY_CALL)
		arg.flags &= ~MBOX_SEND_SYNC;
	if (manner == BY_CALL) {
		ret = send_call(t, handle, &arg, &waits);
	} else if (manner == BY_POST) {
		ret = send_post(t, handle, &arg, &waits);
	} else if (manner == BY_WRITE) {
		ret = send_write(t, handle.fd, (char *)(uintptr_t)arg.data, size);
		if (ret >= 0 && ret != size)
			fault(FAULT_CALL, "write of %u bytes returned %ld", size, ret);
		ret = ret < 0 ? ret : 0;
	} else {
		ret = xioctl(handle.fd, MBOX_IOC_SEND, &arg);
	}
	if (known) {
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
		/* a server ended, or rejected it */
		if (manner == BY_CALL && (ret == -EOWNERDEAD || ret == -EREMOTEIO || ret == -EFAULT))
			flags |= WITHDRAWN;
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
	if (ret > 0 && !waits && known && !broadcast)
		fault(FAULT_CALL, "a send that does not wait returned %ld", ret);
	if ((arg.flags & MBOX_SEND_SYNC) && ret == 0 && known && !broadcast)
		fault(FAULT_CALL, "a synchronous send returned no process");
	if (handle.foreign && ret >= 0)
		fault(FAULT_CALL, "another process sent over a link");
	expect_errors("SEND", ret, EBADF, EDQUOT, EIDRM, EMSGSIZE, EFAULT, EPIPE, maybe_shut(handle),
		      waits ? EINTR : EAGAIN,
		      arg.clock ? ETIMEDOUT : EBADF,
		      handle.nonblock && (arg.flags & MBOX_SEND_SYNC) ? EINVAL : EBADF,
		      maybe_users(handle), maybe_owner(handle), maybe_ring(handle),
		      maybe_deadlock(handle), may_be(manner == BY_POST, EAGAIN),
		      may_be(manner == BY_CALL, EOWNERDEAD), may_be(manner == BY_CALL, EREMOTEIO),
		      may_be(manner == BY_CALL, EAGAIN), 0);
}

void act_send(struct thread *t)
{
	union handle handle = handle_for(t, MBOX_RIGHT_SEND);

	if (handle.fd)
		send_one(t, handle, random_size(t), false);
}

/* So many messages that a receive by type has to search far. */
void act_flood(struct thread *t)
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
