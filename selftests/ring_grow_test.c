// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings that grow: their creator is charged for the memory that they hold.
 *
 * Sets the module parameter user_bytes, and sets it back.
 */
#include "lib/library.h"
#include "lib/module.h"
#include "lib/poll.h"
#include "lib/ring.h"
#include "lib/user.h"

#include <mbox_monitor.h>
#include <sys/epoll.h>

#define BYTES		(4U << 20)	/* the quota */
#define LARGE		(1ULL << 30)	/* a ring that no user may have otherwise */
#define RECORD		8192
#define STEP		65536		/* the library asks for so much at a time */

FIXTURE(grow)
{
	uint64_t bytes;		/* the quota that was set before */
	uint64_t control;	/* charged for the control pages */
	uid_t uid;
	size_t page;
	char name[MBOX_NAME_SIZE];
};

FIXTURE_SETUP(grow)
{
	if (geteuid())
		SKIP(return, "only root can set module parameters, and become another user");
	self->bytes = param_get("user_bytes");
	if (!self->bytes || param_set("user_bytes", BYTES))
		SKIP(return, "the module parameter user_bytes cannot be written");
	self->page = page_size();
	self->control = 2 * self->page;
	self->uid = spare_uid(0);
	name_make(self->name);
	umask(0);
}

FIXTURE_TEARDOWN_PARENT(grow)
{
	if (self->bytes)
		param_set("user_bytes", self->bytes);
}

/* What the caller is charged, or a negated errno. */
static int64_t charged(void)
{
	const struct mbox_monitor_user *user;
	struct mbox_monitor *monitor;
	int64_t ret = mbox_monitor_open(&monitor);

	if (ret < 0)
		return ret;
	ret = mbox_monitor_user(monitor, -1, &user);
	if (ret == 0)
		ret = user->bytes;
	mbox_monitor_close(monitor);
	return ret;
}

/* Wait until the caller is charged so much: of a ring that is unmapped, a second later. */
static int64_t await_charged(int64_t expected)
{
	int64_t end = now() + PATIENCE * NSEC_PER_SEC;

	while (charged() != expected && now() < end)
		nap();
	return charged();
}

static struct mbox_attr grow_attr(uint64_t size)
{
	struct mbox_attr attr = test_attr();

	attr.capacity = 0;
	attr.ring = size;
	attr.options = MBOX_OPTION_GROW;
	attr.mode = 0666;
	return attr;
}

/* Records that tell their number. */
static int send_number(struct mbox *mb, uint64_t number)
{
	static uint64_t data[RECORD / 8 - 1];

	data[0] = number;
	data[RECORD / 8 - 2] = ~number;
	return mbox_send_timeout(mb, data, sizeof(data), 0);
}

static int64_t recv_number(struct mbox *mb)
{
	static uint64_t data[RECORD / 8 - 1];
	int64_t ret = mbox_recv_timeout(mb, data, sizeof(data), 0);

	if (ret < 0)
		return ret;
	return ret == sizeof(data) && data[0] == ~data[RECORD / 8 - 2] ? (int64_t)data[0] : -EBADMSG;
}

