// SPDX-License-Identifier: GPL-2.0-only
/* Routes: the part that all have in common: the mailbox, the states, the pauses between attempts */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include "log.h"
#include "route.h"

#define PAUSE_MIN_MS	20
#define PAUSE_MAX_MS	2000
#define LOOK_MS		1000
#define MAILBOX_MS	500	/* between looks for a mailbox that is missing */

uint64_t route_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

const char *route_state_name(enum route_state state)
{
	static const char *const names[] = {
		"paused", "no-mailbox", "offline", "waiting", "starting", "running", "held",
	};

	return names[state];
}

void route_state(struct route *route, enum route_state state, const char *format, ...)
{
	bool same = route->state == state;
	va_list args;

	va_start(args, format);
	vsnprintf(route->reason, sizeof(route->reason), format, args);
	va_end(args);
	if (same)
		return;
	route->state = state;
	route->state_since = route_now();
	log_event(state == ROUTE_RUNNING || state == ROUTE_STARTING ? LOG_TELL : LOG_NOTE,
		  route->config->name, route_state_name(state), "%s",
		  *route->reason ? route->reason : route_state_name(state));
}

void route_want(struct route *route, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = &route->watch };

	if (!route->mb || (route->watched && route->wanted == events))
		return;
	if (!epoll_ctl(route->epoll, route->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		       mbox_fd(route->mb), &event)) {
		route->watched = true;
		route->wanted = events;
	}
}

static void route_close(struct route *route)
{
	if (!route->mb)
		return;
	if (route->watched)
		epoll_ctl(route->epoll, EPOLL_CTL_DEL, mbox_fd(route->mb), NULL);
	route->watched = false;
	mbox_close(route->mb);
	route->mb = NULL;
}

/* Name this very mailbox, in all machines and for all times. */
static int route_identify(struct route *route)
{
	static char boot[64];
	FILE *file;

	if (!*boot) {
		file = fopen("/proc/sys/kernel/random/boot_id", "re");
		if (!file || !fgets(boot, sizeof(boot), file))
			snprintf(boot, sizeof(boot), "unknown");
		if (file)
			fclose(file);
		boot[strcspn(boot, "\n")] = '\0';
	}
	snprintf(route->identity, sizeof(route->identity), "%s-%" PRIx64 "-%" PRIx64, boot,
		 (uint64_t)route->info.id, (uint64_t)route->info.created);
	return 0;
}

/* Open the mailbox. Return whether it is open. */
static bool route_open(struct route *route)
{
	int error = mbox_open(&route->mb, route->config->mailbox, route->ops->rights);

	if (error) {
		route->mb = NULL;
	} else {
		error = mbox_get(route->mb, &route->info);
		if (!error && route->info.kind != MBOX_KIND_MAILBOX)
			error = -EOPNOTSUPP;
		if (!error)
			error = route_identify(route);
	}
	if (!error)
		return true;
	route_close(route);
	route_state(route, ROUTE_NO_MAILBOX, "mailbox %s: %s", route->config->mailbox,
		    mbox_strerror(error));
	route->retry_at = route_now() + MAILBOX_MS;
	return false;
}

static void route_stop(struct route *route)
{
	if (route->state < ROUTE_STARTING)
		return;
	route->lane.epoch++;
	if (route->ops->stop)
		route->ops->stop(route);
	if (route->ops->spends)
		route_close(route);
	else
		route_want(route, 0);
}

static void route_begin(struct route *route)
{
	int error;

	if (route->paused || (!route->mb && !route_open(route)))
		return;
	if (!route->engine) {
		if (route->state != ROUTE_OFFLINE)
			route_state(route, ROUTE_OFFLINE, "no connection to a server");
		return;
	}
	route->lane.epoch++;
	route_state(route, ROUTE_STARTING, "%s", "");
	error = route->ops->begin(route);
	if (error)
		route_fail(route, "%s", strerror(-error));
}

