// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile side writes anything, anywhere it can: the other side gets errors or waits until its
 * deadline, and the kernel goes on; all can be closed and deleted.
 */
#include "lib/library.h"
#include "lib/ring.h"

#include <setjmp.h>

#define ROUNDS		3000
#define DEADLINE	(2 * NSEC_PER_MSEC)

FIXTURE(hostile)
{
	char name[MBOX_NAME_SIZE];
	struct mbox *mb;	/* the side that is not hostile */
	int *stop;
	pid_t pid;
};

FIXTURE_VARIANT(hostile)
{
	uint32_t right;		/* of the hostile side */
	uint32_t options;
};

FIXTURE_VARIANT_ADD(hostile, producer) { .right = MBOX_RIGHT_SEND };
FIXTURE_VARIANT_ADD(hostile, consumer) { .right = MBOX_RIGHT_RECV };
FIXTURE_VARIANT_ADD(hostile, producer_grow) {
	.right = MBOX_RIGHT_SEND, .options = MBOX_OPTION_GROW };
FIXTURE_VARIANT_ADD(hostile, consumer_grow) {
	.right = MBOX_RIGHT_RECV, .options = MBOX_OPTION_GROW };

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Values that are near to something, or to nothing. */
static uint64_t odd_value(uint64_t *state, uint64_t near)
{
	switch (random_next(state) % 8) {
	case 0: return 0;
	case 1: return near + RING_SIZE + (random_next(state) & 15) - 8;
	case 2: return near - RING_SIZE + (random_next(state) & 15) - 8;
	case 3: return near + (random_next(state) & 0xfff8);
	case 4: return near - (random_next(state) & 0xffff);
	case 5: return UINT64_MAX - (random_next(state) & 7);
	case 6: return near + 16 * (random_next(state) & 7);
	default: return random_next(state);
	}
}

/* Data of a ring that grows ends a process that writes where there is no memory. */
static sigjmp_buf no_memory;

static void on_sigbus(int signal)
{
	siglongjmp(no_memory, 1);
}

/* Everything that this side may write, and every call that it may make. */
static void scribble(int fd, uint32_t right, int *stop, uint64_t seed)
{
	size_t page = page_size();
	uint64_t offset = right == MBOX_RIGHT_SEND ? MBOX_RING_PRODUCER_OFFSET :
						     MBOX_RING_CONSUMER_OFFSET;
	struct mbox_ring_control *own, *other;
	/* what a jump does not clobber */
	static uint64_t state;
	static uint8_t *data;

	state = seed;
	signal(SIGBUS, on_sigbus);
	own = ring_map(fd, offset, page, PROT_READ | PROT_WRITE);
	other = ring_map(fd, MBOX_RING_CONSUMER_OFFSET - offset, page, PROT_READ);
	if ((unsigned long)own >= -4096UL || (unsigned long)other >= -4096UL)
		_exit(1);
	if (right == MBOX_RIGHT_SEND) {
		data = ring_map(fd, MBOX_RING_DATA_OFFSET, RING_SIZE, PROT_READ | PROT_WRITE);
		if ((unsigned long)data >= -4096UL)
			_exit(2);
	}
	sigsetjmp(no_memory, 1);
	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		uint64_t near = random_next(&state) & 1 ? other->index : own->index;
		uint64_t *words = (uint64_t *)own;

		switch (random_next(&state) % 9) {
		case 0:
			words[random_next(&state) % (page / 8)] = odd_value(&state, near);
			break;
		case 1:
			own->waiting = random_next(&state);
			own->gone = random_next(&state) & 1;
			own->freed = odd_value(&state, near);
			break;
		case 2:
		case 3:
			if (data) {
				struct mbox_ring_record *record = (void *)
					(data + (other->index & (RING_SIZE - 8)));

				record->length = random_next(&state) & 1 ?
						 random_next(&state) : random_next(&state) & 0xff;
				memset(data + random_next(&state) % (RING_SIZE - 64),
				       random_next(&state), random_next(&state) & 63);
			}
			own->index = odd_value(&state, near);
			break;
		case 4:
			own->index = other->index + (random_next(&state) & 0xff8);
			break;
		case 5:
			ring_call(fd, MBOX_WAIT_WAKE, 0);
			break;
		case 6:
			if (right == MBOX_RIGHT_RECV)
				ring_call(fd, MBOX_WAIT_TRIM | MBOX_WAIT_WAKE, 0);
			else
				madvise(data, RING_SIZE, MADV_REMOVE);
			break;
		case 7:
			ring_wait_until(fd, MBOX_WAIT_MOVE | MBOX_WAIT_WAKE, 0,
					random_next(&state) & 1 ? other->index : odd_value(&state, near),
					now() + NSEC_PER_MSEC / 8);
			poll_for(fd, POLLIN | POLLOUT);
			break;
		case 8:
			ring_grow(fd, 0, odd_value(&state, near));
			break;
		}
	}
	_exit(0);
}

