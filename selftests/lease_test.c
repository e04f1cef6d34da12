// SPDX-License-Identifier: GPL-2.0-only
/* Leases: a message is hidden until it is acknowledged, and returns to its place otherwise. */
#include <signal.h>
#include <sys/wait.h>
#include "lib/lease.h"
#include "lib/userfault.h"

#define MS 1000000ULL

FIXTURE(lease)
{
	int fd;
};

FIXTURE_SETUP(lease)
{
	self->fd = box_new(_metadata, 32);
}

FIXTURE_TEARDOWN(lease)
{
	close(self->fd);
}

TEST_F(lease, ack)
{
	struct leased one;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	one = lease(self->fd);
	ASSERT_EQ(0, one.error);
	EXPECT_STREQ("one", one.text);
	EXPECT_EQ(1, one.delivery.deliveries);
	EXPECT_EQ(0, one.delivery.flags);
	EXPECT_EQ(-1, one.delivery.left);
	EXPECT_TRUE(counts(self->fd, 1, 0, 0));
	EXPECT_EQ(0, poll_now(self->fd) & POLLIN);
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(-EAGAIN, lease(self->fd).error);
	EXPECT_EQ(-ENOTEMPTY, delete_fd(self->fd, MBOX_DELETE_EMPTY));

	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token + 1));
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_EQ(0, info_of(self->fd).queued);
}

/* The token to acknowledge comes with the next receive. */
TEST_F(lease, stream)
{
	struct mbox_ioc_lease arg = { .recv.flags = MBOX_RECV_NONBLOCK };
	struct leased leased;
	char text[16];

	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ASSERT_EQ(0, put(self->fd, 0, text));
	}
	for (int i = 0; i < 20; i++) {
		leased = lease_arg(self->fd, arg);
		ASSERT_EQ(0, leased.error);
		EXPECT_EQ(i, atoi(leased.text));
		EXPECT_EQ(0, leased.ack);
		EXPECT_TRUE(counts(self->fd, 1, 0, 0));
		arg.ack = leased.delivery.token;
	}
	leased = lease_arg(self->fd, arg);
	EXPECT_EQ(-EAGAIN, leased.error);
	EXPECT_EQ(0, leased.ack);
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	/* A stale one does nothing else. */
	ASSERT_EQ(0, put(self->fd, 0, "rest"));
	leased = lease_arg(self->fd, arg);
	EXPECT_EQ(-ESTALE, leased.error);
	EXPECT_EQ(arg.ack, leased.ack);
	EXPECT_STREQ("rest", take(self->fd));
}

/* Messages return to their place, in any order of return, beside others of all priorities. */
TEST_F(lease, place)
{
	struct leased leased[200];
	unsigned int n = 0, seed = 1, left;
	char last[64] = "";
	int fd;

	fd = box_new(_metadata, 1000);
	for (int i = 0; i < 400; i++) {
		char text[32];
		uint32_t prio = rand_r(&seed) % 3;

		snprintf(text, sizeof(text), "%d-%04d", 9 - (int)prio, i);
		ASSERT_EQ(0, put(fd, prio, text));
		if (i % 2 && n < 200) {
			leased[n] = lease(fd);
			ASSERT_EQ(0, leased[n].error);
			n++;
		}
	}
	for (left = n; left; left--) {
		unsigned int i = rand_r(&seed) % left;

		ASSERT_EQ(0, nack(fd, leased[i].delivery.token, MBOX_NACK_RETRY, 0, 0));
		leased[i] = leased[left - 1];
	}
	EXPECT_TRUE(counts(fd, 0, 0, 0));
	for (int i = 0; i < 400; i++) {
		const char *text = take(fd);

		EXPECT_GT(strcmp(text, last), 0);
		snprintf(last, sizeof(last), "%s", text);
	}
	EXPECT_EQ(0, info_of(fd).queued);
	close(fd);
}

