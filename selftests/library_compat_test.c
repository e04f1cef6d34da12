// SPDX-License-Identifier: GPL-2.0-only
/* Functions of the shared library as programs know them that were linked with an older one. */
#include "mbox_test.h"

/* NOLINTNEXTLINE(bugprone-suspicious-include): the static library does not have it */
#include "../lib/compat.c"

TEST(get_1_0)
{
	struct mbox_info info;
	char old[sizeof(info)];
	struct mbox *mb;

	ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, NULL));
	ASSERT_EQ(0, mbox_get(mb, &info));
	memset(old, POISON, sizeof(old));
	EXPECT_EQ(0, mbox_get_1_0(mb, old));
	EXPECT_EQ(0, memcmp(old, &info, INFO_SIZE_1_0));
	EXPECT_TRUE(untouched(old + INFO_SIZE_1_0, sizeof(old) - INFO_SIZE_1_0));
	EXPECT_EQ(-EFAULT, mbox_get_1_0(mb, NULL));
	memset(old, POISON, sizeof(old));
	EXPECT_EQ(-EINVAL, mbox_get_1_0(NULL, old));
	EXPECT_TRUE(untouched(old, sizeof(old)));
	mbox_close(mb);
}

/* What came with a message, of functions that fill in a header. */
TEST(header_1_0)
{
	struct mbox_recv_opts opts = { .flags = MBOX_RECV_NONBLOCK };
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct mbox_header header;
	struct mbox *mb, *ring;
	const void *at;
	char text[16];
	void *data;

	ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, NULL));
	memset(&header, POISON, sizeof(header));
	EXPECT_EQ(-EAGAIN, mbox_recv_1_0(mb, text, sizeof(text), &opts, &header));
	EXPECT_EQ(-EAGAIN, mbox_recv_alloc_1_0(mb, &data, &opts, &header));
	EXPECT_TRUE(untouched(&header, sizeof(header)));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, mbox_send(mb, "text", 4, NULL));
	}
	EXPECT_EQ(-EMSGSIZE, mbox_recv_1_0(mb, text, 3, NULL, &header));
	EXPECT_EQ(4, header.length);
	EXPECT_EQ(4, mbox_recv_1_0(mb, text, sizeof(text), NULL, &header));
	EXPECT_EQ((uint32_t)getpid(), header.pid);
	EXPECT_EQ(4, mbox_recv_alloc_1_0(mb, &data, NULL, &header));
	free(data);
	EXPECT_EQ(2, header.seq);
	EXPECT_EQ(4, mbox_recv_1_0(mb, text, sizeof(text), NULL, NULL));
	mbox_close(mb);
	attr.lifetime = MBOX_LIFETIME_FD;
	attr.capacity = 0;
	attr.ring = 65536;
	ASSERT_EQ(0, mbox_create(&ring, NULL, RIGHTS_BOTH, &attr));
	ASSERT_EQ(0, mbox_send(ring, "text", 4, NULL));
	EXPECT_EQ(4, mbox_ring_peek_1_0(ring, &at, NULL, &header));
	EXPECT_EQ(0, header.pid);
	mbox_close(ring);
	EXPECT_TRUE(untouched((char *)&header + HEADER_SIZE_1_0, sizeof(header) - HEADER_SIZE_1_0));
}

MBOX_TEST_MAIN
