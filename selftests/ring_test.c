// SPDX-License-Identifier: GPL-2.0-only
/* Rings by their ABI: creating, opening, mapping, and the quota. */
#include "lib/module.h"
#include "lib/passing.h"
#include "lib/ring_mapped.h"
#include "lib/user.h"

#include <sys/syscall.h>

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
	BAD_WAIT(self->in, flags, 16);
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
	BAD_WAIT(self->in, flags, MBOX_WAIT_GROW);
	BAD_WAIT(self->out, flags, MBOX_WAIT_GROW);
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

/*
 * The quota of a user of its own: rings are charged whole, until they are gone; ring_grow_test has
 * those that grow.
 */
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
