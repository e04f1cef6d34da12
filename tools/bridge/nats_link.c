// SPDX-License-Identifier: GPL-2.0-only
/* NATS: connections, which the worker makes */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "nats.h"

#define CONNECT_MS	2000
#define PING_MS		2000	/* a silent server is given up after three of these */
#define WRITE_MS	2000

#define SERVERS_MAX	16
#define SECRET_SIZE	256

static atomic_uint link_serials;

/* Read the first line of a file that holds a password or token. */
static bool link_secret(const char *path, char secret[static SECRET_SIZE],
			char error[static EVENT_TEXT_SIZE])
{
	FILE *file = fopen(path, "re");
	bool good = file && fgets(secret, SECRET_SIZE, file);

	if (!good)
		snprintf(error, EVENT_TEXT_SIZE, "%s: %s", path,
			 file ? "it is empty" : strerror(errno));
	else
		secret[strcspn(secret, "\r\n")] = '\0';
	if (file)
		fclose(file);
	return good;
}

static void link_put(struct link *link)
{
	if (atomic_fetch_sub(&link->refs, 1) == 1)
		free(link);
}

/* The subscription's callback does not run any more. In a thread of libnats. */
static void link_unsubscribed(void *closure)
{
	link_put(closure);
}

/* The connection is gone. In a thread of libnats. */
static void link_closed(natsConnection *nc, void *closure)
{
	struct link *link = closure;
	struct event *event = event_new(EVENT_DOWN, 0, 0);
	const char *error = NULL;

	natsConnection_GetLastError(nc, &error);
	snprintf(event->text, sizeof(event->text), "the connection ended%s%s",
		 error && *error ? ": " : "", error ? error : "");
	event->index = link->serial;
	queue_put(link->queue, event);
	link_put(link);
}

static natsStatus link_set_servers(natsOptions *options, const char *servers)
{
	const char *list[SERVERS_MAX];
	char *copy = strdup(servers), *next = copy, *one;
	natsStatus status = NATS_NO_MEMORY;
	int count = 0;

	while (copy && count < SERVERS_MAX && (one = strsep(&next, ", ")))
		if (*one)
			list[count++] = one;
	if (count)
		status = natsOptions_SetServers(options, list, count);
	free(copy);
	return status;
}

static natsStatus link_set_tls(natsOptions *options, const struct server_config *server)
{
	natsStatus status = NATS_OK;

	if (server->tls || server->ca_file || server->certificate_file)
		status = natsOptions_SetSecure(options, true);
	if (status == NATS_OK && server->ca_file)
		status = natsOptions_LoadCATrustedCertificates(options, server->ca_file);
	if (status == NATS_OK && server->certificate_file)
		status = natsOptions_LoadCertificatesChain(options, server->certificate_file,
							   server->key_file);
	return status;
}

/* Set how we show the server who we are. A secret that cannot be read sets @error. */
static natsStatus link_set_user(natsOptions *options, const struct server_config *server,
				char error[static EVENT_TEXT_SIZE])
{
	char secret[SECRET_SIZE] = "";
	natsStatus status = NATS_OK;

	if (server->credentials)
		status = natsOptions_SetUserCredentialsFromFiles(options, server->credentials, NULL);
	if (status == NATS_OK && server->user) {
		if (server->password_file && !link_secret(server->password_file, secret, error))
			return NATS_ERR;
		status = natsOptions_SetUserInfo(options, server->user, secret);
	}
	if (status == NATS_OK && server->token_file) {
		if (!link_secret(server->token_file, secret, error))
			return NATS_ERR;
		status = natsOptions_SetToken(options, secret);
	}
	explicit_bzero(secret, sizeof(secret));
	return status;
}

static natsStatus link_set(natsOptions *options, struct link *link,
			   const struct server_config *server, char error[static EVENT_TEXT_SIZE])
{
	natsStatus status = link_set_servers(options, server->servers);

	if (status == NATS_OK)
		status = link_set_tls(options, server);
	if (status == NATS_OK)
		status = link_set_user(options, server, error);
	if (status == NATS_OK)
		status = natsOptions_SetName(options, "mboxbridge");
	/* See CONNECTION in nats.h. */
	if (status == NATS_OK)
		status = natsOptions_SetAllowReconnect(options, false);
	if (status == NATS_OK)
		status = natsOptions_SetTimeout(options, CONNECT_MS);
	if (status == NATS_OK)
		status = natsOptions_SetPingInterval(options, PING_MS);
	if (status == NATS_OK)
		status = natsOptions_SetMaxPingsOut(options, 2);
	if (status == NATS_OK)
		status = natsOptions_SetWriteDeadline(options, WRITE_MS);
	if (status == NATS_OK)
		status = natsOptions_SetClosedCB(options, link_closed, link);
	return status;
}

/* Subscribe to all answers, on subjects that nobody else knows. */
static natsStatus link_subscribe(struct link *link)
{
	char subject[SUBJECT_SIZE];
	natsInbox *inbox = NULL;
	natsStatus status = natsInbox_Create(&inbox);

	if (status != NATS_OK)
		return status;
	snprintf(link->inbox, sizeof(link->inbox), "%s", inbox);
	natsInbox_Destroy(inbox);
	snprintf(subject, sizeof(subject), "%s.>", link->inbox);
	status = natsConnection_Subscribe(&link->sub, link->nc, subject, inbox_receive, link);
	if (status != NATS_OK)
		return status;
	atomic_fetch_add(&link->refs, 1);
	status = natsSubscription_SetOnCompleteCB(link->sub, link_unsubscribed, link);
	if (status == NATS_OK)
		status = natsSubscription_SetPendingLimits(link->sub, -1, -1);
	if (status == NATS_OK)
		status = natsConnection_JetStream(&link->js, link->nc, NULL);
	return status;
}

uint32_t link_next_serial(void)
{
	return atomic_load(&link_serials) + 1;
}

struct link *link_new(struct engine *engine, char error[static EVENT_TEXT_SIZE])
{
	struct link *link = calloc(1, sizeof(*link));
	natsOptions *options = NULL;
	natsStatus status = NATS_NO_MEMORY;
	const char *detail;

	*error = '\0';
	if (!link)
		return NULL;
	link->queue = engine->queue;
	link->serial = atomic_fetch_add(&link_serials, 1) + 1;
	/* The connection's, which link_closed() gives up, and ours. */
	atomic_init(&link->refs, 2);
	status = natsOptions_Create(&options);
	if (status == NATS_OK)
		status = link_set(options, link, engine->server, error);
	if (status == NATS_OK)
		status = natsConnection_Connect(&link->nc, options);
	if (!link->nc)
		atomic_fetch_sub(&link->refs, 1);
	if (status == NATS_OK)
		status = link_subscribe(link);
	natsOptions_Destroy(options);
	if (status == NATS_OK)
		return link;
	/* "(FILE:LINE): TEXT" */
	detail = nats_GetLastError(NULL);
	detail = detail ? strstr(detail, "): ") : NULL;
	if (!*error)
		snprintf(error, EVENT_TEXT_SIZE, "%.60s: %s", engine->server->servers,
			 detail ? detail + 3 : natsStatus_GetText(status));
	link_free(link);
	return NULL;
}

void link_free(struct link *link)
{
	jsCtx_Destroy(link->js);
	natsSubscription_Destroy(link->sub);
	natsConnection_Destroy(link->nc);
	link_put(link);
}
