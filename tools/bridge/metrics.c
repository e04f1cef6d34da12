// SPDX-License-Identifier: GPL-2.0-only
/* Counters, as records for mboxctl and as a text file for Prometheus */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "log.h"
#include "metrics.h"

static const struct metric {
	const char *name;
	const char *help;
	size_t offset;		/* in struct route */
	bool gauge;
} metrics[] = {
	{ "messages", "Messages that reached the other side", offsetof(struct route, counters.messages),
	  false },
	{ "bytes", "Payload of these messages in bytes", offsetof(struct route, counters.bytes), false },
	{ "lag", "Messages that wait at the source", offsetof(struct route, lag), true },
	{ "skipped", "Messages that were there already", offsetof(struct route, counters.skipped), false },
	{ "redelivered", "Messages that the source gave out again",
	  offsetof(struct route, counters.redelivered), false },
	{ "refused", "Messages that the other side never takes", offsetof(struct route, counters.refused),
	  false },
	{ "lost", "Messages that the source had no more", offsetof(struct route, counters.lost), false },
	{ "withdrawn", "Messages whose sender gave up", offsetof(struct route, counters.withdrawn), false },
	{ "held", "Times that the other side was full", offsetof(struct route, counters.held), false },
	{ "restarts", "Times that the route began anew", offsetof(struct route, counters.restarts), false },
	{ "sequence", "Sequence of the last message in the stream", offsetof(struct route, sequence), true },
};

#define METRICS	(sizeof(metrics) / sizeof(*metrics))

static uint64_t metric_value(const struct metric *metric, const struct route *route)
{
	return *(const uint64_t *)((const char *)route + metric->offset);
}

void metrics_print_bridge(FILE *file, const struct bridge *bridge)
{
	fprintf(file, "bridge:%s\nservers:%s\nstate:%s\n", bridge->ops->name,
		bridge->config->server.servers, bridge->up ? "connected" : "disconnected");
	if (!bridge->up)
		fprintf(file, "reason:%s\n", bridge->reason);
	fprintf(file, "connects=%" PRIu64 "\nfailures=%" PRIu64 "\n\n", bridge->connects,
		bridge->failures);
}

void metrics_print_route(FILE *file, const struct route *route)
{
	const struct route_config *config = route->config;

	fprintf(file, "route:%s\ndirection:%s\nmailbox:%s\nsubject:%s\n", config->name,
		config_direction_name(config->direction), config->mailbox, config->subject);
	if (config->stream)
		fprintf(file, "stream:%s\n", config->stream);
	fprintf(file, "state:%s\n", route_state_name(route->state));
	if (*route->reason)
		fprintf(file, "reason:%s\n", route->reason);
	for (size_t i = 0; i < METRICS; i++)
		fprintf(file, "%s=%" PRIu64 "\n", metrics[i].name, metric_value(&metrics[i], route));
	fprintf(file, "\n");
}

static void metrics_head(FILE *file, const char *name, const char *suffix, const char *help, bool gauge)
{
	fprintf(file, "# HELP mbox_bridge_%s%s %s.\n# TYPE mbox_bridge_%s%s %s\n", name, suffix, help,
		name, suffix, gauge ? "gauge" : "counter");
}

static void metrics_write(FILE *file, const struct bridge *bridge)
{
	metrics_head(file, "up", "", "Whether there is a connection to a server", true);
	fprintf(file, "mbox_bridge_up %d\n", bridge->up);
	metrics_head(file, "connects", "_total", "Connections that were made", false);
	fprintf(file, "mbox_bridge_connects_total %" PRIu64 "\n", bridge->connects);
	metrics_head(file, "failures", "_total", "Attempts to connect that failed", false);
	fprintf(file, "mbox_bridge_failures_total %" PRIu64 "\n", bridge->failures);
	metrics_head(file, "running", "", "Whether the route runs", true);
	for (const struct route *route = bridge->routes; route; route = route->next)
		fprintf(file, "mbox_bridge_running{route=\"%s\",direction=\"%s\",mailbox=\"%s\"} %d\n",
			route->config->name, config_direction_name(route->config->direction),
			route->config->mailbox, route->state >= ROUTE_RUNNING);
	for (const struct metric *metric = metrics; metric < metrics + METRICS; metric++) {
		const char *suffix = metric->gauge ? "" : "_total";

		metrics_head(file, metric->name, suffix, metric->help, metric->gauge);
		for (const struct route *route = bridge->routes; route; route = route->next)
			fprintf(file, "mbox_bridge_%s%s{route=\"%s\"} %" PRIu64 "\n", metric->name,
				suffix, route->config->name, metric_value(metric, route));
	}
}

void metrics_tick(struct bridge *bridge, uint64_t now)
{
	const char *path = bridge->config->metrics;
	static uint64_t written_at;
	static bool failed;
	char name[PATH_MAX];
	FILE *file;
	bool good;

	if (!path || (written_at && now < written_at + bridge->config->metrics_interval / 1000000))
		return;
	written_at = now;
	/* A reader finds the old file or the new one, and no half. */
	snprintf(name, sizeof(name), "%s.new", path);
	file = fopen(name, "we");
	good = file;
	if (file) {
		metrics_write(file, bridge);
		good = !fclose(file) && !rename(name, path);
	}
	if (!good && !failed)
		log_event(LOG_WARN, NULL, "metrics", "%s: %s", path, strerror(errno));
	failed = !good;
}
