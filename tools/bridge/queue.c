// SPDX-License-Identifier: GPL-2.0-only
/* A queue of events, from any thread to that of the loop, which polls its descriptor */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include "log.h"
#include "queue.h"

struct queue {
	pthread_mutex_t lock;
	struct event *first, **last;	/* under @lock */
	int fd;				/* constant; readable while there are events */
};

struct queue *queue_new(void)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->fd < 0) {
		free(queue);
		return NULL;
	}
	pthread_mutex_init(&queue->lock, NULL);
	queue->last = &queue->first;
	return queue;
}

int queue_fd(const struct queue *queue)
{
	return queue->fd;
}

void queue_put(struct queue *queue, struct event *event)
{
	bool wake;

	pthread_mutex_lock(&queue->lock);
	wake = !queue->first;
	event->next = NULL;
	*queue->last = event;
	queue->last = &event->next;
	pthread_mutex_unlock(&queue->lock);
	if (wake)
		eventfd_write(queue->fd, 1);
}

struct event *queue_take(struct queue *queue)
{
	struct event *first;
	eventfd_t count;

	/* Before the events: an event that comes in between wakes the loop once more. */
	(void)eventfd_read(queue->fd, &count);
	pthread_mutex_lock(&queue->lock);
	first = queue->first;
	queue->first = NULL;
	queue->last = &queue->first;
	pthread_mutex_unlock(&queue->lock);
	return first;
}

struct event *event_new(enum event_kind kind, uint32_t lane, uint32_t epoch)
{
	struct event *event = calloc(1, sizeof(*event));

	if (!event)
		log_die("no memory");
	event->kind = kind;
	event->lane = lane;
	event->epoch = epoch;
	return event;
}

void event_free(struct event *event)
{
	for (size_t i = 0; i < event->count; i++)
		message_release(&event->list[i]);
	free(event->list);
	message_release(&event->message);
	free(event);
}
