// SPDX-License-Identifier: GPL-2.0-only
/* readv() and writev(): one message over all segments. */
#include "lib/broadcast.h"
#include "lib/memory.h"
#include "lib/peer.h"

#include <limits.h>
#include <sys/uio.h>

#define MSG_SIZE	32768
#define CAPACITY	4

/* Older headers of the library do not have it. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT	8
#endif

static ssize_t xreadv(int fd, const struct iovec *iov, int n)
{
	ssize_t ret = readv(fd, iov, n);

	return ret < 0 ? -errno : ret;
}

static ssize_t xwritev(int fd, const struct iovec *iov, int n)
{
	ssize_t ret = writev(fd, iov, n);

	return ret < 0 ? -errno : ret;
}

/* Cut memory into pieces of 0, 1, 2, … bytes, and the rest. Returns their number. */
static int cut(struct iovec *iov, void *data, size_t size)
{
	size_t at = 0;
	int n;

	for (n = 0; n < 100 && at < size; n++) {
		iov[n].iov_base = (uint8_t *)data + at;
		iov[n].iov_len = n < size - at ? n : size - at;
		at += iov[n].iov_len;
	}
	iov[n].iov_base = (uint8_t *)data + at;
	iov[n].iov_len = size - at;
	return n + 1;
}

FIXTURE(vector)
{
	int fd;
	uint8_t *in, *out;
	struct iovec from[IOV_MAX], to[IOV_MAX];
};

FIXTURE_SETUP(vector)
{
	struct mbox_ioc_open arg = open_arg(NULL, CAPACITY);

	arg.msg_size = MSG_SIZE;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
	self->in = shared_alloc(MSG_SIZE + 1);
	self->out = shared_alloc(MSG_SIZE + 1);
}

FIXTURE_TEARDOWN(vector)
{
	close(self->fd);
}

TEST_F(vector, one_message)
{
	char one[3], two[4], three[16];
	struct iovec out[] = { { "one", 3 }, { NULL, 0 }, { "four", 4 }, { "seven", 5 }, { NULL, 0 } };
	struct iovec in[] = { { one, 3 }, { NULL, 0 }, { two, 4 }, { three, 16 } };

	memset(three, POISON, sizeof(three));
	EXPECT_EQ(12, xwritev(self->fd, out, 5));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(12, info_of(self->fd).queued_bytes);
	EXPECT_EQ(1, xwrite(self->fd, "x", 1));
	/* as much as fits is no reason to go on to the next */
	EXPECT_EQ(12, xreadv(self->fd, in, 4));
	EXPECT_EQ(0, memcmp(one, "one", 3));
	EXPECT_EQ(0, memcmp(two, "four", 4));
	EXPECT_EQ(0, memcmp(three, "seven", 5));
	EXPECT_TRUE(untouched(three + 5, sizeof(three) - 5));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(1, xreadv(self->fd, in, 1));
	EXPECT_BALANCED(self->fd);
}

TEST_F(vector, every_size)
{
	static const size_t sizes[] = { 1, 8, 56, 255, 256, 257, 4095, 4096, 4097, 5000, MSG_SIZE };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];
		int n = cut(self->from, self->out, size);

		pattern_fill(self->out, size, i);
		memset(self->in, POISON, MSG_SIZE + 1);
		ASSERT_EQ(size, xwritev(self->fd, self->from, n));
		n = cut(self->to, self->in, MSG_SIZE);
		ASSERT_EQ(size, xreadv(self->fd, self->to, n));
		ASSERT_EQ(size, pattern_match(self->in, size, i));
		ASSERT_TRUE(untouched(self->in + size, MSG_SIZE + 1 - size));
	}
	EXPECT_EQ(ARRAY_SIZE(sizes), info_of(self->fd).sent);
	EXPECT_BALANCED(self->fd);
}

TEST_F(vector, most_segments)
{
	pattern_fill(self->out, MSG_SIZE, 1);
	for (int i = 0; i < IOV_MAX; i++) {
		self->from[i] = (struct iovec) { self->out + 3 * i, 3 };
		self->to[i] = (struct iovec) { self->in + 3 * i, 3 };
	}
	ASSERT_EQ(3 * IOV_MAX, xwritev(self->fd, self->from, IOV_MAX));
	ASSERT_EQ(3 * IOV_MAX, xreadv(self->fd, self->to, IOV_MAX));
	EXPECT_EQ(3 * IOV_MAX, pattern_match(self->in, 3 * IOV_MAX, 1));
}

