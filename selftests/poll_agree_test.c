// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll() and the call agree: for every state of a mailbox and every kind of handle, poll() says yes
 * exactly where a call that does not block, a send of the largest size of priority 0, goes through;
 * a loop that follows it does not spin; and edges come to those who were refused, once.
 */
#include "lib/child_call.h"
#include "lib/peer.h"
#include "lib/user.h"

#include <sys/epoll.h>
#include <sys/prctl.h>

#define SIZE	100			/* the largest message */

static const char zeros[SIZE];

static int events_of(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pollfd, 1, 0) < 0 ? -errno : pollfd.revents;
}

static int send_largest(int fd)
{
	return send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, zeros, SIZE);
}

static int recv_any(int fd)
{
	static char data[SIZE];

	return recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL);
}

/* What poll() has to say beside a result of the call. */
static int expected(int result, bool sends)
{
	switch (result) {
	case -EBADF:			/* not a right of the handle */
	case -EAGAIN:
	case -EBUSY:
	case -EUSERS:
	case -EDQUOT:
		return 0;
	case -EIDRM:
	case -EOWNERDEAD:
	case -EPIPE:
		return sends ? POLLERR : POLLHUP;
	default:
		return result < 0 ? -EBADMSG : sends ? POLLOUT : POLLIN;
	}
}

/* Whether they agree: 0, or a word on it and an error. */
static int compare(int fd, bool sends, int *result)
{
	int mask = sends ? POLLOUT | POLLERR : POLLIN | POLLHUP;
	int events = events_of(fd), wanted;

	*result = sends ? send_largest(fd) : recv_any(fd);
	wanted = expected(*result, sends);
	/* what is over is over for both; and data may be left where nothing more comes */
	if (wanted == POLLIN && (events & POLLIN))
		return 0;
	if (*result == -EBADF && !(events & (sends ? POLLOUT : POLLIN)))
		return 0;
	if (wanted >= 0 && (events & mask) == wanted)
		return 0;
	fprintf(stderr, "# %s: poll() says %#x, the call %s\n", sends ? "send" : "receive", events,
		*result < 0 ? strerrorname_np(-*result) : "goes through");
	return -EBADMSG;
}

/* What another process does with the mailbox, meanwhile. */
enum other {
	NOBODY,
	RECEIVER,			/* is blocked in a receive of anything */
	SHORT_RECEIVER,			/* whose buffer is too small for the largest */
	SELECTIVE,			/* of a type that nobody sends */
	SENDER,				/* is blocked in a send of the largest */
	SYNC,				/* in one that is synchronous */
};

FIXTURE(agree)
{
	char name[MBOX_NAME_SIZE];
	int fds[8], nr_fds;
	struct call *call;
};

FIXTURE_VARIANT(agree)
{
	uint32_t capacity;
	uint64_t bytes;
	uint32_t policy, options, max_procs;
	bool subscribed;		/* another handle receives what is broadcast */
	int fill;			/* messages, of 10 bytes */
	enum other other;
	uint32_t delete;		/* 1 + MBOX_DELETE_* */
	bool only;			/* there is but the handle that is asked, when it is */
	bool recv, send;		/* what a handle with both rights is expected to get */
};

FIXTURE_VARIANT_ADD(agree, empty) { .capacity = 4, .send = true };
FIXTURE_VARIANT_ADD(agree, some) { .capacity = 4, .fill = 2, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, full) { .capacity = 4, .fill = 4, .recv = true };
FIXTURE_VARIANT_ADD(agree, room_for_less) {
	.capacity = 9, .bytes = SIZE, .fill = 3, .recv = true };
FIXTURE_VARIANT_ADD(agree, full_by_bytes) {
	.capacity = 99, .bytes = SIZE, .fill = 10, .recv = true };
