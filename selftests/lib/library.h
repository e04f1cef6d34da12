/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests of libmbox: each function makes its call, reports errors by its result alone, and
 * leaves errno and, when it fails, its outputs unchanged. Other tests cover the effects of the
 * calls.
 */
#ifndef LIB_LIBRARY_H
#define LIB_LIBRARY_H

#include "child.h"

#include <mbox.h>
#include <sys/stat.h>

/* No call of mbox returns this errno. */
#define STAMP	EXFULL

#define EXPECT_RET(expected, call) do { \
	long long ret_; \
	errno = STAMP; \
	ret_ = (call); \
	EXPECT_EQ(STAMP, errno) TH_LOG("errno after %s", #call); \
	EXPECT_EQ((long long)(expected), ret_) TH_LOG("%s", #call); \
} while (0)

/* In children, which have no EXPECT(): return the line of the failed check. */
#define CHECK_RET(expected, call) do { \
	if ((call) != (expected)) \
		return __LINE__; \
} while (0)

/* An invalid handle: outputs hold it before a call that fails. */
#define NOT_WRITTEN	((struct mbox *)0xa5a5a5a5)

/* Attributes for a test: the mailbox is gone with its handles, even if the test dies. */
static inline struct mbox_attr test_attr(void)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;

	attr.lifetime = MBOX_LIFETIME_FD;
	return attr;
}

FIXTURE(lib)
{
	char name[MBOX_NAME_SIZE];
	struct mbox *mb, *other;
	struct mbox_info before;
	struct mbox_header header;
	char data[16384];
};

FIXTURE_SETUP(lib)
{
	struct mbox_attr attr = test_attr();

	name_make(self->name);
	attr.capacity = 4;
	attr.mode = 0622;
	umask(0);
	ASSERT_EQ(0, mbox_create(&self->mb, self->name, RIGHTS_BOTH, &attr));
	self->before = info_of(mbox_fd(self->mb));
	self->other = NOT_WRITTEN;
	memset(&self->header, POISON, sizeof(self->header));
	memset(self->data, POISON, sizeof(self->data));
}

FIXTURE_TEARDOWN(lib)
{
	mbox_close(self->mb);
}

#define EXPECT_NOTHING_CHANGED() do { \
	EXPECT_UNCHANGED(mbox_fd(self->mb), &self->before); \
	EXPECT_EQ(NOT_WRITTEN, self->other); \
	EXPECT_TRUE(untouched(&self->header, sizeof(self->header))); \
	EXPECT_TRUE(untouched(self->data, sizeof(self->data))); \
} while (0)

#endif
