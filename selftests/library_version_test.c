// SPDX-License-Identifier: GPL-2.0-only
/* libmbox: errors in words, versions, the calls that the module knows. */
#include "lib/library.h"

#include <limits.h>

/* Each error that a header names has words of its own, and all others have those of the C library. */
TEST(error_words)
{
	static const int errors[] = {
		0, EAGAIN, EBADF, EDQUOT, E2BIG, EEXIST, EFAULT, EIDRM, EINTR, EINVAL, EMSGSIZE,
		ENOENT, ENODEV, ENOMEM, ENOTEMPTY, ENOTTY, EACCES, EPERM, ETIMEDOUT, ENFILE, EMFILE,
		EBUSY, ECANCELED, EDEADLK, EBADMSG, EOPNOTSUPP, EOWNERDEAD, EPIPE, ESHUTDOWN, ESRCH,
		EUSERS, ENOSYS, ENOBUFS, EPROTO, EPROTONOSUPPORT, ERANGE, ELOOP, EREMOTEIO, ESTALE,
	};
	static const int others[] = { EXFULL, EIO, ECHILD };
	static const int unknown[] = { INT_MIN, INT_MAX, -1000, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		const char *text = mbox_strerror(errors[i]);

		ASSERT_NE(NULL, text);
		ASSERT_LT(0, strlen(text));
		EXPECT_NE('.', text[strlen(text) - 1]);
		EXPECT_STREQ(text, mbox_strerror(-errors[i]));
		/* mbox has its own, or there would be no use for the function */
		EXPECT_STRNE(strerrordesc_np(errors[i]), text);
		for (size_t j = 0; j < i; j++)
			EXPECT_STRNE(mbox_strerror(errors[j]), text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_STREQ(strerrordesc_np(others[i]), mbox_strerror(others[i]));
		EXPECT_STREQ(strerrordesc_np(others[i]), mbox_strerror(-others[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		EXPECT_STREQ("unknown error", mbox_strerror(unknown[i]));
}

/* The static library and the header are of one version, and the module of the same one. */
TEST(version)
{
	char text[32], module[32] = "";
	FILE *f;

	snprintf(text, sizeof(text), "%d.%d.%d", MBOX_VERSION_MAJOR, MBOX_VERSION_MINOR, MBOX_VERSION_PATCH);
	EXPECT_STREQ(MBOX_VERSION, text);
	EXPECT_STREQ(MBOX_VERSION, mbox_version());
	EXPECT_TRUE(MBOX_VERSION_CHECK(MBOX_VERSION_MAJOR, MBOX_VERSION_MINOR));
	EXPECT_TRUE(MBOX_VERSION_CHECK(MBOX_VERSION_MAJOR - 1, MBOX_VERSION_MINOR + 1));
	EXPECT_FALSE(MBOX_VERSION_CHECK(MBOX_VERSION_MAJOR, MBOX_VERSION_MINOR + 1));
	EXPECT_FALSE(MBOX_VERSION_CHECK(MBOX_VERSION_MAJOR + 1, 0));
	f = fopen("/sys/module/mbox/version", "re");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(1, fscanf(f, "%31s", module));
	fclose(f);
	EXPECT_STREQ(MBOX_VERSION, module);
}

/* The module knows the calls of each kind of file, and no others. Asking changes nothing. */
TEST_F(lib, has_call)
{
	static const unsigned long factory[] = {
		MBOX_IOC_CREATE, MBOX_IOC_OPEN, MBOX_IOC_LINK, MBOX_IOC_INBOX,
	};
	static const unsigned long handle[] = {
		MBOX_IOC_SEND, MBOX_IOC_RECV, MBOX_IOC_SENDV, MBOX_IOC_RECVV, MBOX_IOC_GET, MBOX_IOC_SET,
		MBOX_IOC_HANDOVER, MBOX_IOC_SHUTDOWN, MBOX_IOC_WAIT,
	};

	for (size_t i = 0; i < ARRAY_SIZE(factory); i++) {
		EXPECT_RET(1, mbox_has_call(NULL, factory[i]));
		EXPECT_RET(0, mbox_has_call(self->mb, factory[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(handle); i++) {
		EXPECT_RET(0, mbox_has_call(NULL, handle[i]));
		EXPECT_RET(1, mbox_has_call(self->mb, handle[i]));
	}
	EXPECT_RET(1, mbox_has_call(NULL, MBOX_IOC_DELETE));
	EXPECT_RET(1, mbox_has_call(self->mb, MBOX_IOC_DELETE));
	/* a later call, a call in another direction, and one that is not of mbox */
	EXPECT_RET(0, mbox_has_call(self->mb, _IOW(MBOX_IOC_TYPE, 255, struct mbox_ioc_send)));
	EXPECT_RET(0, mbox_has_call(self->mb, _IOR(MBOX_IOC_TYPE, 16, struct mbox_ioc_send)));
	EXPECT_RET(-EINVAL, mbox_has_call(self->mb, _IOW('T', 16, struct mbox_ioc_send)));
	EXPECT_RET(-EINVAL, mbox_has_call(self->mb, 0));
	EXPECT_NOTHING_CHANGED();
}

MBOX_TEST_MAIN