FIXTURE_VARIANT_ADD(agree, room_by_bytes) {
	.capacity = 99, .bytes = 2 * SIZE, .fill = 10, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unbounded) {
	.capacity = MBOX_CAPACITY_UNBOUNDED, .fill = 9, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, waited_for) { .capacity = 4, .other = RECEIVER, .send = true };
FIXTURE_VARIANT_ADD(agree, zero) { .send = false };
FIXTURE_VARIANT_ADD(agree, zero_receiver) { .other = RECEIVER, .send = true };
FIXTURE_VARIANT_ADD(agree, zero_short) { .other = SHORT_RECEIVER };
FIXTURE_VARIANT_ADD(agree, zero_selective) { .other = SELECTIVE };
FIXTURE_VARIANT_ADD(agree, zero_sender) { .other = SENDER, .recv = true };
FIXTURE_VARIANT_ADD(agree, full_sender) {
	.capacity = 2, .fill = 2, .other = SENDER, .recv = true };
FIXTURE_VARIANT_ADD(agree, behind_a_sender) {
	.capacity = 9, .bytes = SIZE, .fill = 1, .other = SENDER, .recv = true };
FIXTURE_VARIANT_ADD(agree, sync) { .capacity = 4, .other = SYNC, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, alone) {
	.capacity = 4, .options = MBOX_OPTION_EXCLUSIVE, .fill = 1, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, busy) {
	.capacity = 4, .options = MBOX_OPTION_EXCLUSIVE, .fill = 1, .other = SELECTIVE,
	.send = true };
FIXTURE_VARIANT_ADD(agree, places) {
	.capacity = 4, .max_procs = 1, .fill = 1, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unlinked) {
	.capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_UNLINK, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unlinked_only) {
	.capacity = 4, .delete = 1 + MBOX_DELETE_UNLINK, .only = true, .send = true };
FIXTURE_VARIANT_ADD(agree, unlinked_only_fill) {
	.capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_UNLINK, .only = true, .recv = true,
	.send = true };
FIXTURE_VARIANT_ADD(agree, draining) {
	.capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_DRAIN, .recv = true };
FIXTURE_VARIANT_ADD(agree, dead) { .capacity = 4, .fill = 1, .delete = 1 + MBOX_DELETE_FORCE };
FIXTURE_VARIANT_ADD(agree, broadcast) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_some) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .fill = 2,
	.recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_full) {
	.capacity = 2, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .fill = 2,
	.recv = true };
FIXTURE_VARIANT_ADD(agree, broadcast_less) {
	.capacity = 9, .bytes = SIZE, .policy = MBOX_POLICY_BROADCAST, .subscribed = true,
	.fill = 2, .recv = true };
FIXTURE_VARIANT_ADD(agree, overflow) {
	.capacity = 2, .policy = MBOX_POLICY_BROADCAST, .options = MBOX_OPTION_OVERFLOW,
	.subscribed = true, .fill = 4, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_to_none) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_only) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .delete = 1 + MBOX_DELETE_UNLINK,
	.only = true, .send = true };
FIXTURE_VARIANT_ADD(agree, broadcast_draining) {
	.capacity = 4, .policy = MBOX_POLICY_BROADCAST, .subscribed = true, .fill = 1,
	.delete = 1 + MBOX_DELETE_DRAIN, .recv = true };

FIXTURE_SETUP(agree)
{
}

FIXTURE_TEARDOWN(agree)
{
}

static void add(struct __test_metadata *_metadata, struct _test_data_agree *self, int fd)
{
	ASSERT_LE(0, fd);
	self->fds[self->nr_fds++] = fd;
}

static void do_other(struct __test_metadata *_metadata, struct _test_data_agree *self,
		     const struct _fixture_variant_agree *variant, int fd)
{
	bool sends = variant->other == SENDER || variant->other == SYNC;
	struct call *call;

	if (variant->other == NOBODY)
		return;
	call = call_new(fd, sends ? CALL_SEND : CALL_RECV);
	call->send.size = SIZE;
	call->send.flags = variant->other == SYNC ? MBOX_SEND_SYNC : 0;
	call->recv.size = variant->other == SHORT_RECEIVER ? SIZE - 1 : SIZE;
	if (variant->other == SELECTIVE) {
		call->recv.flags = MBOX_RECV_BY_TYPE;
		call->recv.type = 7;
	}
	call_start(call);
	ASSERT_TRUE(await_blocked(fd, sends, !sends));
	self->call = call;
}

