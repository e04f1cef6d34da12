/* SPDX-License-Identifier: GPL-2.0-only */
/* Mailboxes that broadcast, for the tests of that. */
#ifndef MBOX_BROADCAST_H
#define MBOX_BROADCAST_H

#include "mbox_child.h"

#define HANDLES	3

/*
 * A sender, which receives nothing, and handles that receive. Each is an open file of its own, also
 * where one process has them all.
 */
struct cast {
	char name[MBOX_NAME_SIZE];
	int fd;
	int in[HANDLES];
};

static inline struct mbox_ioc_open cast_arg(uint32_t capacity, uint32_t options)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);

	arg.rights = MBOX_RIGHT_SEND;
	arg.policy = MBOX_POLICY_BROADCAST;
	arg.options = options;
	return arg;
}

static inline int cast_join(struct __test_metadata *_metadata, struct cast *cast)
{
	int fd = open_name(cast->name, MBOX_RIGHT_RECV);

	ASSERT_LE(0, fd);
	return fd;
}

static inline void cast_new(struct __test_metadata *_metadata, struct cast *cast,
			    struct mbox_ioc_open arg)
{
	name_make(cast->name);
	name_copy(arg.name, cast->name);
	cast->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, cast->fd);
	EXPECT_EQ(MBOX_POLICY_BROADCAST, info_of(cast->fd).policy);
	for (int i = 0; i < HANDLES; i++)
		cast->in[i] = cast_join(_metadata, cast);
}

static inline void cast_end(struct cast *cast)
{
	for (int i = 0; i < HANDLES; i++)
		if (cast->in[i] >= 0)
			close(cast->in[i]);
	close(cast->fd);
}

static inline void cast_leave(struct cast *cast, int i)
{
	close(cast->in[i]);
	cast->in[i] = -1;
}

/* Whose receiving handles a child that sends is to have no part in. */
static struct cast *cast_of_sender;

static inline void cast_leave_all(struct call *call)
{
	for (int i = 0; i < HANDLES; i++)
		if (cast_of_sender->in[i] >= 0)
			close(cast_of_sender->in[i]);
}

/* Blocked by the time this returns. */
static inline struct call *cast_send(struct __test_metadata *_metadata, struct cast *cast,
				     uint32_t flags, uint32_t prio, const char *text)
{
	uint32_t senders = info_of(cast->fd).senders;
	struct call *call = call_new(cast->fd, CALL_SEND);

	cast_of_sender = cast;
	call->prepare = cast_leave_all;
	call->send.flags = flags;
	call->send.prio = prio;
	call->send.size = strlen(text);
	memcpy(call->data, text, call->send.size);
	call_start(call);
	ASSERT_TRUE(await_blocked(cast->fd, senders + 1, info_of(cast->fd).receivers));
	return call;
}

static inline struct call *cast_recv(struct __test_metadata *_metadata, int fd, uint32_t flags,
				     uint32_t type)
{
	struct mbox_info info = info_of(fd);
	struct call *call = call_new(fd, CALL_RECV);

	call->recv.flags = flags;
	call->recv.type = type;
	call_start(call);
	ASSERT_TRUE(await_blocked(fd, info.senders, info.receivers + 1));
	return call;
}

static inline int put_type(int fd, uint32_t type, const char *text)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, type, text, strlen(text));
}

static inline const char *take_type(int fd, uint32_t type)
{
	static char text[TEXT_SIZE];
	struct mbox_ioc_recv arg = {
		.flags = MBOX_RECV_NONBLOCK | MBOX_RECV_BY_TYPE,
		.type = type,
		.data = address_of(text),
		.size = sizeof(text) - 1,
	};
	int ret = xioctl(fd, MBOX_IOC_RECV, &arg);

	if (ret < 0)
		return strerrorname_np(-ret);
	text[arg.header.length] = '\0';
	return text;
}

/* Counters of the mailbox. */
#define EXPECT_COUNTS(fd, _queued, _sent, _received, _withdrawn, _dropped, _lost) do { \
	struct mbox_info counts = info_of(fd); \
	EXPECT_EQ(_queued, counts.queued); \
	EXPECT_EQ(_sent, counts.sent); \
	EXPECT_EQ(_received, counts.received); \
	EXPECT_EQ(_withdrawn, counts.withdrawn); \
	EXPECT_EQ(_dropped, counts.dropped); \
	EXPECT_EQ(_lost, counts.lost); \
	EXPECT_BALANCED(fd); \
} while (0)

/* Counters of a handle. */
#define EXPECT_HANDLE(fd, _queued, _received, _lost) do { \
	struct mbox_info counts = info_of(fd); \
	EXPECT_EQ(_queued, counts.handle_queued); \
	EXPECT_EQ(_received, counts.handle_received); \
	EXPECT_EQ(_lost, counts.handle_lost); \
} while (0)

#endif
