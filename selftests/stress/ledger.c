// SPDX-License-Identifier: GPL-2.0-only
/* The ledger: numbers, payloads, and the entries of messages that were received or left open. */
#include "stress/ledger.h"

#include <stdarg.h>

struct ledger *ledger;
struct slot *slots;

__attribute__((format(printf, 2, 3)))
void fault(enum fault kind, const char *format, ...)
{
	uint32_t n = __atomic_fetch_add(&ledger->nr_words, 1, __ATOMIC_RELAXED);
	va_list args;

	__atomic_fetch_add(&ledger->faults[kind], 1, __ATOMIC_RELAXED);
	if (n >= WORDS_MAX)
		return;
	va_start(args, format);
	vsnprintf(ledger->words[n], WORDS_SIZE, format, args);
	va_end(args);
}

/* Print the faults since the last time in words. */
void ledger_print(void)
{
	static uint32_t printed;

	for (; printed < ledger->nr_words && printed < WORDS_MAX; printed++)
		ksft_print_msg("%s\n", ledger->words[printed]);
}

/* Make the ledger and the slots. Return a file with the slots, or a negated errno. */
int ledger_new(uint64_t seed)
{
	int file = memfd_create("slots", MFD_CLOEXEC);
	void *memory;

	ledger = shared_alloc(sizeof(*ledger));
	pattern_fill(ledger->stream, sizeof(ledger->stream), seed);
	if (file < 0 || ftruncate(file, THREADS_MAX * sizeof(struct slot)))
		return -errno;
	memory = mmap(NULL, THREADS_MAX * sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED,
		      file, 0);
	if (memory == MAP_FAILED)
		return -errno;
	slots = memory;
	return file;
}

/* Begin a round: forget all messages and mailboxes. */
void ledger_clear(void)
{
	ledger->round++;
	ledger->stop = 0;
	ledger->nr_boxes = 0;
	memset(ledger->forced, 0, sizeof(ledger->forced));
	memset(ledger->force_unknown, 0, sizeof(ledger->force_unknown));
	ledger->nr_listeners = 0;
	memset(ledger->listeners, 0, sizeof(ledger->listeners));
	for (unsigned int t = 0; t < THREADS_MAX; t++) {
		for (uint32_t i = 0; i < slots[t].next; i++)
			ledger->entries[t][i].flags = 0;
		slots[t].next = 0;
	}
}

uint32_t number_of(uint32_t thread, uint32_t index)
{
	return (ledger->round & 0x7ff) << 20 | thread << 14 | index;
}

static struct entry *entry_of(uint32_t number)
{
	uint32_t thread = number >> 14 & 0x3f;
	struct entry *entry;

	if (number >> 20 != (ledger->round & 0x7ff) || thread >= THREADS_MAX)
		return NULL;
	entry = &ledger->entries[thread][number & (ENTRIES - 1)];
	return __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & OPEN ? entry : NULL;
}

const uint8_t *noise_of(uint32_t number)
{
	return ledger->stream + (number * 0x9e3779b1u >> 20);
}

void payload_make(uint8_t *data, uint32_t size, uint32_t prio, uint32_t number)
{
	struct stamp stamp = { number, ~number, size, prio };

	memcpy(data, noise_of(number), size);
	if (size >= sizeof(stamp))
		memcpy(data, &stamp, sizeof(stamp));
}

static bool payload_right(const uint8_t *data, uint32_t size, uint32_t number)
{
	uint32_t skip = size >= sizeof(struct stamp) ? sizeof(struct stamp) : 0;

	return memcmp(data + skip, noise_of(number) + skip, size - skip) == 0;
}

/* Find the entry of a message; NULL if there is none. @header may be NULL. */
static struct entry *entry_find(const struct mbox_header *header, const uint8_t *data,
				uint64_t length, uint32_t *number)
{
	struct stamp stamp;

	if (length >= sizeof(stamp)) {
		memcpy(&stamp, data, sizeof(stamp));
		if (stamp.number != ~stamp.check)
			return NULL;
		*number = stamp.number;
	} else if (header && (header->type & TYPE_IS_NUMBER)) {
		*number = header->type & ~TYPE_IS_NUMBER;
	} else {
		return NULL;
	}
	return entry_of(*number);
}

/* Note the kernel's number of a message, which is the same for all receivers. */
static void entry_number(struct entry *entry, uint32_t number, uint64_t seq)
{
	uint64_t old = __atomic_exchange_n(&entry->seq, seq, __ATOMIC_RELAXED);

	if (!seq || (old && old != seq))
		fault(FAULT_LEDGER, "%08x has number %llu, and had %llu", number,
		      (unsigned long long)seq, (unsigned long long)old);
}

