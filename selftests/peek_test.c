// SPDX-License-Identifier: GPL-2.0-only
/* Peeks at the message of a position: in order, by filter, and while the queue changes. */
#include "lib/broadcast.h"
#include "lib/lease.h"
#include "lib/mode.h"
#include "lib/payload.h"
#include "lib/peer.h"

#include <sched.h>

#define DEPTH	4096		/* many times the number of messages that is searched at once */
#define PEEKS	200

#define AT	(MBOX_RECV_PEEK | MBOX_RECV_AT)

FIXTURE(peek)
{
	int fd;
};

FIXTURE_SETUP(peek)
{
	self->fd = box_new(_metadata, 64);
}

FIXTURE_TEARDOWN(peek)
{
	close(self->fd);
}

static const char *peek_arg(int fd, uint64_t index, struct mbox_ioc_recv arg)
{
	arg.flags |= AT;
	arg.header.seq = index;
	return take_arg(fd, arg);
}

/* Peek at a position. Return the text, or the name of the error. */
static const char *peek_at(int fd, uint64_t index)
{
	return peek_arg(fd, index, (struct mbox_ioc_recv) {});
}

static const char *peek_type(int fd, uint64_t index, uint32_t how, uint32_t type)
{
	return peek_arg(fd, index, (struct mbox_ioc_recv) { .flags = how, .type = type });
}

TEST_F(peek, in_order)
{
	struct mbox_ioc_recv arg = { .flags = AT };
	struct mbox_info info;

	EXPECT_STREQ("EAGAIN", peek_at(self->fd, 0));
	ASSERT_EQ(0, put(self->fd, 0, "third"));
	ASSERT_EQ(0, put(self->fd, 0, "fourth"));
	ASSERT_EQ(0, put(self->fd, 7, "second"));
	ASSERT_EQ(0, put(self->fd, 9, "first"));
	info = info_of(self->fd);
	EXPECT_STREQ("fourth", peek_at(self->fd, 3));
	EXPECT_STREQ("first", peek_at(self->fd, 0));
	EXPECT_STREQ("third", peek_at(self->fd, 2));
	EXPECT_STREQ("second", peek_at(self->fd, 1));
	EXPECT_STREQ("EAGAIN", peek_at(self->fd, 4));
	EXPECT_STREQ("EAGAIN", peek_at(self->fd, 1ULL << 32));
	EXPECT_STREQ("EAGAIN", peek_at(self->fd, UINT64_MAX));
	EXPECT_UNCHANGED(self->fd, &info);
	/* the header tells the number of the message */
	arg.header.seq = 1;
	EXPECT_EQ(-EMSGSIZE, xioctl(self->fd, MBOX_IOC_RECV, &arg));
	EXPECT_EQ(3, arg.header.seq);
	EXPECT_EQ(6, arg.header.length);
	EXPECT_EQ(7, arg.header.prio);
	EXPECT_STREQ("first", take(self->fd));
	EXPECT_STREQ("second", peek_at(self->fd, 0));
}

/* A receive without the flag ignores the position. */
TEST_F(peek, ignored)
{
	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	EXPECT_STREQ("one", take_arg(self->fd, (struct mbox_ioc_recv) {
		.flags = MBOX_RECV_PEEK, .header.seq = 1 }));
	EXPECT_STREQ("one", take_arg(self->fd, (struct mbox_ioc_recv) { .header.seq = 1 }));
}

TEST_F(peek, invalid)
{
	struct mbox_ioc_recvv batch = { .flags = AT };
	struct mbox_ioc_lease lease = { .recv.flags = AT };

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	EXPECT_STREQ("EINVAL", take_flags(self->fd, MBOX_RECV_AT));
	EXPECT_STREQ("EINVAL", peek_type(self->fd, 0, MBOX_RECV_MAX_TYPE, 1));
	EXPECT_STREQ("EINVAL", peek_type(self->fd, 0, MBOX_RECV_BY_TYPE | MBOX_RECV_NOT_TYPE, 1));
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_RECVV, &batch));
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_LEASE, &lease));
	EXPECT_EQ(-EINVAL, mode_set(self->fd, (struct mbox_ioc_mode) { .flags = MBOX_RECV_AT }));
	EXPECT_STREQ("one", peek_at(self->fd, 0));
}

