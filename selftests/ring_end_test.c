// SPDX-License-Identifier: GPL-2.0-only
/* Rings by their ABI: the end of a side, of the mailbox, and of its owner. */
#include "lib/child_call.h"
#include "lib/passing.h"
#include "lib/ring_mapped.h"

/* A producer in another process, that ends in different ways. */
enum end { END_CLOSE, END_EXIT, END_KILL };

FIXTURE(side)
{
	char name[MBOX_NAME_SIZE];
	int out;
	struct mbox_ring_control *tail;
};

FIXTURE_VARIANT(side)
{
	enum end end;
};

FIXTURE_VARIANT_ADD(side, close) { .end = END_CLOSE };
FIXTURE_VARIANT_ADD(side, exit) { .end = END_EXIT };
FIXTURE_VARIANT_ADD(side, kill) { .end = END_KILL };

FIXTURE_SETUP(side)
{
	name_make(self->name);
	self->out = ring_new(_metadata, self->name, MBOX_RIGHT_RECV, RING_SIZE, 0);
	self->tail = ring_map(self->out, MBOX_RING_CONSUMER_OFFSET, page_size(),
			      PROT_READ | PROT_WRITE);
	ASSERT_GT(-4096UL, (unsigned long)self->tail);
}

FIXTURE_TEARDOWN(side)
{
	close(self->out);
}

struct script {
	int opened, go, closed, stop;
	uint64_t publish;
};

static pid_t producer_start(const char *name, struct script *script, enum end end)
{
	pid_t pid = fork_child();
	struct mbox_ring_control *head;
	int fd;

	if (pid)
		return pid;
	fd = open_name(name, MBOX_RIGHT_SEND);
	head = ring_map(fd, MBOX_RING_PRODUCER_OFFSET, page_size(), PROT_READ | PROT_WRITE);
	if (fd < 0 || (unsigned long)head >= -4096UL)
		_exit(1);
	set_flag(&script->opened);
	await_flag(&script->go);
	head->index += script->publish;
	switch (end) {
	case END_CLOSE:
		munmap(head, page_size());
		close(fd);
		set_flag(&script->closed);
		await_flag(&script->stop);
		break;
	case END_KILL:
		kill(getpid(), SIGKILL);
		break;
	case END_EXIT:
		break;
	}
	_exit(0);
}

TEST_F(side, end_is_told)
{
	struct script *script = shared_alloc(sizeof(*script));
	struct ring_waiter *w;
	struct call *call = call_new(self->out, CALL_POLL);
	pid_t pid = producer_start(self->name, script, variant->end);
	int fd;

	ASSERT_TRUE(await_flag(&script->opened));
	EXPECT_EQ(-EBUSY, open_name(self->name, MBOX_RIGHT_SEND));
	w = ring_wait_start(self->out, 0, 0);
	ASSERT_TRUE(await_blocked(self->out, 0, 1));
	call->events = POLLIN;
	call_start(call);
	ASSERT_TRUE(await_sleeping(call->pid));
	set_flag(&script->go);
	EXPECT_EQ(-EOWNERDEAD, ring_wait_end(w));
	EXPECT_EQ(1, call_end(call));
	EXPECT_EQ(POLLHUP, call->events);
	EXPECT_EQ(-EOWNERDEAD, ring_move(self->out, 0, 0));
	EXPECT_EQ(POLLHUP, poll_for(self->out, POLLIN));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(self->out).state);
	set_flag(&script->stop);
	reap(pid);

	/* somebody else takes its place */
	fd = open_name(self->name, MBOX_RIGHT_SEND);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, poll_for(self->out, POLLIN));
	EXPECT_EQ(-ETIMEDOUT, ring_wait_until(self->out, MBOX_WAIT_MOVE, 0, 0, 0));
	close(fd);
}

/* Published records stay, and are found before the end is. */
TEST_F(side, published_before)
{
	struct script *script = shared_alloc(sizeof(*script));
	struct mbox_ring_control *head;
	pid_t pid = producer_start(self->name, script, variant->end);
	struct ring_waiter *w;
	int fd;

	ASSERT_TRUE(await_flag(&script->opened));
	w = ring_wait_start(self->out, 0, 0);
	ASSERT_TRUE(await_blocked(self->out, 0, 1));
	script->publish = 16;
	set_flag(&script->go);
	EXPECT_EQ(0, ring_wait_end(w));
	EXPECT_EQ(POLLIN, poll_for(self->out, POLLIN) & POLLIN);
	EXPECT_EQ(16, info_of(self->out).queued_bytes);
	EXPECT_EQ(-EOWNERDEAD, ring_move(self->out, 0, 16));
	set_flag(&script->stop);
	reap(pid);
	fd = open_name(self->name, MBOX_RIGHT_SEND);
	ASSERT_LE(0, fd);
	head = ring_map(fd, MBOX_RING_PRODUCER_OFFSET, page_size(), PROT_READ | PROT_WRITE);
	ASSERT_GT(-4096UL, (unsigned long)head);
	EXPECT_EQ(16, head->index);
	EXPECT_EQ(0, head->gone);
	close(fd);
}

