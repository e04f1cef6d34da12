// SPDX-License-Identifier: GPL-2.0-only
/* Receiving by type, by sender and by priority, and looking without taking. */
#include "lib/child_call.h"

#include <pthread.h>

FIXTURE(filter)
{
	int fd;
};

FIXTURE_SETUP(filter)
{
	self->fd = box_new(_metadata, 16);
}

FIXTURE_TEARDOWN(filter)
{
	close(self->fd);
}

struct want {
	uint32_t flags, type, pid, min_prio;
};

#define BY_TYPE(t)	((struct want) { .flags = MBOX_RECV_BY_TYPE, .type = (t) })
#define BY_PID(p)	((struct want) { .flags = MBOX_RECV_BY_SENDER, .pid = (p) })
#define BY_PRIO(p)	((struct want) { .min_prio = (p) })

static const char *take_want(int fd, struct want want)
{
	return take_arg(fd, (struct mbox_ioc_recv) {
		.flags = want.flags, .type = want.type, .pid = want.pid, .min_prio = want.min_prio,
	});
}

static struct call *want_start(int fd, struct want want)
{
	struct call *call = call_new(fd, CALL_RECV);

	call->recv.flags = want.flags;
	call->recv.type = want.type;
	call->recv.pid = want.pid;
	call->recv.min_prio = want.min_prio;
	call_start(call);
	return call;
}

static int put_type(int fd, uint32_t prio, uint32_t type, const char *text)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, prio, type, text, strlen(text));
}

/* Another process sends a message and is gone, but for its number. */
static pid_t put_by_child(struct __test_metadata *_metadata, int fd, uint32_t prio,
			  const char *text)
{
	struct call *call = send_start(fd, prio, text);

	ASSERT_EQ(0, call_end(call));
	return call->pid;
}

TEST_F(filter, type)
{
	struct mbox_info before;

	ASSERT_EQ(0, put_type(self->fd, 0, 1, "a1"));
	ASSERT_EQ(0, put_type(self->fd, 5, 2, "b2"));
	ASSERT_EQ(0, put_type(self->fd, 5, 1, "b1"));
	ASSERT_EQ(0, put_type(self->fd, 9, 0xffffffff, "c-1"));
	ASSERT_EQ(0, put_type(self->fd, 0, 0, "a0"));
	before = info_of(self->fd);
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_TYPE(3)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_TYPE(0x80000000)));
	EXPECT_UNCHANGED(self->fd, &before);
	/* in the mailbox's order, among those of the type */
	EXPECT_STREQ("b1", take_want(self->fd, BY_TYPE(1)));
	EXPECT_STREQ("a1", take_want(self->fd, BY_TYPE(1)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_TYPE(1)));
	/* 0 is a type like others */
	EXPECT_STREQ("a0", take_want(self->fd, BY_TYPE(0)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_TYPE(0)));
	EXPECT_STREQ("c-1", take_want(self->fd, BY_TYPE(0xffffffff)));
	EXPECT_STREQ("b2", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(filter, least_priority)
{
	ASSERT_EQ(0, put(self->fd, 4, "four"));
	ASSERT_EQ(0, put(self->fd, 5, "five"));
	ASSERT_EQ(0, put(self->fd, 5, "five again"));
	ASSERT_EQ(0, put(self->fd, MBOX_PRIO_MAX, "most"));
	EXPECT_STREQ("most", take_want(self->fd, BY_PRIO(MBOX_PRIO_MAX)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_PRIO(MBOX_PRIO_MAX)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_PRIO(6)));
	EXPECT_STREQ("five", take_want(self->fd, BY_PRIO(5)));
	EXPECT_STREQ("five again", take_want(self->fd, BY_PRIO(5)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_PRIO(5)));
	EXPECT_STREQ("four", take_want(self->fd, BY_PRIO(0)));
	EXPECT_BALANCED(self->fd);
}

TEST_F(filter, sender)
{
	pid_t one, two;

	ASSERT_EQ(0, put(self->fd, 0, "mine"));
	one = put_by_child(_metadata, self->fd, 0, "one's");
	two = put_by_child(_metadata, self->fd, 0, "two's");
	ASSERT_EQ(0, put(self->fd, 1, "mine too"));
	EXPECT_STREQ("two's", take_want(self->fd, BY_PID(two)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_PID(two)));
	EXPECT_STREQ("mine too", take_want(self->fd, BY_PID(getpid())));
	EXPECT_STREQ("one's", take_want(self->fd, BY_PID(one)));
	/* all senders are to be seen here, and the parent has sent nothing */
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_PID(0)));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, BY_PID(getppid())));
	EXPECT_STREQ("mine", take_want(self->fd, BY_PID(getpid())));
	EXPECT_BALANCED(self->fd);
}

