// SPDX-License-Identifier: GPL-2.0-only
/* Events: each is told once, to listeners that may see it, in order, and never too many. */
#include "lib/child_call.h"
#include "lib/module.h"
#include "lib/netlink.h"
#include "lib/user.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MAX_EVENTS	4096

struct event {
	uint32_t kind, state, uid;
	uint64_t id, time, queued, dropped, count;
	char name[MBOX_NAME_SIZE];
};

FIXTURE(event)
{
	struct nl nl;
	char name[MBOX_NAME_SIZE];
	uid_t user;			/* one with a quota of his own */
	int n;
	struct event heard[MAX_EVENTS];
};

FIXTURE_SETUP(event)
{
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_listen(&self->nl));
	name_make(self->name);
	self->user = spare_uid(0);
}

FIXTURE_TEARDOWN(event)
{
	close(self->nl.fd);
}

/* The next one of any mailbox. False if there is none within @patience ms. */
static bool hear(struct _test_data_event *self, struct event *event, int patience)
{
	struct nl_reply reply;

	if (!nl_hear(&self->nl, &reply, patience))
		return false;
	event->kind = nl_u32(&reply, MBOX_A_NOTICE_EVENT);
	event->state = nl_u32(&reply, MBOX_A_NOTICE_STATE);
	event->uid = nl_u32(&reply, MBOX_A_NOTICE_UID);
	event->id = nl_u64(&reply, MBOX_A_NOTICE_ID);
	event->time = nl_u64(&reply, MBOX_A_NOTICE_TIME);
	event->queued = nl_u64(&reply, MBOX_A_NOTICE_QUEUED);
	event->dropped = nl_has(&reply, MBOX_A_NOTICE_DROPPED) ?
			 nl_u64(&reply, MBOX_A_NOTICE_DROPPED) : 0;
	event->count = nl_has(&reply, MBOX_A_NOTICE_COUNT) ?
		       nl_u64(&reply, MBOX_A_NOTICE_COUNT) : 1;
	snprintf(event->name, sizeof(event->name), "%s", nl_string(&reply, MBOX_A_NOTICE_NAME));
	return true;
}

/* The next one of this test's mailbox as a number; a negative one if there is none. */
#define NOTHING	UINT32_MAX

static uint32_t next_within(struct _test_data_event *self, struct event *event, int patience)
{
	int64_t end = now() + patience * NSEC_PER_MSEC;

	while (hear(self, event, patience)) {
		if (!strcmp(event->name, self->name))
			return event->kind;
		if (now() > end)
			break;
	}
	return NOTHING;
}

static uint32_t next(struct _test_data_event *self, struct event *event)
{
	return next_within(self, event, PATIENCE * 1000);
}

/* Longer than anything is held back. */
#define EXPECT_SILENCE() \
	EXPECT_EQ(NOTHING, next_within(self, &event, 500))

static int create(struct _test_data_event *self, uint32_t capacity)
{
	struct mbox_ioc_open arg = open_arg(NULL, capacity);

	name_copy(arg.name, self->name);
	return open_call(MBOX_IOC_CREATE, &arg);
}

TEST_F(event, created_and_deleted)
{
	int64_t before = now_on(CLOCK_REALTIME);
	struct event event;
	struct mbox_info info;
	int fd = create(self, 4);

	ASSERT_LE(0, fd);
	info = info_of(fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	EXPECT_EQ(info.id, event.id);
	EXPECT_EQ(MBOX_STATE_LIVE, event.state);
	EXPECT_EQ(geteuid(), event.uid);
	EXPECT_LE(before, event.time);
	EXPECT_GE(now_on(CLOCK_REALTIME), event.time);
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, put(fd, 0, "two"));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	ASSERT_EQ(MBOX_EVENT_DELETED, next(self, &event));
	EXPECT_EQ(info.id, event.id);
	EXPECT_EQ(MBOX_STATE_DEAD, event.state);
	EXPECT_EQ(2, event.dropped);
	EXPECT_SILENCE();
	close(fd);
}