/* The mailbox of the variant, and a handle of @rights to be asked. */
static int build(struct __test_metadata *_metadata, struct _test_data_agree *self,
		 const struct _fixture_variant_agree *variant, uint32_t rights)
{
	struct mbox_ioc_open arg;
	int asked, fd, in = -1;

	name_make(self->name);
	arg = open_arg(self->name, variant->capacity);
	arg.msg_size = SIZE;
	arg.bytes = variant->bytes;
	arg.policy = variant->policy;
	arg.options = variant->options;
	arg.max_procs = variant->max_procs;
	arg.rights = variant->policy == MBOX_POLICY_BROADCAST ? MBOX_RIGHT_SEND : RIGHTS_BOTH;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	add(_metadata, self, fd);
	asked = open_name(self->name, rights);
	add(_metadata, self, asked);
	if (variant->subscribed) {
		in = open_name(self->name, MBOX_RIGHT_RECV);
		add(_metadata, self, in);
	}
	for (int i = 0; i < variant->fill; i++) {
		ASSERT_LE(0, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, zeros, 10));
	}
	do_other(_metadata, self, variant, fd);
	if (variant->delete) {
		ASSERT_EQ(0, delete_fd(fd, variant->delete - 1));
	}
	if (variant->only) {
		close(fd);
		self->fds[0] = -1;
	}
	return asked;
}

static void tear_down(struct _test_data_agree *self)
{
	if (self->call) {
		kill(self->call->pid, SIGKILL);
		call_end(self->call);
		self->call = NULL;
	}
	while (self->nr_fds)
		close(self->fds[--self->nr_fds]);
}

TEST_F(agree, every_handle)
{
	for (uint32_t rights = 0; rights <= RIGHTS_BOTH; rights++) {
		for (int sends = 0; sends <= 1; sends++) {
			int fd = build(_metadata, self, variant, rights), result;

			EXPECT_EQ(0, compare(fd, sends, &result))
				TH_LOG("a handle of rights %u", rights);
			if (rights == RIGHTS_BOTH) {
				EXPECT_EQ(sends ? variant->send : variant->recv, result >= 0)
					TH_LOG("%s: %d", sends ? "send" : "receive", result);
			}
			tear_down(self);
		}
	}
}

/* A loop that makes a call whenever poll() says that it may is never refused. */
TEST_F(agree, loops)
{
	for (int sends = 0; sends <= 1; sends++) {
		int fd = build(_metadata, self, variant, RIGHTS_BOTH), turns;

		for (turns = 0; turns < 200; turns++) {
			if (!(events_of(fd) & (sends ? POLLOUT : POLLIN)))
				break;
			ASSERT_LE(0, sends ? send_largest(fd) : recv_any(fd));
		}
		tear_down(self);
	}
}

/* A limited number of processes, of which the caller is none. */

static int stranger(void *arg)
{
	int fd = *(int *)arg, result;

	if (compare(fd, false, &result) || result != -EUSERS)
		return -EBADMSG;
	if (compare(fd, true, &result) || result != -EUSERS)
		return -EBADMSG;
	return 0;
}

TEST(places)
{
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	int fd;

	arg.msg_size = SIZE;
	arg.max_procs = 1;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(0, in_child(stranger, &fd));
	EXPECT_EQ(POLLIN | POLLOUT, events_of(fd));
	close(fd);
}

/* Links and inboxes. */

FIXTURE(link)
{
	struct peer *peer;
	int link, inbox;
};