static void *put_by_thread(void *arg)
{
	put(*(int *)arg, 0, "a thread's");
	return NULL;
}

/* A thread sends, and receives, as its process. */
TEST_F(filter, sender_is_a_process)
{
	struct mbox_header header;
	pthread_t thread;
	char text[32];

	ASSERT_EQ(0, pthread_create(&thread, NULL, put_by_thread, &self->fd));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_PEEK, text, sizeof(text), &header));
	EXPECT_EQ((uint32_t)getpid(), header.pid);
	EXPECT_STREQ("a thread's", take_want(self->fd, BY_PID(getpid())));
}

TEST_F(filter, all_at_once)
{
	struct want want = {
		.flags = MBOX_RECV_BY_TYPE | MBOX_RECV_BY_SENDER, .type = 7, .pid = getpid(),
		.min_prio = 3,
	};

	put_by_child(_metadata, self->fd, 5, "another's");
	ASSERT_EQ(0, put_type(self->fd, 2, 7, "low"));
	ASSERT_EQ(0, put_type(self->fd, 5, 8, "of another type"));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, want));
	ASSERT_EQ(0, put_type(self->fd, 3, 7, "right"));
	EXPECT_STREQ("right", take_want(self->fd, want));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, want));
	EXPECT_EQ(3, info_of(self->fd).queued);
}

/* A filter that nothing passes waits as an empty mailbox does. */
TEST_F(filter, waits)
{
	struct call *receiver;

	ASSERT_EQ(0, put_type(self->fd, 9, 1, "queued before"));
	receiver = want_start(self->fd, BY_TYPE(7));
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, put_type(self->fd, 9, 1, "not it"));
	ASSERT_EQ(0, put_type(self->fd, 9, 0, "nor this"));
	EXPECT_EQ(1, info_of(self->fd).receivers);
	EXPECT_EQ(3, info_of(self->fd).queued);
	ASSERT_EQ(0, put_type(self->fd, 0, 7, "this"));
	EXPECT_STREQ("this", recv_end(receiver));
	EXPECT_EQ(7, receiver->recv.header.type);
	EXPECT_EQ(3, info_of(self->fd).queued);
	EXPECT_BALANCED(self->fd);
}

TEST_F(filter, each_gets_its_own)
{
	struct call *by_type = want_start(self->fd, BY_TYPE(7));
	struct call *by_prio = want_start(self->fd, BY_PRIO(100));
	struct call *by_pid = want_start(self->fd, BY_PID(getpid()));
	pid_t child;

	ASSERT_TRUE(await_blocked(self->fd, 0, 3));
	child = put_by_child(_metadata, self->fd, 0, "nobody's");
	EXPECT_EQ(3, info_of(self->fd).receivers);
	put_by_child(_metadata, self->fd, 100, "priority");
	EXPECT_STREQ("priority", recv_end(by_prio));
	EXPECT_EQ(2, info_of(self->fd).receivers);
	ASSERT_EQ(0, put_type(self->fd, 0, 1, "pid"));
	EXPECT_STREQ("pid", recv_end(by_pid));
	ASSERT_EQ(0, put_type(self->fd, 0, 7, "type"));
	EXPECT_STREQ("type", recv_end(by_type));
	EXPECT_STREQ("nobody's", take_want(self->fd, BY_PID(child)));
	EXPECT_BALANCED(self->fd);
}

