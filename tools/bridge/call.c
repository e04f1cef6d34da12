// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes for calls that leave: a call on the mailbox becomes a request, its answer the reply
 *
 * The caller waits in mbox_call(). Its deadline goes with the request. An answer that comes too late
 * finds that the token is not valid any more. Messages that are no calls are rejected.
 *
 * A request that was sent and has no answer when the connection breaks may have been served: the
 * caller learns that by an error, unless the configuration says that calls may be made twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "log.h"
#include "route.h"

/* Nobody serves: try again, as long as the caller waits. */
#define CALL_RETRY_NS	(200 * 1000000ULL)
/* An answer may take so much longer than the deadline of the caller. */
#define CALL_GRACE_MS	1000

struct request {
	uint64_t token;		/* 0: free */
	uint64_t until;		/* ms: no answer comes any more */
	uint32_t round;		/* so that a late answer to an earlier request is not taken for one */
};

struct call {
	char *buf;
	size_t size;
	struct request *requests;	/* window of them */
	uint32_t used;
	uint32_t next;
};

static void call_reject(struct route *route, struct request *request, int code)
{
	struct call *call = route->own;

	if (mbox_nack(route->mb, request->token, MBOX_NACK_REJECT, 0, (uint32_t)code))
		route->counters.withdrawn++;
	else
		route->counters.refused++;
	request->token = 0;
	call->used--;
}

static void call_stop(struct route *route)
{
	struct call *call = route->own;

	for (uint32_t i = 0; call && i < route->config->window; i++) {
		struct request *request = &call->requests[i];

		if (!request->token)
			continue;
		if (!route->config->retry) {
			call_reject(route, request, ECONNRESET);
			continue;
		}
		mbox_nack(route->mb, request->token, MBOX_NACK_RELEASE, 0, 0);
		request->token = 0;
		call->used--;
	}
}

static void call_free(struct route *route)
{
	struct call *call = route->own;

	if (!call)
		return;
	free(call->requests);
	free(call->buf);
	free(call);
}

static int call_begin(struct route *route)
{
	struct call *call = route->own;

	if (route->info.policy == MBOX_POLICY_BROADCAST)
		return -EOPNOTSUPP;
	if (!call) {
		call = calloc(1, sizeof(*call));
		if (!call)
			return -ENOMEM;
		route->own = call;
		call->requests = calloc(route->config->window, sizeof(*call->requests));
	}
	if (!call->buf || call->size < route->info.msg_size) {
		free(call->buf);
		call->size = route->info.msg_size;
		call->buf = malloc(call->size ? call->size : 1);
	}
	if (!call->buf || !call->requests)
		return -ENOMEM;
	route_state(route, ROUTE_RUNNING, "%s", "");
	route_want(route, EPOLLIN);
	return 0;
}

/* The index of a request on the wire: its place, and its round. */
static uint32_t call_index(const struct route *route, const struct request *request, uint32_t place)
{
	return request->round * (uint32_t)route->config->window + place;
}

static void call_send(struct route *route, const struct mbox_header *header,
		      const struct mbox_delivery *delivery)
{
	struct call *call = route->own;
	uint64_t timeout = delivery->left >= 0 ? (uint64_t)delivery->left : route->config->timeout;
	const struct message message = {
		.mailbox = route->identity, .seq = header->seq, .time = header->time,
		.prio = header->prio, .type = mbox_header_type(header), .uid = header->uid,
		.data = call->buf, .size = header->length,
		.left = (int64_t)timeout, .room = delivery->room ? delivery->room : 1,
	};
	struct request *request;
	int error;

	while (call->requests[call->next].token)
		call->next = (call->next + 1) % (uint32_t)route->config->window;
	request = &call->requests[call->next];
	request->token = delivery->token;
	request->until = route_now() + timeout / 1000000 + CALL_GRACE_MS;
	request->round++;
	call->used++;
	error = route->engine_ops->request(route->engine, &route->lane, &message,
					   call_index(route, request, call->next));
	if (error == -EMSGSIZE)
		call_reject(route, request, EMSGSIZE);
	else if (error)
		route_fail(route, "request: %s", strerror(-error));
	else
		route->counters.bytes += header->length;
}

/* Lease a call. Return false if there is none, or no more to do. */
static bool call_lease(struct route *route)
{
	const struct mbox_recv_opts recv = { .flags = MBOX_RECV_NONBLOCK };
	struct mbox_lease_opts opts = { .recv = &recv };
	struct mbox_delivery delivery;
	struct call *call = route->own;
	struct mbox_header header;
	ssize_t size = mbox_lease(route->mb, call->buf, call->size, &opts, &header, &delivery);

	if (size == -EAGAIN)
		return false;
	if (size < 0) {
		route_mailbox_failed(route, (int)size, "lease");
		return false;
	}
	if (delivery.flags & MBOX_DELIVERY_AGAIN)
		route->counters.redelivered++;
	if (delivery.flags & MBOX_DELIVERY_CALL) {
		call_send(route, &header, &delivery);
	} else {
		route->counters.refused++;
		mbox_nack(route->mb, delivery.token, MBOX_NACK_REJECT, 0, EPROTO);
	}
	return route->state == ROUTE_RUNNING;
}

static void call_pump(struct route *route)
{
	struct call *call = route->own;

	if (route->state != ROUTE_RUNNING)
		return;
	while (call->used < route->config->window)
		if (!call_lease(route))
			break;
	route_want(route, call->used < route->config->window ? EPOLLIN : 0);
}

static void call_answered(struct route *route, struct request *request,
			  const struct message *message)
{
	struct call *call = route->own;
	int error;

	if (message->bad || message->error) {
		call_reject(route, request, message->bad ? EBADMSG : message->error == EREMOTEIO ?
			    (int)message->code : message->error);
		return;
	}
	error = mbox_reply(route->mb, request->token, message->data, message->size);
	if (error == -EMSGSIZE) {
		call_reject(route, request, EMSGSIZE);
		return;
	}
	if (error)
		route->counters.withdrawn++;
	else
		route->counters.messages++;
	request->token = 0;
	call->used--;
}

static void call_event(struct route *route, struct event *event)
{
	uint32_t place = event->index % (uint32_t)route->config->window;
	struct call *call = route->own;
	struct request *request = &call->requests[place];

	if (!request->token || event->index != call_index(route, request, place))
		return;
	if (event->kind == EVENT_NOBODY) {
		/* As on one machine: a call waits for its server. */
		if (mbox_nack(route->mb, request->token, MBOX_NACK_RETRY, CALL_RETRY_NS, 0))
			route->counters.withdrawn++;
		request->token = 0;
		call->used--;
	} else if (event->kind == EVENT_REPLY) {
		call_answered(route, request, &event->message);
	}
	route_good(route);
}

static void call_tick(struct route *route)
{
	struct call *call = route->own;
	uint64_t now = route_now();

	for (uint32_t i = 0; call->used && i < route->config->window; i++)
		if (call->requests[i].token && now > call->requests[i].until)
			call_reject(route, &call->requests[i], ETIMEDOUT);
	call_pump(route);
}

const struct route_ops call_ops = {
	.rights = MBOX_RIGHT_RECV,
	.begin = call_begin,
	.stop = call_stop,
	.pump = call_pump,
	.event = call_event,
	.tick = call_tick,
	.free = call_free,
};
