// SPDX-License-Identifier: GPL-2.0-only
/* The senders of jobs_test. */
#include "jobs/jobs.h"

struct sender {
	uint32_t index;
	struct rng rng;
	struct slot *slot;
	uint8_t data[LONGEST], reply[LONGEST];
};

/* Open an entry for the next message, which is made. Return its number. */
static uint32_t message_open(struct sender *self, uint32_t box, struct entry **entry)
{
	uint32_t index = self->slot->next, size = random_size(&self->rng);
	uint32_t number = (ledger->round & 0xffff) << 16 | self->index << 12 | index;

	*entry = &ledger->entries[self->index][index];
	(*entry)->box = box;
	(*entry)->size = size;
	payload_make(self->data, size, number);
	__atomic_store_n(&self->slot->sending, index + 1, __ATOMIC_RELEASE);
	return number;
}

/* The call has ended: note it. */
static void message_close(struct sender *self, struct entry *entry, uint32_t number, int ret,
			  uint32_t flags)
{
	if (ret < 0)
		entry->error = ret;
	if (__atomic_fetch_or(&entry->flags, flags, __ATOMIC_ACQ_REL) & (SENT | FAILED))
		fault("%08x was sent twice", number);
	self->slot->next++;
	__atomic_store_n(&self->slot->sending, 0, __ATOMIC_RELEASE);
	count(ret < 0 ? &ledger->refused : &ledger->sends);
}

static void wait_some(struct sender *self, uint32_t *clock, int64_t *deadline)
{
	if (one_in(&self->rng, 4))
		return;
	*clock = MBOX_CLOCK_MONOTONIC;
	*deadline = now() + below(&self->rng, 8000000);
}

/* The options of a post. */
static void post_set(struct sender *self, struct mbox_ioc_post *arg, struct entry *entry,
		     uint32_t number)
{
	struct rng *rng = &self->rng;

	switch (below(rng, 8)) {
	case 0 ... 1:
		arg->flags |= MBOX_POST_ACKED;
		entry->flags |= WITHDRAWS;
		break;
	case 2 ... 4:
		arg->clock = MBOX_CLOCK_MONOTONIC;
		if (one_in(rng, 2)) {
			arg->flags |= MBOX_POST_NOT_BEFORE;
			arg->not_before = now() + below(rng, 10000000);
			entry->not_before = arg->not_before;
		}
		if (!arg->flags || one_in(rng, 2)) {
			arg->flags |= MBOX_POST_EXPIRES;
			arg->expires = now() + 100000 + below(rng, 20000000);
			entry->expires = arg->expires;
		}
		break;
	case 5:
		arg->send.flags = MBOX_SEND_SYNC;
		break;
	case 6:
		arg->send.flags = MBOX_SEND_NONBLOCK;
		break;
	}
	if (one_in(rng, 4)) {
		arg->flags |= MBOX_POST_MARK;
		arg->mark = number;
		entry->flags |= MARKED;
	}
}