/* The opener of the handle ended: it is no side any more, in any process. */
TEST_F(side, inherited_handle_outlives_opener)
{
	struct script *script = shared_alloc(sizeof(*script));
	int sock[2], in, status;
	pid_t pid;

	if (variant->end == END_CLOSE)
		SKIP(return, "about a process that ends");
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = fork_child();
	if (pid == 0) {
		int fd = open_name(self->name, MBOX_RIGHT_SEND);

		if (fd < 0 || fd_pass(sock[1], fd))
			_exit(1);
		await_flag(&script->go);
		if (variant->end == END_KILL)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	in = fd_take(sock[0]);
	ASSERT_LE(0, in);
	EXPECT_EQ(0, ring_call(in, MBOX_WAIT_WAKE, 0));
	EXPECT_MAPPED(ring_map(in, MBOX_RING_DATA_OFFSET, RING_SIZE, PROT_READ | PROT_WRITE));
	set_flag(&script->go);
	EXPECT_EQ(-EOWNERDEAD, ring_move(self->out, 0, 0));
	status = reap(pid);
	EXPECT_LE(0, status);
	EXPECT_EQ(-EOWNERDEAD, ring_call(in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(-EOWNERDEAD, ring_move(in, 0, 0));
	EXPECT_EQ((void *)-EOWNERDEAD, ring_map(in, MBOX_RING_DATA_OFFSET, RING_SIZE, PROT_READ));
	EXPECT_EQ(POLLHUP | POLLERR, poll_for(in, POLLOUT));
	pid = open_name(self->name, MBOX_RIGHT_SEND);
	EXPECT_LE(0, pid);
	EXPECT_EQ(0, poll_for(self->out, POLLIN));
	/* that it is closed now says nothing about its successor */
	close(in);
	EXPECT_EQ(0, poll_for(self->out, POLLIN));
	close(pid);
	EXPECT_EQ(POLLHUP, poll_for(self->out, POLLIN));
}

TEST_F(ring, deleted)
{
	struct ring_waiter *consumer = ring_wait_start(self->out, 0, 0);
	struct ring_waiter *producer = ring_wait_start(self->in, 0, 0);

	ASSERT_TRUE(await_blocked(self->in, 1, 1));
	EXPECT_EQ(0, self->head->gone | self->tail->gone);
	EXPECT_EQ(0, delete_fd(self->in, MBOX_DELETE_EMPTY));
	EXPECT_EQ(-EIDRM, ring_wait_end(consumer));
	EXPECT_EQ(-EIDRM, ring_wait_end(producer));
	EXPECT_EQ(1, self->head->gone);
	EXPECT_EQ(1, self->tail->gone);
	EXPECT_EQ(-EIDRM, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(-EIDRM, ring_move(self->out, 0, 8));
	EXPECT_EQ((void *)-EIDRM, ring_map(self->in, 0, self->page, PROT_READ));
	EXPECT_EQ(POLLHUP, poll_for(self->out, POLLIN));
	EXPECT_EQ(POLLHUP | POLLERR, poll_for(self->in, POLLOUT));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->in).state);
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
	/* the memory stays as long as it is mapped */
	pattern_fill(self->data, RING_SIZE, 1);
}

TEST_F(ring, deleted_with_content)
{
	struct mbox_ioc_delete arg = { .how = MBOX_DELETE_EMPTY };

	move(self->head, 16);
	EXPECT_EQ(-ENOTEMPTY, xioctl(self->in, MBOX_IOC_DELETE, &arg));
	EXPECT_EQ(1, arg.queued);
	EXPECT_EQ(0, arg.dropped);
	EXPECT_EQ(-EOPNOTSUPP, delete_fd(self->in, MBOX_DELETE_DRAIN));
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(self->in).state);
	EXPECT_EQ(0, self->head->gone | self->tail->gone);
	EXPECT_EQ(0, delete_fd(self->in, MBOX_DELETE_UNLINK));
	EXPECT_EQ(MBOX_STATE_UNLINKED, info_of(self->in).state);
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
	EXPECT_EQ(0, ring_move(self->out, 0, 0));
	EXPECT_EQ(0, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	arg.how = MBOX_DELETE_FORCE;
	EXPECT_EQ(0, xioctl(self->in, MBOX_IOC_DELETE, &arg));
	EXPECT_EQ(1, arg.queued);
	EXPECT_EQ(1, arg.dropped);
	EXPECT_EQ(-EIDRM, ring_move(self->out, 0, 0));
	EXPECT_EQ(0, info_of(self->out).queued);
	EXPECT_EQ(0, info_of(self->out).queued_bytes);
}

TEST_F(ring, owner_ends)
{
	struct mbox_ioc_handover handover = { .flags = 0 };
	struct ring_waiter *w;
	int *go = shared_alloc(sizeof(*go));
	pid_t pid = fork_child();

	if (pid == 0) {
		await_flag(go);
		_exit(0);
	}
	handover.pid = pid;
	ASSERT_EQ(0, xioctl(self->in, MBOX_IOC_HANDOVER, &handover));
	w = ring_wait_start(self->out, 0, 0);
	ASSERT_TRUE(await_blocked(self->in, 0, 1));
	set_flag(go);
	EXPECT_EQ(-EOWNERDEAD, ring_wait_end(w));
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->in).state);
	EXPECT_EQ(-EOWNERDEAD, ring_call(self->in, MBOX_WAIT_WAKE, 0));
	reap(pid);
}

MBOX_TEST_MAIN
