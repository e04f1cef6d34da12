// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes from a mailbox to a stream
 *
 * A message is leased, published, and acknowledged in the mailbox once the server says that it is
 * stored. Two things are to be shown: that none is lost, and that none is stored twice or out of
 * order, wherever bridge, connection or server fail.
 *
 * NONE IS LOST. Until it is acknowledged, the mailbox has it. It is acknowledged only if the server
 * said that it is stored, or if it was found in the stream.
 *
 * NONE TWICE. On its start, and after each failure, the route has no leases: all messages are back
 * in their places. It reads from the stream which of this mailbox are stored that may not be
 * acknowledged: those after the floor that the last one names. These it acknowledges when it leases
 * them, and publishes the others. Meanwhile a connection of the past may still have messages under
 * way. So each message is published under a condition: that the last sequence of the stream (or of
 * the subject, where the stream has others too) is the one that we know. A message of the past that
 * comes first breaks the condition of ours, which fails, and the route begins anew.
 *
 * IN ORDER. By the same condition, a message is stored only if the one before it was. So several may
 * be under way, if the stream has no other subject: then the sequences of all of them are known
 * beforehand. Otherwise it is one at a time.
 *
 * BROADCAST. These mailboxes know no leases: a message is received, and is lost if it is under way
 * when something fails.
 *
 * The order of messages is that of priority, then of numbers: the stored ones need not be those with
 * the lowest numbers. That is why the route keeps a list of them, and not one number.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "log.h"
#include "route.h"

/* Messages leased in one go, so that other routes have their turn. */
#define OUT_BURST	128
/* Bytes under way, at most, beyond the first message. */
#define OUT_BYTES	(8U << 20)
/* The server has not answered for so long: look afresh. */
#define OUT_ANSWER_MS	5000

/* A message under way. */
struct flight {
	uint64_t token;
	size_t size;
	bool stored;
};

/* A message that was found in the stream. */
struct known {
	uint64_t seq;
	uint64_t sequence;
	uint32_t prio;
};

struct out {
	char *buf;
	size_t size;
	struct flight *flights;		/* a ring of window + 1 */
	uint32_t head, tail;		/* head is the oldest; indexes modulo the size of the ring */
	size_t bytes;			/* under way */
	uint64_t sent_at;		/* time of the last step forward */
	uint64_t expected;		/* sequence of the last one, once all under way are stored */
	uint64_t settled;		/* sequence of the last that was acknowledged */
	bool own;			/* the stream has no other subject */
	bool asked;			/* for the second time, with the floor */
	bool broken;			/* one was refused: wait for the other answers */
	uint32_t answers;		/* refusals since then */
	enum refusal refusal;
	char text[EVENT_TEXT_SIZE];

	struct known *known;
	size_t known_count;

	struct mbox_ack_entry acks[MBOX_BATCH_MAX];
	unsigned int ack_count;
};

static uint32_t out_next(const struct route *route, uint32_t index)
{
	return index < route->config->window ? index + 1 : 0;
}

static uint32_t out_flying(const struct route *route, const struct out *out)
{
	uint32_t ring = (uint32_t)route->config->window + 1;

	return (out->tail + ring - out->head) % ring;
}

/* Acknowledge the messages that have collected. */
static void out_flush(struct route *route)
{
	struct out *out = route->own;
	int acked;

	if (!out->ack_count)
		return;
	acked = mbox_ackv(route->mb, out->acks, out->ack_count);
	for (unsigned int i = 0; acked >= 0 && i < out->ack_count; i++)
		if (out->acks[i].result == -ECANCELED || out->acks[i].result == -ESTALE)
			route->counters.withdrawn++;
	out->ack_count = 0;
	if (acked < 0)
		route_mailbox_failed(route, acked, "acknowledgement");
}

static void out_ack(struct route *route, uint64_t token)
{
	struct out *out = route->own;

	if (!token)
		return;
	mbox_ack_entry_set(&out->acks[out->ack_count++], token);
	if (out->ack_count == MBOX_BATCH_MAX)
		out_flush(route);
}

/* Give a message back. A broadcast has no place to return to. */
static void out_release(struct route *route, uint64_t token)
{
	if (!token)
		route->counters.lost++;
	else
		mbox_nack(route->mb, token, MBOX_NACK_RELEASE, 0, 0);
}

/* The server never takes this message: it is longer than any may be. */
static void out_reject(struct route *route, uint64_t token)
{
	route->counters.refused++;
	if (token)
		mbox_nack(route->mb, token, MBOX_NACK_REJECT, 0, EMSGSIZE);
}

static void out_stop(struct route *route)
{
	struct out *out = route->own;

	if (!out)
		return;
	/* The state says that we stop: a failure here starts nothing. */
	if (out->ack_count) {
		mbox_ackv(route->mb, out->acks, out->ack_count);
		out->ack_count = 0;
	}
	for (; out->head != out->tail; out->head = out_next(route, out->head))
		out_release(route, out->flights[out->head].token);
	out->head = 0;
	out->tail = 0;
	out->bytes = 0;
	out->broken = false;
	out->answers = 0;
	free(out->known);
	out->known = NULL;
	out->known_count = 0;
}

