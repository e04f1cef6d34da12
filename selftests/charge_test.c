// SPDX-License-Identifier: GPL-2.0-only
/*
 * The quota of bytes follows the memory: a message that is still being copied is still charged, a
 * message that does not fit is in nobody's way, and a mailbox keeps little for later.
 *
 * Sets the module parameters, and sets them back.
 */
#include "lib/module.h"
#include "lib/passing.h"
#include "lib/user.h"
#include "lib/userfault.h"

#include <fcntl.h>
#include <linux/mbox_ring.h>
#include <linux/userfaultfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define BYTES	(1U << 20)
#define LARGE	(BYTES / 2 - MBOX_LARGE_CHARGE)	/* payload that is charged half of it */

FIXTURE(charge)
{
	uint64_t bytes, mailboxes;
	uid_t uid;
	char name[MBOX_NAME_SIZE];
};

FIXTURE_SETUP(charge)
{
	if (geteuid())
		SKIP(return, "only root can set module parameters");
	self->bytes = param_get("user_bytes");
	self->mailboxes = param_get("user_mailboxes");
	if (!self->bytes || param_set("user_bytes", BYTES))
		SKIP(return, "the module parameters cannot be written");
	self->uid = spare_uid(0);
	name_make(self->name);
	umask(0);
}

FIXTURE_TEARDOWN_PARENT(charge)
{
	if (!self->bytes)
		return;
	param_set("user_bytes", self->bytes);
	param_set("user_mailboxes", self->mailboxes);
}

/* The mailbox of these tests is the user's, and his messages may take all of his quota. */
static int box(struct _test_data_charge *self)
{
	struct mbox_ioc_open arg = open_arg(self->name, MBOX_CAPACITY_UNBOUNDED);
	int fd;

	arg.msg_size = BYTES;
	arg.mode = 0666;
	if (setresuid(self->uid, -1, -1))
		return -errno;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	return setresuid(0, -1, -1) ? -errno : fd;
}

struct sending {
	struct _test_data_charge *self;
	uint32_t size, flags;
	int64_t timeout;
};

static int send_as_user(void *arg)
{
	static uint8_t data[BYTES];
	struct sending *sending = arg;
	struct mbox_ioc_send send = {
		.flags = sending->flags, .data = address_of(data), .size = sending->size,
	};
	int fd;

	if (become(sending->self->uid, sending->self->uid))
		return -EPROTO;
	fd = open_name(sending->self->name, MBOX_RIGHT_SEND);
	if (fd < 0)
		return fd;
	if (sending->timeout) {
		send.clock = MBOX_CLOCK_MONOTONIC;
		send.deadline = now() + sending->timeout;
	}
	return xioctl(fd, MBOX_IOC_SEND, &send);
}

static int user_sends(struct _test_data_charge *self, uint32_t size)
{
	struct sending sending = { .self = self, .size = size, .flags = MBOX_SEND_NONBLOCK };

	return in_child(send_as_user, &sending);
}

/* A receiver stalls in its copying, and the sender withdraws the message meanwhile. */
TEST_F(charge, withdrawn_from_a_receiver_that_copies)
{
	struct sending sync = {
		.self = self, .size = 300, .flags = MBOX_SEND_SYNC, .timeout = 300 * NSEC_PER_MSEC,
	};
	struct call *receiver;
	int fd;

	missing_setup(_metadata);
	if (_metadata->exit_code)
		return;
	fd = box(self);
	ASSERT_LE(0, fd);
	/* one message is all that there is room for */
	ASSERT_EQ(0, param_set("user_bytes", 512));
	receiver = call_new(fd, CALL_RECV);
	receiver->recv.size = missing.size;
	start_stalling(_metadata, receiver);
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	ASSERT_EQ(-ETIMEDOUT, in_child(send_as_user, &sync));
	await_stall(_metadata);
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_EQ(-EDQUOT, user_sends(self, 1));
	give_page(_metadata, 0);
	/* it came too late, and waits for another message */
	ASSERT_TRUE(await_blocked(fd, 0, 1));
	EXPECT_EQ(0, user_sends(self, 300));
	EXPECT_EQ(0, call_end(receiver));
	close(missing.uffd);
	close(fd);
}

