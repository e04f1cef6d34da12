// SPDX-License-Identifier: GPL-2.0-only
/* Calls that could be done at once are done, however many signals come: they do not begin again. */
#include "lib/child_call.h"

#include <sys/time.h>

enum { FILLER = 1, WANTED = 2 };

static void nothing(int sig)
{
}

/* From now on signals come all the time. */
static void hail(int flags, int usec)
{
	struct itimerval timer = { { 0, usec }, { 0, usec } };

	sigaction(SIGALRM, &(struct sigaction) { .sa_handler = nothing, .sa_flags = flags }, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

FIXTURE(progress)
{
	int fd;
};

FIXTURE_VARIANT(progress)
{
	int flags;			/* of the handler */
};

FIXTURE_VARIANT_ADD(progress, restart) { .flags = SA_RESTART };
FIXTURE_VARIANT_ADD(progress, interrupt) { };

FIXTURE_SETUP(progress)
{
	struct mbox_ioc_open arg = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);

	arg.msg_size = 8 << 20;
	self->fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(progress)
{
	close(self->fd);
}

static struct call *start(int fd, void (*prepare)(struct call *))
{
	struct call *call = call_new(fd, CALL_RECV);

	call->prepare = prepare;
	call->recv.flags = MBOX_RECV_BY_TYPE;
	call->recv.type = WANTED;
	call_start(call);
	return call;
}

static void hail_restarting(struct call *call)
{
	hail(SA_RESTART, 500);
}

static void hail_interrupting(struct call *call)
{
	hail(0, 500);
}

/* Far to search, and found in the end. */
TEST_F(progress, search)
{
	struct call *call;

	for (int i = 0; i < 60000; i++)
		ASSERT_EQ(0, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, FILLER, "", 0));
	ASSERT_EQ(0, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, WANTED, "text", 4));
	call = start(self->fd, variant->flags ? hail_restarting : hail_interrupting);
	EXPECT_STREQ("text", recv_end(call));
}

/* A large buffer that is not there yet. */
TEST_F(progress, large)
{
	enum { SIZE = 8 << 20 };
	char *out = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int interrupted = 0;

	ASSERT_NE(MAP_FAILED, out);
	for (int round = 0; round < 4; round++) {
		char *in = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ssize_t ret;

		ASSERT_NE(MAP_FAILED, in);
		madvise(in, SIZE, MADV_NOHUGEPAGE);
		ASSERT_EQ(0, send_bytes(self->fd, MBOX_SEND_NONBLOCK, 0, 0, out, SIZE));
		hail(variant->flags, 200);
		ret = xread(self->fd, in, SIZE);
		setitimer(ITIMER_REAL, &(struct itimerval) {}, NULL);
		if (ret == -EINTR) {
			interrupted++;
			ret = xread(self->fd, in, SIZE);
		}
		ASSERT_EQ(SIZE, ret);
		munmap(in, SIZE);
	}
	EXPECT_EQ(0, interrupted);
}

/* A signal that is there before the call does not matter where it need not wait. */
TEST_F(progress, pending)
{
	struct mbox_ioc_recv arg = { .data = address_of(&(char[8]) {}), .size = 8 };

	for (int i = 0; i < 2000; i++) {
		ASSERT_EQ(0, put(self->fd, 0, "text"));
		hail(variant->flags, 100);
		ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_RECV, &arg));
		setitimer(ITIMER_REAL, &(struct itimerval) {}, NULL);
	}
}

MBOX_TEST_MAIN
