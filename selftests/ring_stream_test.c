// SPDX-License-Identifier: GPL-2.0-only
/* Streams through rings with libmbox: every record, once, whole and in order; also if a side is killed. */
#include "lib/library.h"
#include "lib/module.h"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>

/* How sender and receiver go about it. */
enum how { COPY, IN_PLACE, NONBLOCK };

FIXTURE(stream)
{
	char name[MBOX_NAME_SIZE];
	struct mbox *in, *out;
	uint32_t msg_size;
};

FIXTURE_VARIANT(stream)
{
	uint64_t ring;
	uint32_t options;
	enum how how;
	unsigned int records;
};

FIXTURE_VARIANT_ADD(stream, small) { .ring = 4096, .records = 200000 };
FIXTURE_VARIANT_ADD(stream, large) { .ring = 1 << 20, .records = 200000 };
FIXTURE_VARIANT_ADD(stream, small_in_place) { .ring = 4096, .how = IN_PLACE, .records = 50000 };
FIXTURE_VARIANT_ADD(stream, small_poll) { .ring = 4096, .how = NONBLOCK, .records = 20000 };
FIXTURE_VARIANT_ADD(stream, grow) {
	.ring = 1 << 20, .options = MBOX_OPTION_GROW, .records = 100000 };
FIXTURE_VARIANT_ADD(stream, grow_small) {
	.ring = 8192, .options = MBOX_OPTION_GROW, .how = IN_PLACE, .records = 20000 };

static struct mbox_attr stream_attr(uint64_t ring, uint32_t options)
{
	struct mbox_attr attr = test_attr();
	long page = sysconf(_SC_PAGESIZE);

	attr.capacity = 0;
	attr.ring = ring < (uint64_t)page * 2 ? (uint64_t)page * (options ? 2 : 1) : ring;
	attr.options = options;
	return attr;
}

/* Lengths of all sizes, most of them short: of record @n. */
static uint32_t length_of(unsigned int n, uint32_t most)
{
	uint32_t x = n * 2654435761U;

	x ^= x >> 15;
	return (x & 63) ? (x >> 8) % 100 : (x >> 8) % (most + 1);
}

/* Enough of the payload to tell that it is of this record, and whole. */
static void fill(uint8_t *data, uint32_t length, unsigned int n)
{
	memset(data, (uint8_t)(n * 7 + 1), length);
	if (length)
		data[length - 1] = (uint8_t)n;
}

static bool right(const uint8_t *data, uint32_t length, unsigned int n)
{
	for (uint32_t i = 0; i + 1 < length; i++)
		if (data[i] != (uint8_t)(n * 7 + 1))
			return false;
	return !length || data[length - 1] == (uint8_t)n;
}

static int produce_one(struct mbox *mb, unsigned int n, uint32_t length, enum how how)
{
	struct mbox_send_opts opts = { .type = n };
	static uint8_t data[1 << 20];
	struct pollfd p = { .fd = mbox_fd(mb), .events = POLLOUT };
	void *to;
	int ret;

	switch (how) {
	case COPY:
		fill(data, length, n);
		return mbox_send(mb, data, length, &opts);
	case IN_PLACE:
		/* more may be reserved than is sent */
		ret = mbox_ring_reserve(mb, length + (n & 1 && length < 1000), &to, &opts);
		if (ret)
			return ret;
		fill(to, length, n);
		return mbox_ring_commit(mb, length);
	case NONBLOCK:
		fill(data, length, n);
		opts.flags = MBOX_SEND_NONBLOCK;
		while ((ret = mbox_send(mb, data, length, &opts)) == -EAGAIN)
			if (poll(&p, 1, PATIENCE * 1000) != 1)
				return -ETIME;
		return ret;
	}
	return -EINVAL;
}

static ssize_t consume_one(struct mbox *mb, uint8_t *data, size_t size, struct mbox_header *header,
			   enum how how)
{
	struct mbox_recv_opts opts = { .flags = MBOX_RECV_NONBLOCK };
	struct pollfd p = { .fd = mbox_fd(mb), .events = POLLIN };
	const void *from;
	ssize_t ret;

	switch (how) {
	case COPY:
		return mbox_recv(mb, data, size, NULL, header);
	case IN_PLACE:
		ret = mbox_ring_peek(mb, &from, NULL, header);
		if (ret < 0)
			return ret;
		memcpy(data, from, ret);
		return mbox_ring_release(mb) ?: ret;
	case NONBLOCK:
		while ((ret = mbox_recv(mb, data, size, &opts, header)) == -EAGAIN)
			if (poll(&p, 1, PATIENCE * 1000) != 1)
				return -ETIME;
		return ret;
	}
	return -EINVAL;
}

