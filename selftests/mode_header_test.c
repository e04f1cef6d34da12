// SPDX-License-Identifier: GPL-2.0-only
/* The mode of a handle: read() yields headers, too. */
#include "lib/broadcast.h"
#include "lib/memory.h"
#include "lib/mode.h"
#include "lib/peer.h"
#include "lib/user.h"

#include <sys/uio.h>

#define MSG_SIZE	32768

/* The result of a read(). */
struct framed {
	struct mbox_header header;
	uint8_t payload[MSG_SIZE + 1];
};

FIXTURE(read)
{
	int fd;
	char name[MBOX_NAME_SIZE];
	struct framed *in;
	uint8_t *out;
};

FIXTURE_SETUP(read)
{
	struct mbox_ioc_open arg;

	name_make(self->name);
	arg = open_arg(self->name, 8);
	arg.msg_size = MSG_SIZE;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->in = shared_alloc(sizeof(*self->in));
	self->out = shared_alloc(MSG_SIZE);
	memset(self->in, POISON, sizeof(*self->in));
}

FIXTURE_TEARDOWN(read)
{
	close(self->fd);
}

TEST_F(read, header)
{
	struct framed *in = self->in;

	EXPECT_EQ(0, info_of(self->fd).handle_mode);
	ASSERT_EQ(0, mode_header(self->fd));
	EXPECT_EQ(MBOX_MODE_HEADER, info_of(self->fd).handle_mode);
	ASSERT_EQ(0, send_bytes(self->fd, 0, 7, 42, "text", 4));
	ASSERT_EQ(HEADER_SIZE + 4, xread(self->fd, in, sizeof(*in)));
	EXPECT_EQ(4, in->header.length);
	EXPECT_EQ(1, in->header.seq);
	EXPECT_EQ(7, in->header.prio);
	EXPECT_EQ(42, in->header.type);
	EXPECT_EQ((uint32_t)getpid(), in->header.pid);
	EXPECT_NE(0, in->header.start);
	EXPECT_NE(0, in->header.time);
	EXPECT_EQ(0, in->header.type_hi);
	EXPECT_EQ(0, memcmp(in->payload, "text", 4));
	EXPECT_TRUE(untouched(in->payload + 4, MSG_SIZE - 4));
	EXPECT_EQ(1, info_of(self->fd).handle_received);
	EXPECT_BALANCED(self->fd);
}

/* It is no end. */
TEST_F(read, empty_message)
{
	ASSERT_EQ(0, mode_header(self->fd));
	ASSERT_EQ(0, xwrite(self->fd, NULL, 0));
	ASSERT_EQ(0, xwrite(self->fd, NULL, 0));
	ASSERT_EQ(HEADER_SIZE, xread(self->fd, self->in, sizeof(*self->in)));
	EXPECT_EQ(0, self->in->header.length);
	EXPECT_EQ(1, self->in->header.seq);
	ASSERT_EQ(HEADER_SIZE, xread(self->fd, self->in, HEADER_SIZE));
	EXPECT_EQ(2, self->in->header.seq);
	EXPECT_TRUE(untouched(self->in->payload, MSG_SIZE));
}

TEST_F(read, too_small)
{
	struct mbox_info before;

	ASSERT_EQ(0, mode_header(self->fd));
	ASSERT_EQ(5, xwrite(self->fd, "12345", 5));
	before = info_of(self->fd);
	/* without room for a header, a call cannot say anything */
	EXPECT_EQ(-EINVAL, xread(self->fd, self->in, 0));
	EXPECT_EQ(-EINVAL, xread(self->fd, self->in, HEADER_SIZE - 1));
	EXPECT_TRUE(untouched(self->in, sizeof(*self->in)));
	/* as MBOX_IOC_RECV: the header tells the size, and the message stays */
	EXPECT_EQ(-EMSGSIZE, xread(self->fd, self->in, HEADER_SIZE));
	EXPECT_EQ(5, self->in->header.length);
	memset(self->in, POISON, sizeof(*self->in));
	EXPECT_EQ(-EMSGSIZE, xread(self->fd, self->in, HEADER_SIZE + 4));
	EXPECT_EQ(5, self->in->header.length);
	EXPECT_EQ(1, self->in->header.seq);
	EXPECT_TRUE(untouched(self->in->payload, MSG_SIZE));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(HEADER_SIZE + 5, xread(self->fd, self->in, HEADER_SIZE + 5));
	EXPECT_EQ(0, memcmp(self->in->payload, "12345", 5));
}

