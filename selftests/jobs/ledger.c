// SPDX-License-Identifier: GPL-2.0-only
/* The ledger of jobs_test: entries of messages, and how they agree with the kernel's counters. */
#include "jobs/jobs.h"

#include <stdarg.h>

struct ledger *ledger;

__attribute__((format(printf, 1, 2)))
void fault(const char *format, ...)
{
	uint32_t n = __atomic_fetch_add(&ledger->nr_words, 1, __ATOMIC_RELAXED);
	va_list args;

	__atomic_fetch_add(&ledger->faults, 1, __ATOMIC_RELAXED);
	if (n >= ARRAY_SIZE(ledger->words))
		return;
	va_start(args, format);
	vsnprintf(ledger->words[n], sizeof(ledger->words[n]), format, args);
	va_end(args);
}

void ledger_print(void)
{
	for (uint32_t i = 0; i < ledger->nr_words && i < ARRAY_SIZE(ledger->words); i++)
		ksft_print_msg("%s\n", ledger->words[i]);
}

void ledger_new(uint64_t seed)
{
	ledger = shared_alloc(sizeof(*ledger));
	ledger->seed = seed;
	pattern_fill(ledger->noise, sizeof(ledger->noise), seed);
}

/* Begin a round: forget all messages. */
void ledger_clear(void)
{
	ledger->round++;
	ledger->stop = 0;
	memset(ledger->slots, 0, sizeof(ledger->slots));
	memset(ledger->entries, 0, sizeof(ledger->entries));
}

/* A number is the round, the sender and the entry. */
struct entry *entry_of(uint32_t number)
{
	uint32_t sender = number >> 12 & 15;
	struct entry *entry;

	if (number >> 16 != (ledger->round & 0xffff) || sender >= SENDERS)
		return NULL;
	entry = &ledger->entries[sender][number % ENTRIES];
	return __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & OPEN ? entry : NULL;
}

static const uint8_t *noise_of(uint32_t number)
{
	return ledger->noise + (number * 0x9e3779b1u >> 20);
}

void payload_make(uint8_t *data, uint32_t size, uint32_t number)
{
	struct stamp stamp = { number, ~number, size, getpid() };

	memcpy(data, noise_of(number), size);
	memcpy(data, &stamp, size < sizeof(stamp) ? size : sizeof(stamp));
}

bool payload_right(const uint8_t *data, uint32_t size, uint32_t number)
{
	struct stamp stamp;

	if (size < sizeof(stamp))
		return true;
	memcpy(&stamp, data, sizeof(stamp));
	return stamp.number == number && stamp.check == ~number && stamp.size == size &&
	       !memcmp(data + sizeof(stamp), noise_of(number) + sizeof(stamp), size - sizeof(stamp));
}

/* Return the entry of a message that was received from @box; NULL, and a fault, if it has none. */
struct entry *message_of(uint32_t box, const uint8_t *data, uint64_t length, uint32_t *number)
{
	struct entry *entry = NULL;
	struct stamp stamp;

	if (length >= sizeof(stamp)) {
		memcpy(&stamp, data, sizeof(stamp));
		*number = stamp.number;
		entry = entry_of(*number);
	}
	if (!entry) {
		fault("box %u: a message of %llu bytes that nobody sent", box,
		      (unsigned long long)length);
		return NULL;
	}
	if (entry->size != length || !payload_right(data, length, *number) ||
	    (box != entry->box && (box != BOX_LETTERS || entry->box != BOX_JOBS)))
		fault("%08x: %llu bytes came from box %u, sent were %u to %u", *number,
		      (unsigned long long)length, box, entry->size, entry->box);
	/* One that has expired already dies before its time has come. */
	if (entry->not_before && !entry->expires && now() < entry->not_before)
		fault("%08x came %lld ns too early", *number,
		      (long long)(entry->not_before - now()));
	return entry;
}

