// SPDX-License-Identifier: GPL-2.0-only
/* Sends that wait for their receipt: they learn of it, or have taken the message back; never both. */
#include "lib/child_call.h"

FIXTURE(sync)
{
	int fd;
};

FIXTURE_VARIANT(sync)
{
	uint32_t capacity;
	uint32_t flags;
};

/* At capacity zero every send that may block is one. */
FIXTURE_VARIANT_ADD(sync, bounded) { .capacity = 8, .flags = MBOX_SEND_SYNC };
FIXTURE_VARIANT_ADD(sync, unbounded) {
	.capacity = MBOX_CAPACITY_UNBOUNDED, .flags = MBOX_SEND_SYNC };
FIXTURE_VARIANT_ADD(sync, zero) { .capacity = 0, .flags = MBOX_SEND_SYNC };
FIXTURE_VARIANT_ADD(sync, zero_plain) { .capacity = 0 };

FIXTURE_SETUP(sync)
{
	self->fd = box_new(_metadata, variant->capacity);
}

FIXTURE_TEARDOWN(sync)
{
	close(self->fd);
}

static struct call *start(struct __test_metadata *_metadata, struct _test_data_sync *self,
			  const struct _fixture_variant_sync *variant, const char *text)
{
	uint32_t senders = info_of(self->fd).senders;
	struct call *call = send_start_flags(self->fd, variant->flags, 0, text);

	ASSERT_TRUE(await_blocked(self->fd, senders + 1, 0));
	return call;
}

static int send_until(int fd, const struct _fixture_variant_sync *variant, int64_t deadline)
{
	struct mbox_ioc_send arg = {
		.flags = variant->flags,
		.clock = MBOX_CLOCK_MONOTONIC,
		.deadline = deadline,
		.data = address_of("text"),
		.size = 4,
	};

	return xioctl(fd, MBOX_IOC_SEND, &arg);
}

/* Accepted where there is room; not received, though. */
static bool accepts(const struct _fixture_variant_sync *variant)
{
	return variant->capacity != MBOX_CAPACITY_ZERO;
}

TEST_F(sync, waits_for_receipt)
{
	struct call *sender = start(_metadata, self, variant, "text");
	struct call *receiver;

	EXPECT_EQ(accepts(variant), info_of(self->fd).sent);
	EXPECT_EQ(accepts(variant), info_of(self->fd).queued);
	EXPECT_EQ(0, sender->done);
	receiver = recv_start(self->fd);
	EXPECT_STREQ("text", recv_end(receiver));
	EXPECT_EQ(receiver->pid, call_end(sender));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_EQ(0, info_of(self->fd).senders);
	EXPECT_BALANCED(self->fd);
}

TEST_F(sync, meets_waiting_receiver)
{
	struct call *receiver = recv_start(self->fd);

	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(receiver->pid, send_bytes(self->fd, variant->flags, 0, 0, "text", 4));
	EXPECT_STREQ("text", recv_end(receiver));
	EXPECT_BALANCED(self->fd);
}

TEST_F(sync, received_by_read)
{
	struct call *sender = start(_metadata, self, variant, "text");
	char text[8];

	EXPECT_EQ(4, xread(self->fd, text, sizeof(text)));
	EXPECT_EQ(getpid(), call_end(sender));
}

TEST_F(sync, peek_is_no_receipt)
{
	struct call *sender = start(_metadata, self, variant, "text");

	EXPECT_STREQ("text", peek(self->fd));
	EXPECT_EQ(1, info_of(self->fd).senders);
	EXPECT_EQ(0, sender->done);
	EXPECT_STREQ("text", take(self->fd));
	EXPECT_EQ(getpid(), call_end(sender));
}

/* Each is told of its own message. */
TEST_F(sync, several_senders)
{
	struct call *senders[4], *receiver;

	senders[0] = start(_metadata, self, variant, "0");
	senders[1] = start(_metadata, self, variant, "1");
	senders[2] = start(_metadata, self, variant, "2");
	senders[3] = start(_metadata, self, variant, "3");
	for (int i = 0; i < 4; i++) {
		const char expected[] = { '0' + i, '\0' };

		receiver = recv_start(self->fd);
		EXPECT_STREQ(expected, recv_end(receiver));
		EXPECT_EQ(receiver->pid, call_end(senders[i]));
		EXPECT_EQ(3 - i, info_of(self->fd).senders);
	}
	EXPECT_BALANCED(self->fd);
}

TEST_F(sync, deadline_withdraws)
{
	int64_t deadline = now() + 50 * NSEC_PER_MSEC;

	EXPECT_EQ(-ETIMEDOUT, send_until(self->fd, variant, deadline));
	EXPECT_LE(deadline, now());
	EXPECT_EQ(accepts(variant), info_of(self->fd).sent);
	EXPECT_EQ(accepts(variant), info_of(self->fd).withdrawn);
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).queued_bytes);
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(sync, past_deadline)
{
	EXPECT_EQ(-ETIMEDOUT, send_until(self->fd, variant, 0));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_BALANCED(self->fd);
}

