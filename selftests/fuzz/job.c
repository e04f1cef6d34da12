// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases and replies, with arrays and structures that the arguments only point to. The rules of
 * helpers.c hold here too.
 */
#include "runtime.h"

/* Of the last leases, in any mailbox. */
static uint64_t last_tokens[2];

void token_keep(uint64_t token)
{
	uint64_t before = __atomic_exchange_n(&last_tokens[0], token, __ATOMIC_RELAXED);

	__atomic_store_n(&last_tokens[1], before, __ATOMIC_RELAXED);
}

uint64_t token_of(uint64_t which)
{
	return which == 1 || which == 2 ?
	       __atomic_load_n(&last_tokens[which - 1], __ATOMIC_RELAXED) : which;
}

/* The id of the mailbox in a slot. */
uint64_t box_of(uint64_t which)
{
	struct mbox_info info = { 0 };

	if (!which || which >= SLOTS)
		return which;
	return sys(SYS_ioctl, slot_fd(which), MBOX_IOC_GET, &info) ? 0 : info.id;
}

/* Fill in a lease: flags, clock, deadline, data, size */
static void lease_set(struct mbox_ioc_lease *arg, const uint64_t *v)
{
	memset(arg, 0, sizeof(*arg));
	arg->recv.flags = v[0];
	arg->recv.clock = v[1];
	arg->recv.deadline = deadline(v[2], v[1]);
	arg->recv.data = v[3];
	arg->recv.size = v[4];
}

/* slot, flags, clock, deadline, data, size, flags, clock and time of the lease, token to acknowledge */
long do_lease(int lane, const uint64_t *v)
{
	struct mbox_ioc_lease arg;
	long ret;

	(void)lane;
	lease_set(&arg, v + 1);
	arg.flags = v[6];
	arg.clock = v[7];
	arg.time = v[8];
	arg.ack = token_of(v[9]);
	ret = sys(SYS_ioctl, slot_fd(v[0]), MBOX_IOC_LEASE, &arg);
	if (!ret)
		token_keep(arg.delivery.token);
	return ret;
}

#define ACKS	40

/* slot, count, first token, which entry is wrong: the first of this message, then of others */
long do_ack(int lane, const uint64_t *v)
{
	struct mbox_ack_entry entries[ACKS];
	struct mbox_ioc_ack arg = { .count = v[1] % (ACKS + 1), .entries = (uintptr_t)entries };
	uint64_t token = token_of(v[2]);
	unsigned int i;

	(void)lane;
	memset(entries, 0, sizeof(entries));
	for (i = 0; i < arg.count; i++) {
		entries[i].token = i ? (i << 16 | 1) : token;
		if (i == (v[3] & 63) && v[3] & 64)
			entries[i].pad = 1;
		else if (i == (v[3] & 63))
			entries[i].token = -1ULL;
	}
	return sys(SYS_ioctl, slot_fd(v[0]), MBOX_IOC_ACK, &arg);
}

/* slot, token, data, size, flags, clock, deadline, buffer and its size, and whether the lease is wrong */
long do_reply(int lane, const uint64_t *v)
{
	struct mbox_ioc_lease next;
	struct mbox_ioc_reply arg = {
		.token = token_of(v[1]), .data = v[2], .size = v[3], .lease = (uintptr_t)&next,
	};
	long ret;

	(void)lane;
	lease_set(&next, v + 4);
	if (v[9] == 1)
		next.flags = -1;
	if (v[9] == 2)
		next.ack = token_of(1);
	ret = sys(SYS_ioctl, slot_fd(v[0]), MBOX_IOC_REPLY, &arg);
	if (!ret)
		token_keep(next.delivery.token);
	return ret;
}

/* Receive all from an inbox: also messages that are parked, or delayed for a short time. */
void inbox_empty(int lane, int fd)
{
	uint8_t *data = area_view(lane, AREA_DATA, VIEW_RW);
	struct timespec ts = { .tv_nsec = 200000 };
	unsigned int tries;
	long size;

	for (tries = 0; tries < 100; tries++) {
		struct mbox_ioc_kick kick = { .most = 1000 };
		struct mbox_info info = { 0 };

		sys(SYS_ioctl, fd, MBOX_IOC_KICK, &kick);
		while ((size = sys(SYS_read, fd, data, DATA_SIZE)) >= 0)
			memset(data, PAYLOAD_BYTE, size);
		if (sys(SYS_ioctl, fd, MBOX_IOC_GET, &info) || !info.queued)
			break;
		sys(SYS_nanosleep, &ts, NULL);
	}
}
