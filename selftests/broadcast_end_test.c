// SPDX-License-Identifier: GPL-2.0-only
/* Broadcasting, and the end of handles, mailboxes and quotas; and the events of poll(). */
#include "lib/broadcast.h"
#include "lib/module.h"
#include "lib/netlink.h"
#include "lib/user.h"
#include "lib/userfault.h"

#include <sys/stat.h>

FIXTURE(end)
{
	struct cast cast;
	int *in;
	int fd;
};

FIXTURE_SETUP(end)
{
	cast_new(_metadata, &self->cast, cast_arg(2, 0));
	self->in = self->cast.in;
	self->fd = self->cast.fd;
}

FIXTURE_TEARDOWN(end)
{
	cast_end(&self->cast);
}

/* A handle that is closed loses its deliveries. */

TEST_F(end, close)
{
	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	EXPECT_STREQ("a", take(self->in[0]));
	cast_leave(&self->cast, 0);
	EXPECT_COUNTS(self->fd, 2, 2, 0, 0, 0, 1);
	cast_leave(&self->cast, 1);
	EXPECT_COUNTS(self->fd, 2, 2, 0, 0, 0, 3);
	cast_leave(&self->cast, 2);
	/* one was received by somebody, the other by nobody */
	EXPECT_COUNTS(self->fd, 0, 2, 1, 0, 1, 5);
}

/* The same while it drains, of the last ones that could receive: the mailbox ends after that. */
TEST_F(end, close_while_it_drains)
{
	uint32_t handles = HANDLES;

	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	EXPECT_STREQ("a", take(self->in[0]));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	ASSERT_EQ(0, delete_fd(self->fd, MBOX_DELETE_UNLINK));
	while (handles--)
		cast_leave(&self->cast, handles);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_COUNTS(self->fd, 0, 2, 1, 0, 1, 5);
}

TEST_F(end, close_makes_room)
{
	struct call *call;

	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	for (int i = 1; i < HANDLES; i++)
		EXPECT_STREQ("a", take(self->in[i]));
	call = cast_send(_metadata, &self->cast, 0, 0, "c");
	cast_leave(&self->cast, 0);
	EXPECT_EQ(HANDLES - 1, call_end(call));
	EXPECT_STREQ("b", take(self->in[1]));
	EXPECT_STREQ("c", take(self->in[1]));
}

TEST_F(end, close_completes_sync)
{
	struct call *call = cast_send(_metadata, &self->cast, MBOX_SEND_SYNC, 0, "text");

	EXPECT_STREQ("text", take(self->in[1]));
	cast_leave(&self->cast, 0);
	EXPECT_EQ(0, call->done);
	cast_leave(&self->cast, 2);
	EXPECT_EQ(1, call_end(call));
	EXPECT_COUNTS(self->fd, 0, 1, 1, 0, 0, 2);
}

/* With the last of them nobody gets it: no error, and not accepted. */
TEST_F(end, close_all_of_a_blocked_send)
{
	struct call *calls[2];

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(HANDLES, put(self->fd, 0, "text"));
	for (int i = 0; i < 2; i++)
		calls[i] = cast_send(_metadata, &self->cast, i ? MBOX_SEND_SYNC : 0, 0, "c");
	for (int i = 0; i < HANDLES; i++)
		cast_leave(&self->cast, i);
	for (int i = 0; i < 2; i++)
		EXPECT_EQ(0, call_end(calls[i]));
	EXPECT_COUNTS(self->fd, 0, 2, 0, 0, 2, 2 * HANDLES);
}

/* A process that dies closes its handles. */
TEST_F(end, death_makes_room)
{
	struct call *call;
	int *ready = shared_alloc(sizeof(*ready));
	pid_t pid = fork_child();

	ASSERT_LE(0, pid);
	if (pid == 0) {
		*ready = open_name(self->cast.name, MBOX_RIGHT_RECV);
		pause();
	}
	ASSERT_TRUE(await_flag(ready));
	for (int n = 0; n < 2; n++) {
		ASSERT_EQ(HANDLES + 1, put(self->fd, 0, "text"));
		for (int i = 0; i < HANDLES; i++)
			ASSERT_STREQ("text", take(self->in[i]));
	}
	call = cast_send(_metadata, &self->cast, 0, 0, "text");
	kill(pid, SIGKILL);
	EXPECT_EQ(HANDLES, call_end(call));
	reap(pid);
	EXPECT_COUNTS(self->fd, 1, 3, 0 + 2, 0, 0, 2);
}

