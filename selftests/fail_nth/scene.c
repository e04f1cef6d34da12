// SPDX-License-Identifier: GPL-2.0-only
/* A scene: the state before a call, the call with a failure in it, and the state after. */
#include "fail_nth/fail_nth.h"
#include "fail_nth/inject.h"
#include "lib/module.h"

struct outcome {
	long ret;
	int failed;		/* something did */
};

/* Where nothing else is mapped, so that each level of the page table has to be made. */
#define LAZY_ADDRESS	((void *)0x200000000000)
#define LAZY_ARGS	((void *)0x300000000000)

uint8_t stream[STREAM_SIZE];

const void *message(uint32_t number)
{
	return stream + number * STEP;
}

/* Receive the queue: messages from @first on, @count of them, and nothing else. */
void expect_queued(struct scene *s, uint32_t first, uint32_t count)
{
	static uint8_t data[HUGE];
	struct mbox_header header;
	SCENE(s);

	for (uint32_t i = 0; i < count; i++) {
		ASSERT_EQ(0, recv_bytes(s->observer, MBOX_RECV_NONBLOCK, data, sizeof(data),
					&header));
		EXPECT_EQ(op->length, header.length);
		EXPECT_EQ(0, memcmp(message(first + i), data, header.length));
	}
	EXPECT_EQ(-EAGAIN, recv_bytes(s->observer, MBOX_RECV_NONBLOCK, data, 0, NULL));
	EXPECT_BALANCED(s->observer);
}

static void partner_waits_for_sender(struct call *call)
{
	if (!await_blocked(call->fd, 1, 0))
		_exit(1);
}

static void partner_waits_for_receiver(struct call *call)
{
	if (!await_blocked(call->fd, 0, 1))
		_exit(1);
}

/* Make an ioctl; @arg is one of s->args. */
long make_ioctl(struct scene *s, int fd, unsigned long cmd, void *arg)
{
	if (!s->lazy_args)
		return xioctl(fd, cmd, arg);
	cmd = _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), _IOC_SIZE(cmd) + s->op->grown);
	return xioctl(fd, cmd, (uint8_t *)s->lazy_args + ((uint8_t *)arg - (uint8_t *)&s->args));
}

/* Return a number that depends on the open descriptors. */
static uint64_t open_fds(void)
{
	uint64_t sum = 0;

	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			sum = (sum + fd + 1) * 0x9e3779b97f4a7c15ULL;
	return sum;
}

static void start_partner(struct scene *s)
{
	SCENE(s);
	bool sends = op->partner == SENDS || op->partner == WILL_SEND;

	s->partner = call_new(s->observer, sends ? CALL_SEND : CALL_RECV);
	if (op->partner == WILL_RECEIVE)
		s->partner->prepare = partner_waits_for_sender;
	if (op->partner == WILL_SEND)
		s->partner->prepare = partner_waits_for_receiver;
	if (sends) {
		s->partner->send.size = op->length;
		memcpy(s->partner->data, message(PARTNERS), op->length);
	}
	call_start(s->partner);
	if (op->partner == RECEIVES || op->partner == SENDS) {
		ASSERT_TRUE(await_blocked(s->observer, sends, !sends));
	}
}

/* The arguments end with a page; the bytes after them are zero, and in the next one. */
static void args_go(struct scene *s)
{
	long page = sysconf(_SC_PAGESIZE);
	void *pages;
	SCENE(s);

	ASSERT_EQ(sizeof(s->args), pwrite(s->lazy_file, &s->args, sizeof(s->args), page - sizeof(s->args)));
	pages = mmap(LAZY_ARGS, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE, s->lazy_file, 0);
	ASSERT_EQ(LAZY_ARGS, pages);
	s->lazy_args = pages + page - sizeof(s->args);
}

static void args_end(struct scene *s)
{
	if (s->lazy_args)
		munmap(LAZY_ARGS, 2 * sysconf(_SC_PAGESIZE));
	s->lazy_args = NULL;
}

static void scene_start(struct scene *s)
{
	int flags = MAP_PRIVATE;
	SCENE(s);

	memset(&s->args, 0, sizeof(s->args));
	s->extra = -1;
	s->partner = NULL;
	if (op->bare) {
		s->fd = s->observer = s->others;
		memcpy(s->name, s->others_name, MBOX_NAME_SIZE);
	} else {
		struct mbox_ioc_open open;

		name_make(s->name);
		open = open_arg(s->name, op->capacity);
		open.msg_size = HUGE;
		open.policy = op->policy;
		open.max_procs = op->max_procs;
		s->fd = xioctl(s->factory, MBOX_IOC_CREATE, &open);
		ASSERT_LE(0, s->fd);
		s->observer = open_name(s->name, RIGHTS_BOTH);
		ASSERT_LE(0, s->observer);
	}
	for (uint32_t i = 0; i < op->queued; i++) {
		ASSERT_LE(0, send_bytes(s->observer, MBOX_SEND_NONBLOCK, 0, 0, message(i + 1),
					op->length));
	}
	flags |= op->lazy ? MAP_FIXED_NOREPLACE : MAP_POPULATE;
	s->data = mmap(op->lazy ? LAZY_ADDRESS : NULL, STREAM_SIZE, PROT_READ | PROT_WRITE, flags,
		       s->stream, 0);
	ASSERT_NE(MAP_FAILED, (void *)s->data);
	if (op->partner != ALONE)
		start_partner(s);
	if (op->prepare)
		op->prepare(s);
	if (op->lazy_args)
		args_go(s);

	s->given = s->args;
	s->info = info_of(s->observer);
	s->fds = open_fds();
	s->pins = module_pins();
}

