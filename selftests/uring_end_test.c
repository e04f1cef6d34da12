// SPDX-License-Identifier: GPL-2.0-only
/* Processes that end while requests of io_uring pend: no message is lost, and nothing stays behind. */
#include "lib/child.h"
#include "lib/uring.h"

#define PENDING		1000

enum end { EXIT, EXEC, CLOSE, KILL };

FIXTURE(end)
{
	int fd;
	int full;			/* has no room */
	int *ready;
};

FIXTURE_VARIANT(end)
{
	unsigned int flags;
	enum end how;
	int pending;
};

#define VARIANT(name, ...) \
	FIXTURE_VARIANT_ADD(end, name) { __VA_ARGS__ }; \
	FIXTURE_VARIANT_ADD(end, name ## _sqpoll) { __VA_ARGS__, .flags = IORING_SETUP_SQPOLL }; \
	FIXTURE_VARIANT_ADD(end, name ## _defer) { __VA_ARGS__, \
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN }

VARIANT(one_killed, .how = KILL, .pending = 1);
VARIANT(one_exits, .how = EXIT, .pending = 1);
VARIANT(many_killed, .how = KILL, .pending = PENDING);
VARIANT(many_exit, .how = EXIT, .pending = PENDING);
VARIANT(many_exec, .how = EXEC, .pending = PENDING);
VARIANT(many_closed, .how = CLOSE, .pending = PENDING);

FIXTURE_SETUP(end)
{
	struct io_uring ring;

	URING_NEW(&ring, 8, variant->flags);
	io_uring_queue_exit(&ring);
	self->fd = box_new(_metadata, 4);
	self->full = box_new(_metadata, 1);
	ASSERT_EQ(0, put(self->full, 0, "first"));
	self->ready = shared_alloc(sizeof(*self->ready));
}

FIXTURE_TEARDOWN(end)
{
	close(self->fd);
	close(self->full);
}

/* Have reads and writes pend, and end so. */
static int leave(struct _test_data_end *self, const struct _fixture_variant_end *variant)
{
	struct io_uring_params params = { .flags = variant->flags, .sq_thread_idle = 100 };
	static char data[64];
	struct io_uring ring;

	if (io_uring_queue_init_params(64, &ring, &params))
		return 1;
	for (int i = 0; i < variant->pending; i++) {
		while (!io_uring_sq_space_left(&ring))
			nap();
		uring_rw(&ring, 1, IORING_OP_READ, self->fd, data, sizeof(data));
		while (!io_uring_sq_space_left(&ring))
			nap();
		uring_rw(&ring, 2, IORING_OP_WRITE, self->full, "lost", 4);
		io_uring_submit(&ring);
	}
	while (io_uring_sq_ready(&ring))
		nap();
	io_uring_prep_nop(uring_get(&ring, 3));
	io_uring_submit(&ring);
	if (uring_next(&ring).id != 3)
		return 2;
	set_flag(self->ready);
	switch (variant->how) {
	case KILL:
		pause();
		return 3;
	case EXEC:
		execl("/proc/self/exe", "uring_end_test", "-h", NULL);
		return 4;
	case CLOSE:
		io_uring_queue_exit(&ring);
		/* they end without us */
		return info_of(self->fd).received || info_of(self->full).received ? 5 : 0;
	default:
		return 0;
	}
}

TEST_F(end, loses_nothing)
{
	pid_t pid = fork_child();
	int status;

	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		/* of the program that is executed */
		if (variant->how == EXEC) {
			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
		}
		_exit(leave(self, variant));
	}
	ASSERT_TRUE(await_flag(self->ready));
	if (variant->how == KILL)
		ASSERT_EQ(0, kill(pid, SIGKILL));
	status = reap(pid);
	if (variant->how == KILL) {
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	} else if (variant->how != EXEC) {
		EXPECT_EQ(0, status);
	}
	/* a message that comes now is ours, and the other mailbox has the first one only */
	ASSERT_EQ(0, put(self->fd, 0, "after"));
	EXPECT_STREQ("after", take(self->fd));
	EXPECT_STREQ("first", take(self->full));
	EXPECT_STREQ("EAGAIN", take(self->full));
	EXPECT_EQ(0, info_of(self->fd).receivers);
	EXPECT_EQ(0, info_of(self->full).senders);
	EXPECT_BALANCED(self->fd);
	EXPECT_BALANCED(self->full);
}

/* Its own ring keeps the handle: the mailbox ends with both. */
TEST(ring_in_itself)
{
	struct io_uring ring;
	char name[MBOX_NAME_SIZE], data[64];
	struct mbox_ioc_open arg;
	int fd;

	URING_NEW(&ring, 8, 0);
	name_make(name);
	arg = open_arg(name, 4);
	arg.lifetime = MBOX_LIFETIME_FD;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	uring_read(&ring, 1, fd, data, sizeof(data));
	EXPECT_PENDING(&ring);
	close(fd);
	fd = open_name(name, RIGHTS_BOTH);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2, info_of(fd).handles);
	ASSERT_EQ(0, put(fd, 0, "text"));
	EXPECT_DONE(&ring, 1, 4);
	io_uring_queue_exit(&ring);
	close(fd);
	/* the kernel closes the ring later */
	for (int64_t end = now() + PATIENCE * NSEC_PER_SEC; now() < end; nap()) {
		fd = open_name(name, RIGHTS_BOTH);
		if (fd == -ENOENT)
			break;
		close(fd);
	}
	EXPECT_EQ(-ENOENT, fd);
}

MBOX_TEST_MAIN
