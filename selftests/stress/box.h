/* SPDX-License-Identifier: GPL-2.0-only */
/* The mailboxes of stress_test, as its supervisor makes, renews and empties them. */
#ifndef STRESS_BOX_H
#define STRESS_BOX_H

#include "stress/handle.h"

#define RING_BYTES	16384U
#define RING_RECORD	1800U		/* the longest payload */

#define STREAM_DEPTH		1500
#define PRIOS			5		/* 0 to 3, and MBOX_PRIO_MAX */

/* A stream of messages that only the supervisor receives, which is never killed. */
struct stream {
	uint32_t box;
	uint64_t latest[2][PRIOS];	/* highest seq received, without and with filter */
};

/* Of this round. */
extern struct current {
	uint32_t newest[NAMES];		/* the mailbox that has the name, or had it last */
	struct stream stream, broadcast;
	uint32_t listener[BOXES_MAX];	/* that of the supervisor's handle; 0: it receives nothing */
	uint64_t deepest;		/* messages that were queued in the stream */
} current;

/* box.c */
void box_make(struct thread *rng, uint32_t name);
uint32_t box_make_inbox(void);
void box_renew(struct thread *rng, uint32_t name);
struct mbox_info box_close(struct thread *rng, uint32_t box, int factory);

/* stream.c */
void box_drain(uint32_t box, uint32_t count, bool by_type);
void stream_drain(void);

#endif
