// SPDX-License-Identifier: GPL-2.0-only
/* Mailboxes that broadcast. */
#include "broadcast.h"

struct cast *cast_of_sender;

struct mbox_ioc_open cast_arg(uint32_t capacity, uint32_t options)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);

	arg.rights = MBOX_RIGHT_SEND;
	arg.policy = MBOX_POLICY_BROADCAST;
	arg.options = options;
	return arg;
}

int cast_join(struct __test_metadata *_metadata, struct cast *cast)
{
	int fd = open_name(cast->name, MBOX_RIGHT_RECV);

	ASSERT_LE(0, fd);
	return fd;
}

void cast_new(struct __test_metadata *_metadata, struct cast *cast, struct mbox_ioc_open arg)
{
	name_make(cast->name);
	name_copy(arg.name, cast->name);
	cast->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, cast->fd);
	EXPECT_EQ(MBOX_POLICY_BROADCAST, info_of(cast->fd).policy);
	for (int i = 0; i < HANDLES; i++)
		cast->in[i] = cast_join(_metadata, cast);
}

void cast_end(struct cast *cast)
{
	for (int i = 0; i < HANDLES; i++)
		if (cast->in[i] >= 0)
			close(cast->in[i]);
	close(cast->fd);
}

/* Start a send in a child, and wait until it is blocked. */
struct call *cast_send(struct __test_metadata *_metadata, struct cast *cast, uint32_t flags,
		       uint32_t prio, const char *text)
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

struct call *cast_recv(struct __test_metadata *_metadata, int fd, uint32_t flags, uint32_t type)
{
	struct mbox_info info = info_of(fd);
	struct call *call = call_new(fd, CALL_RECV);

	call->recv.flags = flags;
	call->recv.type = type;
	call_start(call);
	ASSERT_TRUE(await_blocked(fd, info.senders, info.receivers + 1));
	return call;
}
