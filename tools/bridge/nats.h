/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine NATS JetStream, by libnats
 *
 *   nats.c           the engine: its calls that only write, and the connection's comings and goings
 *   nats_inbox.c     makes events of the messages that come
 *   nats_message.c   messages and their headers; acknowledgements of the server
 *   nats_worker.c    a thread for requests that block
 *   nats_link.c      connections, which the worker makes
 *   nats_job.c       the requests: last, fetch, trim
 *
 * THREADS. The loop calls the engine. Threads of libnats call the inbox and closed(). The
 * worker does one job after the other. All of them report by events.
 *
 * CONNECTION. libnats does not reconnect by itself: it would send its buffer of the time before
 * ahead of the messages that were lost when the connection broke. A connection that breaks is given up, and the
 * worker makes a new one. @nc of the engine belongs to the loop, from EVENT_UP to EVENT_DOWN; the
 * worker destroys it after that, in a job behind all jobs that use it.
 *
 * SUBJECTS. One subscription receives all answers, on INBOX.KIND.LANE.EPOCH.INDEX. A
 * consumer delivers under the subject of the message: each fetch has a subscription, as each serve has.
 */
#ifndef BRIDGE_NATS_H
#define BRIDGE_NATS_H

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include "engine.h"
#include "queue.h"

#define SUBJECT_SIZE	256

/* KIND of an answer. */
enum inbox_kind {
	INBOX_STORED = 's',
	INBOX_REPLY = 'r',
};

/* A lane, as the engine sees it; found by its id. */
struct track {
	struct track *next;
	uint32_t lane;
	uint32_t epoch;
	uint64_t delivered;		/* messages that the consumer has delivered */
	natsSubscription *sub;		/* of fetch or serve */
};

/*
 * A connection with its subscription, made by the worker. The engine, libnats' thread of the
 * subscription, and that of the connection hold a reference each.
 */
struct link {
	struct queue *queue;
	uint32_t serial;		/* constant, from 1; no two links have the same */
	atomic_uint refs;
	natsConnection *nc;
	jsCtx *js;
	natsSubscription *sub;
	char inbox[SUBJECT_SIZE / 2];	/* constant */
};

struct engine {
	const struct server_config *server;
	struct queue *queue;
	struct link *link;		/* loop's; NULL: not connected */
	struct worker *worker;
	struct track *tracks;		/* loop's */
	size_t max_size;
	uint32_t oldest;		/* constant: links with a lower serial are of others */
	pthread_rwlock_t reply_lock;	/* held to reply; to write, for @link to change */
};

/* nats_inbox.c */
void inbox_receive(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure);
/* Subscribe for a lane: to the deliveries of a consumer or, with @group, to requests. */
natsStatus inbox_subscribe(natsSubscription **sub, struct queue *queue, struct link *link,
			   const char *subject, const char *group, uint32_t lane, uint32_t epoch);

/* nats_message.c */
natsStatus nats_message_make(natsMsg **msg, const char *subject, const char *reply,
			     const struct message *message);
void nats_message_read(natsMsg *msg, struct message *message);
/* Tell messages of one sequence apart by their time, nanoseconds since 1970. */
uint32_t nats_message_print(int64_t time);
/* Set sequence, print and behind of a message that was delivered, and the number of the delivery. */
bool nats_message_place(struct message *message, uint64_t *delivered);
const char *nats_message_status(natsMsg *msg);
bool nats_message_stored(natsMsg *msg, struct event *event);
enum refusal nats_refusal(uint64_t error_code);

/* nats_worker.c, nats_link.c, nats_job.c */
enum job_kind { JOB_CONNECT, JOB_DISCONNECT, JOB_LAST, JOB_FETCH, JOB_LEAVE, JOB_TRIM, JOB_END };

struct worker *worker_new(struct engine *engine);
void worker_free(struct worker *worker);
/* Queue a job. @link is that of the time; @after and @places as the job needs them. */
int worker_add(struct worker *worker, enum job_kind kind, struct link *link,
	       const struct lane *lane, uint64_t after, const struct place *places);

/* nats_job.c: the requests of the worker; each reports by an event */
struct job {
	struct job *next;
	enum job_kind kind;
	struct link *link;
	uint32_t lane, epoch;
	char *stream, *subject;
	struct stream_config create;
	bool start_new;
	int64_t window;
	uint64_t after;
	struct place places[PLACES];
};

struct link *link_new(struct engine *engine, char error[static EVENT_TEXT_SIZE]);
uint32_t link_next_serial(void);
/* Close the connection. The memory goes when no thread of libnats uses it any more. */
void link_free(struct link *link);
void job_last(struct engine *engine, const struct job *job);
void job_fetch(struct engine *engine, const struct job *job);
void job_leave(const struct job *job);
void job_trim(const struct job *job);

#endif /* BRIDGE_NATS_H */
