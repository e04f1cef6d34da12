// SPDX-License-Identifier: GPL-2.0-only
/* Mailboxes that track: the last sender and receiver, and when; the last change. */
#include "lib/broadcast.h"
#include "lib/lease.h"
#include "lib/netlink.h"
#include "lib/owner.h"

#include <sched.h>
#include <time.h>

#define NO_NAMESPACE	1

FIXTURE(track)
{
	int fd;
	uint64_t began;
};

static uint64_t coarse(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int box_tracks(uint32_t capacity, uint32_t options, uint32_t policy)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);

	arg.options = MBOX_OPTION_TRACK | options;
	arg.policy = policy;
	return open_call(MBOX_IOC_CREATE, &arg);
}

FIXTURE_SETUP(track)
{
	self->began = coarse();
	self->fd = box_tracks(4, 0, MBOX_POLICY_FIFO);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(track)
{
	close(self->fd);
}

#define EXPECT_LAST(fd, _sender, _receiver) do { \
	struct mbox_info last = info_of(fd); \
	EXPECT_EQ(_sender, last.last_sender); \
	EXPECT_EQ(_receiver, last.last_receiver); \
	EXPECT_EQ(!(_sender), !last.last_sent); \
	EXPECT_EQ(!(_receiver), !last.last_received); \
} while (0)

TEST_F(track, fresh)
{
	struct mbox_info info = info_of(self->fd);

	EXPECT_LAST(self->fd, 0, 0);
	EXPECT_EQ(MBOX_OPTION_TRACK, info.options);
	EXPECT_EQ(0, info.receivers);
	EXPECT_LE(self->began, info.changed);
	EXPECT_GE(coarse(), info.changed);
	EXPECT_EQ(geteuid(), info.cuid);
	EXPECT_EQ(getegid(), info.cgid);
}

/* Other mailboxes know nothing of that. */
TEST(not_tracked)
{
	int fd = box_new(_metadata, 4);
	struct mbox_info info;

	ASSERT_EQ(0, put(fd, 0, "x"));
	EXPECT_STREQ("x", take(fd));
	info = info_of(fd);
	EXPECT_EQ(0, info.last_sender | info.last_receiver | info.cuid | info.cgid);
	EXPECT_EQ(0, info.last_sent | info.last_received | info.changed);
	close(fd);
}

TEST(invalid)
{
	struct mbox_ioc_open arg = open_arg(NULL, 0);

	arg.options = MBOX_OPTION_TRACK;
	arg.ring = 65536;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
}

static pid_t child_send(int fd, const char *text)
{
	pid_t pid = fork_child();

	if (!pid)
		_exit(send_bytes(fd, 0, 0, 0, text, strlen(text)) < 0);
	return pid;
}

/* Receive in a child, which waits for a message. */
static pid_t child_take(int fd, const char *text)
{
	struct mbox_header header;
	char got[16] = "";
	pid_t pid = fork_child();

	if (!pid)
		_exit(recv_bytes(fd, 0, got, sizeof(got) - 1, &header) || strcmp(got, text));
	return pid;
}

/* The numbers stay when the processes have ended. */
TEST_F(track, queued)
{
	pid_t sender = child_send(self->fd, "one"), receiver;
	struct mbox_info info;

	EXPECT_EQ(0, reap(sender));
	EXPECT_LAST(self->fd, sender, 0);
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	EXPECT_LAST(self->fd, getpid(), 0);
	receiver = child_take(self->fd, "one");
	EXPECT_EQ(0, reap(receiver));
	EXPECT_LAST(self->fd, getpid(), receiver);
	info = info_of(self->fd);
	EXPECT_LE(self->began, info.last_sent);
	EXPECT_LE(info.last_sent, info.last_received);
	EXPECT_GE(coarse(), info.last_received);
	EXPECT_STREQ("two", take(self->fd));
	EXPECT_LAST(self->fd, getpid(), getpid());
	EXPECT_BALANCED(self->fd);
}

/* A message goes straight to a receiver that waits. */
TEST_F(track, delivered)
{
	pid_t receiver = child_take(self->fd, "straight");

	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_LAST(self->fd, 0, 0);
	ASSERT_EQ(0, put(self->fd, 0, "straight"));
	EXPECT_EQ(getpid(), info_of(self->fd).last_sender);
	EXPECT_EQ(0, reap(receiver));
	EXPECT_LAST(self->fd, getpid(), receiver);
	EXPECT_EQ(0, info_of(self->fd).receivers);
}

