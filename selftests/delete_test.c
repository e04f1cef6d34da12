// SPDX-License-Identifier: GPL-2.0-only
/* Deleting: four ways, with and without messages and handles; and the end of blocked calls. */
#include "lib/child.h"
#include "lib/user.h"

static int delete_call(const char *name, uint32_t how, struct mbox_ioc_delete *arg)
{
	int factory = factory_open(), ret;

	*arg = (struct mbox_ioc_delete) { .how = how };
	memset(&arg->queued, POISON, 16);
	name_copy(arg->name, name);
	ret = xioctl(factory, MBOX_IOC_DELETE, arg);
	close(factory);
	return ret;
}

/* A mailbox that lives until it is deleted, so that it may be without any handle. */
FIXTURE(delete)
{
	char name[MBOX_NAME_SIZE];
	int fd;				/* -1 if there is no handle */
	struct mbox_ioc_delete arg;
};

FIXTURE_VARIANT(delete)
{
	uint32_t how;
	int messages;
	bool handle;
	uint32_t rights;
	/* expected */
	int ret;
	uint64_t dropped;
	uint32_t state;			/* of a process with a handle */
	bool keeps_name;		/* until the queue is empty */
};

#define GONE	MBOX_STATE_DEAD

FIXTURE_VARIANT_ADD(delete, empty_idle) {
	.how = MBOX_DELETE_EMPTY, .ret = 0 };
FIXTURE_VARIANT_ADD(delete, empty_queued) {
	.how = MBOX_DELETE_EMPTY, .messages = 3, .ret = -ENOTEMPTY };
FIXTURE_VARIANT_ADD(delete, empty_idle_open) {
	.how = MBOX_DELETE_EMPTY, .handle = true, .rights = RIGHTS_BOTH, .ret = 0, .state = GONE };
FIXTURE_VARIANT_ADD(delete, empty_queued_open) {
	.how = MBOX_DELETE_EMPTY, .messages = 3, .handle = true, .rights = RIGHTS_BOTH,
	.ret = -ENOTEMPTY, .state = MBOX_STATE_LIVE };
FIXTURE_VARIANT_ADD(delete, drain_idle) {
	.how = MBOX_DELETE_DRAIN, .ret = 0 };
FIXTURE_VARIANT_ADD(delete, drain_queued) {
	.how = MBOX_DELETE_DRAIN, .messages = 3, .ret = 0, .keeps_name = true };
FIXTURE_VARIANT_ADD(delete, drain_idle_open) {
	.how = MBOX_DELETE_DRAIN, .handle = true, .rights = RIGHTS_BOTH, .ret = 0, .state = GONE };
FIXTURE_VARIANT_ADD(delete, drain_queued_open) {
	.how = MBOX_DELETE_DRAIN, .messages = 3, .handle = true, .rights = RIGHTS_BOTH, .ret = 0,
	.keeps_name = true, .state = MBOX_STATE_DRAINING };
FIXTURE_VARIANT_ADD(delete, drain_queued_sender_only) {
	.how = MBOX_DELETE_DRAIN, .messages = 3, .handle = true, .rights = MBOX_RIGHT_SEND,
	.ret = 0, .keeps_name = true, .state = MBOX_STATE_DRAINING };
FIXTURE_VARIANT_ADD(delete, force_idle) {
	.how = MBOX_DELETE_FORCE, .ret = 0 };
FIXTURE_VARIANT_ADD(delete, force_queued) {
	.how = MBOX_DELETE_FORCE, .messages = 3, .ret = 0, .dropped = 3 };
FIXTURE_VARIANT_ADD(delete, force_idle_open) {
	.how = MBOX_DELETE_FORCE, .handle = true, .rights = RIGHTS_BOTH, .ret = 0, .state = GONE };
FIXTURE_VARIANT_ADD(delete, force_queued_open) {
	.how = MBOX_DELETE_FORCE, .messages = 3, .handle = true, .rights = RIGHTS_BOTH, .ret = 0,
	.dropped = 3, .state = GONE };
FIXTURE_VARIANT_ADD(delete, unlink_idle) {
	.how = MBOX_DELETE_UNLINK, .ret = 0 };
FIXTURE_VARIANT_ADD(delete, unlink_queued) {
	.how = MBOX_DELETE_UNLINK, .messages = 3, .ret = 0, .dropped = 3 };
FIXTURE_VARIANT_ADD(delete, unlink_idle_open) {
	.how = MBOX_DELETE_UNLINK, .handle = true, .rights = 0, .ret = 0,
	.state = MBOX_STATE_UNLINKED };