FIXTURE_VARIANT(link)
{
	uint32_t capacity;
	int fill, come;			/* to the peer, and from it */
	bool ends;
	bool recv, send;
};

FIXTURE_VARIANT_ADD(link, empty) { .capacity = 2, .send = true };
FIXTURE_VARIANT_ADD(link, full) { .capacity = 2, .fill = 2 };
FIXTURE_VARIANT_ADD(link, come) { .capacity = 2, .come = 1, .recv = true, .send = true };
FIXTURE_VARIANT_ADD(link, both) { .capacity = 2, .fill = 2, .come = 2, .recv = true };
FIXTURE_VARIANT_ADD(link, zero) { .capacity = 0 };
FIXTURE_VARIANT_ADD(link, ended) { .capacity = 2, .ends = true };
FIXTURE_VARIANT_ADD(link, ended_come) { .capacity = 2, .come = 1, .ends = true, .recv = true };

FIXTURE_SETUP(link)
{
	self->peer = peer_new(_metadata);
	self->link = link_sized(self->peer->pid, variant->capacity, SIZE);
	self->inbox = inbox_open();
	ASSERT_LE(0, self->link);
	ASSERT_LE(0, self->inbox);
	for (int i = 0; i < variant->fill; i++) {
		ASSERT_EQ(0, put(self->link, 0, "text"));
	}
	ASSERT_EQ(0, peer_link(self->peer, 0, getpid(), variant->capacity));
	for (int i = 0; i < variant->come; i++) {
		ASSERT_EQ(0, peer_send(self->peer, 0, 0, "text"));
	}
	if (variant->ends) {
		peer_kill(self->peer);
		ASSERT_TRUE(await_peer_dead(self->link));
	}
}

FIXTURE_TEARDOWN(link)
{
	close(self->inbox);
	close(self->link);
	peer_kill(self->peer);
}

TEST_F(link, every_handle)
{
	int result;

	EXPECT_EQ(0, compare(self->link, true, &result));
	EXPECT_EQ(variant->send, result >= 0);
	EXPECT_EQ(0, compare(self->link, false, &result));
	EXPECT_EQ(variant->recv, result >= 0);
	/* a receive took one */
	EXPECT_EQ(0, compare(self->inbox, false, &result));
	EXPECT_EQ(variant->come > 1, result >= 0);
	EXPECT_EQ(0, compare(self->inbox, true, &result));
	EXPECT_EQ(-EBADF, result);
}

/* The caller's quota. */

#define MIB	(1024U * 1024)

/* Use up the quota of whoever calls; leave less than the largest message of the tests takes. */
static int use_up(void)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	char *data = calloc(1, 8 * MIB);
	int fd, ret = 0;

	arg.msg_size = 8 * MIB;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	for (uint32_t size = 8 * MIB; fd >= 0 && size; size /= 2) {
		do {
			ret = send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, size);
		} while (!ret);
	}
	free(data);
	return fd < 0 ? fd : ret == -EDQUOT ? fd : ret;
}

static int box_sized(uint32_t policy)
{
	struct mbox_ioc_open arg = open_arg(NULL, 1000);

	arg.msg_size = SIZE;
	arg.policy = policy;
	return open_call(MBOX_IOC_CREATE, &arg);
}

static int next_event(int epoll, int timeout)
{
	struct epoll_event event = { 0 };
	int ret = epoll_wait(epoll, &event, 1, timeout);

	return ret < 0 ? -errno : ret ? (int)event.events : 0;
}

static int watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	return epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : epoll;
}

struct user {
	uid_t uid;
	uint32_t policy;
	int fd;				/* of another user */
};

static int recv_large(int fd)
{
	char *data = malloc(8 * MIB);
	int ret = recv_bytes(fd, MBOX_RECV_NONBLOCK, data, 8 * MIB, NULL);

	free(data);
	return ret;
}

