// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family: its answers about a mailbox, its changes, and the attributes that it blames
 * for errors.
 */
#include "lib/child_call.h"
#include "lib/netlink.h"
#include "lib/user.h"

#include <sched.h>

/* The attributes of one mailbox. */
struct seen {
	int times;
	uint64_t id, queued, queued_bytes, peak, peak_bytes, sent, sent_bytes, received, withdrawn,
		dropped, purged, refused, blocked, woken, spin_hits, spin_misses;
	uint32_t uid, mode, capacity, msg_size, handles, state, kind, owner, policy, producer, consumer;
	uint64_t ring, charged;
	char name[MBOX_NAME_SIZE];
};

static void see(const struct nl_reply *reply, void *data)
{
	struct seen *seen = data;
	struct nl_reply ring;

	seen->times++;
	seen->id = nl_u64(reply, MBOX_A_MAILBOX_ID);
	seen->queued = nl_u64(reply, MBOX_A_MAILBOX_QUEUED);
	seen->queued_bytes = nl_u64(reply, MBOX_A_MAILBOX_QUEUED_BYTES);
	seen->peak = nl_u64(reply, MBOX_A_MAILBOX_PEAK);
	seen->peak_bytes = nl_u64(reply, MBOX_A_MAILBOX_PEAK_BYTES);
	seen->sent = nl_u64(reply, MBOX_A_MAILBOX_SENT);
	seen->sent_bytes = nl_u64(reply, MBOX_A_MAILBOX_SENT_BYTES);
	seen->received = nl_u64(reply, MBOX_A_MAILBOX_RECEIVED);
	seen->withdrawn = nl_u64(reply, MBOX_A_MAILBOX_WITHDRAWN);
	seen->dropped = nl_u64(reply, MBOX_A_MAILBOX_DROPPED);
	seen->purged = nl_u64(reply, MBOX_A_MAILBOX_PURGED);
	seen->refused = nl_u64(reply, MBOX_A_MAILBOX_REFUSED);
	seen->blocked = nl_u64(reply, MBOX_A_MAILBOX_BLOCKED);
	seen->woken = nl_u64(reply, MBOX_A_MAILBOX_WOKEN);
	seen->spin_hits = nl_u64(reply, MBOX_A_MAILBOX_SPIN_HITS);
	seen->spin_misses = nl_u64(reply, MBOX_A_MAILBOX_SPIN_MISSES);
	seen->uid = nl_u32(reply, MBOX_A_MAILBOX_UID);
	seen->mode = nl_u32(reply, MBOX_A_MAILBOX_MODE);
	seen->capacity = nl_u32(reply, MBOX_A_MAILBOX_CAPACITY);
	seen->msg_size = nl_u32(reply, MBOX_A_MAILBOX_MSG_SIZE);
	seen->handles = nl_u32(reply, MBOX_A_MAILBOX_HANDLES);
	seen->state = nl_u32(reply, MBOX_A_MAILBOX_STATE);
	seen->kind = nl_u32(reply, MBOX_A_MAILBOX_KIND);
	seen->owner = nl_u32(reply, MBOX_A_MAILBOX_OWNER);
	seen->policy = nl_u32(reply, MBOX_A_MAILBOX_POLICY);
	nl_nested(&ring, reply, MBOX_A_MAILBOX_RING);
	seen->ring = nl_u64(&ring, MBOX_A_RING_SIZE);
	seen->charged = nl_u64(&ring, MBOX_A_RING_CHARGED);
	seen->producer = nl_u32(&ring, MBOX_A_RING_PRODUCER);
	seen->consumer = nl_u32(&ring, MBOX_A_RING_CONSUMER);
	snprintf(seen->name, sizeof(seen->name), "%s", nl_string(reply, MBOX_A_MAILBOX_NAME));
}

FIXTURE(netlink)
{
	struct nl nl;
	struct nl_request request;
	char name[MBOX_NAME_SIZE];
	uint64_t id;
	int fd;
	struct seen seen;
};

