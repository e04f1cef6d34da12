// SPDX-License-Identifier: GPL-2.0-only
/* The mode of a handle: its filter, for read() and for poll(). */
#include "lib/broadcast.h"
#include "lib/mode.h"
#include "lib/peer.h"
#include "lib/poll.h"
#include "lib/user.h"

#include <sys/epoll.h>

enum { FILLER = 1, WANTED = 2, OTHER = 3 };

#define MANY	3000		/* messages: more than are searched in one section */

FIXTURE(filter)
{
	int fd;				/* without a mode */
	int handle;
	char name[MBOX_NAME_SIZE];
};

FIXTURE_SETUP(filter)
{
	self->fd = box_new_named(_metadata, MBOX_CAPACITY_UNBOUNDED, self->name);
	self->handle = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, self->handle);
}

FIXTURE_TEARDOWN(filter)
{
	close(self->fd);
	close(self->handle);
}

static int put_typed(int fd, uint32_t prio, uint32_t type, const char *text)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, prio, type, text, strlen(text));
}

/* read() without waiting; the text, or the name of the error. */
static const char *read_text(int fd)
{
	static char text[TEXT_SIZE];
	int flags = fcntl(fd, F_GETFL);
	ssize_t ret;

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	ret = xread(fd, text, sizeof(text) - 1);
	fcntl(fd, F_SETFL, flags);
	if (ret < 0)
		return strerrorname_np(-ret);
	text[ret] = '\0';
	return text;
}

static bool readable(int fd)
{
	return poll_for(fd, POLLIN) & POLLIN;
}

TEST_F(filter, type)
{
	ASSERT_EQ(0, mode_type(self->handle, WANTED));
	EXPECT_EQ(MBOX_RECV_BY_TYPE, info_of(self->handle).handle_mode);
	EXPECT_FALSE(readable(self->handle));
	ASSERT_EQ(0, put_typed(self->fd, 0, OTHER, "other"));
	EXPECT_TRUE(readable(self->fd));
	EXPECT_FALSE(readable(self->handle));
	EXPECT_STREQ("EAGAIN", read_text(self->handle));
	ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "wanted"));
	EXPECT_TRUE(readable(self->handle));
	EXPECT_STREQ("wanted", read_text(self->handle));
	EXPECT_FALSE(readable(self->handle));
	EXPECT_STREQ("EAGAIN", read_text(self->handle));
	EXPECT_STREQ("other", read_text(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(filter, prio)
{
	struct mbox_ioc_mode arg = { .min_prio = 5 };

	ASSERT_EQ(0, mode_set(self->handle, arg));
	ASSERT_EQ(0, put(self->fd, 4, "low"));
	EXPECT_FALSE(readable(self->handle));
	EXPECT_STREQ("EAGAIN", read_text(self->handle));
	ASSERT_EQ(0, put(self->fd, 5, "high"));
	EXPECT_TRUE(readable(self->handle));
	EXPECT_STREQ("high", read_text(self->handle));
	EXPECT_FALSE(readable(self->handle));
}

/* A receive without a filter goes by that of the handle, one with a filter by its own. */
TEST_F(filter, of_a_call)
{
	char data[16];
	struct mbox_recv_entry entry = { .data = address_of(data), .size = sizeof(data) };
	struct mbox_ioc_recvv batch = {
		.flags = MBOX_RECV_NONBLOCK, .entries = address_of(&entry),
		.entry_size = sizeof(entry), .count = 1,
	};
	struct mbox_ioc_recv by_prio = { .min_prio = 1 };

	ASSERT_EQ(0, mode_type(self->handle, WANTED));
	ASSERT_EQ(0, put_typed(self->fd, 1, OTHER, "first"));
	ASSERT_EQ(0, put_typed(self->fd, 1, OTHER, "second"));
	ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "wanted"));
	EXPECT_STREQ("wanted", peek(self->handle));
	EXPECT_STREQ("wanted", take(self->handle));
	EXPECT_STREQ("EAGAIN", take(self->handle));
	EXPECT_EQ(-EAGAIN, xioctl(self->handle, MBOX_IOC_RECVV, &batch));
	EXPECT_STREQ("first", take_type(self->handle, OTHER));
	EXPECT_STREQ("second", take_arg(self->handle, by_prio));
	ASSERT_EQ(0, put_typed(self->fd, 1, OTHER, "third"));
	ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "wanted"));
	EXPECT_EQ(1, xioctl(self->handle, MBOX_IOC_RECVV, &batch));
	EXPECT_EQ(WANTED, entry.header.type);
	batch.flags |= MBOX_RECV_BY_TYPE;
	batch.type = OTHER;
	EXPECT_EQ(1, xioctl(self->handle, MBOX_IOC_RECVV, &batch));
	EXPECT_EQ(OTHER, entry.header.type);
	EXPECT_BALANCED(self->fd);
}