/* Each handle may receive each broadcast once. */
static void listener_got(uint32_t number, uint64_t seq, uint32_t message)
{
	struct listener *listener = &ledger->listeners[number];
	uint32_t bit = 1U << seq % 32;

	count(&listener->received);
	if (seq < LISTENER_SEQS &&
	    (__atomic_fetch_or(&listener->seen[seq / 32], bit, __ATOMIC_RELAXED) & bit))
		fault(FAULT_LEDGER, "%08x, number %llu, was received twice through handle %u", message,
		      (long long)seq, number);
}

/*
 * Note that this process got a message from @box. If it took the message (and did not peek), nobody
 * else may have, and the send must not have failed. @listener is the handle's number, for a
 * broadcast.
 */
struct entry *ledger_got(uint32_t box, uint32_t listener, const struct mbox_header *header,
			 const uint8_t *data, uint64_t length, bool took)
{
	struct entry *entry;
	uint32_t number, old;

	entry = entry_find(header, data, length, &number);
	if (!entry) {
		fault(FAULT_LEDGER, "box %u: a message of %llu bytes that nobody sent", box,
		      (unsigned long long)length);
		return NULL;
	}
	if (entry->box != box || entry->size != length)
		fault(FAULT_LEDGER, "%08x sent to box %u with %u bytes came from %u with %llu", number,
		      entry->box, entry->size, box, (unsigned long long)length);
	if (header && (header->prio != entry->prio || header->type != entry->type ||
		       header->pid != (uint32_t)entry->sender || header->length != length))
		fault(FAULT_LEDGER, "%08x: header has prio %u type %x pid %u, sent were %u %x %d",
		      number, header->prio, header->type, header->pid, entry->prio, entry->type,
		      entry->sender);
	if (!payload_right(data, length, number))
		fault(FAULT_LEDGER, "%08x: the payload of %llu bytes is not the one that was sent", number,
		      (unsigned long long)length);
	if (!took)
		return entry;
	entry->receiver = getpid();
	if (listener) {
		__atomic_fetch_add(&entry->receipts, 1, __ATOMIC_RELAXED);
		if (header)
			listener_got(listener, header->seq, number);
	}
	if (header)
		entry_number(entry, number, header->seq);
	old = mark(entry, RECEIVED);
	if ((old & RECEIVED) && !listener)
		fault(FAULT_LEDGER, "%08x was received twice", number);
	if (old & FAILED)
		fault(FAULT_LEDGER, "%08x was received after its send had failed (%x)", number, old);
	count(&ledger->receives);
	return entry;
}

/* The thread may have received a message before it died. */
static void entry_maybe(const struct slot *slot, const struct mbox_header *header,
			const uint8_t *data, uint64_t length)
{
	struct entry *entry;
	uint32_t number;

	entry = length <= ROOM ? entry_find(header, data, length, &number) : NULL;
	if (!entry)
		return;
	mark(entry, MAYBE);
	entry->maybe++;
	entry->holder = slot->pid;
	/* Put back, then withdrawn and sent again, a message gets another number. */
	if (header && header->seq && !ledger->restarts)
		entry_number(entry, number, header->seq);
}

/* The thread is dead: settle the calls that it was in. */
void ledger_reap(uint32_t thread)
{
	struct slot *slot = &slots[thread];
	struct entry *entry;
	struct stamp stamp;
	uint32_t n;

	if (slot->sending) {
		n = slot->nr_sending ?: 1;
		for (uint32_t i = 0; i < n; i++) {
			entry = &ledger->entries[thread][slot->sending - 1 + i];
			if (!(entry->flags & (SENT | FAILED)))
				mark(entry, UNKNOWN);
		}
		slot->next = slot->sending - 1 + n;
		slot->sending = 0;
		slot->nr_sending = 0;
	}
	switch (slot->receiving) {
	case RECEIVING_RECV:
		entry_maybe(slot, &slot->recv.header, slot->in, slot->recv.header.length);
		break;
	case RECEIVING_READ:
		memcpy(&stamp, slot->in, sizeof(stamp));
		entry_maybe(slot, NULL, slot->in, stamp.size);
		break;
	case RECEIVING_LEASE:
		memcpy(&stamp, slot->in, sizeof(stamp));
		entry = stamp.size <= ROOM ? entry_find(&slot->lease.recv.header, slot->in, stamp.size, &n) :
					     NULL;
		if (entry)
			mark(entry, LEASED);
		break;
	case RECEIVING_BATCH:
		for (uint32_t i = 0; i < slot->nr_recvv; i++) {
			const struct mbox_header *header = &slot->recvv[i].header;

			if (header->length <= BATCH_ROOM)
				entry_maybe(slot, header, slot->in + i * BATCH_ROOM, header->length);
		}
		break;
	}
	slot->receiving = 0;
	if (slot->forcing) {
		ledger->force_unknown[slot->forcing - 1]++;
		slot->forcing = 0;
	}
	slot->tid = 0;
}
