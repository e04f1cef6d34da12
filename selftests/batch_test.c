// SPDX-License-Identifier: GPL-2.0-only
/* Batches: many messages in one call have the promises of as many calls; waiting, and its end. */
#include "lib/batch.h"
#include "lib/child_call.h"

#include <signal.h>

#define MESSAGES	40		/* more than a section under the lock takes */
#define ROOM		8192

FIXTURE(batch)
{
	int fd;
	struct mbox_send_entry out[MESSAGES];
	struct mbox_recv_entry in[MESSAGES];
	uint8_t *sent, *got;
};

FIXTURE_VARIANT(batch)
{
	uint32_t size;			/* of each message; 0: all sizes */
	uint32_t policy, options, max_procs, capacity;
};

FIXTURE_VARIANT_ADD(batch, byte) { .size = 1 };
FIXTURE_VARIANT_ADD(batch, small) { .size = 64 };
FIXTURE_VARIANT_ADD(batch, small_longest) { .size = MBOX_SMALL_SIZE };
FIXTURE_VARIANT_ADD(batch, large_shortest) { .size = MBOX_SMALL_SIZE + 1 };
FIXTURE_VARIANT_ADD(batch, pages) { .size = 5000 };
FIXTURE_VARIANT_ADD(batch, all_sizes) { };
FIXTURE_VARIANT_ADD(batch, bounded) { .capacity = MESSAGES };
FIXTURE_VARIANT_ADD(batch, lifo) { .policy = MBOX_POLICY_LIFO };
FIXTURE_VARIANT_ADD(batch, round_robin) { .policy = MBOX_POLICY_RR };
FIXTURE_VARIANT_ADD(batch, scheduled) { .policy = MBOX_POLICY_PRIO };
FIXTURE_VARIANT_ADD(batch, broadcast) { .policy = MBOX_POLICY_BROADCAST };
FIXTURE_VARIANT_ADD(batch, exclusive) { .options = MBOX_OPTION_EXCLUSIVE };
FIXTURE_VARIANT_ADD(batch, members) { .max_procs = 2 };

static uint32_t size_of(const struct _fixture_variant_batch *variant, int i)
{
	static const uint32_t sizes[] = { 0, 1, 7, 8, 63, 100, 256, 257, 1000, 4096, 8000 };

	return variant->size ?: sizes[i % ARRAY_SIZE(sizes)];
}

FIXTURE_SETUP(batch)
{
	struct mbox_ioc_open arg = open_arg(NULL, variant->capacity ?: MBOX_CAPACITY_UNBOUNDED);

	arg.policy = variant->policy;
	arg.options = variant->options;
	arg.max_procs = variant->max_procs;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->sent = calloc(MESSAGES, ROOM);
	self->got = malloc(MESSAGES * ROOM);
	ASSERT_TRUE(self->sent && self->got);
	memset(self->got, POISON, MESSAGES * ROOM);
	for (int i = 0; i < MESSAGES; i++) {
		pattern_fill(self->sent + i * ROOM, size_of(variant, i), i);
		self->out[i].data = address_of(self->sent + i * ROOM);
		self->out[i].size = size_of(variant, i);
		self->out[i].type = i;
		self->in[i].data = address_of(self->got + i * ROOM);
		self->in[i].size = ROOM;
	}
}

FIXTURE_TEARDOWN(batch)
{
	close(self->fd);
	free(self->sent);
	free(self->got);
}

static int send_all(struct _test_data_batch *self, uint32_t flags)
{
	struct mbox_ioc_sendv arg = {
		.flags = flags, .entries = address_of(self->out), .count = MESSAGES,
		.entry_size = sizeof(self->out[0]),
	};

	return xioctl(self->fd, MBOX_IOC_SENDV, &arg);
}