TEST_F(lease, nack)
{
	struct leased one, again;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	one = lease(self->fd);
	EXPECT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_RELEASE, 0, 0));
	EXPECT_EQ(-ESTALE, nack(self->fd, one.delivery.token, MBOX_NACK_RELEASE, 0, 0));
	again = lease(self->fd);
	EXPECT_STREQ("one", again.text);
	EXPECT_EQ(1, again.delivery.deliveries);
	EXPECT_EQ(MBOX_DELIVERY_AGAIN, again.delivery.flags);
	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token));

	EXPECT_EQ(0, nack(self->fd, again.delivery.token, MBOX_NACK_RETRY, 0, 0));
	again = lease(self->fd);
	EXPECT_STREQ("one", again.text);
	EXPECT_EQ(2, again.delivery.deliveries);

	EXPECT_EQ(0, nack(self->fd, again.delivery.token, MBOX_NACK_RETRY, 50 * MS, 0));
	EXPECT_TRUE(counts(self->fd, 0, 1, 0));
	EXPECT_STREQ("two", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(0, poll_now(self->fd) & POLLIN);
	EXPECT_EQ(POLLIN, poll_wait(self->fd, POLLIN));
	EXPECT_STREQ("one", take(self->fd));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));

	EXPECT_EQ(-EINVAL, nack(self->fd, 1, 3, 0, 0));
	EXPECT_EQ(-EINVAL, nack(self->fd, 1, MBOX_NACK_RELEASE, 1, 0));
	EXPECT_EQ(-EINVAL, nack(self->fd, 1, MBOX_NACK_RETRY, 0, 1));
}

/* A message that returned, and was not given to anybody, can still be acknowledged. */
TEST_F(lease, end)
{
	struct leased one;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	one = lease_for(self->fd, 2000 * MS);
	ASSERT_EQ(0, one.error);
	EXPECT_EQ(POLLPRI, poll_wait(self->fd, POLLPRI));
	EXPECT_EQ(0, extend(self->fd, one.delivery.token, 60 * MS));
	EXPECT_EQ(0, poll_now(self->fd) & POLLPRI);
	EXPECT_EQ(POLLIN, poll_wait(self->fd, POLLIN));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, extend(self->fd, one.delivery.token, 0));
	EXPECT_TRUE(counts(self->fd, 1, 0, 0));
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));

	ASSERT_EQ(0, put(self->fd, 0, "two"));
	one = lease_for(self->fd, 10 * MS);
	EXPECT_EQ(POLLIN, poll_wait(self->fd, POLLIN));
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
	EXPECT_EQ(0, info_of(self->fd).queued);

	ASSERT_EQ(0, put(self->fd, 0, "three"));
	one = lease_for(self->fd, 10 * MS);
	EXPECT_STREQ("three", recv_end(recv_start(self->fd)));
	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token));
	EXPECT_EQ(-ESTALE, extend(self->fd, one.delivery.token, 0));
}

static int lease_and_die(int fd, int signal)
{
	pid_t pid = fork_child();

	if (!pid) {
		if (lease(fd).error)
			_exit(1);
		if (signal)
			raise(signal);
		_exit(0);
	}
	return reap(pid);
}

TEST_F(lease, death)
{
	struct call *call;
	struct leased one;

	ASSERT_EQ(0, put(self->fd, 0, "one"));
	ASSERT_EQ(0, put(self->fd, 0, "two"));
	lease_and_die(self->fd, SIGKILL);
	EXPECT_EQ(POLLIN, poll_wait(self->fd, POLLIN));
	while (info_of(self->fd).leased)
		nap();
	one = lease(self->fd);
	EXPECT_STREQ("one", one.text);
	EXPECT_EQ(2, one.delivery.deliveries);
	EXPECT_STREQ("two", take(self->fd));

	/* A waiting receiver gets it at once. */
	EXPECT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_RELEASE, 0, 0));
	EXPECT_EQ(0, lease_and_die(self->fd, 0));
	call = recv_start(self->fd);
	EXPECT_STREQ("one", recv_end(call));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
}

/* The end of the open file ends the lease; that of the process does not with LEASE_HANDLE. */
TEST_F(lease, file)
{
	struct mbox_ioc_lease arg = {
		.recv.flags = MBOX_RECV_NONBLOCK, .flags = MBOX_LEASE_HANDLE,
	};
	char name[MBOX_NAME_SIZE];
	struct leased one;
	uint64_t *token = shared_alloc(sizeof(*token));
	int fd, other;
	pid_t pid;

	fd = box_new_named(_metadata, 8, name);
	other = open_name(name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, put(fd, 0, "one"));
	one = lease(other);
	ASSERT_EQ(0, one.error);
	EXPECT_STREQ("EAGAIN", take(fd));
	close(other);
	EXPECT_STREQ("one", take(fd));
	EXPECT_EQ(-ESTALE, ack(fd, one.delivery.token));

	ASSERT_EQ(0, put(fd, 0, "two"));
	pid = fork_child();
	if (!pid) {
		*token = lease_arg(fd, arg).delivery.token;
		_exit(0);
	}
	reap(pid);
	nap();
	EXPECT_TRUE(counts(fd, 1, 0, 0));
	EXPECT_EQ(0, ack(fd, *token));
	EXPECT_TRUE(counts(fd, 0, 0, 0));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_EMPTY));
	close(fd);
}

