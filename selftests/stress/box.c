// SPDX-License-Identifier: GPL-2.0-only
/* The mailboxes, as the supervisor makes, renews and checks them. */
#include "lib/lease.h"
#include "stress/stress.h"

struct current current;

/* The particular attributes of the mailboxes of a name. */
static void box_arg(struct thread *rng, uint32_t name, struct mbox_ioc_open *arg)
{
	switch (name) {
	case NAME_STREAM:
		/* it has one receiver */
		break;
	case NAME_BROADCAST:
		arg->policy = MBOX_POLICY_BROADCAST;
		break;
	case NAME_OVERFLOW:
		arg->policy = MBOX_POLICY_BROADCAST;
		arg->options = MBOX_OPTION_OVERFLOW;
		/* it may then happen that nobody receives */
		if (one_in(rng, 2))
			arg->rights = MBOX_RIGHT_SEND;
		break;
	case NAME_RING:
	case NAME_GROW:
		arg->rights = 0;
		arg->ring = RING_BYTES;
		arg->msg_size = RING_RECORD;
		arg->options = name == NAME_GROW ? MBOX_OPTION_GROW : 0;
		break;
	case NAME_OWNED:
		/* the owner is the supervisor at first */
		if (one_in(rng, 2))
			arg->lifetime = MBOX_LIFETIME_PROCESS;
		/* fall through */
	default:
		arg->policy = below(rng, MBOX_POLICY_PRIO + 1);
		if (!name_has_limits(name))
			break;
		if (one_in(rng, 3))
			arg->max_procs = 3 + below(rng, 4);
		if (one_in(rng, 3))
			arg->options = MBOX_OPTION_EXCLUSIVE;
		break;
	}
}

/* Make the first mailbox of a name, or a new one for one that was deleted. */
void box_make(struct thread *rng, uint32_t name)
{
	static const uint32_t capacities[NAMES] = { 16, 4, 0, 64, 4096, 16, 64, 8 };
	struct mbox_ioc_open arg = open_arg(NULL, capacities[name]);
	uint32_t box = ledger->nr_boxes;
	struct mbox_info info;
	int fd;

	if (box == NO_BOX)
		return;
	name_of(arg.name, false, name);
	arg.lifetime = one_in(rng, 2) ? MBOX_LIFETIME_OS : MBOX_LIFETIME_FD;
	arg.mode = 0666;
	arg.msg_size = ROOM;
	box_arg(rng, name, &arg);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	if (fd < 0 || info_get(fd, &info) < 0) {
		fault(FAULT_CALL, "CREATE %s: %d", arg.name, fd);
		return;
	}
	common.kept[box] = fd;
	current.newest[name] = box;
	current.listener[box] = name_is_broadcast(name) && (arg.rights & MBOX_RIGHT_RECV) ? listener_new() : 0;
	ledger->boxes[box] = (struct box) {
		.name = name, .id = info.id, .max_procs = arg.max_procs,
		.exclusive = arg.options & MBOX_OPTION_EXCLUSIVE,
		.no_sync = name_is_broadcast(name) && one_in(rng, 2),
	};
	__atomic_store_n(&ledger->nr_boxes, box + 1, __ATOMIC_RELEASE);
	if (name == NAME_OWNED)
		owner_appoint(rng, fd);
}

/* Make a box for the inbox of a worker that is about to start. */
uint32_t box_make_inbox(void)
{
	uint32_t box = ledger->nr_boxes;

	if (box == NO_BOX)
		return box;
	common.kept[box] = -1;
	ledger->boxes[box] = (struct box) { .name = NAME_INBOX };
	__atomic_store_n(&ledger->nr_boxes, box + 1, __ATOMIC_RELEASE);
	return box;
}

void box_renew(struct thread *rng, uint32_t name)
{
	if (info_of(common.kept[current.newest[name]]).state != MBOX_STATE_LIVE)
		box_make(rng, name);
}

/* Receive all messages, also rejected ones and those that are to return. */
static void box_empty(uint32_t box)
{
	int fd = common.kept[box];

	if (!name_is_broadcast(ledger->boxes[box].name)) {
		leases_settle(fd);
		kick(fd, UINT32_MAX);
	}
	box_drain(box, UINT32_MAX, false);
}

/* Nobody uses it any more: receive the rest, and check. */
struct mbox_info box_close(struct thread *rng, uint32_t box, int factory)
{
	uint32_t name = ledger->boxes[box].name;
	bool receives = !name_is_ring(name) && (!name_is_broadcast(name) || current.listener[box]);
	int fd = common.kept[box];
	struct mbox_info info;

	if (name == NAME_INBOX) {
		info = ledger->boxes[box].info;
		if (ledger->boxes[box].final)
			ledger_check(box, &info);
		return info;
	}
	if (name_is_ring(name))
		ring_check(rng, box, factory);
	if (receives)
		box_empty(box);
	info = info_of(fd);
	if (name_is_broadcast(name))
		broadcast_check(box, current.listener[box], &info);
	else if (!name_is_ring(name))
		ledger_check(box, &info);
	if (name == NAME_OWNED)
		owner_check(box, &info);
	if (info.state != MBOX_STATE_DEAD)
		delete_fd(fd, MBOX_DELETE_FORCE);
	close(fd);
	return info;
}