/* Receive into the entries from @first on. */
static int recv_some(struct _test_data_batch *self, int first, int count)
{
	struct mbox_ioc_recvv arg = {
		.flags = MBOX_RECV_NONBLOCK, .entries = address_of(self->in + first), .count = count,
		.entry_size = sizeof(self->in[0]),
	};

	return xioctl(self->fd, MBOX_IOC_RECVV, &arg);
}

static void expect_all(struct __test_metadata *_metadata, struct _test_data_batch *self,
		       const struct _fixture_variant_batch *variant)
{
	for (int i = 0; i < MESSAGES; i++) {
		const struct mbox_header *header = &self->in[i].header;
		const uint8_t *got = self->got + i * ROOM;
		uint32_t size = size_of(variant, i);

		ASSERT_EQ(size, header->length) TH_LOG("message %d", i);
		EXPECT_EQ(i + 1, header->seq);
		EXPECT_EQ(i, header->type);
		EXPECT_EQ(0, header->prio);
		EXPECT_EQ(getpid(), header->pid);
		EXPECT_EQ(getuid(), header->uid);
		EXPECT_EQ(getgid(), header->gid);
		EXPECT_EQ(size, pattern_match(got, size, i));
		EXPECT_TRUE(untouched(got + size, ROOM - size));
	}
}

TEST_F(batch, all)
{
	struct mbox_info info;

	ASSERT_EQ(MESSAGES, send_all(self, 0));
	info = info_of(self->fd);
	EXPECT_EQ(MESSAGES, info.sent);
	EXPECT_EQ(MESSAGES, info.queued);
	EXPECT_EQ(MESSAGES, info.handle_queued);
	ASSERT_EQ(7, recv_some(self, 0, 7));
	EXPECT_EQ(MESSAGES - 7, info_of(self->fd).queued);
	ASSERT_EQ(MESSAGES - 7, recv_some(self, 7, MESSAGES - 7));
	EXPECT_EQ(-EAGAIN, recv_some(self, 0, 1));
	expect_all(_metadata, self, variant);
	info = info_of(self->fd);
	EXPECT_EQ(MESSAGES, info.received);
	EXPECT_EQ(MESSAGES, info.handle_received);
	EXPECT_EQ(0, info.queued_bytes);
	EXPECT_BALANCED(self->fd);
}

/* One by one on one side, in a batch on the other. */
TEST_F(batch, mixed)
{
	for (int i = 0; i < MESSAGES; i++)
		ASSERT_LE(0, send_bytes(self->fd, 0, 0, i, self->sent + i * ROOM, size_of(variant, i)));
	EXPECT_EQ(MESSAGES, recv_some(self, 0, MESSAGES));
	expect_all(_metadata, self, variant);
	ASSERT_EQ(MESSAGES, send_all(self, MBOX_SEND_NONBLOCK));
	for (int i = 0; i < MESSAGES; i++) {
		struct mbox_header header;

		ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, self->got, ROOM, &header));
		EXPECT_EQ(i, header.type);
		EXPECT_EQ(MESSAGES + i + 1, header.seq);
		EXPECT_EQ(header.length, pattern_match(self->got, header.length, i));
	}
	EXPECT_BALANCED(self->fd);
}

