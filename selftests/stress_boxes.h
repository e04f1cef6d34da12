/* SPDX-License-Identifier: GPL-2.0-only */
/* The mailboxes of stress_test, as its supervisor makes, renews and empties them. */
#ifndef STRESS_BOXES_H
#define STRESS_BOXES_H

#include "stress_judge.h"
#include "stress_worker.h"

#define STREAM_DEPTH		1500
#define PRIOS			5		/* 0 to 3, and MBOX_PRIO_MAX */

/* What the supervisor, who is never killed, receives itself. */
struct stream {
	uint32_t box;
	uint64_t latest[2][PRIOS];	/* highest seq received, without and with filter */
};

static struct {
	uint32_t newest[NAMES];		/* the mailbox that has the name, or had it last */
	struct stream stream, broadcast;
	uint32_t listener[BOXES_MAX];	/* that of the supervisor's handle; 0: it receives nothing */
	uint64_t deepest;		/* messages that were queued in the stream */
} books;

/* What is particular about the mailboxes of a name. */
static void box_arg(struct thread *dice, uint32_t name, struct mbox_ioc_open *arg)
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
		/* then it may happen that nobody receives */
		if (one_in(dice, 2))
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
		/* it is ours at first */
		if (one_in(dice, 2))
			arg->lifetime = MBOX_LIFETIME_PROCESS;
		/* fall through */
	default:
		arg->policy = below(dice, MBOX_POLICY_PRIO + 1);
		if (!name_has_limits(name))
			break;
		if (one_in(dice, 3))
			arg->max_procs = 3 + below(dice, 4);
		if (one_in(dice, 3))
			arg->options = MBOX_OPTION_EXCLUSIVE;
		break;
	}
}

/* The first mailbox of a name, or one for that which was deleted. */
static void box_make(struct thread *dice, uint32_t name)
{
	static const uint32_t capacities[NAMES] = { 16, 4, 0, 64, 4096, 16, 64, 8 };
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
	box_arg(dice, name, &arg);
	fd = open_call(MBOX_IOC_CREATE, &arg);
	if (fd < 0 || info_get(fd, &info) < 0) {
		fault(FAULT_CALL, "CREATE %s: %d", arg.name, fd);
		return;
	}
	common.kept[box] = fd;
	books.newest[name] = box;
	books.listener[box] = name_is_broadcast(name) && (arg.rights & MBOX_RIGHT_RECV) ? listener_new() : 0;
	ledger->boxes[box] = (struct box) {
		.name = name, .id = info.id, .max_procs = arg.max_procs,
		.exclusive = arg.options & MBOX_OPTION_EXCLUSIVE,
		.no_sync = name_is_broadcast(name) && one_in(dice, 2),
	};
	__atomic_store_n(&ledger->nr_boxes, box + 1, __ATOMIC_RELEASE);
	if (name == NAME_OWNED)
		owner_appoint(dice, fd);
}

/* A box for the inbox of a worker that is about to start. */
static uint32_t box_make_inbox(void)
{
	uint32_t box = ledger->nr_boxes;

	if (box == NO_BOX)
		return box;
	common.kept[box] = -1;
	ledger->boxes[box] = (struct box) { .name = NAME_INBOX };
	__atomic_store_n(&ledger->nr_boxes, box + 1, __ATOMIC_RELEASE);
	return box;
}

static void box_renew(struct thread *dice, uint32_t name)
{
	if (info_of(common.kept[books.newest[name]]).state != MBOX_STATE_LIVE)
		box_make(dice, name);
}

/*
 * The order of a stream: nobody else receives from it, so each message that is there when another is
 * received sorts behind that, or the receive did not want it. Of those that the same filter would
 * have passed, none of a lower or equal priority may have come before, and been accepted later.
 */
static void stream_check(struct stream *stream, const struct mbox_header *header, bool by_type)
{
	uint32_t prio = header->prio < PRIOS ? header->prio : PRIOS - 1;

	for (int filter = 0; filter <= (header->type == STREAM_TYPE); filter++)
		for (uint32_t lower = 0; lower <= prio; lower++)
			if (header->seq <= stream->latest[filter][lower])
				fault(FAULT_LEDGER,
				      "message %llu of a stream, of priority %u, came after %llu, of %u",
				      (long long)header->seq, header->prio,
				      (long long)stream->latest[filter][lower], lower);
	stream->latest[by_type][prio] = header->seq;
}

/* It goes on with the mailbox that has the name now. */
static uint32_t stream_box(struct stream *stream, uint32_t name)
{
	if (stream->box != books.newest[name])
		*stream = (struct stream) { .box = books.newest[name] };
	return stream->box;
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
		expect_errors("RECV", ret, EAGAIN, EIDRM,
			      may_be(ledger->boxes[box].name == NAME_OWNED, EOWNERDEAD), 0);
		if (ret < 0)
			break;
		ledger_got(box, books.listener[box], &arg.header, slot->in, arg.header.length, true);
		if (books.stream.box == box)
			stream_check(&books.stream, &arg.header, by_type);
		if (books.broadcast.box == box)
			stream_check(&books.broadcast, &arg.header, by_type);
	}
}

/* Of the stream mostly what has to be searched for, so that much else is there. */
static void stream_drain(void)
{
	uint32_t box = stream_box(&books.stream, NAME_STREAM);
	uint64_t queued;

	box_drain(box, 16, true);
	queued = info_of(common.kept[box]).queued;
	if (queued > books.deepest)
		books.deepest = queued;
	if (queued > STREAM_DEPTH)
		box_drain(box, 64, false);
	/* a few of each time: it is the slowest that holds the others back */
	box_drain(stream_box(&books.broadcast, NAME_BROADCAST), 4, false);
}

/* Nobody uses it any more: receive what is left, and judge. */
static struct mbox_info box_close(struct thread *dice, uint32_t box, int factory)
{
	uint32_t name = ledger->boxes[box].name;
	bool receives = !name_is_ring(name) && (!name_is_broadcast(name) || books.listener[box]);
	int fd = common.kept[box];
	struct mbox_info info;

	if (name == NAME_INBOX) {
		info = ledger->boxes[box].info;
		if (ledger->boxes[box].final)
			ledger_judge(box, &info);
		return info;
	}
	if (name_is_ring(name))
		ring_judge(dice, box, factory);
	if (receives)
		box_drain(box, UINT32_MAX, false);
	info = info_of(fd);
	if (name_is_broadcast(name))
		broadcast_judge(box, books.listener[box], &info);
	else if (!name_is_ring(name))
		ledger_judge(box, &info);
	if (name == NAME_OWNED)
		owner_judge(box, &info);
	if (info.state != MBOX_STATE_DEAD)
		delete_fd(fd, MBOX_DELETE_FORCE);
	close(fd);
	return info;
}

#endif