/* Both at once. */
TEST_F(filter, and_header)
{
	struct mbox_ioc_mode arg = {
		.flags = MBOX_MODE_HEADER | MBOX_RECV_BY_TYPE, .header_size = HEADER_SIZE,
		.type = WANTED, .min_prio = 1,
	};
	struct {
		struct mbox_header header;
		char data[16];
	} in;

	ASSERT_EQ(0, mode_set(self->handle, arg));
	ASSERT_EQ(0, put_typed(self->fd, 2, OTHER, "other"));
	ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "low"));
	EXPECT_FALSE(readable(self->handle));
	ASSERT_EQ(0, put_typed(self->fd, 1, WANTED, "wanted"));
	EXPECT_TRUE(readable(self->handle));
	ASSERT_EQ(HEADER_SIZE + 6, xread(self->handle, &in, sizeof(in)));
	EXPECT_EQ(WANTED, in.header.type);
	EXPECT_EQ(0, memcmp(in.data, "wanted", 6));
	EXPECT_FALSE(readable(self->handle));
}

/* It is far behind others, so that the search pauses. */
TEST_F(filter, deep)
{
	struct mbox_info before;

	ASSERT_EQ(0, mode_type(self->handle, WANTED));
	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(0, put_typed(self->fd, i % 3, FILLER, "filler"));
	EXPECT_FALSE(readable(self->handle));
	ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "wanted"));
	before = info_of(self->fd);
	EXPECT_TRUE(readable(self->handle));
	EXPECT_UNCHANGED(self->fd, &before);
	EXPECT_STREQ("wanted", read_text(self->handle));
	EXPECT_FALSE(readable(self->handle));
}

/* Messages of others are no events, with or without EPOLLET. */
TEST_F(filter, epoll)
{
	int level, edge;

	ASSERT_EQ(0, mode_type(self->handle, WANTED));
	level = watch(self->handle, EPOLLIN);
	edge = watch(self->handle, EPOLLIN | EPOLLET);
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, put_typed(self->fd, 0, OTHER, "other"));
		ASSERT_EQ(0, next_event(level, 0));
		ASSERT_EQ(0, next_event(edge, 0));
	}
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "wanted"));
		EXPECT_EQ(EPOLLIN, next_event(level, 0));
		EXPECT_EQ(EPOLLIN, next_event(level, 0));
		EXPECT_EQ(EPOLLIN, next_event(edge, 0));
		EXPECT_EQ(0, next_event(edge, 0));
		EXPECT_STREQ("wanted", read_text(self->handle));
		EXPECT_EQ(0, next_event(level, 0));
	}
	close(level);
	close(edge);
}

/* A poll that waits is woken for it, and not before. */
TEST_F(filter, waits)
{
	struct call *call = call_new(self->handle, CALL_POLL);

	ASSERT_EQ(0, mode_type(self->handle, WANTED));
	call->events = POLLIN;
	call_start(call);
	for (int i = 0; i < 50; i++)
		ASSERT_EQ(0, put_typed(self->fd, 0, OTHER, "other"));
	ASSERT_TRUE(await_sleeping(call->pid));
	EXPECT_EQ(0, __atomic_load_n(&call->done, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "wanted"));
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLIN, call->events);
}

