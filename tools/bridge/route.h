/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A route: one mailbox, one subject, one direction
 *
 *   route.c   the part that all have in common: the mailbox, the states, the pauses between attempts
 *   out.c     out: leases messages, publishes them, acknowledges them
 *   in.c      in: fetches messages, and posts them with a mark
 *   call.c    call: passes the calls of a mailbox on as requests
 *   serve.c   serve: makes calls of the requests of others
 *
 * STATES. A route needs its mailbox (open) and its engine (up). With both it begins: state
 * STARTING, in a new epoch of its lane, and RUNNING once the engine has answered. After any
 * failure it stops, gives its leases back, and begins anew after a pause: there is one way to
 * recover, the same as after kill -9.
 */
#ifndef BRIDGE_ROUTE_H
#define BRIDGE_ROUTE_H

#include <mbox.h>
#include "engine.h"
#include "watch.h"

enum route_state {
	ROUTE_PAUSED,		/* by mboxctl bridge pause */
	ROUTE_NO_MAILBOX,
	ROUTE_OFFLINE,		/* no connection to the server */
	ROUTE_WAITING,		/* before the next attempt */
	ROUTE_STARTING,
	ROUTE_RUNNING,
	ROUTE_HELD,		/* the target is full */
};

struct counters {
	uint64_t messages;	/* stored in the target, which was told or asked */
	uint64_t bytes;
	uint64_t skipped;	/* were stored before */
	uint64_t redelivered;	/* given out to the bridge more than once */
	uint64_t refused;	/* to the dead-letter mailbox */
	uint64_t lost;		/* sequences that the stream had no more */
	uint64_t restarts;	/* begun anew */
	uint64_t held;		/* times that the target was full */
	uint64_t withdrawn;	/* by a sender or caller that gave up */
};

struct route;

/* All functions but free may be NULL. */
struct route_ops {
	unsigned int rights;			/* on the mailbox */
	bool spends;				/* a stop uses the handle up */
	int (*begin)(struct route *route);	/* mailbox and engine are there */
	void (*stop)(struct route *route);	/* forget all that is on its way */
	void (*pump)(struct route *route);	/* the mailbox is ready, or there was an event */
	void (*event)(struct route *route, struct event *event);
	void (*tick)(struct route *route);	/* each 100 ms */
	void (*free)(struct route *route);
};

struct route {
	struct route *next;
	const struct route_config *config;
	const struct route_ops *ops;
	const struct engine_ops *engine_ops;
	struct engine *engine;			/* NULL while it is not connected */
	struct lane lane;
	void *own;				/* state of the direction */

	struct watch watch;
	struct mbox *mb;
	struct mbox_info info;
	char identity[96];			/* of the mailbox, see route_identify() */
	int epoll;
	uint32_t wanted;			/* events of the mailbox that epoll reports */
	bool watched;

	enum route_state state;
	char reason[EVENT_TEXT_SIZE];
	uint64_t state_since;			/* ms of CLOCK_MONOTONIC, as all times here */
	uint64_t retry_at;
	uint64_t looked_at;
	unsigned int pause;
	bool paused;
	bool touched;				/* had an event since the last pump */

	struct counters counters;
	uint64_t lag;				/* messages that are known to wait at the source */
	uint64_t sequence;			/* of the last one, in the stream */
};

extern const struct route_ops out_ops, in_ops, call_ops, serve_ops;

struct route *route_new(const struct route_config *config, const struct engine_ops *ops, int epoll);
void route_free(struct route *route);

/* The engine is connected, or is not: NULL. */
void route_set_engine(struct route *route, struct engine *engine, const char *reason);
void route_event(struct route *route, struct event *event);
/* After the events of a turn of the loop. */
void route_turn(struct route *route);
void route_tick(struct route *route);
void route_pause(struct route *route, bool pause);

/* For the directions. */
void route_state(struct route *route, enum route_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Stop, and begin anew after a pause that grows each time. */
void route_fail(struct route *route, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Something has succeeded: the next pause is short again. */
void route_good(struct route *route);
/* Have epoll report @events of the mailbox. */
void route_want(struct route *route, uint32_t events);
/* A call on the mailbox has failed with @error. */
void route_mailbox_failed(struct route *route, int error, const char *what);

const char *route_state_name(enum route_state state);
uint64_t route_now(void);

#endif /* BRIDGE_ROUTE_H */
