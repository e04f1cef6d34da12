// SPDX-License-Identifier: GPL-2.0-only
/* Operations: calls, to a server in a child, and replies, to a caller in a child. */
#include "fail_nth/fail_nth.h"

#include <sys/mman.h>
#include "lib/child.h"

#define REQUEST	"request"

/* A reply of this size goes straight to the buffer of the caller. */
#define STRAIGHT	65536

/* The other side: its process, and its result. */
struct peer {
	pid_t pid;
	long ret;
	uint64_t length;
	uint8_t data[HUGE] __attribute__((aligned(4096)));
};

/* In flags of a reply: the pages of the caller's buffer are not there. */
#define ABSENT	1

static struct peer *peer;

static void peer_start(struct scene *s, void (*run)(struct scene *s))
{
	pid_t pid;
	SCENE(s);

	if (!peer)
		peer = shared_alloc(sizeof(*peer));
	memset(peer, 0, sizeof(*peer));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		run(s);
		_exit(0);
	}
	peer->pid = pid;
}

/* A server that replies with message 1 to all. */
static void serve(struct scene *s)
{
	char text[32];
	struct mbox_ioc_lease next = { .recv = { .data = address_of(text), .size = sizeof(text) } };
	struct mbox_ioc_reply reply = {
		.data = address_of(message(1)), .lease = address_of(&next),
	};

	for (;;) {
		reply.token = next.delivery.token;
		reply.size = reply.token ? s->op->length : 0;
		next.delivery.token = 0;
		xioctl(s->observer, MBOX_IOC_REPLY, &reply);
	}
}

static void prepare_call(struct scene *s)
{
	struct mbox_ioc_call *arg = &s->args.call;
	SCENE(s);

	arg->send.data = address_of(REQUEST);
	arg->send.size = strlen(REQUEST);
	arg->reply = address_of(s->data);
	arg->room = op->length;
	arg->flags = op->flags;
	peer_start(s, serve);
	ASSERT_TRUE(await_blocked(s->observer, 0, 1));
}

/* Results that were written before one could not be: the call is made again with the same argument. */
static long call_call(struct scene *s)
{
	long ret = make_ioctl(s, s->fd, MBOX_IOC_CALL, &s->args.call);

	if (ret < 0)
		*(s->lazy_args ? &s->lazy_args->call : &s->args.call) = s->given.call;
	return ret;
}

/* The request may have been served. */
static void call_failed(struct scene *s)
{
	SCENE(s);

	EXPECT_TRUE(await_blocked(s->observer, 0, 1));
	EXPECT_EQ(0, info_of(s->observer).queued);
	EXPECT_EQ(0, info_of(s->observer).leased);
	EXPECT_BALANCED(s->observer);
}

static void called(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(op->length, s->args.call.length);
	EXPECT_EQ(peer->pid, s->args.call.pid);
	EXPECT_EQ(0, memcmp(message(1), s->data, op->length));
	kill(peer->pid, SIGKILL);
	reap(peer->pid);
	expect_queued(s, 0, 0);
}

static void request(struct scene *s)
{
	struct mbox_ioc_call arg = {
		.send = { .data = address_of(REQUEST), .size = strlen(REQUEST) },
		.reply = address_of(peer->data), .room = s->op->length ?: SMALL,
	};

	if (s->op->flags & ABSENT)
		madvise(peer->data, sizeof(peer->data), MADV_DONTNEED);
	peer->ret = xioctl(s->observer, MBOX_IOC_CALL, &arg);
	peer->length = arg.length;
}

static void prepare_reply(struct scene *s)
{
	peer_start(s, request);
	s->args.reply.token = lease_message(s, s->fd);
	s->args.reply.data = address_of(s->data + STEP);
	s->args.reply.size = s->op->length;
}

/*
 * A call that has replied says so. Where its argument could not be written, the caller learns of it
 * from the next call.
 */
static long call_reply(struct scene *s)
{
	long ret = make_ioctl(s, s->fd, MBOX_IOC_REPLY, &s->args.reply);

	if (ret < 0 && !s->args.reply.token)
		s->given.reply.token = 0;
	if (ret == -ESTALE && info_of(s->observer).received)
		ret = 0;
	return ret;
}

static void reply_failed(struct scene *s)
{
	struct mbox_info info = info_of(s->observer);
	SCENE(s);

	EXPECT_EQ(1, info.received + info.leased);
	EXPECT_BALANCED(s->observer);
}

static void replied(struct scene *s, long ret)
{
	SCENE(s);

	EXPECT_EQ(0, reap(peer->pid));
	EXPECT_EQ(0, peer->ret);
	EXPECT_EQ(op->length, peer->length);
	EXPECT_EQ(0, memcmp(message(1), peer->data, op->length));
	expect_queued(s, 0, 0);
}

#define CALL(variant, ...) \
	{ \
		.name = #variant, .capacity = 4, .errors = { ENOMEM, EFAULT }, __VA_ARGS__ \
	}

#define CALLED \
	.prepare = prepare_call, .call = call_call, .failed = call_failed, .done = called
#define REPLIED \
	.prepare = prepare_reply, .call = call_reply, .failed = reply_failed, .done = replied

const struct op call_ops[] = {
	CALL(call_small, CALLED, .length = SMALL),
	CALL(call_small_lazy, CALLED, .length = SMALL, .lazy = true),
	CALL(call_large, CALLED, .length = LARGE),
	CALL(call_straight, CALLED, .length = STRAIGHT),
	CALL(call_retry, CALLED, .length = SMALL, .flags = MBOX_CALL_RETRY),

	CALL(reply_empty, REPLIED),
	CALL(reply_small, REPLIED, .length = SMALL),
	CALL(reply_small_lazy, REPLIED, .length = SMALL, .lazy = true),
	CALL(reply_large, REPLIED, .length = LARGE),
	CALL(reply_large_lazy, REPLIED, .length = LARGE, .lazy = true),
	CALL(reply_straight, REPLIED, .length = STRAIGHT),
	CALL(reply_absent, REPLIED, .length = HUGE, .flags = ABSENT),

	LAZY(call, .capacity = 4, .length = SMALL, .errors = { ENOMEM, EFAULT }, CALLED),
	LAZY(reply, .capacity = 4, .length = SMALL, .errors = { ENOMEM, EFAULT }, REPLIED),

	{}
};