/* The filter changes while others wait: a poll goes by the new one, a read by its own. */
TEST_F(filter, changes)
{
	struct call *poller = call_new(self->handle, CALL_POLL);
	struct call *reader = call_new(self->handle, CALL_READ);

	ASSERT_EQ(0, mode_type(self->handle, WANTED));
	poller->events = POLLIN;
	call_start(poller);
	call_start(reader);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, put_typed(self->fd, 0, OTHER, "other"));
	ASSERT_TRUE(await_sleeping(poller->pid));
	ASSERT_EQ(0, mode_type(self->handle, OTHER));
	EXPECT_EQ(1, call_end(poller));
	EXPECT_EQ(1, info_of(self->fd).receivers);
	EXPECT_STREQ("other", read_text(self->handle));
	ASSERT_EQ(0, put_typed(self->fd, 0, WANTED, "wanted"));
	EXPECT_EQ(6, call_end(reader));
	EXPECT_BALANCED(self->fd);
}

/* Senders that wait have messages too. */
TEST_F(filter, pending)
{
	int fd = box_new(_metadata, MBOX_CAPACITY_ZERO);
	struct call *sender;

	ASSERT_EQ(0, mode_type(fd, WANTED));
	sender = call_new(fd, CALL_SEND);
	sender->send.type = OTHER;
	call_start(sender);
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_FALSE(readable(fd));
	EXPECT_STREQ("EAGAIN", read_text(fd));
	ASSERT_EQ(0, mode_type(fd, OTHER));
	EXPECT_TRUE(readable(fd));
	EXPECT_STREQ("", read_text(fd));
	EXPECT_EQ(getpid(), call_end(sender));
	EXPECT_FALSE(readable(fd));
	close(fd);
}

TEST_F(filter, exclusive)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	struct call *call;
	int fd;

	arg.options = MBOX_OPTION_EXCLUSIVE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mode_type(fd, WANTED));
	ASSERT_EQ(0, put_typed(fd, 0, WANTED, "wanted"));
	EXPECT_TRUE(readable(fd));
	call = cast_recv(_metadata, fd, MBOX_RECV_BY_TYPE, OTHER);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_FALSE(readable(fd));
	EXPECT_STREQ("EBUSY", read_text(fd));
	ASSERT_EQ(0, put_typed(fd, 0, OTHER, "other"));
	EXPECT_EQ(0, call_end(call));
	EXPECT_TRUE(readable(fd));
	EXPECT_STREQ("wanted", read_text(fd));
	close(fd);
}

TEST_F(filter, broadcast)
{
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(8, 0));
	ASSERT_EQ(0, mode_type(cast.in[0], WANTED));
	ASSERT_EQ(0, mode_type(cast.in[1], OTHER));
	EXPECT_EQ(HANDLES, put_typed(cast.fd, 0, OTHER, "other"));
	EXPECT_FALSE(readable(cast.in[0]));
	EXPECT_TRUE(readable(cast.in[1]));
	EXPECT_TRUE(readable(cast.in[2]));
	EXPECT_EQ(HANDLES, put_typed(cast.fd, 0, WANTED, "wanted"));
	EXPECT_TRUE(readable(cast.in[0]));
	EXPECT_STREQ("wanted", read_text(cast.in[0]));
	EXPECT_FALSE(readable(cast.in[0]));
	EXPECT_STREQ("other", read_text(cast.in[1]));
	EXPECT_FALSE(readable(cast.in[1]));
	EXPECT_STREQ("other", read_text(cast.in[2]));
	cast_end(&cast);
}

