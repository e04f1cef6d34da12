// SPDX-License-Identifier: GPL-2.0-only
/* GET and netlink tell the creator of a mailbox, also after it was handed over. */
#include "lib/netlink.h"
#include "lib/user.h"

FIXTURE(creator)
{
	char name[MBOX_NAME_SIZE];
	uid_t uid, other;
};

FIXTURE_SETUP(creator)
{
	if (geteuid())
		SKIP(return, "only root can become another user");
	self->uid = spare_uid(0);
	self->other = spare_uid(1);
	name_make(self->name);
}

FIXTURE_TEARDOWN(creator) {}

static void note(const struct nl_reply *reply, void *data)
{
	*(uint32_t *)data = nl_u32(reply, MBOX_A_MAILBOX_CREATOR);
}

/* The creator by netlink, or UINT32_MAX. */
static uint32_t creator_by_netlink(const char *name)
{
	struct nl_request request;
	uint32_t seen = UINT32_MAX;
	struct nl nl;

	if (nl_open(&nl))
		return UINT32_MAX;
	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_GET, 0);
	nl_put_string(&request, MBOX_A_MAILBOX_NAME, name);
	if (nl_talk(&nl, &request, note, &seen))
		seen = UINT32_MAX;
	close(nl.fd);
	return seen;
}

/* The creator is the real uid, whose quota it is; the owner is the effective one. */
static int create_as_other(void *arg)
{
	struct _test_data_creator *self = arg;
	struct mbox_ioc_open open = open_arg(self->name, 4);
	struct mbox_info info;

	open.lifetime = MBOX_LIFETIME_OS;
	if (setresuid(self->uid, self->other, self->other))
		return -errno;
	if (open_call(MBOX_IOC_CREATE, &open) < 0)
		return -EPROTO;
	if (info_get(open_name(self->name, 0), &info))
		return -EPROTO;
	return info.creator == self->uid && info.uid == self->other && !info.handle_mode ? 0 : -EBADMSG;
}

TEST_F(creator, stays)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_UID };
	int fd;

	ASSERT_EQ(0, in_child(create_as_other, self));
	EXPECT_EQ(self->uid, creator_by_netlink(self->name));
	fd = open_name(self->name, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->uid, info_of(fd).creator);
	EXPECT_EQ(self->other, info_of(fd).uid);
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0, info_of(fd).uid);
	EXPECT_EQ(self->uid, info_of(fd).creator);
	EXPECT_EQ(self->uid, creator_by_netlink(self->name));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	/* it is told of a dead one too, as the rest is */
	EXPECT_EQ(self->uid, info_of(fd).creator);
	close(fd);
}

MBOX_TEST_MAIN