FIXTURE_VARIANT_ADD(delete, unlink_queued_open) {
	.how = MBOX_DELETE_UNLINK, .messages = 3, .handle = true, .rights = RIGHTS_BOTH, .ret = 0,
	.state = MBOX_STATE_UNLINKED };

FIXTURE_SETUP(delete)
{
	struct mbox_ioc_open arg;
	int fd;

	name_make(self->name);
	arg = open_arg(self->name, 8);
	arg.lifetime = MBOX_LIFETIME_OS;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	for (int i = 0; i < variant->messages; i++) {
		ASSERT_EQ(0, put(fd, i, "text"));
	}
	self->fd = variant->handle ? open_name(self->name, variant->rights) : -1;
	close(fd);
}

FIXTURE_TEARDOWN(delete)
{
	close(self->fd);
	delete_name(self->name, MBOX_DELETE_FORCE);
}

static void expect_deleted(struct __test_metadata *_metadata, struct _test_data_delete *self,
			   const struct _fixture_variant_delete *variant)
{
	EXPECT_EQ((uint64_t)variant->messages, self->arg.queued);
	if (variant->ret) {
		int fd = open_name(self->name, RIGHTS_BOTH);

		ASSERT_LE(0, fd);
		EXPECT_EQ(MBOX_STATE_LIVE, info_of(fd).state);
		EXPECT_EQ((uint64_t)variant->messages, info_of(fd).queued);
		EXPECT_EQ(0, info_of(fd).dropped);
		for (int i = 0; i < variant->messages; i++) {
			EXPECT_STREQ("text", take(fd));
		}
		close(fd);
		return;
	}
	EXPECT_EQ(variant->dropped, self->arg.dropped);
	if (variant->keeps_name) {
		EXPECT_EQ(-EIDRM, open_name(self->name, MBOX_RIGHT_SEND));
		EXPECT_EQ(-ENOTEMPTY, delete_name(self->name, MBOX_DELETE_EMPTY));
	} else {
		EXPECT_EQ(-ENOENT, open_name(self->name, 0));
		EXPECT_EQ(-ENOENT, delete_name(self->name, MBOX_DELETE_FORCE));
	}
	if (variant->handle) {
		struct mbox_info info = info_of(self->fd);

		EXPECT_EQ(variant->state, info.state);
		EXPECT_STREQ(self->name, info.name);
		EXPECT_EQ(variant->dropped, info.dropped);
		EXPECT_EQ(variant->messages - variant->dropped, info.queued);
		EXPECT_EQ(1, info.handles);
		EXPECT_BALANCED(self->fd);
	}
}

TEST_F(delete, by_name)
{
	EXPECT_EQ(variant->ret, delete_call(self->name, variant->how, &self->arg));
	expect_deleted(_metadata, self, variant);
}

TEST_F(delete, by_handle)
{
	/* without one there is the name only */
	if (!variant->handle)
		return;
	self->arg = (struct mbox_ioc_delete) { .how = variant->how };
	memset(&self->arg.queued, POISON, 16);
	EXPECT_EQ(variant->ret, xioctl(self->fd, MBOX_IOC_DELETE, &self->arg));
	expect_deleted(_metadata, self, variant);
}

/* Calls afterwards succeed or fail as the state demands. */
TEST_F(delete, afterwards)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0640 };
	bool receives = variant->rights & MBOX_RIGHT_RECV;

	/* without a handle nothing is left; without a deletion all is as it was */
	if (!variant->handle || variant->ret)
		return;
	ASSERT_EQ(0, delete_call(self->name, variant->how, &self->arg));
	if (variant->state == MBOX_STATE_UNLINKED) {
		EXPECT_EQ(receives ? 0 : -EBADF, put(self->fd, 9, "more"));
		EXPECT_STREQ(receives ? "more" : "EBADF", take(self->fd));
		EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	} else {
		EXPECT_EQ(-EIDRM, put(self->fd, 0, "more"));
	}
	if (variant->state != GONE) {
		int in = receives || !variant->messages ? self->fd :
			 open_name(self->name, MBOX_RIGHT_RECV);

		for (int i = 0; i < variant->messages; i++) {
			EXPECT_STREQ("text", take(in));
		}
		if (in != self->fd)
			close(in);
	}
	if (variant->state == MBOX_STATE_UNLINKED) {
		EXPECT_STREQ(receives ? "EAGAIN" : "EBADF", take(self->fd));
		EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_EMPTY));
	}
	/* all is over */
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_STREQ(receives ? "EIDRM" : "EBADF", take(self->fd));
	EXPECT_EQ(-EIDRM, xioctl(self->fd, MBOX_IOC_SET, &set));
	for (uint32_t how = MBOX_DELETE_EMPTY; how <= MBOX_DELETE_UNLINK; how++) {
		EXPECT_EQ(-EIDRM, delete_fd(self->fd, how));
	}
	EXPECT_BALANCED(self->fd);
}