TEST_F(filter, peek)
{
	struct mbox_header first, again;
	struct mbox_info before;
	char text[16];

	EXPECT_STREQ("EAGAIN", peek(self->fd));
	ASSERT_EQ(0, put_type(self->fd, 0, 7, "seven"));
	ASSERT_EQ(0, put_type(self->fd, 1, 8, "eight"));
	before = info_of(self->fd);
	EXPECT_STREQ("eight", peek(self->fd));
	EXPECT_EQ(0, recv_bytes(self->fd, MBOX_RECV_PEEK, text, sizeof(text), &first));
	EXPECT_EQ(0, recv_bytes(self->fd, MBOX_RECV_PEEK, text, sizeof(text), &again));
	EXPECT_EQ(0, memcmp(&first, &again, sizeof(first)));
	EXPECT_EQ(2, first.seq);
	EXPECT_STREQ("seven", take_want(self->fd, (struct want) {
		.flags = MBOX_RECV_PEEK | MBOX_RECV_BY_TYPE, .type = 7 }));
	EXPECT_STREQ("EAGAIN", take_want(self->fd, (struct want) {
		.flags = MBOX_RECV_PEEK | MBOX_RECV_BY_TYPE, .type = 9 }));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_STREQ("eight", take(self->fd));
	EXPECT_STREQ("seven", take(self->fd));
}

TEST_F(filter, large_peek)
{
	static uint8_t out[8000], in[8000];

	pattern_fill(out, sizeof(out), 1);
	ASSERT_EQ(0, send_bytes(self->fd, 0, 0, 0, out, sizeof(out)));
	for (int i = 0; i < 3; i++) {
		memset(in, POISON, sizeof(in));
		EXPECT_EQ(0, recv_bytes(self->fd, MBOX_RECV_PEEK, in, sizeof(in), NULL));
		EXPECT_EQ(sizeof(in), pattern_match(in, sizeof(in), 1));
	}
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).received);
}