FIXTURE_SETUP(stream)
{
	struct mbox_attr attr = stream_attr(variant->ring, variant->options);
	struct mbox_info info;

	name_make(self->name);
	ASSERT_EQ(0, mbox_create(&self->out, self->name, MBOX_RIGHT_RECV, &attr));
	ASSERT_EQ(0, mbox_get(self->out, &info));
	self->msg_size = info.msg_size;
}

FIXTURE_TEARDOWN(stream)
{
	mbox_close(self->out);
}

TEST_F(stream, all_in_order)
{
	static uint8_t data[1 << 20];
	struct mbox_header header;
	int status;
	pid_t pid;

	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0) {
		struct mbox *mb;

		if (mbox_open(&mb, self->name, MBOX_RIGHT_SEND))
			_exit(1);
		for (unsigned int n = 0; n < variant->records; n++)
			if (produce_one(mb, n, length_of(n, self->msg_size), variant->how))
				_exit(2);
		_exit(0);
	}
	for (unsigned int n = 0; n < variant->records; n++) {
		ssize_t length = consume_one(self->out, data, sizeof(data), &header, variant->how);

		ASSERT_EQ(length_of(n, self->msg_size), length) TH_LOG("record %u", n);
		ASSERT_EQ(n, header.type);
		ASSERT_EQ(length, header.length);
		ASSERT_TRUE(right(data, length, n)) TH_LOG("record %u", n);
	}
	EXPECT_EQ(-EOWNERDEAD, mbox_recv(self->out, data, sizeof(data), NULL, NULL));
	status = reap(pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(0, info_of(mbox_fd(self->out)).queued);
}

/*
 * Killed at any point: all published records are there, whole and in order, to the last one for
 * which the send returned, or the one after; of the next there is nothing.
 */
TEST_F(stream, producer_killed)
{
	unsigned int *sent = shared_alloc(sizeof(*sent));
	int *opened = shared_alloc(sizeof(*opened));
	static uint8_t data[1 << 20];
	struct mbox_header header;
	ssize_t length;

	for (unsigned int round = 0, n = 0; round < 12; round++) {
		unsigned int first = n, stop = first + 1 + round * 37;
		pid_t pid = fork_child();

		ASSERT_LE(0, pid);
		if (pid == 0) {
			struct mbox *mb;
			void *to;

			if (mbox_open(&mb, self->name, MBOX_RIGHT_SEND))
				_exit(1);
			set_flag(opened);
			for (unsigned int i = first; ; i++) {
				/* half of the rounds: in the middle of a record, certainly */
				if ((round & 1) && i == stop) {
					if (mbox_ring_reserve(mb, 64, &to, NULL))
						_exit(2);
					memset(to, 0xee, 32);
					kill(getpid(), SIGKILL);
				}
				if (produce_one(mb, i, length_of(i, self->msg_size), variant->how))
					_exit(3);
				__atomic_store_n(sent, i + 1, __ATOMIC_RELEASE);
			}
		}
		/* before, the consumer would hear of its predecessor's end */
		ASSERT_TRUE(await_flag(opened));
		*opened = 0;
		for (;;) {
			length = consume_one(self->out, data, sizeof(data), &header, variant->how);
			if (length < 0)
				break;
			ASSERT_EQ(n, header.type);
			ASSERT_EQ(length_of(n, self->msg_size), length);
			ASSERT_TRUE(right(data, length, n));
			n++;
			if (!(round & 1) && n == stop)
				kill(pid, SIGKILL);
		}
		ASSERT_EQ(-EOWNERDEAD, length);
		EXPECT_EQ(SIGKILL, WTERMSIG(reap(pid)));
		ASSERT_LE(*sent, n);
		ASSERT_GE(*sent + 1, n);
		if (round & 1)
			ASSERT_EQ(stop, n);
	}
}

