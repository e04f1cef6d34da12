// SPDX-License-Identifier: GPL-2.0-only
/* Receives that select as msgrcv(2) does: by types of 64 bits. */
#include "lib/child_call.h"
#include "lib/mode.h"

#define HIGH	0x700000000ULL

FIXTURE(select)
{
	int fd;
};

FIXTURE_SETUP(select)
{
	self->fd = box_new(_metadata, 64);
}

FIXTURE_TEARDOWN(select)
{
	close(self->fd);
}

/* Send a message with a type of 64 bits. */
static int post_type(int fd, uint64_t type, const char *text)
{
	struct mbox_ioc_post arg = {
		.send = { .type = (uint32_t)type, .data = address_of(text), .size = strlen(text) },
		.type_hi = type >> 32,
	};

	return xioctl(fd, MBOX_IOC_POST, &arg);
}

static struct mbox_ioc_recv recv_arg(uint32_t flags, uint64_t type)
{
	return (struct mbox_ioc_recv) {
		.flags = flags, .type = (uint32_t)type, .type_hi = type >> 32,
	};
}

/* Receive by a type. Return the text, or the name of the error. */
static const char *take_type(int fd, uint32_t flags, uint64_t type)
{
	return take_arg(fd, recv_arg(flags, type));
}

TEST_F(select, type_of_64_bits)
{
	struct mbox_ioc_recv arg = { .flags = MBOX_RECV_PEEK };

	EXPECT_EQ(0, post_type(self->fd, HIGH | 1, "high"));
	EXPECT_EQ(0, post_type(self->fd, 1, "low"));
	EXPECT_EQ(0, post_type(self->fd, UINT64_MAX, "most"));
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_RECV, &arg) == -EMSGSIZE ? 0 : -1);
	EXPECT_EQ(1, arg.header.type);
	EXPECT_EQ(7, arg.header.type_hi);
	EXPECT_STREQ("EAGAIN", take_type(self->fd, MBOX_RECV_BY_TYPE, HIGH));
	EXPECT_STREQ("low", take_type(self->fd, MBOX_RECV_BY_TYPE, 1));
	EXPECT_STREQ("most", take_type(self->fd, MBOX_RECV_BY_TYPE, UINT64_MAX));
	EXPECT_STREQ("high", take_type(self->fd, MBOX_RECV_BY_TYPE, HIGH | 1));
	EXPECT_STREQ("EINVAL", take_type(self->fd, 0, HIGH));
}

TEST_F(select, type_of_64_bits_in_batches)
{
	char text[3][8];
	struct mbox_send_entry out[3] = {
		{ .type = 1, .data = address_of("one"), .size = 3 },
		{ .type = 1, .type_hi = 7, .data = address_of("two"), .size = 3 },
		{ .type = 1, .type_hi = 7, .data = address_of("six"), .size = 3 },
	};
	struct mbox_recv_entry in[3] = {};
	struct mbox_ioc_sendv sendv = {
		.entries = address_of(out), .count = 3, .entry_size = sizeof(out[0]),
	};
	struct mbox_ioc_recvv recvv = {
		.flags = MBOX_RECV_BY_TYPE | MBOX_RECV_NONBLOCK, .type = 1, .type_hi = 7,
		.entries = address_of(in), .count = 3, .entry_size = sizeof(in[0]),
	};

	for (int i = 0; i < 3; i++) {
		in[i].data = address_of(text[i]);
		in[i].size = sizeof(text[i]);
	}
	ASSERT_EQ(3, xioctl(self->fd, MBOX_IOC_SENDV, &sendv));
	ASSERT_EQ(2, xioctl(self->fd, MBOX_IOC_RECVV, &recvv));
	EXPECT_EQ(7, in[0].header.type_hi);
	EXPECT_EQ(0, memcmp("two", text[0], 3));
	EXPECT_EQ(0, memcmp("six", text[1], 3));
	/* a run of several, each with its own type */
	EXPECT_STREQ("one", take(self->fd));
	ASSERT_EQ(3, xioctl(self->fd, MBOX_IOC_SENDV, &sendv));
	recvv.flags = MBOX_RECV_NONBLOCK;
	recvv.type = recvv.type_hi = 0;
	ASSERT_EQ(3, xioctl(self->fd, MBOX_IOC_RECVV, &recvv));
	EXPECT_EQ(0, in[0].header.type_hi);
	EXPECT_EQ(7, in[1].header.type_hi);
	EXPECT_EQ(1, in[1].header.type);
}

