// SPDX-License-Identifier: GPL-2.0-only
/* A large payload goes straight to a receiver that waits, while everything else happens to either. */
#include "lib/transfer.h"

#include <sys/resource.h>

/* From here on, and around pages and the pieces in which pages are taken. */
static const uint32_t sizes[] = {
	16 * PAGE - 1, 16 * PAGE, 16 * PAGE + 1, 70000, 32 * PAGE - 1, 32 * PAGE, 32 * PAGE + 1, 500001,
	MSG_SIZE - 1, MSG_SIZE,
};

FIXTURE(transfer)
{
	struct scene scene;
};

FIXTURE_SETUP(transfer)
{
	scene_begin(_metadata, &self->scene);
}

FIXTURE_TEARDOWN(transfer)
{
	scene_end(_metadata, &self->scene);
}

TEST_F(transfer, sizes_and_offsets)
{
	static const uint32_t offsets[][2] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 4095, 7 }, { 13, 4000 } };
	uint8_t *from, *to;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(offsets); j++) {
			from = self->scene.out + offsets[j][0];
			to = self->scene.in + 64 + offsets[j][1];
			pattern_fill(from, sizes[i], i + j);
			memset(self->scene.in, POISON, MSG_SIZE + 2 * PAGE);
			self->scene.arg.data = address_of(to);
			ASSERT_TRUE(receive_start(&self->scene.receive));
			ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 3, 5, from, sizes[i]));
			ASSERT_EQ(0, receive_end(&self->scene.receive));
			ASSERT_EQ(sizes[i], self->scene.arg.header.length);
			ASSERT_EQ(sizes[i], pattern_match(to, sizes[i], i + j));
			ASSERT_TRUE(untouched(to - 64, 64));
			ASSERT_TRUE(untouched(to + sizes[i], 64));
			ASSERT_EQ(info_of(self->scene.fd).sent, self->scene.arg.header.seq);
			ASSERT_EQ(3, self->scene.arg.header.prio);
			ASSERT_EQ(5, self->scene.arg.header.type);
			ASSERT_EQ(getpid(), self->scene.arg.header.pid);
			ASSERT_EQ(getuid(), self->scene.arg.header.uid);
			ASSERT_EQ(getgid(), self->scene.arg.header.gid);
		}
	}
}

TEST_F(transfer, header_on_two_pages)
{
	struct mbox_ioc_recv *arg;

	for (size_t at = 8; at < sizeof(arg->header); at += 8) {
		/* the first @at bytes of the header are on the first page */
		arg = (void *)(self->scene.in + MSG_SIZE + PAGE - at - offsetof(struct mbox_ioc_recv, header));
		*arg = (struct mbox_ioc_recv) { .data = address_of(self->scene.in), .size = 500000 };
		self->scene.receive.arg = arg;
		pattern_fill(self->scene.out, 90000, at);
		ASSERT_TRUE(receive_start(&self->scene.receive));
		ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 7, 9, self->scene.out, 90000));
		ASSERT_EQ(0, receive_end(&self->scene.receive));
		ASSERT_EQ(90000, arg->header.length);
		ASSERT_EQ(7, arg->header.prio);
		ASSERT_EQ(9, arg->header.type);
		ASSERT_EQ(0, arg->header.type_hi);
		ASSERT_EQ(getpid(), arg->header.pid);
		ASSERT_EQ(90000, pattern_match(self->scene.in, 90000, at));
	}
}

static void *read_run(void *data)
{
	struct receive *receive = data;

	receive->result = xread(receive->fd, (void *)(uintptr_t)receive->arg->data, receive->arg->size);
	return NULL;
}

TEST_F(transfer, write_to_read)
{
	pattern_fill(self->scene.out, 300000, 1);
	ASSERT_EQ(0, receive_begin(&self->scene.receive, read_run));
	ASSERT_TRUE(await_blocked(self->scene.fd, 0, 1));
	EXPECT_EQ(300000, xwrite(self->scene.fd, self->scene.out, 300000));
	EXPECT_EQ(300000, receive_end(&self->scene.receive));
	EXPECT_EQ(300000, pattern_match(self->scene.in, 300000, 1));
	EXPECT_TRUE(untouched(self->scene.in + 300000, 64));
}