TEST_F(vector, empty_message)
{
	struct iovec in[] = { { self->in, 5 }, { self->in + 5, 5 } };

	memset(self->in, POISON, 10);
	ASSERT_EQ(0, xwrite(self->fd, NULL, 0));
	ASSERT_EQ(1, xwrite(self->fd, "x", 1));
	EXPECT_EQ(0, xreadv(self->fd, in, 2));
	EXPECT_TRUE(untouched(self->in, 10));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(1, xreadv(self->fd, in, 2));
}

/* With nothing in any segment, these calls end before they reach the mailbox. */
TEST_F(vector, nothing)
{
	struct iovec none[] = { { NULL, 0 }, { NULL, 0 } };
	struct mbox_info before;

	ASSERT_EQ(0, xwrite(self->fd, NULL, 0));
	before = info_of(self->fd);
	EXPECT_EQ(0, xwritev(self->fd, none, 2));
	EXPECT_EQ(0, xreadv(self->fd, none, 2));
	EXPECT_EQ(0, xreadv(self->fd, none, 0));
	EXPECT_UNCHANGED(self->fd, &before);
}

TEST_F(vector, too_long)
{
	struct iovec out[] = { { self->out, MSG_SIZE }, { self->out, 1 } };
	struct iovec in[] = { { self->in, 3 }, { self->in, 4 } };
	struct mbox_info before = info_of(self->fd);

	EXPECT_EQ(-EMSGSIZE, xwritev(self->fd, out, 2));
	EXPECT_UNCHANGED(self->fd, &before);
	ASSERT_EQ(8, xwrite(self->fd, "8 bytes.", 8));
	before = info_of(self->fd);
	EXPECT_EQ(-EMSGSIZE, xreadv(self->fd, in, 2));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_STREQ("8 bytes.", take(self->fd));
}

/* A bad segment: nothing is sent, and nothing is received. */
TEST_F(vector, fault)
{
	static const size_t sizes[] = { 10, 300, 5000 };
	struct mbox_info before;
	size_t area_size;
	uint8_t *area = area_new(_metadata, PROT_READ | PROT_WRITE, &area_size);
	uint8_t *end = area + area_size;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t half = sizes[i] / 2;
		/* the second one lies half behind the end of the memory */
		struct iovec bad[] = { { self->in, half }, { end - half / 2, half } };

		before = info_of(self->fd);
		EXPECT_EQ(-EFAULT, xwritev(self->fd, bad, 2));
		EXPECT_UNCHANGED(self->fd, &before);
		pattern_fill(self->out, 2 * half, i);
		ASSERT_EQ(2 * half, xwrite(self->fd, self->out, 2 * half));
		ASSERT_EQ(1, xwrite(self->fd, "x", 1));
		before = info_of(self->fd);
		EXPECT_EQ(-EFAULT, xreadv(self->fd, bad, 2));
		EXPECT_UNCHANGED(self->fd, &before);
		/* in its place */
		ASSERT_EQ(2 * half, xread(self->fd, self->in, MSG_SIZE));
		EXPECT_EQ(2 * half, pattern_match(self->in, 2 * half, i));
		EXPECT_STREQ("x", take(self->fd));
		EXPECT_BALANCED(self->fd);
	}
}

/* An address that no process has is refused by the call itself. */
TEST_F(vector, bad_addresses)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_addresses); i++) {
		struct iovec bad[] = { { self->in, 1 }, { (void *)(uintptr_t)no_addresses[i], 1 } };
		struct mbox_info before = info_of(self->fd);

		EXPECT_EQ(-EFAULT, xwritev(self->fd, bad, 2));
		EXPECT_EQ(-EFAULT, xwritev(self->fd, bad + 1, 1));
		EXPECT_UNCHANGED(self->fd, &before);
		ASSERT_EQ(2, xwrite(self->fd, "ab", 2));
		before = info_of(self->fd);
		EXPECT_EQ(-EFAULT, xreadv(self->fd, bad, 2));
		EXPECT_UNCHANGED(self->fd, &before);
		EXPECT_STREQ("ab", take(self->fd));
	}
}

