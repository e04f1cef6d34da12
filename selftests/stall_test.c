// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call that stalls while it copies: the page that it needs comes late (userfaultfd), or never.
 * Meanwhile the mailbox works on; and each effect on the message happens exactly once. In
 * particular, a message that a killed receiver was copying is not lost.
 */
#include "lib/userfault.h"

static int send_pattern(int fd, uint32_t flags, uint32_t size, uint32_t seed)
{
	uint8_t data[4096];

	pattern_fill(data, size, seed);
	return send_bytes(fd, flags, 0, seed, data, size);
}

static void expect_pattern(struct __test_metadata *_metadata, int fd, uint32_t size, uint32_t seed)
{
	struct mbox_header header;
	uint8_t data[4096];

	ASSERT_EQ(0, recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	EXPECT_EQ(seed, header.seq);
	EXPECT_EQ(size, header.length);
	EXPECT_EQ(size, pattern_match(data, size, seed));
}

static int poll_events(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}

/* A message is handed to a receiver that waited, and that stalls. */
FIXTURE(stalled)
{
	int fd;
	struct call *receiver;
};

FIXTURE_VARIANT(stalled)
{
	uint32_t capacity;
	uint32_t size;
};

FIXTURE_VARIANT_ADD(stalled, small) { .capacity = 4, .size = 100 };
FIXTURE_VARIANT_ADD(stalled, large) { .capacity = 4, .size = 3000 };
FIXTURE_VARIANT_ADD(stalled, zero_small) { .capacity = 0, .size = 100 };
FIXTURE_VARIANT_ADD(stalled, zero_large) { .capacity = 0, .size = 3000 };

FIXTURE_SETUP(stalled)
{
	missing_setup(_metadata);
	if (_metadata->exit_code)
		return;
	self->fd = box_new(_metadata, variant->capacity);
	self->receiver = call_new(self->fd, CALL_RECV);
	self->receiver->recv.size = missing.size;
	start_stalling(_metadata, self->receiver);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
}

FIXTURE_TEARDOWN(stalled)
{
	close(missing.uffd);
	close(self->fd);
}

static void hand_over(struct __test_metadata *_metadata, struct _test_data_stalled *self,
		      const struct _fixture_variant_stalled *variant)
{
	ASSERT_EQ(0, send_pattern(self->fd, MBOX_SEND_NONBLOCK, variant->size, 1));
	await_stall(_metadata);
	/* neither received nor lost, and not to be had a second time */
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(0, self->receiver->done);
}

TEST_F(stalled, goes_on)
{
	hand_over(_metadata, self, variant);
	give_page(_metadata, 99);
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(variant->size, self->receiver->recv.header.length);
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, killed)
{
	hand_over(_metadata, self, variant);
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_EQ(0, info_of(self->fd).receivers);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, killed_before_another)
{
	struct call *other;

	hand_over(_metadata, self, variant);
	other = recv_start(self->fd);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	EXPECT_EQ(0, call_end(other));
	EXPECT_EQ(variant->size, pattern_match(other->data, variant->size, 1));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

/* It is put back to its old place: before later messages. */
TEST_F(stalled, killed_keeps_its_place)
{
	struct call *later;

	hand_over(_metadata, self, variant);
	/* where there is no room it waits; it may not overtake, either */
	later = send_start(self->fd, 0, "later");
	if (variant->capacity) {
		ASSERT_EQ(0, call_end(later));
	} else {
		ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	}
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	expect_pattern(_metadata, self->fd, variant->size, 1);
	EXPECT_STREQ("later", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, page_comes_by_itself)
{
	hand_over(_metadata, self, variant);
	close(missing.uffd);
	missing.uffd = -1;
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(1, info_of(self->fd).received);
}

/* It comes out only now that the buffer is bad: the message was not received. */
TEST_F(stalled, page_is_bad)
{
	hand_over(_metadata, self, variant);
	break_page(_metadata);
	EXPECT_EQ(-EFAULT, call_end(self->receiver));
	EXPECT_TRUE(untouched(&self->receiver->recv.header, sizeof(struct mbox_header)));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_EQ(POLLIN, poll_events(self->fd) & POLLIN);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, page_is_bad_before_another)
{
	struct call *other;

	hand_over(_metadata, self, variant);
	other = recv_start(self->fd);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	break_page(_metadata);
	EXPECT_EQ(-EFAULT, call_end(self->receiver));
	EXPECT_EQ(0, call_end(other));
	EXPECT_EQ(variant->size, pattern_match(other->data, variant->size, 1));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, forced_deletion)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };

	hand_over(_metadata, self, variant);
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(1, delete.queued);
	EXPECT_EQ(1, delete.dropped);
	give_page(_metadata, 99);
	EXPECT_EQ(-EIDRM, call_end(self->receiver));
	EXPECT_EQ(1, info_of(self->fd).dropped);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

/* A broadcast is being copied by its receiver. */
TEST(broadcast_forced_deletion)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };
	struct call *receiver;
	int fd;

	missing_setup(_metadata);
	if (_metadata->exit_code)
		return;
	arg.policy = MBOX_POLICY_BROADCAST;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	receiver = call_new(fd, CALL_RECV);
	receiver->recv.size = missing.size;
	start_stalling(_metadata, receiver);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	ASSERT_EQ(1, send_pattern(fd, MBOX_SEND_NONBLOCK, 100, 1));
	await_stall(_metadata);
	EXPECT_EQ(1, info_of(fd).queued);
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(1, delete.dropped);
	EXPECT_EQ(0, info_of(fd).queued);
	give_page(_metadata, 99);
	EXPECT_EQ(-EIDRM, call_end(receiver));
	EXPECT_EQ(1, info_of(fd).dropped);
	EXPECT_EQ(0, info_of(fd).received);
	EXPECT_BALANCED(fd);
	close(missing.uffd);
	close(fd);
}