/* The sender of a large one writes it into the buffer of the receiver, and does all the rest for it. */
TEST(transferred)
{
	enum { SIZE = 300000 };
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	char *data = calloc(1, SIZE);
	struct mbox_header header;
	pid_t receiver;
	int fd;

	ASSERT_NE(NULL, data);
	memset(data, 'x', SIZE);
	arg.options = MBOX_OPTION_TRACK;
	arg.msg_size = SIZE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	receiver = fork_child();
	ASSERT_LE(0, receiver);
	if (!receiver) {
		memset(data, 'y', SIZE);
		_exit(-recv_bytes(fd, 0, data, SIZE, &header));
	}
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	ASSERT_EQ(0, send_bytes(fd, 0, 0, 0, data, SIZE));
	EXPECT_EQ(0, reap(receiver));
	EXPECT_LAST(fd, getpid(), receiver);
	EXPECT_BALANCED(fd);
	close(fd);
	free(data);
}

/* A blocked sender counts when its message is accepted, not when its call began. */
TEST_F(track, blocked)
{
	struct mbox_info info;
	pid_t sender;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, put(self->fd, 0, "full"));
	sender = child_send(self->fd, "late");
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_LAST(self->fd, getpid(), 0);
	EXPECT_STREQ("full", take(self->fd));
	EXPECT_LAST(self->fd, sender, getpid());
	info = info_of(self->fd);
	EXPECT_EQ(0, reap(sender));
	EXPECT_UNCHANGED(self->fd, &info);
}

TEST(rendezvous)
{
	int fd = box_tracks(0, 0, MBOX_POLICY_FIFO);
	pid_t sender = child_send(fd, "met"), receiver;

	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_LAST(fd, 0, 0);
	EXPECT_STREQ("met", take(fd));
	EXPECT_LAST(fd, sender, getpid());
	EXPECT_EQ(0, reap(sender));
	receiver = child_take(fd, "back");
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_LE(0, send_bytes(fd, 0, 0, 0, "back", 4));
	EXPECT_EQ(0, reap(receiver));
	EXPECT_LAST(fd, getpid(), receiver);
	close(fd);
}

/* Calls that fail, and peeks, count for nothing. */
TEST_F(track, nothing)
{
	struct mbox_ioc_recv arg = { .size = 100, .data = 8 };
	struct mbox_info info;
	pid_t pid;

	EXPECT_STREQ("EAGAIN", take_flags(self->fd, MBOX_RECV_NONBLOCK));
	EXPECT_LAST(self->fd, 0, 0);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, put(self->fd, 0, "full"));
	info = info_of(self->fd);
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(put(self->fd, 0, "more") != -EAGAIN ||
		      strcmp(peek(self->fd), "full") ||
		      xioctl(self->fd, MBOX_IOC_RECV, &arg) != -EFAULT ||
		      strcmp(take_arg(self->fd, (struct mbox_ioc_recv) {
			      .flags = MBOX_RECV_BY_TYPE | MBOX_RECV_NONBLOCK,
			      .type = 1 }), "EAGAIN"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_UNCHANGED(self->fd, &info);
}

/* A leased message is received when it is acknowledged, and one that returns is not sent again. */
TEST_F(track, leased)
{
	struct mbox_ioc_nack release = {};
	struct leased leased;
	pid_t sender;

	sender = child_send(self->fd, "first");
	EXPECT_EQ(0, reap(sender));
	ASSERT_EQ(0, put(self->fd, 0, "second"));
	leased = lease(self->fd);
	ASSERT_EQ(0, leased.error);
	EXPECT_LAST(self->fd, getpid(), 0);
	release.token = leased.delivery.token;
	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_NACK, &release));
	EXPECT_LAST(self->fd, getpid(), 0);
	leased = lease(self->fd);
	ASSERT_EQ(0, leased.error);
	EXPECT_STREQ("first", leased.text);
	EXPECT_EQ(0, ack(self->fd, leased.delivery.token));
	EXPECT_LAST(self->fd, getpid(), getpid());
}

TEST_F(track, delayed)
{
	struct mbox_ioc_post later = {
		.flags = MBOX_POST_NOT_BEFORE, .clock = MBOX_CLOCK_MONOTONIC,
		.not_before = now() + 60 * NSEC_PER_SEC,
		.send = { .data = address_of("later"), .size = 5 },
	};

	ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_POST, &later));
	EXPECT_LAST(self->fd, getpid(), 0);
}

