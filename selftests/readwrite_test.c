// SPDX-License-Identifier: GPL-2.0-only
/* read() and write(): one message each; and operations that a mailbox does not have as a file. */
#include "lib/child_call.h"

#include <sys/stat.h>

FIXTURE(file)
{
	int fd;
	char name[MBOX_NAME_SIZE];
};

FIXTURE_SETUP(file)
{
	self->fd = box_new_named(_metadata, 4, self->name);
}

FIXTURE_TEARDOWN(file)
{
	close(self->fd);
}

TEST_F(file, one_message_each)
{
	struct mbox_header header;
	char data[64];

	EXPECT_EQ(5, xwrite(self->fd, "first", 5));
	EXPECT_EQ(6, xwrite(self->fd, "second", 6));
	EXPECT_EQ(2, info_of(self->fd).queued);
	/* not a stream: a read returns one message, not all */
	memset(data, POISON, sizeof(data));
	EXPECT_EQ(5, xread(self->fd, data, sizeof(data)));
	EXPECT_EQ(0, memcmp(data, "first", 5));
	EXPECT_TRUE(untouched(data + 5, sizeof(data) - 5));
	EXPECT_EQ(0, recv_bytes(self->fd, 0, data, sizeof(data), &header));
	EXPECT_EQ(6, header.length);
	EXPECT_EQ(0, header.prio);
	EXPECT_EQ(0, header.type);
	EXPECT_EQ((uint32_t)getpid(), header.pid);
	/* in the mailbox's order */
	EXPECT_EQ(3, xwrite(self->fd, "low", 3));
	EXPECT_EQ(0, put(self->fd, 1, "high"));
	EXPECT_EQ(4, xread(self->fd, data, sizeof(data)));
	EXPECT_EQ(3, xread(self->fd, data, sizeof(data)));
	EXPECT_BALANCED(self->fd);
}

TEST_F(file, nothing)
{
	char byte = 'x';

	/* an empty message is a message: reading it is no end of file */
	EXPECT_EQ(0, xwrite(self->fd, NULL, 0));
	EXPECT_EQ(0, xwrite(self->fd, "", 0));
	EXPECT_EQ(2, info_of(self->fd).queued);
	EXPECT_EQ(0, xread(self->fd, &byte, 1));
	EXPECT_EQ(0, xread(self->fd, NULL, 0));
	EXPECT_EQ('x', byte);
	EXPECT_EQ(2, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(file, too_long)
{
	uint32_t msg_size = info_of(self->fd).msg_size;
	char *data = shared_alloc(msg_size + 1);
	struct mbox_info before = info_of(self->fd);
	/* the most that write() takes; of a 32-bit program, the most that fits into it */
	size_t most = sizeof(long) > 4 ? 0x7ffff000 : 0x20000000;
	void *untouched = mmap(NULL, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT_NE(MAP_FAILED, untouched);
	EXPECT_EQ(-EMSGSIZE, xwrite(self->fd, data, msg_size + 1));
	EXPECT_EQ(-EMSGSIZE, xwrite(self->fd, untouched, most));
	munmap(untouched, most);
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ((ssize_t)msg_size, xwrite(self->fd, data, msg_size));
	before = info_of(self->fd);
	EXPECT_EQ(-EMSGSIZE, xread(self->fd, data, msg_size - 1));
	EXPECT_EQ(-EMSGSIZE, xread(self->fd, data, 0));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ((ssize_t)msg_size, xread(self->fd, data, msg_size));
}

TEST_F(file, blocks)
{
	struct call *reader = call_new(self->fd, CALL_READ), *writer;

	call_start(reader);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(4, xwrite(self->fd, "text", 4));
	EXPECT_EQ(4, call_end(reader));
	EXPECT_EQ(0, memcmp(reader->data, "text", 4));

	for (int i = 0; i < 4; i++) {
		ASSERT_EQ(1, xwrite(self->fd, "x", 1));
	}
	writer = call_new(self->fd, CALL_WRITE);
	writer->size = 7;
	call_start(writer);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_STREQ("x", take(self->fd));
	EXPECT_EQ(7, call_end(writer));
	EXPECT_EQ(4, info_of(self->fd).queued);
	EXPECT_BALANCED(self->fd);
}

/* A write to a rendezvous returns its length, not the receiver. */
TEST_F(file, rendezvous)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *writer = call_new(fd, CALL_WRITE);
	char data[8];

	writer->size = 3;
	call_start(writer);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(3, xread(fd, data, sizeof(data)));
	EXPECT_EQ(3, call_end(writer));
	close(fd);
}

TEST_F(file, nonblock)
{
	struct mbox_info before;
	char data[8];

	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, xread(self->fd, data, sizeof(data)));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(1, xwrite(self->fd, "x", 1));
	}
	before = info_of(self->fd);
	EXPECT_EQ(-EAGAIN, xwrite(self->fd, "y", 1));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(1, xread(self->fd, data, sizeof(data)));
	EXPECT_EQ(1, xwrite(self->fd, "y", 1));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, 0));
	EXPECT_EQ(0, fcntl(self->fd, F_GETFL) & O_NONBLOCK);
}