TEST_F(event, deleted_twice_where_it_lives_on)
{
	struct event event;
	int fd = create(self, 4);

	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	ASSERT_EQ(MBOX_EVENT_DELETED, next(self, &event));
	EXPECT_EQ(MBOX_STATE_DRAINING, event.state);
	EXPECT_EQ(0, event.dropped);
	EXPECT_STREQ("one", take(fd));
	ASSERT_EQ(MBOX_EVENT_DELETED, next(self, &event));
	EXPECT_EQ(MBOX_STATE_DEAD, event.state);
	EXPECT_EQ(0, event.dropped);
	close(fd);
}

static int create_and_end(void *arg)
{
	struct mbox_ioc_open new = open_arg(arg, 4);
	int fd;

	new.lifetime = MBOX_LIFETIME_PROCESS;
	fd = open_call(MBOX_IOC_CREATE, &new);
	return fd < 0 ? fd : put(fd, 0, "lost");
}

TEST_F(event, owner_died)
{
	struct event event;

	ASSERT_EQ(0, in_child(create_and_end, self->name));
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	ASSERT_EQ(MBOX_EVENT_OWNER_DIED, next(self, &event));
	EXPECT_EQ(1, event.dropped);
	EXPECT_SILENCE();
}

TEST_F(event, full_and_room_again)
{
	struct event event;
	int fd = create(self, 2);

	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, put(fd, 0, "two"));
	EXPECT_SILENCE();
	EXPECT_EQ(-EAGAIN, put(fd, 0, "three"));
	ASSERT_EQ(MBOX_EVENT_FULL, next(self, &event));
	EXPECT_EQ(2, event.queued);
	EXPECT_EQ(-EAGAIN, put(fd, 0, "three"));
	EXPECT_SILENCE();
	EXPECT_STREQ("one", take(fd));
	ASSERT_EQ(MBOX_EVENT_ROOM, next(self, &event));
	EXPECT_EQ(1, event.queued);
	EXPECT_STREQ("two", take(fd));
	EXPECT_SILENCE();
	close(fd);
}

TEST_F(event, full_for_a_sender_that_waits)
{
	struct event event;
	int fd = create(self, 1);
	struct call *call;

	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	ASSERT_EQ(0, put(fd, 0, "one"));
	call = send_start(fd, 0, "two");
	ASSERT_EQ(MBOX_EVENT_FULL, next(self, &event));
	/* The one that waited takes the room at once. */
	EXPECT_STREQ("one", take(fd));
	EXPECT_EQ(0, call_end(call));
	EXPECT_SILENCE();
	EXPECT_STREQ("two", take(fd));
	ASSERT_EQ(MBOX_EVENT_ROOM, next(self, &event));
	close(fd);
}

TEST_F(event, room_made_by_a_higher_limit)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY, .capacity = 1 };
	struct event event;
	int fd = create(self, 1);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, put(fd, 0, "one"));
	EXPECT_EQ(-EAGAIN, put(fd, 0, "two"));
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	ASSERT_EQ(MBOX_EVENT_FULL, next(self, &event));
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	EXPECT_SILENCE();
	set.capacity = 2;
	ASSERT_EQ(0, xioctl(fd, MBOX_IOC_SET, &set));
	ASSERT_EQ(MBOX_EVENT_ROOM, next(self, &event));
	close(fd);
}

TEST_F(event, zero_capacity_is_not_full)
{
	struct event event;
	int fd = create(self, MBOX_CAPACITY_ZERO);

	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	EXPECT_EQ(-EAGAIN, put(fd, 0, "one"));
	EXPECT_SILENCE();
	close(fd);
}