/* Very many at once are given up a few at a time. */
TEST(close_with_many)
{
	enum { MANY = 3000 };
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(MBOX_CAPACITY_UNBOUNDED, 0));
	for (int i = 0; i < MANY; i++)
		ASSERT_EQ(HANDLES, put(cast.fd, i % 7, "text"));
	cast_leave(&cast, 1);
	EXPECT_COUNTS(cast.fd, MANY, MANY, 0, 0, 0, MANY);
	EXPECT_EQ(0, delete_fd(cast.fd, MBOX_DELETE_FORCE));
	EXPECT_COUNTS(cast.fd, 0, MANY, 0, 0, MANY, MANY);
	cast_end(&cast);
}

/* A delivery that a receiver fails to copy goes to the next that waits by the same handle, or back. */
TEST_F(end, failed_receiver)
{
	struct call *first = call_new(self->in[0], CALL_RECV), *second;

	first->recv.data = 8;
	call_start(first);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	second = cast_recv(_metadata, self->in[0], 0, 0);
	ASSERT_EQ(HANDLES, put(self->fd, 0, "text"));
	EXPECT_EQ(-EFAULT, call_end(first));
	EXPECT_STREQ("text", recv_end(second));
	EXPECT_HANDLE(self->in[0], 0, 1, 0);
	first = call_new(self->in[0], CALL_RECV);
	first->recv.data = 8;
	call_start(first);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "back"));
	EXPECT_EQ(-EFAULT, call_end(first));
	EXPECT_STREQ("back", take(self->in[0]));
	EXPECT_HANDLE(self->in[0], 0, 2, 0);
}

/* A delivery that is being copied is not purged. */
TEST_F(end, purge_in_flight)
{
	struct call *call;

	missing_setup(_metadata);
	call = call_new(self->in[0], CALL_RECV);
	call->recv.size = missing.size;
	start_stalling(_metadata, call);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "one"));
	await_stall(_metadata);
	ASSERT_EQ(HANDLES, put(self->fd, 0, "two"));
	EXPECT_EQ(0, nl_purge(self->cast.name));
	for (int i = 1; i < HANDLES; i++)
		EXPECT_STREQ("EAGAIN", take(self->in[i]));
	give_page(_metadata, 1);
	EXPECT_EQ(0, call_end(call));
	EXPECT_EQ(3, call->recv.header.length);
	EXPECT_STREQ("EAGAIN", take(self->in[0]));
	EXPECT_COUNTS(self->fd, 0, 2, 1, 0, 1, 2 * HANDLES - 1);
}

/* Deletion. */

TEST_F(end, delete_empty)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_EMPTY };

	ASSERT_EQ(HANDLES, put(self->fd, 0, "text"));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(-ENOTEMPTY, xioctl(self->fd, MBOX_IOC_DELETE, &delete));
		EXPECT_EQ(1, delete.queued);
		EXPECT_EQ(0, delete.dropped);
		EXPECT_STREQ("text", take(self->in[i]));
		delete = (struct mbox_ioc_delete) { .how = MBOX_DELETE_EMPTY };
	}
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
}

TEST_F(end, delete_force)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };
	struct call *sync, *blocked, *receiver;

	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	sync = cast_send(_metadata, &self->cast, MBOX_SEND_SYNC, 0, "b");
	blocked = cast_send(_metadata, &self->cast, 0, 0, "c");
	EXPECT_STREQ("a", take(self->in[0]));
	EXPECT_STREQ("b", take(self->in[0]));
	receiver = cast_recv(_metadata, self->in[0], 0, 0);
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(2, delete.queued);
	/* both were received by somebody */
	EXPECT_EQ(0, delete.dropped);
	EXPECT_EQ(1, call_end(sync));
	EXPECT_EQ(-EIDRM, call_end(blocked));
	EXPECT_STREQ("EIDRM", recv_end(receiver));
	EXPECT_COUNTS(self->fd, 0, 2, 2, 0, 0, 0);
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_STREQ("EIDRM", take(self->in[i]));
		EXPECT_EQ(0, info_of(self->in[i]).handle_queued);
	}
	EXPECT_EQ(-EIDRM, put(self->fd, 0, "d"));
}

