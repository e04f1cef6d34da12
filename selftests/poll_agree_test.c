// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll() and the calls agree: for every state of a mailbox and every kind of handle, poll() reports
 * an event exactly where a call that does not block succeeds (a send: of the largest size, with
 * priority 0); and a loop that follows poll() does not spin.
 */
#include "lib/child_call.h"
#include "lib/peer.h"
#include "lib/poll.h"

static const char zeros[POLL_SIZE];

/* The call of another process on the mailbox, meanwhile. */
enum other {
	NOBODY,
	RECEIVER,			/* is blocked in a receive of anything */
	SHORT_RECEIVER,			/* with a buffer too small for the largest */
	SELECTIVE,			/* of a type that nobody sends */
	SENDER,				/* is blocked in a send of the largest */
	SYNC,				/* in one that is synchronous */
};

FIXTURE(agree)
{
	char name[MBOX_NAME_SIZE];
	int fds[8], nr_fds;
	struct call *call;
};

FIXTURE_VARIANT(agree)
{
	uint32_t capacity;
	uint64_t bytes;
	uint32_t policy, options, max_procs;
	bool subscribed;		/* another handle receives broadcasts */
	int fill;			/* messages, of 10 bytes */
	enum other other;
	uint32_t delete;		/* 1 + MBOX_DELETE_* */
	bool only;			/* there is but the handle that is asked, when it is */
	bool recv, send;		/* expected: whether a handle with both rights succeeds */
};

FIXTURE_VARIANT_ADD(agree, empty) { .capacity = 4, .send = true };
FIXTURE_VARIANT_ADD(agree, some) { .capacity = 4, .fill = 2, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, full) { .capacity = 4, .fill = 4, .recv = true };
FIXTURE_VARIANT_ADD(agree, room_for_less) {
	.capacity = 9, .bytes = POLL_SIZE, .fill = 3, .recv = true };
FIXTURE_VARIANT_ADD(agree, full_by_bytes) {
	.capacity = 99, .bytes = POLL_SIZE, .fill = 10, .recv = true };
FIXTURE_VARIANT_ADD(agree, room_by_bytes) {
	.capacity = 99, .bytes = 2 * POLL_SIZE, .fill = 10, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unbounded) {
	.capacity = MBOX_CAPACITY_UNBOUNDED, .fill = 9, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, waited_for) { .capacity = 4, .other = RECEIVER, .send = true };
FIXTURE_VARIANT_ADD(agree, zero) { .send = false };
FIXTURE_VARIANT_ADD(agree, zero_receiver) { .other = RECEIVER, .send = true };
FIXTURE_VARIANT_ADD(agree, zero_short) { .other = SHORT_RECEIVER };
FIXTURE_VARIANT_ADD(agree, zero_selective) { .other = SELECTIVE };
FIXTURE_VARIANT_ADD(agree, zero_sender) { .other = SENDER, .recv = true };
FIXTURE_VARIANT_ADD(agree, full_sender) {
	.capacity = 2, .fill = 2, .other = SENDER, .recv = true };
FIXTURE_VARIANT_ADD(agree, behind_a_sender) {
	.capacity = 9, .bytes = POLL_SIZE, .fill = 1, .other = SENDER, .recv = true };
FIXTURE_VARIANT_ADD(agree, sync) { .capacity = 4, .other = SYNC, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, alone) {
	.capacity = 4, .options = MBOX_OPTION_EXCLUSIVE, .fill = 1, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, busy) {
	.capacity = 4, .options = MBOX_OPTION_EXCLUSIVE, .fill = 1, .other = SELECTIVE,
	.send = true };
FIXTURE_VARIANT_ADD(agree, places) {
	.capacity = 4, .max_procs = 1, .fill = 1, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unlinked) {
	.capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_UNLINK, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unlinked_only) {
	.capacity = 4, .delete = 1 + MBOX_DELETE_UNLINK, .only = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unlinked_only_fill) {
	.capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_UNLINK, .only = true, .recv = true,
	.send = true };