TEST_F(stalled, deletion_of_empty)
{
	hand_over(_metadata, self, variant);
	EXPECT_EQ(-ENOTEMPTY, delete_fd(self->fd, MBOX_DELETE_EMPTY));
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd).state);
	give_page(_metadata, 99);
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(variant->size, self->receiver->recv.header.length);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_EQ(1, info_of(self->fd).received);
}

static struct call *sync_start(struct __test_metadata *_metadata, struct _test_data_stalled *self,
			       const struct _fixture_variant_stalled *variant, int64_t deadline)
{
	struct call *sender = call_new(self->fd, CALL_SEND);

	pattern_fill(sender->data, variant->size, 1);
	sender->send.size = variant->size;
	sender->send.flags = MBOX_SEND_SYNC;
	sender->send.deadline = deadline;
	sender->send.clock = deadline ? MBOX_CLOCK_MONOTONIC : MBOX_CLOCK_NONE;
	call_start(sender);
	await_stall(_metadata);
	return sender;
}

TEST_F(stalled, sync_sender_learns_receiver)
{
	struct call *sender = sync_start(_metadata, self, variant, 0);
	struct call *other;

	EXPECT_EQ(0, sender->done);
	EXPECT_EQ(1, info_of(self->fd).senders);
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	EXPECT_EQ(0, sender->done);
	other = recv_start(self->fd);
	EXPECT_EQ(0, call_end(other));
	EXPECT_EQ(variant->size, pattern_match(other->data, variant->size, 1));
	EXPECT_EQ(other->pid, call_end(sender));
	EXPECT_BALANCED(self->fd);
}

/* The send gave up, so the receive has not happened: it goes on waiting. */
TEST_F(stalled, sync_sender_gives_up)
{
	int64_t deadline = now() + 100 * NSEC_PER_MSEC;
	struct call *sender = sync_start(_metadata, self, variant, deadline);

	EXPECT_EQ(-ETIMEDOUT, call_end(sender));
	EXPECT_LE(deadline, sender->ended);
	EXPECT_EQ(1, info_of(self->fd).withdrawn);
	EXPECT_EQ(0, info_of(self->fd).queued);
	give_page(_metadata, 99);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, self->receiver->done);
	EXPECT_LE(0, send_pattern(self->fd, 0, variant->size + 1, 2));
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(2, self->receiver->recv.header.seq);
	EXPECT_EQ(variant->size + 1, self->receiver->recv.header.length);
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, sync_sender_killed)
{
	struct call *sender = sync_start(_metadata, self, variant, 0);

	kill(sender->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sender));
	EXPECT_EQ(1, info_of(self->fd).withdrawn);
	EXPECT_EQ(0, info_of(self->fd).senders);
	give_page(_metadata, 99);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_LE(0, send_pattern(self->fd, 0, variant->size, 2));
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(2, self->receiver->recv.header.seq);
	EXPECT_BALANCED(self->fd);
}

/* Several are put back, each to its own place, and later messages find their place among them. */
static struct call *stall_one(struct __test_metadata *_metadata, int fd, const char *text, int *uffd)
{
	struct call *receiver = call_new(fd, CALL_RECV);

	receiver->recv.size = missing.size;
	start_stalling(_metadata, receiver);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	ASSERT_EQ(0, put(fd, 5, text));
	await_stall(_metadata);
	*uffd = missing.uffd;
	return receiver;
}

TEST(several_come_back)
{
	static const int orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	static const char *const taken[] = { "1", "2", "3" };

	missing_setup(_metadata);
	if (_metadata->exit_code)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		int fd = box_new(_metadata, 16), uffds[3];
		struct call *receivers[3];

		for (int j = 0; j < 3; j++)
			receivers[j] = stall_one(_metadata, fd, taken[j], &uffds[j]);
		ASSERT_EQ(0, put(fd, 5, "4"));
		ASSERT_EQ(0, put(fd, 5, "5"));
		EXPECT_EQ(5, info_of(fd).queued);
		for (int j = 0; j < 3; j++) {
			kill(receivers[orders[i][j]]->pid, SIGKILL);
			ASSERT_EQ(-ECHILD, call_end(receivers[orders[i][j]]));
			close(uffds[orders[i][j]]);
		}
		ASSERT_EQ(0, put(fd, 4, "lower"));
		ASSERT_EQ(0, put(fd, 6, "higher"));
		ASSERT_EQ(0, put(fd, 5, "6"));
		EXPECT_STREQ("higher", take(fd));
		for (int c = '1'; c <= '6'; c++) {
			EXPECT_STREQ(((char []) { (char)c, '\0' }), take(fd))
				TH_LOG("order %zu", i);
		}
		EXPECT_STREQ("lower", take(fd));
		EXPECT_STREQ("EAGAIN", take(fd));
		EXPECT_BALANCED(fd);
		close(fd);
	}
}

