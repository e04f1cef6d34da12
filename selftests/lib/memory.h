/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is hard to reach: ends of mappings, pages without rights, pages that are not there yet. */
#ifndef LIB_MEMORY_H
#define LIB_MEMORY_H

#include "mbox_test.h"

/* Enough pages for every payload here. */
#define AREA_PAGES	16

uint8_t *area_new(struct __test_metadata *_metadata, int prot, size_t *size);

/* Addresses at which a process has no memory. */
static const uint64_t no_addresses[] = {
	0, 1, 8, 4095, 0x7ffffffff000, 0x800000000000, 0x8000000000000000, 0xffff888000000000,
	0xffffffff81000000, 0xfffffffffffff000, UINT64_MAX - 7, UINT64_MAX,
};

/*
 * Pages that the kernel has to find or make when they are touched: copies from the call's fast
 * path, with faults disabled, do not find them.
 */
enum lazy_kind {
	LAZY_FRESH,	/* never touched */
	LAZY_DROPPED,	/* touched, and dropped again */
	LAZY_SHARED,	/* of a file in memory, never touched */
	LAZY_COPIED,	/* of a file in memory, to be copied when written */
	LAZY_KINDS
};

uint8_t *lazy_new(struct __test_metadata *_metadata, enum lazy_kind kind, size_t size);

#endif
