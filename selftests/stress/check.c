// SPDX-License-Identifier: GPL-2.0-only
/* Closing the ledger: the entries of a mailbox, compared with the counters of the kernel. */
#include "stress/ledger.h"

static void for_each_entry(uint32_t box,
			   void (*call)(void *data, const struct entry *entry, uint32_t number),
			   void *data)
{
	for (uint32_t thread = 0; thread < THREADS_MAX; thread++) {
		for (uint32_t i = 0; i < slots[thread].next; i++) {
			const struct entry *entry = &ledger->entries[thread][i];

			if ((entry->flags & OPEN) && entry->box == box)
				call(data, entry, number_of(thread, i));
		}
	}
}

/* The numbers that the kernel gave to the messages of a mailbox. */
struct order {
	uint64_t sent;			/* the highest number */
	uint8_t *seen;			/* a byte for each number */
	uint32_t thread;		/* the sender of the entry before, */
	uint64_t latest;		/* and its number */
};

/* Check that each number is given once, from 1 on, and to the messages of each sender in order. */
static void order_check(struct order *order, const struct entry *entry, uint32_t number)
{
	uint32_t thread = number >> 14;

	if (!(entry->flags & RECEIVED) || !entry->seq)
		return;
	if (thread != order->thread)
		order->latest = 0;
	order->thread = thread;
	if (entry->seq > order->sent) {
		fault(FAULT_LEDGER, "%08x: there is no number %llu", number,
		      (unsigned long long)entry->seq);
		return;
	}
	if (order->seen && order->seen[entry->seq]++)
		fault(FAULT_LEDGER, "%08x: another message has number %llu, too", number,
		      (unsigned long long)entry->seq);
	if (entry->seq < order->latest)
		fault(FAULT_LEDGER, "%08x overtook a message that its sender sent before", number);
	order->latest = entry->seq;
}

static struct order order_new(const struct mbox_info *info)
{
	return (struct order) { .sent = info->sent, .seen = calloc(1, info->sent + 1) };
}

/* The number of entries of a mailbox of each kind. */
struct tally {
	struct order order;
	uint64_t sent, received, lost, lost_surely, maybe, unknown, received_unknown;
	uint64_t withdrawn, died;
};

static void tally_entry(void *data, const struct entry *entry, uint32_t number)
{
	struct tally *tally = data;
	uint32_t flags = entry->flags;

	order_check(&tally->order, entry, number);
	/* Its holder was told to the sender, and another may have received it since. */
	if (flags & LEASED)
		flags &= ~WAITED;
	if (flags & RECEIVED) {
		tally->received++;
		if (!(flags & SENT))
			tally->received_unknown++;
		if ((flags & WAITED) && entry->told != entry->receiver)
			fault(FAULT_LEDGER, "%08x was received by %d, its sender was told %d", number,
			      entry->receiver, entry->told);
	} else {
		if ((flags & MAYBE) && !(flags & FAILED))
			tally->maybe++;
		if (flags & SENT)
			tally->lost++;
		if ((flags & SENT) && !(flags & MAYBE))
			tally->lost_surely++;
		if ((flags & WAITED) && !(flags & MAYBE))
			fault(FAULT_LEDGER, "%08x: its sender was told that %d received it", number,
			      entry->told);
		/* a single holder must be the receiver */
		if ((flags & WAITED) && entry->maybe == 1 && entry->told != entry->holder)
			fault(FAULT_LEDGER, "%08x: its sender was told that %d received it, %d has it",
			      number, entry->told, entry->holder);
		if (flags & UNKNOWN)
			tally->unknown++;
	}
	if (flags & SENT)
		tally->sent++;
	if (flags & WITHDRAWN)
		tally->withdrawn++;
	if (flags & DIED)
		tally->died++;
}

#define BETWEEN(low, value, high)	((low) <= (value) && (value) <= (high))

/*
 * Compare the entries of a mailbox with its counters. Nobody uses it any more, and its queue was
 * received.
 *
 * A message that was accepted and not received was dropped, or a receiver was killed after it had
 * taken it. The ledger cannot tell which of the dropped messages were those of an UNKNOWN send, or
 * of one that DIED with the mailbox while it waited for its receipt; without kills and without
 * FORCE each line is an equation. A call that is restarted withdraws its message each time, unseen
 * here. (An inbox has other handles, which its process passed on: they are useless there.)
 */