TEST_F(file, rights)
{
	int receiver = open_name(self->name, MBOX_RIGHT_RECV);
	int sender = open_name(self->name, MBOX_RIGHT_SEND);
	int neither = open_name(self->name, 0);
	struct mbox_info before;
	char data[8];

	ASSERT_LE(0, receiver);
	ASSERT_LE(0, sender);
	ASSERT_LE(0, neither);
	EXPECT_EQ(4, xwrite(sender, "text", 4));
	before = info_of(self->fd);
	EXPECT_EQ(-EBADF, xwrite(receiver, "text", 4));
	EXPECT_EQ(-EBADF, xread(sender, data, sizeof(data)));
	EXPECT_EQ(-EBADF, xwrite(neither, "text", 4));
	EXPECT_EQ(-EBADF, xread(neither, data, sizeof(data)));
	EXPECT_EQ(-EBADF, put(receiver, 0, "text"));
	EXPECT_EQ(-EBADF, put(neither, 0, "text"));
	EXPECT_STREQ("EBADF", take(sender));
	EXPECT_STREQ("EBADF", take(neither));
	EXPECT_STREQ("EBADF", peek(sender));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(4, xread(receiver, data, sizeof(data)));
	close(receiver);
	close(sender);
	close(neither);
}

/* There is no place to go to in it. */
TEST_F(file, not_seekable)
{
	struct mbox_info before;
	char data[8];

	ASSERT_EQ(4, xwrite(self->fd, "text", 4));
	before = info_of(self->fd);
	errno = 0;
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	errno = 0;
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	errno = 0;
	EXPECT_EQ(-1, pread(self->fd, data, sizeof(data), 0));
	EXPECT_EQ(ESPIPE, errno);
	errno = 0;
	EXPECT_EQ(-1, pwrite(self->fd, "text", 4, 1));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_UNCHANGED(self->fd, &before);
}

/* Nor is there memory to map, or a length to set. */
TEST_F(file, nothing_else)
{
	struct mbox_info before = info_of(self->fd);

	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(-1, ftruncate(self->fd, 0));
	EXPECT_EQ(-1, fallocate(self->fd, 0, 0, 4096));
	EXPECT_UNCHANGED(self->fd, &before);
}

/* A duplicate is the same handle. */
TEST_F(file, duplicate)
{
	int copy = dup(self->fd);
	char data[8];

	ASSERT_LE(0, copy);
	EXPECT_EQ(1, info_of(copy).handles);
	EXPECT_EQ(4, xwrite(copy, "text", 4));
	close(self->fd);
	self->fd = copy;
	EXPECT_EQ(4, xread(copy, data, sizeof(data)));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(copy).state);
}

/* On the factory there is nothing to be read or written. */
TEST(factory)
{
	int factory = factory_open();
	char data[8];

	ASSERT_LE(0, factory);
	EXPECT_GT(0, xread(factory, data, sizeof(data)));
	EXPECT_GT(0, xwrite(factory, "text", 4));
	close(factory);
}

MBOX_TEST_MAIN