/* A receive that waits for one type is given no other. */
TEST_F(select, type_of_64_bits_waiting)
{
	struct mbox_ioc_recv arg = recv_arg(MBOX_RECV_BY_TYPE, HIGH | 2);
	char text[8] = "";
	pid_t pid;

	arg.data = address_of(text);
	arg.size = sizeof(text);
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(xioctl(self->fd, MBOX_IOC_RECV, &arg) || memcmp(text, "right", 5));
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, post_type(self->fd, 2, "wrong"));
	EXPECT_EQ(1, info_of(self->fd).receivers);
	EXPECT_EQ(0, post_type(self->fd, HIGH | 2, "right"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_STREQ("wrong", take(self->fd));
}

TEST_F(select, type_of_64_bits_by_mode)
{
	struct mbox_ioc_mode mode = { .flags = MBOX_RECV_BY_TYPE, .type = 2, .type_hi = 7 };

	ASSERT_EQ(0, mode_set(self->fd, mode));
	EXPECT_EQ(0, post_type(self->fd, 2, "low"));
	EXPECT_EQ(0, poll_for(self->fd, POLLIN));
	EXPECT_EQ(0, post_type(self->fd, HIGH | 2, "high"));
	EXPECT_EQ(POLLIN, poll_for(self->fd, POLLIN));
	EXPECT_STREQ("high", take(self->fd));
}

static int send_type(int fd, uint32_t type, const char *text)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, type, text, strlen(text));
}

TEST_F(select, any_type_but)
{
	EXPECT_EQ(0, send_type(self->fd, 2, "two"));
	EXPECT_EQ(0, send_type(self->fd, 1, "one"));
	EXPECT_EQ(0, send_type(self->fd, 3, "three"));
	EXPECT_STREQ("one", take_type(self->fd, MBOX_RECV_NOT_TYPE, 2));
	EXPECT_STREQ("three", take_type(self->fd, MBOX_RECV_NOT_TYPE, 2));
	EXPECT_STREQ("EAGAIN", take_type(self->fd, MBOX_RECV_NOT_TYPE, 2));
	EXPECT_STREQ("two", take_type(self->fd, MBOX_RECV_NOT_TYPE, HIGH | 2));
}

TEST_F(select, lowest_type_up_to)
{
	static const uint32_t types[] = { 5, 3, 9, 3, 4, 1, 5 };
	static const char *const texts[] = { "5a", "3a", "9", "3b", "4", "1", "5b" };

	for (int i = 0; i < 7; i++)
		EXPECT_EQ(0, send_type(self->fd, types[i], texts[i]));
	EXPECT_STREQ("1", take_type(self->fd, MBOX_RECV_MAX_TYPE | MBOX_RECV_PEEK, 4));
	EXPECT_STREQ("1", take_type(self->fd, MBOX_RECV_MAX_TYPE, 4));
	EXPECT_STREQ("3a", take_type(self->fd, MBOX_RECV_MAX_TYPE, 4));
	EXPECT_STREQ("3b", take_type(self->fd, MBOX_RECV_MAX_TYPE, 4));
	EXPECT_STREQ("4", take_type(self->fd, MBOX_RECV_MAX_TYPE, 4));
	EXPECT_STREQ("EAGAIN", take_type(self->fd, MBOX_RECV_MAX_TYPE, 4));
	EXPECT_STREQ("5a", take_type(self->fd, MBOX_RECV_MAX_TYPE, UINT64_MAX));
	EXPECT_STREQ("5b", take_type(self->fd, MBOX_RECV_MAX_TYPE, 8));
	EXPECT_STREQ("9", take_type(self->fd, MBOX_RECV_MAX_TYPE, 9));
}