FIXTURE_SETUP(netlink)
{
	ASSERT_EQ(0, nl_open(&self->nl));
	self->fd = box_new_named(_metadata, 4, self->name);
	self->id = info_of(self->fd).id;
}

FIXTURE_TEARDOWN(netlink)
{
	close(self->nl.fd);
	close(self->fd);
}

/* A request about the mailbox, by name. */
static void begin(struct _test_data_netlink *self, uint8_t cmd)
{
	nl_begin(&self->request, self->nl.family, cmd, 0);
	nl_put_string(&self->request, MBOX_A_MAILBOX_NAME, self->name);
}

static int talk(struct _test_data_netlink *self)
{
	memset(&self->seen, 0, sizeof(self->seen));
	return nl_talk(&self->nl, &self->request, see, &self->seen);
}

static int get(struct _test_data_netlink *self)
{
	begin(self, MBOX_CMD_MAILBOX_GET);
	return talk(self);
}

TEST_F(netlink, tells_of_a_mailbox_by_its_name_or_id)
{
	ASSERT_EQ(0, put(self->fd, 3, "hello"));
	ASSERT_EQ(0, put(self->fd, 0, "you"));
	EXPECT_STREQ("hello", take(self->fd));

	ASSERT_EQ(0, get(self));
	EXPECT_EQ(1, self->seen.times);
	EXPECT_STREQ(self->name, self->seen.name);
	EXPECT_EQ(self->id, self->seen.id);
	EXPECT_EQ(1, self->seen.queued);
	EXPECT_EQ(3, self->seen.queued_bytes);
	EXPECT_EQ(2, self->seen.peak);
	EXPECT_EQ(8, self->seen.peak_bytes);
	EXPECT_EQ(2, self->seen.sent);
	EXPECT_EQ(8, self->seen.sent_bytes);
	EXPECT_EQ(1, self->seen.received);
	EXPECT_EQ(0, self->seen.dropped);
	EXPECT_EQ(0, self->seen.purged);
	EXPECT_EQ(0, self->seen.refused);
	EXPECT_EQ(geteuid(), self->seen.uid);
	EXPECT_EQ(0600, self->seen.mode);
	EXPECT_EQ(4, self->seen.capacity);
	EXPECT_EQ(MBOX_MSG_SIZE_DEFAULT, self->seen.msg_size);
	EXPECT_EQ(1, self->seen.handles);
	EXPECT_EQ(MBOX_STATE_LIVE, self->seen.state);
	EXPECT_EQ(MBOX_KIND_MAILBOX, self->seen.kind);
	EXPECT_EQ(UINT32_MAX, self->seen.owner);
	EXPECT_EQ(UINT64_MAX, self->seen.ring);

	nl_begin(&self->request, self->nl.family, MBOX_CMD_MAILBOX_GET, 0);
	nl_put_u64(&self->request, MBOX_A_MAILBOX_ID, self->id);
	ASSERT_EQ(0, talk(self));
	EXPECT_STREQ(self->name, self->seen.name);
}

