// SPDX-License-Identifier: GPL-2.0-only
/* libmbox: calls and replies, and signals that interrupt them and leases. */
#include "lib/library_lease.h"

/* A call, by a thread. */
struct request {
	pthread_t thread;
	struct mbox *mb;
	struct mbox_call_opts opts;
	struct mbox_called called;
	size_t room;
	char reply[64];
	ssize_t ret;
};

static void *request_run(void *data)
{
	struct request *request = data;

	request->ret = mbox_call(request->mb, "request", 7, request->reply, request->room,
				 &request->opts, &request->called);
	return NULL;
}

static void request_start(struct __test_metadata *_metadata, struct request *request,
			  struct mbox *mb, uint32_t flags)
{
	memset(request, POISON, sizeof(*request));
	request->mb = mb;
	request->opts = (struct mbox_call_opts) { .flags = flags };
	request->room = 8;
	ASSERT_EQ(0, pthread_create(&request->thread, NULL, request_run, request));
}

static ssize_t request_end(struct request *request)
{
	pthread_join(request->thread, NULL);
	return request->ret;
}

TEST_F(lib, call)
{
	struct mbox_delivery delivery;
	struct request request;

	request_start(_metadata, &request, self->mb, 0);
	EXPECT_RET(7, mbox_lease(self->mb, self->data, 9, NULL, &self->header, &delivery));
	EXPECT_EQ(0, memcmp("request", self->data, 7));
	EXPECT_EQ(MBOX_DELIVERY_CALL, delivery.flags);
	EXPECT_EQ(8, delivery.room);
	EXPECT_EQ(-1, delivery.left);
	EXPECT_RET(-EMSGSIZE, mbox_reply(self->mb, delivery.token, "123456789", 9));
	EXPECT_RET(-EFAULT, mbox_reply(self->mb, delivery.token, NULL, 1));
	EXPECT_RET(0, mbox_reply(self->mb, delivery.token, "reply", 5));
	EXPECT_RET(-ESTALE, mbox_reply(self->mb, delivery.token, "reply", 5));
	EXPECT_EQ(5, request_end(&request));
	EXPECT_EQ(0, memcmp("reply", request.reply, 5));
	EXPECT_TRUE(untouched(request.reply + 5, sizeof(request.reply) - 5));
	EXPECT_EQ(getpid(), request.called.pid);
	EXPECT_EQ(self->header.start, request.called.start);
	EXPECT_EQ(0, request.called.code);
	/* a message that is no request has no reply */
	ASSERT_EQ(0, mbox_send(self->mb, "a", 1, NULL));
	EXPECT_RET(1, mbox_lease(self->mb, self->data, 9, NULL, NULL, &delivery));
	EXPECT_EQ(0, delivery.flags);
	EXPECT_RET(-EINVAL, mbox_reply(self->mb, delivery.token, "reply", 5));
	EXPECT_RET(0, mbox_reply(self->mb, delivery.token, NULL, 0));
	EXPECT_BALANCED(mbox_fd(self->mb));
}

TEST_F(lib, call_ends)
{
	struct mbox_delivery delivery;
	struct request request;

	/* acknowledged */
	request_start(_metadata, &request, self->mb, 0);
	EXPECT_RET(7, mbox_lease(self->mb, self->data, 9, NULL, NULL, &delivery));
	EXPECT_RET(0, mbox_ack(self->mb, delivery.token));
	EXPECT_EQ(0, request_end(&request));
	EXPECT_TRUE(untouched(request.reply, sizeof(request.reply)));
	/* rejected */
	request_start(_metadata, &request, self->mb, 0);
	EXPECT_RET(7, mbox_lease(self->mb, self->data, 9, NULL, NULL, &delivery));
	EXPECT_RET(0, mbox_nack(self->mb, delivery.token, MBOX_NACK_REJECT, 0, 42));
	EXPECT_EQ(-EREMOTEIO, request_end(&request));
	EXPECT_EQ(42, request.called.code);
	EXPECT_TRUE(untouched(request.reply, sizeof(request.reply)));
	/* received without a lease */
	request_start(_metadata, &request, self->mb, 0);
	EXPECT_RET(7, mbox_recv(self->mb, self->data, 9, NULL, NULL));
	EXPECT_EQ(-EPROTO, request_end(&request));
	EXPECT_POISON(request.called);
	EXPECT_BALANCED(mbox_fd(self->mb));
}

/* A call in a child, which a signal interrupts. */
struct interrupted {
	struct mbox *mb;
	struct mbox_lease_opts opts;
	bool replies;
	int signals;
	ssize_t ret;
};

static struct interrupted *interrupted;

static void on_signal(int sig)
{
	set_flag(&interrupted->signals);
}