TEST_F(read, nonblock)
{
	ASSERT_EQ(0, mode_header(self->fd));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, xread(self->fd, self->in, sizeof(*self->in)));
	EXPECT_TRUE(untouched(self->in, sizeof(*self->in)));
}

static const size_t sizes[] = { 0, 1, 8, 255, 256, 257, 4096, 4097, 5000, MSG_SIZE };

TEST_F(read, every_size)
{
	struct iovec iov[4];

	ASSERT_EQ(0, mode_header(self->fd));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];

		pattern_fill(self->out, size, i);
		ASSERT_EQ(size, xwrite(self->fd, self->out, size));
		ASSERT_EQ(size, xwrite(self->fd, self->out, size));
		memset(self->in, POISON, sizeof(*self->in));
		ASSERT_EQ(HEADER_SIZE + size, xread(self->fd, self->in, sizeof(*self->in)));
		EXPECT_EQ(size, self->in->header.length);
		EXPECT_EQ(size, pattern_match(self->in->payload, size, i));
		EXPECT_TRUE(untouched(self->in->payload + size, MSG_SIZE + 1 - size));
		/* neither header nor payload in one segment */
		iov[0] = (struct iovec) { self->in, 5 };
		iov[1] = (struct iovec) { (uint8_t *)self->in + 5, 0 };
		iov[2] = (struct iovec) { (uint8_t *)self->in + 5, HEADER_SIZE };
		iov[3] = (struct iovec) { self->in->payload + 5, MSG_SIZE - 5 };
		memset(self->in, POISON, sizeof(*self->in));
		ASSERT_EQ(HEADER_SIZE + size, readv(self->fd, iov, 4));
		EXPECT_EQ(size, self->in->header.length);
		EXPECT_EQ(2 * i + 2, self->in->header.seq);
		EXPECT_EQ(size, pattern_match(self->in->payload, size, i));
		EXPECT_TRUE(untouched(self->in->payload + size, MSG_SIZE + 1 - size));
	}
	EXPECT_BALANCED(self->fd);
}

TEST_F(read, segments_too_small)
{
	struct iovec iov[] = { { self->in, 30 }, { (uint8_t *)self->in + 30, HEADER_SIZE - 30 } };
	struct mbox_info before;

	ASSERT_EQ(0, mode_header(self->fd));
	ASSERT_EQ(5, xwrite(self->fd, "12345", 5));
	before = info_of(self->fd);
	EXPECT_EQ(-1, readv(self->fd, iov, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, readv(self->fd, iov, 2));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(5, self->in->header.length);
	EXPECT_UNCHANGED(self->fd, &before);
}

/* A buffer that ends within the header, or within the payload. */
TEST_F(read, fault)
{
	static const size_t missing[] = { 1, 10, 30, 60 };
	size_t area_size;
	uint8_t *area = area_new(_metadata, PROT_READ | PROT_WRITE, &area_size);
	uint8_t *end = area + area_size;
	struct mbox_info before;

	ASSERT_EQ(0, mode_header(self->fd));
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		ASSERT_EQ(20, xwrite(self->fd, "a message of 20 byte", 20));
		before = info_of(self->fd);
		EXPECT_EQ(-EFAULT, xread(self->fd, end - HEADER_SIZE - 20 + missing[i],
					 HEADER_SIZE + 20));
		EXPECT_EQ(-EFAULT, xread(self->fd, (void *)(uintptr_t)no_addresses[i],
					 HEADER_SIZE + 20));
		EXPECT_UNCHANGED(self->fd, &before);
		EXPECT_EQ(HEADER_SIZE + 20,
			  xread(self->fd, end - HEADER_SIZE - 20, HEADER_SIZE + 20));
	}
	EXPECT_BALANCED(self->fd);
}

