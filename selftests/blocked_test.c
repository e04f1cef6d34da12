// SPDX-License-Identifier: GPL-2.0-only
/* A mailbox goes while many are blocked on it, or while it is drained. */
#include "lib/child_call.h"

#define WAITERS	12

/* Receivers and senders are blocked at the same time only if filters keep them apart. */
FIXTURE(blocked)
{
	int fd;
	struct call *receivers[WAITERS];
	struct call *senders[WAITERS];
};

FIXTURE_VARIANT(blocked)
{
	uint32_t capacity;
	uint32_t how;
};

FIXTURE_VARIANT_ADD(blocked, zero_empty) { .capacity = 0, .how = MBOX_DELETE_EMPTY };
FIXTURE_VARIANT_ADD(blocked, zero_drain) { .capacity = 0, .how = MBOX_DELETE_DRAIN };
FIXTURE_VARIANT_ADD(blocked, zero_force) { .capacity = 0, .how = MBOX_DELETE_FORCE };
FIXTURE_VARIANT_ADD(blocked, zero_unlink) { .capacity = 0, .how = MBOX_DELETE_UNLINK };
FIXTURE_VARIANT_ADD(blocked, full_drain) { .capacity = 2, .how = MBOX_DELETE_DRAIN };
FIXTURE_VARIANT_ADD(blocked, full_force) { .capacity = 2, .how = MBOX_DELETE_FORCE };
FIXTURE_VARIANT_ADD(blocked, full_unlink) { .capacity = 2, .how = MBOX_DELETE_UNLINK };

FIXTURE_SETUP(blocked)
{
	self->fd = box_new(_metadata, variant->capacity);
	for (uint32_t i = 0; i < variant->capacity; i++) {
		ASSERT_EQ(0, put(self->fd, 0, "queued"));
	}
	for (int i = 0; i < WAITERS; i++) {
		struct call *receiver = call_new(self->fd, CALL_RECV);

		receiver->recv.flags = MBOX_RECV_BY_TYPE | (i % 3 ? 0 : MBOX_RECV_PEEK);
		receiver->recv.type = 1000;
		call_start(receiver);
		self->receivers[i] = receiver;
		self->senders[i] = send_start(self->fd, i, "blocked");
	}
	ASSERT_TRUE(await_blocked(self->fd, WAITERS, WAITERS));
}

FIXTURE_TEARDOWN(blocked)
{
	close(self->fd);
}