static void out_free(struct route *route)
{
	struct out *out = route->own;

	if (!out)
		return;
	free(out->known);
	free(out->flights);
	free(out->buf);
	free(out);
}

static int out_begin(struct route *route)
{
	struct out *out = route->own;

	if (!out) {
		out = calloc(1, sizeof(*out));
		if (!out)
			return -ENOMEM;
		route->own = out;
		out->flights = calloc(route->config->window + 1, sizeof(*out->flights));
	}
	if (!out->buf || out->size < route->info.msg_size) {
		free(out->buf);
		out->size = route->info.msg_size;
		out->buf = malloc(out->size ? out->size : 1);
	}
	if (!out->flights || !out->buf)
		return -ENOMEM;
	out->asked = false;
	return route->engine_ops->last(route->engine, &route->lane, 0);
}

/* Keep the messages of this mailbox in the list. */
static bool out_learn(struct route *route, const struct event *event)
{
	struct out *out = route->own;

	out->known = calloc(event->count ? event->count : 1, sizeof(*out->known));
	if (!out->known)
		return false;
	for (size_t i = 0; event->list && i < event->count; i++) {
		const struct message *message = &event->list[i];

		if (message->mailbox && !message->bad && !strcmp(message->mailbox, route->identity))
			out->known[out->known_count++] = (struct known){
				.seq = message->seq, .sequence = message->sequence,
				.prio = message->prio,
			};
	}
	return true;
}

/* The engine has said which messages are stored. */
static void out_begun(struct route *route, const struct event *event)
{
	const struct message *last = event->count ? &event->list[event->count - 1] : NULL;
	struct out *out = route->own;
	bool ours = last && last->mailbox && !last->bad && !strcmp(last->mailbox, route->identity);
	int error;

	if (!out->asked && ours && last->floor + 1 < last->sequence) {
		out->asked = true;
		error = route->engine_ops->last(route->engine, &route->lane, last->floor);
		if (error)
			route_fail(route, "%s", strerror(-error));
		return;
	}
	if (!out_learn(route, event)) {
		route_fail(route, "no memory");
		return;
	}
	out->own = event->own;
	out->expected = event->own ? event->sequence : event->subject_sequence;
	out->settled = ours ? last->floor : event->subject_sequence;
	route->sequence = event->subject_sequence;
	route_state(route, ROUTE_RUNNING, "%s", out->own ? "" :
		    "one message at a time: the stream has other subjects");
}

/*
 * Look for a leased message among those that are stored. All that come before it in the order of
 * the mailbox are acknowledged already, else we had leased them before.
 */
static bool out_is_known(struct out *out, const struct mbox_header *header)
{
	bool found = false;
	size_t kept = 0;

	for (size_t i = 0; i < out->known_count; i++) {
		const struct known *known = &out->known[i];

		if (known->seq == header->seq)
			found = true;
		else if (known->prio < header->prio ||
			 (known->prio == header->prio && known->seq > header->seq))
			out->known[kept++] = *known;
	}
	out->known_count = kept;
	return found;
}

/* The sequence up to which all messages of this mailbox are acknowledged. */
static uint64_t out_floor(const struct out *out)
{
	uint64_t floor = out->settled;

	for (size_t i = 0; i < out->known_count; i++)
		if (out->known[i].sequence <= floor)
			floor = out->known[i].sequence - 1;
	return floor;
}

/* Publish the message that was leased. Return whether to go on. */
static bool out_publish(struct route *route, const struct mbox_header *header, uint64_t token)
{
	struct out *out = route->own;
	const struct message message = {
		.mailbox = route->identity, .seq = header->seq, .time = header->time,
		.floor = out_floor(out), .prio = header->prio, .type = mbox_header_type(header),
		.uid = header->uid, .data = out->buf, .size = header->length, .left = -1,
	};
	int error = route->engine_ops->publish(route->engine, &route->lane, &message, out->tail,
					       out->own ? EXPECT_STREAM : EXPECT_SUBJECT,
					       out->expected);

	if (error == -EMSGSIZE) {
		out_reject(route, token);
		return true;
	}
	if (error) {
		out_release(route, token);
		route_fail(route, "publish: %s", strerror(-error));
		return false;
	}
	if (out->head == out->tail)
		out->sent_at = route_now();
	out->flights[out->tail] = (struct flight){ .token = token, .size = header->length };
	out->tail = out_next(route, out->tail);
	out->bytes += header->length;
	out->expected++;
	return true;
}

