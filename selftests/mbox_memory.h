/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is hard to reach: ends of mappings, pages without rights, pages that are not there yet. */
#ifndef MBOX_MEMORY_H
#define MBOX_MEMORY_H

#include "mbox_test.h"

/* Enough pages for every payload here. */
#define AREA_PAGES	16

/* Pages with these rights, between two that are not mapped. */
static inline uint8_t *area_new(struct __test_metadata *_metadata, int prot, size_t *size)
{
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, (AREA_PAGES + 2) * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)map);
	ASSERT_EQ(0, munmap(map, page));
	ASSERT_EQ(0, munmap(map + (AREA_PAGES + 1) * page, page));
	map += page;
	memset(map, POISON, AREA_PAGES * page);
	ASSERT_EQ(0, mprotect(map, AREA_PAGES * page, prot));
	*size = AREA_PAGES * page;
	return map;
}

/* Addresses that are nobody's, a process' least of all. */
static const uint64_t no_addresses[] = {
	0, 1, 8, 4095, 0x7ffffffff000, 0x800000000000, 0x8000000000000000, 0xffff888000000000,
	0xffffffff81000000, 0xfffffffffffff000, UINT64_MAX - 7, UINT64_MAX,
};

/*
 * Pages of which the kernel has to find or make each when they are touched: what comes from the
 * call's fast path finds nothing there.
 */
enum lazy_kind {
	LAZY_FRESH,	/* never touched */
	LAZY_DROPPED,	/* touched, and dropped again */
	LAZY_SHARED,	/* of a file in memory, never touched */
	LAZY_COPIED,	/* of a file in memory, to be copied when written */
	LAZY_KINDS
};

static inline uint8_t *lazy_new(struct __test_metadata *_metadata, enum lazy_kind kind, size_t size)
{
	uint8_t *map;
	int fd = -1;

	if (kind == LAZY_SHARED || kind == LAZY_COPIED) {
		fd = memfd_create("lazy", MFD_CLOEXEC);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, ftruncate(fd, size));
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   (kind == LAZY_SHARED ? MAP_SHARED : MAP_PRIVATE) | (fd < 0 ? MAP_ANONYMOUS : 0),
		   fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)map);
	if (fd >= 0)
		close(fd);
	if (kind == LAZY_DROPPED) {
		memset(map, POISON, size);
		ASSERT_EQ(0, madvise(map, size, MADV_DONTNEED));
	}
	return map;
}

#endif