TEST_F(filter, links)
{
	struct peer *one = peer_new(_metadata), *two = peer_new(_metadata);
	struct mbox_ioc_mode from_two = { .flags = MBOX_RECV_BY_SENDER, .pid = two->pid };
	int fd = link_to(one->pid, 8), inbox = inbox_open(), epoll;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, inbox);
	ASSERT_EQ(0, peer_link(one, 0, getpid(), 8));
	ASSERT_EQ(0, peer_link(two, 0, getpid(), 8));
	ASSERT_EQ(0, mode_set(inbox, from_two));
	ASSERT_EQ(0, mode_type(fd, WANTED));
	epoll = watch(fd, EPOLLIN);
	ASSERT_EQ(0, peer_send(one, 0, 0, "of one"));
	EXPECT_FALSE(readable(fd));
	EXPECT_FALSE(readable(inbox));
	EXPECT_EQ(0, next_event(epoll, 0));
	ASSERT_EQ(0, peer_send(two, 0, 0, "of two"));
	EXPECT_FALSE(readable(fd));
	EXPECT_TRUE(readable(inbox));
	EXPECT_STREQ("of two", read_text(inbox));
	EXPECT_FALSE(readable(inbox));
	one->type = WANTED;
	ASSERT_EQ(0, peer_send(one, 0, 0, "wanted"));
	EXPECT_TRUE(readable(fd));
	EXPECT_EQ(EPOLLIN, next_event(epoll, 0));
	EXPECT_STREQ("wanted", read_text(fd));
	EXPECT_EQ(0, next_event(epoll, 0));
	/* the other message is for a handle without a filter */
	ASSERT_EQ(0, mode_set(inbox, (struct mbox_ioc_mode) { .flags = 0 }));
	EXPECT_STREQ("of one", read_text(inbox));
	peer_kill(one);
	/* the peer has ended: nothing will come, of any type */
	EXPECT_EQ(EPOLLHUP, next_event(epoll, 1000 * PATIENCE) & EPOLLHUP);
	EXPECT_STREQ("EOWNERDEAD", read_text(fd));
	peer_kill(two);
	close(epoll);
	close(fd);
	close(inbox);
}

/* A process that sends, and ends when it is told. */
struct talker {
	int fd;
	int sent, go;
};

static pid_t talk(struct talker *talker)
{
	pid_t pid = fork_child();

	if (pid)
		return pid;
	put(talker->fd, 0, "one");
	set_flag(&talker->sent);
	_exit(!await_flag(&talker->go));
}

/* By number: a process that ended may be followed by one of its number. */
TEST_F(filter, sender)
{
	struct talker *talker = shared_alloc(sizeof(*talker));
	struct mbox_ioc_mode arg = { .flags = MBOX_RECV_BY_SENDER };
	pid_t pid;

	talker->fd = self->fd;
	pid = talk(talker);
	ASSERT_TRUE(await_flag(&talker->sent));
	arg.pid = getpid();
	ASSERT_EQ(0, mode_set(self->handle, arg));
	EXPECT_FALSE(readable(self->handle));
	arg.pid = pid;
	ASSERT_EQ(0, mode_set(self->handle, arg));
	EXPECT_TRUE(readable(self->handle));
	set_flag(&talker->go);
	ASSERT_EQ(0, reap(pid));
	EXPECT_TRUE(readable(self->handle));
	EXPECT_STREQ("one", read_text(self->handle));
	EXPECT_EQ(0, poll_now(self->handle));
	EXPECT_STREQ("EAGAIN", read_text(self->handle));
}

