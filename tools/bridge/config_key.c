// SPDX-License-Identifier: GPL-2.0-only
/* The keys of the configuration, and the values that they take */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "config_key.h"

static const char *key_string(const struct key *key, const char *text, void *at)
{
	char **field = at;
	char *copy = strdup(text);

	(void)key;
	if (!copy)
		return "no memory";
	free(*field);
	*field = copy;
	return NULL;
}

/* Letters that may stand in a subject: no space, no control character. */
static const char *key_subject(const struct key *key, const char *text, void *at)
{
	for (const char *c = text; *c; c++)
		if (!isgraph((unsigned char)*c))
			return "has to be a subject without spaces";
	if (*text == '.' || strstr(text, "..") || text[strlen(text) - 1] == '.')
		return "has to be a subject whose tokens are not empty";
	return key_string(key, text, at);
}

static const char *key_stream(const struct key *key, const char *text, void *at)
{
	if (strpbrk(text, " \t.*>/\\"))
		return "has to be the name of a stream, without spaces and . * > / \\";
	return key_string(key, text, at);
}

static const char *key_mailbox(const struct key *key, const char *text, void *at)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789._-");

	if (!length || text[length] || length > 63 || *text == '.')
		return "has to be the name of a mailbox";
	return key_string(key, text, at);
}

static const char *key_number(const struct key *key, const char *text, void *at)
{
	static const char units[] = "kMGT";
	unsigned long long num;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return "has to be a number, such as 1000, 64k or 1G";
	errno = 0;
	num = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		unsigned int shift = 10 * (unsigned int)(unit - units + 1);

		if (num > UINT64_MAX >> shift)
			return "is too large";
		num <<= shift;
		end++;
	}
	if (errno || *end)
		return "has to be a number, such as 1000, 64k or 1G";
	if (num < key->min || num > key->max)
		return "is out of range";
	*(uint64_t *)at = num;
	return NULL;
}