/* Purge leaves leased messages; a mailbox that drains waits for them; FORCE drops them. */
TEST_F(lease, delete)
{
	char name[MBOX_NAME_SIZE];
	struct leased one;
	int fd;

	fd = box_new_named(_metadata, 8, name);
	ASSERT_EQ(0, put(fd, 0, "one"));
	one = lease(fd);
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(fd).state);
	EXPECT_EQ(0, nack(fd, one.delivery.token, MBOX_NACK_RETRY, 0, 0));
	one = lease(fd);
	EXPECT_STREQ("one", one.text);
	EXPECT_EQ(0, ack(fd, one.delivery.token));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(fd).state);
	EXPECT_EQ(-EIDRM, ack(fd, one.delivery.token));
	close(fd);

	fd = box_new_named(_metadata, 8, name);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, put(fd, 0, "one"));
	one = lease(fd);
	EXPECT_EQ(0, nack(fd, lease(fd).delivery.token, MBOX_NACK_RETRY, 3600ULL * 1000 * MS, 0));
	EXPECT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(-EIDRM, ack(fd, one.delivery.token));
	EXPECT_TRUE(counts(fd, 0, 0, 0));
	EXPECT_EQ(3, info_of(fd).dropped);
	close(fd);
}

/* Leased messages take their places of the capacity. */
TEST_F(lease, capacity)
{
	struct leased one;
	int fd = box_new(_metadata, 1);
	struct call *call;

	ASSERT_EQ(0, put(fd, 0, "one"));
	one = lease(fd);
	EXPECT_EQ(-EAGAIN, send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, "x", 1));
	EXPECT_EQ(0, poll_now(fd) & POLLOUT);
	call = send_start(fd, 0, "two");
	ASSERT_TRUE(await_blocked(fd, 1, 0));
	EXPECT_EQ(0, ack(fd, one.delivery.token));
	EXPECT_EQ(0, call_end(call));
	EXPECT_STREQ("two", take(fd));
	close(fd);
}

TEST_F(lease, sync)
{
	struct leased one;
	struct call *call;

	call = send_start_flags(self->fd, MBOX_SEND_SYNC, 0, "one");
	one = lease_arg(self->fd, (struct mbox_ioc_lease) {});
	ASSERT_EQ(0, one.error);
	EXPECT_EQ(getpid(), call_end(call));
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
}

static void *post_acked(void *data)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_ACKED };
	int fd = *(int *)data;

	return (void *)(intptr_t)post(fd, arg, "acked");
}

TEST_F(lease, acked)
{
	pthread_t thread;
	struct leased one;
	void *result;

	ASSERT_EQ(0, pthread_create(&thread, NULL, post_acked, &self->fd));
	one = lease_arg(self->fd, (struct mbox_ioc_lease) {});
	ASSERT_EQ(0, one.error);
	nap();
	EXPECT_EQ(1, info_of(self->fd).senders);
	EXPECT_EQ(0, ack(self->fd, one.delivery.token));
	pthread_join(thread, &result);
	EXPECT_EQ(getpid(), (intptr_t)result);
}

/* The sender gives up: the acknowledgement learns of it, once. */
TEST_F(lease, withdrawn)
{
	struct mbox_ioc_post arg = {
		.flags = MBOX_POST_ACKED, .send.clock = MBOX_CLOCK_MONOTONIC,
	};
	struct leased *one = shared_alloc(sizeof(*one));
	int *flag = shared_alloc(sizeof(*flag));
	pid_t pid = fork_child();

	if (!pid) {
		*one = lease_arg(self->fd, (struct mbox_ioc_lease) {});
		set_flag(flag);
		pause();
	}
	arg.send.deadline = now() + 2000 * MS;
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(-ETIMEDOUT, post(self->fd, arg, "acked"));
	ASSERT_TRUE(await_flag(flag));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(-ECANCELED, ack(self->fd, one->delivery.token));
	EXPECT_EQ(-ESTALE, ack(self->fd, one->delivery.token));
	kill(pid, SIGKILL);
	reap(pid);
}