/* Lease the next message. Return false if there is none, or no more to do. */
static bool out_lease(struct route *route)
{
	const struct mbox_recv_opts recv = { .flags = MBOX_RECV_NONBLOCK };
	struct mbox_lease_opts opts = { .recv = &recv };
	struct mbox_delivery delivery;
	struct mbox_header header;
	struct out *out = route->own;
	ssize_t size;

	if (route->info.policy == MBOX_POLICY_BROADCAST) {
		delivery = (struct mbox_delivery){ .token = 0 };
		size = mbox_recv(route->mb, out->buf, out->size, &recv, &header);
	} else {
		size = mbox_lease(route->mb, out->buf, out->size, &opts, &header, &delivery);
	}
	if (size == -EAGAIN) {
		/* Stored messages that are not here are acknowledged. */
		out->known_count = 0;
		route_want(route, EPOLLIN);
		return false;
	}
	if (size == -EMSGSIZE) {
		char *buf = realloc(out->buf, header.length);

		if (!buf) {
			route_fail(route, "no memory");
			return false;
		}
		out->buf = buf;
		out->size = header.length;
		return true;
	}
	if (size < 0) {
		route_mailbox_failed(route, (int)size, "lease");
		return false;
	}
	if (delivery.flags & MBOX_DELIVERY_AGAIN)
		route->counters.redelivered++;
	if (out->known_count && out_is_known(out, &header)) {
		route->counters.skipped++;
		out_ack(route, delivery.token);
		return route->state == ROUTE_RUNNING;
	}
	return out_publish(route, &header, delivery.token);
}

static void out_pump(struct route *route)
{
	struct out *out = route->own;
	uint32_t window = out->own ? (uint32_t)route->config->window : 1;

	for (int i = 0; i < OUT_BURST; i++) {
		if (route->state != ROUTE_RUNNING || out->broken)
			break;
		if (out_flying(route, out) >= window || out->bytes > OUT_BYTES) {
			route_want(route, 0);
			break;
		}
		if (!out_lease(route))
			break;
		if (i + 1 == OUT_BURST)
			route_want(route, EPOLLIN);
	}
	if (route->state == ROUTE_RUNNING)
		out_flush(route);
}

static void out_stored(struct route *route, const struct event *event)
{
	struct out *out = route->own;
	uint32_t ring = (uint32_t)route->config->window + 1;
	struct flight *flight;

	if ((event->index + ring - out->head) % ring >= out_flying(route, out))
		return;
	flight = &out->flights[event->index];
	flight->stored = true;
	route->counters.messages++;
	route->counters.bytes += flight->size;
	if (event->again)
		route->counters.skipped++;
	route->sequence = event->sequence;
	out->sent_at = route_now();
	route_good(route);
	if (!out->own)
		out->expected = event->sequence;
	while (out->head != out->tail && out->flights[out->head].stored) {
		uint64_t token = out->flights[out->head].token;

		out->bytes -= out->flights[out->head].size;
		out->head = out_next(route, out->head);
		if (event->sequence > out->settled)
			out->settled = event->sequence;
		out_ack(route, token);
		if (route->state != ROUTE_RUNNING)
			return;
	}
}

/* All that were under way are answered for, and one was refused. */
static void out_settle_refusal(struct route *route)
{
	struct out *out = route->own;
	char text[EVENT_TEXT_SIZE];

	memcpy(text, out->text, sizeof(text));
	if (out->refusal == REFUSED_FULL) {
		route->counters.held++;
		route_fail(route, "the stream is full: %.120s", text);
	} else {
		route_fail(route, "%s", text);
	}
}

static void out_refused(struct route *route, const struct event *event)
{
	struct out *out = route->own;

	/* The first to be refused: the others only lack it. */
	if (!out->broken) {
		out->broken = true;
		out->refusal = event->refusal;
		memcpy(out->text, event->text, sizeof(out->text));
		route_want(route, 0);
	}
	if (event->refusal != REFUSED_SIZE || event->index != out->head || out->head == out->tail) {
		out->answers++;
		return;
	}
	out_reject(route, out->flights[out->head].token);
	out->bytes -= out->flights[out->head].size;
	out->head = out_next(route, out->head);
}

static void out_event(struct route *route, struct event *event)
{
	struct out *out = route->own;

	switch (event->kind) {
	case EVENT_LAST:
		if (route->state == ROUTE_STARTING)
			out_begun(route, event);
		break;
	case EVENT_STORED:
		out_stored(route, event);
		break;
	case EVENT_REFUSED:
		out_refused(route, event);
		break;
	default:
		break;
	}
	if (route->state == ROUTE_RUNNING && out->broken && out->answers >= out_flying(route, out))
		out_settle_refusal(route);
}

static void out_tick(struct route *route)
{
	struct out *out = route->own;

	if (route->state == ROUTE_RUNNING && out->head != out->tail &&
	    route_now() > out->sent_at + OUT_ANSWER_MS)
		route_fail(route, "the server has not answered for %d ms", OUT_ANSWER_MS);
}

const struct route_ops out_ops = {
	.rights = MBOX_RIGHT_RECV,
	.begin = out_begin,
	.stop = out_stop,
	.pump = out_pump,
	.event = out_event,
	.tick = out_tick,
	.free = out_free,
};
