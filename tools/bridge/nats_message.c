// SPDX-License-Identifier: GPL-2.0-only
/* NATS: messages and their headers, acknowledgements of the server */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/mbox.h>
#include "nats.h"

#define MAILBOX		"Mbox-Mailbox"
#define SEQ		"Mbox-Seq"
#define PRIO		"Mbox-Priority"
#define TYPE		"Mbox-Type"
#define UID		"Mbox-Uid"
#define TIME		"Mbox-Time"
#define FLOOR		"Mbox-Floor"
#define LEFT		"Mbox-Left"
#define ROOM		"Mbox-Room"
#define ERROR		"Mbox-Error"
#define CODE		"Mbox-Code"

static natsStatus nats_message_set(natsStatus status, natsMsg *msg, const char *key, uint64_t num)
{
	char text[24];

	if (status != NATS_OK)
		return status;
	snprintf(text, sizeof(text), "%" PRIu64, num);
	return natsMsgHeader_Set(msg, key, text);
}

/* Set a header whose absence means 0. */
static natsStatus nats_message_set_some(natsStatus status, natsMsg *msg, const char *key,
					uint64_t num)
{
	return num ? nats_message_set(status, msg, key, num) : status;
}

natsStatus nats_message_make(natsMsg **msg, const char *subject, const char *reply,
			     const struct message *message)
{
	natsStatus status;

	status = natsMsg_Create(msg, subject, reply, message->data, (int)message->size);
	if (status != NATS_OK)
		return status;
	if (message->mailbox) {
		status = natsMsgHeader_Set(*msg, MAILBOX, message->mailbox);
		status = nats_message_set(status, *msg, SEQ, message->seq);
		status = nats_message_set(status, *msg, UID, message->uid);
		status = nats_message_set(status, *msg, TIME, message->time);
	}
	status = nats_message_set_some(status, *msg, PRIO, message->prio);
	status = nats_message_set_some(status, *msg, TYPE, message->type);
	status = nats_message_set_some(status, *msg, FLOOR, message->floor);
	if (message->left >= 0 && message->room)
		status = nats_message_set(status, *msg, LEFT, (uint64_t)message->left);
	status = nats_message_set_some(status, *msg, ROOM, message->room);
	status = nats_message_set_some(status, *msg, ERROR, (uint64_t)message->error);
	status = nats_message_set_some(status, *msg, CODE, message->code);
	if (status != NATS_OK) {
		natsMsg_Destroy(*msg);
		*msg = NULL;
	}
	return status;
}

/* Read the decimal number of a header, up to @max; a missing one is @absent. */
static uint64_t nats_message_get(natsMsg *msg, const char *key, uint64_t max, uint64_t absent,
				 bool *bad)
{
	unsigned long long num;
	const char *text;
	char *end;

	if (natsMsgHeader_Get(msg, key, &text) != NATS_OK)
		return absent;
	errno = 0;
	num = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && num <= max)
		return num;
	*bad = true;
	return absent;
}

void nats_message_read(natsMsg *msg, struct message *message)
{
	bool bad = false;

	*message = (struct message){
		.data = natsMsg_GetData(msg),
		.size = (size_t)natsMsg_GetDataLength(msg),
		.address = natsMsg_GetReply(msg),
		.sequence = natsMsg_GetSequence(msg),
		.raw = msg,
	};
	if (natsMsgHeader_Get(msg, MAILBOX, &message->mailbox) != NATS_OK)
		message->mailbox = NULL;
	message->seq = nats_message_get(msg, SEQ, UINT64_MAX, 0, &bad);
	message->prio = (uint32_t)nats_message_get(msg, PRIO, MBOX_PRIO_MAX, 0, &bad);
	message->type = nats_message_get(msg, TYPE, UINT64_MAX, 0, &bad);
	message->uid = (uint32_t)nats_message_get(msg, UID, UINT32_MAX, 0, &bad);
	message->time = nats_message_get(msg, TIME, UINT64_MAX, 0, &bad);
	message->floor = nats_message_get(msg, FLOOR, UINT64_MAX, 0, &bad);
	message->left = (int64_t)nats_message_get(msg, LEFT, INT64_MAX, UINT64_MAX, &bad);
	message->room = nats_message_get(msg, ROOM, UINT32_MAX, 0, &bad);
	message->error = (int32_t)nats_message_get(msg, ERROR, 4095, 0, &bad);
	message->code = (uint32_t)nats_message_get(msg, CODE, UINT32_MAX, 0, &bad);
	message->bad = bad;
}