TEST_F(end, delete_force_unreceived)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };
	struct call *sync = cast_send(_metadata, &self->cast, MBOX_SEND_SYNC, 0, "a");

	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	EXPECT_STREQ("a", peek(self->in[0]));
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(2, delete.dropped);
	EXPECT_EQ(-EIDRM, call_end(sync));
	EXPECT_COUNTS(self->fd, 0, 2, 0, 0, 2, 0);
}

TEST_F(end, delete_drain)
{
	struct call *sync = cast_send(_metadata, &self->cast, MBOX_SEND_SYNC, 0, "a"), *blocked;

	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	blocked = cast_send(_metadata, &self->cast, 0, 0, "c");
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(-EIDRM, call_end(blocked));
	EXPECT_EQ(-EIDRM, put(self->fd, 0, "d"));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd).state);
		EXPECT_STREQ("a", take(self->in[i]));
		EXPECT_STREQ("b", take(self->in[i]));
	}
	EXPECT_EQ(HANDLES, call_end(sync));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_COUNTS(self->fd, 0, 2, 2, 0, 0, 0);
}

/* The queue is lost when the last handle that could receive is closed; then the mailbox is gone. */
TEST_F(end, drain_by_closing)
{
	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	EXPECT_STREQ("a", take(self->in[1]));
	cast_leave(&self->cast, 0);
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd).state);
	cast_leave(&self->cast, 2);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_STREQ("EIDRM", take(self->in[1]));
	EXPECT_COUNTS(self->fd, 0, 1, 1, 0, 0, 2);
}

/* Attributes. */

TEST_F(end, capacity)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_CAPACITY };
	struct mbox_info before = info_of(self->fd);
	struct call *call;

	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_UNCHANGED(self->fd, &before);
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(HANDLES, put(self->fd, 0, "text"));
	call = cast_send(_metadata, &self->cast, 0, 0, "text");
	set.capacity = 3;
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_SET, &set));
	EXPECT_EQ(HANDLES, call_end(call));
	EXPECT_EQ(-EAGAIN, put(self->fd, 0, "text"));
}

TEST(invalid)
{
	struct mbox_ioc_open arg = cast_arg(MBOX_CAPACITY_ZERO, 0);

	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
	arg = cast_arg(8, MBOX_OPTION_EXCLUSIVE);
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
	arg = cast_arg(8, MBOX_OPTION_EXCLUSIVE | MBOX_OPTION_OVERFLOW);
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
}

TEST_F(end, max_procs)
{
	struct mbox_ioc_open arg = cast_arg(8, 0);
	struct cast cast;
	pid_t pid;

	arg.max_procs = 1;
	cast_new(_metadata, &cast, arg);
	EXPECT_EQ(1, info_of(cast.fd).procs);
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		if (open_name(cast.name, MBOX_RIGHT_RECV) != -EUSERS)
			_exit(1);
		_exit(put(cast.fd, 0, "text") == -EUSERS ? 0 : 2);
	}
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, info_of(cast.fd).sent);
	EXPECT_EQ(HANDLES, put(cast.fd, 0, "text"));
	cast_end(&cast);
}

/* poll() */

TEST_F(end, poll)
{
	EXPECT_EQ(POLLOUT, poll_now(self->fd));
	for (int i = 0; i < HANDLES; i++)
		EXPECT_EQ(0, poll_now(self->in[i]));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	EXPECT_EQ(0, poll_now(self->fd));
	for (int i = 0; i < HANDLES; i++) {
		EXPECT_EQ(POLLIN, poll_now(self->in[i]));
		EXPECT_STREQ("a", take(self->in[i]));
		EXPECT_EQ(POLLIN, poll_now(self->in[i]));
		EXPECT_EQ(i == HANDLES - 1 ? POLLOUT : 0, poll_now(self->fd));
		EXPECT_STREQ("b", take(self->in[i]));
		EXPECT_EQ(0, poll_now(self->in[i]));
	}
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(POLLHUP, poll_now(self->in[0]) & POLLHUP);
	EXPECT_EQ(POLLERR | POLLHUP, poll_now(self->fd));
}

