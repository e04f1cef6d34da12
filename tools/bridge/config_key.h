/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of the configuration, and the values that they take */
#ifndef BRIDGE_CONFIG_KEY_H
#define BRIDGE_CONFIG_KEY_H

#include <stddef.h>
#include "config.h"

struct key;

/* Parse @text into the field at @at. Return NULL, or how a value has to look. */
typedef const char *key_parse_fn(const struct key *key, const char *text, void *at);

struct key {
	const char *name;
	key_parse_fn *parse;
	size_t offset;		/* of the field in its structure */
	uint64_t min, max;	/* of a number */
	unsigned int directions;	/* of a route: those that know this key, as bits */
};

extern const struct key config_global_keys[];	/* of struct config; ends with a NULL name */
extern const struct key config_route_keys[];	/* of struct route_config; likewise */

const struct key *key_find(const struct key *keys, const char *name);
/* Compare the fields of all @keys in two structures. */
bool key_all_same(const struct key *keys, const void *a, const void *b);
void key_all_free(const struct key *keys, void *at);

#endif /* BRIDGE_CONFIG_KEY_H */