TEST_F(vector, lazy_pages)
{
	const size_t size = 20000;

	for (enum lazy_kind kind = 0; kind < LAZY_KINDS; kind++) {
		uint8_t *lazy = lazy_new(_metadata, kind, size);
		int n = cut(self->to, lazy, size);

		pattern_fill(self->out, size, kind);
		ASSERT_EQ(size, xwrite(self->fd, self->out, size));
		ASSERT_EQ(size, xreadv(self->fd, self->to, n));
		EXPECT_EQ(size, pattern_match(lazy, size, kind));
		munmap(lazy, size);
		/* small ones too, which are copied under the lock where that can be */
		lazy = lazy_new(_metadata, kind, size);
		n = cut(self->to, lazy, 100);
		ASSERT_EQ(100, xwrite(self->fd, self->out, 100));
		ASSERT_EQ(100, xreadv(self->fd, self->to, n));
		EXPECT_EQ(100, pattern_match(lazy, 100, kind));
		munmap(lazy, size);
	}
}

/* A child that receives into two segments, or sends them, of @half bytes each. */
struct blocked {
	int fd;
	bool sends;
	size_t half;
	uint8_t *data;
	ssize_t ret;
};

static int blocked_call(void *arg)
{
	struct blocked *blocked = arg;
	struct iovec iov[] = { { blocked->data, blocked->half },
			       { blocked->data + blocked->half, blocked->half } };

	blocked->ret = blocked->sends ? xwritev(blocked->fd, iov, 2) :
					xreadv(blocked->fd, iov, 2);
	return 0;
}

static pid_t blocked_start(struct blocked *blocked)
{
	pid_t pid = fork_child();

	if (!pid)
		_exit(blocked_call(blocked));
	return pid;
}

TEST_F(vector, blocks)
{
	static const size_t halves[] = { 10, 200, 3000, MSG_SIZE / 2 };
	struct blocked *blocked = shared_alloc(sizeof(*blocked));
	pid_t pid;

	blocked->fd = self->fd;
	blocked->data = self->in;
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		size_t size = 2 * halves[i];

		blocked->half = halves[i];
		blocked->sends = false;
		pid = blocked_start(blocked);
		ASSERT_TRUE(await_blocked(self->fd, 0, 1));
		pattern_fill(self->out, size, i);
		ASSERT_EQ(size, xwrite(self->fd, self->out, size));
		ASSERT_EQ(0, reap(pid));
		EXPECT_EQ(size, blocked->ret);
		EXPECT_EQ(size, pattern_match(self->in, size, i));

		for (int j = 0; j < CAPACITY; j++)
			ASSERT_EQ(0, put(self->fd, 0, "x"));
		blocked->sends = true;
		pattern_fill(self->in, size, i + 1);
		pid = blocked_start(blocked);
		ASSERT_TRUE(await_blocked(self->fd, 1, 0));
		for (int j = 0; j < CAPACITY; j++)
			ASSERT_STREQ("x", take(self->fd));
		ASSERT_EQ(0, reap(pid));
		EXPECT_EQ(size, blocked->ret);
		ASSERT_EQ(size, xread(self->fd, self->out, MSG_SIZE));
		EXPECT_EQ(size, pattern_match(self->out, size, i + 1));
	}
	EXPECT_BALANCED(self->fd);
}

