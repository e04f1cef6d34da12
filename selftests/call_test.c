// SPDX-License-Identifier: GPL-2.0-only
/* Calls: a request and its reply. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "lib/lease.h"
#include "lib/module.h"
#include "lib/user.h"

#define MS 1000000ULL

FIXTURE(call)
{
	int fd;
};

FIXTURE_SETUP(call)
{
	self->fd = box_new(_metadata, 8);
}

FIXTURE_TEARDOWN(call)
{
	close(self->fd);
}

/* A call made by a thread. */
struct request {
	pthread_t thread;
	int fd;
	struct mbox_ioc_call arg;
	char *reply;
	int result;
};

static void *request_run(void *data)
{
	struct request *request = data;

	request->result = xioctl(request->fd, MBOX_IOC_CALL, &request->arg);
	return NULL;
}

/* With @reply, room for @room bytes. */
static struct request *request_start_at(struct __test_metadata *_metadata, int fd,
					struct mbox_ioc_call arg, void *reply, size_t room)
{
	struct request *request = calloc(1, sizeof(*request));

	ASSERT_NE(NULL, request);
	request->reply = reply;
	request->fd = fd;
	request->arg = arg;
	request->arg.send.data = address_of("request");
	request->arg.send.size = 7;
	request->arg.reply = address_of(request->reply);
	request->arg.room = room;
	ASSERT_EQ(0, pthread_create(&request->thread, NULL, request_run, request));
	return request;
}

static struct request *request_start(struct __test_metadata *_metadata, int fd,
				     struct mbox_ioc_call arg, size_t room)
{
	return request_start_at(_metadata, fd, arg, calloc(1, room + 1), room);
}

static int request_end(struct request *request)
{
	pthread_join(request->thread, NULL);
	return request->result;
}

static void request_free(struct request *request)
{
	free(request->reply);
	free(request);
}

static struct leased serve(int fd)
{
	return lease_arg(fd, (struct mbox_ioc_lease) {});
}

TEST_F(call, reply)
{
	struct request *request = request_start(_metadata, self->fd, (struct mbox_ioc_call) {}, 32);
	struct leased one = serve(self->fd);

	ASSERT_EQ(0, one.error);
	EXPECT_STREQ("request", one.text);
	EXPECT_EQ(MBOX_DELIVERY_CALL, one.delivery.flags);
	EXPECT_EQ(32, one.delivery.room);
	EXPECT_EQ(-1, one.delivery.left);
	EXPECT_EQ(-EMSGSIZE, reply(self->fd, one.delivery.token, "123456789012345678901234567890123"));
	EXPECT_EQ(-ESTALE, reply(self->fd, one.delivery.token + 1, "x"));
	EXPECT_EQ(0, reply(self->fd, one.delivery.token, "pong"));
	EXPECT_EQ(0, request_end(request));
	EXPECT_STREQ("pong", request->reply);
	EXPECT_EQ(4, request->arg.length);
	EXPECT_EQ(getpid(), request->arg.pid);
	EXPECT_NE(0, request->arg.start);
	EXPECT_EQ(-ESTALE, reply(self->fd, one.delivery.token, "pong"));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	request_free(request);
}

/* The address of an empty reply is looked at by nobody, and so it is none that can be waited for. */
TEST_F(call, empty)
{
	static const uint64_t addresses[] = { 0, 1, 1ULL << 63, UINT64_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct request *request = request_start(_metadata, self->fd,
							(struct mbox_ioc_call) {}, 32);
		struct leased one = serve(self->fd);
		struct mbox_ioc_reply arg = { .token = one.delivery.token, .data = addresses[i] };

		ASSERT_EQ(0, one.error);
		EXPECT_EQ(0, xioctl(self->fd, MBOX_IOC_REPLY, &arg));
		EXPECT_EQ(0, request_end(request));
		EXPECT_EQ(0, request->arg.length);
		request_free(request);
	}
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
}

