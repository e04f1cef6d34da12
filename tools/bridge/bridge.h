/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mboxbridge: mailboxes beyond one machine
 *
 *   mboxbridge.c  options, signals, the loop
 *   bridge.c      the routes and the engine of the present configuration
 *   config.c      reads the configuration; config_key.c has its keys
 *   engine.h      the interface of engines; nats.h is the one that is built
 *   queue.c       events of an engine, from its threads to the loop
 *   route.h       a route, and the map of the directions
 *   watch.h       descriptors that the loop waits for
 *   control.c     the socket of mboxctl bridge
 *   metrics.c     counters, as a text file for Prometheus
 *   notify.c      tells systemd how we are
 *   log.c         tells the journal, or standard error
 *
 * One thread runs the loop: it alone touches routes and mailboxes. Threads of the engine report by
 * events. Only calls that come from elsewhere block in threads of their own, see serve.c.
 */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "config.h"
#include "queue.h"
#include "route.h"

struct bridge {
	const char *path;		/* of the configuration */
	struct config *config;
	struct config *connected;	/* the one whose servers the engine has */
	const struct engine_ops *ops;
	struct engine *engine;
	struct queue *queue;
	struct watch queue_watch;
	struct route *routes;
	int epoll;
	bool up;
	char reason[EVENT_TEXT_SIZE];	/* why it is not up */
	uint64_t connects;
	uint64_t connected_at;
	uint64_t failures;		/* attempts to connect */
};

/* Start the routes of a configuration, which then belongs to the bridge. */
void bridge_start(struct bridge *bridge, struct config *config);
/* Read the configuration again. Routes that are the same go on. Return false if it is bad. */
bool bridge_reload(struct bridge *bridge);
void bridge_tick(struct bridge *bridge);
void bridge_stop(struct bridge *bridge);
struct route *bridge_find(const struct bridge *bridge, const char *name);

#endif /* BRIDGE_BRIDGE_H */
