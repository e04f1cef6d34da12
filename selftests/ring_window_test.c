// SPDX-License-Identifier: GPL-2.0-only
/* Rings that grow: only the pages of the window that is charged have memory (MBOX_RING_WINDOW). */
#include "lib/ring.h"

#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* Bytes of memory that the file has which is mapped there. */
static int64_t memory_of(const void *at, size_t size)
{
	struct stat st;
	char path[80];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)at,
		 (unsigned long)at + size);
	return stat(path, &st) ? -errno : st.st_blocks * 512;
}

TEST(window)
{
	const size_t page = page_size();
	struct ring_area area;
	uint8_t *moved;

	ASSERT_EQ(0, ring_area_make(&area, NULL));
	EXPECT_EQ(SIGBUS, ring_touch(area.data, true));
	EXPECT_EQ(SIGBUS, ring_touch(area.data, false));
	EXPECT_EQ(-EINVAL, ring_grow(area.fd, MBOX_RIGHT_SEND, RING_AREA + 1));
	EXPECT_EQ(-EINVAL, ring_grow(area.fd, MBOX_RIGHT_SEND, -1));
	EXPECT_EQ(-EINVAL, ring_wait_until(area.fd, MBOX_WAIT_GROW | MBOX_WAIT_MOVE,
					   MBOX_RIGHT_SEND, 1, -1));
	EXPECT_EQ(-EINVAL, ring_grow(area.fd, MBOX_RIGHT_RECV, 1));
	EXPECT_EQ(0, ring_grow(area.fd, MBOX_RIGHT_RECV, 0));
	EXPECT_EQ(0, ring_grow(area.fd, MBOX_RIGHT_SEND, page + 8));
	EXPECT_EQ(0, ring_grow(area.fd, MBOX_RIGHT_SEND, 8));
	EXPECT_EQ(0, ring_grow(area.fd, MBOX_RIGHT_RECV, 2 * page));
	EXPECT_EQ(-EINVAL, ring_grow(area.fd, MBOX_RIGHT_RECV, 2 * page + 1));
	EXPECT_EQ(0, ring_touch(area.data, true));
	EXPECT_EQ(0, ring_touch(area.data + 2 * page - 1, false));
	EXPECT_EQ(SIGBUS, ring_touch(area.data + 2 * page, true));
	EXPECT_EQ(SIGBUS, ring_touch(area.data + RING_AREA - 1, false));

	/* No call gets past it. */
	EXPECT_EQ(-1, madvise(area.data, RING_AREA, MADV_POPULATE_WRITE));
	EXPECT_EQ(-1, madvise(area.data, RING_AREA, MADV_POPULATE_READ));
	EXPECT_EQ(-1, mlock(area.data, RING_AREA));
	munlock(area.data, RING_AREA);
	EXPECT_EQ(-1, syscall(SYS_remap_file_pages, area.data, RING_AREA, 0, 0, 0));
	EXPECT_EQ(SIGBUS, ring_touch(area.data + 2 * page, true));
	moved = mremap(area.data, RING_AREA, RING_AREA, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mmap(NULL, RING_AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_NE(MAP_FAILED, (void *)moved);
	EXPECT_EQ(0, ring_touch(moved, true));
	EXPECT_EQ(SIGBUS, ring_touch(moved + 2 * page, true));
	if (geteuid() == 0)
		EXPECT_EQ(2 * page, memory_of(moved, RING_AREA));

	/* Only the page that tail is in stays. */
	area.head->index = 2 * page;
	area.tail->index = page + 8;
	EXPECT_EQ(0, ring_call(area.fd, MBOX_WAIT_TRIM, MBOX_RIGHT_RECV));
	EXPECT_EQ(SIGBUS, ring_touch(moved, true));
	EXPECT_EQ(0, ring_touch(moved + page, true));
	/* the same page, a lap later */
	EXPECT_EQ(0, ring_grow(area.fd, MBOX_RIGHT_SEND, RING_AREA + page));
	EXPECT_EQ(0, ring_touch(moved, true));
	EXPECT_EQ(-EINVAL, ring_grow(area.fd, MBOX_RIGHT_SEND, RING_AREA + page + 1));

	/* A huge page would reach further. */
	if (madvise(moved, RING_AREA, MADV_HUGEPAGE) == 0) {
		madvise(moved, RING_AREA, MADV_DONTNEED);
		EXPECT_EQ(SIGBUS, ring_touch(moved + 3 * page, true));
		EXPECT_EQ(0, madvise(moved, RING_AREA, MADV_NOHUGEPAGE));
		EXPECT_EQ(0, ring_touch(moved + 3 * page, true));
	}
	close(area.fd);
}

/*
 * Huge pages that are asked for by name, and memory that is filled by userfaultfd, would reach
 * beyond the window, too.
 */
TEST(window_of_huge_pages)
{
	const size_t huge = 2 << 20;
	struct mbox_ioc_open open = ring_arg(NULL, RIGHTS_BOTH, 2 * huge);
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	uint8_t *data;
	int fd, uffd;

	if (geteuid())
		SKIP(return, "only root can see how much memory a mapping has");
	open.options = MBOX_OPTION_GROW;
	fd = open_call(MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ring_grow(fd, MBOX_RIGHT_SEND, page_size()));
	/* at the beginning of a huge page */
	data = mmap(NULL, 3 * huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)data);
	data = (uint8_t *)(((uintptr_t)data + huge - 1) & ~(huge - 1));
	ASSERT_EQ(data, mmap(data, 2 * huge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			     MBOX_RING_DATA_OFFSET));
	data[0] = 1;
	madvise(data, 2 * huge, MADV_HUGEPAGE);
	EXPECT_EQ(-1, madvise(data, 2 * huge, MADV_COLLAPSE));
	EXPECT_EQ(page_size(), memory_of(data, 2 * huge));

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd >= 0) {
		ASSERT_EQ(0, ioctl(uffd, UFFDIO_API, &api));
		reg.range.start = (uintptr_t)data;
		reg.range.len = 2 * huge;
		EXPECT_EQ(-1, ioctl(uffd, UFFDIO_REGISTER, &reg));
		close(uffd);
	}
	/* nor can a mapping take pages out, whose reader would find zeros */
	EXPECT_EQ(-1, madvise(data, page_size(), MADV_REMOVE));
	EXPECT_EQ(1, data[0]);
	close(fd);
}

