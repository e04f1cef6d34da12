// SPDX-License-Identifier: GPL-2.0-only
/* NATS: the requests that block: last, fetch, leave, trim */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nats.h"

#define REQUEST_MS	3000
#define SECOND		1000000000LL
#define HEARTBEAT	(1 * SECOND)
/* Longer than a mailbox stays full: else messages would be delivered twice, and be skipped. */
#define SETTLE_WAIT	(3600 * SECOND)

#define STREAM_NOT_FOUND	10059
#define MESSAGE_NOT_FOUND	10037

static void job_options(jsOptions *options)
{
	jsOptions_Init(options);
	options->Wait = REQUEST_MS;
}

/* Report that the lane has failed. */
static void job_fail(struct engine *engine, const struct job *job, const char *what,
		     natsStatus status, jsErrCode code)
{
	struct event *event = event_new(EVENT_LOST, job->lane, job->epoch);

	event->refusal = nats_refusal((uint64_t)code);
	if (code == STREAM_NOT_FOUND)
		snprintf(event->text, sizeof(event->text), "there is no stream %s", job->stream);
	else if (status != NATS_OK)
		snprintf(event->text, sizeof(event->text), "%s: %s (%d)", what,
			 natsStatus_GetText(status), (int)code);
	else
		snprintf(event->text, sizeof(event->text), "%s", what);
	queue_put(engine->queue, event);
}

static natsStatus job_create(const struct job *job, jsStreamInfo **info, jsErrCode *code)
{
	const struct stream_config *create = &job->create;
	const char *subjects[] = { job->subject };
	jsStreamConfig config;
	jsOptions options;

	job_options(&options);
	jsStreamConfig_Init(&config);
	config.Name = job->stream;
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Retention = js_LimitsPolicy;
	/* A full stream refuses; it never drops messages that nobody has read. */
	config.Discard = js_DiscardNew;
	config.Storage = create->memory ? js_MemoryStorage : js_FileStorage;
	config.Replicas = (int64_t)create->replicas;
	config.MaxBytes = create->max_bytes ? (int64_t)create->max_bytes : -1;
	config.MaxMsgs = create->max_messages ? (int64_t)create->max_messages : -1;
	config.MaxAge = (int64_t)create->max_age;
	config.Duplicates = 120 * SECOND;
	if (config.MaxAge && config.MaxAge < config.Duplicates)
		config.Duplicates = config.MaxAge;
	return js_AddStream(info, job->link->js, &config, &options, code);
}

/* Ask for the stream, and make it if it is missing and may be made. */
static jsStreamInfo *job_stream(struct engine *engine, const struct job *job)
{
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status;
	jsOptions options;

	job_options(&options);
	status = js_GetStreamInfo(&info, job->link->js, job->stream, &options, &code);
	if (status != NATS_OK && code == STREAM_NOT_FOUND && job->create.create)
		status = job_create(job, &info, &code);
	if (status != NATS_OK) {
		job_fail(engine, job, "the stream does not answer", status, code);
		return NULL;
	}
	/* Else messages go when they are settled, and an exporter does not find them. */
	if (info->Config->Retention == js_LimitsPolicy)
		return info;
	job_fail(engine, job, "the retention of the stream is not limits", NATS_OK, 0);
	jsStreamInfo_Destroy(info);
	return NULL;
}

/* Does the stream take this one subject, so that its sequence is that of the subject? */
static bool job_owns(const struct job *job, const jsStreamInfo *info)
{
	const jsStreamConfig *config = info->Config;

	return config->SubjectsLen == 1 && !strcmp(config->Subjects[0], job->subject) &&
	       !config->SourcesLen && !config->Mirror;
}

/* Append a message to the list of @event. */
static bool job_keep(struct event *event, const struct message *message)
{
	struct message *list;

	if (!(event->count & (event->count - 1))) {
		size_t room = event->count ? 2 * event->count : 1;

		list = realloc(event->list, room * sizeof(*list));
		if (!list)
			return false;
		event->list = list;
	}
	event->list[event->count++] = *message;
	return true;
}

/* Name the consumer of the lane: no two connections have the same. */
static void job_name(const struct job *job, char name[static SUBJECT_SIZE], const char *suffix)
{
	const char *own = strrchr(job->link->inbox, '.');

	snprintf(name, SUBJECT_SIZE, "mbox-%s-%u%s", own ? own + 1 : job->link->inbox, job->lane,
		 suffix);
}