void ledger_check(uint32_t box, const struct mbox_info *info)
{
	bool inbox = ledger->boxes[box].name == NAME_INBOX;
	struct tally t = { .order = order_new(info) };
	uint64_t gone;

	for_each_entry(box, tally_entry, &t);
	free(t.order.seen);
	gone = info->received - t.received + info->dropped;
	if (info->sent != info->received + info->withdrawn + info->dropped + info->queued ||
	    info->queued || info->queued_bytes || info->senders || info->receivers ||
	    (info->handles != 1 && !inbox) ||
	    !BETWEEN(t.received, info->received, t.received + t.maybe) ||
	    !BETWEEN(t.lost, gone, t.lost + t.unknown + t.died) ||
	    (!ledger->restarts && info->withdrawn > t.withdrawn + t.unknown) ||
	    !BETWEEN(t.sent + t.received_unknown + info->withdrawn, info->sent,
		     t.sent + t.received_unknown + info->withdrawn + t.unknown + t.died))
		fault(FAULT_COUNTERS,
		      "box %u (%s): sent %llu received %llu withdrawn %llu dropped %llu queued %llu/%llu blocked %u/%u handles %u; entries sent %llu received %llu lost %llu maybe %llu unknown %llu+%llu withdrawn %llu died %llu",
		      box, info->name, (long long)info->sent, (long long)info->received,
		      (long long)info->withdrawn, (long long)info->dropped, (long long)info->queued,
		      (long long)info->queued_bytes, info->senders, info->receivers, info->handles,
		      (long long)t.sent, (long long)t.received, (long long)t.lost,
		      (long long)t.maybe, (long long)t.unknown, (long long)t.received_unknown,
		      (long long)t.withdrawn, (long long)t.died);
	if (!info->dropped && t.lost_surely)
		fault(FAULT_LEDGER, "box %u (%s): %llu messages are lost", box, info->name,
		      (long long)t.lost_surely);
}

/* Of a broadcast. */
struct broadcast_tally {
	struct order order;
	uint64_t accepted, accepted_maybe;	/* messages */
	uint64_t received, received_maybe;
	uint64_t withdrawn;
	uint64_t owed, maybe;			/* deliveries that nobody received, or perhaps not */
	uint64_t unknown;			/* messages of which the deliveries are not known */
};

static void tally_broadcast(void *data, const struct entry *entry, uint32_t number)
{
	uint32_t flags = entry->flags, told = entry->told;
	uint64_t most = (uint64_t)entry->receipts + entry->maybe;
	struct broadcast_tally *t = data;

	order_check(&t->order, entry, number);
	if (flags & FAILED) {
		/* some handles may have lost it before */
		if (flags & WITHDRAWN) {
			t->withdrawn++;
			t->unknown++;
		}
		if (flags & DIED)
			t->accepted_maybe++;
		return;
	}
	if (entry->receipts)
		t->received++;
	else if (entry->maybe)
		t->received_maybe++;
	if (entry->receipts || ((flags & SENT) && told))
		t->accepted++;
	else if (!(flags & SENT) || (flags & SYNC))
		t->accepted_maybe++;
	t->maybe += entry->maybe;
	if (!(flags & SENT) || (flags & SYNC))
		t->unknown++;
	else
		t->owed += told - entry->receipts;
	/* after a signal a synchronous send leaves the other deliveries to be received */
	if ((flags & SENT) && !(flags & SYNC) && entry->receipts > told)
		fault(FAULT_LEDGER, "%08x was received %u times, of %u", number, entry->receipts, told);
	if ((flags & SENT) && (flags & SYNC) && told > most)
		fault(FAULT_LEDGER, "%08x: its sender was told that %u received it, %llu did", number,
		      told, (long long)most);
}

/*
 * As ledger_check(), of a mailbox that broadcasts. Each delivery was received or is lost. A
 * synchronous send returns only how many received it, and the other deliveries may have been
 * withdrawn. Without such sends and without kills it is an equation. A handle that was there from
 * the beginning, as that of @info may have been, got everything or lost it.
 */
void broadcast_check(uint32_t box, bool listens, const struct mbox_info *info)
{
	uint64_t handle = info->handle_received + info->handle_lost + info->handle_queued;
	bool no_sync = ledger->boxes[box].no_sync;
	struct broadcast_tally t = { .order = order_new(info) };

	for_each_entry(box, tally_broadcast, &t);
	free(t.order.seen);
	if (info->sent != info->received + info->withdrawn + info->dropped + info->queued ||
	    info->queued || info->queued_bytes || info->senders || info->receivers ||
	    info->handles != 1 ||
	    !BETWEEN(t.accepted + info->withdrawn, info->sent,
		     t.accepted + info->withdrawn + t.accepted_maybe) ||
	    (!ledger->restarts && info->withdrawn > t.withdrawn + t.unknown) ||
	    !BETWEEN(t.received, info->received, t.received + t.received_maybe) ||
	    info->lost + t.maybe < t.owed || (!t.unknown && info->lost > t.owed) ||
	    (listens && (no_sync ? handle != info->sent : handle > info->sent)))
		fault(FAULT_COUNTERS,
		      "box %u (%s): sent %llu received %llu withdrawn %llu dropped %llu queued %llu lost %llu handle %llu+%llu+%llu blocked %u/%u handles %u; entries accepted %llu+%llu received %llu+%llu withdrawn %llu owed %llu maybe %llu unknown %llu",
		      box, info->name, (long long)info->sent, (long long)info->received,
		      (long long)info->withdrawn, (long long)info->dropped, (long long)info->queued,
		      (long long)info->lost, (long long)info->handle_received,
		      (long long)info->handle_lost, (long long)info->handle_queued, info->senders,
		      info->receivers, info->handles, (long long)t.accepted,
		      (long long)t.accepted_maybe, (long long)t.received,
		      (long long)t.received_maybe, (long long)t.withdrawn, (long long)t.owed,
		      (long long)t.maybe, (long long)t.unknown);
}