/* This process has ended a message. It notes itself first, for it may be killed in between. */
void entry_ended(uint32_t number, uint32_t box, enum end end)
{
	struct entry *entry = entry_of(number);
	uint32_t from, before = 0;
	int32_t pid;

	if (!entry) {
		fault("%08x ended, and was never sent", number);
		return;
	}
	pid = entry->end_pid;
	from = entry->end_box;
	for (int i = 0; i < ENDS; i++)
		before += entry->ends[i];
	entry->end_box = box;
	entry->end_pid = getpid();
	if (__atomic_fetch_add(&entry->ends[end], 1, __ATOMIC_ACQ_REL) || before)
		fault("%08x ended twice: now by %u in box %u, before by %d in box %u (%x)", number,
		      end, box, pid, from, entry->flags);
	if (entry->flags & FAILED)
		fault("%08x ended by %u, but its send had failed with %d", number, end, entry->error);
	count(&ledger->counts[end]);
}

/* The process of @slot was killed: settle the call that it was in. */
void slot_reap(struct slot *slot)
{
	uint32_t sender = slot - ledger->slots;

	if (slot->sending) {
		struct entry *entry = &ledger->entries[sender][slot->sending - 1];

		if (!(entry->flags & (SENT | FAILED | UNKNOWN)))
			entry->flags |= UNKNOWN;
		slot->next = slot->sending;
		slot->sending = 0;
	}
	for (uint32_t i = 0; i < slot->nr_ending; i++) {
		struct entry *entry;
		struct stamp stamp;

		memcpy(&stamp, slot->in[i], sizeof(stamp));
		if (slot->how == END_TAKEN && stamp.number != ~stamp.check)
			continue;
		entry = entry_of(slot->how == END_TAKEN ? stamp.number : slot->ending[i]);
		if (entry)
			entry->maybe[slot->how]++;
	}
	slot->nr_ending = 0;
	slot->pid = 0;
}

/* The end of a call agrees on both sides. */
static void check_call(const struct entry *entry, uint32_t number, uint32_t ended)
{
	static const struct {
		int error;
		enum end end[2];
	} results[] = {
		{ 0, { END_REPLIED, END_ACKED } },
		{ -EREMOTEIO, { END_REJECTED, END_REJECTED } },
		{ -EPROTO, { END_TAKEN, END_TAKEN } },
	};
	const enum end *end = NULL;

	if (entry->flags & UNKNOWN)
		return;
	for (uint32_t i = 0; i < ARRAY_SIZE(results); i++)
		if (results[i].error == entry->error)
			end = results[i].end;
	if (!end) {
		if (ended)
			fault("%08x: a call that failed with %d was answered by %d", number,
			      entry->error, entry->end_pid);
		return;
	}
	if (!entry->ends[end[0]] && !entry->ends[end[1]] &&
	    (ended || (!entry->maybe[end[0]] && !entry->maybe[end[1]])))
		fault("%08x: a call ended with %d, its ends are %u %u %u %u, by %d", number,
		      entry->error, entry->ends[0], entry->ends[1], entry->ends[2], entry->ends[3],
		      entry->end_pid);
	if (!entry->error && ended && entry->told != entry->end_pid)
		fault("%08x was answered by %d, the caller was told %d", number, entry->end_pid,
		      entry->told);
}

/* Of a mailbox, or of several. */
struct tally {
	uint64_t ended, maybe;		/* received */
	uint64_t lost;
};

static void check_entry(const struct entry *entry, uint32_t number, struct tally tally[BOXES])
{
	uint32_t ended = 0, maybe = 0;

	for (int i = 0; i < ENDS; i++) {
		ended += entry->ends[i];
		maybe += entry->maybe[i];
	}
	if (ended && !entry->ends[END_REJECTED])
		tally[entry->end_box].ended++;
	else if (maybe)
		tally[entry->box].maybe++;
	if (entry->box == BOX_CALLS) {
		check_call(entry, number, ended);
		return;
	}
	if ((entry->flags & SENT) && !ended && !maybe) {
		tally[entry->box].lost++;
		if (!ledger->purges && !ledger->dies)
			fault("%08x is lost (%x, %u leases)", number, entry->flags, entry->leases);
	}
	if ((entry->flags & MOVED) && ended && entry->end_box != BOX_LETTERS)
		fault("%08x: the sender was told that it died, but %d has received it", number,
		      entry->end_pid);
	if ((entry->flags & WAITED) && ended && entry->told != entry->end_pid)
		fault("%08x was acknowledged by %d, the sender was told %d", number, entry->end_pid,
		      entry->told);
}

