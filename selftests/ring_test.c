// SPDX-License-Identifier: GPL-2.0-only
/* Rings by their ABI: creating, mapping and opening, sleeping and waking, and every end. */
#include "lib/child_call.h"
#include "lib/module.h"
#include "lib/passing.h"
#include "lib/ring.h"
#include "lib/user.h"

#include <sys/syscall.h>
#include <sys/epoll.h>

FIXTURE(ring)
{
	char name[MBOX_NAME_SIZE];
	size_t page;
	int in, out;		/* the producer's handle, the consumer's */
	struct mbox_ring_control *head, *tail;
	uint8_t *data;
};

FIXTURE_SETUP(ring)
{
	self->page = page_size();
	name_make(self->name);
	self->in = ring_new(_metadata, self->name, MBOX_RIGHT_SEND, RING_SIZE, 0);
	self->out = open_name(self->name, MBOX_RIGHT_RECV);
	ASSERT_LE(0, self->out);
	self->head = ring_map(self->in, MBOX_RING_PRODUCER_OFFSET, self->page,
			      PROT_READ | PROT_WRITE);
	self->tail = ring_map(self->out, MBOX_RING_CONSUMER_OFFSET, self->page,
			      PROT_READ | PROT_WRITE);
	self->data = ring_map(self->in, MBOX_RING_DATA_OFFSET, RING_SIZE, PROT_READ | PROT_WRITE);
	ASSERT_GT(-4096UL, (unsigned long)self->head);
	ASSERT_GT(-4096UL, (unsigned long)self->tail);
	ASSERT_GT(-4096UL, (unsigned long)self->data);
}

FIXTURE_TEARDOWN(ring)
{
	close(self->in);
	close(self->out);
}

/* The script of a producer, and of a consumer. */
static void move(struct mbox_ring_control *control, uint64_t by)
{
	__atomic_store_n(&control->index, control->index + by, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

TEST(attributes)
{
	const uint64_t sizes[] = { 1, 2048, 4095, 4097, 12288, MBOX_RING_MAX + 1ULL,
				   2ULL * MBOX_RING_MAX, 1ULL << 32, 1ULL << 63, UINT64_MAX };
	struct mbox_ioc_open arg, good = ring_arg(NULL, RIGHTS_BOTH, RING_SIZE);
	struct mbox_info info;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		arg = good;
		arg.ring = sizes[i];
		EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
	}
#define BAD(field, value) do { \
	arg = good; \
	arg.field = value; \
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg)); \
} while (0)
	BAD(capacity, 1);
	BAD(capacity, MBOX_CAPACITY_UNBOUNDED);
	BAD(bytes, 65536);
	BAD(policy, MBOX_POLICY_LIFO);
	BAD(max_procs, 2);
	BAD(options, MBOX_OPTION_EXCLUSIVE);
	BAD(options, MBOX_OPTION_OVERFLOW);
	BAD(options, 1U << 31);
	BAD(msg_size, RING_SIZE / 2 - 7);
	BAD(msg_size, UINT32_MAX);
	arg = good;
	arg.ring = page_size();
	arg.options = MBOX_OPTION_GROW;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));
	arg = good;
	arg.ring = 0;
	arg.options = MBOX_OPTION_GROW;
	EXPECT_EQ(-EINVAL, open_call(MBOX_IOC_CREATE, &arg));

	arg = good;
	arg.msg_size = RING_SIZE / 2 - 8;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, info_get(fd, &info));
	EXPECT_EQ(MBOX_KIND_RING, info.kind);
	EXPECT_EQ(RING_SIZE, info.ring);
	EXPECT_EQ(RING_SIZE / 2 - 8, info.msg_size);
	EXPECT_EQ(0, info.options);
	EXPECT_EQ(0, info.queued);
	EXPECT_EQ(0, info.queued_bytes);
	close(fd);

	fd = ring_new(_metadata, NULL, RIGHTS_BOTH, RING_SIZE, MBOX_OPTION_GROW);
	EXPECT_EQ(MBOX_MSG_SIZE_DEFAULT, info_of(fd).msg_size);
	EXPECT_EQ(MBOX_OPTION_GROW, info_of(fd).options);
	close(fd);
	fd = ring_new(_metadata, NULL, RIGHTS_BOTH, page_size(), 0);
	EXPECT_EQ(page_size() / 2 - 8 < MBOX_MSG_SIZE_DEFAULT ? page_size() / 2 - 8 :
		  MBOX_MSG_SIZE_DEFAULT, info_of(fd).msg_size);
	close(fd);

	fd = box_new(_metadata, 1);
	EXPECT_EQ(MBOX_KIND_MAILBOX, info_of(fd).kind);
	EXPECT_EQ(0, info_of(fd).ring);
	close(fd);
}