TEST_F(track, batches)
{
	char text[3][8];
	struct mbox_send_entry out[3];
	struct mbox_recv_entry in[3] = {};
	struct mbox_ioc_sendv sendv = {
		.entries = address_of(out), .count = 3, .entry_size = sizeof(out[0]),
	};
	struct mbox_ioc_recvv recvv = {
		.entries = address_of(in), .count = 3, .entry_size = sizeof(in[0]), .min = 3,
	};
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	for (int i = 0; i < 3; i++) {
		out[i] = (struct mbox_send_entry) { .data = address_of("text"), .size = 4 };
		in[i].data = address_of(text[i]);
		in[i].size = sizeof(text[i]);
	}
	if (!pid)
		_exit(xioctl(self->fd, MBOX_IOC_SENDV, &sendv) != 3);
	EXPECT_EQ(0, reap(pid));
	EXPECT_LAST(self->fd, pid, 0);
	ASSERT_EQ(3, xioctl(self->fd, MBOX_IOC_RECVV, &recvv));
	EXPECT_LAST(self->fd, pid, getpid());
	EXPECT_EQ(3, info_of(self->fd).received);
}

/* With each policy: also where members are kept, and with the other option. */
TEST(policies)
{
	for (uint32_t policy = MBOX_POLICY_FIFO; policy <= MBOX_POLICY_PRIO; policy++) {
		for (uint32_t option = 0; option <= MBOX_OPTION_EXCLUSIVE; option++) {
			int fd = box_tracks(4, option, policy);
			pid_t receiver;

			ASSERT_LE(0, fd);
			receiver = child_take(fd, "text");
			ASSERT_TRUE(await_blocked(fd, 0, 1));
			ASSERT_EQ(0, put(fd, 0, "text"));
			EXPECT_EQ(0, reap(receiver));
			EXPECT_LAST(fd, getpid(), receiver);
			ASSERT_EQ(0, put(fd, 0, "more"));
			EXPECT_STREQ("more", take(fd));
			EXPECT_LAST(fd, getpid(), getpid());
			close(fd);
		}
	}
}

TEST(broadcast)
{
	struct cast cast;
	pid_t pid;

	cast_new(_metadata, &cast, cast_arg(4, MBOX_OPTION_TRACK));
	ASSERT_EQ(HANDLES, put_type(cast.fd, 1, "all"));
	EXPECT_LAST(cast.fd, getpid(), 0);
	pid = child_take(cast.in[1], "all");
	EXPECT_EQ(0, reap(pid));
	EXPECT_LAST(cast.fd, getpid(), pid);
	EXPECT_STREQ("all", take(cast.in[0]));
	EXPECT_LAST(cast.fd, getpid(), getpid());
	pid = child_take(cast.in[0], "next");
	ASSERT_TRUE(await_blocked(cast.fd, 0, 1));
	ASSERT_EQ(HANDLES, put_type(cast.fd, 1, "next"));
	EXPECT_EQ(0, reap(pid));
	EXPECT_LAST(cast.fd, getpid(), pid);
	cast_end(&cast);
}

/* SET and HANDOVER change it, and nothing else does. */
TEST_F(track, changed)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = 8 };
	uint64_t created = info_of(self->fd).changed, changed;

	usleep(30000);
	ASSERT_EQ(0, put(self->fd, 0, "x"));
	EXPECT_STREQ("x", take(self->fd));
	EXPECT_EQ(created, info_of(self->fd).changed);
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	changed = info_of(self->fd).changed;
	EXPECT_LT(created, changed);
	usleep(30000);
	set.capacity = MBOX_CAPACITY_MAX + 1;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(changed, info_of(self->fd).changed);
	EXPECT_EQ(-EINVAL, hand_over(self->fd, 1U << 31, getpid()));
	EXPECT_EQ(changed, info_of(self->fd).changed);
	ASSERT_EQ(0, hand_over(self->fd, 0, getpid()));
	EXPECT_EQ(getpid(), info_of(self->fd).owner);
	EXPECT_LT(changed, info_of(self->fd).changed);
	changed = info_of(self->fd).changed;
	usleep(30000);
	EXPECT_EQ(0, hand_over(self->fd, MBOX_HANDOVER_HEIR, getppid()));
	EXPECT_LT(changed, info_of(self->fd).changed);
	EXPECT_GE(coarse(), info_of(self->fd).changed);
}

/* The first process of a namespace, which sees none of the processes outside. */
static int inside(void *arg)
{
	int fd = *(int *)arg;
	struct mbox_info info = info_of(fd);

	if (info.last_sender || info.last_receiver || !info.last_sent || !info.last_received)
		return -ESRCH;
	if (put(fd, 0, "one") || put(fd, 0, "two"))
		return -EIO;
	info = info_of(fd);
	if (info.last_sender != 1 || info.last_receiver)
		return -EBADMSG;
	if (strcmp(take(fd), "one"))
		return -EIO;
	info = info_of(fd);
	return info.last_sender == 1 && info.last_receiver == 1 ? 0 : -EPROTO;
}

