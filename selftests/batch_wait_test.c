// SPDX-License-Identifier: GPL-2.0-only
/* Batches: the low-water mark, deadlines, filters, other kinds of mailboxes, the end of a mailbox. */
#include "lib/batch.h"
#include "lib/broadcast.h"
#include "lib/peer.h"

FIXTURE(box)
{
	int fd;
};

FIXTURE_SETUP(box)
{
	self->fd = box_new(_metadata, 8);
}

FIXTURE_TEARDOWN(box)
{
	close(self->fd);
}

/* Wait until a receive in a child has taken all that is queued, and waits for more. */
static bool await_taken(int fd)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (info_of(fd).queued)
		if (now() > end)
			return false;
	return await_blocked(fd, 0, 1);
}

static struct batch *recv_min(int fd, uint32_t count, uint32_t min)
{
	struct batch *batch = batch_new(fd, true);

	batch->recv.count = count;
	batch->recv.min = min;
	return batch;
}

/* Without a mark, it waits for the first message, and takes those that are there. */
TEST_F(box, first)
{
	struct batch *batch;

	for (uint32_t min = 0; min < 2; min++) {
		batch = recv_min(self->fd, 4, min);
		batch_start(batch);
		ASSERT_TRUE(await_blocked(self->fd, 0, 1));
		EXPECT_EQ(0, put(self->fd, 0, "a"));
		EXPECT_LE(1, batch_end(batch));
		EXPECT_EQ('a', batch->data[0][0]);
	}
	EXPECT_EQ(6, send_words(self->fd, 0, "a b c d e f"));
	EXPECT_STREQ("a b c d", recv_words_arg(self->fd, (struct mbox_ioc_recvv) { .count = 4 }));
	EXPECT_STREQ("e f", recv_words_arg(self->fd, (struct mbox_ioc_recvv) { .count = 4 }));
}

TEST_F(box, mark)
{
	struct batch *batch = recv_min(self->fd, 8, 3);

	EXPECT_EQ(1, send_words(self->fd, 0, "a"));
	batch_start(batch);
	ASSERT_TRUE(await_taken(self->fd));
	EXPECT_EQ(1, send_words(self->fd, 0, "b"));
	ASSERT_TRUE(await_taken(self->fd));
	/* other receivers do not get its messages */
	EXPECT_STREQ("EAGAIN", recv_words(self->fd, 0));
	EXPECT_EQ(1, send_words(self->fd, 0, "c"));
	EXPECT_EQ(3, batch_end(batch));
	batch->ret = 3;
	EXPECT_STREQ("a b c", batch_text(batch));
	EXPECT_TRUE(untouched(&batch->in[3].header, sizeof(batch->in[3].header)));

	/* more than the mark are there */
	EXPECT_EQ(5, send_words(self->fd, 0, "a b c d e"));
	EXPECT_STREQ("a b c d e", recv_words_arg(self->fd, (struct mbox_ioc_recvv) { .min = 2 }));
	/* fewer, and it may not wait */
	EXPECT_EQ(2, send_words(self->fd, 0, "a b"));
	EXPECT_STREQ("a b", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.flags = MBOX_RECV_NONBLOCK, .min = 5 }));
	EXPECT_STREQ("EAGAIN", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.flags = MBOX_RECV_NONBLOCK, .min = 5 }));
}

/* A mark beyond the capacity: it takes messages as they come. */
TEST(mark_beyond_capacity)
{
	int fd = box_new(_metadata, 1), zero = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct batch *batch = recv_min(fd, 8, 8);

	batch_start(batch);
	EXPECT_EQ(8, send_words(fd, 0, "a b c d e f g h"));
	EXPECT_EQ(8, batch_end(batch));
	batch = recv_min(zero, 8, 8);
	batch_start(batch);
	EXPECT_EQ(8, send_words(zero, 0, "a b c d e f g h"));
	EXPECT_EQ(8, batch_end(batch));
	close(fd);
	close(zero);
}