/*
 * A peek that stalls with the message in its hands: when it has made sure of all pages, the one that
 * takes the header, which is written last, is taken away again.
 */
struct two_pages {
	uint8_t *header, *data;
	size_t page;
	int memfd, uffd, socks[2], fd;
	pid_t pid;
	int *ret;
};

static void peek_in_child(struct two_pages *two)
{
	struct mbox_ioc_recv *arg = (void *)two->header;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { address_of(two->header), 2 * two->page },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	memset(arg, 0, sizeof(*arg));
	arg->flags = MBOX_RECV_PEEK;
	arg->data = address_of(two->data);
	arg->size = two->page;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg) ||
	    fd_pass(two->socks[1], uffd))
		_exit(1);
	*two->ret = xioctl(two->fd, MBOX_IOC_RECV, arg);
	_exit(0);
}

static uint64_t await_fault(struct __test_metadata *_metadata, struct two_pages *two)
{
	struct pollfd pollfd = { .fd = two->uffd, .events = POLLIN };
	struct uffd_msg msg = { 0 };

	EXPECT_EQ(1, poll(&pollfd, 1, PATIENCE * 1000));
	EXPECT_EQ((ssize_t)sizeof(msg), read(two->uffd, &msg, sizeof(msg)));
	return msg.arg.pagefault.address & ~(uint64_t)(two->page - 1);
}

static void give(struct __test_metadata *_metadata, struct two_pages *two, uint8_t *page)
{
	struct uffdio_zeropage zero = { .range = { address_of(page), two->page } };

	ASSERT_EQ(0, ioctl(two->uffd, UFFDIO_ZEROPAGE, &zero));
}

static void peek_and_stall(struct __test_metadata *_metadata, struct two_pages *two, int fd)
{
	two->fd = fd;
	two->page = sysconf(_SC_PAGESIZE);
	two->memfd = memfd_create("pages", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(two->memfd, 2 * two->page));
	two->header = mmap(NULL, 2 * two->page, PROT_READ | PROT_WRITE, MAP_SHARED, two->memfd, 0);
	ASSERT_NE(MAP_FAILED, (void *)two->header);
	two->data = two->header + two->page;
	two->ret = shared_alloc(sizeof(*two->ret));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, two->socks));
	two->pid = fork_child();
	ASSERT_LE(0, two->pid);
	if (!two->pid)
		peek_in_child(two);
	two->uffd = fd_take(two->socks[0]);
	ASSERT_LE(0, two->uffd);
	ASSERT_EQ(address_of(two->data), await_fault(_metadata, two));
	ASSERT_EQ(0, fallocate(two->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, two->page));
	give(_metadata, two, two->data);
	ASSERT_EQ(address_of(two->header), await_fault(_metadata, two));
}

static bool can_stall(void)
{
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (uffd < 0)
		return false;
	close(uffd);
	return true;
}

TEST_F(charge, received_while_somebody_peeks)
{
	struct two_pages two;
	static uint8_t data[BYTES];
	int fd;

	if (!can_stall())
		SKIP(return, "no userfaultfd of faults in the kernel");
	fd = box(self);
	ASSERT_LE(0, fd);
	/* the message is all that there is room for */
	ASSERT_EQ(0, param_set("user_bytes", 512));
	ASSERT_EQ(0, user_sends(self, 300));
	peek_and_stall(_metadata, &two, fd);
	ASSERT_EQ(0, recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL));
	EXPECT_EQ(0, info_of(fd).queued);
	EXPECT_EQ(-EDQUOT, user_sends(self, 1));
	give(_metadata, &two, two.header);
	EXPECT_EQ(0, reap(two.pid));
	EXPECT_EQ(0, *two.ret);
	EXPECT_EQ(0, user_sends(self, 300));
	EXPECT_BALANCED(fd);
	close(two.uffd);
	close(fd);
}