TEST_F(netlink, counts_waiters_and_wakeups)
{
	struct mbox_ioc_recv arg = { .clock = MBOX_CLOCK_MONOTONIC, .deadline = 1 };

	EXPECT_EQ(-ETIMEDOUT, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	ASSERT_EQ(0, get(self));
	EXPECT_EQ(1, self->seen.blocked);
	EXPECT_EQ(0, self->seen.woken);
	/* the first receive of a handle does not poll; see spin_test for others */
	EXPECT_EQ(0, self->seen.spin_hits);
	EXPECT_EQ(0, self->seen.spin_misses);
}

TEST_F(netlink, tells_of_a_ring_and_its_sides)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	int fd, other;

	name_make(self->name);
	name_copy(arg.name, self->name);
	arg.ring = 65536;
	arg.rights = MBOX_RIGHT_SEND;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, get(self));
	EXPECT_EQ(MBOX_KIND_RING, self->seen.kind);
	EXPECT_EQ(65536, self->seen.ring);
	EXPECT_EQ(65536, self->seen.charged);
	EXPECT_EQ(getpid(), self->seen.producer);
	EXPECT_EQ(UINT32_MAX, self->seen.consumer);
	other = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, get(self));
	EXPECT_EQ(getpid(), self->seen.consumer);

	begin(self, MBOX_CMD_MAILBOX_PURGE);
	EXPECT_EQ(-EOPNOTSUPP, talk(self));
	EXPECT_STREQ("a ring cannot be purged", self->nl.said);
	begin(self, MBOX_CMD_MAILBOX_SET);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_CAPACITY, 1);
	EXPECT_EQ(-EOPNOTSUPP, talk(self));
	close(fd);
	close(other);
}

TEST_F(netlink, tells_of_the_owner_and_the_policy)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1);
	int fd;

	name_make(self->name);
	name_copy(arg.name, self->name);
	arg.lifetime = MBOX_LIFETIME_PROCESS;
	arg.policy = MBOX_POLICY_RR;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, get(self));
	EXPECT_EQ(getpid(), self->seen.owner);
	EXPECT_EQ(MBOX_POLICY_RR, self->seen.policy);
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	close(fd);
}

/* Requests that are refused: by which attribute, in which words. */
FIXTURE(bad)
{
	struct nl nl;
	struct nl_request request;
	char name[MBOX_NAME_SIZE];
	int fd;
};

FIXTURE_VARIANT(bad)
{
	uint8_t cmd;
	bool named;
	uint16_t attr;			/* 0: none */
	size_t size;			/* of it, in bytes */
	uint64_t value;
	const char *text;		/* or this */
	int ret;
	uint16_t blamed;
	const char *said;		/* NULL: the kernel's own words */
};

FIXTURE_VARIANT_ADD(bad, nothing_named) {
	.cmd = MBOX_CMD_MAILBOX_GET, .ret = -EINVAL, .said = "id or name is missing" };
FIXTURE_VARIANT_ADD(bad, id_and_name) {
	.cmd = MBOX_CMD_MAILBOX_GET, .named = true, .attr = MBOX_A_MAILBOX_ID, .size = 8, .value = 1,
	.ret = -EINVAL, .blamed = MBOX_A_MAILBOX_NAME, .said = "either id or name, not both" };
FIXTURE_VARIANT_ADD(bad, no_such_id) {
	.cmd = MBOX_CMD_MAILBOX_GET, .attr = MBOX_A_MAILBOX_ID, .size = 8, .value = UINT64_MAX - 7,
	.ret = -ENOENT, .blamed = MBOX_A_MAILBOX_ID, .said = "there is no mailbox of that id" };
FIXTURE_VARIANT_ADD(bad, no_such_name) {
	.cmd = MBOX_CMD_MAILBOX_GET, .attr = MBOX_A_MAILBOX_NAME, .text = "no-such-mailbox",
	.ret = -ENOENT, .blamed = MBOX_A_MAILBOX_NAME, .said = "there is no mailbox of that name" };
FIXTURE_VARIANT_ADD(bad, name_too_long) {
	.cmd = MBOX_CMD_MAILBOX_GET, .attr = MBOX_A_MAILBOX_NAME,
	.text = "0123456789012345678901234567890123456789012345678901234567890123",
	.ret = -EINVAL, .blamed = MBOX_A_MAILBOX_NAME };
FIXTURE_VARIANT_ADD(bad, short_id) {
	.cmd = MBOX_CMD_MAILBOX_GET, .attr = MBOX_A_MAILBOX_ID, .size = 4, .value = 1,
	.ret = -EINVAL, .blamed = MBOX_A_MAILBOX_ID };