/* However fast it goes: few events, with counts, and the last is how it is. */
TEST_F(event, flapping_is_counted)
{
	int64_t begin = now(), end;
	uint64_t full = 0, room = 0;
	struct event event;
	uint32_t last = 0, kind;
	int heard = 0, turns = 0;
	int fd = create(self, 1);

	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	for (; now() < begin + NSEC_PER_SEC; turns++) {
		ASSERT_EQ(0, put(fd, 0, "one"));
		ASSERT_EQ(-EAGAIN, put(fd, 0, "two"));
		EXPECT_STREQ("one", take(fd));
	}
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(-EAGAIN, put(fd, 0, "two"));
	turns++;
	end = now();
	while ((kind = next_within(self, &event, 1000)) != NOTHING) {
		last = kind;
		if (kind == MBOX_EVENT_FULL)
			full += event.count;
		else if (kind == MBOX_EVENT_ROOM)
			room += event.count;
		heard++;
	}
	EXPECT_EQ(MBOX_EVENT_FULL, last);
	EXPECT_EQ(turns, full);
	EXPECT_EQ(turns - 1, room);
	/* Two per tenth of a second, and the rest before the first and after the last. */
	EXPECT_GE(2 * ((end - begin) / (100 * NSEC_PER_MSEC) + 3), heard);
	EXPECT_LT(heard, turns);
	close(fd);
}

TEST_F(event, dropped_by_a_purge)
{
	struct event event;
	int fd = create(self, 4);

	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	ASSERT_EQ(0, put(fd, 0, "one"));
	ASSERT_EQ(0, put(fd, 0, "two"));
	ASSERT_EQ(0, nl_purge(self->name));
	ASSERT_EQ(MBOX_EVENT_DROPPED, next(self, &event));
	EXPECT_EQ(2, event.dropped);
	EXPECT_EQ(0, event.queued);
	close(fd);
}

TEST_F(event, dropped_by_an_overflow)
{
	struct mbox_ioc_open arg = open_arg(self->name, 2);
	struct event event;
	int fd;

	arg.policy = MBOX_POLICY_BROADCAST;
	arg.options = MBOX_OPTION_OVERFLOW;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(1, put(fd, 0, "news"));
	ASSERT_EQ(MBOX_EVENT_DROPPED, next(self, &event));
	EXPECT_EQ(1, event.dropped);
	close(fd);
}

static int exceed_quota(void *arg)
{
	struct _test_data_event *self = arg;
	struct mbox_ioc_open new = open_arg(self->name, MBOX_CAPACITY_UNBOUNDED);
	uint64_t limit = param_get("user_bytes");
	static char data[1 << 20];
	int fd, ret;

	if (become(self->user, self->user))
		return -EIO;
	new.mode = 0666;
	new.msg_size = sizeof(data);
	fd = open_call(MBOX_IOC_CREATE, &new);
	if (fd < 0)
		return fd;
	do {
		ret = send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, sizeof(data));
	} while (ret == 0 && limit--);
	return ret;
}

TEST_F(event, quota_refused)
{
	struct event event;

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	ASSERT_EQ(-EDQUOT, in_child(exceed_quota, self));
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	ASSERT_EQ(MBOX_EVENT_QUOTA, next(self, &event));
	EXPECT_EQ(self->user, event.uid);
	ASSERT_EQ(MBOX_EVENT_DELETED, next(self, &event));
}

#define REFUSALS	5

static int refused_mailboxes(void *arg)
{
	struct _test_data_event *self = arg;
	struct mbox_ioc_open new = open_arg(NULL, 1);

	if (become(self->user, self->user) || open_call(MBOX_IOC_CREATE, &new) < 0)
		return -EIO;
	for (int i = 0; i < REFUSALS; i++) {
		if (open_call(MBOX_IOC_CREATE, &new) != -EDQUOT)
			return -EPROTO;
		usleep(10000);
	}
	return 0;
}

