/* SPDX-License-Identifier: GPL-2.0-only */
/* A queue of events, from any thread to that of the loop, which polls its descriptor */
#ifndef BRIDGE_QUEUE_H
#define BRIDGE_QUEUE_H

#include "engine.h"

/* Make a queue. It stays: threads of an engine that was closed may still put events into it. */
struct queue *queue_new(void);
int queue_fd(const struct queue *queue);
/* Append @event, which then belongs to the queue. */
void queue_put(struct queue *queue, struct event *event);
/* Take all events, linked in order; NULL if there is none. */
struct event *queue_take(struct queue *queue);

/* Make an event, or end the program if there is no memory: nobody could tell the loop. */
struct event *event_new(enum event_kind kind, uint32_t lane, uint32_t epoch);

#endif /* BRIDGE_QUEUE_H */
