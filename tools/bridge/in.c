// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes from a stream to a mailbox
 *
 * The mailbox remembers how far the route came: with each message it stores a mark, in the same
 * moment: the sequence of the message in the stream, and a print of it, by which a stream that was
 * made anew is told from this one. On its start, and after each failure, the route fetches from the
 * mark on. A message that the server
 * delivers once more, since it had forgotten that it was settled, has a sequence that is no news.
 *
 * A message that the mailbox can never take goes to the route's dead-letter mailbox, which has a mark
 * too: the route is as far as the later of both says. Without one it stops there, rather than drop it.
 *
 * BROADCAST mailboxes have no mark: messages that come while the route is down are skipped.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "log.h"
#include "route.h"

/* No heartbeat for so long: the consumer is gone. */
#define IN_SILENCE_MS	5000
/* A mailbox that epoll does not report ready, since a quota is used up, is tried so often. */
#define IN_RETRY_MS	200

#define MARK_BITS	48
#define MARK_MASK	((UINT64_C(1) << MARK_BITS) - 1)

/* Messages that were delivered, and wait for room. */
struct waiting {
	struct waiting *next;
	struct message message;
};

struct in {
	struct waiting *first, **last;
	struct place done;		/* the last message that is in a mailbox */
	uint64_t heard_at, tried_at;
	uint32_t unsettled;		/* messages since the last settlement */
	struct mbox *dead;		/* the dead-letter mailbox, once it was needed */
	/* Sequences of the last messages, which trim leaves in the stream: see in_trim(). */
	uint64_t *kept;
	uint32_t kept_at;
	bool marks;			/* the mailbox takes marks */
	bool known;			/* a mark says how far the route came */
};

/* As many as may be under way on any exporter, which has to find them. */
#define IN_KEPT	1024

static uint64_t in_mark(const struct message *message)
{
	return (uint64_t)message->print << MARK_BITS | (message->sequence & MARK_MASK);
}

static struct place in_place(uint64_t mark)
{
	return (struct place){ .sequence = mark & MARK_MASK,
			       .print = (uint32_t)(mark >> MARK_BITS) };
}

static void in_stop(struct route *route)
{
	struct in *in = route->own;
	struct waiting *waiting;

	while (in && in->first) {
		waiting = in->first;
		in->first = waiting->next;
		message_release(&waiting->message);
		free(waiting);
	}
	if (in)
		in->last = &in->first;
}

static void in_free(struct route *route)
{
	struct in *in = route->own;

	if (!in)
		return;
	mbox_close(in->dead);
	free(in->kept);
	free(in);
}

/* Open the dead-letter mailbox, and report its mark. Return 0 or -errno. */
static int in_open_dead(struct route *route, uint64_t *mark)
{
	struct in *in = route->own;
	struct mbox_info info;
	int error = 0;

	if (!route->config->dead_letter)
		return -ENOENT;
	if (!in->dead)
		error = mbox_open(&in->dead, route->config->dead_letter, MBOX_RIGHT_SEND);
	if (!error)
		error = mbox_get(in->dead, &info);
	if (!error && info.state != MBOX_STATE_DEAD) {
		*mark = info.mark;
		return 0;
	}
	mbox_close(in->dead);
	in->dead = NULL;
	return error ? error : -EIDRM;
}

static int in_begin(struct route *route)
{
	struct in *in = route->own;
	struct place places[PLACES] = { { 0 } };
	uint64_t mark;
	int error;

	if (!in) {
		in = calloc(1, sizeof(*in));
		if (!in)
			return -ENOMEM;
		route->own = in;
		in->last = &in->first;
	}
	error = mbox_get(route->mb, &route->info);
	if (error)
		return error;
	in->marks = route->info.policy != MBOX_POLICY_BROADCAST;
	in->heard_at = route_now();
	in->unsettled = 0;
	/* A mailbox without marks goes on where it was, as long as this process lives. */
	if (in->marks)
		places[0] = in_place(route->info.mark);
	else if (in->done.print)
		places[0] = in->done;
	if (!in_open_dead(route, &mark))
		places[1] = in_place(mark);
	in->known = places[0].sequence || places[1].sequence;
	return route->engine_ops->fetch(route->engine, &route->lane, places);
}

static void in_begun(struct route *route, const struct event *event)
{
	struct in *in = route->own;

	if (in->known && !event->again)
		log_event(LOG_WARN, route->config->name, "new-stream",
			  "stream %s was made anew: it is read from sequence %" PRIu64,
			  route->config->stream, event->sequence);
	if (event->first > event->sequence && event->sequence > 1) {
		route->counters.lost += event->first - event->sequence;
		log_event(LOG_WARN, route->config->name, "gap",
			  "the stream has no messages from %" PRIu64 " to %" PRIu64 " any more",
			  event->sequence, event->first - 1);
	}
	in->done.sequence = event->sequence - 1;
	route->sequence = in->done.sequence;
	route_state(route, ROUTE_RUNNING, "%s", "");
}

/* Put a message that the mailbox never takes into the dead-letter mailbox. Return 0 or -errno. */
static int in_bury(struct route *route, const struct message *message)
{
	const struct mbox_send_opts send = {
		.flags = MBOX_SEND_NONBLOCK, .type = (uint32_t)message->type,
		.type_hi = (uint32_t)(message->type >> 32),
	};
	const struct mbox_post_opts opts = {
		.send = &send, .flags = MBOX_POST_MARK, .mark = in_mark(message),
	};
	struct in *in = route->own;
	uint64_t mark;
	int error = in_open_dead(route, &mark);

	if (!error)
		error = mbox_post(in->dead, message->data, message->size, &opts);
	return error > 0 ? 0 : error;
}