TEST_F(blocked, deletion)
{
	int gone = variant->how == MBOX_DELETE_UNLINK ? 0 : 1;
	int drains = variant->how == MBOX_DELETE_DRAIN && variant->capacity;

	ASSERT_EQ(0, delete_fd(self->fd, variant->how));
	if (!gone) {
		/* only the name went */
		EXPECT_EQ(WAITERS, info_of(self->fd).senders);
		EXPECT_EQ(WAITERS, info_of(self->fd).receivers);
		ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	}
	for (int i = 0; i < WAITERS; i++) {
		EXPECT_EQ(-EIDRM, call_end(self->senders[i]));
	}
	if (drains) {
		/* receivers may go on until the queue is empty */
		EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd).state);
		EXPECT_EQ(WAITERS, info_of(self->fd).receivers);
		for (uint32_t i = 0; i < variant->capacity; i++) {
			EXPECT_STREQ("queued", take(self->fd));
		}
	}
	for (int i = 0; i < WAITERS; i++) {
		EXPECT_EQ(-EIDRM, call_end(self->receivers[i]));
		EXPECT_TRUE(untouched(&self->receivers[i]->recv.header,
				      sizeof(struct mbox_header)));
		EXPECT_TRUE(untouched(self->receivers[i]->data, 64));
	}
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_EQ(0, info_of(self->fd).senders);
	EXPECT_EQ(0, info_of(self->fd).receivers);
	EXPECT_EQ(variant->capacity, info_of(self->fd).sent);
	EXPECT_EQ(drains ? variant->capacity : 0, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

/* read() and write() end like the others. */
TEST(read_and_write)
{
	int empty = box_new(_metadata, 1), full = box_new(_metadata, 1);
	struct call *reader = call_new(empty, CALL_READ), *writer = call_new(full, CALL_WRITE);

	ASSERT_EQ(0, put(full, 0, "full"));
	writer->size = 4;
	call_start(reader);
	call_start(writer);
	ASSERT_TRUE(await_blocked(empty, 0, 1));
	ASSERT_TRUE(await_blocked(full, 1, 0));
	ASSERT_EQ(0, delete_fd(empty, MBOX_DELETE_EMPTY));
	ASSERT_EQ(0, delete_fd(full, MBOX_DELETE_FORCE));
	EXPECT_EQ(-EIDRM, call_end(reader));
	EXPECT_EQ(-EIDRM, call_end(writer));
	EXPECT_EQ(-EIDRM, xread(empty, NULL, 0));
	EXPECT_EQ(-EIDRM, xwrite(full, "", 0));
	close(empty);
	close(full);
}

/* While it drains: receiving the queue in order, also by filters; no sends, no handles to send. */
TEST(draining)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 8, name);
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_BY_TYPE | MBOX_RECV_NONBLOCK, .type = 7 };
	struct call *receiver;

	ASSERT_EQ(0, put(fd, 0, "low"));
	ASSERT_EQ(0, put(fd, 5, "high"));
	ASSERT_EQ(0, send_bytes(fd, 0, 0, 7, "", 0));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(-EIDRM, put(fd, 0, "late"));
	EXPECT_EQ(-EIDRM, send_bytes(fd, MBOX_SEND_SYNC, 0, 0, "late", 4));
	EXPECT_EQ(-EIDRM, xwrite(fd, "late", 4));
	EXPECT_EQ(-EIDRM, open_name(name, MBOX_RIGHT_SEND));
	EXPECT_STREQ("high", peek(fd));
	/* a receive with a filter that nothing suits may still wait for the end */
	receiver = call_new(fd, CALL_RECV);
	receiver->recv.flags = MBOX_RECV_BY_TYPE;
	receiver->recv.type = 8;
	call_start(receiver);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_EQ(0, xioctl(fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(-EAGAIN, xioctl(fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(-ENOTEMPTY, delete_fd(fd, MBOX_DELETE_EMPTY));
	EXPECT_STREQ("high", take(fd));
	EXPECT_EQ(0, receiver->done);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(fd).state);
	EXPECT_STREQ("low", take(fd));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(fd).state);
	EXPECT_EQ(-EIDRM, call_end(receiver));
	EXPECT_STREQ("EIDRM", take(fd));
	EXPECT_EQ(3, info_of(fd).received);
	EXPECT_EQ(0, info_of(fd).dropped);
	EXPECT_BALANCED(fd);
	close(fd);
}

/*
 * The last process that could receive leaves: the rest of the queue is dropped, and counted, where
 * nobody can open the mailbox again.
 */
TEST(draining_without_receivers)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 8, name), other = open_name(name, MBOX_RIGHT_RECV);
	int sender = open_name(name, MBOX_RIGHT_SEND);

	ASSERT_LE(0, other);
	ASSERT_LE(0, sender);
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, put(fd, 0, "two"));
	ASSERT_EQ(0, put(fd, 0, "three"));
	ASSERT_EQ(0, delete_fd(sender, MBOX_DELETE_DRAIN));
	close(fd);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(sender).state);
	EXPECT_STREQ("one", take(other));
	ASSERT_EQ(0, delete_name(name, MBOX_DELETE_UNLINK));
	close(other);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(sender).state);
	EXPECT_EQ(2, info_of(sender).dropped);
	EXPECT_EQ(1, info_of(sender).received);
	EXPECT_EQ(0, info_of(sender).queued);
	EXPECT_BALANCED(sender);
	close(sender);
}

