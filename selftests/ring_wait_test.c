// SPDX-License-Identifier: GPL-2.0-only
/* Rings by their ABI: sleeping, waking and polling. */
#include "lib/child_call.h"
#include "lib/ring_mapped.h"

#include <sys/epoll.h>

TEST_F(ring, wait_returns_at_once)
{
	EXPECT_EQ(0, ring_move(self->out, 0, 8));
	move(self->head, 16);
	EXPECT_EQ(0, ring_move(self->out, 0, 0));
	EXPECT_EQ(0, self->tail->waiting);
	EXPECT_EQ(0, ring_move(self->in, 0, 8));
	EXPECT_EQ(0, self->head->waiting);
}

TEST_F(ring, consumer_sleeps_until_woken)
{
	struct ring_waiter *w = ring_wait_start(self->out, MBOX_RIGHT_RECV, 0);

	ASSERT_TRUE(await_blocked(self->in, 0, 1));
	EXPECT_EQ(1, self->tail->waiting);
	EXPECT_EQ(0, self->head->waiting);
	/* woken for nothing it goes on sleeping, and says so again */
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	ASSERT_TRUE(await_sleeping(w->pid));
	ASSERT_TRUE(await_blocked(self->in, 0, 1));
	EXPECT_EQ(1, self->tail->waiting);
	EXPECT_EQ(0, w->done);
	move(self->head, 16);
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(0, ring_wait_end(w));
	EXPECT_EQ(0, self->tail->waiting);
	EXPECT_EQ(0, info_of(self->in).receivers);
}

TEST_F(ring, producer_sleeps_until_woken)
{
	struct ring_waiter *w = ring_wait_start(self->in, 0, 0);

	ASSERT_TRUE(await_blocked(self->out, 1, 0));
	EXPECT_EQ(1, self->head->waiting);
	move(self->tail, 16);
	EXPECT_EQ(0, ring_call(self->out, MBOX_WAIT_WAKE, MBOX_RIGHT_RECV));
	EXPECT_EQ(0, ring_wait_end(w));
	EXPECT_EQ(0, self->head->waiting);
}

TEST_F(ring, deadlines)
{
	int64_t deadline = now() + 50 * NSEC_PER_MSEC;

	EXPECT_EQ(-ETIMEDOUT, ring_wait_until(self->out, MBOX_WAIT_MOVE, 0, 0, deadline));
	EXPECT_LE(deadline, now());
	EXPECT_EQ(-ETIMEDOUT, ring_wait_until(self->out, MBOX_WAIT_MOVE, 0, 0, 0));
	EXPECT_EQ(-ETIMEDOUT, ring_wait_until(self->in, MBOX_WAIT_MOVE, 0, 0, 1));
	EXPECT_EQ(0, ring_wait_until(self->in, MBOX_WAIT_MOVE, 0, 8, 1));
	EXPECT_EQ(0, self->tail->waiting);
	EXPECT_EQ(0, self->head->waiting);
	ASSERT_EQ(0, fcntl(self->out, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, ring_move(self->out, 0, 0));
	EXPECT_EQ(0, info_of(self->out).receivers);
}

TEST_F(ring, killed_while_waiting)
{
	struct ring_waiter *w = ring_wait_start(self->out, 0, 0);

	ASSERT_TRUE(await_blocked(self->in, 0, 1));
	kill(w->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, ring_wait_end(w));
	EXPECT_EQ(0, info_of(self->in).receivers);
	EXPECT_EQ(0, self->tail->waiting);
}

static void on_signal(int nr)
{
}

TEST_F(ring, interrupted)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct ring_waiter *w;

	sigaction(SIGUSR1, &action, NULL);
	w = ring_wait_start(self->out, 0, 0);
	ASSERT_TRUE(await_blocked(self->in, 0, 1));
	kill(w->pid, SIGUSR1);
	EXPECT_EQ(-EINTR, ring_wait_end(w));
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	w = ring_wait_start(self->out, 0, 0);
	ASSERT_TRUE(await_blocked(self->in, 0, 1));
	kill(w->pid, SIGUSR1);
	ASSERT_TRUE(await_sleeping(w->pid));
	ASSERT_TRUE(await_blocked(self->in, 0, 1));
	EXPECT_EQ(0, w->done);
	move(self->head, 8);
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(0, ring_wait_end(w));
}

