/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Engines: the system that stores and carries messages, as a bridge needs it
 *
 * An engine keeps streams: sequences of messages, numbered from 1, on subjects. All of its
 * functions are called by the thread of the loop, and none blocks: results come as events,
 * through the queue that was given to connect. An event of a lane has the epoch of that lane
 * at the time of the call; a route that starts anew raises the epoch, and never sees events
 * of the past.
 *
 * Six calls carry stored messages: connect, last, publish, fetch, settle, close. Another
 * three carry calls: request, serve, reply. The rest is housekeeping.
 */
#ifndef BRIDGE_ENGINE_H
#define BRIDGE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "config.h"

struct engine;
struct queue;

/* The way of one route through the engine. */
struct lane {
	uint32_t id;		/* of the route, never used again */
	uint32_t epoch;
	const struct route_config *config;
};

/*
 * A message of an engine, or for one. Strings and data of a received message belong to
 * @raw.
 */
struct message {
	const char *mailbox;	/* identity of the mailbox that it comes from, or NULL */
	uint64_t seq;		/* its number there */
	uint64_t time;
	uint64_t floor;		/* sequence up to which all of that mailbox are acknowledged */
	uint32_t prio;
	uint64_t type;
	uint32_t uid;
	bool bad;		/* its headers cannot be read */
	const void *data;
	size_t size;
	uint64_t sequence;	/* in the stream */
	uint32_t print;		/* differs from that of another message with this sequence */
	uint64_t behind;	/* messages that the stream had for the lane after this one */
	const char *address;	/* of a reply or a settlement, or NULL */
	/* Calls. */
	int64_t left;		/* nanoseconds until the caller gives up, -1: it does not */
	uint64_t room;
	int32_t error;		/* of a reply: 0 or an errno value */
	uint32_t code;		/* with EREMOTEIO */
	void *raw;
};

/* A place in a stream: after this message. */
struct place {
	uint64_t sequence;	/* 0: none */
	uint32_t print;		/* of the message, 1 to 65535: see struct message */
};

/* Places of one lane that fetch takes. */
#define PLACES		2

/* A condition under which a message is stored. */
enum expect {
	EXPECT_NOTHING,
	EXPECT_STREAM,		/* the last sequence of the stream is @sequence */
	EXPECT_SUBJECT,		/* the last sequence of the subject is @sequence */
};

enum refusal {
	REFUSED_ORDER,		/* the stream is not as expected */
	REFUSED_SIZE,		/* the message is too long, and always will be */
	REFUSED_FULL,
	REFUSED_GONE,		/* there is no such stream */
	REFUSED_OTHER,
};

enum event_kind {
	EVENT_UP,		/* the engine is connected */
	EVENT_DOWN,		/* it is not any more, or could not be; @text says why */
	EVENT_LAST,		/* the answer to last: @list, @sequence, @subject_sequence, @own */
	EVENT_STORED,		/* message @index is stored, as @sequence */
	EVENT_REFUSED,		/* message @index is not: @refusal, @text */
	EVENT_FETCHING,		/* messages come from @sequence on; @again: as in the past */
	EVENT_MESSAGE,
	EVENT_ALIVE,		/* no message came lately, but the consumer is there */
	EVENT_LOST,		/* the lane has failed: @refusal, @text */
	EVENT_REPLY,		/* to request @index: @message */
	EVENT_NOBODY,		/* no one serves the subject of request @index */
	EVENT_REQUEST,		/* somebody calls: @message */
};

#define EVENT_TEXT_SIZE	160

struct event {
	struct event *next;
	enum event_kind kind;
	enum refusal refusal;
	uint32_t lane;		/* its id; 0: about the engine */
	uint32_t epoch;
	uint32_t index;
	bool own;		/* the stream has this one subject, and no other */
	bool again;		/* STORED: the message was stored before */
	uint64_t sequence;
	uint64_t subject_sequence;
	uint64_t first;		/* FETCHING: the first sequence that the stream has */
	struct message message;
	struct message *list;	/* LAST: without data, in order */
	size_t count;
	void *handle;		/* UP and DOWN: the engine's own */
	char text[EVENT_TEXT_SIZE];
};

struct engine_ops {
	const char *name;

	/* Begin to connect, and to connect again whenever that is lost. */
	struct engine *(*connect)(const struct server_config *server, struct queue *queue);
	/*
	 * Ask for the last message of the lane's subject; with @after, for all of them after
	 * that sequence. Makes the stream if it is missing and the route says so.
	 */
	int (*last)(struct engine *engine, const struct lane *lane, uint64_t after);
	/* Store a message. The answer has its @index. */
	int (*publish)(struct engine *engine, const struct lane *lane,
		       const struct message *message, uint32_t index, enum expect expect,
		       uint64_t sequence);
	/*
	 * Deliver the messages after the last of the places that the stream has; if it has none,
	 * all of them or, with start_new of the route, those to come. At most window of them
	 * before settle.
	 */
	int (*fetch)(struct engine *engine, const struct lane *lane,
		     const struct place places[static PLACES]);
	/* The messages of the lane up to this one are dealt with. */
	int (*settle)(struct engine *engine, const struct message *message);
	void (*close)(struct engine *engine);

	int (*request)(struct engine *engine, const struct lane *lane,
		       const struct message *message, uint32_t index);
	int (*serve)(struct engine *engine, const struct lane *lane);
	/* May be called by any thread. */
	int (*reply)(struct engine *engine, const char *address, const struct message *message);

	/* The lane needs nothing more. */
	void (*leave)(struct engine *engine, const struct lane *lane);
	/* Delete the messages of the lane's subject before sequence @before. */
	int (*trim)(struct engine *engine, const struct lane *lane, uint64_t before);
	/* See each event first, in the thread of the loop. Return whether routes may see it. */
	bool (*filter)(struct engine *engine, struct event *event);
	/* The longest payload, or 0 while there is no connection. */
	size_t (*max_size)(const struct engine *engine);
};

void message_release(struct message *message);	/* free its strings and data */
void event_free(struct event *event);

extern const struct engine_ops nats_engine;

#endif /* BRIDGE_ENGINE_H */
