// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation fails once, and every copy from and to user memory.
 *
 * Each operation is a mailbox in some state and a call on it (fail_nth_ops.h and what it includes).
 * It is made again and again, with the first thing in it failing that can, then the second, and so
 * on, until a call comes to its end with nothing failing. After each failure the error has to be one
 * that the call may give, all has to be as it was, and the same call, with nothing failing, has to
 * work.
 */
#include "fail_nth_args.h"
#include "fail_nth_file.h"
#include "fail_nth_msgs.h"
#include "fail_nth_owner.h"
#include "fail_nth_kinds.h"
#include "fail_nth_netlink.h"

#include <sys/syscall.h>

/* More chances to fail than any of the calls has; making a network namespace has most. */
#define NTH_MAX		5000

#define PRINTK_LEVELS	"/proc/sys/kernel/printk"
#define PRINTK_ALL	"/sys/module/printk/parameters/ignore_loglevel"

/* Where nothing else is mapped, so that each level of the page table has to be made. */
#define LAZY_ADDRESS	((void *)0x200000000000)
#define LAZY_ARGS	((void *)0x300000000000)

#define TIMEOUT		300	/* seconds for each operation */

#define PARAMETERS	"/sys/module/mbox/parameters/"

/* Quotas for a moment, in which there is just room for so many. */
#define QUOTA_MAILBOXES	3
#define QUOTA_MESSAGES	10

/* A number that tells which descriptors are open. */
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

/* The arguments end with a page; what comes after them is zero, and in the next one. */
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

struct outcome {
	long ret;
	int failed;		/* something did */
};

/* Make the call. What this thread does between arming and disarming is the call and nothing else. */
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

static struct outcome make(struct scene *s, unsigned int nth)
{
	struct outcome outcome = s->op->in_child ? attempt_in_child(s, nth) : attempt(s, nth);

	if (s->lazy_args)
		s->args = *s->lazy_args;
	return outcome;
}

static bool may_fail_with(const FIXTURE_VARIANT(op) *op, long error)
{
	for (size_t i = 0; i < ARRAY_SIZE(op->errors); i++)
		if (op->errors[i] && error == -op->errors[i])
			return true;
	return op->any_error;
}