/* The deadline is that of the whole call. Messages that were sent or received by then stay so. */
TEST_F(box, deadline)
{
	int64_t deadline = now() + 30 * NSEC_PER_MSEC;
	struct batch *batch;

	EXPECT_STREQ("ETIMEDOUT", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.clock = MBOX_CLOCK_MONOTONIC, .deadline = deadline }));
	EXPECT_LE(deadline, now());
	EXPECT_EQ(2, send_words(self->fd, 0, "a b"));
	deadline = now() + 30 * NSEC_PER_MSEC;
	EXPECT_STREQ("a b", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.min = 3, .clock = MBOX_CLOCK_MONOTONIC, .deadline = deadline }));
	EXPECT_LE(deadline, now());
	/* a past one forbids to wait only */
	EXPECT_EQ(2, send_words(self->fd, 0, "a b"));
	EXPECT_STREQ("a b", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.clock = MBOX_CLOCK_MONOTONIC, .deadline = 1 }));

	batch = batch_new_words(self->fd, "a b c d e f g h i j");
	batch->send.clock = MBOX_CLOCK_BOOTTIME;
	batch->send.deadline = now_on(CLOCK_BOOTTIME) + 30 * NSEC_PER_MSEC;
	EXPECT_EQ(8, batch_make(batch));
	EXPECT_LE(batch->send.deadline, now_on(CLOCK_BOOTTIME));
	EXPECT_EQ(-ETIMEDOUT, batch_make(batch));
	EXPECT_EQ(8, info_of(self->fd).queued);
}

/* Priorities and filters are those of single calls. */
TEST_F(box, order_and_filters)
{
	struct batch *batch = batch_new_words(self->fd, "a b c d e f");

	for (int i = 0; i < 6; i++) {
		batch->out[i].prio = i % 3;
		batch->out[i].type = i / 3;
	}
	EXPECT_EQ(6, batch_make(batch));
	EXPECT_STREQ("c f b e a d", recv_words(self->fd, 0));
	EXPECT_EQ(6, batch_make(batch));
	EXPECT_STREQ("c f b e", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.flags = MBOX_RECV_NONBLOCK, .min_prio = 1 }));
	EXPECT_STREQ("d", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_TYPE, .type = 1 }));
	EXPECT_STREQ("EAGAIN", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_SENDER, .pid = getppid() }));
	EXPECT_STREQ("a", recv_words_arg(self->fd, (struct mbox_ioc_recvv) {
		.flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_SENDER, .pid = getpid() }));
}

/* Receives by identity end with their sender. */
TEST_F(box, sender_ends)
{
	struct batch *batch = batch_new_words(self->fd, "a b");
	struct mbox_ioc_recvv arg = {
		.flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START, .min = 4,
	};

	batch_start(batch);
	EXPECT_EQ(2, batch_end(batch));
	EXPECT_EQ(0, put(self->fd, 0, "mine"));
	EXPECT_STREQ("a", peek(self->fd));
	arg.pid = batch->pid;
	batch = batch_new(self->fd, true);
	batch->recv.count = 1;
	EXPECT_EQ(1, batch_make(batch));
	arg.start = batch->in[0].header.start;
	EXPECT_EQ(arg.pid, batch->in[0].header.pid);
	EXPECT_STREQ("b", recv_words_arg(self->fd, arg));
	EXPECT_STREQ("EOWNERDEAD", recv_words_arg(self->fd, arg));
	EXPECT_STREQ("mine", recv_words(self->fd, 0));
}

/* One process at a time receives: for a whole call. */
TEST(exclusive)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	struct batch *batch;
	int fd;

	arg.options = MBOX_OPTION_EXCLUSIVE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	batch = recv_min(fd, 8, 2);
	batch_start(batch);
	EXPECT_EQ(1, send_words(fd, 0, "a"));
	ASSERT_TRUE(await_taken(fd));
	EXPECT_STREQ("EBUSY", recv_words(fd, 0));
	EXPECT_EQ(1, send_words(fd, 0, "b"));
	EXPECT_EQ(2, batch_end(batch));
	EXPECT_STREQ("EAGAIN", recv_words(fd, 0));
	close(fd);
}

/* The end of the mailbox, or of the handle's right: the number, and then the error. */
TEST_F(box, ends)
{
	struct mbox_ioc_shutdown shutdown = { .how = MBOX_RIGHT_RECV };
	struct batch *batch = recv_min(self->fd, 8, 3);

	batch_start(batch);
	EXPECT_EQ(2, send_words(self->fd, 0, "a b"));
	ASSERT_TRUE(await_taken(self->fd));
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_SHUTDOWN, &shutdown));
	EXPECT_EQ(2, batch_end(batch));
	EXPECT_STREQ("ESHUTDOWN", recv_words(self->fd, 0));
}