TEST_F(peek, by_filter)
{
	for (uint32_t i = 0; i < 9; i++) {
		const char text[] = { '0' + i, 0 };

		ASSERT_EQ(0, send_bytes(self->fd, MBOX_SEND_NONBLOCK, i % 2, i % 3, text, 1));
	}
	/* 1 3 5 7 0 2 4 6 8 */
	EXPECT_STREQ("0", peek_at(self->fd, 4));
	EXPECT_STREQ("4", peek_type(self->fd, 2, MBOX_RECV_BY_TYPE, 1));
	EXPECT_STREQ("EAGAIN", peek_type(self->fd, 3, MBOX_RECV_BY_TYPE, 1));
	EXPECT_STREQ("0", peek_type(self->fd, 2, MBOX_RECV_NOT_TYPE, 1));
	EXPECT_STREQ("7", peek_arg(self->fd, 3, (struct mbox_ioc_recv) { .min_prio = 1 }));
	EXPECT_STREQ("EAGAIN", peek_arg(self->fd, 4, (struct mbox_ioc_recv) { .min_prio = 1 }));
	EXPECT_STREQ("8", peek_arg(self->fd, 8, (struct mbox_ioc_recv) {
		.flags = MBOX_RECV_BY_SENDER, .pid = getpid() }));
	EXPECT_STREQ("EAGAIN", peek_arg(self->fd, 0, (struct mbox_ioc_recv) {
		.flags = MBOX_RECV_BY_SENDER, .pid = 1 }));
}

/* The filter of the handle counts, unless the call has one. */
TEST_F(peek, by_mode)
{
	ASSERT_EQ(0, put_type(self->fd, 1, "one"));
	ASSERT_EQ(0, put_type(self->fd, 2, "two"));
	ASSERT_EQ(0, put_type(self->fd, 1, "three"));
	ASSERT_EQ(0, mode_type(self->fd, 1));
	EXPECT_STREQ("three", peek_at(self->fd, 1));
	EXPECT_STREQ("EAGAIN", peek_at(self->fd, 2));
	EXPECT_STREQ("two", peek_type(self->fd, 0, MBOX_RECV_BY_TYPE, 2));
	ASSERT_EQ(0, mode_set(self->fd, (struct mbox_ioc_mode) {
		.flags = MBOX_RECV_MAX_TYPE, .type = 2 }));
	EXPECT_STREQ("EINVAL", peek_at(self->fd, 0));
	EXPECT_STREQ("two", peek_type(self->fd, 0, MBOX_RECV_BY_TYPE, 2));
}

TEST_F(peek, cut)
{
	static char sent[20000], got[20000];
	struct mbox_ioc_open open = open_arg(NULL, 8);
	struct mbox_ioc_recv arg = { .flags = AT | MBOX_RECV_TRUNC, .data = address_of(got) };
	int fd;

	open.msg_size = sizeof(sent);
	fd = open_call(MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, fd);
	memset(sent, 'x', sizeof(sent));
	ASSERT_EQ(0, put(fd, 0, "small"));
	ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, sent, sizeof(sent)));
	for (arg.size = 100; arg.size <= sizeof(got); arg.size += 9950) {
		memset(got, POISON, sizeof(got));
		arg.header.seq = 1;
		ASSERT_EQ(0, xioctl(fd, MBOX_IOC_RECV, &arg));
		EXPECT_EQ(sizeof(sent), arg.header.length);
		EXPECT_EQ(0, memcmp(sent, got, arg.size));
		EXPECT_TRUE(untouched(got + arg.size, sizeof(got) - arg.size));
	}
	close(fd);
}

/* Messages of blocked sends, leased, delayed and parked ones are not in the queue. */
TEST_F(peek, queued_only)
{
	struct mbox_ioc_post later = {
		.flags = MBOX_POST_NOT_BEFORE, .clock = MBOX_CLOCK_MONOTONIC,
		.not_before = now() + 60 * NSEC_PER_SEC,
		.send = { .data = address_of("later"), .size = 5 },
	};
	struct mbox_ioc_nack release = {};
	struct leased leased;
	struct call *call;
	int fd;

	ASSERT_EQ(0, put(self->fd, 1, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_POST, &later));
	leased = lease(self->fd);
	ASSERT_EQ(0, leased.error);
	EXPECT_STREQ("two", peek_at(self->fd, 0));
	EXPECT_STREQ("EAGAIN", peek_at(self->fd, 1));
	release.token = leased.delivery.token;
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_NACK, &release));
	EXPECT_STREQ("one", peek_at(self->fd, 0));
	EXPECT_STREQ("two", peek_at(self->fd, 1));

	fd = box_new(_metadata, 1);
	ASSERT_EQ(0, put(fd, 0, "queued"));
	call = send_start(fd, 5, "blocked");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("queued", peek_at(fd, 0));
	EXPECT_STREQ("EAGAIN", peek_at(fd, 1));
	EXPECT_STREQ("queued", take(fd));
	EXPECT_EQ(0, call_end(call));
	EXPECT_STREQ("blocked", peek_at(fd, 0));
	close(fd);
}