FIXTURE_VARIANT_ADD(bad, attribute_of_another_call) {
	.cmd = MBOX_CMD_MAILBOX_GET, .named = true, .attr = MBOX_A_MAILBOX_MODE, .size = 4,
	.ret = -EINVAL, .blamed = MBOX_A_MAILBOX_MODE };
FIXTURE_VARIANT_ADD(bad, attribute_of_the_dump) {
	.cmd = MBOX_CMD_MAILBOX_GET, .named = true, .attr = MBOX_A_MAILBOX_KIND, .size = 4,
	.value = MBOX_KIND_INBOX, .ret = -EINVAL, .blamed = MBOX_A_MAILBOX_KIND };
FIXTURE_VARIANT_ADD(bad, attribute_of_the_future) {
	.cmd = MBOX_CMD_MAILBOX_GET, .named = true, .attr = MBOX_A_MAILBOX_MAX + 1, .size = 4,
	.ret = -EINVAL, .blamed = MBOX_A_MAILBOX_MAX + 1 };
FIXTURE_VARIANT_ADD(bad, set_nothing) {
	.cmd = MBOX_CMD_MAILBOX_SET, .named = true, .ret = -EINVAL, .said = "nothing is to be set" };
FIXTURE_VARIANT_ADD(bad, set_mode) {
	.cmd = MBOX_CMD_MAILBOX_SET, .named = true, .attr = MBOX_A_MAILBOX_MODE, .size = 4, .value = 0777,
	.ret = -EINVAL, .blamed = MBOX_A_MAILBOX_MODE, .said = "mode: only the bits of 0666" };
FIXTURE_VARIANT_ADD(bad, set_capacity) {
	.cmd = MBOX_CMD_MAILBOX_SET, .named = true, .attr = MBOX_A_MAILBOX_CAPACITY, .size = 4,
	.value = MBOX_CAPACITY_MAX + 1, .ret = -EINVAL, .blamed = MBOX_A_MAILBOX_CAPACITY,
	.said = "capacity: out of range" };
FIXTURE_VARIANT_ADD(bad, set_msg_size) {
	.cmd = MBOX_CMD_MAILBOX_SET, .named = true, .attr = MBOX_A_MAILBOX_MSG_SIZE, .size = 4,
	.value = UINT32_MAX, .ret = -EINVAL, .blamed = MBOX_A_MAILBOX_MSG_SIZE,
	.said = "msg-size: more than the parameter max_msg_size" };
FIXTURE_VARIANT_ADD(bad, set_bytes) {
	.cmd = MBOX_CMD_MAILBOX_SET, .named = true, .attr = MBOX_A_MAILBOX_BYTES, .size = 8, .value = 5,
	.ret = -EINVAL, .blamed = MBOX_A_MAILBOX_BYTES, .said = "bytes: less than the longest message" };
FIXTURE_VARIANT_ADD(bad, set_uid) {
	.cmd = MBOX_CMD_MAILBOX_SET, .named = true, .attr = MBOX_A_MAILBOX_UID, .size = 4,
	.value = UINT32_MAX, .ret = -EINVAL, .blamed = MBOX_A_MAILBOX_UID,
	.said = "uid: not in the user namespace" };
FIXTURE_VARIANT_ADD(bad, set_gid) {
	.cmd = MBOX_CMD_MAILBOX_SET, .named = true, .attr = MBOX_A_MAILBOX_GID, .size = 4,
	.value = UINT32_MAX, .ret = -EINVAL, .blamed = MBOX_A_MAILBOX_GID,
	.said = "gid: not in the user namespace" };
FIXTURE_VARIANT_ADD(bad, delete_how) {
	.cmd = MBOX_CMD_MAILBOX_DELETE, .named = true, .attr = MBOX_A_MAILBOX_HOW, .size = 4, .value = 4,
	.ret = -ERANGE, .blamed = MBOX_A_MAILBOX_HOW };