TEST_F(charge, deleted_while_somebody_peeks)
{
	struct two_pages two;
	int fd, other;

	if (!can_stall())
		SKIP(return, "no userfaultfd of faults in the kernel");
	fd = box(self);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, param_set("user_bytes", 512));
	ASSERT_EQ(0, user_sends(self, 300));
	peek_and_stall(_metadata, &two, fd);
	ASSERT_EQ(0, delete_fd(fd, MBOX_DELETE_FORCE));
	name_make(self->name);
	other = box(self);
	ASSERT_LE(0, other);
	EXPECT_EQ(-EDQUOT, user_sends(self, 1));
	give(_metadata, &two, two.header);
	EXPECT_EQ(0, reap(two.pid));
	EXPECT_EQ(0, user_sends(self, 300));
	close(two.uffd);
	close(other);
	close(fd);
}

/* A message to all: each delivery is charged as long as somebody copies from it. */
TEST_F(charge, a_delivery_received_while_somebody_peeks)
{
	struct mbox_ioc_open arg = open_arg(self->name, MBOX_CAPACITY_UNBOUNDED);
	static uint8_t data[4096];
	struct two_pages two;
	int fd;

	if (!can_stall())
		SKIP(return, "no userfaultfd of faults in the kernel");
	arg.policy = MBOX_POLICY_BROADCAST;
	arg.mode = 0666;
	ASSERT_EQ(0, setresuid(self->uid, -1, -1));
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_EQ(0, setresuid(0, -1, -1));
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, param_set("user_bytes", 512 + MBOX_SMALL_CHARGE));
	ASSERT_EQ(1, user_sends(self, 300));
	peek_and_stall(_metadata, &two, fd);
	ASSERT_EQ(0, recv_bytes(fd, MBOX_RECV_NONBLOCK, data, sizeof(data), NULL));
	EXPECT_EQ(-EDQUOT, user_sends(self, 1));
	give(_metadata, &two, two.header);
	EXPECT_EQ(0, reap(two.pid));
	EXPECT_EQ(1, user_sends(self, 300));
	close(two.uffd);
	close(fd);
}

/*
 * One task tries again and again to send too much; the small messages of another get through
 * meanwhile.
 */
struct race {
	struct _test_data_charge *self;
	int end, tries;
};

static int try_too_much(void *arg)
{
	static uint8_t data[BYTES];
	struct race *race = arg;
	int fd;

	if (become(race->self->uid, race->self->uid))
		return -EPROTO;
	fd = open_name(race->self->name, MBOX_RIGHT_SEND);
	while (!__atomic_load_n(&race->end, __ATOMIC_RELAXED)) {
		if (send_bytes(fd, MBOX_SEND_NONBLOCK, 0, 0, data, LARGE) != -EDQUOT)
			return -EPROTO;
		race->tries++;
	}
	return 0;
}

static int send_little(void *arg)
{
	struct race *race = arg;
	int64_t end = now() + 2 * NSEC_PER_SEC;
	int fd, ret = 0, sends = 0;
	uint8_t byte;

	if (become(race->self->uid, race->self->uid))
		return -EPROTO;
	fd = open_name(race->self->name, RIGHTS_BOTH);
	while (!ret && (now() < end || race->tries < 1000)) {
		ret = send_bytes(fd, MBOX_SEND_NONBLOCK, 7, 0, "x", 1) ?:
		      recv_bytes(fd, MBOX_RECV_NONBLOCK, &byte, 1, NULL);
		sends++;
	}
	set_flag(&race->end);
	return ret ?: sends;
}

TEST_F(charge, too_much_is_in_nobodys_way)
{
	struct race *race = shared_alloc(sizeof(*race));
	int fd = box(self);
	pid_t pid;

	ASSERT_LE(0, fd);
	race->self = self;
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(0, user_sends(self, BYTES / 8 - MBOX_LARGE_CHARGE));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(-try_too_much(race));
	EXPECT_LT(0, in_child(send_little, race));
	set_flag(&race->end);
	EXPECT_EQ(0, reap(pid));
	close(fd);
}