FIXTURE_VARIANT_ADD(agree, draining) {
	.capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_DRAIN, .recv = true };
FIXTURE_VARIANT_ADD(agree, dead) { .capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_FORCE };
FIXTURE_VARIANT_ADD(agree, broadcast) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_some) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .fill = 2,
	.recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_full) {
	.capacity = 2, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .fill = 2,
	.recv = true };
FIXTURE_VARIANT_ADD(agree, broadcast_less) {
	.capacity = 9, .bytes = POLL_SIZE, .policy = MBOX_POLICY_BROADCAST, .subscribed = true,
	.fill = 2, .recv = true };
FIXTURE_VARIANT_ADD(agree, overflow) {
	.capacity = 2, .policy = MBOX_POLICY_BROADCAST, .options = MBOX_OPTION_OVERFLOW,
	.subscribed = true, .fill = 4, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_to_none) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_only) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .delete = 1 + MBOX_DELETE_UNLINK,
	.only = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_draining) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .fill = 1,
	.delete = 1 + MBOX_DELETE_DRAIN, .recv = true };

FIXTURE_SETUP(agree)
{
}

FIXTURE_TEARDOWN(agree)
{
}

static void add(struct __test_metadata *_metadata, struct _test_data_agree *self, int fd)
{
	ASSERT_LE(0, fd);
	self->fds[self->nr_fds++] = fd;
}

static void do_other(struct __test_metadata *_metadata, struct _test_data_agree *self,
		     const struct _fixture_variant_agree *variant, int fd)
{
	bool sends = variant->other == SENDER || variant->other == SYNC;
	struct call *call;

	if (variant->other == NOBODY)
		return;
	call = call_new(fd, sends ? CALL_SEND : CALL_RECV);
	call->send.size = POLL_SIZE;
	call->send.flags = variant->other == SYNC ? MBOX_SEND_SYNC : 0;
	call->recv.size = variant->other == SHORT_RECEIVER ? POLL_SIZE - 1 : POLL_SIZE;
	if (variant->other == SELECTIVE) {
		call->recv.flags = MBOX_RECV_BY_TYPE;
		call->recv.type = 7;
	}
	call_start(call);
	ASSERT_TRUE(await_blocked(fd, sends, !sends));
	self->call = call;
}

/* The mailbox of the variant, and a handle of @rights to be asked. */
static int build(struct __test_metadata *_metadata, struct _test_data_agree *self,
		 const struct _fixture_variant_agree *variant, uint32_t rights)
{
	struct mbox_ioc_open arg;
	int asked, fd, in = -1;

	name_make(self->name);
	arg = open_arg(self->name, variant->capacity);
	arg.msg_size = POLL_SIZE;
	arg.bytes = variant->bytes;
	arg.policy = variant->policy;
	arg.options = variant->options;
	arg.max_procs = variant->max_procs;
	arg.rights = variant->policy == MBOX_POLICY_BROADCAST ? MBOX_RIGHT_SEND : RIGHTS_BOTH;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	add(_metadata, self, fd);
	asked = open_name(self->name, rights);
	add(_metadata, self, asked);
	if (variant->subscribed) {
		in = open_name(self->name, MBOX_RIGHT_RECV);
		add(_metadata, self, in);
	}
	for (int i = 0; i < variant->fill; i++) {
		ASSERT_LE(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, zeros, 10));
	}
	do_other(_metadata, self, variant, fd);
	if (variant->delete) {
		ASSERT_EQ(0, delete_fd(fd, variant->delete - 1));
	}
	if (variant->only) {
		close(fd);
		self->fds[0] = -1;
	}
	return asked;
}

static void tear_down(struct _test_data_agree *self)
{
	if (self->call) {
		kill(self->call->pid, SIGKILL);
		call_end(self->call);
		self->call = NULL;
	}
	while (self->nr_fds)
		close(self->fds[--self->nr_fds]);
}

