// SPDX-License-Identifier: GPL-2.0-only
/* libmbox on rings: arguments, results and errors of each function. */
#include "lib/library.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/mbox_ring.h>

#define RING	65536U

FIXTURE(ring)
{
	char name[MBOX_NAME_SIZE];
	struct mbox *in, *out;
	struct mbox_header header;
	char data[RING];
};

static struct mbox_attr ring_attr(uint32_t options)
{
	struct mbox_attr attr = test_attr();

	attr.capacity = 0;
	attr.ring = RING;
	attr.options = options;
	return attr;
}

/*
 * The next but @after mmap() with MAP_FIXED fails as the kernel's may: the mapping that was there
 * is gone, and another thread has got the place.
 */
static struct {
	int after;
	bool due;
	void *place;
	size_t size;
} theft;

static void *mmap_real(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
	return (void *)syscall(SYS_mmap, at, size, prot, flags, fd, offset);
}

/* Takes the place of libc's, for the library: in a static program too, where dlsym() finds nothing. */
void *mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
	if (!(flags & MAP_FIXED) || !theft.due || theft.after--)
		return mmap_real(at, size, prot, flags, fd, offset);
	theft.due = false;
	theft.size = size;
	theft.place = mmap_real(at, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	errno = EIDRM;
	return MAP_FAILED;
}

FIXTURE_VARIANT(ring)
{
	uint32_t options;
};

FIXTURE_VARIANT_ADD(ring, fixed) { .options = 0 };
FIXTURE_VARIANT_ADD(ring, grow) { .options = MBOX_OPTION_GROW };

/* A ring has no capacity: the default means none, and any other is an error. */
TEST(ring_without_capacity)
{
	struct mbox_attr attr = MBOX_ATTR_INIT;
	struct mbox_info info;
	struct mbox *mb;

	attr.lifetime = MBOX_LIFETIME_FD;
	attr.ring = 65536;
	ASSERT_EQ(0, mbox_create(&mb, NULL, MBOX_RIGHT_SEND, &attr));
	EXPECT_EQ(0, mbox_get(mb, &info));
	EXPECT_EQ(0, info.capacity);
	mbox_close(mb);
	attr.capacity = 63;
	EXPECT_RET(-EINVAL, mbox_create(&mb, NULL, MBOX_RIGHT_SEND, &attr));
}

FIXTURE_SETUP(ring)
{
	struct mbox_attr attr = ring_attr(variant->options);

	name_make(self->name);
	ASSERT_EQ(0, mbox_create(&self->in, self->name, MBOX_RIGHT_SEND, &attr));
	ASSERT_EQ(0, mbox_open(&self->out, self->name, MBOX_RIGHT_RECV));
	memset(&self->header, POISON, sizeof(self->header));
	memset(self->data, POISON, sizeof(self->data));
}

FIXTURE_TEARDOWN(ring)
{
	mbox_close(self->in);
	mbox_close(self->out);
}

TEST_F(ring, send_and_receive)
{
	struct mbox_send_opts opts = { .type = 77 };
	struct mbox_header expected = { .length = 5, .type = 77 };
	void *data;

	EXPECT_RET(0, mbox_send(self->in, "hello", 5, &opts));
	EXPECT_RET(5, mbox_recv(self->out, self->data, RING, NULL, &self->header));
	EXPECT_EQ(0, memcmp(self->data, "hello", 5));
	EXPECT_TRUE(untouched(self->data + 5, RING - 5));
	EXPECT_EQ(0, memcmp(&expected, &self->header, sizeof(expected)));
	EXPECT_RET(0, mbox_send_timeout(self->in, NULL, 0, 0));
	EXPECT_RET(0, mbox_recv_timeout(self->out, NULL, 0, 0));
	EXPECT_RET(0, mbox_send_string(self->in, "a string"));
	EXPECT_RET(8, mbox_recv_string(self->out, self->data, 9));
	EXPECT_STREQ("a string", self->data);
	EXPECT_RET(0, mbox_send(self->in, self->data, 8000, NULL));
	EXPECT_RET(8000, mbox_recv_alloc(self->out, &data, NULL, NULL));
	EXPECT_EQ(0, memcmp(self->data, data, 8000));
	free(data);
	EXPECT_EQ(0, info_of(mbox_fd(self->in)).queued);
}