FIXTURE_VARIANT_ADD(bad, delete_with_messages) {
	.cmd = MBOX_CMD_MAILBOX_DELETE, .named = true, .ret = -ENOTEMPTY, .said = "messages are queued" };
FIXTURE_VARIANT_ADD(bad, unknown_call) {
	.cmd = MBOX_CMD_MAX + 1, .named = true, .ret = -EOPNOTSUPP };

FIXTURE_SETUP(bad)
{
	ASSERT_EQ(0, nl_open(&self->nl));
	self->fd = box_new_named(_metadata, 4, self->name);
	ASSERT_EQ(0, put(self->fd, 0, "kept"));
}

FIXTURE_TEARDOWN(bad)
{
	close(self->nl.fd);
	close(self->fd);
}

TEST_F(bad, request_is_explained_and_changes_nothing)
{
	struct mbox_info before = info_of(self->fd);
	uint32_t low = variant->value;

	nl_begin(&self->request, self->nl.family, variant->cmd, 0);
	if (variant->named)
		nl_put_string(&self->request, MBOX_A_MAILBOX_NAME, self->name);
	if (variant->text)
		nl_put_string(&self->request, variant->attr, variant->text);
	else if (variant->attr)
		nl_put(&self->request, variant->attr,
		       variant->size == sizeof(low) ? (const void *)&low : &variant->value, variant->size);
	EXPECT_EQ(variant->ret, nl_talk(&self->nl, &self->request, NULL, NULL));
	EXPECT_EQ(variant->blamed, self->nl.blamed);
	if (variant->said)
		EXPECT_STREQ(variant->said, self->nl.said);
	EXPECT_UNCHANGED(self->fd, &before);
}

TEST_F(netlink, sets_attributes)
{
	struct mbox_info info;

	begin(self, MBOX_CMD_MAILBOX_SET);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_MODE, 0640);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_CAPACITY, 9);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_MSG_SIZE, 100);
	nl_put_u64(&self->request, MBOX_A_MAILBOX_BYTES, 1000);
	ASSERT_EQ(0, talk(self));
	info = info_of(self->fd);
	EXPECT_EQ(0640, info.mode);
	EXPECT_EQ(9, info.capacity);
	EXPECT_EQ(100, info.msg_size);
	EXPECT_EQ(1000, info.bytes);
	EXPECT_EQ(geteuid(), info.uid);

	begin(self, MBOX_CMD_MAILBOX_SET);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_CAPACITY, MBOX_CAPACITY_ZERO);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(MBOX_CAPACITY_ZERO, info_of(self->fd).capacity);
}

TEST_F(netlink, deletes_as_the_device_does)
{
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	begin(self, MBOX_CMD_MAILBOX_DELETE);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_HOW, MBOX_DELETE_DRAIN);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(2, self->seen.queued);
	EXPECT_EQ(0, self->seen.dropped);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd).state);
	/* It keeps its name as long as it lives. */
	EXPECT_EQ(0, get(self));

	nl_begin(&self->request, self->nl.family, MBOX_CMD_MAILBOX_DELETE, 0);
	nl_put_u64(&self->request, MBOX_A_MAILBOX_ID, self->id);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_HOW, MBOX_DELETE_FORCE);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(2, self->seen.queued);
	EXPECT_EQ(2, self->seen.dropped);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	nl_begin(&self->request, self->nl.family, MBOX_CMD_MAILBOX_GET, 0);
	nl_put_u64(&self->request, MBOX_A_MAILBOX_ID, self->id);
	EXPECT_EQ(-ENOENT, talk(self));
}