static int follow_contents(void *arg)
{
	struct _test_data_grow *self = arg;
	struct mbox_attr attr = grow_attr(LARGE);
	int64_t had = self->control;
	struct mbox *mb;

	CHECK(0, become(self->uid, self->uid));
	CHECK(0, charged());
	CHECK(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	CHECK(had, charged());
	CHECK(0, send_number(mb, 0));
	CHECK(had + STEP, charged());
	for (int i = 1; i < 256; i++)
		CHECK(0, send_number(mb, i));
	CHECK(had + 256 * RECORD, charged());
	for (int i = 0; i < 128; i++)
		CHECK(i, recv_number(mb));
	CHECK(had + 128 * RECORD, charged());
	for (int i = 128; i < 256; i++)
		CHECK(i, recv_number(mb));
	CHECK(-EAGAIN, recv_number(mb));
	CHECK(had, charged());
	CHECK(0, send_number(mb, 1));
	mbox_close(mb);
	CHECK(0, charged());
	return 0;
}

/* Each lap of the ring is charged for as the first. */
static int go_round(void *arg)
{
	struct _test_data_grow *self = arg;
	struct mbox_attr attr = grow_attr(1 << 20);
	struct mbox *mb;

	CHECK(0, become(self->uid, self->uid));
	CHECK(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	for (int lap = 0; lap < 5; lap++) {
		int n = 0, i;

		while (send_number(mb, n) == 0)
			n++;
		CHECK(true, n >= 120 && n <= 128);
		CHECK(true, charged() <= (int64_t)self->control + (1 << 20));
		for (i = 0; i < n - 1; i++)
			CHECK(i, recv_number(mb));
		CHECK(true, charged() <= (int64_t)self->control + 3 * STEP);
		CHECK(n - 1, recv_number(mb));
	}
	mbox_close(mb);
	CHECK(0, charged());
	return 0;
}

TEST_F(grow, charge_follows_contents)
{
	EXPECT_EQ(0, in_child(follow_contents, self));
	EXPECT_EQ(0, in_child(go_round, self));
}

static int use_it_up(void *arg)
{
	struct _test_data_grow *self = arg;
	struct mbox_attr attr = grow_attr(LARGE);
	struct mbox_ioc_open open = open_arg(NULL, 4);
	static uint8_t data[4096];
	int box, epoll, n = 0;
	struct mbox *mb;
	uint8_t byte;

	CHECK(0, become(self->uid, self->uid));
	box = open_call(MBOX_IOC_CREATE, &open);
	CHECK(true, box >= 0);
	CHECK(0, put(box, 0, "x"));
	CHECK(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	CHECK(POLLOUT, poll_for(mbox_fd(mb), POLLOUT));
	while (send_number(mb, n) == 0)
		n++;
	CHECK(-EDQUOT, send_number(mb, n));
	CHECK(-EDQUOT, send_number(mb, n));
	/* all but what the message and the control pages leave of a page */
	CHECK(true, n >= (int)(BYTES - self->control - self->page) / RECORD - 1);
	CHECK(true, charged() > (int64_t)(BYTES - self->page - RECORD));
	CHECK(-EDQUOT, send_bytes(box, 0, 0, 0, data, sizeof(data)));
	CHECK(-EDQUOT, open_call(MBOX_IOC_CREATE, &(struct mbox_ioc_open) {
		.rights = RIGHTS_BOTH, .ring = 4 * self->page, .lifetime = MBOX_LIFETIME_FD }));
	/* pollers are told of memory, whatever makes it free */
	CHECK(POLLIN, poll_for(mbox_fd(mb), POLLOUT | POLLIN));
	epoll = watch(mbox_fd(mb), EPOLLOUT | EPOLLET);
	CHECK(true, epoll >= 0);
	CHECK(0, next_event(epoll, 0));
	for (int i = 0; i < 16; i++)
		CHECK(i, recv_number(mb));
	CHECK(EPOLLOUT, next_event(epoll, PATIENCE * 1000) & EPOLLOUT);
	CHECK(0, send_number(mb, n++));
	for (int i = 16; i < n; i++)
		CHECK(i, recv_number(mb));
	CHECK(-EAGAIN, recv_number(mb));
	CHECK(0, recv_bytes(box, 0, &byte, 1, NULL));
	close(epoll);
	close(box);
	mbox_close(mb);
	CHECK(0, charged());
	return 0;
}

TEST_F(grow, exhausted)
{
	EXPECT_EQ(0, in_child(use_it_up, self));
}

static int send_as_another(void *arg)
{
	struct _test_data_grow *self = arg;
	struct mbox *mb;

	CHECK(0, become(self->uid + 1, self->uid + 1));
	CHECK(0, mbox_open(&mb, self->name, MBOX_RIGHT_SEND));
	for (int i = 0; i < 128; i++)
		CHECK(0, send_number(mb, i));
	CHECK(0, charged());
	return 0;
}

/* The creator is charged, also if another user sends, or owns the mailbox. */
static int let_another_send(void *arg)
{
	struct _test_data_grow *self = arg;
	struct mbox_attr attr = grow_attr(LARGE);
	struct mbox_ioc_set set = { .mask = MBOX_SET_UID, .uid = self->uid + 2 };
	struct mbox *mb;
	int fd;

	CHECK(0, setresuid(self->uid, self->uid, 0));
	CHECK(0, mbox_create(&mb, self->name, MBOX_RIGHT_RECV, &attr));
	CHECK(0, setresuid(0, 0, 0));
	CHECK(0, in_child(send_as_another, self));
	fd = open_name(self->name, 0);
	CHECK(0, xioctl(fd, MBOX_IOC_SET, &set));
	close(fd);
	CHECK(0, become(self->uid, self->uid));
	CHECK((int64_t)self->control + 128 * RECORD, charged());
	for (int i = 0; i < 128; i++)
		CHECK(i, recv_number(mb));
	CHECK(-EOWNERDEAD, recv_number(mb));
	CHECK((int64_t)self->control, charged());
	mbox_close(mb);
	CHECK(0, charged());
	return 0;
}

TEST_F(grow, two_users)
{
	EXPECT_EQ(0, in_child(let_another_send, self));
}

/* The charge, and the memory, last as long as a mapping of the data. */
static int delete_mapped(void *arg)
{
	struct _test_data_grow *self = arg;
	int64_t all = self->control + 16 * self->page;
	struct ring_area area;
	pid_t pid;

	CHECK(0, become(self->uid, self->uid));
	CHECK(0, ring_area_make(&area, self->name));
	CHECK(0, ring_grow(area.fd, MBOX_RIGHT_SEND, 16 * self->page));
	CHECK(all, charged());
	pid = fork_child();
	if (pid == 0) {
		area.data[0] = 7;
		pause();
	}
	CHECK(0, delete_fd(area.fd, MBOX_DELETE_FORCE));
	CHECK(-EIDRM, ring_grow(area.fd, MBOX_RIGHT_SEND, 17 * self->page));
	munmap(area.head, self->page);
	munmap(area.tail, self->page);
	close(area.fd);
	CHECK(all, charged());
	CHECK(0, ring_touch(area.data + 15 * self->page, true));
	CHECK(SIGBUS, ring_touch(area.data + 16 * self->page, true));
	munmap(area.data, RING_AREA);
	nanosleep(&(struct timespec) { .tv_sec = 1, .tv_nsec = 500 * NSEC_PER_MSEC }, NULL);
	CHECK(all, charged());
	kill(pid, SIGKILL);
	CHECK(SIGKILL, WTERMSIG(reap(pid)));
	CHECK(0, await_charged(0));
	return 0;
}

TEST_F(grow, deleted_while_mapped)
{
	EXPECT_EQ(0, in_child(delete_mapped, self));
}

MBOX_TEST_MAIN