TEST_F(read, lazy_pages)
{
	ASSERT_EQ(0, mode_header(self->fd));
	for (enum lazy_kind kind = 0; kind < LAZY_KINDS; kind++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct framed *lazy = (void *)lazy_new(_metadata, kind, sizeof(*lazy));

			pattern_fill(self->out, sizes[i], i);
			ASSERT_EQ(sizes[i], xwrite(self->fd, self->out, sizes[i]));
			ASSERT_EQ(HEADER_SIZE + sizes[i],
				  xread(self->fd, lazy, HEADER_SIZE + sizes[i]));
			EXPECT_EQ(sizes[i], lazy->header.length);
			EXPECT_EQ(sizes[i], pattern_match(lazy->payload, sizes[i], i));
			munmap(lazy, sizeof(*lazy));
		}
	}
}

/* A read that waits: a message is given to it, or comes from a sender that waits too. */
TEST_F(read, blocks)
{
	struct call *reader = call_new(self->fd, CALL_READ), *sender;
	struct framed *in = (void *)reader->data;
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);

	ASSERT_EQ(0, mode_header(self->fd));
	call_start(reader);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, send_bytes(self->fd, 0, 3, 0, "text", 4));
	ASSERT_EQ(HEADER_SIZE + 4, call_end(reader));
	EXPECT_EQ(3, in->header.prio);
	EXPECT_EQ(0, memcmp(in->payload, "text", 4));

	ASSERT_EQ(0, mode_header(fd));
	sender = send_start(fd, 5, "rendezvous");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	ASSERT_EQ(HEADER_SIZE + 10, xread(fd, self->in, sizeof(*self->in)));
	EXPECT_EQ(5, self->in->header.prio);
	EXPECT_EQ(1, self->in->header.seq);
	EXPECT_EQ(getpid(), call_end(sender));
	close(fd);
}

/* A large one, which its sender copies into the buffer of a reader that waits. */
TEST_F(read, transfer)
{
	const size_t size = 256 << 10;
	struct mbox_ioc_open arg = open_arg(NULL, 2);
	uint8_t *data = shared_alloc(HEADER_SIZE + size), *out = shared_alloc(size);
	ssize_t *result = shared_alloc(sizeof(*result));
	pid_t pid;
	int fd;

	arg.msg_size = size;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mode_header(fd));
	pattern_fill(out, size, 1);
	memset(data, 0, HEADER_SIZE + size);
	pid = fork_child();
	if (!pid) {
		*result = xread(fd, data, HEADER_SIZE + size);
		_exit(0);
	}
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	ASSERT_EQ(size, xwrite(fd, out, size));
	ASSERT_EQ(0, reap(pid));
	EXPECT_EQ(HEADER_SIZE + size, *result);
	EXPECT_EQ(size, ((struct mbox_header *)data)->length);
	EXPECT_EQ(size, pattern_match(data + HEADER_SIZE, size, 1));
	close(fd);
}

/* The mode is of the open file, and of no other handle; and of read() only. */
TEST_F(read, scope)
{
	int other = open_name(self->name, MBOX_RIGHT_RECV), copy = dup(self->fd);
	struct mbox_header header;
	char data[64];

	ASSERT_EQ(0, mode_header(self->fd));
	EXPECT_EQ(MBOX_MODE_HEADER, info_of(copy).handle_mode);
	EXPECT_EQ(0, info_of(other).handle_mode);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(4, xwrite(self->fd, "text", 4));
	EXPECT_EQ(4, xread(other, data, sizeof(data)));
	EXPECT_EQ(HEADER_SIZE + 4, xread(copy, self->in, sizeof(*self->in)));
	ASSERT_EQ(0, recv_bytes(self->fd, 0, data, sizeof(data), &header));
	EXPECT_EQ(4, header.length);
	EXPECT_EQ(0, memcmp(data, "text", 4));
	/* back to that of a new handle */
	ASSERT_EQ(0, mode_set(self->fd, (struct mbox_ioc_mode) { .flags = 0 }));
	EXPECT_EQ(0, info_of(self->fd).handle_mode);
	ASSERT_EQ(4, xwrite(self->fd, "text", 4));
	EXPECT_EQ(4, xread(self->fd, data, sizeof(data)));
	close(other);
	close(copy);
}