static int quota_of_user(void *arg)
{
	struct user *user = arg;
	int used, fd, result, level, edge;

	CHECK(0, become(user->uid, user->uid));
	fd = box_sized(user->policy);
	CHECK(true, fd >= 0);
	edge = watch(fd, EPOLLOUT | EPOLLET);
	CHECK(EPOLLOUT, next_event(edge, 0));
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(fd, EPOLLOUT);
	CHECK(true, level >= 0);
	CHECK(0, compare(fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 0));
	CHECK(0, next_event(level, 100));
	CHECK(0, next_event(edge, 0));
	/* somebody receives: there is room again, and all that were refused are told */
	CHECK(0, recv_large(used));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(EPOLLOUT, next_event(edge, PATIENCE * 1000));
	CHECK(0, next_event(edge, 50));
	CHECK(0, compare(fd, true, &result));
	CHECK(true, result >= 0);
	/* nobody is short of anything now: nobody is told */
	CHECK(0, recv_large(used));
	CHECK(0, next_event(edge, 50));
	return 0;
}

TEST(quota)
{
	struct user user = { .uid = spare_uid(0) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(quota_of_user, &user));
}

/* Deliveries are charged, too. */
TEST(quota_of_broadcast)
{
	struct user user = { .uid = spare_uid(1), .policy = MBOX_POLICY_BROADCAST };

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(quota_of_user, &user));
}

/* Through a handle of another user it is still the caller's quota that counts. */
static int quota_of_caller(void *arg)
{
	struct user *user = arg;
	int used, result, level;

	CHECK(0, become(user->uid, user->uid));
	CHECK(0, compare(user->fd, true, &result));
	CHECK(0, result);
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(user->fd, EPOLLOUT);
	CHECK(0, compare(user->fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 0));
	CHECK(0, recv_large(used));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, compare(user->fd, true, &result));
	CHECK(0, result);
	/* a handle that is short when it is closed, and its user's messages after it */
	for (int i = 0; i < 3; i++) {
		int other = box_sized(0);

		close(used);
		used = use_up();
		CHECK(0, events_of(other));
		close(other);
	}
	CHECK(0, events_of(user->fd) & POLLOUT);
	close(used);
	return 0;
}

TEST(quota_of_another)
{
	struct user user = { .uid = spare_uid(2) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	user.fd = box_sized(0);
	ASSERT_LE(0, user.fd);
	EXPECT_EQ(0, in_child(quota_of_caller, &user));
	EXPECT_EQ(POLLIN | POLLOUT, events_of(user.fd));
	close(user.fd);
}

/* A mailbox of another user takes a share only, and leaves something for all others. */
static int quota_of_share(void *arg)
{
	struct user *user = arg;
	int used, own, spare, result, level;

	CHECK(0, become(user->uid, user->uid));
	own = box_sized(0);
	spare = box_sized(0);
	for (int i = 0; i < 3; i++)
		CHECK(0, put(spare, 0, "text"));
	used = use_up();
	CHECK(true, used >= 0);
	level = watch(user->fd, EPOLLOUT);
	CHECK(0, next_event(level, 0));
	/* there is room for two, of which the mailbox may have one */
	CHECK(0, recv_any(spare));
	CHECK(0, recv_any(spare));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, compare(user->fd, true, &result));
	CHECK(0, result);
	CHECK(0, compare(user->fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 50));
	CHECK(POLLOUT, events_of(own));
	/* what it holds is received: then it may have one again */
	CHECK(0, recv_any(user->fd));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, compare(user->fd, true, &result));
	CHECK(0, result);
	CHECK(0, compare(own, true, &result));
	CHECK(0, result);
	return 0;
}