/* In a namespace of its own. An event that comes too soon is told with the next, not lost. */
static int count_refusals(void *arg)
{
	struct _test_data_event *self = arg;
	uint64_t refused = 0, notices = 0;
	struct event event;
	int ret;

	if (unshare(CLONE_NEWNET) || nl_open(&self->nl) || nl_listen(&self->nl))
		return -EIO;
	ret = in_child(refused_mailboxes, self);
	while (!ret && refused < REFUSALS) {
		if (!hear(self, &event, PATIENCE * 1000))
			return 10000 + refused;
		if (event.kind != MBOX_EVENT_QUOTA)
			continue;
		if (event.uid != self->user)
			return 20000;
		refused += event.count;
		notices++;
	}
	if (ret)
		return ret;
	return refused > REFUSALS || notices == REFUSALS ? 30000 + notices : 0;
}

TEST_F(event, refused_again_and_again)
{
	uint64_t limit = param_get("user_mailboxes");
	int ret;

	if (geteuid())
		SKIP(return, "only root can set module parameters");
	if (!limit || param_set("user_mailboxes", 1))
		SKIP(return, "the module parameters cannot be written");
	ret = in_child(count_refusals, self);
	param_set("user_mailboxes", limit);
	EXPECT_EQ(0, ret);
}

static int exceed_mailboxes(void *arg)
{
	struct _test_data_event *self = arg;
	uint64_t limit = param_get("user_mailboxes");
	struct mbox_ioc_open new = open_arg(NULL, 1);
	struct rlimit files = { .rlim_cur = limit + 64, .rlim_max = limit + 64 };
	int fd;

	if (setrlimit(RLIMIT_NOFILE, &files) || become(self->user, self->user))
		return -EIO;
	do {
		fd = open_call(MBOX_IOC_CREATE, &new);
	} while (fd >= 0 && limit--);
	return fd;
}

/* In a namespace of its own, where nobody else is heard. */
static int flood(void *arg)
{
	struct _test_data_event *self = arg;
	uint64_t told = 0, left_out = 0, refused = 0, limit = param_get("user_mailboxes");
	struct event event;
	int size = 8 << 20, ret;

	if (unshare(CLONE_NEWNET) || nl_open(&self->nl) || nl_listen(&self->nl))
		return -EIO;
	setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	ret = in_child(exceed_mailboxes, self);
	if (ret != -EDQUOT)
		return ret ? ret : -EPROTO;
	while (hear(self, &event, 2500)) {
		if (event.kind == MBOX_EVENT_OVERRUN)
			left_out += event.count;
		else if (event.kind == MBOX_EVENT_QUOTA && event.uid == self->user)
			refused += event.count;
		else if (event.kind == MBOX_EVENT_CREATED || event.kind == MBOX_EVENT_DELETED)
			told += event.count;
		else
			return 20000 + event.kind;
	}
	/* Each mailbox came and went; the refusal may be among the suppressed events. */
	if (told + refused + left_out < 2 * limit)
		return 30000;
	if (told + refused + left_out > 2 * limit + 1)
		return 30001;
	return 0;
}

TEST_F(event, floods_are_cut_and_counted)
{
	if (geteuid())
		SKIP(return, "only root can make network namespaces");
	EXPECT_EQ(0, in_child(flood, self));
}