static void act_post(struct sender *self)
{
	struct mbox_ioc_post arg = {};
	struct entry *entry;
	uint32_t number = message_open(self, BOX_JOBS, &entry), flags;
	bool waits, acked;
	int ret;

	if (!one_in(&self->rng, 4))
		post_set(self, &arg, entry, number);
	if (!(arg.send.flags & MBOX_SEND_NONBLOCK))
		wait_some(self, &arg.send.clock, (int64_t *)&arg.send.deadline);
	arg.send.prio = below(&self->rng, 3);
	arg.send.data = address_of(self->data);
	arg.send.size = entry->size;
	__atomic_fetch_or(&entry->flags, OPEN, __ATOMIC_RELEASE);
	ret = arg.flags || one_in(&self->rng, 2) ?
	      xioctl(ledger->fds[BOX_JOBS], MBOX_IOC_POST, &arg) :
	      xioctl(ledger->fds[BOX_JOBS], MBOX_IOC_SEND, &arg.send);
	waits = !(arg.send.flags & MBOX_SEND_NONBLOCK);
	acked = arg.flags & MBOX_POST_ACKED;
	flags = ret < 0 ? FAILED : SENT;
	if (ret > 0) {
		entry->told = ret;
		flags |= acked ? WAITED : 0;
	}
	if (ret == -ECANCELED)	/* it died, or it was purged */
		flags = ledger->purges ? UNKNOWN : SENT | MOVED;
	message_close(self, entry, number, ret, flags);
	if (ret == 0 && (acked || (arg.send.flags & MBOX_SEND_SYNC)))
		fault("%08x: nobody has received it", number);
	if (ret > 0 && !waits)
		fault("%08x: a send that does not wait returned %d", number, ret);
	expect_error("POST", ret, EDQUOT, waits && !entry->not_before && !entry->expires ? EINTR : EAGAIN,
		     arg.send.clock ? ETIMEDOUT : EDQUOT,
		     acked || ledger->purges ? ECANCELED : EDQUOT, 0);
}

static void act_call(struct sender *self)
{
	struct mbox_ioc_call arg = {};
	struct entry *entry;
	uint32_t number = message_open(self, BOX_CALLS, &entry), flags;
	int ret;

	wait_some(self, &arg.send.clock, (int64_t *)&arg.send.deadline);
	arg.flags = one_in(&self->rng, 2) ? MBOX_CALL_RETRY : 0;
	arg.send.flags = one_in(&self->rng, 8) ? MBOX_SEND_NONBLOCK : 0;
	arg.send.prio = below(&self->rng, 3);
	arg.send.data = address_of(self->data);
	arg.send.size = entry->size;
	arg.reply = address_of(self->reply);
	arg.room = one_in(&self->rng, 8) ? 0 : random_size(&self->rng);
	__atomic_fetch_or(&entry->flags, OPEN | WITHDRAWS | (arg.flags ? RETRY : 0),
			  __ATOMIC_RELEASE);
	ret = xioctl(ledger->fds[BOX_CALLS], MBOX_IOC_CALL, &arg);
	flags = ret < 0 ? FAILED : SENT;
	entry->told = ret ? 0 : arg.pid;
	/* these are answers, too */
	if (ret == -EREMOTEIO || ret == -EPROTO)
		flags = SENT;
	message_close(self, entry, number, ret, flags);
	if (ret == 0 && (arg.length > arg.room || !payload_right(self->reply, arg.length, number)))
		fault("%08x: a reply of %llu bytes is wrong", number, (unsigned long long)arg.length);
	if (ret == 0 && arg.length >= sizeof(struct stamp) &&
	    ((struct stamp *)self->reply)->pid != arg.pid)
		fault("%08x: %u replied, the caller was told %u", number,
		      ((struct stamp *)self->reply)->pid, arg.pid);
	if (ret == -EREMOTEIO && arg.code != number)
		fault("%08x was rejected with %08x", number, arg.code);
	count(&ledger->calls);
	expect_error("CALL", ret, EDQUOT, EREMOTEIO, EPROTO, EINTR,
		     arg.send.flags ? EAGAIN : EDQUOT, arg.flags ? EDQUOT : EOWNERDEAD,
		     arg.send.clock ? ETIMEDOUT : EDQUOT, ledger->purges ? ECANCELED : EDQUOT, 0);
}

void sender_run(uint32_t index)
{
	struct sender self = {
		.index = index, .slot = &ledger->slots[index],
		.rng = { (ledger->seed + getpid()) * 0x9e3779b97f4a7c15ULL | 1 },
	};

	while (!__atomic_load_n(&ledger->stop, __ATOMIC_RELAXED) && self.slot->next < ENTRIES) {
		if (index < SENDERS - CALLERS)
			act_post(&self);
		else
			act_call(&self);
	}
	_exit(0);
}