/*
 * The name can be used again at once, even while the old mailbox lives: unless the name is needed
 * to receive its queue, because nobody has a handle.
 */
TEST_F(delete, name_is_free)
{
	struct mbox_ioc_open arg = open_arg(self->name, 8);
	int fd;

	if (delete_call(self->name, variant->how, &self->arg)) {
		EXPECT_EQ(-EEXIST, open_call(MBOX_IOC_CREATE, &arg));
		return;
	}
	if (variant->keeps_name && !(variant->rights & MBOX_RIGHT_RECV)) {
		int in;

		EXPECT_EQ(-EEXIST, open_call(MBOX_IOC_CREATE, &arg));
		in = open_name(self->name, MBOX_RIGHT_RECV);
		for (int i = 0; i < variant->messages; i++) {
			EXPECT_STREQ("text", take(in));
		}
		close(in);
	}
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, info_of(fd).queued);
	if (self->fd >= 0) {
		EXPECT_NE(info_of(self->fd).id, info_of(fd).id);
		/* the old one does not take it along when it goes */
		delete_fd(self->fd, MBOX_DELETE_FORCE);
		close(self->fd);
		self->fd = -1;
	}
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(fd).state);
	EXPECT_LE(0, open_name(self->name, 0));
	close(fd);
}

TEST(nothing_there)
{
	struct mbox_ioc_delete arg, was;
	char name[MBOX_NAME_SIZE];
	int fd;

	name_make(name);
	for (uint32_t how = MBOX_DELETE_EMPTY; how <= MBOX_DELETE_UNLINK; how++) {
		EXPECT_EQ(-ENOENT, delete_call(name, how, &arg));
		EXPECT_TRUE(untouched(&arg.queued, 16));
	}
	/* on a handle there is no name to be given, not even its own */
	was = arg = (struct mbox_ioc_delete) { .how = MBOX_DELETE_FORCE };
	fd = box_new_named(_metadata, 8, name);
	name_copy(arg.name, name);
	name_copy(was.name, name);
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_DELETE, &arg));
	EXPECT_EQ(0, memcmp(&was, &arg, sizeof(arg)));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(fd).state);
	/* and on a factory there has to be one */
	EXPECT_EQ(-EINVAL, delete_name("", MBOX_DELETE_FORCE));
	close(fd);
}

/* A call that fails writes no results. */
struct refused {
	char name[MBOX_NAME_SIZE];
	struct mbox_ioc_delete by_name, by_handle;
	uid_t uid;
};

static int delete_as_stranger(void *arg)
{
	struct refused *refused = arg;
	int ret = become(refused->uid, refused->uid), fd;

	if (ret)
		return ret;
	ret = delete_call(refused->name, MBOX_DELETE_FORCE, &refused->by_name);
	if (ret != -EPERM)
		return -EBADMSG;
	fd = open_name(refused->name, MBOX_RIGHT_SEND);
	if (fd < 0)
		return fd;
	refused->by_handle.how = MBOX_DELETE_FORCE;
	memset(&refused->by_handle.queued, POISON, 16);
	return xioctl(fd, MBOX_IOC_DELETE, &refused->by_handle);
}

TEST(refused_outputs)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0622 };
	struct refused *refused = shared_alloc(sizeof(*refused));
	struct mbox_ioc_delete again = { .how = MBOX_DELETE_FORCE };
	int fd = box_new_named(_metadata, 8, refused->name);

	if (geteuid())
		SKIP(return, "only root can become another user");
	refused->uid = spare_uid(0);
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(-EPERM, in_child(delete_as_stranger, refused));
	EXPECT_TRUE(untouched(&refused->by_name.queued, 16));
	EXPECT_TRUE(untouched(&refused->by_handle.queued, 16));
	EXPECT_STREQ("text", peek(fd));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	memset(&again.queued, POISON, 16);
	EXPECT_EQ(-EIDRM, xioctl(fd, MBOX_IOC_DELETE, &again));
	EXPECT_TRUE(untouched(&again.queued, 16));
	close(fd);
}

MBOX_TEST_MAIN
