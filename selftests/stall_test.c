// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call that stalls while it copies: the page that it needs comes late (userfaultfd), or never.
 * Meanwhile the mailbox works on; and what happens to the message happens exactly once. In
 * particular a message in the hands of a receiver that is killed is not lost.
 */
#include "mbox_child.h"

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

/* A page that is missing in a child until the test gives it. */
struct missing {
	uint8_t *page;
	size_t size;
	int socks[2];
	int uffd;
};

/* One for the process: prepare() has no other way to it. */
static struct missing missing;

static int register_missing(void)
{
	/* of faults in the kernel, too: that is what takes privileges */
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { address_of(missing.page), missing.size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (uffd < 0)
		return -errno;
	if (ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg)) {
		int error = -errno;

		close(uffd);
		return error;
	}
	return uffd;
}

/* In the child: a userfaultfd is about the memory of who made it. */
static void prepare_missing(struct call *call)
{
	int uffd;

	madvise(missing.page, missing.size, MADV_DONTNEED);
	uffd = register_missing();
	if (uffd < 0 || fd_pass(missing.socks[1], uffd))
		_exit(1);
	close(uffd);
}

static void setup(struct __test_metadata *_metadata)
{
	int uffd;

	missing.size = sysconf(_SC_PAGESIZE);
	missing.page = mmap(NULL, missing.size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)missing.page);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, missing.socks));
	missing.uffd = -1;
	uffd = register_missing();
	if (uffd < 0)
		SKIP(return, "no userfaultfd of faults in the kernel: %s", strerror(-uffd));
	close(uffd);
}

static void start_stalling(struct __test_metadata *_metadata, struct call *call)
{
	call->prepare = prepare_missing;
	call->send.data = call->recv.data = address_of(missing.page);
	call_start(call);
	missing.uffd = fd_take(missing.socks[0]);
	ASSERT_LE(0, missing.uffd);
}

/* Until the call is in the middle of its copying. */
static void await_stall(struct __test_metadata *_metadata)
{
	struct pollfd pollfd = { .fd = missing.uffd, .events = POLLIN };
	struct uffd_msg msg;

	ASSERT_EQ(1, poll(&pollfd, 1, PATIENCE * 1000));
	ASSERT_EQ((ssize_t)sizeof(msg), read(missing.uffd, &msg, sizeof(msg)));
	ASSERT_EQ(UFFD_EVENT_PAGEFAULT, msg.event);
}

/* Let it go on, with a page full of this pattern. */
static void give_page(struct __test_metadata *_metadata, uint32_t seed)
{
	uint8_t data[65536];
	struct uffdio_copy copy = {
		.dst = address_of(missing.page), .src = address_of(data), .len = missing.size,
	};

	pattern_fill(data, missing.size, seed);
	ASSERT_EQ(0, ioctl(missing.uffd, UFFDIO_COPY, &copy));
}

static int send_pattern(int fd, uint32_t flags, uint32_t size, uint32_t seed)
{
	uint8_t data[4096];

	pattern_fill(data, size, seed);
	return send_bytes(fd, flags, 0, seed, data, size);
}

