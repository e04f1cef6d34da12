// SPDX-License-Identifier: GPL-2.0-only
/* The workers of jobs_test: leases, replies, and all that ends them. */
#include "jobs/jobs.h"

/* A lease of this process. */
struct held {
	uint32_t number, box;
	struct entry *entry;
	uint64_t token, room;
	bool timed;
};

#define HELD	6

struct worker {
	struct rng rng;
	struct slot *slot;
	int fds[BOXES];
	bool own[BOXES];		/* its handle is no other's */
	struct held held[HELD];
	uint32_t nr_held;
	uint8_t data[LONGEST], reply[LONGEST];
};

/* Announce that a call may end messages. */
static void ending(struct worker *self, uint32_t box, enum end how, const uint32_t *numbers, uint32_t n)
{
	struct slot *slot = self->slot;

	slot->box = box;
	slot->how = how;
	for (uint32_t i = 0; i < n; i++) {
		if (how == END_TAKEN)
			memset(slot->in[i], 0, sizeof(struct stamp));
		else
			slot->ending[i] = numbers[i];
	}
	__atomic_store_n(&slot->nr_ending, n, __ATOMIC_RELEASE);
}

static void ended(struct worker *self)
{
	__atomic_store_n(&self->slot->nr_ending, 0, __ATOMIC_RELEASE);
}

/* Forget a lease. */
static void held_drop(struct worker *self, struct held *held)
{
	*held = self->held[--self->nr_held];
}

/* A token of this process' is not valid: see whether it may have been lost. */
static void held_stale(const struct held *held, int ret)
{
	const struct entry *entry = held->entry;

	count(&ledger->stale);
	if (ledger->dies && (ret == -EIDRM || ret == -EOWNERDEAD))
		return;
	if (ret == -ECANCELED && (entry->flags & WITHDRAWS))
		return;
	if (ret != -ESTALE)
		fault("%08x: token: %s", held->number, strerrorname_np(-ret));
	else if (!held->timed && !(entry->flags & WITHDRAWS) &&
		 !__atomic_load_n(&entry->meddled, __ATOMIC_ACQUIRE))
		fault("%08x: a lease without an end is lost (box %u, %u leases)", held->number,
		      held->box, entry->leases);
}

/* A call has ended the message of a lease, or the lease is lost. */
static void held_result(struct worker *self, struct held *held, int ret, enum end end)
{
	if (ret)
		held_stale(held, ret);
	else
		entry_ended(held->number, held->box, end);
	held_drop(self, held);
}

/* Check what came with a lease. */
static void delivery_check(const struct mbox_delivery *delivery, const struct entry *entry,
			   uint32_t box, uint32_t number)
{
	bool call = delivery->flags & MBOX_DELIVERY_CALL;

	if (call != (entry->box == BOX_CALLS) || !delivery->deliveries ||
	    (box == BOX_JOBS && ledger->most && delivery->deliveries > ledger->most) ||
	    delivery->origin != (box == BOX_LETTERS ? ledger->ids[BOX_JOBS] : 0) ||
	    (call && delivery->room > LONGEST))
		fault("%08x in box %u: flags %x deliveries %u origin %llu room %llu", number, box,
		      delivery->flags, delivery->deliveries, (long long)delivery->origin,
		      (long long)delivery->room);
	if (box == BOX_LETTERS &&
	    (delivery->reason == MBOX_REASON_NONE ||
	     (ledger->most && delivery->origin_deliveries > ledger->most) ||
	     (delivery->reason == MBOX_REASON_EXPIRED && !entry->expires) ||
	     (delivery->reason == MBOX_REASON_REJECTED && delivery->code != number)))
		fault("%08x died for reason %u, code %x", number, delivery->reason, delivery->code);
}

/* Fill in a lease. */
static void lease_set(struct worker *self, struct mbox_ioc_lease *arg, uint32_t box)
{
	struct rng *rng = &self->rng;

	arg->recv.data = address_of(self->data);
	arg->recv.size = LONGEST;
	if (one_in(rng, 3)) {
		arg->recv.clock = MBOX_CLOCK_MONOTONIC;
		arg->recv.deadline = now() + below(rng, 3000000);
	} else if (box != BOX_JOBS || one_in(rng, 2)) {
		arg->recv.flags = MBOX_RECV_NONBLOCK;
	}
	if (one_in(rng, 8))
		arg->recv.min_prio = below(rng, 3);
	if (self->own[box] && one_in(rng, 4))
		arg->flags = MBOX_LEASE_HANDLE;
	if (one_in(rng, 2)) {
		arg->clock = 1 + below(rng, 2);
		arg->time = 50000 + below(rng, 5000000);
	}
}