TEST(deleted)
{
	int fd = box_new(_metadata, 2);
	struct batch *batch = batch_new_words(fd, "a b c d");

	batch_start(batch);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(2, batch_end(batch));
	EXPECT_EQ(-EIDRM, send_words(fd, 0, "c d"));
	EXPECT_STREQ("EIDRM", recv_words(fd, 0));
	close(fd);

	/* one that drains dies with its last message */
	fd = box_new(_metadata, 8);
	EXPECT_EQ(3, send_words(fd, 0, "a b c"));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(-EIDRM, send_words(fd, 0, "d"));
	EXPECT_STREQ("a b c", recv_words_arg(fd, (struct mbox_ioc_recvv) { .min = 5 }));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(fd).state);
	EXPECT_STREQ("EIDRM", recv_words(fd, 0));
	close(fd);
}

/* Each handle receives each message of a batch. */
TEST(broadcast)
{
	struct batch *batch;
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(4, 0));
	EXPECT_EQ(4, send_words(cast.fd, MBOX_SEND_NONBLOCK, "a b c d e"));
	EXPECT_STREQ("a b c d", recv_words(cast.in[0], 0));
	EXPECT_STREQ("a b", recv_words(cast.in[1], 2));
	EXPECT_EQ(-EAGAIN, send_words(cast.fd, MBOX_SEND_NONBLOCK, "e f g"));
	EXPECT_STREQ("a b c d", recv_words(cast.in[2], 0));
	batch = batch_new_words(cast.fd, "e f g");
	batch_start(batch);
	ASSERT_TRUE(await_blocked(cast.fd, 1, 0));
	EXPECT_STREQ("c d e f", recv_words_arg(cast.in[1], (struct mbox_ioc_recvv) {
		.min = 4, .count = 4 }));
	EXPECT_EQ(3, batch_end(batch));
	EXPECT_STREQ("e f g", recv_words(cast.in[0], 0));
	EXPECT_STREQ("g", recv_words(cast.in[1], 0));
	EXPECT_STREQ("e f g", recv_words(cast.in[2], 0));
	EXPECT_COUNTS(cast.fd, 0, 7, 7, 0, 0, 0);
	cast_end(&cast);
}

/* Over a link, in both directions, and through the inbox, which has the messages of all links. */

static int do_send_words(struct peer *peer)
{
	return send_words(peer->fd[peer->slot], peer->flags, peer->text);
}

static int do_recv_words(struct peer *peer)
{
	snprintf(peer->text, sizeof(peer->text), "%s", recv_words(peer->fd[peer->slot], 0));
	return 0;
}

static int peer_send_words(struct peer *peer, const char *words)
{
	snprintf(peer->text, sizeof(peer->text), "%s", words);
	peer->flags = MBOX_SEND_NONBLOCK;
	return peer_do(peer, do_send_words);
}

TEST(link_and_inbox)
{
	struct peer *a = peer_new(_metadata), *b = peer_new(_metadata);
	int inbox = inbox_open(), to_a;
	struct mbox_info before;
	struct batch *batch;

	ASSERT_LE(0, inbox);
	ASSERT_EQ(0, peer_link(a, 0, getpid(), 4));
	ASSERT_EQ(0, peer_link(b, 0, getpid(), 4));
	to_a = link_to(a->pid, 4);
	ASSERT_LE(0, to_a);
	EXPECT_EQ(4, peer_send_words(a, "a b c d e"));
	EXPECT_EQ(-EAGAIN, peer_send_words(a, "e"));
	EXPECT_EQ(3, peer_send_words(b, "x y z"));
	EXPECT_STREQ("a b", recv_words(to_a, 2));
	EXPECT_STREQ("c d x y z", recv_words(inbox, 0));
	before = info_of(inbox);
	EXPECT_STREQ("EAGAIN", recv_words(inbox, 0));
	EXPECT_UNCHANGED(inbox, &before);
	EXPECT_EQ(3, peer_send_words(b, "x y z"));
	EXPECT_STREQ("EAGAIN", recv_words(to_a, 0));
	EXPECT_EQ(4, send_words(to_a, MBOX_SEND_NONBLOCK, "1 2 3 4 5"));
	EXPECT_EQ(0, peer_do(a, do_recv_words));
	EXPECT_STREQ("1 2 3 4", a->text);
	/* handles serve their process only */
	batch = batch_new_words(to_a, "p");
	batch_start(batch);
	EXPECT_EQ(-EUSERS, batch_end(batch));
	batch = batch_new(inbox, true);
	batch_start(batch);
	EXPECT_EQ(-EUSERS, batch_end(batch));
	peer_kill(b);
	EXPECT_STREQ("x y z", recv_words(inbox, 0));
	close(to_a);
	close(inbox);
}

MBOX_TEST_MAIN
