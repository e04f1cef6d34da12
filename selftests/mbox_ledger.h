/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The books of ledger_test, and their audit: what each sender and receiver did with each message,
 * in memory that outlives whoever is killed.
 *
 * A worker writes down what it is about to do before each call (its phase), and what came of it
 * after. Who is killed in between leaves one open question, which the auditor settles:
 *
 *	a sender	may or may not have sent the one message that it was at (MAYBE)
 *	a receiver	may or may not have received the message that its buffer holds. The buffer
 *			is written before the message is taken from the mailbox, so both can be,
 *			and only the others know: it did if and only if nobody else did.
 */
#ifndef MBOX_LEDGER_H
#define MBOX_LEDGER_H

#include "mbox_child.h"

#include <stdarg.h>

#define SENDERS		4
#define RECEIVERS	4
#define WORKERS		(SENDERS + RECEIVERS)

#define LONGEST		MBOX_MSG_SIZE_DEFAULT
#define LIVES_MAX	(1 << 20)
#define TROUBLES_MAX	16
#define TROUBLE_ROOM	200

/* What a payload begins with; the rest is noise. */
struct content {
	uint64_t sum;			/* of all that follows */
	uint32_t id;			/* sender * share + number */
	uint32_t size;			/* of the payload */
	uint32_t pid;			/* of the sender */
	uint32_t attempt;
};

/* How a message is sent; all by a call of their own. */
enum manner {
	BY_SEND,
	BY_WRITE,
	BY_SYNC,
	BY_NONBLOCK,			/* and again as long as that fails */
	BY_DEADLINE,			/* likewise */
	MANNERS
};

enum fate { UNSENT, SENT, MAYBE };

/* A message. */
struct entry {
	uint64_t seq;
	uint32_t sender;		/* the life that sent it */
	uint32_t receiver;		/* the life that received it, 0 if none */
	uint32_t receipt;		/* who received it, as its sender was told; or 0 */
	uint32_t attempt;		/* number of the last send: those before it failed */
	uint32_t received_attempt;
	uint8_t fate;
	uint8_t late;			/* came after one with a higher seq */
};

enum phase { IDLE, IN_CALL };

/* A process from its start to its death; numbered from 1. */
struct life {
	uint32_t worker;
	pid_t pid;
	int killed;			/* its phase then, or -1 */
};

/* A place for one process after the other. */
struct worker {
	uint32_t life;
	int phase;
	uint32_t next;			/* sender: number of its next message */
	uint64_t last_seq;		/* receiver: the highest so far */
	struct mbox_ioc_recv recv;
	uint8_t data[LONGEST];
};

/* What was in the hands of a receiver that was killed. */
struct found {
	uint64_t seq;
	uint32_t id;
	uint32_t life;
	uint32_t attempt;
};

struct books {
	uint64_t seed;
	uint32_t share;			/* messages of each sender */
	uint32_t total;
	uint32_t capacity;
	int fd;
	uint32_t timeouts;		/* sends that failed by their deadline */
	uint32_t lives, founds, troubles;
	struct worker workers[WORKERS];
	char trouble[TROUBLES_MAX][TROUBLE_ROOM];
	uint32_t trouble_id[TROUBLES_MAX];
	struct life life[LIVES_MAX];
	struct found found[LIVES_MAX];
	struct entry entry[];
};

#define NO_ID	UINT32_MAX

static inline uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* All that is random about a message follows from the seed. */
static inline uint64_t dice(const struct books *books, uint32_t id, uint32_t what)
{
	return mix(books->seed + id * 0x9e3779b97f4a7c15ULL + what);
}

/* Most are small, many are near the limit between small and large, a few are as long as can be. */
static inline uint32_t size_of_message(const struct books *books, uint32_t id)
{
	const uint32_t least = sizeof(struct content);
	uint64_t x = dice(books, id, 1);
	uint32_t span;

	switch (x % 16) {
	case 0:
		return MBOX_SMALL_SIZE + (x >> 32) % 2;
	case 1:
		span = LONGEST - least;
		break;
	case 2 ... 4:
		span = 2000 - least;
		break;
	default:
		span = MBOX_SMALL_SIZE - least;
	}
	return least + (x >> 32) % (span + 1);
}

static inline enum manner manner_of(const struct books *books, uint32_t id)
{
	uint32_t x = dice(books, id, 2) % 16;

	return x < MANNERS ? x : BY_SEND;
}

static inline uint64_t sum_of(const void *data, uint32_t size)
{
	const uint8_t *bytes = (const uint8_t *)data + sizeof(uint64_t);
	uint64_t sum = 0, word;

	for (size -= sizeof(uint64_t); size >= sizeof(word); size -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum = (sum ^ word) * 0x9e3779b97f4a7c15ULL;
		sum ^= sum >> 29;
		bytes += sizeof(word);
	}
	word = 0;
	memcpy(&word, bytes, size);
	return mix(sum ^ word);
}