/* Post a message to the mailbox. Return 0, -EAGAIN if it has to wait, or another -errno. */
static int in_post(struct route *route, const struct message *message)
{
	const struct mbox_send_opts send = {
		.flags = MBOX_SEND_NONBLOCK, .prio = message->prio, .type = (uint32_t)message->type,
		.type_hi = (uint32_t)(message->type >> 32),
	};
	struct in *in = route->own;
	const struct mbox_post_opts opts = {
		.send = &send, .flags = MBOX_POST_MARK, .mark = in_mark(message),
	};
	int error = -EINVAL;

	if (!message->bad)
		error = in->marks ? mbox_post(route->mb, message->data, message->size, &opts) :
				    mbox_send(route->mb, message->data, message->size, &send);

	/* A broadcast takes types of 32 bits. */
	if (error != -EMSGSIZE && error != -EINVAL && !(error == -EOPNOTSUPP && send.type_hi))
		return error > 0 ? 0 : error;
	error = in_bury(route, message);
	if (!error)
		route->counters.refused++;
	else if (error != -EAGAIN)
		route_state(route, ROUTE_HELD, "message %" PRIu64 " does not fit, and the dead-letter "
			    "mailbox does not take it: %s", message->sequence, mbox_strerror(error));
	return error ? -EAGAIN : 0;
}

/*
 * Delete the messages that are in the mailbox from the stream, all but the last: an exporter that
 * comes back looks for those.
 */
static void in_trim(struct route *route, uint64_t sequence)
{
	struct in *in = route->own;

	if (!route->config->trim)
		return;
	if (!in->kept)
		in->kept = calloc(IN_KEPT, sizeof(*in->kept));
	if (!in->kept)
		return;
	in->kept_at = (in->kept_at + 1) % IN_KEPT;
	/* Half of them, twice in a round. */
	if (in->kept_at % (IN_KEPT / 2) == 0 && in->kept[in->kept_at])
		route->engine_ops->trim(route->engine, &route->lane, in->kept[in->kept_at]);
	in->kept[in->kept_at] = sequence;
}

/* The first of those that wait is in a mailbox. */
static void in_take(struct route *route)
{
	struct in *in = route->own;
	struct waiting *waiting = in->first;
	struct message *message = &waiting->message;

	if (message->sequence > in->done.sequence)
		in->done = (struct place){ message->sequence, message->print };
	route->sequence = in->done.sequence;
	route->lag = message->behind;
	in->first = waiting->next;
	if (!in->first)
		in->last = &in->first;
	/* So that the server always may deliver more, and hears of us seldom. */
	if (++in->unsettled >= (route->config->window + 3) / 4 || !in->first) {
		route->engine_ops->settle(route->engine, message);
		in->unsettled = 0;
	}
	in_trim(route, in->done.sequence);
	message_release(message);
	free(waiting);
}

static void in_pump(struct route *route)
{
	struct in *in = route->own;

	while (in->first) {
		const struct message *message = &in->first->message;
		int error;

		if (message->sequence <= in->done.sequence) {
			route->counters.skipped++;
		} else {
			error = in_post(route, message);
			if (error == -EAGAIN || error == -EDQUOT || error == -ENOMEM) {
				if (route->state == ROUTE_RUNNING) {
					route->counters.held++;
					route_state(route, ROUTE_HELD, "the mailbox is full");
				}
				in->tried_at = route_now();
				route_want(route, EPOLLOUT);
				return;
			}
			if (error) {
				route_mailbox_failed(route, error, "send");
				return;
			}
			route->counters.messages++;
			route->counters.bytes += message->size;
		}
		in_take(route);
	}
	route_want(route, 0);
	route_good(route);
	if (route->state == ROUTE_HELD)
		route_state(route, ROUTE_RUNNING, "%s", "");
}

static void in_event(struct route *route, struct event *event)
{
	struct in *in = route->own;
	struct waiting *waiting;

	in->heard_at = route_now();
	switch (event->kind) {
	case EVENT_FETCHING:
		if (route->state == ROUTE_STARTING)
			in_begun(route, event);
		break;
	case EVENT_MESSAGE:
		waiting = malloc(sizeof(*waiting));
		if (!waiting) {
			route_fail(route, "no memory");
			break;
		}
		waiting->message = event->message;
		waiting->next = NULL;
		event->message.raw = NULL;
		*in->last = waiting;
		in->last = &waiting->next;
		break;
	default:
		break;
	}
}

static void in_tick(struct route *route)
{
	struct in *in = route->own;
	uint64_t now = route_now();

	if (now > in->heard_at + IN_SILENCE_MS)
		route_fail(route, "the server has been silent for %d ms", IN_SILENCE_MS);
	else if (route->state == ROUTE_HELD && now > in->tried_at + IN_RETRY_MS)
		in_pump(route);
}

const struct route_ops in_ops = {
	.rights = MBOX_RIGHT_SEND,
	.begin = in_begin,
	.stop = in_stop,
	.pump = in_pump,
	.event = in_event,
	.tick = in_tick,
	.free = in_free,
};