static int new_namespace(void *arg)
{
	return unshare(CLONE_NEWPID) ? NO_NAMESPACE : in_child(inside, arg);
}

/* Each reader sees the numbers of its own pid namespace, 0 for a process that is not there. */
TEST_F(track, namespaces)
{
	struct mbox_header header;
	struct mbox_info info;
	char text[8] = "";
	int ret;

	ASSERT_EQ(0, put(self->fd, 0, "outside"));
	EXPECT_STREQ("outside", take(self->fd));
	ret = in_child(new_namespace, &self->fd);
	if (ret == NO_NAMESPACE)
		SKIP(return, "no new process id namespace can be made here");
	ASSERT_EQ(0, ret);
	info = info_of(self->fd);
	EXPECT_LT(1, info.last_sender);
	EXPECT_NE(getpid(), info.last_sender);
	EXPECT_EQ(info.last_sender, info.last_receiver);
	ASSERT_EQ(0, recv_bytes(self->fd, 0, text, sizeof(text), &header));
	EXPECT_STREQ("two", text);
	EXPECT_EQ(header.pid, info.last_sender);
	EXPECT_LAST(self->fd, header.pid, getpid());
}

struct told {
	struct mbox_info info;		/* by GET */
	bool same;			/* by netlink */
};

static void compare(const struct nl_reply *reply, void *data)
{
	struct told *told = data;
	const struct mbox_info *info = &told->info;

	told->same = nl_u32(reply, MBOX_A_MAILBOX_LAST_SENDER) == info->last_sender &&
		     nl_u32(reply, MBOX_A_MAILBOX_LAST_RECEIVER) == info->last_receiver &&
		     nl_u64(reply, MBOX_A_MAILBOX_LAST_SENT) == info->last_sent &&
		     nl_u64(reply, MBOX_A_MAILBOX_LAST_RECEIVED) == info->last_received &&
		     nl_u64(reply, MBOX_A_MAILBOX_CHANGED) == info->changed &&
		     nl_u32(reply, MBOX_A_MAILBOX_CUID) == info->cuid &&
		     nl_u32(reply, MBOX_A_MAILBOX_CGID) == info->cgid;
}

TEST(by_netlink)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	struct nl_request request;
	struct told told = { .same = false };
	struct nl nl;
	int fd;

	name_make(arg.name);
	arg.options = MBOX_OPTION_TRACK;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, put(fd, 0, "two"));
	EXPECT_STREQ("one", take(fd));
	told.info = info_of(fd);
	EXPECT_EQ(getpid(), told.info.last_sender);
	EXPECT_EQ(getpid(), told.info.last_receiver);
	ASSERT_EQ(0, nl_open(&nl));
	nl_begin(&request, nl.family, MBOX_CMD_MAILBOX_GET, 0);
	nl_put_string(&request, MBOX_A_MAILBOX_NAME, arg.name);
	EXPECT_EQ(0, nl_talk(&nl, &request, compare, &told));
	EXPECT_TRUE(told.same);
	close(nl.fd);
	close(fd);
}

/* GET always sees a sender and a receiver together with their counts. */
TEST_F(track, many)
{
	enum { CHILDREN = 4, ROUNDS = 200 };
	pid_t pids[CHILDREN];
	bool known;

	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork_child();
		ASSERT_LE(0, pids[i]);
		if (pids[i])
			continue;
		for (int n = 0; n < ROUNDS; n++) {
			struct mbox_header header;
			char got[8];

			if (i % 2 ? send_bytes(self->fd, 0, 0, 0, "x", 1) :
				    recv_bytes(self->fd, 0, got, sizeof(got), &header))
				_exit(1);
		}
		_exit(0);
	}
	for (int n = 0; n < ROUNDS; n++) {
		struct mbox_info info = info_of(self->fd);

		known = !info.sent || info.last_sender == pids[1] || info.last_sender == pids[3];
		ASSERT_TRUE(known);
		known = !info.received || info.last_receiver == pids[0] ||
			info.last_receiver == pids[2];
		ASSERT_TRUE(known);
		ASSERT_EQ(!info.sent, !info.last_sent);
		ASSERT_EQ(!info.received, !info.last_received);
	}
	for (int i = 0; i < CHILDREN; i++)
		EXPECT_EQ(0, reap(pids[i]));
	EXPECT_BALANCED(self->fd);
}

MBOX_TEST_MAIN