/* As a user whose quota just suffices, again and again. */
static int renew_ring(void *arg)
{
	struct _test_data_event *self = arg;
	struct mbox_ioc_open new = open_arg(NULL, 0);
	int fd;

	new.ring = param_get("user_bytes");
	if (become(self->user, self->user))
		return -EIO;
	for (int i = 0; i < 50; i++) {
		fd = open_call(MBOX_IOC_CREATE, &new);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

TEST_F(event, listeners_take_no_quota)
{
	if (geteuid())
		SKIP(return, "only root can become somebody else");
	EXPECT_EQ(0, in_child(renew_ring, self));
}

#define NO_FLOOD	1

/* Events without end, and of all of them it is known how many were not told. */
static int flood_without_end(void *arg)
{
	struct _test_data_event *self = arg;
	int64_t end = now() + 4 * NSEC_PER_SEC;
	int size = 8 << 20, overruns = 0, told = 0;
	struct event event;

	if (unshare(CLONE_NEWNET) || nl_open(&self->nl) || nl_listen(&self->nl))
		return -EIO;
	setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	while (now() < end) {
		for (int i = 0; i < 50; i++) {
			struct mbox_ioc_open new = open_arg(NULL, 1);
			int fd = open_call(MBOX_IOC_CREATE, &new);

			if (fd < 0)
				return fd;
			close(fd);
		}
		for (; hear(self, &event, 0); told++)
			overruns += event.kind == MBOX_EVENT_OVERRUN;
	}
	if (!overruns && told < 3000)
		return NO_FLOOD;
	return overruns ? 0 : -ENOMSG;
}

TEST_F(event, overrun_is_told_also_while_it_lasts)
{
	int ret;

	if (geteuid())
		SKIP(return, "only root can make network namespaces");
	ret = in_child(flood_without_end, self);
	if (ret == NO_FLOOD)
		SKIP(return, "the machine is too slow for more events than are told");
	EXPECT_EQ(0, ret);
}

/* A listener that may not see a mailbox gets no events of it. */
static int listen_as_other(void *arg)
{
	struct _test_data_event *self = arg;
	struct event event;
	uint32_t kind;

	if (become(12345, 12345) || nl_open(&self->nl) || nl_listen(&self->nl))
		return -EIO;
	set_flag((int *)self->heard);
	if (!await_flag((int *)self->heard + 1))
		return -ETIME;
	kind = next_within(self, &event, 1000);
	return kind == NOTHING ? -ENOMSG : (int)kind;
}

FIXTURE(hidden)
{
	struct nl nl;
	char name[MBOX_NAME_SIZE];
};

FIXTURE_VARIANT(hidden)
{
	uint32_t mode;
	int heard;
};

FIXTURE_VARIANT_ADD(hidden, from_others) { .mode = 0600, .heard = -ENOMSG };
FIXTURE_VARIANT_ADD(hidden, from_others_but_the_group) { .mode = 0660, .heard = -ENOMSG };
FIXTURE_VARIANT_ADD(hidden, from_nobody) { .mode = 0602, .heard = MBOX_EVENT_CREATED };

FIXTURE_SETUP(hidden)
{
	name_make(self->name);
}

FIXTURE_TEARDOWN(hidden)
{
}

TEST_F(hidden, as_the_mode_says)
{
	struct mbox_ioc_open arg = open_arg(self->name, 1);
	struct _test_data_event *other;
	pid_t pid;
	int fd, *result;

	if (geteuid())
		SKIP(return, "only root can become somebody else");
	other = shared_alloc(sizeof(*other));
	result = shared_alloc(sizeof(*result));
	memcpy(other->name, self->name, sizeof(self->name));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid) {
		*result = listen_as_other(other);
		_exit(0);
	}
	ASSERT_TRUE(await_flag((int *)other->heard));
	umask(0);
	arg.mode = variant->mode;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	set_flag((int *)other->heard + 1);
	reap(pid);
	EXPECT_EQ(variant->heard, *result);
	close(fd);
}

/* A new listener gets no events from before. */
TEST_F(event, from_now_on)
{
	struct event event;
	int fd = create(self, 1);

	ASSERT_LE(0, fd);
	ASSERT_EQ(MBOX_EVENT_CREATED, next(self, &event));
	close(self->nl.fd);
	ASSERT_EQ(0, put(fd, 0, "one"));
	EXPECT_EQ(-EAGAIN, put(fd, 0, "two"));
	usleep(200000);
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_listen(&self->nl));
	EXPECT_SILENCE();
	EXPECT_STREQ("one", take(fd));
	ASSERT_EQ(MBOX_EVENT_ROOM, next(self, &event));
	close(fd);
}

MBOX_TEST_MAIN