/* Replies of all sizes: on the stack, and beyond. */
TEST_F(call, sizes)
{
	static const size_t sizes[] = { 0, 1, 255, 256, 257, 4096, 4097, 65535, 65536, 1000000 };
	char *text = malloc(1000001);

	ASSERT_NE(NULL, text);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct request *request = request_start(_metadata, self->fd,
							(struct mbox_ioc_call) {}, sizes[i]);
		struct leased one = serve(self->fd);

		memset(text, 'a' + i, sizes[i]);
		text[sizes[i]] = 0;
		EXPECT_EQ(0, reply(self->fd, one.delivery.token, text));
		EXPECT_EQ(0, request_end(request));
		EXPECT_EQ(sizes[i], request->arg.length);
		EXPECT_EQ(0, strcmp(text, request->reply));
		request_free(request);
	}
	free(text);
}

#define LARGE	1000000		/* goes straight to the buffer of the caller */

/* A buffer for a large reply, of pages of its own. */
static char *large_buffer(struct __test_metadata *_metadata)
{
	void *buffer = mmap(NULL, LARGE + 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, buffer);
	return buffer;
}

static int reply_of(int fd, uint64_t token, const void *data, size_t size)
{
	struct mbox_ioc_reply arg = { .token = token, .data = address_of(data), .size = size };

	return xioctl(fd, MBOX_IOC_REPLY, &arg);
}

/* The pages of the buffer are there, or partly, or not; it begins anywhere. */
TEST_F(call, large)
{
	char *buffer = large_buffer(_metadata), *text = large_buffer(_metadata);

	memset(text, 'a', LARGE);
	for (unsigned int present = 0; present <= 4; present++) {
		for (size_t size = 65535; size <= LARGE; size += 233741) {
			struct request *request;
			unsigned int offset = present + size % 3;

			ASSERT_EQ(0, madvise(buffer, LARGE + 4096, MADV_DONTNEED));
			memset(buffer, 0, (LARGE + 4096) / 4 * present);
			text[size - 1] = 'z';
			request = request_start_at(_metadata, self->fd, (struct mbox_ioc_call) {},
						   buffer + offset, size);
			EXPECT_EQ(0, reply_of(self->fd, serve(self->fd).delivery.token, text, size));
			EXPECT_EQ(0, request_end(request));
			EXPECT_EQ(size, request->arg.length);
			EXPECT_EQ(0, memcmp(buffer + offset, text, size));
			EXPECT_EQ(0, buffer[offset + size]);
			text[size - 1] = 'a';
			free(request);
		}
	}
	munmap(buffer, LARGE + 4096);
	munmap(text, LARGE + 4096);
}

/* The caller cannot write: it is told so. The server cannot read: so is it, and may try again. */
TEST_F(call, large_faults)
{
	char *buffer = large_buffer(_metadata), *text = large_buffer(_metadata);
	struct request *request;
	struct leased one;

	memset(buffer, 'b', LARGE);
	memset(text, 'a', LARGE);
	ASSERT_EQ(0, mprotect(buffer + 8 * 4096, 4096, PROT_READ));
	ASSERT_EQ(0, mprotect(text + 9 * 4096, 4096, PROT_NONE));
	request = request_start_at(_metadata, self->fd, (struct mbox_ioc_call) {}, buffer, LARGE);
	one = serve(self->fd);
	EXPECT_EQ(-EFAULT, reply_of(self->fd, one.delivery.token, text, LARGE));
	ASSERT_EQ(0, mprotect(text + 9 * 4096, 4096, PROT_READ));
	EXPECT_EQ(0, reply_of(self->fd, one.delivery.token, text, LARGE));
	EXPECT_EQ(-EFAULT, request_end(request));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	free(request);
	munmap(buffer, LARGE + 4096);
	munmap(text, LARGE + 4096);
}

struct late {
	pthread_t thread;
	int fd;
	uint64_t token;
	const char *text;
	int result;
};

static void *late_run(void *data)
{
	struct late *late = data;

	late->result = reply_of(late->fd, late->token, late->text, LARGE);
	return NULL;
}