/* The sender has a real-time priority, so its receiver cannot run: and yet it has received. */
TEST_F(transfer, done_by_the_sender)
{
	struct sched_param param = { .sched_priority = 1 };
	struct mbox_info info;
	int ret;

	ASSERT_TRUE(run_on(0));
	ASSERT_TRUE(receive_start(&self->scene.receive));
	nap();
	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, 0);
		receive_end(&self->scene.receive);
		SKIP(return, "cannot get a real-time priority: %s", strerror(errno));
	}
	ret = send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE);
	info = info_of(self->scene.fd);
	param.sched_priority = 0;
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &param));
	EXPECT_EQ(0, ret);
	EXPECT_EQ(1, info.sent);
	EXPECT_EQ(1, info.received);
	EXPECT_EQ(0, info.queued);
	EXPECT_EQ(0, info.receivers);
	EXPECT_EQ(0, receive_end(&self->scene.receive));
	EXPECT_EQ(MSG_SIZE, self->scene.arg.header.length);
}

/* Start a receive in a child. */
static pid_t receive_child(struct __test_metadata *_metadata, int fd, uint8_t *in)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		memset(in, POISON, MSG_SIZE);
		_exit(recv_bytes(fd, 0, in, MSG_SIZE, NULL) ||
		      pattern_match(in, MSG_SIZE, 1) != MSG_SIZE);
	}
	EXPECT_LT(0, pid);
	EXPECT_TRUE(await_blocked(fd, 0, 1));
	return pid;
}

TEST_F(transfer, receiver_is_named)
{
	int rendezvous = box_large(MBOX_CAPACITY_ZERO);
	pid_t pid;

	ASSERT_LE(0, rendezvous);
	pattern_fill(self->scene.out, MSG_SIZE, 1);
	pid = receive_child(_metadata, self->scene.fd, self->scene.in);
	EXPECT_EQ(pid, send_bytes(self->scene.fd, MBOX_SEND_SYNC, 0, 0, self->scene.out, MSG_SIZE));
	EXPECT_EQ(0, reap(pid));
	pid = receive_child(_metadata, rendezvous, self->scene.in);
	EXPECT_EQ(pid, send_bytes(rendezvous, 0, 0, 0, self->scene.out, MSG_SIZE));
	EXPECT_EQ(0, reap(pid));
	pid = receive_child(_metadata, rendezvous, self->scene.in);
	EXPECT_EQ(0, send_bytes(rendezvous, MBOX_SEND_NONBLOCK, 0, 0, self->scene.out, MSG_SIZE));
	EXPECT_EQ(0, reap(pid));
	EXPECT_BALANCED(rendezvous);
	close(rendezvous);
}

TEST_F(transfer, filter_decides)
{
	self->scene.arg.flags = MBOX_RECV_BY_TYPE;
	self->scene.arg.type = 2;
	ASSERT_TRUE(receive_start(&self->scene.receive));
	pattern_fill(self->scene.out, MSG_SIZE, 2);
	ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 1, self->scene.in + PAGE, 100000));
	EXPECT_EQ(1, info_of(self->scene.fd).queued);
	EXPECT_EQ(1, info_of(self->scene.fd).receivers);
	ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 2, self->scene.out, MSG_SIZE));
	EXPECT_EQ(0, receive_end(&self->scene.receive));
	EXPECT_EQ(2, self->scene.arg.header.type);
	EXPECT_EQ(MSG_SIZE, pattern_match(self->scene.in, MSG_SIZE, 2));
	EXPECT_EQ(1, info_of(self->scene.fd).queued);
}

TEST_F(transfer, buffer_too_small)
{
	self->scene.arg.size = 100000;
	ASSERT_TRUE(receive_start(&self->scene.receive));
	ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, 100001));
	EXPECT_EQ(-EMSGSIZE, receive_end(&self->scene.receive));
	EXPECT_EQ(100001, self->scene.arg.header.length);
	EXPECT_TRUE(untouched(self->scene.in, MSG_SIZE));
	EXPECT_EQ(1, info_of(self->scene.fd).queued);
}

/* Memory of a file, and where the kernel has them huge pages, from an address within one. */
TEST_F(transfer, buffer_of_other_pages)
{
	uint8_t *huge = mmap(NULL, 8 * MSG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *buffers[] = { shared_alloc(MSG_SIZE), huge + 3 * MSG_SIZE / 2 + 5 };

	ASSERT_NE(MAP_FAILED, huge);
	madvise(huge, 8 * MSG_SIZE, MADV_HUGEPAGE);
	memset(huge, POISON, 8 * MSG_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(buffers); i++) {
		memset(buffers[i], POISON, MSG_SIZE);
		pattern_fill(self->scene.out, MSG_SIZE, i);
		self->scene.arg.data = address_of(buffers[i]);
		ASSERT_TRUE(receive_start(&self->scene.receive));
		ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE));
		ASSERT_EQ(0, receive_end(&self->scene.receive));
		ASSERT_EQ(MSG_SIZE, pattern_match(buffers[i], MSG_SIZE, i));
	}
	EXPECT_TRUE(untouched(huge + 5 * MSG_SIZE / 2 + 5, MSG_SIZE));
	munmap(huge, 8 * MSG_SIZE);
}