static void job_unconsume(const struct job *job, const char *name)
{
	jsOptions options;

	job_options(&options);
	js_DeleteConsumer(job->link->js, job->stream, name, &options, NULL);
}

static natsStatus job_consume(const struct job *job, const char *inbox, uint64_t from,
			      bool headers, const char *name, jsErrCode *code)
{
	jsConsumerConfig config;
	jsOptions options;

	job_options(&options);
	jsConsumerConfig_Init(&config);
	config.Name = name;
	config.DeliverPolicy = js_DeliverByStartSequence;
	config.OptStartSeq = from;
	config.FilterSubject = job->subject;
	config.DeliverSubject = inbox;
	config.AckPolicy = headers ? js_AckNone : js_AckAll;
	config.HeadersOnly = headers;
	config.InactiveThreshold = 5 * SECOND;
	config.MemoryStorage = true;
	config.Replicas = 1;
	if (!headers) {
		config.AckWait = SETTLE_WAIT;
		config.MaxAckPending = job->window;
		config.Heartbeat = HEARTBEAT;
	}
	return js_AddConsumer(NULL, job->link->js, job->stream, &config, &options, code);
}

/* Receive the headers of the messages up to sequence @to. */
static natsStatus job_receive(natsSubscription *sub, uint64_t to, struct event *event)
{
	struct message message = { .sequence = 0 };
	uint64_t delivered;
	natsStatus status;
	natsMsg *msg;

	while (message.sequence < to) {
		status = natsSubscription_NextMsg(&msg, sub, REQUEST_MS);
		if (status != NATS_OK)
			return status;
		nats_message_read(msg, &message);
		if (!nats_message_place(&message, &delivered)) {
			natsMsg_Destroy(msg);
			continue;
		}
		if (!job_keep(event, &message)) {
			natsMsg_Destroy(msg);
			return NATS_NO_MEMORY;
		}
	}
	return NATS_OK;
}

/* List the messages of the subject after sequence job->after, up to @to. */
static natsStatus job_list(const struct job *job, uint64_t to, struct event *event,
			   jsErrCode *code)
{
	natsSubscription *sub = NULL;
	natsInbox *inbox = NULL;
	char name[SUBJECT_SIZE];
	natsStatus status;

	job_name(job, name, "-list");
	status = natsInbox_Create(&inbox);
	if (status == NATS_OK)
		status = natsConnection_SubscribeSync(&sub, job->link->nc, inbox);
	if (status == NATS_OK)
		status = natsSubscription_SetPendingLimits(sub, -1, -1);
	if (status == NATS_OK)
		status = job_consume(job, inbox, job->after + 1, true, name, code);
	if (status == NATS_OK)
		status = job_receive(sub, to, event);
	natsSubscription_Destroy(sub);
	natsInbox_Destroy(inbox);
	job_unconsume(job, name);
	return status;
}

void job_last(struct engine *engine, const struct job *job)
{
	struct event *event = event_new(EVENT_LAST, job->lane, job->epoch);
	jsStreamInfo *info = job_stream(engine, job);
	struct message message;
	natsMsg *msg = NULL;
	jsErrCode code = 0;
	natsStatus status;
	jsOptions options;

	if (!info) {
		event_free(event);
		return;
	}
	event->own = job_owns(job, info);
	event->sequence = info->State.LastSeq;
	jsStreamInfo_Destroy(info);

	job_options(&options);
	status = js_GetLastMsg(&msg, job->link->js, job->stream, job->subject, &options, &code);
	if (status == NATS_OK) {
		nats_message_read(msg, &message);
		event->subject_sequence = message.sequence;
		if (job->after && job->after < message.sequence) {
			natsMsg_Destroy(msg);
			status = job_list(job, message.sequence, event, &code);
		} else if (!job_keep(event, &message)) {
			natsMsg_Destroy(msg);
			status = NATS_NO_MEMORY;
		}
	} else if (status == NATS_NOT_FOUND && code != STREAM_NOT_FOUND) {
		status = NATS_OK;
	}
	if (status == NATS_OK) {
		queue_put(engine->queue, event);
		return;
	}
	event_free(event);
	job_fail(engine, job, "the last message cannot be read", status, code);
}