/* Calls on other mailboxes do not work on rings, and the reverse. */
TEST_F(ring, other_calls)
{
	struct mbox_ioc_set set = { .mask = MBOX_SET_MSG_SIZE, .msg_size = 100 };
	struct mbox_info before = info_of(self->out);
	char text[8];
	int box;

	EXPECT_EQ(-EOPNOTSUPP, put(self->in, 0, "text"));
	EXPECT_STREQ("EOPNOTSUPP", take(self->out));
	EXPECT_EQ(-EOPNOTSUPP, xwrite(self->in, "text", 4));
	EXPECT_EQ(-EOPNOTSUPP, xread(self->out, text, sizeof(text)));
	EXPECT_EQ(-EOPNOTSUPP, xwrite(self->out, "text", 4));
	EXPECT_EQ(-EBADF, put(self->out, 0, "text"));
	EXPECT_STREQ("EBADF", take(self->in));
	EXPECT_EQ(-EOPNOTSUPP, xioctl(self->in, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_CAPACITY, .capacity = 5 };
	EXPECT_EQ(-EOPNOTSUPP, xioctl(self->in, MBOX_IOC_SET, &set));
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_BYTES | MBOX_SET_MODE, .mode = 0666 };
	EXPECT_EQ(-EOPNOTSUPP, xioctl(self->in, MBOX_IOC_SET, &set));
	EXPECT_UNCHANGED(self->out, &before);
	set = (struct mbox_ioc_set) { .mask = MBOX_SET_MODE, .mode = 0640 };
	EXPECT_EQ(0, xioctl(self->in, MBOX_IOC_SET, &set));
	EXPECT_EQ(0640, info_of(self->in).mode);

	box = box_new(_metadata, 1);
	EXPECT_EQ(-EOPNOTSUPP, ring_call(box, MBOX_WAIT_WAKE, MBOX_RIGHT_RECV));
	EXPECT_EQ((void *)-ENODEV, ring_map(box, 0, self->page, PROT_READ));
	close(box);
}