/* No page of the buffer is there; or none of its second half, which begins between pieces or within one. */
TEST_F(transfer, buffer_absent)
{
	const size_t starts[] = { 0, MSG_SIZE / 2, MSG_SIZE / 2 + sysconf(_SC_PAGESIZE) };

	for (int i = 0; i < 3; i++) {
		size_t from = starts[i];

		ASSERT_EQ(0, madvise(self->scene.in + from, MSG_SIZE - from, MADV_DONTNEED));
		pattern_fill(self->scene.out, MSG_SIZE, 3);
		ASSERT_TRUE(receive_start(&self->scene.receive));
		ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE));
		ASSERT_EQ(0, receive_end(&self->scene.receive));
		ASSERT_EQ(MSG_SIZE, pattern_match(self->scene.in, MSG_SIZE, 3));
	}
}

/* The receive fails, as it does when the message goes the usual way, and leaves the message queued. */
TEST_F(transfer, buffer_not_writable)
{
	for (int round = 0; round < 2; round++) {
		ASSERT_TRUE(receive_start(&self->scene.receive));
		if (round) {
			ASSERT_EQ(0, munmap(self->scene.in + MSG_SIZE / 2, PAGE));
		} else {
			ASSERT_EQ(0, mprotect(self->scene.in, MSG_SIZE, PROT_READ));
		}
		pattern_fill(self->scene.out, MSG_SIZE, 4);
		ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE));
		ASSERT_EQ(-EFAULT, receive_end(&self->scene.receive));
		EXPECT_EQ(1, info_of(self->scene.fd).queued);
		ASSERT_NE(MAP_FAILED, mmap(self->scene.in, MSG_SIZE, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
		ASSERT_EQ(0, recv_bytes(self->scene.fd, MBOX_RECV_NONBLOCK, self->scene.in, MSG_SIZE, NULL));
		ASSERT_EQ(MSG_SIZE, pattern_match(self->scene.in, MSG_SIZE, 4));
	}
}

/* The send fails, and nothing has happened to the mailbox or to the receiver. */
TEST_F(transfer, source_not_readable)
{
	struct mbox_info before;

	ASSERT_TRUE(receive_start(&self->scene.receive));
	before = info_of(self->scene.fd);
	ASSERT_EQ(0, mprotect(self->scene.out + MSG_SIZE / 2, PAGE, PROT_NONE));
	ASSERT_EQ(-EFAULT, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE));
	EXPECT_UNCHANGED(self->scene.fd, &before);
	ASSERT_EQ(0, mprotect(self->scene.out + MSG_SIZE / 2, PAGE, PROT_READ | PROT_WRITE));
	pattern_fill(self->scene.out, MSG_SIZE, 5);
	ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE));
	ASSERT_EQ(0, receive_end(&self->scene.receive));
	EXPECT_EQ(MSG_SIZE, pattern_match(self->scene.in, MSG_SIZE, 5));
}

/* It needs no locked memory. */
TEST_F(transfer, no_locked_memory)
{
	const struct rlimit none = { 0, 0 };

	pattern_fill(self->scene.out, MSG_SIZE, 1);
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &none));
	ASSERT_TRUE(receive_start(&self->scene.receive));
	ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE));
	ASSERT_EQ(0, receive_end(&self->scene.receive));
	EXPECT_EQ(MSG_SIZE, pattern_match(self->scene.in, MSG_SIZE, 1));
}

/* Another process has pages of the buffer too: it does not see the message. */
TEST_F(transfer, buffer_shared_by_fork)
{
	int *flag = shared_alloc(sizeof(*flag));
	pid_t pid;

	ASSERT_TRUE(receive_start(&self->scene.receive));
	pid = fork_child();
	if (pid == 0)
		_exit(!await_flag(flag) || !untouched(self->scene.in, MSG_SIZE));
	pattern_fill(self->scene.out, MSG_SIZE, 6);
	ASSERT_EQ(0, send_bytes(self->scene.fd, 0, 0, 0, self->scene.out, MSG_SIZE));
	ASSERT_EQ(0, receive_end(&self->scene.receive));
	EXPECT_EQ(MSG_SIZE, pattern_match(self->scene.in, MSG_SIZE, 6));
	set_flag(flag);
	EXPECT_EQ(0, reap(pid));
}

MBOX_TEST_MAIN