void route_fail(struct route *route, const char *format, ...)
{
	char text[EVENT_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	route_stop(route);
	route_state(route, ROUTE_WAITING, "%s", text);
	route->counters.restarts++;
	route->retry_at = route_now() + route->pause;
	route->pause = route->pause * 2 < PAUSE_MAX_MS ? route->pause * 2 : PAUSE_MAX_MS;
}

void route_good(struct route *route)
{
	route->pause = PAUSE_MIN_MS;
}

void route_mailbox_failed(struct route *route, int error, const char *what)
{
	switch (error) {
	case -EIDRM:
	case -EOWNERDEAD:
	case -ESHUTDOWN:
		route_stop(route);
		route_close(route);
		route_state(route, ROUTE_NO_MAILBOX, "mailbox %s: %s", route->config->mailbox,
			    mbox_strerror(error));
		route->retry_at = route_now() + MAILBOX_MS;
		break;
	default:
		route_fail(route, "%s: %s", what, mbox_strerror(error));
	}
}

void route_set_engine(struct route *route, struct engine *engine, const char *reason)
{
	if (!engine) {
		route_stop(route);
		route->engine = NULL;
		if (!route->paused && route->state != ROUTE_NO_MAILBOX)
			route_state(route, ROUTE_OFFLINE, "%s", reason);
		return;
	}
	route->engine = engine;
	route_good(route);
	route_begin(route);
}

void route_event(struct route *route, struct event *event)
{
	if (event->epoch != route->lane.epoch || route->state < ROUTE_STARTING)
		return;
	if (event->kind == EVENT_LOST)
		route_fail(route, "%s", event->text);
	else if (route->ops->event)
		route->ops->event(route, event);
	route->touched = true;
}

void route_turn(struct route *route)
{
	if (!route->touched)
		return;
	route->touched = false;
	if (route->state >= ROUTE_RUNNING && route->ops->pump)
		route->ops->pump(route);
}

static void route_ready(struct watch *watch, uint32_t events)
{
	struct route *route = watch_owner(watch, struct route, watch);

	if (route->state < ROUTE_STARTING) {
		route_want(route, 0);
		return;
	}
	/* The call that fails tells why. */
	if (route->state >= ROUTE_RUNNING && route->ops->pump)
		route->ops->pump(route);
	/* epoll reports an end whether it is wanted or not. */
	if (events & EPOLLHUP && route->mb && !mbox_get(route->mb, &route->info) &&
	    route->info.state == MBOX_STATE_DEAD)
		route_mailbox_failed(route, -EIDRM, "the mailbox is gone");
}

/* Look at the mailbox, once a second: how much waits there, and whether it still has its name. */
static void route_look(struct route *route)
{
	bool takes = route->ops->rights == MBOX_RIGHT_RECV;

	if (!route->mb || route_now() < route->looked_at + LOOK_MS ||
	    mbox_get(route->mb, &route->info))
		return;
	route->looked_at = route_now();
	if (takes)
		route->lag = route->info.queued;
	/* Another mailbox may have the name by now. */
	if (route->info.state == MBOX_STATE_UNLINKED && (!takes || !route->info.queued))
		route_mailbox_failed(route, -EIDRM, "the mailbox has lost its name");
}

void route_tick(struct route *route)
{
	route_look(route);
	if (route->state == ROUTE_NO_MAILBOX || route->state == ROUTE_WAITING) {
		if (route_now() >= route->retry_at)
			route_begin(route);
	} else if (route->state >= ROUTE_STARTING && route->ops->tick) {
		route->ops->tick(route);
	}
}

void route_pause(struct route *route, bool pause)
{
	if (pause == route->paused)
		return;
	route->paused = pause;
	if (pause) {
		route_stop(route);
		route_state(route, ROUTE_PAUSED, "by mboxctl bridge pause");
	} else {
		route_state(route, ROUTE_WAITING, "%s", "");
		route->retry_at = 0;
		route_begin(route);
	}
}

struct route *route_new(const struct route_config *config, const struct engine_ops *ops, int epoll)
{
	static const struct route_ops *const directions[] = {
		[DIRECTION_OUT] = &out_ops,
		[DIRECTION_IN] = &in_ops,
		[DIRECTION_CALL] = &call_ops,
		[DIRECTION_SERVE] = &serve_ops,
	};
	static uint32_t lanes;
	struct route *route = calloc(1, sizeof(*route));

	if (!route)
		return NULL;
	route->config = config;
	route->ops = directions[config->direction];
	route->engine_ops = ops;
	route->lane.id = ++lanes;
	route->lane.config = config;
	route->epoll = epoll;
	route->watch.ready = route_ready;
	route->state = ROUTE_WAITING;
	route_good(route);
	return route;
}

void route_free(struct route *route)
{
	route_stop(route);
	if (route->engine)
		route->engine_ops->leave(route->engine, &route->lane);
	if (route->ops->free)
		route->ops->free(route);
	route_close(route);
	free(route);
}
