// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module in use cannot be unloaded: a mailbox pins it, with or without handles, and so does every
 * open file. Only the refusal is tested, the module stays.
 */
#include "lib/mbox_test.h"
#include "lib/module.h"

#include <sys/syscall.h>

FIXTURE(module)
{
	char name[MBOX_NAME_SIZE];
	int fd;
};

FIXTURE_SETUP(module)
{
	struct mbox_ioc_open arg;

	if (geteuid())
		SKIP(return, "only root may ask for it");
	if (access("/sys/module/mbox/refcnt", R_OK))
		SKIP(return, "mbox is built into this kernel, or modules cannot be unloaded");
	name_make(self->name);
	arg = open_arg(self->name, 8);
	arg.lifetime = MBOX_LIFETIME_OS;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, put(self->fd, 0, "kept"));
}

FIXTURE_TEARDOWN(module)
{
	close(self->fd);
	delete_name(self->name, MBOX_DELETE_FORCE);
}

static int unload(void)
{
	return syscall(SYS_delete_module, "mbox", O_NONBLOCK) ? -errno : 0;
}

/* To be asked only while something of ours is there to refuse it. */
TEST_F(module, mailbox_and_handle)
{
	struct mbox_info before = info_of(self->fd);

	EXPECT_LT(0, module_pins());
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_STREQ("kept", take(self->fd));
}

TEST_F(module, mailbox_only)
{
	close(self->fd);
	self->fd = -1;
	EXPECT_LT(0, module_pins());
	EXPECT_EQ(-EWOULDBLOCK, unload());
	self->fd = open_name(self->name, RIGHTS_BOTH);
	ASSERT_LE(0, self->fd);
	EXPECT_STREQ("kept", take(self->fd));
}

/* The mailbox is gone, its handle is not. */
TEST_F(module, handle_only)
{
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_LT(0, module_pins());
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
}

TEST_F(module, factory_only)
{
	int factory = factory_open();

	ASSERT_LE(0, factory);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	close(self->fd);
	self->fd = -1;
	EXPECT_LT(0, module_pins());
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(factory);
}

/* References come and go with mailboxes and files; those of others may be seen to do so meanwhile. */
TEST_F(module, references_return)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	int before, fd;
	bool settled = false;

	/* others may run beside us: then it takes more than one look */
	while (!settled && now() < end) {
		before = module_pins();
		fd = box_new(_metadata, 1);
		if (module_pins() <= before) {
			close(fd);
			continue;
		}
		put(fd, 0, "text");
		close(fd);
		settled = module_pins() == before;
	}
	EXPECT_TRUE(settled);
}

MBOX_TEST_MAIN