/* The message of a sender that waits is accepted by the receive. */
TEST_F(vector, rendezvous)
{
	static const size_t halves[] = { 10, 3000 };
	struct blocked *blocked = shared_alloc(sizeof(*blocked));
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);

	blocked->fd = fd;
	blocked->data = self->out;
	blocked->sends = true;
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		size_t size = 2 * halves[i];
		struct iovec bad[] = { { self->in, halves[i] }, { NULL, halves[i] } };
		pid_t pid;

		blocked->half = halves[i];
		pattern_fill(self->out, size, i);
		pid = blocked_start(blocked);
		ASSERT_TRUE(await_blocked(fd, 1, 0));
		EXPECT_EQ(-EFAULT, xreadv(fd, bad, 2));
		EXPECT_EQ(1, info_of(fd).senders);
		ASSERT_EQ(size, xreadv(fd, self->to, cut(self->to, self->in, size)));
		ASSERT_EQ(0, reap(pid));
		EXPECT_EQ(size, blocked->ret);
		EXPECT_EQ(size, pattern_match(self->in, size, i));
	}
	EXPECT_BALANCED(fd);
	close(fd);
}

TEST_F(vector, nonblock)
{
	struct iovec iov[] = { { self->in, 1 }, { self->in + 1, 1 } };
	struct mbox_info before = info_of(self->fd);

	EXPECT_EQ(-1, preadv2(self->fd, iov, 2, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, preadv2(self->fd, iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_UNCHANGED(self->fd, &before);
	for (int i = 0; i < CAPACITY; i++)
		EXPECT_EQ(2, pwritev2(self->fd, iov, 2, -1, RWF_NOWAIT));
	before = info_of(self->fd);
	EXPECT_EQ(-1, pwritev2(self->fd, iov, 2, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, pwritev2(self->fd, iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_EQ(2, preadv2(self->fd, iov, 2, -1, RWF_NOWAIT));
	/* there is no place to go to, and nothing to be written through */
	EXPECT_EQ(-1, preadv2(self->fd, iov, 2, 0, 0));
	EXPECT_EQ(ESPIPE, errno);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	while (xreadv(self->fd, iov, 2) >= 0)
		;
	EXPECT_EQ(-EAGAIN, xreadv(self->fd, iov, 2));
	EXPECT_BALANCED(self->fd);
}

TEST_F(vector, rights)
{
	struct iovec iov[] = { { self->in, 1 }, { self->in + 1, 1 } };
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 1, name), receiver, sender;

	receiver = open_name(name, MBOX_RIGHT_RECV);
	sender = open_name(name, MBOX_RIGHT_SEND);
	EXPECT_EQ(-EBADF, xwritev(receiver, iov, 2));
	EXPECT_EQ(-EBADF, xreadv(sender, iov, 2));
	EXPECT_EQ(2, xwritev(sender, iov, 2));
	EXPECT_EQ(2, xreadv(receiver, iov, 2));
	close(sender);
	close(receiver);
	close(fd);
}

TEST_F(vector, broadcast)
{
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(2, 0));
	pattern_fill(self->out, 5000, 1);
	ASSERT_EQ(5000, xwritev(cast.fd, self->from, cut(self->from, self->out, 5000)));
	for (int i = 0; i < HANDLES; i++) {
		ASSERT_EQ(5000, xreadv(cast.in[i], self->to, cut(self->to, self->in, 6000)));
		EXPECT_EQ(5000, pattern_match(self->in, 5000, 1));
	}
	cast_end(&cast);
}

TEST_F(vector, link)
{
	struct iovec in[] = { { self->in, 2 }, { self->in + 2, 100 } };
	struct iovec out[] = { { "ab", 2 }, { "cd", 2 } };
	struct peer *peer = peer_new(_metadata);
	int fd = link_to(peer->pid, 1);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, peer_link(peer, 0, getpid(), 1));
	ASSERT_EQ(4, xwritev(fd, out, 2));
	EXPECT_STREQ("abcd", peer_take(peer, 0));
	ASSERT_EQ(0, peer_send(peer, 0, 0, "text"));
	EXPECT_EQ(4, xreadv(fd, in, 2));
	EXPECT_EQ(0, memcmp(self->in, "text", 4));
	peer_kill(peer);
	close(fd);
}

TEST_F(vector, ring)
{
	struct iovec iov[] = { { self->in, 1 }, { self->in + 1, 1 } };
	struct mbox_ioc_open arg = open_arg(NULL, 0);
	int fd;

	arg.ring = 65536;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, xwritev(fd, iov, 2));
	EXPECT_EQ(-EOPNOTSUPP, xreadv(fd, iov, 2));
	close(fd);
}

MBOX_TEST_MAIN
