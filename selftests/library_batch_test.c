// SPDX-License-Identifier: GPL-2.0-only
/* libmbox: batches, on mailboxes and on rings. */
#include "lib/library.h"

#define COUNT	6

static const char *words[COUNT] = { "a", "bb", "", "dddd", "eeeee", "f" };

static void entries_set(struct mbox_send_entry out[COUNT], struct mbox_recv_entry in[COUNT],
			char data[COUNT][16])
{
	for (int i = 0; i < COUNT; i++) {
		mbox_send_entry_set(&out[i], words[i], strlen(words[i]));
		out[i].type = i;
		memset(&in[i], POISON, sizeof(in[i]));
		mbox_recv_entry_set(&in[i], data[i], 16);
	}
}

static void expect_words(struct __test_metadata *_metadata, const struct mbox_recv_entry in[COUNT],
			 char data[COUNT][16], int first, int n)
{
	for (int i = 0; i < n; i++) {
		const char *word = words[first + i];

		EXPECT_EQ(strlen(word), in[i].header.length);
		EXPECT_EQ(first + i, in[i].header.type);
		EXPECT_EQ(0, memcmp(word, data[i], strlen(word)));
	}
}

TEST_F(lib, send_and_recv)
{
	struct mbox_send_opts send = { .flags = MBOX_SEND_NONBLOCK };
	struct mbox_recv_opts recv = { .flags = MBOX_RECV_NONBLOCK };
	struct mbox_send_entry out[COUNT];
	struct mbox_recv_entry in[COUNT];
	char data[COUNT][16];

	entries_set(out, in, data);
	EXPECT_RET(4, mbox_sendv(self->mb, out, COUNT, &send));
	EXPECT_RET(-EAGAIN, mbox_sendv(self->mb, out + 4, 2, &send));
	EXPECT_RET(3, mbox_recvv(self->mb, in, 3, 0, NULL));
	expect_words(_metadata, in, data, 0, 3);
	EXPECT_RET(2, mbox_sendv(self->mb, out + 4, 2, NULL));
	EXPECT_RET(3, mbox_recvv(self->mb, in, COUNT, COUNT, &recv));
	expect_words(_metadata, in, data, 3, 3);
	EXPECT_RET(-EAGAIN, mbox_recvv(self->mb, in, COUNT, 0, &recv));

	EXPECT_RET(4, mbox_sendv(self->mb, out, 4, NULL));
	recv.flags |= MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER;
	recv.type = 3;
	recv.pid = getpid();
	EXPECT_RET(1, mbox_recvv(self->mb, in, COUNT, 0, &recv));
	expect_words(_metadata, in, data, 3, 1);
	recv.flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START;
	recv.type = 0;
	recv.start = in[0].header.start;
	recv.clock = MBOX_CLOCK_MONOTONIC;
	recv.deadline = now();
	EXPECT_RET(3, mbox_recvv(self->mb, in, COUNT, 4, &recv));
	expect_words(_metadata, in, data, 0, 3);
	EXPECT_RET(-ETIMEDOUT, mbox_recvv(self->mb, in, COUNT, 1, &recv));
	send.flags = 0;
	send.clock = MBOX_CLOCK_MONOTONIC;
	send.deadline = now();
	EXPECT_RET(4, mbox_sendv(self->mb, out, COUNT, &send));
	EXPECT_RET(-ETIMEDOUT, mbox_sendv(self->mb, out, COUNT, &send));
}

