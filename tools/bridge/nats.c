// SPDX-License-Identifier: GPL-2.0-only
/* NATS: the engine, its calls that only write, and the connection's comings and goings */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "nats.h"

static struct track *nats_find(struct engine *engine, uint32_t lane)
{
	struct track *track;

	for (track = engine->tracks; track; track = track->next)
		if (track->lane == lane)
			return track;
	return NULL;
}

static void nats_untap(struct track *track)
{
	natsSubscription_Destroy(track->sub);
	track->sub = NULL;
}

/* Follow a lane from now on, in its present epoch. */
static struct track *nats_follow(struct engine *engine, const struct lane *lane)
{
	struct track *track = nats_find(engine, lane->id);

	if (!track) {
		track = calloc(1, sizeof(*track));
		if (!track)
			log_die("no memory");
		track->lane = lane->id;
		track->next = engine->tracks;
		engine->tracks = track;
	}
	if (track->epoch != lane->epoch)
		nats_untap(track);
	track->epoch = lane->epoch;
	track->delivered = 0;
	return track;
}

static struct engine *nats_connect(const struct server_config *server, struct queue *queue)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->server = server;
	engine->queue = queue;
	engine->oldest = link_next_serial();
	pthread_rwlock_init(&engine->reply_lock, NULL);
	engine->worker = worker_new(engine);
	if (!engine->worker) {
		free(engine);
		return NULL;
	}
	worker_add(engine->worker, JOB_CONNECT, NULL, NULL, 0, NULL);
	return engine;
}

static void nats_set_link(struct engine *engine, struct link *link)
{
	pthread_rwlock_wrlock(&engine->reply_lock);
	engine->link = link;
	engine->max_size = link ? (size_t)natsConnection_GetMaxPayload(link->nc) : 0;
	pthread_rwlock_unlock(&engine->reply_lock);
}

static void nats_untap_all(struct engine *engine)
{
	for (struct track *track = engine->tracks; track; track = track->next)
		nats_untap(track);
}

static void nats_close(struct engine *engine)
{
	struct link *link = engine->link;

	nats_untap_all(engine);
	nats_set_link(engine, NULL);
	if (link)
		worker_add(engine->worker, JOB_DISCONNECT, link, NULL, 0, NULL);
	worker_free(engine->worker);
	while (engine->tracks) {
		struct track *track = engine->tracks;

		engine->tracks = track->next;
		free(track);
	}
	pthread_rwlock_destroy(&engine->reply_lock);
	free(engine);
}

static int nats_last(struct engine *engine, const struct lane *lane, uint64_t after)
{
	if (!engine->link)
		return -ENOTCONN;
	nats_follow(engine, lane);
	return worker_add(engine->worker, JOB_LAST, engine->link, lane, after, NULL);
}

static int nats_fetch(struct engine *engine, const struct lane *lane,
		      const struct place places[static PLACES])
{
	if (!engine->link)
		return -ENOTCONN;
	nats_follow(engine, lane);
	return worker_add(engine->worker, JOB_FETCH, engine->link, lane, 0, places);
}

static void nats_address(char address[static SUBJECT_SIZE], const struct link *link,
			 enum inbox_kind kind, const struct lane *lane, uint32_t index)
{
	snprintf(address, SUBJECT_SIZE, "%s.%c.%u.%u.%u", link->inbox, (char)kind, lane->id,
		 lane->epoch, index);
}

/* Return 0 or a negated errno value. */
static int nats_result(natsStatus status)
{
	switch (status) {
	case NATS_OK:
		return 0;
	case NATS_NO_MEMORY:
		return -ENOMEM;
	case NATS_MAX_PAYLOAD:
		return -EMSGSIZE;
	default:
		return -ENOTCONN;
	}
}

static natsStatus nats_expect(natsMsg *msg, enum expect expect, uint64_t sequence)
{
	char text[24];

	if (expect == EXPECT_NOTHING)
		return NATS_OK;
	snprintf(text, sizeof(text), "%" PRIu64, sequence);
	return natsMsgHeader_Set(msg, expect == EXPECT_STREAM ? "Nats-Expected-Last-Sequence" :
				 "Nats-Expected-Last-Subject-Sequence", text);
}

static int nats_publish(struct engine *engine, const struct lane *lane,
			const struct message *message, uint32_t index, enum expect expect,
			uint64_t sequence)
{
	char address[SUBJECT_SIZE], id[128];
	natsStatus status;
	natsMsg *msg;

	if (!engine->link)
		return -ENOTCONN;
	nats_address(address, engine->link, INBOX_STORED, lane, index);
	status = nats_message_make(&msg, lane->config->subject, address, message);
	if (status != NATS_OK)
		return nats_result(status);
	snprintf(id, sizeof(id), "%s-%" PRIu64, message->mailbox, message->seq);
	status = natsMsgHeader_Set(msg, "Nats-Msg-Id", id);
	if (status == NATS_OK)
		status = natsMsgHeader_Set(msg, "Nats-Expected-Stream", lane->config->stream);
	if (status == NATS_OK)
		status = nats_expect(msg, expect, sequence);
	if (status == NATS_OK)
		status = natsConnection_PublishMsg(engine->link->nc, msg);
	natsMsg_Destroy(msg);
	return nats_result(status);
}