/* A producer without room is told when the consumer ends; the next consumer goes on there. */
TEST_F(stream, consumer_replaced)
{
	struct mbox_send_opts opts = { .flags = MBOX_SEND_NONBLOCK };
	unsigned int sent = 0, received = 0;
	static uint8_t data[1 << 20];
	struct mbox_header header;
	ssize_t length;
	int ret;

	ASSERT_EQ(0, mbox_open(&self->in, self->name, MBOX_RIGHT_SEND));
	for (int round = 0; round < 5; round++) {
		while (sent < 3000 * (round + 1)) {
			fill(data, 100, sent);
			opts.type = sent;
			ret = mbox_send(self->in, data, 100, &opts);
			if (ret)
				break;
			sent++;
		}
		if (sent < 3000 * (round + 1))
			EXPECT_EQ(-EAGAIN, ret);
		for (int i = 0; i < 7; i++) {
			length = mbox_recv(self->out, data, sizeof(data), NULL, &header);
			ASSERT_EQ(100, length);
			ASSERT_EQ(received, header.type);
			ASSERT_TRUE(right(data, length, received));
			received++;
		}
		mbox_close(self->out);
		self->out = NULL;
		while ((ret = mbox_send(self->in, data, 0, &opts)) == 0)
			;
		EXPECT_EQ(-EOWNERDEAD, ret);
		ASSERT_EQ(0, mbox_open(&self->out, self->name, MBOX_RIGHT_RECV));
		EXPECT_EQ(-EAGAIN, mbox_send(self->in, data, 0, &opts));
		/* drop the empty ones of this round, after the earlier ones */
		while (received < sent) {
			length = mbox_recv_timeout(self->out, data, sizeof(data), 0);
			ASSERT_EQ(100, length);
			ASSERT_TRUE(right(data, length, received));
			received++;
		}
		while ((length = mbox_recv_timeout(self->out, data, sizeof(data), 0)) == 0)
			;
		EXPECT_EQ(-EAGAIN, length);
	}
	mbox_close(self->in);
}

/* Edge-triggered epoll: receive until there is nothing, then wait for the edge. */
TEST(epoll_edges)
{
	struct mbox_attr attr = stream_attr(4096, 0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct mbox_recv_opts opts = { .flags = MBOX_RECV_NONBLOCK };
	const unsigned int records = 20000;
	struct mbox_header header;
	char name[MBOX_NAME_SIZE];
	unsigned int n = 0;
	struct mbox *mb;
	char data[256];
	ssize_t ret;
	pid_t pid;
	int ep;

	name_make(name);
	ASSERT_EQ(0, mbox_create(&mb, name, MBOX_RIGHT_RECV, &attr));
	ep = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, ep);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, mbox_fd(mb), &event));
	pid = fork_child();
	if (pid == 0) {
		struct mbox *in;

		if (mbox_open(&in, name, MBOX_RIGHT_SEND))
			_exit(1);
		for (unsigned int i = 0; i < records; i++) {
			struct mbox_send_opts send = { .type = i };

			if (mbox_send(in, data, i % 200, &send))
				_exit(2);
			if (i % 64 == 0)
				sched_yield();
		}
		_exit(0);
	}
	while (n < records) {
		ASSERT_EQ(1, epoll_wait(ep, &event, 1, PATIENCE * 1000)) TH_LOG("record %u", n);
		while ((ret = mbox_recv(mb, data, sizeof(data), &opts, &header)) >= 0) {
			ASSERT_EQ(n, header.type);
			ASSERT_EQ(n % 200, ret);
			n++;
		}
		if (ret == -EOWNERDEAD)
			break;
		ASSERT_EQ(-EAGAIN, ret);
	}
	EXPECT_EQ(records, n);
	EXPECT_EQ(0, reap(pid));
	close(ep);
	mbox_close(mb);
}

/* Kilobytes of memory in files, which include the pages of rings. */
static long shmem_kb(void)
{
	char line[256];
	long kb = -1;
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Shmem: %ld kB", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

/* A ring that grows takes memory for its contents, and gives it back; another one keeps it. */
TEST(memory_goes_when_consumed)
{
	for (int grow = 0; grow < 2; grow++) {
		struct mbox_attr attr = stream_attr(64 << 20, grow ? MBOX_OPTION_GROW : 0);
		struct mbox *mb;
		static char data[8192];
		long before, full, empty;
		const int records = 4000; /* 32 MB */

		if (param_get("user_bytes") < attr.ring && getuid() != 0)
			SKIP(return, "the quota of bytes is less than the ring");
		ASSERT_EQ(0, mbox_create(&mb, NULL, RIGHTS_BOTH, &attr));
		before = shmem_kb();
		ASSERT_LE(0, before);
		for (int i = 0; i < records; i++)
			ASSERT_EQ(0, mbox_send(mb, data, sizeof(data), NULL));
		full = shmem_kb();
		EXPECT_LE(before + 30000, full);
		for (int i = 0; i < records; i++)
			ASSERT_EQ(sizeof(data), mbox_recv(mb, data, sizeof(data), NULL, NULL));
		EXPECT_EQ(-EAGAIN, mbox_recv_timeout(mb, data, sizeof(data), 0));
		empty = shmem_kb();
		if (grow) {
			EXPECT_GE(before + 3000, empty);
		} else {
			EXPECT_LE(before + 30000, empty);
		}
		mbox_close(mb);
		EXPECT_GE(before + 3000, shmem_kb());
	}
}

MBOX_TEST_MAIN