TEST_F(lib, refused)
{
	struct mbox_send_opts send = { .flags = 0 };
	struct mbox_recv_opts recv = { .flags = MBOX_RECV_PEEK };
	struct mbox_send_entry out[COUNT];
	struct mbox_recv_entry in[COUNT];
	char data[COUNT][16];
	struct mbox *none;

	entries_set(out, in, data);
	EXPECT_RET(-EINVAL, mbox_sendv(NULL, out, 1, NULL));
	EXPECT_RET(-EINVAL, mbox_recvv(NULL, in, 1, 0, NULL));
	EXPECT_RET(-EINVAL, mbox_sendv(self->mb, out, 0, NULL));
	EXPECT_RET(-EINVAL, mbox_recvv(self->mb, in, 0, 0, NULL));
	EXPECT_RET(-EINVAL, mbox_sendv(self->mb, out, MBOX_BATCH_MAX + 1, NULL));
	EXPECT_RET(-EINVAL, mbox_recvv(self->mb, in, 2, 3, NULL));
	EXPECT_RET(-EINVAL, mbox_recvv(self->mb, in, 2, 0, &recv));
	EXPECT_RET(-EFAULT, mbox_sendv(self->mb, NULL, 1, NULL));
	send.prio = 1;
	EXPECT_RET(-EINVAL, mbox_sendv(self->mb, out, 1, &send));
	send.prio = 0;
	send.type = 1;
	EXPECT_RET(-EINVAL, mbox_sendv(self->mb, out, 1, &send));
	send.type = 0;
	send.flags = MBOX_SEND_SYNC;
	EXPECT_RET(-EINVAL, mbox_sendv(self->mb, out, 1, &send));
	out[0].flags = 1;
	EXPECT_RET(-EINVAL, mbox_sendv(self->mb, out, 1, NULL));
	EXPECT_NOTHING_CHANGED();

	out[0].flags = 0;
	EXPECT_RET(2, mbox_sendv(self->mb, out + 3, 2, NULL));
	in[0].size = 1;
	EXPECT_RET(-EMSGSIZE, mbox_recvv(self->mb, in, 2, 0, NULL));
	EXPECT_EQ(4, in[0].header.length);
	EXPECT_RET(-EFAULT, mbox_recvv(self->mb, NULL, 1, 0, NULL));
	EXPECT_EQ(2, info_of(mbox_fd(self->mb)).queued);
	ASSERT_EQ(0, mbox_open(&none, self->name, 0));
	EXPECT_RET(-EBADF, mbox_sendv(none, out, 1, NULL));
	EXPECT_RET(-EBADF, mbox_recvv(none, in, 1, 0, NULL));
	mbox_close(none);
}

TEST(ring)
{
	struct mbox_recv_opts recv = { .flags = MBOX_RECV_NONBLOCK };
	struct mbox_ioc_sendv sendv = { .count = 1, .entry_size = sizeof(struct mbox_send_entry) };
	struct mbox_ioc_recvv recvv = { .count = 1, .entry_size = sizeof(struct mbox_recv_entry) };
	struct mbox_attr attr = test_attr();
	struct mbox_send_entry out[COUNT];
	struct mbox_recv_entry in[COUNT];
	char data[COUNT][16];
	struct mbox *mb;

	attr.capacity = 0;
	attr.ring = 65536;
	ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	entries_set(out, in, data);
	EXPECT_RET(COUNT, mbox_sendv(mb, out, COUNT, NULL));
	EXPECT_RET(4, mbox_recvv(mb, in, 4, 2, NULL));
	expect_words(_metadata, in, data, 0, 4);
	EXPECT_RET(2, mbox_recvv(mb, in, COUNT, 2, NULL));
	expect_words(_metadata, in, data, 4, 2);
	EXPECT_RET(-EAGAIN, mbox_recvv(mb, in, COUNT, 0, &recv));
	out[1].flags = 1;
	EXPECT_RET(1, mbox_sendv(mb, out, COUNT, NULL));
	EXPECT_RET(-EINVAL, mbox_sendv(mb, out + 1, 1, NULL));
	in[0].pad = 1;
	EXPECT_RET(-EINVAL, mbox_recvv(mb, in, 1, 0, NULL));
	EXPECT_RET(-EINVAL, mbox_sendv(mb, out, 0, NULL));
	EXPECT_RET(-EINVAL, mbox_recvv(mb, in, 1, 2, NULL));
	/* the kernel itself has nothing to do with them */
	EXPECT_EQ(-EOPNOTSUPP, xioctl(mbox_fd(mb), MBOX_IOC_SENDV, &sendv));
	EXPECT_EQ(-EOPNOTSUPP, xioctl(mbox_fd(mb), MBOX_IOC_RECVV, &recvv));
	mbox_close(mb);
}

MBOX_TEST_MAIN