/* A withdrawn message leaves its neighbours alone. */
TEST_F(sync, withdrawn_from_between)
{
	struct call *first = start(_metadata, self, variant, "first"), *last;
	struct call *killed = start(_metadata, self, variant, "killed");

	last = start(_metadata, self, variant, "last");
	kill(killed->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(killed));
	EXPECT_EQ(accepts(variant), info_of(self->fd).withdrawn);
	EXPECT_EQ(2, info_of(self->fd).senders);
	EXPECT_STREQ("first", take(self->fd));
	EXPECT_STREQ("last", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(getpid(), call_end(first));
	EXPECT_EQ(getpid(), call_end(last));
	EXPECT_BALANCED(self->fd);
}

TEST_F(sync, nonblocking_handle)
{
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(variant->flags ? -EINVAL : -EAGAIN,
		  send_bytes(self->fd, variant->flags, 0, 0, "text", 4));
	EXPECT_EQ(0, info_of(self->fd).sent);
}

TEST_F(sync, deleted)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };
	struct call *sender = start(_metadata, self, variant, "text");

	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(accepts(variant), delete.queued);
	EXPECT_EQ(accepts(variant), delete.dropped);
	EXPECT_EQ(-EIDRM, call_end(sender));
	EXPECT_EQ(0, info_of(self->fd).senders);
	EXPECT_EQ(accepts(variant), info_of(self->fd).dropped);
	EXPECT_BALANCED(self->fd);
}

/*
 * Draining: an accepted message can still be received, and then its sender is told so. Another one
 * has failed. Either way the two sides agree.
 */
TEST_F(sync, drained)
{
	struct call *sender = start(_metadata, self, variant, "text");

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	if (accepts(variant)) {
		EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd).state);
		EXPECT_STREQ("text", take(self->fd));
		EXPECT_EQ(getpid(), call_end(sender));
		EXPECT_EQ(1, info_of(self->fd).received);
	} else {
		EXPECT_EQ(-EIDRM, call_end(sender));
		EXPECT_STREQ("EIDRM", take(self->fd));
	}
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_BALANCED(self->fd);
}

/* Withdrawing the last message of a draining mailbox ends it. */
TEST_F(sync, withdrawn_while_draining)
{
	struct call *sender = start(_metadata, self, variant, "text");

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	kill(sender->pid, SIGKILL);
	call_end(sender);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_EQ(accepts(variant), info_of(self->fd).withdrawn);
	EXPECT_BALANCED(self->fd);
}

/*
 * Deadlines that pass just when a receiver comes: the result of the send always agrees with the
 * receivers.
 */
TEST_F(sync, deadline_races_receipt)
{
	enum { SENDS = 1500 };
	struct tally { int stop; uint32_t got, sum; } *tally = shared_alloc(sizeof(*tally));
	uint32_t random = getpid(), received = 0, sum = 0, timeouts = 0;
	struct mbox_info info;
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (child == 0) {
		uint32_t got = 0;

		/* with and without waiting, so that both ways of meeting happen */
		for (uint32_t i = 0; !__atomic_load_n(&tally->stop, __ATOMIC_ACQUIRE); i++) {
			struct mbox_ioc_recv arg = {
				.clock = MBOX_CLOCK_MONOTONIC,
				.deadline = i % 2 ? now() + 30000 : 0,
				.data = address_of(&got),
				.size = sizeof(got),
			};

			if (xioctl(self->fd, MBOX_IOC_RECV, &arg) == 0) {
				tally->got++;
				tally->sum += got;
			}
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < SENDS; i++) {
		struct mbox_ioc_send arg = {
			.flags = variant->flags,
			.clock = MBOX_CLOCK_MONOTONIC,
			.data = address_of(&i),
			.size = sizeof(i),
		};
		int ret;

		random = random * 1103515245 + 12345;
		arg.deadline = now() + (random >> 16) * 4;
		ret = xioctl(self->fd, MBOX_IOC_SEND, &arg);
		if (ret == -ETIMEDOUT) {
			timeouts++;
		} else {
			ASSERT_EQ(child, ret);
			received++;
			sum += i;
		}
	}
	set_flag(&tally->stop);
	ASSERT_EQ(0, reap(child));
	TH_LOG("%u received, %u timed out", received, timeouts);
	EXPECT_EQ(received, tally->got);
	EXPECT_EQ(sum, tally->sum);
	EXPECT_EQ(SENDS, received + timeouts);
	info = info_of(self->fd);
	EXPECT_EQ(received, info.received);
	EXPECT_GE(timeouts, info.withdrawn);
	if (accepts(variant)) {
		EXPECT_EQ(timeouts, info.withdrawn);
	}
	EXPECT_EQ(0, info.queued);
	EXPECT_BALANCED(self->fd);
}

/* Where there is no room it is not accepted, and has nothing to withdraw. */
TEST(full)
{
	int fd = box_new(_metadata, 1);
	struct call *sender;

	ASSERT_EQ(0, put(fd, 0, "first"));
	sender = send_start_flags(fd, MBOX_SEND_SYNC, 0, "second");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(1, info_of(fd).sent);
	kill(sender->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sender));
	EXPECT_EQ(1, info_of(fd).sent);
	EXPECT_EQ(0, info_of(fd).withdrawn);

	/* first it waits for room, and then on for its receipt */
	sender = send_start_flags(fd, MBOX_SEND_SYNC, 0, "third");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("first", take(fd));
	EXPECT_EQ(2, info_of(fd).sent);
	EXPECT_EQ(1, info_of(fd).senders);
	EXPECT_EQ(0, sender->done);
	EXPECT_STREQ("third", take(fd));
	EXPECT_EQ(getpid(), call_end(sender));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* A withdrawal leaves room. */
TEST(withdrawal_makes_room)
{
	int fd = box_new(_metadata, 1);
	struct call *sync = send_start_flags(fd, MBOX_SEND_SYNC, 0, "sync"), *waiting;

	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(1, info_of(fd).queued);
	waiting = send_start(fd, 0, "waiting");
	ASSERT_TRUE(await_blocked(fd, 2, 0));
	kill(sync->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sync));
	EXPECT_EQ(0, call_end(waiting));
	EXPECT_EQ(1, info_of(fd).withdrawn);
	EXPECT_STREQ("waiting", take(fd));
	EXPECT_STREQ("EAGAIN", take(fd));
	EXPECT_BALANCED(fd);
	close(fd);
}

MBOX_TEST_MAIN
