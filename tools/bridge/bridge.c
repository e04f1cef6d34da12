// SPDX-License-Identifier: GPL-2.0-only
/* The routes and the engine of the present configuration */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include "bridge.h"
#include "log.h"

struct route *bridge_find(const struct bridge *bridge, const char *name)
{
	struct route *route;

	for (route = bridge->routes; route; route = route->next)
		if (!strcmp(route->config->name, name))
			return route;
	return NULL;
}

static void bridge_up(struct bridge *bridge)
{
	log_event(LOG_NOTE, NULL, "connected", "connected to a server of %s",
		  bridge->config->server.servers);
	bridge->up = true;
	bridge->connects++;
	bridge->connected_at = route_now();
	*bridge->reason = '\0';
	for (struct route *route = bridge->routes; route; route = route->next)
		route_set_engine(route, bridge->engine, NULL);
}

static void bridge_down(struct bridge *bridge, const struct event *event)
{
	bool same = !bridge->up && !strcmp(bridge->reason, event->text);

	memcpy(bridge->reason, event->text, sizeof(bridge->reason));
	if (!bridge->up)
		bridge->failures++;
	bridge->up = false;
	/* An attempt follows the other: say so once. */
	if (same)
		return;
	log_event(LOG_WARN, NULL, "disconnected", "%s", bridge->reason);
	for (struct route *route = bridge->routes; route; route = route->next)
		route_set_engine(route, NULL, bridge->reason);
}

static void bridge_take(struct bridge *bridge, struct event *event)
{
	struct route *route;

	if (!bridge->engine || !bridge->ops->filter(bridge->engine, event))
		return;
	if (event->kind == EVENT_UP)
		bridge_up(bridge);
	else if (event->kind == EVENT_DOWN)
		bridge_down(bridge, event);
	else
		for (route = bridge->routes; route; route = route->next)
			if (route->lane.id == event->lane)
				route_event(route, event);
}

/* Take all events, and then let each route that had some go on. */
static void bridge_ready(struct watch *watch, uint32_t events)
{
	struct bridge *bridge = watch_owner(watch, struct bridge, queue_watch);
	struct event *event = queue_take(bridge->queue), *next;

	(void)events;
	for (; event; event = next) {
		next = event->next;
		bridge_take(bridge, event);
		event_free(event);
	}
	for (struct route *route = bridge->routes; route; route = route->next)
		route_turn(route);
}

static void bridge_remove_route(struct bridge *bridge, struct route *route)
{
	struct route **at = &bridge->routes;

	while (*at != route)
		at = &(*at)->next;
	*at = route->next;
	route_free(route);
}

/* Make the routes of @config that are not there yet, in its order. */
static void bridge_add_routes(struct bridge *bridge, struct config *config)
{
	struct route **at = &bridge->routes;

	for (size_t i = 0; i < config->count; i++) {
		struct route *route = bridge_find(bridge, config->routes[i].name);

		if (!route) {
			route = route_new(&config->routes[i], bridge->ops, bridge->epoll);
			if (!route)
				log_die("no memory");
			while (*at)
				at = &(*at)->next;
			*at = route;
			if (bridge->up)
				route_set_engine(route, bridge->engine, NULL);
		}
		route->config = &config->routes[i];
		route->lane.config = route->config;
	}
}

static void bridge_connect(struct bridge *bridge)
{
	bridge->connected = bridge->config;
	bridge->engine = bridge->ops->connect(&bridge->config->server, bridge->queue);
	if (!bridge->engine)
		log_die("the engine does not start");
}

static void bridge_disconnect(struct bridge *bridge)
{
	struct event down = { .kind = EVENT_DOWN, .text = "the servers were changed" };

	bridge->up = true;
	bridge_down(bridge, &down);
	bridge->ops->close(bridge->engine);
	bridge->engine = NULL;
}

void bridge_start(struct bridge *bridge, struct config *config)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &bridge->queue_watch };

	bridge->queue = queue_new();
	bridge->queue_watch.ready = bridge_ready;
	if (!bridge->queue ||
	    epoll_ctl(bridge->epoll, EPOLL_CTL_ADD, queue_fd(bridge->queue), &event))
		log_die("no queue of events");
	snprintf(bridge->reason, sizeof(bridge->reason), "not connected yet");
	bridge->config = config;
	bridge_connect(bridge);
	bridge_add_routes(bridge, config);
}

bool bridge_reload(struct bridge *bridge)
{
	char error[CONFIG_ERROR_SIZE];
	struct config *config = config_read(bridge->path, error), *old = bridge->config;
	struct route *route, *next;
	bool same;

	if (!config) {
		log_event(LOG_FAILED, NULL, "configuration", "%s; the old one stays", error);
		return false;
	}
	for (route = bridge->routes; route; route = next) {
		bool found = false;

		next = route->next;
		for (size_t i = 0; i < config->count; i++)
			found |= config_same_route(route->config, &config->routes[i]);
		if (!found)
			bridge_remove_route(bridge, route);
	}
	same = config_same_server(&old->server, &config->server);
	if (!same)
		bridge_disconnect(bridge);
	bridge->config = config;
	bridge_add_routes(bridge, config);
	if (old != bridge->connected)
		config_free(old);
	if (!same) {
		config_free(bridge->connected);
		bridge_connect(bridge);
	}
	log_event(LOG_NOTE, NULL, "reloaded", "%zu routes", config->count);
	return true;
}

void bridge_tick(struct bridge *bridge)
{
	for (struct route *route = bridge->routes; route; route = route->next)
		route_tick(route);
}

void bridge_stop(struct bridge *bridge)
{
	while (bridge->routes)
		bridge_remove_route(bridge, bridge->routes);
	bridge->ops->close(bridge->engine);
	bridge->engine = NULL;
	if (bridge->connected != bridge->config)
		config_free(bridge->connected);
	config_free(bridge->config);
}