TEST(poll_overflow)
{
	struct cast cast;

	cast_new(_metadata, &cast, cast_arg(1, MBOX_OPTION_OVERFLOW));
	ASSERT_EQ(HANDLES, put(cast.fd, 0, "a"));
	EXPECT_EQ(POLLOUT, poll_now(cast.fd));
	cast_end(&cast);
}

/* A poll that waits is woken: for a message, and for room. */
TEST_F(end, poll_waits)
{
	struct call *in = call_new(self->in[1], CALL_POLL), *out = call_new(self->fd, CALL_POLL);

	in->events = POLLIN;
	call_start(in);
	ASSERT_TRUE(await_flag(&in->ready));
	ASSERT_TRUE(await_sleeping(in->pid));
	ASSERT_EQ(HANDLES, put(self->fd, 0, "a"));
	EXPECT_EQ(1, call_end(in));
	EXPECT_EQ(POLLIN, in->events);

	ASSERT_EQ(HANDLES, put(self->fd, 0, "b"));
	for (int i = 1; i < HANDLES; i++)
		EXPECT_STREQ("a", take(self->in[i]));
	out->events = POLLOUT;
	cast_of_sender = &self->cast;
	out->prepare = cast_leave_all;
	call_start(out);
	ASSERT_TRUE(await_flag(&out->ready));
	ASSERT_TRUE(await_sleeping(out->pid));
	cast_leave(&self->cast, 0);
	EXPECT_EQ(1, call_end(out));
	EXPECT_EQ(POLLOUT, out->events);
}

/* Quota: for each delivery, all or none. */

FIXTURE(quota)
{
	struct cast cast;
	uint64_t saved;
	uid_t uid;			/* of the sender */
};

FIXTURE_SETUP(quota)
{
	struct mbox_ioc_open arg = cast_arg(MBOX_CAPACITY_UNBOUNDED, 0);

	if (geteuid())
		SKIP(return, "only root can set module parameters");
	self->saved = param_get("user_bytes");
	if (!self->saved)
		SKIP(return, "the module parameters cannot be read");
	/* for two small messages to all, and one to two handles */
	if (param_set("user_bytes", (2 * (HANDLES + 1) + 3) * MBOX_SMALL_CHARGE))
		SKIP(return, "the module parameters cannot be written");
	arg.mode = 0666;
	umask(0);
	/* of the sender's own, which may take all that he has */
	self->uid = spare_uid(0);
	ASSERT_EQ(0, setresuid(self->uid, -1, -1));
	cast_new(_metadata, &self->cast, arg);
	ASSERT_EQ(0, setresuid(0, -1, -1));
}

FIXTURE_TEARDOWN_PARENT(quota)
{
	if (self->saved)
		param_set("user_bytes", self->saved);
}

static int sends_in_quota(void *arg)
{
	static char large[MBOX_MSG_SIZE_DEFAULT];
	struct _test_data_quota *self = arg;
	struct cast *cast = &self->cast;
	int fd;

	if (become(self->uid, self->uid))
		return -EPERM;
	fd = open_name(cast->name, MBOX_RIGHT_SEND);
	/* one that is more than the quota by itself */
	if (send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, large, sizeof(large)) != -EDQUOT)
		return -5000;
	for (int round = 0; round < 3; round++) {
		for (int n = 0; n < 2; n++)
			if (put(fd, 0, "text") != HANDLES)
				return -1000 - round;
		for (int n = 0; n < 2; n++)
			if (put(fd, 0, "text") != -EDQUOT)
				return -2000 - round;
		/* it holds deliveries: with each of them some of it comes back */
		if (strcmp("text", take(cast->in[0])) || put(fd, 0, "text") != HANDLES)
			return -3000 - round;
		for (int i = 0; i < HANDLES; i++)
			while (strcmp("EAGAIN", take(cast->in[i])))
				;
	}
	/* a sender that waits has all it needs */
	return put(fd, 0, "text") == HANDLES ? info_of(fd).sent : -4000;
}

TEST_F(quota, all_or_none)
{
	EXPECT_EQ(10, in_child(sends_in_quota, self));
	EXPECT_COUNTS(self->cast.fd, 1, 10, 9, 0, 0, 0);
}

MBOX_TEST_MAIN
