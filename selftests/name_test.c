// SPDX-License-Identifier: GPL-2.0-only
/* Valid and invalid names: the same answer from every call that takes one. */
#include "lib/mbox_test.h"

#include <sys/stat.h>

FIXTURE(name)
{
	int factory;
	char unique[MBOX_NAME_SIZE];
};

FIXTURE_VARIANT(name)
{
	unsigned long cmd;
	uint32_t flags;
};

FIXTURE_VARIANT_ADD(name, create) { .cmd = MBOX_IOC_CREATE };
FIXTURE_VARIANT_ADD(name, open) { .cmd = MBOX_IOC_OPEN };
FIXTURE_VARIANT_ADD(name, open_or_create) { .cmd = MBOX_IOC_OPEN, .flags = MBOX_OPEN_CREATE };
FIXTURE_VARIANT_ADD(name, delete) { .cmd = MBOX_IOC_DELETE };

FIXTURE_SETUP(name)
{
	self->factory = factory_open();
	ASSERT_LE(0, self->factory);
	name_make(self->unique);
}

FIXTURE_TEARDOWN(name)
{
	close(self->factory);
}

/* Use the name in a call. Return 0 if it is valid, with or without such a mailbox. */
static int name_try(struct _test_data_name *self, const struct _fixture_variant_name *variant,
		    const char name[MBOX_NAME_SIZE])
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_EMPTY };
	struct mbox_ioc_open open = { .rights = MBOX_RIGHT_RECV };
	int ret;

	if (variant->cmd == MBOX_IOC_DELETE) {
		memcpy(delete.name, name, MBOX_NAME_SIZE);
		ret = xioctl(self->factory, variant->cmd, &delete);
	} else {
		if (variant->cmd == MBOX_IOC_CREATE || variant->flags)
			open = open_arg(NULL, 8);
		open.flags = variant->flags;
		memcpy(open.name, name, MBOX_NAME_SIZE);
		ret = xioctl(self->factory, variant->cmd, &open);
		if (ret >= 0)
			close(ret);
	}
	return ret >= 0 || ret == -ENOENT || ret == -EEXIST || ret == -EACCES || ret == -EPERM ||
	       ret == -ENOTEMPTY ? 0 : ret;
}

static bool is_name_byte(unsigned char c)
{
	return c && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", c);
}

TEST_F(name, every_byte_within)
{
	size_t at = strlen(self->unique);
	char name[MBOX_NAME_SIZE];

	for (int c = 1; c < 256; c++) {
		memcpy(name, self->unique, sizeof(name));
		name[at] = c;
		EXPECT_EQ(is_name_byte(c) ? 0 : -EINVAL, name_try(self, variant, name))
			TH_LOG("byte 0x%02x at the end", c);
		name[at + 1] = 'x';
		EXPECT_EQ(is_name_byte(c) ? 0 : -EINVAL, name_try(self, variant, name))
			TH_LOG("byte 0x%02x before the end", c);
	}
}

TEST_F(name, every_byte_first)
{
	char name[MBOX_NAME_SIZE];

	for (int c = 1; c < 256; c++) {
		int expected = is_name_byte(c) && c != '.' ? 0 : -EINVAL;

		/* deleting a name of one byte might hit somebody else's */
		memset(name, 0, sizeof(name));
		name[0] = c;
		if (variant->cmd == MBOX_IOC_OPEN && !variant->flags) {
			EXPECT_EQ(expected, name_try(self, variant, name))
				TH_LOG("byte 0x%02x alone", c);
		}
		memcpy(name + 1, self->unique, sizeof(name) - 1);
		name[MBOX_NAME_SIZE - 1] = '\0';
		EXPECT_EQ(expected, name_try(self, variant, name))
			TH_LOG("byte 0x%02x first", c);
	}
}

TEST_F(name, longest)
{
	char name[MBOX_NAME_SIZE];

	memcpy(name, self->unique, sizeof(name));
	memset(name + strlen(name), 'x', MBOX_NAME_SIZE - strlen(name));
	/* 64 bytes: not terminated */
	EXPECT_EQ(-EINVAL, name_try(self, variant, name));
	name[MBOX_NAME_SIZE - 1] = '\0';
	EXPECT_EQ(0, name_try(self, variant, name));
}

TEST_F(name, nul_within)
{
	char name[MBOX_NAME_SIZE];

	for (size_t at = strlen(self->unique) + 1; at < MBOX_NAME_SIZE; at++) {
		memcpy(name, self->unique, sizeof(name));
		name[at] = 'x';
		EXPECT_EQ(-EINVAL, name_try(self, variant, name))
			TH_LOG("byte %zu after the NUL", at);
	}
	memset(name, 0, sizeof(name));
	name[MBOX_NAME_SIZE - 1] = 'x';
	EXPECT_EQ(-EINVAL, name_try(self, variant, name));
	memset(name, 0, sizeof(name));
	name[1] = 'x';
	EXPECT_EQ(-EINVAL, name_try(self, variant, name));
}

TEST_F(name, kinds)
{
	static const struct { const char *name; int expected; } kinds[] = {
		{ ".", -EINVAL }, { "..", -EINVAL }, { "../x", -EINVAL }, { "a/b", -EINVAL },
		{ "/a", -EINVAL }, { "a b", -EINVAL }, { " a", -EINVAL }, { "a\n", -EINVAL },
		{ "stra\xc3\x9f" "e", -EINVAL }, { "\xe2\x9c\x89", -EINVAL }, { "a\xff", -EINVAL },
		{ "a%s", -EINVAL }, { "a*", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char name[MBOX_NAME_SIZE] = "";

		strcpy(name, kinds[i].name);
		EXPECT_EQ(kinds[i].expected, name_try(self, variant, name))
			TH_LOG("'%s'", name);
	}
}

TEST_F(name, case_counts)
{
	char upper[MBOX_NAME_SIZE];
	struct mbox_ioc_open arg;
	int fd;

	arg = open_arg(self->unique, 1);
	fd = xioctl(self->factory, MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	memcpy(upper, self->unique, sizeof(upper));
	upper[0] = 'T';
	EXPECT_EQ(-ENOENT, open_name(upper, 0));
	/* nor is a name found by its beginning */
	upper[0] = 't';
	upper[strlen(upper) - 1] = '\0';
	EXPECT_EQ(-ENOENT, open_name(upper, 0));
	close(fd);
}

MBOX_TEST_MAIN