/* Subscribe, and have the server deliver from sequence @from on. */
static natsStatus job_start(struct engine *engine, const struct job *job, uint64_t from,
			    natsSubscription **sub, jsErrCode *code)
{
	char inbox[SUBJECT_SIZE], name[SUBJECT_SIZE];
	natsStatus status;

	/* A subject that the subscription of the answers does not have. */
	snprintf(inbox, sizeof(inbox), "%s-%u-%u", job->link->inbox, job->lane, job->epoch);
	status = inbox_subscribe(sub, engine->queue, job->link, inbox, NULL, job->lane, job->epoch);
	if (status != NATS_OK)
		return status;
	job_name(job, name, "");
	job_unconsume(job, name);
	return job_consume(job, inbox, from, false, name, code);
}

/* How sure is it that this place is one of the stream? */
enum match { MATCH_NO, MATCH_MAYBE, MATCH_YES };

static natsStatus job_match(const struct job *job, const struct place *place, uint64_t last,
			    enum match *match, jsErrCode *code)
{
	natsMsg *msg = NULL;
	natsStatus status;
	jsOptions options;

	*match = MATCH_NO;
	if (!place->sequence || place->sequence > last)
		return NATS_OK;
	job_options(&options);
	status = js_GetMsg(&msg, job->link->js, job->stream, place->sequence, &options, code);
	if (status == NATS_OK && nats_message_print(natsMsg_GetTime(msg)) == place->print)
		*match = MATCH_YES;
	/* Deleted by now: nothing speaks against it. */
	if (status == NATS_NOT_FOUND && *code == MESSAGE_NOT_FOUND) {
		*match = MATCH_MAYBE;
		status = NATS_OK;
	}
	natsMsg_Destroy(msg);
	return status;
}

/*
 * Find out from where to deliver, into @event. The time of a stream's creation would not tell it from
 * one that was made anew: the server changes it when it restarts after an update of the stream.
 */
static bool job_place(struct engine *engine, const struct job *job, struct event *event)
{
	jsStreamInfo *info = job_stream(engine, job);
	enum match match, best = MATCH_NO;
	natsStatus status = NATS_OK;
	jsErrCode code = 0;
	uint64_t last;

	if (!info)
		return false;
	last = info->State.LastSeq;
	event->first = info->State.FirstSeq;
	event->sequence = 0;
	jsStreamInfo_Destroy(info);
	for (int i = 0; i < PLACES && status == NATS_OK; i++) {
		const struct place *place = &job->places[i];

		status = job_match(job, place, last, &match, &code);
		if (match > best || (match && match == best && place->sequence >= event->sequence)) {
			best = match;
			event->sequence = place->sequence + 1;
		}
	}
	if (status != NATS_OK) {
		job_fail(engine, job, "the last message cannot be read", status, code);
		return false;
	}
	event->again = best;
	if (!best)
		event->sequence = job->start_new ? last + 1 : 1;
	return true;
}

void job_fetch(struct engine *engine, const struct job *job)
{
	struct event *event = event_new(EVENT_FETCHING, job->lane, job->epoch);
	struct event check = { .kind = EVENT_FETCHING };
	natsSubscription *sub = NULL;
	jsErrCode code = 0;
	natsStatus status;
	bool good = false;

	if (job_place(engine, job, event)) {
		status = job_start(engine, job, event->sequence, &sub, &code);
		if (status != NATS_OK)
			job_fail(engine, job, "messages cannot be fetched", status, code);
		/*
		 * The stream may have been made anew before it had the consumer. Messages that
		 * come meanwhile wait for the event.
		 */
		else
			good = job_place(engine, job, &check);
		if (good && check.again != event->again) {
			job_fail(engine, job, "the stream is another one now", NATS_OK, 0);
			good = false;
		}
	}
	if (good) {
		event->handle = sub;
		queue_put(engine->queue, event);
		return;
	}
	natsSubscription_Destroy(sub);
	event_free(event);
}

void job_leave(const struct job *job)
{
	char name[SUBJECT_SIZE];

	job_name(job, name, "");
	job_unconsume(job, name);
}

void job_trim(const struct job *job)
{
	jsErrCode code = 0;
	jsOptions options;

	job_options(&options);
	options.Stream.Purge.Subject = job->subject;
	options.Stream.Purge.Sequence = job->after;
	/* If it fails, the next one deletes these messages too. */
	js_PurgeStream(job->link->js, job->stream, &options, &code);
}