/* The call ends while the server writes: from then on its buffer belongs to the caller alone. */
TEST_F(call, large_timeout)
{
	char *buffer = large_buffer(_metadata), *text = large_buffer(_metadata);
	unsigned int ended = 0, foreign = 0;

	memset(text, 'a', LARGE);
	for (unsigned int i = 0; i < 200; i++) {
		struct mbox_ioc_call arg = { .send.clock = MBOX_CLOCK_MONOTONIC };
		struct late late = { .fd = self->fd, .text = text };
		struct request *request;

		memset(buffer, 'b', LARGE);
		arg.send.deadline = now() + i % 40 * MS / 20;
		request = request_start_at(_metadata, self->fd, arg, buffer, LARGE);
		late.token = lease_arg(self->fd, (struct mbox_ioc_lease) {
			.recv.clock = MBOX_CLOCK_MONOTONIC, .recv.deadline = arg.send.deadline,
		}).delivery.token;
		ASSERT_EQ(0, pthread_create(&late.thread, NULL, late_run, &late));
		if (request_end(request)) {
			memset(buffer, 'c', LARGE);
			pthread_join(late.thread, NULL);
			EXPECT_NE(0, late.result);
			for (size_t k = 0; k < LARGE; k++)
				foreign += buffer[k] != 'c';
			ended++;
		} else {
			pthread_join(late.thread, NULL);
			EXPECT_EQ(0, late.result);
			EXPECT_EQ(0, memcmp(buffer, text, LARGE));
		}
		free(request);
	}
	EXPECT_NE(0, ended);
	EXPECT_EQ(0, foreign);
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	munmap(buffer, LARGE + 4096);
	munmap(text, LARGE + 4096);
}

/* An acknowledgement is an empty reply; a rejection carries its code. */
TEST_F(call, ends)
{
	struct request *request = request_start(_metadata, self->fd, (struct mbox_ioc_call) {}, 32);

	EXPECT_EQ(0, ack(self->fd, serve(self->fd).delivery.token));
	EXPECT_EQ(0, request_end(request));
	EXPECT_EQ(0, request->arg.length);
	request_free(request);

	request = request_start(_metadata, self->fd, (struct mbox_ioc_call) {}, 32);
	EXPECT_EQ(0, nack(self->fd, serve(self->fd).delivery.token, MBOX_NACK_REJECT, 0, 7));
	EXPECT_EQ(-EREMOTEIO, request_end(request));
	EXPECT_EQ(7, request->arg.code);
	request_free(request);

	request = request_start(_metadata, self->fd, (struct mbox_ioc_call) {}, 32);
	ASSERT_TRUE(await_blocked(self->fd, 1, 0));
	EXPECT_STREQ("request", take(self->fd));
	EXPECT_EQ(-EPROTO, request_end(request));
	request_free(request);
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
}

TEST_F(call, timeout)
{
	struct mbox_ioc_call arg = { .send.clock = MBOX_CLOCK_MONOTONIC };
	struct request *request;
	struct leased one;

	arg.send.deadline = now() + 200 * MS;
	request = request_start(_metadata, self->fd, arg, 32);
	one = serve(self->fd);
	EXPECT_LT(0, one.delivery.left);
	EXPECT_GE(200 * (int64_t)MS, one.delivery.left);
	EXPECT_EQ(-ETIMEDOUT, request_end(request));
	EXPECT_EQ(-ESTALE, reply(self->fd, one.delivery.token, "late"));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(1, info_of(self->fd).withdrawn);
	request_free(request);
}

/* The server ends: the caller learns of it, or another serves it. */
TEST_F(call, server_dies)
{
	for (uint32_t flags = 0; flags <= MBOX_CALL_RETRY; flags++) {
		struct request *request;
		struct leased one;
		pid_t pid;

		request = request_start(_metadata, self->fd,
					(struct mbox_ioc_call) { .flags = flags }, 32);
		ASSERT_TRUE(await_blocked(self->fd, 1, 0));
		pid = fork_child();
		if (!pid) {
			serve(self->fd);
			raise(SIGKILL);
		}
		reap(pid);
		if (flags) {
			one = serve(self->fd);
			EXPECT_EQ(MBOX_DELIVERY_CALL | MBOX_DELIVERY_AGAIN, one.delivery.flags);
			EXPECT_EQ(0, reply(self->fd, one.delivery.token, "second"));
			EXPECT_EQ(0, request_end(request));
			EXPECT_STREQ("second", request->reply);
		} else {
			EXPECT_EQ(-EOWNERDEAD, request_end(request));
		}
		EXPECT_TRUE(counts(self->fd, 0, 0, 0));
		request_free(request);
	}
}

/* The mailbox goes while a server works. */
TEST_F(call, mailbox_goes)
{
	struct request *request = request_start(_metadata, self->fd, (struct mbox_ioc_call) {}, 32);
	struct leased one = serve(self->fd);

	EXPECT_EQ(0, delete_fd(self->fd, MBOX_DELETE_FORCE));
	EXPECT_EQ(-EOWNERDEAD, request_end(request));
	EXPECT_EQ(-EIDRM, reply(self->fd, one.delivery.token, "late"));
	request_free(request);
}