static void expect_unchanged(struct scene *s)
{
	SCENE(s);

	/* what of a result there is no room for is not known before the rest was written */
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

/* One mailbox, and one call that fails at @nth. Whether there was anything to fail so late. */
static bool sweep_once(struct scene *s, unsigned int nth)
{
	struct outcome outcome;
	bool ended;
	SCENE(s);

	scene_start(s);
	outcome = make(s, nth);
	ASSERT_LE(0, outcome.failed);
	ended = outcome.ret >= 0 || (op->result && outcome.ret == op->result);
	s->survived = ended && outcome.failed;
	if (!ended) {
		/* without a failure there is no reason to fail, with one not for anything else */
		EXPECT_TRUE(outcome.failed);
		EXPECT_TRUE(may_fail_with(op, outcome.ret)) {
			TH_LOG("it failed with %s", strerrorname_np(-outcome.ret));
		}
		expect_unchanged(s);
		outcome.ret = make(s, 0).ret;
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

static bool param_write(int fd, uint64_t value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)value);

	return pwrite(fd, text, length, 0) == length;
}

/*
 * Nothing is charged to the caller any more: what the quotas have room for, they have room for him.
 * They are made small for that, and put back at once.
 */
static void expect_whole_quotas(struct scene *s)
{
	uint64_t bytes = param_get("user_bytes"), mailboxes = param_get("user_mailboxes");
	struct mbox_ioc_open open = open_arg(NULL, MBOX_CAPACITY_UNBOUNDED);
	int fds[QUOTA_MAILBOXES + 1], sends[QUOTA_MESSAGES + 1];
	SCENE(s);

	ASSERT_TRUE(param_write(s->quotas[0], QUOTA_MESSAGES * MBOX_SMALL_CHARGE));
	ASSERT_TRUE(param_write(s->quotas[1], QUOTA_MAILBOXES));
	for (int i = 0; i <= QUOTA_MAILBOXES; i++)
		fds[i] = open_call(MBOX_IOC_CREATE, &open);
	for (int i = 0; i <= QUOTA_MESSAGES; i++)
		sends[i] = put(fds[0], 0, "charged");
	EXPECT_TRUE(param_write(s->quotas[0], bytes));
	EXPECT_TRUE(param_write(s->quotas[1], mailboxes));

	for (int i = 0; i <= QUOTA_MAILBOXES; i++) {
		EXPECT_EQ(i < QUOTA_MAILBOXES ? 0 : -EDQUOT, fds[i] < 0 ? fds[i] : 0);
		close(fds[i]);
	}
	for (int i = 0; i <= QUOTA_MESSAGES; i++)
		EXPECT_EQ(i < QUOTA_MESSAGES ? 0 : -EDQUOT, sends[i]);
}

FIXTURE_SETUP(op)
{
	const char *reason = fail_setup();
	struct mbox_ioc_open arg;
	struct scene *s;

	if (reason)
		SKIP(return, "%s", reason);
	if (variant->no_pages)
		ASSERT_TRUE(fail_pages_allow(false));
	s = self->scene = calloc(1, sizeof(*s));
	ASSERT_NE(NULL, s);
	s->_metadata = _metadata;
	s->op = variant;
	pattern_fill(stream, sizeof(stream), 0);
	s->stream = memfd_create("stream", MFD_CLOEXEC);
	ASSERT_EQ((ssize_t)sizeof(stream), write(s->stream, stream, sizeof(stream)));
	s->lazy_file = memfd_create("args", MFD_CLOEXEC);
	ASSERT_EQ(0, ftruncate(s->lazy_file, 2 * sysconf(_SC_PAGESIZE)));

	name_make(s->others_name);
	arg = open_arg(s->others_name, 4);
	s->others = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, s->others);
	/* the umask does not count here */
	ASSERT_EQ(0, xioctl(s->others, MBOX_IOC_SET, &(struct mbox_ioc_set) {
		.mask = MBOX_SET_MODE, .mode = 0666,
	}));
	s->quotas[0] = open(PARAMETERS "user_bytes", O_RDWR | O_CLOEXEC);
	s->quotas[1] = open(PARAMETERS "user_mailboxes", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, s->quotas[0]);
	ASSERT_LE(0, s->quotas[1]);
	if (!variant->as_root) {
		ASSERT_EQ(0, become(spare_uid(0), spare_uid(0)));
	}
	s->factory = factory_open();
	ASSERT_LE(0, s->factory);
}

FIXTURE_TEARDOWN(op)
{
}

TEST_F_TIMEOUT(op, fails_once, TIMEOUT)
{
	unsigned int nth = 1;

	while (sweep_once(self->scene, nth)) {
		ASSERT_EQ(0, _metadata->exit_code);
		ASSERT_GT(NTH_MAX, ++nth);
	}
	TH_LOG("%u chances to fail", nth - 1);
	if (!variant->as_root)
		expect_whole_quotas(self->scene);
}

/*
 * No page is to be had at all, rather than one less. What a user can bring about must not fill the
 * log either: the stack trace of a warning there fails the run.
 */
TEST(starved)
{
	const char *reason = fail_setup();
	struct mbox_ioc_open arg = open_arg(NULL, 4);
	struct mbox_info before;
	static uint8_t data[HUGE];
	int fd, fail, ret;

	if (reason)
		SKIP(return, "%s", reason);
	pattern_fill(data, sizeof(data), 1);
	arg.msg_size = HUGE;
	fd = open_call(MBOX_IOC_CREATE, &arg);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, send_bytes(fd, 0, 0, 0, "first", 5));
	before = info_of(fd);
	fail = fail_pages_open();
	ASSERT_LE(0, fail);
	for (size_t size = HUGE; size > 16384; size /= 2) {
		/* what the call needs on the stack is there once it was made */
		EXPECT_EQ(-EMSGSIZE, send_bytes(fd, 0, 0, 0, data, HUGE + 1));
		fail_mark(fail, true);
		ret = send_bytes(fd, 0, 0, 0, data, size);
		fail_mark(fail, false);
		EXPECT_EQ(-ENOMEM, ret);
		EXPECT_UNCHANGED(fd, &before);
	}
	fail_pages_close(fail);
	EXPECT_STREQ("first", take(fd));
	EXPECT_EQ(0, send_bytes(fd, 0, 0, 0, data, HUGE));
	memset(data, 0, sizeof(data));
	EXPECT_EQ(0, recv_bytes(fd, 0, data, HUGE, NULL));
	EXPECT_EQ(HUGE, pattern_match(data, HUGE, 1));
	EXPECT_BALANCED(fd);
	close(fd);
}