#define BETWEEN(low, value, high)	((low) <= (value) && (value) <= (high))

/* Nobody uses the mailboxes any more, and they were emptied: compare. */
void ledger_check(const struct mbox_info info[BOXES])
{
	struct tally tally[BOXES] = {};
	uint64_t maybe;

	for (uint32_t sender = 0; sender < SENDERS; sender++)
		for (uint32_t i = 0; i < ledger->slots[sender].next; i++)
			check_entry(&ledger->entries[sender][i],
				    (ledger->round & 0xffff) << 16 | sender << 12 | i, tally);
	maybe = tally[BOX_JOBS].maybe + tally[BOX_LETTERS].maybe;
	for (uint32_t i = 0; i < BOXES; i++) {
		uint64_t unsure = i == BOX_CALLS ? tally[i].maybe : maybe;

		if (info[i].sent != info[i].received + info[i].withdrawn + info[i].dropped +
				    info[i].queued ||
		    info[i].queued || info[i].queued_bytes || info[i].leased || info[i].delayed ||
		    info[i].parked || info[i].senders || info[i].receivers ||
		    !BETWEEN(tally[i].ended, info[i].received, tally[i].ended + unsure))
			fault("box %u: sent %llu received %llu withdrawn %llu dropped %llu queued %llu/%llu leased %u delayed %u parked %u blocked %u/%u; entries ended %llu maybe %llu",
			      i, (long long)info[i].sent, (long long)info[i].received,
			      (long long)info[i].withdrawn, (long long)info[i].dropped,
			      (long long)info[i].queued, (long long)info[i].queued_bytes,
			      info[i].leased, info[i].delayed, info[i].parked, info[i].senders,
			      info[i].receivers, (long long)tally[i].ended, (long long)unsure);
	}
	if (info[BOX_LETTERS].sent != info[BOX_JOBS].dead)
		fault("%llu messages died, %llu came", (long long)info[BOX_JOBS].dead,
		      (long long)info[BOX_LETTERS].sent);
	if (!ledger->purges && !ledger->dies &&
	    (info[BOX_JOBS].dropped != info[BOX_JOBS].dead || info[BOX_CALLS].dropped ||
	     info[BOX_LETTERS].dropped))
		fault("dropped: %llu, of which %llu died; %llu; %llu",
		      (long long)info[BOX_JOBS].dropped, (long long)info[BOX_JOBS].dead,
		      (long long)info[BOX_CALLS].dropped, (long long)info[BOX_LETTERS].dropped);
	if (tally[BOX_JOBS].lost > info[BOX_JOBS].dropped - info[BOX_JOBS].dead +
				   info[BOX_LETTERS].dropped)
		fault("%llu messages are lost, %llu and %llu were dropped",
		      (long long)tally[BOX_JOBS].lost,
		      (long long)(info[BOX_JOBS].dropped - info[BOX_JOBS].dead),
		      (long long)info[BOX_LETTERS].dropped);
}

uint32_t random_size(struct rng *rng)
{
	const uint32_t least = sizeof(struct stamp);

	switch (below(rng, 16)) {
	case 0:
		return MBOX_SMALL_SIZE - 1 + below(rng, 3);
	case 1:
		return least + below(rng, LONGEST - least + 1);
	case 2 ... 4:
		return least + below(rng, 2000);
	default:
		return least + below(rng, MBOX_SMALL_SIZE - least);
	}
}

/* Report a call that ended with an error that is not in the list; the list ends with 0. */
void expect_error(const char *call, long ret, ...)
{
	va_list args;
	int error;

	if (ret >= 0 || (ledger->dies && (ret == -EIDRM || ret == -EOWNERDEAD)))
		return;
	va_start(args, ret);
	while ((error = va_arg(args, int)))
		if (ret == -error)
			break;
	va_end(args);
	if (!error)
		fault("%s: %s", call, strerrorname_np(-ret));
}
