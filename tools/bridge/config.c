// SPDX-License-Identifier: GPL-2.0-only
/* The configuration: reads the file, and checks routes as a whole */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config_key.h"

#define DEFAULT_SERVERS	"nats://127.0.0.1:4222"
#define DEFAULT_CONTROL	"/run/mbox-bridge/control"

/* The file as it is read. */
struct reader {
	const char *path;
	unsigned int line;
	char *error;
};

static bool __attribute__((format(printf, 2, 3)))
reader_fail(struct reader *reader, const char *format, ...)
{
	int length = snprintf(reader->error, CONFIG_ERROR_SIZE, "%s:%u: ", reader->path,
			      reader->line);
	va_list args;

	va_start(args, format);
	if (length > 0 && length < CONFIG_ERROR_SIZE)
		vsnprintf(reader->error + length, CONFIG_ERROR_SIZE - (size_t)length, format, args);
	va_end(args);
	return false;
}

const char *config_direction_name(unsigned int direction)
{
	static const char *const names[] = { "out", "in", "call", "serve" };

	return direction < sizeof(names) / sizeof(*names) ? names[direction] : "?";
}

static char *config_trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

static struct route_config *config_add_route(struct config *config, const char *name)
{
	struct route_config *routes, *route;

	routes = realloc(config->routes, (config->count + 1) * sizeof(*routes));
	if (!routes)
		return NULL;
	config->routes = routes;
	route = &routes[config->count];
	*route = (struct route_config){
		.name = strdup(name),
		.direction = UINT32_MAX,
		.window = 256,
		.timeout = 30 * 1000000000ULL,
		.create.replicas = 1,
	};
	if (!route->name)
		return NULL;
	config->count++;
	return route;
}

/* Take the line "[NAME]" that begins a route. */
static bool config_begin_route(struct reader *reader, struct config *config, char *text)
{
	char *end = strchr(text, ']');
	struct route_config *route;
	size_t length;

	if (!end || end[1])
		return reader_fail(reader, "a route begins with its name in brackets: [jobs]");
	*end = '\0';
	text = config_trim(text + 1);
	length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
	if (!length || text[length] || length > 63)
		return reader_fail(reader, "the name of a route is 1 to 63 of A-Z a-z 0-9 _ -");
	for (size_t i = 0; i < config->count; i++)
		if (!strcmp(config->routes[i].name, text))
			return reader_fail(reader, "route %s is there already, in line %u", text,
					   config->routes[i].line);
	route = config_add_route(config, text);
	if (!route)
		return reader_fail(reader, "no memory");
	route->line = reader->line;
	return true;
}

static bool config_set(struct reader *reader, struct config *config, char *text)
{
	struct route_config *route = config->count ? &config->routes[config->count - 1] : NULL;
	char *value = strchr(text, '=');
	const struct key *key;
	const char *form;

	if (!value)
		return reader_fail(reader, "a line is KEY = VALUE, or a [ROUTE]");
	*value++ = '\0';
	text = config_trim(text);
	value = config_trim(value);
	key = key_find(route ? config_route_keys : config_global_keys, text);
	if (!key)
		return reader_fail(reader, "'%s' is no key %s", text,
				   route ? "of a route" : "before the first route");
	if (!*value)
		return reader_fail(reader, "%s has no value", text);
	form = key->parse(key, value, (route ? (char *)route : (char *)config) + key->offset);
	if (form)
		return reader_fail(reader, "%s %s", text, form);
	return true;
}

static bool config_has_wildcard(const char *subject)
{
	return strpbrk(subject, "*>") != NULL;
}

/* Check the route that the file has given, as a whole. */
static bool config_check_route(struct reader *reader, const struct config *config,
			       const struct route_config *route)
{
	const struct route_config fresh = {
		.direction = route->direction, .window = route->window,
		.timeout = 30 * 1000000000ULL, .create.replicas = 1,
	};
	bool stored = route->direction == DIRECTION_OUT || route->direction == DIRECTION_IN;

	reader->line = route->line;
	if (route->direction == UINT32_MAX)
		return reader_fail(reader, "route %s lacks direction", route->name);
	if (!route->mailbox || !route->subject || (stored && !route->stream))
		return reader_fail(reader, "route %s lacks %s", route->name, !route->mailbox ?
				   "mailbox" : !route->subject ? "subject" : "stream");
	if (config_has_wildcard(route->subject) && (route->direction != DIRECTION_IN || route->trim))
		return reader_fail(reader, "route %s: only in without trim takes a subject with * or >",
				   route->name);
	for (const struct key *key = config_route_keys; key->name; key++) {
		struct route_config one = fresh;
		const struct key only[] = { *key, { 0 } };

		if (key->directions & 1U << route->direction)
			continue;
		if (!key_all_same(only, &one, route))
			return reader_fail(reader, "route %s: %s is not for direction %s", route->name,
					   key->name, config_direction_name(route->direction));
	}
	/* A mark, and the place in the order, belong to one route. */
	for (const struct route_config *other = config->routes; other != route; other++) {
		bool taken = !strcmp(other->mailbox, route->mailbox) &&
			     other->direction == route->direction &&
			     route->direction != DIRECTION_SERVE;

		if (taken || (route->dead_letter && other->dead_letter &&
			      !strcmp(route->dead_letter, other->dead_letter)))
			return reader_fail(reader, "route %s has the mailbox of route %s", route->name,
					   other->name);
	}
	return true;
}

static bool config_read_file(struct reader *reader, struct config *config, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	bool good = true;

	while (good && getline(&line, &size, file) >= 0) {
		char *text = config_trim(line);

		reader->line++;
		if (!*text || *text == '#')
			continue;
		good = *text == '[' ? config_begin_route(reader, config, text) :
				      config_set(reader, config, text);
	}
	free(line);
	for (size_t i = 0; good && i < config->count; i++)
		good = config_check_route(reader, config, &config->routes[i]);
	return good;
}

struct config *config_read(const char *path, char error[static CONFIG_ERROR_SIZE])
{
	struct reader reader = { .path = path, .error = error };
	struct config *config = calloc(1, sizeof(*config));
	FILE *file = fopen(path, "re");
	bool good;

	if (!config || !file) {
		snprintf(error, CONFIG_ERROR_SIZE, "%s: %s", path, strerror(errno));
		free(config);
		if (file)
			fclose(file);
		return NULL;
	}
	config->server.servers = strdup(DEFAULT_SERVERS);
	config->control = strdup(DEFAULT_CONTROL);
	config->metrics_interval = 10 * 1000000000ULL;
	good = config->server.servers && config->control &&
	       config_read_file(&reader, config, file);
	fclose(file);
	if (good)
		return config;
	config_free(config);
	return NULL;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->count; i++) {
		free(config->routes[i].name);
		key_all_free(config_route_keys, &config->routes[i]);
	}
	key_all_free(config_global_keys, config);
	free(config->routes);
	free(config);
}

bool config_same_server(const struct server_config *a, const struct server_config *b)
{
	struct config x = { .server = *a }, y = { .server = *b };

	return key_all_same(config_global_keys, &x, &y);
}

bool config_same_route(const struct route_config *a, const struct route_config *b)
{
	return !strcmp(a->name, b->name) && key_all_same(config_route_keys, a, b);
}