FIXTURE_SETUP(hostile)
{
	struct mbox_attr attr = test_attr();
	int *ready = shared_alloc(sizeof(*ready));

	self->stop = shared_alloc(sizeof(*self->stop));
	name_make(self->name);
	attr.capacity = 0;
	attr.ring = RING_SIZE;
	attr.options = variant->options;
	ASSERT_EQ(0, mbox_create(&self->mb, self->name, RIGHTS_BOTH ^ variant->right, &attr));
	self->pid = fork_child();
	ASSERT_LE(0, self->pid);
	if (self->pid == 0) {
		int fd = open_name(self->name, variant->right);

		set_flag(ready);
		scribble(fd, variant->right, self->stop, 0x9e3779b97f4a7c15ULL + getpid());
	}
	ASSERT_TRUE(await_flag(ready));
}

FIXTURE_TEARDOWN(hostile)
{
	mbox_close(self->mb);
}

static bool harmless(long long ret)
{
	switch (ret) {
	case -EBADMSG: case -ETIMEDOUT: case -EAGAIN: case -EMSGSIZE:
		return true;
	}
	return ret >= 0;
}

TEST_F(hostile, goes_on)
{
	static uint8_t data[RING_SIZE];
	unsigned int fine = 0, bad = 0;
	struct mbox_info info;
	uint64_t state = 88172645463325252ULL;
	int status;

	for (int i = 0; i < ROUNDS; i++) {
		struct mbox_send_opts send = { .clock = MBOX_CLOCK_MONOTONIC,
					       .deadline = now() + DEADLINE };
		struct mbox_recv_opts recv = { .clock = MBOX_CLOCK_MONOTONIC,
					       .deadline = now() + DEADLINE };
		struct mbox_header header = { .length = 0 };
		long long ret;

		if (variant->right == MBOX_RIGHT_RECV) {
			ret = mbox_send(self->mb, data, random_next(&state) % 3000, &send);
		} else {
			ret = mbox_recv(self->mb, data, sizeof(data), &recv, &header);
			if (ret >= 0)
				EXPECT_EQ(ret, header.length);
			if (ret >= 0)
				ASSERT_GE(MBOX_MSG_SIZE_DEFAULT, ret);
		}
		ASSERT_TRUE(harmless(ret)) TH_LOG("round %d: %lld", i, ret);
		if (ret >= 0)
			fine++;
		else
			bad++;
		ASSERT_EQ(0, info_get(mbox_fd(self->mb), &info));
		ASSERT_GE(RING_SIZE, info.queued_bytes);
		ASSERT_GE(1, info.queued);
		poll_for(mbox_fd(self->mb), POLLIN | POLLOUT);
	}
	TH_LOG("%u calls went well, %u did not", fine, bad);
	EXPECT_LT(0, bad);
	EXPECT_EQ(MBOX_STATE_LIVE, info_of(mbox_fd(self->mb)).state);
	/* blocked for good, it is still ended by the deletion */
	EXPECT_EQ(0, delete_fd(mbox_fd(self->mb), MBOX_DELETE_FORCE));
	EXPECT_EQ(-EIDRM, ring_move(mbox_fd(self->mb), 0, 0));
	set_flag(self->stop);
	status = reap(self->pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(-ENOENT, open_name(self->name, 0));
}

/* Killed amid all of that, it leaves a side that another can take. */
TEST_F(hostile, killed)
{
	int fd;

	for (int i = 0; i < 200; i++)
		ring_wait_until(mbox_fd(self->mb), MBOX_WAIT_MOVE | MBOX_WAIT_WAKE, 0, i * 8,
				now() + NSEC_PER_MSEC / 8);
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(reap(self->pid)));
	do {
		fd = open_name(self->name, variant->right);
		if (fd == -EBUSY)
			nap();
	} while (fd == -EBUSY);
	EXPECT_LE(0, fd);
	close(fd);
	EXPECT_EQ(0, delete_name(self->name, MBOX_DELETE_FORCE));
}