/* A later version of the interface has larger entries. */
TEST_F(batch, wide_entries)
{
	struct wide_send { struct mbox_send_entry entry; uint64_t more[3]; } out[MESSAGES] = {};
	struct wide_recv { struct mbox_recv_entry entry; uint64_t more; } in[MESSAGES] = {};
	struct mbox_ioc_sendv sendv = {
		.entries = address_of(out), .count = MESSAGES, .entry_size = sizeof(out[0]),
	};
	struct mbox_ioc_recvv recvv = {
		.flags = MBOX_RECV_NONBLOCK, .entries = address_of(in), .count = MESSAGES,
		.entry_size = sizeof(in[0]),
	};

	for (int i = 0; i < MESSAGES; i++) {
		out[i].entry = self->out[i];
		in[i].entry = self->in[i];
	}
	out[5].more[2] = 1;
	in[3].more = 1;
	ASSERT_EQ(5, xioctl(self->fd, MBOX_IOC_SENDV, &sendv));
	sendv.entries = address_of(&out[5]);
	sendv.count = MESSAGES - 5;
	EXPECT_EQ(-E2BIG, xioctl(self->fd, MBOX_IOC_SENDV, &sendv));
	out[5].more[2] = 0;
	EXPECT_EQ(MESSAGES - 5, xioctl(self->fd, MBOX_IOC_SENDV, &sendv));
	ASSERT_EQ(3, xioctl(self->fd, MBOX_IOC_RECVV, &recvv));
	recvv.entries = address_of(&in[3]);
	recvv.count = MESSAGES - 3;
	EXPECT_EQ(-E2BIG, xioctl(self->fd, MBOX_IOC_RECVV, &recvv));
	EXPECT_EQ(1, in[3].more);
	in[3].more = 0;
	EXPECT_EQ(MESSAGES - 3, xioctl(self->fd, MBOX_IOC_RECVV, &recvv));
	for (int i = 0; i < MESSAGES; i++) {
		self->in[i] = in[i].entry;
		EXPECT_EQ(0, in[i].more);
	}
	expect_all(_metadata, self, variant);
}

/* As many as there may be. */
TEST(longest)
{
	static struct mbox_send_entry out[MBOX_BATCH_MAX + 1];
	static struct mbox_recv_entry in[MBOX_BATCH_MAX + 1];
	struct mbox_ioc_sendv sendv = {
		.entries = address_of(out), .count = MBOX_BATCH_MAX + 1, .entry_size = sizeof(out[0]),
	};
	struct mbox_ioc_recvv recvv = {
		.entries = address_of(in), .count = MBOX_BATCH_MAX + 1, .entry_size = sizeof(in[0]),
	};
	int fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);

	for (uint32_t i = 0; i < ARRAY_SIZE(out); i++)
		out[i].type = i;
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_SENDV, &sendv));
	sendv.count--;
	EXPECT_EQ(MBOX_BATCH_MAX, xioctl(fd, MBOX_IOC_SENDV, &sendv));
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_RECVV, &recvv));
	recvv.count--;
	EXPECT_EQ(MBOX_BATCH_MAX, xioctl(fd, MBOX_IOC_RECVV, &recvv));
	for (uint32_t i = 0; i < MBOX_BATCH_MAX; i++)
		ASSERT_EQ(i, in[i].header.type);
	EXPECT_EQ(0, info_of(fd).queued);
	close(fd);
}

/* Room for some. */
TEST(full)
{
	int fd = box_new(_metadata, 4);
	struct mbox_info before;

	EXPECT_EQ(4, send_words(fd, MBOX_SEND_NONBLOCK, "a b c d e f"));
	before = info_of(fd);
	EXPECT_EQ(-EAGAIN, send_words(fd, MBOX_SEND_NONBLOCK, "e f"));
	EXPECT_UNCHANGED(fd, &before);
	EXPECT_STREQ("a b c", recv_words(fd, 3));
	EXPECT_EQ(3, send_words(fd, MBOX_SEND_NONBLOCK, "e f g"));
	EXPECT_STREQ("d e f g", recv_words(fd, 0));
	before = info_of(fd);
	EXPECT_STREQ("EAGAIN", recv_words(fd, 0));
	EXPECT_UNCHANGED(fd, &before);
	close(fd);
}

TEST(full_of_bytes)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	int fd;

	arg.msg_size = arg.bytes = 10;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(3, send_words(fd, MBOX_SEND_NONBLOCK, "four fou two x"));
	EXPECT_EQ(10, info_of(fd).queued_bytes);
	EXPECT_STREQ("four fou two", recv_words(fd, 0));
	close(fd);
}