/* A lease was given: note it, and keep it. */
static void lease_given(struct worker *self, const struct mbox_ioc_lease *arg, uint32_t box)
{
	struct entry *entry;
	uint32_t number;

	entry = message_of(box, self->data, arg->recv.header.length, &number);
	if (!entry)
		return;
	delivery_check(&arg->delivery, entry, box, number);
	__atomic_fetch_add(&entry->leases, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->token[box == BOX_LETTERS], arg->delivery.token, __ATOMIC_RELEASE);
	count(&ledger->leases);
	if (self->nr_held == HELD)
		held_drop(self, &self->held[below(&self->rng, HELD)]);
	self->held[self->nr_held++] = (struct held) {
		.number = number, .box = box, .entry = entry, .token = arg->delivery.token,
		.room = arg->delivery.room, .timed = arg->clock,
	};
}

static struct held *held_of(struct worker *self, uint32_t box)
{
	struct held *held;

	if (!self->nr_held)
		return NULL;
	held = &self->held[below(&self->rng, self->nr_held)];
	return held->box == box ? held : NULL;
}

static void lease_errors(const char *call, int ret, const struct mbox_ioc_lease *arg)
{
	expect_error(call, ret, arg->recv.flags & MBOX_RECV_NONBLOCK ? EAGAIN : EINTR,
		     arg->recv.clock ? ETIMEDOUT : EINTR, 0);
}

static void act_lease(struct worker *self, uint32_t box)
{
	struct held *acked = one_in(&self->rng, 2) ? held_of(self, box) : NULL;
	struct mbox_ioc_lease arg = {};
	int ret;

	lease_set(self, &arg, box);
	if (acked) {
		arg.ack = acked->token;
		ending(self, box, END_ACKED, &acked->number, 1);
	}
	ret = xioctl(self->fds[box], MBOX_IOC_LEASE, &arg);
	if (acked && !arg.ack) {
		held_result(self, acked, 0, END_ACKED);
		acked = NULL;
	}
	ended(self);
	if (ret == 0)
		lease_given(self, &arg, box);
	else if (acked)
		held_result(self, acked, ret, END_ACKED);
	else
		lease_errors("LEASE", ret, &arg);
}

/* Pick a message of others, and its token. */
static struct entry *entry_pick(struct worker *self, uint32_t box, uint32_t *number, uint64_t *token)
{
	uint32_t sender = below(&self->rng, SENDERS), next = ledger->slots[sender].next;
	struct entry *entry;

	if (!next)
		return NULL;
	next -= 1 + below(&self->rng, next < 48 ? next : 48);
	entry = &ledger->entries[sender][next];
	*token = __atomic_load_n(&entry->token[box == BOX_LETTERS], __ATOMIC_ACQUIRE);
	if (!*token || (box == BOX_CALLS) != (entry->box == BOX_CALLS))
		return NULL;
	*number = (ledger->round & 0xffff) << 16 | sender << 12 | next;
	__atomic_fetch_add(&entry->meddled, 1, __ATOMIC_ACQ_REL);
	count(&ledger->meddled);
	return entry;
}

/* Acknowledge leases of this process, and some of others. */
static void act_ack(struct worker *self, uint32_t box)
{
	struct mbox_ack_entry entries[BATCH] = {};
	struct mbox_ioc_ack arg = { .entries = address_of(entries) };
	uint32_t numbers[BATCH], own = 0, acked = 0;
	struct held mine[BATCH];
	int ret;

	for (uint32_t i = 0; i < self->nr_held && own < 4; i++) {
		if (self->held[i].box != box || one_in(&self->rng, 2))
			continue;
		mine[own] = self->held[i];
		numbers[own] = mine[own].number;
		entries[own++].token = self->held[i].token;
		held_drop(self, &self->held[i--]);
	}
	arg.count = own;
	while (arg.count < BATCH && one_in(&self->rng, 2))
		if (entry_pick(self, box, &numbers[arg.count], (uint64_t *)&entries[arg.count].token))
			arg.count++;
	if (!arg.count)
		return;
	ending(self, box, END_ACKED, numbers, arg.count);
	ret = xioctl(self->fds[box], MBOX_IOC_ACK, &arg);
	for (uint32_t i = 0; ret >= 0 && i < arg.count; i++) {
		if (!entries[i].result) {
			entry_ended(numbers[i], box, END_ACKED);
			acked++;
		} else if (i < own) {
			held_stale(&mine[i], entries[i].result);
		}
	}
	ended(self);
	if (ret >= 0 && ret != acked)
		fault("ACK returned %d, and %u results are good", ret, acked);
	expect_error("ACK", ret, 0);
}

