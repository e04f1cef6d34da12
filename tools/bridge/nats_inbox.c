// SPDX-License-Identifier: GPL-2.0-only
/* NATS: makes events of the messages that come */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nats.h"

static void inbox_message(struct event *event, natsMsg *msg)
{
	const char *status = nats_message_status(msg), *last;
	uint64_t delivered = 0;

	if (!status) {
		nats_message_read(msg, &event->message);
		event->kind = EVENT_MESSAGE;
		if (nats_message_place(&event->message, &delivered)) {
			event->sequence = delivered;
			return;
		}
		snprintf(event->text, sizeof(event->text), "a message came without its place");
		event->kind = EVENT_LOST;
		return;
	}
	event->message.raw = msg;
	event->kind = EVENT_ALIVE;
	if (!strcmp(status, "100")) {
		if (natsMsgHeader_Get(msg, "Nats-Last-Consumer", &last) == NATS_OK)
			event->sequence = strtoull(last, NULL, 10);
		return;
	}
	event->kind = EVENT_LOST;
	snprintf(event->text, sizeof(event->text), "the server ended the consumer (%.32s)", status);
}

static void inbox_reply(struct event *event, natsMsg *msg)
{
	nats_message_read(msg, &event->message);
	event->kind = natsMsg_IsNoResponders(msg) ? EVENT_NOBODY : EVENT_REPLY;
}

/* A subscription of one lane. */
struct tap {
	struct queue *queue;
	uint32_t lane, epoch;
	bool requests;
};

/* In a thread of libnats. */
static void tap_receive(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
	const struct tap *tap = closure;
	struct event *event = event_new(EVENT_REQUEST, tap->lane, tap->epoch);

	(void)nc;
	(void)sub;
	if (tap->requests)
		nats_message_read(msg, &event->message);
	else
		inbox_message(event, msg);
	queue_put(tap->queue, event);
}

natsStatus inbox_subscribe(natsSubscription **sub, struct queue *queue, struct link *link,
			   const char *subject, const char *group, uint32_t lane, uint32_t epoch)
{
	struct tap *tap = malloc(sizeof(*tap));
	natsStatus status;

	if (!tap)
		return NATS_NO_MEMORY;
	*tap = (struct tap){ queue, lane, epoch, group != NULL };
	if (group)
		status = natsConnection_QueueSubscribe(sub, link->nc, subject, group, tap_receive,
						       tap);
	else
		status = natsConnection_Subscribe(sub, link->nc, subject, tap_receive, tap);
	if (status != NATS_OK) {
		free(tap);
		return status;
	}
	natsSubscription_SetPendingLimits(*sub, -1, -1);
	/* The callback may run until then. */
	natsSubscription_SetOnCompleteCB(*sub, free, tap);
	return NATS_OK;
}

/* In a thread of libnats. */
void inbox_receive(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
	struct link *link = closure;
	const char *subject = natsMsg_GetSubject(msg);
	size_t length = strlen(link->inbox);
	unsigned int lane, epoch, index = 0;
	struct event *event;
	char kind;

	(void)nc;
	(void)sub;
	if (strncmp(subject, link->inbox, length) ||
	    sscanf(subject + length, ".%c.%u.%u.%u", &kind, &lane, &epoch, &index) < 3) {
		natsMsg_Destroy(msg);
		return;
	}
	event = event_new(EVENT_LOST, lane, epoch);
	event->index = index;
	switch (kind) {
	case INBOX_STORED:
		if (!nats_message_stored(msg, event)) {
			event->kind = EVENT_REFUSED;
			event->refusal = REFUSED_OTHER;
			snprintf(event->text, sizeof(event->text), "the answer has no sequence");
		}
		natsMsg_Destroy(msg);
		break;
	case INBOX_REPLY:
		inbox_reply(event, msg);
		break;
	default:
		natsMsg_Destroy(msg);
		free(event);
		return;
	}
	queue_put(link->queue, event);
}
