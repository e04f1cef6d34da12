// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl bridge: ask mboxbridge, over its socket, see bridge/control.h */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "mboxctl.h"

#define BRIDGE_SOCKET	"/run/mbox-bridge/control"
#define BRIDGE_SECONDS	10

enum { ROUTE, SOCKET };

static const struct word words[] = {
	[ROUTE] = { .name = "route", .arg = "ROUTE", .parse = parse_text,
		    .form = "the name of a route", .help = "this route only" },
	[SOCKET] = { .name = "socket", .arg = "PATH", .parse = parse_text,
		     .form = "the path of a socket", .hints = BRIDGE_SOCKET,
		     .help = "the socket of the bridge (default: " BRIDGE_SOCKET ")" },
	{ 0 },
};

/* A line of the answer: KEY=NUMBER or KEY:TEXT. */
struct line {
	char *key;
	char *text;
	bool number;
};

/* Send the request, and read the answer to its end. Return 0 or -errno. */
static int bridge_ask(const char *path, const char *request, char **answer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval most = { .tv_sec = BRIDGE_SECONDS };
	size_t length = 0;
	FILE *file;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	file = fdopen(fd, "r");
	if (!file || getdelim(answer, &length, '\0', file) <= 0) {
		int error = errno ? -errno : -EPROTO;

		file ? fclose(file) : close(fd);
		return error;
	}
	fclose(file);
	return 0;
}

/* Take the next line from *@text. Return false at the empty line that ends a record. */
static bool bridge_line(char **text, struct line *line)
{
	char *next = strsep(text, "\n");
	size_t length;

	if (!next || !*next)
		return false;
	length = strcspn(next, "=:");
	line->key = next;
	line->number = next[length] == '=';
	line->text = next[length] ? next + length + 1 : next + length;
	next[length] = '\0';
	return true;
}

static int refuse_bridge(const struct command *cmd, const char *path, int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		return refuse(cmd, -ENOENT, "systemctl start mboxbridge starts it; socket=PATH names another socket",
			      "no bridge listens at %s", path);
	case EACCES:
		return refuse(cmd, error, "root may, and the group of the socket", "permission denied: %s", path);
	case EAGAIN:
		return refuse(cmd, -ETIMEDOUT, NULL, "the bridge has not answered for %d seconds", BRIDGE_SECONDS);
	}
	return refuse(cmd, error, NULL, "%s: %s", path, strerror(-error));
}

/* Ask, and report an error. The answer is *@answer, for the caller to free. */
static int bridge_request(const struct command *cmd, const char *verb, char **answer)
{
	const char *path = cmd->v[SOCKET].given ? cmd->v[SOCKET].text : BRIDGE_SOCKET;
	const char *route = cmd->v[ROUTE].given ? cmd->v[ROUTE].text : "";
	char request[256], *text, *error;
	int ret;

	snprintf(request, sizeof(request), "%s%s%.64s\n", verb, *route ? " " : "", route);
	*answer = NULL;
	ret = bridge_ask(path, request, answer);
	if (!ret && !*answer)
		ret = -EPROTO;
	if (ret)
		return refuse_bridge(cmd, path, ret);
	if (strncmp(*answer, "error:", 6))
		return STATUS_DONE;
	text = *answer + 6;
	error = strsep(&text, "\n");
	return refuse(cmd, !strncmp(error, "there is no", 11) ? -ENOENT : -EINVAL, NULL, "%s", error);
}

static int bridge_stat(struct command *cmd)
{
	struct line line;
	char *answer, *text;
	int ret = bridge_request(cmd, "stat", &answer);

	for (text = answer; !ret && text && *text;) {
		out_begin(OUT_FIELDS);
		while (bridge_line(&text, &line)) {
			if (line.number)
				out_number(line.key, strtoull(line.text, NULL, 10));
			else
				out_string(line.key, line.text);
		}
		out_close();
	}
	free(answer);
	return ret;
}

static const struct column route = { .name = "route", .width = 12, .left = true };
static const struct column direction = { .name = "direction", .width = 9, .left = true };
static const struct column mailbox = { .name = "mailbox", .width = 12, .left = true };
static const struct column subject = { .name = "subject", .width = 20, .left = true };
static const struct column state = { .name = "state", .width = 10, .left = true };
static const struct column messages = { .name = "messages", .width = 10 };
static const struct column lag = { .name = "lag", .width = 8 };

static const struct column *const columns[] = {
	&route, &direction, &mailbox, &subject, &state, &messages, &lag,
};

/* Print a route as a row. Return 0 or -errno. */
static int bridge_row(char **text)
{
	struct line cells[ARRAY_SIZE(columns)] = { { .key = NULL } }, line;

	while (bridge_line(text, &line))
		for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
			if (!strcmp(columns[i]->name, line.key))
				cells[i] = line;
	if (!cells[0].key)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (!cells[i].key)
			cell_none("-");
		else if (cells[i].number)
			cell_number(strtoull(cells[i].text, NULL, 10));
		else
			cell_text(cells[i].text);
	}
	return table_row();
}

static int bridge_list(struct command *cmd)
{
	char *answer, *text;
	int ret = bridge_request(cmd, "stat", &answer), error;

	if (!ret) {
		table_init(cmd, columns, ARRAY_SIZE(columns), false);
		error = table_head();
		for (text = answer; !error && text && *text;)
			error = bridge_row(&text);
		if (!error)
			error = table_flush();
		if (error)
			ret = done_writing(cmd, error);
	}
	free(answer);
	return ret;
}

static int bridge_change(struct command *cmd)
{
	const char *verb = cmd->sub->name;
	char *answer;
	int ret;

	if (strcmp(verb, "reload") && !cmd->v[ROUTE].given)
		return usage(cmd, "route= is missing");
	ret = bridge_request(cmd, verb, &answer);
	free(answer);
	return ret;
}

#define BRIDGE_VERB(which, text, function) \
	static const struct verb bridge_##which##_verb = { \
		.name = #which, .summary = text, .words = words, .first = FIRST_NONE, \
		.run = function, \
	}

BRIDGE_VERB(list, "list the routes", bridge_list);
BRIDGE_VERB(stat, "print the state and the counters of the bridge and its routes", bridge_stat);
BRIDGE_VERB(pause, "stop a route", bridge_change);
BRIDGE_VERB(resume, "let a route go on that was stopped", bridge_change);
BRIDGE_VERB(reload, "have the bridge read its configuration again", bridge_change);

static const struct verb *const bridge_subs[] = {
	&bridge_list_verb, &bridge_stat_verb, &bridge_pause_verb, &bridge_resume_verb,
	&bridge_reload_verb, NULL,
};

static int run(struct command *cmd)
{
	return cmd->sub->run(cmd);
}

const struct verb bridge_verb = {
	.name = "bridge",
	.operands = "list|stat|pause|resume|reload [route=ROUTE] [socket=PATH]",
	.synopsis = "",
	.summary = "show and steer mboxbridge, which joins mailboxes of several machines",
	.notes = "route= takes one route of those in its configuration. socket= is the socket of the\n"
		 "bridge, " BRIDGE_SOCKET " by default; root may use it, and its group.",
	.first = FIRST_NONE,
	.subs = bridge_subs,
	.run = run,
};
