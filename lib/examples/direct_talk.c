// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Direct communication. First symmetric: two processes name each other,
 * send(Q, message) and receive(P), over the one link between them. Then asymmetric:
 * the parent receives from anyone, through its inbox, and answers over the link to
 * the sender. mbox_link_sender() takes the header, which identifies the sender: pid
 * alone may be another process's by now.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mbox.h>

#define CHILDREN 2
#define CAPACITY 4

static long check(const char *what, long result)
{
	if (result < 0) {
		fprintf(stderr, "process %d: %s: %s\n", (int)getpid(), what,
			mbox_strerror((int)result));
		exit(1);
	}
	return result;
}

/* Receive a message, and check it. */
static void expect(struct mbox *link, const char *wanted)
{
	char text[64];

	check("receive", mbox_recv_string(link, text, sizeof(text)));
	if (strcmp(text, wanted)) {
		fprintf(stderr, "received \"%s\", not \"%s\"\n", text, wanted);
		exit(1);
	}
}

/* The child: it knows its parent, and nothing else. */
static void child(int number)
{
	struct mbox *parent;
	char text[64];

	check("link to the parent", mbox_link(&parent, getppid(), CAPACITY, 0));
	expect(parent, "who are you?");
	snprintf(text, sizeof(text), "child number %d", number);
	check("send to the parent", mbox_send_string(parent, text));

	snprintf(text, sizeof(text), "hello, %d", (int)getpid());
	expect(parent, text);
	_exit(0);
}

int main(void)
{
	struct mbox *link[CHILDREN], *inbox, *answer;
	struct mbox_header from;
	pid_t pid[CHILDREN];
	char text[64];
	int status;

	/* Symmetric. Messages wait for a child that has no link yet. */
	for (int i = 0; i < CHILDREN; i++) {
		pid[i] = fork();
		check("fork", pid[i] < 0 ? -errno : 0);
		if (pid[i] == 0)
			child(i + 1);
		check("link to a child", mbox_link(&link[i], pid[i], CAPACITY, 0));
		check("send to a child", mbox_send_string(link[i], "who are you?"));
	}

	/* Asymmetric: the children answer in any order. */
	check("inbox", mbox_inbox(&inbox));
	for (int n = 0; n < CHILDREN; n++) {
		long length = check("receive from anyone",
				    mbox_recv(inbox, text, sizeof(text), NULL, &from));

		printf("process %u says: %.*s\n", from.pid, (int)length, text);
		check("link to the sender", mbox_link_sender(&answer, &from, CAPACITY, 0));
		snprintf(text, sizeof(text), "hello, %u", from.pid);
		check("answer", mbox_send_string(answer, text));
		mbox_close(answer);
	}

	for (int i = 0; i < CHILDREN; i++) {
		check("a child", waitpid(pid[i], &status, 0) < 0 || status ? -ECHILD : 0);
		mbox_close(link[i]);
	}
	mbox_close(inbox);
	printf("%d children were answered\n", CHILDREN);
	return 0;
}
