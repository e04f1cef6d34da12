/* SPDX-License-Identifier: GPL-2.0-only */
/* Batches of messages that are words: one call sends or receives a text, word by word. */
#ifndef LIB_BATCH_H
#define LIB_BATCH_H

#include "child.h"

#define BATCH_ENTRIES	32
#define BATCH_SIZE	512		/* of a buffer */

/* A call, in memory that a child shares with the test. */
struct batch {
	int fd;
	bool receives;
	struct mbox_ioc_sendv send;
	struct mbox_ioc_recvv recv;
	struct mbox_send_entry out[BATCH_ENTRIES];
	struct mbox_recv_entry in[BATCH_ENTRIES];
	char data[BATCH_ENTRIES][BATCH_SIZE];
	void (*prepare)(struct batch *batch); /* in the child, before */
	char text[BATCH_ENTRIES * 16];	/* of a receive: words, or the name of an error */
	long ret;
	int done;
	pid_t pid;
};

struct batch *batch_new(int fd, bool receives);
struct batch *batch_new_words(int fd, const char *words);
long batch_make(struct batch *batch);
const char *batch_text(struct batch *batch);
void batch_start(struct batch *batch);
long batch_end(struct batch *batch);

int send_words(int fd, uint32_t flags, const char *words);
const char *recv_words_arg(int fd, struct mbox_ioc_recvv arg);

/* Receive up to @count words, without waiting. */
static inline const char *recv_words(int fd, uint32_t count)
{
	return recv_words_arg(fd, (struct mbox_ioc_recvv) {
		.flags = MBOX_RECV_NONBLOCK, .count = count });
}

#endif