TEST_F(ring, poll)
{
	EXPECT_EQ(POLLOUT, poll_for(self->in, POLLIN | POLLOUT));
	EXPECT_EQ(0, self->head->waiting);
	EXPECT_EQ(0, poll_for(self->out, POLLIN | POLLOUT));
	EXPECT_EQ(1, self->tail->waiting);
	move(self->head, 8);
	EXPECT_EQ(POLLIN, poll_for(self->out, POLLIN | POLLOUT));
	/* room for one of the longest, which is 8 KiB and its header */
	move(self->head, RING_SIZE - 8 - 8200);
	EXPECT_EQ(POLLOUT, poll_for(self->in, POLLIN | POLLOUT));
	move(self->head, 8);
	EXPECT_EQ(0, poll_for(self->in, POLLIN | POLLOUT));
	EXPECT_EQ(1, self->head->waiting);
	move(self->tail, 8);
	EXPECT_EQ(POLLOUT, poll_for(self->in, POLLIN | POLLOUT));
}

TEST_F(ring, poll_sleeps_until_woken)
{
	struct call *call = call_new(self->out, CALL_POLL);

	call->events = POLLIN;
	call_start(call);
	ASSERT_TRUE(await_flag(&call->ready));
	while (!__atomic_load_n(&self->tail->waiting, __ATOMIC_RELAXED))
		nap();
	ASSERT_TRUE(await_sleeping(call->pid));
	move(self->head, 16);
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLIN, call->events);
	EXPECT_EQ(0, self->tail->waiting);
}

/* Edges: one for each publication; and a WAIT that found nothing asks for the next. */
TEST_F(ring, epoll_edges)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->out, &event));
	EXPECT_EQ(1, self->tail->waiting);
	EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
	for (int i = 1; i < 4; i++) {
		move(self->head, 16);
		ASSERT_EQ(1, self->tail->waiting);
		EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
		EXPECT_EQ(0, self->tail->waiting);
		ASSERT_EQ(1, epoll_wait(ep, &event, 1, PATIENCE * 1000));
		EXPECT_EQ(EPOLLIN, event.events);
		EXPECT_EQ(0, epoll_wait(ep, &event, 1, 0));
		move(self->tail, 16);
		EXPECT_EQ(-ETIMEDOUT,
			  ring_wait_until(self->out, MBOX_WAIT_MOVE, 0, 16 * i, 0));
	}
	close(ep);
}

/* Where each side called last, and that it may not be known. */
TEST_F(ring, apart)
{
	int fd;

	if (!run_on(1))
		SKIP(return, "there is only one CPU");
	EXPECT_EQ(0, ring_call(self->out, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(0, self->head->apart);
	EXPECT_EQ(0, self->tail->apart);
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(0, self->head->apart);
	ASSERT_TRUE(run_on(0));
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(1, self->head->apart);
	EXPECT_EQ(1, self->tail->apart);
	EXPECT_EQ(-ETIMEDOUT, ring_wait_until(self->out, MBOX_WAIT_MOVE, 0, 0, 0));
	EXPECT_EQ(0, self->head->apart);
	EXPECT_EQ(0, self->tail->apart);
	ASSERT_TRUE(run_on(1));
	EXPECT_EQ(0, ring_wait_until(self->out, MBOX_WAIT_MOVE, 0, 8, 0));
	EXPECT_EQ(1, self->head->apart);
	EXPECT_EQ(1, self->tail->apart);
	/* a side that is free is nowhere, and so is the next one that takes it */
	munmap(self->tail, self->page);
	close(self->out);
	EXPECT_EQ(0, self->head->apart);
	fd = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, fd);
	self->out = fd;
	ASSERT_TRUE(run_on(0));
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(0, self->head->apart);
	ASSERT_TRUE(run_on(1));
	EXPECT_EQ(0, ring_call(self->out, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(1, self->head->apart);
}

/* A side that nobody has held yet is waited for. */
TEST(side_not_there_yet)
{
	char name[MBOX_NAME_SIZE];
	struct ring_waiter *w;
	int in, out;

	name_make(name);
	out = ring_new(_metadata, name, MBOX_RIGHT_RECV, RING_SIZE, 0);
	EXPECT_EQ(0, poll_for(out, POLLIN));
	EXPECT_EQ(-ETIMEDOUT, ring_wait_until(out, MBOX_WAIT_MOVE, 0, 0, 0));
	w = ring_wait_start(out, 0, 0);
	ASSERT_TRUE(await_blocked(out, 0, 1));
	in = open_name(name, MBOX_RIGHT_SEND);
	ASSERT_LE(0, in);
	EXPECT_EQ(0, w->done);
	close(in);
	EXPECT_EQ(-EOWNERDEAD, ring_wait_end(w));
	EXPECT_EQ(POLLHUP, poll_for(out, POLLIN));
	close(out);
}

MBOX_TEST_MAIN