static void expect_pattern(struct __test_metadata *_metadata, int fd, uint32_t size, uint32_t seed)
{
	struct mbox_header header;
	uint8_t data[4096];

	ASSERT_EQ(0, recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	EXPECT_EQ(seed, header.seq);
	EXPECT_EQ(size, header.length);
	EXPECT_EQ(size, pattern_match(data, size, seed));
}

/* A message is handed to a receiver that waited, and that stalls. */
FIXTURE(stalled)
{
	int fd;
	struct call *receiver;
};

FIXTURE_VARIANT(stalled)
{
	uint32_t capacity;
	uint32_t size;
};

FIXTURE_VARIANT_ADD(stalled, small) { .capacity = 4, .size = 100 };
FIXTURE_VARIANT_ADD(stalled, large) { .capacity = 4, .size = 3000 };
FIXTURE_VARIANT_ADD(stalled, zero_small) { .capacity = 0, .size = 100 };
FIXTURE_VARIANT_ADD(stalled, zero_large) { .capacity = 0, .size = 3000 };

FIXTURE_SETUP(stalled)
{
	setup(_metadata);
	if (_metadata->exit_code)
		return;
	self->fd = box_new(_metadata, variant->capacity);
	self->receiver = call_new(self->fd, CALL_RECV);
	self->receiver->recv.size = missing.size;
	start_stalling(_metadata, self->receiver);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
}

FIXTURE_TEARDOWN(stalled)
{
	close(missing.uffd);
	close(self->fd);
}

static void hand_over(struct __test_metadata *_metadata, struct _test_data_stalled *self,
		      const struct _fixture_variant_stalled *variant)
{
	ASSERT_EQ(0, send_pattern(self->fd, MBOX_SEND_NONBLOCK, variant->size, 1));
	await_stall(_metadata);
	/* neither received nor lost, and not to be had a second time */
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_EQ(0, self->receiver->done);
}

TEST_F(stalled, goes_on)
{
	hand_over(_metadata, self, variant);
	give_page(_metadata, 99);
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(variant->size, self->receiver->recv.header.length);
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_EQ(0, info_of(self->fd).queued);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, killed)
{
	hand_over(_metadata, self, variant);
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	EXPECT_EQ(1, info_of(self->fd).queued);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_EQ(0, info_of(self->fd).receivers);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, killed_before_another)
{
	struct call *other;

	hand_over(_metadata, self, variant);
	other = recv_start(self->fd);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	EXPECT_EQ(0, call_end(other));
	EXPECT_EQ(variant->size, pattern_match(other->data, variant->size, 1));
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

/* It comes back to where it was: before what was sent later. */
TEST_F(stalled, killed_keeps_its_place)
{
	struct call *later;

	hand_over(_metadata, self, variant);
	/* where there is no room it waits; it may not overtake, either */
	later = send_start(self->fd, 0, "later");
	if (variant->capacity) {
		ASSERT_EQ(0, call_end(later));
	} else {
		ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	}
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	expect_pattern(_metadata, self->fd, variant->size, 1);
	EXPECT_STREQ("later", take(self->fd));
	EXPECT_STREQ("EAGAIN", take(self->fd));
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, page_comes_by_itself)
{
	hand_over(_metadata, self, variant);
	close(missing.uffd);
	missing.uffd = -1;
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(1, info_of(self->fd).received);
}

TEST_F(stalled, forced_deletion)
{
	struct mbox_ioc_delete delete = { .how = MBOX_DELETE_FORCE };

	hand_over(_metadata, self, variant);
	EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_DELETE, &delete));
	EXPECT_EQ(1, delete.queued);
	EXPECT_EQ(1, delete.dropped);
	give_page(_metadata, 99);
	EXPECT_EQ(-EIDRM, call_end(self->receiver));
	EXPECT_EQ(1, info_of(self->fd).dropped);
	EXPECT_EQ(0, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, deletion_of_empty)
{
	hand_over(_metadata, self, variant);
	EXPECT_EQ(-ENOTEMPTY, delete_fd(self->fd, MBOX_DELETE_EMPTY));
	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_DRAIN));
	EXPECT_EQ(MBOX_STATE_DRAINING, info_of(self->fd).state);
	give_page(_metadata, 99);
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(variant->size, self->receiver->recv.header.length);
	EXPECT_EQ(MBOX_STATE_DEAD, info_of(self->fd).state);
	EXPECT_EQ(1, info_of(self->fd).received);
}

static struct call *sync_start(struct __test_metadata *_metadata, struct _test_data_stalled *self,
			       const struct _fixture_variant_stalled *variant, int64_t deadline)
{
	struct call *sender = call_new(self->fd, CALL_SEND);

	pattern_fill(sender->data, variant->size, 1);
	sender->send.size = variant->size;
	sender->send.flags = MBOX_SEND_SYNC;
	sender->send.deadline = deadline;
	sender->send.clock = deadline ? MBOX_CLOCK_MONOTONIC : MBOX_CLOCK_NONE;
	call_start(sender);
	await_stall(_metadata);
	return sender;
}

TEST_F(stalled, sync_sender_learns_who_received_in_the_end)
{
	struct call *sender = sync_start(_metadata, self, variant, 0);
	struct call *other;

	EXPECT_EQ(0, sender->done);
	EXPECT_EQ(1, info_of(self->fd).senders);
	kill(self->receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(self->receiver));
	EXPECT_EQ(0, sender->done);
	other = recv_start(self->fd);
	EXPECT_EQ(0, call_end(other));
	EXPECT_EQ(variant->size, pattern_match(other->data, variant->size, 1));
	EXPECT_EQ(other->pid, call_end(sender));
	EXPECT_BALANCED(self->fd);
}

/* The send gave up, so the receive has not happened: it goes on waiting. */
TEST_F(stalled, sync_sender_gives_up)
{
	int64_t deadline = now() + 100 * NSEC_PER_MSEC;
	struct call *sender = sync_start(_metadata, self, variant, deadline);

	EXPECT_EQ(-ETIMEDOUT, call_end(sender));
	EXPECT_LE(deadline, sender->ended);
	EXPECT_EQ(1, info_of(self->fd).withdrawn);
	EXPECT_EQ(0, info_of(self->fd).queued);
	give_page(_metadata, 99);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_EQ(0, self->receiver->done);
	EXPECT_LE(0, send_pattern(self->fd, 0, variant->size + 1, 2));
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(2, self->receiver->recv.header.seq);
	EXPECT_EQ(variant->size + 1, self->receiver->recv.header.length);
	EXPECT_EQ(1, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalled, sync_sender_killed)
{
	struct call *sender = sync_start(_metadata, self, variant, 0);

	kill(sender->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sender));
	EXPECT_EQ(1, info_of(self->fd).withdrawn);
	EXPECT_EQ(0, info_of(self->fd).senders);
	give_page(_metadata, 99);
	ASSERT_TRUE(await_blocked(self->fd, 0, 1));
	EXPECT_LE(0, send_pattern(self->fd, 0, variant->size, 2));
	EXPECT_EQ(0, call_end(self->receiver));
	EXPECT_EQ(2, self->receiver->recv.header.seq);
	EXPECT_BALANCED(self->fd);
}