static inline uint32_t content_write(const struct books *books, void *data, uint32_t id)
{
	uint32_t size = size_of_message(books, id);
	struct content content = {
		.id = id, .size = size, .pid = getpid(), .attempt = books->entry[id].attempt,
	};
	uint64_t noise = dice(books, id, 3);
	uint32_t at;

	for (at = sizeof(content); at < size; at += sizeof(noise)) {
		noise += 0x9e3779b97f4a7c15ULL;
		memcpy((uint8_t *)data + at, &noise,
		       size - at < sizeof(noise) ? size - at : sizeof(noise));
	}
	memcpy(data, &content, sizeof(content));
	content.sum = sum_of(data, size);
	memcpy(data, &content.sum, sizeof(content.sum));
	return size;
}

/* Which message is this? NO_ID if it is none, or not whole. */
static inline uint32_t content_read(const struct books *books, const void *data,
				    struct content *content)
{
	memcpy(content, data, sizeof(*content));
	if (content->id >= books->total || content->size != size_of_message(books, content->id) ||
	    content->sum != sum_of(data, content->size))
		return NO_ID;
	return content->id;
}

/* Note what should not be; told at the end with the history of message @id, if it is one's. */
__attribute__((format(printf, 3, 4)))
static inline void trouble(struct books *books, uint32_t id, const char *format, ...)
{
	uint32_t n = __atomic_fetch_add(&books->troubles, 1, __ATOMIC_RELAXED);
	va_list args;

	if (n >= TROUBLES_MAX)
		return;
	va_start(args, format);
	vsnprintf(books->trouble[n], TROUBLE_ROOM, format, args);
	va_end(args);
	books->trouble_id[n] = id;
}

static inline void set_phase(struct worker *worker, enum phase phase)
{
	__atomic_store_n(&worker->phase, phase, __ATOMIC_SEQ_CST);
}

static inline bool is_sender(uint32_t worker)
{
	return worker < SENDERS;
}

/* The auditor. */

struct sums {
	uint32_t received;
	uint32_t late;
	uint32_t from_hands;		/* received by who was killed before it could enter that */
	uint32_t maybe;
	uint32_t maybe_received;
	uint32_t undecided;		/* of these, received or withdrawn */
	uint32_t kills[2][2];		/* of senders and receivers, between calls and in one */
};

static inline bool waits_for_receipt(const struct books *books, uint32_t id)
{
	enum manner manner = manner_of(books, id);

	return manner == BY_SYNC || (books->capacity == MBOX_CAPACITY_ZERO &&
				     (manner == BY_SEND || manner == BY_DEADLINE ||
				      manner == BY_WRITE));
}

/*
 * What killed receivers held is theirs where nobody else got it; or its sender, killed too, had
 * withdrawn it meanwhile.
 */
static inline void audit_found(struct books *books, struct sums *sums)
{
	for (uint32_t i = 0; i < books->founds; i++) {
		const struct found *found = &books->found[i];
		struct entry *entry = &books->entry[found->id];

		/* what its sender withdrew, before it sent it again */
		if (found->attempt != entry->attempt)
			continue;
		if (!entry->receiver) {
			entry->receiver = found->life;
			entry->received_attempt = found->attempt;
			entry->seq = found->seq;
			sums->from_hands++;
			if (entry->fate == MAYBE && waits_for_receipt(books, found->id))
				sums->undecided++;
		}
		if (found->seq && found->seq != entry->seq)
			trouble(books, found->id, "seq is %llu in life %u, %llu in life %u",
				(unsigned long long)found->seq, found->life,
				(unsigned long long)entry->seq, entry->receiver);
	}
}

/* Was @pid the receiver of message @id, or could it be? */
static inline bool received_by(const struct books *books, uint32_t id, pid_t pid)
{
	if (books->life[books->entry[id].receiver].pid == pid)
		return true;
	for (uint32_t i = 0; i < books->founds; i++)
		if (books->found[i].id == id && books->life[books->found[i].life].pid == pid)
			return true;
	return false;
}

static inline void audit_entry(struct books *books, uint32_t id, struct sums *sums)
{
	const struct entry *entry = &books->entry[id];

	sums->received += !!entry->receiver;
	sums->late += entry->late;
	sums->maybe += entry->fate == MAYBE;
	sums->maybe_received += entry->fate == MAYBE && entry->receiver;
	if (entry->fate == UNSENT)
		trouble(books, id, "not sent");
	else if (entry->fate == SENT && !entry->receiver)
		trouble(books, id, "lost: accepted, and not received");
	if (entry->receiver && entry->received_attempt != entry->attempt)
		trouble(books, id, "received at attempt %u of %u, after that had failed",
			entry->received_attempt, entry->attempt);
	if (entry->receipt && !received_by(books, id, entry->receipt))
		trouble(books, id, "its sender was told that %u received it", entry->receipt);
}