static void act_nack(struct worker *self, uint32_t box)
{
	struct held *held = held_of(self, box);
	struct mbox_ioc_nack arg = { .how = below(&self->rng, 3) };
	uint32_t number;
	bool ends;
	int ret;

	if (held) {
		number = held->number;
		arg.token = held->token;
	} else if (!entry_pick(self, box, &number, (uint64_t *)&arg.token)) {
		return;
	}
	if (arg.how == MBOX_NACK_RETRY && one_in(&self->rng, 2))
		arg.delay = below(&self->rng, 5000000);
	if (arg.how == MBOX_NACK_REJECT)
		arg.code = number;
	ends = box == BOX_CALLS && arg.how == MBOX_NACK_REJECT;
	if (ends)
		ending(self, box, END_REJECTED, &number, 1);
	ret = xioctl(self->fds[box], MBOX_IOC_NACK, &arg);
	if (ret == 0 && ends)
		entry_ended(number, box, END_REJECTED);
	ended(self);
	if (held && ret)
		held_stale(held, ret);
	else
		expect_error("NACK", ret, ESTALE, ECANCELED, 0);
	if (held)
		held_drop(self, held);
}

static void act_extend(struct worker *self, uint32_t box)
{
	struct mbox_ioc_extend arg = {};
	struct held *held = held_of(self, box);
	uint32_t number;
	int ret;

	if (held)
		arg.token = held->token;
	else if (!entry_pick(self, box, &number, (uint64_t *)&arg.token))
		return;
	if (one_in(&self->rng, 2)) {
		arg.clock = 1 + below(&self->rng, 2);
		arg.time = 50000 + below(&self->rng, 4000000);
	}
	if (self->own[box] && one_in(&self->rng, 4))
		arg.flags = MBOX_LEASE_HANDLE;
	ret = xioctl(self->fds[box], MBOX_IOC_EXTEND, &arg);
	if (held && ret) {
		held_stale(held, ret);
		held_drop(self, held);
	} else if (held) {
		held->timed = arg.clock;
	} else {
		expect_error("EXTEND", ret, ESTALE, ECANCELED, 0);
	}
}

/* Reply to a request, or acknowledge a message so, and perhaps lease the next. */
static void act_reply(struct worker *self, uint32_t box)
{
	struct mbox_ioc_lease next = {};
	struct mbox_ioc_reply arg = { .data = address_of(self->reply) };
	struct held *held = held_of(self, box), replied;
	int ret;

	if (!held)
		return;
	replied = *held;
	held_drop(self, held);
	if (box == BOX_CALLS && !one_in(&self->rng, 8)) {
		arg.size = replied.room ? below(&self->rng, replied.room + 1) : 0;
		if (one_in(&self->rng, 32))
			arg.size = replied.room + 1;
		payload_make(self->reply, arg.size < LONGEST ? arg.size : LONGEST, replied.number);
	}
	if (one_in(&self->rng, 2)) {
		lease_set(self, &next, box);
		arg.lease = address_of(&next);
	}
	arg.token = replied.token;
	ending(self, box, END_REPLIED, &replied.number, 1);
	ret = xioctl(self->fds[box], MBOX_IOC_REPLY, &arg);
	if (!arg.token)
		entry_ended(replied.number, box, END_REPLIED);
	ended(self);
	if (arg.token && ret == -EMSGSIZE && arg.size > replied.room)
		return;
	if (arg.token) {
		held_stale(&replied, ret);
		return;
	}
	if (arg.size > replied.room)
		fault("%08x: a reply of %llu bytes was taken, for %llu", replied.number,
		      (unsigned long long)arg.size, (unsigned long long)replied.room);
	if (arg.lease && ret == 0)
		lease_given(self, &next, box);
	else if (arg.lease)
		lease_errors("REPLY", ret, &next);
	else if (ret)
		fault("REPLY returned %d", ret);
}

static void taken(uint32_t box, const uint8_t *data, uint64_t length)
{
	uint32_t number;

	if (message_of(box, data, length, &number))
		entry_ended(number, box, END_TAKEN);
}

