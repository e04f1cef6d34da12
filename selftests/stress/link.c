// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links and inboxes. The inbox of each worker is a box of its own in the ledger: all messages that
 * are sent over links to the worker belong to it. When the threads of a worker have stopped, the
 * worker says so and waits until all workers are as quiet. Then it receives the rest of its inbox and
 * leaves the counters for the supervisor to check. The messages to a worker that is killed before are
 * lost with it, and its box is not checked; but none of them may be received twice or by another.
 */
#include "stress/stress.h"

/* Open the inbox. No peer can link to this process before, so that it gets all messages to it. */
void inbox_begin(uint32_t box)
{
	struct mbox_ioc_inbox arg = {};

	process.inbox_box = NO_BOX;
	if (box == NO_BOX)
		return;
	process.inbox = xioctl(process.factory, MBOX_IOC_INBOX, &arg);
	expect_errors("INBOX", process.inbox, may_be(!process.privileged, EDQUOT), 0);
	if (process.inbox < 0)
		return;
	process.inbox_id = info_of(process.inbox).id;
	process.inbox_box = box;
	__atomic_store_n(&ledger->boxes[box].pid, getpid(), __ATOMIC_RELEASE);
}

/* Return the box of the inbox of a process, or NO_BOX. */
static uint32_t inbox_find(pid_t pid)
{
	uint32_t n = __atomic_load_n(&ledger->nr_boxes, __ATOMIC_ACQUIRE);

	for (uint32_t i = n; i-- > 0;)
		if (ledger->boxes[i].name == NAME_INBOX &&
		    __atomic_load_n(&ledger->boxes[i].pid, __ATOMIC_ACQUIRE) == pid)
			return i;
	return NO_BOX;
}

/* Put a handle of ours, on a link or an inbox, among the handles. */
static void inbox_adopt(struct thread *t, int fd, uint32_t kind, uint32_t peer)
{
	union handle handle = {
		.box = process.inbox_box, .peer = peer,
		.rights = MBOX_RIGHT_RECV | (kind == MBOX_KIND_LINK ? MBOX_RIGHT_SEND : 0),
		.link = kind == MBOX_KIND_LINK, .inbox = kind == MBOX_KIND_INBOX,
	};
	struct mbox_info info;
	int ret = info_get(fd, &info);

	expect_errors("GET", ret, 0);
	if (info.kind != kind || info.rights != handle.rights)
		fault(FAULT_CALL, "a handle of kind %u is of kind %u, with rights %x", kind, info.kind,
		      info.rights);
	if (kind == MBOX_KIND_LINK && info.peer && info.peer != (uint32_t)ledger->boxes[peer].pid)
		fault(FAULT_CALL, "a link to %d is one to %u", ledger->boxes[peer].pid, info.peer);
	handle.nonblock = !!(fcntl(fd, F_GETFL) & O_NONBLOCK);
	fd = handle_number(fd);
	if (fd < 0)
		return;
	handle.fd = fd;
	handle_put(t, handle);
}

void act_link(struct thread *t)
{
	static const uint32_t capacities[] = { 0, 0, 1, 4, 16, 64 };
	struct mbox_ioc_link arg = {
		.capacity = capacities[below(t, ARRAY_SIZE(capacities))], .msg_size = ROOM,
		.flags = one_in(t, 4) ? MBOX_OPEN_NONBLOCK : 0,
	};
	uint32_t peer;
	int fd;

	for (int i = 0; i < 24 && !arg.pid; i++) {
		const struct slot *slot = &slots[below(t, THREADS_MAX)];

		if (slot->pid != getpid() && (slot->single || !process.single))
			arg.pid = slot->pid;
	}
	peer = arg.pid ? inbox_find(arg.pid) : NO_BOX;
	if (peer == NO_BOX || process.inbox_box == NO_BOX)
		return;
	fd = xioctl(process.factory, MBOX_IOC_LINK, &arg);
	expect_errors("LINK", fd, ESRCH, may_be(arg.pid == (uint32_t)getpid(), EINVAL),
		      may_be(!process.privileged, EPERM), may_be(!process.privileged, EDQUOT), 0);
	if (fd < 0)
		return;
	count(&ledger->links);
	inbox_adopt(t, fd, MBOX_KIND_LINK, peer);
}

void act_inbox(struct thread *t)
{
	struct mbox_ioc_inbox arg = { .flags = one_in(t, 4) ? MBOX_OPEN_NONBLOCK : 0 };
	int fd;

	if (process.inbox_box == NO_BOX)
		return;
	fd = xioctl(process.factory, MBOX_IOC_INBOX, &arg);
	expect_errors("INBOX", fd, 0);
	if (fd >= 0)
		inbox_adopt(t, fd, MBOX_KIND_INBOX, 0);
}

/* Receive the rest of the inbox. The threads have stopped, and @t is the last one. */
void inbox_end(struct thread *t)
{
	struct box *box = &ledger->boxes[process.inbox_box];
	struct slot *slot = t->slot;
	struct mbox_ioc_recv arg;
	int ret;

	if (process.inbox_box == NO_BOX)
		return;
	__atomic_store_n(&box->quiet, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&ledger->stop, __ATOMIC_ACQUIRE) != STOP_QUIET)
		nap();
	leases_settle(process.inbox);
	for (;;) {
		arg = (struct mbox_ioc_recv) {
			.flags = MBOX_RECV_NONBLOCK, .data = address_of(slot->in), .size = ROOM,
		};
		ret = xioctl(process.inbox, MBOX_IOC_RECV, &arg);
		if (ret < 0)
			break;
		ledger_got(process.inbox_box, 0, &arg.header, slot->in, arg.header.length, true);
	}
	expect_errors("RECV", ret, EAGAIN, 0);
	ret = info_get(process.inbox, &box->info);
	expect_errors("GET", ret, 0);
	__atomic_store_n(&box->final, ret == 0, __ATOMIC_RELEASE);
}

/* Return whether the worker @pid, which lives, makes no calls any more. */
bool inbox_quiet(pid_t pid)
{
	uint32_t box = inbox_find(pid);

	return box != NO_BOX && __atomic_load_n(&ledger->boxes[box].quiet, __ATOMIC_ACQUIRE);
}
