// SPDX-License-Identifier: GPL-2.0-only
/*
 * A receive that has far to search, while the queue changes under it: the search lets others in now
 * and then, and must find the first message all the same.
 */
#include "lib/child.h"

#include <sched.h>

#define DEPTH	8192		/* messages of another type; many times the number that is searched at once */
#define PAIRS	300

enum { FILLER = 1, WANTED = 2 };

/* A mailbox with as many messages of no interest as a search takes long to pass by. */
static int deep_box(struct __test_metadata *_metadata)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_UNBOUNDED);

	for (int i = 0; i < DEPTH; i++) {
		ASSERT_EQ(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 1, FILLER, "filler", 6));
	}
	return fd;
}

static int recv_wanted(int fd, uint32_t flags, struct mbox_header *header)
{
	char data[16];
	struct mbox_ioc_recv arg = {
		.flags = flags | MBOX_RECV_BY_TYPE, .type = WANTED,
		.data = address_of(data), .size = sizeof(data),
	};
	int ret = xioctl(fd, MBOX_IOC_RECV, &arg);

	*header = arg.header;
	return ret;
}

/*
 * The sender sends one to the front of the queue and then one to its end. Whenever the receiver looks,
 * that at the end must not come before that at the front, which was accepted earlier and is of higher
 * priority.
 */
TEST(first_is_first)
{
	int fd = deep_box(_metadata);
	struct mbox_header header;
	pid_t sender = fork_child();

	ASSERT_LE(0, sender);
	if (sender == 0) {
		for (uint32_t i = 0; i < PAIRS; i++) {
			if (send_bytes(fd, 0, 2, WANTED, &i, sizeof(i)) ||
			    send_bytes(fd, 0, 0, WANTED, &i, sizeof(i)))
				_exit(1);
			while (info_of(fd).queued > DEPTH)
				sched_yield();
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < 2 * PAIRS; i++) {
		int64_t end = now() + PATIENCE * NSEC_PER_SEC;
		int ret;

		do
			ret = recv_wanted(fd, MBOX_RECV_NONBLOCK, &header);
		while (ret == -EAGAIN && now() < end);
		ASSERT_EQ(0, ret);
		ASSERT_EQ(i % 2 ? 0 : 2, header.prio) {
			TH_LOG("in pair %u", i / 2);
		}
	}
	EXPECT_EQ(0, reap(sender));
	EXPECT_EQ(DEPTH, info_of(fd).queued);
	EXPECT_BALANCED(fd);
	close(fd);
}

MBOX_TEST_MAIN
