// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Modularity: a system of three modules, each a process that knows only the
 * mailboxes that it reads from and writes to. One splits a text into words, one puts
 * them into lower case, one counts words and letters. Each could be replaced
 * without a change of the others.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <mbox.h>

/* The empty message ends the stream. */
#define END ""

static const char text[] = "Message Passing is Useful for Exchanging Smaller Amounts of Data";

static long check(const char *what, long result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, mbox_strerror((int)result));
		exit(1);
	}
	return result;
}

static void splitter(struct mbox *in, struct mbox *out)
{
	char copy[256], *rest = copy, *word;

	check("splitter", mbox_recv_string(in, copy, sizeof(copy)));
	while ((word = strtok_r(rest, " ", &rest)))
		check("splitter", mbox_send_string(out, word));
	check("splitter", mbox_send_string(out, END));
}

static void lowerer(struct mbox *in, struct mbox *out)
{
	char word[64];
	long length;

	do {
		length = check("lowerer", mbox_recv_string(in, word, sizeof(word)));
		for (char *c = word; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		check("lowerer", mbox_send_string(out, word));
	} while (length);
}

static void counter(struct mbox *in, struct mbox *out)
{
	long length, words = 0, letters = 0;
	char word[64], result[64];

	while ((length = check("counter", mbox_recv_string(in, word, sizeof(word))))) {
		words++;
		letters += length;
	}
	snprintf(result, sizeof(result), "%ld words, %ld letters", words, letters);
	check("counter", mbox_send_string(out, result));
}

int main(void)
{
	static void (*const module[])(struct mbox *in, struct mbox *out) = {
		splitter, lowerer, counter,
	};
	/* Small capacity: a module that is ahead waits for the next one. */
	const struct mbox_attr attr = { .lifetime = MBOX_LIFETIME_FD, .capacity = 2 };
	struct mbox *box[4];
	char result[64];
	int status;

	for (int i = 0; i < 4; i++)
		check("a mailbox", mbox_create(&box[i], NULL, MBOX_RIGHT_SEND | MBOX_RIGHT_RECV,
					       &attr));
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		check("fork", pid < 0 ? -errno : 0);
		if (pid == 0) {
			module[i](box[i], box[i + 1]);
			_exit(0);
		}
	}
	check("send", mbox_send_string(box[0], text));
	check("receive", mbox_recv_string(box[3], result, sizeof(result)));
	for (int i = 0; i < 3; i++)
		check("a module", wait(&status) < 0 || status ? -ECHILD : 0);
	for (int i = 0; i < 4; i++)
		mbox_close(box[i]);
	printf("splitter -> lowerer -> counter: %s\n", result);
	return strcmp(result, "10 words, 55 letters") != 0;
}