/*
 * Make two rings that take all of the quota, close them with their data mapped, and make a third
 * when one of the mappings has gone: not before.
 */
static int map_and_close(void *arg)
{
	struct _test_data_charge *self = arg;
	struct mbox_ioc_open open = open_arg(NULL, 0);
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;
	void *data[2];
	int fd, ret;

	open.capacity = 0;
	open.msg_size = 0;
	open.ring = BYTES / 2;
	if (become(self->uid, self->uid))
		return -EPROTO;
	for (int i = 0; i < 2; i++) {
		fd = open_call(MBOX_IOC_CREATE, &open);
		if (fd < 0)
			return fd;
		data[i] = mmap(NULL, BYTES / 2, PROT_READ, MAP_SHARED, fd, MBOX_RING_DATA_OFFSET);
		if (data[i] == MAP_FAILED)
			return -errno;
		close(fd);
	}
	/* longer than the module waits before it looks */
	for (int i = 0; i < 15; i++) {
		ret = open_call(MBOX_IOC_CREATE, &open);
		if (ret != -EDQUOT)
			return ret < 0 ? ret : -EEXIST;
		nanosleep(&(struct timespec) { .tv_nsec = 100 * NSEC_PER_MSEC }, NULL);
	}
	munmap(data[1], BYTES / 2);
	do {
		ret = open_call(MBOX_IOC_CREATE, &open);
		nap();
	} while (ret == -EDQUOT && now() < end);
	return ret < 0 ? ret : 0;
}

TEST_F(charge, a_ring_that_is_mapped)
{
	EXPECT_EQ(0, in_child(map_and_close, self));
}

/* A mailbox that has been busy keeps some memory for later; all of a user's together keep little. */
#define BOXES	400
#define BURST	32

static int keep_slots(void *arg)
{
	struct rlimit files = { .rlim_cur = 2 * BOXES, .rlim_max = 2 * BOXES };
	struct mbox_ioc_open open = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	struct _test_data_charge *self = arg;
	int *flags = (int *)self->name, fd, ret;
	uint8_t byte;

	if (setrlimit(RLIMIT_NOFILE, &files) || become(self->uid, self->uid))
		return -EPROTO;
	for (int i = 0; i < BOXES; i++) {
		fd = open_call(MBOX_IOC_CREATE, &open);
		if (fd < 0)
			return fd;
		for (int n = 0; n < 2 * BURST; n++) {
			ret = n < BURST ? send_bytes(fd, 0, 0, 0, "x", 1) :
					  recv_bytes(fd, 0, &byte, 1, NULL);
			if (ret)
				return ret;
		}
	}
	set_flag(flags);
	return await_flag(flags + 1) ? 0 : -ETIME;
}

/* Messages that there is memory for, or -1. KASAN keeps freed ones for a while, if not asked to shrink. */
static long slots(void)
{
	int shrink = open("/sys/kernel/slab/mbox_slot/shrink", O_WRONLY | O_CLOEXEC);
	char line[512];
	long n = -1;
	FILE *f;

	if (shrink >= 0) {
		xwrite(shrink, "1", 1);
		close(shrink);
	}
	f = fopen("/proc/slabinfo", "re");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "mbox_slot %ld", &n);
	if (f)
		fclose(f);
	return n;
}

TEST_F(charge, free_slots_are_few)
{
	struct _test_data_charge *shared = shared_alloc(sizeof(*shared));
	int *flags = (int *)shared->name;
	long before = slots();
	pid_t pid;

	if (before < 0)
		SKIP(return, "no mbox_slot in /proc/slabinfo");
	ASSERT_EQ(0, param_set("user_mailboxes", BOXES));
	shared->uid = self->uid;
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(-keep_slots(shared));
	EXPECT_TRUE(await_flag(flags));
	EXPECT_GT(BOXES * BURST / 2, slots() - before);
	set_flag(flags + 1);
	EXPECT_EQ(0, reap(pid));
}

MBOX_TEST_MAIN
