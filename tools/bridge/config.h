/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration: a file of server settings and routes, see mboxbridge(8) */
#ifndef BRIDGE_CONFIG_H
#define BRIDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum direction {
	DIRECTION_OUT,		/* mailbox to subject */
	DIRECTION_IN,		/* subject to mailbox */
	DIRECTION_CALL,		/* calls on the mailbox become requests on the subject */
	DIRECTION_SERVE,	/* requests on the subject become calls on the mailbox */
};

/* How a stream is made where it is missing and "create" allows it. */
struct stream_config {
	uint32_t create;
	uint32_t memory;	/* stored in memory, not in files */
	uint64_t replicas;
	uint64_t max_bytes;	/* 0: no limit, as for the next two */
	uint64_t max_messages;
	uint64_t max_age;	/* nanoseconds */
};

struct route_config {
	char *name;
	char *mailbox;
	char *subject;
	char *stream;
	char *dead_letter;	/* in: mailbox for messages that the target refuses; or NULL */
	char *group;		/* serve: bridges of one group share the requests */
	uint32_t direction;
	uint32_t start_new;	/* in: begin with the messages to come, if there is no mark */
	uint32_t trim;		/* in: delete delivered messages from the stream */
	uint32_t retry;		/* call: ask again when the connection breaks */
	uint64_t window;	/* messages on their way */
	uint64_t timeout;	/* call: nanoseconds for a caller without a deadline */
	struct stream_config create;
	unsigned int line;
};

struct server_config {
	char *servers;		/* URLs, separated by commas */
	char *credentials;	/* file, or NULL, as all that follow */
	char *user;
	char *password_file;
	char *token_file;
	char *ca_file;
	char *certificate_file;
	char *key_file;
	uint32_t tls;
};

struct config {
	struct server_config server;
	char *control;		/* path of the socket of mboxctl bridge */
	char *metrics;		/* path of the text file, or NULL */
	uint64_t metrics_interval;	/* nanoseconds */
	struct route_config *routes;
	size_t count;
};

#define CONFIG_ERROR_SIZE	256

/* Return the configuration in @path, or NULL with the reason in @error. */
struct config *config_read(const char *path, char error[static CONFIG_ERROR_SIZE]);
void config_free(struct config *config);
bool config_same_server(const struct server_config *a, const struct server_config *b);
bool config_same_route(const struct route_config *a, const struct route_config *b);
const char *config_direction_name(unsigned int direction);

#endif /* BRIDGE_CONFIG_H */