TEST_F(netlink, purges_queue)
{
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, put(self->fd, i, "text"));
	begin(self, MBOX_CMD_MAILBOX_PURGE);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(4, self->seen.purged);
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_EQ(4, info_of(self->fd).dropped);
	EXPECT_BALANCED(self->fd);
	EXPECT_STREQ("EAGAIN", take(self->fd));
	ASSERT_EQ(0, get(self));
	EXPECT_EQ(4, self->seen.purged);
	EXPECT_EQ(4, self->seen.peak);
	begin(self, MBOX_CMD_MAILBOX_PURGE);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(0, self->seen.purged);
}

TEST_F(netlink, purges_more_than_one_batch)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = 1000 };

	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(0, put(self->fd, i % 3, "text"));
	begin(self, MBOX_CMD_MAILBOX_PURGE);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(1000, self->seen.purged);
	EXPECT_BALANCED(self->fd);
}

TEST_F(netlink, tells_the_synchronous_sender_that_its_message_was_purged)
{
	struct call *call = send_start_flags(self->fd, MBOX_SEND_SYNC, 0, "late");

	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	begin(self, MBOX_CMD_MAILBOX_PURGE);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(1, self->seen.purged);
	EXPECT_EQ(-ECANCELED, call_end(call));
	EXPECT_BALANCED(self->fd);
}

TEST_F(netlink, purge_admits_senders)
{
	struct call *call;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, put(self->fd, 0, "text"));
	call = send_start(self->fd, 0, "late");
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	begin(self, MBOX_CMD_MAILBOX_PURGE);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(4, self->seen.purged);
	EXPECT_EQ(0, call_end(call));
	EXPECT_STREQ("late", take(self->fd));
}

TEST_F(netlink, purges_the_deliveries_of_a_broadcast)
{
	struct mbox_ioc_open arg = open_arg(NULL, 100);
	int fd, other;

	name_make(self->name);
	name_copy(arg.name, self->name);
	arg.policy = MBOX_POLICY_BROADCAST;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	other = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, other);
	for (int i = 0; i < 70; i++)
		ASSERT_EQ(2, put(fd, 0, "news"));
	EXPECT_STREQ("news", take(other));
	begin(self, MBOX_CMD_MAILBOX_PURGE);
	ASSERT_EQ(0, talk(self));
	EXPECT_EQ(139, self->seen.purged);
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_EQ(139, info_of(fd).lost);
	EXPECT_EQ(69, info_of(fd).dropped);
	EXPECT_EQ(1, info_of(fd).received);
	EXPECT_BALANCED(fd);
	ASSERT_EQ(0, get(self));
	EXPECT_EQ(69, self->seen.purged);
	close(fd);
	close(other);
}

/* Others, with their own sockets. */

static int as_other(void *arg)
{
	struct _test_data_netlink *self = arg;
	int ret;

	if (become(12345, 12345) || nl_open(&self->nl))
		return 1;
	ret = get(self);
	if (ret)
		return ret;
	begin(self, MBOX_CMD_MAILBOX_PURGE);
	if (talk(self) != -EPERM)
		return 2;
	begin(self, MBOX_CMD_MAILBOX_DELETE);
	if (talk(self) != -EPERM)
		return 3;
	begin(self, MBOX_CMD_MAILBOX_SET);
	nl_put_u32(&self->request, MBOX_A_MAILBOX_MODE, 0666);
	return talk(self) == -EPERM ? 0 : 4;
}

TEST_F(netlink, hidden_by_mode)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MODE, .mode = 0602 };

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	EXPECT_EQ(-ENOENT, in_child(as_other, self));
	/* A sender sees it, but does not own it. */
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(0, in_child(as_other, self));
}

static int in_new_namespace(void *arg)
{
	struct _test_data_netlink *self = arg;

	if (unshare(CLONE_NEWNET) || nl_open(&self->nl))
		return 1;
	return get(self);
}

TEST_F(netlink, knows_the_mailboxes_of_its_namespace_only)
{
	if (geteuid())
		SKIP(return, "only root can make network namespaces");
	EXPECT_EQ(-ENOENT, in_child(in_new_namespace, self));
}

MBOX_TEST_MAIN