/* Reply, and receive the next request, in one call. */
TEST_F(call, loop)
{
	struct mbox_ioc_lease next = {};
	struct mbox_ioc_reply arg = { .lease = address_of(&next) };
	struct request *requests[5];
	char text[32];

	next.recv.data = address_of(text);
	next.recv.size = sizeof(text);
	for (int i = 0; i < 5; i++)
		requests[i] = request_start(_metadata, self->fd, (struct mbox_ioc_call) {}, 32);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, xioctl(self->fd, MBOX_IOC_REPLY, &arg));
		EXPECT_EQ(0, arg.token);
		arg.token = next.delivery.token;
		arg.data = address_of("pong");
		arg.size = 4;
	}
	next.recv.flags = MBOX_RECV_NONBLOCK;
	EXPECT_EQ(-EAGAIN, xioctl(self->fd, MBOX_IOC_REPLY, &arg));
	EXPECT_EQ(0, arg.token);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(0, request_end(requests[i]));
		EXPECT_STREQ("pong", requests[i]->reply);
		request_free(requests[i]);
	}
}

TEST_F(call, quota)
{
	struct mbox_ioc_call arg = { .reply = address_of(&arg), .room = 1ULL << 40 };

	EXPECT_EQ(-EMSGSIZE, xioctl(self->fd, MBOX_IOC_CALL, &arg));
	arg.room = 8;
	arg.reply = UINT64_MAX - 4;
	EXPECT_EQ(-EFAULT, xioctl(self->fd, MBOX_IOC_CALL, &arg));
	arg.flags = MBOX_CALL_RETRY << 1;
	EXPECT_EQ(-EINVAL, xioctl(self->fd, MBOX_IOC_CALL, &arg));
}

/* Results that cannot be written, though the arguments can be read. */
TEST_F(call, results_unwritable)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct mbox_ioc_call *arg;
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct leased one;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, pages);
	/* the first result is before the end of the page, the last ones are behind it */
	arg = (void *)(pages + page - offsetof(struct mbox_ioc_call, length) - sizeof(arg->length));
	ASSERT_GT(offsetof(struct mbox_ioc_call, start), offsetof(struct mbox_ioc_call, length));
	memset(arg, 0, sizeof(*arg));
	ASSERT_EQ(0, mprotect(pages + page, page, PROT_READ));
	pid = fork_child();
	ASSERT_LE(0, pid);
	if (pid == 0)
		_exit(xioctl(self->fd, MBOX_IOC_CALL, arg) != -EFAULT);
	one = serve(self->fd);
	ASSERT_EQ(0, one.error);
	EXPECT_EQ(0, reply(self->fd, one.delivery.token, ""));
	EXPECT_EQ(0, reap(pid));
	EXPECT_TRUE(counts(self->fd, 0, 0, 0));
	EXPECT_EQ(1, info_of(self->fd).received);
	munmap(pages, 2 * page);
}

/* The caller pays for the memory of the reply, and may lack the quota. */
static int call_in_quota(void *arg)
{
	uid_t uid = *(uid_t *)arg;
	struct mbox_ioc_open open = open_arg(NULL, 1);
	struct mbox_ioc_call call = { .room = 300000 };
	struct mbox_info before;
	int fd;

	CHECK(0, become(uid, uid));
	fd = open_call(MBOX_IOC_CREATE, &open);
	CHECK(true, fd >= 0);
	before = info_of(fd);
	CHECK(-EDQUOT, xioctl(fd, MBOX_IOC_CALL, &call));
	CHECK(0, strcmp("", info_diff(fd, &before)));
	return 0;
}

TEST_F(call, room_in_quota)
{
	uint64_t saved = param_get("user_bytes");
	uid_t uid = spare_uid(0);
	int ret;

	if (geteuid())
		SKIP(return, "only root can be another user");
	if (!saved || param_set("user_bytes", 65536))
		SKIP(return, "the module parameters cannot be written");
	ret = in_child(call_in_quota, &uid);
	param_set("user_bytes", saved);
	EXPECT_EQ(0, ret);
}

TEST_HARNESS_MAIN
