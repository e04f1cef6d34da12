/* SPDX-License-Identifier: GPL-2.0-only */
/* Payloads whose every byte depends on its position and on a seed. */
#ifndef LIB_PAYLOAD_H
#define LIB_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Outputs hold this before a call, so that a test sees every byte that the call wrote. */
#define POISON	0xa5

static inline uint8_t pattern_at(uint64_t at, uint32_t seed)
{
	uint64_t x = (at + 1) * 0x9e3779b97f4a7c15ULL + seed * 0xff51afd7ed558ccdULL;

	return x >> 56;
}

static inline void pattern_fill(void *data, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = pattern_at(i, seed);
}

size_t pattern_match(const void *data, size_t size, uint32_t seed);
bool untouched(const void *data, size_t size);

#endif