TEST_F(ring, nothing_to_receive)
{
	struct mbox_recv_opts opts = { .flags = MBOX_RECV_NONBLOCK };
	int64_t deadline = now() + 20 * NSEC_PER_MSEC;
	const void *p = self;

	for (int i = 0; i < 3; i++) {
		EXPECT_RET(-EAGAIN, mbox_recv(self->out, self->data, RING, &opts, &self->header));
		EXPECT_RET(-EAGAIN, mbox_ring_peek(self->out, &p, &opts, &self->header));
	}
	EXPECT_RET(-ETIMEDOUT, mbox_recv_timeout(self->out, self->data, RING, 20 * NSEC_PER_MSEC));
	EXPECT_LE(deadline, now());
	ASSERT_EQ(0, fcntl(mbox_fd(self->out), F_SETFL, O_NONBLOCK));
	EXPECT_RET(-EAGAIN, mbox_recv(self->out, self->data, RING, NULL, &self->header));
	EXPECT_EQ(self, p);
	EXPECT_TRUE(untouched(&self->header, sizeof(self->header)));
	EXPECT_TRUE(untouched(self->data, RING));
}

/* Full, then with room again for the record that did not fit. */
TEST_F(ring, full)
{
	int64_t deadline = now() + 20 * NSEC_PER_MSEC;
	unsigned int sent = 0, received = 0;
	int ret;

	while ((ret = mbox_send_timeout(self->in, self->data, 8000, 0)) == 0)
		sent++;
	EXPECT_EQ(-EAGAIN, ret);
	EXPECT_EQ(RING / 8008, sent);
	EXPECT_RET(-EAGAIN, mbox_send_timeout(self->in, self->data, 8000, 0));
	EXPECT_RET(-ETIMEDOUT, mbox_send_timeout(self->in, self->data, 8000, 20 * NSEC_PER_MSEC));
	EXPECT_LE(deadline, now());
	EXPECT_EQ(sent * 8008, info_of(mbox_fd(self->in)).queued_bytes);
	EXPECT_RET(0, mbox_send_timeout(self->in, self->data, 1000, 0));
	while ((ret = mbox_recv_timeout(self->out, self->data, RING, 0)) == 8000)
		received++;
	EXPECT_EQ(sent, received);
	EXPECT_EQ(1000, ret);
	EXPECT_RET(0, mbox_send_timeout(self->in, self->data, 8000, 0));
}

TEST_F(ring, peek_leaves_it)
{
	struct mbox_recv_opts opts = { .flags = MBOX_RECV_PEEK };

	EXPECT_RET(0, mbox_send_string(self->in, "first"));
	EXPECT_RET(0, mbox_send_string(self->in, "second"));
	for (int i = 0; i < 2; i++)
		EXPECT_RET(5, mbox_recv(self->out, self->data, RING, &opts, NULL));
	EXPECT_RET(-EMSGSIZE, mbox_recv(self->out, self->data, 4, NULL, &self->header));
	EXPECT_EQ(5, self->header.length);
	EXPECT_RET(5, mbox_recv_string(self->out, self->data, RING));
	EXPECT_STREQ("first", self->data);
	EXPECT_RET(6, mbox_recv_string(self->out, self->data, RING));
	EXPECT_STREQ("second", self->data);
}

TEST_F(ring, in_place)
{
	struct mbox_send_opts opts = { .type = 5 };
	const void *from, *again;
	void *to, *other;

	EXPECT_RET(0, mbox_ring_reserve(self->in, 100, &to, &opts));
	EXPECT_EQ(0, (uintptr_t)to % MBOX_RING_ALIGN);
	memcpy(to, "not sent", 8);
	EXPECT_RET(-EINVAL, mbox_ring_commit(self->in, 101));
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(self->out, self->data, RING, 0));
	EXPECT_RET(0, mbox_ring_reserve(self->in, 100, &other, &opts));
	EXPECT_EQ(to, other);
	memcpy(to, "sent", 4);
	EXPECT_RET(0, mbox_ring_commit(self->in, 4));
	EXPECT_RET(-EINVAL, mbox_ring_commit(self->in, 0));

	EXPECT_RET(-EINVAL, mbox_ring_release(self->out));
	EXPECT_RET(4, mbox_ring_peek(self->out, &from, NULL, &self->header));
	EXPECT_EQ(5, self->header.type);
	EXPECT_EQ(4, self->header.length);
	EXPECT_EQ(0, (uintptr_t)from % MBOX_RING_ALIGN);
	EXPECT_EQ(0, memcmp(from, "sent", 4));
	EXPECT_RET(4, mbox_ring_peek(self->out, &again, NULL, NULL));
	EXPECT_EQ(from, again);
	EXPECT_EQ(1, info_of(mbox_fd(self->in)).queued);
	EXPECT_RET(0, mbox_ring_release(self->out));
	EXPECT_EQ(0, info_of(mbox_fd(self->in)).queued);
	EXPECT_RET(-EINVAL, mbox_ring_release(self->out));
}

