// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is hard to reach. */
#include "memory.h"

/* Map pages with these rights, between two that are not mapped. */
uint8_t *area_new(struct __test_metadata *_metadata, int prot, size_t *size)
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

uint8_t *lazy_new(struct __test_metadata *_metadata, enum lazy_kind kind, size_t size)
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
