// SPDX-License-Identifier: GPL-2.0-only
/* The socket of mboxctl bridge */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"
#include "log.h"
#include "metrics.h"

#define CLIENTS_MAX	16
#define LINE_SIZE	128
/* An answer is written at once, so that a client that does not read holds up nobody. */
#define ANSWER_MAX	(1 << 20)

struct client {
	struct watch watch;
	struct client *next;
	int fd;
	size_t length;
	char line[LINE_SIZE];
};

static struct control {
	struct watch watch;
	struct bridge *bridge;
	struct client *clients;
	unsigned int count;
	int fd;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
} control = { .fd = -1 };

static void client_free(struct client *client)
{
	struct client **at = &control.clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	control.count--;
	epoll_ctl(control.bridge->epoll, EPOLL_CTL_DEL, client->fd, NULL);
	close(client->fd);
	free(client);
}

static void control_stat(FILE *answer, const char *name)
{
	const struct bridge *bridge = control.bridge;
	struct route *route;

	if (*name) {
		route = bridge_find(bridge, name);
		if (route)
			metrics_print_route(answer, route);
		else
			fprintf(answer, "error:there is no route %s\n\n", name);
		return;
	}
	metrics_print_bridge(answer, bridge);
	for (route = bridge->routes; route; route = route->next)
		metrics_print_route(answer, route);
}

static void control_pause(FILE *answer, const char *name, bool pause)
{
	struct route *route = bridge_find(control.bridge, name);

	if (!route) {
		fprintf(answer, "error:there is no route %s\n\n", name);
		return;
	}
	route_pause(route, pause);
	fprintf(answer, "done:%s\n\n", pause ? "paused" : "resumed");
}

static void control_do(FILE *answer, char *line)
{
	char *name = line + strcspn(line, " ");

	if (*name)
		*name++ = '\0';
	if (!strcmp(line, "stat"))
		control_stat(answer, name);
	else if (!strcmp(line, "pause") || !strcmp(line, "resume"))
		control_pause(answer, name, *line == 'p');
	else if (strcmp(line, "reload"))
		fprintf(answer, "error:unknown request\n\n");
	else if (bridge_reload(control.bridge))
		fprintf(answer, "done:reloaded\n\n");
	else
		fprintf(answer, "error:the configuration is bad; the log says why\n\n");
}

static void client_answer(struct client *client)
{
	int size = ANSWER_MAX;
	size_t length = 0;
	char *text = NULL;
	FILE *answer = open_memstream(&text, &length);

	if (!answer)
		return;
	control_do(answer, client->line);
	if (!fclose(answer)) {
		setsockopt(client->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		(void)!send(client->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	free(text);
}

static void client_ready(struct watch *watch, uint32_t events)
{
	struct client *client = watch_owner(watch, struct client, watch);
	ssize_t got = recv(client->fd, client->line + client->length,
			   sizeof(client->line) - client->length, MSG_DONTWAIT);
	char *end;

	(void)events;
	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0) {
		client->length += (size_t)got;
		end = memchr(client->line, '\n', client->length);
		if (!end && client->length < sizeof(client->line))
			return;
		if (end) {
			*end = '\0';
			client_answer(client);
		}
	}
	client_free(client);
}

static void control_ready(struct watch *watch, uint32_t events)
{
	struct client *client;
	struct epoll_event event = { .events = EPOLLIN };
	int fd = accept4(control.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)watch;
	(void)events;
	if (fd < 0)
		return;
	client = control.count < CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		close(fd);
		return;
	}
	client->watch.ready = client_ready;
	client->fd = fd;
	client->next = control.clients;
	control.clients = client;
	control.count++;
	event.data.ptr = &client->watch;
	if (epoll_ctl(control.bridge->epoll, EPOLL_CTL_ADD, fd, &event))
		client_free(client);
}

/* Open the socket for the owner and the group. Another bridge that listens there keeps it. */
void control_open(struct bridge *bridge)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &control.watch };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = bridge->config->control;
	mode_t mask;
	int error;

	control.bridge = bridge;
	control.watch.ready = control_ready;
	if (strlen(path) >= sizeof(address.sun_path))
		log_die("control: the path is too long: %s", path);
	memcpy(address.sun_path, path, strlen(path));
	memcpy(control.path, path, strlen(path));
	control.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control.fd < 0)
		log_die("control: %s", strerror(errno));
	if (!connect(control.fd, (struct sockaddr *)&address, sizeof(address)))
		log_die("control: another bridge listens at %s", path);
	unlink(path);
	mask = umask(0117);
	error = bind(control.fd, (struct sockaddr *)&address, sizeof(address)) ||
		listen(control.fd, CLIENTS_MAX);
	umask(mask);
	if (error || epoll_ctl(bridge->epoll, EPOLL_CTL_ADD, control.fd, &event))
		log_die("control: %s: %s", path, strerror(errno));
}

void control_close(struct bridge *bridge)
{
	(void)bridge;
	while (control.clients)
		client_free(control.clients);
	close(control.fd);
	unlink(control.path);
}