TEST_F(agree, every_handle)
{
	for (uint32_t rights = 0; rights <= RIGHTS_BOTH; rights++) {
		for (int sends = 0; sends <= 1; sends++) {
			int fd = build(_metadata, self, variant, rights), result;

			EXPECT_EQ(0, poll_compare(fd, sends, &result))
				TH_LOG("a handle of rights %u", rights);
			if (rights == RIGHTS_BOTH) {
				EXPECT_EQ(sends ? variant->send : variant->recv, result >= 0)
					TH_LOG("%s: %d", sends ? "send" : "receive", result);
			}
			tear_down(self);
		}
	}
}

/* A loop that makes a call whenever poll() says that it may is never refused. */
TEST_F(agree, loops)
{
	for (int sends = 0; sends <= 1; sends++) {
		int fd = build(_metadata, self, variant, RIGHTS_BOTH), turns;

		for (turns = 0; turns < 200; turns++) {
			if (!(poll_now(fd) & (sends ? POLLOUT : POLLIN)))
				break;
			ASSERT_LE(0, sends ? send_largest(fd) : recv_any(fd));
		}
		tear_down(self);
	}
}

/* A limited number of processes, of which the caller is none. */

static int stranger(void *arg)
{
	int fd = *(int *)arg, result;

	if (poll_compare(fd, false, &result) || result != -EUSERS)
		return -EBADMSG;
	if (poll_compare(fd, true, &result) || result != -EUSERS)
		return -EBADMSG;
	return 0;
}

TEST(places)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	int fd;

	arg.msg_size = POLL_SIZE;
	arg.max_procs = 1;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(0, in_child(stranger, &fd));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(fd));
	close(fd);
}

/* Links and inboxes. */

FIXTURE(link)
{
	struct peer *peer;
	int link, inbox;
};

FIXTURE_VARIANT(link)
{
	uint32_t capacity;
	int fill, come;			/* to the peer, and from it */
	bool ends;
	bool recv, send;
};

FIXTURE_VARIANT_ADD(link, empty) { .capacity = 2, .send = true };
FIXTURE_VARIANT_ADD(link, full) { .capacity = 2, .fill = 2 };
FIXTURE_VARIANT_ADD(link, come) { .capacity = 2, .come = 1, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(link, both) { .capacity = 2, .fill = 2, .come = 2, .recv = true };
FIXTURE_VARIANT_ADD(link, zero) { .capacity = 0 };
FIXTURE_VARIANT_ADD(link, ended) { .capacity = 2, .ends = true };
FIXTURE_VARIANT_ADD(link, ended_come) { .capacity = 2, .come = 1, .ends = true, .recv = true };

FIXTURE_SETUP(link)
{
	self->peer = peer_new(_metadata);
	self->link = link_sized(self->peer->pid, variant->capacity, POLL_SIZE);
	self->inbox = inbox_open();
	ASSERT_LE(0, self->link);
	ASSERT_LE(0, self->inbox);
	for (int i = 0; i < variant->fill; i++) {
		ASSERT_EQ(0, put(self->link, 0, "text"));
	}
	ASSERT_EQ(0, peer_link(self->peer, 0, getpid(), variant->capacity));
	for (int i = 0; i < variant->come; i++) {
		ASSERT_EQ(0, peer_send(self->peer, 0, 0, "text"));
	}
	if (variant->ends) {
		peer_kill(self->peer);
		ASSERT_TRUE(await_peer_dead(self->link));
	}
}

FIXTURE_TEARDOWN(link)
{
	close(self->inbox);
	close(self->link);
	peer_kill(self->peer);
}

TEST_F(link, every_handle)
{
	int result;

	EXPECT_EQ(0, poll_compare(self->link, true, &result));
	EXPECT_EQ(variant->send, result >= 0);
	EXPECT_EQ(0, poll_compare(self->link, false, &result));
	EXPECT_EQ(variant->recv, result >= 0);
	/* a receive took one */
	EXPECT_EQ(0, poll_compare(self->inbox, false, &result));
	EXPECT_EQ(variant->come > 1, result >= 0);
	EXPECT_EQ(0, poll_compare(self->inbox, true, &result));
	EXPECT_EQ(-EBADF, result);
}

MBOX_TEST_MAIN