static int nats_settle(struct engine *engine, const struct message *message)
{
	if (!engine->link)
		return -ENOTCONN;
	return nats_result(natsConnection_PublishString(engine->link->nc, message->address,
							"+ACK"));
}

static int nats_request(struct engine *engine, const struct lane *lane,
			const struct message *message, uint32_t index)
{
	char address[SUBJECT_SIZE];
	natsStatus status;
	natsMsg *msg;

	if (!engine->link)
		return -ENOTCONN;
	nats_follow(engine, lane);
	nats_address(address, engine->link, INBOX_REPLY, lane, index);
	status = nats_message_make(&msg, lane->config->subject, address, message);
	if (status != NATS_OK)
		return nats_result(status);
	status = natsConnection_PublishMsg(engine->link->nc, msg);
	natsMsg_Destroy(msg);
	return nats_result(status);
}

static int nats_serve(struct engine *engine, const struct lane *lane)
{
	const struct route_config *config = lane->config;
	struct track *track;

	if (!engine->link)
		return -ENOTCONN;
	track = nats_follow(engine, lane);
	return nats_result(inbox_subscribe(&track->sub, engine->queue, engine->link,
					   config->subject, config->group ? config->group : "mbox",
					   lane->id, lane->epoch));
}

static int nats_reply(struct engine *engine, const char *address, const struct message *message)
{
	natsStatus status = NATS_CONNECTION_DISCONNECTED;
	natsMsg *msg;

	pthread_rwlock_rdlock(&engine->reply_lock);
	if (engine->link) {
		status = nats_message_make(&msg, address, NULL, message);
		if (status == NATS_OK) {
			status = natsConnection_PublishMsg(engine->link->nc, msg);
			natsMsg_Destroy(msg);
		}
	}
	pthread_rwlock_unlock(&engine->reply_lock);
	return nats_result(status);
}

static void nats_leave(struct engine *engine, const struct lane *lane)
{
	struct track **at = &engine->tracks, *track;

	while (*at && (*at)->lane != lane->id)
		at = &(*at)->next;
	track = *at;
	if (!track)
		return;
	*at = track->next;
	nats_untap(track);
	free(track);
	if (engine->link && lane->config->stream)
		worker_add(engine->worker, JOB_LEAVE, engine->link, lane, 0, NULL);
}

static int nats_trim(struct engine *engine, const struct lane *lane, uint64_t before)
{
	if (!engine->link)
		return -ENOTCONN;
	return worker_add(engine->worker, JOB_TRIM, engine->link, lane, before, NULL);
}

/* Notice a message that the consumer has delivered and we did not receive. */
static bool nats_complete(struct track *track, struct event *event)
{
	if (event->kind == EVENT_MESSAGE)
		track->delivered++;
	else if (event->kind != EVENT_ALIVE)
		return true;
	if (event->sequence == track->delivered)
		return true;
	snprintf(event->text, sizeof(event->text), "delivery %" PRIu64 " came instead of %" PRIu64,
		 event->sequence, track->delivered);
	event->kind = EVENT_LOST;
	return true;
}

static bool nats_filter(struct engine *engine, struct event *event)
{
	struct track *track;
	struct link *link;

	switch (event->kind) {
	case EVENT_UP:
		link = event->handle;
		/* An engine that was closed meanwhile has made it. */
		if (link->serial < engine->oldest) {
			link_free(link);
			return false;
		}
		nats_set_link(engine, link);
		return true;
	case EVENT_DOWN:
		/* An attempt that failed; or a connection, which may be gone already. */
		if (!event->index)
			return true;
		link = engine->link;
		if (!link || link->serial != event->index)
			return false;
		nats_untap_all(engine);
		nats_set_link(engine, NULL);
		worker_add(engine->worker, JOB_DISCONNECT, link, NULL, 0, NULL);
		worker_add(engine->worker, JOB_CONNECT, NULL, NULL, 0, NULL);
		return true;
	default:
		track = nats_find(engine, event->lane);
		if (!track || track->epoch != event->epoch) {
			/* The subscription of a fetch that nobody wants any more. */
			natsSubscription_Destroy(event->handle);
			return false;
		}
		if (event->kind == EVENT_FETCHING)
			track->sub = event->handle;
		return nats_complete(track, event);
	}
}

static size_t nats_max_size(const struct engine *engine)
{
	return engine->max_size;
}

const struct engine_ops nats_engine = {
	.name = "nats",
	.connect = nats_connect,
	.last = nats_last,
	.publish = nats_publish,
	.fetch = nats_fetch,
	.settle = nats_settle,
	.close = nats_close,
	.request = nats_request,
	.serve = nats_serve,
	.reply = nats_reply,
	.leave = nats_leave,
	.trim = nats_trim,
	.filter = nats_filter,
	.max_size = nats_max_size,
};