/* The search takes several sections; the lowest is at either end, or in the middle. */
TEST_F(select, lowest_type_of_many)
{
	enum { MANY = 3000 };
	int fd = box_new(_metadata, MANY);

	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(0, send_type(fd, 100 + i % 7, "other"));
	EXPECT_STREQ("other", take_type(fd, MBOX_RECV_MAX_TYPE, 200));
	EXPECT_EQ(0, send_type(fd, 7, "last"));
	EXPECT_STREQ("last", take_type(fd, MBOX_RECV_MAX_TYPE, 200));
	EXPECT_STREQ("EAGAIN", take_type(fd, MBOX_RECV_MAX_TYPE, 99));
	for (int i = 0; i < MANY; i++)
		EXPECT_STREQ(i == MANY - 1 ? "EAGAIN" : "other",
			     take_type(fd, MBOX_RECV_MAX_TYPE, UINT64_MAX));
	close(fd);
}

/* Threads of other processes take the lowest meanwhile: each message comes once, none is passed. */
TEST_F(select, lowest_type_by_many)
{
	enum { MANY = 4000, TAKERS = 3 };
	int fd = box_new(_metadata, MANY), *taken = shared_alloc(MANY * sizeof(int));
	pid_t pids[TAKERS];

	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(0, send_type(fd, MANY - i, ""));
	for (int i = 0; i < TAKERS; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i])
			continue;
		for (uint32_t last = 0;;) {
			struct mbox_ioc_recv arg = recv_arg(MBOX_RECV_MAX_TYPE |
							    MBOX_RECV_NONBLOCK, UINT64_MAX);
			int ret = xioctl(fd, MBOX_IOC_RECV, &arg);

			if (ret)
				_exit(ret != -EAGAIN);
			/* of all that were there the lowest: each gets rising types */
			if (arg.header.type <= last)
				_exit(2);
			last = arg.header.type;
			__atomic_add_fetch(&taken[last - 1], 1, __ATOMIC_RELAXED);
			if (last > 60)
				_exit(0);
		}
	}
	for (int i = 0; i < TAKERS; i++)
		EXPECT_EQ(0, reap(pids[i]));
	for (int i = 0; i < MANY; i++) {
		EXPECT_EQ(i < 60, taken[i] && i < 60) TH_LOG("type %d", i + 1);
	}
	close(fd);
}

TEST_F(select, waiting_for_several_types)
{
	static const uint32_t flags[] = { MBOX_RECV_NOT_TYPE, MBOX_RECV_MAX_TYPE };

	for (int i = 0; i < 2; i++) {
		struct mbox_ioc_recv arg = recv_arg(flags[i], 3);
		char text[8] = "";
		pid_t pid;

		arg.data = address_of(text);
		arg.size = sizeof(text);
		pid = fork_child();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(xioctl(self->fd, MBOX_IOC_RECV, &arg) || memcmp(text, "right", 5));
		ASSERT_TRUE(await_blocked(self->fd, 0, 1));
		EXPECT_EQ(0, send_type(self->fd, i ? 4 : 3, "wrong"));
		EXPECT_EQ(1, info_of(self->fd).receivers);
		EXPECT_EQ(0, send_type(self->fd, 2, "right"));
		EXPECT_EQ(0, reap(pid));
		EXPECT_STREQ("wrong", take(self->fd));
	}
}

TEST_F(select, invalid_types)
{
	const uint32_t by = MBOX_RECV_BY_TYPE, but = MBOX_RECV_NOT_TYPE, max = MBOX_RECV_MAX_TYPE;

	EXPECT_STREQ("EINVAL", take_type(self->fd, by | but, 1));
	EXPECT_STREQ("EINVAL", take_type(self->fd, by | max, 1));
	EXPECT_STREQ("EINVAL", take_type(self->fd, but | max, 1));
}

/* Receive with TRUNC into @size bytes. Return the length in the header, or a negated errno. */
static int64_t take_cut(int fd, uint32_t flags, void *data, uint64_t size)
{
	struct mbox_header header;
	int ret = recv_bytes(fd, MBOX_RECV_TRUNC | flags, data, size, &header);

	return ret ?: (int64_t)header.length;
}

