/* SPDX-License-Identifier: GPL-2.0-only */
/* The mailboxes of stress_test, as its supervisor makes, renews and empties them. */
#ifndef STRESS_BOXES_H
#define STRESS_BOXES_H

#include "stress_worker.h"

#define STREAM_DEPTH		1500
#define PRIOS			5		/* 0 to 3, and MBOX_PRIO_MAX */

static struct {
	uint32_t newest[NAMES];		/* the mailbox that has the name, or had it last */
	uint32_t stream;		/* that of NAME_STREAM, of which this is: */
	uint64_t latest[2][PRIOS];	/* highest seq received, without and with filter */
	uint64_t deepest;		/* messages that were queued in it */
} books;

/* The first mailbox of a name, or one for that which was deleted. */
static void box_make(struct thread *dice, uint32_t name)
{
	static const uint32_t capacities[NAMES] = { 16, 4, 0, 64, 4096 };
	struct mbox_ioc_open arg = open_arg(NULL, capacities[name]);
	uint32_t box = ledger->nr_boxes;
	struct mbox_info info;
	int fd;

	if (box == NO_BOX)
		return;
	name_of(arg.name, false, name);
	arg.lifetime = one_in(dice, 2) ? MBOX_LIFETIME_OS : MBOX_LIFETIME_FD;
	arg.mode = 0666;
	arg.msg_size = ROOM;
	/* whoever receives: but of the stream it is one */
	if (name != NAME_STREAM)
		arg.policy = below(dice, MBOX_POLICY_PRIO + 1);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	if (fd < 0 || info_get(fd, &info) < 0) {
		fault(FAULT_CALL, "CREATE %s: %d", arg.name, fd);
		return;
	}
	common.kept[box] = fd;
	books.newest[name] = box;
	ledger->boxes[box].name = name;
	ledger->boxes[box].id = info.id;
	__atomic_store_n(&ledger->nr_boxes, box + 1, __ATOMIC_RELEASE);
}

static void box_renew(struct thread *dice, uint32_t name)
{
	if (info_of(common.kept[books.newest[name]]).state != MBOX_STATE_LIVE)
		box_make(dice, name);
}

/*
 * The order of the stream: nobody else receives from it, so each message that is there when another is
 * received sorts behind that, or the receive did not want it. Of those that the same filter would
 * have passed, none of a lower or equal priority may have come before, and been accepted later.
 */
static void stream_check(const struct mbox_header *header, bool by_type)
{
	uint32_t prio = header->prio < PRIOS ? header->prio : PRIOS - 1;

	for (int filter = 0; filter <= (header->type == STREAM_TYPE); filter++)
		for (uint32_t lower = 0; lower <= prio; lower++)
			if (header->seq <= books.latest[filter][lower])
				fault(FAULT_LEDGER,
				      "message %llu of the stream, of priority %u, came after %llu, of %u",
				      (long long)header->seq, header->prio,
				      (long long)books.latest[filter][lower], lower);
	books.latest[by_type][prio] = header->seq;
}

/* Receive what there is, at most @count messages. */
static void box_drain(uint32_t box, uint32_t count, bool by_type)
{
	struct slot *slot = &slots[THREADS_MAX - 1];	/* no thread has it */
	struct mbox_ioc_recv arg;

	while (count--) {
		int ret;

		arg = (struct mbox_ioc_recv) {
			.flags = MBOX_RECV_NONBLOCK | (by_type ? MBOX_RECV_BY_TYPE : 0),
			.type = by_type ? STREAM_TYPE : 0,
			.data = address_of(slot->in), .size = ROOM,
		};
		ret = xioctl(common.kept[box], MBOX_IOC_RECV, &arg);
		expect_errors("RECV", ret, EAGAIN, EIDRM, 0);
		if (ret < 0)
			break;
		ledger_got(box, &arg.header, slot->in, arg.header.length, true);
		if (ledger->boxes[box].name == NAME_STREAM && books.stream == box)
			stream_check(&arg.header, by_type);
	}
}

/* Of the stream mostly what has to be searched for, so that much else is there. */
static void stream_drain(void)
{
	uint32_t box = books.newest[NAME_STREAM];
	uint64_t queued;

	if (books.stream != box) {
		books.stream = box;
		memset(books.latest, 0, sizeof(books.latest));
	}
	box_drain(box, 16, true);
	queued = info_of(common.kept[box]).queued;
	if (queued > books.deepest)
		books.deepest = queued;
	if (queued > STREAM_DEPTH)
		box_drain(box, 64, false);
}

#endif
