// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: processes that own mailboxes, and heirs, any of which may be killed. Only mailboxes of
 * NAME_OWNED, and some that are not in the ledger, have an owner: the others must not end with it.
 */
#include "stress/stress.h"

/* A random new owner or heir: some process, or nobody. */
static struct mbox_ioc_handover handover_arg(struct thread *rng)
{
	struct mbox_ioc_handover arg = {};

	arg.flags = below(rng, 4) ? below(rng, 4) : 0;
	if (!one_in(rng, 4))
		arg.pid = slots[below(rng, THREADS_MAX)].pid;
	if (!arg.pid)
		arg.flags &= ~MBOX_HANDOVER_RECV;
	return arg;
}

/* EINVAL: an heir of the operating system, or nobody as the owner of an anonymous mailbox. */
static void handover_made(int ret)
{
	if (ret == 0)
		count(&ledger->handovers);
	expect_errors("HANDOVER", ret, EBADF, EIDRM, EOWNERDEAD, EPERM, ESRCH, EINVAL, 0);
}

void act_handover(struct thread *t)
{
	union handle handle = handle_pick(t);
	struct mbox_ioc_handover arg = handover_arg(t);
	int ret;

	if (!handle.fd)
		return;
	if (handle.link || handle.inbox) {
		ret = xioctl(handle.fd, MBOX_IOC_HANDOVER, &arg);
		if (ret >= 0)
			fault(FAULT_CALL, "a link was handed over");
		expect_errors("HANDOVER", ret, EBADF, EOPNOTSUPP, 0);
		return;
	}
	if (handle.box != NO_BOX && ledger->boxes[handle.box].name != NAME_OWNED)
		return;
	handover_made(xioctl(handle.fd, MBOX_IOC_HANDOVER, &arg));
}

/* Give a mailbox of the supervisor to a worker, with another one as the heir. */
void owner_appoint(struct thread *rng, int fd)
{
	struct mbox_ioc_handover arg = { .pid = slots[below(rng, THREADS_MAX)].pid };

	if (!arg.pid)
		return;
	handover_made(xioctl(fd, MBOX_IOC_HANDOVER, &arg));
	arg.flags = MBOX_HANDOVER_HEIR | (one_in(rng, 2) ? MBOX_HANDOVER_RECV : 0);
	arg.pid = slots[below(rng, THREADS_MAX)].pid;
	handover_made(xioctl(fd, MBOX_IOC_HANDOVER, &arg));
}

/* Return whether @pid still is the owner or the heir of a mailbox. */
static bool owner_is(uint32_t box, pid_t pid, struct mbox_info *info)
{
	*info = info_of(common.kept[box]);
	return info->owner == (uint32_t)pid || info->heir == (uint32_t)pid;
}

/*
 * Check that @pid, which was reaped, owns nothing. The kernel tells the parent first, so it may
 * take a moment; no other process can have the number yet.
 */
void owner_ended(pid_t pid)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	struct mbox_info info;

	for (uint32_t box = 0; box < ledger->nr_boxes; box++) {
		if (ledger->boxes[box].name != NAME_OWNED)
			continue;
		while (owner_is(box, pid, &info) && now() < end)
			nap();
		if (owner_is(box, pid, &info))
			fault(FAULT_LEDGER, "%s is %s by %d, which has ended", info.name,
			      info.owner == (uint32_t)pid ? "owned" : "to be inherited", pid);
	}
}

/* Of a mailbox that is checked: it dropped messages only if it ended with an owner. */
void owner_check(uint32_t box, const struct mbox_info *info)
{
	int ret;

	if (info->state != MBOX_STATE_DEAD) {
		if (info->dropped)
			fault(FAULT_LEDGER, "box %u lives, and has dropped %llu", box,
			      (long long)info->dropped);
		return;
	}
	ret = send_bytes(common.kept[box], MBOX_SEND_NONBLOCK, 0, 0, "", 0);
	if (ret == -EOWNERDEAD)
		count(&ledger->owners_ended);
	else if (ret != -EIDRM || info->dropped)
		fault(FAULT_LEDGER, "box %u is dead with %s, and has dropped %llu", box,
		      ret < 0 ? strerrorname_np(-ret) : "no error", (long long)info->dropped);
}