/* The same while another receiver is copying the message, which has returned. */
TEST_F(lease, withdrawn_in_flight)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_ACKED };
	struct leased one;
	struct call *call;
	pid_t pid;

	missing_setup(_metadata);
	pid = fork_child();
	if (!pid)
		_exit(post(self->fd, arg, "acked") != 0);
	one = lease_arg(self->fd, (struct mbox_ioc_lease) {});
	ASSERT_EQ(0, one.error);
	call = call_new(self->fd, CALL_RECV);
	call->recv.size = missing.size;
	start_stalling(_metadata, call);
	ASSERT_TRUE(await_blocked(self->fd, 1, 1));
	EXPECT_EQ(0, nack(self->fd, one.delivery.token, MBOX_NACK_RELEASE, 0, 0));
	await_stall(_metadata);
	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token));
	kill(pid, SIGKILL);
	reap(pid);
	EXPECT_EQ(1, info_of(self->fd).withdrawn);
	EXPECT_EQ(-ESTALE, ack(self->fd, one.delivery.token));
	EXPECT_EQ(-ESTALE, extend(self->fd, one.delivery.token, 0));
	give_page(_metadata, 1);
	ASSERT_EQ(0, put(self->fd, 0, "next"));
	EXPECT_EQ(0, call_end(call));
	EXPECT_EQ(4, call->recv.header.length);
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
}

/* A message whose receiver has failed expires all the same. */
TEST_F(lease, expires_after_failure)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_EXPIRES, .clock = MBOX_CLOCK_MONOTONIC };
	struct call *call = call_new(self->fd, CALL_RECV);

	call->recv.data = 8;
	call->recv.size = sizeof(call->data);
	call_start(call);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	arg.expires = now() + 50 * MS;
	ASSERT_EQ(0, post(self->fd, arg, "old"));
	EXPECT_EQ(-EFAULT, call_end(call));
	while (now() < arg.expires + 2000 * (int64_t)MS && !info_of(self->fd).parked)
		nap();
	EXPECT_TRUE(counts(self->fd, 0, 0, 1));
}

TEST_F(lease, mark)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_MARK, .mark = 77,
				     .send.flags = MBOX_SEND_NONBLOCK };
	int fd = box_new(_metadata, 2);

	EXPECT_EQ(0, info_of(fd).mark);
	EXPECT_EQ(0, post(fd, arg, "one"));
	EXPECT_EQ(77, info_of(fd).mark);
	arg.mark = 5;
	EXPECT_EQ(0, post(fd, arg, "two"));
	EXPECT_EQ(5, info_of(fd).mark);
	arg.mark = 6;
	EXPECT_EQ(-EAGAIN, post(fd, arg, "three"));
	EXPECT_EQ(5, info_of(fd).mark);
	EXPECT_EQ(0, put(fd, 0, "x") == 0);
	EXPECT_STREQ("one", take(fd));
	EXPECT_STREQ("two", take(fd));
	EXPECT_EQ(-EINVAL, post(fd, (struct mbox_ioc_post) { .mark = 1 }, "x"));
	close(fd);
}

TEST_F(lease, times)
{
	struct mbox_ioc_post arg = { .flags = MBOX_POST_NOT_BEFORE, .clock = MBOX_CLOCK_MONOTONIC };
	struct call *call;

	arg.not_before = now() + 50 * MS;
	ASSERT_EQ(0, post(self->fd, arg, "late"));
	EXPECT_TRUE(counts(self->fd, 0, 1, 0));
	ASSERT_EQ(0, put(self->fd, 0, "early"));
	EXPECT_STREQ("early", take(self->fd));
	call = recv_start(self->fd);
	EXPECT_STREQ("late", recv_end(call));
	EXPECT_LE(arg.not_before, now());

	/* An expired message is parked where no dead-letter mailbox is. */
	arg.flags = MBOX_POST_EXPIRES;
	arg.not_before = 0;
	arg.expires = now() + 20 * MS;
	ASSERT_EQ(0, post(self->fd, arg, "old"));
	EXPECT_STREQ("old", peek(self->fd));
	while (!info_of(self->fd).parked)
		nap();
	EXPECT_TRUE(counts(self->fd, 0, 0, 1));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(1, kick(self->fd, 10));
	EXPECT_STREQ("old", take(self->fd));
	EXPECT_EQ(0, kick(self->fd, 10));
	EXPECT_EQ(-EINVAL, kick(self->fd, 0));
}

TEST_HARNESS_MAIN
