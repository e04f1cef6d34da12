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

MBOX_TEST_MAIN