static void handle_signal(struct interrupted *call, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	interrupted = call;
	sigaction(SIGUSR1, &action, NULL);
}

/* Over a link, a process calls the other. */
static int serve_link(void *arg)
{
	struct mbox_lease_opts opts = { .flags = 0 };
	struct mbox_delivery delivery;
	struct mbox *link;
	char data[9];

	CHECK_RET(0, mbox_link(&link, getppid(), 4, 0));
	CHECK_RET(7, mbox_reply_recv(link, NULL, 0, data, 9, NULL, NULL, &delivery));
	CHECK_RET(MBOX_DELIVERY_CALL, delivery.flags);
	opts.ack = delivery.token;
	opts.recv = &recv_nonblock;
	CHECK_RET(-EAGAIN, mbox_reply_recv(link, "reply", 5, data, 9, &opts, NULL, &delivery));
	return 0;
}

TEST_F(lib, call_over_link)
{
	struct mbox_called called;
	struct mbox *link;
	pid_t pid = fork_child();

	if (!pid)
		_exit(serve_link(NULL));
	ASSERT_EQ(0, mbox_link(&link, pid, 4, 0));
	EXPECT_RET(5, mbox_call(link, "request", 7, self->data, 9, NULL, &called));
	EXPECT_EQ(0, memcmp("reply", self->data, 5));
	EXPECT_EQ(pid, called.pid);
	EXPECT_EQ(0, reap(pid));
	EXPECT_RET(-EOWNERDEAD, mbox_call_timeout(link, "request", 7, self->data, 9, 1000 * MS));
	mbox_close(link);
}

/* A call that a server has begun is not made again after a signal. */
TEST_F(lib, call_interrupted)
{
	struct interrupted *call = shared_alloc(sizeof(*call));
	struct mbox_delivery delivery;
	pid_t pid = fork_child();

	if (!pid) {
		handle_signal(call, SA_RESTART);
		call->ret = mbox_call(self->mb, "request", 7, NULL, 0, NULL, NULL);
		_exit(0);
	}
	EXPECT_RET(7, mbox_lease(self->mb, self->data, 9, NULL, NULL, &delivery));
	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 1, 0));
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(1, call->signals);
	EXPECT_EQ(-EINTR, call->ret);
	EXPECT_RET(-ESTALE, mbox_reply(self->mb, delivery.token, NULL, 0));
	EXPECT_BALANCED(mbox_fd(self->mb));
}

static int serve_and_die(void *arg)
{
	struct mbox_delivery delivery;
	char data[9];

	CHECK_RET(7, mbox_lease(arg, data, sizeof(data), NULL, NULL, &delivery));
	return 0;
}

TEST_F(lib, call_server_dies)
{
	struct mbox_delivery delivery;
	struct request request;

	request_start(_metadata, &request, self->mb, 0);
	EXPECT_EQ(0, in_child(serve_and_die, self->mb));
	EXPECT_EQ(-EOWNERDEAD, request_end(&request));
	request_start(_metadata, &request, self->mb, MBOX_CALL_RETRY);
	EXPECT_EQ(0, in_child(serve_and_die, self->mb));
	EXPECT_RET(7, mbox_lease(self->mb, self->data, 9, NULL, NULL, &delivery));
	EXPECT_EQ(MBOX_DELIVERY_CALL | MBOX_DELIVERY_AGAIN, delivery.flags);
	EXPECT_RET(0, mbox_reply(self->mb, delivery.token, "second", 6));
	EXPECT_EQ(6, request_end(&request));
}

TEST_F(lib, call_timeouts)
{
	const struct mbox_call_opts bad = { .flags = 2 };
	const struct mbox_send_opts sync = { .flags = MBOX_SEND_SYNC };
	const struct mbox_call_opts synced = { .send = &sync };
	struct mbox_called called;
	int64_t began = now();

	memset(&called, POISON, sizeof(called));
	EXPECT_RET(-ETIMEDOUT, mbox_call_timeout(self->mb, "a", 1, self->data, 9, 30 * MS));
	EXPECT_LE(began + 30 * MS, now());
	EXPECT_RET(-ETIMEDOUT, mbox_call_timeout(self->mb, "a", 1, self->data, 9, 0));
	EXPECT_RET(-EINVAL, mbox_call_timeout(self->mb, "a", 1, self->data, 9, -2));
	EXPECT_RET(-EINVAL, mbox_call_timeout(NULL, "a", 1, self->data, 9, 0));
	EXPECT_RET(-EINVAL, mbox_call(NULL, "a", 1, self->data, 9, NULL, &called));
	EXPECT_RET(-EINVAL, mbox_call(self->mb, "a", 1, self->data, 9, &bad, &called));
	EXPECT_RET(-EINVAL, mbox_call(self->mb, "a", 1, self->data, 9, &synced, &called));
	EXPECT_RET(-EMSGSIZE, mbox_call(self->mb, "a", 1, self->data, SIZE_MAX, NULL, &called));
	EXPECT_RET(-EFAULT, mbox_call(self->mb, NULL, 1, self->data, 9, NULL, &called));
	EXPECT_POISON(called);
	EXPECT_TRUE(untouched(self->data, sizeof(self->data)));
	EXPECT_EQ(0, info_of(mbox_fd(self->mb)).queued);
}

