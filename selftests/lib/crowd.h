/* SPDX-License-Identifier: GPL-2.0-only */
/* A mailbox that broadcasts to many handles. */
#ifndef LIB_CROWD_H
#define LIB_CROWD_H

#include "broadcast.h"

#define MANY	600			/* many times the handles that are done in one go */

/* A mailbox with many handles to receive. */
struct crowd {
	char name[MBOX_NAME_SIZE];
	int fd;
	int in[MANY];
};

void crowd_new(struct __test_metadata *_metadata, struct crowd *crowd, uint32_t capacity,
	       uint32_t options);
void crowd_end(struct crowd *crowd);

#endif