/* A call that stalls at a queued message, or at one that it is to send. */
FIXTURE(stalling)
{
	int fd;
	struct mbox_info before;
};

FIXTURE_VARIANT(stalling)
{
	uint32_t size;
};

FIXTURE_VARIANT_ADD(stalling, small) { .size = 100 };
FIXTURE_VARIANT_ADD(stalling, large) { .size = 3000 };

FIXTURE_SETUP(stalling)
{
	missing_setup(_metadata);
	if (_metadata->exit_code)
		return;
	self->fd = box_new(_metadata, 4);
	ASSERT_EQ(0, send_pattern(self->fd, 0, variant->size, 1));
	ASSERT_EQ(0, send_pattern(self->fd, 0, 5, 2));
	self->before = info_of(self->fd);
}

FIXTURE_TEARDOWN(stalling)
{
	close(missing.uffd);
	close(self->fd);
}

static struct call *start_at_message(struct __test_metadata *_metadata,
				     struct _test_data_stalling *self, uint32_t flags)
{
	struct call *receiver = call_new(self->fd, CALL_RECV);

	receiver->recv.size = missing.size;
	receiver->recv.flags = flags;
	start_stalling(_metadata, receiver);
	await_stall(_metadata);
	EXPECT_UNCHANGED(self->fd, &self->before);
	return receiver;
}

static struct call *start_sending(struct __test_metadata *_metadata,
				  struct _test_data_stalling *self, uint32_t size)
{
	struct call *sender = call_new(self->fd, CALL_SEND);

	sender->send.size = size;
	start_stalling(_metadata, sender);
	await_stall(_metadata);
	return sender;
}

TEST_F(stalling, receiver_killed)
{
	struct call *receiver = start_at_message(_metadata, self, 0);

	kill(receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(receiver));
	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	expect_pattern(_metadata, self->fd, 5, 2);
}

TEST_F(stalling, receiver_with_a_bad_page)
{
	struct call *receiver = start_at_message(_metadata, self, 0);

	break_page(_metadata);
	EXPECT_EQ(-EFAULT, call_end(receiver));
	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	expect_pattern(_metadata, self->fd, 5, 2);
}

TEST_F(stalling, sender_with_a_bad_page)
{
	struct call *sender = start_sending(_metadata, self, variant->size);

	break_page(_metadata);
	EXPECT_EQ(-EFAULT, call_end(sender));
	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
}

/* In any assignment of the two messages, each gets one. */
TEST_F(stalling, receiver_and_another)
{
	struct call *receiver = start_at_message(_metadata, self, 0);
	struct mbox_header header;
	uint8_t data[4096];

	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	give_page(_metadata, 99);
	EXPECT_EQ(0, call_end(receiver));
	EXPECT_EQ(3, header.seq + receiver->recv.header.seq);
	EXPECT_NE(header.seq, receiver->recv.header.seq);
	EXPECT_EQ(2, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalling, peeker_and_receiver)
{
	struct call *peeker = start_at_message(_metadata, self, MBOX_RECV_PEEK);

	expect_pattern(_metadata, self->fd, variant->size, 1);
	expect_pattern(_metadata, self->fd, 5, 2);
	give_page(_metadata, 99);
	/* it saw the first, or came too late and waits */
	while (!__atomic_load_n(&peeker->done, __ATOMIC_ACQUIRE) && !info_of(self->fd).receivers)
		nap();
	if (!peeker->done) {
		EXPECT_EQ(0, put(self->fd, 0, "third"));
	}
	EXPECT_EQ(0, call_end(peeker));
	EXPECT_EQ(2, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

/* Nobody waits for it: neither peeks nor sends nor receives. */
TEST_F(stalling, sender)
{
	struct call *sender = start_sending(_metadata, self, variant->size);

	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	EXPECT_EQ(0, send_pattern(self->fd, 0, 7, 3));
	expect_pattern(_metadata, self->fd, 5, 2);
	expect_pattern(_metadata, self->fd, 7, 3);
	give_page(_metadata, 4);
	EXPECT_EQ(0, call_end(sender));
	expect_pattern(_metadata, self->fd, variant->size, 4);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalling, sender_killed)
{
	struct call *sender = start_sending(_metadata, self, variant->size);

	kill(sender->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sender));
	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
}

TEST_F(stalling, sender_to_a_deleted_mailbox)
{
	struct call *sender = start_sending(_metadata, self, variant->size);

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	give_page(_metadata, 3);
	EXPECT_EQ(-EIDRM, call_end(sender));
	EXPECT_EQ(2, info_of(self->fd).sent);
	EXPECT_BALANCED(self->fd);
}

MBOX_TEST_MAIN