/* A send waits for room where it has to, and goes on. */
TEST(send_waits)
{
	int fd = box_new(_metadata, 2);
	struct batch *batch = batch_new_words(fd, "a b c d e f");

	batch_start(batch);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(2, info_of(fd).queued);
	EXPECT_STREQ("a", take(fd));
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	/* the message that waits is taken too */
	EXPECT_STREQ("b c d", recv_words(fd, 3));
	EXPECT_EQ(6, batch_end(batch));
	EXPECT_STREQ("e f", recv_words(fd, 0));
	close(fd);
}

/* With capacity zero each message meets its receiver. */
TEST(rendezvous)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct batch *batch = batch_new_words(fd, "a b c");
	struct call *first, *second;

	EXPECT_EQ(-EAGAIN, send_words(fd, MBOX_SEND_NONBLOCK, "x y"));
	batch_start(batch);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("a", take(fd));
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("b", recv_words(fd, 1));
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("c", take(fd));
	EXPECT_EQ(3, batch_end(batch));

	first = recv_start(fd);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	second = recv_start(fd);
	ASSERT_TRUE(await_blocked(fd, 0, 2));
	EXPECT_EQ(2, send_words(fd, MBOX_SEND_NONBLOCK, "d e f"));
	EXPECT_STREQ("d", recv_end(first));
	EXPECT_STREQ("e", recv_end(second));
	close(fd);
}

/* Messages of a batch go to those that wait, in their order; the others are queued. */
TEST(receivers_wait)
{
	int fd = box_new(_metadata, 8);
	struct call *calls[10];
	char expected[2] = "a";

	for (int i = 0; i < 6; i++) {
		calls[i] = recv_start(fd);
		ASSERT_TRUE(await_blocked(fd, 0, i + 1));
	}
	EXPECT_EQ(8, send_words(fd, MBOX_SEND_NONBLOCK, "a b c d e f g h"));
	for (int i = 0; i < 6; i++, expected[0]++)
		EXPECT_STREQ(expected, recv_end(calls[i]));
	EXPECT_STREQ("g h", recv_words(fd, 0));

	/* Those that ask for another type are in nobody's way. */
	for (int i = 0; i < 10; i++) {
		calls[i] = call_new(fd, CALL_RECV);
		calls[i]->recv.flags = MBOX_RECV_BY_TYPE;
		calls[i]->recv.type = 7;
		calls[i]->recv.min_prio = i % 2;
		call_start(calls[i]);
	}
	ASSERT_TRUE(await_blocked(fd, 0, 10));
	EXPECT_EQ(3, send_words(fd, MBOX_SEND_NONBLOCK, "x y z"));
	EXPECT_STREQ("x y z", recv_words(fd, 0));
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 1, 7, "t", 1));
	for (int i = 0; i < 10; i++)
		EXPECT_STREQ("t", recv_end(calls[i]));
	close(fd);
}

/* A batch goes behind senders that wait, unless it has priority. */
TEST(behind_waiting_senders)
{
	int fd = box_new(_metadata, 2);
	struct call *waiting;
	struct batch *batch;

	EXPECT_EQ(2, send_words(fd, 0, "a b"));
	waiting = send_start(fd, 0, "c");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	batch = batch_new_words(fd, "d e");
	batch_start(batch);
	ASSERT_TRUE(await_blocked(fd, 2, 0));
	EXPECT_EQ(-EAGAIN, send_words(fd, MBOX_SEND_NONBLOCK, "x"));
	EXPECT_STREQ("a b c d e", recv_words_arg(fd, (struct mbox_ioc_recvv) { .min = 5 }));
	EXPECT_EQ(0, call_end(waiting));
	EXPECT_EQ(2, batch_end(batch));
	close(fd);
}