/* A write has no header. */
TEST_F(read, write)
{
	ASSERT_EQ(0, mode_header(self->fd));
	ASSERT_EQ(4, xwrite(self->fd, "text", 4));
	EXPECT_STREQ("text", take(self->fd));
}

TEST_F(read, broadcast)
{
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(2, 0));
	ASSERT_EQ(0, mode_header(cast.in[0]));
	pattern_fill(self->out, 5000, 1);
	ASSERT_EQ(5000, xwrite(cast.fd, self->out, 5000));
	ASSERT_EQ(HEADER_SIZE + 5000, xread(cast.in[0], self->in, sizeof(*self->in)));
	EXPECT_EQ(5000, self->in->header.length);
	EXPECT_EQ(5000, pattern_match(self->in->payload, 5000, 1));
	ASSERT_EQ(5000, xread(cast.in[1], self->in, sizeof(*self->in)));
	cast_end(&cast);
}

TEST_F(read, links)
{
	struct peer *peer = peer_new(_metadata);
	int fd = link_to(peer->pid, 2), inbox = inbox_open();

	ASSERT_LE(0, fd);
	ASSERT_LE(0, inbox);
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), 1));
	ASSERT_EQ(0, mode_header(fd));
	ASSERT_EQ(0, mode_header(inbox));
	ASSERT_EQ(0, peer_send(peer, 0, 0, "one"));
	ASSERT_EQ(0, peer_send(peer, 0, 0, "two"));
	ASSERT_EQ(HEADER_SIZE + 3, xread(fd, self->in, sizeof(*self->in)));
	EXPECT_EQ((uint32_t)peer->pid, self->in->header.pid);
	EXPECT_EQ(0, memcmp(self->in->payload, "one", 3));
	ASSERT_EQ(HEADER_SIZE + 3, xread(inbox, self->in, sizeof(*self->in)));
	EXPECT_EQ(0, memcmp(self->in->payload, "two", 3));
	peer_kill(peer);
	close(fd);
	close(inbox);
}

/* Another process has the handle, but not the link. */
static int set_in_child(void *arg)
{
	return mode_header(*(int *)arg);
}

TEST_F(read, refused)
{
	struct mbox_ioc_mode by_sender = { .flags = MBOX_RECV_BY_SENDER, .pid = getpid() };
	int sender = open_name(self->name, MBOX_RIGHT_SEND), neither = open_name(self->name, 0);
	struct mbox_ioc_shutdown shut = { .how = MBOX_RIGHT_RECV };
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	struct peer *peer = peer_new(_metadata);
	int fd = link_to(peer->pid, 1), ring;

	EXPECT_EQ(-EBADF, mode_header(sender));
	EXPECT_EQ(-EBADF, mode_header(neither));
	arg.ring = 65536;
	ring = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, ring);
	EXPECT_EQ(-EOPNOTSUPP, mode_header(ring));
	/* all its messages are of one process */
	EXPECT_EQ(-EOPNOTSUPP, mode_set(fd, by_sender));
	EXPECT_EQ(-EUSERS, in_child(set_in_child, &fd));
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_SHUTDOWN, &shut));
	EXPECT_EQ(-ESHUTDOWN, mode_header(self->fd));
	peer_kill(peer);
	close(fd);
	close(ring);
	close(sender);
	close(neither);
}

TEST_F(read, header_size)
{
	struct mbox_ioc_mode arg = { .flags = MBOX_MODE_HEADER };

	EXPECT_EQ(-EINVAL, mode_set(self->fd, arg));
	arg.header_size = HEADER_SIZE - 8;
	EXPECT_EQ(-EINVAL, mode_set(self->fd, arg));
	arg.header_size = HEADER_SIZE + 8;
	EXPECT_EQ(-E2BIG, mode_set(self->fd, arg));
	arg.flags = 0;
	arg.header_size = HEADER_SIZE;
	EXPECT_EQ(-EINVAL, mode_set(self->fd, arg));
	EXPECT_EQ(0, info_of(self->fd).handle_mode);
}

MBOX_TEST_MAIN
