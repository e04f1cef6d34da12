// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Information sharing: one process has news, several want it. In a
 * mailbox of policy BROADCAST every receiver gets every message, each at its own
 * pace, and the sender neither counts nor knows them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mbox.h>

#define SUBSCRIBERS 3

static const char *const news[] = { "rain", "sun", "snow", "the end" };

#define NEWS ((int)(sizeof(news) / sizeof(news[0])))

static long check(const char *what, long result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, mbox_strerror((int)result));
		exit(1);
	}
	return result;
}

/* A subscriber. It opens the mailbox itself: a handle is a subscription. */
static void subscriber(int number, const char *name, struct mbox *ready)
{
	char line[128], text[32];
	struct mbox *box;

	check("subscribing", mbox_open(&box, name, MBOX_RIGHT_RECV));
	check("ready", mbox_send(ready, NULL, 0, NULL));
	snprintf(line, sizeof(line), "subscriber %d:", number);
	for (int i = 0; i < NEWS; i++) {
		check("news", mbox_recv_string(box, text, sizeof(text)));
		if (strcmp(text, news[i])) {
			fprintf(stderr, "subscriber %d got %s, not %s\n", number, text, news[i]);
			exit(1);
		}
		strcat(strcat(line, " "), text);
	}
	puts(line);
	exit(0);
}

int main(void)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct mbox *box, *ready;
	char name[32];
	int status;

	/* A name, so that subscribers can open it; the mailbox goes with its last handle. */
	snprintf(name, sizeof(name), "publish.%d", (int)getpid());
	attr.lifetime = MBOX_LIFETIME_FD;
	attr.policy = MBOX_POLICY_BROADCAST;
	check("the mailbox", mbox_create(&box, name, MBOX_RIGHT_SEND, &attr));
	check("ready", mbox_create(&ready, NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV, NULL));

	for (int i = 0; i < SUBSCRIBERS; i++) {
		pid_t pid = fork();

		check("fork", pid < 0 ? -errno : 0);
		if (pid == 0)
			subscriber(i + 1, name, ready);
	}
	/* A subscriber gets no message that was published before it subscribed. */
	for (int i = 0; i < SUBSCRIBERS; i++)
		check("ready", mbox_recv(ready, NULL, 0, NULL, NULL));

	for (int i = 0; i < NEWS; i++) {
		long receivers = check("publishing", mbox_send_string(box, news[i]));

		if (receivers != SUBSCRIBERS) {
			fprintf(stderr, "sent to %ld, not %d\n", receivers, SUBSCRIBERS);
			return 1;
		}
	}
	for (int i = 0; i < SUBSCRIBERS; i++)
		check("a subscriber", wait(&status) < 0 || status ? -ECHILD : 0);
	mbox_close(box);
	mbox_close(ready);
	printf("%d messages, each to %d subscribers\n", NEWS, SUBSCRIBERS);
	return 0;
}