/* A call that stalls at a queued message, or at one that it is to send. */
FIXTURE(stalling)
{
	int fd;
	struct mbox_info before;
};

FIXTURE_VARIANT(stalling)
{
	uint32_t size;
};

FIXTURE_VARIANT_ADD(stalling, small) { .size = 100 };
FIXTURE_VARIANT_ADD(stalling, large) { .size = 3000 };

FIXTURE_SETUP(stalling)
{
	setup(_metadata);
	if (_metadata->exit_code)
		return;
	self->fd = box_new(_metadata, 4);
	ASSERT_EQ(0, send_pattern(self->fd, 0, variant->size, 1));
	ASSERT_EQ(0, send_pattern(self->fd, 0, 5, 2));
	self->before = info_of(self->fd);
}

FIXTURE_TEARDOWN(stalling)
{
	close(missing.uffd);
	close(self->fd);
}

static struct call *start_at_message(struct __test_metadata *_metadata,
				     struct _test_data_stalling *self, uint32_t flags)
{
	struct call *receiver = call_new(self->fd, CALL_RECV);

	receiver->recv.size = missing.size;
	receiver->recv.flags = flags;
	start_stalling(_metadata, receiver);
	await_stall(_metadata);
	EXPECT_UNCHANGED(self->fd, &self->before);
	return receiver;
}

TEST_F(stalling, receiver_killed)
{
	struct call *receiver = start_at_message(_metadata, self, 0);

	kill(receiver->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(receiver));
	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	expect_pattern(_metadata, self->fd, 5, 2);
}

/* Whoever gets which of the two messages, each gets one. */
TEST_F(stalling, receiver_and_another)
{
	struct call *receiver = start_at_message(_metadata, self, 0);
	struct mbox_header header;
	uint8_t data[4096];

	ASSERT_EQ(0, recv_bytes(self->fd, MBOX_RECV_NONBLOCK, data, sizeof(data), &header));
	give_page(_metadata, 99);
	EXPECT_EQ(0, call_end(receiver));
	EXPECT_EQ(3, header.seq + receiver->recv.header.seq);
	EXPECT_NE(header.seq, receiver->recv.header.seq);
	EXPECT_EQ(2, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalling, peeker_and_receiver)
{
	struct call *peeker = start_at_message(_metadata, self, MBOX_RECV_PEEK);

	expect_pattern(_metadata, self->fd, variant->size, 1);
	expect_pattern(_metadata, self->fd, 5, 2);
	give_page(_metadata, 99);
	/* it saw the first, or came too late and waits */
	while (!__atomic_load_n(&peeker->done, __ATOMIC_ACQUIRE) && !info_of(self->fd).receivers)
		nap();
	if (!peeker->done) {
		EXPECT_EQ(0, put(self->fd, 0, "third"));
	}
	EXPECT_EQ(0, call_end(peeker));
	EXPECT_EQ(2, info_of(self->fd).received);
	EXPECT_BALANCED(self->fd);
}

static struct call *start_sending(struct __test_metadata *_metadata,
				  struct _test_data_stalling *self, uint32_t size)
{
	struct call *sender = call_new(self->fd, CALL_SEND);

	sender->send.size = size;
	start_stalling(_metadata, sender);
	await_stall(_metadata);
	return sender;
}

/* Nobody waits for it: neither those who look nor those who send and receive. */
TEST_F(stalling, sender)
{
	struct call *sender = start_sending(_metadata, self, variant->size);

	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
	EXPECT_EQ(0, send_pattern(self->fd, 0, 7, 3));
	expect_pattern(_metadata, self->fd, 5, 2);
	expect_pattern(_metadata, self->fd, 7, 3);
	give_page(_metadata, 4);
	EXPECT_EQ(0, call_end(sender));
	expect_pattern(_metadata, self->fd, variant->size, 4);
	EXPECT_BALANCED(self->fd);
}

TEST_F(stalling, sender_killed)
{
	struct call *sender = start_sending(_metadata, self, variant->size);

	kill(sender->pid, SIGKILL);
	EXPECT_EQ(-ECHILD, call_end(sender));
	EXPECT_UNCHANGED(self->fd, &self->before);
	expect_pattern(_metadata, self->fd, variant->size, 1);
}

TEST_F(stalling, sender_to_a_deleted_mailbox)
{
	struct call *sender = start_sending(_metadata, self, variant->size);

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	give_page(_metadata, 3);
	EXPECT_EQ(-EIDRM, call_end(sender));
	EXPECT_EQ(2, info_of(self->fd).sent);
	EXPECT_BALANCED(self->fd);
}

MBOX_TEST_MAIN