/* A reply and the next request in one call. */
TEST_F(lib, reply_recv)
{
	struct mbox_lease_opts opts = { .flags = 0 };
	struct mbox_delivery delivery;
	struct request first, second;

	request_start(_metadata, &first, self->mb, 0);
	/* nothing to reply to yet: the data are ignored */
	EXPECT_RET(7, mbox_reply_recv(self->mb, self, 100, self->data, 9, &opts, NULL, &delivery));
	opts.ack = delivery.token;
	opts.recv = &recv_nonblock;
	EXPECT_RET(-EMSGSIZE, mbox_reply_recv(self->mb, "123456789", 9, self->data, 9, &opts, NULL,
					      &delivery));
	EXPECT_EQ(delivery.token, opts.ack);
	request_start(_metadata, &second, self->mb, 0);
	ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 2, 0));
	/* The reply goes out, and the next request does not fit. */
	EXPECT_RET(-EMSGSIZE, mbox_reply_recv(self->mb, "one", 3, self->data, 6, &opts,
					      &self->header, &delivery));
	EXPECT_EQ(0, opts.ack);
	EXPECT_EQ(7, self->header.length);
	EXPECT_EQ(3, request_end(&first));
	/* Made again, it does not reply twice. */
	EXPECT_RET(7, mbox_reply_recv(self->mb, "one", 3, self->data, 9, &opts, NULL, &delivery));
	opts.ack = delivery.token;
	EXPECT_RET(-EAGAIN, mbox_reply_recv(self->mb, "two", 3, self->data, 9, &opts, NULL,
					    &delivery));
	EXPECT_EQ(0, opts.ack);
	EXPECT_EQ(3, request_end(&second));
	EXPECT_EQ(0, memcmp("two", second.reply, 3));
	/* a reply that comes too late */
	opts.ack = delivery.token;
	EXPECT_RET(-ESTALE, mbox_reply_recv(self->mb, "two", 3, self->data, 9, &opts, NULL,
					    &delivery));
	EXPECT_EQ(0, opts.ack);
	EXPECT_RET(-EAGAIN, mbox_reply_recv(self->mb, "two", 3, self->data, 9, &opts, NULL,
					    &delivery));
	EXPECT_BALANCED(mbox_fd(self->mb));
}

/* The second half of the call is interrupted: the first is not made again. */
static void interrupted_run(struct interrupted *call, int flags)
{
	struct mbox_delivery delivery;
	char data[9];

	handle_signal(call, flags);
	if (mbox_lease(call->mb, data, sizeof(data), NULL, NULL, &delivery) < 0)
		_exit(1);
	call->opts.ack = delivery.token;
	call->ret = call->replies ?
		    mbox_reply_recv(call->mb, NULL, 0, data, 9, &call->opts, NULL, &delivery) :
		    mbox_lease(call->mb, data, 9, &call->opts, NULL, &delivery);
	_exit(0);
}

TEST_F(lib, lease_interrupted)
{
	for (int i = 0; i < 4; i++) {
		struct interrupted *call = shared_alloc(sizeof(*call));
		bool restarts = i & 2;
		pid_t pid;

		call->mb = self->mb;
		call->replies = i & 1;
		ASSERT_EQ(0, mbox_send(self->mb, "a", 1, NULL));
		pid = fork_child();
		if (!pid)
			interrupted_run(call, restarts ? SA_RESTART : 0);
		ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 0, 1));
		EXPECT_EQ(i + 1 + (i > 2), info_of(mbox_fd(self->mb)).received);
		kill(pid, SIGUSR1);
		if (restarts) {
			ASSERT_TRUE(await_flag(&call->signals));
			ASSERT_TRUE(await_blocked(mbox_fd(self->mb), 0, 1));
			ASSERT_EQ(0, mbox_send(self->mb, "next", 4, NULL));
		}
		EXPECT_EQ(0, reap(pid));
		EXPECT_EQ(restarts ? 4 : -EINTR, call->ret);
		EXPECT_EQ(0, call->opts.ack);
		if (restarts)
			EXPECT_RET(4, mbox_recv(self->mb, self->data, 9, NULL, NULL));
	}
	EXPECT_BALANCED(mbox_fd(self->mb));
}

MBOX_TEST_MAIN