TEST_F(select, cut)
{
	static char sent[20000], got[20000];
	struct mbox_ioc_open open = open_arg(NULL, 8);
	const uint32_t sizes[] = { 1, 100, 256, 300, 4096, 5000, sizeof(sent) };
	int fd;

	open.msg_size = sizeof(sent);
	fd = open_call(MBOX_IOC_CREATE, &open);
	ASSERT_LE(0, fd);
	memset(sent, 'x', sizeof(sent));
	for (int i = 0; i < 7; i++) {
		for (uint32_t room = 0; room < sizes[i] + 2; room += 1 + sizes[i] / 3) {
			uint32_t part = room < sizes[i] ? room : sizes[i];

			for (int peek = 0; peek < 2; peek++) {
				memset(got, POISON, sizeof(got));
				if (!peek)
					ASSERT_EQ(0, send_bytes(fd, 0, 0, 0, sent, sizes[i]));
				EXPECT_EQ(sizes[i], take_cut(fd, peek ? 0 : MBOX_RECV_PEEK, got, room));
				EXPECT_EQ(0, memcmp(sent, got, part));
				EXPECT_TRUE(untouched(got + part, sizeof(got) - part));
			}
			EXPECT_EQ(0, info_of(fd).queued);
		}
	}
	EXPECT_EQ(-EAGAIN, take_cut(fd, MBOX_RECV_NONBLOCK, got, 1));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* A blocked receive is given the message, however long. */
TEST_F(select, cut_waiting)
{
	static char sent[5000];
	const uint32_t sizes[] = { 10, 300, sizeof(sent) };

	memset(sent, 'x', sizeof(sent));
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork_child();
		char got[8] = "";

		ASSERT_LE(0, pid);
		if (!pid)
			_exit(take_cut(self->fd, 0, got, 4) != sizes[i] || strcmp(got, "xxxx"));
		ASSERT_TRUE(await_blocked(self->fd, 0, 1));
		EXPECT_EQ(0, send_bytes(self->fd, 0, 0, 0, sent, sizes[i]));
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(0, info_of(self->fd).queued);
	}
}

/* A buffer that is too small for the longest message is refused, whatever is queued. */
TEST_F(select, longest)
{
	uint64_t size = info_of(self->fd).msg_size;
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_LONGEST | MBOX_RECV_NONBLOCK };
	char *data = calloc(1, size);

	ASSERT_NE(NULL, data);
	recv.data = address_of(data);
	recv.size = size - 1;
	recv.header.length = 77;
	EXPECT_EQ(-EMSGSIZE, xioctl(self->fd, MBOX_IOC_RECV, &recv));
	ASSERT_EQ(0, put(self->fd, 0, "short"));
	EXPECT_EQ(-EMSGSIZE, xioctl(self->fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(77, recv.header.length);
	EXPECT_EQ(1, info_of(self->fd).queued);
	recv.size = size;
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_RECV, &recv));
	EXPECT_EQ(5, recv.header.length);
	EXPECT_EQ(-EAGAIN, xioctl(self->fd, MBOX_IOC_RECV, &recv));
	free(data);
}

static void handle(int signal)
{
}

/* A handler with SA_RESTART runs: the call fails all the same. */
TEST_F(select, not_restarted)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
	struct mbox_ioc_recv recv = { .flags = MBOX_RECV_NORESTART };
	struct mbox_ioc_send send = { .flags = MBOX_SEND_NORESTART | MBOX_SEND_SYNC };
	struct mbox_ioc_recvv recvv = { .flags = MBOX_RECV_NORESTART };
	struct mbox_recv_entry entry = {};

	recvv.entries = address_of(&entry);
	recvv.count = 1;
	recvv.entry_size = sizeof(entry);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork_child();

		ASSERT_LE(0, pid);
		if (!pid) {
			sigaction(SIGUSR1, &action, NULL);
			_exit((i == 0 ? xioctl(self->fd, MBOX_IOC_RECV, &recv) :
			       i == 1 ? xioctl(self->fd, MBOX_IOC_RECVV, &recvv) :
					xioctl(self->fd, MBOX_IOC_SEND, &send)) != -EINTR);
		}
		ASSERT_TRUE(await_blocked(self->fd, i == 2, i != 2));
		/* stopped and continued, no handler runs: it goes on */
		kill(pid, SIGSTOP);
		kill(pid, SIGCONT);
		ASSERT_TRUE(await_blocked(self->fd, i == 2, i != 2));
		ASSERT_TRUE(await_sleeping(pid));
		kill(pid, SIGUSR1);
		EXPECT_EQ(0, reap(pid));
	}
	EXPECT_EQ(0, info_of(self->fd).queued);
}

/* tests of selections */

MBOX_TEST_MAIN