static const char *key_time(const struct key *key, const char *text, void *at)
{
	static const struct {
		const char *name;
		double nanoseconds;
	} units[] = {
		{ "", 1e9 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
		{ "d", 86400e9 },
	};
	char *end;
	double num;

	if (!isdigit((unsigned char)*text))
		return "has to be a time, such as 500ms, 10s or 7d";
	num = strtod(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		num *= units[i].nanoseconds;
		if (num < (double)key->min || num > (double)key->max)
			return "is out of range";
		*(uint64_t *)at = (uint64_t)num;
		return NULL;
	}
	return "has to be a time, such as 500ms, 10s or 7d";
}

/* Take one of two words, of which the second sets the field. */
static const char *key_either(const char *text, uint32_t *at, const char *no, const char *yes)
{
	if (strcmp(text, no) && strcmp(text, yes))
		return "is none of the two words that this key takes";
	*at = !strcmp(text, yes);
	return NULL;
}

static const char *key_flag(const struct key *key, const char *text, void *at)
{
	(void)key;
	return key_either(text, at, "no", "yes") ? "has to be yes or no" : NULL;
}

static const char *key_start(const struct key *key, const char *text, void *at)
{
	(void)key;
	return key_either(text, at, "all", "new") ? "has to be all or new" : NULL;
}

static const char *key_storage(const struct key *key, const char *text, void *at)
{
	(void)key;
	return key_either(text, at, "file", "memory") ? "has to be file or memory" : NULL;
}

static const char *key_direction(const struct key *key, const char *text, void *at)
{
	(void)key;
	for (unsigned int i = DIRECTION_OUT; i <= DIRECTION_SERVE; i++) {
		if (!strcmp(text, config_direction_name(i))) {
			*(uint32_t *)at = i;
			return NULL;
		}
	}
	return "has to be out, in, call or serve";
}

#define OUT	(1U << DIRECTION_OUT)
#define IN	(1U << DIRECTION_IN)
#define CALL	(1U << DIRECTION_CALL)
#define SERVE	(1U << DIRECTION_SERVE)
#define ALL	(OUT | IN | CALL | SERVE)

#define GLOBAL(field, how, ...) \
	.parse = key_##how, .offset = offsetof(struct config, field), __VA_ARGS__
#define ROUTE(field, how, ...) \
	.parse = key_##how, .offset = offsetof(struct route_config, field), __VA_ARGS__
#define SECOND	1000000000ULL

const struct key config_global_keys[] = {
	{ .name = "servers", GLOBAL(server.servers, string) },
	{ .name = "credentials", GLOBAL(server.credentials, string) },
	{ .name = "user", GLOBAL(server.user, string) },
	{ .name = "password_file", GLOBAL(server.password_file, string) },
	{ .name = "token_file", GLOBAL(server.token_file, string) },
	{ .name = "tls", GLOBAL(server.tls, flag) },
	{ .name = "ca_file", GLOBAL(server.ca_file, string) },
	{ .name = "certificate_file", GLOBAL(server.certificate_file, string) },
	{ .name = "key_file", GLOBAL(server.key_file, string) },
	{ .name = "control", GLOBAL(control, string) },
	{ .name = "metrics", GLOBAL(metrics, string) },
	{ .name = "metrics_interval", GLOBAL(metrics_interval, time, .min = SECOND / 10,
					     .max = 86400 * SECOND) },
	{ 0 },
};

const struct key config_route_keys[] = {
	{ .name = "mailbox", ROUTE(mailbox, mailbox, .directions = ALL) },
	{ .name = "direction", ROUTE(direction, direction, .directions = ALL) },
	{ .name = "subject", ROUTE(subject, subject, .directions = ALL) },
	{ .name = "stream", ROUTE(stream, stream, .directions = OUT | IN) },
	{ .name = "window", ROUTE(window, number, .min = 1, .max = 1024, .directions = ALL) },
	{ .name = "start", ROUTE(start_new, start, .directions = IN) },
	{ .name = "trim", ROUTE(trim, flag, .directions = IN) },
	{ .name = "dead_letter", ROUTE(dead_letter, mailbox, .directions = IN) },
	{ .name = "retry", ROUTE(retry, flag, .directions = CALL) },
	{ .name = "timeout", ROUTE(timeout, time, .min = SECOND / 1000, .max = 86400 * SECOND,
				   .directions = CALL) },
	{ .name = "group", ROUTE(group, subject, .directions = SERVE) },
	{ .name = "create", ROUTE(create.create, flag, .directions = OUT | IN) },
	{ .name = "storage", ROUTE(create.memory, storage, .directions = OUT | IN) },
	{ .name = "replicas", ROUTE(create.replicas, number, .min = 1, .max = 5,
				    .directions = OUT | IN) },
	{ .name = "max_bytes", ROUTE(create.max_bytes, number, .max = INT64_MAX,
				     .directions = OUT | IN) },
	{ .name = "max_messages", ROUTE(create.max_messages, number, .max = INT64_MAX,
					.directions = OUT | IN) },
	{ .name = "max_age", ROUTE(create.max_age, time, .max = INT64_MAX,
				   .directions = OUT | IN) },
	{ 0 },
};

const struct key *key_find(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

static bool key_is_string(const struct key *key)
{
	return key->parse == key_string || key->parse == key_subject ||
	       key->parse == key_stream || key->parse == key_mailbox;
}

static bool key_is_wide(const struct key *key)
{
	return key->parse == key_number || key->parse == key_time;
}

bool key_all_same(const struct key *keys, const void *a, const void *b)
{
	for (; keys->name; keys++) {
		const char *x = (const char *)a + keys->offset;
		const char *y = (const char *)b + keys->offset;

		if (key_is_string(keys)) {
			const char *s = *(char *const *)x, *t = *(char *const *)y;

			if (!s != !t || (s && strcmp(s, t)))
				return false;
		} else if (memcmp(x, y, key_is_wide(keys) ? sizeof(uint64_t) : sizeof(uint32_t))) {
			return false;
		}
	}
	return true;
}

void key_all_free(const struct key *keys, void *at)
{
	for (; keys->name; keys++)
		if (key_is_string(keys))
			free(*(char **)((char *)at + keys->offset));
}
