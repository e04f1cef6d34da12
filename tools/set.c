// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl set */
#include "mboxctl.h"

enum { CAPACITY, BYTES, MSGSIZE, MODE };

static const struct word words[] = {
	[CAPACITY] = { .name = "capacity", .arg = "zero|N|unbounded", .parse = parse_capacity,
		       .max = MBOX_CAPACITY_MAX, .form = "zero, 1 to 1048576, or unbounded",
		       .hints = "zero 1 16 64 256 1024 unbounded",
		       .help = "messages it keeps; those beyond a lower limit stay" },
	[BYTES] = { .name = "bytes", .arg = "N|unbounded", .parse = parse_bytes, .min = 1,
		    .max = UINT64_MAX, .form = SIZE_FORM ", or unbounded",
		    .hints = "4K 8K 64K 256K 1M unbounded",
		    .help = "most bytes of payload it keeps, at least msgsize" },
	[MSGSIZE] = { .name = "msgsize", .arg = "N", .parse = parse_size, .min = 1,
		      .max = UINT32_MAX, .form = SIZE_FORM ", below 4G",
		      .hints = "4K 8K 64K 256K 1M",
		      .help = "longest message in bytes" },
	[MODE] = { .name = "mode", .arg = "OCTAL", .parse = parse_octal, .max = 0666,
		   .form = "octal, out of 0666: r is to receive, w to send, x is not used",
		   .hints = MODE_HINTS, .help = "who may receive (r) and send (w), as of a file" },
	{ 0 },
};

static int run(struct command *cmd)
{
	const struct value *v = cmd->v;
	struct mbox_ioc_set set = {
		.capacity = (uint32_t)v[CAPACITY].num, .bytes = v[BYTES].num,
		.msg_size = (uint32_t)v[MSGSIZE].num, .mode = (uint32_t)v[MODE].num,
	};

	if (v[CAPACITY].given)
		set.mask |= MBOX_SET_CAPACITY;
	if (v[BYTES].given)
		set.mask |= MBOX_SET_BYTES;
	if (v[MSGSIZE].given)
		set.mask |= MBOX_SET_MSG_SIZE;
	if (v[MODE].given)
		set.mask |= MBOX_SET_MODE;
	if (!set.mask)
		return usage(cmd, "nothing to change: give capacity=, bytes=, msgsize= or mode=");
	return set_box(cmd, &set);
}

const struct verb set_verb = {
	.name = "set",
	.operands = "NAME",
	.summary = "change limits and the mode of a mailbox that is in use",
	.notes = "All changes take effect at once, or none. Messages that are queued stay, and senders\n"
		 "that wait for room go on if there is room now. A ring has a mode only.",
	.words = words,
	.owner = true,
	.run = run,
};