TEST(quota_of_shares)
{
	struct user user = { .uid = spare_uid(4) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	user.fd = box_sized(0);
	ASSERT_LE(0, user.fd);
	EXPECT_EQ(0, in_child(quota_of_share, &user));
	close(user.fd);
}

/* A link: what it sends is in the inbox of another. */
static int quota_of_link(void *arg)
{
	struct user *user = arg;
	int used, fd, result, level;
	pid_t pid;

	CHECK(0, become(user->uid, user->uid));
	pid = fork_child();
	if (!pid) {
		pause();
		_exit(0);
	}
	fd = link_sized(pid, 10, SIZE);
	CHECK(true, fd >= 0);
	level = watch(fd, EPOLLOUT);
	CHECK(EPOLLOUT, next_event(level, 0));
	used = use_up();
	CHECK(true, used >= 0);
	CHECK(0, compare(fd, true, &result));
	CHECK(-EDQUOT, result);
	CHECK(0, next_event(level, 50));
	CHECK(0, recv_large(used));
	CHECK(EPOLLOUT, next_event(level, PATIENCE * 1000));
	CHECK(0, compare(fd, true, &result));
	CHECK(0, result);
	kill(pid, SIGKILL);
	return 0;
}

TEST(quota_of_links)
{
	struct user user = { .uid = spare_uid(3) };

	if (geteuid())
		SKIP(return, "only root can become another user");
	EXPECT_EQ(0, in_child(quota_of_link, &user));
}

/* Edges: for room, to those who were refused, once. */

TEST(never_full)
{
	int fd = box_new(_metadata, 1000), epoll = watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
	int edges = 0;

	EXPECT_EQ(EPOLLOUT, next_event(epoll, 0));
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, put(fd, 0, "text"));
		ASSERT_EQ(EPOLLIN | EPOLLOUT, next_event(epoll, 0));
		ASSERT_STREQ("text", take(fd));
		edges += next_event(epoll, 0) != 0;
	}
	EXPECT_EQ(0, edges);
	/* a blocking receive is no news either */
	for (int i = 0; i < 3; i++) {
		struct call *call = recv_start(fd);

		ASSERT_TRUE(await_blocked(fd, 0, 1));
		EXPECT_EQ(0, next_event(epoll, 0));
		ASSERT_EQ(0, put(fd, 0, "text"));
		EXPECT_STREQ("text", recv_end(call));
		EXPECT_EQ(0, next_event(epoll, 0));
	}
	close(epoll);
	close(fd);
}

FIXTURE(edge)
{
	int fd, in, epoll;
};

FIXTURE_VARIANT(edge)
{
	uint32_t policy;
	uint64_t bytes;
};

FIXTURE_VARIANT_ADD(edge, messages) { .policy = MBOX_POLICY_FIFO };
FIXTURE_VARIANT_ADD(edge, bytes) { .bytes = SIZE };
FIXTURE_VARIANT_ADD(edge, broadcast) { .policy = MBOX_POLICY_BROADCAST };
FIXTURE_VARIANT_ADD(edge, broadcast_bytes) { .policy = MBOX_POLICY_BROADCAST, .bytes = SIZE };

FIXTURE_SETUP(edge)
{
	struct mbox_ioc_open arg;
	char name[MBOX_NAME_SIZE];

	name_make(name);
	arg = open_arg(name, variant->bytes ? 99 : 3);
	arg.msg_size = SIZE;
	arg.bytes = variant->bytes;
	arg.policy = variant->policy;
	arg.rights = MBOX_RIGHT_SEND;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	self->in = open_name(name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, self->in);
	self->epoll = watch(self->fd, EPOLLOUT | EPOLLET);
	ASSERT_LE(0, self->epoll);
	EXPECT_EQ(EPOLLOUT, next_event(self->epoll, 0));
}

FIXTURE_TEARDOWN(edge)
{
	close(self->epoll);
	close(self->in);
	close(self->fd);
}

