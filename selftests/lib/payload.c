// SPDX-License-Identifier: GPL-2.0-only
/* Payloads. */
#include "mbox_test.h"

/* Return how many bytes from the start are right: @size if all are. */
size_t pattern_match(const void *data, size_t size, uint32_t seed)
{
	size_t i = 0;

	while (i < size && ((const uint8_t *)data)[i] == pattern_at(i, seed))
		i++;
	return i;
}

/* Return whether every byte is still the poison. */
bool untouched(const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)data)[i] != POISON)
			return false;
	return true;
}