TEST_F(ring, refused)
{
	struct mbox_info before = info_of(mbox_fd(self->in));
	static const struct { struct mbox_send_opts opts; int ret; } sends[] = {
		{ { .flags = MBOX_SEND_SYNC }, -EOPNOTSUPP }, { { .prio = 1 }, -EOPNOTSUPP },
		{ { .flags = 4 }, -EINVAL }, { { .prio = MBOX_PRIO_MAX + 1 }, -EINVAL },
		{ { .clock = 4 }, -EINVAL }, { { .deadline = 1 }, -EINVAL },
		{ { .clock = MBOX_CLOCK_MONOTONIC, .deadline = -1 }, -EINVAL },
	};
	static const struct { struct mbox_recv_opts opts; int ret; } recvs[] = {
		{ { .flags = MBOX_RECV_BY_TYPE, .type = 1 }, -EOPNOTSUPP },
		{ { .flags = MBOX_RECV_BY_SENDER, .pid = 1 }, -EOPNOTSUPP },
		{ { .min_prio = 1 }, -EOPNOTSUPP }, { { .type = 1 }, -EINVAL },
		{ { .pid = 1 }, -EINVAL }, { { .flags = 1U << 31 }, -EINVAL },
		{ { .flags = MBOX_RECV_NOT_TYPE, .type_hi = 1 }, -EOPNOTSUPP },
		{ { .flags = MBOX_RECV_MAX_TYPE, .type = 1 }, -EOPNOTSUPP },
		{ { .flags = MBOX_RECV_TRUNC }, -EOPNOTSUPP },
		{ { .flags = MBOX_RECV_PEEK | MBOX_RECV_AT }, -EOPNOTSUPP },
		{ { .min_prio = MBOX_PRIO_MAX + 1 }, -EINVAL }, { { .clock = 4 }, -EINVAL },
		{ { .deadline = 1 }, -EINVAL },
	};
	const void *from = self;
	void *to = self;
	struct mbox *mb;

	for (size_t i = 0; i < ARRAY_SIZE(sends); i++) {
		EXPECT_RET(sends[i].ret, mbox_send(self->in, "text", 4, &sends[i].opts));
		EXPECT_RET(sends[i].ret, mbox_ring_reserve(self->in, 4, &to, &sends[i].opts));
	}
	for (size_t i = 0; i < ARRAY_SIZE(recvs); i++) {
		EXPECT_RET(recvs[i].ret, mbox_recv(self->out, self->data, 4, &recvs[i].opts,
						   &self->header));
		EXPECT_RET(recvs[i].ret, mbox_ring_peek(self->out, &from, &recvs[i].opts,
							&self->header));
	}
	EXPECT_RET(-EMSGSIZE, mbox_send(self->in, self->data, MBOX_MSG_SIZE_DEFAULT + 1, NULL));
	EXPECT_RET(-EMSGSIZE, mbox_ring_reserve(self->in, SIZE_MAX, &to, NULL));
	EXPECT_RET(-EFAULT, mbox_send(self->in, NULL, 1, NULL));
	EXPECT_RET(-EFAULT, mbox_ring_reserve(self->in, 1, NULL, NULL));
	EXPECT_RET(-EFAULT, mbox_recv(self->out, NULL, 1, NULL, NULL));
	EXPECT_RET(-EFAULT, mbox_ring_peek(self->out, NULL, NULL, NULL));
	EXPECT_RET(-EBADF, mbox_send(self->out, "text", 4, NULL));
	EXPECT_RET(-EBADF, mbox_ring_reserve(self->out, 4, &to, NULL));
	EXPECT_RET(-EBADF, mbox_ring_commit(self->out, 0));
	EXPECT_RET(-EBADF, mbox_recv(self->in, self->data, 4, NULL, NULL));
	EXPECT_RET(-EBADF, mbox_ring_peek(self->in, &from, NULL, NULL));
	EXPECT_RET(-EBADF, mbox_ring_release(self->in));
	EXPECT_RET(-EINVAL, mbox_ring_reserve(NULL, 4, &to, NULL));
	EXPECT_RET(-EINVAL, mbox_ring_commit(NULL, 4));
	EXPECT_RET(-EINVAL, mbox_ring_peek(NULL, &from, NULL, NULL));
	EXPECT_RET(-EINVAL, mbox_ring_release(NULL));
	mb = NOT_WRITTEN;
	EXPECT_RET(-EBUSY, mbox_open(&mb, self->name, MBOX_RIGHT_SEND));
	EXPECT_EQ(NOT_WRITTEN, mb);
	EXPECT_EQ(self, (void *)from);
	EXPECT_EQ(self, to);
	EXPECT_TRUE(untouched(self->data, RING));
	EXPECT_TRUE(untouched(&self->header, sizeof(self->header)));
	EXPECT_UNCHANGED(mbox_fd(self->in), &before);
}

