/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages that can be verified: a header, and a stamp in each part of the payload. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum payload_kind {
	PAYLOAD_DATA = 0x6d,
	PAYLOAD_STOP,			/* the last message to a receiver */
};

struct payload {
	uint32_t kind;
	uint32_t sender;
	uint64_t number;		/* of the messages of that sender */
	uint64_t time;			/* when it was sent, or 0 */
};

#define PAYLOAD_MIN	64

void *payload_new(size_t size);
void payload_free(void *data);
void payload_stamp(void *data, size_t size, const struct payload *head, bool full);
int payload_check(const void *data, size_t size, struct payload *head, bool full);
uint64_t payload_sum(const struct payload *head);

#endif /* BENCH_PAYLOAD_H */
