// SPDX-License-Identifier: GPL-2.0-only
/* The messages that the supervisor receives: streams, whose order it checks. */
#include "stress/box.h"

/*
 * Check the order of a stream. Nobody else receives from it, so each queued message sorts behind
 * the one that is received, unless the filter excludes it. Of the messages that pass the same
 * filter, none of a lower or equal priority may have come before, and been accepted later.
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

/* Continue with the mailbox that has the name now. */
static uint32_t stream_box(struct stream *stream, uint32_t name)
{
	if (stream->box != current.newest[name])
		*stream = (struct stream) { .box = current.newest[name] };
	return stream->box;
}

/* Receive at most @count messages, without waiting. */
void box_drain(uint32_t box, uint32_t count, bool by_type)
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
		ledger_got(box, current.listener[box], &arg.header, slot->in, arg.header.length, true);
		if (current.stream.box == box)
			stream_check(&current.stream, &arg.header, by_type);
		if (current.broadcast.box == box)
			stream_check(&current.broadcast, &arg.header, by_type);
	}
}

/* Of the stream mostly messages that need a search, so that many others stay. */
void stream_drain(void)
{
	uint32_t box = stream_box(&current.stream, NAME_STREAM);
	uint64_t queued;

	box_drain(box, 16, true);
	queued = info_of(common.kept[box]).queued;
	if (queued > current.deepest)
		current.deepest = queued;
	if (queued > STREAM_DEPTH)
		box_drain(box, 64, false);
	/* a few of each time: the slowest receiver holds the others back */
	box_drain(stream_box(&current.broadcast, NAME_BROADCAST), 4, false);
}