/* Without a side, a handle of a ring serves as any handle does. */
TEST_F(ring, without_rights)
{
	struct mbox_info info;
	struct mbox *mb;

	ASSERT_EQ(0, mbox_open(&mb, self->name, 0));
	EXPECT_RET(0, mbox_get(mb, &info));
	EXPECT_EQ(MBOX_KIND_RING, info.kind);
	EXPECT_RET(-EBADF, mbox_send(mb, "text", 4, NULL));
	EXPECT_RET(-EBADF, mbox_recv(mb, self->data, 4, NULL, NULL));
	EXPECT_RET(0, mbox_delete_handle(mb, MBOX_DELETE_FORCE, NULL));
	mbox_close(mb);
	EXPECT_RET(-EIDRM, mbox_send(self->in, "text", 4, NULL));
	EXPECT_RET(-EIDRM, mbox_recv(self->out, self->data, 4, NULL, NULL));
}

TEST_F(ring, not_on_other_mailboxes)
{
	struct mbox_attr attr = test_attr();
	const void *from;
	struct mbox *mb;
	void *to;

	ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
	EXPECT_RET(-EOPNOTSUPP, mbox_ring_reserve(mb, 4, &to, NULL));
	EXPECT_RET(-EOPNOTSUPP, mbox_ring_commit(mb, 4));
	EXPECT_RET(-EOPNOTSUPP, mbox_ring_peek(mb, &from, NULL, NULL));
	EXPECT_RET(-EOPNOTSUPP, mbox_ring_release(mb));
	mbox_close(mb);
}

/* A handle made from a descriptor goes on where the indices are. */
TEST_F(ring, from_fd)
{
	struct mbox *mb;
	int fd;

	EXPECT_RET(0, mbox_send_string(self->in, "first"));
	EXPECT_RET(0, mbox_send_string(self->in, "second"));
	EXPECT_RET(5, mbox_recv_string(self->out, self->data, RING));
	fd = dup(mbox_fd(self->out));
	ASSERT_LE(0, fd);
	EXPECT_RET(0, mbox_from_fd(&mb, fd));
	mbox_close(self->out);
	self->out = mb;
	EXPECT_RET(6, mbox_recv_string(self->out, self->data, RING));
	EXPECT_STREQ("second", self->data);
	EXPECT_RET(-EAGAIN, mbox_recv_timeout(self->out, self->data, RING, 0));
}

static bool is_mapped(void *at, size_t size)
{
	return msync(at, size, MS_ASYNC) == 0;
}

/* The mapping that another thread makes meanwhile is not unmapped, and all else is. */
TEST_F(ring, place_of_the_mapping_lost)
{
	int copy;

	mbox_close(self->out);
	for (copy = 0; copy < 2; copy++) {
		self->out = NOT_WRITTEN;
		theft.after = copy;
		theft.due = true;
		EXPECT_RET(-EIDRM, mbox_open(&self->out, self->name, MBOX_RIGHT_RECV));
		EXPECT_EQ(NOT_WRITTEN, self->out);
		ASSERT_FALSE(theft.due);
		ASSERT_NE(MAP_FAILED, theft.place);
		EXPECT_TRUE(is_mapped(theft.place, theft.size)) TH_LOG("copy %d", copy);
		EXPECT_FALSE(is_mapped((char *)theft.place + (copy ? -theft.size : theft.size), theft.size));
		munmap(theft.place, theft.size);
	}
	ASSERT_EQ(0, mbox_open(&self->out, self->name, MBOX_RIGHT_RECV));
	EXPECT_RET(0, mbox_send_string(self->in, "found"));
	EXPECT_RET(5, mbox_recv_string(self->out, self->data, RING));
}

/* A ring that is created and cannot be mapped is not left behind. */
TEST(no_memory_for_the_mapping)
{
	struct mbox_attr attr = ring_attr(0);
	struct mbox *mb = NOT_WRITTEN;
	char name[MBOX_NAME_SIZE];
	struct rlimit old, less = { 1, 1 };

	name_make(name);
	attr.lifetime = MBOX_LIFETIME_OS;
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &old));
	less.rlim_max = old.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &less));
	EXPECT_RET(-ENOMEM, mbox_create(&mb, name, RIGHTS_BOTH, &attr));
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &old));
	EXPECT_EQ(NOT_WRITTEN, mb);
	EXPECT_RET(-ENOENT, mbox_open(&mb, name, 0));
}

MBOX_TEST_MAIN