/* It never waits, whatever the deadline, and fails as a receive that finds nothing. */
TEST_F(peek, no_wait)
{
	struct mbox_ioc_recv arg = {
		.clock = MBOX_CLOCK_MONOTONIC, .deadline = now() + 60 * NSEC_PER_SEC,
	};
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 4, name), receiver;

	EXPECT_STREQ("EAGAIN", peek_arg(self->fd, 0, arg));
	ASSERT_EQ(0, put(fd, 0, "last"));
	receiver = open_name(name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, receiver);
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_UNLINK));
	close(fd);
	EXPECT_STREQ("last", peek_at(receiver, 0));
	EXPECT_STREQ("EPIPE", peek_at(receiver, 1));
	close(receiver);
}

TEST_F(peek, without_right)
{
	char name[MBOX_NAME_SIZE];
	int fd = box_new_named(_metadata, 4, name);
	int sender = open_name(name, MBOX_RIGHT_SEND);

	ASSERT_LE(0, sender);
	ASSERT_EQ(0, put(fd, 0, "one"));
	EXPECT_STREQ("EBADF", peek_at(sender, 0));
	close(sender);
	close(fd);
}

/* Each handle on a broadcast has positions of its own. */
TEST(broadcast)
{
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(64, 0));
	for (int i = 0; i < 6; i++) {
		const char text[] = { '0' + i, 0 };

		ASSERT_EQ(HANDLES, send_bytes(cast.fd, 0, i == 5, i % 2, text, 1));
	}
	EXPECT_STREQ("5", take(cast.in[1]));
	EXPECT_STREQ("0", take(cast.in[1]));
	EXPECT_STREQ("5", peek_at(cast.in[0], 0));
	EXPECT_STREQ("4", peek_at(cast.in[0], 5));
	EXPECT_STREQ("EAGAIN", peek_at(cast.in[0], 6));
	EXPECT_STREQ("4", peek_at(cast.in[1], 3));
	EXPECT_STREQ("EAGAIN", peek_at(cast.in[1], 4));
	EXPECT_STREQ("3", peek_type(cast.in[1], 1, MBOX_RECV_BY_TYPE, 1));
	cast_end(&cast);
}

static int do_peek(struct peer *peer)
{
	strcpy(peer->text, peek_at(peer->fd[peer->slot], peer->type));
	return 0;
}

static const char *peer_peek(struct peer *peer, int slot, uint64_t index)
{
	peer->slot = slot;
	peer->type = index;
	peer_do(peer, do_peek);
	return peer->text;
}

/* A link has a queue; an inbox collects those of its links. */
TEST(of_a_link)
{
	struct peer *sender = peer_new(_metadata), *receiver = peer_new(_metadata);

	ASSERT_EQ(0, peer_link(sender, 0, receiver->pid, 8));
	ASSERT_EQ(0, peer_link(receiver, 0, sender->pid, 8));
	receiver->slot = 1;
	ASSERT_EQ(0, peer_do(receiver, do_inbox));
	ASSERT_EQ(0, peer_send(sender, 0, 0, "one"));
	ASSERT_EQ(0, peer_send(sender, 0, 0, "two"));
	EXPECT_STREQ("one", peer_peek(receiver, 0, 0));
	EXPECT_STREQ("two", peer_peek(receiver, 0, 1));
	EXPECT_STREQ("EAGAIN", peer_peek(receiver, 0, 2));
	EXPECT_STREQ("EOPNOTSUPP", peer_peek(receiver, 1, 0));
	EXPECT_STREQ("one", peer_take(receiver, 1));
	EXPECT_STREQ("two", peer_peek(receiver, 0, 0));
	peer_kill(sender);
	peer_kill(receiver);
}

/* Messages that are numbered, of type 1 and priority 1, but for each third of type 2. */
static int deep_box(struct __test_metadata *_metadata)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);

	for (uint32_t i = 0; i < DEPTH; i++)
		ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 1, 1 + !(i % 3), &i, sizeof(i)));
	return fd;
}

/* Peek at a position. Return the number in the message, or a negated errno. */
static int64_t peek_number(int fd, uint64_t index, uint32_t type, uint32_t *prio)
{
	uint32_t number = 0;
	struct mbox_ioc_recv arg = {
		.flags = AT | (type ? MBOX_RECV_BY_TYPE : 0), .type = type,
		.data = address_of(&number), .size = sizeof(number), .header.seq = index,
	};
	int ret = xioctl(fd, MBOX_IOC_RECV, &arg);

	*prio = arg.header.prio;
	return ret ? ret : (int64_t)number;
}