/* As sockets and pipes do: send until it would block, then wait for the edge. */
TEST_F(edge, after_refusal)
{
	for (int round = 0; round < 10; round++) {
		int sent = 0;

		while (send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, 0, zeros, 30) >= 0)
			sent++;
		EXPECT_EQ(3, sent);
		EXPECT_EQ(0, next_event(self->epoll, 0));
		ASSERT_EQ(0, recv_any(self->in));
		if (variant->bytes) {
			/* not for the largest yet */
			EXPECT_EQ(0, next_event(self->epoll, 0));
			ASSERT_EQ(0, recv_any(self->in));
			EXPECT_EQ(0, next_event(self->epoll, 0));
			ASSERT_EQ(0, recv_any(self->in));
		}
		EXPECT_EQ(EPOLLOUT, next_event(self->epoll, 0));
		while (recv_any(self->in) == 0)
			;
		EXPECT_EQ(0, next_event(self->epoll, 0));
	}
}

/* A blocked sender was refused, too: when it goes on, and there is more room, that is news. */
TEST_F(edge, after_blocking)
{
	struct call *call = call_new(self->fd, CALL_SEND);

	while (send_bytes(self->fd, MBOX_SEND_NONBLOCK, 5, 0, zeros, 20) >= 0 &&
	       info_of(self->fd).queued < 3)
		;
	call->send.size = SIZE;
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	while (recv_any(self->in) == 0)
		;
	EXPECT_LE(0, call_end(call));
	EXPECT_EQ(EPOLLOUT, next_event(self->epoll, 0));
	EXPECT_EQ(0, next_event(self->epoll, 0));
}

/* An exclusive receive ends. */
TEST(exclusive_ends)
{
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	struct call *holder;
	int fd, level, edge;

	arg.options = MBOX_OPTION_EXCLUSIVE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	holder = call_new(fd, CALL_RECV);
	holder->recv.flags = MBOX_RECV_BY_TYPE;
	holder->recv.type = 7;
	call_start(holder);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	level = watch(fd, EPOLLIN);
	edge = watch(fd, EPOLLIN | EPOLLET);
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_EQ(0, next_event(level, 0));
	EXPECT_EQ(0, next_event(edge, 0));
	EXPECT_STREQ("EBUSY", take(fd));
	ASSERT_EQ(0, send_bytes(fd, 0, 0, 7, "", 0));
	EXPECT_EQ(0, call_end(holder));
	EXPECT_EQ(EPOLLIN, next_event(level, PATIENCE * 1000));
	EXPECT_EQ(EPOLLIN, next_event(edge, PATIENCE * 1000));
	EXPECT_EQ(0, next_event(edge, 0));
	EXPECT_STREQ("text", take(fd));
	close(fd);
}

/* A place gets free. */
struct places {
	int fd, ready, done, result;
};

static int wait_for_place(const struct places *places, int *ready)
{
	int level = watch(places->fd, EPOLLIN), edge = watch(places->fd, EPOLLIN | EPOLLET);

	CHECK(0, next_event(level, 0));
	CHECK(0, next_event(edge, 0));
	set_flag(ready);
	CHECK(EPOLLIN, next_event(level, PATIENCE * 1000));
	CHECK(EPOLLIN, next_event(edge, 0));
	CHECK(0, recv_any(places->fd));
	CHECK(0, next_event(edge, 0));
	return 0;
}

TEST(place_gets_free)
{
	struct places *places = shared_alloc(sizeof(*places));
	struct mbox_ioc_open arg = open_arg(NULL, 8);
	pid_t holder = fork_child();

	ASSERT_LE(0, holder);
	if (holder == 0) {
		arg.max_procs = 1;
		places->fd = open_call(MBOX_IOC_CREATE, &arg);
		if (places->fd < 0 || put(places->fd, 0, "text"))
			_exit(1);
		/* its child inherits the handle, but not the place */
		if (fork_child() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			signal(SIGTERM, SIG_IGN);
			places->result = wait_for_place(places, &places->ready);
			set_flag(&places->done);
			_exit(0);
		}
		_exit(await_flag(&places->ready) ? 0 : 1);
	}
	EXPECT_EQ(0, reap(holder));
	EXPECT_TRUE(await_flag(&places->done));
	EXPECT_EQ(0, places->result);
}

MBOX_TEST_MAIN