/* The indices that the kernel checks before it gives memory back. */
TEST(trim_checks)
{
	char name[MBOX_NAME_SIZE];
	static const struct { uint64_t head, tail; int ret; } cases[] = {
		{ 0, 0, 0 }, { 0, 8, -EINVAL }, { 0, RING_SIZE, -EINVAL }, { 0, UINT64_MAX, -EINVAL },
		{ RING_SIZE + 8, 0, -EINVAL }, { RING_SIZE, 0, 0 },
		{ 1ULL << 40, 1ULL << 40, -EINVAL }, { UINT64_MAX, UINT64_MAX - 8, -EINVAL },
		{ RING_SIZE, RING_SIZE, 0 }, { RING_SIZE, RING_SIZE, 0 },
		{ RING_SIZE, 0, -EINVAL }, { 2 * RING_SIZE, RING_SIZE + 8, 0 },
		{ 3 * RING_SIZE, 2 * RING_SIZE + 8, -EINVAL }, { 3 * RING_SIZE, 2 * RING_SIZE, 0 },
	};
	struct mbox_ring_control *head, *tail;
	int fd;

	name_make(name);
	fd = ring_new(_metadata, name, RIGHTS_BOTH, RING_SIZE, MBOX_OPTION_GROW);
	head = ring_map(fd, MBOX_RING_PRODUCER_OFFSET, page_size(), PROT_READ | PROT_WRITE);
	tail = ring_map(fd, MBOX_RING_CONSUMER_OFFSET, page_size(), PROT_READ | PROT_WRITE);
	ASSERT_GT(-4096UL, (unsigned long)head);
	ASSERT_GT(-4096UL, (unsigned long)tail);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t freed = tail->freed;

		EXPECT_EQ(0, ring_grow(fd, MBOX_RIGHT_SEND, freed + RING_SIZE));
		head->index = cases[i].head;
		tail->index = cases[i].tail;
		EXPECT_EQ(cases[i].ret, ring_call(fd, MBOX_WAIT_TRIM, MBOX_RIGHT_RECV))
			TH_LOG("case %zu", i);
		if (!cases[i].ret)
			freed = cases[i].tail & ~(page_size() - 1);
		EXPECT_EQ(freed, tail->freed);
	}
	EXPECT_EQ(-EINVAL, ring_call(fd, MBOX_WAIT_TRIM, MBOX_RIGHT_SEND));
	/* nor does it give back memory that it never had */
	head->index = tail->freed + 2 * RING_SIZE;
	tail->index = tail->freed + RING_SIZE + 8;
	EXPECT_EQ(-EINVAL, ring_call(fd, MBOX_WAIT_TRIM, MBOX_RIGHT_RECV));
	close(fd);
}

/* A producer that publishes records without memory does not end its consumer. */
TEST(published_without_memory)
{
	struct mbox_attr attr = test_attr();
	struct mbox_ring_control *head;
	char name[MBOX_NAME_SIZE];
	struct mbox *mb;
	char data[64];
	int fd;

	attr.capacity = 0;
	attr.ring = RING_SIZE;
	attr.options = MBOX_OPTION_GROW;
	name_make(name);
	ASSERT_EQ(0, mbox_create(&mb, name, MBOX_RIGHT_RECV, &attr));
	fd = open_name(name, MBOX_RIGHT_SEND);
	ASSERT_LE(0, fd);
	head = ring_map(fd, MBOX_RING_PRODUCER_OFFSET, page_size(), PROT_READ | PROT_WRITE);
	EXPECT_MAPPED(head);
	head->index = 64;
	EXPECT_EQ(-EBADMSG, mbox_recv_timeout(mb, data, sizeof(data), 0));
	EXPECT_EQ(-EBADMSG, mbox_recv_timeout(mb, data, sizeof(data), 0));
	ASSERT_EQ(0, ring_grow(fd, 0, 64));
	EXPECT_EQ(0, mbox_recv_timeout(mb, data, sizeof(data), 0));
	close(fd);
	mbox_close(mb);
}

MBOX_TEST_MAIN
