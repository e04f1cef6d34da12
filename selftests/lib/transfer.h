/* SPDX-License-Identifier: GPL-2.0-only */
/* Large messages to receivers that wait, and the pages that the kernel pins for them. */
#ifndef LIB_TRANSFER_H
#define LIB_TRANSFER_H

#include "child.h"

#include <pthread.h>

#define MSG_SIZE	(1024 * 1024)
#define PAGE		4096

/* A receive in a thread. */
struct receive {
	int fd;
	struct mbox_ioc_recv *arg;
	pthread_t thread;
	int result;
};

/* Counters of the kernel. */
struct pins {
	unsigned long acquired, released;
};

/* A mailbox for large messages, a buffer for either side, and a receive into one of them. */
struct scene {
	int fd;
	uint8_t *out, *in;
	struct mbox_ioc_recv arg;
	struct receive receive;
	struct pins before;
};

void scene_begin(struct __test_metadata *_metadata, struct scene *scene);
void scene_end(struct __test_metadata *_metadata, struct scene *scene);
int box_large(uint32_t capacity);
uint8_t *buffer_new(size_t size);
struct pins pins_now(void);
bool pins_end(const struct pins *before);
int receive_begin(struct receive *receive, void *(*run)(void *));
void *receive_run(void *receive);
int receive_end(struct receive *receive);

/* Start a receive, and wait until it is blocked. */
static inline bool receive_start(struct receive *receive)
{
	return receive_begin(receive, receive_run) == 0 && await_blocked(receive->fd, 0, 1);
}

#endif
