// SPDX-License-Identifier: GPL-2.0-only
/* NATS: a thread for requests that block, which does one job after the other */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "nats.h"

/* The pause before the next attempt to connect doubles from one to the other. */
#define PAUSE_MIN_MS	50
#define PAUSE_MAX_MS	3000

struct worker {
	struct engine *engine;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct job *first, **last;	/* under @lock */
	bool ending;			/* under @lock */
	unsigned int seed;		/* the worker's */
};

static void job_free(struct job *job)
{
	free(job->stream);
	free(job->subject);
	free(job);
}

/* Wait before another attempt, unless the worker is to end. */
static bool worker_pause(struct worker *worker, unsigned int ms)
{
	struct timespec until;
	bool ending;

	/* Bridges that lost one server do not come back all at once. */
	ms = ms / 2 + (unsigned int)rand_r(&worker->seed) % (ms / 2 + 1);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&worker->lock);
	while (!worker->ending && pthread_cond_timedwait(&worker->added, &worker->lock, &until) !=
	       ETIMEDOUT)
		;
	ending = worker->ending;
	pthread_mutex_unlock(&worker->lock);
	return !ending;
}

static void worker_connect(struct worker *worker)
{
	unsigned int pause = PAUSE_MIN_MS;
	char error[EVENT_TEXT_SIZE];
	struct event *event;
	struct link *link;

	do {
		link = link_new(worker->engine, error);
		if (link) {
			event = event_new(EVENT_UP, 0, 0);
			event->handle = link;
			queue_put(worker->engine->queue, event);
			return;
		}
		event = event_new(EVENT_DOWN, 0, 0);
		snprintf(event->text, sizeof(event->text), "%s", error);
		queue_put(worker->engine->queue, event);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	} while (worker_pause(worker, pause));
}

static void worker_do(struct worker *worker, const struct job *job)
{
	switch (job->kind) {
	case JOB_CONNECT:
		worker_connect(worker);
		break;
	case JOB_DISCONNECT:
		link_free(job->link);
		break;
	case JOB_LAST:
		job_last(worker->engine, job);
		break;
	case JOB_FETCH:
		job_fetch(worker->engine, job);
		break;
	case JOB_LEAVE:
		job_leave(job);
		break;
	case JOB_TRIM:
		job_trim(job);
		break;
	case JOB_END:
		break;
	}
}

static void *worker_run(void *closure)
{
	struct worker *worker = closure;
	bool end = false;
	struct job *job;

	while (!end) {
		pthread_mutex_lock(&worker->lock);
		while (!worker->first)
			pthread_cond_wait(&worker->added, &worker->lock);
		job = worker->first;
		worker->first = job->next;
		if (!worker->first)
			worker->last = &worker->first;
		pthread_mutex_unlock(&worker->lock);
		worker_do(worker, job);
		end = job->kind == JOB_END;
		job_free(job);
	}
	nats_ReleaseThreadMemory();
	return NULL;
}

struct worker *worker_new(struct engine *engine)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	pthread_condattr_t attr;

	if (!worker)
		return NULL;
	worker->engine = engine;
	worker->last = &worker->first;
	worker->seed = (unsigned int)nats_NowInNanoSeconds();
	pthread_mutex_init(&worker->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->added, &attr);
	pthread_condattr_destroy(&attr);
	if (!pthread_create(&worker->thread, NULL, worker_run, worker))
		return worker;
	free(worker);
	return NULL;
}

/* Do the jobs that are queued, and end. */
void worker_free(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->ending = true;
	pthread_mutex_unlock(&worker->lock);
	worker_add(worker, JOB_END, NULL, NULL, 0, NULL);
	pthread_join(worker->thread, NULL);
	pthread_cond_destroy(&worker->added);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

int worker_add(struct worker *worker, enum job_kind kind, struct link *link,
	       const struct lane *lane, uint64_t after, const struct place *places)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->kind = kind;
	job->link = link;
	job->after = after;
	if (places)
		memcpy(job->places, places, sizeof(job->places));
	if (lane) {
		/* The configuration may change before the job is done. */
		job->lane = lane->id;
		job->epoch = lane->epoch;
		job->stream = strdup(lane->config->stream);
		job->subject = strdup(lane->config->subject);
		job->create = lane->config->create;
		job->start_new = lane->config->start_new;
		job->window = (int64_t)lane->config->window;
		if (!job->stream || !job->subject) {
			job_free(job);
			return -ENOMEM;
		}
	}
	pthread_mutex_lock(&worker->lock);
	*worker->last = job;
	worker->last = &job->next;
	pthread_cond_signal(&worker->added);
	pthread_mutex_unlock(&worker->lock);
	return 0;
}