/* By identity: poll() and read() learn of its end, once its messages are received. */
TEST_F(filter, start)
{
	struct talker *talker = shared_alloc(sizeof(*talker));
	struct call *reader = call_new(self->handle, CALL_READ);
	struct mbox_ioc_mode arg = { .flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START };
	struct mbox_ioc_recv first = { .flags = MBOX_RECV_PEEK | MBOX_RECV_NONBLOCK };
	int level, edge;

	talker->fd = self->fd;
	arg.pid = talk(talker);
	ASSERT_TRUE(await_flag(&talker->sent));
	ASSERT_EQ(-EMSGSIZE, xioctl(self->fd, MBOX_IOC_RECV, &first));
	arg.start = first.header.start;
	ASSERT_EQ(0, mode_set(self->handle, arg));
	level = watch(self->handle, EPOLLIN);
	edge = watch(self->handle, EPOLLIN | EPOLLET);
	EXPECT_EQ(EPOLLIN, next_event(level, 0));
	EXPECT_EQ(EPOLLIN, next_event(edge, 0));
	EXPECT_STREQ("one", read_text(self->handle));
	EXPECT_EQ(0, next_event(level, 0));
	EXPECT_STREQ("EAGAIN", read_text(self->handle));
	call_start(reader);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(0, put(self->fd, 0, "of another"));
	EXPECT_EQ(0, next_event(level, 0));
	set_flag(&talker->go);
	EXPECT_EQ(EPOLLHUP, next_event(level, 1000 * PATIENCE));
	EXPECT_EQ(EPOLLHUP, next_event(edge, 1000 * PATIENCE));
	EXPECT_EQ(-EOWNERDEAD, call_end(reader));
	EXPECT_STREQ("EOWNERDEAD", read_text(self->handle));
	EXPECT_STREQ("EOWNERDEAD", take(self->handle));
	EXPECT_EQ(0, reap(arg.pid));
	EXPECT_EQ(EPOLLHUP, next_event(level, 0));
	/* that is not the end of others */
	EXPECT_STREQ("of another", read_text(self->fd));
	ASSERT_EQ(0, mode_set(self->handle, (struct mbox_ioc_mode) { .flags = 0 }));
	EXPECT_EQ(0, next_event(level, 0));
	close(level);
	close(edge);
}

/* The sender has ended before the filter names it, and its message is there. */
TEST_F(filter, start_of_the_dead)
{
	struct talker *talker = shared_alloc(sizeof(*talker));
	struct mbox_ioc_mode arg = { .flags = MBOX_RECV_BY_SENDER | MBOX_RECV_BY_START };
	struct mbox_ioc_recv first = { .flags = MBOX_RECV_PEEK | MBOX_RECV_NONBLOCK };

	talker->fd = self->fd;
	arg.pid = talk(talker);
	set_flag(&talker->go);
	ASSERT_EQ(0, reap(arg.pid));
	ASSERT_EQ(-EMSGSIZE, xioctl(self->fd, MBOX_IOC_RECV, &first));
	arg.start = first.header.start;
	ASSERT_EQ(0, mode_set(self->handle, arg));
	EXPECT_EQ(POLLIN, poll_now(self->handle));
	EXPECT_STREQ("one", read_text(self->handle));
	EXPECT_EQ(POLLHUP, poll_now(self->handle));
	EXPECT_STREQ("EOWNERDEAD", read_text(self->handle));
	/* nor does one that never was */
	arg.start++;
	ASSERT_EQ(0, mode_set(self->handle, arg));
	EXPECT_EQ(POLLHUP, poll_now(self->handle));
}

TEST_F(filter, dead_mailbox)
{
	int epoll;

	ASSERT_EQ(0, mode_type(self->handle, WANTED));
	epoll = watch(self->handle, EPOLLIN);
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(EPOLLHUP, next_event(epoll, 0));
	EXPECT_STREQ("EIDRM", read_text(self->handle));
	EXPECT_EQ(0, mode_type(self->handle, OTHER));
	close(epoll);
}

/* A filter keeps the namespace of the number in it, after the last process there. */
static int set_inside(void *arg)
{
	struct mbox_ioc_mode mode = { .flags = MBOX_RECV_BY_SENDER };
	int fd = *(int *)arg;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return 1;
	pid = fork_child();
	if (pid == 0) {
		mode.pid = getpid();
		_exit(put(fd, 0, "from inside") || mode_set(fd, mode));
	}
	return reap(pid) ? -EBADMSG : 0;
}

TEST_F(filter, namespace)
{
	int ret = in_child(set_inside, &self->fd);

	if (ret == 1)
		SKIP(return, "no new pid namespace can be made here");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, put(self->fd, 1, "from outside"));
	EXPECT_TRUE(readable(self->fd));
	EXPECT_STREQ("from inside", read_text(self->fd));
	EXPECT_FALSE(readable(self->fd));
	EXPECT_STREQ("EAGAIN", read_text(self->fd));
	EXPECT_STREQ("from outside", take_arg(self->fd, (struct mbox_ioc_recv) { .min_prio = 1 }));
}

MBOX_TEST_MAIN
