// SPDX-License-Identifier: GPL-2.0-only
/* Actions of a worker: getting and setting attributes. */
#include "stress/stress.h"

void act_set(struct thread *t)
{
	static const uint32_t capacities[] = { 0, 1, 2, 8, 64, 4096, MBOX_CAPACITY_UNBOUNDED };
	static const uint32_t modes[] = { 0666, 0666, 0622, 0644, 0600 };
	union handle handle = handle_pick(t);
	struct mbox_ioc_set arg = {};
	bool zero;

	if (!handle.fd)
		return;
	zero = handle.box != NO_BOX && ledger->boxes[handle.box].name == NAME_ZERO;
	if (one_in(t, 2) && !zero && !handle.inbox) {
		arg.mask |= MBOX_SET_CAPACITY | MBOX_SET_BYTES;
		arg.capacity = capacities[below(t, ARRAY_SIZE(capacities))];
		/* a limit is necessary, because root has no quota */
		if (arg.capacity > 64 || one_in(t, 2))
			arg.bytes = (1 + below(t, 4)) * ROOM;
	}
	if (one_in(t, 4) && !handle.inbox) {
		arg.mask |= MBOX_SET_MSG_SIZE;
		arg.msg_size = one_in(t, 4) ? 4096 : ROOM;
	}
	if (one_in(t, 4) || !arg.mask) {
		arg.mask |= MBOX_SET_MODE;
		arg.mode = modes[below(t, ARRAY_SIZE(modes))];
	}
	/* the opener may not have been the owner */
	expect_errors("SET", xioctl(handle.fd, MBOX_IOC_SET, &arg), EIDRM, EBADF, EPERM,
		      maybe_users(handle), maybe_owner(handle), maybe_ring(handle),
		      may_be(handle.link, EOPNOTSUPP),
		      /* capacity zero */
		      may_be(handle.box == NO_BOX || name_is_broadcast(ledger->boxes[handle.box].name),
			     EINVAL), 0);
}

void act_get(struct thread *t)
{
	union handle handle = handle_pick(t);
	struct mbox_info info;
	uint64_t before;
	int ret;

	if (!handle.fd)
		return;
	before = __atomic_load_n(&ledger->listeners[handle.listener].received, __ATOMIC_ACQUIRE);
	ret = info_get(handle.fd, &info);
	if (ret == 0 && handle.listener && info.handle_received < before)
		fault(FAULT_COUNTERS, "%s: a handle received %llu, or rather %llu", info.name,
		      (long long)info.handle_received, (long long)before);
	if (ret == 0 && info.max_procs && info.procs > info.max_procs)
		fault(FAULT_COUNTERS, "%s: %u processes of at most %u", info.name, info.procs,
		      info.max_procs);
	if (ret == 0 && info.kind != MBOX_KIND_RING && info.sent != info.received + info.withdrawn + info.dropped + info.queued)
		fault(FAULT_COUNTERS, "%s: sent %llu received %llu withdrawn %llu dropped %llu queued %llu",
		      info.name, (long long)info.sent, (long long)info.received,
		      (long long)info.withdrawn, (long long)info.dropped, (long long)info.queued);
	expect_errors("GET", ret, EBADF, 0);
}

void act_fdinfo(struct thread *t)
{
	union handle handle = handle_pick(t);
	char path[64], text[1024];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%u", handle.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}
