// SPDX-License-Identifier: GPL-2.0-only
/*
 * mboxbench: messages that can be verified.
 *
 * Each STRIDE bytes, and the last bytes, have a stamp made of sender, number and place.
 * In the rounds that do not count, all bytes have one. In the others that would cost more
 * than passing a large message does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "payload.h"
#include "peer.h"

#define STRIDE	4096
#define WORD	sizeof(uint64_t)

/* Allocate a buffer of whole pages, with memory in front of it: see PEER_HEADROOM. */
void *payload_new(size_t size)
{
	size_t whole = (size + 2 * STRIDE - 1) & ~(size_t)(STRIDE - 1);
	char *base = aligned_alloc(STRIDE, whole);

	if (!base)
		return NULL;
	/* So that no page is touched for the first time in a round. */
	memset(base, 0, whole);
	return base + STRIDE;
}

void payload_free(void *data)
{
	if (data)
		free((char *)data - STRIDE);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15;
	return x ^ x >> 29;
}

/* Return a number for each message, the sum of which shows that each has come once. */
uint64_t payload_sum(const struct payload *head)
{
	return mix(mix(head->number + 1) + head->sender);
}

void payload_stamp(void *data, size_t size, const struct payload *head, bool full)
{
	uint64_t seed = payload_sum(head), stamp;
	size_t stride = full ? WORD : STRIDE;
	char *to = data;

	memcpy(to, head, sizeof(*head));
	for (size_t at = full ? sizeof(*head) : STRIDE; at + WORD < size; at += stride) {
		stamp = seed + at;
		memcpy(to + at, &stamp, WORD);
	}
	stamp = seed + size;
	memcpy(to + size - WORD, &stamp, WORD);
}

/* Copy the header of a message to @head. Return 0, or -EBADMSG if it is not as it was sent. */
int payload_check(const void *data, size_t size, struct payload *head, bool full)
{
	size_t stride = full ? WORD : STRIDE;
	const char *from = data;
	uint64_t seed, stamp;

	memcpy(head, from, sizeof(*head));
	seed = payload_sum(head);
	for (size_t at = full ? sizeof(*head) : STRIDE; at + WORD < size; at += stride) {
		memcpy(&stamp, from + at, WORD);
		if (stamp != seed + at)
			return -EBADMSG;
	}
	memcpy(&stamp, from + size - WORD, WORD);
	if (stamp != seed + size || (head->kind != PAYLOAD_DATA && head->kind != PAYLOAD_STOP))
		return -EBADMSG;
	return 0;
}