static void scene_end(struct scene *s)
{
	SCENE(s);

	if (s->partner) {
		kill(s->partner->pid, SIGKILL);
		call_end(s->partner);
		munmap(s->partner, sizeof(*s->partner));
	}
	if (s->extra >= 0)
		close(s->extra);
	munmap(s->data, STREAM_SIZE);
	args_end(s);
	if (op->bare) {
		EXPECT_EQ(0, info_of(s->others).queued);
		return;
	}
	/* one that drains stays until it is empty */
	if (info_of(s->fd).state == MBOX_STATE_DRAINING)
		EXPECT_EQ(0, delete_fd(s->fd, MBOX_DELETE_FORCE));
	close(s->fd);
	close(s->observer);
	EXPECT_EQ(-ENOENT, open_name(s->name, 0));
}

/* Make the call. Between arming and disarming this thread does nothing else. */
static struct outcome attempt(struct scene *s, unsigned int nth)
{
	struct outcome outcome = { .failed = -EPROTO };
	int fail = fail_open();

	if (s->op->enter)
		s->op->enter(s);
	if (fail_arm(fail, nth)) {
		outcome.ret = s->op->call(s);
		outcome.failed = fail_disarm(fail);
	}
	close(fail);
	return outcome;
}

static struct outcome attempt_in_child(struct scene *s, unsigned int nth)
{
	struct outcome *shared = shared_alloc(sizeof(*shared)), outcome;
	pid_t pid = fork_child();
	int status;
	SCENE(s);

	ASSERT_LE(0, pid);
	if (pid == 0) {
		*shared = attempt(s, nth);
		if (op->leave)
			op->leave(s, shared->ret);
		_exit(0);
	}
	status = reap(pid);
	EXPECT_EQ(0, status);
	outcome = *shared;
	munmap(shared, sizeof(*shared));
	return outcome;
}

static struct outcome outcome_at(struct scene *s, unsigned int nth)
{
	struct outcome outcome = s->op->in_child ? attempt_in_child(s, nth) : attempt(s, nth);

	if (s->lazy_args)
		s->args = *s->lazy_args;
	return outcome;
}

static bool may_fail_with(const struct op *op, long error)
{
	for (size_t i = 0; i < ARRAY_SIZE(op->errors); i++)
		if (op->errors[i] && error == -op->errors[i])
			return true;
	return op->any_error;
}

static void expect_unchanged(struct scene *s)
{
	SCENE(s);

	/* a result that does not fit is noticed only after the rest was written */
	if (!op->grown)
		EXPECT_EQ(0, memcmp(&s->given, &s->args, sizeof(s->args)));
	EXPECT_EQ(s->fds, open_fds());
	if (op->failed) {
		op->failed(s);
	} else {
		EXPECT_UNCHANGED(s->observer, &s->info);
	}
	EXPECT_EQ(s->pins, module_pins());
}

/* Make one mailbox, and one call that fails at @nth. Return whether anything could fail so late. */
bool sweep_once(struct scene *s, unsigned int nth)
{
	struct outcome outcome;
	bool ended;
	SCENE(s);

	scene_start(s);
	outcome = outcome_at(s, nth);
	ASSERT_LE(0, outcome.failed);
	ended = outcome.ret >= 0 || (op->result && outcome.ret == op->result);
	s->survived = ended && outcome.failed;
	if (!ended) {
		/* without a failure there is no reason to fail, and with one only for that */
		EXPECT_TRUE(outcome.failed);
		EXPECT_TRUE(may_fail_with(op, outcome.ret)) {
			TH_LOG("it failed with %s", strerrorname_np(-outcome.ret));
		}
		expect_unchanged(s);
		outcome.ret = outcome_at(s, 0).ret;
	}
	if (op->result) {
		EXPECT_EQ(op->result, outcome.ret);
	} else {
		EXPECT_LE(0, outcome.ret);
	}
	if (op->done && !_metadata->exit_code)
		op->done(s, outcome.ret);
	scene_end(s);
	if (_metadata->exit_code)
		TH_LOG("… when failing at %u", nth);
	return outcome.failed;
}