TEST(deep)
{
	int fd = deep_box(_metadata);
	uint32_t prio;

	for (uint32_t i = 0; i < DEPTH; i += 100)
		EXPECT_EQ(i, peek_number(fd, i, 0, &prio));
	EXPECT_EQ(DEPTH - 1, peek_number(fd, DEPTH - 1, 0, &prio));
	EXPECT_EQ(-EAGAIN, peek_number(fd, DEPTH, 0, &prio));
	EXPECT_EQ(3 * 1000, peek_number(fd, 1000, 2, &prio));
	EXPECT_EQ(-EAGAIN, peek_number(fd, DEPTH / 3 + 1, 2, &prio));
	close(fd);
}

/* Send @n messages to the front, and receive them. */
static int churn_front(int fd, uint32_t n)
{
	uint32_t number;

	for (uint32_t i = 0; i < n; i++)
		if (send_bytes(fd, MBOX_SEND_NONBLOCK, 2, 2, &i, sizeof(i)))
			return 1;
	for (uint32_t i = 0; i < n; i++)
		if (recv_bytes(fd, MBOX_RECV_NONBLOCK, &number, sizeof(number), NULL))
			return 1;
	return 0;
}

/*
 * Others come to the front and go: they move the position by as many as are there, and a
 * search that has passed by them goes back.
 */
TEST(front_churns)
{
	const uint32_t front = 100, indices[] = { 50, 2000, DEPTH - 1 };
	int fd = deep_box(_metadata);
	uint32_t prio;
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (!child)
		for (;;)
			if (churn_front(fd, front))
				_exit(1);
	for (int i = 0; i < 3 * PEEKS; i++) {
		uint64_t index = indices[i % 3];
		int64_t number = peek_number(fd, index, 0, &prio);

		ASSERT_TRUE(prio == 2 ? number >= (int64_t)index && number < front :
			    number <= (int64_t)index && number >= (int64_t)index - front) {
			TH_LOG("number %lld at %llu", (long long)number,
			       (unsigned long long)index);
		}
		/* and by type: each third, and those in front */
		number = peek_number(fd, 1200, 2, &prio);
		ASSERT_EQ(1, prio);
		ASSERT_TRUE(number <= 3600 && number >= 3600 - 3 * front && !(number % 3)) {
			TH_LOG("number %lld by type", (long long)number);
		}
	}
	kill(child, SIGKILL);
	reap(child);
	close(fd);
}

/* The first ones are received for good: the position moves by as many as went. */
TEST(front_goes)
{
	int fd = deep_box(_metadata);
	uint32_t prio;
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (!child) {
		uint32_t number;

		for (int i = 0; i < DEPTH / 2; i++) {
			if (recv_bytes(fd, MBOX_RECV_NONBLOCK, &number, sizeof(number), NULL))
				_exit(1);
			if (!(i % 4))
				sched_yield();
		}
		_exit(0);
	}
	for (;;) {
		uint64_t before = info_of(fd).received, after;
		int64_t number = peek_number(fd, DEPTH / 2 - 1, 0, &prio);

		after = info_of(fd).received;
		ASSERT_TRUE(number >= (int64_t)(DEPTH / 2 - 1 + before) &&
			    number <= (int64_t)(DEPTH / 2 - 1 + after)) {
			TH_LOG("number %lld, %llu to %llu received", (long long)number,
			       (unsigned long long)before, (unsigned long long)after);
		}
		if (after == DEPTH / 2)
			break;
	}
	EXPECT_EQ(0, reap(child));
	EXPECT_EQ(DEPTH - 1, peek_number(fd, DEPTH / 2 - 1, 0, &prio));
	EXPECT_EQ(-EAGAIN, peek_number(fd, DEPTH / 2, 0, &prio));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* The mailbox goes while a search pauses. */
TEST(deleted)
{
	int fd = deep_box(_metadata);
	uint32_t prio;
	pid_t child = fork_child();

	ASSERT_LE(0, child);
	if (!child) {
		usleep(20000);
		_exit(delete_fd(fd, MBOX_DELETE_FORCE) != 0);
	}
	for (;;) {
		int64_t number = peek_number(fd, DEPTH - 1, 0, &prio);

		if (number == -EIDRM)
			break;
		ASSERT_EQ(DEPTH - 1, number);
	}
	EXPECT_EQ(0, reap(child));
	close(fd);
}

MBOX_TEST_MAIN