/* A receive in a batch lets in senders that wait, as each of its messages makes room. */
TEST(receive_admits)
{
	int fd = box_new(_metadata, 4);
	struct call *calls[10];

	EXPECT_EQ(4, send_words(fd, 0, "a b c d"));
	for (int i = 0; i < 10; i++) {
		calls[i] = send_start(fd, 0, "w");
		ASSERT_TRUE(await_blocked(fd, i + 1, 0));
	}
	EXPECT_STREQ("a b c d w w w w w w w w w w", recv_words(fd, 0));
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(0, call_end(calls[i]));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* The message of a synchronous send tells its sender who received it, also in a batch. */
TEST(receive_of_sync)
{
	int fd = box_new(_metadata, 4);
	struct call *first = send_start_flags(fd, MBOX_SEND_SYNC, 0, "a"), *second;

	ASSERT_TRUE(await_blocked(fd, 1, 0));
	second = send_start_flags(fd, MBOX_SEND_SYNC, 0, "b");
	ASSERT_TRUE(await_blocked(fd, 2, 0));
	EXPECT_EQ(1, send_words(fd, 0, "c"));
	EXPECT_STREQ("a b c", recv_words(fd, 0));
	EXPECT_EQ(getpid(), call_end(first));
	EXPECT_EQ(getpid(), call_end(second));
	close(fd);
}

static uint8_t on_signals;

static void on_signal(int signal)
{
	on_signals++;
}

static void handle_signals(struct batch *batch)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = 0;
	sigaction(SIGUSR2, &action, NULL);
}

/* A signal ends a batch that did something with the number of messages, also with SA_RESTART. */
TEST(interrupted)
{
	static const int signals[] = { SIGUSR1, SIGUSR2 };
	int fd = box_new(_metadata, 2);
	struct batch *batch;

	for (int i = 0; i < 2; i++) {
		batch = batch_new_words(fd, "a b c d");
		batch->prepare = handle_signals;
		batch_start(batch);
		ASSERT_TRUE(await_blocked(fd, 1, 0));
		kill(batch->pid, signals[i]);
		EXPECT_EQ(2, batch_end(batch));
		EXPECT_STREQ("a b", recv_words(fd, 0));

		batch = batch_new(fd, true);
		batch->recv.min = 3;
		batch->prepare = handle_signals;
		batch_start(batch);
		EXPECT_EQ(2, send_words(fd, 0, "a b"));
		while (info_of(fd).queued)
			nap();
		ASSERT_TRUE(await_blocked(fd, 0, 1));
		kill(batch->pid, signals[i]);
		EXPECT_EQ(2, batch_end(batch));
		EXPECT_STREQ("a b", batch_text(batch));
	}
	/* Nothing done: EINTR, or it goes on. */
	for (int i = 0; i < 2; i++) {
		batch = batch_new(fd, true);
		batch->prepare = handle_signals;
		batch_start(batch);
		ASSERT_TRUE(await_blocked(fd, 0, 1));
		kill(batch->pid, signals[i]);
		if (signals[i] == SIGUSR1)
			EXPECT_EQ(1, send_words(fd, 0, "x"));
		EXPECT_EQ(signals[i] == SIGUSR1 ? 1 : -EINTR, batch_end(batch));
	}
	EXPECT_BALANCED(fd);
	close(fd);
}

/* A killed batch has sent those that were accepted, and received those that were copied. */
TEST(killed)
{
	int fd = box_new(_metadata, 2);
	struct batch *batch = batch_new_words(fd, "a b c d");

	batch_start(batch);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	kill(batch->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, batch_end(batch));
	EXPECT_STREQ("a b", recv_words(fd, 0));

	batch = batch_new(fd, true);
	batch->recv.min = 5;
	batch_start(batch);
	EXPECT_EQ(2, send_words(fd, 0, "e f"));
	while (info_of(fd).queued)
		nap();
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	kill(batch->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, batch_end(batch));
	EXPECT_EQ(0, memcmp("e", batch->data[0], 1));
	EXPECT_EQ(0, memcmp("f", batch->data[1], 1));
	EXPECT_EQ(2, send_words(fd, 0, "g h"));
	EXPECT_STREQ("g h", recv_words(fd, 0));
	EXPECT_BALANCED(fd);
	close(fd);
}

MBOX_TEST_MAIN