/* All receivers that wait to peek are shown the message, and it is still there. */
TEST_F(filter, peek_waits)
{
	struct call *one = want_start(self->fd, (struct want) { .flags = MBOX_RECV_PEEK });
	struct call *two = want_start(self->fd, (struct want) { .flags = MBOX_RECV_PEEK });

	ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	ASSERT_EQ(0, put(self->fd, 0, "shown"));
	EXPECT_STREQ("shown", recv_end(one));
	EXPECT_STREQ("shown", recv_end(two));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_STREQ("shown", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

/* A peek does not keep the message from a receive. */
TEST_F(filter, peek_and_receive_wait)
{
	struct call *peeker = want_start(self->fd, (struct want) { .flags = MBOX_RECV_PEEK });
	struct call *receiver;

	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	receiver = recv_start(self->fd);
	ASSERT_TRUE(await_blocked(self->fd, 0, 2));
	ASSERT_EQ(0, put(self->fd, 0, "first"));
	EXPECT_STREQ("first", recv_end(receiver));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_EQ(0, info_of(self->fd).queued);
	/* if it came too late for that one, there is another */
	ASSERT_EQ(0, put(self->fd, 0, "second"));
	EXPECT_EQ(0, call_end(peeker));
	EXPECT_STREQ("second", take(self->fd));
}

/* A receive finds its message at any depth, and the order is right after any search. */
TEST_F(filter, long_queue)
{
	enum { N = 3000 };
	int fd = box_new(_metadata, N + 8);

	for (uint32_t i = 0; i < N; i++) {
		ASSERT_EQ(0, put_type(fd, 10, i, ""));
	}
	ASSERT_EQ(0, put_type(fd, 3, N, "low"));
	ASSERT_EQ(0, put_type(fd, 2, N, "lower"));
	ASSERT_EQ(0, put_type(fd, 3, N + 1, "another"));
	EXPECT_STREQ("EAGAIN", take_want(fd, BY_TYPE(N + 2)));
	EXPECT_STREQ("EAGAIN", take_want(fd, BY_PRIO(11)));
	EXPECT_STREQ("another", take_want(fd, BY_TYPE(N + 1)));
	EXPECT_STREQ("low", take_want(fd, BY_TYPE(N)));
	EXPECT_STREQ("lower", take_want(fd, BY_TYPE(N)));
	EXPECT_STREQ("EAGAIN", take_want(fd, BY_TYPE(N)));
	/* from both ends, and the middle */
	for (uint32_t i = 0; i < N / 2; i++) {
		ASSERT_STREQ("", take_want(fd, BY_TYPE(N - 1 - i)));
		ASSERT_STREQ("", take_want(fd, BY_TYPE(N / 2 - 1 - i)));
	}
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_BALANCED(fd);
	close(fd);
}

/*
 * Many search a long queue at once, each for its own, while others change the queue: each finds its
 * messages in order, and none finds another's.
 */
TEST_F(filter, searches_at_once)
{
	enum { EACH = 400, FINDERS = 3, PADDING = 2000 };
	int fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);
	struct { int stop; } *shared = shared_alloc(sizeof(*shared));
	pid_t finders[FINDERS], churner;

	for (uint32_t i = 0; i < PADDING; i++) {
		ASSERT_EQ(0, put_type(fd, 1, 1000, "padding"));
	}
	for (uint32_t n = 0; n < FINDERS; n++) {
		finders[n] = fork_child();
		ASSERT_LE(0, finders[n]);
		if (finders[n])
			continue;
		for (uint32_t i = 0; i < EACH; i++) {
			uint32_t got = -1;
			struct mbox_ioc_recv arg = {
				.flags = MBOX_RECV_BY_TYPE, .type = n,
				.data = address_of(&got), .size = sizeof(got),
			};

			if (xioctl(fd, MBOX_IOC_RECV, &arg) || got != i || arg.header.type != n)
				_exit(1);
		}
		_exit(0);
	}
	churner = fork_child();
	ASSERT_LE(0, churner);
	if (churner == 0) {
		while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE))
			if (strcmp(take_want(fd, BY_TYPE(1000)), "padding") ||
			    put_type(fd, 1, 1000, "padding"))
				_exit(1);
		_exit(0);
	}
	for (uint32_t i = 0; i < EACH; i++) {
		for (uint32_t n = 0; n < FINDERS; n++) {
			ASSERT_EQ(0, send_bytes(fd, 0, 0, n, &i, sizeof(i)));
		}
	}
	for (uint32_t n = 0; n < FINDERS; n++) {
		EXPECT_EQ(0, reap(finders[n]));
	}
	set_flag(&shared->stop);
	EXPECT_EQ(0, reap(churner));
	EXPECT_EQ(PADDING, info_of(fd).queued);
	EXPECT_BALANCED(fd);
	close(fd);
}

/* Looking is no receipt: the sender of a rendezvous goes on waiting. */
TEST_F(filter, peek_at_a_rendezvous)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *sender = send_start(fd, 0, "pending");

	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_STREQ("pending", peek(fd));
	EXPECT_STREQ("pending", peek(fd));
	EXPECT_EQ(1, info_of(fd).senders);
	EXPECT_EQ(0, info_of(fd).sent);
	EXPECT_STREQ("pending", take(fd));
	EXPECT_EQ(getpid(), call_end(sender));
	EXPECT_BALANCED(fd);
	close(fd);
}

MBOX_TEST_MAIN