/* Receive without a lease: one, a batch, or by read(). */
static void act_take(struct worker *self, uint32_t box)
{
	struct mbox_recv_entry entries[BATCH] = {};
	struct mbox_ioc_recvv batch = {
		.flags = MBOX_RECV_NONBLOCK, .count = 1 + below(&self->rng, BATCH),
		.entries = address_of(entries), .entry_size = sizeof(entries[0]),
	};
	struct mbox_ioc_recv arg = {
		.flags = MBOX_RECV_NONBLOCK | (one_in(&self->rng, 2) ? MBOX_RECV_PEEK : 0),
		.data = address_of(self->slot->in[0]), .size = LONGEST,
	};
	uint32_t number;
	int ret;

	if (one_in(&self->rng, 4)) {
		for (uint32_t i = 0; i < batch.count; i++) {
			entries[i].data = address_of(self->slot->in[i]);
			entries[i].size = LONGEST;
		}
		ending(self, box, END_TAKEN, NULL, batch.count);
		ret = xioctl(self->fds[box], MBOX_IOC_RECVV, &batch);
		for (int i = 0; i < ret; i++)
			taken(box, self->slot->in[i], entries[i].header.length);
		ended(self);
		expect_error("RECVV", ret, EAGAIN, 0);
		return;
	}
	if (arg.flags & MBOX_RECV_PEEK)
		arg.data = address_of(self->data);
	else
		ending(self, box, END_TAKEN, NULL, 1);
	ret = xioctl(self->fds[box], MBOX_IOC_RECV, &arg);
	if (ret == 0 && (arg.flags & MBOX_RECV_PEEK))
		message_of(box, self->data, arg.header.length, &number);
	else if (ret == 0)
		taken(box, self->slot->in[0], arg.header.length);
	ended(self);
	expect_error("RECV", ret, EAGAIN, 0);
}

static void act_kick(struct worker *self, uint32_t box)
{
	int ret = kick(self->fds[box], 1 + below(&self->rng, 20));

	if (ret > 0)
		__atomic_fetch_add(&ledger->kicked, ret, __ATOMIC_RELAXED);
	expect_error("KICK", ret, 0);
}

static void act_look(struct worker *self, uint32_t box)
{
	struct mbox_info info = info_of(self->fds[box]);

	if (info.sent != info.received + info.withdrawn + info.dropped + info.queued ||
	    (info.state != MBOX_STATE_DEAD &&
	     (uint64_t)info.leased + info.delayed + info.parked > info.queued))
		fault("box %u: sent %llu received %llu withdrawn %llu dropped %llu queued %llu leased %u delayed %u parked %u",
		      box, (long long)info.sent, (long long)info.received, (long long)info.withdrawn,
		      (long long)info.dropped, (long long)info.queued, info.leased, info.delayed,
		      info.parked);
	poll_for(self->fds[box], POLLIN | POLLOUT | POLLPRI);
}

/* Close the handle, whose leases end, and open another; or go on with the supervisor's. */
static void act_open(struct worker *self, uint32_t box)
{
	if (self->own[box])
		close(self->fds[box]);
	for (uint32_t i = 0; i < self->nr_held; i++)
		if (self->held[i].box == box)
			held_drop(self, &self->held[i--]);
	self->own[box] = one_in(&self->rng, 2);
	self->fds[box] = ledger->fds[box];
	if (!self->own[box])
		return;
	self->fds[box] = open_name(ledger->names[box], RIGHTS_BOTH);
	if (self->fds[box] < 0 && ledger->dies)
		_exit(0);
	expect_error("OPEN", self->fds[box], 0);
}

void worker_run(uint32_t process)
{
	static struct worker self;
	uint32_t box;

	self.slot = &ledger->slots[process];
	self.rng.state = (ledger->seed + getpid()) * 0x9e3779b97f4a7c15ULL | 1;
	for (box = 0; box < BOXES; box++)
		act_open(&self, box);
	while (!__atomic_load_n(&ledger->faults, __ATOMIC_RELAXED)) {
		box = one_in(&self.rng, 8) ? BOX_LETTERS : below(&self.rng, 2);
		switch (below(&self.rng, 64)) {
		case 0 ... 24:
			act_lease(&self, box);
			break;
		case 25 ... 38:
			act_ack(&self, box);
			break;
		case 39 ... 50:
			act_reply(&self, box);
			break;
		case 51 ... 54:
			act_nack(&self, box);
			break;
		case 55 ... 57:
			act_extend(&self, box);
			break;
		case 58 ... 59:
			act_take(&self, box);
			break;
		case 60:
			act_kick(&self, box);
			break;
		case 61 ... 62:
			act_look(&self, box);
			break;
		case 63:
			act_open(&self, box);
			break;
		}
	}
	_exit(0);
}
