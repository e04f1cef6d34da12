// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Client and server: three clients call a server by one mailbox, and each gets the replies
 * to its own requests. The server is killed in the middle of a request. No client notices:
 * the request returns to its place, and the next server replies to it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mbox.h>

#define CLIENTS		3
#define CALLS		20		/* of each client */
#define LIFE		10		/* calls that the first server replies to */
#define PATIENCE	60000000000	/* nanoseconds that a client waits for a reply */

static long check(const char *what, long result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, mbox_strerror((int)result));
		exit(1);
	}
	return result;
}

/* Start a process. Return its id, and 0 in the child. */
static pid_t start(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	check("fork", pid < 0 ? -errno : 0);
	return pid;
}

/* Reply to requests until the mailbox is deleted. */
static void serve(struct mbox *mb, int number)
{
	struct mbox_lease_opts opts = { .ack = 0 };
	struct mbox_delivery request;
	char question[64], answer[128];
	long length = 0;

	for (int n = 0; ; n++) {
		/* In the same call, reply to the request before, if there was one. */
		long ret = mbox_reply_recv(mb, answer, (size_t)length, question, sizeof(question),
					   &opts, NULL, &request);

		/* The client has given up meanwhile: its reply is not wanted any more. */
		if (ret == -ESTALE)
			continue;
		if (ret == -EIDRM)
			break;
		check("a request", ret);
		if (number == 1 && n == LIFE)
			raise(SIGKILL);
		length = snprintf(answer, sizeof(answer), "%.*s: yes, says server %d", (int)ret,
				  question, number);
		opts.ack = request.token;
	}
	_exit(0);
}

static void ask(struct mbox *mb, int client)
{
	struct mbox_send_opts send = { .clock = MBOX_CLOCK_MONOTONIC };
	const struct mbox_call_opts opts = { .send = &send, .flags = MBOX_CALL_RETRY };
	char question[64], answer[128];
	int length;
	long ret;

	for (int n = 1; n <= CALLS; n++) {
		length = snprintf(question, sizeof(question), "client %d, question %d", client, n);
		check("a deadline", mbox_deadline_after(PATIENCE, send.clock, &send.deadline));
		ret = check("a call", mbox_call(mb, question, (size_t)length, answer, sizeof(answer),
						&opts, NULL));
		if (ret <= length || memcmp(answer, question, (size_t)length) != 0) {
			fprintf(stderr, "%s: the reply is to another question\n", question);
			exit(1);
		}
	}
	printf("client %d: %d questions, %d answers; the last: %.*s\n", client, CALLS, CALLS,
	       (int)ret, answer);
	exit(0);
}

int main(void)
{
	const struct mbox_attr attr = { .lifetime = MBOX_LIFETIME_FD, .capacity = CLIENTS };
	int status, servers = 1, clients = CLIENTS;
	struct mbox_info info;
	pid_t server, pid;
	struct mbox *mb;

	check("a mailbox", mbox_create(&mb, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, &attr));
	for (int i = 1; i <= CLIENTS; i++)
		if (start() == 0)
			ask(mb, i);
	server = start();
	if (server == 0)
		serve(mb, servers);

	while (clients) {
		pid = wait(&status);
		check("a process", pid < 0 ? -errno : 0);
		if (pid != server) {
			check("a client", status ? -ECHILD : 0);
			clients--;
			continue;
		}
		check("a server", WIFSIGNALED(status) ? 0 : -ECHILD);
		printf("server %d was killed in the middle of a request\n", servers++);
		server = start();
		if (server == 0)
			serve(mb, servers);
	}

	check("the counters", mbox_get(mb, &info));
	check("the end", mbox_delete_handle(mb, MBOX_DELETE_FORCE, NULL));
	check("the last server", waitpid(server, &status, 0) < 0 || status ? -ECHILD : 0);
	printf("%llu requests, %llu served by another server\n", info.sent, info.redelivered);
	mbox_close(mb);
	return info.sent != CLIENTS * CALLS || info.redelivered != 1;
}