/* What a namespace lists its mailboxes in, where it has none yet. */
#define LIST_CACHE	"radix_tree_node"

static int create_unlisted(void *arg)
{
	struct mbox_ioc_open open = open_arg(arg, 1);
	int factory, fail, ret;

	if (unshare(CLONE_NEWNET))
		return -errno;
	factory = factory_open();
	if (factory < 0)
		return factory;
	fail = fail_objects_open(LIST_CACHE);
	if (fail < 0)
		return fail;
	fail_mark(fail, true);
	ret = xioctl(factory, MBOX_IOC_CREATE, &open);
	fail_mark(fail, false);
	fail_objects_close(fail, LIST_CACHE);
	if (ret != -ENOMEM)
		return ret < 0 ? ret : -EPROTO;
	if (open_name(arg, 0) != -ENOENT)
		return -EEXIST;
	ret = xioctl(factory, MBOX_IOC_CREATE, &open);
	return ret < 0 ? ret : 0;
}

/* The kernel asks twice for memory to list a mailbox in: to fail once is not enough. */
TEST(listed_nowhere)
{
	const char *reason = fail_setup();
	char name[MBOX_NAME_SIZE];

	if (reason)
		SKIP(return, "%s", reason);
	name_make(name);
	EXPECT_EQ(0, in_child(create_unlisted, name));
}

/*
 * The kernel's own complaints when a module cannot be loaded come with stack traces, which would pass
 * for reports: keep them off the console. What is wrong still taints the kernel.
 */
FIXTURE(quiet)
{
	char printk[64], all[4];
};

FIXTURE_VARIANT(quiet)
{
	bool pages;		/* fail, too */
};

FIXTURE_VARIANT_ADD(quiet, all) { .pages = true };
FIXTURE_VARIANT_ADD(quiet, objects) { .pages = false };

static void exchange(const char *path, const char *text, char *was, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = was && fd >= 0 ? read(fd, was, size - 1) : 0;

	if (was)
		was[n > 0 ? n : 0] = '\0';
	close(fd);
	write_string(path, text);
}

FIXTURE_SETUP(quiet)
{
	exchange(PRINTK_LEVELS, "1", self->printk, sizeof(self->printk));
	exchange(PRINTK_ALL, "N", self->all, sizeof(self->all));
}

FIXTURE_TEARDOWN(quiet)
{
	exchange(PRINTK_LEVELS, self->printk, NULL, 0);
	exchange(PRINTK_ALL, self->all, NULL, 0);
}

TEST_F_TIMEOUT(quiet, load, TIMEOUT)
{
	int file = open("/mbox/mbox.ko", O_RDONLY | O_CLOEXEC), fail = fail_open();
	const char *reason = fail_setup();
	unsigned int nth = 0;
	int failed, ret;

	if (reason)
		SKIP(return, "%s", reason);
	if (file < 0)
		SKIP(return, "the module's file is not there");
	if (syscall(SYS_delete_module, "mbox", O_NONBLOCK) < 0)
		SKIP(return, "the module does not go: %s", strerror(errno));
	ASSERT_TRUE(fail_pages_allow(variant->pages));
	do {
		ASSERT_GT(NTH_MAX, ++nth);
		fail_arm(fail, nth);
		ret = syscall(SYS_finit_module, file, "", 0) < 0 ? -errno : 0;
		failed = fail_disarm(fail);
		if (ret < 0) {
			EXPECT_EQ(1, failed);
			EXPECT_EQ(-ENOENT, factory_open());
			EXPECT_EQ(-1, access("/sys/module/mbox", F_OK));
		} else if (failed) {
			EXPECT_EQ(0, syscall(SYS_delete_module, "mbox", O_NONBLOCK));
		}
	} while (failed == 1);
	EXPECT_EQ(0, ret);
	TH_LOG("%u chances to fail", nth - 1);
}

MBOX_TEST_MAIN