TEST_F(ring, wait_arguments)
{
	const struct mbox_ioc_wait good = { .flags = MBOX_WAIT_WAKE };
	struct mbox_ioc_wait arg;
	int none = open_name(self->name, 0);

	EXPECT_EQ(-EBADF, ring_call(none, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ((void *)-EACCES, ring_map(none, 0, self->page, PROT_READ));
	close(none);
	EXPECT_EQ(0, xioctl(self->in, MBOX_IOC_WAIT, &good));
	EXPECT_EQ(0, xioctl(self->out, MBOX_IOC_WAIT, &good));
#define BAD_WAIT(fd, field, value) do { \
	arg = good; \
	arg.field = value; \
	EXPECT_EQ(-EINVAL, xioctl(fd, MBOX_IOC_WAIT, &arg)) TH_LOG(#field); \
} while (0)
	BAD_WAIT(self->in, flags, 0);
	BAD_WAIT(self->in, flags, 8);
	BAD_WAIT(self->in, flags, 1U << 31 | MBOX_WAIT_WAKE);
	BAD_WAIT(self->in, pad, 1);
	BAD_WAIT(self->in, seen, 1);
	BAD_WAIT(self->in, clock, MBOX_CLOCK_MONOTONIC);
	BAD_WAIT(self->in, deadline, 1);
	BAD_WAIT(self->in, side, MBOX_RIGHT_RECV);
	BAD_WAIT(self->out, side, MBOX_RIGHT_SEND);
	BAD_WAIT(self->in, side, RIGHTS_BOTH);
	BAD_WAIT(self->in, side, 4);
	BAD_WAIT(self->in, flags, MBOX_WAIT_TRIM);
	BAD_WAIT(self->out, flags, MBOX_WAIT_TRIM);
	arg = (struct mbox_ioc_wait) { .flags = MBOX_WAIT_MOVE, .clock = 4 };
	EXPECT_EQ(-EINVAL, xioctl(self->in, MBOX_IOC_WAIT, &arg));
	arg = (struct mbox_ioc_wait) { .flags = MBOX_WAIT_MOVE, .clock = 1, .deadline = -1 };
	EXPECT_EQ(-EINVAL, xioctl(self->in, MBOX_IOC_WAIT, &arg));
	EXPECT_EQ(0, self->head->waiting);
	EXPECT_EQ(0, self->tail->waiting);
}

/* A caller with both sides has to name the side for which it acts. */
TEST(both_sides)
{
	int fd = ring_new(_metadata, NULL, RIGHTS_BOTH, RING_SIZE, 0);

	EXPECT_EQ(-EINVAL, ring_call(fd, MBOX_WAIT_WAKE, 0));
	EXPECT_EQ(-EINVAL, ring_call(fd, MBOX_WAIT_WAKE, RIGHTS_BOTH));
	EXPECT_EQ(0, ring_call(fd, MBOX_WAIT_WAKE, MBOX_RIGHT_RECV));
	EXPECT_EQ(0, ring_call(fd, MBOX_WAIT_WAKE, MBOX_RIGHT_SEND));
	close(fd);
}

TEST_F(ring, mapping_sizes)
{
	const uint64_t offsets[] = { MBOX_RING_PRODUCER_OFFSET, MBOX_RING_CONSUMER_OFFSET,
				     MBOX_RING_DATA_OFFSET };
	const uint64_t others[] = { self->page, 0x20000, 0x80000,
				    MBOX_RING_DATA_OFFSET + self->page,
				    MBOX_RING_DATA_OFFSET + RING_SIZE, 1ULL << 40 };

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		size_t size = i == 2 ? RING_SIZE : self->page;

		EXPECT_MAPPED(ring_map(self->in, offsets[i], size, PROT_READ));
		EXPECT_MAPPED(ring_map(self->out, offsets[i], size, PROT_READ));
		EXPECT_EQ((void *)-EINVAL, ring_map(self->in, offsets[i], size * 2, PROT_READ));
		EXPECT_EQ((void *)-EINVAL, ring_map(self->in, offsets[i], size + self->page, PROT_READ));
		if (size > self->page)
			EXPECT_EQ((void *)-EINVAL,
				  ring_map(self->in, offsets[i], size - self->page, PROT_READ));
		EXPECT_EQ(MAP_FAILED, mmap(NULL, size, PROT_READ, MAP_PRIVATE, self->in, offsets[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT_EQ((void *)-EINVAL, ring_map(self->in, others[i], self->page, PROT_READ));
}

/* Each side writes its own pages, and cannot make the rest writable. */
TEST_F(ring, mapping_rights)
{
	static const struct { uint64_t offset; bool in; } cases[] = {
		{ MBOX_RING_PRODUCER_OFFSET, true },
		{ MBOX_RING_CONSUMER_OFFSET, false },
		{ MBOX_RING_DATA_OFFSET, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t size = i == 2 ? RING_SIZE : self->page;
		int owner = cases[i].in ? self->in : self->out;
		int other = cases[i].in ? self->out : self->in;
		void *p;

		EXPECT_MAPPED(ring_map(owner, cases[i].offset, size, PROT_READ | PROT_WRITE));
		EXPECT_EQ((void *)-EPERM,
			  ring_map(other, cases[i].offset, size, PROT_READ | PROT_WRITE));
		EXPECT_EQ((void *)-EPERM, ring_map(other, cases[i].offset, size, PROT_WRITE));
		EXPECT_EQ((void *)-EPERM,
			  ring_map(owner, cases[i].offset, size, PROT_READ | PROT_EXEC));
		p = ring_map(other, cases[i].offset, size, PROT_READ);
		EXPECT_MAPPED(p);
		EXPECT_EQ(-1, mprotect(p, size, PROT_READ | PROT_WRITE));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, mprotect(p, size, PROT_READ | PROT_EXEC));
		EXPECT_EQ(EACCES, errno);
		/* nor can the memory be taken away, or more be reached */
		EXPECT_EQ(-1, madvise(p, size, MADV_REMOVE));
		EXPECT_EQ(MAP_FAILED, mremap(p, size, size * 2, MREMAP_MAYMOVE));
		/* nor by mapping it once more from itself, which does not ask us about the data */
		syscall(SYS_remap_file_pages, p, size, 0,
			i == 2 ? 0 : cases[i].offset / self->page, 0);
		EXPECT_EQ(-1, mprotect(p, size, PROT_READ | PROT_WRITE));
		EXPECT_EQ(-1, madvise(p, size, MADV_REMOVE));
	}
}

TEST_F(ring, memory_is_shared)
{
	const struct mbox_ring_control *head, *tail;
	const uint8_t *data;

	head = ring_map(self->out, MBOX_RING_PRODUCER_OFFSET, self->page, PROT_READ);
	tail = ring_map(self->in, MBOX_RING_CONSUMER_OFFSET, self->page, PROT_READ);
	data = ring_map(self->out, MBOX_RING_DATA_OFFSET, RING_SIZE, PROT_READ);
	EXPECT_MAPPED(head);
	EXPECT_MAPPED(tail);
	EXPECT_MAPPED(data);
	for (size_t i = 0; i < self->page; i++) {
		EXPECT_EQ(0, ((uint8_t *)head)[i]);
		EXPECT_EQ(0, ((uint8_t *)tail)[i]);
	}
	self->head->index = 0x1234567890;
	self->tail->index = 0x1234567888;
	pattern_fill(self->data, RING_SIZE, 7);
	EXPECT_EQ(0x1234567890, head->index);
	EXPECT_EQ(0x1234567888, tail->index);
	EXPECT_EQ(RING_SIZE, pattern_match(data, RING_SIZE, 7));
	EXPECT_EQ(1, info_of(self->in).queued);
	EXPECT_EQ(8, info_of(self->in).queued_bytes);
	/* dropped from the mapping, it is still there */
	EXPECT_EQ(0, madvise(self->head, self->page, MADV_DONTNEED));
	EXPECT_EQ(0x1234567890, self->head->index);
}

TEST_F(ring, one_each)
{
	int fd;

	EXPECT_EQ(-EBUSY, open_name(self->name, MBOX_RIGHT_SEND));
	EXPECT_EQ(-EBUSY, open_name(self->name, MBOX_RIGHT_RECV));
	EXPECT_EQ(-EBUSY, open_name(self->name, RIGHTS_BOTH));
	EXPECT_EQ(2, info_of(self->in).handles);
	munmap(self->tail, self->page);
	close(self->out);
	EXPECT_EQ(-EBUSY, open_name(self->name, RIGHTS_BOTH));
	fd = open_name(self->name, MBOX_RIGHT_RECV);
	EXPECT_LE(0, fd);
	self->out = fd;
}

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

/* The quota of a user of its own: rings are charged whole, until they are gone. */
static int check_quota(void *arg)
{
	struct mbox_ioc_open open = ring_arg(NULL, RIGHTS_BOTH, 1 << 20);
	uint64_t limit = *(uint64_t *)arg;
	static int fds[4096];
	unsigned int n, want = limit >> 20;
	int ret;

	if (become(spare_uid(0), spare_uid(0)))
		return __LINE__;
	for (n = 0; n < want; n++) {
		fds[n] = open_call(MBOX_IOC_CREATE, &open);
		if (fds[n] < 0)
			return __LINE__;
	}
	ret = open_call(MBOX_IOC_CREATE, &open);
	if (ret != -EDQUOT)
		return __LINE__;
	open.options = MBOX_OPTION_GROW;
	open.ring = 1 << 30;
	ret = open_call(MBOX_IOC_CREATE, &open);
	if (ret != -EDQUOT)
		return __LINE__;
	open = ring_arg(NULL, RIGHTS_BOTH, 1 << 20);
	close(fds[0]);
	fds[0] = open_call(MBOX_IOC_CREATE, &open);
	if (fds[0] < 0)
		return __LINE__;
	for (n = 0; n < want; n++)
		close(fds[n]);
	return 0;
}

TEST(quota)
{
	uint64_t limit = param_get("user_bytes");

	if (getuid() != 0)
		SKIP(return, "needs root to become another user");
	if (!limit || limit >> 20 < 1 || limit >> 20 > 900)
		SKIP(return, "the module parameter user_bytes is not known, or not in 1..900 MiB");
	EXPECT_EQ(0, in_child(check_quota, &limit));
}

MBOX_TEST_MAIN