/* Numbers are given once, from 1, and to each sender's messages in the order of its sends. */
static inline void audit_order(struct books *books, const struct mbox_info *info)
{
	uint32_t *id_of = calloc(info->sent + 1, sizeof(*id_of));
	uint64_t last = 0;

	for (uint32_t id = 0; id < books->total; id++) {
		uint64_t seq = books->entry[id].seq;

		if (!books->entry[id].receiver)
			continue;
		if (!seq || seq > info->sent) {
			trouble(books, id, "there is no seq %llu", (unsigned long long)seq);
			continue;
		}
		if (id_of[seq])
			trouble(books, id, "message %u has the same seq", id_of[seq] - 1);
		id_of[seq] = id + 1;
	}
	for (uint32_t id = 0; id < books->total; id++) {
		if (id % books->share == 0)
			last = 0;
		if (!books->entry[id].receiver)
			continue;
		if (books->entry[id].seq < last)
			trouble(books, id, "overtook one that its sender sent before");
		last = books->entry[id].seq;
	}
	free(id_of);
}

static inline void audit(struct books *books, const struct mbox_info *info, struct sums *sums)
{
	audit_found(books, sums);
	for (uint32_t n = 1; n <= books->lives; n++)
		if (books->life[n].killed >= 0)
			sums->kills[!is_sender(books->life[n].worker)][books->life[n].killed]++;
	for (uint32_t id = 0; id < books->total; id++)
		audit_entry(books, id, sums);
	audit_order(books, info);

	if (info->received > sums->received || info->received < sums->received - sums->undecided)
		trouble(books, NO_ID, "the mailbox counts %llu as received, %u were",
			(unsigned long long)info->received, sums->received);
	if (info->sent != info->received + info->withdrawn || info->queued || info->dropped)
		trouble(books, NO_ID, "sent %llu, withdrawn %llu, queued %llu, dropped %llu",
			(unsigned long long)info->sent, (unsigned long long)info->withdrawn,
			(unsigned long long)info->queued, (unsigned long long)info->dropped);
	/* by senders that were killed, or whose deadline passed */
	if (info->withdrawn > sums->maybe - sums->maybe_received + sums->undecided +
			      books->timeouts)
		trouble(books, NO_ID, "%llu withdrawn", (unsigned long long)info->withdrawn);
	/* The next in order is received next; but one that a kill put back comes late. */
	if (sums->late > sums->kills[1][IN_CALL])
		trouble(books, NO_ID, "%u came after one with a higher seq", sums->late);
}

static inline void tell_life(const struct books *books, const char *what, uint32_t n)
{
	const struct life *life = &books->life[n];

	ksft_print_msg("    %s: worker %u, life %u, pid %d%s\n", what, life->worker, n, life->pid,
		       life->killed < 0 ? "" : life->killed ? ", killed in a call" : ", killed");
}

static inline void tell_history(const struct books *books, uint32_t id)
{
	static const char *const manners[] = { "send", "write", "sync", "nonblock", "deadline" };
	static const char *const fates[] = { "not sent", "sent", "maybe sent" };
	const struct entry *entry = &books->entry[id];

	ksft_print_msg("  message %u: sender %u number %u, %u bytes by %s, %s at attempt %u, "
		       "seq %llu%s\n", id, id / books->share, id % books->share,
		       size_of_message(books, id), manners[manner_of(books, id)],
		       fates[entry->fate], entry->attempt,
		       (unsigned long long)entry->seq, entry->late ? ", late" : "");
	tell_life(books, "sender", entry->sender);
	if (entry->receipt)
		ksft_print_msg("    receipt: pid %u\n", entry->receipt);
	if (entry->receiver)
		tell_life(books, "received", entry->receiver);
	for (uint32_t i = 0; i < books->founds; i++)
		if (books->found[i].id == id)
			tell_life(books, "in the buffer", books->found[i].life);
}

static inline void report(const struct books *books, const struct mbox_info *info,
		   const struct sums *sums, int64_t msecs)
{
	ksft_print_msg("%u sent and received in %lld.%03lld s; %u senders killed (%u in a call), "
		       "%u receivers (%u)\n", sums->received, (long long)msecs / 1000,
		       (long long)msecs % 1000, sums->kills[0][IDLE] + sums->kills[0][IN_CALL],
		       sums->kills[0][IN_CALL], sums->kills[1][IDLE] + sums->kills[1][IN_CALL],
		       sums->kills[1][IN_CALL]);
	ksft_print_msg("of killed senders: %u messages sent, %u not, %llu withdrawn; "
		       "in hands of killed receivers: %u, of these theirs: %u; late: %u\n",
		       sums->maybe_received, sums->maybe - sums->maybe_received,
		       (unsigned long long)info->withdrawn, books->founds, sums->from_hands,
		       sums->late);
	for (uint32_t i = 0; i < books->troubles && i < TROUBLES_MAX; i++) {
		ksft_print_msg("TROUBLE %s\n", books->trouble[i]);
		if (books->trouble_id[i] != NO_ID)
			tell_history(books, books->trouble_id[i]);
	}
	if (books->troubles > TROUBLES_MAX)
		ksft_print_msg("and %u more\n", books->troubles - TROUBLES_MAX);
}

#endif
