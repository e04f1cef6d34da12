// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes for calls that come: a request on the subject becomes a call on the mailbox
 *
 * mbox_call() blocks until the reply is there: each call has a thread while it lasts, out of window
 * of them. Requests that find no thread wait, and their time passes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "queue.h"
#include "route.h"

/* Threads of one route, at most: window limits them too. */
#define SERVE_THREADS	64
/* The longest reply, where the caller has more room. */
#define SERVE_ROOM_MAX	(64U << 20)
#define SERVE_STACK	(256U << 10)

/* A request that waits for a thread. */
struct asked {
	struct asked *next;
	struct message message;
	uint64_t until;			/* ms, 0: no deadline */
};

struct serve {
	const struct engine_ops *ops;
	struct engine *engine;		/* constant while a thread may use it: see serve_stop() */
	struct mbox *mb;
	size_t max_size;
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct asked *first, **last;	/* under @lock, as all below */
	unsigned int threads, idle, waiting;
	bool ending;
	struct counters counters;
	pthread_t thread[SERVE_THREADS];
};

static void serve_free_asked(struct asked *asked)
{
	message_release(&asked->message);
	free(asked);
}

/* Make the call, and answer the request. */
static void serve_call(struct serve *serve, struct asked *asked)
{
	const struct message *message = &asked->message;
	struct mbox_send_opts send = {
		.prio = message->prio, .type = (uint32_t)message->type,
		.type_hi = (uint32_t)(message->type >> 32),
	};
	const struct mbox_call_opts opts = { .send = &send };
	struct message answer = { .left = -1 };
	struct mbox_called called = { .code = 0 };
	size_t room = message->room < serve->max_size ? message->room : serve->max_size;
	uint64_t now = route_now();
	ssize_t size = -ENOMEM;
	void *reply;

	if (room > SERVE_ROOM_MAX)
		room = SERVE_ROOM_MAX;
	reply = malloc(room ? room : 1);
	if (message->bad)
		size = -EBADMSG;
	else if (asked->until && now >= asked->until)
		size = -ETIMEDOUT;
	else if (reply) {
		if (asked->until) {
			send.clock = MBOX_CLOCK_MONOTONIC;
			mbox_deadline_after((int64_t)(asked->until - now) * 1000000, send.clock,
					    &send.deadline);
		}
		size = mbox_call(serve->mb, message->data, message->size, reply, room, &opts,
				 &called);
	}
	if (size >= 0) {
		answer.data = reply;
		answer.size = (size_t)size;
	} else {
		answer.error = (int32_t)-size;
		answer.code = called.code;
	}
	serve->ops->reply(serve->engine, message->address, &answer);
	pthread_mutex_lock(&serve->lock);
	serve->counters.messages++;
	serve->counters.bytes += message->size;
	if (size < 0)
		serve->counters.refused++;
	pthread_mutex_unlock(&serve->lock);
	free(reply);
}

static void *serve_run(void *closure)
{
	struct serve *serve = closure;
	struct asked *asked;

	pthread_mutex_lock(&serve->lock);
	while (!serve->ending) {
		asked = serve->first;
		if (!asked) {
			serve->idle++;
			pthread_cond_wait(&serve->added, &serve->lock);
			serve->idle--;
			continue;
		}
		serve->first = asked->next;
		if (!serve->first)
			serve->last = &serve->first;
		serve->waiting--;
		pthread_mutex_unlock(&serve->lock);
		serve_call(serve, asked);
		serve_free_asked(asked);
		pthread_mutex_lock(&serve->lock);
	}
	pthread_mutex_unlock(&serve->lock);
	return NULL;
}

/*
 * End all threads. Those in a call end it: the handle gives up its right to send, and the route opens
 * another one.
 */
static void serve_stop(struct route *route)
{
	struct serve *serve = route->own;
	struct asked *asked;

	if (!serve)
		return;
	pthread_mutex_lock(&serve->lock);
	serve->ending = true;
	pthread_cond_broadcast(&serve->added);
	pthread_mutex_unlock(&serve->lock);
	if (serve->threads)
		mbox_shutdown(route->mb, MBOX_RIGHT_SEND);
	for (unsigned int i = 0; i < serve->threads; i++)
		pthread_join(serve->thread[i], NULL);
	while ((asked = serve->first)) {
		serve->first = asked->next;
		serve_free_asked(asked);
	}
	route->counters.messages += serve->counters.messages;
	route->counters.bytes += serve->counters.bytes;
	route->counters.refused += serve->counters.refused;
	pthread_cond_destroy(&serve->added);
	pthread_mutex_destroy(&serve->lock);
	free(serve);
	route->own = NULL;
}

static int serve_begin(struct route *route)
{
	struct serve *serve = calloc(1, sizeof(*serve));
	int error;

	if (!serve)
		return -ENOMEM;
	serve->ops = route->engine_ops;
	serve->engine = route->engine;
	serve->mb = route->mb;
	serve->max_size = route->engine_ops->max_size(route->engine);
	pthread_mutex_init(&serve->lock, NULL);
	pthread_cond_init(&serve->added, NULL);
	serve->last = &serve->first;
	route->own = serve;
	error = route->engine_ops->serve(route->engine, &route->lane);
	if (!error)
		route_state(route, ROUTE_RUNNING, "%s", "");
	return error;
}

static void serve_event(struct route *route, struct event *event)
{
	struct serve *serve = route->own;
	uint32_t most = route->config->window < SERVE_THREADS ? (uint32_t)route->config->window :
							       SERVE_THREADS;
	struct message *message = &event->message;
	struct asked *asked;
	pthread_attr_t attr;

	if (event->kind != EVENT_REQUEST || !message->address)
		return;
	asked = malloc(sizeof(*asked));
	if (!asked)
		return;
	*asked = (struct asked){ .message = *message };
	message->raw = NULL;
	if (asked->message.left >= 0)
		asked->until = route_now() + (uint64_t)asked->message.left / 1000000 + 1;
	pthread_mutex_lock(&serve->lock);
	*serve->last = asked;
	serve->last = &asked->next;
	if (++serve->waiting > serve->idle && serve->threads < most) {
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, SERVE_STACK);
		if (!pthread_create(&serve->thread[serve->threads], &attr, serve_run, serve))
			serve->threads++;
		pthread_attr_destroy(&attr);
	}
	pthread_cond_signal(&serve->added);
	pthread_mutex_unlock(&serve->lock);
}

static void serve_tick(struct route *route)
{
	struct serve *serve = route->own;

	pthread_mutex_lock(&serve->lock);
	route->counters.messages += serve->counters.messages;
	route->counters.bytes += serve->counters.bytes;
	route->counters.refused += serve->counters.refused;
	memset(&serve->counters, 0, sizeof(serve->counters));
	pthread_mutex_unlock(&serve->lock);
}

const struct route_ops serve_ops = {
	.rights = MBOX_RIGHT_SEND,
	.spends = true,
	.begin = serve_begin,
	.stop = serve_stop,
	.event = serve_event,
	.tick = serve_tick,
};