/* Threads touch all pages, while the window goes round: none keeps memory outside of it. */
#define LAPS	50

static volatile int race_over;

static void *race_touch(void *arg)
{
	uint8_t *data = arg;
	unsigned int state = (uintptr_t)&data >> 12;

	while (!race_over) {
		state = state * 1103515245 + 12345;
		/* this does not end the process */
		madvise(data + (state >> 8) % (RING_AREA / page_size()) * page_size(), page_size(),
			MADV_POPULATE_WRITE);
	}
	return NULL;
}

TEST(faults_race_with_trim)
{
	const size_t page = page_size();
	pthread_t threads[4];
	struct ring_area area;
	uint64_t at = 0;

	if (geteuid())
		SKIP(return, "only root can see how much memory a mapping has");
	ASSERT_EQ(0, ring_area_make(&area, NULL));
	race_over = 0;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, race_touch, area.data));
	for (int i = 0; i < LAPS * 16; i++) {
		at += RING_AREA / 16;
		ASSERT_EQ(0, ring_grow(area.fd, MBOX_RIGHT_SEND, at));
		sched_yield();
		area.head->index = at;
		area.tail->index = at;
		ASSERT_EQ(0, ring_call(area.fd, MBOX_WAIT_TRIM, MBOX_RIGHT_RECV));
	}
	race_over = 1;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	/* what a fault removes is counted with the next change */
	ASSERT_EQ(0, ring_grow(area.fd, MBOX_RIGHT_SEND, at + page));
	area.data[at % RING_AREA] = 1;
	area.head->index = at + page;
	area.tail->index = at + page;
	ASSERT_EQ(0, ring_call(area.fd, MBOX_WAIT_TRIM, MBOX_RIGHT_RECV));
	EXPECT_EQ(0, memory_of(area.data, RING_AREA));
	for (size_t i = 0; i < RING_AREA; i += page)
		EXPECT_EQ(SIGBUS, ring_touch(area.data + i, false));
	close(area.fd);
}

MBOX_TEST_MAIN