/* One way of deleting after another. */
TEST(again)
{
	static const struct { uint32_t first, second; int ret; uint32_t state; } cases[] = {
		{ MBOX_DELETE_UNLINK, MBOX_DELETE_EMPTY, -ENOTEMPTY, MBOX_STATE_UNLINKED },
		{ MBOX_DELETE_UNLINK, MBOX_DELETE_UNLINK, 0, MBOX_STATE_UNLINKED },
		{ MBOX_DELETE_UNLINK, MBOX_DELETE_DRAIN, 0, MBOX_STATE_DRAINING },
		{ MBOX_DELETE_UNLINK, MBOX_DELETE_FORCE, 0, MBOX_STATE_DEAD },
		{ MBOX_DELETE_DRAIN, MBOX_DELETE_EMPTY, -ENOTEMPTY, MBOX_STATE_DRAINING },
		{ MBOX_DELETE_DRAIN, MBOX_DELETE_DRAIN, 0, MBOX_STATE_DRAINING },
		{ MBOX_DELETE_DRAIN, MBOX_DELETE_UNLINK, 0, MBOX_STATE_DRAINING },
		{ MBOX_DELETE_DRAIN, MBOX_DELETE_FORCE, 0, MBOX_STATE_DEAD },
		{ MBOX_DELETE_FORCE, MBOX_DELETE_FORCE, -EIDRM, MBOX_STATE_DEAD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = box_new(_metadata, 8);

		ASSERT_EQ(0, put(fd, 0, "text"));
		EXPECT_EQ(0, delete_fd(fd, cases[i].first));
		EXPECT_EQ(cases[i].ret, delete_fd(fd, cases[i].second))
			TH_LOG("%u, then %u", cases[i].first, cases[i].second);
		EXPECT_EQ(cases[i].state, info_of(fd).state)
			TH_LOG("%u, then %u", cases[i].first, cases[i].second);
		EXPECT_BALANCED(fd);
		close(fd);
	}
}

/* Deletion races sends and receipts: all that was accepted is accounted for. */
TEST(race)
{
	struct tally { uint32_t sent, received; } *tally = shared_alloc(sizeof(*tally) * 4);

	for (int round = 0; round < 40; round++) {
		int fd = box_new(_metadata, round % 4);
		struct mbox_info info;
		pid_t pids[4];

		memset(tally, 0, sizeof(*tally) * 4);
		for (int i = 0; i < 4; i++) {
			pids[i] = fork_child();
			ASSERT_LE(0, pids[i]);
			if (pids[i])
				continue;
			if (i % 2) {
				while (send_bytes(fd, 0, 0, 0, "text", 4) >= 0)
					tally[i].sent++;
			} else {
				char text[4];

				while (recv_bytes(fd, 0, text, 4, NULL) == 0)
					tally[i].received++;
			}
			_exit(0);
		}
		while (info_of(fd).sent < 20)
			nap();
		ASSERT_EQ(0, delete_fd(fd, round % 3 ? MBOX_DELETE_FORCE : MBOX_DELETE_DRAIN));
		for (int i = 0; i < 4; i++) {
			ASSERT_EQ(0, reap(pids[i]));
		}
		info = info_of(fd);
		ASSERT_EQ(MBOX_STATE_DEAD, info.state);
		ASSERT_EQ(info.received, tally[0].received + tally[2].received);
		/* at capacity zero an accepted message that was dropped was not sent */
		ASSERT_LE(tally[1].sent + tally[3].sent, info.sent);
		if (round % 4) {
			ASSERT_EQ(info.sent, tally[1].sent + tally[3].sent);
		} else {
			ASSERT_EQ(info.received, tally[1].sent + tally[3].sent);
		}
		EXPECT_BALANCED(fd);
		close(fd);
	}
}

MBOX_TEST_MAIN
