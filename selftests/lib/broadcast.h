/* SPDX-License-Identifier: GPL-2.0-only */
/* Mailboxes that broadcast. */
#ifndef LIB_BROADCAST_H
#define LIB_BROADCAST_H

#include "child_call.h"

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

struct mbox_ioc_open cast_arg(uint32_t capacity, uint32_t options);
int cast_join(struct __test_metadata *_metadata, struct cast *cast);
void cast_new(struct __test_metadata *_metadata, struct cast *cast, struct mbox_ioc_open arg);
void cast_end(struct cast *cast);

static inline void cast_leave(struct cast *cast, int i)
{
	close(cast->in[i]);
	cast->in[i] = -1;
}

/* The child that sends closes the receiving handles of this one. */
extern struct cast *cast_of_sender;

static inline void cast_leave_all(struct call *call)
{
	for (int i = 0; i < HANDLES; i++)
		if (cast_of_sender->in[i] >= 0)
			close(cast_of_sender->in[i]);
}

struct call *cast_send(struct __test_metadata *_metadata, struct cast *cast, uint32_t flags,
		       uint32_t prio, const char *text);
struct call *cast_recv(struct __test_metadata *_metadata, int fd, uint32_t flags, uint32_t type);

static inline int put_type(int fd, uint32_t type, const char *text)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, type, text, strlen(text));
}


static inline const char *take_type(int fd, uint32_t type)
{
	return take_arg(fd, (struct mbox_ioc_recv) { .flags = MBOX_RECV_BY_TYPE, .type = type });
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