void message_release(struct message *message)
{
	natsMsg_Destroy(message->raw);
	message->raw = NULL;
}

uint32_t nats_message_print(int64_t time)
{
	return (uint32_t)((uint64_t)time * 0x9e3779b97f4a7c15ULL >> 48) % 65535 + 1;
}

/*
 * Read the address of the settlement:
 * $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.DELIVERIES.SEQUENCE.DELIVERED.TIME.PENDING[.RANDOM]
 */
bool nats_message_place(struct message *message, uint64_t *delivered)
{
	const char *address = message->address;
	const char *tokens[16];
	size_t count = 0, at;

	if (!address || strncmp(address, "$JS.ACK.", 8))
		return false;
	for (const char *c = address; c && count < 16; c = strchr(c, '.')) {
		c += *c == '.';
		tokens[count++] = c;
	}
	if (count < 9)
		return false;
	at = count > 9 ? 7 : 5;
	message->sequence = strtoull(tokens[at], NULL, 10);
	*delivered = strtoull(tokens[at + 1], NULL, 10);
	message->print = nats_message_print(strtoll(tokens[at + 2], NULL, 10));
	message->behind = strtoull(tokens[at + 3], NULL, 10);
	return message->sequence != 0;
}

/* Return the status of a message of the server itself, such as 100 or 503, or NULL. */
const char *nats_message_status(natsMsg *msg)
{
	const char *status;

	if (natsMsg_GetDataLength(msg) || natsMsgHeader_Get(msg, "Status", &status) != NATS_OK)
		return NULL;
	return status;
}

enum refusal nats_refusal(uint64_t error_code)
{
	switch (error_code) {
	case 10071:		/* wrong last sequence */
		return REFUSED_ORDER;
	case 10054:		/* message size exceeds maximum allowed */
	case 10097:		/* header size exceeds maximum allowed */
		return REFUSED_SIZE;
	case 10002:		/* resource limits exceeded for account */
	case 10023:		/* insufficient resources */
	case 10028:		/* insufficient memory resources available */
	case 10047:		/* insufficient storage resources available */
	case 10077:		/* maximum bytes or messages exceeded, or a file could not be written */
		return REFUSED_FULL;
	case 10059:		/* stream not found */
		return REFUSED_GONE;
	}
	return REFUSED_OTHER;
}

/* Find the number of a key in flat JSON. */
static bool nats_message_json(const char *json, const char *key, uint64_t *num)
{
	const char *at = strstr(json, key);

	if (!at)
		return false;
	at += strlen(key);
	at += strspn(at, "\": ");
	*num = strtoull(at, NULL, 10);
	return *at >= '0' && *at <= '9';
}

/* Read the server's answer to a publication into @event. */
bool nats_message_stored(natsMsg *msg, struct event *event)
{
	const char *text = natsMsg_GetData(msg), *at;
	uint64_t code = 0;
	char json[1024];
	int length = natsMsg_GetDataLength(msg);

	if (natsMsg_IsNoResponders(msg)) {
		event->kind = EVENT_REFUSED;
		event->refusal = REFUSED_GONE;
		snprintf(event->text, sizeof(event->text), "no stream takes the subject");
		return true;
	}
	if (length <= 0)
		return false;
	snprintf(json, sizeof(json), "%.*s", length, text);
	if (strstr(json, "\"error\"")) {
		event->kind = EVENT_REFUSED;
		nats_message_json(json, "\"err_code\"", &code);
		event->refusal = nats_refusal(code);
		at = strstr(json, "\"description\"");
		at = at ? strchr(at + 13, '"') : NULL;
		snprintf(event->text, sizeof(event->text), "%.*s",
			 at ? (int)strcspn(at + 1, "\"") : 16, at ? at + 1 : "an unknown error");
		return true;
	}
	event->kind = EVENT_STORED;
	event->again = strstr(json, "\"duplicate\"") != NULL;
	return nats_message_json(json, "\"seq\"", &event->sequence);
}
