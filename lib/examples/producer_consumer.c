// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Producer and consumer: two processes and a buffer of shared memory between them, bounded at
 * first, then unbounded (limited by addresses only; memory comes and goes with its contents).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mbox.h>

#define ITEMS	100000

/* Send the items. Return how often the buffer was full and the producer had to wait. */
static unsigned int produce(struct mbox *mb)
{
	struct mbox_send_opts opts = { .flags = MBOX_SEND_NONBLOCK };
	unsigned int waits = 0;
	char item[64];

	for (unsigned int n = 0; n < ITEMS; n++) {
		size_t size = (size_t)snprintf(item, sizeof(item), "item %u", n);
		int ret = mbox_send(mb, item, size, &opts);

		if (ret == -EAGAIN) {
			waits++;
			ret = mbox_send(mb, item, size, NULL);
		}
		if (ret < 0) {
			fprintf(stderr, "send: %s\n", mbox_strerror(ret));
			exit(1);
		}
	}
	return waits;
}

static unsigned int consume(struct mbox *mb)
{
	char item[64], expected[64];
	unsigned int n = 0;
	ssize_t ret;

	/* The ring ends with the producer: the consumer first receives the items sent before. */
	while ((ret = mbox_recv_string(mb, item, sizeof(item))) >= 0) {
		snprintf(expected, sizeof(expected), "item %u", n++);
		if (strcmp(item, expected)) {
			fprintf(stderr, "got %s, not %s\n", item, expected);
			exit(1);
		}
	}
	if (ret != -EOWNERDEAD) {
		fprintf(stderr, "receive: %s\n", mbox_strerror((int)ret));
		exit(1);
	}
	return n;
}

static void run(const char *what, uint64_t ring, uint32_t options)
{
	struct mbox_attr attr = MBOX_ATTR_RING_INIT(ring);
	char name[MBOX_NAME_SIZE];
	struct mbox *mb;
	int ret, status;

	attr.lifetime = MBOX_LIFETIME_FD;
	attr.options = options;
	snprintf(name, sizeof(name), "producer_consumer-%d", getpid());
	ret = mbox_create(&mb, name, MBOX_RIGHT_RECV, &attr);
	if (ret < 0) {
		fprintf(stderr, "%s: %s\n", name, mbox_strerror(ret));
		exit(1);
	}
	fflush(stdout);
	if (fork() == 0) {
		/* The child opens the other side: each side belongs to one process. */
		struct mbox *end;

		if (mbox_open(&end, name, MBOX_RIGHT_SEND) < 0)
			exit(1);
		printf("%s buffer: the producer had to wait %u times\n", what, produce(end));
		exit(0);
	}
	printf("%s buffer: %u items came, in order\n", what, consume(mb));
	mbox_close(mb);
	if (wait(&status) < 0 || status)
		exit(1);
}

int main(void)
{
	run("bounded", 4096, 0);
	run("unbounded", 64 << 20, MBOX_OPTION_GROW);
	return 0;
}
